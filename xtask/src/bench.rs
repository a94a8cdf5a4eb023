//! `cargo xtask bench NAME` and `cargo xtask eval NAME`: scripts of `bench/` run beside their peers.
//!
//! A benchmark measures speed and memory (`bench/NAME.py`), an evaluation what is found
//! (`bench/eval_NAME.py`). A script is called with the built `suyuan`, a fresh folder and the remaining
//! arguments; a line `# packages: a==1 b==2` at its top names what it needs beyond the common environment.

use std::process::Command;

use crate::{Done, build, python};

/// Runs `bench/PREFIX NAME.py`.
pub fn run(prefix: &str, args: &[String]) -> Done {
    let dir = build::root().join("bench");
    // A script says by which verb it is called; what it imports does not.
    let verb = format!("cargo xtask {} ", if prefix.is_empty() { "bench" } else { "eval" });
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(&dir)
            .into_iter()
            .flatten()
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| {
                std::fs::read_to_string(p).is_ok_and(|t| t.lines().take(12).any(|l| l.contains(&verb)))
            })
            .filter_map(|p| Some(p.file_stem()?.to_str()?.trim_start_matches("eval_").replace('_', "-")))
            .collect();
        names.sort();
        names.join(", ")
    };
    let Some(name) = args.first().filter(|n| !n.contains(['/', '.'])) else {
        return Err(format!("which one? there are: {}", names()));
    };
    let file = format!("{prefix}{}.py", name.replace('-', "_"));
    let script = dir.join(&file);
    let text = std::fs::read_to_string(&script)
        .map_err(|_| format!("there is no `{name}`; there are: {}", names()))?;
    let packages: Vec<&str> = text
        .lines()
        .take(12)
        .filter_map(|l| l.strip_prefix("# packages:"))
        .flat_map(str::split_whitespace)
        .collect();
    let suyuan = build::suyuan()?;
    build::must(
        Command::new(python::with(&packages)?)
            .arg(script)
            .arg(suyuan)
            .arg(build::fresh(&file.replace(".py", ""))?)
            .args(&args[1..])
            .env("SUYUAN_ROOT", build::root())
            .env("CARGO_TARGET_DIR", build::target()),
    )
}
