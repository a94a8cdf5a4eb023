//! Who and where: staff, outlets and terminals, read by their validity.
//!
//! These are small (tens of thousands of rows in a province) and are read whole before the scan. A row holds
//! from `valid_from` (else its own time) until `valid_to`; of several that hold, the latest begun counts.

use std::sync::Arc;

use arrow_array::RecordBatch;
use suyuan_model::calendar::Shift;
use suyuan_model::columns::Column;
use suyuan_model::records::outlet::OutletColumns;
use suyuan_model::records::staff::StaffColumns;
use suyuan_model::records::terminal::TerminalColumns;
use suyuan_model::scan::{RowSource, ScanError, Want, for_each};
use suyuan_model::score::Scores;
use suyuan_model::{Kind, region};

use crate::hash::{Key, KeyMap};

/// A staff row.
pub(crate) struct Staff {
    pub outlet: Arc<str>,
    pub agent: Option<Arc<str>>,
    pub region6: Option<Arc<str>>,
    pub role: Option<Arc<str>>,
    pub shift: Option<Shift>,
    /// Who holds the account.
    pub holder: Option<Key>,
    /// The holder's surname, as a token.
    pub surname: Option<Key>,
}

/// An outlet row.
pub(crate) struct Outlet {
    pub agent: Option<Arc<str>>,
    pub region6: Option<Arc<str>>,
    /// Opening hours.
    pub hours: Option<Shift>,
    /// Latitude and longitude.
    pub point: Option<(f64, f64)>,
    /// Whether an agency contract is named.
    pub contract: bool,
    /// The day of the last site visit.
    pub visited_on: Option<i64>,
}

impl Outlet {
    /// Where it stands: its coordinates, else the seat of its region.
    pub fn place(&self) -> Option<(f64, f64)> {
        self.point.or_else(|| region::centre(self.region6.as_deref()?))
    }
}

/// A terminal row.
pub(crate) struct Terminal {
    pub outlet: Option<Arc<str>>,
    /// Whether customers serve themselves there.
    pub kiosk: bool,
}

struct Dated<T> {
    from: i64,
    to: i64,
    value: T,
}

/// Rows of one kind by id.
pub(crate) struct Table<T> {
    by_id: KeyMap<Vec<Dated<T>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: KeyMap::default() }
    }
}

impl<T> Table<T> {
    fn add(&mut self, id: &str, from: i64, to: Option<i64>, value: T) {
        self.by_id.entry(Key::of(id)).or_default().push(Dated { from, to: to.unwrap_or(i64::MAX), value });
    }
    /// The row that holds at `ts`.
    pub fn at(&self, id: Key, ts: i64) -> Option<&T> {
        let rows = self.by_id.get(&id)?;
        rows.iter().filter(|d| d.from <= ts && ts < d.to).max_by_key(|d| d.from).map(|d| &d.value)
    }
    /// The first beginning of validity after `ts`, and the row.
    pub fn next_after(&self, id: Key, ts: i64) -> Option<(i64, &T)> {
        let rows = self.by_id.get(&id)?;
        rows.iter().filter(|d| d.from > ts).min_by_key(|d| d.from).map(|d| (d.from, &d.value))
    }
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// The tables.
#[derive(Default)]
pub(crate) struct Registry {
    pub staff: Table<Staff>,
    pub outlets: Table<Outlet>,
    pub terminals: Table<Terminal>,
    /// Holders of accounts, with the outlets where they work.
    pub holders: KeyMap<Vec<Key>>,
    /// Whether any outlet's row names a site visit.
    pub visits: bool,
    /// Whether any outlet's row names a contract.
    pub contracts: bool,
    /// What a score says beside the rows, and where each card stands in it.
    pub scores: Option<(Scores, KeyMap<usize>)>,
}

impl Registry {
    /// What is read of the tables.
    pub fn wants() -> [Want; 3] {
        [
            Want::only(
                Kind::Staff,
                &[
                    "account",
                    "holder",
                    "holder_surname",
                    "role",
                    "outlet",
                    "agent",
                    "region6",
                    "shift",
                    "valid_from",
                    "valid_to",
                ],
            ),
            Want::only(
                Kind::Outlet,
                &[
                    "outlet",
                    "agent",
                    "region6",
                    "lat",
                    "lon",
                    "hours",
                    "contract_no",
                    "visited_on",
                    "valid_from",
                    "valid_to",
                ],
            ),
            Want::only(Kind::Terminal, &["device", "outlet", "kind", "valid_from", "valid_to"]),
        ]
    }

    pub fn read(source: &dyn RowSource) -> Result<Registry, ScanError> {
        let mut r = Registry::default();
        for_each(source, &Self::wants(), |kind, batch, i| r.take(kind, batch, i))?;
        r.scores = source.scores().map(|s| {
            let at = s.cards.iter().enumerate().map(|(at, c)| (Key::of(&c.card), at));
            (s.clone(), at.collect())
        });
        Ok(r)
    }

    /// Takes one row in, if it is of a table.
    pub fn take(&mut self, kind: Kind, batch: &RecordBatch, i: usize) {
        let text = |v: Option<&str>| v.map(Arc::<str>::from);
        match kind {
            Kind::Staff => {
                let c = StaffColumns::bind(batch);
                let (Some(account), Some(outlet)) = (c.account.get(i), c.outlet.get(i)) else { return };
                let row = Staff {
                    outlet: outlet.into(),
                    agent: text(c.agent.get(i)),
                    region6: text(c.region6.get(i)),
                    role: text(c.role.get(i)),
                    shift: c.shift.get(i).and_then(|s| Shift::parse(s).ok()),
                    holder: c.holder.token.get(i).map(Key::of),
                    surname: c.holder.surname.get(i).map(Key::of),
                };
                if let Some(h) = row.holder {
                    self.holders.entry(h).or_default().push(Key::of(outlet));
                }
                self.staff.add(account, c.valid_from.get(i).unwrap_or(c.key.ts(i)), c.valid_to.get(i), row);
            }
            Kind::Outlet => {
                let c = OutletColumns::bind(batch);
                let Some(outlet) = c.outlet.get(i) else { return };
                let region6 = text(c.region6.get(i));
                let row = Outlet {
                    agent: text(c.agent.get(i)),
                    region6,
                    hours: c.hours.get(i).and_then(|s| Shift::parse(s).ok()),
                    point: c.lat.get(i).zip(c.lon.get(i)),
                    contract: c.contract_no.get(i).is_some(),
                    visited_on: c.visited_on.get(i).map(i64::from),
                };
                self.visits |= row.visited_on.is_some();
                self.contracts |= row.contract;
                self.outlets.add(outlet, c.valid_from.get(i).unwrap_or(c.key.ts(i)), c.valid_to.get(i), row);
            }
            Kind::Terminal => {
                let c = TerminalColumns::bind(batch);
                let Some(device) = c.device.get(i) else { return };
                let kiosk = c.kind.get(i) == Some("kiosk");
                let row = Terminal { outlet: text(c.outlet.get(i)), kiosk };
                self.terminals.add(
                    device,
                    c.valid_from.get(i).unwrap_or(c.key.ts(i)),
                    c.valid_to.get(i),
                    row,
                );
            }
            _ => {}
        }
    }

    /// The region where an account works: its own, else its outlet's.
    pub fn region_of(&self, account: Key, ts: i64) -> Option<&str> {
        let s = self.staff.at(account, ts)?;
        let outlet = || self.outlets.at(Key::of(&s.outlet), ts).and_then(|o| o.region6.as_deref());
        s.region6.as_deref().or_else(outlet)
    }
}

/// Whether two regions lie in different provinces; `None` where one is not a Chinese code.
pub(crate) fn other_province(a: &str, b: &str) -> Option<bool> {
    let (a, b) = (region::province(a), region::province(b));
    (!a.is_empty() && !b.is_empty()).then(|| a != b)
}

/// Kilometres between the seats of two regions.
pub(crate) fn regions_km(a: &str, b: &str) -> Option<f64> {
    if a == b {
        return Some(0.0);
    }
    Some(suyuan_model::geo::distance_km(region::centre(a)?, region::centre(b)?))
}
