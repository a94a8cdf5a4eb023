//! Who is linked with whom: undirected edges between ids, and what neighbours say of a row.
//!
//! Invariant: a row is never its own neighbour, and an edge told twice counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::error::{ScoreError, Want};
use crate::table::{Table, broken};

/// Edges between ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Each edge once, the lesser id first.
    edges: BTreeSet<(String, String)>,
}

impl Graph {
    /// Reads a CSV whose first two columns are the edge's ends.
    pub fn read(from: impl Read, file: &str) -> Result<Graph, ScoreError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(from);
        let header = reader.headers().map_err(|e| broken(file, &e))?.clone();
        let mut graph = Graph::default();
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).map_err(|e| broken(file, &e))? {
            let end = |at: usize| match row.get(at).map(str::trim) {
                Some(id) if !id.is_empty() => Ok(id),
                _ => Err(ScoreError::Cell {
                    file: file.to_owned(),
                    line: row.position().map_or(0, csv::Position::line),
                    column: (at + 1, header.get(at).unwrap_or("").to_owned()),
                    found: String::new(),
                    want: Want::Id,
                }),
            };
            graph.link(end(0)?, end(1)?);
        }
        Ok(graph)
    }

    /// Adds an edge.
    pub fn link(&mut self, a: &str, b: &str) {
        if a != b {
            let (a, b) = if a < b { (a, b) } else { (b, a) };
            self.edges.insert((a.to_owned(), b.to_owned()));
        }
    }

    /// The neighbours of a table's rows. With a graph, ids must be unique.
    pub(crate) fn of(&self, table: &Table) -> Result<Neighbours, ScoreError> {
        let mut nodes: BTreeMap<&str, u32> = BTreeMap::new();
        for (i, id) in table.ids.iter().enumerate() {
            if nodes.insert(id, i as u32).is_some() {
                return Err(ScoreError::Twice { file: "the table".to_owned(), name: id.clone() });
            }
        }
        let rows = table.rows();
        let mut beyond: Vec<String> = Vec::new();
        let mut lists = vec![Vec::new(); rows];
        for (a, b) in &self.edges {
            let mut at = |id: &'_ str, other: bool| match nodes.get(id) {
                Some(i) => Some(*i),
                None if other => {
                    beyond.push(id.to_owned());
                    Some((rows + beyond.len() - 1) as u32)
                }
                None => None,
            };
            let inside = (nodes.contains_key(a.as_str()), nodes.contains_key(b.as_str()));
            let (i, j) = (at(a, inside.1), at(b, inside.0));
            if let (Some(i), Some(j)) = (i, j) {
                if (i as usize) < rows {
                    lists[i as usize].push(j);
                }
                if (j as usize) < rows {
                    lists[j as usize].push(i);
                }
            }
        }
        lists.iter_mut().for_each(|l| l.sort_unstable());
        Ok(Neighbours { lists, beyond })
    }
}

/// Neighbours of each row: rows of the table, or, from the table's length on, ids beyond it.
pub(crate) struct Neighbours {
    pub(crate) lists: Vec<Vec<u32>>,
    pub(crate) beyond: Vec<String>,
}

impl Neighbours {
    /// The mean over a row's neighbours in the table that have the value; NaN where none has.
    pub(crate) fn mean(&self, of: &[f64]) -> Vec<f64> {
        let one = |list: &Vec<u32>| {
            let (mut sum, mut n) = (0.0, 0.0);
            for v in list.iter().filter_map(|j| of.get(*j as usize)).filter(|v| !v.is_nan()) {
                sum += v;
                n += 1.0;
            }
            if n > 0.0 { sum / n } else { f64::NAN }
        };
        self.lists.iter().map(one).collect()
    }

    /// The share of a row's neighbours that carry the label, shrunk to `prior`; `known` tells a
    /// neighbour's label to this row, or that it must not be used for it.
    pub(crate) fn rate(&self, row: usize, prior: f64, known: impl Fn(u32) -> Option<bool>) -> f64 {
        let (mut yes, mut n) = (0.0, 0.0);
        for l in self.lists[row].iter().filter_map(|j| known(*j)) {
            yes += f64::from(u8::from(l));
            n += 1.0;
        }
        (yes + SHRINK * prior) / (n + SHRINK)
    }
}

/// The prior counts as much as so many neighbours.
const SHRINK: f64 = 3.0;
