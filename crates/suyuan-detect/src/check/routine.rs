//! A routine job: the same account did the same to the same object in at least two earlier months.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::{DAY, china_day, civil_from_days};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "routine",
    what: ("a monthly report or other routine job", "月度报表等例行任务"),
    reads: &[Kind::Access],
    params: &[],
    build: |_, b| {
        Box::new(Routine {
            account: b.slot(Kind::Access, "account"),
            action: b.slot(Kind::Access, "action"),
            object: b.slot(Kind::Access, "object"),
            order: b.slot(Kind::Access, "order"),
            months: KeyMap::default(),
            tally: Tally::default(),
        })
    },
};

struct Routine {
    account: Slot,
    action: Slot,
    object: Slot,
    order: Slot,
    /// Months in which it was done under an order.
    months: KeyMap<Vec<i64>>,
    tally: Tally,
}

impl Routine {
    fn key(&self, row: &Row<'_>) -> Option<Key> {
        let base = row.key(self.account)?.and(row.key(self.action)?);
        Some(base.and(row.key(self.object).unwrap_or(Key(1))))
    }
}

fn month(ts: i64) -> i64 {
    let (y, m, _) = civil_from_days(china_day(ts));
    y * 12 + i64::from(m)
}

impl Check for Routine {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Access {
            return;
        }
        let Some(k) = self.key(row) else { return };
        let earlier = self.months.get(&k).map_or(0, |l| l.iter().filter(|m| **m < month(row.ts)).count());
        self.tally.row(n, earlier >= 2);
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        // Only what was done under an order makes a routine.
        if row.kind() != Kind::Access || row.key(self.order).is_none() {
            return;
        }
        if let Some(k) = self.key(row) {
            let list = self.months.entry(k).or_default();
            let m = month(row.ts);
            if list.last() != Some(&m) && list.len() < 24 {
                list.push(m);
            }
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, about: &About<'_>) -> (Outcome, Text) {
        if self.tally.get(n).1 > 0 && about.last - about.first < DAY && self.months.is_empty() {
            let text = Text::new("no such act under an order in the records", "记录中无此类持工单的操作");
            return (Outcome::Excluded, text);
        }
        self.tally.outcome(
            n,
            ("accesses", "次访问"),
            (
                "repeat what the account did under an order in two or more earlier months",
                "次与该工号此前两个月以上持工单的操作相同",
            ),
        )
    }
}
