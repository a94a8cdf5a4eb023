//! Tokens as keys of fixed size, and numbers for them.
//!
//! Persons number tens of millions: their tokens are not kept as text but as 96 bits of a hash. Tokens are random, so two
//! of a billion persons share a key with a chance of one in 10^11. Numbers follow the order of first sight.

use std::hint::black_box;

/// 96 bits that stand for a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Print {
    high: u64,
    low: u32,
}

impl Print {
    /// The key of a string.
    pub fn of(s: &str) -> Print {
        let bytes = s.as_bytes();
        // Odd constants without pattern: digits of the roots of two and three.
        let (mut a, mut b) = (0x6a09_e667_f3bc_c909 ^ bytes.len() as u64, 0xbb67_ae85_84ca_a73b);
        let (words, rest) = bytes.as_chunks::<8>();
        let last = rest.iter().fold(0u64, |w, b| w << 8 | u64::from(*b));
        for w in words.iter().map(|w| u64::from_le_bytes(*w)).chain([last]) {
            a = fold(a ^ w, 0x9e37_79b9_7f4a_7c15);
            b = fold(b ^ w.rotate_left(32), 0xd6e8_feb8_6659_fd93) ^ a;
        }
        Print { high: fold(a ^ b, 0xa076_1d64_78bd_642f), low: (b ^ b >> 32) as u32 }
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

const FREE: u32 = u32::MAX;

/// Numbers of keys, in the order of first sight: an open table whose key bits rise along it, so that it grows in one sweep.
pub struct Prints {
    slots: Vec<Slot>,
    shift: u32,
    count: u32,
}

impl Default for Prints {
    fn default() -> Self {
        Prints::with_bits(6)
    }
}

impl Prints {
    fn with_bits(bits: u32) -> Prints {
        let free = Slot { high: 0, low: 0, number: FREE };
        Prints { slots: vec![free; 1 << bits], shift: u64::BITS - bits, count: 0 }
    }

    /// Brings the places of these keys near before they are asked for one by one: the waits for memory overlap.
    pub fn near(&self, prints: impl Iterator<Item = Print>) {
        let all = prints.fold(0, |sum, p| sum ^ self.slots[(p.high >> self.shift) as usize].number);
        black_box(all);
    }

    /// The number of a key, and whether it is new.
    pub fn number(&mut self, p: Print) -> (u32, bool) {
        match self.slot(p) {
            Ok(number) => (number, false),
            Err(_) if self.count as usize >= self.slots.len() / 10 * 7 => {
                self.grow();
                self.number(p)
            }
            Err(free) => {
                self.slots[free] = Slot { high: p.high, low: p.low, number: self.count };
                self.count += 1;
                (self.count - 1, true)
            }
        }
    }

    /// The number of a key that was seen before.
    pub fn find(&self, p: Print) -> Option<u32> {
        self.slot(p).ok()
    }

    /// The key's number, or the free place for it.
    fn slot(&self, p: Print) -> Result<u32, usize> {
        let mut at = (p.high >> self.shift) as usize;
        loop {
            let s = &self.slots[at];
            if s.number == FREE {
                return Err(at);
            }
            if s.high == p.high && s.low == p.low {
                return Ok(s.number);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let mut next = Prints::with_bits(u64::BITS - self.shift + 1);
        for s in self.slots.iter().filter(|s| s.number != FREE) {
            if let Err(free) = next.slot(Print { high: s.high, low: s.low }) {
                next.slots[free] = *s;
            }
        }
        next.count = self.count;
        *self = next;
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
            assert_eq!(prints.number(of(i)), (i, true));
            assert_eq!(prints.number(of(i / 2)), (i / 2, false));
        }
        let all: Vec<Print> = (0..5000).map(of).collect();
        prints.near(all.iter().copied());
        assert!(all.iter().enumerate().all(|(i, p)| prints.find(*p) == Some(i as u32)));
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
