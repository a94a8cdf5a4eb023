//! A correlation: how many, how many different, how much, in which order, or what did not come, within a span of time.
//!
//! Meanings, frozen (profile `suyuan-1`, `docs/semantics.md`): the window of a row at `t` is `(t - timespan, t]` on the total
//! order `(ts, source, seq)`, so a later row of the same instant is not in it. The condition is asked at each
//! matching row, once, when it has reached all its steps (of an ordered correlation: at each row of its last step). A row without a group key, or
//! without the counted value, is not counted. Sums and averages are taken over whole numbers: fen for money, millionths
//! for measured numbers. A percentile is the nearest rank; the median of an even number of values is the mean of the
//! two in the middle. A correlation over correlations sees the rows at which those held.

use suyuan_model::outcome::Text;
use suyuan_model::time::{DAY, HOUR, SECOND};

use crate::error::Spot;
use crate::field::Ty;
use crate::kernel::Cmp;
use crate::rule::detection::{Detection, resolve};
use crate::rule::refine::Stage;
use crate::rule::{DeriveUse, Expr, FieldRef, condition};
use crate::yaml::{Node, unknown};

/// What is asked of the rows of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Each matching row by itself.
    Each,
    /// How many rows.
    EventCount,
    /// How many different values of a field, or of several fields together.
    ValueCount,
    /// The sum of a field.
    ValueSum,
    /// The mean of a field.
    ValueAvg,
    /// The median of a field.
    ValueMedian,
    /// A percentile of a field, in thousandths of a percent.
    ValuePercentile(u32),
    /// Detections in any order.
    Temporal,
    /// Detections in their order.
    TemporalOrdered,
    /// Steps in their order, with counts and comparisons across steps.
    Sequence,
    /// A row that another one did not follow.
    Absence,
}

const TYPES: [(&str, Measure); 8] = [
    ("event_count", Measure::EventCount),
    ("value_count", Measure::ValueCount),
    ("value_sum", Measure::ValueSum),
    ("value_avg", Measure::ValueAvg),
    ("value_median", Measure::ValueMedian),
    ("value_percentile", Measure::ValuePercentile(50_000)),
    ("temporal", Measure::Temporal),
    ("temporal_ordered", Measure::TemporalOrdered),
];

impl Measure {
    /// The name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Each => "each row",
            Measure::Sequence => "sequence",
            Measure::Absence => "absence",
            Measure::ValuePercentile(_) => "value_percentile",
            m => TYPES.iter().find(|t| t.1 == m).map_or("", |t| t.0),
        }
    }
    /// Whether it is about steps rather than numbers.
    pub fn stepped(self) -> bool {
        matches!(self, Measure::Temporal | Measure::TemporalOrdered | Measure::Sequence)
    }
    /// Whether it computes with the values of a field.
    fn numeric(self) -> bool {
        matches!(
            self,
            Measure::ValueSum | Measure::ValueAvg | Measure::ValueMedian | Measure::ValuePercentile(_)
        )
    }
}

/// When a condition that goes on holding alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// At the row where it begins to hold; again once it did not hold, or its window has emptied.
    FirstCrossing,
    /// At every row where it holds.
    Every,
}

/// What a step of a correlation is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A detection's matching rows.
    Detection(usize),
    /// The rows at which an earlier correlation of the file held.
    Correlation(usize),
}

/// How rows of one detection reach a step.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub step: usize,
    pub from: Input,
    /// The detection that the row matched.
    pub detection: usize,
    pub group: Vec<FieldRef>,
    pub value: Vec<FieldRef>,
    /// For sequences: the fields compared across steps.
    pub captured: Vec<FieldRef>,
}

/// A correlation over detections and earlier correlations of its file.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// The name by which others refer to it; empty for the rule's own.
    pub name: String,
    /// What is asked.
    pub measure: Measure,
    /// What feeds each step, in the order of `rules`.
    pub inputs: Vec<Input>,
    /// The detections whose rows can make it hold, the last step's last.
    pub steps: Vec<usize>,
    /// The length of the window, microseconds.
    pub timespan: i64,
    /// The names of the group's fields, for people.
    pub group_names: Vec<String>,
    /// The counted field's name.
    pub value_name: Option<String>,
    /// When it alerts.
    pub emit: Emit,
    /// After this long a condition that goes on holding alerts again.
    pub rearm: Option<i64>,
    pub(crate) feeds: Vec<Feed>,
    /// In millionths of the unit of the value times [`Correlation::scale`].
    pub(crate) conditions: Vec<(Cmp, i128)>,
    /// Units of a value that make one: 100 for money, a million for measured numbers.
    pub(crate) scale: i128,
    /// For `temporal`: which steps must have come.
    pub(crate) present: Option<Expr>,
    pub(crate) stages: Vec<Stage>,
}

/// Millionths, in which values and thresholds are compared.
pub(crate) const MICRO: i128 = 1_000_000;

impl Correlation {
    fn new(name: String, measure: Measure, timespan: i64) -> Correlation {
        // One that feeds another hands on every row at which it holds, unless it says otherwise.
        let emit = if name.is_empty() { Emit::FirstCrossing } else { Emit::Every };
        Correlation {
            name,
            measure,
            inputs: Vec::new(),
            steps: Vec::new(),
            timespan,
            group_names: Vec::new(),
            value_name: None,
            emit,
            rearm: None,
            feeds: Vec::new(),
            conditions: Vec::new(),
            scale: 1,
            present: None,
            stages: Vec::new(),
        }
    }

    /// A rule without a correlation: every matching row.
    pub(crate) fn each() -> Correlation {
        let mut c = Self::new(String::new(), Measure::Each, 0);
        c.inputs = vec![Input::Detection(0)];
        c.steps = vec![0];
        c.feeds = vec![Feed {
            step: 0,
            from: Input::Detection(0),
            detection: 0,
            group: Vec::new(),
            value: Vec::new(),
            captured: Vec::new(),
        }];
        c
    }

    /// The condition in signs: `≥ 10`.
    pub fn threshold(&self) -> Option<String> {
        let list: Vec<String> = self
            .conditions
            .iter()
            .map(|(c, n)| format!("{} {}", c.sign(), decimal(*n, self.scale * MICRO)))
            .collect();
        (!list.is_empty()).then(|| list.join(", "))
    }

    /// Whether a value in millionths satisfies the condition.
    pub(crate) fn holds(&self, micro: i128) -> bool {
        self.conditions.iter().all(|(c, x)| c.holds(micro, *x))
    }

    /// A value in millionths as people read it.
    pub(crate) fn shown(&self, micro: i128) -> String {
        decimal(micro, self.scale * MICRO)
    }

    /// Rows of a group that must be remembered: the newest so many; `None` for all.
    pub(crate) fn least_needed(&self) -> Option<usize> {
        let only_at_least = self.conditions.iter().all(|(c, _)| matches!(c, Cmp::Gt | Cmp::Gte));
        let most = self.conditions.iter().map(|(_, n)| n / MICRO + 1).max()?;
        (self.measure == Measure::EventCount && only_at_least)
            .then(|| usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Which of the detections' rows can make it hold.
    fn triggers(&self) -> Vec<usize> {
        let last = self.inputs.len() - 1;
        let only_last = matches!(self.measure, Measure::TemporalOrdered | Measure::Sequence);
        let mut out: Vec<usize> = self
            .feeds
            .iter()
            .filter(|f| f.step <= last && (!only_last || f.step == last))
            .map(|f| f.detection)
            .collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Reads the `correlation:` of a document. `before` are the file's earlier correlations.
    pub(crate) fn parse(
        doc: &Node,
        name: String,
        detections: &[Detection],
        before: &[Correlation],
        derive: &[DeriveUse],
    ) -> Result<Correlation, Spot> {
        let block = doc.need("correlation")?;
        block.only(&["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"])?;
        let kind_node = block.need("type")?;
        let type_name = kind_node.text()?;
        let measure = TYPES.iter().find(|(n, _)| *n == type_name).map(|t| t.1).ok_or_else(|| {
            unknown(kind_node, "correlation type", "关联类型", &type_name, TYPES.map(|t| t.0))
        })?;
        let mut c = Self::new(name, measure, span(block.need("timespan")?)?);
        c.inputs = inputs(block, detections, before)?;
        if measure.stepped() && c.inputs.len() < 2 {
            return Err(block.need("rules")?.wants("at least two rules", "至少两条规则"));
        }
        let scope = Scope { block, detections, before, derive };
        c.feed(&scope)?;
        match measure {
            Measure::Temporal => c.presence(block, detections, before)?,
            Measure::TemporalOrdered => {
                if let Some(n) = block.get("condition") {
                    return Err(n.fault(
                        Text::new(
                            "an ordered correlation has no condition",
                            "按顺序的关联（temporal_ordered）没有condition",
                        ),
                        Text::new(
                            "put the steps in order under `rules`, or use `temporal`",
                            "请在rules中按顺序列出各步，或改用temporal",
                        ),
                    ));
                }
            }
            _ => c.condition(block.need("condition")?, &scope)?,
        }
        if let Some(block) = doc.get("suyuan") {
            c.extend(block, &scope)?;
        }
        c.steps = c.triggers();
        Ok(c)
    }

    /// How rows of each input reach its step.
    fn feed(&mut self, scope: &Scope<'_>) -> Result<(), Spot> {
        for (step, input) in self.inputs.clone().into_iter().enumerate() {
            let detections = match input {
                Input::Detection(d) => vec![d],
                Input::Correlation(c) => scope.before[c].steps.clone(),
            };
            for detection in detections {
                let group = scope.groups(input, detection)?;
                self.feeds.push(Feed {
                    step,
                    from: input,
                    detection,
                    group,
                    value: Vec::new(),
                    captured: Vec::new(),
                });
            }
        }
        if let Some(list) = scope.block.get("group-by") {
            self.group_names = list.one_or_more().iter().map(Node::text).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn presence(
        &mut self,
        block: &Node,
        detections: &[Detection],
        before: &[Correlation],
    ) -> Result<(), Spot> {
        let Some(node) = block.get("condition") else { return Ok(()) };
        let named: Vec<(String, Expr)> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(step, i)| (input_name(*i, detections, before), Expr::Leaf(step)))
            .collect();
        self.present = Some(condition::parse(node, &named)?);
        Ok(())
    }

    fn condition(&mut self, node: &Node, scope: &Scope<'_>) -> Result<(), Spot> {
        if let Some(field) = node.get("field") {
            self.value(field, scope)?;
        }
        for (key, value) in node.map()? {
            let name = key.text()?;
            let number = || {
                let n = value.as_text().and_then(|t| micro_of(&t));
                n.map(|n| n * self.scale).ok_or_else(|| value.wants("a number", "数值"))
            };
            match name.as_str() {
                "gt" => self.conditions.push((Cmp::Gt, number()?)),
                "gte" => self.conditions.push((Cmp::Gte, number()?)),
                "lt" => self.conditions.push((Cmp::Lt, number()?)),
                "lte" => self.conditions.push((Cmp::Lte, number()?)),
                "eq" => {
                    let n = number()?;
                    self.conditions.extend([(Cmp::Gte, n), (Cmp::Lte, n)]);
                }
                "neq" => self.conditions.push((Cmp::Ne, number()?)),
                "field" => {}
                "percentile" if matches!(self.measure, Measure::ValuePercentile(_)) => {
                    let p = value.as_text().and_then(|t| micro_of(&t)).map(|n| n / 1000);
                    let p = p.filter(|p| (1..=100_000).contains(p)).and_then(|p| u32::try_from(p).ok());
                    let p = p.ok_or_else(|| {
                        value.wants("a percentile above 0 and at most 100", "大于0且不超过100的百分位")
                    })?;
                    self.measure = Measure::ValuePercentile(p);
                }
                _ => {
                    let names = ["gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"];
                    return Err(unknown(key, "condition", "条件", &name, names));
                }
            }
        }
        if self.conditions.is_empty() {
            return Err(
                node.wants("gt, gte, lt, lte, eq or neq with a number", "gt、gte、lt、lte、eq或neq及其数值")
            );
        }
        if self.measure != Measure::EventCount {
            node.need("field")?;
        }
        Ok(())
    }

    /// The counted fields of each feed.
    fn value(&mut self, node: &Node, scope: &Scope<'_>) -> Result<(), Spot> {
        let mut scale = None;
        for n in node.one_or_more() {
            let field = n.text()?;
            for at in 0..self.feeds.len() {
                let (from, detection) = (self.feeds[at].from, self.feeds[at].detection);
                let (f, ty) = scope.field(n, from, detection, &field)?;
                if self.measure.numeric() {
                    let this = match ty {
                        Ty::Int => 1,
                        Ty::Money => 100,
                        Ty::Real => MICRO,
                        _ => return Err(n.wants("a field of numbers or money", "数值或金额字段")),
                    };
                    if *scale.get_or_insert(this) != this {
                        return Err(n.fault(
                            Text::new(
                                format!("`{field}` is not of the same type in all rules"),
                                format!("各规则中“{field}”的类型不一致"),
                            ),
                            Text::new("count fields of one type", "请统计同一类型的字段"),
                        ));
                    }
                }
                self.feeds[at].value.push(f);
            }
        }
        let names = node.one_or_more();
        if self.measure.numeric() && names.len() > 1 {
            return Err(node.wants("one field", "单个字段"));
        }
        self.scale = scale.unwrap_or(1);
        self.value_name = Some(names.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?.join(", "));
        Ok(())
    }
}

/// What names mean within a correlation.
pub(super) struct Scope<'a> {
    pub(super) block: &'a Node,
    pub(super) detections: &'a [Detection],
    pub(super) before: &'a [Correlation],
    pub(super) derive: &'a [DeriveUse],
}

impl Scope<'_> {
    /// A field of a row that reaches a step: its alias, else the alias of the correlation it comes through, else
    /// the field itself.
    pub(super) fn field(
        &self,
        at: &Node,
        from: Input,
        detection: usize,
        name: &str,
    ) -> Result<(FieldRef, Ty), Spot> {
        let d = &self.detections[detection];
        if let Some(alias) = self.block.get("aliases").and_then(|a| a.get(name)) {
            let by = input_name(from, self.detections, self.before);
            let node = match alias.get(&d.name) {
                Some(n) => n,
                None => alias.need(&by)?,
            };
            let through = node.text()?;
            return match from {
                Input::Correlation(c) if alias.get(&d.name).is_none() => {
                    self.through(node, c, detection, &through)
                }
                _ => resolve(node, d.kind, &through, self.derive),
            };
        }
        match from {
            Input::Correlation(c) => self.through(at, c, detection, name),
            Input::Detection(_) => resolve(at, d.kind, name, self.derive),
        }
    }

    fn through(&self, at: &Node, c: usize, detection: usize, name: &str) -> Result<(FieldRef, Ty), Spot> {
        let inner = &self.before[c];
        let grouped = inner.group_names.iter().position(|g| g == name);
        let feed = inner.feeds.iter().find(|f| f.detection == detection);
        match (grouped, feed) {
            (Some(g), Some(f)) => Ok((f.group[g], Ty::Text)),
            _ => resolve(at, self.detections[detection].kind, name, self.derive),
        }
    }

    pub(super) fn groups(&self, from: Input, detection: usize) -> Result<Vec<FieldRef>, Spot> {
        let Some(list) = self.block.get("group-by") else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        for n in list.one_or_more() {
            let name = n.text()?;
            let (f, ty) = self.field(n, from, detection, &name)?;
            if matches!(ty, Ty::Real | Ty::Time | Ty::Money | Ty::Bool) {
                return Err(n.fault(
                    Text::new(format!("`{name}` cannot be a group key"), format!("“{name}”不能用作分组键")),
                    Text::new(
                        "group by an id, a text, a day or a whole number",
                        "请按编号、文本、日期或整数分组",
                    ),
                ));
            }
            out.push(f);
        }
        Ok(out)
    }
}

fn inputs(block: &Node, detections: &[Detection], before: &[Correlation]) -> Result<Vec<Input>, Spot> {
    let mut out = Vec::new();
    for n in block.need("rules")?.one_or_more() {
        let name = n.text()?;
        let d = detections.iter().position(|d| d.name == name).map(Input::Detection);
        let c = before.iter().position(|c| c.name == name).map(Input::Correlation);
        out.push(d.or(c).ok_or_else(|| {
            let names = detections.iter().map(|d| d.name.as_str());
            unknown(n, "rule", "规则", &name, names.chain(before.iter().map(|c| c.name.as_str())))
        })?);
    }
    match out.is_empty() {
        true => Err(block.need("rules")?.wants("at least one rule", "至少一条规则")),
        false => Ok(out),
    }
}

pub(super) fn input_name(i: Input, detections: &[Detection], before: &[Correlation]) -> String {
    match i {
        Input::Detection(d) => detections[d].name.clone(),
        Input::Correlation(c) => before[c].name.clone(),
    }
}

/// A decimal number in millionths; `None` beyond six places.
fn micro_of(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if part.len() > 6 || whole.is_empty() || whole.len() > 18 {
        return None;
    }
    let n: i128 = format!("{whole}{part:0<6}").parse().ok()?;
    whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()).then_some(sign * n)
}

/// `value / unit` with at most six places and no zeros at the end.
fn decimal(value: i128, unit: i128) -> String {
    // Most values are whole, and fit: dividing 128 bits is slow.
    if let (Ok(value), Ok(unit)) = (i64::try_from(value), i64::try_from(unit))
        && value % unit == 0
    {
        return (value / unit).to_string();
    }
    let micro = value * MICRO / unit;
    let (whole, part) = (micro.abs() / MICRO, micro.abs() % MICRO);
    let sign = if micro < 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `30s`, `15m`, `6h`, `30d` in microseconds.
pub(crate) fn span(node: &Node) -> Result<i64, Spot> {
    let text = node.text()?;
    span_of(&text)
        .ok_or_else(|| node.wants("a span such as 30s, 15m, 6h or 30d", "时长，如30s、15m、6h、30d"))
}

/// The same from a bare text; `None` where it is not a span.
pub fn span_of(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    let n: i64 = text[..text.len() - 1].parse().ok()?;
    (n > 0).then(|| n.checked_mul(unit))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(micro_of("-3.25"), Some(-3_250_000));
        assert_eq!(micro_of("10"), Some(10_000_000));
        assert!(micro_of("1e3").is_none() && micro_of("").is_none() && micro_of("1.0000001").is_none());
        assert_eq!(decimal(-3_250_000, MICRO), "-3.25");
        assert_eq!(decimal(500_000_000, 100 * MICRO), "5");
    }
}
