//! What really happened, for scoring. It goes to its own folder; no part of the product opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::error::SimError;

/// The truth of a world.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Truth {
    /// World, size and seed.
    pub world: String,
    /// Its size.
    pub size: String,
    /// Its seed.
    pub seed: u64,
    /// First and last day.
    pub days: [String; 2],
    /// Rings.
    pub rings: Vec<RingTruth>,
    /// Leakers.
    pub leakers: Vec<LeakerTruth>,
    /// Background fraud: cards of honest outlets that were later used in fraud.
    pub background_fraud_cards: Vec<String>,
    /// Honest look-alikes by kind: the ids they were planted with.
    pub lookalikes: BTreeMap<&'static str, BTreeSet<String>>,
    /// Rows by kind.
    pub rows: BTreeMap<&'static str, u64>,
}

/// A ring.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RingTruth {
    /// Its name.
    pub id: String,
    /// Its scheme.
    pub kind: String,
    /// Accounts misused.
    pub accounts: Vec<String>,
    /// Devices of the operators.
    pub devices: Vec<String>,
    /// Collectors of identities.
    pub collectors: Vec<String>,
    /// Accounts that sold identities.
    pub sellers: Vec<String>,
    /// The outlet.
    pub outlet: String,
    /// Other outlets through which it opened.
    pub other_outlets: Vec<String>,
    /// The agent company.
    pub agent: Option<String>,
    /// Parties of the investigation: id, role, and the account, collector or device that is theirs.
    pub parties: Vec<PartyTruth>,
    /// All cards opened.
    pub cards: Vec<String>,
    /// Identities used.
    pub persons: Vec<String>,
    /// Of them bought.
    pub bought: Vec<String>,
    /// Cards used in fraud.
    pub fraud_cards: Vec<String>,
    /// Fraud cases.
    pub fraud_cases: Vec<String>,
    /// Loss in all, fen.
    pub loss_fen: i64,
    /// First and last day of an opening.
    pub window: [String; 2],
}

/// A party of a ring.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PartyTruth {
    /// Its id.
    pub party: String,
    /// Its role.
    pub role: &'static str,
    /// Its traces in the records.
    pub traces: Vec<String>,
}

/// A leaker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LeakerTruth {
    /// The name.
    pub id: String,
    /// The scheme.
    pub kind: String,
    /// The account.
    pub account: String,
    /// Persons looked up for sale.
    pub persons: Vec<String>,
    /// Of them those who became known victims.
    pub victims: Vec<String>,
    /// First and last day of the leak.
    pub window: [String; 2],
    /// Cards taken over.
    pub cards: Vec<String>,
}

impl Truth {
    /// Notes a look-alike.
    pub fn lookalike(&mut self, kind: &'static str, id: impl Into<String>) {
        self.lookalikes.entry(kind).or_default().insert(id.into());
    }

    /// Writes `truth.json`.
    pub fn write(&self, dir: &Path) -> Result<(), SimError> {
        std::fs::create_dir_all(dir).map_err(SimError::write(dir))?;
        let path = dir.join("truth.json");
        let text = serde_json::to_string_pretty(self).expect("plain data");
        std::fs::write(&path, text).map_err(SimError::write(&path))
    }
}
