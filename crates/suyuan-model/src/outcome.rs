//! What the engine says: findings, sources, the case. These types are the output files' format.
//!
//! Version of the format: [`FORMAT`]; a field is only ever added within a version. Probabilities are
//! between 0 and 1; scores and weights are in nats (natural log of a likelihood ratio) unless their
//! name says otherwise; money is yuan with two decimals as text; times are RFC 3339 UTC.

mod case;
mod farm;
mod leak;
mod path;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use case::{Assessment, Case, CaseKind, Cases, FraudCase, Reached, Totals};
pub use farm::{Farm, FarmItem, FarmMember, Tie};
pub use leak::{CanaryShare, Decoy, EndLimits, Harm, Inside, Outside, Part, Partner, WindowLimits};
pub use path::{ChainPath, ChainStep};

use crate::order::RowRef;
use crate::time;

/// Version of the output format.
pub const FORMAT: &str = "1";

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl Text {
    /// A text from its two readings.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
}

/// The language something is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lang {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// Both, in the order of the output files.
    pub const BOTH: [Lang; 2] = [Lang::En, Lang::Zh];

    /// The code used in file names and in HTML's `lang` prefix: `en`, `zh`.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh",
        }
    }
}

impl Text {
    /// The reading in that language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// Employee or agent account (工号).
    Account,
    /// Device fingerprint.
    Device,
    /// Outlet.
    Outlet,
    /// Agent company.
    Agent,
    /// Card (ICCID).
    Card,
    /// Person, by token.
    Person,
    /// Known actor of the investigation.
    Party,
    /// Who captured identities (collector's id).
    Collector,
    /// Employer as declared at openings.
    Employer,
    /// Opaque face cluster.
    Face,
    /// Background of a captured image.
    Background,
    /// Fraud case.
    FraudCase,
    /// Table, bucket, file or record looked at.
    Object,
    /// Recipient of data.
    Recipient,
    /// Network address.
    Address,
    /// Handset (IMEI).
    Imei,
    /// Radio cell.
    Cell,
    /// A ring as a whole: what its members did together.
    Ring,
    /// Declared home address, by token.
    Home,
    /// Declared contact, by token.
    Contact,
}

/// Something the records speak of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id or token.
    pub id: String,
}

impl Entity {
    /// An entity of that kind.
    pub fn new(kind: EntityKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            serde_json::to_value(self.kind).map_or(String::new(), |v| v.as_str().unwrap_or("").to_owned()),
            self.id
        )
    }
}

/// The rows that prove something. It cannot be empty.
///
/// At most [`Evidence::LIMIT`] rows are kept, the earliest in the total order; `total` counts all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    rows: Vec<RowRef>,
    total: u64,
}

impl Evidence {
    /// More rows than a reader follows; the count goes on.
    pub const LIMIT: usize = 400;

    /// Evidence from rows, sorted and without repeats; `None` when there are none.
    pub fn of(rows: impl IntoIterator<Item = RowRef>) -> Option<Evidence> {
        let mut rows: Vec<RowRef> = rows.into_iter().collect();
        rows.sort();
        rows.dedup();
        let total = rows.len() as u64;
        rows.truncate(Self::LIMIT);
        (total > 0).then_some(Evidence { rows, total })
    }

    /// The rows kept.
    pub fn rows(&self) -> &[RowRef] {
        &self.rows
    }

    /// How many rows there are in all.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// The independent family of records that a signal rests on; two families are needed to put a
/// person up for review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Logins and sessions.
    Login,
    /// Declared and measured places.
    Location,
    /// Devices and asset lists.
    Device,
    /// Custody of blank cards.
    Stock,
    /// Faces, captures, images.
    Identity,
    /// Who, for whom, how many: the openings' own content.
    Opening,
    /// Looking at personal data.
    Access,
    /// Use of cards.
    Use,
    /// Money: commissions and dealings.
    Money,
    /// Harm: fraud reports, complaints, failed re-verifications.
    Outcome,
    /// The investigation's exhibits: parties, dealings, sightings.
    Exhibit,
    /// A score learnt from outcomes: it rests on several families at once, so it counts as none of them and adds to nobody's risk.
    Score,
}

impl Family {
    /// What the family is called, in English and Chinese.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Family::Login => ("logins", "登录"),
            Family::Location => ("places", "位置"),
            Family::Device => ("devices", "设备"),
            Family::Stock => ("stock", "卡库存"),
            Family::Identity => ("faces and captures", "人像与采集"),
            Family::Opening => ("openings", "开卡"),
            Family::Access => ("data access", "信息访问"),
            Family::Use => ("use of cards", "用卡"),
            Family::Money => ("money", "资金"),
            Family::Outcome => ("harm", "后果"),
            Family::Exhibit => ("exhibits", "证据材料"),
            Family::Score => ("learnt scores", "学习评分"),
        }
    }
}

/// How sure the source of a rule or threshold is (the marks of the scheme catalogue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Primary text read.
    Primary,
    /// Secondary source read.
    Secondary,
    /// Engineering default, to be calibrated.
    Engineering,
    /// Not confirmed.
    Unconfirmed,
}

/// Severity of a finding: how much attention it deserves, not how guilty anyone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For information.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// One measured value against its threshold, and its share in the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    /// What was measured.
    pub what: Text,
    /// The value found.
    pub value: String,
    /// The threshold it was held against, where there is one.
    pub threshold: Option<String>,
    /// Its share in the score, nats; 0 where the rule is not scored.
    pub nats: f64,
}

/// The outcome of checking another explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The records support the innocent explanation.
    Supported,
    /// The records speak against it.
    Excluded,
    /// The records do not hold what would decide it.
    NotCheckable,
}

/// Another explanation, and what the records say of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counter {
    /// The explanation.
    pub what: Text,
    /// What the check gave.
    pub outcome: Outcome,
    /// In words, with figures.
    pub detail: Text,
}

/// How often this happens anyway: `hits` of `of` comparable things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaseRate {
    /// How many of the comparable things show it.
    pub hits: u64,
    /// How many comparable things there are.
    pub of: u64,
    /// What they are.
    pub what: Text,
}

/// A lead: a rule or measure that held, with all that speaks for and against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Deterministic: a hash of rule, version, key and trigger.
    pub id: String,
    /// The rule (its path without the suffix).
    pub rule: String,
    /// SHA-256 of the rule's text, first 16 hex digits.
    pub rule_hash: String,
    /// The scheme it speaks of (S01 ...).
    pub scheme: String,
    /// What it says.
    pub title: Text,
    /// The record family it rests on.
    pub family: Family,
    /// How sure the rule's threshold is.
    pub confidence: Confidence,
    /// Severity.
    pub level: Level,
    /// Whom or what it is about.
    pub entity: Entity,
    /// Others involved, sorted: at most 50 of each kind that the rows name; of a group of cards, up to 400.
    pub involved: Vec<Entity>,
    /// First row.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub first: i64,
    /// The row at which it held for the first time: when it could be known.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub fired: i64,
    /// Last row.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub last: i64,
    /// The rows that made it.
    pub evidence: Evidence,
    /// The row at which it was asked first, where that row is no evidence: what the finding says is of the earlier rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trigger: Option<RowRef>,
    /// Values against thresholds.
    pub contributions: Vec<Contribution>,
    /// What else could explain it, each checked.
    pub counter: Vec<Counter>,
    /// What those of them that the records support, but that are not decisive, speak against it, nats; it weighs less by so
    /// much, but keeps at least half of its weight.
    #[serde(default)]
    pub against: f64,
    /// How often it happens anyway.
    pub base_rate: BaseRate,
    /// What would clear it.
    pub clears: Text,
    /// What it cannot tell apart.
    pub cannot_tell: Text,
}

/// Which question a source answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Through whom were the fraud cards opened?
    CardOpening,
    /// Where did the card-holders' identities leak?
    HolderIdentity,
    /// Where did the fraud victims' data leak?
    VictimData,
}

/// A window of time with the limits of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Start.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub start: i64,
    /// End.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub end: i64,
}

/// A traced source: an account (and, where it can be told, the device, outlet or collector) through
/// which fraud or misuse came, with its probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The question it answers.
    pub question: Question,
    /// The source: mostly an account.
    pub entity: Entity,
    /// Finer columns that carry the signal: device, outlet, collector.
    pub finer: Vec<Entity>,
    /// Posterior probability that this source is one through which it came.
    pub probability: f64,
    /// Log Bayes factor, nats.
    pub log_bayes_factor: f64,
    /// Listed with false discoveries held at 5 %.
    pub listed: bool,
    /// Harmed things that passed through it: fraud cards, impersonated persons, victims.
    pub harmed: u64,
    /// How many would be harmed after they passed through it at the base rate.
    pub expected: f64,
    /// How many things passed through it in all (its exposure).
    pub exposure: u64,
    /// Harmed by expected.
    pub lift: f64,
    /// When.
    pub window: Option<Window>,
    /// 90 % limits of the window's ends; told of probable sources.
    #[serde(default)]
    pub limits: Option<WindowLimits>,
    /// What it touched in its window, and how much of that was harmed.
    #[serde(default)]
    pub inside: Option<Inside>,
    /// Whom or what it harmed, each with its responsibility where that is .05 or more, most responsible first.
    #[serde(default)]
    pub harms: Vec<Harm>,
    /// The source and those that cannot be told apart from it, with their share (sums to 1).
    pub credible_set: Vec<(Entity, f64)>,
    /// What would tell them apart, or what it cannot tell.
    pub cannot_tell: Text,
    /// Speaks against: touched and not harmed, other holders.
    pub counter: Vec<Counter>,
    /// Measured shares of the score.
    pub contributions: Vec<Contribution>,
    /// Accounts that looked at the same records while it leaked, most telling first.
    #[serde(default)]
    pub partners: Vec<Partner>,
    /// Its evidence from canaries, where it touched any that was misused.
    #[serde(default)]
    pub canaries: Option<CanaryShare>,
    /// The rows that prove it.
    pub evidence: Evidence,
}

/// Who really worked under a login.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// The account.
    pub account: Entity,
    /// Its registered holder, where known (a token).
    pub owner: Option<Entity>,
    /// Who worked under it: a device, and a collector or account met on that device.
    pub operator: Vec<Entity>,
    /// Probability that the operator of these rows is not the owner.
    pub probability: f64,
    /// Why.
    pub reasons: Vec<Contribution>,
    /// The rows.
    pub evidence: Evidence,
}

/// What tracing found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Format version.
    pub format: String,
    /// Sources of every question, most probable first.
    pub sources: Vec<Source>,
    /// Owners and operators told apart.
    pub operators: Vec<Operator>,
    /// Rings: groups of accounts, devices, outlets, collectors and cards held together by evidence.
    pub rings: Vec<Ring>,
    /// People on the same few items beyond what their activity explains, most members first.
    #[serde(default)]
    pub farms: Vec<Farm>,
    /// For cards used in fraud: the most probable ways from the person's data to the fraud, by card, best first.
    #[serde(default)]
    pub paths: Vec<ChainPath>,
    /// Fraud cards in the records that no source explains.
    pub unexplained_fraud_cards: u64,
    /// By question, how much of the harm no recorded account explains.
    #[serde(default)]
    pub outside: Vec<Outside>,
    /// What the method finds where there is nothing; on request.
    #[serde(default)]
    pub decoys: Vec<Decoy>,
    /// What could not be concluded, and which record would help.
    pub limits: Vec<Text>,
}

/// A card of a ring, with why it is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RingCard {
    /// The card (ICCID).
    pub card: String,
    /// The person in whose name it was opened (token).
    pub subject: Option<String>,
    /// Marks that tie it to the ring, as `family:mark`; at least two families. In a leak's case one: opened in the name of
    /// a person whose identity leaked before.
    pub marks: Vec<String>,
    /// Probability that the card belongs to the ring.
    pub probability: f64,
    /// Fraud cases in which it was used, sorted.
    pub fraud_cases: Vec<String>,
    /// The opening's row.
    pub opening: RowRef,
    /// The fraud reports' rows.
    pub reports: Vec<RowRef>,
}

/// A member of a ring other than a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Who or what.
    pub entity: Entity,
    /// Role along the chain.
    pub role: Role,
    /// Probability of the role, given the records.
    pub probability: f64,
    /// Whether only the investigation's exhibits show it.
    pub exhibits_only: bool,
    /// The same actor under other names (party p2 = account ...), with why.
    pub same_as: Vec<(Entity, Text)>,
    /// Reasons.
    pub reasons: Vec<Contribution>,
    /// The rows.
    pub evidence: Evidence,
}

/// A role along the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Gave out unregistered cards (白卡).
    StockAgent,
    /// Owner of the lent account.
    CredentialOwner,
    /// Worked under a lent account.
    Operator,
    /// Took identities under a pretext.
    Harvester,
    /// Sold or leaked identities.
    Seller,
    /// Opened cards in others' names: by trade, with bought cards and identities, or as an account under its own login.
    Opener,
    /// Organised it and took the finished cards.
    Organiser,
    /// Carried cards or money.
    Courier,
    /// Used cards for fraud.
    User,
    /// Looked up or exported data without a reason.
    LookupInsider,
    /// Persons' data most probably leaked through it: harm follows its look-ups beyond what is usual.
    Source,
    /// A device used in the ring.
    Device,
    /// An outlet through which it went.
    Outlet,
}

/// A directed link of the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// From.
    pub from: Entity,
    /// To.
    pub to: Entity,
    /// Stage of the chain.
    pub stage: ChainStage,
    /// What passed: cards, identities, credentials, money, use.
    pub what: Text,
    /// How many (cards, identities, cases).
    pub quantity: Option<u64>,
    /// Money, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_cny: Option<String>,
    /// Recorded in rows, or inferred from them.
    pub recorded: bool,
    /// Probability; 1 for recorded links.
    pub probability: f64,
    /// First and last row.
    pub window: Option<Window>,
    /// The rows.
    pub evidence: Evidence,
}

/// The stage of the chain (信息获取, 流通, 使用).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainStage {
    /// Acquisition (获取).
    Acquisition,
    /// Circulation (流通).
    Circulation,
    /// Use (使用).
    Use,
}

/// A ring: who, which cards, how they hang together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ring {
    /// Deterministic id.
    pub id: String,
    /// Probability that there is a ring here at all (of its best source).
    pub probability: f64,
    /// Members, roles first by chain order.
    pub members: Vec<Member>,
    /// Cards, in order of opening.
    pub cards: Vec<RingCard>,
    /// Persons whose identities were used: distinct tokens.
    pub persons: u64,
    /// Links among the members.
    pub links: Vec<Link>,
    /// Ids of findings that speak of it.
    pub findings: Vec<String>,
    /// What cannot be told from these records, and what would tell it.
    pub cannot_tell: Vec<Text>,
}

/// A row that did not fit: one line of `rejects.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reject {
    /// The file, as named by the user.
    pub file: String,
    /// Line (text) or row (Parquet), from 1; 0 when the whole file could not be read.
    pub line: u64,
    /// The kind, where known.
    pub record: Option<String>,
    /// The field, where one field is to blame.
    pub field: Option<String>,
    /// What is wrong; never holds personal data.
    pub reason: Text,
    /// What to do.
    pub remedy: Text,
    /// The raw text, sealed, base64; only the vault's key opens it.
    pub sealed: String,
}

/// An input file, as the run saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// The intake's number of the file; rows cite it.
    pub file: i64,
    /// The name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// The record kind or kinds.
    pub kinds: Vec<String>,
    /// Rows read, taken in, known already, rejected.
    pub read: u64,
    /// Rows taken into the lake.
    pub taken: u64,
    /// Rows that the lake already held.
    pub known: u64,
    /// Rows kept aside.
    pub rejected: u64,
    /// Warnings with their counts (a check digit that does not hold, say).
    pub warnings: Vec<(Text, u64)>,
}

/// What a run did: `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Format version.
    pub format: String,
    /// Version of the program.
    pub version: String,
    /// Fingerprint of the key set that made the tokens (not a secret).
    #[serde(default)]
    pub keys: String,
    /// Snapshot of the lake that everything was computed from.
    pub snapshot: i64,
    /// Seeds of anything random.
    pub seeds: Vec<(String, u64)>,
    /// Input files.
    pub inputs: Vec<Input>,
    /// Rows in the lake by kind.
    pub rows: Vec<(String, u64)>,
    /// Rules with their hashes.
    pub rules: Vec<(String, String)>,
    /// Models of scores with their hashes, named after the day that they are dated.
    #[serde(default)]
    pub models: Vec<(String, String)>,
    /// Law packs with their hashes.
    pub laws: Vec<(String, String)>,
    /// Counts: findings, sources, cases, rejects.
    pub counts: Vec<(String, u64)>,
}
