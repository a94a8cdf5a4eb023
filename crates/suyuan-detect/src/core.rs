//! The one evaluator: rows in the total order in, alerts and drafts of findings out.
//!
//! History ([`crate::detect`], [`crate::alerts`]) and live ([`crate::Live`]) call it with the same rows in the same order and get
//! the same alerts. It keeps, per rule, the state of its windows; per operator and detector their own; all of it can be
//! saved and restored ([`crate::state`]). Rules that share no operator run in lanes of their own ([`lane`]), on several
//! threads if there are any.
//!
//! Invariant: any number of threads says the same.

mod ahead;
mod begun;
mod lane;
mod together;

use std::collections::BTreeSet;
use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::outcome::Entity;
use suyuan_model::time::{DAY, china_day};

use crate::alert::{Alert, Evidence};
use crate::detector::Raised;
use crate::hash::{Key, KeyMap};
use crate::jobs;
use crate::plan::{Bound, Comparable, Plan, Team};
use crate::registry::Registry;
use crate::rule::{Mode, RuleSet};
use crate::state::{Plain, Saved, Visit};
use crate::view::{Cite, Sources};
use crate::window::Ask;
pub(crate) use ahead::{AHEAD, Ahead};
use lane::{Held, Lane};

/// Hits of one rule and entity farther apart than this are separate findings.
const GAP: i64 = 30 * DAY;
/// Rows of one finding that are kept, as evidence and to be explained, and as many that prove derived fields; beyond them a
/// finding says no more.
const KEPT: usize = 20_000;

/// A finding before it is explained.
pub(crate) struct Draft {
    pub plan: usize,
    pub entity: String,
    pub first: i64,
    /// When it first held.
    pub fired: i64,
    pub last: i64,
    /// The rows that were counted, or at which it held.
    pub rows: Vec<Cite>,
    /// How many of those there were, kept or not.
    pub total: u64,
    /// Earlier rows that prove what derived fields said.
    pub behind: BTreeSet<Cite>,
    /// The row at which it first held, where what it says is of those earlier rows.
    pub trigger: Option<Cite>,
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

/// What is wanted of the rules.
#[derive(Clone, Copy)]
struct Asked {
    findings: bool,
    alerts: bool,
    evidence: Evidence,
}

impl Asked {
    /// What a correlation is to tell: an inner one what stands behind it, the rule's own what is wanted.
    fn of(self, own: bool) -> Ask {
        let less = own && (!self.alerts || self.evidence == Evidence::Trigger);
        Ask { findings: own && self.findings, alerts: if less { Evidence::Trigger } else { Evidence::Rows } }
    }
}

/// The evaluator.
pub(crate) struct Core<'r> {
    pub bound: Bound<'r>,
    pub sources: Sources,
    /// Drafts of findings, where findings are wanted.
    pub drafts: Option<Drafts>,
    /// Alerts not yet taken, where alerts are wanted; after them come those that are to be made of what was told.
    alerts: Option<Vec<Alert>>,
    told: Vec<Told>,
    /// What those carry.
    pub evidence: Evidence,
    /// The day (of China) of the newest row, until it is over.
    day: i64,
    /// The newest row's time, or the time that was said to have come.
    now: i64,
    rows: u64,
    last_alert: Option<(usize, Key, Cite)>,
    /// One for each team of rules.
    lanes: Vec<Lane>,
    /// On how many threads the lanes may run.
    pub threads: usize,
    /// Of the rows that are taken in together: how each is remembered, if some rule may ask of it, and its kind.
    cites: Vec<Option<Cite>>,
    kinds: Vec<Kind>,
    /// What held at them, and in which order it is told: by row, what deadlines say first, by rule, as found.
    hits: Vec<Held>,
    order: Vec<(u32, bool, usize, usize)>,
}

impl Saved for Core<'_> {
    fn state(&mut self, v: &mut dyn Visit) {
        v.cell(&mut Plain(&mut self.day));
        v.cell(&mut Plain(&mut self.now));
        v.cell(&mut Plain(&mut self.rows));
        self.sources.state(v);
        for team in &mut self.bound.teams {
            team.operators.state(v);
            for p in &mut team.plans {
                p.windows.iter_mut().for_each(|w| w.state(v));
                if let Some(d) = &mut p.detector {
                    d.state(v);
                }
            }
        }
    }
}

impl<'r> Core<'r> {
    pub fn new(rules: &'r RuleSet, findings: bool, alerts: bool) -> Core<'r> {
        let bound = Bound::new(rules);
        let lanes = bound.teams.iter().map(|t| Lane::new(&bound, t)).collect();
        let open = (0..bound.len()).map(|_| KeyMap::default()).collect();
        Core {
            bound,
            sources: Sources::default(),
            drafts: findings.then(|| Drafts { list: Vec::new(), open }),
            alerts: alerts.then(Vec::new),
            told: Vec::new(),
            evidence: Evidence::Rows,
            day: i64::MIN,
            now: i64::MIN,
            rows: 0,
            last_alert: None,
            lanes,
            threads: 1,
            cites: Vec::new(),
            kinds: Vec::new(),
            hits: Vec::new(),
            order: Vec::new(),
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
        self.due(ts);
        if self.day != i64::MIN && china_day(ts) > self.day {
            self.day_end(refs, Some(ts));
        }
        self.now = ts;
    }

    /// The records end here: the day under way is over. Deadlines that lie later are left open.
    pub fn finish(&mut self, refs: &Registry) {
        self.due(self.now.saturating_add(1));
        self.day_end(refs, None);
    }

    fn due(&mut self, ts: i64) {
        for (lane, team) in self.lanes.iter_mut().zip(&mut self.bound.teams) {
            lane.due(team, 0, ts);
        }
        self.tell();
    }

    /// Lets the detectors speak of the day that is over, if it had rows; what no row at or after `expire` can ask for is
    /// forgotten.
    fn day_end(&mut self, refs: &Registry, expire: Option<i64>) {
        if self.day == i64::MIN {
            return;
        }
        let day = std::mem::replace(&mut self.day, i64::MIN);
        let jobs = self.lanes.iter_mut().zip(&mut self.bound.teams).collect();
        jobs::each(self.threads, jobs, |(lane, team): (&mut Lane, &mut Team<'_>)| {
            lane.day_end(team, day, refs);
            if let Some(ts) = expire {
                team.expire(ts);
            }
        });
        let mut raised: Vec<(usize, Raised)> =
            self.lanes.iter_mut().flat_map(|l| l.raised.drain(..)).collect();
        raised.sort_by_key(|r| r.0);
        for (number, r) in raised {
            self.raised(number, r);
        }
    }

    /// Tells of what held, in the order of the rows and the rules.
    fn tell(&mut self) {
        let mut hits = std::mem::take(&mut self.hits);
        self.lanes.iter_mut().for_each(|l| hits.append(&mut l.hits));
        // What held is large; its places are sorted, not it.
        let mut order = std::mem::take(&mut self.order);
        order.extend(hits.iter().enumerate().map(|(at, h)| (h.n, !h.before, h.plan, at)));
        order.sort_unstable();
        order.drain(..).for_each(|(.., at)| self.held(&mut hits[at]));
        hits.clear();
        (self.hits, self.order) = (hits, order);
    }

    fn raised(&mut self, at: usize, r: Raised) {
        let Some(last) = r.rows.iter().max().copied() else { return };
        self.make_alerts();
        let plan = self.bound.plan(at);
        let who = (Key::of(&r.entity), r.entity.clone());
        if let Some(alerts) = &mut self.alerts {
            let first = r.contributions.first();
            let value = first.map(|c| c.value.clone()).unwrap_or_default();
            let threshold = first.and_then(|c| c.threshold.as_deref().map(Into::into));
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

    /// Tells of a condition that held: at a row, or without one.
    fn held(&mut self, h: &mut Held) {
        let plan = self.bound.plan(h.plan);
        if self.alerts.is_some()
            && let Some(mut rows) = h.alert.take()
            && self.last_alert != Some((h.plan, h.group, h.trigger))
        {
            self.last_alert = Some((h.plan, h.group, h.trigger));
            if self.evidence == Evidence::Rows && !h.behind.is_empty() {
                rows.extend_from_slice(&h.behind);
                rows.sort_unstable();
                rows.dedup();
            }
            let entity = match self.drafts {
                Some(_) => h.entity.1.clone(),
                None => std::mem::take(&mut h.entity.1),
            };
            let Held { plan, group, at, trigger, micro, .. } = *h;
            self.told.push(Told { plan, group, entity, at, trigger, micro, rows });
        }
        let Some(drafts) = &mut self.drafts else { return };
        let specs = &plan.measures;
        let draft = drafts.at(h.plan, std::mem::take(&mut h.entity), h.at, specs.len());
        let d = &mut drafts.list[draft];
        d.peak = d.peak.max(h.micro);
        if plan.of_earlier && !h.behind.is_empty() {
            d.trigger = d.trigger.or(Some(h.trigger));
            d.total += 1;
        } else {
            d.take(std::mem::take(&mut h.rows));
        }
        d.take_behind(std::mem::take(&mut h.behind));
        let Some(shown) = h.shown.take() else { return };
        d.first = d.first.min(h.trigger.ts);
        d.nats = d.nats.max(shown.nats);
        for (m, v) in shown.measures {
            let best = &mut d.measures[m];
            *best = Some(best.map_or(v, |b: f64| if specs[m].least { b.min(v) } else { b.max(v) }));
        }
    }

    /// Gives out the alerts since they were last taken, one by one; each is made when it is given, and the room that they took is
    /// kept.
    pub fn each_alert(&mut self, each: &mut dyn FnMut(Alert)) {
        self.alerts.iter_mut().for_each(|all| all.drain(..).for_each(&mut *each));
        for told in self.told.drain(..) {
            let plan = self.bound.plan(told.plan);
            each(told.alert(plan, &self.sources));
        }
    }

    /// The alerts since they were last taken.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        self.make_alerts();
        self.alerts.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Makes alerts of what was told.
    fn make_alerts(&mut self) {
        let (bound, sources) = (&self.bound, &self.sources);
        let made = self.told.drain(..).map(|told| {
            let plan = bound.plan(told.plan);
            told.alert(plan, sources)
        });
        if let Some(all) = &mut self.alerts {
            all.extend(made);
        }
    }
}

/// What an alert is made of.
struct Told {
    plan: usize,
    group: Key,
    entity: String,
    at: i64,
    trigger: Cite,
    micro: i128,
    rows: Vec<Cite>,
}

impl Told {
    fn alert(self, plan: &Plan<'_>, sources: &Sources) -> Alert {
        let value = plan.correlation.shown(self.micro);
        let Told { group, entity, at, trigger, rows, .. } = self;
        let said = Said { group, entity, at, trigger: &trigger, rows: &rows };
        said.alert(plan, sources, value, plan.threshold.clone())
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
    fn alert(self, plan: &Plan<'_>, sources: &Sources, value: String, threshold: Option<Arc<str>>) -> Alert {
        let rule = plan.rule;
        let trigger = sources.row(self.trigger);
        Alert {
            id: plan.ids.of(self.group, &trigger),
            rule: plan.names[0].clone(),
            rule_hash: plan.names[1].clone(),
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
            behind: BTreeSet::new(),
            trigger: None,
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
    /// The rows that the finding is about, for the checks; and those that are only shown with them.
    pub fn spoken_of(&self) -> (Vec<&Cite>, Vec<&Cite>) {
        match &self.trigger {
            Some(trigger) => (self.rows.iter().chain(&self.behind).collect(), vec![trigger]),
            None => (self.rows.iter().collect(), self.behind.iter().collect()),
        }
    }

    fn take(&mut self, rows: Vec<Cite>) {
        self.total += rows.len() as u64;
        for c in rows {
            self.first = self.first.min(c.ts);
            if self.rows.len() < KEPT {
                self.rows.push(c);
            }
        }
    }

    /// Takes earlier rows that prove what derived fields say, each once.
    fn take_behind(&mut self, rows: Vec<Cite>) {
        for c in rows {
            self.first = self.first.min(c.ts);
            if self.behind.len() < KEPT {
                self.behind.insert(c);
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
