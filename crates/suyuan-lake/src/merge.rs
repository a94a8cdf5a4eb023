//! Merging sorted inputs into one ascending sequence, without copying rows.
//!
//! The heads of all open inputs stand in a list sorted by key. The first goes on while it stays below
//! the second, and what it passed leaves as one slice ([`Piece`]). An input is opened only when its
//! least time is reached, so inputs that do not overlap are never open together.

use std::cmp::Ordering;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicUsize};
use std::sync::mpsc::{Receiver, sync_channel};

use arrow_array::RecordBatch;
use suyuan_model::RowKey;
use suyuan_model::scan::Runs;

use crate::LakeError;
use crate::read::Batches;
use crate::sort::Sorted;
use crate::table::{Keys, Table};

/// Gives the batches of an input, in order.
pub(crate) enum Source {
    /// Sorted rows in memory.
    Memory(Sorted),
    /// A file.
    File(Box<Batches>),
    /// A file that a thread of its own reads ahead.
    Ahead(Ahead),
}

/// What a reading thread sends: batches, and the end of the file said aloud, so that a thread which
/// dies cannot pass for one that has finished.
pub(crate) struct Ahead {
    path: PathBuf,
    take: Receiver<Result<Option<RecordBatch>, LakeError>>,
    ended: bool,
}

impl Ahead {
    fn next(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        if self.ended {
            return Ok(None);
        }
        let next = self.take.recv().unwrap_or_else(|_| Err(LakeError::Stopped(self.path.clone())))?;
        self.ended = next.is_none();
        Ok(next)
    }
}

/// Threads that read ahead, over all scans: with more inputs open than this the rest is read in line.
const MAX_READERS: usize = 16;
static READERS: AtomicUsize = AtomicUsize::new(0);

/// A reading thread's place among [`MAX_READERS`].
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let free = |n: usize| (n < MAX_READERS).then_some(n + 1);
        READERS.fetch_update(atomic::Ordering::Relaxed, atomic::Ordering::Relaxed, free).ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        READERS.fetch_sub(1, atomic::Ordering::Relaxed);
    }
}

impl Source {
    /// Reads a file, one batch ahead of whoever asks if there are threads for it.
    pub(crate) fn file(mut batches: Batches, threads: usize) -> Source {
        let Some(place) = (threads > 1).then(Place::take).flatten() else {
            return Source::File(Box::new(batches));
        };
        let (give, take) = sync_channel(1);
        let path = batches.path().to_owned();
        // Ends with the file, with an error, or when nobody listens any more.
        std::thread::spawn(move || {
            let _place = place;
            loop {
                let batch = batches.next_batch();
                let last = !matches!(batch, Ok(Some(_)));
                if give.send(batch).is_err() || last {
                    break;
                }
            }
        });
        Source::Ahead(Ahead { path, take, ended: false })
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        match self {
            Source::Memory(sorted) => sorted.next_batch(),
            Source::File(file) => file.next_batch(),
            Source::Ahead(ahead) => ahead.next(),
        }
    }
}

type Opener<'a> = Box<dyn FnOnce() -> Result<Source, LakeError> + Send + 'a>;

/// A sorted input. Of rows with equal keys that of the lower `rank` comes first.
pub(crate) struct Input<'a> {
    pub(crate) table: Table,
    pub(crate) rank: u32,
    /// No key of the input is before this time.
    pub(crate) min_ts: i64,
    pub(crate) open: Opener<'a>,
}

/// Consecutive rows of the merged sequence, from one batch.
pub(crate) struct Piece {
    pub(crate) rank: u32,
    pub(crate) batch: Arc<RecordBatch>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) rows: Range<usize>,
}

/// The same for those who ask only which rows.
pub(crate) struct Rows {
    pub(crate) table: Table,
    pub(crate) batch: Arc<RecordBatch>,
    pub(crate) rows: Range<usize>,
}

struct Head {
    table: Table,
    rank: u32,
    source: Source,
    batch: Arc<RecordBatch>,
    keys: Arc<Keys>,
    row: usize,
    /// The current row's time.
    ts: i64,
    /// The number of its batch among many runs, and of the call that gave it.
    number: (u32, u64),
}

impl Head {
    /// Stands at another row of its batch.
    fn stand(&mut self, row: usize) {
        self.row = row;
        self.ts = self.keys.ts(row);
    }
    fn place(&self) -> (RowKey<'_>, Table, u32) {
        (self.keys.key(self.row), self.table, self.rank)
    }
    fn place_at(&self, row: usize) -> (RowKey<'_>, Table, u32) {
        (self.keys.key(row), self.table, self.rank)
    }
    /// Whether row `row` comes before `other`'s current row. Times decide nearly always.
    fn before(&self, row: usize, other: &Head) -> bool {
        self.before_at(self.keys.ts(row), row, other)
    }
    /// Whether the current row does.
    fn now_before(&self, other: &Head) -> bool {
        self.before_at(self.ts, self.row, other)
    }
    fn before_at(&self, ts: i64, row: usize, other: &Head) -> bool {
        match ts.cmp(&other.ts) {
            Ordering::Equal => self.place_at(row) < other.place(),
            unequal => unequal.is_lt(),
        }
    }

    /// The first row after the current one that is not before `other`'s.
    fn run_until(&self, other: &Head) -> usize {
        let before = |row: usize| self.before(row, other);
        let len = self.keys.len();
        let (mut lo, mut step) = (self.row + 1, 1);
        let mut hi = loop {
            let probe = lo + step - 1;
            if probe >= len {
                break len;
            }
            if !before(probe) {
                break probe;
            }
            lo = probe + 1;
            step *= 2;
        };
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            if before(mid) { lo = mid + 1 } else { hi = mid }
        }
        lo
    }
}

/// The merge of all inputs.
pub(crate) struct Merge<'a> {
    /// Open inputs; `order` names them by their current key.
    heads: Vec<Head>,
    order: Vec<usize>,
    /// Inputs not yet open, the next one last.
    pending: Vec<Input<'a>>,
    /// Calls of [`Merge::next_many`].
    calls: u64,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(mut inputs: Vec<Input<'a>>) -> Merge<'a> {
        inputs.sort_by_key(|i| std::cmp::Reverse((i.min_ts, i.table, i.rank)));
        Merge { heads: Vec::new(), order: Vec::new(), pending: inputs, calls: 0 }
    }

    /// The next rows, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, LakeError> {
        let Some((first, rows)) = self.front()? else { return Ok(None) };
        let (head, end) = (&self.heads[first], rows.end);
        let (batch, keys) = (head.batch.clone(), head.keys.clone());
        let piece = Piece { rank: head.rank, batch, keys, rows };
        self.advance(first, end)?;
        Ok(Some(piece))
    }

    /// The same for those who ask only which rows.
    pub(crate) fn next_rows(&mut self) -> Result<Option<Rows>, LakeError> {
        let Some((first, rows)) = self.front()? else { return Ok(None) };
        let (table, batch) = (self.heads[first].table, self.heads[first].batch.clone());
        self.advance(first, rows.end)?;
        Ok(Some(Rows { table, batch, rows }))
    }

    /// Adds runs of so many rows or somewhat more of tables that are kinds; of none at the end.
    pub(crate) fn next_many(&mut self, rows: usize, runs: &mut Runs) -> Result<(), LakeError> {
        self.calls += 1;
        let (calls, mut taken) = (self.calls, 0);
        while taken < rows {
            let Some((first, rows)) = self.front()? else { break };
            let head = &mut self.heads[first];
            if head.number.1 != calls {
                let Table::Kind(kind) = head.table else { unreachable!("a scan reads kinds only") };
                head.number = (runs.batch(kind, head.batch.clone()), calls);
            }
            taken += rows.len();
            runs.runs.push((head.number.0, rows.start as u32..rows.end as u32));
            self.advance(first, rows.end)?;
        }
        Ok(())
    }

    /// The head that is first, and its rows before any other's.
    fn front(&mut self) -> Result<Option<(usize, Range<usize>)>, LakeError> {
        self.open_due()?;
        let Some(&first) = self.order.first() else { return Ok(None) };
        let head = &self.heads[first];
        let mut end = match self.order.get(1) {
            Some(&second) => head.run_until(&self.heads[second]),
            None => head.keys.len(),
        };
        if let Some(next) = self.pending.last()
            && head.keys.ts(end - 1) >= next.min_ts
        {
            end = head.keys.row_at(head.row + 1, next.min_ts);
        }
        Ok(Some((first, head.row..end)))
    }

    /// Opens every input whose time has come.
    fn open_due(&mut self) -> Result<(), LakeError> {
        while let Some(next) = self.pending.last() {
            if let Some(&first) = self.order.first()
                && next.min_ts > self.heads[first].ts
            {
                break;
            }
            let Some(input) = self.pending.pop() else { break };
            let mut source = (input.open)()?;
            let Some(batch) = source.next()? else { continue };
            let keys = Arc::new(Keys::bind(input.table, &batch));
            let (ts, batch) = (keys.ts(0), Arc::new(batch));
            let head = Head {
                table: input.table,
                rank: input.rank,
                source,
                batch,
                keys,
                row: 0,
                ts,
                number: (0, 0),
            };
            let at = self.order.partition_point(|&h| self.heads[h].place() < head.place());
            self.order.insert(at, self.heads.len());
            self.heads.push(head);
        }
        Ok(())
    }

    /// Moves the first head to `row` and puts it where it then belongs.
    fn advance(&mut self, first: usize, row: usize) -> Result<(), LakeError> {
        let head = &mut self.heads[first];
        if row < head.keys.len() {
            head.stand(row);
        } else {
            match head.source.next()? {
                Some(batch) => {
                    head.keys = Arc::new(Keys::bind(head.table, &batch));
                    head.batch = Arc::new(batch);
                    head.number = (0, 0);
                    head.stand(0);
                }
                None => {
                    self.order.remove(0);
                    self.close(first);
                    return Ok(());
                }
            }
        }
        let mut at = 0;
        let head = &self.heads[first];
        while let Some(&next) = self.order.get(at + 1)
            && self.heads[next].now_before(head)
        {
            self.order[at] = self.order[at + 1];
            at += 1;
        }
        self.order[at] = first;
        Ok(())
    }

    /// Lets go of an input that has ended.
    fn close(&mut self, head: usize) {
        self.heads.swap_remove(head);
        let moved = self.heads.len();
        for h in &mut self.order {
            if *h == moved {
                *h = head;
            }
        }
    }
}

/// Tells rows that repeat the one before them; equal keys stand next to each other in a merge.
#[derive(Default)]
pub(crate) struct Repeats {
    last: Option<(Arc<Keys>, usize)>,
}

impl Repeats {
    /// Whether the piece's first row repeats the row before it. (Later rows cannot: an input ascends.)
    pub(crate) fn first_repeats(&mut self, piece: &Piece) -> bool {
        let repeats =
            self.last.as_ref().is_some_and(|(keys, row)| keys.key(*row) == piece.keys.key(piece.rows.start));
        self.last = Some((piece.keys.clone(), piece.rows.end - 1));
        repeats
    }
}
