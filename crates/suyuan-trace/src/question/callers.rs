//! Whom the victims whom an account met shortly before their reports called besides.
//!
//! Where desks take calls, whoever is harmed calls one of them. A victim whom a desk met has called already: another desk met it, too,
//! as rarely or often as two desks meet the same caller. A victim of a leak calls a desk like anybody else. So of the victims
//! whom an account met shortly before their reports it is counted how many other desks met, and held against both.
//!
//! Always holds: it moves the scales by [`MOST`] nats at most, so who looks more like a desk than that stays one; without several other
//! desks it says nothing.
//! Blind to: an account that victims are sent to before or after their calls and that is the only one of its kind.

use std::collections::BTreeMap;

use super::desk::Desk;
use crate::attribute::{Problem, ln_gamma};

/// So many other desks tell how often two meet the same caller.
const SEVERAL: usize = 3;
/// How firm a share is that was measured on others, in victims.
const FIRM: f64 = 40.0;
/// No share is taken for smaller, or for larger than one less it.
const LEAST: f64 = 0.03;
/// The most that it may say, nats.
const MOST: f64 = 20.0;
/// With fewer victims of the same time all of them are asked.
const ENOUGH: usize = 20;

/// How many of the victims whom an account met shortly before their reports other desks met, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Besides {
    /// That many of so many.
    pub met: usize,
    pub of: usize,
    /// Share of all other victims whom a desk met, and of those whom one met the share that another met.
    pub once: f64,
    pub twice: f64,
    /// Nats by which it speaks for a leak.
    pub nats: f64,
}

/// Harmed things that each of these desks met shortly before their reports.
pub struct Callers<'a> {
    p: &'a Problem,
    /// By column, in rising order.
    of: BTreeMap<u32, Vec<u32>>,
    /// By harmed thing, how many desks met it; nothing where its harm is dated by itself.
    desks: Vec<Option<u32>>,
    /// The columns taken for desks.
    known: Vec<u32>,
}

impl<'a> Callers<'a> {
    /// Of all that were looked at; those likelier desks count as such.
    pub fn of(p: &'a Problem, dated: &[bool], looked_at: &BTreeMap<u32, Desk>) -> Callers<'a> {
        let mut of: BTreeMap<u32, Vec<u32>> = looked_at.keys().map(|c| (*c, Vec::new())).collect();
        for t in &p.touches {
            let wait = p.harmed[t.harmed as usize].day - t.day;
            if let (Some(mine), Some(d)) = (of.get_mut(&t.column), looked_at.get(&t.column))
                && wait > 0.0
                && wait <= d.reach
                && mine.last() != Some(&t.harmed)
            {
                mine.push(t.harmed);
            }
        }
        let mut desks: Vec<Option<u32>> =
            (0..p.harmed.len()).map(|h| (!dated[h] && !p.harmed[h].canary).then_some(0)).collect();
        let known: Vec<u32> = looked_at.values().filter(|d| d.likely()).map(|d| d.column).collect();
        for h in known.iter().flat_map(|c| &of[c]) {
            desks[*h as usize].iter_mut().for_each(|n| *n += 1);
        }
        Callers { p, of, desks, known }
    }

    /// What it says of a column; nothing where too few desks are known.
    pub fn told(&self, column: u32) -> Option<Besides> {
        let own = u32::from(self.known.contains(&column));
        let mine: Vec<u32> =
            self.of[&column].iter().copied().filter(|h| self.desks[*h as usize].is_some()).collect();
        if self.known.len() < SEVERAL + own as usize || mine.is_empty() {
            return None;
        }
        let others = |h: usize, mine: bool| self.desks[h].map_or(0, |n| n - if mine { own } else { 0 });
        let met = mine.iter().filter(|h| others(**h as usize, true) > 0).count();
        let day = |h: u32| self.p.harmed[h as usize].day;
        let from = mine.iter().map(|h| day(*h)).fold(f64::INFINITY, f64::min);
        let until = mine.iter().map(|h| day(*h)).fold(0.0, f64::max);
        let strangers: Vec<usize> = (0..self.desks.len())
            .filter(|h| self.desks[*h].is_some() && mine.binary_search(&(*h as u32)).is_err())
            .collect();
        let then: Vec<usize> =
            strangers.iter().copied().filter(|h| (from..=until).contains(&day(*h as u32))).collect();
        let asked = if then.len() < ENOUGH { &strangers } else { &then };
        let count = |of: &[usize], least: u32| of.iter().filter(|h| others(**h, false) >= least).count();
        // Anybody calls a desk; who called one calls another.
        let (once, twice) =
            (share(count(asked, 1), asked.len()), share(count(&strangers, 2), count(&strangers, 1)));
        let nats = chance(met, mine.len(), once) - chance(met, mine.len(), twice);
        Some(Besides { met, of: mine.len(), once, twice, nats: nats.clamp(-MOST, MOST) })
    }
}

/// A share of so many, never sure.
fn share(n: usize, of: usize) -> f64 {
    ((n as f64 + 0.5) / (of as f64 + 1.0)).clamp(LEAST, 1.0 - LEAST)
}

/// Log of how likely `k` of `n` are where about that share is: beta-binomial, without what is the same for every share.
fn chance(k: usize, n: usize, share: f64) -> f64 {
    let (a, b) = (FIRM * share, FIRM * (1.0 - share));
    let beta = |x: f64, y: f64| ln_gamma(x) + ln_gamma(y) - ln_gamma(x + y);
    beta(a + k as f64, b + (n - k) as f64) - beta(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::dice::Dice;
    use crate::attribute::{Clock, Column, Harmed, Stratum, Touch};

    /// Whoever meets victims.
    const DESKS: u32 = 12;
    const LEAK: u32 = 12;
    const CLERK: u32 = 13;

    /// Of 600 victims three in five call one of the desks, some of these another one, too; one in ten leaked, one in twenty calls the
    /// clerk instead of a desk.
    fn odds(again: f64, desks: u32) -> (f64, f64) {
        let mut dice = Dice::new(7);
        let harmed: Vec<Harmed> = (0..600)
            .map(|h| Harmed { day: 20.0 + f64::from(h) * 0.5, stratum: 0, risk: 1.0, canary: false })
            .collect();
        let mut touches = Vec::new();
        let mut meets = |column: u32, h: usize| {
            let day = harmed[h].day - 1.0;
            touches.push(Touch { column, harmed: h as u32, day, weight: 1.0 });
        };
        for h in 0..600 {
            if dice.unit() < 0.05 {
                meets(CLERK, h);
            } else if dice.unit() < 0.6 {
                let first = dice.below(desks as usize);
                meets(first as u32, h);
                if dice.unit() < again {
                    meets((first as u32 + 1) % desks, h);
                }
            }
            if dice.unit() < 0.1 {
                meets(LEAK, h);
            }
        }
        touches.sort_by_key(|t| (t.column, t.harmed));
        let p = Problem {
            columns: vec![Column::default(); CLERK as usize + 1],
            strata: vec![Stratum { region: 0, things: 10_000.0 }],
            harmed,
            touches,
            bins: 40,
            bin_days: 9.0,
            horizon: 360.0,
            clock: Clock::Calendar,
        };
        let looked_at: BTreeMap<u32, Desk> = (0..desks)
            .map(|c| (c, Desk::made(c, 0.1)))
            .chain([LEAK, CLERK].map(|c| (c, Desk::made(c, 0.5))))
            .collect();
        let callers = Callers::of(&p, &[false; 600], &looked_at);
        assert_eq!(Callers::of(&p, &[true; 600], &looked_at).told(LEAK), None, "all harm is dated");
        let odds = |c| callers.told(c).map_or(0.0, |b| b.nats);
        (odds(LEAK), odds(CLERK))
    }

    #[test]
    fn whose_victims_call_a_desk_like_anybody_is_none() {
        let (leak, clerk) = odds(0.0, DESKS);
        assert!(leak > 10.0 && clerk < -5.0, "{leak} {clerk}");
    }

    #[test]
    fn where_callers_are_passed_on_it_says_little() {
        let (leak, clerk) = odds(0.6, DESKS);
        assert!(leak.abs() < 3.0 && clerk.abs() < 3.0, "{leak} {clerk}");
        assert_eq!(odds(0.0, 2), (0.0, 0.0), "two desks tell nothing");
    }
}
