//! A market at night or long hours: at that hour of the day colleagues of the outlet open cards too.
//!
//! Supported for a row when at least two other accounts of the outlet opened a card within the same hour of the day,
//! on any day of the records. Blind to: an outlet all of whose staff take part.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::{CHINA, DAY, HOUR};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "trade_at_that_hour",
    what: (
        "a night market or longer hours: colleagues trade at that hour too",
        "夜市或延时营业：同网点他人亦在该时段办理",
    ),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Trade {
            account: b.slot(Kind::Opening, "account"),
            outlet: b.slot(Kind::Opening, "outlet"),
            hours: KeyMap::default(),
            rows: Vec::new(),
        })
    },
};

struct Trade {
    account: Slot,
    outlet: Slot,
    /// Per outlet and hour of the day: accounts, at most four.
    hours: KeyMap<Vec<Key>>,
    rows: Vec<(usize, Key, Key)>,
}

impl Trade {
    fn key(&self, row: &Row<'_>) -> Option<(Key, Key)> {
        if row.kind() != Kind::Opening {
            return None;
        }
        let hour = (row.ts + CHINA).rem_euclid(DAY) / HOUR;
        Some((row.key(self.outlet)?.and(Key::number(hour)), row.key(self.account)?))
    }
}

impl Check for Trade {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if let Some((hour, account)) = self.key(row) {
            self.rows.push((n, hour, account));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((hour, account)) = self.key(row) else { return };
        let list = self.hours.entry(hour).or_default();
        if list.len() < 4 && !list.contains(&account) {
            list.push(account);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        for (_, hour, account) in self.rows.iter().filter(|r| r.0 == n) {
            let others = self.hours.get(hour).map_or(0, |l| l.iter().filter(|a| *a != account).count());
            tally.row(n, others >= 2);
        }
        tally.outcome(
            n,
            ("openings", "笔开卡"),
            (
                "fall in an hour at which two colleagues of the outlet open cards too",
                "笔所在时段同网点另有两人以上办理",
            ),
        )
    }
}
