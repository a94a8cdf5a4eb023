//! Rings that open cards in others' names, planned ahead and written into the days to come.
//!
//! A ring is an outlet's account and those who use it. What differs from scheme to scheme is in the
//! world's file: who sits where, what is overridden, how old the faces are, what is paid for.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::company::{self, collect};
use crate::counter::write_captures;
use crate::error::SimError;
use crate::exhibit::Ledger;
use crate::habit::Habit;
use crate::org::midnight;
use crate::out::{Source, source};
use crate::people::{Class, PersonId};
use crate::rng::{Rng, label};
use crate::rows::{self, Val, degrees, score};
use crate::sim::{MINUTE, Open, Opened, Sim};
use crate::stock::Card;
use crate::world::{Ring, RingKind};

/// Backgrounds before which one collector takes faces.
const BACKGROUNDS: u64 = 12;
/// Someone who works the account.
pub struct Operator {
    /// Device ids, the next one when the ring changes devices.
    pub devices: Vec<String>,
    /// Index of the home.
    pub home: usize,
    /// Collector's id.
    pub collector: String,
    /// Network address without the last part.
    net: String,
    key: u64,
}

/// An identity the ring has.
#[derive(Clone)]
pub struct Held {
    pub(crate) person: PersonId,
    pub(crate) captured: i64,
    pub(crate) image: String,
    pub(crate) background: String,
    /// Index of the operator who captured it; `None` for a bought one.
    pub(crate) by: Option<usize>,
}

/// A ring while it is planned.
pub(crate) struct Plan<'r> {
    pub(crate) ring: &'r Ring,
    pub(crate) rng: Rng,
    pub(crate) outlet: usize,
    pub(crate) owner: usize,
    /// Outlets and agents in whose name is opened: the owner, or whoever else lends an account.
    pub(crate) lent: Vec<(usize, usize)>,
    /// Which of them the sitting in hand uses.
    turn: usize,
    pub(crate) operators: Vec<Operator>,
    pub(crate) source: Source,
    pub(crate) first: i64,
    pub(crate) days: i64,
    pub(crate) cards: i64,
    /// First capture or login.
    began: i64,
    /// Devices that were logged in with.
    pub(crate) used: BTreeSet<String>,
    /// Blank cards left of the last box, by outlet.
    spare: BTreeMap<usize, Vec<Card>>,
    pub(crate) held: Vec<Held>,
    pub(crate) again: Vec<(i64, Held)>,
    pub(crate) people: u64,
    pub(crate) opened: Vec<(Opened, Held)>,
    pub(crate) ledger: Ledger,
}

/// Plans all rings of the world.
pub fn plan_all(sim: &mut Sim) -> Result<(), SimError> {
    let world = sim.world;
    for ring in &world.ring {
        plan(sim, ring)?;
    }
    Ok(())
}

/// A number of the ring in this size, at least `least`.
pub(crate) fn scaled(sim: &Sim, n: i64, least: i64) -> i64 {
    ((n as f64 * sim.volume.scale + 0.5) as i64).max(least)
}

/// A day count of the full world in this size.
pub fn squeezed(sim: &Sim, days: i64) -> i64 {
    let full = sim.world.size.values().map(|v| v.days).max().unwrap_or(sim.volume.days);
    days * sim.volume.days / full
}

fn plan(sim: &mut Sim, ring: &Ring) -> Result<(), SimError> {
    let mut rng = Rng::stream(sim.seed, "ring", label(&ring.id));
    let taken = sim.org.take_agent(&sim.people, &ring.region, &mut rng);
    let Some((outlet, owner)) = taken else {
        return Err(SimError::Value {
            world: sim.world.name.clone(),
            field: format!("ring.{}.region", ring.id),
            fault: format!("`{}` has no agent's outlet left; give the place more weight", ring.region),
        });
    };
    let opener = match ring.kind {
        RingKind::StockDiverter => {
            let elsewhere = ring.declared_also.first().unwrap_or(&ring.region);
            sim.org.take_agent(&sim.people, elsewhere, &mut rng).unwrap_or((outlet, owner))
        }
        _ => (outlet, owner),
    };
    let mut lent = vec![opener];
    for code in &ring.also_lent_at {
        lent.extend(sim.org.take_agent(&sim.people, code, &mut rng));
    }
    let cards = rng.range(scaled(sim, ring.cards[0], 12), scaled(sim, ring.cards[1], 12));
    let days = squeezed(sim, ring.days).max(14);
    let changes = if ring.device_days > 0 { days / ring.device_days } else { 0 };
    let operators = operators(sim, ring, opener.0, changes as usize, &mut rng);
    let collectors = ring.collectors.as_deref().map(|c| format!("{}-app", c.to_lowercase()));
    let source = collectors.map_or(source::REALNAME, |name| sim.out.source(&name));
    let mut plan = Plan {
        ring,
        outlet,
        owner,
        lent,
        turn: 0,
        operators,
        source,
        first: sim.start + squeezed(sim, ring.from),
        days,
        cards,
        began: i64::MAX,
        used: BTreeSet::new(),
        spare: BTreeMap::new(),
        held: Vec::new(),
        again: Vec::new(),
        people: 1_000_000_000 + (label(&ring.id) % 1000) * 100_000,
        opened: Vec::new(),
        ledger: Ledger::default(),
        rng,
    };
    plan.run(sim)
}

fn operators(sim: &mut Sim, ring: &Ring, outlet: usize, changes: usize, rng: &mut Rng) -> Vec<Operator> {
    let key = label(&ring.id);
    let mut number = rng.range(11, 40);
    if ring.operators_at.is_empty() {
        let o = &sim.org.outlets[outlet];
        let devices = vec![sim.org.devices[o.counters[0]].clone()];
        let (home, net) = (o.place, o.net.clone());
        let collector = ring.collectors.as_ref().map_or(String::new(), |c| format!("{c}-{number:03}"));
        return vec![Operator { devices, home, collector, net, key }];
    }
    (0..ring.operators)
        .map(|n| {
            let devices: Vec<usize> = (0..=changes).map(|_| sim.org.device()).collect();
            let home = sim.people.add_home(&ring.operators_at[n % ring.operators_at.len()]);
            number += rng.range(2, 9);
            let collector = ring.collectors.as_ref().map_or(String::new(), |c| format!("{c}-{number:03}"));
            Operator {
                devices: devices.into_iter().map(|d| sim.org.devices[d].clone()).collect(),
                home,
                collector,
                net: format!("198.19.{}", rng.range(1, 250)),
                key: key ^ n as u64,
            }
        })
        .collect()
}

impl Plan<'_> {
    fn run(&mut self, sim: &mut Sim) -> Result<(), SimError> {
        let counts = self.counts(sim);
        let sold = self.buy(sim, &counts);
        let mut bought = sold;
        let mut left = self.cards;
        for (day, n) in &counts {
            self.one_day(sim, *day, *n, &mut left, &mut bought);
        }
        if !self.ring.pretexts.is_empty() {
            self.honest_collectors(sim);
        }
        let truth = self.aftermath(sim);
        for (o, _) in &self.opened {
            sim.planned.entry(time::china_day(o.ts)).or_default().push(o.clone());
        }
        // Sittings of a day are not in order, and the first act is a capture or a login.
        let last = self.ledger.opened.iter().copied().max().unwrap_or(self.began);
        sim.truth.groups.push(truth.group(self.ring.kind, self.began, last));
        sim.truth.rings.push(truth);
        Ok(())
    }

    /// The device an operator uses on a day.
    fn device(&self, operator: usize, day: i64) -> &str {
        let devices = &self.operators[operator].devices;
        let turn =
            if self.ring.device_days > 0 { (day - self.first).max(0) / self.ring.device_days } else { 0 };
        &devices[(turn as usize).min(devices.len() - 1)]
    }

    /// Outlet and agent of the account in use.
    pub(crate) fn opener(&self) -> (usize, usize) {
        self.lent[self.turn]
    }

    /// Identities bought: what is sold when; the list is in the order of use.
    fn buy(&mut self, sim: &mut Sim, counts: &[(i64, i64)]) -> Vec<(i64, Held)> {
        let Some(s) = &self.ring.seller else { return Vec::new() };
        let records = self.rng.range(scaled(sim, s.records[0], 4), scaled(sim, s.records[1], 4));
        let home = sim.people.add_home(&s.region);
        let persons: Vec<PersonId> = (0..records)
            .map(|n| PersonId::new(home, Class::Worker, self.people + 50_000 + n as u64))
            .collect();
        let days: Vec<i64> = counts.iter().map(|(d, _)| *d).collect();
        let batches = company::sell(sim, self.ring, &persons, &days, &mut self.rng);
        self.ledger.sold = batches.iter().map(|b| (b.ts, b.persons.len() as i64)).collect();
        self.ledger.seller = batches.first().map(|b| b.account.clone());
        self.ledger.recipient = batches.first().map(|b| b.recipient.clone());
        let mut held = Vec::new();
        for b in batches {
            for person in b.persons {
                held.push((
                    b.ts,
                    Held {
                        person,
                        captured: b.ts - self.rng.range(30, 400) * DAY,
                        image: sim.image("img-"),
                        background: sim.image("bg-"),
                        by: None,
                    },
                ));
            }
        }
        held
    }

    fn one_day(&mut self, sim: &mut Sim, day: i64, n: i64, left: &mut i64, bought: &mut Vec<(i64, Held)>) {
        let mut rest = n;
        let start = self.rng.index(self.operators.len());
        for turn in 0..self.operators.len() {
            let operator = (start + turn) % self.operators.len();
            let last = turn + 1 == self.operators.len();
            let share = if last { rest } else { (rest as f64 * self.rng.unit() * 1.1) as i64 };
            let share = share.min(rest);
            if share > 0 {
                self.sitting(sim, day, operator, share, left, bought);
            }
            rest -= share;
        }
    }

    /// One login and the openings done in it.
    fn sitting(
        &mut self,
        sim: &mut Sim,
        day: i64,
        operator: usize,
        n: i64,
        left: &mut i64,
        bought: &mut Vec<(i64, Held)>,
    ) {
        if self.lent.len() > 1 {
            self.turn = self.rng.index(self.lent.len());
        }
        let o = &sim.org.outlets[self.opener().0];
        let begin = if self.rng.chance(self.ring.off_hours) {
            self.rng.range(o.close.max(1080) + 40, 1270 - n.min(30) * 2)
        } else {
            self.rng.range(o.open + 40, (o.close - 60 - n * 5).max(o.open + 45))
        };
        let login = midnight(day) + begin * MINUTE + self.rng.range(0, 59) * SECOND;
        let mut times = Vec::new();
        let mut at = login + self.rng.range(60, 400) * SECOND;
        for _ in 0..n {
            times.push(at);
            at += self.rng.range(110, 420) * SECOND;
        }
        let end = (at + self.rng.range(2, 25) * MINUTE).min(midnight(day) + DAY - MINUTE);
        let session = sim.session(login);
        let ip = format!("{}.{}", self.operators[operator].net, self.rng.range(2, 9));
        self.write_login(sim, operator, login, end, &session, &ip);
        for ts in times {
            // A long sitting ends before midnight.
            let ts = ts.min(midnight(day) + DAY - 2 * MINUTE);
            let held = self.identity(sim, ts, operator, *left, bought);
            *left -= 1;
            self.open(sim, ts, operator, &held, &session, &ip);
        }
    }

    pub(crate) fn account(&self, sim: &Sim) -> String {
        sim.org.staff[self.opener().1].account.clone()
    }

    fn write_login(&mut self, sim: &mut Sim, operator: usize, from: i64, to: i64, session: &str, ip: &str) {
        let account = self.account(sim);
        let (north, east) = (self.rng.range(-900, 900), self.rng.range(-900, 900));
        let failed = self.rng.chance(0.04);
        let device = self.device(operator, time::china_day(from)).to_owned();
        let op = &self.operators[operator];
        let home = &sim.people.homes[op.home];
        let (lat, lon) = (home.lat + jitter(op.key, 20_000), home.lon + jitter(op.key ^ 1, 20_000));
        let row = rows::Login {
            account: (&account).into(),
            device: (&device).into(),
            session: session.into(),
            ip: ip.into(),
            lat: degrees(lat + north),
            lon: degrees(lon + east),
            region6: (&home.region).into(),
            result: "ok".into(),
            until: Val::Time(to.div_euclid(SECOND) * SECOND),
        };
        if failed {
            let failed = rows::Login { session: Val::None, result: "failed".into(), until: Val::None, ..row };
            sim.out.put(from - 40 * SECOND, &source::SSO, &failed);
        }
        sim.out.put(from, &source::SSO, &row);
        self.used.insert(device);
        self.began = self.began.min(from);
    }

    /// Whose identity the next card gets.
    fn identity(
        &mut self,
        sim: &mut Sim,
        ts: i64,
        operator: usize,
        left: i64,
        bought: &mut Vec<(i64, Held)>,
    ) -> Held {
        let ready = bought.first().is_some_and(|(sold, _)| *sold + DAY < ts);
        if ready && (bought.len() as i64 >= left || self.rng.below(left.max(1) as u64) < bought.len() as u64)
        {
            return bought.remove(0).1;
        }
        if let Some(at) = self.again.iter().position(|(due, _)| *due <= ts) {
            return self.again.remove(at).1;
        }
        let held = self.capture(sim, ts, operator, true);
        let more = self.rng.weighted(&self.ring.per_person);
        for n in 0..more {
            let due = ts + (n as i64 + 1) * self.rng.range(1, 12) * DAY;
            self.again.push((due, held.clone()));
        }
        held
    }

    /// A person captured for the ring before `before`.
    fn capture(&mut self, sim: &mut Sim, before: i64, operator: usize, used: bool) -> Held {
        let op = &self.operators[operator];
        self.people += 1;
        let person = PersonId::new(op.home, Class::Worker, self.people);
        let [lo, hi] = self.ring.capture_lead;
        let captured = self.capture_time(sim, before, lo.max(1), hi.max(1), op.home);
        let pretext = self.pretext(captured);
        let op = &self.operators[operator];
        let image = sim.image("img-");
        let site = (time::china_day(captured) / 7) as u64 % BACKGROUNDS;
        let background = if self.ring.pretexts.is_empty() {
            sim.image("bg-")
        } else {
            sim.people.opaque("bg-", op.key ^ site << 20)
        };
        let home = &sim.people.homes[op.home];
        let region = home.region.clone();
        let id = sim.people.id(person);
        let face = sim.people.face(person);
        let (lat, lon) =
            (home.lat + jitter(op.key ^ site, 60_000), home.lon + jitter(op.key ^ site ^ 9, 60_000));
        let at_counter = self.ring.pretexts.is_empty();
        let outlet = if at_counter { sim.org.outlets[self.opener().0].id.clone() } else { String::new() };
        let (liveness, matched) = (self.rng.range(880, 990), self.rng.range(850, 990));
        let read = captured - self.rng.range(15, 40) * SECOND;
        let op = &self.operators[operator];
        let row = rows::Capture {
            device: self.device(operator, time::china_day(captured)).into(),
            outlet: (&outlet).into(),
            lat: degrees(lat),
            lon: degrees(lon),
            region6: (&region).into(),
            image_hash: (&image).into(),
            background_hash: (&background).into(),
            face_ref: (&face).into(),
            liveness: score(liveness),
            match_score: score(matched),
            pretext: (&pretext).into(),
            collector: (&op.collector).into(),
            ..Default::default()
        };
        write_captures(sim, &self.source, &id, read, captured, &row);
        let held = Held { person, captured, image, background, by: Some(operator) };
        if used {
            self.held.push(held.clone());
        }
        self.began = self.began.min(captured);
        self.ledger.collected.push((captured, operator));
        held
    }

    /// Minutes to days before, by day; never before the world begins.
    fn capture_time(&mut self, sim: &Sim, before: i64, lo: i64, hi: i64, _home: usize) -> i64 {
        let (a, b) = (crate::rng::ln(lo as f64), crate::rng::ln(hi as f64));
        let lead = crate::rng::exp(a + self.rng.unit() * (b - a)) as i64;
        let latest = before - lo * MINUTE;
        let mut at = before - lead * MINUTE;
        let local = (at + time::CHINA).rem_euclid(DAY) / HOUR;
        if !(8..20).contains(&local) && lead > 60 {
            at = midnight(time::china_day(at)) + self.rng.range(9 * 60, 18 * 60) * MINUTE;
        }
        let earliest = midnight(sim.start) + 9 * HOUR;
        at.min(latest).max(earliest.min(latest)).div_euclid(SECOND) * SECOND + self.rng.range(0, 30) * SECOND
    }

    /// The reason given; before there was a health code it could not be one.
    fn pretext(&mut self, ts: i64) -> String {
        let first = time::parse_day("2020-02-14").unwrap_or(0);
        let possible = |p: &&String| !p.contains("健康码") || time::china_day(ts) >= first;
        let known: Vec<&String> = self.ring.pretexts.iter().filter(possible).collect();
        if known.is_empty() { String::new() } else { (*self.rng.pick(&known)).clone() }
    }

    /// The next blank card out of the outlet's boxes.
    fn blank(&mut self, sim: &mut Sim, day: i64) -> Card {
        // A diverter opens the cards of the owner's outlet elsewhere; the others those of the outlet in use.
        let outlet = if self.ring.kind == RingKind::StockDiverter { self.outlet } else { self.opener().0 };
        let spare = self.spare.entry(outlet).or_default();
        if spare.is_empty() {
            let (from, to) = sim.stock.order_box(outlet, day, &sim.org, &sim.people, &mut sim.out);
            *spare = crate::stock::cards(from, to);
            spare.reverse();
        }
        spare.pop().expect("a box was just ordered")
    }

    /// Where the opening is said to be: region and place on the map.
    fn declared(&mut self, sim: &Sim, remote: bool) -> (String, (i64, i64)) {
        let o = &sim.org.outlets[self.opener().0];
        let mut region = &sim.people.homes[o.place].region;
        let mut at = (o.lat, o.lon);
        if remote && !self.ring.declared_also.is_empty() && self.rng.chance(0.15) {
            region = self.rng.pick(&self.ring.declared_also);
            let home = sim.people.homes.iter().find(|h| h.region == *region);
            at = home.map_or(at, |h| (h.lat, h.lon));
        }
        (region.clone(), (at.0 + self.rng.range(-2500, 2500), at.1 + self.rng.range(-2500, 2500)))
    }

    /// The operator's own number stands in as the contact of half of the employer's people.
    fn contact(&mut self, sim: &Sim, operator: usize, employed: bool) -> String {
        if !employed || !self.rng.chance(0.5) {
            return String::new();
        }
        let op = &self.operators[operator];
        sim.people.phone(PersonId::new(op.home, Class::Worker, 900_000 + op.key % 1000))
    }

    fn open(&mut self, sim: &mut Sim, ts: i64, operator: usize, held: &Held, session: &str, ip: &str) {
        let card = self.blank(sim, time::china_day(ts));
        let remote = !self.ring.operators_at.is_empty();
        let (declared, at) = self.declared(sim, remote);
        let cell = sim.people.homes[self.operators[operator].home].region.clone();
        let account = self.account(sim);
        let device = self.device(operator, time::china_day(ts)).to_owned();
        if remote && self.rng.chance(self.ring.overrides) {
            let before = ts - self.rng.range(15, 95) * SECOND;
            let row = rows::AccountChange {
                account: (&account).into(),
                target: (&account).into(),
                change: "location_override".into(),
                old: (&cell).into(),
                new: (&declared).into(),
                device: (&device).into(),
                session: session.into(),
                ..Default::default()
            };
            sim.out.put(before, &source::IAM, &row);
        }
        let replay = ts - held.captured > 30 * MINUTE;
        let employed = self.ring.employer.is_some() && held.by.is_some() && self.rng.chance(0.8);
        let contact = self.contact(sim, operator, employed);
        let manual = self.rng.chance(self.ring.manual_position);
        let o = &sim.org.outlets[self.opener().0];
        let commission = format!("YJ-{}", o.agent.as_deref().unwrap_or(&o.id));
        let open = Open {
            account: &account,
            device: &device,
            session,
            ip,
            region: &declared,
            cell: &cell,
            gps: if manual { "manual" } else { "device" },
            at,
            read: self.read_mode(remote),
            captured: held.captured,
            liveness: if replay { self.rng.range(420, 880) } else { self.rng.range(900, 990) },
            matched: self.rng.range(880, 990),
            face: "",
            image: &held.image,
            background: &held.background,
            employer: if employed { self.ring.employer.as_deref().unwrap_or("") } else { "" },
            contact: &contact,
            plan: "8元保号",
            channel: if remote { "app" } else { "counter" },
            duration: if remote { self.rng.range(22, 120) } else { self.rng.range(70, 260) },
            order: "",
            commission: &commission,
            id: "",
        };
        let msisdn = sim.write_opening(ts, card, held.person, self.opener().0, &open);
        let habit = self.habit();
        let outlet = self.opener().0;
        let opened = Opened { card, msisdn, person: held.person, outlet, ts, habit, planted: true };
        self.ledger.opened.push(ts);
        self.opened.push((opened, held.clone()));
    }

    fn habit(&mut self) -> Habit {
        match self.ring.kind {
            RingKind::Commission => Habit::Minimal,
            _ if self.ring.nurture_days > 0 => Habit::Nurtured(self.opened.len() as u32),
            _ if self.rng.chance(0.5) => Habit::Idle,
            _ => Habit::Plain,
        }
    }

    /// The card is not there: the number is typed in, or read over a relay.
    fn read_mode(&mut self, remote: bool) -> &'static str {
        match (remote, self.ring.kind) {
            (true, RingKind::Careful) => "nfc",
            (true, _) => ["manual", "nfc"][self.rng.weighted(&[0.6, 0.4])],
            _ => ["reader", "nfc"][self.rng.weighted(&[0.85, 0.15])],
        }
    }

    /// The company's other collectors do their work.
    fn honest_collectors(&mut self, sim: &mut Sim) {
        let Some(prefix) = &self.ring.collectors else { return };
        let (home, n) = (self.operators[0].home, self.held.len() / 3);
        let span = (self.first, self.first + self.days);
        collect(sim, prefix, &self.source, home, n, span, self.people + 1, &mut self.rng);
        self.people += n as u64 + 1;
    }
}

fn jitter(key: u64, spread: i64) -> i64 {
    (crate::rng::mix(key) % (2 * spread as u64)) as i64 - spread
}
