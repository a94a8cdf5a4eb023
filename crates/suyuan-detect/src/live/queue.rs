//! Rows that wait for the watermark, in their total order.
//!
//! Rows of one kind mostly arrive in order: they stand in line as they came, many at a time, and nothing is searched. A row that
//! comes behind its line's last goes into a heap. The next rows are those of the first of the lines' heads and the heap's, up
//! to the second.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use suyuan_model::Kind;

use crate::view::View;

/// Rows that wait: neighbours in one view and of one source, each later in the order than the one before it. Ordered by the
/// first row's `(ts, source, seq, kind)`, then arrival.
pub(super) struct Waiting {
    pub ts: i64,
    pub source: Rc<str>,
    pub seq: i64,
    pub offset: u64,
    pub view: Arc<View>,
    pub rows: Range<usize>,
}

impl PartialEq for Waiting {
    fn eq(&self, o: &Self) -> bool {
        self.cmp(o).is_eq()
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl Ord for Waiting {
    fn cmp(&self, o: &Self) -> Ordering {
        self.compare((self.ts, self.seq, self.offset), o)
    }
}

impl Waiting {
    /// Row `at` of its view, alone.
    pub fn one(&self, at: usize) -> Waiting {
        let (ts, seq, offset) = self.place(at);
        let (source, view) = (self.source.clone(), self.view.clone());
        Waiting { ts, source, seq, offset, view, rows: at..at + 1 }
    }

    /// The last row's time and number.
    pub fn last(&self) -> (i64, i64) {
        let (ts, seq, _) = self.place(self.rows.end - 1);
        (ts, seq)
    }

    /// What is compared of row `at`, beside source and kind.
    fn place(&self, at: usize) -> (i64, i64, u64) {
        let row = self.view.row(at);
        (row.ts, row.reference().1, self.offset + (at - self.rows.start) as u64)
    }

    fn compare(&self, (ts, seq, offset): (i64, i64, u64), o: &Self) -> Ordering {
        let by_name = || match Rc::ptr_eq(&self.source, &o.source) {
            true => Ordering::Equal,
            false => self.source.cmp(&o.source),
        };
        let kind = |w: &Self| w.view.kind();
        ts.cmp(&o.ts)
            .then_with(by_name)
            .then_with(|| (seq, kind(self), offset).cmp(&(o.seq, kind(o), o.offset)))
    }

    /// Where its rows end that are not later than `until`, and before another's first.
    fn up_to(&self, until: i64, other: Option<&Waiting>) -> usize {
        let inside = |at: usize| {
            let ts = self.view.row(at).ts;
            ts <= until
                && other.is_none_or(|o| ts < o.ts || (ts == o.ts && self.compare(self.place(at), o).is_lt()))
        };
        (self.rows.start + 1..self.rows.end).find(|at| !inside(*at)).unwrap_or(self.rows.end)
    }

    /// Lets go of the rows before `at`, which is one of them.
    fn go_on(&mut self, at: usize) {
        (self.ts, self.seq, self.offset) = self.place(at);
        self.rows.start = at;
    }
}

/// The rows of one kind that came in order.
struct Line {
    kind: Kind,
    waiting: VecDeque<Waiting>,
}

/// The rows that wait.
#[derive(Default)]
pub(super) struct Queue {
    lines: Vec<Line>,
    /// Rows that came out of order, one by one.
    heap: BinaryHeap<Reverse<Waiting>>,
}

impl Queue {
    pub fn push(&mut self, w: Waiting) {
        let kind = w.view.kind();
        let at = self.lines.iter().position(|l| l.kind == kind).unwrap_or_else(|| {
            self.lines.push(Line { kind, waiting: VecDeque::new() });
            self.lines.len() - 1
        });
        let line = &mut self.lines[at].waiting;
        match line.back().is_none_or(|b| b.compare(b.place(b.rows.end - 1), &w).is_lt()) {
            true => line.push_back(w),
            false => self.heap.extend(w.rows.clone().map(|at| Reverse(w.one(at)))),
        }
    }

    /// Shows the next rows, if they are not later than that; whether there were any.
    pub fn next_until(&mut self, ts: i64, show: impl FnOnce(&Waiting, Range<usize>)) -> bool {
        let (mut first, mut second): (Option<(usize, &Waiting)>, Option<&Waiting>) = (None, None);
        let loose = self.heap.peek().map(|w| (usize::MAX, &w.0));
        let heads = self.lines.iter().enumerate().filter_map(|(n, l)| Some((n, l.waiting.front()?)));
        for (n, head) in heads.chain(loose) {
            match first {
                Some((_, least)) if *least < *head => {
                    second = second.filter(|w| **w < *head).or(Some(head));
                }
                _ => second = first.replace((n, head)).map(|f| f.1),
            }
        }
        let Some((n, w)) = first.filter(|f| f.1.ts <= ts) else { return false };
        let end = w.up_to(ts, second);
        show(w, w.rows.start..end);
        let Some(line) = self.lines.get_mut(n) else {
            self.heap.pop();
            return true;
        };
        match line.waiting.front_mut() {
            Some(w) if end < w.rows.end => w.go_on(end),
            _ => drop(line.waiting.pop_front()),
        }
        true
    }

    pub fn len(&self) -> usize {
        self.heap.len() + self.lines.iter().flat_map(|l| &l.waiting).map(|w| w.rows.len()).sum::<usize>()
    }

    /// The earliest arrival that waits.
    pub fn oldest(&self) -> Option<u64> {
        let lines = self.lines.iter().flat_map(|l| &l.waiting);
        lines.chain(self.heap.iter().map(|w| &w.0)).map(|w| w.offset).min()
    }
}
