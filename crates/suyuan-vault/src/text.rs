//! Bytes as text: hexadecimal, base32 (RFC 4648, lower case, unpadded), base64 (RFC 4648, padded).

use zeroize::Zeroizing;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn push_number(out: &mut String, n: u32) {
    if n < 10 {
        out.push(char::from(b'0' + n as u8));
    } else {
        out.push_str(&n.to_string());
    }
}

pub(crate) fn push_base32(out: &mut String, bytes: &[u8]) {
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[(buffer << (5 - bits) & 31) as usize]));
    }
}

/// The 16 bytes of 26 characters; `None` where they are not what [`push_base32`] writes.
pub(crate) fn unbase32(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 {
        return None;
    }
    let mut bits = text.bytes().try_fold(0u128, |_, c| value32(c).map(|_| 0))?;
    let mut last = 0;
    for (i, c) in text.bytes().enumerate() {
        let v = u128::from(value32(c)?);
        if i < 25 {
            bits = bits << 5 | v;
        } else {
            last = v;
        }
    }
    // 25 characters are 125 bits; the last carries 3 more and two zeros.
    (last & 3 == 0).then(|| (bits << 3 | last >> 2).to_be_bytes())
}

fn value32(c: u8) -> Option<u8> {
    match c {
        b'a'..=b'z' => Some(c - b'a'),
        b'2'..=b'7' => Some(c - b'2' + 26),
        _ => None,
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sign = if i <= chunk.len() { BASE64[(n >> (18 - 6 * i) & 63) as usize] } else { b'=' };
            out.push(char::from(sign));
        }
    }
    out
}

pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let chunks = bytes.len() / 4;
    for (i, chunk) in bytes.chunks(4).enumerate() {
        let pad = chunk.iter().rev().take_while(|c| **c == b'=').count();
        if pad > 2 || (pad > 0 && i + 1 < chunks) {
            return None;
        }
        let n = chunk[..4 - pad].iter().try_fold(0u32, |n, c| Some(n << 6 | u32::from(value64(*c)?)))?
            << (6 * pad);
        let group = n.to_be_bytes();
        if group[4 - pad..].iter().any(|b| *b != 0) {
            return None;
        }
        out.extend_from_slice(&group[1..4 - pad]);
    }
    Some(out)
}

fn value64(c: u8) -> Option<u8> {
    match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

pub(crate) fn unhex32(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let value = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
    let mut out = Zeroizing::new([0; 32]);
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_rfc_4648() {
        let b32 = |s: &str| {
            let mut out = String::new();
            push_base32(&mut out, s.as_bytes());
            out
        };
        assert_eq!((b32("foobar"), b32("fooba")), ("mzxw6ytboi".into(), "mzxw6ytb".into()));
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(unbase64(coded).as_deref(), Some(plain.as_bytes()));
        }
        for bad in ["Zg", "Zh==", "Zg=a", "====", "Zg==Zg==", "Zm9 "] {
            assert_eq!(unbase64(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(bytes: [u8; 16], long: Vec<u8>, key: [u8; 32]) {
            let mut text = String::new();
            push_base32(&mut text, &bytes);
            prop_assert_eq!(unbase32(&text), Some(bytes));
            prop_assert_eq!(unbase64(&base64(&long)), Some(long));
            prop_assert_eq!(unhex32(&hex(&key)).map(|k| *k), Some(key));
        }

        #[test]
        fn what_reads_is_what_was_written(text in "[a-z2-7]{26}") {
            if let Some(bytes) = unbase32(&text) {
                let mut again = String::new();
                push_base32(&mut again, &bytes);
                prop_assert_eq!(again, text);
            }
        }
    }
}
