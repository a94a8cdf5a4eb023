//! An outlet whose harm follows its touches whoever serves: told as the outlet, no account of it is named.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Counter, Entity, EntityKind, Harm, Outcome, Question, Source, Text};

use super::person::Lookups;
use super::{Behind, Wording, entity, source};
use crate::attribute::{Crowd, Scored};
use crate::facts::{Facts, Row};
use crate::intern::{Id, NONE};
use crate::words::{number, text};

/// The crowd as a source, where its accounts belong to an outlet. `columns` are its accounts' columns in the counts, `rows`
/// their touches of what was harmed later, `harms` what it explains.
pub fn told(
    f: &Facts,
    l: &mut Lookups,
    question: Question,
    (crowd, scored): (&Crowd, &Scored),
    columns: &[u32],
    (rows, harms): (Vec<Row>, Vec<Harm>),
) -> Option<Source> {
    let accounts: Vec<Id> = columns.iter().map(|c| l.keys[*c as usize].1).collect();
    let outlet = outlet(f, &accounts)?;
    let mut touched: Vec<u32> = l.tally.touched_by(columns).concat();
    touched.sort_unstable();
    touched.dedup();
    let me = entity(f, EntityKind::Outlet, outlet);
    let behind = Behind {
        entity: me.clone(),
        finer: Vec::new(),
        exposure: touched.len() as u64,
        rows,
        harms,
        against: None,
        rival: None,
    };
    // Its column stands beside the others, none of which is held against it.
    let scored = Scored { listed: false, certified: false, limits: None, ..scored.clone() };
    let mut out = source(f, question, &scored, &behind, vec![(me.clone(), 1.0)])?;
    let words = blind(crowd.members.len());
    out.cannot_tell = Text::new(words.en + " " + &out.cannot_tell.en, words.zh + &out.cannot_tell.zh);
    out.counter.push(several(&me, crowd.members.len()));
    Some(out)
}

/// What is told of a crowd whose accounts belong to no known outlet, so that no entity stands for it.
pub fn without_outlet(question: Question, members: usize, probability: f64) -> Text {
    let words = Wording::of(question);
    let p = number(probability);
    text(
        format!(
            "People are {} after look-ups by all {members} accounts of one place alike (probability {p} that they share the \
             leak), and no outlet is known for them, so none of them is named. Take in `staff` and `outlet` to tell which \
             rooms, lists and devices they share.",
            words.harm.en
        ),
        format!(
            "同一地点全部 {members} 个工号的查询之后都同样出现{}（共同泄露的概率 {p}），且不知其所属网点，故不点名其中任何工号。请导入 \
             staff 与 outlet，以便判断其共用的场所、名单和终端。",
            words.harm.zh
        ),
    )
}

/// The outlet of most of these accounts.
fn outlet(f: &Facts, accounts: &[Id]) -> Option<Id> {
    let mut votes: BTreeMap<Id, usize> = BTreeMap::new();
    for home in accounts.iter().map(|a| f.home(*a)).filter(|h| *h != NONE) {
        *votes.entry(home).or_default() += 1;
    }
    votes.into_iter().max_by_key(|(outlet, n)| (*n, std::cmp::Reverse(*outlet))).map(|x| x.0)
}

fn blind(members: usize) -> Text {
    text(
        format!(
            "Harm follows the look-ups of all {members} accounts that serve this outlet alike, and none of them stands out: a \
             list of its customers, a screen, printer or mailbox that they share, or somebody with access to all of it \
             explains this better than {members} leaks at once. No account of it is named; which rooms, devices and copies \
             they share would tell more."
        ),
        format!(
            "该网点全部 {members} 个工号的查询之后都同样出现受害，没有任何一个突出：共用的客户名单、屏幕、打印机、邮箱，\
             或能接触全部信息的人，比 {members} 个工号同时泄露更能解释。因此不点名其中任何工号；查明其共用的场所、终端和副本\
             才能进一步判断。"
        ),
    )
}

fn several(me: &Entity, members: usize) -> Counter {
    Counter {
        what: text("Several of its accounts leaked", "其中数个工号分别泄露"),
        outcome: Outcome::NotCheckable,
        detail: text(
            format!(
                "the {members} accounts of {} one by one explain the same harm, at the price of as many sources",
                me.id
            ),
            format!("{} 的 {members} 个工号分别泄露也能解释同样的受害，但需要同样多的来源", me.id),
        ),
    }
}
