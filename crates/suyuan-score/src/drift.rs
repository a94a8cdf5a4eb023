//! Whether the rows scored today still look like the rows the model was fitted on.
//!
//! Population stability index over ten quantile bins and one for missing values:
//! `sum (p - q) ln(p / q)`. By habit of credit scoring below 0.10 is stable and above 0.25 drifted. Small
//! tables scatter: with no drift at all the index is about `(bins - 1)(1/n + 1/m)`, so a verdict also wants
//! the index above three times that.
//! Blind to: changes in how features hang together while each stays as it was.

use std::cmp::Ordering;

/// A feature's training distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Ascending inner edges of the bins.
    pub edges: Vec<f64>,
    /// Training rows in each bin; the last counts missing values.
    pub counts: Vec<u64>,
}

/// The verdict on one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As in training.
    Stable,
    /// Moved; look at it.
    Shifted,
    /// No longer what the model learnt from: fit again.
    Drifted,
}

/// Bins beside the one for missing values.
const BINS: usize = 10;

impl Shape {
    /// The shape of training values.
    pub fn of(values: &[f64]) -> Shape {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = Vec::new();
        for i in 1..BINS {
            let Some(v) = sorted.get(i * sorted.len() / BINS) else { break };
            if edges.last().is_none_or(|e| e.total_cmp(v) == Ordering::Less) {
                edges.push(*v);
            }
        }
        let mut shape = Shape { counts: vec![0; edges.len() + 2], edges };
        shape.counts = shape.count(values);
        shape
    }

    fn count(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.edges.len() + 2];
        for v in values {
            let bin = if v.is_nan() { self.edges.len() + 1 } else { self.edges.partition_point(|e| e < v) };
            counts[bin] += 1;
        }
        counts
    }

    /// The index of other values against this shape, and what it means.
    pub fn psi(&self, values: &[f64]) -> (f64, Verdict) {
        let now = self.count(values);
        let used: Vec<(f64, f64)> = self
            .counts
            .iter()
            .zip(&now)
            .filter(|(a, b)| **a + **b > 0)
            .map(|(a, b)| (*a as f64 + 0.5, *b as f64 + 0.5))
            .collect();
        let (n, m) = used.iter().fold((0.0, 0.0), |(n, m), (a, b)| (n + a, m + b));
        let psi: f64 = used.iter().map(|(a, b)| (a / n - b / m) * ((a / n) / (b / m)).ln()).sum();
        let chance = (used.len() as f64 - 1.0) * (1.0 / n + 1.0 / m);
        let verdict = match psi {
            _ if values.is_empty() || psi < 3.0 * chance => Verdict::Stable,
            p if p > 0.25 => Verdict::Drifted,
            p if p > 0.10 => Verdict::Shifted,
            _ => Verdict::Stable,
        };
        (psi, verdict)
    }
}
