//! A rule: Sigma 2.1 YAML with a namespaced `suyuan:` block, checked against the records it speaks of.
//!
//! A file holds one detection, or several detections (each with a `name`) and one correlation, as YAML
//! documents. Its path without the suffix is its id. The last document carries `title`, `level` and `suyuan:`.

pub(crate) mod condition;
pub(crate) mod correlation;
pub(crate) mod detection;
pub(crate) mod embedded;
pub(crate) mod example;
pub(crate) mod filter;
mod folder;
mod header;
pub(crate) mod modifier;
mod refine;
pub(crate) mod rewrite;
pub(crate) mod selection;
mod skeleton;
mod words;

pub use correlation::span_of as span;
pub use correlation::{Correlation, Emit, Input, Measure};
pub(crate) use correlation::{Feed, MICRO};
pub use detection::Detection;
pub use example::Example;
pub use folder::Folder;
pub(crate) use refine::{Across, Stage};
pub use skeleton::skeleton;
pub use words::{Explanation, Line, explanation};

use sha2::{Digest, Sha256};
use suyuan_model::Kind;
use suyuan_model::outcome::{Confidence, EntityKind, Family, Level, Text};

use crate::check;
use crate::derive::{self, Behind};
use crate::detector::{DetectorUse, learnt_score};
use crate::error::{DetectError, Fault, Spot};
use crate::kernel::{How, Test};
use crate::yaml;

/// Where a value of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldRef {
    Column(&'static str),
    /// Of the rule's operator of that index, the field of that index.
    Derived {
        operator: usize,
        field: usize,
    },
}

/// A condition over leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Leaf(usize),
}

impl Expr {
    /// The leaves that a match asserts: those under a `not` speak of what did not match.
    pub fn asserted(&self) -> Vec<usize> {
        match self {
            Expr::Leaf(i) => vec![*i],
            Expr::Not(_) => Vec::new(),
            Expr::All(list) | Expr::Any(list) => list.iter().flat_map(Expr::asserted).collect(),
        }
    }
}

/// One question to one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf<F = FieldRef> {
    pub field: F,
    pub test: Test,
    /// For `fieldref`: the other field, and how the two are compared.
    pub same_as: Option<(F, How)>,
    pub name: String,
    /// The threshold as people read it, for ordered comparisons.
    pub shown: Option<String>,
}

/// An operator with its parameters, as a rule asks for it.
#[derive(Clone, Debug)]
pub(crate) struct DeriveUse {
    pub spec: &'static derive::Spec,
    pub params: derive::Params,
    pub fields: Vec<derive::FieldDef>,
}

/// A check with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct CheckUse {
    pub spec: &'static check::Spec,
    pub params: derive::Params,
    /// When the records support it, the finding is for information only.
    pub decisive: bool,
    /// When they do and it is not decisive: what it takes off the finding's weight, nats; the log of how many times as often
    /// the records support it of honest findings as of guilty ones.
    pub weighs: f64,
}

/// Whether a rule alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It alerts.
    Alert,
    /// It runs and is counted, and nobody is troubled: for rules on trial.
    Shadow,
}

/// An entity that a rule is not to alert about for a while. It is still counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The entity's id.
    pub entity: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when, microseconds UTC; later rows alert again.
    pub until: i64,
    /// Why.
    pub why: String,
}

/// A field that names an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The field.
    pub field: String,
    /// What it names.
    pub kind: EntityKind,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its path without the suffix.
    pub id: String,
    /// SHA-256 of its text, first 16 hex digits.
    pub hash: String,
    /// Title.
    pub title: Text,
    /// What it is for.
    pub description: Text,
    /// The scheme it speaks of.
    pub scheme: String,
    /// The record family it rests on.
    pub family: Family,
    /// How sure its threshold is.
    pub confidence: Confidence,
    /// Where the threshold comes from.
    pub threshold_from: Text,
    /// Severity.
    pub level: Level,
    /// Whom it is about.
    pub entity: Names,
    /// Who else is named.
    pub involved: Vec<Names>,
    /// What would clear it.
    pub clears: Text,
    /// What it cannot tell apart.
    pub cannot_tell: Text,
    /// Its detections.
    pub detections: Vec<Detection>,
    /// Its correlation.
    pub correlation: Correlation,
    /// The correlations that feed it, in the order of the file.
    pub inner: Vec<Correlation>,
    /// Rules that its correlation refers to and that also speak for themselves (`generate: true`).
    pub generated: Vec<Rule>,
    /// Whether it alerts, or is only on trial.
    pub mode: Mode,
    /// Whom it is not to alert about, on whose word and until when.
    pub suppressed: Vec<Suppression>,
    /// Examples that must fire.
    pub hits: Vec<Example>,
    /// Examples that must not.
    pub misses: Vec<Example>,
    pub(crate) derive: Vec<DeriveUse>,
    /// The detector that looks at its rows, where no correlation does.
    pub(crate) detector: Option<DetectorUse>,
    pub(crate) checks: Vec<CheckUse>,
    /// The derived field that holds the finding's score in nats.
    pub(crate) nats: Option<String>,
}

/// The first 16 hex digits of a text's SHA-256.
pub(crate) fn hash_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

impl Rule {
    /// Reads and checks one file.
    pub fn parse(path: &str, text: &str) -> Result<Rule, Box<Fault>> {
        let id = path.trim_end_matches(".yml").trim_end_matches(".yaml").to_owned();
        let hash = hash_of(text);
        yaml::parse(text)
            .and_then(|docs| header::build(&docs, id, hash))
            .map_err(|s: Spot| Box::new(s.in_file(path)))
    }

    /// The rules that it generates, and itself.
    pub(crate) fn apart(mut self) -> Vec<Rule> {
        let mut all = std::mem::take(&mut self.generated);
        all.push(self);
        all
    }

    /// All its correlations, the rule's own last.
    pub fn correlations(&self) -> impl Iterator<Item = &Correlation> {
        self.inner.iter().chain(std::iter::once(&self.correlation))
    }

    /// The suppression that covers an entity at a time.
    pub fn suppression(&self, entity: &str, at: i64) -> Option<&Suppression> {
        self.suppressed.iter().find(|s| s.entity == entity && at < s.until)
    }

    /// The record kinds whose rows it matches, in the order of its detections.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.detections.iter().map(|d| d.kind).collect();
        kinds.dedup();
        kinds
    }

    /// The derived fields that a match asserts and earlier rows prove, with which.
    pub(crate) fn behind(&self) -> impl Iterator<Item = (&str, &Behind)> {
        let leaves = self.detections.iter().flat_map(|d| d.expr.asserted().into_iter().map(|l| &d.leaves[l]));
        let all = leaves.map(|l| (l.name.as_str(), self.behind_field(&l.field)));
        all.filter(|(_, b)| b.rows().is_some())
    }

    /// Which rows prove what a field says.
    pub(crate) fn behind_field(&self, field: &FieldRef) -> &Behind {
        match field {
            FieldRef::Derived { operator, field } => &self.derive[*operator].fields[*field].behind,
            FieldRef::Column(_) => &Behind::Itself,
        }
    }

    /// The names and words of the operators it uses.
    pub fn operators(&self) -> Vec<(&'static str, Text)> {
        self.derive.iter().map(|d| (d.spec.name, Text::new(d.spec.what.0, d.spec.what.1))).collect()
    }

    /// The explanations it checks: words, and what one alone takes off the weight (`None`: all of it, it clears).
    pub fn explanations(&self) -> Vec<(Text, Option<f64>)> {
        let weighs = |c: &CheckUse| (!c.decisive).then_some(c.weighs);
        self.checks.iter().map(|c| (Text::new(c.spec.what.0, c.spec.what.1), weighs(c))).collect()
    }
}

/// Rules that are run together, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// The rules that come with the program.
    pub fn embedded() -> Result<RuleSet, DetectError> {
        Self::with(std::iter::empty())
    }

    /// Those, and more from files; filters among the files apply to all.
    pub fn with(files: impl Iterator<Item = (String, String)>) -> Result<RuleSet, DetectError> {
        let own = embedded::FILES.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
        Self::load_dir(own.chain(files))
    }

    /// Rules from files: path (relative to the folder of rules) and text. All faults are told at once.
    pub fn load_dir(files: impl Iterator<Item = (String, String)>) -> Result<RuleSet, DetectError> {
        let mut folder = Folder::load(files);
        for r in &folder.open {
            let what = Text::new("this log is none of our record kinds", "该日志不属于本系统的记录类型");
            let remedy = Text::new(
                "write `logsource: {product: suyuan, service: KIND}`; rules for other logs run over events only",
                "写作“logsource: {product: suyuan, service: 类型}”；其他日志的规则只能用于事件",
            );
            folder.faults.push(Fault { file: r.path.clone(), line: 1, column: 1, what, remedy });
        }
        if !folder.faults.is_empty() {
            return Err(DetectError::Rules(folder.faults));
        }
        Ok(folder.ours)
    }

    /// The lowest probability by a learnt score that any of the rules asks for; none where none asks for a score.
    pub fn least_score(&self) -> Option<f64> {
        let asked = self.rules.iter().filter_map(|r| learnt_score::at_least(r.detector.as_ref()?));
        asked.reduce(f64::min)
    }

    /// Rules in the order of their ids.
    pub(crate) fn of(mut rules: Vec<Rule>) -> RuleSet {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        RuleSet { rules }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Only the rules of these ids.
    pub fn only(&self, ids: &[&str]) -> RuleSet {
        RuleSet { rules: self.rules.iter().filter(|r| ids.contains(&r.id.as_str())).cloned().collect() }
    }
}
