//! Sessions of one account open on two devices at once.
//!
//! A session lasts from its login to `until`; where the source gives no logout, for `idle` after the login.
//! Failed logins open nothing.

use suyuan_model::Kind;

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, other_province, regions_km};
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "overlap",
    what: ("sessions of one account open on two devices at once", "同一工号在两台终端上的会话重叠"),
    on: &[Kind::Login],
    observes: &[Kind::Login],
    params: &[ParamDef { name: "idle", ty: ParamTy::Span, default: "30m" }],
    fields,
    build: |p, b| {
        Box::new(Overlap {
            account: b.slot(Kind::Login, "account"),
            device: b.slot(Kind::Login, "device"),
            region: b.slot(Kind::Login, "region6"),
            result: b.slot(Kind::Login, "result"),
            until: b.slot(Kind::Login, "until"),
            idle: p.span("idle"),
            open: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def(
            "overlap",
            Ty::Bool,
            "another device has an open session of the account",
            "另一终端上有该工号的未结束会话",
        ),
        def("overlap_other_province", Ty::Bool, "and it is in another province", "且位于不同省份"),
        def("overlap_km", Ty::Real, "distance between the two, km", "两处相距公里数"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Session {
    device: Key,
    region: Option<String>,
    until: i64,
}

struct Overlap {
    account: Slot,
    device: Slot,
    region: Slot,
    result: Slot,
    until: Slot,
    idle: i64,
    open: Table<Vec<Session>>,
}

saved!(Overlap, tables: [open]);

impl Operator for Overlap {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Login || row.text(self.result).is_some_and(|r| r != "ok") {
            return;
        }
        let (Some(account), Some(device)) = (row.key(self.account), row.key(self.device)) else { return };
        out[0] = Val::Bool(false);
        let here = row.text(self.region);
        let open = self.open.get(&account).map_or(&[][..], Vec::as_slice);
        // The farthest of the open ones is the one that tells most.
        let mut farthest: Option<f64> = None;
        for s in open.iter().filter(|s| s.until > row.ts && s.device != device) {
            out[0] = Val::Bool(true);
            let Some((a, b)) = here.zip(s.region.as_deref()) else { continue };
            if let Some(other) = other_province(a, b)
                && out[1] != Val::Bool(true)
            {
                out[1] = Val::Bool(other);
            }
            if let Some(km) = regions_km(a, b) {
                farthest = Some(farthest.map_or(km, |f| f.max(km)));
            }
        }
        out[2] = farthest.into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Login || row.text(self.result).is_some_and(|r| r != "ok") {
            return;
        }
        let (Some(account), Some(device)) = (row.key(self.account), row.key(self.device)) else { return };
        let until = row.time(self.until).unwrap_or(row.ts + self.idle);
        let open = self.open.of(account);
        open.retain(|s| s.until > row.ts && s.device != device);
        open.push(Session { device, region: row.text(self.region).map(str::to_owned), until });
    }
    fn expire(&mut self, now: i64) {
        self.open.retain(|_, open| open.iter().any(|s| s.until > now));
    }
}
