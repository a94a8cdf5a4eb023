//! What the intake gives, and to whom: batches, originals, rejects, file by file in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use suyuan_model::Kind;
use suyuan_model::outcome::Text;

use crate::mapping::Encoding;

/// What went wrong in the one who receives.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// A file about to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its path as given, below the folder that was given; with `/` on every system.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The mapping that reads it; `None` for native files.
    pub mapping: Option<String>,
}

/// Whether a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Read it; its rows carry this number.
    Read {
        /// The intake's number of the file.
        file_id: i64,
    },
    /// It was taken in before.
    Skip,
}

/// A row that does not fit, kept aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectRow {
    /// The line (of a table: the row) where it begins, from 1.
    pub line: i64,
    /// The record's number in the file, from 1, the header not counted.
    pub record: i64,
    /// The kind it would have been, where that is known.
    pub kind: Option<Kind>,
    /// The field that does not fit.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: Text,
    /// What to do about it.
    pub remedy: Text,
    /// The raw text (UTF-8), sealed by the vault.
    pub sealed: String,
    /// Whether the raw text is whole; a retry needs that, or a mended file.
    pub whole: bool,
    /// What is needed to read the raw text again.
    pub context: Arc<RejectContext>,
}

/// What is needed to read a rejected row again; it holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectContext {
    /// The record kind of a native file.
    pub kind: Option<Kind>,
    /// The mapping of other files.
    pub mapping: Option<String>,
    /// The columns of a file with a header.
    pub header: Option<Vec<String>>,
    /// What divides its cells.
    pub delimiter: Option<char>,
    /// The source that rows have which name none.
    pub source: String,
}

/// Something about a column that is told once a file and does not stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field or column.
    pub field: String,
    /// What.
    pub text: Text,
    /// How many rows.
    pub count: u64,
    /// The first line.
    pub line: i64,
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSummary {
    /// Its name.
    pub name: String,
    /// Why none of it was read, if so.
    pub refused: Option<(Text, Text)>,
    /// Why it ends early, if so.
    pub cut: Option<Text>,
    /// The encoding its text was read in.
    pub encoding: Option<Encoding>,
    /// How many records it holds.
    pub records: u64,
    /// How many rows were given, by kind.
    pub rows: BTreeMap<Kind, u64>,
    /// How many rows were rejected.
    pub rejected: u64,
    /// How many records the mapping passes over.
    pub skipped: u64,
    /// What is told but does not stop a row.
    pub warnings: Vec<Warning>,
}

/// How far the reading is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file being read.
    pub file: String,
    /// Its number from 1, of `files`.
    pub nth: usize,
    /// How many files there are.
    pub files: usize,
    /// Records read of it so far.
    pub records: u64,
}

/// Who receives what is read.
///
/// Contract of the caller: for each file `begin_file`, then its batches, originals and rejects in the
/// file's order, then `end_file`; the same calls with the same content whatever the number of threads.
/// An error stops the intake at once.
pub trait Sink {
    /// Decides whether the file is read. Its bytes are known by their hash.
    fn begin_file(&mut self, file: &FileInfo) -> Result<Take, SinkError>;
    /// Rows of one kind, in the lake's schema, in the file's order.
    fn batch(&mut self, kind: Kind, batch: RecordBatch) -> Result<(), SinkError>;
    /// Sealed originals: `token` Utf8, `sealed` Binary; most repeats are left out.
    fn originals(&mut self, batch: RecordBatch) -> Result<(), SinkError>;
    /// A row kept aside.
    fn reject(&mut self, row: RejectRow) -> Result<(), SinkError>;
    /// The file is read.
    fn end_file(&mut self, summary: &FileSummary) -> Result<(), SinkError>;
    /// A file or folder that cannot be read at all; it has no number.
    fn unreadable(&mut self, name: &str, reason: &Text, remedy: &Text) -> Result<(), SinkError>;
    /// Called now and then.
    fn progress(&mut self, _: &Progress) {}
}
