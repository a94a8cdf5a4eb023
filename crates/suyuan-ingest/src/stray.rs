//! Personal numbers where none belong: an identity or mobile number in an account, a note, a file name,
//! a column's name.
//!
//! A value that stands in the wrong column, a login that is someone's telephone number, a note with a
//! call-back number: each becomes its token where it stands, the same token as in its own field, so that
//! nothing is in clear and equal numbers stay equal. A header that holds one is no header but a row.
//!
//! Blind to: names and addresses outside their fields, numbers with blanks or letters in them.

use std::borrow::Cow;
use std::ops::Range;

use suyuan_model::PiiClass;
use suyuan_model::identity::IdNumber;

/// The shortest of the numbers.
const SHORTEST: usize = 11;

/// Where personal numbers stand in the text, in order, between letters of other alphabets or signs.
pub(crate) fn spots(text: &str) -> Vec<(Range<usize>, PiiClass)> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    if bytes.len() < SHORTEST {
        return out;
    }
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if run >= SHORTEST
            && let Some(class) = class_of(&text[at..at + run])
        {
            out.push((at..at + run, class));
        }
        at += run + 1;
    }
    out
}

/// Whether a column's name or a key holds a personal number: then it is a value, not a name.
pub(crate) fn any(text: &str) -> bool {
    !spots(text).is_empty()
}

/// A name as a message may hold it.
pub(crate) fn speakable(name: &str) -> Cow<'_, str> {
    if any(name) { Cow::Borrowed("***") } else { Cow::Borrowed(name) }
}

fn class_of(run: &str) -> Option<PiiClass> {
    let bytes = run.as_bytes();
    let mobile = |d: &[u8]| d[0] == b'1' && (b'3'..=b'9').contains(&d[1]) && d.iter().all(u8::is_ascii_digit);
    match bytes.len() {
        11 if mobile(bytes) => Some(PiiClass::Msisdn),
        13 if bytes.starts_with(b"86") && mobile(&bytes[2..]) => Some(PiiClass::Msisdn),
        18 if bytes[..17].iter().all(u8::is_ascii_digit) => {
            let id = IdNumber::parse(run).ok()?;
            (id.check_ok == Some(true) || id.region_known).then_some(PiiClass::Person)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_persons_are_found_and_other_numbers_are_not() {
        let found = |t: &str| spots(t).into_iter().map(|(r, c)| (t[r].to_owned(), c)).collect::<Vec<_>>();
        assert_eq!(found("13800138000"), [("13800138000".into(), PiiClass::Msisdn)]);
        assert_eq!(
            found("电话13800138000，证件11010519491231002X。"),
            [("13800138000".into(), PiiClass::Msisdn), ("11010519491231002X".into(), PiiClass::Person)]
        );
        assert_eq!(found("/files/8613800138000.json").len(), 1);
        for other in
            ["ZJ330681-0295", "89860019330932465058", "1583049907000", "202003010000000001", "10.16.5.12"]
        {
            assert_eq!(found(other), [], "{other}");
        }
        assert_eq!(speakable("13800138000"), "***");
    }
}
