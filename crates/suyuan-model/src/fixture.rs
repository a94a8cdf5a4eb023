//! Rows from JSON, for tests and for the examples inside rules.
//!
//! Values go into the lake's columns as they stand: PII fields hold ready tokens (no vault), and the
//! columns beside them (`subject_region6`, ...) may be given by name.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field};
use serde_json::Value;

use crate::{Kind, money, time};

/// A batch of `kind` from JSON objects. `ts` is required; `source` defaults to `test`, `seq` and `line`
/// to the row's place from 1, `file_id` to 1. The error names the row and the field.
pub fn batch(kind: Kind, rows: &[Value]) -> Result<RecordBatch, String> {
    let schema = kind.schema();
    for (n, row) in rows.iter().enumerate() {
        let object = row.as_object().ok_or_else(|| format!("row {}: not an object", n + 1))?;
        for name in object.keys().filter(|k| *k != "record") {
            schema
                .field_with_name(name)
                .map_err(|_| format!("row {}: `{}` has no column `{name}`", n + 1, kind.name()))?;
        }
    }
    let columns =
        schema.fields().iter().map(|f| column(f, rows)).collect::<Result<Vec<ArrayRef>, String>>()?;
    RecordBatch::try_new(schema, columns).map_err(|e| e.to_string())
}

fn column(field: &Field, rows: &[Value]) -> Result<ArrayRef, String> {
    let name = field.name();
    let cell = |n: usize| -> Option<Value> {
        match (rows[n].get(name), name.as_str()) {
            (Some(Value::Null), _) => None,
            (Some(v), _) => Some(v.clone()),
            (None, "source") => Some("test".into()),
            (None, "seq" | "line") => Some((n as i64 + 1).into()),
            (None, "file_id") => Some(1.into()),
            (None, _) => None,
        }
    };
    let bad = |n: usize| format!("row {}: `{name}` is not a {}", n + 1, field.data_type());
    macro_rules! build {
        ($builder:expr, $read:expr) => {{
            let mut b = $builder;
            for n in 0..rows.len() {
                match cell(n) {
                    None => b.append_null(),
                    Some(v) => b.append_value($read(&v).ok_or_else(|| bad(n))?),
                }
            }
            Arc::new(b.finish()) as ArrayRef
        }};
    }
    let number_or_text =
        |v: &Value| v.as_str().map(str::to_owned).or_else(|| v.as_number().map(|n| n.to_string()));
    Ok(match field.data_type() {
        DataType::Utf8 => build!(StringBuilder::new(), number_or_text),
        DataType::Int64 => build!(Int64Builder::new(), Value::as_i64),
        DataType::Float64 => build!(Float64Builder::new(), Value::as_f64),
        DataType::Boolean => build!(BooleanBuilder::new(), Value::as_bool),
        DataType::Date32 => {
            build!(Date32Builder::new(), |v: &Value| v.as_str().and_then(time::parse_day).map(|d| d as i32))
        }
        DataType::Timestamp(..) => {
            build!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), |v: &Value| v
                .as_str()
                .and_then(time::parse))
        }
        DataType::Decimal128(p, s) => build!(
            Decimal128Builder::new().with_precision_and_scale(*p, *s).map_err(|e| e.to_string())?,
            |v: &Value| number_or_text(v).and_then(|t| money::parse_yuan(&t)).map(i128::from)
        ),
        other => return Err(format!("`{name}`: no fixture for {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::opening::OpeningColumns;

    #[test]
    fn a_row_reads_back() {
        let b = batch(
            Kind::Opening,
            &[serde_json::json!({"ts": "2020-01-01T08:00:00+08:00", "card": "8986", "subject": "idn1-a",
                "subject_region6": "320000", "account": "a1", "region6": "330681", "match_score": 0.5})],
        )
        .unwrap();
        let c = OpeningColumns::bind(&b);
        let row = c.row(0).unwrap();
        assert_eq!((row.ts, row.card, row.match_score), (1_577_836_800_000_000, "8986", Some(0.5)));
        assert!(batch(Kind::Opening, &[serde_json::json!({"crad": 1})]).is_err());
    }
}
