//! Counting on is counting all.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use serde_json::{Value, json};
use suyuan_model::scan::MemorySource;
use suyuan_model::time::DAY;
use suyuan_model::{fixture, time};

use super::*;
use crate::attribute::Clock;
use crate::facts;
use crate::question::count::count;
use crate::question::person::Lookups;

/// A shelf in memory; what is kept can be spoilt.
#[derive(Default)]
struct Board {
    parts: BTreeMap<Part, Vec<u8>>,
    taken: usize,
    kept: Vec<Part>,
}

impl Shelf for Board {
    fn take(&mut self, part: Part) -> Option<Box<dyn Read>> {
        self.taken += 1;
        Some(Box::new(Cursor::new(self.parts.get(&part)?.clone())))
    }
    fn keep(&mut self, part: Part, _: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        self.kept.push(part);
        self.parts.insert(part, bytes);
    }
}

/// One record and the step at which it comes into the lake.
#[derive(Clone, Debug)]
struct Record {
    kind: Kind,
    day: f64,
    step: usize,
    fields: Value,
}

fn at(day: f64) -> String {
    time::format(time::parse("2020-01-01T00:00:00Z").unwrap() + (day * DAY as f64) as i64)
}

fn source(records: &[Record], step: usize) -> MemorySource {
    let mut out = MemorySource::default();
    for kind in [Kind::Staff, Kind::Outlet, Kind::WorkOrder, Kind::FraudReport, Kind::Access, Kind::Capture] {
        let rows = records.iter().enumerate().filter(|(_, r)| r.kind == kind && r.step <= step);
        let rows: Vec<Value> = rows
            .map(|(i, r)| {
                let mut row = r.fields.clone();
                row["ts"] = json!(at(r.day));
                (row["seq"], row["line"]) = (json!(i), json!(i));
                row
            })
            .collect();
        if !rows.is_empty() {
            out.push(kind, fixture::batch(kind, &rows).unwrap());
        }
    }
    out
}

fn record(kind: Kind, day: f64, step: usize, fields: Value) -> Record {
    Record { kind, day, step, fields }
}

fn look(day: f64, step: usize, account: u8, person: u8, order: Option<u8>, denied: bool) -> Record {
    let order = order.map(|o| format!("W-{o}"));
    let result = if denied { "denied" } else { "ok" };
    let subject = (person > 0).then(|| format!("idn1-{person}"));
    let fields = json!({"account": format!("a{account}"), "action": "view", "subject": subject, "order": order,
        "result": result, "subject_region6": format!("5101{:02}", person % 3)});
    record(Kind::Access, day, step, fields)
}

fn report(day: f64, step: usize, person: u8) -> Record {
    let victim = format!("idn1-{person}");
    record(Kind::FraudReport, day, step, json!({"case": format!("c{day}-{person}"), "victim": victim}))
}

/// All that the questions ask of a count.
fn seen(f: &Facts, l: &mut Lookups, harmed: &[Id]) -> String {
    let keys: Vec<(EntityKind, &str)> = l.keys.iter().map(|k| (k.0, f.name(k.1))).collect();
    let days: Vec<_> = (0..l.keys.len() as u32).map(|c| l.tally.days_of(c)).collect();
    let held: Vec<_> =
        l.tally.held().iter().map(|h| (h.column, h.thing, h.row.cite(&f.names), h.day, h.weight)).collect();
    let persons: Vec<_> = l.persons.iter().map(|(n, id)| (*n, f.name(*id))).collect();
    let when: Vec<(u32, f64)> =
        l.persons.iter().filter(|p| harmed.contains(p.1)).map(|p| (*p.0, 50.0)).collect();
    let head = format!("{keys:?}\n{days:?}\n{held:?}\n{persons:?}\n{:?} {}", l.bulk, l.everyone());
    format!(
        "{head}\n{:?}\n{:?}",
        l.tally.things_of(),
        l.tally.problem(Clock::Calendar, |_| true, &when, |_| true)
    )
}

/// Counts what there is at a step, harmed being who was reported and is not among those taken back; also what it numbered.
fn counted(
    records: &[Record],
    step: usize,
    (back, threads): (u8, usize),
    shelf: Option<&mut dyn Shelf>,
) -> (String, Vec<String>) {
    let source = source(records, step);
    let mut quiet = |_: u64| {};
    let mut bar = Bar::new(&mut quiet);
    let mut f = facts::load(&source, &mut bar).unwrap();
    let gone = format!("idn1-{back}");
    let harmed: BTreeSet<Id> = f.reports.iter().map(|r| r.victim).filter(|v| f.name(*v) != gone).collect();
    let mut looked = count(&mut f, &source, &harmed, threads, shelf, &mut bar).unwrap();
    let harmed: Vec<Id> = harmed.into_iter().collect();
    let names = (0..f.names.len()).map(|i| f.name(i).to_owned()).collect();
    (seen(&f, &mut looked, &harmed), names)
}

/// Records of some steps: in order of time, or not.
fn worlds() -> impl Strategy<Value = Vec<Record>> {
    let day = || 0.0..120.0f64;
    let looks = (day(), 0..4usize, 0u8..5, 0u8..12, proptest::option::of(0u8..8), prop::bool::weighted(0.1))
        .prop_map(|(d, s, a, p, o, denied)| look(d, s, a, p, o, denied));
    let reports = (day(), 0..4usize, 1u8..12).prop_map(|(d, s, p)| report(d, s, p));
    let order = (day(), 0..4usize, 0u8..8, proptest::option::of(1u8..12)).prop_map(|(d, s, o, p)| {
        let subject = p.map(|p| format!("idn1-{p}"));
        record(Kind::WorkOrder, d, s, json!({"order": format!("W-{o}"), "subject": subject}))
    });
    let staff = (day(), 0..4usize, 0u8..5, 0u8..3).prop_map(|(d, s, a, o)| {
        record(Kind::Staff, d, s, json!({"account": format!("a{a}"), "outlet": format!("o{o}")}))
    });
    let outlet = (day(), 0..4usize, 0u8..3, 1u8..4).prop_map(|(d, s, o, r)| {
        record(Kind::Outlet, d, s, json!({"outlet": format!("o{o}"), "region6": format!("510{r}00")}))
    });
    let capture = (day(), 0..4usize, 0u8..3, 1u8..14).prop_map(|(d, s, a, p)| {
        record(Kind::Capture, d, s, json!({"subject": format!("idn1-{p}"), "collector": format!("a{a}")}))
    });
    let few = |most| 0..most;
    let lists = (
        proptest::collection::vec(looks, 0..150),
        proptest::collection::vec(reports, few(12)),
        proptest::collection::vec(order, few(6)),
        proptest::collection::vec(staff, few(4)),
        proptest::collection::vec(outlet, few(3)),
        proptest::collection::vec(capture, few(6)),
    );
    (lists, 0..4u8).prop_map(|((a, b, c, d, e, g), how)| {
        let mut all: Vec<Record> = [a, b, c, d, e, g].concat();
        for r in &mut all {
            let by_time = (r.day / 30.0) as usize;
            r.step = match (how, r.kind) {
                // As it comes.
                (0, _) => r.step,
                // In time; who works where is known from the start.
                (1 | 2, Kind::Staff | Kind::Outlet) => 0,
                (1, _) => by_time,
                // Reports come when they come.
                (2, Kind::FraudReport) => r.step,
                // Some days late.
                (_, _) => (((r.day + r.step as f64) / 30.0) as usize).min(3),
            };
        }
        all.extend([report(0.0, 0, 1), report(45.0, 0, 2)]);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    /// However the records come in, whoever is harmed and no longer is, wherever a file was cut off, and on one thread or two.
    #[test]
    fn counting_on_is_counting_all(records in worlds(), back in proptest::collection::vec(0u8..12, 4), torn in 0usize..4000, part in 0..6) {
        let mut board = Board::default();
        for (step, gone) in back.iter().enumerate() {
            let on = counted(&records, step, (*gone, 2), Some(&mut board));
            prop_assert_eq!(on, counted(&records, step, (*gone, 1), None));
            // A shelf answers for its bytes; even so half a file is no answer.
            let part = [Part::Counts, Part::Touches].get(part as usize).copied();
            if let Some(bytes) = part.and_then(|p| board.parts.get_mut(&p)) {
                bytes.truncate(torn);
            }
        }
    }
}

/// Sixty days of look-ups; more later.
fn office() -> Vec<Record> {
    let mut all = vec![report(0.0, 0, 1), report(60.0, 0, 2)];
    all.extend(
        (0..300u16).map(|i| look(f64::from(i) / 5.0, 0, (i % 4) as u8, 1 + (i * 7 % 90) as u8, None, false)),
    );
    all
}

/// Counts the world after a change, and says which parts were written anew.
fn changed(more: impl IntoIterator<Item = Record>, back: u8) -> Vec<Part> {
    let mut board = Board::default();
    let mut records = office();
    counted(&records, 0, (0, 1), Some(&mut board));
    assert_eq!(board.kept, [Part::Counts, Part::Touches]);
    board.kept.clear();
    records.extend(more);
    let on = counted(&records, 1, (back, 1), Some(&mut board));
    assert_eq!(on, counted(&records, 1, (back, 1), None));
    board.kept
}

#[test]
fn what_is_kept_is_taken_up() {
    assert_eq!(changed([], 0), []);
    // More look-ups in the last bin, which is not kept.
    assert_eq!(changed([look(59.0, 1, 1, 5, None, false), look(80.0, 1, 9, 99, None, false)], 0), []);
    // Another victim; one taken back.
    assert_eq!(changed([report(59.0, 1, 8)], 0), [Part::Touches]);
    assert_eq!(changed([], 2), [Part::Touches]);
    // The records grow: the counts end later.
    assert_eq!(changed([report(70.0, 1, 2)], 0), [Part::Counts, Part::Touches]);
}

#[test]
fn counts_that_rest_on_something_else_are_left() {
    let mut board = Board::default();
    let mut records = office();
    counted(&records, 0, (0, 1), Some(&mut board));
    let mut late = |r: Record| {
        records.push(r);
        let taken = board.taken;
        let on = counted(&records, 0, (0, 1), Some(&mut board));
        assert_eq!(on, counted(&records, 0, (0, 1), None));
        // Where the counts are taken up, the touches are too.
        board.taken - taken
    };
    assert_eq!(late(look(12.0, 0, 1, 5, None, false)), 1);
    assert_eq!(late(record(Kind::Staff, 90.0, 0, json!({"account": "a1", "outlet": "o1"}))), 1);
    assert_eq!(late(record(Kind::Staff, 90.0, 0, json!({"account": "a99", "outlet": "o1"}))), 2);
    assert_eq!(late(record(Kind::WorkOrder, 90.0, 0, json!({"order": "W-1"}))), 1);
    assert_eq!(late(record(Kind::WorkOrder, 91.0, 0, json!({"order": "W-2"}))), 2);
    assert_eq!(late(look(10.0, 0, 1, 5, Some(1), false)), 1);
    assert_eq!(late(record(Kind::WorkOrder, 92.0, 0, json!({"order": "W-1", "subject": "idn1-7"}))), 1);
    assert_eq!(late(record(Kind::WorkOrder, 5.0, 0, json!({"order": "W-9"}))), 1);
    assert_eq!(late(report(-3.0, 0, 4)), 1);
}
