//! NDJSON lines into batches of the columns that the rules read, one batch per kind.
//!
//! A line is read once, without building a tree, and its values go straight into the columns of its kind. Loggers write the
//! fields of a kind in one order, so a name is first looked for where it stood in the line before. `record` comes first. Fields
//! that no rule reads are passed over. Flat lines are read as such ([`crate::flat`]), all others as JSON.

use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use suyuan_model::kind::KEY_COLUMNS;
use suyuan_model::{Kind, time};

use crate::Fault;
use crate::flat::{Flat, Value};

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
    /// Names met, in their order.
    names: Vec<Name>,
    rows: usize,
}

/// A field's name.
struct Name {
    name: String,
    /// As lines have it: `"name":`.
    written: String,
    /// Its column, if any rule reads it.
    column: Option<usize>,
}

impl Table {
    fn new(kind: Kind, names: &[&'static str]) -> Result<Table, Fault> {
        let all = kind.schema();
        let kept = all
            .fields()
            .iter()
            .filter(|f| KEY_COLUMNS.contains(&f.name().as_str()) || names.contains(&f.name().as_str()));
        let schema = Arc::new(Schema::new(kept.cloned().collect::<Vec<_>>()));
        let columns = schema.fields().iter().map(|f| Column::new(f.data_type()));
        let columns = columns.collect::<Result<Vec<_>, Fault>>()?;
        let filled = vec![false; columns.len()];
        Ok(Table { kind, schema, columns, filled, names: Vec::new(), rows: 0 })
    }

    /// Where a name stands among the names met, looked for from where the last one stood.
    fn place(&mut self, from: usize, name: &str) -> usize {
        let n = self.names.len();
        if let Some(at) = (from..n).chain(0..from.min(n)).find(|at| self.names[*at].name == name) {
            return at;
        }
        let column = self.schema.index_of(name).ok();
        self.names.push(Name { name: name.to_owned(), written: format!("\"{name}\":"), column });
        n
    }

    /// Takes the fields of a flat line that are read; `None` where it is none, and nothing was taken.
    fn flat(&mut self, line: &mut Flat<'_>, text: &str, taken: &mut Vec<(usize, Value)>) -> Option<()> {
        taken.clear();
        let mut from = 0;
        while line.more()? {
            let at = match self.names.get(from) {
                Some(next) if line.is(&next.written) => from,
                _ => {
                    let name = line.name()?;
                    self.place(from, &text[name])
                }
            };
            from = at + 1;
            let value = line.value()?;
            if let Some(column) = self.names[at].column {
                taken.push((column, value));
            }
        }
        for (column, value) in taken.drain(..) {
            if std::mem::replace(&mut self.filled[column], true) {
                continue;
            }
            match value {
                Value::Text(v) => self.columns[column].text(&text[v]),
                Value::Whole(v) => self.columns[column].whole(v),
            }
        }
        Some(())
    }

    /// Ends a line: what it does not have is absent.
    fn end(&mut self) {
        self.rows += 1;
        for (column, filled) in self.columns.iter_mut().zip(&mut self.filled) {
            if !std::mem::take(filled) {
                column.absent();
            }
        }
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
struct Named<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Named<F> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Named<F> {
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
        let Lines { tables, .. } = self.0;
        if m.next_key_seed(Named(|k: &str| k == "record"))? != Some(true) {
            return Err(A::Error::custom("a line does not begin with `record`"));
        }
        let known = m.next_value_seed(Named(|k: &str| tables.iter().position(|t| t.kind.name() == k)))?;
        let Some(t) = known.and_then(|at| tables.get_mut(at)) else {
            while m.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let mut from = 0;
        while let Some(at) = m.next_key_seed(Named(|k: &str| t.place(from, k)))? {
            from = at + 1;
            match t.names[at].column {
                Some(c) if !t.filled[c] => {
                    t.filled[c] = true;
                    m.next_value_seed(Into(&mut t.columns[c]))?;
                }
                _ => {
                    m.next_value::<IgnoredAny>()?;
                }
            }
        }
        t.end();
        Ok(())
    }
}

/// Gathers rows, kind by kind.
pub struct Lines {
    tables: Vec<Table>,
    /// What a flat line has for its columns.
    taken: Vec<(usize, Value)>,
}

impl Lines {
    /// For these columns of these kinds, beside the key columns.
    pub fn new(columns: &[(Kind, Vec<&'static str>)]) -> Result<Lines, Fault> {
        let tables = columns.iter().map(|(kind, names)| Table::new(*kind, names));
        let mut tables = tables.collect::<Result<Vec<_>, Fault>>()?;
        tables.sort_by_key(|t| t.kind.name());
        Ok(Lines { tables, taken: Vec::new() })
    }

    /// Takes the first line of a text in; how long it is, with its end.
    pub fn push(&mut self, text: &str) -> Result<usize, Fault> {
        if let Some(read) = self.flat(text) {
            return Ok(read);
        }
        let end = text.find('\n').map_or(text.len(), |at| at + 1);
        let mut json = serde_json::Deserializer::from_str(&text[..end]);
        Line(self).deserialize(&mut json)?;
        json.end()?;
        Ok(end)
    }

    /// The same of a flat line of a known kind; `None` where it is none, and nothing was taken.
    fn flat(&mut self, text: &str) -> Option<usize> {
        let mut line = Flat::begin(text)?;
        let Value::Text(kind) = line.is("\"record\":").then(|| line.value())?? else { return None };
        let table = self.tables.iter_mut().find(|t| t.kind.name() == &text[kind.clone()])?;
        table.flat(&mut line, text, &mut self.taken)?;
        table.end();
        Some(line.read())
    }

    /// The rows since the last time, a batch for each kind that has any, in the order of the kinds' names.
    pub fn take(&mut self) -> Result<Vec<(Kind, RecordBatch)>, Fault> {
        let mut out = Vec::new();
        for t in self.tables.iter_mut().filter(|t| t.rows > 0) {
            t.rows = 0;
            let columns = t.columns.iter_mut().map(Column::finish).collect();
            out.push((t.kind, RecordBatch::try_new(t.schema.clone(), columns)?));
        }
        Ok(out)
    }
}
