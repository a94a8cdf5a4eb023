//! Made-up worlds of the generator: what is found, what is flagged beside it, and who is left alone.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use suyuan_model::Kind;
use suyuan_model::outcome::{ChainPath, Role, Trace};
use suyuan_sim::{Size, Truth, World, generate};
use suyuan_trace::{Params, trace};

mod common;

fn traced(world: &str, seed: u64, without: &[Kind]) -> (Trace, Truth) {
    let dir = tempfile::tempdir().unwrap();
    let (out, truth) = (dir.path().join("records"), dir.path().join("truth"));
    let world = World::embedded(world).unwrap();
    let made = generate(&world, Size::Tiny, seed, &out, &truth, &mut |_| {}).unwrap();
    let read = |cut| common::Folder::read(Path::new(&out), without, cut);
    let run = |cut| trace(&read(cut), &[], &Params::default(), &mut |_| {}).unwrap();
    let found = run(4096);
    assert_eq!(found, run(97), "batches cut elsewhere");
    (found, made.truth)
}

fn cards(t: &Trace) -> BTreeSet<String> {
    t.rings.iter().flat_map(|r| r.cards.iter().map(|c| c.card.clone())).collect()
}

#[test]
fn the_reference_case_is_found_with_and_without_exhibits() {
    for without in [&[][..], &[Kind::Party, Kind::Dealing, Kind::Sighting]] {
        let (t, truth) = traced("qt-2020", 7, without);
        let ring = &truth.rings[0];
        let found = cards(&t);
        let hit = ring.cards.iter().filter(|c| found.contains(*c)).count();
        assert!(hit * 10 >= ring.cards.len() * 9, "{hit} of {}", ring.cards.len());
        assert!(found.len() - hit <= 3, "{} others", found.len() - hit);
        let members: BTreeSet<(Role, &str)> =
            t.rings.iter().flat_map(|r| r.members.iter().map(|m| (m.role, m.entity.id.as_str()))).collect();
        assert!(members.contains(&(Role::CredentialOwner, &ring.accounts[0])));
        for c in &ring.collectors {
            assert!(members.contains(&(Role::Operator, c)) && members.contains(&(Role::Harvester, c)));
        }
        assert!(members.contains(&(Role::Seller, &ring.sellers[0])));
        let exhibits = without.is_empty();
        assert_eq!(members.iter().any(|m| m.0 == Role::Organiser), exhibits);
        assert_eq!(members.iter().any(|m| m.0 == Role::Opener), exhibits);
        let mut last: Option<&ChainPath> = None;
        for p in &t.paths {
            assert!(p.steps.windows(2).all(|w| w[0].at <= w[1].at), "{:?}", p.steps);
            assert!(last.is_none_or(|l| l.card != p.card || l.probability >= p.probability), "best first");
            last = Some(p);
        }
        let best = |card: &str| t.paths.iter().find(|p| p.card == card);
        let used: Vec<&ChainPath> = ring.cards.iter().filter_map(|c| best(c)).collect();
        let through = |p: &&&ChainPath| {
            p.steps
                .iter()
                .flat_map(|s| &s.through)
                .any(|e| ring.collectors.contains(&e.id) || ring.sellers.contains(&e.id))
        };
        let hit = used.iter().filter(through).count();
        assert!(hit * 10 >= used.len() * 8 && hit > 0, "{hit} of {} ways begin with the ring", used.len());
        for m in t.farms.iter().flat_map(|f| &f.members) {
            assert!(m.cards.iter().any(|c| ring.cards.contains(c)), "{} is in no ring", m.person);
        }
    }
}

#[test]
fn a_clean_world_names_nobody() {
    for seed in 0..6 {
        let (t, _) = traced("clean", seed, &[]);
        assert_eq!(t.farms, [], "seed {seed}");
        assert!(t.rings.is_empty(), "seed {seed}: {:?}", t.rings[0].members);
        for s in &t.sources {
            assert!(s.probability < 0.8, "seed {seed}: {} {}", s.entity, s.probability);
        }
    }
}

#[test]
fn several_rings_stay_apart() {
    let (t, truth) = traced("many", 3, &[]);
    for r in &t.rings {
        let of: BTreeSet<&str> = truth
            .rings
            .iter()
            .filter(|x| r.cards.iter().filter(|c| x.cards.contains(&c.card)).count() > 2)
            .map(|x| x.id.as_str())
            .collect();
        assert_eq!(of.len(), 1, "{} holds cards of {of:?}", r.id);
    }
    assert!(t.rings.len() >= 3, "{} rings", t.rings.len());
}
