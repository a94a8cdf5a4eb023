//! Travellers: the cards are later used again at the place where they were opened.
//!
//! Each card of the finding is followed for the rest of the records; explained when any later row of use lies in the city of the
//! opening. Blind to: those who moved for good; nothing in the records tells a mover from an exported card.

use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::{Kind, region};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "came_home",
    what: ("travellers: the cards come back to where they were opened", "出行：卡随后回到开卡地使用"),
    reads: &[Kind::Opening, Kind::Usage],
    params: &[],
    build: |_, b| {
        Box::new(CameHome {
            o_card: b.slot(Kind::Opening, "card"),
            o_region: b.slot(Kind::Opening, "region6"),
            card: b.slot(Kind::Usage, "card"),
            main: b.slot(Kind::Usage, "main_region6"),
            opened: KeyMap::default(),
            back: KeyMap::default(),
            asked: Vec::new(),
        })
    },
};

struct CameHome {
    o_card: Slot,
    o_region: Slot,
    card: Slot,
    main: Slot,
    /// City of the opening.
    opened: KeyMap<&'static str>,
    /// Cards of findings: whether they came back.
    back: KeyMap<bool>,
    asked: Vec<(usize, Key)>,
}

impl Check for CameHome {
    fn shared(&self) -> bool {
        false
    }
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Usage {
            return;
        }
        if let Some(card) = row.key(self.card) {
            self.back.entry(card).or_insert(false);
            self.asked.push((n, card));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            if let Some((card, r)) = row.key(self.o_card).zip(row.text(self.o_region)) {
                self.opened.insert(card, region::city(r));
            }
            return;
        }
        let Some((card, main)) = row.key(self.card).zip(row.text(self.main)) else { return };
        if let Some(b) = self.back.get_mut(&card)
            && self.opened.get(&card).is_some_and(|c| !c.is_empty() && *c == region::city(main))
        {
            *b = true;
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut cards: Vec<Key> = self.asked.iter().filter(|a| a.0 == n).map(|a| a.1).collect();
        cards.sort_unstable();
        cards.dedup();
        let mut tally = Tally::default();
        cards.iter().for_each(|c| tally.row(n, self.back.get(c).copied().unwrap_or(false)));
        tally.outcome(
            n,
            ("cards", "张卡"),
            ("are used later in the city of their opening", "张此后回到开卡城市使用"),
        )
    }
}
