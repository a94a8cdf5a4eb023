//! Cards used unlike comparable cards, without labels; alone, or several under one device, cell or origin.
//!
//! At the end of each day on which a card was used, nine measures of its last weeks ([`crate::cards::profile`]) are held against
//! cards of the same age and tariff ([`crate::cards::usual`]). Each adds nats for or against: a card that is called back, has
//! settled contacts and moves about has much that speaks against. The sum is held against the sums of comparable cards: a card is
//! unusual when at most one in `rare` of them reaches it, it is at least [`LEAST`] nats, and two measures speak for it.
//!
//! With `by: card` each unusual card is told, with every measure, what is usual and how rare the value is. With another `by` a
//! device, cell, outlet or account is told under which more unusual cards stand than chance explains ([`crate::cards::links`]).
//!
//! Invariants: the same card with the same use among the same others has the same score, whatever day it is; cards with fewer
//! than three days of use are never told.
//! Rules that look at the same rows share the profiles and the measures; each has its own links.
//! State: about 350 bytes a card and 100 for each link, and 40 for each row of those whose score is above nought (40 rows at most), for `span` days.
//! Blind to: farms that make up more than a fiftieth of all comparable cards (they are then usual by the card; groups under
//! a link still stand out only if most cards do not look so); cards used just like others.

use std::cmp::Reverse;

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Text};
use suyuan_model::time::{DAY, china_day};

use super::card_groups::Linker;
use super::{Detector, Raised, Spec};
use crate::cards::links::{Limits, Links, Under};
use crate::cards::origin::{Origins, region_number};
use crate::cards::profile::{ALL, Counts, MEASURES, Profile};
use crate::cards::usual::{self, BINS, NONE, Place, Usual};
use crate::cards::{SWEEP, one_in, said};
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::{Binder, Cite, Row, Slot};

/// A sum below this is not told, however rare.
const LEAST: f64 = 3.0;
/// A measure speaks for a card from this on (its value is reached by one card in 32).
const SPEAKS: f64 = 1.2;
/// Rows kept of a card that may be told.
const ROWS: usize = 40;
/// Data volumes up to this many MB count as small.
const SMALL: i64 = 20;
/// A card that was told is told again when its sum grew by this.
const MORE: f64 = 3.0;

pub(crate) static SPEC: Spec = Spec {
    name: "unusual_cards",
    what: (
        "cards used unlike others of the same age and tariff, alone or under one link",
        "用卡方式异于同龄同套餐卡者（单卡或同一关联下多卡）",
    ),
    on: &[Kind::Usage, Kind::Opening],
    params: &[
        ParamDef {
            name: "by",
            ty: ParamTy::Word(&["card", "imei", "cell", "outlet", "account", "account_week"]),
            default: "card",
        },
        ParamDef { name: "half", ty: ParamTy::Span, default: "15d" },
        ParamDef { name: "rare", ty: ParamTy::Int, default: "500" },
        ParamDef { name: "least", ty: ParamTy::Int, default: "5" },
        ParamDef { name: "share", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "chance", ty: ParamTy::Int, default: "100" },
    ],
    shared: Some(&["half"]),
    build: |p, b| Box::new(Unusual::new(p, b)),
};

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Card {
    id: Box<str>,
    last: i32,
    profile: Profile,
    cell: Key,
    /// The day's data volume so far seen last, MB; -1 for none.
    data: i64,
    place: Option<Place<MEASURES>>,
    sum: Option<Place<1>>,
    latest: Option<Cite>,
    watched: bool,
    rows: Vec<Cite>,
}

struct Slots {
    cell: Slot,
    region: Slot,
    data: Slot,
    counts: [Slot; 6],
}

/// What one of the rules asks for.
struct Way {
    rare: u64,
    alone: bool,
    limits: Limits,
    linker: Linker,
    links: Links,
    /// What the bases of the links are called.
    names: Table<Box<str>>,
    /// Per card the sum with which it was last told, hundredths of nats.
    told: Table<i32>,
}

/// The cards and their use, measured once for all rules.
struct Unusual {
    half: i32,
    card: Linker,
    slots: Slots,
    origins: Origins,
    cards: Table<Card>,
    usual: Usual,
    sums: Usual,
    active: Vec<Key>,
    swept: i64,
    ways: Vec<Way>,
}

impl Saved for Unusual {
    fn state(&mut self, v: &mut dyn Visit) {
        self.origins.state(v);
        v.table(&mut self.cards);
        v.cell(&mut Plain(&mut self.usual));
        v.cell(&mut Plain(&mut self.sums));
        v.cell(&mut Plain(&mut self.active));
        v.cell(&mut Plain(&mut self.swept));
        for w in &mut self.ways {
            w.links.state(v);
            v.table(&mut w.names);
            v.table(&mut w.told);
        }
    }
}

/// A card's nats, one for each measure.
type Nats = [f64; MEASURES];

impl Way {
    fn new(p: &Params, half: i32, b: &mut Binder) -> Way {
        Way {
            rare: p.int("rare").max(2) as u64,
            alone: p.get("by") == "card",
            limits: Limits {
                span: 2 * half,
                least: p.int("least").max(2) as u64,
                days: 1,
                share: p.int("share").clamp(0, 100) as u64,
                chance: (p.int("chance").max(1) as f64).ln(),
                stay: false,
            },
            linker: Linker::new(p, b),
            links: Links::default(),
            names: Table::default(),
            told: Table::default(),
        }
    }

    /// A card is used: it moves under the row's link.
    fn used(&mut self, row: &Row<'_>, card: Key, day: i32, origins: &Origins) {
        if self.alone {
            return;
        }
        if let Some(u) = self.linker.under(row, card, origins)
            && self.links.used(card, &u, day)
        {
            self.names.or_insert_with(u.base, || u.name.into());
        }
    }
}

impl Unusual {
    fn new(p: &[&Params], b: &mut Binder) -> Unusual {
        let half = ((p[0].span("half") / DAY) as i32).max(1);
        let mut s = |name| b.slot(Kind::Usage, name);
        let slots = Slots {
            cell: s("main_cell"),
            region: s("main_region6"),
            data: s("data_mb"),
            counts: ["calls_out", "calls_in", "calls_short", "peers", "peers_new", "otp_senders"].map(&mut s),
        };
        Unusual {
            half,
            card: Linker::new(p[0], b),
            slots,
            origins: Origins::new(b),
            cards: Table::default(),
            usual: Usual::default(),
            sums: Usual::default(),
            active: Vec::new(),
            swept: 0,
            ways: p.iter().map(|p| Way::new(p, half, b)).collect(),
        }
    }

    fn used(&mut self, row: &Row<'_>, cite: Cite) {
        let Some((card, id)) = self.card.card(row) else { return };
        let day = china_day(row.ts) as i32;
        let region = region_number(row.text(self.slots.region));
        let far = self
            .origins
            .of(card)
            .is_some_and(|o| o.region > 0 && region > 0 && o.region / 10_000 != region / 10_000);
        let c = self.cards.of(card);
        if c.id.is_empty() {
            (c.id, c.data) = (id.into(), -1);
        }
        let new_day = c.last != day;
        c.last = day;
        let n = self.slots.counts.map(|s| row.int(s).unwrap_or(0).clamp(0, 1_000_000) as u32);
        let (data, cell) = (row.int(self.slots.data), row.key(self.slots.cell));
        let counts = c.profile.at(day, self.half);
        add(counts, n);
        if new_day {
            counts.days += 1;
            counts.far += u32::from(far);
            counts.ticks += u32::from(data.is_some_and(|d| d == c.data && d > 0 && d <= SMALL));
            counts.same_cell += u32::from(cell.is_some_and(|k| k == c.cell));
            self.active.push(card);
        }
        c.data = data.unwrap_or(-1);
        c.cell = cell.unwrap_or_default();
        c.latest = Some(cite);
        if c.watched && c.rows.len() < ROWS {
            c.rows.push(cite);
        }
        for w in &mut self.ways {
            w.used(row, card, day, &self.origins);
        }
    }

    /// Takes the measures of the day's cards.
    fn measure(&mut self, active: &[Key], day: i32) {
        for k in active {
            let opened = self.origins.of(*k);
            let plan = opened.map_or(0, |o| o.plan);
            let stratum = usual::stratum(opened.map(|o| day - o.day), plan, self.origins.openings_of(plan));
            let Some(c) = self.cards.get_mut(k) else { continue };
            let sum = c.profile.sum();
            let place = Place { stratum, bins: std::array::from_fn(|m| ALL[m].bin(&sum)) };
            self.usual.put(c.place.as_ref(), &place);
            c.place = Some(place);
        }
    }

    fn nats(&self, p: &Place<MEASURES>) -> Nats {
        std::array::from_fn(|m| {
            if p.bins[m] == NONE {
                return 0.0;
            }
            let reach = self.usual.reach(p.stratum, m, p.bins[m], ALL[m].low);
            reach.map_or(0.0, |(reach, all)| usual::nats(reach, all))
        })
    }

    /// Sums the measures up and places the sums among each other.
    fn add_up(&mut self, active: &[Key]) -> Vec<(Key, Nats)> {
        let mut out = Vec::new();
        for k in active {
            let Some(place) = self.cards.get(k).and_then(|c| c.place) else { continue };
            let nats = self.nats(&place);
            let sum: f64 = nats.iter().sum();
            let bin = (sum + 8.0).clamp(0.0, BINS as f64 - 1.0) as u8;
            let Some(c) = self.cards.get_mut(k) else { continue };
            let new = Place { stratum: place.stratum, bins: [bin] };
            self.sums.put(c.sum.as_ref(), &new);
            c.sum = Some(new);
            c.watched = sum > 0.0;
            if !c.watched {
                c.rows.clear();
            } else if c.rows.is_empty() {
                c.rows.extend(c.latest);
            }
            let speak = nats.iter().filter(|n| **n >= SPEAKS).count() >= 2;
            if sum >= LEAST && speak && c.profile.sum().days >= 3 {
                out.push((*k, nats));
            }
        }
        out
    }

    /// How many comparable cards reach a card's sum, where few enough do.
    fn rank(&self, card: Key, rare: u64) -> Option<(u32, u32)> {
        let sum = self.cards.get(&card)?.sum?;
        let (reach, all) = self.sums.reach(sum.stratum, 0, sum.bins[0], false)?;
        (u64::from(reach) * rare <= u64::from(all)).then_some((reach, all))
    }

    fn tell(&self, card: Key, nats: &Nats, way: &mut Way) -> Option<Raised> {
        let (reach, all) = self.rank(card, way.rare)?;
        let sum: f64 = nats.iter().sum();
        let c = self.cards.get(&card)?;
        if way.told.get(&card).is_some_and(|t| sum < f64::from(*t) / 100.0 + MORE) {
            return None;
        }
        way.told.insert(card, (sum * 100.0) as i32);
        let (entity, rows) = (c.id.to_string(), c.rows.clone());
        let (place, counts) = (c.place?, c.profile.sum());
        let mut contributions = vec![said(
            "comparable cards used so unusually",
            "用卡同样异常的可比卡",
            one_in(reach.into(), all.into()),
            Some(format!("≤ 1 : {}", way.rare)),
            0.0,
        )];
        contributions.extend(self.figures(&place, &counts, nats));
        let what = Text::new(
            "cards of the same age and tariff, of which so many have as high a sum",
            "同龄同套餐的卡，其中总分同样高者",
        );
        let base_rate = Some(BaseRate { hits: reach.into(), of: all.into(), what });
        Some(Raised { rule: 0, entity, rows, contributions, involved: Vec::new(), base_rate, at_most: None })
    }

    /// Every measure, the heaviest first: the value, what is usual, and how rare it is.
    fn figures(
        &self,
        place: &Place<MEASURES>,
        counts: &Counts,
        nats: &Nats,
    ) -> Vec<suyuan_model::outcome::Contribution> {
        let mut order: Vec<usize> = (0..MEASURES).filter(|m| place.bins[*m] != NONE).collect();
        order.sort_by_key(|m| (Reverse((nats[*m] * 1e6) as i64), *m));
        order
            .into_iter()
            .filter_map(|m| {
                let (reach, all) = self.usual.reach(place.stratum, m, place.bins[m], ALL[m].low)?;
                let median = self.usual.median(place.stratum, m)?;
                let usual = format!("≈ {}, {}", ALL[m].shown(median), one_in(reach.into(), all.into()));
                let (en, zh) = ALL[m].what;
                Some(said(en, zh, ALL[m].value(counts), Some(usual), nats[m]))
            })
            .collect()
    }

    fn sweep(&mut self, day: i64) {
        let from = day as i32 - 2 * self.half;
        let (usual, sums) = (&mut self.usual, &mut self.sums);
        self.cards.retain(|_, c| {
            if c.last >= from {
                return true;
            }
            if let Some(p) = &c.place {
                usual.remove(p);
            }
            if let Some(p) = &c.sum {
                sums.remove(p);
            }
            false
        });
        for w in &mut self.ways {
            w.links.sweep(day as i32, w.limits.span);
            w.names.retain(|base, _| w.links.is_base(*base));
            w.told.retain(|card, _| self.cards.contains(card));
        }
        self.origins.sweep(day);
        self.swept = day;
    }
}

fn add(c: &mut Counts, [out, inn, short, peers, new, otp]: [u32; 6]) {
    c.out = c.out.saturating_add(out);
    c.inn = c.inn.saturating_add(inn);
    c.short = c.short.saturating_add(short.min(out));
    c.peers = c.peers.saturating_add(peers);
    c.new = c.new.saturating_add(new.min(peers));
    c.otp = c.otp.saturating_add(otp);
}

impl Detector for Unusual {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, _: &Registry) {
        match row.kind() {
            Kind::Opening => self.origins.opened(row, cite),
            _ => self.used(row, cite),
        }
    }

    fn touch(&self, row: &Row<'_>) -> i64 {
        let Some((card, _)) = self.card.card(row).filter(|_| row.kind() == Kind::Usage) else { return 0 };
        let links = self.ways.iter().filter(|w| !w.alone).map(|w| w.links.touch(card));
        let own = self.cards.get(&card).map_or(0, |c| c.data ^ i64::from(c.watched));
        links.fold(self.origins.touch(card) ^ own, |seen, n| seen ^ n)
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        if day - self.swept >= SWEEP {
            self.sweep(day);
        }
        let mut active = std::mem::take(&mut self.active);
        active.sort_unstable();
        active.dedup();
        self.measure(&active, day as i32);
        let found = self.add_up(&active);
        let mut ways = std::mem::take(&mut self.ways);
        for (rule, way) in ways.iter_mut().enumerate() {
            let before = out.len();
            self.say(way, &found, day as i32, out);
            out[before..].iter_mut().for_each(|r| r.rule = rule);
        }
        self.ways = ways;
    }
}

impl Unusual {
    /// What one of the rules says of the cards that stand out.
    fn say(&self, way: &mut Way, found: &[(Key, Nats)], day: i32, out: &mut Vec<Raised>) {
        if way.alone {
            out.extend(found.iter().filter_map(|(k, nats)| self.tell(*k, nats, way)));
            return;
        }
        for (k, _) in found {
            let Some(c) = self.cards.get(k).filter(|_| self.rank(*k, way.rare).is_some()) else { continue };
            if let Some((cite, base)) = c.latest.zip(way.links.base_of(*k))
                && let Some(name) = way.names.get(&base)
            {
                let under = Under { group: base, base, class: Key(0), home: Key(0), name };
                way.links.sign((*k, &c.id), &under, day, cite, &way.limits);
            }
        }
        way.links.say(day, &way.limits, &self.origins, out);
    }
}
