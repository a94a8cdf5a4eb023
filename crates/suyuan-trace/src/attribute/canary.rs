//! How much of a column's factor comes from canaries.

use std::collections::BTreeMap;

use super::base::Base;
use super::kernel::Scratch;
use super::{Fit, SCREEN};

/// The honest risk of a canary against that of a person: nobody has a reason to use it, but a number may be
/// mistyped and a list mixed up.
pub const RISK: f64 = 1e-5;

/// A column whose factor without canaries is below so many nats rests on them.
pub const RESTS: f64 = 3.0;

/// Canaries behind a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canary {
    /// Harmed ones that the column touched before their harm.
    pub touched: u64,
    /// Other whole columns that touched any of these before its harm.
    pub others: u64,
    /// Log factor with them less without them.
    pub nats: f64,
}

impl Fit<'_> {
    /// Whether these harmed things make a column a candidate: two, or a canary.
    pub(super) fn enough(&self, harmed: &[u32]) -> bool {
        harmed.len() >= 2 || harmed.iter().any(|h| self.p.harmed[*h as usize].canary)
    }

    /// Where a column rests on canaries, its probability is shared with all who held them: one of several hands that
    /// are alike must not be named because the sum happened to begin with it, or for some chance harm. Returns the hands with their shares.
    pub(super) fn share_canaries(
        &mut self,
        base: &Base,
        candidates: &[usize],
    ) -> BTreeMap<usize, Vec<(u32, f64)>> {
        let mut out = BTreeMap::new();
        for &c in candidates {
            if self.pip[c] >= 0.05
                && self.canaries(base, c).is_some_and(|k| self.factors[c].log - k.nats < RESTS)
            {
                let mine = self.canaries_of(c);
                out.insert(c, self.in_place_of(base, c, &mine));
            }
        }
        for (c, set) in &out {
            let hands = self.canaries(base, *c).map_or(1, |k| k.others + 1);
            let own = set.iter().find(|x| x.0 as usize == *c).map_or(1.0, |x| x.1);
            self.pip[*c] *= own.min(1.0 / hands as f64);
        }
        out
    }

    /// Misused canaries that a column touched before their misuse.
    fn canaries_of(&self, c: usize) -> Vec<u32> {
        self.harmed_before(c).into_iter().filter(|h| self.p.harmed[*h as usize].canary).collect()
    }

    /// The canaries behind a column's factor, where there are any.
    pub(super) fn canaries(&self, base: &Base, c: usize) -> Option<Canary> {
        let mine = self.canaries_of(c);
        if mine.is_empty() {
            return None;
        }
        let before = |t: &&super::Touch| {
            mine.binary_search(&t.harmed).is_ok() && self.p.harmed[t.harmed as usize].day > t.day
        };
        let whole = |t: &&super::Touch| self.p.columns[t.column as usize].whole.is_none();
        let mut others: Vec<u32> =
            self.p.touches.iter().filter(before).filter(whole).map(|t| t.column).collect();
        others.dedup();
        let me = self.p.columns[c].whole.unwrap_or(c as u32);
        others.retain(|o| *o != me);
        let mut room = Scratch::new(self.p.bins, self.p.clock);
        let customer = |h: usize| !self.p.harmed[h].canary;
        let without = self.factor_of(self.p, base, c, SCREEN, &mut room, customer).log;
        let nats = self.factors[c].log - without;
        Some(Canary { touched: mine.len() as u64, others: others.len() as u64, nats })
    }
}
