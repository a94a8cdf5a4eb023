//! Which column touched which thing of a block in which bin of time, once each, in little memory.
//!
//! The pairs of a bin of time are gathered, sorted, freed of repeats, handed out and kept as a run of
//! bytes: one for each new thing, then the distance to its next column, two as a rule. Nothing is merged: who asks
//! for all pairs sweeps the runs side by side, a few things at a time, which the processor's cache holds. A
//! touch thus takes three bytes in place of twelve.

use std::io;

use crate::codec::{In, Out, varint};

/// Things of a block, as a power of two: the pairs of a block fit the processor's cache.
pub const BLOCK: u32 = 16;
/// Things that are swept at a time, as a power of two, where a block holds many pairs.
const SWEEP: u32 = 11;
/// Bytes of runs that are swept all at a time.
const FEW_BYTES: usize = 1 << 16;
/// Below this many a comparing sort is faster than counting digits.
const FEW: usize = 64;

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

/// The pairs of a bin: an odd number steps to a thing, an even one to the thing's next column.
struct Run {
    bin: u8,
    bytes: Box<[u8]>,
}

/// The pairs of a block so far.
#[derive(Default)]
pub struct Pairs {
    /// The open bin's touches in order of time: thing (16 bits), column (32), mark (8), day (8).
    fresh: Vec<u64>,
    runs: Vec<Run>,
}

/// Room for the work on pairs that many blocks share.
#[derive(Default)]
pub struct Room {
    list: Vec<u64>,
    spare: Vec<u64>,
    /// Where the groups of a sorted list end.
    ends: Vec<u32>,
    bytes: Vec<u8>,
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
        group(&mut self.fresh, (48, BLOCK), room, |same| same.sort_by_key(|x| x >> 16));
        let bytes = &mut room.bytes;
        let (mut thing, mut column) = (None, 0);
        for same in self.fresh.chunk_by(|a, b| a >> 16 == b >> 16) {
            let x = same[0];
            let pair = ((x >> 48) as u16, (x >> 16) as u32);
            if thing != Some(pair.0) {
                varint(bytes, u64::from(pair.0 - thing.unwrap_or(0)) << 1 | 1);
                (thing, column) = (Some(pair.0), 0);
            }
            varint(bytes, u64::from(pair.1 - column) << 1);
            column = pair.1;
            let days = 1 + same.windows(2).filter(|w| w[0] as u8 != w[1] as u8).count() as u32;
            each(First { column, thing: pair.0, mark: (x >> 8) as u8, days });
        }
        self.runs.push(Run { bin, bytes: bytes.as_slice().into() });
        bytes.clear();
        self.fresh.clear();
    }

    /// Every pair once, in order of thing and column: `each(column, thing)`; of the things that one of the wanted columns touched,
    /// or of all. The open bin must have ended.
    pub fn each(&self, room: &mut Room, wanted: Option<&[bool]>, mut each: impl FnMut(u32, u16)) {
        let mut last = u64::MAX;
        self.each_bin(room, wanted, |column, thing, _| {
            let pair = u64::from(thing) << 32 | u64::from(column);
            if pair != last {
                each(column, thing);
                last = pair;
            }
        });
    }

    /// The same with each of its bins, in order of thing, column and bin: `each(column, thing, bin)`.
    pub fn each_bin(&self, room: &mut Room, wanted: Option<&[bool]>, mut each: impl FnMut(u32, u16, u8)) {
        let mut runs: Vec<Reader<'_>> = self.runs.iter().map(Reader::new).collect();
        let few = self.runs.iter().map(|r| r.bytes.len()).sum::<usize>() < FEW_BYTES;
        let width = if few { BLOCK } else { SWEEP };
        let column = |x: u64| (x >> BIN) as u32;
        for end in (1..=1u32 << (BLOCK - width)).map(|n| n << width) {
            let mut list = std::mem::take(&mut room.list);
            list.clear();
            runs.iter_mut().for_each(|r| r.until(end, &mut list));
            if let Some(wanted) = wanted {
                // A bit of each thing.
                let mut beside = [0u64; 1 << (BLOCK - 6)];
                let place = |x: u64| ((x >> (32 + BIN + 6)) as usize, x >> (32 + BIN) & 63);
                for x in list.iter().filter(|x| wanted[column(**x) as usize]) {
                    beside[place(*x).0] |= 1 << place(*x).1;
                }
                list.retain(|x| beside[place(*x).0] >> place(*x).1 & 1 == 1);
            }
            group(&mut list, (32 + BIN, width), room, <[u64]>::sort_unstable);
            let mut last = u64::MAX;
            for x in &list {
                if *x != last {
                    each(column(*x), (x >> (32 + BIN)) as u16, (x & ((1 << BIN) - 1)) as u8);
                    last = *x;
                }
            }
            room.list = list;
        }
    }

    /// Writes the pairs; the open bin must have ended.
    pub fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        out.number(self.runs.len() as u64)?;
        self.runs.iter().try_for_each(|run| {
            out.number(u64::from(run.bin))?;
            out.bytes(&run.bytes)
        })
    }

    /// Reads what was written.
    pub fn read(from: &mut In) -> Option<Pairs> {
        let mut pairs = Pairs::default();
        for _ in 0..from.number()? {
            let bin = from.small().filter(|bin| *bin < 1 << BIN)?;
            pairs.runs.push(Run { bin, bytes: from.bytes()?.into() });
        }
        Some(pairs)
    }
}

/// Reads a run.
struct Reader<'a> {
    bin: u64,
    bytes: &'a [u8],
    thing: u32,
    column: u32,
}

impl<'a> Reader<'a> {
    fn new(run: &'a Run) -> Reader<'a> {
        Reader { bin: u64::from(run.bin), bytes: &run.bytes, thing: 0, column: 0 }
    }

    /// Adds the pairs (thing, 32 bits of column, bin) of the things before `end` that were not read yet.
    fn until(&mut self, end: u32, list: &mut Vec<u64>) {
        if self.thing >= end {
            return;
        }
        let (mut x, mut shift) = (0u64, 0);
        for (at, b) in self.bytes.iter().enumerate() {
            x |= u64::from(b & 0x7f) << shift;
            if *b >= 0x80 {
                shift += 7;
                continue;
            }
            if x & 1 == 0 {
                self.column += (x >> 1) as u32;
                list.push(u64::from(self.thing) << (32 + BIN) | u64::from(self.column) << BIN | self.bin);
            } else {
                (self.thing, self.column) = (self.thing + (x >> 1) as u32, 0);
                if self.thing >= end {
                    self.bytes = &self.bytes[at + 1..];
                    return;
                }
            }
            (x, shift) = (0, 0);
        }
        self.bytes = &[];
    }
}

/// Puts a list into groups by as many of the upper bits of a field (shift, width) as it has numbers for, in one sweep; equal
/// ones keep their order, and `sort` puts the groups in order.
fn group(list: &mut [u64], (shift, width): (u32, u32), room: &mut Room, sort: impl Fn(&mut [u64])) {
    if list.len() < FEW {
        return sort(list);
    }
    let mask = (1u64 << width) - 1;
    let (least, most) = list.iter().fold((mask, 0), |(a, b), x| {
        let at = x >> shift & mask;
        (a.min(at), b.max(at))
    });
    let bits = u64::BITS - (most - least).leading_zeros();
    let upper = bits.saturating_sub(list.len().ilog2());
    let at = |x: u64| (((x >> shift & mask) - least) >> upper) as usize;
    let Room { spare, ends, .. } = room;
    ends.clear();
    ends.resize(((most - least) >> upper) as usize + 1, 0);
    list.iter().for_each(|x| ends[at(*x)] += 1);
    let mut sum = 0;
    for n in ends.iter_mut() {
        (*n, sum) = (sum, sum + *n);
    }
    let all = list.len();
    spare.resize(all.max(spare.len()), 0);
    for x in list.iter() {
        let to = &mut ends[at(*x)];
        spare[*to as usize] = *x;
        *to += 1;
    }
    list.copy_from_slice(&spare[..all]);
    let mut start = 0;
    for end in ends.iter().map(|end| *end as usize) {
        if end - start > 1 {
            sort(&mut list[start..end]);
        }
        start = end;
    }
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
            let (mut pairs, room) = (Pairs::default(), &mut Room::default());
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
                                        let mut bytes = Vec::new();
                    let mut out = Out::new(&mut bytes);
                    pairs.write(&mut out).unwrap();
                    out.end().unwrap();
                    pairs = Pairs::read(&mut In::new(Box::new(io::Cursor::new(bytes)))).unwrap();
                }
            }
            let plain: BTreeSet<(u16, u32)> = touches.iter().map(|t| (t.1, t.2)).collect();
            let mut heard = Vec::new();
            pairs.each(room, None, |column, thing| heard.push((thing, column)));
            prop_assert_eq!(heard, plain.into_iter().collect::<Vec<_>>());
            let plain: BTreeSet<(u16, u32, u8)> = touches.iter().map(|t| (t.1, t.2, t.0)).collect();
            let mut heard = Vec::new();
            pairs.each_bin(room, None, |column, thing, bin| heard.push((thing, column, bin)));
            prop_assert_eq!(&heard, &plain.into_iter().collect::<Vec<_>>());
            // Beside the even ones of the first columns.
            let wanted: Vec<bool> = (0..40_000).map(|column| column % 2 == 0).collect();
            if heard.iter().all(|x| x.1 < 40_000) {
                let beside: BTreeSet<u16> = heard.iter().filter(|x| x.1 % 2 == 0).map(|x| x.0).collect();
                heard.retain(|x| beside.contains(&x.0));
                let mut got = Vec::new();
                pairs.each_bin(room, Some(&wanted), |column, thing, bin| got.push((thing, column, bin)));
                prop_assert_eq!(got, heard);
            }
        }
    }
}
