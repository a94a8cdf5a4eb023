//! What the trace keeps of the records: compact rows, read kind by kind in the total order.
//!
//! Openings are kept whole, since each may belong to a ring. Look-ups are only counted, except those
//! of persons who matter (`touch`). Rows keep what evidence cites: source, sequence, file, line.

mod load;
mod place;

use std::collections::BTreeMap;

use suyuan_model::{Kind, RowRef};

use crate::intern::{Id, Interner, NONE};

pub use load::{
    Bar, load, load_of_accounts, load_stock, row, runs, scan, scan_between, scan_picked, scan_since,
};
pub use place::{city, province};

/// Where a row came from.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub kind: Kind,
    pub ts: i64,
    pub source: Id,
    pub seq: i64,
    pub file: i64,
    pub line: i64,
}

impl Row {
    /// The row as evidence cites it.
    pub fn cite(&self, names: &Interner) -> RowRef {
        RowRef {
            kind: self.kind,
            ts: self.ts,
            source: names.get(self.source).to_owned(),
            seq: self.seq,
            file: self.file,
            line: self.line,
        }
    }
}

/// One card opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub row: Row,
    pub card: Id,
    pub msisdn: Id,
    pub subject: Id,
    pub account: Id,
    pub device: Id,
    pub session: Id,
    pub outlet: Id,
    pub region: Id,
    pub cell: Id,
    pub captured_at: Option<i64>,
    pub image: Id,
    pub background: Id,
    pub employer: Id,
    pub order: Id,
}

/// An account and who holds it.
#[derive(Clone, Copy, Debug)]
pub struct Staff {
    pub row: Row,
    pub holder: Id,
    pub outlet: Id,
    pub agent: Id,
    pub region: Id,
    pub shift: Id,
    pub role: Id,
}

/// An outlet.
#[derive(Clone, Copy, Debug)]
pub struct Outlet {
    pub row: Row,
    pub region: Id,
}

/// A fraud case's row.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub row: Row,
    pub case: Id,
    pub card: Id,
    pub msisdn: Id,
    pub victim: Id,
    /// The harm itself is dated: the report came an hour later or more, not at once with a clock of its own.
    pub dated: bool,
}

/// A complaint `not_mine` or a failed re-verification: the card was not its holder's doing.
#[derive(Clone, Copy, Debug)]
pub struct Disowned {
    pub row: Row,
    pub card: Id,
    pub subject: Id,
}

/// An identity taken into a system.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    pub row: Row,
    pub subject: Id,
    pub device: Id,
    pub collector: Id,
    /// Region of the person's identity number.
    pub place: Id,
    pub pretext: Id,
}

/// A known actor.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    pub row: Row,
    pub party: Id,
    pub name: Id,
    pub note: Id,
}

/// A handover.
#[derive(Clone, Copy, Debug)]
pub struct Dealing {
    pub row: Row,
    pub from: Id,
    pub to: Id,
    pub what: Id,
    pub quantity: Option<i64>,
    pub amount: Option<i64>,
    pub unit_price: Option<i64>,
    pub note: Id,
}

/// Data or cards seen where they should not be.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    pub row: Row,
    pub subject: Id,
    pub card: Id,
    pub party: Id,
}

/// A login of an account under suspicion.
#[derive(Clone, Copy, Debug)]
pub struct Login {
    pub row: Row,
    pub account: Id,
    pub device: Id,
    pub session: Id,
    pub region: Id,
    pub until: Option<i64>,
}

/// A change of an account's declared place.
#[derive(Clone, Copy, Debug)]
pub struct Override {
    pub row: Row,
    pub device: Id,
    pub session: Id,
    pub new: Id,
    pub order: Id,
}

/// Cards moved between custodians.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    pub row: Row,
    pub from: Id,
    pub to: Id,
}

/// Everything that was read.
#[derive(Default)]
pub struct Facts {
    pub names: Interner,
    pub openings: Vec<Opening>,
    pub staff: BTreeMap<Id, Staff>,
    pub outlets: BTreeMap<Id, Outlet>,
    /// Device to its outlet, whenever it was entered.
    pub terminals: BTreeMap<Id, Id>,
    pub reports: Vec<Report>,
    pub disowned: Vec<Disowned>,
    pub captures: Vec<Capture>,
    /// Cards given up: when, by which account.
    pub cancelled: BTreeMap<Id, (i64, Id)>,
    pub parties: Vec<Party>,
    pub dealings: Vec<Dealing>,
    pub sightings: Vec<Sighting>,
    /// Of the accounts under suspicion only, each list in order.
    pub logins: BTreeMap<Id, Vec<Login>>,
    /// Likewise.
    pub overrides: BTreeMap<Id, Vec<Override>>,
    /// Of the cards under suspicion only, by card, in order.
    pub moves: BTreeMap<Id, Vec<Move>>,
    /// First and last instant of openings, reports and captures.
    pub span: Option<(i64, i64)>,
}

impl Facts {
    /// The string of an id.
    pub fn name(&self, id: Id) -> &str {
        self.names.get(id)
    }

    /// The outlet of an opening: its own, else its account's home.
    pub fn outlet_of(&self, o: &Opening) -> Id {
        if o.outlet != NONE { o.outlet } else { self.home(o.account) }
    }

    /// An account's home outlet.
    pub fn home(&self, account: Id) -> Id {
        self.staff.get(&account).map_or(NONE, |s| s.outlet)
    }

    /// The region code of an account's place of work.
    pub fn home_region(&self, account: Id) -> Id {
        let of_outlet = self.outlets.get(&self.home(account)).map_or(NONE, |o| o.region);
        if of_outlet != NONE { of_outlet } else { self.staff.get(&account).map_or(NONE, |s| s.region) }
    }

    /// The region code of an outlet.
    pub fn outlet_region(&self, outlet: Id) -> Id {
        self.outlets.get(&outlet).map_or(NONE, |o| o.region)
    }

    /// Days from the start of the records.
    pub fn day(&self, ts: i64) -> f64 {
        let start = self.span.map_or(ts, |s| s.0);
        (ts - start) as f64 / suyuan_model::time::DAY as f64
    }

    /// Length of the records in days, at least one.
    pub fn horizon(&self) -> f64 {
        self.span.map_or(1.0, |(a, b)| ((b - a) as f64 / suyuan_model::time::DAY as f64 + 0.01).max(1.0))
    }

    /// Makes the span reach an instant.
    pub fn widen(&mut self, ts: i64) {
        let (a, b) = self.span.unwrap_or((ts, ts));
        self.span = Some((a.min(ts), b.max(ts)));
    }
}
