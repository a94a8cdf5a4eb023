//! Parquet: the same texts as from any other source, lifted out of typed columns.

use std::fmt::Write as _;
use std::fs::File;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Fields, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use suyuan_model::time;

use crate::cells::Lifted;
use crate::fault::{Fault, text};

/// Rows read at a time.
const ROWS: usize = 16_384;

/// Opens the file; the names of its columns, nested ones as `a.b`.
pub(crate) fn open(file: File) -> Result<(ParquetRecordBatchReader, Vec<String>), Fault> {
    let broken = |e: parquet::errors::ParquetError| {
        Fault::whole(
            text!("not whole Parquet: {}", "Parquet 文件不完整：{}", e),
            text!("get the file again", "请重新取得该文件"),
        )
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
    let mut names = Vec::new();
    gather(builder.schema().fields(), "", &mut names);
    Ok((builder.with_batch_size(ROWS).build().map_err(broken)?, names))
}

fn gather(fields: &Fields, before: &str, names: &mut Vec<String>) {
    for field in fields {
        let name = format!("{before}{}", field.name());
        match field.data_type() {
            DataType::Struct(inner) => gather(inner, &format!("{name}."), names),
            _ => names.push(name),
        }
    }
}

/// The columns of a batch that the slots stand for.
pub(crate) fn columns(batch: &RecordBatch, slots: &[String]) -> Vec<Option<ArrayRef>> {
    slots.iter().map(|path| column(batch, path)).collect()
}

fn column(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    if let Some(whole) = batch.column_by_name(path) {
        return Some(whole.clone());
    }
    let mut steps = path.split('.');
    let mut at = batch.column_by_name(steps.next()?)?.clone();
    for step in steps {
        at = at.as_struct_opt()?.column_by_name(step)?.clone();
    }
    Some(at)
}

/// Lifts one row's texts.
pub(crate) fn lift(columns: &[Option<ArrayRef>], row: usize, lifted: &mut Lifted) {
    lifted.clear(columns.len());
    for (slot, column) in columns.iter().enumerate() {
        if let Some(column) = column
            && column.is_valid(row)
        {
            lifted.set(slot, |out| write_value(column, row, out));
        }
    }
}

/// The row as a JSON object, for those who mend it.
pub(crate) fn as_json(batch: &RecordBatch, row: usize) -> String {
    let mut object = serde_json::Map::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        object.insert(field.name().clone(), json_value(column, row));
    }
    serde_json::Value::Object(object).to_string()
}

fn json_value(column: &ArrayRef, row: usize) -> serde_json::Value {
    if column.is_null(row) {
        return serde_json::Value::Null;
    }
    if let Some(inner) = column.as_struct_opt() {
        let fields = inner.fields().iter().zip(inner.columns());
        return fields
            .map(|(f, c)| (f.name().clone(), json_value(c, row)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    let mut out = String::new();
    write_value(column, row, &mut out);
    out.into()
}

fn write_value(column: &ArrayRef, row: usize, out: &mut String) {
    macro_rules! number {
        ($ty:ty) => {
            write!(out, "{}", column.as_primitive::<$ty>().value(row)).unwrap_or(())
        };
    }
    match column.data_type() {
        DataType::Utf8 => out.push_str(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(column.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(column.as_string_view().value(row)),
        DataType::Boolean => out.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Date32 => {
            out.push_str(&time::format_day(i64::from(column.as_primitive::<Date32Type>().value(row))));
        }
        DataType::Decimal128(_, scale) => {
            decimal(column.as_primitive::<Decimal128Type>().value(row), *scale, out);
        }
        DataType::Timestamp(unit, zone) => instant(column, row, *unit, zone.is_some(), out),
        DataType::Dictionary(..) => {
            if let Some(dictionary) = column.as_any_dictionary_opt() {
                let key = dictionary.normalized_keys()[row];
                write_value(dictionary.values(), key, out);
            }
        }
        _ => {}
    }
}

fn decimal(value: i128, scale: i8, out: &mut String) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let dot = if scale > 0 { "." } else { "" };
    write!(out, "{sign}{whole}{dot}{part}").unwrap_or(());
}

/// A column without a zone holds a reading of some clock: it is written without an offset.
fn instant(column: &ArrayRef, row: usize, unit: TimeUnit, zoned: bool, out: &mut String) {
    let us = match unit {
        TimeUnit::Second => column.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000),
        TimeUnit::Millisecond => {
            column.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1_000)
        }
        TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => column.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000),
    };
    let text = time::format(us);
    out.push_str(if zoned { &text } else { text.trim_end_matches('Z') });
}
