//! Declared place, measured place and the outlet's place against each other.
//!
//! The measured place of an opening is its cell's region, of a login the region of its address. Distances are between
//! the seats of counties, so below some 30 km they say little; provinces are exact.
//! Blind to: addresses of a network's exit, which lie where the exit is.

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, other_province, regions_km};
use crate::state::saved;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "places",
    what: ("declared, measured and outlet's place against each other", "申报地、实测地与网点所在地的比对"),
    on: &[Kind::Opening, Kind::Login],
    observes: &[],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Places {
            declared: b.slot(Kind::Opening, "region6"),
            cell: b.slot(Kind::Opening, "cell_region6"),
            outlet: b.slot(Kind::Opening, "outlet"),
            opener: b.slot(Kind::Opening, "account"),
            login: b.slot(Kind::Login, "region6"),
            account: b.slot(Kind::Login, "account"),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def(
            "away_other_province",
            Ty::Bool,
            "measured in another province than the outlet",
            "实测位置与网点不同省",
        ),
        def("away_km", Ty::Real, "measured place to outlet, km", "实测位置距网点公里数"),
        def(
            "declared_other_province",
            Ty::Bool,
            "declared in another province than measured",
            "申报位置与实测位置不同省",
        ),
        def("declared_km", Ty::Real, "declared place to measured place, km", "申报位置距实测位置公里数"),
    ]
}

struct Places {
    declared: Slot,
    cell: Slot,
    outlet: Slot,
    opener: Slot,
    login: Slot,
    account: Slot,
}

saved!(Places);

impl Operator for Places {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let (measured, account) = match row.kind() {
            Kind::Opening => (row.text(self.cell), self.opener),
            Kind::Login => (row.text(self.login), self.account),
            _ => return,
        };
        let Some(measured) = measured else { return };
        let outlet = (row.kind() == Kind::Opening)
            .then(|| row.text(self.outlet))
            .flatten()
            .and_then(|o| refs.outlets.at(Key::of(o), row.ts))
            .and_then(|o| o.region6.as_deref());
        let home = outlet.or_else(|| refs.region_of(row.key(account)?, row.ts));
        if let Some(home) = home {
            out[0] = other_province(home, measured).into();
            out[1] = regions_km(home, measured).into();
        }
        if let Some(declared) = (row.kind() == Kind::Opening).then(|| row.text(self.declared)).flatten() {
            out[2] = other_province(declared, measured).into();
            out[3] = regions_km(declared, measured).into();
        }
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
