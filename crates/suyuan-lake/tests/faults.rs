//! Faults on purpose: the loader killed at any moment, a full disk, a folder that cannot be written.
//!
//! The loader runs as a child: this same test binary, told by an environment variable what to do.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Dice, Row, batch, open, refs, tight};
use suyuan_lake::{Lake, LakeError, Options};
use suyuan_model::Kind;
use suyuan_model::scan::{RowSource, Want};
use suyuan_store::{files, rejects};

const KINDS: [Kind; 3] = [Kind::Login, Kind::Usage, Kind::Access];
/// The task asks for a hundred.
const KILLS: usize = 110;
const ROWS: i64 = 240;

fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env("SUYUAN_FAULT_DIR", dir);
    command
}

fn told_to_work() -> Option<PathBuf> {
    std::env::var_os("SUYUAN_FAULT_DIR").map(PathBuf::from)
}

/// One load of all kinds, its file and a reject; load `n` holds the rows `n * ROWS ..`.
fn one_load(store: &suyuan_store::Store, lake: &Lake, n: i64) -> Result<(), LakeError> {
    let file_id = files::reserve(store)?;
    let mut dice = Dice(n as u64);
    let mut load = lake.load();
    for part in 0..4 {
        let rows: Vec<Row> = (0..ROWS / 4)
            .map(|i| {
                let seq = n * ROWS + part * (ROWS / 4) + i;
                Row { ts: dice.roll(1_000_000) as i64, source: "s".into(), seq, file: file_id, line: seq }
            })
            .collect();
        for kind in KINDS {
            load.append(kind, batch(kind, &rows))?;
        }
    }
    load.commit(|tx, counts| {
        let file = files::NewFile {
            name: format!("{n}"),
            sha256: format!("{n:064}"),
            bytes: 1,
            mapping: None,
            note: String::new(),
        };
        files::add(tx, file_id, &file)?;
        for ((file_id, kind), c) in &counts.rows {
            let count = files::FileCount {
                file_id: *file_id,
                kind: kind.name().into(),
                taken: c.taken,
                known: c.known,
            };
            files::add_count(tx, &count)?;
        }
        let reject = rejects::NewReject {
            line: n,
            record: None,
            field: None,
            reason: Default::default(),
            remedy: Default::default(),
            sealed: String::new(),
            context: String::new(),
        };
        rejects::add(tx, file_id, &reject)?;
        Ok(())
    })?;
    Ok(())
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_half_there() {
    if let Some(dir) = told_to_work() {
        // The child: load for ever, say so after each commit, compact now and then.
        let tight = |memory, threads| Options {
            group_rows: 8_192,
            compact_group_rows: 8_192,
            ..tight(memory, threads)
        };
        let (store, lake) = open(&dir, tight(100_000, 2));
        let first = store.read(files::all).unwrap().len() as i64;
        for n in first.. {
            one_load(&store, &lake, n).unwrap();
            println!("\nloaded {n}");
            if n % 5 == 4 {
                lake.compact().unwrap();
                println!("\ncompacted");
            }
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(2026);
    let mut acknowledged = -1;
    let (mut last_version, mut compactions) = (0, 0);
    for kill in 0..KILLS {
        let mut worker = child("killed_at_any_moment_nothing_is_lost_and_nothing_half_there", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(worker.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Some acknowledgements, then any moment; the pipe still holds what was said before the kill.
        let (mut last, mut compacted, mut wait) = (-1, 0, dice.roll(7));
        let mut hear = |line: String| {
            let loaded = line.strip_prefix("loaded ").map(|n| last = n.parse().unwrap()).is_some();
            compacted += i32::from(line == "compacted");
            loaded || line == "compacted"
        };
        while wait > 0 {
            wait -= u64::from(hear(out.next().expect("the loader goes on until it is killed")));
        }
        std::thread::sleep(Duration::from_micros(dice.roll(60_000)));
        worker.kill().unwrap();
        worker.wait().unwrap();
        out.for_each(|line| {
            hear(line);
        });
        acknowledged = acknowledged.max(last);
        compactions += compacted;

        let (store, lake) = open(dir.path(), tight(100_000, 2));
        let loads = store.read(files::all).unwrap().len() as i64;
        assert!(loads > acknowledged, "kill {kill}: load {acknowledged} was acknowledged, {loads} are there");
        assert_eq!(store.read(rejects::open).unwrap().len() as i64, loads, "kill {kill}: rejects");
        let snapshot = lake.snapshot(None).unwrap();
        assert!(snapshot.id() >= last_version);
        last_version = snapshot.id();
        for kind in KINDS {
            assert_eq!(snapshot.count(kind) as i64, loads * ROWS, "kill {kill}: {kind:?}");
        }
        // Reading every row every time would take most of the test's time; the rest is read at the end.
        if kill % 10 == 9 || kill + 1 == KILLS {
            for kind in KINDS {
                let rows = refs(&snapshot, &[Want::all(kind)]);
                assert!(rows.is_sorted_by(|a, b| a < b), "kill {kill}: order");
                let mut seqs: Vec<i64> = rows.iter().map(|r| r.seq).collect();
                seqs.sort_unstable();
                assert!(seqs.iter().copied().eq(0..loads * ROWS), "kill {kill}: rows of {kind:?}");
            }
        }
    }
    println!("{KILLS} kills, {} loads acknowledged, {compactions} compactions", acknowledged + 1);
    assert!(
        acknowledged > KILLS as i64 && compactions > 10,
        "the loader was killed before it could do anything"
    );
    let (_store, lake) = open(dir.path(), Options::default());
    let swept = lake.sweep_orphans(i64::MAX).unwrap();
    println!("{} orphans swept", swept.len());
    assert_eq!(refs(&lake.snapshot(None).unwrap(), &KINDS.map(Want::all)).len() as i64 % ROWS, 0);
}

/// A load that cannot be written must leave the lake as it was, and say why in words for the operator.
fn fails_cleanly(dir: &Path, run: impl FnOnce() -> String) {
    let state = || {
        let (store, lake) = open(dir, Options::default());
        let snapshot = lake.snapshot(None).unwrap();
        (snapshot.id(), snapshot.count(Kind::Usage), store.read(files::all).unwrap().len())
    };
    let before = state();
    let told = run();
    assert!(told.contains("no space") || told.contains("disk is full"), "{told}");
    assert_eq!(state(), before);
    let left: usize =
        KINDS.iter().map(|k| std::fs::read_dir(dir.join("lake/main").join(k.name())).unwrap().count()).sum();
    assert_eq!(left, 3, "a failed load leaves no file behind");
}

fn wide_load(lake: &Lake) -> Result<(), LakeError> {
    let mut dice = Dice(1);
    let mut load = lake.load();
    for part in 0..60 {
        let rows: Vec<Row> = (0..4_000)
            .map(|i| Row {
                ts: dice.roll(1 << 40) as i64,
                source: "s".into(),
                seq: 1_000_000 + part * 4_000 + i,
                file: 9,
                line: dice.roll(1 << 50) as i64,
            })
            .collect();
        load.append(Kind::Usage, batch(Kind::Usage, &rows))?;
    }
    load.commit(|_, _| Ok(())).map(|_| ())
}

#[test]
fn a_full_disk_is_told_and_the_lake_is_as_before() {
    if let Some(dir) = told_to_work() {
        let (_store, lake) = open(&dir, Options { memory: 8 << 20, ..Options::default() });
        println!("\ntold {}", wide_load(&lake).unwrap_err());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    {
        let (store, lake) = open(dir.path(), Options::default());
        one_load(&store, &lake, 0).unwrap();
    }
    // Every file above 2 MB fails with EFBIG, as a full disk fails with ENOSPC. SIGXFSZ must be ignored.
    fails_cleanly(dir.path(), || {
        let child = child("a_full_disk_is_told_and_the_lake_is_as_before", dir.path());
        let args: Vec<_> = child.get_args().map(|a| a.to_str().unwrap().to_owned()).collect();
        let script = format!(
            "trap '' XFSZ; ulimit -f 4096; exec '{}' {}",
            child.get_program().to_str().unwrap(),
            args.join(" ")
        );
        run_told(Command::new("sh").args(["-c", &script]).env("SUYUAN_FAULT_DIR", dir.path()))
    });
}

fn run_told(command: &mut Command) -> String {
    let out = command.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let told = text.lines().find_map(|l| l.strip_prefix("told ")).map(str::to_owned);
    told.unwrap_or_else(|| panic!("the child said\n{text}\n{}", String::from_utf8_lossy(&out.stderr)))
}

#[test]
fn a_full_file_system_is_told_and_the_lake_is_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let mount = dir.path().join("small");
    std::fs::create_dir(&mount).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
        .arg(&mount)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !mounted {
        eprintln!("no right to mount a small file system here; the file size limit's test stands in for it");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        {
            let (store, lake) = open(&mount, Options::default());
            one_load(&store, &lake, 0).unwrap();
        }
        fails_cleanly(&mount, || {
            let (_store, lake) = open(&mount, Options { memory: 8 << 20, ..Options::default() });
            let told = wide_load(&lake).unwrap_err();
            assert!(matches!(told, LakeError::DiskFull { .. } | LakeError::Store(_)), "{told:?}");
            told.to_string()
        });
    });
    Command::new("umount").arg(&mount).status().unwrap();
    result.unwrap();
}

#[test]
fn a_folder_that_cannot_be_used_is_told_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lake"), b"a file, not a folder").unwrap();
    let store = suyuan_store::Store::open(dir.path().join("suyuan.db")).unwrap();
    let told = Lake::open(&store, dir.path().join("lake")).err().unwrap().to_string();
    assert!(told.contains("lake"), "{told}");
    std::fs::remove_file(dir.path().join("lake")).unwrap();

    // The folder vanishes under an open lake: root too cannot write there.
    let lake = Lake::open(&store, dir.path().join("lake")).unwrap();
    std::fs::remove_dir_all(dir.path().join("lake/main/login")).unwrap();
    let told = one_load(&store, &lake, 0).unwrap_err().to_string();
    assert!(told.contains("login") && told.contains("cannot"), "{told}");
    assert_eq!(lake.snapshot(None).unwrap().id(), 1);
    assert_eq!(store.read(files::all).unwrap().len(), 0);
    assert_eq!(std::fs::read_dir(dir.path().join("lake/main/usage")).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_told_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (store, lake) = open(dir.path(), Options::default());
    one_load(&store, &lake, 0).unwrap();
    let snapshot = lake.snapshot(None).unwrap();
    let path = snapshot.paths(suyuan_lake::Table::Kind(Kind::Usage)).remove(0);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let told = suyuan_model::scan::for_each(&snapshot, &[Want::all(Kind::Usage)], |_, _, _| ());
    let told = told.unwrap_err().to_string();
    assert!(told.contains("usage-"), "{told}");
    std::fs::remove_file(&path).unwrap();
    assert!(snapshot.scan(&[Want::all(Kind::Usage)]).unwrap().next_run().is_err());
}
