//! Modifiers that rewrite a value: wildcards around it, encodings, dashes, placeholders.
//!
//! Method: the specification's appendix. Where it leaves a reading open, pySigma's: `windash` turns a dash that begins a
//! word; `base64offset` gives the three encodings without the ends that their neighbours change; a placeholder is
//! a word between percent signs, `\%` is a percent sign.

use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::pattern::{DASHES, Piece, pieces, push};
use crate::rule::modifier::{Given, MAX_EXPANDED};
use crate::yaml::Node;

pub(crate) fn around(p: Vec<Piece>) -> Vec<Piece> {
    let mut out = vec![Piece::Any];
    p.into_iter().for_each(|x| push(&mut out, x));
    push(&mut out, Piece::Any);
    out
}

/// What a modifier makes of a value: one pattern, or several of which any will do.
pub(crate) fn apply(name: &str, mut p: Vec<Piece>, v: &Node, given: &Given) -> Result<Vec<Vec<Piece>>, Spot> {
    Ok(match name {
        "contains" => vec![around(p)],
        "startswith" => {
            push(&mut p, Piece::Any);
            vec![p]
        }
        "endswith" => {
            let mut out = vec![Piece::Any];
            p.into_iter().for_each(|x| push(&mut out, x));
            vec![out]
        }
        "windash" => vec![dashes(p)],
        "expand" => expand(p, v, given)?,
        // What follows a widening is an encoding: the bytes travel as characters of one byte.
        "utf16le" | "wide" => vec![bytes(utf16(&plain(p, v)?, false, false))],
        "utf16be" => vec![bytes(utf16(&plain(p, v)?, true, false))],
        "utf16" => vec![bytes(utf16(&plain(p, v)?, false, true))],
        "base64" => vec![vec![Piece::Text(base64(&raw(p, v)?))]],
        "base64offset" => offsets(&raw(p, v)?).map(|t| vec![Piece::Text(t)]).into(),
        _ => vec![p],
    })
}

/// The text of a value without wildcards.
fn plain(p: Vec<Piece>, v: &Node) -> Result<String, Spot> {
    match p.as_slice() {
        [] => Ok(String::new()),
        [Piece::Text(t)] => Ok(t.clone()),
        _ => Err(v.fault(
            Text::new("a value with wildcards cannot be encoded", "带通配符的取值无法编码"),
            Text::new(
                "take the wildcards away, and write `|base64offset|contains`",
                "请去掉通配符，改用“|base64offset|contains”",
            ),
        )),
    }
}

/// Marks a text whose characters are bytes.
const AS_BYTES: char = '\u{10FFFF}';

fn bytes(b: Vec<u8>) -> Vec<Piece> {
    vec![Piece::Text(std::iter::once(AS_BYTES).chain(b.into_iter().map(char::from)).collect())]
}

fn raw(p: Vec<Piece>, v: &Node) -> Result<Vec<u8>, Spot> {
    let text = plain(p, v)?;
    Ok(match text.strip_prefix(AS_BYTES) {
        Some(rest) => rest.chars().map(|c| c as u8).collect(),
        None => text.into_bytes(),
    })
}

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
    units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

fn base64(data: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for c in data.chunks(3) {
        let n = c.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - c.len()));
        for i in 0..4 {
            let sign = SIGNS[(n >> (18 - 6 * i)) as usize & 63];
            out.push(if i > c.len() { '=' } else { char::from(sign) });
        }
    }
    out
}

/// The three ways a text may stand inside an encoded one, without the signs that its neighbours change.
fn offsets(data: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|shift| {
        let mut shifted = vec![b' '; shift];
        shifted.extend_from_slice(data);
        let all = base64(&shifted);
        let end = [0, 3, 2][shifted.len() % 3];
        all.get([0, 2, 3][shift]..all.len() - end).unwrap_or_default().to_owned()
    })
}

/// A dash before a word, after none, may be any of the dashes.
fn dashes(p: Vec<Piece>) -> Vec<Piece> {
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut out = Vec::new();
    for piece in p {
        let Piece::Text(t) = piece else {
            push(&mut out, piece);
            continue;
        };
        let chars: Vec<char> = t.chars().collect();
        let mut text = String::new();
        for (i, c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|i| chars.get(i));
            if DASHES.contains(c) && !word(before) && word(chars.get(i + 1)) {
                if !text.is_empty() {
                    out.push(Piece::Text(std::mem::take(&mut text)));
                }
                out.push(Piece::Dash);
            } else {
                text.push(*c);
            }
        }
        if !text.is_empty() {
            out.push(Piece::Text(text));
        }
    }
    out
}

/// Puts the given values in the place of `%name%`.
fn expand(p: Vec<Piece>, v: &Node, given: &Given) -> Result<Vec<Vec<Piece>>, Spot> {
    let mut out: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut add = |list: &[Vec<Piece>]| {
        out = out
            .iter()
            .take(MAX_EXPANDED + 1)
            .flat_map(|head| list.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat()))
            .collect();
    };
    for piece in p {
        let Piece::Text(t) = piece else {
            add(&[vec![piece]]);
            continue;
        };
        for part in placeholders(&t) {
            match part {
                Ok(text) => add(&[vec![Piece::Text(text)]]),
                Err(name) => {
                    let values =
                        &given.placeholders.iter().find(|g| g.0 == name).ok_or_else(|| no_value(v, &name))?.1;
                    add(&values.iter().map(|x| pieces(x)).collect::<Vec<_>>());
                }
            }
        }
    }
    Ok(out.into_iter().map(merged).collect())
}

fn no_value(v: &Node, name: &str) -> Spot {
    v.fault(
        Text::new(format!("the placeholder `%{name}%` has no value"), format!("占位符“%{name}%”没有取值")),
        Text::new(
            format!("give its values under `suyuan: {{placeholders: {{{name}: [...]}}}}`"),
            format!("请在“suyuan: {{placeholders: {{{name}: [...]}}}}”下给出取值"),
        ),
    )
}

/// Text (`Ok`) and names of placeholders (`Err`); `\%` is a percent sign.
fn placeholders(text: &str) -> Vec<Result<String, String>> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\%") {
            word.push('%');
            rest = after;
            continue;
        }
        if c == '%'
            && let Some(end) = rest[1..].find('%')
            && end > 0
            && rest[1..=end].chars().all(|c| c.is_alphanumeric() || c == '_')
        {
            if !word.is_empty() {
                out.push(Ok(std::mem::take(&mut word)));
            }
            out.push(Err(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
            continue;
        }
        word.push(c);
        rest = &rest[c.len_utf8()..];
    }
    if !word.is_empty() {
        out.push(Ok(word));
    }
    out
}

/// Neighbouring texts as one.
fn merged(p: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in p {
        match (out.last_mut(), piece) {
            (Some(Piece::Text(a)), Piece::Text(b)) => a.push_str(&b),
            (_, piece) => push(&mut out, piece),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;
    use crate::yaml::Value;

    fn text(p: &[Piece]) -> String {
        match p {
            [Piece::Text(t)] => t.clone(),
            other => format!("{other:?}"),
        }
    }
    fn node(t: &str) -> Node {
        Node { line: 1, column: 1, value: Value::Text(t.to_owned()) }
    }
    fn applied(mods: &[&str], t: &str) -> Vec<String> {
        let given =
            Given { placeholders: vec![("who".into(), vec!["a".into(), "b*".into()])], ..Given::default() };
        let mut list = vec![pieces(t)];
        for m in mods {
            list = list.into_iter().flat_map(|p| apply(m, p, &node(t), &given).unwrap()).collect();
        }
        list.iter().map(|p| text(p)).collect()
    }

    #[test]
    fn encodings_are_those_of_the_specification() {
        assert_eq!(applied(&["base64"], "foobar"), ["Zm9vYmFy"]);
        assert_eq!(applied(&["base64"], "fooba"), ["Zm9vYmE="]);
        assert_eq!(applied(&["base64offset"], "foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(applied(&["wide", "base64"], "cmd"), ["YwBtAGQA"]);
        assert_eq!(applied(&["utf16be", "base64"], "cmd"), ["AGMAbQBk"]);
        assert_eq!(applied(&["utf16", "base64"], "cmd"), ["//5jAG0AZAA="]);
        assert_eq!(applied(&["wide", "base64"], "中"), ["LU4="]);
    }

    proptest::proptest! {
        /// Wherever the text stands inside an encoded one, one of the three is found.
        #[test]
        fn an_offset_is_found_wherever_it_stands(head in "[a-z]{0,7}", t in "[a-z]{4,12}", tail in "[a-z]{0,7}") {
            let all = base64(format!("{head}{t}{tail}").as_bytes());
            proptest::prop_assert!(offsets(t.as_bytes()).iter().any(|o| all.contains(o.as_str())));
        }
    }

    #[test]
    fn dashes_turn_only_before_words() {
        let p = |t: &str, v: &str| Pattern::new(dashes(pieces(t)), false).is(v);
        assert!(p("cmd -k", "cmd /k") && p("cmd /k", "cmd -k") && p("cmd -k", "cmd \u{2013}k"));
        assert!(p("a-b", "a-b") && !p("a-b", "a/b") && p(" -param-name", " /param-name"));
    }

    #[test]
    fn placeholders_take_the_given_values() {
        assert_eq!(applied(&["expand"], "x%who%y").len(), 2);
        assert_eq!(applied(&["expand"], r"\%plain"), ["%plain"]);
        assert_eq!(applied(&["expand"], "100%"), ["100%"]);
        assert!(expand(pieces("%nobody%"), &node(""), &Given::default()).is_err());
    }
}
