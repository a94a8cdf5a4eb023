//! One spelling for each value, so that one person has one token whatever system wrote it down.
//!
//! Full-width letters and digits become half-width, blanks and invisible characters go, identity numbers take
//! their 18-digit form, telephone numbers lose `+86` and separators, names lose blanks between Chinese characters
//! and write Latin letters upper case, addresses begin with the full names of their regions. A field of class
//! `Person` or `Contact` is told by its form.
//!
//! Blind to: variant characters (叶 / 葉), romanised names, an address written in another order.

use std::borrow::Cow;

use suyuan_model::PiiClass;
use suyuan_model::identity::IdNumber;
use suyuan_model::region;

use crate::{PiiFault, TokenKind};

/// The longest value taken for a person's data, bytes. The longest real addresses are a third of it.
pub(crate) const MAX_VALUE: usize = 1024;
/// Words that stand for "none", lower case.
const PLACEHOLDERS: [&str; 18] = [
    "无",
    "未知",
    "不详",
    "暂无",
    "不明",
    "空",
    "没有",
    "未填写",
    "未提供",
    "null",
    "none",
    "nil",
    "n/a",
    "na",
    "nan",
    "unknown",
    "(null)",
    "undefined",
];

/// A value in its one spelling.
pub(crate) struct Normal<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) text: Cow<'a, str>,
    /// Of an identity number whose date exists.
    pub(crate) id: Option<IdNumber>,
    /// Of an address.
    pub(crate) region6: Option<&'static str>,
}

impl<'a> Normal<'a> {
    /// Takes what [`clean`] gave.
    pub(crate) fn of(class: PiiClass, value: &'a str) -> Result<Normal<'a>, PiiFault> {
        refuse(value)?;
        let known = match class {
            PiiClass::Person => identity(value).or_else(|| person_phone(value)).or_else(|| document(value)),
            PiiClass::Msisdn => Some(phone(value).ok_or(PiiFault::NotAPhone)?),
            PiiClass::Contact => phone(value).or_else(|| document(value)),
            PiiClass::Address => Some(address(value)),
            PiiClass::Name => None,
        };
        let normal = known.unwrap_or_else(|| name(value));
        // Once more: `未 知` is a placeholder only without its blank.
        refuse(&normal.text)?;
        // Capitals can make another form of it (`0ß` becomes `0SS`): the token must be that of the sealed text.
        if normal.kind == TokenKind::Nam
            && class != PiiClass::Name
            && normal.text.is_ascii()
            && !value.is_ascii()
        {
            let again = Normal::of(class, &normal.text)?;
            let text = Cow::Owned(again.text.into_owned());
            return Ok(Normal { kind: again.kind, text, id: again.id, region6: again.region6 });
        }
        Ok(normal)
    }

    fn plain(kind: TokenKind, text: Cow<'a, str>) -> Normal<'a> {
        Normal { kind, text, id: None, region6: None }
    }

    /// The first seven digits of a Chinese mobile number.
    pub(crate) fn segment(&self) -> Option<&str> {
        is_mobile(&self.text).then(|| &self.text[..7])
    }
}

/// Half-width, without invisible characters, without blanks around it; refused where it is too long.
pub(crate) fn clean(value: &str) -> Result<Cow<'_, str>, PiiFault> {
    if value.len() > MAX_VALUE {
        return Err(PiiFault::TooLong);
    }
    if value.bytes().all(|c| (b' '..=b'~').contains(&c)) {
        return Ok(Cow::Borrowed(value.trim_matches(' ')));
    }
    let half = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        c if c.is_whitespace() => Some(' '),
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{ad}' => None,
        '\u{fe00}'..='\u{fe0f}' => None,
        c if c.is_control() => None,
        c => Some(c),
    };
    let text: String = value.chars().filter_map(half).collect();
    Ok(Cow::Owned(text.trim().to_owned()))
}

fn refuse(value: &str) -> Result<(), PiiFault> {
    if value.is_empty() {
        return Err(PiiFault::Empty);
    }
    if value.contains('*') {
        return Err(PiiFault::Masked);
    }
    let bare = !value.chars().any(char::is_alphanumeric);
    // The longest placeholder has 9 bytes; longer values need no look.
    if bare || (value.len() <= 9 && PLACEHOLDERS.contains(&value.to_lowercase().as_str())) {
        return Err(PiiFault::Placeholder);
    }
    Ok(())
}

fn without_separators(value: &str) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '—' | '–');
    if value.contains(separator) { Cow::Owned(value.replace(separator, "")) } else { Cow::Borrowed(value) }
}

/// An identity number by its form. One whose date does not exist stays one: forged numbers are evidence.
fn identity(value: &str) -> Option<Normal<'_>> {
    if value.len() < 15 {
        return None;
    }
    let text = without_separators(value);
    let bytes = text.as_bytes();
    let form = match bytes.len() {
        18 => bytes[..17].iter().all(u8::is_ascii_digit) && matches!(bytes[17], b'0'..=b'9' | b'x' | b'X'),
        15 => bytes.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !form {
        return None;
    }
    match IdNumber::parse(&text) {
        Ok(id) if id.text() == text => {
            Some(Normal { kind: TokenKind::Idn, text, id: Some(id), region6: None })
        }
        Ok(id) => {
            let text = Cow::Owned(id.text().to_owned());
            Some(Normal { kind: TokenKind::Idn, text, id: Some(id), region6: None })
        }
        Err(_) if bytes.len() == 18 => Some(Normal::plain(TokenKind::Idn, text.to_uppercase().into())),
        Err(_) => None,
    }
}

fn is_mobile(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() == 11 && b[0] == b'1' && (b'3'..=b'9').contains(&b[1]) && b.iter().all(u8::is_ascii_digit)
}

/// A telephone number: Chinese mobile numbers as 11 digits, land lines with their trunk `0`, others with `+`.
fn phone(value: &str) -> Option<Normal<'_>> {
    if is_mobile(value) {
        return Some(Normal::plain(TokenKind::Tel, Cow::Borrowed(value)));
    }
    let text = without_separators(value);
    let (abroad, digits) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => match text.strip_prefix("00") {
            Some(rest) if rest.len() > 8 => (true, rest),
            _ => (false, &*text),
        },
    };
    if !(5..=15).contains(&digits.len()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let national = digits.strip_prefix("86").filter(|rest| abroad || is_mobile(rest));
    let number = match national {
        // What stands behind `+86` is a number itself, or none: `+86 0 138...` and `+86000` are written, too.
        Some(rest) => phone(&with_trunk(rest))?.text.into_owned(),
        None if abroad => format!("+{digits}"),
        // Old long-distance dialling put a 0 before mobile numbers.
        None => digits.strip_prefix('0').filter(|rest| is_mobile(rest)).unwrap_or(digits).to_owned(),
    };
    Some(Normal::plain(TokenKind::Tel, Cow::Owned(number)))
}

/// A Chinese number as written behind `+86`: a land line (area and number, 9 to 11 digits) gets its trunk `0` back;
/// mobile numbers, numbers of machines (`10...`, 13 digits) and of services (`400`, `800`, short ones) have none.
fn with_trunk(rest: &str) -> String {
    let land = match rest.len() {
        9 | 10 => !["0", "400", "800"].iter().any(|p| rest.starts_with(p)),
        11 => !rest.starts_with(['0', '1']),
        _ => false,
    };
    if land { format!("0{rest}") } else { rest.to_owned() }
}

/// A telephone number where other numbers are possible too: mobile, with `+`, or a land line with its area.
fn person_phone(value: &str) -> Option<Normal<'_>> {
    let found = phone(value)?;
    let land = found.text.starts_with('0') && (10..=12).contains(&found.text.len());
    (is_mobile(&found.text) || found.text.starts_with('+') || land).then_some(found)
}

/// Another document or account: ASCII with a digit (or a sign of accounts) in it.
///
/// Passports, permits and credit codes lose separators and take capitals. Anything else stays as it is: two
/// accounts that differ by a dot or a capital are two accounts.
fn document(value: &str) -> Option<Normal<'_>> {
    if !value.is_ascii() || !value.bytes().any(|c| c.is_ascii_digit() || c == b'@' || c == b'_') {
        return None;
    }
    let bare = without_separators(value);
    let text = match is_paper(bare.as_bytes()) {
        true if bare.bytes().any(|c| c.is_ascii_lowercase()) => Cow::Owned(bare.to_ascii_uppercase()),
        true => bare,
        false => Cow::Borrowed(value),
    };
    Some(Normal::plain(TokenKind::Doc, text))
}

/// Up to three letters, five digits or more and perhaps a letter (passports, permits); or a credit code of 18.
fn is_paper(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let digits = text[letters..].iter().take_while(|c| c.is_ascii_digit()).count();
    let rest = &text[letters + digits..];
    let passport =
        letters <= 3 && digits >= 5 && matches!(rest, [] | [b'A'..=b'Z' | b'a'..=b'z']) && text.len() <= 20;
    let credit_code =
        text.len() == 18 && letters == 0 && digits >= 8 && text.iter().all(u8::is_ascii_alphanumeric);
    passport || credit_code
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// A name: one `·` for all its variants, no blank beside a Chinese character, single blanks elsewhere.
fn name(value: &str) -> Normal<'_> {
    if value.chars().all(is_han) {
        return Normal::plain(TokenKind::Nam, Cow::Borrowed(value));
    }
    let mut out = String::with_capacity(value.len());
    let mut blank = false;
    for c in value.chars() {
        let c = if matches!(c, '•' | '・' | '‧' | '∙' | '⋅' | '･') { '·' } else { c };
        let tight = |c: char| is_han(c) || c == '·';
        if c == ' ' {
            blank = true;
            continue;
        }
        if blank && !tight(c) && !out.chars().next_back().is_none_or(tight) {
            out.push(' ');
        }
        blank = false;
        out.extend(c.to_uppercase());
    }
    Normal::plain(TokenKind::Nam, Cow::Owned(out))
}

/// An address: the full names of its regions, then the rest without blanks and commas.
fn address(value: &str) -> Normal<'_> {
    let drop = |c: char| matches!(c, ' ' | ',' | '，' | '、' | '。' | ';' | '；');
    let mut text: String = value.chars().filter(|c| !drop(*c)).flat_map(char::to_uppercase).collect();
    if text.is_empty() {
        text = value.to_owned();
    }
    let found = region::in_address(&text);
    if let Some((code, bytes)) = found {
        text = region::label(code) + &text[bytes..];
    }
    Normal { kind: TokenKind::Adr, text: Cow::Owned(text), id: None, region6: found.map(|(code, _)| code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Kind, text and region.
    fn of(class: PiiClass, value: &str) -> Result<(TokenKind, String, Option<&'static str>), PiiFault> {
        Normal::of(class, &clean(value)?).map(|n| (n.kind, n.text.into_owned(), n.region6))
    }

    fn told(class: PiiClass, values: &[&str], kind: TokenKind, as_text: &str) {
        for value in values {
            let (k, text, _) = of(class, value).unwrap();
            assert_eq!((k, text.as_str()), (kind, as_text), "{value}");
        }
    }

    #[test]
    fn telephone_numbers() {
        let spellings = [
            "13800138000",
            "+86 138 0013 8000",
            "+86-13800138000",
            "8613800138000",
            "008613800138000",
            "013800138000",
            "１３８００１３８０００",
            " 138-0013-8000\u{feff}",
            "(+86)13800138000",
        ];
        for class in [PiiClass::Msisdn, PiiClass::Contact, PiiClass::Person] {
            told(class, &spellings, TokenKind::Tel, "13800138000");
        }
        told(
            PiiClass::Contact,
            &["0575-87012345", "+86 575 8701 2345", "(0575)87012345"],
            TokenKind::Tel,
            "057587012345",
        );
        told(PiiClass::Contact, &["010-65123456", "+86 10 6512 3456"], TokenKind::Tel, "01065123456");
        told(PiiClass::Msisdn, &["+1 202 555 0123", "0012025550123"], TokenKind::Tel, "+12025550123");
        told(PiiClass::Msisdn, &["1064812345678"], TokenKind::Tel, "1064812345678");
        told(PiiClass::Contact, &["10086"], TokenKind::Tel, "10086");
        let twice = ["+86 013800138000", "+86 86 13800138000"];
        told(PiiClass::Msisdn, &twice, TokenKind::Tel, "13800138000");
        for no in ["张三", "123", "+86000", "+86110", "1234567890123456", "138001380x0"] {
            assert_eq!(of(PiiClass::Msisdn, no).err(), Some(PiiFault::NotAPhone), "{no}");
        }
    }

    #[test]
    fn persons_by_their_form() {
        let id = [
            "11010519491231002X",
            "11010519491231002x",
            "110105491231002",
            "110105 19491231 002X",
            "１１０１０５１９４９１２３１００２Ｘ",
        ];
        told(PiiClass::Person, &id, TokenKind::Idn, "11010519491231002X");
        told(PiiClass::Person, &["11010519490231002x"], TokenKind::Idn, "11010519490231002X");
        told(PiiClass::Person, &["张三", "张 三", "\u{3000}张三 "], TokenKind::Nam, "张三");
        told(PiiClass::Person, &["E12345678", "e1234 5678", "E-12345678"], TokenKind::Doc, "E12345678");
        told(PiiClass::Person, &["H12345678(01)"], TokenKind::Doc, "H1234567801");
        told(PiiClass::Person, &["0ß", "0SS"], TokenKind::Doc, "0SS");
        for account in ["user-1", "user1", "User1", "a.b@example.com", "arn:aws:iam::123456789012:user/anna"]
        {
            told(PiiClass::Person, &[account], TokenKind::Doc, account);
        }
        told(
            PiiClass::Person,
            &["91330600MA2XXXXX0K", "91330600ma2xxxxx0k"],
            TokenKind::Doc,
            "91330600MA2XXXXX0K",
        );
        told(PiiClass::Person, &["AIDAXXXXXXXX2EXAMPLE"], TokenKind::Doc, "AIDAXXXXXXXX2EXAMPLE");
        told(PiiClass::Person, &["12345678"], TokenKind::Doc, "12345678");
        told(PiiClass::Person, &["anna  SMITH"], TokenKind::Nam, "ANNA SMITH");
        told(
            PiiClass::Name,
            &["买买提・艾山", "买买提 · 艾山", "买买提•艾山"],
            TokenKind::Nam,
            "买买提·艾山",
        );
        told(PiiClass::Contact, &["李四"], TokenKind::Nam, "李四");
    }

    #[test]
    fn addresses() {
        let same = [
            "浙江省绍兴市诸暨市暨阳街道1号",
            "浙江 绍兴 诸暨市，暨阳街道１号",
            "诸暨市暨阳街道1号",
            "浙江省诸暨市暨阳街道1号",
        ];
        told(PiiClass::Address, &same, TokenKind::Adr, "浙江省绍兴市诸暨市暨阳街道1号");
        told(PiiClass::Address, &["某路 1 号"], TokenKind::Adr, "某路1号");
        assert_eq!(of(PiiClass::Address, same[1]).unwrap().2, Some("330681"));
    }

    #[test]
    fn values_that_name_no_one() {
        for (value, fault) in [
            ("", PiiFault::Empty),
            (" \u{3000}\u{feff}", PiiFault::Empty),
            ("张*", PiiFault::Masked),
            ("138＊＊＊＊8000", PiiFault::Masked),
            ("未知", PiiFault::Placeholder),
            ("NULL", PiiFault::Placeholder),
            ("--", PiiFault::Placeholder),
            ("未 知", PiiFault::Placeholder),
        ] {
            assert_eq!(of(PiiClass::Person, value).err(), Some(fault), "{value}");
        }
        assert_eq!(of(PiiClass::Name, &"长".repeat(400)).err(), Some(PiiFault::TooLong));
    }

    proptest! {
        #[test]
        fn a_spelling_is_its_own_spelling(
            value in "\\PC{1,20}",
            digits in "[+0-9 ()-]{5,18}",
            china in "(\\+86|0086|86)(86|0|00|1[3-9]|0086)?[0-9]{0,12}",
        ) {
            for value in [value, digits, china] {
                for class in [PiiClass::Person, PiiClass::Msisdn, PiiClass::Name, PiiClass::Address, PiiClass::Contact] {
                    if let Ok(once) = of(class, &value) {
                        prop_assert_eq!(of(class, &once.1), Ok(once));
                    }
                }
            }
        }
    }
}
