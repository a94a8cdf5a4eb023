//! The counting pass: who touched how many distinct things, when, and which of them were harmed.
//!
//! Things that were not harmed are only counted: once per column and bin of time for the exposure,
//! once per column for the strata. Touches of harmed things are kept with their rows. Rows must come
//! in time order within a column.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::io;
use std::ops::RangeInclusive;

use crate::attribute::{Clock, Column, Harmed, Problem, Risks, Stratum, Touch};
use crate::codec::{In, Out};
use crate::facts::Row;
use crate::intern::{Id, Lookup};
use crate::pairs::Pairs;

/// Whether a reason explains a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// None does.
    None,
    /// An order that cannot be checked, since the orders are not in the records.
    Unchecked,
    /// A valid work order.
    Order,
}

impl Reason {
    const ALL: [Reason; 3] = [Reason::None, Reason::Unchecked, Reason::Order];

    /// What a touch for this reason weighs.
    pub fn weight(self) -> f64 {
        match self {
            Reason::None => 1.0,
            Reason::Unchecked => 0.5,
            Reason::Order => 0.2,
        }
    }
}

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

/// Distinct things by the reason of the first touch: whole numbers, so no order of counting shows in them.
type Exposure = [u32; Reason::ALL.len()];

struct Counted {
    level: u8,
    whole: Option<u32>,
    /// By bin.
    exposure: Vec<Exposure>,
    /// By bin: how often it touched a thing, once a day.
    visits: Vec<u32>,
    /// First and last day of touches.
    days: (i64, i64),
}

/// What the open bin adds to a column.
#[derive(Clone, Copy)]
struct Open {
    exposure: Exposure,
    visits: u32,
    /// Whether the column is a whole.
    whole: bool,
}

/// The touches of one thing by column and bin.
#[derive(Default)]
struct OfThing {
    thing: u32,
    touches: Vec<(u32, u8)>,
}

impl OfThing {
    /// Counts with whom the columns asked share the thing: once for each of their bins, where the other touched it in that bin
    /// or the one before or after.
    fn count(
        &self,
        place: &[Vec<usize>],
        around: &[RangeInclusive<usize>],
        shared: &mut [BTreeMap<u32, u64>],
    ) {
        for (column, bin) in &self.touches {
            for i in place[*column as usize].iter().filter(|i| around[**i].contains(&usize::from(*bin))) {
                let mut last = *column;
                for (other, at) in &self.touches {
                    if *other != *column && *other != last && at.abs_diff(*bin) <= 1 {
                        *shared[*i].entry(*other).or_default() += 1;
                        last = *other;
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Thing {
    stratum: u32,
    /// In how many bins and whole columns it was touched.
    touched: u32,
    votes: u8,
}

/// With more cells than this, strata by columns are not counted in a table.
const TABLE: usize = 1 << 25;

/// The count so far.
pub struct Tally {
    bins: usize,
    bin_days: f64,
    horizon: f64,
    columns: Vec<Counted>,
    things: Vec<Thing>,
    pairs: Pairs,
    bin: usize,
    /// Of every column: what the open bin adds.
    open: Vec<Open>,
    strata: Vec<Stratum>,
    held: Vec<Held>,
}

impl Tally {
    /// An empty count over records of that length.
    pub fn new(horizon: f64) -> Tally {
        let (bins, bin_days) = Problem::bins_for(horizon);
        Tally {
            bins,
            bin_days,
            horizon,
            columns: Vec::new(),
            things: Vec::new(),
            pairs: Pairs::default(),
            bin: 0,
            open: Vec::new(),
            strata: Vec::new(),
            held: Vec::new(),
        }
    }

    /// A new column of that level, where it is one the part of a whole.
    pub fn column(&mut self, level: u8, whole: Option<u32>) -> u32 {
        let exposure = vec![Exposure::default(); self.bins];
        let visits = vec![0; self.bins];
        self.columns.push(Counted { level, whole, exposure, visits, days: (i64::MAX, i64::MIN) });
        self.open.push(Open { exposure: Exposure::default(), visits: 0, whole: whole.is_none() });
        (self.columns.len() - 1) as u32
    }

    /// A new stratum in that region.
    pub fn stratum(&mut self, region: u32) -> u32 {
        self.strata.push(Stratum { region, things: 0.0 });
        (self.strata.len() - 1) as u32
    }

    /// A new thing of that stratum; things are numbered in order.
    pub fn thing(&mut self, stratum: u32) -> u32 {
        self.things.push(Thing { stratum, touched: 0, votes: 0 });
        (self.things.len() - 1) as u32
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How many things there are.
    pub fn things(&self) -> usize {
        self.things.len()
    }

    /// One more sign that a thing belongs to a stratum; the stratum with more than half of the signs wins,
    /// and of several with fewer one of them (Boyer and Moore's vote).
    pub fn belongs(&mut self, thing: u32, stratum: u32) {
        let Thing { stratum: now, votes, .. } = &mut self.things[thing as usize];
        match *votes {
            _ if *now == stratum => *votes = votes.saturating_add(1),
            0 => (*now, *votes) = (stratum, 1),
            _ => *votes -= 1,
        }
    }

    /// Brings what is known of these things near before they are touched one by one.
    pub fn near(&self, things: impl Iterator<Item = u32>) {
        black_box(things.fold(0, |sum, t| sum ^ self.things[t as usize].stratum));
    }

    /// Counts one touch; with its row it is also kept.
    pub fn touch(&mut self, column: u32, thing: u32, day: f64, reason: Reason, row: Option<Row>) {
        let bin = self.bin(day);
        if bin != self.bin {
            self.end_bin();
            self.bin = bin;
        }
        let days = &mut self.columns[column as usize].days;
        let whole = day.floor() as i64;
        *days = (days.0.min(whole), days.1.max(whole));
        self.pairs.push(column, thing, reason as u8, whole as u8);
        if let Some(row) = row {
            self.held.push(Held { column, thing, row, day, weight: reason.weight() });
        }
    }

    /// The bin of a day.
    fn bin(&self, day: f64) -> usize {
        ((day / self.bin_days).max(0.0) as usize).min(self.bins - 1)
    }

    /// Whether a day lies in the last bin. What the others hold stays so when the records grow.
    pub fn in_last_bin(&self, day: f64) -> bool {
        self.bin(day) + 1 == self.bins
    }

    /// How long a bin is.
    pub fn bin_days(&self) -> f64 {
        self.bin_days
    }

    /// The first day of the last bin.
    pub fn last_bin(&self) -> f64 {
        (self.bins - 1) as f64 * self.bin_days
    }

    fn end_bin(&mut self) {
        let (open, things) = (&mut self.open, &mut self.things);
        self.pairs.end_bin(self.bin as u8, |first| {
            let open = &mut open[first.column as usize];
            open.exposure[first.mark as usize] += 1;
            open.visits += first.days;
            things[first.thing as usize].touched += u32::from(open.whole);
        });
        for (column, open) in self.columns.iter_mut().zip(open) {
            column.visits[self.bin] += std::mem::take(&mut open.visits);
            for (all, n) in column.exposure[self.bin].iter_mut().zip(std::mem::take(&mut open.exposure)) {
                *all += n;
            }
        }
    }

    /// For each of these columns and times (first and last day): which others touched so many of its things within a bin of it
    /// that they may repeat more than `share` of its touches in that time, one a day, within a day. Most often there is none,
    /// and none that is left out does.
    pub fn may_repeat(&mut self, asked: &[(u32, (f64, f64))], share: f64) -> Vec<BTreeSet<u32>> {
        self.end_bin();
        // One column may be asked for several times.
        let mut place = vec![Vec::new(); self.columns.len()];
        asked.iter().enumerate().for_each(|(i, a)| place[a.0 as usize].push(i));
        // A touch counts by its day, and a bin is of whole days: these are the first day of the time and the one after it.
        let days = |(from, to): (f64, f64)| (from.ceil(), to.ceil());
        let around: Vec<RangeInclusive<usize>> =
            (asked.iter().map(|a| days(a.1))).map(|(from, to)| self.bin(from)..=self.bin(to - 0.5)).collect();
        let mut shared: Vec<BTreeMap<u32, u64>> = vec![BTreeMap::new(); asked.len()];
        let mut of_thing = OfThing::default();
        self.pairs.each_bin(|column, thing, bin| {
            if thing != of_thing.thing {
                of_thing.count(&place, &around, &mut shared);
                of_thing = OfThing { thing, touches: std::mem::take(&mut of_thing.touches) };
                of_thing.touches.clear();
            }
            of_thing.touches.push((column, bin));
        });
        of_thing.count(&place, &around, &mut shared);
        let bounds = asked.iter().zip(&around).map(|((column, time), around)| {
            let (from, to) = days(*time);
            let c = &self.columns[*column as usize];
            let within = |b: &usize| {
                let (first, end) = (*b as f64 * self.bin_days, (*b + 1) as f64 * self.bin_days);
                // The first and the last bin hold what lies beyond them too.
                *b > 0 && *b + 1 < self.bins && first >= from && end <= to
            };
            let visits = |b: usize| u64::from(c.visits[b]);
            let things = |b: usize| c.exposure[b].iter().map(|n| u64::from(*n)).sum::<u64>();
            let again: u64 = around.clone().map(|b| visits(b) - things(b)).sum();
            (again, around.clone().filter(within).map(visits).sum::<u64>())
        });
        let may = |(shared, (again, surely)): (BTreeMap<u32, u64>, (u64, u64))| {
            let may = |n: &u64| (n + again) as f64 > share * surely as f64;
            shared.into_iter().filter(|(_, n)| may(n)).map(|x| x.0).collect()
        };
        shared.into_iter().zip(bounds.collect::<Vec<_>>()).map(may).collect()
    }

    /// First and last day of a column's touches.
    pub fn days_of(&self, column: u32) -> (i64, i64) {
        self.columns[column as usize].days
    }

    /// Writes all but the touches that were kept.
    pub fn write(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        self.end_bin();
        out.number(self.columns.len() as u64)?;
        for c in &self.columns {
            out.signed(c.days.0)?;
            out.signed(c.days.1)?;
            let last = c.exposure.iter().rposition(|e| *e != Exposure::default()).map_or(0, |i| i + 1);
            out.number(last as u64)?;
            c.exposure[..last].iter().flatten().try_for_each(|n| out.number(u64::from(*n)))?;
            c.visits[..last].iter().try_for_each(|n| out.number(u64::from(*n)))?;
        }
        out.number(self.strata.len() as u64)?;
        self.strata.iter().try_for_each(|s| out.number(u64::from(s.region)))?;
        out.number(self.things.len() as u64)?;
        for t in &self.things {
            out.number(u64::from(t.stratum))?;
            out.number(u64::from(t.touched))?;
            out.number(u64::from(t.votes))?;
        }
        self.pairs.write(out)
    }

    /// Reads what was written of accounts' touches into an empty count.
    pub fn read(&mut self, from: &mut In) -> Option<()> {
        for _ in 0..from.number()? {
            let column = self.column(0, None) as usize;
            self.columns[column].days = (from.signed()?, from.signed()?);
            let last: usize = from.small()?;
            for bin in 0..last {
                for i in 0..Reason::ALL.len() {
                    self.columns[column].exposure.get_mut(bin)?[i] = from.small()?;
                }
            }
            for bin in 0..last {
                self.columns[column].visits[bin] = from.small()?;
            }
        }
        for _ in 0..from.number()? {
            let region = from.small()?;
            self.stratum(region);
        }
        for _ in 0..from.number()? {
            let (stratum, touched, votes) = (from.small()?, from.small()?, from.small()?);
            self.things.push(Thing { stratum, touched, votes });
        }
        self.pairs = Pairs::read(from)?;
        Some(())
    }

    /// Adds a touch of a kept thing that was counted before.
    pub fn hold(&mut self, held: Held) {
        self.held.push(held);
    }

    /// Gives the kept touches in the order of `key`, each with its source as `id` names it.
    pub fn settle<K: Ord>(&mut self, key: impl Fn(&Held) -> K, mut id: impl FnMut(Id) -> Id) {
        self.held.sort_by_key(key);
        self.held.iter_mut().for_each(|h| h.row.source = id(h.row.source));
    }

    /// The touches that were kept.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Distinct things each column touched.
    pub fn things_of(&mut self) -> Vec<u64> {
        self.end_bin();
        let mut out = vec![0; self.columns.len()];
        self.pairs.each(|column, _| out[column as usize] += 1);
        out
    }

    /// The distinct things that each of these columns touched, in rising order.
    pub fn touched_by(&mut self, columns: &[u32]) -> Vec<Vec<u32>> {
        self.end_bin();
        let mut place = vec![usize::MAX; self.columns.len()];
        columns.iter().enumerate().rev().for_each(|(i, c)| place[*c as usize] = i);
        let mut out = vec![Vec::new(); columns.len()];
        self.pairs.each(|column, thing| {
            if let Some(list) = out.get_mut(place[column as usize]) {
                list.push(thing);
            }
        });
        // A column that is asked for again.
        for (i, c) in columns.iter().enumerate().filter(|(i, c)| place[**c as usize] != *i) {
            out[i] = out[place[*c as usize]].clone();
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
        self.end_bin();
        let asked: Vec<u32> = (0..self.columns.len() as u32).filter(|c| keep(*c)).collect();
        let mut place = vec![u32::MAX; self.columns.len()];
        for (i, c) in asked.iter().enumerate() {
            place[*c as usize] = i as u32;
        }
        let mut columns: Vec<Column> = asked
            .iter()
            .map(|c| &self.columns[*c as usize])
            .map(|c| Column {
                level: c.level,
                exposure: c.exposure.iter().map(weighed).collect(),
                whole: c.whole.map(|w| place[w as usize]).filter(|w| *w != u32::MAX),
                strata: Vec::new(),
            })
            .collect();
        let touched = |t: &u32| self.things[*t as usize].touched;
        let risks = Risks::fit(self.things.iter().map(|t| t.touched), harmed.iter().map(|h| touched(&h.0)));
        let mut strata = self.strata.clone();
        for t in &self.things {
            strata[t.stratum as usize].things += risks.of(t.touched);
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
                .map(|(t, day)| (self.things[*t as usize], *day))
                .map(|(t, day)| Harmed { day, stratum: t.stratum, risk: risks.of(t.touched), canary: false })
                .collect(),
            touches,
            bins: self.bins,
            bin_days: self.bin_days,
            horizon: self.horizon,
            clock,
        };
        (problem, asked, harmed.iter().map(|h| h.0).collect())
    }

    /// Counts each column's distinct things by stratum.
    fn strata_of(&mut self, columns: &mut [Column], place: &[u32], risks: &Risks) {
        let (things, width) = (&self.things, columns.len());
        if self.strata.len().saturating_mul(width) > TABLE {
            let mut cells: Lookup<u64, f64> = Lookup::default();
            self.pairs.each(|column, thing| {
                let (t, place) = (&things[thing as usize], place[column as usize]);
                if place != u32::MAX {
                    let cell = u64::from(place) << 32 | u64::from(t.stratum);
                    *cells.entry(cell).or_default() += risks.of(t.touched);
                }
            });
            let mut cells: Vec<(u64, f64)> = cells.into_iter().collect();
            cells.sort_unstable_by_key(|c| c.0);
            for (cell, risk) in cells {
                columns[(cell >> 32) as usize].strata.push((cell as u32, risk));
            }
            return;
        }
        let mut cells = vec![0.0; self.strata.len() * width];
        let (mut last, mut row, mut risk) = (u32::MAX, 0, 0.0);
        self.pairs.each(|column, thing| {
            if thing != last {
                let t = &things[thing as usize];
                (last, row, risk) = (thing, t.stratum as usize * width, risks.of(t.touched));
            }
            if place[column as usize] != u32::MAX {
                cells[row + place[column as usize] as usize] += risk;
            }
        });
        for (stratum, row) in cells.chunks_exact(width.max(1)).enumerate() {
            for (column, risk) in row.iter().enumerate().filter(|c| *c.1 > 0.0) {
                columns[column].strata.push((stratum as u32, *risk));
            }
        }
    }
}

/// Things of a bin, each as its first touch weighs.
fn weighed(things: &Exposure) -> f64 {
    Reason::ALL.iter().zip(things).map(|(r, n)| r.weight() * f64::from(*n)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use suyuan_model::Kind;

    use super::*;
    use crate::attribute::{SHARE, Visit, beside};
    use crate::intern::NONE;

    proptest! {
        /// Whoever is named a partner, or repeats as much, was among those who may.
        #[test]
        fn nobody_who_repeats_is_left_out(
            events in proptest::collection::vec((0u32..4, 0u32..8, 0.0f64..100.0), 1..150),
            copied in 0.0f64..1.0, from in -5.0f64..90.0, length in 0.5f64..60.0,
        ) {
            let window = (from, from + length);
            let mut events = events;
            // The fourth account repeats a part of the first one's.
            let repeats = events.iter().filter(|e| e.0 == 0 && window.0 <= e.2 && e.2 < window.1);
            let many = (repeats.clone().count() as f64 * copied) as usize;
            let repeats: Vec<_> = repeats.take(many).map(|e| (4, e.1, e.2)).collect();
            events.extend(repeats);
            events.sort_by(|a, b| a.2.total_cmp(&b.2));
            let mut t = Tally::new(100.0);
            for _ in 0..5 {
                t.column(0, None);
            }
            t.stratum(0);
            (0..8).for_each(|_| { t.thing(0); });
            for (c, x, day) in &events {
                t.touch(*c, *x, *day, Reason::None, None);
            }
            let may = t.may_repeat(&[(0, window)], SHARE).remove(0);
            let mut visits: Vec<Visit> =
                events.iter().map(|e| Visit { thing: e.1, day: e.2.floor() as i64, column: e.0 }).collect();
            visits.sort_unstable();
            for p in beside(0, window, &visits, &|_| (0, 100)) {
                prop_assert!(may.contains(&p.column));
            }
            let days: BTreeSet<(u32, i64)> =
                visits.iter().filter(|v| v.column == 0 && window.0 <= v.day as f64 && (v.day as f64) < window.1).map(|v| (v.thing, v.day)).collect();
            for other in 1..5 {
                let near = |d: &&(u32, i64)| visits.iter().any(|v| v.column == other && v.thing == d.0 && v.day.abs_diff(d.1) <= 1);
                let hits = days.iter().filter(near).count();
                prop_assert!(hits as f64 <= SHARE * days.len() as f64 || may.contains(&other), "{other} {hits} of {}", days.len());
            }
        }

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
            }
            for (c, x, day) in &events {
                let row = Row { kind: Kind::Access, ts: 0, source: NONE, seq: 0, file: 0, line: 0 };
                t.touch(*c, *x, *day, Reason::None, harmed.contains(x).then_some(row));
            }
            let pairs: BTreeSet<(u32, u32)> = events.iter().map(|e| (e.0, e.1)).collect();
            let things = t.things_of();
            let list: Vec<(u32, f64)> = harmed.iter().map(|h| (*h, 299.0)).collect();
            let (p, asked, _) = t.problem(Clock::Calendar, |_| true, &list, |_| true);
            let in_bin: BTreeSet<(u32, u32, usize)> = events.iter().map(|e| (e.0, e.1, p.bin(e.2))).collect();
            let mut touched = [0; 12];
            in_bin.iter().for_each(|x| touched[x.1 as usize] += 1);
            let risks = Risks::fit(touched.iter().copied(), harmed.iter().map(|h| touched[*h as usize]));
            for (i, c) in asked.iter().enumerate() {
                prop_assert_eq!(things[*c as usize], pairs.iter().filter(|x| x.0 == *c).count() as u64);
                for b in 0..p.bins {
                    let n = in_bin.iter().filter(|x| x.0 == *c && x.2 == b).count();
                    prop_assert_eq!(p.columns[i].exposure[b], n as f64);
                }
                let mut by: BTreeMap<u32, f64> = BTreeMap::new();
                for (_, x) in pairs.iter().filter(|x| x.0 == *c) {
                    *by.entry(strata[*x as usize % 3]).or_default() += risks.of(touched[*x as usize]);
                }
                prop_assert_eq!(&p.columns[i].strata, &by.into_iter().collect::<Vec<_>>());
            }
            prop_assert_eq!(p.touches.len(), events.iter().filter(|e| harmed.contains(&e.1)).count());
        }
    }
}
