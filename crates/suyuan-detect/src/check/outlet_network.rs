//! At the counter after all: the rows come from the network of the account's own outlet.
//!
//! A network (the first three parts of an IPv4 address, the first four groups of an IPv6 one) is the outlet's when
//! its listed devices log in from there. Blind to: an outlet's network that is reached from outside.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "outlet_network",
    what: (
        "at the counter after all: on the network of the account's own outlet",
        "实为柜台办理：来自工号所属网点的网络",
    ),
    reads: &[Kind::Login],
    params: &[],
    build: |_, b| {
        Box::new(Network {
            slots: ON
                .iter()
                .map(|k| [b.slot(*k, "account"), b.slot(*k, "ip"), b.slot(*k, "device")])
                .collect(),
            known: KeySet::default(),
            rows: Vec::new(),
        })
    },
};

struct Network {
    slots: Vec<[Slot; 3]>,
    /// Outlet and network.
    known: KeySet,
    rows: Vec<(usize, Key)>,
}

fn network(ip: &str) -> Key {
    let part = match ip.rfind('.') {
        Some(at) => &ip[..at],
        None => ip.match_indices(':').nth(3).map_or(ip, |(at, _)| &ip[..at]),
    };
    Key::of(part)
}

impl Network {
    fn key(&self, row: &Row<'_>, refs: &Registry) -> Option<(Key, Key)> {
        let at = ON.iter().position(|k| *k == row.kind())?;
        let staff = refs.staff.at(row.key(self.slots[at][0])?, row.ts)?;
        let outlet = Key::of(&staff.outlet);
        Some((outlet, outlet.and(network(row.text(self.slots[at][1])?))))
    }
}

impl Check for Network {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if let Some((_, k)) = self.key(row, refs) {
            self.rows.push((n, k));
        }
    }
    fn other(&mut self, row: &Row<'_>, refs: &Registry) {
        let Some((outlet, k)) = self.key(row, refs) else { return };
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let device = row.key(self.slots[at][2]).and_then(|d| refs.terminals.at(d, row.ts));
        if device.and_then(|t| t.outlet.as_deref()).map(Key::of) == Some(outlet) {
            self.known.insert(k);
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.rows.iter().filter(|r| r.0 == n && self.known.contains(&r.1)).count() as u64
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let rows: Vec<Key> = self.rows.iter().filter(|r| r.0 == n).map(|r| r.1).collect();
        if rows.is_empty() {
            return (Outcome::NotCheckable, Text::new("the rows name no address", "记录中没有网络地址"));
        }
        let home = rows.iter().filter(|k| self.known.contains(k)).count();
        let text = Text::new(
            format!("{home} of {} rows come from the network of the account's own outlet", rows.len()),
            format!("{}条记录中{home}条来自工号所属网点的网络", rows.len()),
        );
        (share(home as u64, rows.len() as u64), text)
    }
}
