//! From a group of rows to its people and back: users and rows refine one another.

use std::collections::BTreeMap;

use super::Params;
use super::chance::rarer;
use super::rows::{SEVERAL, Stretch};

/// A group within one stretch: rows and places of users, both ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub rows: Vec<usize>,
    pub people: Vec<usize>,
}

/// Touches of a group's rows by user: how many, on how many occasions, and how many their activity explains.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub occasions: u32,
    pub expected: f64,
}

/// Occasions among touches of different rows: one occasion that touches three rows counts once.
pub fn occasions(mut events: Vec<u32>) -> u32 {
    let several = events.iter().filter(|e| **e == SEVERAL).count() as u32;
    events.retain(|e| *e != SEVERAL);
    events.sort_unstable();
    events.dedup();
    several + events.len() as u32
}

/// Who touches these rows (ascending), and how often.
pub fn counts(s: &Stretch, rows: &[usize]) -> BTreeMap<usize, Count> {
    let mut touched: BTreeMap<usize, Vec<(usize, u32)>> = BTreeMap::new();
    for r in rows {
        for (p, event) in s.touched(*r) {
            touched.entry(p as usize).or_default().push((*r, event));
        }
    }
    let count = |p: usize, touches: Vec<(usize, u32)>| Count {
        occasions: occasions(touches.iter().map(|t| t.1).collect()),
        expected: rows.iter().map(|r| s.expected(p, *r)).sum(),
    };
    touched.into_iter().map(|(p, touches)| (p, count(p, touches))).collect()
}

/// Users who touch the rows on at least two occasions, more than their activity explains.
fn people(s: &Stretch, rows: &[usize], chance: f64) -> Vec<usize> {
    let bound = chance.ln();
    counts(s, rows)
        .into_iter()
        .filter(|(_, c)| c.occasions >= 2 && rarer(c.occasions, c.expected, bound))
        .map(|(p, _)| p)
        .collect()
}

/// Rows that more of these people touch than their activity explains.
fn rows_of(s: &Stretch, people: &[usize], bound: f64) -> Vec<usize> {
    let mut by_row: BTreeMap<usize, u32> = BTreeMap::new();
    for p in people {
        for (r, _) in s.rows_of(*p) {
            *by_row.entry(*r as usize).or_default() += 1;
        }
    }
    by_row
        .into_iter()
        .filter(|(r, n)| *n >= 3 && rarer(*n, people.iter().map(|p| s.expected(*p, *r)).sum(), bound))
        .map(|(r, _)| r)
        .collect()
}

/// Grows a group of rows to its people; none if too few people belong to it.
pub fn grow(s: &Stretch, rows: Vec<usize>, all_rows: usize, params: &Params) -> Option<Group> {
    let bound = (params.chance / all_rows.max(1) as f64).ln();
    let mut group = Group { people: people(s, &rows, params.member), rows };
    if group.people.len() < params.least_members {
        return None;
    }
    for _ in 0..params.rounds {
        let rows = rows_of(s, &group.people, bound);
        if rows.len() < 2 {
            break;
        }
        // The rows are known by now to be the group's: a member needs less.
        let people = people(s, &rows, params.member * 10.0);
        let same = people == group.people;
        if people.len() < params.least_members {
            break;
        }
        group = Group { rows, people };
        if same {
            break;
        }
    }
    Some(group)
}
