//! Daily use of newly opened cards, for a limited number of days.

use suyuan_model::time::{self, DAY, HOUR};

use crate::error::SimError;
use crate::org::midnight;
use crate::out::source;
use crate::people::PersonId;
use crate::rng::{Rng, mix};
use crate::rows::{self, Val};
use crate::sim::{Opened, Pattern, Sim};
use crate::stock::Card;

/// Cards of one SIM bank's slot group share a device.
const CARDS_PER_MODEM: u32 = 12;

/// A card whose use is recorded.
pub struct Active {
    card: Card,
    device: u64,
    /// Calls a day, tenths.
    pace: u16,
    place: u16,
    /// Elsewhere (moved, travels): place of main use.
    elsewhere: u16,
    day: i32,
    pattern: Pattern,
}

impl Active {
    /// A card opened on that day.
    pub fn new(
        card: Card,
        person: PersonId,
        place: usize,
        day: i64,
        pattern: Pattern,
        rng: &mut Rng,
    ) -> Active {
        let device = match pattern {
            Pattern::Nurtured(slot) => (1 << 40) | u64::from(slot / CARDS_PER_MODEM),
            _ => mix(card.n() ^ person.n()) >> 20,
        };
        Active {
            card,
            device,
            pace: rng.range(5, 70) as u16,
            place: place as u16,
            elsewhere: if rng.chance(0.06) { 1 + rng.below(8) as u16 } else { 0 },
            day: day as i32,
            pattern,
        }
    }
}

/// Writes one day's use of all cards in their first days.
pub fn day(sim: &mut Sim, day: i64, rng: &mut Rng) -> Result<(), SimError> {
    let days = sim.volume.usage_days;
    let nurture = sim.world.ring.iter().map(|r| r.nurture_days).max().unwrap_or(0);
    let mut active = std::mem::take(&mut sim.active);
    active.retain(|a| {
        let last = if matches!(a.pattern, Pattern::Nurtured(_)) { nurture.min(days * 3) } else { days };
        day - i64::from(a.day) < last
    });
    for a in &active {
        match a.pattern {
            Pattern::Plain if rng.chance(0.85) => plain(sim, a, day, rng),
            Pattern::Nurtured(_) if day > i64::from(a.day) && rng.chance(0.7) => nurtured(sim, a, day, rng),
            Pattern::Minimal if rng.chance(0.2) => minimal(sim, a, day, rng),
            _ => {}
        }
    }
    sim.active = active;
    Ok(())
}

fn cell(place: u64, n: u64) -> String {
    format!("460-00-{}-{}", 20_000 + place * 37 % 9_000, 10_000 + mix(n ^ place << 20) % 40)
}

fn plain(sim: &mut Sim, a: &Active, day: i64, rng: &mut Rng) {
    let moved = a.elsewhere > 0 && day - i64::from(a.day) >= i64::from(a.elsewhere);
    let place = if moved {
        (usize::from(a.place) + usize::from(a.elsewhere)) % sim.world.place.len()
    } else {
        usize::from(a.place)
    };
    let region = &sim.people.homes[place].region;
    let out = rng.poisson(f64::from(a.pace) / 10.0) as i64;
    let calls_in = rng.poisson(f64::from(a.pace) / 9.0) as i64;
    let peers = (out + calls_in).min(1 + (out + calls_in) * rng.range(4, 8) / 10);
    sim.out.put(
        midnight(day) + 23 * HOUR,
        &source::USAGE,
        &rows::Usage {
            card: (&a.card.iccid()).into(),
            day: Val::Day(day),
            imei: (&sim.people.imei(a.device)).into(),
            calls_out: out.into(),
            calls_in: calls_in.into(),
            calls_short: (rng.below(out as u64 + 1) as i64 / 4).into(),
            peers: peers.into(),
            peers_new: i64::from(peers > 0 && rng.chance(0.06)).into(),
            sms_out: (rng.poisson(0.4) as i64).into(),
            sms_in: (rng.poisson(3.5) as i64).into(),
            otp_senders: (rng.poisson(0.5) as i64).into(),
            data_mb: ((rng.log_normal(0.9) * 320.0) as i64).into(),
            first_region6: region.into(),
            main_region6: region.into(),
            main_cell: (&cell(place as u64, a.card.n() % 60)).into(),
            plmn: "46000".into(),
        },
    );
}

fn nurtured(sim: &mut Sim, a: &Active, day: i64, rng: &mut Rng) {
    let Pattern::Nurtured(slot) = a.pattern else { return };
    // The SIM bank stands with the buyer in the province's capital.
    let region = format!("{}0108", &sim.people.homes[usize::from(a.place)].region[..2]);
    let region =
        if suyuan_model::region::known(&region, 2020) { region } else { sim.people.homes[0].region.clone() };
    let out = rng.range(2, 6);
    sim.out.put(
        midnight(day) + 23 * HOUR,
        &source::USAGE,
        &rows::Usage {
            card: (&a.card.iccid()).into(),
            day: Val::Day(day),
            imei: (&sim.people.imei(a.device)).into(),
            calls_out: out.into(),
            calls_in: rng.range(1, 5).into(),
            calls_short: (out - i64::from(rng.chance(0.3))).into(),
            peers: rng.range(2, 4).into(),
            peers_new: rng.range(2, 3).into(),
            sms_out: 0.into(),
            sms_in: rng.range(0, 2).into(),
            otp_senders: i64::from(rng.chance(0.2)).into(),
            data_mb: 5.into(),
            first_region6: (&region).into(),
            main_region6: (&region).into(),
            main_cell: (&cell(9_999, u64::from(slot / 120))).into(),
            plmn: "46000".into(),
        },
    );
}

fn minimal(sim: &mut Sim, a: &Active, day: i64, rng: &mut Rng) {
    let region = &sim.people.homes[usize::from(a.place)].region;
    sim.out.put(
        midnight(day) + 23 * HOUR,
        &source::USAGE,
        &rows::Usage {
            card: (&a.card.iccid()).into(),
            day: Val::Day(day),
            imei: (&sim.people.imei((1 << 41) | (a.device % 5))).into(),
            calls_out: 1.into(),
            calls_in: 0.into(),
            calls_short: 1.into(),
            peers: 1.into(),
            peers_new: 1.into(),
            sms_out: 0.into(),
            sms_in: 1.into(),
            otp_senders: 0.into(),
            data_mb: rng.range(0, 1).into(),
            first_region6: region.into(),
            main_region6: region.into(),
            main_cell: (&cell(u64::from(a.place), 7)).into(),
            plmn: "46000".into(),
        },
    );
}

/// The use of a card in the days before a fraud is reported: many calls out to strangers, far away.
pub fn write_fraud_use(sim: &mut Sim, o: &Opened, reported: i64, rng: &mut Rng) {
    const FAR: [&str; 6] = ["533102", "450681", "350524", "460400", "533401", "441900"];
    let far = rng.pick(&FAR);
    let far = if suyuan_model::region::known(far, 2020) { far } else { FAR[0] };
    let last = time::china_day(reported) - rng.range(0, 2);
    for day in last - rng.range(1, 3)..=last {
        if day <= time::china_day(o.ts) || day < sim.start || midnight(day) < o.ts - DAY {
            continue;
        }
        if day < sim.out.today() {
            continue;
        }
        let out = rng.range(60, 180);
        sim.out.put(
            midnight(day) + 23 * HOUR + 30,
            &source::USAGE,
            &rows::Usage {
                card: (&o.card.iccid()).into(),
                day: Val::Day(day),
                imei: (&sim.people.imei((1 << 42) | rng.below(40))).into(),
                calls_out: out.into(),
                calls_in: rng.range(0, 4).into(),
                calls_short: (out / 3).into(),
                peers: (out - rng.range(0, 10)).into(),
                peers_new: 0.into(),
                sms_out: rng.range(0, 5).into(),
                sms_in: rng.range(0, 3).into(),
                otp_senders: 0.into(),
                data_mb: rng.range(0, 30).into(),
                first_region6: far.into(),
                main_region6: far.into(),
                main_cell: (&cell(8_000, rng.below(9))).into(),
                plmn: if rng.chance(0.15) { "41401" } else { "46000" }.into(),
            },
        );
    }
}
