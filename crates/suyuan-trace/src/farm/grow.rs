//! From a group of rows to its people and back: users and rows refine one another.

use std::collections::BTreeMap;

use super::Params;
use super::chance::rarer;
use super::mixture::fit;
use super::rows::{SEVERAL, Stretch};

/// A group within one stretch: rows and places of users, both ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub rows: Vec<usize>,
    pub people: Vec<usize>,
}

/// Occasions among touches of different rows: one occasion that touches three rows counts once.
pub fn occasions(mut events: Vec<u32>) -> u32 {
    let several = events.iter().filter(|e| **e == SEVERAL).count() as u32;
    events.retain(|e| *e != SEVERAL);
    events.sort_unstable();
    events.dedup();
    several + events.len() as u32
}

/// Users who touch the rows on at least two occasions and more probably belong than not.
fn people(s: &Stretch, rows: &[usize], least: f64) -> Vec<usize> {
    let users = fit(s, rows).0;
    users.iter().filter(|u| u.occasions >= 2 && u.probability >= least).map(|u| u.place).collect()
}

/// Rows that more of these people touch than their activity explains.
fn rows_of(s: &Stretch, people: &[usize], bound: f64) -> Vec<usize> {
    let mut by_row: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for p in people {
        for (r, _) in s.rows_of(*p) {
            by_row.entry(*r as usize).or_default().push(*p);
        }
    }
    by_row.retain(|_, mine| mine.len() >= 3);
    let rows: Vec<usize> = by_row.keys().copied().collect();
    let at: BTreeMap<usize, usize> = rows.iter().enumerate().map(|(j, r)| (*r, j)).collect();
    let touches: Vec<Vec<(usize, u32)>> = people
        .iter()
        .map(|p| s.rows_of(*p).iter().filter_map(|(r, e)| Some((*at.get(&(*r as usize))?, *e))).collect())
        .collect();
    let mut outside = Vec::new();
    let members = people.iter().zip(&touches).map(|(p, t)| (*p, 1.0, t.as_slice()));
    s.outside(&rows, members, super::mixture::LEAN, &mut outside);
    let mean = |j: usize| -> f64 {
        people
            .iter()
            .map(|p| s.activity(*p, rows[j]) * outside[j * s.strata() + s.stratum(*p, rows[j])])
            .sum()
    };
    (0..rows.len())
        .filter(|j| rarer(by_row[&rows[*j]].len() as u32, mean(*j), bound))
        .map(|j| rows[j])
        .collect()
}

/// Grows a group of rows to its people; none if too few people belong to it.
pub fn grow(s: &Stretch, rows: Vec<usize>, all_rows: usize, params: &Params) -> Option<Group> {
    let bound = (params.chance / all_rows.max(1) as f64).ln();
    let mut group = Group { people: people(s, &rows, params.least_probability), rows };
    for _ in 0..params.rounds {
        if group.people.len() < params.least_members {
            return None;
        }
        let rows = rows_of(s, &group.people, bound);
        if rows == group.rows || rows.len() < 2 {
            break;
        }
        let people = people(s, &rows, params.least_probability);
        if people.len() < params.least_members {
            break;
        }
        group = Group { rows, people };
    }
    (group.people.len() >= params.least_members).then_some(group)
}
