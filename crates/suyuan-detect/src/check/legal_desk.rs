//! A liaison desk: nine of ten such look-ups of the account in the records are made under an order.
//!
//! Compares the account's own accesses to tracks, call details or content; at least twenty of them make a desk.
//! Blind to: a desk that also sells; the rows without an order remain to be explained one by one.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const FEWEST: u64 = 20;

pub(crate) static SPEC: Spec = Spec {
    name: "legal_desk",
    what: (
        "a desk that answers the authorities: its other look-ups name orders",
        "协查岗位：其余此类查询均列有工单",
    ),
    reads: &[Kind::Access],
    params: &[],
    build: |_, b| {
        Box::new(Desk {
            account: b.slot(Kind::Access, "account"),
            categories: b.slot(Kind::Access, "categories"),
            order: b.slot(Kind::Access, "order"),
            accounts: KeyMap::default(),
        })
    },
};

struct Desk {
    account: Slot,
    categories: Slot,
    order: Slot,
    /// With an order, and all.
    accounts: KeyMap<(u64, u64)>,
}

impl Check for Desk {
    fn evidence(&mut self, _: usize, _: &Row<'_>, _: &Registry) {}
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Access {
            return;
        }
        let is = |c: &str| matches!(c, "location_track" | "call_detail" | "content");
        if !row.text(self.categories).is_some_and(|t| t.split(';').any(is)) {
            return;
        }
        if let Some(a) = row.key(self.account) {
            let e = self.accounts.entry(a).or_default();
            e.0 += u64::from(row.text(self.order).is_some());
            e.1 += 1;
        }
    }
    fn outcome(&self, _: usize, about: &About<'_>) -> (Outcome, Text) {
        let (k, n) = self.accounts.get(&Key::of(about.entity)).copied().unwrap_or_default();
        let text = Text::new(
            format!("{k} of the account's {n} look-ups of tracks, call details or content name an order"),
            format!("该工号{n}次轨迹、话单或内容查询中{k}次列有工单"),
        );
        let outcome = match () {
            () if n < FEWEST => Outcome::NotCheckable,
            () if k * 10 >= n * 9 => Outcome::Supported,
            () => Outcome::Excluded,
        };
        (outcome, text)
    }
}
