//! The examples inside a rule: rows on which it must fire, rows on which it must not.
//!
//! An example is a list of rows; `hit` and `miss` hold one example or a list of them. A row is written as
//! `{record: opening, ts: ..., field: value}`. `times: 12` with `every: 5m` repeats it; `{n}` in a text stands for
//! the number of the repeat.

use serde_json::{Map, Value as Json};
use suyuan_model::outcome::Text;
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

use crate::error::Spot;
use crate::rule::correlation::span;
use crate::yaml::{Node, Value, unknown};

/// Rows of an example, by kind, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    rows: Vec<(Kind, Json)>,
}

impl Example {
    /// The rows as a source.
    pub fn source(&self) -> MemorySource {
        let mut source = MemorySource::default();
        for kind in Kind::ALL {
            let rows: Vec<Json> =
                self.rows.iter().filter(|(k, _)| k == kind).map(|(_, r)| r.clone()).collect();
            if !rows.is_empty() {
                let batch =
                    fixture::batch(*kind, &rows).expect("an example's rows were read when its rule was");
                source.push(*kind, batch);
            }
        }
        source
    }

    /// The rows, in the order of the file.
    pub fn rows(&self) -> &[(Kind, Json)] {
        &self.rows
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
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
        for n in 0..times {
            out.rows.push((kind, row(node, n, every, out.rows.len())?));
        }
        let last = out.rows.last().map(|r| r.1.clone()).unwrap_or_default();
        lasts.push((kind, node, last));
    }
    read(&lasts)?;
    Ok(out)
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

fn row(node: &Node, n: i64, every: i64, seq: usize) -> Result<Json, Spot> {
    let Json::Object(given) = node.json() else { return Err(node.wants("a row", "一行记录")) };
    let mut row = Map::new();
    for (k, v) in given {
        match (k.as_str(), v) {
            ("record" | "times" | "every", _) => {}
            (_, Json::String(t)) => {
                row.insert(k, Json::String(t.replace("{n}", &(n + 1).to_string())));
            }
            (_, v) => {
                row.insert(k, v);
            }
        }
    }
    for k in ["ts", "captured_at", "until"] {
        if let Some(at) = row.get(k).and_then(Json::as_str).and_then(time::parse) {
            row.insert(k.to_owned(), Json::String(time::format(at + n * every)));
        }
    }
    row.entry("seq").or_insert_with(|| Json::from(seq as i64 + 1));
    Ok(Json::Object(row))
}
