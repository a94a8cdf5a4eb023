//! The open schema: Sigma rules over log sources that are none of our record kinds, over events as they come.
//!
//! A field is whatever the event has under that name: a key, or a dotted path through objects and lists (`a.b` is also
//! found as a key `a.b`). A list of values matches when one of them does. Numbers and texts are compared by what they
//! say: `EventID: 4688` finds `4688` and `"4688"`. An event of the Windows log (`{"Event": {"System": ..}}`) is read
//! by its flat names: `EventID`, `Provider_Name`, and the names of its data. A name with spaces is found without them as
//! well, as Sigma writes it. Keywords are looked for in every value.
//!
//! Events become Arrow batches of text columns and run through the same kernels as our records.
//!
//! Invariants: an event's match depends on that event alone; an absent field answers nothing but `null` and
//! `exists: false`. Blind to: the log source. The caller decides which events a rule is asked of.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_schema::{Field, Schema as ArrowSchema};
use serde_json::{Map, Value as Json};
use suyuan_model::outcome::Text;

use crate::error::{Fault, Spot};
use crate::field::Ty;
use crate::kernel::{Bitmap, Columns, Test};
use crate::rule::modifier::Given;
use crate::rule::selection::{self, Schema};
use crate::rule::{Expr, Leaf, condition};
use crate::view::{Col, Slot};
use crate::yaml::{self, Node, Value};

/// What a rule says of the log it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSource {
    /// `category`.
    pub category: Option<String>,
    /// `product`.
    pub product: Option<String>,
    /// `service`.
    pub service: Option<String>,
}

impl LogSource {
    pub(crate) fn parse(doc: &Node) -> Result<LogSource, Spot> {
        let n = doc.need("logsource")?;
        n.map()?;
        let of = |k: &str| n.get(k).filter(|v| v.value != Value::Null).map(Node::text).transpose();
        let source =
            LogSource { category: of("category")?, product: of("product")?, service: of("service")? };
        if source == LogSource::default() {
            return Err(n.fault(
                Text::new("the log source is empty", "日志来源为空"),
                Text::new("name a category, a product or a service", "请写明category、product或service"),
            ));
        }
        Ok(source)
    }

    /// Whether everything that this one names is so in the other.
    pub fn covers(&self, other: &LogSource) -> bool {
        let fits = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
        fits(&self.category, &other.category)
            && fits(&self.product, &other.product)
            && fits(&self.service, &other.service)
    }
}

/// What of an event a leaf asks.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Named(String),
    /// Whether the key is there, be it null.
    Key(String),
    Everything,
}

/// A rule over events of any schema.
#[derive(Clone, Debug)]
pub struct OpenRule {
    /// Its file, as named by whoever loaded it.
    pub path: String,
    /// The `id` it bears.
    pub id: Option<String>,
    /// The `name` it bears.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// Its level, as written.
    pub level: Option<String>,
    /// The log it reads.
    pub source: LogSource,
    /// Events on which it must fire.
    pub hits: Vec<Json>,
    /// Events on which it must not.
    pub misses: Vec<Json>,
    fields: Vec<Asked>,
    leaves: Vec<Leaf<usize>>,
    expr: Expr,
}

struct Names<'f>(&'f mut Vec<Asked>);

impl Names<'_> {
    fn at(&mut self, asked: Asked) -> usize {
        self.0.iter().position(|a| *a == asked).unwrap_or_else(|| {
            self.0.push(asked);
            self.0.len() - 1
        })
    }
}

impl Schema for Names<'_> {
    type Field = usize;
    fn field(&mut self, _: &Node, name: &str) -> Result<(usize, Ty), Spot> {
        Ok((self.at(Asked::Named(name.to_owned())), Ty::Any))
    }
    fn texts(&mut self) -> Vec<(usize, String)> {
        vec![(self.at(Asked::Everything), String::new())]
    }
    fn stored(&self, _: &usize) -> bool {
        true
    }
    fn presence(&mut self, field: &usize) -> usize {
        match self.0[*field].clone() {
            Asked::Named(name) => self.at(Asked::Key(name)),
            _ => *field,
        }
    }
}

impl OpenRule {
    /// Reads a file of rules, one a document.
    pub fn parse(path: &str, text: &str) -> Result<Vec<OpenRule>, Box<Fault>> {
        yaml::parse(text)
            .and_then(|docs| docs.iter().map(|d| OpenRule::build(path, d)).collect())
            .map_err(|s: Spot| Box::new(s.in_file(path)))
    }

    pub(crate) fn build(path: &str, doc: &Node) -> Result<OpenRule, Spot> {
        if let Some(n) = doc.get("correlation").or_else(|| doc.get("action")) {
            return Err(n.fault(
                Text::new(
                    "correlations are counted over our record kinds only",
                    "关联仅支持本系统的记录类型",
                ),
                Text::new(
                    "map the log to a record kind, and write `logsource: {product: suyuan, service: KIND}`",
                    "请先将日志映射为记录类型，再写“logsource: {product: suyuan, service: 类型}”",
                ),
            ));
        }
        let optional = |k: &str| doc.get(k).map(Node::text).transpose();
        let ours = doc.get("suyuan");
        if let Some(b) = ours {
            b.only(&["zone", "placeholders", "hit", "miss", "note", "title_zh", "description_zh"])?;
        }
        let given = Given::parse(ours)?;
        let events = |k: &str| -> Result<Vec<Json>, Spot> {
            let Some(n) = ours.and_then(|b| b.get(k)) else { return Ok(Vec::new()) };
            Ok(n.list()?.iter().map(Node::json).collect())
        };
        let block = doc.need("detection")?;
        let (mut fields, mut leaves) = (Vec::new(), Vec::new());
        let list =
            selection::selections(block, &["condition"], &mut Names(&mut fields), &given, &mut leaves)?;
        let expr = condition::parse(block.need("condition")?, &list)?;
        Ok(OpenRule {
            path: path.to_owned(),
            id: optional("id")?,
            name: optional("name")?,
            title: doc.need("title")?.text()?,
            level: optional("level")?,
            source: LogSource::parse(doc)?,
            hits: events("hit")?,
            misses: events("miss")?,
            fields,
            leaves,
            expr,
        })
    }

    /// Adds a filter's selections: what they say must hold as well.
    pub(crate) fn narrow(&mut self, filter: &Node, given: &Given) -> Result<(), Spot> {
        let mut names = Names(&mut self.fields);
        let beside = ["condition", "rules"];
        let list = selection::selections(filter, &beside, &mut names, given, &mut self.leaves)?;
        let kept = condition::exclusion(filter.need("condition")?, &list)?;
        let old = std::mem::replace(&mut self.expr, Expr::All(Vec::new()));
        self.expr = Expr::All(vec![old, kept]);
        Ok(())
    }

    /// The names of the fields it asks; a keyword search has none.
    pub fn fields(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .fields
            .iter()
            .filter_map(|a| match a {
                Asked::Named(n) | Asked::Key(n) => Some(n.as_str()),
                Asked::Everything => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Which of the events match, in their order.
    pub fn matches(&self, events: &Events) -> Vec<bool> {
        let batch = events.batch(&self.fields);
        let cols = (0..self.fields.len()).map(|i| Col::bind(&batch, &column(i))).collect();
        let table = Table { cols, len: events.list.len() };
        let bits = self.holds(&self.expr, &table);
        (0..table.len).map(|i| bits.get(i)).collect()
    }

    fn holds(&self, e: &Expr, table: &Table) -> Bitmap {
        match e {
            Expr::Leaf(i) => {
                let leaf = &self.leaves[*i];
                let test = match leaf.same_as {
                    Some((other, how)) => &Test::Same(slot(other), how),
                    None => &leaf.test,
                };
                test.over(table, slot(leaf.field))
            }
            Expr::Not(e) => {
                let mut b = self.holds(e, table);
                b.flip();
                b
            }
            Expr::All(list) => {
                let mut b = Bitmap::filled(table.len, true);
                list.iter().for_each(|e| b.and(&self.holds(e, table)));
                b
            }
            Expr::Any(list) => {
                let mut b = Bitmap::filled(table.len, false);
                list.iter().for_each(|e| b.or(&self.holds(e, table)));
                b
            }
        }
    }
}

/// Which of these events match a rule, in their order. For many rules over the same events, make [`Events`] once.
pub fn matches(rule: &OpenRule, events: &[Json]) -> Vec<bool> {
    rule.matches(&Events::new(events))
}

fn slot(i: usize) -> Slot {
    // INVARIANT: a rule has fewer than 20,000 nodes, so fewer fields than a slot can number.
    Slot(i as u16)
}

fn column(i: usize) -> String {
    format!("c{i}")
}

struct Table {
    cols: Vec<Col>,
    len: usize,
}

impl Columns for Table {
    fn len(&self) -> usize {
        self.len
    }
    fn col(&self, slot: Slot) -> &Col {
        &self.cols[slot.0 as usize]
    }
}

/// Events made ready for any rule.
#[derive(Clone, Debug)]
pub struct Events {
    list: Vec<Json>,
}

impl Events {
    /// From JSON values; a bare text is an event that only keywords can find.
    pub fn new(events: &[Json]) -> Events {
        let mut list: Vec<Json> = events.iter().map(flat).collect();
        list.iter_mut().for_each(close);
        Events { list }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn batch(&self, fields: &[Asked]) -> RecordBatch {
        let arrays: Vec<ArrayRef> = fields.iter().map(|f| self.array(f)).collect();
        let schema = arrays
            .iter()
            .enumerate()
            .map(|(i, a)| Field::new(column(i), a.data_type().clone(), true))
            .collect::<Vec<_>>();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.list.len()));
        RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(schema)), arrays, &options)
            .expect("every column has one value an event")
    }

    fn array(&self, asked: &Asked) -> ArrayRef {
        let cells: Vec<Option<Vec<String>>> = match asked {
            Asked::Key(name) => {
                let there = self.list.iter().map(|e| {
                    let mut found = Found::default();
                    find(e, name, &mut found);
                    found.key.then_some(true)
                });
                return Arc::new(there.collect::<BooleanArray>());
            }
            Asked::Named(name) => self
                .list
                .iter()
                .map(|e| {
                    let mut found = Found::default();
                    find(e, name, &mut found);
                    found.value.then_some(found.texts)
                })
                .collect(),
            Asked::Everything => self
                .list
                .iter()
                .map(|e| {
                    let mut all = Vec::new();
                    texts(e, &mut all);
                    Some(all)
                })
                .collect(),
        };
        if cells.iter().flatten().all(|c| c.len() == 1) {
            let one = cells.iter().map(|c| c.as_ref().map(|c| c[0].as_str()));
            return Arc::new(one.collect::<StringArray>());
        }
        let mut list = ListBuilder::new(StringBuilder::new());
        for c in cells {
            match c {
                Some(c) => list.append_value(c.iter().map(Some)),
                None => list.append_null(),
            }
        }
        Arc::new(list.finish())
    }
}

#[derive(Default)]
struct Found {
    /// The key is there.
    key: bool,
    /// And holds something.
    value: bool,
    texts: Vec<String>,
}

impl Found {
    fn add(&mut self, v: &Json) {
        self.key = true;
        match v {
            Json::Null => {}
            Json::Array(list) => {
                self.value = true;
                list.iter().for_each(|v| self.add(v));
            }
            Json::Object(_) => self.value = true,
            scalar => {
                self.value = true;
                self.texts.push(text_of(scalar));
            }
        }
    }
}

fn text_of(v: &Json) -> String {
    match v {
        Json::String(t) => t.clone(),
        other => other.to_string(),
    }
}

/// By key, else by the path that the dots spell; through lists.
fn find(v: &Json, name: &str, found: &mut Found) {
    match v {
        Json::Object(map) => {
            if let Some(v) = map.get(name) {
                return found.add(v);
            }
            for (i, _) in name.match_indices('.') {
                if let Some(v) = map.get(&name[..i]) {
                    find(v, &name[i + 1..], found);
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|v| find(v, name, found)),
        _ => {}
    }
}

/// Every value, as text.
fn texts(v: &Json, out: &mut Vec<String>) {
    match v {
        Json::Null => {}
        Json::Object(map) => map.values().for_each(|v| texts(v, out)),
        Json::Array(list) => list.iter().for_each(|v| texts(v, out)),
        scalar => out.push(text_of(scalar)),
    }
}

/// An event of the Windows log by its flat names; any other as it is.
fn flat(event: &Json) -> Json {
    let Some(inner) = event.get("Event").and_then(Json::as_object) else { return event.clone() };
    if event.as_object().is_some_and(|m| m.len() > 1) {
        return event.clone();
    }
    let mut out = Map::new();
    for (part, v) in inner {
        match (part.as_str(), v) {
            ("#attributes", _) => {}
            ("System", Json::Object(map)) => map.iter().for_each(|(k, v)| attributes(k, v, &mut out)),
            ("EventData" | "UserData", Json::Object(map)) => {
                map.iter().for_each(|(k, v)| data(k, v, &mut out));
            }
            (k, v) => {
                out.insert(k.to_owned(), v.clone());
            }
        }
    }
    Json::Object(out)
}

/// Puts a value named `Threat Name` under `ThreatName` too: rules take names from the log and strip all spaces. To keywords
/// it is the same value twice.
fn close(v: &mut Json) {
    match v {
        Json::Object(map) => {
            map.values_mut().for_each(close);
            let spaced: Vec<String> = map.keys().filter(|k| k.contains(' ')).cloned().collect();
            for name in spaced {
                let held = map[&name].clone();
                map.entry(name.replace(' ', "")).or_insert(held);
            }
        }
        Json::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// `<Provider Name="x">` is `Provider_Name`.
fn attributes(name: &str, v: &Json, out: &mut Map<String, Json>) {
    let Json::Object(map) = v else {
        out.insert(name.to_owned(), v.clone());
        return;
    };
    for (k, v) in map {
        match (k.as_str(), v) {
            ("#attributes", Json::Object(list)) => {
                list.iter().for_each(|(a, v)| {
                    out.insert(format!("{name}_{a}"), v.clone());
                });
            }
            ("#text", v) => {
                out.insert(name.to_owned(), v.clone());
            }
            (k, v) => {
                out.insert(format!("{name}_{k}"), v.clone());
            }
        }
    }
}

/// The values of a body, whatever element they are wrapped in.
fn data(name: &str, v: &Json, out: &mut Map<String, Json>) {
    match v {
        Json::Object(map) if name != "#attributes" => map.iter().for_each(|(k, v)| data(k, v, out)),
        Json::Object(_) => {}
        v => {
            out.insert(name.to_owned(), v.clone());
        }
    }
}
