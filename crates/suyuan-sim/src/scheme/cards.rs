//! Cards opened, kept and used as the schemes of cards (S07 to S21) and of persons (G01 to G04) do.

use suyuan_model::time::SECOND;

use super::{Group, clock};
use crate::counter::Detail;
use crate::day::Session;
use crate::habit::Habit;
use crate::people::{Class, PersonId};
use crate::sim::{MINUTE, Sim};
use crate::world::Code;

/// Cards of one identity under S09.
const ON_ONE_ID: u32 = 7;

impl Group {
    /// One opening of the scheme.
    pub(super) fn at_counter(&mut self, sim: &mut Sim, s: &Session, ts: i64, day: i64) {
        let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
        let slot = self.no * 1000 + self.done;
        let half = self.rng.chance(0.5);
        let stranger = self.person(Class::Worker, place);
        let use_ = |habit| Detail { habit: Some(habit), ..Detail::default() };
        match self.spec.code {
            Code::S07 => {
                // A day's cards one after the other, as fast as the form allows.
                let ts = s.from + 15 * MINUTE + i64::from(self.done % 60) * self.rng.range(80, 130) * SECOND;
                let d = Detail { duration: self.rng.range(60, 85), hurried: true, ..use_(Habit::Idle) };
                let d = Detail { captured: ts - 40 * SECOND, habit: half.then_some(Habit::Idle), ..d };
                self.open(sim, s, ts.min(s.to), stranger, d);
                self.truth.devices.insert(sim.org.devices[s.device].clone());
            }
            Code::S08 => {
                let face =
                    sim.people.face(PersonId::new(place, Class::Worker, 1_700_000_000 + u64::from(self.no)));
                self.truth.others.insert(face.clone());
                self.open(sim, s, ts, stranger, Detail { face: &face, read: "nfc", ..use_(Habit::Idle) });
            }
            Code::S09 => {
                let n = 1_700_100_000 + u64::from(self.no) * 100 + u64::from(self.done / ON_ONE_ID);
                let person = PersonId::new(place, Class::Worker, n);
                self.open(sim, s, ts, person, use_(if half { Habit::Idle } else { Habit::Blank(self.no) }));
            }
            Code::S11 => {
                let person = sim.customer(place, &mut self.rng);
                self.open(sim, s, ts, person, Detail { read: "manual", ..Detail::default() });
            }
            Code::S12 => {
                let duration = self.rng.range(24, 85);
                let d = Detail {
                    duration,
                    hurried: true,
                    captured: ts - 15 * SECOND,
                    ..use_(Habit::Away(other_city(sim, place, self.no)))
                };
                self.open(sim, s, ts, stranger, d);
            }
            Code::S14 => drop(self.open(sim, s, ts, stranger, use_(Habit::Idle))),
            Code::S15 => drop(self.open(sim, s, ts, stranger, use_(Habit::Blank(self.no)))),
            Code::S16 => drop(self.open(sim, s, ts, stranger, use_(Habit::Swapper))),
            Code::S17 => drop(self.open(sim, s, ts, stranger, use_(Habit::Sleeper))),
            Code::S18 => drop(self.open(sim, s, ts, stranger, use_(Habit::Pooled(slot)))),
            Code::S19 => drop(self.open(sim, s, ts, stranger, use_(Habit::Gateway(slot)))),
            Code::S20 => drop(self.open(sim, s, ts, stranger, use_(Habit::Exported(self.no)))),
            Code::S21 => drop(self.open(sim, s, ts, stranger, use_(Habit::CodeFarm(slot)))),
            Code::G01 => self.village(sim, s, ts, day),
            Code::G02 => {
                let person = sim.customer(place, &mut self.rng);
                self.open(sim, s, ts, person, use_(Habit::Signed));
            }
            _ => self.no_such_person(sim, s, ts, place),
        }
    }

    /// Openings long after closing time.
    pub(super) fn at_night(&mut self, sim: &mut Sim, day: i64, n: i64) {
        let outlet = sim.org.staff[self.staff].outlet;
        let (place, net) = (sim.org.outlets[outlet].place, sim.org.outlets[outlet].net.clone());
        let device = sim.org.outlets[outlet].counters.first().copied().unwrap_or(self.device);
        let from = clock(day, self.rng.range(22 * 60 + 5, 22 * 60 + 30));
        let to = from + (12 + 6 * n) * MINUTE;
        let s = self.sign_in(
            sim,
            self.staff,
            device,
            place,
            &format!("{net}.10"),
            from,
            to.min(clock(day, 1438)),
        );
        for i in 0..n {
            let ts = (from + (4 + i * 5) * MINUTE + self.rng.range(0, 90) * SECOND).min(s.to);
            let person = self.person(Class::Worker, place);
            self.done += 1;
            self.open(sim, &s, ts, person, Detail::default());
        }
        self.done -= n as u32;
    }

    /// Old people of a village, cards for a gift: one contact, one place far from the outlet.
    fn village(&mut self, sim: &mut Sim, s: &Session, ts: i64, day: i64) {
        let outlet = sim.org.staff[s.staff].outlet;
        let (place, lat, lon) = {
            let o = &sim.org.outlets[outlet];
            (o.place, o.lat + 110_000, o.lon - 90_000)
        };
        let region = sim.people.homes[place].region.clone();
        let contact = sim.people.phone(PersonId::new(place, Class::Worker, 990_000 + day as u64 % 100));
        let person = self.person(Class::Elder, place);
        let left = self.rng.chance(0.6);
        let habit = if left { Habit::Pooled(self.no * 1000 + self.done) } else { Habit::Idle };
        let d = Detail {
            contact: &contact,
            away: Some((&region, lat, lon)),
            read: "nfc",
            habit: Some(habit),
            ..Detail::default()
        };
        self.open(sim, s, ts, person, d);
    }

    /// A child without a guardian, or an identity number that cannot be.
    fn no_such_person(&mut self, sim: &mut Sim, s: &Session, ts: i64, place: usize) {
        if !self.done.is_multiple_of(3) {
            let child = self.person(Class::Minor, place);
            self.open(sim, s, ts, child, Detail::default());
            return;
        }
        let person = self.person(Class::Worker, place);
        let mut id = sim.people.id(person);
        let last = id.pop();
        id.push(if last == Some('7') { '4' } else { '7' });
        self.open(sim, s, ts, person, Detail { id: &id, read: "manual", ..Detail::default() });
    }
}

/// Steps from a place to one of another city, where the group's cards go.
fn other_city(sim: &Sim, place: usize, no: u32) -> u32 {
    let homes = &sim.people.homes;
    let city = |n: u32| &homes[(place + n as usize) % homes.len()].region[..4];
    let start = 1 + no % 7;
    (start..start + homes.len() as u32).find(|n| city(*n) != city(0)).unwrap_or(start)
}
