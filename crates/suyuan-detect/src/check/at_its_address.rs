//! The shop is where its address is: within the finding's time most of its openings with a measured place were made there.
//!
//! Supported where at least half of them lie within `km` of the outlet's coordinates, and ten at least; excluded where fewer than a
//! tenth do. Days count as a whole, from the finding's first to its last.
//! Blind to: positions that are typed in or made up; whoever opens elsewhere under the name of a shop that exists, which other
//! rules tell.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::geo::distance_km;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::china_day;

use super::{About, Check, Spec};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// A shop that exists shows so by as many openings.
const FEWEST: u64 = 10;

pub(crate) static SPEC: Spec = Spec {
    name: "at_its_address",
    what: (
        "the shop is there: most of its openings were made at its address",
        "网点确在登记地址：其多数开卡在该处办理",
    ),
    reads: &[Kind::Opening],
    params: &[ParamDef { name: "km", ty: ParamTy::Int, default: "5" }],
    build: |p, b| {
        Box::new(There {
            outlet: b.slot(Kind::Opening, "outlet"),
            source: b.slot(Kind::Opening, "gps_source"),
            point: (b.slot(Kind::Opening, "lat"), b.slot(Kind::Opening, "lon")),
            km: p.int("km") as f64,
            days: KeyMap::default(),
        })
    },
};

struct There {
    outlet: Slot,
    source: Slot,
    point: (Slot, Slot),
    km: f64,
    /// Per outlet and day: measured openings at the address, and all measured.
    days: KeyMap<BTreeMap<i64, (u64, u64)>>,
}

impl Check for There {
    fn evidence(&mut self, _: usize, _: &Row<'_>, _: &Registry) {}
    fn other(&mut self, row: &Row<'_>, refs: &Registry) {
        let Some(outlet) = row.key(self.outlet).filter(|_| row.text(self.source) == Some("device")) else {
            return;
        };
        let address = refs.outlets.at(outlet, row.ts).and_then(|o| o.point);
        let here = row.real(self.point.0).zip(row.real(self.point.1));
        let Some((here, address)) = here.zip(address) else { return };
        let day = self.days.entry(outlet).or_default().entry(china_day(row.ts)).or_default();
        day.0 += u64::from(distance_km(here, address) <= self.km);
        day.1 += 1;
    }
    fn outcome(&self, _: usize, about: &About<'_>) -> (Outcome, Text) {
        let days = self.days.get(&Key::of(about.entity));
        let (mut there, mut all) = (0, 0);
        for (_, (k, n)) in
            days.into_iter().flat_map(|d| d.range(china_day(about.first)..=china_day(about.last)))
        {
            (there, all) = (there + k, all + n);
        }
        let outcome = match () {
            () if there >= FEWEST && there * 2 >= all => Outcome::Supported,
            () if there * 10 < all => Outcome::Excluded,
            () => Outcome::NotCheckable,
        };
        let km = self.km;
        let text = Text::new(
            format!(
                "{there} of {all} openings with a measured place in that time lie within {km} km of the address"
            ),
            format!("期间{all}笔有实测位置的开卡中{there}笔距登记地址{km}公里以内"),
        );
        (outcome, text)
    }
}
