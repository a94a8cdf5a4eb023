//! The intake is killed a hundred times: what it acknowledged is there, nothing is half visible.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use common::Place;
use suyuan_engine::home::Paths;
use suyuan_engine::{Engine, Options};
use suyuan_model::Kind;
use suyuan_model::scan::RowSource;

const KILLS: u32 = 110;
const ROWS: u64 = 400;

/// Two kinds with equally many rows, so that half a load would show.
fn write_load(place: &Place, n: u32) {
    let mut login = String::from("ts,source,account,device\n");
    let mut complaint = String::from("ts,source,subject\n");
    for i in 0..ROWS {
        let ts = format!("2020-01-01T{:02}:{:02}:{:02}+08:00", n % 24, i / 60 % 60, i % 60);
        writeln!(login, "{ts},iam-{n},A{n}-{i},dev-{i}").unwrap();
        writeln!(complaint, "{ts},crm-{n},1380000{:04}", (u64::from(n) * 7 + i) % 10_000).unwrap();
    }
    place.record(&format!("{n}/login.csv"), login);
    place.record(&format!("{n}/complaint.csv"), complaint);
}

#[test]
fn killed_a_hundred_times() {
    let place = Place::new();
    let data = place.path("data");
    let (mut acknowledged, mut killed) = (Vec::new(), 0u32);
    let mut n = 0;
    // A fixed walk through the delays: early ones hit the start, late ones the commit or nothing.
    while killed < KILLS {
        n += 1;
        write_load(&place, n);
        let mut child = place
            .suyuan()
            .args(["ingest", "--data"])
            .arg(&data)
            .arg(place.path("records").join(n.to_string()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(500 + u64::from(n) * 7_919 % 60_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            acknowledged.push(n)
        } else {
            killed += 1
        }
        assert!(n < 10 * KILLS, "the intake is too fast to be killed");
    }
    let engine = Engine::open(&Paths { data, keys: place.path("keys") }, Options { threads: 1 }).unwrap();
    let snapshot = engine.snapshot(None).unwrap();
    let (logins, complaints) = (snapshot.count(Kind::Login), snapshot.count(Kind::Complaint));
    assert_eq!(logins, complaints, "half a load is visible");
    assert_eq!(logins % ROWS, 0, "half a file is visible");
    assert!(logins >= acknowledged.len() as u64 * ROWS, "an acknowledged load is lost");
    let mut accounts = std::collections::BTreeSet::new();
    suyuan_model::scan::for_each(&snapshot, &[suyuan_model::scan::Want::all(Kind::Login)], |_, batch, i| {
        use suyuan_model::columns::Column;
        let columns = suyuan_model::records::login::LoginColumns::bind(batch);
        accounts.insert(columns.account.get(i).unwrap().split_once('-').unwrap().0.to_owned());
    })
    .unwrap();
    for n in acknowledged {
        assert!(accounts.contains(&format!("A{n}")), "load {n} was acknowledged and is not there");
    }
}
