//! Detectors of card use against plain slow readings of what they promise.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use suyuan_detect::{RuleSet, detect};
use suyuan_model::outcome::{EntityKind, Finding, Level};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

const DAY0: i64 = 18_300;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::embedded().unwrap());

fn rules(id: &str) -> RuleSet {
    RULES.only(&[id])
}

fn run(rule: &str, openings: &[Value], usage: &[Value]) -> Vec<Finding> {
    let mut s = MemorySource::default();
    if !openings.is_empty() {
        s.push(Kind::Opening, fixture::batch(Kind::Opening, openings).unwrap());
    }
    s.push(Kind::Usage, fixture::batch(Kind::Usage, usage).unwrap());
    detect(&s, &rules(rule), &mut |_| {}).unwrap()
}

/// A row of use: card and device by number, day from the first.
fn used(seq: usize, card: usize, device: usize, day: i64, more: Value) -> Value {
    let day = time::format_day(DAY0 + day);
    let mut row = json!({"ts": format!("{day}T23:00:00+08:00"), "seq": seq as i64 + 1, "day": day, "card": format!("c{card}"),
        "imei": format!("{:015}", 860_000_000_000_000u64 + device as u64 * 1_000_000), "calls_out": 3, "calls_in": 2});
    for (k, v) in more.as_object().unwrap() {
        row[k] = v.clone();
    }
    row
}

fn cards_of(f: &Finding) -> BTreeSet<String> {
    f.involved.iter().filter(|e| e.kind == EntityKind::Card).map(|e| e.id.clone()).collect()
}

/// The plain reading of a pool: who lives in a device at the end of some day, over all days.
fn pools(rows: &[(usize, usize, i64)]) -> BTreeMap<usize, BTreeSet<usize>> {
    const SPAN: i64 = 30;
    let mut out: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let days: BTreeSet<i64> = rows.iter().map(|r| r.2).collect();
    // Days of a card in a device, and of a card at all, since its latest silence of more than the span.
    let since = |days: &[i64]| {
        let mut n = 0usize;
        for (i, d) in days.iter().enumerate() {
            n = if i > 0 && d - days[i - 1] > SPAN { 1 } else { n + 1 };
        }
        n
    };
    for today in days {
        let seen: Vec<_> = rows.iter().filter(|r| r.2 <= today).copied().collect();
        let of = |keep: &dyn Fn(&(usize, usize, i64)) -> bool| -> Vec<i64> {
            seen.iter().filter(|r| keep(r)).map(|r| r.2).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let devices: BTreeSet<usize> = seen.iter().filter(|r| r.2 == today).map(|r| r.1).collect();
        for d in devices {
            let cards: BTreeSet<usize> =
                seen.iter().filter(|r| r.1 == d && r.2 >= today - SPAN).map(|r| r.0).collect();
            if cards.len() < 5 {
                continue;
            }
            let lives = |c: &usize| {
                let here = since(&of(&|r| r.0 == *c && r.1 == d));
                let all = since(&of(&|r| r.0 == *c));
                // Days, of those counted, that the card began in a device that was a pool by then.
                let days = of(&|r| r.0 == *c);
                let pooled =
                    days[days.len() - all..].iter().filter(|day| began_in_pool(rows, *c, **day)).count();
                (here * 2 >= all && here >= 2) || (pooled * 2 >= all && (here >= 2 || pooled >= 2))
            };
            let living: BTreeSet<usize> = cards.iter().copied().filter(lives).collect();
            if living.len() >= 5 {
                out.entry(d).or_default().extend(living);
            }
        }
    }
    out
}

/// Whether the device of a card's first row of a day had been used by five cards within the span, that row counted.
fn began_in_pool(rows: &[(usize, usize, i64)], card: usize, day: i64) -> bool {
    let Some(at) = rows.iter().position(|r| r.0 == card && r.2 == day) else { return false };
    let device = rows[at].1;
    let before = rows[..=at].iter().filter(|r| r.1 == device && r.2 >= day - 30);
    before.map(|r| r.0).collect::<BTreeSet<_>>().len() >= 5
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Cards that keep to one device each (so that no card is in two pools): the pools are those of the plain reading.
    #[test]
    fn pools_are_what_they_say(raw in proptest::collection::vec((0usize..24, 0i64..70, 0u8..12), 100..350)) {
        // A card's own device is its number by eight; now and then it lies in a bench phone of which nobody keeps to.
        let mut rows: Vec<(usize, usize, i64)> = raw.iter().map(|(c, day, odd)| (*c, if *odd == 0 { 90 + *day as usize } else { c / 8 }, *day)).collect();
        rows.sort_by_key(|r| (r.2, r.0, r.1));
        rows.dedup();
        let json: Vec<Value> = rows.iter().enumerate().map(|(n, r)| used(n, r.0, r.1, r.2, json!({}))).collect();
        let found = run("use/device-pool", &[], &json);
        let mut got: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for f in &found {
            let d = (f.entity.id.parse::<u64>().unwrap() - 860_000_000_000_000) / 1_000_000;
            got.entry(d as usize).or_default().extend(cards_of(f));
        }
        let want: BTreeMap<usize, BTreeSet<String>> =
            pools(&rows).into_iter().map(|(d, c)| (d, c.iter().map(|c| format!("c{c}")).collect())).collect();
        prop_assert_eq!(got, want);
    }
}

/// A bench phone in which a hundred cards spend a day each is no pool; nor is one number in many cities more than low.
#[test]
fn a_repair_shop_and_a_shared_number() {
    let mut rows = Vec::new();
    for card in 0..100usize {
        for day in 0..20 {
            let device = if day == card as i64 % 20 { 999 } else { card };
            rows.push(used(rows.len(), card, device, day, json!({"main_region6": "330681"})));
        }
    }
    assert!(run("use/device-pool", &[], &rows).is_empty());
    let cities = ["330681", "310115", "320583", "440305", "110108", "510104"];
    let rows: Vec<Value> =
        (0..60).map(|n| used(n, n % 6, 7, n as i64 / 6, json!({"main_region6": cities[n % 6]}))).collect();
    let found = run("use/device-pool", &[], &rows);
    assert!(!found.is_empty() && found.iter().all(|f| f.level <= Level::Low), "{found:?}");
}

/// A card that is only in the same cell as a farm is not part of it.
#[test]
fn neighbours_of_a_farm_are_not_named() {
    let mut rows = Vec::new();
    for day in 0..6 {
        for card in 0..400 {
            let cell = if card < 30 { "farm".to_owned() } else { format!("x{}", card % 90) };
            rows.push(used(rows.len(), card, card, day, json!({"main_cell": cell, "otp_senders": 1})));
        }
        for card in 900..906 {
            let codes = json!({"main_cell": "farm", "otp_senders": 30, "calls_out": 0, "calls_in": 0});
            rows.push(used(rows.len(), card, 950, day, codes));
        }
    }
    let found = run("use/code-farm", &[], &rows);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].entity.id, "farm");
    let want: BTreeSet<String> = (900..906).map(|c| format!("c{c}")).collect();
    assert_eq!(cards_of(&found[0]), want);
}

/// Of an outlet's 60 new cards 12 are used in one far county; so are `neighbours` of the 300 that each of two others in the same
/// county opened. Elsewhere nobody goes there.
fn moved_away(neighbours: usize) -> Vec<Finding> {
    let opening = |card: usize, outlet: &str, region: &str| {
        let ts = format!("{}T10:00:00+08:00", time::format_day(DAY0));
        json!({"ts": ts, "seq": card as i64 + 1, "card": format!("c{card}"), "subject": format!("s{card}"),
            "account": format!("a-{outlet}"), "outlet": outlet, "region6": region})
    };
    let (mut openings, mut usage) = (Vec::new(), Vec::new());
    for card in 0..2_660 {
        let (outlet, home, away) = match card {
            0..60 => ("o1".to_owned(), "310115", card < 12),
            60..660 => (format!("o{}", 2 + card % 2), "310115", card < 60 + 2 * neighbours),
            _ => (format!("p{}", card % 20), "320583", false),
        };
        openings.push(opening(card, &outlet, home));
        let at = if away { "440305" } else { home };
        usage.push(used(card, card, card, 3, json!({"main_region6": at})));
    }
    run("use/outlet-cards-in-one-far-place", &openings, &usage)
}

#[test]
fn where_many_go_from_one_county_to_another_no_outlet_stands_out() {
    let of = |found: Vec<Finding>| found.into_iter().map(|f| f.entity.id).collect::<BTreeSet<_>>();
    assert_eq!(of(moved_away(0)), BTreeSet::from(["o1".to_owned()]));
    // One in ten of the county's cards: twelve of sixty are chance among so many outlets.
    assert_eq!(of(moved_away(30)), BTreeSet::new());
}
