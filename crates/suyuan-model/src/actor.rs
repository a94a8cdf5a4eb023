//! Members of a ring that are one and the same actor.
//!
//! The records know an actor by several names: an account, a collector's id, a telephone, a party of
//! the investigation. Members tied by `same_as`, and members about one entity in several roles, are
//! put together; whoever counts per actor or draws one box per actor asks here.
//! Invariant: every member is in exactly one actor, and the order of the members decides nothing but
//! the order of the actors.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::{Entity, EntityKind, Member, Role};

/// One actor: the members and names that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// The name to show first: an account before a collector, a device, a party.
    pub lead: Entity,
    /// All names.
    pub names: BTreeSet<Entity>,
    /// All roles.
    pub roles: BTreeSet<Role>,
    /// Places in the list of members.
    pub members: Vec<usize>,
    /// The highest probability of a role.
    pub probability: f64,
    /// Whether only exhibits show any of it.
    pub exhibits_only: bool,
}

impl Actor {
    /// Whether it is somebody who acts, not only a device or an outlet.
    pub fn acts(&self) -> bool {
        self.roles.iter().any(|r| !matches!(r, Role::Device | Role::Outlet))
    }

    /// Whether it is an account that opened the cards itself, as far as the records show.
    pub fn opened_itself(&self) -> bool {
        self.roles.contains(&Role::Opener) && self.lead.kind == EntityKind::Account
    }
}

/// The actors among these members, in the order in which each is first met.
pub fn actors(members: &[Member]) -> Vec<Actor> {
    let mut set_of: BTreeMap<Entity, usize> = BTreeMap::new();
    let mut sets: Vec<BTreeSet<Entity>> = Vec::new();
    for m in members {
        let names: BTreeSet<Entity> =
            std::iter::once(&m.entity).chain(m.same_as.iter().map(|(e, _)| e)).cloned().collect();
        let met: BTreeSet<usize> = names.iter().filter_map(|e| set_of.get(e).copied()).collect();
        let home = met.first().copied().unwrap_or_else(|| {
            sets.push(BTreeSet::new());
            sets.len() - 1
        });
        let mut all = names;
        for other in met {
            all.append(&mut std::mem::take(&mut sets[other]));
        }
        set_of.extend(all.iter().map(|e| (e.clone(), home)));
        sets[home] = all;
    }
    let mut order: Vec<usize> = Vec::new();
    for m in members {
        if !order.contains(&set_of[&m.entity]) {
            order.push(set_of[&m.entity]);
        }
    }
    order.into_iter().map(|set| actor(members, sets[set].clone())).collect()
}

fn actor(members: &[Member], names: BTreeSet<Entity>) -> Actor {
    let places: Vec<usize> = (0..members.len()).filter(|i| names.contains(&members[*i].entity)).collect();
    let mine = || places.iter().map(|i| &members[*i]);
    Actor {
        lead: names
            .iter()
            .min_by_key(|e| (rank(e.kind), *e))
            .cloned()
            .expect("a member has at least its own name"),
        roles: mine().map(|m| m.role).collect(),
        probability: mine().map(|m| m.probability).fold(0.0, f64::max),
        exhibits_only: mine().all(|m| m.exhibits_only),
        names,
        members: places,
    }
}

/// Which name comes first: the one an investigator can act on.
fn rank(kind: EntityKind) -> u8 {
    match kind {
        EntityKind::Account => 0,
        EntityKind::Collector => 1,
        EntityKind::Party => 2,
        EntityKind::Device => 3,
        EntityKind::Outlet => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Evidence, Text};
    use crate::{Kind, RowRef};

    fn member(kind: EntityKind, id: &str, role: Role, same: &[(EntityKind, &str)]) -> Member {
        let row = RowRef { kind: Kind::Opening, ts: 0, source: "s".into(), seq: 1, file: 1, line: 1 };
        Member {
            entity: Entity::new(kind, id),
            role,
            probability: 0.5,
            exhibits_only: false,
            same_as: same.iter().map(|(k, i)| (Entity::new(*k, *i), Text::default())).collect(),
            reasons: vec![],
            evidence: Evidence::of([row]).unwrap(),
        }
    }

    #[test]
    fn names_of_one_actor_come_together() {
        use EntityKind::{Account, Collector, Device, Party};
        let list = [
            member(Collector, "c1", Role::Harvester, &[(Device, "d1")]),
            member(Account, "a1", Role::CredentialOwner, &[]),
            member(Device, "d1", Role::Operator, &[]),
            member(Party, "p4", Role::Operator, &[(Collector, "c1")]),
            member(Account, "a1", Role::StockAgent, &[]),
        ];
        let got = actors(&list);
        assert_eq!(got.len(), 2);
        assert_eq!((got[0].lead.id.as_str(), &got[0].members), ("c1", &vec![0, 2, 3]));
        assert_eq!((got[1].lead.id.as_str(), &got[1].members), ("a1", &vec![1, 4]));
        assert_eq!(got[1].roles.len(), 2);
        // A bridge met last joins two groups met before.
        let bridge = [
            member(Device, "d1", Role::Device, &[]),
            member(Device, "d2", Role::Device, &[]),
            member(Party, "p", Role::Operator, &[(Device, "d2"), (Device, "d1")]),
        ];
        assert_eq!(actors(&bridge).len(), 1);
    }
}
