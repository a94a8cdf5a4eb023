//! The counting pass: who touched how many distinct things, when, and which of them were harmed.
//!
//! Things that were not harmed are only counted: once per column and bin of time for the exposure,
//! once per column for the strata. Touches of harmed things are kept with their rows. Rows must come
//! in time order within a column.

use crate::attribute::{Clock, Column, Harmed, Problem, Stratum, Touch, risks};
use crate::facts::Row;
use crate::intern::{Lookup, Seen};

/// Pairs are sorted and freed of repeats whenever this many have gathered, and half of what stands.
const COMPACT: usize = 1 << 22;

/// A touch of a harmed thing with its row.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Column.
    pub column: u32,
    /// The thing.
    pub thing: u32,
    /// The row that shows it.
    pub row: Row,
    /// Days since the start.
    pub day: f64,
    /// How unexplained it is.
    pub weight: f64,
}

/// The count so far.
pub struct Tally {
    bins: usize,
    bin_days: f64,
    horizon: f64,
    exposure: Vec<Vec<f64>>,
    levels: Vec<u8>,
    wholes: Vec<Option<u32>>,
    pairs: Vec<u64>,
    sorted: usize,
    in_bin: Seen<u64>,
    bin: usize,
    stratum: Vec<u32>,
    votes: Vec<u8>,
    touched: Vec<u32>,
    strata: Vec<Stratum>,
    held: Vec<Held>,
    rows: Lookup<u32, ()>,
}

impl Tally {
    /// An empty count over records of that length.
    pub fn new(horizon: f64) -> Tally {
        let (bins, bin_days) = Problem::bins_for(horizon);
        Tally {
            bins,
            bin_days,
            horizon,
            exposure: Vec::new(),
            levels: Vec::new(),
            wholes: Vec::new(),
            pairs: Vec::new(),
            sorted: 0,
            in_bin: Seen::default(),
            bin: 0,
            stratum: Vec::new(),
            votes: Vec::new(),
            touched: Vec::new(),
            strata: Vec::new(),
            held: Vec::new(),
            rows: Lookup::default(),
        }
    }

    /// A new column of that level, where it is one the part of a whole.
    pub fn column(&mut self, level: u8, whole: Option<u32>) -> u32 {
        self.exposure.push(vec![0.0; self.bins]);
        self.levels.push(level);
        self.wholes.push(whole);
        (self.levels.len() - 1) as u32
    }

    /// A new stratum in that region.
    pub fn stratum(&mut self, region: u32) -> u32 {
        self.strata.push(Stratum { region, things: 0.0 });
        (self.strata.len() - 1) as u32
    }

    /// A new thing of that stratum; things are numbered in order.
    pub fn thing(&mut self, stratum: u32) -> u32 {
        self.stratum.push(stratum);
        self.votes.push(0);
        self.touched.push(0);
        (self.stratum.len() - 1) as u32
    }

    /// One more sign that a thing belongs to a stratum; the stratum with more than half of the signs wins,
    /// and of several with fewer one of them (Boyer and Moore's vote).
    pub fn belongs(&mut self, thing: u32, stratum: u32) {
        let (now, votes) = (&mut self.stratum[thing as usize], &mut self.votes[thing as usize]);
        match *votes {
            _ if *now == stratum => *votes = votes.saturating_add(1),
            0 => (*now, *votes) = (stratum, 1),
            _ => *votes -= 1,
        }
    }

    /// Follows a thing's touches with their rows from now on.
    pub fn follow(&mut self, thing: u32) {
        self.rows.insert(thing, ());
    }

    /// Whether a thing is followed.
    pub fn followed(&self, thing: u32) -> bool {
        self.rows.contains_key(&thing)
    }

    /// Counts one touch.
    pub fn touch(&mut self, column: u32, thing: u32, day: f64, weight: f64, row: Row) {
        let bin = ((day / self.bin_days).max(0.0) as usize).min(self.bins - 1);
        if bin != self.bin {
            self.in_bin.clear();
            self.bin = bin;
        }
        let pair = u64::from(column) << 32 | u64::from(thing);
        if self.in_bin.insert(pair) {
            self.exposure[column as usize][bin] += weight;
            self.touched[thing as usize] += u32::from(self.wholes[column as usize].is_none());
            self.pairs.push(pair);
            if self.pairs.len() - self.sorted >= COMPACT.max(self.sorted / 2) {
                self.compact();
            }
        }
        if self.followed(thing) {
            self.held.push(Held { column, thing, row, day, weight });
        }
    }

    fn compact(&mut self) {
        self.pairs[self.sorted..].sort_unstable();
        // Two sorted runs: the stable sort sees them and merges.
        self.pairs.sort();
        self.pairs.dedup();
        self.sorted = self.pairs.len();
    }

    /// The touches of followed things.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Distinct things each column touched.
    pub fn things_of(&mut self) -> Vec<u64> {
        self.compact();
        let mut out = vec![0; self.levels.len()];
        for p in &self.pairs {
            out[(p >> 32) as usize] += 1;
        }
        out
    }

    /// The question: these columns, these things harmed on these days; `counts` says which touches
    /// may explain the harm. Returns the problem, the columns asked and the things, in its order.
    pub fn problem(
        &mut self,
        clock: Clock,
        keep: impl Fn(u32) -> bool,
        harmed: &[(u32, f64)],
        counts: impl Fn(&Held) -> bool,
    ) -> (Problem, Vec<u32>, Vec<u32>) {
        self.compact();
        let asked: Vec<u32> = (0..self.levels.len() as u32).filter(|c| keep(*c)).collect();
        let mut place = vec![u32::MAX; self.levels.len()];
        for (i, c) in asked.iter().enumerate() {
            place[*c as usize] = i as u32;
        }
        let mut columns: Vec<Column> = asked
            .iter()
            .map(|c| Column {
                level: self.levels[*c as usize],
                exposure: self.exposure[*c as usize].clone(),
                whole: self.wholes[*c as usize].map(|w| place[w as usize]).filter(|w| *w != u32::MAX),
                strata: Vec::new(),
            })
            .collect();
        let risks = risks(&self.touched, harmed.iter().map(|h| h.0 as usize));
        let mut strata = self.strata.clone();
        for (s, risk) in self.stratum.iter().zip(&risks) {
            strata[*s as usize].things += risk;
        }
        self.strata_of(&mut columns, &place, &risks);
        let mut index: Lookup<u32, u32> = Lookup::default();
        for (i, (thing, _)) in harmed.iter().enumerate() {
            index.insert(*thing, i as u32);
        }
        let mut touches: Vec<Touch> = self
            .held
            .iter()
            .filter(|h| place[h.column as usize] != u32::MAX && counts(h))
            .filter_map(|h| {
                index.get(&h.thing).map(|i| Touch {
                    column: place[h.column as usize],
                    harmed: *i,
                    day: h.day,
                    weight: h.weight,
                })
            })
            .collect();
        touches.sort_by(|a, b| (a.column, a.harmed).cmp(&(b.column, b.harmed)).then(a.day.total_cmp(&b.day)));
        let problem = Problem {
            columns,
            strata,
            harmed: harmed
                .iter()
                .map(|(t, day)| Harmed {
                    day: *day,
                    stratum: self.stratum[*t as usize],
                    risk: risks[*t as usize],
                })
                .collect(),
            touches,
            bins: self.bins,
            bin_days: self.bin_days,
            horizon: self.horizon,
            clock,
        };
        (problem, asked, harmed.iter().map(|h| h.0).collect())
    }

    /// Counts each column's distinct things by stratum; pairs are sorted, so columns come together.
    fn strata_of(&self, columns: &mut [Column], place: &[u32], risks: &[f64]) {
        let mut at = 0;
        while at < self.pairs.len() {
            let column = (self.pairs[at] >> 32) as usize;
            let end = self.pairs[at..].partition_point(|p| (p >> 32) as usize == column) + at;
            if place[column] != u32::MAX {
                let mut strata: Vec<(u32, f64)> = self.pairs[at..end]
                    .iter()
                    .map(|p| (self.stratum[*p as u32 as usize], risks[*p as u32 as usize]))
                    .collect();
                strata.sort_by_key(|s| s.0);
                let out = &mut columns[place[column] as usize].strata;
                for (s, risk) in strata {
                    match out.last_mut() {
                        Some(x) if x.0 == s => x.1 += risk,
                        _ => out.push((s, risk)),
                    }
                }
            }
            at = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The counting pass agrees with sets of whole tuples.
        #[test]
        fn counts_agree_with_the_plain_way(
            events in proptest::collection::vec((0u32..5, 0u32..12, 0.0f64..300.0), 1..200),
            harmed in proptest::collection::btree_set(0u32..12, 1..6),
        ) {
            let mut events = events;
            events.sort_by(|a, b| a.2.total_cmp(&b.2));
            let mut t = Tally::new(300.0);
            for _ in 0..5 {
                t.column(0, None);
            }
            let strata = [t.stratum(0), t.stratum(0), t.stratum(1)];
            for thing in 0..12u32 {
                t.thing(strata[thing as usize % 3]);
                if harmed.contains(&thing) {
                    t.follow(thing);
                }
            }
            for (c, x, day) in &events {
                t.touch(*c, *x, *day, 1.0, Row::nowhere(0));
            }
            let pairs: BTreeSet<(u32, u32)> = events.iter().map(|e| (e.0, e.1)).collect();
            let things = t.things_of();
            let list: Vec<(u32, f64)> = harmed.iter().map(|h| (*h, 299.0)).collect();
            let (p, asked, _) = t.problem(Clock::Calendar, |_| true, &list, |_| true);
            let in_bin: BTreeSet<(u32, u32, usize)> = events.iter().map(|e| (e.0, e.1, p.bin(e.2))).collect();
            let mut touched = [0; 12];
            in_bin.iter().for_each(|x| touched[x.1 as usize] += 1);
            let risks = risks(&touched, harmed.iter().map(|h| *h as usize));
            for (i, c) in asked.iter().enumerate() {
                prop_assert_eq!(things[*c as usize], pairs.iter().filter(|x| x.0 == *c).count() as u64);
                for b in 0..p.bins {
                    let n = in_bin.iter().filter(|x| x.0 == *c && x.2 == b).count();
                    prop_assert_eq!(p.columns[i].exposure[b], n as f64);
                }
                let mut by: BTreeMap<u32, f64> = BTreeMap::new();
                for (_, x) in pairs.iter().filter(|x| x.0 == *c) {
                    *by.entry(strata[*x as usize % 3]).or_default() += risks[*x as usize];
                }
                prop_assert_eq!(&p.columns[i].strata, &by.into_iter().collect::<Vec<_>>());
            }
            prop_assert_eq!(p.touches.len(), events.iter().filter(|e| harmed.contains(&e.1)).count());
        }
    }
}
