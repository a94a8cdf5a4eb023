//! Cards for machines: alarm devices, meters, trackers, sold under a tariff for things.
//!
//! Told from the tariff's name; a carrier that names its tariffs otherwise gets no answer from it.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const WORDS: &[&str] = &["iot", "m2m", "nb-", "物联", "报警", "表计", "车载", "行业卡", "机器"];

pub(crate) static SPEC: Spec = Spec {
    name: "machine_plan",
    what: ("cards for machines, under a tariff for them", "物联网等机器用卡"),
    reads: &[],
    params: &[],
    build: |_, b| Box::new(Machine { plan: b.slot(Kind::Opening, "plan"), tally: Tally::default() }),
};

struct Machine {
    plan: Slot,
    tally: Tally,
}

impl Check for Machine {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening
            && let Some(plan) = row.text(self.plan)
        {
            let plan = plan.to_lowercase();
            self.tally.row(n, WORDS.iter().any(|w| plan.contains(w)));
        }
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("cards", "张卡"),
            ("were sold under a tariff for machines", "张为物联网等机器类套餐"),
        )
    }
}
