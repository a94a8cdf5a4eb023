//! Made-up worlds for the attribution, its peers on the same counts, and the scores of both.
//!
//! `attribution SCENARIO SEED...`: one JSON object a world on standard output. `attribution names`: the scenarios.
//! `attribution write DIR SCENARIO SEED` leaves a world in a folder, `attribution read DIR...` takes worlds from
//! folders, whoever made them. `cargo xtask eval trace` runs it and writes the tables.

mod cards;
mod desks;
mod dice;
mod folder;
mod peers;
mod people;
mod scores;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use desks::Hall;
use people::{Delay, TOWN, Town};
use suyuan_trace::attribute::{Scored, Settings, Visit, attribute, beside};
use world::World;

enum Scenario {
    Town(Town),
    Cards(usize),
    Campaigns(usize),
    Desks(Hall),
}

/// Large accounts that leak for months, as in the protocol of BreachRadar's authors.
const LARGE: Town = Town { least: 1200, days: (45, 90), ..TOWN };
/// As many look-ups as people, twenty of whom leak.
const HALL: Hall = Hall { touches: 10_000_000, persons: 10_000_000, leaks: 20 };
/// No leak at all.
const NOBODY: Town = Town { leaks: 0, ..TOWN };

fn scenarios() -> Vec<(&'static str, Scenario)> {
    use Scenario::{Campaigns, Cards, Desks, Town as Of};
    vec![
        ("large-02", Of(Town { known: 0.02, ..LARGE })),
        ("large-05", Of(Town { known: 0.05, ..LARGE })),
        ("large-10", Of(LARGE)),
        ("small-05", Of(Town { known: 0.05, ..TOWN })),
        ("small-10", Of(TOWN)),
        ("outlets", Of(Town { outlet_sd: 0.7, ..TOWN })),
        ("waves", Of(Town { waves: 20, ..TOWN })),
        ("batch", Of(Town { delay: Delay::Batch, ..TOWN })),
        ("log-normal", Of(Town { delay: Delay::LogNormal, ..TOWN })),
        ("pairs", Of(Town { known: 0.15, leaks: 16, pairs: 8, least: 700, days: (30, 90), ..TOWN })),
        ("lent", Of(Town { leaks: 16, lent: true, ..TOWN })),
        ("cards", Cards(12)),
        ("campaigns", Campaigns(12)),
        ("hall", Desks(HALL)),
        ("busy-hall", Desks(Hall { persons: 1_000_000, ..HALL })),
        ("null-plain", Of(NOBODY)),
        ("null-outlets", Of(Town { outlet_sd: 1.2, ..NOBODY })),
        ("null-waves", Of(Town { waves: 20, ..NOBODY })),
        ("null-both", Of(Town { outlet_sd: 1.2, waves: 20, base: 0.005, ..NOBODY })),
        (
            "null-town",
            Of(Town { persons: 60_000, regions: 8, outlet_sd: 1.2, waves: 20, base: 0.005, ..NOBODY }),
        ),
        ("null-lists", Of(Town { persons: 60_000, regions: 8, lists: 3, ..NOBODY })),
        ("null-cards", Cards(0)),
        ("null-campaigns", Campaigns(0)),
        ("null-hall", Desks(Hall { leaks: 0, ..HALL })),
    ]
}

/// Processor seconds of this thread so far; wall time where the system does not tell.
fn seconds(start: std::time::Instant) -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|s| s.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Accounts that looked at the same records as a listed one while it leaked.
fn partners(w: &World, found: &[Scored]) -> BTreeSet<u32> {
    let mut out = BTreeSet::new();
    for s in found.iter().filter(|s| s.listed && w.who[s.column as usize].whole.is_none()) {
        let mut mine = vec![false; w.harm.len()];
        w.touches.iter().filter(|t| t.column == s.column).for_each(|t| mine[t.thing as usize] = true);
        let accounts = |t: &&world::Touch| mine[t.thing as usize] && w.who[t.column as usize].whole.is_none();
        let visit = |t: &world::Touch| Visit { thing: t.thing, day: i64::from(t.day), column: t.column };
        let mut visits: Vec<Visit> = w.touches.iter().filter(accounts).map(visit).collect();
        visits.sort_unstable();
        let window = s.window.unwrap_or((0.0, 0.0));
        out.extend(beside(s.column, window, &visits, &|_| (0, i64::MAX - 1)).iter().map(|p| p.column));
    }
    out
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().ok_or("which scenario?")?;
    let all = scenarios();
    if name == "names" {
        all.iter().for_each(|s| println!("{}", s.0));
        return Ok(());
    }
    if name == "read" {
        for dir in args {
            let mut line = judged(&folder::read(dir.as_ref())?);
            line["folder"] = dir.into();
            println!("{line}");
        }
        return Ok(());
    }
    let dir = if name == "write" { args.next() } else { None };
    let name = if dir.is_some() { args.next().ok_or("which scenario?")? } else { name };
    let scenario = all.iter().find(|s| s.0 == name).ok_or("no such scenario")?;
    for seed in args {
        let seed: u64 = seed.parse()?;
        let w: World = match &scenario.1 {
            Scenario::Town(t) => people::make(t, seed),
            Scenario::Cards(batches) => cards::make(*batches, false, seed),
            Scenario::Campaigns(batches) => cards::make(*batches, true, seed),
            Scenario::Desks(hall) => desks::make(hall, seed),
        };
        if let Some(dir) = &dir {
            folder::write(dir.as_ref(), &w)?;
            continue;
        }
        let mut line = judged(&w);
        line["scenario"] = name.clone().into();
        line["seed"] = seed.into();
        println!("{line}");
    }
    Ok(())
}

/// Asks the model and its peers, and scores them.
fn judged(w: &World) -> serde_json::Value {
    let p = w.problem();
    let start = std::time::Instant::now();
    let before = seconds(start);
    let found = attribute(&p, &Settings::default(), &BTreeMap::new()).columns;
    let spent = seconds(start) - before;
    let others = if w.leaks.is_empty() {
        Vec::new()
    } else {
        peers::all(&p, &|score| scores::average_precision(w, score))
    };
    scores::report(w, &found, &others, &partners(w, &found), spent)
}
