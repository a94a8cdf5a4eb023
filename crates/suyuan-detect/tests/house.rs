//! What a large part of a house does is its habit: told for information, but not where one goes far beyond the others.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use suyuan_detect::{RuleSet, detect};
use suyuan_model::outcome::{Level, Outcome};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

const HOUR: i64 = 3_600_000_000;
const START: i64 = 1_577_836_800_000_000;
const OPENINGS: usize = 60;

/// Per account: the finding's level, and what the records say of the habit if it is one. Each account opens as many cards;
/// `shared` of them name one contact of the account's own, the others each another.
fn told(accounts: usize, shared: impl Fn(usize) -> usize) -> BTreeMap<String, (Level, Option<Outcome>)> {
    let mut rows: Vec<Value> = Vec::new();
    for at in 0..OPENINGS {
        for account in 0..accounts {
            let n = rows.len();
            let contact = if at < shared(account) { format!("own{account}") } else { format!("n{n}") };
            rows.push(json!({"ts": time::format(START + at as i64 * 10 * HOUR), "source": "b", "seq": n,
                "card": format!("c{n}"), "account": format!("a{account}"), "subject": format!("s{n}"),
                "region6": "330681", "outlet": format!("o{account}"), "contact": contact}));
        }
    }
    let mut source = MemorySource::default();
    source.push(Kind::Opening, fixture::batch(Kind::Opening, &rows).unwrap());
    let rules = RuleSet::embedded().unwrap().only(&["opening/one-contact-many-persons"]);
    let found = detect(&source, &rules, &mut |_| {}).unwrap();
    let habit = |f: &suyuan_model::outcome::Finding| {
        f.counter.iter().find(|c| c.what.en.starts_with("a habit of the house")).map(|c| c.outcome)
    };
    found.into_iter().map(|f| (f.entity.id.clone(), (f.level, habit(&f)))).collect()
}

#[test]
fn what_a_few_do_is_no_habit() {
    let told = told(30, |account| if account < 3 { 9 } else { 0 });
    assert_eq!(told.len(), 3);
    assert!(told.values().all(|t| *t == (Level::Medium, None)), "{told:?}");
}

#[test]
fn what_a_third_do_is_one_and_who_goes_far_beyond_stands_out() {
    let told = told(30, |account| match account {
        0 => 58,
        1..12 => 9,
        _ => 0,
    });
    assert_eq!(told.len(), 12);
    for (account, t) in &told {
        let want = match account.as_str() {
            "a0" => (Level::Medium, Some(Outcome::Excluded)),
            _ => (Level::Informational, Some(Outcome::Supported)),
        };
        assert_eq!(*t, want, "{account}");
    }
}

#[test]
fn in_a_small_house_the_greatest_is_held_against_the_others() {
    let told = told(12, |account| match account {
        0 => 58,
        1..9 => 9,
        _ => 0,
    });
    assert_eq!(told.len(), 9);
    assert_eq!(told["a0"], (Level::Medium, Some(Outcome::Excluded)));
    assert_eq!(told["a1"], (Level::Informational, Some(Outcome::Supported)));
}

#[test]
fn a_number_that_stands_with_customers_everywhere_is_a_filler() {
    let mut rows: Vec<Value> = Vec::new();
    for n in 0..200usize {
        let contact = if n.is_multiple_of(2) { "hotline".to_owned() } else { format!("n{n}") };
        rows.push(json!({"ts": time::format(START + n as i64 * HOUR), "source": "b", "seq": n, "card": format!("c{n}"),
            "account": "a", "subject": format!("s{n}"), "region6": "330681", "outlet": format!("o{}", n / 2 % 12),
            "contact": contact}));
    }
    let mut source = MemorySource::default();
    source.push(Kind::Opening, fixture::batch(Kind::Opening, &rows).unwrap());
    let rules = RuleSet::embedded().unwrap().only(&["opening/one-contact-many-persons"]);
    let found = detect(&source, &rules, &mut |_| {}).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].level, Level::Informational);
    let filler = found[0].counter.iter().find(|c| c.what.en.starts_with("a hotline")).unwrap();
    assert_eq!(filler.outcome, Outcome::Supported, "{}", filler.detail.en);
}

/// Everybody has one face in four of days before; one account has sixty more on another device, all of them.
#[test]
fn what_its_holder_does_at_the_counter_is_no_evidence_against_one_who_stands_out() {
    let mut rows: Vec<Value> = Vec::new();
    let mut open = |at: usize, account: usize, device: String, late: bool| {
        let (n, ts) = (rows.len(), START + at as i64 * 10 * HOUR + account as i64 * HOUR / 40);
        let captured = ts - if late { 120 * HOUR } else { HOUR / 60 };
        rows.push(json!({"ts": time::format(ts), "source": "b", "seq": n, "card": format!("c{n}"), "device": device,
            "account": format!("a{account}"), "subject": format!("s{n}"), "region6": "330681", "outlet": format!("o{account}"),
            "captured_at": time::format(captured)}));
    };
    for at in 0..OPENINGS {
        (0..30).for_each(|account| open(at, account, format!("t{account}"), at % 4 == 0));
        open(at, 0, "laptop".into(), true);
    }
    let laptop: Vec<i64> = (0..OPENINGS as i64).map(|at| at * 31 + 30).collect();
    let mut source = MemorySource::default();
    source.push(Kind::Opening, fixture::batch(Kind::Opening, &rows).unwrap());
    let rules = RuleSet::embedded().unwrap().only(&["identity/late-capture"]);
    let found = detect(&source, &rules, &mut |_| {}).unwrap();
    let stands: Vec<_> = found.iter().filter(|f| f.level > Level::Informational).collect();
    assert_eq!((found.len(), stands.len(), stands[0].entity.id.as_str()), (30, 1, "a0"));
    let mut evidence: Vec<i64> = stands[0].evidence.rows().iter().map(|r| r.seq).collect();
    evidence.sort_unstable();
    assert_eq!(evidence, laptop);
}
