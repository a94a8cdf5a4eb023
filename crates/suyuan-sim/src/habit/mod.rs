//! How a card is used: the habits of honest people and machines, and what rings do with theirs.
//!
//! Honest habits have heavy tails on purpose: couriers and call centres dial like a SIM box, alarm
//! devices tick like nurtured cards, colleagues with new cards form closed circles, a phone is handed
//! down, repaired or tested, people move and travel. What a card does on a day follows from its habit,
//! its age and its own number, so that the cards of one circle, bank or journey move together.

mod ring;

use suyuan_model::calendar;

use crate::rng::{Rng, mix};

/// Cells of a county.
const CELLS: u64 = 400;
/// Where holiday makers, border trade and swindlers go.
pub const FAR: [&str; 8] = ["533102", "450681", "460200", "533401", "530102", "441900", "510104", "610103"];

/// How a card is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// As people do; drawn when the card is registered.
    Plain,
    /// The owner's only telephone.
    Phone,
    /// A second number, used now and then.
    Second,
    /// A tablet or router.
    Data,
    /// An old person: few calls, fewer peers.
    Elder,
    /// A courier or driver: many calls out to strangers, in many cells.
    Courier,
    /// Kept in a drawer for weeks.
    Spare,
    /// A tracker or meter: the same little data every day.
    Things,
    /// An alarm or intercom: short calls to the same few.
    Alarm,
    /// Not used at all.
    Idle,
    /// One of a family's new cards.
    Family(u32),
    /// One of a firm's new cards: on workdays at the same place, calling one another.
    Colleague(u32),
    /// A seat of a call centre.
    Seat(u32),
    /// A test card of a device laboratory.
    Tester(u32),
    /// A card of a team that tests sign-ups.
    Coder(u32),
    /// A member of a tour group.
    Tourist(u32),
    /// Sent by courier to someone living at another place.
    Delivered(u32),
    /// Works a season: some days, weeks of silence, then like a courier.
    Seasonal,
    /// In a SIM bank: short calls in a closed set, the same tick of data, later sold; slot number.
    Nurtured(u32),
    /// Just enough for the commission.
    Minimal,
    /// Blank and short calls within a circle of new cards, in ordinary phones.
    Blank(u32),
    /// Another device every other day.
    Swapper,
    /// Silent for weeks, then a burst.
    Sleeper,
    /// In a pool of few modems.
    Pooled(u32),
    /// In a gateway that dials for someone far away.
    Gateway(u32),
    /// Carried to the border.
    Exported(u32),
    /// Receives one-time codes, calls nobody.
    CodeFarm(u32),
    /// Others signed up with it while its owner stood at the counter.
    Signed,
    /// Its holder was never at the counter: used far away from the first hour.
    Away(u32),
}

/// What people draw, with weights.
const PEOPLE: [(Habit, f64); 9] = [
    (Habit::Phone, 0.62),
    (Habit::Second, 0.12),
    (Habit::Data, 0.06),
    (Habit::Elder, 0.08),
    (Habit::Courier, 0.015),
    (Habit::Spare, 0.045),
    (Habit::Things, 0.012),
    (Habit::Alarm, 0.003),
    (Habit::Idle, 0.045),
];

impl Habit {
    /// What a customer does with a card.
    pub fn draw(rng: &mut Rng) -> Habit {
        PEOPLE[rng.weighted(&PEOPLE.map(|(_, w)| w))].0
    }

    /// The honest look-alike a card of this habit is, where it is one.
    pub fn lookalike(self) -> Option<&'static str> {
        Some(match self {
            Habit::Courier => "courier_card",
            Habit::Spare | Habit::Idle => "spare_card",
            Habit::Things | Habit::Data => "data_card",
            Habit::Alarm => "alarm_card",
            Habit::Family(_) => "family_plan_card",
            Habit::Colleague(_) => "colleague_card",
            Habit::Seat(_) => "call_centre_card",
            Habit::Tester(_) => "device_lab_card",
            Habit::Coder(_) => "qa_team_card",
            Habit::Tourist(_) => "tour_group_card",
            Habit::Delivered(_) => "delivered_card",
            Habit::Seasonal => "seasonal_courier_card",
            _ => return None,
        })
    }

    /// Days from the opening for which use is recorded: the first days of every card, all days of those
    /// that make much use or stand in the panel.
    pub fn days(self, first: i64, panel: bool, nurture: i64) -> i64 {
        match self {
            Habit::Idle => 0,
            Habit::Nurtured(_) => nurture + 30,
            Habit::Courier | Habit::Seat(_) | Habit::Tester(_) | Habit::Coder(_) => 150,
            Habit::Seasonal | Habit::Sleeper => 100,
            Habit::Pooled(_)
            | Habit::Gateway(_)
            | Habit::CodeFarm(_)
            | Habit::Exported(_)
            | Habit::Blank(_) => 45.max(first),
            _ if panel => 150,
            _ => first,
        }
    }
}

/// A device as a row names it: a phone by number, or a modem by its bank and place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imei {
    /// A phone.
    Phone(u64),
    /// A modem of a bank: type code and serial follow one another.
    Modem(u64, u64),
}

/// What a card does on a day in one device.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub imei: Imei,
    pub out: i64,
    pub inn: i64,
    pub short: i64,
    pub peers: i64,
    pub fresh: i64,
    pub sms_out: i64,
    pub sms_in: i64,
    pub otp: i64,
    pub mb: i64,
    pub first: Where,
    pub main: Where,
    /// Cell: a number of the county, or of a site.
    pub cell: u64,
    pub abroad: bool,
}

/// A region as a day names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// A place of the world, by number from the card's own.
    Step(usize),
    /// Far away.
    Far(&'static str),
    /// The capital of the card's province, where the bank stands.
    Capital,
}

/// A card on a day.
pub struct Card {
    /// Its own number.
    pub key: u64,
    /// Its phone.
    pub device: u64,
    /// Calls out a day, mean.
    pub pace: f64,
    /// Days since the opening.
    pub age: i64,
    /// The day.
    pub day: i64,
    /// Days a ring keeps a card in the bank.
    pub nurture: i64,
}

impl Card {
    fn hash(&self, what: u64) -> u64 {
        mix(self.key ^ mix(what))
    }
    /// True for a share of cards, always the same ones.
    fn is(&self, what: u64, per_mille: u64) -> bool {
        self.hash(what) % 1000 < per_mille
    }
    fn home_cell(&self) -> u64 {
        self.hash(11) % CELLS
    }

    /// The phone of the day: handed down, changed, tried out.
    fn phone(&self) -> u64 {
        let h = self.hash(1);
        let late = (h >> 12) as i64;
        match h % 1000 {
            // The first days in the old phone, which often stays.
            0..180 if self.age > late % 3 => self.device + 1,
            180..215 if self.age > 4 + late % 110 => self.device + 1,
            // Two phones tried by turns in the first week.
            215..240 if self.age < 8 => self.device + (self.hash(40 + self.age as u64) & 1),
            // A collector or salesman of phones.
            240..244 => self.device + self.hash(60 + self.age as u64 / 2) % 4,
            _ => self.device,
        }
    }

    fn place(&self) -> (Where, bool) {
        let h = self.hash(2);
        let late = (h >> 12) as i64;
        match h % 1000 {
            0..35 if self.age >= 3 + late % 18 => (Where::Step(1 + (h >> 20) as usize % 8), false),
            35..65 => {
                let begin = 3 + late % 22;
                let away = (begin..begin + 2 + (h >> 30) as i64 % 5).contains(&self.age);
                let far = FAR[(h >> 40) as usize % FAR.len()];
                if away { (Where::Far(far), (h >> 50) % 100 < 6) } else { (Where::Step(0), false) }
            }
            _ => (Where::Step(0), false),
        }
    }
}

/// The rows of a card on a day under a habit; most days one, on quiet days none.
pub fn day(habit: Habit, c: &Card, rng: &mut Rng) -> Vec<Day> {
    match habit {
        Habit::Plain | Habit::Phone => some(rng, 0.93, |rng| person(c, c.pace, rng)),
        Habit::Second => some(rng, 0.45, |rng| person(c, c.pace * 0.3, rng)),
        Habit::Elder => some(rng, 0.8, |rng| elder(c, rng)),
        Habit::Spare if c.age < 3 + (c.hash(3) % 26) as i64 => Vec::new(),
        Habit::Spare => some(rng, 0.2, |rng| person(c, c.pace * 0.3, rng)),
        Habit::Data => some(rng, 0.85, |rng| still(c, (rng.log_normal(1.1) * 700.0) as i64, rng)),
        Habit::Things => some(rng, 0.97, |rng| still(c, 2 + (c.hash(4) % 4) as i64, rng)),
        Habit::Alarm => some(rng, 0.6, |rng| alarm(c, rng)),
        Habit::Idle => Vec::new(),
        Habit::Courier => some(rng, 0.88, |rng| courier(c, rng)),
        Habit::Seasonal => seasonal(c, rng),
        Habit::Family(_) => some(rng, 0.9, |rng| circle(c, None, rng)),
        Habit::Colleague(site) => some(rng, 0.92, |rng| circle(c, Some(site), rng)),
        Habit::Seat(site) => seat(c, site, rng),
        Habit::Tester(lab) => tester(c, lab, rng),
        Habit::Coder(team) => coder(c, team, rng),
        Habit::Tourist(trip) => some(rng, 0.95, |rng| tourist(c, trip, rng)),
        Habit::Delivered(step) => some(rng, 0.92, |rng| settled(c, step, rng)),
        Habit::Nurtured(slot) => ring::nurtured(c, slot, rng),
        Habit::Minimal => some(rng, 0.2, |rng| ring::minimal(c, rng)),
        Habit::Blank(ring) => some(rng, 0.8, |rng| ring::blank(c, ring, rng)),
        Habit::Swapper => some(rng, 0.9, |rng| ring::swapper(c, rng)),
        Habit::Sleeper => ring::sleeper(c, rng),
        Habit::Pooled(slot) => some(rng, 0.75, |rng| ring::pooled(c, slot, rng)),
        Habit::Gateway(slot) => ring::gateway(c, slot, rng),
        Habit::Exported(lot) => ring::exported(c, lot, rng),
        Habit::CodeFarm(slot) => some(rng, 0.9, |rng| ring::code_farm(c, slot, rng)),
        Habit::Signed => some(rng, 0.93, |rng| ring::signed(c, rng)),
        Habit::Away(step) => some(rng, if c.age == 0 { 1.0 } else { 0.3 }, |rng| settled(c, step, rng)),
    }
}

fn some(rng: &mut Rng, share: f64, of: impl FnOnce(&mut Rng) -> Day) -> Vec<Day> {
    if rng.chance(share) { vec![of(rng)] } else { Vec::new() }
}

fn count(rng: &mut Rng, mean: f64) -> i64 {
    rng.poisson(mean) as i64
}

/// A share of `n`, rounded down at random.
fn part(rng: &mut Rng, n: i64, lo: i64, hi: i64) -> i64 {
    (n * rng.range(lo, hi) + rng.range(0, 99)) / 100
}

fn person(c: &Card, pace: f64, rng: &mut Rng) -> Day {
    let busy = rng.log_normal(0.5);
    let (out, inn) = (count(rng, pace * busy), count(rng, pace * busy * 0.9));
    let peers = (out + inn).min(i64::from(out + inn > 0) + part(rng, out + inn, 45, 85));
    let (at, abroad) = c.place();
    // New numbers are registered with applications on their first day.
    let otp = count(rng, if c.age == 0 { 2.2 } else { 0.45 });
    let work = calendar::is_workday(c.day) && c.is(12, 550);
    let far = work && c.is(13, 140) && at == Where::Step(0);
    let shop = c.is(14, 12) && c.age == (c.hash(15) % 14) as i64;
    Day {
        imei: Imei::Phone(if shop { SHOP | (c.hash(16) % 3) } else { c.phone() }),
        out,
        inn,
        short: part(rng, out + inn, 0, 22).min(out + inn),
        peers,
        fresh: i64::from(peers > 0 && rng.chance(0.06)),
        sms_out: count(rng, 0.4),
        sms_in: otp + count(rng, 3.0),
        otp,
        mb: (rng.log_normal(1.0) * 330.0) as i64,
        first: at,
        main: if far { Where::Step(1) } else { at },
        cell: if work { c.hash(17) % CELLS } else { c.home_cell() },
        abroad,
    }
}

/// Test phones of repair shops, into which customers' cards are put for a minute.
pub const SHOP: u64 = 1 << 43;

fn elder(c: &Card, rng: &mut Rng) -> Day {
    let (out, inn) = (count(rng, 0.9), count(rng, 2.0));
    Day {
        short: part(rng, out + inn, 5, 45),
        peers: (out + inn).min(1 + (out + inn) / 3),
        otp: i64::from(rng.chance(0.1)),
        sms_in: count(rng, 2.0),
        mb: (rng.log_normal(1.2) * 25.0) as i64,
        out,
        inn,
        ..person(c, 0.5, rng)
    }
}

/// Data only.
fn still(c: &Card, mb: i64, rng: &mut Rng) -> Day {
    let here = Where::Step(0);
    Day {
        imei: Imei::Phone(c.device),
        out: 0,
        inn: 0,
        short: 0,
        peers: 0,
        fresh: 0,
        sms_out: 0,
        sms_in: i64::from(rng.chance(0.2)),
        otp: i64::from(rng.chance(0.02)),
        mb,
        first: here,
        main: here,
        cell: c.home_cell(),
        abroad: false,
    }
}

fn alarm(c: &Card, rng: &mut Rng) -> Day {
    let out = rng.range(1, 6);
    Day { out, short: out - i64::from(rng.chance(0.2)), peers: out.min(2), ..still(c, 1, rng) }
}

fn courier(c: &Card, rng: &mut Rng) -> Day {
    let out = count(rng, 30.0 + (c.hash(5) % 70) as f64);
    let inn = count(rng, out as f64 * (4 + c.hash(6) % 16) as f64 / 100.0);
    Day {
        out,
        inn,
        short: part(rng, out, 5, 30),
        peers: part(rng, out, 78, 97) + inn / 2,
        fresh: i64::from(rng.chance(0.3)),
        sms_out: count(rng, 8.0),
        cell: (c.home_cell() + rng.below(14)) % CELLS,
        mb: (rng.log_normal(0.6) * 900.0) as i64,
        ..person(c, 1.0, rng)
    }
}

fn seasonal(c: &Card, rng: &mut Rng) -> Vec<Day> {
    let back = 36 + (c.hash(7) % 24) as i64;
    match c.age {
        0..4 => some(rng, 0.9, |rng| person(c, c.pace, rng)),
        age if (back..back + 25).contains(&age) => some(rng, 0.88, |rng| courier(c, rng)),
        _ => Vec::new(),
    }
}

/// New cards that call one another: a family, or colleagues at one site.
fn circle(c: &Card, site: Option<u32>, rng: &mut Rng) -> Day {
    let d = person(c, c.pace, rng);
    let fresh = d.peers.min(count(rng, if site.is_some() { 1.8 } else { 1.3 }));
    let at_work = site.filter(|_| calendar::is_workday(c.day) && d.main == Where::Step(0));
    Day { fresh, cell: at_work.map_or(d.cell, |s| 900_000 + u64::from(s)), ..d }
}

fn seat(c: &Card, site: u32, rng: &mut Rng) -> Vec<Day> {
    if !calendar::is_workday(c.day) {
        return Vec::new();
    }
    some(rng, 0.94, |rng| {
        let out = count(rng, 70.0 + (mix(u64::from(site)) % 60) as f64);
        let inn = count(rng, 5.0);
        Day {
            out,
            inn,
            short: part(rng, out, 10, 35),
            peers: part(rng, out, 82, 98) + inn / 2,
            cell: 900_000 + u64::from(site),
            ..still(c, 0, rng)
        }
    })
}

fn tester(c: &Card, lab: u32, rng: &mut Rng) -> Vec<Day> {
    if !calendar::is_workday(c.day) {
        return Vec::new();
    }
    let lab = u64::from(lab);
    let mut used = Vec::new();
    for _ in 0..rng.range(1, 3) {
        let phone = LAB | lab << 8 | rng.below(10);
        if used.iter().all(|d: &Day| d.imei != Imei::Phone(phone)) {
            let d = person(c, 0.8, rng);
            let here = Where::Step(0);
            used.push(Day { imei: Imei::Phone(phone), cell: 910_000 + lab, first: here, main: here, ..d });
        }
    }
    used
}

/// Phones of device laboratories.
const LAB: u64 = 1 << 44;

fn coder(c: &Card, team: u32, rng: &mut Rng) -> Vec<Day> {
    if !calendar::is_workday(c.day) {
        return Vec::new();
    }
    some(rng, 0.9, |rng| {
        let otp = rng.range(12, 38);
        let out = count(rng, 0.7);
        Day { otp, sms_in: otp + 2, out, peers: out, cell: 920_000 + u64::from(team), ..still(c, 60, rng) }
    })
}

fn tourist(c: &Card, trip: u32, rng: &mut Rng) -> Day {
    let h = mix(u64::from(trip));
    let begin = 2 + (h % 6) as i64;
    let d = person(c, c.pace, rng);
    if !(begin..begin + 4 + (h >> 8) as i64 % 3).contains(&c.age) {
        return d;
    }
    let at = Where::Far(FAR[(h >> 16) as usize % FAR.len()]);
    Day { first: at, main: at, cell: 930_000 + u64::from(trip), abroad: (h >> 30).is_multiple_of(4), ..d }
}

/// Used at another place from the first day.
fn settled(c: &Card, step: u32, rng: &mut Rng) -> Day {
    let at = Where::Step(step as usize);
    Day { first: at, main: at, abroad: false, ..person(c, c.pace, rng) }
}
