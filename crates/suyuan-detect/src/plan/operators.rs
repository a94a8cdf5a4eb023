//! Operators of derived fields, each once, whoever asks: they see every row of the kinds they observe and are asked once a row.

use suyuan_model::Kind;

use crate::derive::{Operator, Params, Val};
use crate::registry::Registry;
use crate::rule::DeriveUse;
use crate::state::Visit;
use crate::view::{Binder, Cite, Row};

/// An operator and the row for which its fields stand.
struct Derived {
    operator: Box<dyn Operator>,
    observes: &'static [Kind],
    values: Vec<Val>,
    stamp: u64,
    /// When it forgot last.
    forgot: i64,
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
    pub(super) fn add(&mut self, u: &DeriveUse, binder: &mut Binder) -> usize {
        let key = (u.spec.name, u.params.clone());
        if let Some(at) = self.list.iter().position(|d| d.key == key) {
            return at;
        }
        self.list.push(Derived {
            operator: (u.spec.build)(&u.params, binder),
            observes: crate::derive::observed(u.spec, &u.params),
            values: vec![Val::Null; u.fields.len()],
            stamp: 0,
            forgot: i64::MIN,
            key,
        });
        self.list.len() - 1
    }
    /// Shows the operators' state.
    pub fn state(&mut self, v: &mut dyn Visit) {
        self.list.iter_mut().for_each(|d| d.operator.state(v));
    }
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
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
    /// Adds the earlier rows that prove what a field says of the row.
    pub fn cited(&mut self, at: usize, field: usize, row: &Row<'_>, refs: &Registry, out: &mut Vec<Cite>) {
        self.fields(at, row, refs);
        self.list[at].operator.cited(field, row, out);
    }
    /// The kinds of which rows are remembered.
    pub fn remembered(&self) -> impl Iterator<Item = Kind> + '_ {
        self.list.iter().flat_map(|d| d.operator.remembers().iter().copied())
    }
    pub fn expire(&mut self, now: i64) {
        for d in self.list.iter_mut().filter(|d| now >= d.forgot.saturating_add(d.operator.patience())) {
            d.operator.expire(now);
            d.forgot = now;
        }
    }
}
