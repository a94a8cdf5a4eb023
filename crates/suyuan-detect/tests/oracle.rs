//! The windows against a plain slow reading of their definition, and the same findings for any cutting.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use suyuan_detect::trial::HEAD;
use suyuan_detect::{RuleSet, detect};
use suyuan_model::outcome::Finding;
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

/// Read once: reading checks every example.
static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::embedded().unwrap());

fn detection(name: &str, body: &str) -> String {
    format!(
        "name: {name}\nlogsource: {{product: suyuan, service: opening}}\ndetection: {{s: {{{body}}}, condition: s}}\n---\n"
    )
}

fn rule(detections: &str, correlation: &str) -> RuleSet {
    let text =
        format!("{detections}title: t\ndescription: t\nlevel: low\ncorrelation: {{{correlation}}}\n{HEAD}");
    RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), text))).unwrap_or_else(|e| panic!("{e}"))
}

/// A made-up opening: minute, account, device, subject, plan, seconds.
#[derive(Clone, Debug)]
struct Opening {
    minute: i64,
    account: Option<u8>,
    device: Option<u8>,
    subject: Option<u8>,
    plan: u8,
    seconds: Option<i64>,
}

fn opening() -> impl Strategy<Value = Opening> {
    let maybe = |n: u8| prop_oneof![1 => Just(None), 9 => (0..n).prop_map(Some)];
    (
        0i64..240,
        maybe(2),
        maybe(2),
        maybe(5),
        0u8..3,
        prop_oneof![1 => Just(None), 9 => (0i64..50).prop_map(Some)],
    )
        .prop_map(|(minute, account, device, subject, plan, seconds)| Opening {
            minute,
            account,
            device,
            subject,
            plan,
            seconds,
        })
}

fn name(kind: &str, n: Option<u8>) -> Value {
    n.map_or(Value::Null, |n| json!(format!("{kind}{n}")))
}

fn rows(openings: &[Opening]) -> Vec<Value> {
    let at = |o: &Opening| time::format(1_577_836_800_000_000 + o.minute * 60_000_000);
    openings
        .iter()
        .enumerate()
        .map(|(n, o)| {
            json!({"ts": at(o), "seq": n, "card": format!("c{n}"), "account": name("a", o.account),
                "device": name("d", o.device), "subject": name("s", o.subject), "plan": format!("p{}", o.plan),
                "duration_s": o.seconds})
        })
        .collect()
}

fn source(rows: &[Value], cuts: &[usize]) -> MemorySource {
    let mut source = MemorySource::default();
    let mut start = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|c| c % (rows.len() + 1)).chain([rows.len()]).collect();
    ends.sort_unstable();
    for end in ends {
        if end > start {
            source.push(Kind::Opening, fixture::batch(Kind::Opening, &rows[start..end]).unwrap());
            start = end;
        }
    }
    source
}

fn run(rules: &RuleSet, openings: &[Opening]) -> Vec<Finding> {
    detect(&source(&rows(openings), &[]), rules, &mut |_| {}).unwrap()
}

/// Per account: the rows in evidence, the last row at which it fired, the largest value.
type Told = BTreeMap<String, (BTreeSet<i64>, i64, i64)>;

fn told(findings: &[Finding]) -> Told {
    findings
        .iter()
        .map(|f| {
            let rows = f.evidence.rows().iter().map(|r| r.seq).collect();
            (f.entity.id.clone(), (rows, f.last, f.contributions[0].value.parse().unwrap()))
        })
        .collect()
}

/// Openings with their sequence, in the total order.
fn ordered(openings: &[Opening]) -> Vec<(i64, &Opening)> {
    let mut list: Vec<(i64, &Opening)> = openings.iter().enumerate().map(|(n, o)| (n as i64, o)).collect();
    list.sort_by_key(|(n, o)| (o.minute, *n));
    list
}

/// The definition: at each matching row, the rows of its group at or before it and within the window.
fn plain(
    openings: &[Opening],
    minutes: i64,
    counted: impl Fn(&Opening) -> bool,
    value: impl Fn(&[&Opening]) -> i64,
    least: i64,
) -> Told {
    let list = ordered(openings);
    let mut out = Told::new();
    for (i, (_, o)) in list.iter().enumerate() {
        let (Some(a), Some(d)) = (o.account, o.device) else { continue };
        if !counted(o) {
            continue;
        }
        let window: Vec<(i64, &Opening)> = list[..=i]
            .iter()
            .filter(|(_, w)| (w.account, w.device) == (Some(a), Some(d)) && counted(w))
            .filter(|(_, w)| w.minute > o.minute - minutes)
            .copied()
            .collect();
        let n = value(&window.iter().map(|w| w.1).collect::<Vec<_>>());
        if n >= least {
            let e = out.entry(format!("a{a}")).or_insert((BTreeSet::new(), 0, i64::MIN));
            e.0.extend(window.iter().map(|w| w.0));
            e.1 = 1_577_836_800_000_000 + o.minute * 60_000_000;
            e.2 = e.2.max(n);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    #[test]
    fn event_count_is_what_it_says(openings in prop::collection::vec(opening(), 0..60)) {
        let rules = rule(&detection("d", "plan: [p0, p1]"),
            "type: event_count, rules: [d], group-by: [account, device], timespan: 30m, condition: {gte: 3}");
        let want = plain(&openings, 30, |o| o.plan < 2, |w| w.len() as i64, 3);
        prop_assert_eq!(told(&run(&rules, &openings)), want);
    }

    #[test]
    fn value_count_is_what_it_says(openings in prop::collection::vec(opening(), 0..60)) {
        let rules = rule(&detection("d", "plan: [p0, p1]"),
            "type: value_count, rules: [d], group-by: [account, device], timespan: 45m, condition: {field: subject, gte: 3}");
        let distinct = |w: &[&Opening]| w.iter().map(|o| o.subject).collect::<BTreeSet<_>>().len() as i64;
        let want = plain(&openings, 45, |o| o.plan < 2 && o.subject.is_some(), distinct, 3);
        prop_assert_eq!(told(&run(&rules, &openings)), want);
    }

    #[test]
    fn value_sum_is_what_it_says(openings in prop::collection::vec(opening(), 0..60)) {
        let rules = rule(&detection("d", "card|exists: true"),
            "type: value_sum, rules: [d], group-by: [account, device], timespan: 20m, condition: {field: duration_s, gte: 70}");
        let sum = |w: &[&Opening]| w.iter().filter_map(|o| o.seconds).sum::<i64>();
        let want = plain(&openings, 20, |o| o.seconds.is_some(), sum, 70);
        prop_assert_eq!(told(&run(&rules, &openings)), want);
    }

    /// Fires at a row of the last step exactly where some chain ends in it, by trying all chains.
    #[test]
    fn temporal_ordered_is_what_it_says(openings in prop::collection::vec(opening(), 0..50)) {
        let steps = detection("x", "plan: p0") + &detection("y", "plan: p1") + &detection("z", "plan: p2");
        let rules = rule(&steps, "type: temporal_ordered, rules: [x, y, z], group-by: [account, device], timespan: 60m");
        let list = ordered(&openings);
        let same = |a: &Opening, b: &Opening| a.account == b.account && a.device == b.device;
        let mut want: BTreeMap<String, (i64, BTreeSet<i64>)> = BTreeMap::new();
        for k in 0..list.len() {
            let o = list[k].1;
            let (Some(a), Some(_), 2) = (o.account, o.device, o.plan) else { continue };
            let chain = (0..k).any(|i| list[i].1.plan == 0 && same(list[i].1, o) && list[i].1.minute > o.minute - 60
                && (i + 1..k).any(|j| list[j].1.plan == 1 && same(list[j].1, o)));
            if chain {
                let e = want.entry(format!("a{a}")).or_default();
                e.0 = 1_577_836_800_000_000 + o.minute * 60_000_000;
                e.1.insert(list[k].0);
            }
        }
        let got: BTreeMap<String, (i64, BTreeSet<i64>)> = run(&rules, &openings).iter().map(|f| {
            let last = f.evidence.rows().iter().map(|r| r.seq).filter(|s| openings[*s as usize].plan == 2).collect();
            (f.entity.id.clone(), (f.last, last))
        }).collect();
        prop_assert_eq!(got, want);
    }

    /// All rules of the program over the rows of all their examples, cut at random.
    #[test]
    fn findings_do_not_depend_on_the_cutting(cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        let rules = &*RULES;
        let mut by_kind: BTreeMap<Kind, Vec<Value>> = BTreeMap::new();
        for (n, r) in rules.rules().iter().enumerate().filter(|(n, _)| n % 5 == cuts.len() % 5) {
            for (kind, mut row) in r.hits.iter().flat_map(|e| e.rows()) {
                row["source"] = json!(format!("s{n}"));
                row["line"] = row["seq"].clone();
                by_kind.entry(kind).or_default().push(row);
            }
        }
        let (mut one, mut many) = (MemorySource::default(), MemorySource::default());
        for (kind, rows) in &by_kind {
            one.push(*kind, fixture::batch(*kind, rows).unwrap());
            let mut start = 0;
            let mut ends: Vec<usize> = cuts.iter().map(|c| c % (rows.len() + 1)).chain([rows.len()]).collect();
            ends.sort_unstable();
            for end in ends {
                if end > start {
                    many.push(*kind, fixture::batch(*kind, &rows[start..end]).unwrap());
                    start = end;
                }
            }
        }
        let a = detect(&one, rules, &mut |_| {}).unwrap();
        let b = detect(&many, rules, &mut |_| {}).unwrap();
        prop_assert!(!a.is_empty());
        prop_assert!(a == b, "{} and {} findings", a.len(), b.len());
    }
}
