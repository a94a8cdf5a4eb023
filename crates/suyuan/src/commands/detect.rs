//! `suyuan detect`.

use std::path::PathBuf;

use clap::Args;
use suyuan_engine::{models, telling};

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Run the rules over the records.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step. With --backtest one rule
/// is tried over the past instead and nothing is kept.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan detect --data /srv/suyuan --format json
  suyuan detect --rules my-rules/ --only location/override-habit --only night-exports
  suyuan detect --model cards.model
  suyuan detect --backtest login/two-places-at-once --since 2020-03-01 --until 2020-06-01
  suyuan detect --backtest my-rule.yml")]
pub struct Detect {
    /// More rules and filters, beside those that come with the program / 另加的规则与过滤器（文件或目录）
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Only these rules, by id / 仅运行指定编号的规则
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Try one rule over the past: a rule's id, or a file / 回测一条规则：规则编号或文件
    #[arg(long, value_name = "RULE")]
    backtest: Option<String>,
    /// A model of `suyuan model train`: cards of unknown outcome to which it gives nine in ten are told / 评分模型：报告其给出九成以上概率的卡
    #[arg(long, value_name = "MODEL", conflicts_with = "backtest")]
    model: Option<PathBuf>,
    /// First day of the period / 回测起始日
    #[arg(long, value_name = "DATE", requires = "backtest")]
    since: Option<String>,
    /// The day after the last one / 回测截止日（不含）
    #[arg(long, value_name = "DATE", requires = "backtest")]
    until: Option<String>,
}

impl Detect {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let mut meter = meter(common);
        if let Some(rule) = &self.backtest {
            let (since, until) = (self.since.as_deref(), self.until.as_deref());
            let told = engine.backtest(rule, since, until, &mut |p| meter.show(p))?;
            meter.end();
            if common.format == Format::Json {
                print_json(&told)?;
            } else {
                telling::backtest(&told, common.lang()).iter().for_each(|l| print_line(l));
            }
            return Ok(Outcome::Done);
        }
        let rules = suyuan_engine::rules::chosen(&self.rules, &self.only)?;
        let watch = &mut |p: &suyuan_engine::progress::Progress| meter.show(p);
        let laid = self.model.as_deref().map(|m| engine.lay(m, &rules, watch)).transpose()?;
        let found = engine.detect_with(&rules, laid.as_ref(), watch)?;
        meter.end();
        if common.format == Format::Json {
            print_json(&found)?;
        } else {
            for line in laid.iter().flat_map(models::tell_laid) {
                print_line(line.get(common.lang()));
            }
            for line in telling::detect(&found, common.lang()) {
                print_line(&line);
            }
            let risks = suyuan_engine::Engine::risk(&found);
            for line in telling::review(&risks, common.lang()) {
                print_line(&line);
            }
        }
        Ok(Outcome::Done)
    }
}
