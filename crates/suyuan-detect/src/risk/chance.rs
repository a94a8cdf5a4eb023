//! How many entities chance alone would bring as far, whichever families that takes: the findings of each family dealt out anew.
//!
//! The more entities there are, the longer the records run and the more families of records there are, the more entities
//! show two rare things by accident. So for each kind of entity the strongest weight that each family gave to each of them,
//! before decay, is kept. How far one entity comes is a product: for each family that stands, the share of the entities it
//! compares that got at least as much. Then each family's weights are dealt out at random among the entities that it
//! compares, whatever the other families gave them, and all ways to deal are counted (exactly, family by family): the
//! expected number of entities with enough families, in whatever combination, and a product at most as large.
//!
//! So the number is of all combinations together, and of all who come as far as the one that is asked for: if everyone
//! with a number of at most `a` is put up, then chance puts up at most `a` entities of the kind on average.
//!
//! Which entities a family compares is not known, only how many: those of a smaller family are taken to be among those
//! of each larger one, which brings more together than any other way. Whoever is not up for review counts, guilty or
//! not, and each family has at least one: rather too many than too few.
//! Invariants: more weight in a family, or one more family, never raises the number; the order of entities does not matter.
//! Blind to: families that speak of the same innocent cause, and accounts that simply do more of everything: such
//! entities are more than chance says.

use std::collections::BTreeMap;

use suyuan_model::outcome::Family;

use super::{Moment, RiskParams, Weighs};

/// Width of one step of the logarithm of the product, nats. What is dealt is rounded up, what is asked for down.
const STEP: f64 = 0.02;

/// Steps that are told apart: a product of one in 10^13 is as good as any smaller one.
const STEPS: usize = 1500;

/// What one family gave to the entities of one kind.
#[derive(Clone, Debug, Default)]
struct Given {
    /// How many entities its rules compare; 0 where it only names those involved.
    of: u64,
    /// The strongest weights of those for whom it stands, least first.
    weights: Vec<Weighs>,
}

impl Given {
    /// The share of the entities with at least this weight.
    fn share(&self, nats: f64) -> f64 {
        // Sums of logarithms differ in the last digit.
        let less = self.weights.partition_point(|w| w.all < nats - 1e-9);
        ((self.weights.len() - less).max(1) as f64 / self.of as f64).min(1.0)
    }

    /// What it deals: how far each of its weights brings, in steps, and whether by alerts about the entity itself.
    fn deals(&self, least: f64) -> BTreeMap<(usize, bool), usize> {
        let mut out = BTreeMap::new();
        for w in &self.weights {
            let steps = (-self.share(w.all).ln() / STEP).ceil() as usize;
            *out.entry((steps.min(STEPS - 1), w.own >= least)).or_default() += 1;
        }
        out
    }
}

/// What every family gave to the entities of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Chance(BTreeMap<Family, Given>);

impl Chance {
    /// A rule of the family compares so many entities.
    pub fn compares(&mut self, family: Family, of: u64) {
        let given = self.0.entry(family).or_default();
        given.of = given.of.max(of);
    }

    /// What the families gave to one entity at most.
    pub fn add(&mut self, strongest: Moment, p: &RiskParams) {
        for (family, w) in strongest.into_iter().filter(|(_, w)| w.all >= p.least) {
            self.0.entry(family).or_default().weights.push(w);
        }
    }

    /// After the last: all ways to deal, counted.
    pub fn dealt(mut self, p: &RiskParams) -> Dealt {
        let widest = self.0.values().map(|g| g.of).max().unwrap_or(0);
        for given in self.0.values_mut() {
            given.weights.sort_unstable_by(|a, b| a.all.total_cmp(&b.all).then(a.own.total_cmp(&b.own)));
            if given.weights.is_empty() {
                given.weights.push(Weighs { all: f64::INFINITY, own: f64::INFINITY });
            }
            let of = if given.of == 0 { widest } else { given.of };
            given.of = of.max(given.weights.len() as u64);
        }
        let entities = entities(self.0.values(), p);
        Dealt { given: self.0, entities }
    }
}

/// What every family gave, and how many entities that brings how far.
#[derive(Clone, Debug)]
pub(super) struct Dealt {
    given: BTreeMap<Family, Given>,
    /// By steps: the expected number of entities with enough families that come at least as far.
    entities: Vec<f64>,
}

impl Dealt {
    /// How many entities of the kind chance would bring as far, in whatever families.
    pub fn expected(&self, m: &Moment, p: &RiskParams) -> f64 {
        let stand = m.iter().filter(|(_, w)| w.all >= p.least);
        let shares = stand.filter_map(|(family, w)| Some(self.given.get(family)?.share(w.all)));
        let steps = shares.map(|s| -s.ln()).sum::<f64>() / STEP;
        self.entities[(steps as usize).min(STEPS - 1)]
    }

    /// How many entities of the kind have enough families by chance at all.
    pub fn most(&self) -> f64 {
        self.entities[0]
    }
}

/// Deals one family after the other, the widest first, to an entity that all families so far compare.
fn entities<'a>(given: impl Iterator<Item = &'a Given>, p: &RiskParams) -> Vec<f64> {
    let mut families: Vec<&Given> = given.collect();
    families.sort_by_key(|g| std::cmp::Reverse(g.of));
    // By families that stand, at most as many as are needed, and by those of them with alerts of the entity's own.
    let place = |stand: usize, own: usize| stand.min(p.families) * (p.own + 1) + own.min(p.own);
    let mut odds = vec![vec![0.0; STEPS]; (p.families + 1) * (p.own + 1)];
    odds[0][0] = 1.0;
    let mut out = vec![0.0; STEPS];
    for (n, given) in families.iter().enumerate() {
        odds = deal(&odds, given, p, place);
        let only_so_far = given.of - families.get(n + 1).map_or(0, |next| next.of);
        for (sum, odds) in out.iter_mut().zip(&odds[place(p.families, p.own)]) {
            *sum += only_so_far as f64 * odds;
        }
    }
    for s in (1..STEPS).rev() {
        out[s - 1] += out[s];
    }
    out
}

fn deal(
    odds: &[Vec<f64>],
    given: &Given,
    p: &RiskParams,
    place: impl Fn(usize, usize) -> usize,
) -> Vec<Vec<f64>> {
    let of = given.of as f64;
    let nothing = 1.0 - given.weights.len() as f64 / of;
    let mut out: Vec<Vec<f64>> = odds.iter().map(|row| row.iter().map(|o| o * nothing).collect()).collect();
    let deals = given.deals(p.least);
    for (from, row) in odds.iter().enumerate() {
        let (stand, own) = (from / (p.own + 1), from % (p.own + 1));
        for (&(steps, is_own), &count) in &deals {
            let to = &mut out[place(stand + 1, own + usize::from(is_own))];
            for (at, o) in row.iter().enumerate().filter(|(_, o)| **o > 0.0) {
                to[(at + steps).min(STEPS - 1)] += o * count as f64 / of;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILIES: [Family; 3] = [Family::Login, Family::Location, Family::Opening];

    /// Of each family: how many entities it compares beyond those it gives something, and the weights, own or not.
    type World = Vec<(u64, Vec<(f64, bool)>)>;

    fn world() -> impl Strategy<Value = World> {
        let weight = (1.5f64..7.0, any::<bool>());
        prop::collection::vec((0u64..4, prop::collection::vec(weight, 1..4)), 3)
    }

    fn weighs((all, own): (f64, bool)) -> Weighs {
        Weighs { all, own: if own { all } else { 0.0 } }
    }

    fn chance(world: &World) -> Dealt {
        let p = RiskParams::default();
        let mut c = Chance::default();
        for (family, (more, list)) in FAMILIES.iter().zip(world) {
            c.compares(*family, list.len() as u64 + more);
            list.iter().for_each(|w| c.add(Moment::from([(*family, weighs(*w))]), &p));
        }
        c.dealt(&p)
    }

    /// The plain slow way: every way to deal every family's weights to nested entities, each with its odds; what it
    /// makes of each entity with enough families.
    fn every_deal(world: &World, mut see: impl FnMut(f64, &Moment)) {
        let p = RiskParams::default();
        let of = |n: usize| world[n].0 as usize + world[n].1.len();
        let widest = (0..3).map(of).max().unwrap();
        // All places are alike, so one entity after the other can be looked at alone.
        for entity in 0..widest {
            for deal in 0..of(0) * of(1) * of(2) {
                let dealt = [deal % of(0), deal / of(0) % of(1), deal / of(0) / of(1)];
                let mut m = Moment::new();
                for n in (0..3).filter(|n| entity < of(*n)) {
                    if let Some(w) = world[n].1.get(dealt[n]) {
                        m.insert(FAMILIES[n], weighs(*w));
                    }
                }
                if m.len() >= p.families && m.values().any(|w| w.own >= p.least) {
                    see(1.0 / (of(0) * of(1) * of(2)) as f64, &m);
                }
            }
        }
    }

    fn product(world: &World, m: &Moment) -> f64 {
        let share = |n: usize, all: f64| {
            let (more, list) = &world[n];
            list.iter().filter(|w| w.0 >= all).count().max(1) as f64 / (list.len() as u64 + more) as f64
        };
        (0..3).filter_map(|n| Some(share(n, m.get(&FAMILIES[n])?.all))).product()
    }

    proptest! {
        #[test]
        fn agrees_with_every_way_to_deal(world in world(), asked in [1.5f64..8.0, 1.5f64..8.0, 1.5f64..8.0], families in 2usize..4) {
            let p = RiskParams::default();
            let m: Moment = FAMILIES.into_iter().zip(asked.map(|a| weighs((a, true)))).take(families).collect();
            let got = chance(&world).expected(&m, &p);
            let (mut least, mut most) = (0.0, 0.0);
            let at = product(&world, &m);
            // Each family is rounded by a step at most.
            every_deal(&world, |odds, dealt| {
                let is = product(&world, dealt);
                if is <= at * (1.0 + 1e-9) { least += odds; }
                if is <= at * (4.0 * STEP).exp() { most += odds; }
            });
            prop_assert!(least - 1e-9 <= got && got <= most + 1e-9, "{least} {got} {most}");
        }

        /// What it is for: whoever is put up at a number of at most `a`, chance puts up at most `a` of them.
        #[test]
        fn chance_puts_up_no_more_than_is_allowed(world in world(), allowed in 0.0f64..3.0) {
            let (p, c) = (RiskParams::default(), chance(&world));
            let mut up = 0.0;
            every_deal(&world, |odds, dealt| if c.expected(dealt, &p) <= allowed { up += odds });
            prop_assert!(up <= allowed + 1e-9, "{up}");
        }

        #[test]
        fn more_weight_and_more_families_never_raise_it(world in world(), asked in [1.5f64..8.0, 1.5f64..8.0, 1.5f64..8.0], more in 0.0f64..3.0) {
            let (p, c) = (RiskParams::default(), chance(&world));
            let of = |asked: &[f64]| {
                let m = FAMILIES.into_iter().zip(asked.iter().map(|a| weighs((*a, true)))).collect();
                c.expected(&m, &p)
            };
            prop_assert!(of(&asked) <= of(&asked[..2]));
            prop_assert!(of(&[asked[0] + more, asked[1], asked[2]]) <= of(&asked));
        }
    }

    #[test]
    fn the_more_there_are_and_the_more_families_the_more_chance_brings() {
        // One in a hundred of each family.
        let of = |n: usize, families: &[Family]| {
            let p = RiskParams::default();
            let mut c = Chance::default();
            for family in families {
                c.compares(*family, n as u64);
                (0..n / 100).for_each(|_| c.add(Moment::from([(*family, weighs((3.0, true)))]), &p));
            }
            let two = families[..2].iter().map(|f| (*f, weighs((3.0, true)))).collect();
            (c.dealt(&p).expected(&two, &p) * 100.0).round() / 100.0
        };
        assert_eq!([100, 1000, 10_000].map(|n| of(n, &FAMILIES[..2])), [0.01, 0.1, 1.0]);
        assert_eq!([100, 1000, 10_000].map(|n| of(n, &FAMILIES)), [0.03, 0.3, 2.98]);
    }
}
