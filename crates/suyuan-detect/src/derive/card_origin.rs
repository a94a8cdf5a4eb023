//! Where a card was opened, and whether its account has more harmed cards than its openings explain.
//!
//! On fraud reports, complaints and failed re-verifications: the card's opening. For fraud reports also the account's
//! distinct fraud cards so far against what its openings would have at the rate of all other accounts (the account left
//! out of its own rate), as a Poisson tail and as a log likelihood ratio.
//! Blind to: outlets whose customers are harmed more for reasons of their own; compare with outlets of the same place.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::DAY;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::FraudReport, Kind::Complaint, Kind::Reverification];

pub(crate) static SPEC: Spec = Spec {
    name: "card_origin",
    what: (
        "where a card was opened, and the account's fraud cards against its openings",
        "卡的开卡来源及该工号涉诈卡数与开卡数之比",
    ),
    on: ON,
    observes: &[Kind::Opening, Kind::FraudReport],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Origin {
            cards: ON.iter().map(|k| b.slot(*k, "card")).collect(),
            r_msisdn: b.slot(Kind::FraudReport, "msisdn"),
            o_card: b.slot(Kind::Opening, "card"),
            o_msisdn: b.slot(Kind::Opening, "msisdn"),
            o_account: b.slot(Kind::Opening, "account"),
            o_outlet: b.slot(Kind::Opening, "outlet"),
            opened: Table::default(),
            by_number: Table::default(),
            accounts: Table::default(),
            outlets: Table::default(),
            names: Vec::new(),
            by_name: Table::default(),
            harmed: Table::default(),
            all: Tally::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("opened_account", Ty::Text, "account that opened the card", "开卡工号"),
        def("opened_outlet", Ty::Text, "outlet that opened the card", "开卡网点"),
        def("opened_days", Ty::Int, "days from opening to report", "开卡至报案天数"),
        def("account_fraud_cards", Ty::Int, "fraud cards of the account so far", "该工号累计涉诈卡数"),
        def("account_expected", Ty::Real, "expected at the others' rate", "按其他工号比率应有数"),
        def("account_p", Ty::Real, "chance of so many (Poisson tail)", "偶然达到的概率（泊松尾）"),
        def("account_llr", Ty::Real, "log likelihood ratio, nats", "对数似然比"),
        def("account_openings", Ty::Int, "openings of the account so far", "该工号累计开卡数"),
        def("outlet_fraud_cards", Ty::Int, "fraud cards of the outlet so far", "该网点累计涉诈卡数"),
        def(
            "outlet_expected",
            Ty::Real,
            "expected of the outlet at the others' rate",
            "网点按其他网点比率应有数",
        ),
        def(
            "outlet_p",
            Ty::Real,
            "chance of so many at the outlet (Poisson tail)",
            "网点偶然达到的概率（泊松尾）",
        ),
    ]
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    openings: i64,
    fraud: i64,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Opened {
    ts: i64,
    account: u32,
    outlet: u32,
}

struct Origin {
    cards: Vec<Slot>,
    r_msisdn: Slot,
    o_card: Slot,
    o_msisdn: Slot,
    o_account: Slot,
    o_outlet: Slot,
    opened: Table<Opened>,
    by_number: Table<Key>,
    accounts: Table<Tally>,
    outlets: Table<Tally>,
    names: Vec<Arc<str>>,
    by_name: Table<u32>,
    harmed: Table<()>,
    all: Tally,
}

impl Origin {
    fn name(&mut self, text: Option<&str>) -> u32 {
        let text = text.unwrap_or("");
        let next = self.names.len() as u32;
        let n = *self.by_name.or_insert_with(Key::of(text), || next);
        if n == next {
            self.names.push(text.into());
        }
        n
    }
    fn card(&self, row: &Row<'_>) -> Option<Key> {
        let at = ON.iter().position(|k| *k == row.kind())?;
        row.key(self.cards[at]).or_else(|| {
            let number = (row.kind() == Kind::FraudReport).then(|| row.key(self.r_msisdn)).flatten()?;
            self.by_number.get(&number).copied()
        })
    }
    fn named(&self, n: u32) -> Option<Arc<str>> {
        self.names.get(n as usize).filter(|t| !t.is_empty()).cloned()
    }
    /// Fraud cards with this one, expected, tail, log likelihood ratio.
    fn excess(&self, t: Tally, new: bool) -> (i64, f64, f64, f64) {
        let k = t.fraud + i64::from(new);
        let (others, openings) = (self.all.fraud - t.fraud, self.all.openings - t.openings);
        // Half a card of the others' is the least rate that the records can speak of.
        let rate = (others as f64).max(0.5) / (openings as f64).max(1.0);
        let expected = rate * t.openings as f64;
        (k, expected, stats::poisson_tail(k, expected), stats::poisson_llr(k, expected))
    }
}

saved!(Origin, tables: [opened, by_number, accounts, outlets, by_name, harmed], cells: [names, all]);

impl Operator for Origin {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(card) = self.card(row) else { return };
        let Some(o) = self.opened.get(&card) else { return };
        out[0] = self.named(o.account).into();
        out[1] = self.named(o.outlet).into();
        out[2] = Val::Int((row.ts - o.ts) / DAY);
        if row.kind() != Kind::FraudReport {
            return;
        }
        let new = !self.harmed.contains(&card);
        if let Some(name) = self.named(o.account) {
            let t = self.accounts.get(&Key::of(&name)).copied().unwrap_or_default();
            let (k, expected, p, llr) = self.excess(t, new);
            out[3] = Val::Int(k);
            out[4] = Val::Real(expected);
            out[5] = Val::Real(p);
            out[6] = Val::Real(llr);
            out[7] = Val::Int(t.openings);
        }
        if let Some(name) = self.named(o.outlet) {
            let t = self.outlets.get(&Key::of(&name)).copied().unwrap_or_default();
            let (k, expected, p, _) = self.excess(t, new);
            out[8] = Val::Int(k);
            out[9] = Val::Real(expected);
            out[10] = Val::Real(p);
        }
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let Some(card) = row.key(self.o_card) else { return };
                let account = self.name(row.text(self.o_account));
                let outlet = self.name(row.text(self.o_outlet));
                self.opened.insert(card, Opened { ts: row.ts, account, outlet });
                if let Some(number) = row.key(self.o_msisdn) {
                    self.by_number.insert(number, card);
                }
                self.all.openings += 1;
                if let Some(a) = row.key(self.o_account) {
                    self.accounts.of(a).openings += 1;
                }
                if let Some(o) = row.key(self.o_outlet) {
                    self.outlets.of(o).openings += 1;
                }
            }
            Kind::FraudReport => {
                let Some(card) = self.card(row) else { return };
                let Some(o) = self.opened.get(&card) else { return };
                if self.harmed.insert(card, ()).is_some() {
                    return;
                }
                self.all.fraud += 1;
                for (map, n) in [(&mut self.accounts, o.account), (&mut self.outlets, o.outlet)] {
                    if let Some(t) = map.get_mut(&Key::of(&self.names[n as usize])) {
                        t.fraud += 1;
                    }
                }
            }
            _ => {}
        }
    }
    // Fraud comes to light years after the opening: 64 bytes a card are kept.
    fn expire(&mut self, _: i64) {}
}
