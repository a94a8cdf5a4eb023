//! From harm back to its sources: exposure, source attribution, operators, rings, roles, the chain.
//!
//! What it does: asks three questions of the records (through whom were fraud cards opened, where did
//! the holders' identities leak, where did the victims' data leak), tells the owner of a lent account
//! from its real operator, and joins accounts, devices, collectors and cards into rings with members,
//! roles and links. Every statement carries a probability, its rows, what speaks against it and what
//! it cannot tell.
//!
//! Always holds: the same records give the same trace, however they are cut into batches; a source is
//! named for the concentration of harm, not its amount; a card is counted only where marks of two
//! independent families meet; a world without an insider names nobody.
//! Blind to: leaks outside the recorded systems, bulk reads that name no person, and actors whom only
//! exhibits show; the limits of the outcome say which apply.

pub mod attribute;
mod canary;
mod codec;
mod decoy;
mod dense;
mod facts;
pub mod farm;
mod intern;
mod jobs;
pub mod kept;
mod operator;
mod pairs;
mod path;
mod prints;
mod question;
mod ring;
mod shards;
mod tally;
mod touches;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{FORMAT, Finding, Operator, Source, Text, Trace};
use suyuan_model::scan::{RowSource, ScanError};

use attribute::Settings;
use facts::{Bar, Facts};
use intern::{Id, NONE};
use kept::Shelf;
use question::card::{self, CardSources};
use question::count;
use question::person::{self, Impersonated, Lookups};
use question::{apart, hands, partners};
use ring::Draft;
use ring::marks::{Mark, Marker, Marks};
use words::text;

/// What can be set; the defaults are the ones measured.
#[derive(Clone, Debug)]
pub struct Params {
    /// Settings of the attribution.
    pub attribution: Settings,
    /// Rings less probable than this are not reported.
    pub least_ring: f64,
    /// Settings of the search for dense groups.
    pub farms: farm::Params,
    /// Victims named beside those of the fraud reports: token and when they were harmed (microseconds UTC), where known;
    /// else the end of the records counts.
    pub victims: Vec<(String, Option<i64>)>,
    /// Identities that the holder of the data planted: token and when misuse was noted, where it was.
    pub canaries: Vec<(String, Option<i64>)>,
    /// Runs of the self-test in which harm is dealt out anew; none unless asked for.
    pub decoys: u64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            attribution: Settings::default(),
            least_ring: 0.2,
            farms: farms(),
            victims: Vec::new(),
            canaries: Vec::new(),
            decoys: 0,
        }
    }
}

/// Records reach over years, and slow groups need all of them.
fn farms() -> farm::Params {
    let mut params = farm::Params::default();
    params.scales.push(farm::WHOLE);
    params
}

/// Why the trace could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The records could not be read.
    #[error("the records could not be read: {0}")]
    Scan(#[from] ScanError),
}

/// Traces the records of a snapshot; `progress` hears how many rows have been read.
pub fn trace(
    source: &dyn RowSource,
    findings: &[Finding],
    params: &Params,
    progress: &mut dyn FnMut(u64),
) -> Result<Trace, TraceError> {
    trace_on(source, findings, params, None, progress)
}

/// The same with a shelf on which the counts of look-ups stand from one run to the next: only what is new is counted, and the
/// trace is the same.
pub fn trace_on(
    source: &dyn RowSource,
    findings: &[Finding],
    params: &Params,
    shelf: Option<&mut dyn Shelf>,
    progress: &mut dyn FnMut(u64),
) -> Result<Trace, TraceError> {
    let mut bar = Bar::new(progress);
    let mut f = facts::load(source, &mut bar)?;
    let (marker, cards, drafts) = rings(&mut f, source, params, &mut bar)?;
    let canaries = canary::known(&mut f, &params.canaries);
    let mut harmed = impersonated(&f, &drafts);
    canary::impersonated(&f, &canaries, &mut harmed);
    let noted = params.canaries.iter().filter(|c| c.1.is_some());
    let named: Vec<(String, Option<i64>)> = params.victims.iter().chain(noted).cloned().collect();
    let victims = victims(&mut f, &named);
    let used = cards.fraud.keys().map(|i| f.openings[*i].subject).filter(|p| *p != NONE);
    let interest: BTreeSet<Id> = harmed.keys().chain(victims.keys()).copied().chain(used).collect();
    let mut looked = count::count(&mut f, source, &interest, params.attribution.threads, shelf, &mut bar)?;
    looked.canaries = canaries.keys().copied().collect();
    let mut asking = person::Asking::new(source, &params.attribution, &mut bar);
    let holders = person::holders(&f, &mut looked, &harmed, &harvesters(&drafts), &mut asking)?;
    let leaks = person::victims(&f, &mut looked, &victims, &mut asking)?;
    let looks = asking.looks;
    let outside = cards.outside.iter().chain(&holders.outside).chain(&leaks.outside).cloned().collect();
    let untold = holders.limits;
    let holders = holders.sources;
    let mut operators = operators(&f, &marker, &drafts);
    let context = ring::Context {
        f: &f,
        marker: &marker,
        cards: &cards,
        holders: &holders,
        looked: &looked,
        operators: &operators,
        findings,
    };
    let rings: Vec<_> = drafts.iter().map(|d| ring::ring(&context, d)).collect();
    let in_rings: BTreeSet<usize> = drafts.iter().flat_map(|d| d.cards.iter().map(|c| c.index)).collect();
    let explained = |i: &usize| in_rings.contains(i) || cards.explained.get(i).is_some_and(|p| *p >= 0.5);
    let unexplained = cards.fraud.keys().filter(|i| !explained(i)).count() as u64;
    let mut limits = limits(&f, &looked, &cards, &holders);
    limits.extend(untold);
    limits.extend(leaks.limits);
    limits.extend(short(&f));
    limits.extend(crowded(&looked, &victims));
    let used: BTreeSet<Id> = cards.fraud.keys().map(|i| f.openings[*i].card).collect();
    let misused = harmed.keys().chain(victims.keys()).copied().collect();
    limits.extend(canary::told(&canaries, &misused));
    let asked = decoy::Asked { holders: &harmed, victims: &victims, cards: &cards.fraud };
    let decoys = match params.decoys {
        0 => Vec::new(),
        n => decoy::runs(&mut f, source, &params.attribution, &asked, n, &mut bar)?,
    };
    let touched = touches::read(&mut f, source, &used, &mut bar)?;
    let farms = dense::farms(&mut f, &touched, source, &params.farms, &rings, &mut limits, &mut bar)?;
    let paths = path::paths(&f, &cards.fraud, &looked, &holders, &touched.first_use);
    let mut sources = ranked(cards.sources, holders, leaks.sources);
    apart::tell(&f, source, &mut sources, &mut bar)?;
    partners::tell(&mut f, &mut looked, source, &mut sources, &mut bar)?;
    hands::tell(
        &mut f,
        source,
        looks,
        &mut sources,
        &mut operators,
        marker.habits.has(Mark::LoginOverlap),
        &mut bar,
    )?;
    Ok(Trace {
        format: FORMAT.to_owned(),
        limits,
        farms,
        paths,
        sources,
        operators,
        rings,
        unexplained_fraud_cards: unexplained,
        outside,
        decoys,
    })
}

/// A ring whose conduct is plain need not have been used in fraud yet.
const USED: f64 = 0.7;

/// Rings by conduct first, then fraud cards with that conduct known, then rings with both.
fn rings(
    f: &mut Facts,
    source: &dyn RowSource,
    params: &Params,
    bar: &mut Bar<'_>,
) -> Result<(Marker, CardSources, Vec<Draft>), TraceError> {
    let fraud = card::reported(f);
    let mut marker = Marker::new(f, fraud.keys().copied());
    // As far as they can be told before logins, changes of place and stock are read, which is not done for all.
    let told: Vec<Marks> = (0..f.openings.len()).map(|i| marker.marks(f, i)).collect();
    let mut base = ring::seed::sheets(f, |i| told[i], None);
    let mut suspects = ring::seed::suspects(&base);
    let sample = ring::house::sample(f, &base);
    let seen: BTreeSet<Id> = suspects.union(&sample).copied().collect();
    look_closer(f, source, &seen, bar)?;
    marker.habits = ring::house::habits(f, &marker, &base, &sample);
    if marker.habits.any() {
        base = ring::seed::sheets(f, |i| marker.habits.without(column(f, i), told[i]), None);
    }
    let sheets = ring::seed::sheets(f, |i| marker.marks(f, i), Some(&suspects));
    let first = ring::drafts(f, &marker, &BTreeMap::new(), &base, &sheets);
    let mut suspected: BTreeMap<(Id, Id), f64> = BTreeMap::new();
    for d in &first {
        for c in d.group.columns.iter().flat_map(|c| [*c, (c.0, NONE)]) {
            let p = suspected.entry(c).or_insert(0.0);
            *p = p.max(USED * d.probability);
        }
    }
    let cards = card::ask(f, &params.attribution, fraud, &suspected);
    let more: BTreeSet<Id> = cards
        .columns
        .iter()
        .filter(|(c, p)| **p >= 0.3 && !suspects.contains(&c.0))
        .map(|(c, _)| c.0)
        .collect();
    let unseen: BTreeSet<Id> = more.difference(&seen).copied().collect();
    if !unseen.is_empty() {
        look_closer(f, source, &unseen, bar)?;
    }
    suspects.extend(more);
    let sheets = ring::seed::sheets(f, |i| marker.marks(f, i), Some(&suspects));
    let mut drafts = ring::drafts(f, &marker, &cards.columns, &base, &sheets);
    drafts.retain(|d| d.probability >= params.least_ring);
    ring::like::complete(f, source, &marker, &mut drafts, bar)?;
    Ok((marker, cards, drafts))
}

fn column(f: &Facts, index: usize) -> ring::seed::Column {
    (f.openings[index].account, f.openings[index].device)
}

/// Reads logins, changes of place and custody for these accounts and their cards.
fn look_closer(
    f: &mut Facts,
    source: &dyn RowSource,
    accounts: &BTreeSet<Id>,
    bar: &mut Bar<'_>,
) -> Result<(), TraceError> {
    facts::load_of_accounts(f, source, accounts, bar)?;
    let cards = f.openings.iter().filter(|o| accounts.contains(&o.account)).map(|o| o.card).collect();
    facts::load_stock(f, source, &cards, bar)?;
    Ok(())
}

/// Collectors of rings, with the ring's probability.
fn harvesters(drafts: &[Draft]) -> BTreeMap<Id, f64> {
    let mut out = BTreeMap::new();
    for d in drafts {
        for c in &d.group.collectors {
            let p = out.entry(*c).or_insert(0.0);
            *p = d.probability.max(*p);
        }
    }
    out
}

/// Persons in whose names cards were opened without them: who disowned a card, and the rings' persons.
fn impersonated(f: &Facts, drafts: &[Draft]) -> Impersonated {
    let mut by_card: BTreeMap<Id, usize> = BTreeMap::new();
    let mut by_person: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    let disowning: BTreeSet<Id> = f.disowned.iter().flat_map(|d| [d.card, d.subject]).collect();
    for (i, o) in f.openings.iter().enumerate() {
        if disowning.contains(&o.card) {
            by_card.insert(o.card, i);
        }
        if disowning.contains(&o.subject) {
            by_person.entry(o.subject).or_default().push(i);
        }
    }
    let disowned = f.disowned.iter().filter_map(|d| {
        let of_person = || {
            let list = by_person.get(&d.subject)?;
            list.iter().rfind(|i| f.openings[**i].row.ts <= d.row.ts).copied()
        };
        if d.card != NONE { by_card.get(&d.card).copied() } else { of_person() }
    });
    let in_rings =
        drafts.iter().filter(|d| d.probability >= 0.5).flat_map(|d| d.cards.iter().map(|c| c.index));
    let mut out = Impersonated::new();
    for i in disowned.chain(in_rings) {
        let o = &f.openings[i];
        if o.subject != NONE {
            let at = out.entry(o.subject).or_insert((o.row.ts, o.account));
            if o.row.ts < at.0 {
                *at = (o.row.ts, o.account);
            }
        }
    }
    out
}

/// Persons harmed, with the first time: those of the reports and those named beside them.
fn victims(f: &mut Facts, named: &[(String, Option<i64>)]) -> BTreeMap<Id, i64> {
    named.iter().filter_map(|n| n.1).for_each(|ts| f.widen(ts));
    let end = f.span.map_or(0, |s| s.1);
    let named: Vec<(Id, i64)> =
        named.iter().map(|(token, ts)| (f.names.id(Some(token)), ts.unwrap_or(end))).collect();
    let reported = f.reports.iter().filter(|r| r.victim != NONE).map(|r| (r.victim, r.row.ts));
    let mut out: BTreeMap<Id, i64> = BTreeMap::new();
    for (person, ts) in reported.chain(named) {
        let at = out.entry(person).or_insert(ts);
        *at = ts.min(*at);
    }
    out
}

fn operators(f: &Facts, marker: &Marker, drafts: &[Draft]) -> Vec<Operator> {
    let shared = marker.habits.has(Mark::LoginOverlap);
    let mut out = Vec::new();
    for d in drafts {
        for column in &d.group.columns {
            let own = f.terminals.get(&column.1).is_some_and(|o| *o == f.home(column.0));
            if column.1 != NONE && !own {
                out.extend(operator::operator(f, column.0, column.1, &d.on(f, *column), shared));
            }
        }
    }
    out.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then((&a.account, &a.operator).cmp(&(&b.account, &b.operator)))
    });
    out
}

fn ranked(cards: Vec<Source>, holders: Vec<Source>, leaks: Vec<Source>) -> Vec<Source> {
    let mut out: Vec<Source> = cards.into_iter().chain(holders).chain(leaks).collect();
    out.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability))
            .then(b.log_bayes_factor.total_cmp(&a.log_bayes_factor))
            .then((a.question, &a.entity).cmp(&(b.question, &b.entity)))
    });
    out
}

/// Records of a few days name nobody.
fn short(f: &Facts) -> Option<Text> {
    let (days, least) = (f.horizon(), question::LEAST_DAYS);
    (days < least && !f.reports.is_empty()).then(|| {
        text(
            format!(
                "Openings, captures and reports span {days:.0} days: under {least:.0} days a leak cannot be told from \
                 chance, so no source is named. Take in a longer time."
            ),
            format!("开卡、采集与案件记录仅跨 {days:.0} 天：不足 {least:.0} 天无法区分泄露与巧合，故不指认来源。请导入更长时段的记录。"),
        )
    })
}

/// Where most of those who were looked up are victims, no account's share of them can stand out.
fn crowded(looked: &Lookups, victims: &BTreeMap<Id, i64>) -> Option<Text> {
    let (hit, all) = (looked.known(|p| victims.contains_key(&p)), looked.everyone());
    (hit * 2 > all).then(|| {
        text(
            format!(
                "{hit} of the {all} persons in look-ups and captures are victims: where nearly everyone is one, nobody's \
                 share of them stands out, and a source cannot be told from its neighbours. Take in look-ups of people \
                 who were not harmed."
            ),
            format!(
                "查询与采集记录中的 {all} 人有 {hit} 人是被害人：几乎人人受害时，任何账号的比例都不突出，无法区分来源。请导入未受害人员的查询记录。"
            ),
        )
    })
}

fn limits(f: &Facts, looked: &Lookups, cards: &CardSources, holders: &[Source]) -> Vec<Text> {
    let mut out = Vec::new();
    if !f.openings.is_empty() && f.terminals.is_empty() {
        out.push(text(
            "There is no list of terminals: whether a device belongs to an outlet cannot be told. Take in `terminal`.",
            "没有终端清单：无法判断终端是否属于网点。请导入 terminal。",
        ));
    }
    if f.reports.is_empty() {
        out.push(text(
            "There are no fraud reports: sources of fraud cards and of victims' data cannot be sought. Take in \
             `fraud_report`.",
            "没有涉诈案件记录：无法追查涉诈卡和被害人信息的来源。请导入 fraud_report。",
        ));
    } else if !f.openings.is_empty() && cards.fraud.len() < 2 {
        out.push(text(
            "Fewer than two cards of the records appear in fraud reports: too few for a likelihood ratio.",
            "涉诈卡不足两张：不足以计算似然比。",
        ));
    }
    if looked.bulk.0 > 0 {
        out.push(text(
            format!(
                "{} bulk accesses ({} rows) name no person; where data left through them, it cannot be traced. The \
                 query or the list of keys would show it.",
                looked.bulk.0, looked.bulk.1
            ),
            format!(
                "有 {} 次批量访问（{} 条）未载明人员；若信息由此流出则无法追查。查询语句或键值清单可以说明。",
                looked.bulk.0, looked.bulk.1
            ),
        ));
    }
    if !f.openings.is_empty() && holders.is_empty() {
        out.push(text(
            "No recorded look-up or capture explains where the impersonated persons' identities came from.",
            "没有查询或采集记录能解释被冒名人员的身份信息来源。",
        ));
    }
    if f.parties.is_empty() && f.dealings.is_empty() && f.sightings.is_empty() {
        out.push(text(
            "There are no exhibits (party, dealing, sighting): who bought blank cards, who sold identities by hand and \
             who took the finished cards can only be shown by them.",
            "没有物证（party、dealing、sighting）：谁买白卡、谁私下出售身份信息、谁收走成品卡只能由物证显示。",
        ));
    }
    out
}
