//! The honest side of a factor: what a column that leaked nothing can meet.
//!
//! No straw man: the column may be constantly riskier (frailty), feel the waves of its region less or
//! more than its neighbours (tilt), or be riskier for some months at the time of *harm* (a wave of its
//! own). A wave that spares the column's neighbours is rare.

use super::base::{Base, FRAILTY};
use super::calendar::{MONTH, month};
use super::kernel::{RARE, Thing};
use super::problem::{Clock, Problem};
use super::special::log_sum_exp;

/// How often an honest column's harm comes in a wave of its own: generous, since it protects.
const WAVE: f64 = 0.3;
/// The same of cards: those who misuse them do so in their own time, not in their shop's.
const WAVE_OF_CARDS: f64 = 0.05;
/// Extra risk inside a wave, in multiples of the base rate.
const SWELL: [f64; 4] = [2.0, 6.0, 18.0, 54.0];
/// How common each swell is.
const SWELL_SHARE: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
/// Share of waves that hit one column and spare its neighbours.
const LONELY: f64 = 0.005;
/// What a wave of the column alone counts for where nobody stands beside who would have felt it.
const UNHEARD: f64 = 0.05;
/// Harm expected of the neighbours at which half of all waves would be heard of.
const HEARD: f64 = 0.3;
/// Nats by which neighbours must speak for a wave of cards that the region does not show.
const FELT: f64 = 10.0;
/// Powers of the months' rise over an even flow, and how common each is: a column whose customers feel no
/// wave at all, or more than their neighbours.
const TILTS: [(f64, f64); 4] = [(0.0, 0.1), (0.5, 0.15), (1.0, 0.65), (1.5, 0.1)];
/// Longest wave, months.
const WAVE_MONTHS: usize = 4;

/// The honest side of one column.
pub struct Honest {
    /// Log likelihood without a wave, by frailty, prior included.
    pub constant: [f64; FRAILTY.len()],
    /// Log marginal likelihood over all frailties, with and without a wave.
    pub log: f64,
}

/// Share of a column's honest harm expected in each month.
fn expected_months(p: &Problem, base: &Base, column: usize) -> Vec<f64> {
    if p.clock == Clock::Calendar {
        return base.months[column].clone();
    }
    let months = base.calendar.months;
    let mut out = vec![0.0; months];
    for (t, n) in p.columns[column].exposure.iter().enumerate() {
        let opened = (t as f64 + 0.5) * p.bin_days;
        for (a, d) in base.calendar.age.iter().enumerate() {
            out[month(opened + (a as f64 + 0.5) * MONTH, months)] += n * d * MONTH;
        }
    }
    let total: f64 = out.iter().sum::<f64>().max(1e-12);
    out.iter().map(|x| x / total).collect()
}

/// Sums over every stretch of at most [`WAVE_MONTHS`] months.
fn stretches(by_month: &[f64]) -> impl Iterator<Item = f64> {
    (0..by_month.len()).flat_map(|start| {
        let months = by_month[start..].iter().take(WAVE_MONTHS);
        months.scan(0.0, |sum, x| {
            *sum += x;
            Some(*sum)
        })
    })
}

/// By month, log likelihood of what others met with a wave of that swell against none.
fn spared(met: &[(f64, f64)], swell: f64) -> Vec<f64> {
    met.iter().map(|(k, e)| k * (1.0 + swell).ln() - swell * e).collect()
}

/// How the months change, as ratios, when their rise over an even flow is raised to that power.
fn tilted(share: &[f64], power: f64) -> Vec<f64> {
    let n = share.len() as f64;
    let raw: Vec<f64> = share.iter().map(|s| (s * n).max(0.02).powf(power)).collect();
    let total: f64 = raw.iter().sum();
    raw.iter().zip(share).map(|(x, s)| x / total / s.max(0.02 / n)).collect()
}

/// Risks between those of [`FRAILTY`] that the honest side may take: a column with a hundred harmed things
/// tells a quarter more from none, and what lies between two steps must not count as a leak.
const BETWEEN: usize = 3;

/// The honest side of a column that met these things.
pub fn honest(p: &Problem, base: &Base, column: usize, things: &[Thing]) -> Honest {
    let prior = &base.frailty[column];
    let share = expected_months(p, base, column);
    let expected = base.expected[column];
    let peers = &base.peers[column];
    let wave = if p.clock == Clock::Age { WAVE_OF_CARDS } else { WAVE };
    let neighbours: f64 = peers.iter().map(|x| x.1).sum();
    let heard = neighbours / (neighbours + HEARD);
    // Every stretch of months, for each swell: what the neighbours say of it.
    let beside = SWELL.map(|swell| -> Vec<f64> {
        let near = spared(peers, swell);
        match base.around.get(column) {
            None => stretches(&near)
                .map(|x| LONELY + (1.0 - LONELY) * (heard * x.min(0.0).exp() + (1.0 - heard) * UNHEARD))
                .map(f64::ln)
                .collect(),
            // A burst that strikes the cards of one shop and spares its region is what a source looks like,
            // unless the neighbours felt it too.
            Some(around) => stretches(&near)
                .zip(stretches(&spared(around, swell)))
                .map(|(near, wide)| if near > FELT { 0.0 } else { wide.min(0.0) })
                .collect(),
        }
    });
    let waves = beside[0].len().max(1) as f64;
    // A shop's cards follow its own openings, which no tilt of the region's months describes.
    let tilts: Vec<(Vec<f64>, f64)> = match p.clock {
        Clock::Age => vec![(vec![1.0; share.len()], 0.0)],
        Clock::Calendar => {
            TILTS.iter().map(|(power, common)| (tilted(&share, *power), common.ln())).collect()
        }
    };
    let without = |m: f64, ratio: Option<&[f64]>| -> f64 {
        let gain = |x: &Thing| {
            let beta = m * x.beta * ratio.map_or(1.0, |r| r[x.month]);
            ((x.rest + beta) / (x.rest + x.beta)).ln()
        };
        -m * expected + things.iter().map(gain).sum::<f64>()
    };
    let mut constant = [0.0; FRAILTY.len()];
    let mut null = Vec::with_capacity((1 + TILTS.len() * BETWEEN) * FRAILTY.len());
    let mut terms = Vec::with_capacity(SWELL.len() * share.len() * WAVE_MONTHS);
    for (i, (m, w)) in FRAILTY.iter().zip(prior).enumerate() {
        constant[i] = w + without(*m, None);
        if *w < prior.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE {
            continue;
        }
        let next = FRAILTY.get(i + 1).map_or((*m, *w), |n| (*n, prior[i + 1]));
        for step in 0..BETWEEN {
            let part = step as f64 / BETWEEN as f64;
            let m = m.powf(1.0 - part) * next.0.powf(part);
            let w = w * (1.0 - part) + next.1 * part - (BETWEEN as f64).ln();
            for (ratio, common) in &tilts {
                null.push(w + without(m, Some(ratio)) + common + (1.0 - wave).ln());
            }
        }
        terms.clear();
        for ((swell, common), beside) in SWELL.iter().zip(SWELL_SHARE).zip(&beside) {
            let mut gain: Vec<f64> = share.iter().map(|s| -swell * m * expected * s).collect();
            for x in things {
                gain[x.month] += (swell * m * x.beta / (x.rest + m * x.beta)).ln_1p();
            }
            terms.extend(stretches(&gain).zip(beside).map(|(sum, shared)| sum + shared + common.ln()));
        }
        null.push(constant[i] + log_sum_exp(&terms) - waves.ln() + wave.ln());
    }
    Honest { constant, log: log_sum_exp(&null) }
}
