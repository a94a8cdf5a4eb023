//! The state of a world being made, and what every part of it does with a card.

use std::collections::BTreeMap;

use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::error::SimError;
use crate::habit::Habit;
use crate::org::{Org, midnight};
use crate::out::{Out, source};
use crate::people::{Class, People, PersonId};
use crate::rng::{Rng, mix2};
use crate::rows::{self, Val, degrees, score, yuan};
use crate::stock::{Card, Stock};
use crate::truth::Truth;
use crate::usage::Active;
use crate::world::{Size, Volume, World};

/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// The system account that stops cards.
pub const SYSTEM: &str = "SYS-RISK";

/// A world being made.
pub struct Sim<'w> {
    /// What the world's file says.
    pub world: &'w World,
    /// How much of it.
    pub volume: &'w Volume,
    /// The seed.
    pub seed: u64,
    /// First day.
    pub start: i64,
    /// The day behind the last.
    pub end: i64,
    /// People.
    pub people: People,
    /// The carrier.
    pub org: Org,
    /// Blank cards.
    pub stock: Stock,
    /// Files.
    pub out: Out,
    /// What really happened.
    pub truth: Truth,
    /// Cards whose use is recorded.
    pub active: Vec<Active>,
    /// Commissions not yet paid.
    pub commissions: Vec<Due>,
    /// Customers who come back for a second card on a later day.
    pub returning: Vec<(i64, PersonId)>,
    /// Auditors with a delegation, by staff: until which day.
    pub delegated: BTreeMap<usize, i64>,
    /// Payees of commissions that do not go to the outlet's agent.
    pub payees: BTreeMap<Card, String>,
    /// Ring cards, registered on their day.
    pub planned: BTreeMap<i64, Vec<Opened>>,
    /// Chance that an honest card is later used in fraud, before the outlet's own risk.
    pub fraud_rate: f64,
    sum_of_risk: f64,
    orders: u64,
    sessions: u64,
    cases: u64,
    images: u64,
}

/// A commission to be paid.
pub struct Due {
    /// Index of the outlet.
    pub outlet: u32,
    /// For which card.
    pub card: Card,
    /// How much.
    pub fen: i64,
    /// Opened on.
    pub day: i64,
}

/// A card that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The card.
    pub card: Card,
    /// Its number.
    pub msisdn: String,
    /// In whose name.
    pub person: PersonId,
    /// Index of the outlet.
    pub outlet: usize,
    /// When.
    pub ts: i64,
    /// How it will be used.
    pub habit: Habit,
    /// Opened by a ring or a planted group.
    pub planted: bool,
}

/// What an opening says; the rest is the same for all.
#[derive(Default)]
pub struct Open<'a> {
    /// The account.
    pub account: &'a str,
    /// The device.
    pub device: &'a str,
    /// The session.
    pub session: &'a str,
    /// The network address.
    pub ip: &'a str,
    /// Declared region.
    pub region: &'a str,
    /// Region of the cell.
    pub cell: &'a str,
    /// Source of the position.
    pub gps: &'a str,
    /// Micro-degrees.
    pub at: (i64, i64),
    /// How the identity card was read.
    pub read: &'a str,
    /// When the face was captured.
    pub captured: i64,
    /// Thousandths.
    pub liveness: i64,
    /// Thousandths.
    pub matched: i64,
    /// Face cluster; the person's own where empty.
    pub face: &'a str,
    /// Hash of the image.
    pub image: &'a str,
    /// Hash of its background.
    pub background: &'a str,
    /// Employer.
    pub employer: &'a str,
    /// Contact.
    pub contact: &'a str,
    /// Tariff.
    pub plan: &'a str,
    /// Channel.
    pub channel: &'a str,
    /// Seconds from reading the identity card to submitting.
    pub duration: i64,
    /// Order or contract.
    pub order: &'a str,
    /// Commission code.
    pub commission: &'a str,
    /// An identity number that is not the person's own.
    pub id: &'a str,
}

impl<'w> Sim<'w> {
    /// An empty world: the carrier is there, nobody has done anything.
    pub fn new(world: &'w World, size: Size, seed: u64, dir: &std::path::Path) -> Result<Sim<'w>, SimError> {
        let volume = world.volume(size)?;
        let mut out = Out::create(dir)?;
        let people = People::new(world, seed, volume.population);
        let org = Org::build(world, volume, seed, &people, &mut out);
        let start = world.start_day();
        let openings = (volume.openings * volume.days as f64 * 0.85).max(1.0);
        let b = &world.background;
        let weights: f64 = org.outlets.iter().map(|o| o.weight).sum();
        let sum_of_risk: f64 = org.outlets.iter().map(|o| o.weight * o.risk).sum();
        let truth = Truth {
            world: world.name.clone(),
            size: size.name().to_owned(),
            seed,
            days: [time::format_day(start), time::format_day(start + volume.days - 1)],
            ..Truth::default()
        };
        Ok(Sim {
            world,
            volume,
            seed,
            start,
            end: start + volume.days,
            stock: Stock::new(org.outlets.len(), seed),
            people,
            org,
            out,
            truth,
            active: Vec::new(),
            commissions: Vec::new(),
            returning: Vec::new(),
            delegated: BTreeMap::new(),
            payees: BTreeMap::new(),
            planned: BTreeMap::new(),
            fraud_rate: b.fraud_cards.max(b.fraud_cards_least / openings),
            sum_of_risk: sum_of_risk / weights,
            orders: 0,
            sessions: 0,
            cases: 0,
            images: 0,
        })
    }

    /// A new work order's number.
    pub fn order(&mut self, ts: i64) -> String {
        self.orders += 1;
        format!("WO{}{:07}", &day_digits(time::china_day(ts))[2..], self.orders)
    }

    /// A new session's number.
    pub fn session(&mut self, ts: i64) -> String {
        self.sessions += 1;
        let text = self.people.opaque("S", self.sessions);
        format!("S{}{}", &day_digits(time::china_day(ts))[2..], &text[3..11])
    }

    /// A new fraud case's number, as the police of some county gives it.
    pub fn case(&mut self, ts: i64, rng: &mut Rng) -> String {
        self.cases += 1;
        const COUNTIES: [&str; 8] =
            ["330109", "320505", "370102", "410105", "440305", "510107", "420106", "350203"];
        format!("A{}{}{:04}", rng.pick(&COUNTIES), &day_digits(time::china_day(ts))[..6], self.cases)
    }

    /// A new image's hash.
    pub fn image(&mut self, prefix: &str) -> String {
        self.images += 1;
        self.people.opaque(prefix, self.images)
    }

    /// The card a customer had before the world began.
    pub fn old_card(&self, person: PersonId) -> Card {
        Card::old(&self.people.homes[person.place()].region, mix2(self.seed, person.n()))
    }

    /// A customer living at the place of an outlet.
    pub fn customer(&self, place: usize, rng: &mut Rng) -> PersonId {
        PersonId::new(place, Class::Resident, rng.below(self.people.homes[place].customers))
    }

    /// Writes an opening and gives the number.
    pub fn write_opening(
        &mut self,
        ts: i64,
        card: Card,
        person: PersonId,
        outlet: usize,
        o: &Open,
    ) -> String {
        let place = self.org.outlets[outlet].place;
        let msisdn = self.people.new_number(place);
        let id = if o.id.is_empty() { self.people.id(person) } else { o.id.to_owned() };
        let address = self.people.address(person, &id);
        let face = if o.face.is_empty() { self.people.face(person) } else { o.face.to_owned() };
        self.out.put(
            ts,
            &source::CRM,
            &rows::Opening {
                card: (&card.iccid()).into(),
                msisdn: (&msisdn).into(),
                subject: (&id).into(),
                account: o.account.into(),
                device: o.device.into(),
                session: o.session.into(),
                outlet: (&self.org.outlets[outlet].id).into(),
                region6: o.region.into(),
                gps_source: o.gps.into(),
                lat: degrees(o.at.0),
                lon: degrees(o.at.1),
                cell_region6: o.cell.into(),
                ip: o.ip.into(),
                id_read_mode: o.read.into(),
                captured_at: Val::Time(o.captured.div_euclid(SECOND) * SECOND),
                liveness: score(o.liveness),
                match_score: score(o.matched),
                face_ref: (&face).into(),
                image_hash: o.image.into(),
                background_hash: o.background.into(),
                employer: o.employer.into(),
                address: (&address).into(),
                contact: o.contact.into(),
                plan: o.plan.into(),
                channel: o.channel.into(),
                duration_s: Val::Int(o.duration),
                commission_code: o.commission.into(),
                order: o.order.into(),
            },
        );
        msisdn
    }

    /// What follows from every opened card: use and commission.
    pub fn register(&mut self, o: &Opened, rng: &mut Rng) {
        let fen = if o.habit == Habit::Minimal { 6_000 } else { rng.range(15, 45) * 100 };
        let day = time::china_day(o.ts);
        self.commissions.push(Due { outlet: o.outlet as u32, card: o.card, fen, day });
        let drawn = if o.habit == Habit::Plain { Habit::draw(rng) } else { o.habit };
        if let Some(kind) = drawn.lookalike().filter(|_| !o.planted) {
            self.truth.lookalike(kind, o.card.iccid());
        }
        if drawn != Habit::Idle {
            let place = self.org.outlets[o.outlet].place;
            self.active.push(Active::new(self, o.card, o.person, place, day, drawn, rng));
        }
    }

    /// What may follow from an honest card: fraud, a complaint, a re-verification.
    pub fn aftermath(&mut self, o: &Opened, rng: &mut Rng) {
        let b = &self.world.background;
        let risk = self.org.outlets[o.outlet].risk / self.sum_of_risk;
        let wave = self.wave(self.org.outlets[o.outlet].place, time::china_day(o.ts));
        if rng.chance(self.fraud_rate * risk * wave) {
            let days = 3.0 + rng.exponential(b.fraud_delay_days);
            let mut ts = o.ts + (days * DAY as f64) as i64;
            let room = midnight(self.end) - o.ts;
            if ts >= o.ts + room && room > 8 * DAY {
                // A short world sees only what came early.
                ts = o.ts + rng.range(3 * DAY, room - DAY);
            }
            let ts = by_day(ts, rng);
            if time::china_day(ts) < self.end {
                self.truth.background_fraud_cards.push(o.card.iccid());
                let loss = (rng.log_normal(1.1) * 1_800_000.0) as i64;
                self.write_fraud(ts, o, loss, rng);
            }
        }
        if rng.chance(self.world.lookalikes.wrong_stops) {
            self.wrong_stop(o, rng);
        }
        if rng.chance(b.not_mine) {
            let ts =
                midnight(time::china_day(o.ts) + rng.range(20, 200)) + rng.range(9 * 60, 17 * 60) * MINUTE;
            self.write_not_mine(ts, o);
        }
        if rng.chance(b.reverified) {
            let ts =
                midnight(time::china_day(o.ts) + rng.range(15, 150)) + rng.range(9 * 60, 17 * 60) * MINUTE;
            let result = ["passed", "absent", "failed"][rng.weighted(&[0.93, 0.05, 0.02])];
            self.write_reverification(ts, o, result);
        }
    }

    /// What waves of fraud multiply the rate of a place with on a day.
    pub fn wave(&self, place: usize, day: i64) -> f64 {
        let region = &self.people.homes[place].region;
        let since = day - self.start;
        let on = |w: &&crate::world::Wave| {
            region.starts_with(&w.region) && (w.from..w.from + w.days).contains(&since)
        };
        self.world.background.wave.iter().filter(on).map(|w| w.factor).product()
    }

    /// A risk model stops an honest card; its holder complains or comes, and it is given back.
    fn wrong_stop(&mut self, o: &Opened, rng: &mut Rng) {
        let stop = midnight(time::china_day(o.ts) + rng.range(2, 20)) + rng.range(9 * 60, 20 * 60) * MINUTE;
        let back = stop + rng.range(3, 70) * HOUR;
        self.truth.lookalike("wrong_stop_card", o.card.iccid());
        self.write_card_change(stop, o.card, "suspend", SYSTEM, "使用异常", "");
        let order = self.order(back);
        if rng.chance(0.5) {
            self.out.put(
                back,
                &source::RISK,
                &rows::Complaint {
                    subject: (&self.people.id(o.person)).into(),
                    card: (&o.card.iccid()).into(),
                    kind: "wrongly_stopped".into(),
                    order: (&order).into(),
                },
            );
        }
        self.write_reverification(back + 5 * MINUTE, o, "passed");
        self.write_card_change(back + 9 * MINUTE, o.card, "restore", SYSTEM, "二次实名通过", &order);
    }

    /// A fraud case with its card, the use of the card around it, and the stop that follows.
    pub fn write_fraud(&mut self, ts: i64, o: &Opened, loss: i64, rng: &mut Rng) -> String {
        const KINDS: [&str; 6] = ["冒充客服", "刷单返利", "虚假贷款", "冒充公检法", "投资理财", "冒充熟人"];
        let case = self.case(ts, rng);
        let victim = PersonId::new(o.person.place(), Class::Anywhere, rng.below(50_000_000));
        let victim = self.people.id(victim);
        self.out.put(
            ts,
            &source::RISK,
            &rows::FraudReport {
                case: (&case).into(),
                card: (&o.card.iccid()).into(),
                msisdn: (&o.msisdn).into(),
                victim: (&victim).into(),
                loss_cny: yuan(loss),
                kind: (*rng.pick(&KINDS)).into(),
                reported_at: Val::Time(ts.div_euclid(SECOND) * SECOND),
            },
        );
        crate::usage::write_fraud_use(self, o, ts, rng);
        let stop = ts + rng.range(2, 90) * HOUR;
        if time::china_day(stop) < self.end {
            self.write_card_change(stop, o.card, "suspend", SYSTEM, "涉诈关停", "");
        }
        case
    }

    /// A complaint that a card is not one's own.
    pub fn write_not_mine(&mut self, ts: i64, o: &Opened) {
        let order = self.order(ts);
        let id = self.people.id(o.person);
        self.out.put(
            ts,
            &source::RISK,
            &rows::Complaint {
                subject: (&id).into(),
                card: (&o.card.iccid()).into(),
                kind: "not_mine".into(),
                order: (&order).into(),
            },
        );
        self.out.put(
            ts + MINUTE,
            &source::DESK,
            &rows::WorkOrder {
                order: (&order).into(),
                subject: (&id).into(),
                outlet: (&self.org.outlets[o.outlet].id).into(),
                kind: "complaint".into(),
                note: "名下号码非本人办理".into(),
                valid_from: Val::Time(ts + MINUTE),
                valid_to: Val::Time(ts + 15 * DAY),
                ..Default::default()
            },
        );
    }

    /// A re-verification.
    pub fn write_reverification(&mut self, ts: i64, o: &Opened, result: &str) {
        self.out.put(
            ts,
            &source::RISK,
            &rows::Reverification {
                card: (&o.card.iccid()).into(),
                subject: (&self.people.id(o.person)).into(),
                result: result.into(),
                method: if result == "absent" { "call".into() } else { "face".into() },
                account: SYSTEM.into(),
            },
        );
    }

    /// A change of a card's state.
    pub fn write_card_change(
        &mut self,
        ts: i64,
        card: Card,
        change: &str,
        account: &str,
        reason: &str,
        order: &str,
    ) {
        self.out.put(
            ts,
            &source::CRM,
            &rows::CardChange {
                card: (&card.iccid()).into(),
                change: change.into(),
                account: account.into(),
                reason: reason.into(),
                order: order.into(),
            },
        );
    }
}

/// The same day between eight in the morning and eleven at night: when people report.
pub fn by_day(ts: i64, rng: &mut Rng) -> i64 {
    midnight(time::china_day(ts)) + rng.range(8 * 60, 23 * 60 - 1) * MINUTE + rng.range(0, 59) * SECOND
}

/// `20191201` of a day number.
pub fn day_digits(day: i64) -> String {
    time::format_day(day).replace('-', "")
}
