//! Cards under what they share, and whether more of them show a sign than chance explains.
//!
//! A card of the population stands under one base (its latest device, cell, outlet ...). A card with the sign is also a
//! member of a group; the group's base says how many cards could have been members, its class which others show the same
//! sign (first use in the same far county, say). Where many go from one county to another, many of each of its outlets do: a
//! class is also held against the other cards of the same home, and the larger share counts. See [`crate::cards`] for the chance.
//!
//! Invariants: the group is left out of the shares it is held against; one more member of the same home never makes the
//! chance larger.
//! State: about 70 bytes a card of the population, 150 a member, 60 a base or group, for `span` days after the last row;
//! swept weekly, so what is past may be counted for seven days more.

use suyuan_model::outcome::{BaseRate, Contribution, Entity, EntityKind, Text};

use super::chance::{llr, ln_tail};
use super::origin::Origins;
use super::{expected, said};
use crate::detector::Raised;
use crate::hash::Key;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::Cite;

/// Cards of one group that are kept and named; a larger group says no more.
pub(crate) const MOST: usize = 400;

/// Fewer other cards of a home than this do not tell what is usual there.
const TELLING: u64 = 100;

/// What a card is linked by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Under<'a> {
    /// The group that it would be a member of.
    pub group: Key,
    /// Whose cards could all be members.
    pub base: Key,
    /// Which sign it is, where there are several; else `Key(0)`.
    pub class: Key,
    /// Where the card was opened, where signs are compared by that too; else `Key(0)`.
    pub home: Key,
    pub name: &'a str,
}

/// When a group speaks.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub span: i32,
    pub least: u64,
    /// Days on which a card must show the sign.
    pub days: u16,
    /// Per cent of the base that must show it.
    pub share: u64,
    /// Log of one in how many of such groups may be chance.
    pub chance: f64,
    /// Only cards that still stand under the link count: those of the population do, and who moves on shows the sign in many
    /// places, one after the other.
    pub stay: bool,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Card {
    base: Key,
    home: Key,
    last: i32,
    /// The last day with the sign on enough days; 0 for none.
    sign: i32,
    class: Key,
    /// The class within the home in which it showed the sign; `Key(0)` without one.
    class_home: Key,
    /// The day on which its latest silence ended, and how long that was.
    woke: (i32, i32),
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Member {
    card: Key,
    home: Key,
    id: Box<str>,
    last: i32,
    days: u16,
    sent: bool,
    /// Its first and its latest row.
    rows: [Cite; 2],
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Group {
    name: Box<str>,
    base: Key,
    class: Key,
    members: Vec<Member>,
    raised: bool,
}

/// The cards, and the groups with members.
#[derive(Default)]
pub(crate) struct Links {
    cards: Table<Card>,
    /// Cards whose latest row stands under a base.
    bases: Table<u32>,
    /// The same by home, and by base and home.
    homes: Table<u32>,
    groups: Table<Group>,
    /// Cards that show the sign, by class, and by class and home.
    signs: Table<i64>,
    /// Groups with a new row today.
    touched: Vec<Key>,
    raised: u64,
}

impl Saved for Links {
    fn state(&mut self, v: &mut dyn Visit) {
        v.table(&mut self.cards);
        v.table(&mut self.bases);
        v.table(&mut self.homes);
        v.table(&mut self.groups);
        v.table(&mut self.signs);
        v.cell(&mut Plain(&mut self.touched));
        v.cell(&mut Plain(&mut self.raised));
    }
}

impl Links {
    /// A row of the population: the card moves under the row's base; whether that is another one.
    pub fn used(&mut self, card: Key, under: &Under<'_>, day: i32) -> bool {
        let c = self.cards.of(card);
        if c.last > 0 && day - c.last > 1 {
            c.woke = (day, day - c.last);
        }
        c.last = day;
        if c.base == under.base {
            return false;
        }
        let before = std::mem::replace(&mut c.base, under.base);
        let home = std::mem::replace(&mut c.home, under.home);
        less(&mut self.bases, before);
        *self.bases.of(under.base) += 1;
        if home.0 != 0 {
            less(&mut self.homes, home);
            less(&mut self.homes, before.and(home));
        }
        if under.home.0 != 0 {
            *self.homes.of(under.home) += 1;
            *self.homes.of(under.base.and(under.home)) += 1;
        }
        true
    }

    /// Reads what a row of the card will ask for; the number says nothing.
    pub fn touch(&self, card: Key) -> i64 {
        self.cards.get(&card).map_or(0, |c| i64::from(c.last) ^ c.base.0 as i64)
    }

    /// The base that a card stands under.
    pub fn base_of(&self, card: Key) -> Option<Key> {
        self.cards.get(&card).map(|c| c.base).filter(|b| b.0 != 0)
    }

    /// Whether cards stand under a base.
    pub fn is_base(&self, base: Key) -> bool {
        self.bases.contains(&base)
    }

    /// Days of the silence that ended within the last week; 0 where there was none. `opened` is the day of the card's opening.
    pub fn silence(&self, card: Key, opened: Option<i32>, day: i32) -> i32 {
        match self.cards.get(&card) {
            Some(c) if c.last > 0 && c.last < day && day - c.last > 1 => day - c.last,
            Some(c) if c.last > 0 => {
                if day - c.woke.0 <= 7 {
                    c.woke.1
                } else {
                    0
                }
            }
            _ => opened.map_or(0, |o| day - o),
        }
    }

    /// A row with the sign.
    pub fn sign(&mut self, card: (Key, &str), under: &Under<'_>, day: i32, cite: Cite, limits: &Limits) {
        let g = self.groups.of(under.group);
        if g.name.is_empty() {
            (g.name, g.base, g.class) = (under.name.into(), under.base, under.class);
        }
        let days = match g.members.iter().position(|m| m.card == card.0) {
            Some(n) => {
                let m = &mut g.members[n];
                if day - m.last > limits.span {
                    (m.days, m.sent, m.rows[0]) = (0, false, cite);
                }
                m.days = m.days.saturating_add(u16::from(m.last != day || m.days == 0));
                m.last = day;
                m.rows[1] = cite;
                m.days
            }
            None if g.members.len() < MOST => {
                let (card, id, home) = (card.0, card.1.into(), under.home);
                g.members.push(Member { card, home, id, last: day, days: 1, sent: false, rows: [cite; 2] });
                1
            }
            None => return,
        };
        if days < limits.days {
            return;
        }
        self.touched.push(under.group);
        let c = self.cards.of(card.0);
        let class_home = if under.home.0 == 0 { Key(0) } else { under.class.and(under.home) };
        if c.sign == 0 || (c.class, c.class_home) != (under.class, class_home) {
            if c.sign > 0 {
                signed(&mut self.signs, c, -1);
            }
            (c.class, c.class_home) = (under.class, class_home);
            signed(&mut self.signs, c, 1);
        }
        c.sign = day;
    }

    /// Forgets what is past.
    pub fn sweep(&mut self, day: i32, span: i32) {
        let from = day - span;
        let (bases, homes, signs) = (&mut self.bases, &mut self.homes, &mut self.signs);
        signs.retain(|_, n| {
            *n = 0;
            true
        });
        self.cards.retain(|_, c| {
            if c.sign < from {
                c.sign = 0;
            }
            if c.sign > 0 {
                signed(signs, c, 1);
            }
            if c.last >= from || c.sign > 0 {
                return true;
            }
            less(bases, c.base);
            if c.home.0 != 0 {
                less(homes, c.home);
                less(homes, c.base.and(c.home));
            }
            false
        });
        signs.retain(|_, n| *n > 0);
        self.groups.retain(|_, g| {
            g.members.retain(|m| m.last >= from);
            !g.members.is_empty()
        });
        bases.retain(|_, n| *n > 0);
        homes.retain(|_, n| *n > 0);
    }

    /// What the groups touched today say, where it is new.
    pub fn say(&mut self, day: i32, limits: &Limits, origins: &Origins, out: &mut Vec<Raised>) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        if touched.is_empty() {
            return;
        }
        let bases = self.bases.len().max(1) as u64;
        out.extend(touched.into_iter().filter_map(|at| self.group(at, day, limits, bases, origins)));
    }

    fn group(&mut self, at: Key, day: i32, limits: &Limits, bases: u64, origins: &Origins) -> Option<Raised> {
        let all = self.cards.len() as u64;
        let g = self.groups.get_mut(&at)?;
        g.members.retain(|m| m.last >= day - limits.span);
        let cards = &self.cards;
        let base = g.base;
        let stays = |m: &Member| !limits.stay || cards.get(&m.card).is_some_and(|c| c.base == base);
        let shows = |m: &Member| m.days >= limits.days && stays(m);
        let k = g.members.iter().filter(|m| shows(m)).count() as u64;
        let n = u64::from(self.bases.get(&g.base).copied().unwrap_or(0)).max(k);
        if k < limits.least || k * 100 < n * limits.share || !g.members.iter().any(|m| shows(m) && !m.sent) {
            return None;
        }
        let signs = |class: Key| self.signs.get(&class).map_or(0, |s| (*s).max(0) as u64);
        let homes = |home: Key| u64::from(self.homes.get(&home).copied().unwrap_or(0));
        let mut q = share(signs(g.class), k, all, n);
        if let Some((home, k)) = g.home(limits.days) {
            let (all, n) = (homes(home), homes(g.base.and(home)).max(k));
            if all.saturating_sub(n) >= TELLING {
                q = q.max(share(signs(g.class.and(home)), k, all, n));
            }
        }
        let tail = ln_tail(k, n, q) + (bases as f64).ln();
        if tail > -limits.chance {
            return None;
        }
        let (mut rows, mut named, mut involved) = (Vec::new(), Vec::new(), Vec::new());
        for m in g.members.iter_mut().filter(|m| shows(m)) {
            named.push(m.card);
            if !m.sent {
                rows.extend(m.rows);
                rows.extend(origins.of(m.card).map(|o| o.cite));
                involved.push(Entity::new(EntityKind::Card, &*m.id));
                m.sent = true;
            }
        }
        self.raised += u64::from(!g.raised);
        g.raised = true;
        let mut contributions = figures(k, n, q, tail, limits);
        let (more, shared) = origins.shared(&named);
        contributions.extend(more);
        involved.extend(shared);
        let what = Text::new(
            "links of this sort (devices, cells or origins) with use in the span, of which so many held a group",
            "期内有用卡记录的此类关联（设备、基站或来源），其中形成群组者",
        );
        Some(Raised {
            rule: 0,
            entity: g.name.to_string(),
            rows,
            contributions,
            involved,
            base_rate: Some(BaseRate { hits: self.raised, of: bases.max(self.raised), what }),
            at_most: None,
        })
    }
}

impl Group {
    /// Where most members with the sign were opened, and how many of them; the least key of equals.
    fn home(&self, days: u16) -> Option<(Key, u64)> {
        let mut homes: Vec<Key> =
            self.members.iter().filter(|m| m.days >= days && m.home.0 != 0).map(|m| m.home).collect();
        homes.sort_unstable();
        let of = |run: &[Key]| (run[0], run.len() as u64);
        homes.chunk_by(Key::eq).map(of).reduce(|a, b| if b.1 > a.1 { b } else { a })
    }
}

/// The share of others with the sign: of `all` cards with `signs` signs, the group's `n` with `k` left out.
///
/// One more than was seen, so that a rare sign is never taken for impossible.
fn share(signs: u64, k: u64, all: u64, n: u64) -> f64 {
    ((signs.saturating_sub(k) + 1) as f64 / (all.saturating_sub(n) + 2) as f64).min(1.0)
}

/// One card less.
fn less(counts: &mut Table<u32>, key: Key) {
    if let Some(n) = counts.get_mut(&key).filter(|_| key.0 != 0) {
        *n = n.saturating_sub(1);
    }
}

/// One card more or less with the sign.
fn signed(signs: &mut Table<i64>, c: &Card, by: i64) {
    *signs.of(c.class) += by;
    if c.class_home.0 != 0 {
        *signs.of(c.class_home) += by;
    }
}

fn figures(k: u64, n: u64, q: f64, tail: f64, limits: &Limits) -> Vec<Contribution> {
    vec![
        said(
            "cards of the group with such use",
            "组内出现此类用卡的卡数",
            format!("{k} / {n}"),
            Some(format!("≥ {}", limits.least)),
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
            Some(format!("≤ {}", expected((-limits.chance).exp()))),
            0.0,
        ),
    ]
}
