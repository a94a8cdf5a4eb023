//! The two figures of counts against an expectation. One order of summing, so the same bits in every run.

/// The chance of `k` or more where `expected` is the mean (Poisson). 1 for `k` of 0 or less.
pub(crate) fn poisson_tail(k: i64, expected: f64) -> f64 {
    if k <= 0 || expected <= 0.0 {
        return if k <= 0 { 1.0 } else { 0.0 };
    }
    // The sum from the nearer end: above the mean the tail itself, below it the rest.
    let mut log_factorial = 0.0;
    for i in 2..=k {
        log_factorial += (i as f64).ln();
    }
    let first = ((k as f64) * expected.ln() - expected - log_factorial).exp();
    if k as f64 > expected {
        let (mut sum, mut term, mut i) = (0.0, first, k);
        while term > sum * 1e-17 && term > 0.0 {
            sum += term;
            i += 1;
            term *= expected / i as f64;
        }
        sum.min(1.0)
    } else {
        let (mut sum, mut term, mut i) = (0.0, first * k as f64 / expected, k - 1);
        while i >= 0 && term > sum * 1e-17 && term > 0.0 {
            sum += term;
            term *= i as f64 / expected;
            i -= 1;
        }
        (1.0 - sum).max(0.0)
    }
}

/// The log of how much better the count's own rate explains `k` than `expected` does; 0 below it.
pub(crate) fn poisson_llr(k: i64, expected: f64) -> f64 {
    let k = k as f64;
    if k <= expected || expected <= 0.0 { 0.0 } else { k * (k / expected).ln() - (k - expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_known_values() {
        // scipy.stats.poisson.sf(k - 1, mean)
        for (k, mean, want) in [
            (1, 0.5, 0.393469340287),
            (5, 2.0, 0.052653017344),
            (7, 0.4, 2.293069e-7),
            (3, 10.0, 0.997230604285),
        ] {
            let got = poisson_tail(k, mean);
            assert!((got / want - 1.0).abs() < 1e-5, "{k} {mean}: {got}");
        }
        assert_eq!(poisson_tail(0, 3.0), 1.0);
        assert!(poisson_llr(7, 0.4) > 12.0 && poisson_llr(1, 2.0) == 0.0);
    }
}
