//! Agreement with another implementation: a Python prototype of the same likelihood.
//!
//! Twenty small worlds are put to both. First the bare inference: one honest rate for everything, a fixed prior,
//! fixed ways of leaking, nothing learned; then factors and probabilities must be the same. Then each as it stands:
//! the two models differ on purpose (what an honest column may be, what is learned and how warily), so only whom they
//! name is held together. `oracle.json` keeps what the oracle said; `cargo xtask eval agree` asks it again, and writes the
//! worlds for it with `SUYUAN_AGREE` set to a folder.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::attribute::base::FRAILTY;

/// Weeks, as the oracle has them.
const BIN: f64 = 7.0;
/// Sources expected in each world where the prior is fixed: as the product begins, and as the oracle does.
const SOURCES: [f64; 2] = [0.2, 5.0];
/// Spread of the honest risk where it is fixed, in log units.
const SPREAD: f64 = 0.5;
/// What any risk counts for beside it, against the likeliest: none is so rare that it would be left out.
const ANY: f64 = 0.003;
/// Steps between two risks on the honest side.
const BETWEEN: usize = 3;

/// Column, log factor, probability.
type Figure = (u32, f64, f64);

/// Probabilities may differ by no more than this, for each of [`SOURCES`]. The second should be as small as the first: a column
/// whose factor is surely below one explains nothing here, though where many sources are expected its part counts.
const CLOSE: [f64; 2] = [0.02, 0.08];

/// Whom only one of the two names, each for a reason found in the models; whoever is not told of here is named by both.
///
/// The first two are named by the oracle alone. It learns how leaks go also from the account that is judged by it: by what was fixed before,
/// the five victims of 1 weigh 7.8 and not 10.3, and here a wave of the account's own may have struck them (4.8 to 5.7), so its
/// probability is .30. Account 51 has .56 here, where outlets were seen to differ, which the oracle's frailty does
/// not find; a list with 5 % false discoveries cannot hold it. The third is named here alone: the oracle counts the
/// account's own victims and its region's waves into the risk it is held against, and its factor does not pass e-BH at 10 %.
const APART: [(&str, u32); 3] = [("leak-402", 1), ("outlets-401", 51), ("waves-400", 2)];

fn worlds() -> Vec<(String, World)> {
    let town = Shape { persons: 6000, base: 0.008, ..QUIET };
    let leaks = Shape { culprits: 2, leak: 0.25, ..town };
    let shapes = [
        ("leak", leaks),
        ("faint", Shape { leak: 0.10, ..leaks }),
        ("outlets", Shape { outlet_sd: 0.8, ..leaks }),
        ("waves", Shape { waves: 6, ..leaks }),
        ("nobody", Shape { outlet_sd: 0.8, waves: 4, ..town }),
    ];
    let mut out = Vec::new();
    for (name, shape) in shapes {
        for seed in 400..404 {
            let mut w = world(seed, shape);
            // The oracle counts whole days.
            w.events.iter_mut().for_each(|e| e.2 = e.2.floor());
            w.events.sort_by(|a, b| (a.1, a.0).cmp(&(b.1, b.0)).then(a.2.total_cmp(&b.2)));
            w.harm.values_mut().for_each(|day| *day = day.floor());
            out.push((format!("{name}-{seed}"), w));
        }
    }
    out
}

fn question(w: &World) -> Problem {
    problem_in(w, (DAYS / BIN).ceil() as usize, BIN)
}

/// Log weights of the honest risks: log-normal with mean one, and a little for any.
fn risks() -> Vec<f64> {
    let raw = FRAILTY.map(|m| {
        let z = (m.ln() + SPREAD * SPREAD / 2.0) / SPREAD;
        (-z * z / 2.0).exp() + ANY
    });
    let total = raw.iter().sum::<f64>();
    raw.iter().map(|x| (x / total).ln()).collect()
}

/// The risks and log weights that the honest side sums over: steps between those of [`FRAILTY`].
fn honest_risks() -> Vec<(f64, f64)> {
    let w = risks();
    let mut out = Vec::new();
    for i in 0..FRAILTY.len() {
        let next = (i + 1).min(FRAILTY.len() - 1);
        for step in 0..BETWEEN {
            let part = step as f64 / BETWEEN as f64;
            let m = FRAILTY[i].powf(1.0 - part) * FRAILTY[next].powf(part);
            out.push((m, w[i] * (1.0 - part) + w[next] * part - (BETWEEN as f64).ln()));
        }
    }
    out
}

/// Harmed things for each thing.
fn rate(p: &Problem) -> f64 {
    p.harmed.len() as f64 / p.strata.iter().map(|s| s.things).sum::<f64>()
}

/// The bare inference: column, log factor and probability. The question is put as it is for cards, where an
/// honest column is risky or not and nothing else once there are no waves.
fn bare(p: &Problem, sources: f64) -> Vec<Figure> {
    let p = &Problem { clock: Clock::Age, ..p.clone() };
    let n = p.columns.len();
    let base = Base {
        expected: p.columns.iter().map(|c| rate(p) * c.strata.iter().map(|s| s.1).sum::<f64>()).collect(),
        frailty: vec![risks(); n],
        alone: vec![(0, 0.0, 0.0); n],
        beta: vec![rate(p) / p.horizon; p.touches.len()],
        common: Common { waves: 0.0, ..Common::new(Clock::Age) },
        ..Base::fit(p, &vec![1.0; p.harmed.len()], &vec![1.0; n], 1)
    };
    let settings = Settings { prior_cap: 0.0, rounds: 1, ..Settings::default() };
    let suspected = (0..n as u32).map(|c| (c, sources / n as f64)).collect();
    let mut fit = Fit::new(p, &settings, &suspected, n);
    fit.ways.delay = Delay::new(p.horizon, p.horizon / 5.0);
    // Any window alike, and one delay.
    fit.stretches = vec![Stretches::default().into(); n];
    (fit.paces, fit.ways.habits) = (Vec::new(), Habits::new(0));
    let mut candidates: Vec<usize> = (0..n).filter(|c| fit.enough(&fit.harmed_before(*c))).collect();
    for &c in &candidates {
        fit.factors[c] = fit.evaluate(&base, c);
        fit.seen[c] = fit.now;
    }
    candidates.retain(|c| fit.factors[*c].log > SCREEN);
    candidates.sort_by(|a, b| fit.factors[*b].log.total_cmp(&fit.factors[*a].log).then(a.cmp(b)));
    fit.explain_away(&base, &candidates, &Prior::new(0.0, n, 0.0));
    candidates.iter().map(|c| (*c as u32, fit.factors[*c].log, fit.pip[*c])).collect()
}

/// Lays the worlds out for the oracle, with what was found here.
fn write(dir: &Path, w: &World) {
    fs::create_dir_all(dir).unwrap();
    let p = question(w);
    let rows = w.events.iter().flat_map(|e| [e.1 as u32, e.0 as u32, e.2 as u32]);
    fs::write(dir.join("touches.u32"), rows.flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let product: Vec<Value> = attribute(&p, &Settings::default(), &BTreeMap::new())
        .columns
        .iter()
        .map(|s| json!([s.column, s.log_factor, s.probability, s.listed, s.harmed]))
        .collect();
    let world = json!({
        "home": w.home, "harm": w.harm, "columns": w.columns, "days": DAYS, "culprits": w.culprits,
        "outlets_by_region": 4, "bin": BIN, "sources": SOURCES, "rate": rate(&p),
        "theta": grid::THETA, "length": grid::LENGTH, "grid": grid::common().map(f64::ln),
        "ever": grid::EVER, "risks": FRAILTY, "risk_weights": risks(), "honest_risks": honest_risks(),
        "bare": SOURCES.map(|n| bare(&p, n)), "product": product,
    });
    fs::write(dir.join("world.json"), world.to_string()).unwrap();
}

/// What the oracle said, by world.
fn oracle() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("oracle.json")).unwrap()
}

/// Does nothing unless a folder is named; the worlds are for `cargo xtask eval agree`.
#[test]
fn worlds_are_written_where_the_oracle_is_asked() {
    let Some(dir) = std::env::var_os("SUYUAN_AGREE") else { return };
    for (name, w) in worlds() {
        write(&Path::new(&dir).join(&name), &w);
    }
}

#[test]
fn asked_the_same_both_say_the_same() {
    let oracle = oracle();
    for (name, w) in worlds() {
        let (p, said) = (question(&w), &oracle[&name]);
        let made = (w.events.len() as u64, p.harmed.len() as u64);
        let asked = (said["touches"].as_u64().unwrap(), said["harmed"].as_u64().unwrap());
        assert_eq!(made, asked, "{name} is another world now; ask again: cargo xtask eval agree --write");
        for (i, sources) in SOURCES.into_iter().enumerate() {
            let theirs: Vec<Figure> = serde_json::from_value(said["same"][i].clone()).unwrap();
            let ours: BTreeMap<u32, f64> = bare(&p, sources).iter().map(|x| (x.0, x.2)).collect();
            assert_eq!(ours.len(), theirs.len(), "{name}");
            for (c, _, probability) in theirs {
                assert!(
                    (ours[&c] - probability).abs() <= CLOSE[i],
                    "{name}, {c}: {} {probability}",
                    ours[&c]
                );
            }
        }
    }
}

#[test]
fn both_name_the_same_but_for_what_is_explained() {
    let oracle = oracle();
    for (name, w) in worlds() {
        let theirs: BTreeSet<u32> = serde_json::from_value(oracle[&name]["named"].clone()).unwrap();
        let found = attribute(&question(&w), &Settings::default(), &BTreeMap::new()).columns;
        let ours: BTreeSet<u32> = found.iter().filter(|s| s.listed).map(|s| s.column).collect();
        for c in ours.symmetric_difference(&theirs) {
            assert!(APART.contains(&(&name, *c)), "{name}: {c}");
        }
        for c in ours {
            assert!(w.culprits.contains(&(c as usize)), "{name}: {c} is innocent");
        }
    }
}
