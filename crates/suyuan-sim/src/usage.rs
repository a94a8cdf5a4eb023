//! Daily use of cards: which cards are recorded on a day, and their rows.
//!
//! The feed holds every card in its first days (`usage_days`), a panel of them (`usage_panel`) and all
//! that make much use for longer. A day without use has no row, so a silent card is one without rows.

use suyuan_model::time::{self, DAY, HOUR};

use crate::error::SimError;
use crate::habit::{self, Habit, Imei, SHOP, Where};
use crate::org::midnight;
use crate::out::source;
use crate::people::PersonId;
use crate::rng::{Rng, mix};
use crate::rows::{self, Val};
use crate::sim::{Opened, Sim};
use crate::stock::Card;

/// A card whose use is recorded.
pub struct Active {
    card: Card,
    device: u64,
    /// Calls out a day, tenths.
    pace: u16,
    place: u16,
    day: i32,
    /// The first day no longer recorded.
    until: i32,
    habit: Habit,
}

impl Active {
    /// A card opened on that day.
    pub fn new(
        sim: &Sim,
        card: Card,
        person: PersonId,
        place: usize,
        day: i64,
        habit: Habit,
        rng: &mut Rng,
    ) -> Active {
        let panel = rng.chance(sim.volume.usage_panel);
        let days = habit.days(sim.volume.usage_days, panel, nurture(sim));
        let pace = (rng.log_normal(0.8) * 28.0).clamp(2.0, 600.0);
        // Some put a new card into the phone in which they had the last one.
        let own = matches!(habit, Habit::Phone | Habit::Second) && rng.chance(0.35);
        Active {
            card,
            // Room for the phones that follow.
            device: mix(if own { person.n() } else { card.n() ^ mix(person.n()) }) >> 32 << 4,
            pace: pace as u16,
            place: place as u16,
            day: day as i32,
            until: (day + days) as i32,
            habit,
        }
    }
}

/// Days a ring keeps a card in the bank.
fn nurture(sim: &Sim) -> i64 {
    let most = sim.world.ring.iter().map(|r| r.nurture_days).max().unwrap_or(0);
    most.min(sim.volume.usage_days * 3)
}

/// Writes one day's use of all cards recorded on it.
pub fn day(sim: &mut Sim, day: i64, rng: &mut Rng) -> Result<(), SimError> {
    let nurture = nurture(sim);
    let mut active = std::mem::take(&mut sim.active);
    active.retain(|a| day < i64::from(a.until));
    for a in &active {
        let card = habit::Card {
            key: a.card.n(),
            device: a.device,
            pace: f64::from(a.pace) / 10.0,
            age: day - i64::from(a.day),
            day,
            nurture,
        };
        for row in habit::day(a.habit, &card, rng) {
            write(sim, a.card, usize::from(a.place), day, &row);
        }
    }
    sim.active = active;
    Ok(())
}

/// A cell of a county, or of a site that is one whatever the county.
fn cell(place: u64, n: u64) -> String {
    let site = if n >= 900_000 { n } else { place << 20 | n };
    format!("460-00-{}-{}", 20_000 + mix(site / 64) % 40_000, 10_000 + mix(site) % 250_000)
}

fn region(sim: &Sim, place: usize, at: Where) -> String {
    let places = sim.world.place.len();
    let own = &sim.people.homes[place].region;
    match at {
        Where::Step(0) => own.clone(),
        Where::Step(n) => sim.people.homes[(place + n) % places].region.clone(),
        Where::Far(code) if suyuan_model::region::known(code, 2020) => code.to_owned(),
        Where::Far(_) => habit::FAR[0].to_owned(),
        Where::Capital => {
            let code = format!("{}0108", &own[..2]);
            if suyuan_model::region::known(&code, 2020) { code } else { sim.people.homes[0].region.clone() }
        }
    }
}

fn write(sim: &mut Sim, card: Card, place: usize, day: i64, d: &habit::Day) {
    let imei = match d.imei {
        Imei::Phone(n) => sim.people.imei(n),
        Imei::Modem(bank, n) => sim.people.modem(bank, n),
    };
    if matches!(d.imei, Imei::Phone(n) if n & SHOP != 0 && n < SHOP << 1) {
        sim.truth.lookalike("repair_shop_imei", &imei);
    }
    let (first, main) = (region(sim, place, d.first), region(sim, place, d.main));
    let county: u64 = main.parse().unwrap_or(0);
    sim.out.put(
        midnight(day) + 23 * HOUR,
        &source::USAGE,
        &rows::Usage {
            card: (&card.iccid()).into(),
            day: Val::Day(day),
            imei: (&imei).into(),
            calls_out: d.out.into(),
            calls_in: d.inn.into(),
            calls_short: d.short.min(d.out + d.inn).into(),
            peers: d.peers.min(d.out + d.inn).into(),
            peers_new: d.fresh.min(d.out + d.inn).into(),
            sms_out: d.sms_out.into(),
            sms_in: d.sms_in.max(d.otp).into(),
            otp_senders: d.otp.into(),
            data_mb: d.mb.into(),
            first_region6: (&first).into(),
            main_region6: (&main).into(),
            main_cell: (&cell(county, d.cell)).into(),
            plmn: if d.abroad { "41401" } else { "46000" }.into(),
        },
    );
}

/// The use of a card in the days before a fraud is reported: many calls out to strangers, far away.
pub fn write_fraud_use(sim: &mut Sim, o: &Opened, reported: i64, rng: &mut Rng) {
    let far = *rng.pick(&["533102", "450681", "350524", "533401", "441900"]);
    let last = time::china_day(reported) - rng.range(0, 2);
    let (box_, site) = (rng.below(40), rng.below(9));
    for day in last - rng.range(1, 3)..=last {
        if day <= time::china_day(o.ts)
            || day < sim.start
            || midnight(day) < o.ts - DAY
            || day < sim.out.today()
        {
            continue;
        }
        let out = rng.range(60, 180);
        let row = habit::Day {
            imei: Imei::Modem(5, box_),
            out,
            inn: rng.range(0, 4),
            short: out / 3,
            peers: out - rng.range(0, 10),
            fresh: 0,
            sms_out: rng.range(0, 5),
            sms_in: rng.range(0, 3),
            otp: 0,
            mb: rng.range(0, 30),
            first: Where::Far(far),
            main: Where::Far(far),
            cell: 996_000 + site,
            abroad: rng.chance(0.15),
        };
        write(sim, o.card, 0, day, &row);
    }
}
