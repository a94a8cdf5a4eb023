//! `suyuan ingest`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::{Done, Outcome, absent, meter, open, open_at, tell_intake};
use crate::Common;

/// Take records in.
///
/// A file's stem names its record kind (`opening.csv`, `access-2020-01.ndjson.gz`), its header the
/// fields; other sources need a mapping. Rows that do not fit are kept aside, sealed, with file, line,
/// field, reason and remedy; the rest is taken in. Reading a row or a file twice changes nothing.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan ingest records/
  suyuan ingest --mapping aws-cloudtrail trail/*.json
  suyuan ingest --retry-rejects                         once the mapping is mended
  suyuan ingest --retry-rejects opening.csv             once the file is mended (lines keep their numbers)")]
pub struct Ingest {
    /// Files or folders / 文件或目录
    #[arg(required_unless_present = "retry_rejects")]
    files: Vec<PathBuf>,
    /// A shipped mapping's name, or a mapping file / 内置映射名或映射文件
    #[arg(long, value_name = "MAPPING")]
    mapping: Option<String>,
    /// Try the rows kept aside again / 重试未入库的行
    #[arg(long)]
    retry_rejects: bool,
}

impl Ingest {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        if let Some(missing) = absent(&self.files) {
            bail!("there is no `{}` / 找不到该文件或目录", missing.display());
        }
        let mut engine = match self.retry_rejects {
            true => open(common)?,
            false => open_at(common, common.paths())?,
        };
        let mut meter = meter(common);
        let report = if self.retry_rejects {
            engine.retry_rejects(&self.files, self.mapping.as_deref(), &mut |p| meter.show(p))?
        } else {
            engine.ingest(&self.files, self.mapping.as_deref(), &mut |p| meter.show(p))?
        };
        meter.end();
        tell_intake(common, &report)?;
        Ok(Outcome::of(report.rejected()))
    }
}
