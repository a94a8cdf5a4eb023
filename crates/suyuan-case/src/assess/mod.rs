//! Counts held against the lines of the law.
//!
//! Every count is a list of units (a person's record, a card, a case, an amount), each with its time,
//! its row and whether it is sure; the lower count takes the sure ones, the upper count all. Where a
//! provision was in force for a part of the acts only, the lower count takes the units of that part.
//! Persons are told apart by token, so one person counts once for one actor however many cards bear
//! the name, and once although obtained and then used (art. 11).
//! Invariant: taking a unit away never raises a count.

mod bench;

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::RowRef;
use suyuan_model::actor::Actor;
use suyuan_model::outcome::{Assessment, Entity, EntityKind, RingCard, Role, Text, Totals};

use crate::Input;
use crate::facts::OpeningFact;
use crate::law::{Period, Test, Tier};
use crate::text;
use crate::words::join;
pub(crate) use bench::Bench;

/// A card counts as sure from this probability on; below it only the upper count takes it.
pub(crate) const SURE: f64 = 0.9;

/// One thing counted.
#[derive(Clone)]
pub(crate) struct Unit {
    pub ts: i64,
    pub weight: u64,
    pub sure: bool,
    pub row: RowRef,
}

/// A count with its bounds and what to say of it.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub units: Vec<Unit>,
    pub counted: Text,
    pub notes: Vec<Text>,
    /// A lower bound reached by reasoning instead of by counting.
    pub floor: u64,
    /// Units per one of the threshold's unit (100 for fen against yuan).
    pub scale: u64,
}

impl Tally {
    fn lower(&self, covers: impl Fn(i64) -> bool) -> u64 {
        let sum: u64 = self.units.iter().filter(|u| u.sure && covers(u.ts)).map(|u| u.weight).sum();
        (sum / self.scale.max(1)).max(self.floor)
    }
    fn upper(&self) -> u64 {
        let sum: u64 = self.units.iter().map(|u| u.weight).sum();
        (sum / self.scale.max(1)).max(self.floor)
    }
}

/// How many persons a number of cards needs at least, if nobody could have more than `limit` cards at
/// one of `carriers` carriers.
pub fn persons_at_least(cards: u64, limit: u64, carriers: u64) -> u64 {
    cards.div_ceil((limit * carriers).max(1))
}

/// Records of persons by tier, the records' own counts of one actor or of the ring.
#[derive(Default)]
pub(crate) struct Records {
    tiers: BTreeMap<Tier, Vec<Unit>>,
    floor: u64,
    counted: Text,
    notes: Vec<Text>,
}

impl Records {
    /// Nothing counted yet, of this.
    pub fn of(counted: Text) -> Records {
        Records { counted, ..Records::default() }
    }

    /// Something to say of the count.
    pub fn note(&mut self, note: Text) {
        self.notes.push(note);
    }

    pub fn add(&mut self, tier: Tier, unit: Unit) {
        self.tiers.entry(tier).or_default().push(unit);
    }
}

/// What an actor is to the halving rule.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Insider {
    No,
    /// Role in the carrier or its agent.
    Duty,
    /// Got the identities in another service; the collection itself may be the unlawful obtaining.
    Service,
}

impl Insider {
    /// Why the half line is arguable.
    fn arguable(self) -> Text {
        match self {
            Insider::Service => text(
                "arguable: half lines apply only to information obtained while performing duties or providing services; collection by deception may itself be unlawful obtaining (art. 4)",
                "有争议：减半只适用于履行职责或者提供服务过程中获得的信息；以欺骗方式采集可能本身即属非法获取（第四条）",
            ),
            _ => text(
                "arguable: half lines apply only if the information was obtained while performing duties or providing services; to be proved, not assumed",
                "有争议：减半以信息系在履行职责或者提供服务过程中获得为前提，须证明，不得推定",
            ),
        }
    }
}

/// All assessments of a case: the ring's first, then each actor's, by the age of the law.
pub(crate) fn assess(input: &Input, totals: &Totals) -> Vec<Assessment> {
    let ring = Entity::new(EntityKind::Ring, input.ring.id.clone());
    let period = Period { first: totals.first, last: totals.last };
    let mut out = Vec::new();
    if input.ring.cards.is_empty() {
        return out;
    }
    let all = ring_records(input);
    let joint = joint_income(input);
    let mut bench = Bench { input, period, entity: ring, out: &mut out };
    bench.records(&all, Insider::No, true);
    bench.income(&joint, Insider::No);
    bench.ring_lines(totals);
    for (n, actor) in input.actors.iter().enumerate() {
        if !actor.acts() {
            continue;
        }
        let insider = insider(actor);
        let (records, income) = (actor_records(input, n, actor), actor_income(input, actor));
        let mut bench = Bench { input, period, entity: actor.lead.clone(), out: &mut out };
        bench.records(&records, insider, false);
        bench.income(&income, insider);
    }
    out
}

pub(crate) fn insider(actor: &Actor) -> Insider {
    let has = |roles: &[Role]| roles.iter().any(|r| actor.roles.contains(r));
    if actor.opened_itself()
        || has(&[Role::StockAgent, Role::CredentialOwner, Role::LookupInsider, Role::Seller, Role::Source])
    {
        Insider::Duty
    } else if has(&[Role::Harvester, Role::Operator]) {
        Insider::Service
    } else {
        Insider::No
    }
}

/// Whether a card speaks for an identity used without its holder.
fn sure(input: &Input, card: &RingCard, opening: Option<&OpeningFact>) -> bool {
    card.probability >= SURE
        && opening.is_none_or(|o| o.valid != Some(false))
        && input.mine.verified.get(&card.card).map(String::as_str) != Some("passed")
}

/// Persons by token, each once: the strictest tier, and a sure unit before an unsure one.
#[derive(Default)]
struct People(BTreeMap<String, (Tier, Unit)>);

impl People {
    fn put(&mut self, subject: &str, tier: Tier, unit: Unit) {
        match self.0.get_mut(subject) {
            None => {
                self.0.insert(subject.to_owned(), (tier, unit));
            }
            Some((t, u)) => {
                *t = (*t).min(tier);
                if unit.sure && !u.sure {
                    *u = unit;
                }
            }
        }
    }

    /// The persons of these cards.
    fn of<'a>(input: &Input, cards: impl Iterator<Item = &'a RingCard>) -> People {
        let mut people = People::default();
        for card in cards {
            let opening = input.mine.openings.get(&card.card);
            let subject = opening.and_then(|o| o.subject.as_ref()).or(card.subject.as_ref());
            let Some(subject) = subject else { continue };
            let tier = match opening {
                Some(o) if o.face => Tier::T500,
                _ => Tier::T5000,
            };
            let sure = sure(input, card, opening);
            people.put(
                subject,
                tier,
                Unit { ts: card.opening.ts, weight: 1, sure, row: card.opening.clone() },
            );
        }
        people
    }

    /// The same persons in the upper count only.
    fn unsure(mut self) -> People {
        for (_, unit) in self.0.values_mut() {
            unit.sure = false;
        }
        self
    }

    fn add(&mut self, other: People) {
        for (subject, (tier, unit)) in other.0 {
            self.put(&subject, tier, unit);
        }
    }
}

fn ring_records(input: &Input) -> Records {
    let mut records = Records::default();
    let people = People::of(input, input.ring.cards.iter()).0;
    let known = people.len() as u64;
    let unsure = people.values().filter(|(_, u)| !u.sure).count();
    for (tier, unit) in people.into_values() {
        records.add(tier, unit);
    }
    records.counted = text(
        "distinct persons in whose names the ring's cards were opened (tokens; one person counts once)",
        "本团伙所开卡的不同被登记人（以令牌区分，同一人只计一次）",
    );
    let nameless: Vec<&RingCard> =
        input.ring.cards.iter().filter(|c| subject_of(input, c).is_none()).collect();
    if !nameless.is_empty() {
        persons_by_cards(input, &nameless, known, &mut records);
    }
    if unsure > 0 {
        records.notes.push(text(
            format!(
                "{unsure} persons count in the upper bound only: card below probability {SURE}, identity number that does not hold, or a re-verification passed"
            ),
            format!("{unsure}人只计入上限：卡的概率低于{SURE}、证件号校验不符或二次实名已通过"),
        ));
    }
    records.notes.push(text(
        "art. 11: obtained and then used or passed on counts once; what was given to several takers may count for each of them",
        "依第十一条，获取后又使用或提供的不重复计算；分别提供给不同对象的可累计计算",
    ));
    records.notes.push(text(
        "identity card with face counts in the tier of 500 by guiding cases 192 and 193 (2022, read from secondary sources)",
        "身份证信息加人脸信息按指导案例192、193号（2022年，二手来源）归入五百条档",
    ));
    records
}

fn subject_of<'a>(input: &'a Input, card: &'a RingCard) -> Option<&'a String> {
    input.mine.openings.get(&card.card).and_then(|o| o.subject.as_ref()).or(card.subject.as_ref())
}

/// Bounds for cards whose persons the records do not name: what the limit of cards a person gives.
fn persons_by_cards(input: &Input, nameless: &[&RingCard], known: u64, records: &mut Records) {
    for card in nameless {
        let face = input.mine.openings.get(&card.card).is_some_and(|o| o.face);
        let unit = Unit { ts: card.opening.ts, weight: 1, sure: false, row: card.opening.clone() };
        records.add(if face { Tier::T500 } else { Tier::T5000 }, unit);
    }
    let limit = input.laws.items().find_map(|(_, item)| match item.test {
        Some(Test::CardsPerPerson { limit, carriers }) => Some((limit, carriers)),
        _ => None,
    });
    let Some((limit, carriers)) = limit else { return };
    let cards = input.ring.cards.len() as u64;
    let (one, several) = (persons_at_least(cards, limit, 1), persons_at_least(cards, limit, carriers));
    records.floor = several.max(known);
    let n = nameless.len();
    records.notes.push(text(
        format!(
            "{n} cards do not name a person; cards are not records: {cards} cards need at least {one} persons at one carrier, {several} if they were spread over {carriers} carriers, if the limit of {limit} held; de-duplicated persons must be asked for"
        ),
        format!(
            "{n}张卡未载明被登记人；卡数不等于条数：如{limit}张上限得到遵守，{cards}张卡在一家运营商至少需{one}人，分布于{carriers}家时至少{several}人；应调取去重后的人数"
        ),
    ));
}

/// Records of one actor: captured, looked at, or used in openings on their device or under their login.
fn actor_records(input: &Input, n: usize, actor: &Actor) -> Records {
    let ring = People::of(input, input.ring.cards.iter());
    let has = |roles: &[Role]| roles.iter().any(|r| actor.roles.contains(r));
    let mut people = People::default();
    let mut said: Vec<(&str, &str)> = Vec::new();
    if has(&[Role::Harvester]) {
        said.push(("persons captured by this collector", "由其采集的人员"));
        captured(input, n, &ring, &mut people);
    }
    if has(&[Role::Operator]) {
        said.push((
            "persons in whose names cards were opened on this operator's devices",
            "在其设备上被开卡的人员",
        ));
        people.add(People::of(
            input,
            cards_on(input, |o| o.device.as_deref().is_some_and(|d| named(actor, EntityKind::Device, d))),
        ));
    }
    if has(&[Role::Seller, Role::LookupInsider]) {
        said.push((
            "persons whose data this account looked at or exported; sure where no order was given and the identity was used for a card of the ring afterwards",
            "由该工号查询或导出的人员；无工单且其后被用于本团伙开卡的计入下限",
        ));
        accessed(input, n, &ring, &mut people);
    }
    if people.0.is_empty() && (actor.opened_itself() || has(&[Role::StockAgent, Role::CredentialOwner])) {
        said.push((
            "persons in whose names cards were opened under this login; counts only if the acts were joint",
            "在该工号下被开卡的人员；以共同行为得到证明为前提",
        ));
        let under = cards_on(input, |o| named(actor, EntityKind::Account, &o.account));
        people = People::of(input, under).unsure();
    } else if people.0.is_empty() && has(&[Role::Opener, Role::Organiser]) {
        said.push((
            "persons in whose names the ring's cards were opened; counts only if the acts were joint",
            "本团伙所开卡的被登记人；以共同行为得到证明为前提",
        ));
        people = ring.unsure();
    }
    let mut records = Records { counted: join(&said), ..Records::default() };
    for (tier, unit) in people.0.into_values() {
        records.add(tier, unit);
    }
    exhibited_quantity(input, actor, &mut records);
    records
}

/// Cards of the ring whose opening is such.
fn cards_on<'a>(
    input: &'a Input,
    such: impl Fn(&OpeningFact) -> bool + 'a,
) -> impl Iterator<Item = &'a RingCard> {
    input.ring.cards.iter().filter(move |c| input.mine.openings.get(&c.card).is_some_and(&such))
}

/// Persons captured; sure where a pretext was given and a card of the ring was opened afterwards.
fn captured(input: &Input, n: usize, ring: &People, people: &mut People) {
    for (subject, c) in &input.mine.captured[n] {
        let used = ring.0.get(subject).filter(|(_, u)| u.ts >= c.ts);
        let sure = c.pretext && used.is_some_and(|(_, u)| u.sure);
        let unit = Unit { ts: c.ts, weight: 1, sure, row: c.row.clone() };
        people.put(subject, used.map_or(Tier::T500, |(t, _)| *t), unit);
    }
}

/// Persons looked at; sure where no order was given and a card of the ring was opened afterwards.
fn accessed(input: &Input, n: usize, ring: &People, people: &mut People) {
    for (subject, a) in &input.mine.accessed[n] {
        let used = ring.0.get(subject).filter(|(_, u)| u.ts >= a.ts);
        let sure = !a.order && used.is_some_and(|(_, u)| u.sure);
        let unit = Unit { ts: a.ts, weight: 1, sure, row: a.row.clone() };
        people.put(subject, used.map_or(a.tier, |(t, _)| a.tier.min(*t)), unit);
    }
}

/// A handover of data whose quantity an exhibit states: the quantity seized counts as it stands.
pub(crate) fn exhibited_quantity(input: &Input, actor: &Actor, records: &mut Records) {
    let handed =
        input.mine.dealings.iter().filter(|d| d.what == "data" && ids(actor).contains(d.from.as_str()));
    let quantity: u64 = handed.filter_map(|d| d.quantity).sum();
    if quantity > 0 {
        records.notes.push(text(
            format!("an exhibit states {quantity} records of data handed over by this actor; bulk counts as seized unless shown to be false or repeated"),
            format!("证据材料载明其交付信息{quantity}条；批量信息按查获数量认定，有证据证明不真实或重复的除外"),
        ));
        // The exhibit's number stands in for records where the logs show none.
        if records.tiers.is_empty()
            && let Some(d) =
                input.mine.dealings.iter().find(|d| d.what == "data" && ids(actor).contains(d.from.as_str()))
        {
            records.counted =
                text("records of data handed over, as an exhibit states", "证据材料载明交付的信息条数");
            records.add(Tier::T500, Unit { ts: d.row.ts, weight: quantity, sure: false, row: d.row.clone() });
        }
    }
}

fn named(actor: &Actor, kind: EntityKind, id: &str) -> bool {
    actor.names.iter().any(|e| e.kind == kind && e.id == id)
}

fn ids(actor: &Actor) -> BTreeSet<&str> {
    actor.names.iter().map(|e| e.id.as_str()).collect()
}

/// Money that exhibits state, from the view of one actor.
pub(crate) fn actor_income(input: &Input, actor: &Actor) -> Tally {
    let mine = ids(actor);
    let mut tally = income_tally();
    for d in &input.mine.dealings {
        let Some(amount) = d.amount else { continue };
        let paid = d.what == "money" && mine.contains(d.to.as_str());
        let priced = d.what != "money" && (mine.contains(d.from.as_str()) || mine.contains(d.to.as_str()));
        if paid || priced {
            tally.units.push(Unit { ts: d.row.ts, weight: amount, sure: paid, row: d.row.clone() });
        }
    }
    if tally.units.iter().any(|u| !u.sure) {
        tally.notes.push(text(
            "a price stated for a handover does not say who was paid: it may be a sale price to the giver or a fee to the taker; it counts in the upper bound of both",
            "交付记录所载价格不能说明由谁收款：可能是交付方的售价，也可能是接收方的服务费；双方均只计入上限",
        ));
    }
    tally
}

/// Money within the ring as a whole: whoever was paid, it is income of the joint acts.
fn joint_income(input: &Input) -> Tally {
    let mine: BTreeSet<&str> =
        input.actors.iter().flat_map(|a| a.names.iter().map(|e| e.id.as_str())).collect();
    let mut tally = income_tally();
    let priced = |d: &&crate::facts::DealingFact| d.what != "money";
    let paid = |d: &&crate::facts::DealingFact| d.what == "money" && mine.contains(d.to.as_str());
    let sum = |pick: &dyn Fn(&&crate::facts::DealingFact) -> bool| -> u64 {
        input.mine.dealings.iter().filter(|d| pick(d)).filter_map(|d| d.amount).sum()
    };
    // A payment and the priced handover it settles may be two rows about one sum: the larger side is
    // sure, the other only possible.
    let paid_is_more = sum(&paid) >= sum(&priced);
    for d in &input.mine.dealings {
        let Some(weight) = d.amount else { continue };
        if priced(&d) || paid(&d) {
            let sure = paid(&d) == paid_is_more;
            tally.units.push(Unit { ts: d.row.ts, weight, sure, row: d.row.clone() });
        }
    }
    tally.counted = text(
        "yuan that exhibits state for handovers and payments in the ring; income of the joint acts if they are proved joint, not of one person",
        "证据材料载明的团伙内交付与支付金额（元）；共同行为得到证明时为共同所得，不等于某一人的所得",
    );
    tally
}

fn income_tally() -> Tally {
    Tally {
        scale: 100,
        counted: text(
            "yuan that exhibits state for handovers and payments",
            "证据材料载明的交付与支付金额（元）",
        ),
        ..Tally::default()
    }
}
