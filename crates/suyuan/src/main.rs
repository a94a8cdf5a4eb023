//! `suyuan`: give it the records, and it writes the case.
//!
//! The command line computes nothing: it reads arguments, calls the engine, prints.
//! Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rejects.

mod commands;
mod language;
mod memory;
mod progress;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use suyuan_engine::home::Paths;
use suyuan_model::outcome::Lang;

/// Finds insiders and farmed cards, traces fraud back to its source, writes the case.
/// 发现内鬼与养卡，追溯诈骗源头，写出案件。
#[derive(Parser)]
#[command(name = "suyuan", version, after_help = commands::EXAMPLES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone)]
pub struct Common {
    /// Data home: lake and store / 数据目录 [default: suyuan-data; of `run`: data in the output folder]
    #[arg(long, global = true, env = "SUYUAN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Key folder, kept apart from the data / 密钥目录（与数据分开存放）[default: ~/.config/suyuan/keys]
    #[arg(long, global = true, env = "SUYUAN_KEYS", value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Threads / 线程数
    #[arg(long, global = true, default_value_t = default_threads(), value_name = "N")]
    threads: usize,
    /// Language of messages / 提示语言: en, zh
    #[arg(long, global = true, value_parser = language::parse, value_name = "LANG")]
    lang: Option<Lang>,
    /// Output for people or machines / 输出格式
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress on stderr / 不显示进度
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people / 文本
    Text,
    /// For machines / JSON
    Json,
}

fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

impl Common {
    fn paths(&self) -> Paths {
        let data = self.data.clone().unwrap_or_else(|| PathBuf::from("suyuan-data"));
        Paths { data, keys: self.keys.clone().unwrap_or_else(default_keys) }
    }

    fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(language::from_environment)
    }
}

/// `$XDG_CONFIG_HOME/suyuan/keys`, else `~/.config/suyuan/keys`: one key set a user, so that two runs
/// make the same tokens.
fn default_keys() -> PathBuf {
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".config")));
    config.map_or_else(|| PathBuf::from("suyuan-keys"), |c| c.join("suyuan").join("keys"))
}

#[derive(Subcommand)]
enum Command {
    /// Make the key set and an empty data home / 生成密钥与空的数据目录
    Init(commands::init::Init),
    /// Take records in / 导入记录
    Ingest(commands::ingest::Ingest),
    /// Run the rules over the records / 用规则检测
    Detect(commands::detect::Detect),
    /// Watch a folder: take new files in and alert as rows come / 监视目录，随到随检
    Watch(commands::watch::Watch),
    /// Trace fraud back to its sources / 溯源
    Trace(commands::trace::Trace),
    /// Build the cases / 建立案件
    Case(commands::case::Case),
    /// Write the report and all output files / 写出报告与全部结果
    Report(commands::report::Report),
    /// Do all of it on a folder of records / 对一个记录目录完成全过程
    Run(commands::run::Run),
    /// Query a snapshot with SQL (feature `sql`) / 用 SQL 查询快照
    Query(commands::query::Query),
    /// Make a made-up world with known culprits / 生成带已知答案的模拟世界
    Sim(commands::sim::Sim),
    /// Propose or check a mapping file / 生成或检查映射文件
    Mapping(commands::mapping::Mapping),
    /// Fit, check or explain a score on a labelled table / 拟合、检验、解释评分模型
    Model(commands::model::Model),
    /// Describe the record kinds / 记录种类说明
    Kinds(commands::pages::Kinds),
    /// Check, test, explain and begin rules; the catalogue / 检查、试运行、解释与新建规则；规则目录
    Rule(commands::rule::Rule),
    /// JSON Schema of an output file / 输出文件的 JSON Schema
    Schema(commands::pages::Schema),
    /// The manual page of all commands / 命令手册
    #[command(hide = true)]
    Commands,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Detect(_) | Command::Trace(_) | Command::Watch(_) | Command::Run(_) = &cli.command {
        memory::large_pages();
    }
    let common = &cli.common;
    let done = match &cli.command {
        Command::Init(c) => c.run(common),
        Command::Ingest(c) => c.run(common),
        Command::Detect(c) => c.run(common),
        Command::Watch(c) => c.run(common),
        Command::Trace(c) => c.run(common),
        Command::Case(c) => c.run(common),
        Command::Report(c) => c.run(common),
        Command::Run(c) => c.run(common),
        Command::Query(c) => c.run(common),
        Command::Sim(c) => c.run(common),
        Command::Mapping(c) => c.run(common),
        Command::Model(c) => c.run(common),
        Command::Kinds(c) => c.run(common),
        Command::Rule(c) => c.run(common),
        Command::Schema(c) => c.run(common),
        Command::Commands => commands::pages::commands(common),
    };
    match done {
        Ok(commands::Outcome::Done) => ExitCode::SUCCESS,
        Ok(commands::Outcome::WithRejects) => ExitCode::from(3),
        Err(e) => {
            commands::complain(&e, common.lang());
            ExitCode::FAILURE
        }
    }
}
