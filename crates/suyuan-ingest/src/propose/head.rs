//! The first records of a file, as columns of texts.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cells::present;
use crate::fault::{Fault, text};
use crate::folder::{How, Planned};
use crate::mapping::{Encoding, Mapping};
use crate::open::{self, Opened};
use crate::plan::Recipe;
use crate::propose::shape::{self, Shape};
use crate::split::Piece;
use crate::table;
use crate::work::Work;

/// How many records are looked at.
const RECORDS: usize = 500;
/// How many bytes of a text are looked at.
const BYTES: usize = 1 << 20;
/// Nested deeper than this is not worth a column.
const DEPTH: usize = 5;

/// What the head of a file shows.
pub(crate) struct Head {
    pub format: &'static str,
    pub encoding: Option<Encoding>,
    pub delimiter: Option<u8>,
    /// The key that holds the array of records.
    pub records: Option<String>,
    pub columns: Vec<Column>,
}

/// A column and what its values look like.
pub(crate) struct Column {
    pub name: String,
    pub shape: Shape,
    /// Its words with how often each comes, where they are few.
    pub words: BTreeMap<String, usize>,
    pub values: usize,
}

impl Column {
    fn of(name: String, values: &[String]) -> Self {
        let shape = shape::of(values);
        let mut words = BTreeMap::new();
        if matches!(shape, Shape::Words | Shape::Text | Shape::Int) {
            for v in values {
                *words.entry(v.clone()).or_default() += 1;
            }
        }
        Self { name, shape, words, values: values.len() }
    }
}

pub(crate) fn read(path: &Path) -> Result<Head, Fault> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    match open::open(path, Encoding::Auto)? {
        Opened::Parquet(file) => {
            let (mut reader, names) = table::open(file)?;
            let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
            if let Some(Ok(batch)) = reader.next() {
                let found = table::columns(&batch, &names);
                let mut lifted = crate::cells::Lifted::default();
                for row in 0..batch.num_rows().min(RECORDS) {
                    table::lift(&found, row, &mut lifted);
                    let cells = crate::cells::Cells::Lifted(&lifted);
                    for (n, column) in columns.iter_mut().enumerate() {
                        column.extend(cells.get(n).map(str::to_owned));
                    }
                }
            }
            let columns = names.into_iter().zip(columns).map(|(n, v)| Column::of(n, &v)).collect();
            Ok(Head { format: "parquet", encoding: None, delimiter: None, records: None, columns })
        }
        Opened::Text(_) => text_head(path, name),
    }
}

/// A mapping that takes nothing: the file is only opened with it.
fn opened(path: &Path, name: String) -> Result<crate::file::Ready, Fault> {
    let nothing = Recipe { slots: Vec::new(), skip: Vec::new(), kinds: Vec::new() };
    let how = How::Mapped(Mapping::bare(nothing));
    crate::file::open_file(&Planned { path: path.to_owned(), name, how }, BYTES)
}

fn text_head(path: &Path, name: String) -> Result<Head, Fault> {
    let mut ready = opened(path, name)?;
    let context = ready.context.context.clone();
    let piece = match ready.pieces.next(Vec::new()) {
        Ok(Some(Work::Text(piece))) => piece,
        _ => {
            return Err(Fault::whole(
                text!("no records in it", "其中没有记录"),
                text!("give a file with rows", "请提供含有数据行的文件"),
            ));
        }
    };
    let header = context.header.clone();
    let mut head = match (piece, header) {
        (Piece::Csv { data, .. }, Some(header)) => csv_head(&data, header, context.delimiter),
        (Piece::Lines { data, .. }, _) => {
            json_head(data.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()))
        }
        (Piece::Spans { data, spans }, _) => json_head(spans.iter().map(|s| &data[s.start..s.end])),
        _ => {
            return Err(Fault::whole(
                text!("no records in it", "其中没有记录"),
                text!("give a file with rows", "请提供含有数据行的文件"),
            ));
        }
    };
    head.encoding = ready.encoding;
    head.records = ready.pieces.records_key();
    Ok(head)
}

fn csv_head(data: &[u8], header: Vec<String>, delimiter: Option<char>) -> Head {
    let delimiter = delimiter.and_then(|d| u8::try_from(d).ok()).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(data);
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    for record in reader.records().filter_map(Result::ok).take(RECORDS) {
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.extend(present(cell).map(str::to_owned));
        }
    }
    let columns = header
        .into_iter()
        .zip(columns)
        .filter(|(n, _)| !n.is_empty())
        .map(|(n, v)| Column::of(n, &v))
        .collect();
    Head { format: "csv", encoding: None, delimiter: Some(delimiter), records: None, columns }
}

fn json_head<'a>(records: impl Iterator<Item = &'a [u8]>) -> Head {
    let (mut order, mut columns) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    for record in records.take(RECORDS) {
        if let Ok(value) = serde_json::from_slice::<serde_json::Value>(record) {
            flatten(&value, String::new(), 0, &mut |path, text| {
                if crate::stray::any(&path) {
                    return;
                }
                columns
                    .entry(path.clone())
                    .or_insert_with(|| {
                        order.push(path);
                        Vec::new()
                    })
                    .extend(text.as_deref().and_then(present).map(str::to_owned));
            });
        }
    }
    let columns = order
        .into_iter()
        .map(|name| {
            let values = columns.remove(&name).unwrap_or_default();
            Column::of(name, &values)
        })
        .collect();
    Head { format: "json", encoding: None, delimiter: None, records: None, columns }
}

fn flatten(
    value: &serde_json::Value,
    path: String,
    depth: usize,
    each: &mut impl FnMut(String, Option<String>),
) {
    use serde_json::Value;
    match value {
        Value::Object(object) if depth < DEPTH => {
            for (key, inner) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(inner, path, depth + 1, each);
            }
        }
        Value::Object(_) | Value::Array(_) => {}
        _ if path.is_empty() => {}
        Value::Null => each(path, None),
        Value::String(text) => each(path, Some(text.clone())),
        other => each(path, Some(other.to_string())),
    }
}
