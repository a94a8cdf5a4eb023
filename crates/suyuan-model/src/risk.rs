//! Risk by entity: what the findings add up to for one account, device, outlet, card or person.
//!
//! A line of `review.ndjson`. Like a finding it is a lead, not a verdict: being up for review means that a person
//! should look, because records of independent families speak of the same entity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{Entity, Family, Text};
use crate::time;

/// What the findings add up to for one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Risk {
    /// Whom or what it is about.
    pub entity: Entity,
    /// The highest sum over the families that it ever reached, nats.
    pub score: f64,
    /// The families that count, strongest first, each at its strongest finding.
    pub families: Vec<FamilyRisk>,
    /// Whether a person should look: enough independent families, and enough weight.
    pub review: bool,
    /// When that first held; none if never.
    #[serde(with = "time::as_text_or_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<i64>,
    /// How many entities, of all kinds and in whatever families, chance would bring as far, were the findings of each
    /// family dealt out anew; none where too few families stand.
    pub by_chance: Option<f64>,
    /// The findings that count, strongest first, with what each of them alone weighs.
    pub reasons: Vec<RiskReason>,
    /// In words.
    pub text: Text,
}

/// What one record family contributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyRisk {
    /// The family.
    pub family: Family,
    /// Its share in the score, nats.
    pub nats: f64,
    /// Whether it is strong enough to stand as one of the families that a review needs.
    pub stands: bool,
}

/// One finding's weight for one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskReason {
    /// The finding's id.
    pub finding: String,
    /// Its rule.
    pub rule: String,
    /// Its family.
    pub family: Family,
    /// Its weight before decay, nats.
    pub nats: f64,
    /// By how much explanations that the records support, though not decisive, lowered it, nats.
    #[serde(default)]
    pub lowered: f64,
    /// Whether the finding is about the entity itself; otherwise the entity is one of those involved.
    pub accused: bool,
}
