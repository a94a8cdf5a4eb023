//! Live: rows as they arrive, put in order behind a watermark, through the same evaluator as history.
//!
//! **Order.** Rows wait in a reorder buffer until the watermark has passed them; then they go through in the total
//! order. The watermark of a source is its newest time less the lateness allowed; the whole watermark is the least over
//! the sources that are not idle, and never goes back. When every source is idle, what waits goes through.
//! A row whose time lies too far in the future moves nothing and is handed back. A row behind the watermark is late: it is
//! counted and handed back; whoever keeps the records stores it and has the difference worked out
//! ([`crate::corrections`]). A row that comes twice while it waits counts once.
//!
//! **Reference records** (staff, outlets, terminals) hold from the moment they arrive.
//!
//! **Snapshots.** [`Live::begin`] marks the state at this position; [`Live::slice`] hands out pieces between
//! rows, so that no row waits long. Restored, and given every row after the snapshot's watermark again (or every row
//! from its offset on), it goes on as if nothing had happened; alerts given twice have the same ids.
//!
//! Invariant: after the same rows, in whatever order within the lateness, cut and restarted anywhere, the alerts are those of
//! [`crate::alerts`]. Blind spot: reference records that arrive after the rows they speak of.

mod queue;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_model::scan::{RowStream, ScanError, Want};
use suyuan_model::time::SECOND;
use suyuan_model::{Kind, RowRef};

use crate::alert::{Alert, Evidence};
use crate::core::{Ahead, Core};
use crate::error::DetectError;
use crate::kernel::Columns as _;
use crate::registry::Registry;
use crate::rule::RuleSet;
use crate::state::{AnyCell, AnyTable, Piece, Saved, StateError, Visit};
use crate::view::{View, Views};
use queue::{Queue, Waiting};

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveParams {
    /// How late a row may come, microseconds.
    pub lateness: i64,
    /// A source silent for this long no longer holds the others back.
    pub idle: i64,
    /// A row this far ahead of the clock is not believed.
    pub future: i64,
}

impl Default for LiveParams {
    fn default() -> Self {
        Self { lateness: 60 * SECOND, idle: 30 * SECOND, future: 300 * SECOND }
    }
}

/// What became of the rows of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Rows behind the watermark: to be stored and corrected for.
    pub late: Vec<RowRef>,
    /// Rows from the future: to be looked at, and given again if they are right.
    pub future: Vec<RowRef>,
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that arrived.
    pub arrived: u64,
    /// Rows evaluated.
    pub evaluated: u64,
    /// Rows late, per source.
    pub late: BTreeMap<String, u64>,
    /// Rows from the future, per source.
    pub future: BTreeMap<String, u64>,
    /// Rows that came twice while they waited.
    pub twice: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Source {
    newest: i64,
    arrived: i64,
}

/// Where a snapshot stands, and what must fit when it is restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Every row up to this time has been evaluated.
    pub watermark: i64,
    /// Rows that had arrived.
    pub arrived: u64,
    /// The first arrival that was still waiting: give the rows from here on again.
    pub offset: u64,
    /// The hashes of the rules, in their order.
    pub rules: Vec<String>,
}

/// A snapshot as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where it stands.
    pub position: Position,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

/// The first bytes of a snapshot's file: what it is and the version of its form.
const MAGIC: &[u8; 8] = b"suyuanS5";

impl Snapshot {
    /// As bytes, with a checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = postcard::to_allocvec(self).expect("a snapshot is plain data");
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&Sha256::digest(&body));
        out.extend(body);
        out
    }

    /// From bytes. Errors: not a snapshot, of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot, DetectError> {
        let bad = |why: &str| DetectError::from(StateError(why.to_owned()));
        let body =
            bytes.get(40..).filter(|_| bytes.starts_with(MAGIC)).ok_or_else(|| bad("not a snapshot"))?;
        if Sha256::digest(body).as_slice() != &bytes[8..40] {
            return Err(bad("its checksum does not hold"));
        }
        postcard::from_bytes(body).map_err(|e| bad(&e.to_string()))
    }
}

/// A restored or running evaluation of live rows.
pub struct Live<'r> {
    core: Core<'r>,
    refs: Registry,
    params: LiveParams,
    sources: BTreeMap<Rc<str>, Source>,
    watermark: i64,
    queue: Queue,
    counts: Counts,
    /// Arrivals below this were there before a restart; those up to the watermark are done.
    known: u64,
    done: i64,
    previous: Option<(i64, Rc<str>, i64, Kind)>,
    rules: &'r RuleSet,
    kinds: Vec<bool>,
}

impl<'r> Live<'r> {
    /// An evaluation that has seen nothing.
    pub fn new(rules: &'r RuleSet, params: LiveParams) -> Live<'r> {
        let core = Core::new(rules, false, true);
        let read = core.bound.kinds();
        Live {
            core,
            refs: Registry::default(),
            params,
            sources: BTreeMap::new(),
            watermark: i64::MIN,
            queue: Queue::default(),
            counts: Counts::default(),
            known: 0,
            done: i64::MIN,
            previous: None,
            rules,
            kinds: Kind::ALL.iter().map(|k| read.contains(k)).collect(),
        }
    }

    /// The same with alerts that carry so much evidence.
    pub fn telling(mut self, evidence: Evidence) -> Live<'r> {
        self.core.evidence = evidence;
        self
    }

    /// Takes a batch of one kind in, in any order. `now` is the clock at its arrival, microseconds.
    ///
    /// Errors: a batch that is not of the kind's schema.
    pub fn push(&mut self, kind: Kind, batch: &Arc<RecordBatch>, now: i64) -> Result<Pushed, DetectError> {
        self.push_all(&[(kind, batch.clone())], now)
    }

    /// Takes batches in that arrived together: the watermark moves once all of them are in, so that rows of one kind are
    /// not late for rows of another that came in the same delivery.
    ///
    /// Errors: as [`Live::push`].
    pub fn push_all(
        &mut self,
        batches: &[(Kind, Arc<RecordBatch>)],
        now: i64,
    ) -> Result<Pushed, DetectError> {
        let mut out = Pushed::default();
        for (kind, batch) in batches {
            self.take(*kind, batch, now, &mut out)?;
        }
        self.move_on(now);
        Ok(out)
    }

    fn take(
        &mut self,
        kind: Kind,
        batch: &Arc<RecordBatch>,
        now: i64,
        out: &mut Pushed,
    ) -> Result<(), DetectError> {
        for name in suyuan_model::kind::KEY_COLUMNS {
            if batch.column_by_name(name).is_none() {
                return Err(
                    ScanError(format!("the batch of `{}` has no column `{name}`", kind.name())).into()
                );
            }
        }
        if matches!(kind, Kind::Staff | Kind::Outlet | Kind::Terminal) {
            (0..batch.num_rows()).for_each(|i| self.refs.take(kind, batch, i));
        }
        if !self.kinds[kind as usize] {
            return Ok(());
        }
        let masks = self.core.bound.masks[kind as usize];
        let view = Arc::new(View::new(kind, batch.clone(), &self.core.bound.binder, masks));
        let mut name: Rc<str> = "".into();
        let mut from = 0;
        while from < batch.num_rows() {
            let row = view.row(from);
            let (source, seq) = row.reference();
            if *name != *source {
                name = match self.sources.get_key_value(source) {
                    Some((k, _)) => k.clone(),
                    None => source.into(),
                };
            }
            let end = ascending(&view, from);
            let (offset, view, rows) = (self.counts.arrived, view.clone(), from..end);
            self.counts.arrived += (end - from) as u64;
            self.arrive(Waiting { ts: row.ts, source: name.clone(), seq, offset, view, rows }, now, out);
            from = end;
        }
        Ok(())
    }

    fn arrive(&mut self, w: Waiting, now: i64, out: &mut Pushed) {
        let (last, far) = (w.last().0, now.saturating_add(self.params.future));
        let done = w.offset < self.known && w.ts <= self.done;
        if w.rows.len() > 1 && (done || last > far || w.ts <= self.watermark) {
            // Not all of them may wait.
            return w.rows.clone().for_each(|at| self.arrive(w.one(at), now, out));
        }
        if done {
            return;
        }
        let identity = |w: &Waiting| RowRef {
            kind: w.view.kind(),
            ts: w.ts,
            source: w.source.to_string(),
            seq: w.seq,
            file: 0,
            line: 0,
        };
        if last > far {
            *self.counts.future.entry(w.source.to_string()).or_default() += 1;
            out.future.push(identity(&w));
            return;
        }
        match self.sources.get_mut(&*w.source) {
            Some(s) => {
                s.newest = s.newest.max(last);
                s.arrived = s.arrived.max(now);
            }
            None => {
                self.sources.insert(w.source.clone(), Source { newest: last, arrived: now });
            }
        }
        if w.ts <= self.watermark {
            *self.counts.late.entry(w.source.to_string()).or_default() += 1;
            out.late.push(identity(&w));
            return;
        }
        self.queue.push(w);
    }

    /// The clock has come to `now` without a row: sources fall idle, and what waits may go through.
    pub fn tick(&mut self, now: i64) {
        self.move_on(now);
    }

    fn move_on(&mut self, now: i64) {
        let active = self.sources.values().filter(|s| now.saturating_sub(s.arrived) < self.params.idle);
        let least = active.map(|s| s.newest.saturating_sub(self.params.lateness)).min();
        // Nobody speaks: what there is has had its time.
        let mark = least.or_else(|| self.sources.values().map(|s| s.newest).max());
        if let Some(mark) = mark.filter(|m| *m > self.watermark) {
            self.watermark = mark;
            self.drain();
            self.core.advance(mark.saturating_add(1), &self.refs);
        }
    }

    fn drain(&mut self) {
        let mut due = Ahead::default();
        loop {
            let (previous, twice) = (&mut self.previous, &mut self.counts.twice);
            let more = self.queue.next_until(self.watermark, |w, mut rows| {
                let kind = w.view.kind();
                if previous
                    .as_ref()
                    .is_some_and(|p| (p.0, &*p.1, p.2, p.3) == (w.ts, &*w.source, w.seq, kind))
                {
                    *twice += 1;
                    rows.start += 1;
                }
                if let Some(last) = rows.clone().next_back() {
                    let row = w.view.row(last);
                    *previous = Some((row.ts, w.source.clone(), row.reference().1, kind));
                    due.add(&w.view, rows);
                }
            });
            if due.full() || !more {
                self.evaluate(&mut due);
            }
            if !more {
                break;
            }
        }
    }

    fn evaluate(&mut self, due: &mut Ahead) {
        self.core.rows_in_order(due.rows(), &self.refs);
        self.counts.evaluated += due.rows().len() as u64;
        due.clear();
    }

    /// The input is over: everything that waits goes through and the day is closed.
    pub fn finish(&mut self) {
        self.watermark = self.sources.values().map(|s| s.newest).max().unwrap_or(self.watermark);
        self.drain();
        self.core.finish(&self.refs);
    }

    /// The alerts given since they were last taken.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        self.core.take_alerts()
    }

    /// Gives out the alerts since they were last taken, one by one.
    pub fn each_alert(&mut self, each: &mut dyn FnMut(Alert)) {
        self.core.each_alert(each);
    }

    /// Counts since the start.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Every row up to this time has been evaluated.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Rows that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Keys held, over all tables.
    pub fn keys(&mut self) -> usize {
        let mut v = Count(0);
        self.core.state(&mut v);
        v.0
    }

    /// Evaluates rows that are kept in order, up to and including `until`; earlier ones are passed over.
    ///
    /// For those who keep every row before it is evaluated (the lake): what comes late there is found by comparing
    /// with a replay from an earlier snapshot. Errors: the rows could not be read.
    pub fn replay(
        &mut self,
        stream: &mut dyn RowStream,
        until: i64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, DetectError> {
        let mut views = Views::default();
        let mut due = Ahead::default();
        let mut rows = 0u64;
        'all: while let Some(run) = stream.next_run()? {
            if !self.kinds[run.kind as usize] {
                continue;
            }
            let masks = self.core.bound.masks[run.kind as usize];
            let view = views.of(run.kind, &run.batch, &self.core.bound.binder, masks);
            for i in run.rows {
                let ts = view.row(i).ts;
                if ts <= self.watermark {
                    continue;
                }
                if ts > until {
                    break 'all;
                }
                due.add(view, i..i + 1);
                rows += 1;
                if due.full() {
                    self.evaluate(&mut due);
                }
                if rows.is_multiple_of(65_536) {
                    progress(rows);
                }
            }
        }
        self.evaluate(&mut due);
        if until > self.watermark {
            self.watermark = until;
            self.core.advance(until.saturating_add(1), &self.refs);
        }
        Ok(rows)
    }

    /// What a replay reads.
    pub fn wants(&self) -> Vec<Want> {
        let bound = &self.core.bound;
        bound.kinds().into_iter().map(|k| Want::only(k, bound.binder.columns(k))).collect()
    }

    /// A whole snapshot at once.
    pub fn save(&mut self) -> Snapshot {
        let (position, mut pieces) = self.begin(true);
        while let Some(more) = self.slice(usize::MAX) {
            pieces.extend(more);
        }
        Snapshot { position, pieces }
    }

    /// Begins a snapshot of the state as it is now: the position, and the pieces that must be taken at once.
    ///
    /// `whole` takes every shard, not only those that changed since the last snapshot.
    pub fn begin(&mut self, whole: bool) -> (Position, Vec<Piece>) {
        let offset = self.queue.oldest().unwrap_or(self.counts.arrived);
        let position = Position {
            watermark: self.watermark,
            arrived: self.counts.arrived,
            offset,
            rules: self.rules.rules().iter().map(|r| r.hash.clone()).collect(),
        };
        let mut v = Begin { item: 0, whole, out: Vec::new() };
        self.core.state(&mut v);
        v.cell(&mut crate::state::Plain(&mut self.counts));
        let mut sources: Vec<(String, Source)> =
            self.sources.iter().map(|(k, s)| (k.to_string(), *s)).collect();
        v.cell(&mut crate::state::Plain(&mut sources));
        (position, v.out)
    }

    /// The next pieces of the snapshot under way, about `budget` bytes of them; `None` when there are no more.
    pub fn slice(&mut self, budget: usize) -> Option<Vec<Piece>> {
        let mut v = Copy { item: 0, budget: budget.max(1), out: Vec::new(), more: false };
        self.core.state(&mut v);
        (v.more || !v.out.is_empty()).then_some(v.out)
    }

    /// Goes on from a snapshot: the newest piece of each item and shard.
    ///
    /// Then give the rows from `position.offset` on again, or all rows later than `position.watermark`. Errors: the
    /// snapshot is of other rules, or damaged.
    pub fn restore(
        rules: &'r RuleSet,
        params: LiveParams,
        position: &Position,
        pieces: impl IntoIterator<Item = Piece>,
    ) -> Result<Live<'r>, DetectError> {
        let mut live = Live::new(rules, params);
        let now: Vec<&String> = rules.rules().iter().map(|r| &r.hash).collect();
        if now != position.rules.iter().collect::<Vec<_>>() {
            return Err(StateError("it was taken with other rules".into()).into());
        }
        let mut by_item: BTreeMap<u32, BTreeMap<u16, Vec<u8>>> = BTreeMap::new();
        for p in pieces {
            by_item.entry(p.item).or_default().insert(p.shard, p.bytes);
        }
        let mut v = Load { item: 0, pieces: by_item, fault: None };
        live.core.state(&mut v);
        v.cell(&mut crate::state::Plain(&mut live.counts));
        let mut sources: Vec<(String, Source)> = Vec::new();
        v.cell(&mut crate::state::Plain(&mut sources));
        if let Some(fault) = v.fault {
            return Err(fault.into());
        }
        live.sources = sources.into_iter().map(|(k, s)| (k.into(), s)).collect();
        live.watermark = position.watermark;
        live.done = position.watermark;
        live.known = position.arrived;
        live.counts.arrived = position.offset;
        Ok(live)
    }

    /// Takes reference records in before anything else is restored or pushed.
    pub fn refer(&mut self, source: &dyn suyuan_model::scan::RowSource) -> Result<(), DetectError> {
        self.refs = Registry::read(source)?;
        Ok(())
    }
}

/// Where the rows of a view end that begin at `from`, are of one source, and come each after the one before it.
fn ascending(view: &View, from: usize) -> usize {
    let place = |at: usize| (view.row(at).ts, view.row(at).reference());
    let mut last = place(from);
    (from + 1..view.len())
        .find(|at| {
            let next = place(*at);
            let follows = next.1.0 == last.1.0 && (next.0, next.1.1) > (last.0, last.1.1);
            last = next;
            !follows
        })
        .unwrap_or(view.len())
}

struct Count(usize);

impl Visit for Count {
    fn table(&mut self, t: &mut dyn AnyTable) {
        self.0 += t.keys();
    }
    fn cell(&mut self, _: &mut dyn AnyCell) {}
}

struct Begin {
    item: u32,
    whole: bool,
    out: Vec<Piece>,
}

impl Visit for Begin {
    fn table(&mut self, t: &mut dyn AnyTable) {
        t.begin(self.whole);
        self.item += 1;
    }
    fn cell(&mut self, c: &mut dyn AnyCell) {
        self.out.push(Piece { item: self.item, shard: 0, bytes: c.bytes() });
        self.item += 1;
    }
}

struct Copy {
    item: u32,
    budget: usize,
    out: Vec<Piece>,
    more: bool,
}

impl Visit for Copy {
    fn table(&mut self, t: &mut dyn AnyTable) {
        if self.budget == 0 {
            // The next slice goes on here.
            self.more |= t.pending();
            self.item += 1;
            return;
        }
        let mut copied = Vec::new();
        self.more |= t.copy(self.budget, &mut copied);
        for (shard, bytes) in copied {
            self.budget = self.budget.saturating_sub(bytes.len());
            self.out.push(Piece { item: self.item, shard, bytes });
        }
        self.item += 1;
    }
    fn cell(&mut self, _: &mut dyn AnyCell) {
        self.item += 1;
    }
}

struct Load {
    item: u32,
    pieces: BTreeMap<u32, BTreeMap<u16, Vec<u8>>>,
    fault: Option<StateError>,
}

impl Load {
    fn next(&mut self) -> BTreeMap<u16, Vec<u8>> {
        self.item += 1;
        self.pieces.remove(&(self.item - 1)).unwrap_or_default()
    }
}

impl Visit for Load {
    fn table(&mut self, t: &mut dyn AnyTable) {
        for (shard, bytes) in self.next() {
            if let Err(e) = t.load(shard, &bytes) {
                self.fault.get_or_insert(e);
            }
        }
    }
    fn cell(&mut self, c: &mut dyn AnyCell) {
        match self.next().remove(&0) {
            Some(bytes) => {
                if let Err(e) = c.load(&bytes) {
                    self.fault.get_or_insert(e);
                }
            }
            None => {
                self.fault.get_or_insert(StateError("a piece is missing".into()));
            }
        }
    }
}
