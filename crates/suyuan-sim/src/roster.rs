//! The carrier written down: outlets, staff and terminals as its own systems list them.

use suyuan_model::region;
use suyuan_model::time::{HOUR, SECOND};

use crate::org::{Org, Outlet, OutletKind, Role, clock, midnight};
use crate::out::{Out, source};
use crate::people::People;
use crate::rng::Rng;
use crate::rows::{self, Val, degrees};
use crate::world::World;

impl Org {
    pub(crate) fn write(&self, world: &World, people: &People, rng: &mut Rng, out: &mut Out) {
        let start = world.start_day();
        for o in &self.outlets {
            let ghost = self.ghost.is_some_and(|s| self.outlets[self.staff[s].outlet].id == o.id);
            self.write_outlet(o, people, start, ghost, rng, out);
        }
        for s in &self.staff {
            let from = midnight(s.joined) + 9 * HOUR;
            let o = &self.outlets[s.outlet];
            let to = if s.left < start + 3650 { Val::Time(midnight(s.left)) } else { Val::None };
            let code = &people.homes[o.place].region;
            out.put(
                from,
                &source::HR,
                &rows::Staff {
                    account: (&s.account).into(),
                    holder: (&people.id(s.holder)).into(),
                    role: s.role.name().into(),
                    outlet: (&o.id).into(),
                    agent: (&o.agent).into(),
                    region6: code.into(),
                    shift: (&s.shift()).into(),
                    supervisor: s.supervisor.map_or(Val::None, |i| (&self.staff[i].account).into()),
                    valid_from: Val::Time(from),
                    valid_to: to,
                },
            );
        }
        self.write_terminals(start, rng, out);
    }

    fn write_outlet(
        &self,
        o: &Outlet,
        people: &People,
        start: i64,
        ghost: bool,
        rng: &mut Rng,
        out: &mut Out,
    ) {
        let opened = start - rng.range(200, 2500);
        let home = &people.homes[o.place];
        let name = match o.kind {
            OutletKind::Flagship => format!("{}旗舰营业厅", home.name),
            OutletKind::Hall => format!("{}营业厅{}", home.name, &o.id[11..]),
            OutletKind::Agent => format!("{}代理点{}", home.name, &o.id[11..]),
            OutletKind::Office => {
                format!("{}运营中心", region::last_name(&format!("{}0000", &home.region[..2])).unwrap_or(""))
            }
        };
        let from = midnight(opened) + 10 * HOUR;
        let hours = if o.kind == OutletKind::Office {
            String::new()
        } else {
            format!("{}-{}", clock(o.open), clock(o.close))
        };
        let contract = o.agent.as_ref().map(|a| format!("HT-{}-{}", &a[3..], &o.id[4..]));
        out.put(
            from,
            &source::HR,
            &rows::Outlet {
                outlet: (&o.id).into(),
                agent: (&o.agent).into(),
                name: (&name).into(),
                region6: (&home.region).into(),
                lat: degrees(o.lat),
                lon: degrees(o.lon),
                hours: (&hours).into(),
                contract_no: (&contract).into(),
                // One in twenty-five visits was not written down.
                visited_on: match rng.range(5, 180) {
                    _ if ghost || rng.chance(0.04) => Val::None,
                    days => Val::Day(start - days),
                },
                valid_from: Val::Time(from),
                valid_to: Val::None,
            },
        );
    }

    fn write_terminals(&self, start: i64, rng: &mut Rng, out: &mut Out) {
        let mut asset = 0;
        let mut put = |device: usize, outlet: &str, kind: &str, day: i64, out: &mut Out| {
            asset += 1;
            let from = midnight(day) + 11 * HOUR + asset % 3000 * SECOND;
            out.put(
                from,
                &source::ASSET,
                &rows::Terminal {
                    device: (&self.devices[device]).into(),
                    outlet: outlet.into(),
                    kind: kind.into(),
                    asset_no: (&format!("ZC{asset:06}")).into(),
                    valid_from: Val::Time(from),
                    valid_to: Val::None,
                },
            );
        };
        for o in &self.outlets {
            // A terminal shared in a chain stands on the list of the first outlet.
            let shared = self.chains.iter().any(|c| self.outlets[*c].id == o.id);
            for device in &o.counters[..o.counters.len() - usize::from(shared)] {
                let late = self.late_devices.iter().find(|(d, ..)| d == device);
                let day = late.map_or(start - rng.range(30, 900), |(.., registered)| *registered);
                put(*device, &o.id, "counter", day, out);
            }
        }
        for s in self.staff.iter().filter(|s| s.device != usize::MAX) {
            let kind = match s.role {
                Role::Kiosk => "kiosk",
                Role::Clerk => "handheld",
                _ => "counter",
            };
            let day = s.joined.min(start) - rng.range(1, 30);
            put(s.device, &self.outlets[s.outlet].id, kind, day, out);
        }
    }
}
