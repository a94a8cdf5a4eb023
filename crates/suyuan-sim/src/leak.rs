//! Insiders who leak or misuse what they look up.

use suyuan_model::time::{self, DAY, HOUR, SECOND};

use crate::day::{Session, Shifts, look_up_id};
use crate::harm::write_victim;
use crate::lookalike::write_password;
use crate::org::{Role, midnight};
use crate::out::source;
use crate::ring::squeezed;
use crate::rng::{Rng, label};
use crate::rows;
use crate::sim::{MINUTE, Sim};
use crate::truth::{GroupTruth, LeakerTruth};
use crate::world::{Leaker, LeakerKind};

/// A leaker of the world being made.
pub struct Leak {
    spec: Leaker,
    staff: usize,
    from: i64,
    until: i64,
    left: i64,
    rng: Rng,
    truth: LeakerTruth,
    acts: GroupTruth,
}

/// Chooses the accounts.
pub fn plan_all(sim: &mut Sim) -> Vec<Leak> {
    let world = sim.world;
    let mut leaks = Vec::new();
    for spec in &world.leaker {
        let roles: &[Role] = match spec.kind {
            LeakerKind::Lookup => &[Role::Clerk, Role::Hotline],
            LeakerKind::Export => &[Role::BackOffice],
            LeakerKind::SimSwap => &[Role::Clerk],
        };
        let mut rng = Rng::stream(sim.seed, "leak", label(&spec.id));
        let taken = sim.org.take_staff(&sim.people, &spec.region, roles, sim.start, &mut rng);
        let Some(staff) = taken else { continue };
        let from = sim.start + squeezed(sim, spec.from);
        let until = (from + squeezed(sim, spec.days).max(14)).min(sim.end);
        let least = 8.0_f64.min(spec.persons as f64);
        let left = (spec.persons as f64 * sim.volume.scale).max(least) as i64;
        leaks.push(Leak {
            spec: spec.clone(),
            staff,
            from,
            until,
            left,
            rng,
            acts: GroupTruth::default(),
            truth: LeakerTruth {
                id: spec.id.clone(),
                kind: format!("{:?}", spec.kind),
                account: sim.org.staff[staff].account.clone(),
                window: [time::format_day(from), time::format_day(until - 1)],
                ..LeakerTruth::default()
            },
        });
    }
    leaks
}

/// One day of all leakers.
pub fn day(sim: &mut Sim, leaks: &mut [Leak], day: i64, shifts: &Shifts) {
    for leak in leaks {
        let session = shifts.all.get(shifts.first[leak.staff]);
        let Some(session) =
            session.filter(|s| (leak.from..leak.until).contains(&day) && s.to - s.from > HOUR)
        else {
            continue;
        };
        // About five of seven days are worked; a batch comes once in six.
        let days = ((leak.until - day) as f64 * 0.66).max(1.0);
        match leak.spec.kind {
            LeakerKind::Lookup => {
                for _ in 0..leak.rng.poisson(leak.left as f64 / days).min(leak.left as u64) {
                    let ts = leak.rng.range(session.from, session.to);
                    leak.look_up(sim, session, ts);
                }
            }
            LeakerKind::Export if leak.rng.chance(1.0 / 6.0) || leak.until - day < 3 => {
                let n = ((leak.left as f64 * 6.0 / days) as i64).clamp(1, leak.left.max(1));
                leak.export(sim, session, n.min(leak.left));
            }
            LeakerKind::Export => {}
            LeakerKind::SimSwap => {
                if leak.left > 0 && leak.rng.chance(leak.left as f64 / days) {
                    leak.swap(sim, session);
                }
            }
        }
    }
}

/// Hands the truth over.
pub fn finish(sim: &mut Sim, leaks: Vec<Leak>) {
    for leak in leaks {
        let mut group = leak.acts;
        group.id.clone_from(&leak.truth.id);
        group.schemes = leak.spec.kind.schemes().to_vec();
        group.accounts.insert(leak.truth.account.clone());
        group.cards.extend(leak.truth.cards.iter().cloned());
        group.subjects.extend(leak.truth.persons.iter().cloned());
        sim.truth.groups.push(group);
        sim.truth.leakers.push(leak.truth);
    }
}

impl Leak {
    fn person(&mut self, sim: &Sim) -> crate::people::PersonId {
        let staff = &sim.org.staff[self.staff];
        let mut place = sim.org.outlets[staff.outlet].place;
        if matches!(staff.role, Role::Hotline | Role::BackOffice) {
            place = self.rng.index(sim.world.place.len());
        }
        self.left -= 1;
        sim.customer(place, &mut self.rng)
    }

    fn look_up(&mut self, sim: &mut Sim, session: &Session, ts: i64) {
        let person = self.person(sim);
        let id = sim.people.id(person);
        look_up_id(sim, session, ts, &id, "", "", "address;id_number;phone", &mut self.rng);
        self.harm(sim, ts, id);
    }

    fn harm(&mut self, sim: &mut Sim, ts: i64, id: String) {
        self.acts.at(ts);
        if self.rng.chance(self.spec.harmed) {
            let days = 0.5 + self.rng.exponential(self.spec.delay_days);
            let at = ts + (days * DAY as f64) as i64;
            let at = midnight(time::china_day(at)) + self.rng.range(9 * 60, 21 * 60) * MINUTE;
            if time::china_day(at) < sim.end && at > ts {
                write_victim(sim, at, &id, &mut self.rng);
                self.truth.victims.push(id.clone());
            }
        }
        self.truth.persons.push(id);
    }

    fn export(&mut self, sim: &mut Sim, session: &Session, n: i64) {
        let ts = session.to - self.rng.range(5, 40) * MINUTE;
        let ip = session.ip.clone();
        for i in 0..n {
            let person = self.person(sim);
            let id = sim.people.id(person);
            let at = ts + i * SECOND;
            sim.out.put(
                at,
                &source::CRM,
                &rows::Access {
                    account: (&sim.org.staff[self.staff].account).into(),
                    device: (&sim.org.devices[session.device]).into(),
                    session: (&session.id).into(),
                    ip: (&ip).into(),
                    app: "report-centre".into(),
                    action: "export".into(),
                    subject: (&id).into(),
                    object: "customer_detail".into(),
                    result: "ok".into(),
                    categories: "address;id_number;phone".into(),
                    ..Default::default()
                },
            );
            self.harm(sim, at, id);
        }
    }

    /// Look-up, service password, replacement, and the account is emptied.
    fn swap(&mut self, sim: &mut Sim, session: &Session) {
        let person = self.person(sim);
        let id = sim.people.id(person);
        let ts = self.rng.range(session.from, session.to - HOUR / 2);
        look_up_id(sim, session, ts, &id, "", "", "account;id_number", &mut self.rng);
        let phone = sim.people.phone(person);
        write_password(sim, session, ts + self.rng.range(2, 9) * MINUTE, &phone, "");
        let card = sim.old_card(person);
        let account = sim.org.staff[self.staff].account.clone();
        sim.write_card_change(ts + self.rng.range(10, 20) * MINUTE, card, "replace", &account, "补换卡", "");
        self.truth.cards.push(card.iccid());
        self.harm(sim, ts + 20 * MINUTE, id);
    }
}
