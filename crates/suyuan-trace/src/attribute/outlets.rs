//! Several accounts of one outlet that look like sources: is it they, or is the outlet merely risky?
//!
//! What a source explains is taken out of the honest risk of its outlet, so the next account of the outlet is held against
//! less, and so on: where harm is common in a whole outlet, one chance find can draw all of its accounts after it. So where as
//! many of one outlet are found as would make a crowd, each is asked once more with all harm of the outlet honest but its
//! own, as if none of the others had leaked anything. Who stands only on the others' guilt falls.
//!
//! Always holds: nobody gets likelier by it; one or two accounts of an outlet are not asked, unless the outlet was taken for a crowd
//! and is none.
//! Blind to: three or more of one outlet who leak as much as each other: they are taken for a risky outlet.

use std::collections::BTreeMap;

use super::Fit;
use super::base::Base;
use super::crowd::{LEAST, home, most_of};
use super::prior::Prior;

impl Fit<'_> {
    /// Holds found accounts against their outlets. `unexplained` is what is honest with all sources taken out.
    pub(super) fn against_outlets(&mut self, base: &Base, unexplained: &[f64]) {
        let mut of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for c in (0..self.named).filter(|c| self.pip[*c] >= 0.5) {
            if let Some(stratum) = home(self.p, &self.p.columns[c]) {
                of.entry(stratum).or_default().push(c);
            }
        }
        // What was laid on a crowd that turned out to be none is honest again.
        let crowds = (self.named..self.p.columns.len()).filter(|c| self.pip[*c] < 0.5);
        let gone: Vec<u32> = crowds.filter_map(|c| most_of(&self.p.columns[c])).map(|x| x.0).collect();
        of.retain(|stratum, accounts| accounts.len() >= LEAST || gone.contains(stratum));
        if of.is_empty() {
            return;
        }
        let mut all = unexplained.to_vec();
        let whole = self.unsuspected(|c| c < self.named);
        for (slot, (h, whole)) in all.iter_mut().zip(self.p.harmed.iter().zip(whole)) {
            if of.contains_key(&h.stratum) {
                *slot = whole;
            }
        }
        let mut whole = Base::fit(self.p, &all, &self.honest(), self.set.threads);
        whole.common = base.common;
        for accounts in of.values() {
            let shares: Vec<(u32, f64)> = accounts.iter().flat_map(|c| self.own(*c)).collect();
            shares.iter().for_each(|(h, s)| self.leak[*h as usize] -= s);
            let each: Vec<_> = accounts.iter().map(|c| self.alone(&whole, *c)).collect();
            shares.iter().for_each(|(h, s)| self.leak[*h as usize] += s);
            for (c, factor) in accounts.iter().zip(each) {
                let told = &mut self.factors[*c];
                (told.log, told.fixed) = (told.log.min(factor.0), told.fixed.min(factor.1));
            }
        }
        // What strikes one outlet strikes its accounts together: they do not speak for there being many sources.
        let blank = Prior::new(self.set.sources_expected, self.named, self.set.prior_cap);
        let prior = self.prior_by(&blank, |c| of.values().all(|accounts| !accounts.contains(&c)));
        for (c, pip) in self.pip.iter_mut().enumerate().filter(|x| *x.1 > 0.0) {
            let known = self.suspected.get(&(c as u32)).copied();
            *pip = pip.min(prior.probability(self.factors[c].log, known));
        }
    }

    /// Both log factors of an account whose own share is not in what others explain.
    fn alone(&mut self, base: &Base, c: usize) -> (f64, f64) {
        let range = self.ranges[c].clone();
        let kept = self.share[range.clone()].to_vec();
        self.share[range.clone()].fill(0.0);
        let factor = self.evaluate(base, c);
        self.share[range].copy_from_slice(&kept);
        (factor.log, factor.fixed)
    }
}
