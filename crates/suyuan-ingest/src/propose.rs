//! Proposing a mapping from a file's head: what each column seems to be, and how sure that is.
//!
//! Names are compared with the fields' own names, their Chinese labels and a list of usual names; values
//! with the forms of times, numbers, identities, cards and regions. What no column seems to be and the
//! kind needs stands as a column that does not exist (`FILL-IN-card`): the proposal loads, and a file is
//! refused until someone has filled it in. The sample rows are made up; no value of the file gets into
//! the text but the words of columns with few of them.
//!
//! Blind to: what a column means where neither its name nor its values tell.

mod head;
mod shape;
mod words;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

use suyuan_model::{FieldSpec, FieldType, Kind};

use crate::error::IngestError;
use crate::fault::fold;
use head::{Column, Head};
use shape::Shape;

/// Which column a field is taken from.
pub(crate) struct Choice {
    /// Index among the head's columns; `None` where none was found.
    pub column: Option<usize>,
    /// Why someone should look at it.
    pub doubt: Option<&'static str>,
}

/// A name alone must be this alike.
const ALIKE: f64 = 0.82;

/// Proposes a mapping for files like this one; `kind` where the caller knows it.
///
/// # Errors
/// When the file cannot be read, or nothing in it looks like records.
pub fn propose(file: &Path, kind: Option<Kind>) -> Result<String, IngestError> {
    let head = head::read(file)
        .map_err(|fault| IngestError::Unreadable { path: file.to_owned(), reason: fault.to_string() })?;
    let kind = kind.unwrap_or_else(|| best_kind(&head));
    let text = write::mapping(file, &head, kind, &choose(&head, kind));
    // A proposal that does not load would be worse than none.
    crate::mapping::Mapping::parse(&text)?;
    Ok(text)
}

/// The kind whose required fields, and then most fields, the columns seem to be.
fn best_kind(head: &Head) -> Kind {
    let score = |kind: Kind| -> f64 {
        let spec = kind.spec();
        let mut taken = BTreeSet::new();
        let mut sum = 0.0;
        for f in spec.fields {
            let best = best_column(head, f, kind, &taken);
            if let Some((n, s)) = best {
                taken.insert(n);
                sum += if f.required { 2.0 * s } else { s };
            } else if f.required {
                sum -= 1.5;
            }
        }
        sum
    };
    let mut best = (Kind::Opening, f64::MIN);
    for kind in Kind::ALL {
        let s = score(*kind);
        if s > best.1 {
            best = (*kind, s);
        }
    }
    best.0
}

/// For `ts`, `seq` and each field: its column.
pub(crate) struct Choices {
    pub ts: Choice,
    pub seq: Choice,
    pub fields: Vec<Choice>,
}

fn choose(head: &Head, kind: Kind) -> Choices {
    let spec = kind.spec();
    let mut taken = BTreeSet::new();
    let times = |c: &Column| matches!(c.shape, Shape::Time { .. });
    let ts = named(head, "ts", &taken, times)
        .or_else(|| head.columns.iter().position(|c| times(c) && best_owner(c, kind).is_none()))
        .or_else(|| head.columns.iter().position(times));
    if let Some(n) = ts {
        taken.insert(n);
    }
    let seq = named(head, "seq", &taken, |c| !matches!(c.shape, Shape::Time { .. }));
    if let Some(n) = seq {
        taken.insert(n);
    }
    // The surest pairs first, so that a vague name does not take a column from its owner.
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (f, field) in spec.fields.iter().enumerate() {
        for (c, column) in head.columns.iter().enumerate().filter(|(c, _)| !taken.contains(c)) {
            let s = likeness(column, field, kind);
            if s > 0.0 {
                pairs.push((s, f, c));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut fields: Vec<Choice> = spec.fields.iter().map(|_| Choice { column: None, doubt: None }).collect();
    for (s, f, c) in pairs {
        if fields[f].column.is_none() && taken.insert(c) {
            let doubt = (s < 1.0).then_some("the name is only alike");
            fields[f] = Choice { column: Some(c), doubt };
        }
    }
    by_values(head, kind, &mut fields, &mut taken);
    let doubt = ts.is_some_and(|n| !words::is_name_of("ts", &fold(&head.columns[n].name)));
    Choices {
        ts: Choice { column: ts, doubt: doubt.then_some("found by its values only") },
        seq: Choice { column: seq, doubt: None },
        fields,
    }
}

/// Required fields that no name tells are looked for by their values.
fn by_values(head: &Head, kind: Kind, fields: &mut [Choice], taken: &mut BTreeSet<usize>) {
    for (field, choice) in kind.spec().fields.iter().zip(fields) {
        if choice.column.is_some() || !field.required {
            continue;
        }
        let found = head
            .columns
            .iter()
            .enumerate()
            .find(|(n, c)| !taken.contains(n) && shape::tells(c.shape, field.ty));
        if let Some((n, _)) = found {
            taken.insert(n);
            *choice = Choice { column: Some(n), doubt: Some("found by its values only") };
        }
    }
}

fn named(head: &Head, field: &str, taken: &BTreeSet<usize>, fits: impl Fn(&Column) -> bool) -> Option<usize> {
    head.columns
        .iter()
        .enumerate()
        .find(|(n, c)| !taken.contains(n) && words::is_name_of(field, &fold(&c.name)) && fits(c))
        .map(|(n, _)| n)
}

/// The field that owns the column by its exact name.
fn best_owner(column: &Column, kind: Kind) -> Option<&'static FieldSpec> {
    kind.spec().fields.iter().find(|f| likeness(column, f, kind) >= 1.0)
}

fn best_column(head: &Head, field: &FieldSpec, kind: Kind, taken: &BTreeSet<usize>) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (n, column) in head.columns.iter().enumerate().filter(|(n, _)| !taken.contains(n)) {
        let s = likeness(column, field, kind);
        if s > 0.0 && best.is_none_or(|(_, b)| s > b) {
            best = Some((n, s));
        }
    }
    best
}

/// 0 for no, up to 1.25 for the field's own name.
fn likeness(column: &Column, field: &FieldSpec, kind: Kind) -> f64 {
    if !shape::allows(column.shape, field.ty) {
        return 0.0;
    }
    let own = fold(column.name.rsplit('.').next().unwrap_or(&column.name));
    let label = fold(field.zh.split(['：', '(', '（']).next().unwrap_or(field.zh));
    let told = if shape::tells(column.shape, field.ty) { 0.05 } else { 0.0 };
    if own == fold(field.name) || own == label {
        return 1.2 + told;
    }
    let narrow = format!("{}.{}", kind.name(), field.name);
    if words::is_name_of(&narrow, &own) || words::is_name_of(field.name, &own) {
        return 1.0 + told;
    }
    let like = strsim::normalized_damerau_levenshtein(&own, &fold(field.name))
        .max(strsim::normalized_damerau_levenshtein(&own, &label));
    let ids = matches!(field.ty, FieldType::Id | FieldType::Text);
    if like >= ALIKE || (!ids && label.chars().count() >= 3 && own.contains(&label)) {
        like.max(ALIKE) + told
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
