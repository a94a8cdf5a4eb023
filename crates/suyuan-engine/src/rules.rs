//! The rules: the catalogue, and what a writer of rules asks: is it right, does it fire, what does it say.
//!
//! Rules come from files and folders; a rule's id is its path within the folder. Where none is named, the rules that come
//! with the program are meant.

use std::path::{Path, PathBuf};

use serde::Serialize;
use suyuan_detect::open::{self, OpenRule};
use suyuan_detect::{DetectError, Explanation, Folder, Rule, RuleSet};
use suyuan_model::outcome::{Lang, Text};

use crate::{EngineError, mappings};

/// The rule catalogue as Markdown.
pub fn catalogue(lang: Lang) -> Result<String, EngineError> {
    Ok(suyuan_detect::catalogue(lang.code()))
}

/// Every rule with the hash of its text.
pub(crate) fn hashes(rules: &RuleSet) -> Vec<(String, String)> {
    rules.rules().iter().map(|r| (r.id.clone(), r.hash.clone())).collect()
}

/// The rules that come with the program, those of more files or folders, and of all only those named (none: all).
pub fn chosen(more: &[PathBuf], only: &[String]) -> Result<RuleSet, EngineError> {
    let set = RuleSet::with(files(more)?.into_iter())?;
    let absent = only.iter().find(|id| set.rules().iter().all(|r| r.id != **id));
    if let Some(name) = absent {
        return Err(EngineError::NoRule { name: name.clone() });
    }
    let ids: Vec<&str> = only.iter().map(String::as_str).collect();
    Ok(if ids.is_empty() { set } else { set.only(&ids) })
}

/// A fault, and where it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: Text,
    /// What to do.
    pub remedy: Text,
}

impl Fault {
    /// One line for people.
    pub fn told(&self, lang: Lang) -> String {
        let (what, remedy) = (self.what.get(lang), self.remedy.get(lang));
        let (colon, semicolon) = if lang == Lang::Zh { ("：", "；") } else { (": ", "; ") };
        let end = if remedy.is_empty() { String::new() } else { format!("{semicolon}{remedy}") };
        format!("{}:{}:{}{colon}{what}{end}", self.file, self.line, self.column)
    }
}

/// What a check of rules gives.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Sound rules over our records.
    pub rules: usize,
    /// Sound rules over events of other logs.
    pub open_rules: usize,
    /// Filters.
    pub filters: usize,
    /// All that is wrong.
    pub faults: Vec<Fault>,
}

/// Checks rules; all faults are told at once.
pub fn check(paths: &[PathBuf]) -> Result<Checked, EngineError> {
    let folder = load(paths)?;
    Ok(Checked {
        rules: folder.ours.rules().len(),
        open_rules: folder.open.len(),
        filters: folder.filters,
        faults: faults(&folder),
    })
}

fn faults(folder: &Folder) -> Vec<Fault> {
    let one = |f: &suyuan_detect::Fault| Fault {
        file: f.file.clone(),
        line: f.line,
        column: f.column,
        what: f.what.clone(),
        remedy: f.remedy.clone(),
    };
    folder.faults.iter().map(one).collect()
}

/// The rules of files and folders, or those that come with the program.
pub fn load(paths: &[PathBuf]) -> Result<Folder, EngineError> {
    if paths.is_empty() {
        return Ok(Folder { ours: RuleSet::embedded()?, ..Folder::default() });
    }
    Ok(Folder::load(files(paths)?.into_iter()))
}

/// Paths within their folders, and texts, in the order of the paths.
fn files(paths: &[PathBuf]) -> Result<Vec<(String, String)>, EngineError> {
    let mut files = Vec::new();
    for p in paths {
        if p.is_dir() {
            walk(p, p, &mut files)?;
        } else {
            files.push((p.display().to_string(), read(p)?));
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, EngineError> {
    std::fs::read_to_string(path).map_err(|source| EngineError::File { path: path.to_owned(), source })
}

fn walk(root: &Path, dir: &Path, out: &mut Vec<(String, String)>) -> Result<(), EngineError> {
    let told = |source| EngineError::File { path: dir.to_owned(), source };
    for entry in std::fs::read_dir(dir).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() {
            walk(root, &path, out)?;
        } else if path.file_name().is_some_and(|n| n == "schemes.yml") {
            // The list of schemes that stands beside the rules.
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            out.push((name, read(&path)?));
        }
    }
    Ok(())
}

/// What one example did.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// The rule.
    pub rule: String,
    /// `hit` or `miss`.
    pub example: &'static str,
    /// Which of them, from 1.
    pub number: usize,
    /// How many rows (or events) it has.
    pub rows: usize,
    /// About whom the rule fired.
    pub fired: Vec<String>,
    /// Whether it did what the example says.
    pub ok: bool,
}

impl Tried {
    /// One line for people.
    pub fn told(&self, lang: Lang) -> String {
        let about = self.fired.join(if lang == Lang::Zh { "、" } else { ", " });
        let (mark, fired) = match (lang, self.ok, self.fired.is_empty()) {
            (Lang::En, true, true) => ("ok   ", "nothing fired".to_owned()),
            (Lang::En, false, true) => ("WRONG", "nothing fired, though it should".to_owned()),
            (Lang::En, true, false) => ("ok   ", format!("fired about {about}")),
            (Lang::En, false, false) => ("WRONG", format!("fired about {about}, though it should not")),
            (Lang::Zh, true, true) => ("通过", "未命中".to_owned()),
            (Lang::Zh, false, true) => ("不符", "应命中而未命中".to_owned()),
            (Lang::Zh, true, false) => ("通过", format!("命中：{about}")),
            (Lang::Zh, false, false) => ("不符", format!("不应命中却命中：{about}")),
        };
        let rows = if lang == Lang::Zh { format!("{}行", self.rows) } else { format!("{} rows", self.rows) };
        format!("{mark} {} {} {} ({rows}): {fired}", self.rule, self.example, self.number)
    }
}

/// Runs the examples of rules; faults are told instead when there are any.
pub fn test(paths: &[PathBuf]) -> Result<Result<Vec<Tried>, Vec<Fault>>, EngineError> {
    let folder = load(paths)?;
    if !folder.faults.is_empty() {
        return Ok(Err(faults(&folder)));
    }
    let mut out = Vec::new();
    for rule in folder.ours.rules() {
        let only = folder.ours.only(&[&rule.id]);
        for (example, list) in [("hit", &rule.hits), ("miss", &rule.misses)] {
            for (n, e) in list.iter().enumerate() {
                let found = suyuan_detect::detect(&e.source(), &only, &mut |_| {})?;
                let fired: Vec<String> = found.iter().map(|f| f.entity.to_string()).collect();
                let ok = fired.is_empty() == (example == "miss");
                out.push(Tried { rule: rule.id.clone(), example, number: n + 1, rows: e.len(), fired, ok });
            }
        }
    }
    folder.open.iter().for_each(|r| out.extend(open_tried(r)));
    Ok(Ok(out))
}

fn open_tried(rule: &OpenRule) -> Vec<Tried> {
    let mut out = Vec::new();
    for (example, list) in [("hit", &rule.hits), ("miss", &rule.misses)] {
        for (n, hit) in open::matches(rule, list).into_iter().enumerate() {
            out.push(Tried {
                rule: rule.path.clone(),
                example,
                number: n + 1,
                rows: 1,
                fired: if hit { vec![rule.title.clone()] } else { Vec::new() },
                ok: hit == (example == "hit"),
            });
        }
    }
    out
}

/// Explains a rule: one that comes with the program, by its id, or a file.
pub fn explain(name: &str) -> Result<Explanation, EngineError> {
    let path = Path::new(name);
    if path.is_file() {
        let rule = Rule::parse(name, &read(path)?).map_err(|f| DetectError::Rules(vec![*f]))?;
        return Ok(suyuan_detect::explanation(&rule));
    }
    let set = RuleSet::embedded()?;
    let found = set.rules().iter().find(|r| r.id == name);
    found.map(suyuan_detect::explanation).ok_or_else(|| EngineError::NoRule { name: name.to_owned() })
}

/// Writes a rule to begin with; the file must not be there yet.
pub fn new(name: &str, kind: &str) -> Result<PathBuf, EngineError> {
    let kind = mappings::kind_named(kind)?;
    let path = match name.ends_with(".yml") {
        true => PathBuf::from(name),
        false => PathBuf::from(format!("{name}.yml")),
    };
    let title = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let told = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => EngineError::Exists { path: path.clone() },
        _ => EngineError::Folder { path: path.clone(), source },
    };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(told)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(told)?;
    std::io::Write::write_all(&mut file, suyuan_detect::skeleton(&title, kind).as_bytes()).map_err(told)?;
    Ok(path)
}

/// One rule: the id of a shipped one, or a file of its own.
pub(crate) fn one(rule: &str) -> Result<RuleSet, EngineError> {
    let path = Path::new(rule);
    if path.is_file() {
        return Ok(RuleSet::load_dir(std::iter::once((rule.to_owned(), read(path)?)))?);
    }
    chosen(&[], &[rule.to_owned()])
}

/// A span such as `60s`, `15m`, `24h`, in microseconds.
pub fn span(text: &str) -> Option<i64> {
    suyuan_detect::span(text)
}
