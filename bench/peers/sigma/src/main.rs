//! Two other engines over the same rules and events as ours, for `bench/eval_sigma.py`.
//!
//! `peer-sigma RULES EVENTS`: as the example `sigma` of suyuan-detect; prints for each peer which rule (by number in the list
//! of files) matches which event, and which rules it cannot read.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rsigma_eval::{Engine, JsonEvent};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn files(dir: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(path);
        }
    }
    out.sort();
    Ok(())
}

/// One engine a rule, so that a match is known by the rule's place and not by its title.
fn rsigma(texts: &[String], events: &[Value]) -> Value {
    let (mut matched, mut faults) = (Vec::new(), Vec::new());
    let mut engines = Vec::new();
    for (r, text) in texts.iter().enumerate() {
        let mut engine = Engine::new();
        let loaded = rsigma_parser::parse_sigma_yaml(text).map_err(|e| e.to_string());
        match loaded.and_then(|c| engine.add_collection(&c).map_err(|e| e.to_string())) {
            Ok(()) => engines.push((r, engine)),
            Err(e) => faults.push(json!([r, e])),
        }
    }
    let start = Instant::now();
    for (r, engine) in &engines {
        for (e, event) in events.iter().enumerate() {
            if !engine.evaluate(&JsonEvent::borrow(event)).is_empty() {
                matched.push([*r, e]);
            }
        }
    }
    json!({"matched": matched, "faults": faults, "match_ms": start.elapsed().as_millis() as u64})
}

fn sigma_rust(texts: &[String], events: &[Value]) -> Result<Value, Failure> {
    let (mut matched, mut faults) = (Vec::new(), Vec::new());
    let mut read = Vec::new();
    for e in events {
        // An event that is a bare text is none for this engine.
        read.push(sigma_rust::event_from_json(&e.to_string()).ok());
    }
    let mut rules = Vec::new();
    for (r, text) in texts.iter().enumerate() {
        match sigma_rust::rule_from_yaml(text) {
            Ok(rule) => rules.push((r, rule)),
            Err(e) => faults.push(json!([r, e.to_string()])),
        }
    }
    let start = Instant::now();
    for (r, rule) in &rules {
        for (e, event) in read.iter().enumerate() {
            if event.as_ref().is_some_and(|event| rule.is_match(event)) {
                matched.push([*r, e]);
            }
        }
    }
    Ok(json!({"matched": matched, "faults": faults, "match_ms": start.elapsed().as_millis() as u64}))
}

fn main() -> Result<(), Failure> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [rules, events] = args.as_slice() else { return Err("peer-sigma RULES EVENTS".into()) };
    let mut paths = Vec::new();
    files(rules, &mut paths)?;
    let texts = paths.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let list = std::fs::read_to_string(events)?;
    let list = list.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    println!("{}", json!({"rsigma": rsigma(&texts, &list), "sigma_rust": sigma_rust(&texts, &list)?}));
    Ok(())
}
