//! Writing one Parquet file of a table.
//!
//! Columns carry their catalog ids (`PARQUET:field_id`), by which other engines find them. Times and
//! numbers are delta-packed, hardly repeating columns go without a dictionary, pages are zstd 1.
//! Columns may be encoded on several threads; the bytes do not depend on how many.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, PARQUET_FIELD_ID_META_KEY};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::LakeError;
use crate::index::Making;
use crate::stats::{self, ColumnStats};
use crate::table::{KeyBuf, Keys, Table};

/// Rows of a page: what a reader holds of each column of each open file.
const PAGE_ROWS: usize = 8_192;
/// A dictionary beyond this no longer pays for columns of this data.
const DICTIONARY_BYTES: usize = 256 << 10;
/// An open row group is written when it holds this much, however few its rows.
const GROUP_BYTES: usize = 24 << 20;
/// Below this many rows a batch is encoded sooner than a thread starts.
const PARALLEL_ROWS: usize = 2_048;

/// How a file is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Rows of a row group.
    pub(crate) group_rows: usize,
    /// Threads that encode columns.
    pub(crate) threads: usize,
}

/// A file that has been written and that no one knows of yet.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) footer: u32,
    pub(crate) first: KeyBuf,
    pub(crate) last: KeyBuf,
    pub(crate) stats: Vec<ColumnStats>,
}

impl NewFile {
    /// The name within the table's folder.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Writes ascending rows of one table to one file.
pub(crate) struct FileWriter {
    table: Table,
    path: PathBuf,
    file: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    group_rows: usize,
    rows: u64,
    ends: Option<(KeyBuf, KeyBuf)>,
    nan: Vec<bool>,
    layout: Layout,
    /// By which its rows will be found.
    making: Option<Making>,
}

impl FileWriter {
    /// Begins a file that must not exist. `ids` are the catalog's column ids by name.
    pub(crate) fn create(
        table: Table,
        path: &Path,
        ids: &BTreeMap<String, i64>,
        layout: Layout,
    ) -> Result<FileWriter, LakeError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|e| LakeError::io("make", path, e))?;
        let fail = |e| LakeError::parquet("write", path, e);
        let schema = with_ids(&table.schema(), ids);
        let root = ArrowSchemaConverter::new().convert(&schema).map_err(fail)?.root_schema_ptr();
        let file = SerializedFileWriter::new(file, root, properties(table)).map_err(fail)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, schema.clone());
        let nan = vec![false; schema.fields().len()];
        Ok(FileWriter {
            table,
            path: path.to_owned(),
            file,
            factory,
            schema,
            columns: Vec::new(),
            group_rows: 0,
            rows: 0,
            ends: None,
            nan,
            layout,
            making: Making::of(table),
        })
    }

    /// Bytes written so far, without the open row group.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.bytes_written() as u64
    }

    /// Memory that the open row group holds.
    pub(crate) fn memory(&self) -> usize {
        self.columns.iter().map(ArrowColumnWriter::memory_size).sum()
    }

    /// The greatest key so far.
    pub(crate) fn last(&self) -> Option<&KeyBuf> {
        self.ends.as_ref().map(|e| &e.1)
    }

    /// Appends rows; each must be greater than the one before.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let mut done = 0;
        while done < batch.num_rows() {
            let n = (batch.num_rows() - done).min(self.layout.group_rows - self.group_rows);
            let part = batch.slice(done, n);
            self.encode(&part).map_err(|e| LakeError::parquet("write", &self.path, e))?;
            done += n;
            self.group_rows += n;
            if self.group_rows >= self.layout.group_rows || self.memory() >= GROUP_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let keys = Keys::bind(self.table, batch);
        let (first, last) = (KeyBuf::of(keys.key(0)), KeyBuf::of(keys.key(keys.len() - 1)));
        match &mut self.ends {
            Some(ends) => {
                debug_assert!(ends.1 < first, "rows must ascend");
                ends.1 = last;
            }
            None => self.ends = Some((first, last)),
        }
        self.rows += batch.num_rows() as u64;
        if let Some(making) = &mut self.making {
            making.add(batch);
        }
        for (seen, column) in self.nan.iter_mut().zip(batch.columns()) {
            *seen = *seen || has_nan(column);
        }
        if self.columns.is_empty() {
            self.columns = self.factory.create_column_writers(self.file.flushed_row_groups().len())?;
        }
        encode(&mut self.columns, self.schema.fields(), batch.columns(), self.layout.threads)
    }

    /// Ends the open row group, if it holds anything.
    pub(crate) fn flush(&mut self) -> Result<(), LakeError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        self.group_rows = 0;
        let columns = std::mem::take(&mut self.columns);
        self.end_group(columns).map_err(|e| LakeError::parquet("write", &self.path, e))
    }

    fn end_group(&mut self, columns: Vec<ArrowColumnWriter>) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for column in columns {
            column.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file. It is not synced yet: see [`sync`].
    pub(crate) fn finish(mut self) -> Result<NewFile, LakeError> {
        self.flush()?;
        let path = self.path;
        let meta = self.file.finish().map_err(|e| LakeError::parquet("write", &path, e))?;
        let file = self.file.inner();
        let (bytes, footer) = tail(file).map_err(|e| LakeError::io("read back", &path, e))?;
        if let Some(making) = self.making {
            making.keep(&path);
        }
        let stats = stats::of_file(&self.schema, &meta, &self.nan);
        let (first, last) = self.ends.expect("a file is begun for its first row");
        Ok(NewFile { rows: self.rows, bytes, footer, first, last, stats, path })
    }
}

/// Encodes one batch, the columns shared out among threads by their weight.
fn encode(
    writers: &mut [ArrowColumnWriter],
    fields: &[FieldRef],
    columns: &[ArrayRef],
    threads: usize,
) -> Result<(), ParquetError> {
    let rows = columns.first().map_or(0, |c| c.len());
    if threads < 2 || writers.len() < 2 || rows < PARALLEL_ROWS {
        return encode_some(writers, fields, columns);
    }
    let weights: Vec<usize> = columns.iter().map(weight).collect();
    let half = weights.iter().sum::<usize>() / threads;
    let mut at = 0;
    let mut sum = 0;
    while at + 1 < writers.len() && sum < half {
        sum += weights[at];
        at += 1;
    }
    let (left, right) = writers.split_at_mut(at);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| encode_some(left, &fields[..at], &columns[..at]));
        let here = encode(right, &fields[at..], &columns[at..], threads - 1);
        other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        here
    })
}

fn weight(column: &ArrayRef) -> usize {
    match column.data_type() {
        DataType::Utf8 | DataType::Binary => 8,
        DataType::Boolean => 1,
        _ => 3,
    }
}

fn encode_some(
    writers: &mut [ArrowColumnWriter],
    fields: &[FieldRef],
    columns: &[ArrayRef],
) -> Result<(), ParquetError> {
    for ((writer, field), column) in writers.iter_mut().zip(fields).zip(columns) {
        for leaf in compute_leaves(field, column)? {
            writer.write(&leaf)?;
        }
    }
    Ok(())
}

fn has_nan(column: &ArrayRef) -> bool {
    let Some(values) = column.as_primitive_opt::<Float64Type>() else { return false };
    values.values().iter().any(|v| v.is_nan()) && values.iter().flatten().any(f64::is_nan)
}

fn with_ids(schema: &Schema, ids: &BTreeMap<String, i64>) -> SchemaRef {
    let field = |f: &FieldRef| -> Field {
        let id = ids.get(f.name()).expect("the catalog knows every column of its tables");
        f.as_ref().clone().with_metadata([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())].into())
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

fn properties(table: Table) -> WriterPropertiesPtr {
    let schema = table.schema();
    let sorting = table.key_columns().iter().map(|name| SortingColumn {
        column_idx: schema.index_of(name).expect("key columns are columns") as i32,
        descending: false,
        nulls_first: false,
    });
    let mut props = WriterProperties::builder()
        .set_created_by(concat!("suyuan ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("zstd has a level 1")))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(256))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(1024)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(None)
        .set_sorting_columns(Some(sorting.collect()));
    for field in schema.fields() {
        let path = ColumnPath::from(field.name().as_str());
        if table.mostly_unique(field.name()) {
            props = props.set_column_dictionary_enabled(path.clone(), false);
            if matches!(field.data_type(), DataType::Int64 | DataType::Timestamp(..)) {
                props = props.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
        }
        if field.name() == "ts" {
            props = props.set_column_statistics_enabled(path.clone(), EnabledStatistics::Page);
        }
        if field.data_type() == &DataType::Binary {
            props = props.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Arc::new(props.build())
}

/// A file's length and the length of its footer.
fn tail(mut file: &File) -> io::Result<(u64, u32)> {
    let bytes = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::End(-8))?;
    let mut end = [0; 8];
    file.read_exact(&mut end)?;
    Ok((bytes, u32::from_le_bytes([end[0], end[1], end[2], end[3]])))
}

/// Makes sure that a file's bytes are on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), LakeError> {
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| LakeError::io("sync", path, e))
}
