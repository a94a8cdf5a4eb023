//! One honest day: shifts and logins, visits and calls with their look-ups, openings.

use suyuan_model::calendar;
use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::org::{Role, midnight};
use crate::out::source;
use crate::people::PersonId;
use crate::rng::Rng;
use crate::rows::{self, Val, degrees};
use crate::sim::{MINUTE, Sim};

/// A member of staff at work on a device.
#[derive(Clone)]
pub struct Session {
    /// Index of the staff.
    pub staff: usize,
    /// Index of the device.
    pub device: usize,
    /// Its number.
    pub id: String,
    /// Login.
    pub from: i64,
    /// Logout.
    pub to: i64,
    /// Network address.
    pub ip: String,
    /// In the evening, through an egress.
    pub remote: bool,
}

/// The sessions of a day, and where each member of staff's first one stands.
pub struct Shifts {
    /// All, by outlet.
    pub all: Vec<Session>,
    /// Index into `all` by staff; `usize::MAX` where absent.
    pub first: Vec<usize>,
    /// Range of `all` by outlet.
    pub outlets: Vec<std::ops::Range<usize>>,
}

const APPS: [&str; 3] = ["crm-counter", "crm-hotline", "crm-web"];

/// How busy a day is, around 1.
pub fn season(day: i64) -> f64 {
    let (y, m, d) = time::civil_from_days(day);
    let month = [0.9, 0.8, 1.05, 1.05, 1.0, 1.0, 1.0, 1.0, 1.3, 1.05, 1.1, 1.0][m as usize - 1];
    let lockdown = if y == 2020 && ((m == 1 && d >= 24) || (m == 2 && d <= 20)) { 0.35 } else { 1.0 };
    let week = match (calendar::weekday(day), calendar::is_workday(day)) {
        (_, true) => 0.95,
        (6 | 7, _) => 1.15,
        _ => 0.75,
    };
    month * lockdown * week
}

/// Who is at work, on which device; writes the logins.
pub fn shifts(sim: &mut Sim, day: i64, rng: &mut Rng) -> Shifts {
    let mut all = Vec::with_capacity(sim.org.staff.len());
    let mut first = vec![usize::MAX; sim.org.staff.len()];
    let mut outlets = Vec::with_capacity(sim.org.outlets.len());
    for outlet in 0..sim.org.outlets.len() {
        let begin = all.len();
        let counters: Vec<usize> = {
            let all = &sim.org.outlets[outlet].counters;
            let usable: Vec<usize> = all.iter().copied().filter(|d| sim.org.usable(*d, day)).collect();
            if usable.is_empty() { all.clone() } else { usable }
        };
        for n in 0..sim.org.outlets[outlet].staff.len() {
            let staff = sim.org.outlets[outlet].staff[n];
            if !sim.org.staff[staff].on_duty(day) || absent(sim, staff, day, rng) {
                continue;
            }
            first[staff] = all.len();
            let own = sim.org.staff[staff].device;
            let clerk = sim.org.staff[staff].role == Role::Clerk || sim.org.staff[staff].role == Role::Agent;
            let device = if clerk && !counters.is_empty() { counters[n % counters.len()] } else { own };
            let device = sim.org.standing(device, day);
            if clerk && sim.org.loans.iter().any(|l| l.2 == device) {
                sim.truth.lookalike("loan_device", &sim.org.devices[device]);
            }
            work(sim, day, staff, device, n, &mut all, rng);
            if clerk && counters.len() > 1 && rng.chance(0.015) {
                second_counter(sim, staff, counters[(n + 1) % counters.len()], n, &mut all, rng);
            }
        }
        outlets.push(begin..all.len());
    }
    Shifts { all, first, outlets }
}

/// Off sick, on leave, or the office is closed on a holiday.
fn absent(sim: &Sim, staff: usize, day: i64, rng: &mut Rng) -> bool {
    let s = &sim.org.staff[staff];
    let office = matches!(s.role, Role::BackOffice | Role::Liaison | Role::Supervisor | Role::Auditor);
    (office && !calendar::is_workday(day))
        || (s.role == Role::Clerk && calendar::holiday(day).is_some() && rng.chance(0.5))
        || rng.chance(if s.role == Role::Kiosk { 0.0 } else { 0.05 })
}

fn work(
    sim: &mut Sim,
    day: i64,
    staff: usize,
    device: usize,
    n: usize,
    all: &mut Vec<Session>,
    rng: &mut Rng,
) {
    let (from, to, outlet, vpn) = {
        let s = &sim.org.staff[staff];
        (s.from, s.to, s.outlet, s.vpn)
    };
    let begin = midnight(day) + from * MINUTE + rng.range(-8 * 60, 9 * 60) * SECOND;
    let end = midnight(day) + to * MINUTE + rng.range(-5 * 60, 8 * 60) * SECOND;
    let ip = format!("{}.{}", sim.org.outlets[outlet].net, 10 + n);
    if rng.chance(0.25) && to - from > 300 {
        let noon = midnight(day) + (from + to) / 2 * MINUTE + rng.range(-1800, 1800) * SECOND;
        login(sim, staff, device, begin, noon, &ip, None, all, rng);
        login(sim, staff, device, noon + rng.range(20, 60) * MINUTE, end, &ip, None, all, rng);
    } else {
        login(sim, staff, device, begin, end, &ip, None, all, rng);
    }
    if vpn && rng.chance(0.35) {
        let from = midnight(day) + rng.range(19 * 60, 21 * 60) * MINUTE;
        let home = &sim.people.homes[sim.org.outlets[outlet].place].region;
        // The egress stands in another province; everyone's address is the same few.
        let (region, egress) = if home.starts_with("31") { ("330108", 3) } else { ("310115", 7) };
        let ip = format!("198.18.{egress}.{}", rng.range(1, 4));
        let own = sim.org.staff[staff].device;
        sim.truth.lookalike("vpn_account", &sim.org.staff[staff].account);
        login(sim, staff, own, from, from + rng.range(20, 90) * MINUTE, &ip, Some(region), all, rng);
    }
}

/// Someone helps at the next counter and stays logged in at the own one.
fn second_counter(
    sim: &mut Sim,
    staff: usize,
    device: usize,
    n: usize,
    all: &mut Vec<Session>,
    rng: &mut Rng,
) {
    let own = all.last().filter(|s| s.staff == staff && !s.remote && s.to - s.from > 3 * HOUR);
    let Some(own) = own else { return };
    let from = own.from + rng.range(40, 120) * MINUTE;
    let to = from + rng.range(15, 60) * MINUTE;
    let ip = format!("{}.{}", sim.org.outlets[sim.org.staff[staff].outlet].net, 40 + n);
    sim.truth.lookalike("two_counters", &sim.org.staff[staff].account);
    login(sim, staff, device, from, to, &ip, None, all, rng);
}

#[expect(clippy::too_many_arguments, reason = "one place where a login is written")]
fn login(
    sim: &mut Sim,
    staff: usize,
    device: usize,
    from: i64,
    to: i64,
    ip: &str,
    egress: Option<&str>,
    all: &mut Vec<Session>,
    rng: &mut Rng,
) {
    let id = sim.session(from);
    let s = &sim.org.staff[staff];
    let o = &sim.org.outlets[s.outlet];
    let region = egress.unwrap_or(&sim.people.homes[o.place].region);
    let row = rows::Login {
        account: (&s.account).into(),
        device: (&sim.org.devices[device]).into(),
        session: (&id).into(),
        ip: ip.into(),
        lat: if egress.is_some() { Val::None } else { degrees(o.lat + rng.range(-300, 300)) },
        lon: if egress.is_some() { Val::None } else { degrees(o.lon + rng.range(-300, 300)) },
        region6: region.into(),
        result: "ok".into(),
        until: Val::Time(to.div_euclid(SECOND) * SECOND),
    };
    if rng.chance(0.03) {
        let failed = rows::Login { session: Val::None, result: "failed".into(), until: Val::None, ..row };
        sim.out.put(from - rng.range(20, 90) * SECOND, &source::SSO, &failed);
    }
    sim.out.put(from, &source::SSO, &row);
    all.push(Session { staff, device, id, from, to, ip: ip.to_owned(), remote: egress.is_some() });
}

/// Visits and calls of the day with their look-ups, and the look-ups that nothing explains.
pub fn services(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let weight = |sim: &Sim, s: &Session| match sim.org.staff[s.staff].role {
        _ if s.remote => 0.1,
        Role::Hotline => 5.0,
        Role::Clerk => 1.0,
        Role::Agent => 0.6,
        Role::Supervisor => 0.4,
        Role::BackOffice => 0.6,
        Role::Auditor => 0.2,
        Role::Liaison | Role::Kiosk | Role::Engineer => 0.0,
    } * ((s.to - s.from) as f64 / (8 * HOUR) as f64);
    let total: f64 = shifts.all.iter().map(|s| weight(sim, s)).sum();
    let per = sim.volume.services * season(day).max(0.5) / total.max(1e-9);
    for n in 0..sim.org.unticketed.len() {
        let account = sim.org.staff[sim.org.unticketed[n]].account.clone();
        sim.truth.lookalike("unticketed_helper", account);
    }
    let unexplained = (1.0 - sim.world.background.explained) / sim.world.background.explained;
    for s in &shifts.all {
        let n = rng.poisson(per * weight(sim, s));
        for _ in 0..n {
            let seen = service(sim, s, shifts, rng);
            let share = if sim.org.unticketed.contains(&s.staff) { 4.0 * unexplained } else { unexplained };
            for _ in 0..rng.poisson(seen as f64 * share) {
                // A caller whose call was not ticketed, a colleague's question, a slip of the finger.
                let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
                let person = sim.customer(place, rng);
                let ts = rng.range(s.from, s.to);
                look_up(sim, s, ts, person, "", "", "phone", rng);
            }
        }
        if sim.org.staff[s.staff].role == Role::Liaison {
            for _ in 0..rng.poisson(2.0) {
                legal_request(sim, s, rng);
            }
        }
    }
}

/// One visit or call: its order and the look-ups it explains. Gives how many.
fn service(sim: &mut Sim, s: &Session, shifts: &Shifts, rng: &mut Rng) -> u64 {
    let (role, outlet) = (sim.org.staff[s.staff].role, sim.org.staff[s.staff].outlet);
    let mut place = sim.org.outlets[outlet].place;
    if role == Role::Hotline && rng.chance(0.6) {
        place = rng.index(sim.world.place.len());
    }
    let person = sim.customer(place, rng);
    let from = rng.range(s.from, (s.to - 10 * MINUTE).max(s.from + 1));
    let order = sim.order(from);
    let kind = match role {
        _ if rng.chance(0.05) => "complaint",
        Role::Hotline => "call",
        _ => "visit",
    };
    let id = sim.people.id(person);
    sim.out.put(
        from,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            subject: (&id).into(),
            account: (&sim.org.staff[s.staff].account).into(),
            outlet: (&sim.org.outlets[outlet].id).into(),
            kind: kind.into(),
            note: Val::None,
            valid_from: Val::Time(from.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(
                from.div_euclid(SECOND) * SECOND + if kind == "complaint" { 7 * DAY } else { HOUR },
            ),
        },
    );
    let n = 1 + rng.poisson(1.2);
    let given = if rng.chance(0.7) { order.as_str() } else { "" };
    let mut ts = from;
    for _ in 0..n {
        ts += rng.range(20, 240) * SECOND;
        let categories = CATEGORIES[rng.weighted(&CATEGORY_WEIGHTS)];
        look_up_id(sim, s, ts, &id, given, "", categories, rng);
    }
    if rng.chance(0.04) {
        review(sim, s, shifts, ts, &id, given, rng);
    }
    n
}

const CATEGORIES: [&str; 5] =
    ["phone", "address;id_number;phone", "account;phone", "call_detail;phone", "id_number;id_photo"];
const CATEGORY_WEIGHTS: [f64; 5] = [0.45, 0.25, 0.2, 0.04, 0.06];

/// A supervisor looks at what was looked at.
fn review(sim: &mut Sim, s: &Session, shifts: &Shifts, after: i64, id: &str, order: &str, rng: &mut Rng) {
    let Some(supervisor) = sim.org.staff[s.staff].supervisor else { return };
    let Some(own) = shifts.all.get(shifts.first[supervisor]) else { return };
    let ts = after + rng.range(30, 240) * MINUTE;
    if ts < own.to {
        sim.truth.lookalike("supervisor_review", &sim.org.staff[supervisor].account);
        look_up_id(sim, own, ts.max(own.from), id, order, "服务质检", "phone", rng);
    }
}

#[expect(clippy::too_many_arguments, reason = "one place where a look-up is written")]
fn look_up(
    sim: &mut Sim,
    s: &Session,
    ts: i64,
    person: PersonId,
    order: &str,
    purpose: &str,
    categories: &str,
    rng: &mut Rng,
) {
    let id = sim.people.id(person);
    look_up_id(sim, s, ts, &id, order, purpose, categories, rng);
}

/// Writes a look-up of one person in a session.
#[expect(clippy::too_many_arguments, reason = "one place where a look-up is written")]
pub fn look_up_id(
    sim: &mut Sim,
    s: &Session,
    ts: i64,
    id: &str,
    order: &str,
    purpose: &str,
    categories: &str,
    rng: &mut Rng,
) {
    let role = sim.org.staff[s.staff].role;
    let app = match role {
        Role::Hotline => APPS[1],
        Role::BackOffice | Role::Liaison | Role::Supervisor | Role::Auditor | Role::Engineer => APPS[2],
        _ => APPS[0],
    };
    sim.out.put(
        ts,
        &source::CRM,
        &rows::Access {
            account: (&sim.org.staff[s.staff].account).into(),
            device: (&sim.org.devices[s.device]).into(),
            session: (&s.id).into(),
            ip: (&s.ip).into(),
            app: app.into(),
            action: if rng.chance(0.3) { "search" } else { "view" }.into(),
            subject: id.into(),
            object: "customer".into(),
            result: if rng.chance(0.01) { "denied" } else { "ok" }.into(),
            categories: categories.into(),
            order: order.into(),
            purpose: purpose.into(),
            ..Default::default()
        },
    );
}

/// A request of the police or a court: order and look-ups of call details and places.
fn legal_request(sim: &mut Sim, s: &Session, rng: &mut Rng) {
    let place = rng.index(sim.world.place.len());
    let person = sim.customer(place, rng);
    let ts = rng.range(s.from, s.to - 40 * MINUTE);
    let order = sim.order(ts);
    let id = sim.people.id(person);
    let account = sim.org.staff[s.staff].account.clone();
    sim.truth.lookalike("police_liaison", &account);
    sim.out.put(
        ts,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            subject: (&id).into(),
            account: (&account).into(),
            outlet: (&sim.org.outlets[sim.org.staff[s.staff].outlet].id).into(),
            kind: "legal".into(),
            note: "调取证据通知书".into(),
            valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + 3 * DAY),
        },
    );
    for n in 0..rng.range(1, 3) {
        let categories = *rng.pick(&["call_detail;phone", "location_track", "call_detail;location_track"]);
        look_up_id(sim, s, ts + (n + 1) * 9 * MINUTE, &id, &order, "协助调查", categories, rng);
    }
}
