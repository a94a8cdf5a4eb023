//! Removing orphans: files that a load or compaction wrote and no transaction came to name.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use suyuan_model::time::DAY;

use crate::table::Table;
use crate::{Lake, LakeError, catalog, index};

impl Lake {
    /// Removes files that no version names and that are older than a day at `now` (µs UTC); returns them.
    ///
    /// # Errors
    /// A folder could not be listed. A file that cannot be removed stays for the next time.
    pub fn sweep_orphans(&self, now: i64) -> Result<Vec<PathBuf>, LakeError> {
        if !self.0.store.writable() {
            return Ok(Vec::new());
        }
        let _turn = self.turn();
        let mut swept = Vec::new();
        for table in Table::all() {
            let info = self.info(table)?;
            let named: BTreeSet<String> =
                self.0.store.read_as(|c| catalog::all_names(c, info))?.into_iter().collect();
            for path in self.parquet_files(table)? {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                let old = modified(&path).is_some_and(|at| at < now - DAY);
                if !named.contains(&name)
                    && old
                    && !self.active().contains(&path)
                    && std::fs::remove_file(&path).is_ok()
                {
                    swept.push(path);
                }
            }
            self.sweep_index(table, &named);
        }
        Ok(swept)
    }

    /// Removes what is kept to find rows of files that no version names any more.
    fn sweep_index(&self, table: Table, named: &BTreeSet<String>) {
        let Ok(entries) = std::fs::read_dir(self.index(table)) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if !index::file_of(&name).is_some_and(|of| named.contains(of)) {
                // What stays takes room until the next time.
                let _ = std::fs::remove_file(&path);
            }
        }
    }

    fn parquet_files(&self, table: Table) -> Result<Vec<PathBuf>, LakeError> {
        let folder = self.folder(table);
        let fail = |e| LakeError::io("list", &folder, e);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|e| e == "parquet") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

fn modified(path: &std::path::Path) -> Option<i64> {
    let at = path.metadata().ok()?.modified().ok()?;
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}
