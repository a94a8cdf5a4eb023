//! Plain slow versions beside the fast ones: metrics by counting pairs, contributions by all orders.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use suyuan_score::calibrate::{Platt, probability};
use suyuan_score::metrics;
use suyuan_score::tree::{LEAF, Node, Tree};

fn pairs(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let (mut won, mut all) = (0.0, 0.0);
    for (s, _) in scores.iter().zip(labels).filter(|(_, l)| **l) {
        for (t, _) in scores.iter().zip(labels).filter(|(_, l)| !**l) {
            all += 1.0;
            won += if s > t { 1.0 } else { f64::from(u8::from(s == t)) / 2.0 };
        }
    }
    (all > 0.0).then(|| won / all)
}

fn node(feature: u32, left: u32, value: f64, cover: f64) -> Node {
    Node { feature, threshold: 0.5, missing_left: false, left, value, cover }
}

/// Three features, one asked twice.
fn tree(values: [f64; 4], cover: [f64; 4]) -> Tree {
    let [a, b, c, d] = cover;
    let mean = |i: usize, j: usize| (values[i] * cover[i] + values[j] * cover[j]) / (cover[i] + cover[j]);
    let (bc, bcd) = (mean(1, 2), b + c + d);
    let right = (bc * (b + c) + values[3] * d) / bcd;
    let mut second = node(0, 5, bc, b + c);
    second.threshold = 0.8;
    Tree {
        nodes: vec![
            node(0, 1, (values[0] * a + right * bcd) / (a + bcd), a + bcd),
            node(LEAF, 0, values[0], a),
            node(1, 3, right, bcd),
            second,
            node(LEAF, 0, values[3], d),
            node(LEAF, 0, values[1], b),
            node(LEAF, 0, values[2], c),
        ],
    }
}

/// The mean value when only the features of `known` are known.
fn expected(tree: &Tree, at: u32, x: &[f64], known: u32) -> f64 {
    let n = tree.nodes[at as usize];
    if n.feature == LEAF {
        return n.value;
    }
    let sides = [n.left, n.left + 1];
    if known >> n.feature & 1 == 1 {
        return expected(tree, sides[usize::from(x[n.feature as usize] > n.threshold)], x, known);
    }
    sides.iter().map(|s| expected(tree, *s, x, known) * tree.nodes[*s as usize].cover / n.cover).sum()
}

/// Shapley values by every order of three features.
fn shapley(tree: &Tree, x: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; 3];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut known = 0;
        for f in order {
            let before = expected(tree, 0, x, known);
            known |= 1 << f;
            sums[f] += (expected(tree, 0, x, known) - before) / 6.0;
        }
    }
    sums
}

proptest! {
    #[test]
    fn auc_counts_pairs(rows in prop::collection::vec((0u8..6, any::<bool>()), 0..40)) {
        let (s, l): (Vec<f64>, Vec<bool>) = rows.into_iter().map(|(s, l)| (f64::from(s), l)).unzip();
        match (metrics::auc(&s, &l), pairs(&s, &l)) {
            (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12),
            (a, b) => prop_assert_eq!(a, b),
        }
    }

    #[test]
    fn contributions_are_shapley_values(
        values in prop::array::uniform4(-2.0..2.0f64), cover in prop::array::uniform4(1u8..50),
        x in prop::array::uniform3(0.0..1.0f64)
    ) {
        let tree = tree(values, cover.map(f64::from));
        let mut got = vec![0.0; 3];
        tree.contribute(&|f| x[f as usize], 1.0, &mut got);
        for (a, b) in got.iter().zip(shapley(&tree, &x)) {
            prop_assert!((a - b).abs() < 1e-9, "{got:?}");
        }
        let sum = tree.nodes[0].value + got.iter().sum::<f64>();
        prop_assert!((sum - tree.value(&|f| x[f as usize])).abs() < 1e-9);
    }

    #[test]
    fn calibration_keeps_the_order_and_the_base_rate(
        rows in prop::collection::vec((-4.0..4.0f64, any::<bool>()), 20..80)
    ) {
        let (raw, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let m = Platt::fit(&raw, &labels);
        prop_assert!(m.slope > 0.0);
        let said: f64 = raw.iter().map(|r| probability(m.log_odds(*r))).sum();
        let found = labels.iter().filter(|l| **l).count() as f64;
        if m.slope > 1e-3 {
            prop_assert!((said - found).abs() < 1.0, "{said} {found}");
        }
    }
}

#[test]
fn figures_by_hand() {
    let (s, l) = ([0.9, 0.8, 0.7, 0.1], [true, false, true, false]);
    assert!((metrics::average_precision(&s, &l).unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    assert!((metrics::brier(&s, &l) - (0.01 + 0.64 + 0.09 + 0.01) / 4.0).abs() < 1e-12);
    assert!((metrics::macro_f1(&s, &l, 0.5) - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    let (low, high) = metrics::wilson(8, 10);
    assert!((low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3);
}
