//! `cargo xtask test`: everything CI runs.

use crate::{Done, build, docs, flag, python};

/// Format, lints, generated pages, all tests; `--quick` leaves out the SQL crate, whose engine is
/// most of the compile time.
pub fn run(args: &[String]) -> Done {
    let python = python::interpreter()?;
    check()?;
    let tests = |what: &[&str]| {
        build::must(
            build::cargo().args(["test", "--profile", "demo"]).args(what).env("SUYUAN_PYTHON", &python),
        )
    };
    tests(&["--workspace", "--exclude", "suyuan-sql"])?;
    docs::run(&["--check".to_owned()])?;
    if !flag(args, "--quick") {
        // In one call, so that the SQL engine is compiled once.
        let sql = ["--package", "suyuan-sql", "--package", "suyuan", "--features", "suyuan/sql"];
        tests(&[&sql[..], &["--lib", "--test", "query"]].concat())?;
    }
    Ok(())
}

/// Format and lints.
pub fn check() -> Done {
    build::must(build::cargo().args(["fmt", "--all", "--check"]))?;
    build::must(build::cargo().args([
        "clippy",
        "--profile",
        "demo",
        "--workspace",
        "--exclude",
        "suyuan-sql",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))
}
