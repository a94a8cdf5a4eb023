//! Habits of the house: marks that the openings of many ordinary accounts carry tell no ring.
//!
//! A sample of all accounts is looked at as closely as the suspects are. A mark that a quarter of them carry on a tenth of
//! their openings is the carrier's way of working or of keeping records (one login for a whole family, faces taken with
//! the order, transfers booked late), and is left out, except on a column that carries it more than twice as often as nine of
//! ten accounts do. Harm and exhibits are never a habit.
//! Blind to: rings at a quarter of all accounts.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::{MARKS, Mark, Marker, Marks};
use super::seed::{Column, PATTERN, Sheet};
use crate::facts::Facts;
use crate::intern::Id;

/// How many accounts are looked at: enough to tell a quarter from a tenth.
const SAMPLE: usize = 60;
/// Among fewer nothing can be called a habit.
const LEAST: usize = 20;
/// One account in so many ...
const PART: usize = 4;
/// ... on this share of its openings.
const SHARE: f64 = 0.1;
/// How many times as often a column has to carry it to stand out nevertheless.
const BEYOND: f64 = 2.0;

/// Marks that are left out, and the columns that stand out with them.
#[derive(Debug, Default)]
pub struct Habits {
    marks: Marks,
    beyond: BTreeMap<Column, Marks>,
}

impl Habits {
    /// Whether a mark is a habit.
    pub fn has(&self, mark: Mark) -> bool {
        self.marks.has(mark)
    }
    /// The marks of an opening on a column, without the habits.
    pub fn without(&self, column: Column, marks: Marks) -> Marks {
        marks.less(self.marks.less(self.beyond.get(&column).copied().unwrap_or_default()))
    }
    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.marks != Marks::default()
    }
}

/// Accounts spread evenly over all that opened enough cards, by name.
pub fn sample(f: &Facts, base: &BTreeMap<Column, Sheet>) -> BTreeSet<Id> {
    let mut openings: BTreeMap<Id, usize> = BTreeMap::new();
    for (c, s) in base {
        *openings.entry(c.0).or_default() += s.openings.len();
    }
    let mut all: Vec<Id> = openings.into_iter().filter(|x| x.1 >= PATTERN).map(|x| x.0).collect();
    all.sort_by(|a, b| f.name(*a).cmp(f.name(*b)));
    let n = all.len().min(SAMPLE);
    (0..n).map(|i| all[i * all.len() / n]).collect()
}

/// What is a habit among the sample, whose logins, changes and stock have been read.
pub fn habits(f: &Facts, marker: &Marker, base: &BTreeMap<Column, Sheet>, sample: &BTreeSet<Id>) -> Habits {
    let mut out = Habits::default();
    if sample.len() < LEAST {
        return out;
    }
    let mut columns: BTreeMap<Column, Count> = BTreeMap::new();
    let mut accounts: BTreeMap<Id, Count> = BTreeMap::new();
    for (c, s) in base {
        for i in &s.openings {
            let m = marker.marks(f, *i);
            columns.entry(*c).or_default().add(m);
            if sample.contains(&c.0) {
                accounts.entry(c.0).or_default().add(m);
            }
        }
    }
    for (at, (mark, _, _)) in MARKS.iter().enumerate().filter(|(_, m)| m.0.conduct()) {
        let mut shares: Vec<f64> = accounts.values().map(|c| c.share(at)).collect();
        shares.sort_by(f64::total_cmp);
        if shares.iter().filter(|s| **s >= SHARE).count() * PART < shares.len() {
            continue;
        }
        out.marks.set(*mark, true);
        let usual = shares[(shares.len() * 9 / 10).min(shares.len() - 1)];
        for (c, count) in &columns {
            if count.of >= PATTERN && count.share(at) > BEYOND * usual {
                out.beyond.entry(*c).or_default().set(*mark, true);
            }
        }
    }
    out
}

/// Openings that carry each mark.
#[derive(Default)]
struct Count {
    of: usize,
    with: [usize; MARKS.len()],
}

impl Count {
    fn add(&mut self, m: Marks) {
        self.of += 1;
        for (at, (mark, _, _)) in MARKS.iter().enumerate() {
            self.with[at] += usize::from(m.has(*mark));
        }
    }
    fn share(&self, at: usize) -> f64 {
        self.with[at] as f64 / self.of.max(1) as f64
    }
}
