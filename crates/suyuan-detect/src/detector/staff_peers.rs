//! An account that does in a day far more than its own history and its peers let expect.
//!
//! Counts acts of a day by account (the features below), holds them against the account's own last 28 days shrunk to its
//! outlet's colleagues of the role, the role and all staff (`crate::peers`), and turns the sum of the two largest
//! surprises into the share of staff-days of the role that were as surprising. Of a day's accounts those are told that
//! keep the share of false alarms at `false_per_mille`.
//!
//! Left out of the baselines: the day itself; days that were told before; everything of accounts that the exhibits
//! name (`party`, `dealing`) from then on. A day on which the whole role is busier than usual is nobody's surprise.
//! When an account was told on more than twenty days within the window, those days become its habit.
//! A new role or outlet in the staff records begins a new history.
//! Invariants: same rows, same answers; one more act never lowers the surprise of the day.
//! Changes of the declared place are left to the rules of their own record family: counted here too, one cause would
//! speak in two families.
//! Blind to: leaks that stay within the usual amounts, growth over months, an account alone in its role until it has
//! a week of history.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::calendar;
use suyuan_model::outcome::{Contribution, Text};
use suyuan_model::time::{HOUR, format_day};

use super::{Detector, Raised, Spec};
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::peers::{Baselines, DayCounts, Expected, Member, Past, Surprise, Usual, discoveries, surprise};
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Binder, Cite, Row, Slot};

/// Days of the window.
const WINDOW: i64 = 28;
/// Own days, or accounts of the role, without which nothing is said.
const OWN_DAYS: usize = 7;
const ROLE_PEERS: usize = 5;
/// Told days beyond which they count as habit.
const HABIT: usize = 20;
/// Rows kept of a day as evidence, by feature.
const ROWS: u16 = 60;
/// Staff-days of a role before its own scores are used instead of all staff's.
const OF_ROLE: u64 = 2_000;
/// Accounts at work that tell whether a day is busy for all.
const BUSY: usize = 10;

const ON: &[Kind] = &[Kind::Opening, Kind::Access, Kind::Party, Kind::Dealing];

pub(crate) static SPEC: Spec = Spec {
    name: "staff_peers",
    what: (
        "a day's work against own history and peers, false alarms of a day held",
        "当日工作量与本身往日、同岗位同网点人员相比，控制当日误报比例",
    ),
    on: ON,
    params: &[
        ParamDef { name: "of", ty: ParamTy::Word(&["access", "opening"]), default: "access" },
        ParamDef { name: "false_per_mille", ty: ParamTy::Int, default: "10" },
        ParamDef { name: "warm_up", ty: ParamTy::Int, default: "300" },
    ],
    shared: None,
    build,
};

/// A count a day, in words.
struct Feature {
    en: &'static str,
    zh: &'static str,
}

const fn feature(en: &'static str, zh: &'static str) -> Feature {
    Feature { en, zh }
}

const ACCESS: &[Feature] = &[
    feature("look-ups", "查询次数"),
    feature("look-ups without an order", "无工单查询次数"),
    feature("exports and prints", "导出与打印次数"),
    feature("rows exported or printed", "导出与打印条数"),
    feature("look-ups of places or call details", "位置与通话详单查询次数"),
    feature("persons looked at", "被查询人数"),
    feature("devices used", "使用设备数"),
    feature("acts off shift", "非当班操作次数"),
];
const OPENING: &[Feature] = &[
    feature("openings", "开卡数"),
    feature("persons opened for", "开卡涉及人数"),
    feature("devices used", "使用设备数"),
    feature("openings off shift", "非当班开卡数"),
];
#[derive(Clone, Copy)]
struct Slots {
    account: Slot,
    device: Slot,
    subject: Slot,
    action: Option<Slot>,
    order: Option<Slot>,
    rows: Option<Slot>,
    categories: Option<Slot>,
}

fn build(p: &[&Params], b: &mut Binder) -> Box<dyn Detector> {
    let p = p[0];
    let (kind, features) = match p.get("of") {
        "opening" => (Kind::Opening, OPENING),
        _ => (Kind::Access, ACCESS),
    };
    let access = kind == Kind::Access;
    let slots = Slots {
        account: b.slot(kind, "account"),
        device: b.slot(kind, "device"),
        subject: b.slot(kind, "subject"),
        action: access.then(|| b.slot(kind, "action")),
        order: access.then(|| b.slot(kind, "order")),
        rows: access.then(|| b.slot(kind, "rows")),
        categories: access.then(|| b.slot(kind, "categories")),
    };
    Box::new(StaffPeers {
        kind,
        features,
        slots,
        note: b.slot(Kind::Party, "note"),
        deals: [b.slot(Kind::Dealing, "from"), b.slot(Kind::Dealing, "to")],
        q: p.int("false_per_mille").clamp(0, 1000) as f64 / 1000.0,
        warm_up: p.int("warm_up").max(0) as u64,
        accounts: Table::default(),
        named: BTreeSet::new(),
        past: BTreeMap::new(),
        all: Past::default(),
    })
}

/// An account: who it is, its earlier days, today.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Account {
    id: String,
    role: String,
    outlet: String,
    days: Vec<DayCounts>,
    /// Days that were told; not in the baselines.
    told: Vec<DayCounts>,
    counts: Vec<u32>,
    subjects: BTreeSet<Key>,
    devices: BTreeSet<Key>,
    /// Rows of today with the features they count for, as bits.
    rows: Vec<(u16, Cite)>,
    kept: Vec<u16>,
}

struct StaffPeers {
    kind: Kind,
    features: &'static [Feature],
    slots: Slots,
    note: Slot,
    deals: [Slot; 2],
    q: f64,
    warm_up: u64,
    accounts: Table<Account>,
    /// Accounts that the exhibits name.
    named: BTreeSet<Key>,
    /// By role.
    past: BTreeMap<String, Past>,
    all: Past,
}

saved!(StaffPeers, tables: [accounts], cells: [named, past, all]);

/// Which kind of day it is: holidays are like Sundays, made-up working days like Fridays.
fn weekday(day: i64) -> u8 {
    match (calendar::weekday(day), calendar::is_workday(day)) {
        (w @ 1..=5, true) => w as u8 - 1,
        (_, true) => 4,
        (6, false) => 5,
        (_, false) => 6,
    }
}

fn off_shift(account: Key, ts: i64, refs: &Registry) -> bool {
    match refs.staff.at(account, ts).and_then(|s| s.shift.as_ref()) {
        Some(shift) => !shift.covers(ts),
        None => !(7..21).contains(&((ts + 8 * HOUR).div_euclid(HOUR).rem_euclid(24))),
    }
}

/// Accounts that an exhibit's note names: `account=...`.
fn named(note: &str) -> impl Iterator<Item = &str> {
    note.split(|c: char| c.is_whitespace() || ",;，；、。".contains(c))
        .filter_map(|part| part.strip_prefix("account="))
        .filter(|id| !id.is_empty())
}

impl Account {
    fn count(&mut self, feature: usize, n: u32, mask: &mut u16) {
        self.counts[feature] = self.counts[feature].saturating_add(n);
        if n > 0 {
            *mask |= 1 << feature;
        }
    }
    /// Keeps the row where one of its features still wants rows.
    fn keep(&mut self, mask: u16, cite: Cite) {
        let of = |f: &usize| mask & (1 << f) != 0;
        if (0..self.kept.len()).any(|f| of(&f) && self.kept[f] < ROWS) {
            (0..self.kept.len()).filter(of).for_each(|f| self.kept[f] += 1);
            self.rows.push((mask, cite));
        }
    }
    fn clear_today(&mut self) {
        self.counts.clear();
        self.subjects.clear();
        self.devices.clear();
        self.rows.clear();
        self.kept.clear();
    }
}

impl StaffPeers {
    fn today(&mut self, key: Key, row: &Row<'_>, refs: &Registry) -> &mut Account {
        let features = self.features.len();
        let account = self.slots.account;
        let a = self.accounts.of(key);
        if a.counts.is_empty() {
            a.counts = vec![0; features];
            a.kept = vec![0; features];
            if a.id.is_empty() {
                a.id = row.text(account).unwrap_or_default().to_owned();
            }
            let staff = refs.staff.at(key, row.ts);
            let role = staff.and_then(|s| s.role.as_deref()).unwrap_or("").to_owned();
            let outlet = staff.map_or("", |s| &s.outlet).to_owned();
            if (&role, &outlet) != (&a.role, &a.outlet) {
                (a.role, a.outlet) = (role, outlet);
                a.days.clear();
                a.told.clear();
            }
        }
        a
    }

    fn act(&mut self, row: &Row<'_>, cite: Cite, refs: &Registry) {
        let Some(key) = row.key(self.slots.account) else { return };
        let (s, kind) = (self.slots, self.kind);
        let off = u32::from(off_shift(key, row.ts, refs));
        let a = self.today(key, row, refs);
        let new_device = row.key(s.device).is_some_and(|d| a.devices.insert(d));
        let new_subject = row.key(s.subject).is_some_and(|p| a.subjects.insert(p));
        let mut mask = 0;
        let mut add = |f: usize, n: u32| a.count(f, n, &mut mask);
        match kind {
            Kind::Access => {
                let action = s.action.and_then(|c| row.text(c)).unwrap_or("");
                let look_up = u32::from(matches!(action, "view" | "search"));
                let out = u32::from(matches!(action, "export" | "print"));
                let no_order = u32::from(s.order.and_then(|o| row.text(o)).is_none());
                let rows = s.rows.and_then(|r| row.int(r)).unwrap_or(1).clamp(0, i64::from(u32::MAX)) as u32;
                let traffic = s.categories.and_then(|c| row.text(c)).is_some_and(|c| {
                    c.split(';').any(|c| matches!(c.trim(), "location_track" | "call_detail" | "content"))
                });
                add(0, look_up);
                add(1, look_up * no_order);
                add(2, out);
                add(3, out * rows);
                add(4, look_up * u32::from(traffic));
                add(5, u32::from(new_subject));
                add(6, u32::from(new_device));
                add(7, off);
            }
            _ => {
                add(0, 1);
                add(1, u32::from(new_subject));
                add(2, u32::from(new_device));
                add(3, off);
            }
        }
        a.keep(mask, cite);
    }

    /// How much more than expected all of a role do today, by role and feature; never less than 1.
    fn busy(
        &self,
        scored: &[(usize, Vec<Expected>)],
        active: &[(&Account, Member<'_>)],
        roles: usize,
    ) -> Vec<Vec<f64>> {
        let mut out = vec![vec![1.0; self.features.len()]; roles];
        for (role, factors) in out.iter_mut().enumerate() {
            let of: Vec<&(usize, Vec<Expected>)> =
                scored.iter().filter(|(i, _)| active[*i].1.role == role).collect();
            if of.len() < BUSY {
                continue;
            }
            for (f, factor) in factors.iter_mut().enumerate() {
                let mut pairs: Vec<(f64, f64)> =
                    of.iter().map(|(i, e)| (f64::from(active[*i].0.counts[f]), e[f].mean)).collect();
                // The busiest tenth does not say how busy all are.
                pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)).then(a.0.total_cmp(&b.0)));
                pairs.truncate(pairs.len() - pairs.len() / 10);
                let (seen, expected) = pairs.iter().fold((20.0, 20.0), |(s, e), p| (s + p.0, e + p.1));
                *factor = f64::max(1.0, seen / expected);
            }
        }
        out
    }

    fn rate(&self, role: &str, score: f64) -> (f64, u64) {
        let own = self.past.get(role).filter(|p| p.len() >= OF_ROLE);
        let past = own.unwrap_or(&self.all);
        // Never rarer than the model itself says of two counts, and not trusted beyond a hundred times what was seen.
        let least = f64::max((1.0 + score) * (-score).exp(), 0.01 / (past.len() + 1) as f64);
        (past.rate(score).max(least), past.len())
    }
}

/// An account's day, scored.
struct Scored {
    key: Key,
    at: usize,
    surprise: Surprise,
    expected: Vec<Expected>,
    rate: f64,
    told: bool,
}

impl Detector for StaffPeers {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, refs: &Registry) {
        match row.kind() {
            k if k == self.kind => self.act(row, cite, refs),
            Kind::Party => {
                if let Some(note) = row.text(self.note) {
                    self.named.extend(named(note).map(Key::of));
                }
            }
            Kind::Dealing => self.named.extend(self.deals.iter().filter_map(|d| row.key(*d))),
            _ => {}
        }
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        let scored = self.score(day, out);
        for s in scored {
            let Some(a) = self.accounts.get_mut(&s.key) else { continue };
            let counts = DayCounts { day, weekday: weekday(day), counts: a.counts.clone() };
            if s.told {
                a.told.push(counts);
            } else {
                a.days.push(counts);
                self.past.entry(a.role.clone()).or_default().add(s.surprise.score);
                self.all.add(s.surprise.score);
            }
            a.clear_today();
        }
        self.accounts.retain(|_, a| {
            a.days.retain(|d| d.day > day - WINDOW);
            a.told.retain(|d| d.day > day - WINDOW);
            if a.told.len() > HABIT {
                a.days.append(&mut a.told);
                a.days.sort_by_key(|d| d.day);
            }
            !a.days.is_empty() || !a.told.is_empty()
        });
    }
}

impl StaffPeers {
    /// Scores the day's accounts, tells what stands out.
    fn score(&self, day: i64, out: &mut Vec<Raised>) -> Vec<Scored> {
        let accounts = self.accounts.sorted();
        let index = |of: fn(&Account) -> &str| -> BTreeMap<&str, usize> {
            let names: BTreeSet<&str> = accounts.iter().map(|(_, a)| of(a)).collect();
            names.into_iter().enumerate().map(|(i, n)| (n, i)).collect()
        };
        let (roles, outlets) = (index(|a| &a.role), index(|a| &a.outlet));
        let members: Vec<(&Account, Member<'_>)> = accounts
            .iter()
            .map(|(k, a)| {
                let apart = !a.told.is_empty() || self.named.contains(k);
                let (role, outlet) = (roles[a.role.as_str()], outlets[a.outlet.as_str()]);
                (*a, Member { role, outlet, days: &a.days, apart })
            })
            .collect();
        let plain: Vec<Member<'_>> = members.iter().map(|m| m.1).collect();
        let baselines = Baselines::fit(&plain, roles.len(), self.features.len());
        let active: Vec<usize> = (0..members.len()).filter(|i| !members[*i].0.counts.is_empty()).collect();
        let weekday = weekday(day);
        let usual: Vec<Vec<Usual>> = active.iter().map(|i| baselines.usual(&plain[*i])).collect();
        let on_the_day =
            |(i, u): (&usize, &Vec<Usual>)| (*i, baselines.expected(u, plain[*i].role, weekday, &[]));
        let first: Vec<(usize, Vec<Expected>)> = active.iter().zip(&usual).map(on_the_day).collect();
        let busy = self.busy(&first, &members, roles.len());
        let mut peers = vec![0usize; roles.len()];
        plain.iter().filter(|m| !m.apart && !m.days.is_empty()).for_each(|m| peers[m.role] += 1);
        let mut scored: Vec<Scored> = Vec::with_capacity(active.len());
        for (at, usual) in active.into_iter().zip(&usual) {
            let (a, m) = &members[at];
            let expected = baselines.expected(usual, m.role, weekday, &busy[m.role]);
            let surprise = surprise(&a.counts, &expected);
            let known = m.days.len() >= OWN_DAYS || peers[m.role] > ROLE_PEERS;
            let (rate, of) = self.rate(&a.role, surprise.score);
            let rate = if known && of >= self.warm_up { rate } else { 1.0 };
            scored.push(Scored { key: accounts[at].0, at, surprise, expected, rate, told: false });
        }
        let rates: Vec<f64> = scored.iter().map(|s| s.rate).collect();
        for (s, told) in scored.iter_mut().zip(discoveries(&rates, self.q)) {
            s.told = told && s.rate < 1.0;
            if s.told {
                let (a, m) = &members[s.at];
                let here = plain.iter().filter(|p| (p.role, p.outlet) == (m.role, m.outlet)).count();
                out.extend(self.told(a, s, day, here, peers[m.role]));
            }
        }
        scored
    }

    fn told(&self, a: &Account, s: &Scored, day: i64, here: usize, peers: usize) -> Option<Raised> {
        let bits: u16 = s.surprise.top.iter().filter(|f| s.surprise.nats[**f] > 0.0).map(|f| 1u16 << f).sum();
        let rows: Vec<Cite> = a.rows.iter().filter(|r| r.0 & bits != 0).map(|r| r.1).collect();
        if rows.is_empty() {
            return None;
        }
        let one_in = (1.0 / s.rate).round().clamp(1.0, 1e12) as u64;
        let date = format_day(day);
        let role = if a.role.is_empty() {
            ("unknown role", "岗位不详")
        } else {
            (a.role.as_str(), a.role.as_str())
        };
        let outlet = if a.outlet.is_empty() {
            ("no outlet", "网点不详")
        } else {
            (a.outlet.as_str(), a.outlet.as_str())
        };
        let peers_text = Text::new(
            format!("{} at {}: {here} accounts; {}: {peers}", role.0, outlet.0, role.0),
            format!("{}{}共{here}个工号，{}共{peers}个", outlet.1, role.1, role.1),
        );
        let contributions = s
            .surprise
            .top
            .iter()
            .filter(|f| s.surprise.nats[**f] > 0.0)
            .enumerate()
            .map(|(n, f)| {
                let (feature, mean) = (&self.features[*f], s.expected[*f].mean);
                let what = match n {
                    0 => Text::new(
                        format!(
                            "{} on {date}, expected {mean:.1}; 1 in {one_in} staff-days like these ({})",
                            feature.en, peers_text.en
                        ),
                        format!(
                            "{date}{}，预期{mean:.1}；同类人员约每{one_in}个工作日出现1次（{}）",
                            feature.zh, peers_text.zh
                        ),
                    ),
                    _ => Text::new(
                        format!("{} on {date}, expected {mean:.1}", feature.en),
                        format!("{date}{}，预期{mean:.1}", feature.zh),
                    ),
                };
                Contribution {
                    what,
                    value: a.counts[*f].to_string(),
                    threshold: Some(format!("{mean:.1}")),
                    nats: s.surprise.nats[*f],
                }
            })
            .collect();
        Some(Raised {
            rule: 0,
            entity: a.id.clone(),
            rows,
            contributions,
            involved: Vec::new(),
            // Among accounts, like every rule's: the rate among staff-days stands in the words. A year has many days, so that
            // what is rare among days is not as rare among accounts.
            base_rate: None,
            at_most: None,
        })
    }
}
