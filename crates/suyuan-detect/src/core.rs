//! The one evaluator: rows in the total order in, alerts and drafts of findings out.
//!
//! History ([`crate::detect`], [`crate::alerts`]) and live ([`crate::Live`]) call it with the same rows in the same order and get
//! the same alerts. It keeps, per rule, the state of its windows; per operator and detector their own; all of it can be
//! saved and restored ([`crate::state`]).

mod together;

use std::cmp::Reverse;

use suyuan_model::outcome::Entity;
use suyuan_model::time::{DAY, china_day};

use crate::alert::{Alert, Evidence, alert_id};
use crate::derive::Val;
use crate::detector::Raised;
use crate::hash::{Key, KeyMap};
use crate::plan::{Bound, Operators, Plan, Reads, Route, Source, amount_of, key_of, text_of};
use crate::registry::Registry;
use crate::rule::{Correlation, Input, Measure, Mode, RuleSet};
use crate::state::{Plain, Saved, Visit};
use crate::view::{Cite, Row, Sources};
use crate::window::{Arrival, Ask, Hit, Mark, Missed};
use together::Together;

/// Hits of one rule and entity farther apart than this are separate findings.
const GAP: i64 = 30 * DAY;
/// Rows of one finding that are kept, as evidence and to be explained; beyond them a finding says no more.
const KEPT: usize = 20_000;

/// Rows that are taken in together.
pub(crate) const AHEAD: usize = 16_384;

/// A finding before it is explained.
pub(crate) struct Draft {
    pub plan: usize,
    pub entity: String,
    pub first: i64,
    /// When it first held.
    pub fired: i64,
    pub last: i64,
    pub rows: Vec<Cite>,
    pub total: u64,
    /// The largest value, in millionths of its unit.
    pub peak: i128,
    pub measures: Vec<Option<f64>>,
    pub nats: f64,
    pub number: usize,
    /// For detectors: what they said.
    pub raised: Option<Raised>,
}

/// Drafts, and per rule the entity's latest one.
#[derive(Default)]
pub(crate) struct Drafts {
    pub list: Vec<Draft>,
    open: Vec<KeyMap<usize>>,
}

/// A row on its way: its place among those taken in together, and what is needed beside it.
#[derive(Clone, Copy)]
struct At<'a> {
    n: u32,
    row: &'a Row<'a>,
    cite: Cite,
    refs: &'a Registry,
}

/// The condition of a rule held.
struct Held {
    plan: usize,
    detection: usize,
    /// The row's place among those taken in together.
    n: u32,
    group: Key,
    entity: (Key, String),
    at: i64,
    trigger: Cite,
    micro: i128,
    rows: Vec<Cite>,
    alert: Option<Vec<Cite>>,
}

impl Held {
    fn new(
        (plan, detection): (usize, usize),
        n: u32,
        group: Key,
        entity: (Key, String),
        trigger: Cite,
        hit: Hit,
    ) -> Held {
        let Hit { micro, rows, alert } = hit;
        Held { plan, detection, n, group, entity, at: trigger.ts, trigger, micro, rows, alert }
    }
}

/// The evaluator.
pub(crate) struct Core<'r> {
    pub bound: Bound<'r>,
    pub sources: Sources,
    /// Drafts of findings, where findings are wanted.
    pub drafts: Option<Drafts>,
    /// Alerts not yet taken, where alerts are wanted.
    pub alerts: Option<Vec<Alert>>,
    /// What those carry.
    pub evidence: Evidence,
    /// The day (of China) of the newest row, until it is over.
    day: i64,
    /// The newest row's time, or the time that was said to have come.
    now: i64,
    rows: u64,
    last_alert: Option<(usize, Key, Cite)>,
    /// Absences: plan and correlation.
    waiting: Vec<(usize, usize)>,
    together: Together,
    /// Where the present row leads: correlation, step, detection, its route; kept to be used again.
    routes: Vec<(usize, Reverse<usize>, usize, usize)>,
}

impl Saved for Core<'_> {
    fn state(&mut self, v: &mut dyn Visit) {
        v.cell(&mut Plain(&mut self.day));
        v.cell(&mut Plain(&mut self.now));
        v.cell(&mut Plain(&mut self.rows));
        self.sources.state(v);
        self.bound.operators.state(v);
        for p in &mut self.bound.plans {
            p.windows.iter_mut().for_each(|w| w.state(v));
            if let Some(d) = &mut p.detector {
                d.state(v);
            }
        }
    }
}

impl<'r> Core<'r> {
    pub fn new(rules: &'r RuleSet, findings: bool, alerts: bool) -> Core<'r> {
        let bound = Bound::new(rules);
        let mut waiting = Vec::new();
        for (p, plan) in bound.plans.iter().enumerate() {
            let all = plan.rule.correlations().enumerate();
            waiting.extend(all.filter(|(_, c)| c.measure == Measure::Absence).map(|(c, _)| (p, c)));
        }
        let together = Together::new(&bound);
        let open = bound.plans.iter().map(|_| KeyMap::default()).collect();
        Core {
            bound,
            sources: Sources::default(),
            drafts: findings.then(|| Drafts { list: Vec::new(), open }),
            alerts: alerts.then(Vec::new),
            evidence: Evidence::Rows,
            day: i64::MIN,
            now: i64::MIN,
            rows: 0,
            last_alert: None,
            waiting,
            together,
            routes: Vec::new(),
        }
    }

    /// Rows taken in.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Time has come to `ts`: every row before it has been seen.
    pub fn advance(&mut self, ts: i64, refs: &Registry) {
        if ts <= self.now {
            return;
        }
        for at in 0..self.waiting.len() {
            self.due(at, ts);
        }
        if self.day != i64::MIN && china_day(ts) > self.day {
            self.day_end(refs);
            self.day = i64::MIN;
            self.bound.operators.expire(ts);
            for p in &mut self.bound.plans {
                p.windows.iter_mut().for_each(|w| w.expire(ts));
            }
        }
        self.now = ts;
    }

    /// The records end here: the day under way is over. Deadlines that lie later are left open.
    pub fn finish(&mut self, refs: &Registry) {
        for at in 0..self.waiting.len() {
            self.due(at, self.now.saturating_add(1));
        }
        self.day_end(refs);
        self.day = i64::MIN;
    }

    fn due(&mut self, at: usize, ts: i64) {
        let (p, c) = self.waiting[at];
        let plan = &mut self.bound.plans[p];
        let correlation = plan.rule.correlations().nth(c).unwrap_or(plan.correlation);
        let missed = plan.windows[c].due(correlation, ts);
        let own = c + 1 == plan.windows.len();
        for m in missed {
            if own {
                self.missed(p, m);
            }
        }
    }

    fn missed(&mut self, plan: usize, m: Missed) {
        let entity = (Key::of(&m.entity), m.entity);
        let (rows, micro) = (vec![m.cite], crate::rule::MICRO);
        let alert = m.alert.then(|| rows.clone());
        let hit = Hit { micro, rows, alert };
        let held = Held { at: m.at, ..Held::new((plan, 0), 0, m.key, entity, m.cite, hit) };
        self.held(held, None);
    }

    /// Lets the detectors speak of the day that is over, if it had rows.
    fn day_end(&mut self, refs: &Registry) {
        if self.day == i64::MIN {
            return;
        }
        for at in 0..self.bound.plans.len() {
            let plan = &mut self.bound.plans[at];
            let Some(detector) = &mut plan.detector else { continue };
            let mut out = Vec::new();
            detector.day_end(self.day, refs, &mut out);
            for r in out {
                self.raised(at, r);
            }
        }
    }

    fn raised(&mut self, at: usize, r: Raised) {
        let Some(last) = r.rows.iter().max().copied() else { return };
        let plan = &self.bound.plans[at];
        let who = (Key::of(&r.entity), r.entity.clone());
        if let Some(alerts) = &mut self.alerts {
            let first = r.contributions.first();
            let value = first.map(|c| c.value.clone()).unwrap_or_default();
            let threshold = first.and_then(|c| c.threshold.clone());
            let mut rows = r.rows.clone();
            rows.sort_unstable();
            let level = r.at_most.map_or(plan.rule.level, |most| plan.rule.level.min(most));
            let entity = who.1.clone();
            let said = Said { group: who.0, entity, at: last.ts, trigger: &last, rows: &rows };
            alerts.push(Alert { level, ..said.alert(plan, &self.sources, value, threshold) });
        }
        if let Some(drafts) = &mut self.drafts {
            let n = drafts.at(at, who, last.ts, plan.measures.len());
            drafts.list[n].raise(r);
        }
    }

    /// Whether a row that may match a detection of a rule does.
    fn matches(&mut self, at: usize, detection: usize, row: &Row<'_>, refs: &Registry) -> bool {
        let ops = &mut self.bound.operators;
        let plan = &mut self.bound.plans[at];
        if plan.compared.is_none()
            && self.drafts.is_some()
            && plan.correlation.steps.last() == Some(&detection)
            && let Some(entity) = plan.reads[detection].entity
            && let Some(k) = key_of(entity, row, ops, refs)
        {
            plan.comparable.insert(k);
        }
        plan.matchers[detection].matches(row, ops, refs)
    }

    /// What a correlation is to tell: an inner one what stands behind it, the rule's own what is wanted.
    fn ask(&self, own: bool) -> Ask {
        let less = own && (self.alerts.is_none() || self.evidence == Evidence::Trigger);
        Ask {
            findings: own && self.drafts.is_some(),
            alerts: if less { Evidence::Trigger } else { Evidence::Rows },
        }
    }

    /// Lets the row reach the correlations of one rule: inner ones first; of one the last step first, whichever detection
    /// leads to it, so that a row does not stand for two steps.
    fn route(&mut self, plan: usize, matched: &[(u32, usize)], at: At<'_>) {
        if let [(_, d)] = matched
            && self.bound.plans[plan].reads[*d].routes.len() == 1
        {
            return self.reach((plan, *d, 0), at, &mut Vec::new());
        }
        let mut routes = std::mem::take(&mut self.routes);
        for (_, d) in matched {
            let list = self.bound.plans[plan].reads[*d].routes.iter().enumerate();
            routes.extend(list.map(|(r, route)| (route.correlation, Reverse(route.step), *d, r)));
        }
        if matched.len() > 1 {
            routes.sort_unstable();
        }
        let mut inner = Vec::new();
        for same in routes.chunk_by(|a, b| a.0 == b.0) {
            // Steps without an order all take the row in before the condition is asked.
            let c = correlation(&self.bound.plans[plan], same[0].0);
            if same.len() > 1 && c.measure == Measure::Temporal {
                same.iter().for_each(|(_, _, d, r)| self.note((plan, *d, *r), at, &inner));
            }
            for (_, _, d, r) in same {
                self.reach((plan, *d, *r), at, &mut inner);
            }
        }
        routes.clear();
        self.routes = routes;
    }

    /// Takes one route of a `temporal` without asking.
    fn note(&mut self, (p, detection, r): (usize, usize, usize), at: At<'_>, inner: &[(usize, Vec<Cite>)]) {
        let plan = &mut self.bound.plans[p];
        let route = &plan.reads[detection].routes[r];
        if let Input::Correlation(c) = route.from
            && !inner.iter().any(|(n, _)| *n == c)
        {
            return;
        }
        let Some(key) = group_of(route, at.row, &mut self.bound.operators, at.refs) else { return };
        let (n, step) = (route.correlation, route.step);
        let c = correlation(plan, n);
        plan.windows[n].note(c, step, key, at.cite);
    }

    /// Takes one route of the row. `inner` holds what inner correlations held at this row.
    fn reach(
        &mut self,
        (p, detection, r): (usize, usize, usize),
        at: At<'_>,
        inner: &mut Vec<(usize, Vec<Cite>)>,
    ) {
        let plan = &self.bound.plans[p];
        let route = &plan.reads[detection].routes[r];
        let behind = match route.from {
            Input::Detection(_) => Vec::new(),
            Input::Correlation(c) => match inner.iter().find(|(n, _)| *n == c) {
                Some((_, rows)) => rows.clone(),
                None => return,
            },
        };
        let correlation = route.correlation;
        let own = correlation + 1 == plan.windows.len();
        let ask = self.ask(own);
        let plan = &mut self.bound.plans[p];
        let ops = &mut self.bound.operators;
        let Some((key, hit)) = reach(plan, detection, r, at, ops, behind, ask) else { return };
        if !own {
            if let Some(rows) = hit.alert {
                inner.push((correlation, rows));
            }
            return;
        }
        let reads = &self.bound.plans[p].reads[detection];
        let Some(entity) = entity_of(reads, at.row, &mut self.bound.operators, at.refs) else { return };
        self.together.hits.push(Held::new((p, detection), at.n, key, entity, at.cite, hit));
    }

    /// Tells of a condition that held: at a row, or without one.
    fn held(&mut self, mut h: Held, row: Option<(&Row<'_>, &Registry)>) {
        let plan = &self.bound.plans[h.plan];
        if let (Some(alerts), Some(rows)) = (&mut self.alerts, &h.alert)
            && self.last_alert != Some((h.plan, h.group, h.trigger))
        {
            self.last_alert = Some((h.plan, h.group, h.trigger));
            let value = plan.correlation.shown(h.micro);
            let entity = match self.drafts {
                Some(_) => h.entity.1.clone(),
                None => std::mem::take(&mut h.entity.1),
            };
            let said = Said { group: h.group, entity, at: h.at, trigger: &h.trigger, rows };
            alerts.push(said.alert(plan, &self.sources, value, plan.threshold.clone()));
        }
        let Some(drafts) = &mut self.drafts else { return };
        let specs = &plan.measures;
        let draft = drafts.at(h.plan, h.entity, h.at, specs.len());
        let d = &mut drafts.list[draft];
        d.peak = d.peak.max(h.micro);
        d.take(h.rows);
        let Some((row, refs)) = row else { return };
        d.first = d.first.min(row.ts);
        let ops = &mut self.bound.operators;
        let nats = plan.reads[h.detection].nats.and_then(|n| real_of(n, row, ops, refs)).unwrap_or(0.0);
        d.nats = d.nats.max(nats);
        plan.matchers[h.detection].measured(row, ops, refs, |m, v| {
            let best = &mut d.measures[m];
            *best = Some(best.map_or(v, |b: f64| if specs[m].least { b.min(v) } else { b.max(v) }));
        });
    }

    /// The alerts since they were last taken.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        self.alerts.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// What an alert says of whom.
struct Said<'a> {
    group: Key,
    entity: String,
    at: i64,
    trigger: &'a Cite,
    rows: &'a [Cite],
}

impl Said<'_> {
    fn alert(self, plan: &Plan<'_>, sources: &Sources, value: String, threshold: Option<String>) -> Alert {
        let rule = plan.rule;
        let trigger = sources.row(self.trigger);
        Alert {
            id: alert_id(rule, self.group, &trigger),
            rule: rule.id.clone(),
            rule_hash: rule.hash.clone(),
            level: rule.level,
            shadow: rule.mode == Mode::Shadow,
            suppressed: rule.suppression(&self.entity, self.at).map(|s| format!("{}: {}", s.owner, s.why)),
            entity: Entity::new(rule.entity.kind, self.entity),
            at: self.at,
            trigger,
            value,
            threshold,
            rows: self.rows.iter().map(|c| sources.row(c)).collect(),
        }
    }
}

/// A correlation of a rule by its number; the rule's own is the last.
fn correlation<'r>(plan: &Plan<'r>, n: usize) -> &'r Correlation {
    plan.rule.inner.get(n).unwrap_or(plan.correlation)
}

/// The key of the row's group; `None` where a field of it is absent.
fn group_of(r: &Route, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<Key> {
    match r.columns {
        Some(columns) => row.group(columns),
        None => r.group.iter().try_fold(Key(1), |k, g| Some(k.and(key_of(*g, row, ops, refs)?))),
    }
}

/// What a correlation counts of a row: the value's key, or the amount's bits; `None` where it is absent.
fn value_of(c: &Correlation, r: &Route, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<u64> {
    Some(match (c.measure, r.value.as_slice()) {
        (_, []) => 0,
        (Measure::ValueCount, [one]) => key_of(*one, row, ops, refs)?.0 as u64,
        (Measure::ValueCount, many) => {
            let mut k = Key(2);
            for v in many {
                k = k.and(key_of(*v, row, ops, refs)?);
            }
            k.0 as u64
        }
        (_, [one, ..]) => amount_of(*one, row, ops, refs)? as u64,
    })
}

/// Lets a row of a detection reach a step of a correlation.
fn reach(
    plan: &mut Plan<'_>,
    detection: usize,
    route: usize,
    at: At<'_>,
    ops: &mut Operators,
    inner: Vec<Cite>,
    ask: Ask,
) -> Option<(Key, Hit)> {
    let At { row, cite, refs, .. } = at;
    let r = &plan.reads[detection].routes[route];
    let c = correlation(plan, r.correlation);
    let key = group_of(r, row, ops, refs)?;
    let value = value_of(c, r, row, ops, refs)?;
    let windows = &mut plan.windows[r.correlation];
    if windows.counting() {
        return Some((key, windows.count(c, key, Mark { cite, value }, ask)?));
    }
    let captured =
        r.captured.iter().map(|s| key_of(*s, row, ops, refs).map_or(0, |k| (k.0 as u64).max(1))).collect();
    let entity = match (c.measure, r.step) {
        (Measure::Absence, 0) => text_of(plan.reads[detection].entity?, row, ops, refs)?,
        _ => String::new(),
    };
    let arrival = Arrival { cite, value, captured, inner, entity };
    Some((key, windows.add(c, r.step, key, arrival)?))
}

fn entity_of(reads: &Reads, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<(Key, String)> {
    let e = reads.entity?;
    Some((key_of(e, row, ops, refs)?, text_of(e, row, ops, refs)?))
}

fn real_of(s: Source, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<f64> {
    match s {
        Source::Derived { operator, field } => match ops.fields(operator, row, refs)[field] {
            Val::Real(r) => Some(r),
            _ => None,
        },
        Source::Col(_) => None,
    }
}

impl Drafts {
    /// The entity's draft at `ts`: its latest, or a new one when that ended too long ago.
    fn at(&mut self, plan: usize, (key, entity): (Key, String), ts: i64, measures: usize) -> usize {
        let before = self.open[plan].get(&key).copied();
        if let Some(d) = before.filter(|d| ts - self.list[*d].last <= GAP) {
            self.list[d].last = ts;
            return d;
        }
        let number = before.map_or(0, |d| self.list[d].number + 1);
        self.open[plan].insert(key, self.list.len());
        self.list.push(Draft {
            plan,
            entity,
            first: i64::MAX,
            fired: ts,
            last: ts,
            rows: Vec::new(),
            total: 0,
            peak: i128::MIN,
            measures: vec![None; measures],
            nats: 0.0,
            number,
            raised: None,
        });
        self.list.len() - 1
    }
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
