//! Fits many small models on parts of the rows: the cross-fitted bag of [`crate::train`].
//!
//! In each repeat the labelled rows are cut into folds, and a booster is fitted on all folds but one; in the
//! first repeat curves are fitted beside it. What a row is given by models that did not see it serves
//! calibration and honest figures.
//! Invariant: rows of one id are in one fold; the order of fits does not depend on threads.

use crate::bins::Bins;
use crate::boost::Booster;
use crate::curves::Curves;
use crate::features::{Seen, Shares};
use crate::graph::Neighbours;
use crate::jobs::in_order;
use crate::model::Options;
use crate::places::Places;
use crate::rng::Rng;
use crate::table::Table;

/// Parts of a cross-fit.
pub(crate) const FOLDS: usize = 5;
/// Repeats of the cross-fit: twenty boosters in all.
pub(crate) const REPEATS: usize = 4;

/// What one fit needs to know.
pub(crate) struct Bag<'a> {
    table: &'a Table,
    labelled: &'a [u32],
    around: Option<&'a Neighbours>,
    prior: f64,
    options: &'a Options,
    labels: Vec<f64>,
    /// Cuts of the row's own columns.
    pub(crate) bins: Bins,
    seen: Seen,
    /// Bins and codes of all columns but the label share.
    all_bins: Bins,
    codes: Vec<Vec<u8>>,
}

/// A model and its values for the rows that it did not see.
pub(crate) struct Fit<T> {
    pub(crate) model: T,
    pub(crate) held: Vec<(u32, f64)>,
}

impl<'a> Bag<'a> {
    pub(crate) fn new(
        table: &'a Table,
        labelled: &'a [u32],
        around: Option<&'a Neighbours>,
        prior: f64,
        options: &'a Options,
    ) -> Bag<'a> {
        let bins = Bins::of(&table.columns, labelled);
        let seen = Seen::of(table, &bins, around);
        let all_bins = Bins::of(&seen.columns, labelled);
        let codes = all_bins.encode(&seen.columns);
        let labels = table.labels.iter().map(|l| f64::from(u8::from(*l == Some(true)))).collect();
        Bag { table, labelled, around, prior, options, labels, bins, seen, all_bins, codes }
    }

    /// All boosters, in order of repeat and fold, grown by several threads.
    pub(crate) fn boosters(&self) -> Vec<Fit<Booster>> {
        let parts: Vec<Vec<u32>> = (0..REPEATS).map(|r| self.parts(r as u64)).collect();
        in_order(self.options.threads, REPEATS * FOLDS, |job| {
            self.booster(job / FOLDS, (job % FOLDS) as u32, &parts[job / FOLDS])
        })
    }

    /// Curves over the row's own columns, in order of the first repeat's folds.
    pub(crate) fn curves(&self) -> Vec<Fit<Curves>> {
        let parts = self.parts(0);
        let own = &self.seen.columns[..self.seen.own];
        let places: Vec<Places> = own.iter().map(|c| Places::of(c, self.labelled)).collect();
        in_order(self.options.threads, FOLDS, |fold| {
            let (fit, held) = self.sides(fold as u32, &parts);
            let model = Curves::fit(own, &places, &self.labels, &fit);
            let value = |r: u32| model.log_odds(&|c| own[c][r as usize]);
            let held = held.into_iter().map(|r| (r, value(r))).collect();
            Fit { model, held }
        })
    }

    /// The part of each labelled row: stratified, rows of one id together.
    fn parts(&self, repeat: u64) -> Vec<u32> {
        let mut groups: Vec<(&str, bool)> = Vec::new();
        let mut order: Vec<u32> = self.labelled.to_vec();
        order.sort_by(|a, b| self.table.ids[*a as usize].cmp(&self.table.ids[*b as usize]).then(a.cmp(b)));
        for r in &order {
            let (id, label) =
                (self.table.ids[*r as usize].as_str(), self.table.labels[*r as usize] == Some(true));
            match groups.last_mut() {
                Some((last, any)) if *last == id => *any |= label,
                _ => groups.push((id, label)),
            }
        }
        let mut rng = Rng::new(self.options.seed, 1_000 + repeat);
        rng.shuffle(&mut groups);
        groups.sort_by_key(|g| g.1);
        let mut of: Vec<(&str, u32)> =
            groups.iter().enumerate().map(|(i, g)| (g.0, (i % FOLDS) as u32)).collect();
        of.sort_unstable();
        let part = |r: &u32| {
            let id = self.table.ids[*r as usize].as_str();
            of[of.binary_search_by(|g| g.0.cmp(id)).expect("every labelled id has a group")].1
        };
        self.labelled.iter().map(part).collect()
    }

    /// The rows fitted and the rows held back.
    fn sides(&self, fold: u32, parts: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let (mut fit, mut held) = (Vec::new(), Vec::new());
        for (r, part) in self.labelled.iter().zip(parts) {
            if *part == fold { held.push(*r) } else { fit.push(*r) }
        }
        (fit, held)
    }

    fn booster(&self, repeat: usize, fold: u32, parts: &[u32]) -> Fit<Booster> {
        let (fit, held) = self.sides(fold, parts);
        let seed = self.options.seed.wrapping_mul(1_000_003) + (repeat * FOLDS) as u64 + u64::from(fold);
        let p = &self.options.params;
        let (booster, share) = match self.around.filter(|_| repeat % 2 == 1) {
            None => {
                let own = self.seen.own;
                (Booster::fit(&self.codes[..own], &self.all_bins, &self.labels, &fit, p, seed), Vec::new())
            }
            Some(around) => {
                let share = self.share(around, fold, parts);
                let mut codes = self.codes.clone();
                let mut bins = self.all_bins.clone();
                let one = Bins::of(std::slice::from_ref(&share), &fit);
                codes.extend(one.encode(std::slice::from_ref(&share)));
                bins.cuts.extend(one.cuts);
                (Booster::fit(&codes, &bins, &self.labels, &fit, p, seed), share)
            }
        };
        let column = |f: u32| self.seen.columns.get(f as usize).unwrap_or(&share);
        let value = |r: u32| booster.log_odds(&|f| column(f)[r as usize]);
        let held = held.into_iter().map(|r| (r, value(r))).collect();
        Fit { model: booster, held }
    }

    /// Neighbours' label shares: rows fitted see the labels of other parts, rows held back those of all
    /// rows fitted, and nobody those of rows held back.
    fn share(&self, around: &Neighbours, fold: u32, parts: &[u32]) -> Vec<f64> {
        const HELD: u32 = u32::MAX;
        let mut part = vec![None; self.table.rows()];
        for (r, p) in self.labelled.iter().zip(parts) {
            part[*r as usize] = Some(if *p == fold { HELD } else { *p });
        }
        let shares = Shares { around, prior: self.prior };
        shares.apart(&self.table.labels, &part, |j| part[j as usize] == Some(HELD))
    }
}
