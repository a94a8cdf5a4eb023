//! A dated join: is there a record of some kind that fits this row and holds at its time?
//!
//! `record` is the kind searched (work_order, staff, terminal, outlet, capture, ...), `on` the pairs of equal fields
//! (`order=order`, `subject=subject;account=account`), `where` what the record must say (`kind=legal|complaint`). A record
//! holds from its `valid_from` (else its own time) less `before`, until its `valid_to` plus `after`; one without an end holds for `lasts`. Gives
//! `<as>` (found or not, unknown where the records hold no row of that kind), `<as>_age_d` (days since it began) and, with `take`,
//! `<as>_<field>`: the text of the latest begun.
//! Invariant: only records that come before the row in the total order are seen.
//! Blind to: records booked later; a check must look for those. At most 16 records are kept per key, the latest begun.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::DAY;

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def, kind_named};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// Of one key, older records than these are forgotten.
const MOST: usize = 16;

pub(crate) static SPEC: Spec = Spec {
    name: "lookup",
    what: ("whether a record that fits holds at the row's time", "是否存在与之相符且当时有效的记录"),
    on: Kind::ALL,
    observes: Kind::ALL,
    params: &[
        ParamDef { name: "record", ty: ParamTy::Kind, default: "work_order" },
        ParamDef { name: "on", ty: ParamTy::Pairs, default: "order=order" },
        ParamDef { name: "where", ty: ParamTy::Where, default: "" },
        ParamDef { name: "before", ty: ParamTy::Span, default: "1h" },
        ParamDef { name: "after", ty: ParamTy::Span, default: "1h" },
        ParamDef { name: "lasts", ty: ParamTy::Span, default: "400d" },
        ParamDef { name: "take", ty: ParamTy::Column, default: "" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "found" },
    ],
    fields,
    build: |p, b| {
        let kind = kind_named(p.get("record"));
        Box::new(Lookup {
            kind,
            asks: Kind::ALL.iter().map(|k| p.pairs("on").map(|(f, _)| b.find(*k, f)).collect()).collect(),
            tells: p.pairs("on").filter_map(|(_, t)| b.find(kind, t)).collect(),
            tests: p
                .pairs("where")
                .filter_map(|(f, v)| Some((b.find(kind, f)?, v.split('|').map(str::to_owned).collect())))
                .collect(),
            from: b.find(kind, "valid_from"),
            to: b.find(kind, "valid_to"),
            take: Some(p.get("take")).filter(|t| !t.is_empty()).and_then(|t| b.find(kind, t)),
            before: p.span("before"),
            after: p.span("after"),
            lasts: p.span("lasts"),
            held: Table::default(),
            any: false,
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    let (name, kind) = (p.get("as"), kind_named(p.get("record")));
    let mut out = vec![def(
        name,
        Ty::Bool,
        &format!("a {} that fits holds", kind.name()),
        &format!("存在相符且有效的{}", kind.spec().zh),
    )];
    out.push(def(
        &format!("{name}_age_d"),
        Ty::Int,
        &format!("days since that {} began", kind.name()),
        &format!("该{}生效至今天数", kind.spec().zh),
    ));
    if !p.get("take").is_empty() {
        out.push(def(
            &format!("{name}_{}", p.get("take")),
            Ty::Text,
            &format!("its {}", p.get("take")),
            &format!("该{}的{}", kind.spec().zh, p.get("take")),
        ));
    }
    out
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Held {
    from: i64,
    to: i64,
    taken: Option<Arc<str>>,
}

struct Lookup {
    kind: Kind,
    asks: Vec<Option<Vec<Slot>>>,
    tells: Vec<Slot>,
    tests: Vec<(Slot, Vec<String>)>,
    from: Option<Slot>,
    to: Option<Slot>,
    take: Option<Slot>,
    before: i64,
    after: i64,
    lasts: i64,
    held: Table<Vec<Held>>,
    any: bool,
}

fn key(row: &Row<'_>, slots: &[Slot]) -> Option<Key> {
    slots.iter().try_fold(Key(1), |k, s| Some(k.and(row.key(*s)?)))
}

saved!(Lookup, tables: [held], cells: [any]);

impl Operator for Lookup {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(slots) = self.asks[row.kind() as usize].as_ref().filter(|_| self.any) else { return };
        // A row that names nothing has nothing behind it.
        let found = key(row, slots).and_then(|k| self.held.get(&k)).and_then(|list| {
            list.iter().filter(|h| h.from <= row.ts && row.ts < h.to).max_by_key(|h| h.from)
        });
        out[0] = Val::Bool(found.is_some());
        out[1] = found.map(|h| (row.ts - h.from - self.before) / DAY).into();
        if let Some(t) = out.get_mut(2) {
            *t = found.and_then(|h| h.taken.clone()).into();
        }
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != self.kind {
            return;
        }
        self.any = true;
        let says = |(slot, values): &(Slot, Vec<String>)| {
            row.text(*slot).is_some_and(|t| values.iter().any(|v| v == t))
        };
        if !self.tests.iter().all(says) {
            return;
        }
        let Some(k) = key(row, &self.tells) else { return };
        let from = self.from.and_then(|s| row.time(s)).unwrap_or(row.ts);
        let to = self.to.and_then(|s| row.time(s)).unwrap_or(from.saturating_add(self.lasts));
        let held = Held {
            from: from - self.before,
            to: to.saturating_add(self.after),
            taken: self.take.and_then(|s| row.text(s)).map(Into::into),
        };
        let list = self.held.of(k);
        list.retain(|h| h.to > row.ts);
        list.push(held);
        if list.len() > MOST {
            list.remove(0);
        }
    }
    fn expire(&mut self, now: i64) {
        self.held.retain(|_, l| l.iter().any(|h| h.to > now));
    }
}
