//! Cards opened as a ring's proven cards are.
//!
//! Where a ring opens at a counter that honest customers use too, some of its cards carry one family of marks or none: a fresh
//! face, a person who comes once. What they still share with the proven cards is how they were opened (how fast, on which
//! plan) and where their holders come from. Both are compared with the honest openings of the same city: two likelihood
//! ratios, of two families of records, and the share of the ring among the column's other openings by expectation and
//! maximisation. A card joins on the posterior, where both families speak for it.
//!
//! A shop beside a factory serves people from afar, fast, on the cheapest plan, and honestly. So the set that would join
//! must show more harm (reports, failed re-verifications) than the city's openings do; where it does not, none joins.
//!
//! The caps and lines are engineering defaults, not fitted. Blind to: a ring that opens as honest counters do.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column as _;
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::scan::{RowSource, ScanError};

use super::marks::{Mark, Marker};
use super::{Card, Draft};
use crate::attribute::logistic;
use crate::facts::{Bar, Facts, city, scan};
use crate::intern::{Id, NONE};

/// Fewer proven cards on a column say too little of how the ring opens.
const PROVEN: usize = 30;
/// Fewer honest openings of the city say too little of how others do.
const HONEST: f64 = 200.0;
/// A family speaks for a card from this likelihood ratio on, in nats: two to one.
const SPEAKS: f64 = 0.69;
/// No family weighs more than this, nats.
const MOST: f64 = 4.0;
/// From this posterior on a card joins.
const JOINS: f64 = 0.9;
/// The harm among those that would join must be this many times that of the city ...
const HARM_TIMES: f64 = 3.0;
/// ... and at least so many.
const HARM_LEAST: usize = 3;
/// A set smaller than this share of the proven cards joins without harm of its own.
const FEW: f64 = 0.1;
/// Weight of the pooled distribution in each, in openings.
const SMOOTH: f64 = 5.0;

/// How a card was opened: how fast in half octaves of seconds, and on which plan.
type Manner = (u8, Id);
/// Whether the holder's identity number is of the city's own province.
type Origin = bool;

#[derive(Clone, Copy)]
struct Traits {
    manner: Option<Manner>,
    origin: Option<Origin>,
}

/// Counts of a trait.
struct Counts<K> {
    of: BTreeMap<K, f64>,
    all: f64,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Counts { of: BTreeMap::new(), all: 0.0 }
    }
}

impl<K: Ord + Copy> Counts<K> {
    fn add(&mut self, k: Option<K>) {
        if let Some(k) = k {
            *self.of.entry(k).or_default() += 1.0;
            self.all += 1.0;
        }
    }

    /// Probability of a value, shrunk to that of `pooled`.
    fn of(&self, k: K, pooled: &Counts<K>) -> f64 {
        let values = pooled.of.len() as f64 + 1.0;
        let base = (pooled.of.get(&k).copied().unwrap_or(0.0) + 1.0) / (pooled.all + values);
        (self.of.get(&k).copied().unwrap_or(0.0) + SMOOTH * base) / (self.all + SMOOTH)
    }
}

/// What is honest in a city.
#[derive(Default)]
struct City {
    manner: Counts<Manner>,
    origin: Counts<Origin>,
    openings: f64,
    harmed: f64,
}

/// Adds to the rings the cards that were opened as their proven cards are.
pub fn complete(
    f: &mut Facts,
    source: &dyn RowSource,
    marker: &Marker,
    drafts: &mut [Draft],
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let accounts: BTreeSet<Id> = drafts.iter().flat_map(|d| d.accounts()).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let taken: BTreeSet<usize> = drafts.iter().flat_map(|d| d.cards.iter().map(|c| c.index)).collect();
    let home: BTreeMap<Id, Option<String>> = f
        .openings
        .iter()
        .map(|o| o.account)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|a| (a, city(f.name(f.home_region(a))).map(str::to_owned)))
        .collect();
    let asked: BTreeSet<&String> = accounts.iter().filter_map(|a| home.get(a)?.as_ref()).collect();
    let mut cities: BTreeMap<&String, City> = BTreeMap::new();
    let mut traits: BTreeMap<usize, Traits> = BTreeMap::new();
    let (mut names, mut index) = (std::mem::take(&mut f.names), 0);
    let columns = ["account", "plan", "duration_s", "subject_region6"];
    let read = scan(source, Kind::Opening, &columns, bar, |batch, rows| {
        let c = OpeningColumns::bind(batch);
        for i in rows {
            let o = &f.openings[index];
            index += 1;
            let Some(city) = home.get(&o.account).and_then(Option::as_ref).filter(|c| asked.contains(c))
            else {
                continue;
            };
            let seconds = c.duration_s.get(i).filter(|s| *s > 0);
            let manner = seconds.map(|s| ((2.0 * (s as f64).log2()) as u8, names.id(c.plan.get(i))));
            let origin = c.subject.region6.get(i).map(|r| r.get(..2) == city.get(..2));
            let t = Traits { manner, origin };
            if accounts.contains(&o.account) {
                traits.insert(index - 1, t);
            } else {
                let here = cities.entry(city).or_default();
                here.manner.add(t.manner);
                here.origin.add(t.origin);
                here.openings += 1.0;
                here.harmed += f64::from(marker.harmed(o, index - 1));
            }
        }
    });
    f.names = names;
    read?;
    for d in drafts {
        for column in d.group.columns.clone() {
            let Some(city) = home.get(&column.0).and_then(Option::as_ref).and_then(|c| cities.get(c)) else {
                continue;
            };
            let more = joining(f, marker, d, column, city, &traits, &taken);
            d.cards.extend(more);
        }
        d.cards.sort_by_key(|c| c.index);
        d.persons = d.cards.iter().map(|c| f.openings[c.index].subject).collect();
    }
    Ok(())
}

/// The cards of a column that join.
fn joining(
    f: &Facts,
    marker: &Marker,
    d: &Draft,
    column: (Id, Id),
    city: &City,
    traits: &BTreeMap<usize, Traits>,
    taken: &BTreeSet<usize>,
) -> Vec<Card> {
    let proven = d.on(f, column);
    if proven.len() < PROVEN || city.openings < HONEST {
        return Vec::new();
    }
    let (mut manner, mut origin) = (Counts::default(), Counts::default());
    for t in proven.iter().filter_map(|i| traits.get(i)) {
        manner.add(t.manner);
        origin.add(t.origin);
    }
    let (from, to) = (proven[0], proven[proven.len() - 1]);
    let ratio = |t: &Traits| -> [f64; 2] {
        let m = t.manner.map(|k| manner.of(k, &city.manner) / city.manner.of(k, &city.manner));
        let o = t.origin.map(|k| origin.of(k, &city.origin) / city.origin.of(k, &city.origin));
        [m, o].map(|r| r.map_or(0.0, |r| r.ln().clamp(-MOST, MOST)))
    };
    // The ring's other openings lie between its first and its last.
    let others: Vec<(usize, [f64; 2])> = traits
        .range(from..=to)
        .filter(|(i, _)| {
            let o = &f.openings[**i];
            (o.account, o.device) == column && o.order == NONE && !taken.contains(i)
        })
        .map(|(i, t)| (*i, ratio(t)))
        .collect();
    let Some(share) = share(&others) else { return Vec::new() };
    let joins: Vec<Card> = others
        .iter()
        .filter(|(_, r)| r.iter().all(|x| *x >= SPEAKS))
        .filter_map(|(i, r)| {
            let p = posterior(share, r);
            let mut marks = marker.marks(f, *i);
            marks.set(Mark::LikeManner, true);
            marks.set(Mark::LikeOrigin, true);
            (p >= JOINS).then_some(Card { index: *i, marks, probability: (p * d.probability).min(0.97) })
        })
        .collect();
    let harmed = joins.iter().filter(|c| marker.harmed(&f.openings[c.index], c.index)).count();
    let rate = (city.harmed + 1.0) / (city.openings + 1.0);
    let shown = harmed >= HARM_LEAST && harmed as f64 >= HARM_TIMES * rate * joins.len() as f64;
    if shown || (joins.len() as f64) < FEW * proven.len() as f64 { joins } else { Vec::new() }
}

fn posterior(share: f64, ratio: &[f64; 2]) -> f64 {
    logistic((share / (1.0 - share)).ln() + ratio.iter().sum::<f64>())
}

/// The ring's share among the other openings.
fn share(others: &[(usize, [f64; 2])]) -> Option<f64> {
    let mut share: f64 = 0.2;
    for _ in 0..50 {
        let sum: f64 = others.iter().map(|(_, r)| posterior(share, r)).sum();
        share = (sum / others.len() as f64).clamp(0.001, 0.99);
    }
    (!others.is_empty()).then_some(share)
}
