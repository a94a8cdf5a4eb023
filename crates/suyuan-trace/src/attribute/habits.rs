//! How leaks of cards go: at which pace the cards are used, and whether a leak fills a stretch of the openings.

use super::stretch::Stretches;

/// How leaks of cards go, by habit.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Share of those that go after the learned delay, and at each pace of their own; sums to one.
    pub paces: Vec<f64>,
    /// Share of those that fill a stretch of the openings, where there is one.
    pub fills: f64,
}

impl Habits {
    /// Before anything is learned: after the delay that is learned from others, which begins as the ages of honest harm, no
    /// more often than at any other pace.
    pub fn new(paces: usize) -> Habits {
        let all = paces + 1;
        Habits { paces: vec![1.0 / all as f64; all], fills: 0.5 }
    }

    /// Shares of the ways of one pace: in any window, and in the stretches.
    pub(super) fn of(&self, pace: usize, stretches: Option<&Stretches>) -> [f64; 2] {
        let filled = stretches.map_or(0.0, |s| self.fills * s.any);
        [self.paces[pace] * (1.0 - filled), self.paces[pace] * filled]
    }
}
