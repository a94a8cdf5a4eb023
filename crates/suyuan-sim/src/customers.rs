//! Honest customers who look like a scheme: families, firms with trackers, call centres, tour groups,
//! people who have a card sent, children with a guardian, stalls, chains, pension day, promotions.

use suyuan_model::calendar;
use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::counter::{Detail, Done, open_at_counter, permit};
use crate::day::{self, Session, Shifts};
use crate::habit::Habit;
use crate::lookalike::clerk_session;
use crate::org::{OutletKind, Role, midnight};
use crate::out::source;
use crate::people::{Class, PersonId};
use crate::rng::Rng;
use crate::rows::{self, Val};
use crate::sim::{MINUTE, Sim};

const HALLS: [OutletKind; 2] = [OutletKind::Hall, OutletKind::Flagship];
const ALL: [OutletKind; 3] = [OutletKind::Hall, OutletKind::Flagship, OutletKind::Agent];

/// The day's share of them.
pub fn day(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let look = sim.world.lookalikes.clone();
    let outlets = sim.volume.outlets as f64 / 100.0;
    let monthly = if day::season(day) < 0.5 { 0.0 } else { outlets / 30.0 };
    type Visit = fn(&mut Sim, i64, &Session, &mut Rng);
    let visits: [(f64, &[OutletKind], Visit); 10] = [
        (look.family_plans * monthly, &ALL, family),
        (look.data_firms * monthly, &HALLS, data_firm),
        (look.tour_groups * monthly, &HALLS, tour),
        (look.deliveries * sim.volume.openings * day::season(day), &HALLS, delivery),
        (look.guardians * monthly, &ALL, guardian),
        (look.ports * monthly, &ALL, again),
        (look.night_stalls * monthly, &ALL, night_stall),
        (look.popup_stalls * monthly, &HALLS, popup_stall),
        (look.seasonal * monthly, &ALL, seasonal),
        (pension(sim, day, look.pension_day), &HALLS, pensioner),
    ];
    for (mean, kinds, visit) in visits {
        for _ in 0..rng.poisson(mean) {
            if let Some(s) = clerk_or_agent(sim, shifts, kinds, rng) {
                visit(sim, day, &s, rng);
            }
        }
    }
    let rare: [(f64, &[OutletKind], Visit); 4] = [
        (look.call_centres, &HALLS, |s, d, w, r| team(s, d, w, r, 24, Habit::Seat, "呼叫中心坐席")),
        (look.device_labs, &HALLS, |s, d, w, r| team(s, d, w, r, 6, Habit::Tester, "终端实验室")),
        (look.qa_teams, &HALLS, |s, d, w, r| team(s, d, w, r, 8, Habit::Coder, "软件测试用卡")),
        (look.promotions, &ALL, promotion),
    ];
    for (kind, (number, kinds, visit)) in rare.into_iter().enumerate() {
        for _ in 0..falls_on(sim, day, kind as u64, number * outlets) {
            if let Some(s) = clerk_or_agent(sim, shifts, kinds, rng) {
                visit(sim, day, &s, rng);
            }
        }
    }
    second_outlets(sim, day, shifts, rng);
    for n in 0..sim.org.chains.len() {
        let id = sim.org.outlets[sim.org.chains[n]].id.clone();
        sim.truth.lookalike("chain_outlet", id);
    }
}

/// How many of a kind of which there are a few a world, and one at least, fall on a day.
pub fn falls_on(sim: &Sim, day: i64, kind: u64, number: f64) -> usize {
    let n = if number > 0.0 { (number + 0.5).max(1.0) as u64 } else { 0 };
    let days = (sim.volume.days * 3 / 4) as u64;
    let on = |i: &u64| {
        let mut rng = Rng::stream(sim.seed, "rare", kind << 32 | i);
        let drawn = sim.start + 5 + rng.below(days) as i64;
        // Nobody signs contracts while everything is shut.
        let shut = day::season(drawn) < 0.5 || !calendar::is_workday(drawn);
        let open = (drawn..drawn + 60).find(|d| day::season(*d) >= 0.5 && calendar::is_workday(*d));
        (if shut { open.unwrap_or(drawn) } else { drawn }) == day
    };
    (0..n).filter(on).count()
}

/// Someone at work at an outlet of those kinds.
fn clerk_or_agent(sim: &Sim, shifts: &Shifts, kinds: &[OutletKind], rng: &mut Rng) -> Option<Session> {
    if !kinds.contains(&OutletKind::Agent) {
        return clerk_session(sim, shifts, kinds, rng).cloned();
    }
    let fits: Vec<usize> = (0..shifts.all.len())
        .filter(|i| {
            let s = &shifts.all[*i];
            let role = sim.org.staff[s.staff].role;
            !s.remote && matches!(role, Role::Clerk | Role::Agent) && s.to - s.from > 3 * HOUR
        })
        .collect();
    if fits.is_empty() { None } else { shifts.all.get(*rng.pick(&fits)).cloned() }
}

/// One opening in the session with what is usual where the detail says nothing.
fn open(sim: &mut Sim, s: &Session, ts: i64, person: PersonId, d: Detail, rng: &mut Rng) -> Done {
    let outlet = sim.org.staff[s.staff].outlet;
    let card = sim.stock.take(outlet, time::china_day(ts), &sim.org, &sim.people, &mut sim.out);
    let d = Detail {
        captured: if d.captured == 0 { ts - rng.range(30, 160) * SECOND } else { d.captured },
        duration: if d.duration == 0 { rng.range(150, 600) } else { d.duration },
        read: if d.read.is_empty() { "reader" } else { d.read },
        channel: if d.channel.is_empty() { "counter" } else { d.channel },
        ..d
    };
    open_at_counter(sim, ts, s, person, outlet, card, d, rng)
}

fn place(sim: &Sim, s: &Session) -> usize {
    sim.org.outlets[sim.org.staff[s.staff].outlet].place
}

fn begin(s: &Session, room: i64, rng: &mut Rng) -> i64 {
    rng.range(s.from + 15 * MINUTE, (s.to - room).max(s.from + 16 * MINUTE))
}

fn circle(rng: &mut Rng) -> u32 {
    (rng.bits() % 100_000) as u32
}

/// Cards for the whole family on one identity, one face for all.
fn family(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let person = sim.customer(place(sim, s), rng);
    let mut ts = begin(s, HOUR, rng);
    let habit = Some(Habit::Family(circle(rng)));
    let captured = ts - rng.range(30, 120) * SECOND;
    let d = Detail { plan: "128元家庭", habit, captured, ..Detail::default() };
    let first = open(sim, s, ts, person, d, rng);
    for _ in 1..rng.range(3, 5) {
        ts += rng.range(100, 300) * SECOND;
        let d = Detail {
            plan: "128元家庭",
            habit,
            captured,
            image: &first.image,
            background: &first.background,
            ..Detail::default()
        };
        open(sim, s, ts, person, d, rng);
    }
    sim.truth.lookalike("family_plan", sim.people.id(person));
}

/// A firm's trackers or meters on the identity of its manager.
fn data_firm(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let at = place(sim, s);
    let person = sim.customer(at, rng);
    let order = contract(sim, s, "物联网卡");
    let mut ts = begin(s, 2 * HOUR, rng);
    for _ in 0..rng.range(6, 15) {
        let habit = Some(if rng.chance(0.85) { Habit::Things } else { Habit::Alarm });
        open(
            sim,
            s,
            ts,
            person,
            Detail { plan: "物联网5元", order: &order, habit, channel: "group", ..Detail::default() },
            rng,
        );
        ts += rng.range(90, 240) * SECOND;
    }
    sim.truth.lookalike("data_firm", sim.people.id(person));
}

/// A contract without which a firm gets no cards.
fn contract(sim: &mut Sim, s: &Session, note: &str) -> String {
    let ts = s.from + 4 * MINUTE;
    let order = sim.order(ts).replace("WO", "JT");
    let row = rows::WorkOrder {
        order: (&order).into(),
        account: (&sim.org.staff[s.staff].account).into(),
        outlet: (&sim.org.outlets[sim.org.staff[s.staff].outlet].id).into(),
        kind: "group_contract".into(),
        note: note.into(),
        valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
        valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + 30 * DAY),
        ..Default::default()
    };
    sim.out.put(ts, &source::DESK, &row);
    order
}

/// A firm's people with one purpose, under a contract: seats, test cards, sign-up tests.
fn team(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng, n: i64, habit: fn(u32) -> Habit, note: &str) {
    let at = place(sim, s);
    let order = contract(sim, s, note);
    let site = circle(rng);
    let first = rng.below(4_000_000);
    let mut ts = s.from + 25 * MINUTE;
    for i in 0..rng.range(n * 3 / 4, n * 5 / 4) {
        let person = PersonId::new(at, Class::Resident, sim.people.homes[at].customers + first + i as u64);
        let d = Detail {
            order: &order,
            employer: note,
            habit: Some(habit(site)),
            channel: "group",
            ..Detail::default()
        };
        open(sim, s, ts, person, d, rng);
        ts += rng.range(150, 400) * SECOND;
        if ts > s.to {
            break;
        }
    }
    sim.truth.lookalike("team_contract", order);
}

/// Travellers buy cards together and leave together.
fn tour(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let trip = circle(rng);
    let mut ts = begin(s, 2 * HOUR, rng);
    for _ in 0..rng.range(10, 24) {
        let person = sim.customer(place(sim, s), rng);
        open(sim, s, ts, person, Detail { habit: Some(Habit::Tourist(trip)), ..Detail::default() }, rng);
        ts += rng.range(120, 360) * SECOND;
        if ts > s.to {
            break;
        }
    }
}

/// Ordered in the app, read at home by the courier's device, used where the customer lives.
fn delivery(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let person = sim.customer(place(sim, s), rng);
    let step = 1 + rng.below(7) as u32;
    let d = Detail {
        duration: rng.range(45, 110),
        hurried: true,
        channel: "courier",
        read: "nfc",
        habit: Some(Habit::Delivered(step)),
        ..Detail::default()
    };
    open(sim, s, begin(s, HOUR, rng), person, d, rng);
}

/// A child's card: the guardian's number is the contact, the ticket says so.
fn guardian(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let at = place(sim, s);
    let parent = sim.customer(at, rng);
    let child = PersonId::new(at, Class::Minor, parent.n());
    let ts = begin(s, HOUR, rng);
    let order = permit(sim, ts - 5 * MINUTE, s.staff, "监护人陪同为未成年人办理", DAY);
    let contact = sim.people.phone(parent);
    let d = Detail { contact: &contact, order: &order, habit: Some(Habit::Elder), ..Detail::default() };
    let done = open(sim, s, ts, child, d, rng);
    sim.truth.lookalike("guardian_card", done.opened.card.iccid());
}

/// A first card today; the second one follows within the week at another outlet.
fn again(sim: &mut Sim, day: i64, s: &Session, rng: &mut Rng) {
    let person = sim.customer(place(sim, s), rng);
    let done = open(sim, s, begin(s, HOUR, rng), person, Detail::default(), rng);
    sim.truth.lookalike("second_outlet", sim.people.id(person));
    if rng.chance(0.5) {
        let ts = midnight(day + 2) + rng.range(10 * 60, 17 * 60) * MINUTE;
        let account = sim.org.staff[s.staff].account.clone();
        if time::china_day(ts) < sim.end {
            sim.write_card_change(ts, done.opened.card, "port_out", &account, "携号转网", "");
        }
    }
    sim.returning.push((day + rng.range(2, 6), person));
}

/// Those who come back, to whichever outlet of their place is near.
fn second_outlets(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let (now, later): (Vec<_>, Vec<_>) = sim.returning.drain(..).partition(|(d, _)| *d <= day);
    sim.returning = later;
    for (_, person) in now {
        for _ in 0..6 {
            let Some(s) = clerk_or_agent(sim, shifts, &ALL, rng) else { return };
            if place(sim, &s) == person.place() {
                open(sim, &s, begin(&s, HOUR, rng), person, Detail::default(), rng);
                break;
            }
        }
    }
}

/// An evening at the night market, under a permit.
fn night_stall(sim: &mut Sim, day: i64, s: &Session, rng: &mut Rng) {
    let outlet = sim.org.staff[s.staff].outlet;
    let from = midnight(day) + sim.org.outlets[outlet].close.max(19 * 60) * MINUTE + 20 * MINUTE;
    stall(sim, s, from, "夜市设摊", (4_000, -6_000), rng);
}

/// A day at a fair some kilometres away, under a permit.
fn popup_stall(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let away = (rng.range(40_000, 160_000), rng.range(-160_000, -40_000));
    stall(sim, s, s.from + HOUR, "校园及社区临时设点", away, rng);
}

fn stall(sim: &mut Sim, s: &Session, from: i64, note: &str, away: (i64, i64), rng: &mut Rng) {
    let outlet = sim.org.staff[s.staff].outlet;
    let (at, lat, lon) = {
        let o = &sim.org.outlets[outlet];
        (o.place, o.lat + away.0, o.lon + away.1)
    };
    let region = sim.people.homes[at].region.clone();
    let order = permit(sim, from - 40 * MINUTE, s.staff, note, DAY);
    sim.truth.lookalike("stall_account", &sim.org.staff[s.staff].account);
    let last = midnight(time::china_day(from)) + (23 * 60 + 20) * MINUTE;
    let id = sim.session(from);
    let to = (from + 3 * HOUR).min(last);
    let row = rows::Login {
        account: (&sim.org.staff[s.staff].account).into(),
        device: (&sim.org.devices[s.device]).into(),
        session: (&id).into(),
        ip: (&s.ip).into(),
        lat: rows::degrees(lat),
        lon: rows::degrees(lon),
        region6: (&region).into(),
        result: "ok".into(),
        until: Val::Time(to.div_euclid(SECOND) * SECOND),
    };
    sim.out.put(from, &source::SSO, &row);
    let s = Session { id, from, to, ..s.clone() };
    let mut ts = from + 10 * MINUTE;
    for _ in 0..rng.range(4, 12) {
        if ts > last {
            break;
        }
        let person = sim.customer(at, rng);
        let d =
            Detail { order: &order, channel: "stall", away: Some((&region, lat, lon)), ..Detail::default() };
        open(sim, &s, ts, person, d, rng);
        ts += rng.range(6, 20) * MINUTE;
    }
}

/// Two weeks' bonus: many take a card for the gift, half give it up when it ends.
fn promotion(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let account = sim.org.staff[s.staff].account.clone();
    sim.truth.lookalike("promotion_account", &account);
    let mut ts = s.from + 15 * MINUTE;
    for _ in 0..rng.range(25, 45) {
        let person = sim.customer(place(sim, s), rng);
        let done = open(
            sim,
            s,
            ts,
            person,
            Detail { plan: "8元保号", habit: Some(Habit::Second), ..Detail::default() },
            rng,
        );
        let gone = ts + rng.range(93, 110) * DAY;
        if rng.chance(0.5) && time::china_day(gone) < sim.end {
            sim.write_card_change(gone, done.opened.card, "cancel", &account, "客户销户", "");
        }
        ts += rng.range(300, 900) * SECOND;
        if ts > s.to {
            break;
        }
    }
}

/// A courier's card for the season.
fn seasonal(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let person = sim.customer(place(sim, s), rng);
    open(
        sim,
        s,
        begin(s, HOUR, rng),
        person,
        Detail { habit: Some(Habit::Seasonal), ..Detail::default() },
        rng,
    );
}

/// Old people who come on the tenth: as a number of openings at the counters of the carrier.
fn pension(sim: &Sim, day: i64, factor: f64) -> f64 {
    let (_, _, date) = time::civil_from_days(day);
    if date == 10 && calendar::holiday(day).is_none() { factor * sim.volume.openings * 0.12 } else { 0.0 }
}

fn pensioner(sim: &mut Sim, _: i64, s: &Session, rng: &mut Rng) {
    let at = place(sim, s);
    let person = PersonId::new(at, Class::Elder, rng.below(60_000));
    sim.truth.lookalike("pension_day_outlet", &sim.org.outlets[sim.org.staff[s.staff].outlet].id);
    open(sim, s, begin(s, HOUR, rng), person, Detail { habit: Some(Habit::Elder), ..Detail::default() }, rng);
}
