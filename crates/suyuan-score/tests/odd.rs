//! The score without labels: what holds of it, and a plain oracle.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use suyuan_score::unsupervised::{Baseline, Signal, of_usage};
use suyuan_score::{Options, Table, train};

fn table(columns: Vec<(&str, Vec<f64>)>) -> Table {
    let rows = columns[0].1.len();
    Table {
        names: columns.iter().map(|c| c.0.to_owned()).collect(),
        columns: columns.into_iter().map(|c| c.1).collect(),
        ids: (0..rows).map(|i| i.to_string()).collect(),
        labels: vec![None; rows],
        times: vec![None; rows],
    }
}

fn signals(texts: &[&str]) -> Vec<Signal> {
    texts.iter().map(|t| Signal::parse(t).unwrap()).collect()
}

#[test]
fn a_card_that_calls_strangers_one_way_stands_out() {
    let n = 200;
    let calls: Vec<f64> = (0..n).map(|i| 50.0 + f64::from(i % 7)).collect();
    let mut peers: Vec<f64> =
        calls.iter().enumerate().map(|(i, c)| c * (0.1 + (i % 11) as f64 / 40.0)).collect();
    let mut out: Vec<f64> =
        calls.iter().enumerate().map(|(i, c)| c * (0.3 + (i % 13) as f64 / 40.0)).collect();
    (peers[17], out[17]) = (calls[17], calls[17]);
    let t = table(vec![("calls", calls), ("peers", peers), ("calls_out", out)]);
    let s = signals(&["strangers=peers/calls", "one_way=calls_out/calls"]);
    let odd = Baseline::of(&t, &s).unwrap().score(&t).unwrap();
    assert!(odd.iter().enumerate().all(|(i, o)| i == 17 || o.score < odd[17].score));
    assert!(odd[17].share < 0.011, "{:?}", odd[17]);
    let mean: f64 = odd.iter().map(|o| o.score).sum::<f64>() / n as f64;
    assert!((mean - 2.0).abs() < 0.1, "each signal adds 1 by chance: {mean}");
}

#[test]
fn what_is_not_known_counts_as_chance() {
    let t = table(vec![("a", vec![1.0, 2.0, f64::NAN])]);
    let odd = Baseline::of(&t, &signals(&["x=a"])).unwrap().score(&t).unwrap();
    assert_eq!(odd[2].surprises, [1.0]);
    let less = Baseline::of(&t, &signals(&["x=-a"])).unwrap().score(&t).unwrap();
    assert!(less[0].score > less[1].score, "a minus turns the direction");
}

#[test]
fn a_signal_is_read_or_refused() {
    let s = Signal::parse("x=-a/b").unwrap();
    assert_eq!((s.name.as_str(), s.above.as_str(), s.below.as_deref(), s.more), ("x", "a", Some("b"), false));
    for bad in ["x", "=a", "x=", "x=a/", "x=-"] {
        assert!(Signal::parse(bad).unwrap_err().text().zh.contains("不是信号"), "{bad}");
    }
    let t = table(vec![("a", vec![1.0])]);
    let e = Baseline::of(&t, &signals(&["x=b"])).unwrap_err();
    assert!(e.to_string().contains("no column `b`"));
    assert_eq!(of_usage().len(), 8);
}

#[test]
fn signals_become_features_of_a_model_and_come_back_with_it() {
    let n = 400;
    let a: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % 101)).collect();
    let b: Vec<f64> = (0..n).map(|i| f64::from(i * 104_729 % 97)).collect();
    let mut t = table(vec![("a", a.clone()), ("b", b.clone())]);
    t.labels = a.iter().zip(&b).map(|(a, b)| Some(a / (b + 1.0) > 1.5)).collect();
    let mut o = Options { signals: signals(&["s=a/b"]), ratios: signals(&["r=b/a"]), ..Options::default() };
    o.params.trees = 20;
    let model = train(&t, None, &o).unwrap();
    let names: Vec<String> = model.columns().into_iter().map(|c| c.en).collect();
    assert_eq!(names, ["a", "b", "s", "r", "oddness of use (sum of the signals' surprises)"]);
    assert!(model.head.cross_fit.auc.unwrap() > 0.97);
    let back = suyuan_score::Model::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(back.log_odds(&t, None), model.log_odds(&t, None));
    let (check, _) = back.check(&t, None).unwrap();
    assert_eq!(check.drift.len(), 6, "the made features and the score are watched as well");
}

/// `-ln` of the share at least as odd, straight from the definition.
fn plain(v: f64, base: &[f64]) -> f64 {
    let above = base.iter().filter(|b| **b > v).count() as f64;
    let same = base.iter().filter(|b| **b == v).count() as f64;
    -((above + same / 2.0).max(0.5) / base.len() as f64).ln()
}

proptest! {
    #[test]
    fn the_score_agrees_with_its_definition_and_never_falls_when_odder(
        base in prop::collection::vec(0u8..20, 1..60), cards in prop::collection::vec((0u8..25, 0u8..25), 1..20)
    ) {
        let base: Vec<f64> = base.into_iter().map(f64::from).collect();
        let b = Baseline::of(&table(vec![("a", base.clone())]), &signals(&["x=a"])).unwrap();
        for (v, w) in cards {
            let (v, w) = (f64::from(v.min(w)), f64::from(v.max(w)));
            let two = b.score(&table(vec![("a", vec![v, w])])).unwrap();
            prop_assert!((two[0].score - plain(v, &base)).abs() < 1e-12);
            prop_assert!(two[0].score <= two[1].score && two[0].share >= two[1].share);
            // Who else is scored does not matter.
            prop_assert_eq!(&b.score(&table(vec![("a", vec![w])])).unwrap()[0], &two[1]);
        }
    }
}
