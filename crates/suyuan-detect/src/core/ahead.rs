//! Rows that are taken in together: which row of which batch.
//!
//! Batches are few and rows many, so a row names its batch by number.

use std::ops::Range;
use std::sync::Arc;

use suyuan_model::Kind;

use crate::hash::Key;
use crate::view::{GroupSlot, Row, View};

/// Rows that are taken in together.
pub(crate) const AHEAD: usize = 16_384;

/// Among so many views that came last a row's is looked for; an earlier one is numbered once more, which costs little.
const LATELY: usize = 32;

/// Rows to be taken in, in their order.
#[derive(Default)]
pub(crate) struct Ahead {
    views: Vec<Arc<View>>,
    /// Per kind, the view whose rows came last.
    latest: Vec<u32>,
    rows: Vec<(u32, u32)>,
}

impl Ahead {
    /// Adds rows of the view of that number, as many as there is room for; where the others begin.
    pub fn push(&mut self, view: u32, rows: Range<u32>) -> u32 {
        let end = rows.end.min(rows.start + (AHEAD - self.rows.len()) as u32);
        self.rows.extend((rows.start..end).map(|i| (view, i)));
        end
    }

    /// Adds rows of one batch, whether or not there is room for them.
    pub fn add(&mut self, view: &Arc<View>, rows: Range<usize>) {
        let of = self.number(view);
        self.rows.extend(rows.map(|i| (of, i as u32)));
    }

    /// The number of a view, until the rows are forgotten.
    pub fn number(&mut self, view: &Arc<View>) -> u32 {
        self.latest.resize(Kind::ALL.len(), u32::MAX);
        let latest = &mut self.latest[view.kind() as usize];
        let same = |v: &Arc<View>| Arc::ptr_eq(v, view);
        if !self.views.get(*latest as usize).is_some_and(same) {
            let from = self.views.len().saturating_sub(LATELY);
            let known = self.views[from..].iter().rposition(same).map(|n| from + n);
            *latest = known.unwrap_or(self.views.len()) as u32;
            if known.is_none() {
                self.views.push(view.clone());
            }
        }
        *latest
    }

    /// Whether there is no room for more.
    pub fn full(&self) -> bool {
        self.rows.len() >= AHEAD
    }

    /// The rows.
    pub fn rows(&self) -> Rows<'_> {
        Rows { views: &self.views, at: &self.rows }
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.views.clear();
        self.rows.clear();
    }
}

/// Some of them: for each the number of its view, and its place there.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub views: &'a [Arc<View>],
    pub at: &'a [(u32, u32)],
}

impl<'a> Rows<'a> {
    pub fn len(&self) -> usize {
        self.at.len()
    }
    pub fn row(&self, n: usize) -> Row<'a> {
        let (view, i) = self.at[n];
        self.views[view as usize].row(i as usize)
    }
    pub fn iter(self) -> impl Iterator<Item = Row<'a>> {
        (0..self.at.len()).map(move |n| self.row(n))
    }
    /// The keys of a group of columns in each view of a kind; of other views none.
    pub fn keys(self, kind: Kind, columns: GroupSlot) -> Vec<&'a [Key]> {
        let of = |v: &'a Arc<View>| if v.kind() == kind { v.group_keys(columns) } else { &[] };
        self.views.iter().map(of).collect()
    }
    /// The first rows, of which `first` holds, and the others, of which it does not.
    pub fn split(self, first: impl Fn(Row<'a>) -> bool) -> (Rows<'a>, Rows<'a>) {
        let row = |at: &(u32, u32)| self.views[at.0 as usize].row(at.1 as usize);
        let (one, other) = self.at.split_at(self.at.partition_point(|at| first(row(at))));
        (Rows { at: one, ..self }, Rows { at: other, ..self })
    }
}
