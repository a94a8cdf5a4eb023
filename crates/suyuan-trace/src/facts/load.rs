//! Reading the kinds, each in one pass and only the columns that are used.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use suyuan_model::Kind;
use suyuan_model::columns::{Column, Key};
use suyuan_model::records::account_change::AccountChangeColumns;
use suyuan_model::records::capture::CaptureColumns;
use suyuan_model::records::card_change::CardChangeColumns;
use suyuan_model::records::complaint::ComplaintColumns;
use suyuan_model::records::dealing::DealingColumns;
use suyuan_model::records::fraud_report::FraudReportColumns;
use suyuan_model::records::login::LoginColumns;
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::records::outlet::OutletColumns;
use suyuan_model::records::party::PartyColumns;
use suyuan_model::records::reverification::ReverificationColumns;
use suyuan_model::records::sighting::SightingColumns;
use suyuan_model::records::staff::StaffColumns;
use suyuan_model::records::stock_move::StockMoveColumns;
use suyuan_model::records::terminal::TerminalColumns;
use suyuan_model::scan::{Pick, RowSource, RowStream, ScanError, Want};
use suyuan_model::time::HOUR;

use super::{
    Capture, Dealing, Disowned, Facts, Login, Move, Opening, Outlet, Override, Party, Report, Row, Sighting,
    Staff,
};
use crate::intern::{Id, Interner, NONE};

/// Counts rows for whoever watches.
pub struct Bar<'a> {
    rows: u64,
    tell: &'a mut dyn FnMut(u64),
}

impl<'a> Bar<'a> {
    /// A count that starts at nothing.
    pub fn new(tell: &'a mut dyn FnMut(u64)) -> Self {
        Self { rows: 0, tell }
    }
    fn add(&mut self, n: usize) {
        self.rows += n as u64;
        (self.tell)(self.rows);
    }
}

/// Runs of one kind, in order.
pub fn scan(
    source: &dyn RowSource,
    kind: Kind,
    columns: &[&'static str],
    bar: &mut Bar<'_>,
    each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    scan_since(source, Want::only(kind, columns), None, bar, each)
}

/// Runs of one kind from an instant on, in order.
pub fn scan_since(
    source: &dyn RowSource,
    want: Want,
    from: Option<i64>,
    bar: &mut Bar<'_>,
    each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    if source.count(want.kind) == 0 {
        return Ok(());
    }
    let wants = [want];
    let stream = match from {
        Some(from) => source.scan_from(&wants, from)?,
        None => source.scan(&wants)?,
    };
    runs(stream, bar, each)
}

/// Runs of one kind from an instant on as far as they begin up to another, in order.
pub fn scan_between(
    source: &dyn RowSource,
    kind: Kind,
    columns: &[&'static str],
    (from, until): (i64, i64),
    bar: &mut Bar<'_>,
    each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    if source.count(kind) == 0 {
        return Ok(());
    }
    let stream = source.scan_from(&[Want::only(kind, columns)], from)?;
    runs_until(stream, until, bar, each)
}

/// Runs of one kind that hold one of these texts in a column, which `columns` must name, in order.
pub fn scan_picked(
    source: &dyn RowSource,
    (kind, column): (Kind, &'static str),
    texts: BTreeSet<String>,
    columns: &[&'static str],
    bar: &mut Bar<'_>,
    each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    if source.count(kind) == 0 {
        return Ok(());
    }
    let pick = Pick { column, texts: Arc::new(texts), before: i64::MAX };
    runs(source.scan_picked(kind, columns, pick)?, bar, each)
}

/// Every run of a stream.
pub fn runs(
    stream: Box<dyn RowStream + '_>,
    bar: &mut Bar<'_>,
    each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    runs_until(stream, i64::MAX, bar, each)
}

fn runs_until(
    mut stream: Box<dyn RowStream + '_>,
    until: i64,
    bar: &mut Bar<'_>,
    mut each: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    let mut told = 0;
    while let Some(run) = stream.next_run()? {
        if Key::bind(&run.batch).ts(run.rows.start) > until {
            break;
        }
        told += run.rows.len();
        if told >= 8192 {
            bar.add(told);
            told = 0;
        }
        each(&run.batch, run.rows);
    }
    bar.add(told);
    Ok(())
}

/// Reads a row's place.
pub fn row(key: &Key<'_>, names: &mut Interner, kind: Kind, i: usize) -> Row {
    Row {
        kind,
        ts: key.ts(i),
        source: names.id(key.source.get(i)),
        seq: key.seq.get(i).unwrap_or(0),
        file: key.file_id.get(i).unwrap_or(0),
        line: key.line.get(i).unwrap_or(0),
    }
}

/// Reads everything but logins, changes, stock and look-ups, which are read for those who matter.
pub fn load(source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<Facts, ScanError> {
    let mut f = Facts::default();
    reference(&mut f, source, bar)?;
    exhibits(&mut f, source, bar)?;
    harm(&mut f, source, bar)?;
    openings(&mut f, source, bar)?;
    captures(&mut f, source, bar)?;
    Ok(f)
}

fn reference(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<(), ScanError> {
    let columns = ["account", "holder", "outlet", "agent", "region6", "shift", "role"];
    scan(source, Kind::Staff, &columns, bar, |batch, rows| {
        let c = StaffColumns::bind(batch);
        for i in rows {
            let account = f.names.id(c.account.get(i));
            let staff = Staff {
                row: row(&c.key, &mut f.names, Kind::Staff, i),
                holder: f.names.id(c.holder.get(i)),
                outlet: f.names.id(c.outlet.get(i)),
                agent: f.names.id(c.agent.get(i)),
                region: f.names.id(c.region6.get(i)),
                shift: f.names.id(c.shift.get(i)),
                role: f.names.id(c.role.get(i)),
            };
            f.staff.insert(account, staff);
        }
    })?;
    scan(source, Kind::Outlet, &["outlet", "region6"], bar, |batch, rows| {
        let c = OutletColumns::bind(batch);
        for i in rows {
            let outlet = f.names.id(c.outlet.get(i));
            let value = Outlet {
                row: row(&c.key, &mut f.names, Kind::Outlet, i),
                region: f.names.id(c.region6.get(i)),
            };
            f.outlets.insert(outlet, value);
        }
    })?;
    scan(source, Kind::Terminal, &["device", "outlet"], bar, |batch, rows| {
        let c = TerminalColumns::bind(batch);
        for i in rows {
            let device = f.names.id(c.device.get(i));
            let outlet = f.names.id(c.outlet.get(i));
            f.terminals.insert(device, outlet);
        }
    })
}

fn exhibits(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<(), ScanError> {
    scan(source, Kind::Party, &["party", "name", "note"], bar, |batch, rows| {
        let c = PartyColumns::bind(batch);
        for i in rows {
            let value = Party {
                row: row(&c.key, &mut f.names, Kind::Party, i),
                party: f.names.id(c.party.get(i)),
                name: f.names.id(c.name.get(i)),
                note: f.names.id(c.note.get(i)),
            };
            f.parties.push(value);
        }
    })?;
    let columns = ["from", "to", "what", "quantity", "amount_cny", "unit_price_cny", "note"];
    scan(source, Kind::Dealing, &columns, bar, |batch, rows| {
        let c = DealingColumns::bind(batch);
        for i in rows {
            let value = Dealing {
                row: row(&c.key, &mut f.names, Kind::Dealing, i),
                from: f.names.id(c.from.get(i)),
                to: f.names.id(c.to.get(i)),
                what: f.names.id(c.what.get(i)),
                quantity: c.quantity.get(i),
                amount: c.amount_cny.get(i),
                unit_price: c.unit_price_cny.get(i),
                note: f.names.id(c.note.get(i)),
            };
            f.dealings.push(value);
        }
    })?;
    scan(source, Kind::Sighting, &["subject", "card", "party"], bar, |batch, rows| {
        let c = SightingColumns::bind(batch);
        for i in rows {
            let value = Sighting {
                row: row(&c.key, &mut f.names, Kind::Sighting, i),
                subject: f.names.id(c.subject.get(i)),
                card: f.names.id(c.card.get(i)),
                party: f.names.id(c.party.get(i)),
            };
            f.sightings.push(value);
        }
    })
}

fn harm(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<(), ScanError> {
    scan(
        source,
        Kind::FraudReport,
        &["case", "card", "msisdn", "victim", "reported_at"],
        bar,
        |batch, rows| {
            let c = FraudReportColumns::bind(batch);
            for i in rows {
                let value = Report {
                    row: row(&c.key, &mut f.names, Kind::FraudReport, i),
                    case: f.names.id(c.case.get(i)),
                    card: f.names.id(c.card.get(i)),
                    msisdn: f.names.id(c.msisdn.get(i)),
                    victim: f.names.id(c.victim.get(i)),
                    dated: c.reported_at.get(i).is_some_and(|at| at >= c.key.ts(i) + HOUR),
                };
                f.widen(value.row.ts);
                f.reports.push(value);
            }
        },
    )?;
    scan(source, Kind::Complaint, &["subject", "card", "kind"], bar, |batch, rows| {
        let c = ComplaintColumns::bind(batch);
        for i in rows.filter(|i| c.kind.get(*i) == Some("not_mine")) {
            let value = Disowned {
                row: row(&c.key, &mut f.names, Kind::Complaint, i),
                card: f.names.id(c.card.get(i)),
                subject: f.names.id(c.subject.get(i)),
            };
            f.disowned.push(value);
        }
    })?;
    scan(source, Kind::CardChange, &["card", "change", "account"], bar, |batch, rows| {
        let c = CardChangeColumns::bind(batch);
        for i in rows.filter(|i| c.change.get(*i) == Some("cancel")) {
            let card = f.names.id(c.card.get(i));
            let account = f.names.id(c.account.get(i));
            f.cancelled.insert(card, (c.key.ts(i), account));
        }
    })?;
    scan(source, Kind::Reverification, &["card", "subject", "result"], bar, |batch, rows| {
        let c = ReverificationColumns::bind(batch);
        for i in rows.filter(|i| c.result.get(*i) == Some("failed")) {
            let value = Disowned {
                row: row(&c.key, &mut f.names, Kind::Reverification, i),
                card: f.names.id(c.card.get(i)),
                subject: f.names.id(c.subject.get(i)),
            };
            f.disowned.push(value);
        }
    })
}

fn openings(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<(), ScanError> {
    let columns = [
        "card",
        "msisdn",
        "subject",
        "account",
        "device",
        "session",
        "outlet",
        "region6",
        "cell_region6",
        "captured_at",
        "image_hash",
        "background_hash",
        "employer",
        "order",
    ];
    scan(source, Kind::Opening, &columns, bar, |batch, rows| {
        let c = OpeningColumns::bind(batch);
        for i in rows {
            let value = Opening {
                row: row(&c.key, &mut f.names, Kind::Opening, i),
                card: f.names.id(c.card.get(i)),
                msisdn: f.names.id(c.msisdn.get(i)),
                subject: f.names.id(c.subject.get(i)),
                account: f.names.id(c.account.get(i)),
                device: f.names.id(c.device.get(i)),
                session: f.names.id(c.session.get(i)),
                outlet: f.names.id(c.outlet.get(i)),
                region: f.names.id(c.region6.get(i)),
                cell: f.names.id(c.cell_region6.get(i)),
                captured_at: c.captured_at.get(i),
                image: f.names.id(c.image_hash.get(i)),
                background: f.names.id(c.background_hash.get(i)),
                employer: f.names.id(c.employer.get(i)),
                order: f.names.id(c.order.get(i)),
            };
            f.widen(value.row.ts);
            f.openings.push(value);
        }
    })
}

fn captures(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<(), ScanError> {
    let columns = ["subject", "subject_region6", "device", "pretext", "collector"];
    scan(source, Kind::Capture, &columns, bar, |batch, rows| {
        let c = CaptureColumns::bind(batch);
        for i in rows {
            let value = Capture {
                row: row(&c.key, &mut f.names, Kind::Capture, i),
                subject: f.names.id(c.subject.get(i)),
                device: f.names.id(c.device.get(i)),
                collector: f.names.id(c.collector.get(i)),
                place: f.names.id(c.subject.region6.get(i)),
                pretext: f.names.id(c.pretext.get(i)),
            };
            f.widen(value.row.ts);
            f.captures.push(value);
        }
    })
}

/// Reads logins and changes of place of these accounts.
pub fn load_of_accounts(
    f: &mut Facts,
    source: &dyn RowSource,
    accounts: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let columns = ["account", "device", "session", "region6", "result", "until"];
    scan(source, Kind::Login, &columns, bar, |batch, rows| {
        let c = LoginColumns::bind(batch);
        for i in rows {
            let account = c.account.get(i).and_then(|a| f.names.find(a)).unwrap_or(NONE);
            if !accounts.contains(&account) || c.result.get(i).is_some_and(|r| r != "ok") {
                continue;
            }
            let value = Login {
                row: row(&c.key, &mut f.names, Kind::Login, i),
                account,
                device: f.names.id(c.device.get(i)),
                session: f.names.id(c.session.get(i)),
                region: f.names.id(c.region6.get(i)),
                until: c.until.get(i),
            };
            f.logins.entry(account).or_default().push(value);
        }
    })?;
    let columns = ["account", "change", "new", "order", "device", "session"];
    scan(source, Kind::AccountChange, &columns, bar, |batch, rows| {
        let c = AccountChangeColumns::bind(batch);
        for i in rows.filter(|i| c.change.get(*i) == Some("location_override")) {
            let account = c.account.get(i).and_then(|a| f.names.find(a)).unwrap_or(NONE);
            if !accounts.contains(&account) {
                continue;
            }
            let value = Override {
                row: row(&c.key, &mut f.names, Kind::AccountChange, i),
                device: f.names.id(c.device.get(i)),
                session: f.names.id(c.session.get(i)),
                new: f.names.id(c.new.get(i)),
                order: f.names.id(c.order.get(i)),
            };
            f.overrides.entry(account).or_default().push(value);
        }
    })
}

/// Reads the custody of these cards: rows of single cards, and ranges that cover them.
pub fn load_stock(
    f: &mut Facts,
    source: &dyn RowSource,
    cards: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    // Ranges compare as text: ICCIDs of one range have one length.
    let sorted: BTreeMap<String, Id> = cards.iter().map(|c| (f.name(*c).to_owned(), *c)).collect();
    scan(source, Kind::StockMove, &["card", "card_from", "card_to", "from", "to"], bar, |batch, rows| {
        let c = StockMoveColumns::bind(batch);
        for i in rows {
            let hit: Vec<Id> = match (c.card.get(i), c.card_from.get(i), c.card_to.get(i)) {
                (Some(card), ..) => sorted.get(card).copied().into_iter().collect(),
                (None, Some(a), Some(b)) if a <= b => sorted
                    .range(a.to_owned()..=b.to_owned())
                    .filter(|(text, _)| text.len() == a.len())
                    .map(|(_, id)| *id)
                    .collect(),
                _ => Vec::new(),
            };
            if hit.is_empty() {
                continue;
            }
            let r = row(&c.key, &mut f.names, Kind::StockMove, i);
            let (from, to) = (f.names.id(c.from.get(i)), f.names.id(c.to.get(i)));
            for card in hit {
                f.moves.entry(card).or_default().push(Move { row: r, from, to });
            }
        }
    })
}
