//! Which column touched which thing, once each, in little memory.
//!
//! Things lie in blocks. Within a block the pairs of a bin of time are gathered, sorted, freed of repeats, handed out and kept
//! as bytes: one for each new thing, then the distance to its next column, one or two bytes as a rule. Runs of several bins
//! stand one after another until they are merged into one. A pair thus takes two to three bytes in place of eight, and
//! nothing larger than a block is ever sorted.

use std::io;

use crate::codec::{In, Out, varint};

/// Things of a block, as a power of two: the pairs of a block fit the processor's cache.
const BLOCK: u32 = 16;
/// Bytes that may gather behind the merged run of a block, at least and as a multiple of that run.
const LOOSE: (usize, usize) = (1 << 20, 3);
/// Below this many a comparing sort is faster than counting digits.
const FEW: usize = 192;

/// A touch of a bin: the column, the thing, and a mark of the first such touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    pub column: u32,
    pub thing: u32,
    pub mark: u8,
}

#[derive(Default)]
struct Block {
    /// The bin's touches in order of time: thing within the block (16 bits), column (32), mark (8 of 16).
    fresh: Vec<u64>,
    bytes: Vec<u8>,
    /// The thing at the end of `bytes`.
    last: u16,
    /// How much of `bytes` is one run without repeats.
    merged: usize,
}

/// The pairs so far.
#[derive(Default)]
pub struct Pairs {
    blocks: Vec<Block>,
    /// Blocks with touches of the bin that is open.
    open: Vec<u32>,
    columns: u32,
    spare: Vec<u64>,
}

impl Pairs {
    /// Adds a touch to the bin that is open.
    pub fn push(&mut self, column: u32, thing: u32, mark: u8) {
        let at = (thing >> BLOCK) as usize;
        if at >= self.blocks.len() {
            self.blocks.resize_with(at + 1, Block::default);
        }
        let block = &mut self.blocks[at];
        if block.fresh.is_empty() {
            self.open.push(at as u32);
        }
        self.columns = self.columns.max(column + 1);
        block.fresh.push(u64::from(thing as u16) << 48 | u64::from(column) << 16 | u64::from(mark));
    }

    /// Ends the open bin: `each` hears every pair of it once, in order of thing and column.
    pub fn end_bin(&mut self, mut each: impl FnMut(First)) {
        self.open.sort_unstable();
        let bits = width(self.columns);
        for at in std::mem::take(&mut self.open) {
            let block = &mut self.blocks[at as usize];
            sort(&mut block.fresh, &mut self.spare, &[(16, bits), (48, BLOCK)]);
            let mut before = None;
            for x in &block.fresh {
                if before == Some(x >> 16) {
                    continue;
                }
                write(&mut block.bytes, &mut block.last, before, x >> 16);
                before = Some(x >> 16);
                let thing = at << BLOCK | (x >> 48) as u32;
                each(First { column: (x >> 16) as u32, thing, mark: *x as u8 });
            }
            block.fresh.clear();
            if block.bytes.len() > block.merged * (LOOSE.1 + 1) + LOOSE.0 {
                block.merge(bits, &mut self.spare);
            }
        }
    }

    /// Every pair once, in order of thing and column: `each(column, thing)`. The open bin must have ended.
    pub fn each(&mut self, mut each: impl FnMut(u32, u32)) {
        let bits = width(self.columns);
        for (at, block) in self.blocks.iter_mut().enumerate() {
            if block.merged < block.bytes.len() {
                block.merge(bits, &mut self.spare);
            }
            read(&block.bytes, |x| each(x as u32, (at as u32) << BLOCK | (x >> 32) as u32));
        }
    }
}

impl Pairs {
    /// Writes the pairs; the open bin must have ended.
    pub fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        out.number(u64::from(self.columns))?;
        out.number(self.blocks.len() as u64)?;
        for block in &self.blocks {
            out.number(u64::from(block.last))?;
            out.number(block.merged as u64)?;
            out.bytes(&block.bytes)?;
        }
        Ok(())
    }

    /// Reads what was written.
    pub fn read(from: &mut In) -> Option<Pairs> {
        let columns = from.small()?;
        let mut blocks = Vec::new();
        for _ in 0..from.number()? {
            let (last, merged) = (from.small()?, from.small()?);
            blocks.push(Block { fresh: Vec::new(), bytes: from.bytes()?.to_vec(), last, merged });
        }
        Some(Pairs { blocks, open: Vec::new(), columns, spare: Vec::new() })
    }
}

impl Block {
    /// Makes one run of all.
    fn merge(&mut self, bits: u32, spare: &mut Vec<u64>) {
        let mut all = Vec::with_capacity(self.bytes.len() / 2);
        read(&self.bytes, |x| all.push(x));
        sort(&mut all, spare, &[(0, bits), (32, BLOCK)]);
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

/// Adds a pair (thing above 32 bits of column) behind the pair `before` of the same run. An odd number steps to a thing (from
/// the last one, round the end), an even one to a column (from the thing's last one).
fn write(bytes: &mut Vec<u8>, last: &mut u16, before: Option<u64>, pair: u64) {
    let (thing, column) = ((pair >> 32) as u16, pair as u32);
    let from = match before {
        Some(b) if (b >> 32) as u16 == thing => b as u32,
        _ => {
            varint(bytes, u64::from(thing.wrapping_sub(*last)) << 1 | 1);
            *last = thing;
            0
        }
    };
    varint(bytes, u64::from(column - from) << 1);
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
            column += (x >> 1) as u32;
            each(u64::from(thing) << 32 | u64::from(column));
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

    /// A touch: bin, thing, column, mark. Things reach over several blocks.
    fn touches() -> impl Strategy<Value = Vec<(u8, u32, u32, u8)>> {
        let thing = prop_oneof![0u32..4, 0u32..300_000, 65_530u32..65_540];
        let column = prop_oneof![0u32..5, 0u32..40_000, Just(u32::MAX - 1)];
        proptest::collection::vec((0u8..4, thing, column, 0u8..3), 0..900)
    }

    proptest! {
        /// Bins and whole agree with sets of tuples.
        #[test]
        fn pairs_agree_with_the_plain_way(mut touches in touches(), peek in 0u8..5) {
            touches.sort_by_key(|t| t.0);
            let mut pairs = Pairs::default();
            for bin in 0..4 {
                let mut plain: BTreeMap<(u32, u32), u8> = BTreeMap::new();
                for t in touches.iter().filter(|t| t.0 == bin) {
                    pairs.push(t.2, t.1, t.3);
                    plain.entry((t.1, t.2)).or_insert(t.3);
                }
                let mut heard = Vec::new();
                pairs.end_bin(|f| heard.push(((f.thing, f.column), f.mark)));
                prop_assert_eq!(heard, plain.into_iter().collect::<Vec<_>>());
                if bin == peek {
                    pairs.each(|_, _| {});
                }
            }
            let plain: BTreeSet<(u32, u32)> = touches.iter().map(|t| (t.1, t.2)).collect();
            let mut heard = Vec::new();
            pairs.each(|column, thing| heard.push((thing, column)));
            prop_assert_eq!(heard, plain.into_iter().collect::<Vec<_>>());
        }
    }
}
