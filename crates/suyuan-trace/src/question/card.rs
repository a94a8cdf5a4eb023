//! Through whom were the fraud cards opened? Columns: accounts, and accounts on single devices.
//!
//! Exposure is the cards opened; harm is a card in a fraud report, by ICCID or by number. Each card is
//! held against other cards of its outlet, opened by others. An account whose harm sits on one device
//! is found through that device's column, with its own counter as the control.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Contribution, Entity, EntityKind, Outside, Question, Source};

use super::harms::{self, Touch};
use super::{Behind, Best, WORTH, entity, merge, outside, scored, source};
use crate::attribute::{Clock, Settings};
use crate::facts::{Facts, Row, city};
use crate::intern::{Id, Lookup, NONE};
use crate::tally::{Reason, Tally};
use crate::words::{number, text};

/// What the question gave.
pub struct CardSources {
    /// Sources, most probable first.
    pub sources: Vec<Source>,
    /// Probability of each `(account, device)` column; the device is `NONE` for the whole account.
    pub columns: BTreeMap<(Id, Id), f64>,
    /// Openings by index that a report names, with the reports' indices.
    pub fraud: BTreeMap<usize, Vec<usize>>,
    /// Openings by index that sources explain.
    pub explained: BTreeMap<usize, f64>,
    /// Fraud cards that no source explains.
    pub outside: Option<Outside>,
    /// The best of what was found, whomever it names.
    pub best: Best,
}

/// Reports by the opening they point at: a card by its ICCID, a number by its last opening before.
pub fn reported(f: &Facts) -> BTreeMap<usize, Vec<usize>> {
    let mut by_card: Lookup<Id, usize> = Lookup::default();
    let mut by_number: Lookup<Id, Vec<usize>> = Lookup::default();
    for (i, o) in f.openings.iter().enumerate() {
        by_card.insert(o.card, i);
        if o.msisdn != NONE {
            by_number.entry(o.msisdn).or_default().push(i);
        }
    }
    let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, r) in f.reports.iter().enumerate() {
        let by_number = || {
            let list = by_number.get(&r.msisdn)?;
            let before = list.iter().rfind(|i| f.openings[**i].row.ts <= r.row.ts);
            before.or(list.first()).copied()
        };
        let hit = if r.card != NONE { by_card.get(&r.card).copied() } else { None };
        if let Some(i) = hit.or_else(|| if r.msisdn != NONE { by_number() } else { None }) {
            out.entry(i).or_default().push(n);
        }
    }
    out
}

/// Asks the question. `suspected` holds columns whose conduct is that of a ring, with its probability.
pub fn ask(
    f: &Facts,
    settings: &Settings,
    fraud: BTreeMap<usize, Vec<usize>>,
    suspected: &BTreeMap<(Id, Id), f64>,
) -> CardSources {
    let mut tally = Tally::new(f.horizon());
    let mut strata: Lookup<Id, u32> = Lookup::default();
    let mut regions: BTreeMap<String, u32> = BTreeMap::new();
    let mut columns: BTreeMap<(Id, Id), u32> = BTreeMap::new();
    let mut keys: Vec<(Id, Id)> = Vec::new();
    for (i, o) in f.openings.iter().enumerate() {
        let outlet = f.outlet_of(o);
        let stratum = match strata.get(&outlet) {
            Some(s) => *s,
            None => {
                let code = f.name(f.outlet_region(outlet));
                let place = city(code).unwrap_or("").to_owned();
                let next = regions.len() as u32;
                let region = *regions.entry(place).or_insert(next);
                let s = tally.stratum(region);
                strata.insert(outlet, s);
                s
            }
        };
        let thing = tally.thing(stratum);
        let row = fraud.contains_key(&i).then_some(o.row);
        for key in [(o.account, NONE), (o.account, o.device)] {
            if key == (o.account, NONE) || o.device != NONE {
                let whole = if key.1 == NONE { None } else { columns.get(&(key.0, NONE)).copied() };
                let column = *columns.entry(key).or_insert_with(|| {
                    keys.push(key);
                    tally.column(u8::from(key.1 != NONE), whole)
                });
                tally.touch(column, thing, f.day(o.row.ts), Reason::None, row);
            }
        }
    }
    let exposure = tally.things_of();
    // A device that carries nearly all of an account says nothing that the account does not.
    let keep: Vec<bool> = keys
        .iter()
        .enumerate()
        .map(|(c, (account, device))| {
            *device == NONE || {
                let whole = columns.get(&(*account, NONE)).map_or(0, |a| exposure[*a as usize]);
                exposure[c] * 20 <= whole * 19
            }
        })
        .collect();
    let harmed: Vec<(u32, f64)> = fraud
        .iter()
        .map(|(i, reports)| {
            let ts = reports.iter().map(|r| f.reports[*r].row.ts).min().unwrap_or(0);
            (*i as u32, f.day(ts).max(f.day(f.openings[*i].row.ts) + 0.01))
        })
        .collect();
    let (problem, asked, things) = tally.problem(Clock::Age, |c| keep[c as usize], &harmed, |_| true);
    let known: BTreeMap<u32, f64> = asked
        .iter()
        .enumerate()
        .filter_map(|(i, c)| suspected.get(&keys[*c as usize]).map(|p| (i as u32, *p)))
        .collect();
    let scored = scored(f, &problem, settings, &known).columns;
    let asked_of = (!fraud.is_empty())
        .then(|| outside::told(Question::CardOpening, fraud.len(), Some((&problem, &scored))));
    let mut out = CardSources {
        sources: Vec::new(),
        columns: BTreeMap::new(),
        fraud,
        explained: BTreeMap::new(),
        outside: asked_of,
        best: Best::of(&scored),
    };
    let mut found = Vec::new();
    for s in &scored {
        let key = keys[asked[s.column as usize] as usize];
        out.columns.insert(key, s.probability);
        if s.probability >= 0.5 {
            for (h, share) in &s.explains {
                let share = share * s.probability;
                let slot = out.explained.entry(things[*h as usize] as usize).or_insert(0.0);
                *slot = slot.max(share);
            }
        }
        if s.probability < WORTH {
            continue;
        }
        let named = |k: (Id, Id)| {
            if k.1 == NONE { entity(f, EntityKind::Account, k.0) } else { entity(f, EntityKind::Device, k.1) }
        };
        let set = credible(f, s.set.iter().map(|(c, p)| (keys[asked[*c as usize] as usize], *p)), key, named);
        let opened = exposure[asked[s.column as usize] as usize];
        let rate = s.expected / opened.max(1) as f64;
        let devices: BTreeMap<Id, u64> =
            columns.range((key.0, 0)..(key.0, NONE)).map(|(k, c)| (k.1, exposure[*c as usize])).collect();
        // A device's column speaks of its account: the figures are the account's.
        let whole = columns.get(&(key.0, NONE)).map_or(opened, |c| exposure[*c as usize]);
        let mut behind = behind(f, (key.0, NONE), whole, &out.fraud, rate, &devices);
        let card = |h: u32| things[h as usize] as usize;
        let touches: Vec<Touch> = s
            .explains
            .iter()
            .map(|(h, _)| {
                let row = f.openings[card(*h)].row;
                Touch { harmed: *h, day: f.day(row.ts), row }
            })
            .collect();
        behind.harms = harms::told(f, s, &touches, |h| {
            let reports = out.fraud[&card(h)].iter().map(|r| f.reports[*r].row.ts);
            (entity(f, EntityKind::Card, f.openings[card(h)].card), reports.min().unwrap_or(0))
        });
        let mut of_account = s.clone();
        of_account.expected = rate * whole as f64;
        of_account.harmed = out.fraud.keys().filter(|i| f.openings[**i].account == key.0).count() as u64;
        let mut one = source(f, Question::CardOpening, &of_account, &behind, set);
        if let (Some(one), Some(p)) = (one.as_mut(), suspected.get(&key)) {
            one.contributions.push(Contribution {
                what: text(
                    "its openings carry marks of several families, independent of harm; this raised the prior",
                    "其开卡带有多类独立于案件的异常标记，先验概率因此提高",
                ),
                value: number(*p),
                threshold: None,
                nats: (p / (1.0 - p)).ln(),
            });
        }
        found.extend(one);
    }
    out.sources = merge(found);
    out
}

/// The set in terms of accounts: the columns of one account are one candidate.
fn credible(
    f: &Facts,
    set: impl Iterator<Item = ((Id, Id), f64)>,
    me: (Id, Id),
    named: impl Fn((Id, Id)) -> Entity,
) -> Vec<(Entity, f64)> {
    let mut by: BTreeMap<Entity, f64> = BTreeMap::new();
    for (key, p) in set {
        let e = if key.0 == me.0 { entity(f, EntityKind::Account, key.0) } else { named((key.0, NONE)) };
        *by.entry(e).or_insert(0.0) += p;
    }
    let mut out: Vec<(Entity, f64)> = by.into_iter().collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    out
}

/// Nats by which a device's own harm must exceed what is expected to be named beside the account.
const CARRIES: f64 = 3.0;

fn behind(
    f: &Facts,
    key: (Id, Id),
    exposure: u64,
    fraud: &BTreeMap<usize, Vec<usize>>,
    rate: f64,
    devices: &BTreeMap<Id, u64>,
) -> Behind {
    let mut by_device: BTreeMap<Id, f64> = BTreeMap::new();
    let mut rows: Vec<Row> = Vec::new();
    let mut outlets: BTreeMap<Id, u64> = BTreeMap::new();
    for (i, reports) in fraud {
        let o = &f.openings[*i];
        if o.account == key.0 && (key.1 == NONE || o.device == key.1) {
            rows.push(o.row);
            rows.extend(reports.iter().map(|r| f.reports[*r].row));
            *outlets.entry(f.outlet_of(o)).or_default() += 1;
            *by_device.entry(o.device).or_default() += 1.0;
        }
    }
    let total: u64 = outlets.values().sum();
    let mut finer = Vec::new();
    for (device, k) in by_device {
        let e = rate * devices.get(&device).map_or(0.0, |n| *n as f64);
        if device != NONE && e > 0.0 && k > e && k * (k / e).ln() - (k - e) > CARRIES {
            finer.push(entity(f, EntityKind::Device, device));
        }
    }
    for (outlet, n) in outlets {
        if outlet != NONE && n * 5 >= total * 4 {
            finer.push(entity(f, EntityKind::Outlet, outlet));
        }
    }
    Behind {
        entity: entity(f, EntityKind::Account, key.0),
        finer,
        exposure,
        rows,
        harms: Vec::new(),
        against: None,
        rival: None,
    }
}
