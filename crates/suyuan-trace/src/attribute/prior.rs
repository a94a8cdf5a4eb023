//! How many sources there are: mostly none, and learned from all columns at once.
//!
//! Each number of sources expected has its weight; what the columns' fixed factors say multiplies it. The
//! factors are e-values, so the product over independent columns is one too: where nobody leaked, the
//! chance that the weights move by a factor of twenty towards more sources is below one in twenty.
//! A number is held possible only where two thirds as many columns would then be likely sources: that there are
//! many whom nobody can see would make everyone look guilty. Columns that met next to nothing count too: they say that
//! there are few.

use super::special::{exp, log_sum_exp, logistic};

/// Multiples of the sources expected, and the weight of each.
const SOURCES: [(f64, f64); 11] = [
    (0.25, 0.5),
    (1.0, 0.3),
    (2.5, 0.08),
    (5.0, 0.05),
    (10.0, 0.03),
    (20.0, 0.013),
    (35.0, 0.009),
    (60.0, 0.006),
    (100.0, 0.005),
    (150.0, 0.004),
    (250.0, 0.003),
];
/// A product beyond this is put into its logarithm: one more factor still fits.
const FULL: f64 = 1e200;
/// Columns at least so probable count as likely sources.
const LIKELY: f64 = 0.3;
/// So many sources there may be for each likely one: of three, one may leak too little to be seen.
const UNSEEN: f64 = 1.5;

/// The prior of any one column, as a mixture.
pub struct Prior {
    /// Share of columns that are sources, and the weight of that share.
    mix: Vec<(f64, f64)>,
    columns: f64,
    expected: f64,
}

impl Prior {
    /// Before anything is seen: so many sources expected among `columns`, never more than a share of `cap`.
    pub fn new(expected: f64, columns: usize, cap: f64) -> Prior {
        let n = columns.max(1) as f64;
        let least = expected / n;
        let at = |times: f64| (times * least).min(cap.max(least)).min(0.5);
        Prior {
            mix: SOURCES.iter().map(|(times, weight)| (at(*times), *weight)).collect(),
            columns: n,
            expected: expected * 1.0001,
        }
    }

    /// The same with the weights as the log factors of all columns leave them.
    pub fn given(&self, logs: &[f64]) -> Prior {
        let raw: Vec<f64> = self
            .mix
            .iter()
            .map(|(p, weight)| {
                let (out, odds) = ((1.0 - p).ln(), (p / (1.0 - p)).ln());
                // Below this nobody is likely.
                let least = (LIKELY / (1.0 - LIKELY)).ln() - 1e-6;
                let may = logs.iter().filter(|l| **l + odds >= least);
                let likely: f64 = may.map(|l| logistic(l + odds)).filter(|x| *x >= LIKELY).sum();
                if p * self.columns > UNSEEN * likely + self.expected {
                    return f64::NEG_INFINITY;
                }
                // Far-off columns are multiplied before a logarithm is taken.
                let (mut sum, mut product) = (0.0, 1.0f64);
                for log in logs {
                    match log + odds {
                        x if x > 30.0 => sum += x,
                        x => product *= 1.0 + exp(x),
                    }
                    if product > FULL {
                        sum += std::mem::replace(&mut product, 1.0).ln();
                    }
                }
                weight.ln() + out * logs.len() as f64 + sum + product.ln()
            })
            .collect();
        let total = log_sum_exp(&raw);
        Prior { mix: self.mix.iter().zip(&raw).map(|((p, _), l)| (*p, (l - total).exp())).collect(), ..*self }
    }

    /// Probability of a column with that log factor; `suspected` is what else is known of it.
    pub fn probability(&self, log: f64, suspected: Option<f64>) -> f64 {
        self.mix
            .iter()
            .map(|(p, weight)| {
                let p = suspected.map_or(*p, |s| s.max(*p)).clamp(1e-12, 0.95);
                weight * logistic((p / (1.0 - p)).ln() + log)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_agree_with_the_plain_sums() {
        let prior = Prior::new(0.2, 3000, 0.02);
        let logs: Vec<f64> = (0..3000)
            .map(|i| f64::from(i % 97) * 0.7 - 40.0 + if i % 500 == 0 { 50.0 } else { 0.0 })
            .collect();
        let plain: Vec<f64> = (prior.mix.iter())
            .map(|(p, weight)| {
                let odds = (p / (1.0 - p)).ln();
                let likely: f64 = logs.iter().map(|l| logistic(l + odds)).filter(|x| *x >= LIKELY).sum();
                let gain = |l: &f64| if l + odds > 30.0 { l + odds } else { (l + odds).exp().ln_1p() };
                let sum = logs.iter().map(|l| (1.0 - p).ln() + gain(l)).sum::<f64>();
                if p * 3000.0 > likely + prior.expected { f64::NEG_INFINITY } else { weight.ln() + sum }
            })
            .collect();
        let total = log_sum_exp(&plain);
        for ((_, got), want) in prior.given(&logs).mix.iter().zip(plain) {
            assert!((got - (want - total).exp()).abs() < 1e-9, "{got}");
        }
    }

    #[test]
    fn many_strong_columns_raise_the_others_and_a_lone_one_hardly() {
        let prior = Prior::new(0.2, 3000, 0.02);
        let with = |strong: usize| {
            let mut logs = vec![-0.5; 3000];
            logs[..strong].fill(9.0);
            prior.given(&logs).probability(7.0, None)
        };
        assert!(with(0) < 0.1, "{}", with(0));
        assert!(with(1) < 0.5, "{}", with(1));
        assert!(with(12) > 0.75, "{}", with(12));
    }
}
