//! What can go wrong with tables, graphs and models, in the operator's words and in both languages.

use suyuan_model::outcome::Text;

/// Why a table could not be read, or a model not made or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// A cell or a line does not fit.
    #[error("{}", self.text().en)]
    Cell {
        /// The file.
        file: String,
        /// Its line, the header being 1.
        line: u64,
        /// The column's place (from 1) and name.
        column: (usize, String),
        /// What stands there.
        found: String,
        /// What was expected.
        want: Want,
    },
    /// A line cannot be split into cells.
    #[error("{}", self.text().en)]
    Line {
        /// The file.
        file: String,
        /// Its line.
        line: u64,
        /// What the reader said.
        why: String,
    },
    /// A column is not there.
    #[error("{}", self.text().en)]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The columns that are there.
        there: String,
    },
    /// Two columns, or with a graph two rows, have one name.
    #[error("{}", self.text().en)]
    Twice {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
    /// Too little to learn from.
    #[error("{}", self.text().en)]
    TooFew {
        /// Rows with the label.
        yes: usize,
        /// Rows without.
        no: usize,
        /// What is needed of each.
        need: usize,
    },
    /// Rows carry times, but no date was given up to which they may be used.
    #[error("{}", self.text().en)]
    NoDate,
    /// A signal or ratio that cannot be read.
    #[error("{}", self.text().en)]
    Signal {
        /// What was given.
        text: String,
    },
    /// The model wants the graph it was fitted with.
    #[error("{}", self.text().en)]
    NoGraph,
    /// No such row.
    #[error("{}", self.text().en)]
    NoRow {
        /// The id asked for.
        id: String,
    },
    /// Not a model, or a damaged one.
    #[error("{}", self.text().en)]
    Artefact {
        /// What is wrong.
        why: &'static str,
    },
}

/// What a cell should have held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A number, or nothing.
    Number,
    /// A label.
    Label,
    /// A date or time.
    Time,
    /// An id.
    Id,
}

impl Want {
    fn text(self) -> (&'static str, &'static str) {
        match self {
            Want::Number => (
                "not a number; leave unknown values empty, and name a column that is no feature with `--ignore`, `--id` or `--time`",
                "不是数值；未知值请留空，不作特征的列请用 `--ignore`、`--id` 或 `--time` 指明",
            ),
            Want::Label => (
                "not a label; write 1 or 0 (yes/no, true/false), or nothing where it is unknown",
                "不是标签；请写 1 或 0（是/否），未知请留空",
            ),
            Want::Time => (
                "not a time; write 2020-03-01 or 2020-03-01T09:00:00+08:00",
                "不是时间；请写 2020-03-01 或 2020-03-01T09:00:00+08:00",
            ),
            Want::Id => ("no id; every row needs one", "缺少编号；每行都必须有编号"),
        }
    }
}

impl ScoreError {
    /// The message in both languages.
    pub fn text(&self) -> Text {
        match self {
            ScoreError::Cell { file, line, column: (at, name), found, want } => {
                let (en, zh) = want.text();
                Text::new(
                    format!("{file}, line {line}, column {at} (`{name}`): `{found}` is {en}"),
                    format!("{file} 第 {line} 行第 {at} 列（`{name}`）：`{found}` {zh}"),
                )
            }
            ScoreError::Line { file, line, why } => {
                Text::new(format!("{file}, line {line}: {why}"), format!("{file} 第 {line} 行：{why}"))
            }
            ScoreError::NoColumn { file, column, there } => Text::new(
                format!("{file} has no column `{column}`; it has: {there}"),
                format!("{file} 没有 `{column}` 列；现有列：{there}"),
            ),
            ScoreError::Twice { file, name } => Text::new(
                format!(
                    "{file}: `{name}` occurs twice; names of columns, and ids where a graph is given, must be unique"
                ),
                format!("{file}：`{name}` 重复；列名必须唯一，使用关系图时编号也必须唯一"),
            ),
            ScoreError::TooFew { yes, no, need } => Text::new(
                format!(
                    "{yes} rows with the label and {no} without: at least {need} of each are needed to fit and check a model"
                ),
                format!("有标签 {yes} 行、无标签 {no} 行：拟合并检验模型至少各需 {need} 行"),
            ),
            ScoreError::NoDate => Text::new(
                "the rows carry times: say with `--until DATE` up to which date they may be used",
                "各行带有时间：请用 `--until 日期` 指明可使用到哪一天",
            ),
            ScoreError::Signal { text } => Text::new(
                format!(
                    "`{text}` is no signal; write NAME=COLUMN, NAME=COLUMN/COLUMN, or NAME=-COLUMN/COLUMN where less is odder"
                ),
                format!("`{text}` 不是信号；请写 名称=列、名称=列/列，越小越异常时写 名称=-列/列"),
            ),
            ScoreError::NoGraph => Text::new(
                "this model uses neighbours: give the graph with `--edges`, or fit one without a graph to lay it beside the records",
                "该模型使用了邻居特征：请用 `--edges` 提供关系图；与记录一并使用的模型须不用关系图训练",
            ),
            ScoreError::NoRow { id } => {
                Text::new(format!("the table has no row `{id}`"), format!("表中没有编号为 `{id}` 的行"))
            }
            ScoreError::Artefact { why } => Text::new(
                format!("the model file cannot be used: {why}; take an undamaged copy or fit it again"),
                format!("模型文件不可用：{}；请换用完好的副本或重新拟合", chinese(why)),
            ),
        }
    }
}

fn chinese(why: &str) -> &str {
    match why {
        NOT_A_MODEL => "不是溯源模型文件",
        NEWER => "由其他版本写出",
        DAMAGED => "内容与其摘要不符",
        MALFORMED => "结构有误",
        other => other,
    }
}

pub(crate) const NOT_A_MODEL: &str = "it is no model of Suyuan";
pub(crate) const NEWER: &str = "another version of the format wrote it";
pub(crate) const DAMAGED: &str = "its content does not fit its digest";
pub(crate) const MALFORMED: &str = "its structure is wrong";
