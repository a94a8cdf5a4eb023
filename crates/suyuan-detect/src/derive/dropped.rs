//! Cards given up soon after they were paid for, against what other outlets' cards do.
//!
//! On cancellations: whether the card's age lies between `from` and `to` days, the span after the month for which commissions are
//! assessed; how many of the outlet's cards went so, and how many would at the rate of all other outlets, as a Poisson tail. Exposed
//! are the openings that have reached `from`. `drop_idle`: the card was hardly used, never with more than three peers
//! a day nor more than 50 MB in all, where the records hold use at all.
//! Blind to: when commissions are assessed, which the records do not say; give `from` and `to` as the contract has them.

use std::collections::VecDeque;
use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

/// Use below both of these is hardly use.
const PEERS: i64 = 3;
const DATA_MB: i64 = 50;

pub(crate) static SPEC: Spec = Spec {
    name: "dropped",
    what: (
        "cards given up after the assessed months, against other outlets",
        "考核期后即销户的卡与其他网点的比较",
    ),
    on: &[Kind::CardChange],
    observes: &[Kind::Opening, Kind::CardChange, Kind::Usage],
    params: &[
        ParamDef { name: "from", ty: ParamTy::Span, default: "60d" },
        ParamDef { name: "to", ty: ParamTy::Span, default: "150d" },
    ],
    fields,
    build: |p, b| {
        Box::new(Dropped {
            card: b.slot(Kind::CardChange, "card"),
            change: b.slot(Kind::CardChange, "change"),
            o_card: b.slot(Kind::Opening, "card"),
            o_outlet: b.slot(Kind::Opening, "outlet"),
            u_card: b.slot(Kind::Usage, "card"),
            peers: b.slot(Kind::Usage, "peers"),
            data: b.slot(Kind::Usage, "data_mb"),
            from: p.span("from"),
            to: p.span("to"),
            cards: Table::default(),
            young: VecDeque::new(),
            outlets: Table::default(),
            names: Table::default(),
            all: Tally::default(),
            any_use: false,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("drop_outlet", Ty::Text, "outlet that opened the card", "开卡网点"),
        def("drop_days", Ty::Int, "days from opening to cancelling", "开卡至销户天数"),
        def("drop_idle", Ty::Bool, "the card was hardly used", "该卡几乎未使用"),
        def("drops", Ty::Int, "the outlet's cards given up so", "该网点此类销户数"),
        def("drops_expected", Ty::Real, "expected at the others' rate", "按其他网点比率应有数"),
        def("drops_p", Ty::Real, "chance of so many (Poisson tail)", "偶然达到的概率（泊松尾）"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    reached: i64,
    dropped: i64,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Card {
    ts: i64,
    outlet: Key,
    peers: i64,
    data: i64,
}

struct Dropped {
    card: Slot,
    change: Slot,
    o_card: Slot,
    o_outlet: Slot,
    u_card: Slot,
    peers: Slot,
    data: Slot,
    from: i64,
    to: i64,
    cards: Table<Card>,
    /// Openings that have not reached `from`, oldest first.
    young: VecDeque<(i64, Key)>,
    outlets: Table<Tally>,
    names: Table<Arc<str>>,
    all: Tally,
    any_use: bool,
}

impl Dropped {
    fn age(&mut self, now: i64) {
        while let Some((_, outlet)) = self.young.front().copied().filter(|y| now - y.0 >= self.from) {
            self.young.pop_front();
            self.outlets.of(outlet).reached += 1;
            self.all.reached += 1;
        }
    }
    /// The card of a cancellation in the asked span.
    fn drop(&self, row: &Row<'_>) -> Option<&Card> {
        if row.kind() != Kind::CardChange || row.text(self.change) != Some("cancel") {
            return None;
        }
        let card = self.cards.get(&row.key(self.card)?)?;
        (self.from..self.to).contains(&(row.ts - card.ts)).then_some(card)
    }
}

saved!(Dropped, tables: [cards, outlets, names], cells: [young, all, any_use]);

impl Operator for Dropped {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        self.age(row.ts);
        let Some(card) = self.drop(row) else { return };
        out[0] = self.names.get(&card.outlet).cloned().into();
        out[1] = Val::Int(china_day(row.ts) - china_day(card.ts));
        out[2] = self.any_use.then_some(card.peers <= PEERS && card.data <= DATA_MB).into();
        let own = self.outlets.get(&card.outlet).copied().unwrap_or_default();
        let k = own.dropped + 1;
        let (others, reached) = (self.all.dropped - own.dropped, self.all.reached - own.reached);
        let rate = (others as f64).max(0.5) / (reached as f64).max(1.0);
        let expected = rate * own.reached as f64;
        out[3] = Val::Int(k);
        out[4] = Val::Real(expected);
        out[5] = Val::Real(if k as f64 <= expected { 1.0 } else { stats::poisson_tail(k, expected) });
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let Some((card, outlet)) = row.key(self.o_card).zip(row.key(self.o_outlet)) else { return };
                if let Some(name) = row.text(self.o_outlet) {
                    self.names.or_insert_with(outlet, || name.into());
                }
                self.cards.insert(card, Card { ts: row.ts, outlet, peers: 0, data: 0 });
                self.young.push_back((row.ts, outlet));
            }
            Kind::Usage => {
                self.any_use = true;
                if let Some(c) = row.key(self.u_card).and_then(|k| self.cards.get_mut(&k)) {
                    c.peers = c.peers.max(row.int(self.peers).unwrap_or(0));
                    c.data += row.int(self.data).unwrap_or(0);
                }
            }
            _ => {
                self.age(row.ts);
                if let Some(outlet) = self.drop(row).map(|c| c.outlet) {
                    self.outlets.of(outlet).dropped += 1;
                    self.all.dropped += 1;
                    if let Some(card) = row.key(self.card) {
                        self.cards.remove(&card);
                    }
                }
            }
        }
    }
    fn expire(&mut self, now: i64) {
        let to = self.to + DAY;
        self.cards.retain(|_, c| now - c.ts <= to);
    }
}
