//! Ways from a person's data to a fraud.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChainStage, Entity, Text};
use crate::order::RowRef;
use crate::time;

/// One way from a person's data to a fraud, in order of time: look-up, capture, opening, first use, fraud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChainPath {
    /// The card.
    pub card: String,
    /// The fraud case, where the report names one.
    pub case: Option<String>,
    /// Its share among the ways that the records allow, that the data came from outside them among these.
    pub probability: f64,
    /// In order of time.
    pub steps: Vec<ChainStep>,
    /// Stages of which the records hold nothing.
    pub missing: Vec<Text>,
}

/// One step of a way, with its row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChainStep {
    /// Stage of the chain.
    pub stage: ChainStage,
    /// What happened.
    pub what: Text,
    /// Through whom or what: an account, collector, device, handset, case.
    pub through: Vec<Entity>,
    /// When.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub at: i64,
    /// The row that shows it.
    pub row: RowRef,
}
