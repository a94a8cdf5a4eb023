//! An account is not a person: who really worked under a login.
//!
//! For each account of a ring and each device that is not its outlet's (and for each source of persons' data and the device
//! that carries its harm, see `question/hands.rs`), the records are asked what an owner on a new phone would not show: sessions beside the owner's own, another province, off
//! shift, identities captured on the same device by someone else. Blind to a stranger who works at
//! the owner's counter in the owner's hours.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::calendar::Shift;
use suyuan_model::outcome::{Contribution, Entity, EntityKind, Evidence, Operator};
use suyuan_model::time;

use crate::attribute::logistic;
use crate::facts::{Facts, Login, Row, province};
use crate::intern::{Id, NONE};
use crate::ring::marks::overlaps;
use crate::words::{number, text};

/// Log odds, before anything is seen, that a device used under an account is not the owner's.
const PRIOR: f64 = -3.0;
/// Fewer captures on a device are no link to their collector.
const CAPTURES: usize = 3;
/// No probability is stated above this: an owner can also be made to work elsewhere.
const CEILING: f64 = 0.99;

/// A collector met on a device, with the rows.
pub fn collectors_on(f: &Facts, device: Id) -> BTreeMap<Id, Vec<Row>> {
    let mut out: BTreeMap<Id, Vec<Row>> = BTreeMap::new();
    for c in f.captures.iter().filter(|c| c.device == device && c.collector != NONE) {
        out.entry(c.collector).or_default().push(c.row);
    }
    out.retain(|_, rows| rows.len() >= CAPTURES);
    out
}

/// The operator of one account on one device; `openings` are indices of the openings made there. Where one account is `shared` by
/// the people of a shop all over the carrier, sessions beside one another say something only from another province.
pub fn operator(f: &Facts, account: Id, device: Id, openings: &[usize], shared: bool) -> Option<Operator> {
    let mut reasons = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    let unlisted = !f.terminals.is_empty() && !f.terminals.contains_key(&device);
    if unlisted {
        reasons.push(reason("the device stands on no asset list", "终端不在任何资产清单上", "1", None, 1.5));
    }
    let logins: Vec<&Login> =
        f.logins.get(&account).into_iter().flatten().filter(|l| l.device == device).collect();
    logins_speak(f, account, &logins, shared, &mut reasons, &mut rows);
    let collectors = collectors_on(f, device);
    let mut who = vec![Entity::new(EntityKind::Device, f.name(device))];
    for (collector, captures) in collectors.iter().filter(|(c, _)| **c != account) {
        who.push(Entity::new(EntityKind::Collector, f.name(*collector)));
        reasons.push(reason(
            &format!("{} captured identities on this device", f.name(*collector)),
            &format!("{} 在同一终端采集身份信息", f.name(*collector)),
            &captures.len().to_string(),
            Some(CAPTURES.to_string()),
            3.0,
        ));
        rows.extend(captures.iter().take(50));
    }
    rows.extend(openings.iter().take(50).map(|i| f.openings[*i].row));
    told(f, account, who, reasons, &rows)
}

/// The operator of an account on a device, for these reasons with these rows; what its logins there say is added.
pub fn of(
    f: &Facts,
    (account, device): (Id, Id),
    who: Vec<Entity>,
    (mut reasons, mut rows): (Vec<Contribution>, Vec<Row>),
    shared: bool,
) -> Option<Operator> {
    let logins: Vec<&Login> =
        f.logins.get(&account).into_iter().flatten().filter(|l| l.device == device).collect();
    logins_speak(f, account, &logins, shared, &mut reasons, &mut rows);
    told(f, account, who, reasons, &rows)
}

fn told(
    f: &Facts,
    account: Id,
    who: Vec<Entity>,
    reasons: Vec<Contribution>,
    rows: &[Row],
) -> Option<Operator> {
    let log: f64 = PRIOR + reasons.iter().map(|r| r.nats).sum::<f64>();
    let holder = f.staff.get(&account).map_or(NONE, |s| s.holder);
    Some(Operator {
        account: Entity::new(EntityKind::Account, f.name(account)),
        owner: (holder != NONE).then(|| Entity::new(EntityKind::Person, f.name(holder))),
        operator: who,
        probability: logistic(log).min(CEILING),
        reasons,
        evidence: Evidence::of(rows.iter().map(|r| r.cite(&f.names)))?,
    })
}

fn logins_speak(
    f: &Facts,
    account: Id,
    logins: &[&Login],
    shared: bool,
    reasons: &mut Vec<Contribution>,
    rows: &mut Vec<Row>,
) {
    if logins.is_empty() {
        return;
    }
    let n = logins.len() as f64;
    let home = province(f.name(f.home_region(account)));
    let afar = |l: &Login| home.is_some() && province(f.name(l.region)).is_some_and(|p| Some(p) != home);
    let away: Vec<&&Login> = logins.iter().filter(|l| afar(l)).collect();
    let share = away.len() as f64 / n;
    if share > 0.0 {
        reasons.push(reason(
            "its logins come from another province than the account's home",
            "登录地与工号所在省不同",
            &format!("{} / {}", away.len(), logins.len()),
            None,
            2.5 * share,
        ));
        rows.extend(away.iter().take(50).map(|l| l.row));
    }
    let beside: Vec<&&Login> = logins.iter().filter(|l| (!shared || afar(l)) && overlaps(f, l)).collect();
    if !beside.is_empty() {
        reasons.push(reason(
            "its sessions run beside sessions of the account on other devices",
            "与该工号在其他终端的会话同时在线",
            &format!("{} / {}", beside.len(), logins.len()),
            None,
            (1.0 + (beside.len() as f64).ln()).min(4.0),
        ));
        rows.extend(beside.iter().take(50).map(|l| l.row));
    }
    let shift = f.staff.get(&account).and_then(|s| Shift::parse(f.name(s.shift)).ok());
    if let Some(shift) = shift {
        let off = logins.iter().filter(|l| !shift.covers(l.row.ts)).count();
        if off * 5 >= logins.len() {
            let value = format!("{off} / {}", logins.len());
            let nats = off as f64 / n;
            reasons.push(reason(
                "logged in outside the account's shift",
                "在班次之外登录",
                &value,
                None,
                nats,
            ));
        }
    }
    let first = logins[0];
    let others: BTreeSet<Id> = f.logins.get(&account).into_iter().flatten().map(|l| l.device).collect();
    let earliest = f.logins.get(&account).and_then(|l| l.first()).map_or(0, |l| l.row.ts);
    if others.len() > 1 && first.row.ts > earliest + 30 * time::DAY {
        reasons.push(reason(
            "first seen under the account long after the account was in use",
            "在工号启用之后很久才首次出现",
            &time::format_china(first.row.ts),
            None,
            0.5,
        ));
        rows.push(first.row);
    }
}

/// A measured value with its share.
pub fn reason(en: &str, zh: &str, value: &str, threshold: Option<String>, nats: f64) -> Contribution {
    let nats = number(nats).parse().unwrap_or(nats);
    Contribution { what: text(en, zh), value: value.to_owned(), threshold, nats }
}
