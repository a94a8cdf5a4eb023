//! Rules over the ordered records: from rows to findings.
//!
//! A rule is Sigma 2.1 YAML with a namespaced `suyuan:` block ([`Rule`]). It is checked against the record kinds before it
//! runs; it cannot be loaded without an example on which it fires and one on which it does not. [`detect`] reads
//! the rows once in their total order, evaluates predicates as kernels over whole batches, keeps a small state per key, and
//! reads a second time only to explain what fired: who else is involved, and which innocent explanation the records support.
//!
//! Invariants: the same rows give the same findings, however they are cut into batches; a finding has rows; state is bounded by
//! what lies in the rules' windows, except custody of stock and the origin of cards, which last as long as the cards.
//!
//! Blind to: whatever no rule asks for; rows that a source never delivered. A finding is a lead, not a verdict: every one
//! says how many comparable things fired too, what would clear it and what it cannot tell apart.

mod alert;
mod backtest;
mod business;
mod cards;
mod catalogue;
mod check;
mod core;
mod derive;
mod desk;
mod detector;
mod error;
mod explain;
mod field;
mod hash;
mod house;
mod jobs;
mod kernel;
mod live;
pub mod open;
mod part;
mod pattern;
pub mod peers;
mod plan;
mod registry;
mod risk;
mod rule;
mod run;
mod sql;
mod state;
mod stats;
pub mod trial;
mod use_features;
mod view;
mod window;
mod yaml;

pub use alert::{Alert, Correction, Evidence, GroupValue, alert_id, corrections, group_key};
pub use backtest::{Backtest, Known, backtest};
pub use catalogue::catalogue;
pub use error::{DetectError, Fault};
pub use live::{Counts, Live, LiveParams, Position, Pushed, Snapshot};
pub use risk::{RiskParams, risk};
pub use rule::span;
pub use rule::{
    Correlation, Detection, Emit, Example, Explanation, Folder, Input, Line, Measure, Mode, Names, Rule,
    RuleSet, Suppression, explanation, skeleton,
};
pub use run::{alerts, detect, detect_on, each_alert, kinds_read};
pub use sql::{NoSql, sql};
pub use state::{Piece, StateError};
pub use use_features::{FeatureRow, FeatureTable, card_features};
