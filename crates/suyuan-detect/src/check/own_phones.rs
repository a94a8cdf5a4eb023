//! Customers who open in the app on their own telephones: hardly a device of the account serves more than two persons.
//!
//! Supported where the account stands for no one person: the staff list names no holder, it has at least a hundred devices,
//! and nine of ten of the finding's openings came from a device that opened cards for at most two persons.
//! Blind to: a gang that gives every card a telephone of its own, under such an account.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// Nobody works on so many devices.
const DEVICES: usize = 100;
/// A couple, or a parent and a child.
const PERSONS: usize = 2;

pub(crate) static SPEC: Spec = Spec {
    name: "own_phones",
    what: ("customers open in the app on their own telephones", "客户在应用内用本人手机自助办理"),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(OwnPhones {
            account: b.slot(Kind::Opening, "account"),
            device: b.slot(Kind::Opening, "device"),
            subject: b.slot(Kind::Opening, "subject"),
            devices: KeyMap::default(),
            persons: KeyMap::default(),
            held: KeySet::default(),
            rows: BTreeMap::new(),
        })
    },
};

struct OwnPhones {
    account: Slot,
    device: Slot,
    subject: Slot,
    /// Per account: its devices, no more than tell.
    devices: KeyMap<KeySet>,
    /// Per account and device: persons, no more than tell.
    persons: KeyMap<Vec<Key>>,
    /// Accounts with a holder.
    held: KeySet,
    /// Per finding: account, device.
    rows: BTreeMap<usize, Vec<(Key, Option<Key>)>>,
}

impl Check for OwnPhones {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some(account) = row.key(self.account) else { return };
        if refs.staff.at(account, row.ts).is_some_and(|s| s.holder.is_some()) {
            self.held.insert(account);
        }
        self.rows.entry(n).or_default().push((account, row.key(self.device)));
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((account, device)) = row.key(self.account).zip(row.key(self.device)) else { return };
        let own = self.devices.entry(account).or_default();
        if own.len() < DEVICES {
            own.insert(device);
        }
        let Some(subject) = row.key(self.subject) else { return };
        let list = self.persons.entry(account.and(device)).or_default();
        if list.len() <= PERSONS && !list.contains(&subject) {
            list.push(subject);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        for (account, device) in self.rows.get(&n).into_iter().flatten() {
            let many = self.devices.get(account).is_some_and(|d| d.len() >= DEVICES);
            let few =
                device.and_then(|d| self.persons.get(&account.and(d))).is_none_or(|p| p.len() <= PERSONS);
            tally.row(n, many && few && !self.held.contains(account));
        }
        tally.outcome(
            n,
            ("openings", "笔开卡"),
            (
                "came from a telephone that served one or two persons, under an account without a holder",
                "笔来自仅为一两人办理的手机，且该工号无持有人",
            ),
        )
    }
}
