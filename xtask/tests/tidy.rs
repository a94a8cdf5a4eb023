//! Habits that are worth insisting on: arrows, one version of the heavy crates, no stray words.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates from top to bottom, and what each may lean on. ARCHITECTURE.md explains the table.
const ARROWS: &[(&str, &[&str])] = &[
    ("xtask", &[]),
    ("suyuan", &["suyuan-engine", "suyuan-sim", "suyuan-sql", "suyuan-model"]),
    (
        "suyuan-engine",
        &[
            "suyuan-report",
            "suyuan-case",
            "suyuan-trace",
            "suyuan-detect",
            "suyuan-score",
            "suyuan-lake",
            "suyuan-store",
            "suyuan-ingest",
            "suyuan-vault",
            "suyuan-model",
        ],
    ),
    ("suyuan-sim", &["suyuan-model"]),
    ("suyuan-report", &["suyuan-model"]),
    ("suyuan-case", &["suyuan-model"]),
    ("suyuan-trace", &["suyuan-model"]),
    ("suyuan-detect", &["suyuan-model"]),
    ("suyuan-score", &["suyuan-model"]),
    ("suyuan-sql", &["suyuan-lake", "suyuan-model"]),
    ("suyuan-lake", &["suyuan-store", "suyuan-model"]),
    ("suyuan-store", &["suyuan-model"]),
    ("suyuan-ingest", &["suyuan-vault", "suyuan-model"]),
    ("suyuan-vault", &["suyuan-model"]),
    ("suyuan-model", &[]),
];

/// Every `[dependencies]` line of a manifest that names a crate of ours.
fn ours(manifest: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if section == "dependencies" && line.starts_with("suyuan") {
            let end = line.find(['.', ' ', '=']).unwrap();
            found.insert(line[..end].to_owned());
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let allowed: BTreeMap<&str, BTreeSet<String>> =
        ARROWS.iter().map(|(c, to)| (*c, to.iter().map(|s| s.to_string()).collect())).collect();
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest = std::fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        let rules =
            allowed.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` is not in the table of arrows"));
        for to in ours(&manifest) {
            assert!(rules.contains(&to), "`{name}` must not depend on `{to}`");
        }
        seen.insert(name);
    }
    for (name, to) in ARROWS {
        assert!(*name == "xtask" || seen.contains(*name), "`{name}` stands in the table, not in crates/");
        let place = |n: &str| ARROWS.iter().position(|(c, _)| *c == n).unwrap();
        assert!(to.iter().all(|t| place(t) > place(name)), "an arrow of `{name}` points up");
    }
}

#[test]
fn heavy_crates_occur_once() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for heavy in ["arrow-array", "parquet", "libsqlite3-sys", "datafusion"] {
        let n = lock.lines().filter(|l| *l == format!("name = \"{heavy}\"")).count();
        assert_eq!(n, 1, "`{heavy}` occurs {n} times in Cargo.lock");
    }
}

#[test]
fn licences_are_free_to_ship() {
    let out = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let mut count = 0;
    for part in text.split("\"license\":").skip(1) {
        let licence = part.split(['"', ',']).nth(1).unwrap_or("");
        count += 1;
        let free = licence.split(" OR ").any(|l| !l.contains("GPL"));
        assert!(free, "a dependency is licensed `{licence}`");
    }
    assert!(count > 100, "metadata lists {count} licences");
}

/// Files of the repository that people read or that are compiled.
fn tracked() -> Vec<PathBuf> {
    let out = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout)
        .unwrap()
        .split('\0')
        .filter(|f| !f.is_empty() && !f.starts_with("data/"))
        .map(|f| root().join(f))
        .collect()
}

#[test]
fn no_unfinished_marks_and_no_paths_of_a_machine() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
    ];
    for file in tracked() {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for mark in marks {
            assert!(!text.contains(mark), "{} holds `{mark}`", file.display());
        }
    }
}

#[test]
fn pages_link_to_what_exists() {
    for file in tracked().into_iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|p| p.split(')').next()) {
            let path = link.split('#').next().unwrap_or("");
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(file.parent().unwrap().join(path).exists(), "{}: no `{path}`", file.display());
        }
    }
}
