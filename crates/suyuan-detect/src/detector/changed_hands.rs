//! An account that someone else works with: from a date on, or in turns with its holder.
//!
//! Each account has a habit: devices, networks and addresses with their shares, hours of the first login, lengths of sessions
//! (all fading with a half-life of 30 days). A day's logins are weighed: how much likelier are they when someone
//! else sat there than under the best innocent reading? Innocent readings are the own habit, a neighbouring or new
//! counter on the outlet's own network, an own device elsewhere, a common exit of the network, and a transfer in the
//! staff records (which begins a new habit). What speaks for other hands: a device that others use, in the outlet or,
//! stronger, elsewhere; a device nobody knows on a network that is not the outlet's; a colleague's address; hours and session
//! lengths unlike the account's own. A thing that is strange every day says less each day (1, 1/2, 1/3 ...), since one
//! cause explains all of them; a day like any other speaks against.
//!
//! The days add up (a CUSUM that never falls below 0 and loses half in 14 days), so that single odd days pass and
//! turns between two hands do not. It speaks when the sum reaches `nats` and at most `per_mille` of the account-months so far
//! went as high (an empirical rate with an exponential tail), so that the rate of false alarms is known.
//! Invariants: a day is weighed before it becomes habit; the shares add up to the score.
//! Blind to: someone who sits at the holder's own device at the holder's own hours; a posting that the staff records
//! do not hold looks like other hands; accounts with fewer than ten days of history. The weights are
//! engineering defaults, set on made-up worlds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use suyuan_model::Kind;
use suyuan_model::outcome::{Contribution, Entity, EntityKind, Level, Text};
use suyuan_model::time::{HOUR, format_day};

use super::{Detector, Raised, Spec};
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::peers::Past;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Binder, Cite, Row, Slot};

/// Days of history before an account is weighed.
const WARM_UP: u32 = 10;
/// Half-life of habits, days.
const FADE: f64 = 30.0;
/// Half-life of the sum, days.
const MEMORY: f64 = 14.0;
/// Days of a month of an account.
const MONTH: i64 = 30;
/// Account-months before their rate counts; until then only `nats` does.
const MONTHS: u64 = 200;
/// A thing is the account's own from this share of its logins on.
const OWN: f64 = 0.15;
/// Others remembered of a device or address, and outlets of a network.
const OTHERS: usize = 24;
/// A network that so many outlets use is a common exit.
const EXIT: usize = 3;
/// Below this the finding is of low level, nats.
const STRONG: f64 = 5.0;
/// Half-hours of a day; classes of session length.
const BINS: usize = 48;
const LENGTHS: usize = 8;
/// Logins of a day that are kept apart.
const LOGINS: usize = 60;

pub(crate) static SPEC: Spec = Spec {
    name: "changed_hands",
    what: (
        "logins unlike the account's habit, day after day: other hands, or two hands in turns",
        "登录连日偏离工号习惯：疑似他人使用或两人轮流使用",
    ),
    on: &[Kind::Login],
    params: &[
        ParamDef { name: "nats", ty: ParamTy::Int, default: "3" },
        ParamDef { name: "per_mille", ty: ParamTy::Int, default: "10" },
    ],
    shared: None,
    build,
};

fn build(p: &[&Params], b: &mut Binder) -> Box<dyn Detector> {
    let p = p[0];
    Box::new(ChangedHands {
        account: b.slot(Kind::Login, "account"),
        device: b.slot(Kind::Login, "device"),
        ip: b.slot(Kind::Login, "ip"),
        until: b.slot(Kind::Login, "until"),
        floor: p.int("nats").max(1) as f64,
        rate: p.int("per_mille").clamp(1, 1000) as f64 / 1000.0,
        accounts: Table::default(),
        devices: Table::default(),
        addresses: Table::default(),
        networks: Table::default(),
        hours: vec![1.0; BINS],
        lengths: vec![1.0; LENGTHS],
        months: Past::default(),
    })
}

/// A weight that fades.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Weight {
    weight: f64,
    day: i64,
}

impl Weight {
    fn at(&self, day: i64) -> f64 {
        self.weight * (-((day - self.day) as f64) / FADE).exp2()
    }
    fn add(&mut self, day: i64, more: f64) {
        (self.weight, self.day) = (self.at(day) + more, day);
    }
}

/// Things with fading weights.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Shares(BTreeMap<Key, Weight>);

impl Shares {
    fn add(&mut self, k: Key, day: i64, more: f64) {
        self.0.entry(k).or_default().add(day, more);
        if self.0.len() > OTHERS {
            self.0.retain(|_, w| w.at(day) > 0.05);
            // Still too many: the weakest goes, the smallest key of equals.
            if self.0.len() > OTHERS
                && let Some(k) = self
                    .0
                    .iter()
                    .min_by(|a, b| a.1.at(day).total_cmp(&b.1.at(day)).then(a.0.cmp(b.0)))
                    .map(|(k, _)| *k)
            {
                self.0.remove(&k);
            }
        }
    }
    fn of(&self, k: &Key, day: i64) -> f64 {
        self.0.get(k).map_or(0.0, |w| w.at(day))
    }
    fn total(&self, day: i64) -> f64 {
        self.0.values().map(|w| w.at(day)).sum()
    }
    /// The heaviest but `me`.
    fn heaviest(&self, me: &Key, day: i64) -> Option<(Key, f64)> {
        self.0
            .iter()
            .filter(|(k, _)| *k != me)
            .map(|(k, w)| (*k, w.at(day)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }
}

/// What speaks for other hands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    DeviceElsewhere,
    DeviceHere,
    DeviceNew,
    Network,
    Address,
    Hours,
    Length,
    Usual,
}

const REASONS: [(Reason, &str, &str); 8] = [
    (Reason::DeviceElsewhere, "a device that accounts of other outlets use", "使用其他网点工号的终端"),
    (Reason::DeviceHere, "a device that colleagues of the outlet use", "使用本网点其他工号的终端"),
    (Reason::DeviceNew, "a device not seen before", "使用此前未见的终端"),
    (Reason::Network, "a network that is not the outlet's nor the account's", "非本网点、非本工号惯用的网络"),
    (Reason::Address, "the address of another account", "使用其他工号惯用的地址"),
    (Reason::Hours, "hours unlike the account's own", "登录时段与本工号习惯不符"),
    (Reason::Length, "session lengths unlike the account's own", "会话时长与本工号习惯不符"),
    (Reason::Usual, "days as usual, against it", "与习惯相符的日子（反向）"),
];

type Nats = [f64; REASONS.len()];

/// A login of today.
#[derive(Clone, Serialize, Deserialize)]
struct Login {
    device: Key,
    address: Key,
    network: Key,
    half_hour: u8,
    length: Option<u8>,
    cite: Cite,
}

/// An account's habit and how its days add up.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    id: String,
    outlet: Key,
    days: u32,
    devices: Shares,
    networks: Shares,
    addresses: Shares,
    hours: Vec<f64>,
    lengths: Vec<f64>,
    /// Strange things and on how many days they were met.
    strange: BTreeMap<Key, (u32, i64)>,
    sum: Nats,
    /// Day of the sum; the first day since it last stood at 0; days since, and those as usual of them.
    day: i64,
    since: i64,
    odd: (u32, u32),
    month: i64,
    highest: f64,
    told: bool,
    today: Vec<Login>,
}

struct ChangedHands {
    account: Slot,
    device: Slot,
    ip: Slot,
    until: Slot,
    floor: f64,
    rate: f64,
    accounts: Table<Account>,
    /// Who uses a device or an address, by account.
    devices: Table<Users>,
    addresses: Table<Users>,
    /// Which outlets use a network.
    networks: Table<Shares>,
    hours: Vec<f64>,
    lengths: Vec<f64>,
    /// The highest sums of account-months.
    months: Past,
}

#[derive(Default, Serialize, Deserialize)]
struct Users {
    by_account: Shares,
    by_outlet: Shares,
    /// Ids of the accounts.
    ids: BTreeMap<Key, String>,
}

saved!(ChangedHands, tables: [accounts, devices, addresses, networks], cells: [hours, lengths, months]);

fn network(ip: &str) -> Key {
    let part = match ip.rfind('.') {
        Some(at) => &ip[..at],
        None => ip.match_indices(':').nth(3).map_or(ip, |(at, _)| &ip[..at]),
    };
    Key::of(part)
}

/// The log of how much likelier a bin is in general than in the account's own smoothed habit.
fn unlike(own: &[f64], all: &[f64], bin: usize, round: bool) -> f64 {
    let smooth = |list: &[f64]| {
        let n = list.len();
        let at = |i: i64| match round {
            true => list[i.rem_euclid(n as i64) as usize],
            false => list.get(i as usize).copied().unwrap_or(0.0),
        };
        let b = bin as i64;
        0.25 * at(b - 1) + 0.5 * at(b) + 0.25 * at(b + 1)
    };
    let (own_total, all_total): (f64, f64) = (own.iter().sum(), all.iter().sum());
    let general = (smooth(all) + 0.1) / (all_total + 0.1 * all.len() as f64);
    // Two logins' worth of the general habit stands in where the own one is thin.
    let habit = (smooth(own) + 2.0 * general) / (own_total + 2.0);
    (general / habit).ln()
}

fn length_class(us: i64) -> u8 {
    // 15 minutes, then doubling.
    let quarters = (us / (HOUR / 4)).max(1) as u64;
    (quarters.ilog2() as u8).min(LENGTHS as u8 - 1)
}

impl ChangedHands {
    fn weigh(&self, key: Key, a: &Account, day: i64, refs: &Registry) -> (Nats, Vec<Key>, Option<Key>) {
        let mut nats = Nats::default();
        let mut strange = Vec::new();
        let mut other = None;
        // Of several logins the strangest speaks; where none is strange, the day is as usual.
        let mut best: Option<(Nats, f64)> = None;
        let mut usual = 0.0f64;
        for l in &a.today {
            let (n, things, who) = self.place(key, a, l, day, refs);
            let total: f64 = n.iter().sum();
            if total > 0.0 {
                for t in things {
                    if !strange.contains(&t) {
                        strange.push(t);
                    }
                }
                if best.as_ref().is_none_or(|b| total > b.1) {
                    best = Some((n, total));
                    other = who;
                }
            } else {
                usual = usual.min(total);
            }
        }
        match best {
            Some((n, _)) => nats = n,
            None => nats[Reason::Usual as usize] = usual,
        }
        if let Some(first) = a.today.iter().min_by_key(|l| l.cite.ts) {
            let hours = unlike(&a.hours, &self.hours, usize::from(first.half_hour), true);
            add(&mut nats, Reason::Hours, hours.clamp(-0.5, 1.5));
        }
        let lengths: Vec<f64> = a
            .today
            .iter()
            .filter_map(|l| l.length)
            .map(|b| unlike(&a.lengths, &self.lengths, usize::from(b), false).clamp(-0.3, 0.7))
            .collect();
        if !lengths.is_empty() {
            add(&mut nats, Reason::Length, lengths.iter().sum::<f64>() / lengths.len() as f64);
        }
        (nats, strange, other)
    }

    /// What the place of a login says.
    fn place(
        &self,
        key: Key,
        a: &Account,
        l: &Login,
        day: i64,
        refs: &Registry,
    ) -> (Nats, Vec<Key>, Option<Key>) {
        let mut nats = Nats::default();
        let total = a.devices.total(day).max(1e-9);
        let own_device = a.devices.of(&l.device, day) / total >= OWN;
        let own_network = a.networks.of(&l.network, day) / total >= OWN;
        let own_address = a.addresses.of(&l.address, day) / total >= OWN;
        let network = self.networks.get(&l.network);
        let outlets = network.map_or(0, |n| n.0.values().filter(|w| w.at(day) > 0.5).count());
        let here = own_network || network.is_some_and(|n| n.of(&a.outlet, day) >= 1.0);
        let exit = outlets >= EXIT;
        let users = self.devices.get(&l.device);
        let others = users.map_or(0.0, |u| u.by_account.total(day) - u.by_account.of(&key, day));
        let mates = users.map_or(0.0, |u| u.by_outlet.of(&a.outlet, day) - u.by_account.of(&key, day));
        let listed = refs.terminals.at(l.device, l.cite.ts).and_then(|t| t.outlet.as_deref());
        let listed_here = listed.is_some_and(|o| Key::of(o) == a.outlet);
        // Only where the account keeps to one address does another one say something.
        let steady = a.addresses.0.values().any(|w| w.at(day) / total > 0.6);
        let astray = steady && !own_address && !exit;
        let mut things = Vec::new();
        let mut who = None;
        let days = |k: &Key| f64::from(a.strange.get(k).map_or(0, |s| s.0) + 1);
        if own_device {
            if here {
                let shared = others > 0.3 * total;
                nats[Reason::Usual as usize] = match (astray, shared) {
                    (true, _) => 0.0,
                    (_, true) => -0.8,
                    (_, false) => -1.5,
                };
            } else if exit {
                nats[Reason::Usual as usize] = -0.5;
            } else {
                nats[Reason::Network as usize] = 1.0 / days(&l.network);
                things.push(l.network);
            }
        } else {
            let once = 1.0 / days(&l.device);
            things.push(l.device);
            who = users.and_then(|u| u.by_account.heaviest(&key, day)).filter(|w| w.1 > 1.0).map(|w| w.0);
            if listed_here || mates > 0.5 {
                nats[Reason::DeviceHere as usize] = 1.5 * once;
            } else if others > 0.5 {
                nats[Reason::DeviceElsewhere as usize] = 4.0 * once;
            } else {
                nats[Reason::DeviceNew as usize] = 2.0 * once;
            }
            if !here {
                nats[Reason::Network as usize] = if exit { 0.5 } else { 1.5 } * once;
            }
        }
        if astray {
            let holder = self.addresses.get(&l.address).and_then(|u| u.by_account.heaviest(&key, day));
            if let Some((k, _)) = holder.filter(|h| h.1 > 3.0) {
                nats[Reason::Address as usize] = 2.0 / days(&l.address);
                things.push(l.address);
                who = who.or(Some(k));
            }
        }
        (nats, things, who)
    }

    fn learn(&mut self, key: Key, a: &mut Account, day: i64, strange: &[Key]) {
        let fade = (-1.0 / FADE).exp2();
        for l in &a.today {
            // What is strange becomes habit slowly: else a month of other hands would be one.
            let weight = |k: &Key| if strange.contains(k) && a.days >= WARM_UP { 0.25 } else { 1.0 };
            a.devices.add(l.device, day, weight(&l.device));
            a.networks.add(l.network, day, weight(&l.network));
            a.addresses.add(l.address, day, weight(&l.address));
            for (table, k) in [(&mut self.devices, l.device), (&mut self.addresses, l.address)] {
                let users = table.of(k);
                users.by_account.add(key, day, weight(&k));
                users.by_outlet.add(a.outlet, day, weight(&k));
                let known = users.ids.len();
                users.ids.entry(key).or_insert_with(|| a.id.clone());
                if users.ids.len() > known {
                    let Users { by_account, ids, .. } = users;
                    ids.retain(|k, _| by_account.0.contains_key(k));
                }
            }
            self.networks.of(l.network).add(a.outlet, day, weight(&l.network));
        }
        let slow = if strange.is_empty() || a.days < WARM_UP { 1.0 } else { 0.25 };
        a.hours.iter_mut().chain(&mut a.lengths).for_each(|h| *h *= fade);
        if let Some(first) = a.today.iter().min_by_key(|l| l.cite.ts) {
            a.hours[usize::from(first.half_hour)] += slow;
            self.hours[usize::from(first.half_hour)] += 1.0;
        }
        for b in a.today.iter().filter_map(|l| l.length) {
            a.lengths[usize::from(b)] += slow;
            self.lengths[usize::from(b)] += 1.0;
        }
        a.strange.retain(|_, s| day - s.1 < 2 * MONTH);
        for k in strange {
            let s = a.strange.entry(*k).or_insert((0, day));
            *s = (s.0 + 1, day);
        }
        a.days += 1;
        a.today.clear();
    }

    /// The account's holder moved by the staff records: a new habit begins.
    fn moved(a: &mut Account, outlet: Key) {
        let id = std::mem::take(&mut a.id);
        let today = std::mem::take(&mut a.today);
        *a = Account { id, outlet, today, month: a.month, highest: a.highest, ..Account::default() };
    }

    fn told(&self, a: &Account, score: f64, rate: f64, other: Option<Key>) -> Raised {
        let since = format_day(a.since);
        let (days, usual) = a.odd;
        let one_in = (1.0 / rate).round().clamp(1.0, 1e9) as u64;
        let seldom = match self.months.is_empty() {
            true => Text::new("no account-months yet to compare with", "尚无可比的工号月"),
            false => Text::new(
                format!("as high in 1 of {one_in} account-months"),
                format!("约每{one_in}个工号月出现1次"),
            ),
        };
        let mut list: Vec<(usize, f64)> =
            a.sum.iter().copied().enumerate().filter(|(_, n)| n.abs() >= 0.005).collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let last = list.len().saturating_sub(1);
        let mut told = 0.0;
        let contributions = list
            .iter()
            .enumerate()
            .map(|(n, (r, nats))| {
                let (en, zh) = (REASONS[*r].1, REASONS[*r].2);
                // What is too small to be shown goes with the last, so that the shares add up.
                let nats = if n == last { score - told } else { *nats };
                told += nats;
                let what = match n {
                    0 => Text::new(
                        format!(
                            "{en}; since {since} {days} days with logins, {usual} of them as usual; {}",
                            seldom.en
                        ),
                        format!("{zh}；自{since}起有登录的{days}天中{usual}天与习惯相符；{}", seldom.zh),
                    ),
                    _ => Text::new(en, zh),
                };
                Contribution {
                    what,
                    value: format!("{nats:.1}"),
                    threshold: (n == 0).then(|| format!("≥ {:.0}", self.floor)),
                    nats,
                }
            })
            .collect();
        let ids = a.today.iter().filter_map(|l| {
            let k = other?;
            let users = [self.devices.get(&l.device), self.addresses.get(&l.address)];
            users.into_iter().flatten().find_map(|u| u.ids.get(&k).cloned())
        });
        let involved: BTreeSet<Entity> = ids.map(|id| Entity::new(EntityKind::Account, id)).collect();
        Raised {
            rule: 0,
            entity: a.id.clone(),
            rows: a.today.iter().map(|l| l.cite).collect(),
            contributions,
            involved: involved.into_iter().collect(),
            // Among accounts, like every rule's: how seldom an account-month goes as high stands in the words.
            base_rate: None,
            at_most: (score < STRONG).then_some(Level::Low),
        }
    }
}

fn add(nats: &mut Nats, r: Reason, n: f64) {
    // What speaks against is one item.
    let at = if n < 0.0 { Reason::Usual } else { r };
    nats[at as usize] += n;
}

/// An account, its day's weight where it is past the warm-up, what was strange, and whose hand it may be.
type Weighed = (Key, Option<Nats>, Vec<Key>, Option<Key>);

impl Detector for ChangedHands {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, refs: &Registry) {
        let (Some(key), Some(device)) = (row.key(self.account), row.key(self.device)) else { return };
        let (account, ip) = (self.account, row.text(self.ip).unwrap_or(""));
        let length = row.time(self.until).filter(|u| *u > row.ts).map(|u| length_class(u - row.ts));
        let a = self.accounts.of(key);
        if a.id.is_empty() {
            a.id = row.text(account).unwrap_or_default().to_owned();
        }
        if a.hours.is_empty() {
            (a.hours, a.lengths) = (vec![0.0; BINS], vec![0.0; LENGTHS]);
        }
        let outlet = refs.staff.at(key, row.ts).map_or(Key(0), |s| Key::of(&s.outlet));
        if outlet != a.outlet {
            Self::moved(a, outlet);
            (a.hours, a.lengths) = (vec![0.0; BINS], vec![0.0; LENGTHS]);
        }
        if a.today.len() < LOGINS {
            let local = row.ts + 8 * HOUR;
            a.today.push(Login {
                device,
                address: Key::of(ip),
                network: network(ip),
                half_hour: (local.div_euclid(HOUR / 2).rem_euclid(BINS as i64)) as u8,
                length,
                cite,
            });
        }
    }

    fn day_end(&mut self, day: i64, refs: &Registry, out: &mut Vec<Raised>) {
        // All are weighed by what was known before the day, then all is learnt.
        let weighed: Vec<Weighed> = self
            .accounts
            .sorted()
            .into_iter()
            .filter(|(_, a)| !a.today.is_empty())
            .map(|(k, a)| {
                let (nats, strange, other) = self.weigh(k, a, day, refs);
                (k, (a.days >= WARM_UP).then_some(nats), strange, other)
            })
            .collect();
        for (key, nats, strange, other) in weighed {
            let Some(mut a) = self.accounts.remove(&key) else { continue };
            if let Some(nats) = nats {
                self.sum_up(&mut a, day, nats, other, out);
            }
            self.learn(key, &mut a, day, &strange);
            self.accounts.insert(key, a);
        }
    }
}

impl ChangedHands {
    fn sum_up(&mut self, a: &mut Account, day: i64, nats: Nats, other: Option<Key>, out: &mut Vec<Raised>) {
        let fade = (-((day - a.day) as f64) / MEMORY).exp2();
        let today: f64 = nats.iter().sum();
        for (s, n) in a.sum.iter_mut().zip(nats) {
            *s = *s * fade + n;
        }
        a.day = day;
        if a.odd.0 == 0 {
            a.since = day;
        }
        a.odd = (a.odd.0 + 1, a.odd.1 + u32::from(today <= 0.0));
        let score: f64 = a.sum.iter().sum();
        if score <= 0.0 {
            (a.sum, a.odd) = (Nats::default(), (0, 0));
        }
        if a.month == 0 {
            a.month = day;
        }
        if day - a.month >= MONTH {
            // Months that were told are no measure of the innocent.
            if !a.told {
                self.months.add(a.highest);
            }
            (a.month, a.highest, a.told) = (day, 0.0, false);
        }
        a.highest = a.highest.max(score);
        if score < self.floor || today <= 0.0 {
            return;
        }
        let rate = self.months.rate(score);
        if self.months.len() >= MONTHS && rate > self.rate {
            return;
        }
        a.told = true;
        out.push(self.told(a, score, rate, other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fade_and_the_weakest_goes() {
        let mut s = Shares::default();
        for n in 0..(OTHERS as i64 + 9) {
            s.add(Key::number(n), n, if n == 0 { 50.0 } else { 1.0 });
        }
        assert!(s.0.len() <= OTHERS && s.of(&Key::number(0), 30) > 24.9);
        assert_eq!(s.heaviest(&Key::number(99), 30).unwrap().0, Key::number(0));
    }

    #[test]
    fn hours_unlike_the_own_ones() {
        let mut own = vec![0.0; BINS];
        own[16] = 30.0;
        let all: Vec<f64> = (0..BINS).map(|b| if (14..40).contains(&b) { 50.0 } else { 1.0 }).collect();
        assert!(unlike(&own, &all, 16, true) < -1.0);
        assert!(unlike(&own, &all, 30, true) > 2.0);
        // Nobody's hours say little about whose they are.
        assert_eq!((length_class(HOUR / 8), length_class(HOUR), length_class(8 * HOUR)), (0, 2, 5));
    }
}
