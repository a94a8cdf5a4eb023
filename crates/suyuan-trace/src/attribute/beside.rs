//! Who works beside a source: accounts that look at the same records while it leaks, and at no other time.
//!
//! A supervisor or a back office touches a clerk's customers all year: that is work. A partner touches them
//! only while the leak runs. So for every other account the share of the source's touches that it repeats
//! within a day, inside the leak's window, is held against the same share outside: a binomial tail in log
//! space, divided by the number of accounts compared (Bonferroni). No harm is used, so this is evidence of
//! its own kind.
//!
//! Always holds: an account that repeats as much outside the window as inside is never named; nor is one that
//! was hardly at work outside it, such as a new colleague: only days between its first and its last look-up of
//! anything are held against it.
//! Blind to: which of the two led; an innocent account that began to shadow all of the other's work with
//! the leak; a partner whose account was made for it. It says "the same records", not "guilty".

use std::collections::{BTreeMap, BTreeSet};

use super::special::{ln_gamma, log_sum_exp};

/// A touch of a thing that the source touched, by whomever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// The thing.
    pub thing: u32,
    /// Day since the start.
    pub day: i64,
    /// Who.
    pub column: u32,
}

/// An account that repeats a source's touches inside its window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner {
    /// Who.
    pub column: u32,
    /// Touches of the source inside the window that it repeats, of how many.
    pub inside: (u64, u64),
    /// The same outside.
    pub outside: (u64, u64),
    /// Log chance of as many under its share outside, times the accounts compared.
    pub log_chance: f64,
}

/// A repeat comes at most so many days apart.
const APART: i64 = 1;
/// Chance at which a partner is named, all accounts compared.
const CHANCE: f64 = 1e-3;
/// Least share of the source's touches that a partner repeats.
pub const SHARE: f64 = 0.3;
/// It must exceed the share outside by this factor, the latter taken as at least [`FLOOR`].
const RATIO: f64 = 3.0;
const FLOOR: f64 = 0.02;
/// With fewer of the source's touches outside the window while the other was at work, there is nothing to compare.
const OUTSIDE: u64 = 20;

/// Whether one touch repeats another.
pub fn near(day: i64, other: i64) -> bool {
    (day - other).abs() <= APART
}

/// Partners of `source`, most telling first. `visits` holds all touches of the things that it touched, sorted;
/// `present` tells an account's first and last day at work.
pub fn beside(
    source: u32,
    window: (f64, f64),
    visits: &[Visit],
    present: &dyn Fn(u32) -> (i64, i64),
) -> Vec<Partner> {
    let mut counts: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let (mut inside, mut outside) = (0, Vec::new());
    for of_thing in visits.chunk_by(|a, b| a.thing == b.thing) {
        let days: BTreeSet<i64> = of_thing.iter().filter(|v| v.column == source).map(|v| v.day).collect();
        for day in days {
            let within = window.0 <= day as f64 && (day as f64) < window.1;
            if within {
                inside += 1;
            } else {
                outside.push(day);
            }
            let repeats = |v: &&Visit| v.column != source && near(v.day, day);
            for column in of_thing.iter().filter(repeats).map(|v| v.column).collect::<BTreeSet<u32>>() {
                let slot = counts.entry(column).or_default();
                *(if within { &mut slot.0 } else { &mut slot.1 }) += 1;
            }
        }
    }
    outside.sort_unstable();
    let while_at_work = |column: u32| {
        let (first, last) = present(column);
        outside.iter().filter(|d| first - APART <= **d && **d <= last + APART).count() as u64
    };
    let compared = counts.values().filter(|c| c.0 > 0).count() as f64;
    let mut out: Vec<Partner> = counts
        .into_iter()
        .filter(|(_, c)| c.0 > 0)
        .map(|(column, (k, other))| {
            let outside = while_at_work(column);
            let rate = (other as f64 + 1.0) / (outside as f64 + 2.0);
            let log_chance = tail(k, inside, rate) + compared.ln();
            Partner { column, inside: (k, inside), outside: (other, outside), log_chance }
        })
        .filter(|p| {
            let (here, there) = (share(p.inside), share(p.outside));
            p.outside.1 >= OUTSIDE
                && p.log_chance < CHANCE.ln()
                && here > SHARE
                && here > RATIO * there.max(FLOOR)
        })
        .collect();
    out.sort_by(|a, b| a.log_chance.total_cmp(&b.log_chance).then(a.column.cmp(&b.column)));
    out
}

/// Whether anybody repeats more than [`SHARE`] of the touches of `source` in the window; else nobody is a partner. `visits` are
/// as for [`beside`], of which those that lie further than a day from the window may be missing.
pub fn repeated(source: u32, window: (f64, f64), visits: &[Visit]) -> bool {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let mut inside = 0;
    for of_thing in visits.chunk_by(|a, b| a.thing == b.thing) {
        let of_source = of_thing.iter().filter(|v| v.column == source).map(|v| v.day);
        let days: BTreeSet<i64> =
            of_source.filter(|d| window.0 <= *d as f64 && (*d as f64) < window.1).collect();
        for day in days {
            inside += 1;
            let repeats = |v: &&Visit| v.column != source && near(v.day, day);
            for column in of_thing.iter().filter(repeats).map(|v| v.column).collect::<BTreeSet<u32>>() {
                *counts.entry(column).or_default() += 1;
            }
        }
    }
    counts.values().any(|k| share((*k, inside)) > SHARE)
}

fn share((k, n): (u64, u64)) -> f64 {
    k as f64 / n.max(1) as f64
}

/// Log chance of `k` or more of `n` at that rate.
fn tail(k: u64, n: u64, rate: f64) -> f64 {
    let (n, rate) = (n as f64, rate.clamp(1e-9, 1.0 - 1e-9));
    let terms: Vec<f64> = (k..=n as u64)
        .map(|j| {
            let j = j as f64;
            let ways = ln_gamma(n + 1.0) - ln_gamma(j + 1.0) - ln_gamma(n - j + 1.0);
            ways + j * rate.ln() + (n - j) * (1.0 - rate).ln()
        })
        .collect();
    log_sum_exp(&terms).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(partner: impl Fn(i64) -> bool) -> Vec<u32> {
        named_of((0, 300), partner)
    }

    fn named_of(present: (i64, i64), partner: impl Fn(i64) -> bool) -> Vec<u32> {
        let mut visits: Vec<Visit> = (0..300)
            .flat_map(|day| {
                let touch = |column| Visit { thing: day as u32, day, column };
                [Some(touch(1)), partner(day).then(|| touch(2))].into_iter().flatten()
            })
            .collect();
        visits.sort();
        let named = beside(1, (100.0, 160.0), &visits, &|_| present);
        let around: Vec<Visit> = visits.iter().filter(|v| (99..=160).contains(&v.day)).copied().collect();
        let repeated = [&visits, &around].map(|v| repeated(1, (100.0, 160.0), v));
        assert!(repeated[0] == repeated[1] && (repeated[0] || named.is_empty()));
        beside(1, (100.0, 160.0), &visits, &|_| present).iter().map(|p| p.column).collect()
    }

    #[test]
    fn a_partner_repeats_inside_the_window_only() {
        assert_eq!(named(|day| (100..160).contains(&day) && day % 10 != 0), [2]);
        assert!(named(|_| true).is_empty(), "a supervisor");
        assert!(named(|day| day % 3 == 0).is_empty(), "a colleague");
        assert!(named(|day| (200..260).contains(&day)).is_empty(), "another time");
    }

    #[test]
    fn a_new_colleague_is_not_named() {
        let helps = |day: i64| (100..160).contains(&day);
        assert!(named_of((100, 160), helps).is_empty(), "nothing outside to compare with");
        assert_eq!(named_of((40, 160), helps), [2]);
    }

    #[test]
    fn the_tail_agrees_with_the_plain_sum() {
        let plain: f64 = [0.3f64.powi(3), 3.0 * 0.3f64.powi(2) * 0.7].iter().sum();
        assert!((tail(2, 3, 0.3) - plain.ln()).abs() < 1e-12);
        assert!(tail(90, 100, 0.01) < -300.0);
    }
}
