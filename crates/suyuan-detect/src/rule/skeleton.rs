//! A rule to begin with: it loads, its examples hold, and every line says what to change.

use suyuan_model::{Kind, kind::Stage};

use crate::field::{self, Ty};

/// Columns that name a thing, and the kind of thing.
const THINGS: [(&str, &str); 10] = [
    ("account", "account"),
    ("device", "device"),
    ("card", "card"),
    ("outlet", "outlet"),
    ("agent", "agent"),
    ("subject", "person"),
    ("collector", "collector"),
    ("employer", "employer"),
    ("order", "object"),
    ("imei", "imei"),
];

/// The column that a rule of this kind would be about, and what it names.
fn thing(kind: Kind) -> (&'static str, &'static str) {
    let named = THINGS.into_iter().find(|(column, _)| field::column(kind, column).is_some());
    named.unwrap_or_else(|| {
        let own = field::columns(kind).iter().find(|c| c.ty == Ty::Text && c.name != "source");
        (own.map_or("source", |c| c.name), "object")
    })
}

fn family(kind: Kind) -> &'static str {
    match (kind.name(), kind.spec().stage) {
        ("login", _) => "login",
        ("access", _) => "access",
        ("override", _) => "location",
        (_, Stage::Acquisition) => "identity",
        (_, Stage::Circulation) => "stock",
        (_, Stage::Use) => "use",
        (_, Stage::Reference | Stage::Opening) => "opening",
    }
}

/// The text of a new rule over records of one kind.
pub fn skeleton(name: &str, kind: Kind) -> String {
    let (column, what) = thing(kind);
    let fields: Vec<&str> = field::columns(kind).iter().map(|c| c.name).collect();
    format!(
        "\
# A new rule. `suyuan rule check FILE` tells what is wrong with it, `suyuan rule test FILE` runs its examples.
# 新规则。“suyuan rule check 文件”检查错误，“suyuan rule test 文件”运行示例。

# First what matches one row. Fields of `{kind}` / 可用字段:
#   {fields}
# Modifiers / 修饰符: contains startswith endswith all cased exists neq re cidr gt gte lt lte hour day fieldref ...
name: rows
title: Rows of {name}
logsource: {{product: suyuan, service: {kind}}}
detection:
  selection:
    {column}|exists: true
  # filter_accepted:                # what is known to be in order / 已知正常的情形
  #   {column}: [x1, x2]
  condition: selection              # and not filter_accepted
---
# Then how often: here three rows of one {column} within a day / 再写频次：一天内同一{column}三条
title: {name}
description: Say what this looks for, and why it matters.
status: experimental
level: low                          # informational, low, medium, high, critical
correlation:
  type: event_count                 # value_count, value_sum, temporal, temporal_ordered ...
  rules: [rows]
  group-by: [{column}]
  timespan: 1d
  condition: {{gte: 3}}
suyuan:
  scheme: OWN                       # the scheme it speaks of / 对应的作案模式
  title_zh: {name}
  description_zh: 说明本规则查找什么、为什么重要。
  family: {family}                  # records it rests on / 所依据的记录族
  confidence: engineering           # primary, secondary, engineering, unconfirmed
  threshold_from: {{en: say where the number comes from, zh: 说明阈值来源}}
  entity: {{{column}: {what}}}      # whom or what it is about / 针对谁
  # derive: [first_seen]            # fields from earlier rows / 由先前记录派生的字段
  # explain: [queue]                # innocent explanations to check / 需核查的其他解释
  clears: {{en: say what would clear it, zh: 说明何种情形可以排除}}
  cannot_tell: {{en: say what it cannot tell apart, zh: 说明无法区分的情形}}
  hit:
    - {{record: {kind}, ts: '2024-03-01T09:00:00+08:00', {column}: x1, times: 3, every: 1h}}
  miss:
    - {{record: {kind}, ts: '2024-03-01T09:00:00+08:00', {column}: x1, times: 2, every: 1h}}
",
        kind = kind.name(),
        fields = fields.join(" "),
        family = family(kind),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RuleSet, detect};

    /// Whatever the kind: it loads, fires on its hit and not on its miss.
    #[test]
    fn a_skeleton_is_a_rule() {
        for kind in Kind::ALL {
            let text = skeleton("my-rule", *kind);
            let set = RuleSet::load_dir(std::iter::once(("my-rule.yml".to_owned(), text.clone())));
            let set = set.unwrap_or_else(|e| panic!("{e}\n{text}"));
            let fired = |e: &crate::Example| detect(&e.source(), &set, &mut |_| {}).unwrap().len();
            let rule = &set.rules()[0];
            assert_eq!((fired(&rule.hits[0]), fired(&rule.misses[0])), (1, 0), "{}", kind.name());
        }
    }
}
