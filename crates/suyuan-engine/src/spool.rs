//! Rejects on their way to the store: on disk, because a file may hold nothing else.
//!
//! Holds sealed text and reasons only, nothing in clear; gone when the load ends or at the next start.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use suyuan_store::StoreError;

use crate::EngineError;

/// Lines of JSON in a file of their own.
pub(crate) struct Spool {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Spool {
    /// An empty spool in the data home; what an earlier process left is removed.
    pub fn new(dir: &Path) -> Result<Self, EngineError> {
        let path = dir.join("rejects.part");
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(EngineError::Folder { path, source }),
        }
        Ok(Self { path, file: None })
    }

    /// Adds one value.
    pub fn push(&mut self, value: &impl Serialize) -> Result<(), EngineError> {
        let failed = |source| EngineError::Folder { path: self.path.clone(), source };
        if self.file.is_none() {
            let file = File::options().read(true).write(true).create(true).truncate(true).open(&self.path);
            self.file = Some(BufWriter::new(file.map_err(failed)?));
        }
        let file = self.file.as_mut().expect("opened above");
        serde_json::to_writer(&mut *file, value)?;
        file.write_all(b"\n").map_err(failed)
    }

    /// Calls `each` for every value, in order.
    pub fn each<T: DeserializeOwned>(
        &mut self,
        mut each: impl FnMut(T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(writer) = &mut self.file else { return Ok(()) };
        writer.flush().map_err(StoreError::caller)?;
        let file = writer.get_mut();
        file.rewind().map_err(StoreError::caller)?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(StoreError::caller)?;
            each(serde_json::from_str(&line).map_err(StoreError::caller)?)?;
        }
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
