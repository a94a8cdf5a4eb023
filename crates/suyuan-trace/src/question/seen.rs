//! The columns of look-ups that the count reads.
//!
//! Texts that repeat come as codes where the lake holds codes, so that what a text stands for is found once for each list of
//! texts and not once a row.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use suyuan_model::Kind;
use suyuan_model::columns::{Coded, Column, Int, Key, Str};

use crate::facts::Row;
use crate::intern::Interner;

/// Look-ups of a batch.
pub(super) struct Lookups<'a> {
    /// All but the source, which comes as codes.
    pub key: Key<'a>,
    source: Coded<'a>,
    pub account: Coded<'a>,
    pub subject: Str<'a>,
    pub region6: Coded<'a>,
    pub segment: Coded<'a>,
    pub rows: Int<'a>,
    pub result: Coded<'a>,
    pub order: Str<'a>,
}

impl<'a> Lookups<'a> {
    /// What a scan must ask for, and what of it may come as codes.
    pub const COLUMNS: [&'static str; 7] =
        ["account", "subject", "subject_region6", "subject_segment", "rows", "result", "order"];
    pub const CODES: [&'static str; 5] =
        ["source", "account", "subject_region6", "subject_segment", "result"];

    pub fn bind(batch: &'a RecordBatch) -> Lookups<'a> {
        Lookups {
            key: Key::bind(batch),
            source: Coded::bind(batch, "source"),
            account: Coded::bind(batch, "account"),
            subject: Str::bind(batch, "subject"),
            region6: Coded::bind(batch, "subject_region6"),
            segment: Coded::bind(batch, "subject_segment"),
            rows: Int::bind(batch, "rows"),
            result: Coded::bind(batch, "result"),
            order: Str::bind(batch, "order"),
        }
    }

    /// A row's place.
    pub fn row(&self, sources: &mut Interner, i: usize) -> Row {
        Row {
            kind: Kind::Access,
            ts: self.key.ts(i),
            source: sources.id(self.source.get(i)),
            seq: self.key.seq.get(i).unwrap_or(0),
            file: self.key.file_id.get(i).unwrap_or(0),
            line: self.key.line.get(i).unwrap_or(0),
        }
    }
}

/// Nothing is remembered of a text.
const UNKNOWN: u32 = u32::MAX;
/// A list is remembered for rows that are at least this part of its texts: several files may take turns.
const WORTH: usize = 8;

/// The numbers that texts of a column stand for, by their codes, as long as the list of texts is the same.
#[derive(Default)]
pub(super) struct Remembered {
    list: Option<ArrayRef>,
    numbers: Vec<u32>,
    holds: bool,
}

impl Remembered {
    /// Begins so many rows of a column.
    pub fn begin(&mut self, column: &Coded<'_>, rows: usize) {
        let Some(list) = column.list() else {
            self.holds = false;
            return;
        };
        self.holds = self.list.as_ref().is_some_and(|known| Coded::same_list(known, list));
        if !self.holds && rows * WORTH >= list.len() {
            self.numbers.clear();
            self.numbers.resize(list.len(), UNKNOWN);
            (self.list, self.holds) = (Some(Arc::clone(list)), true);
        }
    }

    /// The number of the text in row `i`, as `of` gives it for a text that was not met before.
    pub fn number(&mut self, column: &Coded<'_>, i: usize, of: impl FnOnce(Option<&str>) -> u32) -> u32 {
        match column.code(i).filter(|_| self.holds) {
            Some(code) if self.numbers[code] != UNKNOWN => self.numbers[code],
            Some(code) => {
                self.numbers[code] = of(column.get(i));
                self.numbers[code]
            }
            None => of(column.get(i)),
        }
    }
}
