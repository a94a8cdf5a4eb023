//! A detection, bound: bitmaps over a batch for what columns say, then row by row what only derived fields can say.

use super::{Operators, Source};
use crate::derive::Val;
use crate::kernel::{Bitmap, Columns, Test};
use crate::registry::Registry;
use crate::rule::Expr;
use crate::view::{Cite, Row, View};

pub(super) struct Leaf {
    pub source: Source,
    pub test: Test,
    /// The column's bitmap in the view, for leaves over columns.
    pub mask: Option<usize>,
    /// For ordered comparisons: which of the rule's measures it feeds.
    pub measure: Option<usize>,
    /// Whether a match asserts it and earlier rows prove it.
    pub behind: bool,
}

/// A detection, bound.
pub(crate) struct Matcher {
    pub(super) expr: Expr,
    pub(super) leaves: Vec<Leaf>,
    /// The bitmap of rows that may match, whatever the derived fields say.
    pub(super) maybe: usize,
    pub(super) operators: Vec<usize>,
}

impl Matcher {
    fn leaf_mask<'v>(&self, view: &'v View, leaf: &Leaf) -> Option<&'v Bitmap> {
        let (Some(mask), Source::Col(slot)) = (leaf.mask, leaf.source) else { return None };
        Some(view.masks[mask].get_or_init(|| leaf.test.over(view, slot)))
    }

    /// The rows that may match, whatever the derived fields say; computed once a batch.
    pub fn mask<'v>(&self, view: &'v View) -> &'v Bitmap {
        view.masks[self.maybe].get_or_init(|| self.bound(view, &self.expr, true))
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

    /// Whether a row that may match does.
    pub fn matches(&self, row: &Row<'_>, ops: &mut Operators, refs: &Registry) -> bool {
        self.operators.is_empty() || self.holds(&self.expr, row, ops, refs)
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

    /// Adds the earlier rows that prove what the condition asserts of this row.
    pub fn behind(&self, row: &Row<'_>, ops: &mut Operators, refs: &Registry, out: &mut Vec<Cite>) {
        for leaf in self.leaves.iter().filter(|l| l.behind) {
            let Source::Derived { operator, field } = leaf.source else { continue };
            if leaf.test.on(&ops.fields(operator, row, refs)[field], row) {
                ops.cited(operator, field, row, refs, out);
            }
        }
        out.sort_unstable();
        out.dedup();
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
