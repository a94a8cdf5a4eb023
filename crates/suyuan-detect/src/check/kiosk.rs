//! A self-service machine: the device stands on the asset list as a kiosk, so nobody need be there.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Opening, Kind::Login, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "kiosk",
    what: ("a self-service machine", "自助终端办理"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(Kiosk { device: ON.iter().map(|k| b.slot(*k, "device")).collect(), tally: Tally::default() })
    },
};

struct Kiosk {
    device: Vec<Slot>,
    tally: Tally,
}

impl Check for Kiosk {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        if refs.terminals.is_empty() {
            return;
        }
        let terminal = row.key(self.device[at]).and_then(|d| refs.terminals.at(d, row.ts));
        self.tally.row(n, terminal.is_some_and(|t| t.kiosk));
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(n, ("rows", "条记录"), ("are of a self-service machine", "条来自自助终端"))
    }
}
