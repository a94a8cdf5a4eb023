//! The rule catalogue: a page of the manual, written from the rules themselves.
//!
//! It begins with the schemes (`rules/schemes.yml`): which rules look for each, what else does, and what the records cannot tell.

use std::fmt::Write;

use suyuan_model::outcome::{Confidence, Text};

use crate::derive::Behind;
use crate::explain::{entity_zh, span_text};
use crate::rule::{Measure, Rule, RuleSet};
use crate::yaml::{self, Node};

static SCHEMES: &str = include_str!("../../../rules/schemes.yml");

/// The catalogue of the embedded rules as Markdown, in `zh` or else in English.
pub fn catalogue(lang: &str) -> String {
    match RuleSet::embedded() {
        Ok(rules) => page(&rules, lang == "zh"),
        Err(e) => e.to_string(),
    }
}

fn page(rules: &RuleSet, zh: bool) -> String {
    let mut out = String::from(if zh {
        "# 规则目录\n\n由规则文件自动生成。命中只是线索：每条都列出其他解释的核查结果、可排除的条件与无法区分的情形。\n"
    } else {
        "# The rules\n\nWritten from the rule files. A hit is a lead: each names the other explanations that are checked, what would clear it and what it cannot tell apart.\n"
    });
    coverage(&mut out, rules, zh);
    out.push_str(if zh {
        "\n## 规则\n\n| 规则 | 模式 | 标题 | 依据 |\n|---|---|---|---|\n"
    } else {
        "\n## By rule\n\n| rule | scheme | title | threshold |\n|---|---|---|---|\n"
    });
    let pick = |t: &Text| if zh { t.zh.clone() } else { t.en.clone() };
    for r in rules.rules() {
        let _ = writeln!(
            out,
            "| [{0}](#{1}) | {2} | {3} | {4} |",
            r.id,
            anchor(&r.id),
            r.scheme,
            pick(&r.title),
            confidence(r.confidence, zh)
        );
    }
    for r in rules.rules() {
        entry(&mut out, r, zh);
    }
    out
}

/// A scheme of the list.
struct Scheme {
    id: String,
    name: Text,
    also: Option<Text>,
    gap: Option<Text>,
}

fn schemes() -> Vec<Scheme> {
    let both = |n: &Node| Some(Text::new(n.get("en")?.text().ok()?, n.get("zh")?.text().ok()?));
    let scheme = |n: &Node| {
        Some(Scheme {
            id: n.get("id")?.text().ok()?,
            name: both(n.get("name")?)?,
            also: n.get("also").and_then(both),
            gap: n.get("gap").and_then(both),
        })
    };
    let read = || -> Option<Vec<Scheme>> {
        let docs = yaml::parse(SCHEMES).ok()?;
        docs.first()?.get("schemes")?.list().ok()?.iter().map(scheme).collect()
    };
    read().expect("the list of schemes is part of the program and well formed")
}

/// Which rules look for each scheme, and what is not covered and why.
fn coverage(out: &mut String, rules: &RuleSet, zh: bool) {
    let pick = |t: &Text| if zh { t.zh.clone() } else { t.en.clone() };
    out.push_str(if zh {
        "\n## 手法与规则\n\n| 手法 | 规则 | 记录中无法判断的部分 |\n|---|---|---|\n"
    } else {
        "\n## Schemes\n\n| scheme | rules | what the records cannot tell |\n|---|---|---|\n"
    });
    for s in schemes() {
        let links = rules.rules().iter().filter(|r| r.scheme == s.id);
        let mut by: Vec<String> = links.map(|r| format!("[{0}](#{1})", r.id, anchor(&r.id))).collect();
        by.extend(s.also.as_ref().map(pick));
        let none = if zh { "无" } else { "none" };
        let list = if by.is_empty() { none.to_owned() } else { by.join("<br>") };
        let _ = writeln!(
            out,
            "| {} {} | {list} | {} |",
            s.id,
            pick(&s.name),
            s.gap.as_ref().map(pick).unwrap_or_default()
        );
    }
}

fn anchor(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>().to_lowercase()
}

fn confidence(c: Confidence, zh: bool) -> &'static str {
    match (c, zh) {
        (Confidence::Primary, false) => "primary text",
        (Confidence::Primary, true) => "原文已核",
        (Confidence::Secondary, false) => "secondary source",
        (Confidence::Secondary, true) => "二手来源",
        (Confidence::Engineering, false) => "engineering default",
        (Confidence::Engineering, true) => "工程默认值",
        (Confidence::Unconfirmed, false) => "not confirmed",
        (Confidence::Unconfirmed, true) => "未证实",
    }
}

fn entry(out: &mut String, r: &Rule, zh: bool) {
    let pick = |t: &Text| if zh { t.zh.clone() } else { t.en.clone() };
    let _ =
        writeln!(out, "\n## {}\n\n**{}** ({})\n\n{}\n", r.id, pick(&r.title), r.scheme, pick(&r.description));
    for (what, says) in facts(r, zh) {
        let _ = writeln!(out, "- **{what}{}** {says}", if zh { "：" } else { ":" });
    }
}

/// What is told of a rule, line by line; both languages have the same lines.
pub(crate) fn facts(r: &Rule, zh: bool) -> Vec<(&'static str, String)> {
    let pick = |t: &Text| if zh { t.zh.clone() } else { t.en.clone() };
    let mut out = Vec::new();
    let line = |out: &mut Vec<(&'static str, String)>, en: &'static str, cn: &'static str, text: String| {
        out.push((if zh { cn } else { en }, text));
    };
    let kinds: Vec<&str> = r.kinds().iter().map(|k| if zh { k.spec().zh } else { k.name() }).collect();
    line(&mut out, "reads", "读取", kinds.join(if zh { "、" } else { ", " }));
    if let Some(d) = &r.detector {
        line(&mut out, "looks for", "查找", if zh { d.spec.what.1 } else { d.spec.what.0 }.to_owned());
    }
    let c = &r.correlation;
    let how = match c.measure {
        m @ Measure::Each => pick(&measured(m)),
        m => {
            let (span, what) = (span_text(c.timespan), measured(m));
            let (by, t) = (c.group_names.join(", "), c.threshold().unwrap_or_default());
            let value = c.value_name.as_deref().map(|v| format!(" `{v}`")).unwrap_or_default();
            let by = match (by.is_empty(), zh) {
                (true, _) => String::new(),
                (false, true) => format!("，按{by}"),
                (false, false) => format!(" by {by}"),
            };
            if zh {
                format!("{}{value} {t}，{}内{by}", what.zh, span.zh)
            } else {
                format!("{}{value} {t} within {}{by}", what.en, span.en)
            }
        }
    };
    line(&mut out, "counts", "统计", how);
    line(
        &mut out,
        "threshold",
        "阈值来源",
        format!("{} ({})", pick(&r.threshold_from), confidence(r.confidence, zh)),
    );
    let whom =
        if zh { entity_zh(r.entity.kind).to_owned() } else { format!("{:?}", r.entity.kind).to_lowercase() };
    line(&mut out, "about", "针对", format!("{whom} (`{}`)", r.entity.field));
    let sep = if zh { "；" } else { "; " };
    if !r.operators().is_empty() {
        let list: Vec<String> = r.operators().iter().map(|(n, t)| format!("`{n}` {}", pick(t))).collect();
        line(&mut out, "derives", "派生", list.join(sep));
    }
    let mut behind: Vec<(bool, String)> = r
        .behind()
        .filter_map(|(_, b)| {
            Some((matches!(b, Behind::Instead(_)) && c.measure == Measure::Each, pick(b.rows()?)))
        })
        .collect();
    behind.dedup();
    let list: Vec<String> = behind
        .into_iter()
        .map(|(instead, rows)| match (instead, zh) {
            (true, false) => format!("{rows}; the row at which it was asked stands apart"),
            (true, true) => format!("{rows}；触发行另列，不作依据"),
            (false, false) => format!("the rows counted, and {rows}"),
            (false, true) => format!("被统计的记录及{rows}"),
        })
        .collect();
    if !list.is_empty() {
        line(&mut out, "cites", "依据行", list.join(sep));
    }
    let list: Vec<String> = r
        .explanations()
        .iter()
        .map(|(t, weighs)| match (weighs, zh) {
            (None, false) => format!("{} (decisive)", pick(t)),
            (None, true) => format!("{}（可排除）", pick(t)),
            (Some(nats), false) => format!("{} (−{nats} nats)", pick(t)),
            (Some(nats), true) => format!("{}（−{nats}奈特）", pick(t)),
        })
        .collect();
    line(&mut out, "checks", "核查", list.join(sep));
    line(&mut out, "clears", "可排除", pick(&r.clears));
    line(&mut out, "cannot tell", "无法区分", pick(&r.cannot_tell));
    out
}

/// What a correlation counts, in words.
fn measured(m: Measure) -> Text {
    let (en, zh) = match m {
        Measure::Each => ("each row", "逐条"),
        Measure::EventCount => ("matching rows", "符合条件的记录数"),
        Measure::ValueCount => ("different values of", "不同值个数："),
        Measure::ValueSum => ("sum of", "合计："),
        Measure::ValueAvg => ("mean of", "平均值："),
        Measure::ValueMedian => ("median of", "中位数："),
        Measure::ValuePercentile(_) => ("percentile of", "百分位数："),
        Measure::Temporal => ("all of the detections, in any order,", "各检测均出现（不论先后）"),
        Measure::TemporalOrdered => ("all of the detections, in their order,", "各检测依次出现"),
        Measure::Sequence => ("all of the steps, in their order,", "各步骤依次完成"),
        Measure::Absence => ("the first without the second", "前者出现而后者未出现"),
    };
    Text::new(en, zh)
}

#[cfg(test)]
mod tests {
    /// Every rule speaks of a scheme of the list; a scheme without rules says why.
    #[test]
    fn the_schemes_are_covered_or_say_why() {
        let rules = crate::RuleSet::embedded().unwrap();
        let schemes = super::schemes();
        assert_eq!(schemes.len(), 40);
        for r in rules.rules() {
            assert!(schemes.iter().any(|s| s.id == r.scheme), "{} speaks of {}", r.id, r.scheme);
        }
        for s in &schemes {
            let ruled = rules.rules().iter().any(|r| r.scheme == s.id);
            assert!(ruled || s.gap.is_some(), "{} has neither a rule nor a reason", s.id);
        }
    }

    #[test]
    fn both_languages_name_every_rule() {
        let (en, zh) = (super::catalogue("en"), super::catalogue("zh"));
        for r in crate::RuleSet::embedded().unwrap().rules() {
            assert!(en.contains(&format!("## {}\n", r.id)) && zh.contains(&r.title.zh), "{}", r.id);
        }
    }
}
