//! Touched because harmed, or harmed because touched: whoever takes the calls of people already harmed meets them shortly
//! before their reports, as does a seller whose goods are used at once.
//!
//! Both are held against touches and harm that have nothing to do with each other, so they can be held against one another. A leak:
//! what was touched in some window is harmed at some rate, after a delay; it must explain why the rest of what was touched stayed
//! without harm. A desk: of all who are harmed it meets some share, shortly before their reports, as long as it works there; it
//! must explain why the rest of the harmed were not met. Where an account sold evenly all year what is used within days,
//! the two say the same, and nothing is decided. A leak that came and went is told by its window, unless the
//! account may have stood in at a desk for that time: then the others would be seen to take calls at other times, or at the
//! same time, as many as it did. Strangers whom it looked up then without any harm are no callers: whom it serves, and when
//! it serves others, is held against both ([`Served`]).
//!
//! Always holds: harm that is dated by itself (an hour or more before its report) speaks for a leak alone; fewer than
//! [`LEAST`] reports tell nothing.
//! Blind to: a desk that was there once, for a while, with nobody else at it; followed-up reports.

use std::ops::RangeInclusive;

use super::kernel::{Scratch, Thing};
use super::problem::{Clock, Harmed, Problem, Touch};
use super::served::{Manner, Served};
use super::special::{exp, ln_gamma, log_sum_exp};
use super::windows::windows;

/// Days from a victim's call to the report: mean, shape of the gamma (1: exponential), how common (engineering values). Where
/// reports are filed some days after the call, as by a deadline, the days are alike; those of a leak are not.
const CALLS: [(f64, f64, f64); 8] = [
    (0.1, 1.0, 0.15),
    (0.3, 1.0, 0.15),
    (1.0, 1.0, 0.2),
    (3.0, 1.0, 0.15),
    (7.0, 1.0, 0.1),
    (2.0, 6.0, 0.05),
    (4.0, 6.0, 0.05),
    (7.0, 6.0, 0.15),
];
/// Mean days from a leak to the report, and how common: one leak in five is used within days.
const LEAKS: [(f64, f64); 9] = [
    (0.1, 0.02),
    (0.3, 0.04),
    (1.0, 0.07),
    (3.0, 0.07),
    (7.0, 0.16),
    (14.0, 0.16),
    (30.0, 0.16),
    (60.0, 0.16),
    (120.0, 0.16),
];
/// Rates at which what leaked becomes known harm, and shares of all victims that a desk meets: from, to, steps; with a
/// thousand victims a coarser grid would decide by its gaps.
const RATES: (f64, f64, usize) = (0.004, 1.2, 24);
const SHARES: (f64, f64, usize) = (0.001, 0.9, 28);
/// Harm within so many means of a touch may come of it.
const REACH: f64 = 3.0;
/// Leaks that went on for more than half of the time: rare, since a desk says the same where they are used at once.
const ALL_THE_TIME: f64 = 0.05;
/// Harm for which the common rate counts in each stratum and month.
const FEW: f64 = 3.0;
/// Days of a month.
const MONTH: f64 = 28.0;
/// With fewer victims the days tell nothing.
const LEAST: usize = 3;
/// Touches at these days before the report are neither calls nor what led to the harm, mostly: how often victims are met anyway.
const ANYWAY: (f64, f64) = (30.0, 90.0);
/// Bins on either side that are taken together where it is told how much an account touches.
const AROUND: usize = 4;
/// Touches for which the mean of all things counts when it is told how often one is touched (between one and three there is little
/// to choose; it was looked at on call centres with repeated callers).
const USUAL: f64 = 2.0;
/// Within so many means of the report lie most calls, and how many.
const NEAR: f64 = 2.0;
const MOST: f64 = 0.8;
/// So many others must have taken calls beside an account that stood in at a desk which was there for a while only.
const SEVERAL: usize = 4;
/// Each of them at least this part of its calls.
const LIKE: f64 = 0.25;
/// Nats by which a desk that nobody else was at loses for each squared spread: more than the half of a normal error, since desks do not vanish by
/// chance.
const SURELY: f64 = 1.5;
/// How unevenly desks take calls over time, as a share.
const UNEVEN: f64 = 0.3;
/// Bins that are taken together when the others' calls are looked for.
const TOGETHER: usize = 4;

/// What the days between an account's touches and the reports say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calls {
    /// Touches up to so many days before a report may be the victim's call.
    pub reach: f64,
    /// Victims whom it touched before their reports.
    pub all: u64,
    /// Those within reach.
    pub soon: u64,
    /// Log likelihood of a leak, of a desk at which the account always was, and of one at which it stood in for a while.
    pub logs: [f64; 3],
}

fn exponential(days: f64, mean: f64) -> f64 {
    if days > 0.0 { (-days / mean).exp() / mean } else { 0.0 }
}

/// Density of days from the call to the report.
fn call_density(days: f64, (mean, shape): (f64, f64)) -> f64 {
    if days <= 0.0 || shape == 1.0 {
        return exponential(days, mean);
    }
    let rate = shape / mean;
    (shape * rate.ln() + (shape - 1.0) * days.ln() - rate * days - ln_gamma(shape)).exp()
}

/// Days within which nearly all calls of that kind lie.
fn reach((mean, shape): (f64, f64)) -> f64 {
    (if shape == 1.0 { 5.0 } else { 2.5 } * mean).max(1.0)
}

fn steps((from, to, n): (f64, f64, usize)) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| from * f64::powf(to / from, i as f64 / (n - 1) as f64))
}

/// Whether a column touched enough things before harm that is not dated by itself.
pub fn undated(p: &Problem, dated: &[bool], column: u32) -> bool {
    let of_column = p.touches.chunk_by(|a, b| a.column == b.column).find(|t| t[0].column == column);
    of_column.is_some_and(|t| Met::all(p, t).iter().filter(|m| !dated[m.harmed]).count() >= LEAST)
}

/// What a column's touches say; `dated` tells of each harmed thing whether the harm itself is dated. Nothing where too few reports
/// are not.
pub fn calls(p: &Problem, dated: &[bool], column: u32, served: Option<&Served>) -> Option<Calls> {
    let touches = p.touches.chunk_by(|a, b| a.column == b.column).find(|t| t[0].column == column)?;
    let met: Vec<Met<'_>> = Met::all(p, touches);
    let waits: Vec<f64> = met.iter().filter(|m| !dated[m.harmed]).map(Met::wait).collect();
    if waits.len() < LEAST {
        return None;
    }
    let mut room = Scratch::new(p.bins, Clock::Calendar);
    let leak = as_leak(p, column, &met, &mut room);
    let met: Vec<Met<'_>> = met.into_iter().filter(|m| !dated[m.harmed]).collect();
    let ([desk, stint], kind) = as_desk(p, dated, (column, served), &met, &mut room);
    let reach = reach(kind);
    let soon = waits.iter().filter(|w| **w <= reach).count() as u64;
    Some(Calls { reach, all: waits.len() as u64, soon, logs: [leak, desk, stint] })
}

/// A harmed thing that a column touched before its harm.
struct Met<'a> {
    harmed: usize,
    day: f64,
    touches: Vec<&'a Touch>,
}

impl<'a> Met<'a> {
    fn all(p: &Problem, touches: &'a [Touch]) -> Vec<Met<'a>> {
        let of = |t: &'a [Touch]| {
            let (harmed, h) = (t[0].harmed as usize, &p.harmed[t[0].harmed as usize]);
            let before: Vec<&Touch> = t.iter().filter(|t| t.day < h.day).collect();
            (!before.is_empty() && !h.canary).then_some(Met { harmed, day: h.day, touches: before })
        };
        touches.chunk_by(|a, b| a.harmed == b.harmed).filter_map(of).collect()
    }

    /// Days from the last touch to the harm.
    fn wait(&self) -> f64 {
        self.touches.iter().map(|t| self.day - t.day).fold(f64::INFINITY, f64::min)
    }

    /// By bin, the largest that `of` gives for its touches.
    fn thing(&self, p: &Problem, beta: f64, of: impl Fn(&Touch) -> f64) -> Thing {
        let mut touches: Vec<(usize, f64)> = Vec::new();
        for t in &self.touches {
            let (bin, x) = (p.bin(t.day), of(t));
            match touches.last_mut() {
                Some(last) if last.0 == bin => last.1 = last.1.max(x),
                _ if x > 0.0 => touches.push((bin, x)),
                _ => {}
            }
        }
        Thing { beta, rest: 0.0, month: 0, stratum: 0, touches, before: Vec::new() }
    }
}

/// Log likelihood of a leak against none, over windows, rates and delays.
fn as_leak(p: &Problem, column: u32, met: &[Met<'_>], room: &mut Scratch) -> f64 {
    let risk = Risk::of(p);
    let beta: Vec<f64> = met.iter().map(|m| risk.at(p, m.harmed)).collect();
    let exposure = &p.columns[column as usize].exposure;
    let half = p.bins.div_ceil(2).min(p.bins - 1).max(1);
    // What leaked is not what happens anyway.
    let beside = |(first, last): (usize, usize), mean: f64| {
        let until = (last + 1) as f64 * p.bin_days + REACH * mean;
        let harmed = p.harmed.iter().filter(|h| h.day > first as f64 * p.bin_days && h.day < until).count();
        let leaked = |m: &&Met<'_>| {
            let led = |t: &&Touch| (first..=last).contains(&p.bin(t.day)) && m.day - t.day < REACH * mean;
            m.touches.iter().any(led)
        };
        // Nor is what was touched harmed twice.
        let (leaked, touched) = (met.iter().filter(leaked).count() as f64, &exposure[first..=last]);
        aside(harmed as f64, leaked) + aside(touched.iter().sum::<f64>().max(leaked), leaked)
    };
    let mut logs = Vec::new();
    for (mean, common) in LEAKS {
        let of = |t: &Touch, day: f64| t.weight * exponential(day - t.day, mean);
        let things: Vec<Thing> =
            met.iter().zip(&beta).map(|(m, b)| m.thing(p, *b, |t| of(t, m.day))).collect();
        let shown = |t: usize| 1.0 - exp(-(p.horizon - (t as f64 + 0.5) * p.bin_days).max(0.0) / mean);
        let ripe: Vec<f64> = exposure.iter().enumerate().map(|(t, n)| n * shown(t)).collect();
        for rate in steps(RATES) {
            let top = windows(room, p.bins, &things, 1.0, &ripe, rate);
            let (some, all) = (
                over_windows(room, p.bins, top, 1..=half),
                over_windows(room, p.bins, top, half + 1..=p.bins),
            );
            let some = some + beside(best_window(room, p.bins, top), mean);
            let all = all + beside(presence(p, column), mean);
            let log = log_sum_exp(&[some + (1.0 - ALL_THE_TIME).ln(), all + ALL_THE_TIME.ln()]);
            logs.push(log + common.ln());
        }
    }
    log_sum_exp(&logs) - (RATES.2 as f64).ln()
}

/// The mean over windows of these lengths, each as likely as each other, then each first bin.
fn over_windows(room: &Scratch, bins: usize, top: f64, lengths: RangeInclusive<usize>) -> f64 {
    let mut sum = 0.0;
    for a in 0..bins {
        for (len, x) in room.s[a * bins + a..(a + 1) * bins].iter().enumerate() {
            if lengths.contains(&(len + 1)) {
                sum += exp(x - top) / (bins - len) as f64;
            }
        }
    }
    top + (sum / (lengths.end() + 1 - lengths.start()) as f64).max(1e-300).ln()
}

/// First and last bin in which the column touched anything.
fn presence(p: &Problem, column: u32) -> (usize, usize) {
    let exposure = &p.columns[column as usize].exposure;
    let first = exposure.iter().position(|n| *n > 0.0).unwrap_or(0);
    (first, exposure.iter().rposition(|n| *n > 0.0).unwrap_or(p.bins - 1))
}

/// The window of all that it was at work.
fn at_work(p: &Problem, column: u32, room: &Scratch) -> f64 {
    let (first, last) = presence(p, column);
    room.s[first * p.bins + last]
}

/// The honest risk per day of each harmed thing: of its stratum, in the month of its harm in its region.
struct Risk {
    /// By stratum.
    rates: Vec<f64>,
    /// By region and month, share of harm per day.
    months: Vec<Vec<f64>>,
}

impl Risk {
    fn of(p: &Problem) -> Risk {
        let things: f64 = p.strata.iter().map(|s| s.things).sum();
        let rate = p.harmed.len() as f64 / things.max(1.0);
        let mut harm = vec![0.0; p.strata.len()];
        let n = (p.horizon / MONTH).ceil().max(1.0) as usize;
        let regions = p.strata.iter().map(|s| s.region as usize + 1).max().unwrap_or(0);
        let (mut all, mut by) = (vec![0.0; n], vec![vec![0.0; n]; regions]);
        for h in &p.harmed {
            let month = ((h.day / MONTH) as usize).min(n - 1);
            let stratum = h.stratum as usize;
            harm[stratum] += 1.0;
            all[month] += 1.0;
            by[p.strata[stratum].region as usize][month] += 1.0;
        }
        let days = |m: usize| (p.horizon - m as f64 * MONTH).clamp(1.0, MONTH);
        let total: f64 = all.iter().sum::<f64>().max(1.0);
        let smooth = |of: &Vec<f64>| -> Vec<f64> {
            let sum: f64 = of.iter().sum();
            (of.iter().zip(&all).enumerate())
                .map(|(m, (k, a))| {
                    let common = (a + FEW * days(m) / p.horizon) / (total + FEW);
                    (k + FEW * common) / (sum + FEW) / days(m)
                })
                .collect()
        };
        let rates = harm.iter().zip(&p.strata).map(|(k, s)| rate * (k + FEW) / (s.things * rate + FEW));
        Risk { rates: rates.collect(), months: by.iter().map(smooth).collect() }
    }

    fn at(&self, p: &Problem, harmed: usize) -> f64 {
        let h = &p.harmed[harmed];
        let months = &self.months[p.strata[h.stratum as usize].region as usize];
        let month = ((h.day / MONTH) as usize).min(months.len() - 1);
        (self.rates[h.stratum as usize] * h.risk * months[month]).max(1e-15)
    }
}

/// Log likelihoods of a desk against none, where it always was one and where it stood in, and the likeliest kind of call.
fn as_desk(
    p: &Problem,
    dated: &[bool],
    (column, served): (u32, Option<&Served>),
    met: &[Met<'_>],
    room: &mut Scratch,
) -> ([f64; 2], (f64, f64)) {
    let of = &p.columns[column as usize];
    let manner = Manner::of(p, column, served);
    let most = manner.often.iter().copied().fold(1e-12, f64::max);
    let active = activity(p, column, met);
    let steady = steady(p, column);
    let usual = |t: &Touch, stratum: u32, active: f64| {
        let bin = p.bin(t.day);
        (active * steady[bin] * manner.at(bin, stratum) / p.bin_days).max(1e-15)
    };
    let counted: Vec<usize> = (0..p.harmed.len()).filter(|h| !dated[*h] && !p.harmed[*h].canary).collect();
    let mut logs = Vec::new();
    let mut stints: Vec<Stint> = Vec::new();
    let mut best = (f64::NEG_INFINITY, CALLS[0]);
    for kind in CALLS {
        let calls = (kind.0, kind.1);
        let within = |(first, last): (usize, usize)| {
            let inside = |m: &&Met<'_>| (first..=last).contains(&p.bin(m.day - m.wait()));
            let soon = met.iter().filter(|m| m.wait() <= reach(calls)).filter(inside).count();
            aside(of.exposure[first..=last].iter().sum(), soon as f64)
        };
        let (common, all) = (kind.2.ln() - 2f64.ln(), within(presence(p, column)));
        // When victims called such a desk, and of which strata they are.
        let called: Vec<(usize, usize)> = (counted.iter().map(|h| &p.harmed[*h]))
            .filter(|h| h.day > kind.0)
            .map(|h| (p.bin(h.day - kind.0), h.stratum as usize))
            .collect();
        // Whom it serves: everybody alike, or those whom it touches anyway.
        for local in [false, true] {
            let part = |stratum: u32| if local { manner.often[stratum as usize] / most } else { 1.0 };
            for share in steps(SHARES) {
                let missed: Vec<f64> =
                    (0..p.strata.len()).map(|s| -(1.0 - share * part(s as u32)).ln() / share).collect();
                let mut victims = vec![0.0; p.bins];
                called.iter().for_each(|(bin, stratum)| victims[*bin] += missed[*stratum]);
                let thing = |(m, active): (&Met<'_>, &f64)| {
                    let stratum = p.harmed[m.harmed].stratum;
                    let part = part(stratum);
                    let times = part / (1.0 - share * part);
                    m.thing(p, 1.0, |t| {
                        t.weight * times * call_density(m.day - t.day, calls) / usual(t, stratum, *active)
                    })
                };
                let things: Vec<Thing> = met.iter().zip(&active).map(thing).collect();
                let top = windows(room, p.bins, &things, 1.0, &victims, share);
                let whole = at_work(p, column, room) + common + all;
                let window = best_window(room, p.bins, top);
                let log = over_windows(room, p.bins, top, 1..=p.bins) + common + within(window);
                logs.push(whole);
                if whole.max(log) > best.0 {
                    best = (whole.max(log), kind);
                }
                stints.push(Stint { log, calls, share, window });
            }
        }
    }
    let stint = stints.iter().max_by(|a, b| a.log.total_cmp(&b.log)).expect("there are kinds of calls");
    let others = others(p, dated, column, stint);
    let stint = log_sum_exp(&stints.iter().map(|s| s.log).collect::<Vec<f64>>()) + others;
    let steps = (SHARES.2 as f64).ln();
    ([log_sum_exp(&logs) - steps, stint - steps], (best.1.0, best.1.1))
}

/// Exposure by bin, as the mean of what lies around it: a bin that holds few touches holds the call itself, too.
fn steady(p: &Problem, column: u32) -> Vec<f64> {
    let exposure = &p.columns[column as usize].exposure;
    let (first, last) = presence(p, column);
    let mean = |t: usize| {
        exposure
            .get(around(t, first, last))
            .map_or(1.0, |some| some.iter().sum::<f64>() / some.len().max(1) as f64)
    };
    (0..p.bins).map(|t| mean(t).max(1e-3)).collect()
}

/// Bins around one, of those from a first to a last.
pub(super) fn around(t: usize, first: usize, last: usize) -> RangeInclusive<usize> {
    t.saturating_sub(AROUND).max(first)..=(t + AROUND).min(last)
}

/// How often others touch each of these things, against the mean of all things: who is dealt with often is touched often by
/// everyone, before a harm as at any other time.
fn activity(p: &Problem, column: u32, met: &[Met<'_>]) -> Vec<f64> {
    let others =
        || p.columns.iter().enumerate().filter(|(c, of)| *c != column as usize && of.whole.is_none());
    let things: f64 = p.strata.iter().map(|s| s.things).sum();
    let mean = others().map(|(_, c)| c.exposure.iter().sum::<f64>()).sum::<f64>() / things.max(1.0);
    let mut touched = vec![0.0; p.harmed.len()];
    // A thing counts once a bin, as exposure does.
    for once in
        p.touches.chunk_by(|a, b| (a.column, a.harmed, p.bin(a.day)) == (b.column, b.harmed, p.bin(b.day)))
    {
        if once[0].column != column && p.columns[once[0].column as usize].whole.is_none() {
            touched[once[0].harmed as usize] += once[0].weight;
        }
    }
    met.iter().map(|m| (touched[m.harmed] + USUAL) / (mean + USUAL)).collect()
}

/// What it says that so many of all have a cause of their own, and only the others happen anyway.
fn aside(all: f64, caused: f64) -> f64 {
    let anyway = all - caused;
    if anyway > 0.0 { caused + anyway * (anyway / all).ln() } else { caused }
}

/// An account that stood in at a desk in a window: that kind of calls, that share of the victims.
struct Stint {
    log: f64,
    calls: (f64, f64),
    share: f64,
    window: (usize, usize),
}

/// The best window.
fn best_window(room: &Scratch, bins: usize, top: f64) -> (usize, usize) {
    let at = room.s.iter().take(bins * bins).enumerate();
    at.filter(|(i, _)| i % bins >= i / bins)
        .find(|(_, x)| **x >= top)
        .map_or((0, bins - 1), |(i, _)| (i / bins, i % bins))
}

/// Log of how well all touches fit an account that stood in at a desk. Whoever stands in leaves the desk to somebody else: as
/// large a share of the victims is met shortly before their reports at all times. Or the desk was there for that time alone: then
/// several stood at it.
fn others(p: &Problem, dated: &[bool], column: u32, stint: &Stint) -> f64 {
    let reach = NEAR * stint.calls.0;
    let called = |h: &Harmed| p.bin((h.day - stint.calls.0).max(0.0));
    let counts = |h: usize| !dated[h] && !p.harmed[h].canary && p.harmed[h].day > ANYWAY.1;
    let mut victims = vec![0.0; p.bins];
    (0..p.harmed.len()).filter(|h| counts(*h)).for_each(|h| victims[called(&p.harmed[h])] += 1.0);
    let (mut soon, mut anyway) = (vec![0.0; p.bins], vec![0.0; p.bins]);
    let (mut mine, mut beside) = (0.0, Vec::new());
    for touches in p.touches.chunk_by(|a, b| a.column == b.column) {
        if p.columns[touches[0].column as usize].whole.is_some() {
            continue;
        }
        let mut own = (0.0, 0.0);
        for t in touches.iter().filter(|t| counts(t.harmed as usize)) {
            let h = &p.harmed[t.harmed as usize];
            let (bin, wait) = (called(h), h.day - t.day);
            let within = (stint.window.0..=stint.window.1).contains(&bin);
            if wait > 0.0 && wait <= reach {
                soon[bin] += 1.0;
                own.0 += if within { 1.0 } else { 0.0 };
            } else if (ANYWAY.0..ANYWAY.1).contains(&wait) {
                let part = reach / (ANYWAY.1 - ANYWAY.0);
                anyway[bin] += part;
                own.1 += if within { part } else { 0.0 };
            }
        }
        let more = own.0 - own.1;
        if touches[0].column == column {
            mine = more;
        } else if more > LEAST as f64 * f64::sqrt(own.1 + 1.0) {
            beside.push(more);
        }
    }
    if beside.iter().filter(|more| **more > LIKE * mine).count() >= SEVERAL {
        return 0.0;
    }
    let heard: Vec<usize> = (0..p.bins).filter(|t| *t as f64 * p.bin_days > ANYWAY.1).collect();
    let sum = |of: &[f64], bins: &[usize]| bins.iter().map(|t| of[*t]).sum::<f64>();
    let usual = (sum(&soon, &heard) - sum(&anyway, &heard)) / sum(&victims, &heard).max(1.0);
    let share = usual.max(MOST * stint.share).min(1.0);
    // By how much the calls fall short, in squared spreads.
    let short = |bins: &[usize]| {
        let calls = share * sum(&victims, bins);
        let expected = sum(&anyway, bins) + calls;
        let spread = (expected + (UNEVEN * calls).powi(2)).max(1.0);
        (expected - sum(&soon, bins)).max(0.0).powi(2) / spread
    };
    let months = heard.chunks(TOGETHER);
    let n = months.len() as f64;
    -SURELY * (months.map(short).sum::<f64>() - 0.5 * n).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::super::problem::{Column, Stratum};
    use super::*;

    const DAYS: f64 = 360.0;
    const PEOPLE: f64 = 20_000.0;
    const ACCOUNTS: u32 = 30;

    /// Accounts that look ten people up a week each, of whom a handful are harmed for other reasons.
    struct World {
        dice: Dice,
        p: Problem,
    }

    impl World {
        fn new(seed: u64) -> World {
            let bins = 52;
            let column =
                || Column { exposure: vec![10.0; bins], strata: vec![(0, 520.0)], ..Column::default() };
            let p = Problem {
                columns: (0..ACCOUNTS).map(|_| column()).collect(),
                strata: vec![Stratum { region: 0, things: PEOPLE }],
                harmed: Vec::new(),
                touches: Vec::new(),
                bins,
                bin_days: 7.0,
                horizon: DAYS,
                clock: Clock::Calendar,
            };
            let mut w = World { dice: Dice::new(seed), p };
            for _ in 0..600 {
                let day = w.dice.unit() * DAYS;
                w.harm(day);
            }
            w
        }

        /// Somebody who is harmed, and whom the accounts meet as they meet everyone.
        fn harm(&mut self, day: f64) {
            self.p.harmed.push(Harmed { day, stratum: 0, risk: 1.0, canary: false });
            for column in 0..ACCOUNTS {
                if self.dice.unit() < 520.0 / PEOPLE {
                    let at = self.dice.unit() * DAYS;
                    self.touch(column, self.p.harmed.len() - 1, at);
                }
            }
        }

        fn touch(&mut self, column: u32, harmed: usize, day: f64) {
            self.p.touches.push(Touch { column, harmed: harmed as u32, day, weight: 1.0 });
        }

        fn exponential(&mut self, mean: f64) -> f64 {
            -mean * (1.0 - self.dice.unit()).ln()
        }

        /// Of those harmed from and until then, this share calls the account, about so many days before their reports.
        fn takes_calls(&mut self, column: u32, (from, until): (f64, f64), share: f64, mean: f64) {
            for h in 0..600 {
                let day = self.p.harmed[h].day - self.exponential(mean);
                if day > 0.0 && (from..until).contains(&day) && self.dice.unit() < share {
                    self.touch(column, h, day);
                    let bin = self.p.bin(day);
                    self.p.columns[column as usize].exposure[bin] += 1.0;
                }
            }
        }

        /// Three in ten whom it looked up then are harmed, about so many days after.
        fn leaks(&mut self, column: u32, (from, until): (f64, f64), mean: f64) {
            for _ in 0..((until - from) / 7.0 * 10.0) as usize {
                if self.dice.unit() < 0.3 {
                    let day = from + self.dice.unit() * (until - from);
                    let after = self.exponential(mean);
                    self.harm(day + after);
                    self.touch(column, self.p.harmed.len() - 1, day);
                }
            }
        }

        /// How much likelier a leak makes what the account did than either desk.
        fn odds(&mut self, column: u32) -> f64 {
            self.odds_beside(column, None)
        }

        /// The same with what else it touched.
        fn odds_beside(&mut self, column: u32, served: Option<&Served>) -> f64 {
            let p = &mut self.p;
            p.touches.sort_by(|a, b| {
                (a.column, a.harmed).cmp(&(b.column, b.harmed)).then(a.day.total_cmp(&b.day))
            });
            let found = calls(p, &vec![false; p.harmed.len()], column, served).unwrap();
            let [leak, desk, stint] = found.logs;
            leak - desk.max(stint)
        }
    }

    #[test]
    fn a_desk_meets_a_part_of_all_victims_however_long_they_wait_to_report() {
        for mean in [0.3, 3.0, 7.0] {
            let mut w = World::new(1);
            (0..4).for_each(|c| w.takes_calls(c, (0.0, DAYS), 0.1, mean));
            for column in 0..4 {
                assert!(w.odds(column) < 1.5, "{mean} {column}: {}", w.odds(column));
            }
        }
    }

    #[test]
    fn a_leak_that_came_and_went_is_none_however_soon_it_is_used() {
        for mean in [1.0, 3.0, 7.0] {
            let mut w = World::new(2);
            w.leaks(0, (120.0, 180.0), mean);
            w.leaks(1, (200.0, 250.0), mean);
            for column in 0..2 {
                assert!(w.odds(column) > 5.0, "{mean} {column}: {}", w.odds(column));
            }
        }
    }

    #[test]
    fn whoever_stands_in_at_a_desk_is_no_leak() {
        for mean in [1.0, 7.0] {
            let mut w = World::new(3);
            for turn in 0..6 {
                let window = (f64::from(turn) * 60.0, f64::from(turn + 1) * 60.0);
                (0..4).for_each(|c| w.takes_calls(4 * turn + c, window, 0.15, mean));
            }
            let odds: Vec<f64> = (0..24).map(|c| w.odds(c)).collect();
            let mean_odds = odds.iter().sum::<f64>() / 24.0;
            assert!(mean_odds < 3.0 && odds.iter().all(|o| *o < 7.0), "{mean}: {odds:?}");
        }
    }

    #[test]
    fn strangers_in_numbers_are_no_callers() {
        let (from, until) = (120.0, 170.0);
        let mut w = World::new(5);
        // The town beyond the account's own customers.
        w.p.strata.push(Stratum { region: 0, things: 10.0 * PEOPLE });
        for h in 0..600 {
            w.p.harmed[h].stratum = u32::from(w.dice.unit() < 0.9);
        }
        let own: Vec<f64> = (0..520).map(|i| f64::from(i) * DAYS / 520.0).collect();
        let serve = |served: &mut Served| {
            own.iter().zip(0..).for_each(|(day, i)| served.add(i, 0, *day));
        };
        // Under one account five strangers a day are looked up, and a quarter of them is harmed later.
        let mut lent = Served::default();
        serve(&mut lent);
        for i in 0..250 {
            let day = from + f64::from(i) / 5.0;
            let bin = w.p.bin(day);
            w.p.columns[0].exposure[bin] += 1.0;
            if w.dice.unit() < 0.25 {
                let after = w.exponential(7.0);
                w.harm(day + after);
                w.p.harmed.last_mut().unwrap().stratum = 1;
                w.touch(0, w.p.harmed.len() - 1, day);
            } else {
                lent.add(10_000 + i as u32, 1, day);
            }
        }
        w.p.columns[0].strata.push((1, 250.0));
        let (by_the_year, by_the_time) = (w.odds(0), w.odds_beside(0, Some(&lent)));
        assert!(by_the_time > by_the_year + 20.0 && by_the_time > 20.0, "{by_the_year} {by_the_time}");
        // Under another the callers of a desk, and nobody else from beyond.
        let mut desk = Served::default();
        serve(&mut desk);
        w.takes_calls(1, (from, until), 0.5, 3.0);
        w.p.columns[1].strata.push((1, 40.0));
        assert!(w.odds_beside(1, Some(&desk)) < 0.0, "{}", w.odds_beside(1, Some(&desk)));
    }

    #[test]
    fn dated_harm_speaks_for_a_leak_alone() {
        let mut w = World::new(4);
        w.takes_calls(0, (0.0, DAYS), 0.1, 1.0);
        assert!(w.odds(0) < 0.0);
        assert_eq!(calls(&w.p, &vec![true; w.p.harmed.len()], 0, None), None);
    }
}
