//! Look-ups without a reason, against how often the same role looks without one.
//!
//! Counts an account's look-ups of the last 30 days (today's up to this row) and those without a reason as `order_for`
//! knows it. The expectation is the account's look-ups at the rate of the others of its role, or of all others
//! where the role is unknown or has fewer than 200 look-ups; the account is left out of its own rate.
//! Blind to: a role in which everyone pries.

use std::collections::VecDeque;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def, order_for};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Plain, Saved, Table, Visit};
use crate::stats;
use crate::view::{Row, Slot};

/// Days that are counted.
pub(super) const DAYS: i64 = 30;
/// A role with fewer look-ups has no rate of its own.
const FEWEST: i64 = 200;

pub(crate) static SPEC: Spec = Spec {
    name: "unexplained",
    what: ("look-ups without a reason against the rate of the same role", "无依据查询数与同岗位比率之比"),
    on: &[Kind::Access],
    observes: &[Kind::WorkOrder, Kind::Opening, Kind::Capture, Kind::Access],
    params: &[ParamDef { name: "before", ty: ParamTy::Span, default: "1d" }],
    fields,
    build: |p, b| {
        Box::new(Unexplained {
            reasons: (order_for::SPEC.build)(p, b),
            account: b.slot(Kind::Access, "account"),
            subject: b.slot(Kind::Access, "subject"),
            accounts: Table::default(),
            roles: Table::default(),
            all: Rolling::default(),
            judged: None,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("lookup_unexplained", Ty::Bool, "a look-up of a person without a reason", "无依据的个人信息查询"),
        def("unexplained_30d", Ty::Int, "look-ups without a reason in 30 days", "30天内无依据查询数"),
        def("lookups_30d", Ty::Int, "look-ups in 30 days", "30天内查询数"),
        def("unexplained_expected", Ty::Real, "expected at the role's rate", "按同岗位比率应有数"),
        def(
            "unexplained_p",
            Ty::Real,
            "chance of so many (Poisson tail; 1 up to the expectation)",
            "偶然达到的概率（泊松尾，不超过应有数时为1）",
        ),
        def("unexplained_llr", Ty::Real, "log likelihood ratio, nats", "对数似然比"),
    ]
}

/// Sums over the last days: the rows asked for, and all.
#[derive(serde::Serialize, serde::Deserialize, Default)]
pub(super) struct Rolling {
    days: VecDeque<(i64, i64, i64)>,
    without: i64,
    all: i64,
}

impl Rolling {
    /// Sums of the days in reach of `day`, without changing anything.
    pub(super) fn at(&self, day: i64) -> (i64, i64) {
        let old = self.days.iter().take_while(|d| d.0 <= day - DAYS);
        old.fold((self.without, self.all), |s, d| (s.0 - d.1, s.1 - d.2))
    }
    pub(super) fn add(&mut self, day: i64, without: i64) {
        while let Some(d) = self.days.front().copied().filter(|d| d.0 <= day - DAYS) {
            self.days.pop_front();
            self.without -= d.1;
            self.all -= d.2;
        }
        match self.days.back_mut() {
            Some(d) if d.0 == day => {
                d.1 += without;
                d.2 += 1;
            }
            _ => self.days.push_back((day, without, 1)),
        }
        self.without += without;
        self.all += 1;
    }
    /// The last day that counted anything.
    pub(super) fn last(&self) -> Option<i64> {
        self.days.back().map(|d| d.0)
    }
}

struct Unexplained {
    reasons: Box<dyn Operator>,
    account: Slot,
    subject: Slot,
    accounts: Table<Rolling>,
    roles: Table<Rolling>,
    all: Rolling,
    /// The row last judged, so that taking it in does not judge it again.
    judged: Option<(Key, Option<(Key, bool)>)>,
}

impl Unexplained {
    /// Whether the row is a look-up of a person, and without reason.
    fn look_up(&mut self, row: &Row<'_>, refs: &Registry) -> Option<(Key, bool)> {
        let account = row.key(self.account)?;
        row.key(self.subject)?;
        let row_key = row.identity();
        if let Some((_, answer)) = self.judged.filter(|j| j.0 == row_key) {
            return answer;
        }
        let mut out = [const { Val::Null }; 4];
        self.reasons.compute(row, refs, &mut out);
        let answer = Some((account, out[2] == Val::Bool(false)));
        self.judged = Some((row_key, answer));
        answer
    }
}

fn role(account: Key, ts: i64, refs: &Registry) -> Option<Key> {
    refs.staff.at(account, ts).and_then(|s| s.role.as_deref()).map(Key::of)
}

impl Saved for Unexplained {
    fn state(&mut self, v: &mut dyn Visit) {
        self.reasons.state(v);
        v.table(&mut self.accounts);
        v.table(&mut self.roles);
        v.cell(&mut Plain(&mut self.all));
    }
}

impl Operator for Unexplained {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Access {
            return;
        }
        let Some((account, without)) = self.look_up(row, refs) else { return };
        let day = china_day(row.ts);
        let (own_without, own_all) = self.accounts.get(&account).map_or((0, 0), |r| r.at(day));
        let peers = role(account, row.ts, refs)
            .and_then(|r| self.roles.get(&r))
            .map(|r| r.at(day))
            .filter(|(_, all)| all - own_all >= FEWEST)
            .unwrap_or_else(|| self.all.at(day));
        let (others_without, others) = (peers.0 - own_without, peers.1 - own_all);
        let (k, n) = (own_without + i64::from(without), own_all + 1);
        out[0] = Val::Bool(without);
        out[1] = Val::Int(k);
        out[2] = Val::Int(n);
        if others > 0 {
            let expected = (others_without as f64).max(0.5) / others as f64 * n as f64;
            out[3] = Val::Real(expected);
            // At or below the expectation nothing is unusual; the sum is spared.
            out[4] = Val::Real(if k as f64 <= expected { 1.0 } else { stats::poisson_tail(k, expected) });
            out[5] = Val::Real(stats::poisson_llr(k, expected));
        }
    }
    fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        if row.kind() == Kind::Access
            && let Some((account, without)) = self.look_up(row, refs)
        {
            let (day, n) = (china_day(row.ts), i64::from(without));
            self.accounts.of(account).add(day, n);
            if let Some(r) = role(account, row.ts, refs) {
                self.roles.of(r).add(day, n);
            }
            self.all.add(day, n);
        }
        self.reasons.observe(row, refs);
    }
    fn patience(&self) -> i64 {
        7 * DAY
    }
    fn expire(&mut self, now: i64) {
        self.reasons.expire(now);
        let day = china_day(now);
        self.accounts.retain(|_, r| r.last().is_some_and(|d| d > day - DAYS));
    }
}
