//! The Bayes factor of one column: did it leak in some window of time, or is it merely unlucky,
//! risky, or hit by a wave of fraud?
//!
//! With a leak, each thing touched inside the window becomes a known harm at rate `theta`, spread
//! over the delay; without, only the honest risk works ([`honest`]). The leak side sums over every
//! window exactly, also where one thing was touched in several bins: second differences of each
//! thing's gain are laid into a matrix and summed back.
//!
//! Most columns are far from any leak, and most rates far from the one that leaked. A bound in linear
//! time says so first: a thing touched in several bins gains at most the sum of what each bin gains,
//! so the sum over windows of a product by bins is never below the true one. Rates are summed exactly
//! from the best bound down until the rest cannot matter.
//!
//! Things that were not harmed enter through the exposure counter alone.

use super::base::{Base, FRAILTY};
use super::calendar::month;
use super::delay::Delay;
use super::honest::honest;
use super::problem::Problem;
use super::special::log_sum_exp;

/// Rates at which a leaked thing becomes a known harm.
pub const THETA: [f64; 8] = [0.004, 0.01, 0.022, 0.05, 0.12, 0.27, 0.6, 1.2];
/// Chance that a leak goes on for one more bin.
pub const LENGTH: [f64; 4] = [0.6, 0.85, 0.95, 1.0];
/// Grid of the leak side.
pub const GRID: usize = THETA.len() * LENGTH.len();
/// Windows less likely than this, in nats below the best, are not summed.
const NEGLIGIBLE: f64 = 18.0;
/// Rates and frailties are summed until all others hold less than this share.
const REST: f64 = 1e-5;
/// Frailties less likely than this a priori, in nats below the most likely, cannot hide a leak.
pub const RARE: f64 = 9.0;

/// One harmed thing as a column sees it.
pub struct Thing {
    /// Honest intensity at the time of harm, per day.
    pub beta: f64,
    /// Intensity that other sources explain.
    pub rest: f64,
    /// Month of the harm.
    pub month: usize,
    /// Touches that can explain it: bin and delay density (times the touch's weight), by time.
    pub touches: Vec<(usize, f64)>,
}

/// What the factor gave.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Log Bayes factor, leak against none, with the grid as learned.
    pub log: f64,
    /// The same with the grid fixed in advance: an e-value, whatever was learned from these records.
    pub fixed: f64,
    /// Mean of `theta` where the bin lies in the window, given a leak.
    pub on: Vec<f64>,
    /// Share of each point of the grid, given a leak.
    pub grid: [f64; GRID],
}

impl Factor {
    /// A factor of a column that need not be looked at: at most this.
    pub fn below(log: f64, bins: usize) -> Factor {
        Factor { log, fixed: log, on: vec![0.0; bins], grid: [0.0; GRID] }
    }
}

/// Log weights of the grid: the fixed ones.
pub fn even() -> [f64; GRID] {
    [-(GRID as f64).ln(); GRID]
}

/// Room for the sums, kept between columns.
pub struct Scratch {
    s: Vec<f64>,
    powers: Vec<[f64; LENGTH.len()]>,
    norms: [f64; LENGTH.len()],
}

impl Scratch {
    /// Room for `bins` bins.
    pub fn new(bins: usize) -> Scratch {
        let norms =
            LENGTH.map(|h| (0..bins).map(|len| (bins - len) as f64 * h.powi(len as i32)).sum::<f64>().ln());
        Scratch {
            s: vec![0.0; bins * bins],
            powers: (0..bins).map(|len| LENGTH.map(|h| h.powi(len as i32))).collect(),
            norms,
        }
    }
}

/// The harmed things of a column, ready for the factor; `rest` gives what others explain of each.
pub fn things(
    p: &Problem,
    base: &Base,
    delay: &Delay,
    range: std::ops::Range<usize>,
    mut rest: impl FnMut(usize) -> f64,
) -> Vec<Thing> {
    let months = base.calendar.months;
    let mut out: Vec<Thing> = Vec::new();
    let mut last = u32::MAX;
    for e in range {
        let t = &p.touches[e];
        let h = &p.harmed[t.harmed as usize];
        if t.harmed != last {
            last = t.harmed;
            out.push(Thing {
                beta: base.beta[e],
                rest: rest(t.harmed as usize),
                month: month(h.day, months),
                touches: Vec::new(),
            });
        }
        let f = t.weight * delay.density(h.day - t.day);
        if f > 0.0 {
            let bin = p.bin(t.day);
            let thing = out.last_mut().expect("a thing was pushed above");
            match thing.touches.last_mut() {
                Some(x) if x.0 == bin => x.1 = x.1.max(f),
                _ => thing.touches.push((bin, f)),
            }
        }
    }
    out
}

/// Ripe exposure of a column by bin: touches times the share of their harm that can have shown.
pub fn ripe(p: &Problem, delay: &Delay, column: usize) -> Vec<f64> {
    p.columns[column]
        .exposure
        .iter()
        .enumerate()
        .map(|(t, n)| n * delay.shown(p.horizon - (t as f64 + 0.5) * p.bin_days))
        .collect()
}

/// Fills `s` with the log likelihood ratio of every window `[a, b]`; returns the largest.
fn windows(s: &mut [f64], bins: usize, things: &[Thing], m: f64, ripe: &[f64], theta: f64) -> f64 {
    s.fill(0.0);
    for t in 0..bins {
        s[t * bins + t] = -theta * ripe[t];
    }
    for x in things {
        let lambda = x.rest + m * x.beta;
        for a in 0..x.touches.len() {
            let mut sum = 0.0;
            for b in a..x.touches.len() {
                sum += x.touches[b].1;
                let v = (theta * sum / lambda).ln_1p();
                let (i, k) = (x.touches[a].0, x.touches[b].0);
                s[i * bins + k] += v;
                if a > 0 {
                    s[x.touches[a - 1].0 * bins + k] -= v;
                }
                if b + 1 < x.touches.len() {
                    let next = x.touches[b + 1].0;
                    s[i * bins + next] -= v;
                    if a > 0 {
                        s[x.touches[a - 1].0 * bins + next] += v;
                    }
                }
            }
        }
    }
    let mut top = f64::NEG_INFINITY;
    for a in (0..bins).rev() {
        for b in a..bins {
            if b > a {
                let inner = if b > a + 1 { s[(a + 1) * bins + b - 1] } else { 0.0 };
                s[a * bins + b] += s[(a + 1) * bins + b] + s[a * bins + b - 1] - inner;
            }
            top = top.max(s[a * bins + b]);
        }
    }
    top
}

/// Never less than the log of the sum over all windows and lengths, on the fixed grid.
fn bound(room: &Scratch, things: &[Thing], m: f64, ripe: &[f64], theta: f64) -> f64 {
    let mut s: Vec<f64> = ripe.iter().map(|r| -theta * r).collect();
    for x in things {
        let scale = theta / (x.rest + m * x.beta);
        for (bin, f) in &x.touches {
            s[*bin] += (scale * f).ln_1p();
        }
    }
    let (mut run, mut top) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for v in &s {
        run = v + run.max(0.0);
        top = top.max(run);
    }
    if top > 600.0 {
        // Beyond what the sums below can hold; no mean over windows exceeds the best.
        return top - (THETA.len() as f64).ln();
    }
    let shift = top.max(0.0);
    let unit = (-shift).exp();
    let mut ending = [0.0; LENGTH.len()];
    let mut sums = [0.0; LENGTH.len()];
    for v in &s {
        let r = v.exp();
        for ((f, sum), h) in ending.iter_mut().zip(&mut sums).zip(LENGTH) {
            *f = r * (unit + h * *f);
            *sum += *f;
        }
    }
    let total: f64 = sums.iter().zip(&room.norms).map(|(z, n)| z * (-n).exp()).sum();
    shift + total.max(1e-300).ln() - (GRID as f64).ln()
}

/// One frailty and rate, summed exactly: logs by length without weights, and mean presence by bin.
struct Cell {
    rate: usize,
    logs: [f64; LENGTH.len()],
    inside: Vec<[f64; LENGTH.len()]>,
}

fn cell(room: &mut Scratch, bins: usize, things: &[Thing], m: f64, ripe: &[f64], rate: usize) -> Cell {
    let top = windows(&mut room.s, bins, things, m, ripe, THETA[rate]);
    let mut starts = vec![[0.0; LENGTH.len()]; bins];
    let mut ends = vec![[0.0; LENGTH.len()]; bins];
    let mut z = [0.0; LENGTH.len()];
    for (a, begun) in starts.iter_mut().enumerate() {
        for (b, ended) in ends.iter_mut().enumerate().skip(a) {
            let v = room.s[a * bins + b] - top;
            if v < -NEGLIGIBLE {
                continue;
            }
            let w = v.exp();
            for (h, power) in room.powers[b - a].iter().enumerate() {
                let x = w * power;
                begun[h] += x;
                ended[h] += x;
                z[h] += x;
            }
        }
    }
    let mut inside = vec![[0.0; LENGTH.len()]; bins];
    let mut logs = [0.0; LENGTH.len()];
    for h in 0..LENGTH.len() {
        let sum = z[h].max(1e-300);
        logs[h] = top + sum.ln() - room.norms[h];
        let mut now = 0.0;
        for t in 0..bins {
            now += starts[t][h];
            inside[t][h] = now / sum;
            now -= ends[t][h];
        }
    }
    Cell { rate, logs, inside }
}

/// What a column touched, and how leaks go.
pub struct Touched<'a> {
    /// Its harmed things.
    pub things: &'a [Thing],
    /// Its ripe exposure by bin.
    pub ripe: &'a [f64],
    /// Log weights of the grid, as learned.
    pub weights: &'a [f64; GRID],
}

/// The factor of one column; where it is surely below `floor`, only the bound is told.
pub fn factor(
    p: &Problem,
    base: &Base,
    column: usize,
    touched: &Touched<'_>,
    floor: f64,
    room: &mut Scratch,
) -> Factor {
    let Touched { things, ripe, weights } = touched;
    let prior = &base.frailty[column];
    let honest = honest(p, base, column, things);
    let common = prior.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE;
    let mut order: Vec<(f64, usize, usize)> = Vec::with_capacity(FRAILTY.len() * THETA.len());
    for (i, m) in FRAILTY.iter().enumerate().filter(|(i, _)| prior[*i] > common) {
        for (rate, theta) in THETA.iter().enumerate() {
            order.push((honest.constant[i] + bound(room, things, *m, ripe, *theta), i, rate));
        }
    }
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let gain = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max) + (GRID as f64).ln();
    let bounds: Vec<f64> = order.iter().map(|x| x.0).collect();
    let most = log_sum_exp(&bounds) + gain - honest.log;
    if most < floor {
        return Factor::below(most, p.bins);
    }
    let mut cells = Vec::new();
    let (mut fixed, mut learned) = (Vec::new(), Vec::new());
    let mut rest: f64 = bounds.iter().map(|b| (b - bounds[0]).exp()).sum();
    for (bound, i, rate) in &order {
        if !fixed.is_empty() && rest.max(1e-300).ln() + bounds[0] < log_sum_exp(&fixed) + REST.ln() {
            break;
        }
        rest -= (bound - bounds[0]).exp();
        let c = cell(room, p.bins, things, FRAILTY[*i], ripe, *rate);
        for (h, log) in c.logs.iter().enumerate() {
            fixed.push(honest.constant[*i] + log - (GRID as f64).ln());
            learned.push(honest.constant[*i] + log + weights[rate * LENGTH.len() + h]);
        }
        cells.push(c);
    }
    let l1 = log_sum_exp(&learned);
    let mut out = Factor::below(l1 - honest.log, p.bins);
    out.fixed = log_sum_exp(&fixed) - honest.log;
    for (c, logs) in cells.iter().zip(learned.chunks(LENGTH.len())) {
        for (h, log) in logs.iter().enumerate() {
            let share = (log - l1).exp();
            out.grid[c.rate * LENGTH.len() + h] += share;
            if share > 1e-6 {
                for (on, inside) in out.on.iter_mut().zip(&c.inside) {
                    *on += share * THETA[c.rate] * inside[h];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain way: every window on its own, thing by thing.
    fn plain(things: &[Thing], m: f64, ripe: &[f64], theta: f64, a: usize, b: usize) -> f64 {
        let exposure: f64 = ripe[a..=b].iter().sum();
        let gain: f64 = things
            .iter()
            .map(|x| {
                let f: f64 = x.touches.iter().filter(|t| (a..=b).contains(&t.0)).map(|t| t.1).sum();
                (theta * f / (x.rest + m * x.beta)).ln_1p()
            })
            .sum();
        gain - theta * exposure
    }

    #[test]
    fn every_window_agrees_with_the_plain_sum() {
        let bins = 9;
        let things: Vec<Thing> = (0..7)
            .map(|i| Thing {
                beta: 1e-4 * (1.0 + i as f64),
                rest: if i % 3 == 0 { 2e-4 } else { 0.0 },
                month: 0,
                touches: (0..bins)
                    .filter(|t| (t * 7 + i * 5) % 4 == 0)
                    .map(|t| (t, 0.001 * (t + 1) as f64))
                    .collect(),
            })
            .collect();
        let ripe: Vec<f64> = (0..bins).map(|t| (t * t % 5) as f64).collect();
        let mut s = vec![0.0; bins * bins];
        let top = windows(&mut s, bins, &things, 1.65, &ripe, 0.12);
        let mut best = f64::NEG_INFINITY;
        for a in 0..bins {
            for b in a..bins {
                let want = plain(&things, 1.65, &ripe, 0.12, a, b);
                assert!((s[a * bins + b] - want).abs() < 1e-9, "{a} {b}");
                best = best.max(want);
            }
        }
        assert!((top - best).abs() < 1e-9);
    }

    #[test]
    fn no_sum_over_windows_exceeds_its_bound() {
        let bins = 9;
        let mut room = Scratch::new(bins);
        for n in 1..30 {
            let things: Vec<Thing> = (0..n)
                .map(|i| Thing {
                    beta: 1e-5 * (1.0 + i as f64),
                    rest: if i % 3 == 0 { 2e-4 } else { 0.0 },
                    month: 0,
                    touches: (0..bins).filter(|t| (t * 7 + i * 5) % 4 == 0).map(|t| (t, 0.01)).collect(),
                })
                .collect();
            let ripe: Vec<f64> = (0..bins).map(|t| (t * t * n % 50) as f64).collect();
            for (rate, theta) in THETA.iter().enumerate() {
                let most = bound(&room, &things, 1.65, &ripe, *theta);
                let logs = cell(&mut room, bins, &things, 1.65, &ripe, rate).logs;
                let sum = log_sum_exp(&logs) - (GRID as f64).ln();
                assert!(sum <= most + 1e-9, "{n} {theta}: {sum} {most}");
            }
        }
    }
}
