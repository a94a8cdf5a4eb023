//! What the boosters see of a row: its own features, and with a graph what its neighbours are like.
//!
//! Neighbours' aggregates are means of the neighbours' places among the training rows (0 to 1, so that one
//! giant does not drown the others), the number of neighbours, and the share of neighbours known to carry
//! the label.
//! Invariant: the label share of a row never uses its own label, nor the label of a row that is held back
//! with it; see [`Shares`]. In a clique "all labels but mine" would tell mine, so folds are used, not
//! leaving one out.

use crate::bins::Bins;
use crate::graph::Neighbours;
use crate::table::Table;

/// The columns that boosters see.
pub(crate) struct Seen {
    /// Own features, then the neighbours' means, their number, and last the label share.
    pub(crate) columns: Vec<Vec<f64>>,
    /// How many of them are the row's own.
    pub(crate) own: usize,
}

impl Seen {
    /// All columns but the label share, which differs from booster to booster while training.
    pub(crate) fn of(table: &Table, bins: &Bins, around: Option<&Neighbours>) -> Seen {
        let own = table.columns.len();
        let mut columns = table.columns.clone();
        if let Some(around) = around {
            for (i, c) in table.columns.iter().enumerate() {
                let places: Vec<f64> = c.iter().map(|v| bins.place(i, *v)).collect();
                columns.push(around.mean(&places));
            }
            columns.push(around.lists.iter().map(|l| l.len() as f64).collect());
        }
        Seen { columns, own }
    }

    /// Number of columns with a graph: own, means, degree, label share.
    pub(crate) fn width(own: usize) -> usize {
        2 * own + 2
    }
}

/// Label shares of neighbours, for all rows.
pub(crate) struct Shares<'a> {
    pub(crate) around: &'a Neighbours,
    /// Share of labelled rows with the label.
    pub(crate) prior: f64,
}

impl Shares<'_> {
    /// For training: `part` gives a labelled row's part, rows without one get `None`. A row sees labels of
    /// neighbours in other parts only; `held` names a part whose labels nobody sees.
    pub(crate) fn apart(
        &self,
        labels: &[Option<bool>],
        part: &[Option<u32>],
        held: impl Fn(u32) -> bool,
    ) -> Vec<f64> {
        let known = |row: usize, j: u32| {
            let (label, theirs) = (*labels.get(j as usize)?, part[j as usize]?);
            if held(j) || part[row] == Some(theirs) { None } else { label }
        };
        (0..self.around.lists.len()).map(|r| self.around.rate(r, self.prior, |j| known(r, j))).collect()
    }

    /// For scoring: all labels that the model knows.
    pub(crate) fn all(&self, known: impl Fn(u32) -> Option<bool>) -> Vec<f64> {
        (0..self.around.lists.len()).map(|r| self.around.rate(r, self.prior, &known)).collect()
    }
}
