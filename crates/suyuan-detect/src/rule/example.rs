//! The examples inside a rule: rows on which it must fire, rows on which it must not.
//!
//! An example is a list of rows; `hit` and `miss` hold one example or a list of them. A row is written as
//! `{record: opening, ts: ..., field: value}`. `times: 12` with `every: 5m` repeats it; `{n}` in a text stands for
//! the number of the repeat. `{score: CARD, p: 0.97}` is no row: it says what a score laid beside the rows gives the card, as of
//! the last row.

use serde_json::{Map, Value as Json};
use suyuan_model::outcome::Text;
use suyuan_model::scan::MemorySource;
use suyuan_model::score::{Scored, Scores};
use suyuan_model::{Kind, fixture, time};

use crate::error::Spot;
use crate::rule::correlation::span;
use crate::yaml::{Node, Value, unknown};

/// Rows of an example, in the order of the file. They are kept as written: repeated, those of all rules would take eighty megabytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    written: Vec<Written>,
    /// Cards and their probabilities by a score.
    scores: Vec<(String, f64)>,
}

/// A row as it is written, with its repeats.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    kind: Kind,
    fields: Map<String, Json>,
    times: i64,
    /// Microseconds between two repeats.
    every: i64,
    /// Rows before it.
    before: usize,
}

impl Written {
    /// The `n`-th repeat.
    fn row(&self, n: i64) -> Json {
        let number = (n + 1).to_string();
        let filled = |v: &Json| match v {
            Json::String(t) => Json::String(t.replace("{n}", &number)),
            v => v.clone(),
        };
        let mut row: Map<String, Json> = self.fields.iter().map(|(k, v)| (k.clone(), filled(v))).collect();
        for k in ["ts", "captured_at", "until"] {
            if let Some(at) = row.get(k).and_then(Json::as_str).and_then(time::parse) {
                row.insert(k.to_owned(), Json::String(time::format(at + n * self.every)));
            }
        }
        row.entry("seq").or_insert_with(|| Json::from((self.before as i64 + n) + 1));
        Json::Object(row)
    }
}

impl Example {
    /// The rows as a source.
    pub fn source(&self) -> MemorySource {
        let mut source = MemorySource::default();
        let all = self.rows();
        for kind in Kind::ALL {
            let rows: Vec<Json> = all.iter().filter(|(k, _)| k == kind).map(|(_, r)| r.clone()).collect();
            if !rows.is_empty() {
                let batch =
                    fixture::batch(*kind, &rows).expect("an example's rows were read when its rule was");
                source.push(*kind, batch);
            }
        }
        if !self.scores.is_empty() {
            source.score(self.scored(&all));
        }
        source
    }

    fn scored(&self, rows: &[(Kind, Json)]) -> Scores {
        let instant = |r: &(Kind, Json)| r.1.get("ts").and_then(Json::as_str).and_then(time::parse);
        let one = |(card, p): &(String, f64)| {
            let log_odds = (p / (1.0 - p)).ln();
            Scored { card: card.clone(), p: *p, log_odds, base: log_odds, parts: Vec::new() }
        };
        let mut cards: Vec<Scored> = self.scores.iter().map(one).collect();
        cards.sort_by(|a, b| a.card.cmp(&b.card));
        let mut all: Vec<f64> = cards.iter().map(|c| c.p).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let at = rows.iter().filter_map(instant).max().unwrap_or(0);
        Scores { model: "example".to_owned(), dated: None, at, cards, all }
    }

    /// The rows, by kind, in the order of the file.
    pub fn rows(&self) -> Vec<(Kind, Json)> {
        self.written.iter().flat_map(|w| (0..w.times).map(|n| (w.kind, w.row(n)))).collect()
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.written.iter().map(|w| w.times as usize).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }
}

pub(super) fn parse(block: &Node, key: &str) -> Result<Vec<Example>, Spot> {
    let no_example = || {
        block.fault(
            Text::new(format!("the rule has no `{key}` example"), format!("规则缺少“{key}”示例")),
            Text::new(
                "give one `hit` and one `miss`, each a list of rows, so that the rule can be tested",
                "请给出hit与miss示例行，以便检验规则",
            ),
        )
    };
    let list = block.get(key).ok_or_else(no_example)?.list()?;
    let many = matches!(list.first(), Some(Node { value: Value::List(_), .. }));
    let examples = if many {
        list.iter().map(|n| n.list().and_then(example)).collect::<Result<Vec<_>, _>>()?
    } else {
        vec![example(list)?]
    };
    match examples.iter().any(Example::is_empty) || examples.is_empty() {
        true => Err(no_example()),
        false => Ok(examples),
    }
}

fn example(rows: &[Node]) -> Result<Example, Spot> {
    let mut out = Example::default();
    let mut lasts = Vec::new();
    for node in rows {
        if let Some(card) = node.get("score") {
            out.scores.push((card.text()?, share(node.need("p")?)?));
            continue;
        }
        let record = node.need("record")?;
        let name = record.text()?;
        let kind = Kind::by_name(&name).ok_or_else(|| {
            unknown(record, "record kind", "记录类型", &name, Kind::ALL.iter().map(|k| k.name()))
        })?;
        let times = match node.get("times").map(|n| &n.value) {
            None => 1,
            Some(Value::Int(n @ 1..=5000)) => *n,
            Some(_) => return Err(node.wants("`times` between 1 and 5000", "times应在1至5000之间")),
        };
        let every = node.get("every").map_or(Ok(0), span)?;
        let Json::Object(mut fields) = node.json() else { return Err(node.wants("a row", "一行记录")) };
        fields.retain(|k, _| !matches!(k.as_str(), "record" | "times" | "every"));
        let written = Written { kind, fields, times, every, before: out.len() };
        lasts.push((kind, node, written.row(times - 1)));
        out.written.push(written);
    }
    read(&lasts)?;
    Ok(out)
}

/// A probability.
fn share(node: &Node) -> Result<f64, Spot> {
    let p = node.json().as_f64().filter(|p| *p > 0.0 && *p < 1.0);
    p.ok_or_else(|| node.wants("a probability between 0 and 1", "0与1之间的概率"))
}

/// Reads one row of each node now, so that a fault is told with its place: all of a kind together, since a batch has many columns,
/// and only where that does not go one by one.
fn read(rows: &[(Kind, &Node, Json)]) -> Result<(), Spot> {
    let together =
        |kind: &Kind| -> Vec<Json> { rows.iter().filter(|r| r.0 == *kind).map(|r| r.2.clone()).collect() };
    let mut kinds: Vec<Kind> = rows.iter().map(|r| r.0).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.iter().all(|kind| fixture::batch(*kind, &together(kind)).is_ok()) {
        return Ok(());
    }
    rows.iter().try_for_each(|(kind, node, row)| match fixture::batch(*kind, std::slice::from_ref(row)) {
        Ok(_) => Ok(()),
        Err(e) => Err(node.fault(Text::new(format!("example: {e}"), format!("示例：{e}")), Text::default())),
    })
}
