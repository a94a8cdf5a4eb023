//! The last trace: what was traced already is not traced again while nothing changes that it rests on.
//!
//! It rests on the program (the bytes of its own file), the keys, what was asked, the findings, and on every file of the lake.
//! All of these are in one digest. What was found stands beside it to the last bit of every number. In any doubt the records
//! are traced again.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use suyuan_lake::Snapshot;
use suyuan_model::Kind;
use suyuan_model::outcome::Trace;
use suyuan_model::scan::RowSource;

use crate::frames::{self, Frames};
use crate::shelf::{hex, lie};

/// Fewer rows are traced sooner than the program's file is read.
const LEAST: u64 = 200_000;
/// Changes with what is written.
const FORMAT: u32 = 1;
/// Begins a text that stands for a number, or for a text that begins with it.
const EXACT: char = '\0';

/// The last trace of a data home, and what a trace rests on now.
pub(crate) struct Told {
    path: PathBuf,
    rests_on: String,
}

impl Told {
    /// What a trace rests on now; nothing where there are few rows, or where it cannot be told.
    pub(crate) fn of(
        folder: &Path,
        now: &Snapshot,
        keys: &str,
        asked: &str,
        findings: &[u8],
    ) -> Option<Told> {
        let rows: u64 = Kind::ALL.iter().map(|k| now.count(*k)).sum();
        (rows >= LEAST).then(|| Told::by(folder, now, keys, asked, findings).ok()).flatten()
    }

    fn by(folder: &Path, now: &Snapshot, keys: &str, asked: &str, findings: &[u8]) -> io::Result<Told> {
        let mut all = Sha256::new();
        all.update(FORMAT.to_le_bytes());
        all.update(program()?);
        for part in [keys.as_bytes(), asked.as_bytes(), findings] {
            all.update((part.len() as u64).to_le_bytes());
            all.update(part);
        }
        for kind in Kind::ALL {
            all.update(kind.name());
            lie(now, *kind, &mut all)?;
        }
        Ok(Told { path: folder.join("told"), rests_on: hex(&all.finalize()) })
    }

    /// What was found by then, if nothing has changed since.
    pub(crate) fn take(&self) -> Option<Trace> {
        let mut frames = Frames::open(&self.path).ok()?;
        if frames.next_frame().ok()? != self.rests_on.as_bytes() {
            return None;
        }
        frames.end_frame();
        let (mut bytes, mut len) = (Vec::new(), [0; 8]);
        frames.read_exact(&mut len).ok()?;
        let len = u64::from_le_bytes(len);
        frames.take(len).read_to_end(&mut bytes).ok()?;
        let mut found = serde_json::from_slice(&bytes).ok().filter(|_| bytes.len() as u64 == len)?;
        read(&mut found)?;
        serde_json::from_value(found).ok()
    }

    /// Keeps what was found.
    pub(crate) fn keep(&self, found: &Trace) {
        let Ok(mut found) = serde_json::to_value(found) else { return };
        write(&mut found);
        let Ok(bytes) = serde_json::to_vec(&found) else { return };
        // What could not be kept, for want of space, is traced again.
        let _ = frames::put(&self.path, self.rests_on.as_bytes(), &mut |to| {
            to.write_all(&(bytes.len() as u64).to_le_bytes())?;
            to.write_all(&bytes)
        });
    }
}

/// Digest of the running program's file.
fn program() -> io::Result<[u8; 32]> {
    let mut file = File::open(std::env::current_exe()?)?;
    let (mut all, mut some) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut some)? {
            0 => return Ok(all.finalize().into()),
            n => all.update(&some[..n]),
        }
    }
}

/// Puts the bits of each number that is not whole in its place: what reads decimals may round the last of them.
fn write(value: &mut Value) {
    match value {
        Value::Number(n) if n.is_f64() => {
            let bits = n.as_f64().unwrap_or_default().to_bits();
            *value = Value::String(format!("{EXACT}{bits:016x}"));
        }
        Value::String(text) if text.starts_with(EXACT) => text.insert(0, EXACT),
        Value::Array(list) => list.iter_mut().for_each(write),
        Value::Object(map) => map.values_mut().for_each(write),
        _ => {}
    }
}

/// Puts the numbers back.
fn read(value: &mut Value) -> Option<()> {
    match value {
        Value::String(text) => {
            let Some(rest) = text.strip_prefix(EXACT) else { return Some(()) };
            *value = match rest.starts_with(EXACT) {
                true => Value::String(rest.to_owned()),
                false => Number::from_f64(f64::from_bits(u64::from_str_radix(rest, 16).ok()?))?.into(),
            };
            Some(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(read),
        Value::Object(map) => map.values_mut().try_for_each(read),
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suyuan_lake::{Lake, Options};
    use suyuan_model::fixture;
    use suyuan_model::outcome::{FORMAT, Text};
    use suyuan_store::Store;

    use super::*;

    #[test]
    fn every_bit_of_a_number_comes_back() {
        let mut x = 0x9e37_79b9_7f4a_7c15u64;
        let mut list = vec![
            json!(0.0),
            json!(-0.0),
            json!(1.0),
            json!(7),
            json!(-7),
            json!(u64::MAX),
            json!(f64::MIN_POSITIVE),
        ];
        list.extend([
            json!("text"),
            json!("\0"),
            json!("\0\u{0}3ff0000000000000"),
            json!(null),
            json!(true),
            json!({"\0a": ["\0", 0.1]}),
        ]);
        for _ in 0..2000 {
            x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(23) ^ 0x1405_7b7e_f767_814f;
            list.extend(Number::from_f64(f64::from_bits(x)).map(Value::from));
        }
        let all = Value::from(list);
        let mut kept = all.clone();
        write(&mut kept);
        let mut back: Value = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
        read(&mut back).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn the_last_trace_stands_while_nothing_changes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("suyuan.db")).unwrap();
        let lake = Lake::open_with(&store, dir.path().join("lake"), Options::default()).unwrap();
        let take_in = |seq: i64| {
            let row = json!({"ts": "2020-01-09T00:00:00Z", "seq": seq, "account": "a1", "device": "d"});
            let mut load = lake.load();
            load.append(Kind::Login, fixture::batch(Kind::Login, &[row]).unwrap()).unwrap();
            load.commit(|_, _| Ok(())).unwrap();
        };
        take_in(1);
        let folder = dir.path().join("counts");
        let now = |keys: &str, asked: &str, findings: &[u8]| {
            Told::by(&folder, &lake.snapshot(None).unwrap(), keys, asked, findings).unwrap()
        };
        let limits = vec![Text { en: "\0nothing".to_owned(), zh: "无".to_owned() }];
        let found = Trace { format: FORMAT.to_owned(), limits, ..Trace::default() };
        assert!(now("k", "0", b"f").take().is_none());
        now("k", "0", b"f").keep(&found);
        assert_eq!(now("k", "0", b"f").take().as_ref(), Some(&found));
        for other in [now("l", "0", b"f"), now("k", "1", b"f"), now("k", "0", b"g"), now("k0", "", b"f")] {
            assert!(other.take().is_none());
        }
        // A file that is torn or spoilt anywhere.
        let whole = std::fs::read(folder.join("told")).unwrap();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1 << (at % 8);
            std::fs::write(folder.join("told"), &spoilt).unwrap();
            assert!(now("k", "0", b"f").take().is_none(), "{at}");
            std::fs::write(folder.join("told"), &whole[..at]).unwrap();
            assert!(now("k", "0", b"f").take().is_none(), "{at}");
        }
        std::fs::write(folder.join("told"), &whole).unwrap();
        assert!(now("k", "0", b"f").take().is_some());
        // Another record.
        take_in(2);
        assert!(now("k", "0", b"f").take().is_none());
    }
}
