//! A leak's records held against the lines of the law.
//!
//! Lower count: persons harmed after the look-up for whose harm the source is responsible with [`SURE`] or more, no order
//! given. Upper count: everybody it looked at while it leaked. How many were in truth passed on, the records cannot tell; it
//! lies between.

use suyuan_model::outcome::{Assessment, Entity, EntityKind, Harm, Role, Totals};

use crate::assess::{Bench, Records, SURE, Unit, actor_income, exhibited_quantity, insider};
use crate::law::{Period, Tier};
use crate::{Input, text};

use super::Leak;

/// Each source, held against the lines for records and for income.
pub(crate) fn assess(input: &Input, leak: &Leak, totals: &Totals) -> Vec<Assessment> {
    let period = Period { first: totals.first, last: totals.last };
    let mut out = Vec::new();
    let persons = leak.persons();
    // Whose hands were on a source's device has look-ups of an own account, which are no part of the leak.
    let sources = input.actors.iter().enumerate().filter(|(_, a)| a.roles.contains(&Role::Source));
    for (n, actor) in sources {
        let mut records = Records::of(text(
            format!(
                "persons whose data it looked at while it leaked; in the lower count those harmed afterwards, for which it is \
                 responsible at {SURE} or more, and without an order"
            ),
            format!("其泄露期间查询的人员；其后受害、责任概率不低于{SURE}且无工单的计入下限"),
        ));
        let harm =
            |subject: &str| -> Option<&&Harm> { persons.get(&Entity::new(EntityKind::Person, subject)) };
        for (subject, a) in &input.mine.accessed[n] {
            let sure = !a.order && harm(subject).is_some_and(|h| h.share >= SURE && h.at >= a.ts);
            records.add(a.tier, Unit { ts: a.ts, weight: 1, sure, row: a.row.clone() });
        }
        for (subject, c) in &input.mine.captured[n] {
            let sure = harm(subject).is_some_and(|h| h.share >= SURE && h.at >= c.ts);
            records.add(Tier::T500, Unit { ts: c.ts, weight: 1, sure, row: c.row.clone() });
        }
        records.note(text(
            "who was passed on and not harmed so far stands in the upper count only; the delivery itself must be shown",
            "已被外传但尚未受害的人员只计入上限；外传行为本身须另行证明",
        ));
        exhibited_quantity(input, actor, &mut records);
        let income = actor_income(input, actor);
        let mut bench = Bench { input, period, entity: actor.lead.clone(), out: &mut out };
        bench.records(&records, insider(actor), false);
        bench.income(&income, insider(actor));
    }
    out
}
