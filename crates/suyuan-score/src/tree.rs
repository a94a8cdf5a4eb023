//! One tree, its value for a row, and what each feature adds to it.
//!
//! Contributions are Shapley values under the tree's own training rows (TreeSHAP, Lundberg, Erion and Lee
//! 2018): what a feature adds on average over all orders in which features could become known.
//! Invariant: the contributions of a row and the tree's mean value sum to the tree's value for the row.

use crate::bins::Bins;

/// Marks a leaf.
pub const LEAF: u32 = u32::MAX;

/// A node; its children stand side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The feature asked, or [`LEAF`].
    pub feature: u32,
    /// Values up to this go left.
    pub threshold: f64,
    /// Whether a missing value goes left.
    pub missing_left: bool,
    /// Left child; the right one follows it.
    pub left: u32,
    /// Leaf: what it adds. Inner node: the mean of its leaves over the training rows.
    pub value: f64,
    /// Training rows that came here.
    pub cover: f64,
}

impl Node {
    /// Makes an inner node of a leaf.
    pub(crate) fn split(&mut self, feature: u32, threshold: f64, missing_left: bool, left: u32) {
        (self.feature, self.threshold, self.missing_left, self.left) =
            (feature, threshold, missing_left, left);
    }

    fn goes_left(&self, v: f64) -> bool {
        if v.is_nan() { self.missing_left } else { v <= self.threshold }
    }
}

/// A regression tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Root first; children after their parent.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The value for a row.
    pub fn value(&self, feature: &impl Fn(u32) -> f64) -> f64 {
        let mut at = &self.nodes[0];
        while at.feature != LEAF {
            let right = u32::from(!at.goes_left(feature(at.feature)));
            at = &self.nodes[(at.left + right) as usize];
        }
        at.value
    }

    /// The same for a row of codes; equal to [`Tree::value`] since thresholds are cuts.
    pub(crate) fn value_of_codes(&self, bins: &Bins, code: &impl Fn(u32) -> u8) -> f64 {
        let mut at = &self.nodes[0];
        while at.feature != LEAF {
            let left = match code(at.feature) {
                0 => at.missing_left,
                // Code c holds values up to cut c - 1.
                c => bins.cuts[at.feature as usize]
                    .get(usize::from(c) - 1)
                    .is_some_and(|cut| *cut <= at.threshold),
            };
            at = &self.nodes[(at.left + u32::from(!left)) as usize];
        }
        at.value
    }

    /// Gives inner nodes the mean of their leaves.
    pub(crate) fn settle(&mut self) {
        for i in (0..self.nodes.len()).rev() {
            let n = self.nodes[i];
            if n.feature != LEAF {
                let (l, r) = (self.nodes[n.left as usize], self.nodes[n.left as usize + 1]);
                self.nodes[i].value = (l.value * l.cover + r.value * r.cover) / (l.cover + r.cover);
            }
        }
    }

    /// Adds each feature's contribution, times `scale`, to `into`.
    pub fn contribute(&self, feature: &impl Fn(u32) -> f64, scale: f64, into: &mut [f64]) {
        self.contribute_in(feature, scale, into, &mut Vec::new());
    }

    /// The same in room that is kept between trees.
    pub(crate) fn contribute_in(
        &self,
        feature: &impl Fn(u32) -> f64,
        scale: f64,
        into: &mut [f64],
        room: &mut Vec<Step>,
    ) {
        room.clear();
        self.walk(0, feature, 0, (1.0, 1.0, LEAF), scale, &mut (into, room));
    }

    /// The way to a node is the end of `room` from `from` on; each node lays its own behind it.
    fn walk(
        &self,
        at: u32,
        feature: &impl Fn(u32) -> f64,
        from: usize,
        (zero, one, by): (f64, f64, u32),
        scale: f64,
        into: &mut (&mut [f64], &mut Vec<Step>),
    ) {
        let start = into.1.len();
        into.1.extend_from_within(from..);
        extend(into.1, start, zero, one, by);
        let n = self.nodes[at as usize];
        if n.feature == LEAF {
            let (into, path) = (&mut *into.0, &into.1[start..]);
            for i in 1..path.len() {
                let w: f64 = unwound_sum(path, i);
                into[path[i].feature as usize] += scale * w * (path[i].one - path[i].zero) * n.value;
            }
        } else {
            let right = u32::from(!n.goes_left(feature(n.feature)));
            let (hot, cold) = (n.left + right, n.left + 1 - right);
            let (mut zero, mut one) = (1.0, 1.0);
            let path = &into.1[start..];
            if let Some(i) = path.iter().skip(1).position(|s| s.feature == n.feature) {
                (zero, one) = (path[i + 1].zero, path[i + 1].one);
                unwind(into.1, start, i + 1);
            }
            let part = |c: u32| self.nodes[c as usize].cover / n.cover;
            self.walk(hot, feature, start, (zero * part(hot), one, n.feature), scale, into);
            self.walk(cold, feature, start, (zero * part(cold), 0.0, n.feature), scale, into);
        }
        into.1.truncate(start);
    }
}

/// One known or unknown feature on the way to a leaf.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    feature: u32,
    zero: f64,
    one: f64,
    weight: f64,
}

/// Makes the way that begins at `start` a feature longer.
fn extend(room: &mut Vec<Step>, start: usize, zero: f64, one: f64, feature: u32) {
    let l = room.len() - start;
    room.push(Step { feature, zero, one, weight: if l == 0 { 1.0 } else { 0.0 } });
    let out = &mut room[start..];
    for i in (0..l).rev() {
        out[i + 1].weight += one * out[i].weight * (i + 1) as f64 / (l + 1) as f64;
        out[i].weight = zero * out[i].weight * (l - i) as f64 / (l + 1) as f64;
    }
}

/// Takes the feature at `at` out of the way that begins at `start`.
fn unwind(room: &mut Vec<Step>, start: usize, at: usize) {
    let l = room.len() - start - 1;
    let path = &mut room[start..];
    // A weight is read before the one below it is written: from the last one down nothing is overwritten too soon.
    let (zero, one) = (path[at].zero, path[at].one);
    let mut next = path[l].weight;
    for j in (0..l).rev() {
        let old = path[j].weight;
        if one != 0.0 {
            path[j].weight = next * (l + 1) as f64 / ((j + 1) as f64 * one);
            next = old - path[j].weight * zero * (l - j) as f64 / (l + 1) as f64;
        } else {
            path[j].weight = old * (l + 1) as f64 / (zero * (l - j) as f64);
        }
    }
    for j in at..l {
        let Step { feature, zero, one, .. } = path[j + 1];
        (path[j].feature, path[j].zero, path[j].one) = (feature, zero, one);
    }
    room.truncate(start + l);
}

/// The sum of the weights of a way without the feature at `at`.
fn unwound_sum(path: &[Step], at: usize) -> f64 {
    let l = path.len() - 1;
    let (zero, one) = (path[at].zero, path[at].one);
    let (mut next, mut sum) = (path[l].weight, 0.0);
    for (j, step) in path[..l].iter().enumerate().rev() {
        if one != 0.0 {
            let weight = next * (l + 1) as f64 / ((j + 1) as f64 * one);
            next = step.weight - weight * zero * (l - j) as f64 / (l + 1) as f64;
            sum += weight;
        } else {
            sum += step.weight * (l + 1) as f64 / (zero * (l - j) as f64);
        }
    }
    sum
}
