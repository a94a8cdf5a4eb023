//! A rule in words, both languages: what it reads, what matches, what it counts, what it cannot tell apart.

use serde::Serialize;
use suyuan_model::outcome::{Level, Text};
use suyuan_model::{Kind, money, time};

use crate::field::{self, Ty};
use crate::kernel::{Cmp, How, Test};
use crate::part::PARTS;
use crate::rule::{Detection, Expr, FieldRef, Leaf, Rule};

/// One line of an explanation.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What it speaks of.
    pub what: Text,
    /// What it says.
    pub says: Text,
}

/// A rule, explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The rule.
    pub rule: String,
    /// The hash of its text.
    pub hash: String,
    /// The scheme it speaks of.
    pub scheme: String,
    /// Severity.
    pub level: Level,
    /// Title.
    pub title: Text,
    /// What it is for.
    pub description: Text,
    /// The rest, in the order of reading.
    pub lines: Vec<Line>,
}

/// Explains a rule.
pub fn explanation(rule: &Rule) -> Explanation {
    let line = |en: &str, zh: &str, says: Text| Line { what: Text::new(en, zh), says };
    let mut lines = Vec::new();
    for d in &rule.detections {
        lines.push(line("matches", "匹配", matches(rule, d)));
    }
    let (en, zh) = (crate::catalogue::facts(rule, false), crate::catalogue::facts(rule, true));
    for ((en_what, en), (zh_what, zh)) in en.into_iter().zip(zh) {
        let at = if en_what == "reads" { 0 } else { lines.len() };
        lines.insert(at, line(en_what, zh_what, Text::new(en, zh)));
    }
    let (hits, misses) = (rule.hits.len(), rule.misses.len());
    lines.push(line(
        "examples",
        "示例",
        Text::new(
            format!("{hits} on which it fires, {misses} on which it does not"),
            format!("命中示例{hits}个，不命中示例{misses}个"),
        ),
    ));
    Explanation {
        rule: rule.id.clone(),
        hash: rule.hash.clone(),
        scheme: rule.scheme.clone(),
        level: rule.level,
        title: rule.title.clone(),
        description: rule.description.clone(),
        lines,
    }
}

fn matches(rule: &Rule, d: &Detection) -> Text {
    let e = expr(rule, d, &d.expr, false);
    let kind = d.kind.spec();
    if rule.detections.len() == 1 && d.name == "main" {
        return Text::new(
            format!("{} rows where {}", kind.name, e.en),
            format!("“{}”记录，且{}", kind.zh, e.zh),
        );
    }
    Text::new(
        format!("{}: {} rows where {}", d.name, kind.name, e.en),
        format!("{}：“{}”记录，且{}", d.name, kind.zh, e.zh),
    )
}

fn expr(rule: &Rule, d: &Detection, e: &Expr, inner: bool) -> Text {
    let join = |list: &[Expr], en: &str, zh: &str| {
        let parts: Vec<Text> = list.iter().map(|e| expr(rule, d, e, true)).collect();
        let of = |pick: fn(&Text) -> &str, by: &str| parts.iter().map(pick).collect::<Vec<_>>().join(by);
        let t = Text::new(of(|t| &t.en, en), of(|t| &t.zh, zh));
        if inner { Text::new(format!("({})", t.en), format!("（{}）", t.zh)) } else { t }
    };
    match e {
        Expr::Leaf(i) => leaf(rule, d, &d.leaves[*i]),
        Expr::Not(e) => {
            let t = expr(rule, d, e, true);
            Text::new(format!("not {}", t.en), format!("非{}", t.zh))
        }
        Expr::All(list) => join(list, " and ", "且"),
        Expr::Any(list) => join(list, " or ", "或"),
    }
}

/// The field's type, and its names.
fn asked(rule: &Rule, kind: Kind, l: &Leaf) -> (Ty, Text) {
    let (ty, label) = match l.field {
        FieldRef::Column(name) => match field::column(kind, name) {
            Some(c) => (c.ty, c.label.clone()),
            None => (Ty::Text, Text::new(name, name)),
        },
        FieldRef::Derived { operator, field } => {
            let f = &rule.derive[operator].fields[field];
            (f.ty, Text::new(f.what.0.clone(), f.what.1.clone()))
        }
    };
    (ty, Text::new(format!("`{}`", l.name), format!("{}（{}）", label.zh, l.name)))
}

fn leaf(rule: &Rule, d: &Detection, l: &Leaf) -> Text {
    let (ty, name) = asked(rule, d.kind, l);
    let says = |en: String, zh: String| Text::new(format!("{} {en}", name.en), format!("{}{zh}", name.zh));
    if let Some((FieldRef::Column(other), how)) = l.same_as {
        let (en, zh) = match how {
            How::Equal => ("is the same as", "等于字段"),
            How::Starts => ("starts with the value of", "开头为字段"),
            How::Ends => ("ends with the value of", "结尾为字段"),
            How::Contains => ("contains the value of", "包含字段"),
        };
        return says(format!("{en} `{other}`"), format!("{zh}{other}"));
    }
    let list = |v: Vec<String>, all: bool| {
        let quoted: Vec<String> = v.iter().map(|v| format!("“{v}”")).collect();
        let (en, zh) = if all { (" and ", "与") } else { (" or ", "或") };
        (quoted.join(en), quoted.join(zh))
    };
    let (en, zh) = match &l.test {
        Test::Absent => ("is absent".into(), "缺失".into()),
        Test::Present => ("is there".into(), "有值".into()),
        Test::Bool(b) => (format!("is {b}"), if *b { "为是" } else { "为否" }.into()),
        Test::Text { patterns, all } => {
            let (en, zh) = list(patterns.iter().map(ToString::to_string).collect(), *all);
            (format!("is {en}"), format!("为{zh}"))
        }
        Test::Re { list: of, all } => {
            let (en, zh) = list(of.iter().map(|r| r.text().to_owned()).collect(), *all);
            (format!("matches {en}"), format!("匹配正则{zh}"))
        }
        Test::Holds { values, all } => {
            let (en, zh) = list(values.clone(), *all);
            (format!("holds {en}"), format!("含{zh}"))
        }
        Test::Cidr(ranges) => {
            let (en, zh) = list(ranges.iter().map(ToString::to_string).collect(), false);
            (format!("lies in {en}"), format!("属于网段{zh}"))
        }
        Test::IntIn(v) => {
            let (en, zh) = list(v.iter().map(|i| shown(*i, ty)).collect(), false);
            (format!("is {en}"), format!("为{zh}"))
        }
        Test::RealIn(v) => {
            let (en, zh) = list(v.iter().map(ToString::to_string).collect(), false);
            (format!("is {en}"), format!("为{zh}"))
        }
        Test::Int(cmp, v) => compared(*cmp, &shown(*v, ty)),
        Test::Real(cmp, v) => compared(*cmp, &v.to_string()),
        Test::Part { part, cmp, values, .. } => {
            let word = PARTS.iter().find(|p| p.1 == *part).map_or("", |p| p.0);
            let zh = match word {
                "minute" => "分钟",
                "hour" => "小时",
                "day" => "日",
                "week" => "周次",
                "month" => "月份",
                _ => "年份",
            };
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            let sign = cmp.map_or("=", Cmp::sign);
            (
                format!("has the {word} {sign} {}", values.join(" or ")),
                format!("的{zh}{sign}{}", values.join("或")),
            )
        }
        Test::Same(..) => (String::new(), String::new()),
    };
    says(en, zh)
}

fn compared(cmp: Cmp, v: &str) -> (String, String) {
    (format!("{} {v}", cmp.sign()), format!("{}{v}", cmp.sign()))
}

fn shown(i: i64, ty: Ty) -> String {
    match ty {
        Ty::Money => money::format_yuan(i),
        Ty::Time => time::format(i),
        Ty::Day => time::format_day(i),
        _ => i.to_string(),
    }
}

#[cfg(test)]
mod tests {
    /// Every rule that comes with the program, in both languages, with nothing left blank.
    #[test]
    fn every_rule_can_be_explained() {
        for r in crate::RuleSet::embedded().unwrap().rules() {
            let e = super::explanation(r);
            assert!(
                e.lines.iter().any(|l| l.what.en == "matches") && e.lines[0].what.en == "reads",
                "{}",
                r.id
            );
            for l in &e.lines {
                assert!(
                    !l.what.zh.is_empty() && l.says.en.is_empty() == l.says.zh.is_empty(),
                    "{}: {l:?}",
                    r.id
                );
            }
        }
    }
}
