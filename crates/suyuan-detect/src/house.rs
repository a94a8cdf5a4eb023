//! A habit of the house: what a large part of a carrier's accounts or outlets does is its way of working, or how its
//! records are kept, and tells nobody apart.
//!
//! Where a rule holds for at least a quarter of all that it could hold for, and those are twenty or more (or for half, and they
//! are eight), its findings are for information; but not where one goes well beyond twice what nine of ten of those it holds for
//! stay below, and in proportion to all its rows beyond nine of ten too: a ring in a house of bad habits still stands out, from
//! that moment on, and is as rare as those who do. Every carrier has such habits and no list of them can be complete: faces taken
//! with the order days before, telephones without a fingerprint, a shop's own number as contact, addresses of villages, clocks and
//! regions of networks that are wrong everywhere.
//! Blind to: a scheme that a quarter of all takes part in, to the same measure. The base rate stands in the finding.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{BaseRate, Counter, EntityKind, Outcome, Text};

use crate::core::Draft;
use crate::explain::entity_zh;
use crate::rule::{MICRO, Measure};
use crate::run::Pass;

/// One in so many does it, among this many or more ...
const COMMON: (u64, u64) = (4, 20);
/// ... or, among fewer, this many and half of all.
const FEW: u64 = 8;
/// How many times as much as its like a finding has to be, to stand nevertheless, and three standard deviations of such a count.
const BEYOND: f64 = 2.0;

/// Per rule: who does it, and to what measure.
pub(crate) struct House {
    /// How many different entities a rule holds for.
    pub fired: Vec<u64>,
    of: Vec<u64>,
    /// Per rule that is a habit.
    habits: BTreeMap<usize, Habit>,
}

/// What a rule that is a habit says of whom.
struct Habit {
    /// Per entity: how much of it, and the rows that show it.
    most: BTreeMap<String, (i128, u64)>,
    /// What nine of ten of them stay at or below.
    usual: i128,
    /// Who stands out nevertheless.
    beyond: BTreeSet<String>,
    /// Whether that is in proportion to all their rows too.
    in_proportion: bool,
    /// Its share of all rows of those who do not stand out.
    share: f64,
}

impl House {
    pub fn new(pass: &Pass<'_>) -> House {
        let mut most: Vec<BTreeMap<&str, (i128, u64)>> = vec![BTreeMap::new(); pass.bound.len()];
        for d in &pass.drafts.list {
            let own = most[d.plan].entry(d.entity.as_str()).or_default();
            *own = (own.0.max(size(pass, d)), own.1 + d.total);
        }
        let fired: Vec<u64> = most.iter().map(|m| m.len() as u64).collect();
        let of: Vec<u64> =
            (0..fired.len()).map(|n| pass.bound.compared(pass.bound.plan(n)).max(fired[n])).collect();
        let raised: BTreeSet<usize> =
            pass.drafts.list.iter().filter(|d| d.raised.is_some()).map(|d| d.plan).collect();
        let common = |n: usize| is_common(fired[n], of[n]) && !raised.contains(&n);
        let habits = most.into_iter().enumerate().filter(|(n, _)| common(*n)).map(|(n, m)| {
            let usual = nine_of_ten(m.values().map(|v| v.0).collect()).unwrap_or(0);
            let most: BTreeMap<_, _> = m.into_iter().map(|(e, v)| (e.to_owned(), v)).collect();
            let beyond = most.iter().filter(|x| x.1.0 > bound(usual)).map(|x| x.0.clone()).collect();
            (n, Habit { most, usual, beyond, in_proportion: false, share: 0.0 })
        });
        let habits = habits.collect();
        House { fired, of, habits }
    }

    /// Whether a rule is one.
    pub fn habit(&self, plan: usize) -> bool {
        self.habits.contains_key(&plan)
    }

    /// Whether one goes beyond it.
    pub fn beyond(&self, plan: usize, entity: &str) -> bool {
        self.habits.get(&plan).is_some_and(|h| h.beyond.contains(entity))
    }

    /// Its share of all rows of those who do not stand out; 0 where that is not known.
    pub fn share(&self, plan: usize) -> f64 {
        self.habits.get(&plan).map_or(0.0, |h| h.share)
    }

    /// Who does more of everything does more of this too: only those stand out whose share of their own rows, `of`, goes beyond
    /// nine of ten as well.
    pub fn in_proportion(&mut self, plan: usize, of: impl Fn(&str) -> u64) {
        let Some(h) = self.habits.get_mut(&plan) else { return };
        let share = |e: &str, rows: u64| i128::from(rows) * MICRO / i128::from(of(e).max(1));
        let Some(usual) = nine_of_ten(h.most.iter().map(|(e, v)| share(e, v.1)).collect()) else { return };
        h.beyond.retain(|e| share(e, h.most[e].1) > usual);
        h.in_proportion = true;
        let rest = h.most.iter().filter(|(e, _)| !h.beyond.contains(*e));
        let (rows, all) = rest.fold((0, 0), |sum, (e, v)| (sum.0 + v.1, sum.1 + of(e)));
        h.share = (rows as f64 / (all as f64).max(1.0)).min(1.0);
    }

    /// What the habit says of a finding, where there is one.
    pub fn counter(&self, pass: &Pass<'_>, d: &Draft) -> Option<Counter> {
        let h = self.habits.get(&d.plan)?;
        let (hits, of) = (self.fired[d.plan], self.of[d.plan]);
        let kind = pass.bound.plan(d.plan).rule.entity.kind;
        let stands = h.beyond.contains(&d.entity) && size(pass, d) > bound(h.usual);
        let (own, usual) = (shown(size(pass, d)), shown(h.usual));
        Some(Counter {
            what: Text::new(
                "a habit of the house: much of the business is done so, or recorded so",
                "单位通行做法：大部分业务如此办理或如此记录",
            ),
            outcome: if stands { Outcome::Excluded } else { Outcome::Supported },
            detail: Text::new(
                format!(
                    "{hits} of {of} {} do it, nine of ten of them up to {usual} times; here {own}",
                    plural(kind)
                ),
                format!("{of}个{}中{hits}个如此，其中九成不超过{usual}次；此处{own}次", entity_zh(kind)),
            ),
        })
    }

    /// When a finding that stands out began to: the honest rows before are of the habit.
    pub fn since(&self, pass: &Pass<'_>, d: &Draft) -> i64 {
        let Some(h) = self.habits.get(&d.plan) else { return d.fired };
        let c = pass.bound.plan(d.plan).correlation;
        let span = match c.measure {
            Measure::EventCount | Measure::ValueCount => c.timespan,
            Measure::Each => i64::MAX,
            _ => return d.last,
        };
        let mut times: Vec<i64> = d.rows.iter().map(|r| pass.sources.row(r).ts).collect();
        times.sort_unstable();
        let many = usize::try_from(bound(h.usual) / MICRO).unwrap_or(usize::MAX);
        let held = times.iter().zip(times.iter().skip(many)).find(|(from, to)| **to - **from <= span);
        held.map_or(d.last, |(_, to)| (*to).max(d.fired))
    }

    /// How often a finding's like is met; of a habit, how many stand out so far.
    pub fn base_rate(&self, plan: usize, stands: bool, what: Text) -> BaseRate {
        let of = self.of[plan];
        match self.habits.get(&plan).filter(|h| stands && h.in_proportion) {
            None => BaseRate { hits: self.fired[plan], of, what },
            Some(h) => BaseRate {
                hits: h.beyond.len() as u64,
                of,
                what: Text::new(
                    format!("{}, and stands out among those", what.en),
                    format!("{}，且明显超出其他同类", what.zh),
                ),
            },
        }
    }
}

fn is_common(fired: u64, of: u64) -> bool {
    let (part, among) = COMMON;
    (of >= among && fired * part >= of) || (fired >= FEW && fired * 2 >= of)
}

/// How much of it: the largest count or value, else the rows at which it held.
fn size(pass: &Pass<'_>, d: &Draft) -> i128 {
    let measure = pass.bound.plan(d.plan).correlation.measure;
    if matches!(measure, Measure::Each | Measure::Absence) || measure.stepped() {
        i128::from(d.total) * MICRO
    } else {
        d.peak
    }
}

/// What stays at or below this is no more than the habit: of small counts twice as many come by chance.
fn bound(usual: i128) -> i128 {
    let n = BEYOND * usual as f64 / MICRO as f64;
    ((n + 3.0 * n.max(0.0).sqrt()) * MICRO as f64) as i128
}

fn nine_of_ten(mut sizes: Vec<i128>) -> Option<i128> {
    sizes.sort_unstable();
    let last = sizes.len().checked_sub(1)?;
    // Of ten and fewer the greatest is not among the nine: it would be held against itself.
    Some(sizes[(sizes.len() * 9 / 10).min(last.saturating_sub(1))])
}

fn shown(size: i128) -> String {
    format!("{}", (size + MICRO / 2) / MICRO)
}

fn plural(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Account => "accounts",
        EntityKind::Outlet => "outlets",
        EntityKind::Device => "devices",
        EntityKind::Agent => "agents",
        EntityKind::Card => "cards",
        EntityKind::Person => "persons",
        EntityKind::Collector => "collectors",
        EntityKind::Employer => "employers",
        EntityKind::Imei => "handsets",
        _ => "of its kind",
    }
}
