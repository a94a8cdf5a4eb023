//! A new task or a new screen: from the first such look-up on, colleagues take the same kinds of data too.
//!
//! Of each category on most rows of the evidence: at least two others of the account's role take it in one of twenty of their look-ups, of
//! twenty at least, since the first row of evidence. Whom the evidence is about does not count as a colleague.
//! Blind to: several who take it together.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::derive::data_taken::{CATEGORIES, categories};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// Fewer look-ups tell nothing of a colleague.
const FEWEST: u64 = 20;
/// One look-up in so many.
const PART: u64 = 20;
/// So many colleagues.
const COLLEAGUES: usize = 2;

pub(crate) static SPEC: Spec = Spec {
    name: "colleagues_too",
    what: (
        "a new task or screen: colleagues take the same data too",
        "新任务或新界面：同岗位也开始查询同类信息",
    ),
    reads: &[Kind::Access],
    params: &[],
    build: |_, b| {
        Box::new(Colleagues {
            account: b.slot(Kind::Access, "account"),
            categories: b.slot(Kind::Access, "categories"),
            accounts: KeyMap::default(),
            accused: KeySet::default(),
            rows: BTreeMap::new(),
        })
    },
};

/// Look-ups, all and by category.
#[derive(Default)]
struct Taken {
    role: Option<Key>,
    all: u64,
    of: [u64; CATEGORIES.len()],
}

struct Colleagues {
    account: Slot,
    categories: Slot,
    /// Since the first evidence.
    accounts: KeyMap<Taken>,
    accused: KeySet,
    /// Per finding: its role, rows, and those with each category.
    rows: BTreeMap<usize, Taken>,
}

impl Taken {
    fn add(&mut self, row: &Row<'_>, categories_of: Slot) {
        let bits = row.text(categories_of).map_or(0, categories);
        self.all += 1;
        self.of.iter_mut().enumerate().for_each(|(n, k)| *k += u64::from(bits >> n & 1));
    }
}

impl Check for Colleagues {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        let Some(account) = row.key(self.account).filter(|_| row.kind() == Kind::Access) else { return };
        self.accused.insert(account);
        let own = self.rows.entry(n).or_default();
        own.role = role(account, row.ts, refs);
        own.add(row, self.categories);
    }
    fn other(&mut self, row: &Row<'_>, refs: &Registry) {
        if self.rows.is_empty() {
            return;
        }
        if let Some(account) = row.key(self.account) {
            let own = self.accounts.entry(account).or_default();
            own.role = role(account, row.ts, refs);
            own.add(row, self.categories);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let Some(own) = self.rows.get(&n) else {
            return (Outcome::NotCheckable, Text::new("no rows to look at", "没有可核查的记录"));
        };
        // Counts do not depend on the order in which accounts are met here.
        let colleague = |(k, t): &(&Key, &Taken)| {
            !self.accused.contains(*k) && t.all >= FEWEST && (own.role.is_none() || t.role == own.role)
        };
        let colleagues: Vec<&Taken> = self.accounts.iter().filter(colleague).map(|(_, t)| t).collect();
        if colleagues.len() < COLLEAGUES {
            let text = Text::new("no colleagues at work since", "此后没有同岗位人员的查询可比较");
            return (Outcome::NotCheckable, text);
        }
        let of = (0..CATEGORIES.len()).filter(|c| own.of[*c] * 2 > own.all);
        let taken: BTreeSet<(usize, usize)> =
            of.map(|c| (colleagues.iter().filter(|t| t.of[c] * PART >= t.all).count(), c)).collect();
        let Some((fewest, category)) = taken.first().copied() else {
            return (Outcome::NotCheckable, Text::new("no categories on the rows", "记录未载信息类别"));
        };
        let (name, all) = (CATEGORIES[category], colleagues.len());
        let text = Text::new(
            format!(
                "{fewest} of {all} colleagues take `{name}` too in at least one look-up in twenty since then"
            ),
            format!("此后{all}名同岗位人员中{fewest}名的查询至少二十分之一也含“{name}”"),
        );
        (if fewest >= COLLEAGUES { Outcome::Supported } else { Outcome::Excluded }, text)
    }
}

fn role(account: Key, ts: i64, refs: &Registry) -> Option<Key> {
    refs.staff.at(account, ts).and_then(|s| s.role.as_deref()).map(Key::of)
}
