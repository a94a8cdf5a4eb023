//! How a field's text is made from a record's texts: the compiled form of a mapping's field.

use std::borrow::Cow;
use std::collections::BTreeMap;

use suyuan_model::outcome::Text;

use crate::cells::Cells;
use crate::fault::{Fault, did_you_mean, shown};

/// A text from a record.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Slot(usize),
    Constant(String),
    /// The first that is there.
    Coalesce(Vec<Expr>),
    /// Those that are there, joined; absent when none is.
    Join(Vec<Expr>, String),
    /// Part `n` (from 1; from the end where negative) of the text cut at `by`.
    Split(Box<Expr>, String, i32),
    /// The text looked up; what is not listed is the default, or a fault where there is none.
    Table(Box<Expr>, BTreeMap<String, String>, Option<String>),
    /// Only where the condition holds.
    When(Cond, Box<Expr>),
    /// The text, or this where nothing is there.
    Missing(Box<Expr>, String),
}

/// A condition on a record.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    Exists(usize),
    Is(usize, Vec<String>),
    Starts(usize, Vec<String>),
    Ends(usize, Vec<String>),
    Contains(usize, Vec<String>),
}

impl Cond {
    /// Whether it holds; an absent text is like nothing.
    pub fn holds(&self, cells: &Cells<'_>) -> bool {
        let of = |slot: &usize, like: &[String], test: fn(&str, &str) -> bool| {
            cells.get(*slot).is_some_and(|text| like.iter().any(|l| test(text, l)))
        };
        match self {
            Self::All(all) => all.iter().all(|c| c.holds(cells)),
            Self::Any(any) => any.iter().any(|c| c.holds(cells)),
            Self::Not(not) => !not.holds(cells),
            Self::Exists(slot) => cells.get(*slot).is_some(),
            Self::Is(slot, like) => of(slot, like, |t, l| t == l),
            Self::Starts(slot, like) => of(slot, like, |t, l| t.starts_with(l)),
            Self::Ends(slot, like) => of(slot, like, |t, l| t.ends_with(l)),
            Self::Contains(slot, like) => of(slot, like, |t, l| t.contains(l)),
        }
    }
}

impl Expr {
    /// The text; `None` where the source says nothing.
    pub fn eval<'a>(&'a self, cells: &Cells<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        Ok(match self {
            Self::Slot(slot) => cells.get(*slot).map(Cow::Borrowed),
            Self::Constant(text) => Some(Cow::Borrowed(text)),
            Self::Coalesce(all) => {
                for e in all {
                    if let Some(text) = e.eval(cells)? {
                        return Ok(Some(text));
                    }
                }
                None
            }
            Self::Join(all, with) => {
                let mut out: Option<String> = None;
                for e in all {
                    if let Some(text) = e.eval(cells)? {
                        match &mut out {
                            None => out = Some(text.into_owned()),
                            Some(out) => {
                                out.push_str(with);
                                out.push_str(&text);
                            }
                        }
                    }
                }
                out.map(Cow::Owned)
            }
            Self::Split(of, by, part) => of.eval(cells)?.and_then(|text| cut(text, by, *part)),
            Self::Table(of, table, default) => match of.eval(cells)? {
                None => None,
                Some(text) => match table.get(text.as_ref()).or(default.as_ref()) {
                    Some(value) => Some(value.as_str()).filter(|v| !v.is_empty()).map(Cow::Borrowed),
                    None => return Err(not_listed(&text, table)),
                },
            },
            Self::When(cond, of) => match cond.holds(cells) {
                true => of.eval(cells)?,
                false => None,
            },
            Self::Missing(of, text) => Some(of.eval(cells)?.unwrap_or(Cow::Borrowed(text))),
        })
    }

    /// Whether it can give anything when only the slots for which `bound` holds exist.
    pub fn possible(&self, bound: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Slot(slot) => bound(*slot),
            Self::Constant(_) | Self::Missing(..) => true,
            Self::Coalesce(all) | Self::Join(all, _) => all.iter().any(|e| e.possible(bound)),
            Self::Split(of, ..) | Self::Table(of, ..) | Self::When(_, of) => of.possible(bound),
        }
    }

    /// The slots it reads.
    pub fn slots(&self, each: &mut dyn FnMut(usize)) {
        match self {
            Self::Slot(slot) => each(*slot),
            Self::Constant(_) => {}
            Self::Coalesce(all) | Self::Join(all, _) => all.iter().for_each(|e| e.slots(each)),
            Self::Split(of, ..) | Self::Table(of, ..) | Self::When(_, of) | Self::Missing(of, _) => {
                of.slots(each);
            }
        }
    }
}

fn cut<'a>(text: Cow<'a, str>, by: &str, part: i32) -> Option<Cow<'a, str>> {
    fn pick<'t>(text: &'t str, by: &str, part: i32) -> Option<&'t str> {
        let n = part.unsigned_abs() as usize - 1;
        let found = if part > 0 { text.split(by).nth(n) } else { text.rsplit(by).nth(n) };
        found.and_then(crate::cells::present)
    }
    match text {
        Cow::Borrowed(text) => pick(text, by, part).map(Cow::Borrowed),
        Cow::Owned(text) => pick(&text, by, part).map(|t| Cow::Owned(t.to_owned())),
    }
}

fn not_listed(value: &str, table: &BTreeMap<String, String>) -> Fault {
    let what = shown(value);
    let near = did_you_mean(value, table.keys().map(String::as_str));
    Fault::whole(
        Text::new(
            format!("{} is not in the mapping's table", what.en),
            format!("映射表中没有该值（{}）", what.zh),
        ),
        Text::new(format!("add it to the table; {}", near.en), format!("请将其加入映射表；{}", near.zh)),
    )
}
