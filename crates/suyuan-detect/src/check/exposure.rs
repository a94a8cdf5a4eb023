//! Simply a busy account: its fraud cards are in proportion to its openings.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, against_rest};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// A rate this many times that of the others is no matter of size.
const TIMES: f64 = 3.0;

pub(crate) static SPEC: Spec = Spec {
    name: "exposure",
    what: ("a busy account: fraud cards in proportion to openings", "业务量大：涉诈卡数与开卡数相称"),
    reads: &[Kind::Opening, Kind::FraudReport],
    params: &[],
    build: |_, b| {
        Box::new(Exposure {
            card: b.slot(Kind::Opening, "card"),
            account: b.slot(Kind::Opening, "account"),
            outlet: b.slot(Kind::Opening, "outlet"),
            r_card: b.slot(Kind::FraudReport, "card"),
            openings: KeyMap::default(),
            fraud: KeyMap::default(),
            opener: KeyMap::default(),
            harmed: KeySet::default(),
            all: (0, 0),
        })
    },
};

struct Exposure {
    card: Slot,
    account: Slot,
    outlet: Slot,
    r_card: Slot,
    openings: KeyMap<u64>,
    fraud: KeyMap<u64>,
    opener: KeyMap<[Option<Key>; 2]>,
    harmed: KeySet,
    all: (u64, u64),
}

impl Check for Exposure {
    fn evidence(&mut self, _: usize, _: &Row<'_>, _: &Registry) {}
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let keys = [row.key(self.account), row.key(self.outlet)];
                self.all.1 += 1;
                for k in keys.into_iter().flatten() {
                    *self.openings.entry(k).or_default() += 1;
                }
                if let Some(card) = row.key(self.card) {
                    self.opener.insert(card, keys);
                }
            }
            Kind::FraudReport => {
                let Some(card) = row.key(self.r_card) else { return };
                let Some(keys) = self.opener.get(&card) else { return };
                if self.harmed.insert(card) {
                    self.all.0 += 1;
                    for k in keys.iter().flatten() {
                        *self.fraud.entry(*k).or_default() += 1;
                    }
                }
            }
            _ => {}
        }
    }
    fn outcome(&self, _: usize, about: &About<'_>) -> (Outcome, Text) {
        let key = Key::of(about.entity);
        let (k, n) =
            (self.fraud.get(&key).copied().unwrap_or(0), self.openings.get(&key).copied().unwrap_or(0));
        let Some((own, rate, outcome)) = against_rest((k, n), self.all, TIMES) else {
            let text = Text::new("no other openings to compare with", "没有可比较的其他开卡记录");
            return (Outcome::NotCheckable, text);
        };
        let text = Text::new(
            format!("{k} of its {n} cards were used in fraud ({own:.2} %), {rate:.3} % of all other cards"),
            format!("其{n}张卡中{k}张涉诈（{own:.2}%），其他卡为{rate:.3}%"),
        );
        (outcome, text)
    }
}
