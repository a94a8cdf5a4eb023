//! How many of an account's latest cards have not been used at all, against the cards of all other accounts.
//!
//! At an opening: of the account's cards opened within `over`, those older than `after` (had the time to be used) and of these
//! the ones without any row of use so far. The expectation is their number at the rate of all other accounts in the same
//! span, so where use is hardly delivered nothing stands out; absent where the records hold no use.
//! Openings under an order do not count: a firm's cards lie in its drawer.
//! Blind to: an account that stops opening; the next opening is where it is asked.

use std::collections::VecDeque;

use suyuan_model::Kind;

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

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
            tallies: Table::default(),
            all: Tally::default(),
            queue: VecDeque::new(),
            ripe: 0,
            any: false,
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("idle", Ty::Int, "cards never used", "从未使用的卡数"),
        def("idle_of", Ty::Int, "cards that had the time to be used", "已有时间使用的卡数"),
        def("idle_expected", Ty::Real, "expected at the others' rate", "按他人比率应有数"),
        def("idle_p", Ty::Real, "chance of so many (Poisson tail)", "偶然达到的概率（泊松尾）"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    idle: i64,
    all: i64,
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy)]
struct Opened {
    ts: i64,
    card: Key,
    account: Key,
}

struct IdleCards {
    card: Slot,
    account: Slot,
    order: Slot,
    u_card: Slot,
    over: i64,
    after: i64,
    /// Cards without use yet, whether they are counted by now, and whose they are.
    waiting: Table<(bool, Key)>,
    tallies: Table<Tally>,
    all: Tally,
    /// Openings within `over`, oldest first; the first `ripe` of them are counted.
    queue: VecDeque<Opened>,
    ripe: u64,
    any: bool,
}

impl IdleCards {
    fn add(&mut self, account: Key, idle: i64, all: i64) {
        let t = self.tallies.of(account);
        *t = Tally { idle: t.idle + idle, all: t.all + all };
        self.all = Tally { idle: self.all.idle + idle, all: self.all.all + all };
    }
    /// Counts what has had its time and forgets what lies too far back.
    fn roll(&mut self, now: i64) {
        while let Some(o) = self.queue.get(self.ripe as usize).copied().filter(|o| now - o.ts >= self.after) {
            self.ripe += 1;
            let idle = self.waiting.contains(&o.card);
            if idle {
                self.waiting.insert(o.card, (true, o.account));
            }
            self.add(o.account, i64::from(idle), 1);
        }
        while let Some(o) = self.queue.front().copied().filter(|o| self.ripe > 0 && now - o.ts > self.over) {
            self.queue.pop_front();
            self.ripe -= 1;
            let idle = self.waiting.remove(&o.card).is_some();
            self.add(o.account, -i64::from(idle), -1);
        }
    }
}

saved!(IdleCards, tables: [waiting, tallies], cells: [all, queue, ripe, any]);

impl Operator for IdleCards {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening || !self.any {
            return;
        }
        self.roll(row.ts);
        let Some(account) = row.key(self.account) else { return };
        let own = self.tallies.get(&account).copied().unwrap_or_default();
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
            if !self.waiting.contains(&card) {
                self.waiting.insert(card, (false, account));
                self.queue.push_back(Opened { ts: row.ts, card, account });
            }
            return;
        }
        self.any = true;
        let Some(card) = row.key(self.u_card).filter(|c| self.waiting.contains(c)) else { return };
        self.roll(row.ts);
        if let Some((true, account)) = self.waiting.remove(&card) {
            self.add(account, -1, 0);
        }
    }
    fn expire(&mut self, now: i64) {
        self.roll(now);
        self.tallies.retain(|_, t| t.all > 0);
    }
}
