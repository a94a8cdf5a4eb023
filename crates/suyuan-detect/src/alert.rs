//! Alerts: the moments at which a rule spoke, and what changes when rows come late.
//!
//! An alert's id is a hash of rule, rule text, group and triggering row, so the same rows give the same ids in every
//! run, in history and live. Findings gather the alerts about one entity; see [`crate::detect`].

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_model::outcome::{Entity, Level};
use suyuan_model::{RowRef, time};

use crate::hash::Key;
use crate::rule::Rule;

/// A rule spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Deterministic: a hash of rule, its text, group and triggering row.
    pub id: String,
    /// The rule.
    pub rule: Arc<str>,
    /// SHA-256 of the rule's text, first 16 hex digits.
    pub rule_hash: Arc<str>,
    /// Severity.
    pub level: Level,
    /// The rule is on trial: nobody is to be troubled.
    pub shadow: bool,
    /// Who asked not to be alerted about this entity for now, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
    /// Whom or what it is about.
    pub entity: Entity,
    /// When it held: the time of the triggering row, or the deadline that passed.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub at: i64,
    /// The row that made it hold; of a missing event, the row that it should have followed.
    pub trigger: RowRef,
    /// The value found: a count, a sum ...
    pub value: String,
    /// What it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Arc<str>>,
    /// The rows that made it, in the total order.
    pub rows: Vec<RowRef>,
}

/// What an alert carries beside its triggering row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing: for counting and comparing.
    Trigger,
    /// Every row that made it.
    Rows,
}

/// What late rows change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Correction {
    /// An alert that should have been given.
    Added {
        /// The alert.
        alert: Alert,
    },
    /// An alert that was given and should not have been.
    Retracted {
        /// Its id.
        id: String,
    },
    /// An alert that stands with other rows or another value.
    Revised {
        /// As it is now; its id is the same.
        alert: Alert,
    },
}

/// What turns the alerts given into those that should have been given, in the order of their ids.
pub fn corrections(given: &[Alert], right: &[Alert]) -> Vec<Correction> {
    let old: BTreeMap<&str, &Alert> = given.iter().map(|a| (a.id.as_str(), a)).collect();
    let new: BTreeMap<&str, &Alert> = right.iter().map(|a| (a.id.as_str(), a)).collect();
    let mut out: BTreeMap<&str, Correction> = BTreeMap::new();
    for (id, a) in &new {
        match old.get(id) {
            None => out.insert(id, Correction::Added { alert: (*a).clone() }),
            Some(o) if o != a => out.insert(id, Correction::Revised { alert: (*a).clone() }),
            Some(_) => None,
        };
    }
    for id in old.keys().filter(|id| !new.contains_key(*id)) {
        out.insert(id, Correction::Retracted { id: (*id).to_owned() });
    }
    out.into_values().collect()
}

/// The id that an alert of this rule, group and row has.
pub fn alert_id(rule: &Rule, group: Key, trigger: &RowRef) -> String {
    Ids::new(rule).of(group, trigger)
}

/// The ids of a rule's alerts: what they have in common is hashed once.
pub(crate) struct Ids(Sha256);

impl Ids {
    pub fn new(rule: &Rule) -> Ids {
        let mut h = Sha256::new();
        [rule.id.as_str(), rule.hash.as_str()].iter().for_each(|part| add(&mut h, part));
        Ids(h)
    }

    pub fn of(&self, group: Key, trigger: &RowRef) -> String {
        let mut h = self.0.clone();
        add(&mut h, trigger.kind.name());
        add(&mut h, &trigger.source);
        h.update(group.0.to_le_bytes());
        h.update(trigger.ts.to_le_bytes());
        h.update(trigger.seq.to_le_bytes());
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 20];
        for (two, byte) in digits.chunks_exact_mut(2).zip(h.finalize()) {
            two.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        String::from_utf8_lossy(&digits).into_owned()
    }
}

fn add(h: &mut Sha256, part: &str) {
    h.update((part.len() as u64).to_le_bytes());
    h.update(part.as_bytes());
}

/// The key of a group from the texts of its fields; `None` where one is absent. For those who compute alerts by other
/// means (SQL) and compare.
pub fn group_key(values: &[Option<GroupValue<'_>>]) -> Option<Key> {
    values.iter().try_fold(Key(1), |k, v| {
        Some(k.and(match v.as_ref()? {
            GroupValue::Text(t) => Key::of(t),
            GroupValue::Number(n) => Key::number(*n),
        }))
    })
}

/// One value of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupValue<'a> {
    /// A text or id.
    Text(&'a str),
    /// A whole number or a day.
    Number(i64),
}
