//! From a file to UTF-8 text: unpacking by magic bytes, decoding, and what cannot be read.
//!
//! The encoding is decided by the first block that is not plain ASCII, so that a long ASCII head
//! decides nothing. A text that is neither UTF-8 nor GB18030 is passed on: its bad rows are rejected.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use encoding_rs::{CoderResult, Decoder, GB18030, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};

use crate::fault::{Fault, text};
use crate::mapping::Encoding;
use suyuan_model::outcome::Text;

/// How many bytes the encoding is judged by at a time.
const BLOCK: usize = 256 * 1024;

/// SHA-256 of the file's bytes, in hex, and how many they are.
pub(crate) fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0u8; 1 << 20];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            break;
        }
        hasher.update(&block[..n]);
        bytes += n as u64;
    }
    let hex = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok((hex, bytes))
}

/// What a file's first bytes say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Magic {
    Gzip,
    Zstd,
    Parquet,
    /// A spreadsheet or another archive.
    Zip,
    /// The old spreadsheet format.
    Ole,
    Other,
}

/// Reads the magic bytes.
pub(crate) fn magic(head: &[u8]) -> Magic {
    match head {
        [0x1f, 0x8b, ..] => Magic::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Magic::Zstd,
        [b'P', b'A', b'R', b'1', ..] => Magic::Parquet,
        [b'P', b'K', 3, 4, ..] => Magic::Zip,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Magic::Ole,
        _ => Magic::Other,
    }
}

/// What an opened file turned out to be.
pub(crate) enum Opened {
    Parquet(File),
    Text(Utf8),
}

/// Opens a file and looks through its packing.
pub(crate) fn open(path: &Path, encoding: Encoding) -> Result<Opened, Fault> {
    let mut file = File::open(path).map_err(|e| unreadable(&e))?;
    let mut head = Vec::new();
    file.by_ref().take(8).read_to_end(&mut head).map_err(|e| unreadable(&e))?;
    file.rewind().map_err(|e| unreadable(&e))?;
    let reader = BufReader::with_capacity(BLOCK, file);
    let bytes: Box<dyn Read + Send> = match magic(&head) {
        Magic::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Magic::Zstd => {
            Box::new(zstd::stream::read::Decoder::with_buffer(reader).map_err(|e| unreadable(&e))?)
        }
        Magic::Parquet => return Ok(Opened::Parquet(reader.into_inner())),
        Magic::Zip | Magic::Ole => return Err(spreadsheet()),
        Magic::Other => Box::new(reader),
    };
    let text = Utf8::new(bytes, encoding)?;
    Ok(Opened::Text(text))
}

/// What the system says about a file that cannot be read.
pub(crate) fn unreadable(e: &io::Error) -> Fault {
    Fault::whole(
        text!("cannot be read: {}", "无法读取：{}", e),
        text!(
            "check that it exists and that this user may read it",
            "请检查文件是否存在、当前用户是否有读取权限"
        ),
    )
}

fn spreadsheet() -> Fault {
    Fault::whole(
        text!("a spreadsheet or an archive, not records", "是电子表格或压缩包，不是记录文件"),
        text!(
            "export it as CSV (UTF-8 or GB18030), or unpack it",
            "请导出为 CSV（UTF-8 或 GB18030），或先解压"
        ),
    )
}

/// A stream of UTF-8 text.
pub(crate) struct Utf8 {
    bytes: Box<dyn Read + Send>,
    mode: Mode,
    /// Read but not yet given.
    ready: Vec<u8>,
    /// Read but not yet decoded: what a multi-byte character began.
    raw: Vec<u8>,
    ended: bool,
    cut: Option<Text>,
}

enum Mode {
    /// ASCII so far.
    Undecided,
    Utf8,
    Decode(Box<Decoder>, Encoding),
}

impl Utf8 {
    fn new(bytes: Box<dyn Read + Send>, encoding: Encoding) -> Result<Self, Fault> {
        let mut out = Self {
            bytes,
            mode: Mode::Undecided,
            ready: Vec::new(),
            raw: Vec::new(),
            ended: false,
            cut: None,
        };
        out.read_raw();
        out.mode = match encoding {
            Encoding::Auto => by_mark(&out.raw),
            Encoding::Utf8 => Mode::Utf8,
            Encoding::Gb18030 => decode(encoding),
            Encoding::Utf16Le | Encoding::Utf16Be => decode(encoding),
        };
        if out.raw.starts_with(&[0xef, 0xbb, 0xbf]) {
            out.raw.drain(..3);
        }
        if matches!(magic(&out.raw), Magic::Zip | Magic::Ole) {
            return Err(spreadsheet());
        }
        if magic(&out.raw) == Magic::Parquet {
            return Err(Fault::whole(
                text!("Parquet inside another packing", "Parquet 外又套了一层压缩"),
                text!("unpack it first", "请先解压"),
            ));
        }
        out.decide();
        Ok(out)
    }

    /// A stream over bytes in memory, taken for UTF-8.
    #[cfg(test)]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Box::new(io::empty()),
            mode: Mode::Utf8,
            ready: bytes,
            raw: Vec::new(),
            ended: true,
            cut: None,
        }
    }

    /// Appends at most `want` bytes; fewer only at the end.
    pub fn fill(&mut self, buf: &mut Vec<u8>, want: usize) {
        let target = buf.len() + want;
        while buf.len() < target {
            if !self.ready.is_empty() {
                let n = self.ready.len().min(target - buf.len());
                buf.extend_from_slice(&self.ready[..n]);
                self.ready.drain(..n);
                continue;
            }
            if self.ended && self.raw.is_empty() {
                return;
            }
            if matches!(self.mode, Mode::Utf8) {
                buf.append(&mut self.raw);
                if buf.len() < target && !self.ended {
                    let left = (target - buf.len()) as u64;
                    let before = buf.len();
                    let result = self.bytes.by_ref().take(left).read_to_end(buf);
                    self.ended = result.is_err() || ((buf.len() - before) as u64) < left;
                    self.cut = result.err().map(|e| cut_text(&e));
                } else if buf.len() > target {
                    self.ready = buf.split_off(target);
                }
                continue;
            }
            if self.raw.is_empty() || self.needs_more() {
                self.read_raw();
            }
            self.decide();
            self.decode_raw();
        }
    }

    /// Whether all is given.
    pub fn ended(&self) -> bool {
        self.ended && self.ready.is_empty() && self.raw.is_empty()
    }

    /// Why the text ended early, if it did.
    pub fn cut(&self) -> Option<&Text> {
        self.cut.as_ref()
    }

    /// The encoding found.
    pub fn encoding(&self) -> Encoding {
        match &self.mode {
            Mode::Decode(_, encoding) => *encoding,
            _ => Encoding::Utf8,
        }
    }

    fn needs_more(&self) -> bool {
        !self.ended && self.raw.len() < 8
    }

    fn read_raw(&mut self) {
        if self.ended {
            return;
        }
        let want = BLOCK - self.raw.len().min(BLOCK - 1);
        let before = self.raw.len();
        let result = self.bytes.by_ref().take(want as u64).read_to_end(&mut self.raw);
        self.ended = result.is_err() || self.raw.len() - before < want;
        self.cut = result.err().map(|e| cut_text(&e));
    }

    /// Leaves `Undecided` at the first block that is not ASCII.
    fn decide(&mut self) {
        if matches!(self.mode, Mode::Undecided) && !self.raw.is_ascii() {
            self.mode = judge(&self.raw);
        }
    }

    fn decode_raw(&mut self) {
        match &mut self.mode {
            Mode::Undecided => self.ready.append(&mut self.raw),
            Mode::Utf8 => {}
            Mode::Decode(decoder, _) => {
                let room = decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(4 * self.raw.len() + 16);
                let mut out = vec![0u8; room];
                let last = self.ended;
                let (result, read, written, _) = decoder.decode_to_utf8(&self.raw, &mut out, last);
                debug_assert_eq!(result, CoderResult::InputEmpty);
                out.truncate(written);
                self.ready = out;
                self.raw.drain(..read);
            }
        }
    }
}

fn cut_text(e: &io::Error) -> Text {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            text!("the file ends in the middle of its compressed data", "文件在压缩数据中途截断")
        }
        _ => text!("the rest of the file cannot be read: {}", "文件其余部分无法读取：{}", e),
    }
}

fn decode(encoding: Encoding) -> Mode {
    let decoder = match encoding {
        Encoding::Utf16Le => UTF_16LE.new_decoder_with_bom_removal(),
        Encoding::Utf16Be => UTF_16BE.new_decoder_with_bom_removal(),
        _ => GB18030.new_decoder_without_bom_handling(),
    };
    Mode::Decode(Box::new(decoder), encoding)
}

/// What a byte-order mark, or the blanks of two-byte ASCII, say.
fn by_mark(head: &[u8]) -> Mode {
    let head = &head[..head.len().min(4096)];
    let nul = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let most = head.len() / 4;
    match head {
        [0xff, 0xfe, ..] => decode(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => decode(Encoding::Utf16Be),
        [0xef, 0xbb, 0xbf, ..] => Mode::Utf8,
        _ if head.len() >= 16 && nul(1) > most && nul(0) == 0 => decode(Encoding::Utf16Le),
        _ if head.len() >= 16 && nul(0) > most && nul(1) == 0 => decode(Encoding::Utf16Be),
        _ => Mode::Undecided,
    }
}

/// UTF-8 where most lines that are not ASCII read as UTF-8, GB18030 where they read as that without fault.
///
/// Bytes are no measure: three of the four of 设备 in GB18030 are a character of UTF-8.
fn judge(block: &[u8]) -> Mode {
    let (mut good, mut bad) = (0usize, 0usize);
    let mut lines = block.split(|b| *b == b'\n').peekable();
    while let Some(line) = lines.next() {
        match std::str::from_utf8(line) {
            Ok(text) => good += usize::from(!text.is_ascii()),
            // A character cut by the block's end is no fault.
            Err(e) if e.error_len().is_none() && lines.peek().is_none() => {
                good += usize::from(!line[..e.valid_up_to()].is_ascii());
            }
            Err(_) => bad += 1,
        }
    }
    if bad == 0 || good >= bad || hardly_faulty(block) {
        return Mode::Utf8;
    }
    let mut decoder = GB18030.new_decoder_without_bom_handling();
    let mut out = vec![0u8; decoder.max_utf8_buffer_length(block.len()).unwrap_or(4 * block.len() + 16)];
    let (_, _, _, faults) = decoder.decode_to_utf8(block, &mut out, false);
    if faults { Mode::Utf8 } else { decode(Encoding::Gb18030) }
}

/// A text in one long line is no other encoding for a bad byte.
fn hardly_faulty(block: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for part in block.utf8_chunks() {
        good += part.valid().bytes().filter(|b| !b.is_ascii()).count();
        bad += part.invalid().len();
    }
    good > 16 * bad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> (String, Encoding) {
        let mut utf8 = Utf8::new(Box::new(io::Cursor::new(bytes.to_vec())), encoding).ok().unwrap();
        let mut out = Vec::new();
        while !utf8.ended() {
            utf8.fill(&mut out, 7);
        }
        (String::from_utf8_lossy(&out).into_owned(), utf8.encoding())
    }

    #[test]
    fn encodings_are_found() {
        let text = "受理时间,工号\n2020-03-01,张三\n";
        let (gb, _, _) = GB18030.encode(text);
        assert_eq!(read(&gb, Encoding::Auto), (text.into(), Encoding::Gb18030));
        assert_eq!(read(text.as_bytes(), Encoding::Auto), (text.into(), Encoding::Utf8));
        let bom = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        assert_eq!(read(&bom, Encoding::Auto).0, text);
        let utf16: Vec<u8> = "\u{feff}ts,工号\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&utf16, Encoding::Auto), ("ts,工号\n".into(), Encoding::Utf16Le));
        let bare: Vec<u8> = "ts,account,device\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&bare, Encoding::Auto), ("ts,account,device\n".into(), Encoding::Utf16Be));
    }

    #[test]
    fn a_long_ascii_head_decides_nothing() {
        let head = "a,b\n".repeat(BLOCK / 2);
        let (gb, _, _) = GB18030.encode("工号,张三\n");
        let all = [head.as_bytes(), &gb].concat();
        let (text, encoding) = read(&all, Encoding::Auto);
        assert_eq!(encoding, Encoding::Gb18030);
        assert!(text.ends_with("工号,张三\n") && text.len() == head.len() + "工号,张三\n".len());
    }

    #[test]
    fn a_word_that_reads_as_utf8_by_chance_decides_nothing() {
        let text = format!("受理时间,定位方式\n{}", "2020-03-01,设备\n".repeat(200));
        let (gb, _, _) = GB18030.encode(&text);
        assert_eq!(read(&gb, Encoding::Auto), (text, Encoding::Gb18030));
        let (gb, _, _) = GB18030.encode("ts,mode\n2020-03-01,设备\n");
        assert_eq!(read(&gb, Encoding::Auto).1, Encoding::Gb18030);
        let one_line = [format!("[{}", "{\"a\":\"张三\"},".repeat(50)).as_bytes(), b"\xff]"].concat();
        assert_eq!(read(&one_line, Encoding::Auto).1, Encoding::Utf8);
    }

    #[test]
    fn one_bad_byte_does_not_make_utf8_something_else() {
        let mut bytes = "受理时间,工号\n张三,李四\n".repeat(5).into_bytes();
        bytes.extend_from_slice(b"\xff,x\n");
        assert_eq!(read(&bytes, Encoding::Auto).1, Encoding::Utf8);
    }
}
