//! The lake: every record that was taken in, sorted by time, kept for ever.
//!
//! A lake is a folder of Parquet files and a DuckLake 1.0 catalog in the store's database, so DuckDB and
//! others read it as it is (attach it read-only). There is one table per record kind, sorted by
//! `(ts, source, seq)`, and the table `original` of tokens and sealed originals.
//!
//! - [`Lake::load`] takes rows in, any order, bounded memory, and commits them in one transaction;
//! - [`Lake::snapshot`] gives one version: ordered scans ([`suyuan_model::scan::RowSource`]), single rows;
//! - [`Lake::compact`] merges small files; [`Lake::sweep_orphans`] removes what failed loads left.
//!
//! Always so:
//! - a row (kind, ts, source, seq) is in the lake once, however often it is taken in; the first wins;
//! - all kinds of a load, its files and its rejects become visible together or not at all;
//! - what a commit acknowledged survives a crash: files are synced before the transaction names them;
//! - a version, once made, can be read for ever, also after compaction;
//! - the same rows give the same bytes, whatever the number of threads.
//!
//! Blind spots: rows are told apart by their key alone, so a corrected row under an old key is counted as
//! known and not taken; old versions' files are never deleted, so compaction needs space.

mod catalog;
mod compact;
mod error;
mod index;
mod load;
mod lookup;
mod merge;
mod output;
mod read;
mod snapshot;
mod sort;
mod stats;
mod sweep;
mod table;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use suyuan_store::Store;

pub use catalog::DataFile;
pub use compact::Compacted;
pub use error::LakeError;
pub use load::{Count, Load, LoadCounts, Receipt};
pub use lookup::Found;
pub use read::Io;
pub use snapshot::Snapshot;
pub use table::Table;

use catalog::{TableInfo, Tables};
use write::{FileWriter, Layout};

/// How a lake works; the rows never depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes that one load holds in memory, over all tables, before it spills.
    pub memory: usize,
    /// Threads that encode columns.
    pub threads: usize,
    /// Rows of a row group in a young file: small groups prune better.
    pub group_rows: usize,
    /// Rows of a row group after compaction.
    pub compact_group_rows: usize,
    /// A file is ended once it has this many bytes.
    pub file_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            memory: 96 << 20,
            threads: std::thread::available_parallelism().map_or(1, usize::from).min(4),
            group_rows: 128 << 10,
            compact_group_rows: 1 << 20,
            file_bytes: 96 << 20,
        }
    }
}

/// The lake. Clones share it.
#[derive(Clone)]
pub struct Lake(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    dir: PathBuf,
    pub(crate) tables: Tables,
    pub(crate) options: Options,
    /// Loads and compactions of this process commit in turn.
    turn: Mutex<()>,
    /// Files that are being written: not orphans, whatever their age.
    active: Mutex<BTreeSet<PathBuf>>,
    next_name: AtomicU64,
}

impl Lake {
    /// Opens the lake in that folder, making what is missing if the store can be written.
    ///
    /// # Errors
    /// The folder cannot be used, the catalog is of another format, or there is no lake and the store is
    /// open for reading only.
    pub fn open(store: &Store, dir: impl AsRef<Path>) -> Result<Lake, LakeError> {
        Lake::open_with(store, dir, Options::default())
    }

    /// [`Lake::open`] with other options than the usual ones.
    pub fn open_with(store: &Store, dir: impl AsRef<Path>, options: Options) -> Result<Lake, LakeError> {
        let dir = dir.as_ref();
        let tables = if store.writable() {
            for table in Table::all() {
                let folder = dir.join("main").join(table.name());
                std::fs::create_dir_all(&folder).map_err(|e| LakeError::io("make the folder", &folder, e))?;
            }
            write::sync(dir)?;
            write::sync(&dir.join("main"))?;
            let real = dir.canonicalize().map_err(|e| LakeError::io("find the folder", dir, e))?;
            store.write_as(|tx| catalog::ensure(tx, &real))?
        } else {
            store.read_as(|c| match catalog::exists(c)? {
                true => catalog::tables(c),
                false => Err(LakeError::NoLake(dir.to_owned())),
            })?
        };
        Ok(Lake(Arc::new(Inner {
            store: store.clone(),
            dir: dir.to_owned(),
            tables,
            options,
            turn: Mutex::default(),
            active: Mutex::default(),
            next_name: AtomicU64::new(1),
        })))
    }

    /// Begins a load. Nothing of it is visible until [`Load::commit`]; dropped, it leaves nothing.
    pub fn load(&self) -> Load {
        Load::new(self.clone())
    }

    /// The version of that number, or the newest.
    pub fn snapshot(&self, version: Option<i64>) -> Result<Snapshot, LakeError> {
        Snapshot::new(self.clone(), version)
    }

    /// The folder of a table's files.
    pub fn folder(&self, table: Table) -> PathBuf {
        self.0.dir.join("main").join(table.name())
    }

    /// The folder of what is kept to find rows of a table by their text; it can be deleted at any time.
    pub(crate) fn index(&self, table: Table) -> PathBuf {
        self.0.dir.join("index").join(table.name())
    }

    pub(crate) fn info(&self, table: Table) -> Result<&TableInfo, LakeError> {
        let missing =
            || LakeError::Catalog(format!("has no table `{}`; open it for writing once", table.name()));
        self.0.tables.get(&table).ok_or_else(missing)
    }

    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn active(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files that one piece of work has made. Those that no commit took over are deleted in the end.
pub(crate) struct Scratch {
    lake: Lake,
    files: BTreeSet<PathBuf>,
}

impl Scratch {
    pub(crate) fn new(lake: Lake) -> Scratch {
        Scratch { lake, files: BTreeSet::new() }
    }

    /// Begins a file of a name that is not in use.
    pub(crate) fn create(&mut self, table: Table, group_rows: usize) -> Result<FileWriter, LakeError> {
        let layout = Layout { group_rows, threads: self.lake.0.options.threads };
        let ids = &self.lake.info(table)?.columns;
        let folder = self.lake.folder(table);
        loop {
            let n = self.lake.0.next_name.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{n:08}.parquet", table.name()));
            if path.exists() {
                continue;
            }
            self.lake.active().insert(path.clone());
            match FileWriter::create(table, &path, ids, layout) {
                Ok(writer) => {
                    self.files.insert(path);
                    return Ok(writer);
                }
                Err(LakeError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                    self.lake.active().remove(&path);
                }
                Err(e) => {
                    self.lake.active().remove(&path);
                    return Err(e);
                }
            }
        }
    }

    /// Deletes a file that is no longer needed.
    pub(crate) fn discard(&mut self, path: &Path) {
        if self.files.remove(path) {
            // What cannot be deleted is an orphan, and swept as such.
            let _ = std::fs::remove_file(path);
            index::forget(path);
            self.lake.active().remove(path);
        }
    }

    /// Makes sure that the files and their names are on the disk.
    pub(crate) fn sync<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<(), LakeError> {
        let mut folders = BTreeSet::new();
        for path in paths {
            write::sync(path)?;
            folders.extend(path.parent());
        }
        folders.into_iter().try_for_each(write::sync)
    }

    /// A commit has taken these files over.
    pub(crate) fn keep<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        for path in paths {
            self.files.remove(path);
            self.lake.active().remove(path);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for path in std::mem::take(&mut self.files) {
            let _ = std::fs::remove_file(&path);
            index::forget(&path);
            self.lake.active().remove(&path);
        }
    }
}
