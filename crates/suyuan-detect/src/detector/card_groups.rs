//! Groups of cards: more cards that share a device, a cell or an origin show a sign than chance explains.
//!
//! The rule's first detection on `usage` selects the rows that show the sign; its second the rows of all comparable cards
//! (the population); a detection on `opening`, where there is one, tells where cards come from. A card shows the sign when it
//! did on `days` different days within `span` under the same link. A link speaks when at least `least` of its cards
//! and at least `share` per cent of them show the sign, and when chance would make fewer than one such group in
//! `chance` among all links ([`crate::cards`]). Cards of the link that do not show the sign are not named.
//!
//! Invariants: one more row with the sign never silences a group that day; the order of rows within a day does not matter
//! beyond which rows are cited; the group is left out of the share it is held against.
//! State: about 50 bytes a card of the population and 150 a card with the sign, for `span` after their last row (swept weekly); 60 a link.
//! Blind to: cards whose sign is spread thinly over many links. Chance is reckoned for independent cards; honest cards
//! that are alike for a common reason (one firm, one event) look like a group, which is what the rule's checks are for.

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Entity, EntityKind, Text};
use suyuan_model::time::{DAY, china_day};

use super::{Detector, Raised, Spec};
use crate::cards::chance::{llr, ln_tail};
use crate::cards::origin::Origins;
use crate::cards::{expected, said};
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::{Binder, Cite, Row, Slot};

const LINKS: &[&str] =
    &["imei", "cell", "region", "plmn", "outlet", "account", "outlet_region", "outlet_plmn"];
/// Cards of one link that are kept and named; a larger group says no more.
const MOST: usize = 400;
/// Days between two sweeps of what is past.
const SWEEP: i64 = 7;

pub(crate) static SPEC: Spec = Spec {
    name: "card_groups",
    what: (
        "cards that share a device, cell or origin, more of which show the sign than chance explains",
        "共用设备、基站或来源的卡中出现该迹象者多于偶然",
    ),
    on: &[Kind::Usage, Kind::Opening],
    params: &[
        ParamDef { name: "by", ty: ParamTy::Word(LINKS), default: "imei" },
        ParamDef { name: "span", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "least", ty: ParamTy::Int, default: "5" },
        ParamDef { name: "days", ty: ParamTy::Int, default: "1" },
        ParamDef { name: "share", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "chance", ty: ParamTy::Int, default: "100" },
    ],
    build: |p, b| Box::new(Groups::new(p, b)),
};

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Card {
    /// The link it was last under; 0 for none.
    link: Key,
    last: i32,
    /// The last day with the sign on enough days; 0 for none.
    sign: i32,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Member {
    card: Key,
    id: Box<str>,
    last: i32,
    days: u16,
    sent: bool,
    /// Its first and its latest row.
    rows: [Cite; 2],
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Link {
    name: Box<str>,
    /// Cards whose latest row is under this link.
    cards: u32,
    members: Vec<Member>,
    raised: bool,
}

struct Slots {
    card: Slot,
    by: Slot,
}

struct Groups {
    by: &'static str,
    span: i32,
    least: u64,
    days: u16,
    share: u64,
    chance: f64,
    slots: Slots,
    origins: Origins,
    cards: Table<Card>,
    links: Table<Link>,
    /// Links with a new row of the sign today.
    touched: Vec<Key>,
    /// Cards that show the sign.
    signs: i64,
    raised: u64,
    swept: i64,
}

impl Saved for Groups {
    fn state(&mut self, v: &mut dyn Visit) {
        self.origins.state(v);
        v.table(&mut self.cards);
        v.table(&mut self.links);
        v.cell(&mut Plain(&mut self.touched));
        v.cell(&mut Plain(&mut self.signs));
        v.cell(&mut Plain(&mut self.raised));
        v.cell(&mut Plain(&mut self.swept));
    }
}

impl Groups {
    fn new(p: &Params, b: &mut Binder) -> Groups {
        let by = LINKS.iter().find(|l| **l == p.get("by")).copied().unwrap_or("imei");
        let column = match by {
            "cell" => "main_cell",
            "region" | "outlet_region" => "main_region6",
            "plmn" | "outlet_plmn" => "plmn",
            _ => "imei",
        };
        Groups {
            by,
            span: (p.span("span") / DAY) as i32,
            least: p.int("least").max(2) as u64,
            days: p.int("days").clamp(1, 400) as u16,
            share: p.int("share").clamp(0, 100) as u64,
            chance: (p.int("chance").max(1) as f64).ln(),
            slots: Slots { card: b.slot(Kind::Usage, "card"), by: b.slot(Kind::Usage, column) },
            origins: Origins::new(b),
            cards: Table::default(),
            links: Table::default(),
            touched: Vec::new(),
            signs: 0,
            raised: 0,
            swept: 0,
        }
    }

    /// The link of a row and its name.
    fn link<'a>(&'a self, row: &Row<'a>, card: Key) -> Option<(Key, &'a str)> {
        let own = || Some((row.key(self.slots.by)?, row.text(self.slots.by)?));
        let opened = || self.origins.of(card);
        let outlet = || opened().map(|o| o.outlet).filter(|n| *n > 0);
        let named = |n: u32| (Key::number(i64::from(n)), self.origins.text(n));
        match self.by {
            "outlet" => outlet().map(named),
            "account" => opened().map(|o| o.account).filter(|n| *n > 0).map(named),
            "outlet_region" | "outlet_plmn" => {
                let (key, name) = named(outlet()?);
                Some((key.and(own()?.0), name))
            }
            _ => own(),
        }
    }

    /// A row of the population: the card moves to the row's link.
    fn used(&mut self, card: Key, link: Key, day: i32) {
        let c = self.cards.of(card);
        c.last = day;
        if c.link == link {
            return;
        }
        let before = std::mem::replace(&mut c.link, link);
        if before.0 != 0
            && let Some(l) = self.links.get_mut(&before)
        {
            l.cards = l.cards.saturating_sub(1);
        }
        self.links.of(link).cards += 1;
    }

    /// A row with the sign.
    fn sign(&mut self, card: (Key, &str), link: (Key, Box<str>), day: i32, cite: Cite) {
        let l = self.links.of(link.0);
        if l.name.is_empty() {
            l.name = link.1;
        }
        let span = self.span;
        let days = match l.members.iter().position(|m| m.card == card.0) {
            Some(n) => {
                let m = &mut l.members[n];
                if day - m.last > span {
                    (m.days, m.rows[0]) = (0, cite);
                }
                m.days = m.days.saturating_add(u16::from(m.last != day || m.days == 0));
                m.last = day;
                m.rows[1] = cite;
                m.days
            }
            None if l.members.len() < MOST => {
                let (card, id) = (card.0, card.1.into());
                l.members.push(Member { card, id, last: day, days: 1, sent: false, rows: [cite; 2] });
                1
            }
            None => 0,
        };
        if days >= self.days {
            let c = self.cards.of(card.0);
            self.signs += i64::from(c.sign == 0);
            c.sign = day;
            self.touched.push(link.0);
        }
    }

    fn sweep(&mut self, day: i64) {
        self.swept = day;
        let (from, links) = (day as i32 - self.span, &mut self.links);
        let mut signs = 0;
        self.cards.retain(|_, c| {
            if c.sign < from {
                c.sign = 0;
            }
            signs += i64::from(c.sign > 0);
            if c.last >= from {
                return true;
            }
            if let Some(l) = links.get_mut(&c.link) {
                l.cards = l.cards.saturating_sub(1);
            }
            false
        });
        self.signs = signs;
        links.retain(|_, l| {
            l.members.retain(|m| m.last >= from);
            l.cards > 0 || !l.members.is_empty()
        });
        self.origins.sweep(day);
    }

    /// What a link says today, if it says something new.
    fn group(&mut self, at: Key, day: i32) -> Option<Raised> {
        let (from, need) = (day - self.span, self.days);
        let links = self.links.len() as f64;
        let l = self.links.get_mut(&at)?;
        l.members.retain(|m| m.last >= from);
        let shows = |m: &&Member| m.days >= need;
        let k = l.members.iter().filter(shows).count() as u64;
        let n = u64::from(l.cards).max(k);
        if k < self.least || k * 100 < n * self.share || !l.members.iter().any(|m| m.days >= need && !m.sent)
        {
            return None;
        }
        let others = (self.cards.len() as u64).saturating_sub(n);
        let signs = (self.signs.max(0) as u64).saturating_sub(k);
        // One more than was seen, so that a rare sign is never taken for impossible.
        let q = ((signs + 1) as f64 / (others + 2) as f64).min(1.0);
        let tail = ln_tail(k, n, q) + links.ln();
        if tail > -self.chance {
            return None;
        }
        let mut rows = Vec::new();
        let mut cards = Vec::new();
        let mut involved = Vec::new();
        for m in l.members.iter_mut().filter(|m| m.days >= need) {
            cards.push(m.card);
            if !m.sent {
                rows.extend(m.rows);
                rows.extend(self.origins.of(m.card).map(|o| o.cite));
                involved.push(Entity::new(EntityKind::Card, &*m.id));
                m.sent = true;
            }
        }
        self.raised += u64::from(!l.raised);
        l.raised = true;
        let (entity, raised) = (l.name.to_string(), self.raised);
        let mut contributions = vec![
            said(
                "cards of the group with such use",
                "组内出现此类用卡的卡数",
                format!("{k} / {n}"),
                Some(format!("≥ {}", self.least)),
                llr(k, n, q).min(30.0),
            ),
            said(
                "usual among comparable cards",
                "可比卡中的通常比例",
                format!("{:.2} %", q * 100.0),
                Some(format!("≈ {}", expected(n as f64 * q))),
                0.0,
            ),
            said(
                "such groups expected by chance",
                "偶然情况下此类群组的期望数",
                expected(tail.exp()),
                Some(format!("≤ {}", expected((-self.chance).exp()))),
                0.0,
            ),
        ];
        let (more, named) = self.origins.shared(&cards);
        contributions.extend(more);
        involved.extend(named);
        Some(Raised {
            entity,
            rows,
            contributions,
            involved,
            base_rate: Some(BaseRate {
                hits: raised,
                of: links as u64,
                what: Text::new(
                    "links of this sort (devices, cells or origins) with use in the span, of which so many held a group",
                    "期内有用卡记录的此类关联（设备、基站或来源），其中形成群组者",
                ),
            }),
            at_most: None,
        })
    }
}

impl Detector for Groups {
    fn row(&mut self, detection: usize, row: &Row<'_>, cite: Cite, _: &Registry) {
        if row.kind() == Kind::Opening {
            return self.origins.opened(row, cite);
        }
        let Some(card) = row.key(self.slots.card) else { return };
        let day = china_day(row.ts) as i32;
        let Some((link, name)) = self.link(row, card) else { return };
        if detection > 0 {
            self.used(card, link, day);
            return;
        }
        let name: Box<str> = name.into();
        if let Some(id) = row.text(self.slots.card) {
            self.sign((card, id), (link, name), day, cite);
        }
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        if day - self.swept >= SWEEP {
            self.sweep(day);
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        out.extend(touched.into_iter().filter_map(|at| self.group(at, day as i32)));
    }
}
