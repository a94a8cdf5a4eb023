//! A detection over one of our record kinds: its selections checked against the kind's fields, its condition.

use suyuan_model::Kind;
use suyuan_model::outcome::Text;

use crate::error::Spot;
use crate::field::{self, Ty};
use crate::rule::modifier::Given;
use crate::rule::selection::{self, Schema};
use crate::rule::{DeriveUse, Expr, FieldRef, Leaf, condition};
use crate::yaml::{Node, unknown};

/// What matches one row.
#[derive(Clone, Debug, PartialEq)]
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

/// The fields of a kind and those derived for it.
struct Ours<'d> {
    kind: Kind,
    derive: &'d [DeriveUse],
}

impl Schema for Ours<'_> {
    type Field = FieldRef;
    fn field(&mut self, at: &Node, name: &str) -> Result<(FieldRef, Ty), Spot> {
        resolve(at, self.kind, name, self.derive)
    }
    fn texts(&mut self) -> Vec<(FieldRef, String)> {
        let texts =
            field::columns(self.kind).iter().filter(|c| matches!(c.ty, Ty::Text | Ty::Enum(_) | Ty::Set(_)));
        texts.map(|c| (FieldRef::Column(c.name), c.name.to_owned())).collect()
    }
    fn stored(&self, field: &FieldRef) -> bool {
        matches!(field, FieldRef::Column(_))
    }
    fn presence(&mut self, field: &FieldRef) -> FieldRef {
        *field
    }
}

impl Detection {
    pub(crate) fn parse(
        doc: &Node,
        name: String,
        derive: &[DeriveUse],
        given: &Given,
    ) -> Result<Detection, Spot> {
        let kind = kind(doc)?;
        let block = doc.need("detection")?;
        let mut leaves = Vec::new();
        let list =
            selection::selections(block, &["condition"], &mut Ours { kind, derive }, given, &mut leaves)?;
        let expr = condition::parse(block.need("condition")?, &list)?;
        Ok(Detection { name, kind, expr, leaves })
    }

    /// Adds a filter's selections: what they say must hold as well.
    pub(crate) fn narrow(&mut self, filter: &Node, derive: &[DeriveUse], given: &Given) -> Result<(), Spot> {
        let mut schema = Ours { kind: self.kind, derive };
        let list =
            selection::selections(filter, &["condition", "rules"], &mut schema, given, &mut self.leaves)?;
        let kept = condition::exclusion(filter.need("condition")?, &list)?;
        let old = std::mem::replace(&mut self.expr, Expr::All(Vec::new()));
        self.expr = Expr::All(vec![old, kept]);
        Ok(())
    }
}
