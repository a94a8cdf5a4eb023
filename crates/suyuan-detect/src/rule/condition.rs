//! The `condition` of a detection: `and`, `or`, `not`, parentheses, `1 of sel_*`, `all of them`.

use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::rule::Expr;
use crate::yaml::{Node, unknown};

/// Reads a condition over the named selections.
pub(crate) fn parse(node: &Node, selections: &[(String, Expr)]) -> Result<Expr, Spot> {
    let text = node.text()?;
    let mut p = Parser { node, tokens: tokens(&text), at: 0, selections };
    let e = p.or()?;
    match p.peek() {
        None => Ok(e),
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
        let mut any = vec![self.and()?];
        while self.take("or") {
            any.push(self.and()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expr::Any(any) })
    }
    fn and(&mut self) -> Result<Expr, Spot> {
        let mut all = vec![self.not()?];
        while self.take("and") {
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::All(all) })
    }
    fn not(&mut self) -> Result<Expr, Spot> {
        if self.take("not") {
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        if self.take("(") {
            let e = self.or()?;
            return if self.take(")") { Ok(e) } else { Err(self.fault("`)` is missing", "缺少右括号")) };
        }
        let Some(word) = self.peek().map(str::to_owned) else {
            return Err(self.fault("it ends too early", "条件不完整"));
        };
        self.at += 1;
        let many = match word.to_ascii_lowercase().as_str() {
            "1" | "any" => Some(false),
            "all" => Some(true),
            _ => None,
        };
        if let Some(all) = many {
            if !self.take("of") {
                return Err(self.fault("`of` is missing", "缺少of"));
            }
            let Some(pattern) = self.peek().map(str::to_owned) else {
                return Err(self.fault("it ends too early", "条件不完整"));
            };
            self.at += 1;
            return self.group(all, &pattern);
        }
        self.named(&word)
    }
    fn group(&self, all: bool, pattern: &str) -> Result<Expr, Spot> {
        let chosen: Vec<Expr> = self
            .selections
            .iter()
            .filter(|(name, _)| match pattern.strip_suffix('*') {
                // Sigma: names that begin with `_` are not part of "them".
                _ if pattern.eq_ignore_ascii_case("them") => !name.starts_with('_'),
                Some(prefix) => name.starts_with(prefix),
                None => name == pattern,
            })
            .map(|(_, e)| e.clone())
            .collect();
        if chosen.is_empty() {
            return Err(unknown(
                self.node,
                "selection",
                "选择项",
                pattern,
                self.selections.iter().map(|s| s.0.as_str()),
            ));
        }
        Ok(if all { Expr::All(chosen) } else { Expr::Any(chosen) })
    }
    fn named(&self, word: &str) -> Result<Expr, Spot> {
        match self.selections.iter().find(|(name, _)| name == word) {
            Some((_, e)) => Ok(e.clone()),
            None => Err(unknown(
                self.node,
                "selection",
                "选择项",
                word,
                self.selections.iter().map(|s| s.0.as_str()),
            )),
        }
    }
}
