//! Live detection over a data home: what has newly come in is evaluated, once, in its place in the total order.
//!
//! Rows are stored before they are evaluated. Each call goes on from the newest checkpoint, reads the lake from there to the
//! newest time less the lateness, and gives the alerts. Rows that came behind the checkpoint send it back to an earlier one:
//! what was said since is compared with what should have been said, and the difference is given as corrections
//! (added, retracted, revised). So what has been said in the end is what [`suyuan_detect::alerts`] says of the whole lake.
//!
//! In the folder `live/` of the home: `alerts.ndjson`, one line for each alert or correction, in the order in which they were
//! given, only ever appended to; and up to eight checkpoints. A line is on the disk before a checkpoint counts on it, so after
//! a crash the same alerts are found again under the same ids and are not given twice.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use suyuan_detect::{Alert, Correction, Live, LiveParams, RuleSet, corrections};
use suyuan_lake::Snapshot;
use suyuan_model::Kind;

use crate::path::{Engine, now};
use crate::progress::{Progress, Step, Watch};
use crate::{EngineError, home};

/// Checkpoints kept.
const KEPT: usize = 8;

/// A line of `alerts.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The clock when it was given, microseconds.
    pub given: i64,
    /// Whether late rows are its reason.
    pub late: bool,
    /// What it says.
    #[serde(flatten)]
    pub change: Correction,
}

impl Entry {
    /// Whether it is kept only: the rule is on trial, or somebody answers for its silence.
    pub fn silent(&self) -> bool {
        match &self.change {
            Correction::Added { alert } | Correction::Revised { alert } => {
                alert.shadow || alert.suppressed.is_some()
            }
            Correction::Retracted { .. } => false,
        }
    }
}

/// What one call did.
#[derive(Clone, Debug, Default)]
pub struct Tick {
    /// Rows evaluated.
    pub rows: u64,
    /// Everything up to this time has been evaluated.
    pub watermark: i64,
    /// Rows came late and an earlier checkpoint was gone back to.
    pub went_back: bool,
    /// The new lines.
    pub entries: Vec<Entry>,
}

/// A checkpoint's file: where the log and the lake stood, and the evaluator's state.
#[derive(Serialize, Deserialize)]
struct Mark {
    /// The lake's version.
    lake: i64,
    /// Lines of the log.
    lines: u64,
    watermark: i64,
}

struct Folder {
    dir: PathBuf,
}

impl Folder {
    fn open(paths: &home::Paths) -> Result<Folder, EngineError> {
        let dir = paths.data.join("live");
        fs::create_dir_all(&dir).map_err(|source| EngineError::Folder { path: dir.clone(), source })?;
        Ok(Folder { dir })
    }

    fn log(&self) -> PathBuf {
        self.dir.join("alerts.ndjson")
    }

    /// The lines of the log; one cut off by a crash is dropped and written over.
    fn entries(&self) -> Result<Vec<Entry>, EngineError> {
        let path = self.log();
        let bytes = match fs::read(&path) {
            Ok(b) => b,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(EngineError::File { path, source }),
        };
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        if whole < bytes.len() {
            let cut = || -> std::io::Result<()> {
                let file = fs::OpenOptions::new().write(true).open(&path)?;
                file.set_len(whole as u64)?;
                file.sync_all()
            };
            cut().map_err(|source| EngineError::Folder { path: path.clone(), source })?;
        }
        bytes[..whole]
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).map_err(|_| EngineError::Stale { name: "watch" }))
            .collect()
    }

    fn append(&self, entries: &[Entry]) -> Result<(), EngineError> {
        let mut bytes = Vec::new();
        for e in entries {
            serde_json::to_writer(&mut bytes, e)?;
            bytes.push(b'\n');
        }
        let path = self.log();
        let put = || -> std::io::Result<()> {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        put().map_err(|source| EngineError::Folder { path: path.clone(), source })
    }

    /// Checkpoints, the newest first. What cannot be read is passed over: an earlier one does as well.
    fn marks(&self) -> Result<Vec<(Mark, PathBuf)>, EngineError> {
        let mut out = Vec::new();
        let list =
            fs::read_dir(&self.dir).map_err(|source| EngineError::File { path: self.dir.clone(), source })?;
        for path in list.filter_map(|e| Some(e.ok()?.path())) {
            if path.extension().is_some_and(|e| e == "json")
                && let Ok(bytes) = fs::read(&path)
                && let Ok(mark) = serde_json::from_slice::<Mark>(&bytes)
            {
                out.push((mark, path));
            }
        }
        out.sort_by_key(|(m, p)| std::cmp::Reverse((m.watermark, m.lines, p.clone())));
        Ok(out)
    }

    fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
        let part = path.with_extension("part");
        let put = || -> std::io::Result<()> {
            let mut file = fs::File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, path)
        };
        put().map_err(|source| EngineError::Folder { path: path.to_owned(), source })
    }

    fn keep(&self, mark: &Mark, state: &[u8]) -> Result<(), EngineError> {
        let stem = self.dir.join(format!("{}-{}", mark.lake, mark.watermark));
        // The state first: a mark without its state would be a lie.
        Self::write(&stem.with_extension("state"), state)?;
        Self::write(&stem.with_extension("json"), &serde_json::to_vec(mark)?)?;
        for (_, path) in self.marks()?.into_iter().skip(KEPT) {
            Self::drop(&path);
        }
        Ok(())
    }

    /// Forgets a checkpoint; its mark first.
    fn drop(path: &Path) {
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(path.with_extension("state"));
    }
}

/// What a folder holds, so that nothing is read while nothing changes.
#[derive(Default)]
pub struct Look(BTreeMap<PathBuf, (u64, Option<std::time::SystemTime>)>);

impl Look {
    /// Whether the folder has changed since the last look.
    pub fn changed(&mut self, folder: &Path) -> bool {
        let mut now = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                match entry.metadata() {
                    Ok(m) if m.is_dir() => open.push(entry.path()),
                    Ok(m) => {
                        now.insert(entry.path(), (m.len(), m.modified().ok()));
                    }
                    Err(_) => {}
                }
            }
        }
        let changed = now != self.0;
        self.0 = now;
        changed
    }
}

/// The alerts that stand after these lines, by id.
pub fn standing(entries: &[Entry]) -> BTreeMap<String, Alert> {
    let mut out = BTreeMap::new();
    for e in entries {
        match &e.change {
            Correction::Added { alert } | Correction::Revised { alert } => {
                out.insert(alert.id.clone(), alert.clone());
            }
            Correction::Retracted { id } => {
                out.remove(id);
            }
        }
    }
    out
}

/// The earliest time among files that came after a version of the lake.
fn earliest_since(snapshot: &Snapshot, lake: i64) -> Option<i64> {
    let files = Kind::ALL.iter().flat_map(|k| snapshot.files(*k));
    files.filter(|f| f.since > lake).map(|f| f.min_ts).min()
}

impl Engine {
    /// Evaluates what has come into the lake since the last call, up to the newest time less `lateness`.
    ///
    /// Errors: the lake or the folder `live/` cannot be read or written.
    pub fn live(&mut self, rules: &RuleSet, lateness: i64, watch: Watch) -> Result<Tick, EngineError> {
        let folder = Folder::open(&self.paths)?;
        let snapshot = self.snapshot(None)?;
        let entries = folder.entries()?;
        let clock = now();
        let newest = Kind::ALL.iter().flat_map(|k| snapshot.files(*k)).map(|f| f.max_ts).max();
        // A row from the future must not drag the watermark along.
        let until = newest.map_or(i64::MIN, |n| n.min(clock).saturating_sub(lateness));
        let params = LiveParams { lateness, ..LiveParams::default() };
        let (mut live, from, went_back) = self.resume(&folder, rules, params, &snapshot)?;
        live.refer(&snapshot)?;
        let mut tick = Tick { went_back, ..Tick::default() };
        if until > live.watermark() {
            let start = live.watermark().saturating_add(1);
            let wants = live.wants();
            let scan = snapshot.scan_between(&wants, start, i64::MAX);
            let mut stream = scan.map_err(suyuan_detect::DetectError::from)?;
            let at = |done| Progress { step: Step::Detect, done, total: None, at: String::new() };
            tick.rows = live.replay(&mut *stream, until, &mut |done| watch(&at(done)))?;
        }
        tick.watermark = live.watermark();
        let right = live.take_alerts();
        let since = entries.get(from as usize..).unwrap_or_default();
        // What other rules said stays as it is.
        let ours = |a: &Alert| rules.rules().iter().any(|r| *r.id == *a.rule && *r.hash == *a.rule_hash);
        let given: Vec<Alert> = standing(since).into_values().filter(ours).collect();
        // Nothing said since: the alerts in their order. Else the difference.
        tick.entries = match given.is_empty() {
            true => right.into_iter().map(|alert| Correction::Added { alert }).collect(),
            false => corrections(&given, &right),
        }
        .into_iter()
        .map(|change| Entry { given: clock, late: went_back, change })
        .collect();
        if !tick.entries.is_empty() {
            folder.append(&tick.entries)?;
        }
        if tick.rows > 0 || went_back {
            let lines = entries.len() as u64 + tick.entries.len() as u64;
            let mark = Mark { lake: snapshot.id(), lines, watermark: tick.watermark };
            folder.keep(&mark, &live.save().to_bytes())?;
        }
        Ok(tick)
    }

    /// The newest checkpoint that nothing came behind of, else the beginning; later ones are forgotten.
    ///
    /// Also how many lines of the log stood then, and whether a later checkpoint had to be left.
    fn resume<'r>(
        &self,
        folder: &Folder,
        rules: &'r RuleSet,
        params: LiveParams,
        snapshot: &Snapshot,
    ) -> Result<(Live<'r>, u64, bool), EngineError> {
        let mut went_back = false;
        for (mark, path) in folder.marks()? {
            let behind = earliest_since(snapshot, mark.lake).is_some_and(|t| t <= mark.watermark);
            let state = fs::read(path.with_extension("state")).ok();
            let state = state.and_then(|b| suyuan_detect::Snapshot::from_bytes(&b).ok());
            let live = state
                .filter(|_| !behind)
                .and_then(|s| Live::restore(rules, params, &s.position, s.pieces).ok());
            if let Some(live) = live {
                return Ok((live, mark.lines, went_back));
            }
            went_back |= behind;
            Folder::drop(&path);
        }
        Ok((Live::new(rules, params), 0, went_back))
    }
}
