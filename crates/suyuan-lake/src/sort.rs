//! Sorting a buffer of batches into ascending order; of rows with one key the first appended stays.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;

use crate::LakeError;
use crate::table::{KeyBuf, Keys, Table};

/// Rows of an output batch.
pub(crate) const CHUNK: usize = 8_192;
/// What sorting needs beside the rows, per row, in bytes.
pub(crate) const PER_ROW: usize = 32;

/// A buffer in ascending order. Its rows are gathered as they are asked for, so that a buffer is never in
/// memory twice.
pub(crate) struct Sorted {
    table: Table,
    batches: Vec<RecordBatch>,
    /// The rows that stay, as (batch, row); `None`: all, as they stand.
    order: Option<Vec<Place>>,
    repeats: Vec<Place>,
    /// The next batch, or the next of `order`.
    at: usize,
}

impl Sorted {
    /// Sorts the buffer. Rows that stand in order already are not copied.
    pub(crate) fn new(table: Table, batches: Vec<RecordBatch>) -> Sorted {
        let batches: Vec<_> = batches.into_iter().filter(|b| b.num_rows() > 0).collect();
        let keys: Vec<Keys> = batches.iter().map(|b| Keys::bind(table, b)).collect();
        if ascending(&keys) {
            return Sorted { table, batches, order: None, repeats: Vec::new(), at: 0 };
        }
        let order = if table == Table::Original { by_text(&keys) } else { by_key(&keys) };
        let (order, repeats) = split_repeats(&keys, order);
        Sorted { table, batches, order: Some(order), repeats, at: 0 }
    }

    /// Calls `each` for every row that repeats the key of one before it.
    pub(crate) fn each_repeat(&self, mut each: impl FnMut(&RecordBatch, usize)) {
        for (batch, row) in &self.repeats {
            each(&self.batches[*batch as usize], *row as usize);
        }
    }

    /// Rows not given yet.
    pub(crate) fn rows_left(&self) -> usize {
        match &self.order {
            Some(order) => order.len() - self.at,
            None => self.batches.iter().skip(self.at).map(RecordBatch::num_rows).sum(),
        }
    }

    /// The least and greatest key of all rows.
    pub(crate) fn ends(&self) -> Option<(KeyBuf, KeyBuf)> {
        let key = |place: Place| key_at(self.table, &self.batches[place.0 as usize], place.1 as usize);
        let (first, last) = match &self.order {
            Some(order) => (*order.first()?, *order.last()?),
            None => {
                let last = self.batches.last()?;
                ((0, 0), (self.batches.len() as u32 - 1, last.num_rows() as u32 - 1))
            }
        };
        Some((key(first), key(last)))
    }

    /// The next rows, or `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let Some(order) = &self.order else {
            self.at += 1;
            return Ok(self.batches.get(self.at - 1).cloned());
        };
        let chunk = &order[self.at..order.len().min(self.at + CHUNK)];
        if chunk.is_empty() {
            return Ok(None);
        }
        let refs: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows: Vec<(usize, usize)> = chunk.iter().map(|(b, r)| (*b as usize, *r as usize)).collect();
        self.at += chunk.len();
        let fail = |source| LakeError::Arrow { table: self.table.name(), source };
        interleave_record_batch(&refs, &rows).map(Some).map_err(fail)
    }
}

fn key_at(table: Table, batch: &RecordBatch, row: usize) -> KeyBuf {
    KeyBuf::of(Keys::bind(table, batch).key(row))
}

type Place = (u32, u32);

fn ascending(keys: &[Keys]) -> bool {
    let mut last = None;
    for k in keys {
        for i in 0..k.len() {
            let key = k.key(i);
            if last.is_some_and(|l| l >= key) {
                return false;
            }
            last = Some(key);
        }
    }
    true
}

fn by_text(keys: &[Keys]) -> Vec<Place> {
    let mut order: Vec<Place> = places(keys).collect();
    order.sort_unstable_by(|a, b| {
        let text = |p: &Place| keys[p.0 as usize].text(p.1 as usize);
        text(a).cmp(text(b)).then(a.cmp(b))
    });
    order
}

fn places(keys: &[Keys]) -> impl Iterator<Item = Place> + '_ {
    keys.iter().enumerate().flat_map(|(b, k)| (0..k.len()).map(move |r| (b as u32, r as u32)))
}

/// Sorts by (time, source's rank, number, place): sources are few, so their texts are compared once.
fn by_key(keys: &[Keys]) -> Vec<Place> {
    let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
    for k in keys {
        let mut last = None;
        for i in 0..k.len() {
            let text = k.text(i);
            if last != Some(text) {
                sources.insert(text, 0);
                last = Some(text);
            }
        }
    }
    for (rank, value) in sources.values_mut().enumerate() {
        *value = rank as u32;
    }
    let mut rows = Vec::with_capacity(keys.iter().map(Keys::len).sum());
    let mut last = ("", sources.get("").copied().unwrap_or(0));
    for (b, r) in places(keys) {
        let k = &keys[b as usize];
        let text = k.text(r as usize);
        if text != last.0 {
            last = (text, sources[text]);
        }
        rows.push((k.ts(r as usize), last.1, k.seq(r as usize), b, r));
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, _, _, b, r)| (b, r)).collect()
}

fn split_repeats(keys: &[Keys], order: Vec<Place>) -> (Vec<Place>, Vec<Place>) {
    let key = |p: &Place| keys[p.0 as usize].key(p.1 as usize);
    let mut kept: Vec<Place> = Vec::with_capacity(order.len());
    let mut repeats = Vec::new();
    for place in order {
        match kept.last() {
            Some(last) if key(last) == key(&place) => repeats.push(place),
            _ => kept.push(place),
        }
    }
    (kept, repeats)
}
