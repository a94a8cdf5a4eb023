//! YAML as a tree in which every node knows its line and column.
//!
//! Limits: 1 MB of text, 20,000 nodes, 32 levels; aliases are refused (a rule needs none, and they are
//! the way a small file becomes a large one). A key twice in one mapping is an error.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};
use suyuan_model::outcome::Text;

use crate::error::{Spot, nearest};

const MAX_BYTES: usize = 1_000_000;
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;

/// A node and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub line: usize,
    pub column: usize,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    List(Vec<Node>),
    /// Keys in the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// A fault at this node.
    pub fn fault(&self, what: Text, remedy: Text) -> Spot {
        Spot { line: self.line, column: self.column, what, remedy }
    }
    pub fn wants(&self, en: &str, zh: &str) -> Spot {
        self.fault(Text::new(format!("expected {en}"), format!("此处应为{zh}")), Text::new("", ""))
    }
    pub fn map(&self) -> Result<&[(Node, Node)], Spot> {
        match &self.value {
            Value::Map(m) => Ok(m),
            _ => Err(self.wants("a mapping", "映射")),
        }
    }
    pub fn list(&self) -> Result<&[Node], Spot> {
        match &self.value {
            Value::List(l) => Ok(l),
            _ => Err(self.wants("a list", "列表")),
        }
    }
    /// A list, or one node as a list of one.
    pub fn one_or_more(&self) -> &[Node] {
        match &self.value {
            Value::List(l) => l,
            _ => std::slice::from_ref(self),
        }
    }
    /// The text of a scalar.
    pub fn text(&self) -> Result<String, Spot> {
        self.as_text().ok_or_else(|| self.wants("a text", "文本"))
    }
    pub fn as_text(&self) -> Option<String> {
        Some(match &self.value {
            Value::Text(t) => t.clone(),
            Value::Int(i) => i.to_string(),
            Value::Real(r) => r.to_string(),
            Value::Bool(b) => b.to_string(),
            _ => return None,
        })
    }
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(m) => {
                m.iter().find(|(k, _)| matches!(&k.value, Value::Text(t) if t == key)).map(|x| &x.1)
            }
            _ => None,
        }
    }
    /// The node under `key`, which must be there.
    pub fn need(&self, key: &str) -> Result<&Node, Spot> {
        self.get(key).ok_or_else(|| {
            self.fault(
                Text::new(format!("`{key}` is missing"), format!("缺少“{key}”")),
                Text::new(format!("add `{key}:` here"), format!("请在此处加上“{key}:”")),
            )
        })
    }
    /// Refuses keys that are not among `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), Spot> {
        for (k, _) in self.map()? {
            let name = k.text()?;
            if !known.contains(&name.as_str()) {
                return Err(unknown(k, "key", "键", &name, known.iter().copied()));
            }
        }
        Ok(())
    }
    /// The node as JSON (for the rows of examples).
    pub fn json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match &self.value {
            Value::Null => J::Null,
            Value::Bool(b) => J::Bool(*b),
            Value::Int(i) => J::from(*i),
            Value::Real(r) => J::from(*r),
            Value::Text(t) => J::String(t.clone()),
            Value::List(l) => J::Array(l.iter().map(Node::json).collect()),
            Value::Map(m) => {
                J::Object(m.iter().map(|(k, v)| (k.as_text().unwrap_or_default(), v.json())).collect())
            }
        }
    }
}

/// "unknown X `name`", with the nearest name or the names there are.
pub(crate) fn unknown<'a>(
    at: &Node,
    en: &str,
    zh: &str,
    name: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Spot {
    let remedy = match nearest(name, names.clone()) {
        Some(n) => Text::new(format!("did you mean `{n}`?"), format!("是否为“{n}”？")),
        None => {
            let mut all: Vec<&str> = names.into_iter().collect();
            all.sort_unstable();
            all.dedup();
            Text::new(format!("there are: {}", all.join(", ")), format!("可用：{}", all.join("、")))
        }
    };
    at.fault(Text::new(format!("unknown {en} `{name}`"), format!("未知的{zh}“{name}”")), remedy)
}

/// The documents of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Spot> {
    let at = |line, column, en: &str, zh: &str| Spot {
        line,
        column,
        what: Text::new(en, zh),
        remedy: Text::default(),
    };
    if text.len() > MAX_BYTES {
        return Err(at(1, 1, "the file is longer than 1 MB", "文件超过1 MB"));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0 };
    let mut docs = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(docs),
            Event::DocumentStart(..) => {
                let (event, span) = reader.next()?;
                docs.push(reader.node(event, span, 0)?);
            }
            Event::StreamStart | Event::DocumentEnd | Event::Comment(..) => {}
            _ => return Err(at(span.start.line(), span.start.col() + 1, "unexpected content", "意外的内容")),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Spot> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(e)) => return Ok(e),
                Some(Err(e)) => {
                    let m = e.marker();
                    return Err(Spot {
                        line: m.line(),
                        column: m.col() + 1,
                        what: Text::new(format!("not YAML: {e}"), format!("不是有效的YAML：{e}")),
                        remedy: Text::default(),
                    });
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Spot> {
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let node = |value| Node { line, column, value };
        let refuse =
            |en: &str, zh: &str| Err(Spot { line, column, what: Text::new(en, zh), remedy: Text::default() });
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return refuse("the file is nested too deep or too large", "文件嵌套过深或过大");
        }
        Ok(match event {
            Event::Scalar(text, style, ..) => node(scalar(&text, style)),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => return Ok(node(Value::List(list))),
                        (e, s) => list.push(self.node(e, s, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut map: Vec<(Node, Node)> = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => return Ok(node(Value::Map(map))),
                        (e, s) => {
                            let mut key = self.node(e, s, depth + 1)?;
                            if let Some(t) = key.as_text() {
                                key.value = Value::Text(t);
                            }
                            if map.iter().any(|(k, _)| k.value == key.value) {
                                return Err(key.fault(
                                    Text::new("this key stands here twice", "此键重复"),
                                    Text::new("keep one of them", "请只保留一个"),
                                ));
                            }
                            let (e, s) = self.next()?;
                            let value = self.node(e, s, depth + 1)?;
                            map.push((key, value));
                        }
                    }
                }
            }
            Event::Alias(_) => {
                return refuse("aliases (`*name`) are not allowed in rules", "规则中不允许使用别名（*name）");
            }
            _ => return refuse("a value is missing here", "此处缺少值"),
        })
    }
}

/// The YAML 1.2 core schema for plain scalars; quoted ones are text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    // `007` stays text: it is an id, not the number seven.
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && !(digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."));
    if number {
        if let Ok(i) = text.parse::<i64>() {
            return Value::Int(i);
        }
        // Digits beyond a whole number are an id, such as a card's; as a measured number they would lose their end.
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            return Value::Text(text.to_owned());
        }
        if digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
            && let Ok(r) = text.parse::<f64>()
        {
            return Value::Real(r);
        }
    }
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_place() {
        let docs = parse("a: 1\nb:\n  - x\n  - {c: '2', d: 007}\n---\ne: null\n").unwrap();
        let b = docs[0].get("b").unwrap().list().unwrap();
        assert_eq!((b[1].line, b[1].column), (4, 5));
        assert_eq!(b[1].get("c").unwrap().value, Value::Text("2".into()));
        assert_eq!(b[1].get("d").unwrap().value, Value::Text("007".into()));
        assert_eq!(docs[1].get("e").unwrap().value, Value::Null);
    }

    #[test]
    fn bombs_and_repeats_are_refused() {
        assert!(parse("a: &x [1]\nb: *x\n").unwrap_err().what.en.contains("aliases"));
        assert_eq!(parse("a: 1\na: 2\n").unwrap_err().line, 2);
        assert!(parse(&"[".repeat(100)).is_err());
        assert!(parse("a: [1\n").is_err());
    }
}
