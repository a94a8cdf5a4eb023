//! They came themselves: their faces were taken minutes before, at a device of the shop that also serves the people of the place.
//!
//! Explained is an opening within ten minutes of its capture on a device that stands on the account's outlet's asset list, or, where
//! there is no list, whose customers under the account are of the opening's own province for a quarter, and ten at least. Openings
//! without a device or a time of capture are left out, and where those are half of all it says nothing.
//! Blind to: faces that are played again into the shop's own device at the moment of opening.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::SECOND;
use suyuan_model::{Kind, region};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// From the capture to the opening: scheme S10.
const FRESH: i64 = 600 * SECOND;
/// A device of the place serves as many of its people ...
const LOCALS: u64 = 10;
/// ... and one in so many.
const PART: u64 = 4;

pub(crate) static SPEC: Spec = Spec {
    name: "at_the_counter",
    what: (
        "they came themselves: faces taken minutes before, at a device that serves the people of the place",
        "本人到场：人像在数分钟前采集，且所用终端平时服务当地客户",
    ),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Counter {
            account: b.slot(Kind::Opening, "account"),
            device: b.slot(Kind::Opening, "device"),
            captured_at: b.slot(Kind::Opening, "captured_at"),
            region: b.slot(Kind::Opening, "region6"),
            home: b.slot(Kind::Opening, "subject_region6"),
            customers: KeyMap::default(),
            rows: BTreeMap::new(),
            untold: BTreeMap::new(),
        })
    },
};

struct Counter {
    account: Slot,
    device: Slot,
    captured_at: Slot,
    region: Slot,
    home: Slot,
    /// Per account and device: openings for people of the province, and all.
    customers: KeyMap<(u64, u64)>,
    /// Per finding: account and device, whether fresh, whether the device is the outlet's (if there is a list).
    rows: BTreeMap<usize, Vec<(Key, bool, Option<bool>)>>,
    /// Evidence without a device or a time of capture.
    untold: BTreeMap<usize, u64>,
}

impl Check for Counter {
    fn evidence(&mut self, n: usize, row: &Row<'_>, refs: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some(account) = row.key(self.account) else { return };
        let (Some(device), Some(captured)) = (row.key(self.device), row.time(self.captured_at)) else {
            *self.untold.entry(n).or_default() += 1;
            return;
        };
        let own = (!refs.terminals.is_empty()).then(|| {
            let home = refs.staff.at(account, row.ts).map(|s| &*s.outlet);
            refs.terminals.at(device, row.ts).is_some_and(|t| home.is_some() && t.outlet.as_deref() == home)
        });
        let fresh = row.ts - captured <= FRESH;
        self.rows.entry(n).or_default().push((account.and(device), fresh, own));
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((account, device)) = row.key(self.account).zip(row.key(self.device)) else { return };
        let Some((here, home)) = row.text(self.region).zip(row.text(self.home)) else { return };
        let seen = self.customers.entry(account.and(device)).or_default();
        seen.0 += u64::from(region::province(here) == region::province(home));
        seen.1 += 1;
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        let rows = self.rows.get(&n).map_or(&[][..], Vec::as_slice);
        for (at, fresh, own) in rows {
            let (locals, all) = self.customers.get(at).copied().unwrap_or_default();
            let of_the_place = own.unwrap_or(locals >= LOCALS && locals * PART >= all);
            tally.row(n, *fresh && of_the_place);
        }
        if rows.len() as u64 <= self.untold.get(&n).copied().unwrap_or(0) {
            let text =
                Text::new("most openings name no device or time of capture", "多数开卡未载终端或采集时间");
            return (Outcome::NotCheckable, text);
        }
        tally.outcome(
            n,
            ("openings with a device and a time of capture", "笔载有终端与采集时间的开卡"),
            (
                "were made within ten minutes of the capture at such a device",
                "笔在采集后十分钟内于此类终端办理",
            ),
        )
    }
}
