//! The groups of a counting correlation, found with few looks into memory.
//!
//! Slots are probed one after the other from where the key points, by short signs that stand close together; only the slot that
//! is meant is read itself. A group whose newest row has left the window is as good as none: its slot goes to the next new
//! group that comes by, so nobody has to look for groups to forget. A part that is full is cleared of them, by their signs.

use serde::{Deserialize, Serialize};

use super::count::{Count, Rings};
use crate::hash::Key;
use crate::state::{Part, StateError, decode, encode};

/// Slots of the smallest part.
const LEAST: usize = 16;
/// Slots for each group when they are made anew, so that it takes a while until they are full.
const SLOTS_EACH: usize = 2;
/// So many times the slots that are needed are kept rather than given back when groups are forgotten: they come again.
const ROOMY: usize = 4;
/// A sign's unit of time is 2^20 microseconds.
const UNIT: u32 = 20;

/// A line of memory.
#[derive(Default, Serialize, Deserialize)]
#[repr(align(64))]
struct Slot {
    key: Key,
    count: Count,
}

/// What is known of a slot without reading it.
#[derive(Clone, Copy, Default)]
struct Sign {
    /// Of the key; 0 where the slot is free.
    tag: u32,
    /// When its newest row was.
    last: u32,
}

/// Where a key's group stands, or would; it may have moved since that was found. The highest bit says that none stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

const NEW: u32 = 1 << 31;

impl Place {
    /// Not looked for.
    pub const UNKNOWN: Place = Place(u32::MAX);

    fn at(self) -> usize {
        (self.0 & !NEW) as usize
    }
    fn is_new(self) -> bool {
        self.0 & NEW != 0
    }
}

/// A part of the groups.
#[derive(Default)]
pub(super) struct Slots {
    /// One for each slot: a power of two, at most three quarters of them taken, so that few are probed; or none at all.
    signs: Vec<Sign>,
    /// Where the sign says free there may be the remains of a group that is over.
    list: Vec<Slot>,
    taken: usize,
    /// A group whose newest row is this old is as good as none.
    since: i64,
    /// In which block of rows a group last came to stand elsewhere than where it was looked for.
    moved: u32,
}

#[inline]
fn tag(key: &Key) -> u32 {
    key.0 as u32 | 1
}

/// A time in a sign's units: of two that differ in them, the times differ alike.
#[inline]
fn units(ts: i64) -> u32 {
    (ts >> UNIT).clamp(0, u32::MAX.into()) as u32
}

/// Where a tag points to.
#[inline]
fn home(tag: u32, mask: usize) -> usize {
    (tag >> 1) as usize & mask
}

impl Slots {
    /// Reads the sign that the key points to; the value says nothing.
    #[inline]
    pub fn sign(&self, key: &Key) -> u32 {
        let mask = self.signs.len().wrapping_sub(1);
        self.signs.get(home(tag(key), mask)).map_or(0, |s| s.last)
    }

    /// Where the key's group stands, as far as signs tell, or where a new one would.
    #[inline]
    pub fn find(&self, key: &Key) -> Place {
        let Some(mask) = self.signs.len().checked_sub(1) else { return Place::UNKNOWN };
        let (tag, over) = (tag(key), units(self.since));
        let mut at = home(tag, mask);
        let mut free = None;
        loop {
            let sign = self.signs[at];
            if sign.tag == tag {
                return Place(at as u32);
            }
            if sign.tag == 0 {
                return Place(free.unwrap_or(at) as u32 | NEW);
            }
            if free.is_none() && sign.last < over {
                free = Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// What stands at a place, if it is one.
    #[inline]
    pub fn at(&self, place: Place) -> Option<&Count> {
        Some(&self.list.get(place.at())?.count)
    }

    /// The key's group, of which a row comes at `ts`; a new one where there is none. `place` is where it was found when this
    /// `block` of rows began.
    #[inline]
    pub fn of(
        &mut self,
        key: Key,
        (place, block): (Place, u32),
        (ts, since): (i64, i64),
        rings: &mut Rings,
    ) -> &mut Count {
        self.since = since;
        let (tag, at) = (tag(&key), place.at());
        let at = match self.signs.get(at) {
            Some(s) if s.tag == tag && self.list[at].key == key => at,
            Some(s) if place.is_new() && self.moved != block && self.may_take(*s) => {
                self.enter(at, key, tag, rings)
            }
            _ => self.look(key, tag, (place, block), rings),
        };
        self.signs[at].last = units(ts);
        &mut self.list[at].count
    }

    /// Whether a slot with this sign can be had at once.
    #[inline]
    fn may_take(&self, sign: Sign) -> bool {
        match sign.tag {
            0 => (self.taken + 1) * 4 <= self.signs.len() * 3,
            _ => sign.last < units(self.since),
        }
    }

    /// Begins a group in a slot that is free or whose group is over.
    #[inline]
    fn enter(&mut self, at: usize, key: Key, tag: u32, rings: &mut Rings) -> usize {
        let sign = &mut self.signs[at];
        self.taken += usize::from(sign.tag == 0);
        sign.tag = tag;
        let slot = &mut self.list[at];
        slot.count.reset(rings);
        slot.key = key;
        at
    }

    /// Where the key's group stands; a new one where there is none.
    fn look(&mut self, key: Key, tag: u32, (place, block): (Place, u32), rings: &mut Rings) -> usize {
        if (self.taken + 1) * 4 > self.signs.len() * 3 {
            self.renew(usize::MAX);
            self.moved = block;
        }
        let mask = self.signs.len() - 1;
        let past = units(self.since);
        let mut at = home(tag, mask);
        let mut over = None;
        loop {
            let sign = self.signs[at];
            if sign.tag == tag && self.list[at].key == key {
                return at;
            }
            if sign.tag == 0 {
                break;
            }
            if over.is_none() && sign.last < past {
                over = Some(at);
            }
            at = (at + 1) & mask;
        }
        at = over.unwrap_or(at);
        if at != place.at() {
            self.moved = block;
        }
        self.enter(at, key, tag, rings)
    }

    /// Whether it is worth while to forget groups: more than half of them are over.
    pub fn stale(&self, since: i64) -> bool {
        let past = units(since);
        self.signs.iter().filter(|s| s.tag != 0 && s.last < past).count() * 2 > self.taken
    }

    /// Forgets the groups whose newest row is that old.
    pub fn forget(&mut self, since: i64, rings: &mut Rings) {
        self.since = self.since.max(since);
        self.renew(ROOMY);
        let free = self.list.iter_mut().zip(&self.signs).filter(|(_, sign)| sign.tag == 0);
        free.for_each(|(slot, _)| slot.count.reset(rings));
    }

    fn live(&self) -> impl Iterator<Item = &Slot> {
        let taken = self.list.iter().zip(&self.signs).filter(|(_, sign)| sign.tag != 0);
        taken.map(|(slot, _)| slot).filter(|s| s.count.last() > self.since)
    }

    /// Takes out the groups that are over. Where the others then fill too many of the slots, or fewer than one in `roomy` of those
    /// that they need, they go into new ones.
    fn renew(&mut self, roomy: usize) {
        self.clear();
        let room = (self.taken * SLOTS_EACH).max(LEAST).next_power_of_two();
        if (room..=room.saturating_mul(roomy)).contains(&self.signs.len()) {
            return;
        }
        let signs = std::mem::replace(&mut self.signs, vec![Sign::default(); room]);
        let old = std::mem::take(&mut self.list);
        self.list.resize_with(room, Slot::default);
        self.taken = 0;
        old.into_iter().zip(signs).filter(|(_, sign)| sign.tag != 0).for_each(|(s, sign)| self.put(s, sign));
    }

    /// Takes out the groups that are over and moves the others as near to where their keys point as they then may stand.
    fn clear(&mut self) {
        let mask = self.signs.len().saturating_sub(1);
        let past = units(self.since);
        // No group behind a free slot was pushed on from before it, so going round from there, each only moves back.
        let Some(free) = self.signs.iter().position(|s| s.tag == 0) else { return };
        // First all that are over, without a branch for each.
        self.taken = 0;
        for sign in &mut self.signs {
            sign.tag = if sign.last < past { 0 } else { sign.tag };
            self.taken += usize::from(sign.tag != 0);
        }
        for at in (free + 1..=free + mask).map(|at| at & mask) {
            let sign = self.signs[at];
            let mut to = home(sign.tag, mask);
            if sign.tag == 0 || to == at {
                continue;
            }
            while to != at && self.signs[to].tag != 0 {
                to = (to + 1) & mask;
            }
            if to != at {
                self.signs.swap(to, at);
                self.list.swap(to, at);
            }
        }
    }

    fn put(&mut self, slot: Slot, sign: Sign) {
        let mask = self.signs.len() - 1;
        let mut at = home(sign.tag, mask);
        while self.signs[at].tag != 0 {
            at = (at + 1) & mask;
        }
        (self.signs[at], self.list[at]) = (sign, slot);
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
        let room = (list.len() * SLOTS_EACH).max(LEAST).next_power_of_two();
        *self = Slots { signs: vec![Sign::default(); room], since: i64::MIN, ..Slots::default() };
        self.list.resize_with(room, Slot::default);
        for slot in list {
            let sign = Sign { tag: tag(&slot.key), last: units(slot.count.last()) };
            self.put(slot, sign);
        }
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
    use proptest::prelude::Strategy;

    use crate::rule::Measure;
    use crate::view::Cite;
    use crate::window::count::Mark;
    use std::collections::BTreeMap;

    proptest::proptest! {
        /// Slots hold what a plain map that forgets nothing holds, as far as anybody can ask.
        #[test]
        fn slots_are_a_map(
            rows in proptest::collection::vec((0i64..5, 0i64..60), 1..400),
            span in (1i64..80).prop_map(|s| s << 19),
            cut in 0usize..400,
        ) {
            let (mut slots, mut rings) = (Slots::default(), Rings::default());
            let mut plain: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            // All keys point to few places.
            let key_of = |who: i64| Key((who as u128) << 100 | (who as u128 & 3) | 4);
            let mut found = Vec::new();
            let mut ts = 0;
            for (n, (gap, who)) in rows.into_iter().enumerate() {
                // Some gaps are less than a sign's unit of time.
                ts += gap << 19;
                let mark = Mark { cite: Cite::at(ts, n as u32), value: 0 };
                let key = key_of(who);
                let inside = plain.entry(who).or_default();
                inside.push(ts);
                inside.retain(|t| *t > ts - span);
                // As if it had been looked for when a block of seven rows began, or not, or another one stood there.
                if n % 7 == 0 {
                    found = (0..60).map(|who| slots.find(&key_of(who))).collect();
                }
                let place = [found[who as usize], Place::UNKNOWN, Place(n as u32 % 3)][n / 7 % 5 % 3];
                let count = slots.of(key, (place, n as u32 / 7 + 1), (ts, ts - span), &mut rings);
                let fresh = count.take(Measure::EventCount, usize::MAX, ts - span, mark, &mut rings);
                proptest::prop_assert_eq!(fresh, Some(inside.len() == 1));
                proptest::prop_assert_eq!(count.len(), inside.len());
                if n == cut {
                    let bytes = slots.bytes();
                    slots = Slots::default();
                    slots.load(&bytes).unwrap();
                    proptest::prop_assert_eq!(slots.bytes(), bytes);
                }
                if n % 97 == 96 && slots.stale(ts - span) {
                    slots.forget(ts - span, &mut rings);
                    proptest::prop_assert!(!slots.stale(ts - span) && slots.keys() <= slots.taken);
                }
            }
            let live = plain.values().filter(|t| t.last().is_some_and(|t| *t > ts - span)).count();
            proptest::prop_assert!(slots.keys() >= live);
        }
    }
}
