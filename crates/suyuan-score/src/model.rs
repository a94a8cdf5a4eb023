//! A fitted score: trained on labelled rows up to a date, carried as one artefact.
//!
//! **Cross-fitted bag.** The labelled rows are cut into folds, several times over; for each fold a booster
//! is fitted on the other folds, and curves ([`crate::curves`]) beside it. The score is the mean of trees and
//! curves (`blend`), and the values of rows by models that did not see them give calibration ([`Platt`]) and
//! honest figures from the same fits. With a graph every second repeat also sees the neighbours' aggregates
//! (`features`), so that a row without neighbours still has boosters that never relied on any.
//!
//! Invariants: no row later than the date is used, not even as a neighbour; rows of one id are never on both
//! sides of a fold; the bytes depend on rows, options and seed, not on threads.
//! Blind to: labels that came to be known later than their rows; give the time at which the label was known.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_model::time;

use crate::bag::{Bag, FOLDS, REPEATS};
use crate::bins::Bins;
use crate::blend::Blend;
use crate::boost::{Booster, Params};
use crate::calibrate::{Platt, probability};
use crate::curves::{KNOTS, RIDGE};
use crate::drift::Shape;
use crate::error::ScoreError;
use crate::features::{Seen, Shares};
use crate::graph::Graph;
use crate::jobs::in_order;
use crate::metrics;
use crate::table::{Roles, Table};
use crate::unsupervised::{Baseline, Signal, oddness};

/// How to fit.
#[derive(Clone, Debug)]
pub struct Options {
    /// The last instant whose rows may be used, microseconds UTC.
    pub until: Option<i64>,
    /// Seed of folds and boosters.
    pub seed: u64,
    /// Threads; the result does not depend on them.
    pub threads: usize,
    /// The columns' roles, kept in the artefact for later tables.
    pub roles: Roles,
    /// Signals of use: each is a feature, and so is the sum of their surprises (`unsupervised`).
    pub signals: Vec<Signal>,
    /// Ratios of columns that are features as well.
    pub ratios: Vec<Signal>,
    /// How the trees are grown.
    pub params: Params,
}

/// Rows with and without the label at least.
const LEAST: usize = 2 * FOLDS;

impl Default for Options {
    fn default() -> Self {
        let params = Params {
            trees: 300,
            leaves: 12,
            rate: 0.03,
            min_rows: 10,
            lambda: 5.0,
            rows: 1.0,
            features: 0.5,
            random_cuts: true,
        };
        Options {
            until: None,
            seed: 1,
            threads: 1,
            roles: Roles::default(),
            signals: Vec::new(),
            ratios: Vec::new(),
            params,
        }
    }
}

/// What a model says of itself; the readable head of the artefact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Its features, in order.
    pub features: Vec<String>,
    /// Features made of them: signals of use, with the sum of their surprises, and ratios.
    pub signals: Vec<Signal>,
    /// Ratios.
    pub ratios: Vec<Signal>,
    /// The columns' roles.
    pub roles: Roles,
    /// Whether it wants a graph.
    pub graph: bool,
    /// The day up to which rows were used, RFC 3339.
    pub until: Option<String>,
    /// Time of the first and the last row used.
    pub span: Option<(String, String)>,
    /// What was used, and what was not.
    pub rows: Rows,
    /// SHA-256 of the rows fitted: ids, times, labels and values.
    pub rows_sha256: String,
    /// Seed.
    pub seed: u64,
    /// Boosters, curves and their parameters, in words.
    pub boosters: String,
    /// Figures of the cross-fit.
    pub cross_fit: Figures,
    /// How probabilities were calibrated.
    pub calibration: String,
}

impl Head {
    /// Names of a row's own features, made ones after read ones.
    pub(crate) fn own(&self) -> Vec<String> {
        let made = self.signals.iter().chain(&self.ratios).map(|s| s.name.clone());
        let odd = (!self.signals.is_empty()).then(|| ODD.to_owned());
        self.features.iter().cloned().chain(made).chain(odd).collect()
    }
}

/// Rows of the training table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Fitted.
    pub fitted: usize,
    /// Of these with the label.
    pub with_label: usize,
    /// Without a known label; used as neighbours only.
    pub unlabelled: usize,
    /// Left out: later than the date.
    pub later: usize,
    /// Left out: no time.
    pub undated: usize,
}

/// Figures on rows that the boosters did not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Rows.
    pub rows: usize,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Brier score.
    pub brier: f64,
    /// Macro F1 at .5.
    pub macro_f1: f64,
}

impl Figures {
    /// Of probabilities against labels; six decimals.
    pub fn of(p: &[f64], labels: &[bool]) -> Figures {
        let round = |v: f64| (v * 1e6).round() / 1e6;
        Figures {
            rows: p.len(),
            auc: metrics::auc(p, labels).map(round),
            average_precision: metrics::average_precision(p, labels).map(round),
            brier: round(metrics::brier(p, labels)),
            macro_f1: round(metrics::macro_f1(p, labels, 0.5)),
        }
    }
}

/// A fitted score.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What it says of itself.
    pub head: Head,
    pub(crate) baseline: Baseline,
    pub(crate) bins: Bins,
    /// The features' training distributions, and last the raw score's.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) platt: Platt,
    pub(crate) boosters: Vec<Booster>,
    /// The curves beside the trees; none in a model of the first version of the format.
    pub(crate) blend: Option<Blend>,
    /// Digests of labelled ids, ascending, with the label.
    pub(crate) known: Vec<(u64, bool)>,
    /// Digests of fitted rows (id and time), ascending.
    pub(crate) fitted: Vec<u64>,
}

/// The score of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Calibrated probability of the label.
    pub p: f64,
    /// The same in log-odds.
    pub log_odds: f64,
    /// Log-odds of a row of which nothing is known.
    pub base: f64,
    /// What each column adds, in nats; see [`Model::columns`]. They and `base` sum to `log_odds`.
    pub contributions: Vec<f64>,
}

/// Fits a model.
pub fn train(table: &Table, graph: Option<&Graph>, options: &Options) -> Result<Model, ScoreError> {
    let (table, mut rows) = dated(table, options)?;
    let labelled: Vec<u32> =
        (0..table.rows() as u32).filter(|r| table.labels[*r as usize].is_some()).collect();
    let truth: Vec<bool> = labelled.iter().map(|r| table.labels[*r as usize] == Some(true)).collect();
    let yes = truth.iter().filter(|l| **l).count();
    if yes < LEAST || truth.len() - yes < LEAST {
        return Err(ScoreError::TooFew { yes, no: truth.len() - yes, need: LEAST });
    }
    (rows.fitted, rows.with_label, rows.unlabelled) = (truth.len(), yes, table.rows() - truth.len());
    let around = graph.map(|g| g.of(&table)).transpose()?;
    let baseline = Baseline::of(&table.only(&labelled), &options.signals)?;
    let raw_names = table.names.clone();
    let table = widen(&table, &baseline, &options.ratios)?;
    let bag = Bag::new(&table, &labelled, around.as_ref(), yes as f64 / truth.len() as f64, options);
    let fits = bag.boosters();
    let mut trees = vec![0.0; table.rows()];
    for fit in &fits {
        fit.held.iter().for_each(|(r, f)| trees[*r as usize] += f / REPEATS as f64);
    }
    let trees: Vec<f64> = labelled.iter().map(|r| trees[*r as usize]).collect();
    let (blend, raw) = Blend::of(&labelled, &trees, bag.curves(), &truth);
    let platt = Platt::fit(&raw, &truth);
    let p: Vec<f64> = raw.iter().map(|f| probability(platt.log_odds(*f))).collect();
    let fitted = table.only(&labelled);
    let mut shapes: Vec<Shape> = fitted.columns.iter().map(|c| Shape::of(c)).collect();
    shapes.push(Shape::of(&raw));
    let known: BTreeSet<(u64, bool)> =
        fitted.ids.iter().zip(&truth).map(|(id, l)| (digest(id, None), *l)).collect();
    let seen: BTreeSet<u64> = fitted.ids.iter().zip(&fitted.times).map(|(id, t)| digest(id, *t)).collect();
    let span = fitted.times.iter().flatten();
    let head = Head {
        features: raw_names,
        signals: options.signals.clone(),
        ratios: options.ratios.clone(),
        roles: options.roles.clone(),
        graph: around.is_some(),
        until: options.until.map(time::format),
        span: span.clone().min().zip(span.max()).map(|(a, b)| (time::format(*a), time::format(*b))),
        rows,
        rows_sha256: hash_of(&fitted),
        seed: options.seed,
        boosters: format!(
            "{REPEATS} x {FOLDS} {:?}; curves 1 x {FOLDS}, {KNOTS} knots, ridge {RIDGE}",
            options.params
        ),
        cross_fit: Figures::of(&p, &truth),
        calibration: "platt, cross-fitted".to_owned(),
    };
    Ok(Model {
        head,
        baseline,
        bins: bag.bins,
        shapes,
        platt,
        boosters: fits.into_iter().map(|f| f.model).collect(),
        blend: Some(blend),
        known: known.into_iter().collect(),
        fitted: seen.into_iter().collect(),
    })
}

/// The name of the sum of surprises as a feature.
pub(crate) const ODD: &str = "(oddness of use)";

/// The table with signals, the sum of their surprises, and ratios as further columns.
fn widen(table: &Table, baseline: &Baseline, ratios: &[Signal]) -> Result<Table, ScoreError> {
    let mut wide = table.clone();
    for made in [&baseline.signals[..], ratios] {
        wide.columns.extend(oddness(table, made)?);
        wide.names.extend(made.iter().map(|s| s.name.clone()));
    }
    if !baseline.signals.is_empty() {
        wide.columns.push(baseline.score(table)?.iter().map(|o| o.score).collect());
        wide.names.push(ODD.to_owned());
    }
    Ok(wide)
}

/// The rows that may be used, and how many may not.
fn dated(table: &Table, options: &Options) -> Result<(Table, Rows), ScoreError> {
    let mut rows = Rows::default();
    if table.times.iter().all(Option::is_none) && options.roles.time.is_none() {
        return Ok((table.clone(), rows));
    }
    let until = options.until.ok_or(ScoreError::NoDate)?;
    let mut keep = Vec::new();
    for (i, t) in table.times.iter().enumerate() {
        match t {
            None => rows.undated += 1,
            Some(t) if *t > until => rows.later += 1,
            Some(_) => keep.push(i as u32),
        }
    }
    Ok((table.only(&keep), rows))
}

/// Eight bytes of an id's SHA-256, with the row's time where that matters.
pub(crate) fn digest(id: &str, time: Option<i64>) -> u64 {
    let mut h = Sha256::new();
    h.update(id.as_bytes());
    if let Some(t) = time {
        h.update([0]);
        h.update(t.to_le_bytes());
    }
    let bytes: [u8; 32] = h.finalize().into();
    u64::from_le_bytes(bytes[..8].try_into().expect("eight of thirty-two bytes"))
}

fn hash_of(table: &Table) -> String {
    let mut h = Sha256::new();
    for i in 0..table.rows() {
        h.update(table.ids[i].as_bytes());
        h.update([0, u8::from(table.labels[i] == Some(true))]);
        h.update(table.times[i].unwrap_or(i64::MIN).to_le_bytes());
        table.columns.iter().for_each(|c| h.update(c[i].to_le_bytes()));
    }
    hex(&h.finalize())
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Rows that are scored together: as many as keep their columns near while all trees go over them.
const BLOCK: usize = 256;
/// Blocks between two words of how far it is.
const TELL: usize = 32;

impl Model {
    /// Calibrated log-odds of all rows.
    pub fn log_odds(&self, table: &Table, graph: Option<&Graph>) -> Result<Vec<f64>, ScoreError> {
        self.log_odds_on(1, table, graph, &mut |_| {})
    }

    /// The same on so many threads; `told` hears how many rows are done.
    pub fn log_odds_on(
        &self,
        threads: usize,
        table: &Table,
        graph: Option<&Graph>,
        told: &mut dyn FnMut(usize),
    ) -> Result<Vec<f64>, ScoreError> {
        let columns = self.seen(table, graph)?;
        let rows: Vec<usize> = (0..table.rows()).collect();
        let mut out = Vec::with_capacity(rows.len());
        for some in rows.chunks(BLOCK * TELL) {
            let blocks: Vec<&[usize]> = some.chunks(BLOCK).collect();
            let odds = in_order(threads, blocks.len(), |b| self.raw(&columns, blocks[b]));
            out.extend(odds.into_iter().flatten().map(|raw| self.platt.log_odds(raw)));
            told(out.len());
        }
        Ok(out)
    }

    /// Scores of the rows named, with contributions; all rows when none is named.
    pub fn score(
        &self,
        table: &Table,
        graph: Option<&Graph>,
        rows: Option<&[usize]>,
    ) -> Result<Vec<Score>, ScoreError> {
        let columns = self.seen(table, graph)?;
        let all: Vec<usize> = (0..table.rows()).collect();
        Ok(rows.unwrap_or(&all).iter().map(|r| self.one(&columns, *r)).collect())
    }

    /// The values of rows before calibration. Each tree goes over all of them before the next one does, so that it is read once;
    /// for each row the same sums in the same order as if it stood alone.
    fn raw(&self, columns: &[Vec<f64>], rows: &[usize]) -> Vec<f64> {
        let rows: Vec<Vec<f64>> = rows.iter().map(|r| columns.iter().map(|c| c[*r]).collect()).collect();
        let mut sums = vec![0.0; rows.len()];
        for b in &self.boosters {
            let mut odds = vec![b.base; rows.len()];
            for t in &b.trees {
                odds.iter_mut().zip(&rows).for_each(|(sum, row)| *sum += t.value(&|f| row[f as usize]));
            }
            sums.iter_mut().zip(odds).for_each(|(sum, odds)| *sum += odds);
        }
        let one = |(sum, row): (f64, &Vec<f64>)| {
            let trees = sum / self.boosters.len() as f64;
            self.blend.as_ref().map_or(trees, |b| b.log_odds(trees, &|c| row[c]))
        };
        sums.into_iter().zip(&rows).map(one).collect()
    }

    pub(crate) fn one(&self, columns: &[Vec<f64>], row: usize) -> Score {
        let n = self.boosters.len() as f64;
        let of_row: Vec<f64> = columns.iter().map(|c| c[row]).collect();
        let mut contributions = vec![0.0; columns.len()];
        let mut base = 0.0;
        let nat = self.platt.slope * self.blend.as_ref().map_or(1.0, Blend::of_trees) / n;
        let mut room = Vec::new();
        for b in &self.boosters {
            base += b.base + b.trees.iter().map(|t| t.nodes[0].value).sum::<f64>();
            for t in &b.trees {
                t.contribute_in(&|f| of_row[f as usize], nat, &mut contributions, &mut room);
            }
        }
        if let Some(b) = &self.blend {
            let nat = self.platt.slope * b.of_curves();
            for (i, c) in b.curves.curves.iter().enumerate() {
                contributions[i] += nat * c.value(of_row[i]);
            }
        }
        let base = self.blend.as_ref().map_or(base / n, |b| b.base(base / n));
        let log_odds = self.platt.log_odds(self.raw(columns, &[row])[0]);
        Score { p: probability(log_odds), log_odds, base: self.platt.log_odds(base), contributions }
    }

    /// A table that has the model's features in their order, with the features made of them.
    pub(crate) fn widened(&self, table: &Table) -> Result<Table, ScoreError> {
        if let Some(missing) =
            self.head.features.iter().enumerate().find(|(i, f)| table.names.get(*i) != Some(f))
        {
            return Err(ScoreError::NoColumn {
                file: "the table".to_owned(),
                column: missing.1.clone(),
                there: table.names.join(", "),
            });
        }
        widen(table, &self.baseline, &self.head.ratios)
    }

    /// The columns the boosters look at.
    pub(crate) fn seen(&self, table: &Table, graph: Option<&Graph>) -> Result<Vec<Vec<f64>>, ScoreError> {
        let wide = self.widened(table)?;
        if !self.head.graph {
            return Ok(wide.columns);
        }
        let around = graph.ok_or(ScoreError::NoGraph)?.of(table)?;
        let mut columns = Seen::of(&wide, &self.bins, Some(&around)).columns;
        let prior = self.head.rows.with_label as f64 / self.head.rows.fitted as f64;
        let ids = table.ids.iter().chain(&around.beyond);
        let labels: Vec<Option<bool>> = ids.map(|id| self.label(id)).collect();
        columns.push(Shares { around: &around, prior }.all(|j| labels[j as usize]));
        Ok(columns)
    }

    /// The label by which the model knows an id.
    fn label(&self, id: &str) -> Option<bool> {
        let d = digest(id, None);
        let at = self.known.partition_point(|(k, _)| *k < d);
        // An id that carried the label in any of its rows carries it.
        self.known[at..].iter().take_while(|(k, _)| *k == d).map(|(_, l)| *l).max()
    }

    /// Whether a row was fitted.
    pub fn has_seen(&self, id: &str, time: Option<i64>) -> bool {
        self.fitted.binary_search(&digest(id, time)).is_ok()
    }

    /// Names of a row's own features, made ones after read ones.
    pub(crate) fn own(&self) -> Vec<String> {
        self.head.own()
    }

    /// Number of columns that boosters see.
    pub(crate) fn width(&self) -> usize {
        let own = self.own().len();
        if self.head.graph { Seen::width(own) } else { own }
    }
}
