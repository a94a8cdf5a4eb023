//! A new phone: after the changes the card stays in one device for good.
//!
//! Supported when the last five or more rows of use of the card name one device; excluded when the last three name at least two.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "new_phone",
    what: ("a new phone, in which the card then stays", "更换新手机后固定使用"),
    reads: &[Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(NewPhone {
            card: b.slot(Kind::Usage, "card"),
            imei: b.slot(Kind::Usage, "imei"),
            cards: KeyMap::default(),
            asked: Vec::new(),
        })
    },
};

struct NewPhone {
    card: Slot,
    imei: Slot,
    /// Cards of findings: latest device, and for how many rows.
    cards: KeyMap<(Key, u64)>,
    asked: Vec<(usize, Key)>,
}

impl Check for NewPhone {
    fn shared(&self) -> bool {
        false
    }
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        if let Some(card) = row.key(self.card) {
            if self.asked.last() != Some(&(n, card)) {
                self.asked.push((n, card));
            }
            self.cards.entry(card).or_insert((Key(0), 0));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some((card, imei)) = row.key(self.card).zip(row.key(self.imei)) else { return };
        if let Some(c) = self.cards.get_mut(&card) {
            *c = if c.0 == imei { (imei, c.1 + 1) } else { (imei, 1) };
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let runs: Vec<u64> = self
            .asked
            .iter()
            .filter(|a| a.0 == n)
            .filter_map(|a| self.cards.get(&a.1))
            .map(|c| c.1)
            .collect();
        let Some(least) = runs.iter().min() else {
            return (Outcome::NotCheckable, Text::new("no use to look at", "没有可核查的用卡记录"));
        };
        let text = Text::new(
            format!("the card's last {least} rows of use name one device"),
            format!("该卡最近{least}条用卡记录为同一设备"),
        );
        let outcome = match least {
            5.. => Outcome::Supported,
            ..3 => Outcome::Excluded,
            _ => Outcome::NotCheckable,
        };
        (outcome, text)
    }
}
