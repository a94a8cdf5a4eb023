//! Typed, borrowed views of a batch's columns.
//!
//! A view reads a batch of the lake without copying. A column that the scan left out reads as
//! absent in every row, so a view works on any projection.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};

/// A column of text.
#[derive(Clone, Copy)]
pub struct Str<'a>(Option<&'a StringArray>);
/// A column of whole numbers.
#[derive(Clone, Copy)]
pub struct Int<'a>(Option<&'a PrimitiveArray<Int64Type>>);
/// A column of measured numbers.
#[derive(Clone, Copy)]
pub struct Real<'a>(Option<&'a PrimitiveArray<Float64Type>>);
/// A column of instants: microseconds UTC.
#[derive(Clone, Copy)]
pub struct Time<'a>(Option<&'a PrimitiveArray<TimestampMicrosecondType>>);
/// A column of days since 1970-01-01.
#[derive(Clone, Copy)]
pub struct Day<'a>(Option<&'a PrimitiveArray<Date32Type>>);
/// A column of money: fen.
#[derive(Clone, Copy)]
pub struct Fen<'a>(Option<&'a PrimitiveArray<Decimal128Type>>);
/// A column of yes and no.
#[derive(Clone, Copy)]
pub struct Bool<'a>(Option<&'a BooleanArray>);

/// A column that can be bound to a batch by name.
pub trait Column<'a>: Copy {
    /// What one row holds.
    type Value;
    /// The column of that name, or one that is absent in every row.
    fn bind(batch: &'a RecordBatch, name: &str) -> Self;
    /// The value in row `i`; `None` where unknown.
    fn get(&self, i: usize) -> Option<Self::Value>;
}

#[inline]
fn at<A: Array>(array: Option<&A>, i: usize) -> Option<&A> {
    array.filter(|a| a.is_valid(i))
}

macro_rules! column {
    ($name:ident, $value:ty, |$c:ident| $cast:expr, |$a:ident, $i:ident| $get:expr) => {
        impl<'a> Column<'a> for $name<'a> {
            type Value = $value;
            fn bind(batch: &'a RecordBatch, name: &str) -> Self {
                Self(batch.column_by_name(name).and_then(|$c| $cast))
            }
            #[inline]
            fn get(&self, $i: usize) -> Option<$value> {
                at(self.0, $i).map(|$a| $get)
            }
        }
    };
}
column!(Str, &'a str, |c| c.as_string_opt(), |a, i| a.value(i));
column!(Int, i64, |c| c.as_primitive_opt(), |a, i| a.value(i));
column!(Real, f64, |c| c.as_primitive_opt(), |a, i| a.value(i));
column!(Time, i64, |c| c.as_primitive_opt(), |a, i| a.value(i));
column!(Day, i32, |c| c.as_primitive_opt(), |a, i| a.value(i));
column!(Fen, i64, |c| c.as_primitive_opt(), |a, i| a.value(i) as i64);
column!(Bool, bool, |c| c.as_boolean_opt(), |a, i| a.value(i));

/// A column of text of a scan that may give codes into a list of texts in place of texts ([`crate::scan::Want::coded`]).
#[derive(Clone, Copy)]
pub enum Coded<'a> {
    /// No row holds anything.
    Absent,
    /// Texts as they are.
    Plain(&'a StringArray),
    /// Codes, and the list that they point into.
    Codes(&'a PrimitiveArray<Int32Type>, &'a ArrayRef),
}

impl<'a> Column<'a> for Coded<'a> {
    type Value = &'a str;
    fn bind(batch: &'a RecordBatch, name: &str) -> Self {
        let Some(column) = batch.column_by_name(name) else { return Coded::Absent };
        match column.as_dictionary_opt::<Int32Type>() {
            _ if column.null_count() == column.len() => Coded::Absent,
            Some(coded) => Coded::Codes(coded.keys(), coded.values()),
            None => column.as_string_opt().map_or(Coded::Absent, Coded::Plain),
        }
    }
    #[inline]
    fn get(&self, i: usize) -> Option<&'a str> {
        match self {
            Coded::Absent => None,
            Coded::Plain(texts) => at(Some(*texts), i).map(|a| a.value(i)),
            Coded::Codes(codes, list) => {
                at(Some(*codes), i).map(|a| list.as_string::<i32>().value(a.value(i) as usize))
            }
        }
    }
}

impl Coded<'_> {
    /// The code of row `i`; none where it has no text, or texts come as they are.
    #[inline]
    pub fn code(&self, i: usize) -> Option<usize> {
        let Coded::Codes(codes, _) = self else { return None };
        at(Some(*codes), i).map(|a| a.value(i) as usize)
    }

    /// Whether two lists of texts are one in memory, so that their codes say the same.
    pub fn same_list(a: &ArrayRef, b: &ArrayRef) -> bool {
        let place = |list: &ArrayRef| {
            let texts = list.as_string::<i32>();
            (texts.value_data().as_ptr(), texts.value_offsets().as_ptr(), texts.len())
        };
        place(a) == place(b)
    }

    /// The list that codes point into.
    pub fn list(&self) -> Option<&ArrayRef> {
        let Coded::Codes(_, list) = self else { return None };
        Some(list)
    }
}

/// A PII field: the token and what is kept beside it.
#[derive(Clone, Copy)]
pub struct Pii<'a> {
    /// The keyed token.
    pub token: Str<'a>,
    /// The region code in force in the birth year, or the address's region.
    pub region6: Str<'a>,
    /// Birth year.
    pub birth_year: Int<'a>,
    /// Birth month, only for those under 16 when the record was made.
    pub birth_month: Int<'a>,
    /// `m` or `f`.
    pub sex: Str<'a>,
    /// Whether the identity number's check digit, date and region hold.
    pub valid: Bool<'a>,
    /// First seven digits of a mobile number.
    pub segment: Str<'a>,
    /// The surname's token.
    pub surname: Str<'a>,
}

impl<'a> Column<'a> for Pii<'a> {
    /// The token; the columns beside it are read from the view's fields.
    type Value = &'a str;
    fn bind(batch: &'a RecordBatch, name: &str) -> Self {
        let beside = |suffix: &str| format!("{name}_{suffix}");
        Self {
            token: Str::bind(batch, name),
            region6: Str::bind(batch, &beside("region6")),
            birth_year: Int::bind(batch, &beside("birth_year")),
            birth_month: Int::bind(batch, &beside("birth_month")),
            sex: Str::bind(batch, &beside("sex")),
            valid: Bool::bind(batch, &beside("valid")),
            segment: Str::bind(batch, &beside("segment")),
            surname: Str::bind(batch, &beside("surname")),
        }
    }
    #[inline]
    fn get(&self, i: usize) -> Option<&'a str> {
        self.token.get(i)
    }
}

/// The key and origin columns, in every batch of the lake.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// When it happened.
    pub ts: Time<'a>,
    /// The source system.
    pub source: Str<'a>,
    /// Its number in that system.
    pub seq: Int<'a>,
    /// The intake's number of the file.
    pub file_id: Int<'a>,
    /// The line (or row) in that file, from 1.
    pub line: Int<'a>,
}

impl<'a> Key<'a> {
    /// Binds the key columns.
    pub fn bind(batch: &'a RecordBatch) -> Self {
        Self {
            ts: Time::bind(batch, "ts"),
            source: Str::bind(batch, "source"),
            seq: Int::bind(batch, "seq"),
            file_id: Int::bind(batch, "file_id"),
            line: Int::bind(batch, "line"),
        }
    }

    /// The instant of row `i`.
    #[inline]
    pub fn ts(&self, i: usize) -> i64 {
        self.ts.get(i).unwrap_or(0)
    }

    /// The row's identity and origin, as evidence cites it.
    pub fn row(&self, kind: crate::Kind, i: usize) -> crate::RowRef {
        crate::RowRef {
            kind,
            ts: self.ts(i),
            source: self.source.get(i).unwrap_or("").to_owned(),
            seq: self.seq.get(i).unwrap_or(0),
            file: self.file_id.get(i).unwrap_or(0),
            line: self.line.get(i).unwrap_or(0),
        }
    }
}
