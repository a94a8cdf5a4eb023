//! Features as small codes: each column is cut at quantiles of the training rows.
//!
//! Code 0 says that the value is missing; code `b` holds values above cut `b - 2` up to and with cut
//! `b - 1`. The cuts stand half-way between neighbouring values, so a threshold never equals a value seen.

/// More codes than this gain nothing on tables of this kind, and a code must fit a byte.
const MOST_CUTS: usize = 63;

/// The cuts of every column.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Ascending cuts of each column.
    pub cuts: Vec<Vec<f64>>,
}

impl Bins {
    /// Cuts for columns; `rows` names the rows that may be looked at.
    pub fn of(columns: &[Vec<f64>], rows: &[u32]) -> Bins {
        Bins { cuts: columns.iter().map(|c| cuts(c, rows)).collect() }
    }

    /// The code of one value.
    pub fn code(&self, column: usize, value: f64) -> u8 {
        if value.is_nan() {
            return 0;
        }
        // INVARIANT: at most 253 cuts, so the code is at most 254.
        (1 + self.cuts[column].partition_point(|c| *c < value)) as u8
    }

    /// How many codes a column has, the missing one included.
    pub fn codes(&self, column: usize) -> usize {
        self.cuts[column].len() + 2
    }

    /// A value's place among the training values, 0 to 1; NaN stays NaN.
    pub fn place(&self, column: usize, value: f64) -> f64 {
        match self.code(column, value) {
            0 => f64::NAN,
            b => (f64::from(b) - 0.5) / (self.codes(column) - 1) as f64,
        }
    }

    /// All columns as codes.
    pub fn encode(&self, columns: &[Vec<f64>]) -> Vec<Vec<u8>> {
        columns.iter().enumerate().map(|(i, c)| c.iter().map(|v| self.code(i, *v)).collect()).collect()
    }
}

fn cuts(column: &[f64], rows: &[u32]) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|r| column[*r as usize]).filter(|v| !v.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for v in values.iter().copied() {
        match distinct.last_mut() {
            Some((last, n)) if *last == v => *n += 1,
            _ => distinct.push((v, 1)),
        }
    }
    let step = (values.len() as f64 / (MOST_CUTS + 1) as f64).max(1.0);
    let (mut seen, mut next) = (0.0, if distinct.len() <= MOST_CUTS + 1 { 0.0 } else { step });
    let mut cuts = Vec::new();
    for pair in distinct.windows(2) {
        seen += pair[0].1 as f64;
        if seen >= next && cuts.len() < MOST_CUTS {
            cuts.push(pair[0].0 + (pair[1].0 - pair[0].0) / 2.0);
            if next > 0.0 {
                next = seen + step;
            }
        }
    }
    cuts
}
