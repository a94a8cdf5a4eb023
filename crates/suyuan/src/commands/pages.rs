//! `suyuan kinds | schema | commands`: the manual, from the types.

use std::fmt::Write;

use anyhow::anyhow;
use clap::{Args, CommandFactory};
use suyuan_engine::{manual, schema};
use suyuan_model::outcome::Lang;

use super::{Done, Outcome, print_line};
use crate::Common;

/// Describe the record kinds, as Markdown.
#[derive(Args)]
#[command(after_help = "Example: suyuan kinds --lang zh")]
pub struct Kinds {}

impl Kinds {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        print_line(manual::kinds(common.lang()).trim_end());
        Ok(Outcome::Done)
    }
}

/// Print the JSON Schema of an output file.
#[derive(Args)]
#[command(after_help = "Example: suyuan schema case")]
pub struct Schema {
    /// finding, sources, case, reject or run
    #[arg(required_unless_present = "page")]
    name: Option<String>,
    /// The manual page of all output files instead / 全部输出文件的说明页
    #[arg(long)]
    page: bool,
}

impl Schema {
    /// Runs the command.
    pub fn run(&self, _: &Common) -> Done {
        if self.page {
            print_line(manual::outputs().trim_end());
            return Ok(Outcome::Done);
        }
        let name = self.name.as_deref().unwrap_or_default();
        let known = || schema::FILES.map(|f| f.name).join(", ");
        let value = schema::of(name).ok_or_else(|| anyhow!("no schema `{name}`; there is {}", known()))?;
        print_line(&serde_json::to_string_pretty(&value)?);
        Ok(Outcome::Done)
    }
}

/// Prints the manual page of all commands, as Markdown.
pub fn commands(common: &Common) -> Done {
    let mut page = String::from(match common.lang() {
        Lang::En => {
            "<!-- written by `cargo xtask docs` -->\n# Commands\n\nProgress goes to stderr, results to stdout. Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rejects.\n"
        }
        Lang::Zh => {
            "<!-- 由 `cargo xtask docs` 生成 -->\n# 命令\n\n进度写到标准错误，结果写到标准输出。退出码：0 完成，1 失败，2 用法错误，3 完成但有未入库的行。\n"
        }
    });
    let mut cli = crate::Cli::command().term_width(100);
    cli.build();
    for command in cli.get_subcommands_mut().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        let name = command.get_name().to_owned();
        let _ = write!(
            page,
            "\n## suyuan {name}\n\n```text\n{}\n```\n",
            command.render_long_help().to_string().trim_end()
        );
    }
    print_line(page.trim_end());
    Ok(Outcome::Done)
}
