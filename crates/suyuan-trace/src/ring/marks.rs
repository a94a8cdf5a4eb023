//! The marks of an opening: single observations that an honest opening seldom shows.
//!
//! Each mark belongs to a family of records; a card is only counted where marks of two families
//! meet. Look-alikes leave no mark: a terminal entered late, a place changed under an order, a queue
//! of half an hour, a stock transfer booked afterwards. Nor does a habit of the house (`house`).

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::Family;
use suyuan_model::time::{DAY, HOUR, SECOND, china_day};

use super::house::Habits;
use crate::facts::{Facts, Login, Opening, city, province};
use crate::intern::{Id, NONE};

/// One mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mark {
    /// The device stands on no asset list.
    DeviceUnlisted,
    /// The device belongs to an outlet of another city.
    DeviceForeign,
    /// The declared place was changed by hand shortly before, without an order.
    Override,
    /// The declared place and the cell lie in different provinces.
    PlaceAgainstCell,
    /// The session was logged in from another province than the account's home.
    LoginProvince,
    /// The session ran beside another session of the account on another device.
    LoginOverlap,
    /// The face was captured long before the opening.
    OldCapture,
    /// The person was captured before by a collector under a pretext.
    Pretext,
    /// The earlier capture was made on the opening's own device.
    CaptureDevice,
    /// The background of the image comes back over several persons on unlisted devices.
    Background,
    /// The very image comes back, over several persons or another day.
    Image,
    /// The employer's people are opened in bulk under the account, without a contract.
    EmployerBulk,
    /// The person's cards are opened one after another under the account on different days.
    SamePerson,
    /// The account gave the card up again some months after opening it.
    Dropped,
    /// The card was opened away from its custodian.
    StockAway,
    /// The card had been moved to a party of the investigation.
    StockParty,
    /// Opened as fast and on the same plan as the ring's proven cards.
    LikeManner,
    /// The holder comes from where those of the ring's proven cards do.
    LikeOrigin,
    /// The card is named in a fraud report.
    Fraud,
    /// The holder says it is not theirs, or failed the re-verification.
    Disowned,
    /// The card was found where it should not be.
    Sighted,
}

/// All marks with family and word, in order.
pub const MARKS: [(Mark, Family, &str); 21] = [
    (Mark::DeviceUnlisted, Family::Device, "device:unlisted"),
    (Mark::DeviceForeign, Family::Device, "device:foreign"),
    (Mark::Override, Family::Location, "location:override"),
    (Mark::PlaceAgainstCell, Family::Location, "location:place_against_cell"),
    (Mark::LoginProvince, Family::Login, "login:other_province"),
    (Mark::LoginOverlap, Family::Login, "login:overlap"),
    (Mark::OldCapture, Family::Identity, "identity:old_capture"),
    (Mark::Pretext, Family::Identity, "identity:captured_under_pretext"),
    (Mark::CaptureDevice, Family::Identity, "identity:capture_device"),
    (Mark::Background, Family::Identity, "identity:background_reused"),
    (Mark::Image, Family::Identity, "identity:image_reused"),
    (Mark::EmployerBulk, Family::Opening, "opening:employer_in_bulk"),
    (Mark::SamePerson, Family::Opening, "opening:same_person_again"),
    (Mark::Dropped, Family::Use, "use:dropped_by_opener"),
    (Mark::StockAway, Family::Stock, "stock:away_from_custodian"),
    (Mark::StockParty, Family::Stock, "stock:moved_to_party"),
    (Mark::LikeManner, Family::Opening, "opening:as_the_rings"),
    (Mark::LikeOrigin, Family::Identity, "identity:from_where_the_rings"),
    (Mark::Fraud, Family::Outcome, "outcome:fraud_report"),
    (Mark::Disowned, Family::Outcome, "outcome:disowned"),
    (Mark::Sighted, Family::Exhibit, "exhibit:sighting"),
];

/// The families in order, as bits.
pub const FAMILIES: [Family; 9] = [
    Family::Device,
    Family::Location,
    Family::Login,
    Family::Identity,
    Family::Stock,
    Family::Opening,
    Family::Use,
    Family::Outcome,
    Family::Exhibit,
];
/// How many of [`FAMILIES`], from the first, speak of conduct rather than harm or exhibits.
pub const CONDUCT: usize = 7;
/// The place of harm in [`FAMILIES`].
pub const OUTCOME: usize = 7;

impl Mark {
    /// Whether it speaks of conduct, rather than of harm, exhibits or likeness.
    pub fn conduct(self) -> bool {
        let other = [
            Mark::StockParty,
            Mark::LikeManner,
            Mark::LikeOrigin,
            Mark::Fraud,
            Mark::Disowned,
            Mark::Sighted,
        ];
        !other.contains(&self)
    }
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u32);

impl Marks {
    /// Adds a mark where the condition holds.
    pub fn set(&mut self, mark: Mark, holds: bool) {
        self.0 |= u32::from(holds) << mark as u8;
    }
    /// Whether the mark is there.
    pub fn has(self, mark: Mark) -> bool {
        self.0 >> mark as u8 & 1 == 1
    }
    /// Those that do not stand in another set.
    pub fn less(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }
    /// The families, as bits in the order of [`FAMILIES`].
    pub fn families(self) -> u16 {
        let mut out = 0;
        for (mark, family, _) in MARKS {
            if self.has(mark) {
                let bit = FAMILIES.iter().position(|f| *f == family).expect("every family is in the list");
                out |= 1 << bit;
            }
        }
        out
    }
    /// How many families there are.
    pub fn breadth(self) -> u32 {
        self.families().count_ones()
    }
    /// How many families there are beside harm and exhibits.
    pub fn conduct(self) -> u32 {
        (self.families() & ((1 << CONDUCT) - 1)).count_ones()
    }
    /// The words.
    pub fn words(self) -> Vec<String> {
        MARKS.iter().filter(|m| self.has(m.0)).map(|m| m.2.to_owned()).collect()
    }
}

/// A capture counts as old when it lies this long before the opening: a queue is shorter.
const QUEUE: i64 = HOUR / 2;
/// How far back an earlier capture of the person is looked for.
const CAPTURE_REACH: i64 = 180 * DAY;
/// An override belongs to openings of the same session or device within this time.
const OVERRIDE_REACH: i64 = 24 * HOUR;
/// Two sessions beside one another for less than this are a handover.
const HANDOVER: i64 = 10 * 60 * SECOND;
/// Session length where the logout is unknown.
const SESSION: i64 = 4 * HOUR;
/// A transfer booked this much later still explains where a card was opened.
const BOOKED_LATE: i64 = 60 * DAY;
/// A background is reused from this many persons on.
const BACKGROUND_PERSONS: usize = 3;
/// An image that comes back this much later was not taken again.
const REPLAY: i64 = HOUR;
/// Openings for one employer under one account that are bulk: in a day, in thirty days (scheme S06).
const BULK: [(i64, usize); 2] = [(DAY, 10), (30 * DAY, 30)];
/// Cards of one person under one account within this time, on different days, are one after another.
const AGAIN: i64 = 60 * DAY;
/// A card given up within this time was not meant to be used.
const DROPPED: i64 = 150 * DAY;

/// Look-ups from which marks are read.
pub struct Marker {
    fraud: BTreeSet<usize>,
    disowned_cards: BTreeSet<Id>,
    disowned_persons: BTreeSet<Id>,
    sighted: BTreeSet<Id>,
    parties: BTreeSet<Id>,
    captures: BTreeMap<Id, Vec<usize>>,
    backgrounds: BTreeSet<Id>,
    images: BTreeSet<Id>,
    bulk: BTreeSet<usize>,
    again: BTreeSet<usize>,
    /// Marks that tell nothing at this carrier.
    pub habits: Habits,
}

impl Marker {
    /// Reads the indices; `fraud` are the openings that a report names.
    pub fn new(f: &Facts, fraud: impl IntoIterator<Item = usize>) -> Marker {
        let mut captures: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
        for (i, c) in f.captures.iter().enumerate() {
            captures.entry(c.subject).or_default().push(i);
        }
        let (backgrounds, images) = reused(f);
        let cards = f.disowned.iter().map(|d| d.card).filter(|c| *c != NONE);
        let persons = f.disowned.iter().filter(|d| d.card == NONE).map(|d| d.subject);
        Marker {
            fraud: fraud.into_iter().collect(),
            disowned_cards: cards.collect(),
            disowned_persons: persons.filter(|p| *p != NONE).collect(),
            sighted: f.sightings.iter().map(|s| s.card).filter(|c| *c != NONE).collect(),
            parties: f.parties.iter().map(|p| p.party).collect(),
            captures,
            backgrounds,
            images,
            bulk: in_bulk(f),
            again: same_person(f),
            habits: Habits::default(),
        }
    }

    /// The earlier captures of the opening's person that are not the opening's own step.
    pub fn captures<'a>(&'a self, f: &'a Facts, o: &'a Opening) -> impl Iterator<Item = usize> + 'a {
        self.captures.get(&o.subject).into_iter().flatten().copied().filter(move |i| {
            let before = o.row.ts - f.captures[*i].row.ts;
            before > QUEUE && before < CAPTURE_REACH
        })
    }

    /// Whether the holder disowned the card.
    pub fn disowned(&self, o: &Opening) -> bool {
        self.disowned_cards.contains(&o.card) || self.disowned_persons.contains(&o.subject)
    }

    /// Whether a report names the card or its holder disowned it.
    pub fn harmed(&self, o: &Opening, index: usize) -> bool {
        self.fraud.contains(&index) || self.disowned(o)
    }

    /// All marks of an opening; those of login, change and stock rest on what was loaded.
    pub fn marks(&self, f: &Facts, index: usize) -> Marks {
        let o = &f.openings[index];
        let mut m = Marks::default();
        device(f, o, &mut m);
        place(f, o, &mut m);
        self.identity(f, o, &mut m);
        if let Some(l) = session(f, o) {
            let home = province(f.name(f.home_region(o.account)));
            let there = province(f.name(l.region));
            m.set(Mark::LoginProvince, home.is_some() && there.is_some() && home != there);
            m.set(Mark::LoginOverlap, overlaps(f, l));
        }
        self.stock(f, o, &mut m);
        m.set(Mark::EmployerBulk, self.bulk.contains(&index));
        m.set(Mark::SamePerson, self.again.contains(&index));
        let dropped = f.cancelled.get(&o.card).is_some_and(|(ts, account)| {
            *account == o.account && *ts > o.row.ts + DAY && *ts < o.row.ts + DROPPED
        });
        m.set(Mark::Dropped, dropped);
        m.set(Mark::Fraud, self.fraud.contains(&index));
        m.set(Mark::Disowned, self.disowned(o));
        m.set(Mark::Sighted, self.sighted.contains(&o.card));
        self.habits.without((o.account, o.device), m)
    }

    fn identity(&self, f: &Facts, o: &Opening, m: &mut Marks) {
        m.set(Mark::OldCapture, o.captured_at.is_some_and(|t| o.row.ts - t > QUEUE));
        for i in self.captures(f, o) {
            let c = &f.captures[i];
            m.set(Mark::Pretext, c.pretext != NONE && c.collector != NONE && c.collector != o.account);
            let own = c.collector == NONE || c.collector == o.account;
            m.set(Mark::CaptureDevice, !own && c.device != NONE && c.device == o.device);
        }
        m.set(Mark::Background, self.backgrounds.contains(&o.background));
        m.set(Mark::Image, self.images.contains(&o.image));
    }

    fn stock(&self, f: &Facts, o: &Opening, m: &mut Marks) {
        let Some(moves) = f.moves.get(&o.card) else { return };
        m.set(Mark::StockParty, moves.iter().any(|x| self.parties.contains(&x.to)));
        let Some(last) = moves.iter().rfind(|x| x.row.ts <= o.row.ts) else { return };
        let region = f.outlet_region(last.to);
        let region = if region != NONE { region } else { f.home_region(o.account) };
        let (custody, cell) = (province(f.name(region)), province(f.name(o.cell)));
        let elsewhere = custody.is_some() && cell.is_some() && custody != cell;
        let outlet = f.outlet_of(o);
        let other = f.outlets.contains_key(&last.to) && outlet != NONE && outlet != last.to;
        let later =
            moves.iter().any(|x| x.row.ts > o.row.ts && x.row.ts < o.row.ts + BOOKED_LATE && x.to == outlet);
        m.set(Mark::StockAway, elsewhere || (other && !later));
    }
}

fn device(f: &Facts, o: &Opening, m: &mut Marks) {
    if o.device == NONE || f.terminals.is_empty() {
        return;
    }
    match f.terminals.get(&o.device) {
        None => m.set(Mark::DeviceUnlisted, true),
        Some(outlet) if *outlet != NONE => {
            let there = city(f.name(f.outlet_region(*outlet)));
            let home = city(f.name(f.home_region(o.account)));
            m.set(Mark::DeviceForeign, there.is_some() && home.is_some() && there != home);
        }
        Some(_) => {}
    }
}

fn place(f: &Facts, o: &Opening, m: &mut Marks) {
    if o.order != NONE {
        return;
    }
    let (declared, cell) = (province(f.name(o.region)), province(f.name(o.cell)));
    m.set(Mark::PlaceAgainstCell, declared.is_some() && cell.is_some() && declared != cell);
    let Some(list) = f.overrides.get(&o.account) else { return };
    let from = list.partition_point(|x| x.row.ts < o.row.ts - OVERRIDE_REACH);
    let to = list.partition_point(|x| x.row.ts <= o.row.ts);
    let near = list[from..to].iter().any(|x| {
        let together = if x.session != NONE && o.session != NONE {
            x.session == o.session
        } else if x.device != NONE && o.device != NONE {
            x.device == o.device
        } else {
            o.row.ts - x.row.ts < 2 * HOUR
        };
        let (new, declared) = (city(f.name(x.new)), city(f.name(o.region)));
        x.order == NONE && together && (new.is_none() || new == declared)
    });
    m.set(Mark::Override, near);
}

/// The login under which a card was opened: its session, else the last on that device within half a day.
pub fn session<'a>(f: &'a Facts, o: &Opening) -> Option<&'a Login> {
    let list = f.logins.get(&o.account)?;
    let to = list.partition_point(|l| l.row.ts <= o.row.ts);
    let recent = || list[..to].iter().rev().take_while(|l| o.row.ts - l.row.ts < DAY);
    let same = recent().find(|l| o.session != NONE && l.session == o.session);
    same.or_else(|| recent().find(|l| l.device == o.device && o.row.ts - l.row.ts < DAY / 2))
}

fn end(l: &Login) -> i64 {
    l.until.unwrap_or(l.row.ts + SESSION)
}

/// Whether another session of the account on another device ran beside it for longer than a handover.
///
/// Of two sessions, one in the account's home city and one elsewhere, only the one elsewhere counts: the
/// owner at the counter is not the guest.
pub fn overlaps(f: &Facts, l: &Login) -> bool {
    let Some(list) = f.logins.get(&l.account) else { return false };
    let home = city(f.name(f.home_region(l.account)));
    let here = |x: &Login| home.is_some() && city(f.name(x.region)) == home;
    let away = |x: &Login| home.is_some() && city(f.name(x.region)).is_some_and(|c| Some(c) != home);
    let from = list.partition_point(|x| x.row.ts < l.row.ts - DAY);
    list[from..].iter().take_while(|x| x.row.ts < end(l)).any(|x| {
        let long = end(x).min(end(l)) - x.row.ts.max(l.row.ts) > HANDOVER;
        x.device != l.device && long && !(here(l) && away(x))
    })
}

/// Backgrounds that come back over several persons on unlisted devices, and images over several persons.
fn reused(f: &Facts) -> (BTreeSet<Id>, BTreeSet<Id>) {
    let mut background: BTreeMap<Id, (BTreeSet<Id>, usize, usize)> = BTreeMap::new();
    let mut image: BTreeMap<Id, (Id, i64, bool)> = BTreeMap::new();
    for o in &f.openings {
        if o.background != NONE && !f.terminals.is_empty() {
            let x = background.entry(o.background).or_default();
            if x.0.len() < BACKGROUND_PERSONS {
                x.0.insert(o.subject);
            }
            x.1 += usize::from(o.device != NONE && !f.terminals.contains_key(&o.device));
            x.2 += 1;
        }
        if o.image != NONE {
            let x = image.entry(o.image).or_insert((o.subject, o.row.ts, false));
            x.2 |= x.0 != o.subject || o.row.ts - x.1 > REPLAY;
        }
    }
    let backgrounds = background
        .into_iter()
        .filter(|(_, (persons, unlisted, all))| {
            persons.len() >= BACKGROUND_PERSONS && unlisted * 5 >= all * 4
        })
        .map(|x| x.0)
        .collect();
    (backgrounds, image.into_iter().filter(|x| x.1.2).map(|x| x.0).collect())
}

/// Openings in bulk for one employer under one account without an order or contract.
fn in_bulk(f: &Facts) -> BTreeSet<usize> {
    let mut by: BTreeMap<(Id, Id), Vec<usize>> = BTreeMap::new();
    for (i, o) in f.openings.iter().enumerate() {
        if o.employer != NONE && o.order == NONE {
            by.entry((o.account, o.employer)).or_default().push(i);
        }
    }
    let mut out = BTreeSet::new();
    for list in by.values() {
        for (span, least) in BULK {
            for w in list.windows(least) {
                if f.openings[w[least - 1]].row.ts - f.openings[w[0]].row.ts <= span {
                    out.extend(w.iter().copied());
                }
            }
        }
    }
    out
}

/// Openings of one person's cards one after another under one account.
fn same_person(f: &Facts) -> BTreeSet<usize> {
    let mut last: BTreeMap<(Id, Id), usize> = BTreeMap::new();
    let mut out = BTreeSet::new();
    for (i, o) in f.openings.iter().enumerate() {
        if o.subject == NONE {
            continue;
        }
        if let Some(before) = last.insert((o.account, o.subject), i) {
            let gap = o.row.ts - f.openings[before].row.ts;
            if gap <= AGAIN && china_day(o.row.ts) != china_day(f.openings[before].row.ts) {
                out.extend([before, i]);
            }
        }
    }
    out
}
