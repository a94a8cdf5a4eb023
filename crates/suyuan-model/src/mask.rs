//! What people see of personal data until someone is allowed to see it whole, and the wrapper that
//! keeps a clear value out of logs.
//!
//! Masks keep what tells two neighbours in a list apart and drop the rest: `138****8000`, `张*`,
//! `3306************1X`. Of an identity number the last two stay, not the usual four: with the region and
//! the year of birth that stand beside a token, four would leave some thirty candidates, two leave
//! thousands. A text that is not of the expected form is masked whole. Invariant: a mask never shows more
//! than half of a value of six characters or more.

use std::fmt;

use zeroize::Zeroize;

use crate::region;

/// Surnames of two characters that are met in practice (复姓).
const COMPOUND: [&str; 24] = [
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "令狐", "夏侯", "轩辕",
    "长孙", "宇文", "端木", "百里", "南宫", "西门", "独孤", "呼延", "闻人", "澹台", "万俟",
];

/// A clear value: it prints as `***`, cannot be serialised, and is overwritten when dropped.
///
/// Reading it takes [`Secret::expose`] by name, so that a reviewer finds every place.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a clear value.
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// The clear value. Whoever calls this has written down who sees it and why.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The first `head` and the last `tail` characters with stars for the rest.
fn keep(text: &str, head: usize, tail: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() < 2 * (head + tail) {
        return "*".repeat(all.len());
    }
    let stars = all.len() - head - tail;
    let end = all.len() - tail;
    all[..head]
        .iter()
        .copied()
        .chain(std::iter::repeat_n('*', stars))
        .chain(all[end..].iter().copied())
        .collect()
}

/// `138****8000`; of other numbers the last two digits stay.
pub fn mask_phone(phone: &str) -> String {
    let digits = phone.bytes().all(|c| c.is_ascii_digit());
    if digits && phone.len() == 11 && phone.starts_with('1') {
        return format!("{}****{}", &phone[..3], &phone[7..]);
    }
    keep(phone, 0, 2)
}

/// `张*`, `欧阳*`; of a company's name or a foreign one (five characters and more) the first two stay.
///
/// One star whatever the length: a rare name is told by it.
pub fn mask_name(name: &str) -> String {
    let count = name.chars().count();
    let head = match count {
        0 | 1 => 0,
        5.. => 2,
        3 | 4 if COMPOUND.iter().any(|c| name.starts_with(c)) => 2,
        _ => 1,
    };
    let star = if count > 0 { "*" } else { "" };
    name.chars().take(head).collect::<String>() + star
}

/// The surname of a Chinese personal name of two to four characters: one character, or two of a compound one.
///
/// Names with other than Chinese characters, and names of companies, have none.
pub fn surname(name: &str) -> Option<&str> {
    let count = name.chars().count();
    let chinese = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    if !(2..=4).contains(&count) || !name.chars().all(chinese) {
        return None;
    }
    let compound = COMPOUND.into_iter().find(|c| count > 2 && name.starts_with(c));
    Some(&name[..compound.map_or(name.chars().next().map_or(0, char::len_utf8), str::len)])
}

/// `3306************1X`: the prefecture and the last two.
pub fn mask_id(id: &str) -> String {
    keep(id, 4, 2)
}

/// Province, prefecture and county stay, the rest is one `***`; `***` alone where no region is recognised.
pub fn mask_address(address: &str) -> String {
    let shown = region::in_address(address).map_or(0, |(_, bytes)| bytes);
    format!("{}***", &address[..shown])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masks() {
        assert_eq!(mask_phone("13800138000"), "138****8000");
        assert_eq!(mask_phone("057587012345"), "**********45");
        assert_eq!(mask_phone("110"), "***");
        assert_eq!(mask_name("张三"), "张*");
        assert_eq!(mask_name("欧阳修"), "欧阳*");
        assert_eq!(mask_name("上海某某劳务有限公司"), "上海*");
        assert_eq!((mask_name("张"), mask_name("")), ("*".into(), "".into()));
        assert_eq!(mask_id("33068119900101001X"), "3306************1X");
        assert_eq!(mask_id("1234"), "****");
        assert_eq!(mask_address("浙江省绍兴市诸暨市暨阳街道1号"), "浙江省绍兴市诸暨市***");
        assert_eq!(mask_address("某街1号"), "***");
    }

    #[test]
    fn surnames() {
        assert_eq!(surname("张三"), Some("张"));
        assert_eq!(surname("欧阳修"), Some("欧阳"));
        assert_eq!(surname("司马"), Some("司"), "two characters: one is the given name");
        assert_eq!(surname("𠮷田太"), Some("𠮷"));
        for other in ["张", "Anna", "买买提·艾山", "上海劳务公司", ""] {
            assert_eq!(surname(other), None, "{other}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        let s = Secret::new(String::from("13800138000"));
        assert_eq!(format!("{s:?} {:#?}", Some(&s)), "Secret(***) Some(\n    Secret(***),\n)");
        assert_eq!(s.expose(), "13800138000");
    }

    proptest! {
        #[test]
        fn at_most_half_is_shown(text in "\\PC{6,30}", phone in "1[0-9]{10}") {
            for masked in [mask_phone(&text), mask_id(&text), mask_name(&text)] {
                let shown = masked.chars().filter(|c| *c != '*').count();
                prop_assert!(shown <= text.chars().count() / 2);
            }
            let masked = mask_phone(&phone);
            prop_assert_eq!(masked.matches('*').count(), 4);
            let _ = mask_address(&text);
        }
    }
}
