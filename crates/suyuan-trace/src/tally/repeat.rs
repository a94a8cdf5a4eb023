//! Who may have repeated another's touches: told by the counts of bins, without reading anything again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::Tally;
use crate::jobs;
use crate::pairs::Room;
use crate::shards::Shard;

/// The touches of one thing by column and bin.
#[derive(Default)]
struct OfThing {
    thing: u16,
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

impl Tally {
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
        let wanted: Vec<bool> = place.iter().map(|of| !of.is_empty()).collect();
        let parts = jobs::parts(self.threads, &mut self.shards, |part| {
            let mut shared: Vec<BTreeMap<u32, u64>> = vec![BTreeMap::new(); asked.len()];
            let (mut of_thing, mut room) = (OfThing::default(), Room::default());
            for (_, block) in part.iter_mut().flat_map(Shard::blocks) {
                block.pairs.each_bin(&mut room, Some(&wanted), |column, thing, bin| {
                    if thing != of_thing.thing {
                        of_thing.count(&place, &around, &mut shared);
                        of_thing.thing = thing;
                        of_thing.touches.clear();
                    }
                    of_thing.touches.push((column, bin));
                });
                of_thing.count(&place, &around, &mut shared);
                of_thing.touches.clear();
            }
            shared
        });
        let mut shared: Vec<BTreeMap<u32, u64>> = vec![BTreeMap::new(); asked.len()];
        for part in parts {
            for (all, part) in shared.iter_mut().zip(part) {
                part.into_iter().for_each(|(other, n)| *all.entry(other).or_default() += n);
            }
        }
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribute::{SHARE, Visit, beside};
    use crate::tally::Reason;

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
    }
}
