//! What a record kind is: its fields, their types, what is required, how it reads in both languages.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use crate::records::Kind;

/// The stage of the chain (获取, 流通, 开卡, 使用) that a kind speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Who and where: staff, outlets, terminals; rows valid from `valid_from` until `valid_to`.
    Reference,
    /// Acquisition (获取).
    Acquisition,
    /// Circulation (流通).
    Circulation,
    /// Card opening (开卡).
    Opening,
    /// Use and harm (使用).
    Use,
}

/// Which real-world identity a PII field points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PiiClass {
    /// A person: an identity number, else a mobile number, else a name, recognised by its form.
    Person,
    /// A mobile number (MSISDN).
    Msisdn,
    /// A name of a person or company.
    Name,
    /// A postal address.
    Address,
    /// A contact: a telephone number, else a name.
    Contact,
}

/// The type of a field: how text becomes a value and which Arrow column holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// An opaque id (Utf8).
    Id,
    /// An ICCID (Utf8): 19 or 20 digits, the Luhn digit told but not required.
    Iccid,
    /// An IMEI (Utf8): 14 to 16 digits.
    Imei,
    /// Free text (Utf8).
    Text,
    /// One of the named values (Utf8).
    Enum(&'static [&'static str]),
    /// Several of the named values, sorted and joined by `;` (Utf8).
    Set(&'static [&'static str]),
    /// A person's identity: the keyed token (Utf8) and the columns of [`pii_columns`].
    Pii(PiiClass),
    /// A region code, GB/T 2260 or ISO 3166-2 (Utf8).
    Region,
    /// An instant (Timestamp µs, UTC).
    Time,
    /// A calendar day (Date32).
    Day,
    /// A whole number (Int64).
    Int,
    /// A measured number (Float64): degrees, scores.
    Real,
    /// Latitude in WGS-84 degrees (Float64).
    Lat,
    /// Longitude in WGS-84 degrees (Float64).
    Lon,
    /// A score between 0 and 1 (Float64).
    Score,
    /// Money in yuan (Decimal128(18, 2)); fen inside, never a float.
    Money,
    /// Yes or no (Boolean).
    Bool,
}

impl FieldType {
    /// The Arrow type of the lake's column.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day => DataType::Date32,
            Self::Int => DataType::Int64,
            Self::Real | Self::Lat | Self::Lon | Self::Score => DataType::Float64,
            Self::Money => DataType::Decimal128(18, 2),
            Self::Bool => DataType::Boolean,
            _ => DataType::Utf8,
        }
    }
}

/// One field of a kind.
#[derive(Debug)]
pub struct FieldSpec {
    /// The name in files, in the lake and in rules.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
    /// A row without it is rejected.
    pub required: bool,
    /// One line in English.
    pub en: &'static str,
    /// The same in Chinese; the part before the first `：` or `(` is the label.
    pub zh: &'static str,
}

/// One record kind.
#[derive(Debug)]
pub struct KindSpec {
    /// The name: file stem, table name.
    pub name: &'static str,
    /// The name in Chinese.
    pub zh: &'static str,
    /// One line in English.
    pub en_doc: &'static str,
    /// One line in Chinese.
    pub zh_doc: &'static str,
    /// Where in the chain it stands.
    pub stage: Stage,
    /// The fields beside `ts`, `source` and `seq`.
    pub fields: &'static [FieldSpec],
    /// The row needs all fields of at least one of these groups.
    pub any_of: &'static [&'static [&'static str]],
    /// The field that stands in for a missing `ts`.
    pub ts_from: Option<&'static str>,
}

impl KindSpec {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// Columns that every table of the lake begins with.
pub const KEY_COLUMNS: [&str; 3] = ["ts", "source", "seq"];
/// Columns that every table ends with: the intake's file number and the line (or row) in that file.
pub const ORIGIN_COLUMNS: [&str; 2] = ["file_id", "line"];

/// The columns kept beside a PII token: what detection needs of an identity and what cannot identify.
///
/// Suffixes and types, appended to the field's name as `<field>_<suffix>`; absent where the
/// identity's form does not carry them.
pub fn pii_columns(class: PiiClass) -> &'static [(&'static str, DataType)] {
    const PERSON: &[(&str, DataType)] = &[
        ("region6", DataType::Utf8),
        ("birth_year", DataType::Int64),
        ("birth_month", DataType::Int64),
        ("sex", DataType::Utf8),
        ("valid", DataType::Boolean),
        ("segment", DataType::Utf8),
        ("surname", DataType::Utf8),
    ];
    match class {
        PiiClass::Person => PERSON,
        PiiClass::Msisdn => &[("segment", DataType::Utf8)],
        PiiClass::Name => &[("surname", DataType::Utf8)],
        PiiClass::Address => &[("region6", DataType::Utf8)],
        PiiClass::Contact => &[("segment", DataType::Utf8), ("surname", DataType::Utf8)],
    }
}

impl Kind {
    /// The kind of that name.
    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.name() == name)
    }

    /// The name of the kind: file stem, table.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The schema of the kind's table in the lake: key, fields with their PII columns, origin.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<Vec<SchemaRef>> =
            LazyLock::new(|| Kind::ALL.iter().map(|k| Arc::new(lake_schema(k.spec()))).collect());
        SCHEMAS[self as usize].clone()
    }
}

fn lake_schema(spec: &KindSpec) -> Schema {
    let mut fields = vec![
        Field::new("ts", FieldType::Time.arrow(), false),
        Field::new("source", DataType::Utf8, false),
        Field::new("seq", DataType::Int64, false),
    ];
    for f in spec.fields {
        fields.push(Field::new(f.name, f.ty.arrow(), true));
        if let FieldType::Pii(class) = f.ty {
            for (suffix, ty) in pii_columns(class) {
                fields.push(Field::new(format!("{}_{suffix}", f.name), ty.clone(), true));
            }
        }
    }
    fields.push(Field::new("file_id", DataType::Int64, false));
    fields.push(Field::new("line", DataType::Int64, false));
    Schema::new(fields)
}
