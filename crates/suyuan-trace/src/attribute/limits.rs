//! The window of a found leak in days, and the limits between which its ends lie with 90 %.
//!
//! The factor sums over windows made of bins of a week or more. Of a column that was found the same sum is taken
//! once more over windows of whole days: the posterior of its first and of its last day gives the limits. Touches of
//! harmed things have their own day; the others are spread evenly over their bin.
//!
//! Always holds: a limit that lies in the first or the last bin in which the column touched anything is no limit, since
//! how much further the leak reached, the records cannot tell.
//! Blind to: a leak that stops and begins again.

use super::kernel::Factor;
use super::problem::{Column, Problem};

/// What lies outside each limit.
const TAIL: f64 = 0.05;
/// More steps cost memory by their square; records of more than three years are told in two days, and so on.
const STEPS: f64 = 1100.0;

/// In days.
const SECOND: f64 = 1.0 / 86_400.0;

/// Days since the start; a limit at the border of the records is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Not before, not after which day it began.
    pub start: (Option<f64>, Option<f64>),
    /// Not before, not after which day it ended.
    pub end: (Option<f64>, Option<f64>),
}

/// The same question in days, for these columns; of the others nothing is told.
pub fn daily(p: &Problem, columns: &[usize]) -> Problem {
    let step = (p.horizon / STEPS).ceil().max(1.0);
    let bins = ((p.horizon / step).ceil() as usize).max(1);
    let of_days = |(c, column): (usize, &Column)| {
        if !columns.contains(&c) {
            return Column { level: column.level, whole: column.whole, ..Column::default() };
        }
        let mut exposure = vec![0.0; bins];
        let coarse = &column.exposure;
        for (t, slot) in exposure.iter_mut().enumerate() {
            let (from, until) = (t as f64 * step, ((t + 1) as f64 * step).min(p.horizon));
            for (b, n) in
                coarse.iter().enumerate().skip(p.bin(from)).take_while(|x| x.0 <= p.bin(until - 1e-9))
            {
                let (begin, end) = (b as f64 * p.bin_days, ((b + 1) as f64 * p.bin_days).min(p.horizon));
                let part = (until.min(end) - from.max(begin)).max(0.0) / (end - begin).max(1e-9);
                *slot += part * n;
            }
        }
        Column { exposure, ..column.clone() }
    };
    Problem {
        columns: p.columns.iter().enumerate().map(of_days).collect(),
        strata: p.strata.clone(),
        harmed: p.harmed.clone(),
        touches: p.touches.clone(),
        bins,
        bin_days: step,
        ..*p
    }
}

/// The limits of a leak by its `factor` over days; `coarse` is the question in bins.
pub fn limits(coarse: &Problem, daily: &Problem, column: usize, factor: &Factor) -> Option<Limits> {
    let exposure = &coarse.columns[column].exposure;
    let first = exposure.iter().position(|n| *n > 0.0)?;
    let last = exposure.iter().rposition(|n| *n > 0.0)?;
    let (begun, over) = ((first + 1) as f64 * coarse.bin_days, last as f64 * coarse.bin_days);
    let inside = |day: f64| (day >= begun && day <= over).then_some(day);
    let step = daily.bin_days;
    // Somewhere in the day: from its first instant to its last.
    let of = |by_day: &[f64]| -> Option<(Option<f64>, Option<f64>)> {
        let (low, high) = (quantile(by_day, TAIL)?, quantile(by_day, 1.0 - TAIL)?);
        Some((inside(low as f64 * step), inside((high + 1) as f64 * step - SECOND)))
    };
    Some(Limits { start: of(&factor.starts)?, end: of(&factor.ends)? })
}

/// The first place at which so much of the weight is reached.
fn quantile(weights: &[f64], at: f64) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    (total > 0.0).then(|| {
        let reached = weights.iter().position(|w| {
            sum += w;
            sum >= at * total
        });
        reached.unwrap_or(weights.len() - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Clock;

    #[test]
    fn days_hold_what_the_bins_held() {
        let exposure = vec![7.0, 0.0, 3.5, 14.0];
        let p = Problem {
            columns: vec![Column { exposure, ..Column::default() }, Column::default()],
            strata: Vec::new(),
            harmed: Vec::new(),
            touches: Vec::new(),
            bins: 4,
            bin_days: 8.5,
            horizon: 30.0,
            clock: Clock::Calendar,
        };
        let d = daily(&p, &[0]);
        assert_eq!((d.bins, d.bin_days), (30, 1.0));
        let sum = |a: usize, b: usize| d.columns[0].exposure[a..b].iter().sum::<f64>();
        assert!((sum(0, 30) - 24.5).abs() < 1e-9, "nothing is lost");
        assert!((sum(0, 8) - 7.0 * 8.0 / 8.5).abs() < 1e-9 && sum(9, 17) < 1e-9);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        assert_eq!(quantile(&[0.0, 1.0, 0.0, 18.0, 1.0], 0.05), Some(1));
        assert_eq!(quantile(&[0.0, 1.0, 0.0, 18.0, 1.0], 0.95), Some(3));
        assert_eq!(quantile(&[0.0, 0.0], 0.5), None);
    }
}
