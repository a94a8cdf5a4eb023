//! What people see: a finding of each rule in miniature, and what a faulty rule is told.
#![allow(clippy::unwrap_used)]

use suyuan_detect::{DetectError, RuleSet, detect};

/// One line a finding: rule, level, whom, rows, values against thresholds, other explanations, base rate.
#[test]
fn each_rule_in_miniature() {
    let rules = RuleSet::embedded().unwrap();
    let mut out = String::new();
    for rule in rules.rules() {
        for f in detect(&rule.hits[0].source(), &rules.only(&[&rule.id]), &mut |_| {}).unwrap() {
            let values: Vec<String> = f
                .contributions
                .iter()
                .map(|c| {
                    let nats = if c.nats > 0.0 { format!(" {:.1} nats", c.nats) } else { String::new() };
                    format!("{} = {} ({}){nats}", c.what.en, c.value, c.threshold.as_deref().unwrap_or("-"))
                })
                .collect();
            let counter: Vec<String> = f.counter.iter().map(|c| format!("{:?}", c.outcome)).collect();
            out += &format!(
                "{} [{}] {:?} {}: {} rows; {}; {}; {}/{}; with {}\n",
                f.rule,
                f.scheme,
                f.level,
                f.entity,
                f.evidence.total(),
                values.join(", "),
                counter.join(" "),
                f.base_rate.hits,
                f.base_rate.of,
                f.involved.iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join(", "),
            );
        }
    }
    insta::assert_snapshot!(out);
}

const RULE: &str = include_str!("../../../rules/location/declared-against-cell.yml");

fn told(text: &str) -> (String, String) {
    match RuleSet::load_dir(std::iter::once(("r.yml".to_owned(), text.to_owned()))) {
        Err(DetectError::Rules(faults)) => (faults[0].to_string(), faults[0].zh()),
        other => panic!("it loads: {}", other.is_ok()),
    }
}

#[test]
fn faults_are_told_with_place_and_remedy() {
    let change = |from: &str, to: &str| {
        assert!(RULE.contains(from), "{from}");
        told(&RULE.replacen(from, to, 1))
    };
    let list = [
        change("declared_other_province: true", "declared_other_provinz: true"),
        change("declared_other_province: true", "declared_other_province|gt: 3"),
        change("declared_other_province: true", "gps_source: manuel"),
        change("declared_other_province: true", "region6|beginswith: '33'"),
        change("declared_other_province: true", "captured_at|gt: yesterday"),
        change("service: opening", "service: openings"),
        change("condition: selection and not filter_permit", "condition: selektion and not filter_permit"),
        change("condition: selection and not filter_permit", "condition: selection and (not filter_permit"),
        change("type: event_count", "type: event_counts"),
        change("timespan: 30d", "timespan: 30 days"),
        change("group-by: [account]", "group-by: [lat]"),
        change("- permit: {decisive: true}", "- permits"),
        change("family: location", "family: place"),
        change("derive: [places, order_for]", "derive: [place, order_for]"),
        change("entity: {account: account}", "entity: {acount: account}"),
        change("card: 'c{n}'", "crad: 'c{n}'"),
        change("  hit:", "  hits:"),
        change("suyuan:", "suyuan: &x\n  <<: *x"),
    ];
    let out: Vec<String> = list.iter().map(|(en, zh)| format!("{en}\n{zh}")).collect();
    insta::assert_snapshot!(out.join("\n\n"));
}

/// A rule without both examples does not load.
#[test]
fn examples_are_needed() {
    let cut = RULE.find("  miss:").unwrap();
    assert!(told(&RULE[..cut]).0.contains("no `miss` example"));
}
