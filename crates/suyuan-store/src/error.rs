//! What can go wrong with the store, worded for the operator.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be used.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be opened.
    #[error("cannot open the database `{}`: {source}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The folder is on a network file system.
    #[error(
        "`{}` is on a network file system ({kind}), where the database's locks do not hold; \
         choose a folder on a local disk with `--data`", path.display()
    )]
    Network {
        /// The folder.
        path: PathBuf,
        /// The file system's name.
        kind: String,
    },
    /// Another process writes.
    #[error(
        "process {holder} is working in this data folder (lock file `{}`); wait until it is done or stop it",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Process id of the holder, as it wrote it.
        holder: String,
    },
    /// A newer version made the database.
    #[error(
        "`{}` has format {found}, newer than this program knows ({known}); use the newer program", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version known here.
        known: i64,
    },
    /// Opened for reading only.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// The disk is full.
    #[error("the disk is full; nothing was changed; free some space and run it again")]
    DiskFull,
    /// The database is not what was written.
    #[error(
        "the database `suyuan.db` of this data folder is damaged ({0}); bring the folder back from its copy, or take the records in again into another `--data`"
    )]
    Damaged(rusqlite::Error),
    /// SQLite said no.
    #[error("the database refused: {0}")]
    Sqlite(rusqlite::Error),
    /// A caller's own reason to roll back.
    #[error("{0}")]
    Caller(Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }
    pub(crate) fn open(path: &Path, source: rusqlite::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }
    /// A caller's own reason to roll back a transaction.
    pub fn caller(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Caller(why.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(e)
            }
            _ => Self::Sqlite(e),
        }
    }
}
