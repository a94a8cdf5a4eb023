//! How long ago a device or address was first seen, in all or with this account.
//!
//! Seen in logins, openings and accesses. What was silent for 400 days counts as new. `<as>_history_s` says for how
//! long the account itself has been seen: without history everything is new, and a rule should say so.

use suyuan_model::Kind;
use suyuan_model::time::{DAY, SECOND};

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access];
/// A device unused for longer than a year is as good as new.
const MEMORY: i64 = 400 * DAY;

pub(crate) static SPEC: Spec = Spec {
    name: "first_seen",
    what: (
        "how long ago a device or address was first seen, in all or with this account",
        "终端或地址首次出现距今多久（全部或本工号）",
    ),
    on: ON,
    observes: ON,
    params: &[
        ParamDef { name: "of", ty: ParamTy::Word(&["device", "ip"]), default: "device" },
        ParamDef { name: "by", ty: ParamTy::Word(&["all", "account"]), default: "all" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "device" },
    ],
    fields,
    build: |p, b| {
        let of = if p.get("of") == "ip" { "ip" } else { "device" };
        Box::new(FirstSeen {
            slots: ON.iter().map(|k| (b.slot(*k, "account"), b.slot(*k, of))).collect(),
            by_account: p.get("by") == "account",
            seen: Table::default(),
            accounts: Table::default(),
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    let name = p.get("as");
    let (en, zh) = if p.get("of") == "ip" { ("address", "地址") } else { ("device", "终端") };
    vec![
        def(
            &format!("{name}_age_s"),
            Ty::Int,
            &format!("seconds since this {en} was first seen"),
            &format!("{zh}首次出现至今秒数"),
        ),
        def(
            &format!("{name}_history_s"),
            Ty::Int,
            "seconds since the account was first seen",
            "工号首次出现至今秒数",
        ),
    ]
}

struct FirstSeen {
    slots: Vec<(Slot, Slot)>,
    by_account: bool,
    /// First and last sight.
    seen: Table<(i64, i64)>,
    accounts: Table<(i64, i64)>,
}

impl FirstSeen {
    fn keys(&self, row: &Row<'_>) -> (Option<Key>, Option<Key>) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return (None, None) };
        let (account, value) = (row.key(self.slots[at].0), row.key(self.slots[at].1));
        let value = if self.by_account { value.zip(account).map(|(v, a)| v.and(a)) } else { value };
        (account, value)
    }
}

fn age(map: &Table<(i64, i64)>, key: Key, ts: i64) -> i64 {
    match map.get(&key) {
        Some((first, last)) if ts - last <= MEMORY => (ts - first) / SECOND,
        _ => 0,
    }
}

fn see(map: &mut Table<(i64, i64)>, key: Key, ts: i64) {
    let e = map.or_insert_with(key, || (ts, ts));
    if ts - e.1 > MEMORY {
        e.0 = ts;
    }
    e.1 = ts;
}

saved!(FirstSeen, tables: [seen, accounts]);

impl Operator for FirstSeen {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let (account, value) = self.keys(row);
        out[0] = value.map(|v| age(&self.seen, v, row.ts)).into();
        out[1] = account.map(|a| age(&self.accounts, a, row.ts)).into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        let (account, value) = self.keys(row);
        if let Some(v) = value {
            see(&mut self.seen, v, row.ts);
        }
        if let Some(a) = account {
            see(&mut self.accounts, a, row.ts);
        }
    }
    fn expire(&mut self, now: i64) {
        self.seen.retain(|_, v| now - v.1 <= MEMORY);
        self.accounts.retain(|_, v| now - v.1 <= MEMORY);
    }
}
