//! The command line: help with examples, exit codes, steps one by one.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Place, text};

const COMMANDS: [&str; 13] = [
    "init", "ingest", "detect", "trace", "case", "report", "run", "query", "sim", "mapping", "kinds", "rule",
    "schema",
];

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    for command in COMMANDS {
        let out = place.suyuan().args([command, "--help"]).output().unwrap();
        let help = text(&out);
        assert!(out.status.success() && help.contains("Example"), "{command}: {help}");
        assert!(help.contains("suyuan "), "{command}");
    }
    let all = text(&place.suyuan().arg("--help").output().unwrap());
    assert!(all.contains("Exit codes") && all.contains("退出码"));
}

#[test]
fn exit_codes_tell_what_happened() {
    let place = Place::new();
    let code = |args: &[&str]| {
        let data = place.path("data");
        place.suyuan().args(args).arg("--data").arg(data).output().unwrap().status.code().unwrap()
    };
    assert_eq!(code(&["frobnicate"]), 2);
    assert_eq!(code(&["init"]), 0);
    assert_eq!(code(&["trace"]), 1, "nothing detected yet");
    place.record("login.csv", "ts,account,device\nnever,a,b\n");
    let records = place.path("records");
    assert_eq!(code(&["ingest", records.to_str().unwrap()]), 3);
}

#[test]
fn an_error_speaks_the_users_language() {
    let place = Place::new();
    let told = |lang: &str| {
        let mut c = std::process::Command::new(env!("CARGO_BIN_EXE_suyuan"));
        c.arg("--keys").arg(place.path("keys")).arg("--data").arg(place.path("data"));
        text(&c.args(["--lang", lang, "trace"]).output().unwrap())
    };
    assert!(told("en").contains("run `suyuan detect` first"), "{}", told("en"));
    assert!(told("zh").contains("请先运行"), "{}", told("zh"));
}

#[test]
fn step_by_step_equals_in_one_go() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 61);
    let done = place.run("one");
    assert!(done.status.success(), "{}", text(&done));
    let data = place.path("data");
    for step in [&["ingest"][..], &["detect"], &["trace"], &["case"], &["report", "--out"]] {
        let mut c = place.suyuan();
        c.args(step).arg("--data").arg(&data);
        match step[0] {
            "ingest" => drop(c.arg(place.path("records"))),
            "report" => {
                c = place.suyuan();
                c.args(["report", "--data"]).arg(&data).arg("--out").arg(place.path("steps"));
            }
            _ => {}
        }
        let out = c.output().unwrap();
        assert!(out.status.success(), "{step:?}: {}", text(&out));
    }
    for name in ["findings.ndjson", "sources.json", "case.json", "report.zh.html", "run.json"] {
        let read = |dir: &str| std::fs::read(place.path(dir).join(name)).unwrap();
        assert!(read("one") == read("steps"), "{name} differs");
    }
}
