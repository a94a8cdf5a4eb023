//! A settlement house: the payee is paid for the cards of many outlets, so it settles for the carrier rather than for one point.
//!
//! Supported when the payee's commissions concern outlets of at least ten outlets.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// As many outlets are settled for by a house, not by a hidden point.
const OUTLETS: usize = 10;

pub(crate) static SPEC: Spec = Spec {
    name: "paid_elsewhere",
    what: ("a settlement house that is paid for many outlets", "为多家网点统一结算的机构"),
    reads: &[Kind::Opening, Kind::Commission],
    params: &[],
    build: |_, b| {
        Box::new(Paid {
            card: b.slot(Kind::Opening, "card"),
            outlet: b.slot(Kind::Opening, "outlet"),
            payee: b.slot(Kind::Commission, "payee"),
            c_card: b.slot(Kind::Commission, "card"),
            opened: KeyMap::default(),
            outlets: KeyMap::default(),
        })
    },
};

struct Paid {
    card: Slot,
    outlet: Slot,
    payee: Slot,
    c_card: Slot,
    /// Per card: its outlet.
    opened: KeyMap<Key>,
    /// Per payee: outlets, at most ten.
    outlets: KeyMap<Vec<Key>>,
}

impl Check for Paid {
    fn evidence(&mut self, _: usize, _: &Row<'_>, _: &Registry) {}
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            if let Some((card, outlet)) = row.key(self.card).zip(row.key(self.outlet)) {
                self.opened.insert(card, outlet);
            }
            return;
        }
        let Some((payee, card)) = row.key(self.payee).zip(row.key(self.c_card)) else { return };
        let Some(outlet) = self.opened.get(&card) else { return };
        let list = self.outlets.entry(payee).or_default();
        if list.len() < OUTLETS && !list.contains(outlet) {
            list.push(*outlet);
        }
    }
    fn outcome(&self, _: usize, about: &About<'_>) -> (Outcome, Text) {
        let n = self.outlets.get(&Key::of(about.entity)).map_or(0, Vec::len);
        let text = Text::new(
            format!("the payee is paid for cards of {n} outlets (counted up to {OUTLETS})"),
            format!("该收款方涉及{n}家网点的卡（最多计{OUTLETS}家）"),
        );
        (if n >= OUTLETS { Outcome::Supported } else { Outcome::Excluded }, text)
    }
}
