//! Clerks of whom nobody told which outlet they serve: what follows the look-ups of a whole place names none of them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod dice;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};
use suyuan_trace::{Params, trace};

use dice::Dice;

const START: i64 = 1_577_808_000; // 2020-01-01T00:00:00+08:00
const DAYS: i64 = 300;
/// Where those come from who are looked up; each place has five clerks of its own.
const PLACES: [&str; 8] = ["320100", "330100", "340100", "350100", "360100", "370100", "410100", "420100"];

fn at(day: i64, minute: i64) -> i64 {
    (START + day * 86_400 + minute * 60) * time::SECOND
}

/// Look-ups of all places; whoever is looked up at place 3 from day 80 to 200, by whomever, is harmed later with 20 %.
fn place_leaks() -> MemorySource {
    let mut dice = Dice(1);
    let mut rows: Vec<(i64, Kind, Value)> = Vec::new();
    let mut harm: BTreeMap<i64, i64> = BTreeMap::new();
    for day in 0..DAYS {
        for (place, region) in PLACES.iter().enumerate() {
            for clerk in 0..5 {
                for n in 0..4 {
                    let person = place as i64 * 1000 + dice.below(1000);
                    let row = json!({"account": format!("c{place}{clerk}"), "action": "view", "result": "ok",
                        "subject": format!("idn1-p{person}"), "subject_region6": region});
                    rows.push((at(day, 540 + n * 60 + clerk), Kind::Access, row));
                    if place == 3 && (80..200).contains(&day) && dice.unit() < 0.2 {
                        harm.entry(person).or_insert(day + 3 + dice.below(40));
                    }
                }
            }
        }
        if day % 4 == 3 {
            harm.entry(dice.below(8000)).or_insert(day);
        }
    }
    for (person, day) in harm.into_iter().filter(|x| x.1 < DAYS) {
        let row =
            json!({"case": format!("A{person}"), "victim": format!("idn1-p{person}"), "loss_cny": "9000"});
        rows.push((at(day, 1200), Kind::FraudReport, row));
    }
    rows.sort_by_key(|r| r.0);
    let mut out = MemorySource::default();
    for kind in [Kind::Access, Kind::FraudReport] {
        let mine = rows.iter().enumerate().filter(|r| r.1.1 == kind);
        let mine: Vec<Value> = mine
            .map(|(i, (ts, _, row))| {
                let mut row = row.clone();
                row["ts"] = time::format(*ts).into();
                (row["seq"], row["line"]) = (json!(i + 1), json!(i + 1));
                row
            })
            .collect();
        mine.chunks(4096).for_each(|part| out.push(kind, fixture::batch(kind, part).unwrap()));
    }
    out
}

#[test]
fn a_place_without_a_known_outlet_is_told_in_the_limits_and_names_nobody() {
    let found = trace(&place_leaks(), &[], &Params::default(), &mut |_| {}).unwrap();
    assert!(found.sources.iter().all(|s| !s.listed), "{:?}", found.sources);
    let told = found.limits.iter().find(|l| l.en.contains("no outlet is known for them"));
    let told = told.unwrap_or_else(|| panic!("{:?}", found.limits));
    assert!(told.en.contains("all 5 accounts of one place alike"), "{}", told.en);
    assert!(told.zh.contains("同一地点全部 5 个工号") && told.zh.contains("staff"), "{}", told.zh);
}
