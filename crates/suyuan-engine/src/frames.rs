//! Files that are kept between runs and that a crash may tear: frames, each with its length, a checksum and its number.
//!
//! A file is written beside its place and renamed into it. A frame that is torn, swapped or of another file is never taken up.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::Crc;

/// Bytes of a frame at most.
const FRAME: usize = 1 << 18;

/// Writes a file: the first frame is `head`, the others what `write` writes.
pub(crate) fn put(
    path: &Path,
    head: &[u8],
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // One process at a time writes to a home: what lies there is of a run that was ended while it wrote.
    let beside = path.with_extension("part");
    let mut put = || {
        let mut to = Framed { file: File::create(&beside)?, bytes: Vec::with_capacity(FRAME), frames: 0 };
        to.write_all(head)?;
        to.end_frame()?;
        write(&mut to)?;
        to.end_frame()?;
        // Not forced to the disk: what a crash tears is not taken up.
        std::fs::rename(&beside, path)
    };
    put().inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
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
pub(crate) struct Frames {
    file: BufReader<File>,
    frame: Vec<u8>,
    at: usize,
    frames: u64,
}

impl Frames {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> io::Result<Frames> {
        let file = File::open(path)?;
        Ok(Frames { file: BufReader::with_capacity(FRAME, file), frame: Vec::new(), at: 0, frames: 0 })
    }

    /// The next frame, whole.
    pub(crate) fn next_frame(&mut self) -> io::Result<&[u8]> {
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

    /// Leaves the rest of the frame.
    pub(crate) fn end_frame(&mut self) {
        self.at = self.frame.len();
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
