//! Help by telephone, booked afterwards: an order about the person within days of the look-up.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::KeyMap;
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Access, Kind::Opening];

pub(crate) static SPEC: Spec = Spec {
    name: "late_order",
    what: ("a request that was booked afterwards", "事后补登的工单"),
    reads: &[Kind::WorkOrder],
    params: &[ParamDef { name: "within", ty: ParamTy::Span, default: "3d" }],
    build: |p, b| {
        Box::new(Late {
            subject: ON.iter().map(|k| b.slot(*k, "subject")).collect(),
            w_subject: b.slot(Kind::WorkOrder, "subject"),
            within: p.span("within"),
            waiting: KeyMap::default(),
            tally: Tally::default(),
            any: false,
        })
    },
};

struct Late {
    subject: Vec<Slot>,
    w_subject: Slot,
    within: i64,
    /// Per person: findings and when.
    waiting: KeyMap<Vec<(usize, i64)>>,
    tally: Tally,
    any: bool,
}

impl Check for Late {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        if let Some(s) = row.key(self.subject[at]) {
            self.tally.row(n, false);
            self.waiting.entry(s).or_default().push((n, row.ts));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::WorkOrder {
            return;
        }
        self.any = true;
        let Some(s) = row.key(self.w_subject) else { return };
        for (n, ts) in self.waiting.remove(&s).unwrap_or_default() {
            if row.ts - ts <= self.within {
                self.tally.explain(n);
            }
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        if !self.any {
            return (Outcome::NotCheckable, Text::new("the records hold no work orders", "记录中没有工单"));
        }
        self.tally.outcome(
            n,
            ("rows about a person", "条涉及个人的记录"),
            ("are followed by an order about that person", "条其后有该人的工单"),
        )
    }
}
