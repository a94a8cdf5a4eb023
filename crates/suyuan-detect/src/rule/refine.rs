//! What a rule's `suyuan:` block adds to its correlation: when it alerts, a sequence, an absence.
//!
//! The plain part of the rule stays an over-approximation, so that it still works, with more alerts, where nobody knows
//! these keys: a sequence refines a `temporal_ordered` over the same rules, an absence an `event_count` of one.

use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::rule::correlation::{Correlation, Emit, Feed, Input, Measure, Scope, input_name, span};
use crate::yaml::{Node, Value, unknown};

/// A comparison of a step's field with a field of an earlier step's last row.
#[derive(Clone, Debug)]
pub(crate) struct Across {
    /// Index into the step's captured fields.
    pub mine: usize,
    pub equal: bool,
    pub step: usize,
    /// Index into that step's captured fields.
    pub theirs: usize,
}

/// What a sequence asks of one step.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub least: usize,
    pub across: Vec<Across>,
}

impl Correlation {
    /// What the `suyuan:` block says of the correlation.
    pub(super) fn extend(&mut self, block: &Node, scope: &Scope<'_>) -> Result<(), Spot> {
        if let Some(n) = block.get("emit") {
            self.emit = match n.text()?.as_str() {
                "first_crossing" => Emit::FirstCrossing,
                "every" => Emit::Every,
                other => return Err(unknown(n, "value", "取值", other, ["first_crossing", "every"])),
            };
        }
        self.rearm = block.get("rearm").map(span).transpose()?;
        if let Some(n) = block.get("sequence") {
            self.sequence(n, scope)?;
        }
        if let Some(n) = block.get("absence") {
            self.absence(n, scope)?;
        }
        Ok(())
    }

    /// `sequence: {steps: [{rule, min, where}], within}`: refines `temporal_ordered` over the same rules.
    fn sequence(&mut self, node: &Node, scope: &Scope<'_>) -> Result<(), Spot> {
        node.only(&["steps", "within"])?;
        if self.measure != Measure::TemporalOrdered {
            return Err(node.fault(
                Text::new(
                    "`sequence` refines a correlation of type temporal_ordered",
                    "sequence只能细化temporal_ordered关联",
                ),
                Text::new(
                    "set `type: temporal_ordered` with the same rules in the same order",
                    "请写type: temporal_ordered，并按相同顺序列出规则",
                ),
            ));
        }
        if let Some(n) = node.get("within") {
            let within = span(n)?;
            if within > self.timespan {
                return Err(
                    n.wants("a span no longer than the correlation's timespan", "不长于timespan的时长")
                );
            }
            self.timespan = within;
        }
        let list = node.need("steps")?.list()?;
        if list.len() != self.inputs.len() {
            return Err(node
                .need("steps")?
                .wants("one step for each rule, in order", "按顺序与rules一一对应的步骤"));
        }
        for (at, n) in list.iter().enumerate() {
            n.only(&["rule", "min", "where"])?;
            let rule = n.need("rule")?;
            if rule.text()? != input_name(self.inputs[at], scope.detections, scope.before) {
                return Err(rule.wants("the rules in the order of the correlation", "与关联相同顺序的规则"));
            }
            let least = match n.get("min").map(|m| (m, &m.value)) {
                None => 1,
                Some((_, Value::Int(m @ 1..=64))) => *m as usize,
                Some((m, _)) => return Err(m.wants("a number from 1 to 64", "1至64的整数")),
            };
            let across = match n.get("where") {
                Some(w) => self.across(w, at, scope)?,
                None => Vec::new(),
            };
            self.stages.push(Stage { least, across });
        }
        self.measure = Measure::Sequence;
        Ok(())
    }

    /// `field != $1.other and field == $2.other`.
    fn across(&mut self, node: &Node, step: usize, scope: &Scope<'_>) -> Result<Vec<Across>, Spot> {
        let text = node.text()?;
        let bad =
            || node.wants("comparisons such as `region6 != $1.region6`", "形如“region6 != $1.region6”的比较");
        let mut out = Vec::new();
        for part in text.split(" and ") {
            let words: Vec<&str> = part.split_whitespace().collect();
            let [mine, op, other] = words[..] else { return Err(bad()) };
            let equal = match op {
                "==" => true,
                "!=" => false,
                _ => return Err(bad()),
            };
            let (n, theirs) = other.strip_prefix('$').and_then(|o| o.split_once('.')).ok_or_else(bad)?;
            let other_step: usize = n.parse().map_err(|_| bad())?;
            if other_step == 0 || other_step > step {
                return Err(node.wants(
                    "a reference to an earlier step, $1 being the first",
                    "引用之前的步骤（$1为第一步）",
                ));
            }
            let mine = self.capture(node, step, mine, scope)?;
            let theirs = self.capture(node, other_step - 1, theirs, scope)?;
            out.push(Across { mine, equal, step: other_step - 1, theirs });
        }
        Ok(out)
    }

    /// Has every feed of a step capture a field; its index.
    fn capture(&mut self, node: &Node, step: usize, name: &str, scope: &Scope<'_>) -> Result<usize, Spot> {
        let mut index = 0;
        for at in 0..self.feeds.len() {
            if self.feeds[at].step != step {
                continue;
            }
            let (f, _) = scope.field(node, self.feeds[at].from, self.feeds[at].detection, name)?;
            self.feeds[at].captured.push(f);
            index = self.feeds[at].captured.len() - 1;
        }
        Ok(index)
    }

    /// `absence: {after: a, not: b, within: 2h}`: the plain part counts the rows of `a`.
    fn absence(&mut self, node: &Node, scope: &Scope<'_>) -> Result<(), Spot> {
        node.only(&["after", "not", "within"])?;
        if !self.name.is_empty() {
            return Err(node.fault(
                Text::new(
                    "an absence has no row to hand on to another correlation",
                    "absence没有可传给其他关联的记录行",
                ),
                Text::new("make it the rule's last correlation", "请把它作为规则的最后一个关联"),
            ));
        }
        if self.measure != Measure::EventCount || self.inputs.len() != 1 {
            return Err(node.fault(
                Text::new(
                    "`absence` refines an event_count of one rule",
                    "absence只能细化单条规则的event_count",
                ),
                Text::new(
                    "set `type: event_count`, `rules: [the rule of after]`, `condition: {gte: 1}`",
                    "请写type: event_count、rules: [after中的规则]、condition: {gte: 1}",
                ),
            ));
        }
        let after = node.need("after")?;
        if after.text()? != input_name(self.inputs[0], scope.detections, scope.before) {
            return Err(after.wants("the rule that the correlation counts", "关联所统计的规则"));
        }
        let not = node.need("not")?;
        let name = not.text()?;
        let d = scope.detections.iter().position(|d| d.name == name).ok_or_else(|| {
            unknown(not, "rule", "规则", &name, scope.detections.iter().map(|d| d.name.as_str()))
        })?;
        self.timespan = span(node.need("within")?)?;
        let input = Input::Detection(d);
        let group = scope.groups(input, d)?;
        if group.is_empty() {
            return Err(node.fault(
                Text::new("an absence needs a group", "absence需要分组"),
                Text::new(
                    "give `group-by:` the field by which the two belong together",
                    "请用group-by给出两者的共同字段",
                ),
            ));
        }
        self.feeds.push(Feed {
            step: 1,
            from: input,
            detection: d,
            group,
            value: Vec::new(),
            captured: Vec::new(),
        });
        self.conditions.clear();
        self.measure = Measure::Absence;
        Ok(())
    }
}
