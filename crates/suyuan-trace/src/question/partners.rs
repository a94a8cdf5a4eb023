//! Partners of a found source: accounts that looked at the same records while it leaked, and hardly at other times.
//!
//! Asked of every account found for the identities of card-holders or the data of victims. The counts by bin of time tell
//! which accounts may repeat enough of its look-ups inside the window; most often none does, and nothing is read. Of a short
//! window they tell little: it is read by itself, and still most often none does. Else one
//! more pass over the look-ups reads the touches of the persons that the source touched, by whomever; [`beside`] compares.
//! No harm is used: this is evidence of its own kind.
//!
//! Always holds: an approver or a back office that repeats the source's work all year is not named; nor is an
//! account that was hardly at work outside the window, since nothing could be held against it.
//! Blind to: which of the two led; whoever was told to follow the other's work just then. It says "the same
//! records", not "guilty".

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{
    Counter, Entity, EntityKind, Evidence, Outcome, Part, Partner, Question, Source, Window,
};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::DAY;

use super::person::Lookups;
use crate::attribute::{self, Visit, beside, repeated};
use crate::facts::{Bar, Facts, Row, scan_between};
use crate::intern::Id;
use crate::prints::{Print, Sieve};
use crate::words::text;

/// Read on either side of a window: a repeat comes at most a day apart, and days are counted from the start of the records.
const AROUND: i64 = 2 * DAY;
/// Partners told of one source.
const TOLD: usize = 10;

/// A look-up, by someone who may be a partner, of a person whom a found source touched.
struct Look {
    visit: Visit,
    row: Row,
    ordered: bool,
}

/// The look-ups of persons: all in short, sorted; in full those of the accounts that may be partners.
struct Looks {
    visits: Vec<Visit>,
    full: Vec<Look>,
}

/// Gives every found account of the two questions its partners.
pub fn tell(
    f: &mut Facts,
    looked: &mut Lookups,
    source: &dyn RowSource,
    sources: &mut [Source],
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let mut found: Vec<(&mut Source, Window, Id)> = Vec::new();
    for s in sources.iter_mut().filter(|s| asked(s)) {
        let Some(window) = s.window else { continue };
        let Some(id) = f.names.find(&s.entity.id) else { continue };
        found.push((s, window, id));
    }
    if found.is_empty() {
        return Ok(());
    }
    let times: Vec<(Id, (f64, f64))> =
        found.iter().map(|(_, w, id)| (*id, (f.day(w.start), f.day(w.end)))).collect();
    let suspects = looked.may_repeat(&times, attribute::SHARE);
    let (found, times): (Vec<_>, Vec<_>) =
        found.into_iter().zip(times).zip(&suspects).filter(|x| !x.1.is_empty()).map(|x| x.0).unzip();
    if found.is_empty() {
        return Ok(());
    }
    let persons = looked.persons_of(&times.iter().map(|x| x.0).collect::<Vec<Id>>());
    let suspects = suspects.into_iter().flatten().collect();
    let windows = found.iter().map(|x| (x.1.start - AROUND, x.1.end + AROUND));
    let around = windows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((i64::MIN, i64::MAX));
    let all = f.span.map_or(0, |s| s.1 - s.0);
    if around.1 - around.0 < all / 2 {
        let looks = read(f, looked.tokens(&persons), &BTreeSet::new(), around, source, bar)?;
        let any = times.iter().zip(&persons).any(|((id, days), mine)| {
            let of_mine = |v: &&Visit| mine.binary_search(&v.thing).is_ok();
            let visits: Vec<Visit> = looks.visits.iter().filter(of_mine).copied().collect();
            repeated(*id, *days, &visits)
        });
        if !any {
            return Ok(());
        }
    }
    let all = read(f, looked.tokens(&persons), &suspects, (i64::MIN, i64::MAX), source, bar)?;
    for ((s, ..), ((id, days), mine)) in found.into_iter().zip(times.into_iter().zip(&persons)) {
        let of_mine = |v: &Visit| mine.binary_search(&v.thing).is_ok();
        let visits: Vec<Visit> = all.visits.iter().filter(|v| of_mine(v)).copied().collect();
        let looks: Vec<&Look> = all.full.iter().filter(|l| of_mine(&l.visit)).collect();
        let present = |who: u32| looked.days_of(who).unwrap_or((0, -1));
        let mut named = beside(id, days, &visits, &present);
        named.truncate(TOLD);
        s.partners = named.iter().filter_map(|p| partner(f, (id, days), p, &visits, &looks)).collect();
    }
    Ok(())
}

fn asked(s: &Source) -> bool {
    let found = s.listed || s.probability >= 0.5;
    found && s.question != Question::CardOpening && s.entity.kind == EntityKind::Account
}

/// Reads the look-ups of these persons between two instants, if not more.
fn read(
    f: &mut Facts,
    persons: Sieve,
    suspects: &BTreeSet<Id>,
    times: (i64, i64),
    source: &dyn RowSource,
    bar: &mut Bar<'_>,
) -> Result<Looks, ScanError> {
    let mut looks = Looks { visits: Vec::new(), full: Vec::new() };
    let columns = ["account", "subject", "result", "order"];
    scan_between(source, Kind::Access, &columns, times, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows {
            let Some(thing) = c.subject.get(i).and_then(|s| persons.find(Print::of(s))) else { continue };
            let Some(column) = c.account.get(i).and_then(|a| f.names.find(a)) else { continue };
            if c.result.get(i) == Some("denied") {
                continue;
            }
            let day = f.day(c.key.ts(i)).floor() as i64;
            let visit = Visit { thing, day, column };
            looks.visits.push(visit);
            if suspects.contains(&column) {
                let row = crate::facts::row(&c.key, &mut f.names, Kind::Access, i);
                looks.full.push(Look { visit, row, ordered: c.order.get(i).is_some() });
            }
        }
    })?;
    looks.visits.sort_unstable();
    looks.full.sort_by_key(|l| (l.visit, l.row.ts, l.row.source, l.row.seq));
    Ok(looks)
}

fn partner(
    f: &Facts,
    (source, window): (Id, (f64, f64)),
    p: &attribute::Partner,
    visits: &[Visit],
    looks: &[&Look],
) -> Option<Partner> {
    let mut days: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for v in visits.iter().filter(|v| v.column == source && inside(v.day, window)) {
        days.entry(v.thing).or_default().push(v.day);
    }
    let repeats =
        |v: &Visit| days.get(&v.thing).is_some_and(|d| d.iter().any(|d| attribute::near(*d, v.day)));
    let of_partner = looks.iter().filter(|l| l.visit.column == p.column);
    let rows: Vec<&Look> = of_partner.filter(|l| repeats(&l.visit)).copied().collect();
    let (part, other) = (|(hits, of)| Part { hits, of }, Entity::new(EntityKind::Account, f.name(p.column)));
    let (within, without) = (part(p.inside), part(p.outside));
    let ordered = rows.iter().filter(|l| l.ordered).count();
    Some(Partner {
        entity: other,
        inside: within,
        outside: without,
        log_chance: p.log_chance,
        counter: counters(within, without, ordered, rows.len()),
        evidence: Evidence::of(rows.iter().map(|l| l.row.cite(&f.names)))?,
    })
}

/// Whether a day lies in a window.
fn inside(day: i64, window: (f64, f64)) -> bool {
    window.0 <= day as f64 && (day as f64) < window.1
}

fn counters(inside: Part, outside: Part, ordered: usize, rows: usize) -> Vec<Counter> {
    vec![
        Counter {
            what: text(
                "It approves, supervises or finishes the source's work",
                "它负责审批、督导或承接该来源的工作",
            ),
            outcome: Outcome::Excluded,
            detail: text(
                format!(
                    "such an account repeats all year; this one repeated {} of {} look-ups inside the window and {} \
                     of {} outside",
                    inside.hits, inside.of, outside.hits, outside.of
                ),
                format!(
                    "此类工号全年都会重复查询；该工号在窗口内重复了 {} 次中的 {} 次，窗口外 {} 次中的 {} 次",
                    inside.of, inside.hits, outside.of, outside.hits
                ),
            ),
        },
        Counter {
            what: text(
                "It was told to follow that work just then: audit, training, cover",
                "当时受命跟进该项工作：审计、培训、顶岗",
            ),
            outcome: Outcome::NotCheckable,
            detail: text(
                "the same records, which proves no leak: who began to follow the work with the leak is named too, and which of the \
                 two led is not known; the roster and the orders given would tell",
                "查询相同记录不等于有责：随泄露开始而跟进该工作者同样会被列出，两者谁主导不明；排班和当时的指令可以说明",
            ),
        },
        Counter {
            what: text("Its look-ups had work orders", "其查询有工单"),
            outcome: if ordered * 2 >= rows { Outcome::Supported } else { Outcome::NotCheckable },
            detail: text(
                format!("{ordered} of these {rows} look-ups name a work order"),
                format!("这 {rows} 次查询中 {ordered} 次注明工单"),
            ),
        },
    ]
}
