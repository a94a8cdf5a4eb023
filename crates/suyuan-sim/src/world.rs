//! A world: one TOML file that says where, when, how much and who does what.
//!
//! Shares are between 0 and 1, times of day are minutes, money is yuan, rates are per day over the whole
//! carrier unless the field says otherwise. An unknown field is an error: a misspelt one would
//! otherwise change nothing in silence.

use std::collections::BTreeMap;

use serde::Deserialize;
use suyuan_model::time;

use crate::error::SimError;

/// The worlds in the box: name and text.
const EMBEDDED: [(&str, &str); 5] = [
    ("qt-2020", include_str!("../../../worlds/qt-2020.toml")),
    ("clean", include_str!("../../../worlds/clean.toml")),
    ("many", include_str!("../../../worlds/many.toml")),
    ("careful", include_str!("../../../worlds/careful.toml")),
    ("schemes", include_str!("../../../worlds/schemes.toml")),
];

/// How large a world is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Seconds, for tests; rings a tenth.
    Tiny,
    /// The rings in full, a dozen dozen outlets: a laptop takes it in within a minute.
    Small,
    /// A city branch of a carrier.
    City,
}

impl Size {
    /// The size of that name.
    pub fn by_name(name: &str) -> Result<Size, SimError> {
        [Size::Tiny, Size::Small, Size::City]
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| SimError::UnknownSize(name.to_owned()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Size::Tiny => "tiny",
            Size::Small => "small",
            Size::City => "city",
        }
    }
}

/// A world as its file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Its name.
    pub name: String,
    /// What it shows, in English.
    pub about: String,
    /// First day, `YYYY-MM-DD`.
    pub start: String,
    /// The places where the carrier has outlets.
    pub place: Vec<Place>,
    /// How much of everything, by size.
    pub size: BTreeMap<String, Volume>,
    /// What goes on without any insider.
    pub background: Background,
    /// Honest things that look like schemes.
    pub lookalikes: Lookalikes,
    /// Labour companies whose people do nothing but their work.
    #[serde(default)]
    pub company: Vec<Company>,
    /// Rings that open cards in others' names.
    #[serde(default)]
    pub ring: Vec<Ring>,
    /// Insiders who leak or misuse what they look up.
    #[serde(default)]
    pub leaker: Vec<Leaker>,
    /// Small groups, one scheme of the catalogue each.
    #[serde(default)]
    pub scheme: Vec<Scheme>,
}

/// A county or district with outlets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// GB/T 2260 code of the county or district.
    pub region: String,
    /// Its share of the outlets, relative to the others.
    pub weight: f64,
    /// Whether it has a campus (term start in September).
    #[serde(default)]
    pub campus: bool,
}

/// How much of everything in one size.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Days from the world's start.
    pub days: i64,
    /// Outlets.
    pub outlets: usize,
    /// Accounts at outlets, hotline and back office.
    pub staff: usize,
    /// Honest openings a day.
    pub openings: f64,
    /// Visits and calls a day that lead to look-ups; each gives about 2.2 look-ups.
    pub services: f64,
    /// Customers whose data can be looked up.
    pub population: u64,
    /// Days of use recorded for a newly opened card.
    pub usage_days: i64,
    /// Share of cards whose use is recorded for 150 days.
    pub usage_panel: f64,
    /// Fraud victims a day among the customers who are not tied to a card of this carrier.
    pub victims: f64,
    /// What the numbers of rings and leakers are multiplied with.
    pub scale: f64,
}

/// What goes on without any insider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// Share of customers whose identity number is from elsewhere.
    pub migrants: f64,
    /// Share of look-ups for which the records hold a reason.
    pub explained: f64,
    /// Cards of honest outlets later used in fraud, of openings.
    pub fraud_cards: f64,
    /// At least so many of them are expected, however small the world.
    pub fraud_cards_least: f64,
    /// Spread of the outlets' own fraud risk: standard deviation of its logarithm.
    pub outlet_risk_sd: f64,
    /// Share of opened cards re-verified.
    pub reverified: f64,
    /// Complaints `not_mine`, of openings: forgotten cards, relatives.
    pub not_mine: f64,
    /// Days from opening to the fraud report, mean.
    pub fraud_delay_days: f64,
    /// A regional wave of fraud.
    #[serde(default)]
    pub wave: Vec<Wave>,
}

/// A regional wave of fraud.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// Prefix of the regions it goes through.
    pub region: String,
    /// Days after the start.
    pub from: i64,
    /// Days it lasts.
    pub days: i64,
    /// What the victims' rate there is multiplied with.
    pub factor: f64,
}

/// Honest things that look like schemes; numbers are for the size `small` and grow with the outlets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookalikes {
    /// Group contracts a month (20 to 60 cards of one employer, contract number in `order`).
    pub group_contracts: f64,
    /// Sales vans: hand-held devices away from the outlet under a permit.
    pub vans: usize,
    /// Share of staff who work in the evening through an egress in another province.
    pub vpn: f64,
    /// Kiosks that open many cards on one device.
    pub kiosks: usize,
    /// Share of devices registered days after their first use.
    pub late_terminals: f64,
    /// Devices on loan while a counter is repaired, a month: on no asset list.
    pub loan_devices: f64,
    /// Positions set right by hand where the device's drifts over the county's border, a month.
    pub gps_drifts: f64,
    /// Cards stopped wrongly by a risk model, of openings.
    pub wrong_stops: f64,
    /// Share of openings with cards of a neighbouring outlet, transfer booked late.
    pub late_transfers: f64,
    /// Pairs of twins (one face cluster, two identities) a month.
    pub twins: f64,
    /// Outlets that submit hours later because the line was down, days a month each.
    pub offline: f64,
    /// Reader failures a month (identity typed in, with a ticket).
    pub reader_failures: f64,
    /// Share of openings that waited 5 to 15 minutes in a queue.
    pub queues: f64,
    /// Families who open three to five cards on one identity, a month.
    pub family_plans: f64,
    /// Firms that open six to fifteen cards for trackers or meters on one identity, a month.
    pub data_firms: f64,
    /// Call centres: eighteen to thirty seats under a group contract.
    pub call_centres: f64,
    /// Laboratories that try cards in many phones.
    pub device_labs: f64,
    /// Teams that test sign-ups and receive codes all day.
    pub qa_teams: f64,
    /// Tour groups whose cards travel together, a month.
    pub tour_groups: f64,
    /// Share of openings sent by courier to another city.
    pub deliveries: f64,
    /// Children's cards opened with a guardian, a month.
    pub guardians: f64,
    /// Persons who open a second card at another outlet within a week, a month.
    pub ports: f64,
    /// Evenings of a stall after closing time, under a permit, a month.
    pub night_stalls: f64,
    /// Days of a stall kilometres away, under a permit, a month.
    pub popup_stalls: f64,
    /// Chains in which two outlets of one agent share a terminal.
    pub chains: f64,
    /// Old people on the tenth of the month at the counters: what openings there are multiplied with.
    pub pension_day: f64,
    /// Promotions at an outlet, whose cards are given up when they end, a year.
    pub promotions: f64,
    /// Couriers of a season: dormant, then busy, a month.
    pub seasonal: f64,
    /// Share of hotline staff and clerks who help without a ticket half of the time.
    pub unticketed: f64,
    /// Service passwords set anew at the counter, with a bill printed after, a month.
    pub recoveries: f64,
    /// Lost cards replaced in a hurry, the ticket written afterwards, a month.
    pub lost_phones: f64,
    /// Nights an engineer on call is woken, a month each.
    pub on_call: f64,
    /// Auditors to whom card changes are delegated for two weeks, a year.
    pub delegated: f64,
    /// Large exports for a migration, under an order, a year.
    pub migrations: f64,
}

/// A ring that opens cards in others' names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Its name in the truth.
    pub id: String,
    /// The scheme it shows.
    pub kind: RingKind,
    /// County of the outlet whose account is used.
    pub region: String,
    /// Days after the start on which it begins.
    pub from: i64,
    /// Days it lasts.
    pub days: i64,
    /// Cards opened, drawn between the two.
    pub cards: [i64; 2],
    /// Cards later used in fraud.
    pub fraud_cards: i64,
    /// Fraud cases in which they are used.
    pub fraud_cases: i64,
    /// Loss in all, yuan: at least the first, less than the second.
    pub loss: [i64; 2],
    /// Counties where the operators sit; empty: at the outlet's own counter.
    #[serde(default)]
    pub operators_at: Vec<String>,
    /// Operators with a device each.
    #[serde(default)]
    pub operators: usize,
    /// Counties of further outlets whose agents lend their accounts too; the ring changes between them.
    #[serde(default)]
    pub also_lent_at: Vec<String>,
    /// Days after which an operator takes a new device; 0: never.
    #[serde(default)]
    pub device_days: i64,
    /// Openings on a working day, least and most, whatever the size; [0, 0]: `cards` spread over `days`.
    #[serde(default)]
    pub per_day: [i64; 2],
    /// Share of openings with a location override just before.
    #[serde(default)]
    pub overrides: f64,
    /// Share of openings with a position typed in.
    #[serde(default)]
    pub manual_position: f64,
    /// Share of openings in the outlet's neighbouring prefectures: prefix of the region.
    #[serde(default)]
    pub declared_also: Vec<String>,
    /// Minutes from capture to opening, least and most; long tail.
    pub capture_lead: [i64; 2],
    /// Pretexts told to the persons captured; empty: no capture rows.
    #[serde(default)]
    pub pretexts: Vec<String>,
    /// Employer given at most openings.
    #[serde(default)]
    pub employer: Option<String>,
    /// Source system of the collectors' rows and prefix of their ids.
    #[serde(default)]
    pub collectors: Option<String>,
    /// An employee of another company who sells identities.
    #[serde(default)]
    pub seller: Option<Seller>,
    /// Cards on one identity: weights of one, two, three cards.
    pub per_person: [f64; 3],
    /// Share of its openings outside the account owner's hours.
    #[serde(default)]
    pub off_hours: f64,
    /// Days of nurturing in a SIM bank after the opening; 0: none.
    #[serde(default)]
    pub nurture_days: i64,
    /// Share of the cards found with the organiser.
    #[serde(default)]
    pub seized: f64,
    /// Price of a blank card, yuan, least and most.
    #[serde(default)]
    pub card_price: [i64; 2],
    /// The actors the investigation knows; empty: no exhibits (no parties, dealings, sightings).
    #[serde(default)]
    pub party: Vec<Party>,
    /// Days after the opening on which commission cards are dropped; absent: never.
    #[serde(default)]
    pub dropped_after: Option<i64>,
}

/// A labour company whose people do nothing but their work.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Prefix of its accounts and, in lower case, of its source systems.
    pub prefix: String,
    /// County.
    pub region: String,
}

/// An employee of another company who sells identities out of its files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// Prefix of the company's accounts and, in lower case, of its source system.
    pub prefix: String,
    /// County of the company.
    pub region: String,
    /// Identities sold, least and most.
    pub records: [i64; 2],
}

/// An actor the investigation knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The id in the file.
    pub id: String,
    /// The name as published.
    pub name: String,
    /// The part played.
    pub role: PartyRole,
    /// County or province.
    pub region: String,
    /// What is known beside it.
    #[serde(default)]
    pub note: String,
}

/// The part an actor plays.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// Takes the finished cards.
    Organiser,
    /// Owns the account and the blank cards.
    Owner,
    /// Has cards opened and buys identities.
    Opener,
    /// Works the lent account and collects identities.
    Operator,
    /// Sells identities.
    Seller,
}

impl PartyRole {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            PartyRole::Organiser => "organiser",
            PartyRole::Owner => "owner",
            PartyRole::Opener => "opener",
            PartyRole::Operator => "operator",
            PartyRole::Seller => "seller",
        }
    }
}

/// What a ring shows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RingKind {
    /// A lent login used from another province.
    LentLogin,
    /// The same, slow and careful.
    Careful,
    /// Blank cards opened far from their custodian by another outlet's account.
    StockDiverter,
    /// One labour company's people opened in bulk at the counter, without a contract.
    LabourBulk,
    /// Stored faces of past customers used again at the counter.
    ReplayedFaces,
    /// Cards opened for the commission only and dropped when it is safe.
    Commission,
}

/// A small group that shows one scheme of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Its name in the truth.
    pub id: String,
    /// The scheme.
    pub code: Code,
    /// County of the account's outlet, where one is left there.
    pub region: String,
    /// Days after the start on which it begins.
    pub from: i64,
    /// Days it lasts.
    pub days: i64,
    /// Acts in all, whatever the size: cards opened, persons looked up.
    pub n: i64,
}

/// The schemes that small groups show.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Code {
    /// One terminal, many identities a day.
    S07,
    /// One face, many identities.
    S08,
    /// One identity, many cards.
    S09,
    /// Identities typed in without a ticket.
    S11,
    /// The customer is not there.
    S12,
    /// Openings at night.
    S13,
    /// Cards not used.
    S14,
    /// Nurtured by blank and short calls in a circle.
    S15,
    /// Another device every other day.
    S16,
    /// Dormant, then a burst.
    S17,
    /// A pool of few modems.
    S18,
    /// A gateway that dials.
    S19,
    /// Cards carried to the border.
    S20,
    /// A farm for one-time codes.
    S21,
    /// Look-ups without a reason.
    A01,
    /// A segment's numbers looked up one after the other.
    A02,
    /// Places and call details without a lawful request.
    A03,
    /// Colleagues looked up.
    A04,
    /// Service password reset, then call details read.
    A06,
    /// A dormant engineer's account reads in bulk.
    A08,
    /// An auditor changes cards.
    A09,
    /// An outlet nobody visits, on another's terminal.
    R02,
    /// A sub-agent without a contract.
    R03,
    /// Two agents, one device, one employer.
    R04,
    /// One identity opened again at another outlet.
    R05,
    /// Many fraud cards at one point.
    R06,
    /// Gift drive among old people of a village.
    G01,
    /// Sign-ups with the customer's codes at the counter.
    G02,
    /// Children and identity numbers that cannot be.
    G04,
}

impl Code {
    /// Its name in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Code::S07 => "S07",
            Code::S08 => "S08",
            Code::S09 => "S09",
            Code::S11 => "S11",
            Code::S12 => "S12",
            Code::S13 => "S13",
            Code::S14 => "S14",
            Code::S15 => "S15",
            Code::S16 => "S16",
            Code::S17 => "S17",
            Code::S18 => "S18",
            Code::S19 => "S19",
            Code::S20 => "S20",
            Code::S21 => "S21",
            Code::A01 => "A01",
            Code::A02 => "A02",
            Code::A03 => "A03",
            Code::A04 => "A04",
            Code::A06 => "A06",
            Code::A08 => "A08",
            Code::A09 => "A09",
            Code::R02 => "R02",
            Code::R03 => "R03",
            Code::R04 => "R04",
            Code::R05 => "R05",
            Code::R06 => "R06",
            Code::G01 => "G01",
            Code::G02 => "G02",
            Code::G04 => "G04",
        }
    }
}

impl RingKind {
    /// The schemes of the catalogue that it shows.
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            RingKind::LentLogin => &["S01", "S02", "S03", "S04", "S10", "S11", "S12", "S15", "S18"],
            RingKind::Careful => &["S01", "S02", "S03", "S04", "S10", "S12", "S15", "S18"],
            RingKind::StockDiverter => &["S05", "S10"],
            RingKind::LabourBulk => &["S06", "S10"],
            RingKind::ReplayedFaces => &["S10", "S09"],
            RingKind::Commission => &["R01", "S09"],
        }
    }
}

/// An insider who leaks or misuses what he looks up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaker {
    /// The name in the truth.
    pub id: String,
    /// The scheme.
    pub kind: LeakerKind,
    /// County of the account's outlet.
    pub region: String,
    /// Days after the start on which the leak begins.
    pub from: i64,
    /// Days it lasts.
    pub days: i64,
    /// Persons looked up for sale (or numbers taken over), in all.
    pub persons: i64,
    /// Share of them who become known victims.
    pub harmed: f64,
    /// Days from look-up to the fraud report, mean.
    pub delay_days: f64,
}

/// What a leaker does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LeakerKind {
    /// Looks persons up one by one.
    Lookup,
    /// Exports many at once.
    Export,
    /// Takes over subscribers' cards: look-up, service password, replacement.
    SimSwap,
}

impl LeakerKind {
    /// The schemes of the catalogue that it shows.
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            LeakerKind::Lookup => &["A01", "A05"],
            LeakerKind::Export => &["A02", "A05"],
            LeakerKind::SimSwap => &["A06", "A07"],
        }
    }
}

impl World {
    /// The world of that name in the box.
    pub fn embedded(name: &str) -> Result<World, SimError> {
        let text = EMBEDDED.iter().find(|(n, _)| *n == name).map(|(_, text)| *text);
        let known = || EMBEDDED.iter().map(|(n, _)| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        World::parse(text.ok_or_else(|| SimError::UnknownWorld { name: name.to_owned(), known: known() })?)
    }

    /// The names of the worlds in the box.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(n, _)| *n)
    }

    /// Reads and checks a world's text.
    pub fn parse(text: &str) -> Result<World, SimError> {
        let world: World = toml::from_str(text).map_err(|e| SimError::Syntax(e.to_string()))?;
        world.check()?;
        Ok(world)
    }

    /// The volume of a size.
    pub fn volume(&self, size: Size) -> Result<&Volume, SimError> {
        self.size
            .get(size.name())
            .ok_or_else(|| self.fault("size", format!("has no table `[size.{}]`; add one", size.name())))
    }

    /// Day number of the first day.
    pub(crate) fn start_day(&self) -> i64 {
        time::parse_day(&self.start).expect("checked when parsed")
    }
}
