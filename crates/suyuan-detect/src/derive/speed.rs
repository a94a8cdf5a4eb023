//! How fast an account would have had to travel since its last login.
//!
//! Places are the login's coordinates, else the seat of its region. Two logins within a minute count as a minute apart,
//! so that clocks a few seconds apart do not make speeds.

use suyuan_model::Kind;
use suyuan_model::geo::distance_km;
use suyuan_model::region;
use suyuan_model::time::{DAY, HOUR, SECOND};

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// Beyond, any two places in the country are within reach.
const MEMORY: i64 = 2 * DAY;

pub(crate) static SPEC: Spec = Spec {
    name: "speed",
    what: ("speed of travel implied by two logins of an account", "同一工号两次登录所需的移动速度"),
    on: &[Kind::Login],
    observes: &[Kind::Login],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Speed {
            account: b.slot(Kind::Login, "account"),
            lat: b.slot(Kind::Login, "lat"),
            lon: b.slot(Kind::Login, "lon"),
            region: b.slot(Kind::Login, "region6"),
            result: b.slot(Kind::Login, "result"),
            last: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def(
            "speed_kmh",
            Ty::Real,
            "implied speed since the last login, km/h",
            "距上次登录的移动速度（公里/时）",
        ),
        def("speed_km", Ty::Real, "distance to the last login, km", "距上次登录地公里数"),
    ]
}

struct Speed {
    account: Slot,
    lat: Slot,
    lon: Slot,
    region: Slot,
    result: Slot,
    last: Table<(i64, (f64, f64))>,
}

impl Speed {
    fn place(&self, row: &Row<'_>) -> Option<(f64, f64)> {
        if row.kind() != Kind::Login || row.text(self.result).is_some_and(|r| r != "ok") {
            return None;
        }
        row.real(self.lat).zip(row.real(self.lon)).or_else(|| region::centre(row.text(self.region)?))
    }
}

saved!(Speed, tables: [last]);

impl Operator for Speed {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let (Some(account), Some(place)) = (row.key(self.account), self.place(row)) else { return };
        let Some((ts, before)) = self.last.get(&account).filter(|l| row.ts - l.0 <= MEMORY) else { return };
        let km = distance_km(*before, place);
        let hours = (row.ts - ts).max(60 * SECOND) as f64 / HOUR as f64;
        out[0] = Val::Real(km / hours);
        out[1] = Val::Real(km);
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if let (Some(account), Some(place)) = (row.key(self.account), self.place(row)) {
            self.last.insert(account, (row.ts, place));
        }
    }
    fn expire(&mut self, now: i64) {
        self.last.retain(|_, l| now - l.0 <= MEMORY);
    }
}
