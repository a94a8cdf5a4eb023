//! Every rule fires on its hits and not on its misses.
#![allow(clippy::unwrap_used)]

use suyuan_detect::{RuleSet, detect};

#[test]
fn every_rule_does_what_its_examples_say() {
    let rules = RuleSet::embedded().unwrap_or_else(|e| panic!("{e}"));
    let mut wrong = Vec::new();
    for rule in rules.rules() {
        let only = rules.only(&[&rule.id]);
        for (n, example) in rule.hits.iter().enumerate() {
            if detect(&example.source(), &only, &mut |_| {}).unwrap().is_empty() {
                wrong.push(format!("{}: hit {} does not fire", rule.id, n + 1));
            }
        }
        for (n, example) in rule.misses.iter().enumerate() {
            for f in detect(&example.source(), &only, &mut |_| {}).unwrap() {
                wrong.push(format!("{}: miss {} fires about {}", rule.id, n + 1, f.entity));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
