//! Reading one Parquet file of a table: columns asked for, row groups that a time range touches.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter, RowSelection,
};
use parquet::basic::{Encoding, EncodingMask};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use suyuan_model::columns::Coded;

use crate::LakeError;
use crate::index::Few;
use crate::sort::CHUNK;
use crate::table::{Keys, Table};

/// How much was read, for those who want to see that pruning works.
#[derive(Debug, Default)]
pub struct Io {
    files: AtomicU64,
    groups: AtomicU64,
    rows: AtomicU64,
}

impl Io {
    /// Files opened.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
    /// Row groups read.
    pub fn row_groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }
    /// Rows in those row groups.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// What is read of a file.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) table: Table,
    /// The columns, in order; they hold the key columns.
    pub(crate) schema: SchemaRef,
    /// Times from and up to, both inclusive.
    pub(crate) between: Option<(i64, i64)>,
    /// Only rows with such a text.
    pub(crate) few: Option<Few>,
    pub(crate) batch_rows: usize,
    pub(crate) io: Arc<Io>,
}

impl Ask {
    /// All columns, all rows.
    pub(crate) fn all(table: Table, batch_rows: usize) -> Ask {
        Ask { table, schema: table.schema(), between: None, few: None, batch_rows, io: Arc::default() }
    }

    /// Only the key columns.
    pub(crate) fn keys(table: Table, batch_rows: usize) -> Ask {
        let schema = table.schema();
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .filter(|f| table.key_columns().contains(&f.name().as_str()))
            .cloned()
            .collect();
        Ask { schema: Arc::new(Schema::new(fields)), ..Ask::all(table, batch_rows) }
    }

    pub(crate) fn between(mut self, range: Option<(i64, i64)>) -> Ask {
        self.between = range;
        self
    }
}

/// A file that is open with its footer read.
pub(crate) struct OpenFile {
    path: PathBuf,
    file: File,
    meta: ArrowReaderMetadata,
}

impl OpenFile {
    pub(crate) fn open(path: &Path) -> Result<OpenFile, LakeError> {
        let file = File::open(path).map_err(|e| LakeError::io("open", path, e))?;
        let meta = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_skip_arrow_metadata(true))
            .map_err(|e| LakeError::parquet("read", path, e))?;
        Ok(OpenFile { path: path.to_owned(), file, meta })
    }

    pub(crate) fn meta(&self) -> &ParquetMetaData {
        self.meta.metadata()
    }

    /// Least and greatest value of a time column in a row group, where known.
    pub(crate) fn ts_range(&self, group: usize) -> Option<(i64, i64)> {
        let column = self.meta.parquet_schema().columns().iter().position(|c| c.name() == "ts")?;
        match self.meta().row_group(group).column(column).statistics()? {
            Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
            _ => None,
        }
    }

    /// The source that wrote all rows of these row groups, where it is known to be one: its column need not be read.
    fn one_source(&self, groups: &[usize]) -> Option<&str> {
        let column = self.meta.parquet_schema().columns().iter().position(|c| c.name() == "source")?;
        let one = |group: &usize| match self.meta().row_group(*group).column(column).statistics()? {
            Statistics::ByteArray(s) if s.min_is_exact() && s.max_is_exact() => {
                s.min_opt().filter(|min| Some(*min) == s.max_opt())
            }
            _ => None,
        };
        let first = one(groups.first()?)?;
        let same = groups.iter().all(|g| one(g) == Some(first));
        std::str::from_utf8(first.data()).ok().filter(|_| same)
    }

    /// Whether a row group can hold rows of the times asked for.
    pub(crate) fn touches(&self, ask: &Ask, group: usize) -> bool {
        match (ask.between, self.ts_range(group)) {
            (Some((from, to)), Some((min, max))) => max >= from && min <= to,
            _ => true,
        }
    }

    /// Least and greatest token of a row group of originals, where known.
    pub(crate) fn token_range(&self, group: usize) -> Option<(&[u8], &[u8])> {
        let column = self.meta.parquet_schema().columns().iter().position(|c| c.name() == "token")?;
        let stats = self.meta().row_group(group).column(column).statistics()?;
        Some((stats.min_bytes_opt()?, stats.max_bytes_opt()?))
    }

    /// The file as it is read where columns are wanted as codes, and the columns as they then come: codes where the file holds
    /// codes, and texts where a list of texts has grown too long for the writer.
    fn coded(&self, ask: &Ask) -> Result<(ArrowReaderMetadata, SchemaRef), LakeError> {
        let by_codes = ask.few.as_ref().filter(|few| few.by_codes(self)).map(|few| few.pick.column);
        if by_codes.is_none() && !ask.schema.fields().iter().any(|f| text_of(f).is_some()) {
            return Ok((self.meta.clone(), ask.schema.clone()));
        }
        let as_it_comes = |f: &FieldRef| match text_of(f).filter(|_| !self.holds_codes(f.name())) {
            Some(text) => with_type(f, text.clone()),
            None => f.clone(),
        };
        let schema = Schema::new(ask.schema.fields().iter().map(as_it_comes).collect::<Vec<_>>());
        let as_it_is_read = |f: &FieldRef| {
            let wanted = schema.field_with_name(f.name()).is_ok_and(|want| text_of(want).is_some());
            if wanted || by_codes == Some(f.name()) {
                with_type(f, codes_of(f.data_type()))
            } else {
                f.clone()
            }
        };
        let held = Schema::new(self.meta.schema().fields().iter().map(as_it_is_read).collect::<Vec<_>>());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(held));
        let meta = ArrowReaderMetadata::try_new(self.meta.metadata().clone(), options)
            .map_err(|e| LakeError::parquet("read", &self.path, e))?;
        Ok((meta, Arc::new(schema)))
    }

    /// Whether all pages of a column hold codes.
    pub(crate) fn holds_codes(&self, column: &str) -> bool {
        let Some(at) = self.meta.parquet_schema().columns().iter().position(|c| c.name() == column) else {
            return true;
        };
        let pages = |group: &RowGroupMetaData| group.column(at).page_encoding_stats_mask().copied();
        let codes = |pages: EncodingMask| pages.is_only(Encoding::RLE_DICTIONARY);
        self.meta().row_groups().iter().all(|group| pages(group).is_some_and(codes))
    }

    /// Reads what is asked for, of these row groups only.
    pub(crate) fn read(
        self,
        ask: &Ask,
        groups: Vec<usize>,
        selection: Option<RowSelection>,
    ) -> Result<Batches, LakeError> {
        let rows: i64 = groups.iter().map(|g| self.meta().row_group(*g).num_rows()).sum();
        ask.io.files.fetch_add(1, Ordering::Relaxed);
        ask.io.groups.fetch_add(groups.len() as u64, Ordering::Relaxed);
        ask.io.rows.fetch_add(rows as u64, Ordering::Relaxed);
        let (meta, schema) = self.coded(ask)?;
        let held = meta.schema().clone();
        // It is a column of every row.
        let as_text = ask.schema.field_with_name("source").is_ok_and(|f| text_of(f).is_none());
        let source = self.one_source(&groups).filter(|_| as_text);
        let source =
            source.map(|text| StringArray::from_iter_values(std::iter::repeat_n(text, ask.batch_rows)));
        let read = ask.schema.fields().iter().filter(|f| source.is_none() || f.name() != "source");
        let wanted: Vec<usize> = read.filter_map(|f| held.index_of(f.name()).ok()).collect();
        for &i in &wanted {
            let (have, want) = (held.field(i), schema.field_with_name(held.field(i).name()));
            if want.is_ok_and(|w| w.data_type() != have.data_type() && text_of(have) != Some(w.data_type())) {
                return Err(LakeError::Catalog(format!(
                    "names `{}`, whose column `{}` has type {}",
                    self.path.display(),
                    have.name(),
                    have.data_type()
                )));
            }
        }
        let mask = ProjectionMask::roots(meta.parquet_schema(), wanted);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, meta)
            .with_projection(mask)
            .with_row_groups(groups)
            .with_batch_size(ask.batch_rows);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        if let Some(Few { pick, .. }) = &ask.few {
            let mask = ProjectionMask::columns(builder.parquet_schema(), [pick.column]);
            let mut picking = Picking { wanted: pick.texts.clone(), list: None };
            let chosen = move |batch: RecordBatch| Ok(picking.chosen(&batch));
            builder =
                builder.with_row_filter(RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, chosen))]));
        }
        let reader = builder.build().map_err(|e| LakeError::parquet("read", &self.path, e))?;
        Ok(Batches { path: self.path, reader, schema, table: ask.table, between: ask.between, source })
    }
}

/// Codes in place of texts.
pub(crate) fn codes_of(text: &DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(text.clone()))
}

/// What a field holds codes of, if it does.
fn text_of(field: &Field) -> Option<&DataType> {
    let DataType::Dictionary(_, text) = field.data_type() else { return None };
    Some(text)
}

fn with_type(field: &FieldRef, of: DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(of))
}

/// The texts of a column of codes.
fn texts(column: &ArrayRef) -> ArrayRef {
    let Some(coded) = column.as_dictionary_opt::<Int32Type>() else { return column.clone() };
    let list = coded.values().as_string::<i32>();
    let text = |code: Option<i32>| code.map(|code| list.value(code as usize));
    Arc::new(coded.keys().iter().map(text).collect::<StringArray>())
}

/// Tells which rows hold one of the texts that are wanted.
struct Picking {
    wanted: Arc<BTreeSet<String>>,
    /// A list of texts, and which of them are wanted.
    list: Option<(ArrayRef, Vec<bool>)>,
}

impl Picking {
    fn chosen(&mut self, batch: &RecordBatch) -> BooleanArray {
        let wanted = |text: Option<&str>| text.is_some_and(|t| self.wanted.contains(t));
        let column = batch.columns().first();
        if let Some(texts) = column.and_then(|c| c.as_string_opt::<i32>()) {
            return texts.iter().map(|t| Some(wanted(t))).collect();
        }
        let Some(coded) = column.and_then(|c| c.as_dictionary_opt::<Int32Type>()) else {
            return BooleanArray::from(vec![false; batch.num_rows()]);
        };
        let list = coded.values();
        let known = self.list.take().filter(|known| Coded::same_list(&known.0, list));
        let (_, are) = self.list.insert(
            known.unwrap_or_else(|| (list.clone(), list.as_string::<i32>().iter().map(wanted).collect())),
        );
        coded.keys().iter().map(|code| Some(code.is_some_and(|code| are[code as usize]))).collect()
    }
}

/// The batches of one file, ascending.
pub(crate) struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    table: Table,
    between: Option<(i64, i64)>,
    /// Where all rows are of one source: as many times its name as a batch has rows.
    source: Option<StringArray>,
}

/// Opens a file for what is asked; row groups outside the range are not read.
pub(crate) fn open(path: &Path, ask: &Ask) -> Result<Batches, LakeError> {
    if let Some(few) = &ask.few {
        return few.open(path, ask);
    }
    let file = OpenFile::open(path)?;
    let groups = (0..file.meta().num_row_groups()).filter(|g| file.touches(ask, *g)).collect();
    file.read(ask, groups, None)
}

/// How many rows of a file are before an instant; row groups are read only where both sides meet.
pub(crate) fn count_before(path: &Path, table: Table, before: i64, io: &Arc<Io>) -> Result<u64, LakeError> {
    let file = OpenFile::open(path)?;
    let (mut rows, mut both) = (0, Vec::new());
    for group in 0..file.meta().num_row_groups() {
        match file.ts_range(group) {
            Some((_, max)) if max < before => rows += file.meta().row_group(group).num_rows() as u64,
            Some((min, _)) if min >= before => {}
            _ => both.push(group),
        }
    }
    let ask = Ask { io: io.clone(), ..Ask::keys(table, CHUNK) };
    let mut batches = file.read(&ask, both, None)?;
    while let Some(batch) = batches.next_batch()? {
        rows += Keys::bind(table, &batch).row_at(0, before) as u64;
    }
    Ok(rows)
}

impl Batches {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        loop {
            let Some(batch) = self.reader.next() else { return Ok(None) };
            let batch = batch.map_err(|e| LakeError::parquet("read", &self.path, e.into()))?;
            let batch = self.trim(self.conform(&batch)?);
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    /// The columns as asked for; a column younger than the file reads as absent.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|f| match (batch.column_by_name(f.name()), &self.source) {
                (Some(c), _) if c.data_type() != f.data_type() => texts(c),
                (Some(c), _) => c.clone(),
                (None, Some(all)) if f.name() == "source" => Arc::new(all.slice(0, batch.num_rows())),
                (None, _) => new_null_array(f.data_type(), batch.num_rows()),
            })
            .collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)
            .map_err(|source| LakeError::Arrow { table: self.table.name(), source })
    }

    fn trim(&self, batch: RecordBatch) -> RecordBatch {
        let Some((from, to)) = self.between else { return batch };
        let keys = Keys::bind(self.table, &batch);
        let start = keys.row_at(0, from);
        let end = to.checked_add(1).map_or(keys.len(), |after| keys.row_at(start, after));
        if start == 0 && end == keys.len() { batch } else { batch.slice(start, end - start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use suyuan_model::{Kind, fixture};

    #[test]
    fn a_column_younger_than_the_file_reads_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.parquet");
        let rows = [serde_json::json!({"ts": "2020-01-01T00:00:00Z", "account": "a", "device": "d"})];
        let now = fixture::batch(Kind::Login, &rows).unwrap();
        let old = now.project(&[0, 1, 2, 3]).unwrap();
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(File::create(&path).unwrap(), old.schema(), None).unwrap();
        writer.write(&old).unwrap();
        writer.close().unwrap();
        let ask = Ask { schema: now.schema(), ..Ask::keys(Table::Kind(Kind::Login), 100) };
        let read = open(&path, &ask).unwrap().next_batch();
        // `file_id` and `line` are never absent, so a file without them is no file of the lake.
        assert!(read.is_err());
        let fields: Vec<_> = now.schema().fields().iter().take(5).cloned().collect();
        let ask = Ask { schema: Arc::new(Schema::new(fields)), ..ask };
        let read = open(&path, &ask).unwrap().next_batch().unwrap().unwrap();
        assert_eq!(read.column(3).as_ref(), now.column(3).as_ref());
        assert_eq!(read.column(4).null_count(), 1);
    }
}
