//! The documents of a file into a [`Rule`]: Sigma's own keys and the `suyuan:` block.

use serde::de::DeserializeOwned;
use suyuan_model::outcome::{Confidence, EntityKind, Family, Level, Text};
use suyuan_model::time;

use crate::check;
use crate::derive::{self, Params};
use crate::detector::{self, DetectorUse};
use crate::error::Spot;
use crate::field::Ty;
use crate::rule::correlation::Correlation;
use crate::rule::detection::{Detection, resolve};
use crate::rule::modifier::Given;
use crate::rule::{CheckUse, DeriveUse, FieldRef, Mode, Names, Rule, Suppression, example};
use crate::yaml::{Node, Value, unknown};

const KEYS: [&str; 27] = [
    "emit",
    "rearm",
    "sequence",
    "absence",
    "mode",
    "suppress",
    "detector",
    "scheme",
    "title_zh",
    "description_zh",
    "family",
    "confidence",
    "threshold_from",
    "entity",
    "involved",
    "derive",
    "explain",
    "clears",
    "cannot_tell",
    "nats",
    "hit",
    "miss",
    "version",
    "zone",
    "placeholders",
    "note",
    "references",
];
const FAMILIES: [&str; 12] = [
    "login", "location", "device", "stock", "identity", "opening", "access", "use", "money", "outcome",
    "exhibit", "score",
];
const CONFIDENCES: [&str; 4] = ["primary", "secondary", "engineering", "unconfirmed"];
const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const ENTITIES: [&str; 17] = [
    "account",
    "device",
    "outlet",
    "agent",
    "card",
    "person",
    "party",
    "collector",
    "employer",
    "face",
    "background",
    "fraud_case",
    "object",
    "recipient",
    "address",
    "imei",
    "cell",
];

pub(super) fn build(docs: &[Node], id: String, hash: String) -> Result<Rule, Spot> {
    let Some(main) = docs.last() else {
        let nothing = Node { line: 1, column: 1, value: Value::Null };
        return Err(nothing.wants("a rule", "一条规则"));
    };
    let block = main.need("suyuan")?;
    block.only(&KEYS)?;
    let derive = derives(block)?;
    let detections = detections(docs, main, block, &derive)?;
    let detector = detector(block, &detections)?;
    let inner = inner(docs, &detections, &derive)?;
    let correlation = match main.get("correlation") {
        Some(c) if detector.is_some() => {
            return Err(c.fault(
                Text::new("a detector and a correlation in one rule", "同一规则中既有检测器又有关联"),
                Text::new("keep one of them", "请只保留其一"),
            ));
        }
        Some(_) => Correlation::parse(main, String::new(), &detections, &inner, &derive)?,
        None => Correlation::each(),
    };
    let last = &detections[*correlation.steps.last().unwrap_or(&0)];
    let entity = names(block.need("entity")?)?;
    // Every step that can fire the rule must name the accused; an ordered one fires at its last step. A detector names it
    // itself, from whichever of its rows has it.
    let named = |d: &&Detection| resolve(block, d.kind, &entity.field, &derive).is_ok();
    let last = if detector.is_some() { detections.iter().find(named).unwrap_or(last) } else { last };
    resolve(block.need("entity")?, last.kind, &entity.field, &derive)?;
    let mut involved = Vec::new();
    if let Some(list) = block.get("involved") {
        for n in list.list()? {
            let used = names(n)?;
            let known = detections.iter().any(|d| resolve(n, d.kind, &used.field, &[]).is_ok());
            if !known {
                resolve(n, last.kind, &used.field, &[])?;
            }
            involved.push(used);
        }
    }
    let nats = block.get("nats").map(|n| -> Result<String, Spot> {
        let name = n.text()?;
        match resolve(n, last.kind, &name, &derive)? {
            (FieldRef::Derived { .. }, Ty::Real) => Ok(name),
            _ => Err(n.wants("a derived number", "派生数值字段")),
        }
    });
    let generate = match main.get("correlation").and_then(|c| c.get("generate")).map(|n| (n, &n.value)) {
        None => false,
        Some((_, Value::Bool(b))) => *b,
        Some((n, _)) => return Err(n.wants("true or false", "true或false")),
    };
    let mut rule = Rule {
        generated: Vec::new(),
        title: Text::new(main.need("title")?.text()?, block.need("title_zh")?.text()?),
        description: Text::new(main.need("description")?.text()?, block.need("description_zh")?.text()?),
        scheme: block.need("scheme")?.text()?,
        family: word::<Family>(block.need("family")?, &FAMILIES)?,
        confidence: word::<Confidence>(block.need("confidence")?, &CONFIDENCES)?,
        threshold_from: both(block.need("threshold_from")?)?,
        level: word::<Level>(main.need("level")?, &LEVELS)?,
        entity,
        involved,
        clears: both(block.need("clears")?)?,
        cannot_tell: both(block.need("cannot_tell")?)?,
        nats: nats.transpose()?,
        hits: example::parse(block, "hit")?,
        misses: example::parse(block, "miss")?,
        checks: checks(block)?,
        detections,
        correlation,
        inner,
        mode: match block.get("mode").map(|n| n.text().map(|t| (n, t))).transpose()? {
            None => Mode::Alert,
            Some((n, t)) => match t.as_str() {
                "alert" => Mode::Alert,
                "shadow" => Mode::Shadow,
                other => return Err(unknown(n, "value", "取值", other, ["alert", "shadow"])),
            },
        },
        suppressed: suppressed(block)?,
        derive,
        detector,
        id,
        hash,
    };
    if generate {
        rule.generated = generated(docs, &rule)?;
    }
    Ok(rule)
}

/// Each referred detection as a rule of its own: it says what its document says, about whom the whole rule says, and
/// is tried on the whole rule's hits.
fn generated(docs: &[Node], whole: &Rule) -> Result<Vec<Rule>, Spot> {
    let mut out = Vec::new();
    for d in &whole.detections {
        let doc = docs.iter().find(|n| n.get("name").and_then(Node::as_text).as_deref() == Some(&d.name));
        let Some(doc) = doc else { continue };
        resolve(doc, d.kind, &whole.entity.field, &whole.derive)?;
        let mut one = whole.clone();
        one.id = format!("{}#{}", whole.id, d.name);
        let title = doc.get("title").map_or_else(|| Ok(d.name.clone()), Node::text)?;
        let title_zh = doc
            .get("suyuan")
            .and_then(|s| s.get("title_zh"))
            .map_or_else(|| Ok(title.clone()), Node::text)?;
        one.title = Text::new(title, title_zh);
        one.level = doc.get("level").map_or(Ok(Level::Informational), |n| word::<Level>(n, &LEVELS))?;
        one.detections = vec![d.clone()];
        one.correlation = Correlation::each();
        one.inner = Vec::new();
        one.misses = Vec::new();
        out.push(one);
    }
    Ok(out)
}

fn detections(
    docs: &[Node],
    main: &Node,
    block: &Node,
    derive: &[DeriveUse],
) -> Result<Vec<Detection>, Spot> {
    let given = &Given::parse(Some(block))?;
    let mut out: Vec<Detection> = Vec::new();
    if main.get("correlation").is_none() && (block.get("detector").is_none() || docs.len() == 1) {
        if docs.len() > 1 {
            return Err(main.fault(
                Text::new("several detections without a correlation", "有多个检测但没有关联"),
                Text::new(
                    "end the file with a document that has `correlation:`",
                    "请在文件末尾加上含“correlation:”的文档",
                ),
            ));
        }
        out.push(Detection::parse(main, "main".to_owned(), derive, given)?);
        return Ok(out);
    }
    for doc in docs[..docs.len() - 1].iter().filter(|d| d.get("correlation").is_none()) {
        let node = doc.need("name")?;
        let name = node.text()?;
        if out.iter().any(|d| d.name == name) {
            return Err(node.fault(
                Text::new(format!("two rules named `{name}`"), format!("规则名“{name}”重复")),
                Text::new("give each its own name", "请分别命名"),
            ));
        }
        out.push(Detection::parse(doc, name, derive, given)?);
    }
    if out.is_empty() && main.get("correlation").is_some() {
        return Err(main
            .need("correlation")?
            .wants("detections before the correlation", "关联之前应有检测文档"));
    }
    Ok(out)
}

fn both(n: &Node) -> Result<Text, Spot> {
    n.only(&["en", "zh"])?;
    Ok(Text::new(n.need("en")?.text()?, n.need("zh")?.text()?))
}

fn word<T: DeserializeOwned>(n: &Node, names: &[&str]) -> Result<T, Spot> {
    let name = n.text()?;
    serde_json::from_value(serde_json::Value::String(name.clone()))
        .map_err(|_| unknown(n, "value", "取值", &name, names.iter().copied()))
}

/// `{field: account, kind: account}`, or the short form `{account: account}`.
fn names(n: &Node) -> Result<Names, Spot> {
    let map = n.map()?;
    if let [(field, kind)] = map {
        return Ok(Names { field: field.text()?, kind: word::<EntityKind>(kind, &ENTITIES)? });
    }
    n.only(&["field", "kind"])?;
    Ok(Names { field: n.need("field")?.text()?, kind: word::<EntityKind>(n.need("kind")?, &ENTITIES)? })
}

/// An entry `name` or `name: {param: value, ...}` of a list.
fn named_entries(block: &Node, key: &str) -> Result<Vec<(Node, String, Option<Node>)>, Spot> {
    let Some(list) = block.get(key) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for n in list.list()? {
        match &n.value {
            Value::Map(m) if m.len() == 1 => out.push((m[0].0.clone(), m[0].0.text()?, Some(m[0].1.clone()))),
            _ => out.push((n.clone(), n.text()?, None)),
        }
    }
    Ok(out)
}

fn derives(block: &Node) -> Result<Vec<DeriveUse>, Spot> {
    let mut out: Vec<DeriveUse> = Vec::new();
    for (at, name, given) in named_entries(block, "derive")? {
        let spec = derive::ALL
            .iter()
            .find(|s| s.name == name)
            .ok_or_else(|| unknown(&at, "operator", "算子", &name, derive::ALL.iter().map(|s| s.name)))?;
        let params = params(spec.params, given.as_ref(), &[])?;
        let fields = (spec.fields)(&params);
        for f in &fields {
            if out.iter().any(|d| d.fields.iter().any(|g| g.name == f.name)) {
                return Err(at.fault(
                    Text::new(format!("`{}` is derived twice", f.name), format!("字段“{}”重复派生", f.name)),
                    Text::new("give one of them another `as`", "请用as另行命名"),
                ));
            }
        }
        out.push(DeriveUse { spec, params, fields });
    }
    Ok(out)
}

/// The correlations that stand before the rule's own, each over what stands before it.
fn inner(docs: &[Node], detections: &[Detection], derive: &[DeriveUse]) -> Result<Vec<Correlation>, Spot> {
    let mut out: Vec<Correlation> = Vec::new();
    for doc in docs[..docs.len() - 1].iter().filter(|d| d.get("correlation").is_some()) {
        let node = doc.need("name")?;
        let name = node.text()?;
        if detections.iter().any(|d| d.name == name) || out.iter().any(|c| c.name == name) {
            return Err(node.fault(
                Text::new(format!("two rules named `{name}`"), format!("规则名“{name}”重复")),
                Text::new("give each its own name", "请分别命名"),
            ));
        }
        out.push(Correlation::parse(doc, name, detections, &out, derive)?);
    }
    Ok(out)
}

/// `suppress: [{entity, owner, until, why}]`: every one has somebody who answers for it and an end.
fn suppressed(block: &Node) -> Result<Vec<Suppression>, Spot> {
    let Some(list) = block.get("suppress") else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for n in list.list()? {
        n.only(&["entity", "owner", "until", "why"])?;
        let until = n.need("until")?;
        out.push(Suppression {
            entity: n.need("entity")?.text()?,
            owner: n.need("owner")?.text()?,
            until: time::parse(&until.text()?)
                .ok_or_else(|| until.wants("a time with its offset", "带时区的时间"))?,
            why: n.need("why")?.text()?,
        });
    }
    Ok(out)
}

fn detector(block: &Node, detections: &[Detection]) -> Result<Option<DetectorUse>, Spot> {
    let Some(node) = block.get("detector") else { return Ok(None) };
    let (at, name, given) = match &node.value {
        Value::Map(m) if m.len() == 1 => (&m[0].0, m[0].0.text()?, Some(&m[0].1)),
        _ => (node, node.text()?, None),
    };
    let spec = detector::ALL
        .iter()
        .find(|s| s.name == name)
        .ok_or_else(|| unknown(at, "detector", "检测器", &name, detector::ALL.iter().map(|s| s.name)))?;
    if let Some(d) = detections.iter().find(|d| !spec.on.contains(&d.kind)) {
        let kinds = spec.on.iter().map(|k| k.name()).collect::<Vec<_>>();
        return Err(at.fault(
            Text::new(
                format!("`{name}` does not look at `{}` rows", d.kind.name()),
                format!("“{name}”不处理“{}”记录", d.kind.name()),
            ),
            Text::new(format!("select one of: {}", kinds.join(", ")), format!("可选：{}", kinds.join("、"))),
        ));
    }
    Ok(Some(DetectorUse { spec, params: params(spec.params, given, &[])? }))
}

/// What an explanation that the records support takes off a finding's weight, where it is not decisive and the rule does not
/// say: they support it twice as often of the honest, log 2. An engineering default; where a rule says, it was counted on made-up worlds.
const WEIGHS: f64 = 0.7;
/// What speaks more strongly than one in twenty is decisive, or is not known so well.
const MOST_WEIGHS: f64 = 3.0;

fn checks(block: &Node) -> Result<Vec<CheckUse>, Spot> {
    let mut out = Vec::new();
    for (at, name, given) in named_entries(block, "explain")? {
        let spec = check::ALL
            .iter()
            .find(|s| s.name == name)
            .ok_or_else(|| unknown(&at, "check", "核查项", &name, check::ALL.iter().map(|s| s.name)))?;
        let decisive = match given.as_ref().and_then(|g| g.get("decisive")) {
            None => false,
            Some(n) => match n.value {
                Value::Bool(b) => b,
                _ => return Err(n.wants("true or false", "true或false")),
            },
        };
        let weighs = match given.as_ref().and_then(|g| g.get("weighs")) {
            None => WEIGHS,
            Some(n) if decisive => {
                return Err(n.fault(
                    Text::new("a decisive explanation takes all the weight", "可排除的解释不另设权重"),
                    Text::new("leave out `weighs` or `decisive`", "删去weighs或decisive"),
                ));
            }
            Some(n) => match n.text()?.parse::<f64>() {
                Ok(nats) if (0.0..=MOST_WEIGHS).contains(&nats) => nats,
                _ => return Err(n.wants("nats from 0 to 3", "0至3之间的数（奈特）")),
            },
        };
        let params = params(spec.params, given.as_ref(), &["decisive", "weighs"])?;
        out.push(CheckUse { spec, params, decisive, weighs });
    }
    Ok(out)
}

fn params(defs: &'static [derive::ParamDef], given: Option<&Node>, beside: &[&str]) -> Result<Params, Spot> {
    let mut out = Params::defaults(defs);
    let Some(given) = given.filter(|g| g.value != Value::Null) else { return Ok(out) };
    let names: Vec<&str> = defs.iter().map(|d| d.name).chain(beside.iter().copied()).collect();
    given.only(&names)?;
    for d in defs {
        if let Some(n) = given.get(d.name) {
            out.set(d, &n.text()?).map_err(|(en, zh)| n.wants(&en, &zh))?;
        }
    }
    Ok(out)
}
