//! `suyuan detect`.

use std::path::PathBuf;

use clap::Args;

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Run the rules over the records.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan detect --data /srv/suyuan --format json
  suyuan detect --rules my-rules/ --only location/override-habit --only night-exports")]
pub struct Detect {
    /// More rules and filters, beside those that come with the program / 另加的规则与过滤器（文件或目录）
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Only these rules, by id / 仅运行指定编号的规则
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
}

impl Detect {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let mut meter = meter(common);
        let rules = suyuan_engine::rules::chosen(&self.rules, &self.only)?;
        let found = engine.detect_with(&rules, &mut |p| meter.show(p))?;
        meter.end();
        if common.format == Format::Json {
            print_json(&found)?;
        } else {
            for line in suyuan_engine::telling::detect(&found, common.lang()) {
                print_line(&line);
            }
            let risks = suyuan_engine::Engine::risk(&found);
            for line in suyuan_engine::telling::review(&risks, common.lang()) {
                print_line(&line);
            }
        }
        Ok(Outcome::Done)
    }
}
