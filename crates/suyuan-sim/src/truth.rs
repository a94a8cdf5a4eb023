//! What really happened, for scoring. It goes to its own folder; no part of the product opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::error::SimError;
use crate::world::RingKind;

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
    /// All of them and the small planted groups by scheme, in one form.
    pub groups: Vec<GroupTruth>,
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

/// Those who run a scheme and what they used: what a detector should find, in one form for rings, leakers
/// and small groups.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GroupTruth {
    /// Its name.
    pub id: String,
    /// The schemes of the catalogue that it shows.
    pub schemes: Vec<&'static str>,
    /// Accounts.
    pub accounts: BTreeSet<String>,
    /// Devices at the counter.
    pub devices: BTreeSet<String>,
    /// Cards opened, used or taken over.
    pub cards: BTreeSet<String>,
    /// Outlets.
    pub outlets: BTreeSet<String>,
    /// Agent companies.
    pub agents: BTreeSet<String>,
    /// Identity and mobile numbers of the persons concerned.
    pub subjects: BTreeSet<String>,
    /// Other ids: IMEIs, faces, backgrounds, payees.
    pub others: BTreeSet<String>,
    /// First act, RFC 3339.
    pub first: String,
    /// Last act.
    pub last: String,
}

impl GroupTruth {
    /// Widens the time so that it holds an instant.
    pub(crate) fn at(&mut self, ts: i64) {
        let mut text = Vec::new();
        crate::rows::put_time(&mut text, ts);
        let text = String::from_utf8(text).expect("digits and signs");
        if self.first.is_empty() || text < self.first {
            self.first.clone_from(&text);
        }
        if text > self.last {
            self.last = text;
        }
    }
}

impl RingTruth {
    /// The ring as a group.
    pub(crate) fn group(&self, kind: RingKind, first: i64, last: i64) -> GroupTruth {
        let own = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
        let mut group = GroupTruth {
            id: self.id.clone(),
            schemes: kind.schemes().to_vec(),
            accounts: own(&self.accounts),
            devices: own(&self.devices),
            cards: own(&self.cards),
            outlets: own(&self.other_outlets),
            agents: self.agent.iter().cloned().collect(),
            subjects: own(&self.persons),
            others: own(&[&self.collectors[..], &self.sellers[..]].concat()),
            ..GroupTruth::default()
        };
        group.outlets.insert(self.outlet.clone());
        group.at(first);
        group.at(last);
        group
    }
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
