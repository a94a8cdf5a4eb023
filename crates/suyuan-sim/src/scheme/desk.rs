//! Personal data looked up, exported and abused at a desk (A01 to A09).

use suyuan_model::time::{HOUR, SECOND};

use super::{Group, clock};
use crate::day::{Session, look_up_id};
use crate::lookalike::write_password;
use crate::out::source;
use crate::rows;
use crate::sim::{MINUTE, Sim};
use crate::world::Code;

impl Group {
    /// One act of the scheme.
    pub(super) fn at_desk(&mut self, sim: &mut Sim, s: &Session, ts: i64) {
        let place = sim.org.outlets[sim.org.staff[s.staff].outlet].place;
        let person = sim.customer(place, &mut self.rng);
        let id = sim.people.id(person);
        self.truth.at(ts);
        match self.spec.code {
            Code::A01 => self.look(sim, s, ts, &id, "address;id_number;phone"),
            Code::A02 => {
                // One number after the other of one segment, seconds apart.
                let first = sim.people.phone(person);
                let begin = s.to - 30 * MINUTE + i64::from(self.done % 400) * 3 * SECOND;
                let number = format!("{}{:04}", &first[..7], self.done % 10_000);
                let number = self
                    .truth
                    .others
                    .iter()
                    .next()
                    .map_or(number.clone(), |segment| format!("{segment}{:04}", self.done % 10_000));
                self.truth.others.insert(number[..7].to_owned());
                self.look(sim, s, begin, &number, "address;id_number;phone");
            }
            Code::A03 => {
                let what = *self.rng.pick(&["location_track", "call_detail;phone"]);
                self.look(sim, s, ts, &id, what);
            }
            Code::A04 => {
                let all =
                    sim.org.outlets.iter().filter(|o| o.place == place).flat_map(|o| o.staff.iter().copied());
                let others: Vec<usize> = all.filter(|n| *n != s.staff).collect();
                let id = if others.is_empty() {
                    id
                } else {
                    sim.people.id(sim.org.staff[*self.rng.pick(&others)].holder)
                };
                self.look(sim, s, ts, &id, "account;call_detail;phone");
            }
            Code::A06 => {
                let phone = sim.people.phone(person);
                self.look(sim, s, ts, &id, "account;phone");
                write_password(sim, s, ts + 3 * MINUTE, &phone, "");
                let later = (ts + self.rng.range(5, 60) * MINUTE).min(s.to);
                self.look(sim, s, later, &id, "call_detail;phone");
            }
            _ => {
                // The auditor changes what he should only look at.
                self.look(sim, s, ts, &id, "account;phone");
                let card = sim.old_card(person);
                let account = sim.org.staff[s.staff].account.clone();
                let change = *self.rng.pick(&["restore", "restore", "suspend", "transfer"]);
                sim.write_card_change(ts + 4 * MINUTE, card, change, &account, "", "");
                self.truth.cards.insert(card.iccid());
            }
        }
    }

    fn look(&mut self, sim: &mut Sim, s: &Session, ts: i64, subject: &str, categories: &str) {
        look_up_id(sim, s, ts, subject, "", "", categories, &mut self.rng);
        self.truth.subjects.insert(subject.to_owned());
    }

    /// An account that has slept for months reads at night from a device nobody knows.
    pub(super) fn dormant(&mut self, sim: &mut Sim, day: i64, n: i64) {
        let place = sim.org.outlets[sim.org.staff[self.staff].outlet].place;
        let from = clock(day, self.rng.range(20 * 60, 21 * 60));
        let ip = format!("198.19.{}.7", 3 + self.no);
        let s = self.sign_in(sim, self.staff, self.device, place, &ip, from, from + 2 * HOUR);
        self.truth.devices.insert(sim.org.devices[self.device].clone());
        for i in 0..n {
            let ts = from + (2 + i * 7) * MINUTE;
            let row = rows::Access {
                account: (&sim.org.staff[self.staff].account).into(),
                device: (&sim.org.devices[self.device]).into(),
                session: (&s.id).into(),
                ip: (&s.ip).into(),
                app: "db-console".into(),
                action: "export".into(),
                rows: self.rng.range(4_000, 60_000).into(),
                object: "db.subscriber".into(),
                result: "ok".into(),
                categories: "address;id_number;phone".into(),
                ..Default::default()
            };
            sim.out.put(ts, &source::CRM, &row);
            self.truth.at(ts);
        }
    }
}
