//! `suyuan rule`: from a new file to a sound rule, in both languages.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{Place, text};

#[test]
fn a_rule_is_begun_checked_tested_and_explained() {
    let place = Place::new();
    let file = place.path("rules/night-exports.yml");
    let name = file.to_str().unwrap();
    let run = |args: &[&str]| {
        let out = place.suyuan().arg("rule").args(args).output().unwrap();
        (out.status.code().unwrap(), text(&out))
    };
    assert_eq!(run(&["new", name, "--kind", "access"]).0, 0);
    let (code, said) = run(&["new", name, "--kind", "access"]);
    assert!(code == 1 && said.contains("is there already"), "{said}");
    assert!(run(&["new", "x", "--kind", "acess"]).1.contains("the nearest is `access`"));

    let dir = file.parent().unwrap().to_str().unwrap();
    assert!(run(&["check", dir]).1.contains("sound: 1 rules"));
    let (code, said) = run(&["test", name]);
    assert!(code == 0 && said.contains("hit 1 (3 rows): fired about"), "{said}");
    assert!(said.contains("miss 1 (2 rows): nothing fired"), "{said}");
    let (code, said) = run(&["explain", name]);
    assert!(code == 0 && said.contains("matches: rows: access rows where `account` is there"), "{said}");
    let zh = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_suyuan")).args(["rule", "--lang", "zh"]).args(args).output().unwrap()
    };
    let said = text(&zh(&["explain", "location/override-habit"]));
    assert!(said.contains("无法区分：") && said.contains("匹配："), "{said}");

    let sound = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, sound.replace("gte: 3", "gte: 4")).unwrap();
    let (code, said) = run(&["test", dir]);
    assert!(code == 1 && said.contains("nothing fired, though it should"), "{said}");
    std::fs::write(&file, sound.replace("account|exists", "acount|exists")).unwrap();
    std::fs::write(file.with_file_name("b.yml"), "a: [").unwrap();
    let (code, said) = run(&["check", dir]);
    assert!(code == 1 && said.contains("did you mean `account`") && said.contains("2 faults"), "{said}");
    let out = zh(&["check", dir, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["faults"].as_array().unwrap().len(), 2);
}

/// The examples of the rules that come with the program, and none fails.
#[test]
fn the_rules_that_come_with_the_program_do_what_they_say() {
    let out = Place::new().suyuan().args(["rule", "test", "--format", "json"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out));
    let tried: Vec<serde_json::Value> = serde_json::from_slice(&out.stdout).unwrap();
    assert!(tried.len() > 40 && tried.iter().all(|t| t["ok"] == true));
}
