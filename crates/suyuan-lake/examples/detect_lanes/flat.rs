//! Flat lines: an object of plain texts and whole numbers without blanks, as loggers write them.
//!
//! Eight bytes are looked at in one step, and what nobody asks for is passed over. Whatever is not of this form (an escape, a
//! fraction, a list, a blank) answers `None`, and is left to a reader of all JSON.

use std::ops::Range;

/// A value.
pub enum Value {
    /// A text that is written as it reads: where it stands in the line.
    Text(Range<usize>),
    Whole(i64),
}

/// A line and how far it is read.
pub struct Flat<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Flat<'l> {
    /// The first line of a text, before the first field of an object that has one.
    pub fn begin(text: &'l str) -> Option<Flat<'l>> {
        let line = text.as_bytes();
        line.starts_with(b"{\"").then_some(Flat { line, at: 1 })
    }

    /// How much of the text is read.
    pub fn read(&self) -> usize {
        self.at
    }

    /// Passes over the next name if it is this one, given as it is written: `"name":`.
    #[inline]
    pub fn is(&mut self, written: &str) -> bool {
        let is = self.line[self.at..].starts_with(written.as_bytes());
        self.at += if is { written.len() } else { 0 };
        is
    }

    /// The next name, whichever it is.
    pub fn name(&mut self) -> Option<Range<usize>> {
        let name = self.text()?;
        self.pass(b':')?;
        Some(name)
    }

    /// The value after a name.
    #[inline]
    pub fn value(&mut self) -> Option<Value> {
        match self.line.get(self.at)? {
            b'"' => Some(Value::Text(self.text()?)),
            _ => Some(Value::Whole(self.whole()?)),
        }
    }

    /// Whether another field follows; the line may end here, and then its end is passed, too.
    #[inline]
    pub fn more(&mut self) -> Option<bool> {
        let (more, bytes) = match &self.line[self.at..] {
            [b',', ..] => (true, 1),
            [b'}', b'\n', ..] => (false, 2),
            _ => return None,
        };
        self.at += bytes;
        Some(more)
    }

    fn pass(&mut self, byte: u8) -> Option<()> {
        (*self.line.get(self.at)? == byte).then_some(())?;
        self.at += 1;
        Some(())
    }

    #[inline]
    fn text(&mut self) -> Option<Range<usize>> {
        self.pass(b'"')?;
        let from = self.at;
        let to = from + plain(&self.line[from..])?;
        self.at = to + 1;
        Some(from..to)
    }

    fn whole(&mut self) -> Option<i64> {
        let rest = &self.line[self.at..];
        let minus = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[minus..].iter().take_while(|b| b.is_ascii_digit()).count();
        let ends = matches!(rest.get(minus + digits), Some(b',' | b'}'));
        // Eighteen digits fit; zeros do not lead.
        if !ends || !(1..=18).contains(&digits) || (digits > 1 && rest[minus] == b'0') {
            return None;
        }
        let value = rest[minus..minus + digits].iter().fold(0, |v, b| v * 10 + i64::from(b - b'0'));
        self.at += minus + digits;
        Some(if minus == 1 { -value } else { value })
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// How many bytes come before the closing quote; `None` where something else must be understood first.
#[inline]
fn plain(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let w = u64::from_le_bytes(word.try_into().ok()?);
        // The lowest bit that is set is that of the first such byte; higher ones may be carried over from it.
        let zero = |w: u64| w.wrapping_sub(ONES) & !w & HIGHS;
        let low = w.wrapping_sub(ONES * 0x20) & !w & HIGHS;
        let found = zero(w ^ (ONES * u64::from(b'"'))) | zero(w ^ (ONES * u64::from(b'\\'))) | low;
        if found != 0 {
            at += found.trailing_zeros() as usize / 8;
            return (bytes[at] == b'"').then_some(at);
        }
        at += 8;
    }
    let odd = |b: &u8| matches!(b, b'"' | b'\\' | ..0x20);
    at += words.remainder().iter().position(odd)?;
    (bytes[at] == b'"').then_some(at)
}
