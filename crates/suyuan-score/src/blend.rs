//! Trees and curves together: each calibrated on rows that it did not see, then the mean of both in log-odds.
//!
//! Equal shares, not fitted ones: shares fitted to the same rows were no better on the splits tried.

use crate::bag::Fit;
use crate::calibrate::Platt;
use crate::curves::Curves;

/// What part of the log-odds comes from the trees; the rest from the curves.
const TREES: f64 = 0.5;

/// How the trees' log-odds and the curves become one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend {
    /// Calibration of the trees.
    pub(crate) trees: Platt,
    /// The curves, calibrated.
    pub(crate) curves: Curves,
}

impl Blend {
    /// From what rows were given by models that did not see them; gives their joint values as well.
    /// `labelled`, `trees` and `truth` go together.
    pub(crate) fn of(
        labelled: &[u32],
        trees: &[f64],
        curves: Vec<Fit<Curves>>,
        truth: &[bool],
    ) -> (Blend, Vec<f64>) {
        let mut held: Vec<(u32, f64)> = curves.iter().flat_map(|f| f.held.iter().copied()).collect();
        held.sort_unstable_by_key(|h| h.0);
        debug_assert!(held.iter().map(|h| h.0).eq(labelled.iter().copied()));
        let values: Vec<f64> = held.iter().map(|h| h.1).collect();
        let (of_trees, of_curves) = (Platt::fit(trees, truth), Platt::fit(&values, truth));
        let joint = trees.iter().zip(&values);
        let joint = joint.map(|(t, c)| mix(of_trees.log_odds(*t), of_curves.log_odds(*c))).collect();
        let all: Vec<Curves> = curves.into_iter().map(|f| f.model).collect();
        (Blend { trees: of_trees, curves: Curves::mean(&all).calibrated(of_curves) }, joint)
    }

    /// The joint log-odds of the trees' value and a row's columns.
    pub(crate) fn log_odds(&self, trees: f64, column: &impl Fn(usize) -> f64) -> f64 {
        mix(self.trees.log_odds(trees), self.curves.log_odds(column))
    }

    /// The joint log-odds of a row of which nothing is known.
    pub(crate) fn base(&self, trees: f64) -> f64 {
        mix(self.trees.log_odds(trees), self.curves.base)
    }

    /// How much of the joint value one nat of the trees is.
    pub(crate) fn of_trees(&self) -> f64 {
        TREES * self.trees.slope
    }

    /// How much of the joint value one nat of the curves is.
    pub(crate) fn of_curves(&self) -> f64 {
        1.0 - TREES
    }
}

fn mix(trees: f64, curves: f64) -> f64 {
    TREES * trees + (1.0 - TREES) * curves
}
