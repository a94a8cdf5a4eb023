//! The lanes of `cargo xtask bench detect`: a lake of made-up events, and the rules over it.
//!
//! - `detect_lanes make FOLDER`: FOLDER/KIND.parquet into a lake in FOLDER/lake;
//! - `detect_lanes batch RULES FOLDER OUT [refs]`: the rules over the lake; writes `rule,entity,seq` for each alert; with
//!   `refs` every alert brings all its rows;
//! - `detect_lanes live RULES EVENTS OUT [refs] [latency] [restart=N]`: the rules over NDJSON lines as they arrive; `restart`
//!   saves the state every N events, drops it and goes on from what was saved;
//! - `detect_lanes scan RULES FOLDER`, `detect_lanes parse RULES EVENTS`: only the reading.
//!
//! What was measured is printed as one JSON object.

mod blocks;
mod flat;
mod lines;
mod live;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_array::{RecordBatch, new_null_array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use suyuan_detect::{Alert, Evidence, RuleSet};
use suyuan_lake::{Lake, Options};
use suyuan_model::Kind;
use suyuan_store::Store;

type Fault = Box<dyn std::error::Error>;

const KINDS: [Kind; 4] = [Kind::Login, Kind::Access, Kind::Opening, Kind::AccountChange];

fn lake(folder: &Path) -> Result<Lake, Fault> {
    let store = Store::open(folder.join("lake").join("suyuan.db"))?;
    Ok(Lake::open_with(&store, folder.join("lake"), Options { threads: 1, ..Options::default() })?)
}

fn make(folder: &Path) -> Result<(), Fault> {
    let lake = lake(folder)?;
    let mut load = lake.load();
    for kind in KINDS {
        let schema = kind.schema();
        let file = File::open(folder.join(kind.name()).with_extension("parquet"))?;
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(65_536).build()? {
            let batch = batch?;
            let column = |f: &arrow_schema::FieldRef| match batch.column_by_name(f.name()) {
                Some(c) => c.clone(),
                None => new_null_array(f.data_type(), batch.num_rows()),
            };
            let columns = schema.fields().iter().map(column).collect();
            load.append(kind, RecordBatch::try_new(schema.clone(), columns)?)?;
        }
    }
    load.commit(|_, _| Ok(()))?;
    Ok(())
}

fn rules(folder: &Path) -> Result<RuleSet, Fault> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, std::fs::read_to_string(&path)?);
    }
    Ok(RuleSet::load_dir(files.into_iter())?)
}

/// Writes `rule,entity,seq of the triggering row` for each alert.
struct Alerts {
    out: BufWriter<File>,
    alerts: u64,
    rows: usize,
}

impl Alerts {
    fn to(path: &Path) -> Result<Alerts, Fault> {
        Ok(Alerts { out: BufWriter::new(File::create(path)?), alerts: 0, rows: 0 })
    }
    fn write(&mut self, a: &Alert) -> std::io::Result<()> {
        self.alerts += 1;
        self.rows += a.rows.len();
        writeln!(self.out, "{},{},{}", &a.rule[..3], a.entity.id, a.trigger.seq)
    }
}

fn batch(rules: &RuleSet, folder: &Path, out: &Path, evidence: Evidence) -> Result<(), Fault> {
    let snapshot = lake(folder)?.snapshot(None)?;
    let mut out = Alerts::to(out)?;
    let (mut rows, mut wrong) = (0, None);
    let mut each = |a: Alert| wrong = wrong.take().or(out.write(&a).err());
    suyuan_detect::each_alert(&snapshot, rules, evidence, &mut each, &mut |n| rows = n)?;
    if let Some(e) = wrong {
        return Err(e.into());
    }
    out.out.flush()?;
    println!("{}", json!({"rows": rows, "alerts": out.alerts, "evidence_rows": out.rows}));
    Ok(())
}

fn columns(rules: &RuleSet) -> Vec<(Kind, Vec<&'static str>)> {
    let of = |k: Kind| match k {
        Kind::Login => vec!["account", "device", "result"],
        Kind::Access => vec!["account", "device", "action", "rows", "subject", "result", "order"],
        Kind::Opening => vec!["card", "account", "device", "subject", "outlet", "region6", "duration_s"],
        _ => vec!["account", "change", "target", "device"],
    };
    suyuan_detect::kinds_read(rules).into_iter().map(|k| (k, of(k))).collect()
}

fn main() -> Result<(), Fault> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["make", folder] => make(Path::new(folder)),
        ["batch", from, folder, out, options @ ..] => {
            let evidence = if options.contains(&"refs") { Evidence::Rows } else { Evidence::Trigger };
            batch(&rules(Path::new(from))?, Path::new(folder), Path::new(out), evidence)
        }
        ["live", from, events, out, options @ ..] => {
            live::run(&rules(Path::new(from))?, Path::new(events), Path::new(out), options)
        }
        ["parse", from, events] => {
            let rules = rules(Path::new(from))?;
            let mut lines = lines::Lines::new(&columns(&rules))?;
            let mut input = blocks::Blocks::open(Path::new(events))?;
            let (mut n, mut rows) = (0u64, 0);
            while let Some(mut text) = input.next()? {
                while !text.is_empty() {
                    text = &text[lines.push(text)?..];
                    n += 1;
                    if n.is_multiple_of(1024) {
                        rows += lines.take()?.iter().map(|b| b.1.num_rows()).sum::<usize>();
                    }
                }
            }
            println!("{n} lines {rows} rows");
            Ok(())
        }
        ["scan", from, folder] => {
            let (rules, lake) = (rules(Path::new(from))?, lake(Path::new(folder))?);
            let wants: Vec<_> =
                columns(&rules).iter().map(|(k, c)| suyuan_model::scan::Want::only(*k, c)).collect();
            let snapshot = lake.snapshot(None)?;
            let mut stream = suyuan_model::scan::RowSource::scan(&snapshot, &wants)?;
            let (mut rows, mut runs) = (0, 0);
            while let Some(run) = stream.next_run()? {
                rows += run.rows.len();
                runs += 1;
            }
            println!("{rows} rows in {runs} runs");
            Ok(())
        }
        _ => Err("make FOLDER | batch RULES FOLDER OUT".into()),
    }
}
