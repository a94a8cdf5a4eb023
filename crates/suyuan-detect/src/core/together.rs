//! Rows that follow each other, taken in lane by lane and rule by rule.
//!
//! A rule that asks nothing but columns and its own windows answers the same whether it sees a row before or after another
//! rule does. So each such rule takes many rows in at once: its state and its code stay near, and look-ups that do not wait
//! for each other are served at the same time. Rules with derived fields, detectors and absences see row after row, as their
//! operators must, but only with the others of their team. What held is told afterwards, in the order of rows and rules.
//!
//! Invariant: alerts and findings are those of one row after the other through all rules.

use arrow_array::{Array, Int64Array};
use suyuan_model::time::china_day;

use super::ahead::Rows;
use super::begun::leave_out;
use super::lane::{Alone, At, Batch, Held, Lane, correlation, each_bit, entity_of, matches, value_of};
use super::{Asked, Comparable, Core, Team};
use crate::hash::Key;
use crate::jobs;
use crate::kernel::Columns;
use crate::plan::{Plan, Route, Source};
use crate::registry::Registry;
use crate::rule::{Correlation, Measure};
use crate::view::{Col, Row, View};
use crate::window::{Coming, Place, Windows};

/// Rows that are looked up before the first of them is counted: enough to wait for memory once for all of them, few enough to
/// stay near until they are.
const BLOCK: usize = 128;

enum Job<'a, 'r> {
    Lane(&'a mut Lane, &'a mut Team<'r>),
    Count(&'a mut Comparable),
}

impl Core<'_> {
    /// Takes the next rows in.
    pub fn rows_in_order(&mut self, rows: Rows<'_>, refs: &Registry) {
        let mut rest = rows;
        while rest.len() > 0 {
            let day = china_day(rest.row(0).ts);
            let (of_day, later) = rest.split(|row| china_day(row.ts) <= day);
            self.rows_of_a_day(of_day, refs);
            rest = later;
        }
    }

    fn rows_of_a_day(&mut self, rows: Rows<'_>, refs: &Registry) {
        let ts = |n: usize| rows.row(n).ts;
        // The day before ends first.
        self.advance(ts(0), refs);
        let bits: Vec<&[u64]> = rows.views.iter().map(|v| self.bound.candidates(v, v.kind())).collect();
        self.sort_out(rows, &bits);
        let findings = self.drafts.is_some();
        rows.views.iter().for_each(|v| self.bound.narrow(v, findings));
        let asked = Asked { findings, alerts: self.alerts.is_some(), evidence: self.evidence };
        let batch =
            Batch { rows, bits: &bits, cites: &self.cites, kinds: &self.kinds, refs, asked, now: self.now };
        let lanes = self.lanes.iter_mut().zip(&mut self.bound.teams);
        let mut jobs: Vec<Job<'_, '_>> = lanes.map(|(l, t)| Job::Lane(l, t)).collect();
        if findings {
            jobs.extend(self.bound.comparables.iter_mut().map(Job::Count));
        }
        jobs::each(self.threads, jobs, |job| match job {
            Job::Lane(lane, team) => lane.run(team, &batch),
            Job::Count(c) => count(c, &batch),
        });
        self.rows += rows.len() as u64;
        self.day = china_day(ts(0));
        self.now = ts(rows.len() - 1);
        self.tell();
    }

    /// Finds which rows may match a detection, and how each is remembered.
    fn sort_out(&mut self, rows: Rows<'_>, bits: &[&[u64]]) {
        self.cites.clear();
        self.kinds.clear();
        let words: Vec<usize> = rows.views.iter().zip(bits).map(|(v, b)| b.len() / v.len().max(1)).collect();
        for ((view, i), row) in rows.at.iter().zip(rows.iter()) {
            let (view, i, kind) = (*view as usize, *i as usize, row.kind());
            self.sources.begin(row.ts);
            let may = &bits[view][i * words[view]..(i + 1) * words[view]];
            let asked = self.bound.remembered[kind as usize] || may.iter().any(|b| *b != 0);
            self.cites.push(asked.then(|| self.sources.cite(&row)));
            self.kinds.push(kind);
        }
    }
}

/// Counts the values of a column that rules are about.
fn count(c: &mut Comparable, batch: &Batch<'_>) {
    let kind = c.kind;
    for (row, _) in batch.rows.iter().zip(batch.kinds).filter(|(_, k)| **k == kind) {
        c.count(&row);
    }
}

impl Lane {
    /// Takes the rows in; what held is in `hits`.
    fn run(&mut self, team: &mut Team<'_>, batch: &Batch<'_>) {
        if !self.alone.is_empty() {
            self.list(batch);
        }
        for n in 0..self.alone.len() {
            self.take_alone(n, team, batch);
        }
        match team.plans.first().and_then(|p| p.detector.as_ref()) {
            // Only followers of its detector are with it.
            Some(_) if team.operators.is_empty() => self.watched(team, batch),
            _ if self.kinds.iter().any(|k| k.seen) => self.one_by_one(team, batch),
            _ => {}
        }
    }

    /// Lists the rows by the questions of rules that stand alone.
    fn list(&mut self, batch: &Batch<'_>) {
        self.lists.iter_mut().for_each(Vec::clear);
        for (n, kind) in batch.kinds.iter().enumerate() {
            let of = &self.kinds[*kind as usize];
            if batch.cites[n].is_none() {
                continue;
            }
            for (w, (bits, alone)) in batch.bits(n, of.alone.len()).iter().zip(&of.alone).enumerate() {
                each_bit(bits & alone, |q| self.lists[of.lists[w * 64 + q]].push(n as u32));
            }
        }
    }

    fn take_alone(&mut self, n: usize, team: &mut Team<'_>, batch: &Batch<'_>) {
        let Alone { plan: at, detections } = &self.alone[n];
        let (at, plan) = (*at, &team.plans[*at]);
        if let [(detection, list)] = *detections.as_slice()
            && let ([_], [windows]) = (plan.reads[detection].routes.as_slice(), plan.windows.as_slice())
            && windows.counting()
        {
            return self.count_all(at, detection, list, team, batch);
        }
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        for (detection, list) in detections {
            matched.extend(self.lists[*list].iter().map(|n| (*n, *detection)));
        }
        if detections.len() > 1 {
            // Lists in order one after the other, which this sort only merges.
            matched.sort();
        }
        leave_out(&team.plans[at], batch.rows, &mut matched);
        touch(team, at, &matched, batch);
        for same in matched.chunk_by(|a, b| a.0 == b.0) {
            let n = same[0].0;
            let Some(cite) = batch.cites[n as usize] else { continue };
            let row = &batch.rows.row(n as usize);
            if let [(_, detection)] = same
                && nothing_begun(&team.plans[at], *detection, row)
            {
                continue;
            }
            self.route(team, at, same, At { n, row, cite, refs: batch.refs, asked: batch.asked });
        }
        self.matched = matched;
    }

    /// The rows of a rule that counts those of one detection.
    fn count_all(
        &mut self,
        at: usize,
        detection: usize,
        list: usize,
        team: &mut Team<'_>,
        batch: &Batch<'_>,
    ) {
        if self.lists[list].is_empty() {
            return;
        }
        let Batch { rows, refs, asked, .. } = *batch;
        let ask = asked.of(true);
        let Lane { lists, counted, hits, .. } = self;
        let (plan, ops) = (&mut team.plans[at], &mut team.operators);
        let c = correlation(plan, 0);
        let kind = plan.rule.detections[detection].kind;
        let route = &plan.reads[detection].routes[0];
        let views = rows.views.iter();
        let columns: Vec<Option<Counted<'_>>> =
            views.map(|v| if v.kind() == kind { Counted::of(c, route, v) } else { None }).collect();
        for block in lists[list].chunks(BLOCK) {
            counted.clear();
            for n in block {
                let (view, i) = rows.at[*n as usize];
                let Some(columns) = &columns[view as usize] else { continue };
                let key = columns.keys[i as usize];
                let value = match columns.value(i as usize) {
                    Some(value) => value,
                    None => value_of(c, &plan.reads[detection].routes[0], &rows.row(*n as usize), ops, refs),
                };
                if let Some(value) = value
                    && key.0 != 0
                {
                    counted.push(Coming { key, value, n: *n, place: Place::UNKNOWN });
                }
            }
            plan.matched += counted.len() as u64;
            plan.windows[0].begin_block();
            near(&plan.windows[0], counted);
            for coming in counted.iter() {
                let Some(cite) = &batch.cites[coming.n as usize] else { continue };
                let Some(hit) = plan.windows[0].count(c, coming, cite, ask) else { continue };
                let row = &rows.row(coming.n as usize);
                let Some(entity) = entity_of(&plan.reads[detection], row, ops, refs) else { continue };
                let at = At { n: coming.n, row, cite: *cite, refs, asked };
                hits.push(Held::at(plan, ops, detection, at, coming.key, entity, hit));
            }
        }
    }

    /// The rows of a detector that asks for nothing but columns.
    fn watched(&mut self, team: &mut Team<'_>, batch: &Batch<'_>) {
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        for (n, kind) in batch.kinds.iter().enumerate() {
            let of = &self.kinds[*kind as usize];
            if !of.seen || batch.cites[n].is_none() {
                continue;
            }
            of.asking(batch.bits(n, of.alone.len()), &mut self.asking);
            for (w, word) in self.asking.iter().enumerate() {
                each_bit(*word, |j| matched.push((n as u32, of.pairs[w * 64 + j].1)));
            }
        }
        if let Some(detector) = &mut team.plans[0].detector {
            for block in matched.chunks(BLOCK) {
                let rows = block.iter().map(|(n, _)| batch.rows.row(*n as usize));
                let seen = rows.fold(0, |seen, row| seen ^ detector.touch(&row));
                std::hint::black_box(seen);
                for (n, detection) in block {
                    if let Some(cite) = batch.cites[*n as usize] {
                        detector.row(*detection, &batch.rows.row(*n as usize), cite, batch.refs);
                    }
                }
            }
        }
        self.matched = matched;
    }

    /// The rows through the rules that do not stand alone.
    fn one_by_one(&mut self, team: &mut Team<'_>, batch: &Batch<'_>) {
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        let mut now = batch.now;
        for (n, kind) in batch.kinds.iter().enumerate() {
            let waits = !self.waiting.is_empty();
            if !waits && !self.kinds[*kind as usize].seen {
                continue;
            }
            let row = &batch.rows.row(n).remembered(batch.cites[n].as_ref());
            if waits && row.ts > now {
                now = row.ts;
                self.due(team, n as u32, now);
            }
            team.operators.next_row();
            if let Some(cite) = batch.cites[n] {
                let at = At { n: n as u32, row, cite, refs: batch.refs, asked: batch.asked };
                self.ask(team, batch, at, &mut matched);
            }
            team.operators.observe(row, batch.refs);
        }
        self.matched = matched;
    }

    /// Asks the rules that do not stand alone of a row.
    fn ask(&mut self, team: &mut Team<'_>, batch: &Batch<'_>, at: At<'_>, matched: &mut Vec<(u32, usize)>) {
        let kind = at.row.kind() as usize;
        let mut asking = std::mem::take(&mut self.asking);
        self.kinds[kind].asking(batch.bits(at.n as usize, self.kinds[kind].alone.len()), &mut asking);
        let mut of = usize::MAX;
        for (w, word) in asking.iter().enumerate() {
            each_bit(*word, |j| {
                let (number, detection) = self.kinds[kind].pairs[w * 64 + j];
                let (plan, ops) = (&mut team.plans[number], &mut team.operators);
                if !matches(plan, ops, detection, at.row, at.refs, at.asked.findings) {
                    return;
                }
                // The pairs of one rule stand together: the next one is of another rule, or joins this row's.
                if number != of && !matched.is_empty() {
                    self.flush(team, of, matched, at);
                }
                of = number;
                matched.push((at.n, detection));
            });
        }
        self.asking = asking;
        if !matched.is_empty() {
            self.flush(team, of, matched, at);
        }
    }

    /// Lets the row reach the rule whose detections it matched.
    fn flush(&mut self, team: &mut Team<'_>, plan: usize, matched: &mut Vec<(u32, usize)>, at: At<'_>) {
        match &mut team.plans[plan].detector {
            Some(detector) => matched.iter().for_each(|m| detector.row(m.1, at.row, at.cite, at.refs)),
            None => self.route(team, plan, matched, at),
        }
        matched.clear();
    }
}

/// What a counting rule reads of one view.
struct Counted<'v> {
    /// The group's key; 0 where one of its values is absent.
    keys: &'v [Key],
    values: Values<'v>,
}

/// What it counts there.
enum Values<'v> {
    Nothing,
    /// Different values of a column; 0 where absent.
    Keys(&'v [Key]),
    Whole(&'v Int64Array),
    /// Read row by row.
    Other,
}

impl<'v> Counted<'v> {
    /// `None` where the group is not of columns.
    fn of(c: &Correlation, route: &Route, view: &'v View) -> Option<Counted<'v>> {
        let values = match (c.measure, route.value.as_slice()) {
            (_, []) => Values::Nothing,
            (Measure::ValueCount, [Source::Col(slot)]) => Values::Keys(view.keys(*slot)),
            (Measure::ValueCount, _) => Values::Other,
            (_, [Source::Col(slot), ..]) => match view.col(*slot) {
                Col::Int(a) => Values::Whole(a),
                _ => Values::Other,
            },
            _ => Values::Other,
        };
        Some(Counted { keys: view.group_keys(route.columns?), values })
    }

    /// What is counted of a row, if it has that; `None` where it is to be read otherwise.
    #[inline]
    fn value(&self, i: usize) -> Option<Option<u64>> {
        match self.values {
            Values::Nothing => Some(Some(0)),
            Values::Keys(keys) => Some((keys[i].0 != 0).then_some(keys[i].0 as u64)),
            Values::Whole(a) => Some(a.is_valid(i).then(|| a.value(i) as u64)),
            Values::Other => None,
        }
    }
}

/// Finds the groups that rows will be counted in, and reads what that needs. Whoever waits for nothing but memory waits once for
/// many: first for all the signs, then for the groups, then for what hangs on them.
fn near(windows: &Windows, counted: &mut [Coming]) {
    std::hint::black_box(counted.iter().fold(0, |seen, c| seen ^ windows.sign(&c.key)));
    for c in counted.iter_mut() {
        c.place = windows.find(&c.key);
    }
    let seen = counted.iter().fold(0, |seen, c| seen ^ windows.last(&c.key, c.place));
    let seen = counted.iter().fold(seen, |seen, c| seen ^ windows.near(&c.key, c.place));
    std::hint::black_box(seen);
}

/// Whether all that the row could do is to go on with a sequence, and none has begun.
fn nothing_begun(plan: &Plan<'_>, detection: usize, row: &Row<'_>) -> bool {
    let [route] = plan.reads[detection].routes.as_slice() else { return false };
    let follows = route.step > 0
        && matches!(
            correlation(plan, route.correlation).measure,
            Measure::TemporalOrdered | Measure::Sequence
        );
    follows
        && route
            .columns
            .and_then(|c| row.group(c))
            .is_some_and(|key| !plan.windows[route.correlation].holds(&key))
}

/// Reads the state that rows will ask for.
fn touch(team: &Team<'_>, at: usize, matched: &[(u32, usize)], batch: &Batch<'_>) {
    let plan = &team.plans[at];
    for (c, windows) in plan.windows.iter().enumerate() {
        let keys = matched.iter().flat_map(|(n, detection)| {
            let routes = plan.reads[*detection].routes.iter().filter(move |r| r.correlation == c);
            let row = batch.rows.row(*n as usize);
            routes.filter_map(move |r| row.view().group_key(r.columns?, row.index()))
        });
        windows.touch(keys);
    }
}

#[cfg(test)]
mod tests {
    use suyuan_model::scan::MemorySource;
    use suyuan_model::{Kind, fixture};

    use super::*;
    use crate::alert::Alert;
    use crate::rule::RuleSet;
    use crate::run::scan;
    use crate::trial::Trial;

    fn alerts(rules: &RuleSet, source: &MemorySource, alone: bool, threads: usize) -> Vec<Alert> {
        let mut core = Core::new(rules, true, true);
        core.threads = threads;
        if !alone {
            core.bound.teams.iter_mut().flat_map(|t| &mut t.plans).for_each(|p| p.alone = false);
            core.lanes = core.bound.teams.iter().map(|t| Lane::new(&core.bound, t)).collect();
        }
        scan(source, &mut core, &Registry::default(), |_, _| ()).unwrap();
        core.take_alerts()
    }

    #[test]
    fn rules_that_stand_alone_say_what_they_say_row_by_row() {
        let mut told = 0;
        for number in 0..220 {
            let t = Trial::of(number);
            let rules = RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), t.rule.clone()))).unwrap();
            let mut source = MemorySource::default();
            for kind in [Kind::Opening, Kind::Login] {
                let of: Vec<_> = t.rows.iter().filter(|r| r.0 == kind).map(|r| r.1.clone()).collect();
                if !of.is_empty() {
                    source.push(kind, fixture::batch(kind, &of).unwrap());
                }
            }
            let together = alerts(&rules, &source, true, 1);
            assert_eq!(together, alerts(&rules, &source, false, 3), "trial {number}\n{}", t.rule);
            told += together.len();
        }
        assert!(told > 200);
    }
}
