//! A burst of openings whose customers carry a risk of their own: a campaign among people who resell their cards, a works
//! site, a hall of residence.
//!
//! The honest side holds that one stretch of an account's openings ([`stretch`]) differs in risk from its other times. How far
//! such stretches differ is learned from the stretches of all accounts at once, so a burst is no source for being riskier
//! than its own account, but for being riskier than the bursts of others are.
//!
//! Always holds: where bursts are as risky as what lies beside them, the spread goes to none and nothing is forgiven; the
//! spread is learned with every account either honest or a source, so that sources do not excuse each other.
//! Blind to: two bursts of one account, each with a risk of its own; a campaign so small that the openings do not show it.
//!
//! [`stretch`]: super::stretch

use super::base::{Base, FRAILTY};
use super::kernel::{RARE, Thing};
use super::problem::{Column, Problem};
use super::special::{exp, log_sum_exp};
use super::stretch::Stretches;

/// Spreads of a burst's risk over its account's, in log units, and how common each is before bursts are seen. The first:
/// bursts are like all other openings.
pub const SPREADS: [(f64, f64); 4] = [(0.0, 0.55), (0.3, 0.25), (0.6, 0.15), (0.9, 0.05)];
/// Steps of the log of a burst's risk: from a fifth of its account's to thirty times it.
const STEPS: std::ops::RangeInclusive<i32> = -3..=7;
/// Length of a step.
const STEP: f64 = 0.5;
/// As with shops, multiples of this size get rare faster than a log-normal has them: else whoever opens a lot of blank
/// cards would pass for the host of a risky campaign.
const END: f64 = 6.0;
/// Shares of accounts with bursts that are sources when the spread is learned, and how common each is. Blank cards come in lots,
/// so it may be many; else the lots would make all bursts look uneven.
pub const SOURCES: [(f64, f64); 4] = [(0.002, 0.3), (0.01, 0.3), (0.03, 0.2), (0.1, 0.2)];

/// What a column's bursts say, by spread.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Log likelihood where one of its stretches, weighed by how sure it is one, has such a risk.
    pub logs: [f64; SPREADS.len()],
    /// Log chance to have been looked at, against bursts without a risk of their own.
    pub seen: [f64; SPREADS.len()],
}

/// Log weights of [`SPREADS`] before anything is learned.
pub fn first() -> [f64; SPREADS.len()] {
    SPREADS.map(|s| s.1.ln())
}

/// Chance that a column which expects so many harmed things is looked at: that it has two.
fn looked_at(expected: f64) -> f64 {
    1.0 - exp(-expected) * (1.0 + expected)
}

/// Log weights of the steps for each spread but the first.
fn weights() -> Vec<[f64; SPREADS.len()]> {
    let raw = |step: i32| {
        let x = f64::from(step) * STEP;
        let end = (x.exp() / END).powi(2);
        SPREADS.map(|(spread, _)| if spread > 0.0 { -0.5 * (x / spread).powi(2) - end } else { 0.0 })
    };
    let mut out: Vec<[f64; SPREADS.len()]> = STEPS.map(raw).collect();
    for i in 0..SPREADS.len() {
        let total = log_sum_exp(&out.iter().map(|w| w[i]).collect::<Vec<f64>>());
        out.iter_mut().for_each(|w| w[i] -= total);
    }
    out
}

/// Share of a column's honest harm by bin of opening, as far as it can have shown.
fn expected(p: &Problem, base: &Base, column: &Column) -> Vec<f64> {
    let mut out: Vec<f64> = (column.exposure.iter().enumerate())
        .map(|(t, n)| n * base.calendar.shown(p.horizon - p.middle(t)))
        .collect();
    let total: f64 = out.iter().sum::<f64>().max(1e-12);
    out.iter_mut().for_each(|x| *x /= total);
    out
}

/// The bursts of a column that met these things; `even` is its log likelihood without any, by frailty `constant`.
pub fn burst(
    p: &Problem,
    base: &Base,
    column: usize,
    things: &[Thing],
    stretches: &Stretches,
    constant: &[f64; FRAILTY.len()],
    even: f64,
) -> Burst {
    let mut out = Burst { logs: [even; SPREADS.len()], seen: [0.0; SPREADS.len()] };
    if stretches.windows.is_empty() {
        return out;
    }
    let prior = &base.frailty[column];
    let rare = prior.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE;
    let all = base.expected[column];
    let share = expected(p, base, &p.columns[column]);
    let mut before = vec![0.0; p.bins + 1];
    for (t, x) in share.iter().enumerate() {
        before[t + 1] = before[t] + x;
    }
    let likely: Vec<usize> = (0..FRAILTY.len()).filter(|i| prior[*i] > rare).collect();
    let weights = weights();
    let (mut logs, mut seen) = (vec![Vec::new(); SPREADS.len()], [0.0; SPREADS.len()]);
    let (mut terms, mut gains) = (Vec::new(), vec![0.0; p.bins + 1]);
    let mut alike = 0.0;
    for (step, weights) in STEPS.zip(&weights) {
        let times = (f64::from(step) * STEP).exp();
        terms.clear();
        let mut chance = 0.0;
        for &i in &likely {
            let (m, common) = (FRAILTY[i], exp(prior[i]));
            gains.fill(0.0);
            for x in things {
                if let Some((bin, _)) = x.before.first() {
                    let beta = m * x.beta;
                    gains[bin + 1] += ((x.rest + times * beta) / (x.rest + beta)).ln();
                }
            }
            for t in 0..p.bins {
                gains[t + 1] += gains[t];
            }
            for (a, b, w) in &stretches.windows {
                let more = m * all * (times - 1.0) * (before[b + 1] - before[*a]);
                terms.push(constant[i] + w.ln() + gains[b + 1] - gains[*a] - more);
                chance += common * w * looked_at(m * all + more);
            }
        }
        if step == 0 {
            alike = chance;
        }
        let log = log_sum_exp(&terms);
        for (i, weight) in weights.iter().enumerate().skip(1) {
            logs[i].push(log + weight);
            seen[i] += exp(*weight) * chance;
        }
    }
    let (none, some) = ((1.0 - stretches.any).max(1e-9).ln(), stretches.any.max(1e-9).ln());
    for i in 1..SPREADS.len() {
        out.logs[i] = log_sum_exp(&[none + even, some + log_sum_exp(&logs[i])]);
        let seen = (1.0 - stretches.any) * alike + stretches.any * seen[i];
        out.seen[i] = (seen.max(1e-300) / alike.max(1e-300)).ln();
    }
    out
}
