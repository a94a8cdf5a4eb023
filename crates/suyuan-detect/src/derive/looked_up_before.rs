//! Who had looked up the victim, and whether that account's persons are harmed more often than others'.
//!
//! On fraud reports with a victim and complaints of misused data: of the accounts that looked the person up within `within` before, the
//! one whose tally is least likely by chance. An account's exposure is the number of different persons it has looked up (a person seen again after
//! `within` counts again); its expectation is that number at the rate of all other accounts.
//! Invariant: an account that looks up twice as many persons is expected to meet twice as many victims.
//! Blind to: leaks from systems whose accesses are not delivered; `suyuan trace` weighs all sources of all victims together.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::DAY;

use super::{FieldDef, Operator, ParamDef, ParamTy, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::stats;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "looked_up_before",
    what: (
        "which account looked up the victim before, and how its persons fare",
        "哪个工号此前查询过受害人及其所查人员受害比率",
    ),
    on: &[Kind::FraudReport, Kind::Complaint],
    observes: &[Kind::Access, Kind::FraudReport, Kind::Complaint],
    params: &[ParamDef { name: "within", ty: ParamTy::Span, default: "30d" }],
    fields,
    build: |p, b| {
        Box::new(LookedUp {
            account: b.slot(Kind::Access, "account"),
            subject: b.slot(Kind::Access, "subject"),
            victim: b.slot(Kind::FraudReport, "victim"),
            c_subject: b.slot(Kind::Complaint, "subject"),
            c_kind: b.slot(Kind::Complaint, "kind"),
            within: p.span("within"),
            seen: Table::default(),
            accounts: Table::default(),
            names: Table::default(),
            all: Tally::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def("looker_account", Ty::Text, "account that had looked the victim up", "此前查询受害人的工号"),
        def("looker_victims", Ty::Int, "victims that it had looked up", "其所查人员中的受害人数"),
        def("looker_persons", Ty::Int, "persons that it looked up", "其所查人数"),
        def("looker_times", Ty::Real, "victims by expectation", "受害人数为应有数的倍数"),
        def("looker_p", Ty::Real, "chance of so many (Poisson tail)", "偶然达到的概率（泊松尾）"),
        def("looker_llr", Ty::Real, "log likelihood ratio, nats", "对数似然比"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Tally {
    persons: i64,
    victims: i64,
}

struct LookedUp {
    account: Slot,
    subject: Slot,
    victim: Slot,
    c_subject: Slot,
    c_kind: Slot,
    within: i64,
    /// Per person: accounts and when each looked last.
    seen: Table<Vec<(Key, i64)>>,
    accounts: Table<Tally>,
    names: Table<Arc<str>>,
    all: Tally,
}

struct Excess {
    account: Key,
    victims: i64,
    persons: i64,
    expected: f64,
    p: f64,
}

impl LookedUp {
    fn victim(&self, row: &Row<'_>) -> Option<Key> {
        match row.kind() {
            Kind::FraudReport => row.key(self.victim),
            Kind::Complaint if row.text(self.c_kind) == Some("data_misused") => row.key(self.c_subject),
            _ => None,
        }
    }
    fn lookers(&self, person: Key, now: i64) -> impl Iterator<Item = Key> + '_ {
        let list = self.seen.get(&person).map_or(&[][..], Vec::as_slice);
        list.iter().filter(move |l| now - l.1 <= self.within).map(|l| l.0)
    }
    fn excess(&self, account: Key) -> Excess {
        let t = self.accounts.get(&account).copied().unwrap_or_default();
        let (others, persons) = (self.all.victims - t.victims, self.all.persons - t.persons);
        let rate = (others as f64).max(0.5) / (persons as f64).max(1.0);
        let expected = rate * t.persons as f64;
        let victims = t.victims + 1;
        let p = if victims as f64 <= expected { 1.0 } else { stats::poisson_tail(victims, expected) };
        Excess { account, victims, persons: t.persons, expected, p }
    }
}

saved!(LookedUp, tables: [seen, accounts, names], cells: [all]);

impl Operator for LookedUp {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some(victim) = self.victim(row) else { return };
        let best = self
            .lookers(victim, row.ts)
            .map(|a| self.excess(a))
            .min_by(|a, b| a.p.total_cmp(&b.p).then(a.account.cmp(&b.account)));
        let Some(e) = best else { return };
        out[0] = self.names.get(&e.account).cloned().into();
        out[1] = Val::Int(e.victims);
        out[2] = Val::Int(e.persons);
        out[3] = Val::Real(e.victims as f64 / e.expected.max(1e-9));
        out[4] = Val::Real(e.p);
        out[5] = Val::Real(stats::poisson_llr(e.victims, e.expected));
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Access {
            let Some((account, subject)) = row.key(self.account).zip(row.key(self.subject)) else { return };
            let list = self.seen.of(subject);
            let fresh = match list.iter_mut().find(|l| l.0 == account) {
                Some(l) => {
                    let fresh = row.ts - l.1 > self.within;
                    l.1 = row.ts;
                    fresh
                }
                None => {
                    list.push((account, row.ts));
                    true
                }
            };
            if fresh {
                self.accounts.of(account).persons += 1;
                self.all.persons += 1;
                if let Some(name) = row.text(self.account) {
                    self.names.or_insert_with(account, || name.into());
                }
            }
            return;
        }
        let Some(victim) = self.victim(row) else { return };
        let lookers: Vec<Key> = self.lookers(victim, row.ts).collect();
        for a in lookers {
            self.accounts.of(a).victims += 1;
            self.all.victims += 1;
        }
        // A victim counts once for each who looked.
        self.seen.remove(&victim);
    }
    fn patience(&self) -> i64 {
        7 * DAY
    }
    fn expire(&mut self, now: i64) {
        let within = self.within;
        self.seen.retain(|_, l| {
            l.retain(|x| now - x.1 <= within);
            !l.is_empty()
        });
    }
}
