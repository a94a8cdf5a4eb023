//! How many cards stand in a person's name, this opening included.
//!
//! Opened and neither cancelled, ported out nor transferred since, as far as the records reach; openings under an order of the kind
//! `group_contract` count only in `cards_all`, since the firm holds those. `cards_day` counts those of the same day, `outlets_7d`
//! the different outlets of seven days.
//! Blind to: cards opened before the records begin, so the count is a lower bound; cards at other carriers.

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// More cards than this need no exact count.
const MOST: usize = 100;

pub(crate) static SPEC: Spec = Spec {
    name: "cards_held",
    what: ("how many cards stand in the person's name", "该人名下在用卡数"),
    on: &[Kind::Opening],
    observes: &[Kind::Opening, Kind::CardChange, Kind::WorkOrder],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(CardsHeld {
            card: b.slot(Kind::Opening, "card"),
            subject: b.slot(Kind::Opening, "subject"),
            outlet: b.slot(Kind::Opening, "outlet"),
            order: b.slot(Kind::Opening, "order"),
            c_card: b.slot(Kind::CardChange, "card"),
            c_change: b.slot(Kind::CardChange, "change"),
            w_order: b.slot(Kind::WorkOrder, "order"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            held: Table::default(),
            holder: Table::default(),
            contracts: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("cards_active", Ty::Int, "cards in use in the person's name", "名下在用卡数"),
        def("cards_all", Ty::Int, "the same with cards of group contracts", "含集团合同卡的在用卡数"),
        def("cards_day", Ty::Int, "cards opened for the person on this day", "当日为其开卡数"),
        def("outlets_7d", Ty::Int, "outlets that opened for the person in 7 days", "7天内为其开卡的网点数"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Held {
    card: Key,
    ts: i64,
    outlet: Option<Key>,
    contract: bool,
}

struct CardsHeld {
    card: Slot,
    subject: Slot,
    outlet: Slot,
    order: Slot,
    c_card: Slot,
    c_change: Slot,
    w_order: Slot,
    w_kind: Slot,
    held: Table<Vec<Held>>,
    holder: Table<Key>,
    contracts: Table<()>,
}

impl CardsHeld {
    fn new_card(&self, row: &Row<'_>) -> Option<(Key, Held)> {
        let (subject, card) = row.key(self.subject).zip(row.key(self.card))?;
        let contract = row.key(self.order).is_some_and(|o| self.contracts.contains(&o));
        Some((subject, Held { card, ts: row.ts, outlet: row.key(self.outlet), contract }))
    }
}

saved!(CardsHeld, tables: [held, holder, contracts]);

impl Operator for CardsHeld {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some((subject, new)) = self.new_card(row) else { return };
        let before = self.held.get(&subject).map_or(&[][..], Vec::as_slice);
        let others = || before.iter().filter(|h| h.card != new.card);
        let own = |h: &&Held| !h.contract;
        let day = china_day(row.ts);
        out[0] = Val::Int((others().filter(own).count() + usize::from(!new.contract)) as i64);
        out[1] = Val::Int(others().count() as i64 + 1);
        out[2] = Val::Int(
            (others().filter(own).filter(|h| china_day(h.ts) == day).count() + usize::from(!new.contract))
                as i64,
        );
        let mut outlets: Vec<Key> =
            others().filter(|h| row.ts - h.ts < 7 * DAY).filter_map(|h| h.outlet).chain(new.outlet).collect();
        outlets.sort_unstable();
        outlets.dedup();
        out[3] = Val::Int(outlets.len() as i64);
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let Some((subject, new)) = self.new_card(row) else { return };
                self.holder.insert(new.card, subject);
                let list = self.held.of(subject);
                list.retain(|h| h.card != new.card);
                if list.len() < MOST {
                    list.push(new);
                }
            }
            Kind::CardChange
                if matches!(row.text(self.c_change), Some("cancel" | "port_out" | "transfer")) =>
            {
                let Some(card) = row.key(self.c_card) else { return };
                let Some(subject) = self.holder.remove(&card) else { return };
                if let Some(list) = self.held.get_mut(&subject) {
                    list.retain(|h| h.card != card);
                }
            }
            Kind::WorkOrder if row.text(self.w_kind) == Some("group_contract") => {
                if let Some(o) = row.key(self.w_order) {
                    self.contracts.insert(o, ());
                }
            }
            _ => {}
        }
    }
    // Cards last as long as they are not given up.
    fn expire(&mut self, _: i64) {
        self.held.retain(|_, l| !l.is_empty());
    }
}
