//! Cutting a text into chunks of whole records, and telling records that cannot be one.
//!
//! Invariants: every byte of the text is in exactly one chunk or broken record, in order; a chunk ends
//! where a record ends; at most one chunk and one record's beginning are in memory.

use memchr::{memchr, memchr_iter, memrchr};

use crate::fault::{Fault, text};
use crate::open::Utf8;
use suyuan_model::outcome::Text;

/// Bytes read at a time: whole records of about this many make a chunk.
pub const CHUNK: usize = 4 << 20;
/// A longer record is no record: it is rejected by its line, its head sealed, and the rest goes on.
pub const MAX_RECORD: usize = 1 << 20;
/// How much of a broken record is kept.
pub const HEAD: usize = 4 << 10;

/// What is cut off for a worker.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    /// Delimited records.
    Csv { data: Vec<u8>, line: u64 },
    /// One JSON record a line.
    Lines { data: Vec<u8>, line: u64 },
    /// JSON records anywhere in the text.
    Spans { data: Vec<u8>, spans: Vec<Span> },
    /// A record that cannot be one, with the head of its text.
    Broken { line: u64, head: Vec<u8>, whole: bool, fault: Fault },
}

/// A JSON record in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
    pub line: u64,
}

/// How records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Csv { delimiter: u8 },
    Lines,
    Spans,
}

/// Cuts a text into pieces.
pub(crate) struct Splitter {
    text: Utf8,
    shape: Shape,
    chunk: usize,
    pending: Vec<u8>,
    line: u64,
    done: bool,
}

impl Splitter {
    /// From the text's present place; `head` was already read from it and `line` is where it begins.
    pub fn new(text: Utf8, shape: Shape, head: Vec<u8>, line: u64, chunk: usize) -> Self {
        Self { text, shape, chunk, pending: head, line, done: false }
    }

    /// The next piece, in `buf`'s memory.
    pub fn next(&mut self, mut buf: Vec<u8>) -> Option<Piece> {
        if self.done {
            return None;
        }
        buf.clear();
        buf.append(&mut self.pending);
        if buf.len() < self.chunk {
            let want = self.chunk - buf.len();
            self.text.fill(&mut buf, want);
        }
        if self.shape == Shape::Spans {
            return self.spans(buf);
        }
        if buf.is_empty() {
            self.done = true;
            let fault = self.text.cut().map(|cut| cut_fault(Some(cut)))?;
            return Some(self.broken(buf, false, fault));
        }
        let (end, open) = match self.shape {
            Shape::Csv { delimiter } => last_record_end(&buf, delimiter),
            _ => (memrchr(b'\n', &buf).map(|n| n + 1), false),
        };
        let ended = self.text.ended();
        match end {
            _ if ended && !open && self.text.cut().is_none() => Some(self.chunk_of(buf)),
            Some(end) => {
                self.pending.extend_from_slice(&buf[end..]);
                buf.truncate(end);
                Some(self.chunk_of(buf))
            }
            None if ended && self.text.cut().is_some() => {
                self.done = true;
                let fault = cut_fault(self.text.cut());
                Some(self.broken(buf, false, fault))
            }
            None if open && memchr(b'\n', &buf).is_some() => {
                let end = memchr(b'\n', &buf).map_or(buf.len(), |n| n + 1);
                self.pending.extend_from_slice(&buf[end..]);
                buf.truncate(end);
                Some(self.broken(buf, true, unclosed()))
            }
            None if ended => Some(self.broken(buf, true, unclosed())),
            None => Some(self.too_long(buf)),
        }
    }

    /// Why the text ended early, if it did.
    pub fn cut(&self) -> Option<&Text> {
        self.text.cut()
    }

    fn chunk_of(&mut self, data: Vec<u8>) -> Piece {
        let line = self.line;
        self.line += memchr_iter(b'\n', &data).count() as u64;
        match self.shape {
            Shape::Csv { .. } => Piece::Csv { data, line },
            _ => Piece::Lines { data, line },
        }
    }

    fn broken(&mut self, mut text: Vec<u8>, whole: bool, fault: Fault) -> Piece {
        let line = self.line;
        self.line += memchr_iter(b'\n', &text).count() as u64;
        let whole = whole && text.len() <= HEAD;
        text.truncate(HEAD);
        Piece::Broken { line, head: text, whole, fault }
    }

    /// Passes over a record without end in sight, up to the next line.
    fn too_long(&mut self, mut buf: Vec<u8>) -> Piece {
        let own = memchr(b'\n', &buf).unwrap_or(buf.len());
        let head = buf[..own.min(HEAD)].to_vec();
        let line = self.line;
        loop {
            if let Some(n) = memchr(b'\n', &buf) {
                self.pending.extend_from_slice(&buf[n + 1..]);
                self.line += 1;
                break;
            }
            buf.clear();
            self.text.fill(&mut buf, self.chunk);
            if buf.is_empty() {
                break;
            }
        }
        Piece::Broken { line, head, whole: false, fault: too_long() }
    }

    fn spans(&mut self, mut buf: Vec<u8>) -> Option<Piece> {
        let mut spans = Vec::new();
        let mut at = 0;
        let mut line = self.line;
        loop {
            let (gap, next) = between(&buf[at..]);
            line += memchr_iter(b'\n', &buf[at..at + gap]).count() as u64;
            at += gap;
            match next {
                Next::Element => {}
                Next::End => {
                    self.done = true;
                    break;
                }
                Next::More => break,
            }
            let Some(len) = element(&buf[at..]) else { break };
            spans.push(Span { start: at, end: at + len, line });
            line += memchr_iter(b'\n', &buf[at..at + len]).count() as u64;
            at += len;
        }
        self.line = line;
        let rest = at..buf.len();
        if !spans.is_empty() {
            if !self.done {
                self.pending.extend_from_slice(&buf[rest]);
            }
            buf.truncate(at);
            return Some(Piece::Spans { data: buf, spans });
        }
        if self.done {
            return None;
        }
        self.done = true;
        buf.drain(..at);
        if buf.is_empty() {
            return match self.text.cut() {
                Some(_) => {
                    let fault = cut_fault(self.text.cut());
                    Some(self.broken(buf, false, fault))
                }
                None => None,
            };
        }
        if self.text.ended() {
            let fault = cut_fault(self.text.cut());
            return Some(self.broken(buf, false, fault));
        }
        // An element without end in sight: pass over it with the same rules.
        self.done = false;
        Some(self.long_element(buf))
    }

    fn long_element(&mut self, mut buf: Vec<u8>) -> Piece {
        let head = buf[..buf.len().min(HEAD)].to_vec();
        let line = self.line;
        let mut scan = Scan::default();
        loop {
            match scan.end(&buf) {
                Some(end) => {
                    self.line += memchr_iter(b'\n', &buf[..end]).count() as u64;
                    self.pending.extend_from_slice(&buf[end..]);
                    break;
                }
                None => {
                    self.line += memchr_iter(b'\n', &buf).count() as u64;
                    buf.clear();
                    self.text.fill(&mut buf, self.chunk);
                    if buf.is_empty() {
                        self.done = true;
                        break;
                    }
                }
            }
        }
        Piece::Broken { line, head, whole: false, fault: too_long() }
    }
}

fn cut_fault(cut: Option<&Text>) -> Fault {
    let reason = cut
        .cloned()
        .unwrap_or_else(|| text!("the file ends in the middle of a record", "文件在记录中途结束"));
    Fault::whole(
        reason,
        text!(
            "the rows before this are kept; get the file whole and take it in again: known rows are not doubled",
            "此前的行已保留；请取得完整文件重新导入，已有的行不会重复"
        ),
    )
}

fn unclosed() -> Fault {
    Fault::whole(
        text!("a quote opened in this row is never closed", "该行的引号没有闭合"),
        text!("close it, or double it where it is part of the text", "请闭合引号；作为内容的引号请写两次"),
    )
}

pub(crate) fn too_long() -> Fault {
    Fault::whole(
        text!("a record of more than {} bytes", "记录超过 {} 字节", MAX_RECORD),
        text!(
            "look for a missing line end, or leave the long column out",
            "请检查是否缺少换行，或去掉过长的列"
        ),
    )
}

/// Where the last whole record ends, and whether a quoted field is open at the end of the text.
///
/// The text begins where a record begins. A quote opens a field only at the field's beginning.
pub(crate) fn last_record_end(text: &[u8], delimiter: u8) -> (Option<usize>, bool) {
    let (mut at, mut end) = (0, None);
    loop {
        let quote = memchr(b'"', &text[at..]).map(|n| at + n);
        if let Some(n) = memrchr(b'\n', &text[at..quote.unwrap_or(text.len())]) {
            end = Some(at + n + 1);
        }
        let Some(quote) = quote else { return (end, false) };
        let before = quote.checked_sub(1).map(|n| text[n]);
        at = quote + 1;
        if before.is_some_and(|b| b != delimiter && b != b'\n' && b != b'\r') {
            continue;
        }
        loop {
            match memchr(b'"', &text[at..]) {
                None => return (end, true),
                Some(n) if text.get(at + n + 1) == Some(&b'"') => at += n + 2,
                Some(n) => {
                    at += n + 1;
                    break;
                }
            }
        }
    }
}

enum Next {
    Element,
    End,
    More,
}

/// How many bytes lie before the next element, and what follows them.
fn between(text: &[u8]) -> (usize, Next) {
    for (n, b) in text.iter().enumerate() {
        match b {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            b']' => return (n + 1, Next::End),
            _ => return (n, Next::Element),
        }
    }
    (text.len(), Next::More)
}

/// The length of the element at the text's beginning; `None` when it does not end in it.
pub(crate) fn element(text: &[u8]) -> Option<usize> {
    Scan::default().end(text)
}

/// Where in an element a scan stands.
#[derive(Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Goes on over `text`; the offset just behind the element's end.
    fn end(&mut self, text: &[u8]) -> Option<usize> {
        let mut n = 0;
        while n < text.len() {
            let b = text[n];
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    n += 1;
                    continue;
                }
                let skip = memchr::memchr2(b'"', b'\\', &text[n..])?;
                n += skip;
                match text[n] {
                    b'\\' => self.escaped = true,
                    _ => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Some(n + 1);
                        }
                    }
                }
                n += 1;
                continue;
            }
            match b {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth <= 1 => return Some(n + usize::from(self.depth == 1)),
                b'}' | b']' => self.depth -= 1,
                b',' | b'\n' if self.depth == 0 => return Some(n),
                _ => {}
            }
            n += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut_all(text: &str, shape: Shape, chunk: usize) -> Vec<Piece> {
        let mut s = Splitter::new(Utf8::of(text.as_bytes().to_vec()), shape, Vec::new(), 1, chunk);
        std::iter::from_fn(|| s.next(Vec::new())).collect()
    }

    #[test]
    fn quoted_newlines_stay_in_their_record() {
        let text = "a,\"x\ny\"\"\n\",b\nc\"d,e\n";
        assert_eq!(last_record_end(text.as_bytes(), b','), (Some(text.len()), false));
        assert_eq!(last_record_end(b"a\n\"b\nc", b','), (Some(2), true));
        let pieces = cut_all(text, Shape::Csv { delimiter: b',' }, 16);
        let lines: Vec<u64> = pieces
            .iter()
            .map(|p| match p {
                Piece::Csv { line, .. } => *line,
                _ => 0,
            })
            .collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn a_record_without_end_is_passed_over() {
        let text = format!("a,b\n{}\nc,d\n", "x".repeat(100));
        let pieces = cut_all(&text, Shape::Csv { delimiter: b',' }, 16);
        assert!(matches!(&pieces[1], Piece::Broken { line: 2, .. }), "{pieces:?}");
        assert!(matches!(&pieces[2], Piece::Csv { line: 3, data } if data == b"c,d\n"));
        let runaway = format!("a,b\n\"x,y\n{}", "c,d\n".repeat(20));
        let pieces = cut_all(&runaway, Shape::Csv { delimiter: b',' }, 32);
        assert!(
            matches!(&pieces[1], Piece::Broken { line: 2, head, .. } if head == b"\"x,y\n"),
            "{pieces:?}"
        );
        assert!(matches!(&pieces[2], Piece::Csv { line: 3, .. }));
    }

    #[test]
    fn json_elements_are_found_across_lines() {
        let text = "{\"a\": \"}\\\"]\"}\n,\n{\"b\":\n[1,{}]} ] trailing";
        let pieces = cut_all(text, Shape::Spans, 64);
        let Piece::Spans { data, spans } = &pieces[0] else { panic!("{pieces:?}") };
        let found: Vec<(&[u8], u64)> = spans.iter().map(|s| (&data[s.start..s.end], s.line)).collect();
        assert_eq!(found, [(&b"{\"a\": \"}\\\"]\"}"[..], 1), (b"{\"b\":\n[1,{}]}", 3)]);
        let long = format!("{{\"a\":\"{}\"}},{{\"b\":1}}", "x".repeat(100));
        let pieces = cut_all(&long, Shape::Spans, 32);
        assert!(matches!(&pieces[0], Piece::Broken { .. }) && pieces.len() == 2, "{pieces:?}");
        assert!(matches!(cut_all("{\"a\":1},{\"b\"", Shape::Spans, 64)[1], Piece::Broken { .. }));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(rows in proptest::collection::vec("[a-c,\"\n]{0,12}", 0..30), chunk in 24usize..80) {
            let text = rows.join("\n");
            let (mut back, mut passed_over) = (Vec::new(), false);
            for piece in cut_all(&text, Shape::Csv { delimiter: b',' }, chunk) {
                match piece {
                    Piece::Csv { data, .. } => back.extend(data),
                    Piece::Broken { head, whole, .. } => {
                        back.extend(head);
                        passed_over |= !whole;
                    }
                    other => panic!("{other:?}"),
                }
            }
            if passed_over {
                prop_assert!(text.len() >= chunk);
            } else {
                prop_assert_eq!(back, text.into_bytes());
            }
        }
    }
}
