//! Never less than the sum over all windows, in linear time: a thing touched in several bins gains at most the sum of what
//! each bin gains. Columns and rates that this rules out are not summed exactly.

use super::grid::{LENGTH, LENGTH_SHARE, THETA, THETA_SHARE};
use super::kernel::{Scratch, Thing};
use super::special::{exp, log_sum_exp};
use super::stretch::Stretches;

/// A product beyond this is put into its logarithm: one more factor still fits.
pub(super) const FULL: f64 = 1e150;

/// By bin and rate, the logs of what each bin gains by its things and loses by its exposure. Numbers are multiplied as far as
/// they reach, since most of the time would go into logarithms.
pub(super) fn gains(things: &[Thing], m: f64, ripe: &[f64]) -> Vec<[f64; THETA.len()]> {
    let mut out: Vec<[f64; THETA.len()]> = ripe.iter().map(|r| THETA.map(|theta| -theta * r)).collect();
    let mut products = vec![[1.0; THETA.len()]; ripe.len()];
    let settle = |gain: &mut [f64; THETA.len()], product: &mut [f64; THETA.len()]| {
        gain.iter_mut().zip(std::mem::replace(product, [1.0; THETA.len()])).for_each(|(g, p)| *g += p.ln());
    };
    for x in things.iter().filter(|x| !x.touches.is_empty()) {
        let scale = 1.0 / (x.rest + m * x.beta);
        for (bin, f) in &x.touches {
            let (product, by) = (&mut products[*bin], scale * f);
            product.iter_mut().zip(THETA).for_each(|(p, theta)| *p *= 1.0 + theta * by);
            // The last rate is the greatest.
            if product[THETA.len() - 1] > FULL {
                settle(&mut out[*bin], product);
            }
        }
    }
    out.iter_mut().zip(&mut products).filter(|x| x.1[THETA.len() - 1] > 1.0).for_each(|(g, p)| settle(g, p));
    out
}

/// By bin and rate, the exponential of what a bin gains that holds no touch of a harmed thing: the same for all frailties.
pub(super) fn untouched(ripe: &[f64]) -> Vec<[f64; THETA.len()]> {
    ripe.iter().map(|r| THETA.map(|theta| exp(-theta * r))).collect()
}

/// By rate: never less than the log of the sum over all windows and lengths, on the fixed grid; `untouched` is of this `ripe`.
pub(super) fn bounds(
    room: &Scratch,
    things: &[Thing],
    m: f64,
    ripe: &[f64],
    untouched: &[[f64; THETA.len()]],
) -> [f64; THETA.len()] {
    let gains = gains(things, m, ripe);
    let mut touched = vec![false; ripe.len()];
    things.iter().flat_map(|x| &x.touches).for_each(|t| touched[t.0] = true);
    let (mut run, mut top) = ([f64::NEG_INFINITY; THETA.len()], [f64::NEG_INFINITY; THETA.len()]);
    for gain in &gains {
        for ((run, top), v) in run.iter_mut().zip(&mut top).zip(gain) {
            *run = v + run.max(0.0);
            *top = top.max(*run);
        }
    }
    // All rates side by side: one after the other, each step would wait for the one before.
    let shift = top.map(|top| top.max(0.0));
    let unit = shift.map(|shift| exp(-shift));
    let mut ending = [[0.0; THETA.len()]; LENGTH.len()];
    let mut sums = [[0.0; THETA.len()]; LENGTH.len()];
    for ((gain, touched), untouched) in gains.iter().zip(&touched).zip(untouched) {
        let r = if *touched { gain.map(exp) } else { *untouched };
        for ((ending, sums), h) in ending.iter_mut().zip(&mut sums).zip(LENGTH) {
            for rate in 0..THETA.len() {
                ending[rate] = r[rate] * (unit[rate] + h * ending[rate]);
                sums[rate] += ending[rate];
            }
        }
    }
    let weights: [f64; LENGTH.len()] = std::array::from_fn(|h| LENGTH_SHARE[h] * (-room.norms[h]).exp());
    std::array::from_fn(|rate| {
        if top[rate] > 600.0 {
            // Beyond what the sums can hold; no mean over windows exceeds the best.
            return top[rate];
        }
        let total: f64 = sums.iter().zip(weights).map(|(z, w)| z[rate] * w).sum();
        shift[rate] + total.max(1e-300).ln()
    })
}

/// The log factor of a column that met next to nothing, at the honest risk that is expected of it, on the fixed grid.
pub fn faint(room: &Scratch, things: &[Thing], ripe: &[f64]) -> f64 {
    let bounds = bounds(room, things, 1.0, ripe, &untouched(ripe));
    log_sum_exp(&std::array::from_fn::<f64, { THETA.len() }, _>(|rate| bounds[rate] + THETA_SHARE[rate].ln()))
}

/// The same as [`bounds`] over a column's stretches.
pub(super) fn bounds_of(stretches: &Stretches, things: &[Thing], m: f64, ripe: &[f64]) -> [f64; THETA.len()] {
    let gains = gains(things, m, ripe);
    let weights: Vec<f64> = stretches.windows.iter().map(|w| w.2.ln()).collect();
    let mut sums = vec![0.0; ripe.len() + 1];
    std::array::from_fn(|rate| {
        for (t, g) in gains.iter().enumerate() {
            sums[t + 1] = sums[t] + g[rate];
        }
        let windows = stretches.windows.iter().zip(&weights);
        log_sum_exp(&windows.map(|((a, b, _), w)| sums[b + 1] - sums[*a] + w).collect::<Vec<f64>>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bins_gain_agrees_with_the_plain_sum() {
        let things: Vec<Thing> = (0..900)
            .map(|i| Thing {
                // Some are as good as certain to have leaked: their products grow fast.
                beta: if i % 5 == 0 { 1e-15 } else { 1e-4 * (1.0 + i as f64) },
                rest: if i % 3 == 0 { 2e-4 } else { 0.0 },
                month: 0,
                stratum: 0,
                before: Vec::new(),
                touches: (0..3)
                    .filter(|t| (t * 7 + i * 5) % 4 == 0)
                    .map(|t| (t, 0.001 * (t + 1) as f64))
                    .collect(),
            })
            .collect();
        let got = gains(&things, 2.7, &[0.0, 3.0, 100.0, 7.0]);
        for (bin, ripe) in [0.0, 3.0, 100.0, 7.0].iter().enumerate() {
            for (rate, theta) in THETA.iter().enumerate() {
                let gain = |x: &Thing| {
                    let touches = x.touches.iter().filter(|t| t.0 == bin);
                    touches.map(|t| (theta * t.1 / (x.rest + 2.7 * x.beta)).ln_1p()).sum::<f64>()
                };
                let want = things.iter().map(gain).sum::<f64>() - theta * ripe;
                assert!((got[bin][rate] - want).abs() < 1e-9 * want.abs().max(1.0), "{bin} {theta}");
            }
        }
    }
}
