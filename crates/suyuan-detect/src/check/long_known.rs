//! The account's own second device or address, used by it for long.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "long_known",
    what: ("the account's own second device or address, known for long", "本工号长期使用的另一终端或地址"),
    reads: ON,
    params: &[
        ParamDef { name: "of", ty: ParamTy::Word(&["device", "ip"]), default: "device" },
        ParamDef { name: "days", ty: ParamTy::Int, default: "30" },
    ],
    build: |p, b| {
        let of = if p.get("of") == "ip" { "ip" } else { "device" };
        Box::new(Known {
            slots: ON.iter().map(|k| (b.slot(*k, "account"), b.slot(*k, of))).collect(),
            days: p.int("days"),
            first: KeyMap::default(),
            tally: Tally::default(),
        })
    },
};

struct Known {
    slots: Vec<(Slot, Slot)>,
    days: i64,
    first: KeyMap<i64>,
    tally: Tally,
}

impl Known {
    fn key(&self, row: &Row<'_>) -> Option<Key> {
        let at = ON.iter().position(|k| *k == row.kind())?;
        Some(row.key(self.slots[at].0)?.and(row.key(self.slots[at].1)?))
    }
}

impl Check for Known {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if let Some(k) = self.key(row) {
            let known = self.first.get(&k).is_some_and(|t| row.ts - t >= self.days * DAY);
            self.tally.row(n, known);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if let Some(k) = self.key(row) {
            self.first.entry(k).or_insert(row.ts);
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let how = (
            format!("use one that this account had used for {} days before", self.days),
            format!("条所用者本工号此前已使用{}天以上", self.days),
        );
        self.tally.outcome(n, ("rows", "条记录"), (&how.0, &how.1))
    }
}
