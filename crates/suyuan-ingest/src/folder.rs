//! Which files are read, and as what: a folder of native files needs no mapping.
//!
//! The stem names the kind: `opening.csv`, `opening-2020-01.csv.gz`, `access.part2.ndjson`; a file whose
//! stem says nothing takes the name of the folder it lies in (`usage/2020-01.parquet`). Files are read
//! in the order of their names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use suyuan_model::Kind;
use suyuan_model::outcome::Text;

use crate::error::IngestError;
use crate::fault::{Fault, did_you_mean, nearest, text};
use crate::mapping::Mapping;
use crate::open::unreadable;

/// A file to be read, and as what.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Where it is.
    pub path: PathBuf,
    /// Its name below what was given, with `/` on every system.
    pub name: String,
    pub(crate) how: How,
}

/// How a file becomes rows.
#[derive(Clone, Debug)]
pub(crate) enum How {
    Native(Kind),
    Mapped(Mapping),
    /// It looks like records but is of no kind.
    Refused(Fault),
}

/// What will be read.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The files, in the order of their names.
    pub files: Vec<Planned>,
    /// Folders that cannot be read: name, reason, remedy.
    pub unreadable: Vec<(String, Text, Text)>,
    /// Files that are passed over because nothing in their name says records.
    pub passed_over: Vec<String>,
}

/// Endings of files that may hold records.
const RECORDS: [&str; 9] = ["csv", "tsv", "txt", "json", "ndjson", "jsonl", "parquet", "xlsx", "xls"];
const PACKINGS: [&str; 4] = ["gz", "gzip", "zst", "zstd"];

impl Plan {
    /// Looks through the paths: files as they are, folders with all below them.
    ///
    /// With a mapping every file of records is read by it; without, by the kind its stem names.
    ///
    /// # Errors
    /// When a path given cannot be read, or nothing in them looks like records.
    pub fn of(paths: &[PathBuf], mapping: Option<&Mapping>) -> Result<Plan, IngestError> {
        let mut plan = Plan::default();
        for path in paths {
            let meta = fs::metadata(path).map_err(|e| refused(path, &e))?;
            if meta.is_dir() {
                fs::read_dir(path).map_err(|e| refused(path, &e))?;
                plan.folder(path, "", mapping, &mut BTreeSet::new());
            } else if !meta.is_file() {
                let reason = "it is no file that can be read twice (a pipe or a device)".to_owned();
                return Err(IngestError::Unreadable { path: path.clone(), reason });
            } else {
                let name = file_name(path);
                plan.file(path.clone(), name, mapping, true);
            }
        }
        plan.files.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
        if plan.files.is_empty() && plan.unreadable.is_empty() {
            let path = paths.first().cloned().unwrap_or_default();
            return Err(IngestError::NoFiles { path });
        }
        Ok(plan)
    }

    /// `seen` holds the folders gone through, by their real paths: a link back up is not followed.
    fn folder(&mut self, path: &Path, below: &str, mapping: Option<&Mapping>, seen: &mut BTreeSet<PathBuf>) {
        if !seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())) {
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) => {
                let fault = unreadable(&e);
                self.unreadable.push((below.to_owned(), fault.reason, fault.remedy));
                return;
            }
        };
        let mut found: Vec<PathBuf> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
        found.sort();
        for path in found {
            let own = file_name(&path);
            if own.starts_with('.') || own.starts_with('~') {
                continue;
            }
            let name = if below.is_empty() { own } else { format!("{below}/{own}") };
            if path.is_dir() {
                self.folder(&path, &name, mapping, seen);
            } else if fs::metadata(&path).is_ok_and(|m| !m.is_file()) {
                self.passed_over.push(name);
            } else {
                self.file(path, name, mapping, false);
            }
        }
    }

    fn file(&mut self, path: PathBuf, name: String, mapping: Option<&Mapping>, asked: bool) {
        let (_, format) = stem(&name);
        let records = format.is_some_and(|f| RECORDS.contains(&f));
        let how = match mapping {
            Some(mapping) if records || asked => How::Mapped(mapping.clone()),
            Some(_) => return self.passed_over.push(name),
            None => match kind_of(&name) {
                Some(kind) => How::Native(kind),
                None if records || asked => How::Refused(no_kind(&name)),
                None => return self.passed_over.push(name),
            },
        };
        self.files.push(Planned { path, name, how });
    }
}

fn refused(path: &Path, e: &std::io::Error) -> IngestError {
    let reason = format!("{e}; check that it exists and that this user may read it");
    IngestError::Unreadable { path: path.to_owned(), reason }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The last part of a name without the endings that name its format and packing, and the format.
pub(crate) fn stem(name: &str) -> (&str, Option<&str>) {
    let own = name.rsplit('/').next().unwrap_or(name);
    let ending = |n: &'_ str| n.rfind('.').filter(|at| *at > 0);
    let mut rest = own;
    if let Some(at) = ending(rest)
        && PACKINGS.iter().any(|p| rest[at + 1..].eq_ignore_ascii_case(p))
    {
        rest = &rest[..at];
    }
    match ending(rest) {
        Some(at) => {
            let format = RECORDS.iter().find(|f| rest[at + 1..].eq_ignore_ascii_case(f));
            match format {
                Some(format) => (&rest[..at], Some(*format)),
                None => (rest, None),
            }
        }
        None => (rest, None),
    }
}

/// The name without its endings: the source of rows that name none.
pub(crate) fn source_of(name: &str) -> String {
    let (stem, _) = stem(name);
    match name.rfind('/') {
        Some(at) => format!("{}/{stem}", &name[..at]),
        None => stem.to_owned(),
    }
}

/// The kind that the stem names, else the nearest folder above.
pub(crate) fn kind_of(name: &str) -> Option<Kind> {
    let (stem, format) = stem(name);
    format?;
    let named = |part: &str| {
        let part = part.to_ascii_lowercase();
        let head = part.split(['-', '.', ' ', '(']).next().unwrap_or(&part);
        Kind::by_name(head)
            .or_else(|| Kind::by_name(head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')))
    };
    named(stem).or_else(|| name.rsplit('/').skip(1).find_map(named))
}

fn no_kind(name: &str) -> Fault {
    let (stem, _) = stem(name);
    let head = stem.split(['-', '.']).next().unwrap_or(stem);
    let kinds = Kind::ALL.iter().map(|k| k.name());
    let remedy = match nearest(head, kinds.clone()) {
        Some(near) => text!(
            "rename it to begin with `{}`, or name a mapping",
            "请将文件名改为以 `{}` 开头，或指定映射文件",
            near
        ),
        None => {
            let near = did_you_mean(head, kinds);
            Text::new(
                format!("name a mapping (`suyuan mapping new FILE` proposes one), or rename it: {}", near.en),
                format!("请指定映射文件（可用 `suyuan mapping new FILE` 生成），或改名：{}", near.zh),
            )
        }
    };
    Fault::whole(text!("`{}` names no record kind", "`{}` 不是任何记录类型的名称", head), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_and_pipes_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("三月 (1)");
        fs::create_dir(&sub).unwrap();
        fs::write(sub.join("login.csv"), "ts,account,device\n").unwrap();
        std::os::unix::fs::symlink("..", sub.join("up")).unwrap();
        std::os::unix::net::UnixListener::bind(dir.path().join("opening.csv")).unwrap();
        let plan = Plan::of(&[dir.path().to_owned()], None).unwrap();
        let names: Vec<&str> = plan.files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["三月 (1)/login.csv"]);
        assert_eq!(plan.passed_over, ["opening.csv"]);
        let asked = Plan::of(&[dir.path().join("opening.csv")], None);
        assert!(asked.unwrap_err().to_string().contains("read twice"));
    }

    #[test]
    fn stems_name_kinds() {
        for (name, kind) in [
            ("opening.csv", Some(Kind::Opening)),
            ("a/opening-2020-01.csv.gz", Some(Kind::Opening)),
            ("access.ndjson.gz", Some(Kind::Access)),
            ("fraud_report.PARQUET", Some(Kind::FraudReport)),
            ("usage_2.csv.zst", Some(Kind::Usage)),
            ("usage/2020-01.csv", Some(Kind::Usage)),
            ("openings.csv", None),
            ("opening.pdf", None),
            ("README.md", None),
        ] {
            assert_eq!(kind_of(name), kind, "{name}");
        }
        assert_eq!(source_of("a/opening-2020-01.csv.gz"), "a/opening-2020-01");
        assert!(no_kind("openings.csv").remedy.en.contains("`opening`"));
    }
}
