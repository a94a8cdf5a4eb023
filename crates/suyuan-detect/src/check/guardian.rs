//! A minor, whose guardian acts: the person was under 18.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::{china_day, civil_from_days};

use super::{About, Check, Spec, Tally};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "guardian",
    what: ("a minor for whom a guardian acts", "未成年人由监护人代办"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(Guardian { year: b.slot(Kind::Opening, "subject_birth_year"), tally: Tally::default() })
    },
};

struct Guardian {
    year: Slot,
    tally: Tally,
}

impl Check for Guardian {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let Some(year) = row.int(self.year) {
            self.tally.row(n, civil_from_days(china_day(row.ts)).0 - year < 18);
        }
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("persons whose birth year is known", "名已知出生年份者"),
            ("were under 18", "名未满18岁"),
        )
    }
}
