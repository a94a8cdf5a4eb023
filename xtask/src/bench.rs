//! `cargo xtask bench ingest`: side by side with a peer, in one run, as ratios.

use std::process::Command;

use crate::{Done, build, option, python};

/// Runs the named benchmark.
pub fn run(args: &[String]) -> Done {
    match args.first().map(String::as_str) {
        Some("ingest") => {
            let rows = option(args, "--rows").unwrap_or("2000000");
            let suyuan = build::suyuan()?;
            let dir = build::fresh("bench-ingest")?;
            build::must(
                Command::new(python::interpreter()?)
                    .arg(build::root().join("bench").join("ingest.py"))
                    .arg(suyuan)
                    .arg(dir)
                    .arg(rows),
            )
        }
        _ => Err("which benchmark? there is: ingest".into()),
    }
}
