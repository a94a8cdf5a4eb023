//! Reading a plan's files: one thread cuts, several parse and tokenise, the caller gets all in order.
//!
//! Invariants: the sink sees the same calls for any number of threads; in memory are at most
//! [`in_flight`] pieces of [`CHUNK`] bytes with what was made of them, whatever the size of a file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use suyuan_model::Kind;
use suyuan_model::outcome::Text;
use suyuan_vault::Vault;

use crate::error::IngestError;
use crate::fault::Fault;
use crate::file::{Pieces, Ready, file_context, open_file};
use crate::folder::{How, Plan, Planned};
use crate::guard::Guard;
use crate::memory::{Repeats, originals_batch};
use crate::open::{digest, unreadable};
use crate::row::{Batch, Shared};
use crate::sink::{FileInfo, FileSummary, Progress, RejectRow, Sink, Take, Warning};
use crate::split::CHUNK;
use crate::value::Warn;
use crate::work::{Done, FileContext, Work, Worker};

/// How the files are read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many threads parse and tokenise.
    pub threads: NonZeroUsize,
    /// The present, microseconds UTC: rows more than a day later are rejected. `None` lets all pass.
    pub now: Option<i64>,
    /// Bytes in a piece; tests make it small.
    pub chunk: usize,
}

impl Options {
    /// With that many threads and that present.
    pub fn new(threads: NonZeroUsize, now: Option<i64>) -> Self {
        Self { threads, now, chunk: CHUNK }
    }
}

/// What became of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files read.
    pub files: u64,
    /// Files known from before.
    pub known: u64,
    /// Files and folders that could not be read, or were refused as a whole.
    pub refused: u64,
    /// Rows given, by kind.
    pub rows: BTreeMap<Kind, u64>,
    /// Rows rejected.
    pub rejected: u64,
    /// Records that a mapping passes over.
    pub skipped: u64,
}

/// How many originals the intake remembers as given: 32 MiB.
const REPEATS: usize = 1 << 21;

/// Pieces between the cutting and the giving.
fn in_flight(threads: usize) -> usize {
    2 * threads + 1
}

/// Reads files into a sink.
pub struct Intake<'v> {
    pub(crate) guard: &'v dyn Guard,
    pub(crate) options: Options,
}

impl<'v> Intake<'v> {
    /// An intake that tokenises with this vault.
    pub fn new(vault: &'v Vault, options: Options) -> Self {
        Self { guard: vault, options }
    }

    /// Reads all files of the plan, in its order.
    ///
    /// # Errors
    /// Only when the sink fails. Files that cannot be read and rows that do not fit are told to it.
    pub fn run(&self, plan: &Plan, sink: &mut dyn Sink) -> Result<Totals, IngestError> {
        let mut totals = Totals::default();
        let mut repeats = Repeats::new(REPEATS);
        for (name, reason, remedy) in &plan.unreadable {
            totals.refused += 1;
            sink.unreadable(name, reason, remedy).map_err(IngestError::Sink)?;
        }
        for (n, file) in plan.files.iter().enumerate() {
            let progress =
                Progress { file: file.name.clone(), nth: n + 1, files: plan.files.len(), records: 0 };
            self.file(file, progress, &mut repeats, sink, &mut totals)?;
        }
        Ok(totals)
    }

    fn file(
        &self,
        file: &Planned,
        progress: Progress,
        repeats: &mut Repeats,
        sink: &mut dyn Sink,
        totals: &mut Totals,
    ) -> Result<(), IngestError> {
        sink.progress(&progress);
        let (sha256, bytes) = match digest(&file.path) {
            Ok(found) => found,
            Err(e) => {
                let fault = unreadable(&e);
                totals.refused += 1;
                return sink.unreadable(&file.name, &fault.reason, &fault.remedy).map_err(IngestError::Sink);
            }
        };
        let mapping = match &file.how {
            How::Mapped(mapping) => Some(mapping.name().to_owned()),
            _ => None,
        };
        let info = FileInfo { name: file.name.clone(), sha256, bytes, mapping };
        let file_id = match sink.begin_file(&info).map_err(IngestError::Sink)? {
            Take::Read { file_id } => file_id,
            Take::Skip => {
                totals.known += 1;
                return Ok(());
            }
        };
        let summary = match open_file(file, self.options.chunk) {
            Ok(ready) => self.read(ready, file_id, progress, repeats, sink)?,
            Err(fault) => self.refuse(file, fault, sink)?,
        };
        let summary = FileSummary { name: file.name.clone(), ..summary };
        totals.add(&summary);
        sink.end_file(&summary).map_err(IngestError::Sink)
    }

    /// A file refused as a whole: one reject for all of it.
    fn refuse(&self, file: &Planned, fault: Fault, sink: &mut dyn Sink) -> Result<FileSummary, IngestError> {
        let kind = match &file.how {
            How::Native(kind) => Some(*kind),
            _ => None,
        };
        let row = RejectRow {
            line: 1,
            record: 0,
            kind,
            field: fault.field,
            reason: fault.reason.clone(),
            remedy: fault.remedy.clone(),
            sealed: self.guard.seal(b""),
            whole: false,
            context: file_context(file, None, None, Vec::new()).context,
        };
        sink.reject(row).map_err(IngestError::Sink)?;
        Ok(FileSummary { refused: Some((fault.reason, fault.remedy)), rejected: 1, ..FileSummary::default() })
    }

    fn read(
        &self,
        ready: Ready,
        file_id: i64,
        progress: Progress,
        repeats: &mut Repeats,
        sink: &mut dyn Sink,
    ) -> Result<FileSummary, IngestError> {
        let Ready { context, mut pieces, encoding, warnings } = ready;
        let shared =
            Shared { guard: self.guard, file_id, source: &context.context.source, now: self.options.now };
        let mut giver = Giver::new(&context, sink, repeats, progress);
        giver.summary.encoding = encoding;
        giver.summary.warnings = warnings;
        let threads = self.options.threads.get();
        let cut = thread::scope(|scope| -> Result<Option<Text>, IngestError> {
            let depth = in_flight(threads);
            let (permit, permits) = channel::<Vec<u8>>();
            let (send_work, work) = sync_channel::<(u64, Work)>(depth);
            let (send_done, done) = sync_channel::<(u64, Done)>(depth);
            for _ in 0..depth {
                permit.send(Vec::new()).unwrap_or(());
            }
            let cutter = scope.spawn(move || cut(&mut pieces, &permits, &send_work));
            let work = Arc::new(Mutex::new(work));
            for _ in 0..threads {
                let (work, send_done, shared, context) = (work.clone(), send_done.clone(), &shared, &context);
                scope.spawn(move || {
                    let mut worker = Worker::new(context, shared);
                    while let Some((n, piece)) = take(&work) {
                        if send_done.send((n, worker.work(piece))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop((work, send_done));
            let given = giver.all(&done, &permit);
            // Dropping the ends lets the other threads see that nobody waits for them.
            drop((done, permit));
            let cut = cutter.join().expect("the cutting thread does not panic");
            given.map(|()| cut)
        })?;
        giver.summary.cut = cut;
        Ok(giver.finish())
    }
}

fn take(work: &Mutex<Receiver<(u64, Work)>>) -> Option<(u64, Work)> {
    work.lock().ok()?.recv().ok()
}

/// Cuts the file into numbered pieces, one for each permit; why it ends early, if it does.
fn cut(pieces: &mut Pieces, permits: &Receiver<Vec<u8>>, work: &SyncSender<(u64, Work)>) -> Option<Text> {
    for n in 0.. {
        let Ok(memory) = permits.recv() else { break };
        match pieces.next(memory) {
            Ok(Some(piece)) => {
                if work.send((n, piece)).is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(cut) => return Some(cut),
        }
    }
    pieces.cut()
}

/// Gives what the workers made in the file's order.
struct Giver<'g> {
    sink: &'g mut dyn Sink,
    repeats: &'g mut Repeats,
    progress: Progress,
    summary: FileSummary,
    warnings: BTreeMap<(Kind, &'static str, Warn), (u64, i64)>,
    unknown: BTreeMap<String, (u64, i64)>,
    kind: Option<Kind>,
}

impl<'g> Giver<'g> {
    fn new(
        context: &FileContext,
        sink: &'g mut dyn Sink,
        repeats: &'g mut Repeats,
        progress: Progress,
    ) -> Self {
        Self {
            sink,
            repeats,
            progress,
            summary: FileSummary::default(),
            warnings: BTreeMap::new(),
            unknown: BTreeMap::new(),
            kind: context.context.kind,
        }
    }

    fn all(
        &mut self,
        done: &Receiver<(u64, Done)>,
        permit: &std::sync::mpsc::Sender<Vec<u8>>,
    ) -> Result<(), IngestError> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        while let Ok((n, piece)) = done.recv() {
            waiting.insert(n, piece);
            while let Some(mut piece) = waiting.remove(&next) {
                next += 1;
                let memory = std::mem::take(&mut piece.memory);
                self.give(piece).map_err(IngestError::Sink)?;
                permit.send(memory).unwrap_or(());
            }
        }
        Ok(())
    }

    fn give(&mut self, piece: Done) -> Result<(), crate::sink::SinkError> {
        let before = self.summary.records as i64;
        for batch in piece.batches {
            let (kind, batch) = (batch.kind, renumber(batch, before));
            *self.summary.rows.entry(kind).or_default() += batch.num_rows() as u64;
            self.sink.batch(kind, batch)?;
        }
        if let Some((batch, keys)) = piece.originals
            && let Some(batch) = self.fresh(batch, &keys)
        {
            self.sink.originals(batch)?;
        }
        for mut row in piece.rejects {
            row.record += before;
            self.summary.rejected += 1;
            self.sink.reject(row)?;
        }
        for (key, (count, line)) in piece.warnings {
            self.warnings.entry(key).or_insert((0, line)).0 += count;
        }
        for (key, (count, line)) in piece.unknown {
            self.unknown.entry(key).or_insert((0, line)).0 += count;
        }
        self.summary.skipped += piece.skipped;
        self.summary.records += piece.records;
        self.progress.records = self.summary.records;
        self.sink.progress(&self.progress);
        Ok(())
    }

    /// The originals not yet given, as far as is remembered.
    fn fresh(&mut self, batch: RecordBatch, keys: &[u128]) -> Option<RecordBatch> {
        let new: Vec<bool> = keys.iter().map(|k| self.repeats.is_new(*k)).collect();
        if new.iter().all(|n| *n) {
            return Some(batch);
        }
        if !new.contains(&true) {
            return None;
        }
        let (tokens, sealed) = (batch.column(0).as_string::<i32>(), batch.column(1).as_binary::<i32>());
        let rows = || (0..new.len()).filter(|n| new[*n]);
        let tokens: StringArray = rows().map(|n| Some(tokens.value(n))).collect();
        let sealed: BinaryArray = rows().map(|n| Some(sealed.value(n))).collect();
        Some(originals_batch(Arc::new(tokens), Arc::new(sealed)))
    }

    fn finish(mut self) -> FileSummary {
        for ((_, field, warn), (count, line)) in self.warnings {
            let warning = Warning { field: field.to_owned(), text: warn.text(), count, line };
            self.summary.warnings.push(warning);
        }
        for (key, (count, line)) in self.unknown {
            if let Some(kind) = self.kind {
                let text = crate::work::unknown_column(kind, &key);
                self.summary.warnings.push(Warning { field: key, text, count, line });
            }
        }
        self.summary
    }
}

/// Adds the records before a piece to the numbers of those rows that take theirs from the file.
pub(crate) fn renumber(batch: Batch, before: i64) -> RecordBatch {
    let Batch { rows, numbered, .. } = batch;
    if before == 0 || numbered.is_empty() {
        return rows;
    }
    let at = rows.schema().index_of("seq").expect("every kind has `seq`");
    let mut numbers = rows.column(at).as_primitive::<Int64Type>().values().to_vec();
    for row in numbered {
        numbers[row] += before;
    }
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[at] = Arc::new(Int64Array::from(numbers));
    RecordBatch::try_new(rows.schema(), columns).expect("only numbers changed")
}

impl Totals {
    fn add(&mut self, summary: &FileSummary) {
        match summary.refused {
            Some(_) => self.refused += 1,
            None => self.files += 1,
        }
        for (kind, rows) in &summary.rows {
            *self.rows.entry(*kind).or_default() += rows;
        }
        self.rejected += summary.rejected;
        self.skipped += summary.skipped;
    }
}
