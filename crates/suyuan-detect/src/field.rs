//! Which fields a rule may speak of: the columns of its record kind and the fields that operators derive.

use std::sync::LazyLock;

use arrow_schema::DataType;
use suyuan_model::outcome::Text;
use suyuan_model::{FieldType, Kind};

/// What a field holds, as far as a rule can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Text or an id.
    Text,
    /// One of these values.
    Enum(&'static [&'static str]),
    /// Several of these values, joined by `;`.
    Set(&'static [&'static str]),
    /// A whole number.
    Int,
    /// A measured number.
    Real,
    /// Yuan.
    Money,
    /// An instant.
    Time,
    /// A day.
    Day,
    /// Yes or no.
    Bool,
    /// Whatever the event has: a field of the open schema.
    Any,
}

impl Ty {
    /// Whether values have an order that `gt` and the like can use.
    pub fn ordered(self) -> bool {
        matches!(self, Ty::Int | Ty::Real | Ty::Money | Ty::Time | Ty::Day | Ty::Any)
    }

    /// The name for messages.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Ty::Text => ("text", "文本"),
            Ty::Enum(_) => ("one of a list", "枚举"),
            Ty::Set(_) => ("a set", "集合"),
            Ty::Int => ("a whole number", "整数"),
            Ty::Real => ("a number", "数值"),
            Ty::Money => ("yuan", "金额"),
            Ty::Time => ("a time", "时间"),
            Ty::Day => ("a day", "日期"),
            Ty::Bool => ("true or false", "是/否"),
            Ty::Any => ("any value", "任意值"),
        }
    }
}

/// A column of a kind.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// In words.
    pub label: Text,
}

static COLUMNS: LazyLock<Vec<Vec<Column>>> =
    LazyLock::new(|| Kind::ALL.iter().map(|k| columns_of(*k)).collect());

/// The columns of a kind that rules may name.
pub fn columns(kind: Kind) -> &'static [Column] {
    &COLUMNS[kind as usize]
}

/// The column of that name.
pub fn column(kind: Kind, name: &str) -> Option<&'static Column> {
    columns(kind).iter().find(|c| c.name == name)
}

fn columns_of(kind: Kind) -> Vec<Column> {
    let schema = kind.schema();
    let mut out = Vec::new();
    for f in schema.fields() {
        if matches!(f.name().as_str(), "file_id" | "line") {
            continue;
        }
        // The schemas live as long as the program; so may the names of their columns.
        let name: &'static str = Box::leak(f.name().clone().into_boxed_str());
        let spec = kind.spec().field(name);
        let ty = match spec.map(|s| s.ty) {
            Some(FieldType::Enum(values)) => Ty::Enum(values),
            Some(FieldType::Set(values)) => Ty::Set(values),
            _ => match f.data_type() {
                DataType::Int64 => Ty::Int,
                DataType::Float64 => Ty::Real,
                DataType::Decimal128(..) => Ty::Money,
                DataType::Timestamp(..) => Ty::Time,
                DataType::Date32 => Ty::Day,
                DataType::Boolean => Ty::Bool,
                _ => Ty::Text,
            },
        };
        let label = match spec {
            Some(s) => Text::new(s.en, s.zh),
            None => match name {
                "ts" => Text::new("time", "时间"),
                "source" => Text::new("source system", "来源系统"),
                "seq" => Text::new("number in the source", "来源序号"),
                other => Text::new(other.replace('_', " "), other),
            },
        };
        out.push(Column { name, ty, label });
    }
    out
}
