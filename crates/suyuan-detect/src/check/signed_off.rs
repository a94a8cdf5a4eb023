//! An approved change: it names an order, or another account approved it.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "signed_off",
    what: ("an approved change or export", "经审批的变更或导出"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(SignedOff {
            account: b.slot(Kind::AccountChange, "account"),
            order: b.slot(Kind::AccountChange, "order"),
            approver: b.slot(Kind::AccountChange, "approver"),
            a_order: b.slot(Kind::Access, "order"),
            o_order: b.slot(Kind::Opening, "order"),
            c_order: b.slot(Kind::CardChange, "order"),
            tally: Tally::default(),
        })
    },
};

struct SignedOff {
    account: Slot,
    order: Slot,
    approver: Slot,
    a_order: Slot,
    o_order: Slot,
    c_order: Slot,
    tally: Tally,
}

impl Check for SignedOff {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::AccountChange => {
                let other = row.key(self.approver).is_some_and(|a| Some(a) != row.key(self.account));
                self.tally.row(n, other || row.key(self.order).is_some());
            }
            Kind::Access => self.tally.row(n, row.key(self.a_order).is_some()),
            Kind::Opening => self.tally.row(n, row.key(self.o_order).is_some()),
            Kind::CardChange => self.tally.row(n, row.key(self.c_order).is_some()),
            _ => {}
        }
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("rows", "条记录"),
            ("name an order or another approver", "条列有工单或他人审批"),
        )
    }
}
