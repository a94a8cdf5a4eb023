//! What the lake's tests share: a lake in a temporary folder, rows, and the plain slow oracle.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use suyuan_lake::{Lake, Options, Snapshot, Table};
use suyuan_model::columns::Key;
use suyuan_model::scan::{self, Want};
use suyuan_model::{Kind, RowRef};
use suyuan_store::Store;

/// A lake in a folder.
pub fn open(dir: &Path, options: Options) -> (Store, Lake) {
    let store = Store::open(dir.join("suyuan.db")).unwrap();
    let lake = Lake::open_with(&store, dir.join("lake"), options).unwrap();
    (store, lake)
}

/// Tiny files and groups, so that small data takes every path.
pub fn tight(memory: usize, threads: usize) -> Options {
    Options { memory, threads, group_rows: 64, compact_group_rows: 256, file_bytes: 40_000 }
}

/// A row's key with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub ts: i64,
    pub source: String,
    pub seq: i64,
    pub file: i64,
    pub line: i64,
}

/// Rows of a kind; every other column is filled from the key, so that a mixed-up row is seen.
pub fn batch(kind: Kind, rows: &[Row]) -> RecordBatch {
    let schema = kind.schema();
    let columns = schema.fields().iter().enumerate().map(|(i, f)| -> ArrayRef {
        let n = |r: &Row| r.seq.wrapping_mul(31).wrapping_add(r.line * 7 + i as i64);
        let null = |r: &Row| f.is_nullable() && n(r) % 5 == 0;
        macro_rules! build {
            ($b:expr, |$r:ident| $v:expr) => {{
                let mut b = $b;
                for $r in rows {
                    if null($r) { b.append_null() } else { b.append_value($v) }
                }
                Arc::new(b.finish())
            }};
        }
        match (f.name().as_str(), f.data_type()) {
            ("ts", _) => build!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), |r| r.ts),
            ("source", _) => build!(StringBuilder::new(), |r| &r.source),
            ("seq", _) => build!(Int64Builder::new(), |r| r.seq),
            ("file_id", _) => build!(Int64Builder::new(), |r| r.file),
            ("line", _) => build!(Int64Builder::new(), |r| r.line),
            (_, DataType::Utf8) => build!(StringBuilder::new(), |r| format!("v{}", n(r) % 1000)),
            (_, DataType::Int64) => build!(Int64Builder::new(), |r| n(r)),
            (_, DataType::Float64) => build!(Float64Builder::new(), |r| n(r) as f64 / 8.0),
            (_, DataType::Boolean) => build!(BooleanBuilder::new(), |r| n(r) % 2 == 0),
            (_, DataType::Date32) => build!(Date32Builder::new(), |r| (n(r) % 20_000) as i32),
            (_, DataType::Timestamp(..)) => {
                build!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), |r| r.ts - n(r))
            }
            (_, DataType::Decimal128(p, s)) => build!(
                Decimal128Builder::new().with_precision_and_scale(*p, *s).unwrap(),
                |r| i128::from(n(r))
            ),
            (name, other) => unreachable!("{name}: {other}"),
        }
    });
    let columns = columns.collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Tokens and their sealed originals.
pub fn originals(tokens: &[String]) -> RecordBatch {
    let sealed: Vec<Vec<u8>> = tokens.iter().map(|t| format!("sealed {t}").into_bytes()).collect();
    RecordBatch::try_new(
        Table::Original.schema(),
        vec![
            Arc::new(StringArray::from_iter_values(tokens)),
            Arc::new(BinaryArray::from_iter_values(&sealed)),
        ],
    )
    .unwrap()
}

/// A generator for tests: seeded, small, good enough (splitmix64).
pub struct Dice(pub u64);
impl Dice {
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Loads batches in one load and returns (taken, known).
pub fn load(lake: &Lake, batches: impl IntoIterator<Item = (Kind, RecordBatch)>) -> (u64, u64) {
    let mut load = lake.load();
    for (kind, batch) in batches {
        load.append(kind, batch).unwrap();
    }
    let total = load.commit(|_, _| Ok(())).unwrap().counts.total();
    (total.taken, total.known)
}

/// All rows of a scan as text: every column, so that equal texts are equal rows.
pub fn dump(snapshot: &Snapshot, wants: &[Want]) -> Vec<String> {
    let mut out = Vec::new();
    scan::for_each_run(snapshot, wants, |kind, batch, rows| {
        for row in rows {
            out.push(line(kind, batch, row));
        }
    })
    .unwrap();
    out
}

/// One row as text.
pub fn line(kind: Kind, batch: &RecordBatch, row: usize) -> String {
    let values = batch.columns().iter().map(|c| format!("{:?}", c.slice(row, 1)));
    format!("{} {}", kind.name(), values.collect::<Vec<_>>().join("|"))
}

/// The keys of a scan.
pub fn refs(snapshot: &Snapshot, wants: &[Want]) -> Vec<RowRef> {
    let mut out = Vec::new();
    scan::for_each_run(snapshot, wants, |kind, batch, rows| {
        let key = Key::bind(batch);
        out.extend(rows.map(|r| key.row(kind, r)));
    })
    .unwrap();
    out
}

/// What [`refs`] must give: sorted, of equal keys within a kind the first.
pub fn oracle(rows: &[(Kind, Row)]) -> Vec<RowRef> {
    let mut all: Vec<RowRef> = rows
        .iter()
        .map(|(kind, r)| RowRef {
            kind: *kind,
            ts: r.ts,
            source: r.source.clone(),
            seq: r.seq,
            file: r.file,
            line: r.line,
        })
        .collect();
    all.sort();
    all.dedup_by(|b, a| (a.key(), a.kind) == (b.key(), b.kind));
    all
}
