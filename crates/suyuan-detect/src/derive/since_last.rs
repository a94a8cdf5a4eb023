//! How long ago a row of some kind last named the same thing.
//!
//! `record` is the kind looked back for, `on` says which field of this row equals which field of it
//! (`card=card`, `subject=subject`). Rows of the same instant and of this row itself do not count; a row later in the total
//! order never changes an answer. What was silent for longer than `within` is unknown again.
//! `<as>_silent_d` counts from the last such row, or from where the records of that kind begin when there was none.
//! Blind to: what happened before the records begin. `<as>_known_s` says how long the thing has been known at all.

use suyuan_model::Kind;
use suyuan_model::time::{DAY, SECOND};

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def, kind_named};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Binder, Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "since_last",
    what: ("how long ago such a record last named the same thing", "同一对象上次出现在此类记录中距今多久"),
    on: Kind::ALL,
    observes: Kind::ALL,
    params: &[
        ParamDef { name: "record", ty: ParamTy::Kind, default: "usage" },
        ParamDef { name: "on", ty: ParamTy::Pairs, default: "card=card" },
        ParamDef { name: "within", ty: ParamTy::Span, default: "400d" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "last" },
    ],
    fields,
    build: |p, b| {
        Box::new(SinceLast {
            kind: kind_named(p.get("record")),
            asks: keys(p, b),
            tells: p.pairs("on").map(|(_, t)| b.find(kind_named(p.get("record")), t)).collect(),
            within: p.span("within"),
            seen: Table::default(),
            begun: None,
        })
    },
};

fn keys(p: &Params, b: &mut Binder) -> Vec<Option<Vec<Slot>>> {
    Kind::ALL.iter().map(|k| p.pairs("on").map(|(f, _)| b.find(*k, f)).collect()).collect()
}

fn fields(p: &Params) -> Vec<FieldDef> {
    let (name, kind) = (p.get("as"), kind_named(p.get("record")));
    vec![
        def(
            &format!("{name}_s"),
            Ty::Int,
            &format!("seconds since the last {}", kind.name()),
            &format!("距上次{}秒数", kind.spec().zh),
        ),
        def(
            &format!("{name}_d"),
            Ty::Int,
            &format!("days since the last {}", kind.name()),
            &format!("距上次{}天数", kind.spec().zh),
        ),
        def(
            &format!("{name}_known_s"),
            Ty::Int,
            &format!("seconds since the first {}", kind.name()),
            &format!("距首次{}秒数", kind.spec().zh),
        ),
        def(
            &format!("{name}_silent_d"),
            Ty::Int,
            &format!("days without any {}", kind.name()),
            &format!("无{}天数", kind.spec().zh),
        ),
    ]
}

struct SinceLast {
    kind: Kind,
    /// Per kind: the slots that make the key.
    asks: Vec<Option<Vec<Slot>>>,
    tells: Option<Vec<Slot>>,
    within: i64,
    /// First and last.
    seen: Table<(i64, i64)>,
    /// The first row of the kind.
    begun: Option<i64>,
}

fn key(row: &Row<'_>, slots: &[Slot]) -> Option<Key> {
    slots.iter().try_fold(Key(1), |k, s| Some(k.and(row.key(*s)?)))
}

saved!(SinceLast, tables: [seen], cells: [begun]);

impl Operator for SinceLast {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(k) = self.asks[row.kind() as usize].as_ref().and_then(|s| key(row, s)) else { return };
        let silent = self.seen.get(&k).map(|l| l.1).or(self.begun);
        out[3] = silent.map(|t| (row.ts - t) / DAY).into();
        let Some((first, last)) = self.seen.get(&k).filter(|l| row.ts - l.1 <= self.within) else { return };
        out[0] = Val::Int((row.ts - last) / SECOND);
        out[1] = Val::Int((row.ts - last) / DAY);
        out[2] = Val::Int((row.ts - first) / SECOND);
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != self.kind {
            return;
        }
        self.begun = self.begun.or(Some(row.ts));
        let Some(k) = self.tells.as_ref().and_then(|s| key(row, s)) else { return };
        let e = self.seen.or_insert_with(k, || (row.ts, row.ts));
        if row.ts - e.1 > self.within {
            e.0 = row.ts;
        }
        e.1 = row.ts;
    }
    fn expire(&mut self, now: i64) {
        self.seen.retain(|_, l| now - l.1 <= self.within);
    }
}
