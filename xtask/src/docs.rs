//! The pages of `docs/` that are written from the types and the rules, never by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Done, build, flag};

/// Page, and the arguments of the binary that print it.
const PAGES: [(&str, &[&str]); 13] = [
    ("records.md", &["kinds", "--lang", "en"]),
    ("records.zh-CN.md", &["kinds", "--lang", "zh"]),
    ("rules.md", &["rule", "catalogue", "--lang", "en"]),
    ("rules.zh-CN.md", &["rule", "catalogue", "--lang", "zh"]),
    ("outputs.md", &["schema", "--page"]),
    ("schema/finding.schema.json", &["schema", "finding"]),
    ("schema/review.schema.json", &["schema", "review"]),
    ("schema/sources.schema.json", &["schema", "sources"]),
    ("schema/case.schema.json", &["schema", "case"]),
    ("schema/reject.schema.json", &["schema", "reject"]),
    ("schema/run.schema.json", &["schema", "run"]),
    ("commands.md", &["commands", "--lang", "en"]),
    ("commands.zh-CN.md", &["commands", "--lang", "zh"]),
];

/// Writes the pages, or with `--check` fails when one differs.
pub fn run(args: &[String]) -> Done {
    let suyuan = build::suyuan()?;
    let dir = build::root().join("docs");
    let mut stale = Vec::new();
    for (page, command) in PAGES {
        let out = Command::new(&suyuan).args(command).output().map_err(|e| e.to_string())?;
        if !out.status.success() {
            return Err(format!("`suyuan {}`: {}", command.join(" "), String::from_utf8_lossy(&out.stderr)));
        }
        let path = dir.join(page);
        if fs::read(&path).ok().as_deref() == Some(&out.stdout[..]) {
            continue;
        }
        stale.push(page);
        if !flag(args, "--check") {
            write(&path, &out.stdout)?;
        }
    }
    match (flag(args, "--check"), stale.is_empty()) {
        (true, false) => Err(format!("stale pages: {}; run `cargo xtask docs`", stale.join(", "))),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Done {
    let dir = path.parent().expect("a page lies in docs");
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|e| format!("{}: {e}", path.display()))
}
