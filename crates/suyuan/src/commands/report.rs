//! `suyuan report`.

use std::path::PathBuf;

use clap::Args;

use super::{Done, Outcome, meter, open, say};
use crate::Common;

/// Write the report in both languages and all output files.
#[derive(Args)]
#[command(after_help = "Example: suyuan report --out case/")]
pub struct Report {
    /// Folder to write to / 输出目录
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Report {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let engine = open(common)?;
        let mut meter = meter(common);
        let written = engine.report(&self.out, &mut |p| meter.show(p))?;
        meter.end();
        let dir = self.out.display();
        say(
            common.lang(),
            format!("wrote {} files to {dir}", written.len()),
            format!("已写出 {} 个文件到 {dir}", written.len()),
        );
        Ok(Outcome::Done)
    }
}
