//! A mapping's samples: rows that must map, field by field, to what they expect.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_schema::DataType;
use suyuan_model::{Kind, money, time};

use super::spec::{MappingFile, SampleSpec};
use crate::cells::{Cells, Lifted};
use crate::error::IngestError;
use crate::fault::did_you_mean;
use crate::guard::Open;
use crate::json::Paths;
use crate::plan::Recipe;
use crate::row::{Batch, Place, RowMaker, Shared};

/// Maps every sample; the first that does not fit refuses the mapping.
pub(super) fn check(file: &MappingFile, recipe: &Recipe) -> Result<(), IngestError> {
    if file.samples.is_empty() {
        return Err(IngestError::Mapping {
            name: file.name.clone(),
            reason: "it has no sample; give at least one row and what it must become under `samples`".into(),
        });
    }
    for (n, sample) in file.samples.iter().enumerate() {
        one(sample, recipe).map_err(|reason| IngestError::Sample {
            name: file.name.clone(),
            sample: n + 1,
            reason,
        })?;
    }
    for kind in &recipe.kinds {
        let name = kind.kind.name();
        if !file.samples.iter().any(|s| s.expect.kinds.contains_key(name)) {
            let reason = format!("it has no sample that becomes `{name}`; add one");
            return Err(IngestError::Mapping { name: file.name.clone(), reason });
        }
    }
    Ok(())
}

fn one(sample: &SampleSpec, recipe: &Recipe) -> Result<(), String> {
    let mut lifted = Lifted::default();
    let row = sample.row.to_string();
    Paths::new(&recipe.slots)
        .lift(row.as_bytes(), &mut lifted, &mut |_| ())
        .map_err(|e| format!("`row` is not a row: {e}"))?;
    let cells = Cells::Lifted(&lifted);
    if recipe.skip.iter().any(|c| c.holds(&cells)) {
        return match sample.expect.skipped {
            true => Ok(()),
            false => Err("it is passed over by `skip`".into()),
        };
    }
    if sample.expect.skipped {
        return Err("it is expected to be passed over and is not".into());
    }
    let shared = Shared { guard: &Open, file_id: 0, source: "sample", now: None };
    let mut maker = RowMaker::new(&shared);
    let mut taken = false;
    for kind in &recipe.kinds {
        if kind.when.as_ref().is_some_and(|c| !c.holds(&cells)) {
            continue;
        }
        taken = true;
        match (maker.add(kind, &cells, Place { line: 1, record: 1 }), &sample.expect.rejected) {
            (Ok(()), _) => {}
            (Err(fault), Some(field)) if fault.field.as_deref() == Some(field) => return Ok(()),
            (Err(fault), _) => return Err(fault.to_string()),
        }
        if !kind.also {
            break;
        }
    }
    if !taken {
        return Err("no kind takes it".into());
    }
    if let Some(field) = &sample.expect.rejected {
        return Err(format!("it is expected to be rejected for `{field}` and is not"));
    }
    compare(sample, &maker.finish())
}

/// What a row becomes: field and value of the first kind that takes it, those given only.
pub(super) fn outcome(row: &serde_json::Value, recipe: &Recipe) -> Option<Vec<(String, String)>> {
    let mut lifted = Lifted::default();
    Paths::new(&recipe.slots).lift(row.to_string().as_bytes(), &mut lifted, &mut |_| ()).ok()?;
    let shared = Shared { guard: &Open, file_id: 0, source: "sample", now: None };
    let mut maker = RowMaker::new(&shared);
    maker.add(recipe.kinds.first()?, &Cells::Lifted(&lifted), Place { line: 1, record: 1 }).ok()?;
    let batch = maker.finish().pop()?;
    let left_out = ["source", "seq", "file_id", "line"];
    let schema = batch.rows.schema();
    let columns = schema.fields().iter().zip(batch.rows.columns());
    let given = columns.filter(|(f, c)| !c.is_null(0) && !left_out.contains(&f.name().as_str()));
    Some(given.map(|(f, c)| (f.name().clone(), shown(c.as_ref()))).collect())
}

fn compare(sample: &SampleSpec, found: &[Batch]) -> Result<(), String> {
    for Batch { kind, .. } in found {
        if !sample.expect.kinds.contains_key(kind.name()) {
            return Err(format!("it becomes `{}`, which it does not expect", kind.name()));
        }
    }
    for (name, fields) in &sample.expect.kinds {
        let Some(kind) = Kind::by_name(name) else {
            let near = did_you_mean(name, Kind::ALL.iter().map(|k| k.name()));
            return Err(format!("there is no record kind `{name}`; {}", near.en));
        };
        let Some(Batch { rows: batch, .. }) = found.iter().find(|b| b.kind == kind) else {
            return Err(format!("it does not become `{name}`"));
        };
        for (field, wanted) in fields {
            let Some(column) = batch.column_by_name(field) else {
                let near = did_you_mean(field, kind.spec().fields.iter().map(|f| f.name));
                return Err(format!("`{name}` has no field `{field}`; {}", near.en));
            };
            let found = shown(column.as_ref());
            if !alike(&found, &wanted.0) {
                return Err(format!("`{name}.{field}` is `{found}`, expected `{}`", wanted.0));
            }
        }
    }
    Ok(())
}

/// Equal as text, as numbers (positions to within about a metre), or as instants.
fn alike(found: &str, wanted: &str) -> bool {
    let number = |t: &str| t.parse::<f64>().ok();
    let close = |(a, b): (f64, f64)| found.contains('.') && (a - b).abs() < 1e-5;
    found == wanted
        || number(found).zip(number(wanted)).is_some_and(close)
        || time::parse(found).is_some_and(|f| time::parse(wanted) == Some(f))
}

fn shown(column: &dyn Array) -> String {
    if column.is_null(0) {
        return String::new();
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(0).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(0).to_string(),
        DataType::Boolean => column.as_boolean().value(0).to_string(),
        DataType::Date32 => time::format_day(i64::from(column.as_primitive::<Date32Type>().value(0))),
        DataType::Timestamp(..) => time::format(column.as_primitive::<TimestampMicrosecondType>().value(0)),
        DataType::Decimal128(..) => {
            money::format_yuan(column.as_primitive::<Decimal128Type>().value(0) as i64)
        }
        _ => column.as_string::<i32>().value(0).to_owned(),
    }
}
