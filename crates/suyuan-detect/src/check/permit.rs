//! A sales van or fair with a permit: a work order of the kind `permit` for the account or its outlet.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "permit",
    what: ("sales outside the outlet under a permit", "持许可在网点外营销"),
    reads: &[Kind::WorkOrder],
    params: &[],
    build: |_, b| {
        Box::new(Permit {
            account: b.slot(Kind::Opening, "account"),
            outlet: b.slot(Kind::Opening, "outlet"),
            w_account: b.slot(Kind::WorkOrder, "account"),
            w_outlet: b.slot(Kind::WorkOrder, "outlet"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            w_to: b.slot(Kind::WorkOrder, "valid_to"),
            permits: KeyMap::default(),
            rows: Vec::new(),
        })
    },
};

struct Permit {
    account: Slot,
    outlet: Slot,
    w_account: Slot,
    w_outlet: Slot,
    w_kind: Slot,
    w_to: Slot,
    permits: KeyMap<Vec<(i64, i64)>>,
    rows: Vec<(usize, i64, Option<Key>, Option<Key>)>,
}

impl Check for Permit {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            self.rows.push((n, row.ts, row.key(self.account), row.key(self.outlet)));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::WorkOrder || row.text(self.w_kind) != Some("permit") {
            return;
        }
        let to = row.time(self.w_to).unwrap_or(row.ts + DAY);
        for k in [row.key(self.w_account), row.key(self.w_outlet)].into_iter().flatten() {
            self.permits.entry(k).or_default().push((row.ts, to));
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let (mut covered, mut all) = (0, 0);
        for (_, ts, account, outlet) in self.rows.iter().filter(|r| r.0 == n) {
            // Booked up to a week late still covers the day.
            let holds = |k: &Key| {
                self.permits
                    .get(k)
                    .is_some_and(|l| l.iter().any(|(from, to)| from - 7 * DAY <= *ts && ts < to))
            };
            covered += u64::from([account, outlet].into_iter().flatten().any(holds));
            all += 1;
        }
        if all == 0 {
            return (Outcome::NotCheckable, Text::new("no openings to look at", "没有可核查的开卡记录"));
        }
        let text = Text::new(
            format!("{covered} of {all} openings fall under a permit of the account or outlet"),
            format!("{all}笔开卡中{covered}笔在工号或网点的许可期内"),
        );
        (share(covered, all), text)
    }
}
