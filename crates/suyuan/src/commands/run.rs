//! `suyuan run`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::{Done, Outcome, meter, open_at, print_json, print_line, tell_intake};
use crate::{Common, Format};

/// Do all of it on a folder of records: ingest, detect, trace, case, report.
///
/// Writes findings.ndjson, review.ndjson, sources.json, case.json, report.zh.html, report.en.html,
/// rejects.ndjson and run.json to the output folder; the data home lies in it unless --data names another.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan run records/ --out case/
  suyuan run trail/ --mapping aws-cloudtrail --out case/
Files of several sources: take in those that need a mapping first, into the same data home.
  suyuan ingest --data home/ --mapping cn-carrier-opening 开户.csv
  suyuan ingest --data home/ --mapping cn-carrier-login 登录.csv
  suyuan run records/ --data home/ --out case/")]
pub struct Run {
    /// Folder of records / 记录目录
    records: PathBuf,
    /// Folder to write to / 输出目录
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A shipped mapping's name, or a mapping file / 内置映射名或映射文件
    #[arg(long, value_name = "MAPPING")]
    mapping: Option<String>,
    /// A model of `suyuan model train`, laid beside the records / 评分模型，与记录一并使用
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

impl Run {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        if !self.records.exists() {
            bail!("there is no `{}` / 找不到该目录", self.records.display());
        }
        let mut paths = common.paths();
        if common.data.is_none() {
            paths.data = self.out.join("data");
        }
        let mut meter = meter(common);
        let mut engine = open_at(common, paths)?;
        let watch = &mut |p: &suyuan_engine::progress::Progress| meter.show(p);
        let files = std::slice::from_ref(&self.records);
        let intake = engine.ingest(files, self.mapping.as_deref(), watch)?;
        let rules = suyuan_engine::rules::chosen(&[], &[])?;
        let laid = self.model.as_deref().map(|m| engine.lay(m, &rules, watch)).transpose()?;
        engine.detect_with(&rules, laid.as_ref(), watch)?;
        engine.trace(watch)?;
        let cases = engine.case(watch)?;
        let written = engine.report(&self.out, watch)?;
        meter.end();
        if common.format == Format::Json {
            print_json(&written)?;
        } else {
            tell_intake(common, &intake)?;
            for line in suyuan_engine::telling::case(&cases, common.lang()) {
                print_line(&line);
            }
            for file in written.iter().filter(|f| f.extension().is_some_and(|e| e == "html")) {
                print_line(&file.display().to_string());
            }
        }
        Ok(Outcome::of(intake.rejected()))
    }
}
