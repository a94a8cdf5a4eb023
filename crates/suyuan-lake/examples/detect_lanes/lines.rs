//! NDJSON lines into batches of the columns that the rules read, one batch per kind.
//!
//! A line is read once, without building a tree, and its values go straight into the columns of its kind. Loggers write the
//! fields of a kind in one order, so a name is first looked for where it stood in the line before. `record` comes first. Fields
//! that no rule reads are passed over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use suyuan_model::{Kind, time};

use crate::Fault;

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
    fn absent(&mut self) {
        match self {
            Column::Text(b) => b.append_null(),
            Column::Whole(b) => b.append_null(),
            Column::Time(b) => b.append_null(),
        }
    }
    fn text(&mut self, v: &str) {
        match self {
            Column::Text(b) => b.append_value(v),
            Column::Time(b) => b.append_option(time::parse(v)),
            Column::Whole(b) => b.append_null(),
        }
    }
    fn whole(&mut self, v: i64) {
        match self {
            Column::Whole(b) => b.append_value(v),
            _ => self.absent(),
        }
    }
    /// The rows so far; there is room at once for as many again. Sizes are powers of two: what is freed fits what comes.
    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(b) => {
                let (rows, bytes) = (b.len(), b.values_slice().len());
                let done = b.finish();
                *b = StringBuilder::with_capacity(rows.next_power_of_two(), bytes.next_power_of_two());
                Arc::new(done)
            }
            Column::Whole(b) => Arc::new(b.finish()),
            Column::Time(b) => Arc::new(b.finish()),
        }
    }
}

/// The rows of one kind under way.
struct Table {
    kind: Kind,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// Per column, whether the present line has it already.
    filled: Vec<bool>,
    /// Names met, in their order, each with its column, if any rule reads it.
    names: Vec<(String, Option<usize>)>,
    rows: usize,
}

impl Table {
    /// Where a name stands among the names met, looked for from where the last one stood.
    fn place(&mut self, from: usize, name: &str) -> usize {
        let n = self.names.len();
        if let Some(at) = (from..n).chain(0..from.min(n)).find(|at| self.names[*at].0 == name) {
            return at;
        }
        self.names.push((name.to_owned(), self.schema.index_of(name).ok()));
        n
    }
}

/// A value on its way into its column.
struct Into<'t>(&'t mut Column);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.0.text(v);
        Ok(())
    }
    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.0.whole(v);
        Ok(())
    }
    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        match i64::try_from(v) {
            Ok(v) => self.0.whole(v),
            Err(_) => self.0.absent(),
        }
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.0.absent();
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.0.absent();
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.absent();
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut m: A) -> Result<(), A::Error> {
        while m.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.absent();
        Ok(())
    }
}

/// A name: looked up in a table, or compared with `record`.
struct Name<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Name<F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, v: &str) -> Result<T, E> {
        Ok((self.0)(v))
    }
}

/// A line on its way into the table of its kind.
struct Line<'t>(&'t mut Lines);

impl<'de> DeserializeSeed<'de> for Line<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Line<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object that begins with `record`")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut m: A) -> Result<(), A::Error> {
        let Lines { tables, line } = self.0;
        if m.next_key_seed(Name(|k: &str| k == "record"))? != Some(true) {
            return Err(A::Error::custom("a line does not begin with `record`"));
        }
        let known = |k: &str| tables.keys().position(|t| *t == k);
        let known = m.next_value_seed(Name(known))?;
        let Some(t) = known.and_then(|at| tables.values_mut().nth(at)) else {
            while m.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let mut from = 0;
        while let Some(at) = m.next_key_seed(Name(|k: &str| t.place(from, k)))? {
            from = at + 1;
            match t.names[at].1 {
                Some(c) if !t.filled[c] => {
                    t.filled[c] = true;
                    m.next_value_seed(Into(&mut t.columns[c]))?;
                }
                _ => {
                    m.next_value::<IgnoredAny>()?;
                }
            }
        }
        t.rows += 1;
        for ((field, column), filled) in t.schema.fields().iter().zip(&mut t.columns).zip(&mut t.filled) {
            match (std::mem::take(filled), field.name().as_str()) {
                (true, _) => {}
                (false, "file_id") => column.whole(1),
                (false, "line") => column.whole(*line),
                (false, _) => column.absent(),
            }
        }
        Ok(())
    }
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
            let columns = schema.fields().iter().map(|f| Column::new(f.data_type()));
            let columns = columns.collect::<Result<Vec<_>, Fault>>()?;
            let filled = vec![false; columns.len()];
            tables.insert(
                kind.name(),
                Table { kind: *kind, schema, columns, filled, names: Vec::new(), rows: 0 },
            );
        }
        Ok(Lines { tables, line: 0 })
    }

    /// Takes a line in.
    pub fn push(&mut self, line: &str) -> Result<(), Fault> {
        self.line += 1;
        let mut json = serde_json::Deserializer::from_str(line);
        Line(self).deserialize(&mut json)?;
        Ok(json.end()?)
    }

    /// The rows since the last time, a batch for each kind that has any.
    pub fn take(&mut self) -> Result<Vec<(Kind, RecordBatch)>, Fault> {
        let mut out = Vec::new();
        for t in self.tables.values_mut().filter(|t| t.rows > 0) {
            t.rows = 0;
            let columns = t.columns.iter_mut().map(Column::finish).collect();
            out.push((t.kind, RecordBatch::try_new(t.schema.clone(), columns)?));
        }
        Ok(out)
    }
}
