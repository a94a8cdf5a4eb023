//! A contact that nobody gave: the same number stands with customers all over the carrier, as a hotline or a filler does.
//!
//! Supported where the number stands with customers of at least ten outlets and of a fifth of all.
//! Blind to: a shop that fills in its own number; see `house`.

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap, KeySet};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// No ring works through so many outlets.
const OUTLETS: usize = 10;
/// One outlet in so many.
const PART: usize = 5;

pub(crate) static SPEC: Spec = Spec {
    name: "filler_contact",
    what: ("a hotline or a filler where no contact was given", "热线号码或未填时的占位号码"),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Filler {
            contact: b.slot(Kind::Opening, "contact"),
            outlet: b.slot(Kind::Opening, "outlet"),
            asked: BTreeMap::new(),
            where_named: KeyMap::default(),
            outlets: KeySet::default(),
        })
    },
};

struct Filler {
    contact: Slot,
    outlet: Slot,
    asked: BTreeMap<usize, Key>,
    /// Per contact: the outlets whose customers name it, no more than tell.
    where_named: KeyMap<KeySet>,
    outlets: KeySet,
}

impl Check for Filler {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening
            && let Some(contact) = row.key(self.contact)
        {
            self.asked.insert(n, contact);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some(outlet) = row.key(self.outlet) else { return };
        self.outlets.insert(outlet);
        if let Some(contact) = row.key(self.contact) {
            self.where_named.entry(contact).or_default().insert(outlet);
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let named = self.asked.get(&n).and_then(|c| self.where_named.get(c)).map_or(0, KeySet::len);
        let all = self.outlets.len();
        if named == 0 {
            return (Outcome::NotCheckable, Text::new("no outlets in the openings", "开卡记录未载网点"));
        }
        let text = Text::new(
            format!("it stands with customers of {named} of {all} outlets"),
            format!("{all}个网点中{named}个的客户留此号码"),
        );
        let filler = named >= OUTLETS && named * PART >= all;
        (if filler { Outcome::Supported } else { Outcome::Excluded }, text)
    }
}
