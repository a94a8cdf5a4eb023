//! A repair shop or a laboratory: the cards pass through the device and go back to devices of their own.
//!
//! Each card of the finding is followed after it was met in the device: explained when it is used on at least as many later rows in other
//! devices as in this one.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "passed_through",
    what: (
        "a repair shop or test device: the cards go back to their own devices",
        "维修或测试设备：卡随后回到各自设备",
    ),
    reads: &[Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(Passed {
            card: b.slot(Kind::Usage, "card"),
            imei: b.slot(Kind::Usage, "imei"),
            cards: KeyMap::default(),
        })
    },
};

/// A card met in a device: findings, device, later rows elsewhere and here.
struct Met {
    finding: usize,
    imei: Key,
    away: u64,
    here: u64,
}

struct Passed {
    card: Slot,
    imei: Slot,
    cards: KeyMap<Vec<Met>>,
}

impl Check for Passed {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some((card, imei)) = row.key(self.card).zip(row.key(self.imei)) else { return };
        let list = self.cards.entry(card).or_default();
        if !list.iter().any(|m| m.finding == n && m.imei == imei) {
            list.push(Met { finding: n, imei, away: 0, here: 0 });
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some((card, imei)) = row.key(self.card).zip(row.key(self.imei)) else { return };
        for m in self.cards.get_mut(&card).into_iter().flatten() {
            if m.imei == imei { m.here += 1 } else { m.away += 1 }
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        // A count does not depend on the order in which cards are met here.
        for m in self.cards.values().flatten().filter(|m| m.finding == n) {
            // The row of evidence is counted as a row here.
            tally.row(n, m.away >= m.here.saturating_sub(1) && m.away > 0);
        }
        tally.outcome(
            n,
            ("cards", "张卡"),
            ("are then used in other devices more than in this one", "张此后主要在其他设备使用"),
        )
    }
}
