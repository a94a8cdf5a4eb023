//! Sigma filters: documents that take the same accepted thing out of many rules.
//!
//! A filter names rules (`rules: [...]`, or `any`) and adds "and not" to them. Its condition is read as pySigma reads it
//! (`not selection` stays) and as the specification's example writes it (`selection` goes); see `condition::exclusion`.
//! A filter applies to detections of its own log source. Invariant: a filter only takes matches away.

use suyuan_model::outcome::Text;

use crate::error::{Fault, Spot};
use crate::open::{LogSource, OpenRule};
use crate::rule::modifier::Given;
use crate::rule::{Rule, detection};
use crate::yaml::{Node, Value, unknown};

/// A filter and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub path: String,
    /// The hash of its file.
    pub hash: String,
    doc: Node,
    /// `None`: all rules of the log source.
    rules: Option<Vec<(String, Node)>>,
}

/// A rule of ours with all the names it goes by.
pub(crate) struct Named {
    pub names: Vec<String>,
    pub rule: Rule,
}

/// The names of a rule's documents.
pub(crate) fn names(id: &str, docs: &[Node]) -> Vec<String> {
    let of = |k: &'static str| docs.iter().filter_map(move |d| d.get(k).and_then(Node::as_text));
    std::iter::once(id.to_owned()).chain(of("id")).chain(of("name")).collect()
}

impl Filter {
    pub fn parse(path: &str, hash: &str, doc: &Node) -> Result<Filter, Spot> {
        doc.need("title")?;
        let block = doc.need("filter")?;
        block.need("condition")?;
        let n = block.need("rules")?;
        let word = n.as_text().map(|t| t.to_lowercase());
        let rules = match (&n.value, word.as_deref()) {
            (_, Some("any" | "all")) => None,
            (Value::List(l), _) if l.is_empty() => None,
            _ => Some(n.one_or_more().iter().map(|r| Ok((r.text()?, r.clone()))).collect::<Result<_, _>>()?),
        };
        Ok(Filter { path: path.to_owned(), hash: hash.to_owned(), doc: doc.clone(), rules })
    }

    fn wants(&self, names: &[String]) -> bool {
        self.rules.as_ref().is_none_or(|list| list.iter().any(|(r, _)| names.contains(r)))
    }

    fn given(&self) -> Result<Given, Spot> {
        Given::parse(self.doc.get("suyuan"))
    }

    /// Narrows the rules it names; all of its faults are told.
    pub fn apply(&self, ours: &mut [Named], open: &mut [OpenRule]) -> Vec<Fault> {
        let mut faults: Vec<Spot> = self.missing(ours, open);
        let product = self.doc.get("logsource").and_then(|n| n.get("product")).and_then(Node::as_text);
        let done = if product.as_deref() == Some("suyuan") { self.ours(ours) } else { self.open(open) };
        faults.extend(done.err());
        faults.into_iter().map(|s| s.in_file(&self.path)).collect()
    }

    fn missing(&self, ours: &[Named], open: &[OpenRule]) -> Vec<Spot> {
        let all: Vec<String> =
            ours.iter().flat_map(|n| n.names.clone()).chain(open.iter().flat_map(open_names)).collect();
        let list = self.rules.iter().flatten().filter(|(r, _)| !all.contains(r));
        list.map(|(r, n)| unknown(n, "rule", "规则", r, all.iter().map(String::as_str))).collect()
    }

    fn ours(&self, rules: &mut [Named]) -> Result<(), Spot> {
        let kind = detection::kind(&self.doc)?;
        let (given, block) = (self.given()?, self.doc.need("filter")?);
        for n in rules.iter_mut().filter(|n| self.wants(&n.names)) {
            let derive = n.rule.derive.clone();
            let mut touched = false;
            for d in n.rule.detections.iter_mut().filter(|d| d.kind == kind) {
                d.narrow(block, &derive, &given)?;
                touched = true;
            }
            if touched {
                n.rule.hash = crate::rule::hash_of(&format!("{} {}", n.rule.hash, self.hash));
            } else if self.rules.is_some() {
                return Err(self.elsewhere(&n.rule.id));
            }
        }
        Ok(())
    }

    fn open(&self, rules: &mut [OpenRule]) -> Result<(), Spot> {
        let source = LogSource::parse(&self.doc)?;
        let (given, block) = (self.given()?, self.doc.need("filter")?);
        for r in rules.iter_mut().filter(|r| self.wants(&open_names(r))) {
            if source.covers(&r.source) {
                r.narrow(block, &given)?;
            } else if self.rules.is_some() {
                return Err(self.elsewhere(&r.title));
            }
        }
        Ok(())
    }

    fn elsewhere(&self, rule: &str) -> Spot {
        self.doc.get("logsource").unwrap_or(&self.doc).fault(
            Text::new(
                format!("the rule `{rule}` reads another log than this filter"),
                format!("规则“{rule}”读取的日志与此过滤器不同"),
            ),
            Text::new("write the rule's log source here", "请写该规则的logsource"),
        )
    }
}

fn open_names(r: &OpenRule) -> Vec<String> {
    let path = r.path.trim_end_matches(".yml").trim_end_matches(".yaml").to_owned();
    [Some(path), r.id.clone(), r.name.clone()].into_iter().flatten().collect()
}
