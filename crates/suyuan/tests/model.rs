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
