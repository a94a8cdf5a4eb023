//! One file a command.

pub mod case;
pub mod detect;
pub mod ingest;
pub mod init;
pub mod mapping;
pub mod model;
pub mod pages;
pub mod query;
pub mod report;
pub mod rule;
pub mod run;
pub mod sim;
pub mod trace;
pub mod watch;

use std::io::Write;
use std::path::PathBuf;

use suyuan_engine::EngineError;
use suyuan_engine::home::Paths;
use suyuan_engine::intake::IntakeReport;
use suyuan_engine::{Engine, Options};
use suyuan_model::outcome::{Lang, Text};

use crate::progress::Meter;
use crate::{Common, Format};

/// Shown under `suyuan --help`.
pub const EXAMPLES: &str = "\
Examples / 示例:
  suyuan run records/ --out case/            all of it on a folder of records / 一步完成全过程
  suyuan init                                keys and an empty data home / 初始化
  suyuan ingest records/                     native files need no mapping / 原生文件无需映射
  suyuan ingest --mapping cn-carrier-opening 开卡.csv
  suyuan detect && suyuan trace && suyuan case && suyuan report --out case/

Exit codes / 退出码: 0 done 完成, 1 failed 失败, 2 wrong use 用法错误, 3 done with rejects 完成但有未入库的行";

/// How a command ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 3.
    WithRejects,
}

impl Outcome {
    fn of(rejected: u64) -> Self {
        if rejected > 0 { Outcome::WithRejects } else { Outcome::Done }
    }
}

/// What every command returns.
pub type Done = Result<Outcome, anyhow::Error>;

/// Prints an error and its causes; engine errors speak the user's language.
pub fn complain(error: &anyhow::Error, lang: Lang) {
    let mut text = match error.downcast_ref::<EngineError>() {
        Some(e) => e.text().get(lang).to_owned(),
        None => error.to_string(),
    };
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("suyuan: {text}");
}

fn say(lang: Lang, en: impl Into<String>, zh: impl Into<String>) {
    print_line(Text::new(en, zh).get(lang));
}

/// Prints a line; a closed pipe ends the program quietly.
fn print_line(line: &str) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), anyhow::Error> {
    print_line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// One value a line.
fn print_json_line(value: &impl serde::Serialize) -> Result<(), anyhow::Error> {
    print_line(&serde_json::to_string(value)?);
    Ok(())
}

/// Opens a home that an intake has filled.
fn open(common: &Common) -> Result<Engine, EngineError> {
    Engine::open_existing(&common.paths(), Options { threads: common.threads.max(1) })
}

fn open_at(common: &Common, paths: Paths) -> Result<Engine, EngineError> {
    Engine::open(&paths, Options { threads: common.threads.max(1) })
}

fn meter(common: &Common) -> Meter {
    Meter::new(common.lang(), common.quiet)
}

fn absent(files: &[PathBuf]) -> Option<&PathBuf> {
    files.iter().find(|f| !f.exists())
}

fn tell_intake(common: &Common, report: &IntakeReport) -> Result<(), anyhow::Error> {
    if common.format == Format::Json {
        return print_json(report);
    }
    for line in report.lines(common.lang()) {
        print_line(&line);
    }
    Ok(())
}
