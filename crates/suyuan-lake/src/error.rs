//! What can go wrong with the lake, worded for the operator.

use std::io;
use std::path::{Path, PathBuf};

use suyuan_model::scan::ScanError;
use suyuan_store::StoreError;

/// Why the lake could not do it. Whatever it is, the lake is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The store said no, or the caller's part of the transaction did.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No space left, or a quota or file size limit was reached.
    #[error("no space to write `{}` ({source}); the lake is as before; free some space and run it again", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder of the lake could not be used.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A Parquet file could not be read or written.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Parquet {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the Parquet library said.
        source: parquet::errors::ParquetError,
    },
    /// A reading thread died; its own message stands on stderr.
    #[error("reading `{}` stopped before its end", .0.display())]
    Stopped(PathBuf),
    /// Columns could not be put together.
    #[error("cannot put rows of `{table}` together: {source}")]
    Arrow {
        /// The table.
        table: &'static str,
        /// What the Arrow library said.
        source: arrow_schema::ArrowError,
    },
    /// A batch does not have the table's columns.
    #[error("a batch for `{table}` does not fit its columns: {why}")]
    Schema {
        /// The table.
        table: &'static str,
        /// The first difference.
        why: String,
    },
    /// There is no such version.
    #[error("the lake has no version {asked}; versions go from 0 to {last}")]
    NoVersion {
        /// The version asked for.
        asked: i64,
        /// The last there is.
        last: i64,
    },
    /// There is no lake yet.
    #[error("there is no lake in `{}`; take in some records first", .0.display())]
    NoLake(PathBuf),
    /// The catalog holds something that this version cannot read.
    #[error("the lake's catalog {0}")]
    Catalog(String),
}

impl LakeError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        if is_full(&source) {
            return Self::DiskFull { path: path.to_owned(), source };
        }
        Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn parquet(what: &'static str, path: &Path, source: parquet::errors::ParquetError) -> Self {
        use parquet::errors::ParquetError::External;
        match source {
            External(inner) => match inner.downcast::<io::Error>() {
                Ok(e) => Self::io(what, path, *e),
                Err(inner) => Self::Parquet { what, path: path.to_owned(), source: External(inner) },
            },
            source => Self::Parquet { what, path: path.to_owned(), source },
        }
    }
}

impl From<rusqlite::Error> for LakeError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Store(e.into())
    }
}

impl From<LakeError> for ScanError {
    fn from(e: LakeError) -> Self {
        ScanError(e.to_string())
    }
}

fn is_full(e: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
