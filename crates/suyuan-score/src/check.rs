//! `model check`: does the score still hold on another table, and is that table still what it knows?
//!
//! Figures count only rows that the model was not fitted on; rows it knows are counted and left out.

use serde::Serialize;

use crate::calibrate::probability;
use crate::drift::Verdict;
use crate::error::ScoreError;
use crate::graph::Graph;
use crate::metrics::wilson;
use crate::model::{Figures, Model};
use crate::table::Table;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// SHA-256 of the model.
    pub model: String,
    /// Rows scored.
    pub rows: usize,
    /// Of these known from fitting.
    pub fitted: usize,
    /// Rows with a known label that were not fitted, earlier than or at the model's date.
    pub not_later: usize,
    /// Figures on rows with a known label that were not fitted.
    pub figures: Option<Figures>,
    /// Said against found, on the same rows.
    pub calibration: Vec<Bin>,
    /// Each feature against its training distribution, most moved first; the score itself is `(score)`.
    pub drift: Vec<Drift>,
    /// The worst verdict.
    pub verdict: Verdict,
}

/// A bin of the calibration table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Least and greatest probability of the bin.
    pub from: f64,
    /// Greatest probability of the bin.
    pub to: f64,
    /// Rows.
    pub rows: usize,
    /// Mean probability said.
    pub said: f64,
    /// Share found.
    pub found: f64,
    /// Its 95 % interval (Wilson).
    pub low: f64,
    /// Its 95 % interval (Wilson).
    pub high: f64,
}

/// A feature against its training distribution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// The feature.
    pub feature: String,
    /// Population stability index.
    pub psi: f64,
    /// What it means.
    pub verdict: Verdict,
}

/// Bins of the calibration table, of equally many rows.
const BINS: usize = 10;

impl Model {
    /// Checks the model on a table; returns the log-odds of its rows as well.
    pub fn check(&self, table: &Table, graph: Option<&Graph>) -> Result<(Check, Vec<f64>), ScoreError> {
        self.check_on(1, table, graph, &mut |_| {})
    }

    /// The same on so many threads; `told` hears how many rows are done.
    pub fn check_on(
        &self,
        threads: usize,
        table: &Table,
        graph: Option<&Graph>,
        told: &mut dyn FnMut(usize),
    ) -> Result<(Check, Vec<f64>), ScoreError> {
        let odds = self.log_odds_on(threads, table, graph, told)?;
        let seen: Vec<bool> =
            table.ids.iter().zip(&table.times).map(|(id, t)| self.has_seen(id, *t)).collect();
        let judged: Vec<usize> =
            (0..table.rows()).filter(|r| !seen[*r] && table.labels[*r].is_some()).collect();
        let p: Vec<f64> = judged.iter().map(|r| probability(odds[*r])).collect();
        let labels: Vec<bool> = judged.iter().map(|r| table.labels[*r] == Some(true)).collect();
        let until = self.head.until.as_deref().and_then(suyuan_model::time::parse);
        let early = |r: &&usize| table.times[**r].zip(until).is_some_and(|(t, u)| t <= u);
        let drift = self.drift(&self.widened(table)?, &odds);
        Ok((
            Check {
                model: self.hash(),
                rows: table.rows(),
                fitted: seen.iter().filter(|s| **s).count(),
                not_later: judged.iter().filter(early).count(),
                figures: (!p.is_empty()).then(|| Figures::of(&p, &labels)),
                calibration: calibration(&p, &labels),
                verdict: drift.iter().map(|d| d.verdict).max().unwrap_or(Verdict::Stable),
                drift,
            },
            odds,
        ))
    }

    fn drift(&self, wide: &Table, odds: &[f64]) -> Vec<Drift> {
        let raw: Vec<f64> = odds.iter().map(|z| (z - self.platt.offset) / self.platt.slope).collect();
        let own = self.own();
        let names = own.iter().map(String::as_str).chain(["(score)"]);
        let columns = wide.columns.iter().chain([&raw]);
        let mut drift: Vec<Drift> = names
            .zip(columns.zip(&self.shapes))
            .map(|(name, (values, shape))| {
                let (psi, verdict) = shape.psi(values);
                Drift { feature: name.to_owned(), psi, verdict }
            })
            .collect();
        drift.sort_by(|a, b| b.psi.total_cmp(&a.psi).then_with(|| a.feature.cmp(&b.feature)));
        drift
    }
}

fn calibration(p: &[f64], labels: &[bool]) -> Vec<Bin> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]).then(a.cmp(b)));
    let cut = |b: usize| b * order.len() / BINS;
    let bins = (0..BINS).map(|b| &order[cut(b)..cut(b + 1)]).filter(|rows| !rows.is_empty());
    bins.map(|rows| {
        let yes = rows.iter().filter(|r| labels[**r]).count();
        let (low, high) = wilson(yes, rows.len());
        let n = rows.len() as f64;
        Bin {
            from: p[rows[0]],
            to: p[rows[rows.len() - 1]],
            rows: rows.len(),
            said: rows.iter().map(|r| p[*r]).sum::<f64>() / n,
            found: yes as f64 / n,
            low,
            high,
        }
    })
    .collect()
}
