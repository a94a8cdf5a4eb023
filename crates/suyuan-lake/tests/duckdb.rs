//! The real DuckDB attaches the lake read-only and must see the same rows and versions.
//!
//! DuckDB is an engine that nobody here wrote: where it agrees, the catalog is a DuckLake and not merely
//! something that this program can read. `SUYUAN_PYTHON` names a Python with `duckdb`,
//! `duckdb-extensions`, `duckdb-extension-ducklake`, `duckdb-extension-sqlite-scanner` 1.5.5 and `pytz`.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use common::{Dice, Row, batch, load, open, originals, tight};
use suyuan_lake::{Options, Snapshot};
use suyuan_model::Kind;
use suyuan_model::columns::Key;
use suyuan_model::scan::{RowSource, Want, for_each_run};

const SCRIPT: &str = r#"
import sys, duckdb
from duckdb_extensions import import_extension
for e in ("ducklake", "sqlite_scanner"):
    import_extension(e)
c = duckdb.connect()
c.execute("LOAD sqlite; LOAD ducklake; SET TimeZone = 'UTC'")
c.execute(f"ATTACH 'ducklake:sqlite:{sys.argv[1]}' AS lake (READ_ONLY)")
print("snapshots", ",".join(str(r[0]) for r in c.execute("SELECT snapshot_id FROM ducklake_snapshots('lake') ORDER BY 1").fetchall()))
for version in sys.argv[2].split(","):
    for kind in sys.argv[3].split(","):
        n, lines, low, high = c.execute(f"""SELECT count(*), coalesce(sum(line), 0), coalesce(min(epoch_us(ts)), 0),
            coalesce(max(epoch_us(ts)), 0) FROM lake.{kind} AT (VERSION => {version})""").fetchone()
        part, = c.execute(f"""SELECT count(*) FROM lake.{kind} AT (VERSION => {version})
            WHERE ts >= make_timestamptz(1000) AND ts < make_timestamptz(2000)""").fetchone()
        print(version, kind, n, lines, low, high, part)
try:
    c.execute("DELETE FROM lake.login")
    print("written")
except Exception:
    print("read only")
# Every value of every column, as DuckDB reads it.
cols = [r[0] for r in c.execute("DESCRIBE lake.opening").fetchall()]
def text(col):
    return f"coalesce(CASE WHEN typeof({col}) LIKE 'TIMESTAMP%' THEN epoch_us(TRY_CAST({col} AS TIMESTAMPTZ))::VARCHAR ELSE {col}::VARCHAR END, '')"
for r in c.execute("SELECT concat_ws('|', " + ", ".join(text('"%s"' % x) for x in cols) + ") FROM lake.opening ORDER BY ts, source, seq LIMIT 50").fetchall():
    print("row", r[0])
print("original", *c.execute("SELECT count(*), count(DISTINCT token), min(decode(sealed)) FROM lake.original").fetchone())
print("types", ",".join(f"{r[0]}:{r[1]}" for r in c.execute("DESCRIBE lake.commission").fetchall()))
# What statistics prune or answer must be what reading every row gives.
wrong = []
for kind in sys.argv[3].split(","):
    for x in [r[0] for r in c.execute(f"DESCRIBE lake.{kind}").fetchall()]:
        least, most, all_least, all_most = c.execute(f"""SELECT min("{x}"), max("{x}"), list_min(list("{x}")), list_max(list("{x}")) FROM lake.{kind}""").fetchone()
        if (least, most) != (all_least, all_most):
            wrong.append(f"{kind}.{x}: min, max")
        for v in {least, most, c.execute(f"""SELECT "{x}" FROM lake.{kind} WHERE "{x}" IS NOT NULL LIMIT 1""").fetchone()[0]}:
            n, = c.execute(f"""SELECT count(*) FROM lake.{kind} WHERE "{x}" = ?""", [v]).fetchone()
            m, = c.execute(f"""SELECT count(*) FROM (SELECT unnest(list("{x}")) AS x FROM lake.{kind}) WHERE x = ?""", [v]).fetchone()
            if n != m or n == 0:
                wrong.append(f"{kind}.{x} = {v}: {n} pruned, {m} read")
        n, = c.execute(f"""SELECT count(*) FROM lake.{kind} WHERE "{x}" IS NULL""").fetchone()
        m, = c.execute(f"""SELECT count(*) - count("{x}") FROM lake.{kind}""").fetchone()
        if n != m:
            wrong.append(f"{kind}.{x}: nulls")
print("wrong", *wrong)
"#;

fn duckdb(db: &Path, versions: &[i64]) -> String {
    let python = std::env::var_os("SUYUAN_PYTHON").expect(
        "this test needs the real DuckDB: set SUYUAN_PYTHON to a Python that has it, for example\n  \
         python3 -m venv DIR && DIR/bin/pip install duckdb==1.5.5 duckdb-extensions==1.5.5 \
         duckdb-extension-ducklake==1.5.5 duckdb-extension-sqlite-scanner==1.5.5 pytz\n  \
         SUYUAN_PYTHON=DIR/bin/python cargo test\n(`cargo xtask test` does both)",
    );
    let versions: Vec<String> = versions.iter().map(i64::to_string).collect();
    let kinds = KINDS.map(Kind::name).join(",");
    let out =
        Command::new(python).args(["-c", SCRIPT]).arg(db).args([versions.join(","), kinds]).output().unwrap();
    assert!(out.status.success(), "DuckDB failed:\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

const KINDS: [Kind; 4] = [Kind::Login, Kind::Opening, Kind::Commission, Kind::Usage];

/// What DuckDB must print of one version and kind.
fn expected(snapshot: &Snapshot, kind: Kind, out: &mut String) {
    let (mut n, mut lines, mut part) = (0u64, 0, 0);
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for_each_run(snapshot, &[Want::all(kind)], |_, batch, rows| {
        let key = Key::bind(batch);
        for r in rows.map(|i| key.row(kind, i)) {
            n += 1;
            lines += r.line;
            low = low.min(r.ts);
            high = high.max(r.ts);
            part += u64::from((1000..2000).contains(&r.ts));
        }
    })
    .unwrap();
    assert_eq!(n, snapshot.count(kind));
    if n == 0 {
        (low, high) = (0, 0);
    }
    writeln!(out, "{} {} {n} {lines} {low} {high} {part}", snapshot.id(), kind.name()).unwrap();
}

#[test]
fn duckdb_sees_the_same_rows_and_versions() {
    let dir = tempfile::tempdir().unwrap();
    let (store, lake) = open(dir.path(), Options { file_bytes: 96 << 20, ..tight(1 << 20, 2) });
    let mut dice = Dice(11);
    let mut line = 0;
    for n in 0..6 {
        let batches = KINDS.map(|kind| {
            let rows: Vec<Row> = (0..300)
                .map(|i| {
                    line += 1;
                    Row { ts: dice.roll(4_000) as i64, source: "s".into(), seq: n * 150 + i, file: n, line }
                })
                .collect();
            (kind, batch(kind, &rows))
        });
        load(&lake, batches);
    }
    let mut more = lake.load();
    more.originals(originals(&["b".into(), "a".into(), "b".into()])).unwrap();
    more.commit(|_, _| Ok(())).unwrap();

    let db = dir.path().join("suyuan.db");
    let check = |label: &str| {
        let last = lake.snapshot(None).unwrap().id();
        let versions: Vec<i64> = (1..=last).collect();
        let told = duckdb(&db, &versions);
        let mut want = String::new();
        writeln!(want, "snapshots {}", (0..=last).map(|v| v.to_string()).collect::<Vec<_>>().join(","))
            .unwrap();
        for v in versions {
            let snapshot = lake.snapshot(Some(v)).unwrap();
            KINDS.iter().for_each(|k| expected(&snapshot, *k, &mut want));
        }
        assert!(told.starts_with(&want), "{label}: DuckDB says\n{told}\nthe lake says\n{want}");
        told[want.len()..].to_owned()
    };
    let before = check("before compaction");
    let lines: Vec<&str> = before.lines().collect();
    assert_eq!(lines[0], "read only");
    assert!(lines.contains(&"original 2 2 sealed a"), "{before}");
    assert!(lines.contains(&"wrong"), "{before}");
    assert!(
        before.contains("amount_cny:DECIMAL(18,2)") && before.contains("ts:TIMESTAMP WITH TIME ZONE"),
        "{before}"
    );
    assert_eq!(lines.iter().filter(|l| l.starts_with("row ")).count(), 50);
    assert_eq!(
        rows_of_openings(&lake.snapshot(None).unwrap(), 50),
        rows_told(&before),
        "every value of every column"
    );

    assert!(lake.compact().unwrap().before > 0);
    let after = check("after compaction");
    assert_eq!(before, after);
    // The same from a database that no process has open.
    drop((lake, store));
    assert!(duckdb(&db, &[1, 8]).contains(&after));
}

fn rows_told(told: &str) -> Vec<String> {
    told.lines().filter_map(|l| l.strip_prefix("row ")).map(str::to_owned).collect()
}

/// The first openings as DuckDB writes values: numbers plain, times as microseconds, absent as nothing.
fn rows_of_openings(snapshot: &Snapshot, n: usize) -> Vec<String> {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
    use arrow_schema::DataType;
    let mut out = Vec::new();
    for_each_run(snapshot, &[Want::all(Kind::Opening)], |_, batch, rows| {
        for i in rows {
            let cell = |c: &arrow_array::ArrayRef| match c.data_type() {
                _ if c.is_null(i) => String::new(),
                DataType::Utf8 => c.as_string::<i32>().value(i).to_owned(),
                DataType::Int64 => c.as_primitive::<Int64Type>().value(i).to_string(),
                DataType::Float64 => format!("{:?}", c.as_primitive::<Float64Type>().value(i)),
                DataType::Timestamp(..) => c.as_primitive::<TimestampMicrosecondType>().value(i).to_string(),
                DataType::Boolean => c.as_boolean().value(i).to_string(),
                other => unreachable!("{other}"),
            };
            out.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join("|"));
        }
    })
    .unwrap();
    out.truncate(n);
    out
}
