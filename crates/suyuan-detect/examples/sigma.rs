//! Runs a folder of Sigma rules over events, for `bench/eval_sigma.py`.
//!
//! `sigma RULES EVENTS`: a folder of rule files, and a file with one JSON event a line. Prints one JSON object: the files in
//! order, what could not be read, and which rule (by its file's number) matches which event (by number).

use std::path::{Path, PathBuf};
use std::time::Instant;

use suyuan_detect::Folder;
use suyuan_detect::open::Events;

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [rules, events] = args.as_slice() else { return Err("sigma RULES EVENTS".into()) };
    let mut paths = Vec::new();
    files(rules, &mut paths)?;
    let mut texts = Vec::new();
    for p in &paths {
        texts.push((p.strip_prefix(rules)?.display().to_string(), std::fs::read_to_string(p)?));
    }
    let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
    let start = Instant::now();
    let folder = Folder::load(texts.into_iter());
    let loaded = start.elapsed();
    let list = std::fs::read_to_string(events)?;
    let list = list.lines().map(serde_json::from_str).collect::<Result<Vec<serde_json::Value>, _>>()?;
    let start = Instant::now();
    let events = Events::new(&list);
    let mut matched = Vec::new();
    for rule in &folder.open {
        let file = names.iter().position(|n| *n == rule.path).ok_or("a rule of no file")?;
        let hits = rule.matches(&events);
        matched.extend(hits.iter().enumerate().filter(|(_, hit)| **hit).map(|(e, _)| [file, e]));
    }
    let faults: Vec<String> = folder.faults.iter().map(ToString::to_string).collect();
    println!(
        "{}",
        serde_json::json!({"files": names, "faults": faults, "matched": matched,
            "load_ms": loaded.as_millis() as u64, "match_ms": start.elapsed().as_millis() as u64})
    );
    Ok(())
}
