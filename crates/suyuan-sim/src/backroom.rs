//! Honest work behind the counter that looks like a leak: engineers on call, audits delegated, large
//! migrations, lost cards replaced in a hurry, passwords recovered with a bill.

use suyuan_model::time::{DAY, HOUR, SECOND};

use crate::counter::permit;
use crate::customers::falls_on;
use crate::day::{Session, Shifts, look_up_id};
use crate::lookalike::write_password;
use crate::org::{Role, midnight};
use crate::out::source;
use crate::rng::Rng;
use crate::rows::{self, Val, degrees};
use crate::sim::{MINUTE, Sim};

/// The day's share of them.
pub fn day(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let look = sim.world.lookalikes.clone();
    let monthly = sim.volume.outlets as f64 / 100.0 / 30.0;
    for staff in 0..sim.org.staff.len() {
        let s = &sim.org.staff[staff];
        if s.role == Role::Engineer && !s.taken && rng.chance(look.on_call / 30.0) {
            on_call(sim, day, staff, rng);
        }
    }
    for _ in 0..rng.poisson(look.recoveries * monthly) {
        if let Some(s) = at_work(sim, shifts, &[Role::Clerk, Role::Agent], rng) {
            recovery(sim, &s, rng);
        }
    }
    for _ in 0..rng.poisson(look.lost_phones * monthly) {
        if let Some(s) = at_work(sim, shifts, &[Role::Clerk, Role::Agent], rng) {
            lost_phone(sim, &s, rng);
        }
    }
    for _ in 0..falls_on(sim, day, 10, look.migrations * sim.volume.outlets as f64 / 100.0) {
        if let Some(s) = at_work(sim, shifts, &[Role::BackOffice], rng) {
            migration(sim, &s, rng);
        }
    }
    delegation(sim, day, shifts, look.delegated, rng);
}

fn at_work(sim: &Sim, shifts: &Shifts, roles: &[Role], rng: &mut Rng) -> Option<Session> {
    let fits: Vec<usize> = (0..shifts.all.len())
        .filter(|i| {
            let s = &shifts.all[*i];
            !s.remote && roles.contains(&sim.org.staff[s.staff].role) && s.to - s.from > 3 * HOUR
        })
        .collect();
    if fits.is_empty() { None } else { shifts.all.get(*rng.pick(&fits)).cloned() }
}

/// Woken at night: a ticket, a login from home, some reads of tables.
fn on_call(sim: &mut Sim, day: i64, staff: usize, rng: &mut Rng) {
    let outlet = sim.org.staff[staff].outlet;
    let (account, device) = {
        let s = &sim.org.staff[staff];
        (s.account.clone(), sim.org.devices[s.device].clone())
    };
    let from = midnight(day) + rng.range(20 * 60, 23 * 60) * MINUTE + rng.range(0, 59) * SECOND;
    let order = permit(sim, from - 12 * MINUTE, staff, "系统告警应急处置", DAY);
    let id = sim.session(from);
    let ip = format!("198.18.9.{}", 1 + staff % 6);
    let o = &sim.org.outlets[outlet];
    let row = rows::Login {
        account: (&account).into(),
        device: (&device).into(),
        session: (&id).into(),
        ip: (&ip).into(),
        lat: degrees(o.lat + rng.range(-60_000, 60_000)),
        lon: degrees(o.lon + rng.range(-60_000, 60_000)),
        region6: (&sim.people.homes[o.place].region).into(),
        result: "ok".into(),
        until: Val::Time(from.div_euclid(SECOND) * SECOND + 50 * MINUTE),
    };
    sim.out.put(from, &source::SSO, &row);
    for n in 0..rng.range(1, 5) {
        let row = rows::Access {
            account: (&account).into(),
            device: (&device).into(),
            session: (&id).into(),
            ip: (&ip).into(),
            app: "db-console".into(),
            action: "view".into(),
            rows: rng.range(1, 800).into(),
            object: "db.subscriber".into(),
            result: "ok".into(),
            categories: "phone".into(),
            order: (&order).into(),
            purpose: "应急处置".into(),
            ..Default::default()
        };
        sim.out.put(from + (4 + 6 * n) * MINUTE, &source::CRM, &row);
    }
    sim.truth.lookalike("on_call_engineer", account);
}

/// A customer at the counter has forgotten the service password and wants last month's bill.
fn recovery(sim: &mut Sim, s: &Session, rng: &mut Rng) {
    let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
    let person = sim.customer(place, rng);
    let (id, phone) = (sim.people.id(person), sim.people.phone(person));
    let ts = rng.range(s.from + 10 * MINUTE, s.to - 40 * MINUTE);
    let order = ticket(sim, s, &id, ts, HOUR);
    look_up_id(sim, s, ts + MINUTE, &id, &order, "", "account;phone", rng);
    write_password(sim, s, ts + 4 * MINUTE, &phone, &order);
    look_up_id(sim, s, ts + rng.range(7, 25) * MINUTE, &id, &order, "", "call_detail;phone", rng);
    sim.truth.lookalike("assisted_recovery", order);
}

/// The card is stopped and replaced first; the ticket is written when the queue is gone.
fn lost_phone(sim: &mut Sim, s: &Session, rng: &mut Rng) {
    let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
    let person = sim.customer(place, rng);
    let id = sim.people.id(person);
    let ts = rng.range(s.from + 10 * MINUTE, s.to - 60 * MINUTE);
    let account = sim.org.staff[s.staff].account.clone();
    look_up_id(sim, s, ts, &id, "", "", "account;id_number", rng);
    let card = sim.old_card(person);
    sim.write_card_change(ts + 4 * MINUTE, card, "replace", &account, "补换卡", "");
    ticket(sim, s, &id, ts + rng.range(15, 50) * MINUTE, HOUR);
    sim.truth.lookalike("lost_phone_card", card.iccid());
}

fn ticket(sim: &mut Sim, s: &Session, id: &str, ts: i64, valid: i64) -> String {
    let order = sim.order(ts);
    let row = rows::WorkOrder {
        order: (&order).into(),
        subject: id.into(),
        account: (&sim.org.staff[s.staff].account).into(),
        outlet: (&sim.org.outlets[sim.org.staff[s.staff].outlet].id).into(),
        kind: "visit".into(),
        valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
        valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + valid),
        ..Default::default()
    };
    sim.out.put(ts, &source::DESK, &row);
    order
}

/// A whole table moves to a new system, under an order.
fn migration(sim: &mut Sim, s: &Session, rng: &mut Rng) {
    let ts = s.to - 50 * MINUTE;
    let order = permit(sim, ts - 2 * HOUR, s.staff, "系统割接数据迁移导出审批", DAY);
    for n in 0..rng.range(2, 5) {
        let row = rows::Access {
            account: (&sim.org.staff[s.staff].account).into(),
            device: (&sim.org.devices[s.device]).into(),
            session: (&s.id).into(),
            ip: (&s.ip).into(),
            app: "report-centre".into(),
            action: "export".into(),
            rows: rng.range(50_000, 400_000).into(),
            object: "migration.customer".into(),
            result: "ok".into(),
            categories: "account;address;phone".into(),
            order: (&order).into(),
            purpose: "系统割接".into(),
            ..Default::default()
        };
        sim.out.put(ts + n * 7 * MINUTE, &source::CRM, &row);
    }
    sim.truth.lookalike("migration_export", order);
}

/// An auditor stands in for the desk for two weeks: the right is granted, each change has its order.
fn delegation(sim: &mut Sim, day: i64, shifts: &Shifts, number: f64, rng: &mut Rng) {
    let mut begins = falls_on(sim, day, 11, number);
    for staff in 0..sim.org.staff.len() {
        let s = &sim.org.staff[staff];
        if s.role != Role::Auditor || s.taken {
            continue;
        }
        let Some(session) = shifts.all.get(shifts.first[staff]).cloned() else { continue };
        let delegated = sim.delegated.get(&staff).copied();
        if delegated.is_none() && begins > 0 {
            begins -= 1;
            let supervisor = sim.org.staff[staff].supervisor.map(|i| sim.org.staff[i].account.clone());
            let account = sim.org.staff[staff].account.clone();
            let row = rows::AccountChange {
                account: supervisor.as_deref().unwrap_or("SYS-IAM").into(),
                target: (&account).into(),
                change: "role_grant".into(),
                new: "card_state".into(),
                approver: supervisor.as_deref().unwrap_or("SYS-IAM").into(),
                ..Default::default()
            };
            sim.out.put(session.from + 5 * MINUTE, &source::IAM, &row);
            sim.truth.lookalike("delegated_auditor", account);
            sim.delegated.insert(staff, day + 14);
        }
        if delegated.is_some_and(|until| day < until) {
            for _ in 0..rng.poisson(3.0) {
                let place = sim.org.outlets[sim.org.staff[staff].outlet].place;
                let person = sim.customer(place, rng);
                let id = sim.people.id(person);
                let ts = rng
                    .range(session.from + 20 * MINUTE, (session.to - HOUR).max(session.from + 21 * MINUTE));
                let order = ticket(sim, &session, &id, ts, DAY);
                look_up_id(sim, &session, ts + MINUTE, &id, &order, "", "account;phone", rng);
                let account = sim.org.staff[staff].account.clone();
                let card = sim.old_card(person);
                let change = *rng.pick(&["restore", "suspend"]);
                sim.write_card_change(ts + 5 * MINUTE, card, change, &account, "代办停复机", &order);
            }
        }
    }
}
