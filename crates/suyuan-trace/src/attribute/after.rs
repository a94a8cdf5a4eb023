//! Harm expected after a column's touches: what a source is told beside, in all and in its window.
//!
//! The base says how many of the things that a column touched are harmed at the honest rate, before the touch or after it. Only
//! harm that follows can have come through it, so of each bin's touches what the honest calendar leaves for later counts.
//!
//! Blind to: things touched again and again count in each bin, so where they are, the share that follows is told a little low.

use super::base::Base;
use super::calendar::MONTH;
use super::problem::{Clock, Problem};

impl Base {
    /// Harm expected after the touches of a column, of those in the `window` alone where there is one.
    pub fn after(&self, p: &Problem, c: usize, window: Option<(f64, f64)>) -> f64 {
        let (from, until) = window.unwrap_or((0.0, p.horizon));
        let mut part = 0.0;
        for (b, n) in p.columns[c].exposure.iter().enumerate() {
            let (a, z) = (b as f64 * p.bin_days, (b + 1) as f64 * p.bin_days);
            let inside = (z.min(until) - a.max(from)).max(0.0) / p.bin_days;
            let later = match p.clock {
                // A card's fraud follows its opening, and the base knows what can have shown itself.
                Clock::Age => 1.0,
                Clock::Calendar => later(&self.months[c], (a + z) / 2.0),
            };
            part += n * inside * later;
        }
        self.expected[c] * part / p.columns[c].exposure.iter().sum::<f64>().max(1e-12)
    }
}

/// The share of a year's harm, given by month, that strikes after that day.
fn later(months: &[f64], day: f64) -> f64 {
    let at = day / MONTH;
    months.iter().enumerate().map(|(m, share)| share * (m as f64 + 1.0 - at).clamp(0.0, 1.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::later;

    #[test]
    fn harm_to_come_falls_to_nothing() {
        let months = [0.5, 0.25, 0.25];
        assert!((later(&months, 0.0) - 1.0).abs() < 1e-12);
        assert!((later(&months, 14.0) - 0.75).abs() < 1e-12);
        assert!((later(&months, 70.0) - 0.125).abs() < 1e-12);
        assert_eq!(later(&months, 84.0), 0.0);
    }
}
