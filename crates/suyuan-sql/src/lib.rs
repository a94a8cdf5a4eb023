//! SQL over one version of the lake, in process (DataFusion).
//!
//! Every record kind is a table of its own name. A query reads the files that the catalog names for the
//! version, never the folder, so that orphans and files of other versions cannot slip in. It can only
//! read: statements that make, change or copy anything are refused before they run.
//!
//! Always so: a query ends, with its rows or with an error, at its deadline; the memory of its sorts,
//! joins and groups is bounded; no more rows than asked for are held.
//!
//! Blind spots: without `ORDER BY` the order of the rows is not defined; sums of measured numbers may
//! differ in their last digit from run to run (money is decimal and exact); the sealed originals are not
//! a table here. After a deadline the engine's threads go on until their operator next yields. The only crate that names DataFusion; nothing on the path from records to case needs it.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use suyuan_lake::{Snapshot, Table};
use suyuan_model::Kind;

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It does not parse, names what is not there, or changes something.
    #[error("cannot plan the query: {0}; the tables are {kinds}", kinds = kinds())]
    Plan(DataFusionError),
    /// It failed while running.
    #[error("the query failed: {0}")]
    Run(DataFusionError),
    /// It needed more memory than allowed.
    #[error("the query needs more than {0} MB of memory; ask for less, or raise the limit")]
    Memory(usize),
    /// It took too long.
    #[error(
        "the query was stopped at its deadline of {0} s; narrow it (a range of `ts` helps most) or raise the deadline"
    )]
    Deadline(u64),
    /// The files of the version could not be registered.
    #[error("cannot open the lake's files: {0}")]
    Files(DataFusionError),
    /// A fault of the engine.
    #[error("the query's engine stopped; its own message stands on stderr")]
    Stopped,
    /// No threads.
    #[error("cannot start the query's threads: {0}")]
    Threads(std::io::Error),
}

fn kinds() -> String {
    Kind::ALL.iter().map(|k| k.name()).collect::<Vec<_>>().join(", ")
}

/// Bounds of a query.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When it is stopped.
    pub deadline: Duration,
    /// Bytes that its operators may hold.
    pub memory: usize,
    /// Rows that are kept of the answer; [`Answer::more`] tells that there were more.
    pub rows: usize,
    /// Threads.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            deadline: Duration::from_secs(300),
            memory: 512 << 20,
            rows: 100_000,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// The rows of a query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// Whether the answer had more rows than were asked for.
    pub more: bool,
}

impl Answer {
    /// Rows held.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows as a table of text, as a terminal shows them.
    ///
    /// # Errors
    /// A column of a type that has no text.
    pub fn table(&self) -> Result<String, SqlError> {
        let empty;
        let batches = match self.batches.is_empty() {
            true => {
                empty = [RecordBatch::new_empty(self.schema.clone())];
                &empty[..]
            }
            false => &self.batches,
        };
        let text = pretty_format_batches(batches).map_err(|e| SqlError::Run(e.into()))?;
        Ok(text.to_string())
    }
}

impl Answer {
    /// The rows as JSON: an array of objects whose values are text as the terminal shows it, or null.
    ///
    /// # Errors
    /// A column of a type that has no text.
    pub fn json(&self) -> Result<String, SqlError> {
        let options = FormatOptions::default();
        let failed = |e: datafusion::arrow::error::ArrowError| SqlError::Run(e.into());
        let mut rows = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            let columns = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options));
            let columns = columns.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            for i in 0..batch.num_rows() {
                let mut row = serde_json::Map::new();
                for ((field, column), array) in self.schema.fields().iter().zip(&columns).zip(batch.columns())
                {
                    let value = array
                        .is_valid(i)
                        .then(|| column.value(i).try_to_string())
                        .transpose()
                        .map_err(failed)?;
                    row.insert(field.name().clone(), value.into());
                }
                rows.push(serde_json::Value::Object(row));
            }
        }
        Ok(serde_json::Value::Array(rows).to_string())
    }
}

/// Runs one query over a version of the lake.
///
/// # Errors
/// See [`SqlError`]; whatever it is, the lake is as before.
pub fn query(snapshot: &Snapshot, sql: &str, limits: &Limits) -> Result<Answer, SqlError> {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(limits.threads.max(1))
        .enable_all()
        .build()
        .map_err(SqlError::Threads)?;
    let (snapshot, sql, limits) = (snapshot.clone(), sql.to_owned(), *limits);
    // The clock is this thread's own: operators that do not yield could hold up a runtime's timer.
    let (tell, told) = mpsc::channel();
    threads.spawn(async move {
        // Nobody listens any more after the deadline.
        let _ = tell.send(run(&snapshot, &sql, &limits).await);
    });
    let answer = told.recv_timeout(limits.deadline);
    threads.shutdown_background();
    match answer {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(SqlError::Deadline(limits.deadline.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err(SqlError::Stopped),
    }
}

async fn run(snapshot: &Snapshot, sql: &str, limits: &Limits) -> Result<Answer, SqlError> {
    let context = context(snapshot, limits)?;
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(sql, read_only).await.map_err(SqlError::Plan)?;
    let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
    let failed = |e: DataFusionError| match e.find_root() {
        DataFusionError::ResourcesExhausted(_) => SqlError::Memory(limits.memory >> 20),
        _ => SqlError::Run(e),
    };
    // One row more than wanted tells whether there are more.
    let one_more = limits.rows.saturating_add(1);
    let frame = match frame.logical_plan() {
        // What explains a plan must stand at its root, and is short.
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => frame,
        _ => frame.limit(0, Some(one_more)).map_err(SqlError::Plan)?,
    };
    let mut batches = frame.collect().await.map_err(failed)?;
    let more = batches.iter().map(RecordBatch::num_rows).sum::<usize>() > limits.rows;
    if more {
        cut(&mut batches, limits.rows);
    }
    Ok(Answer { schema, batches, more })
}

/// Keeps the first `rows`.
fn cut(batches: &mut Vec<RecordBatch>, rows: usize) {
    let mut left = rows;
    for batch in batches.iter_mut() {
        *batch = batch.slice(0, left.min(batch.num_rows()));
        left -= batch.num_rows();
    }
    batches.retain(|b| b.num_rows() > 0);
}

fn context(snapshot: &Snapshot, limits: &Limits) -> Result<SessionContext, SqlError> {
    let config = SessionConfig::new()
        .with_target_partitions(limits.threads.max(1))
        .with_information_schema(true)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        .set_str("datafusion.execution.time_zone", "+00:00");
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_limit(limits.memory, 1.0)
        .build_arc()
        .map_err(SqlError::Files)?;
    let context = SessionContext::new_with_config_rt(config, runtime);
    for kind in Kind::ALL {
        let table = provider(snapshot, *kind).map_err(SqlError::Files)?;
        context.register_table(kind.name(), table).map_err(SqlError::Files)?;
    }
    Ok(context)
}

/// A kind's files of the version as a table; a kind without files is an empty table.
fn provider(snapshot: &Snapshot, kind: Kind) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let paths = snapshot.paths(Table::Kind(kind));
    if paths.is_empty() {
        return Ok(Arc::new(MemTable::try_new(kind.schema(), vec![vec![]])?));
    }
    let urls =
        paths.iter().map(|p| ListingTableUrl::parse(p.to_string_lossy())).collect::<Result<Vec<_>, _>>()?;
    let format = ParquetFormat::default().with_force_view_types(false);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(kind.schema());
    Ok(Arc::new(ListingTable::try_new(config)?))
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use suyuan_lake::Lake;
    use suyuan_model::fixture;
    use suyuan_store::Store;

    fn lake() -> (tempfile::TempDir, Lake) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("suyuan.db")).unwrap();
        let lake = Lake::open(&store, dir.path().join("lake")).unwrap();
        for day in 1..=3 {
            let mut load = lake.load();
            let rows: Vec<_> = (0..10)
                .map(|i| {
                    json!({"ts": format!("2020-03-0{day}T0{i}:00:00+08:00"), "seq": day * 100 + i,
                        "payee": format!("a{}", i % 2), "card": "8986", "amount_cny": "12.50", "month": "2020-03"})
                })
                .collect();
            load.append(Kind::Commission, fixture::batch(Kind::Commission, &rows).unwrap()).unwrap();
            load.commit(|_, _| Ok(())).unwrap();
        }
        (dir, lake)
    }

    fn ask(snapshot: &Snapshot, sql: &str) -> String {
        query(snapshot, sql, &Limits::default()).unwrap().table().unwrap()
    }

    #[test]
    fn a_version_is_asked_and_no_other() {
        let (_dir, lake) = lake();
        let sql = "SELECT payee, count(*) AS n, sum(amount_cny) AS yuan FROM commission GROUP BY payee ORDER BY payee";
        let newest = ask(&lake.snapshot(None).unwrap(), sql);
        assert_eq!(
            newest,
            "+-------+----+--------+\n| payee | n  | yuan   |\n+-------+----+--------+\n\
             | a0    | 15 | 187.50 |\n| a1    | 15 | 187.50 |\n+-------+----+--------+"
        );
        let first = ask(&lake.snapshot(Some(2)).unwrap(), sql);
        assert!(first.contains("| a0    | 5 | 62.50 |"), "{first}");
        lake.compact().unwrap();
        assert_eq!(ask(&lake.snapshot(None).unwrap(), sql), newest);
        assert_eq!(ask(&lake.snapshot(Some(2)).unwrap(), sql), first);
    }

    #[test]
    fn time_ranges_windows_and_empty_tables_work() {
        let (_dir, lake) = lake();
        let snapshot = lake.snapshot(None).unwrap();
        let text = ask(
            &snapshot,
            "SELECT count(*) AS n, min(ts) AS first FROM commission
             WHERE ts >= TIMESTAMP '2020-03-01T16:00:00Z' AND ts < TIMESTAMP '2020-03-02T16:00:00Z'",
        );
        assert!(text.contains("| 10 | 2020-03-01T16:00:00Z |"), "{text}");
        assert!(ask(&snapshot, "SELECT count(*) AS n FROM opening").contains("| 0 |"));
        let gaps = "SELECT max(ts - before) FROM (SELECT ts, lag(ts) OVER (ORDER BY ts, seq) AS before FROM commission)";
        let gaps = ask(&snapshot, gaps);
        assert!(gaps.contains("PT54000S"), "{gaps}"); // 15 hours
        let none = query(&snapshot, "SELECT card FROM opening", &Limits::default()).unwrap();
        assert!(none.rows() == 0 && none.table().unwrap().contains("card"));
        assert!(ask(&snapshot, "EXPLAIN SELECT card FROM commission").contains("commission"));
    }

    #[test]
    fn what_would_change_something_is_refused() {
        let (dir, lake) = lake();
        let snapshot = lake.snapshot(None).unwrap();
        let out = dir.path().join("out.csv");
        for sql in [
            "INSERT INTO commission SELECT * FROM commission".to_owned(),
            "CREATE TABLE x AS SELECT 1".to_owned(),
            "DROP TABLE commission".to_owned(),
            format!("COPY commission TO '{}'", out.display()),
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'".to_owned(),
            "SET datafusion.execution.target_partitions = 1".to_owned(),
            "SELECT * FROM '/etc/passwd'".to_owned(),
            "SELECT * FROM no_such_table".to_owned(),
            "SELEKT 1".to_owned(),
        ] {
            let told = query(&snapshot, &sql, &Limits::default()).err();
            assert!(matches!(told, Some(SqlError::Plan(_))), "{sql}: {told:?}");
        }
        assert!(!out.exists());
    }

    #[test]
    fn a_query_ends_at_its_deadline_and_its_limits() {
        let (_dir, lake) = lake();
        let snapshot = lake.snapshot(None).unwrap();
        let slow = "SELECT count(*) FROM commission a, commission b, commission c, commission d, commission e,
                    commission f, commission g WHERE a.seq + b.seq + c.seq + d.seq + e.seq + f.seq + g.seq = 1";
        let limits = Limits { deadline: Duration::from_millis(500), ..Limits::default() };
        assert!(matches!(query(&snapshot, slow, &limits), Err(SqlError::Deadline(_))));
        let few = query(
            &snapshot,
            "SELECT * FROM commission ORDER BY ts",
            &Limits { rows: 7, ..Limits::default() },
        );
        let few = few.unwrap();
        assert_eq!((few.rows(), few.more), (7, true));
        let all =
            query(&snapshot, "SELECT * FROM commission", &Limits { rows: 30, ..Limits::default() }).unwrap();
        assert_eq!((all.rows(), all.more), (30, false));
    }
}
