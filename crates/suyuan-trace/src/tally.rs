//! The counting pass: who touched how many distinct things, when, and which of them were harmed.
//!
//! Things that were not harmed are only counted: once per column and bin of time for the exposure,
//! once per column for the strata. Touches of harmed things are kept with their rows. Rows must come
//! in time order within a column. What is counted lies in shards ([`crate::shards`]), which threads work on side by side.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io;

use crate::attribute::{Clock, Column, Harmed, Problem, Risks, Stratum, Touch};
use crate::codec::{In, Out};
use crate::facts::Row;
use crate::intern::{Id, Lookup};
use crate::jobs;
use crate::pairs::Room;
use crate::prints::Print;
use crate::shards::{NEAR, SHARDS, Shard, Thing, Waiting, place_of, shard_of, shards};

mod repeat;

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
}

/// What a bin adds to a column.
#[derive(Clone, Copy, Default)]
struct Open {
    exposure: Exposure,
    visits: u32,
}

/// With more cells than this, strata by columns are not counted in a table.
const TABLE: usize = 1 << 25;
/// So many touches wait before they are counted.
const WAIT: usize = if cfg!(test) { 20 } else { 1 << 19 };
/// Fewer touches than this are counted sooner than a thread starts.
const FEW: usize = if cfg!(test) { 5 } else { 1 << 13 };
/// Risks are summed in steps of this size: sums up to half a billion are exact, so no order shows in them.
const STEP: f64 = 1.0 / (1 << 24) as f64;

/// The count so far.
pub struct Tally {
    bins: usize,
    bin_days: f64,
    horizon: f64,
    columns: Vec<Counted>,
    /// Of every column: whether it is a whole.
    whole: Vec<bool>,
    /// Of every column: first and last day of touches.
    days: Vec<(i64, i64)>,
    shards: Vec<Shard>,
    threads: usize,
    /// Things that have no key.
    named: u32,
    /// Touches of the open bin, and how many of them wait.
    touches: usize,
    waiting: usize,
    bin: usize,
    strata: Vec<Stratum>,
    /// Of every column: its distinct things, where nothing was touched since they were counted.
    distinct: Option<Vec<u64>>,
    held: Vec<Held>,
    /// Touches to be held whose things may not be counted yet.
    awaited: Vec<(Print, Held)>,
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
            whole: Vec::new(),
            days: Vec::new(),
            shards: shards(),
            threads: 1,
            named: 0,
            touches: 0,
            waiting: 0,
            bin: 0,
            strata: Vec::new(),
            distinct: None,
            held: Vec::new(),
            awaited: Vec::new(),
        }
    }

    /// The same on several threads.
    pub fn on(self, threads: usize) -> Tally {
        Tally { threads, ..self }
    }

    /// A new column of that level, where it is one the part of a whole.
    pub fn column(&mut self, level: u8, whole: Option<u32>) -> u32 {
        let exposure = vec![Exposure::default(); self.bins];
        let visits = vec![0; self.bins];
        self.columns.push(Counted { level, whole, exposure, visits });
        self.whole.push(whole.is_none());
        self.days.push((i64::MAX, i64::MIN));
        (self.columns.len() - 1) as u32
    }

    /// A new stratum in that region.
    pub fn stratum(&mut self, region: u32) -> u32 {
        self.strata.push(Stratum { region, things: 0.0 });
        (self.strata.len() - 1) as u32
    }

    /// A new thing of that stratum; things are numbered in order. They have no keys: a count has things of this kind, or such
    /// that have.
    pub fn thing(&mut self, stratum: u32) -> u32 {
        let thing = self.named;
        let (shard, block, _) = place_of(thing);
        self.shards[shard].block(block).things.push(Thing::new(stratum));
        self.named += 1;
        thing
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How many things there are.
    pub fn things(&self) -> usize {
        self.shards.iter().map(Shard::len).sum()
    }

    /// Counts one touch; with its row it is also kept.
    pub fn touch(&mut self, column: u32, thing: u32, day: f64, reason: Reason, row: Option<Row>) {
        let whole = self.come(column, day);
        let (shard, block, place) = place_of(thing);
        let block = self.shards[shard].block(block);
        block.pairs.push(column, place as u16, reason as u8, whole as u8);
        if let Some(row) = row {
            self.held.push(Held { column, thing, row, day, weight: reason.weight() });
        }
    }

    /// Counts one touch of the thing with a key; with its row it is also kept. A thing that is new belongs to the stratum, and
    /// one that is not has one more sign that it does, where the touch is such a sign.
    pub fn meet(
        &mut self,
        (column, key): (u32, Print),
        (stratum, sign): (u32, bool),
        day: f64,
        reason: Reason,
        row: Option<Row>,
    ) {
        let whole = self.come(column, day);
        let w = Waiting { key, column, stratum, sign, mark: reason as u8, day: whole as u8 };
        self.shards[shard_of(key)].waiting.push(w);
        self.waiting += 1;
        if let Some(row) = row {
            self.awaited.push((key, Held { column, thing: 0, row, day, weight: reason.weight() }));
        }
        if self.waiting >= WAIT {
            self.take_in();
        }
    }

    /// Opens the bin of a day on which a column touches something; the day as a whole number.
    fn come(&mut self, column: u32, day: f64) -> i64 {
        let bin = self.bin(day);
        if bin != self.bin {
            self.end_bin();
            self.bin = bin;
        }
        let days = &mut self.days[column as usize];
        // Rounded down; without a call where the processor may lack the instruction.
        let toward = day as i64;
        let whole = toward - i64::from(toward as f64 > day);
        *days = (days.0.min(whole), days.1.max(whole));
        self.touches += 1;
        self.distinct = None;
        whole
    }

    /// Threads for that many touches.
    fn threads_for(&self, touches: usize) -> usize {
        if touches < FEW { 1 } else { self.threads }
    }

    /// Counts the touches that wait.
    pub fn take_in(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let threads = self.threads_for(self.waiting);
        jobs::parts(threads, &mut self.shards, |part| part.iter_mut().for_each(Shard::take_in));
        self.waiting = 0;
        for (key, held) in std::mem::take(&mut self.awaited) {
            let thing = self.shards[shard_of(key)].find(key).unwrap_or_default();
            self.held.push(Held { thing, ..held });
        }
    }

    /// The thing of a key, if it was touched.
    pub fn find(&mut self, key: Print) -> Option<u32> {
        self.take_in();
        self.shards[shard_of(key)].find(key)
    }

    /// The stratum of a thing.
    pub fn stratum_of(&self, thing: u32) -> u32 {
        let (shard, block, place) = place_of(thing);
        self.shards[shard].get(block, place).stratum
    }

    /// The keys with their things.
    pub fn keys(&self) -> impl Iterator<Item = (Print, u32)> {
        self.shards.iter().flat_map(Shard::keys)
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
        self.take_in();
        let touches = std::mem::take(&mut self.touches);
        let threads = self.threads_for(touches);
        let (bin, whole) = (self.bin as u8, &self.whole);
        let parts = jobs::parts(threads, &mut self.shards, |part| {
            let (mut open, mut room) = (vec![Open::default(); whole.len()], Room::default());
            for shard in part {
                shard.end_bin(bin, &mut room, |first| {
                    let open = &mut open[first.column as usize];
                    open.exposure[first.mark as usize] += 1;
                    open.visits += first.days;
                    whole[first.column as usize]
                });
            }
            open
        });
        for part in parts {
            for (column, open) in self.columns.iter_mut().zip(part) {
                column.visits[self.bin] += open.visits;
                for (all, n) in column.exposure[self.bin].iter_mut().zip(open.exposure) {
                    *all += n;
                }
            }
        }
    }

    /// What each thread makes of the pairs of its shards: `each(made, column, thing, what is known of it)`; of the things that one
    /// of the wanted columns touched, or of all.
    fn each<T: Send>(
        &mut self,
        wanted: Option<&[bool]>,
        new: impl Fn() -> T + Sync,
        each: impl Fn(&mut T, u32, u32, &Thing) + Sync,
    ) -> Vec<T> {
        jobs::parts(self.threads, &mut self.shards, |part| {
            let (mut made, mut room) = (new(), Room::default());
            for (first, block) in part.iter_mut().flat_map(Shard::blocks) {
                let things = &block.things;
                block.pairs.each(&mut room, wanted, |column, thing| {
                    each(&mut made, column, first | u32::from(thing), &things[thing as usize]);
                });
            }
            made
        })
    }

    /// First and last day of a column's touches.
    pub fn days_of(&self, column: u32) -> (i64, i64) {
        self.days[column as usize]
    }

    /// Writes all but the touches that were kept.
    pub fn write(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        self.end_bin();
        out.number(self.columns.len() as u64)?;
        for (c, days) in self.columns.iter().zip(&self.days) {
            out.signed(days.0)?;
            out.signed(days.1)?;
            let last = c.exposure.iter().rposition(|e| *e != Exposure::default()).map_or(0, |i| i + 1);
            out.number(last as u64)?;
            c.exposure[..last].iter().flatten().try_for_each(|n| out.number(u64::from(*n)))?;
            c.visits[..last].iter().try_for_each(|n| out.number(u64::from(*n)))?;
        }
        out.number(self.strata.len() as u64)?;
        self.strata.iter().try_for_each(|s| out.number(u64::from(s.region)))?;
        self.shards.iter().try_for_each(|s| s.write(out))
    }

    /// Reads what was written of accounts' touches into an empty count.
    pub fn read(&mut self, from: &mut In) -> Option<()> {
        for _ in 0..from.number()? {
            let column = self.column(0, None) as usize;
            self.days[column] = (from.signed()?, from.signed()?);
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
        self.shards = (0..SHARDS as u32).map(|number| Shard::read(number, from)).collect::<Option<_>>()?;
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
        if let Some(distinct) = &self.distinct {
            return distinct.clone();
        }
        let columns = self.columns.len();
        let parts = self.each(None, || vec![0; columns], |out, column, _, _| out[column as usize] += 1);
        self.distinct.insert(sum(columns, parts.iter())).clone()
    }

    /// The distinct things that each of these columns touched, in rising order.
    pub fn touched_by(&mut self, columns: &[u32]) -> Vec<Vec<u32>> {
        self.end_bin();
        let mut place = vec![usize::MAX; self.columns.len()];
        columns.iter().enumerate().rev().for_each(|(i, c)| place[*c as usize] = i);
        let wanted: Vec<bool> = place.iter().map(|at| *at != usize::MAX).collect();
        let parts = self.each(
            Some(&wanted),
            || vec![Vec::new(); columns.len()],
            |out, column, thing, _| {
                if let Some(list) = out.get_mut(place[column as usize]) {
                    list.push(thing);
                }
            },
        );
        let mut out = vec![Vec::new(); columns.len()];
        for part in parts {
            out.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
        }
        out.iter_mut().for_each(|list| list.sort_unstable());
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
        let all = || self.shards.iter().flat_map(Shard::things);
        let of = |t: u32| {
            let (shard, block, place) = place_of(t);
            self.shards[shard].get(block, place)
        };
        let risks = Risks::fit(all().map(|t| t.touched), harmed.iter().map(|h| of(h.0).touched));
        let steps = Steps::of(&risks, all().map(|t| t.touched).max().unwrap_or(0));
        let of_harmed: Vec<Thing> = harmed.iter().map(|h| of(h.0)).collect();
        let mut strata = self.strata.clone();
        let parts = jobs::parts(self.threads, &mut self.shards, |part| {
            let mut sums = vec![0.0; strata.len()];
            let things = part.iter().flat_map(Shard::things);
            things.for_each(|t| sums[t.stratum as usize] += steps.step(t.touched));
            sums
        });
        for part in parts {
            strata.iter_mut().zip(part).for_each(|(stratum, sum)| stratum.things += sum);
        }
        self.strata_of(&mut columns, &place, &steps);
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
                .zip(of_harmed)
                .map(|((_, day), t)| Harmed {
                    day: *day,
                    stratum: t.stratum,
                    risk: risks.of(t.touched),
                    canary: false,
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

    /// Counts each column's distinct things by stratum.
    fn strata_of(&mut self, columns: &mut [Column], place: &[u32], steps: &Steps) {
        let (strata, width) = (self.strata.len(), columns.len());
        if strata.saturating_mul(width) > TABLE {
            let parts = self.each(None, Lookup::<u64, f64>::default, |cells, column, _, t| {
                let place = place[column as usize];
                if place != u32::MAX {
                    let cell = u64::from(place) << 32 | u64::from(t.stratum);
                    *cells.entry(cell).or_default() += steps.step(t.touched);
                }
            });
            let mut cells: BTreeMap<u64, f64> = BTreeMap::new();
            for (cell, risk) in parts.into_iter().flatten() {
                *cells.entry(cell).or_default() += risk;
            }
            for (cell, risk) in cells {
                columns[(cell >> 32) as usize].strata.push((cell as u32, risk));
            }
            return;
        }
        let all = self.columns.len();
        let new = || (Cells::new(strata * width), vec![0; all], (u32::MAX, 0, 0.0));
        let mut parts = self.each(None, new, |(cells, distinct, (last, row, risk)), column, thing, t| {
            distinct[column as usize] += 1;
            if thing != *last {
                (*last, *row, *risk) = (thing, t.stratum * width as u32, steps.step(t.touched));
            }
            let place = place[column as usize];
            if place != u32::MAX {
                cells.add(*row + place, *risk);
            }
        });
        parts.iter_mut().for_each(|part| part.0.settle());
        self.distinct = Some(sum(all, parts.iter().map(|part| &part.1)));
        // A line of memory holds the cells of so many columns.
        let lines: Vec<usize> = (0..width).step_by(LINE).collect();
        let lists = jobs::map(self.threads, &lines, |first| {
            let mut sums = vec![vec![0.0; strata]; LINE.min(width - first)];
            for stratum in 0..strata {
                for (i, column) in sums.iter_mut().enumerate() {
                    column[stratum] =
                        parts.iter().map(|part| part.0.sums[stratum * width + first + i]).sum::<f64>();
                }
            }
            let touched = |(stratum, risk): (usize, &f64)| (*risk > 0.0).then_some((stratum as u32, *risk));
            let list = |column: &Vec<f64>| {
                let mut list = Vec::with_capacity(column.iter().filter(|risk| **risk > 0.0).count());
                list.extend(column.iter().enumerate().filter_map(touched));
                list
            };
            sums.iter().map(list).collect::<Vec<Vec<(u32, f64)>>>()
        });
        for (column, list) in columns.iter_mut().zip(lists.into_iter().flatten()) {
            column.strata = list;
        }
    }
}

/// Columns whose cells of one stratum are read together.
const LINE: usize = 8;

/// Sums in a table larger than the caches: what comes is added many at a time, so that the waits for memory overlap.
struct Cells {
    sums: Vec<f64>,
    coming: Vec<(u32, f64)>,
}

impl Cells {
    fn new(cells: usize) -> Cells {
        Cells { sums: vec![0.0; cells], coming: Vec::with_capacity(NEAR) }
    }

    fn add(&mut self, cell: u32, x: f64) {
        self.coming.push((cell, x));
        if self.coming.len() == NEAR {
            self.settle();
        }
    }

    fn settle(&mut self) {
        black_box(self.coming.iter().fold(0, |all, (cell, _)| all ^ self.sums[*cell as usize].to_bits()));
        for (cell, x) in self.coming.drain(..) {
            self.sums[cell as usize] += x;
        }
    }
}

/// What threads counted of each column.
fn sum<'a>(columns: usize, parts: impl Iterator<Item = &'a Vec<u64>>) -> Vec<u64> {
    let mut all = vec![0; columns];
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, n)| *all += n);
    }
    all
}

/// The risk of a thing that was touched so often, in steps.
fn step(risks: &Risks, touched: u32) -> f64 {
    (risks.of(touched) / STEP).round() * STEP
}

/// The same, told in advance for all but the most touched things.
struct Steps<'a> {
    risks: &'a Risks,
    by: Vec<f64>,
}

impl Steps<'_> {
    /// Things touched more often are told when they are asked for.
    const OFTEN: u32 = 1 << 12;

    fn of(risks: &Risks, most: u32) -> Steps<'_> {
        Steps { risks, by: (0..=most.min(Steps::OFTEN)).map(|n| step(risks, n)).collect() }
    }

    fn step(&self, touched: u32) -> f64 {
        self.by.get(touched as usize).copied().unwrap_or_else(|| step(self.risks, touched))
    }
}

/// Things of a bin, each as its first touch weighs.
fn weighed(things: &Exposure) -> f64 {
    Reason::ALL.iter().zip(things).map(|(r, n)| r.weight() * f64::from(*n)).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use suyuan_model::Kind;

    use super::*;
    use crate::intern::NONE;

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
                    *by.entry(strata[*x as usize % 3]).or_default() += step(&risks, touched[*x as usize]);
                }
                prop_assert_eq!(&p.columns[i].strata, &by.into_iter().collect::<Vec<_>>());
            }
            prop_assert_eq!(p.touches.len(), events.iter().filter(|e| harmed.contains(&e.1)).count());
        }
    }
}
