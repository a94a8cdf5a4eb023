//! A correlation: how many, how many different, how much, or in which order, within a span of time.
//!
//! Meanings, frozen: the window of a row at `t` is `(t - timespan, t]` on the total order `(ts, source, seq)`, so a
//! later row of the same instant is not in it. The condition is asked at each matching row. A row
//! without a group key, or without the counted value, is not counted. Sums are whole numbers.

use suyuan_model::outcome::Text;
use suyuan_model::time::{DAY, HOUR, SECOND};

use crate::error::Spot;
use crate::field::Ty;
use crate::kernel::Cmp;
use crate::rule::detection::{Detection, resolve};
use crate::rule::{DeriveUse, FieldRef};
use crate::yaml::{Node, Value, unknown};

/// What is asked of the rows of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Each matching row by itself.
    Each,
    /// How many rows.
    EventCount,
    /// How many different values of a field.
    ValueCount,
    /// The sum of a field.
    ValueSum,
    /// All detections, in any order.
    Temporal,
    /// All detections, in their order.
    TemporalOrdered,
}

const TYPES: [(&str, Measure); 5] = [
    ("event_count", Measure::EventCount),
    ("value_count", Measure::ValueCount),
    ("value_sum", Measure::ValueSum),
    ("temporal", Measure::Temporal),
    ("temporal_ordered", Measure::TemporalOrdered),
];

/// A correlation over the detections of its file.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// What is asked.
    pub measure: Measure,
    /// The detections, by index, in the order of `rules`.
    pub steps: Vec<usize>,
    /// The length of the window, microseconds.
    pub timespan: i64,
    pub(crate) group_by: Vec<Vec<FieldRef>>,
    /// The names of the group's fields, for people.
    pub group_names: Vec<String>,
    pub(crate) value: Vec<FieldRef>,
    /// The counted field's name.
    pub value_name: Option<String>,
    pub(crate) conditions: Vec<(Cmp, i64)>,
}

impl Correlation {
    /// A rule without a correlation: every matching row.
    pub(crate) fn each() -> Correlation {
        Correlation {
            measure: Measure::Each,
            steps: vec![0],
            timespan: 0,
            group_by: vec![Vec::new()],
            group_names: Vec::new(),
            value: Vec::new(),
            value_name: None,
            conditions: Vec::new(),
        }
    }

    /// The condition in signs: `≥ 10`.
    pub fn threshold(&self) -> Option<String> {
        let list: Vec<String> = self.conditions.iter().map(|(c, n)| format!("{} {n}", c.sign())).collect();
        (!list.is_empty()).then(|| list.join(", "))
    }

    pub(crate) fn holds(&self, n: i64) -> bool {
        self.conditions.iter().all(|(c, x)| c.holds(n, *x))
    }

    pub(crate) fn parse(
        doc: &Node,
        detections: &[Detection],
        derive: &[DeriveUse],
    ) -> Result<Correlation, Spot> {
        let block = doc.need("correlation")?;
        block.only(&["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"])?;
        let kind_node = block.need("type")?;
        let name = kind_node.text()?;
        let measure =
            TYPES.iter().find(|(n, _)| *n == name).map(|t| t.1).ok_or_else(|| {
                unknown(kind_node, "correlation type", "关联类型", &name, TYPES.map(|t| t.0))
            })?;
        let mut steps = Vec::new();
        for n in block.need("rules")?.one_or_more() {
            let name = n.text()?;
            let at = detections.iter().position(|d| d.name == name).ok_or_else(|| {
                unknown(n, "rule", "规则", &name, detections.iter().map(|d| d.name.as_str()))
            })?;
            steps.push(at);
        }
        let ordered = matches!(measure, Measure::Temporal | Measure::TemporalOrdered);
        if ordered && steps.len() < 2 {
            return Err(block.need("rules")?.wants("at least two rules", "至少两条规则"));
        }
        let timespan = span(block.need("timespan")?)?;
        let (group_by, group_names) = groups(block, &steps, detections, derive)?;
        let mut c = Correlation {
            measure,
            steps,
            timespan,
            group_by,
            group_names,
            value: Vec::new(),
            value_name: None,
            conditions: Vec::new(),
        };
        if !ordered {
            c.condition(block.need("condition")?, detections, derive)?;
        }
        Ok(c)
    }

    fn condition(&mut self, node: &Node, detections: &[Detection], derive: &[DeriveUse]) -> Result<(), Spot> {
        for (key, value) in node.map()? {
            let name = key.text()?;
            let number = || match value.value {
                Value::Int(i) => Ok(i),
                _ => Err(value.wants("a whole number", "整数")),
            };
            match name.as_str() {
                "gt" => self.conditions.push((Cmp::Gt, number()?)),
                "gte" => self.conditions.push((Cmp::Gte, number()?)),
                "lt" => self.conditions.push((Cmp::Lt, number()?)),
                "lte" => self.conditions.push((Cmp::Lte, number()?)),
                "eq" => self.conditions.extend([(Cmp::Gte, number()?), (Cmp::Lte, number()?)]),
                "field" => {
                    let field = value.text()?;
                    for s in &self.steps {
                        let (f, ty) = resolve(value, detections[*s].kind, &field, derive)?;
                        if self.measure == Measure::ValueSum && ty != Ty::Int && ty != Ty::Money {
                            return Err(value.wants("a field of whole numbers or money", "整数或金额字段"));
                        }
                        self.value.push(f);
                    }
                    self.value_name = Some(field);
                }
                _ => {
                    return Err(unknown(
                        key,
                        "condition",
                        "条件",
                        &name,
                        ["gt", "gte", "lt", "lte", "eq", "field"],
                    ));
                }
            }
        }
        if self.conditions.is_empty() {
            return Err(node.wants("gt, gte, lt, lte or eq with a number", "gt、gte、lt、lte或eq及其数值"));
        }
        if self.measure != Measure::EventCount && self.value.is_empty() {
            node.need("field")?;
        }
        Ok(())
    }
}

type Groups = (Vec<Vec<FieldRef>>, Vec<String>);

/// The group's fields of each step; an alias may name another field in each rule.
fn groups(
    block: &Node,
    steps: &[usize],
    detections: &[Detection],
    derive: &[DeriveUse],
) -> Result<Groups, Spot> {
    let mut names = Vec::new();
    let mut by_step = vec![Vec::new(); steps.len()];
    let Some(list) = block.get("group-by") else { return Ok((by_step, names)) };
    for n in list.one_or_more() {
        let name = n.text()?;
        let alias = block.get("aliases").and_then(|a| a.get(&name));
        for (at, s) in steps.iter().enumerate() {
            let d = &detections[*s];
            let (node, field) = match alias {
                Some(a) => {
                    let f = a.need(&d.name)?;
                    (f, f.text()?)
                }
                None => (n, name.clone()),
            };
            let (f, ty) = resolve(node, d.kind, &field, derive)?;
            if matches!(ty, Ty::Real | Ty::Time | Ty::Money | Ty::Bool) {
                return Err(node.fault(
                    Text::new(format!("`{field}` cannot be a group key"), format!("“{field}”不能用作分组键")),
                    Text::new(
                        "group by an id, a text, a day or a whole number",
                        "请按编号、文本、日期或整数分组",
                    ),
                ));
            }
            by_step[at].push(f);
        }
        names.push(name);
    }
    Ok((by_step, names))
}

/// `30s`, `15m`, `6h`, `30d` in microseconds.
pub(crate) fn span(node: &Node) -> Result<i64, Spot> {
    let text = node.text()?;
    span_of(&text)
        .ok_or_else(|| node.wants("a span such as 30s, 15m, 6h or 30d", "时长，如30s、15m、6h、30d"))
}

/// The same from a bare text.
pub(crate) fn span_of(text: &str) -> Option<i64> {
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
