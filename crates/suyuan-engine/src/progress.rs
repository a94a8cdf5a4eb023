//! What a long step says while it works.

/// A step of the path, for progress lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Making a made-up world.
    Make,
    /// Hashing and reading files.
    Ingest,
    /// Writing, merging, committing.
    Commit,
    /// Rules over the ordered scan.
    Detect,
    /// Making a feature table.
    Tabulate,
    /// Scoring cards by a model.
    Score,
    /// Source attribution and rings.
    Trace,
    /// Cases and report.
    Write,
}

impl Step {
    /// The step's name in English and Chinese.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Step::Make => ("making the world", "生成世界"),
            Step::Ingest => ("taking in", "导入"),
            Step::Commit => ("storing", "入库"),
            Step::Detect => ("detecting", "检测"),
            Step::Tabulate => ("making the table", "制表"),
            Step::Score => ("scoring", "评分"),
            Step::Trace => ("tracing", "溯源"),
            Step::Write => ("writing", "写出"),
        }
    }
}

/// How far a step has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The step.
    pub step: Step,
    /// Rows or bytes done.
    pub done: u64,
    /// Of how many, where known.
    pub total: Option<u64>,
    /// What it is at: a file, say.
    pub at: String,
}

/// Receives progress; called often, must be quick.
pub type Watch<'a> = &'a mut dyn FnMut(&Progress);
