//! Writes trials as JSON lines for engines outside: `trials FROM TO`.
//!
//! Each line holds the rule's SQL, the rows by kind in the columns that the SQL expects, and the ids of the alerts that
//! history gives. What makes an id from a row of the SQL's answer is [`suyuan_detect::alert_id`]; here it is turned round:
//! the alerts are told as `[kind, ts, source, seq, group...]`.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use suyuan_detect::trial::Trial;
use suyuan_detect::{RuleSet, alerts, sql};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

fn main() {
    let range: Vec<u64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    for number in range[0]..range[1] {
        let t = Trial::of(number);
        let rules = RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), t.rule.clone()))).unwrap();
        let mut source = MemorySource::default();
        let mut tables = serde_json::Map::new();
        for kind in [Kind::Opening, Kind::Login] {
            let mut rows: Vec<Value> = t.rows.iter().filter(|r| r.0 == kind).map(|r| r.1.clone()).collect();
            if !rows.is_empty() {
                source.push(kind, fixture::batch(kind, &rows).unwrap());
            }
            for r in &mut rows {
                r["ts"] = json!(r["ts"].as_str().and_then(time::parse).unwrap());
            }
            tables.insert(kind.name().to_owned(), Value::Array(rows));
        }
        let given = alerts(&source, &rules, &mut |_| {}).unwrap();
        let mut ids: Vec<String> = given.iter().map(|a| a.trigger.to_string()).collect();
        ids.sort();
        println!(
            "{}",
            json!({"number": number, "rule": t.rule, "sql": sql(&rules.rules()[0]).unwrap(), "tables": tables, "alerts": ids})
        );
    }
}
