//! A transfer between outlets that was booked after the card was opened.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, Tally};
use crate::derive::custody_number;
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// Books are closed monthly.
const LATEST: i64 = 35 * DAY;

pub(crate) static SPEC: Spec = Spec {
    name: "late_transfer",
    what: ("a transfer between outlets, booked late", "网点间调拨，补登较晚"),
    reads: &[Kind::StockMove],
    params: &[],
    build: |_, b| {
        Box::new(Late {
            card: b.slot(Kind::Opening, "card"),
            outlet: b.slot(Kind::Opening, "outlet"),
            account: b.slot(Kind::Opening, "account"),
            m_card: b.slot(Kind::StockMove, "card"),
            m_from: b.slot(Kind::StockMove, "card_from"),
            m_to: b.slot(Kind::StockMove, "card_to"),
            m_who: b.slot(Kind::StockMove, "to"),
            open: KeyMap::default(),
            numbers: Vec::new(),
            tally: Tally::default(),
        })
    },
};

struct Late {
    card: Slot,
    outlet: Slot,
    account: Slot,
    m_card: Slot,
    m_from: Slot,
    m_to: Slot,
    m_who: Slot,
    /// Cards opened away from their custodian: per finding when, and who would fit.
    open: KeyMap<Vec<(usize, i64, Vec<Key>)>>,
    numbers: Vec<(u128, Key)>,
    tally: Tally,
}

impl Late {
    fn moved(&mut self, card: Key, who: Key, ts: i64) {
        let Some(open) = self.open.get_mut(&card) else { return };
        open.retain(|(n, at, names)| {
            let fits = ts - at <= LATEST && names.contains(&who);
            if fits {
                self.tally.explain(*n);
            }
            !fits
        });
    }
}

impl Check for Late {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some(card) = row.key(self.card) else { return };
        let outlet = row.key(self.outlet);
        let agent =
            outlet.and_then(|o| refs.outlets.at(o, row.ts)).and_then(|o| o.agent.as_deref()).map(Key::of);
        let names = [outlet, agent, row.key(self.account)].into_iter().flatten().collect();
        self.tally.row(n, false);
        self.open.entry(card).or_default().push((n, row.ts, names));
        if let Some(number) = row.text(self.card).and_then(custody_number) {
            self.numbers.push((number, card));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::StockMove || self.open.is_empty() {
            return;
        }
        let Some(who) = row.key(self.m_who) else { return };
        if let Some(card) = row.key(self.m_card) {
            self.moved(card, who, row.ts);
        } else if let Some((from, to)) =
            row.text(self.m_from).and_then(custody_number).zip(row.text(self.m_to).and_then(custody_number))
        {
            let within: Vec<Key> =
                self.numbers.iter().filter(|(n, _)| (from..=to).contains(n)).map(|x| x.1).collect();
            within.into_iter().for_each(|card| self.moved(card, who, row.ts));
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("openings", "笔开卡"),
            ("are followed by a transfer of the card to that outlet", "笔其后有该卡调入该网点的记录"),
        )
    }
}
