//! Region codes as wider places, by their digits alone.

/// The province part of a code: its first two digits, `None` where the code is too short.
pub fn province(code: &str) -> Option<&str> {
    code.get(..2).filter(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

/// The city part of a code: its first four digits.
pub fn city(code: &str) -> Option<&str> {
    code.get(..4).filter(|p| p.bytes().all(|b| b.is_ascii_digit()))
}
