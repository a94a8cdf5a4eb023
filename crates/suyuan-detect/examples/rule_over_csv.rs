//! One rule over CSV files, without a data home: `rule_over_csv RULE KIND=FILE ...`; findings as JSON lines. RULE is the
//! id of a shipped rule, or a file ending in `.yml`.
//!
//! For evaluation scripts that try many variants of a few files. Cells are split at commas, quotes are not read.

use std::io::Write;

use serde_json::{Map, Value};
use suyuan_detect::{RuleSet, detect};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (rule, files) = args.split_first().ok_or("which rule?")?;
    let mut source = MemorySource::default();
    for file in files {
        let (name, path) = file.split_once('=').ok_or("KIND=FILE")?;
        let kind = Kind::by_name(name).ok_or("no such kind")?;
        let text = std::fs::read_to_string(path)?;
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let mut rows: Vec<Value> = lines
            .map(|line| {
                let cells = head.iter().zip(line.split(',')).filter(|(_, v)| !v.is_empty());
                let map: Map<String, Value> = cells
                    .map(|(k, v)| {
                        let number = ["seq", "lat", "lon", "rows"].contains(k);
                        let v = if number { v.parse().unwrap_or(Value::Null) } else { Value::from(v) };
                        ((*k).to_owned(), v)
                    })
                    .collect();
                Value::Object(map)
            })
            .collect();
        // The total order; instants are written with one offset.
        rows.sort_by(|a, b| {
            (a["ts"].as_str(), a["seq"].as_i64()).cmp(&(b["ts"].as_str(), b["seq"].as_i64()))
        });
        source.push(kind, fixture::batch(kind, &rows)?);
    }
    let rules = match rule.ends_with(".yml") {
        true => RuleSet::load_dir(std::iter::once((rule.clone(), std::fs::read_to_string(rule)?)))?,
        false => RuleSet::embedded()?.only(&[rule]),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for f in detect(&source, &rules, &mut |_| {})? {
        serde_json::to_writer(&mut out, &f)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
