//! The honest risk: how many of a column's things would be harmed had it leaked nothing.
//!
//! Rates borrow strength from wide to narrow (everything, region, stratum), each level shrunk by
//! the spread seen among its groups, and each column is held against the *others*: its own things are
//! left out of the rate it is compared with, so a leak cannot raise its own base rate. What is left
//! of honest differences among columns is a log-normal frailty whose spread is fitted to all columns. A column that
//! serves a stratum nearly alone is held against what strata can be: its frailty then is the stratum's too.

use super::calendar::{self, Calendar, Own, month, shape};
use super::honest::Common;
use super::problem::{Clock, Column, Problem};
use super::special::{ln_gamma, log_sum_exp};
use crate::jobs;

/// Risk multipliers of the frailty: from a third of the base rate to thirty times it.
pub const FRAILTY: [f64; 10] = [0.35, 0.6, 1.0, 1.65, 2.7, 4.5, 7.4, 12.0, 20.0, 33.0];
/// The same, wider, where spreads are fitted.
const RISKS: [f64; 15] =
    [0.05, 0.08, 0.13, 0.21, 0.35, 0.6, 1.0, 1.65, 2.7, 4.5, 7.4, 12.0, 20.0, 33.0, 54.0];
/// Honest shops differ, but not without end: multiples of this size get rare faster than a log-normal has
/// them. Else an account that opens little but blank cards would pass for a risky shop.
const END: f64 = 6.0;
/// The same of cards, whose shops choose their customers less than outlets their neighbourhood.
const END_OF_CARDS: f64 = 3.5;
/// Share of honest columns whose risk is anything up to the last of [`FRAILTY`], for reasons nobody knows: who is
/// merely risky all the time is no source, however risky. Not of shops' cards: there the windows say so.
const ANYTHING: f64 = 0.002;
/// Spreads tried, in log units.
const SPREADS: [f64; 12] = [0.05, 0.12, 0.22, 0.35, 0.5, 0.65, 0.8, 1.0, 1.2, 1.4, 1.6, 1.9];
/// A common spread.
const COMMON: f64 = 0.4;
/// Part of the evidence that counts when spreads are weighed: columns share things, so they say less than as
/// many strangers would.
const SHARED: f64 = 0.5;

/// Base rates without the harm that sources explain.
pub struct Base {
    /// Expected harmed things of each column.
    pub expected: Vec<f64>,
    /// Log prior weights of [`FRAILTY`] by column: how much honest columns of its level differ, and how little
    /// others say of its strata.
    pub frailty: Vec<Vec<f64>>,
    /// The same of what is the column's own, by level, where the risk of its strata is taken for known.
    pub own: Vec<Vec<f64>>,
    /// The stratum that others say least of, what is expected of the column there, and the variance of the log of
    /// that stratum's risk.
    pub alone: Vec<(u32, f64, f64)>,
    /// Honest intensity per day of each touch's thing at the time of its harm, as the column sees it.
    pub beta: Vec<f64>,
    /// Share of the column's honest harm in each month; by calendar, also where harm runs by age.
    pub months: Vec<Vec<f64>>,
    /// Harm of everyone else in the column's strata by month: seen and expected.
    pub peers: Vec<Vec<(f64, f64)>>,
    /// The same of the column's whole regions; of cards only.
    pub around: Vec<Vec<(f64, f64)>>,
    /// When honest harm strikes.
    pub calendar: Calendar,
    /// What honest columns were seen to do.
    pub common: Common,
}

impl Base {
    /// Fits the base to harm weighted by `unexplained` (1 for every harmed thing at the start); `honest` is how
    /// likely each column is none of the sources, so that they do not make everybody's risk look uneven.
    pub fn fit(p: &Problem, unexplained: &[f64], honest: &[f64], threads: usize) -> Base {
        let all: Vec<usize> = (0..p.columns.len()).collect();
        let own = own_harm(p, unexplained);
        let counts = Counts::of(p, unexplained, &own);
        let spoken = calendar::spoken(p, unexplained);
        let calendar = Calendar::fit(p, &spoken);
        let rate = |room: &mut ByRegion, c: usize| -> Vec<f64> {
            let column = &p.columns[c];
            let whole = column.whole.map_or(c, |w| w as usize);
            let apart = counts.without(p, &p.columns[whole], &own[whole], room);
            if whole == c {
                return apart;
            }
            let all = &p.columns[whole].strata;
            let of = |s: u32| all.binary_search_by_key(&s, |x| x.0).map_or(0.0, |i| apart[i]);
            column.strata.iter().map(|(s, _)| of(*s)).collect()
        };
        let room = || ByRegion { sums: vec![None; counts.region.len()], met: Vec::new() };
        let rates: Vec<Vec<f64>> = jobs::map_in(threads, &all, room, |room, c| rate(room, *c));
        let of = |(c, rates): (&Column, &Vec<f64>)| {
            let all: f64 = c.strata.iter().zip(rates).map(|((_, n), rate)| n * rate).sum();
            calendar.ripe(p, c) * all
        };
        let expected: Vec<f64> = p.columns.iter().zip(&rates).map(of).collect();
        let doubt = jobs::map(threads, &all, |c| {
            let whole = p.columns[*c].whole.map_or(*c, |w| w as usize);
            counts.doubt(&p.columns[*c].strata, &rates[*c], &own[whole])
        });
        let seen: Vec<f64> = own.iter().map(|own| own.iter().map(|(_, k)| k).sum()).collect();
        let end = if p.clock == Clock::Age { END_OF_CARDS } else { END };
        let levels = p.columns.iter().map(|c| c.level as usize + 1).max().unwrap_or(1);
        let spreads: Vec<[f64; SPREADS.len()]> = (0..levels)
            .map(|level| {
                let of_level = |c: &usize| p.columns[*c].level as usize == level && expected[*c] > 1e-9;
                let seen: Vec<Seen> = (0..p.columns.len())
                    .filter(of_level)
                    .map(|c| Seen {
                        harmed: seen[c].round(),
                        expected: expected[c],
                        doubt: doubt[c].1 * doubt[c].1 * doubt[c].2,
                        weight: honest[c],
                    })
                    .collect();
                fit_spread(&seen, end, threads)
            })
            .collect();
        let of_level: Vec<Vec<f64>> = spreads.iter().map(|s| mixed(s, p.clock, end)).collect();
        let frailty = jobs::map(threads, &all, |c| {
            let (_, share, variance) = doubt[*c];
            frailty(&of_level[p.columns[*c].level as usize], share, variance)
        });
        let alone = doubt.iter().zip(&expected).map(|((s, share, v), e)| (*s, share * e, *v)).collect();
        let dated = own_dated(p, &spoken, calendar.months);
        let peers = peers(p, &rates, &own, &dated, &calendar, threads);
        let around = if p.clock == Clock::Age { regions(p, &dated, &calendar) } else { Vec::new() };
        let ranges = p.ranges();
        let of = |c: usize| {
            let range = ranges[c].clone();
            let mut beta = Vec::with_capacity(range.len());
            let column = &p.columns[c];
            let own = &dated[column.whole.map_or(c, |w| w as usize)];
            let of_strata: Vec<_> = column.strata.iter().map(|(s, _)| calendar.stratum(p, *s, own)).collect();
            for t in &p.touches[range] {
                let h = &p.harmed[t.harmed as usize];
                let (rate, d) = match column.strata.binary_search_by_key(&h.stratum, |s| s.0) {
                    Ok(i) => (rates[c][i], calendar.density(p, t.harmed, &of_strata[i])),
                    Err(_) => (1e-9, calendar.density(p, t.harmed, &calendar.stratum(p, h.stratum, own))),
                };
                beta.push((rate * h.risk * d).max(1e-15));
            }
            let mut share = vec![0.0; calendar.months];
            for (((_, n), rate), months) in column.strata.iter().zip(&rates[c]).zip(&of_strata) {
                share.iter_mut().zip(&**months).for_each(|(x, m)| *x += n * rate * m);
            }
            let total: f64 = share.iter().sum::<f64>().max(1e-12);
            share.iter_mut().for_each(|x| *x /= total);
            (beta, share)
        };
        let (mut beta, mut months) = (Vec::with_capacity(p.touches.len()), Vec::with_capacity(all.len()));
        // Touches stand in the order of columns.
        for (of_touches, of_months) in jobs::map(threads, &all, |c| of(*c)) {
            beta.extend(of_touches);
            months.push(of_months);
        }
        let common = Common::new(p.clock);
        Base { expected, frailty, own: of_level, alone, beta, months, peers, around, calendar, common }
    }
}

/// Weighted harm of each column by stratum and month.
fn own_dated(p: &Problem, unexplained: &[f64], months: usize) -> Vec<Own> {
    let mut out: Vec<Own> = vec![Vec::new(); p.columns.len()];
    let mut last = (u32::MAX, u32::MAX);
    for t in &p.touches {
        if (t.column, t.harmed) != last {
            last = (t.column, t.harmed);
            let h = &p.harmed[t.harmed as usize];
            out[t.column as usize].push((h.stratum, month(h.day, months), unexplained[t.harmed as usize]));
        }
    }
    out.iter_mut().for_each(|own| own.sort_by_key(|x| (x.0, x.1)));
    out
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
    /// Variance of the log of strata's risk within their region.
    variance: f64,
}

impl Counts {
    fn of(p: &Problem, unexplained: &[f64], own: &[Vec<(u32, f64)>]) -> Counts {
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
        let by: Vec<(f64, f64)> =
            (0..stratum.len()).map(|s| (stratum[s], p.strata[s].things * regional(s))).collect();
        let (stratum_shape, variance) = match p.clock {
            Clock::Calendar => (likely_shape(by.iter().copied()), spread_of(&by)),
            Clock::Age => {
                let shape = shared_shape(p, own, &regional);
                (shape, (1.0 / shape).ln_1p())
            }
        };
        Counts { stratum, region, all, region_shape, stratum_shape, variance }
    }

    /// How much of a column's expected harm hangs on the stratum that others say least of, and the variance of the
    /// log of that stratum's risk: where a clerk serves an outlet alone, nobody can tell the clerk's risk from
    /// the outlet's.
    fn doubt(&self, strata: &[(u32, f64)], rates: &[f64], own: &[(u32, f64)]) -> (u32, f64, f64) {
        let total: f64 = strata.iter().zip(rates).map(|((_, n), r)| n * r).sum::<f64>().max(1e-12);
        let each = strata.iter().zip(rates).zip(beside(strata, own)).map(|(((s, n), r), own)| {
            let others = (self.stratum[*s as usize] - own).max(0.0);
            (*s, n * r / total, self.variance / (1.0 + self.variance * others))
        });
        each.max_by(|a, b| (a.1 * a.1 * a.2).total_cmp(&(b.1 * b.1 * b.2))).unwrap_or((0, 0.0, 0.0))
    }

    /// The rate of each stratum of the column, from everyone else's things.
    fn without(&self, p: &Problem, column: &Column, own: &[(u32, f64)], room: &mut ByRegion) -> Vec<f64> {
        for ((s, n), own) in column.strata.iter().zip(beside(&column.strata, own)) {
            room.add(p.strata[*s as usize].region, own, *n);
        }
        let (ok, on) = room.met.iter().fold((0.0, 0.0), |a, r| {
            let (k, n) = room.of(*r);
            (a.0 + k, a.1 + n)
        });
        let rate = ((self.all.0 - ok).max(0.0) + 0.5) / ((self.all.1 - on).max(0.0) + 1.0);
        let rates = column.strata.iter().zip(beside(&column.strata, own)).map(|((s, n), own)| {
            let stratum = &p.strata[*s as usize];
            let (rk, rn) = room.of(stratum.region);
            let (k, m) = self.region[stratum.region as usize];
            let regional = rate * ((k - rk).max(0.0) + self.region_shape)
                / ((m - rn).max(0.0) * rate + self.region_shape);
            let (k, m) = (self.stratum[*s as usize] - own, stratum.things - n);
            regional * (k.max(0.0) + self.stratum_shape) / (m.max(0.0) * regional + self.stratum_shape)
        });
        let rates = rates.collect();
        room.clear();
        rates
    }
}

/// Harm and things of one column by region, and the regions in the order in which they were met.
struct ByRegion {
    sums: Vec<Option<(f64, f64)>>,
    met: Vec<u32>,
}

impl ByRegion {
    fn add(&mut self, region: u32, harm: f64, things: f64) {
        match &mut self.sums[region as usize] {
            Some(sum) => *sum = (sum.0 + harm, sum.1 + things),
            none => {
                *none = Some((harm, things));
                self.met.push(region);
            }
        }
    }

    fn of(&self, region: u32) -> (f64, f64) {
        self.sums[region as usize].unwrap_or((0.0, 0.0))
    }

    fn clear(&mut self) {
        self.met.drain(..).for_each(|r| self.sums[r as usize] = None);
    }
}

/// The column's own harm in each of its strata; both lists are in rising order of stratum.
fn beside(strata: &[(u32, f64)], own: &[(u32, f64)]) -> impl Iterator<Item = f64> {
    let mut at = 0;
    strata.iter().map(move |(s, _)| {
        while own.get(at).is_some_and(|x| x.0 < *s) {
            at += 1;
        }
        own.get(at).filter(|x| x.0 == *s).map_or(0.0, |x| x.1)
    })
}

/// Log weights of the risks for a log-normal of that spread and mean one.
fn weights(risks: &[f64], spread: f64, end: f64) -> Vec<f64> {
    let raw: Vec<f64> = risks
        .iter()
        .map(|m| {
            let z = (m.ln() + spread * spread / 2.0) / spread;
            (-z * z / 2.0 - (m / end).powi(2)).max(-60.0)
        })
        .collect();
    let total = log_sum_exp(&raw);
    raw.iter().map(|w| w - total).collect()
}

/// The frailty of a column whose own risk has these log weights, and whose expected harm hangs by that share on a
/// stratum of unknown risk. That risk has no end of its own: outlets differ as their neighbourhoods do.
fn frailty(own: &[f64], share: f64, variance: f64) -> Vec<f64> {
    let spread = variance.sqrt();
    let mut out = vec![0.0; FRAILTY.len()];
    for step in -7..=8 {
        let z = f64::from(step) / 2.0;
        let weight = (-z * z / 2.0).exp();
        let times = 1.0 - share + share * (z * spread - variance / 2.0).exp();
        for (m, w) in FRAILTY.iter().zip(own) {
            let at = m * times;
            let next = FRAILTY.partition_point(|x| *x <= at).clamp(1, FRAILTY.len() - 1);
            let (low, high) = (FRAILTY[next - 1], FRAILTY[next]);
            let part = ((at / low).ln() / (high / low).ln()).clamp(0.0, 1.0);
            out[next - 1] += weight * w.exp() * (1.0 - part);
            out[next] += weight * w.exp() * part;
        }
    }
    let total: f64 = out.iter().sum();
    out.iter().map(|x| (x / total).max(1e-26).ln()).collect()
}

/// Shapes tried for how strata differ within their region.
const SHAPES: [f64; 9] = [20.0, 10.0, 5.0, 3.0, 2.0, 1.2, 0.7, 0.4, 0.25];

/// The gamma's shape that fits the counts `k` of groups, expected to be `e`. A few strata that
/// hold a source do not make all of them look different.
fn likely_shape(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let pairs: Vec<(f64, f64)> = pairs.filter(|x| x.1 > 1e-9).map(|(k, e)| (k.round(), e)).collect();
    let log = |a: f64| -> f64 {
        let of = |(k, e): &(f64, f64)| {
            let common = ln_gamma(k + a) - ln_gamma(a) - ln_gamma(k + 1.0);
            let same = common + a * (a / (a + e)).ln() + k * (e / (a + e)).ln();
            log_sum_exp(&[(1.0 - STRANGERS).ln() + same, STRANGERS.ln() + stranger(*k, *e)])
        };
        pairs.iter().map(of).sum()
    };
    // The mean over the grid, since a step from one shape to the next would move every factor.
    let logs = SHAPES.map(log);
    let total = log_sum_exp(&logs);
    SHAPES.iter().zip(logs).map(|(a, l)| (l - total).exp() * a.ln()).sum::<f64>().exp()
}

/// The gamma's shape of what the shops of one stratum share, where each thing belongs to one shop: how the
/// surprises of one go with those of another. What a shop has of its own, a source too, says nothing of it.
fn shared_shape(p: &Problem, own: &[Vec<(u32, f64)>], regional: &dyn Fn(usize) -> f64) -> f64 {
    let mut sums = vec![(0.0, 0.0, 0.0, 0.0); p.strata.len()];
    for (column, own) in p.columns.iter().zip(own).filter(|(c, _)| c.whole.is_none()) {
        for ((s, n), k) in column.strata.iter().zip(beside(&column.strata, own)) {
            let e = n * regional(*s as usize);
            // No shop may speak louder than a rare chance.
            let more = (k - e).min(3.0 * e.sqrt() + 3.0);
            let x = &mut sums[*s as usize];
            *x = (x.0 + more, x.1 + more * more, x.2 + e, x.3 + e * e);
        }
    }
    let (with, size) = sums.iter().fold((0.0, 0.0), |a, x| (a.0 + x.0 * x.0 - x.1, a.1 + x.2 * x.2 - x.3));
    1.0 / (with / size.max(1e-9)).clamp(0.05, 4.0)
}

/// Share of columns that may be anything at all when the spread is fitted, so that a few sources do
/// not make everyone look risky; honest differences show in the bulk of the columns.
const STRANGERS: f64 = 0.03;

/// Log chance of `k` under a rate anywhere between the base and a thousand times it.
fn stranger(k: f64, e: f64) -> f64 {
    let constant = ln_gamma(k + 1.0);
    let terms: [f64; 14] = std::array::from_fn(|i| {
        let rate = e * (0.53 * i as f64).exp();
        k * rate.ln() - rate - constant
    });
    log_sum_exp(&terms) - 14f64.ln()
}

/// What a column met, for the fit of the spread.
struct Seen {
    harmed: f64,
    expected: f64,
    /// Variance of the log of what is expected.
    doubt: f64,
    weight: f64,
}

/// How likely each spread is, given the counts of all columns.
fn fit_spread(columns: &[Seen], end: f64, threads: usize) -> [f64; SPREADS.len()] {
    // Most columns' expectations are known, so that their weights are the same.
    let known = SPREADS.map(|s| weights(&RISKS, s, end));
    let each = jobs::map(threads, columns, |c| {
        let (k, e) = (c.harmed, c.expected);
        let constant = ln_gamma(k + 1.0);
        let risk = RISKS.map(|m| k * (m * e).ln() - m * e - constant);
        let strange = STRANGERS.ln() + stranger(k, e);
        std::array::from_fn::<f64, { SPREADS.len() }, _>(|i| {
            let own =
                (c.doubt > 0.0).then(|| weights(&RISKS, (SPREADS[i] * SPREADS[i] + c.doubt).sqrt(), end));
            let w = own.as_ref().unwrap_or(&known[i]);
            let terms: [f64; RISKS.len()] = std::array::from_fn(|j| risk[j] + w[j]);
            SHARED * c.weight * log_sum_exp(&[(1.0 - STRANGERS).ln() + log_sum_exp(&terms), strange])
        })
    });
    // Columns as even as dice and columns that differ without end are both rare; data overrule it.
    let mut logs = SPREADS.map(|s| -(s / COMMON).ln().powi(2) - s * s);
    for of_column in each {
        logs.iter_mut().zip(of_column).for_each(|(log, x)| *log += x);
    }
    let total = log_sum_exp(&logs);
    logs.map(|l| l - total)
}

/// Variance of the log of the risk that fits the counts `k` of strata, expected to be `e`.
fn spread_of(strata: &[(f64, f64)]) -> f64 {
    let seen: Vec<Seen> = strata
        .iter()
        .filter(|x| x.1 > 1e-9)
        .map(|(k, e)| Seen { harmed: k.round(), expected: *e, doubt: 0.0, weight: 1.0 })
        .collect();
    SPREADS.iter().zip(fit_spread(&seen, f64::INFINITY, 1)).map(|(s, likely)| s * s * likely.exp()).sum()
}

/// Log weights of the frailty grid, all spreads together as likely as each is.
fn mixed(spreads: &[f64; SPREADS.len()], clock: Clock, end: f64) -> Vec<f64> {
    let each: Vec<Vec<f64>> = SPREADS.iter().map(|s| weights(&FRAILTY, *s, end)).collect();
    (0..FRAILTY.len())
        .map(|i| {
            let mut terms: Vec<f64> = each.iter().zip(spreads).map(|(w, likely)| w[i] + likely).collect();
            if FRAILTY[i] > 1.0 && clock == Clock::Calendar {
                terms.push((ANYTHING / FRAILTY.len() as f64).ln());
            }
            log_sum_exp(&terms)
        })
        .collect()
}

/// What the column's neighbours met, month by month: a wave of fraud spares nobody in the outlet.
fn peers(
    p: &Problem,
    rates: &[Vec<f64>],
    own: &[Vec<(u32, f64)>],
    dated: &[Own],
    calendar: &Calendar,
    threads: usize,
) -> Vec<Vec<(f64, f64)>> {
    let of = |part: usize| {
        let c = p.columns[part].whole.map_or(part, |w| w as usize);
        let strata = &p.columns[c].strata;
        let total: f64 = strata.iter().map(|s| s.1).sum::<f64>().max(1e-9);
        let own_all: f64 = own[c].iter().map(|x| x.1).sum::<f64>().max(1e-9);
        let mut mine = vec![0.0; calendar.months];
        dated[c].iter().for_each(|x| mine[x.1] += x.2);
        let mut out = vec![(0.0, 0.0); calendar.months];
        let each = strata.iter().zip(&rates[c]).zip(beside(strata, &own[c]));
        for (((s, things), rate), i) in each {
            let part = things / total;
            let others = (p.strata[*s as usize].things - things).max(0.0);
            let (harm, share) = calendar.seen(p, *s);
            for (((out, harm), share), mine) in out.iter_mut().zip(harm).zip(share).zip(&mine) {
                out.0 += part * (harm - mine * i / own_all).max(0.0);
                out.1 += part * rate * others * share;
            }
        }
        out
    };
    jobs::map(threads, &(0..p.columns.len()).collect::<Vec<usize>>(), |c| of(*c))
}

/// What the shops of a column's regions met, month by month. Cards are used far from the shop and by others
/// than its customers: a wave that strikes one shop's cards and no other's is none.
fn regions(p: &Problem, dated: &[Own], calendar: &Calendar) -> Vec<Vec<(f64, f64)>> {
    let count = p.strata.iter().map(|s| s.region + 1).max().unwrap_or(0);
    let seen: Vec<Vec<(f64, f64)>> = (0..count).map(|r| calendar.seen_around(p, r)).collect();
    (0..p.columns.len())
        .map(|part| {
            let c = p.columns[part].whole.map_or(part, |w| w as usize);
            let mut mine = vec![0.0; calendar.months];
            dated[c].iter().for_each(|x| mine[x.1] += x.2);
            let mut out = vec![(0.0, 0.0); calendar.months];
            let mut of: Vec<u32> =
                p.columns[c].strata.iter().map(|s| p.strata[s.0 as usize].region).collect();
            of.sort_unstable();
            of.dedup();
            for r in of {
                let all: f64 = seen[r as usize].iter().map(|x| x.0).sum();
                let others = (all - mine.iter().sum::<f64>()).max(0.0);
                for (out, (k, share)) in out.iter_mut().zip(&seen[r as usize]) {
                    out.0 += k;
                    out.1 += others * share;
                }
            }
            out.iter_mut().zip(&mine).for_each(|(x, k)| x.0 = (x.0 - k).max(0.0));
            out
        })
        .collect()
}
