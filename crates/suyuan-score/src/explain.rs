//! Why a row has its score: what each feature adds, in nats of log-odds, in words.

use serde::Serialize;
use suyuan_model::outcome::Text;

use crate::error::ScoreError;
use crate::graph::Graph;
use crate::jobs::in_order;
use crate::model::{Model, ODD};
use crate::table::Table;

/// A score taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// SHA-256 of the model.
    pub model: String,
    /// The row.
    pub id: String,
    /// Whether the model was fitted on this very row.
    pub fitted: bool,
    /// Calibrated probability.
    pub p: f64,
    /// The same in log-odds.
    pub log_odds: f64,
    /// Log-odds of a row of which nothing is known.
    pub base: f64,
    /// Contributions, greatest first; with `base` they sum to `log_odds`.
    pub parts: Vec<Part>,
}

/// What one column adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The column's name; for what has none, what it is.
    pub column: String,
    /// The column in words.
    pub what: Text,
    /// Its value; none where missing.
    pub value: Option<f64>,
    /// Share of training rows with less, for the row's own features.
    pub above: Option<f64>,
    /// Nats.
    pub adds: f64,
}

/// Rows between two words of how far it is.
const TELL: usize = 128;

impl Model {
    /// What the boosters look at, in words, in the order of contributions.
    pub fn columns(&self) -> Vec<Text> {
        let own = self.own();
        let mut all: Vec<Text> = own.iter().map(|f| named(f)).collect();
        if self.head.graph {
            all.extend(own.iter().map(|f| {
                Text::new(format!("neighbours' place in `{f}`"), format!("邻居在 `{f}` 上的平均位次"))
            }));
            all.push(Text::new("number of neighbours", "邻居数"));
            all.push(Text::new("neighbours known to carry the label", "已知有标签的邻居占比"));
        }
        debug_assert_eq!(all.len(), self.width());
        all
    }

    /// Takes the score of one row apart.
    pub fn explain(&self, table: &Table, graph: Option<&Graph>, id: &str) -> Result<Explanation, ScoreError> {
        let row = table.row(id)?;
        let mut one = self.explain_rows(1, table, graph, &[row], &mut |_| {})?;
        Ok(one.remove(0))
    }

    /// The same of the rows named, in their order, on so many threads; `told` hears how many are done.
    pub fn explain_rows(
        &self,
        threads: usize,
        table: &Table,
        graph: Option<&Graph>,
        rows: &[usize],
        told: &mut dyn FnMut(usize),
    ) -> Result<Vec<Explanation>, ScoreError> {
        let seen = self.seen(table, graph)?;
        let (hash, columns) = (self.hash(), self.columns());
        let one = |row: &usize| {
            let score = self.one(&seen, *row);
            let part = |(i, what): (usize, &Text)| {
                let v = seen[i][*row];
                Part {
                    column: what.en.clone(),
                    what: what.clone(),
                    value: (!v.is_nan()).then_some(v),
                    above: self.bins.cuts.get(i).map(|_| self.bins.place(i, v)).filter(|p| !p.is_nan()),
                    adds: score.contributions[i],
                }
            };
            let mut parts: Vec<Part> = columns.iter().enumerate().map(part).collect();
            parts.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()).then_with(|| a.what.cmp(&b.what)));
            let id = table.ids[*row].clone();
            let fitted = self.has_seen(&id, table.times[*row]);
            let (p, log_odds, base) = (score.p, score.log_odds, score.base);
            Explanation { model: hash.clone(), id, fitted, p, log_odds, base, parts }
        };
        let mut out = Vec::with_capacity(rows.len());
        for some in rows.chunks(TELL) {
            out.extend(in_order(threads, some.len(), |i| one(&some[i])));
            told(out.len());
        }
        Ok(out)
    }
}

impl Explanation {
    /// Says columns in words where there are any; the column's name stays beside them.
    pub fn in_words(mut self, words: impl Fn(&str) -> Option<Text>) -> Explanation {
        for part in &mut self.parts {
            let column = &part.column;
            if let Some(Text { en, zh }) = words(column) {
                part.what = Text::new(format!("{en} (`{column}`)"), format!("{zh}（`{column}`）"));
            }
        }
        self
    }

    /// The explanation as lines; the `most` greatest parts, the rest as one sum.
    pub fn lines(&self, most: usize) -> Vec<Text> {
        let mut lines = vec![
            Text::new(
                format!("row {}: probability {:.3}, log-odds {:+.3}", self.id, self.p, self.log_odds),
                format!("编号 {}：概率 {:.3}，对数几率 {:+.3}", self.id, self.p, self.log_odds),
            ),
            Text::new(
                format!("{:+.3}  where every row starts", self.base),
                format!("{:+.3}  所有行的起点", self.base),
            ),
        ];
        if self.fitted {
            lines.push(Text::new(
                "the model was fitted on this very row: its score here is flattering",
                "该行曾用于拟合，此处的得分偏于乐观",
            ));
        }
        lines.extend(self.parts.iter().take(most).map(Part::line));
        let rest: f64 = self.parts.iter().skip(most).map(|p| p.adds).sum();
        if self.parts.len() > most {
            let n = self.parts.len() - most;
            lines.push(Text::new(
                format!("{rest:+.3}  the other {n} together"),
                format!("{rest:+.3}  其余 {n} 项合计"),
            ));
        }
        lines
    }
}

impl Part {
    fn line(&self) -> Text {
        let (mut en, mut zh) = match self.value {
            Some(v) => {
                let v = short(v);
                (
                    format!("{:+.3}  {} is {v}", self.adds, self.what.en),
                    format!("{:+.3}  {} 为 {v}", self.adds, self.what.zh),
                )
            }
            None => (
                format!("{:+.3}  {} is not known", self.adds, self.what.en),
                format!("{:+.3}  {} 未知", self.adds, self.what.zh),
            ),
        };
        if let Some(share) = self.above {
            en += &format!(", above about {:.0} % of training rows", share * 100.0);
            zh += &format!("，约高于 {:.0}% 的训练行", share * 100.0);
        }
        Text::new(en, zh)
    }
}

/// A feature's name; the one that is ours in both languages.
fn named(feature: &str) -> Text {
    match feature {
        ODD => Text::new("oddness of use (sum of the signals' surprises)", "用卡异常度（各信号意外度之和）"),
        other => Text::new(other, other),
    }
}

/// Four significant figures.
fn short(v: f64) -> String {
    if v == v.trunc() && v.abs() < 1e9 {
        return format!("{v:.0}");
    }
    let digits = (3 - v.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{v:.digits$}")
}
