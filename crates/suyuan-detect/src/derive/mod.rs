//! Fields that no single row holds: computed from earlier rows and from reference records.
//!
//! An operator is one file and one line in [`ALL`]. It answers for a row from the rows before it in the total
//! order and from that row itself ([`Operator::compute`]); only then does it take the row in ([`Operator::observe`]).
//! So a field never depends on what comes later, nor on how the rows were cut into batches.
//! Earlier rows that prove what a field says are cited with it ([`Behind`]): the operator remembers them as its state, and
//! findings and alerts show them.
//! Reference records (staff, outlets, terminals) are read by their validity at the row's time.

mod afar;
mod age;
mod calendar;
mod capture_before;
mod card_origin;
mod cards_held;
mod change_before;
mod codes_at_opening;
mod custody;
mod daily;
pub(crate) mod data_taken;
mod device_listed;
mod distance;
mod dropped;
mod first_seen;
mod idle_cards;
mod looked_up_before;
mod lookup;
mod opened;
mod order_for;
mod outlet_row;
mod overlap;
mod places;
mod relation;
mod reuse;
mod share;
mod shift;
mod since_last;
mod speed;
mod unexplained;
mod use_shape;

pub(crate) use custody::number as custody_number;

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::outcome::{Evidence, Text};

use crate::field::{self, Ty};
use crate::registry::Registry;
use crate::rule::correlation::span_of;
use crate::state::Saved;
use crate::view::{Binder, Cite, Row};

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
    &codes_at_opening::SPEC,
    &card_origin::SPEC,
    &calendar::SPEC,
    &age::SPEC,
    &distance::SPEC,
    &since_last::SPEC,
    &lookup::SPEC,
    &opened::SPEC,
    &use_shape::SPEC,
    &cards_held::SPEC,
    &outlet_row::SPEC,
    &share::SPEC,
    &afar::SPEC,
    &relation::SPEC,
    &dropped::SPEC,
    &looked_up_before::SPEC,
    &idle_cards::SPEC,
    &data_taken::SPEC,
];

/// Rows behind one field of one row that are cited: as many as a finding shows.
pub(crate) const MOST_CITED: usize = Evidence::LIMIT;

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
    /// Which rows prove what it says.
    pub behind: Behind,
}

/// Which rows prove what a field says of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    /// The row itself.
    #[default]
    Itself,
    /// Earlier rows beside it; which, in words.
    Beside(Text),
    /// Earlier rows: the field speaks of them, and the row is only where it is asked; which, in words.
    Instead(Text),
}

impl Behind {
    /// The earlier rows, in words.
    pub fn rows(&self) -> Option<&Text> {
        match self {
            Behind::Itself => None,
            Behind::Beside(rows) | Behind::Instead(rows) => Some(rows),
        }
    }
}

/// A field with a fixed name.
pub(crate) fn def(name: &str, ty: Ty, en: &str, zh: &str) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, what: (en.to_owned(), zh.to_owned()), behind: Behind::Itself }
}

impl FieldDef {
    /// It rests on earlier rows too.
    pub(crate) fn beside(self, en: &str, zh: &str) -> FieldDef {
        FieldDef { behind: Behind::Beside(Text::new(en, zh)), ..self }
    }
    /// It speaks of earlier rows.
    pub(crate) fn instead(self, en: &str, zh: &str) -> FieldDef {
        FieldDef { behind: Behind::Instead(Text::new(en, zh)), ..self }
    }
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
    /// A record kind.
    Kind,
    /// Pairs of equal fields, of the row and of the kind given before: `order=order; subject=subject`.
    Pairs,
    /// Fields of the kind given before and what they must say: `kind=legal|complaint`.
    Where,
    /// A field of the kind given before, or nothing.
    Column,
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
        let words = |w: &[&str]| (format!("one of: {}", w.join(", ")), format!("以下之一：{}", w.join("、")));
        let fault = match d.ty {
            ParamTy::Span if span_of(value).is_some() => None,
            ParamTy::Span => Some(("a span such as 6h or 30d".into(), "时长，如6h、30d".into())),
            ParamTy::Int if value.parse::<i64>().is_ok() => None,
            ParamTy::Int => Some(("a whole number".into(), "整数".into())),
            ParamTy::Word(w) => (!w.contains(&value)).then(|| words(w)),
            ParamTy::Name if is_name(value) => None,
            ParamTy::Name => Some(("a name of letters and digits".into(), "由字母与数字组成的名称".into())),
            ParamTy::Kind => Kind::by_name(value).is_none().then(|| {
                let names: Vec<&str> = Kind::ALL.iter().map(|k| k.name()).collect();
                words(&names)
            }),
            ParamTy::Pairs | ParamTy::Where | ParamTy::Column => self.fields_fault(d.ty, value),
        };
        if let Some(f) = fault {
            return Err(f);
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
    /// What is wrong with fields named of the kind that the parameter `record` gives.
    fn fields_fault(&self, ty: ParamTy, value: &str) -> Option<(String, String)> {
        let kind = kind_named(self.get("record"));
        let has = |kind: Kind, name: &str| field::column(kind, name).is_some();
        let lost = |what: &str| {
            (
                format!("a field of `{}`; `{what}` is none", kind.name()),
                format!("“{}”的字段；其中没有“{what}”", kind.name()),
            )
        };
        if ty == ParamTy::Column {
            return (!has(kind, value)).then(|| lost(value));
        }
        let pairs: Vec<(&str, &str)> = pairs_of(value).collect();
        if pairs.is_empty() || pairs.iter().any(|(a, b)| a.is_empty() || b.is_empty()) {
            return Some((
                "pairs such as `order=order; subject=subject`".into(),
                "如“order=order; subject=subject”的成对字段".into(),
            ));
        }
        pairs.iter().find_map(|(a, b)| {
            if ty == ParamTy::Where {
                return (!has(kind, a)).then(|| lost(a));
            }
            if !Kind::ALL.iter().any(|k| has(*k, a)) {
                return Some((
                    format!("fields of records; no kind has `{a}`"),
                    format!("记录字段；没有记录类型含“{a}”"),
                ));
            }
            (!has(kind, b)).then(|| lost(b))
        })
    }
    /// The pairs of a parameter.
    pub(crate) fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        pairs_of(self.get(name))
    }
    pub(crate) fn span(&self, name: &str) -> i64 {
        span_of(self.get(name)).unwrap_or(0)
    }
    pub(crate) fn int(&self, name: &str) -> i64 {
        self.get(name).parse().unwrap_or(0)
    }
}

fn is_name(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `a=b; c=d` as pairs.
fn pairs_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';')
        .filter(|p| !p.trim().is_empty())
        .map(|p| p.split_once('=').map_or((p.trim(), ""), |(a, b)| (a.trim(), b.trim())))
}

/// The kind that a parameter names; parameters are checked when they are set.
pub(crate) fn kind_named(name: &str) -> Kind {
    Kind::by_name(name).unwrap_or(Kind::WorkOrder)
}

/// The kinds an operator observes: those of a parameter where it has one, else what it says itself.
pub(crate) fn observed(spec: &Spec, params: &Params) -> &'static [Kind] {
    let named = ["record", "kind"].into_iter().find(|n| spec.params.iter().any(|d| d.name == *n));
    let kind = named.map(|n| kind_named(params.get(n)));
    match kind.and_then(|k| Kind::ALL.iter().find(|x| **x == k)) {
        Some(kind) => std::slice::from_ref(kind),
        None => spec.observes,
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
pub(crate) trait Operator: Saved + Send {
    /// Fills the fields; they stand at `Null`.
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]);
    /// Takes the row in.
    fn observe(&mut self, row: &Row<'_>, refs: &Registry);
    /// The kinds of which it remembers rows to cite them; those rows come with [`Row::cite`].
    fn remembers(&self) -> &'static [Kind] {
        &[]
    }
    /// Adds the earlier rows that prove what a field says of the row, at most the newest [`MOST_CITED`]: for fields with
    /// something [`Behind`] them. Asked between `compute` and `observe`.
    fn cited(&self, _field: usize, _row: &Row<'_>, _out: &mut Vec<Cite>) {}
    /// Forgets what no row at or after `now` can ask for.
    fn expire(&mut self, now: i64);
    /// How long forgetting may wait, microseconds: where nothing that is past is ever told, once a week is enough.
    fn patience(&self) -> i64 {
        0
    }
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
