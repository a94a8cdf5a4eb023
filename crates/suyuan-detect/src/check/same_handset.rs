//! The same phone in the same place as before: a person who took up the card again, such as a seasonal courier.
//!
//! Compares device and city of the row with the card's latest earlier use.

use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::{Kind, region};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "same_handset",
    what: (
        "the same phone in the same city as before: taken up again by its user",
        "与此前同一手机、同一城市：本人恢复使用",
    ),
    reads: &[Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(Same {
            card: b.slot(Kind::Usage, "card"),
            imei: b.slot(Kind::Usage, "imei"),
            main: b.slot(Kind::Usage, "main_region6"),
            last: KeyMap::default(),
            frozen: KeyMap::default(),
            tally: Tally::default(),
        })
    },
};

type Trace = (Option<Key>, &'static str);

struct Same {
    card: Slot,
    imei: Slot,
    main: Slot,
    last: KeyMap<Trace>,
    /// Per finding and card: the trace before the finding's first row.
    frozen: KeyMap<Option<Trace>>,
    tally: Tally,
}

impl Same {
    fn trace(&self, row: &Row<'_>) -> Trace {
        (row.key(self.imei), row.text(self.main).map_or("", region::city))
    }
}

impl Check for Same {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some(card) = row.key(self.card) else { return };
        let before = self.last.get(&card).copied();
        let known = *self.frozen.entry(Key::number(n as i64).and(card)).or_insert(before);
        if let Some(k) = known {
            self.tally.row(n, k == self.trace(row));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let trace = self.trace(row);
        if let Some(card) = row.key(self.card) {
            self.last.insert(card, trace);
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("days of use", "条用卡记录"),
            ("are in the device and city of the use before", "条与此前使用的设备和城市相同"),
        )
    }
}
