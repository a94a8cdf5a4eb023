//! What a column's values look like.

use suyuan_model::identity::IdNumber;
use suyuan_model::{FieldType, PiiClass, region, time};

use crate::zone::Clock;

/// The form that nearly all values of a column have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Time { clock: &'static str, zoned: bool },
    Day,
    Identity,
    Mobile,
    Card,
    Imei,
    Region,
    Int,
    Real,
    Words,
    Text,
    Nothing,
}

/// Patterns tried in turn, the commonest first.
const CLOCKS: [&str; 8] = [
    "rfc3339",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H:%M:%S",
];
/// Seconds of 2000 and 2050: what lies between may be a time.
const UNIX: std::ops::Range<i64> = 946_684_800..2_524_608_000;

/// The shape of the values; one in ten may differ.
pub(crate) fn of(values: &[String]) -> Shape {
    if values.is_empty() {
        return Shape::Nothing;
    }
    let most =
        |test: &dyn Fn(&str) -> bool| values.iter().filter(|v| test(v)).count() * 10 >= values.len() * 9;
    let digits = |v: &str, n: std::ops::RangeInclusive<usize>| {
        n.contains(&v.len()) && v.bytes().all(|b| b.is_ascii_digit())
    };
    if most(&|v| time::parse_day(v).is_some()) {
        return Shape::Day;
    }
    for clock in CLOCKS {
        let Ok(read) = clock.parse::<Clock>() else { continue };
        if most(&|v| v.len() > 10 && read.read(v).is_some()) {
            let zoned = most(&|v| read.read(v).is_some_and(|r| r.offset.is_some()));
            return Shape::Time { clock, zoned };
        }
    }
    if most(&|v| v.len() == 18 && IdNumber::parse(v).is_ok_and(|id| id.check_ok == Some(true))) {
        return Shape::Identity;
    }
    if most(&|v| digits(v, 11..=11) && v.starts_with('1')) {
        return Shape::Mobile;
    }
    if most(&|v| (19..=20).contains(&v.len()) && v.starts_with("89")) {
        return Shape::Card;
    }
    if most(&|v| digits(v, 14..=16) && (v.starts_with("86") || v.starts_with("35"))) {
        return Shape::Imei;
    }
    if most(&|v| digits(v, 6..=6) && region::last_name(v).is_some()) {
        return Shape::Region;
    }
    let within = |v: &str, unit: i64| v.parse::<i64>().is_ok_and(|n| UNIX.contains(&(n / unit)));
    for (clock, unit) in [("unix_s", 1), ("unix_ms", 1_000), ("unix_us", 1_000_000)] {
        if most(&|v| within(v, unit)) {
            return Shape::Time { clock, zoned: true };
        }
    }
    if most(&|v| v.parse::<i64>().is_ok()) {
        return Shape::Int;
    }
    if most(&|v| v.trim_end_matches('%').parse::<f64>().is_ok()) {
        return Shape::Real;
    }
    if few(values) { Shape::Words } else { Shape::Text }
}

/// Whether the values are few words that come again and again.
fn few(values: &[String]) -> bool {
    let distinct: std::collections::BTreeSet<&str> = values.iter().map(String::as_str).collect();
    values.len() >= 2 && distinct.len() <= 12 && distinct.len() * 2 <= values.len().max(4)
}

/// Whether a column of that shape can be a field of that type.
pub(crate) fn allows(shape: Shape, ty: FieldType) -> bool {
    let (time, number) = (matches!(shape, Shape::Time { .. }), matches!(shape, Shape::Int | Shape::Real));
    let identity = matches!(shape, Shape::Identity | Shape::Mobile);
    match ty {
        _ if shape == Shape::Nothing => true,
        FieldType::Time => time,
        FieldType::Day => shape == Shape::Day,
        FieldType::Iccid => shape == Shape::Card,
        FieldType::Imei => matches!(shape, Shape::Imei),
        FieldType::Region => shape == Shape::Region,
        FieldType::Int => shape == Shape::Int,
        FieldType::Real | FieldType::Lat | FieldType::Lon | FieldType::Score | FieldType::Money => number,
        FieldType::Pii(PiiClass::Msisdn) => shape == Shape::Mobile,
        FieldType::Pii(_) => !time && !matches!(shape, Shape::Card | Shape::Region | Shape::Real),
        FieldType::Enum(_) | FieldType::Set(_) | FieldType::Bool => {
            matches!(shape, Shape::Words | Shape::Text | Shape::Int)
        }
        FieldType::Id | FieldType::Text => !time && !identity && shape != Shape::Card,
    }
}

/// Whether the shape by itself tells the type.
pub(crate) fn tells(shape: Shape, ty: FieldType) -> bool {
    match ty {
        FieldType::Iccid => shape == Shape::Card,
        FieldType::Imei => shape == Shape::Imei,
        FieldType::Pii(PiiClass::Person) => shape == Shape::Identity,
        FieldType::Pii(PiiClass::Msisdn) => shape == Shape::Mobile,
        FieldType::Region => shape == Shape::Region,
        FieldType::Day => shape == Shape::Day,
        _ => false,
    }
}
