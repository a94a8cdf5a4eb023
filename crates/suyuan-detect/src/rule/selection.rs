//! Selections: what a mapping, a list of mappings or a list of keywords asks of a row, whatever its schema.
//!
//! A mapping is "and", a list is "or"; a value list is "or" unless `all`. Keywords (values without a field) are looked for
//! in every text of the row. What can never match is a fault: a value that the field cannot hold, bounds that
//! exclude each other, an hour of 25.

use suyuan_model::outcome::Text;
use suyuan_model::{money, time};

use crate::error::Spot;
use crate::field::Ty;
use crate::kernel::{Cmp, Test};
use crate::part::{PARTS, Part};
use crate::pattern::{Cidr, Pattern, Re};
use crate::rule::modifier::{Ask, Given, Mods, values};
use crate::rule::{Expr, Leaf};
use crate::yaml::{Node, Value, unknown};

/// The fields there are.
pub(crate) trait Schema {
    /// A field, found.
    type Field: Clone + PartialEq;
    /// Finds a field by its name.
    fn field(&mut self, at: &Node, name: &str) -> Result<(Self::Field, Ty), Spot>;
    /// The fields that a keyword is looked for in.
    fn texts(&mut self) -> Vec<(Self::Field, String)>;
    /// Whether the field is one of the row itself, so that another can be compared with it.
    fn stored(&self, field: &Self::Field) -> bool;
    /// The field that `exists` asks, where it is another than the one that holds the value.
    fn presence(&mut self, field: &Self::Field) -> Self::Field;
}

/// Reads the selections of a detection or a filter; keys in `beside` are not selections.
pub(crate) fn selections<S: Schema>(
    block: &Node,
    beside: &[&str],
    schema: &mut S,
    given: &Given,
    leaves: &mut Vec<Leaf<S::Field>>,
) -> Result<Vec<(String, Expr)>, Spot> {
    let mut out = Vec::new();
    for (key, node) in block.map()? {
        let name = key.text()?;
        if beside.contains(&name.as_str()) {
            continue;
        }
        if name == "timeframe" {
            return Err(key.fault(
                Text::new("`timeframe` is of an older Sigma", "timeframe属于旧版Sigma"),
                Text::new("write a correlation with `timespan`", "请改写为带timespan的correlation"),
            ));
        }
        out.push((name, Reader { schema, given, leaves }.selection(node)?));
    }
    Ok(out)
}

struct Reader<'a, S: Schema> {
    schema: &'a mut S,
    given: &'a Given,
    leaves: &'a mut Vec<Leaf<S::Field>>,
}

/// A list of alternatives; one alone stands for itself.
pub(crate) fn any(mut list: Vec<Expr>) -> Expr {
    if list.len() == 1 { list.remove(0) } else { Expr::Any(list) }
}

fn all(mut list: Vec<Expr>) -> Expr {
    if list.len() == 1 { list.remove(0) } else { Expr::All(list) }
}

impl<S: Schema> Reader<'_, S> {
    fn selection(&mut self, node: &Node) -> Result<Expr, Spot> {
        let empty = || {
            node.fault(
                Text::new("an empty selection matches everything", "空的选择项会匹配全部记录"),
                Text::new("write `field: value` in it", "请在其中写“字段: 取值”"),
            )
        };
        match &node.value {
            Value::Map(items) if items.is_empty() => Err(empty()),
            Value::List(list) if list.is_empty() => Err(empty()),
            Value::Map(items) => {
                let from = self.leaves.len();
                let list = items.iter().map(|(k, v)| self.item(k, v)).collect::<Result<Vec<_>, _>>()?;
                self.bounds(items, from)?;
                Ok(all(list))
            }
            Value::List(list) => {
                let one = list.iter().map(|n| match &n.value {
                    Value::Map(_) => self.selection(n),
                    Value::List(_) => Err(n.wants("a mapping or a keyword", "映射或关键词")),
                    _ => self.keywords(n, n, &[]),
                });
                Ok(any(one.collect::<Result<_, _>>()?))
            }
            Value::Null => Err(empty()),
            _ => self.keywords(node, node, &[]),
        }
    }

    /// `field|modifiers: value`.
    fn item(&mut self, key: &Node, value: &Node) -> Result<Expr, Spot> {
        let text = key.text()?;
        let mut parts = text.split('|');
        let name = parts.next().unwrap_or_default().to_owned();
        let names: Vec<&str> = parts.collect();
        if name.is_empty() {
            return self.keywords(key, value, &names);
        }
        let mods = Mods::parse(key, &names)?;
        let (field, ty) = self.schema.field(key, &name)?;
        let e = match mods.ask {
            Ask::Exists => {
                let test = match value.value {
                    Value::Bool(true) => Test::Present,
                    Value::Bool(false) => Test::Absent,
                    _ => return Err(value.wants("true or false", "true或false")),
                };
                let field = self.schema.presence(&field);
                self.leaf(field, test, &name)
            }
            Ask::FieldRef(_) => self.reference(value, &mods, field, ty, &name)?,
            _ => self.asked(key, value, &mods, field, ty, &name)?,
        };
        Ok(if mods.negated { Expr::Not(Box::new(e)) } else { e })
    }

    fn leaf(&mut self, field: S::Field, test: Test, name: &str) -> Expr {
        self.leaves.push(Leaf { field, test, same_as: None, name: name.to_owned(), shown: None });
        Expr::Leaf(self.leaves.len() - 1)
    }

    fn reference(
        &mut self,
        value: &Node,
        mods: &Mods,
        field: S::Field,
        ty: Ty,
        name: &str,
    ) -> Result<Expr, Spot> {
        let Ask::FieldRef(how) = mods.ask else { unreachable!("only called for field references") };
        let mut list = Vec::new();
        for n in values(value, mods)? {
            let other = n.text()?;
            let (other, theirs) = self.schema.field(n, &other)?;
            let fits = textual(ty) && textual(theirs)
                || how == crate::kernel::How::Equal
                    && std::mem::discriminant(&ty) == std::mem::discriminant(&theirs);
            if !fits {
                let ((en, zh), (en2, zh2)) = (ty.name(), theirs.name());
                return Err(n.fault(
                    Text::new(format!("{en} cannot be compared with {en2}"), format!("{zh}不能与{zh2}比较")),
                    Text::new("name a field of the same type", "请写类型相同的字段"),
                ));
            }
            if !self.schema.stored(&other) {
                return Err(
                    n.wants("a field of the record, not a derived one", "记录自身的字段，而非派生字段")
                );
            }
            if other == field {
                return Err(n.fault(
                    Text::new("the field is compared with itself", "字段与自身比较"),
                    Text::new("name another field", "请写另一个字段"),
                ));
            }
            let at = Expr::Leaf(self.leaves.len());
            self.leaves.push(Leaf {
                field: field.clone(),
                test: Test::Present,
                same_as: Some((other, how)),
                name: name.to_owned(),
                shown: None,
            });
            list.push(at);
        }
        Ok(if mods.all { all(list) } else { any(list) })
    }

    /// Values: `null` among them asks for absence.
    fn asked(
        &mut self,
        key: &Node,
        value: &Node,
        mods: &Mods,
        field: S::Field,
        ty: Ty,
        name: &str,
    ) -> Result<Expr, Spot> {
        if let Some(m) = mods.wants_text()
            && !textual(ty)
        {
            return Err(impossible(key, m, ty));
        }
        let list = values(value, mods)?;
        let mut joined = Vec::new();
        let mut rest = Vec::new();
        for n in list {
            match (&n.value, mods.ask) {
                (Value::Null, Ask::Value) if mods.wants_text().is_none() => {
                    joined.push(self.leaf(field.clone(), Test::Absent, name));
                }
                (Value::Null, _) => return Err(n.wants("a value, not null", "取值，而非null")),
                _ => rest.push(n),
            }
        }
        for test in tests(key, value, &rest, mods, ty, self.given)? {
            let shown = match &test {
                Test::Int(cmp, _) | Test::Real(cmp, _) => {
                    Some(format!("{} {}", cmp.sign(), value.as_text().unwrap_or_default()))
                }
                _ => None,
            };
            joined.push(self.leaf(field.clone(), test, name));
            if let Some(l) = self.leaves.last_mut() {
                l.shown = shown;
            }
        }
        Ok(if mods.all { all(joined) } else { any(joined) })
    }

    fn keywords(&mut self, key: &Node, value: &Node, names: &[&str]) -> Result<Expr, Spot> {
        let mods = Mods::parse(key, names)?;
        if !matches!(mods.ask, Ask::Value | Ask::Re) {
            return Err(key.fault(
                Text::new(
                    format!("`{}` needs a field", names.first().unwrap_or(&"")),
                    format!("“{}”需要字段", names.first().unwrap_or(&"")),
                ),
                Text::new("write `field|modifier: value`", "写作“字段|修饰符: 取值”"),
            ));
        }
        let mut words = Vec::new();
        for n in values(value, &mods)? {
            words.push(match mods.ask {
                Ask::Re => Test::Re { list: vec![regex(n, &mods)?], all: false },
                _ => Test::Text { patterns: mods.patterns(n, self.given, true)?, all: false },
            });
        }
        let fields = self.schema.texts();
        let mut list = Vec::new();
        for w in words {
            let each = fields.iter().map(|(f, name)| self.leaf(f.clone(), w.clone(), name)).collect();
            list.push(any(each));
        }
        let e = if mods.all { all(list) } else { any(list) };
        Ok(if mods.negated { Expr::Not(Box::new(e)) } else { e })
    }

    /// Bounds of one field that leave nothing between them.
    fn bounds(&self, items: &[(Node, Node)], from: usize) -> Result<(), Spot> {
        let new = &self.leaves[from..];
        for (i, a) in new.iter().enumerate() {
            for b in &new[..i] {
                let (Some((low, open_low)), Some((high, open_high))) =
                    (bound(a, b, true), bound(a, b, false))
                else {
                    continue;
                };
                if a.field == b.field && (low > high || (low == high && (open_low || open_high))) {
                    let at = items.iter().find(|(k, _)| {
                        k.as_text().is_some_and(|t| t.split('|').next() == Some(a.name.as_str()))
                    });
                    return Err(at.map_or(&items[0].0, |i| &i.0).fault(
                        Text::new(
                            format!("no value of `{}` lies between these bounds", a.name),
                            format!("“{}”没有同时满足这些界限的取值", a.name),
                        ),
                        Text::new(
                            "put them into two selections joined by `or`",
                            "请拆成两个选择项并用or连接",
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The lower (or upper) bound that one of two leaves states, and whether it is open.
fn bound<F>(a: &Leaf<F>, b: &Leaf<F>, lower: bool) -> Option<(f64, bool)> {
    [a, b].into_iter().find_map(|l| {
        let (cmp, x) = match l.test {
            Test::Int(cmp, x) => (cmp, x as f64),
            Test::Real(cmp, x) => (cmp, x),
            _ => return None,
        };
        let is_lower = matches!(cmp, Cmp::Gt | Cmp::Gte);
        (is_lower == lower).then_some((x, matches!(cmp, Cmp::Gt | Cmp::Lt)))
    })
}

fn textual(ty: Ty) -> bool {
    matches!(ty, Ty::Text | Ty::Enum(_) | Ty::Set(_) | Ty::Any)
}

fn impossible(at: &Node, what: &str, ty: Ty) -> Spot {
    let (en, zh) = ty.name();
    at.fault(
        Text::new(format!("`{what}` cannot be asked of {en}"), format!("“{what}”不能用于{zh}")),
        Text::new(
            "take another field, or another modifier; `suyuan kinds` lists the fields with their types",
            "请换字段或修饰符；“suyuan kinds”列出各字段及其类型",
        ),
    )
}

/// The tests that values come to; with `all` each must hold, else any.
fn tests(
    key: &Node,
    value: &Node,
    list: &[&Node],
    mods: &Mods,
    ty: Ty,
    given: &Given,
) -> Result<Vec<Test>, Spot> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match mods.ask {
        Ask::Cidr => {
            let ranges = list.iter().map(|v| {
                Cidr::parse(&v.text()?)
                    .ok_or_else(|| v.wants("an address range such as 10.0.0.0/8", "网段，如10.0.0.0/8"))
            });
            vec![Test::Cidr(ranges.collect::<Result<_, _>>()?)]
        }
        Ask::Re => {
            let list = list.iter().map(|v| regex(v, mods)).collect::<Result<_, _>>()?;
            vec![Test::Re { list, all: mods.all }]
        }
        Ask::Compare(cmp) => vec![compare(key, value, cmp, ty)?],
        Ask::Part(part, cmp) => vec![part_test(key, list, part, cmp, ty, given)?],
        _ => match ty {
            Ty::Any if !mods.textual() && !mods.cased => open(list, mods, given)?,
            Ty::Any | Ty::Text => text(list, mods, given)?,
            Ty::Enum(names) => {
                let tests = text(list, mods, given)?;
                one_of(value, list, &tests, names)?;
                tests
            }
            Ty::Set(_) if mods.textual() => return Err(impossible(key, mods.wants_text().unwrap_or(""), ty)),
            Ty::Set(names) => {
                let values = list.iter().map(|v| named(v, names)).collect::<Result<_, _>>()?;
                vec![Test::Holds { values, all: mods.all }]
            }
            _ if mods.all => return Err(impossible(key, "all", ty)),
            Ty::Bool => match list {
                [Node { value: Value::Bool(b), .. }] => vec![Test::Bool(*b)],
                _ => return Err(value.wants("true or false", "true或false")),
            },
            Ty::Real => vec![Test::RealIn(list.iter().map(|v| real(v)).collect::<Result<_, _>>()?)],
            Ty::Int | Ty::Money | Ty::Time | Ty::Day => {
                vec![Test::IntIn(list.iter().map(|v| whole(v, ty)).collect::<Result<_, _>>()?)]
            }
        },
    })
}

fn regex(v: &Node, mods: &Mods) -> Result<Re, Spot> {
    let text = v.text()?;
    Re::new(&text, mods.flags).map_err(|e| {
        v.fault(
            Text::new(format!("the expression does not compile: {e}"), format!("正则表达式无法编译：{e}")),
            Text::new(
                "write it without look-around, back-references and large repetitions",
                "请勿使用环视、反向引用与过大的重复次数",
            ),
        )
    })
}

fn compare(key: &Node, value: &Node, cmp: Cmp, ty: Ty) -> Result<Test, Spot> {
    if !ty.ordered() {
        let name = key.as_text().unwrap_or_default();
        return Err(impossible(key, name.rsplit('|').next().unwrap_or_default(), ty));
    }
    Ok(match (ty, &value.value) {
        (_, Value::List(_)) => return Err(value.wants("one value, not a list", "单个取值，而非列表")),
        (Ty::Any, Value::Int(i)) => Test::Int(cmp, *i),
        (Ty::Real | Ty::Any, _) => Test::Real(cmp, real(value)?),
        _ => Test::Int(cmp, whole(value, ty)?),
    })
}

fn part_test(
    key: &Node,
    list: &[&Node],
    part: Part,
    cmp: Option<Cmp>,
    ty: Ty,
    given: &Given,
) -> Result<Test, Spot> {
    let spec = PARTS.iter().find(|p| p.1 == part).unwrap_or(&PARTS[0]);
    let timely =
        matches!(ty, Ty::Time | Ty::Any) || ty == Ty::Day && !matches!(part, Part::Minute | Part::Hour);
    if !timely {
        return Err(impossible(key, spec.0, ty));
    }
    if let (Some(_), [_, more, ..]) = (cmp, list) {
        return Err(more.wants("one value, not a list", "单个取值，而非列表"));
    }
    let mut values = Vec::new();
    for v in list {
        match v.value {
            Value::Int(i) if (spec.2..=spec.3).contains(&i) => values.push(i),
            _ => {
                return Err(v.wants(
                    &format!("a whole number from {} to {}", spec.2, spec.3),
                    &format!("{}至{}之间的整数", spec.2, spec.3),
                ));
            }
        }
    }
    Ok(Test::Part { part, zone: given.zone.clone(), cmp, values })
}

/// Of the open schema: a number asks for that number, a text for that text.
fn open(list: &[&Node], mods: &Mods, given: &Given) -> Result<Vec<Test>, Spot> {
    let mut out = Vec::new();
    let (mut whole, mut words) = (Vec::new(), Vec::new());
    for n in list {
        match n.value {
            Value::Int(i) if mods.all => out.push(Test::IntIn(vec![i])),
            Value::Int(i) => whole.push(i),
            Value::Real(r) => out.push(Test::RealIn(vec![r])),
            Value::Bool(b) => out.push(Test::Bool(b)),
            _ => words.push(*n),
        }
    }
    if !whole.is_empty() {
        out.push(Test::IntIn(whole));
    }
    if !words.is_empty() {
        out.extend(text(&words, mods, given)?);
    }
    Ok(out)
}

fn text(list: &[&Node], mods: &Mods, given: &Given) -> Result<Vec<Test>, Spot> {
    let each =
        list.iter().map(|v| mods.patterns(v, given, false)).collect::<Result<Vec<Vec<Pattern>>, _>>()?;
    if mods.all && each.iter().any(|p| p.len() > 1) {
        return Ok(each.into_iter().map(|patterns| Test::Text { patterns, all: false }).collect());
    }
    Ok(vec![Test::Text { patterns: each.into_iter().flatten().collect(), all: mods.all }])
}

/// A field of few values must be able to hold each of those asked.
fn one_of(value: &Node, list: &[&Node], tests: &[Test], names: &'static [&'static str]) -> Result<(), Spot> {
    for (i, v) in list.iter().enumerate() {
        let t = v.text()?;
        let plain = !t.contains(['*', '?', '\\']);
        let possible = match tests {
            [Test::Text { patterns, .. }] if patterns.len() == list.len() => {
                names.iter().any(|n| patterns[i].is(n))
            }
            _ => names.iter().any(|n| tests.iter().any(|t| t.text(n))),
        };
        if !possible {
            let at = if plain { v } else { value };
            return Err(unknown(at, "value", "取值", &t, names.iter().copied()));
        }
    }
    Ok(())
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
