//! From a field's text to its value, by the field's type.

use std::borrow::Cow;

use suyuan_model::checks::{Check, iccid_check, imei_check};
use suyuan_model::{FieldSpec, FieldType, region, time};

use crate::fault::{Fault, did_you_mean, shown, text};
use crate::plan::{FieldRecipe, Unit};
use crate::zone::ZoneDay;
use suyuan_model::outcome::Text;

/// A value as its column holds it.
#[derive(Debug, Default)]
pub(crate) enum Value<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Int(i64),
    Real(f64),
    Bool(bool),
}

/// A value, and whether something about it should be counted as a warning.
pub(crate) type Read<'a> = Result<(Value<'a>, Option<Warn>), Fault>;

/// What is kept but told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Warn {
    CheckDigit,
    UnknownRegion,
    Filler,
}

impl Warn {
    pub fn text(self) -> Text {
        match self {
            Self::CheckDigit => {
                text!("the check digit does not hold; the row is kept", "校验位不符；该行予以保留")
            }
            Self::UnknownRegion => text!(
                "a region code that GB/T 2260 has never had; the row is kept",
                "GB/T 2260 从未有过的区划代码；该行予以保留"
            ),
            Self::Filler => text!(
                "one digit over and over stands for a value that was not known; read as absent",
                "同一数字重复，系未知值的占位；按缺失处理"
            ),
        }
    }
}

/// Reads every type but PII and instants.
pub(crate) fn read<'a>(spec: &FieldSpec, recipe: &FieldRecipe, text: Cow<'a, str>) -> Read<'a> {
    let plain = |v| Ok((v, None));
    match spec.ty {
        FieldType::Id | FieldType::Text => plain(Value::Text(text)),
        FieldType::Iccid => card(text),
        FieldType::Imei => imei(text),
        FieldType::Enum(values) => plain(Value::Text(one_of(values, &text)?.into())),
        FieldType::Set(values) => plain(Value::Text(set_of(values, &text)?.into())),
        FieldType::Region => region_code(text),
        FieldType::Day => day(&text).map(|d| (Value::Int(d), None)),
        FieldType::Int => int(&text, recipe).map(|n| (Value::Int(n), None)),
        FieldType::Real => real(&text, recipe.unit, f64::MIN, f64::MAX),
        FieldType::Lat => real(&text, recipe.unit, -90.0, 90.0),
        FieldType::Lon => real(&text, recipe.unit, -180.0, 180.0),
        FieldType::Score => real(&text, recipe.unit, 0.0, 1.0),
        FieldType::Money => money(&text, recipe.unit).map(|fen| (Value::Int(fen), None)),
        FieldType::Bool => yes_or_no(&text).map(|b| (Value::Bool(b), None)),
        FieldType::Pii(_) | FieldType::Time => plain(Value::Absent),
    }
}

/// Reads an instant: microseconds UTC.
pub(crate) fn instant(recipe: &FieldRecipe, day: &mut ZoneDay, text: &str) -> Result<i64, Fault> {
    let Some(reading) = recipe.clock.read(text) else {
        let shape = shown(text);
        return Err(Fault::whole(
            Text::new(format!("not a time: {}", shape.en), format!("不是时间：{}", shape.zh)),
            text!(
                "write 2020-03-01T08:00:00+08:00, or give a mapping that names the `time` pattern",
                "请写成 2020-03-01T08:00:00+08:00，或在映射文件中用 `time` 写明格式"
            ),
        ));
    };
    if let Some(offset) = reading.offset {
        return Ok(reading.local - offset);
    }
    let Some(zone) = &recipe.zone else {
        return Err(Fault::whole(
            text!("a time without its offset from UTC", "时间没有时区偏移"),
            text!(
                "write 2020-03-01T08:00:00+08:00, or give a mapping with `zone: Asia/Shanghai`",
                "请写成 2020-03-01T08:00:00+08:00，或在映射文件中写明 `zone: Asia/Shanghai`"
            ),
        ));
    };
    day.instant(zone, reading.local).ok_or_else(|| {
        Fault::whole(
            text!("a time that zone `{}` did not have", "时区 `{}` 中不存在的时间", zone.name),
            text!("mend the time", "请更正时间"),
        )
    })
}

fn card(text: Cow<'_, str>) -> Read<'_> {
    let scientific = text.contains(['E', 'e', '+']) && text.contains('.');
    if scientific {
        return Err(Fault::whole(
            text!(
                "a card number that a spreadsheet turned into a power of ten",
                "卡号被电子表格改成了科学计数法"
            ),
            text!("export the column as text again", "请将该列按文本格式重新导出"),
        ));
    }
    let fits = (19..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        let shape = shown(&text);
        return Err(Fault::whole(
            Text::new(format!("not an ICCID: {}", shape.en), format!("不是 ICCID：{}", shape.zh)),
            text!("an ICCID has 19 or 20 digits", "ICCID 为 19 或 20 位"),
        ));
    }
    let warn = (iccid_check(&text) == Check::Wrong).then_some(Warn::CheckDigit);
    Ok((Value::Text(text), warn))
}

fn imei(text: Cow<'_, str>) -> Read<'_> {
    let fits = (14..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !fits {
        let shape = shown(&text);
        return Err(Fault::whole(
            Text::new(format!("not an IMEI: {}", shape.en), format!("不是 IMEI：{}", shape.zh)),
            text!("an IMEI has 14 to 16 digits", "IMEI 为 14 至 16 位数字"),
        ));
    }
    // Thousands of cards would otherwise sit in one device.
    if text.bytes().all(|b| b == text.as_bytes()[0]) {
        return Ok((Value::Absent, Some(Warn::Filler)));
    }
    let warn = (imei_check(&text) == Check::Wrong).then_some(Warn::CheckDigit);
    Ok((Value::Text(text), warn))
}

fn one_of(values: &'static [&'static str], text: &str) -> Result<&'static str, Fault> {
    if let Some(value) = values.iter().find(|v| v.eq_ignore_ascii_case(text)) {
        return Ok(value);
    }
    let shape = shown(text);
    Err(Fault::whole(
        Text::new(
            format!("{} is none of the values of this field", shape.en),
            format!("该字段没有这个取值（{}）", shape.zh),
        ),
        did_you_mean(text, values.iter().copied()),
    ))
}

fn set_of(values: &'static [&'static str], text: &str) -> Result<String, Fault> {
    let mut found = text
        .split([';', ',', '|', '/', '、', '；', '，', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| one_of(values, part))
        .collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(found.join(";"))
}

fn region_code(text: Cow<'_, str>) -> Read<'_> {
    if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
        let warn = region::last_name(&text).is_none().then_some(Warn::UnknownRegion);
        return Ok((Value::Text(text), warn));
    }
    let (country, part) = text.split_once('-').unwrap_or((&text, ""));
    let iso = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && part.len() <= 3
        && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if iso {
        return Ok((Value::Text(text), None));
    }
    let shape = shown(&text);
    Err(Fault::whole(
        Text::new(format!("not a region code: {}", shape.en), format!("不是区划代码：{}", shape.zh)),
        text!(
            "use the six digits of GB/T 2260 (330681) or ISO 3166-2 (SG, US-CA)",
            "请用 GB/T 2260 六位代码（330681）或 ISO 3166-2（SG、US-CA）"
        ),
    ))
}

fn day(text: &str) -> Result<i64, Fault> {
    // A day that an export wrote as its midnight is that day.
    let date = match text.as_bytes().get(10) {
        Some(b'T' | b' ') if text[10..].bytes().all(|b| matches!(b, b'0' | b':' | b'.' | b'T' | b' ')) => {
            &text[..10]
        }
        _ => text,
    };
    time::parse_day(date).ok_or_else(|| {
        let shape = shown(text);
        Fault::whole(
            Text::new(format!("not a day: {}", shape.en), format!("不是日期：{}", shape.zh)),
            text!("write 2020-03-01", "请写成 2020-03-01"),
        )
    })
}

fn int(text: &str, recipe: &FieldRecipe) -> Result<i64, Fault> {
    if recipe.hash {
        return Ok(hash(text));
    }
    let unit = recipe.unit;
    // `12.0` is what spreadsheets and data frames make of 12.
    let whole = text.split_once('.').filter(|(_, p)| p.bytes().all(|b| b == b'0')).map_or(text, |(w, _)| w);
    if let Ok(n) = whole.parse::<i64>()
        && let Some(n) = n.checked_mul(unit.times)
    {
        return Ok(n / unit.over);
    }
    match text.parse::<f64>() {
        Ok(x) if unit != Unit::ONE && x.is_finite() && x.abs() < 1e15 => {
            Ok((x * unit.times as f64 / unit.over as f64).round() as i64)
        }
        _ => Err(no_number(text, "write a whole number", "请写整数")),
    }
}

fn real(text: &str, unit: Unit, least: f64, most: f64) -> Read<'static> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let percent = number.len() < text.len();
    let Some(x) = number.parse::<f64>().ok().filter(|x| x.is_finite()) else {
        return Err(no_number(text, "write a number", "请写数字"));
    };
    let x = if percent { x / 100.0 } else { x * unit.times as f64 / unit.over as f64 };
    if x < least || x > most {
        return Err(Fault::whole(
            text!("a number outside {} to {}", "数字超出 {} 至 {}", least, most),
            text!("mend the number, or name its unit in a mapping", "请更正数字，或在映射文件中写明单位"),
        ));
    }
    Ok((Value::Real(x), None))
}

fn no_number(text: &str, en: &str, zh: &str) -> Fault {
    let shape = shown(text);
    Fault::whole(
        Text::new(format!("not a number: {}", shape.en), format!("不是数字：{}", shape.zh)),
        Text::new(en, zh),
    )
}

/// Fen of an amount in the unit's yuan; a trailing 元 or 万元 is understood.
fn money(text: &str, unit: Unit) -> Result<i64, Fault> {
    let bad = || {
        let shape = shown(text);
        Fault::whole(
            Text::new(format!("not an amount: {}", shape.en), format!("不是金额：{}", shape.zh)),
            text!("write yuan with at most two decimals", "请写以元为单位、至多两位小数的金额"),
        )
    };
    let bare = text.trim_start_matches(['¥', '￥']).trim();
    let (bare, wan) = match bare.strip_suffix('元').unwrap_or(bare) {
        b if b.ends_with('万') => (b.trim_end_matches('万').trim(), 10_000),
        b => (b.trim(), 1),
    };
    let (mantissa, scale) = decimal(bare).ok_or_else(bad)?;
    let times = i128::from(unit.times) * wan * 100;
    let over = i128::from(unit.over) * 10i128.pow(scale);
    let fen = mantissa * times;
    if fen % over != 0 {
        return Err(bad());
    }
    i64::try_from(fen / over).map_err(|_| bad())
}

/// Mantissa and number of decimals.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mut value, mut scale, mut point, mut any) = (0i128, 0u32, false, false);
    for b in digits.bytes() {
        match b {
            b'0'..=b'9' if scale < 9 && value < 10i128.pow(24) => {
                value = value * 10 + i128::from(b - b'0');
                scale += u32::from(point);
                any = true;
            }
            b',' if !point && any => {}
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    any.then_some((if negative { -value } else { value }, scale))
}

fn yes_or_no(text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "是" => Ok(true),
        "false" | "0" | "no" | "n" | "否" => Ok(false),
        _ => Err(Fault::whole(
            text!("neither yes nor no", "不是“是/否”"),
            text!("write true or false", "请写 true 或 false"),
        )),
    }
}

/// A number from an opaque id: the first 63 bits of its SHA-256.
///
/// Deterministic everywhere; two ids of one instant and source collide once in 2^63.
pub(crate) fn hash(id: &str) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(id.as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(first) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_in_every_unit() {
        let unit = |name: &str| Unit::NAMES.iter().find(|(n, _)| *n == name).unwrap().1;
        for (text, name, fen) in [
            ("1,234.5", "yuan", Some(123_450)),
            ("￥12.30", "yuan", Some(1_230)),
            ("28.4万元", "yuan", Some(28_400_000)),
            ("284", "wan_yuan", Some(284_000_000)),
            ("1234", "fen", Some(1_234)),
            ("-3元", "yuan", Some(-300)),
            ("1.234", "yuan", None),
            ("0.5", "fen", None),
            ("1e3", "yuan", None),
            ("", "yuan", None),
            (",1", "yuan", None),
            ("99999999999999999999", "yuan", None),
        ] {
            assert_eq!(money(text, unit(name)).ok(), fen, "{text} {name}");
        }
    }

    #[test]
    fn numbers_days_and_sets() {
        let plain = FieldRecipe::plain(0);
        assert_eq!(int("12.0", &plain).ok(), Some(12));
        assert!(int("12.5", &plain).is_err() && int("1e3", &plain).is_err());
        let minutes = FieldRecipe { unit: Unit { times: 60, over: 1 }, ..FieldRecipe::plain(0) };
        assert_eq!(int("1.5", &minutes).ok(), Some(90));
        assert_eq!(day("2020-03-01 00:00:00").ok(), day("20200301").ok());
        assert!(day("2020-03-01 08:00:00").is_err());
        assert_eq!(set_of(&["face", "phone"], "phone、face;phone").unwrap(), "face;phone");
        assert!(matches!(real("85%", Unit::ONE, 0.0, 1.0), Ok((Value::Real(x), _)) if x == 0.85));
        assert!(real("NaN", Unit::ONE, 0.0, 1.0).is_err());
        let e = one_of(&["device", "manual"], "manul").unwrap_err();
        assert_eq!(e.remedy.en, "did you mean `manual`?");
    }

    #[test]
    fn an_ids_number_is_the_same_everywhere() {
        assert_eq!(
            hash("fd4f1042-c7f6-4107-a6ee-d841d92596e7"),
            hash("fd4f1042-c7f6-4107-a6ee-d841d92596e7")
        );
        assert_ne!(hash("a"), hash("b"));
        assert!(hash("a") >= 0);
    }
}
