//! Cases: one per ring and one per leak of persons' data that belongs to no ring, with actors, cards, fraud cases, chain
//! and legal thresholds.
//!
//! A case is a function of the records, the trace, the findings and the dated law packs; it touches no
//! disk and no clock, and the same input gives the same bytes. What always holds:
//!
//! - every fraud case number counts once and its loss once; money is counted in fen;
//! - totals are counted from the lists beside them, never taken over;
//! - a threshold is "reached", "perhaps reached" or "not reached" by a lower and an upper count and
//!   stays subject to judgment; no sentence calls anybody guilty; alerts are leads;
//! - an act is held against the law of its time; a law that was not in force says so.
//!
//! Blind to: what the records do not hold. Who sat behind a login, what was known and intended, and
//! who received money are for people to find out; the case says what to ask for.
//!
//! The walk: [`build`] takes the rings and the [`leak`]s, reads the rows that concern them ([`facts`]), counts
//! ([`assess`]) and words them ([`words`]).

mod assess;
mod facts;
mod law;
mod leak;
mod requests;
mod words;

use std::collections::BTreeSet;

use suyuan_model::actor::{Actor, actors};
use suyuan_model::outcome::{
    Case, CaseKind, Cases, Entity, EntityKind, Evidence, FORMAT, Finding, FraudCase, Ring, RingCard, Source,
    Text, Totals, Trace,
};
use suyuan_model::scan::{RowSource, ScanError};

pub use assess::persons_at_least;
pub use law::{
    Bound, Day, Force, Halving, Item, LawSet, Pack, Period, Rank, Test, Tier, When, Whose, Wording,
};

use facts::{Facts, RingFacts};
use leak::Leak;

/// Why cases could not be built.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A law pack that does not load.
    #[error("law pack `{path}` does not load: {reason}; mend the file and run `suyuan case` again")]
    Law {
        /// Its path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The records could not be read.
    #[error("the records could not be read: {0}")]
    Scan(#[from] ScanError),
}

/// Builds the cases: one per ring and one per leak without a ring, most probable and largest first.
///
/// # Errors
/// When the records cannot be read.
pub fn build(
    source: &dyn RowSource,
    trace: &Trace,
    findings: &[Finding],
    laws: &LawSet,
) -> Result<Cases, CaseError> {
    let mut actors: Vec<Vec<Actor>> = trace.rings.iter().map(|r| actors(&r.members)).collect();
    let in_rings: BTreeSet<&Entity> = actors.iter().flatten().flat_map(|a| &a.names).collect();
    let leaks = leak::leaks(source, trace, &in_rings)?;
    drop(in_rings);
    actors.extend(leaks.iter().map(|l| suyuan_model::actor::actors(&l.ring.members)));
    let of_rings = trace.rings.iter().map(|ring| (ring, None));
    let all: Vec<(&Ring, Option<&Leak>)> = of_rings.chain(leaks.iter().map(|l| (&l.ring, Some(l)))).collect();
    let facts = facts::gather(source, &all, &actors, laws)?;
    let mut cases: Vec<Case> = all
        .iter()
        .zip(&actors)
        .zip(&facts.rings)
        .map(|(((ring, leak), actors), mine)| {
            case(&Input { ring, leak: *leak, actors, mine, facts: &facts, trace, findings, laws })
        })
        .collect();
    cases.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then(b.totals.cards.cmp(&a.totals.cards))
            .then(a.id.cmp(&b.id))
    });
    let named: BTreeSet<&Entity> = actors.iter().flatten().flat_map(|a| &a.names).collect();
    let other_sources: Vec<Source> =
        trace.sources.iter().filter(|s| !named.contains(&s.entity)).cloned().collect();
    let remarks = words::remarks(&cases, &other_sources, findings, trace);
    Ok(Cases { format: FORMAT.into(), cases, other_sources, remarks })
}

/// All that one case is made of.
pub(crate) struct Input<'a> {
    pub ring: &'a Ring,
    /// Where the case is about a leak; `ring` is then made of it.
    pub leak: Option<&'a Leak>,
    pub actors: &'a [Actor],
    pub mine: &'a RingFacts,
    pub facts: &'a Facts,
    pub trace: &'a Trace,
    pub findings: &'a [Finding],
    pub laws: &'a LawSet,
}

impl Input<'_> {
    /// Names of the ring's members.
    fn names(&self) -> BTreeSet<&Entity> {
        self.actors.iter().flat_map(|a| &a.names).collect()
    }
}

fn case(input: &Input) -> Case {
    let names = input.names();
    let cards = cards(input);
    let fraud_cases = fraud_cases(input.mine);
    let totals = match input.leak {
        Some(leak) => leak::totals(leak, &cards, &fraud_cases),
        None => totals(input, &cards, &fraud_cases),
    };
    let sources: Vec<Source> =
        input.trace.sources.iter().filter(|s| names.contains(&s.entity)).cloned().collect();
    let operators =
        input.trace.operators.iter().filter(|o| names.contains(&o.account)).cloned().collect::<Vec<_>>();
    let id = input.ring.id.split_once('-').map_or(input.ring.id.as_str(), |x| x.1);
    let mut case = Case {
        format: FORMAT.into(),
        kind: if input.leak.is_some() { CaseKind::Leak } else { CaseKind::Ring },
        id: format!("case-{id}"),
        title: match input.leak {
            Some(leak) => leak::title(leak, &totals),
            None => words::title(input, &totals),
        },
        summary: vec![],
        probability: input.ring.probability,
        actors: input.ring.members.clone(),
        cards,
        fraud_cases,
        chain: input.leak.map_or_else(|| input.ring.links.clone(), |leak| leak::links(input, leak)),
        legal: match input.leak {
            Some(leak) => leak::assess(input, leak, &totals),
            None => assess::assess(input, &totals),
        },
        totals,
        sources,
        operators,
        findings: findings_of(input, &names),
        exhibits: if input.leak.is_some() { leak::exhibits(input) } else { words::exhibits(input) },
        cannot_tell: match input.leak {
            Some(leak) => leak::cannot_tell(input, leak),
            None => words::cannot_tell(input),
        },
        requests: requests::requests(input),
    };
    case.summary = match input.leak {
        Some(leak) => leak::summary(input, leak, &case),
        None => words::summary(input, &case),
    };
    case
}

/// The ring's cards with the fraud cases that the reports themselves name.
fn cards(input: &Input) -> Vec<RingCard> {
    let mut cards = input.ring.cards.clone();
    for card in &mut cards {
        let mut cases: BTreeSet<String> = BTreeSet::new();
        let mut rows: BTreeSet<_> = card.reports.iter().cloned().collect();
        for (number, fraud) in input.mine.fraud.iter().filter(|(_, f)| f.cards.contains_key(&card.card)) {
            cases.insert(number.clone());
            rows.extend(fraud.cards[&card.card].iter().cloned());
        }
        card.fraud_cases = cases.into_iter().collect();
        card.reports = rows.into_iter().collect();
    }
    cards
}

fn fraud_cases(mine: &RingFacts) -> Vec<FraudCase> {
    let mut cases: Vec<FraudCase> = mine
        .fraud
        .iter()
        .filter_map(|(number, f)| {
            Some(FraudCase {
                case: number.clone(),
                cards: f.cards.keys().cloned().collect(),
                loss_cny: f.loss,
                reported_at: f.reported_at,
                evidence: Evidence::of(f.rows.iter().cloned())?,
            })
        })
        .collect();
    cases.sort_by(|a, b| a.reported_at.cmp(&b.reported_at).then_with(|| a.case.cmp(&b.case)));
    cases
}

fn totals(input: &Input, cards: &[RingCard], fraud_cases: &[FraudCase]) -> Totals {
    let when = |c: &RingCard| input.mine.openings.get(&c.card).map_or(c.opening.ts, |o| o.ts);
    Totals {
        cards: cards.iter().map(|c| &c.card).collect::<BTreeSet<_>>().len() as u64,
        persons: cards.iter().filter_map(|c| c.subject.as_ref()).collect::<BTreeSet<_>>().len() as u64,
        fraud_cards: cards.iter().filter(|c| !c.fraud_cases.is_empty()).count() as u64,
        fraud_cases: fraud_cases.len() as u64,
        loss_cny: fraud_cases.iter().map(|f| f.loss_cny).sum(),
        first: cards.iter().map(when).min().unwrap_or(0),
        last: cards.iter().map(when).max().unwrap_or(0),
    }
}

/// Findings that the ring names, and those about a member.
fn findings_of(input: &Input, names: &BTreeSet<&Entity>) -> Vec<String> {
    let named: BTreeSet<&str> = input.ring.findings.iter().map(String::as_str).collect();
    let about = |f: &Finding| {
        named.contains(f.id.as_str())
            || (!matches!(f.entity.kind, EntityKind::Card | EntityKind::Person) && names.contains(&f.entity))
    };
    let ids: BTreeSet<&str> = input.findings.iter().filter(|f| about(f)).map(|f| f.id.as_str()).collect();
    ids.into_iter().map(str::to_owned).collect()
}

/// A text built alike in both languages.
pub(crate) fn text(en: impl Into<String>, zh: impl Into<String>) -> Text {
    Text::new(en, zh)
}
