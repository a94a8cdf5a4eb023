//! Honest campaigns: bursts of openings whose customers carry a risk of their own.

use super::*;

/// Cards of customers, and beside them a campaign of twenty days at every second account, each as risky as it happens to be.
fn campaigns(seed: u64, spread: f64) -> World {
    let shape = Shape { cards: true, persons: 8000, base: 0.01, account_sd: 0.3, ..QUIET };
    let mut w = world(seed, shape);
    let mut d = Dice::new(seed + 7);
    for account in (0..OUTLETS * STAFF).step_by(2) {
        let (start, times) = (10.0 + d.unit() * 250.0, d.log_normal(spread));
        for _ in 0..120 {
            let (person, day) = (w.home.len(), start + d.unit() * 20.0);
            w.home.push(account / STAFF);
            w.events.push((account, person, day));
            let used = day + d.exponential(60.0);
            if d.unit() < shape.base * times && used < DAYS {
                w.harm.insert(person, used);
            }
        }
    }
    w
}

/// The spread of bursts, as learned from all of them.
fn spread(w: &World) -> f64 {
    let p = problem(w);
    let settings = Settings::default();
    let known = BTreeMap::new();
    let mut fit = Fit::new(&p, &settings, &known, p.columns.len());
    let base = Base::fit(&p, &vec![1.0; p.harmed.len()], &vec![1.0; p.columns.len()], 1);
    let all: Vec<usize> = (0..p.columns.len()).filter(|c| fit.enough(&fit.harmed_before(*c))).collect();
    for &c in &all {
        fit.factors[c] = fit.evaluate(&base, c);
    }
    let learned = fit.common(&all).bursts;
    burst::SPREADS.iter().zip(learned).map(|((spread, _), log)| spread * log.exp()).sum()
}

#[test]
fn how_far_bursts_differ_is_learned_from_all_of_them() {
    let mean = |sd: f64| (0..8).map(|seed| spread(&campaigns(500 + seed, sd))).sum::<f64>() / 8.0;
    let (even, uneven) = (mean(0.0), mean(0.8));
    assert!(even < 0.25 && uneven > even + 0.1, "{even} {uneven}");
}

#[test]
fn campaigns_of_uneven_risk_name_nobody() {
    for seed in 0..12 {
        let w = campaigns(520 + seed, 0.8);
        for s in attribute(&problem(&w), &Settings::default(), &BTreeMap::new()).columns {
            assert!(s.probability < 0.8 && !s.listed, "seed {seed}: {s:?}");
        }
    }
}
