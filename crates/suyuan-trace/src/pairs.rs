//! Which column touched which thing of a block in which bin of time, once each, in little memory.
//!
//! The pairs of a bin of time are gathered, sorted, freed of repeats, handed out and kept
//! as bytes: one for each new thing, then the distance to its next column with the bin, two or three bytes as a rule. Runs of
//! several bins stand one after another until they are merged into one; bins come in their order, so merging keeps it. A
//! touch thus takes three to four bytes in place of twelve, and nothing larger than a block is ever sorted.

use std::io;

use crate::codec::{In, Out, varint};

/// Things of a block, as a power of two: the pairs of a block fit the processor's cache.
pub const BLOCK: u32 = 16;
/// Bytes that may gather behind the merged run of a block, at least and as a multiple of that run.
const LOOSE: (usize, usize) = (1 << 20, 3);
/// Below this many a comparing sort is faster than counting digits.
const FEW: usize = 192;

/// Bits of a bin's number.
const BIN: u32 = 6;

/// A touch of a bin: the column, the thing of the block, a mark of the first such touch, and on how many days there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    pub column: u32,
    pub thing: u16,
    pub mark: u8,
    pub days: u32,
}

/// The pairs of a block so far.
#[derive(Default)]
pub struct Pairs {
    /// The open bin's touches in order of time: thing (16 bits), column (32), mark (8), day (8).
    fresh: Vec<u64>,
    bytes: Vec<u8>,
    /// The thing at the end of `bytes`.
    last: u16,
    /// How much of `bytes` is one run without repeats.
    merged: usize,
}

/// What the work on pairs needs beside them: how many columns there are, and room that many blocks share.
pub struct Room {
    pub columns: u32,
    spare: Vec<u64>,
}

impl Room {
    pub fn new(columns: usize) -> Room {
        Room { columns: columns as u32, spare: Vec::new() }
    }
}

impl Pairs {
    /// Adds a touch to the bin that is open. Of the day only what tells days of a bin apart is kept.
    pub fn push(&mut self, column: u32, thing: u16, mark: u8, day: u8) {
        let rest = u64::from(mark) << 8 | u64::from(day);
        self.fresh.push(u64::from(thing) << 48 | u64::from(column) << 16 | rest);
    }

    /// Ends the open bin, which has that number: `each` hears every pair of it once, in order of thing and column.
    pub fn end_bin(&mut self, bin: u8, room: &mut Room, mut each: impl FnMut(First)) {
        debug_assert!(bin < 1 << BIN);
        if self.fresh.is_empty() {
            return;
        }
        let bits = width(room.columns);
        sort(&mut self.fresh, &mut room.spare, &[(16, bits), (48, BLOCK)]);
        let mut before = None;
        for same in self.fresh.chunk_by(|a, b| a >> 16 == b >> 16) {
            let x = same[0];
            let (thing, column) = (x >> 48, x >> 16 & u64::from(u32::MAX));
            let pair = thing << (32 + BIN) | column << BIN | u64::from(bin);
            write(&mut self.bytes, &mut self.last, before, pair);
            before = Some(pair);
            let days = 1 + same.windows(2).filter(|w| w[0] as u8 != w[1] as u8).count() as u32;
            each(First { column: column as u32, thing: thing as u16, mark: (x >> 8) as u8, days });
        }
        self.fresh.clear();
        if self.bytes.len() > self.merged * (LOOSE.1 + 1) + LOOSE.0 {
            self.merge(room);
        }
    }

    /// Every pair once, in order of thing and column: `each(column, thing)`. The open bin must have ended.
    pub fn each(&mut self, room: &mut Room, mut each: impl FnMut(u32, u16)) {
        let mut last = u64::MAX;
        self.each_bin(room, |column, thing, _| {
            let pair = u64::from(thing) << 32 | u64::from(column);
            if pair != last {
                each(column, thing);
                last = pair;
            }
        });
    }

    /// Every pair with each of its bins, in order of thing, column and bin: `each(column, thing, bin)`.
    pub fn each_bin(&mut self, room: &mut Room, mut each: impl FnMut(u32, u16, u8)) {
        if self.merged < self.bytes.len() {
            self.merge(room);
        }
        read(&self.bytes, |x| {
            each((x >> BIN) as u32, (x >> (32 + BIN)) as u16, (x & ((1 << BIN) - 1)) as u8)
        });
    }

    /// Writes the pairs; the open bin must have ended.
    pub fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        out.number(u64::from(self.last))?;
        out.number(self.merged as u64)?;
        out.bytes(&self.bytes)
    }

    /// Reads what was written.
    pub fn read(from: &mut In) -> Option<Pairs> {
        let (last, merged) = (from.small()?, from.small()?);
        Some(Pairs { fresh: Vec::new(), bytes: from.bytes()?.to_vec(), last, merged })
    }

    /// Makes one run of all.
    fn merge(&mut self, room: &mut Room) {
        let mut all = Vec::with_capacity(self.bytes.len() / 2);
        read(&self.bytes, |x| all.push(x));
        // Runs follow in the order of bins, and equal keys keep their order.
        sort(&mut all, &mut room.spare, &[(BIN, width(room.columns)), (32 + BIN, BLOCK)]);
        all.dedup();
        (self.bytes, self.last) = (Vec::with_capacity(self.bytes.len()), 0);
        let mut before = None;
        for x in all {
            write(&mut self.bytes, &mut self.last, before, x);
            before = Some(x);
        }
        self.bytes.shrink_to_fit();
        self.merged = self.bytes.len();
    }
}

/// Bits that numbers below `n` take.
fn width(n: u32) -> u32 {
    u32::BITS - n.saturating_sub(1).leading_zeros()
}

/// Adds a pair (thing, 32 bits of column, bin) behind the pair `before` of the same run. An odd number steps to a thing (from
/// the last one, round the end), an even one to a column (from the thing's last one) and a bin.
fn write(bytes: &mut Vec<u8>, last: &mut u16, before: Option<u64>, pair: u64) {
    let (thing, column, bin) = ((pair >> (32 + BIN)) as u16, (pair >> BIN) as u32, pair & ((1 << BIN) - 1));
    let from = match before {
        Some(b) if (b >> (32 + BIN)) as u16 == thing => (b >> BIN) as u32,
        _ => {
            varint(bytes, u64::from(thing.wrapping_sub(*last)) << 1 | 1);
            *last = thing;
            0
        }
    };
    varint(bytes, (u64::from(column - from) << BIN | bin) << 1);
}

/// The pairs of the bytes, as they were written.
fn read(bytes: &[u8], mut each: impl FnMut(u64)) {
    let (mut thing, mut column, mut x, mut shift) = (0u16, 0u32, 0u64, 0);
    for b in bytes {
        x |= u64::from(b & 0x7f) << shift;
        if *b >= 0x80 {
            shift += 7;
            continue;
        }
        if x & 1 == 1 {
            (thing, column) = (thing.wrapping_add((x >> 1) as u16), 0);
        } else {
            column += (x >> (1 + BIN)) as u32;
            each(u64::from(thing) << (32 + BIN) | u64::from(column) << BIN | x >> 1 & ((1 << BIN) - 1));
        }
        (x, shift) = (0, 0);
    }
}

/// Sorts by the bit fields (shift, width), the first the least; equal keys keep their order.
fn sort(list: &mut Vec<u64>, spare: &mut Vec<u64>, fields: &[(u32, u32)]) {
    if list.len() < FEW {
        let key = |x: &u64| {
            fields.iter().rev().fold(0, |key, (shift, width)| key << width | x >> shift & ((1 << width) - 1))
        };
        list.sort_by_key(key);
        return;
    }
    for (shift, width) in fields {
        // Digits of at most eight bits: their counters stay in the nearest cache.
        let digits = width.div_ceil(8);
        for d in 0..digits {
            let (low, high) = (width * d / digits, width * (d + 1) / digits);
            digit(list, spare, shift + low, high - low);
        }
    }
}

fn digit(list: &mut Vec<u64>, spare: &mut Vec<u64>, shift: u32, width: u32) {
    let mask = (1u64 << width) - 1;
    let mut at = [0u32; 256];
    list.iter().for_each(|x| at[(x >> shift & mask) as usize] += 1);
    let mut sum = 0;
    for n in &mut at {
        (*n, sum) = (sum, sum + *n);
    }
    spare.clear();
    spare.resize(list.len(), 0);
    for x in list.iter() {
        let to = &mut at[(x >> shift & mask) as usize];
        spare[*to as usize] = *x;
        *to += 1;
    }
    std::mem::swap(list, spare);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// A touch: bin, thing, column, mark, day.
    fn touches() -> impl Strategy<Value = Vec<(u8, u16, u32, u8, u8)>> {
        let thing = prop_oneof![0u16..4, 0u16..=u16::MAX, 65_530u16..=u16::MAX];
        let column = prop_oneof![0u32..5, 0u32..40_000, Just(u32::MAX - 1)];
        proptest::collection::vec((0u8..4, thing, column, 0u8..3, 0u8..7), 0..900)
    }

    proptest! {
        /// Bins and whole agree with sets of tuples, also after what was written is read.
        #[test]
        fn pairs_agree_with_the_plain_way(mut touches in touches(), peek in 0u8..5) {
            touches.sort_by_key(|t| (t.0, t.4));
            let (mut pairs, room) = (Pairs::default(), &mut Room::new(u32::MAX as usize));
            for bin in 0..4 {
                let mut plain: BTreeMap<(u16, u32), (u8, BTreeSet<u8>)> = BTreeMap::new();
                for t in touches.iter().filter(|t| t.0 == bin) {
                    pairs.push(t.2, t.1, t.3, t.4);
                    plain.entry((t.1, t.2)).or_insert((t.3, BTreeSet::new())).1.insert(t.4);
                }
                let plain: Vec<_> = plain.into_iter().map(|(k, (mark, days))| (k, mark, days.len() as u32)).collect();
                let mut heard = Vec::new();
                pairs.end_bin(bin, room, |f| heard.push(((f.thing, f.column), f.mark, f.days)));
                prop_assert_eq!(heard, plain);
                if bin == peek {
                    pairs.each(room, |_, _| {});
                    let mut bytes = Vec::new();
                    let mut out = Out::new(&mut bytes);
                    pairs.write(&mut out).unwrap();
                    out.end().unwrap();
                    pairs = Pairs::read(&mut In::new(Box::new(io::Cursor::new(bytes)))).unwrap();
                }
            }
            let plain: BTreeSet<(u16, u32)> = touches.iter().map(|t| (t.1, t.2)).collect();
            let mut heard = Vec::new();
            pairs.each(room, |column, thing| heard.push((thing, column)));
            prop_assert_eq!(heard, plain.into_iter().collect::<Vec<_>>());
            let plain: BTreeSet<(u16, u32, u8)> = touches.iter().map(|t| (t.1, t.2, t.0)).collect();
            let mut heard = Vec::new();
            pairs.each_bin(room, |column, thing, bin| heard.push((thing, column, bin)));
            prop_assert_eq!(heard, plain.into_iter().collect::<Vec<_>>());
        }
    }
}
