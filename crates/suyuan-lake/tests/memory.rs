//! Five million rows pass through a load, in the worst order, without the memory growing with them.
//!
//! The load runs in a child, so that its peak is its own: this same test binary.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::process::Command;

use common::{Dice, Row, batch, open};
use suyuan_lake::Options;
use suyuan_model::Kind;
use suyuan_model::scan::{RowSource, Want};

const ROWS: i64 = 5_000_000;
/// The load's budget is 96 MB; the rest is the program, one batch, and what the allocator keeps.
const MAX_MB: u64 = 256;

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn work(dir: &std::path::Path) {
    let (_store, lake) = open(dir, Options::default());
    let mut load = lake.load();
    let mut dice = Dice(8);
    for first in (0..ROWS).step_by(20_000) {
        // Times at random over a year: every run overlaps every other.
        let rows: Vec<Row> = (first..first + 20_000)
            .map(|seq| Row {
                ts: dice.roll(31_536_000_000_000) as i64,
                source: "s".into(),
                seq,
                file: 1,
                line: seq + 1,
            })
            .collect();
        load.append(Kind::Commission, batch(Kind::Commission, &rows)).unwrap();
    }
    let receipt = load.commit(|_, _| Ok(())).unwrap();
    println!("\nload {} MB", peak_mb());
    assert_eq!(receipt.counts.total().taken, ROWS as u64);
    let snapshot = lake.snapshot(None).unwrap();
    assert_eq!(snapshot.count(Kind::Commission), ROWS as u64);
    let (mut n, mut last) = (0, i64::MIN);
    suyuan_model::scan::for_each_run(&snapshot, &[Want::all(Kind::Commission)], |_, batch, rows| {
        let key = suyuan_model::columns::Key::bind(batch);
        for i in rows {
            assert!(key.ts(i) >= last);
            last = key.ts(i);
            n += 1;
        }
    })
    .unwrap();
    assert_eq!(n, ROWS);
    lake.compact().unwrap();
    println!("\npeak {} MB", peak_mb());
}

#[test]
fn five_million_rows_in_the_worst_order_stay_within_bounds() {
    if let Some(dir) = std::env::var_os("SUYUAN_FAULT_DIR") {
        return work(dir.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["five_million_rows_in_the_worst_order_stay_within_bounds", "--exact", "--nocapture"])
        .env("SUYUAN_FAULT_DIR", dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    let peak =
        text.lines().find_map(|l| l.strip_prefix("peak ")?.strip_suffix(" MB")?.parse::<u64>().ok()).unwrap();
    println!("{text}");
    assert!(peak <= MAX_MB, "{peak} MB at the peak");
}
