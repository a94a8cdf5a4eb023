//! Small planted groups, one for each scheme of the catalogue that rings and leakers do not show.
//!
//! A group is an account (sometimes two) that does one wrong thing for some weeks among its honest work,
//! and the cards, devices and persons that it touches. It acts in the account's own sessions where the
//! scheme leaves it at its counter, and in sessions of its own where it does not.
//!
//! Blind to: add-ons smuggled into an order (G03), because no record holds them.

mod cards;
mod channel;
mod desk;

use suyuan_model::time::{self, SECOND};

use crate::counter::{Detail, Done, open_at_counter};
use crate::day::{Session, Shifts};
use crate::error::SimError;
use crate::org::{Role, midnight};
use crate::out::source;
use crate::people::{Class, PersonId};
use crate::ring::squeezed;
use crate::rng::{Rng, label};
use crate::rows::{self, Val, degrees};
use crate::sim::{MINUTE, Sim};
use crate::truth::GroupTruth;
use crate::world::{Code, Scheme};

/// A group of the world being made.
pub struct Group {
    spec: Scheme,
    /// Number of the group in its world.
    no: u32,
    staff: usize,
    /// A second account, where the scheme has one.
    second: usize,
    /// A device on no list, where the scheme has one.
    device: usize,
    from: i64,
    until: i64,
    left: i64,
    done: u32,
    /// Persons whose turn comes on a later day.
    again: Vec<(i64, PersonId)>,
    rng: Rng,
    truth: GroupTruth,
}

/// Chooses the accounts.
pub fn plan_all(sim: &mut Sim) -> Result<Vec<Group>, SimError> {
    let world = sim.world;
    let mut groups = Vec::new();
    for (no, spec) in world.scheme.iter().enumerate() {
        let mut rng = Rng::stream(sim.seed, "scheme", label(&spec.id));
        let staff = choose(sim, spec, &mut rng).ok_or_else(|| SimError::Value {
            world: world.name.clone(),
            field: format!("scheme.{}", spec.id),
            fault: "has no account left to use; give the size more outlets and staff".to_owned(),
        })?;
        let two = matches!(spec.code, Code::R04 | Code::R05);
        let second = if two { choose(sim, spec, &mut rng).unwrap_or(staff) } else { staff };
        let from = sim.start + squeezed(sim, spec.from);
        let until = (from + squeezed(sim, spec.days).max(14)).min(sim.end);
        let mut truth =
            GroupTruth { id: spec.id.clone(), schemes: vec![spec.code.name()], ..GroupTruth::default() };
        for s in [staff, second] {
            truth.accounts.insert(sim.org.staff[s].account.clone());
        }
        let device = sim.org.device();
        groups.push(Group {
            spec: spec.clone(),
            no: no as u32,
            staff,
            second,
            device,
            from,
            until,
            left: spec.n,
            done: 0,
            again: Vec::new(),
            rng,
            truth,
        });
    }
    Ok(groups)
}

/// The account of a group: an agent's for what is done at an outlet, an office's for look-ups.
fn choose(sim: &mut Sim, spec: &Scheme, rng: &mut Rng) -> Option<usize> {
    let (start, region) = (sim.start, spec.region.as_str());
    let mut take = |sim: &mut Sim, roles: &[Role]| sim.org.take_staff(&sim.people, region, roles, start, rng);
    match spec.code {
        Code::A01 | Code::A03 | Code::A04 => take(sim, &[Role::Clerk, Role::Hotline]),
        Code::A02 => take(sim, &[Role::BackOffice]),
        Code::A06 => take(sim, &[Role::Clerk]),
        Code::A08 => take(sim, &[Role::Engineer]),
        Code::A09 => take(sim, &[Role::Auditor]),
        Code::R02 => sim.org.ghost.or_else(|| take(sim, &[Role::Agent])),
        _ => take(sim, &[Role::Agent]).or_else(|| take(sim, &[Role::Clerk])),
    }
}

/// One day of all groups.
pub fn day(sim: &mut Sim, groups: &mut [Group], day: i64, shifts: &Shifts) {
    for g in groups {
        if (g.from..g.until).contains(&day) && g.left > 0 {
            g.day(sim, day, shifts);
        }
        g.due(sim, day, shifts);
    }
}

/// Hands the truth over.
pub fn finish(sim: &mut Sim, groups: Vec<Group>) {
    for mut g in groups {
        let staff = &sim.org.staff[g.staff];
        if !g.truth.cards.is_empty() {
            for s in [g.staff, g.second] {
                let o = &sim.org.outlets[sim.org.staff[s].outlet];
                g.truth.outlets.insert(o.id.clone());
                g.truth.agents.extend(o.agent.clone());
            }
        } else if g.truth.first.is_empty() {
            // Never at work in its weeks: nothing was planted.
            continue;
        }
        debug_assert!(g.truth.accounts.contains(&staff.account), "a group names its account");
        sim.truth.groups.push(g.truth);
    }
}

impl Group {
    fn day(&mut self, sim: &mut Sim, day: i64, shifts: &Shifts) {
        match self.spec.code {
            Code::S13 | Code::A08 | Code::R02 | Code::R03 | Code::R04 => {
                // In sessions of its own, whoever is at work.
                let n = self.today(day);
                if n > 0 {
                    self.apart(sim, day, n);
                }
                return;
            }
            _ => {}
        }
        let Some(s) = own(shifts, self.staff).cloned() else { return };
        let n = self.today(day).min((s.to - s.from) / (6 * MINUTE));
        for i in 0..n {
            let span = (s.to - s.from - 20 * MINUTE) / n;
            let ts = s.from + 12 * MINUTE + i * span + self.rng.range(0, (span / 2).max(1));
            match self.spec.code {
                Code::A01 | Code::A02 | Code::A03 | Code::A04 | Code::A06 | Code::A09 => {
                    self.at_desk(sim, &s, ts)
                }
                Code::R05 | Code::R06 => self.in_channel(sim, &s, ts, day),
                _ => self.at_counter(sim, &s, ts, day),
            }
            self.left -= 1;
            self.done += 1;
        }
    }

    fn apart(&mut self, sim: &mut Sim, day: i64, n: i64) {
        match self.spec.code {
            Code::S13 => self.at_night(sim, day, n),
            Code::A08 => self.dormant(sim, day, n),
            _ => self.elsewhere(sim, day, n),
        }
        self.left -= n;
        self.done += n as u32;
    }

    /// What was put off to this day.
    fn due(&mut self, sim: &mut Sim, day: i64, shifts: &Shifts) {
        if self.again.is_empty() {
            return;
        }
        let Some(s) = own(shifts, self.second).cloned() else { return };
        let (now, later): (Vec<_>, Vec<_>) = self.again.drain(..).partition(|(d, _)| *d <= day);
        self.again = later;
        for (n, (_, person)) in now.into_iter().enumerate() {
            let ts = s.from + (20 + 9 * n as i64) * MINUTE;
            if ts < s.to {
                let d = Detail { habit: Some(crate::habit::Habit::Idle), ..Detail::default() };
                self.open(sim, &s, ts, person, d);
            }
        }
    }

    /// How many acts fall on this day.
    fn today(&mut self, day: i64) -> i64 {
        let rest = self.until - day;
        let n = match self.spec.code {
            // In bursts: whole days of work, then nothing for a while.
            Code::S07 | Code::S14 | Code::S18 | Code::S20 | Code::G01 | Code::A02 | Code::S15 | Code::S21 => {
                let bursts = (rest / 5).max(1);
                if (day - self.from) % 5 == 1 || rest <= 2 { (self.left + bursts - 1) / bursts } else { 0 }
            }
            _ => {
                let days = (rest as f64 * 0.65).max(1.0);
                self.rng.poisson(self.left as f64 / days) as i64
            }
        };
        n.min(self.left)
    }

    fn person(&mut self, class: Class, home: usize) -> PersonId {
        let base = 1_800_000_000 + u64::from(self.no) * 10_000;
        PersonId::new(home, class, base + u64::from(self.done))
    }

    /// Opens a card in the session; the truth keeps it.
    fn open(&mut self, sim: &mut Sim, s: &Session, ts: i64, person: PersonId, d: Detail) -> Done {
        let outlet = sim.org.staff[s.staff].outlet;
        let card = sim.stock.take(outlet, time::china_day(ts), &sim.org, &sim.people, &mut sim.out);
        let captured = if d.captured == 0 { ts - self.rng.range(30, 140) * SECOND } else { d.captured };
        let duration = if d.duration == 0 { self.rng.range(120, 500) } else { d.duration };
        let d = Detail {
            captured,
            duration,
            read: if d.read.is_empty() { "reader" } else { d.read },
            channel: if d.channel.is_empty() { "counter" } else { d.channel },
            planted: true,
            ..d
        };
        let id = if d.id.is_empty() { sim.people.id(person) } else { d.id.to_owned() };
        let done = open_at_counter(sim, ts, s, person, outlet, card, d, &mut self.rng);
        self.truth.cards.insert(card.iccid());
        self.truth.subjects.insert(id);
        self.truth.at(ts);
        done
    }

    /// A login of the group's own and its session.
    #[expect(clippy::too_many_arguments, reason = "one place where a group's login is written")]
    fn sign_in(
        &mut self,
        sim: &mut Sim,
        staff: usize,
        device: usize,
        place: usize,
        ip: &str,
        from: i64,
        to: i64,
    ) -> Session {
        let id = sim.session(from);
        let home = &sim.people.homes[place];
        let row = rows::Login {
            account: (&sim.org.staff[staff].account).into(),
            device: (&sim.org.devices[device]).into(),
            session: (&id).into(),
            ip: ip.into(),
            lat: degrees(home.lat + self.rng.range(-9_000, 9_000)),
            lon: degrees(home.lon + self.rng.range(-9_000, 9_000)),
            region6: (&home.region).into(),
            result: "ok".into(),
            until: Val::Time(to.div_euclid(SECOND) * SECOND),
        };
        sim.out.put(from, &source::SSO, &row);
        self.truth.at(from);
        Session { staff, device, id, from, to, ip: ip.to_owned(), remote: false }
    }
}

fn own(shifts: &Shifts, staff: usize) -> Option<&Session> {
    shifts.all.get(shifts.first[staff]).filter(|s| s.to - s.from > 60 * MINUTE)
}

fn clock(day: i64, minutes: i64) -> i64 {
    midnight(day) + minutes * MINUTE
}
