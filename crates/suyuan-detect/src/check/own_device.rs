//! A repair shop, a test bench, a borrowed phone: from then on the cards were mostly used in other devices.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "own_device",
    what: ("a repair shop, test bench or borrowed phone", "维修、测试或借用设备"),
    reads: &[Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(OwnDevice {
            card: b.slot(Kind::Usage, "card"),
            imei: b.slot(Kind::Usage, "imei"),
            cards: KeyMap::default(),
            findings: BTreeMap::new(),
        })
    },
};

/// Devices in which a card was cited, and its days in them and in others from then on.
#[derive(Default)]
struct Seen {
    devices: Vec<Key>,
    here: u64,
    elsewhere: u64,
}

struct OwnDevice {
    card: Slot,
    imei: Slot,
    cards: KeyMap<Seen>,
    findings: BTreeMap<usize, Vec<Key>>,
}

impl Check for OwnDevice {
    fn shared(&self) -> bool {
        false
    }
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let (Some(card), Some(imei)) = (row.key(self.card), row.key(self.imei)) else { return };
        let seen = self.cards.entry(card).or_default();
        if !seen.devices.contains(&imei) {
            seen.devices.push(imei);
        }
        let list = self.findings.entry(n).or_default();
        if !list.contains(&card) {
            list.push(card);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        if let Some(seen) = row.key(self.card).and_then(|c| self.cards.get_mut(&c))
            && let Some(imei) = row.key(self.imei)
        {
            match seen.devices.contains(&imei) {
                true => seen.here += 1,
                false => seen.elsewhere += 1,
            }
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let Some(cards) = self.findings.get(&n) else {
            return (Outcome::NotCheckable, Text::new("no device named in the rows", "记录中无设备信息"));
        };
        let left = cards.iter().filter_map(|c| self.cards.get(c)).filter(|s| s.elsewhere > s.here).count();
        let text = Text::new(
            format!("{left} of {} cards were mostly used in another device from then on", cards.len()),
            format!("{}张卡中{left}张此后主要在其他设备使用", cards.len()),
        );
        (share(left as u64, cards.len() as u64), text)
    }
}
