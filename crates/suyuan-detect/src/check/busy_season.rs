//! A busy season: on those days all the carrier sells many times as much as usual, and the device no more than its share of that.
//!
//! Of each day of the evidence: how many times as much as in the 28 days before the other outlets opened, and whether the device stays
//! within `times` as much as the devices of its outlet usually do (as the rule asks), the season left out. Usual is the median of
//! days with any opening, of five at least. Spring Festival, the beginning of term, a sale of the whole carrier.
//! Blind to: who hides in the season; a device that opened five times too much still stands out.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::china_day;

use super::{About, Check, Spec, share};
use crate::derive::{ParamDef, ParamTy};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// Days of what is usual.
const DAYS: i64 = 28;
/// Fewer make nothing usual.
const FEWEST: usize = 5;

pub(crate) static SPEC: Spec = Spec {
    name: "busy_season",
    what: (
        "a busy season: all the carrier sells many times as much on these days",
        "销售旺季：当日全网开卡量同样数倍于平时",
    ),
    reads: &[Kind::Opening],
    params: &[ParamDef { name: "times", ty: ParamTy::Int, default: "5" }],
    build: |p, b| {
        Box::new(Season {
            device: b.slot(Kind::Opening, "device"),
            outlet: b.slot(Kind::Opening, "outlet"),
            times: p.int("times") as f64,
            all: BTreeMap::new(),
            outlets: KeyMap::default(),
            asked: BTreeMap::new(),
        })
    },
};

/// Openings by day.
type Days = BTreeMap<i64, u64>;

/// An outlet's openings by day, and by day and device.
#[derive(Default)]
struct Shop {
    total: Days,
    devices: BTreeMap<i64, Vec<(Key, u64)>>,
}

struct Season {
    device: Slot,
    outlet: Slot,
    times: f64,
    all: Days,
    outlets: KeyMap<Shop>,
    /// Per finding: outlet, device and day.
    asked: BTreeMap<usize, BTreeSet<(Key, Key, i64)>>,
}

/// The median of an unsorted list, if it is long enough.
fn usual(mut list: Vec<u64>) -> Option<f64> {
    list.sort_unstable();
    let n = list.len();
    (n >= FEWEST).then(|| (list[(n - 1) / 2] + list[n / 2]) as f64 / 2.0)
}

impl Season {
    /// How many times as much as usual the other outlets opened.
    fn season(&self, outlet: &Days, day: i64) -> Option<f64> {
        let others = |d: i64| {
            let all = self.all.get(&d).copied().unwrap_or(0);
            all - outlet.get(&d).copied().unwrap_or(0)
        };
        let before = (day - DAYS..day).map(others).filter(|n| *n > 0).collect();
        usual(before).map(|before| others(day) as f64 / before)
    }

    /// Whether the season explains what the device did that day, and how many times as much as usual was sold.
    fn explains(&self, outlet: Key, device: Key, day: i64) -> Option<(bool, f64)> {
        let Shop { total, devices } = self.outlets.get(&outlet)?;
        let season = self.season(total, day)?;
        let own = devices.get(&day)?.iter().find(|d| d.0 == device)?.1;
        let before = devices.range(day - DAYS..day).flat_map(|(_, list)| list.iter().map(|d| d.1)).collect();
        Some((own as f64 <= self.times * usual(before)? * season, season))
    }
}

impl Check for Season {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let Some((outlet, device)) = row.key(self.outlet).zip(row.key(self.device)) {
            self.asked.entry(n).or_default().insert((outlet, device, china_day(row.ts)));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((outlet, device)) = row.key(self.outlet).zip(row.key(self.device)) else { return };
        let day = china_day(row.ts);
        *self.all.entry(day).or_default() += 1;
        let own = self.outlets.entry(outlet).or_default();
        *own.total.entry(day).or_default() += 1;
        let list = own.devices.entry(day).or_default();
        match list.iter_mut().find(|d| d.0 == device) {
            Some(d) => d.1 += 1,
            None => list.push((device, 1)),
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let asked = self.asked.get(&n).into_iter().flatten();
        let told: Vec<(bool, f64)> = asked.filter_map(|(o, d, day)| self.explains(*o, *d, *day)).collect();
        if told.is_empty() {
            return (Outcome::NotCheckable, Text::new("no earlier days to compare with", "没有可比较的往日"));
        }
        let (k, all) = (told.iter().filter(|t| t.0).count(), told.len());
        let most = told.iter().map(|t| t.1).fold(0.0, f64::max);
        let text = Text::new(
            format!(
                "on {k} of {all} days the season explains it; the other outlets sold up to {most:.1} times as much as usual"
            ),
            format!("{all}天中{k}天可由旺季解释；其他网点当日最多达平时的{most:.1}倍"),
        );
        (share(k as u64, all as u64), text)
    }
}
