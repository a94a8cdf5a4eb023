//! Instants as microseconds UTC, read from and written as RFC 3339; days since 1970-01-01.

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;
/// China Standard Time's offset: the zone of Chinese calendars, constant since 1991.
pub const CHINA: i64 = 8 * HOUR;

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's `days_from_civil`).
pub fn days_from_civil(y: i64, m: u32, d: u32) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let mp = (i64::from(m) + 9) % 12;
    let doy = (153 * mp + 2) / 5 + i64::from(d) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Year, month, day of a day number.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let m = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

/// Whether that date exists.
pub fn date_exists(y: i64, m: u32, d: u32) -> bool {
    let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let days = match m {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return false,
    };
    (1..=days).contains(&d)
}

/// A wall-clock reading without its offset: microseconds since 1970-01-01 00:00 local, and the
/// offset in microseconds where the text carried one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Local microseconds.
    pub local: i64,
    /// Offset east of UTC.
    pub offset: Option<i64>,
}

/// Reads `YYYY-MM-DD[T| ]hh:mm[:ss[.ffffff]][Z|±hh[:]mm]`; also `/` between date parts and a bare date.
pub fn parse_reading(text: &str) -> Option<Reading> {
    let b = text.trim().as_bytes();
    let num = |at: usize, n: usize| -> Option<i64> {
        let s = b.get(at..at + n)?;
        s.iter().try_fold(0i64, |v, c| c.is_ascii_digit().then(|| v * 10 + i64::from(c - b'0')))
    };
    let (y, m, d) = (num(0, 4)?, num(5, 2)? as u32, num(8, 2)? as u32);
    let sep = *b.get(4)?;
    if !matches!(sep, b'-' | b'/') || b.get(7) != Some(&sep) || !date_exists(y, m, d) {
        return None;
    }
    let day = days_from_civil(y, m, d) * DAY;
    if b.len() == 10 {
        return Some(Reading { local: day, offset: None });
    }
    if !matches!(b[10], b'T' | b't' | b' ') || b.get(13) != Some(&b':') {
        return None;
    }
    let (hh, mm) = (num(11, 2)?, num(14, 2)?);
    let mut at = 16;
    let mut ss = 0;
    let mut micros = 0;
    if b.get(at) == Some(&b':') {
        ss = num(17, 2)?;
        at = 19;
        if b.get(at) == Some(&b'.') {
            at += 1;
            let start = at;
            let mut scale = 100_000;
            while let Some(c) = b.get(at).filter(|c| c.is_ascii_digit()) {
                micros += i64::from(c - b'0') * scale;
                scale /= 10;
                at += 1;
            }
            if at == start || at - start > 9 {
                return None;
            }
        }
    }
    // 23:59:60 (a leap second) reads as the next second.
    if hh > 23 || mm > 59 || ss > 60 {
        return None;
    }
    let local = day + hh * HOUR + (mm * 60 + ss) * SECOND + micros;
    let rest = &b[at..];
    let offset = match rest {
        [] => None,
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), ..] => {
            let colon = rest.get(3) == Some(&b':');
            let (oh, om) = (num(at + 1, 2)?, num(at + 3 + usize::from(colon), 2)?);
            if rest.len() != 5 + usize::from(colon) || oh > 18 || om > 59 {
                return None;
            }
            let o = oh * HOUR + om * 60 * SECOND;
            Some(if *sign == b'-' { -o } else { o })
        }
        _ => return None,
    };
    Some(Reading { local, offset })
}

/// Reads RFC 3339 with its offset into microseconds UTC.
pub fn parse(text: &str) -> Option<i64> {
    let r = parse_reading(text)?;
    Some(r.local - r.offset?)
}

/// Writes `YYYY-MM-DDThh:mm:ss[.ffffff]Z`; the fraction only where there is one.
pub fn format(ts: i64) -> String {
    let (y, m, d) = civil_from_days(ts.div_euclid(DAY));
    let us = ts.rem_euclid(DAY);
    let s = us / SECOND;
    let base = format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    match us % SECOND {
        0 => format!("{base}Z"),
        f => format!("{base}.{f:06}Z"),
    }
}

/// Writes the instant as people in China read it: `2020-03-01 16:05:00` in UTC+8, said once on the page.
pub fn format_china(ts: i64) -> String {
    let text = format(ts + CHINA);
    text[..19].replace('T', " ")
}

/// The day in China on which the instant falls.
pub fn china_day(ts: i64) -> i64 {
    (ts + CHINA).div_euclid(DAY)
}

/// `YYYY-MM-DD` of a day number.
pub fn format_day(days: i64) -> String {
    let (y, m, d) = civil_from_days(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// Reads `YYYY-MM-DD`, `YYYY/MM/DD` or `YYYYMMDD` as a day number.
pub fn parse_day(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let (y, m, d) = (text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?);
        return date_exists(y, m, d).then(|| days_from_civil(y, m, d));
    }
    let r = parse_reading(text)?;
    (text.len() == 10).then_some(r.local / DAY)
}

/// Instants as RFC 3339 text, for serde.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    /// Writes RFC 3339 UTC.
    pub fn serialize<S: Serializer>(ts: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::format(*ts))
    }
    /// Reads RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        let text = String::deserialize(d)?;
        super::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time with offset"))
    }
}

/// Instants that may be missing, as RFC 3339 text or null, for serde.
pub mod as_text_or_none {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    /// Writes RFC 3339 UTC, or null.
    pub fn serialize<S: Serializer>(ts: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        match ts {
            Some(ts) => s.serialize_some(&super::format(*ts)),
            None => s.serialize_none(),
        }
    }
    /// Reads RFC 3339, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|t| super::parse(&t).ok_or_else(|| D::Error::custom("not an RFC 3339 time with offset")))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn rfc3339_reads_and_writes() {
        assert_eq!(parse("1970-01-01T08:00:00+08:00"), Some(0));
        assert_eq!(format(parse("2020-02-29T23:59:59.123456+08:00").unwrap()), "2020-02-29T15:59:59.123456Z");
        assert_eq!(parse("2019-12-01 09:30:00+0800"), parse("2019-12-01T01:30:00Z"));
        for bad in [
            "",
            "2021-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00+99:00",
            "x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
    #[test]
    fn days_round_trip() {
        for day in (-200_000..200_000).step_by(37) {
            let (y, m, d) = civil_from_days(day);
            assert!(date_exists(y, m, d));
            assert_eq!(days_from_civil(y, m, d), day);
            assert_eq!(parse_day(&format_day(day)), (y >= 0).then_some(day));
        }
    }
}
