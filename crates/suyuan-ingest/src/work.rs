//! What a worker does: one piece of a file to rows, originals, rejects.
//!
//! Invariant: the outcome depends on the piece and the file's context only, never on which worker has
//! it or what that worker saw before.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use csv::StringRecord;
use memchr::memchr;
use suyuan_model::Kind;

use crate::cells::{Cells, Lifted};
use crate::fault::{Fault, did_you_mean, text};
use crate::json::Paths;
use crate::plan::{KindRecipe, Recipe};
use crate::row::{Batch, Place, RowMaker, Shared};
use crate::sink::{RejectContext, RejectRow};
use crate::split::{MAX_RECORD, Piece, too_long};
use crate::table;
use crate::value::Warn;

/// A piece of a file for a worker.
pub(crate) enum Work {
    Text(Piece),
    /// Rows of a table; the first has this number.
    Table(RecordBatch, u64),
}

/// What a worker makes of a piece.
#[derive(Default)]
pub(crate) struct Done {
    /// The piece's memory, for the next.
    pub memory: Vec<u8>,
    pub records: u64,
    pub skipped: u64,
    pub batches: Vec<Batch>,
    pub originals: Option<(RecordBatch, Vec<u128>)>,
    pub rejects: Vec<RejectRow>,
    pub warnings: BTreeMap<(Kind, &'static str, Warn), (u64, i64)>,
    /// Keys that no field has: how many and the first line.
    pub unknown: BTreeMap<String, (u64, i64)>,
}

/// What all pieces of a file share.
pub(crate) struct FileContext {
    pub recipe: Arc<Recipe>,
    /// Slot to cell, for files with a header.
    pub binding: Vec<Option<usize>>,
    pub cells: usize,
    pub delimiter: u8,
    pub paths: Paths,
    /// The text was decoded: the mark of a bad character may be in it.
    pub decoded: bool,
    pub context: Arc<RejectContext>,
}

/// More unknown keys than this are not worth telling apart.
const UNKNOWN_KEYS: usize = 64;

/// One worker on one file.
pub(crate) struct Worker<'s> {
    file: &'s FileContext,
    shared: &'s Shared<'s>,
    maker: RowMaker<'s>,
    lifted: Lifted,
    done: Done,
}

impl<'s> Worker<'s> {
    pub fn new(file: &'s FileContext, shared: &'s Shared<'s>) -> Self {
        let maker = RowMaker::new(shared);
        Self { file, shared, maker, lifted: Lifted::default(), done: Done::default() }
    }

    /// Works one piece.
    pub fn work(&mut self, work: Work) -> Done {
        match work {
            Work::Text(Piece::Csv { data, line }) => {
                self.csv(&data, line);
                self.done.memory = data;
            }
            Work::Text(Piece::Lines { data, line }) => {
                self.lines(&data, line);
                self.done.memory = data;
            }
            Work::Text(Piece::Spans { data, spans }) => {
                for span in &spans {
                    self.json(&data[span.start..span.end], span.line);
                }
                self.done.memory = data;
            }
            Work::Text(Piece::Broken { line, head, whole, fault }) => {
                self.done.records += 1;
                self.reject(None, fault, line, &head, whole);
            }
            Work::Table(batch, first) => self.table(&batch, first),
        }
        self.done.batches = self.maker.finish();
        self.done.originals = self.maker.originals();
        self.done.warnings = std::mem::take(&mut self.maker.warnings);
        std::mem::take(&mut self.done)
    }

    fn csv(&mut self, mut data: &[u8], mut line: u64) {
        let mut record = StringRecord::new();
        'again: loop {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(self.file.delimiter)
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(1 << 16)
                .from_reader(data);
            let mut start = 0;
            loop {
                let result = reader.read_record(&mut record);
                let end = reader.position().byte() as usize;
                // The reader passes over empty lines before a record and counts them to it.
                while let Some(b @ (b'\n' | b'\r')) = data.get(start) {
                    line += u64::from(*b == b'\n');
                    start += 1;
                }
                let raw = &data[start.min(end)..end];
                match result {
                    Ok(false) => return,
                    Ok(true) => {
                        if let Some(skip) = self.csv_record(&record, raw, line) {
                            data = &data[start + skip..];
                            line += 1;
                            continue 'again;
                        }
                    }
                    Err(_) => {
                        self.done.records += 1;
                        self.reject(None, not_text(), line, trim_end(raw), true);
                    }
                }
                line += memchr::memchr_iter(b'\n', raw).count() as u64;
                start = end;
            }
        }
    }

    /// One record; `Some(n)` when only its first `n` bytes, a line, were one.
    fn csv_record(&mut self, record: &StringRecord, raw: &[u8], line: u64) -> Option<usize> {
        self.done.records += 1;
        let raw = trim_end(raw);
        if raw.len() > MAX_RECORD {
            self.reject(None, too_long(), line, &raw[..crate::split::HEAD], false);
            return None;
        }
        if record.len() != self.file.cells {
            // A quote that is never closed swallows the lines that follow: they get their own chance.
            let first = memchr(b'\n', raw);
            let own = first.map_or(raw, |n| &raw[..n]);
            self.reject(None, ragged(record.len(), self.file.cells), line, trim_end(own), true);
            return first.map(|n| n + 1);
        }
        if let Some(fault) = self.bad_text(raw) {
            self.reject(None, fault, line, raw, true);
            return None;
        }
        let file = self.file;
        self.offer(&Cells::Csv(record, &file.binding), line, |_| raw.to_vec());
        None
    }

    /// A byte that no text has, or the mark that decoding left for one.
    fn bad_text(&self, raw: &[u8]) -> Option<Fault> {
        if memchr(0, raw).is_some() {
            return Some(Fault::whole(
                text!("a NUL byte in the row", "该行含有 NUL 字节"),
                text!("take the NUL bytes out, or export the row again", "请去掉 NUL 字节，或重新导出该行"),
            ));
        }
        let mark = self.file.decoded && memchr::memmem::find(raw, "\u{fffd}".as_bytes()).is_some();
        mark.then(not_text)
    }

    fn lines(&mut self, data: &[u8], mut line: u64) {
        let mut rest = data;
        while !rest.is_empty() {
            let len = memchr(b'\n', rest).unwrap_or(rest.len());
            let record = rest[..len].trim_ascii();
            if !record.is_empty() {
                self.json(record, line);
            }
            line += 1;
            rest = rest.get(len + 1..).unwrap_or(&[]);
        }
    }

    fn json(&mut self, record: &[u8], line: u64) {
        self.done.records += 1;
        if record.len() > MAX_RECORD {
            return self.reject(None, too_long(), line, &record[..crate::split::HEAD], false);
        }
        if let Some(fault) = self.bad_text(record) {
            return self.reject(None, fault, line, record, true);
        }
        let mut lifted = std::mem::take(&mut self.lifted);
        let native = self.file.context.kind;
        let mut missed: Option<String> = None;
        let unknown = &mut self.done.unknown;
        let mut tell = |key: &str| {
            if native.is_none() {
                return;
            }
            let key = &*crate::stray::speakable(key);
            if missed.is_none() && native.is_some_and(|k| missed_field(k, key).is_some()) {
                missed = Some(key.to_owned());
            }
            if unknown.len() < UNKNOWN_KEYS || unknown.contains_key(key) {
                unknown.entry(key.to_owned()).or_insert((0, line as i64)).0 += 1;
            }
        };
        let result = self.file.paths.lift(record, &mut lifted, &mut tell);
        match result {
            Ok(()) => {
                let missed = missed.as_deref();
                self.offer(&Cells::Lifted(&lifted), line, |fault| {
                    if let (Some(key), Some(kind)) = (missed, native)
                        && let Some(field) = missed_field(kind, key)
                        && fault.field.as_deref() == Some(field)
                    {
                        fault.remedy = misspelt(key, field);
                    }
                    record.to_vec()
                });
            }
            Err(e) => {
                // serde_json names the place and the form, never the text.
                let fault = Fault::whole(
                    text!("not a JSON object: column {}", "不是 JSON 对象：第 {} 列", e.column()),
                    text!(
                        "mend the record; each is one object with its fields",
                        "请更正；每条记录为一个对象"
                    ),
                );
                self.reject(None, fault, line, record, true);
            }
        }
        self.lifted = lifted;
    }

    fn table(&mut self, batch: &RecordBatch, first: u64) {
        let columns = table::columns(batch, &self.file.recipe.slots);
        let mut lifted = std::mem::take(&mut self.lifted);
        for row in 0..batch.num_rows() {
            self.done.records += 1;
            table::lift(&columns, row, &mut lifted);
            self.offer(&Cells::Lifted(&lifted), first + row as u64, |_| {
                table::as_json(batch, row).into_bytes()
            });
        }
        self.lifted = lifted;
    }

    /// Offers a record to the kinds in their order.
    fn offer(&mut self, cells: &Cells<'_>, line: u64, mut raw: impl FnMut(&mut Fault) -> Vec<u8>) {
        let recipe = &self.file.recipe;
        if recipe.skip.iter().any(|c| c.holds(cells)) {
            self.done.skipped += 1;
            return;
        }
        let place = Place { line: line as i64, record: self.done.records as i64 };
        let mut taken = false;
        for kind in &recipe.kinds {
            if kind.when.as_ref().is_some_and(|c| !c.holds(cells)) {
                continue;
            }
            taken = true;
            if let Err(mut fault) = self.maker.add(kind, cells, place) {
                let raw = raw(&mut fault);
                self.reject(Some(kind), fault, line, &raw, true);
            }
            if !kind.also {
                break;
            }
        }
        if !taken {
            let mut fault = Fault::whole(
                text!("no kind of the mapping takes this record", "映射文件中没有任何类型接收该记录"),
                text!(
                    "add a kind whose `when` holds, or name the record under `skip`",
                    "请增加 `when` 成立的类型，或在 `skip` 中写明忽略"
                ),
            );
            let raw = raw(&mut fault);
            self.reject(None, fault, line, &raw, true);
        }
    }

    fn reject(&mut self, kind: Option<&KindRecipe>, fault: Fault, line: u64, raw: &[u8], whole: bool) {
        self.done.rejects.push(RejectRow {
            line: line as i64,
            record: self.done.records as i64,
            kind: kind.map(|k| k.kind).or(self.file.context.kind),
            field: fault.field,
            reason: fault.reason,
            remedy: fault.remedy,
            sealed: self.shared.guard.seal(raw),
            whole,
            context: self.file.context.clone(),
        });
    }
}

/// The required field that `key` is a slip of the pen for.
pub(crate) fn missed_field(kind: Kind, key: &str) -> Option<&'static str> {
    let spec = kind.spec();
    let known = |n: &str| ["ts", "source", "seq"].contains(&n) || spec.field(n).is_some();
    if known(key) {
        return None;
    }
    let required = spec.fields.iter().filter(|f| f.required).map(|f| f.name);
    let groups = spec.any_of.iter().flat_map(|g| g.iter().copied());
    ["ts"].into_iter().chain(required).chain(groups).find(|f| crate::fault::near_miss(key, f))
}

pub(crate) fn misspelt(column: &str, field: &str) -> suyuan_model::outcome::Text {
    text!("rename the column `{}` to `{}`", "请将列名 `{}` 改为 `{}`", column, field)
}

/// What to say of a column that no field has.
pub(crate) fn unknown_column(kind: Kind, column: &str) -> suyuan_model::outcome::Text {
    let fields: Vec<&str> =
        ["ts", "source", "seq"].into_iter().chain(kind.spec().fields.iter().map(|f| f.name)).collect();
    let near = did_you_mean(column, fields);
    suyuan_model::outcome::Text::new(
        format!("`{}` has no field `{column}`: it is left out; {}", kind.name(), near.en),
        format!("`{}` 没有字段 `{column}`，已忽略；{}", kind.name(), near.zh),
    )
}

fn not_text() -> Fault {
    Fault::whole(
        text!("bytes that are no text in the file's encoding", "含有不属于文件编码的字节"),
        text!(
            "name the `encoding` in a mapping (utf-8, gb18030, utf-16le), or export the file as UTF-8",
            "请在映射文件中写明 `encoding`（utf-8、gb18030、utf-16le），或以 UTF-8 重新导出"
        ),
    )
}

fn ragged(found: usize, wanted: usize) -> Fault {
    Fault::whole(
        text!("{} cells where the header has {}", "该行有 {} 个单元格，表头有 {} 个", found, wanted),
        text!(
            "look for a missing or extra separator, or an unquoted separator inside a text",
            "请检查是否缺少或多出分隔符，或文本中的分隔符未加引号"
        ),
    )
}

fn trim_end(raw: &[u8]) -> &[u8] {
    let end = raw.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |n| n + 1);
    &raw[..end]
}
