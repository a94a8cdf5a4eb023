//! Single rows by their key, and single originals by their token: what reports and unmasking need.
//!
//! Keys of the row groups that may hold a row are read; whole rows only where one was found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use suyuan_model::{Kind, RowKey, RowRef};

use crate::LakeError;
use crate::read::{Ask, OpenFile};
use crate::snapshot::Snapshot;
use crate::sort::CHUNK;
use crate::table::{Keys, Table};

/// A row that was looked up.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its kind.
    pub kind: Kind,
    /// The batch that holds it, with all columns of the kind.
    pub batch: Arc<RecordBatch>,
    /// Its place in the batch.
    pub row: usize,
}

impl Snapshot {
    /// The rows of these keys, each in the place of its key; `None` where this version has no such row.
    pub fn rows_at(&self, rows: &[RowRef]) -> Result<Vec<Option<Found>>, LakeError> {
        let mut found = vec![None; rows.len()];
        let mut by_kind: BTreeMap<Kind, BTreeMap<RowKey, Vec<usize>>> = BTreeMap::new();
        for (i, row) in rows.iter().enumerate() {
            by_kind.entry(row.kind).or_default().entry(row.key()).or_default().push(i);
        }
        for (kind, keys) in by_kind {
            let table = Table::Kind(kind);
            let asked: Vec<RowKey> = keys.keys().copied().collect();
            for (file, path) in self.files(kind).iter().zip(self.paths(table)) {
                if ts_within(&asked, file.min_ts, file.max_ts).is_empty() {
                    continue;
                }
                for (key, batch, row) in self.find(&path, table, &asked)? {
                    for &i in &keys[&key] {
                        found[i] = Some(Found { kind, batch: batch.clone(), row });
                    }
                }
            }
        }
        Ok(found)
    }

    /// The sealed originals of these tokens; a token that has none is left out.
    pub fn originals_at(&self, tokens: &[&str]) -> Result<BTreeMap<String, Vec<u8>>, LakeError> {
        let mut asked: Vec<RowKey> = tokens.iter().map(|t| RowKey { ts: 0, source: t, seq: 0 }).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut found = BTreeMap::new();
        for path in self.paths(Table::Original) {
            for (key, batch, row) in self.find(&path, Table::Original, &asked)? {
                let sealed = batch.column_by_name("sealed").expect("originals are sealed").as_binary::<i32>();
                found.entry(key.source.to_owned()).or_insert_with(|| sealed.value(row).to_vec());
            }
        }
        Ok(found)
    }

    /// The rows of a file that have one of the sorted keys.
    fn find<'k>(
        &self,
        path: &Path,
        table: Table,
        asked: &[RowKey<'k>],
    ) -> Result<Vec<(RowKey<'k>, Arc<RecordBatch>, usize)>, LakeError> {
        let file = OpenFile::open(path)?;
        let groups: Vec<usize> = (0..file.meta().num_row_groups())
            .filter(|g| !may_hold(&file, table, *g, asked).is_empty())
            .collect();
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let ask = |ask: Ask| Ask { io: self.io.clone(), ..ask };
        let mut selectors = Vec::new();
        let mut hits = Vec::new();
        let mut keys_only = file.read(&ask(Ask::keys(table, CHUNK)), groups.clone(), None)?;
        while let Some(batch) = keys_only.next_batch()? {
            let keys = Keys::bind(table, &batch);
            let mut at = 0;
            for row in 0..keys.len() {
                let hit = asked.binary_search(&keys.key(row)).ok();
                if let Some(hit) = hit {
                    selectors.extend([RowSelector::skip(row - at), RowSelector::select(1)]);
                    hits.push(asked[hit]);
                    at = row + 1;
                }
            }
            selectors.push(RowSelector::skip(keys.len() - at));
        }
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        let selection = RowSelection::from(selectors);
        let mut whole = OpenFile::open(path)?.read(&ask(Ask::all(table, CHUNK)), groups, Some(selection))?;
        let mut found = Vec::with_capacity(hits.len());
        let mut hits = hits.into_iter();
        while let Some(batch) = whole.next_batch()? {
            let batch = Arc::new(batch);
            for (row, key) in (0..batch.num_rows()).zip(hits.by_ref()) {
                found.push((key, batch.clone(), row));
            }
        }
        Ok(found)
    }
}

/// The part of the sorted keys whose times lie within a range, both ends included.
fn ts_within<'a, 'k>(asked: &'a [RowKey<'k>], min: i64, max: i64) -> &'a [RowKey<'k>] {
    let from = asked.partition_point(|k| k.ts < min);
    let to = asked.partition_point(|k| k.ts <= max);
    &asked[from..to.max(from)]
}

/// The part of the sorted keys that a row group may hold.
fn may_hold<'a, 'k>(
    file: &OpenFile,
    table: Table,
    group: usize,
    asked: &'a [RowKey<'k>],
) -> &'a [RowKey<'k>] {
    if table == Table::Original {
        let Some((min, max)) = file.token_range(group) else { return asked };
        let from = asked.partition_point(|k| k.source.as_bytes() < min);
        let to = asked.partition_point(|k| k.source.as_bytes() <= max);
        return &asked[from..to.max(from)];
    }
    match file.ts_range(group) {
        Some((min, max)) => ts_within(asked, min, max),
        None => asked,
    }
}
