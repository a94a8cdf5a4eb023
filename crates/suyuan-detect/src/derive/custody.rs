//! Who held the blank card when it was opened, and whether the opening fits.
//!
//! Custody follows `stock_move`, card by card or by ranges (compared as numbers); the latest move before the opening counts.
//! It fits when the custodian is the outlet of the opening, its agent, the account's outlet or agent, or the account.
//! Blind to: moves booked after the opening; the check `late_transfer` looks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, other_province, regions_km};
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "custody",
    what: (
        "who held the blank card when it was opened, and whether the opening fits",
        "开卡时白卡保管人及其与开卡是否相符",
    ),
    on: &[Kind::Opening],
    observes: &[Kind::StockMove],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Custody {
            card: b.slot(Kind::Opening, "card"),
            outlet: b.slot(Kind::Opening, "outlet"),
            account: b.slot(Kind::Opening, "account"),
            cell: b.slot(Kind::Opening, "cell_region6"),
            m_card: b.slot(Kind::StockMove, "card"),
            m_from: b.slot(Kind::StockMove, "card_from"),
            m_to: b.slot(Kind::StockMove, "card_to"),
            m_who: b.slot(Kind::StockMove, "to"),
            single: Table::default(),
            ranges: BTreeMap::new(),
            names: Table::default(),
            seen: false,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("custodian", Ty::Text, "custodian of the blank card", "白卡保管人"),
        def(
            "custodian_fits",
            Ty::Bool,
            "the custodian is the outlet, agent or account of the opening",
            "保管人与开卡网点、代理商或工号相符",
        ),
        def(
            "custody_other_province",
            Ty::Bool,
            "opened in another province than the custodian's",
            "开卡实测地与保管网点不同省",
        ),
        def("custody_km", Ty::Real, "place of opening to the custodian, km", "开卡实测地距保管网点公里数"),
        def("custody_known", Ty::Bool, "the records hold a stock book", "记录中有库存账"),
    ]
}

struct Custody {
    card: Slot,
    outlet: Slot,
    account: Slot,
    cell: Slot,
    m_card: Slot,
    m_from: Slot,
    m_to: Slot,
    m_who: Slot,
    single: Table<(i64, Arc<str>)>,
    /// Ranges by their last card: first card, when, who. Later moves cut earlier ones.
    ranges: BTreeMap<u128, (u128, i64, Arc<str>)>,
    names: Table<Arc<str>>,
    seen: bool,
}

/// A card's number; `None` where it is not digits (a range of those is read by its ends only).
pub(crate) fn number(card: &str) -> Option<u128> {
    let digits = card.trim_end_matches(['F', 'f']);
    digits.parse().ok()
}

impl Custody {
    fn name(&mut self, who: &str) -> Arc<str> {
        self.names.or_insert_with(Key::of(who), || who.into()).clone()
    }

    fn holder(&self, card: &str) -> Option<&Arc<str>> {
        let single = self.single.get(&Key::of(card));
        let range = number(card).and_then(|n| {
            let (_, r) = self.ranges.range(n..).next()?;
            (r.0 <= n).then_some((r.1, &r.2))
        });
        match (single, range) {
            (Some(s), Some(r)) if r.0 > s.0 => Some(r.1),
            (Some(s), _) => Some(&s.1),
            (None, r) => r.map(|r| r.1),
        }
    }

    /// Puts a range in; what it covers of earlier ranges is cut away.
    fn put(&mut self, from: u128, to: u128, ts: i64, who: Arc<str>) {
        let covered: Vec<u128> =
            self.ranges.range(from..).take_while(|(_, r)| r.0 <= to).map(|(end, _)| *end).collect();
        for end in covered {
            let Some((start, at, name)) = self.ranges.remove(&end) else { continue };
            if start < from {
                self.ranges.insert(from - 1, (start, at, name.clone()));
            }
            if end > to {
                self.ranges.insert(end, (to + 1, at, name));
            }
        }
        self.ranges.insert(to, (from, ts, who));
    }
}

saved!(Custody, tables: [single, names], cells: [ranges, seen]);

impl Operator for Custody {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening || !self.seen {
            return;
        }
        out[4] = Val::Bool(true);
        let Some(holder) = row.text(self.card).and_then(|c| self.holder(c)) else { return };
        let outlet = row.text(self.outlet).and_then(|o| refs.outlets.at(Key::of(o), row.ts));
        let staff = row.key(self.account).and_then(|a| refs.staff.at(a, row.ts));
        let names = [
            row.text(self.outlet),
            row.text(self.account),
            outlet.and_then(|o| o.agent.as_deref()),
            staff.map(|s| &*s.outlet),
            staff.and_then(|s| s.agent.as_deref()),
        ];
        out[0] = Val::Text(holder.clone());
        out[1] = Val::Bool(names.contains(&Some(holder)));
        // The custodian's place: its own as an outlet; an agent's is that of the opening's outlet.
        let place = refs.outlets.at(Key::of(holder), row.ts).or(outlet).and_then(|o| o.region6.as_deref());
        if let Some((a, b)) = place.zip(row.text(self.cell)) {
            out[2] = other_province(a, b).into();
            out[3] = regions_km(a, b).into();
        }
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::StockMove {
            return;
        }
        let Some(who) = row.text(self.m_who) else { return };
        self.seen = true;
        let who = self.name(who);
        if let Some(card) = row.key(self.m_card) {
            self.single.insert(card, (row.ts, who));
        } else if let (Some(from), Some(to)) = (row.text(self.m_from), row.text(self.m_to)) {
            match (number(from), number(to)) {
                (Some(a), Some(b)) if a <= b => self.put(a, b, row.ts, who),
                _ => {
                    self.single.insert(Key::of(from), (row.ts, who.clone()));
                    self.single.insert(Key::of(to), (row.ts, who));
                }
            }
        }
    }
    // Stock lies for years; the state is as large as the stock that was ever moved singly.
    fn expire(&mut self, _: i64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Ranges cut each other exactly as a table with one entry a card would.
        #[test]
        fn ranges_agree_with_a_table(moves in proptest::collection::vec((0u128..60, 0u128..12), 1..20)) {
            let mut b = crate::view::Binder::default();
            let _ = (SPEC.build)(&crate::derive::Params::defaults(SPEC.params), &mut b);
            let s = b.slot(Kind::Opening, "card");
            let mut c = Custody {
                card: s, outlet: s, account: s, cell: s, m_card: s, m_from: s, m_to: s, m_who: s,
                single: Table::default(), ranges: BTreeMap::new(), names: Table::default(), seen: true,
            };
            let mut table = vec![None; 80];
            for (n, (from, len)) in moves.iter().enumerate() {
                let who: Arc<str> = format!("c{n}").into();
                c.put(*from, from + len, n as i64, who.clone());
                for card in *from..=from + len {
                    table[card as usize] = Some(who.clone());
                }
            }
            for card in 0..80u128 {
                proptest::prop_assert_eq!(c.holder(&card.to_string()), table[card as usize].as_ref());
            }
        }
    }
}
