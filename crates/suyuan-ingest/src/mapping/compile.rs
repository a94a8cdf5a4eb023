//! From the mapping as written to what a worker does.

use std::collections::BTreeMap;
use std::sync::Arc;

use suyuan_model::{FieldType, Kind};

use super::spec::{CondSpec, FieldExpr, KindSpec, Made, MappingFile, Reading};
use crate::error::IngestError;
use crate::expr::{Cond, Expr};
use crate::fault::did_you_mean;
use crate::plan::{Coordinates, FieldRecipe, KindRecipe, Recipe, Unit};
use crate::zone::{Clock, Zone};

/// The recipe and how to read the file.
pub(super) fn compile(file: &MappingFile) -> Result<(Recipe, Reading), IngestError> {
    let mut c = Compiler { name: &file.name, slots: Vec::new(), zone: None, clock: Clock::Rfc3339 };
    c.zone = file.zone.as_deref().map(|z| c.zone_named(z)).transpose()?;
    if let Some(time) = &file.time {
        c.clock = c.clock_of(time)?;
    }
    let coordinates = c.coordinates(file.coordinates.as_deref())?;
    let skip = file.skip.iter().map(|s| c.cond(s)).collect::<Result<_, _>>()?;
    if file.kinds.is_empty() {
        return Err(c.fault("it yields no record kind; add one under `kinds`"));
    }
    let kinds =
        file.kinds.iter().map(|k| c.kind(k, &file.fields, coordinates)).collect::<Result<Vec<_>, _>>()?;
    let delimiter = file.delimiter.as_deref().map(|d| c.delimiter(d)).transpose()?.flatten();
    let reading =
        Reading { format: file.format, encoding: file.encoding, delimiter, records: file.records.clone() };
    Ok((Recipe { slots: c.slots, skip, kinds }, reading))
}

struct Compiler<'f> {
    name: &'f str,
    slots: Vec<String>,
    zone: Option<Arc<Zone>>,
    clock: Clock,
}

impl Compiler<'_> {
    fn fault(&self, reason: impl Into<String>) -> IngestError {
        IngestError::Mapping { name: self.name.to_owned(), reason: reason.into() }
    }

    fn zone_named(&self, name: &str) -> Result<Arc<Zone>, IngestError> {
        Zone::named(name).map(Arc::new).ok_or_else(|| {
            let near = did_you_mean(name, ["Asia/Shanghai", "UTC", "Asia/Hong_Kong", "Asia/Urumqi"]).en;
            self.fault(format!("there is no zone `{name}`; {near}"))
        })
    }

    fn clock_of(&self, text: &str) -> Result<Clock, IngestError> {
        text.parse().map_err(|e: String| self.fault(e))
    }

    fn coordinates(&self, name: Option<&str>) -> Result<Coordinates, IngestError> {
        match name {
            None | Some("wgs84") => Ok(Coordinates::Wgs84),
            Some("gcj02") => Ok(Coordinates::Gcj02),
            Some("bd09") => Ok(Coordinates::Bd09),
            Some(other) => {
                let near = did_you_mean(other, ["wgs84", "gcj02", "bd09"]).en;
                Err(self.fault(format!("there are no coordinates `{other}`; {near}")))
            }
        }
    }

    fn delimiter(&self, text: &str) -> Result<Option<u8>, IngestError> {
        match text {
            "auto" => Ok(None),
            "tab" => Ok(Some(b'\t')),
            one if one.len() == 1 => Ok(Some(one.as_bytes()[0])),
            other => Err(self.fault(format!("the delimiter `{other}` is not one ASCII character"))),
        }
    }

    fn slot(&mut self, column: &str) -> usize {
        match self.slots.iter().position(|s| s == column) {
            Some(n) => n,
            None => {
                self.slots.push(column.to_owned());
                self.slots.len() - 1
            }
        }
    }

    fn cond(&mut self, spec: &CondSpec) -> Result<Cond, IngestError> {
        let mut all = Vec::new();
        if let Some(column) = &spec.column {
            let slot = self.slot(column);
            match spec.exists {
                Some(true) => all.push(Cond::Exists(slot)),
                Some(false) => all.push(Cond::Not(Box::new(Cond::Exists(slot)))),
                None => {}
            }
            let mut like = |texts: &Option<super::spec::Scalars>, make: fn(usize, Vec<String>) -> Cond| {
                if let Some(texts) = texts {
                    all.push(make(slot, texts.0.clone()));
                }
            };
            like(&spec.is, Cond::Is);
            like(&spec.starts, Cond::Starts);
            like(&spec.ends, Cond::Ends);
            like(&spec.contains, Cond::Contains);
        }
        if !spec.any.is_empty() {
            all.push(Cond::Any(self.conds(&spec.any)?));
        }
        all.extend(self.conds(&spec.all)?);
        if !spec.not.is_empty() {
            all.push(Cond::Not(Box::new(Cond::Any(self.conds(&spec.not)?))));
        }
        match all.len() {
            0 => Err(self.fault(
                "a condition says nothing; give `column` with exists, is, starts, ends or contains, or any, all, not",
            )),
            1 => Ok(all.remove(0)),
            _ => Ok(Cond::All(all)),
        }
    }

    fn conds(&mut self, specs: &[CondSpec]) -> Result<Vec<Cond>, IngestError> {
        specs.iter().map(|s| self.cond(s)).collect()
    }

    fn when(&mut self, specs: &[CondSpec]) -> Result<Option<Cond>, IngestError> {
        let mut all = self.conds(specs)?;
        Ok(match all.len() {
            0 => None,
            1 => Some(all.remove(0)),
            _ => Some(Cond::All(all)),
        })
    }

    fn kind(
        &mut self,
        spec: &KindSpec,
        common: &BTreeMap<String, FieldExpr>,
        coordinates: Coordinates,
    ) -> Result<KindRecipe, IngestError> {
        let kind = Kind::by_name(&spec.kind).ok_or_else(|| {
            let near = did_you_mean(&spec.kind, Kind::ALL.iter().map(|k| k.name())).en;
            self.fault(format!("there is no record kind `{}`; {near}", spec.kind))
        })?;
        self.known_fields(kind, spec, common)?;
        let find = |name: &str| spec.fields.get(name).or_else(|| common.get(name)).cloned();
        let when = self.when(&spec.when)?;
        let ts = find("ts").map(|f| self.field(&f, FieldType::Time)).transpose()?;
        let source = find("source").map(|f| self.expr(&f)).transpose()?;
        let seq = find("seq").map(|f| self.field(&f, FieldType::Int)).transpose()?;
        let fields = kind
            .spec()
            .fields
            .iter()
            .map(|f| find(f.name).map(|e| self.field(&e, f.ty)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        for (f, made) in kind.spec().fields.iter().zip(&fields) {
            if f.required && made.is_none() {
                return Err(self.fault(format!("`{}` needs the field `{}`; map it", spec.kind, f.name)));
            }
        }
        if ts.is_none() && kind.spec().ts_from.is_none_or(|f| find(f).is_none()) {
            return Err(self.fault(format!("`{}` needs `ts`; map the column that says when", spec.kind)));
        }
        let own = match &spec.coordinates {
            Some(name) => self.coordinates(Some(name))?,
            None => coordinates,
        };
        Ok(KindRecipe {
            kind,
            when,
            also: spec.also,
            ts,
            source,
            seq,
            seq_may_lack: false,
            fields,
            coordinates: own,
        })
    }

    /// Fields under `kinds` must be the kind's; those shared must be some kind's.
    fn known_fields(
        &self,
        kind: Kind,
        spec: &KindSpec,
        common: &BTreeMap<String, FieldExpr>,
    ) -> Result<(), IngestError> {
        let of = |k: Kind| ["ts", "source", "seq"].into_iter().chain(k.spec().fields.iter().map(|f| f.name));
        for name in spec.fields.keys() {
            if !of(kind).any(|f| f == name) {
                let near = did_you_mean(name, of(kind).collect::<Vec<_>>()).en;
                return Err(self.fault(format!("`{}` has no field `{name}`; {near}", kind.name())));
            }
        }
        for name in common.keys() {
            if !Kind::ALL.iter().any(|k| of(*k).any(|f| f == name)) {
                let near = did_you_mean(name, of(kind).collect::<Vec<_>>()).en;
                return Err(self.fault(format!("no record kind has a field `{name}`; {near}")));
            }
        }
        Ok(())
    }

    fn field(&mut self, spec: &FieldExpr, ty: FieldType) -> Result<FieldRecipe, IngestError> {
        let expr = self.expr(spec)?;
        let mut out = FieldRecipe {
            expr,
            clock: self.clock.clone(),
            zone: self.zone.clone(),
            unit: Unit::ONE,
            hash: false,
        };
        if let FieldExpr::Made(made) = spec {
            if let Some(time) = &made.time {
                out.clock = self.clock_of(time)?;
            }
            if let Some(zone) = &made.zone {
                out.zone = Some(self.zone_named(zone)?);
            }
            if let Some(unit) = &made.unit {
                let names = Unit::NAMES.iter().map(|(n, _)| *n);
                out.unit = Unit::NAMES.iter().find(|(n, _)| n == unit).map(|(_, u)| *u).ok_or_else(|| {
                    self.fault(format!("there is no unit `{unit}`; {}", did_you_mean(unit, names).en))
                })?;
            }
            out.hash = made.hash;
            if made.hash && ty != FieldType::Int {
                return Err(self.fault("`hash` makes a number of an id: only for `seq`"));
            }
        }
        Ok(out)
    }

    fn expr(&mut self, spec: &FieldExpr) -> Result<Expr, IngestError> {
        let made = match spec {
            FieldExpr::Column(column) => return Ok(Expr::Slot(self.slot(column))),
            FieldExpr::Made(made) => made,
        };
        let mut expr = self.base(made)?;
        if let Some(split) = &made.split {
            if split.part == 0 || split.by.is_empty() {
                return Err(self.fault("`split` needs `by` and a part from 1, or from -1 at the end"));
            }
            expr = Expr::Split(Box::new(expr), split.by.clone(), split.part);
        }
        let default = made.default.as_ref().map(|d| d.0.clone());
        match &made.table {
            Some(table) => {
                let table = table.iter().map(|(k, v)| (k.0.clone(), v.0.clone())).collect();
                expr = Expr::Table(Box::new(expr), table, default);
            }
            None if default.is_some() => {
                return Err(
                    self.fault("`default` is for what a `table` does not list; use `missing` otherwise")
                );
            }
            None => {}
        }
        if let Some(missing) = &made.missing {
            expr = Expr::Missing(Box::new(expr), missing.0.clone());
        }
        if let Some(when) = self.when(&made.when)? {
            expr = Expr::When(when, Box::new(expr));
        }
        Ok(expr)
    }

    fn base(&mut self, made: &Made) -> Result<Expr, IngestError> {
        let all = |c: &mut Self, parts: &[FieldExpr]| {
            parts.iter().map(|p| c.expr(p)).collect::<Result<Vec<_>, _>>()
        };
        match (&made.column, &made.constant, &made.coalesce, &made.join) {
            (Some(column), None, None, None) => Ok(Expr::Slot(self.slot(column))),
            (None, Some(constant), None, None) => Ok(Expr::Constant(constant.0.clone())),
            (None, None, Some(parts), None) => Ok(Expr::Coalesce(all(self, parts)?)),
            (None, None, None, Some(parts)) => {
                Ok(Expr::Join(all(self, parts)?, made.with.clone().unwrap_or_default()))
            }
            _ => Err(self.fault("a field needs exactly one of `column`, `constant`, `coalesce`, `join`")),
        }
    }
}
