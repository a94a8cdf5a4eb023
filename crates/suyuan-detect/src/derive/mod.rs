//! Fields that no single row holds: computed from earlier rows and from reference records.
//!
//! An operator is one file and one line in [`ALL`]. It answers for a row from the rows before it in the total
//! order and from that row itself ([`Operator::compute`]); only then does it take the row in ([`Operator::observe`]).
//! So a field never depends on what comes later, nor on how the rows were cut into batches.
//! Reference records (staff, outlets, terminals) are read by their validity at the row's time.

mod capture_before;
mod card_origin;
mod change_before;
mod custody;
mod daily;
mod device_listed;
mod first_seen;
mod order_for;
mod overlap;
mod places;
mod reuse;
mod shift;
mod speed;
mod unexplained;

pub(crate) use custody::number as custody_number;

use std::sync::Arc;

use suyuan_model::Kind;

use crate::field::Ty;
use crate::registry::Registry;
use crate::rule::correlation::span_of;
use crate::state::Saved;
use crate::view::{Binder, Row};

/// In the order of the manual.
pub(crate) static ALL: &[&Spec] = &[
    &device_listed::SPEC,
    &first_seen::SPEC,
    &places::SPEC,
    &change_before::SPEC,
    &overlap::SPEC,
    &speed::SPEC,
    &shift::SPEC,
    &capture_before::SPEC,
    &reuse::SPEC,
    &custody::SPEC,
    &daily::SPEC,
    &order_for::SPEC,
    &unexplained::SPEC,
    &card_origin::SPEC,
];

/// A derived value.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    /// Unknown.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A measured number.
    Real(f64),
    /// A text.
    Text(Arc<str>),
}

impl Val {
    pub(crate) fn shown(&self) -> String {
        match self {
            Val::Null => String::new(),
            Val::Bool(b) => b.to_string(),
            Val::Int(i) => i.to_string(),
            Val::Real(r) => format!("{r:.2}"),
            Val::Text(t) => t.to_string(),
        }
    }
}

impl<T: Into<Val>> From<Option<T>> for Val {
    fn from(v: Option<T>) -> Val {
        v.map_or(Val::Null, Into::into)
    }
}
impl From<bool> for Val {
    fn from(v: bool) -> Val {
        Val::Bool(v)
    }
}
impl From<i64> for Val {
    fn from(v: i64) -> Val {
        Val::Int(v)
    }
}
impl From<f64> for Val {
    fn from(v: f64) -> Val {
        Val::Real(v)
    }
}
impl From<Arc<str>> for Val {
    fn from(v: Arc<str>) -> Val {
        Val::Text(v)
    }
}

/// A field that an operator gives.
#[derive(Clone, Debug)]
pub struct FieldDef {
    /// Its name in rules.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// In words.
    pub what: (String, String),
}

/// A field with a fixed name.
pub(crate) fn def(name: &str, ty: Ty, en: &str, zh: &str) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, what: (en.to_owned(), zh.to_owned()) }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamTy {
    /// A span: `30s`, `15m`, `6h`, `30d`.
    Span,
    /// A whole number.
    Int,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A new name.
    Name,
}

/// A parameter of an operator or check.
#[derive(Debug)]
pub struct ParamDef {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub ty: ParamTy,
    /// Used where the rule gives none.
    pub default: &'static str,
}

/// Parameters, complete: what a rule did not give has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    pub(crate) fn defaults(defs: &'static [ParamDef]) -> Params {
        Params(defs.iter().map(|d| (d.name, d.default.to_owned())).collect())
    }

    /// Sets a value; the error says what was expected, in both languages.
    pub(crate) fn set(&mut self, d: &ParamDef, value: &str) -> Result<(), (String, String)> {
        let ok = match d.ty {
            ParamTy::Span => span_of(value).is_some(),
            ParamTy::Int => value.parse::<i64>().is_ok(),
            ParamTy::Word(words) => words.contains(&value),
            ParamTy::Name => {
                !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
        };
        if !ok {
            return Err(match d.ty {
                ParamTy::Span => ("a span such as 6h or 30d".into(), "时长，如6h、30d".into()),
                ParamTy::Int => ("a whole number".into(), "整数".into()),
                ParamTy::Word(w) => {
                    (format!("one of: {}", w.join(", ")), format!("以下之一：{}", w.join("、")))
                }
                ParamTy::Name => ("a name of letters and digits".into(), "由字母与数字组成的名称".into()),
            });
        }
        for p in &mut self.0 {
            if p.0 == d.name {
                p.1 = value.to_owned();
            }
        }
        Ok(())
    }
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|p| p.0 == name).map_or("", |p| p.1.as_str())
    }
    pub(crate) fn span(&self, name: &str) -> i64 {
        span_of(self.get(name)).unwrap_or(0)
    }
    pub(crate) fn int(&self, name: &str) -> i64 {
        self.get(name).parse().unwrap_or(0)
    }
}

/// What an operator is.
pub(crate) struct Spec {
    pub name: &'static str,
    /// In words, both languages.
    pub what: (&'static str, &'static str),
    /// The kinds whose rows get its fields.
    pub on: &'static [Kind],
    /// The kinds it must see to know the past, whatever the rules read.
    pub observes: &'static [Kind],
    pub params: &'static [ParamDef],
    pub fields: fn(&Params) -> Vec<FieldDef>,
    pub build: fn(&Params, &mut Binder) -> Box<dyn Operator>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Contract: `compute` depends only on rows observed before, the row and the registry; what it changes
/// (expiry) never changes a later answer. `observe` sees every row of `observes`, in order.
pub(crate) trait Operator: Saved {
    /// Fills the fields; they stand at `Null`.
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]);
    /// Takes the row in.
    fn observe(&mut self, row: &Row<'_>, refs: &Registry);
    /// Forgets what no row at or after `now` can ask for.
    fn expire(&mut self, now: i64);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_registered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/derive");
        let files = std::fs::read_dir(dir).unwrap().count();
        assert_eq!(files, super::ALL.len() + 1, "an operator's file is not in the list");
    }
}
