//! Rings: accounts, devices, outlets, collectors and cards that evidence holds together.
//!
//! A ring grows from columns `(account, device)` whose openings carry marks of two families of conduct
//! or more, joined by a shared account, device or collector, never by a place or an employer alone: two
//! rings that share nothing stay two. Known fraud makes it more probable but is not needed. The
//! owner's honest openings at the counter carry no marks and are not counted.
//!
//! Blind to: rings that open at a listed counter, in the owner's session, with fresh captures.

mod exhibit;
pub mod house;
pub mod like;
mod link;
pub mod marks;
mod member;
pub mod seed;

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, EntityKind, Finding, Operator, Ring, RingCard, Source, Text};

use crate::attribute::logistic;
use crate::facts::{Facts, Row};
use crate::intern::{Id, NONE};
use crate::question::card::CardSources;
use crate::question::person::Lookups;
use crate::words::text;
use marks::{Mark, Marker, Marks};
use seed::{Column, Group, Sheet};

/// Fewer cards are no ring.
const LEAST_CARDS: usize = seed::PATTERN;
/// A source of identities belongs to a ring when this many of its persons hold the ring's cards.
const LEAST_PERSONS: usize = 10;
/// ... or this share of those it touched and who were harmed.
const MOST_PERSONS: f64 = 0.3;

/// A card of a draft.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// Index of its opening.
    pub index: usize,
    /// Its marks.
    pub marks: Marks,
    /// Probability that it belongs.
    pub probability: f64,
}

/// A ring before its members and links are written down.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it grew from.
    pub group: Group,
    /// Probability that there is a ring.
    pub probability: f64,
    /// Its cards in order of opening.
    pub cards: Vec<Card>,
    /// Persons in whose names they were opened.
    pub persons: BTreeSet<Id>,
}

impl Draft {
    /// The accounts.
    pub fn accounts(&self) -> BTreeSet<Id> {
        self.group.columns.iter().map(|c| c.0).collect()
    }
    /// The devices.
    pub fn devices(&self) -> BTreeSet<Id> {
        self.group.columns.iter().map(|c| c.1).filter(|d| *d != NONE).collect()
    }
    /// Indices of its openings on a column.
    pub fn on(&self, f: &Facts, column: Column) -> Vec<usize> {
        let here = |c: &&Card| (f.openings[c.index].account, f.openings[c.index].device) == column;
        self.cards.iter().filter(here).map(|c| c.index).collect()
    }
}

/// Finds the rings; `base` are all columns as first read, `sheets` those of suspects in full.
pub fn drafts(
    f: &Facts,
    marker: &Marker,
    named: &BTreeMap<Column, f64>,
    base: &BTreeMap<Column, Sheet>,
    sheets: &BTreeMap<Column, Sheet>,
) -> Vec<Draft> {
    let mut out = Vec::new();
    for group in seed::groups(f, marker, base, sheets) {
        let p_source = group
            .columns
            .iter()
            .flat_map(|c| [*c, (c.0, NONE)])
            .filter_map(|c| named.get(&c))
            .fold(0.0, |a: f64, b| a.max(*b));
        let p_conduct = seed::conduct(base, sheets, &group);
        let cards = cards(f, marker, sheets, &group);
        if cards.len() < LEAST_CARDS {
            continue;
        }
        let persons = cards.iter().map(|c| f.openings[c.index].subject).collect();
        // The card question already started from the conduct: the two are not counted twice.
        let probability = p_source.max(p_conduct).min(0.999);
        out.push(Draft { group, probability, cards, persons });
    }
    out.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability))
            .then(b.cards.len().cmp(&a.cards.len()))
            .then(a.group.columns.cmp(&b.group.columns))
    });
    out
}

fn cards(f: &Facts, marker: &Marker, sheets: &BTreeMap<Column, Sheet>, group: &Group) -> Vec<Card> {
    let accounts: BTreeSet<Id> = group.columns.iter().map(|c| c.0).collect();
    let mut out = Vec::new();
    for (column, sheet) in sheets.iter().filter(|(c, _)| accounts.contains(&c.0)) {
        let inside = group.columns.contains(column);
        for &index in &sheet.openings {
            let m = marker.marks(f, index);
            let captured = marker
                .captures(f, &f.openings[index])
                .any(|k| group.collectors.contains(&f.captures[k].collector));
            // At a listed counter honest customers stand beside the ring's: harm alone is no second family.
            let enough = if seed::unlisted(f, *column) { m.breadth() >= 2 } else { m.conduct() >= 2 };
            if (inside && enough) || (!inside && seed::strays(m, captured)) {
                let share = if inside { sheet.share() } else { 0.5 }.clamp(0.05, 0.97);
                let log = (share / (1.0 - share)).ln() - 1.5 + 1.3 * f64::from(m.breadth() - 1);
                out.push(Card { index, marks: m, probability: logistic(log).min(0.999) });
            }
        }
    }
    out.sort_by_key(|c| c.index);
    out
}

/// FNV-1a, so that an id is the same with any version of any library.
pub fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

fn id_of(f: &Facts, d: &Draft) -> String {
    let names: BTreeSet<&str> = d.accounts().iter().chain(&d.devices()).map(|i| f.name(*i)).collect();
    let joined: Vec<&str> = names.into_iter().collect();
    format!("ring-{:016x}", fnv(&joined.join("\n")))
}

/// A source of identities that fed a ring.
pub struct Seller<'a> {
    /// The source.
    pub source: &'a Source,
    /// Rows by which it touched the ring's persons before.
    pub rows: Vec<Row>,
    /// How many of the ring's persons it touched.
    pub persons: usize,
}

/// Sources of identities that fed this ring.
fn sellers<'a>(f: &Facts, d: &Draft, holders: &'a [Source], looked: &Lookups) -> Vec<Seller<'a>> {
    let own = d.accounts();
    holders
        .iter()
        .filter(|s| s.probability >= 0.5 && s.entity.kind == EntityKind::Account)
        .filter_map(|s| {
            let id = f.names.find(&s.entity.id)?;
            let (rows, who) = looked.touched(EntityKind::Account, id, &d.persons);
            let enough = who.len() >= LEAST_PERSONS || who.len() as f64 >= MOST_PERSONS * s.harmed as f64;
            (!own.contains(&id) && enough && !who.is_empty()).then_some(Seller {
                source: s,
                persons: who.len(),
                rows,
            })
        })
        .collect()
}

/// What a ring is written from.
pub struct Context<'a> {
    /// The records.
    pub f: &'a Facts,
    /// The marks.
    pub marker: &'a Marker,
    /// Sources of fraud cards.
    pub cards: &'a CardSources,
    /// Sources of identities.
    pub holders: &'a [Source],
    /// The look-ups behind them.
    pub looked: &'a Lookups,
    /// Owners and operators told apart.
    pub operators: &'a [Operator],
    /// Findings of the rules.
    pub findings: &'a [Finding],
}

/// Writes a draft down.
pub fn ring(c: &Context<'_>, d: &Draft) -> Ring {
    let f = c.f;
    let sellers = sellers(f, d, c.holders, c.looked);
    let actors = exhibit::actors(f, d, &sellers);
    Ring {
        id: id_of(f, d),
        probability: d.probability,
        members: member::members(c, d, &sellers, &actors),
        cards: d.cards.iter().map(|x| card(f, x, c.cards)).collect(),
        persons: d.persons.iter().filter(|p| **p != NONE).count() as u64,
        links: link::links(c, d, &sellers, &actors),
        findings: speaking(f, d, c.findings),
        cannot_tell: cannot_tell(f, d, &sellers),
    }
}

fn card(f: &Facts, c: &Card, sources: &CardSources) -> RingCard {
    let o = &f.openings[c.index];
    let reports: &[usize] = sources.fraud.get(&c.index).map_or(&[], Vec::as_slice);
    let cases: BTreeSet<&str> = reports.iter().map(|r| f.name(f.reports[*r].case)).collect();
    RingCard {
        card: f.name(o.card).to_owned(),
        subject: (o.subject != NONE).then(|| f.name(o.subject).to_owned()),
        marks: c.marks.words(),
        probability: c.probability,
        fraud_cases: cases.into_iter().map(str::to_owned).collect(),
        opening: o.row.cite(&f.names),
        reports: reports.iter().map(|r| f.reports[*r].row.cite(&f.names)).collect(),
    }
}

fn speaking(f: &Facts, d: &Draft, findings: &[Finding]) -> Vec<String> {
    let of = |kind, ids: BTreeSet<Id>| ids.into_iter().map(move |i| Entity::new(kind, f.name(i)));
    let mine: BTreeSet<Entity> = of(EntityKind::Account, d.accounts())
        .chain(of(EntityKind::Device, d.devices()))
        .chain(of(EntityKind::Collector, d.group.collectors.clone()))
        .collect();
    findings
        .iter()
        .filter(|x| mine.contains(&x.entity) || x.involved.iter().any(|e| mine.contains(e)))
        .map(|x| x.id.clone())
        .collect()
}

fn cannot_tell(f: &Facts, d: &Draft, sellers: &[Seller<'_>]) -> Vec<Text> {
    let mut out = Vec::new();
    if f.dealings.is_empty() {
        out.push(text(
            "Who bought the blank cards and who took the finished cards is in no system's records: only exhibits \
             (dealings, seized cards, messages, payments) can show these actors.",
            "谁买走白卡、谁收走已实名卡，任何业务系统都没有记录：只有物证（交易往来、查获的卡、聊天、付款）才能显示这些人。",
        ));
    }
    if f.sightings.is_empty() {
        out.push(text(
            "Where the cards are now is not recorded; a list of seized cards would show it.",
            "这些卡现在何处没有记录；查获卡清单可以说明。",
        ));
    }
    if d.group.collectors.is_empty() {
        out.push(text(
            "Who captured the identities cannot be told: no capture records name a collector for these persons.",
            "无法判断身份信息由谁采集：这些人员没有带采集人的采集记录。",
        ));
    }
    let captured = d.cards.iter().filter(|c| c.marks.has(Mark::Pretext)).count();
    let sold: usize = sellers.iter().map(|s| s.persons).sum();
    let open = d.cards.len().saturating_sub(captured + sold);
    if open > 0 {
        out.push(text(
            format!("For {open} cards it is not recorded where the identity came from."),
            format!("有 {open} 张卡的身份信息来源没有记录。"),
        ));
    }
    out.push(text(
        "The operator is known as a device and, where recorded, a collector; who held the device needs its owner, its \
         number or a witness.",
        "实际操作人只能确定到终端及（有记录时）采集人；谁持有该终端需要机主、号码或证人。",
    ));
    out
}
