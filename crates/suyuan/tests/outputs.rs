//! The output files: their schemas, and that nothing personal stands in them or beside them.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::{Place, files, python, text};

const VALIDATE: &str = r#"
import json, sys
from jsonschema import Draft202012Validator
out, schemas = sys.argv[1], sys.argv[2]
def check(schema, values):
    v = Draft202012Validator(json.load(open(f"{schemas}/{schema}.schema.json", encoding="utf-8")))
    n = 0
    for value in values:
        n += 1
        for e in v.iter_errors(value):
            sys.exit(f"{schema}: {list(e.absolute_path)}: {e.message[:300]}")
    print(schema, n)
whole = lambda f: [json.load(open(f"{out}/{f}", encoding="utf-8"))]
lines = lambda f: map(json.loads, open(f"{out}/{f}", encoding="utf-8"))
check("finding", lines("findings.ndjson"))
check("review", lines("review.ndjson"))
check("sources", whole("sources.json"))
check("case", whole("case.json"))
check("reject", lines("rejects.ndjson"))
check("run", whole("run.json"))
"#;

#[test]
fn outputs_fit_their_schemas() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 51);
    place.record("complaint-bad.csv", "ts,subject\nyesterday,x\n");
    let done = place.run("out");
    assert_eq!(done.status.code(), Some(3), "{}", text(&done));
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema");
    let checked =
        Command::new(python()).args(["-c", VALIDATE]).arg(place.path("out")).arg(schemas).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked));
}

const DUMP: &str = r#"
import duckdb, sys
from duckdb_extensions import import_extension
for e in ("ducklake", "sqlite_scanner"):
    import_extension(e)
con = duckdb.connect()
con.execute("LOAD ducklake; LOAD sqlite_scanner")
con.execute(f"ATTACH 'ducklake:sqlite:{sys.argv[1]}/suyuan.db' AS lake (READ_ONLY)")
for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND NOT internal").fetchall():
    if name == "original":
        continue
    for row in con.execute(f'SELECT * FROM lake."{name}"').fetchall():
        print(*row, sep="\t")
"#;

/// Identity numbers, mobile numbers and addresses of a world's records.
fn personal(place: &Place) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ["opening.csv", "complaint.csv", "fraud_report.csv", "staff.csv"] {
        let text = std::fs::read_to_string(place.path("records").join(name)).unwrap();
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap().split(',').collect();
        let wanted: Vec<usize> = ["subject", "msisdn", "address", "contact", "victim", "holder"]
            .iter()
            .filter_map(|w| head.iter().position(|h| h == w))
            .collect();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            found.extend(wanted.iter().map(|i| cells[*i].to_owned()).filter(|c| c.chars().count() >= 8));
        }
    }
    found
}

#[test]
fn nothing_personal_leaves_the_intake() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 52);
    place.record("capture-bad.csv", "ts,subject,kind\n2020-01-01T00:00:00+08:00,330681199003071234,hand\n");
    let done = place.run("out");
    assert_eq!(done.status.code(), Some(3), "{}", text(&done));
    let dump = Command::new(python()).args(["-c", DUMP]).arg(place.path("out/data")).output().unwrap();
    assert!(dump.status.success(), "{}", text(&dump));
    let mut seen = vec![("printed", done.stdout), ("errors", done.stderr), ("lake", dump.stdout)];
    for file in files(&place.path("out")) {
        if file.extension().is_none_or(|e| e != "parquet") {
            seen.push(("file", std::fs::read(file).unwrap()));
        }
    }
    let mut secrets = personal(&place);
    secrets.insert("330681199003071234".to_owned());
    assert!(secrets.len() > 1_000);
    for (what, bytes) in &seen {
        let words: BTreeSet<&[u8]> =
            bytes.split(|b| b.is_ascii_whitespace() || b"\"',;:<>()|&=/".contains(b)).collect();
        for secret in &secrets {
            assert!(!words.contains(secret.as_bytes()), "{what} holds something personal in clear");
        }
    }
}
