//! Rows that are counted: one small state per group.
//!
//! Most groups hold one row at a time, so a row alone stands in the table itself, and only a second one makes a [`Ring`];
//! rings that are no longer needed are kept for the next group that does.
//! A group of up to [`SCANNED`] rows finds its different values by looking through them; more rows get a map.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Ask, Hit};
use crate::alert::Evidence;
use crate::rule::{Correlation, Emit, MICRO, Measure};
use crate::view::Cite;

/// Up to so many rows are looked through faster than a map is kept.
const SCANNED: usize = 48;

/// A counted row.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub cite: Cite,
    /// The value's key, or the amount's bits.
    pub value: u64,
}

/// Rings for groups to come: so many at most, each with room for so few rows.
const SPARE: usize = 1_024;
const SPARE_ROWS: usize = 64;

#[derive(Default, Serialize, Deserialize)]
enum Marks {
    #[default]
    None,
    One(Mark),
    Many(Box<Ring>),
}

#[derive(Default, Serialize, Deserialize)]
enum Tally {
    #[default]
    None,
    /// Different values and how many rows hold each.
    Distinct(BTreeMap<u64, u32>),
    /// The amounts in order.
    Sorted(Vec<i64>),
}

/// The rows in the window, the oldest first.
#[derive(Default, Serialize, Deserialize)]
struct Ring {
    marks: VecDeque<Mark>,
    sum: i128,
    /// Different values, while no map counts them.
    distinct: u32,
    tally: Tally,
    /// When it alerted last.
    alerted: i64,
}

/// Rings that no group needs.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "a ring goes from group to group with its box")]
pub(super) struct Rings(Vec<Box<Ring>>);

impl Rings {
    fn take(&mut self) -> Box<Ring> {
        self.0.pop().unwrap_or_default()
    }

    fn keep(&mut self, mut ring: Box<Ring>) {
        if self.0.len() < SPARE && ring.marks.capacity() <= SPARE_ROWS {
            ring.marks.clear();
            (ring.sum, ring.distinct, ring.tally) = (0, 0, Tally::None);
            self.0.push(ring);
        }
    }
}

/// The rows of one group and what was said of them.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Count {
    marks: Marks,
    /// The newest row's time.
    last: i64,
    /// Rows at the end that nobody was told of.
    untold: u32,
    /// Whether the condition held at the newest row.
    held: bool,
}

impl Count {
    /// The newest row's time.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Reads what the next row will need; the value says nothing.
    pub fn touch(&self) -> i64 {
        match &self.marks {
            Marks::Many(r) => {
                let ts = |m: Option<&Mark>| m.map_or(0, |m| m.cite.ts);
                ts(r.marks.back()) ^ ts(r.marks.front()) ^ r.alerted
            }
            _ => self.last,
        }
    }

    /// Begins anew, for another group.
    pub fn reset(&mut self, spare: &mut Rings) {
        if let Marks::Many(ring) = std::mem::take(self).marks {
            spare.keep(ring);
        }
    }

    /// Takes a row in that stands alone, if it does and no ring is to be put away; what nobody is told of it is all that is left
    /// to say. The short way of [`Count::add`], where one row is not enough.
    #[inline]
    pub fn begin(&mut self, since: i64, mark: Mark) -> bool {
        let alone = match self.marks {
            Marks::None => true,
            Marks::One(_) => self.last <= since,
            Marks::Many(_) => false,
        };
        if alone {
            *self = Count { marks: Marks::One(mark), last: mark.cite.ts, untold: 1, held: false };
        }
        alone
    }

    /// Takes a row in; `None` where the condition does not hold. `alone` says whether it may for a row that stands alone.
    pub fn add(
        &mut self,
        c: &Correlation,
        (cap, alone): (usize, bool),
        since: i64,
        mark: Mark,
        ask: Ask,
        spare: &mut Rings,
    ) -> Option<Hit> {
        let fresh = self.take(c.measure, cap, since, mark, spare)?;
        if fresh && !alone {
            // Most rows stand alone, and one row is not enough.
            (self.untold, self.held) = (1, false);
            return None;
        }
        self.untold = self.untold.saturating_add(1).min(self.len() as u32);
        let micro = self.figure(c.measure);
        // What held before the window began no longer counts, so that forgetting it changes nothing.
        let before = self.held && !fresh;
        self.held = c.holds(micro);
        if !self.held {
            return None;
        }
        let fire = c.emit == Emit::Every || !before || self.rearmed(c, mark.cite.ts);
        if fire && let Marks::Many(ring) = &mut self.marks {
            ring.alerted = mark.cite.ts;
        }
        let alert = fire.then(|| match ask.alerts {
            Evidence::Rows => self.newest(self.len()),
            Evidence::Trigger => Vec::new(),
        });
        let rows = if ask.findings { self.tell() } else { Vec::new() };
        Some(Hit { micro, rows, alert })
    }

    /// Whether a condition that goes on holding is to be told again. It takes two rows to go on.
    fn rearmed(&self, c: &Correlation, ts: i64) -> bool {
        let Marks::Many(ring) = &self.marks else { return false };
        c.rearm.is_some_and(|r| ts.saturating_sub(ring.alerted) >= r)
    }

    /// Keeps the row; whether the window was empty before it. `None`: the row is there already, because several of the
    /// counted rules match it.
    pub(super) fn take(
        &mut self,
        m: Measure,
        cap: usize,
        since: i64,
        mark: Mark,
        spare: &mut Rings,
    ) -> Option<bool> {
        let gone = self.last <= since;
        match &mut self.marks {
            Marks::Many(ring) if !gone => {
                if ring.marks.back().is_some_and(|m| m.cite == mark.cite) {
                    return None;
                }
                ring.forget(m, since, cap);
                ring.push(m, mark);
            }
            Marks::One(old) if !gone => {
                if old.cite == mark.cite {
                    return None;
                }
                let mut ring = spare.take();
                // A row alone that held was told.
                ring.alerted = old.cite.ts;
                ring.push(m, *old);
                ring.push(m, mark);
                self.marks = Marks::Many(ring);
            }
            alone => {
                let fresh = gone || matches!(alone, Marks::None);
                if let Marks::Many(ring) = std::mem::replace(alone, Marks::One(mark)) {
                    spare.keep(ring);
                }
                self.last = mark.cite.ts;
                return Some(fresh);
            }
        }
        self.last = mark.cite.ts;
        Some(false)
    }

    pub(super) fn len(&self) -> usize {
        match &self.marks {
            Marks::None => 0,
            Marks::One(_) => 1,
            Marks::Many(r) => r.marks.len(),
        }
    }

    /// The newest `n` rows, in order.
    fn newest(&self, n: usize) -> Vec<Cite> {
        match &self.marks {
            Marks::None => Vec::new(),
            Marks::One(m) => [m.cite].into_iter().take(n).collect(),
            Marks::Many(r) => r.marks.range(r.marks.len() - n..).map(|m| m.cite).collect(),
        }
    }

    fn tell(&mut self) -> Vec<Cite> {
        let n = std::mem::take(&mut self.untold) as usize;
        self.newest(n)
    }

    /// The figure that is compared, in millionths.
    fn figure(&self, m: Measure) -> i128 {
        match &self.marks {
            Marks::None => 0,
            Marks::One(_) if matches!(m, Measure::EventCount | Measure::ValueCount) => MICRO,
            Marks::One(one) => i128::from(one.value as i64) * MICRO,
            Marks::Many(ring) => ring.figure(m),
        }
    }
}

impl Ring {
    /// Lets go of what has left the window, and of more than is kept of it.
    fn forget(&mut self, m: Measure, since: i64, cap: usize) {
        while self.marks.front().is_some_and(|old| old.cite.ts <= since) || self.marks.len() >= cap {
            self.drop_oldest(m);
        }
    }

    fn drop_oldest(&mut self, m: Measure) {
        let Some(old) = self.marks.pop_front() else { return };
        match (&mut self.tally, m) {
            (Tally::Distinct(values), _) => {
                if let Some(n) = values.get_mut(&old.value) {
                    *n -= 1;
                    if *n == 0 {
                        values.remove(&old.value);
                    }
                }
            }
            (Tally::Sorted(list), _) => {
                if let Ok(at) = list.binary_search(&(old.value as i64)) {
                    list.remove(at);
                }
            }
            (Tally::None, Measure::ValueCount) => self.distinct -= u32::from(!self.holds(old.value)),
            (Tally::None, Measure::EventCount) => {}
            (Tally::None, _) => self.sum -= i128::from(old.value as i64),
        }
    }

    fn holds(&self, value: u64) -> bool {
        self.marks.iter().any(|m| m.value == value)
    }

    fn push(&mut self, m: Measure, mark: Mark) {
        match (&mut self.tally, m) {
            (Tally::Distinct(values), _) => *values.entry(mark.value).or_default() += 1,
            (Tally::Sorted(list), _) => {
                let v = mark.value as i64;
                list.insert(list.partition_point(|x| *x < v), v);
            }
            (Tally::None, Measure::ValueCount) if self.marks.len() >= SCANNED => {
                let mut values = BTreeMap::new();
                for v in self.marks.iter().map(|m| m.value).chain([mark.value]) {
                    *values.entry(v).or_default() += 1;
                }
                self.tally = Tally::Distinct(values);
            }
            (Tally::None, Measure::ValueCount) => self.distinct += u32::from(!self.holds(mark.value)),
            (Tally::None, Measure::ValueMedian | Measure::ValuePercentile(_)) => {
                self.tally = Tally::Sorted(vec![mark.value as i64]);
            }
            (Tally::None, Measure::EventCount) => {}
            (Tally::None, _) => self.sum += i128::from(mark.value as i64),
        }
        self.marks.push_back(mark);
    }

    fn figure(&self, m: Measure) -> i128 {
        let n = self.marks.len();
        match (m, &self.tally) {
            (Measure::ValueCount, Tally::Distinct(values)) => values.len() as i128 * MICRO,
            (Measure::ValueCount, _) => i128::from(self.distinct) * MICRO,
            (Measure::ValueSum, _) => self.sum * MICRO,
            // Towards minus infinity, to a millionth of the unit.
            (Measure::ValueAvg, _) => (self.sum * MICRO).div_euclid(n.max(1) as i128),
            (Measure::ValueMedian, Tally::Sorted(list)) => {
                let two = i128::from(list[(n - 1) / 2]) + i128::from(list[n / 2]);
                two * (MICRO / 2)
            }
            (Measure::ValuePercentile(p), Tally::Sorted(list)) => {
                let rank = (n as u64 * u64::from(p)).div_ceil(100_000).max(1) as usize;
                i128::from(list[rank.min(n) - 1]) * MICRO
            }
            _ => n as i128 * MICRO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{decode, encode};

    /// The figure over all values of the window, computed afresh.
    fn plain(m: Measure, values: &[i64]) -> i128 {
        let n = values.len();
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
        match m {
            Measure::ValueCount => {
                sorted.dedup();
                sorted.len() as i128 * MICRO
            }
            Measure::ValueSum => sum * MICRO,
            Measure::ValueAvg => (sum * MICRO).div_euclid(n as i128),
            Measure::ValueMedian => (i128::from(sorted[(n - 1) / 2]) + i128::from(sorted[n / 2])) * MICRO / 2,
            Measure::ValuePercentile(p) => i128::from(sorted[(n * p as usize).div_ceil(100_000) - 1]) * MICRO,
            _ => n as i128 * MICRO,
        }
    }

    proptest::proptest! {
        /// One row, a ring, a ring with a map, and back: the figure is that of the rows in the window.
        #[test]
        fn the_figure_is_that_of_the_window(
            rows in proptest::collection::vec((0i64..30, -4i64..90), 1..220),
            span in 1i64..2_500,
            which in 0usize..6,
        ) {
            let m = [
                Measure::EventCount,
                Measure::ValueCount,
                Measure::ValueSum,
                Measure::ValueAvg,
                Measure::ValueMedian,
                Measure::ValuePercentile(90_000),
            ][which];
            let (mut count, mut spare) = (Count::default(), Rings::default());
            let mut seen: Vec<(i64, i64)> = Vec::new();
            let mut ts = 0;
            for (n, (gap, value)) in rows.into_iter().enumerate() {
                ts += gap;
                let mark = Mark { cite: Cite::at(ts, n as u32), value: value as u64 };
                let mut short: Count = decode(&encode(&count)).unwrap();
                let fresh = count.take(m, usize::MAX, ts - span, mark, &mut spare);
                if short.begin(ts - span, mark) {
                    proptest::prop_assert_eq!(fresh, Some(true));
                    (count.untold, count.held) = (1, false);
                    proptest::prop_assert_eq!(encode(&short), encode(&count));
                }
                let before = seen.iter().any(|(t, _)| *t > ts - span);
                proptest::prop_assert_eq!(fresh, Some(!before));
                seen.push((ts, value));
                let inside: Vec<i64> = seen.iter().filter(|r| r.0 > ts - span).map(|r| r.1).collect();
                proptest::prop_assert_eq!(count.figure(m), plain(m, &inside));
                proptest::prop_assert_eq!(count.last(), ts);
                // The same row again is the same row.
                proptest::prop_assert_eq!(count.take(m, usize::MAX, ts - span, mark, &mut spare), None);
            }
        }
    }
}
