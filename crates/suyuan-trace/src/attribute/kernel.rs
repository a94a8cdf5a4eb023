//! The Bayes factor of one column: did it leak in some window of time, or is it merely unlucky,
//! risky, or hit by a wave of fraud?
//!
//! With a leak, each thing touched inside the window becomes a known harm at rate `theta`, spread
//! over the delay; without, only the honest risk works. The honest side is no straw man: it may be
//! constantly riskier (frailty), or riskier for some months at the time of *harm* (a wave). The leak
//! side sums over every window exactly, also where one thing was touched in several bins: second
//! differences of each thing's gain are laid into a matrix and summed back.
//!
//! Things that were not harmed enter through the exposure counter alone.

use super::base::{Base, FRAILTY, MONTH, month};
use super::delay::Delay;
use super::problem::{Clock, Problem};
use super::special::log_sum_exp;

/// Rates at which a leaked thing becomes a known harm.
pub const THETA: [f64; 8] = [0.004, 0.01, 0.022, 0.05, 0.12, 0.27, 0.6, 1.2];
/// Chance that a leak goes on for one more bin.
pub const LENGTH: [f64; 4] = [0.6, 0.85, 0.95, 1.0];
/// Grid of the leak side.
pub const GRID: usize = THETA.len() * LENGTH.len();
/// How often an honest column's harm comes in a wave of its own: generous, since it protects.
const WAVE: f64 = 0.3;
/// Extra risk inside a wave, in multiples of the base rate.
const SWELL: [f64; 4] = [2.0, 6.0, 18.0, 54.0];
/// How common each swell is.
const SWELL_SHARE: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
/// Share of waves that hit one column and spare its neighbours.
const LONELY: f64 = 0.1;
/// Longest wave, months.
const WAVE_MONTHS: usize = 4;
/// Windows less likely than this, in nats below the best, are not summed.
const NEGLIGIBLE: f64 = 22.0;

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
#[derive(Clone, Debug, Default)]
pub struct Factor {
    /// Log Bayes factor, leak against none.
    pub log: f64,
    /// Mean of `theta` where the bin lies in the window, given a leak.
    pub on: Vec<f64>,
}

/// Room for the sums, kept between columns.
pub struct Scratch {
    s: Vec<f64>,
    logs: Vec<f64>,
    on: Vec<f64>,
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
            logs: Vec::new(),
            on: Vec::new(),
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
    column: usize,
    range: std::ops::Range<usize>,
    mut rest: impl FnMut(usize) -> f64,
) -> Vec<Thing> {
    let months = base.months.first().map_or(1, Vec::len);
    let mut out: Vec<Thing> = Vec::new();
    let mut last = u32::MAX;
    for t in &p.touches[range] {
        let h = &p.harmed[t.harmed as usize];
        if t.harmed != last {
            last = t.harmed;
            let strata = &p.columns[column].strata;
            let rate =
                strata.binary_search_by_key(&h.stratum, |s| s.0).map_or(1e-9, |i| base.rates[column][i]);
            out.push(Thing {
                beta: (rate * base.density[t.harmed as usize]).max(1e-15),
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

/// Share of a column's honest harm expected in each month.
fn expected_months(p: &Problem, base: &Base, column: usize) -> Vec<f64> {
    let months = base.months.first().map_or(1, Vec::len);
    let c = &p.columns[column];
    let mut out = vec![0.0; months];
    if p.clock == Clock::Age {
        for (t, n) in c.exposure.iter().enumerate() {
            let opened = (t as f64 + 0.5) * p.bin_days;
            for (a, d) in base.age.iter().enumerate() {
                out[month(opened + (a as f64 + 0.5) * MONTH, months)] += n * d * MONTH;
            }
        }
    } else {
        for (s, n) in &c.strata {
            for (m, share) in base.months[p.strata[*s as usize].region as usize].iter().enumerate() {
                out[m] += n * share;
            }
        }
    }
    let total: f64 = out.iter().sum::<f64>().max(1e-12);
    out.iter().map(|x| x / total).collect()
}

/// Log likelihood of the honest side for one multiplier: constant, and summed over waves.
fn honest(things: &[Thing], m: f64, expected: f64, share: &[f64], peers: &[(f64, f64)]) -> (f64, f64) {
    let months = share.len();
    let constant =
        -m * expected + things.iter().map(|x| ((x.rest + m * x.beta) / (x.rest + x.beta)).ln()).sum::<f64>();
    let mut terms = Vec::with_capacity(SWELL.len() * months * WAVE_MONTHS);
    for (swell, common) in SWELL.iter().zip(SWELL_SHARE) {
        let spared: Vec<f64> = peers.iter().map(|(k, e)| k * (1.0 + swell).ln() - swell * e).collect();
        let mut gain: Vec<f64> = share.iter().map(|s| -swell * m * expected * s).collect();
        for x in things {
            gain[x.month] += (swell * m * x.beta / (x.rest + m * x.beta)).ln_1p();
        }
        for start in 0..months {
            let (mut sum, mut beside) = (0.0, 0.0);
            for (g, n) in gain.iter().zip(&spared).skip(start).take(WAVE_MONTHS) {
                sum += g;
                beside += n;
                let shared = (LONELY + (1.0 - LONELY) * beside.min(0.0).exp()).ln();
                terms.push(sum + shared + common.ln());
            }
        }
    }
    let n = (terms.len() / SWELL.len()).max(1) as f64;
    (constant, constant + log_sum_exp(&terms) - n.ln())
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

/// The factor of one column.
pub fn factor(
    p: &Problem,
    base: &Base,
    column: usize,
    things: &[Thing],
    ripe: &[f64],
    room: &mut Scratch,
) -> Factor {
    let bins = p.bins;
    let prior = &base.frailty[p.columns[column].level as usize];
    let share = expected_months(p, base, column);
    let expected = base.expected[column];
    let top_prior = prior.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut null = Vec::with_capacity(2 * FRAILTY.len());
    room.logs.clear();
    room.on.clear();
    for (m, w) in FRAILTY.iter().zip(prior) {
        let (constant, wave) = honest(things, *m, expected, &share, &base.peers[column]);
        null.push(w + constant + (1.0 - WAVE).ln());
        null.push(w + wave + WAVE.ln());
        if *w > top_prior - 9.0 {
            leak_cells(room, bins, things, *m, ripe, w + constant);
        }
    }
    let l0 = log_sum_exp(&null);
    let l1 = log_sum_exp(&room.logs);
    let mut on = vec![0.0; bins];
    for (q, l) in room.logs.iter().enumerate() {
        let weight = (l - l1).exp();
        if weight > 1e-6 {
            for (t, o) in on.iter_mut().enumerate() {
                *o += weight * room.on[q * bins + t];
            }
        }
    }
    Factor { log: l1 - l0, on }
}

/// Adds the leak side's cells of one multiplier to the room.
fn leak_cells(room: &mut Scratch, bins: usize, things: &[Thing], m: f64, ripe: &[f64], offset: f64) {
    let mut starts = vec![[0.0; LENGTH.len()]; bins];
    let mut ends = vec![[0.0; LENGTH.len()]; bins];
    for theta in THETA {
        let top = windows(&mut room.s, bins, things, m, ripe, theta);
        starts.fill([0.0; LENGTH.len()]);
        ends.fill([0.0; LENGTH.len()]);
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
        for h in 0..LENGTH.len() {
            room.logs.push(offset + top + z[h].max(1e-300).ln() - room.norms[h] - (GRID as f64).ln());
            let mut inside = 0.0;
            for t in 0..bins {
                inside += starts[t][h];
                room.on.push(theta * inside / z[h].max(1e-300));
                inside -= ends[t][h];
            }
        }
    }
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
}
