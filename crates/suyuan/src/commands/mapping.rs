//! `suyuan mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use suyuan_engine::mappings;

use super::{Done, Outcome, print_line, say};
use crate::Common;

/// Propose or check a mapping file: how a source's columns become the fields of a record kind.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan mapping list
  suyuan mapping new export.csv > mine.yml
  suyuan mapping check mine.yml")]
pub struct Mapping {
    #[command(subcommand)]
    what: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Propose a mapping from a file's head / 根据文件头部生成映射
    New {
        /// The file / 文件
        file: PathBuf,
        /// Record kind; guessed if not given / 记录种类
        #[arg(long)]
        kind: Option<String>,
    },
    /// Load a mapping and map its sample rows / 检查映射及其样例行
    Check {
        /// A shipped mapping's name, or a mapping file / 内置映射名或映射文件
        mapping: String,
    },
    /// List the shipped mappings / 列出内置映射
    List,
    /// Print a shipped mapping / 打印内置映射
    Show {
        /// Its name / 名称
        name: String,
    },
}

impl Mapping {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        match &self.what {
            Verb::New { file, kind } => print_line(mappings::propose(file, kind.as_deref())?.trim_end()),
            Verb::Check { mapping } => {
                let samples = mappings::check(mapping)?;
                say(
                    common.lang(),
                    format!("the mapping loads, and all {samples} sample rows map"),
                    format!("映射可用，{samples} 个样例行全部通过"),
                );
            }
            Verb::List => {
                for (name, title) in mappings::shipped()? {
                    print_line(&format!("{name:24} {}", title.get(common.lang())));
                }
            }
            Verb::Show { name } => print_line(mappings::text(name)?.trim_end()),
        }
        Ok(Outcome::Done)
    }
}
