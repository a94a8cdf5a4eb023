//! The intake from outside: files in, rows and rejects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::new_without_default)]

mod bad;
mod kept;
mod mapped;
mod native;
mod real;
mod retry;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use suyuan_ingest::*;
use suyuan_model::Kind;
use suyuan_model::outcome::Text;
use suyuan_vault::Vault;
use tempfile::TempDir;

/// Keeps all that it is given.
#[derive(Debug, Default)]
pub struct Kept {
    pub calls: Vec<String>,
    pub batches: Vec<(Kind, RecordBatch)>,
    pub originals: Vec<RecordBatch>,
    pub rejects: Vec<RejectRow>,
    pub files: Vec<FileSummary>,
    pub unreadable: Vec<(String, Text)>,
    pub known: Vec<String>,
}

impl Sink for Kept {
    fn begin_file(&mut self, file: &FileInfo) -> Result<Take, SinkError> {
        self.calls.push(format!("begin {} {} {}", file.name, file.sha256, file.bytes));
        if self.known.contains(&file.sha256) {
            return Ok(Take::Skip);
        }
        self.known.push(file.sha256.clone());
        Ok(Take::Read { file_id: self.known.len() as i64 })
    }
    fn batch(&mut self, kind: Kind, batch: RecordBatch) -> Result<(), SinkError> {
        self.calls.push(format!("batch {} {}", kind.name(), batch.num_rows()));
        assert_eq!(batch.schema(), kind.schema());
        self.batches.push((kind, batch));
        Ok(())
    }
    fn originals(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        self.calls.push(format!("originals {}", batch.num_rows()));
        self.originals.push(batch);
        Ok(())
    }
    fn reject(&mut self, row: RejectRow) -> Result<(), SinkError> {
        self.calls.push(format!("reject {} {}", row.line, row.record));
        self.rejects.push(row);
        Ok(())
    }
    fn end_file(&mut self, summary: &FileSummary) -> Result<(), SinkError> {
        self.calls.push(format!("end {}", summary.name));
        self.files.push(summary.clone());
        Ok(())
    }
    fn unreadable(&mut self, name: &str, reason: &Text, _: &Text) -> Result<(), SinkError> {
        self.unreadable.push((name.to_owned(), reason.clone()));
        Ok(())
    }
}

impl Kept {
    pub fn rows(&self, kind: Kind) -> usize {
        self.batches.iter().filter(|(k, _)| *k == kind).map(|(_, b)| b.num_rows()).sum()
    }
    pub fn all_rows(&self) -> usize {
        self.batches.iter().map(|(_, b)| b.num_rows()).sum()
    }
    pub fn texts(&self, kind: Kind, column: &str) -> Vec<String> {
        let mut out = Vec::new();
        for (_, b) in self.batches.iter().filter(|(k, _)| *k == kind) {
            let c = b.column_by_name(column).unwrap();
            for n in 0..b.num_rows() {
                out.push(if c.is_null(n) { "~".into() } else { c.as_string::<i32>().value(n).to_owned() });
            }
        }
        out
    }
    pub fn numbers(&self, kind: Kind, column: &str) -> Vec<i64> {
        let mut out = Vec::new();
        for (_, b) in self.batches.iter().filter(|(k, _)| *k == kind) {
            out.extend(b.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().iter());
        }
        out
    }
    pub fn by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut out = BTreeMap::new();
        for (kind, batch) in &self.batches {
            *out.entry(kind.name()).or_default() += batch.num_rows();
        }
        out
    }
}

/// A folder of files and a vault, gone at the end.
pub struct Place {
    pub dir: TempDir,
    pub vault: Vault,
    _keys: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let vault = Vault::create(&keys.path().join("keys")).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), vault, _keys: keys }
    }
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
    pub fn run_with(&self, mapping: Option<&Mapping>, options: Options) -> Kept {
        run(&self.vault, &[self.dir.path().to_owned()], mapping, options)
    }
    pub fn run(&self) -> Kept {
        self.run_with(None, options(2))
    }
}

pub fn options(threads: usize) -> Options {
    Options::new(NonZeroUsize::new(threads).unwrap(), None)
}

pub fn run(vault: &Vault, paths: &[PathBuf], mapping: Option<&Mapping>, options: Options) -> Kept {
    let plan = Plan::of(paths, mapping).unwrap();
    let mut kept = Kept::default();
    Intake::new(vault, options).run(&plan, &mut kept).unwrap();
    kept
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    e.write_all(bytes).unwrap();
    e.finish().unwrap()
}
