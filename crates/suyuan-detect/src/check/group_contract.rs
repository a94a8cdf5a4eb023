//! A group contract: the openings name an order of the kind `group_contract`.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "group_contract",
    what: ("openings under a group contract", "集团合同批量入网"),
    reads: &[Kind::WorkOrder],
    params: &[],
    build: |_, b| {
        Box::new(Contract {
            order: b.slot(Kind::Opening, "order"),
            w_order: b.slot(Kind::WorkOrder, "order"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            contracts: KeySet::default(),
            rows: Vec::new(),
        })
    },
};

struct Contract {
    order: Slot,
    w_order: Slot,
    w_kind: Slot,
    contracts: KeySet,
    rows: Vec<(usize, Option<Key>)>,
}

impl Check for Contract {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            self.rows.push((n, row.key(self.order)));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::WorkOrder
            && row.text(self.w_kind) == Some("group_contract")
            && let Some(o) = row.key(self.w_order)
        {
            self.contracts.insert(o);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let rows: Vec<_> = self.rows.iter().filter(|r| r.0 == n).collect();
        if rows.is_empty() {
            return (Outcome::NotCheckable, Text::new("no openings to look at", "没有可核查的开卡记录"));
        }
        let covered = rows.iter().filter(|r| r.1.is_some_and(|o| self.contracts.contains(&o))).count();
        let text = Text::new(
            format!("{covered} of {} openings name a group contract", rows.len()),
            format!("{}笔开卡中{covered}笔列有集团合同", rows.len()),
        );
        (share(covered as u64, rows.len() as u64), text)
    }
}
