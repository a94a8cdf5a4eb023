//! How often chance alone makes a count as high as the one seen.

use crate::attribute::ln_gamma;

/// `ln P(X >= k)` of a Poisson variable of mean `mean`; zero for `k = 0`.
///
/// Above the mean the series from `k` upward converges at once; below it the tail is large and its complement is summed.
pub fn ln_tail(k: u32, mean: f64) -> f64 {
    if k == 0 {
        return 0.0;
    }
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let k = f64::from(k);
    if k > mean {
        let (mut term, mut sum, mut n) = (1.0f64, 1.0f64, k);
        while term > 1e-16 * sum {
            n += 1.0;
            term *= mean / n;
            sum += term;
        }
        return (ln_point(k, mean) + sum.ln()).min(0.0);
    }
    // 1 - P(X < k), summed downward from k - 1.
    let (mut term, mut sum, mut n) = (1.0f64, 1.0f64, k - 1.0);
    while n > 0.0 && term > 1e-16 * sum {
        term *= n / mean;
        sum += term;
        n -= 1.0;
    }
    let below = (ln_point(k - 1.0, mean) + sum.ln()).exp().min(1.0);
    (-below).ln_1p().max(-745.0)
}

/// `ln P(X = k)`.
pub fn ln_point(k: f64, mean: f64) -> f64 {
    k * mean.ln() - mean - ln_gamma(k + 1.0)
}

/// Whether `P(X >= k) < exp(bound)`; most pairs are turned away by the first term alone.
pub fn rarer(k: u32, mean: f64, bound: f64) -> bool {
    if f64::from(k) <= mean {
        return false;
    }
    mean <= 0.0 || (ln_point(f64::from(k), mean) < bound && ln_tail(k, mean) < bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain way: the sum of the points below.
    fn plain(k: u32, mean: f64) -> f64 {
        1.0 - (0..k).map(|i| ln_point(f64::from(i), mean).exp()).sum::<f64>()
    }

    proptest! {
        #[test]
        fn tails_are_sums_of_points(k in 1u32..40, mean in 0.01f64..40.0) {
            let slow = plain(k, mean);
            prop_assume!(slow > 1e-9);
            prop_assert!((ln_tail(k, mean).exp() / slow - 1.0).abs() < 1e-5, "{} {slow}", ln_tail(k, mean).exp());
        }

        #[test]
        fn the_short_cut_changes_nothing(k in 1u32..30, mean in 0.001f64..20.0, bound in -30f64..-1.0) {
            let plain = f64::from(k) > mean && ln_tail(k, mean) < bound;
            prop_assert_eq!(rarer(k, mean, bound), plain);
        }
    }
}
