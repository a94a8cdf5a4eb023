//! Numbers as people read them: grouped, yuan without needless fen, probabilities without a plain 0 or 1.

use crate::money;

/// Whole numbers with a comma at each thousand.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Fen as yuan: grouped, with fen only where there are any.
pub fn yuan(fen: i64) -> String {
    let text = money::format_yuan(fen);
    let (whole, part) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let whole = group(whole.trim_start_matches('-').parse().unwrap_or(0));
    if part == "00" { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A probability for people: two decimals, and never a plain 0 or 1.
pub fn chance(p: f64) -> String {
    match p {
        p if p > 0.99 => ">0.99".into(),
        p if p < 0.01 => "<0.01".into(),
        p => format!("{p:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!((group(0), group(999), group(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!((yuan(-123_450), yuan(100_000)), ("-1,234.50".into(), "1,000".into()));
        assert_eq!((chance(1.0), chance(0.0), chance(0.5)), (">0.99".into(), "<0.01".into(), "0.50".into()));
    }
}
