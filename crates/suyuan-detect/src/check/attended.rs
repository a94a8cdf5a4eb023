//! The customer was there or on the line: a visit, call or complaint assigned to the account around that time.
//!
//! Looks `within` before and after the row, so also at orders booked afterwards.
//! Blind to: which customer it was, where the row does not name a person.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, Tally};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::AccountChange, Kind::CardChange, Kind::Access, Kind::Opening];

pub(crate) static SPEC: Spec = Spec {
    name: "attended",
    what: ("a customer at the counter or on the line at that time", "当时有客户到访或来电"),
    reads: &[Kind::WorkOrder],
    params: &[ParamDef { name: "within", ty: ParamTy::Span, default: "1h" }],
    build: |p, b| {
        Box::new(Attended {
            account: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            w_account: b.slot(Kind::WorkOrder, "account"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            within: p.span("within"),
            orders: KeyMap::default(),
            rows: Vec::new(),
            any: false,
        })
    },
};

struct Attended {
    account: Vec<Slot>,
    w_account: Slot,
    w_kind: Slot,
    within: i64,
    /// Per account and day: when orders began.
    orders: KeyMap<Vec<i64>>,
    rows: Vec<(usize, Key, i64)>,
    any: bool,
}

fn bucket(account: Key, ts: i64) -> Key {
    account.and(Key::number(ts.div_euclid(DAY)))
}

impl Check for Attended {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        if let Some(a) = row.key(self.account[at]) {
            self.rows.push((n, a, row.ts));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::WorkOrder {
            return;
        }
        self.any = true;
        if !matches!(row.text(self.w_kind), Some("visit" | "call" | "complaint")) {
            return;
        }
        if let Some(a) = row.key(self.w_account) {
            self.orders.entry(bucket(a, row.ts)).or_default().push(row.ts);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        if !self.any {
            return (Outcome::NotCheckable, Text::new("the records hold no work orders", "记录中没有工单"));
        }
        let mut tally = Tally::default();
        for (_, account, ts) in self.rows.iter().filter(|r| r.0 == n) {
            let near = [-DAY, 0, DAY].iter().any(|d| {
                let day = self.orders.get(&bucket(*account, ts + d));
                day.is_some_and(|l| l.iter().any(|t| (t - ts).abs() <= self.within))
            });
            tally.row(n, near);
        }
        tally.outcome(
            n,
            ("rows", "条记录"),
            (
                "lie beside a visit, call or complaint assigned to the account",
                "条前后有分派给该工号的到访、来电或投诉",
            ),
        )
    }
}
