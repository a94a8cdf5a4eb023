//! What the attribution is asked: columns that touched things, and which of those things were harmed.

/// One candidate source: an account, an account on one device, a collector.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Columns of one level share one spread of honest risk (accounts, account x device, ...).
    pub level: u8,
    /// Distinct things touched in each bin of time, each weighted by how unexplained the touch was.
    pub exposure: Vec<f64>,
    /// The column of which this one is a part (an account's device), so that a part is not held
    /// against the other parts of its own whole.
    pub whole: Option<u32>,
    /// Distinct things touched, each counted as its risk, by stratum, in rising order of stratum.
    pub strata: Vec<(u32, f64)>,
}

/// A group of comparable things: the same outlet, the same city.
#[derive(Clone, Copy, Debug)]
pub struct Stratum {
    /// The wider group it borrows strength from.
    pub region: u32,
    /// All things of the stratum, touched by whomever, each counted as its risk.
    pub things: f64,
}

/// A harmed thing: a card used in fraud, a person impersonated or defrauded.
#[derive(Clone, Copy, Debug)]
pub struct Harmed {
    /// When the harm became known, days since the start of the records.
    pub day: f64,
    /// Its stratum.
    pub stratum: u32,
    /// Its honest risk against the mean of all things: the more a person is dealt with, the likelier
    /// both harm and touches are, without any leak. See [`Risks`].
    pub risk: f64,
    /// Planted by the holder of the data: see [`Harmed::plant`].
    pub canary: bool,
}

impl Harmed {
    /// Makes it a canary: its honest risk is next to nothing, and its harm says nothing of anybody's honest risk.
    pub fn plant(&mut self) {
        self.canary = true;
        self.risk = super::canary::RISK;
    }
}

/// A harmed thing was touched by a column.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// Which column.
    pub column: u32,
    /// Which harmed thing.
    pub harmed: u32,
    /// When, days since the start.
    pub day: f64,
    /// 1 for a touch without a reason; less where a valid work order explains it.
    pub weight: f64,
}

/// How the honest risk runs over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// By calendar: waves of fraud by region and month (persons).
    Calendar,
    /// By the age of the thing since it was touched (cards since their opening), and by calendar.
    Age,
}

/// The whole question.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Candidates.
    pub columns: Vec<Column>,
    /// Groups of things.
    pub strata: Vec<Stratum>,
    /// Harmed things.
    pub harmed: Vec<Harmed>,
    /// Their touches, sorted by column, harmed thing, day.
    pub touches: Vec<Touch>,
    /// Bins of time.
    pub bins: usize,
    /// Length of a bin, days.
    pub bin_days: f64,
    /// Days from the start to the end of the records.
    pub horizon: f64,
    /// How the honest risk runs.
    pub clock: Clock,
}

/// More bins cost time without a finer answer than the evidence bears.
const MAX_BINS: usize = 44;

impl Problem {
    /// Bins for records that span `horizon` days: weeks, or longer where weeks would be too many; of whole days, so that
    /// records which grow by a day keep their bins for a long time.
    pub fn bins_for(horizon: f64) -> (usize, f64) {
        let width = (horizon / MAX_BINS as f64).ceil().max(7.0);
        (((horizon / width).ceil() as usize).max(1), width)
    }

    /// The bin of a day.
    pub fn bin(&self, day: f64) -> usize {
        ((day / self.bin_days).max(0.0) as usize).min(self.bins - 1)
    }

    /// The middle of a bin, days since the start; of the last only what lies within the records.
    pub fn middle(&self, bin: usize) -> f64 {
        let (from, until) = (bin as f64 * self.bin_days, (bin + 1) as f64 * self.bin_days);
        (from + until.min(self.horizon).max(from)) / 2.0
    }

    /// The touches of each column, as ranges into `touches`.
    pub fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut out = vec![0..0; self.columns.len()];
        let mut at = 0;
        while at < self.touches.len() {
            let column = self.touches[at].column as usize;
            let start = at;
            while at < self.touches.len() && self.touches[at].column as usize == column {
                at += 1;
            }
            out[column] = start..at;
        }
        out
    }
}

/// Classes of activity for [`Risks`], as equal in size as ties allow.
const CLASSES: usize = 5;
/// Harmed things that the common rate counts for in each class.
const FEW: f64 = 10.0;

/// The risk of things by how often they were touched by anyone, one being the mean.
#[derive(Clone, Debug)]
pub struct Risks {
    edges: Vec<u32>,
    risks: Vec<f64>,
}

impl Risks {
    /// Fits the risks to how often every thing was touched, and how often the harmed ones were.
    pub fn fit(touched: impl Iterator<Item = u32>, harmed: impl Iterator<Item = u32>) -> Risks {
        let mut often: Vec<u64> = Vec::new();
        for n in touched.map(|n| n as usize) {
            if n >= often.len() {
                often.resize(n + 1, 0);
            }
            often[n] += 1;
        }
        let all: u64 = often.iter().sum();
        let classes = CLASSES as u64;
        let mut edges: Vec<u32> = (1..classes).map(|i| ranked(&often, all * i / classes)).collect();
        edges.dedup();
        let class = |n: u32| edges.partition_point(|e| *e < n);
        let mut counts = vec![(0.0, 0.0); edges.len() + 1];
        for (n, things) in often.iter().enumerate() {
            counts[class(n as u32)].1 += *things as f64;
        }
        harmed.for_each(|n| counts[class(n)].0 += 1.0);
        let all = counts.iter().fold((0.0, 0.0), |a, c| (a.0 + c.0, a.1 + c.1));
        let rate = (all.0 + 0.5) / (all.1 + 1.0);
        let rates: Vec<f64> = counts.iter().map(|(k, n)| (k + FEW) / (n * rate + FEW)).collect();
        let mean: f64 = rates.iter().zip(&counts).map(|(r, c)| r * c.1).sum::<f64>() / all.1.max(1.0);
        Risks { edges, risks: rates.iter().map(|r| r / mean).collect() }
    }

    /// The risk of a thing that was touched so often.
    pub fn of(&self, touched: u32) -> f64 {
        self.risks[self.edges.partition_point(|e| *e < touched)]
    }
}

/// The count of the thing at `rank` when all stand in rising order of how `often` they were touched.
fn ranked(often: &[u64], rank: u64) -> u32 {
    let mut below = 0;
    for (n, things) in often.iter().enumerate() {
        below += things;
        if below > rank {
            return n as u32;
        }
    }
    0
}
