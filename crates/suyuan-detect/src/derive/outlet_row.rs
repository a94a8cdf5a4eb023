//! What the books say of an opening's outlet, and whose the device is.
//!
//! `outlet_visited` is asked of outlets that an agent runs, and only where the books name visits at all. `outlet_contract` likewise
//! with agency contracts. `device_other_agent`: the asset list gives the device to an outlet of another agent than the
//! account's (the carrier's own shops count as one).
//! Blind to: books that are wrong.

use std::sync::Arc;

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Outlet, Registry};
use crate::state::saved;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "outlet_row",
    what: (
        "what the books say of the outlet, and whose the device is",
        "网点登记情况（实地核查、合同）及终端归属",
    ),
    on: &[Kind::Opening],
    observes: &[],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(OutletRow {
            account: b.slot(Kind::Opening, "account"),
            device: b.slot(Kind::Opening, "device"),
            outlet: b.slot(Kind::Opening, "outlet"),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("outlet_known", Ty::Bool, "the outlet is in the books at that time", "网点当时在册"),
        def("outlet_agent", Ty::Text, "agent that runs the outlet", "网点代理商"),
        def("outlet_visited", Ty::Bool, "the agent's outlet was visited", "代理网点经过实地核查"),
        def("outlet_contract", Ty::Bool, "the agent's outlet has a contract", "代理网点有合同号"),
        def("device_other_agent", Ty::Bool, "the device belongs to another agent", "终端属于其他代理商"),
    ]
}

struct OutletRow {
    account: Slot,
    device: Slot,
    outlet: Slot,
}

fn agent(outlet: &Outlet) -> Option<&Arc<str>> {
    outlet.agent.as_ref()
}

saved!(OutletRow);

impl Operator for OutletRow {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening || refs.outlets.is_empty() {
            return;
        }
        let named = row.key(self.outlet);
        let outlet = named.and_then(|o| refs.outlets.at(o, row.ts));
        out[0] = named.map(|_| outlet.is_some()).into();
        if let Some(o) = outlet {
            out[1] = agent(o).cloned().into();
            if o.agent.is_some() {
                out[2] = refs.visits.then_some(o.visited_on.is_some()).into();
                out[3] = refs.contracts.then_some(o.contract).into();
            }
        }
        let staff = row.key(self.account).and_then(|a| refs.staff.at(a, row.ts));
        let terminal = row.key(self.device).and_then(|d| refs.terminals.at(d, row.ts));
        let own = staff.and_then(|s| refs.outlets.at(Key::of(&s.outlet), row.ts));
        let of = terminal.and_then(|t| refs.outlets.at(Key::of(t.outlet.as_deref()?), row.ts));
        out[4] = own.zip(of).map(|(a, b)| agent(a) != agent(b)).into();
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
