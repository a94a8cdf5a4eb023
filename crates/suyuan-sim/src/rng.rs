//! Chance, the same on every machine.
//!
//! The generator's own small distributions over ChaCha8: a library that samples in another way in its
//! next release would change every world. Only plain arithmetic is used (no `ln`, `exp` or `cos` of the
//! platform's mathematics library, which differ in the last digit from one system to the next).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// One step of SplitMix64: a good hash of a number.
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash of a key and a number.
pub fn mix2(key: u64, x: u64) -> u64 {
    mix(key ^ mix(x))
}

/// FNV-1a of a label: names a stream of chance.
pub fn label(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A stream of chance with a name and a number, so that what one part of the world draws never moves
/// what another part draws.
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream `name`, number `index`, of a seed.
    pub fn stream(seed: u64, name: &str, index: u64) -> Rng {
        let mut key = [0u8; 32];
        let parts = [seed, label(name), index, seed ^ label(name).rotate_left(17)];
        for (chunk, part) in key.chunks_exact_mut(8).zip(parts) {
            chunk.copy_from_slice(&mix(part).to_le_bytes());
        }
        Rng(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A whole number below `n`; 0 where `n` is 0. (Multiply-shift: the bias is below n / 2^64.)
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// An index into a slice of that length.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A whole number from `lo` to `hi`, both included.
    pub fn range(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo).max(0) as u64 + 1) as i64
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of the slice. INVARIANT of callers: the slice is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// An index drawn by weight.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let mut at = self.unit() * total;
        for (i, w) in weights.iter().enumerate() {
            at -= w;
            if at < 0.0 {
                return i;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// A standard normal value (the sum of twelve uniforms: tails end at six).
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A log-normal factor with median 1.
    pub fn log_normal(&mut self, sd: f64) -> f64 {
        exp(sd * self.normal())
    }

    /// A waiting time with that mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.unit())
    }

    /// A count with that mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 60.0 {
            let n = mean + sqrt(mean) * self.normal();
            return if n < 0.0 { 0 } else { (n + 0.5) as u64 };
        }
        let floor = exp(-mean);
        let (mut n, mut p) = (0, self.unit());
        while p > floor {
            n += 1;
            p *= self.unit();
        }
        n
    }

    /// Puts the slice into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

fn sqrt(x: f64) -> f64 {
    x.sqrt() // exact by IEEE 754 on every machine
}

/// e^x by halving the argument and a Taylor series.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let halvings = 10;
    let y = x / f64::from(1 << halvings);
    let mut sum = 1.0;
    let mut term = 1.0;
    for n in 1..12 {
        term *= y / f64::from(n);
        sum += term;
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    sum
}

/// Natural logarithm of a positive number.
pub fn ln(x: f64) -> f64 {
    let mut m = x.max(f64::MIN_POSITIVE);
    let mut k = 0.0;
    while m > 1.5 {
        m /= 2.0;
        k += 1.0;
    }
    while m < 0.75 {
        m *= 2.0;
        k -= 1.0;
    }
    let z = (m - 1.0) / (m + 1.0);
    let (mut power, mut sum) = (z, 0.0);
    for n in (1..40).step_by(2) {
        sum += power / f64::from(n);
        power *= z * z;
    }
    2.0 * sum + k * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_mathematics_is_right() {
        for x in [-20.0, -1.5, -0.01, 0.0, 0.3, 1.0, 7.5] {
            assert!((exp(x) / f64::exp(x) - 1.0).abs() < 1e-9, "{x}");
        }
        for x in [1e-9, 0.2, 0.75, 1.0, 1.5, 3.0, 1e6] {
            assert!((ln(x) - f64::ln(x)).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn distributions_have_their_means() {
        let mut rng = Rng::stream(7, "test", 0);
        for mean in [0.3, 4.0, 200.0] {
            let n: u64 = (0..20_000).map(|_| rng.poisson(mean)).sum();
            assert!((n as f64 / 20_000.0 / mean - 1.0).abs() < 0.05, "{mean}");
        }
        let sum: f64 = (0..20_000).map(|_| rng.exponential(5.0)).sum();
        assert!((sum / 100_000.0 - 1.0).abs() < 0.05);
        let hits = (0..20_000).filter(|_| rng.weighted(&[1.0, 3.0]) == 1).count();
        assert!((14_500..15_500).contains(&hits));
    }

    #[test]
    fn a_stream_is_its_name_and_number() {
        let draw = |seed, name, n| Rng::stream(seed, name, n).bits();
        assert_eq!(draw(1, "a", 0), draw(1, "a", 0));
        assert!(draw(1, "a", 0) != draw(2, "a", 0));
        assert!(draw(1, "a", 0) != draw(1, "b", 0));
        assert!(draw(1, "a", 0) != draw(1, "a", 1));
        assert_eq!(Rng::stream(1, "frozen", 1).bits(), FROZEN, "worlds made earlier change");
    }
    const FROZEN: u64 = 4_703_740_868_467_511_277;
}
