//! The mapping file as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use suyuan_model::outcome::Text;

/// How a source's bytes are records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// By the file's name and first bytes.
    #[default]
    Auto,
    /// Delimited text with a header.
    Csv,
    /// JSON: one object a line, an array, or an object that holds the array.
    #[serde(alias = "ndjson")]
    Json,
    /// Apache Parquet.
    Parquet,
}

/// The encoding of a text source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8; GB18030 where the text is not UTF-8; UTF-16 where a byte-order mark says so.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, and so GBK and GB2312.
    #[serde(rename = "gb18030", alias = "gbk", alias = "gb2312")]
    Gb18030,
    /// UTF-16, little-endian.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, big-endian.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

/// How the file is read before its records are mapped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub format: Format,
    pub encoding: Encoding,
    pub delimiter: Option<u8>,
    pub records: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingFile {
    pub name: String,
    #[serde(default)]
    pub title: Text,
    #[serde(default)]
    pub format: Format,
    #[serde(default)]
    pub encoding: Encoding,
    pub delimiter: Option<String>,
    pub records: Option<String>,
    pub zone: Option<String>,
    pub time: Option<String>,
    pub coordinates: Option<String>,
    #[serde(default)]
    pub skip: Vec<CondSpec>,
    #[serde(default)]
    pub fields: BTreeMap<String, FieldExpr>,
    pub kinds: Vec<KindSpec>,
    #[serde(default)]
    pub samples: Vec<SampleSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindSpec {
    pub kind: String,
    #[serde(default)]
    pub when: Vec<CondSpec>,
    #[serde(default)]
    pub also: bool,
    pub coordinates: Option<String>,
    #[serde(default)]
    pub fields: BTreeMap<String, FieldExpr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleSpec {
    pub row: serde_json::Value,
    pub expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Expect {
    /// The field for which the row is rejected.
    pub rejected: Option<String>,
    #[serde(default)]
    pub skipped: bool,
    #[serde(flatten)]
    pub kinds: BTreeMap<String, BTreeMap<String, Scalar>>,
}

/// A condition; the keys beside `column` each must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CondSpec {
    pub column: Option<String>,
    pub exists: Option<bool>,
    pub is: Option<Scalars>,
    pub starts: Option<Scalars>,
    pub ends: Option<Scalars>,
    pub contains: Option<Scalars>,
    #[serde(default)]
    pub any: Vec<CondSpec>,
    #[serde(default)]
    pub all: Vec<CondSpec>,
    #[serde(default)]
    pub not: Vec<CondSpec>,
}

/// A field: the name of its column, or how it is made.
#[derive(Clone, Debug)]
pub(super) enum FieldExpr {
    Column(String),
    Made(Box<Made>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Made {
    pub column: Option<String>,
    pub constant: Option<Scalar>,
    pub coalesce: Option<Vec<FieldExpr>>,
    pub join: Option<Vec<FieldExpr>>,
    pub with: Option<String>,
    pub split: Option<SplitSpec>,
    pub table: Option<BTreeMap<Scalar, Scalar>>,
    pub default: Option<Scalar>,
    pub missing: Option<Scalar>,
    #[serde(default)]
    pub when: Vec<CondSpec>,
    pub time: Option<String>,
    pub zone: Option<String>,
    pub unit: Option<String>,
    #[serde(default)]
    pub hash: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitSpec {
    pub by: String,
    pub part: i32,
}

/// A text, however YAML reads it (`1`, `true`, `no`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scalar(pub String);

/// One text or several.
#[derive(Clone, Debug)]
pub(super) struct Scalars(pub Vec<String>);

struct ScalarVisitor;

macro_rules! as_text {
    ($($visit:ident $ty:ty),+) => { $(
        fn $visit<E>(self, v: $ty) -> Result<Scalar, E> { Ok(Scalar(v.to_string())) }
    )+ };
}

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    as_text!(visit_str &str, visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64);
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar(String::new()))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalars {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Many;
        impl<'de> Visitor<'de> for Many {
            type Value = Scalars;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E>(self, v: &str) -> Result<Scalars, E> {
                Ok(Scalars(vec![v.to_owned()]))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Scalars, E> {
                Ok(Scalars(vec![v.to_string()]))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Scalars, E> {
                Ok(Scalars(vec![v.to_string()]))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Scalars, E> {
                Ok(Scalars(vec![v.to_string()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalars, A::Error> {
                let mut out = Vec::new();
                while let Some(Scalar(text)) = seq.next_element()? {
                    out.push(text);
                }
                Ok(Scalars(out))
            }
        }
        d.deserialize_any(Many)
    }
}

impl<'de> Deserialize<'de> for FieldExpr {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Field;
        impl<'de> Visitor<'de> for Field {
            type Value = FieldExpr;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or how the field is made")
            }
            fn visit_str<E>(self, v: &str) -> Result<FieldExpr, E> {
                Ok(FieldExpr::Column(v.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldExpr, A::Error> {
                Made::deserialize(MapAccessDeserializer::new(map)).map(|m| FieldExpr::Made(Box::new(m)))
            }
        }
        d.deserialize_any(Field)
    }
}
