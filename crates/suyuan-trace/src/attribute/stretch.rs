//! Where a leak of cards is looked for first: the stretches into which a shop's own openings fall.
//!
//! Blank cards come as a lot and are opened in a burst. So, given that an account opened such cards, it did so in one
//! of the stretches in which it opened more than it does otherwise, and not between any two days. The openings are cut
//! into stretches of even flow in every way, each as likely as the counts make it; what lies between any two changes of the flow
//! counts by how much of it exceeds the flow of the shop's other times, and by how ordinary the times beside it are.
//!
//! Always holds: the openings say where to look and never that there is anything: honest shops have bursts too, and one
//! without harm in it speaks against a leak. Harm has no part in it, so a factor stays an e-value. A shop of even
//! flow has no such stretch and is asked as before.
//! Blind to: what begins and ends inside a bin.

use super::grid::EVER;
use super::problem::{Column, Problem};
use super::special::{ln_gamma, log_sum_exp};

/// Chance that the flow changes from one bin to the next.
const BREAK: f64 = 0.01;
/// A stretch beside which as much is opened counts for this part at least: a leak seldom fills half of a burst.
const BESIDE: f64 = 0.05;
/// Stretches less likely than this are not looked at.
const SMALL: f64 = 1e-3;
/// Openings of two neighbouring bins from which they tell how unevenly the openings flow.
const ENOUGH: f64 = 8.0;
/// Pairs of such bins below which an even flow is taken for granted; so it is where most pairs are smaller.
const STEPS: usize = 6;
/// Median of the square of a standard normal.
const MEDIAN: f64 = 0.455;

/// The stretches of one column.
#[derive(Clone, Debug, Default)]
pub struct Stretches {
    /// First and last bin of each, and its chance to be the one; they sum to one.
    pub windows: Vec<(usize, usize, f64)>,
    /// Chance that there is one to fill.
    pub any: f64,
}

impl Stretches {
    /// The stretches of a column's touches.
    pub fn of(column: &Column) -> Stretches {
        let n = &column.exposure;
        let Some(first) = n.iter().position(|x| *x > 0.0) else { return Stretches::default() };
        let last = n.iter().rposition(|x| *x > 0.0).unwrap_or(first);
        let all: f64 = n.iter().sum();
        let active = last + 1 - first;
        let mut windows = Vec::new();
        for (a, b, chance) in cut(&n[first..=last]) {
            let len = b + 1 - a;
            let inside: f64 = n[first + a..=first + b].iter().sum();
            if len == active || inside <= 0.0 {
                continue;
            }
            let usual = (all - inside) / (active - len) as f64;
            let ordinary = |t: usize| if n[t] > usual { usual / n[t] } else { 1.0 };
            let beyond: f64 = (first + a..=first + b).map(|t| 1.0 - ordinary(t)).sum::<f64>() / len as f64;
            let before = if a == 0 { 1.0 } else { ordinary(first + a - 1) };
            let after = if first + b == last { 1.0 } else { ordinary(first + b + 1) };
            // As with other windows of cards: what goes on for half of a shop's time is the shop.
            let seldom = if len * 2 >= active { EVER } else { 1.0 };
            let weight = chance * seldom * beyond * before.max(BESIDE) * after.max(BESIDE);
            if weight > SMALL {
                windows.push((first + a, first + b, weight));
            }
        }
        let total: f64 = windows.iter().map(|w| w.2).sum();
        windows.iter_mut().for_each(|w| w.2 /= total);
        Stretches { windows, any: total.min(1.0) }
    }

    /// The same in the bins of `fine`, where each was found in those of `coarse`: somewhere in its first and its last bin.
    pub fn within(&self, coarse: &Problem, fine: &Problem) -> Stretches {
        let bins = |b: usize| {
            let day = |b: usize| (b as f64 * coarse.bin_days).min(coarse.horizon);
            fine.bin(day(b))..=fine.bin(day(b + 1) - 1e-6)
        };
        let mut windows = Vec::new();
        for (a, b, weight) in &self.windows {
            let at = windows.len();
            windows
                .extend(bins(*a).flat_map(|x| bins(*b).filter(move |y| *y >= x).map(move |y| (x, y, 0.0))));
            let each = weight / (windows.len() - at).max(1) as f64;
            windows[at..].iter_mut().for_each(|w| w.2 = each);
        }
        Stretches { windows, any: self.any }
    }
}

/// Every stretch `[a, b]` of these counts with the chance that the flow changes at both of its ends.
fn cut(counts: &[f64]) -> Vec<(usize, usize, f64)> {
    let bins = counts.len();
    let uneven = uneven(counts);
    let mut sums = vec![0.0; bins + 1];
    for (t, n) in counts.iter().enumerate() {
        sums[t + 1] = sums[t] + n / uneven;
    }
    let mean = (sums[bins] / bins as f64).max(1e-9);
    // One level of flow, unknown, from `a` up to `b`.
    let even = |a: usize, b: usize| {
        let (k, len) = (sums[b] - sums[a], (b - a) as f64);
        ln_gamma(1.0 + k) - (1.0 + k) * (1.0 / mean + len).ln() - mean.ln() + (len - 1.0) * (1.0 - BREAK).ln()
    };
    let gone = BREAK.ln();
    let one: Vec<Vec<f64>> = (0..bins).map(|a| (a + 1..=bins).map(|b| even(a, b)).collect()).collect();
    let part = |a: usize, b: usize| one[a][b - a - 1];
    let price = |at: usize| if at == 0 || at == bins { 0.0 } else { gone };
    // All cuts of what lies before, and of what lies after.
    let mut before = vec![0.0; bins + 1];
    let mut terms = Vec::with_capacity(bins);
    for b in 1..=bins {
        terms.clear();
        terms.extend((0..b).map(|a| before[a] + price(a) + part(a, b)));
        before[b] = log_sum_exp(&terms);
    }
    let mut after = vec![0.0; bins + 1];
    for a in (0..bins).rev() {
        terms.clear();
        terms.extend((a + 1..=bins).map(|b| part(a, b) + price(b) + after[b]));
        after[a] = log_sum_exp(&terms);
    }
    let mut out = Vec::new();
    for a in 0..bins {
        // All cuts of `[a, b)`.
        let mut inside = vec![0.0; bins + 1];
        for b in a + 1..=bins {
            terms.clear();
            terms.extend((a + 1..b).map(|c| inside[c] + gone + part(c, b)));
            terms.push(part(a, b));
            inside[b] = log_sum_exp(&terms);
            let chance = before[a] + price(a) + inside[b] + price(b) + after[b] - before[bins];
            if chance.exp() > SMALL {
                out.push((a, b - 1, chance.exp()));
            }
        }
    }
    out
}

/// How much more neighbouring bins differ than even flow makes them; never less than one.
fn uneven(counts: &[f64]) -> f64 {
    let mut steps: Vec<f64> = (counts.windows(2).filter(|x| x[0] + x[1] >= ENOUGH))
        .map(|x| (x[0] - x[1]).powi(2) / (x[0] + x[1]))
        .collect();
    steps.sort_by(f64::total_cmp);
    // Of fewer the bursts themselves are most.
    if steps.len() < STEPS || 2 * steps.len() < counts.len() {
        1.0
    } else {
        (steps[steps.len() / 2] / MEDIAN).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(exposure: &[f64]) -> Stretches {
        Stretches::of(&Column { exposure: exposure.to_vec(), ..Column::default() })
    }

    /// The plain way: every cut of the counts on its own.
    fn plain(counts: &[f64], a: usize, b: usize) -> f64 {
        let bins = counts.len();
        let mean = counts.iter().sum::<f64>() / bins as f64 / uneven(counts);
        let (mut all, mut held) = (0.0, 0.0);
        for mask in 0..1u32 << (bins - 1) {
            let cut_at = |t: usize| t == 0 || t == bins || mask >> (t - 1) & 1 == 1;
            let edges: Vec<usize> = (0..=bins).filter(|t| cut_at(*t)).collect();
            let mut log = 0.0;
            for e in edges.windows(2) {
                let k: f64 = counts[e[0]..e[1]].iter().sum::<f64>() / uneven(counts);
                let len = (e[1] - e[0]) as f64;
                log += ln_gamma(1.0 + k) - (1.0 + k) * (1.0 / mean + len).ln() - mean.ln();
                log += (len - 1.0) * (1.0 - BREAK).ln();
            }
            log += (edges.len() - 2) as f64 * BREAK.ln();
            all += log.exp();
            if cut_at(a) && cut_at(b + 1) {
                held += log.exp();
            }
        }
        held / all
    }

    #[test]
    fn every_stretch_agrees_with_all_cuts() {
        let counts = [3.0, 2.0, 9.0, 11.0, 1.0, 0.0, 4.0, 3.0];
        let found = cut(&counts);
        assert!(found.len() > 10);
        for (a, b, chance) in found {
            let want = plain(&counts, a, b);
            assert!((chance - want).abs() < 1e-9, "{a} {b} {chance} {want}");
        }
    }

    #[test]
    fn a_burst_is_found_and_an_even_flow_has_none() {
        let mut flow = vec![6.0, 5.0, 7.0, 4.0, 6.0, 8.0, 5.0, 6.0, 4.0, 7.0, 6.0, 5.0];
        assert!(of(&flow).any < 0.2, "{:?}", of(&flow));
        flow[4] += 60.0;
        flow[5] += 70.0;
        let burst = of(&flow);
        let top = burst.windows.iter().max_by(|x, y| x.2.total_cmp(&y.2)).unwrap();
        assert_eq!((top.0, top.1), (4, 5), "{burst:?}");
        assert!(burst.any > 0.8 && top.2 > 0.6, "{burst:?}");
    }

    #[test]
    fn two_bursts_share_and_the_larger_does_not_take_all() {
        let mut flow = vec![5.0; 30];
        (flow[4], flow[20]) = (60.0, 400.0);
        let both = of(&flow);
        let at = |t: usize| both.windows.iter().filter(|w| w.0 == t && w.1 == t).map(|w| w.2).sum::<f64>();
        assert!(at(4) > 0.3 && at(20) > 0.3, "{both:?}");
    }

    #[test]
    fn days_hold_what_their_bins_held() {
        let column = |days: f64, bins: usize| Problem {
            columns: Vec::new(),
            strata: Vec::new(),
            harmed: Vec::new(),
            touches: Vec::new(),
            bins,
            bin_days: days,
            horizon: 70.0,
            clock: crate::attribute::Clock::Age,
        };
        let mut flow = vec![2.0; 10];
        flow[3] = 50.0;
        let weeks = of(&flow);
        let days = weeks.within(&column(7.0, 10), &column(1.0, 70));
        let total: f64 = days.windows.iter().map(|w| w.2).sum();
        assert!((total - 1.0).abs() < 1e-9);
        let in_week: f64 = days.windows.iter().filter(|w| w.0 / 7 == 3 && w.1 / 7 == 3).map(|w| w.2).sum();
        let week: f64 = weeks.windows.iter().filter(|w| (w.0, w.1) == (3, 3)).map(|w| w.2).sum();
        assert!((in_week - week).abs() < 1e-9 && week > 0.6, "{week} {in_week}");
    }
}
