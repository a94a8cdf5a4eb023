//! From a booster's log-odds to a probability that means what it says.
//!
//! Platt's method (1999) with his smoothed targets: one slope and one offset on the log-odds, fitted to
//! cross-fitted values, that is to values of boosters that did not see the row. Chosen over isotonic
//! regression because it is strictly monotone (ranks and AUC stay), keeps contributions additive in
//! log-odds, and needs few rows.

/// `log-odds = slope * raw + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platt {
    /// Below 1 where the raw values are too sure.
    pub slope: f64,
    /// Moves the base rate.
    pub offset: f64,
}

/// Newton steps at most; a handful suffice.
const STEPS: usize = 100;

impl Platt {
    /// Fits raw log-odds to labels.
    pub fn fit(raw: &[f64], labels: &[bool]) -> Platt {
        let yes = labels.iter().filter(|l| **l).count() as f64;
        let no = labels.len() as f64 - yes;
        let (hi, lo) = ((yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0));
        let target = |l: bool| if l { hi } else { lo };
        let loss = |m: Platt| -> f64 {
            raw.iter()
                .zip(labels)
                .map(|(x, l)| {
                    let z = m.log_odds(*x);
                    // ln(1 + e^z) - t z, without overflow.
                    z.max(0.0) + (-z.abs()).exp().ln_1p() - target(*l) * z
                })
                .sum()
        };
        let mut at = Platt { slope: 1.0, offset: 0.0 };
        let mut now = loss(at);
        for _ in 0..STEPS {
            let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
            for (x, l) in raw.iter().zip(labels) {
                let p = probability(at.log_odds(*x));
                let (d, w) = (p - target(*l), p * (1.0 - p));
                g0 += d;
                g1 += d * x;
                h00 += w;
                h01 += w * x;
                h11 += w * x * x;
            }
            let det = h00 * h11 - h01 * h01;
            let (d0, d1) = ((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det);
            let mut step = 1.0;
            let next = loop {
                let m = Platt { slope: at.slope - step * d1, offset: at.offset - step * d0 };
                let then = loss(m);
                if then <= now || step < 1e-6 {
                    break (m, then);
                }
                step /= 2.0;
            };
            if !next.1.is_finite() || now - next.1 < 1e-10 {
                break;
            }
            (at, now) = next;
        }
        // A slope that is not positive would turn the ranks round; then the score says nothing.
        Platt { slope: at.slope.max(1e-3), ..at }
    }

    /// The calibrated log-odds.
    pub fn log_odds(&self, raw: f64) -> f64 {
        self.slope * raw + self.offset
    }
}

/// The probability of log-odds.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
