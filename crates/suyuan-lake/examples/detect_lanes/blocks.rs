//! A file as blocks of whole lines.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Fault;

/// Bytes that are read together; a longer line makes it more.
const ROOM: usize = 1 << 20;

/// The blocks of a file.
pub struct Blocks {
    file: File,
    held: Vec<u8>,
    /// Of what is held: how much was given out, and how much was read.
    given: usize,
    read: usize,
}

impl Blocks {
    pub fn open(path: &Path) -> Result<Blocks, Fault> {
        Ok(Blocks { file: File::open(path)?, held: vec![0; ROOM], given: 0, read: 0 })
    }

    /// The next lines; `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<&str>, Fault> {
        self.held.copy_within(self.given..self.read, 0);
        self.read -= self.given;
        let end = loop {
            if self.read == self.held.len() {
                self.held.resize(self.held.len() * 2, 0);
            }
            let more = self.file.read(&mut self.held[self.read..])?;
            let new = self.read..self.read + more;
            self.read = new.end;
            if let Some(last) = self.held[new.clone()].iter().rposition(|b| *b == b'\n') {
                break new.start + last + 1;
            }
            if more == 0 {
                break self.read;
            }
        };
        self.given = end;
        Ok(if end == 0 { None } else { Some(std::str::from_utf8(&self.held[..end])?) })
    }
}
