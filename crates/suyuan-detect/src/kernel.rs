//! Predicates as kernels over a column: one pass per batch gives a bitmap.
//!
//! Text is compared as Sigma does: without regard to ASCII case, `*` and `?` are wildcards, a backslash
//! takes their meaning away. A predicate on an absent value is false, except `null` and `exists: false`.

use std::net::IpAddr;

use arrow_array::Array;

use crate::derive::Val;
use crate::view::{Col, Row, Slot, View};

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
    pub fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
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
    Gt,
    Gte,
}

impl Cmp {
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Cmp::Lt => a < b,
            Cmp::Lte => a <= b,
            Cmp::Gt => a > b,
            Cmp::Gte => a >= b,
        }
    }
    pub fn sign(self) -> &'static str {
        match self {
            Cmp::Lt => "<",
            Cmp::Lte => "≤",
            Cmp::Gt => ">",
            Cmp::Gte => "≥",
        }
    }
}

/// A text pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// The whole value.
    Exact(String),
    /// Pieces with wildcards between.
    Wild(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Any,
    One,
}

impl Pattern {
    /// Reads a Sigma value; `before` and `after` put a `*` around it (contains, startswith, endswith).
    pub fn parse(text: &str, before: bool, after: bool) -> Pattern {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut word = String::new();
        let flush = |word: &mut String, pieces: &mut Vec<Piece>| {
            if !word.is_empty() {
                pieces.push(Piece::Text(std::mem::take(word)));
            }
        };
        if before {
            pieces.push(Piece::Any);
        }
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if matches!(chars.peek(), Some('*' | '?' | '\\')) => word.extend(chars.next()),
                '*' => {
                    flush(&mut word, &mut pieces);
                    if pieces.last() != Some(&Piece::Any) {
                        pieces.push(Piece::Any);
                    }
                }
                '?' => {
                    flush(&mut word, &mut pieces);
                    pieces.push(Piece::One);
                }
                c => word.push(c),
            }
        }
        flush(&mut word, &mut pieces);
        if after && pieces.last() != Some(&Piece::Any) {
            pieces.push(Piece::Any);
        }
        match pieces.as_slice() {
            [] => Pattern::Exact(String::new()),
            [Piece::Text(t)] => Pattern::Exact(t.clone()),
            _ => Pattern::Wild(pieces),
        }
    }

    pub fn is(&self, value: &str, cased: bool) -> bool {
        match self {
            Pattern::Exact(t) => same(value.as_bytes(), t.as_bytes(), cased),
            Pattern::Wild(pieces) => wild(value.as_bytes(), pieces, cased),
        }
    }
}

fn same(a: &[u8], b: &[u8], cased: bool) -> bool {
    if cased { a == b } else { a.eq_ignore_ascii_case(b) }
}

/// Greedy match with one point of return: linear in practice, at worst value × pattern.
fn wild(value: &[u8], pieces: &[Piece], cased: bool) -> bool {
    let (mut v, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match pieces.get(p) {
            Some(Piece::Any) => {
                back = Some((p, v));
                p += 1;
                continue;
            }
            Some(Piece::One) => char_len(&value[v..]),
            Some(Piece::Text(t)) => {
                let t = t.as_bytes();
                (value.len() >= v + t.len() && same(&value[v..v + t.len()], t, cased)).then_some(t.len())
            }
            None => (v == value.len()).then_some(0),
        };
        match (step, back) {
            (Some(_), _) if p >= pieces.len() => return true,
            (Some(n), _) => {
                v += n;
                p += 1;
            }
            (None, Some((bp, bv))) if bv < value.len() => {
                v = bv + 1;
                p = bp + 1;
                back = Some((bp, v));
            }
            _ => return false,
        }
    }
}

fn char_len(rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    Some(match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    })
    .filter(|n| *n <= rest.len())
}

/// An address range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cidr {
    net: u128,
    v6: bool,
    bits: u32,
}

impl Cidr {
    pub fn parse(text: &str) -> Option<Cidr> {
        let (addr, bits) = text.split_once('/')?;
        let (net, v6) = Self::number(addr.parse().ok()?);
        let bits: u32 = bits.parse().ok()?;
        (bits <= if v6 { 128 } else { 32 }).then_some(Cidr { net, v6, bits })
    }
    fn number(a: IpAddr) -> (u128, bool) {
        match a {
            IpAddr::V4(a) => (u32::from(a).into(), false),
            IpAddr::V6(a) => (a.into(), true),
        }
    }
    pub fn holds(&self, text: &str) -> bool {
        let Ok(addr) = text.parse() else { return false };
        let (n, v6) = Self::number(addr);
        let width = if v6 { 128 } else { 32 };
        v6 == self.v6 && (self.bits == 0 || (n ^ self.net) >> (width - self.bits) == 0)
    }
}

/// What is asked of one value. Several alternatives are joined by "or" (`All` by "and").
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Absent,
    Present,
    Text {
        patterns: Vec<Pattern>,
        all: bool,
        cased: bool,
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
    /// The same text as another column.
    Same(Slot),
}

impl Test {
    fn text(&self, v: &str) -> bool {
        match self {
            Test::Text { patterns, all: true, cased } => patterns.iter().all(|p| p.is(v, *cased)),
            Test::Text { patterns, all: false, cased } => patterns.iter().any(|p| p.is(v, *cased)),
            Test::Holds { values, all } => {
                let has = |w: &String| v.split(';').any(|x| x == w);
                if *all { values.iter().all(has) } else { values.iter().any(has) }
            }
            Test::Cidr(c) => c.iter().any(|c| c.holds(v)),
            _ => false,
        }
    }
    fn int(&self, v: i64) -> bool {
        match self {
            Test::IntIn(list) => list.contains(&v),
            Test::Int(cmp, x) => cmp.holds(v, *x),
            Test::Real(cmp, x) => cmp.holds(v as f64, *x),
            Test::RealIn(list) => list.contains(&(v as f64)),
            _ => false,
        }
    }
    fn real(&self, v: f64) -> bool {
        match self {
            Test::Real(cmp, x) => cmp.holds(v, *x),
            Test::RealIn(list) => list.contains(&v),
            _ => false,
        }
    }

    /// The test over a whole column.
    pub fn over(&self, view: &View, slot: Slot) -> Bitmap {
        let len = view.len();
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
        match (self, view.col(slot)) {
            (Test::Absent, Col::Absent) => Bitmap::filled(len, true),
            (_, Col::Absent) => Bitmap::filled(len, false),
            (Test::Absent | Test::Present, col) => {
                let nulls = match col {
                    Col::Text(a) => a.nulls(),
                    Col::Int(a) => a.nulls(),
                    Col::Real(a) => a.nulls(),
                    Col::Time(a) => a.nulls(),
                    Col::Day(a) => a.nulls(),
                    Col::Fen(a) => a.nulls(),
                    Col::Bool(a) => a.nulls(),
                    Col::Absent => None,
                };
                let want = *self == Test::Present;
                match nulls {
                    Some(n) => Bitmap::build(len, |i| n.is_valid(i) == want),
                    None => Bitmap::filled(len, want),
                }
            }
            (Test::Same(other), Col::Text(a)) => match view.col(*other) {
                Col::Text(b) => {
                    Bitmap::build(len, |i| a.is_valid(i) && b.is_valid(i) && a.value(i) == b.value(i))
                }
                _ => Bitmap::filled(len, false),
            },
            (_, Col::Text(a)) => each!(a, |v| self.text(v)),
            (_, Col::Int(a)) => each!(a, |v| self.int(v)),
            (_, Col::Time(a)) => each!(a, |v| self.int(v)),
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
            (Test::Same(slot), Val::Text(t)) => row.text(*slot) == Some(t),
            (t, Val::Text(v)) => t.text(v),
            (t, Val::Int(v)) => t.int(*v),
            (t, Val::Real(v)) => t.real(*v),
            (Test::Bool(b), Val::Bool(v)) => b == v,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_sigma_says() {
        let is = |p: &str, v: &str| Pattern::parse(p, false, false).is(v, false);
        assert!(is("Abc", "aBC") && !is("abc", "abcd"));
        assert!(is("a*c", "abbc") && is("*", "") && is("a*", "a") && !is("a*c", "abcd"));
        assert!(is("a?c", "a中c") && !is("a?c", "ac"));
        assert!(is(r"a\*c", "a*c") && !is(r"a\*c", "abc"));
        assert!(is("*ab*ab", "ababab") && is("**a", "a") && !is("?", ""));
        assert!(
            Pattern::parse("b", true, true).is("abc", true)
                && !Pattern::parse("B", true, true).is("abc", true)
        );
    }

    #[test]
    fn address_ranges() {
        let c = Cidr::parse("10.1.0.0/16").unwrap();
        assert!(c.holds("10.1.200.3") && !c.holds("10.2.0.1") && !c.holds("::1") && !c.holds("x"));
        assert!(Cidr::parse("2001:db8::/32").unwrap().holds("2001:db8::5"));
        assert!(Cidr::parse("10.0.0.0/33").is_none());
    }

    proptest::proptest! {
        /// Against the plain recursive reading of wildcards.
        #[test]
        fn wildcards_agree_with_the_plain_reading(p in "[ab*?]{0,6}", v in "[ab]{0,8}") {
            fn plain(p: &[u8], v: &[u8]) -> bool {
                match (p.first(), v.first()) {
                    (None, None) => true,
                    (Some(b'*'), _) => plain(&p[1..], v) || (!v.is_empty() && plain(p, &v[1..])),
                    (Some(b'?'), Some(_)) => plain(&p[1..], &v[1..]),
                    (Some(a), Some(b)) if a == b => plain(&p[1..], &v[1..]),
                    _ => false,
                }
            }
            let got = Pattern::parse(&p, false, false).is(&v, true);
            proptest::prop_assert_eq!(got, plain(p.as_bytes(), v.as_bytes()));
        }
    }
}
