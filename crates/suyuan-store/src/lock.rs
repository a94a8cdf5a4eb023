//! One process writes: an advisory lock on a file of the data folder.
//!
//! The system lets go of the lock when the process ends, however it ends; the file stays.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::StoreError;

/// The lock; dropped, it is free again.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at once or says who has it.
    pub fn take(path: &Path) -> Result<Lock, StoreError> {
        let io = |e| StoreError::io("open the lock file", path, e);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // What it says is a help only; an unreadable file must not hide the lock.
                let _ = file.read_to_string(&mut holder);
                return Err(StoreError::Locked { path: path.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        // The process id is a help for people; a full disk must not keep anyone from reading.
        let _ = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Lock { _file: file })
    }
}
