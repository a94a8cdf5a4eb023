//! The honest side of a factor: what a column that leaked nothing can meet.
//!
//! No straw man: the column may be constantly riskier (frailty), feel the waves of its region less or
//! more than its neighbours (tilt), or be riskier for some months at the time of *harm* (a wave of its
//! own). A wave that spares the column's neighbours is rare. Of cards, a burst of openings may carry a risk of its own ([`burst`]).

use super::base::{Base, FRAILTY};
use super::burst::{self, Burst, SPREADS};
use super::calendar::{days, stock};
use super::kernel::{RARE, Thing};
use super::problem::{Clock, Problem};
use super::special::log_sum_exp;
use super::stretch::Stretches;

/// Shares of honest columns whose harm may come in a wave of their own, and how common each is: large ones, since
/// they protect, until many columns say otherwise.
const SHARES: [(f64, f64); 5] = [(0.003, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 0.3), (0.3, 0.56)];
/// The share before anything is learned: generous, since it protects.
pub const WAVE: f64 = 0.3;
/// The same of cards: those who misuse them do so in their own time, not in their shop's.
pub const WAVE_OF_CARDS: f64 = 0.05;
/// Share of columns that may be sources when the share of waves and the spread of risks are learned.
pub const SOURCES: f64 = 0.005;
/// Part of the evidence that counts when it is learned: neighbours share their waves.
const SHARED: f64 = 0.5;
/// Chance that a stretch of months holds a wave that all neighbours feel, before they are asked.
const TOLD: f64 = 1e-5;
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

/// The honest side of one column: log likelihoods.
#[derive(Clone, Copy, Debug)]
pub struct Honest {
    /// Without a wave, by frailty, its prior included.
    pub constant: [f64; FRAILTY.len()],
    /// Without a wave, over all frailties and tilts.
    even: f64,
    /// The same by how far bursts of openings differ in risk; of cards only.
    burst: Option<Burst>,
    /// In a wave of its own.
    wave: f64,
    /// In a wave that its neighbours felt, times the chance of one given what they met.
    told: f64,
}

/// What honest columns were seen to do.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    /// Share of them struck by waves of their own.
    pub waves: f64,
    /// Log weights of the spreads of their bursts' risk.
    pub bursts: [f64; SPREADS.len()],
}

impl Common {
    /// Before anything is learned.
    pub fn new(clock: Clock) -> Common {
        let waves = if clock == Clock::Age { WAVE_OF_CARDS } else { WAVE };
        Common { waves, bursts: burst::first() }
    }
}

impl Honest {
    /// Log marginal likelihood where honest columns are so.
    pub fn log(&self, common: &Common) -> f64 {
        let even = match &self.burst {
            None => self.even,
            Some(burst) => log_sum_exp(&std::array::from_fn::<f64, { SPREADS.len() }, _>(|i| {
                burst.logs[i] + common.bursts[i]
            })),
        };
        self.with(even, common.waves)
    }

    fn with(&self, even: f64, share: f64) -> f64 {
        log_sum_exp(&[even + (1.0 - share).ln(), self.wave + share.ln(), self.told])
    }

    /// Log likelihood of what is either so, or a source of that log likelihood, as is one column in so many.
    fn or_source(honest: f64, leak: f64, sources: f64) -> f64 {
        log_sum_exp(&[honest + (1.0 - sources).ln(), leak + sources.ln()])
    }
}

/// What fits all columns; these are their honest sides and the log likelihood that each leaked.
pub fn common<'a>(clock: Clock, columns: impl Iterator<Item = (&'a Honest, f64)> + Clone) -> Common {
    let mut out = Common::new(clock);
    if clock == Clock::Age {
        out.bursts = spread_of_bursts(columns.clone(), out.waves);
    }
    let mut logs = SHARES.map(|(_, common)| common.ln());
    for (honest, leak) in columns {
        for (sum, (share, _)) in logs.iter_mut().zip(SHARES) {
            let so = honest.log(&Common { waves: share, ..out });
            *sum += SHARED * (Honest::or_source(so, leak, SOURCES) - honest.even);
        }
    }
    let total = log_sum_exp(&logs);
    out.waves =
        SHARES.iter().zip(logs).map(|((share, _), l)| (l - total).exp() * share.ln()).sum::<f64>().exp();
    out
}

/// Log weights of the spreads of bursts, whatever the share of sources. Each card was opened by one account, so each account
/// speaks for itself.
fn spread_of_bursts<'a>(
    columns: impl Iterator<Item = (&'a Honest, f64)>,
    waves: f64,
) -> [f64; SPREADS.len()] {
    let mut logs = burst::SOURCES.map(|(_, common)| burst::first().map(|log| log + common.ln()));
    for (honest, leak) in columns {
        let Some(burst) = &honest.burst else { continue };
        let so: [f64; SPREADS.len()] =
            std::array::from_fn(|i| honest.with(burst.logs[i], waves) - burst.seen[i]);
        for (logs, (sources, _)) in logs.iter_mut().zip(burst::SOURCES) {
            for (sum, so) in logs.iter_mut().zip(so) {
                *sum += Honest::or_source(so, leak, sources) - honest.even;
            }
        }
    }
    let total = log_sum_exp(logs.as_flattened());
    std::array::from_fn(|i| log_sum_exp(&logs.map(|logs| logs[i])) - total)
}

/// Share of a column's honest harm expected in each month.
fn expected_months(p: &Problem, base: &Base, column: usize) -> Vec<f64> {
    if p.clock == Clock::Calendar {
        return base.months[column].clone();
    }
    stock(p, &p.columns[column].exposure, &base.calendar.age, base.calendar.months)
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

/// How the months change, as ratios, when their rise over an even `flow` is raised to that power.
fn tilted(share: &[f64], flow: &[f64], power: f64) -> Vec<f64> {
    let raw: Vec<f64> = share.iter().zip(flow).map(|(s, d)| d * (s / d).max(0.02).powf(power)).collect();
    let total: f64 = raw.iter().sum();
    raw.iter().zip(share.iter().zip(flow)).map(|(x, (s, d))| x / total / s.max(0.02 * d)).collect()
}

/// Risks between those of [`FRAILTY`] that the honest side may take: a column with a hundred harmed things
/// tells a quarter more from none, and what lies between two steps must not count as a leak.
const BETWEEN: usize = 3;

/// So many ratios of risks can be multiplied before their logarithm is taken.
const REACH: usize = 48;

/// What a column met, with its part of each thing's intensity beside what others explain.
struct Met {
    /// By month, things of which nobody else explains anything: a change of the honest risk changes them all alike.
    alone: Vec<f64>,
    /// The others: month, and the parts of the others and of the honest risk; they sum to one.
    shared: Vec<(usize, f64, f64)>,
}

impl Met {
    fn of(things: &[Thing], months: usize) -> Met {
        let mut met = Met { alone: vec![0.0; months], shared: Vec::new() };
        for x in things {
            if x.rest <= 0.0 {
                met.alone[x.month] += 1.0;
            } else {
                let all = x.rest + x.beta;
                met.shared.push((x.month, x.rest / all, x.beta / all));
            }
        }
        met
    }

    /// The log of how much likelier the things are where the honest risk is that many times as high in their month: ratios
    /// are multiplied as far as numbers reach, since most of the time goes into logarithms.
    fn shared(&self, times: impl Fn(usize) -> f64) -> f64 {
        let ratio = |x: &(usize, f64, f64)| x.1 + times(x.0) * x.2;
        self.shared.chunks(REACH).map(|some| some.iter().map(ratio).product::<f64>().ln()).sum()
    }

    /// Where it is that many times as high at all times.
    fn gain(&self, m: f64) -> f64 {
        self.alone.iter().sum::<f64>() * m.ln() + self.shared(|_| m)
    }

    /// The same where its months change by these ratios, of which the logarithms are given too.
    fn tilted(&self, m: f64, ratio: &[f64], rise: &[f64]) -> f64 {
        let alone: f64 = self.alone.iter().zip(rise).map(|(n, r)| n * (m.ln() + r)).sum();
        alone + self.shared(|month| m * ratio[month])
    }

    /// Adds to each month what a swell there explains.
    fn swell(&self, m: f64, swell: f64, gain: &mut [f64]) {
        let all = swell.ln_1p();
        gain.iter_mut().zip(&self.alone).for_each(|(gain, n)| *gain += n * all);
        let mut products = vec![1.0; gain.len()];
        for some in self.shared.chunks(REACH) {
            some.iter()
                .for_each(|(month, rest, own)| products[*month] *= 1.0 + swell * m * own / (rest + m * own));
            for (gain, product) in gain.iter_mut().zip(&mut products).filter(|x| *x.1 > 1.0) {
                *gain += std::mem::replace(product, 1.0f64).ln();
            }
        }
    }
}

/// The honest side of a column that met these things.
pub fn honest(
    p: &Problem,
    base: &Base,
    column: usize,
    things: &[Thing],
    bursts: Option<&Stretches>,
) -> Honest {
    let prior = &base.frailty[column];
    let share = expected_months(p, base, column);
    let expected = base.expected[column];
    let peers = &base.peers[column];
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
    let told = match p.clock {
        Clock::Calendar => told(peers),
        Clock::Age => SWELL.map(|_| vec![f64::NEG_INFINITY; beside[0].len()]),
    };
    // An even flow, as far as months lie within the records.
    let flow: Vec<f64> = (0..share.len()).map(|m| days(p, m)).collect();
    let all: f64 = flow.iter().sum();
    let flow: Vec<f64> = flow.iter().map(|d| d / all).collect();
    // A shop's cards follow its own openings, which no tilt of the region's months describes.
    let tilts: Vec<(Vec<f64>, f64)> = match p.clock {
        Clock::Age => vec![(vec![1.0; share.len()], 0.0)],
        Clock::Calendar => {
            TILTS.iter().map(|(power, common)| (tilted(&share, &flow, *power), common.ln())).collect()
        }
    };
    let met = Met::of(things, share.len());
    let rises: Vec<Vec<f64>> =
        tilts.iter().map(|(ratio, _)| ratio.iter().map(|r| r.ln()).collect()).collect();
    let without = |m: f64| -m * expected + met.gain(m);
    let mut constant = [0.0; FRAILTY.len()];
    let (mut even, mut wave, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    let (mut terms, mut spoken) = (Vec::new(), Vec::new());
    for (i, (m, w)) in FRAILTY.iter().zip(prior).enumerate() {
        constant[i] = w + without(*m);
        if *w < prior.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE {
            continue;
        }
        let next = FRAILTY.get(i + 1).map_or((*m, *w), |n| (*n, prior[i + 1]));
        for step in 0..BETWEEN {
            let part = step as f64 / BETWEEN as f64;
            let m = m.powf(1.0 - part) * next.0.powf(part);
            let w = w * (1.0 - part) + next.1 * part - (BETWEEN as f64).ln();
            for ((ratio, common), rise) in tilts.iter().zip(&rises) {
                even.push(w - m * expected + met.tilted(m, ratio, rise) + common);
            }
        }
        terms.clear();
        spoken.clear();
        for (((swell, common), beside), told) in SWELL.iter().zip(SWELL_SHARE).zip(&beside).zip(&told) {
            let mut gain: Vec<f64> = share.iter().map(|s| -swell * m * expected * s).collect();
            met.swell(*m, *swell, &mut gain);
            for ((sum, beside), told) in stretches(&gain).zip(beside).zip(told) {
                terms.push(sum + beside + common.ln());
                spoken.push(sum + told);
            }
        }
        wave.push(constant[i] + log_sum_exp(&terms) - waves.ln());
        heard.push(constant[i] + log_sum_exp(&spoken));
    }
    let even = match alone(p, base, column, things) {
        Some(alone) => log_sum_exp(&[log_sum_exp(&even), alone]) - 2f64.ln(),
        None => log_sum_exp(&even),
    };
    let burst = bursts.map(|s| burst::burst(p, base, column, things, s, &constant, even));
    Honest { constant, even, burst, wave: log_sum_exp(&wave), told: log_sum_exp(&heard) }
}

/// Steps of the stratum's risk on either side of its middle, each half a spread.
const STEPS: i32 = 7;
/// Variance of the log of what is expected below which a stratum counts as known.
const KNOWN: f64 = 0.01;
/// No honest column has more than this many times the risk that is expected of it, its own and its stratum's together:
/// else one who sold everybody it knew, and served them alone, would pass for unlucky.
const UTMOST: f64 = 33.0;

/// Without a wave, where the stratum that the column serves nearly alone may have any risk that strata have: all that
/// was harmed there is then as much as can be expected, and what the column touched elsewhere is not.
fn alone(p: &Problem, base: &Base, column: usize, things: &[Thing]) -> Option<f64> {
    let (stratum, there, variance) = base.alone[column];
    let expected = base.expected[column].max(1e-12);
    if (there / expected).powi(2) * variance < KNOWN {
        return None;
    }
    let own = &base.own[p.columns[column].level as usize];
    let rare = own.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE;
    let total: f64 = (-STEPS..=STEPS + 1).map(|s| (-f64::from(s * s) / 8.0).exp()).sum();
    // Here the first month stands for the stratum, the second for all others.
    let place = |x: &Thing| Thing {
        month: usize::from(x.stratum != stratum),
        touches: Vec::new(),
        before: Vec::new(),
        ..*x
    };
    let met = Met::of(&things.iter().map(place).collect::<Vec<Thing>>(), 2);
    let mut terms = Vec::new();
    for step in -STEPS..=STEPS + 1 {
        let z = f64::from(step) / 2.0;
        let times = (z * variance.sqrt() - variance / 2.0).exp();
        for (m, w) in FRAILTY.iter().zip(own).filter(|(m, w)| **w > rare && **m * times <= UTMOST) {
            let gain = met.tilted(*m, &[times, 1.0], &[times.ln(), 0.0]);
            terms.push(w - z * z / 2.0 - m * (expected - there + times * there) + gain);
        }
    }
    (!terms.is_empty()).then(|| log_sum_exp(&terms) - total.ln())
}

/// Log chance of each stretch and swell, given what the neighbours met.
fn told(peers: &[(f64, f64)]) -> [Vec<f64>; SWELL.len()] {
    let mut out = SWELL.map(|swell| -> Vec<f64> { stretches(&spared(peers, swell)).collect() });
    let mut all = vec![0.0];
    for (of_swell, common) in out.iter_mut().zip(SWELL_SHARE) {
        of_swell.iter_mut().for_each(|x| *x += (TOLD * common).ln());
        all.extend_from_slice(of_swell);
    }
    let total = log_sum_exp(&all);
    out.iter_mut().for_each(|of_swell| of_swell.iter_mut().for_each(|x| *x -= total));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_agrees_with_the_plain_sums() {
        let things: Vec<Thing> = (0..300)
            .map(|i| Thing {
                beta: 1e-6 * (1.0 + (i * 7 % 50) as f64),
                rest: if i % 3 == 0 { 1e-6 * (i % 70) as f64 } else { 0.0 },
                month: i % 4,
                stratum: 0,
                touches: Vec::new(),
                before: Vec::new(),
            })
            .collect();
        let met = Met::of(&things, 4);
        let ratio = [0.3, 1.0, 2.0, 0.02];
        for m in FRAILTY {
            let tilt = |x: &Thing| ((x.rest + m * ratio[x.month] * x.beta) / (x.rest + x.beta)).ln();
            let want: f64 = things.iter().map(tilt).sum();
            assert!((met.tilted(m, &ratio, &ratio.map(f64::ln)) - want).abs() < 1e-9 * want.abs());
            let want: f64 = things.iter().map(|x| ((x.rest + m * x.beta) / (x.rest + x.beta)).ln()).sum();
            assert!((met.gain(m) - want).abs() < 1e-9 * want.abs().max(1.0));
            for swell in SWELL {
                let (mut got, mut want) = ([-1.0; 4], [-1.0; 4]);
                met.swell(m, swell, &mut got);
                things
                    .iter()
                    .for_each(|x| want[x.month] += (swell * m * x.beta / (x.rest + m * x.beta)).ln_1p());
                got.iter().zip(want).for_each(|(g, w)| assert!((g - w).abs() < 1e-9 * w.abs()));
            }
        }
    }
}
