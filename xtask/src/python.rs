//! The Python side of tests and benchmarks: DuckDB as the engine that nobody here wrote, JSON Schema.
//!
//! A virtual environment in the target folder; the versions are pinned so that DuckDB and its
//! DuckLake extension fit, and nothing is fetched at run time.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::build;

const PACKAGES: [&str; 7] = [
    "duckdb==1.5.5",
    "duckdb-extensions==1.5.5",
    "duckdb-extension-ducklake==1.5.5",
    "duckdb-extension-sqlite-scanner==1.5.5",
    "pytz",
    "jsonschema",
    "pyarrow",
];

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The environment's interpreter; makes the environment when it is missing or stale.
pub fn interpreter() -> Result<PathBuf, String> {
    with(&[])
}

/// The same with packages that one script asks for; such an environment stands beside the common one.
pub fn with(extra: &[&str]) -> Result<PathBuf, String> {
    let name = match extra {
        [] => "python".to_owned(),
        some => {
            let names: Vec<&str> = some.iter().map(|p| p.split('=').next().unwrap_or(p)).collect();
            format!("python-{}", names.join("-"))
        }
    };
    let dir = build::target().join(name);
    let python = dir.join("bin").join("python3");
    let stamp = dir.join("packages.txt");
    let packages = packages(extra);
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|s| s == wanted) && python.exists() {
        return Ok(python);
    }
    eprintln!("making a Python environment for tests and benchmarks");
    if !make(&dir) {
        // Debian ships venv as a package of its own.
        build::must(Command::new("apt-get").args(["update", "-qq"]))?;
        build::must(Command::new("apt-get").args(["install", "-y", "-qq", "python3", "python3-venv"]))?;
        if !make(&dir) {
            return Err("no Python 3 with venv; install the packages python3 and python3-venv".into());
        }
    }
    build::must(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(packages),
    )?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(python)
}

/// Common packages and a script's own; where a script pins one that is common, too, in another version, its own counts, and the extensions made
/// for the common version are left out.
fn packages<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    let name = |p: &str| p.split('=').next().unwrap_or(p).to_owned();
    let own = |p: &str| extra.iter().any(|e| name(p) == name(e) || p.starts_with(&(name(e) + "-extension")));
    PACKAGES.iter().copied().filter(|p| !own(p)).chain(extra.iter().copied()).collect()
}

fn make(dir: &PathBuf) -> bool {
    ["python3", "python3.11", "python3.12"]
        .iter()
        .any(|p| quiet(Command::new(p).args(["-m", "venv", "--clear"]).arg(dir)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_may_pin_another_version() {
        assert_eq!(packages(&[]), PACKAGES);
        let of = packages(&["duckdb==2.0.0", "numpy==2.3.5"]);
        assert_eq!(of, ["pytz", "jsonschema", "pyarrow", "duckdb==2.0.0", "numpy==2.3.5"]);
    }
}
