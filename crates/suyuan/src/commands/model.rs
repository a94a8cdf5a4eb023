//! `suyuan model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use suyuan_engine::models::{self, Applied, Training};

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Fit, check or explain a score on a labelled feature table.
///
/// The table is a CSV with one row a card (or whatever is scored) and one number a column; unknown
/// values stay empty. Rows without a label serve as neighbours only.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan model features --until 2020-06-30 --out cards.csv
  suyuan model train --table cards.csv --label bad --id card --time day --until 2020-06-30 --out cards.model
  suyuan model features --until 2020-07-31 --out july.csv
  suyuan model check cards.model --table july.csv --label bad
  suyuan model explain cards.model --table july.csv --row 89860019332470120566
  suyuan model odd --table july.csv --id card --signal strangers=dispersion --signal one_way=-in_share")]
pub struct Model {
    #[command(subcommand)]
    what: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Write the table of card use from the data home / 写出用卡特征表
    Features(FeaturesOf),
    /// Fit a score and write it as one dated file / 拟合评分模型
    Train(Train),
    /// Figures on unseen rows, calibration, drift / 检验模型：指标、校准与漂移
    Check(Check),
    /// What adds to the score of one row / 解释某一行的得分
    Explain(Explain),
    /// How odd the use of each row is, where nobody has told which were bad / 无标签的用卡异常评分
    Odd(Odd),
}

/// Write the table of card use.
#[derive(Args)]
struct FeaturesOf {
    /// The table, CSV / 特征表
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Last day that may be used / 可使用的最后一天
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// Fit a score.
#[derive(Args)]
struct Train {
    /// Feature table, CSV, .gz too / 特征表
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Edges between ids: the first two columns of a CSV / 关系图
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
    /// Column of the label: 1, 0, or empty where unknown / 标签列
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// Column of the id; rows are numbered from 1 without it / 编号列
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Column of the time at which the row and its label were known / 时间列
    #[arg(long, value_name = "COLUMN", requires = "until")]
    time: Option<String>,
    /// Last day whose rows may be used / 可使用的最后一天
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Columns that are no features / 不作为特征的列
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Signal of use, NAME=[-]COLUMN[/COLUMN], minus where less is odder; may be given often / 用卡信号
    #[arg(long, value_name = "SIGNAL", allow_hyphen_values = true)]
    signal: Vec<String>,
    /// Ratio of two columns as a further feature, NAME=COLUMN/COLUMN; may be given often / 比值特征
    #[arg(long, value_name = "RATIO")]
    ratio: Vec<String>,
    /// Seed of folds and trees / 随机种子
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The model file / 模型文件
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
}

/// Check a score.
#[derive(Args)]
struct Check {
    /// The model file / 模型文件
    model: PathBuf,
    /// Feature table / 特征表
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Edges between ids / 关系图
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
    /// Column of the label / 标签列
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Write the scores of all rows here / 把各行得分写入此文件
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
}

/// Explain a score.
#[derive(Args)]
struct Explain {
    /// The model file / 模型文件
    model: PathBuf,
    /// Feature table / 特征表
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Edges between ids / 关系图
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
    /// The row's id / 行的编号
    #[arg(long, value_name = "ID")]
    row: String,
    /// How many reasons to tell / 列出的理由数
    #[arg(long, default_value_t = 10)]
    most: usize,
}

/// Score without labels.
#[derive(Args)]
struct Odd {
    /// Feature table / 特征表
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Table of the cards to compare with; the table itself if not given / 基准表
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Column of the id / 编号列
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Signal of use, NAME=[-]COLUMN[/COLUMN], minus where less is odder; may be given often; those of `usage` if none is given / 用卡信号
    #[arg(long, value_name = "SIGNAL", allow_hyphen_values = true)]
    signal: Vec<String>,
    /// Write the scores of all rows here / 把各行得分写入此文件
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// How many rows to tell / 列出的行数
    #[arg(long, default_value_t = 10)]
    most: usize,
}

impl Model {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let json = common.format == Format::Json;
        let lines = match &self.what {
            Verb::Features(f) => {
                let engine = open(common)?;
                let mut meter = meter(common);
                let (cards, known) =
                    models::features(&engine, f.until.as_deref(), &f.out, &mut |p| meter.show(p))?;
                meter.end();
                if json {
                    print_json(&serde_json::json!({"cards": cards, "known": known}))?;
                }
                models::tell_features(cards, known)
            }
            Verb::Train(t) => {
                let (head, hash) = models::train(&t.wanted(common))?;
                if json {
                    print_json(&serde_json::json!({"model": hash, "head": head}))?;
                }
                models::tell_head(&head, &hash)
            }
            Verb::Check(c) => {
                let applied = Applied::open(&c.model, &c.table, c.edges.as_deref(), c.label.as_deref())?;
                let mut meter = meter(common);
                let check = applied.check(common.threads, c.scores.as_deref(), &mut |p| meter.show(p))?;
                meter.end();
                if json {
                    print_json(&check)?;
                }
                models::tell_check(&check)
            }
            Verb::Explain(e) => {
                let applied = Applied::open(&e.model, &e.table, e.edges.as_deref(), None)?;
                let explanation = applied.explain(&e.row)?;
                if json {
                    print_json(&explanation)?;
                }
                explanation.lines(e.most)
            }
            Verb::Odd(o) => {
                let found = models::odd(&o.table, o.baseline.as_deref(), o.id.as_deref(), &o.signal)?;
                if let Some(path) = &o.scores {
                    found.write(path)?;
                }
                if json {
                    let rows: Vec<_> = found.ids.iter().zip(&found.odd).collect();
                    print_json(&rows)?;
                }
                found.tell(o.most)
            }
        };
        if !json {
            lines.iter().for_each(|l| print_line(l.get(common.lang())));
        }
        Ok(Outcome::Done)
    }
}

impl Train {
    fn wanted(&self, common: &Common) -> Training {
        let mut wanted = Training {
            table: self.table.clone(),
            edges: self.edges.clone(),
            until: self.until.clone(),
            seed: self.seed,
            threads: common.threads.max(1),
            out: self.out.clone(),
            signals: self.signal.clone(),
            ratios: self.ratio.clone(),
            ..Training::default()
        };
        wanted.roles.label = Some(self.label.clone());
        wanted.roles.id = self.id.clone();
        wanted.roles.time = self.time.clone();
        wanted.roles.ignore = self.ignore.clone();
        wanted
    }
}
