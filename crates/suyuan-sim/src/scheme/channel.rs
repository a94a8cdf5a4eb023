//! Outlets and agents that are not what they say (R02 to R06).

use suyuan_model::time::{DAY, HOUR};

use super::{Group, clock};
use crate::counter::{Detail, neighbour};
use crate::day::Session;
use crate::habit::Habit;
use crate::people::Class;
use crate::sim::{MINUTE, Sim, by_day};
use crate::world::Code;

impl Group {
    /// One opening at the counter of an outlet whose cards go wrong later.
    pub(super) fn in_channel(&mut self, sim: &mut Sim, s: &Session, ts: i64, day: i64) {
        let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
        let person = self.person(Class::Worker, place);
        if self.spec.code == Code::R05 {
            let habit = Some(Habit::Idle);
            let done = self.open(sim, s, ts, person, Detail { habit, ..Detail::default() });
            let back = day + self.rng.range(1, 6);
            self.again.push((back, person));
            if self.rng.chance(0.3) {
                let ts = clock(day + 1, 10 * 60 + i64::from(self.done % 300));
                if day + 1 < sim.end {
                    sim.write_not_mine(ts, &done.opened);
                }
            }
            return;
        }
        let habit = Some(if self.rng.chance(0.5) { Habit::Plain } else { Habit::Idle });
        let done = self.open(sim, s, ts, person, Detail { habit, ..Detail::default() });
        if self.rng.chance(0.25) {
            let at = by_day(ts + self.rng.range(8, 40) * DAY, &mut self.rng);
            if at < clock(sim.end, 0) - HOUR {
                let loss = self.rng.range(4_000, 60_000) * 100;
                sim.write_fraud(at, &done.opened, loss, &mut self.rng);
            }
        }
    }

    /// Openings away from the outlet: where nobody visits, or by someone who has no contract.
    pub(super) fn elsewhere(&mut self, sim: &mut Sim, day: i64, n: i64) {
        let both = [self.staff, self.second];
        let staff = both[self.rng.index(both.len())];
        let outlet = sim.org.staff[staff].outlet;
        let place = sim.org.outlets[outlet].place;
        let code = self.spec.code;
        let region = if code == Code::R03 {
            neighbour(sim, place, &mut self.rng)
        } else {
            sim.people.homes[place].region.clone()
        };
        let there = sim.people.homes.iter().position(|h| h.region == region).unwrap_or(place);
        let device = if code == Code::R02 { self.borrowed(sim, outlet) } else { self.device };
        self.truth.devices.insert(sim.org.devices[device].clone());
        let (open, close) = (sim.org.outlets[outlet].open, sim.org.outlets[outlet].close);
        let from = clock(day, self.rng.range(open + 10, (close - 200).max(open + 20)));
        let ip = format!("198.19.{}.{}", 60 + self.no, self.rng.range(2, 5));
        let s = self.sign_in(sim, staff, device, there, &ip, from, from + (15 + n * 9) * MINUTE);
        let (lat, lon) = (sim.people.homes[there].lat + 70_000, sim.people.homes[there].lon + 120_000);
        let background =
            sim.people.opaque("bg-", 1 << 55 | u64::from(self.no) << 8 | u64::from(self.done / 6));
        for i in 0..n {
            let ts = from + (6 + i * 8) * MINUTE;
            let person = self.person(Class::Worker, there);
            self.done += 1;
            let slot = self.no * 1000 + self.done;
            let away = Some((region.as_str(), lat, lon));
            let d = match code {
                Code::R04 => Detail {
                    away,
                    employer: "嘉禾商贸有限公司",
                    background: &background,
                    habit: Some(Habit::Pooled(slot)),
                    ..Detail::default()
                },
                Code::R02 => {
                    Detail { away, habit: self.rng.chance(0.4).then_some(Habit::Idle), ..Detail::default() }
                }
                _ => Detail { away, ..Detail::default() },
            };
            let card = self.open(sim, &s, ts, person, d).opened.card;
            if code == Code::R03 {
                // The commission goes to someone who has no contract.
                let payee = format!("XM-{:04}", 7000 + self.no);
                self.truth.others.insert(payee.clone());
                sim.payees.insert(card, payee);
            }
        }
        self.done -= n as u32;
    }

    /// The terminal of another outlet of the place.
    fn borrowed(&self, sim: &Sim, outlet: usize) -> usize {
        let o = &sim.org.outlets[outlet];
        let others = sim.org.outlets.iter().filter(|x| x.place == o.place && x.id != o.id);
        others.flat_map(|x| x.counters.first().copied()).next().unwrap_or(self.device)
    }
}
