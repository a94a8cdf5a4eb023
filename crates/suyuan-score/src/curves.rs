//! A sum of curves: logistic regression in which every column has a curve of its own.
//!
//! Each curve is a broken line over the value's place among the training values ([`crate::places`]), with
//! [`KNOTS`] knots and a height of its own for a missing value; heights are held small by a ridge term and
//! fitted by Newton's method (a generalised additive model; Hastie and Tibshirani 1990). It errs elsewhere than
//! trees do: what rises smoothly it follows with few numbers, and it knows no interplay of columns. So the
//! mean of both is better than either.
//!
//! Invariants: the curves' values and the base sum to the log-odds; over the training rows each curve has
//! mean 0; a column that was never missing adds nothing where it is missing.

use crate::calibrate::{Platt, probability};
use crate::cholesky::Lower;
use crate::places::Places;

/// Knots of a curve, evenly spread over the places. Picked with [`RIDGE`]; see docs/evaluation.md.
pub const KNOTS: usize = 4;
/// Ridge term on the heights, in rows.
pub const RIDGE: f64 = 8.0;
/// Ridge term on the base: only so that it is never free.
const RIDGE_BASE: f64 = 1e-6;
/// Newton steps at most; about seven suffice.
const STEPS: usize = 50;
/// Heights of a column: its knots and one for a missing value.
const EACH: usize = KNOTS + 1;

/// One column's curve, in log-odds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// From values to places.
    pub places: Places,
    /// Heights at the knots.
    pub heights: [f64; KNOTS],
    /// What a missing value adds.
    pub missing: f64,
}

/// A sum of curves; its value is in log-odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The mean over the training rows.
    pub base: f64,
    /// The columns' curves.
    pub curves: Vec<Curve>,
}

/// Which heights a value uses, and how much of each.
type Hats = [(usize, f64); 2];

fn hats(places: &Places, value: f64) -> Hats {
    match places.place(value) {
        None => [(KNOTS, 1.0), (KNOTS, 0.0)],
        Some(place) => {
            let t = place * (KNOTS - 1) as f64;
            let i = (t as usize).min(KNOTS - 2);
            [(i, 1.0 - (t - i as f64)), (i + 1, t - i as f64)]
        }
    }
}

impl Curve {
    /// What the column adds with this value.
    pub fn value(&self, value: f64) -> f64 {
        let height = |i: usize| self.heights.get(i).copied().unwrap_or(self.missing);
        hats(&self.places, value).iter().map(|(i, share)| share * height(*i)).sum()
    }
}

impl Curves {
    /// Log-odds of one row, given by a look-up of its columns.
    pub fn log_odds(&self, column: &impl Fn(usize) -> f64) -> f64 {
        self.curves.iter().enumerate().fold(self.base, |sum, (i, c)| sum + c.value(column(i)))
    }

    /// The mean of several sums of curves over the same places.
    pub fn mean(all: &[Curves]) -> Curves {
        let n = all.len() as f64;
        let mut mean = all[0].clone();
        let over = |of: &dyn Fn(&Curves) -> f64| all.iter().map(of).sum::<f64>() / n;
        mean.base = over(&|c| c.base);
        for (i, curve) in mean.curves.iter_mut().enumerate() {
            curve.missing = over(&|c| c.curves[i].missing);
            for (k, h) in curve.heights.iter_mut().enumerate() {
                *h = over(&|c| c.curves[i].heights[k]);
            }
        }
        mean
    }

    /// The same on the scale of a calibration.
    pub fn calibrated(mut self, platt: Platt) -> Curves {
        self.base = platt.log_odds(self.base);
        for c in &mut self.curves {
            c.missing *= platt.slope;
            c.heights.iter_mut().for_each(|h| *h *= platt.slope);
        }
        self
    }

    /// Fits the rows `train`; `places` are the columns' scales.
    pub fn fit(columns: &[Vec<f64>], places: &[Places], labels: &[f64], train: &[u32]) -> Curves {
        let rows = Design::of(columns, places, train);
        let truth: Vec<f64> = train.iter().map(|r| labels[*r as usize]).collect();
        let weights = rows.newton(&truth);
        let mut sum = Curves { base: weights[0], curves: Vec::with_capacity(columns.len()) };
        for (i, (column, places)) in columns.iter().zip(places).enumerate() {
            let w = &weights[1 + i * EACH..1 + (i + 1) * EACH];
            let heights = std::array::from_fn(|k| w[k]);
            let mut curve = Curve { places: places.clone(), heights, missing: w[KNOTS] };
            let values = || train.iter().map(|r| column[*r as usize]);
            let mean = values().map(|v| curve.value(v)).sum::<f64>() / train.len().max(1) as f64;
            curve.heights.iter_mut().for_each(|h| *h -= mean);
            curve.missing = if values().any(f64::is_nan) { curve.missing - mean } else { 0.0 };
            sum.base += mean;
            sum.curves.push(curve);
        }
        sum
    }
}

/// The rows as few entries each: the base, then what [`hats`] says of each column.
struct Design {
    width: usize,
    rows: Vec<Vec<(u32, f64)>>,
}

impl Design {
    fn of(columns: &[Vec<f64>], places: &[Places], train: &[u32]) -> Design {
        let row = |r: &u32| {
            let mut row = vec![(0, 1.0)];
            for (i, (column, places)) in columns.iter().zip(places).enumerate() {
                let of_column = hats(places, column[*r as usize]);
                let used = of_column.iter().filter(|(_, share)| *share > 0.0);
                row.extend(used.map(|(k, share)| ((1 + i * EACH + k) as u32, *share)));
            }
            row
        };
        Design { width: 1 + columns.len() * EACH, rows: train.iter().map(row).collect() }
    }

    fn ridge(weight: usize) -> f64 {
        if weight == 0 { RIDGE_BASE } else { RIDGE }
    }

    fn log_odds(&self, weights: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| row.iter().map(|(i, v)| weights[*i as usize] * v).sum()).collect()
    }

    fn loss(&self, weights: &[f64], truth: &[f64]) -> f64 {
        let odds = self.log_odds(weights);
        // ln(1 + e^z) - t z, without overflow.
        let rows = odds.iter().zip(truth).map(|(z, t)| z.max(0.0) + (-z.abs()).exp().ln_1p() - t * z);
        let held = weights.iter().enumerate().map(|(i, w)| 0.5 * Self::ridge(i) * w * w);
        rows.sum::<f64>() + held.sum::<f64>()
    }

    /// Newton's steps from zero, each halved until the loss falls.
    fn newton(&self, truth: &[f64]) -> Vec<f64> {
        let mut at = vec![0.0; self.width];
        let mut now = self.loss(&at, truth);
        for _ in 0..STEPS {
            let (slope, bend) = self.slopes(&at, truth);
            // The ridge keeps the matrix definite; without an answer the best so far stays.
            let Some(step) = bend.solve(&slope) else { break };
            let mut share = 1.0;
            let next = loop {
                let to: Vec<f64> = at.iter().zip(&step).map(|(w, s)| w - share * s).collect();
                let then = self.loss(&to, truth);
                if then <= now || share < 1e-6 {
                    break (to, then);
                }
                share /= 2.0;
            };
            let gained = now - next.1;
            if !next.1.is_finite() || gained < 0.0 {
                break;
            }
            (at, now) = next;
            if gained < 1e-7 {
                break;
            }
        }
        at
    }

    fn slopes(&self, weights: &[f64], truth: &[f64]) -> (Vec<f64>, Lower) {
        let mut slope: Vec<f64> = weights.iter().enumerate().map(|(i, w)| Self::ridge(i) * w).collect();
        let mut bend = Lower::zero(self.width);
        (0..self.width).for_each(|i| bend.add(i, i, Self::ridge(i)));
        for ((row, z), t) in self.rows.iter().zip(self.log_odds(weights)).zip(truth) {
            let p = probability(z);
            let (off, weight) = (p - t, p * (1.0 - p));
            for (at, (i, v)) in row.iter().enumerate() {
                slope[*i as usize] += off * v;
                let wv = weight * v;
                // Entries ascend, so these lie in the lower half.
                row[..=at].iter().for_each(|(j, u)| bend.add(*i as usize, *j as usize, wv * u));
            }
        }
        (slope, bend)
    }
}
