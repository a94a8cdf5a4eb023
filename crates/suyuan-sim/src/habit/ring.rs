//! What rings do with their cards: nurture, pool, dial, carry away, farm.

use super::{Card, Day, FAR, Imei, Where, part, person, some, still};
use crate::rng::{Rng, mix};

/// Cards of one SIM bank's slot group share a device.
const CARDS_PER_MODEM: u32 = 12;
/// Border counties that cards are carried to.
const BORDER: [&str; 3] = ["533102", "450681", "532822"];
/// Phones of those who open for the commission.
const MINIMAL: u64 = 1 << 41;

pub(super) fn nurtured(c: &Card, slot: u32, rng: &mut Rng) -> Vec<Day> {
    let group = u64::from(slot / CARDS_PER_MODEM);
    let h = mix(group ^ 77);
    if c.age > c.nurture {
        // Half of the groups are seen at work afterwards, all cards of a group on the same days.
        let begin = c.nurture + 2 + (h % 18) as i64;
        let works = (h >> 8).is_multiple_of(2) && (begin..begin + 2 + (h >> 16) as i64 % 2).contains(&c.age);
        return if works { vec![dialling(c, Imei::Modem(1, group), h, rng)] } else { Vec::new() };
    }
    if c.age == 0 || !rng.chance(0.7) {
        return Vec::new();
    }
    let out = rng.range(2, 6);
    vec![Day {
        imei: Imei::Modem(1, group),
        out,
        inn: rng.range(1, 5),
        short: out - i64::from(rng.chance(0.3)),
        peers: rng.range(2, 4),
        fresh: rng.range(2, 3),
        sms_in: rng.range(0, 2),
        otp: i64::from(rng.chance(0.2)),
        first: Where::Capital,
        main: Where::Capital,
        cell: 940_000 + group / 10,
        ..still(c, 5 + i64::from(rng.chance(0.1)), rng)
    }]
}

/// Many calls to strangers from one far cell.
fn dialling(c: &Card, imei: Imei, h: u64, rng: &mut Rng) -> Day {
    let out = rng.range(60, 160);
    let at = Where::Far(FAR[(h >> 20) as usize % FAR.len()]);
    Day {
        imei,
        out,
        inn: rng.range(0, 4),
        short: part(rng, out, 25, 45),
        peers: out - rng.range(0, 9),
        first: at,
        main: at,
        cell: 950_000 + h % 9_000,
        ..still(c, rng.range(0, 20), rng)
    }
}

pub(super) fn minimal(c: &Card, rng: &mut Rng) -> Day {
    let phone = Imei::Phone(MINIMAL | (c.device % 5));
    Day {
        imei: phone,
        out: 1,
        short: 1,
        peers: 1,
        fresh: 1,
        sms_in: 1,
        otp: 0,
        cell: 7,
        ..still(c, rng.range(0, 1), rng)
    }
}

pub(super) fn blank(c: &Card, ring: u32, rng: &mut Rng) -> Day {
    let (out, inn) = (rng.range(2, 7), rng.range(1, 5));
    Day {
        out,
        inn,
        short: (out + inn - rng.range(0, 2)).max(0),
        peers: 3,
        fresh: rng.range(2, 3),
        cell: c.hash(11) % 6 + 960_000 + u64::from(ring) * 8,
        ..still(c, 3, rng)
    }
}

pub(super) fn swapper(c: &Card, rng: &mut Rng) -> Day {
    let device = c.device + c.age as u64 / 2 % 6 + u64::from(rng.chance(0.3));
    Day { imei: Imei::Phone(device), ..person(c, c.pace, rng) }
}

pub(super) fn sleeper(c: &Card, rng: &mut Rng) -> Vec<Day> {
    let burst = 33 + (c.hash(8) % 14) as i64;
    match c.age {
        0..2 => vec![Day { out: 1, inn: 0, peers: 1, ..still(c, 1, rng) }],
        age if (burst..burst + 3).contains(&age) => {
            let here = Where::Step(0);
            vec![Day { first: here, main: here, ..dialling(c, Imei::Phone(c.device), c.hash(9), rng) }]
        }
        _ => Vec::new(),
    }
}

pub(super) fn pooled(c: &Card, slot: u32, rng: &mut Rng) -> Day {
    let group = u64::from(slot / 8);
    let (out, inn) = (rng.range(3, 12), rng.range(0, 4));
    Day {
        // A slot group wanders over the modems of its bank from day to day.
        imei: Imei::Modem(2, group * 4 + (u64::from(slot) + c.day as u64) % 2),
        out,
        inn,
        short: part(rng, out, 20, 60),
        peers: part(rng, out, 50, 90) + 1,
        fresh: rng.range(0, 2),
        cell: 970_000 + group / 4,
        ..still(c, rng.range(2, 9), rng)
    }
}

pub(super) fn gateway(c: &Card, slot: u32, rng: &mut Rng) -> Vec<Day> {
    let bank = u64::from(slot / 16);
    // The whole box is switched on and off together.
    if mix(bank ^ mix(c.day as u64)).is_multiple_of(4) {
        return Vec::new();
    }
    let here = Where::Step(0);
    let d = dialling(c, Imei::Modem(3, u64::from(slot)), bank, rng);
    vec![Day { first: here, main: here, cell: 980_000 + bank, ..d }]
}

pub(super) fn exported(c: &Card, lot: u32, rng: &mut Rng) -> Vec<Day> {
    if c.age < 2 + (mix(u64::from(lot)) % 4) as i64 {
        return Vec::new();
    }
    let at = Where::Far(BORDER[lot as usize % BORDER.len()]);
    some(rng, 0.7, |rng| Day {
        first: at,
        main: at,
        cell: 990_000 + u64::from(lot),
        abroad: rng.chance(0.6),
        ..dialling(c, Imei::Phone(c.device), u64::from(lot), rng)
    })
}

pub(super) fn code_farm(c: &Card, slot: u32, rng: &mut Rng) -> Day {
    let otp = rng.range(20, 46);
    let imei = Imei::Modem(4, u64::from(slot / 16));
    Day { imei, otp, sms_in: otp + rng.range(0, 6), cell: 995_000 + u64::from(slot / 64), ..still(c, 0, rng) }
}

pub(super) fn signed(c: &Card, rng: &mut Rng) -> Day {
    let d = person(c, c.pace, rng);
    let otp = if c.age == 0 { rng.range(4, 8) } else { d.otp };
    Day { otp, sms_in: d.sms_in.max(otp + 1), ..d }
}
