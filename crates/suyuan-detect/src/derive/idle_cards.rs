//! How many of an account's latest cards have not been used at all, against the cards of all other accounts.
//!
//! At an opening: of the account's cards opened within `over`, those older than `after` (had the time to be used) and of these
//! the ones without any row of use so far. The expectation is their number at the rate of all other accounts in the same
//! span, so where use is hardly delivered nothing stands out; absent where the records hold no use.
//! Openings under an order do not count: a firm's cards lie in its drawer.
//! It cites the openings of the cards without use: they are what it speaks of, not the opening at which it is asked.
//! Blind to: an account that stops opening; the next opening is where it is asked.

use std::collections::{BTreeSet, VecDeque};

use suyuan_model::Kind;

use super::{FieldDef, MOST_CITED, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Cite, Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "idle_cards",
    what: (
        "how many of the account's latest cards were never used, against others'",
        "该工号近期所开卡中从未使用的张数与他人的比较",
    ),
    on: &[Kind::Opening],
    observes: &[Kind::Opening, Kind::Usage],
    params: &[
        ParamDef { name: "over", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "after", ty: ParamTy::Span, default: "2d" },
    ],
    fields,
    build: |p, b| {
        Box::new(IdleCards {
            card: b.slot(Kind::Opening, "card"),
            account: b.slot(Kind::Opening, "account"),
            order: b.slot(Kind::Opening, "order"),
            u_card: b.slot(Kind::Usage, "card"),
            over: p.span("over"),
            after: p.span("after"),
            waiting: Table::default(),
            accounts: Table::default(),
            all: Tally::default(),
            queue: VecDeque::new(),
            ripe: 0,
            any: false,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("idle", Ty::Int, "cards never used", "从未使用的卡数")
            .instead("the openings of those cards", "这些卡的开卡记录"),
        def("idle_of", Ty::Int, "cards that had the time to be used", "已有时间使用的卡数"),
        def("idle_expected", Ty::Real, "expected at the others' rate", "按他人比率应有数"),
        def("idle_p", Ty::Real, "chance of so many (Poisson tail)", "偶然达到的概率（泊松尾）")
            .instead("the openings of those cards", "这些卡的开卡记录"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    idle: i64,
    all: i64,
}

/// An account's cards that are counted.
#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Own {
    /// The openings of those without use.
    idle: BTreeSet<Cite>,
    all: i64,
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy)]
struct Opened {
    cite: Cite,
    card: Key,
    account: Key,
}

/// A card without use yet.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy)]
struct Waiting {
    /// Whether it is counted by now.
    counted: bool,
    account: Key,
    opened: Cite,
}

struct IdleCards {
    card: Slot,
    account: Slot,
    order: Slot,
    u_card: Slot,
    over: i64,
    after: i64,
    waiting: Table<Waiting>,
    accounts: Table<Own>,
    all: Tally,
    /// Openings within `over`, oldest first; the first `ripe` of them are counted.
    queue: VecDeque<Opened>,
    ripe: u64,
    any: bool,
}

impl IdleCards {
    /// Counts what has had its time and forgets what lies too far back.
    fn roll(&mut self, now: i64) {
        while let Some(o) =
            self.queue.get(self.ripe as usize).copied().filter(|o| now - o.cite.ts >= self.after)
        {
            self.ripe += 1;
            self.all.all += 1;
            let own = self.accounts.of(o.account);
            own.all += 1;
            if let Some(w) = self.waiting.get(&o.card).copied() {
                own.idle.insert(o.cite);
                self.all.idle += 1;
                self.waiting.insert(o.card, Waiting { counted: true, ..w });
            }
        }
        while let Some(o) =
            self.queue.front().copied().filter(|o| self.ripe > 0 && now - o.cite.ts > self.over)
        {
            self.queue.pop_front();
            self.ripe -= 1;
            self.all.all -= 1;
            self.accounts.of(o.account).all -= 1;
            self.no_longer_idle(&o.card);
        }
    }
    /// The card is used, or lies too far back.
    fn no_longer_idle(&mut self, card: &Key) {
        if let Some(w) = self.waiting.remove(card).filter(|w| w.counted) {
            self.accounts.of(w.account).idle.remove(&w.opened);
            self.all.idle -= 1;
        }
    }
}

saved!(IdleCards, tables: [waiting, accounts], cells: [all, queue, ripe, any]);

impl Operator for IdleCards {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening || !self.any {
            return;
        }
        self.roll(row.ts);
        let Some(account) = row.key(self.account) else { return };
        let own = self.accounts.get(&account);
        let own = own.map_or(Tally::default(), |o| Tally { idle: o.idle.len() as i64, all: o.all });
        let (others, all) = (self.all.idle - own.idle, self.all.all - own.all);
        out[0] = Val::Int(own.idle);
        out[1] = Val::Int(own.all);
        if all > 0 {
            let expected = (others as f64).max(0.5) / all as f64 * own.all as f64;
            let k = own.idle;
            out[2] = Val::Real(expected);
            out[3] = Val::Real(if k as f64 <= expected { 1.0 } else { stats::poisson_tail(k, expected) });
        }
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening {
            self.roll(row.ts);
            if row.text(self.order).is_some() {
                return;
            }
            let Some((card, account)) = row.key(self.card).zip(row.key(self.account)) else { return };
            // A card opened again while it waits is counted once, with its first opening.
            if let Some(cite) = row.cite().filter(|_| !self.waiting.contains(&card)) {
                self.waiting.insert(card, Waiting { counted: false, account, opened: cite });
                self.queue.push_back(Opened { cite, card, account });
            }
            return;
        }
        self.any = true;
        let Some(card) = row.key(self.u_card).filter(|c| self.waiting.contains(c)) else { return };
        self.roll(row.ts);
        self.no_longer_idle(&card);
    }
    fn remembers(&self) -> &'static [Kind] {
        &[Kind::Opening]
    }
    fn cited(&self, _: usize, row: &Row<'_>, out: &mut Vec<Cite>) {
        let own = row.key(self.account).and_then(|a| self.accounts.get(&a));
        out.extend(own.into_iter().flat_map(|o| o.idle.iter().rev().take(MOST_CITED)));
    }
    fn expire(&mut self, now: i64) {
        self.roll(now);
        self.accounts.retain(|_, o| o.all > 0);
    }
}
