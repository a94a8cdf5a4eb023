//! Blank cards and who keeps them: carrier to agent to outlet, in boxes.

use std::collections::BTreeMap;

use suyuan_model::checks;
use suyuan_model::time::{HOUR, SECOND};

use crate::org::{Org, carrier, midnight};
use crate::out::{Out, source};
use crate::people::People;
use crate::rng::mix;
use crate::rows::{self, Val};

/// Cards in a box.
pub const BOX: u64 = 100;
/// Cards an agent company orders at once.
const PALLET: u64 = 500;
/// Pallets that the serial numbers of a province have room for (a power of two, so that an odd factor
/// permutes them).
const PALLETS: u64 = 1 << 19;

/// A card by province and serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Card(u64);

impl Card {
    /// The ICCID: 19 digits and their Luhn digit.
    pub fn iccid(self) -> String {
        let body = format!("89860019{:02}{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let digit = checks::luhn_digit(&body);
        format!("{body}{digit}")
    }
    /// A card issued years ago.
    pub fn old(region: &str, hash: u64) -> Card {
        let province: u64 = region[..2].parse().unwrap_or(0);
        Card(province * 1_000_000_000 + 500_000_000 + hash % 400_000_000)
    }
    /// A number of its own.
    pub fn n(self) -> u64 {
        self.0
    }
    fn plus(self, n: u64) -> Card {
        Card(self.0 + n)
    }
}

/// Cards from the first to before the second.
type Span = (Card, Card);

/// Who keeps which blank cards.
pub struct Stock {
    outlets: Vec<Option<Span>>,
    agents: BTreeMap<String, Span>,
    next: BTreeMap<u64, u64>,
    moves: i64,
    shift: u64,
}

impl Stock {
    /// Empty shelves.
    pub fn new(outlets: usize, seed: u64) -> Stock {
        Stock {
            outlets: vec![None; outlets],
            agents: BTreeMap::new(),
            next: BTreeMap::new(),
            moves: 0,
            shift: mix(seed) % PALLETS,
        }
    }

    /// The next blank card of an outlet; it orders a box that morning when it has none.
    pub fn take(&mut self, outlet: usize, day: i64, org: &Org, people: &People, out: &mut Out) -> Card {
        let span = match self.outlets[outlet] {
            Some((from, to)) if from < to => (from, to),
            _ => self.order_box(outlet, day, org, people, out),
        };
        self.outlets[outlet] = Some((span.0.plus(1), span.1));
        span.0
    }

    /// A box brought to an outlet in the morning of a day.
    pub fn order_box(&mut self, outlet: usize, day: i64, org: &Org, people: &People, out: &mut Out) -> Span {
        let o = &org.outlets[outlet];
        let region = &people.homes[o.place].region;
        self.moves += 1;
        let ts = midnight(day) + 7 * HOUR + self.moves % 1500 * SECOND;
        let from = carrier(region);
        let Some(agent) = &o.agent else {
            let span = self.print(region, BOX);
            put_move(ts, span, &from, &o.id, "allocate", out);
            return span;
        };
        let held = match self.agents.get(agent) {
            Some((a, b)) if b.0 - a.0 >= BOX => (*a, *b),
            _ => {
                let span = self.print(region, PALLET);
                put_move(ts - HOUR, span, &from, agent, "allocate", out);
                span
            }
        };
        let span = (held.0, held.0.plus(BOX));
        self.agents.insert(agent.clone(), (span.1, held.1));
        put_move(ts, span, agent, &o.id, "transfer", out);
        span
    }

    fn print(&mut self, region: &str, n: u64) -> Span {
        let province: u64 = region[..2].parse().unwrap_or(0);
        let next = self.next.entry(province).or_insert(0);
        *next += 1;
        // Pallets come off the press in any order: the serial tells nothing of when it was ordered.
        let pallet = (*next * 7919 + self.shift) % PALLETS;
        let from = Card(province * 1_000_000_000 + pallet * PALLET);
        (from, from.plus(n))
    }
}

fn put_move(ts: i64, (from, to): Span, giver: &str, taker: &str, kind: &str, out: &mut Out) {
    let last = Card(to.0 - 1);
    out.put(
        ts,
        &source::WMS,
        &rows::StockMove {
            card: Val::None,
            card_from: (&from.iccid()).into(),
            card_to: (&last.iccid()).into(),
            from: giver.into(),
            to: taker.into(),
            kind: kind.into(),
        },
    );
}

/// A single card moved between outlets.
pub fn put_transfer(ts: i64, card: Card, giver: &str, taker: &str, out: &mut Out) {
    out.put(
        ts,
        &source::WMS,
        &rows::StockMove {
            card: (&card.iccid()).into(),
            from: giver.into(),
            to: taker.into(),
            kind: "transfer".into(),
            ..Default::default()
        },
    );
}

/// The cards of a span, in order.
pub fn cards(from: Card, to: Card) -> Vec<Card> {
    (from.0..to.0).map(Card).collect()
}
