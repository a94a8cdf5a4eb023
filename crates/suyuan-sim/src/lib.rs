//! Made-up worlds with known culprits.
//!
//! A world is a TOML file ([`World`]); with a size and a seed it becomes a folder of native files, one per
//! record kind, as a carrier's systems would export them, and beside it the truth in a folder that no
//! part of the product opens. Same world, size and seed: the same bytes, on any machine.
//!
//! What a world holds beside its rings and leakers: shifts, logins, visits and calls with the look-ups
//! they explain, openings with the captures before them, custody of blank cards, use, commissions,
//! complaints, background fraud, and honest things that look like schemes.
//!
//! Invariants: every row is valid for its kind; every file is in time order; no row lies behind the
//! world's last day; memory holds a day and what is planned, never the world.
//! Blind to: everything its author did not think of. A detector that does well here has passed a test,
//! not an audit.

mod backroom;
mod check;
mod company;
mod counter;
mod customers;
mod day;
mod error;
mod exhibit;
mod habit;
mod harm;
mod leak;
mod lookalike;
mod org;
mod out;
mod outcome;
mod pace;
mod people;
mod ring;
mod rng;
mod roster;
mod rows;
mod scheme;
mod sim;
mod stock;
mod truth;
mod usage;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::SimError;
use rng::Rng;
use sim::Sim;
pub use truth::{GroupTruth, LeakerTruth, PartyTruth, RingTruth, Truth};
pub use world::{
    Background, Code, Company, Leaker, LeakerKind, Lookalikes, Party, PartyRole, Place, Ring, RingKind,
    Scheme, Seller, Size, Volume, Wave, World,
};

/// How far the making of a world is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Days done.
    pub day: i64,
    /// Days in all.
    pub days: i64,
    /// Rows written.
    pub rows: u64,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Rows by record kind.
    pub rows: BTreeMap<&'static str, u64>,
    /// Days.
    pub days: i64,
    /// The truth, as written.
    pub truth: Truth,
}

impl Summary {
    /// Rows of all kinds.
    pub fn total(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// Makes a world: the records into `out`, the truth into `truth`, which must lie apart.
///
/// Files of the same names are written over; other files in the folders stay. Errors: a size the world
/// does not have, a ring without an outlet, or a folder that cannot be written.
pub fn generate(
    world: &World,
    size: Size,
    seed: u64,
    out: &Path,
    truth: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, SimError> {
    let whole = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
    if whole(truth).starts_with(whole(out)) {
        return Err(SimError::TruthInside(truth.to_owned()));
    }
    let mut sim = Sim::new(world, size, seed, out)?;
    company::plan_all(&mut sim);
    ring::plan_all(&mut sim)?;
    let mut leaks = leak::plan_all(&mut sim);
    let mut groups = scheme::plan_all(&mut sim)?;
    let days = sim.volume.days;
    for day in sim.start..sim.end {
        sim.out.begin_day(day)?;
        one_day(&mut sim, &mut leaks, &mut groups, day)?;
        sim.out.end_day()?;
        progress(Progress { day: day - sim.start + 1, days, rows: sim.out.rows() });
    }
    leak::finish(&mut sim, leaks);
    scheme::finish(&mut sim, groups);
    let Sim { out, truth: mut found, .. } = sim;
    found.rows = out.finish()?;
    found.write(truth)?;
    Ok(Summary { rows: found.rows.clone(), days, truth: found })
}

fn one_day(
    sim: &mut Sim,
    leaks: &mut [leak::Leak],
    groups: &mut [scheme::Group],
    day: i64,
) -> Result<(), SimError> {
    let seed = sim.seed;
    let stream = |name: &str| Rng::stream(seed, name, day as u64);
    let (mut work, mut desk, mut counter) = (stream("shifts"), stream("services"), stream("openings"));
    let (mut odd, mut use_, mut harm) = (stream("lookalikes"), stream("usage"), stream("harm"));
    let shifts = day::shifts(sim, day, &mut work);
    day::services(sim, day, &shifts, &mut desk);
    counter::openings(sim, day, &shifts, &mut counter);
    lookalike::day(sim, day, &shifts, &mut odd);
    customers::day(sim, day, &shifts, &mut stream("customers"));
    backroom::day(sim, day, &shifts, &mut stream("backroom"));
    leak::day(sim, leaks, day, &shifts);
    scheme::day(sim, groups, day, &shifts);
    for opened in sim.planned.remove(&day).unwrap_or_default() {
        sim.register(&opened, &mut use_);
    }
    harm::victims(sim, day, &mut harm);
    harm::commissions(sim, day);
    usage::day(sim, day, &mut use_)
}
