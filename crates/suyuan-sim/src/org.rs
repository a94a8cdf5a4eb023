//! The carrier: outlets, agents, staff with shifts and supervisors, devices.

use suyuan_model::time::{self, DAY};

use crate::out::Out;
use crate::people::{Class, People, PersonId};
use crate::rng::{Rng, label, mix2};
use crate::world::{Code, RingKind, Volume, World};

/// What an outlet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutletKind {
    /// The carrier's own hall, the busiest of its place.
    Flagship,
    /// The carrier's own counter.
    Hall,
    /// Run by an agent company.
    Agent,
    /// Hotline and back office: no counter, no openings.
    Office,
}

/// An outlet.
pub struct Outlet {
    /// Its id.
    pub id: String,
    /// Index of its place.
    pub place: usize,
    /// What it is.
    pub kind: OutletKind,
    /// The agent company.
    pub agent: Option<String>,
    /// Micro-degrees.
    pub lat: i64,
    /// Micro-degrees.
    pub lon: i64,
    /// Minutes of the day.
    pub open: i64,
    /// Minutes of the day.
    pub close: i64,
    /// Share of the openings, relative.
    pub weight: f64,
    /// Factor of the fraud rate of its cards.
    pub risk: f64,
    /// Indices of its staff.
    pub staff: Vec<usize>,
    /// Indices of its counters.
    pub counters: Vec<usize>,
    /// Intranet address, without the last part.
    pub net: String,
    /// Taken by a ring or a leaker of the world.
    pub taken: bool,
    /// Days on which the line is down come from this number.
    pub offline: bool,
}

/// What a member of staff does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// At the counter.
    Clerk,
    /// Agent who holds the contract of the outlet.
    Agent,
    /// Leads the staff of a few outlets.
    Supervisor,
    /// Hotline.
    Hotline,
    /// Reports, exports under an order.
    BackOffice,
    /// Answers lawful requests.
    Liaison,
    /// A machine's account.
    Kiosk,
    /// Reviews what others did.
    Auditor,
    /// Keeps the systems running; logs in when called at night.
    Engineer,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Clerk => "clerk",
            Role::Agent => "agent",
            Role::Supervisor => "supervisor",
            Role::Hotline => "hotline",
            Role::BackOffice => "back_office",
            Role::Liaison => "police_liaison",
            Role::Kiosk => "kiosk",
            Role::Auditor => "auditor",
            Role::Engineer => "engineer",
        }
    }
}

/// An account and who holds it.
pub struct Staff {
    /// The account.
    pub account: String,
    /// The person.
    pub holder: PersonId,
    /// What he or she does.
    pub role: Role,
    /// Index of the outlet.
    pub outlet: usize,
    /// First and last day of the week, 1 Monday.
    pub days: (i64, i64),
    /// Minutes of the day.
    pub from: i64,
    /// Minutes of the day.
    pub to: i64,
    /// Index of the supervisor.
    pub supervisor: Option<usize>,
    /// First day of work.
    pub joined: i64,
    /// First day no longer at work.
    pub left: i64,
    /// Works in the evening through an egress elsewhere.
    pub vpn: bool,
    /// The own device, where there is one.
    pub device: usize,
    /// Taken by a leaker or ring.
    pub taken: bool,
}

impl Staff {
    /// Whether at work on that day.
    pub fn on_duty(&self, day: i64) -> bool {
        let weekday = weekday(day);
        (self.days.0..=self.days.1).contains(&weekday) && (self.joined..self.left).contains(&day)
    }
    pub(crate) fn shift(&self) -> String {
        if self.days == (0, 0) {
            return String::new();
        }
        let hours = format!("{}-{}", clock(self.from), clock(self.to));
        if self.days == (1, 7) { hours } else { format!("{}-{} {hours}", self.days.0, self.days.1) }
    }
}

/// Day of the week, 1 Monday to 7 Sunday.
pub fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7) + 1
}

pub(crate) fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Midnight in China of a day number.
pub fn midnight(day: i64) -> i64 {
    day * DAY - time::CHINA
}

/// The carrier.
pub struct Org {
    /// Outlets.
    pub outlets: Vec<Outlet>,
    /// Staff.
    pub staff: Vec<Staff>,
    /// Device ids.
    pub devices: Vec<String>,
    /// Kiosk accounts.
    pub kiosks: Vec<usize>,
    /// Members of staff with a van, and their device.
    pub vans: Vec<usize>,
    /// Devices on loan while a counter is repaired: outlet, counter, loan, from, until.
    pub loans: Vec<(usize, usize, usize, i64, i64)>,
    /// Devices registered late: device, first use, registered.
    pub late_devices: Vec<(usize, i64, i64)>,
    /// The agent of an outlet that nobody has visited, where a scheme wants one.
    pub ghost: Option<usize>,
    /// Outlets that use a terminal of their chain.
    pub chains: Vec<usize>,
    /// Staff who often help without a ticket.
    pub unticketed: Vec<usize>,
    key: u64,
}

/// Letters of a province in accounts.
pub fn province_letters(code: &str) -> &'static str {
    match &code[..2] {
        "31" => "SH",
        "32" => "JS",
        "33" => "ZJ",
        "34" => "AH",
        "35" => "FJ",
        "36" => "JX",
        "44" => "GD",
        _ => "CN",
    }
}

/// The carrier's warehouse of a province.
pub fn carrier(code: &str) -> String {
    format!("CARRIER-{}", province_letters(code))
}

impl Org {
    /// Builds the carrier and writes who and where.
    pub fn build(world: &World, volume: &Volume, seed: u64, people: &People, out: &mut Out) -> Org {
        let mut rng = Rng::stream(seed, "org", 0);
        let mut org = Org {
            outlets: Vec::new(),
            staff: Vec::new(),
            devices: Vec::new(),
            kiosks: Vec::new(),
            vans: Vec::new(),
            late_devices: Vec::new(),
            loans: Vec::new(),
            ghost: None,
            chains: Vec::new(),
            unticketed: Vec::new(),
            key: mix2(seed, label("devices")),
        };
        org.build_outlets(world, volume, people, &mut rng);
        org.build_staff(world, volume, people, &mut rng);
        org.build_extras(world, volume, &mut rng);
        org.write(world, people, &mut rng, out);
        org
    }

    /// A new device's index.
    pub fn device(&mut self) -> usize {
        let n = self.devices.len() as u64;
        self.devices.push(format!("dev-{:012x}", mix2(self.key, n) >> 16));
        self.devices.len() - 1
    }

    fn build_outlets(&mut self, world: &World, volume: &Volume, people: &People, rng: &mut Rng) {
        let counts = share_out(volume.outlets, &world.place.iter().map(|p| p.weight).collect::<Vec<_>>());
        let mut agents = 0;
        for (place, count) in counts.into_iter().enumerate() {
            let code = &world.place[place].region;
            let agents_needed = agents_needed(world, code);
            for n in 0..count.max(agents_needed + 1) {
                let kind = match n {
                    0 if world.place[place].weight >= 4.0 => OutletKind::Flagship,
                    0 => OutletKind::Hall,
                    n if n <= agents_needed || rng.chance(0.6) => OutletKind::Agent,
                    _ => OutletKind::Hall,
                };
                let agent = (kind == OutletKind::Agent).then(|| {
                    if n <= agents_needed || agents == 0 || rng.chance(0.6) {
                        agents += 1;
                    }
                    format!("AG-{}-{agents:04}", &code[..2])
                });
                let home = &people.homes[place];
                let spread = 60_000;
                let (open, close) =
                    *rng.pick(&[(510, 1080), (540, 1080), (540, 1200), (540, 1260), (480, 1140)]);
                let index = self.outlets.len();
                self.outlets.push(Outlet {
                    id: format!("OUT-{code}-{:03}", n + 1),
                    place,
                    kind,
                    agent,
                    lat: home.lat + rng.range(-spread, spread),
                    lon: home.lon + rng.range(-spread, spread),
                    open,
                    close: if kind == OutletKind::Flagship { 1260 } else { close },
                    weight: match kind {
                        OutletKind::Flagship => 9.0,
                        OutletKind::Hall => 2.5,
                        _ => 1.0,
                    } * rng.log_normal(0.3),
                    risk: rng.log_normal(world.background.outlet_risk_sd),
                    staff: Vec::new(),
                    counters: Vec::new(),
                    net: format!("10.{}.{}", 16 + index / 250, index % 250 + 1),
                    taken: false,
                    offline: false,
                });
            }
        }
        let provinces: std::collections::BTreeSet<&str> =
            world.place.iter().map(|p| &p.region[..2]).collect();
        for province in provinces {
            let place =
                world.place.iter().position(|p| &p.region[..2] == province).expect("taken from there");
            let home = &people.homes[place];
            let index = self.outlets.len();
            self.outlets.push(Outlet {
                id: format!("OFFICE-{}", province_letters(&home.region)),
                place,
                kind: OutletKind::Office,
                agent: None,
                lat: home.lat,
                lon: home.lon,
                open: 0,
                close: 1439,
                weight: 0.0,
                risk: 1.0,
                staff: Vec::new(),
                counters: Vec::new(),
                net: format!("10.{}.{}", 16 + index / 250, index % 250 + 1),
                taken: false,
                offline: false,
            });
        }
    }

    fn build_staff(&mut self, world: &World, volume: &Volume, people: &People, rng: &mut Rng) {
        let start = world.start_day();
        let end = start + volume.days;
        let mut numbers = vec![0; world.place.len()];
        for n in &mut numbers {
            *n = rng.range(101, 380);
        }
        let mut supervisor: Option<(usize, usize)> = None;
        for outlet in 0..self.outlets.len() {
            let (kind, place) = (self.outlets[outlet].kind, self.outlets[outlet].place);
            let code = people.homes[place].region.clone();
            let roles: Vec<Role> = match kind {
                OutletKind::Flagship => vec![Role::Clerk; 9],
                OutletKind::Hall => vec![Role::Clerk; rng.range(3, 4) as usize],
                OutletKind::Agent if rng.chance(0.4) => vec![Role::Agent, Role::Clerk],
                OutletKind::Agent => vec![Role::Agent],
                OutletKind::Office => {
                    let offices = self.outlets.iter().filter(|o| o.kind == OutletKind::Office).count();
                    let at_outlets = self.staff.len();
                    let left = volume.staff.saturating_sub(at_outlets) / offices;
                    let mut roles = vec![Role::Liaison, Role::BackOffice, Role::BackOffice, Role::Supervisor];
                    roles.extend([Role::Auditor, Role::Engineer, Role::Engineer]);
                    roles.extend(vec![Role::Hotline; left.saturating_sub(7).max(3)]);
                    roles
                }
            };
            if kind != OutletKind::Office
                && supervisor.is_none_or(|(p, n)| p != place || n >= 8)
                && kind != OutletKind::Agent
            {
                let index = self.hire(outlet, Role::Supervisor, &code, &mut numbers[place], None, start, rng);
                supervisor = Some((place, 0));
                self.staff[index].days = (1, 5);
            }
            for role in roles {
                let above = self
                    .staff
                    .iter()
                    .rposition(|s| s.role == Role::Supervisor && self.outlets[s.outlet].place == place);
                let index = self.hire(outlet, role, &code, &mut numbers[place], above, start, rng);
                if rng.chance(0.04) && !matches!(role, Role::Agent | Role::Engineer) {
                    self.staff[index].joined = start + rng.range(20, volume.days - 5);
                } else if rng.chance(0.04) && role == Role::Clerk {
                    self.staff[index].left = start + rng.range(20, volume.days - 5);
                }
                self.staff[index].left = self.staff[index].left.min(end + 3650);
            }
            if let Some((_, n)) = &mut supervisor {
                *n += 1;
            }
            let counters = match kind {
                OutletKind::Flagship => 4,
                OutletKind::Hall => 2,
                OutletKind::Agent => 1,
                OutletKind::Office => 0,
            };
            for _ in 0..counters {
                let device = self.device();
                self.outlets[outlet].counters.push(device);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one place where an account is made")]
    fn hire(
        &mut self,
        outlet: usize,
        role: Role,
        code: &str,
        number: &mut i64,
        supervisor: Option<usize>,
        start: i64,
        rng: &mut Rng,
    ) -> usize {
        *number += rng.range(1, 3);
        let account = format!("{}{code}-{:04}", province_letters(code), *number);
        let o = &self.outlets[outlet];
        let (days, from, to) = match role {
            Role::Agent => ((1, 7), o.open, o.close),
            Role::Clerk if o.close - o.open > 660 => {
                // Two shifts: the second takes over the counter of the first.
                let half = (o.open + o.close) / 2;
                let days = *rng.pick(&[(1, 6), (2, 7), (1, 7)]);
                if o.staff.len().is_multiple_of(2) {
                    (days, o.open, half + 10)
                } else {
                    (days, half, o.close)
                }
            }
            Role::Clerk => (*rng.pick(&[(1, 5), (2, 6), (3, 7), (1, 6), (2, 7)]), o.open, o.close),
            Role::Hotline => {
                let (from, to) = *rng.pick(&[(480, 960), (540, 1020), (840, 1320)]);
                (*rng.pick(&[(1, 5), (2, 6), (3, 7)]), from, to)
            }
            Role::Kiosk => ((1, 7), o.open, o.close),
            Role::Engineer => ((0, 0), 0, 0), // when called
            _ => ((1, 5), 540, 1080),
        };
        let own_device = !matches!(role, Role::Clerk | Role::Agent | Role::Kiosk);
        let place = o.place;
        let device = if own_device || role == Role::Kiosk { self.device() } else { usize::MAX };
        let index = self.staff.len();
        self.staff.push(Staff {
            account,
            holder: PersonId::new(place, Class::Employee, *number as u64),
            role,
            outlet,
            days,
            from,
            to,
            supervisor,
            joined: start - rng.range(60, 1500),
            left: i64::MAX / 2,
            vpn: false,
            device,
            taken: false,
        });
        self.outlets[outlet].staff.push(index);
        index
    }

    fn build_extras(&mut self, world: &World, volume: &Volume, rng: &mut Rng) {
        let look = &world.lookalikes;
        let start = world.start_day();
        let grown = |n: usize| (n as f64 * volume.outlets as f64 / 100.0 + 0.7) as usize;
        for index in 0..self.staff.len() {
            let s = &self.staff[index];
            let office = matches!(s.role, Role::BackOffice | Role::Supervisor | Role::Liaison);
            if (office || s.role == Role::Clerk) && rng.chance(look.vpn) {
                self.staff[index].vpn = true;
                if self.staff[index].device == usize::MAX {
                    self.staff[index].device = self.device();
                }
            }
        }
        if world.scheme.iter().any(|s| s.code == Code::R02) {
            // Behind those that rings choose, which are the first of their place.
            let agents = |s: &&usize| self.staff[**s].role == Role::Agent && !self.staff[**s].taken;
            let all: Vec<usize> = (0..self.staff.len()).collect();
            self.ghost = all.iter().rfind(agents).copied();
            if let Some(agent) = self.ghost {
                self.staff[agent].taken = true;
                let outlet = self.staff[agent].outlet;
                self.outlets[outlet].taken = true;
            }
        }
        for index in 0..self.staff.len() {
            if matches!(self.staff[index].role, Role::Clerk | Role::Hotline) && rng.chance(look.unticketed) {
                self.unticketed.push(index);
            }
        }
        let shared: Vec<(usize, usize)> = self.neighbours_of_one_agent();
        for (n, (a, b)) in shared.into_iter().enumerate() {
            if n < grown(1) * look.chains as usize && !self.outlets[a].taken && !self.outlets[b].taken {
                let counter = self.outlets[a].counters[0];
                self.outlets[b].counters.push(counter);
                self.chains.push(b);
            }
        }
        let flagships: Vec<usize> = (0..self.outlets.len())
            .filter(|o| matches!(self.outlets[*o].kind, OutletKind::Flagship | OutletKind::Hall))
            .collect();
        for n in 0..grown(look.kiosks) {
            let outlet = flagships[n % flagships.len()];
            let code = self.outlets[outlet].id[4..10].to_owned();
            let mut number = 9000 + n as i64;
            let index = self.hire(outlet, Role::Kiosk, &code, &mut number, None, start, rng);
            self.staff[index].joined = start - 90;
            self.kiosks.push(index);
        }
        let halls: Vec<usize> =
            (0..self.outlets.len()).filter(|o| self.outlets[*o].kind == OutletKind::Hall).collect();
        for n in 0..grown(look.vans) {
            if halls.is_empty() {
                break;
            }
            let outlet = halls[(n * 3 + 1) % halls.len()];
            let staff = self.outlets[outlet].staff.iter().copied();
            if let Some(index) = staff.rev().find(|s| self.staff[*s].role == Role::Clerk) {
                if self.staff[index].device == usize::MAX {
                    self.staff[index].device = self.device();
                }
                self.vans.push(index);
            }
        }
        let counters: Vec<usize> = self.outlets.iter().flat_map(|o| o.counters.iter().copied()).collect();
        for outlet in 0..self.outlets.len() {
            let agent = self.outlets[outlet].kind == OutletKind::Agent;
            self.outlets[outlet].offline = agent && rng.chance(0.1);
        }
        let months = volume.days as f64 / 30.0 * volume.outlets as f64 / 100.0;
        for _ in 0..rng.poisson(look.loan_devices * months) {
            let outlet = rng.index(self.outlets.len());
            if let Some(counter) = self.outlets[outlet].counters.first().copied() {
                let (from, loan) = (start + rng.range(3, volume.days - 8), self.device());
                self.loans.push((outlet, counter, loan, from, from + rng.range(2, 7)));
            }
        }
        for device in counters {
            if rng.chance(look.late_terminals) {
                let used = start + rng.range(10, volume.days - 10);
                self.late_devices.push((device, used, used + rng.range(3, 12)));
            }
        }
    }

    /// Pairs of outlets of one agent at one place.
    fn neighbours_of_one_agent(&self) -> Vec<(usize, usize)> {
        let agents = |o: &&usize| self.outlets[**o].agent.is_some();
        let all: Vec<usize> = (0..self.outlets.len()).collect();
        let all: Vec<usize> = all.iter().filter(agents).copied().collect();
        let same = |p: &&[usize]| {
            let (a, b) = (&self.outlets[p[0]], &self.outlets[p[1]]);
            a.agent == b.agent && a.place == b.place
        };
        all.windows(2).filter(same).map(|p| (p[0], p[1])).step_by(2).collect()
    }

    /// The device that stands at a counter on a day: its own, or one on loan.
    pub fn standing(&self, counter: usize, day: i64) -> usize {
        let loan = self.loans.iter().find(|(_, c, _, from, to)| *c == counter && (*from..*to).contains(&day));
        loan.map_or(counter, |(_, _, loan, ..)| *loan)
    }

    /// Whether a device is there yet; before, its outlet works on the other counters.
    pub fn usable(&self, device: usize, day: i64) -> bool {
        self.late_devices.iter().all(|(d, used, _)| *d != device || day >= *used)
    }

    /// An agent's outlet of that county that no ring or leaker has yet, and its agent's index.
    pub fn take_agent(&mut self, people: &People, code: &str, rng: &mut Rng) -> Option<(usize, usize)> {
        let fits =
            |o: &Outlet| o.kind == OutletKind::Agent && !o.taken && people.homes[o.place].region == code;
        let all: Vec<usize> = (0..self.outlets.len()).filter(|i| fits(&self.outlets[*i])).collect();
        let at = if all.is_empty() { return None } else { *rng.pick(&all) };
        self.outlets[at].taken = true;
        let agent = self.outlets[at].staff.iter().copied().find(|s| self.staff[*s].role == Role::Agent)?;
        self.staff[agent].taken = true;
        Some((at, agent))
    }

    /// A member of staff of that county (else of any) and role that no leaker has yet, there all the time.
    pub fn take_staff(
        &mut self,
        people: &People,
        code: &str,
        roles: &[Role],
        start: i64,
        rng: &mut Rng,
    ) -> Option<usize> {
        let fits = |s: &Staff| {
            let regular = s.days.1 > 4 || s.role == Role::Engineer;
            roles.contains(&s.role) && !s.taken && s.joined < start && s.left > start + 1000 && regular
        };
        let near = |s: &Staff| people.homes[self.outlets[s.outlet].place].region == code;
        let all: Vec<usize> = (0..self.staff.len()).filter(|i| fits(&self.staff[*i])).collect();
        let local: Vec<usize> = all.iter().copied().filter(|i| near(&self.staff[*i])).collect();
        let from = if local.is_empty() { all } else { local };
        let at = if from.is_empty() { return None } else { *rng.pick(&from) };
        self.staff[at].taken = true;
        Some(at)
    }
}

fn agents_needed(world: &World, code: &str) -> usize {
    let rings = world.ring.iter().filter(|r| r.region == code);
    let own: usize = rings.map(|r| if r.kind == RingKind::StockDiverter { 2 } else { 1 }).sum();
    own + world.ring.iter().flat_map(|r| &r.also_lent_at).filter(|c| *c == code).count()
}

/// Shares `n` things out by weight, at least one each; the largest remainders get what is left.
pub fn share_out(n: usize, weights: &[f64]) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let rest = n.saturating_sub(weights.len()) as f64;
    let exact: Vec<f64> = weights.iter().map(|w| w / total * rest).collect();
    let mut counts: Vec<usize> = exact.iter().map(|e| 1 + *e as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| (exact[*b].fract()).total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let given: usize = counts.iter().sum();
    for i in order.into_iter().take(n.saturating_sub(given)) {
        counts[i] += 1;
    }
    counts
}
