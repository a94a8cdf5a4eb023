//! They came themselves: their faces were taken minutes before, at a device of the shop that also serves the people of the place.
//!
//! Explained is an opening within ten minutes of its capture on a device that stands on the account's outlet's asset list, or, where
//! there is no list, whose customers under the account are of the opening's own province for a quarter, and ten at least; openings
//! long after their capture show no customer and are left out of that. Openings of the evidence without a device or a time of
//! capture are left out, and where those are half of all it says nothing.
//! No desk sends everything at once: lines are down, telephones are new. So where nine in ten are not explained but half are, the
//! people of the place whom the account served at the same devices say how many are not even there: as many as twice their
//! share would bring by a chance of one in twenty are explained too.
//! Blind to: faces that are played again into the shop's own device at the moment of opening.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::SECOND;
use suyuan_model::{Kind, region};

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::stats;
use crate::view::{Row, Slot};

/// From the capture to the opening: scheme S10.
const FRESH: i64 = 600 * SECOND;
/// A device of the place serves as many of its people ...
const LOCALS: u64 = 10;
/// ... and one in so many.
const PART: u64 = 4;
/// Fewer people of the place with a time of capture are no measure.
const FEWEST: u64 = 20;
/// How much more often than theirs other honest customers' openings may come late.
const HONEST: f64 = 2.0;
/// A chance of less than this is none.
const CHANCE: f64 = 0.05;

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
            desks: KeyMap::default(),
            rows: BTreeMap::new(),
            untold: BTreeMap::new(),
        })
    },
};

/// What an account did at a device.
#[derive(Clone, Copy, Default)]
struct Desk {
    /// Openings that are not known to be late: for people of the province, and all.
    locals: u64,
    all: u64,
    /// Of those for people of the province: with a time of capture, and within ten minutes of it.
    told: u64,
    came: u64,
}

impl Desk {
    /// Takes in an opening, `fresh` if it tells a time of capture.
    fn row(&mut self, local: bool, fresh: Option<bool>) {
        if fresh != Some(false) {
            self.locals += u64::from(local);
            self.all += 1;
        }
        if local {
            self.told += u64::from(fresh.is_some());
            self.came += u64::from(fresh == Some(true));
        }
    }
}

/// An opening of a finding, with a device and a time of capture.
struct Shown {
    row: Key,
    /// Account and device.
    desk: Key,
    fresh: bool,
    /// Whether the device is the outlet's, if there is a list.
    listed: Option<bool>,
    /// Whether it is for one of the place.
    local: bool,
}

struct Counter {
    account: Slot,
    device: Slot,
    captured_at: Slot,
    region: Slot,
    home: Slot,
    /// By account and device.
    desks: KeyMap<Desk>,
    /// Per finding.
    rows: BTreeMap<usize, Vec<Shown>>,
    /// Evidence without a device or a time of capture.
    untold: BTreeMap<usize, u64>,
}

/// Minutes between capture and opening, not hours.
fn fresh(row: &Row<'_>, captured: i64) -> bool {
    row.ts - captured <= FRESH
}

impl Counter {
    /// Whether the opening is for one of the province; `None` where the row does not say.
    fn local(&self, row: &Row<'_>) -> Option<bool> {
        let (here, home) = row.text(self.region).zip(row.text(self.home))?;
        Some(region::province(here) == region::province(home))
    }

    fn shown(&self, finding: usize) -> &[Shown] {
        self.rows.get(&finding).map_or(&[], Vec::as_slice)
    }

    /// Whether the customer came.
    fn came(&self, shown: &Shown) -> bool {
        shown.fresh && self.desk(shown).1
    }

    /// What the account did at that device, and whether it is one of the place.
    fn desk(&self, shown: &Shown) -> (Desk, bool) {
        let desk = self.desks.get(&shown.desk).copied().unwrap_or_default();
        let of_the_place = shown.listed.unwrap_or(desk.locals >= LOCALS && desk.locals * PART >= desk.all);
        (desk, of_the_place)
    }

    /// Of the people of the place served at the devices of the evidence, who are no evidence: who came, and all.
    fn beside(&self, rows: &[Shown]) -> (u64, u64) {
        let mut desks: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
        for shown in rows {
            let (desk, of_the_place) = self.desk(shown);
            let came = |fresh: u64| if of_the_place { fresh } else { 0 };
            let own = desks.entry(shown.desk).or_insert((came(desk.came), desk.told));
            if shown.local {
                *own = (own.0.saturating_sub(came(u64::from(shown.fresh))), own.1.saturating_sub(1));
            }
        }
        desks.values().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1))
    }
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
        let listed = (!refs.terminals.is_empty()).then(|| {
            let home = refs.staff.at(account, row.ts).map(|s| &*s.outlet);
            refs.terminals.at(device, row.ts).is_some_and(|t| home.is_some() && t.outlet.as_deref() == home)
        });
        let local = self.local(row).unwrap_or(false);
        let (desk, fresh) = (account.and(device), fresh(row, captured));
        let shown = Shown { row: row.identity(), desk, fresh, listed, local };
        self.rows.entry(n).or_default().push(shown);
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((account, device)) = row.key(self.account).zip(row.key(self.device)) else { return };
        let Some(local) = self.local(row) else { return };
        let captured = row.time(self.captured_at);
        let desk = self.desks.entry(account.and(device)).or_default();
        desk.row(local, captured.map(|c| fresh(row, c)));
    }
    fn rows_explained(&self, n: usize) -> Vec<Key> {
        self.shown(n).iter().filter(|s| self.came(s)).map(|s| s.row).collect()
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut tally = Tally::default();
        let rows = self.shown(n);
        rows.iter().for_each(|s| tally.row(n, self.came(s)));
        if rows.len() as u64 <= self.untold.get(&n).copied().unwrap_or(0) {
            let text =
                Text::new("most openings name no device or time of capture", "多数开卡未载终端或采集时间");
            return (Outcome::NotCheckable, text);
        }
        let (outcome, mut text) = tally.outcome(
            n,
            ("openings with a device and a time of capture", "笔载有终端与采集时间的开卡"),
            (
                "were made within ten minutes of the capture at such a device",
                "笔在采集后十分钟内于此类终端办理",
            ),
        );
        let (came, all) = self.beside(rows);
        if outcome != Outcome::NotCheckable || all < FEWEST {
            return (outcome, text);
        }
        text.en += &format!("; {came} of {all} for other people of the place at these devices");
        text.zh += &format!("；同终端其他本地客户{all}笔中为{came}笔");
        let (k, of) = tally.get(n);
        let late = (all - came + 1) as f64 / (all + 2) as f64;
        let chance = stats::binomial_tail((of - k) as i64, of as i64, (late * HONEST).min(1.0));
        (if chance >= CHANCE { Outcome::Supported } else { outcome }, text)
    }
}
