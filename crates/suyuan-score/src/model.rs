//! A fitted score: trained on labelled rows up to a date, carried as one artefact.
//!
//! **Cross-fitted bag.** The labelled rows are cut into folds, several times over; for each fold a booster
//! is fitted on the other folds. The score is the mean of all boosters' log-odds, and the values of rows by
//! boosters that did not see them give calibration ([`Platt`]) and honest figures from the same fits. With a
//! graph every second repeat also sees the neighbours' aggregates (`features`), so that a row without
//! neighbours still has boosters that never relied on any.
//!
//! Invariants: no row later than the date is used, not even as a neighbour; rows of one id are never on both
//! sides of a fold; the bytes depend on rows, options and seed, not on threads.
//! Blind to: labels that came to be known later than their rows; give the time at which the label was known.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use suyuan_model::time;

use crate::bins::Bins;
use crate::boost::{Booster, Params};
use crate::calibrate::{Platt, probability};
use crate::drift::Shape;
use crate::error::ScoreError;
use crate::features::{Seen, Shares};
use crate::graph::{Graph, Neighbours};
use crate::metrics;
use crate::rng::Rng;
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

/// Parts of a cross-fit.
const FOLDS: usize = 5;
/// Repeats of the cross-fit: twenty boosters in all.
const REPEATS: usize = 4;
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
    /// Boosters and their parameters, in words.
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
    let fits = bag.fit();
    let mut raw = vec![0.0; table.rows()];
    for fit in &fits {
        fit.held.iter().for_each(|(r, f)| raw[*r as usize] += f / REPEATS as f64);
    }
    let raw: Vec<f64> = labelled.iter().map(|r| raw[*r as usize]).collect();
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
        boosters: format!("{} x {FOLDS} {:?}", REPEATS, options.params),
        cross_fit: Figures::of(&p, &truth),
        calibration: "platt, cross-fitted".to_owned(),
    };
    Ok(Model {
        head,
        baseline,
        bins: bag.bins,
        shapes,
        platt,
        boosters: fits.into_iter().map(|f| f.booster).collect(),
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

/// What one fit needs to know.
struct Bag<'a> {
    table: &'a Table,
    labelled: &'a [u32],
    around: Option<&'a Neighbours>,
    prior: f64,
    options: &'a Options,
    labels: Vec<f64>,
    bins: Bins,
    seen: Seen,
    /// Bins and codes of all columns but the label share.
    all_bins: Bins,
    codes: Vec<Vec<u8>>,
}

/// A booster and its values for the rows that it did not see.
struct Fit {
    booster: Booster,
    held: Vec<(u32, f64)>,
}

impl<'a> Bag<'a> {
    fn new(
        table: &'a Table,
        labelled: &'a [u32],
        around: Option<&'a Neighbours>,
        prior: f64,
        options: &'a Options,
    ) -> Bag<'a> {
        let bins = Bins::of(&table.columns, labelled);
        let seen = Seen::of(table, &bins, around);
        let all_bins = Bins::of(&seen.columns, labelled);
        let codes = all_bins.encode(&seen.columns);
        let labels = table.labels.iter().map(|l| f64::from(u8::from(*l == Some(true)))).collect();
        Bag { table, labelled, around, prior, options, labels, bins, seen, all_bins, codes }
    }

    /// All boosters, in order of repeat and fold, grown by several threads.
    fn fit(&self) -> Vec<Fit> {
        let parts: Vec<Vec<u32>> = (0..REPEATS).map(|r| self.parts(r as u64)).collect();
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Option<Fit>>> = Mutex::new((0..REPEATS * FOLDS).map(|_| None).collect());
        let work = || loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= REPEATS * FOLDS {
                break;
            }
            let fit = self.one(job / FOLDS, (job % FOLDS) as u32, &parts[job / FOLDS]);
            done.lock().expect("a fitting thread does not panic")[job] = Some(fit);
        };
        std::thread::scope(|s| {
            for _ in 1..self.options.threads.max(1) {
                s.spawn(work);
            }
            work();
        });
        let done = done.into_inner().expect("a fitting thread does not panic");
        done.into_iter().map(|f| f.expect("every job was done")).collect()
    }

    /// The part of each labelled row: stratified, rows of one id together.
    fn parts(&self, repeat: u64) -> Vec<u32> {
        let mut groups: Vec<(&str, bool)> = Vec::new();
        let mut order: Vec<u32> = self.labelled.to_vec();
        order.sort_by(|a, b| self.table.ids[*a as usize].cmp(&self.table.ids[*b as usize]).then(a.cmp(b)));
        for r in &order {
            let (id, label) =
                (self.table.ids[*r as usize].as_str(), self.table.labels[*r as usize] == Some(true));
            match groups.last_mut() {
                Some((last, any)) if *last == id => *any |= label,
                _ => groups.push((id, label)),
            }
        }
        let mut rng = Rng::new(self.options.seed, 1_000 + repeat);
        rng.shuffle(&mut groups);
        groups.sort_by_key(|g| g.1);
        let mut of: Vec<(&str, u32)> =
            groups.iter().enumerate().map(|(i, g)| (g.0, (i % FOLDS) as u32)).collect();
        of.sort_unstable();
        let part = |r: &u32| {
            let id = self.table.ids[*r as usize].as_str();
            of[of.binary_search_by(|g| g.0.cmp(id)).expect("every labelled id has a group")].1
        };
        self.labelled.iter().map(part).collect()
    }

    fn one(&self, repeat: usize, fold: u32, parts: &[u32]) -> Fit {
        let (mut fit, mut held) = (Vec::new(), Vec::new());
        for (r, part) in self.labelled.iter().zip(parts) {
            if *part == fold { held.push(*r) } else { fit.push(*r) }
        }
        let seed = self.options.seed.wrapping_mul(1_000_003) + (repeat * FOLDS) as u64 + u64::from(fold);
        let p = &self.options.params;
        let (booster, share) = match self.around.filter(|_| repeat % 2 == 1) {
            None => {
                let own = self.seen.own;
                (Booster::fit(&self.codes[..own], &self.all_bins, &self.labels, &fit, p, seed), Vec::new())
            }
            Some(around) => {
                let share = self.share(around, fold, parts);
                let mut codes = self.codes.clone();
                let mut bins = self.all_bins.clone();
                let one = Bins::of(std::slice::from_ref(&share), &fit);
                codes.extend(one.encode(std::slice::from_ref(&share)));
                bins.cuts.extend(one.cuts);
                (Booster::fit(&codes, &bins, &self.labels, &fit, p, seed), share)
            }
        };
        let column = |f: u32| self.seen.columns.get(f as usize).unwrap_or(&share);
        let value = |r: u32| booster.log_odds(&|f| column(f)[r as usize]);
        let held = held.into_iter().map(|r| (r, value(r))).collect();
        Fit { booster, held }
    }

    /// Neighbours' label shares: rows fitted see the labels of other parts, rows held back those of all
    /// rows fitted, and nobody those of rows held back.
    fn share(&self, around: &Neighbours, fold: u32, parts: &[u32]) -> Vec<f64> {
        const HELD: u32 = u32::MAX;
        let mut part = vec![None; self.table.rows()];
        for (r, p) in self.labelled.iter().zip(parts) {
            part[*r as usize] = Some(if *p == fold { HELD } else { *p });
        }
        let shares = Shares { around, prior: self.prior };
        shares.apart(&self.table.labels, &part, |j| part[j as usize] == Some(HELD))
    }
}

impl Model {
    /// Calibrated log-odds of all rows.
    pub fn log_odds(&self, table: &Table, graph: Option<&Graph>) -> Result<Vec<f64>, ScoreError> {
        let columns = self.seen(table, graph)?;
        Ok((0..table.rows()).map(|r| self.platt.log_odds(self.raw(&columns, r))).collect())
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

    fn raw(&self, columns: &[Vec<f64>], row: usize) -> f64 {
        let sum: f64 = self.boosters.iter().map(|b| b.log_odds(&|f| columns[f as usize][row])).sum();
        sum / self.boosters.len() as f64
    }

    pub(crate) fn one(&self, columns: &[Vec<f64>], row: usize) -> Score {
        let n = self.boosters.len() as f64;
        let mut contributions = vec![0.0; columns.len()];
        let mut base = 0.0;
        for b in &self.boosters {
            base += b.base + b.trees.iter().map(|t| t.nodes[0].value).sum::<f64>();
            for t in &b.trees {
                t.contribute(&|f| columns[f as usize][row], self.platt.slope / n, &mut contributions);
            }
        }
        let log_odds = self.platt.log_odds(self.raw(columns, row));
        Score { p: probability(log_odds), log_odds, base: self.platt.log_odds(base / n), contributions }
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
