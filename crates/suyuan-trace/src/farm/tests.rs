//! Farms on made-up graphs: what is found, what is left alone, and the plain slow way beside the fast one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::chance::ln_tail;
use super::pairs::{apart, groups};
use super::rows::{SEVERAL, Sorted};
use super::*;

fn draw(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

/// Everyone touches a few of many items; `farm` people share `items` more within ten days.
fn world(seed: u64, farm: u32, items: u32) -> Graph {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut g = Graph { users: vec![0; 2000], items: vec![0; 1000 + items as usize], ..Graph::default() };
    let mut add = |user, item, day| {
        let event = g.touches.len() as u32;
        g.touches.push(Touch { user, item, event, day });
    };
    for user in 0..2000 {
        for _ in 0..5 {
            // Popular items: the smaller of two draws.
            let item = draw(&mut rng, 1000).min(draw(&mut rng, 1000));
            add(user, item, draw(&mut rng, 180) as i32);
        }
    }
    for user in 0..farm {
        for item in 0..items {
            if draw(&mut rng, 100) < 50 {
                add(user, 1000 + item, 60 + draw(&mut rng, 10) as i32);
            }
        }
    }
    g
}

#[test]
fn a_farm_is_found_whole_and_nobody_else_is() {
    let found = find(&world(1, 40, 8), &Params::default());
    assert_eq!(found.farms.len(), 1);
    let users: BTreeSet<u32> = found.farms[0].members.iter().map(|m| m.user).collect();
    assert!(users.iter().all(|u| *u < 40), "{users:?}");
    assert!(users.len() >= 36, "{}", users.len());
    assert!(found.farms[0].members.iter().all(|m| m.touches.len() >= 2 && m.probability >= 0.5));
}

#[test]
fn worlds_without_a_farm_name_nobody() {
    for seed in 0..5 {
        assert_eq!(find(&world(seed, 0, 0), &Params::default()).farms, []);
    }
}

#[test]
fn one_occasion_that_touches_many_items_names_nobody() {
    let mut g = world(3, 0, 8);
    for user in 0..60u32 {
        let event = 1_000_000 + user;
        g.touches.extend((0..8).map(|i| Touch { user, item: 1000 + i, event, day: 70 }));
    }
    assert_eq!(find(&g, &Params::default()).farms, []);
}

/// A village of its own shops is no farm: its people have no others to choose from.
#[test]
fn a_stratum_with_few_items_is_no_farm() {
    let mut g = world(5, 0, 5);
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for user in 0..80u32 {
        g.users.push(1);
        for _ in 0..4 {
            let item = 1000 + draw(&mut rng, 5);
            let event = g.touches.len() as u32;
            g.touches.push(Touch { user: 2000 + user, item, event, day: draw(&mut rng, 180) as i32 });
        }
    }
    assert_eq!(find(&g, &Params::default()).farms, []);
    g.users.iter_mut().for_each(|s| *s = 0);
    assert_eq!(find(&g, &Params::default()).farms.len(), 1, "without strata it looks like one");
}

#[test]
fn limits_end_well_and_are_told() {
    assert_eq!(find(&Graph::default(), &Params::default()), Farms::default());
    let mut g = world(1, 0, 1);
    for user in 0..2000 {
        g.touches.push(Touch { user, item: 1000, event: 1_000_000 + user, day: 1 });
    }
    for item in 0..1000 {
        g.touches.push(Touch { user: 7, item, event: 2_000_000 + item, day: 1 });
    }
    let found = find(&g, &Params { hub: 1000, ..Params::default() });
    assert!(found.skipped.hubs > 0 && found.skipped.busy > 0);
    assert_eq!(found.farms, []);
}

fn small() -> impl Strategy<Value = Graph> {
    let touch = (0u32..12, 0u32..8, 0u32..60, 0i32..50).prop_map(|(user, item, event, day)| Touch {
        user,
        item,
        event,
        day,
    });
    let touches = proptest::collection::vec(touch, 0..120);
    let strata = proptest::collection::vec(0u32..2, 12);
    let families = proptest::collection::vec(0u8..3, 8);
    let local = proptest::collection::vec(any::<bool>(), 3);
    (strata, families, local, touches).prop_map(|(users, items, local, touches)| Graph {
        users,
        items,
        local,
        touches,
    })
}

proptest! {
    /// Pairs and their expectation, the plain way: every pair of items, every user.
    #[test]
    fn groups_are_those_of_the_plain_way(g in small()) {
        let params = Params { least_users: 1, least_rows: 2, chance: 5.0, ..Params::default() };
        let sorted = Sorted::new(&g);
        for s in sorted.stretches(Scale { days: 20, shift: 7 }, None) {
            let fast = groups(&s, s.rows(), &params, &mut Skipped::default());
            let users = |r: usize| s.touched(r).collect::<BTreeMap<u32, u32>>();
            let of = |user: u32, family: u8| {
                (0..s.rows()).filter(|r| g.items[s.items[*r] as usize] == family && users(*r).contains_key(&user)).count() as f64
            };
            let mut label: Vec<usize> = (0..s.rows()).collect();
            for a in 0..s.rows() {
                for b in a + 1..s.rows() {
                    let (ua, ub) = (users(a), users(b));
                    let shared = ua.iter().filter(|(u, e)| ub.get(u).is_some_and(|o| apart(**e, *o))).count() as u32;
                    let (fa, fb) = (g.items[s.items[a] as usize], g.items[s.items[b] as usize]);
                    // Every user: their touches of both families, times how popular each item is where they choose.
                    let everyone: Vec<u32> = (0..s.who.len() as u32).collect();
                    let popular = |m: &BTreeMap<u32, u32>, family: u8, user: u32| {
                        let near = |p: &&u32| !g.local[family as usize]
                            || g.users[s.who[**p as usize] as usize] == g.users[s.who[user as usize] as usize];
                        let total: f64 = everyone.iter().filter(near).map(|p| of(*p, family)).sum();
                        if total > 0.0 { m.keys().filter(near).count() as f64 / total } else { 0.0 }
                    };
                    let expected: f64 = everyone.iter().map(|u| {
                        of(*u, fa) * (of(*u, fb) - f64::from(u8::from(fa == fb))) * popular(&ua, fa, *u) * popular(&ub, fb, *u)
                    }).sum();
                    prop_assert!((expected - s.expected_shared(a, b)).abs() < 1e-9);
                    // On the very edge rounding decides.
                    if (f64::from(shared) - expected).abs() < 1e-9 { return Ok(()); }
                    let bound = (params.chance / s.rows() as f64).ln();
                    if shared >= 2 && f64::from(shared) > expected && ln_tail(shared, expected) < bound {
                        let (x, y) = (label[a].min(label[b]), label[a].max(label[b]));
                        label.iter_mut().filter(|l| **l == y).for_each(|l| *l = x);
                    }
                }
            }
            let slow: Vec<Vec<usize>> = (0..s.rows())
                .map(|l| (0..s.rows()).filter(|r| label[*r] == l).collect::<Vec<_>>())
                .filter(|g| g.len() >= 2)
                .collect();
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn the_order_of_touches_does_not_matter(g in small(), turn in 0usize..120) {
        let params = Params { least_users: 2, least_rows: 2, least_members: 3, chance: 10.0, ..Params::default() };
        let mut turned = g.clone();
        if !turned.touches.is_empty() { let n = turn % turned.touches.len(); turned.touches.rotate_left(n); turned.touches.reverse(); }
        let plain = |found: Farms| found.farms.into_iter()
            .map(|f| (f.items, f.days, f.members.into_iter().map(|m| (m.user, m.occasions, m.touches.len())).collect::<Vec<_>>()))
            .collect::<Vec<_>>();
        prop_assert_eq!(plain(find(&g, &params)), plain(find(&turned, &params)));
    }

    #[test]
    fn occasions_are_counted_once(events in proptest::collection::vec(0u32..5, 0..10)) {
        let distinct: BTreeSet<u32> = events.iter().copied().collect();
        prop_assert_eq!(grow::occasions(events.clone()), distinct.len() as u32);
        prop_assert_eq!(grow::occasions([events, vec![SEVERAL]].concat()), distinct.len() as u32 + 1);
    }
}
