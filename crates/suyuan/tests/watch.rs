//! Live detection: late files are corrected for, a killed watch goes on, and the end is what one go gives.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use common::{Place, text};
use serde_json::Value;

/// The alerts that stand after the log's lines; what is added twice fails.
fn standing(log: &Path) -> (BTreeMap<String, Value>, usize) {
    let mut out = BTreeMap::new();
    let mut late = 0;
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let e: Value = serde_json::from_str(line).unwrap();
        late += usize::from(e["late"] == true);
        match e["change"].as_str().unwrap() {
            "retracted" => assert!(out.remove(e["id"].as_str().unwrap()).is_some(), "retracted, never given"),
            change => {
                let id = e["alert"]["id"].as_str().unwrap().to_owned();
                let before = out.insert(id, e["alert"].clone());
                assert_eq!(before.is_some(), change == "revised", "{line}");
            }
        }
    }
    (out, late)
}

fn watch(place: &Place, keys: &Place, home: &str) {
    let out = keys
        .suyuan()
        .args(["watch", "--once", "--data"])
        .arg(place.path(home))
        .arg(place.path("records"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", text(&out));
}

#[test]
fn files_in_any_order_give_what_one_go_gives() {
    let all = Place::new();
    all.world("qt-2020", "tiny", 72);
    watch(&all, &all, "home");
    let (want, late) = standing(&all.path("home/live/alerts.ndjson"));
    assert!(want.len() > 20 && late == 0, "{} alerts, {late} late", want.len());

    // The same records, the logins and openings in three files each, the last third first.
    let parts = Place::new();
    std::fs::create_dir_all(parts.path("records")).unwrap();
    let mut held: Vec<(String, String)> = Vec::new();
    for file in std::fs::read_dir(all.path("records")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let stem = name.split('.').next().unwrap().to_owned();
        if !["login", "opening"].contains(&stem.as_str()) || !name.ends_with(".csv") {
            std::fs::copy(&file, parts.path("records").join(&name)).unwrap();
            continue;
        }
        let content = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = content.lines().collect();
        let third = lines.len() / 3;
        for (n, range) in [(3, 2 * third..lines.len()), (1, 1..third), (2, third..2 * third)] {
            let text = format!("{}\n{}\n", lines[0], lines[range].join("\n"));
            held.push((format!("{stem}-{n}.csv"), text));
        }
    }
    assert_eq!(held.len(), 6);
    held.sort_by_key(|(name, _)| (!name.contains("-3"), name.contains("-2"), name.clone()));
    for (name, content) in held {
        parts.record(&name, content);
        watch(&parts, &all, "home");
    }
    let (got, late) = standing(&parts.path("home/live/alerts.ndjson"));
    assert!(late > 0, "nothing came late");
    let ids = |m: &BTreeMap<String, Value>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&got), ids(&want));
    assert!(got == want, "an alert stands with other rows");
}

#[test]
fn a_killed_watch_goes_on() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 73);
    let mut killed = 0;
    for wait in [150, 300, 500, 800] {
        let mut child = place
            .suyuan()
            .args(["watch", "--data"])
            .arg(place.path("home"))
            .arg(place.path("records"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(killed, 4);
    watch(&place, &place, "home");
    watch(&place, &place, "clean");
    let (got, _) = standing(&place.path("home/live/alerts.ndjson"));
    let (want, _) = standing(&place.path("clean/live/alerts.ndjson"));
    assert!(got == want, "{} and {} alerts", got.len(), want.len());
}

/// A rule of one's own whose rows name cards.
const MANUAL: &str = "
title: Position typed by hand
description: t
level: low
logsource: {product: suyuan, service: opening}
detection: {s: {gps_source: manual}, condition: s}
suyuan:
  scheme: S03
  title_zh: 手工填写位置
  description_zh: 试
  family: location
  confidence: engineering
  threshold_from: {en: test, zh: 试}
  entity: {card: card}
  clears: {en: x, zh: x}
  cannot_tell: {en: x, zh: x}
  hit: [{record: opening, ts: '2020-01-01T00:00:00Z', card: c, gps_source: manual}]
  miss: [{record: opening, ts: '2020-01-01T00:00:00Z', card: c, gps_source: device}]
";

#[test]
fn a_backtest_keeps_nothing_and_says_what_is_known() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 74);
    let done = place.run("out");
    assert!(done.status.success(), "{}", text(&done));
    let home = place.path("out/data");
    let test = |args: &[&str]| {
        let out = place
            .suyuan()
            .args(["--format", "json", "detect", "--backtest"])
            .args(args)
            .arg("--data")
            .arg(&home)
            .output();
        let out = out.unwrap();
        (out.status.code(), text(&out))
    };
    let before = std::fs::read(home.join("suyuan.db")).unwrap();
    let (code, told) = test(&["login/two-places-at-once"]);
    assert_eq!(code, Some(0), "{told}");
    let b: Value = serde_json::from_str(&told).unwrap();
    assert!(b["alerts"].as_u64().unwrap() > 0 && b["days"].as_u64().unwrap() > 60, "{told}");
    // Logins name no card: nothing is known, and that is said.
    assert!(b["precision"].is_null() && b["says"]["en"].as_str().unwrap().contains("nothing can be said"));
    let rule = place.path("manual.yml");
    std::fs::write(&rule, MANUAL).unwrap();
    let (_, told) = test(&[rule.to_str().unwrap()]);
    let b: Value = serde_json::from_str(&told).unwrap();
    assert!(b["bad"].as_u64().unwrap() > 0, "{told}");
    let (_, told) = test(&["login/two-places-at-once", "--since", "2019-12-01", "--until", "2019-12-02"]);
    let none: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((none["alerts"].as_u64(), none["days"].as_u64()), (Some(0), Some(1)));
    assert_eq!(before, std::fs::read(home.join("suyuan.db")).unwrap());
    let (code, told) = test(&["login/two-place"]);
    assert!(code == Some(1) && told.contains("login/two-place`"), "{told}");
}
