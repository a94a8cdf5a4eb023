//! At which desk one stands out from a habit of the house.
//!
//! Who stands out does so by some of his rows: a login that a ring works with elsewhere is its holder's too, and what he does at the
//! counter is the habit. So the rows of such a finding are told apart by device: where they are no larger a share of all the
//! entity's rows there than of the others' (by a chance of one in twenty), they are of the habit and no evidence. Rows
//! that name no device stay.
//! Blind to: a few rows of the other kind at the device of the holder.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::EntityKind;

use crate::hash::{Key, KeyMap};
use crate::house::House;
use crate::plan::Plan;
use crate::run::Pass;
use crate::stats;
use crate::view::{Binder, Row, Slot};

/// A chance of less than this is none.
const CHANCE: f64 = 0.05;

/// All rows of one kind by whom they name and the device.
struct Count {
    kind: Kind,
    entity: Slot,
    device: Slot,
    rows: KeyMap<u64>,
}

impl Count {
    fn desk(&self, row: &Row<'_>) -> Option<Key> {
        (row.kind() == self.kind).then(|| Some(row.key(self.entity)?.and(row.key(self.device)?)))?
    }
}

/// The desks of those who stand out.
#[derive(Default)]
pub(crate) struct Desks {
    counts: Vec<Count>,
    /// Per finding of one who may stand out: which of the above, and its rows with their desk.
    drafts: BTreeMap<usize, (usize, Vec<(Key, Key)>)>,
}

impl Desks {
    pub fn new(pass: &Pass<'_>, house: &House, binder: &mut Binder) -> Desks {
        let mut out = Desks::default();
        for (n, d) in pass.drafts.list.iter().enumerate() {
            let beyond = house.habit(d.plan) && house.beyond(d.plan, &d.entity);
            if let Some(at) = beyond.then(|| out.count(pass.bound.plan(d.plan), binder)).flatten() {
                out.drafts.insert(n, (at, Vec::new()));
            }
        }
        out
    }

    fn count(&mut self, plan: &Plan<'_>, binder: &mut Binder) -> Option<usize> {
        let (rule, last) = (plan.rule, *plan.correlation.steps.last()?);
        let kind = rule.detections[last].kind;
        if rule.entity.kind != EntityKind::Account || rule.detections.len() > 1 {
            return None;
        }
        let (entity, device) = (binder.find(kind, &rule.entity.field)?, binder.find(kind, "device")?);
        let same = |c: &Count| (c.kind, c.entity, c.device) == (kind, entity, device);
        let known = self.counts.iter().position(same);
        Some(known.unwrap_or_else(|| {
            self.counts.push(Count { kind, entity, device, rows: KeyMap::default() });
            self.counts.len() - 1
        }))
    }

    /// Counts a row, which is evidence of these findings.
    pub fn row(&mut self, row: &Row<'_>, findings: &[usize]) {
        for (at, count) in self.counts.iter_mut().enumerate() {
            let Some(desk) = count.desk(row) else { continue };
            *count.rows.entry(desk).or_default() += 1;
            for n in findings {
                if let Some((_, rows)) = self.drafts.get_mut(n).filter(|d| d.0 == at) {
                    rows.push((row.identity(), desk));
                }
            }
        }
    }

    /// The rows of a finding that are of the habit, of which the others' rows are such a share.
    pub fn of_the_habit(&self, finding: usize, share: f64) -> Vec<Key> {
        let Some((at, rows)) = self.drafts.get(&finding) else { return Vec::new() };
        let mut desks: BTreeMap<Key, i64> = BTreeMap::new();
        rows.iter().for_each(|(_, desk)| *desks.entry(*desk).or_default() += 1);
        desks.retain(|desk, k| {
            let all = self.counts[*at].rows.get(desk).copied().unwrap_or(0).max(*k as u64);
            stats::binomial_tail(*k, all as i64, share) >= CHANCE
        });
        rows.iter().filter(|(_, desk)| desks.contains_key(desk)).map(|(row, _)| *row).collect()
    }
}
