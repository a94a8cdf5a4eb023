//! `suyuan watch`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use suyuan_engine::telling;

use super::{Done, Outcome, meter, open_at, print_json_line, print_line};
use crate::{Common, Format};

/// Watch a folder: take new files in and alert as rows come.
///
/// Files are taken in whole, so write them elsewhere and move them here. Alerts and corrections are printed as they are given
/// and kept in `live/alerts.ndjson` of the data home. Rows that come later than --lateness are no loss: what they change is
/// told as a correction. Stop and start it at will: nothing is said twice, nothing is left out.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan watch /srv/drop --data /srv/suyuan
  suyuan watch /srv/drop --once --format json      what is there now, then end (for cron)")]
pub struct Watch {
    /// Folder of files to take in / 监视的目录
    folder: PathBuf,
    /// A shipped mapping's name, or a mapping file / 内置映射名或映射文件
    #[arg(long, value_name = "MAPPING")]
    mapping: Option<String>,
    /// More rules and filters, beside those that come with the program / 另加的规则与过滤器（文件或目录）
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Only these rules, by id / 仅运行指定编号的规则
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// How late a row may come before it counts as late, e.g. 60s, 15m, 24h / 允许的迟到时长
    #[arg(long, value_name = "SPAN", default_value = "60s")]
    lateness: String,
    /// Seconds between looks at the folder / 查看间隔（秒）
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Look once and end / 只处理一次
    #[arg(long)]
    once: bool,
}

impl Watch {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        if !self.folder.is_dir() {
            bail!("there is no folder `{}` / 找不到该目录", self.folder.display());
        }
        let Some(lateness) = suyuan_engine::rules::span(&self.lateness) else {
            bail!("`{}` is not a span such as 60s, 15m or 24h / 时长写法如60s、15m、24h", self.lateness);
        };
        let mut engine = open_at(common, common.paths())?;
        let rules = suyuan_engine::rules::chosen(&self.rules, &self.only)?;
        let files = std::slice::from_ref(&self.folder);
        let mut rejected = 0;
        let mut look = suyuan_engine::live::Look::default();
        loop {
            let mut meter = meter(common);
            if look.changed(&self.folder) {
                let intake = engine.ingest(files, self.mapping.as_deref(), &mut |p| meter.show(p))?;
                rejected += intake.rejected();
            }
            let tick = engine.live(&rules, lateness, &mut |p| meter.show(p))?;
            meter.end();
            // Rules on trial and suppressed alerts trouble nobody; they are in the log.
            for e in tick.entries.iter().filter(|e| !e.silent()) {
                match common.format {
                    Format::Json => print_json_line(e)?,
                    Format::Text => print_line(&telling::entry(e, common.lang())),
                }
            }
            if self.once {
                return Ok(Outcome::of(rejected));
            }
            std::thread::sleep(Duration::from_secs(self.every));
        }
    }
}
