//! Openings at counters and kiosks, with the captures before them and what goes wrong honestly.

use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::day::{Session, Shifts, look_up_id, season};
use crate::habit::Habit;
use crate::org::{OutletKind, Role, midnight};
use crate::out::{Source, source};
use crate::people::PersonId;
use crate::rng::Rng;
use crate::rows::{self, Val, degrees};
use crate::sim::{MINUTE, Open, Opened, Sim};
use crate::stock;

/// Tariffs.
const PLANS: [&str; 5] = ["8元保号", "29元畅享", "38元流量", "59元5G", "128元家庭"];

/// The day's honest openings at counters and kiosks.
pub fn openings(sim: &mut Sim, day: i64, shifts: &Shifts, rng: &mut Rng) {
    let total: f64 = sim.org.outlets.iter().map(|o| o.weight).sum();
    let (_, month, date) = time::civil_from_days(day);
    let term = month == 9 && date <= 14;
    let mean = sim.volume.openings * season(day) / total;
    for outlet in 0..sim.org.outlets.len() {
        if shifts.outlets[outlet].is_empty() || sim.org.outlets[outlet].kind == OutletKind::Office {
            continue;
        }
        let campus = term && sim.world.place[sim.org.outlets[outlet].place].campus;
        let factor = if campus { 3.0 } else { 1.0 };
        let n = rng.poisson(mean * sim.org.outlets[outlet].weight * factor);
        let offline = sim.org.outlets[outlet].offline && rng.chance(sim.world.lookalikes.offline / 30.0);
        for _ in 0..n {
            let sessions = &shifts.all[shifts.outlets[outlet].clone()];
            let Some(s) = pick_session(sim, sessions, rng).cloned() else { continue };
            let person = if campus && rng.chance(0.7) {
                let place = sim.org.outlets[outlet].place;
                sim.truth.lookalike("campus_outlet", &sim.org.outlets[outlet].id);
                PersonId::new(place, crate::people::Class::Student, rng.below(20_000))
            } else {
                sim.customer(sim.org.outlets[outlet].place, rng)
            };
            honest(sim, day, &s, person, outlet, offline, rng);
        }
    }
}

fn pick_session<'a>(sim: &Sim, sessions: &'a [Session], rng: &mut Rng) -> Option<&'a Session> {
    let weights: Vec<f64> = sessions
        .iter()
        .map(|s| match sim.org.staff[s.staff].role {
            _ if s.remote => 0.0,
            Role::Clerk | Role::Agent => (s.to - s.from) as f64,
            Role::Kiosk => 2.0 * (s.to - s.from) as f64,
            _ => 0.0,
        })
        .collect();
    if weights.iter().sum::<f64>() <= 0.0 {
        return None;
    }
    sessions.get(rng.weighted(&weights))
}

/// One honest opening.
fn honest(
    sim: &mut Sim,
    day: i64,
    s: &Session,
    person: PersonId,
    outlet: usize,
    offline: bool,
    rng: &mut Rng,
) {
    let mut ts = rng.range(s.from + 12 * MINUTE, (s.to - MINUTE).max(s.from + 13 * MINUTE));
    let duration = if rng.chance(0.04) { rng.range(55, 140) } else { rng.range(150, 780) };
    let mut captured = ts - rng.range(30, 150) * SECOND;
    let look = &sim.world.lookalikes;
    let mut channel = if sim.org.staff[s.staff].role == Role::Kiosk { "kiosk" } else { "counter" };
    if offline {
        channel = "offline";
        ts = (ts + rng.range(20, 200) * MINUTE).min(midnight(day) + 23 * HOUR);
        sim.truth.lookalike("offline_outlet", &sim.org.outlets[outlet].id);
    } else if rng.chance(look.queues) {
        captured = ts - rng.range(5 * 60, 15 * 60) * SECOND;
    }
    let mut order = String::new();
    let mut read = if rng.chance(0.04) { "nfc" } else { "reader" };
    let failures = look.reader_failures * sim.volume.outlets as f64 / 100.0;
    if rng.chance(failures / 30.0 / sim.volume.openings.max(1.0)) {
        read = "manual";
        order = permit(sim, captured - 5 * MINUTE, s.staff, "读卡器故障报修", DAY);
        sim.truth.lookalike("reader_failure_order", &order);
    }
    let drift = look.gps_drifts * sim.volume.outlets as f64 / 100.0;
    let manual = rng.chance(drift / 30.0 / sim.volume.openings.max(1.0));
    if manual {
        drifted(sim, captured - MINUTE, s, outlet, rng);
    }
    let card = blank(sim, day, outlet, rng);
    let done = open_at_counter(
        sim,
        ts,
        s,
        person,
        outlet,
        card,
        Detail { captured, duration, channel, read, order: &order, manual, ..Detail::default() },
        rng,
    );
    if rng.chance(0.025) && !offline {
        // A second card for the tablet or for the parents: one face, two openings.
        let card = sim.stock.take(outlet, day, &sim.org, &sim.people, &mut sim.out);
        let ts = ts + rng.range(120, 420) * SECOND;
        sim.truth.lookalike("second_card", card.iccid());
        let detail = Detail {
            captured,
            duration: 100,
            channel,
            read: "reader",
            image: &done.image,
            background: &done.background,
            ..Detail::default()
        };
        open_at_counter(sim, ts, s, person, outlet, card, detail, rng);
    }
}

/// A blank card of the outlet; now and then of one next door, whose transfer is booked days later.
fn blank(sim: &mut Sim, day: i64, outlet: usize, rng: &mut Rng) -> stock::Card {
    let mut from = outlet;
    if rng.chance(sim.world.lookalikes.late_transfers) {
        let here = &sim.org.outlets[outlet];
        let fits = |o: &usize| {
            let other = &sim.org.outlets[*o];
            *o != outlet
                && other.place == here.place
                && other.agent == here.agent
                && other.kind != OutletKind::Office
        };
        let near: Vec<usize> = (0..sim.org.outlets.len()).filter(fits).collect();
        if !near.is_empty() {
            from = *rng.pick(&near);
        }
    }
    let card = sim.stock.take(from, day, &sim.org, &sim.people, &mut sim.out);
    if from != outlet {
        let booked = midnight(day + rng.range(2, 9)) + 10 * HOUR + rng.range(0, 3000) * SECOND;
        let (a, b) = (sim.org.outlets[from].id.clone(), sim.org.outlets[outlet].id.clone());
        stock::put_transfer(booked, card, &a, &b, &mut sim.out);
        sim.truth.lookalike("late_transfer_card", card.iccid());
    }
    card
}

/// The device's position has drifted over the county's border and is set right by hand; not everyone
/// asks for a ticket first.
fn drifted(sim: &mut Sim, ts: i64, s: &Session, outlet: usize, rng: &mut Rng) {
    let place = sim.org.outlets[outlet].place;
    let old = neighbour(sim, place, rng);
    let order = if rng.chance(0.6) {
        permit(sim, ts - 10 * MINUTE, s.staff, "室内定位漂移校正", DAY)
    } else {
        String::new()
    };
    let account = sim.org.staff[s.staff].account.clone();
    sim.truth.lookalike("gps_drift_account", &account);
    sim.out.put(
        ts,
        &source::IAM,
        &rows::AccountChange {
            account: (&account).into(),
            target: (&account).into(),
            change: "location_override".into(),
            old: (&old).into(),
            new: (&sim.people.homes[place].region).into(),
            order: (&order).into(),
            device: (&sim.org.devices[s.device]).into(),
            session: (&s.id).into(),
            ..Default::default()
        },
    );
}

/// What differs among openings at a counter.
#[derive(Default)]
pub struct Detail<'a> {
    /// When the face was captured.
    pub captured: i64,
    /// Seconds.
    pub duration: i64,
    /// Channel.
    pub channel: &'a str,
    /// How the identity card was read.
    pub read: &'a str,
    /// Order.
    pub order: &'a str,
    /// Employer.
    pub employer: &'a str,
    /// Contact; a relative's for some where empty.
    pub contact: &'a str,
    /// Face cluster of someone else.
    pub face: &'a str,
    /// Region of the opening where it is not the outlet's, and its place.
    pub away: Option<(&'a str, i64, i64)>,
    /// The position was typed in.
    pub manual: bool,
    /// Hash of an image taken for another card of the visit, and of its background.
    pub image: &'a str,
    /// See `image`.
    pub background: &'a str,
    /// Tariff; drawn where empty.
    pub plan: &'a str,
    /// An identity number that is not the person's own.
    pub id: &'a str,
    /// How the card will be used; drawn where absent.
    pub habit: Option<Habit>,
    /// Part of a planted group: nothing honest follows from it.
    pub planted: bool,
    /// The duration as given, even where the face is older.
    pub hurried: bool,
}

/// A card opened at a counter.
pub struct Done {
    /// The card.
    pub opened: Opened,
    /// Hash of the image.
    pub image: String,
    /// Hash of its background.
    pub background: String,
}

/// Captures, opening, the look-up of what the person has already, and what follows.
#[expect(clippy::too_many_arguments, reason = "one place where a counter opening is written")]
pub fn open_at_counter(
    sim: &mut Sim,
    ts: i64,
    s: &Session,
    person: PersonId,
    outlet: usize,
    card: stock::Card,
    d: Detail,
    rng: &mut Rng,
) -> Done {
    let account = sim.org.staff[s.staff].account.clone();
    let device = sim.org.devices[s.device].clone();
    let place = sim.org.outlets[outlet].place;
    let home = sim.people.homes[place].region.clone();
    let (region, lat, lon) =
        d.away.unwrap_or((&home, sim.org.outlets[outlet].lat, sim.org.outlets[outlet].lon));
    let at = (lat + rng.range(-900, 900), lon + rng.range(-900, 900));
    let again = !d.image.is_empty();
    let image = if again { d.image.to_owned() } else { sim.image("img-") };
    let background = if !d.background.is_empty() {
        d.background.to_owned()
    } else if rng.chance(0.05) {
        sim.people.opaque("bg-", s.device as u64 | 1 << 50)
    } else {
        sim.image("bg-")
    };
    let dim = if rng.chance(0.04) { rng.range(80, 420) } else { 0 }; // poor light
    let liveness = 1000 - dim - rng.exponential(25.0) as i64;
    let matched = 1000 - rng.exponential(40.0) as i64;
    let id = if d.id.is_empty() { sim.people.id(person) } else { d.id.to_owned() };
    let own = sim.people.face(person);
    let face = if d.face.is_empty() { own.as_str() } else { d.face };
    let outlet_id = sim.org.outlets[outlet].id.clone();
    let read_at = d.captured - rng.range(20, 50) * SECOND;
    if !again {
        write_captures(
            sim,
            &source::REALNAME,
            &id,
            read_at,
            d.captured,
            &rows::Capture {
                device: (&device).into(),
                outlet: (&outlet_id).into(),
                lat: degrees(at.0),
                lon: degrees(at.1),
                region6: region.into(),
                image_hash: (&image).into(),
                background_hash: (&background).into(),
                face_ref: face.into(),
                liveness: rows::score(liveness),
                match_score: rows::score(matched),
                ..Default::default()
            },
        );
    }
    let relative = if rng.chance(0.35) { sim.people.phone(sim.customer(place, rng)) } else { String::new() };
    let contact = if d.contact.is_empty() { relative.as_str() } else { d.contact };
    let cell = match rng.weighted(&[0.988, 0.01, 0.002]) {
        0 => region.to_owned(),
        1 => neighbour(sim, place, rng),
        _ => across(sim, place),
    };
    let drawn = PLANS[rng.weighted(&[0.2, 0.3, 0.2, 0.2, 0.1])];
    let plan = if d.plan.is_empty() { drawn } else { d.plan };
    let waited = (ts - d.captured) / SECOND + 20;
    let commission = format!("YJ-{}", sim.org.outlets[outlet].agent.as_deref().unwrap_or(&outlet_id));
    let msisdn = sim.write_opening(
        ts,
        card,
        person,
        outlet,
        &Open {
            account: &account,
            device: &device,
            session: &s.id,
            ip: &s.ip,
            region,
            cell: &cell,
            gps: match rng.chance(0.03) {
                _ if d.manual => "manual",
                true => "cell",
                false => "device",
            },
            at,
            read: d.read,
            captured: d.captured,
            liveness,
            matched,
            face,
            image: &image,
            background: &background,
            employer: d.employer,
            contact,
            plan,
            channel: d.channel,
            duration: if d.hurried { d.duration } else { d.duration.max(waited) },
            id: d.id,
            order: d.order,
            commission: &commission,
        },
    );
    if d.channel != "kiosk" {
        look_up_id(sim, s, d.captured + 15 * SECOND, &id, "", "", "account;id_number", rng);
    }
    let (habit, planted) = (d.habit.unwrap_or(Habit::Plain), d.planted);
    let opened = Opened { card, msisdn, person, outlet, ts, habit, planted };
    sim.register(&opened, rng);
    if !planted {
        sim.aftermath(&opened, rng);
    }
    Done { opened, image, background }
}

/// The identity card and the face taken; the first has no image of the person.
pub fn write_captures(sim: &mut Sim, system: &Source, id: &str, read: i64, face: i64, row: &rows::Capture) {
    sim.out.put(
        read,
        system,
        &rows::Capture {
            subject: id.into(),
            kind: "id_card".into(),
            image_hash: Val::None,
            background_hash: Val::None,
            face_ref: Val::None,
            liveness: Val::None,
            match_score: Val::None,
            ..*row
        },
    );
    sim.out.put(face, system, &rows::Capture { subject: id.into(), kind: "face".into(), ..*row });
}

/// A county next door in the same province: a cell's reach does not end at the border.
pub fn neighbour(sim: &Sim, place: usize, rng: &mut Rng) -> String {
    let province = &sim.people.homes[place].region[..2];
    let near: Vec<&str> =
        sim.world.place.iter().map(|p| p.region.as_str()).filter(|r| r.starts_with(province)).collect();
    (*rng.pick(&near)).to_owned()
}

/// The nearest county of another province: a cell's reach does not end at its border either.
fn across(sim: &Sim, place: usize) -> String {
    let home = &sim.people.homes[place];
    let far = |r: &&crate::people::Home| {
        let (dy, dx) = (r.lat - home.lat, r.lon - home.lon);
        dy * dy + dx * dx
    };
    let others = sim.people.homes.iter().filter(|h| h.region[..2] != home.region[..2]);
    others.min_by_key(far).unwrap_or(home).region.clone()
}

/// A permit: work order without a person. Gives its number.
pub fn permit(sim: &mut Sim, ts: i64, staff: usize, note: &str, valid: i64) -> String {
    let order = sim.order(ts);
    let s = &sim.org.staff[staff];
    sim.out.put(
        ts,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            account: (&s.account).into(),
            outlet: (&sim.org.outlets[s.outlet].id).into(),
            kind: "permit".into(),
            note: note.into(),
            valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + valid),
            ..Default::default()
        },
    );
    order
}
