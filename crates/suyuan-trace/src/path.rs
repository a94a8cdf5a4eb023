//! Ways from a person's data to a fraud: who may have looked the person up, who captured the identity, who opened the card, in
//! which handset it was first used, in which case it was reported; each step with its row, in order of time.
//!
//! The later steps are recorded. Of the earlier ones there may be several: every look-up and every capture of the person before
//! the opening is a way, and so is that the data came from outside the records. A look-up weighs the probability that its
//! account is a source, a capture more than a look-up, and both less with the time until the opening. The weights are
//! engineering defaults, not fitted.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::outcome::{ChainPath, ChainStage, ChainStep, Entity, EntityKind, Source, Text};
use suyuan_model::time::{DAY, HOUR};

use crate::facts::{Facts, Opening, Row};
use crate::intern::{Id, NONE};
use crate::question::person::Lookups;
use crate::words::text;

/// Ways told of each card.
const BEST: usize = 3;
/// Cards told of at most, those reported first.
const CARDS: usize = 1000;
/// Days in which a touch of the person loses half its weight.
const HALF_LIFE: f64 = 60.0;
/// The weight of an account that is not a probable source.
const HONEST: f64 = 0.01;
/// The weight of a capture that is not the opening's own step.
const CAPTURED: f64 = 0.5;
/// The weight of data from outside the records, in place of a look-up.
const OUTSIDE: f64 = 0.1;

/// A touch of the person, or nothing.
#[derive(Clone, Copy)]
struct Touch {
    kind: EntityKind,
    by: Id,
    row: Row,
    weight: f64,
}

/// The best ways of every card used in fraud (`fraud`: openings by index with their reports).
pub fn paths(
    f: &Facts,
    fraud: &BTreeMap<usize, Vec<usize>>,
    looked: &Lookups,
    holders: &[Source],
    first_use: &BTreeMap<Id, (Row, Id)>,
) -> Vec<ChainPath> {
    let mut order: Vec<(&usize, &Vec<usize>)> = fraud.iter().collect();
    order.sort_by_key(|(i, reports)| (reports.iter().map(|r| f.reports[*r].row.ts).min(), **i));
    order.truncate(CARDS);
    let persons: BTreeSet<Id> = order.iter().map(|(i, _)| f.openings[**i].subject).collect();
    let touches = looked.touches_of(&persons);
    let sources: BTreeMap<Id, f64> =
        holders.iter().filter_map(|s| Some((f.names.find(&s.entity.id)?, s.probability))).collect();
    let mut out = Vec::new();
    for (i, reports) in order {
        let o = &f.openings[*i];
        let (lookups, captures) = earlier(o, touches.get(&o.subject).map_or(&[], Vec::as_slice), &sources);
        let later = later(f, o, reports, first_use);
        out.extend(ways(f, o, &lookups, &captures, &later));
    }
    out
}

/// Look-ups and captures of the opening's person before it, not its own steps, each with its weight.
fn earlier(
    o: &Opening,
    touches: &[(EntityKind, Id, Row)],
    sources: &BTreeMap<Id, f64>,
) -> (Vec<Touch>, Vec<Touch>) {
    let near = |row: &Row| (-((o.row.ts - row.ts) as f64 / DAY as f64) / HALF_LIFE).exp2();
    let (mut lookups, mut captures): (BTreeMap<Id, Touch>, BTreeMap<Id, Touch>) = Default::default();
    for (kind, by, row) in touches.iter().filter(|t| t.2.ts < o.row.ts) {
        let lookup = *kind == EntityKind::Account;
        let own =
            if lookup { *by == o.account && row.ts > o.row.ts - DAY } else { row.ts > o.row.ts - HOUR / 2 };
        if own {
            continue;
        }
        let base = if lookup { sources.get(by).copied().unwrap_or(0.0).max(HONEST) } else { CAPTURED };
        let touch = Touch { kind: *kind, by: *by, row: *row, weight: base * near(row) };
        // Of one account's look-ups the last before the opening stands for all.
        if lookup {
            lookups.insert(*by, touch)
        } else {
            captures.insert(*by, touch)
        };
    }
    (lookups.into_values().collect(), captures.into_values().collect())
}

/// Opening, first use and reports, as they are recorded; and the case.
fn later(
    f: &Facts,
    o: &Opening,
    reports: &[usize],
    first_use: &BTreeMap<Id, (Row, Id)>,
) -> (Vec<ChainStep>, Option<String>, Vec<Text>) {
    let entity = |kind, id: Id| (id != NONE).then(|| Entity::new(kind, f.name(id)));
    let step = |stage, what, through: [Option<Entity>; 3], row: &Row| ChainStep {
        stage,
        what,
        through: through.into_iter().flatten().collect(),
        at: row.ts,
        row: row.cite(&f.names),
    };
    let mut missing = Vec::new();
    let through = [
        entity(EntityKind::Account, o.account),
        entity(EntityKind::Device, o.device),
        entity(EntityKind::Outlet, f.outlet_of(o)),
    ];
    let mut steps = vec![step(
        ChainStage::Circulation,
        text("card opened in the person's name", "以其名义开卡"),
        through,
        &o.row,
    )];
    let report = reports.iter().map(|r| &f.reports[*r]).min_by_key(|r| (r.row.ts, r.row.seq));
    let until = report.map_or(i64::MAX, |r| r.row.ts);
    match first_use.get(&o.card).filter(|(row, _)| row.ts < until && row.ts + DAY > o.row.ts) {
        Some((row, imei)) => {
            let through = [entity(EntityKind::Imei, *imei), None, None];
            // A day's use is stamped with the day's start, which lies before an opening on that day.
            let mut used = step(ChainStage::Use, text("first use of the card", "首次用卡"), through, row);
            used.at = used.at.max(o.row.ts);
            steps.push(used);
        }
        None => missing.push(text(
            "no use of the card before the report is recorded (`usage`)",
            "没有报案前的用卡记录（usage）",
        )),
    }
    if let Some(r) = report {
        let through = [entity(EntityKind::FraudCase, r.case), None, None];
        steps.push(step(ChainStage::Use, text("reported as used in fraud", "被报告涉诈"), through, &r.row));
    }
    let case = report.and_then(|r| entity(EntityKind::FraudCase, r.case)).map(|e| e.id);
    (steps, case, missing)
}

/// Look-up (or none), capture (or none) in order of time, before the recorded steps; the best few.
fn ways(
    f: &Facts,
    o: &Opening,
    lookups: &[Touch],
    captures: &[Touch],
    (later, case, missing): &(Vec<ChainStep>, Option<String>, Vec<Text>),
) -> Vec<ChainPath> {
    let optional =
        |list: &[Touch]| -> Vec<Option<Touch>> { list.iter().copied().map(Some).chain([None]).collect() };
    let mut all: Vec<(f64, Option<Touch>, Option<Touch>)> = Vec::new();
    for l in optional(lookups) {
        for c in optional(captures) {
            // A look-up after the capture added nothing to it.
            if let (Some(l), Some(c)) = (&l, &c)
                && l.row.ts > c.row.ts
            {
                continue;
            }
            let weight = l.map_or(OUTSIDE, |l| l.weight) * c.map_or(OUTSIDE, |c| c.weight);
            all.push((weight, l, c));
        }
    }
    let sum: f64 = all.iter().map(|w| w.0).sum();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let step = |t: &Touch| ChainStep {
        stage: ChainStage::Acquisition,
        what: if t.row.kind == Kind::Access {
            text("the person's data looked up", "查询其个人信息")
        } else {
            text("the person's identity captured", "采集其身份信息")
        },
        through: vec![Entity::new(t.kind, f.name(t.by))],
        at: t.row.ts,
        row: t.row.cite(&f.names),
    };
    all.truncate(BEST);
    all.iter()
        .map(|(weight, l, c)| {
            let mut missing = missing.clone();
            if l.is_none() && c.is_none() {
                missing.push(text(
                    "this way: the identity came from outside the records; look-ups (`access`) or captures (`capture`) of \
                     other holders would show it",
                    "此路径：身份信息来自记录之外；其他持有方的查询（access）或采集（capture）记录可以说明",
                ));
            }
            ChainPath {
                card: f.name(o.card).to_owned(),
                case: case.clone(),
                probability: weight / sum,
                steps: l.iter().chain(c).map(step).chain(later.iter().cloned()).collect(),
                missing,
            }
        })
        .collect()
}
