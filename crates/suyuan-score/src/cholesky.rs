//! Solves `A x = b` for a symmetric, positive definite `A` by Cholesky's factors.

/// The lower half of a symmetric matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Lower {
    n: usize,
    cells: Vec<f64>,
}

impl Lower {
    /// All zero.
    pub fn zero(n: usize) -> Lower {
        Lower { n, cells: vec![0.0; n * (n + 1) / 2] }
    }

    fn row(i: usize) -> usize {
        i * (i + 1) / 2
    }

    /// Adds to the cell of row `i` and column `j`, `j <= i`.
    pub fn add(&mut self, i: usize, j: usize, v: f64) {
        self.cells[Self::row(i) + j] += v;
    }

    /// `x` with `A x = b`; none where `A` is not positive definite.
    pub fn solve(mut self, b: &[f64]) -> Option<Vec<f64>> {
        for i in 0..self.n {
            let (above, own) = self.cells.split_at_mut(Self::row(i));
            for j in 0..=i {
                let dot = |other: &[f64]| own[..j].iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                if i == j {
                    let left = own[i] - dot(&own[..j]);
                    if left.is_nan() || left <= 0.0 {
                        return None;
                    }
                    own[i] = left.sqrt();
                } else {
                    let other = &above[Self::row(j)..=Self::row(j) + j];
                    own[j] = (own[j] - dot(other)) / other[j];
                }
            }
        }
        let mut x = b.to_vec();
        for i in 0..self.n {
            let row = &self.cells[Self::row(i)..=Self::row(i) + i];
            let known: f64 = row[..i].iter().zip(&x).map(|(l, y)| l * y).sum();
            x[i] = (x[i] - known) / row[i];
        }
        for i in (0..self.n).rev() {
            let row = &self.cells[Self::row(i)..=Self::row(i) + i];
            x[i] /= row[i];
            let (before, at) = x.split_at_mut(i);
            before.iter_mut().zip(row).for_each(|(y, l)| *y -= l * at[0]);
        }
        Some(x)
    }
}
