//! The whole path on made-up worlds; what it found is compared with the truth afterwards.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{Place, cards, members, strings, text};
use serde_json::Value;

/// Share of `whole` that is in `part`.
fn share(part: &BTreeSet<String>, whole: &BTreeSet<String>) -> f64 {
    part.intersection(whole).count() as f64 / whole.len().max(1) as f64
}

struct Found {
    case: Value,
    ring: Value,
    named: BTreeSet<String>,
    recall: f64,
    other_flagged: f64,
}

fn reference(place: &Place, out: &str) -> Found {
    let done = place.run(out);
    assert!(done.status.success(), "{}", text(&done));
    let truth = place.json("truth/truth.json");
    let ring = truth["rings"][0].clone();
    let guilty = strings(&ring["cards"]);
    let cases = place.json(&format!("{out}/case.json"));
    let cases = cases["cases"].as_array().unwrap();
    let best = |c: &&Value| cards(c).intersection(&guilty).count();
    let case = cases.iter().max_by_key(best).expect("a case").clone();
    let flagged: BTreeSet<String> = cases.iter().flat_map(cards).collect();
    let rows = place.json(&format!("{out}/run.json"));
    let openings =
        rows["rows"].as_array().unwrap().iter().find(|r| r[0] == "opening").unwrap()[1].as_u64().unwrap();
    let others = openings as f64 - guilty.len() as f64;
    Found {
        recall: share(&flagged, &guilty),
        other_flagged: flagged.difference(&guilty).count() as f64 / others,
        named: members(&case),
        case,
        ring,
    }
}

fn assert_found(f: &Found) {
    assert!(f.recall >= 0.9, "recall {}", f.recall);
    assert!(f.other_flagged <= 0.006, "other cards flagged {}", f.other_flagged);
    for what in ["accounts", "devices", "collectors", "sellers"] {
        let missing: Vec<_> = strings(&f.ring[what]).difference(&f.named).cloned().collect();
        assert!(missing.is_empty(), "{what} not named: {missing:?}");
    }
    assert!(f.named.contains(f.ring["outlet"].as_str().unwrap()), "outlet not named");
}

#[test]
fn the_reference_case_is_found_with_and_without_its_exhibits() {
    for seed in [11, 12] {
        let place = Place::new();
        place.world("qt-2020", "tiny", seed);
        let found = reference(&place, "out");
        assert_found(&found);
        let truth = |k: &str| strings(&found.ring[k]).len() as u64;
        let totals = &found.case["totals"];
        assert_eq!(totals["cards"], truth("cards"));
        assert_eq!(totals["fraud_cards"], truth("fraud_cards"));
        assert_eq!(totals["fraud_cases"], truth("fraud_cases"));
        let loss = found.ring["loss_fen"].as_i64().unwrap();
        assert_eq!(totals["loss_cny"], format!("{}.{:02}", loss / 100, loss % 100));
        for party in found.ring["parties"].as_array().unwrap() {
            let id = party["party"].as_str().unwrap();
            assert!(found.named.contains(id), "{id} has no role in the case");
        }

        for exhibit in ["party", "dealing", "sighting"] {
            std::fs::remove_file(place.path("records").join(format!("{exhibit}.csv"))).unwrap();
        }
        let bare = reference(&place, "bare");
        assert_found(&bare);
        assert!(
            bare.case["exhibits"].as_array().is_some_and(|e| !e.is_empty()),
            "says what only exhibits show"
        );
    }
}

#[test]
fn a_clean_world_names_nobody() {
    for seed in 21..25 {
        let place = Place::new();
        place.world("clean", "tiny", seed);
        let done = place.run("out");
        assert!(done.status.success(), "{}", text(&done));
        for source in place.json("out/sources.json")["sources"].as_array().unwrap() {
            let p = source["probability"].as_f64().unwrap();
            assert!(p < 0.8, "seed {seed}: {} is named at {p}", source["entity"]);
        }
        assert_eq!(place.json("out/case.json")["cases"], serde_json::json!([]), "seed {seed}");
    }
}

#[test]
fn many_rings_stay_apart() {
    let place = Place::new();
    place.world("many", "tiny", 31);
    let done = place.run("out");
    assert!(done.status.success(), "{}", text(&done));
    let truth = place.json("truth/truth.json");
    let cases = place.json("out/case.json");
    let rings: Vec<BTreeSet<String>> =
        truth["rings"].as_array().unwrap().iter().map(|r| strings(&r["cards"])).collect();
    let leakers: BTreeSet<&str> =
        truth["leakers"].as_array().unwrap().iter().filter_map(|l| l["account"].as_str()).collect();
    for case in cases["cases"].as_array().unwrap() {
        let cards = cards(case);
        if cards.is_empty() {
            // A leak of data that opened no cards: whoever it names as the source is one.
            assert_eq!(case["kind"], "leak");
            let sources = case["actors"].as_array().unwrap().iter().filter(|a| a["role"] == "source");
            let sources: Vec<&str> = sources.map(|a| a["entity"]["id"].as_str().unwrap()).collect();
            assert!(!sources.is_empty() && sources.iter().all(|s| leakers.contains(s)), "{sources:?}");
            continue;
        }
        let hit = rings.iter().filter(|r| share(&cards, r) > 0.2).count();
        assert!(hit <= 1, "one case holds cards of {hit} rings");
        let own: usize = rings.iter().map(|r| r.intersection(&cards).count()).max().unwrap_or(0);
        assert!(own * 2 > cards.len(), "a case of {} cards, {own} of a ring", cards.len());
    }
}

#[test]
fn same_input_same_bytes() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 41);
    let run = |out: &str, threads: &str, zone: &str| {
        let done = place
            .suyuan()
            .env("TZ", zone)
            .args(["--threads", threads, "run"])
            .arg(place.path("records"))
            .arg("--out")
            .arg(place.path(out))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", text(&done));
    };
    run("a", "1", "UTC");
    run("b", "2", "America/New_York");
    for name in [
        "findings.ndjson",
        "review.ndjson",
        "sources.json",
        "case.json",
        "report.zh.html",
        "report.en.html",
        "rejects.ndjson",
        "run.json",
    ] {
        let read = |out: &str| std::fs::read(place.path(out).join(name)).unwrap();
        assert!(read("a") == read("b"), "{name} differs");
    }
    let lake = |out: &str| {
        common::files(&place.path(out).join("data/lake"))
            .iter()
            .map(|f| std::fs::read(f).unwrap())
            .collect::<Vec<_>>()
    };
    assert!(lake("a") == lake("b"), "the lake's files differ");
}
