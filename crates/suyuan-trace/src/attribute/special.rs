//! The few special functions that the factor needs; nothing here knows what it counts.

/// Natural log of the gamma function for positive `x` (Lanczos, g = 7, relative error below 1e-13).
pub fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut a = C[0];
    for (i, c) in C.iter().enumerate().skip(1) {
        a += c / (x + i as f64);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + a.ln()
}

/// `e` to the `x`, to one part in 1e14, in plain steps that a processor takes for several numbers at once; what lies beyond
/// 700 on either side counts as 700. The same on every machine.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // Adding this leaves the whole part in the last bits.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
    let x = x.clamp(-700.0, 700.0);
    let shifted = x * std::f64::consts::LOG2_E + WHOLE;
    let n = shifted - WHOLE;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    const C: [f64; 12] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
    ];
    let (r2, at) = (r * r, |i: usize| C[i] + C[i + 1] * r);
    let r4 = r2 * r2;
    let p = (at(0) + at(2) * r2) + ((at(4) + at(6) * r2) + (at(8) + at(10) * r2) * r4) * r4;
    p * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// `ln(sum(exp(v)))` without overflow; minus infinity for nothing.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    // Four sums side by side: one after the other they would wait for each other.
    let each = values.chunks_exact(4);
    let rest: f64 = each.remainder().iter().map(|v| exp(v - top)).sum();
    let mut sums = [0.0; 4];
    for four in each {
        sums.iter_mut().zip(four).for_each(|(sum, v)| *sum += exp(v - top));
    }
    top + (sums[0] + sums[1] + sums[2] + sums[3] + rest).ln()
}

/// `1 / (1 + exp(-x))`.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_agree_with_the_system() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.009_7;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14 * x.abs().max(10.0), "{x}");
        }
        assert!(exp(f64::NEG_INFINITY) < 1e-300);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn gamma_of_small_whole_numbers_is_the_factorial() {
        let mut factorial = 1.0f64;
        for n in 1..30 {
            assert!((ln_gamma(n as f64) - factorial.ln()).abs() < 1e-10, "{n}");
            factorial *= n as f64;
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
    }
}
