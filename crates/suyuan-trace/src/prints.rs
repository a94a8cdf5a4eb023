//! Tokens as keys of fixed size, and numbers for them.
//!
//! Persons number tens of millions: their tokens are not kept as text but as 96 bits of a hash. Tokens are random, so two
//! of a billion persons share a key with a chance of one in 10^11. Numbers follow the order of first sight.

use std::hint::black_box;
use std::io;

use crate::codec::{In, Out};
use crate::intern::Lookup;

/// 96 bits that stand for a string.
// Twelve bytes: millions of them wait in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(Rust, packed(4))]
pub struct Print {
    high: u64,
    low: u32,
}

impl Print {
    /// The key of a string.
    pub fn of(s: &str) -> Print {
        Print::of_bytes(s.as_bytes())
    }

    /// The key of any bytes.
    pub fn of_bytes(bytes: &[u8]) -> Print {
        // Odd constants without pattern: digits of the roots of two and three.
        let (mut a, mut b) = (0x6a09_e667_f3bc_c909 ^ bytes.len() as u64, 0xbb67_ae85_84ca_a73b);
        let (words, rest) = bytes.as_chunks::<8>();
        let last = match bytes.last_chunk() {
            // The end of a longer text at once: what was read before is masked.
            Some(end) => u64::from_be_bytes(*end) & ((1 << (8 * rest.len())) - 1),
            None => rest.iter().fold(0u64, |w, b| w << 8 | u64::from(*b)),
        };
        for w in words.iter().map(|w| u64::from_le_bytes(*w)).chain([last]) {
            a = fold(a ^ w, 0x9e37_79b9_7f4a_7c15);
            b = fold(b ^ w.rotate_left(32), 0xd6e8_feb8_6659_fd93) ^ a;
        }
        Print { high: fold(a ^ b, 0xa076_1d64_78bd_642f), low: (b ^ b >> 32) as u32 }
    }

    /// Some bits of the key, other than those that its place in a table goes by.
    pub fn low(self) -> u32 {
        self.low
    }

    /// A number that stands for what came before and this key after it.
    pub fn digest(self, before: u64) -> u64 {
        fold(before ^ self.high, 0x9e37_79b9_7f4a_7c15)
            ^ fold(before ^ u64::from(self.low), 0xd6e8_feb8_6659_fd93)
    }

    /// The key as bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.high.to_le_bytes());
        bytes[8..].copy_from_slice(&self.low.to_le_bytes());
        bytes
    }

    /// The key of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Print> {
        let (high, low) = bytes.split_first_chunk()?;
        Some(Print { high: u64::from_le_bytes(*high), low: u32::from_le_bytes(low.try_into().ok()?) })
    }
}

fn fold(x: u64, by: u64) -> u64 {
    let y = u128::from(x) * u128::from(by);
    y as u64 ^ (y >> 64) as u64
}

#[derive(Clone, Copy)]
struct Slot {
    high: u64,
    low: u32,
    number: u32,
}

/// No number.
const FREE: u32 = u32::MAX;

/// Keys that are written together, and the bytes of each.
const SOME: usize = 1 << 15;
const RECORD: usize = 16;

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub number: u32,
    /// Whether it was met just now.
    pub new: bool,
}

/// Numbers of keys, in the order of first sight: an open table whose key bits rise along it, so that it grows in one sweep.
pub struct Prints {
    slots: Vec<Slot>,
    count: u32,
}

/// Slots of a table for few keys.
const LEAST: usize = 64;

impl Default for Prints {
    fn default() -> Self {
        Prints::with(LEAST)
    }
}

impl Prints {
    fn with(slots: usize) -> Prints {
        Prints { slots: vec![Slot { high: 0, low: 0, number: FREE }; slots], count: 0 }
    }

    /// Where the search for a key begins.
    fn start(&self, p: Print) -> usize {
        ((u128::from(p.high) * self.slots.len() as u128) >> 64) as usize
    }

    /// Whether a table of so many slots has no room for another key: it is kept at most seven tenths full.
    fn full(slots: usize, count: u32) -> bool {
        count as usize >= slots / 10 * 7
    }

    /// Brings the places of these keys near before they are asked for one by one: the waits for memory overlap.
    pub fn near(&self, prints: impl Iterator<Item = Print>) {
        black_box(prints.fold(0, |sum, p| sum ^ self.slots[self.start(p)].number));
    }

    /// The number of a key, a new one where it has none; fewer than 2^32 have one.
    pub fn number(&mut self, p: Print) -> Known {
        match self.slot(p) {
            Ok(at) => Known { number: self.slots[at].number, new: false },
            Err(_) if Prints::full(self.slots.len(), self.count) => {
                self.grow();
                self.number(p)
            }
            Err(free) => {
                self.slots[free] = Slot { high: p.high, low: p.low, number: self.count };
                self.count += 1;
                Known { number: self.count - 1, new: true }
            }
        }
    }

    /// The number of a key that was seen before.
    pub fn find(&self, p: Print) -> Option<u32> {
        self.slot(p).ok().map(|at| self.slots[at].number)
    }

    /// How many keys have a number.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// The keys with their numbers, in the order of the table.
    pub fn all(&self) -> impl Iterator<Item = (Print, u32)> {
        let filled = self.slots.iter().filter(|s| s.number != FREE);
        filled.map(|s| (Print { high: s.high, low: s.low }, s.number))
    }

    /// Writes the keys with their numbers in the order of the table: they come back in one sweep.
    pub fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        out.number(u64::from(self.count))?;
        let mut some = Vec::with_capacity(SOME * RECORD);
        for s in self.slots.iter().filter(|s| s.number != FREE) {
            some.extend(Print { high: s.high, low: s.low }.to_bytes());
            some.extend((s.number).to_le_bytes());
            if some.len() == SOME * RECORD {
                out.bytes(&some)?;
                some.clear();
            }
        }
        out.bytes(&some)
    }

    /// Reads what was written.
    pub fn read(from: &mut In) -> Option<Prints> {
        let count: u32 = from.small().filter(|n| *n < FREE)?;
        let mut slots = LEAST;
        while Prints::full(slots, count) {
            slots += slots / 2;
        }
        let mut prints = Prints::with(slots);
        let mut read = 0;
        while read < count {
            let some = from.bytes()?;
            let (records, []) = some.as_chunks::<RECORD>() else { return None };
            if records.is_empty() {
                return None;
            }
            for r in records {
                let (print, number) = r.split_first_chunk::<12>()?;
                let number = u32::from_le_bytes(number.try_into().ok()?);
                let p = Print::from_bytes(print).filter(|_| number < count)?;
                let at = prints.slot(p).err()?;
                prints.slots[at] = Slot { high: p.high, low: p.low, number };
                read += 1;
            }
        }
        prints.count = count;
        if read.is_multiple_of(SOME as u32) {
            from.bytes().filter(|rest| rest.is_empty())?;
        }
        (read == count).then_some(prints)
    }

    /// The place of a key, or the free place for it.
    fn slot(&self, p: Print) -> Result<usize, usize> {
        let mut at = self.start(p);
        loop {
            let s = &self.slots[at];
            if s.number == FREE {
                return Err(at);
            }
            if s.high == p.high && s.low == p.low {
                return Ok(at);
            }
            at = if at + 1 < self.slots.len() { at + 1 } else { 0 };
        }
    }

    fn grow(&mut self) {
        let mut next = Prints::with(self.slots.len() * 3 / 2);
        for s in self.slots.iter().filter(|s| s.number != FREE) {
            if let Err(free) = next.slot(Print { high: s.high, low: s.low }) {
                next.slots[free] = *s;
            }
        }
        next.count = self.count;
        *self = next;
    }
}

/// A few keys among many: most others are told apart by bits that fit a near cache.
pub struct Sieve {
    bits: Vec<u64>,
    shift: u32,
    numbers: Lookup<Print, u32>,
}

impl Sieve {
    /// Tells these keys and no others.
    pub fn of(keys: Vec<(Print, u32)>) -> Sieve {
        // Sixteen bits a key.
        let width = (keys.len() * 16).next_power_of_two().max(64).ilog2();
        let (mut bits, shift) = (vec![0; 1 << (width - 6)], u64::BITS - width);
        for (p, _) in &keys {
            let at = p.high >> shift;
            bits[(at / 64) as usize] |= 1u64 << (at % 64);
        }
        Sieve { bits, shift, numbers: keys.into_iter().collect() }
    }

    /// The number of a key, if it is one of these.
    pub fn find(&self, p: Print) -> Option<u32> {
        let at = p.high >> self.shift;
        let here = self.bits[(at / 64) as usize] >> (at % 64) & 1 == 1;
        here.then(|| self.numbers.get(&p).copied()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_sight() {
        let mut prints = Prints::default();
        let of = |i: u32| Print::of(&format!("tel1-{i}"));
        for i in 0..5000 {
            assert_eq!(prints.find(of(i)), None);
            assert_eq!(prints.number(of(i)), Known { number: i, new: true });
            assert_eq!(prints.number(of(i / 2)), Known { number: i / 2, new: false });
        }
        let all: Vec<Print> = (0..5000).map(of).collect();
        assert!(all.iter().enumerate().all(|(i, p)| prints.find(*p) == Some(i as u32)));
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes);
        prints.write(&mut out).unwrap();
        out.end().unwrap();
        let again = Prints::read(&mut In::new(Box::new(io::Cursor::new(bytes)))).unwrap();
        assert!(all.iter().enumerate().all(|(i, p)| again.find(*p) == Some(i as u32)));
        assert_eq!(again.count, prints.count);
        let third = Sieve::of(prints.all().filter(|p| p.1 % 3 == 0).collect());
        let found = |i: usize| i.is_multiple_of(3).then_some(i as u32);
        assert!(all.iter().enumerate().all(|(i, p)| third.find(*p) == found(i)));
        assert_eq!(Sieve::of(Vec::new()).find(of(1)), None);
    }

    #[test]
    fn strings_that_differ_in_one_place_have_other_keys() {
        let texts = ["", "a", "b", "ab", "ba", "aaaaaaaa", "aaaaaaab", "baaaaaaa", "aaaaaaaaa", "\0", "\0\0"];
        let mut keys: Vec<(u64, u32)> = texts.iter().map(|t| Print::of(t)).map(|p| (p.high, p.low)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), texts.len());
        // Every half of the key spreads by itself.
        let of = |i: u32| Print::of(&format!("{i:031}"));
        let mut high: Vec<u64> = (0..100_000).map(|i| of(i).high).collect();
        let mut low: Vec<u32> = (0..100_000).map(|i| of(i).low).collect();
        high.sort_unstable();
        high.dedup();
        low.sort_unstable();
        low.dedup();
        assert_eq!(high.len(), 100_000);
        assert!(low.len() > 99_990, "{}", low.len());
    }
}
