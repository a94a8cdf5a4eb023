//! What the picture shows: boxes for actors, persons, cards and fraud cases; arrows for links.

use std::collections::BTreeMap;

use suyuan_model::actor::{Actor, actors};
use suyuan_model::outcome::{Case, CaseKind, ChainStage, Entity, EntityKind, Link, Role};

use crate::page::{chance, group, short, yuan};
use suyuan_model::outcome::Lang;

use crate::words::Reading as _;

/// More boxes than a reader follows; actors beyond it stand in one box per role.
const MAX_ACTORS: usize = 32;

/// How a box is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Shape {
    /// One actor or thing.
    One,
    /// Many alike: a stack.
    Many,
}

/// A box.
#[derive(Debug)]
pub(super) struct Node {
    pub shape: Shape,
    pub column: usize,
    /// Roles, or what it is.
    pub title: String,
    /// Name, further names, figures: one line each.
    pub lines: Vec<String>,
    /// Only exhibits show it.
    pub exhibits_only: bool,
    /// The stage whose colour it bears.
    pub stage: ChainStage,
    /// The stage of the column it would stand in by itself.
    pub band: ChainStage,
}

/// An arrow: all that passes between two boxes in one direction.
#[derive(Debug)]
pub(super) struct Arrow {
    pub from: usize,
    pub to: usize,
    pub stage: ChainStage,
    pub recorded: bool,
    /// The best probability, where nothing of it is recorded.
    pub probability: f64,
    pub parts: Vec<Part>,
}

/// One thing that passes.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub what: String,
    pub quantity: Option<u64>,
    /// Money, fen.
    pub fen: Option<i64>,
}

impl Arrow {
    /// What passes, in words.
    pub fn what(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|p| p.what.as_str())
    }

    /// How many, for how much, how sure.
    pub fn figures(&self, lang: Lang) -> Vec<String> {
        let mut out: Vec<String> = self.parts.iter().filter_map(|p| p.quantity).map(group).collect();
        for fen in self.parts.iter().filter_map(|p| p.fen) {
            out.push(lang.pick(format!("¥{}", yuan(fen)), format!("{}元", yuan(fen))));
        }
        if !self.recorded {
            out.push(format!("p {}", chance(self.probability)));
        }
        out
    }
}

pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub arrows: Vec<Arrow>,
}

/// What a box stands for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Actor(usize),
    Rest(Role),
    Kind(EntityKind),
    Other(Entity),
}

const CARDS: usize = 3;
const LAST: usize = 4;

fn column(role: Role) -> usize {
    match role {
        Role::Outlet => 0,
        Role::Harvester
        | Role::Seller
        | Role::LookupInsider
        | Role::Source
        | Role::StockAgent
        | Role::CredentialOwner => 1,
        Role::Opener | Role::Operator | Role::Device | Role::Courier => 2,
        Role::Organiser | Role::User => LAST,
    }
}

fn stage(role: Role) -> ChainStage {
    match role {
        Role::Harvester | Role::Seller | Role::LookupInsider | Role::Source => ChainStage::Acquisition,
        Role::User => ChainStage::Use,
        _ => ChainStage::Circulation,
    }
}

struct Builder<'a> {
    case: &'a Case,
    lang: Lang,
    actors: Vec<Actor>,
    shown: Vec<bool>,
    place: BTreeMap<What, usize>,
    nodes: Vec<Node>,
    arrows: Vec<Arrow>,
}

/// The picture of a case.
pub(super) fn graph(case: &Case, lang: Lang) -> Graph {
    let actors = actors(&case.actors);
    let mut by_weight: Vec<usize> = (0..actors.len()).collect();
    let only_thing = |a: &Actor| a.roles.iter().all(|r| matches!(r, Role::Device | Role::Outlet));
    by_weight.sort_by(|a, b| {
        let (x, y) = (&actors[*a], &actors[*b]);
        only_thing(x).cmp(&only_thing(y)).then(y.probability.total_cmp(&x.probability)).then(a.cmp(b))
    });
    let mut shown = vec![false; actors.len()];
    by_weight.iter().take(MAX_ACTORS).for_each(|n| shown[*n] = true);
    let mut b = Builder { case, lang, actors, shown, place: BTreeMap::new(), nodes: vec![], arrows: vec![] };
    for link in &case.chain {
        b.link(link);
    }
    for n in 0..b.actors.len() {
        b.node(&b.actor(n));
    }
    b.cards_and_harm();
    Graph { nodes: b.nodes, arrows: b.arrows }
}

impl Builder<'_> {
    fn actor(&self, n: usize) -> What {
        match self.actors[n].roles.first() {
            Some(role) if !self.shown[n] => What::Rest(*role),
            _ => What::Actor(n),
        }
    }

    fn what(&self, e: &Entity) -> What {
        if let Some(n) = self.actors.iter().position(|a| a.names.contains(e)) {
            return self.actor(n);
        }
        match e.kind {
            EntityKind::Person | EntityKind::Card | EntityKind::FraudCase => What::Kind(e.kind),
            // Many of a kind that nobody named: one box.
            _ if e.id == "*" => What::Kind(e.kind),
            _ => What::Other(e.clone()),
        }
    }

    fn node(&mut self, what: &What) -> usize {
        if let Some(n) = self.place.get(what) {
            return *n;
        }
        let node = match what {
            What::Actor(n) => self.actor_node(*n),
            What::Rest(role) => self.rest_node(*role),
            What::Kind(kind) => self.kind_node(*kind),
            What::Other(e) => self.other_node(e),
        };
        self.nodes.push(node);
        self.place.insert(what.clone(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn actor_node(&self, n: usize) -> Node {
        let (a, lang) = (&self.actors[n], self.lang);
        let mut roles: Vec<Role> =
            a.roles.iter().copied().filter(|r| !matches!(r, Role::Device | Role::Outlet)).collect();
        if roles.is_empty() {
            roles = a.roles.iter().copied().collect();
        }
        roles.sort_by_key(|r| column(*r));
        let main = roles.last().copied().unwrap_or(Role::Device);
        // An outlet's box says "outlet" once.
        let once = roles.iter().any(|r| lang.role(*r) == lang.kind(a.lead.kind));
        let mut lines = vec![if once { short(&a.lead.id) } else { named(&a.lead, lang) }];
        let also: Vec<&Entity> = a.names.iter().filter(|e| **e != a.lead).collect();
        for e in also.iter().take(2) {
            lines.push(format!("= {}", named(e, lang)));
        }
        if also.len() > 2 {
            lines.push(format!("= +{}", also.len() - 2));
        }
        lines.push(format!("p {}", chance(a.probability)));
        Node {
            shape: Shape::One,
            column: roles.iter().map(|r| column(*r)).max().unwrap_or(0),
            title: roles.iter().map(|r| lang.role(*r)).collect::<Vec<_>>().join(lang.pick(", ", "、")),
            lines,
            exhibits_only: a.exhibits_only,
            stage: roles.first().map_or(stage(main), |r| stage(*r)),
            band: stage(main),
        }
    }

    fn rest_node(&self, role: Role) -> Node {
        let rest = self.actors.iter().zip(&self.shown);
        let n = rest.filter(|(a, shown)| !**shown && a.roles.first() == Some(&role)).count();
        let more = self.lang.words().more_actors;
        Node {
            shape: Shape::Many,
            column: column(role),
            title: self.lang.role(role).to_owned(),
            lines: vec![self.lang.pick(format!("{n} {more}"), format!("{more}{n}个"))],
            exhibits_only: false,
            stage: stage(role),
            band: stage(role),
        }
    }

    fn kind_node(&self, kind: EntityKind) -> Node {
        let (w, t, lang) = (self.lang.words(), &self.case.totals, self.lang);
        let (title, lines, column, stage) = match kind {
            EntityKind::Person if self.case.kind == CaseKind::Leak => {
                (w.looked_up_cluster, vec![], 0, ChainStage::Acquisition)
            }
            EntityKind::Person => (w.persons_cluster, vec![group(t.persons)], 0, ChainStage::Acquisition),
            EntityKind::Card => {
                let mut lines = vec![lang.pick(group(t.cards), format!("{}张", group(t.cards)))];
                if t.fraud_cards > 0 {
                    lines.push(lang.pick(
                        format!("{} {}", group(t.fraud_cards), w.of_them_fraud),
                        format!("{}{}张", w.of_them_fraud, group(t.fraud_cards)),
                    ));
                }
                (w.cards_cluster, lines, CARDS, ChainStage::Circulation)
            }
            EntityKind::FraudCase => {
                let loss = lang.pick(format!("{} yuan", yuan(t.loss_cny)), format!("{}元", yuan(t.loss_cny)));
                let n = lang.pick(group(t.fraud_cases), format!("{}起", group(t.fraud_cases)));
                (w.fraud_cluster, vec![n, loss], LAST, ChainStage::Use)
            }
            other => (lang.kind(other), vec![], 0, ChainStage::Acquisition),
        };
        Node {
            shape: Shape::Many,
            column,
            title: title.to_owned(),
            lines,
            exhibits_only: false,
            stage,
            band: stage,
        }
    }

    fn other_node(&self, e: &Entity) -> Node {
        let gives = self.case.chain.iter().any(|l| l.from == *e);
        Node {
            shape: Shape::One,
            column: if gives { 0 } else { LAST },
            title: self.lang.kind(e.kind).to_owned(),
            lines: vec![short(&e.id)],
            exhibits_only: false,
            stage: ChainStage::Circulation,
            band: ChainStage::Circulation,
        }
    }

    fn link(&mut self, link: &Link) {
        let (mut from, mut to) = (self.what(&link.from), self.what(&link.to));
        // What a device does under an account is opening cards, and a ring's fraud is done with cards: the
        // picture lets both pass through the cards.
        if link.from.kind == EntityKind::Device && link.to.kind == EntityKind::Account {
            to = What::Kind(EntityKind::Card);
        }
        if to == What::Kind(EntityKind::FraudCase)
            && link.stage == ChainStage::Use
            && self.case.kind == CaseKind::Ring
        {
            from = What::Kind(EntityKind::Card);
        }
        if from == to {
            return;
        }
        let (from, to) = (self.node(&from), self.node(&to));
        self.arrow(Arrow {
            from,
            to,
            stage: link.stage,
            recorded: link.recorded,
            probability: link.probability,
            parts: vec![Part {
                what: gist(self.lang.of(&link.what)).to_owned(),
                quantity: link.quantity,
                fen: link.amount_cny.as_deref().and_then(suyuan_model::money::parse_yuan),
            }],
        });
    }

    /// Arrows between the same two boxes become one; recorded wins over inferred, and of the same
    /// thing told twice the larger quantity stands.
    fn arrow(&mut self, new: Arrow) {
        let Some(old) = self.arrows.iter_mut().find(|a| (a.from, a.to) == (new.from, new.to)) else {
            self.arrows.push(new);
            return;
        };
        old.recorded |= new.recorded;
        old.probability = old.probability.max(new.probability);
        for part in new.parts {
            match old.parts.iter_mut().find(|p| p.what == part.what) {
                None => old.parts.push(part),
                Some(same) => {
                    same.quantity = same.quantity.max(part.quantity);
                    same.fen = same.fen.max(part.fen);
                }
            }
        }
    }

    /// Cards and the fraud they were used in stand in every picture that has them.
    fn cards_and_harm(&mut self) {
        let t = &self.case.totals;
        let (cards_n, fraud_cards, fraud_cases) = (t.cards, t.fraud_cards, t.fraud_cases);
        if cards_n == 0 {
            return;
        }
        let cards = self.node(&What::Kind(EntityKind::Card));
        if !self.arrows.iter().any(|a| a.to == cards) {
            let openers: Vec<usize> =
                (0..self.actors.len()).filter(|n| self.actors[*n].roles.contains(&Role::Operator)).collect();
            let owners: Vec<usize> = (0..self.actors.len())
                .filter(|n| self.actors[*n].roles.contains(&Role::CredentialOwner))
                .collect();
            for n in if openers.is_empty() { owners } else { openers } {
                let from = self.node(&self.actor(n));
                self.arrow(Arrow {
                    from,
                    to: cards,
                    stage: ChainStage::Circulation,
                    recorded: true,
                    probability: 1.0,
                    parts: vec![Part {
                        what: self.lang.pick("openings", "开卡").to_owned(),
                        quantity: None,
                        fen: None,
                    }],
                });
            }
        }
        if fraud_cases > 0 {
            let fraud = self.node(&What::Kind(EntityKind::FraudCase));
            if !self.arrows.iter().any(|a| a.to == fraud) {
                self.arrow(Arrow {
                    from: cards,
                    to: fraud,
                    stage: ChainStage::Use,
                    recorded: true,
                    probability: 1.0,
                    parts: vec![Part {
                        what: self.lang.words().of_them_fraud.to_owned(),
                        quantity: Some(fraud_cards),
                        fen: None,
                    }],
                });
            }
        }
    }
}

/// What passes without its particulars: the picture is read at a glance, the table below it has the rest.
fn gist(what: &str) -> &str {
    let end = what.find(['(', '（', ',', '，', '：', ':', '`']).unwrap_or(what.len());
    let head = what[..end].trim();
    if head.is_empty() { what } else { head }
}

fn named(e: &Entity, lang: Lang) -> String {
    format!("{} {}", lang.kind(e.kind), short(&e.id))
}
