//! State of a correlation: one small group per key, bounded by what lies in the window.
//!
//! See `rule/correlation.rs` for the meanings. A group answers each row that reaches it: does the condition
//! hold, is this a row at which to alert, and which rows has nobody been told of yet. Forgetting groups whose every
//! row has left the window changes no answer.

mod count;
mod slots;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use suyuan_model::time::DAY;

use crate::alert::Evidence;
use crate::hash::Key;
use crate::rule::{Correlation, Emit, Expr, Input, MICRO, Measure, Stage};
use crate::state::{Shards, Table, saved};
use crate::view::Cite;
pub(crate) use count::Mark;
use count::{Count, Rings};
pub(crate) use slots::Place;
use slots::Slots;

/// More rows than this in one window of one key are not kept apart: the oldest leave, and the count says "at least".
const MOST: usize = 100_000;
/// Where only "at least N" is asked, so many rows of a window are enough to count and to show.
const ENOUGH: usize = 4_096;
/// Groups of keys that do not come again, and whose slots nobody takes, are looked for this often.
const FORGET: i64 = 7 * DAY;
/// Parts of the groups of a counting correlation: few, so that short windows take little memory and stay near.
const PARTS: usize = 64;
/// Rows of one step of a sequence that are kept per key.
const STEP_ROWS: usize = 64;

/// What a row brings to its group.
pub(crate) struct Arrival {
    pub cite: Cite,
    /// What is counted: the value's key, or the amount's bits.
    pub value: u64,
    /// For sequences: the keys of the captured fields; 0 where absent.
    pub captured: Vec<u64>,
    /// For rows that come through a correlation: the rows that made it hold.
    pub inner: Vec<Cite>,
    /// For absences: whom it is about.
    pub entity: String,
}

/// What a row that is counted brings to its group.
#[derive(Clone, Copy)]
pub(crate) struct Coming {
    /// The group's key.
    pub key: Key,
    /// The value's key, or the amount's bits.
    pub value: u64,
    /// Which of the rows that are taken in together.
    pub n: u32,
    /// Where the group stood a while ago.
    pub place: Place,
}

/// The condition held at a row.
pub(crate) struct Hit {
    /// The count, the number of values, the sum ..., in millionths of the value's unit.
    pub micro: i128,
    /// Rows not told before.
    pub rows: Vec<Cite>,
    /// Every row of the window, if this is a row at which to alert.
    pub alert: Option<Vec<Cite>>,
}

/// A deadline passed and what was expected had not come.
pub(crate) struct Missed {
    pub key: Key,
    pub cite: Cite,
    pub at: i64,
    pub entity: String,
    pub alert: bool,
}

/// What those who ask want to hear.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    /// Rows nobody was told of yet.
    pub findings: bool,
    /// What an alert carries.
    pub alerts: Evidence,
}

#[derive(Serialize, Deserialize)]
struct Staged {
    cite: Cite,
    captured: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    cite: Cite,
    until: i64,
    entity: String,
}

#[derive(Default, Serialize, Deserialize)]
enum Extra {
    #[default]
    None,
    /// `temporal`: the latest row of each step.
    Latest(Vec<Option<Cite>>),
    /// `temporal_ordered` of two steps: the latest row of the first.
    Begun(Cite),
    /// Of more: for each step but the last the chain with the latest start.
    Chains(Vec<Vec<Cite>>),
    /// `sequence`: the newest rows of each step.
    Stages(Vec<VecDeque<Staged>>),
    /// `absence`: rows that wait.
    Waiting(VecDeque<Pending>),
}

#[derive(Default, Serialize, Deserialize)]
struct Group {
    last: i64,
    /// For correlations that count the rows at which another one held.
    count: Count,
    /// Whether the condition held when it was last asked, and when that was.
    held: bool,
    asked: i64,
    alerted: i64,
    extra: Extra,
    /// For steps: rows told already; for rows through a correlation: the rows behind them.
    told: BTreeSet<Cite>,
    inner: BTreeMap<Cite, Vec<Cite>>,
}

/// The groups of one correlation.
pub(crate) struct Windows {
    span: i64,
    cap: usize,
    /// Whether its condition may hold for a row that stands alone.
    alone: bool,
    /// Whether it counts rows of detections: those groups are small, and stand in `counts`.
    counting: bool,
    counts: Shards<Slots, PARTS>,
    rings: Rings,
    /// Blocks of rows that groups were looked for.
    blocks: u32,
    /// When groups to forget were looked for.
    forgot: i64,
    groups: Table<Group>,
    /// For absences: deadlines, by time and order of arrival.
    deadlines: BTreeMap<(i64, u64), Key>,
    arrivals: u64,
}

saved!(Windows, tables: [counts, groups], cells: [deadlines, arrivals]);

impl Windows {
    pub fn new(c: &Correlation) -> Windows {
        Windows {
            span: c.timespan,
            cap: c.least_needed().map_or(MOST, |n| n.max(ENOUGH)),
            alone: !matches!(c.measure, Measure::EventCount | Measure::ValueCount) || c.holds(MICRO),
            counting: !c.measure.stepped()
                && !matches!(c.measure, Measure::Each | Measure::Absence)
                && c.inputs.iter().all(|i| matches!(i, Input::Detection(_))),
            counts: Shards::default(),
            rings: Rings::default(),
            blocks: 1,
            forgot: i64::MIN,
            groups: Table::default(),
            deadlines: BTreeMap::new(),
            arrivals: 0,
        }
    }

    /// Whether [`Windows::count`] takes its rows in.
    pub fn counting(&self) -> bool {
        self.counting
    }

    /// Takes a row of a counting correlation in.
    #[inline]
    pub fn count(&mut self, c: &Correlation, coming: &Coming, cite: &Cite, ask: Ask) -> Option<Hit> {
        let since = cite.ts.saturating_sub(self.span);
        let (groups, rings) = (self.counts.change_of(&coming.key), &mut self.rings);
        let group = groups.of(coming.key, (coming.place, self.blocks), (cite.ts, since), rings);
        let mark = Mark { cite: *cite, value: coming.value };
        if !self.alone && group.begin(since, mark) {
            // Most rows stand alone, and one row is not enough.
            return None;
        }
        group.add(c, (self.cap, self.alone), since, mark, ask, rings)
    }

    /// A block of rows begins: their groups are looked for before the first of them is counted.
    pub fn begin_block(&mut self) {
        self.blocks = self.blocks.wrapping_add(1).max(1);
    }

    /// Reads what tells where the group of a key stands; the value says nothing.
    #[inline]
    pub fn sign(&self, key: &Key) -> u32 {
        self.counts.of(key).sign(key)
    }

    /// Where the group of a key stands now, for [`Windows::count`].
    #[inline]
    pub fn find(&self, key: &Key) -> Place {
        self.counts.of(key).find(key)
    }

    /// When the newest row of a group was, if it is still there.
    #[inline]
    pub fn last(&self, key: &Key, place: Place) -> i64 {
        self.counts.of(key).at(place).map_or(0, Count::last)
    }

    /// Reads what the next row of a group will need; the value says nothing.
    #[inline]
    pub fn near(&self, key: &Key, place: Place) -> i64 {
        self.counts.of(key).at(place).map_or(0, Count::touch)
    }

    /// Reads what the next rows of these keys will need, so that it lies near when they come. Whoever waits for nothing but
    /// memory waits once for many.
    pub fn touch<'k>(&self, keys: impl Iterator<Item = &'k Key>) {
        let seen = match self.counting {
            true => keys.fold(0, |seen, k| seen ^ self.near(k, self.find(k))),
            false => keys.filter_map(|k| self.groups.get(k)).fold(0, |seen, g| seen ^ g.last),
        };
        std::hint::black_box(seen);
    }

    /// Whether a group that does not count is there.
    pub fn holds(&self, key: &Key) -> bool {
        self.groups.contains(key)
    }

    /// Takes a row in.
    pub fn add(&mut self, c: &Correlation, step: usize, key: Key, a: Arrival) -> Option<Hit> {
        if c.measure == Measure::Each {
            return Some(Hit { micro: MICRO, rows: vec![a.cite], alert: Some(vec![a.cite]) });
        }
        let ts = a.cite.ts;
        let since = ts.saturating_sub(self.span);
        if c.measure == Measure::Absence {
            self.absence(c, step, key, a);
            return None;
        }
        let follows = step > 0 && matches!(c.measure, Measure::TemporalOrdered | Measure::Sequence);
        if follows && !self.groups.contains(&key) {
            // Nothing has begun that this row could go on with.
            return None;
        }
        let g = self.groups.of(key);
        g.last = ts;
        if !a.inner.is_empty() {
            g.inner.retain(|k, _| k.ts > since);
            g.inner.insert(a.cite, a.inner);
        }
        let cite = a.cite;
        let held = match c.measure {
            Measure::Temporal => {
                g.latest(c.inputs.len(), step, cite);
                let (holds, rows) = g.present(c.present.as_ref(), since);
                Some((holds.then(|| c.inputs.len() as i128 * MICRO), rows))
            }
            Measure::TemporalOrdered => {
                let chain = g.in_order(c.inputs.len(), step, cite, since);
                (step + 1 == c.inputs.len()).then(|| {
                    (chain.is_some().then(|| c.inputs.len() as i128 * MICRO), chain.unwrap_or_default())
                })
            }
            Measure::Sequence => {
                let rows = g.staged(&c.stages, step, Staged { cite, captured: a.captured }, since);
                (step + 1 == c.inputs.len()).then(|| {
                    (rows.is_some().then(|| c.inputs.len() as i128 * MICRO), rows.unwrap_or_default())
                })
            }
            _ => {
                let mark = Mark { cite, value: a.value };
                return g.counted(c, self.cap, since, mark, &mut self.rings);
            }
        };
        let (micro, rows) = held?;
        g.answer(c, ts, since, micro, rows)
    }

    /// Takes a row into a step of a `temporal` without asking: it leads to other steps too, and is asked of once.
    pub fn note(&mut self, c: &Correlation, step: usize, key: Key, cite: Cite) {
        self.groups.of(key).latest(c.inputs.len(), step, cite);
    }

    fn absence(&mut self, c: &Correlation, step: usize, key: Key, a: Arrival) {
        let ts = a.cite.ts;
        if step == 1 {
            if self.groups.contains(&key)
                && let Extra::Waiting(w) = &mut self.groups.of(key).extra
            {
                // What waits is not over: its deadline lies at or after this row.
                w.clear();
            }
            return;
        }
        let g = self.groups.of(key);
        if !matches!(g.extra, Extra::Waiting(_)) {
            g.extra = Extra::Waiting(VecDeque::new());
        }
        let until = ts.saturating_add(c.timespan);
        g.last = until;
        if let Extra::Waiting(w) = &mut g.extra {
            w.push_back(Pending { cite: a.cite, until, entity: a.entity });
        }
        self.arrivals += 1;
        self.deadlines.insert((until, self.arrivals), key);
    }

    /// Deadlines before `now`, in their order: every row up to them has been seen.
    pub fn due(&mut self, c: &Correlation, now: i64) -> Vec<Missed> {
        let mut out = Vec::new();
        while let Some((&(until, n), &key)) = self.deadlines.first_key_value() {
            if until >= now {
                break;
            }
            self.deadlines.remove(&(until, n));
            if !self.groups.contains(&key) {
                continue;
            }
            let g = self.groups.of(key);
            let Extra::Waiting(w) = &mut g.extra else { continue };
            if w.front().is_none_or(|p| p.until > until) {
                continue;
            }
            let Some(p) = w.pop_front() else { continue };
            let quiet = c.emit == Emit::FirstCrossing
                && g.held
                && until.saturating_sub(g.alerted) < c.rearm.unwrap_or(0).min(c.timespan);
            g.held = true;
            if !quiet {
                g.alerted = until;
            }
            out.push(Missed { key, cite: p.cite, at: until, entity: p.entity, alert: !quiet });
        }
        out
    }

    /// Forgets groups whose every row has left the window.
    pub fn expire(&mut self, now: i64) {
        let since = now.saturating_sub(self.span);
        if now >= self.forgot.saturating_add(FORGET) {
            self.forgot = now;
            let rings = &mut self.rings;
            self.counts.change_where(|s| s.stale(since), |s| s.forget(since, rings));
        }
        self.groups.forget(|g| g.last <= since);
    }
}

impl Group {
    /// What to say of the condition, now that it was asked.
    fn answer(
        &mut self,
        c: &Correlation,
        ts: i64,
        since: i64,
        micro: Option<i128>,
        rows: Vec<Cite>,
    ) -> Option<Hit> {
        // What was asked before the window began no longer counts, so that forgetting it changes nothing.
        let before = self.held && self.asked > since;
        let rearmed = c.rearm.is_some_and(|r| ts.saturating_sub(self.alerted) >= r);
        self.held = micro.is_some();
        self.asked = ts;
        let micro = micro?;
        let fire = c.emit == Emit::Every || !before || rearmed;
        if fire {
            self.alerted = ts;
        }
        let alert = fire.then(|| self.with_inner(rows.iter().copied()));
        let rows = self.tell_steps(rows, since);
        let rows = self.with_inner(rows.into_iter());
        Some(Hit { micro, rows, alert })
    }

    /// Counts a row that came through another correlation; what stands behind it is told with it.
    fn counted(
        &mut self,
        c: &Correlation,
        cap: usize,
        since: i64,
        mark: Mark,
        rings: &mut Rings,
    ) -> Option<Hit> {
        let ask = Ask { findings: true, alerts: Evidence::Rows };
        let hit = self.count.add(c, (cap, true), since, mark, ask, rings)?;
        let rows = self.with_inner(hit.rows.into_iter());
        let alert = hit.alert.map(|all| self.with_inner(all.into_iter()));
        Some(Hit { micro: hit.micro, rows, alert })
    }

    /// Rows, and what stands behind those that came through a correlation.
    fn with_inner(&self, rows: impl Iterator<Item = Cite>) -> Vec<Cite> {
        if self.inner.is_empty() {
            return rows.collect();
        }
        let mut all: BTreeSet<Cite> = BTreeSet::new();
        for r in rows {
            all.extend(self.inner.get(&r).into_iter().flatten());
            all.insert(r);
        }
        all.into_iter().collect()
    }

    fn tell_steps(&mut self, rows: Vec<Cite>, since: i64) -> Vec<Cite> {
        self.told.retain(|c| c.ts > since);
        rows.into_iter().filter(|c| self.told.insert(*c)).collect()
    }

    fn latest(&mut self, steps: usize, step: usize, cite: Cite) {
        if !matches!(self.extra, Extra::Latest(_)) {
            self.extra = Extra::Latest(vec![None; steps]);
        }
        if let Extra::Latest(list) = &mut self.extra {
            list[step] = Some(cite);
        }
    }

    /// Whether the steps that must have come did, and the latest row of each that came.
    fn present(&self, wanted: Option<&Expr>, since: i64) -> (bool, Vec<Cite>) {
        let Extra::Latest(list) = &self.extra else { return (false, Vec::new()) };
        let here = |s: usize| list[s].filter(|c| c.ts > since);
        let holds = match wanted {
            Some(e) => said(e, &|s| here(s).is_some()),
            None => (0..list.len()).all(|s| here(s).is_some()),
        };
        let mut rows: Vec<Cite> = (0..list.len()).filter_map(here).collect();
        rows.sort_unstable();
        rows.dedup();
        (holds, rows)
    }

    /// The chain of a step is the one of the step before with this row at its end. The chain with the latest
    /// start is the best there is, because it stays in the window longest. A row reaches its last step first, so it does not
    /// stand for two.
    fn in_order(&mut self, steps: usize, step: usize, cite: Cite, since: i64) -> Option<Vec<Cite>> {
        if steps == 2 {
            if step == 0 {
                self.extra = Extra::Begun(cite);
                return None;
            }
            return match &self.extra {
                Extra::Begun(first) if first.ts > since => Some(vec![*first, cite]),
                _ => None,
            };
        }
        if !matches!(self.extra, Extra::Chains(_)) {
            self.extra = Extra::Chains(vec![Vec::new(); steps - 1]);
        }
        let Extra::Chains(chains) = &mut self.extra else { return None };
        if step == 0 {
            chains[0].clear();
            chains[0].push(cite);
            return None;
        }
        let before = &chains[step - 1];
        if before.first().is_none_or(|s| s.ts <= since) {
            return None;
        }
        let mut chain = before.clone();
        chain.push(cite);
        if let Some(kept) = chains.get_mut(step) {
            kept.clone_from(&chain);
        }
        Some(chain)
    }

    /// Takes a row of a step in; for one of the last step, the rows of a sequence that ends in it.
    fn staged(&mut self, stages: &[Stage], step: usize, row: Staged, since: i64) -> Option<Vec<Cite>> {
        if !matches!(self.extra, Extra::Stages(_)) {
            self.extra = Extra::Stages(stages.iter().map(|_| VecDeque::new()).collect());
        }
        let Extra::Stages(rows) = &mut self.extra else { return None };
        for list in rows.iter_mut() {
            while list.front().is_some_and(|r| r.cite.ts <= since) {
                list.pop_front();
            }
        }
        if rows[step].len() >= STEP_ROWS {
            rows[step].pop_front();
        }
        let end = row.cite;
        rows[step].push_back(row);
        if step + 1 < stages.len() {
            return None;
        }
        let mut chosen = Vec::new();
        climb(stages, rows, 0, None, end, &mut Vec::new(), &mut chosen).then_some(chosen)
    }
}

fn said(e: &Expr, here: &dyn Fn(usize) -> bool) -> bool {
    match e {
        Expr::Leaf(s) => here(*s),
        Expr::Not(e) => !said(e, here),
        Expr::All(list) => list.iter().all(|e| said(e, here)),
        Expr::Any(list) => list.iter().any(|e| said(e, here)),
    }
}

/// Chooses rows of stage `at` after `after`, then of the later stages, so that the last one is `end`.
///
/// Of each stage the rows are taken from the first possible one on; every row that could be the stage's last is
/// tried, because later stages compare with it. `last` holds the captured fields of each earlier stage's last row.
fn climb(
    stages: &[Stage],
    rows: &[VecDeque<Staged>],
    at: usize,
    after: Option<Cite>,
    end: Cite,
    last: &mut Vec<usize>,
    chosen: &mut Vec<Cite>,
) -> bool {
    let stage = &stages[at];
    let fits = |r: &Staged| {
        r.cite <= end
            && after.is_none_or(|a| r.cite > a)
            && stage.across.iter().all(|x| {
                let other = rows[x.step][last[x.step]].captured[x.theirs];
                let mine = r.captured[x.mine];
                // An absent value is neither the same nor another one.
                mine != 0 && other != 0 && (mine == other) == x.equal
            })
    };
    let good: Vec<usize> = (0..rows[at].len()).filter(|i| fits(&rows[at][*i])).collect();
    let start = chosen.len();
    for n in stage.least.max(1) - 1..good.len() {
        let ends_here = rows[at][good[n]].cite == end;
        if (at + 1 == stages.len()) != ends_here {
            continue;
        }
        chosen.extend(good[n + 1 - stage.least.max(1)..=n].iter().map(|i| rows[at][*i].cite));
        if ends_here {
            return true;
        }
        last.push(good[n]);
        let done = climb(stages, rows, at + 1, Some(rows[at][good[n]].cite), end, last, chosen);
        last.pop();
        if done {
            return true;
        }
        chosen.truncate(start);
    }
    false
}
