//! Rows kept aside: what is wrong with each, and enough to read it again once that is mended.

use rusqlite::{Connection, Row, Transaction, params};
use suyuan_model::outcome::Text;

use crate::StoreError;

/// A row that did not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReject {
    /// Line (text) or row (Parquet), from 1; 0 when the whole file could not be read.
    pub line: i64,
    /// The record kind, where known.
    pub record: Option<String>,
    /// The field, where one field is to blame.
    pub field: Option<String>,
    /// What is wrong; never holds personal data.
    pub reason: Text,
    /// What to do.
    pub remedy: Text,
    /// The raw text, sealed by the vault, base64.
    pub sealed: String,
    /// What the intake needs to read the raw text again (format, header, kind or mapping), JSON;
    /// never holds personal data.
    pub context: String,
}

/// A row kept aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReject {
    /// Its number.
    pub id: i64,
    /// The file it came from.
    pub file_id: i64,
    /// What was said of it.
    pub reject: NewReject,
}

/// Keeps a row aside; returns its number.
pub fn add(tx: &Transaction, file_id: i64, reject: &NewReject) -> Result<i64, StoreError> {
    tx.prepare_cached(
        "INSERT INTO reject(file_id, line, record, field, reason_en, reason_zh, remedy_en, remedy_zh, sealed, context)
         VALUES (?,?,?,?,?,?,?,?,?,?)",
    )?
    .execute(params![
        file_id,
        reject.line,
        reject.record,
        reject.field,
        reject.reason.en,
        reject.reason.zh,
        reject.remedy.en,
        reject.remedy.zh,
        reject.sealed,
        reject.context
    ])?;
    Ok(tx.last_insert_rowid())
}

fn stored(r: &Row) -> rusqlite::Result<StoredReject> {
    Ok(StoredReject {
        id: r.get(0)?,
        file_id: r.get(1)?,
        reject: NewReject {
            line: r.get(2)?,
            record: r.get(3)?,
            field: r.get(4)?,
            reason: Text::new(r.get::<_, String>(5)?, r.get::<_, String>(6)?),
            remedy: Text::new(r.get::<_, String>(7)?, r.get::<_, String>(8)?),
            sealed: r.get(9)?,
            context: r.get(10)?,
        },
    })
}

/// The rows still aside, by file and line.
pub fn open(conn: &Connection) -> Result<Vec<StoredReject>, StoreError> {
    let mut all = Vec::new();
    each_open(conn, |r| {
        all.push(r);
        Ok(())
    })?;
    Ok(all)
}

/// Calls `each` for every row still aside, by file and line, without holding them all.
pub fn each_open(
    conn: &Connection,
    mut each: impl FnMut(StoredReject) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT reject_id, file_id, line, record, field, reason_en, reason_zh, remedy_en, remedy_zh, sealed, context
         FROM reject WHERE closed = 0 ORDER BY file_id, line, reject_id",
    )?;
    for row in query.query_map([], stored)? {
        each(row?)?;
    }
    Ok(())
}

/// How many rows are still aside, by file number.
pub fn count_open(conn: &Connection) -> Result<Vec<(i64, u64)>, StoreError> {
    let mut query =
        conn.prepare_cached("SELECT file_id, count(*) FROM reject WHERE closed = 0 GROUP BY 1 ORDER BY 1")?;
    let rows = query.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as u64)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The row has been taken in after all; closing it twice is no error.
pub fn close(tx: &Transaction, id: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE reject SET closed = 1 WHERE reject_id = ?")?.execute([id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, files};

    #[test]
    fn a_row_stays_aside_until_closed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("suyuan.db")).unwrap();
        let file_id = files::reserve(&store).unwrap();
        let file = files::NewFile {
            name: "a".into(),
            sha256: "00".into(),
            bytes: 1,
            mapping: None,
            note: String::new(),
        };
        let reject = NewReject {
            line: 3,
            record: Some("login".into()),
            field: Some("ts".into()),
            reason: Text::new("no time", "没有时间"),
            remedy: Text::new("give it", "补上"),
            sealed: "c2Vh".into(),
            context: "{}".into(),
        };
        let orphan = store.write(|tx| add(tx, 99, &reject));
        assert!(orphan.is_err(), "a reject needs its file");
        let ids = store
            .write(|tx| {
                files::add(tx, file_id, &file)?;
                Ok([add(tx, file_id, &reject)?, add(tx, file_id, &NewReject { line: 1, ..reject.clone() })?])
            })
            .unwrap();
        let aside = store.read(open).unwrap();
        assert_eq!(aside.iter().map(|r| r.id).collect::<Vec<_>>(), [ids[1], ids[0]], "by line");
        assert_eq!(aside[1].reject, reject);
        store.write(|tx| close(tx, ids[0]).and_then(|()| close(tx, ids[0]))).unwrap();
        assert_eq!(store.read(count_open).unwrap(), [(file_id, 1)]);
    }
}
