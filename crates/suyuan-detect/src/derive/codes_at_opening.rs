//! Codes received on the day of the opening, against the cards of all other accounts.
//!
//! On a row of use of the day on which the card was opened: whether codes came from five or more senders, how many such rows
//! the cards of the opening account have had in 30 days (this one included), and how many they would have at the rate of all other
//! accounts' cards. Cards opened under an order do not count: a firm's people sign up together. Other rows get nothing. Blind to: cards opened before the records begin, days without a count of senders,
//! and habits that everyone has.

use suyuan_model::Kind;
use suyuan_model::time::china_day;

use super::unexplained::Rolling;
use super::{Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

/// Senders from which on a first day counts.
const SENDERS: i64 = 5;
/// Fewer rows of others make no rate.
const FEWEST: i64 = 200;

pub(crate) static SPEC: Spec = Spec {
    name: "codes_at_opening",
    what: (
        "codes on the day of the opening, against the cards of other accounts",
        "开卡当日验证码与其他工号所开卡之比",
    ),
    on: &[Kind::Usage],
    observes: &[Kind::Opening, Kind::Usage],
    params: &[],
    fields: |_| {
        vec![
            def(
                "codes_first_day",
                Ty::Bool,
                "codes from five or more senders on the day of the opening",
                "开卡当日收到五个以上来源的验证码",
            ),
            def("codes_30d", Ty::Int, "such cards of the account in 30 days", "30天内该工号所开的此类卡数"),
            def("codes_expected", Ty::Real, "expected at the rate of others", "按其他工号比率应有数"),
            def(
                "codes_p",
                Ty::Real,
                "chance of so many (Poisson tail; 1 up to the expectation)",
                "偶然达到的概率（泊松尾，不超过应有数时为1）",
            ),
            def("codes_llr", Ty::Real, "log likelihood ratio, nats", "对数似然比"),
        ]
    },
    build: |_, b| {
        Box::new(CodesAtOpening {
            card: b.slot(Kind::Usage, "card"),
            senders: b.slot(Kind::Usage, "otp_senders"),
            o_card: b.slot(Kind::Opening, "card"),
            o_account: b.slot(Kind::Opening, "account"),
            o_order: b.slot(Kind::Opening, "order"),
            cards: Table::default(),
            accounts: Table::default(),
            all: Rolling::default(),
        })
    },
};

#[derive(serde::Serialize, serde::Deserialize)]
struct Card {
    day: i64,
    account: Key,
}

struct CodesAtOpening {
    card: Slot,
    senders: Slot,
    o_card: Slot,
    o_account: Slot,
    o_order: Slot,
    cards: Table<Card>,
    accounts: Table<Rolling>,
    all: Rolling,
}

saved!(CodesAtOpening, tables: [cards, accounts], cells: [all]);

impl CodesAtOpening {
    /// Account, day, and whether many codes came; only on the day of the opening.
    fn first_day(&self, row: &Row<'_>) -> Option<(Key, i64, bool)> {
        let (card, senders) = (row.key(self.card)?, row.int(self.senders)?);
        let c = self.cards.get(&card)?;
        (c.day == china_day(row.ts)).then_some((c.account, c.day, senders >= SENDERS))
    }
}

impl Operator for CodesAtOpening {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Usage {
            return;
        }
        let Some((account, day, many)) = self.first_day(row) else { return };
        let (own_many, own_all) = self.accounts.get(&account).map_or((0, 0), |r| r.at(day));
        let (all_many, all) = self.all.at(day);
        let (others_many, others) = (all_many - own_many, all - own_all);
        let (k, n) = (own_many + i64::from(many), own_all + 1);
        out[0] = Val::Bool(many);
        out[1] = Val::Int(k);
        if others >= FEWEST {
            let expected = (others_many as f64).max(0.5) / others as f64 * n as f64;
            out[2] = Val::Real(expected);
            out[3] = Val::Real(if k as f64 <= expected { 1.0 } else { stats::poisson_tail(k, expected) });
            out[4] = Val::Real(stats::poisson_llr(k, expected));
        }
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        match row.kind() {
            Kind::Opening => {
                let free = row.text(self.o_order).is_none();
                if let Some((card, account)) =
                    row.key(self.o_card).zip(row.key(self.o_account)).filter(|_| free)
                {
                    self.cards.insert(card, Card { day: china_day(row.ts), account });
                }
            }
            Kind::Usage => {
                if let Some((account, day, many)) = self.first_day(row) {
                    self.accounts.of(account).add(day, i64::from(many));
                    self.all.add(day, i64::from(many));
                }
            }
            _ => {}
        }
    }
    /// A card counts on its first day only; late rows find it for two more.
    fn expire(&mut self, now: i64) {
        let day = china_day(now);
        self.cards.retain(|_, c| c.day >= day - 2);
        self.accounts.retain(|_, r| r.last().is_some_and(|d| d > day - super::unexplained::DAYS));
    }
}
