//! An outlet whose harm follows its touches whoever serves: was it several of its accounts, or one thing that they share?
//!
//! A list of customers that is copied, a shared screen or printer, a mailbox: harm then follows the touches of every
//! account alike, and a model that knows only accounts names them all. So where an account is found, all that serve its
//! outlet are held against it as one column more, the crowd, which touched what they touched. Spread over everybody, a
//! crowd explains the harm of all at the price of one source; against the harm of one account among many it has to
//! explain why the others' touches stayed without harm, and loses.
//!
//! Always holds: a crowd has at least [`LEAST`] accounts, none of them known from other records (a ring's collectors); what a crowd explains, its accounts cannot claim.
//! Blind to: whether the accounts of a crowd acted together; records of touches show the same.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::problem::{Clock, Column, Problem, Touch};
use super::{Fit, kernel};

/// Fewer accounts are named one by one.
pub(super) const LEAST: usize = 3;
/// How much rarer a crowd is than an account that leaks: as so many of them at once.
const RARER: f64 = 2.5;
/// What the free choice of window and rate is worth, nats.
const CHOICE: f64 = 5.0;
/// An account serves a stratum only where so much of its touches are of it: customers of other outlets come by, too.
const HOME: f64 = 0.1;

/// All accounts that serve one stratum.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The stratum.
    pub stratum: u32,
    /// Its columns, in rising order.
    pub members: Vec<u32>,
}

/// The stratum that an account serves: a column of the first level, no part of another. That is the one whose things it touches the
/// most of, for its own part and the stratum's: at a small outlet most who come are a large neighbour's customers, and still
/// it serves the small one.
pub(super) fn home(p: &Problem, column: &Column) -> Option<u32> {
    let all: f64 = column.strata.iter().map(|s| s.1).sum();
    let serves = |(s, n): (u32, f64)| n * n / p.strata[s as usize].things.max(n);
    let own = column.strata.iter().copied().filter(|x| x.1 > HOME * all);
    let (stratum, _) = own.max_by(|a, b| serves(*a).total_cmp(&serves(*b)))?;
    (column.level == 0 && column.whole.is_none()).then_some(stratum)
}

/// The stratum that holds most of a column's things, and how many.
pub(super) fn most_of(column: &Column) -> Option<(u32, f64)> {
    column.strata.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The crowds of these strata, of columns of which other records say nothing. Cards have none: who opened a card is no other
/// than one account.
fn crowds(p: &Problem, suspected: &BTreeMap<u32, f64>, strata: &[u32]) -> Vec<Crowd> {
    if p.clock == Clock::Age {
        return Vec::new();
    }
    let mut out: Vec<Crowd> = strata.iter().map(|s| Crowd { stratum: *s, members: Vec::new() }).collect();
    for (i, column) in p.columns.iter().enumerate().filter(|x| !suspected.contains_key(&(x.0 as u32))) {
        if let Some(crowd) = home(p, column).and_then(|h| out.iter_mut().find(|c| c.stratum == h)) {
            crowd.members.push(i as u32);
        }
    }
    out.retain(|c| c.members.len() >= LEAST);
    out
}

/// What a touch weighs on average.
fn mean_weight(touches: &[Touch]) -> Option<f64> {
    let all: f64 = touches.iter().map(|t| t.weight).sum();
    (all > 0.0).then(|| all / touches.len() as f64)
}

/// The problem with one column more for each crowd, after all others.
pub fn with(p: &Problem, crowds: &[Crowd]) -> Problem {
    let mut out = p.clone();
    let level = p.columns.iter().map(|c| c.level).max().unwrap_or(0) + 1;
    let ranges = p.ranges();
    for crowd in crowds {
        let members: Vec<usize> = crowd.members.iter().map(|m| *m as usize).collect();
        let mut touches: Vec<Touch> =
            members.iter().flat_map(|m| &p.touches[ranges[*m].clone()]).copied().collect();
        // A person whom two of them touched in one bin was touched once by the crowd; told from the harmed.
        let bin = |t: &Touch| (t.harmed, p.bin(t.day));
        let each: BTreeSet<_> = touches.iter().map(|t| (t.column, bin(t))).collect();
        let once: BTreeSet<_> = touches.iter().map(bin).collect();
        let overlap = once.len() as f64 / each.len().max(1) as f64;
        let mut exposure = vec![0.0; p.bins];
        let mut strata: BTreeMap<u32, f64> = BTreeMap::new();
        // Whoever reads a list cares for no order, so every touch counts in full.
        let usual = mean_weight(&touches).unwrap_or(1.0);
        for m in &members {
            let member = &p.columns[*m];
            let full = overlap / mean_weight(&p.touches[ranges[*m].clone()]).unwrap_or(usual);
            exposure.iter_mut().zip(&member.exposure).for_each(|(x, n)| *x += n * full);
            member.strata.iter().for_each(|(s, n)| *strata.entry(*s).or_default() += n * overlap);
        }
        strata.iter_mut().for_each(|(s, n)| *n = n.min(p.strata[*s as usize].things));
        let strata = strata.into_iter().collect();
        let column = Column { level, exposure, whole: None, strata };
        touches.iter_mut().for_each(|t| (t.column, t.weight) = (out.columns.len() as u32, 1.0));
        touches.sort_by(|a, b| a.harmed.cmp(&b.harmed).then(a.day.total_cmp(&b.day)));
        out.touches.extend(touches);
        out.columns.push(column);
    }
    out
}

/// The log likelihood of what a crowd's harmed things met, against no leak: by one source, or by its accounts.
struct Sides {
    together: f64,
    apart: f64,
    /// Accounts found, as a sum of probabilities.
    sources: f64,
}

impl Sides {
    /// The crowd explains the harm at the lower price; `price` is the log prior of one source.
    fn shared(&self, price: f64) -> bool {
        let together = self.together + RARER * price - CHOICE;
        let apart = self.apart + self.sources * (price - CHOICE);
        together > 0.0 && together > apart
    }
}

impl Fit<'_> {
    /// The crowds around found columns that explain their harm at a lower price.
    pub(super) fn crowds(&self, base: &Base, unexplained: &[f64]) -> Vec<Crowd> {
        if self.named < self.p.columns.len() {
            return Vec::new();
        }
        let found = (0..self.named).filter(|c| self.pip[*c] >= 0.5);
        let mut strata: Vec<u32> = found.filter_map(|c| home(self.p, &self.p.columns[c])).collect();
        strata.sort_unstable();
        strata.dedup();
        let mut crowds = crowds(self.p, self.suspected, &strata);
        if crowds.is_empty() {
            return crowds;
        }
        let beside = with(self.p, &crowds);
        let mut honest = self.honest();
        honest.resize(beside.columns.len(), 1.0);
        let mut other = Base::fit(&beside, unexplained, &honest, self.set.threads);
        other.common = base.common;
        let mut fit = Fit::new(&beside, self.set, self.suspected, self.named);
        let price = (self.set.sources_expected / self.named as f64).ln();
        let mut column = self.named;
        crowds.retain(|crowd| {
            let sides = self.sides(crowd, column, &other, &mut fit);
            column += 1;
            sides.shared(price)
        });
        crowds
    }

    /// Both sides of one crowd, which is that column of `fit`, by the honest risk as the crowd sees it.
    fn sides(&self, crowd: &Crowd, column: usize, other: &Base, fit: &mut Fit<'_>) -> Sides {
        // What others than its own accounts explain stays explained.
        fit.leak.copy_from_slice(&self.leak);
        for m in &crowd.members {
            let range = self.ranges[*m as usize].clone();
            for (t, share) in self.p.touches[range.clone()].iter().zip(&self.share[range]) {
                let leak = &mut fit.leak[t.harmed as usize];
                *leak = (*leak - share).max(0.0);
            }
        }
        // By the delay that its strongest account is judged by: what this one taught would speak for the crowd alone.
        let strongest = crowd.members.iter().map(|m| *m as usize);
        let strongest = strongest.max_by(|a, b| self.factors[*a].log.total_cmp(&self.factors[*b].log));
        let of = |m: usize| &self.apart.get(&m).unwrap_or(&self.ways).delay;
        let delay = strongest.map_or(&self.ways.delay, of);
        let mut ids = Vec::new();
        let things = kernel::things(fit.p, other, delay, fit.ranges[column].clone(), |h| {
            ids.push(h);
            fit.leak[h]
        });
        let ripe = kernel::ripe(fit.p, delay, column);
        let together = kernel::best(fit.p, other, column, &things, &ripe, &mut fit.room);
        let mut apart: f64 = (ids.iter().zip(&things))
            .map(|(h, x)| ((x.beta + self.leak[*h].max(x.rest)) / (x.beta + x.rest)).ln())
            .sum();
        let mut sources = 0.0;
        for m in crowd.members.iter().map(|m| *m as usize) {
            let pip = self.pip[m];
            let ripe = kernel::ripe(self.p, of(m), m);
            let on = self.factors[m].window();
            apart -= pip * on.iter().zip(&ripe).map(|(on, n)| on * n).sum::<f64>();
            sources += pip;
        }
        Sides { together, apart, sources }
    }
}
