//! Rows that wait for the watermark, in their total order.
//!
//! Rows of one kind mostly arrive in order: they stand in line, and nothing is searched. A row that comes behind its line's
//! last goes into a heap. The next row is the first of the lines' heads and the heap's.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use suyuan_model::Kind;

use crate::view::View;

/// A row that waits. Ordered by `(ts, source, seq, kind)`, then arrival.
pub(super) struct Waiting {
    pub ts: i64,
    pub source: Rc<str>,
    pub seq: i64,
    pub kind: Kind,
    pub offset: u64,
    pub view: Arc<View>,
    pub i: usize,
}

impl PartialEq for Waiting {
    fn eq(&self, o: &Self) -> bool {
        self.cmp(o).is_eq()
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(o))
    }
}
impl Ord for Waiting {
    fn cmp(&self, o: &Self) -> std::cmp::Ordering {
        let by_name =
            || if Rc::ptr_eq(&self.source, &o.source) { None } else { Some(self.source.cmp(&o.source)) };
        let ts = self.ts.cmp(&o.ts);
        ts.then_with(|| by_name().unwrap_or(std::cmp::Ordering::Equal))
            .then_with(|| (self.seq, self.kind, self.offset).cmp(&(o.seq, o.kind, o.offset)))
    }
}

/// The rows that wait.
#[derive(Default)]
pub(super) struct Queue {
    /// Kinds that rows arrived of, each with its rows in order.
    lines: Vec<(Kind, VecDeque<Waiting>)>,
    /// Rows that came out of order.
    heap: BinaryHeap<Reverse<Waiting>>,
}

impl Queue {
    pub fn push(&mut self, w: Waiting) {
        let at = self.lines.iter().position(|l| l.0 == w.kind).unwrap_or_else(|| {
            self.lines.push((w.kind, VecDeque::new()));
            self.lines.len() - 1
        });
        let line = &mut self.lines[at].1;
        match line.back().is_none_or(|last| *last < w) {
            true => line.push_back(w),
            false => self.heap.push(Reverse(w)),
        }
    }

    /// The first row, if it is not later than that.
    pub fn next_until(&mut self, ts: i64) -> Option<Waiting> {
        let heads = self.lines.iter().enumerate().filter_map(|(n, l)| Some((l.1.front()?, n)));
        let first = heads.min_by(|a, b| a.0.cmp(b.0));
        let loose = self.heap.peek().map(|w| &w.0);
        match (first, loose) {
            (Some((w, n)), loose) if loose.is_none_or(|l| w < l) => {
                if w.ts > ts {
                    None
                } else {
                    self.lines[n].1.pop_front()
                }
            }
            (_, Some(w)) if w.ts <= ts => self.heap.pop().map(|w| w.0),
            _ => None,
        }
    }

    pub fn len(&self) -> usize {
        self.heap.len() + self.lines.iter().map(|l| l.1.len()).sum::<usize>()
    }

    /// The earliest arrival that waits.
    pub fn oldest(&self) -> Option<u64> {
        let lines = self.lines.iter().flat_map(|l| &l.1);
        lines.chain(self.heap.iter().map(|w| &w.0)).map(|w| w.offset).min()
    }
}
