//! How long ago the account last made a change of that kind without an order.

use suyuan_model::Kind;
use suyuan_model::time::SECOND;

use super::{Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Cite, Row, Slot};

const ON: &[Kind] = &[Kind::Opening, Kind::Access, Kind::Login];

pub(crate) static SPEC: Spec = Spec {
    name: "change_before",
    what: (
        "how long ago the account last made such a change without an order",
        "工号上次无工单作此类变更距今多久",
    ),
    on: ON,
    observes: &[Kind::AccountChange],
    params: &[
        ParamDef {
            name: "change",
            ty: ParamTy::Word(&[
                "location_override",
                "password_reset",
                "service_password_reset",
                "credential_issue",
                "role_grant",
                "device_bind",
                "logging_change",
            ]),
            default: "location_override",
        },
        ParamDef { name: "within", ty: ParamTy::Span, default: "6h" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "change" },
    ],
    fields: |p| {
        vec![
            def(
                &format!("{}_before_s", p.get("as")),
                Ty::Int,
                &format!("seconds since the account's last {} without order", p.get("change")),
                &format!("距工号上次无工单{}秒数", p.get("change")),
            )
            .beside("that change", "该次变更"),
        ]
    },
    build: |p, b| {
        Box::new(Before {
            accounts: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            who: b.slot(Kind::AccountChange, "account"),
            change: b.slot(Kind::AccountChange, "change"),
            order: b.slot(Kind::AccountChange, "order"),
            params: p.clone(),
            within: p.span("within"),
            last: Table::default(),
        })
    },
};

struct Before {
    accounts: Vec<Slot>,
    who: Slot,
    change: Slot,
    order: Slot,
    params: Params,
    within: i64,
    last: Table<Cite>,
}

saved!(Before, tables: [last]);

impl Operator for Before {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let last = row.key(self.accounts[at]).and_then(|a| self.last.get(&a));
        out[0] = last.map(|c| row.ts - c.ts).filter(|d| *d < self.within).map(|d| d / SECOND).into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::AccountChange
            || row.text(self.change) != Some(self.params.get("change"))
            || row.text(self.order).is_some()
        {
            return;
        }
        if let Some((who, cite)) = row.key(self.who).zip(row.cite()) {
            self.last.insert(who, cite);
        }
    }
    fn remembers(&self) -> &'static [Kind] {
        &[Kind::AccountChange]
    }
    fn cited(&self, _: usize, row: &Row<'_>, out: &mut Vec<Cite>) {
        let account = ON.iter().position(|k| *k == row.kind()).and_then(|at| row.key(self.accounts[at]));
        out.extend(account.and_then(|a| self.last.get(&a)));
    }
    fn expire(&mut self, now: i64) {
        self.last.retain(|_, c| now - c.ts < self.within);
    }
}
