//! Rows on their way into Arrow columns of the lake's schema.

use std::rc::Rc;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use suyuan_model::kind::pii_columns;
use suyuan_model::{FieldType, Kind};

use crate::guard::Hidden;
use crate::value::Value;

/// What one field holds on its way into a column.
#[derive(Default)]
pub(crate) enum Slot<'a> {
    #[default]
    Absent,
    Value(Value<'a>),
    Hidden(Rc<Hidden>),
}

/// The columns of one kind while they grow.
pub(crate) struct Table {
    pub rows: usize,
    /// Which rows take their number in the file.
    pub numbered: Vec<usize>,
    ts: TimestampMicrosecondBuilder,
    source: StringBuilder,
    seq: Int64Builder,
    fields: Vec<Vec<(Beside, Column)>>,
    file_id: Int64Builder,
    line: Int64Builder,
}

enum Column {
    Text(StringBuilder),
    Int(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    Money(Decimal128Builder),
}

fn utc() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

impl Table {
    pub fn new(kind: Kind) -> Self {
        let column = |ty: &arrow_schema::DataType| match ty {
            arrow_schema::DataType::Int64 => Column::Int(Int64Builder::new()),
            arrow_schema::DataType::Float64 => Column::Real(Float64Builder::new()),
            arrow_schema::DataType::Boolean => Column::Bool(BooleanBuilder::new()),
            arrow_schema::DataType::Timestamp(..) => Column::Time(utc()),
            arrow_schema::DataType::Date32 => Column::Day(Date32Builder::new()),
            arrow_schema::DataType::Decimal128(..) => {
                Column::Money(Decimal128Builder::new().with_data_type(FieldType::Money.arrow()))
            }
            _ => Column::Text(StringBuilder::new()),
        };
        let fields = kind.spec().fields.iter().map(|f| {
            let mut columns = vec![(Beside::Token, column(&f.ty.arrow()))];
            if let FieldType::Pii(class) = f.ty {
                let beside = pii_columns(class).iter();
                columns.extend(beside.map(|(suffix, ty)| (Beside::of(suffix), column(ty))));
            }
            columns
        });
        Self {
            rows: 0,
            numbered: Vec::new(),
            ts: utc(),
            source: StringBuilder::new(),
            seq: Int64Builder::new(),
            fields: fields.collect(),
            file_id: Int64Builder::new(),
            line: Int64Builder::new(),
        }
    }

    pub fn push(&mut self, ts: i64, source: &str, seq: i64, slots: &[Slot<'_>], file_id: i64, line: i64) {
        self.rows += 1;
        self.ts.append_value(ts);
        self.source.append_value(source);
        self.seq.append_value(seq);
        for (columns, slot) in self.fields.iter_mut().zip(slots) {
            match slot {
                Slot::Absent => columns.iter_mut().for_each(|(_, c)| c.null()),
                Slot::Value(value) => columns[0].1.push(value),
                Slot::Hidden(hidden) => push_hidden(columns, hidden),
            }
        }
        self.file_id.append_value(file_id);
        self.line.append_value(line);
    }

    pub fn finish(&mut self, kind: Kind) -> RecordBatch {
        self.rows = 0;
        let mut out: Vec<ArrayRef> =
            vec![Arc::new(self.ts.finish()), Arc::new(self.source.finish()), Arc::new(self.seq.finish())];
        out.extend(self.fields.iter_mut().flatten().map(|(_, c)| c.finish()));
        out.push(Arc::new(self.file_id.finish()));
        out.push(Arc::new(self.line.finish()));
        RecordBatch::try_new(kind.schema(), out).expect("the columns are made from the kind's schema")
    }
}

impl Column {
    fn null(&mut self) {
        match self {
            Self::Text(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::Real(b) => b.append_null(),
            Self::Bool(b) => b.append_null(),
            Self::Time(b) => b.append_null(),
            Self::Day(b) => b.append_null(),
            Self::Money(b) => b.append_null(),
        }
    }
    fn push(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Text(b), Value::Text(v)) => b.append_value(v),
            (Self::Int(b), Value::Int(v)) => b.append_value(*v),
            (Self::Real(b), Value::Real(v)) => b.append_value(*v),
            (Self::Bool(b), Value::Bool(v)) => b.append_value(*v),
            (Self::Time(b), Value::Int(v)) => b.append_value(*v),
            (Self::Day(b), Value::Int(v)) => b.append_value(*v as i32),
            (Self::Money(b), Value::Int(v)) => b.append_value(i128::from(*v)),
            (column, _) => column.null(),
        }
    }
    fn text(&mut self, value: Option<&str>) {
        if let Self::Text(b) = self {
            b.append_option(value);
        }
    }
    fn int(&mut self, value: Option<i64>) {
        if let Self::Int(b) = self {
            b.append_option(value);
        }
    }
    /// The column so far; the next grows in as much room as this one took.
    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => {
                let array = b.finish();
                *b = StringBuilder::with_capacity(array.len() + 64, array.value_data().len() * 17 / 16);
                Arc::new(array)
            }
            Self::Int(b) => Arc::new(b.finish()),
            Self::Real(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Day(b) => Arc::new(b.finish()),
            Self::Money(b) => Arc::new(b.finish()),
        }
    }
}

/// What a column of a PII field holds.
#[derive(Clone, Copy)]
enum Beside {
    Token,
    Region6,
    BirthYear,
    BirthMonth,
    Sex,
    Valid,
    Segment,
    Surname,
}

impl Beside {
    fn of(suffix: &str) -> Self {
        match suffix {
            "region6" => Self::Region6,
            "birth_year" => Self::BirthYear,
            "birth_month" => Self::BirthMonth,
            "sex" => Self::Sex,
            "valid" => Self::Valid,
            "segment" => Self::Segment,
            "surname" => Self::Surname,
            other => unreachable!("`{other}` stands beside no token"),
        }
    }
}

fn push_hidden(columns: &mut [(Beside, Column)], hidden: &Hidden) {
    for (beside, column) in columns {
        match beside {
            Beside::Token => column.text(Some(&hidden.token)),
            Beside::Region6 => column.text(hidden.region6.as_deref()),
            Beside::BirthYear => column.int(hidden.birth_year),
            Beside::BirthMonth => column.int(hidden.birth_month),
            Beside::Sex => column.text(hidden.sex),
            Beside::Segment => column.text(hidden.segment.as_deref()),
            Beside::Surname => column.text(hidden.surname.as_deref()),
            Beside::Valid => {
                if let Column::Bool(b) = column {
                    b.append_option(hidden.valid);
                }
            }
        }
    }
}
