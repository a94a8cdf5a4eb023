//! Whose hands: on which device the harm of a source of persons' data was looked up, and whether its owner sat there.
//!
//! Asked of every account that is more likely a source than not, by its own look-ups; a device carries the harm
//! where far more of it follows look-ups on that device than the device's part of the look-ups in the window leads to expect,
//! or where the account used it in the window and hardly ever else. Owner and operator are separate suspects: somebody else worked
//! there as far as the device, its usual user, the place of logins, the minutes, the hours and the network are not the owner's.
//!
//! Always holds: an account whose look-ups name no device gets no operator.
//! Blind to: who sits at the owner's own device in the owner's hours.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{Contribution, Entity, EntityKind, Operator, Question, Source};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::{CHINA, DAY, HOUR};

use super::looks::{Look, Looks};
use crate::facts::{Bar, Facts, load_of_accounts, scan_picked};
use crate::intern::{Id, NONE};
use crate::operator::{self, reason};
use crate::prints::{Print, Sieve};
use crate::words::number;

/// Nats by which a device's part of the harm must exceed its part of the look-ups.
const CARRIES: f64 = 3.0;
/// A device carries the harm only where so much of it follows look-ups there.
const MOST: f64 = 0.5;
/// Fewer look-ups outside the window say nothing of what the account usually does.
const USUAL: usize = 50;
/// Look-ups on two devices so close together are of two people, or of one who ran.
const BESIDE: i64 = HOUR / 6;
/// So many of a device's look-ups beside others say something.
const OFTEN: usize = 5;
/// A device's usual user sat there where so much of the work under the account stands minutes beside the user's own.
const PRESENT: f64 = 0.3;

/// Times of look-ups on a device by account, in order.
type Users = BTreeMap<String, Vec<i64>>;

/// Names the devices that carry the harm of sources of persons' data, and who worked on them.
pub fn tell(
    f: &mut Facts,
    source: &dyn RowSource,
    mut looks: Looks,
    sources: &mut [Source],
    operators: &mut Vec<Operator>,
    shared: bool,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let asked = |s: &Source| {
        s.question != Question::CardOpening && s.entity.kind == EntityKind::Account && s.probability >= 0.5
    };
    let accounts: BTreeSet<Id> =
        sources.iter().filter(|s| asked(s)).filter_map(|s| f.names.find(&s.entity.id)).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    looks.read(f, source, accounts.into_iter(), bar)?;
    let looks = looks.named(f);
    let mut carried: Vec<(usize, Id, Carrier)> = Vec::new();
    for (n, s) in sources.iter().enumerate().filter(|(_, s)| asked(s)) {
        let account = f.names.find(&s.entity.id).unwrap_or(NONE);
        let mine = looks.get(&account).map_or(&[][..], Vec::as_slice);
        carried.extend(carriers(f, s, mine).into_iter().map(|c| (n, account, c)));
    }
    if carried.is_empty() {
        return Ok(());
    }
    let unread = carried.iter().map(|c| c.1).filter(|a| !f.logins.contains_key(a)).collect();
    load_of_accounts(f, source, &unread, bar)?;
    let users = users(f, source, &carried.iter().map(|c| c.2.device).collect(), bar)?;
    for (n, account, carrier) in carried {
        let device = Entity::new(EntityKind::Device, f.name(carrier.device));
        let s = &mut sources[n];
        s.contributions.push(carrier.reason(&device));
        if !s.finer.contains(&device) {
            s.finer.push(device);
            s.finer.sort();
        }
        let of_device = &users[&carrier.device];
        operators.extend(hand(f, account, &carrier, &looks[&account], of_device, shared));
    }
    operators.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then((&a.account, &a.operator).cmp(&(&b.account, &b.operator)))
    });
    // Two questions may point at one device of one account.
    operators.dedup_by(|a, b| (&a.account, &a.operator) == (&b.account, &b.operator));
    Ok(())
}

/// Tells these names from all others, without a look at the table of all names.
fn sieve(f: &Facts, ids: &BTreeSet<Id>) -> Sieve {
    Sieve::of(ids.iter().map(|id| (Print::of(f.name(*id)), *id)).collect())
}

/// When each account looked anyone up on these devices.
fn users(
    f: &Facts,
    source: &dyn RowSource,
    devices: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<BTreeMap<Id, Users>, ScanError> {
    let mut out: BTreeMap<Id, Users> = devices.iter().map(|d| (*d, BTreeMap::new())).collect();
    let asked = sieve(f, devices);
    let texts = devices.iter().map(|d| f.name(*d).to_owned()).collect();
    scan_picked(source, (Kind::Access, "device"), texts, &["account", "device"], bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows {
            let device = c.device.get(i).and_then(|d| asked.find(Print::of(d)));
            if let (Some(of), Some(account)) = (device.and_then(|d| out.get_mut(&d)), c.account.get(i)) {
                match of.get_mut(account) {
                    Some(times) => times.push(c.key.ts(i)),
                    None => drop(of.insert(account.to_owned(), vec![c.key.ts(i)])),
                }
            }
        }
    })?;
    Ok(out)
}

/// A device that carries a source's harm.
struct Carrier {
    device: Id,
    /// Harm that follows look-ups on it, by responsibility, and all of the source's.
    harm: (f64, f64),
    /// Look-ups on it in the window, and all of them.
    inside: (usize, usize),
    /// The same outside the window.
    outside: (usize, usize),
    window: (i64, i64),
}

impl Carrier {
    fn reason(&self, device: &Entity) -> Contribution {
        reason(
            &format!(
                "of its harm what follows look-ups on {device}, on which {} of {} look-ups of that time were made",
                self.inside.0, self.inside.1
            ),
            &format!(
                "其受害中出现在 {device} 上的查询之后的部分；该时段 {} 次查询中有 {} 次在其上",
                self.inside.1, self.inside.0
            ),
            &format!("{} / {}", number(self.harm.0), number(self.harm.1)),
            None,
            0.0,
        )
    }
}

/// The devices that carry the harm of one source, by its look-ups.
fn carriers(f: &Facts, s: &Source, looks: &[Look]) -> Vec<Carrier> {
    let window = s.window.map_or((i64::MIN, i64::MAX), |w| (w.start, w.end));
    let inside = |l: &&Look| window.0 <= l.row.ts && l.row.ts <= window.1;
    let at: BTreeMap<(i64, Id, i64), Id> =
        looks.iter().map(|l| ((l.row.ts, l.row.source, l.row.seq), l.device)).collect();
    let mut harm: BTreeMap<Id, f64> = BTreeMap::new();
    for h in &s.harms {
        if let Some(device) =
            f.names.find(&h.touch.source).and_then(|s| at.get(&(h.touch.ts, s, h.touch.seq)))
        {
            *harm.entry(*device).or_default() += h.share;
        }
    }
    let all: f64 = harm.values().sum();
    let count = |of: &dyn Fn(&&Look) -> bool| looks.iter().filter(|l| of(l)).count();
    let (in_all, out_all) = (count(&inside), count(&|l| !inside(l)));
    let mut out = Vec::new();
    for (device, k) in harm.into_iter().filter(|(d, k)| *d != NONE && *k >= MOST * all) {
        let on = count(&|l| l.device == device && inside(l));
        let off = count(&|l| l.device == device && !inside(l));
        let expected = all * on as f64 / in_all.max(1) as f64;
        let more = k > expected && k * (k / expected.max(1e-9)).ln() - (k - expected) > CARRIES;
        let only_then = out_all >= USUAL && off * 50 < out_all && in_all < on * 2;
        if more || only_then {
            out.push(Carrier {
                device,
                harm: (k, all),
                inside: (on, in_all),
                outside: (off, out_all),
                window,
            });
        }
    }
    out
}

/// Who worked on that device under the account.
fn hand(
    f: &Facts,
    account: Id,
    c: &Carrier,
    looks: &[Look],
    users: &Users,
    shared: bool,
) -> Option<Operator> {
    let device = Entity::new(EntityKind::Device, f.name(c.device));
    let (there, elsewhere): (Vec<&Look>, Vec<&Look>) = looks.iter().partition(|l| l.device == c.device);
    let inside = |l: &&&Look| c.window.0 <= l.row.ts && l.row.ts <= c.window.1;
    let there: Vec<&Look> = there.iter().filter(inside).copied().collect();
    let mut reasons = vec![c.reason(&device)];
    let mut who = vec![device];
    reasons.extend(usual(c));
    if let Some((other, sat_there, told)) = usual_user(f.name(account), &there, users) {
        who.extend(sat_there.then(|| Entity::new(EntityKind::Account, other)));
        reasons.push(told);
    }
    reasons.extend(stands(f, account, c.device));
    reasons.extend(beside(&there, &elsewhere));
    reasons.extend(hours(&there, &elsewhere));
    reasons.extend(networks(&there, &elsewhere));
    let rows = there.iter().map(|l| l.row).collect();
    operator::of(f, (account, c.device), who, (reasons, rows), shared)
}

/// Whether the account uses the device at other times.
fn usual(c: &Carrier) -> Option<Contribution> {
    let (on, all) = c.outside;
    let value = format!("{on} / {all}");
    if all < USUAL {
        None
    } else if on * 50 < all {
        let (en, zh) =
            ("the account's look-ups outside that time made on it", "该时段之外该工号在其上的查询");
        Some(reason(en, zh, &value, Some("2%".to_owned()), 2.0))
    } else if on * 2 >= all {
        let (en, zh) = ("the account's usual device, outside that time too", "该工号平时亦主要使用此终端");
        Some(reason(en, zh, &value, Some("50%".to_owned()), -2.0))
    } else {
        None
    }
}

/// Another account that made most look-ups on the device, and whether it was at work there at those times: only then do its
/// hands come into question, else somebody sat at an empty desk.
fn usual_user(account: &str, there: &[&Look], users: &Users) -> Option<(String, bool, Contribution)> {
    let all: usize = users.values().map(Vec::len).sum();
    let others = users.iter().filter(|x| x.0 != account);
    let (other, times) = others.max_by_key(|x| (x.1.len(), std::cmp::Reverse(x.0)))?;
    if times.len() * 2 < all {
        return None;
    }
    let beside = there.iter().filter(|l| near(times, l.row.ts)).count();
    let sat_there = beside as f64 >= PRESENT * there.len() as f64;
    let told = reason(
        &format!(
            "on the desk of account {other} ({} of {all} look-ups on it), within ten minutes of that account's own",
            times.len()
        ),
        &format!(
            "在工号 {other} 的终端上（其上查询 {all} 次中 {} 次由其进行），与该工号自身查询相隔不足十分钟",
            times.len()
        ),
        &format!("{beside} / {}", there.len()),
        Some("30%".to_owned()),
        if sat_there { 2.0 } else { 0.0 },
    );
    Some((other.clone(), sat_there, told))
}

/// Whether one of these times, in order, is within minutes of that one.
fn near(times: &[i64], at: i64) -> bool {
    let from = times.partition_point(|t| *t < at - BESIDE);
    times.get(from).is_some_and(|t| *t <= at + BESIDE)
}

/// Where the device stands.
fn stands(f: &Facts, account: Id, device: Id) -> Option<Contribution> {
    let home = f.home(account);
    match f.terminals.get(&device) {
        None if !f.terminals.is_empty() => {
            Some(reason("the device stands on no asset list", "终端不在任何资产清单上", "1", None, 1.5))
        }
        Some(outlet) if *outlet != NONE && home != NONE && *outlet != home => Some(reason(
            "the device stands at another outlet than the account's",
            "终端登记在其他网点",
            f.name(*outlet),
            None,
            1.0,
        )),
        _ => None,
    }
}

/// Look-ups there within minutes of the account's look-ups elsewhere.
fn beside(there: &[&Look], elsewhere: &[&Look]) -> Option<Contribution> {
    let times: Vec<i64> = elsewhere.iter().map(|l| l.row.ts).collect();
    let n = there.iter().filter(|l| near(&times, l.row.ts)).count();
    (n >= OFTEN && n * 5 >= there.len()).then(|| {
        reason(
            "look-ups there within ten minutes of the account's look-ups on other devices",
            "与该工号在其他终端的查询相隔不足十分钟",
            &format!("{n} / {}", there.len()),
            Some("20%".to_owned()),
            (1.0 + (n as f64).ln()).min(3.0),
        )
    })
}

/// Look-ups there outside the hours that hold four fifths of the account's others.
fn hours(there: &[&Look], elsewhere: &[&Look]) -> Option<Contribution> {
    if elsewhere.len() < USUAL {
        return None;
    }
    let of_day = |l: &&Look| (l.row.ts + CHINA).rem_euclid(DAY) / HOUR;
    let mut usual: Vec<i64> = elsewhere.iter().map(of_day).collect();
    usual.sort_unstable();
    let (from, until) = (usual[usual.len() / 10], usual[usual.len() * 9 / 10]);
    let off = there.iter().filter(|l| !(from..=until).contains(&of_day(l))).count();
    (off >= OFTEN && off * 5 >= there.len() * 4).then(|| {
        reason(
            &format!("look-ups there outside the account's hours elsewhere ({from}:00 to {}:00)", until + 1),
            &format!("在该工号其他终端的工作时段（{from}:00至{}:00）之外的查询", until + 1),
            &format!("{off} / {}", there.len()),
            Some("80%".to_owned()),
            1.0,
        )
    })
}

/// Look-ups there from networks that the account does not use elsewhere.
fn networks(there: &[&Look], elsewhere: &[&Look]) -> Option<Contribution> {
    let known: BTreeSet<Id> = elsewhere.iter().map(|l| l.network).filter(|n| *n != NONE).collect();
    let told: Vec<&&Look> = there.iter().filter(|l| l.network != NONE).collect();
    let strange = told.iter().filter(|l| !known.contains(&l.network)).count();
    (!known.is_empty() && strange >= 2 * OFTEN && strange * 10 >= told.len() * 9).then(|| {
        reason(
            "look-ups there from networks that the account does not use elsewhere",
            "来自该工号在其他终端从未使用的网络",
            &format!("{strange} / {}", told.len()),
            Some("90%".to_owned()),
            1.0,
        )
    })
}
