//! Rows that follow each other, taken in rule by rule.
//!
//! A rule that asks nothing but columns and its own windows answers the same whether it sees a row before or after another
//! rule does. So each such rule takes many rows in at once: its state and its code stay near, and look-ups that do not wait
//! for each other are served at the same time. What held is told afterwards, in the order of rows and rules. Rules with
//! derived fields, detectors and absences see row after row, as their operators must.
//!
//! Invariant: alerts and findings are those of one row after the other through all rules.

use std::rc::Rc;

use suyuan_model::Kind;
use suyuan_model::time::china_day;

use super::{At, Core, Held, correlation, entity_of, group_of, value_of};
use crate::hash::Key;
use crate::plan::Bound;
use crate::registry::Registry;
use crate::view::{Cite, View};
use crate::window::Mark;

/// Rows that are looked up before the first of them is counted: enough to wait for memory once for all of them, few enough to
/// stay near until they are.
const BLOCK: usize = 128;

/// A rule that stands alone.
struct Alone {
    plan: usize,
    /// Its detections and where their rows are listed.
    detections: Vec<(usize, usize)>,
}

/// What is gathered of rows that are taken in together; kept to be used again.
pub(super) struct Together {
    alone: Vec<Alone>,
    /// Per kind: which of its detections belong to rules that stand alone, as bits, and the first of their lists.
    kinds: Vec<(Vec<u64>, usize)>,
    /// Per detection, the rows that match it.
    lists: Vec<Vec<u32>>,
    /// Per row how it is remembered, if some rule may ask of it.
    cites: Vec<Option<Cite>>,
    counted: Vec<(u32, Key, Mark)>,
    /// The rows of a rule of several detections, and which of them.
    matched: Vec<(u32, usize)>,
    /// What held.
    pub hits: Vec<Held>,
}

impl Together {
    pub fn new(bound: &Bound<'_>) -> Together {
        let (mut kinds, mut lists) = (Vec::new(), 0);
        let mut alone: Vec<Alone> = (0..bound.plans.len())
            .filter(|p| bound.plans[*p].alone)
            .map(|plan| Alone { plan, detections: Vec::new() })
            .collect();
        for pairs in &bound.by_kind {
            let mut bits = vec![0u64; pairs.len().div_ceil(64).max(1)];
            for (j, (plan, detection)) in pairs.iter().enumerate() {
                if let Some(a) = alone.iter_mut().find(|a| a.plan == *plan) {
                    bits[j / 64] |= 1 << (j % 64);
                    a.detections.push((*detection, lists + j));
                }
            }
            kinds.push((bits, lists));
            lists += pairs.len();
        }
        Together {
            alone,
            kinds,
            lists: vec![Vec::new(); lists],
            cites: Vec::new(),
            counted: Vec::new(),
            matched: Vec::new(),
            hits: Vec::new(),
        }
    }
}

impl Core<'_> {
    /// Takes the next rows in.
    pub fn rows_in_order(&mut self, rows: &[(Rc<View>, usize)], refs: &Registry) {
        let day = |r: &(Rc<View>, usize)| china_day(r.0.row(r.1).ts);
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        if day(first) == day(last) {
            return self.rows_of_a_day(rows, refs);
        }
        for rows in rows.chunk_by(|a, b| day(a) == day(b)) {
            self.rows_of_a_day(rows, refs);
        }
    }

    fn rows_of_a_day(&mut self, rows: &[(Rc<View>, usize)], refs: &Registry) {
        let ts = |n: usize| rows[n].0.row(rows[n].1).ts;
        // The day before ends first.
        self.advance(ts(0), refs);
        self.sort_out(rows);
        for n in 0..self.together.alone.len() {
            self.take_alone(n, rows, refs);
        }
        let mut hits = std::mem::take(&mut self.together.hits);
        hits.sort_by_key(|h| (h.n, h.plan));
        if self.together.alone.len() < self.bound.plans.len() || !self.bound.operators.is_empty() {
            self.one_by_one(rows, refs, &mut hits);
        } else {
            self.count_comparable(rows);
            self.rows += rows.len() as u64;
            self.day = china_day(ts(0));
            self.now = ts(rows.len() - 1);
            for h in hits.drain(..) {
                let (view, i) = &rows[h.n as usize];
                self.held(h, Some((&view.row(*i), refs)));
            }
        }
        self.together.hits = hits;
    }

    /// Lists the rows by the detections that they match.
    fn sort_out(&mut self, rows: &[(Rc<View>, usize)]) {
        let t = &mut self.together;
        t.lists.iter_mut().for_each(Vec::clear);
        t.cites.clear();
        for (n, (view, i)) in rows.iter().enumerate() {
            let row = view.row(*i);
            self.sources.begin(row.ts);
            let (alone, first) = &t.kinds[row.kind() as usize];
            let words = alone.len();
            let bits = &self.bound.candidates(view, row.kind())[*i * words..(*i + 1) * words];
            for (w, (bits, alone)) in bits.iter().zip(alone).enumerate() {
                let mut rest = bits & alone;
                while rest != 0 {
                    t.lists[first + w * 64 + rest.trailing_zeros() as usize].push(n as u32);
                    rest &= rest - 1;
                }
            }
            let asked = bits.iter().any(|b| *b != 0);
            t.cites.push(asked.then(|| self.sources.cite(&row)));
        }
    }

    /// Counts the values that rules are about, where findings are wanted.
    fn count_comparable(&mut self, rows: &[(Rc<View>, usize)]) {
        if self.drafts.is_none() {
            return;
        }
        for c in &mut self.bound.comparables {
            let kind = c.kind;
            rows.iter().filter(|r| r.0.kind() == kind).for_each(|(view, i)| c.count(&view.row(*i)));
        }
    }

    fn take_alone(&mut self, n: usize, rows: &[(Rc<View>, usize)], refs: &Registry) {
        let Alone { plan, detections } = &self.together.alone[n];
        let (at, plan) = (*plan, &self.bound.plans[*plan]);
        if let [(detection, list)] = *detections.as_slice()
            && let ([_], [windows]) = (plan.reads[detection].routes.as_slice(), plan.windows.as_slice())
            && windows.counting()
        {
            return self.count_all(at, detection, list, rows, refs);
        }
        let mut matched = std::mem::take(&mut self.together.matched);
        matched.clear();
        for (detection, list) in detections {
            matched.extend(self.together.lists[*list].iter().map(|n| (*n, *detection)));
        }
        if detections.len() > 1 {
            matched.sort_unstable();
        }
        self.touch(at, &matched, rows);
        for same in matched.chunk_by(|a, b| a.0 == b.0) {
            let n = same[0].0;
            let (view, i) = &rows[n as usize];
            let Some(cite) = self.together.cites[n as usize] else { continue };
            self.route(at, same, At { n, row: &view.row(*i), cite, refs });
        }
        self.together.matched = matched;
    }

    /// Reads the state that rows will ask for.
    fn touch(&self, at: usize, matched: &[(u32, usize)], rows: &[(Rc<View>, usize)]) {
        let plan = &self.bound.plans[at];
        for (c, windows) in plan.windows.iter().enumerate() {
            let keys = matched.iter().flat_map(|(n, detection)| {
                let routes = plan.reads[*detection].routes.iter().filter(move |r| r.correlation == c);
                let (view, i) = &rows[*n as usize];
                routes.filter_map(|r| view.group_key(r.columns?, *i))
            });
            windows.touch(keys);
        }
    }

    /// The rows of a rule that counts those of one detection.
    fn count_all(
        &mut self,
        at: usize,
        detection: usize,
        list: usize,
        rows: &[(Rc<View>, usize)],
        refs: &Registry,
    ) {
        let ask = self.ask(true);
        let Together { lists, cites, counted, hits, .. } = &mut self.together;
        let (plan, ops) = (&mut self.bound.plans[at], &mut self.bound.operators);
        let (route, c) = (&plan.reads[detection].routes[0], correlation(plan, 0));
        for block in lists[list].chunks(BLOCK) {
            counted.clear();
            for n in block {
                let (view, i) = &rows[*n as usize];
                let row = view.row(*i);
                if let Some(cite) = cites[*n as usize]
                    && let Some(key) = group_of(route, &row, ops, refs)
                    && let Some(value) = value_of(c, route, &row, ops, refs)
                {
                    counted.push((*n, key, Mark { cite, value }));
                }
            }
            plan.windows[0].touch(counted.iter().map(|(_, key, _)| key));
            for (n, key, mark) in counted.iter() {
                let Some(hit) = plan.windows[0].count(c, *key, *mark, ask) else { continue };
                let (view, i) = &rows[*n as usize];
                let row = view.row(*i);
                let Some(entity) = entity_of(&plan.reads[detection], &row, ops, refs) else { continue };
                hits.push(Held::new((at, detection), *n, *key, entity, mark.cite, hit));
            }
        }
    }

    /// The rows through the rules that do not stand alone; `hits` is what the others said.
    fn one_by_one(&mut self, rows: &[(Rc<View>, usize)], refs: &Registry, hits: &mut Vec<Held>) {
        let mut hits = hits.drain(..).peekable();
        let mut matched: Vec<(u32, usize)> = Vec::new();
        for (n, (view, i)) in rows.iter().enumerate() {
            let row = &view.row(*i);
            self.advance(row.ts, refs);
            self.day = china_day(row.ts);
            self.rows += 1;
            self.bound.operators.next_row();
            let kind = row.kind();
            if self.drafts.is_some() {
                let mine = self.bound.comparables.iter_mut().filter(|c| c.kind == kind);
                mine.for_each(|c| c.count(row));
            }
            let n = n as u32;
            let mut tell = |core: &mut Self, before: usize| {
                while let Some(h) = hits.next_if(|h| h.n == n && h.plan < before) {
                    core.held(h, Some((row, refs)));
                }
            };
            if let Some(cite) = self.together.cites[n as usize] {
                let at = At { n, row, cite, refs };
                let mut of = usize::MAX;
                for w in 0..self.together.kinds[kind as usize].0.len() {
                    let mut bits = self.not_alone(view, *i, kind, w);
                    while bits != 0 {
                        let j = w * 64 + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let (plan, detection) = self.bound.by_kind[kind as usize][j];
                        if !self.matches(plan, detection, row, refs) {
                            continue;
                        }
                        // The pairs of one plan stand together: the next one is of another plan, or joins this row's.
                        if plan != of && !matched.is_empty() {
                            tell(self, of);
                            self.flush(of, &mut matched, at);
                        }
                        of = plan;
                        matched.push((n, detection));
                    }
                }
                if !matched.is_empty() {
                    tell(self, of);
                    self.flush(of, &mut matched, at);
                }
            }
            tell(self, usize::MAX);
            self.bound.operators.observe(row, refs);
        }
    }

    fn not_alone(&self, view: &View, i: usize, kind: Kind, w: usize) -> u64 {
        let alone = &self.together.kinds[kind as usize].0;
        self.bound.candidates(view, kind)[i * alone.len() + w] & !alone[w]
    }

    /// Lets the row reach the rule whose detections it matched, and tells what held.
    fn flush(&mut self, plan: usize, matched: &mut Vec<(u32, usize)>, at: At<'_>) {
        if let Some(detector) = &mut self.bound.plans[plan].detector {
            matched.iter().for_each(|m| detector.row(m.1, at.row, at.cite, at.refs));
        } else {
            self.route(plan, matched, at);
            // A row may make it hold at several of its steps; the first one is told of first.
            let mut hits = std::mem::take(&mut self.together.hits);
            hits.drain(..).for_each(|h| self.held(h, Some((at.row, at.refs))));
            self.together.hits = hits;
        }
        matched.clear();
    }
}

#[cfg(test)]
mod tests {
    use suyuan_model::fixture;
    use suyuan_model::scan::MemorySource;

    use super::*;
    use crate::alert::Alert;
    use crate::rule::RuleSet;
    use crate::run::scan;
    use crate::trial::Trial;

    fn alerts(rules: &RuleSet, source: &MemorySource, alone: bool) -> Vec<Alert> {
        let mut core = Core::new(rules, true, true);
        if !alone {
            core.bound.plans.iter_mut().for_each(|p| p.alone = false);
            core.together = Together::new(&core.bound);
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
            let together = alerts(&rules, &source, true);
            assert_eq!(together, alerts(&rules, &source, false), "trial {number}\n{}", t.rule);
            told += together.len();
        }
        assert!(told > 200);
    }
}
