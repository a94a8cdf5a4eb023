//! Which opening stands behind a card, and whether a group of cards comes from one outlet or account.
//!
//! State: about 100 bytes an opened card, for 400 days after the opening; one number per outlet and account.
//! Blind to: cards opened before the records begin; they count as unknown, not as from elsewhere.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Contribution, Entity, EntityKind};
use suyuan_model::time::china_day;

use super::{chance, expected, said};
use crate::hash::Key;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::{Binder, Cite, Row, Slot};

/// An opening older than this no longer speaks of the card's use.
const MEMORY: i64 = 400;
/// Fewer cards of one origin than this are no concentration.
const LEAST: u64 = 3;

/// What is kept of an opening.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Opened {
    pub day: i32,
    pub outlet: u32,
    pub account: u32,
    /// Where the network saw the opening, else the declared place, as a number; 0 where unknown.
    pub region: u32,
    pub plan: u32,
    pub cite: Cite,
}

/// Openings by card.
pub(crate) struct Origins {
    card: Slot,
    outlet: Slot,
    account: Slot,
    region: Slot,
    cell_region: Slot,
    plan: Slot,
    cards: Table<Opened>,
    by_name: Table<u32>,
    names: Vec<Box<str>>,
    /// Openings of each name, in the order of `names`.
    openings: Vec<u32>,
    total: u64,
}

/// Which of an opening's two places.
type Side = fn(&Opened) -> u32;

impl Saved for Origins {
    fn state(&mut self, v: &mut dyn Visit) {
        v.table(&mut self.cards);
        v.table(&mut self.by_name);
        v.cell(&mut Plain(&mut self.names));
        v.cell(&mut Plain(&mut self.openings));
        v.cell(&mut Plain(&mut self.total));
    }
}

/// Regions are compared and kept as numbers.
pub(crate) fn region_number(code: Option<&str>) -> u32 {
    code.and_then(|c| c.parse().ok()).unwrap_or(0)
}

impl Origins {
    pub fn new(b: &mut Binder) -> Origins {
        let mut s = |name| b.slot(Kind::Opening, name);
        Origins {
            card: s("card"),
            outlet: s("outlet"),
            account: s("account"),
            region: s("region6"),
            cell_region: s("cell_region6"),
            plan: s("plan"),
            cards: Table::default(),
            by_name: Table::default(),
            // The empty name stands for unknown.
            names: vec!["".into()],
            openings: vec![0],
            total: 0,
        }
    }

    fn name(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return 0 };
        let next = self.names.len() as u32;
        let n = *self.by_name.or_insert_with(Key::of(text), || next);
        if n == next {
            self.names.push(text.into());
            self.openings.push(0);
        }
        n
    }

    /// Reads what is known of a card; the number says nothing.
    pub fn touch(&self, card: Key) -> i64 {
        self.of(card).map_or(0, |o| i64::from(o.day))
    }

    /// Takes an opening in.
    pub fn opened(&mut self, row: &Row<'_>, cite: Cite) {
        let Some(card) = row.key(self.card) else { return };
        let (outlet, account) = (self.name(row.text(self.outlet)), self.name(row.text(self.account)));
        let plan = self.name(row.text(self.plan));
        let region = region_number(row.text(self.cell_region).or_else(|| row.text(self.region)));
        let day = china_day(row.ts) as i32;
        self.openings[outlet as usize] += 1;
        self.openings[account as usize] += 1;
        self.openings[plan as usize] += 1;
        self.total += 1;
        self.cards.insert(card, Opened { day, outlet, account, region, plan, cite });
    }

    /// The opening of a card.
    pub fn of(&self, card: Key) -> Option<&Opened> {
        self.cards.get(&card)
    }

    /// Openings that bear a name: of an outlet, an account, a tariff.
    pub fn openings_of(&self, name: u32) -> u32 {
        if name == 0 { 0 } else { self.openings.get(name as usize).copied().unwrap_or(0) }
    }

    /// The text of a name.
    pub fn text(&self, name: u32) -> &str {
        self.names.get(name as usize).map_or("", |n| n)
    }

    /// Forgets openings of long ago; for the sweep of every week.
    pub fn sweep(&mut self, day: i64) {
        self.cards.retain(|_, o| day - i64::from(o.day) <= MEMORY);
    }

    /// The outlet and the account that opened more of these cards than their share of all openings explains:
    /// what to say, and whom to name.
    pub fn shared(&self, cards: &[Key]) -> (Vec<Contribution>, Vec<Entity>) {
        let known: Vec<&Opened> = cards.iter().filter_map(|c| self.of(*c)).collect();
        let (mut said_of, mut named) = (Vec::new(), Vec::new());
        let sides: [(Side, EntityKind, &str, &str); 2] = [
            (|o| o.outlet, EntityKind::Outlet, "cards opened at one outlet", "由同一网点开出的卡"),
            (|o| o.account, EntityKind::Account, "cards opened by one account", "由同一工号开出的卡"),
        ];
        for (side, kind, en, zh) in sides {
            let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
            known.iter().map(|o| side(o)).filter(|n| *n > 0).for_each(|n| *counts.entry(n).or_default() += 1);
            let Some((n, k)) = counts.into_iter().max_by_key(|(n, k)| (*k, std::cmp::Reverse(*n))) else {
                continue;
            };
            let all = known.len() as u64;
            // The group itself is left out of the share that it is held against.
            let others = self.total.saturating_sub(all).max(1) as f64;
            let q = u64::from(self.openings[n as usize]).saturating_sub(k).max(1) as f64 / others;
            let tail = chance::ln_tail(k, all, q.min(1.0)) + (self.names.len() as f64).ln();
            if k < LEAST || k * 2 < all || tail > -4.6 {
                continue;
            }
            said_of.push(said(
                format!("{en} ({})", self.text(n)),
                format!("{zh}（{}）", self.text(n)),
                format!("{k} / {all}"),
                Some(format!("≈ {}", expected(all as f64 * q))),
                -tail.max(-12.0),
            ));
            named.push(Entity::new(kind, self.text(n)));
        }
        (said_of, named)
    }
}
