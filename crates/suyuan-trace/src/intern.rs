//! Strings as numbers: every id and token of a run is kept once and spoken of as a `u32`.
//!
//! Numbers follow the order of first sight in the ordered scan, so they are the same in every run;
//! nothing is ever iterated in hash order.

use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// An interned string.
pub type Id = u32;
/// No value.
pub const NONE: Id = u32::MAX;

/// A hasher for keys that are hashes or dense numbers already.
#[derive(Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }
    fn write_u64(&mut self, x: u64) {
        // Fibonacci hashing with the high bits folded down: the table uses both ends.
        let y = (self.0 ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = y ^ (y >> 29);
    }
}

#[expect(clippy::disallowed_types, reason = "for look-ups only; never iterated")]
pub type Lookup<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Mix>>;
#[expect(clippy::disallowed_types, reason = "for look-ups only; never iterated")]
pub type Seen<K> = std::collections::HashSet<K, BuildHasherDefault<Mix>>;

/// The strings of a run.
#[derive(Default)]
pub struct Interner {
    text: String,
    ends: Vec<usize>,
    ids: Lookup<u64, Id>,
}

impl Interner {
    /// The number of a string, new or known; [`NONE`] for nothing.
    pub fn id(&mut self, s: Option<&str>) -> Id {
        let Some(s) = s else { return NONE };
        let mut hash = hash_of(s);
        loop {
            match self.ids.get(&hash) {
                Some(&id) if self.get(id) == s => return id,
                Some(_) => hash = hash.wrapping_add(1),
                None => break,
            }
        }
        let id = self.ends.len() as Id;
        self.text.push_str(s);
        self.ends.push(self.text.len());
        self.ids.insert(hash, id);
        id
    }

    /// How many strings there are; they are numbered from nothing.
    pub fn len(&self) -> Id {
        self.ends.len() as Id
    }

    /// The number of a string that was seen before.
    pub fn find(&self, s: &str) -> Option<Id> {
        let mut hash = hash_of(s);
        loop {
            match self.ids.get(&hash) {
                Some(&id) if self.get(id) == s => return Some(id),
                Some(_) => hash = hash.wrapping_add(1),
                None => return None,
            }
        }
    }

    /// The string; empty for [`NONE`].
    pub fn get(&self, id: Id) -> &str {
        if id == NONE {
            return "";
        }
        let i = id as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }
}

fn hash_of(s: &str) -> u64 {
    let mut h = DefaultHasher::new();
    s.hash(&mut h);
    h.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back() {
        let mut names = Interner::default();
        let ids: Vec<Id> = (0..2000).map(|i| names.id(Some(&format!("k{i}")))).collect();
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(names.get(*id), format!("k{i}"));
            assert_eq!(names.id(Some(&format!("k{i}"))), *id);
        }
        assert_eq!((names.id(None), names.get(NONE), names.find("x")), (NONE, "", None));
    }
}
