//! The investigation's exhibits: parties, and what passed among them.
//!
//! A party is tied to what the records know by its note (`account=`, `device=`, `collector=`,
//! `outlet=`), by an equal id, or by an equal name token of an account's holder. Handovers lead from
//! the ring's own parties to further ones.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, EntityKind, Text};

use super::{Draft, Seller};
use crate::facts::{Facts, Row};
use crate::intern::{Id, NONE};
use crate::words::text;

/// An actor of the exhibits.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// Its id in the exhibits.
    pub id: Id,
    /// Whether a `party` row names it.
    pub known: Option<Row>,
    /// What of the records it is, with why.
    pub same: Vec<(Entity, Text)>,
    /// Dealings in which it gives, by index.
    pub gives: Vec<usize>,
    /// Dealings in which it takes.
    pub takes: Vec<usize>,
    /// Cards of the ring found with it, by index of sighting.
    pub found: Vec<usize>,
    /// Data of the ring's persons found with it, likewise.
    pub data: Vec<usize>,
}

impl Actor {
    /// What the actor is called in the outcome: what the records know it as, else the party.
    pub fn entity(&self, f: &Facts) -> Entity {
        let order = [EntityKind::Account, EntityKind::Collector, EntityKind::Device, EntityKind::Outlet];
        for kind in order {
            if let Some((e, _)) = self.same.iter().find(|(e, _)| e.kind == kind) {
                return e.clone();
            }
        }
        Entity::new(EntityKind::Party, f.name(self.id))
    }
    /// All its other names.
    pub fn aliases(&self, f: &Facts) -> Vec<(Entity, Text)> {
        let me = self.entity(f);
        let mut out: Vec<(Entity, Text)> = self.same.iter().filter(|(e, _)| *e != me).cloned().collect();
        if me.kind != EntityKind::Party && self.known.is_some() {
            let why = self.same.iter().find(|(e, _)| *e == me).map_or_else(Text::default, |x| x.1.clone());
            out.insert(0, (Entity::new(EntityKind::Party, f.name(self.id)), why));
        }
        out
    }
    /// Whether it is that thing of the records.
    pub fn is(&self, f: &Facts, kind: EntityKind, id: Id) -> bool {
        self.same.iter().any(|(e, _)| e.kind == kind && e.id == f.name(id))
    }
    /// Whether it gives (or takes) that.
    pub fn deals(&self, f: &Facts, giving: bool, what: &str) -> Vec<usize> {
        let list = if giving { &self.gives } else { &self.takes };
        list.iter().copied().filter(|i| f.name(f.dealings[*i].what) == what).collect()
    }
}

/// `key=value` pairs of a note.
fn pairs(note: &str) -> impl Iterator<Item = (&str, &str)> {
    note.split(|c: char| c.is_whitespace() || ",;，；、。".contains(c))
        .filter_map(|part| part.split_once('='))
        .filter(|(k, v)| !k.is_empty() && !v.is_empty())
}

fn kind_of_key(key: &str) -> Option<EntityKind> {
    Some(match key {
        "account" => EntityKind::Account,
        "device" => EntityKind::Device,
        "collector" => EntityKind::Collector,
        "outlet" => EntityKind::Outlet,
        "agent" => EntityKind::Agent,
        "employer" => EntityKind::Employer,
        "recipient" => EntityKind::Recipient,
        "imei" => EntityKind::Imei,
        _ => return None,
    })
}

/// What the records know an id as.
fn known_as(f: &Facts, collectors: &BTreeSet<Id>, id: Id) -> Option<EntityKind> {
    if f.staff.contains_key(&id) {
        Some(EntityKind::Account)
    } else if f.outlets.contains_key(&id) {
        Some(EntityKind::Outlet)
    } else if collectors.contains(&id) {
        Some(EntityKind::Collector)
    } else if f.terminals.contains_key(&id) {
        Some(EntityKind::Device)
    } else {
        None
    }
}

fn all(f: &Facts) -> BTreeMap<Id, Actor> {
    let collectors: BTreeSet<Id> = f.captures.iter().map(|c| c.collector).filter(|c| *c != NONE).collect();
    let mut out: BTreeMap<Id, Actor> = BTreeMap::new();
    for p in &f.parties {
        let actor = out.entry(p.party).or_insert_with(|| Actor { id: p.party, ..Actor::default() });
        actor.known = Some(p.row);
        let mut same: Vec<(Entity, Text)> = Vec::new();
        for (key, value) in pairs(f.name(p.note)) {
            if let Some(kind) = kind_of_key(key) {
                same.push((Entity::new(kind, value), text("the exhibit's note names it", "证据备注载明")));
            }
        }
        if let Some(kind) = known_as(f, &collectors, p.party) {
            same.push((Entity::new(kind, f.name(p.party)), text("the same id", "编号相同")));
        }
        if p.name != NONE {
            for (account, _) in f.staff.iter().filter(|(_, s)| s.holder == p.name) {
                same.push((
                    Entity::new(EntityKind::Account, f.name(*account)),
                    text("the account's holder has the same name token", "工号持有人姓名标识相同"),
                ));
            }
        }
        for s in same {
            if !actor.same.iter().any(|x| x.0 == s.0) {
                actor.same.push(s);
            }
        }
    }
    let party_of = owners(f, &out);
    for (n, d) in f.dealings.iter().enumerate() {
        for (id, giving) in [(d.from, true), (d.to, false)] {
            let actor = out.entry(party_of.get(&id).copied().unwrap_or(id)).or_insert_with(|| Actor {
                id,
                same: known_as(f, &collectors, id)
                    .map(|k| (Entity::new(k, f.name(id)), text("the exhibit names it", "证据载明")))
                    .into_iter()
                    .collect(),
                ..Actor::default()
            });
            if giving { actor.gives.push(n) } else { actor.takes.push(n) }
        }
    }
    out
}

/// Which party an account, outlet or collector named in a dealing belongs to.
fn owners(f: &Facts, actors: &BTreeMap<Id, Actor>) -> BTreeMap<Id, Id> {
    let mut out = BTreeMap::new();
    for (party, actor) in actors {
        for (e, _) in &actor.same {
            if let Some(id) = f.names.find(&e.id).filter(|id| !actors.contains_key(id)) {
                out.entry(id).or_insert(*party);
            }
        }
    }
    out
}

/// The actors that belong to a ring: tied to its accounts, devices, collectors or sellers, holding its
/// cards, or dealing with those who are.
pub fn actors(f: &Facts, d: &Draft, sellers: &[Seller<'_>]) -> Vec<Actor> {
    let mut all = all(f);
    let cards: BTreeSet<Id> = d.cards.iter().map(|c| f.openings[c.index].card).collect();
    for (n, s) in f.sightings.iter().enumerate() {
        let (card, person) = (cards.contains(&s.card), d.persons.contains(&s.subject) && s.subject != NONE);
        if s.party != NONE && (card || person) {
            let actor = all.entry(s.party).or_insert_with(|| Actor { id: s.party, ..Actor::default() });
            if card { actor.found.push(n) } else { actor.data.push(n) }
        }
    }
    let mut mine: BTreeSet<Entity> = BTreeSet::new();
    mine.extend(d.accounts().iter().map(|a| Entity::new(EntityKind::Account, f.name(*a))));
    mine.extend(d.devices().iter().map(|a| Entity::new(EntityKind::Device, f.name(*a))));
    mine.extend(d.group.collectors.iter().map(|a| Entity::new(EntityKind::Collector, f.name(*a))));
    mine.extend(sellers.iter().map(|s| s.source.entity.clone()));
    let mut inside: BTreeSet<Id> = all
        .values()
        .filter(|a| !a.found.is_empty() || !a.data.is_empty() || a.same.iter().any(|(e, _)| mine.contains(e)))
        .map(|a| a.id)
        .collect();
    loop {
        let before = inside.len();
        let touched: BTreeSet<usize> = inside
            .iter()
            .filter_map(|i| all.get(i))
            .filter(|a| a.known.is_some() || !a.same.is_empty())
            .flat_map(|a| a.gives.iter().chain(&a.takes).copied())
            .collect();
        inside.extend(
            all.values()
                .filter(|a| a.gives.iter().chain(&a.takes).any(|n| touched.contains(n)))
                .map(|a| a.id),
        );
        if inside.len() == before {
            break;
        }
    }
    all.into_values().filter(|a| inside.contains(&a.id)).collect()
}

/// Sum of the quantities, where any is known.
pub fn quantity(f: &Facts, dealings: &[usize]) -> Option<u64> {
    let known: Vec<u64> =
        dealings.iter().filter_map(|i| f.dealings[*i].quantity).map(|q| q.max(0) as u64).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

/// The rows of dealings.
pub fn rows(f: &Facts, dealings: &[usize]) -> Vec<Row> {
    dealings.iter().map(|i| f.dealings[*i].row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_in_both_styles() {
        let note = "郑某，account=ZJ330681-0417；outlet=o-12 device=d1";
        let got: Vec<_> = pairs(note).collect();
        assert_eq!(got, [("account", "ZJ330681-0417"), ("outlet", "o-12"), ("device", "d1")]);
    }
}
