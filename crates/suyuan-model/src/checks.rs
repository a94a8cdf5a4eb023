//! Check digits: Luhn (ISO/IEC 7812), and what it says of card numbers (ICCID, ITU-T E.118) and
//! device numbers (IMEI, 3GPP TS 23.003).
//!
//! A wrong digit never rejects a row. Carriers write card numbers with and without their check
//! digit, and some print one of their own making: the answer is a remark, not a verdict.

/// What a number's own check digit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The last digit is the right one.
    Ok,
    /// This form carries none.
    NoDigit,
    /// The last digit is not the right one, or the text is not of this form.
    Wrong,
}

/// The Luhn sum of digits; the last one counts once where `shift` is 0, twice where it is 1.
fn luhn_sum(digits: &str, shift: usize) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.bytes().rev().enumerate().try_fold(0, |sum, (i, c)| {
        let d = c.is_ascii_digit().then(|| u32::from(c - b'0'))?;
        let twice = (i + shift) % 2 == 1;
        Some(
            sum + if !twice {
                d
            } else if d > 4 {
                2 * d - 9
            } else {
                2 * d
            },
        )
    })
}

/// Whether the last digit is the Luhn digit of those before it; false for anything but two digits or more.
pub fn luhn_ok(number: &str) -> bool {
    number.len() > 1 && luhn_sum(number, 0).is_some_and(|s| s % 10 == 0)
}

/// The Luhn digit that belongs behind these digits; `0` stands in where the text is not all digits.
pub fn luhn_digit(digits: &str) -> char {
    let sum = luhn_sum(digits, 1).unwrap_or(0);
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

/// A card number: 18 digits without check digit or 19 and 20 digits with one. A number of 19 digits that
/// begins with `8986` and whose last digit does not fit is taken as a 20-digit number cut before its digit.
pub fn iccid_check(iccid: &str) -> Check {
    let digits = iccid.bytes().all(|c| c.is_ascii_digit());
    match iccid.len() {
        18 if digits => Check::NoDigit,
        19 | 20 if luhn_ok(iccid) => Check::Ok,
        19 if digits && iccid.starts_with("8986") => Check::NoDigit,
        _ => Check::Wrong,
    }
}

/// A device number: 15 digits with check digit; 14 (without) and 16 (IMEISV, software version behind) have none.
///
/// Networks send a `0` in place of the check digit; a 15-digit number ending in `0` is therefore never wrong.
pub fn imei_check(imei: &str) -> Check {
    if !imei.bytes().all(|c| c.is_ascii_digit()) {
        return Check::Wrong;
    }
    match imei.len() {
        14 | 16 => Check::NoDigit,
        15 if luhn_ok(imei) => Check::Ok,
        15 if imei.ends_with('0') => Check::NoDigit,
        _ => Check::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_numbers() {
        assert!(luhn_ok("79927398713"), "the example of ISO/IEC 7812");
        assert!(!luhn_ok("79927398710"));
        assert_eq!(luhn_digit("7992739871"), '3');
        assert_eq!(imei_check("490154203237518"), Check::Ok);
        assert_eq!(imei_check("490154203237517"), Check::Wrong);
        assert_eq!(imei_check("490154203237510"), Check::NoDigit);
        assert_eq!(imei_check("49015420323751"), Check::NoDigit);
        assert_eq!(imei_check("4901542032375x8"), Check::Wrong);
        assert_eq!(iccid_check(""), Check::Wrong);
        assert_eq!(iccid_check("898600MF000000000001"), Check::Wrong);
    }

    proptest! {
        #[test]
        fn the_digit_made_is_the_digit_checked(body in "[0-9]{1,30}") {
            let digit = luhn_digit(&body);
            let whole = format!("{body}{digit}");
            prop_assert!(luhn_ok(&whole));
        }

        #[test]
        fn one_wrong_digit_is_found(body in "[0-9]{18}", at in 0usize..19, by in 1u8..10) {
            let mut whole = format!("{body}{}", luhn_digit(&body)).into_bytes();
            whole[at] = b'0' + (whole[at] - b'0' + by) % 10;
            prop_assert!(!luhn_ok(std::str::from_utf8(&whole).unwrap()));
        }

        #[test]
        fn neighbours_swapped_are_found_but_for_09(body in "[0-9]{18}", at in 0usize..18) {
            let mut whole = format!("{body}{}", luhn_digit(&body)).into_bytes();
            let pair = (whole[at], whole[at + 1]);
            whole.swap(at, at + 1);
            let blind = pair.0 == pair.1 || matches!(pair, (b'0', b'9') | (b'9', b'0'));
            prop_assert_eq!(luhn_ok(std::str::from_utf8(&whole).unwrap()), blind);
        }

        #[test]
        fn cards_with_their_digit_are_ok(body in "8986[0-9]{14,15}") {
            let whole = format!("{body}{}", luhn_digit(&body));
            prop_assert_eq!(iccid_check(&whole), Check::Ok);
        }
    }
}
