//! A folder of rules: ours, those of other log sources, and filters, told apart by what they say.

use suyuan_model::outcome::Text;

use crate::error::Fault;
use crate::open::OpenRule;
use crate::rule::filter::{self, Filter, Named};
use crate::rule::{Rule, RuleSet, hash_of};
use crate::yaml::{self, Node};

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Folder {
    /// Rules over our record kinds.
    pub ours: RuleSet,
    /// Rules over events of any schema.
    pub open: Vec<OpenRule>,
    /// How many filters were put on them.
    pub filters: usize,
    /// What is wrong, in the order of the files; the sound rules are there all the same.
    pub faults: Vec<Fault>,
}

impl Folder {
    /// Reads files: path (relative to the folder) and text.
    pub fn load(files: impl Iterator<Item = (String, String)>) -> Folder {
        let mut folder = Folder::default();
        let (mut named, mut filters) = (Vec::new(), Vec::new());
        for (path, text) in files {
            if let Err(f) = read(&path, &text, &mut named, &mut folder.open, &mut filters) {
                folder.faults.push(*f);
            }
        }
        for f in &filters {
            folder.faults.extend(f.apply(&mut named, &mut folder.open));
        }
        folder.filters = filters.len();
        folder.ours = RuleSet::of(named.into_iter().flat_map(|n| n.rule.apart()).collect());
        folder.open.sort_by(|a, b| a.path.cmp(&b.path));
        folder
    }
}

fn read(
    path: &str,
    text: &str,
    named: &mut Vec<Named>,
    open: &mut Vec<OpenRule>,
    filters: &mut Vec<Filter>,
) -> Result<(), Box<Fault>> {
    let docs = yaml::parse(text).map_err(|s| Box::new(s.in_file(path)))?;
    if docs.iter().any(|d| d.get("schemes").is_some()) {
        return Ok(()); // The list of schemes lies beside the rules.
    }
    if docs.iter().any(|d| d.get("filter").is_some()) {
        let hash = hash_of(text);
        for d in &docs {
            filters.push(Filter::parse(path, &hash, d).map_err(|s| Box::new(s.in_file(path)))?);
        }
    } else if docs.iter().any(is_ours) || docs.is_empty() {
        let rule = Rule::parse(path, text)?;
        if named.iter().any(|n| n.rule.id == rule.id) {
            let what = Text::new(
                format!("there are two rules `{}`", rule.id),
                format!("有两条规则名为“{}”", rule.id),
            );
            let remedy = Text::new("give the file another name", "请更改文件名");
            return Err(Box::new(Fault { file: path.to_owned(), line: 1, column: 1, what, remedy }));
        }
        named.push(Named { names: filter::names(&rule.id, &docs), rule });
    } else {
        for d in &docs {
            open.push(OpenRule::build(path, d).map_err(|s| Box::new(s.in_file(path)))?);
        }
    }
    Ok(())
}

fn is_ours(doc: &Node) -> bool {
    let product = doc.get("logsource").and_then(|s| s.get("product")).and_then(Node::as_text);
    product.as_deref() == Some("suyuan") || doc.get("suyuan").is_some_and(|b| b.get("scheme").is_some())
}
