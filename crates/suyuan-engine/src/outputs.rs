//! Writes the output folder: each file whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::EngineError;

/// Writes files into one folder.
pub struct Outputs {
    dir: PathBuf,
    written: Vec<PathBuf>,
}

impl Outputs {
    /// Opens the folder, making it where it does not exist.
    pub fn open(dir: &Path) -> Result<Self, EngineError> {
        std::fs::create_dir_all(dir)
            .map_err(|source| EngineError::Folder { path: dir.to_owned(), source })?;
        Ok(Self { dir: dir.to_owned(), written: Vec::new() })
    }

    /// Writes one file: to a name beside it, to the disk, then into place.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), EngineError> {
        let path = self.dir.join(name);
        let beside = self.dir.join(format!(".{name}.part"));
        let put = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        put().map_err(|source| {
            // What is half-written goes; the earlier file stays.
            let _ = std::fs::remove_file(&beside);
            EngineError::Folder { path: path.clone(), source }
        })?;
        self.written.push(path);
        Ok(())
    }

    /// Writes a value as indented JSON with a newline at its end.
    pub fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), EngineError> {
        let mut bytes = serde_json::to_vec_pretty(value)?;
        bytes.push(b'\n');
        self.write(name, &bytes)
    }

    /// Writes values one a line.
    pub fn ndjson<T: Serialize>(&mut self, name: &str, values: &[T]) -> Result<(), EngineError> {
        let mut bytes = Vec::new();
        for v in values {
            serde_json::to_writer(&mut bytes, v)?;
            bytes.push(b'\n');
        }
        self.write(name, &bytes)
    }

    /// The files written, in order.
    pub fn finish(self) -> Vec<PathBuf> {
        self.written
    }
}
