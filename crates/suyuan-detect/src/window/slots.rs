//! The groups of a counting correlation, found with one look into memory.
//!
//! Slots are probed one after the other from where the key points. A group whose newest row has left the window is as good
//! as none: its slot goes to the next new group that comes by, so nobody has to look for groups to forget. A part that is
//! full is written anew without them.

use serde::{Deserialize, Serialize};

use super::count::{Count, Rings};
use crate::hash::Key;
use crate::state::{Part, StateError, decode, encode};

/// Slots of the smallest part.
const LEAST: usize = 16;
/// Slots for each group, so that it takes a while until they are full again.
const SLOTS_EACH: usize = 3;
/// So many times the slots that are needed are kept rather than given back: groups come and go.
const ROOMY: usize = 4;

/// A line of memory.
#[derive(Default, Serialize, Deserialize)]
#[repr(align(64))]
struct Slot {
    /// 0 where the slot is free.
    key: Key,
    count: Count,
}

/// What one group no longer needs and the next one will.
#[derive(Default)]
pub(super) struct Spare {
    pub rings: Rings,
    /// Empty.
    slots: Vec<Slot>,
}

/// A part of the groups.
#[derive(Default)]
pub(super) struct Slots {
    /// A power of two, at most half of them taken, so that few are probed; or none at all.
    list: Vec<Slot>,
    taken: usize,
    /// A group whose newest row is this old is as good as none.
    since: i64,
}

impl Slots {
    /// Where the key points, if there is anything.
    pub fn home(&self, key: &Key) -> Option<&Count> {
        let mask = self.list.len().checked_sub(1)?;
        Some(&self.list[key.0 as usize & mask].count)
    }

    /// The key's group; a new one where there is none.
    pub fn of(&mut self, key: Key, since: i64, spare: &mut Spare) -> &mut Count {
        self.since = since;
        if (self.taken + 1) * 2 > self.list.len() {
            self.renew(spare);
        }
        let mask = self.list.len() - 1;
        let mut at = key.0 as usize & mask;
        let mut over = None;
        while self.list[at].key != key {
            if self.list[at].key.0 == 0 {
                at = over.unwrap_or_else(|| {
                    self.taken += 1;
                    at
                });
                let slot = &mut self.list[at];
                slot.count.reset(&mut spare.rings);
                slot.key = key;
                break;
            }
            if over.is_none() && self.list[at].count.last() <= since {
                over = Some(at);
            }
            at = (at + 1) & mask;
        }
        &mut self.list[at].count
    }

    /// Whether it is worth while to forget groups: more than half of them are over.
    pub fn stale(&self, since: i64) -> bool {
        let over = |s: &&Slot| s.key.0 != 0 && s.count.last() <= since;
        self.taken > 0 && self.list.iter().filter(over).count() * 2 > self.taken
    }

    /// Forgets the groups whose newest row is that old.
    pub fn forget(&mut self, since: i64, spare: &mut Spare) {
        self.since = self.since.max(since);
        self.renew(spare);
    }

    fn live(&self) -> impl Iterator<Item = &Slot> {
        self.list.iter().filter(|s| s.key.0 != 0 && s.count.last() > self.since)
    }

    /// Takes out the groups that are over. Where the others then fill too many of the slots, or far too few, they go into new
    /// ones; the old slots are kept for the next part that needs some.
    fn renew(&mut self, spare: &mut Spare) {
        self.clear(spare);
        let room = (self.taken * SLOTS_EACH).max(LEAST).next_power_of_two();
        if (room..=room * ROOMY).contains(&self.list.len()) {
            return;
        }
        let mut old = std::mem::replace(&mut self.list, std::mem::take(&mut spare.slots));
        self.list.resize_with(room, Slot::default);
        self.taken = 0;
        old.drain(..).filter(|s| s.key.0 != 0).for_each(|s| self.put(s));
        spare.slots = old;
    }

    /// Takes out the groups that are over and moves the others as near to where their keys point as they then may stand.
    fn clear(&mut self, spare: &mut Spare) {
        let mask = self.list.len().saturating_sub(1);
        // No group behind a free slot was pushed on from before it, so going round from there, each only moves back.
        let Some(free) = self.list.iter().position(|s| s.key.0 == 0) else { return };
        for at in (free + 1..=free + mask).map(|at| at & mask) {
            let slot = &mut self.list[at];
            if slot.key.0 == 0 {
                continue;
            }
            if slot.count.last() <= self.since {
                slot.count.reset(&mut spare.rings);
                slot.key = Key(0);
                self.taken -= 1;
                continue;
            }
            let mut to = slot.key.0 as usize & mask;
            while to != at && self.list[to].key.0 != 0 {
                to = (to + 1) & mask;
            }
            if to != at {
                self.list[to] = std::mem::take(&mut self.list[at]);
            }
        }
    }

    fn put(&mut self, slot: Slot) {
        let mask = self.list.len() - 1;
        let mut at = slot.key.0 as usize & mask;
        while self.list[at].key.0 != 0 {
            at = (at + 1) & mask;
        }
        self.list[at] = slot;
        self.taken += 1;
    }
}

impl Part for Slots {
    fn bytes(&self) -> Vec<u8> {
        let mut live: Vec<&Slot> = self.live().collect();
        live.sort_unstable_by_key(|s| s.key);
        encode(&live)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let list: Vec<Slot> = decode(bytes)?;
        if list.iter().any(|s| s.key.0 == 0) {
            return Err(StateError("a group without a key".into()));
        }
        *self = Slots { since: i64::MIN, ..Slots::default() };
        self.list.resize_with((list.len() * SLOTS_EACH).max(LEAST).next_power_of_two(), Slot::default);
        list.into_iter().for_each(|s| self.put(s));
        Ok(())
    }

    fn keys(&self) -> usize {
        self.live().count()
    }

    fn is_empty(&self) -> bool {
        self.taken == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_fits_into_a_line() {
        assert_eq!(size_of::<Slot>(), 64);
    }
    use crate::rule::Measure;
    use crate::view::Cite;
    use crate::window::count::Mark;
    use std::collections::BTreeMap;

    proptest::proptest! {
        /// Slots hold what a plain map that forgets nothing holds, as far as anybody can ask.
        #[test]
        fn slots_are_a_map(
            rows in proptest::collection::vec((0i64..5, 0i64..60), 1..400),
            span in 1i64..80,
            cut in 0usize..400,
        ) {
            let (mut slots, mut spare) = (Slots::default(), Spare::default());
            let mut plain: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            let mut ts = 0;
            for (n, (gap, who)) in rows.into_iter().enumerate() {
                ts += gap;
                let mark = Mark { cite: Cite::at(ts, n as u32), value: 0 };
                // All keys point to few places.
                let key = Key((who as u128) << 100 | (who as u128 & 3) | 4);
                let inside = plain.entry(who).or_default();
                inside.push(ts);
                inside.retain(|t| *t > ts - span);
                let count = slots.of(key, ts - span, &mut spare);
                let fresh = count.take(Measure::EventCount, usize::MAX, ts - span, mark, &mut spare.rings);
                proptest::prop_assert_eq!(fresh, Some(inside.len() == 1));
                proptest::prop_assert_eq!(count.len(), inside.len());
                if n == cut {
                    let bytes = slots.bytes();
                    slots = Slots::default();
                    slots.load(&bytes).unwrap();
                    proptest::prop_assert_eq!(slots.bytes(), bytes);
                }
                if n % 97 == 96 && slots.stale(ts - span) {
                    slots.forget(ts - span, &mut spare);
                    proptest::prop_assert!(!slots.stale(ts - span) && slots.keys() == slots.taken);
                }
            }
            let live = plain.values().filter(|t| t.last().is_some_and(|t| *t > ts - span)).count();
            proptest::prop_assert!(slots.keys() >= live);
        }
    }
}
