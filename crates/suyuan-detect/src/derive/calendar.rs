//! The clock and the calendar of a row: hour, night, workday, holiday, and whether the outlet was closed.
//!
//! Hours and days are those of China (UTC+8): every region of GB/T 2260 keeps that time. Night is from 22:00 to 07:00.
//! An outlet is closed when its row's hours, which may name days (`1-6 09:00-18:00`), do not cover the time; half an hour
//! before and after still counts as open, since a queue is served to its end. Unknown where the outlet has no hours.
//! Blind to: outlets that keep longer hours than their row says; the check `trade_at_that_hour` looks for them.

use suyuan_model::calendar::{is_workday, weekday};
use suyuan_model::time::{CHINA, DAY, HOUR, china_day, format_day};
use suyuan_model::{Kind, calendar};

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Row, Slot};

/// A queue is served to its end.
const GRACE: i64 = HOUR / 2;

const ON: &[Kind] = &[Kind::Opening, Kind::Login, Kind::Access, Kind::AccountChange, Kind::CardChange];

pub(crate) static SPEC: Spec = Spec {
    name: "calendar",
    what: (
        "hour, night, workday and holiday in China, and whether the outlet was closed",
        "中国时间的时刻、夜间、工作日、节假日及网点是否营业",
    ),
    on: ON,
    observes: &[],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Calendar {
            account: ON.iter().map(|k| b.slot(*k, "account")).collect(),
            outlet: b.slot(Kind::Opening, "outlet"),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("hour", Ty::Int, "hour of the day, 0 to 23", "时刻（0–23时）"),
        def("weekday", Ty::Int, "day of the week, 1 Monday to 7 Sunday", "星期（1至7）"),
        def("night", Ty::Bool, "between 22:00 and 07:00", "22时至次日7时之间"),
        def("workday", Ty::Bool, "a working day", "工作日"),
        def("holiday", Ty::Bool, "a public holiday", "法定节假日"),
        def("outlet_closed", Ty::Bool, "outside the outlet's hours", "网点非营业时间"),
        def("date", Ty::Text, "day in China", "日期"),
    ]
}

struct Calendar {
    account: Vec<Slot>,
    outlet: Slot,
}

saved!(Calendar);

impl Operator for Calendar {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let day = china_day(row.ts);
        let hour = (row.ts + CHINA).rem_euclid(DAY) / HOUR;
        out[0] = Val::Int(hour);
        out[1] = Val::Int(i64::from(weekday(day)));
        out[2] = Val::Bool(!(7..22).contains(&hour));
        out[3] = Val::Bool(is_workday(day));
        out[4] = Val::Bool(calendar::holiday(day).is_some());
        out[6] = Val::Text(format_day(day).into());
        let own = (row.kind() == Kind::Opening).then(|| row.key(self.outlet)).flatten();
        let outlet = own.or_else(|| {
            let staff = refs.staff.at(row.key(self.account[at])?, row.ts)?;
            Some(Key::of(&staff.outlet))
        });
        out[5] = outlet
            .and_then(|o| refs.outlets.at(o, row.ts))
            .and_then(|o| o.hours.as_ref())
            .map(|h| ![-GRACE, 0, GRACE].iter().any(|d| h.covers(row.ts + d)))
            .into();
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}
