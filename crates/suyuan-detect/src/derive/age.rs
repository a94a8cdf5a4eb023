//! How old a person was at the row's time, from what the intake read off the identity number.
//!
//! The number itself is sealed; its birth year is kept, and the birth month of those who were under 16. With a month the age is in
//! completed years as of the month (a person counts as of age from the first of the month); without one it is the
//! difference of the years, so it may be one year too high. Absent where the number was not an identity number.
//! Blind to: whether the person is alive, and whether the document had expired; neither is in the records.

use suyuan_model::Kind;
use suyuan_model::time::{china_day, civil_from_days};

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::registry::Registry;
use crate::state::saved;
use crate::view::{Row, Slot};

const ON: &[Kind] = &[Kind::Opening, Kind::Capture, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "age",
    what: ("how old the person was", "当事人当时年龄"),
    on: ON,
    observes: &[],
    params: &[ParamDef { name: "as", ty: ParamTy::Name, default: "age" }],
    fields,
    build: |_, b| {
        Box::new(Age {
            year: ON.iter().map(|k| b.slot(*k, "subject_birth_year")).collect(),
            month: ON.iter().map(|k| b.slot(*k, "subject_birth_month")).collect(),
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    vec![def(p.get("as"), Ty::Int, "age in years", "年龄（周岁）")]
}

struct Age {
    year: Vec<Slot>,
    month: Vec<Slot>,
}

/// Age in years on that day.
pub(crate) fn age_on(day: i64, year: i64, month: Option<i64>) -> i64 {
    let (y, m, _) = civil_from_days(day);
    y - year - i64::from(month.is_some_and(|b| i64::from(m) < b))
}

saved!(Age);

impl Operator for Age {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(at) = ON.iter().position(|k| *k == row.kind()) else { return };
        let Some(year) = row.int(self.year[at]) else { return };
        out[0] = Val::Int(age_on(china_day(row.ts), year, row.int(self.month[at])));
    }
    fn observe(&mut self, _: &Row<'_>, _: &Registry) {}
    fn expire(&mut self, _: i64) {}
}

#[cfg(test)]
mod tests {
    use super::age_on;
    use suyuan_model::time::parse_day;

    #[test]
    fn a_month_makes_the_age_exact() {
        let day = |t| parse_day(t).unwrap();
        assert_eq!(age_on(day("2020-05-31"), 2006, Some(6)), 13);
        assert_eq!(age_on(day("2020-06-01"), 2006, Some(6)), 14);
        assert_eq!(age_on(day("2020-01-01"), 1950, None), 70);
    }
}
