//! Who touched what, from the records: the graph in which farms are sought.
//!
//! Users are the persons in whose names cards were opened. One day of a person is one occasion: an opening, the capture before
//! it and the handset of that day tell one story, not three. What belongs to a place is one item, the outlet: its accounts,
//! its listed devices and the background of its counter are not independent of one another, and its regular customers no farm.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{EntityKind, Tie};
use suyuan_model::records::capture::CaptureColumns;
use suyuan_model::records::commission::CommissionColumns;
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::records::usage::UsageColumns;
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::DAY;

use crate::facts::{Bar, Facts, Row, city, province, row, scan};
use crate::farm::{Graph, Touch};
use crate::intern::{Id, Lookup, NONE, Seen};

/// Places with fewer touches than this are pooled with their city, province, the whole.
const STRATUM: usize = 2000;

/// An item before it has a number.
pub type Key = (Tie, EntityKind, Id);

/// The graph with what its numbers mean.
#[derive(Default)]
pub struct Touches {
    pub graph: Graph,
    /// The person behind each user.
    pub persons: Vec<Id>,
    /// What each item is.
    pub items: Vec<Key>,
    /// The row behind each touch.
    pub rows: Vec<Row>,
    /// The first use of each card used in fraud, and its handset.
    pub first_use: BTreeMap<Id, (Row, Id)>,
    /// Openings of each person, as indices of the facts.
    pub openings: BTreeMap<Id, Vec<usize>>,
}

#[derive(Default)]
struct Found {
    /// Person, item, row; in order of reading.
    touches: Vec<(Id, Key, Row)>,
    /// Outlets at which a background was seen.
    backgrounds: BTreeMap<Id, BTreeSet<Id>>,
    first_use: BTreeMap<Id, (Row, Id)>,
}

impl Found {
    fn add(&mut self, person: Id, tie: Tie, kind: EntityKind, item: Id, row: Row) {
        if person != NONE && item != NONE {
            self.touches.push((person, (tie, kind, item), row));
        }
    }
}

/// Reads the touches: openings, captures, handsets and payments.
/// `fraud` holds cards used in fraud, of which the first use is kept.
pub fn read(
    f: &mut Facts,
    source: &dyn RowSource,
    fraud: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<Touches, ScanError> {
    let mut found = Found::default();
    counters(f, &mut found);
    homes(f, source, &mut found, bar)?;
    captures(f, source, &mut found, bar)?;
    handsets(f, source, fraud, &mut found, bar)?;
    payees(f, source, &mut found, bar)?;
    Ok(numbered(f, found))
}

/// A device counts for itself only if no list has it; without a list none does.
fn unlisted(f: &Facts, device: Id) -> bool {
    device != NONE && !f.terminals.is_empty() && !f.terminals.contains_key(&device)
}

fn counters(f: &Facts, found: &mut Found) {
    for o in &f.openings {
        if unlisted(f, o.device) {
            found.add(o.subject, Tie::Device, EntityKind::Device, o.device, o.row);
        } else {
            found.add(o.subject, Tie::Counter, EntityKind::Outlet, f.outlet_of(o), o.row);
        }
    }
}

fn homes(
    f: &mut Facts,
    source: &dyn RowSource,
    found: &mut Found,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let columns =
        ["subject", "account", "outlet", "background_hash", "face_ref", "employer", "address", "contact"];
    scan(source, Kind::Opening, &columns, bar, |batch, rows| {
        let c = OpeningColumns::bind(batch);
        for i in rows {
            let at = row(&c.key, &mut f.names, Kind::Opening, i);
            let person = f.names.id(c.subject.get(i));
            let account = f.names.id(c.account.get(i));
            let outlet = f.names.id(c.outlet.get(i));
            let outlet = if outlet == NONE { f.home(account) } else { outlet };
            let mut add = |tie, kind, text| found.add(person, tie, kind, f.names.id(text), at);
            add(Tie::Image, EntityKind::Face, c.face_ref.get(i));
            add(Tie::Image, EntityKind::Background, c.background_hash.get(i));
            add(Tie::Home, EntityKind::Employer, c.employer.get(i));
            add(Tie::Home, EntityKind::Home, c.address.get(i));
            add(Tie::Home, EntityKind::Contact, c.contact.get(i));
            let background = f.names.id(c.background_hash.get(i));
            found.backgrounds.entry(background).or_default().insert(outlet);
        }
    })
}

fn captures(
    f: &mut Facts,
    source: &dyn RowSource,
    found: &mut Found,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let columns = ["subject", "device", "outlet", "background_hash", "face_ref", "collector"];
    scan(source, Kind::Capture, &columns, bar, |batch, rows| {
        let c = CaptureColumns::bind(batch);
        for i in rows {
            let at = row(&c.key, &mut f.names, Kind::Capture, i);
            let person = f.names.id(c.subject.get(i));
            let (device, collector) = (f.names.id(c.device.get(i)), f.names.id(c.collector.get(i)));
            let background = f.names.id(c.background_hash.get(i));
            let mut outlet = f.names.id(c.outlet.get(i));
            if outlet == NONE {
                outlet = f.terminals.get(&device).copied().unwrap_or(f.home(collector));
            }
            found.backgrounds.entry(background).or_default().insert(outlet);
            found.add(person, Tie::Image, EntityKind::Background, background, at);
            found.add(person, Tie::Image, EntityKind::Face, f.names.id(c.face_ref.get(i)), at);
            if unlisted(f, device) {
                found.add(person, Tie::Device, EntityKind::Device, device, at);
            } else {
                found.add(person, Tie::Counter, EntityKind::Outlet, outlet, at);
            }
            if !f.staff.contains_key(&collector) {
                found.add(person, Tie::Capture, EntityKind::Collector, collector, at);
            }
        }
    })
}

/// The first day of each card in each handset.
fn handsets(
    f: &mut Facts,
    source: &dyn RowSource,
    fraud: &BTreeSet<Id>,
    found: &mut Found,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let holder: Lookup<Id, Id> = f.openings.iter().map(|o| (o.card, o.subject)).collect();
    let mut seen: Seen<(Id, Id)> = Seen::default();
    let mut last: Lookup<Id, Id> = Lookup::default();
    scan(source, Kind::Usage, &["card", "imei"], bar, |batch, rows| {
        let c = UsageColumns::bind(batch);
        for i in rows {
            let Some(card) = c.card.get(i).and_then(|t| f.names.find(t)) else { continue };
            let Some(person) = holder.get(&card).copied() else { continue };
            let imei = f.names.id(c.imei.get(i));
            if fraud.contains(&card) && !found.first_use.contains_key(&card) {
                let at = row(&c.key, &mut f.names, Kind::Usage, i);
                found.first_use.insert(card, (at, imei));
            }
            // Most rows repeat the card's handset of the day before.
            if imei == NONE || last.insert(card, imei) == Some(imei) || !seen.insert((person, imei)) {
                continue;
            }
            let at = row(&c.key, &mut f.names, Kind::Usage, i);
            found.add(person, Tie::Use, EntityKind::Imei, imei, at);
        }
    })
}

fn payees(
    f: &mut Facts,
    source: &dyn RowSource,
    found: &mut Found,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let opened: Lookup<Id, usize> = f.openings.iter().enumerate().map(|(i, o)| (o.card, i)).collect();
    scan(source, Kind::Commission, &["payee", "card"], bar, |batch, rows| {
        let c = CommissionColumns::bind(batch);
        for i in rows {
            let Some(o) = c.card.get(i).and_then(|t| f.names.find(t)).and_then(|c| opened.get(&c)) else {
                continue;
            };
            let o = f.openings[*o];
            let payee = f.names.id(c.payee.get(i));
            let own = f.staff.get(&o.account).is_some_and(|s| [s.agent, s.outlet].contains(&payee));
            if own || payee == o.account || payee == f.outlet_of(&o) {
                continue;
            }
            let at = row(&c.key, &mut f.names, Kind::Commission, i);
            found.add(o.subject, Tie::Money, EntityKind::Agent, payee, at);
        }
    })
}

fn numbered(f: &Facts, found: Found) -> Touches {
    let mut out = Touches { first_use: found.first_use, ..Touches::default() };
    for (i, o) in f.openings.iter().enumerate().filter(|(_, o)| o.subject != NONE) {
        out.openings.entry(o.subject).or_default().push(i);
    }
    let of_place = |key: &Key| {
        key.1 == EntityKind::Background
            && found.backgrounds.get(&key.2).is_none_or(|outlets| outlets.len() < 2)
    };
    let (mut users, mut items) = (BTreeMap::new(), BTreeMap::new());
    for (person, key, row) in &found.touches {
        if of_place(key) || !out.openings.contains_key(person) {
            continue;
        }
        let user = *users.entry(*person).or_insert_with(|| {
            out.persons.push(*person);
            out.persons.len() as u32 - 1
        });
        let item = *items.entry(*key).or_insert_with(|| {
            out.items.push(*key);
            out.graph.items.push(key.0 as u8);
            out.items.len() as u32 - 1
        });
        let day = row.ts.div_euclid(DAY) as i32;
        // A person's day is one occasion.
        let event = out.graph.touches.len() as u32;
        out.graph.touches.push(Touch { user, item, event, day });
        out.rows.push(*row);
    }
    out.graph.local = [true, true, true, false, true, false, false].to_vec();
    occasions(&mut out.graph);
    out.graph.users = strata(f, &out);
    out
}

/// Touches of one user on one day get one number.
fn occasions(g: &mut Graph) {
    let mut first: Lookup<(u32, i32), u32> = Lookup::default();
    for t in &mut g.touches {
        t.event = *first.entry((t.user, t.day)).or_insert(t.event);
    }
}

/// Where each user lives as to choices: the county of their first opening; counties, cities and provinces with few touches are
/// pooled upward, for there everyone's choices look like a farm's.
fn strata(f: &Facts, t: &Touches) -> Vec<u32> {
    let home: Vec<Option<&str>> = t
        .persons
        .iter()
        .map(|p| t.openings[p].first().map(|i| f.name(f.openings[*i].region)).filter(|r| !r.is_empty()))
        .collect();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let levels = |region: &str| {
        let mut list = vec![region.to_owned()];
        list.extend(city(region).map(|c| format!("{c}..")));
        list.extend(province(region).map(|p| format!("{p}....")));
        list
    };
    for touch in &t.graph.touches {
        for level in home[touch.user as usize].map(levels).unwrap_or_default() {
            *count.entry(level).or_default() += 1;
        }
    }
    let enough = |level: &String| count.get(level).is_some_and(|n| *n >= STRATUM);
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    home.iter()
        .map(|h| {
            let level = h.map(levels).unwrap_or_default().into_iter().find(enough).unwrap_or_default();
            let next = numbers.len() as u32;
            *numbers.entry(level).or_insert(next)
        })
        .collect()
}
