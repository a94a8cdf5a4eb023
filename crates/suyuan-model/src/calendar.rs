//! Working days of China and the shifts of staff.
//!
//! Holidays and make-up workdays are those that the State Council announced for 2004 to 2026, the
//! lengthened Spring Festival of 2020 (until 2 February) among them. Outside these years Monday to Friday
//! count as workdays. Days are days since 1970-01-01 as read in China; instants are microseconds UTC.
//!
//! Blind to: what a province or an employer ordered on top (many resumed work only on 10 February 2020).

use std::sync::LazyLock;

use thiserror::Error;

use crate::time;

static TABLE: &str = include_str!("../../../data/ref/cn-workdays.csv");

/// An exceptional day.
#[derive(Clone, Copy)]
struct Exception {
    day: i64,
    work: bool,
    name: &'static str,
}

/// INVARIANT: sorted by day, each day once.
static EXCEPTIONS: LazyLock<Vec<Exception>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.split(',');
        let day = time::parse_day(cells.next()?)?;
        let work = cells.next()? == "workday";
        Some(Exception { day, work, name: cells.next()? })
    };
    let mut all: Vec<_> = TABLE.lines().skip(1).filter_map(row).collect();
    all.sort_by_key(|e| e.day);
    all
});

fn exception(day: i64) -> Option<Exception> {
    let all = &*EXCEPTIONS;
    all.binary_search_by_key(&day, |e| e.day).ok().map(|i| all[i])
}

/// The day of the week: 1 for Monday to 7 for Sunday.
pub fn weekday(day: i64) -> u32 {
    // 1970-01-01 was a Thursday.
    ((day + 3).rem_euclid(7) + 1) as u32
}

/// Whether people in China work on that day: Monday to Friday but for holidays, and make-up workdays.
pub fn is_workday(day: i64) -> bool {
    exception(day).map_or(weekday(day) <= 5, |e| e.work)
}

/// Whether a weekend day is worked to make up for a holiday (调休).
pub fn is_make_up(day: i64) -> bool {
    exception(day).is_some_and(|e| e.work)
}

/// The name of the public holiday on that day, in English.
pub fn holiday(day: i64) -> Option<&'static str> {
    exception(day).filter(|e| !e.work).map(|e| e.name)
}

/// The name of the public holiday on that day, in Chinese.
pub fn holiday_zh(day: i64) -> Option<&'static str> {
    Some(match holiday(day)? {
        "New Year's Day" => "元旦",
        "Spring Festival" => "春节",
        "Tomb-sweeping Day" => "清明节",
        "Labour Day" => "劳动节",
        "Dragon Boat Festival" => "端午节",
        "Mid-autumn Festival" => "中秋节",
        "National Day" => "国庆节",
        "Anti-Fascist 70th Day" => "抗战胜利70周年纪念日",
        other => other,
    })
}

/// Why a text is not a shift.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a shift; write `09:00-21:00`, or `1-5 09:00-18:00` with the days (1 Monday to 7 Sunday) in front"
)]
pub struct ShiftFault(String);

/// The hours of a staff member: days of the week and spans of the day, in China's time.
///
/// A span that ends before it begins (`22:00-06:00`) runs into the next day and belongs to the day on
/// which it begins. A beginning belongs to the span, an end does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Bit 1 for Monday to bit 7 for Sunday.
    days: u8,
    /// Beginnings and ends, minutes from midnight; an end may lie past 1440.
    spans: Vec<(u32, u32)>,
}

impl Shift {
    /// Reads `09:00-21:00`, `1-5 09:00-18:00`, `1-5,7 09:00-12:00,13:30-18:00`.
    pub fn parse(text: &str) -> Result<Shift, ShiftFault> {
        Self::read(text).ok_or_else(|| ShiftFault(text.chars().take(40).collect()))
    }

    fn read(text: &str) -> Option<Shift> {
        let (days, spans) = match text.trim().split_once(char::is_whitespace) {
            Some((days, spans)) => (read_days(days)?, spans.trim()),
            None => (0b1111_1110, text.trim()),
        };
        let spans = spans.split(',').map(|s| read_span(s.trim())).collect::<Option<Vec<_>>>()?;
        Some(Shift { days, spans })
    }

    /// Whether the instant lies in the shift.
    pub fn covers(&self, ts: i64) -> bool {
        let day = time::china_day(ts);
        let minute = ((ts + time::CHINA).rem_euclid(time::DAY) / (60 * time::SECOND)) as u32;
        self.on(day, minute) || self.on(day - 1, minute + 1440)
    }

    /// Whether that minute, counted from the midnight before `day`, lies in a span that begins on `day`.
    fn on(&self, day: i64, minute: u32) -> bool {
        self.days & (1 << weekday(day)) != 0
            && self.spans.iter().any(|(from, until)| (*from..*until).contains(&minute))
    }
}

fn read_days(text: &str) -> Option<u8> {
    let digit = |s: &str| s.trim().parse::<u8>().ok().filter(|d| (1..=7).contains(d));
    text.split(',').try_fold(0, |days, part| {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (digit(first)?, digit(last)?),
            None => (digit(part)?, digit(part)?),
        };
        (first <= last).then(|| (first..=last).fold(days, |days, d| days | 1 << d))
    })
}

fn read_span(text: &str) -> Option<(u32, u32)> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (read_minute(from)?, read_minute(until)?);
    match until {
        _ if from == 1440 || from == until => None,
        until if until < from => Some((from, until + 1440)),
        until => Some((from, until)),
    }
}

fn read_minute(text: &str) -> Option<u32> {
    let (h, m) = text.trim().split_once(':')?;
    let number = |s: &str| (s.len() <= 2 && s.bytes().all(|c| c.is_ascii_digit())).then(|| s.parse().ok())?;
    let (h, m): (u32, u32) = (number(h)?, number(m)?);
    (m < 60 && (h < 24 || (h, m) == (24, 0))).then_some(h * 60 + m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> i64 {
        time::parse_day(text).unwrap()
    }

    #[test]
    fn the_spring_festival_of_2020_was_lengthened() {
        assert!(is_workday(day("2020-01-19")), "a Sunday made up");
        assert!(is_make_up(day("2020-01-19")));
        for d in ["2020-01-24", "2020-01-31", "2020-02-01", "2020-02-02"] {
            assert!(!is_workday(day(d)), "{d}");
            assert_eq!((holiday(day(d)), holiday_zh(day(d))), (Some("Spring Festival"), Some("春节")), "{d}");
        }
        assert!(is_workday(day("2020-02-03")), "a plain Monday by the State Council's calendar");
        assert!(!is_workday(day("2020-02-08")) && holiday(day("2020-02-08")).is_none());
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(EXCEPTIONS.len(), 771);
        assert!(EXCEPTIONS.windows(2).all(|w| w[0].day < w[1].day));
        assert!(
            EXCEPTIONS.iter().filter(|e| e.work).all(|e| weekday(e.day) > 5),
            "only weekends are made up"
        );
        assert!(
            EXCEPTIONS.iter().all(|e| e.work || holiday_zh(e.day) != Some(e.name)),
            "a name without Chinese"
        );
    }

    #[test]
    fn shifts() {
        let at = |text: &str| time::parse(&format!("{text}+08:00")).unwrap();
        let office = Shift::parse("1-5 09:00-18:00").unwrap();
        assert!(office.covers(at("2020-03-02T09:00:00")), "Monday");
        assert!(!office.covers(at("2020-03-02T18:00:00")), "the end is outside");
        assert!(!office.covers(at("2020-03-01T10:00:00")), "Sunday");
        let shop = Shift::parse("09:00-21:00").unwrap();
        assert!(shop.covers(at("2020-03-01T20:59:59")) && !shop.covers(at("2020-03-01T08:59:59")));
        let night = Shift::parse("5 22:00-06:00").unwrap();
        assert!(night.covers(at("2020-03-06T23:00:00")), "Friday night");
        assert!(night.covers(at("2020-03-07T05:59:00")), "runs into Saturday");
        assert!(!night.covers(at("2020-03-06T05:00:00")) && !night.covers(at("2020-03-07T23:00:00")));
        let split = Shift::parse("1-5,7 09:00-12:00, 13:30-18:00").unwrap();
        assert!(split.covers(at("2020-03-01T13:30:00")) && !split.covers(at("2020-03-01T12:30:00")));
        assert!(Shift::parse("00:00-24:00").unwrap().covers(0));
    }

    #[test]
    fn what_is_no_shift_is_told() {
        for text in [
            "",
            "early",
            "9-18",
            "0-5 09:00-18:00",
            "5-1 09:00-18:00",
            "09:60-18:00",
            "24:00-06:00",
            "09:00-09:00",
            "1-5",
            "+9:00-10:00",
        ] {
            assert!(Shift::parse(text).is_err(), "{text}");
        }
        assert!(Shift::parse("early").unwrap_err().to_string().contains("`early`"));
    }

    proptest! {
        #[test]
        fn weekdays_follow_each_other(day in -100_000i64..100_000) {
            prop_assert_eq!(weekday(day) % 7 + 1, weekday(day + 1));
        }

        #[test]
        fn a_shift_and_its_complement_share_the_day(from in 0u32..1440, until in 0u32..1440, ts in 0i64..2_000_000_000_000_000) {
            prop_assume!(from != until);
            let clock = |m: u32| format!("{:02}:{:02}", m / 60, m % 60);
            let one = Shift::parse(&format!("{}-{}", clock(from), clock(until))).unwrap();
            let other = Shift::parse(&format!("{}-{}", clock(until), clock(from))).unwrap();
            prop_assert!(one.covers(ts) != other.covers(ts));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}", near in "[0-9:, -]{0,20}") {
            let _ = (Shift::parse(&text), Shift::parse(&near));
        }
    }
}
