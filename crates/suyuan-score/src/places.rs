//! A value's place among the training values, 0 to 1, without steps.
//!
//! [`crate::bins`] gives steps, which suit trees. A curve wants neighbouring values at neighbouring places:
//! known places are the mid-ranks of values seen, straight lines lie between them, and what lies outside has
//! the place of the outermost. Ties share one place, so a value that half of the rows have stands for half
//! of the scale.

/// More points than this change nothing on a curve of a few knots.
const MOST_POINTS: usize = 128;

/// The scale of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// Values and their places, both ascending. Empty where the column was always missing.
    pub points: Vec<(f64, f64)>,
}

impl Places {
    /// The scale of the rows named.
    pub fn of(column: &[f64], rows: &[u32]) -> Places {
        let mut values: Vec<f64> = rows.iter().map(|r| column[*r as usize]).filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let mut points: Vec<(f64, f64)> = Vec::new();
        let mut below = 0;
        for same in values.chunk_by(|a, b| a == b) {
            points.push((same[0], (below as f64 + same.len() as f64 / 2.0) / n));
            below += same.len();
        }
        Places { points: thinned(points) }
    }

    /// The place of a value; none where it is missing or nothing is known of the column.
    pub fn place(&self, value: f64) -> Option<f64> {
        let (first, last) = (self.points.first()?, self.points.last()?);
        if value.is_nan() {
            return None;
        }
        let at = self.points.partition_point(|p| p.0 < value);
        if at == 0 {
            return Some(first.1);
        }
        let Some(above) = self.points.get(at) else { return Some(last.1) };
        let under = self.points[at - 1];
        Some(under.1 + (above.1 - under.1) * ((value - under.0) / (above.0 - under.0)))
    }
}

/// The first and the last point, and between them the first at or above each step of the scale.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let mut kept = Vec::with_capacity(MOST_POINTS);
    let last = points.len() - 1;
    for (i, p) in points.iter().enumerate() {
        let step = kept.len() as f64 / (MOST_POINTS - 1) as f64;
        if i == 0 || i == last || p.1 >= step {
            kept.push(*p);
        }
    }
    kept
}
