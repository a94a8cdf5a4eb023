//! The beginning of term: persons of 16 to 23 who come in the weeks in which schools and universities begin.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::{china_day, civil_from_days};

use super::{About, Check, Spec, Tally};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "term_start",
    what: ("students at the beginning of term", "开学季学生办卡"),
    reads: &[],
    params: &[],
    build: |_, b| {
        Box::new(Term { year: b.slot(Kind::Opening, "subject_birth_year"), tally: Tally::default() })
    },
};

struct Term {
    year: Slot,
    tally: Tally,
}

/// From 15 August to 10 October, and from 10 February to 15 March.
fn in_season(month: u32, day: u32) -> bool {
    matches!((month, day), (8, 15..) | (9, _) | (10, ..=10) | (2, 10..) | (3, ..=15))
}

impl Check for Term {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some(year) = row.int(self.year) else { return };
        let (y, m, d) = civil_from_days(china_day(row.ts));
        self.tally.row(n, in_season(m, d) && (16..=23).contains(&(y - year)));
    }
    fn other(&mut self, _: &Row<'_>, _: &Registry) {}
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("persons whose birth year is known", "名已知出生年份者"),
            ("are of 16 to 23 and came in the weeks when term begins", "名为16–23岁且在开学季办理"),
        )
    }
}
