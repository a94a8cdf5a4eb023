//! How many entities chance alone would bring as far: the findings of each family dealt out anew.
//!
//! The more entities there are and the longer the records run, the more of them show two rare things by accident. So for each
//! kind of entity the strongest weight that each family gave to each of them, before decay, is kept. Were each family's weights
//! dealt out at random among the entities that it compares, whatever the other families gave them, then of the entities
//! that all these families compare, the product of the shares with at least as much would have at least as much in each.
//!
//! Whoever is not up for review counts, guilty or not, and at least one does: rather too many than too few.
//! Invariants: more weight in a family, or one more family, never raises the number; the order of entities does not matter.
//! Blind to: families that speak of the same innocent cause: such entities are more than chance says. That several
//! combinations of families are looked at, each of which chance has its turn with.

use std::collections::BTreeMap;

use suyuan_model::outcome::Family;

/// What one family gave to the entities of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// How many entities its rules compare; 0 where it only names those involved.
    of: u64,
    /// The strongest weights, least first, nats.
    nats: Vec<f64>,
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

    /// The family gave one entity at most this weight, nats; [`Chance::ordered`] comes after the last.
    pub fn add(&mut self, family: Family, nats: f64) {
        self.0.entry(family).or_default().nats.push(nats);
    }

    /// Ready to be asked.
    pub fn ordered(mut self) -> Chance {
        self.0.values_mut().for_each(|g| g.nats.sort_unstable_by(f64::total_cmp));
        self
    }

    /// How many entities would have at least these weights by chance; infinite where nothing is asked.
    pub fn expected(&self, weights: impl Iterator<Item = (Family, f64)>) -> f64 {
        let (mut among, mut share) = (f64::INFINITY, 1.0);
        for (family, nats) in weights {
            let Some(given) = self.0.get(&family).filter(|g| g.of > 0) else { continue };
            // Sums of logarithms differ in the last digit.
            let less = given.nats.partition_point(|n| *n < nats - 1e-9);
            let reached = (given.nats.len() - less).max(1) as f64;
            among = among.min(given.of as f64);
            share *= (reached / given.of as f64).min(1.0);
        }
        among * share
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILIES: [Family; 3] = [Family::Login, Family::Location, Family::Opening];

    fn world() -> impl Strategy<Value = Vec<Vec<f64>>> {
        prop::collection::vec(prop::collection::vec(0.5f64..7.0, 1..6), 3)
    }

    fn chance(world: &[Vec<f64>], of: usize) -> Chance {
        let mut c = Chance::default();
        for (family, list) in FAMILIES.iter().zip(world) {
            c.compares(*family, of as u64);
            list.iter().for_each(|n| c.add(*family, *n));
        }
        c.ordered()
    }

    /// The plain slow way: every way to deal one entity a weight of each family, or none.
    fn plain(world: &[Vec<f64>], of: usize, asked: &[f64; 3]) -> f64 {
        let mut reached = 0usize;
        for deal in 0..of.pow(3) {
            let dealt = [deal % of, deal / of % of, deal / of / of];
            let has = |f: usize| world[f].get(dealt[f]).is_some_and(|n| *n >= asked[f]);
            reached += usize::from((0..3).all(has));
        }
        reached as f64 / of.pow(2) as f64
    }

    proptest! {
        #[test]
        fn agrees_with_every_way_to_deal(world in world(), more in 0usize..4, picks in [0usize..6, 0usize..6, 0usize..6]) {
            let of = world.iter().map(Vec::len).max().unwrap() + more;
            let asked = [0, 1, 2].map(|f: usize| world[f][picks[f] % world[f].len()]);
            let got = chance(&world, of).expected(FAMILIES.into_iter().zip(asked));
            prop_assert!((got - plain(&world, of, &asked)).abs() < 1e-9);
        }

        #[test]
        fn more_weight_and_more_families_never_raise_it(world in world(), asked in [0.5f64..8.0, 0.5f64..8.0, 0.5f64..8.0], more in 0.0f64..3.0) {
            let c = chance(&world, 9);
            let of = |asked: &[f64]| c.expected(FAMILIES.into_iter().zip(asked.iter().copied()));
            prop_assert!(of(&asked) <= of(&asked[..2]));
            prop_assert!(of(&[asked[0] + more, asked[1], asked[2]]) <= of(&asked));
        }
    }

    #[test]
    fn the_more_there_are_the_more_chance_brings() {
        // One in a hundred of each of two families.
        let of = |n: usize| {
            let c = chance(&[vec![3.0; n / 100], vec![3.0; n / 100], vec![]], n);
            c.expected([(Family::Login, 3.0), (Family::Location, 3.0)].into_iter())
        };
        assert_eq!([100, 1000, 10_000].map(|n| (of(n) * 100.0).round() / 100.0), [0.01, 0.1, 1.0]);
    }
}
