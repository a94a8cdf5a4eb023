//! Where many of the carrier's customers go: cards of the other outlets are used in that county as often.
//!
//! For each county of the evidence the share of the outlet's cards that are used there, against the share of all other cards, from
//! the first row of evidence on. Excluded where the outlet's is three times as large or more.
//! Blind to: several outlets that serve one ring.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, against_rest};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// A share this many times that of the others is no common way.
const TIMES: f64 = 3.0;

pub(crate) static SPEC: Spec = Spec {
    name: "common_destination",
    what: (
        "where many customers go: other outlets' cards are used there as often",
        "常见去向：其他网点的卡同样多在该地使用",
    ),
    reads: &[Kind::Opening, Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(Destination {
            o_card: b.slot(Kind::Opening, "card"),
            o_outlet: b.slot(Kind::Opening, "outlet"),
            card: b.slot(Kind::Usage, "card"),
            main: b.slot(Kind::Usage, "main_region6"),
            openings: KeyMap::default(),
            opener: KeyMap::default(),
            all: 0,
            places: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    },
};

/// A county that a finding names.
#[derive(Default)]
struct County {
    seen: KeySet,
    all: u64,
    outlets: KeyMap<u64>,
}

struct Destination {
    o_card: Slot,
    o_outlet: Slot,
    card: Slot,
    main: Slot,
    /// Cards by outlet.
    openings: KeyMap<u64>,
    opener: KeyMap<Key>,
    all: u64,
    places: BTreeMap<String, County>,
    asked: BTreeMap<usize, BTreeSet<String>>,
}

impl Check for Destination {
    fn shared(&self) -> bool {
        false
    }
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        if let Some(county) = row.text(self.main) {
            self.places.entry(county.to_owned()).or_default();
            self.asked.entry(n).or_default().insert(county.to_owned());
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            let Some((card, outlet)) = row.key(self.o_card).zip(row.key(self.o_outlet)) else { return };
            if self.opener.insert(card, outlet).is_none() {
                *self.openings.entry(outlet).or_default() += 1;
                self.all += 1;
            }
            return;
        }
        let Some(place) = row.text(self.main).and_then(|r| self.places.get_mut(r)) else { return };
        let Some(card) = row.key(self.card) else { return };
        if let Some(outlet) = self.opener.get(&card)
            && place.seen.insert(card)
        {
            place.all += 1;
            *place.outlets.entry(*outlet).or_default() += 1;
        }
    }
    fn outcome(&self, n: usize, about: &About<'_>) -> (Outcome, Text) {
        let outlet = Key::of(about.entity);
        let of = self.openings.get(&outlet).copied().unwrap_or(0);
        let told = self.asked.get(&n).into_iter().flatten().filter_map(|county| {
            let place = self.places.get(county)?;
            let own = place.outlets.get(&outlet).copied().unwrap_or(0);
            Some((against_rest((own, of), (place.all, self.all), TIMES)?, own, county))
        });
        let most = told.max_by(|a, b| {
            let times = |x: &((f64, f64, Outcome), u64, &String)| x.0.0 / x.0.1;
            times(a).total_cmp(&times(b))
        });
        let Some(((own, rate, outcome), k, county)) = most else {
            let text = Text::new("no other outlets to compare with", "没有可比较的其他网点");
            return (Outcome::NotCheckable, text);
        };
        let text = Text::new(
            format!(
                "{k} of its {of} cards are used in {county} ({own:.2} %), {rate:.3} % of all other cards"
            ),
            format!("其{of}张卡中{k}张在{county}使用（{own:.2}%），其他卡为{rate:.3}%"),
        );
        (outcome, text)
    }
}
