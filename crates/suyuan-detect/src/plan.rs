//! Rules made ready to run: fields bound to columns, operators shared, predicates as kernels.

mod matcher;
mod operators;

use std::sync::Arc;

use suyuan_model::Kind;

use crate::alert::Ids;
use crate::derive::{Behind, Params, Val};
use crate::detector::Detector;
use crate::hash::{Key, KeySet};
use crate::kernel::{Columns, Test};
use crate::registry::Registry;
use crate::rule::{Correlation, DeriveUse, Expr, Feed, FieldRef, Input, Measure, Rule, RuleSet, detection};
use crate::view::{Binder, GroupSlot, Row, Slot, View};
use crate::window::Windows;
use matcher::Leaf;
pub(crate) use matcher::Matcher;
pub(crate) use operators::Operators;

/// A value's source, bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Col(Slot),
    Derived { operator: usize, field: usize },
}

/// A measure that a finding shows: a field and its threshold.
pub(crate) struct MeasureSpec {
    pub field: String,
    pub kind: Kind,
    pub shown: String,
    pub least: bool,
}

/// How rows of one detection reach a step, bound.
pub(crate) struct Route {
    pub correlation: usize,
    pub step: usize,
    pub from: Input,
    pub group: Vec<Source>,
    /// The group's key in a view, if none of its fields is derived.
    pub columns: Option<GroupSlot>,
    pub value: Vec<Source>,
    pub captured: Vec<Source>,
}

/// What a plan reads of a row of one detection, beyond its correlations.
pub(crate) struct Reads {
    pub entity: Option<Source>,
    pub nats: Option<Source>,
    /// Which correlations its rows reach, inner ones first; of one correlation the last step first, so that a row
    /// does not stand for two steps.
    pub routes: Vec<Route>,
}

impl Source {
    fn derived(&self) -> bool {
        matches!(self, Source::Derived { .. })
    }
}

impl Reads {
    fn derived(&self) -> bool {
        let mut routes = self.routes.iter().flat_map(|r| r.group.iter().chain(&r.value).chain(&r.captured));
        routes.any(Source::derived) || self.entity.iter().chain(&self.nats).any(Source::derived)
    }
}

/// A rule, bound.
pub(crate) struct Plan<'r> {
    /// Its place among all rules.
    pub number: usize,
    pub rule: &'r Rule,
    /// The rule's own correlation: the last.
    pub correlation: &'r Correlation,
    /// What its value is held against, in words.
    pub threshold: Option<Arc<str>>,
    /// The rule's path and the hash of its text, as alerts share them.
    pub names: [Arc<str>; 2],
    pub ids: Ids,
    pub matchers: Vec<Matcher>,
    /// Per detection.
    pub reads: Vec<Reads>,
    /// Per correlation of the rule.
    pub windows: Vec<Windows>,
    /// Whether all that it answers with are the rows' own columns and its windows: it may take many rows in before another
    /// rule does.
    pub alone: bool,
    /// For rules whose rows a detector looks at; several that share one have it at the first of them.
    pub detector: Option<Box<dyn Detector>>,
    /// The numbers of the rules that share it, this one first.
    pub speaks: Vec<usize>,
    pub measures: Vec<MeasureSpec>,
    /// Whether its rows are only where it is asked: what it says is of the earlier rows that its fields cite.
    pub of_earlier: bool,
    /// Which of the shared sets counts what the rule is about; `None` for derived entities.
    pub compared: Option<usize>,
    /// Derived entities met.
    pub comparable: KeySet,
    /// Rows that its own correlation took in.
    pub matched: u64,
}

/// The different values of one column, counted once for all rules about it.
pub(crate) struct Comparable {
    pub kind: Kind,
    pub slot: Slot,
    /// Keys counted lately, by their lowest bits: most rows need not ask the set.
    pub lately: Box<[Key]>,
    pub seen: KeySet,
}

impl Comparable {
    /// Counts a row's value.
    pub fn count(&mut self, row: &Row<'_>) {
        let Some(k) = row.key(self.slot) else { return };
        let at = k.0 as usize % self.lately.len();
        if self.lately[at] != k {
            self.lately[at] = k;
            self.seen.insert(k);
        }
    }
}

/// Rules that share operators, and those. What one team remembers no other asks for.
#[derive(Default)]
pub(crate) struct Team<'r> {
    /// In the order of the rules.
    pub plans: Vec<Plan<'r>>,
    pub operators: Operators,
}

impl Team<'_> {
    /// Forgets what no row at or after `now` can ask for.
    pub fn expire(&mut self, now: i64) {
        self.operators.expire(now);
        for p in &mut self.plans {
            p.windows.iter_mut().for_each(|w| w.expire(now));
        }
    }
}

/// What detections of one kind ask of its columns, those that ask the same together: which rows may match.
pub(crate) struct Question {
    expr: Expr,
    /// The bitmaps of its leaves; derived fields have none.
    leaves: Vec<Option<usize>>,
    /// Where a view keeps the answer.
    maybe: usize,
    /// Which detections of the kind ask it, as bits among them.
    pub askers: Vec<u64>,
}

/// All rules, bound to one scan.
pub(crate) struct Bound<'r> {
    pub binder: Binder,
    pub teams: Vec<Team<'r>>,
    /// Per rule, in order: its team and its place there.
    places: Vec<(usize, usize)>,
    /// Per kind: rule and detection.
    pub by_kind: Vec<Vec<(usize, usize)>>,
    /// Per kind, whether an operator remembers its rows.
    pub remembered: Vec<bool>,
    /// Per kind, whether an operator looks at all of its rows.
    observed: Vec<bool>,
    /// Bitmaps a view of each kind holds.
    pub masks: Vec<usize>,
    /// Which bitmap answers which test of a column, so that rules share it.
    asked: Vec<(Kind, Slot, Test, usize)>,
    /// Per kind, what its detections ask, each question once.
    pub questions: Vec<Vec<Question>>,
    pub comparables: Vec<Comparable>,
}

impl<'r> Bound<'r> {
    pub fn new(rules: &'r RuleSet) -> Bound<'r> {
        let mut b = Bound {
            binder: Binder::default(),
            teams: Vec::new(),
            places: Vec::new(),
            by_kind: vec![Vec::new(); Kind::ALL.len()],
            remembered: vec![false; Kind::ALL.len()],
            observed: vec![false; Kind::ALL.len()],
            masks: vec![0; Kind::ALL.len()],
            asked: Vec::new(),
            questions: Kind::ALL.iter().map(|_| Vec::new()).collect(),
            comparables: Vec::new(),
        };
        let rules = rules.rules();
        for (number, (rule, team)) in rules.iter().zip(teams(rules)).enumerate() {
            if team == b.teams.len() {
                b.teams.push(Team::default());
            }
            let mut operators = std::mem::take(&mut b.teams[team].operators);
            let mut plan = b.bind(number, rule, &mut operators);
            b.teams[team].operators = operators;
            plan.speaks = (number..rules.len()).filter(|n| leader(rules, *n) == number).collect();
            if let Some(d) = rule.detector.as_ref().filter(|_| !plan.speaks.is_empty()) {
                let params: Vec<&Params> =
                    plan.speaks.iter().filter_map(|n| Some(&rules[*n].detector.as_ref()?.params)).collect();
                plan.detector = Some((d.spec.build)(&params, &mut b.binder));
            }
            // The rows of those that follow another rule are that one's.
            if !plan.speaks.is_empty() {
                for (at, d) in rule.detections.iter().enumerate() {
                    b.ask(number, at, d.kind, &plan.matchers[at]);
                }
            }
            b.places.push((team, b.teams[team].plans.len()));
            b.teams[team].plans.push(plan);
        }
        for kind in b.teams.iter().flat_map(|t| t.operators.remembered()) {
            b.remembered[kind as usize] = true;
        }
        for kind in b.teams.iter().flat_map(|t| t.operators.observed()) {
            b.observed[kind as usize] = true;
        }
        b
    }

    /// A rule by its number.
    pub fn plan(&self, number: usize) -> &Plan<'r> {
        let (team, at) = self.places[number];
        &self.teams[team].plans[at]
    }

    /// The rules in their order.
    pub fn plans(&self) -> impl Iterator<Item = &Plan<'r>> {
        self.places.iter().map(|(team, at)| &self.teams[*team].plans[*at])
    }

    /// How many rules.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The kinds to scan.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|k| !self.by_kind[*k as usize].is_empty()).collect();
        kinds.extend(self.teams.iter().flat_map(|t| t.operators.observed()));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn bind(&mut self, number: usize, rule: &'r Rule, shared: &mut Operators) -> Plan<'r> {
        let operators: Vec<usize> = rule.derive.iter().map(|u| shared.add(u, &mut self.binder)).collect();
        let mut measures = Vec::new();
        let matchers: Vec<Matcher> =
            rule.detections.iter().map(|d| self.matcher(d, rule, &operators, &mut measures)).collect();
        let bind = |list: &[FieldRef], kind: Kind, binder: &mut Binder| -> Vec<Source> {
            list.iter().map(|f| source(f, kind, &operators, binder)).collect()
        };
        let mut reads = Vec::new();
        for (at, d) in rule.detections.iter().enumerate() {
            let field = |name: &str, binder: &mut Binder| {
                let nowhere = crate::yaml::Node { line: 0, column: 0, value: crate::yaml::Value::Null };
                let (f, _) = detection::resolve(&nowhere, d.kind, name, &rule.derive).ok()?;
                Some(source(&f, d.kind, &operators, binder))
            };
            let mut routes = Vec::new();
            for (correlation, c) in rule.correlations().enumerate() {
                let mut feeds: Vec<&Feed> = c.feeds.iter().filter(|f| f.detection == at).collect();
                feeds.sort_by_key(|f| std::cmp::Reverse(f.step));
                routes.extend(feeds.into_iter().map(|f| {
                    let group = bind(&f.group, d.kind, &mut self.binder);
                    Route {
                        correlation,
                        step: f.step,
                        from: f.from,
                        columns: columns(&group).map(|slots| self.binder.group(d.kind, slots)),
                        group,
                        value: bind(&f.value, d.kind, &mut self.binder),
                        captured: bind(&f.captured, d.kind, &mut self.binder),
                    }
                }));
            }
            reads.push(Reads {
                entity: field(&rule.entity.field, &mut self.binder),
                nats: rule.nats.as_deref().and_then(|n| field(n, &mut self.binder)),
                routes,
            });
        }
        let c = &rule.correlation;
        let last = c.steps.last().copied().unwrap_or(0);
        let compared = match reads[last].entity {
            Some(Source::Col(slot)) => Some(self.comparable(rule.detections[last].kind, slot)),
            _ => None,
        };
        let alone = rule.detector.is_none()
            && rule.correlations().all(|c| c.measure != Measure::Absence)
            && matchers.iter().all(|m| m.operators.is_empty())
            && !reads.iter().any(Reads::derived);
        Plan {
            number,
            rule,
            alone,
            correlation: c,
            threshold: c.threshold().map(Into::into),
            names: [rule.id.as_str().into(), rule.hash.as_str().into()],
            ids: Ids::new(rule),
            matchers,
            reads,
            windows: rule.correlations().map(Windows::new).collect(),
            detector: None,
            speaks: Vec::new(),
            measures,
            of_earlier: c.measure == Measure::Each
                && rule.behind().any(|(_, b)| matches!(b, Behind::Instead(_))),
            compared,
            comparable: KeySet::default(),
            matched: 0,
        }
    }

    fn comparable(&mut self, kind: Kind, slot: Slot) -> usize {
        let known = self.comparables.iter().position(|c| c.kind == kind && c.slot == slot);
        known.unwrap_or_else(|| {
            let lately = vec![Key(0); 4096].into();
            self.comparables.push(Comparable { kind, slot, lately, seen: KeySet::default() });
            self.comparables.len() - 1
        })
    }

    /// Notes a detection of a kind, and what it asks.
    fn ask(&mut self, number: usize, detection: usize, kind: Kind, matcher: &Matcher) {
        let pairs = &mut self.by_kind[kind as usize];
        let at = pairs.len();
        pairs.push((number, detection));
        let questions = &mut self.questions[kind as usize];
        let known = questions.iter().position(|q| q.maybe == matcher.maybe);
        let n = known.unwrap_or_else(|| {
            let leaves = matcher.leaves.iter().map(|l| l.mask).collect();
            let expr = matcher.expr.clone();
            questions.push(Question { expr, leaves, maybe: matcher.maybe, askers: Vec::new() });
            questions.len() - 1
        });
        let askers = &mut questions[n].askers;
        askers.resize(askers.len().max(at / 64 + 1), 0);
        askers[at / 64] |= 1 << (at % 64);
    }

    /// Per row of the view, a bit for each question of its kind that it may answer.
    pub fn candidates<'v>(&self, view: &'v View, kind: Kind) -> &'v [u64] {
        let questions = &self.questions[kind as usize];
        let words = questions.len().div_ceil(64).max(1);
        view.candidates.get_or_init(|| {
            let mut bits = vec![0u64; view.len() * words];
            for (j, q) in questions.iter().enumerate() {
                let first = q.askers.iter().position(|w| *w != 0).unwrap_or(0);
                let at = first * 64 + q.askers[first].trailing_zeros() as usize;
                let (plan, detection) = self.by_kind[kind as usize][at];
                let mask = self.plan(plan).matchers[detection].mask(view);
                mask.each(view.len(), |i| bits[i * words + j / 64] |= 1 << (j % 64));
            }
            bits
        })
    }

    /// Spares a view the keys that no rule will ask for; `compared` says whether all values are counted, too.
    pub fn narrow(&self, view: &View, compared: bool) {
        if !compared && !self.observed[view.kind() as usize] {
            view.narrow();
        }
    }

    /// How many comparable things a plan's rule met.
    pub fn compared(&self, plan: &Plan<'_>) -> u64 {
        plan.compared.map_or(plan.comparable.len(), |c| self.comparables[c].seen.len()) as u64
    }

    fn matcher(
        &mut self,
        d: &crate::rule::Detection,
        rule: &Rule,
        operators: &[usize],
        measures: &mut Vec<MeasureSpec>,
    ) -> Matcher {
        let masks = &mut self.masks[d.kind as usize];
        let mut next = || {
            *masks += 1;
            *masks - 1
        };
        let asked = &mut self.asked;
        let mut used = Vec::new();
        let shows = d.expr.asserted();
        let leaves: Vec<Leaf> = d
            .leaves
            .iter()
            .enumerate()
            .map(|(at, l)| {
                let source = source(&l.field, d.kind, operators, &mut self.binder);
                if let Source::Derived { operator, .. } = source {
                    used.push(operator);
                }
                let test = match l.same_as {
                    Some((FieldRef::Column(other), how)) => Test::Same(self.binder.slot(d.kind, other), how),
                    _ => l.test.clone(),
                };
                let measure = l.shown.as_ref().filter(|_| shows.contains(&at)).map(|shown| {
                    let least = shown.starts_with(['<', '≤']);
                    measures.push(MeasureSpec {
                        field: l.name.clone(),
                        kind: d.kind,
                        shown: shown.clone(),
                        least,
                    });
                    measures.len() - 1
                });
                let mask = match source {
                    Source::Derived { .. } => None,
                    Source::Col(slot) => {
                        let same =
                            |a: &&(Kind, Slot, Test, usize)| a.0 == d.kind && a.1 == slot && a.2 == test;
                        let known = asked.iter().find(same).map(|a| a.3);
                        Some(known.unwrap_or_else(|| {
                            let mask = next();
                            asked.push((d.kind, slot, test.clone(), mask));
                            mask
                        }))
                    }
                };
                let behind = shows.contains(&at) && rule.behind_field(&l.field).rows().is_some();
                Leaf { source, test, mask, measure, behind }
            })
            .collect();
        used.sort_unstable();
        used.dedup();
        let same =
            |q: &&Question| q.expr == d.expr && q.leaves.iter().copied().eq(leaves.iter().map(|l| l.mask));
        let known = self.questions[d.kind as usize].iter().find(same);
        let maybe = known.map_or_else(next, |q| q.maybe);
        Matcher { expr: d.expr.clone(), leaves, maybe, operators: used }
    }
}

/// The first rule whose detector a rule shares: they look at the same rows. Its own number, if it shares none.
fn leader(rules: &[Rule], number: usize) -> usize {
    let rule = &rules[number];
    let Some(detector) = &rule.detector else { return number };
    let same = |r: &Rule| {
        r.detector.as_ref().is_some_and(|d| d.shares(detector))
            && r.detections == rule.detections
            && r.derive.is_empty()
            && rule.derive.is_empty()
    };
    (0..number).find(|n| same(&rules[*n])).unwrap_or(number)
}

/// Which team each rule belongs to, numbered as they are met: rules that share an operator, directly or through others, are of
/// one team; so are all that have neither operators nor a detector.
fn teams(rules: &[Rule]) -> Vec<usize> {
    let mut of: Vec<usize> = (0..rules.len()).collect();
    let mut join = |a: usize, b: usize| {
        let (a, b) = (of[a].min(of[b]), of[a].max(of[b]));
        of.iter_mut().filter(|t| **t == b).for_each(|t| *t = a);
    };
    let plain = |r: &Rule| r.derive.is_empty() && r.detector.is_none();
    let shared = |a: &Rule, b: &Rule| {
        let same =
            |x: &DeriveUse| b.derive.iter().any(|y| x.spec.name == y.spec.name && x.params == y.params);
        a.derive.iter().any(same) || (plain(a) && plain(b))
    };
    for b in 1..rules.len() {
        (0..b).filter(|a| shared(&rules[*a], &rules[b])).for_each(|a| join(a, b));
        join(leader(rules, b), b);
    }
    let mut met = Vec::new();
    let number = |team: usize| {
        met.iter().position(|t| *t == team).unwrap_or_else(|| {
            met.push(team);
            met.len() - 1
        })
    };
    of.into_iter().map(number).collect()
}

/// The columns of a group, if none of its fields is derived.
fn columns(group: &[Source]) -> Option<Vec<Slot>> {
    group
        .iter()
        .map(|s| match s {
            Source::Col(slot) => Some(*slot),
            Source::Derived { .. } => None,
        })
        .collect()
}

fn source(f: &FieldRef, kind: Kind, operators: &[usize], binder: &mut Binder) -> Source {
    match f {
        FieldRef::Column(name) => Source::Col(binder.slot(kind, name)),
        FieldRef::Derived { operator, field } => {
            Source::Derived { operator: operators[*operator], field: *field }
        }
    }
}

/// The key of a value; `None` where it is absent.
pub(crate) fn key_of(s: Source, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<Key> {
    match s {
        Source::Col(slot) => row.key(slot),
        Source::Derived { operator, field } => match &ops.fields(operator, row, refs)[field] {
            Val::Null => None,
            Val::Text(t) => Some(Key::of(t)),
            Val::Int(i) => Some(Key::number(*i)),
            other => Some(Key::of(&other.shown())),
        },
    }
}

/// The text of a value.
pub(crate) fn text_of(s: Source, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<String> {
    match s {
        Source::Col(slot) => {
            row.text(slot).map(str::to_owned).or_else(|| row.int(slot).map(|i| i.to_string()))
        }
        Source::Derived { operator, field } => match &ops.fields(operator, row, refs)[field] {
            Val::Null => None,
            v => Some(v.shown()),
        },
    }
}

/// The number of a value in its unit: whole, fen, or millionths of a measured number.
pub(crate) fn amount_of(s: Source, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<i64> {
    let millionths = |r: f64| {
        let m = (r * 1e6).round();
        (m.abs() < 9e18).then_some(m as i64)
    };
    match s {
        Source::Col(slot) => {
            row.int(slot).or_else(|| row.fen(slot)).or_else(|| row.real(slot).and_then(millionths))
        }
        Source::Derived { operator, field } => match ops.fields(operator, row, refs)[field] {
            Val::Int(i) => Some(i),
            Val::Real(r) => millionths(r),
            _ => None,
        },
    }
}
