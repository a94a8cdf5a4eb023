//! Whole outlets whose harm follows their touches, and gangs of a few accounts of one outlet.

use super::*;

/// Harm follows every touch for which `leaks` says so, in one window.
fn leak(w: &mut World, seed: u64, chance: f64, leaks: impl Fn(usize) -> bool) {
    let mut d = Dice::new(seed);
    let start = d.unit() * 100.0;
    let length = 100.0 + d.unit() * 100.0;
    for (account, person, day) in &w.events {
        let harm = day + 1.0 + d.exponential(40.0);
        if leaks(*account) && (start..start + length).contains(day) && d.unit() < chance && harm < DAYS {
            let at = w.harm.entry(*person).or_insert(harm);
            *at = at.min(harm);
        }
    }
}

/// The accounts of an outlet, its supervisor too.
fn of(outlet: usize) -> impl Fn(usize) -> bool {
    move |account| {
        (account < OUTLETS * STAFF && account / STAFF == outlet) || account == OUTLETS * STAFF + outlet
    }
}

const TOWN: Shape = Shape { persons: 9000, base: 0.004, ..QUIET };

/// Somebody outside the records reads the list of one outlet's customers: no account is named, the outlet is.
#[test]
fn a_list_of_customers_that_leaks_names_no_account() {
    let mut told = 0;
    for seed in 0..8 {
        let mut w = world(500 + seed, TOWN);
        leak(&mut w, seed, 0.2, of(5));
        let found = attribute(&problem(&w), &Settings::default(), &BTreeMap::new());
        for s in &found.columns {
            assert!(!s.listed && s.probability < 0.8, "seed {seed}: {s:?}");
        }
        told += usize::from(found.crowds.iter().any(|(c, s)| c.stratum == 5 && s.probability > 0.5));
        assert!(found.crowds.iter().all(|(c, s)| c.stratum == 5 && !s.listed), "seed {seed}");
    }
    assert!(told >= 6, "{told} of 8");
}

/// Two clerks of five leak: they are named, the outlet is not taken for them.
#[test]
fn a_few_of_an_outlet_are_named_one_by_one() {
    let mut named = 0;
    for seed in 0..8 {
        let mut w = world(520 + seed, TOWN);
        let mut busy: Vec<(usize, usize)> =
            (25..30).map(|c| (w.events.iter().filter(|e| e.0 == c).count(), c)).collect();
        busy.sort_unstable();
        let gang = [busy[1].1, busy[3].1];
        leak(&mut w, seed, 0.25, |account| gang.contains(&account));
        let found = attribute(&problem(&w), &Settings::default(), &BTreeMap::new());
        assert!(found.crowds.is_empty(), "seed {seed}");
        let mut listed = found.columns.iter().filter(|s| s.listed);
        assert!(listed.all(|s| gang.contains(&(s.column as usize))), "seed {seed}");
        named += found.columns.iter().filter(|s| s.listed).count();
    }
    assert!(named >= 12, "{named} of 16");
}

/// What other records prove of accounts is not laid on their outlet, however alike they are.
#[test]
fn accounts_known_from_other_records_are_no_crowd() {
    let mut w = world(500, TOWN);
    leak(&mut w, 0, 0.2, of(5));
    let known: BTreeMap<u32, f64> = (25..30).map(|c| (c, 0.9)).collect();
    let found = attribute(&problem(&w), &Settings::default(), &known);
    assert!(found.crowds.is_empty());
    assert!((25..30).any(|c| found.columns.iter().any(|s| s.column == c && s.probability > 0.8)));
}
