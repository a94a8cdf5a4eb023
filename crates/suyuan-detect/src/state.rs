//! State that can be saved while rows go on.
//!
//! Whatever an operator, a window or a detector remembers per key lives in a [`Table`]; what it remembers once
//! lives in a [`Plain`] cell. Both are shown to a [`Visit`] by [`Saved::state`], in a fixed order, and that is all
//! that saving and restoring need to know.
//!
//! A table has 256 shards by its keys. Saving marks the shards that changed since they were last saved; a shard that a
//! row wants to change is copied out first (copy on write), the others are copied in small slices between rows. So a
//! snapshot holds the state at one position of the input, and no row waits for more than a shard of each table that
//! it touches. Bytes are sorted by key: the same state gives the same bytes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::hash::{Key, KeyMap};

/// Shards of a table: a power of two, at most 256.
const SHARDS: usize = 256;

/// A piece of saved state: of the `item`-th table or cell in visiting order, the `shard`-th part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which table or cell.
    pub item: u32,
    /// Which shard of it; 0 for a cell.
    pub shard: u16,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why state could not be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("saved state does not fit these rules: {0}; start again from the records")]
pub struct StateError(pub String);

/// What a visitor does with state.
pub trait Visit {
    /// Meets a table.
    fn table(&mut self, t: &mut dyn AnyTable);
    /// Meets a value that is saved as a whole.
    fn cell(&mut self, c: &mut dyn AnyCell);
}

/// Something with state.
pub trait Saved {
    /// Shows every table and cell, always in the same order.
    fn state(&mut self, v: &mut dyn Visit);
}

/// Says which fields of an operator or detector are its tables and which its cells.
macro_rules! saved {
    ($name:ty $(, tables: [$($table:ident),+])? $(, cells: [$($cell:ident),+])?) => {
        impl $crate::state::Saved for $name {
            fn state(&mut self, v: &mut dyn $crate::state::Visit) {
                $($(v.table(&mut self.$table);)+)?
                $($(v.cell(&mut $crate::state::Plain(&mut self.$cell));)+)?
                let _ = v;
            }
        }
    };
}
pub(crate) use saved;

/// A table of any value.
pub trait AnyTable {
    /// Marks what changed since the last saving, or everything.
    fn begin(&mut self, whole: bool);
    /// Copies marked shards out until about `budget` bytes are taken; whether more are marked.
    fn copy(&mut self, budget: usize, out: &mut Vec<(u16, Vec<u8>)>) -> bool;
    /// Whether anything is still to be copied out.
    fn pending(&self) -> bool;
    /// Fills a shard from its bytes.
    fn load(&mut self, shard: u16, bytes: &[u8]) -> Result<(), StateError>;
    /// Keys held.
    fn keys(&self) -> usize;
}

/// A value that is saved as a whole.
pub trait AnyCell {
    /// Its bytes.
    fn bytes(&self) -> Vec<u8>;
    /// Takes the value from bytes.
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError>;
}

/// A reference to a plain value as an [`AnyCell`].
pub struct Plain<'a, T>(pub &'a mut T);

impl<T: Serialize + DeserializeOwned> AnyCell for Plain<'_, T> {
    fn bytes(&self) -> Vec<u8> {
        encode(self.0)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        *self.0 = decode(bytes)?;
        Ok(())
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("state is plain data; writing it to memory cannot fail")
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StateError> {
    postcard::from_bytes(bytes).map_err(|e| StateError(e.to_string()))
}

/// A part of a table: it is saved as a whole.
pub(crate) trait Part: Default {
    /// Its content.
    fn bytes(&self) -> Vec<u8>;
    /// Takes the content from bytes.
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError>;
    /// Keys held.
    fn keys(&self) -> usize;
    /// Whether there is nothing to save.
    fn is_empty(&self) -> bool;
}

struct Shard<P> {
    part: P,
    /// Changed since it was last copied out.
    changed: bool,
    /// To be copied out for the snapshot under way.
    marked: bool,
}

/// The parts of a table by their keys, each copied out before it changes while a snapshot is under way.
pub(crate) struct Shards<P, const N: usize = SHARDS> {
    list: Vec<Shard<P>>,
    /// Marked shards left; 0 when no snapshot is under way.
    marked: usize,
    /// Copied out before a change.
    copied: Vec<(u16, Vec<u8>)>,
}

impl<P: Part, const N: usize> Default for Shards<P, N> {
    fn default() -> Self {
        let shard = || Shard { part: P::default(), changed: false, marked: false };
        Shards { list: (0..N).map(|_| shard()).collect(), marked: 0, copied: Vec::new() }
    }
}

impl<P: Part, const N: usize> Shards<P, N> {
    /// The part that holds a key.
    pub fn of(&self, k: &Key) -> &P {
        &self.list[shard_of(k, N)].part
    }
    /// The part that holds a key, to be changed.
    pub fn change_of(&mut self, k: &Key) -> &mut P {
        self.change(shard_of(k, N))
    }
    /// All parts.
    pub fn parts(&self) -> impl Iterator<Item = &P> {
        self.list.iter().map(|s| &s.part)
    }
    /// Changes the parts of which `which` says so.
    pub fn change_where(&mut self, which: impl Fn(&P) -> bool, mut change: impl FnMut(&mut P)) {
        for at in 0..N {
            if which(&self.list[at].part) {
                change(self.change(at));
            }
        }
    }

    fn change(&mut self, at: usize) -> &mut P {
        if self.list[at].marked {
            let bytes = self.list[at].part.bytes();
            self.copied.push((at as u16, bytes));
            self.list[at].marked = false;
            self.marked -= 1;
        }
        let s = &mut self.list[at];
        s.changed = true;
        &mut s.part
    }
}

impl<P: Part, const N: usize> AnyTable for Shards<P, N> {
    fn begin(&mut self, whole: bool) {
        self.copied.clear();
        self.marked = 0;
        for s in &mut self.list {
            s.marked = s.changed || s.marked || (whole && !s.part.is_empty());
            s.changed = false;
            self.marked += usize::from(s.marked);
        }
    }
    fn copy(&mut self, budget: usize, out: &mut Vec<(u16, Vec<u8>)>) -> bool {
        let mut taken: usize = self.copied.iter().map(|c| c.1.len()).sum();
        out.append(&mut self.copied);
        for at in 0..N {
            if self.marked == 0 || taken > budget {
                break;
            }
            if self.list[at].marked {
                let bytes = self.list[at].part.bytes();
                taken += bytes.len();
                out.push((at as u16, bytes));
                self.list[at].marked = false;
                self.marked -= 1;
            }
        }
        self.marked > 0
    }
    fn pending(&self) -> bool {
        self.marked > 0 || !self.copied.is_empty()
    }
    fn load(&mut self, shard: u16, bytes: &[u8]) -> Result<(), StateError> {
        let s = self
            .list
            .get_mut(usize::from(shard))
            .ok_or_else(|| StateError(format!("shard {shard} does not exist")))?;
        s.part.load(bytes)
    }
    fn keys(&self) -> usize {
        self.parts().map(Part::keys).sum()
    }
}

impl<V: Serialize + DeserializeOwned> Part for KeyMap<V> {
    fn bytes(&self) -> Vec<u8> {
        let mut rows: Vec<(&Key, &V)> = self.iter().collect();
        rows.sort_unstable_by_key(|(k, _)| **k);
        encode(&rows)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let rows: Vec<(Key, V)> = decode(bytes)?;
        *self = rows.into_iter().collect();
        Ok(())
    }
    fn keys(&self) -> usize {
        self.len()
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// State per key.
pub struct Table<V: Serialize + DeserializeOwned>(Shards<KeyMap<V>>);

impl<V: Serialize + DeserializeOwned> Default for Table<V> {
    fn default() -> Self {
        Table(Shards::default())
    }
}

#[inline]
fn shard_of(k: &Key, shards: usize) -> usize {
    // The low half is the map's hash; the shard comes from the other half.
    (k.0 >> 120) as usize & (shards - 1)
}

impl<V: Serialize + DeserializeOwned> Table<V> {
    /// The value of a key.
    pub fn get(&self, k: &Key) -> Option<&V> {
        self.0.of(k).get(k)
    }
    /// Whether the key is held.
    pub fn contains(&self, k: &Key) -> bool {
        self.get(k).is_some()
    }
    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, k: &Key) -> Option<&mut V> {
        self.0.change_of(k).get_mut(k)
    }
    /// The value of a key, made when missing.
    pub fn of(&mut self, k: Key) -> &mut V
    where
        V: Default,
    {
        self.0.change_of(&k).entry(k).or_default()
    }
    /// The value of a key, made by `make` when missing.
    pub fn or_insert_with(&mut self, k: Key, make: impl FnOnce() -> V) -> &mut V {
        self.0.change_of(&k).entry(k).or_insert_with(make)
    }
    /// Sets a key's value.
    pub fn insert(&mut self, k: Key, v: V) -> Option<V> {
        self.0.change_of(&k).insert(k, v)
    }
    /// Forgets a key.
    pub fn remove(&mut self, k: &Key) -> Option<V> {
        if !self.contains(k) {
            return None;
        }
        self.0.change_of(k).remove(k)
    }
    /// Keeps the keys for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &mut V) -> bool) {
        self.0.change_where(|m| !m.is_empty(), |m| m.retain(|k, v| keep(k, v)));
    }
    /// Forgets the values for which `over` holds; shards that keep all of theirs are not changed.
    pub fn forget(&mut self, over: impl Fn(&V) -> bool) {
        self.0.change_where(|m| m.values().any(&over), |m| m.retain(|_, v| !over(v)));
    }
    /// Every value, in no order that may matter.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.change_where(|m| !m.is_empty(), |_| ());
        self.0.list.iter_mut().flat_map(|s| s.part.values_mut())
    }
    /// Keys and values in the order of the keys.
    pub fn sorted(&self) -> Vec<(Key, &V)> {
        let mut all: Vec<(Key, &V)> = self.0.parts().flat_map(|m| m.iter().map(|(k, v)| (*k, v))).collect();
        all.sort_unstable_by_key(|(k, _)| *k);
        all
    }
    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.keys()
    }
}

impl<V: Serialize + DeserializeOwned> AnyTable for Table<V> {
    fn begin(&mut self, whole: bool) {
        self.0.begin(whole);
    }
    fn copy(&mut self, budget: usize, out: &mut Vec<(u16, Vec<u8>)>) -> bool {
        self.0.copy(budget, out)
    }
    fn pending(&self) -> bool {
        self.0.pending()
    }
    fn load(&mut self, shard: u16, bytes: &[u8]) -> Result<(), StateError> {
        self.0.load(shard, bytes)
    }
    fn keys(&self) -> usize {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(t: &mut Table<u64>) -> Vec<(u16, Vec<u8>)> {
        let mut out = Vec::new();
        while t.copy(1, &mut out) {}
        out
    }

    proptest::proptest! {
        /// Whatever happens while a snapshot is taken, it holds the state at its beginning.
        #[test]
        fn a_snapshot_is_the_state_at_its_beginning(
            before in proptest::collection::vec((0u16..400, 0u64..9), 0..300),
            during in proptest::collection::vec((0u16..400, 0u64..9), 0..100),
        ) {
            let mut t: Table<u64> = Table::default();
            let key = |n: u16| Key::number(n.into());
            for (k, v) in &before {
                t.insert(key(*k), *v);
            }
            let held: Vec<(Key, u64)> = t.sorted().into_iter().map(|(k, v)| (k, *v)).collect();
            t.begin(false);
            let mut out = Vec::new();
            for (n, (k, v)) in during.iter().enumerate() {
                match n % 3 {
                    0 => { t.remove(&key(*k)); }
                    1 => *t.of(key(*k)) += v,
                    _ => { t.insert(key(*k), *v); }
                }
                if n % 7 == 0 { t.copy(1, &mut out); }
            }
            out.extend(all(&mut t));
            let mut back: Table<u64> = Table::default();
            for (s, b) in &out { back.load(*s, b).unwrap(); }
            let got: Vec<(Key, u64)> = back.sorted().into_iter().map(|(k, v)| (k, *v)).collect();
            proptest::prop_assert_eq!(got, held);
            // What did not change is not copied again.
            let mut shards: Vec<u16> = out.iter().map(|s| s.0).collect();
            shards.sort_unstable();
            let n = shards.len();
            shards.dedup();
            proptest::prop_assert_eq!(n, shards.len());
        }
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let mut t: Table<String> = Table::default();
        assert!(t.load(3, &[9, 9, 9]).is_err());
        assert!(t.load(999, &encode(&Vec::<(Key, String)>::new())).is_err());
    }
}
