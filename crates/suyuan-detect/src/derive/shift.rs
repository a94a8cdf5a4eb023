//! Whether the account's holder was off shift at that time.
//!
//! Half an hour before and after still counts as the shift: people come early and stay to close.
//! Unknown where the staff row names no shift or one that cannot be read.

use suyuan_model::Kind;
use suyuan_model::time::HOUR;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Row, Slot};

/// People come early and stay to close.
const GRACE: i64 = HOUR / 2;

const ON: &[Kind] = &[Kind::Login, Kind::Opening, Kind::Access, Kind::AccountChange];

pub(crate) static SPEC: Spec = Spec {
    name: "shift",
    what: ("whether the account's holder was off shift", "工号持有人是否不当班"),
    on: ON,
    observes: &[],
    params: &[],
    fields,
    build: |_, b| Box::new(OffShift(ON.iter().map(|k| b.slot(*k, "account")).collect())),
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![def("off_shift", Ty::Bool, "outside the holder's shift", "不在班次内")]
}

struct OffShift(Vec<Slot>);

saved!(OffShift);

impl Operator for OffShift {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let staff = row.key(self.0[at]).and_then(|a| refs.staff.at(a, row.ts));
        out[0] = staff
            .and_then(|s| s.shift.as_ref())
            .map(|s| ![-GRACE, 0, GRACE].iter().any(|d| s.covers(row.ts + d)))
            .into();
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
