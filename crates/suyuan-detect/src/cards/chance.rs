//! Tails of the binomial law in logarithms, and the log likelihood ratio of a share.
//!
//! One order of summing, so the same bits in every run. Tails agree with exact sums to nine digits.

/// ln n!, by Stirling's series above 16 and by the sum below.
fn ln_factorial(n: u64) -> f64 {
    if n <= 16 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64 + 1.0;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

/// ln of the chance that `k` or more of `n` show what a share `q` shows; at most 0.
pub(crate) fn ln_tail(k: u64, n: u64, q: f64) -> f64 {
    if k == 0 || q >= 1.0 {
        return 0.0;
    }
    if k > n || q <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let first = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
        + k as f64 * q.ln()
        + (n - k) as f64 * (1.0 - q).ln();
    // Terms from k upwards, as multiples of the first.
    let (mut sum, mut term, odds) = (1.0, 1.0, q / (1.0 - q));
    for i in k..n {
        term *= odds * (n - i) as f64 / (i + 1) as f64;
        sum += term;
        if term < sum * 1e-16 && (i + 1) as f64 > n as f64 * q {
            break;
        }
    }
    (first + sum.ln()).min(0.0)
}

/// Nats by which `k` of `n` is better explained by their own share than by `q`; 0 where the share is not above `q`.
pub(crate) fn llr(k: u64, n: u64, q: f64) -> f64 {
    let (k, n) = (k.min(n) as f64, n as f64);
    if n == 0.0 || k <= n * q {
        return 0.0;
    }
    let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    part(k, n * q) + part(n - k, n * (1.0 - q))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_known_values() {
        // Summed in exact rational arithmetic.
        for (k, n, q, want) in [
            (5, 12, 0.02, -13.003_030_130_542),
            (11, 12, 0.02, -40.565_849_881_486),
            (30, 400, 0.05, -3.961_548_874_412),
            (3, 10, 0.9, -3.736_000_698e-7),
        ] {
            let got = ln_tail(k, n, q);
            assert!((got / want - 1.0).abs() < 1e-6, "{k} {n} {q}: {got}");
        }
        assert_eq!(ln_tail(0, 9, 0.1), 0.0);
        assert!(llr(1, 100, 0.02) == 0.0 && llr(11, 12, 0.02) > 38.0);
    }

    proptest::proptest! {
        /// Against the plain sum of all terms.
        #[test]
        fn tails_agree_with_the_plain_sum(n in 1u64..60, k in 0u64..60, q in 0.001f64..0.999) {
            let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
            let plain: f64 = (k..=n.max(k)).filter(|i| *i <= n)
                .map(|i| choose(n, i) * q.powi(i as i32) * (1.0 - q).powi((n - i) as i32)).sum();
            let got = ln_tail(k, n, q).exp();
            proptest::prop_assert!((got - plain).abs() <= 1e-9 + plain * 1e-9, "{} {}", got, plain);
        }

        /// One more card with the sign never makes a group more likely.
        #[test]
        fn one_more_never_makes_it_likelier(n in 1u64..400, k in 0u64..400, q in 0.0001f64..0.9) {
            let k = k.min(n);
            proptest::prop_assert!(ln_tail(k + 1, n, q) <= ln_tail(k, n, q) + 1e-9);
        }
    }
}
