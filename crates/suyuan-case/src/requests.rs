//! What to ask for next: the records that would decide what these cannot.
//!
//! Every request names whom or what it is about. Duties of the law packs follow, each with whether it
//! was in force at the time of the acts.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::actor::Actor;
use suyuan_model::outcome::{EntityKind, Role, Text};
use suyuan_model::time;

use crate::law::{Bound, Force, Period, Test};
use crate::words::lead;
use crate::{Input, text};

/// More names than this in one request are counted instead.
const NAMES: usize = 4;

pub(crate) fn requests(input: &Input) -> Vec<Text> {
    let mut out = if input.leak.is_some() { of_leak(input) } else { of_ring(input) };
    out.extend(duties(input));
    out
}

fn of_leak(input: &Input) -> Vec<Text> {
    let sources: Vec<&Actor> = input.actors.iter().filter(|a| a.roles.contains(&Role::Source)).collect();
    let s = some(&names(&sources));
    let mut out = vec![
        text(
            format!(
                "who sat behind {} at the look-ups listed: duty rosters, terminal and network logs, CCTV; and the orders, calls \
                 or visits that called for each of them.",
                s.en
            ),
            format!(
                "所列查询发生时{}的实际操作者：排班表、终端及网络日志、监控录像；以及每次查询对应的工单、来电或到访。",
                s.zh
            ),
        ),
        data_went(&s),
    ];
    let devices = devices(input);
    if !devices.is_empty() {
        let d = some(&devices);
        out.push(text(
            format!(
                "what left {} while it leaked: exports, screenshots, printing, removable media, messages.",
                d.en
            ),
            format!("泄露时段内{}的数据流出：导出、截屏、打印、移动存储、消息外发。", d.zh),
        ));
    }
    out.push(text(
        "from a sample of the persons harmed: what the callers knew of them, and since when it was true; it tells which system the \
         data came from.",
        "抽样询问受害人：对方掌握其哪些信息、该信息自何时起为真；据此判断信息出自哪个系统。",
    ));
    out.push(original_files());
    out
}

/// The files as they were, without which a lead is no evidence.
fn original_files() -> Text {
    text(
        "the original bills, seals and hash values of the source files named under Method (a lead becomes evidence only with them), and a statement of each source system's clock.",
        "“方法”一节所列源文件的调取文书、封存和校验值（线索据此才可成为证据），以及各来源系统的时钟说明。",
    )
}

/// To whom the data went.
fn data_went(sources: &Text) -> Text {
    text(
        format!(
            "export logs, chat and payment records of {}: to whom the data went, and for what price.",
            sources.en
        ),
        format!("{}的导出日志、聊天和支付记录：信息流向何人、价格如何。", sources.zh),
    )
}

fn of_ring(input: &Input) -> Vec<Text> {
    let with = |roles: &[Role]| -> Vec<&Actor> {
        input.actors.iter().filter(|a| roles.iter().any(|r| a.roles.contains(r))).collect()
    };
    let mut out = Vec::new();
    let devices = devices(input);
    if !devices.is_empty() {
        let d = some(&devices);
        out.push(text(
            format!("IP and network logs of {} for the time of the openings, and who bought, carried and paid for these devices (handset, SIM, Wi-Fi).", d.en),
            format!("{}在开卡期间的IP及网络日志，以及这些设备的购买、持有和付费人（手机、SIM卡、Wi-Fi）。", d.zh),
        ));
    }
    let owners = names(&with(&[Role::CredentialOwner]));
    if !owners.is_empty() {
        let o = some(&owners);
        out.push(text(
            format!("who knew the password of {}, duty rosters, and CCTV of the outlet on days with two sessions at once.", o.en),
            format!("{}的口令知悉范围、排班表，以及同时存在两个会话之日的网点监控录像。", o.zh),
        ));
    }
    let own: Vec<&Actor> = input.actors.iter().filter(|a| a.opened_itself()).collect();
    let own = names(&own);
    if !own.is_empty() {
        let o = some(&own);
        out.push(text(
            format!("who sat at the counter under {} at the times of the openings: duty rosters, CCTV of the outlet, the holders' statements, and the commission that was paid.", o.en),
            format!("{}开卡之时实际坐席人员：排班表、网点监控录像、被登记人陈述及所付酬金。", o.zh),
        ));
    }
    let stock = names(&with(&[Role::StockAgent]));
    if !stock.is_empty() {
        let s = some(&stock);
        out.push(text(
            format!("receipts, courier slips and stock counts for the blank cards that {} received; the commission settlement and the accounts it was paid to.", s.en),
            format!("{}所领白卡的签收、寄递和盘点记录，酬金结算单及收款账户。", s.zh),
        ));
    }
    let harvest = names(&with(&[Role::Harvester]));
    if !harvest.is_empty() {
        let (h, employer) = (some(&harvest), employer(input));
        let (en, zh) = employer.map_or(Default::default(), |(name, n)| {
            (
                format!(" ({name} is stated as employer at {n} openings)"),
                format!("（{n}次开卡登记的工作单位为{name}）"),
            )
        });
        out.push(text(
            format!("from the employer of {}{en}: who was asked to collect what, by whom, the consent forms, and the collection devices.", h.en),
            format!("向{}所在单位{zh}调取：采集任务由谁布置、采集范围、同意书及采集设备。", h.zh),
        ));
    }
    let sellers = names(&with(&[Role::Seller, Role::LookupInsider]));
    if !sellers.is_empty() {
        out.push(data_went(&some(&sellers)));
    }
    if !input.mine.fraud.is_empty() {
        out.push(text(
            "location, handset and payment records of the cards used in fraud cases, from first use on: how they reached those who used them.",
            "涉诈卡自首次使用起的位置、设备和缴费记录：卡如何到达用卡人手中。",
        ));
    }
    out.push(original_files());
    out.push(text(
        "a statement from a sample of the persons named on the cards: did they open them, were they asked for face and identity card, by whom.",
        "抽样询问被登记人：是否本人办理，何人以何理由采集过人脸和身份证。",
    ));
    out
}

/// Devices of operators and collectors.
fn devices(input: &Input) -> Vec<Text> {
    let ids: BTreeSet<&str> = input
        .actors
        .iter()
        .filter(|a| a.roles.iter().any(|r| matches!(r, Role::Operator | Role::Harvester | Role::Device)))
        .flat_map(|a| a.names.iter())
        .filter(|e| e.kind == EntityKind::Device)
        .map(|e| e.id.as_str())
        .collect();
    ids.into_iter().map(|id| text(format!("device {id}"), format!("终端{id}"))).collect()
}

/// The employer stated most often at the ring's openings, and how often.
fn employer<'a>(input: &'a Input) -> Option<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for o in input.mine.openings.values() {
        if let Some(name) = o.employer.as_deref() {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))
}

fn names(actors: &[&Actor]) -> Vec<Text> {
    actors.iter().map(|a| lead(a)).collect()
}

fn some(names: &[Text]) -> Text {
    let shown = &names[..names.len().min(NAMES)];
    let part = |pick: fn(&Text) -> &str, by: &str| shown.iter().map(pick).collect::<Vec<_>>().join(by);
    let more = names.len() - shown.len();
    let (en, zh) = if more > 0 {
        (format!(" and {more} more"), format!("等{}个", names.len()))
    } else {
        Default::default()
    };
    text(format!("{}{en}", part(|t| &t.en, ", ")), format!("{}{zh}", part(|t| &t.zh, "、")))
}

/// Duties of the packs that matter to this case.
fn duties(input: &Input) -> Vec<Text> {
    let times = || input.ring.cards.iter().map(|c| c.opening.ts);
    let period = input.leak.map(|l| Period { first: l.window.start, last: l.window.end });
    let period = period
        .unwrap_or_else(|| Period { first: times().min().unwrap_or(0), last: times().max().unwrap_or(0) });
    let pretext = input.mine.captured.iter().any(|of| of.values().any(|c| c.pretext));
    let fraud = !input.mine.fraud.is_empty();
    input
        .laws
        .packs()
        .iter()
        .filter_map(|pack| {
            let (mut en, mut zh) = (Vec::new(), Vec::new());
            for item in &pack.items {
                let Some(Test::Duty { when, who }) = item.test else { continue };
                // Who opens no cards has not a carrier's duties.
                let binds = who != Bound::Carrier || input.facts.any_openings || input.leak.is_none();
                if binds && when.matters(fraud, pretext) {
                    let (en_who, zh_who) = who.name();
                    en.push(format!("{} ({en_who}): {}", item.cite.en, item.text.en.trim_end_matches('.')));
                    zh.push(format!("{}（{zh_who}）：{}", item.cite.zh, item.text.zh.trim_end_matches('。')));
                }
            }
            let (en_force, zh_force) = in_force(pack.force(period), &time::format_day(pack.from.0));
            (!en.is_empty()).then(|| {
                text(
                    format!("duties under the {}{en_force} - {}.", pack.title.en, en.join("; ")),
                    format!("{}规定的义务{zh_force}——{}。", pack.title.zh, zh.join("；")),
                )
            })
        })
        .collect()
}

/// Whether a duty bound anybody at the time of the acts.
fn in_force(force: Force, from: &str) -> (String, String) {
    match force {
        Force::Throughout => (String::new(), String::new()),
        Force::Later => (
            format!(" (in force from {from}, after these acts: for what is to be done now)"),
            format!("（自{from}起施行，晚于本案行为：用于当前整改）"),
        ),
        Force::Partly | Force::Ended => {
            (" (in force for a part of the acts at most)".into(), "（至多在部分行为期间有效）".into())
        }
    }
}
