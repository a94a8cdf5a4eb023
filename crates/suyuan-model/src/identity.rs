//! Citizen identity numbers of China: GB 11643-1999 (18 digits) and the 15-digit form given until 1999.
//!
//! A number is a region code (6), a birth date, a serial whose last digit is odd for men, and, in the
//! 18-digit form, a check digit (ISO 7064 MOD 11-2; `X` for ten). What is kept is what a number
//! says of itself, not whether the state ever issued it: no table of issued numbers exists here.
//!
//! Invariants: a parsed number's birth date exists; the 15-digit form and its 18-digit successor parse to
//! the same region, birth and sex and are equal by [`IdNumber::text`]. A wrong check digit does not stop
//! parsing; it is told in `check_ok`. Blind to: residence permits of foreigners (their first digit is 9)
//! parse, but with an unknown region.

use thiserror::Error;

use crate::{region, time};

/// Why a text is not an identity number. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdFault {
    /// Neither 15 nor 18 characters.
    #[error("an identity number has 18 characters (15 in the old form), this has {0}")]
    Length(usize),
    /// A character that does not belong.
    #[error("an identity number is digits, its last character a digit or `X`; character {0} is neither")]
    Character(usize),
    /// The birth date does not exist.
    #[error("the birth date in this identity number does not exist")]
    Birth,
}

/// Sex as an identity number states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sex {
    /// Odd serial.
    Male,
    /// Even serial.
    Female,
}

impl Sex {
    /// As the lake's `_sex` columns write it: `m` or `f`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Male => "m",
            Self::Female => "f",
        }
    }
}

/// A parsed identity number. It has no `Debug` or `Display`: printing it takes [`IdNumber::text`] by name.
#[derive(Clone, PartialEq, Eq)]
pub struct IdNumber {
    digits: [u8; 18],
    /// Year, month and day of birth.
    pub birth: (i32, u32, u32),
    /// Sex.
    pub sex: Sex,
    /// Whether the check digit holds; absent in the 15-digit form, which has none.
    pub check_ok: Option<bool>,
    /// Whether the region code is one that a number of this birth year may carry ([`region::known_at_birth`]).
    pub region_known: bool,
}

/// Weights of GB 11643.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by the weighted sum modulo 11.
const CHECKS: &[u8; 11] = b"10X98765432";

/// The check character behind these seventeen digits; `None` for anything else.
pub fn check_digit(first17: &str) -> Option<char> {
    let digits: &[u8; 17] = first17.as_bytes().try_into().ok()?;
    digits.iter().all(u8::is_ascii_digit).then(|| char::from(check(digits)))
}

fn check(first17: &[u8]) -> u8 {
    let sum: u32 = first17.iter().zip(WEIGHTS).map(|(c, w)| u32::from(c - b'0') * w).sum();
    CHECKS[(sum % 11) as usize]
}

impl IdNumber {
    /// Reads 18 characters (the last a digit, `X` or `x`) or 15 digits, nothing around them.
    pub fn parse(text: &str) -> Result<IdNumber, IdFault> {
        let bytes = text.as_bytes();
        let old = match bytes.len() {
            15 => true,
            18 => false,
            _ => return Err(IdFault::Length(text.chars().count())),
        };
        let numeric = if old { 15 } else { 17 };
        if let Some(at) = bytes[..numeric].iter().position(|c| !c.is_ascii_digit()) {
            return Err(IdFault::Character(at + 1));
        }
        let mut digits = [0u8; 18];
        if old {
            digits[..6].copy_from_slice(&bytes[..6]);
            digits[6..8].copy_from_slice(old_century(&bytes[12..15]));
            digits[8..17].copy_from_slice(&bytes[6..]);
            digits[17] = check(&digits[..17]);
        } else {
            digits.copy_from_slice(bytes);
            digits[17] = digits[17].to_ascii_uppercase();
            if !matches!(digits[17], b'0'..=b'9' | b'X') {
                return Err(IdFault::Character(18));
            }
        }
        Self::of(digits, (!old).then(|| check(&digits[..17]) == digits[17]))
    }

    fn of(digits: [u8; 18], check_ok: Option<bool>) -> Result<IdNumber, IdFault> {
        let number =
            |r: std::ops::Range<usize>| digits[r].iter().fold(0u32, |n, c| n * 10 + u32::from(c - b'0'));
        let birth = (number(6..10) as i32, number(10..12), number(12..14));
        // No one living was born before 1850; such a year is some other 18-digit number.
        if birth.0 < 1850 || birth.0 > 2199 || !time::date_exists(i64::from(birth.0), birth.1, birth.2) {
            return Err(IdFault::Birth);
        }
        let sex = if digits[16] % 2 == 1 { Sex::Male } else { Sex::Female };
        let mut id = IdNumber { digits, birth, sex, check_ok, region_known: false };
        id.region_known = region::known_at_birth(id.region6(), birth.0);
        Ok(id)
    }

    /// The whole number in the 18-digit form, `X` upper case. Clear personal data.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.digits).expect("an identity number is ASCII")
    }

    /// The region code: where the number was given.
    pub fn region6(&self) -> &str {
        &self.text()[..6]
    }

    /// Whole years of age on a day (days since 1970-01-01); negative before birth.
    pub fn age_on(&self, day: i64) -> i32 {
        let (y, m, d) = time::civil_from_days(day);
        let (by, bm, bd) = self.birth;
        y as i32 - by - i32::from((m, d) < (bm, bd))
    }
}

/// The 15-digit form leaves the century out: serials 996 to 999 were kept for people born before 1900.
fn old_century(serial: &[u8]) -> &'static [u8; 2] {
    if matches!(serial, b"996" | b"997" | b"998" | b"999") { b"18" } else { b"19" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> IdNumber {
        IdNumber::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn the_examples_of_the_standard() {
        // GB 11643-1999 gives these two.
        assert_eq!(check_digit("11010519491231002"), Some('X'));
        assert_eq!(check_digit("44052418800101001"), Some('4'));
        let woman = parse("11010519491231002x");
        assert!(woman.text() == "11010519491231002X" && woman.check_ok == Some(true));
        assert_eq!((woman.birth, woman.sex), ((1949, 12, 31), Sex::Female));
        assert!(woman.region_known && woman.region6() == "110105");
        let man = parse("440524188001010014");
        assert_eq!((man.birth, man.sex, man.check_ok), ((1880, 1, 1), Sex::Male, Some(true)));
    }

    #[test]
    fn the_old_form_is_the_same_person() {
        let old = parse("110105491231002");
        assert!(old.text() == "11010519491231002X" && old.check_ok.is_none());
        let centenarian = parse("440524800101999");
        assert_eq!(centenarian.birth.0, 1880);
    }

    #[test]
    fn abolished_counties_are_known_in_their_years() {
        let at = |first17: &str| parse(&format!("{first17}{}", check_digit(first17).unwrap()));
        assert!(at("33062519850203001").region_known, "诸暨县 until 1988");
        assert!(!at("33062520150203001").region_known);
        assert!(at("11010319790203001").region_known, "崇文区 until 2009");
        assert!(!at("98765419790203001").region_known);
    }

    #[test]
    fn faults_say_what_and_never_the_number() {
        assert_eq!(IdNumber::parse("1101").err(), Some(IdFault::Length(4)));
        assert_eq!(IdNumber::parse("1101051949123A0021").err(), Some(IdFault::Character(14)));
        assert_eq!(IdNumber::parse("11010519491231002Y").err(), Some(IdFault::Character(18)));
        assert_eq!(IdNumber::parse("11010519490229002X").err(), Some(IdFault::Birth));
        assert_eq!(
            IdNumber::parse("11010519491231002X").unwrap_or_else(|e| panic!("{e}")).check_ok,
            Some(true)
        );
        assert_eq!(parse("110105194912310021").check_ok, Some(false));
    }

    #[test]
    fn age_turns_on_the_birthday() {
        let id = parse("11010519491231002X");
        assert_eq!(id.age_on(time::days_from_civil(1965, 12, 30)), 15);
        assert_eq!(id.age_on(time::days_from_civil(1965, 12, 31)), 16);
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_found(year in 1930i32..2020, month in 1u32..13, day in 1u32..29, serial in 0u32..1000, at in 14usize..17, by in 1u8..10) {
            let body = format!("330681{year}{month:02}{day:02}{serial:03}");
            let mut text = format!("{body}{}", check_digit(&body).unwrap()).into_bytes();
            text[at] = b'0' + (text[at] - b'0' + by) % 10;
            let id = parse(std::str::from_utf8(&text).unwrap());
            prop_assert_eq!(id.check_ok, Some(false));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}", digits in "[0-9Xx]{15,18}") {
            let _ = IdNumber::parse(&text);
            let _ = IdNumber::parse(&digits);
        }
    }
}
