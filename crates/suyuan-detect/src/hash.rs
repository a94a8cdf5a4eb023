//! 128-bit keys of texts, and maps over them.
//!
//! Group keys and distinct values are remembered as 128-bit hashes, so that state does not grow with
//! the length of ids and no table of strings is needed. The function is fixed (no seed), so results are the
//! same in every run. At 10^9 different values the chance that any two meet is below 10^-20.

use std::hash::{BuildHasherDefault, Hasher};

/// The hash of one value or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u128);

/// Keys are saved as sixteen bytes: a varint would be longer.
impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.to_le_bytes().serialize(s)
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <[u8; 16]>::deserialize(d).map(|b| Key(u128::from_le_bytes(b)))
    }
}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0 as u64);
    }
}

const A: u64 = 0x9E37_79B9_7F4A_7C15;
const B: u64 = 0xC2B2_AE3D_27D4_EB4F;
const C: u64 = 0x1656_67B1_9E37_79F9;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let m = u128::from(a) * u128::from(b);
    (m as u64) ^ ((m >> 64) as u64)
}

/// The bytes after the last whole eight, as a number: zeros stand for those that are missing. Nothing is copied byte by byte.
#[inline]
pub(crate) fn tail(b: &[u8]) -> u64 {
    let four = |b: Option<&[u8; 4]>| b.map_or(0, |b| u64::from(u32::from_le_bytes(*b)));
    match (b.len() % 8, b.last_chunk::<8>()) {
        (0, _) => 0,
        (rest, Some(last)) => u64::from_le_bytes(*last) >> (64 - 8 * rest),
        // The middle bytes stand in both.
        (rest @ 4.., None) => four(b.first_chunk()) | four(b.last_chunk()) << (8 * (rest - 4)),
        (rest, None) => {
            let at = |i: usize| u64::from(b[i]) << (8 * i);
            at(0) | at(rest / 2) | at(rest - 1)
        }
    }
}

impl Key {
    /// The key of a text.
    #[inline]
    pub fn of(text: &str) -> Key {
        Self::bytes(text.as_bytes())
    }

    #[inline]
    pub(crate) fn bytes(b: &[u8]) -> Key {
        let (mut x, mut y) = (A ^ b.len() as u64, B);
        let mut chunks = b.chunks_exact(8);
        for c in &mut chunks {
            let w = u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]);
            x = fold(x ^ w, A);
            y = fold(y.rotate_left(23) ^ w, B) ^ x;
        }
        let w = tail(b);
        x = fold(x ^ w, C);
        y = fold(y.rotate_left(23) ^ w, A) ^ x;
        Key((u128::from(fold(x, B ^ y)) << 64) | u128::from(fold(y, C ^ x.rotate_left(32))))
    }

    /// This key and another, in that order.
    #[inline]
    pub fn and(self, other: Key) -> Key {
        let (a, b) = (self.0 as u64, (self.0 >> 64) as u64);
        let (c, d) = (other.0 as u64, (other.0 >> 64) as u64);
        let x = fold(a ^ A, b ^ c.rotate_left(19) ^ C);
        let y = fold(d ^ x ^ B, c ^ a.rotate_left(41) ^ A);
        Key((u128::from(y ^ b.rotate_left(7)) << 64) | u128::from(fold(x ^ d, y ^ C)))
    }

    /// The key of a number.
    #[inline]
    pub fn number(n: i64) -> Key {
        Self::bytes(&n.to_le_bytes())
    }
}

/// The low half of a [`Key`] is its hash.
#[derive(Default)]
pub struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(*b)).wrapping_mul(A);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

/// A map by key; only looked up, swept with `retain`, or sorted before it is read out.
#[expect(
    clippy::disallowed_types,
    reason = "looked up only; the hasher is fixed and nothing reads the order"
)]
pub type KeyMap<V> = std::collections::HashMap<Key, V, BuildHasherDefault<Low>>;
/// A set of keys; only looked up and counted.
#[expect(clippy::disallowed_types, reason = "looked up and counted only; the hasher is fixed")]
pub type KeySet = std::collections::HashSet<Key, BuildHasherDefault<Low>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_what_is_left_of_eight() {
        let text: Vec<u8> = (1..=40).map(|n| n * 6).collect();
        for len in 0..=text.len() {
            let b = &text[..len];
            let mut plain = [0; 8];
            let rest = &b[len / 8 * 8..];
            plain[..rest.len()].copy_from_slice(rest);
            assert_eq!(tail(b), u64::from_le_bytes(plain), "{len}");
        }
    }

    #[test]
    fn keys_differ_where_texts_do() {
        let mut all: Vec<Key> = (0..200_000).map(|n| Key::of(&format!("id-{n}"))).collect();
        all.push(Key::of(""));
        all.push(Key::of("\0"));
        all.push(Key::of("\0\0\0\0\0\0\0\0\0"));
        all.extend((0..1000).map(Key::number));
        let pairs = (0..300u32).flat_map(|a| (0..300u32).map(move |b| (a, b)));
        all.extend(pairs.map(|(a, b)| Key::of(&format!("p{a}")).and(Key::of(&format!("p{b}")))));
        let n = all.len();
        let mut low: Vec<u64> = all.iter().map(|k| k.0 as u64).collect();
        low.sort_unstable();
        low.dedup();
        assert_eq!(low.len(), n);
        assert_ne!(Key::of("ab").and(Key::of("c")), Key::of("a").and(Key::of("bc")));
    }
}
