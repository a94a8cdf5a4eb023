//! Work orders: whether one explains that a person was looked up.
//!
//! Counts that are kept rest on orders too. Orders from before an instant are summed up in a digest; what later ones say of
//! earlier look-ups is asked again ([`Orders::about`]).

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::records::work_order::WorkOrderColumns;
use suyuan_model::scan::{RowSource, ScanError};

use crate::facts::{Bar, scan};
use crate::intern::Lookup;
use crate::prints::Print;
use crate::tally::Reason;

/// An order.
#[derive(Clone, Copy)]
struct Order {
    /// Whom it is about, where it names someone.
    subject: Option<Print>,
    /// When it was first seen.
    since: i64,
}

/// All orders.
pub struct Orders {
    all: Lookup<Print, Order>,
    /// Whether there are orders at all.
    checkable: bool,
    /// What was known before each of the instants asked.
    early: Vec<Early>,
}

/// The orders before an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Early {
    /// The instant.
    pub before: i64,
    /// Stands for all of them in their order.
    pub digest: u64,
    /// Whether a later row says something else of one of them.
    pub revised: bool,
}

impl Orders {
    /// Reads the orders; `instants` are those at which counts end that are kept.
    pub fn read(source: &dyn RowSource, instants: &[i64], bar: &mut Bar<'_>) -> Result<Orders, ScanError> {
        let early = |before: &i64| Early { before: *before, digest: 0, revised: false };
        let mut early: Vec<Early> = instants.iter().map(early).collect();
        let mut all: Lookup<Print, Order> = Lookup::default();
        scan(source, Kind::WorkOrder, &["order", "subject"], bar, |batch, rows| {
            let c = WorkOrderColumns::bind(batch);
            for i in rows {
                let Some(order) = c.order.get(i).map(Print::of) else { continue };
                let (subject, since) = (c.subject.get(i).map(Print::of), c.key.ts(i));
                let known = all.get(&order).copied();
                for e in &mut early {
                    if since < e.before {
                        e.digest = order.digest(e.digest);
                        e.digest = subject.map_or(e.digest, |s| s.digest(!e.digest));
                    } else {
                        e.revised |= known.is_some_and(|k| k.since < e.before && k.subject != subject);
                    }
                }
                all.insert(order, Order { subject, since: known.map_or(since, |k| k.since) });
            }
        })?;
        Ok(Orders { all, checkable: source.count(Kind::WorkOrder) > 0, early })
    }

    /// Whether there are orders at all.
    pub fn checkable(&self) -> bool {
        self.checkable
    }

    /// The orders before one of the instants asked.
    pub fn early(&self, before: i64) -> Option<Early> {
        self.early.iter().find(|e| e.before == before).copied()
    }

    /// Whether an order was known before an instant: what it says is in the digest.
    pub fn known(&self, order: Print, before: i64) -> bool {
        self.all.get(&order).is_some_and(|o| o.since < before)
    }

    /// Whom an order is about, if there is such an order.
    pub fn about(&self, order: Print) -> Option<Option<Print>> {
        self.all.get(&order).map(|o| o.subject)
    }

    /// Whether an order explains that this person was looked up.
    pub fn reason(&self, order: Option<Print>, person: Print) -> Reason {
        let Some(order) = order else { return Reason::None };
        match self.about(order) {
            Some(of) if of.is_none_or(|p| p == person) => Reason::Order,
            None if !self.checkable => Reason::Unchecked,
            _ => Reason::None,
        }
    }
}
