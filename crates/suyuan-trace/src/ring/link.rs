//! Links of the chain (acquisition, circulation, use), recorded in rows or inferred from them.

use std::collections::BTreeMap;

use suyuan_model::money;
use suyuan_model::outcome::{ChainStage, Entity, EntityKind, Evidence, Link, Operator, Text, Window};

use super::exhibit::Actor;
use super::marks::Marker;
use super::{Context, Draft, Seller};
use crate::facts::{Facts, Row};
use crate::intern::{Id, NONE};
use crate::question::card::CardSources;
use crate::words::text;

struct Writer<'a> {
    f: &'a Facts,
    out: Vec<Link>,
}

struct Passed {
    from: Entity,
    to: Entity,
    stage: ChainStage,
    what: Text,
    quantity: Option<u64>,
    amount: Option<i64>,
    /// 1 and recorded, or the probability of an inferred link.
    inferred: Option<f64>,
    rows: Vec<Row>,
}

impl Writer<'_> {
    fn add(&mut self, p: Passed) {
        let Some(evidence) = Evidence::of(p.rows.iter().map(|r| r.cite(&self.f.names))) else { return };
        let start = p.rows.iter().map(|r| r.ts).min().unwrap_or(0);
        let end = p.rows.iter().map(|r| r.ts).max().unwrap_or(0);
        self.out.push(Link {
            from: p.from,
            to: p.to,
            stage: p.stage,
            what: p.what,
            quantity: p.quantity,
            amount_cny: p.amount.map(money::format_yuan),
            recorded: p.inferred.is_none(),
            probability: p.inferred.unwrap_or(1.0),
            window: Some(Window { start, end }),
            evidence,
        });
    }
}

/// All links of a ring, by stage.
pub fn links(c: &Context<'_>, d: &Draft, sellers: &[Seller<'_>], actors: &[Actor]) -> Vec<Link> {
    let (f, marker, operators, cards) = (c.f, c.marker, c.operators, c.cards);
    let mut w = Writer { f, out: Vec::new() };
    captures(&mut w, d, marker);
    sold(&mut w, d, sellers);
    custody(&mut w, d);
    lent(&mut w, d, operators);
    opened(&mut w, d);
    used(&mut w, d, cards);
    dealings(&mut w, actors);
    let mut out = w.out;
    out.sort_by(|a, b| (a.stage, &a.from, &a.to, &a.what).cmp(&(b.stage, &b.from, &b.to, &b.what)));
    out
}

/// The employer most persons of these openings share, else the persons themselves.
fn held_by(f: &Facts, openings: &[usize]) -> Entity {
    let mut count: BTreeMap<Id, usize> = BTreeMap::new();
    for i in openings {
        if f.openings[*i].employer != NONE {
            *count.entry(f.openings[*i].employer).or_default() += 1;
        }
    }
    match count.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))) {
        Some((e, n)) if n * 2 > openings.len() => Entity::new(EntityKind::Employer, f.name(e)),
        _ => Entity::new(EntityKind::Person, format!("{} persons", openings.len())),
    }
}

fn captures(w: &mut Writer<'_>, d: &Draft, marker: &Marker) {
    let f = w.f;
    let mut by: BTreeMap<Id, (Vec<Row>, Vec<usize>, Id)> = BTreeMap::new();
    for c in &d.cards {
        for k in marker.captures(f, &f.openings[c.index]) {
            let x = &f.captures[k];
            if d.group.collectors.contains(&x.collector) {
                let e = by.entry(x.collector).or_insert((Vec::new(), Vec::new(), NONE));
                e.0.push(x.row);
                if e.1.last() != Some(&c.index) {
                    e.1.push(c.index);
                }
                e.2 = x.pretext;
            }
        }
    }
    for (collector, (rows, openings, pretext)) in by {
        let reason = f.name(pretext);
        w.add(Passed {
            from: held_by(f, &openings),
            to: Entity::new(EntityKind::Collector, f.name(collector)),
            stage: ChainStage::Acquisition,
            what: text(
                format!("identity cards and faces, captured under the pretext `{reason}`"),
                format!("身份证和人脸信息，采集事由：{reason}"),
            ),
            quantity: Some(openings.len() as u64),
            amount: None,
            inferred: None,
            rows,
        });
    }
}

fn first_account(f: &Facts, d: &Draft) -> Entity {
    let account = d.accounts().into_iter().next().unwrap_or(NONE);
    Entity::new(EntityKind::Account, f.name(account))
}

fn sold(w: &mut Writer<'_>, d: &Draft, sellers: &[Seller<'_>]) {
    let to = first_account(w.f, d);
    for s in sellers {
        w.add(Passed {
            from: s.source.entity.clone(),
            to: to.clone(),
            stage: ChainStage::Acquisition,
            what: text(
                "identities of persons in whose names cards were then opened",
                "其后被冒名开卡人员的身份信息",
            ),
            quantity: Some(s.persons as u64),
            amount: None,
            inferred: Some(s.source.probability),
            rows: s.rows.clone(),
        });
    }
}

/// The custodian of an id: an outlet, a party, an account, else an agent company.
fn custodian(f: &Facts, id: Id) -> Entity {
    let kind = if f.outlets.contains_key(&id) {
        EntityKind::Outlet
    } else if f.parties.iter().any(|p| p.party == id) {
        EntityKind::Party
    } else if f.staff.contains_key(&id) {
        EntityKind::Account
    } else {
        EntityKind::Agent
    };
    Entity::new(kind, f.name(id))
}

fn custody(w: &mut Writer<'_>, d: &Draft) {
    let f = w.f;
    let mut by: BTreeMap<(Id, Id), (Vec<Row>, u64)> = BTreeMap::new();
    for c in &d.cards {
        for m in f.moves.get(&f.openings[c.index].card).into_iter().flatten() {
            let e = by.entry((m.from, m.to)).or_default();
            e.0.push(m.row);
            e.1 += 1;
        }
    }
    for ((from, to), (rows, n)) in by {
        w.add(Passed {
            from: custodian(f, from),
            to: custodian(f, to),
            stage: ChainStage::Circulation,
            what: text("blank cards, as the stock books show", "白卡（库存账记载）"),
            quantity: Some(n),
            amount: None,
            inferred: None,
            rows,
        });
    }
}

fn lent(w: &mut Writer<'_>, d: &Draft, operators: &[Operator]) {
    let f = w.f;
    for column in d.group.columns.iter().filter(|c| c.1 != NONE) {
        let (account, device) = (
            Entity::new(EntityKind::Account, f.name(column.0)),
            Entity::new(EntityKind::Device, f.name(column.1)),
        );
        for o in operators.iter().filter(|o| o.account == account && o.operator.contains(&device)) {
            let logins = f.logins.get(&column.0).into_iter().flatten().filter(|l| l.device == column.1);
            let mut rows: Vec<Row> = logins.map(|l| l.row).collect();
            let n = rows.len() as u64;
            if rows.is_empty() {
                rows = d.on(f, *column).iter().map(|i| f.openings[*i].row).collect();
            }
            let to = o.operator.iter().find(|e| e.kind == EntityKind::Collector).unwrap_or(&device).clone();
            w.add(Passed {
                from: account.clone(),
                to,
                stage: ChainStage::Circulation,
                what: text("login and password", "工号和密码"),
                quantity: (n > 0).then_some(n),
                amount: None,
                inferred: Some(o.probability),
                rows,
            });
        }
    }
}

fn opened(w: &mut Writer<'_>, d: &Draft) {
    let f = w.f;
    for column in &d.group.columns {
        let openings = d.on(f, *column);
        let from = if column.1 == NONE {
            continue;
        } else {
            Entity::new(EntityKind::Device, f.name(column.1))
        };
        w.add(Passed {
            from,
            to: Entity::new(EntityKind::Account, f.name(column.0)),
            stage: ChainStage::Circulation,
            what: text("cards opened under the account", "以该工号开通的卡"),
            quantity: Some(openings.len() as u64),
            amount: None,
            inferred: None,
            rows: openings.iter().map(|i| f.openings[*i].row).collect(),
        });
    }
}

fn used(w: &mut Writer<'_>, d: &Draft, cards: &CardSources) {
    let f = w.f;
    let mut by: BTreeMap<Id, (Vec<Row>, u64)> = BTreeMap::new();
    let mut cases: BTreeMap<Id, std::collections::BTreeSet<Id>> = BTreeMap::new();
    for c in &d.cards {
        let Some(reports) = cards.fraud.get(&c.index) else { continue };
        let o = &f.openings[c.index];
        let e = by.entry(o.account).or_default();
        e.0.push(o.row);
        e.1 += 1;
        for r in reports {
            e.0.push(f.reports[*r].row);
            cases.entry(o.account).or_default().insert(f.reports[*r].case);
        }
    }
    for (account, (rows, n)) in by {
        let in_cases = cases.get(&account).map_or(0, |c| c.len());
        w.add(Passed {
            from: Entity::new(EntityKind::Account, f.name(account)),
            to: Entity::new(EntityKind::FraudCase, format!("{in_cases} cases")),
            stage: ChainStage::Use,
            what: text(
                format!("{n} cards used in {in_cases} fraud cases"),
                format!("{n} 张卡用于 {in_cases} 起诈骗"),
            ),
            quantity: Some(n),
            amount: None,
            inferred: None,
            rows,
        });
    }
}

fn dealings(w: &mut Writer<'_>, actors: &[Actor]) {
    let f = w.f;
    let mut by: BTreeMap<(Entity, Entity, Id, Id), Vec<usize>> = BTreeMap::new();
    for a in actors {
        for n in &a.gives {
            if let Some(b) = actors.iter().find(|b| b.takes.contains(n)) {
                by.entry((a.entity(f), b.entity(f), f.dealings[*n].what, f.dealings[*n].note))
                    .or_default()
                    .push(*n);
            }
        }
    }
    for ((from, to, what, _), list) in by {
        let sum = |get: &dyn Fn(usize) -> Option<i64>| {
            let known: Vec<i64> = list.iter().filter_map(|n| get(*n)).collect();
            (!known.is_empty()).then(|| known.iter().sum::<i64>())
        };
        let quantity = sum(&|n| f.dealings[n].quantity).map(|q| q.max(0) as u64);
        let captured = from.kind == EntityKind::Collector;
        let (stage, name) = match f.name(what) {
            "data" if captured => (ChainStage::Circulation, text("captured identities", "采集的身份信息")),
            "data" => (ChainStage::Acquisition, text("identities", "公民个人信息")),
            "credentials" => (ChainStage::Circulation, text("login and password", "工号和密码")),
            "money" => (ChainStage::Circulation, text("money", "款项")),
            _ => (ChainStage::Circulation, text("cards", "手机卡")),
        };
        let note = f.dealings[list[0]].note;
        let name = match f.name(note) {
            "" => name,
            note => text(format!("{} ({note})", name.en), format!("{}（{note}）", name.zh)),
        };
        let prices: Vec<i64> = list.iter().filter_map(|n| f.dealings[*n].unit_price).collect();
        let name = match (prices.iter().min(), prices.iter().max()) {
            (Some(a), Some(b)) if a == b => text(
                format!("{}, {} yuan each", name.en, money::format_yuan(*a)),
                format!("{}，每件 {} 元", name.zh, money::format_yuan(*a)),
            ),
            (Some(a), Some(b)) => text(
                format!("{}, {} to {} yuan each", name.en, money::format_yuan(*a), money::format_yuan(*b)),
                format!("{}，每件 {} 至 {} 元", name.zh, money::format_yuan(*a), money::format_yuan(*b)),
            ),
            _ => name,
        };
        w.add(Passed {
            from,
            to,
            stage,
            what: name,
            quantity,
            amount: sum(&|n| f.dealings[n].amount),
            inferred: None,
            rows: list.iter().map(|n| f.dealings[*n].row).collect(),
        });
    }
}
