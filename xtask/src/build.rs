//! Builds the product and runs commands with their exit status checked.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Done;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut c = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    c.current_dir(root());
    c
}

/// Runs a command to its end; an error names it.
pub fn must(command: &mut Command) -> Done {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(s) if s.success() => Ok(()),
        Ok(s) => Err(format!("`{shown}` ended with {s}")),
        Err(e) => Err(format!("`{shown}` could not be started: {e}")),
    }
}

/// Like [`must`], but exit code 3 (done with rejects) is also well.
pub fn must_or_rejects(command: &mut Command) -> Done {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(s) if s.success() || s.code() == Some(3) => Ok(()),
        Ok(s) => Err(format!("`{shown}` ended with {s}")),
        Err(e) => Err(format!("`{shown}` could not be started: {e}")),
    }
}

/// Builds the binary in the profile that demo and tests share, and says where it is.
pub fn suyuan() -> Result<PathBuf, String> {
    must(cargo().args(["build", "--profile", "demo", "--package", "suyuan"]))?;
    Ok(target().join("demo").join("suyuan"))
}

/// Empties and makes a folder below the target folder.
pub fn fresh(name: &str) -> Result<PathBuf, String> {
    let dir = target().join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|e| format!("cannot empty {}: {e}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    Ok(dir)
}
