//! `suyuan rule`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use suyuan_engine::rules::{self, Fault};
use suyuan_model::outcome::{Lang, Text};

use super::{Done, Outcome, print_json, print_line, say};
use crate::{Common, Format};

/// The rules: check, test, explain, begin one; the catalogue.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  suyuan rule new rules/night-exports --kind access
  suyuan rule check rules/
  suyuan rule test rules/night-exports.yml
  suyuan rule explain location/override-habit --lang zh
  suyuan rule catalogue"
)]
pub struct Rule {
    #[command(subcommand)]
    what: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Tell all that is wrong with rules and filters / 检查规则与过滤器
    Check {
        /// Files or folders / 文件或目录
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Run the examples inside rules / 运行规则自带的示例
    Test {
        /// Files or folders; without any, the rules that come with the program / 文件或目录；缺省为内置规则
        paths: Vec<PathBuf>,
    },
    /// Say in words what a rule reads, counts and cannot tell apart / 用文字说明一条规则
    Explain {
        /// The id of a rule that comes with the program, or a file / 内置规则编号或规则文件
        rule: String,
    },
    /// Write a rule to begin with / 新建规则文件
    New {
        /// Where to; the file must not be there yet / 文件名（不得已存在）
        name: String,
        /// The record kind it reads / 所读的记录种类
        #[arg(long)]
        kind: String,
    },
    /// Print the catalogue, as Markdown / 打印规则目录
    Catalogue,
}

impl Rule {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        match &self.what {
            Verb::Check { paths } => check(common, paths),
            Verb::Test { paths } => test(common, paths),
            Verb::Explain { rule } => explain(common, rule),
            Verb::New { name, kind } => {
                let path = rules::new(name, kind)?.display().to_string();
                let (en, zh) = (format!("wrote {path}"), format!("已写出{path}"));
                say(
                    common.lang(),
                    format!("{en}; next: `suyuan rule test {path}`"),
                    format!("{zh}；下一步：“suyuan rule test {path}”"),
                );
                Ok(Outcome::Done)
            }
            Verb::Catalogue => {
                print_line(rules::catalogue(common.lang())?.trim_end());
                Ok(Outcome::Done)
            }
        }
    }
}

fn failed(lang: Lang, en: String, zh: String) -> Done {
    Err(anyhow!(Text::new(en, zh).get(lang).to_owned()))
}

fn tell(common: &Common, faults: &[Fault]) -> Done {
    for f in faults {
        print_line(&f.told(common.lang()));
    }
    failed(
        common.lang(),
        format!("{} faults in the rules", faults.len()),
        format!("规则有{}处错误", faults.len()),
    )
}

fn check(common: &Common, paths: &[PathBuf]) -> Done {
    let c = rules::check(paths)?;
    if common.format == Format::Json {
        print_json(&c)?;
    }
    if !c.faults.is_empty() {
        let shown = if common.format == Format::Json { &[][..] } else { &c.faults[..] };
        for f in shown {
            print_line(&f.told(common.lang()));
        }
        return failed(
            common.lang(),
            format!("{} faults in the rules", c.faults.len()),
            format!("规则有{}处错误", c.faults.len()),
        );
    }
    if common.format == Format::Text {
        say(
            common.lang(),
            format!("sound: {} rules, {} for other logs, {} filters", c.rules, c.open_rules, c.filters),
            format!("无误：规则{}条，其他日志的规则{}条，过滤器{}个", c.rules, c.open_rules, c.filters),
        );
    }
    Ok(Outcome::Done)
}

fn test(common: &Common, paths: &[PathBuf]) -> Done {
    let tried = match rules::test(paths)? {
        Ok(tried) => tried,
        Err(faults) => return tell(common, &faults),
    };
    if common.format == Format::Json {
        print_json(&tried)?;
    } else {
        tried.iter().for_each(|t| print_line(&t.told(common.lang())));
    }
    let wrong = tried.iter().filter(|t| !t.ok).count();
    if wrong > 0 || tried.is_empty() {
        let of = tried.len();
        return failed(
            common.lang(),
            format!("{wrong} of {of} examples do not do what they say"),
            format!("{of}个示例中有{wrong}个与预期不符"),
        );
    }
    Ok(Outcome::Done)
}

fn explain(common: &Common, rule: &str) -> Done {
    let e = rules::explain(rule)?;
    if common.format == Format::Json {
        print_json(&e)?;
        return Ok(Outcome::Done);
    }
    let lang = common.lang();
    print_line(&format!("{} ({}, {})", e.title.get(lang), e.rule, e.scheme));
    print_line(&format!("{}\n", e.description.get(lang)));
    for l in e.lines.iter().filter(|l| !l.says.get(lang).is_empty()) {
        let colon = if lang == Lang::Zh { "：" } else { ": " };
        print_line(&format!("{}{colon}{}", l.what.get(lang), l.says.get(lang)));
    }
    Ok(Outcome::Done)
}
