//! Seeded draws (SplitMix64): the same seed gives the same world on every machine.

/// A stream of draws.
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Dice {
        let mut d = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
        d.bits();
        d
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A whole number from `a` to `b`, both possible.
    pub fn between(&mut self, a: usize, b: usize) -> usize {
        a + self.below(b - a + 1)
    }

    /// True with chance `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Log-normal with that median and spread in log units.
    pub fn log_normal(&mut self, median: f64, sd: f64) -> f64 {
        let r = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        median * (sd * r * (2.0 * std::f64::consts::PI * self.unit()).cos()).exp()
    }

    /// Exponential with that mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Poisson of a small mean.
    pub fn poisson(&mut self, mean: f64) -> usize {
        let (stop, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > stop {
            product *= self.unit();
            n += 1;
        }
        n
    }
}

/// Draws places in proportion to weights.
pub struct Urn(Vec<f64>);

impl Urn {
    /// An urn of these weights.
    pub fn new(weights: &[f64]) -> Urn {
        let mut sum = 0.0;
        Urn(weights
            .iter()
            .map(|w| {
                sum += w;
                sum
            })
            .collect())
    }

    /// One place.
    pub fn draw(&self, dice: &mut Dice) -> usize {
        let u = dice.unit() * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|x| *x <= u).min(self.0.len() - 1)
    }
}
