//! A town of people served at outlets: staff, supervisors who approve, central desks that see many;
//! some staff leak what they look up in a window of days.
//!
//! Nothing here is of the model's family on purpose alone: `outlet_sd` gives outlets a risk that is not
//! told, `waves` strike regions, `Delay` can be of another form than the model's.

use suyuan_trace::attribute::Clock;

use crate::dice::{Dice, Urn};
use crate::world::{Leak, Touch, Who, World};

/// How long from the look-up to the known fraud.
#[derive(Clone, Copy, PartialEq)]
pub enum Delay {
    /// Exponential, mean 60 days.
    Exponential,
    /// Log-normal, median 45 days.
    LogNormal,
    /// The whole loot is sold at one date after the window and used within weeks.
    Batch,
}

/// What a town is like.
#[derive(Clone, Copy)]
pub struct Town {
    /// People.
    pub persons: usize,
    /// Regions of ten outlets each.
    pub regions: usize,
    /// Share of people harmed without any leak.
    pub base: f64,
    /// Spread of the outlets' own risk, log units.
    pub outlet_sd: f64,
    /// Waves of fraud, each through one region for a month.
    pub waves: usize,
    /// Share of a region that a wave harms.
    pub wave_rate: f64,
    /// Leaking accounts.
    pub leaks: usize,
    /// Share of leaked records that become known fraud.
    pub known: f64,
    /// Days of a leak, least and most.
    pub days: (usize, usize),
    /// A leaking account touches at least so much a year.
    pub least: usize,
    /// From look-up to fraud.
    pub delay: Delay,
    /// So many of the leaking accounts have a partner who looks at nine of ten of the same records.
    pub pairs: usize,
    /// The leak runs through a terminal of its own under a lent login.
    pub lent: bool,
    /// So many outlets lose the list of their customers to somebody who is in no record, whoever serves there.
    pub lists: usize,
}

/// A town like those of the targets.
pub const TOWN: Town = Town {
    persons: 300_000,
    regions: 40,
    base: 0.003,
    outlet_sd: 0.0,
    waves: 0,
    wave_rate: 0.01,
    leaks: 20,
    known: 0.1,
    days: (14, 90),
    least: 250,
    delay: Delay::Exponential,
    pairs: 0,
    lent: false,
    lists: 0,
};

const YEAR: usize = 364;
/// Fraud is reported until this long after the last look-up.
const AFTER: usize = 90;
const OUTLETS: usize = 10;
const DESKS: usize = 20;
/// Share of a lent login's own touches at a second and third terminal.
const TERMINALS: [f64; 2] = [0.10, 0.03];

struct Staff {
    first: Vec<usize>,
    urns: Vec<Urn>,
    staff: usize,
}

/// Makes the town.
pub fn make(town: &Town, seed: u64) -> World {
    let mut d = Dice::new(seed);
    let outlets = town.regions * OUTLETS;
    let size: Vec<f64> = (0..outlets).map(|_| d.log_normal(1.0, 0.7)).collect();
    let mut s = Staff { first: vec![0], urns: Vec::new(), staff: 0 };
    for _ in 0..outlets {
        let n = d.between(4, 12);
        let busy: Vec<f64> = (0..n).map(|_| d.log_normal(1.0, 0.8)).collect();
        s.urns.push(Urn::new(&busy));
        s.staff += n;
        s.first.push(s.staff);
    }
    let mut who: Vec<Who> = (0..outlets)
        .flat_map(|o| (s.first[o]..s.first[o + 1]).map(move |_| o))
        .chain(0..outlets)
        .map(|o| Who { whole: None, outlet: Some(o as u32) })
        .collect();
    who.extend((0..DESKS).map(|_| Who { whole: None, outlet: None }));
    let homes = Urn::new(&size);
    let home: Vec<usize> = (0..town.persons).map(|_| homes.draw(&mut d)).collect();
    let active: Vec<f64> = (0..town.persons).map(|_| d.exponential(0.5) + d.exponential(0.5)).collect();
    let mut touches = visits(&mut d, &s, &home, &active, outlets);
    let horizon = (YEAR + AFTER) as f64;
    let mut harm = vec![f64::INFINITY; town.persons];
    let leaks = if town.lent {
        lent(&mut d, town, &mut touches, &mut who, &mut harm, &home)
    } else {
        leaks(&mut d, town, &mut touches, &who, &mut harm, s.staff)
    };
    honest(&mut d, town, &mut harm, &home, &active, outlets);
    lists(&mut d, town, &touches, &who[..s.staff], &mut harm, outlets);
    touches.sort_by_key(|t| t.thing);
    World {
        who,
        touches,
        region: home.iter().map(|o| (o / OUTLETS) as u32).collect(),
        outlets: (0..outlets).map(|o| (o / OUTLETS) as u32).collect(),
        harm,
        horizon,
        clock: Clock::Calendar,
        leaks,
    }
}

fn visits(d: &mut Dice, s: &Staff, home: &[usize], active: &[f64], outlets: usize) -> Vec<Touch> {
    let weights: Vec<f64> = (0..DESKS).map(|_| d.log_normal(1.0, 0.8)).collect();
    let desks = Urn::new(&weights);
    let mut out = Vec::with_capacity(home.len() * 10);
    for (person, (home, active)) in home.iter().zip(active).enumerate() {
        let usual = s.urns[*home].draw(d);
        let mut touch = |column: usize, day: usize| {
            out.push(Touch { thing: person as u32, column: column as u32, day: day as u16 });
        };
        for _ in 0..d.poisson(6.0 * active) {
            let u = d.unit();
            let outlet = match u {
                u if u > 0.95 => d.below(outlets),
                u if u > 0.80 => home / OUTLETS * OUTLETS + d.below(OUTLETS),
                _ => *home,
            };
            let day = d.below(YEAR);
            let clerk = if outlet == *home && d.chance(0.5) { usual } else { s.urns[outlet].draw(d) };
            touch(s.first[outlet] + clerk, day);
            if d.chance(0.3) {
                touch(s.staff + outlet, day);
            }
        }
        for _ in 0..d.poisson(2.0) {
            touch(s.staff + outlets + desks.draw(d), d.below(YEAR));
        }
    }
    out
}

/// Harms a person unless harmed earlier.
fn harm_at(harm: &mut [f64], person: usize, day: f64) {
    if day < (YEAR + AFTER) as f64 && day < harm[person] {
        harm[person] = day;
    }
}

fn after(d: &mut Dice, delay: Delay, sale: f64, touched: f64) -> f64 {
    let day = match delay {
        Delay::Exponential => touched + 1.0 + d.exponential(60.0),
        Delay::LogNormal => touched + 1.0 + d.log_normal(45.0, 0.9),
        Delay::Batch => (touched + 1.0).max(sale + d.exponential(20.0)),
    };
    day.floor()
}

fn leaks(
    d: &mut Dice,
    town: &Town,
    touches: &mut Vec<Touch>,
    who: &[Who],
    harm: &mut [f64],
    staff: usize,
) -> Vec<Leak> {
    let mut count = vec![0; who.len()];
    touches.iter().for_each(|t| count[t.column as usize] += 1);
    let mut of = vec![usize::MAX; who.len()];
    let mut leaks: Vec<Leak> = Vec::new();
    while leaks.len() < town.leaks {
        let c = d.below(staff);
        if count[c] < town.least || of[c] != usize::MAX {
            continue;
        }
        of[c] = leaks.len();
        let length = d.between(town.days.0, town.days.1);
        let start = d.between(0, YEAR - length);
        let window = (start as f64, (start + length) as f64);
        leaks.push(Leak { accounts: vec![c as u32], terminal: None, window, harmed: 0 });
    }
    let mut loot: Vec<Vec<(u32, u16)>> = vec![Vec::new(); leaks.len()];
    for t in touches.iter() {
        if let Some(l) = leaks.get(of[t.column as usize])
            && (l.window.0..l.window.1).contains(&f64::from(t.day))
        {
            loot[of[t.column as usize]].push((t.thing, t.day));
        }
    }
    for (leak, loot) in leaks.iter_mut().zip(&mut loot) {
        loot.sort_unstable();
        let sale = leak.window.1 + d.exponential(20.0);
        let mut last = u32::MAX;
        for (person, day) in loot.iter() {
            if *person != last && d.chance(town.known) {
                let day = after(d, town.delay, sale, f64::from(*day));
                leak.harmed += u32::from(day < (YEAR + AFTER) as f64);
                harm_at(harm, *person as usize, day);
            }
            last = *person;
        }
    }
    partners(d, town.pairs, &mut leaks, &loot, touches, who);
    leaks
}

/// A colleague of the same outlet looks at nine of ten of the records that leak.
fn partners(
    d: &mut Dice,
    pairs: usize,
    leaks: &mut [Leak],
    loot: &[Vec<(u32, u16)>],
    touches: &mut Vec<Touch>,
    who: &[Who],
) {
    let mut taken: Vec<u32> = leaks.iter().map(|l| l.accounts[0]).collect();
    for (leak, loot) in leaks.iter_mut().zip(loot).take(pairs) {
        let outlet = who[leak.accounts[0] as usize].outlet;
        // The supervisor comes after all staff, so the last of the outlet is not a clerk.
        let mut beside: Vec<u32> =
            (0..who.len() as u32).filter(|c| who[*c as usize].outlet == outlet).collect();
        beside.pop();
        beside.retain(|c| !taken.contains(c));
        let Some(b) = (!beside.is_empty()).then(|| beside[d.below(beside.len())]) else { continue };
        taken.push(b);
        leak.accounts.push(b);
        for (thing, day) in loot {
            if d.chance(0.9) {
                touches.push(Touch { thing: *thing, column: b, day: *day });
            }
        }
    }
}

/// Each account's touches fall on three terminals; under a lent login a fourth looks up strangers.
fn lent(
    d: &mut Dice,
    town: &Town,
    touches: &mut Vec<Touch>,
    who: &mut Vec<Who>,
    harm: &mut [f64],
    home: &[usize],
) -> Vec<Leak> {
    let accounts = who.len();
    let mut count = vec![[0u32; 4]; accounts];
    let mut at: Vec<(Touch, usize)> = touches
        .iter()
        .map(|t| (*t, usize::from(d.chance(TERMINALS[0])) + usize::from(d.chance(TERMINALS[1]))))
        .collect();
    at.iter().for_each(|(t, k)| count[t.column as usize][*k] += 1);
    let mut leaks = Vec::new();
    while leaks.len() < town.leaks {
        let c = d.below(accounts - DESKS - town.regions * OUTLETS);
        let Some(outlet) = who[c].outlet else { continue };
        if count[c].iter().sum::<u32>() < 400 || count[c][3] > 0 {
            continue;
        }
        let (n, length) = (d.between(60, 200), d.between(10, 45));
        let start = d.between(0, YEAR - length);
        let region = outlet as usize / OUTLETS;
        let near: Vec<usize> = (0..home.len()).filter(|p| home[*p] / OUTLETS == region).collect();
        let mut harmed = 0;
        for _ in 0..n {
            let person = near[d.below(near.len())];
            let day = start + d.below(length);
            at.push((Touch { thing: person as u32, column: c as u32, day: day as u16 }, 3));
            if d.chance(0.12) {
                let day = after(d, town.delay, 0.0, day as f64);
                harmed += u32::from(day < (YEAR + AFTER) as f64);
                harm_at(harm, person, day);
            }
        }
        count[c][3] = n as u32;
        let window = (start as f64, (start + length) as f64);
        leaks.push(Leak { accounts: vec![c as u32], terminal: None, window, harmed });
    }
    // A terminal that carries nearly all of an account, or almost nothing, is no column of its own.
    let mut part = vec![[u32::MAX; 4]; accounts];
    for c in 0..accounts {
        let all: u32 = count[c].iter().sum();
        for k in 0..4 {
            if count[c][k] >= 25 && count[c][k] * 20 < all * 19 {
                part[c][k] = who.len() as u32;
                who.push(Who { whole: Some(c as u32), outlet: who[c].outlet });
            }
        }
    }
    for l in &mut leaks {
        l.terminal = Some(part[l.accounts[0] as usize][3]);
    }
    *touches = at
        .iter()
        .flat_map(|(t, k)| {
            let part = part[t.column as usize][*k];
            [Some(*t), (part != u32::MAX).then_some(Touch { column: part, ..*t })]
        })
        .flatten()
        .collect();
    leaks
}

/// Harm from lists of customers: who was served at the outlet while its list was read, by whomever of its staff.
fn lists(d: &mut Dice, town: &Town, touches: &[Touch], staff: &[Who], harm: &mut [f64], outlets: usize) {
    let mut read: Vec<Option<(usize, usize)>> = vec![None; outlets];
    for _ in 0..town.lists {
        let length = d.between(60, YEAR);
        let start = d.between(0, YEAR - length);
        read[d.below(outlets)] = Some((start, start + length));
    }
    for t in touches {
        let outlet = staff.get(t.column as usize).and_then(|w| w.outlet);
        let window = outlet.and_then(|o| read[o as usize]);
        if window.is_some_and(|(from, until)| (from..until).contains(&usize::from(t.day)))
            && d.chance(town.known)
        {
            let day = after(d, town.delay, 0.0, f64::from(t.day));
            harm_at(harm, t.thing as usize, day);
        }
    }
}

/// Harm that nobody leaked: by region, outlet and how active the person is, and in waves.
fn honest(d: &mut Dice, town: &Town, harm: &mut [f64], home: &[usize], active: &[f64], outlets: usize) {
    let region: Vec<f64> = (0..town.regions).map(|_| d.log_normal(1.0, 0.5)).collect();
    let outlet: Vec<f64> = (0..outlets).map(|_| d.log_normal(1.0, town.outlet_sd)).collect();
    for (person, (o, active)) in home.iter().zip(active).enumerate() {
        let risk = town.base * region[o / OUTLETS] * outlet[*o] * (1.0 + 0.5 * (active - 1.0));
        if d.chance(risk) {
            harm_at(harm, person, d.below(YEAR + AFTER) as f64);
        }
    }
    for _ in 0..town.waves {
        let (r, start) = (d.below(town.regions), d.below(YEAR + AFTER - 30));
        for (person, o) in home.iter().enumerate() {
            if o / OUTLETS == r && harm[person].is_infinite() && d.chance(town.wave_rate) {
                harm_at(harm, person, (start + d.below(30)) as f64);
            }
        }
    }
}
