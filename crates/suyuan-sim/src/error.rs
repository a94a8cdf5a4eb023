//! What can go wrong, worded for the operator.

use std::io;
use std::path::{Path, PathBuf};

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such world in the box.
    #[error("there is no world `{name}`; there are {known}")]
    UnknownWorld {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The TOML does not parse.
    #[error("the world file is not right: {0}")]
    Syntax(String),
    /// A value that cannot be.
    #[error("world `{world}`: `{field}` {fault}")]
    Value {
        /// The world's name.
        world: String,
        /// The field.
        field: String,
        /// What is wrong and what would be right.
        fault: String,
    },
    /// No such size.
    #[error("there is no size `{0}`; there are tiny, small and city")]
    UnknownSize(String),
    /// The truth would lie among the records.
    #[error("the folder of the truth `{0}` lies inside the folder of the records; give one apart from it")]
    TruthInside(PathBuf),
    /// Writing failed.
    #[error("`{path}` cannot be written: {error}; free space or choose another folder")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: io::Error,
    },
}

impl SimError {
    /// Wraps an I/O error with its path.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> SimError + '_ {
        move |error| SimError::Write { path: path.to_owned(), error }
    }
}
