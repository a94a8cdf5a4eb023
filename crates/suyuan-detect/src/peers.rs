//! What a day of someone's work may be expected to hold: own history, shrunk to peers.
//!
//! Counts a day (openings, look-ups, exports ...) are taken as negative binomial. An account's mean is its own mean over
//! the earlier days of the window, shrunk by empirical Bayes to the mean of its role at its outlet, that to its role's, that to all
//! staff's; how far is read off the spread between accounts and between outlets. Days of the week have factors; the
//! spread from day to day is the role's, corrected by the account's own. The surprise of a count is -ln P(as many or
//! more); the surprise of a day is the sum of its two largest. [`Past`] turns it into a rate among the staff-days seen so
//! far (a conformal p-value with an exponential tail beyond the rarest), since the model's own p-values are too small where counts
//! spread more than it thinks. [`discoveries`] holds the share of false alarms of a day (Benjamini and Hochberg).
//!
//! Invariants: the day that is scored is in no baseline; one more act never lowers a day's surprise; sums run in the order
//! of the members given, so the same members give the same bits.
//! Blind to: growth over months, which the window follows; someone who has done it from the first day on in a role
//! where all do.

use serde::{Deserialize, Serialize};

/// A day's counts of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// Day of China's civil time, from 1970-01-01.
    pub day: i64,
    /// Which of the eight kinds of day it is: Monday 0 ... Sunday 6.
    pub weekday: u8,
    /// One count a feature.
    pub counts: Vec<u32>,
}

/// An account with its earlier days.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Index of its role.
    pub role: usize,
    /// Index of its outlet; the same number in two roles means two groups.
    pub outlet: usize,
    /// Earlier days in the window, oldest first.
    pub days: &'a [DayCounts],
    /// Known to be no one's peer: its days are in no baseline but its own.
    pub apart: bool,
}

/// What is expected of one count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Mean.
    pub mean: f64,
    /// Size of the negative binomial: variance = mean + mean^2 / size.
    pub size: f64,
}

/// What a member does on a day like all others.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    mean: f64,
    /// How well the mean is known.
    variance: f64,
    /// Day-to-day spread beyond Poisson: variance = mean + phi mean^2.
    phi: f64,
}

/// Weight of "no effect" in a weekday's factor, in counts.
const WEEKDAY_PRIOR: f64 = 50.0;
/// Weight of all staff in a role's mean, in staff-days.
const ROLE_PRIOR: f64 = 28.0;
/// Weight of the role in an account's own spread, in days.
const SPREAD_PRIOR: f64 = 20.0;
/// Accounts of one outlet differ at least so much (variance of the ratio to their mean).
const LEAST_SPREAD: f64 = 0.02;
/// Nothing is expected less than this often a day: a few weeks without say no more.
const LEAST_MEAN: f64 = 0.02;
/// One count says no more than this, nats.
const MOST_OF_ONE: f64 = 60.0;

#[derive(Clone, Debug)]
struct Role {
    mean: f64,
    weekday: [f64; 7],
    /// Day-to-day spread beyond Poisson: variance = mean + phi mean^2.
    phi: f64,
    /// Between accounts of one outlet, of the ratio to the mean.
    between: f64,
}

/// The baselines of one day.
#[derive(Debug)]
pub struct Baselines {
    features: usize,
    /// By role and feature.
    roles: Vec<Vec<Role>>,
    /// By outlet, role and feature: the mean there.
    outlets: std::collections::BTreeMap<(usize, usize), Vec<f64>>,
}

impl Baselines {
    /// Fits the earlier days of the members; `roles` is the number of roles.
    pub fn fit(members: &[Member<'_>], roles: usize, features: usize) -> Baselines {
        let mut out = Baselines {
            features,
            roles: vec![Vec::with_capacity(features); roles],
            outlets: std::collections::BTreeMap::new(),
        };
        let peers: Vec<&Member<'_>> = members.iter().filter(|m| !m.apart && !m.days.is_empty()).collect();
        for m in &peers {
            out.outlets.entry((m.role, m.outlet)).or_insert_with(|| Vec::with_capacity(features));
        }
        // All days of all members in a row: what is read many times lies near.
        let weekdays: Vec<u8> = peers.iter().flat_map(|m| m.days).map(|d| d.weekday).collect();
        let mut counts = vec![0; weekdays.len()];
        for f in 0..features {
            let days = peers.iter().flat_map(|m| m.days);
            counts.iter_mut().zip(days).for_each(|(c, d)| *c = d.counts[f]);
            out.feature(&peers, &counts, &weekdays, roles);
        }
        out
    }

    fn feature(&mut self, peers: &[&Member<'_>], mut counts: &[u32], mut weekdays: &[u8], roles: usize) {
        let mut groups: Vec<Vec<Line<'_>>> = vec![Vec::new(); roles];
        let (mut total, mut days) = (0.0, 0.0);
        for m in peers {
            let (own, kinds);
            (own, counts) = counts.split_at(m.days.len());
            (kinds, weekdays) = weekdays.split_at(m.days.len());
            let sum = own.iter().map(|c| u64::from(*c)).sum::<u64>() as f64;
            total += sum;
            days += own.len() as f64;
            groups[m.role].push(Line { outlet: m.outlet, counts: own, weekdays: kinds, sum, exposed: 0.0 });
        }
        let all = (total + 0.01) / (days + 1.0);
        // The spread of all staff stands in where a role is small.
        let mut spread = (0.0, 0.0);
        let mut firsts = Vec::with_capacity(roles);
        for group in &mut groups {
            let weekday = factors(group);
            for m in group.iter_mut() {
                m.exposed = m.weekdays.iter().map(|w| weekday[usize::from(*w)]).sum();
            }
            let (excess, scale) = excess(group, &weekday);
            spread = (spread.0 + excess, spread.1 + scale);
            firsts.push((weekday, excess, scale));
        }
        let phi_all = (spread.0 / spread.1.max(1e-9)).clamp(0.001, 50.0);
        for (role, group) in groups.iter().enumerate() {
            let (weekday, excess, scale) = firsts[role];
            let total: f64 = group.iter().map(|m| m.sum).sum();
            let exposure: f64 = group.iter().map(|m| m.exposed).sum();
            let mean = ((total + ROLE_PRIOR * all) / (exposure + ROLE_PRIOR)).max(1e-6);
            let weight = 100.0 * mean * mean;
            let phi = ((excess + weight * phi_all) / (scale + weight)).clamp(0.001, 50.0);
            let (between, outlets) = between(group, mean, phi);
            self.roles[role].push(Role { mean, weekday, phi, between });
            for (outlet, ratio) in outlets {
                if let Some(list) = self.outlets.get_mut(&(role, outlet)) {
                    list.push(mean * ratio);
                }
            }
        }
    }

    /// What a member does, by feature, whatever day it is.
    pub fn usual(&self, m: &Member<'_>) -> Vec<Usual> {
        let outlet = self.outlets.get(&(m.role, m.outlet));
        (0..self.features)
            .map(|f| {
                let r = &self.roles[m.role][f];
                let prior = outlet.and_then(|o| o.get(f)).copied().unwrap_or(r.mean);
                let (own_total, exposure) = (sum(m.days, f), exposed(m.days, &r.weekday));
                let prior_info = 1.0 / (r.between * prior * prior);
                let (mut mean, mut variance) = (prior, 1.0 / prior_info);
                for _ in 0..3 {
                    // How much the own mean tells depends on the mean itself; thrice is enough.
                    let info = exposure / (mean * (1.0 + r.phi * mean));
                    let own = if exposure > 0.0 { own_total / exposure } else { 0.0 };
                    mean = ((info * own + prior_info * prior) / (info + prior_info)).max(1e-6);
                    variance = 1.0 / (info + prior_info);
                }
                Usual { mean, variance, phi: own_phi(m.days, f, r, mean) }
            })
            .collect()
    }

    /// What is expected of a member of a role on such a day; `busy` is how much more all of the role do that day, by feature.
    pub fn expected(&self, usual: &[Usual], role: usize, weekday: u8, busy: &[f64]) -> Vec<Expected> {
        let of = |(f, u): (usize, &Usual)| {
            let Usual { mean, variance, phi } = *u;
            let by_day = self.roles[role][f].weekday[usize::from(weekday)];
            let factor = by_day * busy.get(f).copied().unwrap_or(1.0);
            let today = (mean * factor).max(LEAST_MEAN);
            let beyond = phi * today * today + (1.0 + phi) * variance * factor * factor;
            Expected { mean: today, size: today * today / beyond.max(1e-9) }
        };
        usual.iter().enumerate().map(of).collect()
    }
}

/// The days of a member, of one feature.
#[derive(Clone, Copy)]
struct Line<'a> {
    outlet: usize,
    counts: &'a [u32],
    weekdays: &'a [u8],
    sum: f64,
    /// Days, each by its weekday's factor.
    exposed: f64,
}

fn sum(days: &[DayCounts], f: usize) -> f64 {
    days.iter().map(|d| u64::from(d.counts[f])).sum::<u64>() as f64
}

fn exposed(days: &[DayCounts], weekday: &[f64; 7]) -> f64 {
    days.iter().map(|d| weekday[usize::from(d.weekday)]).sum()
}

/// How much a day of the week differs, each account against its own mean.
fn factors(group: &[Line<'_>]) -> [f64; 7] {
    let (mut seen, mut expected) = ([WEEKDAY_PRIOR; 7], [WEEKDAY_PRIOR; 7]);
    for m in group {
        let mean = m.sum / m.counts.len() as f64;
        for (count, w) in m.counts.iter().zip(m.weekdays) {
            seen[usize::from(*w)] += f64::from(*count);
            expected[usize::from(*w)] += mean;
        }
    }
    std::array::from_fn(|w| (seen[w] / expected[w]).max(0.02))
}

/// Sums for the day-to-day spread: what the squares hold beyond Poisson, and the squared means.
fn excess(group: &[Line<'_>], weekday: &[f64; 7]) -> (f64, f64) {
    let (mut excess, mut scale) = (0.0, 0.0);
    for m in group.iter().filter(|m| m.counts.len() > 1) {
        let n = m.counts.len() as f64;
        let mean = m.sum / m.exposed.max(1e-9);
        for (count, w) in m.counts.iter().zip(m.weekdays) {
            let mu = mean * weekday[usize::from(*w)];
            let y = f64::from(*count);
            excess += (y - mu) * (y - mu) * n / (n - 1.0) - mu;
            scale += mu * mu * (1.0 - 1.0 / n) - mu / n / n;
        }
    }
    (excess, scale.max(0.0))
}

/// The spread between accounts of one outlet, and by outlet the shrunk ratio of its mean to the role's.
fn between(group: &[Line<'_>], mean: f64, phi: f64) -> (f64, Vec<(usize, f64)>) {
    let mut by_outlet: std::collections::BTreeMap<usize, Vec<(f64, f64)>> = std::collections::BTreeMap::new();
    let (mut all, mut n) = (0.0, 0.0);
    for m in group {
        let exposure = m.exposed.max(1e-9);
        let off = m.sum / exposure / mean - 1.0;
        let noise = (1.0 / mean + phi) / exposure;
        all += off * off - noise;
        n += 1.0;
        by_outlet.entry(m.outlet).or_default().push((off, noise));
    }
    let total = if n > 1.0 { (all / n).max(LEAST_SPREAD) } else { 1.0 };
    // Accounts of one outlet have in common what their outlet does: the mean product of pairs.
    let (mut pairs, mut products) = (0.0, 0.0);
    for list in by_outlet.values() {
        let (s, q) = list.iter().fold((0.0, 0.0), |(s, q), (off, _)| (s + off, q + off * off));
        products += s * s - q;
        pairs += (list.len() * (list.len() - 1)) as f64;
    }
    let common = if pairs > 0.0 { (products / pairs).clamp(0.0, total) } else { 0.0 };
    let within = (total - common).max(LEAST_SPREAD);
    let outlets = by_outlet
        .into_iter()
        .map(|(outlet, list)| {
            let n = list.len() as f64;
            let (off, noise) = list.iter().fold((0.0, 0.0), |(o, v), (off, noise)| (o + off, v + noise));
            let share = common / (common + within / n + noise / n / n).max(1e-12);
            (outlet, (1.0 + share * off / n).max(0.01))
        })
        .collect();
    (within, outlets)
}

/// The account's own day-to-day spread, shrunk to its role's.
fn own_phi(days: &[DayCounts], f: usize, r: &Role, mean: f64) -> f64 {
    let (mut excess, mut scale) = (0.0, 0.0);
    for d in days {
        let mu = mean * r.weekday[usize::from(d.weekday)];
        let y = f64::from(d.counts[f]);
        // Of one day no more than a role's worst: a single outlier is what we look for, not a habit.
        excess += ((y - mu) * (y - mu) - mu).min(9.0 * (mu + r.phi * mu * mu));
        scale += mu * mu;
    }
    let weight = SPREAD_PRIOR * mean * mean;
    ((excess + weight * r.phi) / (scale + weight)).max(r.phi * 0.7).max(0.001)
}

/// A day's surprise.
#[derive(Clone, Debug, PartialEq)]
pub struct Surprise {
    /// By feature, nats.
    pub nats: Vec<f64>,
    /// The two most surprising features, the most surprising first; one where there is only one feature.
    pub top: Vec<usize>,
    /// Their sum, nats.
    pub score: f64,
}

/// How surprising counts are.
pub fn surprise(counts: &[u32], expected: &[Expected]) -> Surprise {
    let nats: Vec<f64> = counts
        .iter()
        .zip(expected)
        .map(|(k, e)| (-ln_tail(u64::from(*k), e.mean, e.size)).min(MOST_OF_ONE))
        .collect();
    let mut top: Vec<usize> = (0..nats.len()).collect();
    top.sort_by(|a, b| nats[*b].total_cmp(&nats[*a]).then(a.cmp(b)));
    top.truncate(2);
    let score = top.iter().map(|f| nats[*f]).sum();
    Surprise { nats, top, score }
}

/// ln P(`k` or more) of a negative binomial with that mean and size.
pub fn ln_tail(k: u64, mean: f64, size: f64) -> f64 {
    if k == 0 {
        return 0.0;
    }
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    // P(K >= k) is the regularised incomplete beta function I_x(k, size).
    let (a, b, x) = (k as f64, size, mean / (mean + size));
    let (ln_x, ln_y) = (-(size / mean).ln_1p(), -(mean / size).ln_1p());
    let front = a * ln_x + b * ln_y + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    if x < (a + 1.0) / (a + b + 2.0) {
        (front - a.ln() + fraction(a, b, x).ln()).min(0.0)
    } else {
        let rest = (front - b.ln() + fraction(b, a, 1.0 - x).ln()).exp().min(1.0);
        (-rest).ln_1p()
    }
}

/// The continued fraction of the incomplete beta function (Lentz).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut h = d;
    for m in 1..2_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    h
}

/// ln of the gamma function (Lanczos, g = 7).
#[expect(clippy::excessive_precision, reason = "the published coefficients")]
fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_13,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_571_6e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_93;
    for (i, c) in C.iter().enumerate() {
        sum += c / (x + i as f64 + 1.0);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// Scores of past staff-days, in steps of a twentieth of a nat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    counts: Vec<u32>,
    total: u64,
}

/// Steps a nat.
const STEPS: f64 = 20.0;
/// Scores beyond this many nats count as this.
const MOST: f64 = 200.0;
/// So many of the highest scores, or one in a hundred, make the tail.
const TAIL: u64 = 60;

impl Past {
    /// Takes a staff-day in.
    pub fn add(&mut self, score: f64) {
        let at = (score.clamp(0.0, MOST) * STEPS) as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.total += 1;
    }
    /// Staff-days taken in.
    pub fn len(&self) -> u64 {
        self.total
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
    /// Which share of staff-days is at least as surprising; never 0.
    pub fn rate(&self, score: f64) -> f64 {
        let at = (score.clamp(0.0, MOST) * STEPS) as usize;
        let above: u64 = self.counts.iter().skip(at).map(|c| u64::from(*c)).sum();
        let empirical = (above + 1) as f64 / (self.total + 1) as f64;
        let wanted = TAIL.max(self.total / 100);
        if above >= wanted || self.total < 2 * TAIL {
            return empirical;
        }
        // The tail from its beginning on: exponential, with the mean excess of what lies in it.
        let (mut n, mut begin) = (0u64, self.counts.len());
        while n < wanted && begin > 0 {
            begin -= 1;
            n += u64::from(self.counts[begin]);
        }
        let excess: f64 = (begin..self.counts.len())
            .map(|i| f64::from(self.counts[i]) * ((i - begin) as f64 + 0.5) / STEPS)
            .sum();
        // Not steeper than a surprise that is what it says.
        let mean = (excess / n as f64).max(1.0);
        let beyond = (score - begin as f64 / STEPS).max(0.0);
        (n as f64 / self.total as f64 * (-beyond / mean).exp()).clamp(f64::MIN_POSITIVE, 1.0)
    }
}

/// Which of the rates are discoveries when at most the share `q` of them may be false (Benjamini and Hochberg).
pub fn discoveries(rates: &[f64], q: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..rates.len()).collect();
    order.sort_by(|a, b| rates[*a].total_cmp(&rates[*b]).then(a.cmp(b)));
    let n = rates.len() as f64;
    let last = (0..order.len()).rev().find(|i| rates[order[*i]] <= q * (*i + 1) as f64 / n);
    let mut out = vec![false; rates.len()];
    if let Some(last) = last {
        order[..=last].iter().for_each(|i| out[*i] = true);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tails_agree_with_scipy() {
        // scipy.stats.nbinom.logsf(k - 1, size, size / (size + mean))
        for (k, mean, size, want) in include!("peers/scipy.in") {
            let got = ln_tail(k, mean, size);
            assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{k} {mean} {size}: {got} {want}");
        }
    }

    fn days(counts: &[u32]) -> Vec<DayCounts> {
        counts
            .iter()
            .enumerate()
            .map(|(i, c)| DayCounts { day: i as i64, weekday: (i % 7) as u8, counts: vec![*c] })
            .collect()
    }

    #[test]
    fn own_history_counts_and_peers_stand_in() {
        let quiet: Vec<Vec<DayCounts>> = (0..20).map(|i| days(&[2 + i % 2, 1, 2, 3, 2, 1, 2, 2])).collect();
        let busy = days(&[20, 22, 19, 21, 18, 20, 23, 20]);
        let of = |d: &'static [DayCounts]| Member { role: 0, outlet: 0, days: d, apart: false };
        let leak = |d: Vec<DayCounts>| -> &'static [DayCounts] { Box::leak(d.into_boxed_slice()) };
        let mut members: Vec<Member<'_>> = quiet.into_iter().map(|d| of(leak(d))).collect();
        members.push(of(leak(busy)));
        members.push(of(&[]));
        let b = Baselines::fit(&members, 1, 1);
        let mean = |m: &Member<'_>| b.expected(&b.usual(m), m.role, 0, &[])[0].mean;
        assert!(
            mean(&members[0]) < 3.0 && mean(&members[20]) > 14.0,
            "{} {}",
            mean(&members[0]),
            mean(&members[20])
        );
        assert!((mean(&members[21]) - 2.8).abs() < 1.0, "{}", mean(&members[21]));
        let at = |m: &Member<'_>, k| surprise(&[k], &b.expected(&b.usual(m), m.role, 0, &[])).score;
        assert!(at(&members[0], 20) > 8.0 && at(&members[20], 20) < 2.0);
    }

    #[test]
    fn rates_are_of_the_past_and_go_on_beyond_it() {
        let mut p = Past::default();
        // A thousandth of an exponential with mean 1.
        (0..20_000).for_each(|i| p.add(-((f64::from(i) + 0.5) / 20_000.0).ln()));
        for (score, want) in [(2.0f64, 0.1353), (4.6, 0.01), (9.2, 1e-4), (13.8, 1e-6)] {
            let got = p.rate(score);
            assert!((got / want).ln().abs() < 0.5, "{score}: {got} {want}");
        }
    }

    #[test]
    fn discoveries_are_those_of_benjamini_and_hochberg() {
        // statsmodels.stats.multitest.multipletests(p, .05, "fdr_bh")
        let p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216];
        let found = discoveries(&p, 0.05);
        assert_eq!(found.iter().filter(|f| **f).count(), 2);
        assert!(found[0] && found[1]);
    }

    proptest! {
        #[test]
        fn one_more_act_never_lowers_the_surprise(
            counts in proptest::collection::vec(0u32..300, 3),
            means in proptest::collection::vec(0.001f64..200.0, 3),
            sizes in proptest::collection::vec(0.05f64..100.0, 3),
            at in 0usize..3,
        ) {
            let expected: Vec<Expected> =
                means.iter().zip(&sizes).map(|(m, s)| Expected { mean: *m, size: *s }).collect();
            let before = surprise(&counts, &expected).score;
            let mut more = counts;
            more[at] += 1;
            prop_assert!(surprise(&more, &expected).score >= before - 1e-9);
        }

        #[test]
        fn the_rate_falls_with_the_score(scores in proptest::collection::vec(0f64..30.0, 1..400), a in 0f64..60.0, d in 0f64..9.0) {
            let mut p = Past::default();
            scores.iter().for_each(|s| p.add(*s));
            prop_assert!(p.rate(a + d) <= p.rate(a) + 1e-12);
            prop_assert!(p.rate(a + d) > 0.0);
        }
    }
}
