//! Dense groups: people on the same few items.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counter, Entity, Evidence, Text, Window};

/// A kind of tie between people; ties of different kinds are independent records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// The outlet where cards were opened or identities taken.
    Counter,
    /// A device on no asset list, on which cards were opened or identities taken.
    Device,
    /// Who took the identity, other than the outlet's staff.
    Capture,
    /// A face, or a background seen at several outlets.
    Image,
    /// Address, contact or employer as declared.
    Home,
    /// A handset in which the cards were used.
    Use,
    /// Who was paid for the cards, other than the outlet's own agent.
    Money,
}

/// People (and their cards) on the same few items beyond what their activity explains: a dense group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Farm {
    /// Deterministic id.
    pub id: String,
    /// The kinds of ties that hold it together, sorted.
    pub ties: Vec<Tie>,
    /// What its members share, most members first.
    pub items: Vec<FarmItem>,
    /// Most probable first.
    pub members: Vec<FarmMember>,
    /// First and last touch of its items by its members.
    pub window: Window,
    /// People who touched an item of it and do not belong to it.
    pub others: u64,
    /// Rings with a card of it.
    pub rings: Vec<String>,
    /// What else could explain it, each checked.
    pub counter: Vec<Counter>,
    /// Whether an innocent explanation is supported by the records.
    pub explained: bool,
    /// What it cannot tell apart.
    pub cannot_tell: Text,
}

/// Something that the members of a farm share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FarmItem {
    /// What it is.
    pub entity: Entity,
    /// How it ties.
    pub tie: Tie,
    /// Members who touched it.
    pub members: u64,
    /// All people who touched it in these days.
    pub people: u64,
}

/// A person of a farm, with evidence of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FarmMember {
    /// The person, by token.
    pub person: Entity,
    /// Cards opened in their name in these days or before, sorted.
    pub cards: Vec<String>,
    /// That they belong to the group, given that it is one; not that they did anything.
    pub probability: f64,
    /// Days on which they touched its items.
    pub occasions: u64,
    /// How many their activity explains.
    pub expected: f64,
    /// These touches.
    pub evidence: Evidence,
}
