//! A self-test on request: what the same method finds where there is nothing.
//!
//! Harm is dealt out anew. A harmed person's harm goes, on its day, to somebody else of the same outlet (where none
//! serves them, of the same city) who was looked up about as often, and is lost where there is nobody else or where harm
//! struck more than a fifth of them: dealt out there, it would meet itself; a fraud card's reports go to another card of its outlet opened in the same month, or of the same
//! months of its region where one account opened most of the outlet's. Then the questions are asked again, without
//! what conduct says of anybody. Whatever is found is chance, risky outlets and waves, never a leak of theirs.
//!
//! Always holds: the run's number is its seed, so the same run deals the same hands.
//! Blind to: a leak that fills its outlet: who is dealt its harm was mostly touched by the same account.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{Decoy, Question};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{RowSource, ScanError};

use crate::attribute::Settings;
use crate::attribute::dice::Dice;
use crate::facts::{Bar, Facts, city, scan};
use crate::intern::{Id, Interner, NONE};
use crate::question::person::{self, Impersonated};
use crate::question::{Best, card, count};

/// What was asked of the true harm.
pub struct Asked<'a> {
    /// Persons impersonated.
    pub holders: &'a Impersonated,
    /// Persons defrauded.
    pub victims: &'a BTreeMap<Id, i64>,
    /// Fraud cards: openings by index with their reports.
    pub cards: &'a BTreeMap<usize, Vec<usize>>,
}

/// Somebody whom harm may be dealt to.
struct Person {
    token: Id,
    stratum: Stratum,
    votes: u8,
    looks: u32,
}

/// Who is alike: those of an outlet, or those of a city whom no outlet serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stratum {
    Outlet(Id),
    Place(Id),
}

/// Days that count as one month.
const MONTH: f64 = 30.0;

/// Asks every question of `runs` worlds without a source.
pub fn runs(
    f: &mut Facts,
    source: &dyn RowSource,
    settings: &Settings,
    asked: &Asked<'_>,
    runs: u64,
    bar: &mut Bar<'_>,
) -> Result<Vec<Decoy>, ScanError> {
    let (names, people) = people(f, source, bar)?;
    let mut holders = Vec::new();
    let mut victims = Vec::new();
    for run in 1..=runs {
        let mut dice = Dice::new(run);
        let harmed = asked.holders.iter().map(|(p, at)| (*p, *at)).collect();
        holders.push(deal(f, &names, &people, harmed, &mut dice));
        let harmed = asked.victims.iter().map(|(p, at)| (*p, *at)).collect();
        victims.push(deal(f, &names, &people, harmed, &mut dice));
    }
    let interest: BTreeSet<Id> = holders
        .iter()
        .flat_map(BTreeMap::keys)
        .chain(victims.iter().flat_map(BTreeMap::keys))
        .copied()
        .collect();
    let mut looked = count::count(f, source, &interest, settings.threads, None, bar)?;
    let mut out = Vec::new();
    for (i, (holders, victims)) in holders.iter().zip(&victims).enumerate() {
        let run = i as u64 + 1;
        let mut tell = |question, harmed: usize, best: Best| {
            if harmed > 0 {
                out.push(Decoy {
                    question,
                    run,
                    harmed: harmed as u64,
                    listed: best.listed,
                    probability: best.probability,
                    log_e_value: best.log_e_value,
                });
            }
        };
        let cards = deal_cards(f, asked.cards, &mut Dice::new(run));
        let count = cards.len();
        tell(Question::CardOpening, count, card::ask(f, settings, cards, &BTreeMap::new()).best);
        let mut asking = person::Asking::new(source, settings, bar);
        let found = person::holders(f, &mut looked, holders, &BTreeMap::new(), &mut asking)?;
        tell(Question::HolderIdentity, holders.len(), found.best);
        let found = person::victims(f, &mut looked, victims, &mut asking)?;
        tell(Question::VictimData, victims.len(), found.best);
    }
    Ok(out)
}

/// Everybody who was looked up or captured, with the outlet that did so most (Boyer and Moore's vote).
fn people(
    f: &Facts,
    source: &dyn RowSource,
    bar: &mut Bar<'_>,
) -> Result<(Interner, Vec<Person>), ScanError> {
    let (mut names, mut places) = (Interner::default(), Interner::default());
    let mut people = Vec::<Person>::new();
    let mut seen = |token: &str, outlet: Id, place: Option<&str>| {
        let outlet = (outlet != NONE).then_some(Stratum::Outlet(outlet));
        let i = names.id(Some(token));
        if i as usize == people.len() {
            let stratum = outlet.unwrap_or_else(|| Stratum::Place(places.id(place)));
            people.push(Person { token: i, stratum, votes: 0, looks: 0 });
        }
        let p = &mut people[i as usize];
        p.looks += 1;
        match (outlet, p.votes) {
            (None, _) => {}
            (Some(outlet), _) if p.stratum == outlet => p.votes = p.votes.saturating_add(1),
            (Some(outlet), 0) => (p.stratum, p.votes) = (outlet, 1),
            _ => p.votes -= 1,
        }
    };
    let columns = ["account", "subject", "subject_region6", "subject_segment", "result"];
    scan(source, Kind::Access, &columns, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows.filter(|i| c.result.get(*i) != Some("denied")) {
            let Some(subject) = c.subject.get(i) else { continue };
            let account = c.account.get(i).and_then(|a| f.names.find(a)).unwrap_or(NONE);
            let place = c.subject.region6.get(i).and_then(city).or(c.subject.segment.get(i));
            seen(subject, f.home(account), place);
        }
    })?;
    for c in f.captures.iter().filter(|c| c.subject != NONE) {
        seen(f.name(c.subject), NONE, city(f.name(c.place)));
    }
    Ok((names, people))
}

/// Gives each harm to somebody else of the same stratum who was looked up about as often. Whose harm finds nobody, loses it.
fn deal<T: Copy>(
    f: &mut Facts,
    names: &Interner,
    people: &[Person],
    harmed: Vec<(Id, T)>,
    dice: &mut Dice,
) -> BTreeMap<Id, T> {
    let mut alike: BTreeMap<Stratum, Vec<(u32, Id)>> = BTreeMap::new();
    people.iter().for_each(|p| alike.entry(p.stratum).or_default().push((p.looks, p.token)));
    alike.values_mut().for_each(|list| list.sort_unstable());
    let of = |person: Id| names.find(f.names.get(person));
    let mut taken: BTreeSet<Id> = harmed.iter().filter_map(|h| of(h.0)).collect();
    let mut struck: BTreeMap<Stratum, usize> = BTreeMap::new();
    taken.iter().for_each(|i| *struck.entry(people[*i as usize].stratum).or_default() += 1);
    let mut dealt: Vec<(Id, T)> = Vec::new();
    for (person, at) in harmed {
        // Who was never looked up stays so: nothing can be told of that harm.
        let Some(me) = of(person).map(|i| &people[i as usize]) else { continue };
        let list = &alike[&me.stratum];
        if struck[&me.stratum] * MOST > list.len() {
            continue;
        }
        let place = anywhere(list, me.looks, dice);
        if let Some(to) = near(list.len(), place, dice, |i| !taken.contains(&list[i].1)) {
            taken.insert(list[to].1);
            dealt.push((list[to].1, at));
        }
    }
    dealt.into_iter().map(|(i, at)| (f.names.id(Some(names.get(i))), at)).collect()
}

/// Harm is dealt where it struck at most one in so many: with fewer others, they would all be dealt some.
const MOST: usize = 5;
/// Tries before the whole list is searched.
const TRIES: usize = 20;

/// A place among those of as many looks, whoever comes first: the list has them in order of their first touch, and a
/// neighbour in it was touched when the harmed person was, so that harm would still follow its touch.
fn anywhere(list: &[(u32, Id)], looks: u32, dice: &mut Dice) -> usize {
    let first = list.partition_point(|x| x.0 < looks);
    let last = list.partition_point(|x| x.0 <= looks);
    first + dice.below((last - first).max(1))
}

/// A free place among those around `place`, a tenth of the list either way; else the first free one of all.
fn near(len: usize, place: usize, dice: &mut Dice, free: impl Fn(usize) -> bool) -> Option<usize> {
    let reach = (len / 10).max(10);
    let (from, until) = (place.saturating_sub(reach), (place + reach).min(len));
    let drawn = (0..TRIES).map(|_| from + dice.below((until - from).max(1))).find(|i| *i < len && free(*i));
    drawn.or_else(|| (0..len).find(|i| free(*i)))
}

/// Gives each fraud card's reports to another card of its outlet and month.
fn deal_cards(
    f: &Facts,
    fraud: &BTreeMap<usize, Vec<usize>>,
    dice: &mut Dice,
) -> BTreeMap<usize, Vec<usize>> {
    let month = |i: usize| (f.day(f.openings[i].row.ts) / MONTH).floor() as i64;
    let region = |i: usize| f.outlet_region(f.outlet_of(&f.openings[i]));
    let mut by_outlet: BTreeMap<(Id, i64), Vec<usize>> = BTreeMap::new();
    let mut by_region: BTreeMap<(Id, i64), Vec<usize>> = BTreeMap::new();
    for i in 0..f.openings.len() {
        by_outlet.entry((f.outlet_of(&f.openings[i]), month(i))).or_default().push(i);
        by_region.entry((region(i), month(i))).or_default().push(i);
    }
    let mut taken: BTreeSet<usize> = fraud.keys().copied().collect();
    let mut out = BTreeMap::new();
    for (i, reports) in fraud {
        let account = f.openings[*i].account;
        let near_by = &by_outlet[&(f.outlet_of(&f.openings[*i]), month(*i))];
        let own = near_by.iter().filter(|j| f.openings[**j].account == account).count();
        let list = if own * 2 > near_by.len() { &by_region[&(region(*i), month(*i))] } else { near_by };
        let drawn = (0..TRIES).map(|_| list[dice.below(list.len())]).find(|j| !taken.contains(j));
        if let Some(j) = drawn.or_else(|| list.iter().copied().find(|j| !taken.contains(j))) {
            taken.insert(j);
            out.insert(j, reports.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_does_not_stay_with_those_touched_at_the_same_time() {
        let list: Vec<(u32, Id)> = (0..300).map(|i| (u32::from(i >= 100), i)).collect();
        let mut dice = Dice::new(5);
        let places: Vec<usize> = (0..400).map(|_| anywhere(&list, 1, &mut dice)).collect();
        assert!(places.iter().all(|p| (100..300).contains(p)));
        for tenth in 0..10 {
            let there = places.iter().filter(|p| (**p - 100) / 20 == tenth).count();
            assert!((15..=70).contains(&there), "tenth {tenth}: {there}");
        }
    }

    #[test]
    fn a_free_place_is_found_where_there_is_one() {
        let mut dice = Dice::new(3);
        for place in [0, 5, 99] {
            let at = near(100, place, &mut dice, |_| true).unwrap();
            assert!(at.abs_diff(place) <= 10, "{place} {at}");
        }
        assert_eq!(near(40, 20, &mut dice, |i| i == 3), Some(3), "far, but free");
        assert_eq!(near(40, 20, &mut dice, |_| false), None);
        assert_eq!(near(0, 0, &mut dice, |_| true), None);
    }
}
