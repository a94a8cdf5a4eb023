//! Two devices of one outlet in use at once: counter and handheld, or the change of shifts.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::hash::Key;
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "handover",
    what: ("two devices of the account's own outlet, or a change of shifts", "本网点两台终端并用，或交接班"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(Handover {
            account: b.slot(Kind::Login, "account"),
            device: b.slot(Kind::Login, "device"),
            tally: Tally::default(),
        })
    },
};

struct Handover {
    account: Slot,
    device: Slot,
    tally: Tally,
}

impl Check for Handover {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if row.kind() != Kind::Login || refs.terminals.is_empty() {
            return;
        }
        let Some(staff) = row.key(self.account).and_then(|a| refs.staff.at(a, row.ts)) else { return };
        let device = row.key(self.device).and_then(|d| refs.terminals.at(d, row.ts));
        let home = device.and_then(|t| t.outlet.as_deref()).map(Key::of);
        self.tally.row(n, home == Some(Key::of(&staff.outlet)));
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("logins", "次登录"),
            ("are on devices of the account's own outlet", "次使用工号所属网点的终端"),
        )
    }
}
