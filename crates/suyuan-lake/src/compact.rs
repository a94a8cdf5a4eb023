//! Merging small files into bigger ones, all tables in one transaction.
//!
//! The rows of the newest version stay the same and in the same order; older versions keep their files.

use crate::catalog::{self, Change, DataFile};
use crate::merge::{Input, Merge, Repeats, Source};
use crate::output::Output;
use crate::read::{self, Ask};
use crate::sort::CHUNK;
use crate::table::Table;
use crate::write::NewFile;
use crate::{Lake, LakeError, Scratch};

/// Files that one merge takes: each may be open at once.
const MAX_FILES: usize = 256;

/// From so many small files of a table on, scans begin to feel them.
const CROWDED: usize = 64;

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The newest version after it; the same as before if there was nothing to do.
    pub snapshot: i64,
    /// Files that ended.
    pub before: usize,
    /// Files that began in their place.
    pub after: usize,
}

impl Lake {
    /// Merges each table's small files (below half the size of a full one), where there are two or more.
    ///
    /// # Errors
    /// Files could not be read or written; another compaction was faster. The lake is then as before.
    pub fn compact(&self) -> Result<Compacted, LakeError> {
        self.compact_from(2)
    }

    /// Merges the small files of those tables that have many of them (64 or more): for after each load.
    /// Each row is then rewritten once in many loads, and a scan never has thousands of files open.
    ///
    /// # Errors
    /// As [`Lake::compact`].
    pub fn compact_crowded(&self) -> Result<Compacted, LakeError> {
        self.compact_from(CROWDED)
    }

    /// Compacts the tables that have at least so many small files.
    fn compact_from(&self, least: usize) -> Result<Compacted, LakeError> {
        let _turn = self.turn();
        let now = self.snapshot(None)?;
        let mut scratch = Scratch::new(self.clone());
        let mut work: Vec<(Table, Vec<i64>, Vec<NewFile>)> = Vec::new();
        for table in Table::all() {
            let mut small: Vec<&DataFile> =
                now.table_files(table).iter().filter(|f| f.bytes < self.0.options.file_bytes / 2).collect();
            if small.len() < least {
                continue;
            }
            small.sort_by_key(|f| (f.min_ts, f.id));
            for group in small.chunks(MAX_FILES).filter(|g| g.len() > 1) {
                let files = self.merge_files(&mut scratch, table, group)?;
                work.push((table, group.iter().map(|f| f.id).collect(), files));
            }
        }
        let paths = || work.iter().flat_map(|(_, _, files)| files).map(|f| f.path.as_path());
        let (before, after) = (work.iter().map(|w| w.1.len()).sum(), paths().count());
        if before == 0 {
            return Ok(Compacted { snapshot: now.id(), before, after });
        }
        scratch.sync(paths())?;
        let snapshot = self.0.store.write_as(|tx| -> Result<i64, LakeError> {
            let mut changes: Vec<Change> = Vec::new();
            for (table, remove, add) in &work {
                changes.push(Change { table: *table, info: self.info(*table)?, remove: remove.clone(), add });
            }
            catalog::commit(tx, "merge_adjacent", &changes)
        })?;
        scratch.keep(paths());
        Ok(Compacted { snapshot, before, after })
    }

    fn merge_files(
        &self,
        scratch: &mut Scratch,
        table: Table,
        files: &[&DataFile],
    ) -> Result<Vec<NewFile>, LakeError> {
        let folder = self.folder(table);
        let ask = Ask::all(table, (8 * CHUNK / files.len()).clamp(512, CHUNK));
        let threads = self.0.options.threads;
        let input = |(rank, file): (usize, &&DataFile)| {
            let (path, ask) = (folder.join(&file.name), ask.clone());
            let open = move || Ok(Source::file(read::open(&path, &ask)?, threads));
            Input { table, rank: rank as u32, min_ts: file.min_ts, open: Box::new(open) }
        };
        let mut merge = Merge::new(files.iter().enumerate().map(input).collect());
        let options = self.0.options;
        let mut out = Output::new(scratch, table, options.compact_group_rows, options.file_bytes);
        let mut repeats = Repeats::default();
        while let Some(piece) = merge.next()? {
            // Only originals can repeat; a record is in the lake once.
            let skip = usize::from(repeats.first_repeats(&piece));
            let rows = piece.rows.start + skip..piece.rows.end;
            if !rows.is_empty() {
                out.push(&piece.batch, rows)?;
            }
        }
        out.finish()
    }
}
