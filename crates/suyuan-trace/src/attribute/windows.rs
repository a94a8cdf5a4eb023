//! The log likelihood ratio of every window of time, exactly: second differences of what each thing gains, summed back.

use super::bound::FULL;
use super::kernel::{Scratch, Thing};

/// Lays what the things gain into an empty matrix of `n` bins: second differences, so that summing them back gives every
/// window `[a, b]`; `place` is where a bin stands.
pub(super) fn lay(
    s: &mut [f64],
    n: usize,
    things: &[Thing],
    m: f64,
    theta: f64,
    place: impl Fn(usize) -> usize,
) {
    s.fill(0.0);
    // Most things were touched in one bin: their factors are multiplied before a logarithm is taken.
    let mut products = vec![1.0; n];
    for x in things {
        let lambda = x.rest + m * x.beta;
        if let [(t, f)] = x.touches[..] {
            let t = place(t);
            products[t] *= 1.0 + theta * f / lambda;
            if products[t] > FULL {
                s[t * n + t] += std::mem::replace(&mut products[t], 1.0f64).ln();
            }
            continue;
        }
        for a in 0..x.touches.len() {
            let mut sum = 0.0;
            for b in a..x.touches.len() {
                sum += x.touches[b].1;
                let v = (theta * sum / lambda).ln_1p();
                let (i, k) = (place(x.touches[a].0), place(x.touches[b].0));
                s[i * n + k] += v;
                if a > 0 {
                    s[place(x.touches[a - 1].0) * n + k] -= v;
                }
                if b + 1 < x.touches.len() {
                    let next = place(x.touches[b + 1].0);
                    s[i * n + next] -= v;
                    if a > 0 {
                        s[place(x.touches[a - 1].0) * n + next] += v;
                    }
                }
            }
        }
    }
    for (t, product) in products.iter().enumerate().filter(|x| *x.1 > 1.0) {
        s[t * n + t] += product.ln();
    }
}

/// Fills the room with the log likelihood ratio of every window `[a, b]`; returns the largest.
pub(super) fn windows(
    room: &mut Scratch,
    bins: usize,
    things: &[Thing],
    m: f64,
    ripe: &[f64],
    theta: f64,
) -> f64 {
    let s = &mut room.s;
    lay(s, bins, things, m, theta, |t| t);
    for t in 0..bins {
        s[t * bins + t] -= theta * ripe[t];
    }
    let mut top = f64::NEG_INFINITY;
    for a in (0..bins).rev() {
        for b in a..bins {
            if b > a {
                let inner = if b > a + 1 { s[(a + 1) * bins + b - 1] } else { 0.0 };
                s[a * bins + b] += s[(a + 1) * bins + b] + s[a * bins + b - 1] - inner;
            }
            top = top.max(s[a * bins + b]);
        }
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::problem::Clock;

    /// The plain way: every window on its own, thing by thing.
    fn plain(things: &[Thing], m: f64, ripe: &[f64], theta: f64, a: usize, b: usize) -> f64 {
        let exposure: f64 = ripe[a..=b].iter().sum();
        let gain: f64 = things
            .iter()
            .map(|x| {
                let f: f64 = x.touches.iter().filter(|t| (a..=b).contains(&t.0)).map(|t| t.1).sum();
                (theta * f / (x.rest + m * x.beta)).ln_1p()
            })
            .sum();
        gain - theta * exposure
    }

    #[test]
    fn every_window_agrees_with_the_plain_sum() {
        let bins = 9;
        let things: Vec<Thing> = (0..7)
            .map(|i| Thing {
                beta: 1e-4 * (1.0 + i as f64),
                rest: if i % 3 == 0 { 2e-4 } else { 0.0 },
                month: 0,
                stratum: 0,
                before: Vec::new(),
                touches: (0..bins)
                    .filter(|t| (t * 7 + i * 5) % 4 == 0)
                    .map(|t| (t, 0.001 * (t + 1) as f64))
                    .collect(),
            })
            .collect();
        let ripe: Vec<f64> = (0..bins).map(|t| (t * t % 5) as f64).collect();
        let mut room = Scratch::new(bins, Clock::Calendar);
        let top = windows(&mut room, bins, &things, 1.65, &ripe, 0.12);
        let mut best = f64::NEG_INFINITY;
        for a in 0..bins {
            for b in a..bins {
                let want = plain(&things, 1.65, &ripe, 0.12, a, b);
                assert!((room.s[a * bins + b] - want).abs() < 1e-9, "{a} {b}");
                best = best.max(want);
            }
        }
        assert!((top - best).abs() < 1e-9);
    }
}
