//! A detection: the record kind, its selections checked against the kind's fields, its condition.

use suyuan_model::outcome::Text;
use suyuan_model::{Kind, money, time};

use crate::error::Spot;
use crate::field::{self, Ty};
use crate::kernel::{Cidr, Cmp, Pattern, Test};
use crate::rule::{DeriveUse, Expr, FieldRef, Leaf, condition};
use crate::yaml::{Node, Value, unknown};

/// What matches one row.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The name that correlations use.
    pub name: String,
    /// The record kind.
    pub kind: Kind,
    pub(crate) expr: Expr,
    pub(crate) leaves: Vec<Leaf>,
}

/// Reads the kind that `logsource` names.
pub(crate) fn kind(doc: &Node) -> Result<Kind, Spot> {
    let source = doc.need("logsource")?;
    if let Some(p) = source.get("product")
        && p.text()? != "suyuan"
    {
        return Err(p.fault(
            Text::new("the product must be `suyuan`", "product必须为“suyuan”"),
            Text::new(
                "write `logsource: {product: suyuan, service: opening}`",
                "写作“logsource: {product: suyuan, service: opening}”",
            ),
        ));
    }
    let service = source.need("service")?;
    let name = service.text()?;
    Kind::by_name(&name)
        .ok_or_else(|| unknown(service, "record kind", "记录类型", &name, Kind::ALL.iter().map(|k| k.name())))
}

/// Finds a field of the kind, or one that an operator derives for it.
pub(crate) fn resolve(
    at: &Node,
    kind: Kind,
    name: &str,
    derive: &[DeriveUse],
) -> Result<(FieldRef, Ty), Spot> {
    if let Some(c) = field::column(kind, name) {
        return Ok((FieldRef::Column(c.name), c.ty));
    }
    for (operator, d) in derive.iter().enumerate().filter(|(_, d)| d.spec.on.contains(&kind)) {
        if let Some(field) = d.fields.iter().position(|f| f.name == name) {
            return Ok((FieldRef::Derived { operator, field }, d.fields[field].ty));
        }
    }
    let derived = derive.iter().filter(|d| d.spec.on.contains(&kind)).flat_map(|d| &d.fields);
    let names: Vec<&str> =
        field::columns(kind).iter().map(|c| c.name).chain(derived.map(|f| f.name.as_str())).collect();
    let mut fault = unknown(at, "field", "字段", name, names.iter().copied());
    fault.what = Text::new(
        format!("`{}` has no field `{name}`", kind.name()),
        format!("记录类型“{}”没有字段“{name}”", kind.name()),
    );
    Err(fault)
}

impl Detection {
    pub(crate) fn parse(doc: &Node, name: String, derive: &[DeriveUse]) -> Result<Detection, Spot> {
        let kind = kind(doc)?;
        let block = doc.need("detection")?;
        let mut leaves = Vec::new();
        let mut selections = Vec::new();
        for (key, node) in block.map()? {
            let name = key.text()?;
            if name != "condition" {
                selections.push((name, selection(node, kind, derive, &mut leaves)?));
            }
        }
        let expr = condition::parse(block.need("condition")?, &selections)?;
        Ok(Detection { name, kind, expr, leaves })
    }
}

/// A mapping is "and", a list of mappings is "or".
fn selection(node: &Node, kind: Kind, derive: &[DeriveUse], leaves: &mut Vec<Leaf>) -> Result<Expr, Spot> {
    match &node.value {
        Value::Map(items) => {
            let mut all = Vec::new();
            for (key, value) in items {
                leaves.push(leaf(key, value, kind, derive)?);
                all.push(Expr::Leaf(leaves.len() - 1));
            }
            Ok(Expr::All(all))
        }
        Value::List(list) => {
            let any = list.iter().map(|n| match n.value {
                Value::Map(_) => selection(n, kind, derive, leaves),
                _ => Err(n.fault(
                    Text::new("search by keyword alone is not supported", "不支持仅按关键词检索"),
                    Text::new("name the field: `field|contains: word`", "请写明字段：“字段|contains: 词”"),
                )),
            });
            Ok(Expr::Any(any.collect::<Result<_, _>>()?))
        }
        _ => Err(node.wants("a mapping of fields, or a list of mappings", "字段映射或映射列表")),
    }
}

const MODIFIERS: [&str; 12] = [
    "contains",
    "startswith",
    "endswith",
    "all",
    "exists",
    "gt",
    "gte",
    "lt",
    "lte",
    "cidr",
    "cased",
    "fieldref",
];

fn leaf(key: &Node, value: &Node, kind: Kind, derive: &[DeriveUse]) -> Result<Leaf, Spot> {
    let text = key.text()?;
    let mut parts = text.split('|');
    let name = parts.next().unwrap_or_default();
    let mods: Vec<&str> = parts.collect();
    for m in &mods {
        if !MODIFIERS.contains(m) {
            return Err(unknown(key, "modifier", "修饰符", m, MODIFIERS));
        }
    }
    let (field, ty) = resolve(key, kind, name, derive)?;
    let mut leaf = Leaf { field, test: Test::Present, same_as: None, name: name.to_owned(), shown: None };
    if mods.contains(&"fieldref") {
        let other = value.text()?;
        match resolve(value, kind, &other, derive)? {
            (FieldRef::Column(c), _) => leaf.same_as = Some(c),
            _ => return Err(value.wants("a field of the record", "记录自身的字段")),
        }
        if !matches!(ty, Ty::Text | Ty::Enum(_)) {
            return Err(impossible(key, "fieldref", ty));
        }
        return Ok(leaf);
    }
    leaf.test = test(key, value, &mods, ty)?;
    if let Test::Int(cmp, _) | Test::Real(cmp, _) = &leaf.test {
        leaf.shown = Some(format!("{} {}", cmp.sign(), value.as_text().unwrap_or_default()));
    }
    Ok(leaf)
}

fn impossible(at: &Node, what: &str, ty: Ty) -> Spot {
    let (en, zh) = ty.name();
    at.fault(
        Text::new(format!("`{what}` cannot be asked of {en}"), format!("“{what}”不能用于{zh}")),
        Text::new("see the kind's fields for their types", "请查看该记录类型的字段定义"),
    )
}

fn test(key: &Node, value: &Node, mods: &[&str], ty: Ty) -> Result<Test, Spot> {
    let has = |m: &str| mods.contains(&m);
    if has("exists") {
        return match value.value {
            Value::Bool(true) => Ok(Test::Present),
            Value::Bool(false) => Ok(Test::Absent),
            _ => Err(value.wants("true or false", "true或false")),
        };
    }
    if value.value == Value::Null {
        return Ok(Test::Absent);
    }
    let cmp = [("gt", Cmp::Gt), ("gte", Cmp::Gte), ("lt", Cmp::Lt), ("lte", Cmp::Lte)]
        .into_iter()
        .find(|(m, _)| has(m));
    if let Some((name, cmp)) = cmp {
        if !ty.ordered() {
            return Err(impossible(key, name, ty));
        }
        return Ok(match ty {
            Ty::Real => Test::Real(cmp, real(value)?),
            _ => Test::Int(cmp, whole(value, ty)?),
        });
    }
    let values = value.one_or_more();
    if values.is_empty() {
        return Err(value.wants("at least one value", "至少一个值"));
    }
    let textual = matches!(ty, Ty::Text | Ty::Enum(_) | Ty::Set(_));
    for m in ["contains", "startswith", "endswith", "cased", "cidr"] {
        if has(m) && !textual {
            return Err(impossible(key, m, ty));
        }
    }
    if has("cidr") {
        let ranges = values.iter().map(|v| {
            Cidr::parse(&v.text()?)
                .ok_or_else(|| v.wants("an address range such as 10.0.0.0/8", "网段，如10.0.0.0/8"))
        });
        return Ok(Test::Cidr(ranges.collect::<Result<_, _>>()?));
    }
    match ty {
        Ty::Bool => match value.value {
            Value::Bool(b) => Ok(Test::Bool(b)),
            _ => Err(value.wants("true or false", "true或false")),
        },
        Ty::Real => Ok(Test::RealIn(values.iter().map(real).collect::<Result<_, _>>()?)),
        Ty::Int | Ty::Money | Ty::Time | Ty::Day => {
            Ok(Test::IntIn(values.iter().map(|v| whole(v, ty)).collect::<Result<_, _>>()?))
        }
        Ty::Set(names) => {
            let values = values.iter().map(|v| named(v, names)).collect::<Result<_, _>>()?;
            Ok(Test::Holds { values, all: has("all") })
        }
        Ty::Enum(names) if !has("contains") && !has("startswith") && !has("endswith") => {
            for v in values {
                let t = v.text()?;
                if !t.contains(['*', '?']) {
                    named(v, names)?;
                }
            }
            patterns(values, mods)
        }
        Ty::Enum(_) | Ty::Text => patterns(values, mods),
    }
}

fn patterns(values: &[Node], mods: &[&str]) -> Result<Test, Spot> {
    let has = |m: &str| mods.contains(&m);
    let (before, after) = (has("contains") || has("endswith"), has("contains") || has("startswith"));
    let patterns =
        values.iter().map(|v| Ok(Pattern::parse(&v.text()?, before, after))).collect::<Result<_, Spot>>()?;
    Ok(Test::Text { patterns, all: has("all"), cased: has("cased") })
}

fn named(v: &Node, names: &'static [&'static str]) -> Result<String, Spot> {
    let t = v.text()?;
    if names.contains(&t.as_str()) {
        return Ok(t);
    }
    Err(unknown(v, "value", "取值", &t, names.iter().copied()))
}

fn real(v: &Node) -> Result<f64, Spot> {
    match v.value {
        Value::Int(i) => Ok(i as f64),
        Value::Real(r) => Ok(r),
        _ => Err(v.wants("a number", "数值")),
    }
}

fn whole(v: &Node, ty: Ty) -> Result<i64, Spot> {
    let text = v.as_text().unwrap_or_default();
    match (ty, &v.value) {
        (Ty::Int, Value::Int(i)) => Ok(*i),
        (Ty::Money, _) => money::parse_yuan(&text).ok_or_else(|| v.wants("an amount in yuan", "金额（元）")),
        (Ty::Time, _) => time::parse(&text).ok_or_else(|| v.wants("a time with its offset", "带时区的时间")),
        (Ty::Day, _) => {
            time::parse_day(&text).ok_or_else(|| v.wants("a day such as 2020-03-01", "日期，如2020-03-01"))
        }
        _ => Err(v.wants("a whole number", "整数")),
    }
}
