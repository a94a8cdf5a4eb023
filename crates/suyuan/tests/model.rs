//! `suyuan model` from the command line: fit, check, explain, and what is refused.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Place, text};

/// Cards whose share of strangers raises the chance of the label; some labels unknown.
fn cards() -> String {
    let mut table = String::from("card,day,calls,peers,fraud\n");
    for i in 0..300u64 {
        let (calls, share) = (5 + i * 7919 % 53, i * 104_729 % 100);
        let label = match i % 7 {
            0 => "",
            _ if share > 60 + i % 20 => "1",
            _ => "0",
        };
        table += &format!("c{i},2020-0{}-15,{calls},{},{label}\n", 1 + i % 6, calls * share / 100);
    }
    table
}

#[test]
fn a_score_is_fitted_checked_and_explained() {
    let place = Place::new();
    place.record("cards.csv", cards());
    place.record("bad.csv", "card,day,calls,peers,fraud\nc1,2020-01-01,many,1,1\n");
    let records = place.path("records");
    let run = |args: &[&str]| {
        let out = place.suyuan().current_dir(&records).args(["model"]).args(args).output().unwrap();
        (out.status.code(), text(&out))
    };
    let train = |table: &str, out: &str, threads: &str| {
        let date = ["--time", "day", "--until", "2020-04-30", "--signal", "strangers=peers/calls"];
        let what = ["train", "--table", table, "--label", "fraud", "--id", "card", "--out", out];
        run(&[&what[..], &date[..], &["--threads", threads]].concat())
    };
    let (code, told) = train("cards.csv", "a.model", "1");
    assert!(code == Some(0) && told.contains("left out: 100 rows later than the date"), "{told}");
    assert_eq!(train("cards.csv", "b.model", "2").0, Some(0));
    let bytes = std::fs::read(records.join("a.model")).unwrap();
    assert_eq!(bytes, std::fs::read(records.join("b.model")).unwrap());
    let (code, told) =
        run(&["check", "a.model", "--table", "cards.csv", "--label", "fraud", "--scores", "s.csv"]);
    assert!(
        code == Some(0) && told.contains("unseen, 86 rows") && told.contains("drift: none told"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(records.join("s.csv")).unwrap().lines().count(), 301);
    let (code, told) = run(&["explain", "a.model", "--table", "cards.csv", "--row", "c5"]);
    assert!(code == Some(0) && told.contains("strangers is"), "{told}");
    let (code, told) = run(&["odd", "--table", "cards.csv", "--id", "card", "--signal", "s=peers/calls"]);
    assert!(code == Some(0) && told.contains("nats, 1 in"), "{told}");
    let (code, told) = train("bad.csv", "c.model", "1");
    assert!(code == Some(1) && told.contains("line 2, column 3 (`calls`): `many` is not a number"), "{told}");
    let mut damaged = bytes;
    damaged[200] ^= 1;
    std::fs::write(records.join("a.model"), damaged).unwrap();
    let (code, told) = run(&["check", "a.model", "--table", "cards.csv"]);
    assert!(code == Some(1) && told.contains("does not fit its digest"), "{told}");
}

/// From the records to alerts by a score: dated, with the model's hash, adding up, and adding to nobody's risk.
#[test]
fn a_model_laid_beside_the_records_tells_cards() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 11);
    let home = place.path("home");
    let run = |args: &[&str]| {
        let out =
            place.suyuan().args(args).arg("--data").arg(&home).current_dir(place.0.path()).output().unwrap();
        (out.status.code(), text(&out))
    };
    assert_eq!(run(&["ingest", "records"]).0, Some(0));
    let (code, told) = run(&["model", "features", "--until", "2020-08-31", "--out", "early.csv"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&["model", "features", "--out", "late.csv"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&[
        "model",
        "train",
        "--table",
        "early.csv",
        "--label",
        "bad",
        "--id",
        "card",
        "--time",
        "day",
        "--until",
        "2020-08-31",
        "--out",
        "cards.model",
        "--format",
        "json",
    ]);
    assert_eq!(code, Some(0), "{told}");
    let hash =
        serde_json::from_str::<serde_json::Value>(&told).unwrap()["model"].as_str().unwrap().to_owned();
    let late = ["model", "check", "cards.model", "--table", "late.csv", "--scores", "late.scores.csv"];
    assert_eq!(run(&late).0, Some(0));

    let (code, told) = run(&["detect", "--model", "cards.model"]);
    assert!(code == Some(0) && told.contains(&format!("model {hash}, dated 2020-08-31")), "{told}");
    let read = |out: &str, name: &str| std::fs::read(place.path(out).join(name)).unwrap();
    for (out, threads, model) in [("a", "1", true), ("b", "2", true), ("c", "2", false)] {
        let model: &[&str] = if model { &["--model", "cards.model"] } else { &[] };
        let (code, told) =
            run(&[&["run", "records", "--out", out, "--threads", threads][..], model].concat());
        assert_eq!(code, Some(0), "{told}");
    }
    assert_eq!(read("a", "findings.ndjson"), read("b", "findings.ndjson"));
    assert_eq!(read("a", "review.ndjson"), read("c", "review.ndjson"), "a score adds to nobody's risk");
    let models = |out: &str| place.json(&format!("{out}/run.json"))["models"].clone();
    assert_eq!(
        (models("a"), models("c")),
        (serde_json::json!([["2020-08-31", hash]]), serde_json::json!([]))
    );

    let of_the_score = |out: &str| -> Vec<serde_json::Value> {
        let all = place.ndjson(&format!("{out}/findings.ndjson"));
        all.into_iter().filter(|f| f["rule"] == "use/learnt-score").collect()
    };
    assert!(of_the_score("c").is_empty());
    let found = of_the_score("a");
    assert!(!found.is_empty());
    let scores = std::fs::read_to_string(place.path("late.scores.csv")).unwrap();
    let known = std::fs::read_to_string(place.path("late.csv")).unwrap();
    for f in &found {
        let said = f["contributions"].as_array().unwrap();
        assert!(said[0]["what"]["en"].as_str().unwrap().contains(&hash[..16]), "{f}");
        let card = f["entity"]["id"].as_str().unwrap();
        let line = scores.lines().find(|l| l.starts_with(card)).unwrap();
        let number = |i: usize| line.split(',').nth(i).unwrap().parse::<f64>().unwrap();
        assert_eq!(said[0]["value"], format!("{:.3}", number(1)), "as `model check` says: {line}");
        let sum: f64 = said.iter().map(|c| c["nats"].as_f64().unwrap()).sum();
        assert!((sum - number(2)).abs() < 2e-3, "{sum} {line}");
        let row = known.lines().find(|l| l.starts_with(card)).unwrap();
        assert!(row.ends_with(','), "its outcome is not known: {row}");
    }

    // A model as late as the records has nothing to be held against.
    let whole = [
        "model",
        "train",
        "--table",
        "late.csv",
        "--label",
        "bad",
        "--id",
        "card",
        "--time",
        "day",
        "--until",
        "2030-01-01",
    ];
    assert_eq!(run(&[&whole[..], &["--out", "whole.model"]].concat()).0, Some(0));
    let (code, told) = run(&["detect", "--model", "whole.model", "--only", "use/learnt-score"]);
    assert!(
        code == Some(0) && told.contains("0 outcomes known since the model's date are too few to tell"),
        "{told}"
    );

    place.record("cards.csv", cards());
    let other = [
        "model",
        "train",
        "--table",
        "records/cards.csv",
        "--label",
        "fraud",
        "--id",
        "card",
        "--out",
        "other.model",
    ];
    assert_eq!(run(&[&other[..], &["--time", "day", "--until", "2020-04-30"]].concat()).0, Some(0));
    let (code, told) = run(&["detect", "--model", "other.model"]);
    assert!(code == Some(1) && told.contains("the table of card use has no column `calls`"), "{told}");
    let (code, told) = run(&["detect", "--model", "absent.model"]);
    assert!(code == Some(1) && told.contains("absent.model"), "{told}");
}
