//! Parts of an instant in a named zone: the modifiers `minute`, `hour`, `day`, `week`, `month`, `year`.
//!
//! A week is the ISO week. A text that carries no offset is taken as it stands: it already is local.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use suyuan_model::time::{self, DAY};

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// Name, part, least and greatest value.
pub(crate) const PARTS: [(&str, Part, i64, i64); 6] = [
    ("minute", Part::Minute, 0, 59),
    ("hour", Part::Hour, 0, 23),
    ("day", Part::Day, 1, 31),
    ("week", Part::Week, 1, 53),
    ("month", Part::Month, 1, 12),
    ("year", Part::Year, 1, 9999),
];

/// A zone of the IANA list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The zone of that name; the list is part of the program.
    pub fn named(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok().map(Zone)
    }
    /// The zone of Chinese records.
    pub fn china() -> Zone {
        Zone::named("Asia/Shanghai").unwrap_or(Zone(TimeZone::UTC))
    }
}

impl Part {
    fn of(self, t: DateTime) -> i64 {
        match self {
            Part::Minute => t.minute().into(),
            Part::Hour => t.hour().into(),
            Part::Day => t.day().into(),
            Part::Week => t.date().iso_week_date().week().into(),
            Part::Month => t.month().into(),
            Part::Year => t.year().into(),
        }
    }
    /// Of microseconds UTC.
    pub fn at(self, micros: i64, zone: &Zone) -> Option<i64> {
        Some(self.of(zone.0.to_datetime(Timestamp::from_microsecond(micros).ok()?)))
    }
    /// Of a day's number.
    pub fn of_day(self, day: i64) -> Option<i64> {
        self.at(day.checked_mul(DAY)?, &Zone(TimeZone::UTC))
    }
    /// Of a text.
    pub fn of_text(self, text: &str, zone: &Zone) -> Option<i64> {
        let r = time::parse_reading(text)?;
        match r.offset {
            Some(o) => self.at(r.local - o, zone),
            None => self.at(r.local, &Zone(TimeZone::UTC)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_in_the_zone() {
        let t = time::parse("2024-12-30T20:05:00Z").unwrap();
        let zone = Zone::china();
        let all: Vec<i64> = PARTS.iter().map(|p| p.1.at(t, &zone).unwrap()).collect();
        assert_eq!(all, [5, 4, 31, 1, 12, 2024]);
        assert_eq!(Part::Hour.at(t, &Zone::named("America/New_York").unwrap()), Some(15));
        assert_eq!(Part::Hour.of_text("2024-12-30 20:05:00.1", &zone), Some(20));
        assert_eq!(Part::Hour.of_text("2024-12-30T20:05:00Z", &zone), Some(4));
        assert_eq!(Part::Year.of_text("yesterday", &zone), None);
        assert!(Zone::named("Mars/Olympus").is_none());
    }
}
