//! Where rows go: one file a record kind, in time order.
//!
//! Rows of the day in hand are kept until the day closes, then sorted and written; rows of later days
//! wait. Memory holds one day and what was planned ahead, never the world. Invariant: no row is put
//! into a day already written, so every file is in time order and `seq` grows within a source.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use suyuan_model::{Kind, time};

use crate::error::SimError;
use crate::rows::{self, Row};

/// A source system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(pub u16);

/// The carrier's own systems; those of other companies are added by name.
pub mod source {
    use super::Source;
    /// Human resources and organisation: staff, outlets.
    pub const HR: Source = Source(0);
    /// Assets: terminals.
    pub const ASSET: Source = Source(1);
    /// Work orders and hotline.
    pub const DESK: Source = Source(2);
    /// Single sign-on: logins.
    pub const SSO: Source = Source(3);
    /// Identity and rights: account changes.
    pub const IAM: Source = Source(4);
    /// Customer data: look-ups, openings, card changes.
    pub const CRM: Source = Source(5);
    /// Captures at the counter.
    pub const REALNAME: Source = Source(6);
    /// Warehouse of blank cards.
    pub const WMS: Source = Source(7);
    /// Settlement: commissions.
    pub const SETTLE: Source = Source(8);
    /// Daily use.
    pub const USAGE: Source = Source(9);
    /// Anti-fraud centre: cases, complaints, re-verifications.
    pub const RISK: Source = Source(10);
    /// The investigation: exhibits.
    pub const CASE: Source = Source(11);
    /// Names of the above.
    pub const NAMES: [&str; 12] = [
        "hr",
        "asset",
        "desk",
        "sso",
        "iam",
        "crm",
        "realname",
        "wms",
        "settle",
        "usage",
        "antifraud",
        "case-file",
    ];
}

struct Pending {
    kind: Kind,
    ts: i64,
    source: u16,
    body: Box<[u8]>,
}

#[derive(Default)]
struct KindFile {
    writer: Option<BufWriter<File>>,
    arena: Vec<u8>,
    /// ts, source, start and end in the arena.
    index: Vec<(i64, u16, u32, u32)>,
    seqs: Vec<i64>,
    rows: u64,
    bytes: u64,
}

/// The files of a world being made.
pub struct Out {
    dir: PathBuf,
    names: Vec<String>,
    files: Vec<KindFile>,
    pending: BTreeMap<i64, Vec<Pending>>,
    /// The day in hand; rows before it are a fault of the generator.
    today: i64,
    line: Vec<u8>,
}

impl Out {
    /// Files in `dir`, which is made if it is not there. `today` begins before every row.
    pub fn create(dir: &Path) -> Result<Out, SimError> {
        std::fs::create_dir_all(dir).map_err(SimError::write(dir))?;
        Ok(Out {
            dir: dir.to_owned(),
            names: source::NAMES.iter().map(|s| (*s).to_owned()).collect(),
            files: Kind::ALL.iter().map(|_| KindFile::default()).collect(),
            pending: BTreeMap::new(),
            today: i64::MIN,
            line: Vec::new(),
        })
    }

    /// The source of that name, new or known.
    pub fn source(&mut self, name: &str) -> Source {
        let at = self.names.iter().position(|n| n == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Source(at as u16)
    }

    /// Puts a row where its instant belongs.
    pub fn put<R: Row>(&mut self, ts: i64, source: &Source, row: &R) {
        let ts = ts.div_euclid(time::SECOND) * time::SECOND;
        let day = time::china_day(ts);
        assert!(day >= self.today, "INVARIANT: no row of `{}` lies in a day already written", R::KIND.name());
        if day > self.today {
            let mut body = Vec::with_capacity(96);
            row.put(&mut body);
            let body = body.into_boxed_slice();
            self.pending.entry(day).or_default().push(Pending { kind: R::KIND, ts, source: source.0, body });
        } else {
            let file = &mut self.files[R::KIND as usize];
            let start = file.arena.len() as u32;
            row.put(&mut file.arena);
            file.index.push((ts, source.0, start, file.arena.len() as u32));
        }
    }

    /// Opens a day: rows planned for earlier days are written first, each in its own day.
    pub fn begin_day(&mut self, day: i64) -> Result<(), SimError> {
        while let Some(earlier) = self.pending.keys().next().copied().filter(|d| *d < day) {
            self.today = earlier;
            self.end_day()?;
        }
        self.today = day;
        Ok(())
    }

    /// Closes the day in hand: sorts and writes it.
    pub fn end_day(&mut self) -> Result<(), SimError> {
        for p in self.pending.remove(&self.today).unwrap_or_default() {
            let file = &mut self.files[p.kind as usize];
            let start = file.arena.len() as u32;
            file.arena.extend_from_slice(&p.body);
            file.index.push((p.ts, p.source, start, file.arena.len() as u32));
        }
        for kind in Kind::ALL {
            self.write_day(*kind)?;
        }
        self.today += 1;
        Ok(())
    }

    fn write_day(&mut self, kind: Kind) -> Result<(), SimError> {
        let file = &mut self.files[kind as usize];
        if file.index.is_empty() {
            return Ok(());
        }
        let path = self.dir.join(format!("{}.csv", kind.name()));
        let fail = SimError::write(&path);
        file.index.sort_by_key(|(ts, ..)| *ts);
        file.seqs.resize(self.names.len(), 0);
        let mut write = || -> std::io::Result<()> {
            if file.writer.is_none() {
                let mut w = BufWriter::with_capacity(1 << 18, File::create(&path)?);
                writeln!(w, "ts,source,seq,{}", rows::fields(kind).join(","))?;
                file.writer = Some(w);
            }
            let w = file.writer.as_mut().expect("made above");
            for (ts, source, start, end) in &file.index {
                let seq = &mut file.seqs[usize::from(*source)];
                *seq += 1;
                self.line.clear();
                rows::put_time(&mut self.line, *ts);
                self.line.push(b',');
                self.line.extend_from_slice(self.names[usize::from(*source)].as_bytes());
                self.line.push(b',');
                rows::put_int(&mut self.line, *seq);
                self.line.extend_from_slice(&file.arena[*start as usize..*end as usize]);
                self.line.push(b'\n');
                w.write_all(&self.line)?;
                file.bytes += self.line.len() as u64;
            }
            Ok(())
        };
        write().map_err(fail)?;
        file.rows += file.index.len() as u64;
        file.index.clear();
        file.arena.clear();
        Ok(())
    }

    /// Drops what was planned behind the world's last day and closes the files. Gives rows and bytes by kind.
    pub fn finish(mut self) -> Result<BTreeMap<&'static str, u64>, SimError> {
        self.pending.clear();
        let mut counts = BTreeMap::new();
        for kind in Kind::ALL {
            let file = &mut self.files[*kind as usize];
            if let Some(mut w) = file.writer.take() {
                let path = self.dir.join(format!("{}.csv", kind.name()));
                w.flush().map_err(SimError::write(&path))?;
                counts.insert(kind.name(), file.rows);
            }
        }
        Ok(counts)
    }

    /// The day in hand.
    pub fn today(&self) -> i64 {
        self.today
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|f| f.rows).sum()
    }
}
