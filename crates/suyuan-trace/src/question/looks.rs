//! What accounts under suspicion looked up: read once, for whoever asks on which devices they did, whom, and when.
//!
//! Most accounts are only counted; the look-ups of those that may be a source are wanted one by one, more than once.
//!
//! Always holds: an account is read once at most.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{RowSource, ScanError};

use crate::facts::{Bar, Facts, Row, row, scan_picked};
use crate::intern::{Id, Interner};
use crate::prints::{Print, Sieve};

/// One look-up of an account under suspicion.
#[derive(Clone, Copy)]
pub struct Look {
    pub row: Row,
    /// The person looked up, where one is named.
    pub person: Option<Print>,
    pub device: Id,
    pub network: Id,
}

/// The look-ups read so far.
#[derive(Default)]
pub struct Looks {
    by: BTreeMap<Id, Vec<Look>>,
    /// Names of devices, networks and sources.
    names: Interner,
}

impl Looks {
    /// Reads those of these accounts that were not read before.
    pub fn read(
        &mut self,
        f: &Facts,
        source: &dyn RowSource,
        accounts: impl Iterator<Item = Id>,
        bar: &mut Bar<'_>,
    ) -> Result<(), ScanError> {
        let new: BTreeSet<Id> = accounts.filter(|a| !self.by.contains_key(a)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.by.extend(new.iter().map(|a| (*a, Vec::new())));
        let asked = Sieve::of(new.iter().map(|id| (Print::of(f.name(*id)), *id)).collect());
        let (by, names) = (&mut self.by, &mut self.names);
        let columns = ["account", "subject", "device", "ip", "result"];
        let texts = new.iter().map(|a| f.name(*a).to_owned()).collect();
        scan_picked(source, (Kind::Access, "account"), texts, &columns, bar, |batch, rows| {
            let c = AccessColumns::bind(batch);
            for i in rows {
                let account = c.account.get(i).and_then(|a| asked.find(Print::of(a)));
                if let Some(account) = account.filter(|_| c.result.get(i) != Some("denied")) {
                    let row = row(&c.key, names, Kind::Access, i);
                    let person = c.subject.get(i).map(Print::of);
                    let (device, network) = (names.id(c.device.get(i)), names.id(c.ip.get(i).map(network)));
                    by.entry(account).or_default().push(Look { row, person, device, network });
                }
            }
        })
    }

    /// The look-ups of an account that was read, in order; their names are not those of the facts yet.
    pub fn of(&self, account: Id) -> &[Look] {
        self.by.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The look-ups of all accounts read, with the names of the facts.
    pub fn named(self, f: &mut Facts) -> BTreeMap<Id, Vec<Look>> {
        let (mut by, names) = (self.by, self.names);
        let known: Vec<Id> = (0..names.len()).map(|i| f.names.id(Some(names.get(i)))).collect();
        let name = |id: &mut Id| *id = known.get(*id as usize).copied().unwrap_or(*id);
        for look in by.values_mut().flatten() {
            name(&mut look.row.source);
            name(&mut look.device);
            name(&mut look.network);
        }
        by
    }
}

/// The first half of an address: the network, not the lease of the day.
fn network(ip: &str) -> &str {
    let by = if ip.contains(':') { ':' } else { '.' };
    ip.match_indices(by).nth(1).map_or(ip, |(at, _)| &ip[..at])
}
