//! The reader was down: on the same day another account of the outlet typed identity numbers by hand too.
//!
//! Blind to: an outlet where everyone types by hand as a habit; its base rate then shows.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::china_day;

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Binder, Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "reader_down",
    what: (
        "the reader was down: colleagues typed by hand on the same day",
        "读卡器故障：同日同网点其他工号也手工录入",
    ),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| Box::new(Down { slots: Slots::bind(b), days: KeyMap::default(), rows: Vec::new() }),
};

struct Slots {
    account: Slot,
    outlet: Slot,
    mode: Slot,
}

impl Slots {
    fn bind(b: &mut Binder) -> Slots {
        let s = |b: &mut Binder, n| b.slot(Kind::Opening, n);
        Slots { account: s(b, "account"), outlet: s(b, "outlet"), mode: s(b, "id_read_mode") }
    }
}

struct Down {
    slots: Slots,
    /// Per outlet and day: accounts that typed.
    days: KeyMap<Vec<Key>>,
    rows: Vec<(usize, Key, Key)>,
}

impl Down {
    fn key(&self, row: &Row<'_>) -> Option<(Key, Key)> {
        if row.kind() != Kind::Opening || row.text(self.slots.mode) != Some("manual") {
            return None;
        }
        let day = row.key(self.slots.outlet)?.and(Key::number(china_day(row.ts)));
        Some((day, row.key(self.slots.account)?))
    }
}

impl Check for Down {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if let Some((day, account)) = self.key(row) {
            self.rows.push((n, day, account));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((day, account)) = self.key(row) else { return };
        let list = self.days.entry(day).or_default();
        if !list.contains(&account) && list.len() < 3 {
            list.push(account);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        for (_, day, account) in self.rows.iter().filter(|r| r.0 == n) {
            tally.row(n, self.days.get(day).is_some_and(|l| l.iter().any(|a| a != account)));
        }
        tally.outcome(
            n,
            ("openings typed by hand", "笔手工录入"),
            ("fall on a day on which a colleague of the outlet typed too", "笔当日同网点另有工号手工录入"),
        )
    }
}
