//! Kinds of data that neither an account itself before nor its colleagues take.
//!
//! Of each category on a look-up of a person: how many such look-ups the account made in the last 30 days, against its share
//! among the look-ups of the others of its role in the same days (of all others, where the role is unknown or made fewer
//! than 200) or among its own of the 60 days before, whichever is larger, doubled. Told of the category that is least to be
//! expected; absent where the account has fewer than 50 look-ups in those 60 days, or the others fewer than 200: without a past there is no
//! change.
//! Blind to: who always took it; a role in which everyone does.

use std::collections::VecDeque;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{FieldDef, Operator, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

/// Days that are counted, and days before them.
const DAYS: i64 = 30;
const BEFORE: i64 = 60;
/// Fewer earlier look-ups are no past.
const PAST: u32 = 50;
/// Fewer look-ups of others are no measure.
const FEWEST: u32 = 200;
/// How much more often an honest account may come to need it.
const HONEST: f64 = 2.0;

/// The categories of the record `access`.
pub(crate) const CATEGORIES: [&str; 14] = [
    "id_number",
    "id_photo",
    "face",
    "phone",
    "address",
    "location_track",
    "call_detail",
    "content",
    "credit",
    "property",
    "health",
    "account",
    "transaction",
    "minor",
];

/// The categories of a list, by their places above, as bits.
pub(crate) fn categories(list: &str) -> u16 {
    let place = |c: &str| CATEGORIES.iter().position(|known| *known == c.trim());
    list.split(';').filter_map(place).fold(0, |bits, n| bits | 1 << n)
}

pub(crate) static SPEC: Spec = Spec {
    name: "data_taken",
    what: (
        "kinds of data that neither the account before nor its colleagues take",
        "本人此前与同岗位均不查询的信息类别",
    ),
    on: &[Kind::Access],
    observes: &[Kind::Access],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(DataTaken {
            account: b.slot(Kind::Access, "account"),
            subject: b.slot(Kind::Access, "subject"),
            categories: b.slot(Kind::Access, "categories"),
            accounts: Table::default(),
            roles: Table::default(),
        })
    },
};

fn fields(_: &Params) -> Vec<FieldDef> {
    vec![
        def("data_30d", Ty::Int, "look-ups of the unusual kind of data in 30 days", "30天内该类信息查询数"),
        def("data_expected", Ty::Real, "expected of colleagues and own past", "按同岗位与本身往日应有数"),
        def(
            "data_p",
            Ty::Real,
            "chance of so many (Poisson tail, expectation doubled)",
            "偶然达到的概率（泊松尾，应有数加倍）",
        ),
    ]
}

/// Look-ups of a day or of days, all and by category.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Taken {
    all: u32,
    of: [u32; CATEGORIES.len()],
}

impl Taken {
    fn add(&mut self, bits: u16) {
        self.all += 1;
        self.of.iter_mut().enumerate().for_each(|(n, k)| *k += u32::from(bits >> n & 1));
    }
    fn plus(mut self, other: &Taken) -> Taken {
        self.all += other.all;
        self.of.iter_mut().zip(other.of).for_each(|(k, more)| *k += more);
        self
    }
    fn without(mut self, part: &Taken) -> Taken {
        self.all = self.all.saturating_sub(part.all);
        self.of.iter_mut().zip(part.of).for_each(|(k, less)| *k = k.saturating_sub(less));
        self
    }
    fn share(&self, category: usize) -> f64 {
        f64::from(self.of[category]) / f64::from(self.all.max(1))
    }
}

/// By day, oldest first.
#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Days(VecDeque<(i64, Taken)>);

impl Days {
    fn add(&mut self, day: i64, bits: u16) {
        if self.0.back().is_none_or(|d| d.0 < day) {
            self.0.push_back((day, Taken::default()));
        }
        if let Some((_, t)) = self.0.back_mut() {
            t.add(bits);
        }
    }
    fn between(&self, from: i64, to: i64) -> Taken {
        let within = self.0.iter().filter(|d| (from..=to).contains(&d.0));
        within.fold(Taken::default(), |sum, (_, t)| sum.plus(t))
    }
    /// Whether any is left.
    fn forget(&mut self, from: i64) -> bool {
        while self.0.front().is_some_and(|d| d.0 < from) {
            self.0.pop_front();
        }
        !self.0.is_empty()
    }
}

struct DataTaken {
    account: Slot,
    subject: Slot,
    categories: Slot,
    accounts: Table<Days>,
    /// By role; all together under a key of their own.
    roles: Table<Days>,
}

const EVERYONE: Key = Key(1);

fn role(account: Key, ts: i64, refs: &Registry) -> Option<Key> {
    refs.staff.at(account, ts).and_then(|s| s.role.as_deref()).map(Key::of)
}

impl DataTaken {
    /// Who looks, and for what.
    fn look_up(&self, row: &Row<'_>) -> Option<(Key, u16)> {
        row.key(self.subject)?;
        Some((row.key(self.account)?, categories(row.text(self.categories)?))).filter(|l| l.1 != 0)
    }
    fn lately(&self, role: Key, day: i64) -> Taken {
        self.roles.get(&role).map_or(Taken::default(), |d| d.between(day - DAYS + 1, day))
    }
}

saved!(DataTaken, tables: [accounts, roles]);

impl Operator for DataTaken {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some((account, bits)) = self.look_up(row) else { return };
        let (day, Some(own)) = (china_day(row.ts), self.accounts.get(&account)) else { return };
        let before = own.between(day - DAYS - BEFORE + 1, day - DAYS);
        if before.all < PAST {
            return;
        }
        let mut lately = own.between(day - DAYS + 1, day);
        let colleagues = role(account, row.ts, refs).map(|r| self.lately(r, day).without(&lately));
        let others = match colleagues.filter(|c| c.all >= FEWEST) {
            Some(colleagues) => colleagues,
            None => self.lately(EVERYONE, day).without(&lately),
        };
        if others.all < FEWEST {
            return;
        }
        lately.add(bits);
        let told = (0..CATEGORIES.len()).filter(|n| bits >> n & 1 == 1).map(|n| {
            let least = 0.5 / f64::from(others.all);
            let expected = others.share(n).max(before.share(n)).max(least) * f64::from(lately.all);
            let k = lately.of[n];
            let likely = f64::from(k) <= expected * HONEST;
            // At or below the expectation nothing is unusual; the sum is spared.
            (if likely { 1.0 } else { stats::poisson_tail(i64::from(k), expected * HONEST) }, k, expected)
        });
        if let Some((p, k, expected)) = told.min_by(|a, b| a.0.total_cmp(&b.0)) {
            out[0] = Val::Int(i64::from(k));
            out[1] = Val::Real(expected);
            out[2] = Val::Real(p);
        }
    }
    fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        let Some((account, bits)) = self.look_up(row) else { return };
        let day = china_day(row.ts);
        self.accounts.of(account).add(day, bits);
        for role in [role(account, row.ts, refs), Some(EVERYONE)].into_iter().flatten() {
            self.roles.of(role).add(day, bits);
        }
    }
    fn patience(&self) -> i64 {
        7 * DAY
    }
    fn expire(&mut self, now: i64) {
        let day = china_day(now);
        self.accounts.retain(|_, d| d.forget(day - DAYS - BEFORE));
        self.roles.retain(|_, d| d.forget(day - DAYS));
    }
}
