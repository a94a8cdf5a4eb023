//! State of a correlation: one small group per key, bounded by what lies in the window.
//!
//! See `rule/correlation.rs` for the meanings. A row is told (given out as evidence) once per group.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::hash::{Key, KeyMap};
use crate::rule::{Correlation, Measure};
use crate::view::Cite;

/// More rows than this in one window of one key are not kept apart: the oldest leave, and the count says "at least".
const MOST: usize = 100_000;

/// The condition held at a row.
pub(crate) struct Hit {
    /// The count, the number of values or the sum.
    pub value: i64,
    /// Rows not told before.
    pub rows: Vec<Cite>,
}

struct Event {
    cite: Cite,
    told: bool,
    value: Key,
    amount: i64,
}

#[derive(Clone)]
struct Step {
    cite: Cite,
    told: Rc<Cell<bool>>,
}

#[derive(Default)]
struct Group {
    last: i64,
    events: VecDeque<Event>,
    values: KeyMap<u32>,
    sum: i128,
    /// `temporal`: the latest row of each step. `temporal_ordered`: for each step the chain with the latest start.
    steps: Vec<Vec<Step>>,
}

/// The groups of one correlation.
pub(crate) struct Windows {
    span: i64,
    measure: Measure,
    steps: usize,
    groups: KeyMap<Group>,
}

impl Windows {
    pub fn new(c: &Correlation) -> Windows {
        Windows { span: c.timespan, measure: c.measure, steps: c.steps.len(), groups: KeyMap::default() }
    }

    /// Takes a matching row in; `value` is the counted value, `amount` the summed one.
    pub fn add(
        &mut self,
        c: &Correlation,
        step: usize,
        key: Key,
        cite: Cite,
        value: Key,
        amount: i64,
    ) -> Option<Hit> {
        if self.measure == Measure::Each {
            return Some(Hit { value: 1, rows: vec![cite] });
        }
        let g = self.groups.entry(key).or_default();
        g.last = cite.ts;
        let since = cite.ts.saturating_sub(self.span);
        match self.measure {
            Measure::Temporal => g.any_order(self.steps, step, cite, since),
            Measure::TemporalOrdered => g.in_order(self.steps, step, cite, since),
            _ => {
                let n = g.count(self.measure, since, Event { cite, told: false, value, amount });
                c.holds(n).then(|| Hit { value: n, rows: g.tell() })
            }
        }
    }

    /// Forgets groups whose every row has left the window.
    pub fn expire(&mut self, now: i64) {
        let span = self.span;
        self.groups.retain(|_, g| now.saturating_sub(span) < g.last);
    }
}

impl Group {
    fn count(&mut self, measure: Measure, since: i64, event: Event) -> i64 {
        while self.events.front().is_some_and(|e| e.cite.ts <= since) || self.events.len() >= MOST {
            let Some(old) = self.events.pop_front() else { break };
            self.sum -= i128::from(old.amount);
            if let Some(n) = self.values.get_mut(&old.value) {
                *n -= 1;
                if *n == 0 {
                    self.values.remove(&old.value);
                }
            }
        }
        self.sum += i128::from(event.amount);
        if measure == Measure::ValueCount {
            *self.values.entry(event.value).or_default() += 1;
        }
        self.events.push_back(event);
        match measure {
            Measure::ValueCount => self.values.len() as i64,
            Measure::ValueSum => i64::try_from(self.sum).unwrap_or(i64::MAX),
            _ => self.events.len() as i64,
        }
    }

    fn tell(&mut self) -> Vec<Cite> {
        // Rows are told from the oldest on, so what is untold stands at the end.
        let untold = self.events.iter().rev().take_while(|e| !e.told).count();
        let start = self.events.len() - untold;
        self.events
            .range_mut(start..)
            .map(|e| {
                e.told = true;
                e.cite
            })
            .collect()
    }

    fn any_order(&mut self, steps: usize, step: usize, cite: Cite, since: i64) -> Option<Hit> {
        self.steps.resize(steps, Vec::new());
        self.steps[step] = vec![Step { cite, told: Rc::default() }];
        let all = self.steps.iter().all(|s| s.first().is_some_and(|s| s.cite.ts > since));
        all.then(|| Hit { value: steps as i64, rows: tell_steps(self.steps.iter().flatten()) })
    }

    /// The chain of a step is the one of the step before with this row at its end. The chain with the latest
    /// start is the best there is, because it stays in the window longest.
    fn in_order(&mut self, steps: usize, step: usize, cite: Cite, since: i64) -> Option<Hit> {
        self.steps.resize(steps, Vec::new());
        let row = Step { cite, told: Rc::default() };
        if step == 0 {
            self.steps[0] = vec![row];
            return None;
        }
        let before = &self.steps[step - 1];
        if before.first().is_none_or(|s| s.cite.ts <= since) {
            return None;
        }
        let mut chain = before.clone();
        chain.push(row);
        let hit = (step + 1 == steps).then(|| Hit { value: steps as i64, rows: tell_steps(chain.iter()) });
        self.steps[step] = chain;
        hit
    }
}

fn tell_steps<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<Cite> {
    steps.filter(|s| !s.told.replace(true)).map(|s| s.cite).collect()
}
