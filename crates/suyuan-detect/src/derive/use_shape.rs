//! The shape of a card's day: shares and ratios of the row's own counts.
//!
//! Shares are in hundredths (60 means 60 %), so that thresholds read as the schemes write them; they are absent where there is nothing
//! to share. `out_per_in` counts an incoming call less than one as one. No state.
//! Blind to: single calls, which the daily rows do not hold.

use suyuan_model::Kind;

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "use_shape",
    what: ("shares and ratios of a day's use", "当日用卡的占比与比值"),
    on: &[Kind::Usage],
    observes: &[],
    params: &[],
    fields,
    build: |_, b| {
        let s = |b: &mut crate::view::Binder, name| b.slot(Kind::Usage, name);
        Box::new(Shape {
            out: s(b, "calls_out"),
            inn: s(b, "calls_in"),
            short: s(b, "calls_short"),
            peers: s(b, "peers"),
            new: s(b, "peers_new"),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("calls", Ty::Int, "calls in both directions", "通话次数"),
        def("short_share", Ty::Int, "calls of 3 s or less, of outgoing calls, %", "短呼占主叫百分比"),
        def("new_share", Ty::Int, "peers opened within 30 days, of all peers, %", "新开卡对端占比（%）"),
        def("dispersion", Ty::Int, "different peers by outgoing calls, %", "主叫离散度（对端数/主叫数，%）"),
        def("out_per_in", Ty::Real, "outgoing by incoming calls", "主叫被叫之比"),
    ]
}

struct Shape {
    out: Slot,
    inn: Slot,
    short: Slot,
    peers: Slot,
    new: Slot,
}

fn share(part: Option<i64>, whole: Option<i64>) -> Val {
    part.zip(whole).filter(|(_, w)| *w > 0).map(|(p, w)| p.saturating_mul(100) / w).into()
}

saved!(Shape);

impl Operator for Shape {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Usage {
            return;
        }
        let n = |s| row.int(s);
        let (calls_out, calls_in) = (n(self.out), n(self.inn));
        out[0] = calls_out.zip(calls_in).map(|(a, b)| a + b).into();
        out[1] = share(n(self.short), calls_out);
        out[2] = share(n(self.new), n(self.peers));
        out[3] = share(n(self.peers), calls_out);
        out[4] = calls_out.map(|a| a as f64 / calls_in.unwrap_or(0).max(1) as f64).into();
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
