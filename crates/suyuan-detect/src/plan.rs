//! Rules made ready to run: fields bound to columns, operators shared, predicates as kernels.

use suyuan_model::Kind;

use crate::derive::{Operator, Params, Val};
use crate::detector::Detector;
use crate::hash::{Key, KeySet};
use crate::kernel::{Bitmap, Columns, Test};
use crate::registry::Registry;
use crate::rule::{Correlation, Expr, FieldRef, Rule, RuleSet, detection};
use crate::view::{Binder, Row, Slot, View};
use crate::window::Windows;

/// A value's source, bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Col(Slot),
    Derived { operator: usize, field: usize },
}

struct Leaf {
    source: Source,
    test: Test,
    /// The column's bitmap in the view, for leaves over columns.
    mask: Option<usize>,
    /// For ordered comparisons: which of the rule's measures it feeds.
    measure: Option<usize>,
}

/// A detection, bound.
pub(crate) struct Matcher {
    expr: Expr,
    leaves: Vec<Leaf>,
    /// The bitmap of rows that may match, whatever the derived fields say.
    maybe: usize,
    operators: Vec<usize>,
}

/// A measure that a finding shows: a field and its threshold.
pub(crate) struct MeasureSpec {
    pub field: String,
    pub kind: Kind,
    pub shown: String,
    pub least: bool,
}

/// One step of a plan: what matches, and what is read of a match.
pub(crate) struct Step {
    pub detection: usize,
    pub group: Vec<Source>,
    pub value: Option<Source>,
    pub entity: Option<Source>,
    pub nats: Option<Source>,
}

/// A rule, bound.
pub(crate) struct Plan<'r> {
    pub rule: &'r Rule,
    pub correlation: &'r Correlation,
    pub matchers: Vec<Matcher>,
    pub steps: Vec<Step>,
    pub windows: Windows,
    /// For rules whose rows a detector looks at.
    pub detector: Option<Box<dyn Detector>>,
    pub measures: Vec<MeasureSpec>,
    /// Which of the shared sets counts what the rule is about; `None` for derived entities.
    pub compared: Option<usize>,
    /// Derived entities met.
    pub comparable: KeySet,
}

/// The different values of one column, counted once for all rules about it.
pub(crate) struct Comparable {
    pub kind: Kind,
    pub slot: Slot,
    pub last: Key,
    pub seen: KeySet,
}

/// An operator and the row for which its fields stand.
pub(crate) struct Derived {
    operator: Box<dyn Operator>,
    observes: &'static [Kind],
    values: Vec<Val>,
    stamp: u64,
    key: (&'static str, Params),
}

/// The operators, each once, whoever asks.
#[derive(Default)]
pub(crate) struct Operators {
    list: Vec<Derived>,
    stamp: u64,
    by_kind: Vec<Vec<usize>>,
}

impl Operators {
    fn add(&mut self, u: &crate::rule::DeriveUse, binder: &mut Binder) -> usize {
        let key = (u.spec.name, u.params.clone());
        if let Some(at) = self.list.iter().position(|d| d.key == key) {
            return at;
        }
        self.list.push(Derived {
            operator: (u.spec.build)(&u.params, binder),
            // A daily count observes the kind it counts; the others say so themselves.
            observes: match (u.spec.name, u.params.get("kind")) {
                ("daily", "access") => &[Kind::Access],
                ("daily", _) => &[Kind::Opening],
                _ => u.spec.observes,
            },
            values: vec![Val::Null; u.fields.len()],
            stamp: 0,
            key,
        });
        self.list.len() - 1
    }
    pub fn observed(&self) -> impl Iterator<Item = Kind> + '_ {
        self.list.iter().flat_map(|d| d.observes.iter().copied())
    }
    /// Begins a new row.
    pub fn next_row(&mut self) {
        self.stamp += 1;
    }
    pub fn fields(&mut self, at: usize, row: &Row<'_>, refs: &Registry) -> &[Val] {
        let d = &mut self.list[at];
        if d.stamp != self.stamp {
            d.values.fill(Val::Null);
            d.operator.compute(row, refs, &mut d.values);
            d.stamp = self.stamp;
        }
        &d.values
    }
    pub fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        if self.by_kind.is_empty() {
            self.by_kind = Kind::ALL
                .iter()
                .map(|k| (0..self.list.len()).filter(|i| self.list[*i].observes.contains(k)).collect())
                .collect();
        }
        for at in &self.by_kind[row.kind() as usize] {
            self.list[*at].operator.observe(row, refs);
        }
    }
    pub fn expire(&mut self, now: i64) {
        for d in &mut self.list {
            d.operator.expire(now);
        }
    }
}

/// All rules, bound to one scan.
pub(crate) struct Bound<'r> {
    pub binder: Binder,
    pub operators: Operators,
    pub plans: Vec<Plan<'r>>,
    /// Per kind: plan and detection.
    pub by_kind: Vec<Vec<(usize, usize)>>,
    /// Bitmaps a view of each kind holds.
    pub masks: Vec<usize>,
    pub comparables: Vec<Comparable>,
}

impl<'r> Bound<'r> {
    pub fn new(rules: &'r RuleSet) -> Bound<'r> {
        let mut b = Bound {
            binder: Binder::default(),
            operators: Operators::default(),
            plans: Vec::new(),
            by_kind: vec![Vec::new(); Kind::ALL.len()],
            masks: vec![0; Kind::ALL.len()],
            comparables: Vec::new(),
        };
        for rule in rules.rules() {
            let plan = b.plan(rule);
            for (at, d) in rule.detections.iter().enumerate() {
                b.by_kind[d.kind as usize].push((b.plans.len(), at));
            }
            b.plans.push(plan);
        }
        b
    }

    /// The kinds to scan.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|k| !self.by_kind[*k as usize].is_empty()).collect();
        kinds.extend(self.operators.observed());
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn plan(&mut self, rule: &'r Rule) -> Plan<'r> {
        let operators: Vec<usize> =
            rule.derive.iter().map(|u| self.operators.add(u, &mut self.binder)).collect();
        let mut measures = Vec::new();
        let matchers: Vec<Matcher> =
            rule.detections.iter().map(|d| self.matcher(d, &operators, &mut measures)).collect();
        let c = &rule.correlation;
        let bind = |f: &FieldRef, kind: Kind, binder: &mut Binder| source(f, kind, &operators, binder);
        let mut steps = Vec::new();
        for (at, detection) in c.steps.iter().enumerate() {
            let kind = rule.detections[*detection].kind;
            let field = |name: &str, binder: &mut Binder| {
                let at = crate::yaml::Node { line: 0, column: 0, value: crate::yaml::Value::Null };
                let (f, _) = detection::resolve(&at, kind, name, &rule.derive).ok()?;
                Some(source(&f, kind, &operators, binder))
            };
            steps.push(Step {
                detection: *detection,
                group: c.group_by[at].iter().map(|f| bind(f, kind, &mut self.binder)).collect(),
                value: c.value.get(at).map(|f| bind(f, kind, &mut self.binder)),
                entity: field(&rule.entity.field, &mut self.binder),
                nats: rule.nats.as_deref().and_then(|n| field(n, &mut self.binder)),
            });
        }
        let kind = c.steps.last().map(|s| rule.detections[*s].kind);
        let compared = match (steps.last().and_then(|s| s.entity), kind) {
            (Some(Source::Col(slot)), Some(kind)) => Some(self.comparable(kind, slot)),
            _ => None,
        };
        Plan {
            rule,
            correlation: c,
            matchers,
            steps,
            windows: Windows::new(c),
            detector: rule.detector.as_ref().map(|d| (d.spec.build)(&d.params, &mut self.binder)),
            measures,
            compared,
            comparable: KeySet::default(),
        }
    }

    fn comparable(&mut self, kind: Kind, slot: Slot) -> usize {
        let known = self.comparables.iter().position(|c| c.kind == kind && c.slot == slot);
        known.unwrap_or_else(|| {
            self.comparables.push(Comparable { kind, slot, last: Key(0), seen: KeySet::default() });
            self.comparables.len() - 1
        })
    }

    /// How many comparable things a plan's rule met.
    pub fn compared(&self, plan: &Plan<'_>) -> u64 {
        plan.compared.map_or(plan.comparable.len(), |c| self.comparables[c].seen.len()) as u64
    }

    fn matcher(
        &mut self,
        d: &crate::rule::Detection,
        operators: &[usize],
        measures: &mut Vec<MeasureSpec>,
    ) -> Matcher {
        let masks = &mut self.masks[d.kind as usize];
        let mut next = || {
            *masks += 1;
            *masks - 1
        };
        let maybe = next();
        let mut used = Vec::new();
        let shows = asserted(&d.expr);
        let leaves = d
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
                let mask = matches!(source, Source::Col(_)).then(&mut next);
                Leaf { source, test, mask, measure }
            })
            .collect();
        used.sort_unstable();
        used.dedup();
        Matcher { expr: d.expr.clone(), leaves, maybe, operators: used }
    }
}

/// The leaves that a match asserts: those under a `not` speak of what did not match.
fn asserted(e: &Expr) -> Vec<usize> {
    match e {
        Expr::Leaf(i) => vec![*i],
        Expr::Not(_) => Vec::new(),
        Expr::All(list) | Expr::Any(list) => list.iter().flat_map(asserted).collect(),
    }
}

fn source(f: &FieldRef, kind: Kind, operators: &[usize], binder: &mut Binder) -> Source {
    match f {
        FieldRef::Column(name) => Source::Col(binder.slot(kind, name)),
        FieldRef::Derived { operator, field } => {
            Source::Derived { operator: operators[*operator], field: *field }
        }
    }
}

impl Matcher {
    fn leaf_mask<'v>(&self, view: &'v View, leaf: &Leaf) -> Option<&'v Bitmap> {
        let (Some(mask), Source::Col(slot)) = (leaf.mask, leaf.source) else { return None };
        Some(view.masks[mask].get_or_init(|| leaf.test.over(view, slot)))
    }

    /// Whether the row may match: one bit, computed for the whole batch at its first row.
    pub fn maybe(&self, row: &Row<'_>) -> bool {
        let view = row.view();
        view.masks[self.maybe].get_or_init(|| self.bound(view, &self.expr, true)).get(row.index())
    }

    /// Rows where the condition may hold (`upper`) or surely holds, the derived fields being unknown.
    fn bound(&self, view: &View, e: &Expr, upper: bool) -> Bitmap {
        match e {
            Expr::Leaf(i) => match self.leaf_mask(view, &self.leaves[*i]) {
                Some(mask) => mask.clone(),
                None => Bitmap::filled(view.len(), upper),
            },
            Expr::Not(e) => {
                let mut b = self.bound(view, e, !upper);
                b.flip();
                b
            }
            Expr::All(list) => {
                let mut b = Bitmap::filled(view.len(), true);
                list.iter().for_each(|e| b.and(&self.bound(view, e, upper)));
                b
            }
            Expr::Any(list) => {
                let mut b = Bitmap::filled(view.len(), false);
                list.iter().for_each(|e| b.or(&self.bound(view, e, upper)));
                b
            }
        }
    }

    /// Whether the row matches.
    pub fn matches(&self, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> bool {
        self.maybe(row) && (self.operators.is_empty() || self.holds(&self.expr, row, ops, refs))
    }

    fn holds(&self, e: &Expr, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> bool {
        match e {
            Expr::All(list) => list.iter().all(|e| self.holds(e, row, ops, refs)),
            Expr::Any(list) => list.iter().any(|e| self.holds(e, row, ops, refs)),
            Expr::Not(e) => !self.holds(e, row, ops, refs),
            Expr::Leaf(i) => {
                let leaf = &self.leaves[*i];
                match (self.leaf_mask(row.view(), leaf), leaf.source) {
                    (Some(mask), _) => mask.get(row.index()),
                    (None, Source::Derived { operator, field }) => {
                        leaf.test.on(&ops.fields(operator, row, refs)[field], row)
                    }
                    (None, Source::Col(_)) => false,
                }
            }
        }
    }

    /// The values of the rule's measures in this row.
    pub fn measured(
        &self,
        row: &Row<'_>,
        ops: &mut Operators,
        refs: &Registry,
        mut each: impl FnMut(usize, f64),
    ) {
        for leaf in &self.leaves {
            let Some(at) = leaf.measure else { continue };
            let v = match leaf.source {
                Source::Col(s) => row
                    .real(s)
                    .or_else(|| row.int(s).map(|i| i as f64))
                    .or_else(|| row.fen(s).map(|f| f as f64 / 100.0)),
                Source::Derived { operator, field } => match ops.fields(operator, row, refs)[field] {
                    Val::Int(i) => Some(i as f64),
                    Val::Real(r) => Some(r),
                    _ => None,
                },
            };
            if let Some(v) = v {
                each(at, v);
            }
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

/// The number of a value: whole, or fen.
pub(crate) fn amount_of(s: Source, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> Option<i64> {
    match s {
        Source::Col(slot) => row.int(slot).or_else(|| row.fen(slot)),
        Source::Derived { operator, field } => match ops.fields(operator, row, refs)[field] {
            Val::Int(i) => Some(i),
            _ => None,
        },
    }
}
