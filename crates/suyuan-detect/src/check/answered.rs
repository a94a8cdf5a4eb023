//! A call centre, courier or shop: the cards are called as well, by people who are no new subscribers.
//!
//! A card is so explained when, over the rows cited and all its later ones, at least one call comes in for three that go
//! out and fewer than one peer in four was opened within thirty days.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec, share};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "answered",
    what: ("a call centre, courier or shop whose contacts call back", "客服、快递或店铺用卡（有正常回呼）"),
    reads: &[Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(Answered {
            card: b.slot(Kind::Usage, "card"),
            counts: ["calls_out", "calls_in", "peers", "peers_new"].map(|c| b.slot(Kind::Usage, c)),
            cards: KeyMap::default(),
            findings: BTreeMap::new(),
        })
    },
};

struct Answered {
    card: Slot,
    counts: [Slot; 4],
    /// Calls out and in, peers and new peers.
    cards: KeyMap<[i64; 4]>,
    findings: BTreeMap<usize, Vec<Key>>,
}

fn explained([out, inn, peers, new]: &[i64; 4]) -> bool {
    *inn > 0 && inn * 3 >= *out && new * 4 < *peers
}

impl Check for Answered {
    fn shared(&self) -> bool {
        false
    }
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some(card) = row.key(self.card) else { return };
        self.cards.entry(card).or_default();
        let list = self.findings.entry(n).or_default();
        if !list.contains(&card) {
            list.push(card);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        if let Some(sums) = row.key(self.card).and_then(|c| self.cards.get_mut(&c)) {
            for (sum, slot) in sums.iter_mut().zip(&self.counts) {
                *sum += row.int(*slot).unwrap_or(0).max(0);
            }
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let Some(cards) = self.findings.get(&n) else {
            return (Outcome::NotCheckable, Text::new("no use in the rows", "记录中无用卡情况"));
        };
        let k = cards.iter().filter_map(|c| self.cards.get(c)).filter(|s| explained(s)).count();
        let text = Text::new(
            format!("{k} of {} cards are called back by settled contacts", cards.len()),
            format!("{}张卡中{k}张有稳定联系人回呼", cards.len()),
        );
        (share(k as u64, cards.len() as u64), text)
    }
}
