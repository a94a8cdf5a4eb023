//! The total order of rows and how evidence cites one.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Kind;
use crate::time;

/// A row's place in the total order, and its identity within its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey<'a> {
    /// Microseconds UTC.
    pub ts: i64,
    /// The source system.
    pub source: &'a str,
    /// Its number in that system.
    pub seq: i64,
}

/// A row as evidence cites it: identity, and the file and line it was read from.
///
/// Ordered by `(ts, source, seq)`, then kind: two kinds of one source may share a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowRef {
    /// The record kind.
    pub kind: Kind,
    /// When it happened, RFC 3339 UTC.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub ts: i64,
    /// The source system.
    pub source: String,
    /// Its number in that system.
    pub seq: i64,
    /// Number of the input file (`run.json`, `inputs`).
    pub file: i64,
    /// Line or row in that file, from 1.
    pub line: i64,
}

impl RowRef {
    /// The row's place in the order.
    pub fn key(&self) -> RowKey<'_> {
        RowKey { ts: self.ts, source: &self.source, seq: self.seq }
    }
}

impl Ord for RowRef {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key()).then(self.kind.cmp(&other.kind))
    }
}

impl PartialOrd for RowRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `kind/source/seq@time`: what a person reads and what a query takes.
impl fmt::Display for RowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}@{}", self.kind.name(), self.source, self.seq, time::format(self.ts))
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(name: &str) -> Result<Kind, String> {
        Kind::by_name(name).ok_or_else(|| format!("unknown record kind `{name}`"))
    }
}
