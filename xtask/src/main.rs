//! The project's verbs: `cargo xtask demo | test | check | docs | figures | bench | eval`.
//!
//! No dependencies, so that a newcomer's first command compiles nothing twice: what needs the
//! product calls its binary.

mod bench;
mod build;
mod demo;
mod docs;
mod figures;
mod python;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--once] [--seed N]   build, make the reference world, run the whole path, write the case
cargo xtask test [--quick]             everything CI runs (--quick leaves out the SQL crate)
cargo xtask check                      format, lints
cargo xtask docs [--check]             write the generated pages of docs/ (--check: fail if they differ)
cargo xtask figures                    run unseen worlds and seeds, write docs/figures.md
cargo xtask bench NAME [OPTIONS]       speed and memory beside a peer in the same run (no NAME: the list)
cargo xtask eval NAME [OPTIONS]        what is found and what is missed, beside peers (no NAME: the list)";

/// What a verb ends with: the message says what failed and what to do.
pub type Done = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("check") => test::check(),
        Some("docs") => docs::run(rest),
        Some("figures") => figures::run(rest),
        Some("bench") => bench::run("", rest),
        Some("eval") => bench::run("eval_", rest),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(format!("no such verb\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The value after `--name`.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).map(String::as_str)
}

/// Whether `--name` is given.
fn flag(args: &[String], name: &str) -> bool {
    args.iter().any(|a| a == name)
}
