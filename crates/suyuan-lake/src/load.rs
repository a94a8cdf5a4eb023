//! Taking rows in: any order, bounded memory, one transaction.
//!
//! Rows gather in memory. When they exceed the budget, the biggest table's rows are sorted and written to
//! a run, a Parquet file in the lake's folder that no catalog row names yet. While each spill begins after
//! the last row written, it goes on in the same file, so a source that is nearly in order is written once
//! and its runs ARE the lake's new files. Runs that overlap, with each other or with files of the lake,
//! are merged at commit, and rows whose key has been seen are dropped and counted as known.
//!
//! Invariant: what stays does not depend on the budget, the threads, or how the rows were cut into
//! batches: of rows with one key the one in the lake stays, else the first appended.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use rusqlite::Transaction;
use suyuan_model::Kind;
use suyuan_store::StoreError;

use crate::catalog::{self, Change, DataFile};
use crate::merge::{Input, Merge, Repeats, Source};
use crate::output::Output;
use crate::read::{self, Ask};
use crate::sort::{CHUNK, PER_ROW, Sorted};
use crate::table::{KeyBuf, Table};
use crate::write::{FileWriter, NewFile};
use crate::{Lake, LakeError, Scratch};

/// More runs than this are merged in several passes: each open run holds a page of every column.
const MAX_FAN_IN: usize = 16;
/// Batches of an input that are in memory at once while merging: read ahead, waiting, in hand, being written.
const BATCHES_AHEAD: usize = 4;
/// Batches below this many rows are put together: thousands of tiny ones would cost more than their rows.
const SMALL: usize = 2_048;
/// Share of a spilled buffer that stays behind, so that rows slightly out of order still find their place.
const HOLD_BACK: usize = 8;
/// New tokens are looked up among those of the lake unless these are this many times as many, and more
/// than the next constant: then an original may be kept twice until compaction, which is harmless.
const LOOKUP_RATIO: u64 = 16;
const LOOKUP_ALWAYS: u64 = 4_000_000;

/// Rows of one file and kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Rows taken into the lake.
    pub taken: u64,
    /// Rows dropped because the lake, or this load before them, had their key.
    pub known: u64,
}

/// What became of the rows of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// By the rows' `file_id` and kind.
    pub rows: BTreeMap<(i64, Kind), Count>,
    /// Originals taken in.
    pub originals: u64,
}

impl LoadCounts {
    /// The sum over all files and kinds.
    pub fn total(&self) -> Count {
        self.rows
            .values()
            .fold(Count::default(), |a, c| Count { taken: a.taken + c.taken, known: a.known + c.known })
    }

    fn add(&mut self, kind: Kind, batch: &RecordBatch) {
        each_file(batch, |file, n| self.rows.entry((file, kind)).or_default().taken += n);
    }

    /// Counts one row as known after all.
    fn drop_row(&mut self, table: Table, batch: &RecordBatch, row: usize) {
        match table {
            Table::Kind(kind) => {
                let count = self.rows.entry((file_ids(batch).value(row), kind)).or_default();
                count.taken -= 1;
                count.known += 1;
            }
            Table::Original => self.originals -= 1,
        }
    }
}

fn file_ids(batch: &RecordBatch) -> &arrow_array::Int64Array {
    batch.column_by_name("file_id").expect("every record has its file").as_primitive::<Int64Type>()
}

fn each_file(batch: &RecordBatch, mut each: impl FnMut(i64, u64)) {
    for run in file_ids(batch).values().chunk_by(|a, b| a == b) {
        each(run[0], run.len() as u64);
    }
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The newest version of the lake after it; the same as before if no row was new.
    pub snapshot: i64,
    /// What became of the rows.
    pub counts: LoadCounts,
    /// Files that began.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A load in progress.
pub struct Load {
    lake: Lake,
    tables: BTreeMap<Table, Building>,
    counts: LoadCounts,
    scratch: Scratch,
}

/// What a load holds of one table.
#[derive(Default)]
struct Building {
    buffer: Vec<RecordBatch>,
    small: Vec<RecordBatch>,
    bytes: usize,
    runs: Vec<NewFile>,
    writer: Option<FileWriter>,
    rows_seen: u64,
    bytes_seen: u64,
}

/// Sorted rows without repeats; later runs were appended later.
struct Run {
    rank: u32,
    first: KeyBuf,
    last: KeyBuf,
    rows: RunRows,
}

enum RunRows {
    File(NewFile),
    Memory(Sorted),
}

impl Load {
    pub(crate) fn new(lake: Lake) -> Load {
        let scratch = Scratch::new(lake.clone());
        Load { lake, tables: BTreeMap::new(), counts: LoadCounts::default(), scratch }
    }

    /// Appends rows of a kind, in any order.
    ///
    /// # Errors
    /// The batch does not have exactly the columns of [`Kind::schema`]; a run could not be written.
    pub fn append(&mut self, kind: Kind, batch: RecordBatch) -> Result<(), LakeError> {
        let table = Table::Kind(kind);
        check(table, &batch)?;
        self.counts.add(kind, &batch);
        self.take(table, batch)
    }

    /// Appends tokens and sealed originals; repeats are dropped.
    ///
    /// # Errors
    /// As [`Load::append`], for the columns `token` (Utf8) and `sealed` (Binary).
    pub fn originals(&mut self, batch: RecordBatch) -> Result<(), LakeError> {
        check(Table::Original, &batch)?;
        self.counts.originals += batch.num_rows() as u64;
        self.take(Table::Original, batch)
    }

    fn take(&mut self, table: Table, batch: RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.tables.entry(table).or_default().push(table, batch)?;
        self.spill_if_full()
    }

    fn spill_if_full(&mut self) -> Result<(), LakeError> {
        // A third of the budget is for the open row groups of the runs.
        let (rows, groups) = (self.lake.0.options.memory / 3 * 2, self.lake.0.options.memory / 3);
        while self.tables.values().map(|b| b.bytes).sum::<usize>() > rows {
            let biggest = self.tables.iter().max_by_key(|(_, b)| b.bytes).map(|(t, _)| *t);
            let Some(table) = biggest else { break };
            self.spill(table)?;
            let open = |b: &Building| b.writer.as_ref().map_or(0, FileWriter::memory);
            while self.tables.values().map(open).sum::<usize>() > groups {
                let biggest = self.tables.values_mut().max_by_key(|b| open(b));
                let Some(writer) = biggest.and_then(|b| b.writer.as_mut()) else { break };
                writer.flush()?;
            }
        }
        Ok(())
    }

    /// Sorts a table's buffer and writes all but its last part to a run.
    fn spill(&mut self, table: Table) -> Result<(), LakeError> {
        let mut sorted = self.sort_buffer(table)?;
        let hold = sorted.rows_left() / HOLD_BACK;
        self.write_run(table, &mut sorted, hold)?;
        let building = self.tables.entry(table).or_default();
        while let Some(batch) = sorted.next_batch()? {
            building.bytes += cost(&batch);
            building.buffer.push(batch);
        }
        Ok(())
    }

    /// Empties a table's buffer into sorted rows without repeats.
    fn sort_buffer(&mut self, table: Table) -> Result<Sorted, LakeError> {
        let building = self.tables.entry(table).or_default();
        building.settle_small(table)?;
        building.bytes = 0;
        let sorted = Sorted::new(table, std::mem::take(&mut building.buffer));
        sorted.each_repeat(|batch, row| self.counts.drop_row(table, batch, row));
        Ok(sorted)
    }

    /// Writes sorted rows, all but about the last `hold`, to the table's open run if they go on from it,
    /// else to a new one.
    fn write_run(&mut self, table: Table, sorted: &mut Sorted, hold: usize) -> Result<(), LakeError> {
        let Some((first, _)) = sorted.ends() else { return Ok(()) };
        let building = self.tables.entry(table).or_default();
        building.close_unless(|last| *last < first)?;
        while sorted.rows_left() > hold {
            let Some(batch) = sorted.next_batch()? else { break };
            let mut writer = match building.writer.take() {
                Some(w) => w,
                None => self.scratch.create(table, self.lake.0.options.group_rows)?,
            };
            writer.write(&batch)?;
            if writer.bytes() >= self.lake.0.options.file_bytes {
                building.runs.push(writer.finish()?);
            } else {
                building.writer = Some(writer);
            }
        }
        Ok(())
    }

    /// Commits the load: all its rows, and what `with` writes, become visible together.
    ///
    /// `with` runs inside the transaction, after the catalog's changes; it gets the counts. If it fails,
    /// or anything before it, the lake and the store are as before.
    ///
    /// # Errors
    /// Files could not be written or synced; the transaction failed.
    pub fn commit(
        mut self,
        with: impl FnOnce(&Transaction, &LoadCounts) -> Result<(), StoreError>,
    ) -> Result<Receipt, LakeError> {
        let lake = self.lake.clone();
        let _turn = lake.turn();
        let now = lake.snapshot(None)?;
        let mut added: Vec<(Table, Vec<NewFile>)> = Vec::new();
        for table in self.tables.keys().copied().collect::<Vec<_>>() {
            let files = self.settle(table, now.table_files(table))?;
            if !files.is_empty() {
                added.push((table, files));
            }
        }
        let all = || added.iter().flat_map(|(_, files)| files);
        self.scratch.sync(all().map(|f| f.path.as_path()))?;
        let counts = std::mem::take(&mut self.counts);
        let snapshot = lake.0.store.write_as(|tx| -> Result<i64, LakeError> {
            let mut changes = Vec::new();
            for (table, add) in &added {
                changes.push(Change { table: *table, info: lake.info(*table)?, remove: Vec::new(), add });
            }
            let snapshot = match changes.is_empty() {
                true => now.id(),
                false => catalog::commit(tx, "inserted_into_table", &changes)?,
            };
            with(tx, &counts)?;
            Ok(snapshot)
        })?;
        self.scratch.keep(all().map(|f| f.path.as_path()));
        Ok(Receipt { snapshot, counts, files: all().count(), bytes: all().map(|f| f.bytes).sum() })
    }

    /// Turns what the load holds of a table into files that overlap with nothing they must not.
    fn settle(&mut self, table: Table, lake: &[DataFile]) -> Result<Vec<NewFile>, LakeError> {
        let mut rest = self.sort_buffer(table)?;
        let building = self.tables.entry(table).or_default();
        let goes_on = match (building.writer.as_ref().and_then(FileWriter::last), rest.ends()) {
            (Some(last), Some((first, _))) => *last < first,
            _ => false,
        };
        if goes_on {
            self.write_run(table, &mut rest, 0)?;
        }
        let building = self.tables.entry(table).or_default();
        building.close_unless(|_| false)?;
        let width = (building.bytes_seen / building.rows_seen.max(1)).max(1) as usize;
        let mut runs: Vec<Run> = Vec::new();
        for file in std::mem::take(&mut building.runs) {
            let (first, last) = (file.first.clone(), file.last.clone());
            runs.push(Run { rank: runs.len() as u32, first, last, rows: RunRows::File(file) });
        }
        if let Some((first, last)) = rest.ends().filter(|_| !goes_on) {
            runs.push(Run { rank: runs.len() as u32, first, last, rows: RunRows::Memory(rest) });
        }
        let mut files = Vec::new();
        for group in overlapping(runs) {
            files.extend(self.settle_group(table, group, lake, width)?);
        }
        Ok(files)
    }

    /// Settles runs that overlap each other.
    fn settle_group(
        &mut self,
        table: Table,
        mut group: Vec<Run>,
        lake: &[DataFile],
        width: usize,
    ) -> Result<Vec<NewFile>, LakeError> {
        let span = span(&group);
        let met = met_by(table, &group, lake, span);
        if let [Run { rows: RunRows::File(file), .. }] = group.as_slice()
            && (met.is_empty() || !self.repeats_lake(table, file, &met, span)?)
        {
            return Ok(vec![file.clone()]);
        }
        group.sort_by_key(|r| r.rank);
        while group.len() > MAX_FAN_IN {
            group = self.merge_pass(table, group, width)?;
        }
        let batch_rows = self.batch_rows(group.len(), width);
        let options = self.lake.0.options;
        self.merge(table, group, &met, batch_rows, options.file_bytes)
    }

    /// Merges groups of neighbouring runs, so that fewer are left.
    fn merge_pass(&mut self, table: Table, group: Vec<Run>, width: usize) -> Result<Vec<Run>, LakeError> {
        let mut left: Vec<Run> = Vec::new();
        let mut group = group.into_iter().peekable();
        while group.peek().is_some() {
            let some: Vec<Run> = group.by_ref().take(MAX_FAN_IN).collect();
            let batch_rows = self.batch_rows(some.len(), width);
            for file in self.merge(table, some, &[], batch_rows, u64::MAX)? {
                let (first, last) = (file.first.clone(), file.last.clone());
                left.push(Run { rank: left.len() as u32, first, last, rows: RunRows::File(file) });
            }
        }
        Ok(left)
    }

    /// Merges runs into files; rows whose key an earlier run or a file of the lake has are dropped.
    fn merge(
        &mut self,
        table: Table,
        runs: Vec<Run>,
        lake: &[&DataFile],
        batch_rows: usize,
        roll: u64,
    ) -> Result<Vec<NewFile>, LakeError> {
        let threads = self.lake.0.options.threads;
        let mut inputs = self.lake_keys(table, lake, span(&runs));
        let mut spent = Vec::new();
        for run in runs {
            let rank = run.rank + 1;
            inputs.push(match run.rows {
                RunRows::File(file) => {
                    let ask = Ask::all(table, batch_rows);
                    spent.push(file.path.clone());
                    file_input(table, rank, run.first.ts, file.path, ask, threads)
                }
                RunRows::Memory(sorted) => {
                    let open = Box::new(move || Ok(Source::Memory(sorted)));
                    Input { table, rank, min_ts: run.first.ts, open }
                }
            });
        }
        let mut merge = Merge::new(inputs);
        let mut repeats = Repeats::default();
        let mut out = Output::new(&mut self.scratch, table, self.lake.0.options.group_rows, roll);
        while let Some(piece) = merge.next()? {
            let repeat = repeats.first_repeats(&piece);
            if piece.rank == 0 {
                continue;
            }
            let mut rows = piece.rows;
            if repeat {
                self.counts.drop_row(table, &piece.batch, rows.start);
                rows.start += 1;
            }
            if !rows.is_empty() {
                out.push(&piece.batch, rows)?;
            }
        }
        let files = out.finish()?;
        for path in spent {
            self.scratch.discard(&path);
        }
        Ok(files)
    }

    /// Whether any row of a run is in the lake already: keys only, nothing is written.
    fn repeats_lake(
        &self,
        table: Table,
        file: &NewFile,
        lake: &[&DataFile],
        span: (i64, i64),
    ) -> Result<bool, LakeError> {
        let mut inputs = self.lake_keys(table, lake, span);
        inputs.push(file_input(table, 1, file.first.ts, &file.path, Ask::keys(table, CHUNK), 1));
        let mut merge = Merge::new(inputs);
        let mut repeats = Repeats::default();
        while let Some(piece) = merge.next()? {
            if repeats.first_repeats(&piece) && piece.rank != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The keys of the lake's files within a span, as inputs of rank 0.
    fn lake_keys(&self, table: Table, files: &[&DataFile], span: (i64, i64)) -> Vec<Input<'static>> {
        let folder = self.lake.folder(table);
        let ask = Ask::keys(table, CHUNK).between((table != Table::Original).then_some(span));
        files
            .iter()
            .map(|f| file_input(table, 0, f.min_ts.max(span.0), folder.join(&f.name), ask.clone(), 1))
            .collect()
    }

    /// How many rows of each of `inputs` files are read at once, within the budget.
    fn batch_rows(&self, inputs: usize, width: usize) -> usize {
        (self.lake.0.options.memory / BATCHES_AHEAD / inputs.max(1) / width).clamp(256, CHUNK)
    }
}

impl Building {
    fn push(&mut self, table: Table, batch: RecordBatch) -> Result<(), LakeError> {
        let cost = cost(&batch);
        self.bytes += cost;
        self.rows_seen += batch.num_rows() as u64;
        self.bytes_seen += cost as u64;
        if batch.num_rows() >= SMALL {
            self.settle_small(table)?;
            self.buffer.push(batch);
            return Ok(());
        }
        self.small.push(batch);
        if self.small.iter().map(RecordBatch::num_rows).sum::<usize>() >= CHUNK || self.small.len() >= 256 {
            self.settle_small(table)?;
        }
        Ok(())
    }

    /// Puts small batches together; their order stays.
    fn settle_small(&mut self, table: Table) -> Result<(), LakeError> {
        let small = std::mem::take(&mut self.small);
        if small.is_empty() {
            return Ok(());
        }
        self.bytes -= small.iter().map(cost).sum::<usize>();
        let batch = concat_batches(&table.schema(), &small)
            .map_err(|source| LakeError::Arrow { table: table.name(), source })?;
        self.bytes += cost(&batch);
        self.buffer.push(batch);
        Ok(())
    }

    /// Ends the open run unless its last key passes.
    fn close_unless(&mut self, passes: impl FnOnce(&KeyBuf) -> bool) -> Result<(), LakeError> {
        let goes_on = self.writer.as_ref().and_then(FileWriter::last).is_some_and(passes);
        if let Some(writer) = self.writer.take_if(|_| !goes_on) {
            self.runs.push(writer.finish()?);
        }
        Ok(())
    }
}

fn check(table: Table, batch: &RecordBatch) -> Result<(), LakeError> {
    let (want, have) = (table.schema(), batch.schema());
    if Arc::ptr_eq(&want, &have) {
        return Ok(());
    }
    let fail = |why: String| Err(LakeError::Schema { table: table.name(), why });
    if want.fields().len() != have.fields().len() {
        return fail(format!("{} columns instead of {}", have.fields().len(), want.fields().len()));
    }
    for (w, h) in want.fields().iter().zip(have.fields()) {
        let same =
            w.name() == h.name() && w.data_type() == h.data_type() && w.is_nullable() == h.is_nullable();
        if !same {
            return fail(format!(
                "`{}` {} where `{}` {} belongs",
                h.name(),
                h.data_type(),
                w.name(),
                w.data_type()
            ));
        }
    }
    Ok(())
}

/// What a batch costs of the budget. A slice is charged for what it shares only up to twice its rows.
fn cost(batch: &RecordBatch) -> usize {
    let column = |c: &arrow_array::ArrayRef| {
        let whole = c.get_array_memory_size();
        c.to_data().get_slice_memory_size().map_or(whole, |slice| whole.min(2 * slice + 512))
    };
    batch.columns().iter().map(column).sum::<usize>() + batch.num_rows() * PER_ROW
}

fn file_input(
    table: Table,
    rank: u32,
    min_ts: i64,
    path: impl AsRef<Path>,
    ask: Ask,
    threads: usize,
) -> Input<'static> {
    let path = path.as_ref().to_owned();
    let open = Box::new(move || Ok(Source::file(read::open(&path, &ask)?, threads)));
    Input { table, rank, min_ts, open }
}

/// Runs in groups: those that overlap, directly or through others, together; groups ascend.
fn overlapping(mut runs: Vec<Run>) -> Vec<Vec<Run>> {
    runs.sort_by(|a, b| a.first.cmp(&b.first).then(a.rank.cmp(&b.rank)));
    let mut groups: Vec<(KeyBuf, Vec<Run>)> = Vec::new();
    for run in runs {
        match groups.last_mut() {
            Some((last, group)) if run.first <= *last => {
                *last = last.clone().max(run.last.clone());
                group.push(run);
            }
            _ => groups.push((run.last.clone(), vec![run])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Least and greatest time of the runs.
fn span(runs: &[Run]) -> (i64, i64) {
    let min = runs.iter().map(|r| r.first.ts).min().unwrap_or(i64::MAX);
    (min, runs.iter().map(|r| r.last.ts).max().unwrap_or(i64::MIN))
}

/// The lake's files that may hold rows of the group.
fn met_by<'f>(table: Table, group: &[Run], lake: &'f [DataFile], span: (i64, i64)) -> Vec<&'f DataFile> {
    if table == Table::Original {
        let rows = |r: &Run| match &r.rows {
            RunRows::File(f) => f.rows,
            RunRows::Memory(sorted) => sorted.rows_left() as u64,
        };
        let held: u64 = lake.iter().map(|f| f.rows).sum();
        let new: u64 = group.iter().map(rows).sum();
        if held > LOOKUP_ALWAYS && held > LOOKUP_RATIO * new {
            return Vec::new();
        }
    }
    lake.iter().filter(|f| f.max_ts >= span.0 && f.min_ts <= span.1).collect()
}
