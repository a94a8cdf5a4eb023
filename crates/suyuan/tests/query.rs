//! `suyuan query` over the records of a run.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Place, text};

#[test]
fn a_query_reads_the_newest_snapshot() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 71);
    let done = place.run("out");
    assert!(done.status.success(), "{}", text(&done));
    let query = |sql: &str, format: &str| {
        let data = place.path("out/data");
        let out =
            place.suyuan().args(["--format", format, "query", sql, "--data"]).arg(data).output().unwrap();
        (out.status.code(), text(&out))
    };
    let (code, table) = query("SELECT count(*) AS n FROM opening", "json");
    let openings =
        place.json("out/run.json")["rows"].as_array().unwrap().iter().find(|r| r[0] == "opening").unwrap()[1]
            .as_u64()
            .unwrap();
    assert_eq!((code, table.trim()), (Some(0), format!("[{{\"n\":\"{openings}\"}}]").as_str()));
    assert_eq!(query("DELETE FROM opening", "text").0, Some(1));
    let (code, told) = query("SELECT * FROM openings", "text");
    assert!(code == Some(1) && told.contains("opening"), "{told}");
}
