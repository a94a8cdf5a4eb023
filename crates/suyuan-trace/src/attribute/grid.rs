//! The grid of the leak side: rates at which what leaked becomes a known harm, how long a leak goes on, and how common each
//! is before anything is learned.

use super::batch::BATCHES;
use super::problem::Clock;

/// Rates at which a leaked thing becomes a known harm.
pub const THETA: [f64; 8] = [0.004, 0.01, 0.022, 0.05, 0.12, 0.27, 0.6, 1.2];
/// Chance that a leak goes on for one more bin.
pub const LENGTH: [f64; 4] = [0.6, 0.85, 0.95, 1.0];
/// Grid of the leak side.
pub const GRID: usize = THETA.len() * LENGTH.len();
/// The same for loot that is used after a delay, then for loot that is sold as one batch.
pub const WAYS: usize = 2 * GRID;
/// How much rarer windows of cards are that cover more than half of the records.
pub const EVER: f64 = 0.02;

/// How common each of [`THETA`] is, before anything is learned: most of what leaks is never known as harm.
pub const THETA_SHARE: [f64; THETA.len()] = [0.16, 0.18, 0.18, 0.17, 0.13, 0.09, 0.06, 0.03];
/// The same of [`LENGTH`].
pub const LENGTH_SHARE: [f64; LENGTH.len()] = [0.25, 0.35, 0.25, 0.15];

/// Shares of the grid before anything is learned.
pub fn common() -> [f64; GRID] {
    std::array::from_fn(|i| THETA_SHARE[i / LENGTH.len()] * LENGTH_SHARE[i % LENGTH.len()])
}

/// The same for both ways: used after a delay, or sold as one batch. Cards are used at all ages in a wave as in a batch:
/// nothing would tell the two apart.
pub fn ways(clock: Clock) -> [f64; WAYS] {
    let batches = if clock == Clock::Age { 0.0 } else { BATCHES };
    let common = common();
    std::array::from_fn(|i| if i < GRID { (1.0 - batches) * common[i] } else { batches * common[i - GRID] })
}
