//! Where the rows of a few texts stand: four bytes a row for one column of a file, kept beside the lake.
//!
//! A row's mark is 32 bits of a hash of its text. The marks of a file are swept many times sooner than its texts are read; rows
//! whose mark is wanted are then read, and compared by the text itself. A file of the lake never changes under its name, so its
//! marks are made once, with the file or by whoever asks first, and lie in `index/` of the lake's folder. They are written beside
//! their place and renamed into it; what is torn, missing or of another file is made again, and the folder can be deleted at any
//! time.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::Schema;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use suyuan_model::Kind;
use suyuan_model::scan::Pick;

use crate::LakeError;
use crate::read::{Ask, Batches, OpenFile};
use crate::sort::CHUNK;
use crate::table::Table;

/// The rows that are asked for by a text, and by which: their marks are made with the file.
const ASKED: (Kind, &str) = (Kind::Access, "subject");
/// The marks of files with fewer rows are made sooner than they are read.
const LEAST: u64 = 512;
/// Begins a file of marks; changes with what is written.
const MAGIC: u64 = u64::from_le_bytes(*b"suyuanM1");
/// Bytes before the marks: the magic, rows, bytes and end of the lake's file, the checksum.
const HEAD: usize = 40;
/// Bytes at the end of a file that stand for it: there Parquet keeps where its columns lie and between what their values.
const END: u64 = 8 << 10;

/// The mark of a text; nothing has the mark 0.
fn mark(text: &str) -> u32 {
    let hash = sum(text.len() as u64, text.as_bytes());
    ((hash ^ hash >> 32) as u32).max(1)
}

/// A hash of bytes after another: also the checksum of a file.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let step = |h: u64, w: u64| {
        let x = u128::from(h ^ w ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        x as u64 ^ (x >> 64) as u64
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let all = words.iter().fold(start, |h, w| step(h, u64::from_le_bytes(*w)));
    step(all, rest.iter().fold(rest.len() as u64, |w, b| w << 8 | u64::from(*b)))
}

/// Some marks among many.
struct Marks {
    sorted: Vec<u32>,
    /// A bit for each start that one of them has: most others are told apart by it.
    starts: Vec<u64>,
    shift: u32,
}

impl Marks {
    fn of(texts: &BTreeSet<String>) -> Marks {
        let mut sorted: Vec<u32> = texts.iter().map(|t| mark(t)).collect();
        sorted.sort_unstable();
        let bits = (texts.len().max(1).ilog2() + 5).clamp(12, 26);
        let shift = u32::BITS - bits;
        let mut starts = vec![0u64; 1 << (bits - 6)];
        sorted.iter().map(|m| m >> shift).for_each(|s| starts[(s >> 6) as usize] |= 1 << (s & 63));
        Marks { sorted, starts, shift }
    }

    fn has(&self, mark: u32) -> bool {
        let s = mark >> self.shift;
        self.starts[(s >> 6) as usize] >> (s & 63) & 1 == 1 && self.sorted.binary_search(&mark).is_ok()
    }
}

/// Rows of a few texts, as files are asked for them.
#[derive(Clone)]
pub(crate) struct Few {
    pub(crate) pick: Pick,
    marks: Arc<Marks>,
    /// Whether marks that are made are kept.
    keep: bool,
}

impl Few {
    pub(crate) fn new(pick: Pick, keep: bool) -> Few {
        let marks = Arc::new(Marks::of(&pick.texts));
        Few { pick, marks, keep }
    }

    /// Whether the rows of a file are found by its codes: they are swept as fast as marks.
    pub(crate) fn by_codes(&self, file: &OpenFile) -> bool {
        file.holds_codes(self.pick.column)
    }

    /// Opens a file for the rows that may hold one of the texts.
    pub(crate) fn open(&self, path: &Path, ask: &Ask) -> Result<Batches, LakeError> {
        let file = OpenFile::open(path)?;
        if ask.table != Table::Kind(ASKED.0) || self.pick.column != ASKED.1 {
            // No marks are kept: the column is swept by its codes, or where it has none by its texts.
            let groups = (0..file.meta().num_row_groups()).filter(|g| file.touches(ask, *g)).collect();
            return file.read(ask, groups, None);
        }
        let rows = self.rows(path, &file, ask)?;
        let (mut groups, mut selectors) = (Vec::new(), Vec::new());
        let (mut first, mut rows) = (0, &rows[..]);
        for group in 0..file.meta().num_row_groups() {
            let end = first + file.meta().row_group(group).num_rows() as usize;
            let (here, after) = rows.split_at(rows.partition_point(|r| *r < end));
            if !here.is_empty() && file.touches(ask, group) {
                groups.push(group);
                let mut at = first;
                for row in here {
                    selectors.extend([RowSelector::skip(row - at), RowSelector::select(1)]);
                    at = row + 1;
                }
                selectors.push(RowSelector::skip(end - at));
            }
            (first, rows) = (end, after);
        }
        file.read(ask, groups, Some(RowSelection::from(selectors)))
    }

    /// The rows whose mark is wanted.
    fn rows(&self, path: &Path, file: &OpenFile, ask: &Ask) -> Result<Vec<usize>, LakeError> {
        let rows = file.meta().file_metadata().num_rows() as u64;
        let of = Of::file(path, rows).map_err(|e| LakeError::io("look at", path, e))?;
        let place = place(path, self.pick.column);
        if let Some(kept) = place.as_ref().and_then(|place| read(place, &of)) {
            let (marks, _) = kept[HEAD..].as_chunks::<4>();
            return Ok(self.wanted(marks.iter().map(|m| u32::from_le_bytes(*m))));
        }
        let marks = self.make(path, ask)?;
        if let Some(place) = place.filter(|_| self.keep && rows >= LEAST) {
            // What could not be kept, for want of space, is made again.
            let _ = write(&place, &of, &marks);
        }
        Ok(self.wanted(marks.into_iter()))
    }

    fn wanted(&self, marks: impl Iterator<Item = u32>) -> Vec<usize> {
        marks.enumerate().filter(|x| self.marks.has(x.1)).map(|x| x.0).collect()
    }

    /// The marks of all rows of a file.
    fn make(&self, path: &Path, ask: &Ask) -> Result<Vec<u32>, LakeError> {
        let schema = ask.table.schema();
        let field = schema.field_with_name(self.pick.column).map_err(|_| LakeError::Schema {
            table: ask.table.name(),
            why: format!("it has no column `{}`", self.pick.column),
        })?;
        let only = Arc::new(Schema::new(vec![field.clone()]));
        let ask = Ask { schema: only, io: ask.io.clone(), ..Ask::all(ask.table, CHUNK) };
        let file = OpenFile::open(path)?;
        let groups = (0..file.meta().num_row_groups()).collect();
        let mut batches = file.read(&ask, groups, None)?;
        let mut marks = Vec::new();
        while let Some(batch) = batches.next_batch()? {
            self::marks(batch.column(0).as_string_opt::<i32>(), batch.num_rows(), &mut marks);
        }
        Ok(marks)
    }
}

/// The marks of a file that is being written.
pub(crate) struct Making {
    column: &'static str,
    marks: Vec<u32>,
}

impl Making {
    /// For a file of a table, if anybody asks for its rows by a text.
    pub(crate) fn of(table: Table) -> Option<Making> {
        (table == Table::Kind(ASKED.0)).then(|| Making { column: ASKED.1, marks: Vec::new() })
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        let texts = batch.column_by_name(self.column).and_then(|c| c.as_string_opt::<i32>());
        marks(texts, batch.num_rows(), &mut self.marks);
    }

    /// Keeps them, once the file is written.
    pub(crate) fn keep(self, path: &Path) {
        let rows = self.marks.len() as u64;
        let Some(place) = place(path, self.column).filter(|_| rows >= LEAST) else { return };
        // What could not be kept, for want of space, is made when it is asked for.
        let _ = Of::file(path, rows).and_then(|of| write(&place, &of, &self.marks));
    }
}

/// Forgets the marks that were made with a file that is no more.
pub(crate) fn forget(path: &Path) {
    if let Some(place) = place(path, ASKED.1) {
        let _ = fs::remove_file(place);
    }
}

/// Adds the marks of a batch; what is no text is never wanted.
fn marks(texts: Option<&StringArray>, rows: usize, to: &mut Vec<u32>) {
    match texts {
        Some(texts) => to.extend(texts.iter().map(|t| t.map_or(0, mark))),
        None => to.resize(to.len() + rows, 0),
    }
}

/// Where the marks of a file of the lake lie: `index/` stands beside `main/`.
fn place(path: &Path, column: &str) -> Option<PathBuf> {
    let (folder, name) = (path.parent()?, path.file_name()?);
    let lake = folder.parent()?.parent()?;
    Some(lake.join("index").join(folder.file_name()?).join(format!("{}.{column}", name.to_string_lossy())))
}

/// The lake's file that a file of marks is of.
pub(crate) fn file_of(marks: &str) -> Option<&str> {
    marks.rsplit_once('.').map(|x| x.0)
}

/// What stands for a file of the lake: rows, bytes and a hash of its end.
struct Of([u64; 3]);

impl Of {
    fn file(path: &Path, rows: u64) -> io::Result<Of> {
        let mut file = fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(END)))?;
        let mut end = Vec::new();
        file.take(END).read_to_end(&mut end)?;
        Ok(Of([rows, bytes, sum(bytes, &end)]))
    }

    fn head(&self, marks: &[u8]) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let Of([rows, bytes, end]) = *self;
        let parts = [MAGIC, rows, bytes, end, sum(rows ^ bytes.rotate_left(32) ^ end, marks)];
        head.chunks_mut(8).zip(parts).for_each(|(to, part)| to.copy_from_slice(&part.to_le_bytes()));
        head
    }
}

/// A file of marks, if it is whole and of that file.
fn read(place: &Path, of: &Of) -> Option<Vec<u8>> {
    let all = fs::read(place).ok()?;
    let (head, marks) = all.split_at_checked(HEAD)?;
    (marks.len() as u64 == 4 * of.0[0] && head == of.head(marks)).then_some(all)
}

fn write(place: &Path, of: &Of, marks: &[u32]) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let marks: Vec<u8> = marks.iter().flat_map(|m| m.to_le_bytes()).collect();
    let beside = place.with_added_extension("part");
    let put = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(&of.head(&marks))?;
        file.write_all(&marks)?;
        // Not forced to the disk: what a crash tears is made again.
        fs::rename(&beside, place)
    };
    put().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_told_among_many() {
        for n in [0, 1, 7, 100, 20_000] {
            let texts: BTreeSet<String> = (0..n).map(|i| format!("idn1-{}", i * 7)).collect();
            let marks = Marks::of(&texts);
            assert!(texts.iter().all(|t| marks.has(mark(t))), "{n}");
            let others = (0..200_000).filter(|i| marks.has(mark(&format!("x{i}")))).count();
            assert!(others <= 1 + n / 1000, "{n} {others}");
        }
    }

    #[test]
    fn marks_that_are_torn_or_of_another_file_are_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("of").join("a.parquet.subject");
        let marks: Vec<u32> = (0..50).map(|i| mark(&i.to_string())).collect();
        let of = Of([50, 4000, 7]);
        write(&place, &of, &marks).unwrap();
        let whole = read(&place, &of).unwrap();
        assert!(
            [[49, 4000, 7], [50, 4001, 7], [50, 4000, 8]].iter().all(|of| read(&place, &Of(*of)).is_none())
        );
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1 << (at % 8);
            fs::write(&place, &spoilt).unwrap();
            assert!(read(&place, &of).is_none(), "{at}");
            fs::write(&place, &whole[..at]).unwrap();
            assert!(read(&place, &of).is_none(), "{at}");
        }
        assert_eq!(file_of("a.parquet.subject"), Some("a.parquet"));
    }
}
