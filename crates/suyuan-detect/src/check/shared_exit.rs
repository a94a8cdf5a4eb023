//! A network's common exit (VPN, proxy, carrier NAT): many accounts of many outlets share the address.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, share};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "shared_exit",
    what: (
        "a common exit of the network (VPN, proxy) that many accounts share",
        "多工号共用的网络出口（VPN、代理）",
    ),
    reads: &[Kind::Login, Kind::Access],
    params: &[ParamDef { name: "accounts", ty: ParamTy::Int, default: "5" }],
    build: |p, b| {
        Box::new(Shared {
            slots: ON.iter().map(|k| (b.slot(*k, "account"), b.slot(*k, "ip"))).collect(),
            least: p.int("accounts").max(2) as usize,
            users: KeyMap::default(),
            asked: KeyMap::default(),
        })
    },
};

struct Shared {
    slots: Vec<(Slot, Slot)>,
    least: usize,
    users: KeyMap<KeySet>,
    /// Per finding: address of each row, with how many rows.
    asked: KeyMap<Vec<(Key, u64)>>,
}

impl Check for Shared {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let Some(ip) = row.key(self.slots[at].1) else { return };
        let list = self.asked.entry(Key::number(n as i64)).or_default();
        match list.iter_mut().find(|x| x.0 == ip) {
            Some(x) => x.1 += 1,
            None => list.push((ip, 1)),
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        if let (Some(a), Some(ip)) = (row.key(self.slots[at].0), row.key(self.slots[at].1)) {
            let users = self.users.entry(ip).or_default();
            if users.len() < self.least {
                users.insert(a);
            }
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let Some(list) = self.asked.get(&Key::number(n as i64)) else {
            return (Outcome::NotCheckable, Text::new("the rows name no address", "记录中没有网络地址"));
        };
        let all: u64 = list.iter().map(|x| x.1).sum();
        let shared: u64 = list
            .iter()
            .filter(|x| self.users.get(&x.0).is_some_and(|u| u.len() >= self.least))
            .map(|x| x.1)
            .sum();
        let text = Text::new(
            format!("{shared} of {all} rows come from an address that at least {} accounts use", self.least),
            format!("{all}条记录中{shared}条来自至少{}个工号共用的地址", self.least),
        );
        (share(shared, all), text)
    }
}
