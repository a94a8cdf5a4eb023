//! The investigation's exhibits: who is known, what changed hands, what was found where.
//!
//! They stand in files of their own (`party`, `dealing`, `sighting`), so that a run without them is a run
//! without these files. Amounts are written as an exhibit would state them; which way the money for blank
//! cards went is left open on purpose, as it is in the published case.

use std::collections::BTreeMap;

use suyuan_model::time::{self, HOUR, SECOND};

use crate::org::midnight;
use crate::out::source;
use crate::people::PersonId;
use crate::rng::Rng;
use crate::rows::{self, Val, yuan};
use crate::sim::{MINUTE, Sim};
use crate::stock::Card;
use crate::truth::PartyTruth;
use crate::world::{Party, PartyRole, Ring};

/// Days between two handovers.
const ROUND: i64 = 14;

/// What a ring did, as far as exhibits can show it.
#[derive(Default)]
pub struct Ledger {
    /// The owner's account.
    pub account: String,
    /// His outlet.
    pub outlet: String,
    /// His company.
    pub agent: Option<String>,
    /// Collector and device of the operators.
    pub operators: Vec<(String, String)>,
    /// The seller's account.
    pub seller: Option<String>,
    /// Where the seller sent it.
    pub recipient: Option<String>,
    /// Sales: when, how many.
    pub sold: Vec<(i64, i64)>,
    /// Captures: when, by which operator.
    pub collected: Vec<(i64, usize)>,
    /// Openings.
    pub opened: Vec<i64>,
}

/// Writes the exhibits; gives what is true of the parties.
pub fn write(
    sim: &mut Sim,
    ring: &Ring,
    ledger: &Ledger,
    found: &[Card],
    bought: &[PersonId],
    rng: &mut Rng,
) -> Vec<PartyTruth> {
    let recorded = midnight(sim.end - 11) + 9 * HOUR;
    let truths = parties(sim, ring, ledger, recorded);
    dealings(sim, ring, ledger, rng);
    sightings(sim, ring, found, bought, rng);
    truths
}

fn by_role(ring: &Ring, role: PartyRole) -> impl Iterator<Item = &Party> {
    ring.party.iter().filter(move |p| p.role == role)
}

fn parties(sim: &mut Sim, ring: &Ring, ledger: &Ledger, recorded: i64) -> Vec<PartyTruth> {
    let mut truths = Vec::new();
    let mut operator = 0;
    for (n, p) in ring.party.iter().enumerate() {
        let traces: Vec<String> = match p.role {
            PartyRole::Owner => {
                let mut t = vec![format!("account={}", ledger.account), format!("outlet={}", ledger.outlet)];
                t.extend(ledger.agent.iter().map(|a| format!("agent={a}")));
                t
            }
            PartyRole::Operator => {
                operator += 1;
                let (collector, device) = ledger.operators[(operator - 1) % ledger.operators.len()].clone();
                vec![format!("collector={collector}"), format!("device={device}")]
            }
            PartyRole::Seller => ledger.seller.iter().map(|s| format!("account={s}")).collect(),
            PartyRole::Opener => ledger.recipient.iter().map(|r| format!("recipient={r}")).collect(),
            PartyRole::Organiser => Vec::new(),
        };
        let mut note = traces.join("; ");
        if !p.note.is_empty() {
            note = if note.is_empty() { p.note.clone() } else { format!("{note}; {}", p.note) };
        }
        let from = recorded + n as i64 * 5 * MINUTE;
        sim.out.put(
            from,
            &source::CASE,
            &rows::Party {
                party: (&p.id).into(),
                kind: "person".into(),
                name: (&p.name).into(),
                region6: (&p.region).into(),
                note: (&note).into(),
                valid_from: Val::Time(from),
                valid_to: Val::None,
            },
        );
        truths.push(PartyTruth { party: p.id.clone(), role: p.role.name(), traces });
    }
    truths
}

/// A handover to be written.
struct Handover<'a> {
    ts: i64,
    from: &'a str,
    to: &'a str,
    what: &'static str,
    quantity: Option<i64>,
    price: Option<i64>,
    note: &'static str,
}

fn dealings(sim: &mut Sim, ring: &Ring, ledger: &Ledger, rng: &mut Rng) {
    let first = |role| by_role(ring, role).next().map(|p| p.id.as_str());
    let (Some(owner), Some(opener)) = (first(PartyRole::Owner), first(PartyRole::Opener)) else { return };
    let operators: Vec<&str> = by_role(ring, PartyRole::Operator).map(|p| p.id.as_str()).collect();
    let mut all: Vec<Handover> = Vec::new();
    let begin = ledger.opened.first().copied().unwrap_or(0);
    for (n, to) in operators.iter().enumerate() {
        let ts = (begin - (20 - 7 * n as i64) * HOUR).max(midnight(sim.start) + 8 * HOUR + n as i64 * HOUR);
        let note = "工号及密码";
        all.push(Handover { ts, from: owner, to, what: "credentials", quantity: Some(1), price: None, note });
    }
    for (round, n) in rounds(ledger.opened.iter().copied()) {
        let [lo, hi] = ring.card_price;
        let ts = midnight(round).max(midnight(sim.start)) + rng.range(7 * 60, 9 * 60) * MINUTE;
        let price = rng.range(lo * 2, hi * 2) * 50;
        let (what, note) = ("goods", "白卡");
        let quantity = Some(n + rng.range(0, 3));
        all.push(Handover { ts, from: owner, to: opener, what, quantity, price: Some(price), note });
        if let Some(organiser) = first(PartyRole::Organiser) {
            let day = (round + ROUND + 1).min(sim.end - 12);
            let ts = midnight(day) + rng.range(18 * 60, 21 * 60) * MINUTE;
            let note = "已实名卡";
            all.push(Handover {
                ts,
                from: opener,
                to: organiser,
                what,
                quantity: Some(n),
                price: None,
                note,
            });
        }
    }
    for (n, from) in operators.iter().enumerate() {
        let own = ledger.collected.iter().filter(|(_, by)| by % operators.len() == n).map(|(ts, _)| *ts);
        for (round, n) in rounds(own) {
            let day = (round + ROUND).min(sim.end - 12);
            let ts = midnight(day) + rng.range(19 * 60, 22 * 60) * MINUTE;
            let note = "身份证信息及人脸信息";
            all.push(Handover { ts, from, to: opener, what: "data", quantity: Some(n), price: None, note });
        }
    }
    if let Some(seller) = first(PartyRole::Seller) {
        for (ts, n) in &ledger.sold {
            let note = "公民个人信息，有偿，单价未查明";
            let ts = ts + 40 * MINUTE;
            all.push(Handover {
                ts,
                from: seller,
                to: opener,
                what: "data",
                quantity: Some(*n),
                price: None,
                note,
            });
        }
    }
    all.sort_by_key(|h| h.ts);
    for (n, h) in all.iter().enumerate() {
        let amount = h.price.zip(h.quantity).map(|(p, q)| p * q);
        sim.out.put(
            h.ts,
            &source::CASE,
            &rows::Dealing {
                from: h.from.into(),
                to: h.to.into(),
                what: h.what.into(),
                quantity: h.quantity.map_or(Val::None, Val::Int),
                amount_cny: amount.map_or(Val::None, yuan),
                unit_price_cny: h.price.map_or(Val::None, yuan),
                note: h.note.into(),
                exhibit: (&format!("WZ-{:03}", n + 1)).into(),
            },
        );
    }
}

/// Counts by round of two weeks: first day of the round and how many.
fn rounds(times: impl Iterator<Item = i64>) -> Vec<(i64, i64)> {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for ts in times {
        *counts.entry(time::china_day(ts).div_euclid(ROUND) * ROUND).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn sightings(sim: &mut Sim, ring: &Ring, found: &[Card], bought: &[PersonId], rng: &mut Rng) {
    let first = |role| by_role(ring, role).next().map(|p| p.id.as_str());
    let base = midnight(sim.end - 11) + 14 * HOUR;
    if let Some(organiser) = first(PartyRole::Organiser) {
        for (n, card) in found.iter().enumerate() {
            let lot = format!("KY-{:02}", n / 200 + 1);
            sim.out.put(
                base + n as i64 * SECOND,
                &source::CASE,
                &rows::Sighting {
                    card: (&card.iccid()).into(),
                    r#where: "seized_device".into(),
                    lot: (&lot).into(),
                    party: organiser.into(),
                    note: "已实名注册的手机卡".into(),
                    ..Default::default()
                },
            );
        }
    }
    if let Some(opener) = first(PartyRole::Opener) {
        let mut persons = bought.to_vec();
        rng.shuffle(&mut persons);
        for (n, person) in persons.iter().enumerate() {
            let id = sim.people.id(*person);
            sim.out.put(
                base + (3 * HOUR) + n as i64 * SECOND,
                &source::CASE,
                &rows::Sighting {
                    subject: (&id).into(),
                    r#where: "seized_device".into(),
                    lot: "SJ-01".into(),
                    party: opener.into(),
                    note: "手机中存储的公民个人信息".into(),
                    ..Default::default()
                },
            );
        }
    }
}
