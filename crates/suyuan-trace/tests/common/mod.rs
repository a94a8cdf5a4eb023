//! A folder of native CSV files as a row source, without vault or lake: the clear value stands in for
//! its token, which the trace cannot tell apart.

#![allow(clippy::unwrap_used, reason = "a test loader: a broken fixture should stop the test")]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field};
use suyuan_model::scan::{RowSource, RowStream, Run, ScanError, Want};
use suyuan_model::{FieldType, Kind, money, time};

/// Rows by kind, sorted, in batches.
#[derive(Default)]
pub struct Folder {
    kinds: BTreeMap<Kind, Vec<Arc<RecordBatch>>>,
}

/// The kinds that the trace reads.
pub const READ: [Kind; 19] = [
    Kind::CardChange,
    Kind::Staff,
    Kind::Outlet,
    Kind::Terminal,
    Kind::WorkOrder,
    Kind::Party,
    Kind::Login,
    Kind::AccountChange,
    Kind::Access,
    Kind::Capture,
    Kind::Sighting,
    Kind::StockMove,
    Kind::Dealing,
    Kind::Opening,
    Kind::FraudReport,
    Kind::Reverification,
    Kind::Complaint,
    Kind::Commission,
    Kind::Usage,
];

impl Folder {
    /// Reads the kinds of a folder, leaving out those named; `cut` rows to a batch.
    pub fn read(dir: &Path, without: &[Kind], cut: usize) -> Folder {
        let mut out = Folder::default();
        for kind in READ.into_iter().filter(|k| !without.contains(k)) {
            let path = dir.join(format!("{}.csv", kind.name()));
            if path.exists() {
                out.kinds.insert(kind, read(kind, &path, cut));
            }
        }
        out
    }
}

fn read(kind: Kind, path: &Path, cut: usize) -> Vec<Arc<RecordBatch>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|h| h == name);
    let (ts, from, source, seq) =
        (place("ts"), kind.spec().ts_from.and_then(&place), place("source"), place("seq"));
    let mut rows: Vec<(i64, String, i64, i64, csv::StringRecord)> = Vec::new();
    for (n, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let text = |p: Option<usize>| p.and_then(|p| record.get(p)).filter(|t| !t.is_empty());
        let at = text(ts).or(text(from)).unwrap();
        let at = time::parse(at).or_else(|| time::parse_day(at).map(|d| d * time::DAY)).unwrap();
        let source = text(source).unwrap_or("file").to_owned();
        let seq = text(seq).and_then(|s| s.parse().ok()).unwrap_or(n as i64 + 1);
        rows.push((at, source, seq, n as i64 + 2, record));
    }
    rows.sort_by(|a, b| match (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)) {
        Ordering::Equal => a.3.cmp(&b.3),
        o => o,
    });
    let batch = |part: &[(i64, String, i64, i64, csv::StringRecord)]| {
        let schema = kind.schema();
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|f| {
                let person = f.name().strip_suffix("_region6").filter(|base| {
                    kind.spec().field(base).is_some_and(|s| matches!(s.ty, FieldType::Pii(_)))
                });
                let at = place(person.unwrap_or(f.name()));
                let cell = |n: usize| -> Option<String> {
                    let r = &part[n];
                    match f.name().as_str() {
                        "ts" => Some(r.0.to_string()),
                        "source" => Some(r.1.clone()),
                        "seq" => Some(r.2.to_string()),
                        "file_id" => Some("1".into()),
                        "line" => Some(r.3.to_string()),
                        _ => {
                            let t = at.and_then(|p| r.4.get(p)).filter(|t| !t.is_empty())?;
                            if person.is_some() {
                                return (t.len() == 18).then(|| t[..6].to_owned());
                            }
                            Some(t.to_owned())
                        }
                    }
                };
                column(f, part.len(), &cell)
            })
            .collect();
        Arc::new(RecordBatch::try_new(schema, columns).unwrap())
    };
    rows.chunks(cut.max(1)).map(batch).collect()
}

fn column(field: &Field, n: usize, cell: &dyn Fn(usize) -> Option<String>) -> ArrayRef {
    macro_rules! build {
        ($builder:expr, $read:expr) => {{
            let mut b = $builder;
            for i in 0..n {
                b.append_option(cell(i).and_then($read));
            }
            Arc::new(b.finish()) as ArrayRef
        }};
    }
    match field.data_type() {
        DataType::Utf8 => build!(StringBuilder::new(), Some),
        DataType::Int64 => build!(Int64Builder::new(), |t: String| t.parse().ok()),
        DataType::Float64 => build!(Float64Builder::new(), |t: String| t.parse().ok()),
        DataType::Boolean => build!(BooleanBuilder::new(), |t: String| t.parse().ok()),
        DataType::Date32 => {
            build!(Date32Builder::new(), |t: String| time::parse_day(&t).map(|d| d as i32))
        }
        DataType::Timestamp(..) => {
            build!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), |t: String| t
                .parse()
                .ok()
                .or_else(|| time::parse(&t)))
        }
        DataType::Decimal128(p, s) => {
            build!(Decimal128Builder::new().with_precision_and_scale(*p, *s).unwrap(), |t: String| {
                money::parse_yuan(&t).map(i128::from)
            })
        }
        other => panic!("no reading of {other}"),
    }
}

struct Stream(std::vec::IntoIter<Run>);

impl RowStream for Stream {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        Ok(self.0.next())
    }
}

impl RowSource for Folder {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        assert_eq!(wants.len(), 1, "the trace reads kind by kind");
        let kind = wants[0].kind;
        let runs: Vec<Run> = self
            .kinds
            .get(&kind)
            .into_iter()
            .flatten()
            .map(|b| Run { kind, batch: b.clone(), rows: 0..b.num_rows() })
            .collect();
        Ok(Box::new(Stream(runs.into_iter())))
    }
    fn count(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).map_or(0, |b| b.iter().map(|b| b.num_rows() as u64).sum())
    }
}

/// The truth's list of that name under a value.
#[allow(dead_code)]
pub fn list(value: &serde_json::Value, name: &str) -> std::collections::BTreeSet<String> {
    value[name].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}
