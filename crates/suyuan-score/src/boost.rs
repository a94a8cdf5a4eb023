//! Gradient boosting of trees on the log-odds of a yes-or-no label.
//!
//! Histogram trees grown leaf by leaf (Friedman 2001; Ke et al. 2017), second-order gains with an L2 term
//! (Chen and Guestrin 2016), learnt direction for missing values, random rows and features a tree, and
//! optionally one random threshold a feature (Geurts et al. 2006).
//!
//! Written here because no crate met the needs on the day this was written: `perpetual` needs a nightly
//! compiler, `forust-ml` names no licence but a file and brings older copies of `rand`, `thiserror` and `syn`,
//! `lightgbm3` and `xgb` bind C++ libraries. It is small, needs nothing, and its sums run in one fixed order.
//!
//! Invariant: the result is a function of rows, parameters and seed; one booster is grown by one thread.

use crate::bins::Bins;
use crate::rng::Rng;
use crate::tree::{LEAF, Node, Tree};

/// How trees are grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// Number of trees.
    pub trees: usize,
    /// Leaves of a tree at most.
    pub leaves: usize,
    /// Shrinkage of each tree.
    pub rate: f64,
    /// Rows in a leaf at least.
    pub min_rows: usize,
    /// L2 term on leaf values.
    pub lambda: f64,
    /// Share of rows a tree sees.
    pub rows: f64,
    /// Share of features a tree sees.
    pub features: f64,
    /// One random threshold a feature and node instead of the best.
    pub random_cuts: bool,
}

/// Second derivatives in a leaf at least; keeps pure leaves from growing without end.
const MIN_HESSIAN: f64 = 1e-3;

/// A boosted sum of trees; its value is in log-odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Booster {
    /// Log-odds of the training rows' base rate.
    pub base: f64,
    /// The trees; each adds its leaf's value.
    pub trees: Vec<Tree>,
}

impl Booster {
    /// Log-odds of one row, given by a look-up of its features.
    pub fn log_odds(&self, feature: &impl Fn(u32) -> f64) -> f64 {
        self.trees.iter().fold(self.base, |sum, t| sum + t.value(feature))
    }

    /// Fits the rows `train` of the coded columns.
    pub fn fit(
        codes: &[Vec<u8>],
        bins: &Bins,
        labels: &[f64],
        train: &[u32],
        p: &Params,
        seed: u64,
    ) -> Booster {
        let share = train.iter().map(|r| labels[*r as usize]).sum::<f64>() / train.len().max(1) as f64;
        let share = share.clamp(1e-6, 1.0 - 1e-6);
        let base = (share / (1.0 - share)).ln();
        let mut rng = Rng::new(seed, 1);
        let mut odds = vec![base; labels.len()];
        let mut slopes = vec![(0.0, 0.0); labels.len()];
        let mut trees = Vec::with_capacity(p.trees);
        for _ in 0..p.trees {
            for r in train {
                let r = *r as usize;
                let q = 1.0 / (1.0 + (-odds[r]).exp());
                slopes[r] = (q - labels[r], (q * (1.0 - q)).max(1e-16));
            }
            let rows: Vec<u32> = train.iter().copied().filter(|_| rng.unit() < p.rows).collect();
            if rows.len() < 2 * p.min_rows {
                continue;
            }
            let features = draw(codes.len(), p.features, &mut rng);
            let tree = Grower { codes, bins, slopes: &slopes, features: &features, p }.grow(rows, &mut rng);
            for r in train {
                let r = *r as usize;
                odds[r] += tree.value_of_codes(bins, &|f| codes[f as usize][r]);
            }
            trees.push(tree);
        }
        Booster { base, trees }
    }
}

/// A random share of the features, ascending.
fn draw(of: usize, share: f64, rng: &mut Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..of).collect();
    rng.shuffle(&mut all);
    all.truncate(((of as f64 * share).ceil() as usize).clamp(1, of.max(1)));
    all.sort_unstable();
    all
}

/// Sums of slopes and rows that fall into one code.
#[derive(Clone, Copy, Default)]
struct Cell {
    g: f64,
    h: f64,
    n: u32,
}

impl Cell {
    fn add(&mut self, other: Cell) {
        self.g += other.g;
        self.h += other.h;
        self.n += other.n;
    }

    fn less(self, other: Cell) -> Cell {
        Cell { g: self.g - other.g, h: self.h - other.h, n: self.n - other.n }
    }
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    /// Codes up to this one go left.
    code: usize,
    missing_left: bool,
}

struct Growing {
    node: usize,
    rows: Vec<u32>,
    cells: Vec<Cell>,
    best: Option<Split>,
}

struct Grower<'a> {
    codes: &'a [Vec<u8>],
    bins: &'a Bins,
    slopes: &'a [(f64, f64)],
    features: &'a [usize],
    p: &'a Params,
}

impl Grower<'_> {
    fn grow(&self, rows: Vec<u32>, rng: &mut Rng) -> Tree {
        let cells = self.histogram(&rows);
        let total = self.total(&cells);
        let mut nodes = vec![self.leaf(total)];
        let best = self.best(&cells, total, rng);
        let mut open = vec![Growing { node: 0, rows, cells, best }];
        let mut leaves = 1;
        while leaves < self.p.leaves {
            let Some(at) = widest(&open) else { break };
            let parent = open.swap_remove(at);
            let split = parent.best.expect("`widest` picks only nodes that can be split");
            let codes = &self.codes[split.feature];
            let goes_left = |r: &u32| match codes[*r as usize] {
                0 => split.missing_left,
                c => usize::from(c) <= split.code,
            };
            let (left, right): (Vec<u32>, Vec<u32>) = parent.rows.iter().partition(|r| goes_left(r));
            let small_left = left.len() <= right.len();
            let small = self.histogram(if small_left { &left } else { &right });
            let large: Vec<Cell> = parent.cells.iter().zip(&small).map(|(a, b)| a.less(*b)).collect();
            let (cells_left, cells_right) = if small_left { (small, large) } else { (large, small) };
            let first = nodes.len() as u32;
            nodes[parent.node].split(
                split.feature as u32,
                self.bins.cuts[split.feature][split.code - 1],
                split.missing_left,
                first,
            );
            for (rows, cells) in [(left, cells_left), (right, cells_right)] {
                let total = self.total(&cells);
                let best = self.best(&cells, total, rng);
                open.push(Growing { node: nodes.len(), rows, cells, best });
                nodes.push(self.leaf(total));
            }
            leaves += 1;
        }
        let mut tree = Tree { nodes };
        tree.settle();
        tree
    }

    fn leaf(&self, total: Cell) -> Node {
        Node {
            feature: LEAF,
            threshold: 0.0,
            missing_left: false,
            left: 0,
            value: -self.p.rate * total.g / (total.h + self.p.lambda),
            cover: f64::from(total.n),
        }
    }

    fn histogram(&self, rows: &[u32]) -> Vec<Cell> {
        let mut all = Vec::new();
        let slopes: Vec<(f64, f64)> = rows.iter().map(|r| self.slopes[*r as usize]).collect();
        for f in self.features {
            let start = all.len();
            all.resize(start + self.bins.codes(*f), Cell::default());
            let (cells, codes) = (&mut all[start..], &self.codes[*f]);
            for (r, (g, h)) in rows.iter().zip(&slopes) {
                let (g, h) = (*g, *h);
                cells[usize::from(codes[*r as usize])].add(Cell { g, h, n: 1 });
            }
        }
        all
    }

    /// The sums of a node: those of its first feature's codes.
    fn total(&self, cells: &[Cell]) -> Cell {
        let mut total = Cell::default();
        cells[..self.bins.codes(self.features[0])].iter().for_each(|c| total.add(*c));
        total
    }

    fn weight(&self, c: Cell) -> f64 {
        c.g * c.g / (c.h + self.p.lambda)
    }

    fn best(&self, cells: &[Cell], total: Cell, rng: &mut Rng) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut start = 0;
        for f in self.features {
            let cells = &cells[start..start + self.bins.codes(*f)];
            start += cells.len();
            // Codes 1 to len - 2 can end the left side.
            let (mut from, mut to) = (1, cells.len().saturating_sub(1));
            if self.p.random_cuts {
                let used = |c: &Cell| c.n > 0;
                let lo = cells[1..].iter().position(used);
                let hi = cells[1..].iter().rposition(used);
                let (Some(lo), Some(hi)) = (lo.map(|i| i + 1), hi.map(|i| i + 1)) else { continue };
                if lo >= hi {
                    (from, to) = (lo, (lo + 1).min(to));
                } else {
                    from = lo + rng.below(hi - lo);
                    to = from + 1;
                }
            }
            let mut left = Cell::default();
            cells[1..from.max(1)].iter().for_each(|c| left.add(*c));
            for code in from..to {
                left.add(cells[code]);
                for missing_left in [true, false] {
                    let mut l = left;
                    if missing_left {
                        l.add(cells[0]);
                    } else if cells[0].n == 0 {
                        break;
                    }
                    let r = total.less(l);
                    if (l.n as usize) < self.p.min_rows || (r.n as usize) < self.p.min_rows {
                        continue;
                    }
                    if l.h < MIN_HESSIAN || r.h < MIN_HESSIAN {
                        continue;
                    }
                    let gain = self.weight(l) + self.weight(r) - self.weight(total);
                    if gain > 1e-9 && best.is_none_or(|b| gain > b.gain) {
                        // Where none was missing, a value missing later goes with the more.
                        let missing_left = if cells[0].n == 0 { l.n >= r.n } else { missing_left };
                        best = Some(Split { gain, feature: *f, code, missing_left });
                    }
                }
            }
        }
        best
    }
}

/// The open leaf with the greatest gain; the first of equals.
fn widest(open: &[Growing]) -> Option<usize> {
    let mut found: Option<(usize, f64)> = None;
    for (i, g) in open.iter().enumerate() {
        if let Some(s) = g.best
            && found.is_none_or(|(_, gain)| s.gain > gain)
        {
            found = Some((i, s.gain));
        }
    }
    found.map(|(i, _)| i)
}
