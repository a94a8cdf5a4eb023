//! `cargo xtask figures`: what the path finds on worlds and seeds it was not built with.

use std::process::Command;

use crate::{Done, build, python};

/// Runs the worlds and writes `docs/figures.md`.
pub fn run(_: &[String]) -> Done {
    let suyuan = build::suyuan()?;
    let dir = build::fresh("figures")?;
    build::must(
        Command::new(python::interpreter()?)
            .arg(build::root().join("bench").join("figures.py"))
            .arg(suyuan)
            .arg(dir)
            .arg(build::root().join("docs").join("figures.md")),
    )
}
