//! Members of a ring and their roles, from the records and from what passed among parties.
//!
//! The records alone show the owner of a lent account or the account that opened the cards itself, the
//! devices and collectors that worked under it, the outlet whose stock was used and the source of bought
//! identities. Who bought blank cards and who took the finished ones only exhibits show; such members say
//! so. Which way money went is never used for a role: a price may be a sale or a fee.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Contribution, Entity, EntityKind, Evidence, Member, Operator, Role, Text};

use super::exhibit::{Actor, quantity, rows};
use super::marks::{Mark, Marker};
use super::{Context, Draft, Seller};
use crate::facts::{Facts, Opening, Row};
use crate::intern::{Id, NONE};
use crate::question::WORTH;
use crate::words::text;

/// A role that a handover in the exhibits proves.
const PROVED: f64 = 0.95;
/// From this probability on somebody else worked under an account.
const LENT: f64 = 0.5;
/// What is left of the certainty that the account itself opened where no log-in of it is recorded.
const UNSEEN: f64 = 0.5;
/// A role read off the shape of the flows.
const SHAPED: f64 = 0.85;

#[derive(Default)]
struct Sketch {
    probability: f64,
    reasons: Vec<Contribution>,
    rows: Vec<Row>,
    recorded: bool,
}

struct Book<'a> {
    f: &'a Facts,
    list: BTreeMap<(Role, Entity), Sketch>,
}

impl Book<'_> {
    /// Adds a reason, `what` with its value, for a role; without rows it is not said.
    fn add(
        &mut self,
        (role, entity): (Role, Entity),
        p: f64,
        what: Text,
        value: String,
        rows: Vec<Row>,
        recorded: bool,
    ) {
        if rows.is_empty() {
            return;
        }
        let s = self.list.entry((role, entity)).or_default();
        s.probability = s.probability.max(p);
        s.reasons.push(Contribution { what, value, threshold: None, nats: 0.0 });
        s.rows.extend(rows);
        s.recorded |= recorded;
    }

    fn write(self, actors: &[Actor]) -> Vec<Member> {
        let f = self.f;
        self.list
            .into_iter()
            .filter_map(|((role, entity), s)| {
                let same_as = actors
                    .iter()
                    .find(|a| a.entity(f) == entity || a.same.iter().any(|(e, _)| *e == entity))
                    .map(|a| {
                        let mut names = a.aliases(f);
                        names.push((a.entity(f), text("the same actor", "同一主体")));
                        names.retain(|(e, _)| *e != entity);
                        names.dedup_by(|a, b| a.0 == b.0);
                        names
                    })
                    .unwrap_or_default();
                Some(Member {
                    entity,
                    role,
                    probability: s.probability,
                    exhibits_only: !s.recorded,
                    same_as,
                    reasons: s.reasons,
                    evidence: Evidence::of(s.rows.iter().map(|r| r.cite(&f.names)))?,
                })
            })
            .collect()
    }
}

/// All members of a ring, roles in the order of the chain.
pub fn members(c: &Context<'_>, d: &Draft, sellers: &[Seller<'_>], actors: &[Actor]) -> Vec<Member> {
    let (f, marker, operators) = (c.f, c.marker, c.operators);
    let mut book = Book { f, list: BTreeMap::new() };
    accounts(&mut book, d, operators);
    custodians(&mut book, d);
    columns(&mut book, d, operators);
    collectors(&mut book, d, marker);
    for s in sellers {
        book.add(
            (Role::Seller, s.source.entity.clone()),
            s.source.probability,
            text(
                "touched persons of the ring's cards before their cards were opened",
                "在开卡之前接触过涉案卡登记人的信息",
            ),
            s.persons.to_string(),
            s.rows.clone(),
            true,
        );
    }
    for a in actors {
        roles(&mut book, d, a);
    }
    book.write(actors)
}

fn accounts(book: &mut Book<'_>, d: &Draft, operators: &[Operator]) {
    let f = book.f;
    for account in d.accounts() {
        let entity = Entity::new(EntityKind::Account, f.name(account));
        let mine: Vec<&Opening> =
            d.cards.iter().map(|c| &f.openings[c.index]).filter(|o| o.account == account).collect();
        let opened: Vec<Row> = mine.iter().map(|o| o.row).collect();
        // Card by card: a day on somebody's device does not make the whole ring's cards another's work.
        let by_other = |o: &&Opening| -> f64 {
            let device = Entity::new(EntityKind::Device, f.name(o.device));
            let there = operators.iter().filter(|x| x.account == entity && x.operator.contains(&device));
            there.fold(0.0, |p: f64, x| p.max(x.probability))
        };
        let lent = mine.iter().map(by_other).sum::<f64>() / mine.len().max(1) as f64;
        if lent >= WORTH {
            let staff = f.staff.get(&account).map(|s| s.row);
            book.add(
                (Role::CredentialOwner, entity.clone()),
                lent,
                text("cards of the ring were opened under the account by someone else", "他人使用该工号开卡"),
                opened.len().to_string(),
                staff.into_iter().chain(opened.iter().copied()).collect(),
                true,
            );
        }
        if lent < LENT {
            book.add(
                (Role::Opener, entity.clone()),
                d.probability * (1.0 - lent) * if f.logins.contains_key(&account) { 1.0 } else { UNSEEN },
                text(
                    "cards of the ring were opened under the account, and no record shows that somebody else worked under it",
                    "涉案卡以该工号开出，且没有记录显示他人使用该工号",
                ),
                opened.len().to_string(),
                opened.clone(),
                true,
            );
        }
        stock(book, d, account, entity, lent >= LENT);
        let home = f.home(account);
        if home != NONE {
            let row: Vec<Row> = f.outlets.get(&home).map(|o| o.row).into_iter().chain(opened).collect();
            book.add(
                (Role::Outlet, Entity::new(EntityKind::Outlet, f.name(home))),
                d.probability,
                text("home outlet of the account", "工号所属网点"),
                f.name(account).to_owned(),
                row,
                true,
            );
        }
    }
}

/// The account whose outlet (or agent company) held the ring's cards before they were opened elsewhere or by somebody
/// else: every counter opens cards of its own stock, which alone says nothing.
fn stock(book: &mut Book<'_>, d: &Draft, account: Id, entity: Entity, lent: bool) {
    let f = book.f;
    let Some(staff) = f.staff.get(&account) else { return };
    let mine: Vec<Id> = d
        .cards
        .iter()
        .filter(|c| f.openings[c.index].account == account && (lent || c.marks.has(Mark::StockAway)))
        .map(|c| f.openings[c.index].card)
        .collect();
    let held: Vec<Row> = mine
        .iter()
        .filter_map(|card| f.moves.get(card))
        .filter_map(|moves| {
            moves
                .iter()
                .find(|m| m.to == account || (m.to != NONE && (m.to == staff.outlet || m.to == staff.agent)))
        })
        .map(|m| m.row)
        .collect();
    // A card or two of many are a box that was booked late.
    let all = d.cards.iter().filter(|c| f.openings[c.index].account == account).count();
    if !held.is_empty() && held.len() * 2 >= all {
        let share = held.len() as f64 / all as f64;
        book.add(
            (Role::StockAgent, entity),
            (0.9 * share).min(0.9),
            text(
                "cards of the ring were in the custody of the account's outlet or agent company",
                "涉案卡原由该工号所属网点或代理商保管",
            ),
            format!("{} / {all}", held.len()),
            held,
            true,
        );
    }
}

/// The outlet in whose boxes most of the ring's cards lay last when they were opened elsewhere, and the agent who answers
/// for its stock: whoever opened them had them from there, whatever the books say of a transfer.
fn custodians(book: &mut Book<'_>, d: &Draft) {
    let f = book.f;
    let mut by: BTreeMap<Id, Vec<Row>> = BTreeMap::new();
    for c in d.cards.iter().filter(|c| c.marks.has(Mark::StockAway)) {
        let o = &f.openings[c.index];
        let last = f.moves.get(&o.card).and_then(|moves| moves.iter().rfind(|x| x.row.ts <= o.row.ts));
        if let Some(last) = last.filter(|x| f.outlets.contains_key(&x.to)) {
            by.entry(last.to).or_default().extend([last.row, o.row]);
        }
    }
    by.retain(|outlet, rows| {
        // Two rows a card. Where the ring's own accounts are at home there, it is their outlet already.
        rows.len() >= d.cards.len() && !d.accounts().iter().any(|a| f.home(*a) == *outlet)
    });
    for (outlet, rows) in by {
        let share = rows.len() as f64 / (2 * d.cards.len()) as f64;
        let value = format!("{} / {}", rows.len() / 2, d.cards.len());
        book.add(
            (Role::Outlet, Entity::new(EntityKind::Outlet, f.name(outlet))),
            d.probability * share,
            text(
                "cards of the ring lay in its stock last and were opened elsewhere",
                "涉案卡最后在该网点库存中，却在别处开通",
            ),
            value.clone(),
            rows.clone(),
            true,
        );
        let agents: Vec<Id> = f
            .staff
            .iter()
            .filter(|(_, s)| s.outlet == outlet && f.name(s.role) == "agent")
            .map(|x| *x.0)
            .collect();
        for agent in &agents {
            book.add(
                (Role::StockAgent, Entity::new(EntityKind::Account, f.name(*agent))),
                0.9 * share / agents.len() as f64,
                text(
                    "answers for the stock of the outlet from which the ring's cards came",
                    "对涉案卡来源网点的库存负责",
                ),
                value.clone(),
                f.staff.get(agent).map(|s| s.row).into_iter().chain(rows.iter().copied()).collect(),
                true,
            );
        }
    }
}

fn columns(book: &mut Book<'_>, d: &Draft, operators: &[Operator]) {
    let f = book.f;
    for column in &d.group.columns {
        if column.1 == NONE {
            continue;
        }
        let device = Entity::new(EntityKind::Device, f.name(column.1));
        let opened: Vec<Row> = d.on(f, *column).iter().map(|i| f.openings[*i].row).collect();
        let n = opened.len();
        // A card or two may be in the ring by chance, and their device with them.
        book.add(
            (Role::Device, device.clone()),
            d.probability.min(1.0 - 2.0 / (n as f64 + 2.0)),
            text("cards of the ring were opened on it", "在该终端上开通涉案卡"),
            n.to_string(),
            opened.clone(),
            true,
        );
        let account = Entity::new(EntityKind::Account, f.name(column.0));
        for o in operators.iter().filter(|o| o.account == account && o.operator.contains(&device)) {
            let who = o.operator.iter().filter(|e| e.kind == EntityKind::Collector);
            for e in who {
                book.add(
                    (Role::Operator, e.clone()),
                    o.probability,
                    text(
                        "captured identities on the device on which the cards were opened",
                        "在开卡终端上采集身份信息",
                    ),
                    device.id.clone(),
                    opened.clone(),
                    true,
                );
            }
        }
    }
}

fn collectors(book: &mut Book<'_>, d: &Draft, marker: &Marker) {
    let f = book.f;
    let mut by: BTreeMap<Id, Vec<Row>> = BTreeMap::new();
    for c in &d.cards {
        for k in marker.captures(f, &f.openings[c.index]) {
            let capture = &f.captures[k];
            if d.group.collectors.contains(&capture.collector) {
                by.entry(capture.collector).or_default().push(capture.row);
            }
        }
    }
    for (collector, rows) in by {
        let n = rows.len() as f64;
        book.add(
            (Role::Harvester, Entity::new(EntityKind::Collector, f.name(collector))),
            (1.0 - 2.0 / (n + 2.0)).min(0.99),
            text(
                "captured persons in whose names cards of the ring were opened afterwards",
                "采集过其后被冒名开卡人员的身份信息",
            ),
            rows.len().to_string(),
            rows,
            true,
        );
    }
}

/// Roles from what an actor gave and took.
fn roles(book: &mut Book<'_>, d: &Draft, a: &Actor) {
    let f = book.f;
    let entity = a.entity(f);
    let owns_account = d.accounts().iter().any(|x| a.is(f, EntityKind::Account, *x));
    let collects = d.group.collectors.iter().any(|x| a.is(f, EntityKind::Collector, *x));
    let on_device = d.devices().iter().any(|x| a.is(f, EntityKind::Device, *x));
    let tied = a.known.is_some() || !a.same.is_empty();
    if !tied && a.found.is_empty() {
        return;
    }
    let deals = |giving, what| a.deals(f, giving, what);
    let (gives_cards, takes_cards) = (deals(true, "goods"), deals(false, "goods"));
    let (gives_data, takes_data) = (deals(true, "data"), deals(false, "data"));
    let (gives_login, takes_login) = (deals(true, "credentials"), deals(false, "credentials"));
    let mut add = |role, p, en: &str, zh: &str, list: &[usize]| {
        let value = quantity(f, list).map_or_else(|| list.len().to_string(), |q| q.to_string());
        book.add((role, entity.clone()), p, text(en, zh), value, rows(f, list), false);
    };
    let both = |x: &[usize], y: &[usize]| [x, y].concat();
    if owns_account && !gives_cards.is_empty() {
        add(
            Role::StockAgent,
            PROVED,
            "gave out cards while holding the account",
            "持有工号并交出卡",
            &gives_cards,
        );
    }
    if !gives_login.is_empty() {
        add(Role::CredentialOwner, PROVED, "gave out login and password", "交出工号和密码", &gives_login);
    }
    if !takes_login.is_empty() {
        let p = if on_device || collects { PROVED } else { SHAPED };
        add(Role::Operator, p, "received login and password", "取得工号和密码", &takes_login);
    }
    if (collects || !takes_login.is_empty()) && !gives_data.is_empty() {
        add(Role::Harvester, PROVED, "passed captured identities on", "交付采集的身份信息", &gives_data);
    } else if !gives_data.is_empty() && takes_data.is_empty() {
        add(Role::Seller, PROVED, "sold or gave identities", "出售或提供身份信息", &gives_data);
    }
    let opener = !owns_account && !takes_data.is_empty() && !takes_cards.is_empty();
    if opener {
        let p = if gives_cards.is_empty() { SHAPED } else { PROVED };
        let list = both(&both(&takes_data, &takes_cards), &gives_cards);
        add(
            Role::Opener,
            p,
            "took cards and identities, passed finished cards on",
            "收进白卡和身份信息，交出成品卡",
            &list,
        );
    }
    let keeps = !takes_cards.is_empty() && gives_cards.is_empty() && !opener && !owns_account;
    if keeps {
        add(Role::Organiser, SHAPED, "took cards and passed none on", "收进卡而未再交出", &takes_cards);
    }
    if !a.data.is_empty() {
        let found: Vec<Row> = a.data.iter().map(|i| f.sightings[*i].row).collect();
        let value = found.len().to_string();
        let what = text(
            "data of persons of the ring's cards were found with this actor",
            "在该主体处发现涉案卡登记人的个人信息",
        );
        let role = if opener { Role::Opener } else { Role::Seller };
        if opener || takes_data.is_empty() {
            book.add((role, entity.clone()), SHAPED, what, value, found, false);
        }
    }
    if !a.found.is_empty() {
        let found: Vec<Row> = a.found.iter().map(|i| f.sightings[*i].row).collect();
        let value = found.len().to_string();
        let what = text("cards of the ring were found with this actor", "在该主体处查获涉案卡");
        book.add(
            (Role::Organiser, entity.clone()),
            if keeps { 0.98 } else { SHAPED },
            what,
            value,
            found,
            false,
        );
    }
    let passes = !takes_cards.is_empty() && !gives_cards.is_empty() && !opener && !owns_account;
    if passes && takes_data.is_empty() {
        let list = both(&takes_cards, &gives_cards);
        book.add(
            (Role::Courier, entity),
            SHAPED,
            text("took cards and passed cards on", "收进卡又交出卡"),
            list.len().to_string(),
            rows(f, &list),
            false,
        );
    }
}
