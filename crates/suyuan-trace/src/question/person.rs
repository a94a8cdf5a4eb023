//! Where did persons' data leak? Columns: accounts by their look-ups; for card-holders also whoever
//! captured identities.
//!
//! One pass over the look-ups serves both questions. A look-up that a work order explains weighs
//! less. For card-holders only what came before the opening counts, and not the opening's own steps:
//! a look-up by the opening account within a day, a capture by the counter itself within half an hour.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{EntityKind, Question};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::records::work_order::WorkOrderColumns;
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::{DAY, HOUR};

use super::{Answer, Behind, Best, WORTH, entity, merge, outside, source};
use crate::attribute::{Clock, Settings, attribute};
use crate::facts::{Bar, Facts, Row, city, scan};
use crate::intern::{Id, Lookup, NONE};
use crate::tally::{Held, Tally};

/// What a look-up with a valid work order weighs.
const WITH_ORDER: f64 = 0.2;
/// What a look-up with an order weighs that cannot be checked, since the orders are not in the records.
const WITH_UNKNOWN_ORDER: f64 = 0.5;

/// Persons impersonated: when, and through which account the card was opened.
pub type Impersonated = BTreeMap<Id, (i64, Id)>;

/// The look-ups and captures, counted.
pub struct Lookups {
    tally: Tally,
    keys: Vec<(EntityKind, Id)>,
    persons: Vec<Id>,
    /// Bulk accesses that name no person: rows and sum of their counts.
    pub bulk: (u64, u64),
}

struct Counting<'a> {
    tally: Tally,
    columns: BTreeMap<(EntityKind, Id), u32>,
    keys: Vec<(EntityKind, Id)>,
    person: Lookup<Id, u32>,
    persons: Vec<Id>,
    strata: Lookup<Id, u32>,
    regions: BTreeMap<String, u32>,
    interest: &'a BTreeSet<Id>,
}

impl Counting<'_> {
    fn column(&mut self, kind: EntityKind, id: Id) -> u32 {
        let (keys, tally) = (&mut self.keys, &mut self.tally);
        *self.columns.entry((kind, id)).or_insert_with(|| {
            keys.push((kind, id));
            tally.column(u8::from(kind != EntityKind::Account), None)
        })
    }

    /// A person belongs to the outlet that touches them most; where none does, to the city of their identity.
    fn person(&mut self, f: &mut Facts, subject: Id, outlet: Id, place: Option<&str>) -> u32 {
        if let Some(p) = self.person.get(&subject).copied() {
            if outlet != NONE {
                let stratum = self.stratum(f, outlet, None);
                self.tally.belongs(p, stratum);
            }
            return p;
        }
        let stratum = self.stratum(f, outlet, place);
        let thing = self.tally.thing(stratum);
        if outlet != NONE {
            self.tally.belongs(thing, stratum);
        }
        self.person.insert(subject, thing);
        self.persons.push(subject);
        if self.interest.contains(&subject) {
            self.tally.follow(thing);
        }
        thing
    }

    fn stratum(&mut self, f: &mut Facts, outlet: Id, place: Option<&str>) -> u32 {
        let (key, place) = if outlet != NONE {
            (outlet, city(f.name(f.outlet_region(outlet))).unwrap_or("").to_owned())
        } else {
            let place = place.unwrap_or("").to_owned();
            (f.names.id(Some(&format!("place {place}"))), place)
        };
        if let Some(s) = self.strata.get(&key) {
            return *s;
        }
        let next = self.regions.len() as u32;
        let region = *self.regions.entry(place).or_insert(next);
        let s = self.tally.stratum(region);
        self.strata.insert(key, s);
        s
    }
}

fn orders(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<Lookup<Id, Id>, ScanError> {
    let mut out: Lookup<Id, Id> = Lookup::default();
    scan(source, Kind::WorkOrder, &["order", "subject"], bar, |batch, rows| {
        let c = WorkOrderColumns::bind(batch);
        for i in rows {
            let order = f.names.id(c.order.get(i));
            let subject = f.names.id(c.subject.get(i));
            out.insert(order, subject);
        }
    })?;
    Ok(out)
}

/// Counts look-ups and captures once, following the persons of interest.
pub fn count(
    f: &mut Facts,
    source: &dyn RowSource,
    interest: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<Lookups, ScanError> {
    let orders = orders(f, source, bar)?;
    let checkable = source.count(Kind::WorkOrder) > 0;
    let mut n = Counting {
        tally: Tally::new(f.horizon()),
        columns: BTreeMap::new(),
        keys: Vec::new(),
        person: Lookup::default(),
        persons: Vec::new(),
        strata: Lookup::default(),
        regions: BTreeMap::new(),
        interest,
    };
    let mut bulk = (0, 0);
    let columns = ["account", "subject", "subject_region6", "subject_segment", "rows", "result", "order"];
    scan(source, Kind::Access, &columns, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows {
            if c.result.get(i) == Some("denied") {
                continue;
            }
            let Some(subject) = c.subject.get(i) else {
                bulk.0 += 1;
                bulk.1 += c.rows.get(i).unwrap_or(0).max(0) as u64;
                continue;
            };
            let account = f.names.id(c.account.get(i));
            let subject = f.names.id(Some(subject));
            let order = c.order.get(i).map(|o| f.names.find(o).and_then(|o| orders.get(&o).copied()));
            let weight = match order {
                None => 1.0,
                Some(Some(s)) if s == NONE || s == subject => WITH_ORDER,
                Some(None) if !checkable => WITH_UNKNOWN_ORDER,
                Some(_) => 1.0,
            };
            let outlet = f.home(account);
            let place = c.subject.region6.get(i).and_then(city).or(c.subject.segment.get(i));
            let thing = n.person(f, subject, outlet, place);
            let column = n.column(EntityKind::Account, account);
            let row = if n.tally.followed(thing) {
                crate::facts::row(&c.key, &mut f.names, Kind::Access, i)
            } else {
                Row::nowhere(c.key.ts(i))
            };
            let day = f.day(row.ts);
            n.tally.touch(column, thing, day, weight, row);
        }
    })?;
    for k in 0..f.captures.len() {
        let c = f.captures[k];
        let by = if c.collector != NONE {
            (EntityKind::Collector, c.collector)
        } else {
            (EntityKind::Device, c.device)
        };
        if by.1 == NONE {
            continue;
        }
        let place = (c.place != NONE).then(|| f.name(c.place).to_owned());
        let thing = n.person(f, c.subject, NONE, place.as_deref().and_then(city));
        let column = n.column(by.0, by.1);
        let day = f.day(c.row.ts);
        n.tally.touch(column, thing, day, 1.0, c.row);
    }
    Ok(Lookups { tally: n.tally, keys: n.keys, persons: n.persons, bulk })
}

/// Asks for the leak of card-holders' identities. `collectors` are those whose captures led to a
/// ring's openings, with the ring's probability: what passed through them is not honest risk.
pub fn holders(
    f: &Facts,
    l: &mut Lookups,
    harmed: &Impersonated,
    settings: &Settings,
    collectors: &BTreeMap<Id, f64>,
) -> Answer {
    let keys = l.keys.clone();
    let persons = l.persons.clone();
    let own_step = |h: &Held| {
        let Some((ts, account)) = harmed.get(&persons[h.thing as usize]) else { return true };
        match keys[h.column as usize] {
            (EntityKind::Account, a) => a == *account && h.row.ts > ts - DAY,
            (EntityKind::Collector, c) if c != *account => false,
            _ => h.row.ts > ts - HOUR / 2,
        }
    };
    let when: BTreeMap<Id, i64> = harmed.iter().map(|(p, (ts, _))| (*p, *ts)).collect();
    let known: BTreeMap<u32, f64> = keys
        .iter()
        .enumerate()
        .filter(|(_, k)| k.0 == EntityKind::Collector)
        .filter_map(|(i, k)| collectors.get(&k.1).map(|p| (i as u32, *p)))
        .collect();
    ask(f, l, Question::HolderIdentity, (&when, &known), settings, |_| true, |h| !own_step(h))
}

/// Asks for the leak of fraud victims' data.
pub fn victims(f: &Facts, l: &mut Lookups, harmed: &BTreeMap<Id, i64>, settings: &Settings) -> Answer {
    let keys = l.keys.clone();
    let accounts = |c: u32| keys[c as usize].0 == EntityKind::Account;
    ask(f, l, Question::VictimData, (harmed, &BTreeMap::new()), settings, accounts, |_| true)
}

fn ask(
    f: &Facts,
    l: &mut Lookups,
    question: Question,
    (harmed, known): (&BTreeMap<Id, i64>, &BTreeMap<u32, f64>),
    settings: &Settings,
    keep: impl Fn(u32) -> bool,
    counts: impl Fn(&Held) -> bool,
) -> Answer {
    let days: Vec<(u32, f64)> = l
        .persons
        .iter()
        .enumerate()
        .filter_map(|(i, p)| harmed.get(p).map(|ts| (i as u32, f.day(*ts))))
        .collect();
    if days.len() < 2 {
        let outside = (!harmed.is_empty()).then(|| outside::told(question, harmed.len(), None));
        return Answer { sources: Vec::new(), outside, best: Best::default() };
    }
    let exposure = l.tally.things_of();
    let (problem, asked, things) = l.tally.problem(Clock::Calendar, keep, &days, &counts);
    let known: BTreeMap<u32, f64> =
        asked.iter().enumerate().filter_map(|(i, c)| known.get(c).map(|p| (i as u32, *p))).collect();
    let scored = attribute(&problem, settings, &known);
    let place: BTreeMap<u32, usize> = things.iter().enumerate().map(|(i, t)| (*t, i)).collect();
    let mut found = Vec::new();
    for s in scored.iter().filter(|s| s.probability >= WORTH) {
        let column = asked[s.column as usize];
        let (kind, id) = l.keys[column as usize];
        let rows = l
            .tally
            .held()
            .iter()
            .filter(|h| h.column == column && counts(h))
            .filter(|h| place.get(&h.thing).is_some_and(|i| days[*i].1 > h.day))
            .map(|h| h.row)
            .collect();
        let behind = Behind {
            entity: entity(f, kind, id),
            finer: Vec::new(),
            exposure: exposure[column as usize],
            rows,
        };
        let set = s
            .set
            .iter()
            .map(|(c, p)| {
                let (kind, id) = l.keys[asked[*c as usize] as usize];
                (entity(f, kind, id), *p)
            })
            .collect();
        found.extend(source(f, question, s, &behind, set));
    }
    let outside = Some(outside::told(question, harmed.len(), Some((&problem, &scored))));
    Answer { sources: merge(found), outside, best: Best::of(&scored) }
}

impl Lookups {
    /// Who touched each of these persons, in order of time.
    pub fn touches_of(&self, persons: &BTreeSet<Id>) -> BTreeMap<Id, Vec<(EntityKind, Id, Row)>> {
        let mut out: BTreeMap<Id, Vec<(EntityKind, Id, Row)>> = BTreeMap::new();
        for h in self.tally.held() {
            let person = self.persons[h.thing as usize];
            if persons.contains(&person) {
                let (kind, id) = self.keys[h.column as usize];
                out.entry(person).or_default().push((kind, id, h.row));
            }
        }
        out.values_mut().for_each(|list| list.sort_by_key(|t| (t.2.ts, t.2.kind as u8, t.2.source, t.2.seq)));
        out
    }

    /// Rows by which an entity touched any of these persons, and how many of them.
    pub fn touched(&self, kind: EntityKind, id: Id, persons: &BTreeSet<Id>) -> (Vec<Row>, BTreeSet<Id>) {
        let mut rows = Vec::new();
        let mut who = BTreeSet::new();
        for h in self.tally.held() {
            let person = self.persons[h.thing as usize];
            if self.keys[h.column as usize] == (kind, id) && persons.contains(&person) {
                rows.push(h.row);
                who.insert(person);
            }
        }
        (rows, who)
    }
}
