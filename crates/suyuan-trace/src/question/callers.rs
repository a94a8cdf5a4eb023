//! Whom the victims whom an account met shortly before their reports called besides.
//!
//! Where desks take calls, whoever is harmed calls one of them. A victim whom a desk met has called already: another desk met it, too,
//! as rarely or often as two desks meet the same caller. A victim of a leak calls a desk like anybody else, and after the
//! account touched it. So of the victims whom an account met shortly before their reports it is counted how many other desks met
//! later, and how many earlier, and both are held against what the surest desks show: how often they share callers, and how much they
//! differ in that.
//!
//! Always holds: it moves the scales by [`MOST`] nats at most, so who looks more like a desk than that stays one; without several other
//! desks it says nothing; whom others met earlier speaks for nobody's leak.
//! Blind to: an account to which victims come before they call a desk and that is the only one of its kind.

use std::collections::BTreeMap;

use super::desk::Desk;
use crate::attribute::{Problem, ln_gamma};

/// So many other desks tell how often two meet the same caller.
const SEVERAL: usize = 3;
/// So many of them show how much they differ in that.
const MANY: usize = 8;
/// How firm a share is, in victims: at least, or where nothing shows how much desks differ, and at most.
const LOOSE: f64 = 20.0;
const FIRMEST: f64 = 200.0;
/// Share of a leak's victims whom the account met only after they had called.
const AFTER: f64 = 0.02;
/// No share is taken for smaller, or for larger than one less it.
const LEAST: f64 = 0.02;
/// The most that it may say, nats.
const MOST: f64 = 25.0;
/// With fewer victims of the same time all of them are asked.
const ENOUGH: usize = 20;

/// How many of the victims whom an account met shortly before their reports other desks met, too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Besides {
    /// Of so many, that many later, and that many earlier.
    pub of: usize,
    pub later: usize,
    pub earlier: usize,
    /// Share of all other victims whom a desk met, and of those whom one met the share that another met later.
    pub once: f64,
    pub twice: f64,
    /// Nats by which it speaks for a leak.
    pub nats: f64,
}

/// Who met victims shortly before their reports.
pub struct Callers<'a> {
    p: &'a Problem,
    /// By column, the harmed things it met, and the first day on which it did, in rising order.
    of: BTreeMap<u32, Vec<(u32, f64)>>,
    /// By harmed thing, the desks that met it and when; nothing where its harm is dated by itself.
    met: Vec<Option<Vec<(u32, f64)>>>,
    /// The surer half of the columns taken for desks.
    surest: Vec<u32>,
}

impl<'a> Callers<'a> {
    /// Of all that were looked at; those likelier desks count as such.
    pub fn of(p: &'a Problem, dated: &[bool], looked_at: &BTreeMap<u32, Desk>) -> Callers<'a> {
        let mut of: BTreeMap<u32, Vec<(u32, f64)>> = looked_at.keys().map(|c| (*c, Vec::new())).collect();
        let counts = |h: usize| !dated[h] && !p.harmed[h].canary;
        for t in p.touches.iter().filter(|t| counts(t.harmed as usize)) {
            let wait = p.harmed[t.harmed as usize].day - t.day;
            if let (Some(mine), Some(d)) = (of.get_mut(&t.column), looked_at.get(&t.column))
                && wait > 0.0
                && wait <= d.reach
                && mine.last().is_none_or(|last| last.0 != t.harmed)
            {
                mine.push((t.harmed, t.day));
            }
        }
        let mut met: Vec<Option<Vec<(u32, f64)>>> =
            (0..p.harmed.len()).map(|h| counts(h).then(Vec::new)).collect();
        let known: Vec<u32> = looked_at.values().filter(|d| d.likely()).map(|d| d.column).collect();
        for (column, (h, day)) in known.iter().flat_map(|c| of[c].iter().map(|x| (*c, *x))) {
            met[h as usize].iter_mut().for_each(|all| all.push((column, day)));
        }
        let mut surest: Vec<&Desk> = looked_at.values().filter(|d| d.likely()).collect();
        surest.sort_by(|a, b| a.odds().total_cmp(&b.odds()));
        surest.truncate(surest.len().div_ceil(2).max(SEVERAL + 1));
        let surest = surest.into_iter().map(|d| d.column).collect();
        Callers { p, of, met, surest }
    }

    /// Of the things that a column met, how many desks met later, and how many of the others earlier; one desk may be left out.
    fn shared(&self, column: u32, out: Option<u32>) -> Besides {
        let mut b = Besides::default();
        for (h, day) in &self.of[&column] {
            let desks = self.met[*h as usize].iter().flatten();
            let others = || desks.clone().filter(|d| d.0 != column && Some(d.0) != out);
            b.of += 1;
            if others().any(|d| d.1 > *day) {
                b.later += 1;
            } else if others().next().is_some() {
                b.earlier += 1;
            }
        }
        b
    }

    /// What it says of a column; nothing where too few desks are known.
    pub fn told(&self, column: u32) -> Option<Besides> {
        let mine = self.shared(column, None);
        let desks: Vec<Besides> =
            self.surest.iter().filter(|d| **d != column).map(|d| self.shared(*d, Some(column))).collect();
        if desks.len() < SEVERAL || mine.of == 0 {
            return None;
        }
        let sum = |n: fn(&Besides) -> usize| desks.iter().map(n).sum::<usize>();
        let (of, later, earlier) = (sum(|d| d.of), sum(|d| d.later), sum(|d| d.earlier));
        let (once, twice) = (self.once(column), share(later, of));
        let firm = firm(&desks, twice);
        let log = |k, n, leak, desk| chance(k, n, leak, firm) - chance(k, n, desk, firm);
        let by_later = log(mine.later, mine.of, once, twice);
        // Whoever shares callers with nobody, and whom others met first, is no leak for that.
        let by_later = if once > twice { by_later } else { by_later.min(0.0) };
        let by_earlier = log(mine.earlier, mine.of - mine.later, AFTER, share(earlier, of - later)).min(0.0);
        Some(Besides { once, twice, nats: (by_later + by_earlier).clamp(-MOST, MOST), ..mine })
    }

    /// The share of all whom the column did not meet that a desk met, of those harmed at its time where they are enough.
    fn once(&self, column: u32) -> f64 {
        let mine = &self.of[&column];
        let day = |h: usize| self.p.harmed[h].day;
        let from = mine.iter().map(|x| day(x.0 as usize)).fold(f64::INFINITY, f64::min);
        let until = mine.iter().map(|x| day(x.0 as usize)).fold(0.0, f64::max);
        let strangers: Vec<(usize, bool)> = (self.met.iter().enumerate())
            .filter(|(h, _)| mine.binary_search_by_key(&(*h as u32), |x| x.0).is_err())
            .filter_map(|(h, met)| met.as_ref().map(|met| (h, !met.is_empty())))
            .collect();
        let then: Vec<(usize, bool)> =
            strangers.iter().copied().filter(|x| (from..=until).contains(&day(x.0))).collect();
        let asked = if then.len() < ENOUGH { strangers } else { then };
        share(asked.iter().filter(|x| x.1).count(), asked.len())
    }
}

/// A share of so many, never sure.
fn share(n: usize, of: usize) -> f64 {
    ((n as f64 + 0.5) / (of as f64 + 1.0)).clamp(LEAST, 1.0 - LEAST)
}

/// How firm the share of callers met later is among desks: by how much more they differ in it than so many callers would.
fn firm(desks: &[Besides], share: f64) -> f64 {
    if desks.len() < MANY {
        return LOOSE;
    }
    let spread = |d: &Besides| (d.later as f64 - d.of as f64 * share).powi(2) / (share * (1.0 - share));
    let more: f64 = desks.iter().map(|d| spread(d) - d.of as f64).sum();
    let pairs: f64 = desks.iter().map(|d| d.of as f64 * (d.of as f64 - 1.0)).sum();
    if more <= 0.0 { FIRMEST } else { (pairs / more - 1.0).clamp(LOOSE, FIRMEST) }
}

/// Log of how likely `k` of `n` are where about that share is, as firm as that: beta-binomial, without what is the same for every share.
fn chance(k: usize, n: usize, share: f64, firm: f64) -> f64 {
    let (a, b) = (firm * share, firm * (1.0 - share));
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
    const PASSED_ON: u32 = 14;

    /// Of 600 victims three in five call one of the desks, some of these another one, too; one in ten leaked a while before, one in
    /// twenty calls the clerk instead of a desk, one in ten of those who called is passed on to one who answers no calls. Told of these three.
    fn odds(again: f64, desks: u32) -> [f64; 3] {
        let mut dice = Dice::new(7);
        let harmed: Vec<Harmed> = (0..600)
            .map(|h| Harmed { day: 20.0 + f64::from(h) * 0.5, stratum: 0, risk: 1.0, canary: false })
            .collect();
        let mut touches = Vec::new();
        let mut meets = |column: u32, h: usize, before: f64| {
            let day = harmed[h].day - before;
            touches.push(Touch { column, harmed: h as u32, day, weight: 1.0 });
        };
        for h in 0..600 {
            if dice.unit() < 0.05 {
                meets(CLERK, h, 1.0);
            } else if dice.unit() < 0.6 {
                let first = dice.below(desks as usize);
                meets(first as u32, h, 1.0);
                if dice.unit() < 0.1 {
                    meets(PASSED_ON, h, 0.5);
                }
                if dice.unit() < again {
                    meets((first as u32 + 1) % desks, h, 0.5 + dice.unit());
                }
            }
            if dice.unit() < 0.1 {
                meets(LEAK, h, 3.0);
            }
        }
        touches.sort_by_key(|t| (t.column, t.harmed));
        let p = Problem {
            columns: vec![Column::default(); PASSED_ON as usize + 1],
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
            .chain([LEAK, CLERK, PASSED_ON].map(|c| (c, Desk::made(c, 0.5))))
            .collect();
        let callers = Callers::of(&p, &[false; 600], &looked_at);
        assert_eq!(Callers::of(&p, &[true; 600], &looked_at).told(LEAK), None, "all harm is dated");
        let odds = |c| callers.told(c).map_or(0.0, |b| b.nats);
        [LEAK, CLERK, PASSED_ON].map(odds)
    }

    #[test]
    fn whose_victims_call_a_desk_like_anybody_is_none() {
        let [leak, clerk, passed_on] = odds(0.0, DESKS);
        assert!(leak > 10.0 && clerk < -5.0 && passed_on < 1.0, "{leak} {clerk} {passed_on}");
    }

    #[test]
    fn where_callers_are_passed_on_order_and_shares_still_count() {
        let [leak, clerk, passed_on] = odds(0.6, DESKS);
        assert!(leak > 0.0 && clerk < 3.0 && passed_on < 0.0, "{leak} {clerk} {passed_on}");
        assert_eq!(odds(0.0, 2), [0.0; 3], "two desks tell nothing");
    }
}
