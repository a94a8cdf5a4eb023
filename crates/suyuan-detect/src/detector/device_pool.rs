//! One device, many cards: SIM boxes, modem pools and phones that are handed round.
//!
//! A device is a pool when at least `least` cards live in it within `span`. A card lives in a device when it spends at least half
//! of its days there (or in devices that are pools themselves, for banks that rotate cards) and does so on two days, or
//! makes twenty calls there. So a repair shop's bench phone, in which each card spends one day of many, is no pool.
//!
//! The score adds up, in nats: how rare so many cards in a device are among all devices; how few of the calls come in, against all
//! cards; whether the device type (TAC, the first eight digits) is one whose devices are pools, which is learned from
//! the records and needs no list of modems; whether devices with nearby serial numbers are pools too; whether one outlet or
//! account opened the cards. Cards that are in use in three cities on the same day share a number, not a device: many
//! cheap handsets carry the same one. Such a number is never said to be more than low.
//!
//! Invariants: a card that never lived in the device is not named; one more living card never lowers the count.
//! State: about 200 bytes a device and 90 a card for `span` after their last row (swept weekly), openings as in [`crate::cards::origin`].
//! Blind to: pools that give every card a number of its own (the IMEI can be rewritten); see groups by cell.

use std::collections::BTreeSet;

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Contribution, Entity, EntityKind, Level, Text};
use suyuan_model::time::{DAY, china_day};

use super::{Detector, Raised, Spec};
use crate::cards::chance::{llr, ln_tail};
use crate::cards::origin::{Origins, region_number};
use crate::cards::{SWEEP, one_in, said};
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Plain, Saved, Table, Visit};
use crate::view::{Binder, Cite, Row, Slot};

/// Cards of one device that are kept; a device with more says no more.
const MOST: usize = 400;
/// Devices with more cards than this are counted together.
const COUNTED: usize = 64;
/// Calls in a device that count as living there although it was one day only.
const BUSY: u32 = 20;
/// Serial numbers this near were made, and most likely bought, together.
const NEAR: u32 = 50;
/// Cities on one day from which on a number is shared, not a device.
const CITIES: usize = 3;
/// A card's days are halved when they reach this, so that the last months count.
const HALVED: u16 = 60;

pub(crate) static SPEC: Spec = Spec {
    name: "device_pool",
    what: ("many cards that live in one device", "一台设备内长期使用多张卡"),
    on: &[Kind::Usage, Kind::Opening],
    params: &[
        ParamDef { name: "span", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "least", ty: ParamTy::Int, default: "5" },
    ],
    shared: None,
    build: |p, b| Box::new(Pools::new(p[0], b)),
};

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Card {
    last: i32,
    days: u16,
    /// Of them in devices that were pools by then.
    pooled: u16,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    card: Key,
    id: Box<str>,
    last: i32,
    days: u16,
    out: u32,
    inn: u32,
    region: u32,
    sent: bool,
    rows: [Cite; 2],
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Device {
    name: Box<str>,
    users: Vec<User>,
    pool: bool,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Type {
    devices: u32,
    /// Serial number and key of those that are pools.
    pools: Vec<(u32, Key)>,
}

#[derive(Clone, Copy)]
struct Slots {
    card: Slot,
    imei: Slot,
    out: Slot,
    inn: Slot,
    region: Slot,
}

struct Pools {
    span: i32,
    least: usize,
    slots: Slots,
    origins: Origins,
    cards: Table<Card>,
    devices: Table<Device>,
    types: Table<Type>,
    /// Devices by how many cards they hold.
    by_users: Vec<u64>,
    touched: Vec<Key>,
    calls: (i64, i64),
    pools: u64,
    swept: i64,
}

impl Saved for Pools {
    fn state(&mut self, v: &mut dyn Visit) {
        self.origins.state(v);
        v.table(&mut self.cards);
        v.table(&mut self.devices);
        v.table(&mut self.types);
        v.cell(&mut Plain(&mut self.by_users));
        v.cell(&mut Plain(&mut self.touched));
        v.cell(&mut Plain(&mut self.calls));
        v.cell(&mut Plain(&mut self.pools));
        v.cell(&mut Plain(&mut self.swept));
    }
}

/// Type (TAC) and serial number of a device's number; `None` where it is not one.
fn parts(imei: &str) -> Option<(u32, u32)> {
    let digits = imei.get(..14)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| Some((digits[..8].parse().ok()?, digits[8..].parse().ok()?)))?
}

fn type_key(tac: u32) -> Key {
    Key::number(i64::from(tac))
}

/// What the cards of one device amount to.
struct Pool {
    cards: Vec<Key>,
    out: u64,
    inn: u64,
    cities: usize,
}

impl Pools {
    fn new(p: &Params, b: &mut Binder) -> Pools {
        let mut s = |name| b.slot(Kind::Usage, name);
        Pools {
            span: (p.span("span") / DAY) as i32,
            least: p.int("least").max(2) as usize,
            slots: Slots {
                card: s("card"),
                imei: s("imei"),
                out: s("calls_out"),
                inn: s("calls_in"),
                region: s("main_region6"),
            },
            origins: Origins::new(b),
            cards: Table::default(),
            devices: Table::default(),
            types: Table::default(),
            by_users: vec![0; COUNTED + 1],
            touched: Vec::new(),
            calls: (0, 0),
            pools: 0,
            swept: 0,
        }
    }

    fn used(&mut self, row: &Row<'_>, cite: Cite) {
        let s = self.slots;
        let (Some(card), Some(at), Some(imei), Some(id)) =
            (row.key(s.card), row.key(s.imei), row.text(s.imei), row.text(s.card))
        else {
            return;
        };
        let day = china_day(row.ts) as i32;
        let calls = |slot| row.int(slot).unwrap_or(0).clamp(0, 100_000);
        let (out, inn) = (calls(s.out), calls(s.inn));
        self.calls = (self.calls.0 + out, self.calls.1 + inn);
        let d = self.devices.of(at);
        if d.name.is_empty() {
            d.name = imei.into();
            self.by_users[0] += 1;
            if let Some((tac, _)) = parts(imei) {
                self.types.of(type_key(tac)).devices += 1;
            }
        }
        let before = d.users.len();
        let u = match d.users.iter().position(|u| u.card == card) {
            Some(n) => &mut d.users[n],
            None if before < MOST => {
                d.users.push(User {
                    card,
                    id: id.into(),
                    last: 0,
                    days: 0,
                    out: 0,
                    inn: 0,
                    region: 0,
                    sent: false,
                    rows: [cite; 2],
                });
                &mut d.users[before]
            }
            None => return,
        };
        if day - u.last > self.span {
            // After such a silence the card comes as if for the first time.
            (u.days, u.out, u.inn, u.sent, u.rows) = (0, 0, 0, false, [cite; 2]);
        }
        u.days = u.days.saturating_add(u16::from(u.last != day));
        u.last = day;
        u.out = u.out.saturating_add(out as u32);
        u.inn = u.inn.saturating_add(inn as u32);
        u.region = region_number(row.text(s.region));
        u.rows[1] = cite;
        let held = d.users.len();
        if held != before {
            self.by_users[before.min(COUNTED)] -= 1;
            self.by_users[held.min(COUNTED)] += 1;
        }
        let from = day - self.span;
        let pooled = held >= self.least && d.users.iter().filter(|u| u.last >= from).count() >= self.least;
        let c = self.cards.of(card);
        if c.last < from {
            (c.days, c.pooled) = (0, 0);
        }
        let new = u16::from(c.last != day);
        c.last = day;
        c.days += new;
        c.pooled = (c.pooled + u16::from(pooled) * new).min(c.days);
        if c.days >= HALVED {
            (c.days, c.pooled) = (c.days / 2, c.pooled / 2);
        }
        if pooled {
            self.touched.push(at);
        }
    }

    fn prune(d: &mut Device, by_users: &mut [u64], from: i32) {
        let before = d.users.len();
        d.users.retain(|u| u.last >= from);
        if d.users.len() != before {
            by_users[before.min(COUNTED)] -= 1;
            by_users[d.users.len().min(COUNTED)] += 1;
        }
    }

    fn sweep(&mut self, day: i64) {
        self.swept = day;
        let from = day as i32 - self.span;
        let (by_users, types) = (&mut self.by_users, &mut self.types);
        self.cards.retain(|_, c| c.last >= from);
        self.devices.retain(|key, d| {
            Self::prune(d, by_users, from);
            if !d.users.is_empty() {
                return true;
            }
            by_users[0] -= 1;
            if let Some((tac, _)) = parts(&d.name)
                && let Some(t) = types.get_mut(&type_key(tac))
            {
                t.devices = t.devices.saturating_sub(1);
                t.pools.retain(|p| p.1 != *key);
            }
            false
        });
        types.retain(|_, t| t.devices > 0);
        self.origins.sweep(day);
    }

    fn lives(c: Option<&Card>, u: &User) -> bool {
        let Some(c) = c else { return false };
        let most = u.days * 2 >= c.days || c.pooled * 2 >= c.days;
        most && (u.days >= 2 || c.pooled >= 2 || u.out >= BUSY)
    }

    /// The cards that live in a device; marks the device as a pool.
    fn pool(&mut self, at: Key, day: i32) -> Option<Pool> {
        let from = day - self.span;
        let d = self.devices.get_mut(&at)?;
        Self::prune(d, &mut self.by_users, from);
        let cards = &self.cards;
        let living: Vec<&User> = d.users.iter().filter(|u| Self::lives(cards.get(&u.card), u)).collect();
        if living.len() < self.least || living.iter().all(|u| u.sent) {
            return None;
        }
        let cities: BTreeSet<u32> =
            living.iter().filter(|u| u.last == day && u.region > 0).map(|u| u.region / 100).collect();
        let found = Pool {
            cards: living.iter().map(|u| u.card).collect(),
            out: living.iter().map(|u| u64::from(u.out)).sum(),
            inn: living.iter().map(|u| u64::from(u.inn)).sum(),
            cities: cities.len(),
        };
        if !d.pool {
            d.pool = true;
            self.pools += 1;
            if let Some((tac, serial)) = parts(&d.name) {
                self.types.of(type_key(tac)).pools.push((serial, at));
            }
        }
        Some(found)
    }

    fn say(&mut self, at: Key, found: &Pool) -> Option<Raised> {
        let all = self.by_users[1..].iter().sum::<u64>().max(1);
        let n = found.cards.len();
        let reach = self.by_users[n.min(COUNTED)..].iter().sum::<u64>().max(1);
        let rare = (all as f64 / reach as f64).ln();
        let mut contributions = vec![
            said(
                "cards that live in the device",
                "长期在该设备中使用的卡数",
                n.to_string(),
                Some(format!("≥ {}", self.least)),
                rare,
            ),
            said("devices that hold so many", "持有同样多卡的设备", one_in(reach, all), None, 0.0),
        ];
        let (signs, involved) = self.signs(at, found);
        let more: f64 = signs.iter().map(|c| c.nats).sum();
        contributions.extend(signs);
        let at_most = match () {
            () if found.cities >= CITIES => Some(Level::Low),
            () if more < 1.0 && n < 2 * self.least => Some(Level::Low),
            () if more < 2.0 => Some(Level::Medium),
            () => None,
        };
        let origins = &self.origins;
        let living: BTreeSet<Key> = found.cards.iter().copied().collect();
        let d = self.devices.get_mut(&at)?;
        let mut rows = Vec::new();
        let mut named = involved;
        for u in d.users.iter_mut().filter(|u| living.contains(&u.card) && !u.sent) {
            u.sent = true;
            rows.extend(u.rows);
            rows.extend(origins.of(u.card).map(|o| o.cite));
            named.push(Entity::new(EntityKind::Card, &*u.id));
        }
        Some(Raised {
            rule: 0,
            entity: d.name.to_string(),
            rows,
            contributions,
            involved: named,
            base_rate: Some(BaseRate {
                hits: self.pools,
                of: all,
                what: Text::new(
                    format!(
                        "devices with use in the span, of which so many held {} living cards or more",
                        self.least
                    ),
                    format!("期内有用卡记录的设备，其中长期使用{}张卡以上者", self.least),
                ),
            }),
            at_most,
        })
    }

    /// What speaks for or against, beyond the number of cards.
    fn signs(&self, at: Key, found: &Pool) -> (Vec<Contribution>, Vec<Entity>) {
        let (mut said_of, mut named) = (Vec::new(), Vec::new());
        let share = |inn: f64, out: f64| inn / (inn + out).max(1.0);
        let usual = share(self.calls.1 as f64, self.calls.0 as f64);
        let own = share(found.inn as f64, found.out as f64);
        if found.inn + found.out >= 20 {
            said_of.push(said(
                "share of calls that come in",
                "被叫占通话之比",
                format!("{:.0} %", own * 100.0),
                Some(format!("≈ {:.0} %", usual * 100.0)),
                ((usual + 0.01) / (own + 0.01)).ln().clamp(-3.0, 3.0),
            ));
        }
        if found.cities >= CITIES {
            said_of.push(said(
                "cities in which its cards were used on one day",
                "其卡同日使用所在城市数",
                found.cities.to_string(),
                Some(format!("< {CITIES}")),
                -5.0,
            ));
        }
        if let Some((tac, serial)) = self.devices.get(&at).and_then(|d| parts(&d.name))
            && let Some(t) = self.types.get(&type_key(tac))
        {
            let (pools, devices) = (t.pools.len() as u64, u64::from(t.devices));
            let all = self.by_users.iter().sum::<u64>();
            let q = (self.pools.saturating_sub(pools) + 1) as f64 / (all.saturating_sub(devices) + 2) as f64;
            let nats = llr(pools, devices, q.min(1.0)).min(5.0);
            if pools >= 3 && pools * 3 >= devices {
                said_of.push(said(
                    format!("devices of this type ({tac:08}) that are pools"),
                    format!("同型号（{tac:08}）设备中为卡池者"),
                    format!("{pools} / {devices}"),
                    Some(format!("≈ {:.2} %", q * 100.0)),
                    nats,
                ));
            }
            let near: Vec<&(u32, Key)> =
                t.pools.iter().filter(|p| p.1 != at && p.0.abs_diff(serial) <= NEAR).collect();
            if !near.is_empty() {
                let q = f64::from(2 * NEAR + 1) / 1e6;
                said_of.push(said(
                    format!("other pools of this type within {NEAR} serial numbers"),
                    format!("同型号序号相差{NEAR}以内的其他卡池"),
                    near.len().to_string(),
                    None,
                    -ln_tail(near.len() as u64, pools, q).max(-8.0),
                ));
                let names = near.iter().filter_map(|p| self.devices.get(&p.1));
                named.extend(names.map(|d| Entity::new(EntityKind::Imei, &*d.name)));
            }
        }
        let (origin, from) = self.origins.shared(&found.cards);
        said_of.extend(origin);
        named.extend(from);
        (said_of, named)
    }
}

impl Detector for Pools {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, _: &Registry) {
        match row.kind() {
            Kind::Opening => self.origins.opened(row, cite),
            _ => self.used(row, cite),
        }
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        if day - self.swept >= SWEEP {
            self.sweep(day);
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        // First all pools of the day, then what each says: neighbours of the same day are known to each other.
        let found: Vec<(Key, Pool)> =
            touched.into_iter().filter_map(|at| Some((at, self.pool(at, day as i32)?))).collect();
        out.extend(found.iter().filter_map(|(at, p)| self.say(*at, p)));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_a_type_and_a_serial() {
        assert_eq!(super::parts("860123048927957"), Some((86_012_304, 892_795)));
        assert_eq!(super::parts("86012304892795"), Some((86_012_304, 892_795)));
        assert_eq!(super::parts("8601230"), None);
        assert_eq!(super::parts("86012304中92795"), None);
    }
}
