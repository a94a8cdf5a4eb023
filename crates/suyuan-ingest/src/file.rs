//! Opening one file: its format, its header, and how its columns answer the recipe's slots.

use std::collections::BTreeSet;
use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::outcome::Text;

use crate::fault::{Fault, did_you_mean, fold, near_miss, nearest, text};
use crate::folder::{How, Planned, source_of, stem};
use crate::json::Paths;
use crate::mapping::{Encoding, Format, Reading};
use crate::open::{self, Opened, Utf8};
use crate::plan::{KindRecipe, Recipe};
use crate::sink::{RejectContext, Warning};
use crate::split::{Shape, Splitter, element};
use crate::table;
use crate::work::{FileContext, Work, missed_field, misspelt, unknown_column};

/// A file ready to be worked.
pub(crate) struct Ready {
    pub context: FileContext,
    pub pieces: Pieces,
    pub encoding: Option<Encoding>,
    pub warnings: Vec<Warning>,
}

/// The file's pieces, in order.
pub(crate) enum Pieces {
    Text(Box<Splitter>, Option<String>),
    Table(Box<parquet::arrow::arrow_reader::ParquetRecordBatchReader>, u64),
}

impl Pieces {
    /// The next piece; `Err` when the file cannot be read further.
    pub fn next(&mut self, memory: Vec<u8>) -> Result<Option<Work>, Text> {
        match self {
            Self::Text(splitter, _) => Ok(splitter.next(memory).map(Work::Text)),
            Self::Table(reader, rows) => match reader.next() {
                None => Ok(None),
                Some(Ok(batch)) => {
                    let first = *rows + 1;
                    *rows += batch.num_rows() as u64;
                    Ok(Some(Work::Table(batch, first)))
                }
                Some(Err(e)) => {
                    Err(text!("the rest of the file cannot be read: {}", "文件其余部分无法读取：{}", e))
                }
            },
        }
    }

    /// The key that holds the array of records, where JSON has one.
    pub fn records_key(&self) -> Option<String> {
        match self {
            Self::Text(_, key) => key.clone(),
            Self::Table(..) => None,
        }
    }

    /// Why the text ended early, if it did.
    pub fn cut(&self) -> Option<Text> {
        match self {
            Self::Text(splitter, _) => splitter.cut().cloned(),
            Self::Table(..) => None,
        }
    }
}

/// Opens a file; a fault here refuses the file as a whole.
pub(crate) fn open_file(file: &Planned, chunk: usize) -> Result<Ready, Fault> {
    let default = Reading::default();
    let reading = match &file.how {
        How::Mapped(mapping) => &mapping.reading,
        How::Native(_) => &default,
        How::Refused(fault) => return Err(fault.clone()),
    };
    match open::open(&file.path, reading.encoding)? {
        Opened::Parquet(raw) => {
            let (reader, names) = table::open(raw)?;
            let (context, warnings) = with_columns(file, names, None)?;
            Ok(Ready { context, pieces: Pieces::Table(Box::new(reader), 0), encoding: None, warnings })
        }
        Opened::Text(text) => open_text(file, reading, text, chunk),
    }
}

fn open_text(file: &Planned, reading: &Reading, mut text: Utf8, chunk: usize) -> Result<Ready, Fault> {
    let (_, named) = stem(&file.name);
    let mut head = Vec::new();
    text.fill(&mut head, chunk);
    let first = head.iter().find(|b| !b.is_ascii_whitespace()).copied();
    let Some(first) = first else {
        return Err(match text.cut() {
            Some(cut) => Fault::whole(cut.clone(), text!("get the file again", "请重新取得该文件")),
            None => {
                Fault::whole(text!("the file is empty", "文件为空"), text!("export it again", "请重新导出"))
            }
        });
    };
    let format = match reading.format {
        Format::Auto => match (named, first) {
            (Some("csv" | "tsv"), _) => Format::Csv,
            (Some("json" | "ndjson" | "jsonl"), _) | (_, b'{' | b'[') => Format::Json,
            _ => Format::Csv,
        },
        format => format,
    };
    match format {
        Format::Json => open_json(file, reading, named, text, head, chunk),
        Format::Parquet => Err(Fault::whole(
            text!("not Parquet", "不是 Parquet 文件"),
            text!("mend `format` in the mapping", "请更正映射文件中的 `format`"),
        )),
        _ => open_csv(file, reading, named, text, head, chunk),
    }
}

fn open_csv(
    file: &Planned,
    reading: &Reading,
    named: Option<&str>,
    text: Utf8,
    head: Vec<u8>,
    chunk: usize,
) -> Result<Ready, Fault> {
    let begin = head.iter().position(|b| !matches!(b, b'\n' | b'\r')).unwrap_or(0);
    let end_of_line = memchr::memchr(b'\n', &head[begin..]).map_or(head.len(), |n| begin + n);
    let delimiter = reading.delimiter.unwrap_or_else(|| delimiter_of(&head[begin..end_of_line], named));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(&head[begin..]);
    let mut header = csv::StringRecord::new();
    reader.read_record(&mut header).map_err(|_| {
        Fault::whole(
            text!("the header is no text in the file's encoding", "表头含有不属于文件编码的字节"),
            text!(
                "name the `encoding` in a mapping, or export the file as UTF-8",
                "请在映射文件中写明 `encoding`，或以 UTF-8 重新导出"
            ),
        )
    })?;
    let used = begin + reader.position().byte() as usize;
    let names: Vec<String> = header.iter().map(|n| n.trim().trim_matches('\u{feff}').to_owned()).collect();
    let (mut context, mut warnings) = with_columns(file, names, Some(delimiter))?;
    context.decoded = text.encoding() != Encoding::Utf8;
    let encoding = Some(text.encoding());
    let line = 1 + memchr::memchr_iter(b'\n', &head[..used]).count() as u64;
    if used == head.len() && text.ended() {
        warnings.push(Warning {
            field: String::new(),
            text: text!("a header and no rows", "只有表头，没有数据行"),
            count: 1,
            line: 1,
        });
    }
    let rest = head[used..].to_vec();
    let splitter = Splitter::new(text, Shape::Csv { delimiter }, rest, line, chunk);
    Ok(Ready { context, pieces: Pieces::Text(Box::new(splitter), None), encoding, warnings })
}

/// The separator that the header has most of.
fn delimiter_of(header: &[u8], named: Option<&str>) -> u8 {
    let count = |d: u8| memchr::memchr_iter(d, header).count();
    let most = [b',', b'\t', b';', b'|'].into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',');
    match (count(most), named) {
        (0, Some("tsv")) => b'\t',
        (0, _) => b',',
        _ => most,
    }
}

fn open_json(
    file: &Planned,
    reading: &Reading,
    named: Option<&str>,
    text: Utf8,
    head: Vec<u8>,
    chunk: usize,
) -> Result<Ready, Fault> {
    let whole = text.ended();
    let (shape, used, key) = json_shape(&head, named, reading.records.as_deref(), whole)?;
    let line = 1 + memchr::memchr_iter(b'\n', &head[..used]).count() as u64;
    let context = file_context(file, None, None, Vec::new());
    let decoded = text.encoding() != Encoding::Utf8;
    let encoding = Some(text.encoding());
    let splitter = Splitter::new(text, shape, head[used..].to_vec(), line, chunk);
    let pieces = Pieces::Text(Box::new(splitter), key);
    Ok(Ready { context: FileContext { decoded, ..context }, pieces, encoding, warnings: Vec::new() })
}

/// One object a line, or objects anywhere from an offset on.
fn json_shape(
    head: &[u8],
    named: Option<&str>,
    records: Option<&str>,
    whole: bool,
) -> Result<(Shape, usize, Option<String>), Fault> {
    let begin = head.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(head.len());
    let lines = matches!(named, Some("ndjson" | "jsonl"));
    match head.get(begin) {
        Some(b'[') => return Ok((Shape::Spans, begin + 1, None)),
        Some(b'{') => {}
        _ if lines => return Ok((Shape::Lines, 0, None)),
        _ => {
            return Err(Fault::whole(
                text!("not JSON", "不是 JSON"),
                text!(
                    "give objects: one a line, an array, or an object that holds the array",
                    "请提供对象：每行一个、数组，或含数组的对象"
                ),
            ));
        }
    }
    if lines && records.is_none() {
        return Ok((Shape::Lines, 0, None));
    }
    let first = element(&head[begin..]).map(|len| begin + len);
    let alone = match first {
        Some(end) => whole && head[end..].iter().all(u8::is_ascii_whitespace),
        None => true,
    };
    if (records.is_some() || alone)
        && let Some((at, key)) = array_of_records(&head[begin..], records)
    {
        return Ok((Shape::Spans, begin + at, Some(key)));
    }
    let line_end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let one_a_line = first.is_some_and(|end| end <= line_end && head[end..line_end].trim_ascii().is_empty());
    if lines || one_a_line { Ok((Shape::Lines, 0, None)) } else { Ok((Shape::Spans, begin, None)) }
}

/// The offset behind the `[` of the array that the key holds; without a key, of the first array of
/// objects.
fn array_of_records(object: &[u8], key: Option<&str>) -> Option<(usize, String)> {
    let mut at = 1;
    let blank =
        |at: usize| at + object[at..].iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
    loop {
        at = blank(at);
        if object.get(at) != Some(&b'"') {
            return None;
        }
        let len = element(&object[at..])?;
        let name: String = serde_json::from_slice(&object[at..at + len]).ok()?;
        at = blank(at + len);
        if object.get(at) != Some(&b':') {
            return None;
        }
        at = blank(at + 1);
        if object.get(at) == Some(&b'[') {
            let inside = blank(at + 1);
            match key {
                Some(key) if key == name => return Some((at + 1, name)),
                None if object.get(inside) == Some(&b'{') => return Some((at + 1, name)),
                _ => {}
            }
        }
        at += element(&object[at..])?;
    }
}

/// The context of a file whose columns are known: a header or a schema.
fn with_columns(
    file: &Planned,
    names: Vec<String>,
    delimiter: Option<u8>,
) -> Result<(FileContext, Vec<Warning>), Fault> {
    let mut warnings = Vec::new();
    if names.iter().any(|n| crate::stray::any(n)) {
        return Err(Fault::whole(
            text!("the first line is a record, not the names of the columns", "首行是数据，不是列名"),
            text!("put a line with the columns' names before it", "请在首行之前补上列名"),
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|n| !n.is_empty() && !seen.insert(n.as_str())) {
        return Err(Fault::of(
            twice,
            text!("the column `{}` is there twice", "列 `{}` 重复", twice),
            text!("rename one of them", "请将其中一列改名"),
        ));
    }
    match &file.how {
        How::Native(kind) => native_header(*kind, &names, &mut warnings)?,
        How::Mapped(mapping) => mapped_header(&mapping.recipe, &names, &mut warnings)?,
        How::Refused(fault) => return Err(fault.clone()),
    }
    Ok((file_context(file, Some(names.clone()), delimiter, names), warnings))
}

pub(crate) fn file_context(
    file: &Planned,
    header: Option<Vec<String>>,
    delimiter: Option<u8>,
    names: Vec<String>,
) -> FileContext {
    let (recipe, kind, mapping) = match &file.how {
        How::Mapped(m) => (m.recipe.clone(), None, Some(m.name().to_owned())),
        How::Native(kind) => {
            let folded: Vec<String> =
                names.iter().map(|n| own_name(*kind, n).unwrap_or(n).to_owned()).collect();
            let columns = header.as_ref().map(|_| folded.as_slice());
            (Arc::new(Recipe::native(*kind, columns)), Some(*kind), None)
        }
        How::Refused(_) => unreachable_recipe(),
    };
    context_of(recipe, kind, mapping, header, delimiter, source_of(&file.name))
}

fn unreachable_recipe() -> (Arc<Recipe>, Option<Kind>, Option<String>) {
    (Arc::new(Recipe { slots: Vec::new(), skip: Vec::new(), kinds: Vec::new() }), None, None)
}

/// The context from what a reject remembers.
pub(crate) fn context_of(
    recipe: Arc<Recipe>,
    kind: Option<Kind>,
    mapping: Option<String>,
    header: Option<Vec<String>>,
    delimiter: Option<u8>,
    source: String,
) -> FileContext {
    let names = header.clone().unwrap_or_default();
    let place = |slot: &String| {
        names.iter().position(|n| n == slot).or_else(|| {
            let same = |n: &String| match kind {
                Some(kind) => own_name(kind, n) == Some(slot.as_str()),
                None => fold(n) == fold(slot),
            };
            names.iter().position(same)
        })
    };
    let binding = recipe.slots.iter().map(place).collect();
    let paths = Paths::new(&recipe.slots);
    let context = RejectContext { kind, mapping, header, delimiter: delimiter.map(char::from), source };
    FileContext {
        recipe,
        binding,
        cells: names.len(),
        delimiter: delimiter.unwrap_or(b','),
        paths,
        decoded: false,
        context: Arc::new(context),
    }
}

/// The field that a native column means: its own name, in any case.
fn own_name(kind: Kind, column: &str) -> Option<&'static str> {
    ["ts", "source", "seq"]
        .into_iter()
        .chain(kind.spec().fields.iter().map(|f| f.name))
        .find(|f| f.eq_ignore_ascii_case(column))
}

fn native_header(kind: Kind, names: &[String], warnings: &mut Vec<Warning>) -> Result<(), Fault> {
    let spec = kind.spec();
    let there = |field: &str| names.iter().any(|n| own_name(kind, n) == Some(field));
    for column in names {
        if let Some(field) =
            missed_field(kind, column).filter(|f| own_name(kind, column).is_none() && !there(f))
        {
            return Err(Fault::of(
                field,
                text!("the header has no `{}`", "表头缺少 `{}`", field),
                misspelt(column, field),
            ));
        }
    }
    let missing: Vec<&str> =
        spec.fields.iter().filter(|f| f.required && !there(f.name)).map(|f| f.name).collect();
    if let Some(first) = missing.first() {
        return Err(Fault::of(
            first,
            text!("the header has no {}", "表头缺少 {}", missing.join(", ")),
            text!(
                "add the columns, or give a mapping that says where they are",
                "请补上这些列，或用映射文件说明其来源"
            ),
        ));
    }
    if !there("ts") && !spec.ts_from.is_some_and(there) {
        return Err(Fault::of(
            "ts",
            text!("the header has no `ts`", "表头缺少 `ts`"),
            text!("add when each row happened, with its offset", "请补上每行的发生时间（含时区偏移）"),
        ));
    }
    if !spec.any_of.is_empty() && !spec.any_of.iter().any(|g| g.iter().all(|f| there(f))) {
        let groups: Vec<String> = spec.any_of.iter().map(|g| g.join("+")).collect();
        return Err(Fault::of(
            spec.any_of[0][0],
            text!("the header has none of {}", "表头没有 {} 中的任何一个", groups.join(", ")),
            text!("add one of them", "请至少补上其一"),
        ));
    }
    for column in names.iter().filter(|c| own_name(kind, c).is_none()) {
        warnings.push(Warning {
            field: column.clone(),
            text: unknown_column(kind, column),
            count: 1,
            line: 1,
        });
    }
    Ok(())
}

fn mapped_header(recipe: &Recipe, names: &[String], warnings: &mut Vec<Warning>) -> Result<(), Fault> {
    let there = |slot: usize| {
        let wanted = &recipe.slots[slot];
        names.iter().any(|n| n == wanted || fold(n) == fold(wanted))
    };
    let spare: Vec<&str> = names
        .iter()
        .filter(|n| !recipe.slots.iter().any(|s| s == *n || fold(s) == fold(n)))
        .map(String::as_str)
        .collect();
    for kind in &recipe.kinds {
        for (field, expr) in needed(kind) {
            if expr.possible(&there) {
                continue;
            }
            let mut wanted = Vec::new();
            expr.slots(&mut |s| wanted.push(recipe.slots[s].as_str()));
            let first = wanted.first().copied().unwrap_or(field);
            let remedy = match nearest(first, spare.iter().copied()) {
                Some(near) => text!(
                    "rename the column `{}` to `{}`, or mend the mapping",
                    "请将列名 `{}` 改为 `{}`，或修改映射文件",
                    near,
                    first
                ),
                None => text!("add the column, or mend the mapping", "请补上该列，或修改映射文件"),
            };
            return Err(Fault::of(
                field,
                text!("the header has no `{}`", "表头缺少 `{}`", wanted.join("`, `")),
                remedy,
            ));
        }
    }
    let covered = covered(recipe, &there);
    for (slot, wanted) in recipe.slots.iter().enumerate().filter(|(n, _)| !there(*n)) {
        if let Some(near) = spare.iter().find(|s| near_miss(s, wanted)) {
            return Err(Fault::of(
                wanted,
                text!("the header has no `{}`", "表头缺少 `{}`", wanted),
                text!(
                    "rename the column `{}` to `{}`, or mend the mapping",
                    "请将列名 `{}` 改为 `{}`，或修改映射文件",
                    near,
                    wanted
                ),
            ));
        }
        if covered.contains(&slot) {
            continue;
        }
        let near = nearest(wanted, spare.iter().copied());
        let near = near.map_or(Text::new("", ""), |_| did_you_mean(wanted, spare.clone()));
        let text = Text::new(
            format!("the file has no column `{wanted}`; {}", near.en),
            format!("文件中没有列 `{wanted}`；{}", near.zh),
        );
        let text = Text::new(text.en.trim_end_matches("; "), text.zh.trim_end_matches('；'));
        warnings.push(Warning { field: wanted.clone(), text, count: 1, line: 1 });
    }
    Ok(())
}

/// The columns that nobody misses: where a field may come from several, one of the others is there.
fn covered(recipe: &Recipe, there: &dyn Fn(usize) -> bool) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    for kind in &recipe.kinds {
        let fields = kind.fields.iter().flatten().chain(&kind.ts).chain(&kind.seq).map(|f| &f.expr);
        for expr in fields.chain(&kind.source).filter(|e| e.possible(there)) {
            expr.slots(&mut |slot| {
                out.insert(slot);
            });
        }
    }
    out
}

/// The fields without which the kind has no rows.
fn needed(kind: &KindRecipe) -> Vec<(&'static str, &crate::expr::Expr)> {
    let spec = kind.kind.spec();
    let mut out: Vec<_> = spec
        .fields
        .iter()
        .zip(&kind.fields)
        .filter(|(f, _)| f.required)
        .filter_map(|(f, made)| made.as_ref().map(|m| (f.name, &m.expr)))
        .collect();
    if let Some(ts) = &kind.ts
        && spec.ts_from.is_none()
    {
        out.push(("ts", &ts.expr));
    }
    out
}
