//! Taking records in: what the intake gives goes into one load of the lake, with its files and rejects.
//!
//! Everything of one call (all files, all kinds, what was kept aside) commits in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use suyuan_ingest::{
    FileInfo, FileSummary, Intake, Mapping, Plan, RejectContext, RejectRow, Sink, SinkError, Take,
};
use suyuan_lake::{Load, LoadCounts};
use suyuan_model::Kind;
use suyuan_model::outcome::{Input, Lang, Reject, Text};
use suyuan_store::files::{self, FileCount, NewFile};
use suyuan_store::rejects::{self as kept, NewReject, StoredReject};
use suyuan_store::{Store, StoreError};

use crate::path::{Engine, now};
use crate::progress::{Progress, Step, Watch};
use crate::spool::Spool;
use crate::{EngineError, mappings};

/// What one call of the intake did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IntakeReport {
    /// The files of this call, as run.json lists them.
    pub inputs: Vec<Input>,
    /// Files taken in before, passed over.
    pub known_files: Vec<String>,
    /// Files passed over because nothing in their name says records.
    pub passed_over: Vec<String>,
    /// Files and folders that could not be read, with reason and remedy.
    pub unreadable: Vec<(String, Text, Text)>,
    /// Rejected rows taken in at last (a retry).
    pub mended: u64,
    /// What is still kept aside after a retry; `None` of an intake.
    pub left: Option<Left>,
    /// The first rejects, to show.
    pub first_rejects: Vec<Reject>,
    /// The lake's newest version.
    pub snapshot: i64,
}

/// What a retry leaves.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Left {
    /// Rows kept aside.
    pub rows: u64,
    /// Files refused as a whole: they are not kept and must be named to be read again.
    pub files: Vec<String>,
}

/// More would hide the rest of what the terminal says.
const SHOWN: usize = 5;

impl IntakeReport {
    /// Rows kept aside by this call, and files and folders that could not be read.
    pub fn rejected(&self) -> u64 {
        let kept = match &self.left {
            Some(left) => left.rows + left.files.len() as u64,
            None => self.inputs.iter().map(|i| i.rejected).sum(),
        };
        kept + self.unreadable.len() as u64
    }

    /// What the terminal says.
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let sum = |f: fn(&Input) -> u64| self.inputs.iter().map(f).sum::<u64>();
        let (taken, known, rejected) = (sum(|i| i.taken), sum(|i| i.known), sum(|i| i.rejected));
        let (files, old) = (self.inputs.len(), self.known_files.len());
        let mut lines = Vec::new();
        let s = if files == 1 { "" } else { "s" };
        let summary = match lang {
            Lang::En => format!(
                "{files} file{s}: {taken} rows taken in, {known} known already, {rejected} kept aside; {old} files known already"
            ),
            Lang::Zh => {
                format!(
                    "{files} 个文件：入库 {taken} 行，已有 {known} 行，搁置 {rejected} 行；另有 {old} 个文件此前已导入"
                )
            }
        };
        match &self.left {
            Some(left) => {
                if files > 0 {
                    lines.push(summary);
                }
                lines.extend(self.retry_lines(left, lang));
            }
            None => lines.push(summary),
        }
        for (name, reason, remedy) in &self.unreadable {
            lines.push(format!("{name}: {}; {}", reason.get(lang), remedy.get(lang)));
        }
        for input in &self.inputs {
            for (warning, n) in &input.warnings {
                lines.push(format!("{}: {} ({n})", input.name, warning.get(lang)));
            }
        }
        lines.extend(self.first_rejects.iter().map(|r| reject_line(r, lang)));
        if rejected > self.first_rejects.len() as u64 {
            lines.push(match lang {
                Lang::En => "... all of them: rejects.ndjson".to_owned(),
                Lang::Zh => "…… 全部见 rejects.ndjson".to_owned(),
            });
        }
        lines
    }
}

impl IntakeReport {
    fn retry_lines(&self, left: &Left, lang: Lang) -> Vec<String> {
        let (mended, rows) = (self.mended, left.rows);
        let mut lines = vec![match lang {
            Lang::En => format!("{mended} rejects mended and taken in; {rows} rows still kept aside"),
            Lang::Zh => format!("{mended} 条搁置记录已修正入库；仍有 {rows} 行搁置"),
        }];
        if !left.files.is_empty() {
            let names = left.files.join(", ");
            lines.push(match lang {
                Lang::En => format!("refused as a whole, name them again once mended: {names}"),
                Lang::Zh => format!("整个文件被拒，修正后请在命令中写明文件：{names}"),
            });
        }
        lines
    }
}

fn reject_line(r: &Reject, lang: Lang) -> String {
    let field = r.field.as_ref().map_or(String::new(), |f| format!(" `{f}`"));
    format!("{}:{}{field}: {}; {}", r.file, r.line, r.reason.get(lang), r.remedy.get(lang))
}

/// What the store remembers of a file beside its bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    read: u64,
    skipped: u64,
    warnings: Vec<(Text, u64)>,
}

/// What the store remembers of a reject to read it again.
#[derive(Debug, Serialize, Deserialize)]
struct Again {
    record: i64,
    whole: bool,
    context: RejectContext,
}

/// A file that was refused as a whole is remembered under this prefix, so that it is read again.
const REFUSED: &str = "refused:";

impl Engine {
    /// Takes files and folders in; one transaction for all of them.
    pub fn ingest(
        &mut self,
        paths: &[PathBuf],
        mapping: Option<&str>,
        watch: Watch,
    ) -> Result<IntakeReport, EngineError> {
        self.lake.sweep_orphans(now())?;
        let mapping = mapping.map(mappings::load).transpose()?;
        let plan = Plan::of(paths, mapping.as_ref())?;
        let mut taker = Taker::new(self, watch)?;
        taker.report.passed_over = plan.passed_over.clone();
        self.intake().run(&plan, &mut taker)?;
        let report = taker.commit(&[])?;
        self.lake.compact_crowded()?;
        Ok(report)
    }

    /// Reads what was kept aside once more: sealed rows under the present mapping, or, where files are
    /// named, the same lines of the mended files. What fits is taken in and no longer kept aside.
    pub fn retry_rejects(
        &mut self,
        mended: &[PathBuf],
        mapping: Option<&str>,
        watch: Watch,
    ) -> Result<IntakeReport, EngineError> {
        let mapping = mapping.map(mappings::load).transpose()?;
        let open = self.store.read(kept::open)?;
        let names: BTreeMap<i64, String> =
            self.store.read(files::all)?.into_iter().map(|f| (f.file_id, f.file.name)).collect();
        let refused = self.refused()?;
        let (whole, mended): (Vec<_>, Vec<_>) = mended
            .iter()
            .cloned()
            .partition(|path| refused.iter().any(|id| names.get(id).is_some_and(|n| same_file(n, path))));
        let texts = match mended.is_empty() && !whole.is_empty() {
            true => Vec::new(),
            false => self.raw_texts(&open, &names, &mended, mapping.as_ref())?,
        };
        let mut taker = Taker::new(self, watch)?;
        let mut closed = Vec::new();
        for path in &whole {
            let here = open.iter().filter(|r| {
                refused.contains(&r.file_id) && names.get(&r.file_id).is_some_and(|n| same_file(n, path))
            });
            let here: Vec<&StoredReject> = here.collect();
            closed.extend(self.read_whole(path, &here, mapping.as_ref(), &mut taker)?);
        }
        for (reject, again, raw) in texts {
            let mapping = mappings::of_context(&again.context, mapping.as_ref())?;
            let intake = self.intake();
            let (line, record) = (reject.reject.line, again.record);
            let now_reads =
                intake.parse_raw(&again.context, mapping.as_ref(), reject.file_id, line, record, &raw)?;
            if !now_reads.rejects.is_empty() || now_reads.batches.is_empty() {
                taker.still(&now_reads.rejects, names.get(&reject.file_id));
                continue;
            }
            for (kind, batch) in now_reads.batches {
                taker.load.append(kind, batch)?;
            }
            if let Some(batch) = now_reads.originals {
                taker.load.originals(batch)?;
            }
            taker.report.mended += 1;
            closed.push(reject.id);
        }
        let mut report = taker.commit(&closed)?;
        report.left = Some(self.left()?);
        Ok(report)
    }

    /// Reads a file again that was refused as a whole; gives the rejects that this settles.
    fn read_whole(
        &self,
        path: &Path,
        here: &[&StoredReject],
        mapping: Option<&Mapping>,
        taker: &mut Taker,
    ) -> Result<Vec<i64>, EngineError> {
        let Some(first) = here.first() else { return Ok(Vec::new()) };
        let again: Again = serde_json::from_str(&first.reject.context)?;
        let mapping = match mapping {
            Some(mapping) => Some(mapping.clone()),
            None => mappings::of_context(&again.context, None)?,
        };
        let plan = Plan::of(&[path.to_owned()], mapping.as_ref())?;
        let before = taker.files.len();
        self.intake().run(&plan, taker)?;
        // Refused once more, the first refusal gives way to the new one.
        if taker.files[before..].iter().all(|f| f.summary.refused.is_none()) {
            taker.report.mended += here.len() as u64;
        }
        Ok(here.iter().map(|r| r.id).collect())
    }

    /// The files that were refused as a whole.
    fn refused(&self) -> Result<BTreeSet<i64>, EngineError> {
        let all = self.store.read(files::all)?;
        Ok(all.into_iter().filter(|f| f.file.sha256.starts_with(REFUSED)).map(|f| f.file_id).collect())
    }

    fn left(&self) -> Result<Left, EngineError> {
        let refused = self.refused()?;
        let names: BTreeMap<i64, String> =
            self.store.read(files::all)?.into_iter().map(|f| (f.file_id, f.file.name)).collect();
        let mut left = Left::default();
        for (id, rows) in self.store.read(kept::count_open)? {
            match names.get(&id).filter(|_| refused.contains(&id)) {
                Some(name) => left.files.push(name.clone()),
                None => left.rows += rows,
            }
        }
        Ok(left)
    }

    fn intake(&self) -> Intake<'_> {
        let threads = NonZeroUsize::new(self.options.threads).unwrap_or(NonZeroUsize::MIN);
        Intake::new(&self.vault, suyuan_ingest::Options::new(threads, Some(now())))
    }

    /// The raw text of each reject that can be read again.
    fn raw_texts(
        &self,
        open: &[StoredReject],
        names: &BTreeMap<i64, String>,
        mended: &[PathBuf],
        mapping: Option<&Mapping>,
    ) -> Result<Vec<(StoredReject, Again, Vec<u8>)>, EngineError> {
        let mut found = Vec::new();
        let again = |r: &StoredReject| serde_json::from_str::<Again>(&r.reject.context);
        if mended.is_empty() {
            for reject in open {
                let again = again(reject)?;
                if again.whole {
                    let raw = self.vault.open_text(&reject.reject.sealed)?;
                    found.push((reject.clone(), again, raw));
                }
            }
            return Ok(found);
        }
        for path in mended {
            let here: Vec<&StoredReject> =
                open.iter().filter(|r| names.get(&r.file_id).is_some_and(|n| same_file(n, path))).collect();
            let Some(first) = here.first() else {
                return Err(EngineError::NothingKept { path: path.clone() });
            };
            let context = again(first)?.context;
            let mapping = mappings::of_context(&context, mapping)?;
            let lines: BTreeSet<i64> = here.iter().map(|r| r.reject.line).collect();
            let (context, rows) = self.intake().mended_rows(path, context.kind, mapping.as_ref(), &lines)?;
            for (line, record, raw) in rows {
                for reject in here.iter().filter(|r| r.reject.line == line) {
                    // The source that the file's rows were given stays theirs.
                    let source = again(reject)?.context.source.clone();
                    let context = RejectContext { source, ..context.clone() };
                    found.push(((*reject).clone(), Again { record, whole: true, context }, raw.clone()));
                }
            }
        }
        Ok(found)
    }
}

/// Whether the mended file stands for the one that was taken in: the same name.
fn same_file(name: &str, path: &Path) -> bool {
    let last = |s: &str| s.rsplit('/').next().unwrap_or(s).to_owned();
    path.file_name().is_some_and(|f| f.to_string_lossy() == last(name).as_str())
}

/// Receives what the intake gives.
struct Taker<'a> {
    store: &'a Store,
    load: Load,
    watch: Watch<'a>,
    report: IntakeReport,
    files: Vec<Taken>,
    spool: Spool,
}

struct Taken {
    id: i64,
    info: FileInfo,
    summary: FileSummary,
}

impl<'a> Taker<'a> {
    fn new(engine: &'a Engine, watch: Watch<'a>) -> Result<Self, EngineError> {
        let dir = engine.store.path().parent().unwrap_or(Path::new("."));
        Ok(Self {
            store: &engine.store,
            load: engine.lake.load(),
            watch,
            report: IntakeReport::default(),
            files: Vec::new(),
            spool: Spool::new(dir)?,
        })
    }

    fn keep(&mut self, file_id: i64, name: &str, row: &RejectRow) -> Result<(), EngineError> {
        let again =
            Again { record: row.record, whole: row.whole, context: RejectContext::clone(&row.context) };
        if self.report.first_rejects.len() < SHOWN {
            self.report.first_rejects.push(shown(row, name));
        }
        self.spool.push(&Kept {
            file_id,
            line: row.line,
            record: row.kind.map(|k| k.name().to_owned()),
            field: row.field.clone(),
            reason: row.reason.clone(),
            remedy: row.remedy.clone(),
            sealed: row.sealed.clone(),
            context: serde_json::to_string(&again)?,
        })
    }

    /// Notes rows that still do not fit.
    fn still(&mut self, rows: &[RejectRow], name: Option<&String>) {
        let name = name.map_or("", String::as_str);
        for row in rows.iter().take(SHOWN.saturating_sub(self.report.first_rejects.len())) {
            self.report.first_rejects.push(shown(row, name));
        }
    }

    fn commit(self, closed: &[i64]) -> Result<IntakeReport, EngineError> {
        let Taker { load, watch, mut report, files: taken, mut spool, .. } = self;
        watch(&Progress { step: Step::Commit, done: 0, total: None, at: String::new() });
        let mut inputs = Vec::new();
        let receipt = load.commit(|tx, counts| {
            for file in &taken {
                let input = input_of(file, counts);
                files::add(tx, file.id, &new_file(file)?)?;
                for ((id, kind), n) in
                    counts.rows.range((file.id, Kind::Staff)..).take_while(|(k, _)| k.0 == file.id)
                {
                    let kind = kind.name().to_owned();
                    files::add_count(tx, &FileCount { file_id: *id, kind, taken: n.taken, known: n.known })?;
                }
                inputs.push(input);
            }
            let mine: BTreeSet<i64> = taken.iter().map(|f| f.id).collect();
            for ((id, kind), n) in counts.rows.iter().filter(|((id, _), _)| !mine.contains(id)) {
                let kind = kind.name().to_owned();
                files::add_count(tx, &FileCount { file_id: *id, kind, taken: n.taken, known: n.known })?;
            }
            spool.each(|k: Kept| {
                let reject = NewReject {
                    line: k.line,
                    record: k.record,
                    field: k.field,
                    reason: k.reason,
                    remedy: k.remedy,
                    sealed: k.sealed,
                    context: k.context,
                };
                kept::add(tx, k.file_id, &reject).map(|_| ())
            })?;
            forget_refusals(tx, &taken)?;
            closed.iter().try_for_each(|id| kept::close(tx, *id))
        })?;
        report.inputs = inputs;
        report.snapshot = receipt.snapshot;
        Ok(report)
    }
}

/// A file that was refused before and is read now, or is refused again, is no longer kept aside twice.
fn forget_refusals(tx: &rusqlite::Transaction, taken: &[Taken]) -> Result<(), StoreError> {
    let mine: BTreeSet<i64> = taken.iter().map(|f| f.id).collect();
    let hashes: BTreeSet<String> = taken.iter().map(|f| format!("{REFUSED}{}", f.info.sha256)).collect();
    let old: BTreeSet<i64> = files::all(tx)?
        .into_iter()
        .filter(|f| hashes.contains(&f.file.sha256) && !mine.contains(&f.file_id))
        .map(|f| f.file_id)
        .collect();
    for reject in kept::open(tx)?.into_iter().filter(|r| old.contains(&r.file_id)) {
        kept::close(tx, reject.id)?;
    }
    Ok(())
}

fn shown(row: &RejectRow, file: &str) -> Reject {
    Reject {
        file: file.to_owned(),
        line: row.line.max(0) as u64,
        record: row.kind.map(|k| k.name().to_owned()),
        field: row.field.clone(),
        reason: row.reason.clone(),
        remedy: row.remedy.clone(),
        sealed: row.sealed.clone(),
    }
}

fn new_file(file: &Taken) -> Result<NewFile, StoreError> {
    let note =
        Note { read: file.summary.records, skipped: file.summary.skipped, warnings: warnings(&file.summary) };
    let sha256 = match file.summary.refused {
        Some(_) => format!("{REFUSED}{}", file.info.sha256),
        None => file.info.sha256.clone(),
    };
    Ok(NewFile {
        name: file.info.name.clone(),
        sha256,
        bytes: file.info.bytes,
        mapping: file.info.mapping.clone(),
        note: serde_json::to_string(&note).map_err(StoreError::caller)?,
    })
}

fn warnings(summary: &FileSummary) -> Vec<(Text, u64)> {
    let mut all: Vec<(Text, u64)> = summary
        .warnings
        .iter()
        .map(|w| {
            let field = if w.field.is_empty() { String::new() } else { format!(", `{}`", w.field) };
            let text = Text::new(
                format!("line {}{field}: {}", w.line, w.text.en),
                format!("第 {} 行起{}：{}", w.line, field.replace(", ", "，"), w.text.zh),
            );
            (text, w.count)
        })
        .collect();
    all.extend(summary.cut.clone().map(|cut| (cut, 1)));
    all
}

fn input_of(file: &Taken, counts: &LoadCounts) -> Input {
    let rows = || counts.rows.iter().filter(|((id, _), _)| *id == file.id);
    Input {
        file: file.id,
        name: file.info.name.clone(),
        sha256: file.info.sha256.clone(),
        bytes: file.info.bytes,
        kinds: rows().map(|((_, k), _)| k.name().to_owned()).collect(),
        read: file.summary.records,
        taken: rows().map(|(_, n)| n.taken).sum(),
        known: rows().map(|(_, n)| n.known).sum(),
        rejected: file.summary.rejected,
        warnings: warnings(&file.summary),
    }
}

/// A reject on its way to the store.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    file_id: i64,
    line: i64,
    record: Option<String>,
    field: Option<String>,
    reason: Text,
    remedy: Text,
    sealed: String,
    context: String,
}

impl Sink for Taker<'_> {
    fn begin_file(&mut self, file: &FileInfo) -> Result<Take, SinkError> {
        let known = self.store.read(|c| files::by_sha(c, &file.sha256, file.mapping.as_deref()))?;
        let twice = self.files.iter().any(|f| f.info.sha256 == file.sha256 && f.info.mapping == file.mapping);
        if known.is_some() || twice {
            self.report.known_files.push(file.name.clone());
            return Ok(Take::Skip);
        }
        let id = files::reserve(self.store)?;
        self.files.push(Taken { id, info: file.clone(), summary: FileSummary::default() });
        Ok(Take::Read { file_id: id })
    }

    fn batch(&mut self, kind: Kind, batch: RecordBatch) -> Result<(), SinkError> {
        Ok(self.load.append(kind, batch)?)
    }

    fn originals(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        Ok(self.load.originals(batch)?)
    }

    fn reject(&mut self, row: RejectRow) -> Result<(), SinkError> {
        let file = self.files.last().expect("a row is rejected after its file has begun");
        let (id, name) = (file.id, file.info.name.clone());
        Ok(self.keep(id, &name, &row)?)
    }

    fn end_file(&mut self, summary: &FileSummary) -> Result<(), SinkError> {
        self.files.last_mut().expect("a file ends after it has begun").summary = summary.clone();
        Ok(())
    }

    fn unreadable(&mut self, name: &str, reason: &Text, remedy: &Text) -> Result<(), SinkError> {
        self.report.unreadable.push((name.to_owned(), reason.clone(), remedy.clone()));
        Ok(())
    }

    fn progress(&mut self, p: &suyuan_ingest::Progress) {
        (self.watch)(&Progress {
            step: Step::Ingest,
            done: p.records,
            total: None,
            at: format!("{} ({}/{})", p.file, p.nth, p.files),
        });
    }
}

/// All rows kept aside and not yet mended, for `rejects.ndjson`.
pub(crate) fn rejects(store: &Store) -> Result<Vec<Reject>, EngineError> {
    let names: BTreeMap<i64, String> =
        store.read(files::all)?.into_iter().map(|f| (f.file_id, f.file.name)).collect();
    let open = store.read(kept::open)?;
    Ok(open
        .into_iter()
        .map(|r| Reject {
            file: names.get(&r.file_id).cloned().unwrap_or_default(),
            line: r.reject.line.max(0) as u64,
            record: r.reject.record,
            field: r.reject.field,
            reason: r.reject.reason,
            remedy: r.reject.remedy,
            sealed: r.reject.sealed,
        })
        .collect())
}

/// All input files, for `run.json`.
pub(crate) fn inputs(store: &Store) -> Result<Vec<Input>, EngineError> {
    let (all, counts, open) =
        store.read(|c| Ok((files::all(c)?, files::counts(c)?, kept::count_open(c)?)))?;
    let open: BTreeMap<i64, u64> = open.into_iter().collect();
    let mut inputs = Vec::new();
    for f in all {
        let note: Note = serde_json::from_str(&f.file.note).unwrap_or_default();
        let mine = || counts.iter().filter(|c| c.file_id == f.file_id);
        inputs.push(Input {
            file: f.file_id,
            sha256: f.file.sha256.trim_start_matches(REFUSED).to_owned(),
            name: f.file.name,
            bytes: f.file.bytes,
            kinds: mine().map(|c| c.kind.clone()).collect(),
            read: note.read,
            taken: mine().map(|c| c.taken).sum(),
            known: mine().map(|c| c.known).sum(),
            rejected: open.get(&f.file_id).copied().unwrap_or(0),
            warnings: note.warnings,
        });
    }
    Ok(inputs)
}
