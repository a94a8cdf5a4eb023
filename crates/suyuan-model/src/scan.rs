//! How rows reach those who compute: runs of rows in the total order.
//!
//! `detect`, `trace` and `case` touch no disk; they read from a [`RowSource`], which the lake, or a
//! test's memory, provides.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::Kind;
use crate::columns::{Column as _, Key, Str};
use crate::kind::{KEY_COLUMNS, ORIGIN_COLUMNS};
use crate::score::Scores;

/// What one scan reads of one kind.
#[derive(Clone, Debug)]
pub struct Want {
    /// The kind.
    pub kind: Kind,
    /// The columns wanted beside the key columns; `None` for all.
    pub columns: Option<Vec<&'static str>>,
    /// Whether the origin columns are wanted, too.
    pub origin: bool,
    /// Columns of text that may come as codes.
    pub codes: Vec<&'static str>,
}

impl Want {
    /// All columns of the kind.
    pub fn all(kind: Kind) -> Self {
        Self { kind, columns: None, origin: true, codes: Vec::new() }
    }
    /// Only these columns (and the key and origin columns).
    pub fn only(kind: Kind, columns: &[&'static str]) -> Self {
        Self { kind, columns: Some(columns.to_vec()), origin: true, codes: Vec::new() }
    }
    /// The same without the origin columns, for those who do not ask which line of which file a row was.
    pub fn without_origin(self) -> Self {
        Self { origin: false, ..self }
    }
    /// The same where these columns of text may come as codes into a list of texts, the key column `source` among them: who
    /// asks for it binds them as [`crate::columns::Coded`].
    pub fn coded(self, codes: &[&'static str]) -> Self {
        Self { codes: codes.to_vec(), ..self }
    }
    /// The columns beside those that the wants name, which every batch of the kind has.
    pub fn always(wants: &[Want], kind: Kind) -> Vec<&'static str> {
        let origin = wants.iter().any(|w| w.kind == kind && w.origin);
        let of_origin: &[&str] = if origin { &ORIGIN_COLUMNS } else { &[] };
        KEY_COLUMNS.iter().chain(of_origin).copied().collect()
    }
}

/// Rows `rows` of `batch`, all of one kind; they come next in the total order.
#[derive(Clone, Debug)]
pub struct Run {
    /// The kind.
    pub kind: Kind,
    /// The batch that holds them; consecutive runs may share it.
    pub batch: Arc<RecordBatch>,
    /// Which of its rows.
    pub rows: Range<usize>,
}

/// Why a scan could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScanError(pub String);

/// Many runs: each batch once, and the rows of which one come next.
#[derive(Debug, Default)]
pub struct Runs {
    /// The batches.
    pub batches: Vec<(Kind, Arc<RecordBatch>)>,
    /// Which of them, and which of its rows; in the total order.
    pub runs: Vec<(u32, Range<u32>)>,
}

impl Runs {
    /// Forgets them.
    pub fn clear(&mut self) {
        self.batches.clear();
        self.runs.clear();
    }

    /// Adds a batch; the number that its runs have.
    pub fn batch(&mut self, kind: Kind, batch: Arc<RecordBatch>) -> u32 {
        self.batches.push((kind, batch));
        self.batches.len() as u32 - 1
    }
}

/// Runs in the order `(ts, source, seq, kind)`.
pub trait RowStream {
    /// The next run, or `None` at the end.
    fn next_run(&mut self) -> Result<Option<Run>, ScanError>;

    /// Adds runs of so many rows or somewhat more to `runs`; of none at the end.
    fn next_runs(&mut self, rows: usize, runs: &mut Runs) -> Result<(), ScanError> {
        let mut taken = 0;
        while taken < rows {
            let Some(run) = self.next_run()? else { break };
            let same = |b: &(Kind, Arc<RecordBatch>)| Arc::ptr_eq(&b.1, &run.batch);
            // Scans of several files go to and fro between a few batches.
            let from = runs.batches.len().saturating_sub(LATELY);
            let of = runs.batches[from..].iter().rposition(same).map(|at| (from + at) as u32);
            taken += run.rows.len();
            let of = of.unwrap_or_else(|| runs.batch(run.kind, run.batch));
            runs.runs.push((of, run.rows.start as u32..run.rows.end as u32));
        }
        Ok(())
    }
}

/// Among so many batches that came last a run's is looked for; an earlier one is listed once more, which costs little.
const LATELY: usize = 32;

/// Where ordered rows come from: a snapshot of the lake, or memory.
///
/// Contract: two scans of one source give the same rows in the same order.
pub trait RowSource {
    /// Starts an ordered scan over the kinds wanted, merged.
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError>;
    /// How many rows of that kind there are (for progress and denominators).
    fn count(&self, kind: Kind) -> u64;

    /// The same scan without the rows before an instant.
    fn scan_from(&self, wants: &[Want], from: i64) -> Result<Box<dyn RowStream + '_>, ScanError> {
        Ok(Box::new(Since { stream: self.scan(wants)?, from }))
    }

    /// How many rows of that kind are before an instant.
    fn count_before(&self, kind: Kind, before: i64) -> Result<u64, ScanError> {
        let mut stream = self.scan(&[Want::only(kind, &[])])?;
        let mut rows = 0;
        while let Some(run) = stream.next_run()? {
            rows += (from(&run, before) - run.rows.start) as u64;
        }
        Ok(rows)
    }

    /// The rows of a kind before an instant that hold one of certain texts in a column, which `columns` must name.
    fn scan_picked(
        &self,
        kind: Kind,
        columns: &[&'static str],
        pick: Pick,
    ) -> Result<Box<dyn RowStream + '_>, ScanError> {
        let stream = self.scan(&[Want::only(kind, columns)])?;
        Ok(Box::new(Picked { stream, pick, found: VecDeque::new() }))
    }

    /// What a score says beside the rows; mostly nothing.
    fn scores(&self) -> Option<&Scores> {
        None
    }
}

/// A source with what a score says beside it.
pub struct Beside<'a> {
    /// The rows.
    pub rows: &'a dyn RowSource,
    /// What the score says, where there is one.
    pub scores: Option<&'a Scores>,
}

impl RowSource for Beside<'_> {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        self.rows.scan(wants)
    }
    fn count(&self, kind: Kind) -> u64 {
        self.rows.count(kind)
    }
    fn scan_from(&self, wants: &[Want], from: i64) -> Result<Box<dyn RowStream + '_>, ScanError> {
        self.rows.scan_from(wants, from)
    }
    fn count_before(&self, kind: Kind, before: i64) -> Result<u64, ScanError> {
        self.rows.count_before(kind, before)
    }
    fn scan_picked(
        &self,
        kind: Kind,
        columns: &[&'static str],
        pick: Pick,
    ) -> Result<Box<dyn RowStream + '_>, ScanError> {
        self.rows.scan_picked(kind, columns, pick)
    }
    fn scores(&self) -> Option<&Scores> {
        self.scores
    }
}

/// Which rows a scan of few gives.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The column.
    pub column: &'static str,
    /// The texts that are wanted.
    pub texts: Arc<BTreeSet<String>>,
    /// Only rows before this instant.
    pub before: i64,
}

/// The first row of a run at or after an instant.
fn from(run: &Run, instant: i64) -> usize {
    let key = Key::bind(&run.batch);
    let (mut low, mut high) = (run.rows.start, run.rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if key.ts(middle) < instant { low = middle + 1 } else { high = middle }
    }
    low
}

/// A stream without the rows before an instant.
struct Since<'a> {
    stream: Box<dyn RowStream + 'a>,
    from: i64,
}

impl RowStream for Since<'_> {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        while let Some(mut run) = self.stream.next_run()? {
            run.rows.start = from(&run, self.from);
            if !run.rows.is_empty() {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }
}

/// A stream of the rows that were picked.
struct Picked<'a> {
    stream: Box<dyn RowStream + 'a>,
    pick: Pick,
    found: VecDeque<Run>,
}

impl RowStream for Picked<'_> {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        while self.found.is_empty() {
            let Some(run) = self.stream.next_run()? else { return Ok(None) };
            let texts = Str::bind(&run.batch, self.pick.column);
            let rows = run.rows.start..from(&run, self.pick.before);
            let wanted = rows.filter(|i| texts.get(*i).is_some_and(|t| self.pick.texts.contains(t)));
            self.found.extend(wanted.map(|i| Run { rows: i..i + 1, ..run.clone() }));
        }
        Ok(self.found.pop_front())
    }
}

/// Calls `each` for every row of the scan, in order.
pub fn for_each(
    source: &dyn RowSource,
    wants: &[Want],
    mut each: impl FnMut(Kind, &Arc<RecordBatch>, usize),
) -> Result<(), ScanError> {
    let mut stream = source.scan(wants)?;
    while let Some(run) = stream.next_run()? {
        for i in run.rows {
            each(run.kind, &run.batch, i);
        }
    }
    Ok(())
}

/// Calls `each` once per batch slice of one kind, in order: for those who bind columns.
pub fn for_each_run(
    source: &dyn RowSource,
    wants: &[Want],
    mut each: impl FnMut(Kind, &RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    let mut stream = source.scan(wants)?;
    while let Some(run) = stream.next_run()? {
        each(run.kind, &run.batch, run.rows);
    }
    Ok(())
}

/// Rows held in memory: the source of tests and of rules' examples.
#[derive(Default)]
pub struct MemorySource {
    batches: Vec<(Kind, Arc<RecordBatch>)>,
    scores: Option<Scores>,
}

impl MemorySource {
    /// Adds a batch of a kind; its rows need not be sorted.
    pub fn push(&mut self, kind: Kind, batch: RecordBatch) {
        self.batches.push((kind, Arc::new(batch)));
    }

    /// Lays what a score says beside the rows.
    pub fn score(&mut self, scores: Scores) {
        self.scores = Some(scores);
    }
}

struct MemoryStream {
    rows: std::vec::IntoIter<Run>,
}

impl RowStream for MemoryStream {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        Ok(self.rows.next())
    }
}

/// Only the columns wanted, as the lake gives them: what a reader forgot to ask for must be absent in a
/// test too.
fn project(kind: Kind, batch: &RecordBatch, wants: &[Want]) -> Result<RecordBatch, ScanError> {
    let mut names: BTreeSet<&str> = Want::always(wants, kind).into_iter().collect();
    for want in wants.iter().filter(|w| w.kind == kind) {
        let Some(columns) = &want.columns else { return Ok(batch.clone()) };
        for name in columns {
            if kind.schema().index_of(name).is_err() {
                return Err(ScanError(format!("`{}` has no column `{name}`", kind.name())));
            }
            names.insert(name);
        }
    }
    let schema = batch.schema();
    let kept: Vec<usize> =
        (0..schema.fields().len()).filter(|i| names.contains(schema.field(*i).name().as_str())).collect();
    batch.project(&kept).map_err(|e| ScanError(e.to_string()))
}

impl RowSource for MemorySource {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        let mut rows: Vec<(i64, String, i64, Run)> = Vec::new();
        for (kind, batch) in self.batches.iter().filter(|(k, _)| wants.iter().any(|w| w.kind == *k)) {
            let batch = &Arc::new(project(*kind, batch, wants)?);
            let key = Key::bind(batch);
            for i in 0..batch.num_rows() {
                let r = key.row(*kind, i);
                rows.push((r.ts, r.source, r.seq, Run { kind: *kind, batch: batch.clone(), rows: i..i + 1 }));
            }
        }
        rows.sort_by(|a, b| (a.0, &a.1, a.2, a.3.kind).cmp(&(b.0, &b.1, b.2, b.3.kind)));
        Ok(Box::new(MemoryStream { rows: rows.into_iter().map(|r| r.3).collect::<Vec<_>>().into_iter() }))
    }
    fn count(&self, kind: Kind) -> u64 {
        self.batches.iter().filter(|(k, _)| *k == kind).map(|(_, b)| b.num_rows() as u64).sum()
    }
    fn scores(&self) -> Option<&Scores> {
        self.scores.as_ref()
    }
}
