//! A franchise: the outlets concerned belong to one agent, or the carrier's own shops lend each other staff and devices.
//!
//! Compares the agent of the account's outlet, of the device's outlet and of the opening's outlet, as far as known.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::hash::Key;
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "one_agent",
    what: ("a franchise: all outlets concerned belong to one agent", "连锁经营：相关网点同属一家代理商"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(OneAgent {
            account: b.slot(Kind::Opening, "account"),
            device: b.slot(Kind::Opening, "device"),
            outlet: b.slot(Kind::Opening, "outlet"),
            tally: Tally::default(),
        })
    },
};

struct OneAgent {
    account: Slot,
    device: Slot,
    outlet: Slot,
    tally: Tally,
}

impl Check for OneAgent {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let agent = |outlet: Option<Key>| {
            refs.outlets.at(outlet?, row.ts).map(|o| o.agent.as_deref().map_or(Key(1), Key::of))
        };
        let staff = row.key(self.account).and_then(|a| refs.staff.at(a, row.ts));
        let terminal = row.key(self.device).and_then(|d| refs.terminals.at(d, row.ts));
        let agents: Vec<Key> = [
            row.key(self.outlet),
            staff.map(|s| Key::of(&s.outlet)),
            terminal.and_then(|t| t.outlet.as_deref()).map(Key::of),
        ]
        .into_iter()
        .filter_map(agent)
        .collect();
        if agents.len() >= 2 {
            self.tally.row(n, agents.iter().all(|a| *a == agents[0]));
        }
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("openings", "笔开卡"),
            ("concern outlets of one agent only", "笔所涉网点同属一家代理商"),
        )
    }
}
