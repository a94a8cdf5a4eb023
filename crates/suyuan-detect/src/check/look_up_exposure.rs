//! Simply a busy desk: over all records, the persons it looks up are harmed no more often than others'.
//!
//! Counts different persons looked up by each account and how many of them are victims of a later report within 30 days.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::DAY;

use super::{About, Check, Spec, against_rest};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

const WITHIN: i64 = 30 * DAY;
/// A rate this many times that of the others is no matter of volume.
const TIMES: f64 = 3.0;

pub(crate) static SPEC: Spec = Spec {
    name: "look_up_exposure",
    what: (
        "a busy desk: its persons are harmed no more often than others'",
        "业务量大：所查人员受害率并不高于他人",
    ),
    reads: &[Kind::Access, Kind::FraudReport, Kind::Complaint],
    params: &[],
    build: |_, b| {
        Box::new(Exposure {
            account: b.slot(Kind::Access, "account"),
            subject: b.slot(Kind::Access, "subject"),
            victim: b.slot(Kind::FraudReport, "victim"),
            c_subject: b.slot(Kind::Complaint, "subject"),
            c_kind: b.slot(Kind::Complaint, "kind"),
            seen: KeyMap::default(),
            accounts: KeyMap::default(),
            all: (0, 0),
        })
    },
};

struct Exposure {
    account: Slot,
    subject: Slot,
    victim: Slot,
    c_subject: Slot,
    c_kind: Slot,
    seen: KeyMap<Vec<(Key, i64)>>,
    /// Victims and persons.
    accounts: KeyMap<(u64, u64)>,
    all: (u64, u64),
}

impl Check for Exposure {
    fn evidence(&mut self, _: usize, _: &Row<'_>, _: &Registry) {}
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Access {
            let Some((account, subject)) = row.key(self.account).zip(row.key(self.subject)) else { return };
            let list = self.seen.entry(subject).or_default();
            let fresh = list.iter().find(|l| l.0 == account).is_none_or(|l| row.ts - l.1 > WITHIN);
            list.retain(|l| l.0 != account && row.ts - l.1 <= WITHIN);
            list.push((account, row.ts));
            if fresh {
                self.accounts.entry(account).or_default().1 += 1;
                self.all.1 += 1;
            }
            return;
        }
        let victim = match row.kind() {
            Kind::FraudReport => row.key(self.victim),
            Kind::Complaint if row.text(self.c_kind) == Some("data_misused") => row.key(self.c_subject),
            _ => None,
        };
        for (account, ts) in victim.and_then(|v| self.seen.remove(&v)).unwrap_or_default() {
            if row.ts - ts <= WITHIN {
                self.accounts.entry(account).or_default().0 += 1;
                self.all.0 += 1;
            }
        }
    }
    fn outcome(&self, _: usize, about: &About<'_>) -> (Outcome, Text) {
        let (k, n) = self.accounts.get(&Key::of(about.entity)).copied().unwrap_or_default();
        let Some((own, rate, outcome)) = against_rest((k, n), self.all, TIMES) else {
            let text = Text::new("no other look-ups to compare with", "没有可比较的其他查询");
            return (Outcome::NotCheckable, text);
        };
        let text = Text::new(
            format!(
                "{k} of the {n} persons it looked up became victims within 30 days ({own:.2} %), {rate:.3} % of all others'"
            ),
            format!("其所查{n}人中{k}人30天内受害（{own:.2}%），其他工号为{rate:.3}%"),
        );
        (outcome, text)
    }
}
