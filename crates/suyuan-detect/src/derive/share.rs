//! The share of one kind of customer among an outlet's or account's openings, against its peers'.
//!
//! Counts the openings of the last `over` days: all, and those of the asked kind (`other_province`: the identity number's
//! region lies in another province than the outlet; `elderly`: 60 or older; `young`: 16 to 23). Peers are all others
//! with at least 20 openings; their mean and spread of shares are taken at the first row of a day and leave the asked one out. `z` measures
//! the distance in standard deviations, the spread of peers and the chance of a sample of this size taken together,
//! so that a small outlet is not unusual by chance. Openings under an order do not count.
//! Blind to: a district where all outlets have the same customers; then the peers are unusual too.

use std::collections::VecDeque;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day, civil_from_days};

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::registry::{Registry, other_province};
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// Fewer openings make no share.
const FEWEST: i64 = 20;
/// Shares are kept as whole parts of this.
const WHOLE: i64 = 10_000;

pub(crate) static SPEC: Spec = Spec {
    name: "share",
    what: ("the share of a kind of customer against peers'", "某类客户占比与同类网点或工号的比较"),
    on: &[Kind::Opening],
    observes: &[Kind::Opening],
    params: &[
        ParamDef {
            name: "of",
            ty: ParamTy::Word(&["other_province", "elderly", "young"]),
            default: "other_province",
        },
        ParamDef { name: "by", ty: ParamTy::Word(&["outlet", "account"]), default: "outlet" },
        ParamDef { name: "over", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "strangers" },
    ],
    fields,
    build: |p, b| {
        Box::new(Share {
            of: match p.get("of") {
                "elderly" => Of::Elderly,
                "young" => Of::Young,
                _ => Of::OtherProvince,
            },
            by: b.slot(Kind::Opening, if p.get("by") == "account" { "account" } else { "outlet" }),
            account: b.slot(Kind::Opening, "account"),
            outlet: b.slot(Kind::Opening, "outlet"),
            order: b.slot(Kind::Opening, "order"),
            region: b.slot(Kind::Opening, "subject_region6"),
            year: b.slot(Kind::Opening, "subject_birth_year"),
            days: p.span("over") / DAY,
            today: i64::MIN,
            groups: Table::default(),
            peers: Sums::default(),
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    let name = p.get("as");
    let (en, zh) = match p.get("of") {
        "elderly" => ("customers of 60 or older", "60岁以上客户"),
        "young" => ("customers of 16 to 23", "16–23岁客户"),
        _ => ("customers from other provinces", "外省客户"),
    };
    let f = |suffix: &str, ty, e: String, z: String| def(&format!("{name}{suffix}"), ty, &e, &z);
    vec![
        f("", Ty::Bool, format!("one of the {en}"), format!("属于{zh}")),
        f("_share", Ty::Real, format!("{en}, % of openings"), format!("{zh}占比（%）")),
        f("_n", Ty::Int, "openings counted".into(), "统计的开卡数".into()),
        f("_peers", Ty::Real, format!("peers' mean share of {en}, %"), format!("同类{zh}平均占比（%）")),
        f("_times", Ty::Real, "share by peers' mean".into(), "占比为同类平均的倍数".into()),
        f("_z", Ty::Real, "standard deviations above peers".into(), "高于同类的标准差数".into()),
    ]
}

#[derive(Clone, Copy)]
enum Of {
    OtherProvince,
    Elderly,
    Young,
}

#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Group {
    /// Day, of the asked kind, all.
    days: VecDeque<(i64, i64, i64)>,
    /// The share as it entered the peers' sums today.
    told: Option<i64>,
}

impl Group {
    fn sums(&self, from: i64) -> (i64, i64) {
        self.days.iter().filter(|d| d.0 >= from).fold((0, 0), |s, d| (s.0 + d.1, s.1 + d.2))
    }
}

/// Of the peers' shares: how many, sum, sum of squares; whole numbers, so their order does not matter.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Default)]
struct Sums {
    n: i64,
    sum: i64,
    squares: i64,
}

impl Sums {
    fn with(self, share: i64, sign: i64) -> Sums {
        Sums { n: self.n + sign, sum: self.sum + sign * share, squares: self.squares + sign * share * share }
    }
}

struct Share {
    of: Of,
    by: Slot,
    account: Slot,
    outlet: Slot,
    order: Slot,
    region: Slot,
    year: Slot,
    days: i64,
    today: i64,
    groups: Table<Group>,
    peers: Sums,
}

impl Share {
    /// Whether the row's person is of the asked kind; `None` where the row does not tell, or stands under an order.
    fn asked(&self, row: &Row<'_>, refs: &Registry) -> Option<bool> {
        if row.text(self.order).is_some() {
            return None;
        }
        let age = || Some(civil_from_days(china_day(row.ts)).0 - row.int(self.year)?);
        match self.of {
            Of::Elderly => age().map(|a| a >= 60),
            Of::Young => age().map(|a| (16..=23).contains(&a)),
            Of::OtherProvince => {
                let outlet = row.key(self.outlet).and_then(|o| refs.outlets.at(o, row.ts));
                let home = outlet
                    .and_then(|o| o.region6.as_deref())
                    .or_else(|| refs.region_of(row.key(self.account)?, row.ts))?;
                other_province(row.text(self.region)?, home)
            }
        }
    }

    /// At the first row of a day the peers are summed anew.
    fn roll(&mut self, day: i64) {
        if day <= self.today {
            return;
        }
        self.today = day;
        let from = day - self.days;
        let mut peers = Sums::default();
        self.groups.retain(|_, g| {
            while g.days.front().is_some_and(|d| d.0 < from) {
                g.days.pop_front();
            }
            let (k, n) = g.sums(from);
            g.told = (n >= FEWEST).then(|| k * WHOLE / n);
            if let Some(s) = g.told {
                peers = peers.with(s, 1);
            }
            !g.days.is_empty()
        });
        self.peers = peers;
    }
}

saved!(Share, tables: [groups], cells: [today, peers]);

impl Operator for Share {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening {
            return;
        }
        let (Some(by), Some(asked)) = (row.key(self.by), self.asked(row, refs)) else { return };
        let day = china_day(row.ts);
        self.roll(day);
        let group = self.groups.get(&by);
        let (k, n) = group.map_or((0, 0), |g| g.sums(day - self.days + 1));
        let (k, n) = (k + i64::from(asked), n + 1);
        let share = k as f64 / n as f64;
        out[0] = Val::Bool(asked);
        out[1] = Val::Real(share * 100.0);
        out[2] = Val::Int(n);
        let peers = match group.and_then(|g| g.told) {
            Some(told) => self.peers.with(told, -1),
            None => self.peers,
        };
        if peers.n < 3 {
            return;
        }
        let mean = peers.sum as f64 / peers.n as f64;
        let spread = (peers.squares as f64 / peers.n as f64 - mean * mean).max(0.0);
        let p = (mean / WHOLE as f64).clamp(0.001, 0.999);
        let chance = p * (1.0 - p) / n as f64;
        let sd = (spread / (WHOLE * WHOLE) as f64 + chance).sqrt();
        out[3] = Val::Real(mean / WHOLE as f64 * 100.0);
        out[4] = Val::Real(share / p);
        out[5] = Val::Real((share - mean / WHOLE as f64) / sd);
    }
    fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        let (Some(by), Some(asked)) = (row.key(self.by), self.asked(row, refs)) else { return };
        let day = china_day(row.ts);
        self.roll(day);
        let g = self.groups.of(by);
        match g.days.back_mut() {
            Some(d) if d.0 == day => {
                d.1 += i64::from(asked);
                d.2 += 1;
            }
            _ => g.days.push_back((day, i64::from(asked), 1)),
        }
    }
    fn expire(&mut self, now: i64) {
        self.roll(china_day(now));
    }
}
