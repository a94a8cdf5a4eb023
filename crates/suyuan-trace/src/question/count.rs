//! One pass over the look-ups and captures: who touched how many persons, when; the persons of interest with their rows.
//!
//! Tokens of persons are not kept: a key of fixed size stands for each ([`Print`]), and only the persons of interest have an
//! id.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use suyuan_model::Kind;
use suyuan_model::columns::{Column, Key};
use suyuan_model::outcome::EntityKind;
use suyuan_model::scan::{RowSource, ScanError, Want};
use suyuan_model::time::DAY;

use super::again;
use super::orders::Orders;
use super::person::Lookups;
use super::seen::{Lookups as Rows, Remembered};
use crate::facts::{Bar, Facts, city, scan_since};
use crate::intern::{Id, Interner, Lookup, NONE, Seen};
use crate::kept::Shelf;
use crate::prints::{Print, Prints, Sieve};
use crate::tally::{Reason, Tally};

/// An account as the count knows it.
#[derive(Clone, Copy)]
pub(super) struct Account {
    pub column: u32,
    outlet: Id,
    /// The stratum of its outlet, once someone was looked up there.
    stratum: Option<u32>,
}

/// The count so far.
pub(super) struct Counting {
    pub tally: Tally,
    columns: BTreeMap<(EntityKind, Id), u32>,
    pub keys: Vec<(EntityKind, Id)>,
    pub accounts: Prints,
    pub account: Vec<Account>,
    /// The accounts and strata that texts were seen to be.
    accounts_seen: Remembered,
    places_seen: Remembered,
    /// Persons of interest.
    pub interest: Vec<Id>,
    sought: Sieve,
    /// Those of them that were touched, by their number.
    pub followed: BTreeMap<u32, Id>,
    pub outlets: Lookup<Id, u32>,
    pub places: Lookup<Print, u32>,
    pub regions: BTreeMap<String, u32>,
    /// Bulk accesses that name no person: rows and sum of their counts.
    pub bulk: (u64, u64),
    /// Rows of look-ups, of all kinds.
    pub rows: u64,
    /// Orders that look-ups name and that were not known before the kept counts end.
    pub unknown: Seen<Print>,
    /// Sources of the kept touches: numbered here until all are in their order.
    pub sources: Interner,
}

impl Counting {
    /// Nothing is counted yet.
    pub fn new(f: &Facts, interest: &BTreeSet<Id>, threads: usize) -> Counting {
        let sought = interest.iter().map(|id| (Print::of(f.name(*id)), *id)).collect();
        Counting {
            tally: Tally::new(f.horizon()).on(threads),
            columns: BTreeMap::new(),
            keys: Vec::new(),
            accounts: Prints::default(),
            account: Vec::new(),
            accounts_seen: Remembered::default(),
            places_seen: Remembered::default(),
            interest: interest.iter().copied().collect(),
            sought: Sieve::of(sought),
            followed: BTreeMap::new(),
            outlets: Lookup::default(),
            places: Lookup::default(),
            regions: BTreeMap::new(),
            bulk: (0, 0),
            rows: 0,
            unknown: Seen::default(),
            sources: Interner::default(),
        }
    }

    fn column(&mut self, kind: EntityKind, id: Id) -> u32 {
        let (keys, tally) = (&mut self.keys, &mut self.tally);
        *self.columns.entry((kind, id)).or_insert_with(|| {
            keys.push((kind, id));
            tally.column(u8::from(kind != EntityKind::Account), None)
        })
    }

    /// The number of an account, a new one where it has none.
    pub fn account(&mut self, f: &mut Facts, text: Option<&str>) -> usize {
        let known = self.accounts.number(Print::of(text.unwrap_or("")));
        if known.new {
            let id = f.names.id(text);
            let column = self.column(EntityKind::Account, id);
            self.account.push(Account { column, outlet: f.home(id), stratum: None });
        }
        known.number as usize
    }

    /// Finds the persons of interest that were touched.
    pub fn follow(&mut self, f: &Facts) {
        for id in &self.interest {
            if let Some(number) = self.tally.find(Print::of(f.name(*id))) {
                self.followed.insert(number, *id);
            }
        }
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

/// Where kept counts end: at the first instant of the last bin, since what earlier bins hold stays so while the records grow.
pub(super) fn end(f: &Facts) -> i64 {
    let tally = Tally::new(f.horizon());
    let start = f.span.map_or(0, |s| s.0);
    let mut at = start + (tally.last_bin() * DAY as f64) as i64;
    // Days are rounded; this goes a microsecond or none.
    while tally.in_last_bin(f.day(at)) && at > start {
        at -= 1;
    }
    while !tally.in_last_bin(f.day(at)) {
        at += 1;
    }
    at
}

/// Counts look-ups and captures once, following the persons of interest. What the shelf holds of earlier look-ups is not
/// counted again.
pub fn count(
    f: &mut Facts,
    source: &dyn RowSource,
    interest: &BTreeSet<Id>,
    threads: usize,
    mut shelf: Option<&mut dyn Shelf>,
    bar: &mut Bar<'_>,
) -> Result<Lookups, ScanError> {
    let end = end(f);
    let kept = match shelf.as_deref_mut() {
        Some(shelf) => again::open(f, source, shelf, end)?,
        None => None,
    };
    let instants: Vec<i64> = kept.as_ref().map(|k| k.head.end).into_iter().chain([end]).collect();
    let orders = Orders::read(source, &instants, bar)?;
    let resumed = match (kept, shelf.as_deref_mut()) {
        (Some(kept), Some(shelf)) => again::read(f, source, (interest, threads), &orders, kept, shelf, bar)?,
        _ => None,
    };
    let from = resumed.as_ref().map(|r| r.1);
    let mut n = resumed.map_or_else(|| Counting::new(f, interest, threads), |r| r.0);
    let mut keep = |n: &mut Counting, f: &Facts| {
        if let Some(shelf) = shelf.as_deref_mut().filter(|_| from != Some(end)) {
            again::keep(n, f, &orders, end, shelf);
        }
    };
    let want = Want::only(Kind::Access, &Rows::COLUMNS).coded(&Rows::CODES);
    let mut early = true;
    scan_since(source, want, from, bar, |batch, rows| {
        let c = Rows::bind(batch);
        let middle = if early { first_at(&c.key, rows.clone(), end) } else { rows.start };
        n.look_ups(f, &c, rows.start..middle, &orders, Some(end));
        if early && middle < rows.end {
            keep(&mut n, f);
            early = false;
        }
        n.look_ups(f, &c, middle..rows.end, &orders, None);
    })?;
    if early {
        keep(&mut n, f);
    }
    n.tally.take_in();
    settle(&mut n, f);
    captures(&mut n, f);
    n.follow(f);
    Ok(Lookups {
        tally: n.tally,
        keys: n.keys,
        columns: n.columns,
        persons: n.followed,
        bulk: n.bulk,
        canaries: BTreeSet::new(),
    })
}

/// The first of these rows at or after an instant.
fn first_at(key: &Key<'_>, rows: Range<usize>, instant: i64) -> usize {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if key.ts(middle) < instant { low = middle + 1 } else { high = middle }
    }
    low
}

/// Puts the kept touches into the order of their rows, whether read now or earlier.
fn settle(n: &mut Counting, f: &mut Facts) {
    let mut sources: Vec<Id> = (0..n.sources.len()).collect();
    sources.sort_by_key(|s| n.sources.get(*s));
    let mut rank = vec![0; sources.len()];
    sources.iter().enumerate().for_each(|(i, s)| rank[*s as usize] = i);
    n.tally.settle(
        |h| (h.row.ts, rank[h.row.source as usize], h.row.seq),
        |source| f.names.id(Some(n.sources.get(source))),
    );
}

impl Counting {
    /// Counts rows; those before `end` are of the counts that are kept.
    fn look_ups(
        &mut self,
        f: &mut Facts,
        c: &Rows<'_>,
        rows: Range<usize>,
        orders: &Orders,
        end: Option<i64>,
    ) {
        self.rows += rows.len() as u64;
        let (mut accounts, mut places) =
            (std::mem::take(&mut self.accounts_seen), std::mem::take(&mut self.places_seen));
        accounts.begin(&c.account, rows.len());
        places.begin(&c.segment, rows.len());
        for i in rows {
            if c.result.get(i) == Some("denied") {
                continue;
            }
            let Some(subject) = c.subject.get(i) else {
                self.bulk.0 += 1;
                self.bulk.1 += c.rows.get(i).unwrap_or(0).max(0) as u64;
                continue;
            };
            let person = Print::of(subject);
            let account = accounts.number(&c.account, i, |text| self.account(f, text) as u32) as usize;
            // Who is new belongs to the outlet of the account, or to a place where it has none; later to the outlet that
            // touches them most.
            let belongs = match self.of_outlet(f, account) {
                Some(stratum) => (stratum, true),
                None => match c.region6.get(i).and_then(city) {
                    Some(city) => (self.of_place(city), false),
                    None => {
                        let of = |segment: Option<&str>| self.of_place(segment.unwrap_or(""));
                        (places.number(&c.segment, i, of), false)
                    }
                },
            };
            let order = c.order.get(i).map(Print::of);
            if let (Some(order), Some(end)) = (order, end)
                && orders.checkable()
                && !orders.known(order, end)
            {
                self.unknown.insert(order);
            }
            let reason = orders.reason(order, person);
            let kept = self.sought.find(person).is_some();
            let row = kept.then(|| c.row(&mut self.sources, i));
            let column = self.account[account].column;
            self.tally.meet((column, person), belongs, f.day(c.key.ts(i)), reason, row);
        }
        (self.accounts_seen, self.places_seen) = (accounts, places);
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
        let person = Print::of(f.name(c.subject));
        let belongs = (n.of_place(place().unwrap_or("")), false);
        let column = n.column(by.0, by.1);
        let row = n.sought.find(person).map(|_| c.row);
        n.tally.meet((column, person), belongs, f.day(c.row.ts), Reason::None, row);
    }
}
