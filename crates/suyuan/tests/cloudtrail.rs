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

/// What was told, a line a finding: rule, level, whom it is about (the end of the name), rows it rests on.
fn told(findings: &[Value]) -> Vec<String> {
    let line = |f: &Value| {
        let at = |a: &str, b: &str| f[a][b].as_str().unwrap().to_owned();
        let who = at("entity", "id");
        let who = who.rsplit('/').next().unwrap();
        let of = |key: &str| f[key].as_str().unwrap().to_owned();
        format!("{} {} {} {who} {}", of("rule"), of("level"), at("entity", "kind"), f["evidence"]["total"])
    };
    let mut lines: Vec<String> = findings.iter().map(line).collect();
    lines.sort();
    lines
}

/// Every row that a finding shows is a row of its own, in a file that was read, inside the finding's time.
fn rests_on_rows(findings: &[Value], run: &Value) {
    let files = run["inputs"].as_array().unwrap().len() as u64;
    for f in findings {
        let rows = f["evidence"]["rows"].as_array().unwrap();
        let own: std::collections::BTreeSet<String> = rows.iter().map(Value::to_string).collect();
        assert_eq!(own.len(), rows.len(), "{}", f["rule"]);
        assert!(!rows.is_empty() && rows.len() as u64 <= f["evidence"]["total"].as_u64().unwrap());
        for row in rows {
            let ts = row["ts"].as_str().unwrap();
            assert!(f["first"].as_str().unwrap() <= ts && ts <= f["last"].as_str().unwrap(), "{f}");
            assert!((1..=files).contains(&row["file"].as_u64().unwrap()), "{row}");
        }
    }
}

#[test]
fn the_bucket_read_out_is_found() {
    let (_place, findings, run) = run("otrf");
    assert_eq!((sum(&run, "read"), sum(&run, "rejected"), rows_of(&run)), (103, 0, 103));
    // The stolen role lists the bucket and takes what is in it; its address is also the thief's own identity's.
    let expected = [
        "audit/listed-then-read-out high account i-0317f6c6b66ae9c40 4",
        "audit/one-address-two-identities low address 1.2.3.4 98",
    ];
    assert_eq!(told(&findings), expected);
    rests_on_rows(&findings, &run);
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
    // One user reads out secrets and parameters, turns logging off and gives itself rights; roles made for the
    // run try what they may not. `benjamin` works from two addresses in one session, which is told of him too.
    let expected = [
        "audit/logging-turned-off high account bert-jan 11",
        "audit/many-objects-at-once medium account aws-go-sdk-1688990082523310002 29",
        "audit/many-objects-at-once medium account bert-jan 181",
        "audit/many-refusals medium account aws-go-sdk-1688990082523310002 29",
        "audit/many-refusals medium account aws-go-sdk-1688990565286187801 15",
        "audit/one-address-two-identities low address 192.168.10.20 1623",
        "audit/one-session-two-addresses medium account benjamin 35",
        "audit/one-session-two-addresses medium account bert-jan 35",
        "audit/rights-and-credentials medium account bert-jan 20",
    ];
    assert_eq!(told(&findings), expected);
    rests_on_rows(&findings, &run);
}

#[test]
fn no_rule_names_a_user_or_a_bucket() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    for file in common::files(std::path::Path::new(rules)) {
        let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
        for name in ["bert-jan", "benjamin", "invictus", "mordor", "ring.txt", "stratus", "123837392027"] {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}
