//! Whom or what a source harmed, with how far it accounts for each.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Entity, Harm, Inside};

use super::against::Against;
use crate::attribute::Scored;
use crate::facts::{Facts, Row};

/// Harm for which a source is less responsible is not told one by one.
const LEAST: f64 = 0.05;

/// A touch of a harmed thing before its harm.
#[derive(Clone, Copy)]
pub struct Touch {
    /// The thing's place among the harmed.
    pub harmed: u32,
    /// Days since the start.
    pub day: f64,
    /// The row.
    pub row: Row,
}

/// The things that a source explains, most responsible first: `touches` are its own, `thing` says what is harmed and when.
/// What it explains and did not touch in a row that is kept is left out.
pub fn told(f: &Facts, s: &Scored, touches: &[Touch], thing: impl Fn(u32) -> (Entity, i64)) -> Vec<Harm> {
    let inside = |t: &Touch| s.window.is_none_or(|w| w.0 <= t.day && t.day < w.1);
    let mut last: BTreeMap<u32, &Touch> = BTreeMap::new();
    for t in touches {
        let at = last.entry(t.harmed).or_insert(t);
        if (inside(t), t.row.ts, t.row.seq) > (inside(at), at.row.ts, at.row.seq) {
            *at = t;
        }
    }
    let mut out: Vec<Harm> = s
        .explains
        .iter()
        .filter(|x| x.1 >= LEAST)
        .filter_map(|(harmed, share)| {
            let touch = last.get(harmed)?.row.cite(&f.names);
            let (thing, at) = thing(*harmed);
            Some(Harm { thing, share: *share, at, touch })
        })
        .collect();
    out.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| (a.at, &a.thing).cmp(&(b.at, &b.thing))));
    out
}

/// What a source touched in its window, and what became of it.
pub fn inside(s: &Scored, a: &Against) -> Option<Inside> {
    let touched = a.inside.max(a.harmed as f64);
    let through: f64 = s.explains.iter().map(|x| x.1).sum();
    let window = s.window.filter(|_| touched > 0.0);
    window.map(|_| Inside {
        touched: touched.round() as u64,
        harmed: a.harmed,
        expected: s.inside,
        rate: (through / touched).min(1.0),
    })
}
