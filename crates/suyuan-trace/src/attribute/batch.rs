//! Loot that is sold and used as one batch, within a month or two, whenever it was touched.

use super::calendar::MONTH;
use super::kernel::Thing;
use super::problem::Problem;

/// Months in which loot that is sold at once is used: the first, and how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    first: usize,
    months: usize,
}

/// Share of leaks whose loot is sold at once.
pub(super) const BATCHES: f64 = 0.2;
/// Months that a batch takes to be used.
pub(super) const BATCH_MONTHS: [usize; 2] = [1, 2];
/// Harmed things below which a batch cannot be told from a delay.
const BATCH_THINGS: usize = 4;

impl Batch {
    /// Density of harm in the batch's months, 0 outside.
    pub fn density(self, month: usize) -> f64 {
        let inside = (self.first..self.first + self.months).contains(&month);
        if inside { 1.0 / (MONTH * self.months as f64) } else { 0.0 }
    }

    /// The batches worth a look: those that hold at least a quarter of what the column can explain.
    pub(super) fn of(things: &[Thing], months: usize) -> Vec<Batch> {
        let mut by_month = vec![0; months];
        things.iter().filter(|x| !x.before.is_empty()).for_each(|x| by_month[x.month] += 1);
        let able: usize = by_month.iter().sum();
        let mut out = Vec::new();
        for n in BATCH_MONTHS {
            for first in 0..months {
                let b = Batch { first, months: n };
                let held: usize = by_month[first..months.min(first + n)].iter().sum();
                if held >= BATCH_THINGS && held * 4 >= able {
                    out.push(b);
                }
            }
        }
        out
    }

    /// The things as this batch would explain them; those that it cannot explain are left out.
    pub(super) fn things(self, things: &[Thing]) -> Vec<Thing> {
        let within = things.iter().filter(|x| !x.before.is_empty() && self.density(x.month) > 0.0);
        within
            .map(|x| {
                let f = self.density(x.month);
                Thing { touches: x.before.iter().map(|t| (t.0, t.1 * f)).collect(), before: Vec::new(), ..*x }
            })
            .collect()
    }

    /// Exposure by bin: all that was touched before the batch was used up.
    pub(super) fn ripe(self, p: &Problem, column: usize) -> Vec<f64> {
        let end = (self.first + self.months) as f64 * MONTH;
        let touched = |t: usize| ((end - t as f64 * p.bin_days) / p.bin_days).clamp(0.0, 1.0);
        p.columns[column].exposure.iter().enumerate().map(|(t, n)| n * touched(t)).collect()
    }
}
