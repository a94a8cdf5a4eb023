//! Results by name: findings, trace, cases. Each is whole, and replaced as a whole.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::StoreError;

/// Puts a document in place of the one of that name.
pub fn put(tx: &Transaction, name: &str, body: &[u8]) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO result(name, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
    )?
    .execute(params![name, body])?;
    Ok(())
}

/// The document of that name.
pub fn get(conn: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT body FROM result WHERE name = ?")?
        .query_row([name], |r| r.get(0))
        .optional()?)
}

/// Removes the document of that name, if there is one.
pub fn remove(tx: &Transaction, name: &str) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM result WHERE name = ?")?.execute([name])?;
    Ok(())
}

/// The names of all documents, sorted.
pub fn names(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut query = conn.prepare_cached("SELECT name FROM result ORDER BY name")?;
    Ok(query.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
}
