//! How many grown customers of an account come from another province, against the other accounts of its county and outlet.
//!
//! Persons of 24 and older only: students move at the beginning of term. Counted over the last `over` days; the expectation is
//! the share among the other accounts of the same county in 180 days, or among those of the same outlet where that is
//! higher, so that a quarter of migrants explains itself as soon as a colleague serves it too. `p` is the chance of so many
//! were the share even a quarter higher than that (binomial): honest accounts differ by more than chance.
//! Openings under an order do not count. Told of the openings for persons from another province; absent where fewer than
//! 12 of the account's or 50 of the others' openings tell where a person comes from and how old.
//! Blind to: an outlet with one account beside a factory; whoever brings customers from the same province.

use std::collections::VecDeque;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day, civil_from_days};

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, other_province};
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

/// Years: younger ones come for school and university.
const GROWN: i64 = 24;
/// Fewer openings of the account make no share.
const FEWEST: i64 = 12;
/// Fewer openings of the others of the county are no measure.
const FEWEST_OTHERS: i64 = 50;
/// Fewer openings of the others of the outlet are none.
const FEWEST_BESIDE: i64 = 20;
/// Days over which the others are counted.
const OTHERS_DAYS: i64 = 180;
/// How much more often than the others' an honest account's customers may come from afar.
const HONEST: f64 = 1.25;

pub(crate) static SPEC: Spec = Spec {
    name: "afar",
    what: (
        "how many grown customers come from another province, against other accounts of the place",
        "成年客户中外省人员数与同县、同网点其他工号的比较",
    ),
    on: &[Kind::Opening],
    observes: &[Kind::Opening],
    params: &[ParamDef { name: "over", ty: ParamTy::Span, default: "30d" }],
    fields,
    build: |p, b| {
        Box::new(Afar {
            account: b.slot(Kind::Opening, "account"),
            outlet: b.slot(Kind::Opening, "outlet"),
            order: b.slot(Kind::Opening, "order"),
            region: b.slot(Kind::Opening, "subject_region6"),
            year: b.slot(Kind::Opening, "subject_birth_year"),
            days: p.span("over") / DAY,
            accounts: Table::default(),
            places: Table::default(),
        })
    },
};

fn fields(_: &Params) -> Vec<FieldDef> {
    vec![
        def("afar", Ty::Int, "grown customers from another province", "外省成年客户数"),
        def("afar_of", Ty::Int, "grown customers", "成年客户数"),
        def("afar_expected", Ty::Real, "expected at the others' share", "按其他工号占比应有数"),
        def(
            "afar_p",
            Ty::Real,
            "chance of so many at a share a quarter higher (binomial tail)",
            "占比高四分之一时偶然达到的概率（二项尾）",
        ),
    ]
}

/// From afar, all.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    afar: i64,
    all: i64,
}

impl Tally {
    fn without(self, part: Tally) -> Tally {
        Tally { afar: self.afar - part.afar, all: self.all - part.all }
    }
    /// The share, as if one more of each had come: never 0 or 1.
    fn share(self) -> f64 {
        (self.afar + 1) as f64 / (self.all + 2) as f64
    }
}

/// Tallies by day, oldest first.
#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Days(VecDeque<(i64, Tally)>);

impl Days {
    fn add(&mut self, day: i64, afar: bool) {
        if self.0.back().is_none_or(|d| d.0 < day) {
            self.0.push_back((day, Tally::default()));
        }
        if let Some((_, t)) = self.0.back_mut() {
            t.afar += i64::from(afar);
            t.all += 1;
        }
    }
    fn since(&self, from: i64) -> Tally {
        let late = self.0.iter().rev().take_while(|d| d.0 >= from);
        late.fold(Tally::default(), |s, (_, t)| Tally { afar: s.afar + t.afar, all: s.all + t.all })
    }
    /// Whether any is left.
    fn forget(&mut self, from: i64) -> bool {
        while self.0.front().is_some_and(|d| d.0 < from) {
            self.0.pop_front();
        }
        !self.0.is_empty()
    }
}

struct Afar {
    account: Slot,
    outlet: Slot,
    order: Slot,
    region: Slot,
    year: Slot,
    days: i64,
    accounts: Table<Days>,
    /// Counties, outlets, and what each account opened in them.
    places: Table<Days>,
}

/// A grown customer at the counter.
struct Customer {
    account: Key,
    county: Key,
    outlet: Option<Key>,
    afar: bool,
    day: i64,
}

impl Afar {
    fn customer(&self, row: &Row<'_>, refs: &Registry) -> Option<Customer> {
        if row.kind() != Kind::Opening || row.text(self.order).is_some() {
            return None;
        }
        let (account, outlet, day) = (row.key(self.account)?, row.key(self.outlet), china_day(row.ts));
        let grown = civil_from_days(day).0 - row.int(self.year)? >= GROWN;
        let listed = outlet.and_then(|o| refs.outlets.at(o, row.ts)).and_then(|o| o.region6.as_deref());
        let home = listed.or_else(|| refs.region_of(account, row.ts))?;
        let afar = other_province(row.text(self.region)?, home)?;
        grown.then(|| Customer { account, county: Key::of(home), outlet, afar, day })
    }

    fn since(&self, place: Key, from: i64) -> Tally {
        self.places.get(&place).map_or(Tally::default(), |d| d.since(from))
    }

    /// What the other accounts of the place did.
    fn others(&self, place: Key, c: &Customer) -> Tally {
        let from = c.day - OTHERS_DAYS;
        self.since(place, from).without(self.since(c.account.and(place), from))
    }

    /// The share that the others lead to expect.
    fn expected(&self, c: &Customer) -> Option<f64> {
        let county = self.others(c.county, c);
        let beside = c.outlet.map(|o| self.others(o, c)).filter(|t| t.all >= FEWEST_BESIDE);
        (county.all >= FEWEST_OTHERS).then(|| beside.map_or(0.0, Tally::share).max(county.share()))
    }
}

saved!(Afar, tables: [accounts, places]);

impl Operator for Afar {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        let Some(c) = self.customer(row, refs).filter(|c| c.afar) else { return };
        let own = self.accounts.get(&c.account).map_or(Tally::default(), |d| d.since(c.day - self.days + 1));
        let own = Tally { afar: own.afar + 1, all: own.all + 1 };
        let Some(share) = self.expected(&c).filter(|_| own.all >= FEWEST) else { return };
        out[0] = Val::Int(own.afar);
        out[1] = Val::Int(own.all);
        out[2] = Val::Real(share * own.all as f64);
        out[3] = Val::Real(stats::binomial_tail(own.afar, own.all, (share * HONEST).min(0.95)));
    }
    fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        let Some(c) = self.customer(row, refs) else { return };
        self.accounts.of(c.account).add(c.day, c.afar);
        for place in [Some(c.county), c.outlet].into_iter().flatten() {
            self.places.of(place).add(c.day, c.afar);
            self.places.of(c.account.and(place)).add(c.day, c.afar);
        }
    }
    fn expire(&mut self, now: i64) {
        let day = china_day(now);
        let own = day - self.days;
        self.accounts.retain(|_, d| d.forget(own));
        self.places.retain(|_, d| d.forget(day - OTHERS_DAYS));
    }
}
