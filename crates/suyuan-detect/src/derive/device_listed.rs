//! Whether the device stood on an asset list at that time, and on that of the account's outlet.
//!
//! Unknown where the records hold no asset list at all, or the row names no device.
//! Blind to: devices that are listed but were carried elsewhere.

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access, Kind::AccountChange];

pub(crate) static SPEC: Spec = Spec {
    name: "device_listed",
    what: (
        "whether the device is on an asset list, and on that of the account's outlet",
        "终端是否在资产清单上、是否属于工号所属网点",
    ),
    on: ON,
    observes: &[],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Listed(ON.iter().map(|k| (b.slot(*k, "account"), b.slot(*k, "device"))).collect()))
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("device_listed", Ty::Bool, "device on an asset list", "终端在资产清单上"),
        def(
            "device_at_outlet",
            Ty::Bool,
            "device on the list of the account's outlet",
            "终端属于工号所属网点",
        ),
    ]
}

struct Listed(Vec<(Slot, Slot)>);

saved!(Listed);

impl Operator for Listed {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let (account, device) = self.0[at];
        let Some(device) = row.key(device) else { return };
        if refs.terminals.is_empty() {
            return;
        }
        let terminal = refs.terminals.at(device, row.ts);
        out[0] = Val::Bool(terminal.is_some());
        let staff = row.key(account).and_then(|a| refs.staff.at(a, row.ts));
        if let Some(s) = staff {
            let here = terminal.and_then(|t| t.outlet.as_deref()).map(Key::of) == Some(Key::of(&s.outlet));
            out[1] = Val::Bool(here);
        }
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
