//! What can go wrong, worded for the operator.

use std::fmt;

use suyuan_model::outcome::Text;
use suyuan_model::scan::ScanError;

use crate::state::StateError;

/// A fault in a rule file: where it is, what is wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as named by whoever loaded it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: Text,
    /// What to do.
    pub remedy: Text,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what.en)?;
        if !self.remedy.en.is_empty() {
            write!(f, "; {}", self.remedy.en)?;
        }
        Ok(())
    }
}

impl Fault {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        let base = format!("{}:{}:{}：{}", self.file, self.line, self.column, self.what.zh);
        if self.remedy.zh.is_empty() { base } else { format!("{base}；{}", self.remedy.zh) }
    }
}

/// Why rules could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// Rule files with faults; none of them was loaded.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rules(Vec<Fault>),
    /// Saved state could not be restored.
    #[error(transparent)]
    State(#[from] StateError),
    /// The records could not be read.
    #[error("the records could not be read: {0}")]
    Scan(#[from] ScanError),
}

/// A fault without its file: the loader knows the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub line: usize,
    pub column: usize,
    pub what: Text,
    pub remedy: Text,
}

impl Spot {
    pub fn in_file(self, file: &str) -> Fault {
        Fault {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            what: self.what,
            remedy: self.remedy,
        }
    }
}

/// The name among `names` nearest to `wrong`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|n| (distance(&wrong.to_lowercase(), &n.to_lowercase()), n))
        .min()
        .filter(|(d, n)| *d <= 2 + n.len() / 4)
        .map(|(_, n)| n)
}

/// Edit distance of two short names (Levenshtein, with the swap of neighbours as one edit).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut d = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in d.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in d[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let swap = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (d[i - 1][j] + 1).min(d[i][j - 1] + 1).min(d[i - 1][j - 1] + swap);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(d[i - 2][j - 2] + 1);
            }
            d[i][j] = best;
        }
    }
    d[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(super::nearest("regoin6", ["region6", "account"]), Some("region6"));
        assert_eq!(super::nearest("zzz", ["region6", "account"]), None);
    }
}
