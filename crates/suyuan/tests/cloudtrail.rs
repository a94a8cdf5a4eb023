//! Real audit trails: all events taken in, the read-out and the attack run found by rules that name nobody.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Place, text};
use serde_json::Value;

fn run(trail: &str) -> (Place, Vec<Value>, Value) {
    let place = Place::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cloudtrail/");
    let done = place
        .suyuan()
        .arg("run")
        .arg(format!("{data}{trail}"))
        .args(["--mapping", "aws-cloudtrail", "--out"])
        .arg(place.path("out"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done));
    let findings = place.ndjson("out/findings.ndjson");
    let run = place.json("out/run.json");
    (place, findings, run)
}

fn sum(run: &Value, what: &str) -> u64 {
    run["inputs"].as_array().unwrap().iter().map(|i| i[what].as_u64().unwrap()).sum()
}

fn rows_of(run: &Value) -> u64 {
    run["rows"].as_array().unwrap().iter().map(|r| r[1].as_u64().unwrap()).sum()
}

#[test]
fn the_bucket_read_out_is_found() {
    let (_place, findings, run) = run("otrf");
    assert_eq!((sum(&run, "read"), sum(&run, "rejected"), rows_of(&run)), (103, 0, 103));
    let found =
        findings.iter().find(|f| f["rule"].as_str().unwrap().contains("read-out")).expect("a read-out");
    let rows = found["evidence"]["rows"].as_array().unwrap();
    assert!(rows.iter().all(|r| r["kind"] == "access") && !rows.is_empty());
}

#[test]
fn the_attack_run_is_found() {
    let (place, findings, run) = run("invictus");
    let report = std::fs::read_to_string(place.path("out/report.en.html")).unwrap();
    assert!(
        findings.iter().all(|f| report.contains(f["rule"].as_str().unwrap())),
        "a finding is not in the report"
    );
    assert_eq!((sum(&run, "read"), sum(&run, "rejected")), (2_900, 0));
    assert_eq!(sum(&run, "taken") + sum(&run, "known"), 2_900);
    let rules: std::collections::BTreeSet<&str> =
        findings.iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert!(rules.len() >= 2, "{rules:?}");
    for f in &findings {
        assert!(f["evidence"]["total"].as_u64().unwrap() > 0);
    }
}

#[test]
fn no_rule_names_a_user_or_a_bucket() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    for file in common::files(std::path::Path::new(rules)) {
        let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
        for name in ["bert-jan", "invictus", "mordor", "ring.txt", "stratus"] {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}
