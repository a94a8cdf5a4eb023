//! Labour companies: their people look up and export workers' files, and collect identities, for honest
//! reasons; in some, one sells out of the files.

use suyuan_model::calendar;
use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::counter::write_captures;
use crate::org::midnight;
use crate::out::{Source, source};
use crate::people::{Class, PersonId};
use crate::rng::Rng;
use crate::rows::{self, Val};
use crate::sim::{MINUTE, Sim};
use crate::world::{Company, Ring, Seller};

/// Colleagues of the seller.
const COLLEAGUES: usize = 8;
/// Look-ups of a colleague on a workday, mean.
const LOOKUPS: f64 = 3.0;

/// What was sold at once.
pub struct Batch {
    /// When it left.
    pub ts: i64,
    /// Whose identities.
    pub persons: Vec<PersonId>,
    /// By which account.
    pub account: String,
    /// To which address.
    pub recipient: String,
}

/// Writes the company, its honest work and the sales; gives the sales in time order.
pub fn sell(sim: &mut Sim, ring: &Ring, persons: &[PersonId], days: &[i64], rng: &mut Rng) -> Vec<Batch> {
    let Some(seller) = &ring.seller else { return Vec::new() };
    let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return Vec::new() };
    let company = Company { prefix: seller.prefix.clone(), region: seller.region.clone() };
    let accounts = write_company(sim, &company, rng);
    work(sim, &company, &accounts[1..], rng);
    let account = accounts[0].clone();
    let recipient = format!("mail-{:08x}", rng.bits() >> 32);
    let batches = (persons.len() / 17).clamp(2, 26);
    let mut out = Vec::new();
    for n in 0..batches {
        let part = &persons[n * persons.len() / batches..(n + 1) * persons.len() / batches];
        // The last sale leaves time to use what was bought.
        let span = (last - first - 8).max(2);
        let day = first + 1 + n as i64 * span / batches as i64;
        let ts = midnight(day) + rng.range(19 * 60, 21 * 60 + 30) * MINUTE;
        write_batch(sim, seller, &account, &recipient, ts, part, rng);
        out.push(Batch {
            ts,
            persons: part.to_vec(),
            account: account.clone(),
            recipient: recipient.clone(),
        });
    }
    out
}

/// The honest companies of the world.
pub fn plan_all(sim: &mut Sim) {
    let world = sim.world;
    for company in &world.company {
        let mut rng = Rng::stream(sim.seed, "company", crate::rng::label(&company.prefix));
        let accounts = write_company(sim, company, &mut rng);
        work(sim, company, &accounts, &mut rng);
        let home = sim.people.add_home(&company.region);
        let system = sim.out.source(&format!("{}-app", company.prefix.to_lowercase()));
        let n = (sim.volume.days as f64 * 2.0 * sim.volume.scale.max(0.3)) as usize;
        let first = 2_000_000_000;
        collect(sim, &company.prefix, &system, home, n, (sim.start, sim.end), first, &mut rng);
    }
}

/// Honest collectors take identity card and face when people are hired.
#[expect(clippy::too_many_arguments, reason = "one place where honest captures are written")]
pub fn collect(
    sim: &mut Sim,
    prefix: &str,
    system: &Source,
    home: usize,
    n: usize,
    (from, to): (i64, i64),
    first_person: u64,
    rng: &mut Rng,
) {
    let devices: Vec<usize> = (0..4).map(|_| sim.org.device()).collect();
    let first_number = rng.range(50, 90);
    for i in 0..n {
        let day = from + rng.below((to - from).max(1) as u64) as i64;
        let ts = midnight(day) + rng.range(9 * 60, 17 * 60) * MINUTE + rng.range(0, 59) * SECOND;
        if day >= sim.end {
            continue;
        }
        let person = PersonId::new(home, Class::Worker, first_person + i as u64);
        let who = rng.index(devices.len());
        let collector = format!("{prefix}-{:03}", first_number + who as i64 * 7);
        let (id, face) = (sim.people.id(person), sim.people.face(person));
        let (image, background) = (sim.image("img-"), sim.people.opaque("bg-", (1 << 52) | (i as u64 / 2)));
        sim.truth.lookalike("honest_collector", &collector);
        let h = &sim.people.homes[home];
        let (lat, lon, region) = (h.lat, h.lon, h.region.clone());
        let device = sim.org.devices[devices[who]].clone();
        write_captures(
            sim,
            system,
            &id,
            ts - 30 * SECOND,
            ts,
            &rows::Capture {
                device: (&device).into(),
                lat: rows::degrees(lat + 3_000),
                lon: rows::degrees(lon - 4_000),
                region6: (&region).into(),
                image_hash: (&image).into(),
                background_hash: (&background).into(),
                face_ref: (&face).into(),
                liveness: rows::score(rng.range(900, 995)),
                match_score: rows::score(rng.range(900, 995)),
                pretext: "入职登记".into(),
                collector: (&collector).into(),
                ..Default::default()
            },
        );
    }
}

/// The company's accounts; the seller's is the first.
fn write_company(sim: &mut Sim, company: &Company, rng: &mut Rng) -> Vec<String> {
    let system = sim.out.source(&format!("{}-hr", company.prefix.to_lowercase()));
    let home = sim.people.add_home(&company.region);
    let outlet = format!("{}-HQ", company.prefix);
    let from = midnight(sim.start - 400) + 9 * HOUR;
    let h = &sim.people.homes[home];
    sim.out.put(
        from,
        &system,
        &rows::Outlet {
            outlet: (&outlet).into(),
            name: (&format!("{}劳务公司", h.name)).into(),
            region6: (&h.region).into(),
            lat: rows::degrees(h.lat),
            lon: rows::degrees(h.lon),
            hours: "09:00-18:00".into(),
            valid_from: Val::Time(from),
            ..Default::default()
        },
    );
    let mut number = rng.range(101, 140);
    let mut accounts = Vec::new();
    for n in 0..=COLLEAGUES {
        number += rng.range(1, 9);
        let account = format!("{}-{number:04}", company.prefix);
        let holder = PersonId::new(home, Class::Employee, 7_000 + number as u64);
        let from = midnight(sim.start - 380 + n as i64) + 9 * HOUR;
        sim.out.put(
            from,
            &system,
            &rows::Staff {
                account: (&account).into(),
                holder: (&sim.people.id(holder)).into(),
                role: "labour_clerk".into(),
                outlet: (&outlet).into(),
                region6: (&sim.people.homes[home].region).into(),
                shift: "1-5 09:00-18:00".into(),
                valid_from: Val::Time(from),
                ..Default::default()
            },
        );
        accounts.push(account);
    }
    // Which of them sells is drawn.
    let at = rng.index(accounts.len());
    accounts.swap(0, at);
    accounts
}

/// A colleague's working days: look-ups with a ticket, a monthly list for social insurance.
fn work(sim: &mut Sim, company: &Company, accounts: &[String], rng: &mut Rng) {
    let system = sim.out.source(&format!("{}-hr", company.prefix.to_lowercase()));
    let home = sim.people.add_home(&company.region);
    let scale = if sim.volume.scale < 1.0 { 0.4 } else { 1.0 };
    for day in sim.start..sim.end {
        if !calendar::is_workday(day) {
            continue;
        }
        let (_, _, date) = time::civil_from_days(day);
        for account in accounts {
            for _ in 0..rng.poisson(LOOKUPS * scale) {
                let person = PersonId::new(home, Class::Worker, rng.below(30_000));
                let ts = midnight(day) + rng.range(9 * 60, 17 * 60 + 40) * MINUTE;
                let order = if rng.chance(0.93) {
                    ticket(sim, account, Some(person), ts, "visit")
                } else {
                    String::new()
                };
                write_access(sim, &system, account, ts + 2 * MINUTE, "view", person, &order, "", rng);
            }
            if date == 12 && rng.chance(0.3) {
                let ts = midnight(day) + rng.range(10 * 60, 16 * 60) * MINUTE;
                let order = ticket(sim, account, None, ts, "permit");
                for n in 0..rng.range(8, 25) {
                    let person = PersonId::new(home, Class::Worker, rng.below(30_000));
                    let at = ts + (60 + n * 2) * SECOND;
                    write_access(
                        sim,
                        &system,
                        account,
                        at,
                        "export",
                        person,
                        &order,
                        "gov-social-insurance",
                        rng,
                    );
                }
                sim.truth.lookalike("ordered_export", &order);
            }
        }
    }
}

fn ticket(sim: &mut Sim, account: &str, person: Option<PersonId>, ts: i64, kind: &str) -> String {
    let order = sim.order(ts);
    let id = person.map_or(String::new(), |p| sim.people.id(p));
    sim.out.put(
        ts,
        &source::DESK,
        &rows::WorkOrder {
            order: (&order).into(),
            subject: (&id).into(),
            account: account.into(),
            kind: kind.into(),
            note: if kind == "permit" { "社保申报清单导出审批" } else { "" }.into(),
            valid_from: Val::Time(ts.div_euclid(SECOND) * SECOND),
            valid_to: Val::Time(ts.div_euclid(SECOND) * SECOND + if kind == "permit" { DAY } else { HOUR }),
            ..Default::default()
        },
    );
    order
}

fn write_batch(
    sim: &mut Sim,
    seller: &Seller,
    account: &str,
    recipient: &str,
    ts: i64,
    persons: &[PersonId],
    rng: &mut Rng,
) {
    let system = sim.out.source(&format!("{}-hr", seller.prefix.to_lowercase()));
    for (n, person) in persons.iter().enumerate() {
        let at = ts + n as i64 * 2 * SECOND;
        write_access(sim, &system, account, at, "export", *person, "", recipient, rng);
    }
}

#[expect(clippy::too_many_arguments, reason = "one place where the company's look-ups are written")]
fn write_access(
    sim: &mut Sim,
    system: &Source,
    account: &str,
    ts: i64,
    action: &str,
    person: PersonId,
    order: &str,
    recipient: &str,
    rng: &mut Rng,
) {
    let device = sim.people.opaque("dev-", crate::rng::label(account));
    sim.out.put(
        ts,
        system,
        &rows::Access {
            account: account.into(),
            device: (&device[..16]).into(),
            ip: (&format!("10.90.1.{}", rng.range(10, 60))).into(),
            app: "worker-files".into(),
            action: action.into(),
            subject: (&sim.people.id(person)).into(),
            object: "worker_file".into(),
            result: "ok".into(),
            categories: "address;face;id_number;id_photo;phone".into(),
            order: order.into(),
            recipient: recipient.into(),
            ..Default::default()
        },
    );
}
