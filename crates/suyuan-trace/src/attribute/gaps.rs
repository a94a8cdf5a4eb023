//! The sum over all windows of one rate and frailty where most bins hold no touch of a harmed thing.
//!
//! Through a stretch of such bins a window only loses what its exposure costs, bin by bin, so all windows that begin or end in
//! one stretch are those of the touched bin beside it, times a sum that is carried along the stretch. What is left is a matrix
//! over the touched bins alone. Windows that lie within one stretch are summed along it.
//!
//! Always holds: the same windows are summed as over all bins, up to rounding; the tests do both.

use super::grid::{LENGTH, THETA};
use super::kernel::{Cell, NEGLIGIBLE, Scratch, Thing};
use super::special::exp;
use super::windows::lay;

/// One number for each of [`LENGTH`].
type Lanes = [f64; LENGTH.len()];
const ONE: Lanes = [1.0; LENGTH.len()];
const ZERO: Lanes = [0.0; LENGTH.len()];

fn longer(x: Lanes, by: f64) -> Lanes {
    std::array::from_fn(|h| x[h] * by * LENGTH[h])
}

fn add(to: &mut Lanes, x: Lanes) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += x);
}

/// The sum over every window, where how often a length occurs depends on [`LENGTH`] alone.
pub(super) fn cell(room: &mut Scratch, things: &[Thing], m: f64, ripe: &[f64], rate: usize) -> Cell {
    let (bins, theta) = (ripe.len(), THETA[rate]);
    // The touched bins, and the place of each among them.
    let mut place = vec![usize::MAX; bins];
    things.iter().flat_map(|x| &x.touches).for_each(|t| place[t.0] = 0);
    let at: Vec<usize> = (0..bins).filter(|t| place[*t] == 0).collect();
    at.iter().enumerate().for_each(|(i, t)| place[*t] = i);
    let n = at.len();
    let s = &mut room.s[..n * n];
    lay(s, n, things, m, theta, |t| place[t]);
    // What stands between two touched bins costs each window that holds both.
    for (i, t) in at.iter().enumerate() {
        s[i * n + i] -= theta * ripe[*t];
        if let Some(next) = at.get(i + 1) {
            s[i * n + i + 1] -= theta * ripe[t + 1..*next].iter().sum::<f64>();
        }
    }
    let mut best = vec![f64::NEG_INFINITY; n];
    for a in (0..n).rev() {
        for b in a..n {
            if b > a {
                let inner = if b > a + 1 { s[(a + 1) * n + b - 1] } else { 0.0 };
                s[a * n + b] += s[(a + 1) * n + b] + s[a * n + b - 1] - inner;
            }
            best[a] = best[a].max(s[a * n + b]);
        }
    }
    let single = |t: usize| -theta * ripe[t];
    let empty = (0..bins).filter(|t| place[*t] == usize::MAX).map(single);
    let top = best.iter().copied().chain(empty).fold(f64::NEG_INFINITY, f64::max);

    let passed: Vec<f64> = (0..bins).map(|t| exp(single(t))).collect();
    let alone: Vec<f64> = (0..bins).map(|t| exp(single(t) - top)).collect();
    // First bins of which no window matters are not summed.
    let mut first = vec![false; bins];
    // By touched bin: all ways to begin in the stretch before it, or in it.
    let mut begun = vec![ONE; n];
    for (i, t) in at.iter().enumerate() {
        first[*t] = best[i] - top >= -NEGLIGIBLE;
        begun[i] = if first[*t] { ONE } else { ZERO };
        let (mut carried, mut cost) = (ONE, best[i]);
        for a in (if i > 0 { at[i - 1] + 1 } else { 0 }..*t).rev() {
            (carried, cost) = (longer(carried, passed[a]), cost + single(a));
            first[a] = cost.max(single(a)) - top >= -NEGLIGIBLE;
            if first[a] {
                add(&mut begun[i], carried);
            }
        }
    }
    for (a, first) in first.iter_mut().enumerate().skip(at.last().map_or(0, |t| t + 1)) {
        *first = single(a) - top >= -NEGLIGIBLE;
    }
    // By touched bin: all ways to end in it, or in the stretch after it.
    let ended: Vec<Lanes> = (0..n)
        .map(|i| {
            let (mut all, mut carried) = (ONE, ONE);
            for passed in &passed[at[i] + 1..at.get(i + 1).copied().unwrap_or(bins)] {
                carried = longer(carried, *passed);
                add(&mut all, carried);
            }
            all
        })
        .collect();
    // By touched bin: all windows of which it is the first, or the last.
    let (mut from, mut until) = (vec![ZERO; n], vec![ZERO; n]);
    for a in 0..n {
        if begun[a] == ZERO {
            continue;
        }
        let row = &mut s[a * n + a..(a + 1) * n];
        row.iter_mut().for_each(|v| *v = exp(*v - top));
        let mut sum = ZERO;
        for (w, b) in row.iter().zip(a..n) {
            let x = room.powers[at[b] - at[a]].map(|power| w * power);
            sum = std::array::from_fn(|h| sum[h] + x[h] * ended[b][h]);
            until[b] = std::array::from_fn(|h| until[b][h] + x[h] * begun[a][h]);
        }
        from[a] = sum;
    }
    let (mut starts, mut ends) = (vec![ZERO; bins], vec![ZERO; bins]);
    // Windows within one stretch: those that end at a bin, those that begin there.
    let (mut carried, mut i) = (ZERO, 0);
    let mut outside = ZERO;
    for t in 0..bins {
        if place[t] < usize::MAX {
            (ends[t], outside, carried, i) = (until[i], until[i], ZERO, i + 1);
            continue;
        }
        carried = longer(carried, passed[t]);
        if first[t] {
            carried.iter_mut().for_each(|x| *x += alone[t]);
        }
        outside = longer(outside, passed[t]);
        ends[t] = carried;
        add(&mut ends[t], outside);
    }
    (carried, outside) = (ZERO, ZERO);
    for t in (0..bins).rev() {
        if place[t] < usize::MAX {
            i -= 1;
            (outside, carried) = (from[i], ZERO);
            starts[t] = if first[t] { from[i] } else { ZERO };
            continue;
        }
        carried = longer(carried, passed[t]);
        carried.iter_mut().for_each(|x| *x += alone[t]);
        outside = longer(outside, passed[t]);
        if first[t] {
            starts[t] = carried;
            add(&mut starts[t], outside);
        }
    }
    let mut z = ZERO;
    starts.iter().for_each(|x| add(&mut z, *x));
    Cell::of(rate, top, z, room.norms, starts, ends)
}
