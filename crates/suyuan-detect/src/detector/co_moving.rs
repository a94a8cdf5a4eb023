//! Cards that change cells on the same days to the same cells: a bank of cards in a car, phones carried in one bag.
//!
//! A card's path is its last [`STEPS`] changes of main cell, each with its day. At the end of a day the cards that moved that day are
//! put together by their whole path; `least` or more with the same path are a group. One origin or devices that were
//! handed round between them speak for it; without either it is no more than low, since families, teams and tour groups
//! travel together too.
//!
//! Chance: of the pairs of cards that moved on a day, the share that went the same way is counted; the chance that `k - 1` others
//! follow a path of [`STEPS`] such steps is that share to the power, taken as independent steps.
//!
//! Invariants: a card that went elsewhere on one of the days is not named.
//! State: about 250 bytes a card, for `span` days after its last row (swept weekly).
//! Blind to: cards that never leave their cell ([`super::device_pool`] and groups by cell see those); several cells within one day.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Entity, EntityKind, Level, Text};
use suyuan_model::time::{DAY, china_day};

use super::{Detector, Raised, Spec};
use crate::cards::origin::Origins;
use crate::cards::{SWEEP, expected, said};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::{Cite, Row, Slot};

/// Changes of cell that make a path: two cards of strangers share four only by design or as company.
const STEPS: usize = 4;
/// Devices of a card that are remembered.
const DEVICES: usize = 4;

pub(crate) static SPEC: Spec = Spec {
    name: "co_moving",
    what: ("cards that move on the same days to the same cells", "同日同址同步移动的卡"),
    on: &[Kind::Usage, Kind::Opening],
    params: &[
        ParamDef { name: "span", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "least", ty: ParamTy::Int, default: "5" },
        ParamDef { name: "chance", ty: ParamTy::Int, default: "100" },
    ],
    shared: None,
    build: |p, b| {
        let p = p[0];
        let mut s = |name| b.slot(Kind::Usage, name);
        let (card, cell, imei) = (s("card"), s("main_cell"), s("imei"));
        Box::new(Moving {
            span: (p.span("span") / DAY) as i32,
            least: p.int("least").max(2) as usize,
            chance: (p.int("chance").max(1) as f64).ln(),
            card,
            cell,
            imei,
            origins: Origins::new(b),
            cards: Table::default(),
            moved: Vec::new(),
            pairs: (0, 0),
            groups: (0, 0),
            swept: 0,
        })
    },
};

#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Step {
    day: i32,
    cell: Key,
    cite: Cite,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Card {
    id: Box<str>,
    last: i32,
    cell: Key,
    /// The latest last.
    steps: Vec<Step>,
    devices: Vec<Key>,
    told: bool,
}

struct Moving {
    span: i32,
    least: usize,
    chance: f64,
    card: Slot,
    cell: Slot,
    imei: Slot,
    origins: Origins,
    cards: Table<Card>,
    /// Cards that moved today.
    moved: Vec<Key>,
    /// Pairs of cards that moved on one day, and of them those that went the same way.
    pairs: (u64, u64),
    /// Groups told, and paths compared.
    groups: (u64, u64),
    swept: i64,
}

impl Saved for Moving {
    fn state(&mut self, v: &mut dyn Visit) {
        self.origins.state(v);
        v.table(&mut self.cards);
        v.cell(&mut Plain(&mut self.moved));
        v.cell(&mut Plain(&mut self.pairs));
        v.cell(&mut Plain(&mut self.groups));
        v.cell(&mut Plain(&mut self.swept));
    }
}

fn pairs(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

impl Moving {
    fn used(&mut self, row: &Row<'_>, cite: Cite) {
        let (Some(card), Some(id), Some(cell)) =
            (row.key(self.card), row.text(self.card), row.key(self.cell))
        else {
            return;
        };
        let day = china_day(row.ts) as i32;
        let c = self.cards.of(card);
        if c.id.is_empty() {
            c.id = id.into();
        }
        c.last = day;
        if let Some(d) = row.key(self.imei).filter(|d| !c.devices.contains(d)) {
            if c.devices.len() == DEVICES {
                c.devices.remove(0);
            }
            c.devices.push(d);
        }
        if c.cell == cell {
            return;
        }
        let first = c.cell.0 == 0;
        c.cell = cell;
        // A second device on the same day is no second step.
        if !first && c.steps.last().is_none_or(|s| s.day < day) {
            if c.steps.len() == STEPS {
                c.steps.remove(0);
            }
            c.steps.push(Step { day, cell, cite });
            self.moved.push(card);
        }
    }

    /// The day's moves by target, for how often two cards go the same way.
    fn count(&mut self, moved: &[Key]) {
        let mut to: BTreeMap<Key, u64> = BTreeMap::new();
        for k in moved {
            if let Some(s) = self.cards.get(k).and_then(|c| c.steps.last()) {
                *to.entry(s.cell).or_default() += 1;
            }
        }
        self.pairs.0 += pairs(moved.len() as u64);
        self.pairs.1 += to.values().map(|n| pairs(*n)).sum::<u64>();
    }

    fn path(&self, card: Key, day: i32) -> Option<Key> {
        let steps = &self.cards.get(&card)?.steps;
        if steps.len() < STEPS || day - steps[0].day > self.span {
            return None;
        }
        Some(steps.iter().fold(Key(1), |k, s| k.and(Key::number(i64::from(s.day))).and(s.cell)))
    }

    fn say(&mut self, cards: &[Key], movers: u64) -> Option<Raised> {
        let k = cards.len();
        if k < self.least || cards.iter().all(|c| self.cards.get(c).is_none_or(|c| c.told)) {
            return None;
        }
        let q = (self.pairs.1 as f64 + 1.0) / (self.pairs.0 as f64 + 2.0);
        // For each card of the day: that k - 1 given others follow it through all steps, times the ways to choose them.
        let choices = (k - 1) as f64 * (movers.max(2) as f64).ln();
        let tail = (movers.max(1) as f64).ln() + choices + (STEPS * (k - 1)) as f64 * q.ln();
        if tail > -self.chance {
            return None;
        }
        let shared = self.shared_devices(cards);
        let mut contributions = vec![
            said(
                "cards on the same path",
                "路径相同的卡数",
                k.to_string(),
                Some(format!("≥ {}", self.least)),
                (-tail).min(10.0),
            ),
            said("changes of cell on the same days", "同日变更基站次数", STEPS.to_string(), None, 0.0),
            said(
                "such groups expected by chance",
                "偶然情况下此类群组的期望数",
                expected(tail.exp()),
                Some(format!("≤ {}", expected((-self.chance).exp()))),
                0.0,
            ),
        ];
        if shared > 0 {
            contributions.push(said(
                "devices used by two or more of the cards",
                "组内两张以上卡用过的设备数",
                shared.to_string(),
                None,
                (shared as f64).min(4.0),
            ));
        }
        let (more, mut involved) = self.origins.shared(cards);
        let at_most = (more.is_empty() && shared == 0).then_some(Level::Low);
        contributions.extend(more);
        let mut rows = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for card in cards {
            rows.extend(self.origins.of(*card).map(|o| o.cite));
            let Some(c) = self.cards.get_mut(card) else { continue };
            rows.extend(c.steps.iter().map(|s| s.cite));
            involved.push(Entity::new(EntityKind::Card, &*c.id));
            names.push(c.id.to_string());
            c.told = true;
        }
        self.groups.0 += 1;
        let what = Text::new(
            "paths of cards that moved, of which so many were shared by a group",
            "移动卡的路径，其中由一组卡共有者",
        );
        Some(Raised {
            rule: 0,
            // The card with the smallest id stands for the group.
            entity: names.into_iter().min()?,
            rows,
            contributions,
            involved,
            base_rate: Some(BaseRate { hits: self.groups.0, of: self.groups.1.max(self.groups.0), what }),
            at_most,
        })
    }

    fn shared_devices(&self, cards: &[Key]) -> usize {
        let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for d in cards.iter().filter_map(|c| self.cards.get(c)).flat_map(|c| &c.devices) {
            if !once.insert(*d) {
                twice.insert(*d);
            }
        }
        twice.len()
    }
}

impl Detector for Moving {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, _: &Registry) {
        match row.kind() {
            Kind::Opening => self.origins.opened(row, cite),
            _ => self.used(row, cite),
        }
    }

    fn touch(&self, row: &Row<'_>) -> i64 {
        row.key(self.card).and_then(|k| self.cards.get(&k)).map_or(0, |c| i64::from(c.last))
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        if day - self.swept >= SWEEP {
            let from = day as i32 - self.span;
            self.cards.retain(|_, c| c.last >= from);
            self.origins.sweep(day);
            self.swept = day;
        }
        let mut moved = std::mem::take(&mut self.moved);
        moved.sort_unstable();
        moved.dedup();
        self.count(&moved);
        let mut paths: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
        for k in &moved {
            if let Some(p) = self.path(*k, day as i32) {
                paths.entry(p).or_default().push(*k);
            }
        }
        self.groups.1 += paths.len() as u64;
        let movers = moved.len() as u64;
        out.extend(paths.into_values().filter_map(|cards| self.say(&cards, movers)));
    }
}
