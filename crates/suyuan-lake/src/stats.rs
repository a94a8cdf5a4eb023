//! Column statistics as the catalog holds them: text.

use arrow_schema::{DataType, Schema};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use suyuan_model::{money, time};

/// Longer texts are no help in pruning and would swell the catalog.
const LONGEST_TEXT: usize = 128;

/// What the catalog knows of one column of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnStats {
    /// Compressed bytes.
    pub(crate) bytes: i64,
    pub(crate) values: i64,
    pub(crate) nulls: i64,
    /// The least and greatest value, exact, or nothing.
    pub(crate) min: Option<String>,
    pub(crate) max: Option<String>,
    /// Only for measured numbers.
    pub(crate) nan: Option<bool>,
}

/// The statistics of every column of a file just written. `nan` tells which columns hold NaN.
pub(crate) fn of_file(schema: &Schema, meta: &ParquetMetaData, nan: &[bool]) -> Vec<ColumnStats> {
    let column = |(i, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
        let mut bounds = Bounds::default();
        let (mut bytes, mut nulls, mut rows) = (0, 0, 0);
        for group in meta.row_groups() {
            let chunk = group.column(i);
            bytes += chunk.compressed_size();
            rows += group.num_rows();
            let group_nulls = chunk.statistics().and_then(Statistics::null_count_opt).map_or(0, |n| n as i64);
            nulls += group_nulls;
            bounds.add(chunk.statistics(), group_nulls == group.num_rows());
        }
        let (min, max) = bounds.text(field.data_type());
        let is_float = matches!(field.data_type(), DataType::Float64);
        ColumnStats { bytes, values: rows - nulls, nulls, min, max, nan: is_float.then_some(nan[i]) }
    };
    schema.fields().iter().enumerate().map(column).collect()
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Bound {
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Vec<u8>),
}

#[derive(Default)]
struct Bounds {
    min: Option<Bound>,
    max: Option<Bound>,
    unknown: bool,
}

impl Bounds {
    fn add(&mut self, stats: Option<&Statistics>, all_null: bool) {
        if all_null {
            return;
        }
        let Some((min, max)) = stats.and_then(exact) else {
            self.unknown = true;
            return;
        };
        if self.min.as_ref().is_none_or(|m| min < *m) {
            self.min = Some(min);
        }
        if self.max.as_ref().is_none_or(|m| max > *m) {
            self.max = Some(max);
        }
    }

    fn text(&self, ty: &DataType) -> (Option<String>, Option<String>) {
        if self.unknown {
            return (None, None);
        }
        let text = |b: &Option<Bound>| b.as_ref().and_then(|b| write(b, ty));
        (text(&self.min), text(&self.max))
    }
}

/// The bounds of one column chunk, if they are exact.
fn exact(stats: &Statistics) -> Option<(Bound, Bound)> {
    if !stats.min_is_exact() || !stats.max_is_exact() {
        return None;
    }
    let pair = match stats {
        Statistics::Boolean(s) => (Bound::Bool(*s.min_opt()?), Bound::Bool(*s.max_opt()?)),
        Statistics::Int32(s) => (Bound::Int((*s.min_opt()?).into()), Bound::Int((*s.max_opt()?).into())),
        Statistics::Int64(s) => (Bound::Int(*s.min_opt()?), Bound::Int(*s.max_opt()?)),
        Statistics::Double(s) => (Bound::Real(*s.min_opt()?), Bound::Real(*s.max_opt()?)),
        Statistics::ByteArray(s) => {
            (Bound::Text(s.min_opt()?.data().to_vec()), Bound::Text(s.max_opt()?.data().to_vec()))
        }
        _ => return None,
    };
    Some(pair)
}

/// A bound as DuckDB reads it.
fn write(bound: &Bound, ty: &DataType) -> Option<String> {
    match (bound, ty) {
        (Bound::Bool(b), _) => Some(i64::from(*b).to_string()),
        (Bound::Int(v), DataType::Timestamp(..)) => write_ts(*v),
        (Bound::Int(v), DataType::Date32) => Some(time::format_day(*v)),
        (Bound::Int(v), DataType::Decimal128(..)) => Some(money::format_yuan(*v)),
        (Bound::Int(v), _) => Some(v.to_string()),
        (Bound::Real(v), _) => Some(format!("{v:?}")),
        (Bound::Text(_), DataType::Binary) => None,
        (Bound::Text(b), _) if b.len() <= LONGEST_TEXT => String::from_utf8(b.clone()).ok(),
        (Bound::Text(_), _) => None,
    }
}

/// `2020-01-01 00:00:00.123456+00`, or nothing outside the years that four digits write.
pub(crate) fn write_ts(ts: i64) -> Option<String> {
    let text = time::format(ts);
    let bare = text.strip_suffix('Z')?;
    (read_ts(&format!("{}+00", bare.replace('T', " "))) == Some(ts))
        .then(|| format!("{}+00", bare.replace('T', " ")))
}

/// Reads what [`write_ts`] wrote.
pub(crate) fn read_ts(text: &str) -> Option<i64> {
    time::parse(&format!("{}Z", text.strip_suffix("+00")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        for ts in [0, 1, -1, 1_577_836_800_123_456, 253_402_300_799_999_999] {
            assert_eq!(read_ts(&write_ts(ts).unwrap()), Some(ts));
        }
        assert_eq!(write_ts(0).unwrap(), "1970-01-01 00:00:00+00");
        assert_eq!(write_ts(i64::MAX / 2), None);
    }

    #[test]
    fn an_inexact_or_missing_bound_makes_both_unknown() {
        let mut b = Bounds::default();
        b.add(Some(&Statistics::int64(Some(3), Some(9), None, Some(0), false)), false);
        b.add(None, true);
        assert_eq!(b.text(&DataType::Int64), (Some("3".into()), Some("9".into())));
        b.add(None, false);
        assert_eq!(b.text(&DataType::Int64), (None, None));
    }
}
