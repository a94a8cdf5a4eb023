//! The store: one SQLite database that holds all that is not a record.
//!
//! It holds the lake's catalog, the input files that were taken in, the rows kept aside (rejects), and
//! the results by name. Whatever changes together changes in ONE transaction ([`Store::write`]).
//!
//! Always so:
//! - the database runs in WAL mode with `synchronous=FULL`: what `write` acknowledged survives a crash;
//! - one process at a time writes: it holds the lock file `suyuan.lock` beside the database;
//! - writers within the process take turns; readers see the last commit and wait for nobody;
//! - a database on a network file system is refused, because locks and WAL do not hold there.
//!
//! Blind spots: the loss of power is covered by `FULL` as far as the disk tells the truth; file
//! systems are told apart by `/proc/self/mountinfo`, so only on Linux.

mod error;
pub mod files;
mod lock;
mod place;
pub mod rejects;
pub mod results;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub use error::StoreError;

/// Version of the store's own tables, kept in `PRAGMA user_version`.
pub const VERSION: i64 = 1;
const SCHEMA: &str = include_str!("schema.sql");
/// Another thread of this process may hold SQLite's lock for as long as its transaction takes.
const BUSY: Duration = Duration::from_secs(30);
/// More idle readers than threads that read would only hold files open.
const MAX_IDLE_READERS: usize = 4;

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// `None`: opened for reading only.
    writer: Option<Mutex<Connection>>,
    readers: Mutex<Vec<Connection>>,
    next_file: AtomicI64,
    _lock: Option<lock::Lock>,
}

impl Store {
    /// Opens the database for writing, making it where there is none, and takes the lock of its folder.
    ///
    /// # Errors
    /// The folder is on a network file system or cannot be written; another process holds the lock;
    /// the database was made by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let path = path.as_ref();
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(|e| StoreError::io("make the folder", dir, e))?;
        place::refuse_network(dir)?;
        let lock = lock::Lock::take(&dir.join("suyuan.lock"))?;
        let mut conn = Connection::open(path).map_err(|e| StoreError::open(path, e))?;
        conn.busy_timeout(BUSY)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut conn, path)?;
        let next: i64 =
            conn.query_row("SELECT coalesce(max(file_id), 0) + 1 FROM input_file", [], |r| r.get(0))?;
        Ok(Store(Arc::new(Inner {
            path: path.to_owned(),
            writer: Some(Mutex::new(conn)),
            readers: Mutex::default(),
            next_file: AtomicI64::new(next),
            _lock: Some(lock),
        })))
    }

    /// Opens a database that exists, to read only; needs no lock, also while another process writes.
    ///
    /// # Errors
    /// There is no database, or it is on a network file system or of a newer version.
    pub fn open_read(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let path = path.as_ref();
        place::refuse_network(path.parent().unwrap_or(Path::new(".")))?;
        let conn = reader(path)?;
        check_version(&conn, path)?;
        Ok(Store(Arc::new(Inner {
            path: path.to_owned(),
            writer: None,
            readers: Mutex::new(vec![conn]),
            next_file: AtomicI64::new(0),
            _lock: None,
        })))
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether it was opened for writing.
    pub fn writable(&self) -> bool {
        self.0.writer.is_some()
    }

    /// Runs `work` in one transaction; commits if it returns `Ok`, else nothing has happened.
    ///
    /// The transaction takes the write lock at its start (`BEGIN IMMEDIATE`), so what it reads
    /// first is still true when it writes. Calls nest never: `work` must not call `write`.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_as(work)
    }

    /// [`Store::write`] for callers with an error type of their own.
    pub fn write_as<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let writer = self.0.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut conn = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let sqlite = |e: rusqlite::Error| E::from(StoreError::from(e));
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
        let done = work(&tx)?;
        tx.commit().map_err(sqlite)?;
        Ok(done)
    }

    /// Runs `work` on the last commit, in one read transaction: all it reads is of one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.read_as(work)
    }

    /// [`Store::read`] for callers with an error type of their own.
    pub fn read_as<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.readers().pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => reader(&self.0.path)?,
        };
        let out = {
            let tx = conn.transaction().map_err(StoreError::from)?;
            work(&tx)?
        };
        let mut idle = self.readers();
        if idle.len() < MAX_IDLE_READERS {
            idle.push(conn);
        }
        Ok(out)
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    // Read-write without create: a WAL database needs its -shm file even from those who only read.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(|e| StoreError::open(path, e))?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

fn check_version(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 =
        conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(|e| StoreError::open(path, e))?;
    if found > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if check_version(conn, path)? == VERSION {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(SCHEMA)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("suyuan.db")).unwrap();
        (dir, store)
    }

    #[test]
    fn all_or_nothing() {
        let (_dir, store) = fresh();
        store.write(|tx| results::put(tx, "a", b"1")).unwrap();
        let failed = store.write(|tx| {
            results::put(tx, "a", b"2")?;
            results::put(tx, "b", b"2")?;
            Err::<(), _>(StoreError::ReadOnly)
        });
        assert!(failed.is_err());
        store
            .read(|c| {
                assert_eq!(results::get(c, "a")?.as_deref(), Some(&b"1"[..]));
                assert_eq!(results::get(c, "b")?, None);
                assert_eq!(results::names(c)?, ["a"]);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_second_writer_is_told_who_holds_the_lock() {
        let (dir, store) = fresh();
        let path = dir.path().join("suyuan.db");
        let told = Store::open(&path).err().expect("locked").to_string();
        assert!(told.contains(&std::process::id().to_string()), "{told}");
        let reader = Store::open_read(&path).unwrap();
        store.write(|tx| results::put(tx, "a", b"1")).unwrap();
        assert!(reader.read(|c| results::get(c, "a")).unwrap().is_some());
        assert!(matches!(reader.write(|_| Ok(())), Err(StoreError::ReadOnly)));
        drop(store);
        Store::open(&path).unwrap();
    }

    #[test]
    fn readers_cannot_write() {
        let (_dir, store) = fresh();
        assert!(store.read(|c| Ok(c.execute("DELETE FROM result", [])?)).is_err());
    }

    #[test]
    fn a_newer_database_is_refused() {
        let (dir, store) = fresh();
        store.write(|tx| Ok(tx.pragma_update(None, "user_version", VERSION + 1)?)).unwrap();
        drop(store);
        let told = Store::open(dir.path().join("suyuan.db")).err().expect("newer").to_string();
        assert!(told.contains("newer"), "{told}");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("suyuan.db");
        std::fs::write(&path, vec![7u8; 8192]).unwrap();
        assert!(Store::open(&path).is_err());
        assert!(Store::open_read(dir.path().join("none.db")).is_err());
    }
}
