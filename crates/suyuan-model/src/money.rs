//! Money in fen (1/100 yuan): whole numbers only, so that sums are the same bytes everywhere.

/// Reads yuan with at most two decimals (`1234`, `1,234.5`, `¥12.30`) into fen.
pub fn parse_yuan(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches(['¥', '￥']).trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: String = whole.chars().filter(|c| *c != ',').collect();
    let part = part.trim_end_matches('0');
    let ok = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !ok(&whole) || !ok(part) || part.len() > 2 || whole.len() > 16 {
        return None;
    }
    let cents = format!("{part:0<2}").parse::<i64>().ok()?;
    let fen = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    Some(if negative { -fen } else { fen })
}

/// Fen as yuan with two decimals.
pub fn format_yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let abs = fen.unsigned_abs();
    format!("{sign}{}.{:02}", abs / 100, abs % 100)
}

/// Fen as yuan with two decimals, for serde: JSON holds a string, never a float.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    /// Writes yuan.
    pub fn serialize<S: Serializer>(fen: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::format_yuan(*fen))
    }
    /// Reads yuan.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        let text = String::deserialize(d)?;
        super::parse_yuan(&text).ok_or_else(|| D::Error::custom("not an amount in yuan"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn yuan_round_trips() {
        for (text, fen) in [("0", 0), ("1.5", 150), ("1,234.56", 123_456), ("-3.00", -300), ("¥7", 700)] {
            assert_eq!(parse_yuan(text), Some(fen));
            assert_eq!(parse_yuan(&format_yuan(fen)), Some(fen));
        }
        for bad in ["", "1.234", "1e3", "abc", "--1", "."] {
            assert_eq!(parse_yuan(bad), None, "{bad}");
        }
    }
}
