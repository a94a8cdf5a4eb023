//! The steps from records to report.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use suyuan_case::LawSet;
use suyuan_detect::RuleSet;
use suyuan_lake::{Lake, Snapshot};
use suyuan_model::outcome::{Cases, FORMAT, Finding, Lang, Run, Trace};
use suyuan_model::risk::Risk;
use suyuan_model::scan::{Beside, RowSource};
use suyuan_model::score::Scores;
use suyuan_model::{Kind, time};
use suyuan_store::Store;
use suyuan_trace::attribute::Settings;
use suyuan_vault::Vault;

use crate::ask::{self, Ask};
use crate::home::{self, Paths};
use crate::models::{self, Laid};
use crate::outputs::Outputs;
use crate::progress::{Progress, Step, Watch};
use crate::shelf::Counts;
use crate::told::Told;
use crate::{EngineError, intake};

/// How the engine works; never what it finds.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads for intake and detection; results are the same for any number.
    pub threads: usize,
}

/// An open data home with its keys.
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) vault: Vault,
    pub(crate) paths: Paths,
    pub(crate) options: Options,
}

impl Engine {
    /// Opens the home, making what is missing; a home opens with the keys of its first opening only.
    pub fn open(paths: &Paths, options: Options) -> Result<Self, EngineError> {
        let home::Home { store, lake, vault, .. } = home::open(paths)?;
        Ok(Self { store, lake, vault, paths: paths.clone(), options })
    }

    /// Opens a home that is there.
    pub fn open_existing(paths: &Paths, options: Options) -> Result<Self, EngineError> {
        if !paths.store().exists() {
            return Err(EngineError::NoHome { path: paths.data.clone() });
        }
        Self::open(paths, options)
    }

    /// A snapshot of the lake; the newest when no version is named.
    pub fn snapshot(&self, version: Option<i64>) -> Result<Snapshot, EngineError> {
        Ok(self.lake.snapshot(version)?)
    }

    /// Runs the rules that come with the program over the newest snapshot and keeps the findings.
    pub fn detect(&mut self, watch: Watch) -> Result<Vec<Finding>, EngineError> {
        self.detect_with(&RuleSet::embedded()?, None, watch)
    }

    /// Scores the cards of the newest snapshot by a model, to be laid beside its records for these rules.
    ///
    /// Errors: the file is no model, or asks for columns that the table of card use does not have.
    pub fn lay(&self, model: &Path, rules: &RuleSet, watch: Watch) -> Result<Laid, EngineError> {
        models::lay(self, model, rules.least_score().unwrap_or(1.0), watch)
    }

    /// Runs these rules over the newest snapshot, with what a model says of its cards beside it; keeps the findings, and which
    /// rules and which model they were.
    pub fn detect_with(
        &mut self,
        rules: &RuleSet,
        laid: Option<&Laid>,
        watch: Watch,
    ) -> Result<Vec<Finding>, EngineError> {
        let snapshot = self.lake.snapshot(None)?;
        let total = Kind::ALL.iter().map(|k| snapshot.count(*k)).sum();
        let scores = laid.map(|l| &l.scores);
        let source = Beside { rows: &snapshot, scores };
        let found = suyuan_detect::detect_on(self.options.threads, &source, rules, &mut |done| {
            watch(&Progress { step: Step::Detect, done, total: Some(total), at: String::new() });
        })?;
        self.keep("detect", &found)?;
        self.keep("rules", &crate::rules::hashes(rules))?;
        let named = |s: &Scores| (s.dated.clone().unwrap_or_default(), s.model.clone());
        self.keep("models", &scores.map(named).into_iter().collect::<Vec<(String, String)>>())?;
        Ok(found)
    }

    /// What findings add up to by entity, highest first.
    pub fn risk(findings: &[Finding]) -> Vec<Risk> {
        suyuan_detect::risk(findings, &suyuan_detect::RiskParams::default())
    }

    /// What a rule would have said over a period; keeps nothing.
    ///
    /// `rule` is the id of a shipped rule, or a rule file.
    pub fn backtest(
        &self,
        rule: &str,
        since: Option<&str>,
        until: Option<&str>,
        watch: Watch,
    ) -> Result<suyuan_detect::Backtest, EngineError> {
        let snapshot = self.lake.snapshot(None)?;
        let total = Kind::ALL.iter().map(|k| snapshot.count(*k)).sum();
        let rules = crate::rules::one(rule)?;
        let instant = |text: &str| {
            let day = time::parse_day(text).map(|d| d * time::DAY - time::CHINA);
            day.or_else(|| time::parse(text)).ok_or_else(|| EngineError::NoDay { text: text.to_owned() })
        };
        let (since, until) = (since.map(instant).transpose()?, until.map(instant).transpose()?);
        Ok(suyuan_detect::backtest(&snapshot, &rules, since, until, &mut |done| {
            watch(&Progress { step: Step::Detect, done, total: Some(total), at: String::new() });
        })?)
    }

    /// Traces sources, operators and rings, and keeps them.
    pub fn trace(&mut self, watch: Watch) -> Result<Trace, EngineError> {
        self.trace_asked(&Ask::default(), watch)
    }

    /// The same with what is asked beside; an answer that rests on lists is not kept.
    pub fn trace_asked(&mut self, asked: &Ask, watch: Watch) -> Result<Trace, EngineError> {
        let params = suyuan_trace::Params {
            victims: ask::list(&self.vault, asked.victims.as_deref())?,
            canaries: ask::list(&self.vault, asked.canaries.as_deref())?,
            decoys: asked.decoys,
            attribution: Settings { threads: self.options.threads, ..Settings::default() },
            ..suyuan_trace::Params::default()
        };
        let snapshot = self.lake.snapshot(None)?;
        let told = if asked.rests_on_lists() { None } else { self.told(&snapshot, asked)? };
        if let Some(found) = told.as_ref().and_then(Told::take) {
            self.keep("trace", &found)?;
            return Ok(found);
        }
        let findings: Vec<Finding> = self.kept("detect")?;
        let mut shelf = self.shelf(&snapshot, !asked.rests_on_lists());
        let found = suyuan_trace::trace_on(&snapshot, &findings, &params, Some(&mut shelf), &mut |done| {
            watch(&Progress { step: Step::Trace, done, total: None, at: String::new() });
        })?;
        if !asked.rests_on_lists() {
            self.keep("trace", &found)?;
        }
        if let Some(told) = told {
            told.keep(&found);
        }
        Ok(found)
    }

    /// What a trace rests on now, with the last one.
    fn told(&self, now: &Snapshot, asked: &Ask) -> Result<Option<Told>, EngineError> {
        let findings = self.kept_bytes("detect")?;
        let asked = asked.decoys.to_string();
        Ok(Told::of(&self.paths.counts(), now, &self.vault.id(), &asked, &findings))
    }

    /// Where the counts of look-ups stand from one run to the next.
    fn shelf(&self, snapshot: &Snapshot, keep: bool) -> Counts {
        Counts::new(self.lake.clone(), snapshot.clone(), self.paths.counts(), self.vault.id(), keep)
    }

    /// The trace that was kept.
    pub fn traced(&self) -> Result<Trace, EngineError> {
        self.kept("trace")
    }

    /// Builds the cases and keeps them.
    pub fn case(&mut self, watch: Watch) -> Result<Cases, EngineError> {
        let findings: Vec<Finding> = self.kept("detect")?;
        let trace: Trace = self.kept("trace")?;
        watch(&Progress { step: Step::Write, done: 0, total: None, at: "case".to_owned() });
        let snapshot = self.lake.snapshot(None)?;
        let cases = suyuan_case::build(&snapshot, &trace, &findings, &LawSet::embedded()?)?;
        self.keep("case", &cases)?;
        Ok(cases)
    }

    /// Writes every output file; returns their paths.
    pub fn report(&self, out: &Path, watch: Watch) -> Result<Vec<PathBuf>, EngineError> {
        let findings: Vec<Finding> = self.kept("detect")?;
        let trace: Trace = self.kept("trace")?;
        let cases: Cases = self.kept("case")?;
        let rejects = intake::rejects(&self.store)?;
        let risks = Self::risk(&findings);
        let run = self.account(&findings, &risks, &trace, &cases, rejects.len() as u64)?;
        let mut files = Outputs::open(out)?;
        files.ndjson("findings.ndjson", &findings)?;
        files.ndjson("review.ndjson", &risks)?;
        files.json("sources.json", &trace)?;
        files.json("case.json", &cases)?;
        files.ndjson("rejects.ndjson", &rejects)?;
        files.json("run.json", &run)?;
        for lang in Lang::BOTH {
            let name = format!("report.{}.html", lang.code());
            watch(&Progress { step: Step::Write, done: 0, total: None, at: name.clone() });
            files.write(&name, suyuan_report::html(lang, &cases, &trace, &findings, &run).as_bytes())?;
        }
        Ok(files.finish())
    }

    /// What the run was made of.
    fn account(
        &self,
        findings: &[Finding],
        risks: &[Risk],
        trace: &Trace,
        cases: &Cases,
        rejects: u64,
    ) -> Result<Run, EngineError> {
        let snapshot = self.lake.snapshot(None)?;
        let count = |name: &str, n: usize| (name.to_owned(), n as u64);
        Ok(Run {
            format: FORMAT.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            keys: self.vault.id(),
            snapshot: snapshot.id(),
            seeds: Vec::new(),
            inputs: intake::inputs(&self.store)?,
            rows: Kind::ALL.iter().map(|k| (k.name().to_owned(), snapshot.count(*k))).collect(),
            rules: match self.kept("rules") {
                // A home of an earlier version kept none: it ran those that come with the program.
                Err(EngineError::Missing { .. }) => crate::rules::hashes(&RuleSet::embedded()?),
                kept => kept?,
            },
            models: match self.kept("models") {
                Err(EngineError::Missing { .. }) => Vec::new(),
                kept => kept?,
            },
            laws: LawSet::embedded()?.hashes().to_vec(),
            counts: vec![
                count("findings", findings.len()),
                count("review", risks.iter().filter(|r| r.review).count()),
                count("sources", trace.sources.len()),
                count("sources_listed", trace.sources.iter().filter(|s| s.listed).count()),
                count("operators", trace.operators.len()),
                count("rings", trace.rings.len()),
                count("cases", cases.cases.len()),
                ("rejects".to_owned(), rejects),
            ],
        })
    }

    fn keep(&self, name: &'static str, value: &impl Serialize) -> Result<(), EngineError> {
        let bytes = serde_json::to_vec(value)?;
        self.store.write(|tx| suyuan_store::results::put(tx, name, &bytes))?;
        Ok(())
    }

    fn kept<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, EngineError> {
        serde_json::from_slice(&self.kept_bytes(name)?).map_err(|_| EngineError::Stale { name })
    }

    fn kept_bytes(&self, name: &'static str) -> Result<Vec<u8>, EngineError> {
        let bytes = self.store.read(|c| suyuan_store::results::get(c, name))?;
        bytes.ok_or(EngineError::Missing { first: name })
    }
}

/// The clock: read here and passed in everywhere else.
#[expect(clippy::disallowed_methods, reason = "the engine is the one that knows the clock")]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)).max(time::SECOND)
}
