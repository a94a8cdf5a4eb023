//! Counting on from what an earlier run counted.
//!
//! Kept are the counts of every look-up before an instant, the start of the last bin: the count goes by time, so they are
//! what a count of all would hold at that instant, and going on from them ends in the same bytes. Kept beside them are the
//! touches of those who were harmed then; of those who are harmed now and were not, they are read again by the person alone,
//! and of those who no longer are, they are left out.
//!
//! Counts are taken up only if nothing has changed that they rest on: the first day and the length of bins, how many
//! look-ups lie before the instant (rows are never taken out of a lake, so as many are the same), what orders say of them,
//! where their accounts work. Else all is counted anew, and so it is where the file is amiss in any way.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::EntityKind;
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{Pick, RowSource, ScanError};

use super::count::Counting;
use super::orders::Orders;
use crate::codec::{In, Out};
use crate::facts::{Bar, Facts, Row, city, row, runs};
use crate::intern::{Id, Lookup, NONE};
use crate::kept::{Part, Shelf};
use crate::prints::Print;
use crate::tally::{Held, Tally};

/// What the counts rest on.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    /// First instant of the records.
    start: i64,
    bin_days: f64,
    /// Where the counts end.
    pub end: i64,
    /// Look-ups before that.
    rows: u64,
    /// Whether there were orders, and those before the end.
    checkable: bool,
    orders: u64,
    /// Of orders that look-ups name and that were not known then: what is said of them.
    unknown: Vec<(Print, Option<Option<Print>>)>,
}

/// Changes with what is written.
const VERSION: u64 = 4;

impl Head {
    fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        out.number(VERSION)?;
        out.signed(self.start)?;
        out.number(self.bin_days.to_bits())?;
        out.signed(self.end)?;
        out.number(self.rows)?;
        out.number(u64::from(self.checkable))?;
        out.number(self.orders)?;
        out.number(self.unknown.len() as u64)?;
        for (order, about) in &self.unknown {
            out.bytes(&order.to_bytes())?;
            match about {
                None => out.number(0)?,
                Some(None) => out.number(1)?,
                Some(Some(subject)) => {
                    out.number(2)?;
                    out.bytes(&subject.to_bytes())?;
                }
            }
        }
        Ok(())
    }

    fn read(from: &mut In) -> Option<Head> {
        if from.number()? != VERSION {
            return None;
        }
        let mut head = Head {
            start: from.signed()?,
            bin_days: f64::from_bits(from.number()?),
            end: from.signed()?,
            rows: from.number()?,
            checkable: from.number()? == 1,
            orders: from.number()?,
            unknown: Vec::new(),
        };
        for _ in 0..from.number()? {
            let order = print(from)?;
            let about = match from.number()? {
                0 => None,
                1 => Some(None),
                _ => Some(Some(print(from)?)),
            };
            head.unknown.push((order, about));
        }
        Some(head)
    }

    /// Stands for the counts: touches belong to these and no others.
    fn stamp(&self) -> io::Result<Print> {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes);
        self.write(&mut out)?;
        out.end()?;
        Ok(Print::of_bytes(&bytes))
    }
}

fn print(from: &mut In) -> Option<Print> {
    Print::from_bytes(from.bytes()?)
}

/// Counts that were kept, read as far as their head.
pub(super) struct Kept {
    pub head: Head,
    body: In,
}

/// Opens what is kept, if the look-ups that were counted are those that lie before its end now.
pub(super) fn open(
    f: &Facts,
    source: &dyn RowSource,
    shelf: &mut dyn Shelf,
    end: i64,
) -> Result<Option<Kept>, ScanError> {
    let Some(mut body) = shelf.take(Part::Counts).map(In::new) else { return Ok(None) };
    let Some(head) = Head::read(&mut body) else { return Ok(None) };
    let (start, bin_days) = (f.span.map_or(0, |s| s.0), Tally::new(f.horizon()).bin_days());
    let same = head.start == start && head.bin_days == bin_days && head.end <= end;
    let same = same && source.count_before(Kind::Access, head.end)? == head.rows;
    Ok(same.then_some(Kept { head, body }))
}

/// The count as it was, with the touches of those who are of interest now, and where it ended.
pub(super) fn read(
    f: &mut Facts,
    source: &dyn RowSource,
    (interest, threads): (&BTreeSet<Id>, usize),
    orders: &Orders,
    mut kept: Kept,
    shelf: &mut dyn Shelf,
    bar: &mut Bar<'_>,
) -> Result<Option<(Counting, i64)>, ScanError> {
    let Kept { head, .. } = &kept;
    let early = orders.early(head.end);
    let said = early.is_some_and(|e| e.digest == head.orders && !e.revised)
        && head.checkable == orders.checkable()
        && head.unknown.iter().all(|(order, about)| orders.about(*order) == *about);
    if !said {
        return Ok(None);
    }
    let Some(mut n) = Counting::read(f, (interest, threads), &mut kept.body) else { return Ok(None) };
    n.rows = kept.head.rows;
    n.unknown = kept.head.unknown.iter().map(|u| u.0).collect();
    n.follow(f);
    let Ok(stamp) = kept.head.stamp() else { return Ok(None) };
    let had =
        shelf.take(Part::Touches).map(In::new).and_then(|mut from| touches(&mut n, f, stamp, &mut from));
    let had = had.unwrap_or_default();
    let new: BTreeSet<u32> = n.followed.keys().filter(|k| !had.contains(k)).copied().collect();
    if !new.is_empty() {
        fetch(&mut n, f, source, orders, &new, kept.head.end, bar)?;
    }
    if !new.is_empty() || had.len() != n.followed.len() {
        keep_touches(&n, &kept.head, shelf);
    }
    Ok(Some((n, kept.head.end)))
}

/// Reads the touches of some persons that were counted and not kept.
fn fetch(
    n: &mut Counting,
    f: &Facts,
    source: &dyn RowSource,
    orders: &Orders,
    persons: &BTreeSet<u32>,
    end: i64,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let texts = persons.iter().map(|p| f.name(n.followed[p]).to_owned()).collect();
    let pick = Pick { column: "subject", texts: Arc::new(texts), before: end };
    let stream = source.scan_picked(Kind::Access, &["account", "subject", "result", "order"], pick)?;
    runs(stream, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows.filter(|i| c.result.get(*i) != Some("denied")) {
            let Some(person) = c.subject.get(i).map(Print::of) else { continue };
            let account = n.accounts.find(Print::of(c.account.get(i).unwrap_or("")));
            let (Some(thing), Some(account)) = (n.tally.find(person), account) else { continue };
            let row = row(&c.key, &mut n.sources, Kind::Access, i);
            n.tally.hold(Held {
                column: n.account[account as usize].column,
                thing,
                row,
                day: f.day(row.ts),
                weight: orders.reason(c.order.get(i).map(Print::of), person).weight(),
            });
        }
    })
}

/// Keeps the count, which ends where kept counts end.
pub(super) fn keep(n: &mut Counting, f: &Facts, orders: &Orders, end: i64, shelf: &mut dyn Shelf) {
    let Some(early) = orders.early(end).filter(|e| !e.revised) else { return };
    let still = n.unknown.iter().filter(|o| !orders.known(**o, end));
    let mut unknown: Vec<_> = still.map(|o| (*o, orders.about(*o))).collect();
    unknown.sort_unstable();
    let head = Head {
        start: f.span.map_or(0, |s| s.0),
        bin_days: n.tally.bin_days(),
        end,
        rows: n.rows,
        checkable: orders.checkable(),
        orders: early.digest,
        unknown,
    };
    shelf.keep(Part::Counts, n.rows, &mut |to| {
        let mut out = Out::new(to);
        head.write(&mut out)?;
        n.write(f, &mut out)?;
        out.end()
    });
    n.follow(f);
    keep_touches(n, &head, shelf);
}

fn keep_touches(n: &Counting, head: &Head, shelf: &mut dyn Shelf) {
    shelf.keep(Part::Touches, n.rows, &mut |to| {
        let mut out = Out::new(to);
        out.bytes(&head.stamp()?.to_bytes())?;
        out.number(n.followed.len() as u64)?;
        n.followed.keys().try_for_each(|p| out.number(u64::from(*p)))?;
        out.number(u64::from(n.sources.len()))?;
        (0..n.sources.len()).try_for_each(|s| out.text(n.sources.get(s)))?;
        let held = n.tally.held();
        out.number(held.len() as u64)?;
        for h in held {
            out.number(u64::from(h.column))?;
            out.number(u64::from(h.thing))?;
            out.number(h.weight.to_bits())?;
            out.signed(h.row.ts)?;
            out.number(u64::from(h.row.source))?;
            out.signed(h.row.seq)?;
            out.signed(h.row.file)?;
            out.signed(h.row.line)?;
        }
        out.end()
    });
}

/// Takes up the touches of those who are followed; whose touches were kept at all.
fn touches(n: &mut Counting, f: &Facts, stamp: Print, from: &mut In) -> Option<BTreeSet<u32>> {
    if print(from)? != stamp {
        return None;
    }
    let mut had = BTreeSet::new();
    for _ in 0..from.number()? {
        had.insert(from.small()?);
    }
    let mut sources = Vec::new();
    for _ in 0..from.number()? {
        let text = from.text()?;
        sources.push(n.sources.id(Some(&text)));
    }
    let mut held = Vec::new();
    for _ in 0..from.number()? {
        let (column, thing, weight) = (from.small()?, from.small()?, f64::from_bits(from.number()?));
        let (ts, source) = (from.signed()?, *sources.get(from.small::<usize>()?)?);
        let (seq, file, line) = (from.signed()?, from.signed()?, from.signed()?);
        let row = Row { kind: Kind::Access, ts, source, seq, file, line };
        held.push(Held { column, thing, row, day: f.day(ts), weight });
    }
    held.retain(|h| n.followed.contains_key(&h.thing));
    held.into_iter().for_each(|h| n.tally.hold(h));
    Some(had)
}

impl Counting {
    /// Writes all but the touches that were kept, and but what the next run knows by itself.
    fn write(&mut self, f: &Facts, out: &mut Out<'_>) -> io::Result<()> {
        let accounts: Vec<Id> = self.keys.iter().map(|k| k.1).collect();
        out.number(accounts.len() as u64)?;
        for id in &accounts {
            out.number(u64::from(*id != NONE))?;
            out.text(f.name(*id))?;
        }
        out.number(accounts.iter().fold(0, |digest, id| home(f, *id, digest)))?;
        let mut outlets: Vec<(u32, Id)> = self.outlets.iter().map(|(o, s)| (*s, *o)).collect();
        outlets.sort_unstable_by_key(|(stratum, outlet)| (*stratum, f.name(*outlet)));
        out.number(outlets.len() as u64)?;
        for (stratum, outlet) in outlets {
            out.number(u64::from(stratum))?;
            out.text(f.name(outlet))?;
        }
        let mut places: Vec<(Print, u32)> = self.places.iter().map(|(p, s)| (*p, *s)).collect();
        places.sort_unstable();
        out.number(places.len() as u64)?;
        for (place, stratum) in places {
            out.bytes(&place.to_bytes())?;
            out.number(u64::from(stratum))?;
        }
        out.number(self.regions.len() as u64)?;
        for (region, number) in &self.regions {
            out.text(region)?;
            out.number(u64::from(*number))?;
        }
        out.number(self.bulk.0)?;
        out.number(self.bulk.1)?;
        self.tally.write(out)
    }

    /// Reads what was written; nothing where the accounts have moved.
    fn read(f: &mut Facts, (interest, threads): (&BTreeSet<Id>, usize), from: &mut In) -> Option<Counting> {
        let mut accounts = Vec::new();
        for _ in 0..from.number()? {
            let named = from.number()? == 1;
            let text = from.text()?;
            accounts.push(named.then_some(text));
        }
        let find = |a: &Option<String>| a.as_deref().and_then(|a| f.names.find(a)).unwrap_or(NONE);
        let homes = accounts.iter().fold(0, |digest, a| home(f, find(a), digest));
        if homes != from.number()? {
            return None;
        }
        let mut outlets: Lookup<Id, u32> = Lookup::default();
        for _ in 0..from.number()? {
            let stratum = from.small()?;
            outlets.insert(f.names.find(&from.text()?)?, stratum);
        }
        let mut n = Counting::new(f, interest, threads);
        for account in &accounts {
            n.account(f, account.as_deref());
        }
        n.outlets = outlets;
        for _ in 0..from.number()? {
            let place = print(from)?;
            n.places.insert(place, from.small()?);
        }
        for _ in 0..from.number()? {
            let region = from.text()?;
            n.regions.insert(region, from.small()?);
        }
        n.bulk = (from.number()?, from.number()?);
        n.tally = Tally::new(f.horizon()).on(threads);
        n.tally.read(from)?;
        let whole = n.tally.columns() == accounts.len() && n.keys.len() == accounts.len();
        (whole && n.keys.iter().all(|k| k.0 == EntityKind::Account)).then_some(n)
    }
}

/// Adds where an account works to a digest.
fn home(f: &Facts, account: Id, digest: u64) -> u64 {
    let outlet = f.home(account);
    let place = if outlet == NONE { "" } else { city(f.name(f.outlet_region(outlet))).unwrap_or("") };
    [f.name(outlet), place].iter().fold(!digest, |d, text| Print::of(text).digest(d))
}

#[cfg(test)]
mod tests;
