//! NDJSON lines into batches of the columns that the rules read, one batch per kind.
//!
//! A line is read once, without building a tree: names and values go into a list that is used again, and from there into the
//! columns of the line's kind. Fields that no rule reads are passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use suyuan_model::{Kind, time};

use crate::Fault;

enum Cell<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    Other,
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(v)))
    }
    fn visit_str<E>(self, v: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(v.to_owned())))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Whole(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(v).map_or(Cell::Other, Cell::Whole))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Other)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Other)
    }
    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut m: A) -> Result<Cell<'de>, A::Error> {
        while m.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(CellVisitor)
    }
}

/// A field's name; borrowed, unless it is written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match d.deserialize_any(CellVisitor)? {
            Cell::Text(t) => Ok(Name(t)),
            _ => Err(serde::de::Error::custom("a name is a text")),
        }
    }
}

struct Fields<'a>(Vec<(Name<'a>, Cell<'a>)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut m: A) -> Result<Fields<'de>, A::Error> {
                let mut all = Vec::with_capacity(16);
                while let Some(entry) = m.next_entry()? {
                    all.push(entry);
                }
                Ok(Fields(all))
            }
        }
        d.deserialize_map(V)
    }
}

enum Column {
    Text(StringBuilder),
    Whole(Int64Builder),
    Time(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(ty: &DataType) -> Result<Column, Fault> {
        Ok(match ty {
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            DataType::Int64 => Column::Whole(Int64Builder::new()),
            DataType::Timestamp(..) => Column::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            other => return Err(format!("no reader for {other}").into()),
        })
    }
    fn push(&mut self, cell: Option<&Cell<'_>>) {
        match (self, cell) {
            (Column::Text(b), Some(Cell::Text(t))) => b.append_value(t),
            (Column::Text(b), _) => b.append_null(),
            (Column::Whole(b), Some(Cell::Whole(n))) => b.append_value(*n),
            (Column::Whole(b), _) => b.append_null(),
            (Column::Time(b), Some(Cell::Text(t))) => b.append_option(time::parse(t)),
            (Column::Time(b), _) => b.append_null(),
        }
    }
    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(b) => Arc::new(b.finish()),
            Column::Whole(b) => Arc::new(b.finish()),
            Column::Time(b) => Arc::new(b.finish()),
        }
    }
}

/// The rows of one kind under way.
struct Table {
    kind: Kind,
    schema: SchemaRef,
    /// Each column, and where in a line its field stood last.
    columns: Vec<(Column, usize)>,
    rows: usize,
}

/// Gathers rows, kind by kind.
pub struct Lines {
    tables: BTreeMap<&'static str, Table>,
    line: i64,
}

impl Lines {
    /// For these columns of these kinds, beside the key and origin columns.
    pub fn new(columns: &[(Kind, Vec<&'static str>)]) -> Result<Lines, Fault> {
        let mut tables = BTreeMap::new();
        for (kind, names) in columns {
            let always = ["ts", "source", "seq", "file_id", "line"];
            let all = kind.schema();
            let kept = all
                .fields()
                .iter()
                .filter(|f| always.contains(&f.name().as_str()) || names.contains(&f.name().as_str()));
            let schema = Arc::new(Schema::new(kept.cloned().collect::<Vec<_>>()));
            let columns = schema.fields().iter().map(|f| Ok((Column::new(f.data_type())?, 0)));
            let columns = columns.collect::<Result<_, Fault>>()?;
            tables.insert(kind.name(), Table { kind: *kind, schema, columns, rows: 0 });
        }
        Ok(Lines { tables, line: 0 })
    }

    /// Takes a line in.
    pub fn push(&mut self, line: &str) -> Result<(), Fault> {
        let Fields(fields) = serde_json::from_str(line)?;
        self.line += 1;
        let record = fields.iter().find(|(n, _)| n.0 == "record");
        let Some((_, Cell::Text(record))) = record else { return Err("a line without `record`".into()) };
        let Some(table) = self.tables.get_mut(record.as_ref()) else { return Ok(()) };
        table.rows += 1;
        for (f, (column, hint)) in table.schema.fields().iter().zip(&mut table.columns) {
            match f.name().as_str() {
                "file_id" => column.push(Some(&Cell::Whole(1))),
                "line" => column.push(Some(&Cell::Whole(self.line))),
                name => {
                    if fields.get(*hint).is_none_or(|(n, _)| n.0 != name) {
                        *hint = fields.iter().position(|(n, _)| n.0 == name).unwrap_or(*hint);
                    }
                    column.push(fields.get(*hint).filter(|(n, _)| n.0 == name).map(|(_, c)| c));
                }
            }
        }
        Ok(())
    }

    /// The rows since the last time, a batch for each kind that has any.
    pub fn take(&mut self) -> Result<Vec<(Kind, RecordBatch)>, Fault> {
        let mut out = Vec::new();
        for t in self.tables.values_mut().filter(|t| t.rows > 0) {
            t.rows = 0;
            let columns = t.columns.iter_mut().map(|(c, _)| c.finish()).collect();
            out.push((t.kind, RecordBatch::try_new(t.schema.clone(), columns)?));
        }
        Ok(out)
    }
}
