//! The scan: every row once, in the total order, through the rules that speak of its kind.

use suyuan_model::Kind;
use suyuan_model::outcome::Finding;
use suyuan_model::scan::{RowSource, Want};
use suyuan_model::time::{DAY, china_day};

use crate::detector::Raised;
use crate::error::DetectError;
use crate::explain;
use crate::hash::{Key, KeyMap};
use crate::plan::{Bound, Source, amount_of, key_of, text_of};
use crate::registry::Registry;
use crate::rule::{Measure, RuleSet};
use crate::view::{Cite, Row, Sources, Views};

/// Hits of one rule and entity farther apart than this are separate findings.
const GAP: i64 = 30 * DAY;
/// Rows of one finding that are kept, as evidence and to be explained; beyond them a finding says no more.
const KEPT: usize = 20_000;

/// A finding before it is explained.
pub(crate) struct Draft {
    pub plan: usize,
    pub entity: String,
    pub first: i64,
    pub last: i64,
    pub rows: Vec<Cite>,
    pub total: u64,
    pub peak: i64,
    pub measures: Vec<Option<f64>>,
    pub nats: f64,
    pub number: usize,
    /// For detectors: what they said.
    pub raised: Option<Raised>,
}

/// Runs the rules over the rows; the same rows give the same findings, however they are cut into batches.
///
/// Findings are sorted by first row, rule, entity. Errors: the source could not be read.
pub fn detect(
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Finding>, DetectError> {
    let refs = Registry::read(source)?;
    let mut pass = Pass {
        bound: Bound::new(rules),
        refs: &refs,
        sources: Sources::default(),
        drafts: Vec::new(),
        open: vec![KeyMap::default(); rules.rules().len()],
    };
    let wants: Vec<Want> = pass
        .bound
        .kinds()
        .into_iter()
        .map(|kind| Want::only(kind, pass.bound.binder.columns(kind)))
        .collect();
    let mut stream = source.scan(&wants)?;
    let mut views = Views::default();
    let (mut rows, mut day) = (0u64, i64::MIN);
    while let Some(run) = stream.next_run()? {
        let view = views.of(run.kind, &run.batch, &pass.bound.binder, pass.bound.masks[run.kind as usize]);
        for i in run.rows {
            let row = view.row(i);
            if china_day(row.ts) > day {
                pass.day_end(day);
                day = china_day(row.ts);
                pass.expire(row.ts);
            }
            pass.row(&row);
            rows += 1;
            if rows.is_multiple_of(65_536) {
                progress(rows);
            }
        }
    }
    pass.day_end(day);
    progress(rows);
    drop(stream);
    explain::findings(source, pass)
}

pub(crate) struct Pass<'r> {
    pub bound: Bound<'r>,
    pub refs: &'r Registry,
    pub sources: Sources,
    pub drafts: Vec<Draft>,
    /// Per plan: the entity's latest draft.
    open: Vec<KeyMap<usize>>,
}

impl Pass<'_> {
    fn expire(&mut self, now: i64) {
        self.bound.operators.expire(now);
        for p in &mut self.bound.plans {
            p.windows.expire(now);
        }
    }

    /// Lets the detectors speak of a day that is over.
    fn day_end(&mut self, day: i64) {
        for (at, plan) in self.bound.plans.iter_mut().enumerate() {
            let Some(detector) = &mut plan.detector else { continue };
            let mut out = Vec::new();
            detector.day_end(day, self.refs, &mut out);
            for r in out {
                let Some(last) = r.rows.iter().map(|c| c.ts).max() else { continue };
                let who = (Key::of(&r.entity), r.entity.clone());
                let n = draft(&mut self.drafts, &mut self.open[at], at, who, last, plan.measures.len());
                self.drafts[n].raise(r);
            }
        }
    }

    fn row(&mut self, row: &Row<'_>) {
        self.bound.operators.next_row();
        for c in self.bound.comparables.iter_mut().filter(|c| c.kind == row.kind()) {
            if let Some(k) = row.key(c.slot).filter(|k| *k != c.last) {
                c.last = k;
                c.seen.insert(k);
            }
        }
        for at in 0..self.bound.by_kind[row.kind() as usize].len() {
            let (plan, detection) = self.bound.by_kind[row.kind() as usize][at];
            self.rule(plan, detection, row);
        }
        self.bound.operators.observe(row, self.refs);
    }

    fn rule(&mut self, at: usize, detection: usize, row: &Row<'_>) {
        let ops = &mut self.bound.operators;
        let plan = &mut self.bound.plans[at];
        let last = plan.steps.last().map(|s| (s.detection, s.entity));
        if let Some((d, Some(entity))) = last
            && d == detection
            && plan.compared.is_none()
            && plan.matchers[detection].maybe(row)
            && let Some(k) = key_of(entity, row, ops, self.refs)
        {
            plan.comparable.insert(k);
        }
        if !plan.matchers[detection].matches(row, ops, self.refs) {
            return;
        }
        if let Some(detector) = &mut plan.detector {
            detector.row(detection, row, self.sources.cite(row), self.refs);
            return;
        }
        // From the last step to the first, so that one row does not stand for two steps.
        for step in
            (0..plan.steps.len()).rev().filter(|s| plan.steps[*s].detection == detection).collect::<Vec<_>>()
        {
            self.step(at, step, row);
        }
    }

    fn step(&mut self, at: usize, step: usize, row: &Row<'_>) {
        let ops = &mut self.bound.operators;
        let plan = &mut self.bound.plans[at];
        let s = &plan.steps[step];
        let mut key = Key(1);
        for g in &s.group {
            let Some(k) = key_of(*g, row, ops, self.refs) else { return };
            key = key.and(k);
        }
        let (mut value, mut amount) = (Key(0), 0);
        if let Some(v) = s.value {
            if plan.correlation.measure == Measure::ValueSum {
                let Some(n) = amount_of(v, row, ops, self.refs) else { return };
                amount = n;
            } else {
                let Some(k) = key_of(v, row, ops, self.refs) else { return };
                value = k;
            }
        }
        let cite = self.sources.cite(row);
        let Some(hit) = plan.windows.add(plan.correlation, step, key, cite, value, amount) else { return };
        let Some((entity_key, entity)) =
            s.entity.and_then(|e| Some((key_of(e, row, ops, self.refs)?, text_of(e, row, ops, self.refs)?)))
        else {
            return;
        };
        let nats = s.nats.and_then(|n| text_number(n, row, ops, self.refs)).unwrap_or(0.0);
        let specs = &plan.measures;
        let draft =
            draft(&mut self.drafts, &mut self.open[at], at, (entity_key, entity), row.ts, specs.len());
        let d = &mut self.drafts[draft];
        d.peak = d.peak.max(hit.value);
        d.nats = d.nats.max(nats);
        d.take(hit.rows);
        d.first = d.first.min(row.ts);
        plan.matchers[s.detection].measured(row, ops, self.refs, |m, v| {
            let best = &mut d.measures[m];
            *best = Some(best.map_or(v, |b: f64| if specs[m].least { b.min(v) } else { b.max(v) }));
        });
    }
}

/// The entity's draft at `ts`: its latest, or a new one when that ended too long ago.
fn draft(
    drafts: &mut Vec<Draft>,
    open: &mut KeyMap<usize>,
    plan: usize,
    (key, entity): (Key, String),
    ts: i64,
    measures: usize,
) -> usize {
    let before = open.get(&key).copied();
    if let Some(d) = before.filter(|d| ts - drafts[*d].last <= GAP) {
        drafts[d].last = ts;
        return d;
    }
    let number = before.map_or(0, |d| drafts[d].number + 1);
    open.insert(key, drafts.len());
    drafts.push(Draft {
        plan,
        entity,
        first: i64::MAX,
        last: ts,
        rows: Vec::new(),
        total: 0,
        peak: i64::MIN,
        measures: vec![None; measures],
        nats: 0.0,
        number,
        raised: None,
    });
    drafts.len() - 1
}

impl Draft {
    fn take(&mut self, rows: Vec<Cite>) {
        self.total += rows.len() as u64;
        for c in rows {
            self.first = self.first.min(c.ts);
            if self.rows.len() < KEPT {
                self.rows.push(c);
            }
        }
    }
    /// What a detector raised: the strongest of several days speaks for all.
    fn raise(&mut self, r: Raised) {
        let nats = |r: &Raised| r.contributions.iter().map(|c| c.nats).sum::<f64>();
        self.nats = self.nats.max(nats(&r));
        self.take(r.rows.clone());
        match &mut self.raised {
            Some(old) => {
                let mut involved = std::mem::take(&mut old.involved);
                involved.extend(r.involved.iter().cloned());
                if nats(&r) > nats(old) {
                    *old = r;
                }
                old.involved = involved;
            }
            None => self.raised = Some(r),
        }
    }
}

fn text_number(s: Source, row: &Row<'_>, ops: &mut crate::plan::Operators, refs: &Registry) -> Option<f64> {
    match s {
        Source::Derived { operator, field } => match ops.fields(operator, row, refs)[field] {
            crate::derive::Val::Real(r) => Some(r),
            _ => None,
        },
        Source::Col(_) => None,
    }
}

/// The kinds that a scan of the rules reads.
pub fn kinds_read(rules: &RuleSet) -> Vec<Kind> {
    Bound::new(rules).kinds()
}
