//! The DuckLake 1.0 catalog in the store's database.
//!
//! A version (DuckLake: snapshot) is a row of `ducklake_snapshot`; a file belongs to the versions from
//! its `begin_snapshot` up to, not including, its `end_snapshot`. Nothing is ever deleted here, so every
//! version stays readable. Numbers are taken from the last version inside the transaction that uses
//! them, which SQLite's write lock makes safe.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_schema::{DataType, TimeUnit};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::LakeError;
use crate::stats;
use crate::table::Table;
use crate::write::NewFile;

const DDL: &str = include_str!("ducklake.sql");
/// DuckLake's own tables have no index beside their keys; these make a commit's look-ups cheap.
const INDEXES: &str = "CREATE INDEX suyuan_data_file ON ducklake_data_file(table_id);
CREATE INDEX suyuan_file_stats ON ducklake_file_column_stats(data_file_id, column_id);";
const FORMAT: &str = "1.0";
/// SQLite's clock, as DuckLake writes it: for people only, nothing here reads it back.
const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f+00', 'now')";

/// A table's numbers in the catalog.
#[derive(Clone, Debug)]
pub(crate) struct TableInfo {
    pub(crate) id: i64,
    /// Column ids by name.
    pub(crate) columns: BTreeMap<String, i64>,
}

/// The numbers of all tables.
pub(crate) type Tables = BTreeMap<Table, TableInfo>;

/// A file of the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its number in the catalog.
    pub id: i64,
    /// Its name in the table's folder.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// The version that brought it.
    pub since: i64,
    /// Time of its first row; `i64::MIN` where unknown, 0 for originals.
    pub min_ts: i64,
    /// Time of its last row; `i64::MAX` where unknown, 0 for originals.
    pub max_ts: i64,
}

/// A row of `ducklake_snapshot`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) id: i64,
    schema_version: i64,
    next_catalog: i64,
    next_file: i64,
}

/// Makes the catalog where there is none, adds tables and columns that this version of the program
/// knows and the catalog does not, and says where the files lie.
pub(crate) fn ensure(tx: &Transaction, data_path: &Path) -> Result<Tables, LakeError> {
    if !exists(tx)? {
        create(tx)?;
    }
    let format: String =
        tx.query_row("SELECT value FROM ducklake_metadata WHERE key = 'version'", [], |r| r.get(0))?;
    if format != FORMAT {
        return Err(LakeError::Catalog(format!(
            "has DuckLake version {format}; this program reads {FORMAT}"
        )));
    }
    let mut path = data_path.to_string_lossy().into_owned();
    if !path.ends_with('/') {
        path.push('/');
    }
    tx.execute("DELETE FROM ducklake_metadata WHERE key = 'data_path' AND value <> ?", [&path])?;
    tx.execute(
        "INSERT INTO ducklake_metadata(key, value) SELECT 'data_path', ?1
         WHERE NOT EXISTS (SELECT 1 FROM ducklake_metadata WHERE key = 'data_path')",
        [&path],
    )?;
    grow(tx)?;
    tables(tx)
}

/// Whether the database holds a catalog.
pub(crate) fn exists(conn: &Connection) -> Result<bool, LakeError> {
    let n: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'ducklake_snapshot'", [], |r| {
            r.get(0)
        })?;
    Ok(n > 0)
}

fn create(tx: &Transaction) -> Result<(), LakeError> {
    tx.execute_batch(DDL)?;
    tx.execute_batch(INDEXES)?;
    for (key, value) in [
        ("version", FORMAT),
        ("created_by", concat!("suyuan ", env!("CARGO_PKG_VERSION"))),
        ("encrypted", "false"),
        ("data_inlining_row_limit", "0"),
    ] {
        tx.execute("INSERT INTO ducklake_metadata(key, value) VALUES (?, ?)", [key, value])?;
    }
    tx.execute(&format!("INSERT INTO ducklake_snapshot VALUES (0, {NOW}, 0, 1, 0)"), [])?;
    tx.execute(
        "INSERT INTO ducklake_snapshot_changes(snapshot_id, changes_made) VALUES (0, 'created_schema:\"main\"')",
        [],
    )?;
    tx.execute("INSERT INTO ducklake_schema VALUES (0, ?, 0, NULL, 'main', 'main/', 1)", [uuid(0)])?;
    Ok(())
}

/// An id of the form other engines expect; numbers are unique within the catalog, so this is.
fn uuid(number: i64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// Adds tables and columns that are new, all in one version.
fn grow(tx: &Transaction) -> Result<(), LakeError> {
    let known = tables(tx)?;
    let mut version = last_version(tx)?;
    version.id += 1;
    version.schema_version += 1;
    let mut changes = Vec::new();
    for table in Table::all() {
        let info = match known.get(&table) {
            Some(info) => info.clone(),
            None => {
                changes.push(format!("created_table:\"main\".\"{}\"", table.name()));
                create_table(tx, table, &mut version)?
            }
        };
        let new = add_columns(tx, table, &info, version.id)?;
        if known.contains_key(&table) && new {
            changes.push(format!("altered_table:{}", info.id));
        }
        if new {
            tx.execute(
                "INSERT INTO ducklake_schema_versions VALUES (?, ?, ?)",
                [version.id, version.schema_version, info.id],
            )?;
        }
    }
    if !changes.is_empty() {
        insert_version(tx, &version, &changes)?;
    }
    Ok(())
}

fn create_table(tx: &Transaction, table: Table, version: &mut Version) -> Result<TableInfo, LakeError> {
    let id = version.next_catalog;
    let sort = id + 1;
    version.next_catalog += 2;
    let name = table.name();
    tx.execute(
        "INSERT INTO ducklake_table VALUES (?, ?, ?, NULL, 0, ?, ?, 1)",
        params![id, uuid(id), version.id, name, format!("{name}/")],
    )?;
    tx.execute("INSERT INTO ducklake_table_stats VALUES (?, 0, 0, 0)", [id])?;
    tx.execute("INSERT INTO ducklake_sort_info VALUES (?, ?, ?, NULL)", [sort, id, version.id])?;
    for (i, column) in table.key_columns().iter().enumerate() {
        tx.execute(
            "INSERT INTO ducklake_sort_expression VALUES (?, ?, ?, ?, 'duckdb', 'ASC', 'NULLS_LAST')",
            params![sort, id, i as i64, format!("\"{column}\"")],
        )?;
    }
    Ok(TableInfo { id, columns: BTreeMap::new() })
}

/// Adds the columns that the catalog lacks; says whether there were any.
fn add_columns(tx: &Transaction, table: Table, info: &TableInfo, version: i64) -> Result<bool, LakeError> {
    let next = info.columns.values().max().map_or(1, |m| m + 1);
    let schema = table.schema();
    let new = schema.fields().iter().filter(|f| !info.columns.contains_key(f.name()));
    for (id, field) in (next..).zip(new) {
        tx.execute(
            "INSERT INTO ducklake_column VALUES (?1, ?2, NULL, ?3, ?1, ?4, ?5, NULL, 'NULL', ?6, NULL, 'literal', 'duckdb')",
            params![id, version, info.id, field.name(), type_name(field.data_type()), field.is_nullable()],
        )?;
        tx.execute(
            "INSERT INTO ducklake_table_column_stats(table_id, column_id, contains_null) VALUES (?, ?, ?)",
            params![info.id, id, field.is_nullable()],
        )?;
    }
    Ok(schema.fields().iter().any(|f| !info.columns.contains_key(f.name())))
}

fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamptz".into(),
        DataType::Utf8 => "varchar".into(),
        DataType::Int64 => "int64".into(),
        DataType::Date32 => "date".into(),
        DataType::Float64 => "float64".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Binary => "blob".into(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        other => unreachable!("no column of the model has type {other}"),
    }
}

/// The numbers of the tables that the program knows.
pub(crate) fn tables(conn: &Connection) -> Result<Tables, LakeError> {
    let mut found = Tables::new();
    let mut query = conn.prepare(
        "SELECT t.table_name, t.table_id, c.column_name, c.column_id, c.column_type
         FROM ducklake_table t JOIN ducklake_column c ON c.table_id = t.table_id
         WHERE t.end_snapshot IS NULL AND c.end_snapshot IS NULL AND c.parent_column IS NULL ORDER BY 2, 4",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (name, id): (String, i64) = (row.get(0)?, row.get(1)?);
        let (column, column_id, ty): (String, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let Some(table) = Table::all().find(|t| t.name() == name) else { continue };
        if let Ok(field) = table.schema().field_with_name(&column)
            && type_name(field.data_type()) != ty
        {
            return Err(LakeError::Catalog(format!(
                "has column `{column}` of table `{name}` as {ty}, this program as {}",
                type_name(field.data_type())
            )));
        }
        let info = found.entry(table).or_insert_with(|| TableInfo { id, columns: BTreeMap::new() });
        info.columns.insert(column, column_id);
    }
    Ok(found)
}

/// The newest version.
pub(crate) fn last_version(conn: &Connection) -> Result<Version, LakeError> {
    Ok(conn
        .prepare_cached(
            "SELECT snapshot_id, schema_version, next_catalog_id, next_file_id
             FROM ducklake_snapshot ORDER BY 1 DESC LIMIT 1",
        )?
        .query_row([], |r| {
            Ok(Version {
                id: r.get(0)?,
                schema_version: r.get(1)?,
                next_catalog: r.get(2)?,
                next_file: r.get(3)?,
            })
        })?)
}

/// Whether there is such a version.
pub(crate) fn has_version(conn: &Connection, id: i64) -> Result<bool, LakeError> {
    let found = conn
        .query_row("SELECT 1 FROM ducklake_snapshot WHERE snapshot_id = ?", [id], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn insert_version(tx: &Transaction, version: &Version, changes: &[String]) -> Result<(), LakeError> {
    tx.execute(
        &format!("INSERT INTO ducklake_snapshot VALUES (?, {NOW}, ?, ?, ?)"),
        [version.id, version.schema_version, version.next_catalog, version.next_file],
    )?;
    tx.execute(
        "INSERT INTO ducklake_snapshot_changes(snapshot_id, changes_made) VALUES (?, ?)",
        params![version.id, changes.join(",")],
    )?;
    Ok(())
}

/// The files of a table at a version, in the order of their numbers.
pub(crate) fn files(
    conn: &Connection,
    table: Table,
    info: &TableInfo,
    version: i64,
) -> Result<Vec<DataFile>, LakeError> {
    let ts = info.columns.get("ts").copied().unwrap_or(-1);
    let mut query = conn.prepare_cached(
        "SELECT f.data_file_id, f.path, f.record_count, f.file_size_bytes, f.begin_snapshot, s.min_value, s.max_value
         FROM ducklake_data_file f
         LEFT JOIN ducklake_file_column_stats s ON s.data_file_id = f.data_file_id AND s.column_id = ?2
         WHERE f.table_id = ?1 AND f.begin_snapshot <= ?3 AND (f.end_snapshot IS NULL OR f.end_snapshot > ?3)
         ORDER BY f.data_file_id",
    )?;
    let files = query.query_map([info.id, ts, version], |r| {
        let read = |text: Option<String>| text.as_deref().and_then(stats::read_ts);
        let known = table != Table::Original;
        Ok(DataFile {
            id: r.get(0)?,
            name: r.get(1)?,
            rows: r.get::<_, i64>(2)? as u64,
            bytes: r.get::<_, i64>(3)? as u64,
            since: r.get(4)?,
            min_ts: if known { read(r.get(5)?).unwrap_or(i64::MIN) } else { 0 },
            max_ts: if known { read(r.get(6)?).unwrap_or(i64::MAX) } else { 0 },
        })
    })?;
    let files = files.collect::<Result<Vec<_>, _>>()?;
    match files.iter().find(|f| f.name.contains(['/', '\\']) || f.name.starts_with('.')) {
        Some(f) => Err(LakeError::Catalog(format!("names a file outside its table's folder: `{}`", f.name))),
        None => Ok(files),
    }
}

/// The names of all files of a table, of any version.
pub(crate) fn all_names(conn: &Connection, info: &TableInfo) -> Result<Vec<String>, LakeError> {
    let mut query =
        conn.prepare_cached("SELECT path FROM ducklake_data_file WHERE table_id = ? ORDER BY 1")?;
    Ok(query.query_map([info.id], |r| r.get(0))?.collect::<Result<_, _>>()?)
}

/// What one version changes in one table.
pub(crate) struct Change<'a> {
    pub(crate) table: Table,
    pub(crate) info: &'a TableInfo,
    /// Numbers of the files that end.
    pub(crate) remove: Vec<i64>,
    /// Files that begin.
    pub(crate) add: &'a [NewFile],
}

/// Writes one version with all changes; returns its number.
pub(crate) fn commit(tx: &Transaction, word: &str, changes: &[Change]) -> Result<i64, LakeError> {
    let mut version = last_version(tx)?;
    version.id += 1;
    for change in changes {
        let (mut rows, mut bytes) = (0, 0);
        for &file in &change.remove {
            let (r, b) = end_file(tx, file, version.id)?;
            rows -= r;
            bytes -= b;
        }
        for file in change.add {
            add_file(tx, change, file, &mut version)?;
            rows += file.rows as i64;
            bytes += file.bytes as i64;
        }
        tx.execute(
            "UPDATE ducklake_table_stats SET record_count = record_count + ?2, file_size_bytes = file_size_bytes + ?3
             WHERE table_id = ?1",
            [change.info.id, rows, bytes],
        )?;
        widen(tx, change)?;
    }
    let words: Vec<_> = changes.iter().map(|c| format!("{word}:{}", c.info.id)).collect();
    insert_version(tx, &version, &words)?;
    Ok(version.id)
}

fn end_file(tx: &Transaction, id: i64, version: i64) -> Result<(i64, i64), LakeError> {
    let done = tx
        .prepare_cached(
            "UPDATE ducklake_data_file SET end_snapshot = ? WHERE data_file_id = ? AND end_snapshot IS NULL",
        )?
        .execute([version, id])?;
    if done != 1 {
        return Err(LakeError::Catalog(format!(
            "has ended file {id} already: someone else changed the lake; nothing was changed here, run it again"
        )));
    }
    Ok(tx.query_row(
        "SELECT record_count, file_size_bytes FROM ducklake_data_file WHERE data_file_id = ?",
        [id],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?)
}

fn add_file(
    tx: &Transaction,
    change: &Change,
    file: &NewFile,
    version: &mut Version,
) -> Result<(), LakeError> {
    let (id, table) = (version.next_file, change.info.id);
    version.next_file += 1;
    tx.prepare_cached(
        "INSERT INTO ducklake_data_file VALUES (?1, ?2, ?3, NULL, NULL, ?4, 1, 'parquet', ?5, ?6, ?7,
         (SELECT next_row_id FROM ducklake_table_stats WHERE table_id = ?2), NULL, NULL, NULL, NULL)",
    )?
    .execute(params![
        id,
        table,
        version.id,
        file.name(),
        file.rows as i64,
        file.bytes as i64,
        file.footer
    ])?;
    tx.prepare_cached("UPDATE ducklake_table_stats SET next_row_id = next_row_id + ? WHERE table_id = ?")?
        .execute([file.rows as i64, table])?;
    let mut insert =
        tx.prepare_cached("INSERT INTO ducklake_file_column_stats VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)")?;
    for (field, s) in change.table.schema().fields().iter().zip(&file.stats) {
        let column = change.info.columns[field.name()];
        insert.execute(params![id, table, column, s.bytes, s.values, s.nulls, s.min, s.max, s.nan])?;
    }
    Ok(())
}

/// Widens the table's range of times; of other columns the table's statistics say nothing.
fn widen(tx: &Transaction, change: &Change) -> Result<(), LakeError> {
    let Some(&ts) = change.info.columns.get("ts") else { return Ok(()) };
    let key = [change.info.id, ts];
    let (min, max): (Option<String>, Option<String>) = tx.query_row(
        "SELECT min_value, max_value FROM ducklake_table_column_stats WHERE table_id = ? AND column_id = ?",
        key,
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let mins = change.add.iter().map(|f| f.first.ts).chain(min.as_deref().and_then(stats::read_ts));
    let maxs = change.add.iter().map(|f| f.last.ts).chain(max.as_deref().and_then(stats::read_ts));
    let (min, max) = (mins.min().and_then(stats::write_ts), maxs.max().and_then(stats::write_ts));
    tx.execute(
        "UPDATE ducklake_table_column_stats SET min_value = ?3, max_value = ?4 WHERE table_id = ?1 AND column_id = ?2",
        params![key[0], key[1], min, max],
    )?;
    Ok(())
}
