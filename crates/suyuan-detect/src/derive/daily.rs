//! How much an account or device did today, against its own earlier days and against its peers' days.
//!
//! A day is a day in China. Today's figure includes the row itself; "usual" is the median of the days with any such
//! row within the last 28, today excluded, and needs at least five of them. Peers are those of the same outlet, of the
//! same role, or all.
//! Invariant: a day's figure never enters its own baseline.
//! Blind to: slow growth over months, which the baseline follows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use suyuan_model::Kind;
use suyuan_model::time::china_day;

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// Days of the baseline.
const DAYS: i64 = 28;
/// Fewer earlier days than this make no baseline.
const FEWEST: usize = 5;

const ON: &[Kind] = &[Kind::Opening, Kind::Access];

pub(crate) static SPEC: Spec = Spec {
    name: "daily",
    what: (
        "how much was done today, against own earlier days and peers' days",
        "当日数量与本身往日、同类往日的比较",
    ),
    on: ON,
    observes: &[],
    params: &[
        ParamDef { name: "as", ty: ParamTy::Name, default: "count" },
        ParamDef { name: "of", ty: ParamTy::Word(&["rows", "subjects", "objects"]), default: "rows" },
        ParamDef { name: "by", ty: ParamTy::Word(&["account", "device"]), default: "account" },
        ParamDef { name: "kind", ty: ParamTy::Word(&["opening", "access"]), default: "opening" },
        ParamDef { name: "orders", ty: ParamTy::Word(&["count", "skip"]), default: "count" },
        ParamDef { name: "peers", ty: ParamTy::Word(&["all", "outlet", "role"]), default: "all" },
    ],
    fields,
    build: |p, b| {
        let kind = if p.get("kind") == "access" { Kind::Access } else { Kind::Opening };
        Box::new(Daily {
            kind,
            by: b.slot(kind, if p.get("by") == "device" { "device" } else { "account" }),
            account: b.slot(kind, "account"),
            outlet: (kind == Kind::Opening).then(|| b.slot(kind, "outlet")),
            value: match p.get("of") {
                "subjects" => Some(b.slot(kind, "subject")),
                "objects" if kind == Kind::Access => Some(b.slot(kind, "object")),
                _ => None,
            },
            order: (p.get("orders") == "skip").then(|| b.slot(kind, "order")),
            amount: (p.get("of") == "rows" && kind == Kind::Access).then(|| b.slot(kind, "rows")),
            peers: match p.get("peers") {
                "outlet" => Peers::Outlet,
                "role" => Peers::Role,
                _ => Peers::All,
            },
            day: i64::MIN,
            members: Table::default(),
            groups: Table::default(),
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    let name = p.get("as");
    let (en, zh) = match (p.get("of"), p.get("kind")) {
        ("subjects", _) => ("persons", "人数"),
        ("objects", _) => ("objects", "对象数"),
        (_, "access") => ("rows", "信息条数"),
        _ => ("openings", "开卡数"),
    };
    let f = |suffix: &str, ty, e: String, z: String| def(&format!("{name}_{suffix}"), ty, &e, &z);
    vec![
        f("today", Ty::Int, format!("{en} today"), format!("当日{zh}")),
        f("own", Ty::Real, format!("own usual {en} a day"), format!("本身往日{zh}中位数")),
        f("peers", Ty::Real, format!("peers' usual {en} a day"), format!("同类往日{zh}中位数")),
        f("times_own", Ty::Real, format!("{en} today by own usual"), format!("当日{zh}为本身往日倍数")),
        f("times_peers", Ty::Real, format!("{en} today by peers' usual"), format!("当日{zh}为同类往日倍数")),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Peers {
    All,
    Outlet,
    Role,
}

#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Member {
    today: i64,
    seen: BTreeSet<Key>,
    /// Earlier days with their figures, oldest first.
    past: VecDeque<(i64, i64)>,
    group: Option<Key>,
}

#[derive(serde::Serialize, serde::Deserialize, Default)]
struct Group {
    days: VecDeque<(i64, i64)>,
    /// How many member-days had each figure.
    figures: BTreeMap<i64, usize>,
    median: Option<f64>,
}

struct Daily {
    kind: Kind,
    by: Slot,
    account: Slot,
    outlet: Option<Slot>,
    value: Option<Slot>,
    amount: Option<Slot>,
    order: Option<Slot>,
    peers: Peers,
    day: i64,
    members: Table<Member>,
    groups: Table<Group>,
}

fn median(sorted: impl Iterator<Item = (i64, usize)> + Clone) -> Option<f64> {
    let n: usize = sorted.clone().map(|x| x.1).sum();
    if n < FEWEST {
        return None;
    }
    let at = |place: usize| {
        let mut left = place;
        for (figure, count) in sorted.clone() {
            if left < count {
                return figure;
            }
            left -= count;
        }
        0
    };
    Some((at((n - 1) / 2) + at(n / 2)) as f64 / 2.0)
}

impl Daily {
    /// Closes the days before `day`: their figures become the past.
    fn roll(&mut self, day: i64) {
        if day <= self.day {
            return;
        }
        let closed = self.day;
        for m in self.members.each_mut().filter(|m| m.today > 0) {
            m.past.push_back((closed, m.today));
            // The order in which members are met here does not matter: a group holds counts of figures.
            let g = self.groups.of(m.group.unwrap_or(Key(1)));
            g.days.push_back((closed, m.today));
            *g.figures.entry(m.today).or_default() += 1;
            m.today = 0;
            m.seen = BTreeSet::default();
        }
        self.members.retain(|_, m| {
            while m.past.front().is_some_and(|p| p.0 < day - DAYS) {
                m.past.pop_front();
            }
            !m.past.is_empty()
        });
        self.groups.retain(|_, g| {
            while let Some((_, figure)) = g.days.front().copied().filter(|d| d.0 < day - DAYS) {
                g.days.pop_front();
                if let Some(n) = g.figures.get_mut(&figure) {
                    *n -= 1;
                    if *n == 0 {
                        g.figures.remove(&figure);
                    }
                }
            }
            g.median = median(g.figures.iter().map(|(f, n)| (*f, *n)));
            !g.days.is_empty()
        });
        self.day = day;
    }

    fn group(&self, row: &Row<'_>, refs: &Registry) -> Option<Key> {
        let staff = || row.key(self.account).and_then(|a| refs.staff.at(a, row.ts));
        match self.peers {
            Peers::All => Some(Key(1)),
            Peers::Outlet => {
                self.outlet.and_then(|o| row.key(o)).or_else(|| staff().map(|s| Key::of(&s.outlet)))
            }
            Peers::Role => staff().and_then(|s| s.role.as_deref().map(Key::of)),
        }
    }

    /// What the row adds to today's figure.
    fn adds(&self, row: &Row<'_>, member: Option<&Member>) -> i64 {
        if self.order.is_some_and(|o| row.text(o).is_some()) {
            return 0;
        }
        match (self.value, self.amount) {
            (Some(v), _) => match row.key(v) {
                Some(k) => i64::from(member.is_none_or(|m| !m.seen.contains(&k))),
                None => 0,
            },
            (None, Some(a)) => row.int(a).unwrap_or(1).max(0),
            (None, None) => 1,
        }
    }
}

saved!(Daily, tables: [members, groups], cells: [day]);

impl Operator for Daily {
    fn compute(&mut self, row: &Row<'_>, refs: &Registry, out: &mut [Val]) {
        if row.kind() != self.kind {
            return;
        }
        let Some(by) = row.key(self.by) else { return };
        self.roll(china_day(row.ts));
        let member = self.members.get(&by);
        let today = member.map_or(0, |m| m.today) + self.adds(row, member);
        out[0] = Val::Int(today);
        let own = member.and_then(|m| {
            let mut past: Vec<(i64, usize)> = m.past.iter().map(|p| (p.1, 1)).collect();
            past.sort_unstable();
            median(past.iter().copied())
        });
        let group = self.group(row, refs).and_then(|g| self.groups.get(&g));
        let peers = group.and_then(|g| g.median);
        out[1] = own.into();
        out[2] = peers.into();
        out[3] = own.filter(|o| *o > 0.0).map(|o| today as f64 / o).into();
        out[4] = peers.filter(|p| *p > 0.0).map(|p| today as f64 / p).into();
    }
    fn observe(&mut self, row: &Row<'_>, refs: &Registry) {
        if row.kind() != self.kind {
            return;
        }
        let Some(by) = row.key(self.by) else { return };
        self.roll(china_day(row.ts));
        let adds = self.adds(row, self.members.get(&by));
        let group = self.group(row, refs);
        let value = self.value.and_then(|v| row.key(v));
        let m = self.members.of(by);
        m.today += adds;
        m.group = group;
        if let Some(v) = value.filter(|_| adds > 0) {
            m.seen.insert(v);
        }
    }
    fn expire(&mut self, now: i64) {
        self.roll(china_day(now));
    }
}
