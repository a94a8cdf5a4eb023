//! The counts of look-ups between runs: two files in the data folder.
//!
//! A file is written beside its place and renamed into it, in frames that each carry a checksum and their number, so a frame
//! that is torn, swapped or of another file is never taken up. The first frame says what was counted: the format, the keys
//! that the tokens were made with, the version of the lake, and its files of look-ups with sizes and the digest of their ends
//! (where Parquet keeps the statistics of every column). A file is used only if all of that is still so. Nothing else is ever
//! lost with it: whatever is amiss, the look-ups are counted again.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_lake::{Lake, Snapshot, Table};
use suyuan_model::Kind;
use suyuan_trace::kept::{Part, Shelf};

/// Fewer look-ups are counted sooner than a file is read.
const LEAST: u64 = 200_000;
/// Bytes of a frame.
const FRAME: usize = 1 << 18;
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
        for (f, path) in of.files(Kind::Access).iter().zip(of.paths(Table::Kind(Kind::Access))) {
            files.update(format!("{} {} {} ", f.name, f.rows, f.bytes));
            files.update(end(&path, f.bytes)?);
        }
        let files = files.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Head { format: FORMAT, keys: self.keys.clone(), version: of.id(), files })
    }

    fn open(&self, part: Part) -> Option<Frames> {
        let mut frames = Frames::new(File::open(self.path(part)).ok()?);
        let head: Head = serde_json::from_slice(frames.next_frame().ok()?).ok()?;
        if head.version > self.now.id() {
            return None;
        }
        let then = self.lake.snapshot(Some(head.version)).ok()?;
        if head != self.head(&then).ok()? {
            return None;
        }
        frames.at = frames.frame.len();
        Some(frames)
    }

    fn write(&self, part: Part, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.path(part);
        // One process at a time writes to a home: what lies there is of a run that was ended while it wrote.
        let beside = path.with_extension("part");
        let mut put = || {
            let mut to = Framed { file: File::create(&beside)?, bytes: Vec::with_capacity(FRAME), frames: 0 };
            to.write_all(&serde_json::to_vec(&self.head(&self.now)?)?)?;
            to.end_frame()?;
            write(&mut to)?;
            to.end_frame()?;
            // Not forced to the disk: what a crash tears is not taken up.
            std::fs::rename(&beside, &path)
        };
        put().inspect_err(|_| {
            let _ = std::fs::remove_file(&beside);
        })
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

/// The checksum of a frame at its place.
fn sum(place: u64, bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(&place.to_le_bytes());
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// Writes frames: length, checksum, bytes.
struct Framed {
    file: File,
    bytes: Vec<u8>,
    frames: u64,
}

impl Framed {
    fn end_frame(&mut self) -> io::Result<()> {
        self.file.write_all(&(self.bytes.len() as u32).to_le_bytes())?;
        self.file.write_all(&sum(self.frames, &self.bytes))?;
        self.file.write_all(&self.bytes)?;
        self.frames += 1;
        self.bytes.clear();
        Ok(())
    }
}

impl Write for Framed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() == FRAME {
            self.end_frame()?;
        }
        let n = bytes.len().min(FRAME - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..n]);
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads frames; gives no byte of one before its checksum is right.
struct Frames {
    file: BufReader<File>,
    frame: Vec<u8>,
    at: usize,
    frames: u64,
}

impl Frames {
    fn new(file: File) -> Frames {
        Frames { file: BufReader::with_capacity(FRAME, file), frame: Vec::new(), at: 0, frames: 0 }
    }

    fn next_frame(&mut self) -> io::Result<&[u8]> {
        let (mut len, mut crc) = ([0; 4], [0; 4]);
        self.file.read_exact(&mut len)?;
        self.file.read_exact(&mut crc)?;
        let len = u32::from_le_bytes(len) as usize;
        if len > FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.frame.resize(len, 0);
        self.file.read_exact(&mut self.frame)?;
        if crc != sum(self.frames, &self.frame) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.frames += 1;
        self.at = 0;
        Ok(&self.frame)
    }
}

impl Read for Frames {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.frame.len() {
            self.next_frame()?;
        }
        let n = to.len().min(self.frame.len() - self.at);
        to[..n].copy_from_slice(&self.frame[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
