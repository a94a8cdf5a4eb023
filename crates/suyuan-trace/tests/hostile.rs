//! Records that are not as records should be: an account that touched everyone, a victim whom everyone touched, one day
//! with all events, no victims, nothing but victims. The trace ends well, accuses nobody, says in both languages what it
//! could not conclude, and says the same however the rows are cut.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use suyuan_model::Kind;
use suyuan_model::outcome::{Lang, Trace};
use suyuan_model::scan::{RowSource, RowStream, Run, ScanError, Want};
use suyuan_model::time::{DAY, SECOND};
use suyuan_trace::{Params, trace};

const START: i64 = 1_577_808_000 * SECOND;
const DAYS: u64 = 180;

/// Spread numbers without pattern or state.
fn mix(i: u64, by: u64) -> u64 {
    let x = (i ^ by << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 32
}

/// Look-ups (when, account, person) and reports (when, victim).
#[derive(Default)]
struct World {
    looks: Vec<(i64, u64, u64)>,
    reports: Vec<(i64, u64)>,
    cut: usize,
}

impl World {
    /// So many honest look-ups of so many persons by a hundred accounts over the whole time.
    fn honest(looks: u64, persons: u64) -> World {
        let one =
            |i| (START + (mix(i, 1) % (DAYS * 86_400)) as i64 * SECOND, mix(i, 2) % 100, mix(i, 3) % persons);
        World { looks: (0..looks).map(one).collect(), reports: Vec::new(), cut: 8192 }
    }

    /// Every `n`th person is a victim, on a day of the second half.
    fn harm(&mut self, persons: u64, n: u64) {
        let day = |p| START + (90 + mix(p, 4) % 90) as i64 * DAY + (mix(p, 5) % 86_400) as i64 * SECOND;
        self.reports.extend((0..persons).filter(|p| p % n == 0).map(|p| (day(p), p)));
    }

    fn once(&mut self) -> Trace {
        self.looks.sort_unstable();
        self.reports.sort_unstable();
        trace(self, &[], &Params::default(), &mut |_| {}).unwrap()
    }

    fn traced(mut self) -> Trace {
        let found = self.once();
        self.cut = 997;
        assert_eq!(found, self.once(), "batches cut elsewhere");
        for limit in &found.limits {
            assert!(Lang::BOTH.iter().all(|l| !limit.get(*l).is_empty()));
        }
        found
    }
}

fn batch(kind: Kind, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let rows = columns[0].1.len();
    let schema = kind.schema();
    let all = schema.fields().iter().map(|f| {
        let given = columns.iter().find(|c| c.0 == f.name()).map(|c| c.1.clone());
        given.unwrap_or_else(|| match f.name().as_str() {
            "source" => Arc::new(StringArray::from(vec!["crm"; rows])) as ArrayRef,
            "action" => Arc::new(StringArray::from(vec!["view"; rows])),
            "file_id" => Arc::new(Int64Array::from(vec![1; rows])),
            _ => new_null_array(f.data_type(), rows),
        })
    });
    RecordBatch::try_new(schema.clone(), all.collect()).unwrap()
}

fn times(ts: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(ts.collect::<Vec<i64>>()).with_timezone("UTC"))
}

fn texts(text: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from(text.collect::<Vec<String>>()))
}

fn numbers(from: usize, n: usize) -> ArrayRef {
    Arc::new(Int64Array::from((from..from + n).map(|i| i as i64 + 1).collect::<Vec<i64>>()))
}

impl RowSource for World {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        let (mut runs, mut from) = (Vec::new(), 0);
        let mut push = |kind, batch: RecordBatch| {
            let rows = 0..batch.num_rows();
            runs.push(Run { kind, batch: Arc::new(batch), rows });
        };
        match wants[0].kind {
            Kind::Access => {
                for part in self.looks.chunks(self.cut) {
                    let columns = [
                        ("ts", times(part.iter().map(|l| l.0))),
                        ("seq", numbers(from, part.len())),
                        ("line", numbers(from, part.len())),
                        ("account", texts(part.iter().map(|l| format!("a{:05}", l.1)))),
                        ("subject", texts(part.iter().map(|l| format!("idn1-{:08}", l.2)))),
                    ];
                    push(Kind::Access, batch(Kind::Access, &columns));
                    from += part.len();
                }
            }
            Kind::FraudReport => {
                for part in self.reports.chunks(self.cut) {
                    let columns = [
                        ("ts", times(part.iter().map(|r| r.0))),
                        ("seq", numbers(from, part.len())),
                        ("line", numbers(from, part.len())),
                        ("case", texts((0..part.len()).map(|i| format!("c{}", from + i)))),
                        ("victim", texts(part.iter().map(|r| format!("idn1-{:08}", r.1)))),
                    ];
                    push(Kind::FraudReport, batch(Kind::FraudReport, &columns));
                    from += part.len();
                }
            }
            _ => {}
        }
        Ok(Box::new(Runs(runs.into_iter())))
    }

    fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Access => self.looks.len() as u64,
            Kind::FraudReport => self.reports.len() as u64,
            _ => 0,
        }
    }
}

struct Runs(std::vec::IntoIter<Run>);

impl RowStream for Runs {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        Ok(self.0.next())
    }
}

fn accused(t: &Trace) -> Vec<String> {
    t.sources.iter().filter(|s| s.listed || s.probability >= 0.5).map(|s| s.entity.to_string()).collect()
}

/// Whether a limit says so, in both languages.
fn says(t: &Trace, en: &str, zh: &str) -> bool {
    t.limits.iter().any(|l| l.get(Lang::En).contains(en) && l.get(Lang::Zh).contains(zh))
}

#[test]
fn an_account_that_touched_everyone_is_no_source() {
    let mut w = World::honest(60_000, 20_000);
    let when = |p| START + (mix(p, 6) % (DAYS * 86_400)) as i64 * SECOND;
    w.looks.extend((0..20_000).map(|p| (when(p), 7, p)));
    w.harm(20_000, 40);
    assert_eq!(accused(&w.traced()), Vec::<String>::new());
}

#[test]
fn a_victim_whom_a_hundred_thousand_accounts_touched_accuses_none() {
    let mut w = World::honest(20_000, 5_000);
    let when = |a| START + (mix(a, 6) % (80 * 86_400)) as i64 * SECOND;
    w.looks.extend((0..100_000).map(|a| (when(a), 100 + a, 0)));
    w.harm(5_000, 50);
    // Once: so many columns take their time.
    assert_eq!(accused(&w.once()), Vec::<String>::new());
}

#[test]
fn one_day_with_all_events_accuses_none_and_it_says_so() {
    let mut w = World::honest(60_000, 20_000);
    w.harm(20_000, 40);
    let day = START + 100 * DAY;
    w.looks.iter_mut().for_each(|l| l.0 = day + (l.0 - START) % DAY);
    w.reports.iter_mut().for_each(|r| r.0 = day + (r.0 - START) % DAY);
    let t = w.traced();
    assert_eq!(accused(&t), Vec::<String>::new());
    assert!(says(&t, "no source is named", "不指认来源"), "{:?}", t.limits);
}

#[test]
fn without_victims_it_says_what_is_missing() {
    let t = World::honest(20_000, 5_000).traced();
    assert!(t.sources.is_empty());
    assert!(says(&t, "There are no fraud reports", "没有涉诈案件记录"));
}

#[test]
fn where_all_are_victims_nothing_stands_out_and_it_says_so() {
    let mut w = World::honest(20_000, 5_000);
    w.harm(5_000, 1);
    let t = w.traced();
    assert_eq!(accused(&t), Vec::<String>::new());
    assert!(says(&t, "nearly everyone", "几乎人人"), "{:?}", t.limits);
}
