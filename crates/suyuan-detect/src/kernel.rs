//! Predicates as kernels over a column: one pass per batch gives a bitmap.
//!
//! Text is compared as Sigma does ([`crate::pattern`]). A number asked of a text compares the number that the text
//! spells; a list of values matches when one of them does. A predicate on an absent value is false, except `null`
//! and `exists: false`; `neq` is a `not`, so an absent value differs.

use arrow_array::Array;
use arrow_array::cast::AsArray;

use crate::derive::Val;
use crate::hash;
use crate::part::{Part, Zone};
use crate::pattern::{Cidr, Pattern, Re};
use crate::view::{Col, Row, Slot};

/// One bit per row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
}

impl Bitmap {
    pub fn filled(len: usize, value: bool) -> Self {
        Self { words: vec![if value { u64::MAX } else { 0 }; len.div_ceil(64)] }
    }
    pub fn build(len: usize, mut f: impl FnMut(usize) -> bool) -> Self {
        let mut b = Self::filled(len, false);
        for i in 0..len {
            b.words[i / 64] |= u64::from(f(i)) << (i % 64);
        }
        b
    }
    #[inline]
    pub fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
    }
    /// Calls `f` with the index of every bit that is set, below `len`.
    pub fn each(&self, len: usize, mut f: impl FnMut(usize)) {
        for (w, word) in self.words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let i = w * 64 + rest.trailing_zeros() as usize;
                if i < len {
                    f(i);
                }
                rest &= rest - 1;
            }
        }
    }
    /// How many bits are set; only where those beyond the length are not.
    pub fn ones(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }
    pub fn and(&mut self, o: &Self) {
        self.words.iter_mut().zip(&o.words).for_each(|(a, b)| *a &= b);
    }
    pub fn or(&mut self, o: &Self) {
        self.words.iter_mut().zip(&o.words).for_each(|(a, b)| *a |= b);
    }
    pub fn flip(&mut self) {
        self.words.iter_mut().for_each(|a| *a = !*a);
    }
}

/// A comparison of ordered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cmp {
    Lt,
    Lte,
    Ne,
    Gt,
    Gte,
}

impl Cmp {
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Cmp::Lt => a < b,
            Cmp::Lte => a <= b,
            Cmp::Ne => a != b,
            Cmp::Gt => a > b,
            Cmp::Gte => a >= b,
        }
    }
    pub fn sign(self) -> &'static str {
        match self {
            Cmp::Lt => "<",
            Cmp::Lte => "≤",
            Cmp::Ne => "≠",
            Cmp::Gt => ">",
            Cmp::Gte => "≥",
        }
    }
}

/// How a value is compared with that of another field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Equal,
    Starts,
    Ends,
    Contains,
}

impl How {
    fn holds(self, v: &str, other: &str) -> bool {
        match self {
            How::Equal => v == other,
            How::Starts => v.starts_with(other),
            How::Ends => v.ends_with(other),
            How::Contains => v.contains(other),
        }
    }
}

/// What is asked of one value. Several alternatives are joined by "or" (`all` by "and").
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Absent,
    Present,
    Text {
        patterns: Vec<Pattern>,
        all: bool,
    },
    Re {
        list: Vec<Re>,
        all: bool,
    },
    /// A set field (values joined by `;`) holds one of these, or all.
    Holds {
        values: Vec<String>,
        all: bool,
    },
    Cidr(Vec<Cidr>),
    IntIn(Vec<i64>),
    RealIn(Vec<f64>),
    Int(Cmp, i64),
    Real(Cmp, f64),
    Bool(bool),
    /// A part of the instant, in a zone: one of these values, or compared with the first.
    Part {
        part: Part,
        zone: Zone,
        cmp: Option<Cmp>,
        values: Vec<i64>,
    },
    /// Compared with the same row's value in another column.
    Same(Slot, How),
}

/// Columns of equal length.
pub(crate) trait Columns {
    fn len(&self) -> usize;
    fn col(&self, slot: Slot) -> &Col;
}

/// The number that a text spells; `007` and `0x10` are names.
fn spelt(v: &str) -> Option<f64> {
    let digits = v.strip_prefix('-').unwrap_or(v).as_bytes();
    let number = matches!(digits, [b'0'] | [b'0', b'.' | b'e' | b'E', ..] | [b'1'..=b'9', ..]);
    number.then(|| v.parse().ok())?
}

impl Test {
    pub(crate) fn text(&self, v: &str) -> bool {
        match self {
            Test::Text { patterns, all: true } => patterns.iter().all(|p| p.is(v)),
            Test::Text { patterns, all: false } => patterns.iter().any(|p| p.is(v)),
            Test::Re { list, all: true } => list.iter().all(|r| r.is(v)),
            Test::Re { list, all: false } => list.iter().any(|r| r.is(v)),
            Test::Holds { values, all } => {
                let has = |w: &String| v.split(';').any(|x| x == w);
                if *all { values.iter().all(has) } else { values.iter().any(has) }
            }
            Test::Cidr(c) => c.iter().any(|c| c.holds(v)),
            Test::IntIn(_) | Test::Int(..) => match v.parse::<i64>() {
                Ok(i) if spelt(v).is_some() => self.int(i),
                _ => spelt(v).is_some_and(|r| self.real(r)),
            },
            Test::RealIn(_) | Test::Real(..) => spelt(v).is_some_and(|r| self.real(r)),
            Test::Bool(b) => v.eq_ignore_ascii_case(if *b { "true" } else { "false" }),
            Test::Part { part, zone, .. } => self.part(part.of_text(v, zone)),
            Test::Absent | Test::Present | Test::Same(..) => false,
        }
    }
    fn int(&self, v: i64) -> bool {
        match self {
            Test::IntIn(list) => list.contains(&v),
            Test::Int(cmp, x) => cmp.holds(v, *x),
            Test::Real(cmp, x) => cmp.holds(v as f64, *x),
            Test::RealIn(list) => list.contains(&(v as f64)),
            Test::Part { part, zone, .. } => self.part(part.at(v, zone)),
            _ => false,
        }
    }
    fn real(&self, v: f64) -> bool {
        match self {
            Test::Real(cmp, x) => cmp.holds(v, *x),
            Test::RealIn(list) => list.contains(&v),
            Test::Int(cmp, x) => cmp.holds(v, *x as f64),
            Test::IntIn(list) => list.iter().any(|x| *x as f64 == v),
            _ => false,
        }
    }
    fn part(&self, v: Option<i64>) -> bool {
        match (self, v) {
            (Test::Part { cmp: Some(cmp), values, .. }, Some(v)) => values.iter().all(|x| cmp.holds(v, *x)),
            (Test::Part { cmp: None, values, .. }, Some(v)) => values.contains(&v),
            _ => false,
        }
    }
    /// Of several values: with `all`, each alternative needs some value that matches it.
    fn of_many<'v>(&self, values: impl Iterator<Item = &'v str> + Clone) -> bool {
        match self {
            Test::Text { patterns, all: true } => patterns.iter().all(|p| values.clone().any(|v| p.is(v))),
            Test::Re { list, all: true } => list.iter().all(|r| values.clone().any(|v| r.is(v))),
            _ => values.clone().any(|v| self.text(v)),
        }
    }

    /// The test over a whole column.
    pub fn over(&self, table: &dyn Columns, slot: Slot) -> Bitmap {
        let len = table.len();
        macro_rules! each {
            ($a:expr, |$v:ident| $test:expr) => {
                Bitmap::build(len, |i| {
                    $a.is_valid(i) && {
                        let $v = $a.value(i);
                        $test
                    }
                })
            };
        }
        match (self, table.col(slot)) {
            (Test::Absent, Col::Absent) => Bitmap::filled(len, true),
            (_, Col::Absent) => Bitmap::filled(len, false),
            (Test::Absent | Test::Present, col) => {
                let want = *self == Test::Present;
                match col.nulls() {
                    Some(n) => Bitmap::build(len, |i| n.is_valid(i) == want),
                    None => Bitmap::filled(len, want),
                }
            }
            (Test::Same(other, how), col) => same(col, table.col(*other), *how, len),
            (_, Col::Text(a)) => {
                let mut met = Met::default();
                each!(a, |v| met.holds(v, |v| self.text(v)))
            }
            (_, Col::List(a)) => each!(a, |v| self.of_many(v.as_string::<i32>().iter().flatten())),
            (_, Col::Int(a)) => each!(a, |v| self.int(v)),
            (_, Col::Time(a)) => each!(a, |v| self.int(v)),
            (Test::Part { part, .. }, Col::Day(a)) => each!(a, |v| self.part(part.of_day(v.into()))),
            (_, Col::Day(a)) => each!(a, |v| self.int(v.into())),
            (_, Col::Fen(a)) => each!(a, |v| self.int(v as i64)),
            (_, Col::Real(a)) => each!(a, |v| self.real(v)),
            (Test::Bool(b), Col::Bool(a)) => each!(a, |v| v == *b),
            (_, Col::Bool(_)) => Bitmap::filled(len, false),
        }
    }

    /// The test of one derived value.
    pub fn on(&self, v: &Val, row: &Row<'_>) -> bool {
        match (self, v) {
            (Test::Absent, v) => matches!(v, Val::Null),
            (Test::Present, v) => !matches!(v, Val::Null),
            (Test::Same(slot, how), Val::Text(t)) => row.text(*slot).is_some_and(|o| how.holds(t, o)),
            (Test::Same(slot, _), Val::Int(v)) => row.int(*slot).or(row.time(*slot)) == Some(*v),
            (t, Val::Text(v)) => t.text(v),
            (t, Val::Int(v)) => t.int(*v),
            (t, Val::Real(v)) => t.real(*v),
            (Test::Bool(b), Val::Bool(v)) => b == v,
            _ => false,
        }
    }
}

/// Texts of a column whose answer is known: most columns that are asked of have few values, and neighbours are often equal.
#[derive(Default)]
struct Met<'v> {
    short: [(usize, u64, u64, bool); 8],
    known: usize,
    /// The last longer one.
    last: Option<(&'v str, bool)>,
}

impl<'v> Met<'v> {
    /// What the test says of a text: sixteen bytes or fewer are compared as two numbers.
    #[inline]
    fn holds(&mut self, v: &'v str, test: impl FnOnce(&str) -> bool) -> bool {
        let Some((first, rest)) = words(v.as_bytes()) else {
            let same = self.last.filter(|(w, _)| *w == v);
            return self.last.insert(same.unwrap_or_else(|| (v, test(v)))).1;
        };
        let known = &self.short[..self.known];
        if let Some((.., holds)) = known.iter().find(|k| (k.0, k.1, k.2) == (v.len(), first, rest)) {
            return *holds;
        }
        let holds = test(v);
        if let Some(free) = self.short.get_mut(self.known) {
            *free = (v.len(), first, rest, holds);
            self.known += 1;
        }
        holds
    }
}

/// Up to sixteen bytes as two numbers; together with their number they say which bytes they are.
#[inline]
fn words(b: &[u8]) -> Option<(u64, u64)> {
    let first = b.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    match b.len() {
        16 => Some((first, u64::from_le_bytes(*b.last_chunk()?))),
        0..16 => Some((first, hash::tail(b))),
        _ => None,
    }
}

/// Two columns row by row; absent values are not the same.
fn same(a: &Col, b: &Col, how: How, len: usize) -> Bitmap {
    macro_rules! equal {
        ($a:expr, $b:expr) => {
            Bitmap::build(len, |i| $a.is_valid(i) && $b.is_valid(i) && $a.value(i) == $b.value(i))
        };
    }
    match (a, b) {
        (Col::Text(a), Col::Text(b)) => {
            Bitmap::build(len, |i| a.is_valid(i) && b.is_valid(i) && how.holds(a.value(i), b.value(i)))
        }
        (Col::Text(_) | Col::List(_), Col::Text(_) | Col::List(_)) => Bitmap::build(len, |i| {
            let (a, b) = (a.texts(i), b.texts(i));
            a.iter().any(|x| b.iter().any(|y| how.holds(x, y)))
        }),
        (Col::Int(a), Col::Int(b)) => equal!(a, b),
        (Col::Time(a), Col::Time(b)) => equal!(a, b),
        (Col::Day(a), Col::Day(b)) => equal!(a, b),
        (Col::Fen(a), Col::Fen(b)) => equal!(a, b),
        (Col::Real(a), Col::Real(b)) => equal!(a, b),
        (Col::Bool(a), Col::Bool(b)) => equal!(a, b),
        _ => Bitmap::filled(len, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_met_before_is_answered_as_it_was() {
        let text = |n: usize| {
            "abcdefghijklmnopqrstuvwxyz"[..n % 23].replace('b', if n.is_multiple_of(5) { "x" } else { "\0" })
        };
        let texts: Vec<String> = (0..400).map(|n| text(n * n % 397)).collect();
        for most in [3, 12, 400] {
            let mut met = Met::default();
            for t in texts
                .iter()
                .map(|t| texts[t.len() * 7 % most % texts.len()].as_str())
                .chain(texts.iter().map(|t| t.as_str()))
            {
                let test = |t: &str| t.contains('x') || t.len().is_multiple_of(3);
                assert_eq!(met.holds(t, test), test(t), "{t}");
            }
        }
    }

    #[test]
    fn a_text_that_spells_a_number_is_one() {
        let four = Test::IntIn(vec![4688]);
        assert!(four.text("4688") && four.text("4688.0") && !four.text("04688") && !four.text("x4688"));
        assert!(Test::Real(Cmp::Gt, 1.5).text("2") && !Test::Int(Cmp::Gt, 1).text("") && !four.text("+4688"));
        assert!(Test::Bool(true).text("True") && !Test::Bool(true).text("1"));
        assert!(Test::IntIn(vec![i64::MAX]).text("9223372036854775807"));
        assert!(!Test::Int(Cmp::Gt, 1).text("inf") && !Test::Int(Cmp::Gt, 1).text("nan"));
    }
}
