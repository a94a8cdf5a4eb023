//! What is wrong with a row or a file, said to an operator in both languages, and what to do.
//!
//! Invariant: a message never holds a value that may point at a person; [`shown`] gives a value only
//! where it reads like a word of a program and describes its shape everywhere else.

use suyuan_model::outcome::Text;

/// What is wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field of the record kind (or the column) it is about.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: Text,
    /// What to do about it.
    pub remedy: Text,
}

impl Fault {
    /// A fault of a field.
    pub fn of(field: &str, reason: Text, remedy: Text) -> Self {
        Self { field: Some(field.to_owned()), reason, remedy }
    }

    /// A fault of the whole row or file.
    pub fn whole(reason: Text, remedy: Text) -> Self {
        Self { field: None, reason, remedy }
    }

    /// The same fault, of that field.
    pub fn at(mut self, field: &str) -> Self {
        self.field.get_or_insert_with(|| field.to_owned());
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "`{field}`: ")?;
        }
        write!(f, "{}; {}", self.reason.en, self.remedy.en)
    }
}

/// A text in both languages from two formats with the same arguments.
macro_rules! text {
    ($en:literal, $zh:literal $(, $arg:expr)* $(,)?) => {
        ::suyuan_model::outcome::Text::new(format!($en $(, $arg)*), format!($zh $(, $arg)*))
    };
}
pub(crate) use text;

/// The value where it reads like a word of a program (letters and `_`), its shape everywhere else.
pub(crate) fn shown(value: &str) -> Text {
    let word = value.len() <= 32 && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if word && !value.is_empty() {
        return text!("`{}`", "`{}`", value);
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let chars = value.chars().count();
    match (digits, chars) {
        (d, c) if d == c => text!("a number of {} digits", "{} 位数字", d),
        (0, c) if value.is_ascii() => text!("a text of {} letters", "{} 个字母的文本", c),
        (0, c) => text!("a text of {} characters", "{} 个字的文本", c),
        (d, c) => text!("a text of {} characters with {} digits", "{} 个字符（含 {} 位数字）的文本", c, d),
    }
}

/// Below this likeness a name is not worth offering.
const LIKE: f64 = 0.72;

/// The candidate most like `name`, if any is alike; ties go to the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let score = strsim::normalized_damerau_levenshtein(&folded, &fold(candidate))
            .max(strsim::jaro_winkler(&folded, &fold(candidate)) - 0.1);
        if score >= LIKE && best.is_none_or(|(_, s)| score > s) {
            best = Some((candidate, score));
        }
    }
    best.map(|(c, _)| c)
}

/// Whether `name` looks like a slip of the pen for `wanted`: at most one letter in five differs.
pub(crate) fn near_miss(name: &str, wanted: &str) -> bool {
    let (a, b) = (fold(name), fold(wanted));
    let letters = a.chars().count().max(b.chars().count());
    a == b || (letters >= 3 && strsim::damerau_levenshtein(&a, &b) <= (letters / 5).max(1))
}

/// Lower case without blanks, `_`, `-` and full-width forms of ASCII.
pub(crate) fn fold(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '*' | ':' | '：'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// `did you mean ..` for what does not exist.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Text {
    match nearest(name, candidates.clone()) {
        Some(near) => text!("did you mean `{}`?", "是否应为 `{}`？", near),
        None => {
            let all: Vec<&str> = candidates.into_iter().collect();
            text!("use one of: {}", "可用：{}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_offered_and_nothing_far() {
        assert_eq!(nearest("openning", ["login", "opening"]), Some("opening"));
        assert_eq!(nearest("Account_ID", ["account", "device"]), Some("account"));
        assert_eq!(nearest("zzz", ["login", "opening"]), None);
        assert!(near_miss("acount", "account") && !near_miss("amount", "outlet"));
    }

    #[test]
    fn a_value_that_may_be_a_person_is_never_shown() {
        assert_eq!(shown("manul").en, "`manul`");
        assert_eq!(shown("330681199001010010").en, "a number of 18 digits");
        assert_eq!(shown("张三").en, "a text of 2 characters");
        assert!(!shown("Zhang San").en.contains("Zhang"));
        assert!(!shown("13800138000x").en.contains("138"));
    }
}
