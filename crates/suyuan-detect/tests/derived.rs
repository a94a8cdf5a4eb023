//! Derived fields against a plain slow reading of what they promise.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use suyuan_detect::{RuleSet, alerts, detect};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const START: i64 = 1_577_836_800_000_000;

/// A rule that fires on each opening for which `body` holds; what it is about is the card.
fn rule(body: &str, derive: &str) -> RuleSet {
    let text = format!(
        "title: t\ndescription: t\nlevel: low\nlogsource: {{product: suyuan, service: opening}}\n\
         detection: {{s: {{{body}}}, condition: s}}\nsuyuan:\n  scheme: S14\n  title_zh: 试\n  description_zh: 试\n  \
         family: use\n  confidence: engineering\n  threshold_from: {{en: t, zh: 试}}\n  entity: {{card: card}}\n  \
         derive: [{derive}]\n  clears: {{en: x, zh: x}}\n  cannot_tell: {{en: x, zh: x}}\n  \
         hit: [{{record: opening, ts: '2020-01-01T00:00:00Z', card: c}}]\n  \
         miss: [{{record: opening, ts: '2020-01-01T00:00:00Z', card: c}}]\n"
    );
    RuleSet::load_dir(std::iter::once(("t/t.yml".to_owned(), text))).unwrap()
}

fn at(hours: i64) -> String {
    time::format(START + hours * HOUR)
}

/// The cards about which the rule speaks.
fn fired(rules: &RuleSet, rows: &[(Kind, Vec<Value>)]) -> BTreeSet<String> {
    let mut source = MemorySource::default();
    for (kind, list) in rows.iter().filter(|r| !r.1.is_empty()) {
        source.push(*kind, fixture::batch(*kind, list).unwrap());
    }
    detect(&source, rules, &mut |_| {}).unwrap().into_iter().map(|f| f.entity.id).collect()
}

fn opening(n: usize, hours: i64, account: u8, subject: u8) -> Value {
    json!({"ts": at(hours), "source": "b", "seq": n, "card": format!("c{n}"), "account": format!("a{account}"),
        "subject": format!("s{subject}"), "region6": "330681"})
}

proptest! {
    /// `lookup`: an order about the person that holds at the opening's time.
    #[test]
    fn a_lookup_is_a_dated_join(
        orders in prop::collection::vec((0i64..200, 1i64..60, 0u8..4, any::<bool>()), 0..12),
        asked in prop::collection::vec((0i64..260, 0u8..4), 1..12),
    ) {
        let rules = rule(
            "found: true",
            "lookup: {record: work_order, on: 'subject=subject', where: 'kind=visit|call', before: 1h, after: 2h}",
        );
        let mut w: Vec<_> = orders.iter().enumerate().map(|(n, (from, lasts, s, visit))| json!({
            "ts": at(*from), "source": "a", "seq": n, "order": format!("w{n}"), "subject": format!("s{s}"),
            "kind": if *visit { "visit" } else { "legal" }, "valid_from": at(*from), "valid_to": at(from + lasts),
        })).collect();
        w.sort_by_key(|r| r["ts"].as_str().unwrap().to_owned());
        let mut o: Vec<_> = asked.clone();
        o.sort_unstable();
        let rows: Vec<Value> = o.iter().enumerate().map(|(n, (h, s))| opening(n, *h, 0, *s)).collect();
        let want: BTreeSet<String> = o.iter().enumerate().filter(|(_, (h, s))| {
            // Known by then: sources are in order, so an order of the same hour comes first.
            orders.iter().any(|(from, lasts, subject, visit)| {
                *visit && subject == s && from <= h && *h < from + lasts + 2
            })
        }).map(|(n, _)| format!("c{n}")).collect();
        prop_assert_eq!(fired(&rules, &[(Kind::WorkOrder, w), (Kind::Opening, rows)]), want);
    }

    /// `since_last`: days since the account last opened a card, unknown beyond the span.
    #[test]
    fn since_last_counts_from_the_latest(asked in prop::collection::vec((0i64..2000, 0u8..3), 1..20)) {
        let rules = rule("last_d|gte: 3", "since_last: {record: opening, on: 'account=account', within: 20d, as: last}");
        let mut o = asked.clone();
        o.sort_unstable();
        let rows: Vec<Value> = o.iter().enumerate().map(|(n, (h, a))| opening(n, *h, *a, 0)).collect();
        let want: BTreeSet<String> = (0..o.len()).filter(|n| {
            let last = o[..*n].iter().filter(|x| x.1 == o[*n].1).map(|x| x.0).max();
            last.is_some_and(|l| (o[*n].0 - l) * HOUR <= 20 * DAY && (o[*n].0 - l) / 24 >= 3)
        }).map(|n| format!("c{n}")).collect();
        prop_assert_eq!(fired(&rules, &[(Kind::Opening, rows)]), want);
    }

    /// `idle_cards`: the account's cards of ten days, two days old or older, without use so far.
    #[test]
    fn idle_cards_are_those_without_use(
        asked in prop::collection::vec((1i64..500, 0u8..3, prop::option::of(0i64..200)), 1..25),
    ) {
        let rules = rule("idle|gte: 2", "idle_cards: {over: 10d, after: 2d}");
        let mut o = asked.clone();
        o.sort_unstable();
        let rows: Vec<Value> = o.iter().enumerate().map(|(n, (h, a, _))| opening(n, *h, *a, 0)).collect();
        // Some use at the very beginning, so that the records are known to hold use.
        let mut uses = vec![(0, "other".to_owned())];
        uses.extend(o.iter().enumerate().filter_map(|(n, x)| Some((x.0 + 1 + x.2?, format!("c{n}")))));
        uses.sort();
        let u: Vec<Value> = uses.iter().enumerate().map(|(n, (h, c))| json!({
            "ts": at(*h), "source": "a", "seq": n, "card": c, "day": "2020-01-01",
        })).collect();
        let want: BTreeSet<String> = (0..o.len()).filter(|n| {
            let now = o[*n].0;
            let idle = o[..*n].iter().filter(|x| {
                let used = x.2.is_some_and(|d| x.0 + 1 + d <= now);
                x.1 == o[*n].1 && (48..=240).contains(&(now - x.0)) && !used
            });
            idle.count() >= 2
        }).map(|n| format!("c{n}")).collect();
        prop_assert_eq!(fired(&rules, &[(Kind::Usage, u.clone()), (Kind::Opening, rows.clone())]), want);
        // What it cites: the openings of the cards that lay idle; of a finding the row at which it fired stands apart.
        let idle = |n: usize| -> Vec<usize> {
            let now = o[n].0;
            (0..n).filter(|m| {
                let x = &o[*m];
                let used = x.2.is_some_and(|d| x.0 + 1 + d <= now);
                x.1 == o[n].1 && (48..=240).contains(&(now - x.0)) && !used
            }).collect()
        };
        let mut source = MemorySource::default();
        source.push(Kind::Usage, fixture::batch(Kind::Usage, &u).unwrap());
        source.push(Kind::Opening, fixture::batch(Kind::Opening, &rows).unwrap());
        for f in detect(&source, &rules, &mut |_| {}).unwrap() {
            let n: usize = f.entity.id[1..].parse().unwrap();
            let cited: Vec<usize> = f.evidence.rows().iter().map(|r| r.seq as usize).collect();
            prop_assert_eq!(&cited, &idle(n));
            prop_assert_eq!(f.trigger.map(|r| r.seq as usize), Some(n));
        }
        for a in alerts(&source, &rules, &mut |_| {}).unwrap() {
            let n = a.trigger.seq as usize;
            let rows: Vec<usize> = a.rows.iter().map(|r| r.seq as usize).collect();
            prop_assert_eq!(rows, [idle(n), vec![n]].concat());
        }
    }
}

/// A rule that fires on each row of use for which `body` holds; what it is about is the card.
fn rule_of_use(body: &str) -> RuleSet {
    let text = format!(
        "title: t\ndescription: t\nlevel: low\nlogsource: {{product: suyuan, service: usage}}\n\
         detection: {{s: {{{body}}}, condition: s}}\nsuyuan:\n  scheme: G02\n  title_zh: 试\n  description_zh: 试\n  \
         family: use\n  confidence: engineering\n  threshold_from: {{en: t, zh: 试}}\n  entity: {{card: card}}\n  \
         derive: [codes_at_opening]\n  clears: {{en: x, zh: x}}\n  cannot_tell: {{en: x, zh: x}}\n  \
         hit: [{{record: usage, ts: '2020-01-01T00:00:00Z', card: c}}]\n  \
         miss: [{{record: usage, ts: '2020-01-01T00:00:00Z', card: c}}]\n"
    );
    RuleSet::load_dir(std::iter::once(("t/t.yml".to_owned(), text))).unwrap()
}

proptest! {
    /// `codes_at_opening`: cards of the account with five senders on the very day within 30 days; none under an order.
    #[test]
    fn codes_count_on_the_day_of_the_opening(
        cards in prop::collection::vec((0i64..50, 0u8..3, any::<bool>(), 0i64..2, 0i64..10), 1..25),
        least in 1usize..5,
    ) {
        let mut sorted = cards.clone();
        sorted.sort_by_key(|c| c.0);
        let rules = rule_of_use(&format!("codes_first_day: true, 'codes_30d|gte': {least}"));
        let opened: Vec<Value> = sorted.iter().enumerate().map(|(n, (day, account, order, ..))| {
            let mut row = opening(n, day * 24 + 2, *account, n as u8);
            if *order { row["order"] = json!("w1"); }
            row
        }).collect();
        let mut used: Vec<(i64, Value)> = sorted.iter().enumerate().map(|(n, (day, _, _, late, senders))| {
            let hour = (day + late) * 24 + 8;
            (hour, json!({"ts": at(hour), "source": "u", "seq": n, "card": format!("c{n}"), "otp_senders": senders}))
        }).collect();
        used.sort_by_key(|u| u.0);
        let counts = |c: &(i64, u8, bool, i64, i64)| !c.2 && c.3 == 0 && c.4 >= 5;
        let want: BTreeSet<String> = (0..sorted.len()).filter(|&n| {
            let (day, account, ..) = sorted[n];
            let before = (0..=n).filter(|&m| {
                let c = &sorted[m];
                c.1 == account && counts(c) && c.0 > day - 30 && c.0 <= day
            }).count();
            counts(&sorted[n]) && before >= least
        }).map(|n| format!("c{n}")).collect();
        let rows = vec![(Kind::Opening, opened), (Kind::Usage, used.into_iter().map(|u| u.1).collect())];
        prop_assert_eq!(fired(&rules, &rows), want);
    }
}
