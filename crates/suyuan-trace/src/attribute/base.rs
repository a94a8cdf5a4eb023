//! The honest risk: how many of a column's things would be harmed had it leaked nothing.
//!
//! Rates borrow strength from wide to narrow (everything, region, stratum), each level shrunk by
//! the spread seen among its groups, and each column is held against the *others*: its own things are
//! left out of the rate it is compared with, so a leak cannot raise its own base rate. What is left
//! of honest differences among columns is a log-normal frailty whose spread is fitted to all columns.

use super::problem::{Clock, Problem};
use super::special::{ln_gamma, log_sum_exp};

/// Risk multipliers of the frailty: from a third of the base rate to ninety times it.
pub const FRAILTY: [f64; 12] = [0.35, 0.6, 1.0, 1.65, 2.7, 4.5, 7.4, 12.0, 20.0, 33.0, 55.0, 90.0];
/// Spreads tried, in log units. Below the first, honest shops would have to be more alike than any are.
const SPREADS: [f64; 9] = [0.35, 0.5, 0.65, 0.8, 1.0, 1.2, 1.4, 1.6, 1.9];
/// Months of the profile: four weeks each.
pub const MONTH: f64 = 28.0;

/// Base rates without the harm that sources explain.
pub struct Base {
    /// Expected harmed things of each column.
    pub expected: Vec<f64>,
    /// The rate of each column's strata, as in the column's `strata`.
    pub rates: Vec<Vec<f64>>,
    /// Log prior weights of [`FRAILTY`] by level.
    pub frailty: Vec<Vec<f64>>,
    /// Risk density per day at each harmed thing's time, for calendar clocks and cards alike.
    pub density: Vec<f64>,
    /// Share of the honest risk in each month, by region.
    pub months: Vec<Vec<f64>>,
    /// Harm of everyone else in the column's strata by month: seen and expected.
    pub peers: Vec<Vec<(f64, f64)>>,
    /// Density of harm by age, per day, in months of age; empty for calendar clocks.
    pub age: Vec<f64>,
}

/// Shape of the gamma that describes groups whose counts `k` were expected to be `e`.
fn shape(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut over, mut square) = (0.0, 0.0);
    for (k, e) in pairs {
        over += (k - e) * (k - e) - k;
        square += e * e;
    }
    let variance = if square > 0.0 { over / square } else { 0.0 };
    1.0 / variance.clamp(0.05, 20.0)
}

impl Base {
    /// Fits the base to harm weighted by `unexplained` (1 for every harmed thing at the start).
    pub fn fit(p: &Problem, unexplained: &[f64]) -> Base {
        let counts = Counts::of(p, unexplained);
        let mut expected = vec![0.0; p.columns.len()];
        let mut seen = vec![0.0; p.columns.len()];
        let own = own_harm(p, unexplained);
        let mut rates = Vec::with_capacity(p.columns.len());
        for (c, column) in p.columns.iter().enumerate() {
            let whole = column.whole.map_or(c, |w| w as usize);
            let apart = counts.without(p, &p.columns[whole], &own[whole]);
            let r: Vec<f64> = if whole == c {
                apart
            } else {
                let all = &p.columns[whole].strata;
                let of = |s: u32| all.binary_search_by_key(&s, |x| x.0).map_or(0.0, |i| apart[i]);
                column.strata.iter().map(|(s, _)| of(*s)).collect()
            };
            expected[c] = column.strata.iter().zip(&r).map(|((_, n), rate)| n * rate).sum();
            seen[c] = own[c].iter().map(|(_, k)| k).sum();
            rates.push(r);
        }
        let levels = p.columns.iter().map(|c| c.level as usize + 1).max().unwrap_or(1);
        let mut frailty = Vec::new();
        for level in 0..levels {
            let pairs: Vec<(f64, f64)> = (0..p.columns.len())
                .filter(|c| p.columns[*c].level as usize == level && expected[*c] > 1e-9)
                .map(|c| (seen[c].round(), expected[c]))
                .collect();
            frailty.push(weights(fit_spread(&pairs)));
        }
        let (months, age) = (profile(p, unexplained), ages(p, unexplained));
        let density = densities(p, &months, &age);
        let peers = peers(p, unexplained, &rates, &own, &months);
        Base { expected, rates, frailty, density, months, peers, age }
    }
}

/// Weighted harm of each column by stratum, in rising order of stratum.
fn own_harm(p: &Problem, unexplained: &[f64]) -> Vec<Vec<(u32, f64)>> {
    let mut out: Vec<Vec<(u32, f64)>> = vec![Vec::new(); p.columns.len()];
    let mut last = (u32::MAX, u32::MAX);
    for t in &p.touches {
        if (t.column, t.harmed) == last {
            continue;
        }
        last = (t.column, t.harmed);
        out[t.column as usize].push((p.harmed[t.harmed as usize].stratum, unexplained[t.harmed as usize]));
    }
    for list in &mut out {
        list.sort_by_key(|x| x.0);
        let mut merged: Vec<(u32, f64)> = Vec::with_capacity(list.len());
        for (s, k) in list.drain(..) {
            match merged.last_mut() {
                Some(m) if m.0 == s => m.1 += k,
                _ => merged.push((s, k)),
            }
        }
        *list = merged;
    }
    out
}

struct Counts {
    stratum: Vec<f64>,
    region: Vec<(f64, f64)>,
    all: (f64, f64),
    region_shape: f64,
    stratum_shape: f64,
}

impl Counts {
    fn of(p: &Problem, unexplained: &[f64]) -> Counts {
        let regions = p.strata.iter().map(|s| s.region as usize + 1).max().unwrap_or(0);
        let mut stratum = vec![0.0; p.strata.len()];
        for (h, w) in p.harmed.iter().zip(unexplained) {
            stratum[h.stratum as usize] += w;
        }
        let mut region = vec![(0.0, 0.0); regions];
        for (s, k) in p.strata.iter().zip(&stratum) {
            region[s.region as usize].0 += k;
            region[s.region as usize].1 += s.things;
        }
        let all = region.iter().fold((0.0, 0.0), |a, r| (a.0 + r.0, a.1 + r.1));
        let rate = (all.0 + 0.5) / (all.1 + 1.0);
        let region_shape = shape(region.iter().map(|(k, n)| (*k, n * rate)));
        let regional = |s: usize| {
            let (k, n) = region[p.strata[s].region as usize];
            rate * (k + region_shape) / (n * rate + region_shape)
        };
        let stratum_shape = shape((0..stratum.len()).map(|s| (stratum[s], p.strata[s].things * regional(s))));
        Counts { stratum, region, all, region_shape, stratum_shape }
    }

    /// The rate of each stratum of the column, from everyone else's things.
    fn without(&self, p: &Problem, column: &super::problem::Column, own: &[(u32, f64)]) -> Vec<f64> {
        let own_of = |s: u32| own.binary_search_by_key(&s, |x| x.0).map_or(0.0, |i| own[i].1);
        let mut by_region: Vec<(u32, f64, f64)> = Vec::new();
        for (s, n) in &column.strata {
            let r = p.strata[*s as usize].region;
            match by_region.iter_mut().find(|x| x.0 == r) {
                Some(x) => {
                    x.1 += own_of(*s);
                    x.2 += n;
                }
                None => by_region.push((r, own_of(*s), *n)),
            }
        }
        let (ok, on) = by_region.iter().fold((0.0, 0.0), |a, r| (a.0 + r.1, a.1 + r.2));
        let rate = ((self.all.0 - ok).max(0.0) + 0.5) / ((self.all.1 - on).max(0.0) + 1.0);
        column
            .strata
            .iter()
            .map(|(s, n)| {
                let stratum = &p.strata[*s as usize];
                let (_, rk, rn) =
                    by_region.iter().find(|x| x.0 == stratum.region).copied().unwrap_or((0, 0.0, 0.0));
                let (k, m) = self.region[stratum.region as usize];
                let regional = rate * ((k - rk).max(0.0) + self.region_shape)
                    / ((m - rn).max(0.0) * rate + self.region_shape);
                let (k, m) = (self.stratum[*s as usize] - own_of(*s), stratum.things - n);
                regional * (k.max(0.0) + self.stratum_shape) / (m.max(0.0) * regional + self.stratum_shape)
            })
            .collect()
    }
}

/// Log weights of the frailty grid for a log-normal of that spread and mean one.
fn weights(spread: f64) -> Vec<f64> {
    let raw: Vec<f64> = FRAILTY
        .iter()
        .map(|m| {
            let z = (m.ln() + spread * spread / 2.0) / spread;
            (-z * z / 2.0).max(-60.0)
        })
        .collect();
    let total = log_sum_exp(&raw);
    raw.iter().map(|w| w - total).collect()
}

/// Share of columns that may be anything at all when the spread is fitted, so that a few sources do
/// not make everyone look risky; honest differences show in the bulk of the columns.
const STRANGERS: f64 = 0.03;

/// Log chance of `k` under a rate anywhere between the base and a thousand times it.
fn stranger(k: f64, e: f64) -> f64 {
    let terms: Vec<f64> = (0..14)
        .map(|i| {
            let rate = e * (0.53 * f64::from(i)).exp();
            k * rate.ln() - rate - ln_gamma(k + 1.0)
        })
        .collect();
    log_sum_exp(&terms) - 14f64.ln()
}

/// The spread that makes the counts of all columns most likely.
fn fit_spread(pairs: &[(f64, f64)]) -> f64 {
    let mut best = (f64::NEG_INFINITY, SPREADS[0]);
    for s in SPREADS {
        let w = weights(s);
        // A weak prior against the largest spreads; data overrule it after a few columns.
        let mut total = -s * s;
        for (k, e) in pairs {
            let terms: Vec<f64> = FRAILTY
                .iter()
                .zip(&w)
                .map(|(m, w)| w + k * (m * e).ln() - m * e - ln_gamma(k + 1.0))
                .collect();
            total += log_sum_exp(&[
                (1.0 - STRANGERS).ln() + log_sum_exp(&terms),
                STRANGERS.ln() + stranger(*k, *e),
            ]);
        }
        if total > best.0 {
            best = (total, s);
        }
    }
    best.1
}

/// Share of harm in each month by region, shrunk to the whole; every row sums to one.
fn profile(p: &Problem, unexplained: &[f64]) -> Vec<Vec<f64>> {
    let n = (p.horizon / MONTH).ceil().max(1.0) as usize;
    let regions = p.strata.iter().map(|s| s.region as usize + 1).max().unwrap_or(0);
    let mut all = vec![2.0; n];
    let mut by = vec![vec![0.0; n]; regions];
    for (h, w) in p.harmed.iter().zip(unexplained) {
        let m = month(h.day, n);
        all[m] += w;
        by[p.strata[h.stratum as usize].region as usize][m] += w;
    }
    let total: f64 = all.iter().sum();
    all.iter_mut().for_each(|x| *x /= total);
    let sums: Vec<f64> = by.iter().map(|r| r.iter().sum()).collect();
    let a = shape(by.iter().zip(&sums).flat_map(|(r, s)| r.iter().zip(&all).map(move |(k, g)| (*k, g * s))));
    by.iter()
        .zip(&sums)
        .map(|(r, s)| {
            let raw: Vec<f64> = r.iter().zip(&all).map(|(k, g)| g * (k + a) / (g * s + a)).collect();
            let t: f64 = raw.iter().sum();
            raw.iter().map(|x| x / t).collect()
        })
        .collect()
}

/// What the column's neighbours met, month by month: a wave of fraud spares nobody in the outlet.
fn peers(
    p: &Problem,
    unexplained: &[f64],
    rates: &[Vec<f64>],
    own: &[Vec<(u32, f64)>],
    months: &[Vec<f64>],
) -> Vec<Vec<(f64, f64)>> {
    let n = months.first().map_or(1, Vec::len);
    let mut harm = vec![vec![0.0; n]; p.strata.len()];
    for (h, w) in p.harmed.iter().zip(unexplained) {
        harm[h.stratum as usize][month(h.day, n)] += w;
    }
    let mut mine = vec![vec![0.0; n]; p.columns.len()];
    let mut last = (u32::MAX, u32::MAX);
    for t in &p.touches {
        if (t.column, t.harmed) != last {
            last = (t.column, t.harmed);
            mine[t.column as usize][month(p.harmed[t.harmed as usize].day, n)] +=
                unexplained[t.harmed as usize];
        }
    }
    (0..p.columns.len())
        .map(|part| {
            let c = p.columns[part].whole.map_or(part, |w| w as usize);
            let strata = &p.columns[c].strata;
            let total: f64 = strata.iter().map(|s| s.1).sum::<f64>().max(1e-9);
            let mut out = vec![(0.0, 0.0); n];
            for ((s, things), rate) in strata.iter().zip(&rates[c]) {
                let part = things / total;
                let stratum = &p.strata[*s as usize];
                let i = own[c].binary_search_by_key(s, |x| x.0).map_or(0.0, |i| own[c][i].1);
                let own_all: f64 = own[c].iter().map(|x| x.1).sum::<f64>().max(1e-9);
                for m in 0..n {
                    out[m].0 += part * (harm[*s as usize][m] - mine[c][m] * i / own_all).max(0.0);
                    out[m].1 +=
                        part * rate * (stratum.things - things).max(0.0) * months[stratum.region as usize][m];
                }
            }
            out
        })
        .collect()
}

/// The month of a day.
pub fn month(day: f64, months: usize) -> usize {
    ((day / MONTH).max(0.0) as usize).min(months - 1)
}

/// Density of harm by age since the first touch, per day, in months of age.
fn ages(p: &Problem, unexplained: &[f64]) -> Vec<f64> {
    if p.clock == Clock::Calendar {
        return Vec::new();
    }
    let n = (p.horizon / MONTH).ceil().max(1.0) as usize;
    let mut count = vec![0.0; n];
    for (age, w) in first_ages(p).iter().zip(unexplained) {
        if let Some(age) = age {
            count[month(*age, n)] += w;
        }
    }
    let total: f64 = count.iter().sum::<f64>() + 4.0;
    count.iter().map(|k| (k + 4.0 / n as f64) / total / MONTH).collect()
}

fn first_ages(p: &Problem) -> Vec<Option<f64>> {
    let mut out: Vec<Option<f64>> = vec![None; p.harmed.len()];
    for t in &p.touches {
        let age = p.harmed[t.harmed as usize].day - t.day;
        let slot = &mut out[t.harmed as usize];
        *slot = Some(slot.map_or(age, |a: f64| a.max(age)));
    }
    out
}

fn densities(p: &Problem, months: &[Vec<f64>], age: &[f64]) -> Vec<f64> {
    let n = months.first().map_or(1, Vec::len);
    let ages = if p.clock == Clock::Age { first_ages(p) } else { Vec::new() };
    let floor = 0.02 / p.horizon;
    (0..p.harmed.len())
        .map(|i| {
            let h = &p.harmed[i];
            let by_month = months[p.strata[h.stratum as usize].region as usize][month(h.day, n)] / MONTH;
            let d = match ages.get(i) {
                // Age and calendar together, each as a multiple of an even spread.
                Some(Some(a)) => age[month(*a, age.len())] * (by_month * p.horizon).clamp(0.2, 5.0),
                _ => by_month,
            };
            d.max(floor)
        })
        .collect()
}
