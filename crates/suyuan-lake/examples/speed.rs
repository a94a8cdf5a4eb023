//! How fast the lake takes rows in and gives them back: `cargo run --release -p suyuan-lake --example speed`.
//!
//! Made-up openings (48 columns) and daily use (21 columns); in order, and in the worst order.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::builder::{Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::DataType;
use suyuan_lake::{Lake, Options};
use suyuan_model::Kind;
use suyuan_model::scan::{Want, for_each, for_each_run};
use suyuan_store::Store;

const BATCH: i64 = 8_192;

fn mix(n: i64) -> u64 {
    let mut z = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 29)
}

/// Rows `first..first + BATCH`: ids and tokens unique, codes from small sets, every fourth column absent.
fn batch(kind: Kind, first: i64, worst: bool) -> RecordBatch {
    let schema = kind.schema();
    let rows = first..first + BATCH;
    let columns = schema.fields().iter().enumerate().map(|(i, f)| -> ArrayRef {
        let unique = f.name() == "card" || f.name() == "subject" || f.name() == "msisdn";
        match (f.name().as_str(), f.data_type()) {
            ("ts", _) => {
                let mut b = TimestampMicrosecondBuilder::new().with_timezone("UTC");
                rows.clone()
                    .for_each(|n| b.append_value(if worst { (mix(n) >> 20) as i64 } else { n * 1_000 }));
                Arc::new(b.finish())
            }
            ("seq" | "line", _) => Arc::new(Int64Builder::from_iter_values(rows.clone())),
            ("file_id", _) => Arc::new(Int64Builder::from_iter_values(rows.clone().map(|_| 1))),
            ("source", _) => Arc::new(StringBuilder::from_iter_values(rows.clone().map(|_| "crm"))),
            (_, DataType::Utf8) if unique => Arc::new(StringBuilder::from_iter_values(
                rows.clone().map(|n| format!("idn1-{:016x}", mix(n))),
            )),
            (_, DataType::Utf8) if i % 4 != 0 => Arc::new(StringBuilder::from_iter_values(
                rows.clone().map(|n| format!("code-{:04}", mix(n + i as i64) % 2_000)),
            )),
            (_, DataType::Int64) if i % 4 != 0 => Arc::new(Int64Builder::from_iter_values(
                rows.clone().map(|n| (mix(n + i as i64) % 100) as i64),
            )),
            (_, ty) => new_null_array(ty, rows.clone().count()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("columns fit")
}

trait FromValues<V> {
    type Out;
    fn from_iter_values(values: impl Iterator<Item = V>) -> Self::Out;
}
impl FromValues<i64> for Int64Builder {
    type Out = arrow_array::Int64Array;
    fn from_iter_values(values: impl Iterator<Item = i64>) -> Self::Out {
        arrow_array::Int64Array::from_iter_values(values)
    }
}
impl<T: AsRef<str>> FromValues<T> for StringBuilder {
    type Out = arrow_array::StringArray;
    fn from_iter_values(values: impl Iterator<Item = T>) -> Self::Out {
        arrow_array::StringArray::from_iter_values(values)
    }
}

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(str::parse)
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn timed<T>(label: &str, rows: i64, work: impl FnOnce() -> T) -> T {
    let (wall, used) = (Instant::now(), cpu());
    let out = work();
    let (wall, used) = (wall.elapsed().as_secs_f64(), (cpu() - used).max(0.01));
    let m = rows as f64 / 1e6;
    println!("{label:44} {:6.2} M rows/s, {:6.2} M rows per CPU s", m / wall, m / used);
    out
}

fn main() {
    let rows: i64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(2_000_000);
    let rows = rows / BATCH * BATCH;
    for threads in [1, 2] {
        for kind in [Kind::Usage, Kind::Opening] {
            for worst in [false, true] {
                let dir = tempfile::tempdir().expect("a temporary folder");
                let store = Store::open(dir.path().join("suyuan.db")).expect("a store");
                let options = Options { threads, ..Options::default() };
                let lake = Lake::open_with(&store, dir.path().join("lake"), options).expect("a lake");
                let name = format!(
                    "{} {} {threads} thread",
                    kind.name(),
                    if worst { "worst order" } else { "in order" }
                );
                let mut load = lake.load();
                let mut spent = 0.0;
                let (wall, used) = (Instant::now(), cpu());
                for first in (0..rows).step_by(BATCH as usize) {
                    let made = cpu();
                    let b = batch(kind, first, worst);
                    spent += cpu() - made;
                    load.append(kind, b).expect("append");
                }
                let receipt = load.commit(|_, _| Ok(())).expect("commit");
                let m = rows as f64 / 1e6;
                println!(
                    "load {name:39} {:6.2} M rows/s, {:6.2} M rows per CPU s, {} MB; peak memory so far {} MB",
                    m / (wall.elapsed().as_secs_f64() - spent),
                    m / (cpu() - used - spent),
                    receipt.bytes >> 20,
                    peak_mb()
                );
                if threads == 2 {
                    let snapshot = lake.snapshot(None).expect("a snapshot");
                    let mut n = 0;
                    timed(&format!("scan {name}, all columns"), rows, || {
                        for_each_run(&snapshot, &[Want::all(kind)], |_, _, r| n += r.len()).expect("scan")
                    });
                    let few = [Want::only(kind, &["card"])];
                    timed(&format!("scan {name}, key and card"), rows, || {
                        for_each(&snapshot, &few, |_, _, _| n += 1).expect("scan")
                    });
                    assert_eq!(n as i64, 2 * rows);
                }
            }
        }
    }
    merged(rows);
}

/// Four kinds at the same times, each in four files that overlap: nearly every run is one row.
fn merged(rows: i64) {
    let kinds = [Kind::Usage, Kind::Opening, Kind::Access, Kind::Login];
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(dir.path().join("suyuan.db")).expect("a store");
    let lake = Lake::open(&store, dir.path().join("lake")).expect("a lake");
    let part = rows / 16 / BATCH * BATCH;
    for n in 0..4 {
        let mut load = lake.load();
        for kind in kinds {
            for first in (n * part..(n + 1) * part).step_by(BATCH as usize) {
                load.append(kind, batch(kind, first, true)).expect("append");
            }
        }
        load.commit(|_, _| Ok(())).expect("commit");
    }
    let scan = |label: &str| {
        let snapshot = lake.snapshot(None).expect("a snapshot");
        let few: Vec<Want> = kinds.iter().map(|k| Want::only(*k, &[])).collect();
        let all: Vec<Want> = kinds.iter().map(|k| Want::all(*k)).collect();
        let mut n = 0;
        timed(&format!("scan four kinds merged, keys, {label}"), 16 * part, || {
            for_each(&snapshot, &few, |_, _, _| n += 1).expect("scan")
        });
        timed(&format!("scan four kinds merged, all, {label}"), 16 * part, || {
            for_each(&snapshot, &all, |_, _, _| n += 1).expect("scan")
        });
        assert_eq!(n, 32 * part);
    };
    scan("16 files");
    timed("compact 16 files", 16 * part, || lake.compact().expect("compact"));
    scan("4 files");
}
