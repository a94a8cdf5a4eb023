//! Leaks: sources of persons' data that belong to no ring. Each becomes a case of its own, so that a holder of data who opens
//! no cards gets one too.
//!
//! Taken are listed accounts and collectors, and outlets whose people are harmed alike whoever serves them, from [`SURE`] on.
//! Sources that looked at the same records while they leaked stand in one case; which of them led is not known.
//! A leak walks the way of a ring: its members are the sources and what they worked on; its cards are those opened in
//! the names of the persons whose identities came through it.

mod assess;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{
    ChainStage, Contribution, Entity, EntityKind, Evidence, FraudCase, Harm, Link, Member, Operator,
    Question, Ring, RingCard, Role, Source, Totals, Trace, Window,
};
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::scan::{RowSource, ScanError, Want, for_each_run};

use crate::assess::SURE;
use crate::{Input, text};

pub(crate) use assess::assess;
pub(crate) use words::{cannot_tell, exhibits, summary, title};

/// Harm for which a source is at least so responsible counts as come through it.
pub(crate) const THROUGH: f64 = 0.5;

/// A leak, as the ring that its case is built of.
pub(crate) struct Leak {
    /// Members; later the cards opened in the harmed persons' names.
    pub ring: Ring,
    /// Its sources, most probable first.
    pub sources: Vec<Source>,
    /// From the first day to the last on which one of them leaked.
    pub window: Window,
}

impl Leak {
    /// The harm of a question that came through it, by thing, at its most responsible source.
    pub fn harms(&self, question: Question) -> BTreeMap<&Entity, &Harm> {
        let mut out: BTreeMap<&Entity, &Harm> = BTreeMap::new();
        for h in self.sources.iter().filter(|s| s.question == question).flat_map(|s| &s.harms) {
            let at = out.entry(&h.thing).or_insert(h);
            if h.share > at.share {
                *at = h;
            }
        }
        out.retain(|_, h| h.share >= THROUGH);
        out
    }

    /// All persons harmed through it.
    pub fn persons(&self) -> BTreeMap<&Entity, &Harm> {
        let mut out = self.harms(Question::VictimData);
        out.extend(self.harms(Question::HolderIdentity));
        out
    }
}

/// The leaks of a trace, apart from those `named` by a ring.
pub(crate) fn leaks(
    source: &dyn RowSource,
    trace: &Trace,
    named: &BTreeSet<&Entity>,
) -> Result<Vec<Leak>, ScanError> {
    let taken: Vec<&Source> =
        trace.sources.iter().filter(|s| is_leak(s) && !named.contains(&s.entity)).collect();
    let mut leaks: Vec<Leak> = together(&taken).into_iter().map(|s| leak(s, &trace.operators)).collect();
    cards(source, &mut leaks)?;
    Ok(leaks)
}

fn is_leak(s: &Source) -> bool {
    let outlet = s.entity.kind == EntityKind::Outlet && s.probability >= SURE;
    s.question != Question::CardOpening && (s.listed || outlet)
}

/// Sources of one entity, and of those that worked beside each other, together; in the trace's order.
fn together<'a>(taken: &[&'a Source]) -> Vec<Vec<&'a Source>> {
    let beside = |a: &Source, b: &Source| {
        a.entity == b.entity
            || a.partners.iter().any(|p| p.entity == b.entity)
            || b.partners.iter().any(|p| p.entity == a.entity)
    };
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (n, s) in taken.iter().enumerate() {
        let (mut met, apart): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
            sets.into_iter().partition(|set| set.iter().any(|i| beside(taken[*i], s)));
        met.push(vec![n]);
        sets = apart;
        sets.push(met.concat());
    }
    for set in &mut sets {
        set.sort_unstable();
    }
    sets.sort();
    sets.into_iter().map(|set| set.into_iter().map(|i| taken[i]).collect()).collect()
}

fn leak(sources: Vec<&Source>, operators: &[Operator]) -> Leak {
    let entities: BTreeSet<&Entity> = sources.iter().map(|s| &s.entity).collect();
    let mut hash = Sha256::new();
    entities.iter().for_each(|e| hash.update(format!("{e}\n")));
    let id: String = hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    let windows = || sources.iter().filter_map(|s| s.window);
    let touches = || sources.iter().flat_map(|s| s.evidence.rows()).map(|r| r.ts);
    let window = Window {
        start: windows().map(|w| w.start).min().or_else(|| touches().min()).unwrap_or(0),
        end: windows().map(|w| w.end).max().or_else(|| touches().max()).unwrap_or(0),
    };
    let mut all: Vec<Member> = sources.iter().flat_map(|s| members(s)).collect();
    let lent = operators.iter().filter(|o| o.probability >= THROUGH && entities.contains(&o.account));
    all.extend(lent.flat_map(hands));
    let worked_on: BTreeSet<Entity> =
        all.iter().filter(|m| m.role == Role::Operator).map(|m| m.entity.clone()).collect();
    // Whose hands were on it says more of a device than that it was used.
    all.retain(|m| m.role != Role::Device || !worked_on.contains(&m.entity));
    let ring = Ring {
        id: format!("leak-{id}"),
        probability: sources.iter().map(|s| s.probability).fold(0.0, f64::max),
        members: all,
        cards: Vec::new(),
        persons: 0,
        links: Vec::new(),
        findings: Vec::new(),
        cannot_tell: Vec::new(),
    };
    Leak { ring, sources: sources.into_iter().cloned().collect(), window }
}

/// The source, and the devices that carry its signal.
fn members(s: &Source) -> Vec<Member> {
    let member = |entity: &Entity, role, reasons| Member {
        entity: entity.clone(),
        role,
        probability: s.probability,
        exhibits_only: false,
        same_as: Vec::new(),
        reasons,
        evidence: s.evidence.clone(),
    };
    let on = || {
        let what = text("the harm follows what was looked up on it", "受害集中于在该终端上的查询");
        vec![Contribution { what, value: s.harmed.to_string(), threshold: None, nats: 0.0 }]
    };
    let finer = s.finer.iter().filter(|e| e.kind == EntityKind::Device);
    let devices = finer.map(|e| member(e, Role::Device, on()));
    std::iter::once(member(&s.entity, Role::Source, s.contributions.clone())).chain(devices).collect()
}

/// Who lent the login, and who worked under it: a suspect of its own under every name that the records give.
fn hands(o: &Operator) -> Vec<Member> {
    let member = |entity: &Entity, role, same_as| Member {
        entity: entity.clone(),
        role,
        probability: o.probability,
        exhibits_only: false,
        same_as,
        reasons: o.reasons.clone(),
        evidence: o.evidence.clone(),
    };
    let mut out = vec![member(&o.account, Role::CredentialOwner, Vec::new())];
    if let Some((device, others)) = o.operator.split_first() {
        let usual = || text("usually works on this device", "平时使用该终端");
        out.push(member(device, Role::Operator, others.iter().map(|e| (e.clone(), usual())).collect()));
    }
    out
}

/// Reads the cards that were opened in the names of the persons whose identities came through a leak: the opening is the harm.
fn cards(source: &dyn RowSource, leaks: &mut [Leak]) -> Result<(), ScanError> {
    let mut wanted: BTreeMap<(String, i64), Vec<(usize, f64)>> = BTreeMap::new();
    for (n, leak) in leaks.iter().enumerate() {
        for (person, harm) in leak.harms(Question::HolderIdentity) {
            wanted.entry((person.id.clone(), harm.at)).or_default().push((n, harm.share));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for_each_run(source, &[Want::only(Kind::Opening, &["card", "subject"])], |_, batch, rows| {
        let c = OpeningColumns::bind(batch);
        for i in rows {
            let (Some(card), Some(subject)) = (c.card.get(i), c.subject.get(i)) else { continue };
            for (n, share) in wanted.get(&(subject.to_owned(), c.key.ts(i))).into_iter().flatten() {
                leaks[*n].ring.cards.push(RingCard {
                    card: card.to_owned(),
                    subject: Some(subject.to_owned()),
                    marks: vec!["identity:leaked_before".to_owned()],
                    probability: *share,
                    fraud_cases: Vec::new(),
                    opening: c.key.row(Kind::Opening, i),
                    reports: Vec::new(),
                });
            }
        }
    })
}

/// From the persons to the source, and from it to what became of their data.
pub(crate) fn links(input: &Input, leak: &Leak) -> Vec<Link> {
    let mut out = Vec::new();
    let any = |kind| Entity::new(kind, "*");
    for s in &leak.sources {
        let seen = input.actors.iter().position(|a| a.names.contains(&s.entity));
        let rows: Vec<_> =
            seen.map_or(Vec::new(), |n| input.mine.accessed[n].values().map(|a| a.row.clone()).collect());
        let (many, evidence) = match Evidence::of(rows.iter().cloned()) {
            Some(evidence) => (rows.len() as u64, evidence),
            None => (s.exposure, s.evidence.clone()),
        };
        let link = |from, to, stage, what, quantity, recorded, evidence| Link {
            from,
            to,
            stage,
            what,
            quantity: Some(quantity),
            amount_cny: None,
            recorded,
            probability: if recorded { 1.0 } else { s.probability },
            window: Some(leak.window),
            evidence,
        };
        out.push(link(
            any(EntityKind::Person),
            s.entity.clone(),
            ChainStage::Acquisition,
            text("looked up (while it leaked)", "查询（泄露期间）"),
            many,
            true,
            evidence,
        ));
        let through = s.harms.iter().filter(|h| h.share >= THROUGH).count() as u64;
        let (to, what) = match s.question {
            Question::VictimData => (EntityKind::FraudCase, text("defrauded afterwards", "其后被骗")),
            _ => (EntityKind::Card, text("identities used afterwards", "身份其后被冒用")),
        };
        let stage = if to == EntityKind::Card { ChainStage::Circulation } else { ChainStage::Use };
        out.push(link(s.entity.clone(), any(to), stage, what, through, false, s.evidence.clone()));
    }
    // Two questions about one account tell its look-ups once.
    let mut told = BTreeSet::new();
    out.retain(|l| told.insert((l.from.clone(), l.to.clone())));
    out
}

/// What the leak comes to.
pub(crate) fn totals(leak: &Leak, cards: &[RingCard], fraud_cases: &[FraudCase]) -> Totals {
    Totals {
        cards: cards.len() as u64,
        persons: leak.persons().len() as u64,
        fraud_cards: cards.iter().filter(|c| !c.fraud_cases.is_empty()).count() as u64,
        fraud_cases: fraud_cases.len() as u64,
        loss_cny: fraud_cases.iter().map(|f| f.loss_cny).sum(),
        first: leak.window.start,
        last: leak.window.end,
    }
}
