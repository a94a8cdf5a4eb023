//! The modifiers of a field, and what they make of its values.
//!
//! All of the Sigma 2.1 appendix: `contains`, `startswith`, `endswith`, `all`, `cased`, `exists`, `neq`; `re` with
//! `i`, `m`, `s`; `base64`, `base64offset`, `utf16le` (also `wide`), `utf16be`, `utf16`, `windash`; `cidr`; `gt`, `gte`,
//! `lt`, `lte`; `minute`, `hour`, `day`, `week`, `month`, `year`; `expand`, `fieldref`. They are applied in the order
//! in which they stand. Beyond Sigma, a part of the time may be compared: `ts|hour|gte: 22`.
//!
//! What a modifier makes of a value stands in `rewrite`; `neq` is `not`.

use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::kernel::{Cmp, How};
use crate::part::{PARTS, Part, Zone};
use crate::pattern::{Flags, Pattern, pieces};
use crate::rule::rewrite::{apply, around};
use crate::yaml::{Node, Value, unknown};

const NAMES: [&str; 34] = [
    "contains",
    "startswith",
    "endswith",
    "all",
    "cased",
    "exists",
    "neq",
    "re",
    "i",
    "m",
    "s",
    "ignorecase",
    "multiline",
    "dotall",
    "base64",
    "base64offset",
    "utf16le",
    "utf16be",
    "utf16",
    "wide",
    "windash",
    "cidr",
    "gt",
    "gte",
    "lt",
    "lte",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "expand",
    "fieldref",
];

/// What one value with placeholders or offsets may become.
pub(crate) const MAX_EXPANDED: usize = 1_000;

/// What a rule gives for its values: the zone of its times, the values of its placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub zone: Zone,
    pub placeholders: Vec<(String, Vec<String>)>,
}

impl Default for Given {
    fn default() -> Self {
        Self { zone: Zone::china(), placeholders: Vec::new() }
    }
}

impl Given {
    /// Reads `zone` and `placeholders` of the `suyuan:` block.
    pub fn parse(block: Option<&Node>) -> Result<Given, Spot> {
        let mut given = Given::default();
        let Some(block) = block else { return Ok(given) };
        if let Some(n) = block.get("zone") {
            let name = n.text()?;
            given.zone = Zone::named(&name).ok_or_else(|| {
                n.fault(
                    Text::new(format!("there is no time zone `{name}`"), format!("没有时区“{name}”")),
                    Text::new("write an IANA name such as Asia/Shanghai", "请写IANA时区名，如Asia/Shanghai"),
                )
            })?;
        }
        if let Some(n) = block.get("placeholders") {
            for (k, v) in n.map()? {
                let values = v.one_or_more().iter().map(Node::text).collect::<Result<_, _>>()?;
                given.placeholders.push((k.text()?.trim_matches('%').to_owned(), values));
            }
        }
        Ok(given)
    }
}

/// What a leaf asks, as far as its modifiers say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ask {
    /// Values as they stand, or as text patterns.
    Value,
    Exists,
    Cidr,
    Re,
    Compare(Cmp),
    Part(Part, Option<Cmp>),
    FieldRef(How),
}

/// The modifiers of a key.
#[derive(Clone, Debug)]
pub(crate) struct Mods {
    pub ask: Ask,
    pub all: bool,
    pub cased: bool,
    pub negated: bool,
    pub flags: Flags,
    /// Those that change the text, in order.
    text: Vec<String>,
}

impl Mods {
    /// Whether values are compared as text, whatever they look like.
    pub fn textual(&self) -> bool {
        self.ask == Ask::Value && !self.text.is_empty()
    }
    /// The first modifier that only texts can answer.
    pub fn wants_text(&self) -> Option<&str> {
        match self.ask {
            Ask::Value => self.text.first().map(String::as_str).or(self.cased.then_some("cased")),
            Ask::Re => Some("re"),
            Ask::Cidr => Some("cidr"),
            _ => None,
        }
    }

    pub fn parse(key: &Node, names: &[&str]) -> Result<Mods, Spot> {
        let mut m = Mods {
            ask: Ask::Value,
            all: false,
            cased: false,
            negated: false,
            flags: Flags::default(),
            text: Vec::new(),
        };
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            if !NAMES.contains(name) {
                return Err(unknown(key, "modifier", "修饰符", name, NAMES));
            }
            if seen.contains(name) {
                return Err(clash(key, name, name));
            }
            m.take(key, name, &seen)?;
            seen.push(name);
        }
        m.fits(key, &seen)?;
        Ok(m)
    }

    fn take(&mut self, key: &Node, name: &str, seen: &[&str]) -> Result<(), Spot> {
        let cmp = [("gt", Cmp::Gt), ("gte", Cmp::Gte), ("lt", Cmp::Lt), ("lte", Cmp::Lte)];
        let cmp = cmp.into_iter().find(|c| c.0 == name).map(|c| c.1);
        let part = PARTS.iter().find(|p| p.0 == name).map(|p| p.1);
        let ask = match (name, self.ask) {
            ("all", _) => return set(&mut self.all),
            ("cased", _) => return set(&mut self.cased),
            ("neq", _) => return set(&mut self.negated),
            ("i" | "ignorecase", Ask::Re) => return set(&mut self.flags.ignore_case),
            ("m" | "multiline", Ask::Re) => return set(&mut self.flags.lines),
            ("s" | "dotall", Ask::Re) => return set(&mut self.flags.dot_all),
            ("i" | "m" | "s" | "ignorecase" | "multiline" | "dotall", _) => {
                return Err(key.fault(
                    Text::new(format!("`{name}` belongs to `re`"), format!("“{name}”只用于re之后")),
                    Text::new(format!("write `field|re|{name}`"), format!("写作“字段|re|{name}”")),
                ));
            }
            ("exists", Ask::Value) => Ask::Exists,
            ("cidr", Ask::Value) => Ask::Cidr,
            ("re", Ask::Value) => Ask::Re,
            ("fieldref", Ask::Value) => {
                let how = self.how(key)?;
                self.text.clear();
                Ask::FieldRef(how)
            }
            ("startswith", Ask::FieldRef(How::Equal)) => Ask::FieldRef(How::Starts),
            ("endswith", Ask::FieldRef(How::Equal)) => Ask::FieldRef(How::Ends),
            ("contains", Ask::FieldRef(How::Equal)) => Ask::FieldRef(How::Contains),
            (_, Ask::Value) if cmp.is_some() => Ask::Compare(cmp.unwrap_or(Cmp::Gt)),
            (_, Ask::Part(p, None)) if cmp.is_some() => Ask::Part(p, cmp),
            (_, Ask::Value) if part.is_some() => Ask::Part(part.unwrap_or(Part::Hour), None),
            (_, Ask::Value) if cmp.is_none() && part.is_none() => {
                self.text.push(name.to_owned());
                return Ok(());
            }
            _ => return Err(clash(key, seen.last().unwrap_or(&""), name)),
        };
        if !self.text.is_empty() {
            return Err(clash(key, &self.text[0].clone(), name));
        }
        self.ask = ask;
        Ok(())
    }

    fn how(&self, key: &Node) -> Result<How, Spot> {
        match self.text.as_slice() {
            [] => Ok(How::Equal),
            [m] if m == "startswith" => Ok(How::Starts),
            [m] if m == "endswith" => Ok(How::Ends),
            [m] if m == "contains" => Ok(How::Contains),
            [m, ..] => Err(clash(key, m, "fieldref")),
        }
    }

    /// Combinations that say nothing, or two things.
    fn fits(&self, key: &Node, seen: &[&str]) -> Result<(), Spot> {
        let around: Vec<&str> =
            seen.iter().filter(|m| ["contains", "startswith", "endswith"].contains(m)).copied().collect();
        if let [a, b, ..] = around.as_slice() {
            return Err(clash(key, a, b));
        }
        let position = |m: &str| seen.iter().position(|s| *s == m);
        let encoded = position("base64").or(position("base64offset"));
        if let (Some(a), Some(at)) = (around.first(), encoded)
            && position(a).is_some_and(|p| p < at)
        {
            return Err(key.fault(
                Text::new(
                    format!("`{a}` stands before `{}`", seen[at]),
                    format!("“{a}”写在“{}”之前", seen[at]),
                ),
                Text::new(
                    format!("encode first: `|{}|{a}`", seen[at]),
                    format!("请先编码：“|{}|{a}”", seen[at]),
                ),
            ));
        }
        if let (Some(w), Some(at)) = (position("windash"), encoded) {
            return Err(clash(key, seen[w.min(at)], seen[w.max(at)]));
        }
        let wide = ["utf16le", "utf16be", "utf16", "wide"].into_iter().find(|w| position(w).is_some());
        if let Some(w) = wide
            && encoded.is_none_or(|at| position(w).is_none_or(|p| p > at))
        {
            return Err(key.fault(
                Text::new(format!("`{w}` without an encoding after it"), format!("“{w}”之后没有编码修饰符")),
                Text::new(
                    format!("records hold text; write `|{w}|base64offset|contains`"),
                    format!("记录中是文本，请写“|{w}|base64offset|contains”"),
                ),
            ));
        }
        let idle = match self.ask {
            Ask::Value => None,
            Ask::Exists => ["all", "cased", "neq"].into_iter().find(|m| position(m).is_some()),
            Ask::Re | Ask::FieldRef(_) => ["cased"].into_iter().find(|m| position(m).is_some()),
            Ask::Cidr => ["all", "cased"].into_iter().find(|m| position(m).is_some()),
            Ask::Compare(_) | Ask::Part(_, Some(_)) => {
                ["all", "cased", "neq"].into_iter().find(|m| position(m).is_some())
            }
            Ask::Part(_, None) => ["all", "cased"].into_iter().find(|m| position(m).is_some()),
        };
        match idle {
            Some(m) => {
                let with = seen.iter().find(|s| **s != m).copied().unwrap_or_default();
                Err(clash(key, with, m))
            }
            None => Ok(()),
        }
    }

    /// The patterns that a value stands for: any of them will do.
    pub fn patterns(&self, v: &Node, given: &Given, keyword: bool) -> Result<Vec<Pattern>, Spot> {
        let mut list = vec![pieces(&v.text()?)];
        for m in &self.text {
            let mut next = Vec::new();
            for p in list {
                next.extend(apply(m, p, v, given)?);
                if next.len() > MAX_EXPANDED {
                    return Err(v.fault(
                        Text::new(
                            format!("the value stands for more than {MAX_EXPANDED} others"),
                            format!("该取值展开后超过{MAX_EXPANDED}个"),
                        ),
                        Text::new("use fewer placeholders in one value", "请减少一个取值中的占位符"),
                    ));
                }
            }
            list = next;
        }
        if keyword {
            list = list.into_iter().map(around).collect();
        }
        Ok(list.into_iter().map(|p| Pattern::new(p, self.cased)).collect())
    }
}

fn set(flag: &mut bool) -> Result<(), Spot> {
    *flag = true;
    Ok(())
}

fn clash(key: &Node, a: &str, b: &str) -> Spot {
    if a == b {
        return key.fault(
            Text::new(format!("`{a}` stands here twice"), format!("“{a}”重复")),
            Text::new("keep one of them", "请只保留一个"),
        );
    }
    key.fault(
        Text::new(format!("`{a}` and `{b}` do not go together"), format!("“{a}”与“{b}”不能同时使用")),
        Text::new("split them into two selections", "请拆成两个选择项"),
    )
}

/// The values of a key: at least one; `all` wants two.
pub(crate) fn values<'n>(value: &'n Node, mods: &Mods) -> Result<&'n [Node], Spot> {
    let list = value.one_or_more();
    if list.is_empty() {
        return Err(value.wants("at least one value", "至少一个值"));
    }
    if mods.all && list.len() < 2 {
        return Err(value.fault(
            Text::new("`all` with a single value", "“all”只有一个取值"),
            Text::new("take `all` away, or give a list", "请去掉all，或给出列表"),
        ));
    }
    if let Some(n) = list.iter().find(|n| matches!(n.value, Value::Map(_) | Value::List(_))) {
        return Err(n.wants("a value, not a list or mapping", "单个取值，而非列表或映射"));
    }
    Ok(list)
}
