//! Honest things that look like schemes: group contracts, vans, twins, monthly exports, and the small
//! change of rights and cards that goes on every day.

use suyuan_model::calendar;
use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::counter::{self, Detail, open_at_counter, permit};
use crate::day::{self, Shifts};
use crate::habit::Habit;
use crate::org::{OutletKind, Role, midnight};
use crate::out::source;
use crate::people::{Class, PersonId};
use crate::rng::Rng;
use crate::rows::{self, Val};
use crate::sim::{MINUTE, Sim, day_digits};

/// The day's share of them.
pub fn day(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let grown = sim.volume.outlets as f64 / 100.0;
    let look = sim.world.lookalikes.clone();
    let busy = if day::season(day) < 0.5 { 0.0 } else { 1.0 };
    for _ in 0..rng.poisson(look.group_contracts * grown * busy / 30.0) {
        group_contract(sim, day, shifts, rng);
    }
    for n in 0..sim.org.vans.len() {
        let staff = sim.org.vans[n];
        if shifts.first[staff] != usize::MAX && busy > 0.0 && rng.chance(0.25) {
            van(sim, day, staff, shifts, rng);
        }
    }
    for _ in 0..rng.poisson(look.twins * grown / 30.0) {
        twins(sim, day, shifts, rng);
    }
    exports(sim, day, shifts, rng);
    changes(sim, day, shifts, rng);
    late_devices(sim, day);
}

pub(crate) fn clerk_session<'a>(
    sim: &Sim,
    shifts: &'a Shifts,
    kinds: &[OutletKind],
    rng: &mut Rng,
) -> Option<&'a day::Session> {
    let fits: Vec<usize> = (0..shifts.all.len())
        .filter(|i| {
            let s = &shifts.all[*i];
            let staff = &sim.org.staff[s.staff];
            !s.remote
                && staff.role == Role::Clerk
                && kinds.contains(&sim.org.outlets[staff.outlet].kind)
                && s.to - s.from > 3 * HOUR
        })
        .collect();
    if fits.is_empty() { None } else { shifts.all.get(*rng.pick(&fits)) }
}

/// A firm's cards, opened at one counter under a contract number.
fn group_contract(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let Some(s) = clerk_session(sim, shifts, &[OutletKind::Hall, OutletKind::Flagship], rng).cloned() else {
        return;
    };
    let outlet = sim.org.staff[s.staff].outlet;
    let place = sim.org.outlets[outlet].place;
    const TRADES: [&str; 8] = [
        "电子有限公司",
        "物流有限公司",
        "家纺有限公司",
        "建筑劳务有限公司",
        "保安服务有限公司",
        "餐饮管理有限公司",
        "精密机械有限公司",
        "人力资源有限公司",
    ];
    const NAMES: [&str; 10] =
        ["恒达", "金盛", "华丰", "顺通", "永信", "东方", "瑞祥", "新元", "宏业", "安泰"];
    let employer = format!("{}{}{}", sim.people.homes[place].name, rng.pick(&NAMES), rng.pick(&TRADES));
    let ts = s.from + 5 * MINUTE;
    let order = format!("JT{}{:04}", &day_digits(day)[2..], rng.below(10_000));
    sim.out.put(
        ts,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            account: (&sim.org.staff[s.staff].account).into(),
            outlet: (&sim.org.outlets[outlet].id).into(),
            kind: "group_contract".into(),
            note: (&employer).into(),
            valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + 30 * DAY),
            ..Default::default()
        },
    );
    sim.truth.lookalike("group_contract_order", &order);
    let contact = sim.people.phone(sim.customer(place, rng));
    let site = (rng.bits() % 100_000) as u32;
    let n = rng.range(20, 60);
    let first = rng.below(5_000_000);
    let mut at = s.from + 20 * MINUTE;
    for i in 0..n {
        let person = PersonId::new(place, Class::Worker, first + i as u64);
        let lead = if rng.chance(0.2) { rng.range(10, 40) * 60 } else { rng.range(30, 150) };
        let card = sim.stock.take(outlet, day, &sim.org, &sim.people, &mut sim.out);
        let captured = (at - lead * SECOND).max(midnight(day) + HOUR);
        open_at_counter(
            sim,
            at,
            &s,
            person,
            outlet,
            card,
            Detail {
                captured,
                duration: rng.range(120, 300),
                channel: "group",
                read: "reader",
                order: &order,
                employer: &employer,
                contact: &contact,
                habit: Some(Habit::Colleague(site)),
                ..Detail::default()
            },
            rng,
        );
        at += rng.range(120, 400) * SECOND;
        if at > s.to {
            break;
        }
    }
}

/// A day in a village with a hand-held device, under a permit.
fn van(sim: &mut Sim, day: i64, staff: usize, shifts: &Shifts, rng: &mut Rng) {
    let outlet = sim.org.staff[staff].outlet;
    let place = sim.org.outlets[outlet].place;
    let region = counter::neighbour(sim, place, rng);
    let Some(home) = sim.people.homes.iter().position(|h| h.region == region) else { return };
    let own = &shifts.all[shifts.first[staff]];
    let device = sim.org.staff[staff].device;
    let order = permit(sim, own.from + MINUTE, staff, "流动服务车外出营业", DAY);
    sim.truth.lookalike("van_account", &sim.org.staff[staff].account);
    let from = own.from + 40 * MINUTE;
    let session = sim.session(from);
    let s = day::Session { id: session, device, from, to: from + 6 * HOUR, remote: false, ..own.clone() };
    let (lat, lon) = {
        let h = &sim.people.homes[home];
        (h.lat + rng.range(-80_000, 80_000), h.lon + rng.range(-80_000, 80_000))
    };
    let ip = format!("10.200.{}.{}", staff / 200, staff % 200 + 1);
    sim.out.put(
        from,
        &source::SSO,
        &rows::Login {
            account: (&sim.org.staff[staff].account).into(),
            device: (&sim.org.devices[device]).into(),
            session: (&s.id).into(),
            ip: (&ip).into(),
            lat: rows::degrees(lat),
            lon: rows::degrees(lon),
            region6: (&region).into(),
            result: "ok".into(),
            until: Val::Time(s.to.div_euclid(SECOND) * SECOND),
        },
    );
    let s = day::Session { ip, ..s };
    let supervisor = sim.org.staff[staff].supervisor.map(|i| sim.org.staff[i].account.clone());
    sim.out.put(
        from + MINUTE,
        &source::IAM,
        &rows::AccountChange {
            account: (&sim.org.staff[staff].account).into(),
            target: (&sim.org.staff[staff].account).into(),
            change: "location_override".into(),
            old: (&sim.people.homes[place].region).into(),
            new: (&region).into(),
            order: (&order).into(),
            approver: (&supervisor).into(),
            device: (&sim.org.devices[device]).into(),
            session: (&s.id).into(),
        },
    );
    let mut at = from + 15 * MINUTE;
    for _ in 0..rng.range(3, 11) {
        let person = sim.customer(home, rng);
        let card = sim.stock.take(outlet, day, &sim.org, &sim.people, &mut sim.out);
        let captured = at - rng.range(40, 200) * SECOND;
        open_at_counter(
            sim,
            at,
            &s,
            person,
            outlet,
            card,
            Detail {
                captured,
                duration: rng.range(200, 700),
                channel: "van",
                read: "nfc",
                order: &order,
                away: Some((&region, lat, lon)),
                ..Detail::default()
            },
            rng,
        );
        at += rng.range(8, 35) * MINUTE;
        if at > s.to {
            break;
        }
    }
}

/// Two persons with one face cluster.
fn twins(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let Some(s) = clerk_session(sim, shifts, &[OutletKind::Hall, OutletKind::Flagship], rng).cloned() else {
        return;
    };
    let outlet = sim.org.staff[s.staff].outlet;
    let place = sim.org.outlets[outlet].place;
    let a = sim.customer(place, rng);
    let b = PersonId::new(place, Class::Resident, a.n() + sim.people.homes[place].customers);
    let face = sim.people.face(a);
    sim.truth.lookalike("twin_face", &face);
    let mut at = rng.range(s.from + HOUR, s.to - 40 * MINUTE);
    for person in [a, b] {
        let card = sim.stock.take(outlet, day, &sim.org, &sim.people, &mut sim.out);
        let captured = at - rng.range(40, 120) * SECOND;
        open_at_counter(
            sim,
            at,
            &s,
            person,
            outlet,
            card,
            Detail {
                captured,
                duration: rng.range(200, 500),
                channel: "counter",
                read: "reader",
                face: &face,
                ..Detail::default()
            },
            rng,
        );
        at += rng.range(6, 20) * MINUTE;
    }
}

/// Reports of the back office: monthly large ones, weekly small ones, each under an order.
fn exports(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    if !calendar::is_workday(day) {
        return;
    }
    let (_, _, date) = time::civil_from_days(day);
    let monthly = (3..=5).contains(&date);
    let weekly = calendar::weekday(day) == 1;
    for s in &shifts.all {
        if sim.org.staff[s.staff].role != Role::BackOffice || s.remote || s.to - s.from < 2 * HOUR {
            continue;
        }
        let (rows, object, note) = match () {
            () if monthly && rng.chance(0.5) => {
                (rng.range(2_000, 40_000), "report.monthly_customers", "月度经营分析报表导出审批")
            }
            () if weekly && rng.chance(0.6) => {
                (rng.range(60, 400), "report.weekly_arrears", "周度欠费催缴清单导出审批")
            }
            () => continue,
        };
        let ts = rng.range(s.from + 30 * MINUTE, s.to - 30 * MINUTE);
        let order = permit(sim, ts - 20 * MINUTE, s.staff, note, DAY);
        sim.truth.lookalike("ordered_export", &order);
        sim.out.put(
            ts,
            &source::CRM,
            &rows::Access {
                account: (&sim.org.staff[s.staff].account).into(),
                device: (&sim.org.devices[s.device]).into(),
                session: (&s.id).into(),
                ip: (&s.ip).into(),
                app: "report-centre".into(),
                action: "export".into(),
                rows: rows.into(),
                object: object.into(),
                result: "ok".into(),
                categories: "account;phone".into(),
                order: (&order).into(),
                purpose: "经营分析".into(),
                ..Default::default()
            },
        );
    }
}

/// Passwords forgotten, service passwords reset at the counter, cards replaced and given up.
fn changes(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    for s in &shifts.all {
        let staff = &sim.org.staff[s.staff];
        if s.remote || staff.role == Role::Kiosk {
            continue;
        }
        if staff.joined == day && staff.joined > sim.start {
            joined(sim, s);
            continue;
        }
        if rng.chance(0.004) {
            let account = staff.account.clone();
            sim.out.put(
                s.from - 3 * MINUTE,
                &source::IAM,
                &rows::AccountChange {
                    account: (&account).into(),
                    target: (&account).into(),
                    change: "password_reset".into(),
                    ..Default::default()
                },
            );
        }
        let at_counter = matches!(staff.role, Role::Clerk | Role::Agent | Role::Hotline);
        if at_counter && s.to - s.from > HOUR && rng.chance(0.06) {
            service_change(sim, s, rng);
        }
    }
}

/// A new colleague's account is given out by the supervisor.
fn joined(sim: &mut Sim, s: &day::Session) {
    let staff = &sim.org.staff[s.staff];
    let by = staff.supervisor.map_or("SYS-IAM", |i| sim.org.staff[i].account.as_str());
    for (n, change) in ["credential_issue", "role_grant"].into_iter().enumerate() {
        let row = rows::AccountChange {
            account: by.into(),
            target: (&staff.account).into(),
            change: change.into(),
            new: if n == 1 { "clerk" } else { "" }.into(),
            approver: by.into(),
            ..Default::default()
        };
        sim.out.put(s.from - (30 - 5 * n as i64) * MINUTE, &source::IAM, &row);
    }
}

/// A subscriber at the counter: forgotten service password, lost card, or end of contract.
fn service_change(sim: &mut Sim, s: &day::Session, rng: &mut Rng) {
    let outlet = sim.org.staff[s.staff].outlet;
    let place = sim.org.outlets[outlet].place;
    let person = sim.customer(place, rng);
    let id = sim.people.id(person);
    let ts = rng.range(s.from, s.to - 30 * MINUTE);
    let order = sim.order(ts);
    let account = sim.org.staff[s.staff].account.clone();
    sim.out.put(
        ts,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            subject: (&id).into(),
            account: (&account).into(),
            outlet: (&sim.org.outlets[outlet].id).into(),
            kind: "visit".into(),
            valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + HOUR),
            ..Default::default()
        },
    );
    day::look_up_id(sim, s, ts + MINUTE, &id, &order, "", "account;id_number", rng);
    let old = sim.old_card(person);
    match rng.weighted(&[0.5, 0.35, 0.15]) {
        0 => {
            let phone = sim.people.phone(person);
            write_password(sim, s, ts + 4 * MINUTE, &phone, &order);
        }
        1 => {
            let clerk = matches!(sim.org.staff[s.staff].role, Role::Clerk | Role::Agent);
            let change = if clerk { "replace" } else { "suspend" };
            sim.write_card_change(ts + 5 * MINUTE, old, change, &account, "补换卡", &order);
        }
        _ => sim.write_card_change(ts + 5 * MINUTE, old, "cancel", &account, "客户销户", &order),
    }
}

/// A subscriber's service password set anew.
pub fn write_password(sim: &mut Sim, s: &day::Session, ts: i64, target: &str, order: &str) {
    // The target is a subscriber: written as the carrier's opaque subscriber id, not as the number.
    let subscriber = sim.people.opaque("sub-", crate::rng::label(target));
    sim.out.put(
        ts,
        &source::IAM,
        &rows::AccountChange {
            account: (&sim.org.staff[s.staff].account).into(),
            target: (&subscriber).into(),
            change: "service_password_reset".into(),
            order: order.into(),
            device: (&sim.org.devices[s.device]).into(),
            session: (&s.id).into(),
            ..Default::default()
        },
    );
}

/// A device bound on its first day although the asset list shows it days later.
fn late_devices(sim: &mut Sim, day: i64) {
    for n in 0..sim.org.late_devices.len() {
        let (device, used, _) = sim.org.late_devices[n];
        if used == day {
            sim.truth.lookalike("late_terminal", &sim.org.devices[device]);
            sim.out.put(
                midnight(day) + 7 * HOUR,
                &source::IAM,
                &rows::AccountChange {
                    account: "SYS-IAM".into(),
                    target: (&sim.org.devices[device]).into(),
                    change: "device_bind".into(),
                    ..Default::default()
                },
            );
        }
    }
}
