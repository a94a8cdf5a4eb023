//! What a worker remembers from row to row: tokens of values that come again, known regions, given
//! originals.
//!
//! Invariant: what is remembered changes how fast a row is made, never what it holds.

use std::rc::Rc;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use suyuan_model::{PiiClass, region, time};

use crate::guard::Hidden;

/// How many values a worker remembers.
const RECENT: usize = 1 << 10;
/// How many values a worker has seen once.
const SEEN: usize = 1 << 12;

/// The tokens of values that came again: the same agent, address or employer. A value is remembered
/// at its second coming, so that those that come once cost nothing.
pub(crate) struct Recent {
    seen: Vec<u64>,
    tokens: Vec<Option<Remembered>>,
}

/// A value and its token.
type Remembered = (PiiClass, Box<str>, Rc<Hidden>);

/// Months are kept beside the token of those under 16 only, so a token serves another row only where
/// its person is older than this in both.
const OLD_ENOUGH: i64 = 17;

fn old_enough(hidden: &Hidden, ts: i64) -> bool {
    let year = 1970 + ts.div_euclid(time::DAY) / 366;
    hidden.birth_year.is_none_or(|born| year - born > OLD_ENOUGH)
}

impl Recent {
    pub fn new() -> Self {
        Self { seen: vec![0; SEEN], tokens: (0..RECENT).map(|_| None).collect() }
    }

    pub fn mix(class: PiiClass, text: &str) -> u64 {
        let mut h = 0xcbf2_9ce4_8422_2325u64 ^ class as u64;
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            h = (h ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        h.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    pub fn get(&self, mix: u64, class: PiiClass, text: &str, ts: i64) -> Option<Rc<Hidden>> {
        self.tokens[(mix >> 40) as usize % RECENT]
            .as_ref()
            .filter(|(c, t, hidden)| *c == class && t.as_ref() == text && old_enough(hidden, ts))
            .map(|(.., hidden)| hidden.clone())
    }

    pub fn put(&mut self, mix: u64, class: PiiClass, text: &str, ts: i64, hidden: &Rc<Hidden>) {
        let seen = std::mem::replace(&mut self.seen[(mix >> 20) as usize % SEEN], mix);
        if seen == mix && old_enough(hidden, ts) {
            self.tokens[(mix >> 40) as usize % RECENT] = Some((class, text.into(), hidden.clone()));
        }
    }
}

/// Region codes known to be known.
pub(crate) struct Regions(Vec<u32>);

impl Regions {
    pub fn new() -> Self {
        Self(vec![0; 512])
    }
    /// Whether six digits are a code of GB/T 2260; looks each code up once, as long as it is remembered.
    pub fn known(&mut self, text: &str) -> bool {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        let code = text.bytes().fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
        let place = (code.wrapping_mul(0x9e37_79b1) >> 16) as usize % self.0.len();
        if self.0[place] != code {
            if region::last_name(text).is_none() {
                return false;
            }
            self.0[place] = code;
        }
        true
    }
}

/// Originals of a chunk, repeats dropped where remembered.
#[derive(Default)]
pub(crate) struct Originals {
    tokens: StringBuilder,
    sealed: BinaryBuilder,
    keys: Vec<u128>,
}

impl Originals {
    /// Adds one.
    pub fn push(&mut self, hidden: &Hidden) {
        self.tokens.append_value(&hidden.token);
        self.sealed.append_value(&hidden.sealed);
        self.keys.push(hidden.key);
    }

    /// Those gathered so far with the keys of their tokens.
    pub fn take(&mut self) -> Option<(RecordBatch, Vec<u128>)> {
        let Self { tokens, sealed, keys } = self;
        if keys.is_empty() {
            return None;
        }
        let batch = originals_batch(Arc::new(tokens.finish()), Arc::new(sealed.finish()));
        let given = std::mem::take(keys);
        *tokens = StringBuilder::with_capacity(given.len(), given.len() * 32);
        *sealed = BinaryBuilder::with_capacity(given.len(), given.len() * 48);
        keys.reserve(given.len());
        Some((batch, given))
    }
}

/// How many tokens a chunk remembers as given.
pub(crate) const REPEATS_IN_CHUNK: usize = 1 << 11;

/// A bounded memory of tokens: a repeat may be called new once it was pushed out, never the reverse.
pub(crate) struct Repeats(Vec<u128>);

impl Repeats {
    pub fn new(size: usize) -> Self {
        Self(vec![0; size])
    }
    /// Whether the token was not remembered; it is from now on.
    pub fn is_new(&mut self, key: u128) -> bool {
        let place = (key as usize ^ (key >> 64) as usize) % self.0.len();
        std::mem::replace(&mut self.0[place], key) != key
    }
    pub fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// The 128 bits of a token's keyed hash: the last 26 letters are their base 32.
pub(crate) fn token_key(token: &str) -> u128 {
    let tail = &token.as_bytes()[token.len().saturating_sub(26)..];
    tail.iter().fold(0u128, |key, b| {
        let five = match b {
            b'a'..=b'z' => b - b'a',
            b'2'..=b'7' => b - b'2' + 26,
            other => other & 31,
        };
        (key << 5) | u128::from(five)
    })
}

/// A batch of originals.
pub(crate) fn originals_batch(tokens: ArrayRef, sealed: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(crate::originals_schema(), vec![tokens, sealed])
        .expect("both columns have one entry an original")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_dropped_and_nothing_new_is() {
        let mut repeats = Repeats::new(8);
        // A key of zero is an empty place: no keyed hash is.
        for letter in 'b'..='z' {
            let key = token_key(&format!("idn1-{}", letter.to_string().repeat(26)));
            assert!(repeats.is_new(key), "{letter}");
            assert!(!repeats.is_new(key), "{letter}");
        }
    }
}
