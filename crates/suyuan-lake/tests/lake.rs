//! The lake against a plain slow oracle: sort everything in memory, keep the first of equal keys.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use common::{Dice, Row, batch, dump, load, open, oracle, originals, refs, tight};
use proptest::prelude::*;
use suyuan_lake::{LakeError, Options, Table};
use suyuan_model::Kind;
use suyuan_model::columns::{Coded, Column, Key, Str};
use suyuan_model::scan::{Pick, RowSource, RowStream, Runs, ScanError, Want};

const KINDS: [Kind; 3] = [Kind::Login, Kind::Opening, Kind::Usage];

fn wants() -> Vec<Want> {
    KINDS.map(Want::all).to_vec()
}

fn row(ts: i64, source: &str, seq: i64, line: i64) -> Row {
    Row { ts, source: source.into(), seq, file: 1, line }
}

#[test]
fn rows_come_back_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    assert_eq!(lake.snapshot(None).unwrap().id(), 1);
    let rows = [row(20, "b", 1, 1), row(10, "b", 2, 2), row(10, "a", 9, 3), row(20, "b", 1, 4)];
    assert_eq!(load(&lake, [(Kind::Login, batch(Kind::Login, &rows))]), (3, 1));
    let snapshot = lake.snapshot(None).unwrap();
    let lines: Vec<i64> = refs(&snapshot, &wants()).iter().map(|r| r.line).collect();
    assert_eq!(lines, [3, 2, 1]);
    assert_eq!((snapshot.count(Kind::Login), snapshot.count(Kind::Opening)), (3, 0));
    assert!(matches!(lake.snapshot(Some(7)), Err(LakeError::NoVersion { asked: 7, last: 2 })));
}

#[test]
fn a_batch_of_other_columns_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    let wrong = batch(Kind::Usage, &[row(1, "a", 1, 1)]);
    let told = lake.load().append(Kind::Login, wrong).unwrap_err().to_string();
    assert!(told.contains("login"), "{told}");
}

#[test]
fn the_same_load_twice_changes_nothing_but_the_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(20_000, 2));
    let mut dice = Dice(5);
    let rows: Vec<Row> = (0..3_000).map(|i| row(dice.roll(4_000) as i64, "s", i, i)).collect();
    let batches = || rows.chunks(700).map(|c| (Kind::Usage, batch(Kind::Usage, c)));
    assert_eq!(load(&lake, batches()), (3_000, 0));
    let before = lake.snapshot(None).unwrap();
    let files = std::fs::read_dir(lake.folder(Table::Kind(Kind::Usage))).unwrap().count();
    assert_eq!(load(&lake, batches()), (0, 3_000));
    let after = lake.snapshot(None).unwrap();
    assert_eq!(before.id(), after.id());
    assert_eq!(before.files(Kind::Usage), after.files(Kind::Usage));
    assert_eq!(std::fs::read_dir(lake.folder(Table::Kind(Kind::Usage))).unwrap().count(), files);
    assert_eq!(dump(&before, &wants()), dump(&after, &wants()));
}

#[test]
fn a_load_in_order_is_written_once_and_one_out_of_order_leaves_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { file_bytes: 96 << 20, ..tight(30_000, 1) };
    let (_store, lake) = open(dir.path(), options);
    let mut dice = Dice(1);
    // Within a hundred steps of order: the part that a spill holds back heals it.
    let rows: Vec<Row> = (0..5_000).map(|i| row(i * 10 + dice.roll(100) as i64, "s", i, i)).collect();
    load(&lake, rows.chunks(64).map(|c| (Kind::Usage, batch(Kind::Usage, c))));
    assert_eq!(lake.snapshot(None).unwrap().files(Kind::Usage).len(), 1);
    load(&lake, rows.rchunks(64).map(|c| (Kind::Login, batch(Kind::Login, c))));
    let snapshot = lake.snapshot(None).unwrap();
    for kind in [Kind::Usage, Kind::Login] {
        let on_disk = std::fs::read_dir(lake.folder(Table::Kind(kind))).unwrap().count();
        assert_eq!(on_disk, snapshot.files(kind).len(), "{kind:?}");
        assert_eq!(snapshot.count(kind), 5_000);
    }
    let mut dropped = lake.load();
    dropped.append(Kind::Access, batch(Kind::Access, &rows)).unwrap();
    drop(dropped);
    assert_eq!(std::fs::read_dir(lake.folder(Table::Kind(Kind::Access))).unwrap().count(), 0);
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let files = |threads| {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { threads, memory: 4 << 20, group_rows: 5_000, ..Options::default() };
        let (_store, lake) = open(dir.path(), options);
        let mut dice = Dice(6);
        let rows: Vec<Row> = (0..40_000).map(|i| row(dice.roll(1_000_000) as i64, "s", i, i)).collect();
        for part in rows.chunks(20_000) {
            load(&lake, part.chunks(7_000).map(|c| (Kind::Opening, batch(Kind::Opening, c))));
        }
        lake.compact().unwrap();
        let mut paths: Vec<_> = std::fs::read_dir(lake.folder(Table::Kind(Kind::Opening))).unwrap().collect();
        paths.sort_by_key(|p| p.as_ref().unwrap().file_name());
        let read = |p: std::io::Result<std::fs::DirEntry>| {
            let p = p.unwrap();
            (p.file_name(), std::fs::read(p.path()).unwrap())
        };
        paths.into_iter().map(read).collect::<Vec<_>>()
    };
    let one = files(1);
    assert_eq!(one.len(), 3);
    for threads in [2, 3, 8] {
        let more = files(threads);
        assert!(one == more, "{threads} threads write other bytes");
    }
}

#[test]
fn columns_left_out_of_a_scan_are_not_in_its_batches() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    load(&lake, [(Kind::Login, batch(Kind::Login, &[row(1, "a", 1, 1)]))]);
    let snapshot = lake.snapshot(None).unwrap();
    let mut stream = snapshot.scan(&[Want::only(Kind::Login, &["device"])]).unwrap();
    let run = stream.next_run().unwrap().unwrap();
    let names: Vec<_> = run.batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["ts", "source", "seq", "device", "file_id", "line"]);
    assert!(snapshot.scan(&[Want::only(Kind::Login, &["no_such"])]).is_err());
}

#[test]
fn many_runs_at_once_are_the_runs_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(1 << 20, 1));
    let (mut dice, mut all) = (Dice(7), Vec::new());
    // Files of one source, whose column is not read, and of two.
    for (n, sources) in [["a", "a"], ["b", "b"], ["a", "b"]].iter().enumerate() {
        for kind in KINDS {
            let mut new =
                |i: i64| row(dice.roll(500) as i64, sources[dice.roll(2) as usize], i + 1_000 * n as i64, i);
            let rows: Vec<Row> = (0..300).map(&mut new).collect();
            load(&lake, [(kind, batch(kind, &rows))]);
            all.extend(rows.into_iter().map(|r| (kind, r)));
        }
    }
    let snapshot = lake.snapshot(None).unwrap();
    assert_eq!(refs(&snapshot, &wants()), oracle(&all));
    let wants = KINDS.map(|kind| Want::only(kind, &[]).without_origin());
    let (mut many, mut runs) = (Vec::new(), Runs::default());
    let mut stream = snapshot.scan(&wants).unwrap();
    loop {
        runs.clear();
        stream.next_runs(100, &mut runs).unwrap();
        if runs.runs.is_empty() {
            break;
        }
        for (of, rows) in &runs.runs {
            let (kind, batch) = &runs.batches[*of as usize];
            assert_eq!(batch.num_columns(), 3);
            many.extend(rows.clone().map(|i| common::line(*kind, batch, i as usize)));
        }
    }
    assert_eq!(many, dump(&snapshot, &wants));
}

#[test]
fn a_range_reads_only_the_files_and_groups_it_touches() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options { group_rows: 100, ..Options::default() });
    for day in 0..10 {
        let rows: Vec<Row> = (0..1_000).map(|i| row(day * 1_000 + i, "s", i, i)).collect();
        load(&lake, [(Kind::Login, batch(Kind::Login, &rows))]);
    }
    let snapshot = lake.snapshot(None).unwrap();
    let read = |from, to| {
        let snapshot = lake.snapshot(Some(snapshot.id())).unwrap();
        let mut stream = snapshot.scan_between(&[Want::all(Kind::Login)], from, to).unwrap();
        let mut rows = 0;
        while let Some(run) = stream.next_run().unwrap() {
            rows += run.rows.len();
        }
        drop(stream);
        (rows, snapshot.io().files(), snapshot.io().row_groups())
    };
    assert_eq!(read(0, 9_999), (10_000, 10, 100));
    assert_eq!(read(4_250, 4_349), (100, 1, 2));
    assert_eq!(read(4_950, 5_049), (100, 2, 2));
    assert_eq!(read(20_000, 30_000), (0, 0, 0));
    assert_eq!(read(i64::MIN, i64::MAX).0, 10_000);
    // An ordered scan of files that do not overlap holds one open at a time: the second is opened late.
    let mut stream = snapshot.scan(&[Want::all(Kind::Login)]).unwrap();
    stream.next_run().unwrap();
    drop(stream);
    assert_eq!(snapshot.io().files(), 1);
}

/// The lake without its own ways to read part of a kind.
struct Plain<'a>(&'a suyuan_lake::Snapshot);

impl RowSource for Plain<'_> {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        self.0.scan(wants)
    }
    fn count(&self, kind: Kind) -> u64 {
        self.0.count(kind)
    }
}

#[test]
fn parts_of_a_kind_are_those_of_the_plain_way() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(50_000, 2));
    let mut dice = Dice(5);
    let rows: Vec<Row> = (0..4_000).map(|i| row(dice.roll(900) as i64, "s", i, i)).collect();
    for part in rows.chunks(900) {
        load(&lake, [(Kind::Login, batch(Kind::Login, part)), (Kind::Access, batch(Kind::Access, part))]);
    }
    let snapshot = lake.snapshot(None).unwrap();
    let plain = Plain(&snapshot);
    let read = |mut stream: Box<dyn RowStream + '_>| {
        let mut lines = Vec::new();
        while let Some(run) = stream.next_run().unwrap() {
            lines.extend(run.rows.map(|i| common::line(run.kind, &run.batch, i)));
        }
        lines
    };
    // Accounts are found by their codes, persons by marks.
    for (kind, column, other) in [(Kind::Login, "account", "device"), (Kind::Access, "subject", "account")] {
        let texts = |mut stream: Box<dyn RowStream + '_>| {
            let mut rows = Vec::new();
            while let Some(run) = stream.next_run().unwrap() {
                let key = Key::bind(&run.batch);
                let (text, other) = (Str::bind(&run.batch, column), Str::bind(&run.batch, other));
                let text = |i: usize| [text.get(i), other.get(i)].map(|t| t.map(str::to_owned));
                rows.extend(run.rows.map(|i| (key.row(run.kind, i), text(i))));
            }
            rows
        };
        let all = texts(snapshot.scan(&[Want::only(kind, &[column, other])]).unwrap());
        let all: BTreeSet<&String> = all.iter().flat_map(|row| &row.1[0]).collect();
        assert!(all.len() > 100);
        for instant in [i64::MIN, 0, 1, 17, 450, 451, 899, 900, i64::MAX] {
            let wants = [Want::all(kind)];
            let from = |s: &dyn RowSource| read(s.scan_from(&wants, instant).unwrap());
            assert!(from(&snapshot) == from(&plain), "{instant}");
            let before = |s: &dyn RowSource| s.count_before(kind, instant).unwrap();
            assert_eq!(before(&snapshot), before(&plain), "{instant}");
            for digit in ["7", "77", "none"] {
                let ends: BTreeSet<String> =
                    all.iter().filter(|a| a.ends_with(digit)).map(|a| (*a).clone()).collect();
                let pick = Pick { column, texts: Arc::new(ends), before: instant };
                let picked =
                    |s: &dyn RowSource| texts(s.scan_picked(kind, &[column, other], pick.clone()).unwrap());
                assert_eq!(picked(&snapshot), picked(&plain), "{instant} {digit}");
                // What is kept to find them is made again where it is spoilt or gone.
                let kept = dir.path().join("lake").join("index").join(kind.name());
                for entry in std::fs::read_dir(&kept).into_iter().flatten().flatten() {
                    let bytes = std::fs::read(entry.path()).unwrap();
                    match dice.roll(3) {
                        0 => std::fs::remove_file(entry.path()).unwrap(),
                        1 => std::fs::write(entry.path(), &bytes[..bytes.len() - 1]).unwrap(),
                        _ => {}
                    }
                }
            }
        }
    }
    // What is kept of a file that is no more goes with the next sweep.
    let index = dir.path().join("lake").join("index").join("access");
    let kept = || std::fs::read_dir(&index).unwrap().count();
    let before = kept();
    assert!(before > 0);
    std::fs::write(index.join("access-0.parquet.subject"), b"old").unwrap();
    lake.sweep_orphans(i64::MAX).unwrap();
    assert_eq!(kept(), before);
}

#[test]
fn codes_say_what_the_texts_say() {
    let dir = tempfile::tempdir().unwrap();
    // Lists of texts that go with a row group, and lists that have grown too long for codes.
    let options = Options { group_rows: 40_000, file_bytes: 4 << 20, ..tight(50_000_000, 2) };
    let (_store, lake) = open(dir.path(), options);
    let (few, many) = (
        (0..3_000).map(|i| row(i * 7 % 1000, "s", i, i)),
        (0..30_000).map(|i| row(2000 + i, if i % 3 == 0 { "a" } else { "b" }, i, i)),
    );
    for rows in [few.collect::<Vec<_>>(), many.collect()] {
        let all = batch(Kind::Login, &rows);
        let long = |i: usize| format!("{:0>40}", i * i);
        let session: ArrayRef = Arc::new((0..rows.len()).map(|i| Some(long(i))).collect::<StringArray>());
        let schema = all.schema();
        let columns = schema.fields().iter().zip(all.columns()).map(|(f, c)| match f.name().as_str() {
            "session" => session.clone(),
            _ => c.clone(),
        });
        load(&lake, [(Kind::Login, RecordBatch::try_new(schema.clone(), columns.collect()).unwrap())]);
    }
    let snapshot = lake.snapshot(None).unwrap();
    let names = ["source", "account", "device", "session", "ip"];
    let read = |want: Want| {
        let (mut rows, mut codes) = (Vec::new(), BTreeSet::new());
        let mut stream = snapshot.scan(&[want]).unwrap();
        while let Some(run) = stream.next_run().unwrap() {
            let key = Key::bind(&run.batch);
            let columns = names.map(|name| Coded::bind(&run.batch, name));
            codes.extend(names.iter().zip(&columns).filter(|x| x.1.list().is_some()).map(|x| *x.0));
            for i in run.rows {
                rows.push((key.ts(i), key.seq.get(i), columns.map(|c| c.get(i).map(str::to_owned))));
            }
        }
        (rows, codes)
    };
    let plain = read(Want::only(Kind::Login, &names[1..]));
    let coded = read(Want::only(Kind::Login, &names[1..]).coded(&["source", "account", "session"]));
    assert!(plain.0 == coded.0);
    assert!(plain.1.is_empty());
    assert_eq!(coded.1.into_iter().collect::<Vec<_>>(), ["account", "session", "source"]);
}

#[test]
fn single_rows_are_found_by_their_key() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(50_000, 1));
    let mut dice = Dice(3);
    let rows: Vec<Row> = (0..4_000).map(|i| row(dice.roll(500) as i64, "s", i, i)).collect();
    for part in rows.chunks(900) {
        load(&lake, [(Kind::Opening, batch(Kind::Opening, part)), (Kind::Login, batch(Kind::Login, part))]);
    }
    let snapshot = lake.snapshot(None).unwrap();
    let all = refs(&snapshot, &wants());
    let mut asked: Vec<_> = (0..200).map(|_| all[dice.roll(all.len() as u64) as usize].clone()).collect();
    asked[7].seq = -1;
    let found = snapshot.rows_at(&asked).unwrap();
    for (i, (ask, hit)) in asked.iter().zip(&found).enumerate() {
        assert_eq!(hit.is_none(), i == 7, "{ask}");
        let Some(hit) = hit else { continue };
        assert_eq!(&suyuan_model::columns::Key::bind(&hit.batch).row(hit.kind, hit.row), ask);
        let whole = batch(
            ask.kind,
            &[Row { ts: ask.ts, source: ask.source.clone(), seq: ask.seq, file: 1, line: ask.line }],
        );
        assert_eq!(common::line(hit.kind, &hit.batch, hit.row), common::line(ask.kind, &whole, 0));
    }
    assert!(snapshot.rows_at(&[]).unwrap().is_empty());
}

#[test]
fn originals_are_kept_once_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(20_000, 1));
    let mut dice = Dice(9);
    let tokens: Vec<String> = (0..5_000).map(|_| format!("idn1-{:04}", dice.roll(2_000))).collect();
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    for part in tokens.chunks(2_500) {
        let mut load = lake.load();
        for few in part.chunks(100) {
            load.originals(originals(few)).unwrap();
        }
        load.commit(|_, _| Ok(())).unwrap();
    }
    let check = |lake: &suyuan_lake::Lake| {
        let snapshot = lake.snapshot(None).unwrap();
        assert_eq!(snapshot.originals(), distinct.len() as u64);
        let found =
            snapshot.originals_at(&["idn1-none", tokens[0].as_str(), tokens[4_999].as_str()]).unwrap();
        assert_eq!(found.len(), if tokens[0] == tokens[4_999] { 1 } else { 2 });
        assert_eq!(found[&tokens[0]], format!("sealed {}", tokens[0]).into_bytes());
    };
    check(&lake);
    lake.compact().unwrap();
    check(&lake);
}

#[test]
fn compaction_changes_no_row_and_old_versions_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options { file_bytes: 96 << 20, ..tight(1 << 20, 2) });
    let mut dice = Dice(4);
    let mut versions = Vec::new();
    for n in 0..12 {
        let rows: Vec<Row> = (0..200).map(|i| row(dice.roll(3_000) as i64, "s", n * 200 + i, i)).collect();
        load(&lake, KINDS.map(|k| (k, batch(k, &rows))));
        let snapshot = lake.snapshot(None).unwrap();
        versions.push((snapshot.id(), dump(&snapshot, &wants())));
    }
    let done = lake.compact().unwrap();
    assert_eq!((done.before, done.after), (36, 3));
    assert_eq!(done.snapshot, versions.last().unwrap().0 + 1);
    let now = lake.snapshot(None).unwrap();
    assert_eq!(dump(&now, &wants()), versions.last().unwrap().1);
    for (id, rows) in &versions {
        assert_eq!(&dump(&lake.snapshot(Some(*id)).unwrap(), &wants()), rows, "version {id}");
    }
    assert_eq!(
        lake.compact().unwrap(),
        suyuan_lake::Compacted { snapshot: done.snapshot, before: 0, after: 0 }
    );
}

#[test]
fn only_a_crowded_table_is_compacted_after_a_load() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    for n in 0..64 {
        assert_eq!(lake.compact_crowded().unwrap().before, 0, "after {n} loads");
        let kinds: &[Kind] = if n < 3 { &[Kind::Login, Kind::Usage] } else { &[Kind::Login] };
        load(&lake, kinds.iter().map(|k| (*k, batch(*k, &[row(n % 7, "a", n, n)]))));
    }
    let done = lake.compact_crowded().unwrap();
    assert_eq!((done.before, done.after), (64, 1));
    let snapshot = lake.snapshot(None).unwrap();
    assert_eq!((snapshot.files(Kind::Login).len(), snapshot.files(Kind::Usage).len()), (1, 3));
    assert_eq!(refs(&snapshot, &[Want::all(Kind::Login)]).len(), 64);
}

#[test]
fn orphans_are_swept_when_a_day_old_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    load(&lake, [(Kind::Login, batch(Kind::Login, &[row(1, "a", 1, 1)]))]);
    load(&lake, [(Kind::Login, batch(Kind::Login, &[row(2, "a", 2, 2)]))]);
    lake.compact().unwrap();
    let folder = lake.folder(Table::Kind(Kind::Login));
    let orphan = folder.join("login-99999999.parquet");
    std::fs::write(&orphan, b"PAR1").unwrap();
    let born = orphan.metadata().unwrap().modified().unwrap();
    let born = born.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    let day = suyuan_model::time::DAY;
    assert_eq!(lake.sweep_orphans(born + day - 1).unwrap(), Vec::<std::path::PathBuf>::new());
    assert_eq!(lake.sweep_orphans(born + 2 * day).unwrap(), [orphan]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "two old files and the compacted one");
    assert_eq!(refs(&lake.snapshot(Some(2)).unwrap(), &wants()).len(), 1);
}

#[test]
fn loads_of_several_threads_take_turns_and_no_row_is_there_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), tight(60_000, 2));
    let rows: Vec<Row> = (0..1_000).map(|i| row(i % 97, "s", i, i)).collect();
    let counts = std::thread::scope(|scope| {
        let worker = |n: usize| {
            let (lake, rows) = (&lake, &rows);
            move || {
                load(
                    lake,
                    rows[n * 100..n * 100 + 700].chunks(90).map(|c| (Kind::Usage, batch(Kind::Usage, c))),
                )
            }
        };
        let workers: Vec<_> = (0..4).map(|n| scope.spawn(worker(n))).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(counts.iter().map(|c| c.0).sum::<u64>(), 1_000);
    assert_eq!(counts.iter().map(|c| c.1).sum::<u64>(), 1_800);
    let all: Vec<_> = rows.into_iter().map(|r| (Kind::Usage, r)).collect();
    assert_eq!(refs(&lake.snapshot(None).unwrap(), &wants()), oracle(&all));
}

#[test]
fn a_lake_that_was_moved_or_is_older_than_the_program_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    {
        let (store, lake) = open(&old, Options::default());
        load(&lake, [(Kind::Login, batch(Kind::Login, &[row(1, "a", 1, 1)]))]);
        // As if an earlier version had known neither this table nor this column.
        let forget = "DELETE FROM ducklake_column WHERE column_name = 'until'
                OR table_id = (SELECT table_id FROM ducklake_table WHERE table_name = 'complaint');
            DELETE FROM ducklake_table WHERE table_name = 'complaint';";
        store.write(|tx| Ok(tx.execute_batch(forget)?)).unwrap();
    }
    std::fs::rename(&old, &new).unwrap();
    let (store, lake) = open(&new, Options::default());
    let snapshot = lake.snapshot(None).unwrap();
    assert_eq!((snapshot.id(), refs(&snapshot, &wants()).len()), (3, 1));
    let told: (String, String) = store
        .read(|c| {
            let path = "SELECT value FROM ducklake_metadata WHERE key = 'data_path'";
            let changes = "SELECT changes_made FROM ducklake_snapshot_changes WHERE snapshot_id = 3";
            Ok((c.query_row(path, [], |r| r.get(0))?, c.query_row(changes, [], |r| r.get(0))?))
        })
        .unwrap();
    assert_eq!(told.0, format!("{}/", new.join("lake").canonicalize().unwrap().display()));
    assert!(
        told.1.contains("created_table:\"main\".\"complaint\"") && told.1.contains("altered_table:"),
        "{}",
        told.1
    );
    load(&lake, [Kind::Complaint, Kind::Login].map(|k| (k, batch(k, &[row(5, "a", 9, 1)]))));
    assert_eq!(lake.snapshot(None).unwrap().count(Kind::Complaint), 1);
}

#[test]
fn a_store_open_for_reading_reads_the_lake() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, lake) = open(dir.path(), Options::default());
    load(&lake, [(Kind::Login, batch(Kind::Login, &[row(1, "a", 1, 1)]))]);
    let reader = suyuan_store::Store::open_read(dir.path().join("suyuan.db")).unwrap();
    let other = suyuan_lake::Lake::open(&reader, dir.path().join("lake")).unwrap();
    assert_eq!(refs(&other.snapshot(None).unwrap(), &wants()).len(), 1);
    let mut load = other.load();
    load.append(Kind::Login, batch(Kind::Login, &[row(2, "a", 2, 1)])).unwrap();
    assert!(load.commit(|_, _| Ok(())).is_err());
    assert_eq!(std::fs::read_dir(lake.folder(Table::Kind(Kind::Login))).unwrap().count(), 1);
}

#[test]
fn a_failed_callback_leaves_all_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (store, lake) = open(dir.path(), Options::default());
    let mut load = lake.load();
    load.append(Kind::Login, batch(Kind::Login, &[row(1, "a", 1, 1)])).unwrap();
    let told = load.commit(|tx, counts| {
        assert_eq!(counts.total().taken, 1);
        suyuan_store::results::put(tx, "x", b"x")?;
        Err(suyuan_store::StoreError::caller("on purpose"))
    });
    assert_eq!(told.unwrap_err().to_string(), "on purpose");
    assert_eq!(lake.snapshot(None).unwrap().id(), 1);
    assert_eq!(store.read(suyuan_store::results::names).unwrap(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(lake.folder(Table::Kind(Kind::Login))).unwrap().count(), 0);
}

/// Loads, each of batches of a kind, each of rows.
type Loads = Vec<Vec<(usize, Vec<(i64, u8, i64)>)>>;

/// Few times, sources and numbers, so that keys meet often.
fn loads() -> impl Strategy<Value = Loads> {
    let rows = prop::collection::vec((0..40i64, 0..3u8, 0..6i64), 1..120);
    prop::collection::vec(prop::collection::vec((0..KINDS.len(), rows), 1..8), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_loads_in_random_cuts_equal_the_oracle(
        loads in loads(),
        spread in prop::sample::select(vec![1i64, 1_000]),
        memory in prop::sample::select(vec![1usize, 30_000, 200_000, 96 << 20]),
        threads in 1..4usize,
        compact_after in 0..6usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (_store, lake) = open(dir.path(), tight(memory, threads));
        let mut all = Vec::new();
        let mut line = 0;
        for (n, batches) in loads.iter().enumerate() {
            let mut load = lake.load();
            let mut appended = 0;
            for (kind, keys) in batches {
                let kind = KINDS[*kind];
                let rows: Vec<Row> = keys.iter().map(|(ts, source, seq)| {
                    line += 1;
                    let source = ["", "a", "ab"][usize::from(*source)].to_owned();
                    Row { ts: ts * spread, source, seq: *seq, file: n as i64 + 1, line }
                }).collect();
                appended += rows.len();
                load.append(kind, batch(kind, &rows)).unwrap();
                all.extend(rows.into_iter().map(|r| (kind, r)));
            }
            let held = oracle(&all).len();
            let receipt = load.commit(|_, _| Ok(())).unwrap();
            let total = receipt.counts.total();
            prop_assert_eq!((total.taken + total.known) as usize, appended);
            prop_assert!(receipt.counts.rows.keys().all(|(file, _)| *file == n as i64 + 1));
            let snapshot = lake.snapshot(None).unwrap();
            prop_assert_eq!(KINDS.iter().map(|k| snapshot.count(*k)).sum::<u64>() as usize, held);
            if n == compact_after {
                lake.compact().unwrap();
            }
        }
        let snapshot = lake.snapshot(None).unwrap();
        let want = oracle(&all);
        prop_assert_eq!(&refs(&snapshot, &wants()), &want);
        let lines: Vec<String> = want.iter().map(|r| {
            let row = Row { ts: r.ts, source: r.source.clone(), seq: r.seq, file: r.file, line: r.line };
            common::line(r.kind, &batch(r.kind, &[row]), 0)
        }).collect();
        prop_assert_eq!(dump(&snapshot, &wants()), lines);
    }
}
