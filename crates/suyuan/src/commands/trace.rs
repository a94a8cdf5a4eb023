//! `suyuan trace`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use suyuan_engine::{Ask, telling, traced};

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Trace fraud back to the accounts and channels through which it came.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  suyuan trace --data /srv/suyuan --format json
  suyuan trace --from-fraud 89860000000000000001 A3301092020060005
  suyuan trace --victims victims.csv
  suyuan trace --canaries planted.csv
  suyuan trace --decoy 20
  suyuan trace explain ZJ330681-0151 --lang zh"
)]
pub struct Trace {
    #[command(subcommand)]
    what: Option<Verb>,
    /// Tell the ways from persons' data to these cards or fraud cases / 列出从个人信息到这些卡或案件的路径
    #[arg(long, num_args = 1.., value_name = "CARD|CASE")]
    from_fraud: Vec<String>,
    /// Victims beside those of the fraud reports, `identity[,date]` a line; nothing is kept / 另附被害人名单，每行“证件号[,日期]”；结果不保存
    #[arg(long, value_name = "FILE")]
    victims: Option<PathBuf>,
    /// Identities that you planted and nobody has a reason to use, `identity[,date of misuse]` a line; nothing is kept / 预埋的诱饵身份，每行“证件号[,被冒用日期]”；结果不保存
    #[arg(long, value_name = "FILE")]
    canaries: Option<PathBuf>,
    /// Also say what the same method finds where there is nothing: harm dealt out anew, so many runs / 自检：打乱受害标记后用同一方法重跑若干次
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u64).range(1..=100))]
    decoy: Option<u64>,
    /// Tell every source, those off the list too / 列出全部来源，包括名单之外的
    #[arg(long)]
    all: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// All that the kept trace says of an account, device, collector, outlet, card or person / 说明对某一主体的全部追溯结果
    Explain {
        /// Its id or token / 编号或令牌
        name: String,
    },
}

impl Trace {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let lang = common.lang();
        let tell = |lines: Vec<String>| lines.iter().for_each(|l| print_line(l));
        if let Some(Verb::Explain { name }) = &self.what {
            let found = engine.traced()?;
            if common.format == Format::Json {
                print_json(&traced::of(found, name))?;
            } else {
                tell(traced::explain(&found, name, lang));
            }
            return Ok(Outcome::Done);
        }
        let mut meter = meter(common);
        let ask = Ask {
            victims: self.victims.clone(),
            canaries: self.canaries.clone(),
            decoys: self.decoy.unwrap_or(0),
        };
        let mut found = engine.trace_asked(&ask, &mut |p| meter.show(p))?;
        meter.end();
        if !self.from_fraud.is_empty() {
            let asked = |p: &suyuan_model::outcome::ChainPath| {
                self.from_fraud.iter().any(|a| *a == p.card || p.case.as_ref() == Some(a))
            };
            if common.format == Format::Json {
                found.paths.retain(asked);
                print_json(&found.paths)?;
            } else {
                tell(traced::paths(&found, &self.from_fraud, lang));
            }
        } else if common.format == Format::Json {
            print_json(&found)?;
        } else {
            tell(telling::trace(&found, self.all, lang));
        }
        Ok(Outcome::Done)
    }
}
