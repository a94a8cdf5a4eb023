//! One process writes: an advisory lock on a file of the data folder.
//!
//! The system lets go of the lock when the process ends, however it ends; the file stays.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::StoreError;

/// The lock; dropped, it is free again.
pub struct Lock {
    file: File,
}

/// Let go by word, not by closing alone: a child process that is being started at this moment holds a copy of the file until it is
/// its own program, and the lock with it.
impl Drop for Lock {
    fn drop(&mut self) {
        // Where it fails, closing the file does the same a little later.
        let _ = self.file.unlock();
    }
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
        Ok(Lock { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_it_is_free_although_a_copy_of_the_file_lives_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.lock");
        let lock = Lock::take(&path).expect("free at first");
        assert!(Lock::take(&path).is_err(), "one holds it");
        // What a child has between fork and exec.
        let copy = lock.file.try_clone().expect("a copy");
        drop(lock);
        assert!(Lock::take(&path).is_ok());
        drop(copy);
    }
}
