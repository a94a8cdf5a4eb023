//! Whether there was a reason: the work order that a row names, an order about the person, a permit of the place.
//!
//! A named order counts when it exists and holds at the row's time (an hour's grace before). An order about the person
//! counts from `before` ahead of the row until its end. Someone whose card the account opened, or whose identity card was
//! read on the same device at an outlet, within a day is served, not spied on. Where the records hold no work order at all, a named order is taken at its word.
//! Blind to: orders booked after the act; the check `late_order` looks for them.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, HOUR};

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Opening, Kind::Access, Kind::AccountChange];
/// An order without an end is forgotten after this.
const MEMORY: i64 = 400 * DAY;

pub(crate) static SPEC: Spec = Spec {
    name: "order_for",
    what: ("whether an order, a visit or a permit gives a reason", "是否有工单、到访或许可作为依据"),
    on: ON,
    observes: &[Kind::WorkOrder, Kind::Opening, Kind::Capture],
    params: &[ParamDef { name: "before", ty: ParamTy::Span, default: "1d" }],
    fields,
    build: |p, b| {
        Box::new(Orders {
            order: ON.iter().map(|k| b.slot(*k, "order")).collect(),
            account: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            subject: [b.find(Kind::Opening, "subject"), b.find(Kind::Access, "subject"), None],
            outlet: b.slot(Kind::Opening, "outlet"),
            device: b.slot(Kind::Access, "device"),
            c_device: b.slot(Kind::Capture, "device"),
            c_outlet: b.slot(Kind::Capture, "outlet"),
            c_subject: b.slot(Kind::Capture, "subject"),
            w_order: b.slot(Kind::WorkOrder, "order"),
            w_subject: b.slot(Kind::WorkOrder, "subject"),
            w_account: b.slot(Kind::WorkOrder, "account"),
            w_outlet: b.slot(Kind::WorkOrder, "outlet"),
            w_kind: b.slot(Kind::WorkOrder, "kind"),
            w_to: b.slot(Kind::WorkOrder, "valid_to"),
            before: p.span("before"),
            by_order: Table::default(),
            by_subject: Table::default(),
            permits: Table::default(),
            served: Table::default(),
            any: false,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("order_valid", Ty::Bool, "the named order exists and holds", "所列工单存在且有效"),
        def("order_kind", Ty::Text, "kind of the named order", "所列工单类型"),
        def("reason_known", Ty::Bool, "an order or visit explains it", "有工单或到访可解释"),
        def("permit", Ty::Bool, "a permit covers the account or outlet", "工号或网点持有许可工单"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    from: i64,
    to: i64,
    kind: Option<Arc<str>>,
}

struct Orders {
    order: Vec<Slot>,
    account: Vec<Slot>,
    subject: [Option<Slot>; 3],
    outlet: Slot,
    device: Slot,
    c_device: Slot,
    c_outlet: Slot,
    c_subject: Slot,
    w_order: Slot,
    w_subject: Slot,
    w_account: Slot,
    w_outlet: Slot,
    w_kind: Slot,
    w_to: Slot,
    before: i64,
    by_order: Table<Order>,
    /// Per person: from, to of the latest orders.
    by_subject: Table<Vec<(i64, i64)>>,
    /// Per account or outlet: from, to.
    permits: Table<Vec<(i64, i64)>>,
    /// Per account or device and person: last opening or capture.
    served: Table<i64>,
    any: bool,
}

saved!(Orders, tables: [by_order, by_subject, permits, served], cells: [any]);

impl Operator for Orders {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let ts = row.ts;
        let named = row.key(self.order[at]);
        let found =
            named.and_then(|o| self.by_order.get(&o)).filter(|o| o.from <= ts + HOUR && ts < o.to + HOUR);
        let valid = if self.any { found.is_some() } else { named.is_some() };
        out[0] = Val::Bool(valid);
        out[1] = found.and_then(|o| o.kind.clone()).into();
        let account = row.key(self.account[at]);
        let subject = self.subject[at].and_then(|s| row.key(s));
        let about = subject
            .and_then(|s| self.by_subject.get(&s))
            .is_some_and(|l| l.iter().any(|(from, to)| *from <= ts && (ts < *to || ts - from < self.before)));
        let device = (row.kind() == Kind::Access).then(|| row.key(self.device)).flatten();
        let served = [account, device]
            .into_iter()
            .flatten()
            .any(|by| subject.and_then(|s| self.served.get(&by.and(s))).is_some_and(|t| ts - t < DAY));
        out[2] = Val::Bool(valid || about || served);
        let outlet = (row.kind() == Kind::Opening)
            .then(|| row.key(self.outlet))
            .flatten()
            .or_else(|| account.and_then(|a| refs.staff.at(a, ts)).map(|s| Key::of(&s.outlet)));
        let permit = [account, outlet].into_iter().flatten().any(|k| {
            self.permits.get(&k).is_some_and(|l| l.iter().any(|(from, to)| *from <= ts && ts < *to))
        });
        out[3] = Val::Bool(permit || found.is_some_and(|o| o.kind.as_deref() == Some("permit")));
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            if let (Some(a), Some(s)) = (row.key(self.account[0]), self.subject[0].and_then(|s| row.key(s))) {
                self.served.insert(a.and(s), row.ts);
            }
            return;
        }
        if row.kind() == Kind::Capture && row.text(self.c_outlet).is_some() {
            if let (Some(d), Some(s)) = (row.key(self.c_device), row.key(self.c_subject)) {
                self.served.insert(d.and(s), row.ts);
            }
            return;
        }
        if row.kind() != Kind::WorkOrder {
            return;
        }
        self.any = true;
        let (from, to) = (row.ts, row.time(self.w_to).unwrap_or(row.ts + MEMORY));
        let kind = row.text(self.w_kind);
        if let Some(o) = row.key(self.w_order) {
            self.by_order.insert(o, Order { from, to, kind: kind.map(Into::into) });
        }
        let ended = |l: &mut Vec<(i64, i64)>, before: i64| l.retain(|x| from < x.1 || from - x.0 < before);
        if let Some(s) = row.key(self.w_subject) {
            let list = self.by_subject.of(s);
            ended(list, self.before);
            list.push((from, to));
        }
        if kind == Some("permit") {
            for k in [row.key(self.w_account), row.key(self.w_outlet)].into_iter().flatten() {
                let list = self.permits.of(k);
                ended(list, 0);
                list.push((from, to));
            }
        }
    }
    fn patience(&self) -> i64 {
        7 * DAY
    }
    fn expire(&mut self, now: i64) {
        let before = self.before;
        self.by_order.retain(|_, o| now < o.to.saturating_add(HOUR) || now - o.from < DAY);
        self.by_subject.retain(|_, l| l.iter().any(|x| now < x.1 || now - x.0 < before));
        self.permits.retain(|_, l| l.iter().any(|x| now < x.1));
        self.served.retain(|_, t| now - *t < DAY);
    }
}
