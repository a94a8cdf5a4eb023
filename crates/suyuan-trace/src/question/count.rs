//! One pass over the look-ups and captures: who touched how many persons, when; the persons of interest with their rows.
//!
//! Tokens of persons are not kept: a key of fixed size stands for each ([`Print`]), and only the persons of interest have an
//! id. A run of rows is read in steps (keys, numbers, counts), so that the waits for memory of many rows overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::EntityKind;
use suyuan_model::records::access::AccessColumns;
use suyuan_model::records::work_order::WorkOrderColumns;
use suyuan_model::scan::{RowSource, ScanError};

use super::person::Lookups;
use crate::facts::{Bar, Facts, city, row, scan};
use crate::intern::{Id, Lookup, NONE};
use crate::prints::{Print, Prints};
use crate::tally::{Reason, Tally};

/// Rows of one step: what they touch fits the nearer caches.
const STEP: usize = 1024;

/// An account as the count knows it.
#[derive(Clone, Copy)]
struct Account {
    column: u32,
    outlet: Id,
    /// The stratum of its outlet, once someone was looked up there.
    stratum: Option<u32>,
}

struct Counting {
    tally: Tally,
    columns: BTreeMap<(EntityKind, Id), u32>,
    keys: Vec<(EntityKind, Id)>,
    accounts: Prints,
    persons: Prints,
    account: Vec<Account>,
    /// Persons of interest by their number in `sought`.
    interest: Vec<Id>,
    sought: Prints,
    followed: BTreeMap<u32, Id>,
    outlets: Lookup<Id, u32>,
    places: Lookup<Print, u32>,
    regions: BTreeMap<String, u32>,
}

impl Counting {
    fn column(&mut self, kind: EntityKind, id: Id) -> u32 {
        let (keys, tally) = (&mut self.keys, &mut self.tally);
        *self.columns.entry((kind, id)).or_insert_with(|| {
            keys.push((kind, id));
            tally.column(u8::from(kind != EntityKind::Account), None)
        })
    }

    fn account(&mut self, f: &mut Facts, text: Option<&str>) -> usize {
        let known = self.accounts.number(Print::of(text.unwrap_or("")));
        if known.new {
            let id = f.names.id(text);
            let column = self.column(EntityKind::Account, id);
            self.account.push(Account { column, outlet: f.home(id), stratum: None });
        }
        known.number as usize
    }

    /// The thing that a person is, and whether it is one of interest. Who is new belongs to the outlet of that account, or
    /// to a place where it has none.
    fn person<'p>(
        &mut self,
        f: &Facts,
        person: Print,
        account: Option<usize>,
        place: impl FnOnce() -> Option<&'p str>,
    ) -> (u32, bool) {
        let known = self.persons.number(person);
        if !known.new {
            return (known.number, known.marked);
        }
        let of_outlet = account.and_then(|a| self.of_outlet(f, a));
        let stratum = of_outlet.unwrap_or_else(|| self.of_place(place().unwrap_or("")));
        self.tally.thing(stratum);
        let sought = self.sought.find(person);
        if let Some(k) = sought {
            self.persons.mark(person);
            self.followed.insert(known.number, self.interest[k as usize]);
        }
        (known.number, sought.is_some())
    }

    /// The stratum of an account's outlet, where it has one.
    fn of_outlet(&mut self, f: &Facts, account: usize) -> Option<u32> {
        let Account { outlet, stratum, .. } = self.account[account];
        if outlet == NONE || stratum.is_some() {
            return stratum;
        }
        let stratum = match self.outlets.get(&outlet) {
            Some(s) => *s,
            None => {
                let s = self.stratum(city(f.name(f.outlet_region(outlet))).unwrap_or(""));
                self.outlets.insert(outlet, s);
                s
            }
        };
        self.account[account].stratum = Some(stratum);
        Some(stratum)
    }

    fn of_place(&mut self, place: &str) -> u32 {
        let key = Print::of(place);
        if let Some(s) = self.places.get(&key) {
            return *s;
        }
        let s = self.stratum(place);
        self.places.insert(key, s);
        s
    }

    fn stratum(&mut self, region: &str) -> u32 {
        let next = self.regions.len() as u32;
        let region = *self.regions.entry(region.to_owned()).or_insert(next);
        self.tally.stratum(region)
    }
}

/// Work orders: whom each is about, where it names someone.
struct Orders {
    subjects: Lookup<Print, Option<Print>>,
    /// Whether there are orders at all.
    checkable: bool,
}

impl Orders {
    fn read(source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<Orders, ScanError> {
        let mut subjects: Lookup<Print, Option<Print>> = Lookup::default();
        scan(source, Kind::WorkOrder, &["order", "subject"], bar, |batch, rows| {
            let c = WorkOrderColumns::bind(batch);
            for i in rows {
                if let Some(order) = c.order.get(i) {
                    subjects.insert(Print::of(order), c.subject.get(i).map(Print::of));
                }
            }
        })?;
        Ok(Orders { subjects, checkable: source.count(Kind::WorkOrder) > 0 })
    }

    /// Whether an order explains that this person was looked up.
    fn reason(&self, order: Option<&str>, person: Print) -> Reason {
        let Some(order) = order else { return Reason::None };
        match self.subjects.get(&Print::of(order)) {
            Some(of) if of.is_none_or(|p| p == person) => Reason::Order,
            None if !self.checkable => Reason::Unchecked,
            _ => Reason::None,
        }
    }
}

/// Counts look-ups and captures once, following the persons of interest.
pub fn count(
    f: &mut Facts,
    source: &dyn RowSource,
    interest: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<Lookups, ScanError> {
    let orders = Orders::read(source, bar)?;
    let mut n = Counting {
        tally: Tally::new(f.horizon()),
        columns: BTreeMap::new(),
        keys: Vec::new(),
        accounts: Prints::default(),
        persons: Prints::default(),
        account: Vec::new(),
        interest: interest.iter().copied().collect(),
        sought: Prints::default(),
        followed: BTreeMap::new(),
        outlets: Lookup::default(),
        places: Lookup::default(),
        regions: BTreeMap::new(),
    };
    for id in interest {
        n.sought.number(Print::of(f.name(*id)));
    }
    let mut bulk = (0, 0);
    let columns = ["account", "subject", "subject_region6", "subject_segment", "rows", "result", "order"];
    let mut step = Step::default();
    scan(source, Kind::Access, &columns, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        let mut from = rows.start;
        while from < rows.end {
            let to = rows.end.min(from + STEP);
            step.run(&mut n, f, &c, from..to, &orders, &mut bulk);
            from = to;
        }
    })?;
    captures(&mut n, f);
    Ok(Lookups {
        tally: n.tally,
        keys: n.keys,
        columns: n.columns,
        persons: n.followed,
        numbers: n.persons,
        bulk,
        canaries: BTreeSet::new(),
    })
}

/// Rows that are read together.
#[derive(Default)]
struct Step {
    rows: Vec<usize>,
    persons: Vec<Print>,
    /// Of each row: account, thing, whether the thing is of interest.
    touches: Vec<(usize, u32, bool)>,
}

impl Step {
    fn run(
        &mut self,
        n: &mut Counting,
        f: &mut Facts,
        c: &AccessColumns<'_>,
        rows: Range<usize>,
        orders: &Orders,
        bulk: &mut (u64, u64),
    ) {
        self.rows.clear();
        self.persons.clear();
        self.touches.clear();
        for i in rows {
            if c.result.get(i) == Some("denied") {
                continue;
            }
            if let Some(subject) = c.subject.get(i) {
                self.rows.push(i);
                self.persons.push(Print::of(subject));
            } else {
                bulk.0 += 1;
                bulk.1 += c.rows.get(i).unwrap_or(0).max(0) as u64;
            }
        }
        n.persons.near(self.persons.iter().copied());
        for (i, person) in self.rows.iter().zip(&self.persons) {
            let account = n.account(f, c.account.get(*i));
            let place = || c.subject.region6.get(*i).and_then(city).or(c.subject.segment.get(*i));
            let (thing, kept) = n.person(f, *person, Some(account), place);
            self.touches.push((account, thing, kept));
        }
        let at_outlets = self.touches.iter().filter(|t| n.account[t.0].outlet != NONE);
        n.tally.near(at_outlets.map(|t| t.1));
        for ((i, person), (account, thing, kept)) in self.rows.iter().zip(&self.persons).zip(&self.touches) {
            // A person belongs to the outlet that touches them most.
            if n.account[*account].outlet != NONE
                && let Some(stratum) = n.of_outlet(f, *account)
            {
                n.tally.belongs(*thing, stratum);
            }
            let row = kept.then(|| row(&c.key, &mut f.names, Kind::Access, *i));
            let reason = orders.reason(c.order.get(*i), *person);
            n.tally.touch(n.account[*account].column, *thing, f.day(c.key.ts(*i)), reason, row);
        }
    }
}

/// Captures: whoever took an identity, the device where nobody is named.
fn captures(n: &mut Counting, f: &Facts) {
    for c in &f.captures {
        let by = if c.collector != NONE {
            (EntityKind::Collector, c.collector)
        } else {
            (EntityKind::Device, c.device)
        };
        if by.1 == NONE {
            continue;
        }
        let place = || Some(f.name(c.place)).and_then(city);
        let (thing, kept) = n.person(f, Print::of(f.name(c.subject)), None, place);
        let column = n.column(by.0, by.1);
        n.tally.touch(column, thing, f.day(c.row.ts), Reason::None, kept.then_some(c.row));
    }
}
