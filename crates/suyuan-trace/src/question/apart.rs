//! Which record would tell apart accounts that the harm alone cannot.
//!
//! Asked of every source whose credible set has several members. What they did in the window is read from their own
//! rows: on which devices, at which hours, with how many orders. From that, and from which kinds of record the lake
//! holds at all, follows what would decide: a record that is missing, or one that is there and should be looked at.
//!
//! Always holds: what the records do not hold is said to be missing, never guessed.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::outcome::{EntityKind, Question, Source, Text};
use suyuan_model::records::access::AccessColumns;
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::{self, CHINA, DAY, HOUR};

use crate::facts::{Bar, Facts, scan_between};
use crate::intern::{Id, NONE};
use crate::prints::{Print, Sieve};
use crate::words::text;

/// Members named; the others are counted.
const NAMED: usize = 4;

/// What an account did, by hour of day and device.
#[derive(Clone, Debug, Default)]
struct Work {
    rows: u64,
    ordered: u64,
    devices: BTreeMap<Id, u64>,
    hours: [u64; 24],
}

impl Work {
    fn add(&mut self, ts: i64, device: Id, ordered: bool) {
        self.rows += 1;
        self.ordered += u64::from(ordered);
        if device != NONE {
            *self.devices.entry(device).or_default() += 1;
        }
        self.hours[((ts + CHINA).rem_euclid(DAY) / HOUR) as usize % 24] += 1;
    }

    /// The hours that hold the middle four fifths.
    fn band(&self) -> (usize, usize) {
        let at = |part: u64| {
            let mut sum = 0;
            let reached = |n: &u64| {
                sum += n;
                sum * 10 >= self.rows * part && sum > 0
            };
            self.hours.iter().position(reached).unwrap_or(0)
        };
        (at(1), at(9))
    }

    /// The device with most rows.
    fn device(&self) -> Option<Id> {
        self.devices.iter().max_by_key(|(d, n)| (**n, std::cmp::Reverse(**d))).map(|x| *x.0)
    }
}

/// Which kinds the lake holds.
#[derive(Clone, Copy)]
struct Have {
    logins: bool,
    orders: bool,
}

/// One set: accounts and what they did, and between which days.
struct Set<'a> {
    members: Vec<(&'a str, &'a Work)>,
    days: (String, String),
    opened: bool,
}

/// Says of every source with several candidates what would tell them apart.
pub fn tell(
    f: &Facts,
    source: &dyn RowSource,
    sources: &mut [Source],
    bar: &mut Bar<'_>,
) -> Result<(), ScanError> {
    let open = |s: &Source| s.credible_set.len() > 1;
    let by_lookups = |s: &&Source| open(s) && s.question != Question::CardOpening;
    let window = |s: &Source| s.window.map(|w| (w.start, w.end)).or(f.span).unwrap_or_default();
    let wanted: BTreeSet<Id> = sources.iter().filter(by_lookups).flat_map(|s| accounts(f, s)).collect();
    let windows = sources.iter().filter(by_lookups).map(window);
    let looks = match windows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) {
        Some(times) if !wanted.is_empty() => looks(f, source, &wanted, times, bar)?,
        _ => Vec::new(),
    };
    let have = Have { logins: source.count(Kind::Login) > 0, orders: source.count(Kind::WorkOrder) > 0 };
    for s in sources.iter_mut().filter(|s| open(s)) {
        let (from, until) = window(s);
        let opened = s.question == Question::CardOpening;
        let mut works: BTreeMap<Id, Work> = BTreeMap::new();
        if opened {
            for o in f.openings.iter().filter(|o| (from..=until).contains(&o.row.ts)) {
                works.entry(o.account).or_default().add(o.row.ts, o.device, o.order != NONE);
            }
        } else {
            for (account, ts, device, ordered) in looks.iter().filter(|l| (from..=until).contains(&l.1)) {
                works.entry(*account).or_default().add(*ts, *device, *ordered);
            }
        }
        let day = |ts: i64| time::format_china(ts).chars().take(10).collect::<String>();
        let none = Work::default();
        let members = accounts(f, s).map(|a| (f.name(a), works.get(&a).unwrap_or(&none))).collect();
        let set = Set { members, days: (day(from), day(until)), opened };
        if set.members.len() > 1 {
            let apart = words(f, &set, have);
            s.cannot_tell = Text::new(apart.en + &s.cannot_tell.en, apart.zh + &s.cannot_tell.zh);
        }
    }
    Ok(())
}

/// The accounts of a source's set, by share.
fn accounts<'a>(f: &'a Facts, s: &'a Source) -> impl Iterator<Item = Id> + 'a {
    let accounts = s.credible_set.iter().filter(|(e, _)| e.kind == EntityKind::Account);
    accounts.filter_map(|(e, _)| f.names.find(&e.id))
}

/// Look-ups of these accounts in the times between two instants, if not more: who, when, on which device, whether with an
/// order.
fn looks(
    f: &Facts,
    source: &dyn RowSource,
    wanted: &BTreeSet<Id>,
    times: (i64, i64),
    bar: &mut Bar<'_>,
) -> Result<Vec<(Id, i64, Id, bool)>, ScanError> {
    let mut out = Vec::new();
    let wanted = Sieve::of(wanted.iter().map(|a| (Print::of(f.name(*a)), *a)).collect());
    let columns = ["account", "device", "result", "order"];
    scan_between(source, Kind::Access, &columns, times, bar, |batch, rows| {
        let c = AccessColumns::bind(batch);
        for i in rows.filter(|i| c.result.get(*i) != Some("denied")) {
            if let Some(account) = c.account.get(i).and_then(|a| wanted.find(Print::of(a))) {
                // A device that stands nowhere else has no number; it still is one.
                let device = c.device.get(i).map_or(NONE, |d| f.names.find(d).unwrap_or(OTHER));
                out.push((account, c.key.ts(i), device, c.order.get(i).is_some()));
            }
        }
    })?;
    Ok(out)
}

/// Some device without a number.
const OTHER: Id = NONE - 1;

fn words(f: &Facts, set: &Set<'_>, have: Have) -> Text {
    let names: Vec<&str> = set.members.iter().take(NAMED).map(|m| m.0).collect();
    let more = set.members.len() - names.len();
    let (list, list_zh) = match more {
        0 => (names.join(", "), names.join("、")),
        n => (format!("{} and {n} others", names.join(", ")), format!("{}等另{n}个", names.join("、"))),
    };
    let n = set.members.len();
    let parts = [devices(f, set, have), hours(set), orders(set, have), logins(have)];
    let parts: Vec<Text> = parts.into_iter().flatten().collect();
    let join = |pick: fn(&Text) -> &str, by: &str| parts.iter().map(pick).collect::<Vec<_>>().join(by);
    text(
        format!(
            "By the harm alone these {n} accounts cannot be told apart: {list}. What would tell: {}. ",
            join(|t| &t.en, "; ")
        ),
        format!("仅凭受害情况无法区分这{n}个工号：{list_zh}。可以区分的材料：{}。", join(|t| &t.zh, "；")),
    )
}

fn devices(f: &Facts, set: &Set<'_>, have: Have) -> Option<Text> {
    let (what, what_zh) = if set.opened { ("opening", "开卡") } else { ("look-up", "查询") };
    let used: Vec<(&str, Id)> = set.members.iter().filter_map(|(a, w)| Some((*a, w.device()?))).collect();
    if used.len() < set.members.len() {
        return Some(text(
            format!("the device of each {what}, which the records do not hold for all of them"),
            format!("每次{what_zh}所用的终端（记录中不全）"),
        ));
    }
    let name = |d: Id| if d == OTHER { "–" } else { f.name(d) };
    let known = used[0].1 != OTHER;
    if known && used.iter().all(|x| x.1 == used[0].1) {
        let missing = if have.logins {
            ("", "")
        } else {
            (" (`login` is not in the records)", "（记录中没有 login）")
        };
        return Some(text(
            format!(
                "who sat at {}, on which all of them worked: its login sessions{}, attendance, cameras",
                name(used[0].1),
                missing.0
            ),
            format!("谁在使用共同的终端 {}：其登录会话{}、考勤、监控", name(used[0].1), missing.1),
        ));
    }
    let each: Vec<String> = used.iter().take(NAMED).map(|(a, d)| format!("{a}: {}", name(*d))).collect();
    Some(text(
        format!(
            "an image of the devices they mostly worked on ({}): from which of them the data left",
            each.join(", ")
        ),
        format!("各自主要使用终端的镜像（{}）：信息从哪一台流出", each.join("、")),
    ))
}

fn hours(set: &Set<'_>) -> Option<Text> {
    let bands: Vec<(&str, (usize, usize))> =
        set.members.iter().filter(|m| m.1.rows > 0).map(|(a, w)| (*a, w.band())).collect();
    if bands.len() < 2 {
        return None;
    }
    let (from, until) = &set.days;
    let apart =
        bands.iter().enumerate().all(|(i, a)| bands[i + 1..].iter().all(|b| a.1.1 < b.1.0 || b.1.1 < a.1.0));
    let each: Vec<String> =
        bands.iter().take(NAMED).map(|(a, (x, y))| format!("{a}: {x}:00–{}:00", y + 1)).collect();
    Some(if apart {
        text(
            format!(
                "the hour at which the data was passed on between {from} and {until} (message, file, payment): they \
                 worked at different hours ({})",
                each.join(", ")
            ),
            format!(
                "{from}至{until}间信息传出的时刻（消息、文件、付款）：各自工作时段不同（{}）",
                each.join("、")
            ),
        )
    } else {
        text(
            format!(
                "the very minutes at which the data was passed on between {from} and {until}; the hours alone would \
                 not ({})",
                each.join(", ")
            ),
            format!("{from}至{until}间信息传出的具体时刻；仅凭时段不能区分（{}）", each.join("、")),
        )
    })
}

fn orders(set: &Set<'_>, have: Have) -> Option<Text> {
    let (from, until) = &set.days;
    if !have.orders {
        return Some(text(
            format!("their work orders from {from} to {until}, which the records do not hold (`work_order`)"),
            format!("其{from}至{until}的工单（记录中没有 work_order）"),
        ));
    }
    let without: Vec<String> = set
        .members
        .iter()
        .take(NAMED)
        .map(|(a, w)| format!("{a}: {} / {}", w.rows - w.ordered, w.rows))
        .collect();
    Some(text(
        format!("the reason for what they did without a work order ({})", without.join(", ")),
        format!("无工单操作的事由（{}）", without.join("、")),
    ))
}

fn logins(have: Have) -> Option<Text> {
    (!have.logins).then(|| {
        text(
            "login sessions with device and place, which the records do not hold (`login`)",
            "带终端和地点的登录会话（记录中没有 login）",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(hours: std::ops::Range<i64>, device: Id) -> Work {
        let mut w = Work::default();
        for h in hours {
            (0..10).for_each(|_| w.add(h * HOUR - CHINA, device, false));
        }
        w
    }

    fn told(a: &Work, b: &Work, have: Have) -> Text {
        let mut f = Facts::default();
        for name in ["d0", "d1"] {
            f.names.id(Some(name));
        }
        let days = ("2020-03-01".to_owned(), "2020-04-01".to_owned());
        words(&f, &Set { members: vec![("a", a), ("b", b)], days, opened: false }, have)
    }

    #[test]
    fn what_is_missing_is_asked_for_and_what_is_there_is_named() {
        let nothing = told(&work(9..17, NONE), &work(9..17, NONE), Have { logins: false, orders: false });
        for what in ["the device of each look-up", "`work_order`", "`login`", "very minutes"] {
            assert!(nothing.en.contains(what), "{what}: {}", nothing.en);
        }
        let all = Have { logins: true, orders: true };
        let same = told(&work(9..12, 1), &work(14..18, 1), all);
        assert!(same.en.contains("who sat at d1") && same.en.contains("different hours"), "{}", same.en);
        assert!(same.en.contains("a: 30 / 30, b: 40 / 40") && !same.en.contains("`login`"), "{}", same.en);
        let other = told(&work(9..17, 0), &work(9..17, 1), all);
        assert!(other.en.contains("a: d0, b: d1") && other.zh.contains("镜像"), "{}", other.en);
    }
}
