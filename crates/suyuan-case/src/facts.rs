//! The rows that concern the rings and leaks, read once per kind.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use arrow_array::RecordBatch;
use suyuan_model::actor::Actor;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{EntityKind, Question, Ring, Window};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::records::capture::CaptureColumns;
use suyuan_model::records::complaint::ComplaintColumns;
use suyuan_model::records::dealing::DealingColumns;
use suyuan_model::records::fraud_report::FraudReportColumns;
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::records::reverification::ReverificationColumns;
use suyuan_model::records::sighting::SightingColumns;
use suyuan_model::scan::{RowSource, ScanError, Want, for_each_run};
use suyuan_model::{Kind, RowRef};

use crate::law::{LawSet, Tier};
use crate::leak::Leak;

/// What the rows say of all rings.
pub(crate) struct Facts {
    /// One for each ring in the trace's order, then one for each leak.
    pub rings: Vec<RingFacts>,
    /// Whether the lake holds any exhibit (`party`, `dealing`, `sighting`).
    pub any_exhibits: bool,
    /// Whether cards are opened here at all: the duties of carriers are not those of other holders of data.
    pub any_openings: bool,
}

/// What the rows say of one ring, or of one leak.
#[derive(Default)]
pub(crate) struct RingFacts {
    /// Openings of the ring's cards, by card.
    pub openings: BTreeMap<String, OpeningFact>,
    /// Fraud cases in which a card of the ring was used, or whose victim's data leaked, by case number.
    pub fraud: BTreeMap<String, FraudFact>,
    /// Dealings in which a member gives or takes.
    pub dealings: Vec<DealingFact>,
    /// By actor: persons captured by them (first row; of a leak, in its window).
    pub captured: Vec<BTreeMap<String, Capture>>,
    /// By actor: persons whose data they looked at (first row; of a leak, in its window).
    pub accessed: Vec<BTreeMap<String, Access>>,
    /// By actor: rows of bulk access without single subjects.
    pub bulk: Vec<Vec<(u64, RowRef)>>,
    /// Cards found with a party, by party.
    pub found_with: BTreeMap<String, Vec<(String, RowRef)>>,
    /// The last re-verification of each card.
    pub verified: BTreeMap<String, String>,
    /// Cards of which the person said "not mine".
    pub not_mine: BTreeSet<String>,
}

pub(crate) struct OpeningFact {
    pub ts: i64,
    pub subject: Option<String>,
    /// Whether the identity number holds; `None` where it cannot be told.
    pub valid: Option<bool>,
    pub account: String,
    pub device: Option<String>,
    pub employer: Option<String>,
    /// Whether a face was used beside the identity card.
    pub face: bool,
}

#[derive(Default)]
pub(crate) struct FraudFact {
    /// Rows by card of the ring.
    pub cards: BTreeMap<String, Vec<RowRef>>,
    /// All rows of the case number.
    pub rows: Vec<RowRef>,
    /// The loss, fen: the last one stated.
    pub loss: i64,
    /// Different losses stated for this number.
    pub losses: BTreeSet<i64>,
    pub reported_at: i64,
}

pub(crate) struct DealingFact {
    pub from: String,
    pub to: String,
    pub what: String,
    pub quantity: Option<u64>,
    /// Amount in fen, stated or quantity times unit price.
    pub amount: Option<u64>,
    pub row: RowRef,
}

pub(crate) struct Capture {
    pub ts: i64,
    pub pretext: bool,
    pub row: RowRef,
}

pub(crate) struct Access {
    pub ts: i64,
    pub tier: Tier,
    pub order: bool,
    pub row: RowRef,
}

/// Who is asked about: cards, and members by kind and id.
struct Index<'a> {
    cards: BTreeMap<&'a str, Vec<usize>>,
    members: BTreeMap<(EntityKind, &'a str), Vec<(usize, usize)>>,
    ids: BTreeMap<&'a str, BTreeSet<usize>>,
    victims: BTreeMap<&'a str, Vec<usize>>,
    windows: Vec<Option<Window>>,
}

impl<'a> Index<'a> {
    fn new(rings: &[(&'a Ring, Option<&'a Leak>)], actors: &'a [Vec<Actor>]) -> Self {
        let mut index = Index {
            cards: BTreeMap::new(),
            members: BTreeMap::new(),
            ids: BTreeMap::new(),
            victims: BTreeMap::new(),
            windows: rings.iter().map(|r| r.1.map(|leak| leak.window)).collect(),
        };
        for (r, (ring, leak)) in rings.iter().enumerate() {
            for victim in leak.iter().flat_map(|l| l.harms(Question::VictimData).into_keys()) {
                index.victims.entry(&victim.id).or_default().push(r);
            }
            for card in &ring.cards {
                index.cards.entry(&card.card).or_default().push(r);
            }
            for (a, actor) in actors[r].iter().enumerate() {
                for name in &actor.names {
                    index.members.entry((name.kind, &name.id)).or_default().push((r, a));
                    index.ids.entry(&name.id).or_default().insert(r);
                }
            }
        }
        index
    }
    fn rings_of(&self, card: &str) -> &[usize] {
        self.cards.get(card).map_or(&[], Vec::as_slice)
    }
    /// The leaks of a victim's data.
    fn of_victim(&self, victim: Option<&str>) -> &[usize] {
        victim.and_then(|v| self.victims.get(v)).map_or(&[], Vec::as_slice)
    }
    /// Whether a row of that time counts: of a leak only what lies in its window.
    fn in_window(&self, ring: usize, ts: i64) -> bool {
        self.windows[ring].is_none_or(|w| w.start <= ts && ts <= w.end)
    }
    fn actors_of<'b>(&'b self, kind: EntityKind, id: Option<&'b str>) -> &'b [(usize, usize)] {
        id.and_then(|id| self.members.get(&(kind, id))).map_or(&[], Vec::as_slice)
    }
}

fn each(
    source: &dyn RowSource,
    kind: Kind,
    columns: &[&'static str],
    mut run: impl FnMut(&RecordBatch, Range<usize>),
) -> Result<(), ScanError> {
    for_each_run(source, &[Want::only(kind, columns)], |_, batch, rows| run(batch, rows))
}

/// Reads every row that concerns a ring or a leak.
pub(crate) fn gather(
    source: &dyn RowSource,
    rings: &[(&Ring, Option<&Leak>)],
    actors: &[Vec<Actor>],
    laws: &LawSet,
) -> Result<Facts, ScanError> {
    let index = Index::new(rings, actors);
    let mut facts: Vec<RingFacts> = actors
        .iter()
        .map(|a| RingFacts {
            captured: a.iter().map(|_| BTreeMap::new()).collect(),
            accessed: a.iter().map(|_| BTreeMap::new()).collect(),
            bulk: a.iter().map(|_| Vec::new()).collect(),
            ..RingFacts::default()
        })
        .collect();
    let any_exhibits =
        [Kind::Party, Kind::Dealing, Kind::Sighting].iter().any(|kind| source.count(*kind) > 0);
    if !rings.is_empty() {
        fraud(source, &index, &mut facts)?;
        openings(source, &index, &mut facts)?;
        captures(source, &index, &mut facts)?;
        accesses(source, &index, laws, &mut facts)?;
        dealings(source, &index, &mut facts)?;
        outcomes(source, &index, &mut facts)?;
    }
    Ok(Facts { rings: facts, any_exhibits, any_openings: source.count(Kind::Opening) > 0 })
}

/// One fraud report's row.
struct Report {
    case: String,
    cards: BTreeSet<String>,
    victim: Option<String>,
    loss: Option<i64>,
    reported_at: i64,
    row: RowRef,
}

/// Reads the reports; a report that names only a number is tied to the card that last carried it.
fn fraud(source: &dyn RowSource, index: &Index, facts: &mut [RingFacts]) -> Result<(), ScanError> {
    let mut reports: Vec<Report> = Vec::new();
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    each(
        source,
        Kind::FraudReport,
        &["case", "card", "msisdn", "victim", "loss_cny", "reported_at"],
        |batch, rows| {
            let c = FraudReportColumns::bind(batch);
            for i in rows {
                let Some(case) = c.case.get(i) else { continue };
                let card = c.card.get(i);
                if let (None, Some(number)) = (card, c.msisdn.get(i)) {
                    numbers.entry(number.to_owned()).or_default().push(reports.len());
                }
                reports.push(Report {
                    case: case.to_owned(),
                    cards: card.into_iter().map(str::to_owned).collect(),
                    victim: c.victim.get(i).map(str::to_owned),
                    loss: c.loss_cny.get(i),
                    reported_at: c.reported_at.get(i).unwrap_or(c.key.ts(i)),
                    row: c.key.row(Kind::FraudReport, i),
                });
            }
        },
    )?;
    if !numbers.is_empty() {
        each(source, Kind::Opening, &["card", "msisdn"], |batch, rows| {
            let c = OpeningColumns::bind(batch);
            for i in rows {
                let (Some(card), Some(number)) = (c.card.get(i), c.msisdn.get(i)) else { continue };
                for n in numbers.get(number).into_iter().flatten() {
                    if c.key.ts(i) <= reports[*n].row.ts {
                        reports[*n].cards = BTreeSet::from([card.to_owned()]);
                    }
                }
            }
        })?;
    }
    let mut by_case: BTreeMap<&str, Vec<&Report>> = BTreeMap::new();
    for report in &reports {
        by_case.entry(&report.case).or_default().push(report);
    }
    for (case, reports) in by_case {
        let by_card = reports.iter().flat_map(|r| &r.cards).flat_map(|c| index.rings_of(c));
        let by_victim = reports.iter().flat_map(|r| index.of_victim(r.victim.as_deref()));
        let touched: BTreeSet<usize> = by_card.chain(by_victim).copied().collect();
        for ring in touched {
            facts[ring]
                .fraud
                .insert(case.to_owned(), fraud_fact(&reports, |c| index.rings_of(c).contains(&ring)));
        }
    }
    Ok(())
}

fn fraud_fact(reports: &[&Report], in_ring: impl Fn(&str) -> bool) -> FraudFact {
    let mut fact = FraudFact { reported_at: i64::MAX, ..FraudFact::default() };
    for report in reports {
        for card in report.cards.iter().filter(|c| in_ring(c)) {
            fact.cards.entry(card.clone()).or_default().push(report.row.clone());
        }
        fact.rows.push(report.row.clone());
        fact.reported_at = fact.reported_at.min(report.reported_at);
        if let Some(loss) = report.loss {
            fact.loss = loss;
            fact.losses.insert(loss);
        }
    }
    fact
}

fn openings(source: &dyn RowSource, index: &Index, facts: &mut [RingFacts]) -> Result<(), ScanError> {
    let columns = [
        "card",
        "subject",
        "subject_valid",
        "account",
        "device",
        "employer",
        "face_ref",
        "image_hash",
        "match_score",
        "captured_at",
    ];
    each(source, Kind::Opening, &columns, |batch, rows| {
        let c = OpeningColumns::bind(batch);
        for i in rows {
            let Some(card) = c.card.get(i) else { continue };
            for ring in index.rings_of(card) {
                facts[*ring].openings.entry(card.to_owned()).or_insert_with(|| OpeningFact {
                    ts: c.key.ts(i),
                    subject: c.subject.get(i).map(str::to_owned),
                    valid: c.subject.valid.get(i),
                    account: c.account.get(i).unwrap_or("").to_owned(),
                    device: c.device.get(i).map(str::to_owned),
                    employer: c.employer.get(i).map(str::to_owned),
                    face: c.face_ref.get(i).is_some()
                        || c.image_hash.get(i).is_some()
                        || c.match_score.get(i).is_some()
                        || c.captured_at.get(i).is_some(),
                });
            }
        }
    })
}

fn captures(source: &dyn RowSource, index: &Index, facts: &mut [RingFacts]) -> Result<(), ScanError> {
    each(source, Kind::Capture, &["subject", "collector", "device", "pretext"], |batch, rows| {
        let c = CaptureColumns::bind(batch);
        for i in rows {
            let Some(subject) = c.subject.get(i) else { continue };
            let by_collector = index.actors_of(EntityKind::Collector, c.collector.get(i));
            let by_device = index.actors_of(EntityKind::Device, c.device.get(i));
            let inside = |x: &&(usize, usize)| index.in_window(x.0, c.key.ts(i));
            for (ring, actor) in by_collector.iter().chain(by_device).filter(inside) {
                facts[*ring].captured[*actor].entry(subject.to_owned()).or_insert_with(|| Capture {
                    ts: c.key.ts(i),
                    pretext: c.pretext.get(i).is_some(),
                    row: c.key.row(Kind::Capture, i),
                });
            }
        }
    })
}

fn accesses(
    source: &dyn RowSource,
    index: &Index,
    laws: &LawSet,
    facts: &mut [RingFacts],
) -> Result<(), ScanError> {
    let columns = ["account", "subject", "rows", "result", "categories", "order"];
    each(source, Kind::Access, &columns, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows {
            if c.result.get(i) == Some("denied") {
                continue;
            }
            for (ring, actor) in index.actors_of(EntityKind::Account, c.account.get(i)) {
                let row = c.key.row(Kind::Access, i);
                if !index.in_window(*ring, row.ts) {
                    continue;
                }
                let Some(subject) = c.subject.get(i) else {
                    let n = c.rows.get(i).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                    if n > 0 {
                        facts[*ring].bulk[*actor].push((n, row));
                    }
                    continue;
                };
                let tier = c.categories.get(i).map_or(Tier::T5000, |list| laws.tier_of(list));
                let order = c.order.get(i).is_some();
                facts[*ring].accessed[*actor]
                    .entry(subject.to_owned())
                    .and_modify(|a| {
                        a.tier = a.tier.min(tier);
                        a.order &= order;
                    })
                    .or_insert(Access { ts: row.ts, tier, order, row });
            }
        }
    })
}

fn dealings(source: &dyn RowSource, index: &Index, facts: &mut [RingFacts]) -> Result<(), ScanError> {
    let columns = ["from", "to", "what", "quantity", "amount_cny", "unit_price_cny"];
    each(source, Kind::Dealing, &columns, |batch, rows| {
        let c = DealingColumns::bind(batch);
        for i in rows {
            let (Some(from), Some(to)) = (c.from.get(i), c.to.get(i)) else { continue };
            let rings: BTreeSet<usize> =
                [from, to].iter().filter_map(|id| index.ids.get(id)).flatten().copied().collect();
            let quantity = c.quantity.get(i).and_then(|n| u64::try_from(n).ok());
            let fen = |v: Option<i64>| v.and_then(|v| u64::try_from(v).ok());
            let amount =
                fen(c.amount_cny.get(i)).or_else(|| quantity?.checked_mul(fen(c.unit_price_cny.get(i))?));
            for ring in rings {
                facts[ring].dealings.push(DealingFact {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    what: c.what.get(i).unwrap_or("").to_owned(),
                    quantity,
                    amount,
                    row: c.key.row(Kind::Dealing, i),
                });
            }
        }
    })
}

/// What became of the cards: sightings, re-verifications, complaints.
fn outcomes(source: &dyn RowSource, index: &Index, facts: &mut [RingFacts]) -> Result<(), ScanError> {
    each(source, Kind::Sighting, &["card", "party"], |batch, rows| {
        let c = SightingColumns::bind(batch);
        for i in rows {
            let (Some(card), Some(party)) = (c.card.get(i), c.party.get(i)) else { continue };
            for ring in index.rings_of(card) {
                let found = facts[*ring].found_with.entry(party.to_owned()).or_default();
                found.push((card.to_owned(), c.key.row(Kind::Sighting, i)));
            }
        }
    })?;
    each(source, Kind::Reverification, &["card", "result"], |batch, rows| {
        let c = ReverificationColumns::bind(batch);
        for i in rows {
            let (Some(card), Some(result)) = (c.card.get(i), c.result.get(i)) else { continue };
            for ring in index.rings_of(card) {
                facts[*ring].verified.insert(card.to_owned(), result.to_owned());
            }
        }
    })?;
    each(source, Kind::Complaint, &["card", "kind"], |batch, rows| {
        let c = ComplaintColumns::bind(batch);
        for i in rows {
            let (Some(card), Some("not_mine")) = (c.card.get(i), c.kind.get(i)) else { continue };
            for ring in index.rings_of(card) {
                facts[*ring].not_mine.insert(card.to_owned());
            }
        }
    })
}
