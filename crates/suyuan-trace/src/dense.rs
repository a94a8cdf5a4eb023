//! Dense groups of the records, as the outcome tells them: who, what they share, and what innocent cause the records know.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{
    Counter, Entity, EntityKind, Evidence, Farm, FarmItem, FarmMember, Outcome, Ring, Text, Tie, Window,
};
use suyuan_model::records::work_order::WorkOrderColumns;
use suyuan_model::scan::{RowSource, ScanError};

use crate::facts::{Bar, Facts, scan};
use crate::farm::{self, Params};
use crate::intern::{Id, NONE};
use crate::ring::fnv;
use crate::touches::Touches;
use crate::words::text;

/// An explanation counts as supported if it covers this share of the members.
const COVERED: f64 = 0.5;

/// Finds the farms and says what else could explain each; tells of limits that were passed.
pub fn farms(
    f: &mut Facts,
    t: &Touches,
    source: &dyn RowSource,
    params: &Params,
    rings: &[Ring],
    limits: &mut Vec<Text>,
    bar: &mut Bar<'_>,
) -> Result<Vec<Farm>, ScanError> {
    let contracts = contracts(f, source, bar)?;
    let found = farm::find(&t.graph, params);
    if found.skipped.hubs + found.skipped.busy > 0 {
        let (hubs, busy) = (found.skipped.hubs, found.skipped.busy);
        limits.push(text(
            format!(
                "Dense groups: {hubs} items of more than {} people in one stretch of time and {busy} people with more than {} \
                 items were left out of the search for pairs.",
                params.hub, params.busy
            ),
            format!(
                "密集团伙：有{hubs}个物品在同一时段内涉及超过{}人、{busy}人涉及超过{}个物品，未参与成对搜索。",
                params.hub, params.busy
            ),
        ));
    }
    let mut in_rings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for r in rings {
        for c in &r.cards {
            in_rings.entry(&c.card).or_default().insert(&r.id);
        }
    }
    let teller = Teller { f, t, contracts: &contracts, in_rings: &in_rings };
    Ok(found.farms.iter().filter_map(|farm| teller.farm(farm)).collect())
}

/// Orders that are group contracts or permits.
fn contracts(f: &mut Facts, source: &dyn RowSource, bar: &mut Bar<'_>) -> Result<BTreeSet<Id>, ScanError> {
    let mut out = BTreeSet::new();
    scan(source, Kind::WorkOrder, &["order", "kind"], bar, |batch, rows| {
        let c = WorkOrderColumns::bind(batch);
        for i in rows.filter(|i| matches!(c.kind.get(*i), Some("group_contract" | "permit"))) {
            out.insert(f.names.id(c.order.get(i)));
        }
    })?;
    out.remove(&NONE);
    Ok(out)
}

struct Teller<'a> {
    f: &'a Facts,
    t: &'a Touches,
    contracts: &'a BTreeSet<Id>,
    in_rings: &'a BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl Teller<'_> {
    fn farm(&self, farm: &farm::Farm) -> Option<Farm> {
        let members: Vec<FarmMember> = farm.members.iter().filter_map(|m| self.member(m)).collect();
        let items = self.items(farm);
        let ties: BTreeSet<Tie> = items.iter().map(|i| i.tie).collect();
        let rows = || farm.members.iter().flat_map(|m| &m.touches).map(|t| self.t.rows[*t].ts);
        let rings: BTreeSet<&str> = members
            .iter()
            .flat_map(|m| &m.cards)
            .filter_map(|c| self.in_rings.get(c.as_str()))
            .flatten()
            .copied()
            .collect();
        let counter = self.counter(farm, &ties);
        // By what is shared, so that a farm keeps its name as people join.
        let mut names: Vec<String> = items.iter().map(|i| i.entity.to_string()).collect();
        names.sort();
        Some(Farm {
            id: format!("farm-{:016x}", fnv(&names.join("\n"))),
            ties: ties.into_iter().collect(),
            window: Window { start: rows().min()?, end: rows().max()? },
            others: farm.others as u64,
            rings: rings.into_iter().map(str::to_owned).collect(),
            explained: counter.iter().any(|c| c.outcome == Outcome::Supported),
            cannot_tell: text(
                "Sharing is not acting: these people share what the records show, and the records do not say who brought them \
                 together, nor whether any of them knew.",
                "共用不等于实施：记录只表明这些人共用上述物品，并不说明由谁组织，也不说明其中任何人是否知情。",
            ),
            items,
            members,
            counter,
        })
    }

    fn member(&self, m: &farm::Member) -> Option<FarmMember> {
        let person = self.t.persons[m.user as usize];
        let rows = m.touches.iter().map(|t| self.t.rows[*t].cite(&self.f.names));
        let cards: BTreeSet<&str> = self.openings(m).map(|i| self.f.name(self.f.openings[i].card)).collect();
        Some(FarmMember {
            person: Entity::new(EntityKind::Person, self.f.name(person)),
            cards: cards.into_iter().map(str::to_owned).collect(),
            probability: m.probability,
            occasions: u64::from(m.occasions),
            expected: m.expected,
            evidence: Evidence::of(rows)?,
        })
    }

    /// Indices of the openings in a member's name.
    fn openings(&self, m: &farm::Member) -> impl Iterator<Item = usize> + '_ {
        self.t.openings.get(&self.t.persons[m.user as usize]).into_iter().flatten().copied()
    }

    fn items(&self, farm: &farm::Farm) -> Vec<FarmItem> {
        let numbers: BTreeSet<u32> = farm.items.iter().copied().collect();
        let mut of: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for t in farm.members.iter().flat_map(|m| &m.touches).map(|t| self.t.graph.touches[*t]) {
            of.entry(t.item).or_default().insert(t.user);
        }
        let mut all: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let days = farm.days.0..=farm.days.1;
        for t in self.t.graph.touches.iter().filter(|t| numbers.contains(&t.item) && days.contains(&t.day)) {
            all.entry(t.item).or_default().insert(t.user);
        }
        let mut out: Vec<FarmItem> = of
            .iter()
            .map(|(item, users)| {
                let (tie, kind, id) = self.t.items[*item as usize];
                FarmItem {
                    entity: Entity::new(kind, self.f.name(id)),
                    tie,
                    members: users.len() as u64,
                    people: all.get(item).map_or(0, |a| a.len() as u64),
                }
            })
            .collect();
        out.sort_by(|a, b| b.members.cmp(&a.members).then(a.entity.cmp(&b.entity)));
        out
    }

    fn counter(&self, farm: &farm::Farm, ties: &BTreeSet<Tie>) -> Vec<Counter> {
        let n = farm.members.len();
        let contracted = farm
            .members
            .iter()
            .filter(|m| self.openings(m).any(|i| self.contracts.contains(&self.f.openings[i].order)))
            .count();
        let mut of_home: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for t in farm.members.iter().flat_map(|m| &m.touches).map(|t| self.t.graph.touches[*t]) {
            if self.t.items[t.item as usize].0 == Tie::Home {
                of_home.entry(t.item).or_default().insert(t.user);
            }
        }
        let together = of_home.values().map(BTreeSet::len).max().unwrap_or(0);
        let outcome =
            |covered: usize, checkable: bool| match (covered as f64 >= COVERED * n as f64, checkable) {
                (true, _) => Outcome::Supported,
                (false, true) => Outcome::Excluded,
                (false, false) => Outcome::NotCheckable,
            };
        // A home or workplace explains a common counter; it does not explain a common handset, face or collector.
        let only_place = ties.iter().all(|t| matches!(t, Tie::Home | Tie::Counter));
        vec![
            Counter {
                what: text("a group contract or a permit for sales on the road", "集团合同或外出营销许可"),
                outcome: outcome(contracted, !self.contracts.is_empty()),
                detail: text(
                    format!("{contracted} of {n} members have an opening under such an order"),
                    format!("{n}名成员中{contracted}名有依此类工单的开卡"),
                ),
            },
            Counter {
                what: text("a common home or workplace", "同住或同一工作单位"),
                outcome: if only_place { outcome(together, together > 0) } else { Outcome::Excluded },
                detail: if only_place {
                    text(
                        format!("{together} of {n} members declared the same address, contact or employer"),
                        format!("{n}名成员中{together}名登记同一地址、联系人或工作单位"),
                    )
                } else {
                    text(
                        format!(
                            "{together} of {n} declared the same one, but they also share what neither explains (handsets, faces, \
                             collectors, payees)"
                        ),
                        format!(
                            "{n}名中{together}名登记相同，但另有共用手机、人像、采集人或收款方，居住或工作关系不能解释"
                        ),
                    )
                },
            },
            Counter {
                what: text("second-hand or lent handsets, a repair shop", "二手或借用手机、维修店"),
                outcome: if ties.len() > 1 || !ties.contains(&Tie::Use) {
                    Outcome::Excluded
                } else {
                    Outcome::NotCheckable
                },
                detail: if ties.contains(&Tie::Use) && ties.len() == 1 {
                    text("nothing but handsets ties them", "仅有手机一项关联")
                } else {
                    text("handsets are not all that ties them", "手机并非唯一关联")
                },
            },
        ]
    }
}
