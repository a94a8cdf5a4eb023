//! The sum of curves beside plain slow versions: elimination, ranks by counting, gradient descent.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use suyuan_score::cholesky::Lower;
use suyuan_score::curves::{Curves, KNOTS, RIDGE};
use suyuan_score::places::Places;

/// Gauss's elimination with the largest pivot.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let largest = (i..n).max_by(|p, q| a[*p][i].abs().total_cmp(&a[*q][i].abs())).unwrap();
        a.swap(i, largest);
        b.swap(i, largest);
        for r in i + 1..n {
            let f = a[r][i] / a[i][i];
            let pivot = a[i].clone();
            a[r].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= f * p);
            b[r] -= f * b[i];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[i][j] * b[j]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}

/// The share of values below, ties counted half.
fn counted(values: &[f64], v: f64) -> f64 {
    let half: usize = values.iter().map(|u| if *u < v { 2 } else { usize::from(*u == v) }).sum();
    half as f64 / 2.0 / values.len() as f64
}

/// The same model by gradient descent: the base, then `KNOTS` heights and one for missing a column.
fn descended(columns: &[Vec<f64>], labels: &[f64]) -> Vec<f64> {
    let row = |r: usize| {
        let mut x = vec![1.0];
        for c in columns {
            let seen: Vec<f64> = c.iter().copied().filter(|v| !v.is_nan()).collect();
            let place = counted(&seen, c[r]) * (KNOTS - 1) as f64;
            x.extend((0..KNOTS).map(|k| match c[r].is_nan() {
                true => 0.0,
                false => (1.0 - (place - k as f64).abs()).max(0.0),
            }));
            x.push(f64::from(u8::from(c[r].is_nan())));
        }
        x
    };
    let rows: Vec<Vec<f64>> = (0..labels.len()).map(row).collect();
    let odds = |w: &[f64], x: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let mut w = vec![0.0; rows[0].len()];
    for _ in 0..40_000 {
        let mut slope: Vec<f64> = w.iter().map(|w| RIDGE * w).collect();
        slope[0] = 0.0;
        for (x, t) in rows.iter().zip(labels) {
            let off = 1.0 / (1.0 + (-odds(&w, x)).exp()) - t;
            slope.iter_mut().zip(x).for_each(|(s, x)| *s += off * x);
        }
        w.iter_mut().zip(&slope).for_each(|(w, s)| *w -= 0.01 * s);
    }
    rows.iter().map(|x| odds(&w, x)).collect()
}

fn fitted(columns: &[Vec<f64>], labels: &[f64]) -> Curves {
    let all: Vec<u32> = (0..labels.len() as u32).collect();
    let places: Vec<Places> = columns.iter().map(|c| Places::of(c, &all)).collect();
    Curves::fit(columns, &places, labels, &all)
}

/// Sixty rows; the label hangs on the middle of the first column, the second is sometimes missing.
fn made_up() -> (Vec<Vec<f64>>, Vec<f64>) {
    let first: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60)).collect();
    let second = (0..60).map(|i| if i % 7 == 0 { f64::NAN } else { f64::from(i * i % 11) }).collect();
    let labels = first.iter().enumerate();
    let labels = labels.map(|(i, v)| f64::from(u8::from((15.0..45.0).contains(v) != (i % 9 == 0)))).collect();
    (vec![first, second], labels)
}

#[test]
fn newton_and_gradient_descent_agree() {
    let (columns, labels) = made_up();
    let curves = fitted(&columns, &labels);
    for (r, slow) in descended(&columns, &labels).iter().enumerate() {
        let fast = curves.log_odds(&|c| columns[c][r]);
        assert!((fast - slow).abs() < 1e-6, "row {r}: {fast} {slow}");
    }
}

#[test]
fn a_hump_is_followed_and_curves_have_mean_zero() {
    let (columns, labels) = made_up();
    let curves = fitted(&columns, &labels);
    let first = |v| curves.curves[0].value(v);
    assert!(first(30.0) > first(2.0) + 0.2 && first(30.0) > first(57.0) + 0.2);
    for (curve, column) in curves.curves.iter().zip(&columns) {
        assert!(column.iter().map(|v| curve.value(*v)).sum::<f64>().abs() < 1e-9);
    }
    // Never missing, so nothing is known of it missing; beyond the values seen the outermost holds.
    assert_eq!(first(f64::NAN), 0.0);
    assert_eq!((first(-1e9), first(1e9)), (first(0.0), first(59.0)));
}

#[test]
fn what_is_always_missing_adds_nothing() {
    let (mut columns, labels) = made_up();
    columns.push(vec![f64::NAN; labels.len()]);
    let curves = fitted(&columns, &labels);
    for v in [f64::NAN, 0.0, 7.0] {
        assert!(curves.curves[2].value(v).abs() < 1e-12);
    }
}

#[test]
fn a_matrix_that_is_not_definite_has_no_answer() {
    let mut a = Lower::zero(2);
    a.add(0, 0, 1.0);
    a.add(1, 0, 2.0);
    a.add(1, 1, 1.0);
    assert_eq!(a.solve(&[1.0, 1.0]), None);
}

proptest! {
    #[test]
    fn factors_and_elimination_agree(
        rows in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 6), 12),
        b in prop::collection::vec(-1.0..1.0f64, 6)
    ) {
        // Sums of squares and a ridge: definite.
        let cell = |i: usize, j: usize| {
            rows.iter().map(|r| r[i] * r[j]).sum::<f64>() + if i == j { 0.1 } else { 0.0 }
        };
        let mut lower = Lower::zero(6);
        (0..6).for_each(|i| (0..=i).for_each(|j| lower.add(i, j, cell(i, j))));
        let full = (0..6).map(|i| (0..6).map(|j| cell(i, j)).collect()).collect();
        for (fast, slow) in lower.solve(&b).unwrap().iter().zip(eliminate(full, b)) {
            prop_assert!((fast - slow).abs() < 1e-9, "{fast} {slow}");
        }
    }

    #[test]
    fn places_are_shares_below(values in prop::collection::vec(0u8..40, 1..60)) {
        let column: Vec<f64> = values.into_iter().map(f64::from).collect();
        let all: Vec<u32> = (0..column.len() as u32).collect();
        let places = Places::of(&column, &all);
        for v in &column {
            prop_assert!((places.place(*v).unwrap() - counted(&column, *v)).abs() < 1e-12);
        }
        prop_assert_eq!(places.place(f64::NAN), None);
    }

    #[test]
    fn thinned_places_stay_close_and_never_fall(
        values in prop::collection::vec(-1e6..1e6f64, 200..600), asked in prop::collection::vec(-2e6..2e6f64, 20)
    ) {
        let all: Vec<u32> = (0..values.len() as u32).collect();
        let places = Places::of(&values, &all);
        prop_assert!(places.points.len() <= 130);
        for v in &values {
            prop_assert!((places.place(*v).unwrap() - counted(&values, *v)).abs() < 0.01);
        }
        let mut asked = asked;
        asked.sort_by(f64::total_cmp);
        let at: Vec<f64> = asked.iter().map(|v| places.place(*v).unwrap()).collect();
        prop_assert!(at.windows(2).all(|w| w[0] <= w[1]) && at.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}
