//! On call: a duty or maintenance permit for the account covers the time, or its shift does.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Login, Kind::Access, Kind::AccountChange, Kind::CardChange];

pub(crate) static SPEC: Spec = Spec {
    name: "on_duty",
    what: ("on-call duty or maintenance under a permit", "值班或持许可维护"),
    reads: &[Kind::WorkOrder],
    params: &[],
    build: |_, b| {
        Box::new(OnDuty {
            account: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            w_account: b.slot(Kind::WorkOrder, "account"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            w_to: b.slot(Kind::WorkOrder, "valid_to"),
            permits: KeyMap::default(),
            rows: Vec::new(),
        })
    },
};

struct OnDuty {
    account: Vec<Slot>,
    w_account: Slot,
    w_kind: Slot,
    w_to: Slot,
    permits: KeyMap<Vec<(i64, i64)>>,
    rows: Vec<(usize, Key, i64)>,
}

impl Check for OnDuty {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        if let Some(a) = row.key(self.account[at]) {
            self.rows.push((n, a, row.ts));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::WorkOrder || row.text(self.w_kind) != Some("permit") {
            return;
        }
        if let Some(a) = row.key(self.w_account) {
            let to = row.time(self.w_to).unwrap_or(row.ts + DAY);
            self.permits.entry(a).or_default().push((row.ts, to));
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let rows: Vec<_> = self.rows.iter().filter(|r| r.0 == n).collect();
        if rows.is_empty() {
            return (Outcome::NotCheckable, Text::new("no rows to look at", "没有可核查的记录"));
        }
        let covers = |(_, a, ts): &&&(usize, Key, i64)| {
            // A permit is often booked within the day.
            self.permits.get(a).is_some_and(|l| l.iter().any(|(from, to)| from - DAY <= *ts && ts < to))
        };
        let covered = rows.iter().filter(covers).count();
        let text = Text::new(
            format!("{covered} of {} rows fall in a permit of the account", rows.len()),
            format!("{}条记录中{covered}条在该工号的许可期内", rows.len()),
        );
        (share(covered as u64, rows.len() as u64), text)
    }
}
