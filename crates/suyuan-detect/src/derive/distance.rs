//! Kilometres between two places that a row, or the records behind it, name.
//!
//! Places: `gps` (the row's coordinates), `declared` (its region), `cell` (region of the cell), `outlet` (the
//! outlet's coordinates, else its region), `home` (the region code of the person's identity number), `first` and
//! `main` (regions of a day's use), `address` (the outlet's own coordinates and nothing in their stead). A region stands for its seat, so between two regions some 30 km mean nothing.
//! Blind to: drift of positions indoors; coordinates that were typed in.

use suyuan_model::Kind;
use suyuan_model::geo::distance_km;
use suyuan_model::region;

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Binder, Row, Slot};

const ON: &[Kind] = &[Kind::Opening, Kind::Capture, Kind::Login, Kind::Usage];
const PLACES: &[&str] = &["gps", "declared", "cell", "outlet", "home", "first", "main", "address"];

pub(crate) static SPEC: Spec = Spec {
    name: "distance",
    what: ("kilometres between two places of a row", "记录中两处位置的距离（公里）"),
    on: ON,
    observes: &[],
    params: &[
        ParamDef { name: "from", ty: ParamTy::Word(PLACES), default: "gps" },
        ParamDef { name: "to", ty: ParamTy::Word(PLACES), default: "outlet" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "distance" },
    ],
    fields,
    build: |p, b| {
        let places = |b: &mut Binder, name| ON.iter().map(|k| Place::bind(b, *k, name)).collect();
        Box::new(Distance { from: places(b, p.get("from")), to: places(b, p.get("to")) })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    vec![def(
        &format!("{}_km", p.get("as")),
        Ty::Real,
        &format!("km from {} to {}", p.get("from"), p.get("to")),
        &format!("{}至{}公里数", word(p.get("from")), word(p.get("to"))),
    )]
}

fn word(place: &str) -> &'static str {
    match place {
        "gps" => "定位",
        "declared" => "申报地",
        "cell" => "基站",
        "outlet" => "网点",
        "home" => "户籍地",
        "address" => "网点地址",
        "first" => "首次使用地",
        _ => "主要使用地",
    }
}

/// Where a kind holds a place.
enum Place {
    Nowhere,
    Point(Slot, Slot),
    Region(Slot),
    /// Outlet, and the account whose outlet stands in.
    Outlet(Option<Slot>, Option<Slot>),
    Address(Option<Slot>),
}

impl Place {
    fn bind(b: &mut Binder, kind: Kind, name: &str) -> Place {
        let region = |b: &mut Binder, column| b.find(kind, column).map_or(Place::Nowhere, Place::Region);
        match name {
            "gps" => b
                .find(kind, "lat")
                .zip(b.find(kind, "lon"))
                .map_or(Place::Nowhere, |(a, o)| Place::Point(a, o)),
            "declared" => region(b, "region6"),
            "cell" => region(b, "cell_region6"),
            "home" => region(b, "subject_region6"),
            "first" => region(b, "first_region6"),
            "main" => region(b, "main_region6"),
            "address" => Place::Address(b.find(kind, "outlet")),
            _ => Place::Outlet(b.find(kind, "outlet"), b.find(kind, "account")),
        }
    }

    fn of(&self, row: &Row<'_>, refs: &Registry) -> Option<(f64, f64)> {
        match self {
            Place::Nowhere => None,
            Place::Point(lat, lon) => row.real(*lat).zip(row.real(*lon)),
            Place::Region(slot) => region::centre(row.text(*slot)?),
            Place::Address(outlet) => refs.outlets.at(row.key((*outlet)?)?, row.ts)?.point,
            Place::Outlet(outlet, account) => {
                let own = outlet.and_then(|o| row.key(o));
                let home = || Some(Key::of(&refs.staff.at(row.key((*account)?)?, row.ts)?.outlet));
                refs.outlets.at(own.or_else(home)?, row.ts)?.place()
            }
        }
    }
}

struct Distance {
    from: Vec<Place>,
    to: Vec<Place>,
}

saved!(Distance);

impl Operator for Distance {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let places = self.from[at].of(row, refs).zip(self.to[at].of(row, refs));
        out[0] = places.map(|(a, b)| distance_km(a, b)).into();
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
