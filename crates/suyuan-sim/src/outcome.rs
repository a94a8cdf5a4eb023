//! What comes of a ring: fraud to the fen, complaints, failed re-verifications, dropped cards, exhibits.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::time::{self, DAY, HOUR};

use crate::exhibit;
use crate::org::midnight;
use crate::people::PersonId;
use crate::ring::{Held, Plan, scaled};
use crate::sim::{MINUTE, Opened, Sim, by_day};
use crate::stock::Card;
use crate::truth::RingTruth;

impl Plan<'_> {
    /// Fraud, complaints, re-verifications, dropped cards, exhibits; the truth of the ring.
    pub(crate) fn aftermath(&mut self, sim: &mut Sim) -> RingTruth {
        let mut truth = self.truth(sim);
        let (fraud, cases, loss) = self.fraud(sim);
        truth.fraud_cards = fraud.iter().map(|i| self.opened[*i].0.card.iccid()).collect();
        truth.fraud_cards.sort();
        truth.fraud_cases = cases;
        truth.loss_fen = loss;
        self.complaints(sim);
        if let Some(days) = self.ring.dropped_after {
            let account = self.account(sim);
            for (o, _) in &self.opened {
                let ts = o.ts + (days + self.rng.range(0, 6)) * DAY;
                if time::china_day(ts) < sim.end {
                    sim.write_card_change(ts, o.card, "cancel", &account, "客户销户", "");
                }
            }
        }
        if !self.ring.party.is_empty() {
            self.ledger.account = sim.org.staff[self.owner].account.clone();
            self.ledger.outlet = sim.org.outlets[self.outlet].id.clone();
            self.ledger.agent = sim.org.outlets[self.outlet].agent.clone();
            self.ledger.operators =
                self.operators.iter().map(|o| (o.collector.clone(), o.devices[0].clone())).collect();
            let found: Vec<Card> = (0..self.opened.len())
                .filter(|i| !fraud.contains(i) && self.rng.chance(self.ring.seized))
                .map(|i| self.opened[i].0.card)
                .collect();
            let bought: Vec<PersonId> =
                self.opened.iter().filter(|(_, h)| h.by.is_none()).map(|(o, _)| o.person).collect();
            truth.parties = exhibit::write(sim, self.ring, &self.ledger, &found, &bought, &mut self.rng);
        }
        truth
    }

    fn truth(&self, sim: &Sim) -> RingTruth {
        let persons: BTreeSet<String> = self.opened.iter().map(|(o, _)| sim.people.id(o.person)).collect();
        let bought: BTreeSet<String> = self
            .opened
            .iter()
            .filter(|(_, h)| h.by.is_none())
            .map(|(o, _)| sim.people.id(o.person))
            .collect();
        let mut cards: Vec<String> = self.opened.iter().map(|(o, _)| o.card.iccid()).collect();
        cards.sort();
        let mut accounts = vec![sim.org.staff[self.owner].account.clone()];
        let mut other_outlets = Vec::new();
        for (outlet, agent) in self.lent.iter().filter(|l| **l != (self.outlet, self.owner)) {
            accounts.push(sim.org.staff[*agent].account.clone());
            other_outlets.push(sim.org.outlets[*outlet].id.clone());
        }
        let day = |o: Option<&(Opened, Held)>| {
            o.map_or(String::new(), |(o, _)| time::format_day(time::china_day(o.ts)))
        };
        RingTruth {
            id: self.ring.id.clone(),
            kind: format!("{:?}", self.ring.kind),
            accounts,
            devices: self.used.iter().cloned().collect(),
            collectors: self
                .operators
                .iter()
                .map(|o| o.collector.clone())
                .filter(|c| !c.is_empty())
                .collect(),
            sellers: self.ledger.seller.iter().cloned().collect(),
            outlet: sim.org.outlets[self.outlet].id.clone(),
            other_outlets,
            agent: sim.org.outlets[self.outlet].agent.clone(),
            cards,
            persons: persons.into_iter().collect(),
            bought: bought.into_iter().collect(),
            window: [day(self.opened.first()), day(self.opened.last())],
            ..RingTruth::default()
        }
    }

    /// Draws the cards used in fraud, their cases and losses; the sum is exact to the fen.
    fn fraud(&mut self, sim: &mut Sim) -> (BTreeSet<usize>, Vec<String>, i64) {
        let wanted = if self.ring.fraud_cards == 0 { 0 } else { scaled(sim, self.ring.fraud_cards, 2) };
        let n_cases = if wanted == 0 { 0 } else { scaled(sim, self.ring.fraud_cases, wanted) };
        // A card is used some weeks after it was opened, and the case must be known before the end.
        let span = (sim.volume.days / 4).clamp(8, 75);
        let early = span / 5 + 1;
        let known = |o: &Opened| time::china_day(o.ts) + early + 5 < sim.end;
        let mut fit: Vec<usize> = (0..self.opened.len()).filter(|i| known(&self.opened[*i].0)).collect();
        self.rng.shuffle(&mut fit);
        fit.truncate(wanted as usize);
        if fit.is_empty() {
            return (BTreeSet::new(), Vec::new(), 0);
        }
        let mut of_case: Vec<usize> = fit.clone();
        while (of_case.len() as i64) < n_cases {
            of_case.push(*self.rng.pick(&fit));
        }
        let losses = self.losses(sim, of_case.len());
        let mut first: BTreeMap<usize, i64> = BTreeMap::new();
        let mut cases = Vec::new();
        for (card, loss) in of_case.into_iter().zip(&losses) {
            let o = self.opened[card].0.clone();
            let latest = midnight(sim.end) - HOUR;
            let ts = match first.get(&card) {
                Some(ts) => {
                    by_day((ts + self.rng.range(24 * 60, 5 * 24 * 60) * MINUTE).min(latest), &mut self.rng)
                }
                None => {
                    let room = (sim.end - time::china_day(o.ts) - 3).min(span).max(early);
                    by_day(o.ts + self.rng.range(early * 24 * 60, room * 24 * 60) * MINUTE, &mut self.rng)
                }
            };
            first.insert(card, ts);
            cases.push(sim.write_fraud(ts, &o, *loss, &mut self.rng));
        }
        (first.into_keys().collect(), cases, losses.iter().sum())
    }

    fn losses(&mut self, sim: &Sim, n: usize) -> Vec<i64> {
        let [lo, hi] = self.ring.loss.map(|yuan| (yuan as f64 * 100.0 * sim.volume.scale) as i64);
        let total = self.rng.range(lo, (hi - 1).max(lo));
        let least = 300_000.min(total / n as i64 / 2); // 3,000 yuan: what counts as a fraud case
        let raw: Vec<f64> = (0..n).map(|_| self.rng.log_normal(0.9)).collect();
        let sum: f64 = raw.iter().sum();
        let spread = (total - least * n as i64) as f64;
        let mut losses: Vec<i64> = raw.iter().map(|r| least + (r / sum * spread) as i64).collect();
        let rest = total - losses.iter().sum::<i64>();
        losses[0] += rest;
        losses
    }

    fn complaints(&mut self, sim: &mut Sim) {
        let mut by_person: BTreeMap<PersonId, Vec<usize>> = BTreeMap::new();
        for (i, (o, _)) in self.opened.iter().enumerate() {
            by_person.entry(o.person).or_default().push(i);
        }
        let mut most = by_person.values().map(Vec::len).max().unwrap_or(0);
        for cards in by_person.values() {
            // One who finds several cards in his name brings the first lead.
            let lead = cards.len() == most && most > 1;
            if !lead && !self.rng.chance(0.02) {
                continue;
            }
            if lead {
                most = usize::MAX;
            }
            let last = cards.iter().map(|i| self.opened[*i].0.ts).max().unwrap_or(0);
            let day = time::china_day(last) + self.rng.range(10, 60);
            let ts = midnight(day) + self.rng.range(9 * 60, 17 * 60) * MINUTE;
            for (n, i) in cards.iter().enumerate() {
                if day < sim.end {
                    let o = self.opened[*i].0.clone();
                    sim.write_not_mine(ts + n as i64 * 2 * MINUTE, &o);
                }
            }
        }
        for i in 0..self.opened.len() {
            if !self.rng.chance(0.22) {
                continue;
            }
            let o = self.opened[i].0.clone();
            let first = time::china_day(o.ts) + 15;
            if first < sim.end - 1 {
                let ts =
                    midnight(self.rng.range(first, sim.end - 1)) + self.rng.range(9 * 60, 17 * 60) * MINUTE;
                let result = ["failed", "absent", "passed"][self.rng.weighted(&[0.78, 0.14, 0.08])];
                sim.write_reverification(ts, &o, result);
            }
        }
    }
}
