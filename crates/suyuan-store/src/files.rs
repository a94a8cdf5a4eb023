//! Input files: what was taken in, by which bytes and which mapping.
//!
//! A row of the lake cites its file's number, so the number is needed before the rows are made:
//! [`reserve`] gives it out, [`add`] makes the file known in the load's own transaction. A load that
//! fails leaves no file behind; its numbers are given out again by the next process.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::{Store, StoreError};

/// A file about to be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// The name, as the user gave it.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The mapping that read it; `None` for a native file.
    pub mapping: Option<String>,
    /// What the intake wants to remember of it, JSON; may be empty.
    pub note: String,
}

/// A file that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its number; rows cite it.
    pub file_id: i64,
    /// What was said of it when it came.
    pub file: NewFile,
}

/// Rows of one file and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCount {
    /// The file.
    pub file_id: i64,
    /// The record kind's name.
    pub kind: String,
    /// Rows taken into the lake.
    pub taken: u64,
    /// Rows that it held already.
    pub known: u64,
}

/// The next file number. It is nobody else's until this process ends.
pub fn reserve(store: &Store) -> Result<i64, StoreError> {
    if !store.writable() {
        return Err(StoreError::ReadOnly);
    }
    Ok(store.0.next_file.fetch_add(1, Ordering::Relaxed))
}

/// Makes the file of that reserved number known.
pub fn add(tx: &Transaction, file_id: i64, file: &NewFile) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO input_file(file_id, name, sha256, bytes, mapping, note) VALUES (?,?,?,?,?,?)",
    )?
    .execute(params![file_id, file.name, file.sha256, file.bytes as i64, file.mapping, file.note])?;
    Ok(())
}

/// Adds rows to a file's counts.
pub fn add_count(tx: &Transaction, count: &FileCount) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO input_count(file_id, kind, taken, known) VALUES (?,?,?,?)
         ON CONFLICT DO UPDATE SET taken = taken + excluded.taken, known = known + excluded.known",
    )?
    .execute(params![count.file_id, count.kind, count.taken as i64, count.known as i64])?;
    Ok(())
}

const COLUMNS: &str = "file_id, name, sha256, bytes, mapping, note";

fn stored(row: &Row) -> rusqlite::Result<StoredFile> {
    Ok(StoredFile {
        file_id: row.get(0)?,
        file: NewFile {
            name: row.get(1)?,
            sha256: row.get(2)?,
            bytes: row.get::<_, i64>(3)? as u64,
            mapping: row.get(4)?,
            note: row.get(5)?,
        },
    })
}

/// The file of these bytes that this mapping has read before.
pub fn by_sha(
    conn: &Connection,
    sha256: &str,
    mapping: Option<&str>,
) -> Result<Option<StoredFile>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM input_file WHERE sha256 = ? AND mapping IS ? ORDER BY file_id LIMIT 1"
    );
    Ok(conn.prepare_cached(&sql)?.query_row(params![sha256, mapping], stored).optional()?)
}

/// All files, in the order in which they came.
pub fn all(conn: &Connection) -> Result<Vec<StoredFile>, StoreError> {
    let mut query = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM input_file ORDER BY file_id"))?;
    Ok(query.query_map([], stored)?.collect::<Result<_, _>>()?)
}

/// Row counts of all files, by file and kind.
pub fn counts(conn: &Connection) -> Result<Vec<FileCount>, StoreError> {
    let mut query =
        conn.prepare_cached("SELECT file_id, kind, taken, known FROM input_count ORDER BY file_id, kind")?;
    let rows = query.query_map([], |r| {
        Ok(FileCount {
            file_id: r.get(0)?,
            kind: r.get(1)?,
            taken: r.get::<_, i64>(2)? as u64,
            known: r.get::<_, i64>(3)? as u64,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, mapping: Option<&str>) -> NewFile {
        NewFile {
            name: name.into(),
            sha256: "ab".repeat(32),
            bytes: 7,
            mapping: mapping.map(Into::into),
            note: String::new(),
        }
    }

    #[test]
    fn a_file_is_known_by_bytes_and_mapping_once_committed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("suyuan.db");
        let store = Store::open(&path).unwrap();
        let (a, b) = (reserve(&store).unwrap(), reserve(&store).unwrap());
        assert_eq!((a, b), (1, 2));
        let failed = store.write(|tx| {
            add(tx, a, &file("a", None))?;
            Err::<(), _>(StoreError::caller("no"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no");
        store
            .write(|tx| {
                add(tx, b, &file("b", Some("m")))?;
                let count = FileCount { file_id: b, kind: "login".into(), taken: 3, known: 1 };
                add_count(tx, &count)?;
                add_count(tx, &count)
            })
            .unwrap();
        store
            .read(|c| {
                let sha = "ab".repeat(32);
                assert_eq!(by_sha(c, &sha, None)?, None);
                assert_eq!(by_sha(c, &sha, Some("m"))?.unwrap().file_id, b);
                assert_eq!(all(c)?.len(), 1);
                assert_eq!(counts(c)?, [FileCount { file_id: b, kind: "login".into(), taken: 6, known: 2 }]);
                Ok(())
            })
            .unwrap();
        drop(store);
        assert_eq!(reserve(&Store::open(&path).unwrap()).unwrap(), 3);
    }
}
