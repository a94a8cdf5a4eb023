//! Counts kept between runs, so that the next one counts only what is new.
//!
//! The trace touches no disk: a [`Shelf`] of the caller's keeps the bytes, and answers for it that they come back unchanged
//! and only while the records hold what was counted. What is written holds tokens as the lake has them and keys made from
//! them ([`crate::prints::Print`]), no personal data. Whatever is amiss with it means: count anew.

use std::io::{self, Read, Write};

/// Where counts are kept. Contract: [`Shelf::take`] gives the bytes of the last [`Shelf::keep`] that ended well, whole and
/// unchanged, and only where every row that the lake held then is still there; it gives nothing in doubt.
pub trait Shelf {
    /// What was kept of a part.
    fn take(&mut self, part: Part) -> Option<Box<dyn Read>>;

    /// Keeps what `write` writes in place of what was there, or nothing. `rows` were counted: a shelf may think so few not
    /// worth it.
    fn keep(&mut self, part: Part, rows: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>);
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The counts: large, and written anew once in a bin of time.
    Counts,
    /// The touches of those who were harmed: small, and written anew whenever others are.
    Touches,
}
