//! The tables of the lake: one per record kind, and the sealed originals.

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use suyuan_model::{FieldType, Kind, RowKey};

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The rows of one kind, sorted by `(ts, source, seq)`.
    Kind(Kind),
    /// Tokens and the sealed originals behind them, sorted by `token`.
    Original,
}

impl Table {
    /// All tables, in the order of their catalog numbers when a lake is made.
    pub fn all() -> impl Iterator<Item = Table> {
        Kind::ALL.iter().map(|k| Table::Kind(*k)).chain([Table::Original])
    }

    /// The name in the catalog, and of the folder.
    pub fn name(self) -> &'static str {
        match self {
            Table::Kind(kind) => kind.name(),
            Table::Original => "original",
        }
    }

    /// The schema that every batch of the table has.
    pub fn schema(self) -> SchemaRef {
        static ORIGINAL: LazyLock<SchemaRef> = LazyLock::new(|| {
            Arc::new(Schema::new(vec![
                Field::new("token", DataType::Utf8, false),
                Field::new("sealed", DataType::Binary, false),
            ]))
        });
        match self {
            Table::Kind(kind) => kind.schema(),
            Table::Original => ORIGINAL.clone(),
        }
    }

    /// The columns that rows are sorted and told apart by.
    pub(crate) fn key_columns(self) -> &'static [&'static str] {
        match self {
            Table::Kind(_) => &suyuan_model::kind::KEY_COLUMNS,
            Table::Original => &["token"],
        }
    }

    /// Whether a column's values hardly ever repeat within a row group, so that a dictionary only costs.
    pub(crate) fn mostly_unique(self, column: &str) -> bool {
        let Table::Kind(kind) = self else { return true };
        match kind.spec().field(column).map(|f| f.ty) {
            Some(FieldType::Iccid | FieldType::Imei | FieldType::Pii(_)) => true,
            Some(_) => column.ends_with("_hash"),
            None => matches!(column, "ts" | "seq" | "line"),
        }
    }
}

/// The key columns of a batch, bound once.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    ts: Option<TimestampMicrosecondArray>,
    text: StringArray,
    /// Where rows have codes into `text`.
    codes: Option<Int32Array>,
    rows: usize,
    seq: Option<Int64Array>,
}

impl Keys {
    /// Binds a batch of the table; it must hold the key columns.
    pub(crate) fn bind(table: Table, batch: &RecordBatch) -> Keys {
        let column =
            |name: &str| batch.column_by_name(name).expect("every batch of the lake holds its key columns");
        let rows = batch.num_rows();
        let Table::Kind(_) = table else {
            return Keys {
                ts: None,
                text: column("token").as_string().clone(),
                codes: None,
                rows,
                seq: None,
            };
        };
        let source = column("source");
        let (text, codes) = match source.as_dictionary_opt::<Int32Type>() {
            Some(coded) => (coded.values().as_string().clone(), Some(coded.keys().clone())),
            None => (source.as_string().clone(), None),
        };
        let ts = column("ts").as_primitive::<TimestampMicrosecondType>().clone();
        Keys { ts: Some(ts), text, codes, rows, seq: Some(column("seq").as_primitive::<Int64Type>().clone()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn ts(&self, i: usize) -> i64 {
        self.ts.as_ref().map_or(0, |a| a.value(i))
    }

    pub(crate) fn text(&self, i: usize) -> &str {
        self.text.value(self.codes.as_ref().map_or(i, |codes| codes.value(i) as usize))
    }

    pub(crate) fn seq(&self, i: usize) -> i64 {
        self.seq.as_ref().map_or(0, |a| a.value(i))
    }

    pub(crate) fn key(&self, i: usize) -> RowKey<'_> {
        RowKey { ts: self.ts(i), source: self.text(i), seq: self.seq(i) }
    }

    /// The first row at or after `from` whose time is not before `ts`.
    pub(crate) fn row_at(&self, from: usize, ts: i64) -> usize {
        let (mut lo, mut hi) = (from, self.len());
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            if self.ts(mid) < ts { lo = mid + 1 } else { hi = mid }
        }
        lo
    }
}

/// An owned key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyBuf {
    pub(crate) ts: i64,
    pub(crate) text: String,
    pub(crate) seq: i64,
}

impl KeyBuf {
    pub(crate) fn of(key: RowKey) -> KeyBuf {
        KeyBuf { ts: key.ts, text: key.source.to_owned(), seq: key.seq }
    }
}
