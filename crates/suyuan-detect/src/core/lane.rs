//! A lane: the rules of one team, taken over many rows before another team is.
//!
//! Teams share no state, so whichever comes first, or beside the other on another thread, they answer the same. What held
//! is kept with its row, and told afterwards in the order of rows and rules.

use std::cmp::Reverse;

use suyuan_model::Kind;

use super::Asked;
use super::ahead::Rows;
use crate::alert::Evidence;
use crate::derive::Val;
use crate::detector::Raised;
use crate::hash::Key;
use crate::plan::{Bound, Operators, Plan, Reads, Route, Source, Team, amount_of, key_of, text_of};
use crate::registry::Registry;
use crate::rule::{Correlation, Input, MICRO, Measure};
use crate::view::{Cite, Row};
use crate::window::{Arrival, Ask, Coming, Hit, Missed, Place};

/// Rows that are taken in together, and what all lanes need to know of them.
pub(super) struct Batch<'a> {
    pub rows: Rows<'a>,
    /// Per view which questions of its kind each row may answer, as bits.
    pub bits: &'a [&'a [u64]],
    /// Per row how it is remembered, if some rule may ask of it.
    pub cites: &'a [Option<Cite>],
    pub kinds: &'a [Kind],
    pub refs: &'a Registry,
    pub asked: Asked,
    /// Until when deadlines were looked for.
    pub now: i64,
}

impl Batch<'_> {
    /// Which questions of its kind a row may answer, as bits.
    pub fn bits(&self, n: usize, words: usize) -> &[u64] {
        let (view, i) = self.rows.at[n];
        &self.bits[view as usize][i as usize * words..(i as usize + 1) * words]
    }
}

/// A row on its way: its place among those taken in together, and what is needed beside it.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub n: u32,
    pub row: &'a Row<'a>,
    pub cite: Cite,
    pub refs: &'a Registry,
    pub asked: Asked,
}

/// The condition of a rule held.
pub(super) struct Held {
    /// The rule's number.
    pub plan: usize,
    /// The row's place among those taken in together.
    pub n: u32,
    /// Whether it held before that row did anything: a deadline had passed.
    pub before: bool,
    pub group: Key,
    pub entity: (Key, String),
    pub at: i64,
    pub trigger: Cite,
    pub micro: i128,
    pub rows: Vec<Cite>,
    pub alert: Option<Vec<Cite>>,
    /// The earlier rows that prove what derived fields say of the row.
    pub behind: Vec<Cite>,
    /// What the row shows, where findings are wanted.
    pub shown: Option<Shown>,
}

/// What a finding shows of a row.
pub(super) struct Shown {
    pub nats: f64,
    /// Values of the rule's measures.
    pub measures: Vec<(usize, f64)>,
}

/// The detections of one kind, as a lane sees them.
#[derive(Default)]
pub(super) struct OfKind {
    /// Of the kind's questions those of rules that stand alone, as bits, and per question where their rows are listed.
    pub alone: Vec<u64>,
    pub lists: Vec<usize>,
    /// Those of the other rules of the team, and per question their detections, as bits among all of the kind.
    others: Vec<u64>,
    askers: Vec<Vec<u64>>,
    /// Per detection of the kind the rule in the team, and the detection there; those of other teams say nothing.
    pub pairs: Vec<(usize, usize)>,
    /// Whether the team sees rows of the kind one by one.
    pub seen: bool,
}

impl OfKind {
    /// Which detections of rules that do not stand alone a row may match, as bits, from the questions that it may answer.
    pub fn asking(&self, bits: &[u64], out: &mut Vec<u64>) {
        out.clear();
        for (w, (bits, others)) in bits.iter().zip(&self.others).enumerate() {
            each_bit(bits & others, |q| {
                let askers = &self.askers[w * 64 + q];
                out.resize(out.len().max(askers.len()), 0);
                out.iter_mut().zip(askers).for_each(|(o, a)| *o |= a);
            });
        }
    }
}

/// Calls `f` with the number of every bit that is set.
#[inline]
pub(super) fn each_bit(mut bits: u64, mut f: impl FnMut(usize)) {
    while bits != 0 {
        f(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// A rule that stands alone.
pub(super) struct Alone {
    pub plan: usize,
    /// Its detections and where their rows are listed.
    pub detections: Vec<(usize, usize)>,
}

/// What is gathered of rows that are taken in together; kept to be used again.
pub(super) struct Lane {
    pub alone: Vec<Alone>,
    pub kinds: Vec<OfKind>,
    /// Per question of rules that stand alone, the rows that answer it.
    pub lists: Vec<Vec<u32>>,
    /// Absences: rule and correlation.
    pub waiting: Vec<(usize, usize)>,
    pub counted: Vec<Coming>,
    /// The rows of a rule of several detections, and which of them.
    pub matched: Vec<(u32, usize)>,
    /// Which detections of rules that do not stand alone the present row may match.
    pub asking: Vec<u64>,
    /// Where the present row leads: correlation, step, detection, its route.
    routes: Vec<(usize, Reverse<usize>, usize, usize)>,
    /// What held.
    pub hits: Vec<Held>,
    /// What detectors said at the end of a day, by the rule's number.
    pub raised: Vec<(usize, Raised)>,
}

impl Lane {
    pub fn new(bound: &Bound<'_>, team: &Team<'_>) -> Lane {
        let mut lists = 0;
        let mut alone: Vec<Alone> = (0..team.plans.len())
            .filter(|p| team.plans[*p].alone)
            .map(|plan| Alone { plan, detections: Vec::new() })
            .collect();
        let mut kinds: Vec<OfKind> = Vec::new();
        for (all, questions) in bound.by_kind.iter().zip(&bound.questions) {
            let words = questions.len().div_ceil(64).max(1);
            let mut k = OfKind { alone: vec![0; words], others: vec![0; words], ..OfKind::default() };
            let plan = |number: &usize| team.plans.iter().position(|p| p.number == *number);
            k.pairs = all.iter().map(|(n, detection)| (plan(n).unwrap_or(usize::MAX), *detection)).collect();
            for (q, question) in questions.iter().enumerate() {
                let (bit, mut list, mut askers) = (1 << (q % 64), usize::MAX, question.askers.clone());
                for (w, word) in askers.iter_mut().enumerate() {
                    each_bit(*word, |j| {
                        let (plan, detection) = k.pairs[w * 64 + j];
                        let asker = alone.iter_mut().find(|a| a.plan == plan);
                        if asker.is_some() || plan == usize::MAX {
                            *word &= !(1 << j);
                        }
                        if let Some(a) = asker {
                            if list == usize::MAX {
                                list = lists;
                                lists += 1;
                            }
                            a.detections.push((detection, list));
                            k.alone[q / 64] |= bit;
                        }
                    });
                    k.others[q / 64] |= if *word == 0 { 0 } else { bit };
                }
                k.lists.push(list);
                k.askers.push(askers);
            }
            k.seen = k.others.iter().any(|w| *w != 0);
            kinds.push(k);
        }
        // In the order of the rule.
        alone.iter_mut().for_each(|a| a.detections.sort_unstable());
        for kind in team.operators.observed() {
            kinds[kind as usize].seen = true;
        }
        let mut waiting = Vec::new();
        for (p, plan) in team.plans.iter().enumerate() {
            let all = plan.rule.correlations().enumerate();
            waiting.extend(all.filter(|(_, c)| c.measure == Measure::Absence).map(|(c, _)| (p, c)));
        }
        Lane {
            alone,
            kinds,
            lists: vec![Vec::new(); lists],
            waiting,
            counted: Vec::new(),
            matched: Vec::new(),
            asking: Vec::new(),
            routes: Vec::new(),
            hits: Vec::new(),
            raised: Vec::new(),
        }
    }

    /// Lets the detectors speak of a day that is over.
    pub fn day_end(&mut self, team: &mut Team<'_>, day: i64, refs: &Registry) {
        for plan in &mut team.plans {
            let Some(detector) = &mut plan.detector else { continue };
            let mut out = Vec::new();
            detector.day_end(day, refs, &mut out);
            self.raised.extend(out.into_iter().map(|r| (plan.speaks[r.rule], r)));
        }
    }

    /// Keeps what deadlines before `ts` say; `n` is the row that showed that they have passed.
    pub fn due(&mut self, team: &mut Team<'_>, n: u32, ts: i64) {
        for (p, c) in &self.waiting {
            let plan = &mut team.plans[*p];
            let of = correlation(plan, *c);
            let missed = plan.windows[*c].due(of, ts);
            if *c + 1 == plan.windows.len() {
                self.hits.extend(missed.into_iter().map(|m| Held::missed(plan.number, n, m)));
            }
        }
    }

    /// Lets the row reach the correlations of one rule: inner ones first; of one the last step first, whichever detection
    /// leads to it, so that a row does not stand for two steps.
    pub fn route(&mut self, team: &mut Team<'_>, plan: usize, matched: &[(u32, usize)], at: At<'_>) {
        let (plan, ops) = (&mut team.plans[plan], &mut team.operators);
        if let [(_, d)] = matched
            && plan.reads[*d].routes.len() == 1
        {
            return self.reach(plan, ops, (*d, 0), at, &mut Vec::new());
        }
        let mut routes = std::mem::take(&mut self.routes);
        for (_, d) in matched {
            let list = plan.reads[*d].routes.iter().enumerate();
            routes.extend(list.map(|(r, route)| (route.correlation, Reverse(route.step), *d, r)));
        }
        if matched.len() > 1 {
            routes.sort_unstable();
        }
        let mut inner = Vec::new();
        for same in routes.chunk_by(|a, b| a.0 == b.0) {
            // Steps without an order all take the row in before the condition is asked.
            let c = correlation(plan, same[0].0);
            if same.len() > 1 && c.measure == Measure::Temporal {
                same.iter().for_each(|(_, _, d, r)| note(plan, ops, (*d, *r), at, &inner));
            }
            for (_, _, d, r) in same {
                self.reach(plan, ops, (*d, *r), at, &mut inner);
            }
        }
        routes.clear();
        self.routes = routes;
    }

    /// Takes one route of the row. `inner` holds what inner correlations held at this row.
    fn reach(
        &mut self,
        plan: &mut Plan<'_>,
        ops: &mut Operators,
        (detection, r): (usize, usize),
        at: At<'_>,
        inner: &mut Vec<(usize, Vec<Cite>)>,
    ) {
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
        let Some((key, hit)) = reach(plan, detection, r, at, ops, behind, at.asked.of(own)) else { return };
        if !own {
            if let Some(rows) = hit.alert {
                inner.push((correlation, rows));
            }
            return;
        }
        let Some(entity) = entity_of(&plan.reads[detection], at.row, ops, at.refs) else { return };
        self.hits.push(Held::at(plan, ops, detection, at, key, entity, hit));
    }
}

impl Held {
    /// At a row.
    pub fn at(
        plan: &Plan<'_>,
        ops: &mut Operators,
        detection: usize,
        at: At<'_>,
        group: Key,
        entity: (Key, String),
        hit: Hit,
    ) -> Held {
        let Hit { micro, rows, alert } = hit;
        let shown = at.asked.findings.then(|| Shown::of(plan, ops, detection, at.row, at.refs));
        let mut behind = Vec::new();
        if at.asked.findings || at.asked.evidence == Evidence::Rows {
            plan.matchers[detection].behind(at.row, ops, at.refs, &mut behind);
        }
        let (plan, n, trigger) = (plan.number, at.n, at.cite);
        let when = trigger.ts;
        Held { plan, n, before: false, group, entity, at: when, trigger, micro, rows, alert, behind, shown }
    }

    /// Without one: a deadline passed.
    fn missed(plan: usize, n: u32, m: Missed) -> Held {
        let rows = vec![m.cite];
        Held {
            plan,
            n,
            before: true,
            group: m.key,
            entity: (Key::of(&m.entity), m.entity),
            at: m.at,
            trigger: m.cite,
            micro: MICRO,
            alert: m.alert.then(|| rows.clone()),
            rows,
            behind: Vec::new(),
            shown: None,
        }
    }
}

impl Shown {
    fn of(plan: &Plan<'_>, ops: &mut Operators, detection: usize, row: &Row<'_>, refs: &Registry) -> Shown {
        let nats = plan.reads[detection].nats.and_then(|n| real_of(n, row, ops, refs)).unwrap_or(0.0);
        let mut measures = Vec::new();
        plan.matchers[detection].measured(row, ops, refs, |m, v| measures.push((m, v)));
        Shown { nats, measures }
    }
}

/// Whether a row that may match a detection of a rule does.
pub(super) fn matches(
    plan: &mut Plan<'_>,
    ops: &mut Operators,
    detection: usize,
    row: &Row<'_>,
    refs: &Registry,
    findings: bool,
) -> bool {
    if plan.compared.is_none()
        && findings
        && plan.correlation.steps.last() == Some(&detection)
        && let Some(entity) = plan.reads[detection].entity
        && let Some(k) = key_of(entity, row, ops, refs)
    {
        plan.comparable.insert(k);
    }
    plan.matchers[detection].matches(row, ops, refs)
}

/// Takes one route of a `temporal` without asking.
fn note(
    plan: &mut Plan<'_>,
    ops: &mut Operators,
    (detection, r): (usize, usize),
    at: At<'_>,
    inner: &[(usize, Vec<Cite>)],
) {
    let route = &plan.reads[detection].routes[r];
    if let Input::Correlation(c) = route.from
        && !inner.iter().any(|(n, _)| *n == c)
    {
        return;
    }
    let Some(key) = group_of(route, at.row, ops, at.refs) else { return };
    let (n, step) = (route.correlation, route.step);
    let c = correlation(plan, n);
    plan.windows[n].note(c, step, key, at.cite);
}

/// A correlation of a rule by its number; the rule's own is the last.
pub(super) fn correlation<'r>(plan: &Plan<'r>, n: usize) -> &'r Correlation {
    plan.rule.inner.get(n).unwrap_or(plan.correlation)
}

/// The key of the row's group; `None` where a field of it is absent.
pub(super) fn group_of(r: &Route, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<Key> {
    match r.columns {
        Some(columns) => row.group(columns),
        None => r.group.iter().try_fold(Key(1), |k, g| Some(k.and(key_of(*g, row, ops, refs)?))),
    }
}

/// What a correlation counts of a row: the value's key, or the amount's bits; `None` where it is absent.
pub(super) fn value_of(
    c: &Correlation,
    r: &Route,
    row: &Row<'_>,
    ops: &mut Operators,
    refs: &Registry,
) -> Option<u64> {
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
    plan.matched += u64::from(r.correlation + 1 == plan.windows.len());
    let windows = &mut plan.windows[r.correlation];
    if windows.counting() {
        let coming = Coming { key, value, n: 0, place: Place::UNKNOWN };
        return Some((key, windows.count(c, &coming, &cite, ask)?));
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

pub(super) fn entity_of(
    reads: &Reads,
    row: &Row<'_>,
    ops: &mut Operators,
    refs: &Registry,
) -> Option<(Key, String)> {
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
