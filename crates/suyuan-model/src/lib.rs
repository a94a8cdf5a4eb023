//! The words of Suyuan: record kinds, identities, order, findings, evidence.
//!
//! Everything else in the workspace depends on this crate and this crate on none of it.
//! One declaration per record kind (a file in [`records`]) gives the Rust type, the Arrow schema
//! of the lake, the fields the parser reads, the page of the manual and the fixtures of the tests.
//!
//! Time is `i64` microseconds UTC. `(ts, source, seq)` is the total order and the identity of a row.

pub mod actor;
pub mod calendar;
pub mod checks;
pub mod columns;
pub mod fixture;
pub mod geo;
pub mod identity;
pub mod kind;
pub mod mask;
pub mod money;
pub mod order;
pub mod outcome;
pub mod reading;
pub mod records;
pub mod region;
pub mod risk;
pub mod scan;
pub mod score;
pub mod segment;
pub mod time;

pub use kind::{FieldSpec, FieldType, Kind, KindSpec, PiiClass, Stage};
pub use order::{RowKey, RowRef};
