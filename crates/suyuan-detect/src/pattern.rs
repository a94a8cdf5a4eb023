//! Text patterns as Sigma means them: pieces of text with wildcards between, addresses in a range, regular expressions.
//!
//! Comparison takes no regard of case unless the rule says `cased`; `*` is any text, `?` one character, a backslash
//! takes their meaning away. Regular expressions are searched anywhere in the value, with regard to case.
//!
//! Invariants: no pattern takes more than value × pattern steps; an expression is compiled within fixed limits
//! (`regex` is linear in the value, and refuses look-around and back-references).

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use regex::{Regex, RegexBuilder};

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    /// Any text, also none.
    Any,
    /// One character.
    One,
    /// One of the characters that begin a Windows parameter.
    Dash,
}

/// The characters of `windash`: hyphen, slash, en dash, em dash, horizontal bar.
pub(crate) const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// The pieces of a Sigma value.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wild = match c {
            '\\' if matches!(chars.peek(), Some('*' | '?' | '\\')) => {
                word.extend(chars.next());
                continue;
            }
            '*' => Piece::Any,
            '?' => Piece::One,
            c => {
                word.push(c);
                continue;
            }
        };
        if !word.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut word)));
        }
        push(&mut pieces, wild);
    }
    if !word.is_empty() {
        pieces.push(Piece::Text(word));
    }
    pieces
}

/// Adds a piece; two `*` in a row are one.
pub(crate) fn push(pieces: &mut Vec<Piece>, p: Piece) {
    if p != Piece::Any || pieces.last() != Some(&Piece::Any) {
        pieces.push(p);
    }
}

/// A pattern over the whole value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    cased: bool,
    /// The pieces are in lower case, beyond ASCII: the value is lowered before it is compared.
    lowered: bool,
}

impl Pattern {
    pub fn new(mut pieces: Vec<Piece>, cased: bool) -> Pattern {
        let wide = |p: &Piece| matches!(p, Piece::Text(t) if !t.is_ascii());
        let lowered = !cased && pieces.iter().any(wide);
        if lowered {
            for p in &mut pieces {
                if let Piece::Text(t) = p {
                    *t = t.to_lowercase();
                }
            }
        }
        Pattern { pieces, cased, lowered }
    }

    /// Without modifiers.
    #[cfg(test)]
    pub fn parse(text: &str) -> Pattern {
        Pattern::new(pieces(text), false)
    }

    /// Its pieces, and whether case counts.
    pub fn parts(&self) -> (&[Piece], bool) {
        (&self.pieces, self.cased)
    }

    pub fn is(&self, value: &str) -> bool {
        if self.lowered && !value.is_ascii() {
            return self.bytes(value.to_lowercase().as_bytes());
        }
        self.bytes(value.as_bytes())
    }

    fn bytes(&self, v: &[u8]) -> bool {
        let cased = self.cased;
        match self.pieces.as_slice() {
            [] => v.is_empty(),
            [Piece::Text(t)] => same(v, t.as_bytes(), cased),
            [Piece::Text(t), Piece::Any] => v.len() >= t.len() && same(&v[..t.len()], t.as_bytes(), cased),
            [Piece::Any, Piece::Text(t)] => {
                v.len() >= t.len() && same(&v[v.len() - t.len()..], t.as_bytes(), cased)
            }
            [Piece::Any, Piece::Text(t), Piece::Any] => holds(v, t.as_bytes(), cased),
            pieces => wild(v, pieces, cased),
        }
    }
}

/// As a rule writes it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for p in &self.pieces {
            match p {
                Piece::Text(t) => f.write_str(t)?,
                Piece::Any => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
                Piece::Dash => f.write_str("-")?,
            }
        }
        Ok(())
    }
}

fn same(a: &[u8], b: &[u8], cased: bool) -> bool {
    if cased { a == b } else { a.eq_ignore_ascii_case(b) }
}

fn holds(v: &[u8], t: &[u8], cased: bool) -> bool {
    let Some(first) = t.first() else { return true };
    v.len() >= t.len()
        && (0..=v.len() - t.len()).any(|i| {
            (v[i] == *first || (!cased && v[i].eq_ignore_ascii_case(first)))
                && same(&v[i..i + t.len()], t, cased)
        })
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
            Some(Piece::Dash) => dash_len(&value[v..]),
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

/// The length of the character that begins here; none inside a character.
fn char_len(rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    Some(match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        0x80.. => return None,
        _ => 1,
    })
    .filter(|n| *n <= rest.len())
}

fn dash_len(rest: &[u8]) -> Option<usize> {
    let mut buffer = [0; 4];
    DASHES
        .iter()
        .map(|d| d.encode_utf8(&mut buffer).as_bytes().to_vec())
        .find(|d| rest.starts_with(d))
        .map(|d| d.len())
}

/// A regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Re(Regex);

impl PartialEq for Re {
    fn eq(&self, o: &Re) -> bool {
        self.0.as_str() == o.0.as_str()
    }
}

/// Compiled size of one expression; `(a{1000}){1000}` is refused, the longest of the public rules takes a tenth.
const MAX_PROGRAM: usize = 1 << 20;
/// Cache of one expression's states.
const MAX_STATES: usize = 1 << 20;
/// Groups within groups.
const MAX_NEST: u32 = 64;

/// The sub-modifiers of `re`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub ignore_case: bool,
    pub lines: bool,
    pub dot_all: bool,
}

impl Re {
    /// Compiles; the error is the compiler's, one line.
    pub fn new(text: &str, flags: Flags) -> Result<Re, String> {
        RegexBuilder::new(&from_none(text))
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.lines)
            .dot_matches_new_line(flags.dot_all)
            .size_limit(MAX_PROGRAM)
            .dfa_size_limit(MAX_STATES)
            .nest_limit(MAX_NEST)
            .build()
            .map(Re)
            .map_err(|e| match e {
                regex::Error::CompiledTooBig(_) => {
                    "too large once its repetitions are written out".to_owned()
                }
                e => {
                    e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
                }
            })
    }
    pub fn is(&self, value: &str) -> bool {
        self.0.is_match(value)
    }
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

/// `{,n}`, up to n times, as `{0,n}`: that is how PCRE, the flavor of Sigma, and Python read it, and this compiler refuses it.
/// Escapes and classes are left as they are.
fn from_none(text: &str) -> Cow<'_, str> {
    if !text.contains("{,") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 1);
    let (mut depth, mut rest) = (0_u32, text);
    while let Some(c) = rest.chars().next() {
        let class = ["[^]", "[]", "[^", "["].into_iter().find(|open| rest.starts_with(open));
        let len = match (c, class) {
            ('\\', _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (_, Some(open)) => {
                depth += 1;
                open.len()
            }
            (']', _) => {
                depth = depth.saturating_sub(1);
                1
            }
            ('{', _) if depth == 0 && up_to(&rest[1..]) => {
                out.push_str("{0");
                rest = &rest[1..];
                continue;
            }
            _ => c.len_utf8(),
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    Cow::Owned(out)
}

/// Whether a comma, digits and the closing brace follow.
fn up_to(rest: &str) -> bool {
    let Some((number, _)) = rest.strip_prefix(',').and_then(|r| r.split_once('}')) else { return false };
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
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

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.v6 {
            true => write!(f, "{}/{}", std::net::Ipv6Addr::from(self.net), self.bits),
            false => write!(f, "{}/{}", std::net::Ipv4Addr::from(self.net as u32), self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_sigma_says() {
        let is = |p: &str, v: &str| Pattern::parse(p).is(v);
        assert!(is("Abc", "aBC") && !is("abc", "abcd"));
        assert!(is("a*c", "abbc") && is("*", "") && is("a*", "a") && !is("a*c", "abcd"));
        assert!(is("a?c", "a中c") && !is("a?c", "ac") && is("*?c", "中c") && !is("??", "中"));
        assert!(is("*ab*ab", "ababab") && is("**a", "a") && !is("?", ""));
        assert!(is("ÄRGER*", "ärgerlich") && is("РУС", "рус") && is("", "") && !is("", "a"));
        assert!(!Pattern::new(pieces("B*"), true).is("bc") && Pattern::new(pieces("Ä"), true).is("Ä"));
    }

    /// The table of the specification.
    #[test]
    fn backslashes_as_the_specification_says() {
        let is = |p: &str, v: &str| Pattern::parse(p).is(v);
        assert!(is(r"a\b", r"a\b") && is(r"a\\b", r"a\b"));
        assert!(is(r"a\*", "a*") && !is(r"a\*", "ab") && is(r"a\?", "a?"));
        assert!(is(r"a\\*", r"a\bcd") && !is(r"a\\*", "abcd"));
        assert!(is(r"a\\\*", r"a\*") && !is(r"a\\\*", r"a\b"));
        assert!(is(r"a\\\b", r"a\\b") && is(r"a\\\\b", r"a\\b") && is(r"a\", r"a\"));
    }

    #[test]
    fn address_ranges() {
        let c = Cidr::parse("10.1.0.0/16").unwrap();
        assert!(c.holds("10.1.200.3") && !c.holds("10.2.0.1") && !c.holds("::1") && !c.holds("x"));
        assert!(Cidr::parse("2001:db8::/32").unwrap().holds("2001:db8::5"));
        assert!(Cidr::parse("10.0.0.0/33").is_none());
    }

    #[test]
    fn bombs_do_not_compile() {
        let no = |t: &str| Re::new(t, Flags::default()).unwrap_err();
        assert!(no("(a{1000}){1000}").contains("too large"));
        assert!(no(&format!("{}a{}", "(".repeat(500), ")".repeat(500))).contains("nest"));
        assert!(no("(?=a)").contains("look"), "{}", no("(?=a)"));
        assert!(no(r"(a)\1").contains("backreferences"));
        let slow = Re::new("(a*)*(a*)*(a*)*b", Flags::default()).unwrap();
        assert!(!slow.is(&"a".repeat(20_000)));
    }

    #[test]
    fn up_to_so_many_times() {
        let is = |p: &str, v: &str| Re::new(p, Flags::default()).unwrap().is(v);
        assert!(is("^a{,2}b$", "b") && is("^a{,2}b$", "aab") && !is("^a{,2}b$", "aaab"));
        assert!(is(r"^a\{,2}$", "a{,2}") && is("^[{,2}]+$", "2,{}") && is("^[^]{,2}]$", "a"));
        assert!(is(r"^[\]{,2}]$", "{") && is("^([ä]{,1}x)+$", "äxx") && is("^[[a]{,1}]{,2}$", "1{"));
        assert!(Re::new("a{,}", Flags::default()).is_err() && Re::new("a{,x}", Flags::default()).is_err());
    }

    proptest::proptest! {
        /// Against the plain recursive reading of wildcards.
        #[test]
        fn wildcards_agree_with_the_plain_reading(p in "[abÄ*?]{0,6}", v in "[abä]{0,8}") {
            fn plain(p: &[char], v: &[char]) -> bool {
                match (p.first(), v.first()) {
                    (None, None) => true,
                    (Some('*'), _) => plain(&p[1..], v) || (!v.is_empty() && plain(p, &v[1..])),
                    (Some('?'), Some(_)) => plain(&p[1..], &v[1..]),
                    (Some(a), Some(b)) if a.to_lowercase().eq(b.to_lowercase()) => plain(&p[1..], &v[1..]),
                    _ => false,
                }
            }
            let chars = |t: &str| t.chars().collect::<Vec<_>>();
            proptest::prop_assert_eq!(Pattern::parse(&p).is(&v), plain(&chars(&p), &chars(&v)));
        }
    }
}
