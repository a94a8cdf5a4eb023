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
    /// Distinct things touched, by their stratum, in rising order of stratum.
    pub strata: Vec<(u32, f64)>,
}

/// A group of comparable things: the same outlet, the same city.
#[derive(Clone, Copy, Debug)]
pub struct Stratum {
    /// The wider group it borrows strength from.
    pub region: u32,
    /// All things of the stratum, touched by whomever.
    pub things: f64,
}

/// A harmed thing: a card used in fraud, a person impersonated or defrauded.
#[derive(Clone, Copy, Debug)]
pub struct Harmed {
    /// When the harm became known, days since the start of the records.
    pub day: f64,
    /// Its stratum.
    pub stratum: u32,
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
    /// Bins for records that span `horizon` days: weeks, or longer where weeks would be too many.
    pub fn bins_for(horizon: f64) -> (usize, f64) {
        let width = (horizon / MAX_BINS as f64).max(7.0);
        (((horizon / width).ceil() as usize).max(1), width)
    }

    /// The common rate of harm.
    pub fn strata_rate(&self) -> f64 {
        let things: f64 = self.strata.iter().map(|s| s.things).sum();
        self.harmed.len() as f64 / things.max(1.0)
    }

    /// The bin of a day.
    pub fn bin(&self, day: f64) -> usize {
        ((day / self.bin_days).max(0.0) as usize).min(self.bins - 1)
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
