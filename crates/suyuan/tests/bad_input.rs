//! Bad input, as an operator meets it: a clear message, the good rows kept, nothing lost.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Place, text};
use serde_json::Value;

const HEAD: &str = "ts,source,seq,account,device,result\n";

fn login(seq: u32) -> String {
    format!("2020-03-{:02}T08:{:02}:00+08:00,iam,{seq},ZJ{seq:05},dev-{seq},ok\n", seq % 28 + 1, seq % 60)
}

fn logins(n: u32) -> String {
    HEAD.to_owned() + &(1..=n).map(login).collect::<String>()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let out = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(out.status.success());
    out.stdout
}

/// Takes the records in; returns what the intake reports as JSON, and the exit code.
fn ingest(place: &Place, more: &[&str]) -> (Value, i32) {
    let out = place
        .suyuan()
        .args(["--format", "json", "ingest"])
        .args(more)
        .arg("--data")
        .arg(place.path("data"))
        .args((!more.contains(&"--retry-rejects")).then(|| place.path("records")))
        .output()
        .unwrap();
    let code = out.status.code().unwrap();
    assert!(code == 0 || code == 3, "{}", text(&out));
    (serde_json::from_slice(&out.stdout).unwrap(), code)
}

fn sum(report: &Value, what: &str) -> u64 {
    report["inputs"].as_array().unwrap().iter().map(|i| i[what].as_u64().unwrap()).sum()
}

fn first_reject(report: &Value) -> (&Value, String) {
    let r = &report["first_rejects"][0];
    assert!(
        !r["reason"]["zh"].as_str().unwrap().is_empty() && !r["remedy"]["zh"].as_str().unwrap().is_empty()
    );
    (r, format!("{} {}", r["reason"]["en"].as_str().unwrap(), r["remedy"]["en"].as_str().unwrap()))
}

#[test]
fn a_truncated_gzip_keeps_the_rows_before_the_cut() {
    let place = Place::new();
    let whole = gzip(logins(20_000).as_bytes());
    place.record("login.csv.gz", &whole[..whole.len() / 2]);
    let (report, code) = ingest(&place, &[]);
    assert_eq!(code, 3);
    let taken = sum(&report, "taken");
    assert!(taken > 5_000 && taken < 20_000, "{taken}");
    // The whole file afterwards: the rest comes in, nothing twice.
    place.record("login.csv.gz", &whole);
    let (report, _) = ingest(&place, &[]);
    assert_eq!(sum(&report, "taken"), 20_000 - taken);
    assert_eq!(sum(&report, "known"), taken);
}

#[test]
fn a_wrong_encoding_is_told_and_the_rest_kept() {
    let place = Place::new();
    let mut bytes = logins(3).into_bytes();
    bytes.extend_from_slice(b"2020-03-04T08:00:00+08:00,iam,99,\xff\xfe\xff,dev,ok\n");
    bytes.extend_from_slice(login(4).as_bytes());
    place.record("login.csv", bytes);
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken"), sum(&report, "rejected")), (3, 4, 1));
    let (r, message) = first_reject(&report);
    assert_eq!((r["line"].as_u64(), r["file"].as_str()), (Some(5), Some("login.csv")), "{message}");
}

#[test]
fn a_line_of_ten_million_characters_is_kept_aside() {
    let place = Place::new();
    let mut csv = logins(2);
    csv.push_str("2020-03-04T08:00:00+08:00,iam,99,");
    csv.push_str(&"x".repeat(10_000_000));
    csv.push_str(",dev,ok\n");
    csv.push_str(&login(3));
    place.record("login.csv", csv);
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken"), sum(&report, "rejected")), (3, 3, 1));
    assert_eq!(first_reject(&report).0["line"], 4);
}

#[test]
fn rows_twice_and_out_of_order_change_nothing() {
    let (a, b) = (Place::new(), Place::new());
    a.record("login.csv", logins(50));
    let mut shuffled: Vec<String> = (1..=50).rev().map(login).collect();
    shuffled.extend((1..=25).map(login));
    b.record("login.csv", HEAD.to_owned() + &shuffled.concat());
    let (one, two) = (ingest(&a, &[]).0, ingest(&b, &[]).0);
    assert_eq!((sum(&one, "taken"), sum(&two, "taken"), sum(&two, "known")), (50, 50, 25));
    let again = ingest(&a, &[]).0;
    assert_eq!((sum(&again, "taken"), again["known_files"][0].as_str()), (0, Some("login.csv")));
}

#[test]
fn a_time_in_the_future_is_kept_aside() {
    let place = Place::new();
    place.record("login.csv", logins(2) + "2999-01-01T00:00:00+08:00,iam,9,ZJ1,dev,ok\n");
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken"), sum(&report, "rejected")), (3, 2, 1));
    assert_eq!(first_reject(&report).0["field"], "ts");
}

#[test]
fn a_wrong_check_digit_is_told_and_the_row_kept() {
    let place = Place::new();
    place.record("complaint.csv", "ts,subject\n2020-01-01T00:00:00+08:00,33068119900307123X\n");
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken")), (0, 1));
    let warning = report["inputs"][0]["warnings"][0][0]["en"].as_str().unwrap();
    assert!(warning.contains("subject") && warning.contains("check digit"), "{warning}");
}

#[test]
fn an_unreadable_folder_is_told() {
    let place = Place::new();
    place.record("login.csv", logins(1));
    let missing = place.suyuan().args(["ingest", "no-such-folder"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing).contains("no-such-folder"));
    // A loop of links below the folder is no loop for the intake; a dead link is told.
    std::os::unix::fs::symlink("nowhere", place.path("records").join("access.csv")).unwrap();
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken")), (3, 1));
    assert_eq!(report["unreadable"][0][0], "access.csv");
}

#[test]
fn what_does_not_exist_is_told_with_the_nearest() {
    let place = Place::new();
    place.record("openning.csv", "ts\n");
    place.record("login.csv", HEAD.to_owned() + "2020-03-04T08:00:00+08:00,iam,1,ZJ1,dev,okay\n");
    let (report, code) = ingest(&place, &[]);
    assert_eq!(code, 3);
    let all = report.to_string();
    assert!(all.contains("`opening`"), "{all}");
    assert!(all.contains("`ok`"), "{all}");
}

#[test]
fn a_mended_file_brings_the_rejects_in() {
    let place = Place::new();
    let bad = logins(3) + "2020-03-09 08:00,iam,9,ZJ9,dev-9,ok\n" + &login(4);
    place.record("login.csv", &bad);
    let (report, _) = ingest(&place, &[]);
    assert_eq!((sum(&report, "taken"), sum(&report, "rejected")), (4, 1));
    // Unmended, it still does not fit, and stays kept aside.
    assert_eq!(ingest(&place, &["--retry-rejects"]).0["mended"], 0);
    place.record("login.csv", bad.replace("2020-03-09 08:00", "2020-03-09T08:00:00+08:00"));
    let file = place.path("records").join("login.csv");
    let (report, code) = ingest(&place, &["--retry-rejects", file.to_str().unwrap()]);
    assert_eq!((code, report["mended"].as_u64()), (0, Some(1)), "{report}");
    assert_eq!(ingest(&place, &["--retry-rejects"]).0["mended"], 0, "nothing is left to mend");
}

#[test]
fn a_full_disk_leaves_the_lake_as_it_was() {
    let place = Place::new();
    // Tokens and sealed originals do not compress: these rows need some 15 MB.
    let rows: String = (0..200_000).map(|i| format!("2020-01-01T00:00:00+08:00,138{i:08}\n")).collect();
    place.record("complaint.csv", "ts,subject\n".to_owned() + &rows);
    // A file system of 6 MiB in a mount namespace of its own.
    let script = r#"mount -t tmpfs -o size=6m none "$1" && shift && exec "$@""#;
    std::fs::create_dir(place.path("data")).unwrap();
    let full = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(place.path("data"))
        .arg(env!("CARGO_BIN_EXE_suyuan"))
        .arg("--keys")
        .arg(place.path("keys"))
        .args(["--lang", "en", "ingest", "--data"])
        .arg(place.path("data"))
        .arg(place.path("records"))
        .output()
        .unwrap();
    let told = text(&full);
    assert_eq!(full.status.code(), Some(1), "{told}");
    assert!(told.contains("No space left") || told.contains("full"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    // With room, everything comes in.
    let (report, code) = ingest(&place, &[]);
    assert_eq!((code, sum(&report, "taken")), (0, 200_000));
}
