//! What the records say of customers who came themselves, to the counter or with their own telephones.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use suyuan_detect::{RuleSet, detect};
use suyuan_model::outcome::{Finding, Level, Outcome};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// 2020-03-02, nine in the morning in China.
const START: i64 = 1_583_110_800_000_000;

fn source(kinds: &[(Kind, Vec<Value>)]) -> MemorySource {
    let mut source = MemorySource::default();
    for (kind, rows) in kinds.iter().filter(|k| !k.1.is_empty()) {
        let number = |(n, row): (usize, &Value)| {
            let mut row = row.clone();
            row.as_object_mut().unwrap().extend([("source".into(), json!("b")), ("seq".into(), json!(n))]);
            row
        };
        let rows: Vec<Value> = rows.iter().enumerate().map(number).collect();
        source.push(*kind, fixture::batch(*kind, &rows).unwrap());
    }
    source
}

/// The only finding of a rule, and what the check that begins so says.
fn told(rule: &str, kinds: &[(Kind, Vec<Value>)], check: &str) -> (Level, Outcome, String) {
    let found: Vec<Finding> =
        detect(&source(kinds), &RuleSet::embedded().unwrap().only(&[rule]), &mut |_| {}).unwrap();
    assert_eq!(found.len(), 1, "{rule}");
    let said = found[0].counter.iter().find(|c| c.what.en.starts_with(check)).unwrap();
    (found[0].level, said.outcome, said.detail.en.clone())
}

/// Hands of one employer from another province, opened at a shop's device: each `waited` after the capture, beside
/// so many customers of the place.
fn hands(waited: Option<i64>, locals: usize) -> Vec<Value> {
    let opening = |n: usize, subject: String, region: &str, more: Value| {
        let mut row = json!({"ts": time::format(START + n as i64 * 5 * HOUR), "account": "a1", "device": "t1",
            "card": format!("c{n}"), "subject": subject, "region6": "330681", "subject_region6": region, "outlet": "o1"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let hand = |n: usize| {
        let captured = waited.map(|w| time::format(START + n as i64 * 5 * HOUR - w));
        opening(n, format!("s{n}"), "411621", json!({"employer": "works", "captured_at": captured}))
    };
    let local = |n: usize| opening(40 + n, format!("p{n}"), "330681", json!({}));
    (0..40).map(hand).chain((0..locals).map(local)).collect()
}

fn listed(device: &str, outlet: &str) -> (Kind, Vec<Value>) {
    let row = json!({"ts": "2019-01-01T00:00:00Z", "device": device, "outlet": outlet});
    (Kind::Terminal, vec![row])
}

fn at_the_counter(openings: Vec<Value>, more: &[(Kind, Vec<Value>)]) -> (Level, Outcome, String) {
    let kinds = [&[(Kind::Opening, openings)], more].concat();
    told("opening/many-for-one-employer", &kinds, "they came themselves")
}

#[test]
fn hands_at_a_device_that_serves_the_place_came_themselves() {
    let (level, outcome, said) = at_the_counter(hands(Some(3 * MINUTE), 20), &[]);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
}

#[test]
fn faces_of_days_before_did_not() {
    let (level, outcome, said) = at_the_counter(hands(Some(40 * HOUR), 20), &[]);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}

/// Twenty hands at the counter and twenty whose faces are of days before, at a device that serves the place.
#[test]
fn who_came_is_no_evidence_against_the_others() {
    let both = [hands(Some(3 * MINUTE), 20), hands(Some(40 * HOUR), 0)];
    let [mut openings, late] = both;
    openings.splice(20..40, late[20..].iter().cloned());
    let kinds = [(Kind::Opening, openings)];
    let rules = RuleSet::embedded().unwrap().only(&["opening/many-for-one-employer"]);
    let found = detect(&source(&kinds), &rules, &mut |_| {}).unwrap();
    assert_eq!((found.len(), found[0].level), (1, Level::Medium));
    let from = START + 20 * 5 * HOUR;
    assert_eq!(found[0].evidence.total(), 20);
    assert!(found[0].evidence.rows().iter().all(|r| r.ts >= from));
}

/// So many of the forty hands came themselves, and of sixty people of the place.
fn delayed(hands_came: usize, locals_came: usize) -> (Level, Outcome, String) {
    let mut openings = hands(Some(3 * MINUTE), 60);
    let late = |n: usize| time::format(START + n as i64 * 5 * HOUR - 2 * HOUR);
    for (n, row) in openings.iter_mut().enumerate() {
        let came = if n < 40 { n < hands_came } else { n < 40 + locals_came };
        let at = if came { time::format(START + n as i64 * 5 * HOUR - MINUTE) } else { late(n) };
        row["captured_at"] = json!(at);
    }
    at_the_counter(openings, &[])
}

#[test]
fn a_desk_that_is_late_for_everybody_is_late_for_strangers_too() {
    let (level, outcome, said) = delayed(34, 56);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    assert!(said.ends_with("56 of 60 for other people of the place at these devices"), "{said}");
    // The people of the place are all in time, or many more hands are late than they.
    assert_eq!(delayed(34, 60).1, Outcome::NotCheckable);
    assert_eq!(delayed(28, 56).1, Outcome::NotCheckable);
    // Fewer than half are no matter of a desk's ways.
    assert_eq!(delayed(18, 30).1, Outcome::Excluded);
}

#[test]
fn a_device_that_serves_strangers_only_is_not_of_the_place() {
    // Nine of the place are too few, however large a part.
    let (level, outcome, said) = at_the_counter(hands(Some(3 * MINUTE), 9), &[]);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
    let many = hands(Some(3 * MINUTE), 12);
    assert_eq!(
        at_the_counter(many.clone(), &[]).1,
        Outcome::Excluded,
        "twelve of 52 are less than a quarter"
    );
}

#[test]
fn where_there_is_an_asset_list_it_decides() {
    let staff = json!({"ts": "2019-01-01T00:00:00Z", "account": "a1", "outlet": "o1", "role": "agent"});
    let staff = (Kind::Staff, vec![staff]);
    let own = at_the_counter(hands(Some(3 * MINUTE), 0), &[listed("t1", "o1"), staff.clone()]);
    assert_eq!((own.0, own.1), (Level::Informational, Outcome::Supported), "{}", own.2);
    let other = at_the_counter(hands(Some(3 * MINUTE), 20), &[listed("t1", "o9"), staff]);
    assert_eq!((other.0, other.1), (Level::Medium, Outcome::Excluded), "{}", other.2);
}

#[test]
fn without_times_of_capture_nothing_is_said() {
    let (level, outcome, said) = at_the_counter(hands(None, 20), &[]);
    assert_eq!((level, outcome), (Level::Medium, Outcome::NotCheckable), "{said}");
}

/// Cards opened at night by one account, each device serving so many persons.
fn by_night(devices: usize, persons: usize) -> Vec<Value> {
    let opening = |n: usize| {
        json!({"ts": time::format(START + 14 * HOUR + (n as i64 % 7) * 24 * HOUR + n as i64 / 7 * MINUTE), "account": "app",
            "device": format!("u{}", n / persons), "card": format!("c{n}"), "subject": format!("s{n}"),
            "region6": "330681", "outlet": "web"})
    };
    (0..devices * persons).map(opening).collect()
}

fn own_phones(openings: Vec<Value>, holder: Option<&str>) -> (Level, Outcome, String) {
    let staff = json!({"ts": "2019-01-01T00:00:00Z", "account": "app", "outlet": "web", "role": "app",
        "holder": holder});
    let kinds = [(Kind::Opening, openings), (Kind::Staff, vec![staff])];
    told("opening/out-of-hours", &kinds, "customers open in the app")
}

#[test]
fn a_telephone_of_ones_own_serves_one_or_two() {
    for persons in [1, 2] {
        let (level, outcome, said) = own_phones(by_night(120, persons), None);
        assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    }
}

#[test]
fn a_telephone_that_serves_three_is_a_tool() {
    let (level, outcome, said) = own_phones(by_night(120, 3), None);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}

#[test]
fn few_devices_or_a_holder_speak_of_a_person() {
    for (openings, holder) in [(by_night(99, 1), None), (by_night(120, 1), Some("p1"))] {
        let (level, outcome, said) = own_phones(openings, holder);
        assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
    }
}
