//! A new terminal, put on the asset list of the account's outlet some time after its first use.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "late_terminal",
    what: ("a new terminal, put on the asset list late", "新终端，资产清单登记较晚"),
    reads: &[],
    params: &[ParamDef { name: "within", ty: ParamTy::Span, default: "180d" }],
    build: |p, b| {
        Box::new(Late {
            account: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            device: ON.iter().map(|k| b.slot(*k, "device")).collect(),
            within: p.span("within"),
            tally: Tally::default(),
            lists: false,
        })
    },
};

struct Late {
    account: Vec<Slot>,
    device: Vec<Slot>,
    within: i64,
    tally: Tally,
    lists: bool,
}

impl Check for Late {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        self.lists = !refs.terminals.is_empty();
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let Some(device) = row.key(self.device[at]) else { return };
        if refs.terminals.at(device, row.ts).is_none() {
            let later =
                refs.terminals.next_after(device, row.ts).filter(|(from, _)| from - row.ts <= self.within);
            let home = row.key(self.account[at]).and_then(|a| refs.staff.at(a, row.ts)).map(|s| &*s.outlet);
            self.tally.row(n, later.is_some_and(|(_, t)| home.is_none() || t.outlet.as_deref() == home));
        }
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        if !self.lists {
            return (
                Outcome::NotCheckable,
                Text::new("the records hold no asset list", "记录中没有终端资产清单"),
            );
        }
        self.tally.outcome(
            n,
            ("rows on unlisted devices", "条清单外终端记录"),
            ("are on devices that the account's outlet listed later", "条所用终端其后由工号所属网点登记入册"),
        )
    }
}
