//! People of the place after all: the new cards are used in the outlet's city within a week.
//!
//! Explained for an opening when any use of its card within `within` lies in the city where it was opened.
//! Blind to: cards whose use was not delivered; those are not counted.

use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::{Kind, region};

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "used_locally",
    what: ("people of the place: the cards are used in that city", "常住人员：所开卡在本市使用"),
    reads: &[Kind::Usage],
    params: &[ParamDef { name: "within", ty: ParamTy::Span, default: "7d" }],
    build: |p, b| {
        Box::new(Local {
            o_card: b.slot(Kind::Opening, "card"),
            o_region: b.slot(Kind::Opening, "region6"),
            card: b.slot(Kind::Usage, "card"),
            main: b.slot(Kind::Usage, "main_region6"),
            within: p.span("within"),
            cards: KeyMap::default(),
        })
    },
};

struct Waiting {
    finding: usize,
    ts: i64,
    city: &'static str,
    used: bool,
    local: bool,
}

struct Local {
    o_card: Slot,
    o_region: Slot,
    card: Slot,
    main: Slot,
    within: i64,
    cards: KeyMap<Vec<Waiting>>,
}

impl Check for Local {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let Some((card, r)) = row.key(self.o_card).zip(row.text(self.o_region)) {
            let w = Waiting { finding: n, ts: row.ts, city: region::city(r), used: false, local: false };
            self.cards.entry(card).or_default().push(w);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some(card): Option<Key> = (row.kind() == Kind::Usage).then(|| row.key(self.card)).flatten()
        else {
            return;
        };
        let Some(list) = self.cards.get_mut(&card) else { return };
        let city = row.text(self.main).map_or("", region::city);
        for w in list.iter_mut().filter(|w| row.ts - w.ts <= self.within) {
            w.used = true;
            w.local |= !city.is_empty() && city == w.city;
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        // Counts do not depend on the order in which cards are met here.
        for w in self.cards.values().flatten().filter(|w| w.finding == n && w.used) {
            tally.row(n, w.local);
        }
        tally.outcome(
            n,
            ("cards used within the span", "张期内有使用的卡"),
            ("are used in the city of the opening", "张在开卡城市使用"),
        )
    }
}
