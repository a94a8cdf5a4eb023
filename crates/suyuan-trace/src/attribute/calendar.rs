//! When honest harm strikes: by region and month, by stratum where it goes its own way, and by age.
//!
//! A wave of fraud adds to a region's months the same for all; an outlet whose own risk is high and even
//! hardly shows it, so harm there in a quiet month is no surprise, and an outlet whose own risk is low
//! meets harm in waves alone. So the months of a stratum are a mix of the even flow, its region's months
//! and its region's waves, in shares fitted to its harm, and then moved towards its own months by how far
//! strata were seen to differ. As with rates, a column's own harm is left out.
//! Of cards the calendar is what months saw beyond what the ages of all cards lead to expect.
//!
//! Always holds: the last month of the records counts for the days that it has.

use std::borrow::Cow;

use super::problem::{Clock, Column, Problem};

/// Months of the profile: four weeks each.
pub const MONTH: f64 = 28.0;

/// The month of a day.
pub fn month(day: f64, months: usize) -> usize {
    ((day / MONTH).max(0.0) as usize).min(months - 1)
}

/// Days of that month that lie within the records.
pub fn days(p: &Problem, month: usize) -> f64 {
    (p.horizon - month as f64 * MONTH).clamp(1.0, MONTH)
}

/// Shape of the gamma that describes groups whose counts `k` were expected to be `e`.
pub fn shape(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut over, mut square) = (0.0, 0.0);
    for (k, e) in pairs {
        over += (k - e) * (k - e) - k;
        square += e * e;
    }
    let variance = if square > 0.0 { over / square } else { 0.0 };
    1.0 / variance.clamp(0.05, 20.0)
}

/// A column's own harm: stratum, month, weight; in that order.
pub type Own = Vec<(u32, usize, f64)>;

/// The calendar of honest harm.
pub struct Calendar {
    /// Number of months.
    pub months: usize,
    /// By region, the three shapes that a stratum's months are mixed of; each sums to one.
    shapes: Vec<[Vec<f64>; 3]>,
    /// Harm of each stratum by month, and in all.
    harm: Vec<(Vec<f64>, f64)>,
    /// The months of each stratum, no harm left out.
    whole: Vec<Vec<f64>>,
    /// How closely strata follow their mix.
    shape: f64,
    /// Harm per day of what is at risk at each month of age, against all that is harmed; empty for calendar clocks.
    pub age: Vec<f64>,
    /// Share of all harm expected in each month by the age of what was touched until then alone.
    stock: Vec<f64>,
    /// Age of each harmed thing, by its first touch; empty for calendar clocks.
    ages: Vec<Option<f64>>,
}

impl Calendar {
    /// Fits the calendar to harm weighted by how much of it is [`spoken`].
    pub fn fit(p: &Problem, spoken: &[f64]) -> Calendar {
        let months = (p.horizon / MONTH).ceil().max(1.0) as usize;
        let mut harm = vec![(vec![0.0; months], 0.0); p.strata.len()];
        for (h, w) in p.harmed.iter().zip(spoken) {
            let slot = &mut harm[h.stratum as usize];
            slot.0[month(h.day, months)] += w;
            slot.1 += w;
        }
        let shapes = shapes(p, &harm, months);
        let mixed: Vec<Vec<f64>> =
            harm.iter().zip(&p.strata).map(|((k, _), s)| mix(k, &shapes[s.region as usize])).collect();
        let shape = shape(
            harm.iter()
                .zip(&mixed)
                .flat_map(|((k, all), g)| k.iter().zip(g).map(move |(k, g)| (*k, g * all))),
        );
        let ages = if p.clock == Clock::Age { first_ages(p) } else { Vec::new() };
        let age = by_age(p, &ages, spoken);
        let stock = stock(p, &touched(p), &age, months);
        let whole = harm.iter().zip(mixed).map(|((k, _), g)| towards(g, k, k.iter().sum(), shape)).collect();
        Calendar { months, shapes, whole, harm, shape, age, stock, ages }
    }

    /// Share of a stratum's honest harm in each month, as others than the column saw it.
    pub fn stratum(&self, p: &Problem, stratum: u32, own: &Own) -> Cow<'_, [f64]> {
        let first = own.partition_point(|x| x.0 < stratum);
        let own = own[first..].iter().take_while(|x| x.0 == stratum);
        if own.clone().next().is_none() {
            return Cow::Borrowed(&self.whole[stratum as usize]);
        }
        let mut others = self.harm[stratum as usize].0.clone();
        own.for_each(|x| others[x.1] = (others[x.1] - x.2).max(0.0));
        let mix = mix(&others, &self.shapes[p.strata[stratum as usize].region as usize]);
        Cow::Owned(towards(mix, &others, others.iter().sum(), self.shape))
    }

    /// Harm of a card that was opened so many days before the end of the records, against the mean of all cards.
    pub fn shown(&self, days: f64) -> f64 {
        let months = self.age.iter().enumerate();
        months.map(|(a, d)| d * (days - a as f64 * MONTH).clamp(0.0, MONTH)).sum()
    }

    /// Harm that a column's touches can have shown until the end of the records, against the mean of all touches.
    pub fn ripe(&self, p: &Problem, column: &Column) -> f64 {
        if self.age.is_empty() {
            return 1.0;
        }
        let each = column.exposure.iter().enumerate();
        let shown: f64 = each.map(|(t, n)| n * self.shown(p.horizon - p.middle(t))).sum();
        shown / column.exposure.iter().sum::<f64>().max(1e-12)
    }

    /// Harm of a stratum in each month, and the share that its region leads to expect.
    pub fn seen(&self, p: &Problem, stratum: u32) -> (&[f64], &[f64]) {
        let regional = &self.shapes[p.strata[stratum as usize].region as usize][1];
        (&self.harm[stratum as usize].0, regional)
    }

    /// Harm of a whole region in each month, and the share that an even flow would have.
    pub fn seen_around(&self, p: &Problem, region: u32) -> Vec<(f64, f64)> {
        let mut out: Vec<(f64, f64)> = self.shapes[region as usize][0].iter().map(|g| (0.0, *g)).collect();
        for (_, (harm, _)) in p.strata.iter().zip(&self.harm).filter(|(s, _)| s.region == region) {
            out.iter_mut().zip(harm).for_each(|(x, k)| x.0 += k);
        }
        out
    }

    /// Density per day of honest harm at the time of a touched thing, given the months of its stratum.
    pub fn density(&self, p: &Problem, harmed: u32, months: &[f64]) -> f64 {
        let at = month(p.harmed[harmed as usize].day, self.months);
        let d = match self.ages.get(harmed as usize) {
            // By age, more or less in months that saw more or less than the ages of all cards lead to expect.
            Some(Some(a)) => {
                let times = months[at] / self.stock[at].max(1e-12);
                self.age[month(*a, self.age.len())] * times.clamp(0.2, 5.0)
            }
            _ => months[at] / days(p, at),
        };
        d.max(0.02 / p.horizon)
    }
}

/// Harm that the shapes count for before any is seen: mostly as the region.
const PRIOR: [f64; 3] = [1.0, 4.0, 1.0];
/// Rounds in which the shares of the mix are fitted.
const ROUNDS: usize = 12;

/// The mix of the shapes that fits these months.
fn mix(harm: &[f64], shapes: &[Vec<f64>; 3]) -> Vec<f64> {
    let prior: f64 = PRIOR.iter().sum();
    let mut share = PRIOR.map(|x| x / prior);
    let at = |share: &[f64; 3], m: usize| -> f64 { (0..3).map(|i| share[i] * shapes[i][m]).sum() };
    for _ in 0..ROUNDS {
        let mut next = PRIOR;
        for (m, k) in harm.iter().enumerate().filter(|(_, k)| **k > 0.0) {
            let all = at(&share, m).max(1e-12);
            next.iter_mut().enumerate().for_each(|(i, x)| *x += k * share[i] * shapes[i][m] / all);
        }
        let total: f64 = next.iter().sum();
        share = next.map(|x| x / total);
    }
    (0..harm.len()).map(|m| at(&share, m)).collect()
}

/// A mix moved towards the months themselves, which hold that much in all.
fn towards(mut mix: Vec<f64>, harm: &[f64], all: f64, shape: f64) -> Vec<f64> {
    for (g, k) in mix.iter_mut().zip(harm) {
        *g *= (k + shape) / (*g * all + shape);
    }
    mix
}

/// By region: everybody's months, the region's own (shrunk to everybody's), and what in the region rises
/// above its quiet months.
fn shapes(p: &Problem, harm: &[(Vec<f64>, f64)], months: usize) -> Vec<[Vec<f64>; 3]> {
    let regions = p.strata.iter().map(|s| s.region as usize + 1).max().unwrap_or(0);
    let mut all: Vec<f64> = (0..months).map(|m| 2.0 * days(p, m) / MONTH).collect();
    let mut by = vec![vec![0.0; months]; regions];
    for (s, (k, _)) in p.strata.iter().zip(harm) {
        for (m, k) in k.iter().enumerate() {
            all[m] += k;
            by[s.region as usize][m] += k;
        }
    }
    normed(&mut all);
    let sums: Vec<f64> = by.iter().map(|r| r.iter().sum()).collect();
    let a = shape(by.iter().zip(&sums).flat_map(|(r, s)| r.iter().zip(&all).map(move |(k, g)| (*k, g * s))));
    by.iter()
        .zip(&sums)
        .map(|(r, s)| {
            let mut own: Vec<f64> = r.iter().zip(&all).map(|(k, g)| g * (k + a) / (g * s + a)).collect();
            normed(&mut own);
            let mut rise: Vec<f64> = own.iter().zip(&all).map(|(x, g)| x / g).collect();
            rise.sort_by(f64::total_cmp);
            let quiet = rise[months / 4];
            let mut waves: Vec<f64> =
                own.iter().zip(&all).map(|(x, g)| (x - quiet * g).max(0.0) + 1e-4 * g).collect();
            normed(&mut waves);
            [all.clone(), own, waves]
        })
        .collect()
}

fn normed(values: &mut [f64]) {
    let total: f64 = values.iter().sum();
    values.iter_mut().for_each(|x| *x /= total);
}

fn first_ages(p: &Problem) -> Vec<Option<f64>> {
    let mut out: Vec<Option<f64>> = vec![None; p.harmed.len()];
    for t in &p.touches {
        let age = p.harmed[t.harmed as usize].day - t.day;
        let slot = &mut out[t.harmed as usize];
        *slot = Some(slot.map_or(age, |a: f64| a.max(age)));
    }
    out
}

/// Harm by which one shop tells at what ages and in which months cards are misused: a lot of blank cards must not make
/// its own pace look like everybody's.
const TELLS: f64 = 1.0;

/// How much of each harm speaks of when harm strikes: of a shop's cards, no more than [`TELLS`] together.
pub fn spoken<'a>(p: &Problem, unexplained: &'a [f64]) -> Cow<'a, [f64]> {
    if p.clock == Clock::Calendar {
        return Cow::Borrowed(unexplained);
    }
    let mut most = vec![1.0f64; p.harmed.len()];
    for range in p.ranges() {
        let of_shop = range.map(|e| p.touches[e].harmed as usize);
        let all: f64 = of_shop.clone().map(|h| unexplained[h]).sum();
        of_shop.for_each(|h| most[h] = most[h].min(TELLS / all.max(TELLS)));
    }
    Cow::Owned(most.iter().zip(unexplained).map(|(m, w)| m * w).collect())
}

fn by_age(p: &Problem, ages: &[Option<f64>], spoken: &[f64]) -> Vec<f64> {
    if ages.is_empty() {
        return Vec::new();
    }
    let n = (p.horizon / MONTH).ceil().max(1.0) as usize;
    let mut count = vec![0.0; n];
    for (age, w) in ages.iter().zip(spoken) {
        if let Some(age) = age {
            count[month(*age, n)] += w;
        }
    }
    // Few cards are old when the records end, so harm is counted against what was at risk at each age.
    let touched = touched(p);
    let risk: Vec<f64> = (0..n).map(|a| at_risk(p, &touched, a)).collect();
    let (all, exposed) = (count.iter().sum::<f64>() + STEADY, risk.iter().sum::<f64>().max(1e-9));
    let steady = STEADY * exposed / all;
    let hazard: Vec<f64> = count.iter().zip(&risk).map(|(k, r)| (k + STEADY) / (r + steady)).collect();
    let total: f64 = hazard.iter().zip(&risk).map(|(h, r)| h * r).sum::<f64>().max(1e-12);
    let things: f64 = touched.iter().sum();
    hazard.iter().map(|h| h * things / total).collect()
}

/// Harm at each age that a steady risk counts for.
const STEADY: f64 = 0.5;

/// All that was touched, by bin, parts of columns left out.
fn touched(p: &Problem) -> Vec<f64> {
    let mut out = vec![0.0; p.bins];
    for c in p.columns.iter().filter(|c| c.whole.is_none()) {
        out.iter_mut().zip(&c.exposure).for_each(|(x, n)| *x += n);
    }
    out
}

/// Days of that month of age that what was touched spent in the records.
fn at_risk(p: &Problem, touched: &[f64], age: usize) -> f64 {
    let days = |t: usize| p.horizon - p.middle(t) - age as f64 * MONTH;
    touched.iter().enumerate().map(|(t, n)| n * days(t).clamp(0.0, MONTH)).sum()
}

/// Share of harm by month when it hangs on the `age` of what was `touched` alone.
pub fn stock(p: &Problem, touched: &[f64], age: &[f64], months: usize) -> Vec<f64> {
    let mut out = vec![0.0; months];
    for (t, n) in touched.iter().enumerate() {
        let opened = p.middle(t);
        // What would come after the end of the records has not come.
        let harmed = age.iter().enumerate().map(|(a, d)| (opened + (a as f64 + 0.5) * MONTH, d));
        for (day, d) in harmed.take_while(|x| x.0 < p.horizon) {
            out[month(day, months)] += n * d;
        }
    }
    let total: f64 = out.iter().sum::<f64>().max(1e-12);
    out.iter().map(|x| x / total).collect()
}
