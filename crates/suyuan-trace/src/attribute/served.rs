//! Whom an account serves, and when it serves others: strata that are its own, and those where it is a stranger.
//!
//! How often an account touches a thing of some stratum is known for all of its time. An account whose strangers all came within two
//! months touched them far more often then; by its yearly mean each would look as if it had been led to them by its harm. What it
//! touched beside the harmed tells, bin by bin.
//!
//! Always holds: the shares of a bin sum to one; without anything known they are those of all time.

use std::collections::BTreeSet;

use super::calls::around;
use super::problem::Problem;

/// A stratum is the account's own where it touches at least this part as often as where it does most.
const OWN: f64 = 0.25;
/// Touches for which the share of all time counts in each bin.
const FIRM: f64 = 2.0;
/// Nobody serves nobody else: touches of strangers in all time, at least.
const SOME: f64 = 0.5;

/// What a column touched beside the harmed things.
#[derive(Clone, Debug, Default)]
pub struct Served {
    touches: Vec<(u32, u32, f64)>,
}

impl Served {
    /// A touch of a thing of that stratum on that day.
    pub fn add(&mut self, thing: u32, stratum: u32, day: f64) {
        self.touches.push((thing, stratum, day));
    }
}

/// How often a column touches things of each stratum, bin by bin, against all that it touches.
pub(super) struct Manner {
    /// By stratum, against one another: the share of all its touches by the number of things.
    pub often: Vec<f64>,
    /// By stratum, whether it is the column's own.
    own: Vec<bool>,
    /// By bin: how much more often than in all time it touches strangers, and its own.
    times: Vec<[f64; 2]>,
}

impl Manner {
    /// Of a column of the problem.
    pub fn of(p: &Problem, column: u32, served: Option<&Served>) -> Manner {
        let of = &p.columns[column as usize];
        let all: f64 = of.strata.iter().map(|s| s.1).sum::<f64>().max(1e-9);
        let mut often = vec![0.0; p.strata.len()];
        let things = |s: u32| p.strata[s as usize].things.max(1.0);
        of.strata.iter().for_each(|(s, n)| often[*s as usize] = n / all / things(*s));
        let most = often.iter().copied().fold(1e-12, f64::max);
        let own: Vec<bool> = often.iter().map(|o| *o >= OWN * most).collect();
        let times = served.map_or_else(|| vec![[1.0; 2]; p.bins], |s| times(p, s, &own));
        Manner { often, own, times }
    }

    /// How often it touches a thing of that stratum in that bin, against all that it touches there.
    pub fn at(&self, bin: usize, stratum: u32) -> f64 {
        self.often[stratum as usize] * self.times[bin][usize::from(self.own[stratum as usize])]
    }
}

/// By bin, how much more often than in all time strangers were touched, and its own.
fn times(p: &Problem, served: &Served, own: &[bool]) -> Vec<[f64; 2]> {
    let once: BTreeSet<(usize, u32, bool)> =
        served.touches.iter().map(|(thing, s, day)| (p.bin(*day), *thing, own[*s as usize])).collect();
    let mut counts = vec![[0.0; 2]; p.bins];
    once.iter().for_each(|(bin, _, own)| counts[*bin][usize::from(*own)] += 1.0);
    let sum = |of: &[[f64; 2]]| of.iter().fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    let all = sum(&counts).map(|n: f64| n.max(SOME));
    let share = all.map(|n| n / (all[0] + all[1]));
    let bin = |t: usize| {
        let near = sum(&counts[around(t, 0, p.bins - 1)]);
        let n = near[0] + near[1] + FIRM;
        [0, 1].map(|i| (near[i] + FIRM * share[i]) / n / share[i])
    };
    (0..p.bins).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::super::problem::{Clock, Column, Stratum};
    use super::*;

    #[test]
    fn strangers_who_all_came_in_two_months_are_no_surprise_then() {
        let p = Problem {
            columns: vec![Column { strata: vec![(0, 900.0), (1, 50.0), (2, 50.0)], ..Column::default() }],
            strata: vec![Stratum { region: 0, things: 1000.0 }; 3],
            harmed: Vec::new(),
            touches: Vec::new(),
            bins: 40,
            bin_days: 9.0,
            horizon: 360.0,
            clock: Clock::Calendar,
        };
        let mut served = Served::default();
        (0..900).for_each(|i| served.add(i, 0, f64::from(i) * 0.4));
        (0..100).for_each(|i| served.add(1000 + i, 1 + i % 2, 90.0 + f64::from(i) * 0.6));
        let (told, plain) = (Manner::of(&p, 0, Some(&served)), Manner::of(&p, 0, None));
        assert!((plain.at(12, 1) - 5e-5).abs() < 1e-9 && (plain.at(12, 1) - plain.at(30, 1)).abs() < 1e-12);
        assert!(told.at(12, 1) > 3.0 * plain.at(12, 1), "{}", told.at(12, 1));
        assert!(told.at(30, 1) < plain.at(30, 1) && told.at(30, 1) > 0.0, "{}", told.at(30, 1));
        assert!((told.at(30, 0) / plain.at(30, 0) - 1.0).abs() < 0.2);
    }
}
