//! The opening behind a card: by whom, where, how long ago, and how far from there the card is used.
//!
//! On use, changes, commissions and re-verifications of a card. `first_use` marks the first row of use that follows the opening.
//! Distances are between the seats of regions; below some 30 km they say little.
//! Blind to: cards opened before the records begin, and a day's use that is stamped before the opening on the same day.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, regions_km};
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Usage, Kind::CardChange, Kind::Commission, Kind::Reverification];

pub(crate) static SPEC: Spec = Spec {
    name: "opened",
    what: (
        "the opening behind a card, and how far from it the card is used",
        "该卡的开卡信息及使用地与开卡地的距离",
    ),
    on: ON,
    observes: &[Kind::Opening, Kind::Usage],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Opened {
            card: ON.iter().map(|k| b.slot(*k, "card")).collect(),
            payee: b.slot(Kind::Commission, "payee"),
            first: b.slot(Kind::Usage, "first_region6"),
            main: b.slot(Kind::Usage, "main_region6"),
            o_card: b.slot(Kind::Opening, "card"),
            o_account: b.slot(Kind::Opening, "account"),
            o_outlet: b.slot(Kind::Opening, "outlet"),
            o_region: b.slot(Kind::Opening, "region6"),
            o_cell: b.slot(Kind::Opening, "cell_region6"),
            o_duration: b.slot(Kind::Opening, "duration_s"),
            o_plan: b.slot(Kind::Opening, "plan"),
            o_order: b.slot(Kind::Opening, "order"),
            cards: Table::default(),
            names: Vec::new(),
            by_name: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("card_account", Ty::Text, "account that opened the card", "开卡工号"),
        def("card_outlet", Ty::Text, "outlet that opened the card", "开卡网点"),
        def("card_days", Ty::Int, "days since the card was opened", "开卡至今天数"),
        def("card_duration_s", Ty::Int, "seconds the opening took", "开卡办理时长（秒）"),
        def("card_plan", Ty::Text, "the card's tariff", "该卡套餐"),
        def("card_ordered", Ty::Bool, "opened under an order", "开卡列有工单"),
        def("first_use", Ty::Bool, "first use after the opening", "开卡后首次使用"),
        def("use_km", Ty::Real, "main place of use to place of opening, km", "主要使用地距开卡地公里数"),
        def("first_km", Ty::Real, "first place of use to place of opening, km", "首次使用地距开卡地公里数"),
        def(
            "payee_fits",
            Ty::Bool,
            "the payee is the outlet, its agent or the account",
            "收款方与网点、代理商或工号相符",
        ),
    ]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Card {
    ts: i64,
    account: u32,
    outlet: u32,
    region: u32,
    plan: u32,
    duration: Option<i64>,
    ordered: bool,
    used: bool,
}

struct Opened {
    card: Vec<Slot>,
    payee: Slot,
    first: Slot,
    main: Slot,
    o_card: Slot,
    o_account: Slot,
    o_outlet: Slot,
    o_region: Slot,
    o_cell: Slot,
    o_duration: Slot,
    o_plan: Slot,
    o_order: Slot,
    cards: Table<Card>,
    names: Vec<Arc<str>>,
    by_name: Table<u32>,
}

impl Opened {
    fn name(&mut self, text: Option<&str>) -> u32 {
        let text = text.unwrap_or("");
        let next = self.names.len() as u32;
        let n = *self.by_name.or_insert_with(Key::of(text), || next);
        if n == next {
            self.names.push(text.into());
        }
        n
    }
    /// Whether the payee is the outlet that opened the card, its agent, the account or the account's agent.
    fn payee_fits(&self, c: &Card, row: &Row<'_>, refs: &Registry) -> Option<bool> {
        let payee = row.text(self.payee)?;
        let (account, outlet) = (self.named(c.account), self.named(c.outlet));
        let place = outlet.as_deref().and_then(|o| refs.outlets.at(Key::of(o), c.ts));
        let staff = account.as_deref().and_then(|a| refs.staff.at(Key::of(a), c.ts));
        let names = [
            account.as_deref(),
            outlet.as_deref(),
            place.and_then(|o| o.agent.as_deref()),
            staff.map(|s| &*s.outlet),
            staff.and_then(|s| s.agent.as_deref()),
        ];
        Some(names.contains(&Some(payee)))
    }
    fn named(&self, n: u32) -> Option<Arc<str>> {
        self.names.get(n as usize).filter(|t| !t.is_empty()).cloned()
    }
}

saved!(Opened, tables: [cards, by_name], cells: [names]);

impl Operator for Opened {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let Some(c) = row.key(self.card[at]).and_then(|k| self.cards.get(&k)) else { return };
        out[0] = self.named(c.account).into();
        out[1] = self.named(c.outlet).into();
        out[2] = Val::Int(china_day(row.ts) - china_day(c.ts));
        out[3] = c.duration.into();
        out[4] = self.named(c.plan).into();
        out[5] = Val::Bool(c.ordered);
        if row.kind() == Kind::Commission {
            out[9] = self.payee_fits(c, row, refs).into();
        }
        if row.kind() != Kind::Usage {
            return;
        }
        out[6] = Val::Bool(!c.used);
        let from = self.named(c.region);
        let km = |slot| regions_km(from.as_deref()?, row.text(slot)?);
        out[7] = km(self.main).into();
        out[8] = km(self.first).into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let Some(card) = row.key(self.o_card) else { return };
                let account = self.name(row.text(self.o_account));
                let outlet = self.name(row.text(self.o_outlet));
                // Where the network saw the opening; the declared place is what may be made up.
                let region = self.name(row.text(self.o_cell).or_else(|| row.text(self.o_region)));
                let plan = self.name(row.text(self.o_plan));
                let (duration, ordered) = (row.int(self.o_duration), row.text(self.o_order).is_some());
                let opened =
                    Card { ts: row.ts, account, outlet, region, plan, duration, ordered, used: false };
                self.cards.insert(card, opened);
            }
            Kind::Usage => {
                // Only the first use changes anything, so that the table is not touched for nothing.
                if let Some(k) = row.key(self.card[0])
                    && self.cards.get(&k).is_some_and(|c| !c.used)
                    && let Some(c) = self.cards.get_mut(&k)
                {
                    c.used = true;
                }
            }
            _ => {}
        }
    }
    /// What a card of two years ago was opened for, its use of today no longer tells.
    fn expire(&mut self, now: i64) {
        self.cards.retain(|_, c| now - c.ts <= 730 * DAY);
    }
}
