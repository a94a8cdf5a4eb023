//! The proposed mapping as text, with made-up samples.

use std::fmt::Write as _;
use std::path::Path;

use suyuan_model::{FieldSpec, FieldType, Kind, PiiClass};

use super::head::{Column, Head};
use super::shape::Shape;
use super::{Choice, Choices, words};
use crate::mapping::{Encoding, expected};

/// A word that comes this seldom (one in twenty) may be anything, a name too: it stays out of the text.
const SELDOM: usize = 20;

pub(crate) fn mapping(file: &Path, head: &Head, kind: Kind, choices: &Choices) -> String {
    let mut out = String::new();
    let stem = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, _) = crate::folder::stem(&stem);
    let name: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    put(&mut out, "# A proposal: look at the lines marked `?` and at what the samples expect.");
    put(&mut out, "# 映射草稿：请核对标有 `?` 的行，以及样例的预期结果。");
    put(&mut out, &format!("name: {}", quoted(&name)));
    put(&mut out, &format!("format: {}", head.format));
    match head.encoding {
        Some(Encoding::Gb18030) => put(&mut out, "encoding: gb18030"),
        Some(Encoding::Utf16Le) => put(&mut out, "encoding: utf-16le"),
        Some(Encoding::Utf16Be) => put(&mut out, "encoding: utf-16be"),
        _ => {}
    }
    if let Some(delimiter) = head.delimiter.filter(|d| *d != b',') {
        let shown = if delimiter == b'\t' { "tab".to_owned() } else { char::from(delimiter).to_string() };
        put(&mut out, &format!("delimiter: {}", quoted(&shown)));
    }
    if let Some(records) = &head.records {
        put(&mut out, &format!("records: {}", quoted(records)));
    }
    let unzoned = head.columns.iter().any(|c| matches!(c.shape, Shape::Time { zoned: false, .. }));
    if unzoned {
        put(&mut out, "zone: Asia/Shanghai  # ? the times have no offset / 时间没有时区");
    }
    if kind.spec().fields.iter().any(|f| f.ty == FieldType::Lat) {
        put(
            &mut out,
            "coordinates: wgs84  # ? gcj02 or bd09 where a Chinese map made them / 国内地图坐标请改为 gcj02 或 bd09",
        );
    }
    fields(&mut out, head, kind, choices);
    unused(&mut out, head, choices);
    samples(&mut out, head, kind, choices);
    out
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// YAML takes JSON's strings.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && text.chars().next().is_some_and(char::is_alphabetic)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn missing(field: &str) -> String {
    format!("FILL-IN-{field}")
}

fn fields(out: &mut String, head: &Head, kind: Kind, choices: &Choices) {
    put(out, "kinds:");
    put(out, &format!("- kind: {}", kind.name()));
    put(out, "  fields:");
    let spec = kind.spec();
    if choices.ts.column.is_some() || needs_ts(kind, choices) {
        line(out, head, "ts", &choices.ts, true, |c| time_of(c, &choices.ts, head));
    }
    if let Some(n) = choices.seq.column {
        let column = &head.columns[n];
        let hash = if column.shape == Shape::Int { String::new() } else { ", hash: true".into() };
        put(out, &format!("    seq: {{column: {}{hash}}}", quoted(&column.name)));
    }
    for (field, choice) in spec.fields.iter().zip(&choices.fields) {
        let needed = field.required || alone(kind, field.name, choices);
        line(out, head, field.name, choice, needed, |c| match field.ty {
            FieldType::Time => time_of(c, choice, head),
            FieldType::Enum(values) => table_of(c, values),
            FieldType::Score if c.shape == Shape::Int => {
                format!("{{column: {}, unit: percent}}", quoted(&c.name))
            }
            _ => quoted(&c.name),
        });
    }
}

/// Whether no field stands in for `ts`.
fn needs_ts(kind: Kind, choices: &Choices) -> bool {
    let spec = kind.spec();
    let stand_in = spec.ts_from.and_then(|name| spec.fields.iter().position(|f| f.name == name));
    stand_in.is_none_or(|n| choices.fields[n].column.is_none() && !spec.fields[n].required)
}

/// Whether the field stands for a group of which none was found.
fn alone(kind: Kind, field: &str, choices: &Choices) -> bool {
    let spec = kind.spec();
    let found = |f: &&'static str| {
        let n = spec.fields.iter().position(|s| s.name == *f);
        n.is_some_and(|n| choices.fields[n].column.is_some())
    };
    let groups = spec.any_of;
    !groups.is_empty() && groups[0].contains(&field) && !groups.iter().any(|g| g.iter().all(&found))
}

fn line(
    out: &mut String,
    head: &Head,
    field: &str,
    choice: &Choice,
    needed: bool,
    made: impl Fn(&Column) -> String,
) {
    match choice.column {
        Some(n) => {
            let doubt = choice.doubt.map(|d| format!("  # ? {d}")).unwrap_or_default();
            put(out, &format!("    {field}: {}{doubt}", made(&head.columns[n])));
        }
        None if needed => {
            put(
                out,
                &format!(
                    "    {field}: {}  # ? no column found, and it is needed / 未找到对应列，必填",
                    missing(field)
                ),
            );
        }
        None => {}
    }
}

fn time_of(column: &Column, _: &Choice, _: &Head) -> String {
    match column.shape {
        Shape::Time { clock, .. } if clock != "rfc3339" => {
            format!("{{column: {}, time: {}}}", quoted(&column.name), quoted(clock))
        }
        _ => quoted(&column.name),
    }
}

fn table_of(column: &Column, values: &'static [&'static str]) -> String {
    let mut table = String::new();
    for (word, count) in &column.words {
        let meant = words::meaning(word, values);
        let often = count * SELDOM >= column.values;
        let harmless =
            often && word.chars().count() <= 8 && word.bytes().filter(u8::is_ascii_digit).count() < 4;
        match meant {
            Some(value) => write!(table, "{}: {value}, ", quoted(word)).unwrap_or(()),
            None if harmless && matches!(column.shape, Shape::Words | Shape::Int) => {
                write!(table, "{}: \"\", ", quoted(word)).unwrap_or(());
            }
            None => {}
        }
    }
    if table.is_empty() {
        write!(table, "{}: {}, ", quoted(values[0]), values[0]).unwrap_or(());
    }
    let table = table.trim_end_matches(", ");
    format!("{{column: {}, table: {{{table}}}}}  # ? values: {}", quoted(&column.name), values.join(", "))
}

fn unused(out: &mut String, head: &Head, choices: &Choices) {
    let used = |n: usize| {
        let own = [&choices.ts, &choices.seq].into_iter().chain(&choices.fields);
        own.into_iter().any(|c| c.column == Some(n))
    };
    let left: Vec<&str> =
        head.columns.iter().enumerate().filter(|(n, _)| !used(*n)).map(|(_, c)| c.name.as_str()).collect();
    if !left.is_empty() {
        put(out, &format!("# not used / 未使用: {}", left.join(", ").replace('\n', " ")));
    }
}

fn samples(out: &mut String, head: &Head, kind: Kind, choices: &Choices) {
    let mut row = serde_json::Map::new();
    let mut set = |choice: &Choice, field: &str, needed: bool, value: String| {
        let name = match choice.column {
            Some(n) => head.columns[n].name.clone(),
            None if needed => missing(field),
            None => return,
        };
        let mut at = &mut row;
        // A path of JSON becomes the nesting it stands for.
        let steps: Vec<&str> = if head.format == "csv" { vec![&name] } else { name.split('.').collect() };
        for step in &steps[..steps.len() - 1] {
            let inner = at.entry((*step).to_owned()).or_insert_with(|| serde_json::Map::new().into());
            let Some(inner) = inner.as_object_mut() else { return };
            at = inner;
        }
        at.insert(steps[steps.len() - 1].to_owned(), value.into());
    };
    let shape = |choice: &Choice| choice.column.map(|n| &head.columns[n]);
    let spec = kind.spec();
    set(&choices.ts, "ts", needs_ts(kind, choices), made_up_time(shape(&choices.ts)));
    set(&choices.seq, "seq", false, "1".into());
    for (field, choice) in spec.fields.iter().zip(&choices.fields) {
        let needed = field.required || alone(kind, field.name, choices);
        set(choice, field.name, needed, made_up(field, shape(choice)));
    }
    put(out, "samples:");
    put(out, &format!("- row: {}", serde_json::Value::Object(row.clone())));
    let unexpected = format!("{out}  expect: {{{}: {{}}}}\n", kind.name());
    let found = expected(&unexpected, &row.into()).unwrap_or_default();
    let shown: Vec<String> =
        found.iter().map(|(f, v)| format!("{f}: {}", serde_json::Value::from(v.as_str()))).collect();
    put(out, &format!("  expect: {{{}: {{{}}}}}", kind.name(), shown.join(", ")));
}

fn made_up_time(column: Option<&Column>) -> String {
    let clock = match column.map(|c| c.shape) {
        Some(Shape::Time { clock, zoned }) => match (clock, zoned) {
            ("rfc3339", true) => return "2020-03-01T16:05:07+08:00".into(),
            ("rfc3339", false) => return "2020-03-01 16:05:07".into(),
            (clock, _) => clock,
        },
        _ => return "2020-03-01T16:05:07+08:00".into(),
    };
    match clock {
        "unix_s" => return "1583049907".into(),
        "unix_ms" => return "1583049907000".into(),
        "unix_us" => return "1583049907000000".into(),
        _ => {}
    }
    let parts = [("%Y", "2020"), ("%m", "03"), ("%d", "01"), ("%H", "16"), ("%M", "05"), ("%S", "07")];
    parts.iter().fold(clock.to_owned(), |text, (field, value)| text.replace(field, value))
}

/// A value of the field's type that is nobody's: the identity number is the standard's own example.
fn made_up(field: &FieldSpec, column: Option<&Column>) -> String {
    match field.ty {
        FieldType::Iccid => "89860012345678901234".into(),
        FieldType::Imei => "490154203237518".into(),
        FieldType::Pii(PiiClass::Person) => "11010519491231002X".into(),
        FieldType::Pii(PiiClass::Msisdn | PiiClass::Contact) => "13800138000".into(),
        FieldType::Pii(PiiClass::Name) => "张三".into(),
        FieldType::Pii(PiiClass::Address) => "北京市朝阳区示例路1号".into(),
        FieldType::Region => "330681".into(),
        FieldType::Time => made_up_time(column),
        FieldType::Day => "2020-03-01".into(),
        FieldType::Int => "1".into(),
        FieldType::Lat => "30.25".into(),
        FieldType::Lon => "120.25".into(),
        FieldType::Score if column.is_some_and(|c| c.shape == Shape::Int) => "90".into(),
        FieldType::Real | FieldType::Score => "0.9".into(),
        FieldType::Money => "100".into(),
        FieldType::Bool => "true".into(),
        FieldType::Set(values) => values[0].into(),
        FieldType::Enum(values) => column
            .and_then(|c| c.words.keys().find(|w| words::meaning(w, values).is_some()).cloned())
            .unwrap_or_else(|| values[0].into()),
        FieldType::Id | FieldType::Text => "A-1".into(),
    }
}
