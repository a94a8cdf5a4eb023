//! A trace with the shelf is the trace without, whatever happens to the files.

use serde_json::{Value, json};
use suyuan_lake::Options;
use suyuan_model::{fixture, time};
use suyuan_store::Store;
use suyuan_trace::{Params, trace, trace_on};

use super::*;

/// A data home with a lake of small files.
struct Place {
    dir: tempfile::TempDir,
    lake: Lake,
    rows: i64,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("suyuan.db")).unwrap();
        let options = Options { group_rows: 64, compact_group_rows: 128, ..Options::default() };
        let lake = Lake::open_with(&store, dir.path().join("lake"), options).unwrap();
        Place { dir, lake, rows: 0 }
    }

    /// Takes in look-ups of some days, twenty a day, and a report at the last.
    fn take_in(&mut self, days: std::ops::Range<i64>) {
        let start = time::parse("2020-01-01T00:00:00Z").unwrap();
        let at = |hour: i64| time::format(start + hour * time::HOUR);
        let mut looks: Vec<Value> = Vec::new();
        for i in days.start * 20..days.end * 20 {
            let (account, person) = (format!("a{}", i * 7 % 11), format!("idn1-{}", i * 13 % 97));
            let ts = at(i * 6 / 5);
            looks.push(
                json!({"ts": ts, "seq": i + 1000, "account": account, "subject": person, "action": "view"}),
            );
        }
        let report = |day: i64, person: i64| json!({"ts": at(day * 24), "seq": day * 100 + person, "case": format!("c{day}"), "victim": format!("idn1-{person}")});
        let reports = [report(days.start, 3), report(days.end, 4), report(days.end, days.end % 90)];
        let mut load = self.lake.load();
        load.append(Kind::Access, fixture::batch(Kind::Access, &looks).unwrap()).unwrap();
        load.append(Kind::FraudReport, fixture::batch(Kind::FraudReport, &reports).unwrap()).unwrap();
        load.commit(|_, _| Ok(())).unwrap();
        self.rows += looks.len() as i64;
    }

    fn shelf(&self) -> Counts {
        let now = self.lake.snapshot(None).unwrap();
        let folder = self.dir.path().join("counts");
        Counts { least: Some(0), ..Counts::new(self.lake.clone(), now, folder, "keys".to_owned(), true) }
    }

    /// Traces with and without the shelf; says whether what stood there was used.
    fn traced(&self) -> bool {
        let now = self.lake.snapshot(None).unwrap();
        let mut shelf = Used { shelf: self.shelf(), touches: false };
        let with = trace_on(&now, &[], &Params::default(), Some(&mut shelf), &mut |_| {}).unwrap();
        let without = trace(&now, &[], &Params::default(), &mut |_| {}).unwrap();
        assert_eq!(serde_json::to_string(&with).unwrap(), serde_json::to_string(&without).unwrap());
        shelf.touches
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("counts").join(name)
    }
}

/// Tells whether the counts were taken up: only then are the touches asked for.
struct Used {
    shelf: Counts,
    touches: bool,
}

impl Shelf for Used {
    fn take(&mut self, part: Part) -> Option<Box<dyn Read>> {
        self.touches |= part == Part::Touches;
        self.shelf.take(part)
    }
    fn keep(&mut self, part: Part, rows: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        self.shelf.keep(part, rows, write);
    }
}

#[test]
fn what_stands_there_is_used_while_it_holds() {
    let mut place = Place::new();
    place.take_in(0..60);
    assert!(!place.traced());
    assert!(place.traced());
    // New records, in two loads; then files are merged: the rows are the same.
    place.take_in(60..62);
    assert!(place.traced());
    place.take_in(62..80);
    assert!(place.traced());
    place.lake.compact().unwrap();
    assert!(place.traced());
    // Other keys, another version of the program's file.
    let mut other = place.shelf();
    other.keys = "others".to_owned();
    assert!(other.take(Part::Counts).is_none());
    // A lake that is made anew.
    let mut again = Place::new();
    again.take_in(0..61);
    std::fs::create_dir_all(again.file("")).unwrap();
    std::fs::copy(place.file("lookups"), again.file("lookups")).unwrap();
    assert!(!again.traced());
}

#[test]
fn a_file_that_is_amiss_is_not_used() {
    let mut place = Place::new();
    place.take_in(0..60);
    place.traced();
    for name in ["lookups", "touches"] {
        let whole = std::fs::read(place.file(name)).unwrap();
        for i in 0..60 {
            let at = i * whole.len() / 60;
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1 << (i % 8);
            std::fs::write(place.file(name), &spoilt).unwrap();
            // Either the whole is counted again or the touches are read again; the trace is the same.
            let used = place.traced();
            assert!(used == (name == "touches"), "{name} {at}");
            std::fs::write(place.file(name), &whole[..at]).unwrap();
            assert!(place.traced() == (name == "touches"), "{name} {at}");
        }
    }
    // A run that was ended while it wrote leaves the old file in its place.
    std::fs::write(place.file("lookups.part"), b"half").unwrap();
    assert!(place.traced());
    // The next that writes takes its place.
    place.take_in(60..80);
    assert!(place.traced());
    assert!(!place.file("lookups.part").exists());
}

#[test]
fn look_ups_that_changed_are_counted_again() {
    let mut place = Place::new();
    place.take_in(0..60);
    place.traced();
    // Late ones of a week that was counted.
    let late = json!({"ts": "2020-01-09T00:00:00Z", "seq": 9, "source": "late", "account": "a1", "subject": "idn1-3"});
    let mut load = place.lake.load();
    load.append(Kind::Access, fixture::batch(Kind::Access, &[late]).unwrap()).unwrap();
    load.commit(|_, _| Ok(())).unwrap();
    assert!(!place.traced());
    assert!(place.traced());
    // A file of the lake that is gone.
    let now = place.lake.snapshot(None).unwrap();
    let path = now.paths(Table::Kind(Kind::Access)).remove(0);
    std::fs::rename(&path, path.with_extension("gone")).unwrap();
    assert!(place.shelf().take(Part::Counts).is_none());
    std::fs::rename(path.with_extension("gone"), &path).unwrap();
    assert!(place.traced());
}
