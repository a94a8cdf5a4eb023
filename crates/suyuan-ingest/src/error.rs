//! Why the intake, or a mapping, cannot be used at all. A bad row is not an error: it is kept aside.

use std::path::PathBuf;

/// Why the work cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A path that was given cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Nothing to read.
    #[error(
        "no records in `{}`: native files are named after a record kind (opening.csv, access.ndjson.gz); name a mapping for others",
        path.display()
    )]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The text is not a mapping.
    #[error("not a mapping: {reason}")]
    MappingForm {
        /// Where and what.
        reason: String,
    },
    /// The mapping says something that cannot be.
    #[error("mapping `{name}`: {reason}")]
    Mapping {
        /// Its name.
        name: String,
        /// What and what to do.
        reason: String,
    },
    /// A sample does not map as expected.
    #[error("mapping `{name}`: sample {sample}: {reason}; mend the mapping or the sample")]
    Sample {
        /// Its name.
        name: String,
        /// Which sample, from 1.
        sample: usize,
        /// What differs.
        reason: String,
    },
    /// No mapping of that name comes with the program.
    #[error("there is no mapping `{name}`; {near} (or give the path of a mapping file)")]
    NoMapping {
        /// The name asked for.
        name: String,
        /// The nearest.
        near: String,
    },
    /// What receives the rows failed.
    #[error("the rows could not be kept: {0}")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A rejected row's context cannot be used.
    #[error("this rejected row cannot be read again: {reason}")]
    Retry {
        /// Why.
        reason: String,
    },
}
