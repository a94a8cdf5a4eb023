//! What sources that stand on their own teach of how leaks go: the delay, the rates and lengths, the habits of cards. Nobody learns
//! from himself.

use super::Fit;
use super::base::Base;
use super::delay::Delay;
use super::grid::{self, WAYS};
use super::habits::Habits;
use super::problem::Clock;
use super::special::log_sum_exp;

/// Level of the e-BH behind which a source teaches how others leak; never how it leaked itself, or a chance find
/// would make itself look surer.
pub(super) const LEARN: f64 = 0.25;
/// No source teaches the delay by more harm than this: how one sells says little of how another does.
const TAUGHT: f64 = 30.0;
/// Sources for which what was thought before counts when the habits of cards are learned.
const FEW: f64 = 3.0;
/// The same of the rates and lengths of leaks and of loot sold at once, and how common each number is before the sources say
/// how alike they are.
const ALIKE: [(f64, f64); 4] = [(0.3, 0.2), (1.0, 0.3), (3.0, 0.3), (10.0, 0.2)];

/// How leaks go.
#[derive(Clone)]
pub(super) struct Ways {
    /// From touch to harm.
    pub(super) delay: Delay,
    /// Log weights of the leak side's grid.
    pub(super) grid: [f64; WAYS],
    /// How leaks of cards go.
    pub(super) habits: Habits,
}

/// What a source says of how leaks go.
pub(super) struct Lesson {
    pub(super) column: usize,
    /// Share of each point of the grid, times its probability.
    pub(super) grid: [f64; WAYS],
    /// How well each point of the grid explains it, up to a factor.
    pub(super) likely: [f64; WAYS],
    /// The column's own habits, in sources; the last is how far a stretch could be filled.
    pub(super) paced: Vec<f64>,
    pub(super) filled: (f64, f64),
    /// Delay and responsibility of each harm, and day and rate of its touches.
    pub(super) seen: Vec<(f64, f64)>,
    pub(super) touched: Vec<(f64, f64)>,
}

impl Fit<'_> {
    /// What each source that stands on its own says of how leaks go; and how much of each harm is unexplained.
    pub(super) fn lessons(&self, base: &Base, candidates: &[usize], unexplained: &mut [f64]) -> Vec<Lesson> {
        unexplained.copy_from_slice(&self.unsuspected(|_| true));
        let mut out = Vec::new();
        for c in self.guarded(candidates, LEARN) {
            let mut seen = Vec::new();
            for e in self.ranges[c].clone() {
                let t = &self.p.touches[e];
                let h = t.harmed as usize;
                let part = self.share[e] / (self.leak[h] + base.beta[e]).max(1e-30);
                unexplained[h] = (unexplained[h] - part).max(0.0);
                if part > 0.0 {
                    seen.push((self.p.harmed[h].day - t.day, part));
                }
            }
            let on = self.factors[c].window();
            let used = &self.apart.get(&c).unwrap_or(&self.ways).grid;
            let day = |t: usize| self.p.middle(t);
            let exposure = self.p.columns[c].exposure.iter().enumerate();
            out.push(Lesson {
                column: c,
                grid: self.factors[c].grid.map(|share| self.pip[c] * share),
                likely: std::array::from_fn(|i| self.factors[c].grid[i] / used[i].exp().max(1e-300)),
                paced: self.factors[c].paced.iter().map(|share| self.pip[c] * share).collect(),
                filled: (
                    self.pip[c] * self.factors[c].filled,
                    self.pip[c] * self.stretches(self.p, c).map_or(0.0, |s| s.any),
                ),
                seen,
                touched: exposure.map(|(t, n)| (day(t), self.pip[c] * on[t] * n)).collect(),
            });
        }
        out
    }

    /// Learns how leaks go: from all lessons, and for each who gave one from those of the others.
    pub(super) fn learn(&mut self, first: &Ways, lessons: &[Lesson]) {
        let without = |out: usize| {
            let others = || lessons.iter().filter(|l| l.column != out);
            let mut ways = first.clone();
            let (mut seen, mut touched) = (Vec::new(), Vec::new());
            for l in others() {
                let all: f64 = l.seen.iter().map(|x| x.1).sum();
                let times = TAUGHT / all.max(TAUGHT);
                seen.extend(l.seen.iter().map(|(days, part)| (*days, times * part)));
                touched.extend(l.touched.iter().map(|(day, rate)| (*day, times * rate)));
            }
            ways.delay.learn(&seen, &touched);
            ways.grid = grid(self.p.clock, &others().collect::<Vec<_>>());
            let all = others().fold(FEW, |sum, l| sum + l.paced.iter().sum::<f64>());
            for (pace, share) in ways.habits.paces.iter_mut().enumerate() {
                *share = (FEW * *share + others().map(|l| l.paced[pace]).sum::<f64>()) / all;
            }
            let filled = others().fold((0.0, 0.0), |sum, l| (sum.0 + l.filled.0, sum.1 + l.filled.1));
            ways.habits.fills = (FEW * ways.habits.fills + filled.0) / (FEW + filled.1.max(filled.0));
            ways
        };
        self.ways = without(usize::MAX);
        self.apart = lessons.iter().map(|l| (l.column, without(l.column))).collect();
    }
}

/// Log weights of the leak side's grid after these lessons, in rising order of how little they stand out.
///
/// Sources that all leak alike leave little room for one that leaks in another way; where each has its own, the next may
/// have any. So how much the fixed grid counts is weighed by how well it foretold each source from those before it.
pub(super) fn grid(clock: Clock, lessons: &[&Lesson]) -> [f64; WAYS] {
    let common = grid::ways(clock);
    let ways = ALIKE.map(|(few, common_of)| {
        let mut weights = common.map(|share| few * share);
        let mut log = f64::ln(common_of);
        for l in lessons {
            let total: f64 = weights.iter().sum();
            let told: f64 = weights.iter().zip(&l.likely).map(|(w, x)| w / total * x).sum();
            log += told.max(1e-300).ln();
            weights.iter_mut().zip(&l.grid).for_each(|(w, share)| *w += share);
        }
        let total: f64 = weights.iter().sum();
        (log, weights.map(|w| w / total))
    });
    let all = log_sum_exp(&ways.map(|w| w.0));
    std::array::from_fn(|i| ways.iter().map(|(log, w)| (log - all).exp() * w[i]).sum::<f64>().ln())
}
