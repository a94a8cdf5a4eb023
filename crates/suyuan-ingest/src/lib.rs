//! From files to rows: formats, mappings, rejects.
//!
//! A folder of native files needs no mapping: the stem names the record kind (`opening.csv`,
//! `access-2020.ndjson.gz`), the header its fields; `source` and `seq` default to the file's name below
//! the folder without its endings and the record's number. Other sources are read by a [`Mapping`].
//! CSV, JSON (lines, an array, an object that holds the array) and Parquet; plain, gzip, zstd, by their
//! first bytes; UTF-8, GB18030, UTF-16.
//!
//! What always holds
//! - Good rows go on whatever the others are; a row that does not fit is kept aside with file, line,
//!   field, reason, remedy and its raw text sealed ([`RejectRow`]).
//! - The sink sees the same calls in the same order for any number of threads.
//! - Memory is bounded: pieces of 4 MiB, records of at most 1 MiB, whatever a file's size.
//! - No message holds a value that may point at a person.
//!
//! Walk of one file: [`Plan::of`] finds it, its hash is asked of the [`Sink`] (known files are passed
//! over), its first bytes say packing, encoding and format, its header is bound to the recipe of the
//! kind or the mapping; then one thread cuts whole records, several make rows and tokens of them, and
//! the caller's thread gives batches, originals and rejects in order.
//!
//! Blind to: rows that are well-formed and untrue.

mod cells;
mod columns;
mod error;
mod expr;
mod fault;
mod file;
mod folder;
mod guard;
mod intake;
mod json;
mod mapping;
mod memory;
mod open;
mod plan;
mod propose;
mod retry;
mod row;
mod sink;
mod split;
mod stray;
mod table;
mod value;
mod work;
mod zone;

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub use error::IngestError;
pub use fault::{Fault, nearest};
pub use folder::{Plan, Planned};
pub use intake::{Intake, Options, Totals};
pub use mapping::{Encoding, Format, Mapping, SHIPPED};
pub use propose::propose;
pub use retry::{Mended, RawRow};
pub use sink::{FileInfo, FileSummary, Progress, RejectContext, RejectRow, Sink, SinkError, Take, Warning};
pub use split::{CHUNK, MAX_RECORD};

/// The schema of originals: `token` Utf8, `sealed` Binary.
pub fn originals_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("token", DataType::Utf8, false),
            Field::new("sealed", DataType::Binary, false),
        ]))
    });
    SCHEMA.clone()
}
