//! The case: chain, totals, thresholds of the law.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{money, time};

/// A threshold of the law held against what was counted. Never a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    /// Whom it is about.
    pub entity: Entity,
    /// Law pack and item.
    pub provision: Text,
    /// Id of the item in the pack.
    pub item: String,
    /// What was counted, and how.
    pub counted: Text,
    /// Lower bound of the count.
    pub lower: u64,
    /// Upper bound, where there is one.
    pub upper: Option<u64>,
    /// The threshold.
    pub threshold: u64,
    /// Whether the lower bound reaches it.
    pub reached: Reached,
    /// Whether the provision was in force when the acts were done.
    pub in_force: bool,
    /// Notes: arguable switches, from old to light, what must be proved besides.
    pub notes: Vec<Text>,
    /// The rows counted.
    pub evidence: Option<Evidence>,
}

/// How a count stands to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// The lower bound reaches it.
    Yes,
    /// Only the upper bound reaches it.
    Perhaps,
    /// It does not.
    No,
}

/// What a case is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// A ring that opened cards in others' names.
    #[default]
    Ring,
    /// A leak of persons' data that belongs to no ring: its actors are sources, its persons those harmed through them.
    Leak,
}

/// A case: what `case.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Format version.
    pub format: String,
    /// What it is about.
    #[serde(default)]
    pub kind: CaseKind,
    /// Deterministic id.
    pub id: String,
    /// One line.
    pub title: Text,
    /// Sentences of the first page: what was found, how sure, what it cannot tell.
    pub summary: Vec<Text>,
    /// Probability that the ring, or the leak, is real.
    pub probability: f64,
    /// Actors with roles.
    pub actors: Vec<Member>,
    /// Cards.
    pub cards: Vec<RingCard>,
    /// Fraud cases in which they were used, or whose victims' data leaked.
    pub fraud_cases: Vec<FraudCase>,
    /// Totals, each of them counted from the lists above.
    pub totals: Totals,
    /// The chain.
    pub chain: Vec<Link>,
    /// Legal thresholds.
    pub legal: Vec<Assessment>,
    /// Sources of the trace that belong to it.
    pub sources: Vec<Source>,
    /// Operators told apart from owners.
    pub operators: Vec<Operator>,
    /// Findings by id.
    pub findings: Vec<String>,
    /// Actors that only exhibits can show, or that are missing without them.
    pub exhibits: Vec<Text>,
    /// What the records cannot tell, and which record would.
    pub cannot_tell: Vec<Text>,
    /// What to ask for next.
    pub requests: Vec<Text>,
}

/// One fraud case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FraudCase {
    /// Case number.
    pub case: String,
    /// Cards of the case used in it.
    pub cards: Vec<String>,
    /// Loss, yuan.
    #[serde(with = "money::as_text")]
    #[schemars(with = "String")]
    pub loss_cny: i64,
    /// When it was reported.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub reported_at: i64,
    /// The rows.
    pub evidence: Evidence,
}

/// The figures of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Cards opened.
    pub cards: u64,
    /// Distinct persons in whose names they were opened; of a leak, those harmed through it with a responsibility of .5 or more.
    pub persons: u64,
    /// Cards used in fraud cases.
    pub fraud_cards: u64,
    /// Fraud cases.
    pub fraud_cases: u64,
    /// Loss, yuan.
    #[serde(with = "money::as_text")]
    #[schemars(with = "String")]
    pub loss_cny: i64,
    /// First opening; of a leak, the start of its window.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub first: i64,
    /// Last opening; of a leak, the end of its window.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub last: i64,
}

/// All cases of one run: `case.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cases {
    /// Format version.
    pub format: String,
    /// The cases, most probable and largest first.
    pub cases: Vec<Case>,
    /// Sources that no case covers (say, a leaker of data whose cards are unknown).
    pub other_sources: Vec<Source>,
    /// Said when there is nothing to say.
    pub remarks: Vec<Text>,
}
