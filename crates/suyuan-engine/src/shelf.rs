//! The counts of look-ups between runs: two files in the data folder.
//!
//! A file is written in frames ([`crate::frames`]), so that what is torn is never taken up. The first frame says what was counted: the format, the keys
//! that the tokens were made with, the version of the lake, and its files of look-ups with sizes and the digest of their ends
//! (where Parquet keeps the statistics of every column). A file is used only if all of that is still so. Nothing else is ever
//! lost with it: whatever is amiss, the look-ups are counted again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_lake::{Lake, Snapshot, Table};
use suyuan_model::Kind;
use suyuan_trace::kept::{Part, Shelf};

use crate::frames::{self, Frames};

/// Fewer look-ups are counted sooner than a file is read.
const LEAST: u64 = 200_000;
/// Bytes at the end of a lake's file that stand for it.
const END: u64 = 64 << 10;
const FORMAT: u32 = 1;

/// The shelf of a data home, for one run.
pub(crate) struct Counts {
    lake: Lake,
    now: Snapshot,
    folder: PathBuf,
    keys: String,
    least: Option<u64>,
}

impl Counts {
    /// The shelf of a run over this version. With `keep` it takes what is new, else it only gives.
    pub(crate) fn new(lake: Lake, now: Snapshot, folder: PathBuf, keys: String, keep: bool) -> Counts {
        Counts { lake, now, folder, keys, least: keep.then_some(LEAST) }
    }

    fn path(&self, part: Part) -> PathBuf {
        self.folder.join(match part {
            Part::Counts => "lookups",
            Part::Touches => "touches",
        })
    }

    fn head(&self, of: &Snapshot) -> io::Result<Head> {
        let mut files = Sha256::new();
        lie(of, Kind::Access, &mut files)?;
        let files = hex(&files.finalize());
        Ok(Head { format: FORMAT, keys: self.keys.clone(), version: of.id(), files })
    }

    fn open(&self, part: Part) -> Option<Frames> {
        let mut frames = Frames::open(&self.path(part)).ok()?;
        let head: Head = serde_json::from_slice(frames.next_frame().ok()?).ok()?;
        if head.version > self.now.id() {
            return None;
        }
        let then = self.lake.snapshot(Some(head.version)).ok()?;
        if head != self.head(&then).ok()? {
            return None;
        }
        frames.end_frame();
        Some(frames)
    }

    fn write(&self, part: Part, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        frames::put(&self.path(part), &serde_json::to_vec(&self.head(&self.now)?)?, write)
    }
}

impl Shelf for Counts {
    fn take(&mut self, part: Part) -> Option<Box<dyn Read>> {
        Some(Box::new(self.open(part)?))
    }

    fn keep(&mut self, part: Part, rows: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        if self.least.is_some_and(|least| rows >= least) {
            // What could not be kept, for want of space, is counted again.
            let _ = self.write(part, write);
        }
    }
}

/// What was counted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    format: u32,
    keys: String,
    version: i64,
    /// Digest of names, rows, bytes and ends.
    files: String,
}

/// Adds to a digest which files hold a kind, with sizes and ends.
pub(crate) fn lie(of: &Snapshot, kind: Kind, digest: &mut Sha256) -> io::Result<()> {
    for (f, path) in of.files(kind).iter().zip(of.paths(Table::Kind(kind))) {
        digest.update(format!("{} {} {} ", f.name, f.rows, f.bytes));
        digest.update(end(&path, f.bytes)?);
    }
    Ok(())
}

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// The digest of a file's end; an error where it has not that many bytes.
fn end(path: &Path, bytes: u64) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    file.seek(SeekFrom::Start(bytes.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    Ok(Sha256::digest(&end).into())
}

#[cfg(test)]
mod tests;
