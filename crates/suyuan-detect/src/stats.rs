//! The figures of counts against an expectation. One order of summing, so the same bits in every run.

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

/// The chance of `k` or more of `n`, each with the chance `p` (binomial). 1 for `k` of 0 or less.
pub(crate) fn binomial_tail(k: i64, n: i64, p: f64) -> f64 {
    if k <= 0 || k > n || p <= 0.0 || p >= 1.0 {
        return if k <= 0 || (p >= 1.0 && k <= n) { 1.0 } else { 0.0 };
    }
    // Below the mean the rest, so that no term that counts is too small for a number.
    if (k as f64) < n as f64 * p {
        return (1.0 - binomial_tail(n - k + 1, n, 1.0 - p)).max(0.0);
    }
    let mut ways = 0.0;
    for i in 1..=k {
        ways += ((n - k + i) as f64 / i as f64).ln();
    }
    let mut term = (ways + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp();
    let mut sum = 0.0;
    for i in k..=n {
        sum += term;
        term *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
    }
    sum.min(1.0)
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
        // scipy.stats.binom.sf(k - 1, n, p)
        for (k, n, p, want) in [
            (21, 29, 0.275, 6.369855e-7),
            (1, 3, 0.5, 0.875),
            (12, 12, 0.4, 1.6777216e-5),
            (4, 30, 0.3, 0.990683),
            // Far below the mean: a term at `k` is too small for a number.
            (700, 1300, 0.95, 1.0),
            (1, 4000, 0.9, 1.0),
        ] {
            let got = binomial_tail(k, n, p);
            assert!((got / want - 1.0).abs() < 1e-5, "{k} {n} {p}: {got}");
        }
        assert_eq!((binomial_tail(0, 5, 0.1), binomial_tail(6, 5, 0.1)), (1.0, 0.0));
        assert!(poisson_llr(7, 0.4) > 12.0 && poisson_llr(1, 2.0) == 0.0);
    }
}
