//! Feature tables: one row a card (or whatever is scored), one numeric column a feature.
//!
//! Read from CSV with a header. Columns named in [`Roles`] carry the id, the label and the time; all others
//! are features. Unknown values stay empty and are kept as missing: a booster learns which way they go.
//! Anything that does not fit is an error with line and column; nothing is guessed.

use std::collections::BTreeSet;
use std::io::Read;

use suyuan_model::time;

use crate::error::{ScoreError, Want};

/// Which columns are no features.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Roles {
    /// The label: 1 or 0, empty where unknown.
    pub label: Option<String>,
    /// The row's id; without it rows are numbered from 1.
    pub id: Option<String>,
    /// When the row was known.
    pub time: Option<String>,
    /// Columns that are passed over.
    pub ignore: Vec<String>,
}

/// Features of rows, by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The features' names.
    pub names: Vec<String>,
    /// Their values; NaN where missing. INVARIANT: as many columns as names, all as long as `ids`.
    pub columns: Vec<Vec<f64>>,
    /// The rows' ids.
    pub ids: Vec<String>,
    /// Their labels where known. INVARIANT: as long as `ids`.
    pub labels: Vec<Option<bool>>,
    /// When they were known, microseconds UTC. INVARIANT: as long as `ids`.
    pub times: Vec<Option<i64>>,
}

/// Which columns to read as features.
#[derive(Clone, Copy, Debug)]
pub enum Features<'a> {
    /// All that have no other role.
    All,
    /// These, in this order; others are passed over.
    These(&'a [String]),
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Reads a CSV; `file` names it in messages.
    pub fn read(from: impl Read, file: &str, roles: &Roles, want: Features<'_>) -> Result<Table, ScoreError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(from);
        let header = reader.headers().map_err(|e| broken(file, &e))?.clone();
        let header: Vec<String> =
            header.iter().map(|h| h.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let plan = Plan::of(&header, file, roles, want)?;
        let mut table = Table {
            names: plan.features.iter().map(|i| header[*i].clone()).collect(),
            columns: vec![Vec::new(); plan.features.len()],
            ..Table::default()
        };
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).map_err(|e| broken(file, &e))? {
            let line = row.position().map_or(0, csv::Position::line);
            let wrong = |at: usize, want: Want| ScoreError::Cell {
                file: file.to_owned(),
                line,
                column: (at + 1, header[at].clone()),
                found: row.get(at).unwrap_or("").chars().take(40).collect(),
                want,
            };
            let cell = |at: usize| row.get(at).unwrap_or("").trim();
            for (column, at) in table.columns.iter_mut().zip(&plan.features) {
                column.push(number(cell(*at)).ok_or_else(|| wrong(*at, Want::Number))?);
            }
            table.labels.push(match plan.label {
                Some(at) => label(cell(at)).ok_or_else(|| wrong(at, Want::Label))?,
                None => None,
            });
            table.times.push(match plan.time {
                Some(at) => instant(cell(at)).ok_or_else(|| wrong(at, Want::Time))?,
                None => None,
            });
            table.ids.push(match plan.id {
                Some(at) if cell(at).is_empty() => return Err(wrong(at, Want::Id)),
                Some(at) => cell(at).to_owned(),
                None => (table.ids.len() + 1).to_string(),
            });
        }
        Ok(table)
    }

    /// The rows named, in that order.
    pub fn only(&self, rows: &[u32]) -> Table {
        let at = |r: &u32| *r as usize;
        Table {
            names: self.names.clone(),
            columns: self.columns.iter().map(|c| rows.iter().map(|r| c[at(r)]).collect()).collect(),
            ids: rows.iter().map(|r| self.ids[at(r)].clone()).collect(),
            labels: rows.iter().map(|r| self.labels[at(r)]).collect(),
            times: rows.iter().map(|r| self.times[at(r)]).collect(),
        }
    }

    /// The row with that id.
    pub fn row(&self, id: &str) -> Result<usize, ScoreError> {
        self.ids.iter().position(|i| i == id).ok_or_else(|| ScoreError::NoRow { id: id.to_owned() })
    }
}

struct Plan {
    features: Vec<usize>,
    label: Option<usize>,
    id: Option<usize>,
    time: Option<usize>,
}

impl Plan {
    fn of(header: &[String], file: &str, roles: &Roles, want: Features<'_>) -> Result<Plan, ScoreError> {
        let mut seen = BTreeSet::new();
        if let Some(name) = header.iter().find(|h| !seen.insert(h.as_str())) {
            return Err(ScoreError::Twice { file: file.to_owned(), name: name.clone() });
        }
        let find = |name: &String| {
            header.iter().position(|h| h == name).ok_or_else(|| ScoreError::NoColumn {
                file: file.to_owned(),
                column: name.clone(),
                there: header.join(", "),
            })
        };
        let role = |name: &Option<String>| name.as_ref().map(find).transpose();
        let (label, id, time) = (role(&roles.label)?, role(&roles.id)?, role(&roles.time)?);
        let ignored: Vec<usize> = roles.ignore.iter().map(find).collect::<Result<_, _>>()?;
        let features = match want {
            Features::These(names) => names.iter().map(find).collect::<Result<_, _>>()?,
            Features::All => (0..header.len())
                .filter(|i| ![label, id, time].contains(&Some(*i)) && !ignored.contains(i))
                .collect(),
        };
        Ok(Plan { features, label, id, time })
    }
}

pub(crate) fn broken(file: &str, e: &csv::Error) -> ScoreError {
    let line = e.position().map_or(1, csv::Position::line);
    let why = match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => e.to_string(),
    };
    ScoreError::Line { file: file.to_owned(), line, why }
}

fn number(cell: &str) -> Option<f64> {
    if cell.is_empty() || ["nan", "na", "null"].iter().any(|n| cell.eq_ignore_ascii_case(n)) {
        return Some(f64::NAN);
    }
    cell.parse::<f64>().ok().filter(|v| v.is_finite())
}

fn label(cell: &str) -> Option<Option<bool>> {
    match cell {
        "" => Some(None),
        "1" | "1.0" | "是" => Some(Some(true)),
        "0" | "0.0" | "否" => Some(Some(false)),
        _ if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("yes") => Some(Some(true)),
        _ if cell.eq_ignore_ascii_case("false") || cell.eq_ignore_ascii_case("no") => Some(Some(false)),
        _ => None,
    }
}

/// A bare date, or a reading without offset, is China's.
pub(crate) fn instant(cell: &str) -> Option<Option<i64>> {
    if cell.is_empty() {
        return Some(None);
    }
    let reading = time::parse_reading(cell)?;
    Some(Some(reading.local - reading.offset.unwrap_or(time::CHINA)))
}
