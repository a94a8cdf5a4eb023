//! How probable it is that a user belongs to a farm: members touch its items at a rate of their own on top of chance.

use super::chance::ln_point;
use super::grow::Count;

/// What was learned of a farm, and each user's probability.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// Occasions a member has beyond chance.
    pub rate: f64,
    /// In the order given.
    pub probability: Vec<f64>,
}

/// `ln P(k | k >= 1)` of a Poisson count: those who never touched an item are not seen.
fn seen(k: f64, mean: f64) -> f64 {
    ln_point(k, mean) - (-(-mean).exp_m1()).ln()
}

/// Two kinds of users by expectation-maximisation: `Poisson(expected)` and `Poisson(expected + rate)`, both known to have
/// touched something; `members` of `users` is where the share starts.
pub fn fit(users: &[Count], members: usize) -> Mixture {
    let n = users.len().max(1) as f64;
    let mut share = (members as f64 / n).clamp(1e-6, 0.999);
    let top: f64 = users.iter().map(|c| f64::from(c.occasions)).fold(0.0, f64::max);
    let mut rate = (top / 2.0).max(1.0);
    let mut probability = vec![0.0; users.len()];
    for _ in 0..60 {
        let (mut weight, mut beyond) = (0.0, 0.0);
        for (p, c) in probability.iter_mut().zip(users) {
            let (k, mean) = (f64::from(c.occasions), c.expected.max(1e-9));
            let member = share.ln() + seen(k, mean + rate);
            let other = (1.0 - share).ln() + seen(k, mean);
            *p = 1.0 / (1.0 + (other - member).exp());
            weight += *p;
            // A truncated Poisson of mean m shows m / (1 - e^-m): solved for the rate below.
            beyond += *p * k * rate / (mean + rate);
        }
        if weight < 1.0 {
            break;
        }
        let shown = beyond / weight;
        let (before, share_before) = (rate, share);
        rate = untruncated(shown);
        share = (weight / n).clamp(1e-6, 0.999);
        if (rate - before).abs() < 1e-9 && (share - share_before).abs() < 1e-9 {
            break;
        }
    }
    Mixture { rate, probability }
}

/// The mean of a Poisson variable whose mean over its non-zero values is `shown`.
fn untruncated(shown: f64) -> f64 {
    let mut mean = shown.max(1.0 + 1e-6) - 0.5;
    for _ in 0..50 {
        let next = shown * -(-mean).exp_m1();
        if (next - mean).abs() < 1e-12 {
            break;
        }
        mean = next.max(1e-3);
    }
    mean
}
