//! How right a ranking, a list and the probabilities were; the only place that reads the truth.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use suyuan_trace::attribute::{Limits, Scored};

use crate::peers::Peer;
use crate::world::World;

/// Average precision of accounts ranked by score.
pub fn average_precision(w: &World, score: &[f64]) -> f64 {
    ranking(w, score).0
}

/// Average precision, and the largest recall at a precision of .9 or more.
fn ranking(w: &World, score: &[f64]) -> (f64, f64) {
    let mut by: BTreeMap<u32, f64> = BTreeMap::new();
    for (c, s) in score.iter().enumerate() {
        let slot = by.entry(w.account(c as u32)).or_insert(f64::NEG_INFINITY);
        *slot = s.max(*slot);
    }
    let guilty: BTreeSet<u32> = w.leaks.iter().flat_map(|l| l.accounts.iter().copied()).collect();
    let mut order: Vec<(u32, f64)> = by.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (mut hits, mut sum, mut recall) = (0.0, 0.0, 0.0f64);
    for (i, (a, s)) in order.iter().enumerate() {
        if *s > f64::NEG_INFINITY && guilty.contains(a) {
            hits += 1.0;
            let precision = hits / (i + 1) as f64;
            sum += precision;
            if precision >= 0.9 {
                recall = recall.max(hits);
            }
        }
    }
    let n = guilty.len().max(1) as f64;
    (sum / n, recall / n)
}

/// Listed accounts: how many, and how many of them leaked.
fn precision(w: &World, listed: &BTreeSet<u32>) -> (usize, usize) {
    let guilty = w.guilty();
    (listed.len(), listed.iter().filter(|a| guilty.contains(a)).count())
}

/// Shared days of two windows as a part of the days of either.
fn overlap(a: (f64, f64), b: (f64, f64)) -> f64 {
    let both = (a.1.min(b.1) - a.0.max(b.0)).max(0.0);
    both / (a.1 - a.0 + b.1 - b.0 - both).max(1e-9)
}

/// Whether the 90 % limits of start and end hold the truth; nothing where a limit is at the border.
fn covers(l: &Limits, truth: (f64, f64)) -> [Option<bool>; 2] {
    let holds = |(a, b): (Option<f64>, Option<f64>), x: f64| {
        (a.is_some() || b.is_some()).then(|| a.is_none_or(|a| a <= x) && b.is_none_or(|b| x <= b))
    };
    [holds(l.start, truth.0), holds(l.end, truth.1)]
}

/// Everything that is told of one world, as one line.
pub fn report(w: &World, found: &[Scored], peers: &[Peer], more: &BTreeSet<u32>, seconds: f64) -> Value {
    let mut score = vec![f64::NEG_INFINITY; w.who.len()];
    let mut probability: BTreeMap<u32, f64> = BTreeMap::new();
    for s in found {
        // In order of probability, ties by the factor.
        let p = s.probability;
        score[s.column as usize] = (p / (1.0 - p)).ln() + 1e-4 * s.log_factor;
        let slot = probability.entry(w.account(s.column)).or_insert(0.0);
        *slot = p.max(*slot);
    }
    let listed: BTreeSet<u32> = found.iter().filter(|s| s.listed).map(|s| w.account(s.column)).collect();
    let (ap, at_90) = ranking(w, &score);
    let (n, right) = precision(w, &listed);
    let guilty = w.guilty();
    let culprits: Vec<Value> = w.leaks.iter().map(|l| culprit(w, l, found, &listed, more)).collect();
    let pairs: Vec<Value> = probability
        .iter()
        .filter(|(_, p)| **p >= 0.01)
        .map(|(a, p)| json!([p, guilty.contains(a), listed.contains(a)]))
        .collect();
    let sets: Vec<Value> = found
        .iter()
        .filter(|s| s.probability >= 0.5)
        .map(|s| {
            let right = s.set.iter().any(|x| guilty.contains(&w.account(x.0)));
            json!([right, s.set.len()])
        })
        .collect();
    let beside = |p: &Peer| {
        let (ap, at_90) = ranking(w, &p.score);
        let listed: BTreeSet<u32> = p.listed.iter().map(|c| w.account(*c as u32)).collect();
        let (n, right) = precision(w, &listed);
        json!({"name": p.name, "ap": ap, "at_90": at_90, "listed": n, "right": right})
    };
    json!({
        "touches": w.touches.len(),
        "harmed": w.harm.iter().filter(|h| **h < w.horizon).count(),
        "ap": ap, "at_90": at_90, "listed": n, "right": right,
        "certified": found.iter().filter(|s| s.certified).count(),
        "certified_wrong": found.iter().filter(|s| s.certified && !guilty.contains(&s.column)).count(),
        "culprits": culprits,
        "probabilities": pairs,
        "sets": sets,
        "added": more.difference(&listed).count(),
        "added_wrong": more.difference(&listed).filter(|a| !guilty.contains(a)).count(),
        "found": found
            .iter()
            .filter(|s| s.probability >= 0.001)
            .map(|s| json!([s.column, s.probability, s.log_factor, s.listed, s.certified, s.harmed, s.expected, s.log_e_value]))
            .collect::<Vec<_>>(),
        "peers": peers.iter().map(beside).collect::<Vec<_>>(),
        "seconds": seconds,
    })
}

fn culprit(
    w: &World,
    leak: &crate::world::Leak,
    found: &[Scored],
    listed: &BTreeSet<u32>,
    more: &BTreeSet<u32>,
) -> Value {
    let mine = |s: &&Scored| leak.accounts.contains(&w.account(s.column));
    let best = found.iter().filter(mine).find(|s| s.listed).or_else(|| found.iter().find(mine));
    let window = best.filter(|s| s.listed).and_then(|s| s.window).map(|x| overlap(x, leak.window));
    let part = found.iter().filter(mine).find(|s| w.who[s.column as usize].whole.is_some());
    json!({
        "accounts": leak.accounts,
        "harmed": leak.harmed,
        "listed": leak.accounts.iter().any(|a| listed.contains(a)),
        "named": leak.accounts.iter().filter(|a| listed.contains(a) || more.contains(a)).count(),
        "of": leak.accounts.len(),
        "probability": best.map_or(0.0, |s| s.probability),
        "log_factor": best.map_or(0.0, |s| s.log_factor),
        "overlap": window,
        "covers": best.filter(|s| s.listed).and_then(|s| s.limits).map(|l| covers(&l, leak.window)),
        "terminal": part.is_some_and(|s| Some(s.column) == leak.terminal),
    })
}
