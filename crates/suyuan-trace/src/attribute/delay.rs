//! How long from touch to harm: a histogram shrunk to an exponential.

use super::special::{ln_gamma, log_sum_exp};

/// Bins of the delay, days.
const EDGES: [f64; 15] =
    [0.0, 4.0, 8.0, 14.0, 21.0, 28.0, 42.0, 56.0, 84.0, 112.0, 154.0, 210.0, 294.0, 400.0, 1e5];
/// Events that the exponential counts for against the histogram.
const PRIOR: [f64; 1] = [15.0];
/// The same of cards, the likelier by how well it foretells what was seen: lots are few, and a histogram of them is rough.
const PRIOR_OF_CARDS: [f64; 5] = [15.0, 30.0, 60.0, 120.0, 240.0];

/// Mean days from opening to use at each pace.
const PACES: [f64; 2] = [30.0, 90.0];

/// The delay's density.
#[derive(Clone, Debug)]
pub struct Delay {
    horizon: f64,
    /// The exponential's mean before anything was learned.
    first: f64,
    mean: f64,
    /// Density per day in each bin.
    f: [f64; 14],
    /// What [`PRIOR`] may be.
    priors: &'static [f64],
}

impl Delay {
    /// An exponential of that mean.
    pub fn new(horizon: f64, mean: f64) -> Delay {
        Delay { horizon, first: mean, mean, f: exponential(horizon, mean), priors: &PRIOR }
    }

    /// The paces at which cards of one lot may be used, whatever other lots do: within days, weeks or months.
    pub fn paces(horizon: f64) -> [Delay; PACES.len()] {
        PACES.map(|mean| Delay::new(horizon, mean))
    }

    /// The shape of a density given by months of age, as far as it reaches.
    pub fn shaped(horizon: f64, month: f64, density: &[f64]) -> Delay {
        let mut d = Delay { priors: &PRIOR_OF_CARDS, ..Delay::new(horizon, horizon / 5.0) };
        let at = |x: f64| density.get((x / month) as usize).copied().unwrap_or(0.0);
        let steps = 16;
        let widths: Vec<f64> = (0..d.f.len()).map(|b| d.width(b)).collect();
        for ((f, w), start) in d.f.iter_mut().zip(widths).zip(EDGES) {
            let sum: f64 = (0..steps).map(|i| at(start + w * (f64::from(i) + 0.5) / f64::from(steps))).sum();
            *f = if w > 0.0 { sum / f64::from(steps) } else { 0.0 };
        }
        let total: f64 = (0..d.f.len()).map(|b| d.f[b] * d.width(b)).sum();
        d.f.iter_mut().for_each(|f| *f /= total.max(1e-12));
        d
    }

    fn width(&self, b: usize) -> f64 {
        EDGES[b + 1].min(self.horizon) - EDGES[b].min(self.horizon)
    }

    /// Density after `days`; 0 where the harm did not come after the touch.
    pub fn density(&self, days: f64) -> f64 {
        if days <= 0.0 {
            return 0.0;
        }
        let b = EDGES.partition_point(|e| *e <= days).clamp(1, self.f.len()) - 1;
        self.f[b]
    }

    /// Share that has shown itself after `days`.
    pub fn shown(&self, days: f64) -> f64 {
        let mut sum = 0.0;
        for (b, (f, start)) in self.f.iter().zip(EDGES).enumerate() {
            let w = self.width(b);
            if days >= start + w {
                sum += f * w;
            } else if days > start {
                return sum + f * (days - start);
            }
        }
        sum
    }

    /// Learns from harm attributed to certified sources: `(delay, responsibility)`, and the
    /// sources' touches `(day, rate)`, so that late touches, not yet ripe, do not bend it.
    pub fn learn(&mut self, seen: &[(f64, f64)], touched: &[(f64, f64)]) {
        let total: f64 = seen.iter().map(|x| x.1).sum();
        if total <= 5.0 {
            return;
        }
        let sum: f64 = seen.iter().map(|(d, w)| d * w).sum();
        self.mean = ((sum + 10.0 * self.mean) / (total + 10.0)).clamp(5.0, self.horizon.max(5.0));
        // Those who taught may all be quick: what was thought before stays in it, or a slow one would be ruled out.
        let (new, first) = (exponential(self.horizon, self.mean), exponential(self.horizon, self.first));
        let f0: [f64; 14] = std::array::from_fn(|b| (new[b] + first[b]) / 2.0);
        let rate: f64 = touched.iter().map(|x| x.1).sum::<f64>().max(1e-9);
        let widths: [f64; 14] = std::array::from_fn(|b| self.width(b));
        let counts: [f64; 14] = std::array::from_fn(|b| {
            seen.iter().filter(|(d, _)| *d > EDGES[b] && *d <= EDGES[b + 1]).map(|x| x.1).sum()
        });
        let ripe: [f64; 14] = std::array::from_fn(|b| {
            let mid = EDGES[b] + widths[b] / 2.0;
            let ripe =
                touched.iter().filter(|(day, _)| self.horizon - day > mid).map(|x| x.1).sum::<f64>() / rate;
            ripe.max(0.02)
        });
        let expected: [f64; 14] = std::array::from_fn(|b| f0[b] * widths[b] * ripe[b]);
        let prior = firm(self.priors, &counts, &expected);
        let q: [f64; 14] = std::array::from_fn(|b| (counts[b] + prior * expected[b]) / ripe[b]);
        let total: f64 = q.iter().sum();
        for (b, q) in q.iter().enumerate() {
            let w = self.width(b);
            self.f[b] = if w > 0.0 { q / total / w } else { 0.0 };
        }
    }
}

/// Events that what was `expected` counts for beside what was seen: the geometric mean of `priors`, each as likely as
/// the counts make it (Dirichlet-multinomial).
fn firm(priors: &[f64], counts: &[f64; 14], expected: &[f64; 14]) -> f64 {
    let (all, total): (f64, f64) = (counts.iter().sum(), expected.iter().sum());
    let log = |prior: &f64| -> f64 {
        let each = counts.iter().zip(expected).filter(|(_, e)| **e > 0.0);
        let of = |(n, e): (&f64, &f64)| ln_gamma(prior * e / total + n) - ln_gamma(prior * e / total);
        ln_gamma(*prior) - ln_gamma(prior + all) + each.map(of).sum::<f64>()
    };
    let logs: Vec<f64> = priors.iter().map(log).collect();
    let sum = log_sum_exp(&logs);
    priors.iter().zip(&logs).map(|(p, l)| (l - sum).exp() * p.ln()).sum::<f64>().exp()
}

fn exponential(horizon: f64, mean: f64) -> [f64; 14] {
    let c = |x: f64| 1.0 - (-x.min(horizon) / mean).exp();
    std::array::from_fn(|b| {
        let w = EDGES[b + 1].min(horizon) - EDGES[b].min(horizon);
        if w > 0.0 { (c(EDGES[b + 1]) - c(EDGES[b])) / w } else { 0.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rough_counts_are_smoothed_and_steady_ones_are_believed() {
        let expected = [1.0 / 14.0; 14];
        let steady = firm(&PRIOR_OF_CARDS, &[10.0; 14], &expected);
        let mut other = [0.0; 14];
        other[..3].fill(47.0);
        assert!(steady > 100.0 && firm(&PRIOR_OF_CARDS, &other, &expected) < 20.0, "{steady}");
        assert!((firm(&PRIOR, &other, &expected) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn the_density_sums_to_what_has_shown() {
        let d = Delay::new(365.0, 60.0);
        let sum: f64 = (0..3650).map(|i| d.density(i as f64 / 10.0 + 0.05) / 10.0).sum();
        assert!((sum - d.shown(365.0)).abs() < 1e-3, "{sum} {}", d.shown(365.0));
        assert_eq!(d.density(-1.0), 0.0);
    }
}
