//! How a source writes instants: RFC 3339, a pattern, or counts since 1970; and in which zone.

use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use suyuan_model::time::{self, DAY, Reading, SECOND};

/// The zone of readings without an offset.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// The IANA name, as the mapping says it.
    pub name: String,
    tz: TimeZone,
}

impl Zone {
    /// The zone of that IANA name (the tables are built in), or a fixed offset such as `+08:00`.
    pub fn named(name: &str) -> Option<Self> {
        let tz = TimeZone::get(name).ok()?;
        Some(Self { name: name.to_owned(), tz })
    }

    /// Microseconds UTC of a wall-clock reading; the earlier of two where clocks were set back.
    fn instant(&self, local: i64) -> Option<i64> {
        let (y, m, d) = time::civil_from_days(local.div_euclid(DAY));
        let us = local.rem_euclid(DAY);
        let s = us / SECOND;
        let date = Date::new(i16::try_from(y).ok()?, m as i8, d as i8).ok()?;
        let clock = Time::new((s / 3600) as i8, (s / 60 % 60) as i8, (s % 60) as i8, 0).ok()?;
        let at = self.tz.to_ambiguous_timestamp(date.to_datetime(clock)).compatible().ok()?;
        Some(at.as_microsecond() + us % SECOND)
    }
}

/// Remembers the offset of a day on which a zone had only one: zone look-ups cost more than parsing.
#[derive(Default)]
pub(crate) struct ZoneDay {
    day: Option<(i64, i64)>,
}

impl ZoneDay {
    /// Microseconds UTC of a reading without offset.
    pub fn instant(&mut self, zone: &Zone, local: i64) -> Option<i64> {
        let day = local.div_euclid(DAY);
        if let Some((known, offset)) = self.day
            && known == day
        {
            return Some(local - offset);
        }
        let offset_at = |d: i64| zone.instant(d * DAY).map(|utc| d * DAY - utc);
        let (before, after) = (offset_at(day - 1)?, offset_at(day + 2)?);
        if before == after && offset_at(day) == Some(before) {
            self.day = Some((day, before));
            return Some(local - before);
        }
        zone.instant(local)
    }
}

/// How an instant is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// RFC 3339, also with `/` or a blank; the offset may be missing where a zone is named.
    Rfc3339,
    /// Seconds since 1970, with or without decimals.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Microseconds since 1970.
    UnixMicros,
    /// A pattern of `%Y %y %m %d %H %M %S %f %z` and literal text.
    Pattern(Vec<Piece>),
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Field(char),
}

impl FromStr for Clock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "rfc3339" => Self::Rfc3339,
            "unix" | "unix_s" => Self::UnixSeconds,
            "unix_ms" => Self::UnixMillis,
            "unix_us" => Self::UnixMicros,
            pattern if pattern.contains('%') => Self::Pattern(pieces(pattern)?),
            other => {
                return Err(format!(
                    "unknown way to write a time `{other}`; use rfc3339, unix_s, unix_ms, unix_us or a pattern such as `%Y/%m/%d %H:%M:%S`"
                ));
            }
        })
    }
}

fn pieces(pattern: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            match chars.next() {
                Some('T') => {
                    for (n, f) in ['H', 'M', 'S'].into_iter().enumerate() {
                        if n > 0 {
                            out.push(Piece::Text(":".into()));
                        }
                        out.push(Piece::Field(f));
                    }
                }
                Some(f @ ('Y' | 'y' | 'm' | 'd' | 'H' | 'M' | 'S' | 'f' | 'z')) => out.push(Piece::Field(f)),
                Some('%') => out.push(Piece::Text("%".into())),
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!("a pattern has no `%{other}`; use %Y %y %m %d %H %M %S %f %z %T"));
                }
            }
        } else {
            match out.last_mut() {
                Some(Piece::Text(t)) => t.push(c),
                _ => out.push(Piece::Text(c.into())),
            }
        }
    }
    for need in ['m', 'd'] {
        if !out.contains(&Piece::Field(need)) {
            return Err(format!("the pattern `{pattern}` lacks `%{need}`"));
        }
    }
    if !out.contains(&Piece::Field('Y')) && !out.contains(&Piece::Field('y')) {
        return Err(format!("the pattern `{pattern}` lacks `%Y`"));
    }
    Ok(out)
}

impl Clock {
    /// Reads the text; the offset is `None` where it carries none.
    pub fn read(&self, text: &str) -> Option<Reading> {
        match self {
            Self::Rfc3339 => time::parse_reading(text),
            Self::UnixSeconds => unix(text, SECOND),
            Self::UnixMillis => unix(text, 1_000),
            Self::UnixMicros => unix(text, 1),
            Self::Pattern(pieces) => by_pattern(pieces, text),
        }
    }
}

fn unix(text: &str, unit: i64) -> Option<Reading> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = whole.parse().ok()?;
    let mut scale = unit;
    let mut local = n.checked_mul(unit)?;
    for b in part.bytes() {
        scale /= 10;
        let add = i64::from(b - b'0') * scale;
        local += if whole.starts_with('-') { -add } else { add };
    }
    Some(Reading { local, offset: Some(0) })
}

fn by_pattern(pieces: &[Piece], text: &str) -> Option<Reading> {
    let mut rest = text;
    let (mut y, mut mo, mut d, mut us, mut offset) = (0i64, 0u32, 0u32, 0i64, None);
    for piece in pieces {
        let field = match piece {
            Piece::Text(t) => {
                rest = rest.strip_prefix(t.as_str())?;
                continue;
            }
            Piece::Field(f) => *f,
        };
        if field == 'z' {
            let (value, left) = read_offset(rest)?;
            (offset, rest) = (Some(value), left);
            continue;
        }
        let most = match field {
            'Y' => 4,
            'f' => 9,
            _ => 2,
        };
        let len = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, left) = rest.split_at(len);
        rest = left;
        let n: i64 = digits.parse().ok()?;
        let below = |limit: i64| (n < limit).then_some(n);
        match field {
            'Y' => y = (len == 4).then_some(n)?,
            'y' => y = if n < 70 { 2000 + n } else { 1900 + n },
            'm' => mo = n as u32,
            'd' => d = n as u32,
            'H' => us += below(24)? * time::HOUR,
            'M' => us += below(60)? * 60 * SECOND,
            'S' => us += below(61)? * SECOND,
            _ => us += n * 10i64.pow(9 - len as u32) / 1_000,
        }
    }
    (rest.is_empty() && time::date_exists(y, mo, d))
        .then(|| Reading { local: time::days_from_civil(y, mo, d) * DAY + us, offset })
}

fn read_offset(text: &str) -> Option<(i64, &str)> {
    if let Some(left) = text.strip_prefix(['Z', 'z']) {
        return Some((0, left));
    }
    let colon = text.as_bytes().get(3) == Some(&b':');
    let len = 5 + usize::from(colon);
    let (h, m) = (text.get(1..3)?.parse::<i64>().ok()?, text.get(len - 2..len)?.parse::<i64>().ok()?);
    let us = h * time::HOUR + m * 60 * SECOND;
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    Some((sign * us, &text[len..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(clock: &str, text: &str) -> Option<i64> {
        clock.parse::<Clock>().unwrap().read(text).map(|r| r.local - r.offset.unwrap_or(0))
    }

    #[test]
    fn one_instant_in_many_writings() {
        let at = time::parse("2020-03-01T08:05:07Z").unwrap();
        assert_eq!(read("rfc3339", "2020-03-01T16:05:07+08:00"), Some(at));
        assert_eq!(read("unix_s", "1583049907"), Some(at));
        assert_eq!(read("unix_s", "1583049907.25"), Some(at + 250_000));
        assert_eq!(read("unix_ms", "1583049907000"), Some(at));
        assert_eq!(read("%Y年%m月%d日 %H时%M分%S秒", "2020年3月1日 8时05分07秒"), Some(at));
        assert_eq!(read("%Y%m%d%H%M%S", "20200301080507"), Some(at));
        assert_eq!(read("%d/%m/%Y %T %z", "01/03/2020 16:05:07 +0800"), Some(at));
        for bad in ["2020年13月1日 8时05分07秒", "2020年3月1日 8时05分07秒x", ""] {
            assert_eq!(read("%Y年%m月%d日 %H时%M分%S秒", bad), None, "{bad}");
        }
    }

    #[test]
    fn a_zone_with_summer_time_agrees_with_its_slow_path() {
        let zone = Zone::named("America/New_York").unwrap();
        let mut day = ZoneDay::default();
        let start = time::days_from_civil(2020, 1, 1) * DAY;
        for step in 0..(366 * 8) {
            let local = start + step * 3 * time::HOUR + 61 * SECOND;
            assert_eq!(day.instant(&zone, local), zone.instant(local), "{step}");
        }
    }

    #[test]
    fn shanghai_had_summer_time_once() {
        let zone = Zone::named("Asia/Shanghai").unwrap();
        let local = time::days_from_civil(1990, 7, 1) * DAY;
        assert_eq!(ZoneDay::default().instant(&zone, local), Some(local - 9 * time::HOUR));
        assert!(Zone::named("Asia/Shangai").is_none());
    }
}
