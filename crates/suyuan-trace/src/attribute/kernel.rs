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
//! A leak shows in one of two ways: each thing is used after a delay, or the loot is sold and used as one
//! batch within weeks, whenever it was touched. The second looks like a wave of fraud, except that it
//! strikes only what was touched in the window.
//!
//! Of cards a leak may also fill one of the stretches in which the column touched more than it does otherwise ([`stretch`]).
//!
//! Things that were not harmed enter through the exposure counter alone.
//!
//! [`stretch`]: super::stretch

use super::base::{Base, FRAILTY};
use super::batch::{BATCH_MONTHS, Batch};
use super::bound::{bounds, bounds_of, untouched};
use super::calendar::month;
use super::delay::Delay;
use super::gaps;
use super::grid::{EVER, GRID, LENGTH, THETA, WAYS};
use super::habits::Habits;
use super::honest::{Common, Honest, honest};
use super::problem::{Clock, Problem};
use super::special::{exp, log_sum_exp};
use super::stretch::Stretches;
use super::windows::windows;

/// First bins whose windows are all less likely than this, in nats below the best, are not summed.
pub(super) const NEGLIGIBLE: f64 = 12.0;
/// Rates and frailties are summed until all others hold less than this share.
const REST: f64 = 1e-3;
/// The same of a column whose factor is surely below the one that is looked for.
const REST_OF_DULL: f64 = 0.02;
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
    /// Its stratum.
    pub stratum: u32,
    /// Touches that can explain it: bin and delay density (times the touch's weight), by time.
    pub touches: Vec<(usize, f64)>,
    /// Touches before its harm: bin and weight, by time; for loot sold in one batch the delay says nothing.
    pub before: Vec<(usize, f64)>,
}

/// What the factor gave.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Log Bayes factor, leak against none, with the grid as learned.
    pub log: f64,
    /// The same with the grid fixed in advance: an e-value, whatever was learned from these records.
    pub fixed: f64,
    /// Log likelihoods of the leak with either grid, and of the honest side; only bounds where it was not summed.
    pub sides: Option<(f64, f64, Honest)>,
    /// Not summed, since it is at most this.
    pub bounded: bool,
    /// Mean of `theta` where the bin lies in the window, given a leak used after a delay.
    pub on: Vec<f64>,
    /// The same where the loot is used as one batch in those months.
    pub batches: Vec<(Batch, Vec<f64>)>,
    /// The same by each pace other than the learned delay.
    pub paces: Vec<Vec<f64>>,
    /// Share of the learned delay and of each pace, and of what fills a stretch, given a leak.
    pub paced: Vec<f64>,
    pub filled: f64,
    /// Share of each point of the grid and way, given a leak.
    pub grid: [f64; WAYS],
    /// Chance of each bin to be the first of the leak, given one.
    pub starts: Vec<f64>,
    /// Chance of each bin to be its last.
    pub ends: Vec<f64>,
}

impl Factor {
    /// Mean of `theta` by bin however the leak came to light.
    pub fn window(&self) -> Vec<f64> {
        let mut out = self.on.clone();
        for on in self.batches.iter().map(|b| &b.1).chain(&self.paces) {
            out.iter_mut().zip(on).for_each(|(x, y)| *x += y);
        }
        out
    }

    /// The factor where honest columns are so.
    pub fn against(&mut self, common: &Common) {
        if let Some((learned, fixed, honest)) = &self.sides {
            let none = honest.log(common);
            (self.log, self.fixed) = (learned - none, fixed - none);
        }
    }

    /// A factor of a column that need not be looked at: at most this.
    pub fn below(log: f64, bins: usize) -> Factor {
        Factor {
            log,
            fixed: log,
            sides: None,
            bounded: true,
            on: vec![0.0; bins],
            batches: Vec::new(),
            paces: Vec::new(),
            paced: Vec::new(),
            filled: 0.0,
            grid: [0.0; WAYS],
            starts: vec![0.0; bins],
            ends: vec![0.0; bins],
        }
    }
}

/// Room for the sums, kept between columns.
#[derive(Default)]
pub struct Scratch {
    pub(super) s: Vec<f64>,
    /// By length, how common it is.
    pub(super) powers: Vec<[f64; LENGTH.len()]>,
    pub(super) norms: [f64; LENGTH.len()],
    /// No length is rarer than [`LENGTH`] has it.
    even: bool,
}

impl Scratch {
    /// Room for `bins` bins.
    ///
    /// A shop that opens bad cards evenly all the time is mostly a risky shop, whatever the reason: what stands out from
    /// its other times speaks for a source, so a window of cards that covers more than half of the records is rare.
    pub fn new(bins: usize, clock: Clock) -> Scratch {
        let seldom = |len: usize| if clock == Clock::Age && len >= bins.div_ceil(2) { EVER } else { 1.0 };
        let power = |len: usize, h: f64| seldom(len) * h.powi(len as i32);
        let norms =
            LENGTH.map(|h| (0..bins).map(|len| (bins - len) as f64 * power(len, h)).sum::<f64>().ln());
        Scratch {
            s: vec![0.0; bins * bins],
            powers: (0..bins).map(|len| LENGTH.map(|h| power(len, h))).collect(),
            norms,
            even: clock == Clock::Calendar,
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
                stratum: h.stratum,
                touches: Vec::new(),
                before: Vec::new(),
            });
        }
        let f = t.weight * delay.density(h.day - t.day);
        let thing = out.last_mut().expect("a thing was pushed above");
        let bin = p.bin(t.day);
        let lay = |list: &mut Vec<(usize, f64)>, x: f64| match list.last_mut() {
            Some(last) if last.0 == bin => last.1 = last.1.max(x),
            _ => list.push((bin, x)),
        };
        if f > 0.0 {
            lay(&mut thing.touches, f);
        }
        if h.day > t.day {
            lay(&mut thing.before, t.weight);
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
        .map(|(t, n)| n * delay.shown(p.horizon - p.middle(t)))
        .collect()
}

/// One frailty and rate, summed exactly: logs by length without weights, and by bin mean presence and the chance
/// of the first and the last.
pub(super) struct Cell {
    rate: usize,
    logs: [f64; LENGTH.len()],
    inside: Vec<[f64; LENGTH.len()]>,
    starts: Vec<[f64; LENGTH.len()]>,
    ends: Vec<[f64; LENGTH.len()]>,
}

impl Cell {
    /// The cell whose windows sum to `z` times the exponential of `top`: by first and by last bin.
    pub(super) fn of(
        rate: usize,
        top: f64,
        z: [f64; LENGTH.len()],
        norms: [f64; LENGTH.len()],
        mut starts: Vec<[f64; LENGTH.len()]>,
        mut ends: Vec<[f64; LENGTH.len()]>,
    ) -> Cell {
        let mut inside = vec![[0.0; LENGTH.len()]; starts.len()];
        let mut logs = [0.0; LENGTH.len()];
        for h in 0..LENGTH.len() {
            let sum = z[h].max(1e-300);
            logs[h] = top + sum.ln() - norms[h];
            let mut now = 0.0;
            for t in 0..starts.len() {
                now += starts[t][h];
                inside[t][h] = now / sum;
                now -= ends[t][h];
                starts[t][h] /= sum;
                ends[t][h] /= sum;
            }
        }
        Cell { rate, logs, inside, starts, ends }
    }
}

fn cell(room: &mut Scratch, bins: usize, way: &Way<'_>, m: f64, rate: usize) -> Cell {
    match way.filled {
        None if room.even => gaps::cell(room, way.things, m, way.ripe, rate),
        _ => dense(room, bins, way, m, rate),
    }
}

/// The same with every bin in the matrix.
fn dense(room: &mut Scratch, bins: usize, way: &Way<'_>, m: f64, rate: usize) -> Cell {
    let Way { things, ripe, filled, .. } = way;
    let all = windows(room, bins, things, m, ripe, THETA[rate]);
    let top = filled.map_or(all, |s| {
        s.windows.iter().map(|(a, b, _)| room.s[a * bins + b]).fold(f64::NEG_INFINITY, f64::max)
    });
    let mut starts = vec![[0.0; LENGTH.len()]; bins];
    let mut ends = vec![[0.0; LENGTH.len()]; bins];
    let mut z = [0.0; LENGTH.len()];
    match filled {
        // A stretch has the length that it has.
        Some(s) => {
            for (a, b, weight) in &s.windows {
                let x = exp(room.s[a * bins + b] - top) * weight;
                for sums in [&mut starts[*a], &mut ends[*b], &mut z] {
                    sums.iter_mut().for_each(|sum| *sum += x);
                }
            }
        }
        None => {
            for (a, begun) in starts.iter_mut().enumerate() {
                let row = &mut room.s[a * bins + a..(a + 1) * bins];
                if row.iter().all(|v| v - top < -NEGLIGIBLE) {
                    continue;
                }
                row.iter_mut().for_each(|v| *v = exp(*v - top));
                let mut sum = [0.0; LENGTH.len()];
                for ((w, ended), powers) in row.iter().zip(&mut ends[a..]).zip(&room.powers) {
                    let x = powers.map(|power| w * power);
                    sum = std::array::from_fn(|h| sum[h] + x[h]);
                    *ended = std::array::from_fn(|h| ended[h] + x[h]);
                }
                *begun = sum;
                z.iter_mut().zip(sum).for_each(|(z, x)| *z += x);
            }
        }
    }
    let norms = if filled.is_some() { [0.0; LENGTH.len()] } else { room.norms };
    Cell::of(rate, top, z, norms, starts, ends)
}

/// What a column touched, and how leaks go.
pub struct Touched<'a> {
    /// Its harmed things.
    pub things: &'a [Thing],
    /// Its ripe exposure by bin.
    pub ripe: &'a [f64],
    /// Log weights of the grid and way, as learned.
    pub weights: &'a [f64; WAYS],
    /// How leaks of cards go, as learned.
    pub habits: &'a Habits,
    /// Stretches of its touches that a leak may fill; of cards only.
    pub stretches: Option<&'a Stretches>,
    /// Things and ripe exposure by each pace other than the learned delay; of cards only.
    pub paces: &'a [(Vec<Thing>, Vec<f64>)],
}

/// The best log likelihood of a leak against none, over all its ways, windows and rates, where the honest risk is known.
pub fn best(
    p: &Problem,
    base: &Base,
    column: usize,
    things: &[Thing],
    ripe: &[f64],
    room: &mut Scratch,
) -> f64 {
    let sold = Batch::of(things, base.calendar.months);
    let sold = sold.iter().map(|b| best_way(p.bins, &b.things(things), &b.ripe(p, column), room));
    let batch = sold.fold(0.0, f64::max);
    batch.max(best_way(p.bins, things, ripe, room))
}

/// Steps by which the rate is moved for the better: with a thousand harmed things a rate half as large again costs a
/// hundred nats.
const STEPS: [f64; 4] = [1.5, 1.2, 1.08, 1.03];

/// The best over all windows and rates.
fn best_way(bins: usize, things: &[Thing], ripe: &[f64], room: &mut Scratch) -> f64 {
    let mut at = |theta: f64| windows(room, bins, things, 1.0, ripe, theta);
    let (mut rate, mut top) = (THETA[0], f64::NEG_INFINITY);
    for theta in THETA {
        let log = at(theta);
        if log > top {
            (rate, top) = (theta, log);
        }
    }
    for step in STEPS {
        for next in [rate * step, rate / step] {
            let log = at(next);
            if log > top {
                (rate, top) = (next, log);
            }
        }
    }
    top
}

/// How a leak comes to light.
#[derive(Clone, Copy)]
enum Shown {
    /// After the learned delay (0), or at a pace.
    After(usize),
    /// As that batch.
    Batch(usize),
}

/// One way in which a leak can come to light.
struct Way<'a> {
    things: &'a [Thing],
    ripe: &'a [f64],
    /// Log of how common it is, before anything is learned and as learned.
    share: f64,
    learned: f64,
    /// The stretches that it fills; any window where none.
    filled: Option<&'a Stretches>,
    shown: Shown,
}

impl Way<'_> {
    /// Where the weights of a rate begin.
    fn place(&self, rate: usize) -> usize {
        let batch = matches!(self.shown, Shown::Batch(_));
        if batch { GRID + rate * LENGTH.len() } else { rate * LENGTH.len() }
    }
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
    let Touched { things, ripe, weights, habits, stretches, paces } = touched;
    let prior = &base.frailty[column];
    let honest = honest(p, base, column, things, *stretches);
    let rare = prior.iter().copied().fold(f64::NEG_INFINITY, f64::max) - RARE;
    let months = base.calendar.months;
    // Cards are used at all ages in a wave as in a batch: nothing would tell the two apart.
    let batches = if p.clock == Clock::Age { Vec::new() } else { Batch::of(things, months) };
    let sold: Vec<(Vec<Thing>, Vec<f64>)> =
        batches.iter().map(|b| (b.things(things), b.ripe(p, column))).collect();
    // Ways in which a leak can come to light: after a delay at each pace, or as one batch.
    let after = std::iter::once((*things, *ripe)).chain(paces.iter().map(|(x, r)| (&x[..], &r[..])));
    let filled = stretches.filter(|s| s.any > 0.0);
    let first = Habits::new(paces.len());
    let mut ways: Vec<Way<'_>> = Vec::new();
    for (pace, (things, ripe)) in after.enumerate() {
        let shares = first.of(pace, filled).into_iter().zip(habits.of(pace, filled));
        for ((share, learned), filled) in shares.zip([None, filled]).filter(|x| x.0.0 > 0.0) {
            let (share, learned) = (share.ln(), learned.ln());
            ways.push(Way { things, ripe, share, learned, filled, shown: Shown::After(pace) });
        }
    }
    let share = -((BATCH_MONTHS.len() * months) as f64).ln();
    for (i, (things, ripe)) in sold.iter().enumerate() {
        ways.push(Way { things, ripe, share, learned: share, filled: None, shown: Shown::Batch(i) });
    }
    let common = super::grid::ways(p.clock);
    let mut order: Vec<(f64, usize, usize, usize)> = Vec::with_capacity(FRAILTY.len() * THETA.len());
    for (at, way) in ways.iter().enumerate() {
        let untouched = untouched(way.ripe);
        for (i, m) in FRAILTY.iter().enumerate().filter(|(i, _)| prior[*i] > rare) {
            let most = match way.filled {
                None => bounds(room, way.things, *m, way.ripe, &untouched),
                Some(s) => bounds_of(s, way.things, *m, way.ripe),
            };
            for (rate, most) in most.into_iter().enumerate() {
                let most = honest.constant[i]
                    + way.share
                    + common[way.place(rate)..][..LENGTH.len()].iter().sum::<f64>().ln()
                    + most;
                order.push((most, i, rate, at));
            }
        }
    }
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let known = weights.iter().zip(common).filter(|x| x.1 > 0.0);
    let gain = known.map(|(w, c)| w - c.ln()).fold(f64::NEG_INFINITY, f64::max);
    let bounds: Vec<f64> = order.iter().map(|x| x.0).collect();
    let better = ways.iter().map(|w| w.learned - w.share).fold(f64::NEG_INFINITY, f64::max);
    let most = log_sum_exp(&bounds) + gain + better;
    let none = honest.log(&base.common);
    let mut out = Factor { sides: Some((most, most, honest)), ..Factor::below(0.0, p.bins) };
    out.against(&base.common);
    if out.log < floor {
        return out;
    }
    out.bounded = false;
    let mut cells = Vec::new();
    let (mut fixed, mut learned) = (Vec::new(), Vec::new());
    // From the smallest up, so that a bound far above all others does not swallow them.
    let mut rest: Vec<f64> = bounds.iter().map(|b| (b - bounds[0]).exp()).collect();
    for n in (1..rest.len()).rev() {
        rest[n - 1] += rest[n];
    }
    for ((_, i, rate, way), rest) in order.iter().zip(&rest) {
        if !fixed.is_empty() {
            let (left, sum) = (rest.max(1e-300).ln() + bounds[0], log_sum_exp(&fixed));
            let dull = log_sum_exp(&[left, sum]) + gain + better - none < floor;
            if left < sum + if dull { REST_OF_DULL } else { REST }.ln() {
                break;
            }
        }
        let way = &ways[*way];
        let c = cell(room, p.bins, way, FRAILTY[*i], *rate);
        for (h, log) in c.logs.iter().enumerate() {
            let log = honest.constant[*i] + log;
            let cell = way.place(*rate) + h;
            fixed.push(log + way.share + common[cell].ln());
            learned.push(log + way.learned + weights[cell]);
        }
        cells.push((c, way));
    }
    let l1 = log_sum_exp(&learned);
    out.sides = Some((l1, log_sum_exp(&fixed), honest));
    out.against(&base.common);
    out.on = vec![0.0; p.bins];
    out.paces = vec![vec![0.0; p.bins]; paces.len()];
    let mut sold = vec![(0.0, vec![0.0; p.bins]); batches.len()];
    out.paced = vec![0.0; paces.len() + 1];
    for ((c, way), logs) in cells.iter().zip(learned.chunks(LENGTH.len())) {
        for (h, log) in logs.iter().enumerate() {
            let share = exp(log - l1);
            out.grid[way.place(c.rate) + h] += share;
            if let Shown::After(pace) = way.shown {
                out.paced[pace] += share;
            }
            out.filled += if way.filled.is_some() { share } else { 0.0 };
            let on = match way.shown {
                Shown::After(0) => &mut out.on,
                Shown::After(pace) => &mut out.paces[pace - 1],
                Shown::Batch(i) => {
                    sold[i].0 += share;
                    &mut sold[i].1
                }
            };
            if share > 1e-6 {
                for (on, inside) in on.iter_mut().zip(&c.inside) {
                    *on += share * THETA[c.rate] * inside[h];
                }
                out.starts.iter_mut().zip(&c.starts).for_each(|(x, s)| *x += share * s[h]);
                out.ends.iter_mut().zip(&c.ends).for_each(|(x, e)| *x += share * e[h]);
            }
        }
    }
    out.batches = (batches.into_iter().zip(sold))
        .filter(|(_, (weight, _))| *weight > 1e-3)
        .map(|(b, (_, on))| (b, on))
        .collect();
    out
}

#[cfg(test)]
mod tests {
    use super::super::grid::LENGTH_SHARE;
    use super::*;

    #[test]
    fn the_sum_over_gaps_is_the_sum_over_all_windows() {
        for case in 0..400usize {
            let bins = 1 + case * 7 % 23;
            let mut x = case as u64 + 1;
            let mut below = |n: u64| {
                x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(29) ^ 0x1405_7b7e_f767_814f;
                x % n
            };
            // From none that was touched to all.
            let often = below(5);
            let things: Vec<Thing> = (0..below(9))
                .map(|_| Thing {
                    beta: 1e-6 * (1 + below(900)) as f64,
                    rest: if below(3) == 0 { 2e-4 } else { 0.0 },
                    month: 0,
                    stratum: 0,
                    before: Vec::new(),
                    touches: (0..bins)
                        .map(|t| (below(8), t, 0.001 * below(30) as f64))
                        .filter(|x| x.0 < often)
                        .map(|x| (x.1, x.2))
                        .collect(),
                })
                .collect();
            let exposed = [0.0, 1.0, 40.0, 3e4][below(4) as usize];
            let ripe: Vec<f64> = (0..bins).map(|_| exposed * below(7) as f64).collect();
            let (shown, filled) = (Shown::After(0), None);
            let way = Way { things: &things, ripe: &ripe, share: 0.0, learned: 0.0, filled, shown };
            let mut room = Scratch::new(bins, Clock::Calendar);
            for rate in 0..THETA.len() {
                let want = dense(&mut room, bins, &way, 1.65, rate);
                let got = gaps::cell(&mut room, &things, 1.65, &ripe, rate);
                let near = |got: &[f64], want: &[f64]| {
                    got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-10 * w.abs().max(1.0))
                };
                assert!(near(&got.logs, &want.logs), "{case} {rate} {:?} {:?}", got.logs, want.logs);
                for t in 0..bins {
                    assert!(near(&got.inside[t], &want.inside[t]), "{case} {rate} {t}");
                    assert!(near(&got.starts[t], &want.starts[t]), "{case} {rate} {t}");
                    assert!(near(&got.ends[t], &want.ends[t]), "{case} {rate} {t}");
                }
            }
        }
    }

    #[test]
    fn no_sum_over_windows_exceeds_its_bound() {
        let bins = 9;
        let mut room = Scratch::new(bins, Clock::Calendar);
        for n in 1..30 {
            let things: Vec<Thing> = (0..n)
                .map(|i| Thing {
                    beta: 1e-5 * (1.0 + i as f64),
                    rest: if i % 3 == 0 { 2e-4 } else { 0.0 },
                    month: 0,
                    stratum: 0,
                    before: Vec::new(),
                    touches: (0..bins).filter(|t| (t * 7 + i * 5) % 4 == 0).map(|t| (t, 0.01)).collect(),
                })
                .collect();
            let ripe: Vec<f64> = (0..bins).map(|t| (t * t * n % 50) as f64).collect();
            for (rate, theta) in THETA.iter().enumerate() {
                let most = bounds(&room, &things, 1.65, &ripe, &untouched(&ripe))[rate];
                let way = Way {
                    things: &things,
                    ripe: &ripe,
                    share: 0.0,
                    learned: 0.0,
                    filled: None,
                    shown: Shown::After(0),
                };
                let logs = cell(&mut room, bins, &way, 1.65, rate).logs;
                let sum = log_sum_exp(
                    &logs.iter().zip(LENGTH_SHARE).map(|(l, share)| l + share.ln()).collect::<Vec<f64>>(),
                );
                assert!(sum <= most + 1e-9, "{n} {theta}: {sum} {most}");
            }
        }
    }
}
