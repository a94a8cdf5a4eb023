//! A busy desk: who has many customers meets everything more often, and a count alone tells nobody apart.
//!
//! A rule that counts by account or outlet what happens to everyone now and then (a number typed by hand, a card sold after
//! hours) holds first where most is sold. So the rows that such a rule found are held against all the entity's rows of the kind, from
//! the first row of the finding (or a window of the rule before its last) to the last: where their share among all others, even
//! doubled, would bring so many by a chance of one in a thousand or more, the finding is for information. Rows that are more than one
//! in ten of all are no matter of share, and a few hundred rows of others are needed.
//! Blind to: one who hides a few among much honest business, if nothing but their number tells.

use suyuan_model::Kind;
use suyuan_model::outcome::{Counter, EntityKind, Outcome, Text};

use crate::core::Draft;
use crate::hash::{Key, KeyMap};
use crate::plan::{Plan, Source};
use crate::rule::Measure;
use crate::run::Pass;
use crate::stats;
use crate::view::{Binder, Row, Slot};

/// How much more often than the others' an honest desk's rows may show it.
const HONEST: f64 = 2.0;
/// A chance of less than this is none.
const CHANCE: f64 = 0.001;
/// What is more than this share of all rows is no matter of share.
const RARE: f64 = 0.1;
/// Fewer rows of others are no measure.
const FEWEST: u64 = 300;

/// Rows of one kind by whom they name, and the findings whose time they fall into.
struct Named {
    kind: Kind,
    slot: Slot,
    all: u64,
    drafts: KeyMap<Vec<usize>>,
}

/// The rows beside those that rules counted.
#[derive(Default)]
pub(crate) struct Business {
    named: Vec<Named>,
    /// Per finding: from when to when, which of the above, and how many rows of the entity fall into that time.
    drafts: Vec<Option<(i64, i64, usize, u64)>>,
}

/// The rows that name what the rule is about, where it counts by nothing else.
fn counted(plan: &Plan<'_>) -> Option<Kind> {
    let c = plan.correlation;
    let [detection] = plan.rule.detections.as_slice() else { return None };
    let ([reads], [_]) = (plan.reads.as_slice(), plan.windows.as_slice()) else { return None };
    let counts = matches!(c.measure, Measure::EventCount | Measure::ValueCount);
    let desk = matches!(plan.rule.entity.kind, EntityKind::Account | EntityKind::Outlet);
    match (reads.entity, reads.routes.as_slice()) {
        (Some(Source::Col(entity)), [route]) if counts && desk && plan.detector.is_none() => {
            match *route.group {
                [Source::Col(by)] if by == entity => Some(detection.kind),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Business {
    pub fn new(pass: &Pass<'_>, binder: &mut Binder) -> Business {
        let mut out = Business::default();
        for (n, d) in pass.drafts.list.iter().enumerate() {
            let plan = pass.bound.plan(d.plan);
            let slot = |kind| Some((kind, binder.find(kind, &plan.rule.entity.field)?));
            let Some((kind, slot)) = counted(plan).and_then(slot) else {
                out.drafts.push(None);
                continue;
            };
            let known = out.named.iter().position(|x| (x.kind, x.slot) == (kind, slot));
            let at = known.unwrap_or_else(|| {
                out.named.push(Named { kind, slot, all: 0, drafts: KeyMap::default() });
                out.named.len() - 1
            });
            out.named[at].drafts.entry(Key::of(&d.entity)).or_default().push(n);
            let from = d.first.min(d.last - plan.correlation.timespan);
            out.drafts.push(Some((from, d.last, at, 0)));
        }
        out
    }

    /// Counts a row.
    pub fn row(&mut self, row: &Row<'_>) {
        for named in self.named.iter_mut().filter(|x| x.kind == row.kind()) {
            let Some(key) = row.key(named.slot) else { continue };
            named.all += 1;
            for n in named.drafts.get(&key).map_or(&[][..], Vec::as_slice) {
                if let Some((from, to, _, rows)) = &mut self.drafts[*n]
                    && (*from..=*to).contains(&row.ts)
                {
                    *rows += 1;
                }
            }
        }
    }

    /// What a desk's business says of a finding.
    pub fn counter(&self, pass: &Pass<'_>, n: usize, d: &Draft) -> Option<Counter> {
        let (_, _, at, of) = self.drafts[n]?;
        let others = self.named[at].all.saturating_sub(of);
        let rate = pass.bound.plan(d.plan).matched.saturating_sub(d.total) as f64 / others.max(1) as f64;
        if others < FEWEST || rate > RARE {
            return None;
        }
        let chance = stats::binomial_tail(d.total as i64, of as i64, rate * HONEST);
        let (own, rate) = (d.total as f64 / of.max(1) as f64 * 100.0, rate * 100.0);
        Some(Counter {
            what: Text::new(
                "a busy desk: as many as its business lets expect",
                "业务量大：数量与其业务量相称",
            ),
            outcome: if chance >= CHANCE { Outcome::Supported } else { Outcome::Excluded },
            detail: Text::new(
                format!(
                    "{} of its {of} rows in that time ({own:.1} %), {rate:.2} % of all others' rows",
                    d.total
                ),
                format!("期间其{of}条记录中{}条（{own:.1}%），其他记录中占{rate:.2}%", d.total),
            ),
        })
    }
}
