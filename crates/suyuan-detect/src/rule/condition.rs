//! The `condition` of a detection: `and`, `or`, `not`, parentheses, `1 of sel_*`, `all of them`; a list is "or".
//!
//! Precedence as in Sigma: `x of` binds most, then `not`, `and`, `or`. Names that begin with `_` are left out of `them`
//! and of patterns that do not begin so themselves.
//!
//! Limits, since a few words can stand for much: 10,000 parts after all names are put in, 64 levels.

use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::pattern::{Pattern, Piece, pieces};
use crate::rule::Expr;
use crate::rule::selection::any;
use crate::yaml::{Node, Value, unknown};

/// Parts of a condition, names put in.
const MAX_PARTS: usize = 10_000;
/// Parentheses and `not`s within each other.
const MAX_LEVELS: usize = 64;

/// Reads a condition over the named selections.
pub(crate) fn parse(node: &Node, selections: &[(String, Expr)]) -> Result<Expr, Spot> {
    let mut parts = 0;
    let list = node.one_or_more().iter().map(|n| one(n, selections, &mut parts).map(|r| r.0));
    let list = list.collect::<Result<Vec<_>, _>>()?;
    if list.is_empty() {
        return Err(node.wants("a condition", "条件"));
    }
    Ok(any(list))
}

/// Reads a filter's condition as what it leaves over. Two ways of writing are about: `not selection` says what
/// stays, `selection` what goes. Both only take matches away; a mixture is refused, since it could mean either.
pub(crate) fn exclusion(node: &Node, selections: &[(String, Expr)]) -> Result<Expr, Spot> {
    if matches!(node.value, Value::List(_)) {
        return Err(node.wants("one condition, not a list", "单个条件，而非列表"));
    }
    let (e, negations) = one(node, selections, &mut 0)?;
    match (negations, &e) {
        (0, _) => Ok(Expr::Not(Box::new(e))),
        (1, Expr::Not(_)) => Ok(e),
        _ => Err(node.fault(
            Text::new("it is not clear what this filter takes away", "无法判断此过滤器排除什么"),
            Text::new(
                "write `not selection`, or `not (a or b)`, with one `not` at the beginning",
                "写作“not selection”或“not (a or b)”，仅在开头用一个not",
            ),
        )),
    }
}

fn one(node: &Node, selections: &[(String, Expr)], parts: &mut usize) -> Result<(Expr, usize), Spot> {
    let text = node.text()?;
    let mut p = Parser { node, tokens: tokens(&text), at: 0, selections, parts, level: 0, negations: 0 };
    if text.contains('|') {
        return Err(node.fault(
            Text::new("condition: counting after `|` is of an older Sigma", "条件：“|”后的统计属于旧版Sigma"),
            Text::new(
                "write a correlation with `type: event_count`",
                "请改写为type: event_count的correlation",
            ),
        ));
    }
    let e = p.or()?;
    match p.peek() {
        None => Ok((e, p.negations)),
        Some(t) => Err(p.fault(&format!("`{t}` is not expected here"), &format!("此处不应出现“{t}”"))),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Parser<'a> {
    node: &'a Node,
    tokens: Vec<String>,
    at: usize,
    selections: &'a [(String, Expr)],
    parts: &'a mut usize,
    level: usize,
    negations: usize,
}

fn size(e: &Expr) -> usize {
    match e {
        Expr::Leaf(_) => 1,
        Expr::Not(e) => 1 + size(e),
        Expr::All(list) | Expr::Any(list) => 1 + list.iter().map(size).sum::<usize>(),
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }
    fn take(&mut self, word: &str) -> bool {
        let hit = self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }
    fn fault(&self, en: &str, zh: &str) -> Spot {
        self.node.fault(
            Text::new(format!("condition: {en}"), format!("条件：{zh}")),
            Text::new(
                "write it as `a and not (b or c)`, `1 of sel_*` or `all of them`",
                "写法如“a and not (b or c)”“1 of sel_*”“all of them”",
            ),
        )
    }
    fn or(&mut self) -> Result<Expr, Spot> {
        let mut list = vec![self.and()?];
        while self.take("or") {
            list.push(self.and()?);
        }
        Ok(any(list))
    }
    fn and(&mut self) -> Result<Expr, Spot> {
        let mut all = vec![self.not()?];
        while self.take("and") {
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::All(all) })
    }
    /// One level deeper.
    fn within<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Spot>) -> Result<T, Spot> {
        self.level += 1;
        if self.level > MAX_LEVELS {
            return Err(self.fault("nested too deep", "嵌套过深"));
        }
        let out = f(self)?;
        self.level -= 1;
        Ok(out)
    }
    fn not(&mut self) -> Result<Expr, Spot> {
        if self.take("not") {
            self.negations += 1;
            return Ok(Expr::Not(Box::new(self.within(Self::not)?)));
        }
        if self.take("(") {
            let e = self.within(Self::or)?;
            return if self.take(")") { Ok(e) } else { Err(self.fault("`)` is missing", "缺少右括号")) };
        }
        let Some(word) = self.peek().map(str::to_owned) else {
            return Err(self.fault("it ends too early", "条件不完整"));
        };
        self.at += 1;
        let all = match word.to_ascii_lowercase().as_str() {
            "1" | "any" => false,
            "all" => true,
            _ => return self.named(&word),
        };
        if !self.take("of") {
            return Err(self.fault("`of` is missing", "缺少of"));
        }
        let Some(pattern) = self.peek().map(str::to_owned) else {
            return Err(self.fault("it ends too early", "条件不完整"));
        };
        self.at += 1;
        self.group(all, &pattern)
    }
    fn put(&mut self, e: &Expr) -> Result<Expr, Spot> {
        *self.parts += size(e);
        if *self.parts > MAX_PARTS {
            return Err(self.fault("it stands for too many parts", "条件展开后过大"));
        }
        Ok(e.clone())
    }
    fn group(&mut self, all: bool, pattern: &str) -> Result<Expr, Spot> {
        let them = pattern.eq_ignore_ascii_case("them");
        let wanted = Pattern::new(if them { vec![Piece::Any] } else { pieces(pattern) }, true);
        let hidden = |name: &str| name.starts_with('_') && !pattern.starts_with('_');
        let selections = self.selections;
        let mut chosen = Vec::new();
        for (name, e) in selections {
            if wanted.is(name) && !hidden(name) {
                chosen.push(self.put(e)?);
            }
        }
        if chosen.is_empty() {
            return Err(self.unknown(pattern));
        }
        Ok(match (chosen.len(), all) {
            (1, _) => chosen.remove(0),
            (_, true) => Expr::All(chosen),
            (_, false) => Expr::Any(chosen),
        })
    }
    fn unknown(&self, name: &str) -> Spot {
        unknown(self.node, "selection", "选择项", name, self.selections.iter().map(|s| s.0.as_str()))
    }
    fn named(&mut self, word: &str) -> Result<Expr, Spot> {
        let selections = self.selections;
        match selections.iter().find(|(name, _)| name == word) {
            Some((_, e)) => self.put(e),
            None => Err(self.unknown(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let names = ["a", "b_1", "b_2", "_c"];
        let selections: Vec<(String, Expr)> =
            names.iter().enumerate().map(|(i, n)| ((*n).to_owned(), Expr::Leaf(i))).collect();
        let node = Node { line: 1, column: 1, value: Value::Text(text.to_owned()) };
        parse(&node, &selections).map(|e| shown(&e)).map_err(|s| s.what.en)
    }
    fn shown(e: &Expr) -> String {
        let join = |l: &[Expr], by: &str| format!("({})", l.iter().map(shown).collect::<Vec<_>>().join(by));
        match e {
            Expr::Leaf(i) => i.to_string(),
            Expr::Not(e) => format!("!{}", shown(e)),
            Expr::All(l) => join(l, "&"),
            Expr::Any(l) => join(l, "|"),
        }
    }

    #[test]
    fn precedence_and_groups() {
        assert_eq!(read("a or b_1 and not b_2").unwrap(), "(0|(1&!2))");
        assert_eq!(read("(a or b_1) AND NOT(b_2)").unwrap(), "((0|1)&!2)");
        assert_eq!(read("not 1 of b_*").unwrap(), "!(1|2)");
        assert_eq!(read("all of them").unwrap(), "(0&1&2)");
        assert_eq!(read("any of *_1").unwrap(), "1");
        assert_eq!(read("1 of _*").unwrap(), "3");
    }

    #[test]
    fn what_is_refused() {
        for bad in ["", "a b_1", "2 of b_*", "1 of", "1 of x*", "a and", "(a", "a | count() > 3", "nope"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"(".repeat(100_000)).unwrap_err().contains("deep"));
        assert!(read(&"not ".repeat(100_000)).unwrap_err().contains("deep"));
        let many = vec!["all of them"; 5_000].join(" or ");
        assert!(read(&many).unwrap_err().contains("too many parts"));
    }
}
