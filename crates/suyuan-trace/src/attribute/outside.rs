//! How much of the harm no recorded column explains.
//!
//! A source takes of each harmed thing its responsibility; what all of them leave came from elsewhere: an honest
//! risk, another channel, a system that keeps no log. The expected number is the sum of what is left. The interval is
//! drawn: each column leaked or not by its probability, and each thing came by those that did or not.
//!
//! Always holds: a column never explains more than what it touched before the harm.
//! Blind to: that the model itself is wrong; responsibilities below 0.2 % are not counted.

use super::Scored;
use super::dice::Dice;

/// Draws behind the interval.
const DRAWS: usize = 1000;
/// What lies outside each limit.
const TAIL: f64 = 0.05;

/// Expected number of `harmed` things that no column explains, and what it lies between with 90 %.
pub fn outside(harmed: usize, scored: &[Scored]) -> (f64, f64, f64) {
    let taken: f64 = scored.iter().flat_map(|s| &s.explains).map(|x| x.1).sum();
    let mean = (harmed as f64 - taken).max(0.0);
    let sources: Vec<(f64, &[(u32, f64)])> = scored
        .iter()
        .filter(|s| !s.explains.is_empty())
        .map(|s| (s.probability.max(1e-9), &s.explains[..]))
        .collect();
    let mut dice = Dice::new(harmed as u64);
    let mut part = vec![0.0f64; harmed];
    let mut left: Vec<usize> = (0..DRAWS)
        .map(|_| {
            part.fill(0.0);
            for (p, explains) in &sources {
                if dice.unit() < *p {
                    explains.iter().for_each(|(h, r)| part[*h as usize] += r / p);
                }
            }
            part.iter().filter(|x| dice.unit() >= **x).count()
        })
        .collect();
    left.sort_unstable();
    let at = |q: f64| left[((DRAWS as f64 * q) as usize).min(DRAWS - 1)] as f64;
    (mean, at(TAIL).min(mean), at(1.0 - TAIL).max(mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(probability: f64, explains: Vec<(u32, f64)>) -> Scored {
        Scored {
            column: 0,
            probability,
            log_factor: 0.0,
            log_e_value: 0.0,
            listed: false,
            certified: false,
            harmed: 0,
            expected: 0.0,
            inside: 0.0,
            window: None,
            limits: None,
            canaries: None,
            explains,
            set: Vec::new(),
        }
    }

    #[test]
    fn a_sure_source_takes_its_things_and_a_doubtful_one_widens_the_interval() {
        assert_eq!(outside(30, &[]), (30.0, 30.0, 30.0));
        let sure = scored(0.999, (0..20).map(|h| (h, 0.999)).collect());
        let (mean, low, high) = outside(30, &[sure]);
        assert!((mean - 10.02).abs() < 0.01 && low == 10.0 && high < 12.0, "{mean} {low} {high}");
        let doubtful = scored(0.5, (0..20).map(|h| (h, 0.5)).collect());
        let (mean, low, high) = outside(30, &[doubtful]);
        assert!((mean - 20.0).abs() < 0.01 && low == 10.0 && high == 30.0, "{mean} {low} {high}");
    }
}
