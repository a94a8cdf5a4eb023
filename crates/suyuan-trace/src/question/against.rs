//! What speaks against a source in its own touches: what it touched in its window without harm, and who else held the
//! same harmed things.

use crate::attribute::{Problem, Scored};

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Against {
    /// Touched in the window, once a thing and bin of time, weighted by how unexplained.
    pub inside: f64,
    /// Harmed things touched in the window before their harm.
    pub harmed: u64,
    /// Harmed things touched before their harm, whenever.
    pub all: u64,
    /// Of these, touched before their harm by another whole column too.
    pub shared: u64,
    /// Such columns.
    pub others: u64,
    /// The one with most of them, and how many.
    pub most: Option<(u32, u64)>,
}

/// Counts for one scored column.
pub fn against(p: &Problem, s: &Scored) -> Against {
    let window = s.window.unwrap_or((0.0, 0.0));
    let (mut mine, mut inside) = (vec![false; p.harmed.len()], vec![false; p.harmed.len()]);
    let before = |t: &&crate::attribute::Touch| p.harmed[t.harmed as usize].day > t.day;
    for t in p.touches.iter().filter(|t| t.column == s.column).filter(before) {
        mine[t.harmed as usize] = true;
        inside[t.harmed as usize] |= window.0 <= t.day && t.day < window.1;
    }
    let me = p.columns[s.column as usize].whole.unwrap_or(s.column);
    let mut out = Against {
        harmed: inside.iter().filter(|x| **x).count() as u64,
        all: mine.iter().filter(|x| **x).count() as u64,
        ..Against::default()
    };
    for (b, n) in p.columns[s.column as usize].exposure.iter().enumerate() {
        let (from, until) = (b as f64 * p.bin_days, (b + 1) as f64 * p.bin_days);
        out.inside += n * (until.min(window.1) - from.max(window.0)).max(0.0) / p.bin_days;
    }
    let mut shared = vec![false; p.harmed.len()];
    for of_column in p.touches.chunk_by(|a, b| a.column == b.column) {
        let column = of_column[0].column;
        if column == me || p.columns[column as usize].whole.is_some() {
            continue;
        }
        let mut held: Vec<u32> =
            of_column.iter().filter(before).map(|t| t.harmed).filter(|h| mine[*h as usize]).collect();
        held.dedup();
        held.iter().for_each(|h| shared[*h as usize] = true);
        out.others += u64::from(!held.is_empty());
        if held.len() as u64 > out.most.map_or(0, |m| m.1) {
            out.most = Some((column, held.len() as u64));
        }
    }
    out.shared = shared.iter().filter(|x| **x).count() as u64;
    out
}
