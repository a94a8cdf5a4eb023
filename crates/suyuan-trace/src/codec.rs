//! Numbers and texts as bytes, for what is kept.

use std::io::{self, Read, Write};

/// Bytes of one section at most, more or less.
const SECTION: usize = 1 << 20;

/// Writes numbers and texts in sections: the length, then the bytes.
pub struct Out<'a> {
    to: &'a mut dyn Write,
    bytes: Vec<u8>,
}

impl<'a> Out<'a> {
    pub fn new(to: &'a mut dyn Write) -> Out<'a> {
        Out { to, bytes: Vec::new() }
    }

    /// A number.
    pub fn number(&mut self, x: u64) -> io::Result<()> {
        varint(&mut self.bytes, x);
        if self.bytes.len() < SECTION { Ok(()) } else { self.end() }
    }

    /// A number that may be below nothing.
    pub fn signed(&mut self, x: i64) -> io::Result<()> {
        self.number((x << 1 ^ x >> 63) as u64)
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < SECTION { Ok(()) } else { self.end() }
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Ends the section, so that what was written is with the writer.
    pub fn end(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.to.write_all(&(self.bytes.len() as u64).to_le_bytes())?;
        self.to.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// Reads what [`Out`] wrote; `None` where something else stands.
pub struct In {
    from: Box<dyn Read>,
    bytes: Vec<u8>,
    at: usize,
}

impl In {
    pub fn new(from: Box<dyn Read>) -> In {
        In { from, bytes: Vec::new(), at: 0 }
    }

    /// Reads the next section where this one is used up.
    fn fill(&mut self) -> Option<()> {
        if self.at < self.bytes.len() {
            return Some(());
        }
        let mut len = [0; 8];
        self.from.read_exact(&mut len).ok()?;
        let len = u64::from_le_bytes(len);
        self.bytes.clear();
        self.at = 0;
        self.from.by_ref().take(len).read_to_end(&mut self.bytes).ok()?;
        (len > 0 && self.bytes.len() as u64 == len).then_some(())
    }

    pub fn number(&mut self) -> Option<u64> {
        self.fill()?;
        let (mut x, mut shift) = (0u64, 0);
        loop {
            let b = *self.bytes.get(self.at)?;
            self.at += 1;
            x |= u64::from(b & 0x7f).checked_shl(shift)?;
            shift += 7;
            if b < 0x80 {
                return Some(x);
            }
        }
    }

    pub fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    pub fn signed(&mut self) -> Option<i64> {
        let x = self.number()?;
        Some((x >> 1) as i64 ^ -((x & 1) as i64))
    }

    pub fn bytes(&mut self) -> Option<&[u8]> {
        let len: usize = self.small()?;
        if len > 0 {
            self.fill()?;
        }
        let end = self.at.checked_add(len)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    pub fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

/// Appends a number, seven bits a byte.
pub fn varint(bytes: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        bytes.push(x as u8 | 0x80);
        x >>= 7;
    }
    bytes.push(x as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(list in proptest::collection::vec((any::<u64>(), any::<i64>(), ".{0,9}"), 0..50)) {
            let mut bytes = Vec::new();
            let mut out = Out::new(&mut bytes);
            for (n, s, t) in &list {
                out.number(*n).unwrap();
                out.signed(*s).unwrap();
                out.text(t).unwrap();
                out.bytes(&vec![7; SECTION / 8]).unwrap();
            }
            out.end().unwrap();
            let mut read = In::new(Box::new(io::Cursor::new(bytes)));
            for (n, s, t) in &list {
                prop_assert_eq!(read.number(), Some(*n));
                prop_assert_eq!(read.signed(), Some(*s));
                prop_assert_eq!(read.text(), Some(t.clone()));
                prop_assert_eq!(read.bytes().map(<[u8]>::len), Some(SECTION / 8));
            }
            prop_assert_eq!(read.number(), None);
        }
    }
}
