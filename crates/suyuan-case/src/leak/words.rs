//! The sentences of a leak's case, in both languages.

use std::collections::BTreeSet;

use suyuan_model::outcome::{Case, EntityKind, Question, Source, Text, Totals};

use super::Leak;
use crate::words::{
    CANNOT, FOUND, SURE_IS, chance, day, expected, group, labelled, list, name, thresholds, yuan,
};
use crate::{Input, text};

/// What became of the persons: defrauded, or impersonated.
fn harmed(question: Question) -> (&'static str, &'static str) {
    match question {
        Question::VictimData => ("defrauded", "被骗"),
        _ => ("impersonated", "被冒名开卡"),
    }
}

/// The sources by name, each once.
fn through(leak: &Leak) -> Text {
    let mut seen = BTreeSet::new();
    let mut names: Vec<Text> =
        leak.sources.iter().filter(|s| seen.insert(&s.entity)).map(|s| name(&s.entity)).collect();
    if names.len() > 3 {
        let more = names.len() - 3;
        names.truncate(3);
        names.push(text(format!("{more} more"), format!("另{more}个")));
    }
    list(&names)
}

/// One line that names the case.
pub(crate) fn title(leak: &Leak, totals: &Totals) -> Text {
    let (who, n) = (through(leak), group(totals.persons));
    let (en, zh) = harmed(leak.sources[0].question);
    let (sure_en, sure_zh) =
        if leak.ring.probability >= 0.8 { ("probably", "疑似") } else { ("possibly", "可能") };
    text(
        format!("Persons' data {sure_en} leaked through {}: {n} persons {en} after it was looked up", who.en),
        format!("{sure_zh}经{}泄露个人信息：{n}人在被查询后{zh}", who.zh),
    )
}

/// The sentences of the first page.
pub(crate) fn summary(input: &Input, leak: &Leak, case: &Case) -> Vec<Text> {
    let mut out = Vec::new();
    out.extend(found(leak, case).into_iter().map(|t| labelled(FOUND, t)));
    out.extend(how_sure(leak, case).into_iter().map(|t| labelled(SURE_IS, t)));
    out.extend(cannot(leak, input).into_iter().map(|t| labelled(CANNOT, t)));
    out
}

fn found(leak: &Leak, case: &Case) -> Vec<Text> {
    let mut out: Vec<Text> = leak.sources.iter().map(one).collect();
    let t = &case.totals;
    if t.cards > 0 {
        out.push(text(
            format!(
                "{} cards were opened in the names of persons whose identities most probably came through it.",
                group(t.cards)
            ),
            format!("身份信息很可能由此流出的人员名下被开卡{}张。", group(t.cards)),
        ));
    }
    out.push(if t.fraud_cases == 0 {
        text("No fraud report of these records names them.", "记录中没有涉诈案件报告涉及这些人员。")
    } else {
        text(
            format!(
                "Their fraud cases number {}; the losses reported add up to {} yuan, each case counted once.",
                group(t.fraud_cases),
                yuan(t.loss_cny)
            ),
            format!(
                "涉及诈骗案件{}起，报告损失合计{}元（每案只计一次）。",
                group(t.fraud_cases),
                yuan(t.loss_cny)
            ),
        )
    });
    out
}

/// What one source was seen to do.
fn one(s: &Source) -> Text {
    let who = name(&s.entity);
    let (en, zh) = harmed(s.question);
    let (e_en, e_zh) = expected(s.expected);
    let (all, hit) = (group(s.exposure), group(s.harmed));
    let (when_en, when_zh) = s.window.map_or(Default::default(), |w| {
        let (a, b) = (day(w.start), day(w.end));
        let (what_en, what_zh) = s.inside.map_or(Default::default(), |i| {
            let (n, k, (e_en, e_zh)) = (group(i.touched), group(i.harmed), expected(i.expected));
            (
                format!(
                    ": of some {n} touched then, {k} were {en} afterwards where {e_en} would be expected"
                ),
                format!("：该时段接触约{n}人，其中{k}人其后{zh}，按基准率预期{e_zh}人"),
            )
        });
        (
            format!("; it most probably leaked from {a} to {b}{what_en}"),
            format!("；泄露时段最可能为{a}至{b}{what_zh}"),
        )
    });
    let devices: Vec<Text> =
        s.finer.iter().filter(|e| e.kind == EntityKind::Device).take(3).map(name).collect();
    let (on_en, on_zh) = if devices.is_empty() {
        Default::default()
    } else {
        let d = list(&devices);
        (format!(", on {}", d.en), format!("，集中于{}", d.zh))
    };
    text(
        format!(
            "of {all} persons that {} touched, {hit} were {en} afterwards where {e_en} would be expected{when_en}{on_en}.",
            who.en
        ),
        format!("{}接触过{all}人，其中{hit}人其后{zh}，按基准率预期{e_zh}人{when_zh}{on_zh}。", who.zh),
    )
}

fn how_sure(leak: &Leak, case: &Case) -> Vec<Text> {
    let mut out = Vec::new();
    for s in &leak.sources {
        let (who, p) = (name(&s.entity), chance(s.probability));
        let (rate_en, rate_zh) = s.inside.map_or(Default::default(), |i| {
            let r = format!("{:.1}%", 100.0 * i.rate);
            (
                format!("; of what it touched then, some {r} were harmed through it"),
                format!("；该时段接触者中约{r}经由其受害"),
            )
        });
        // An outlet stands on no list: none of its accounts does.
        let (list_en, list_zh) = if s.listed {
            (" (list with false discoveries held at 5 %)", "（误报率控制在5%的名单）")
        } else {
            Default::default()
        };
        out.push(text(
            format!("the probability that data leaked through {} is {p}{list_en}{rate_en}.", who.en),
            format!("信息经{}泄露的概率为{p}{list_zh}{rate_zh}。", who.zh),
        ));
        let others: Vec<Text> =
            s.credible_set.iter().filter(|x| x.0 != s.entity).map(|x| name(&x.0)).collect();
        if !others.is_empty() {
            let others = list(&others);
            out.push(text(
                format!("{} cannot be told apart from {}.", who.en, others.en),
                format!("{}与{}无法区分。", who.zh, others.zh),
            ));
        }
    }
    let sure = leak.persons().values().filter(|h| h.share >= crate::assess::SURE).count() as u64;
    out.push(text(
        format!(
            "of {} persons counted, {} are tied to it at a responsibility of {} or more; each was touched before the harm.",
            group(case.totals.persons),
            group(sure),
            crate::assess::SURE
        ),
        format!(
            "计入的{}人均在受害前被接触，其中{}人的责任概率不低于{}。",
            group(case.totals.persons),
            group(sure),
            crate::assess::SURE
        ),
    ));
    out.extend(thresholds(case));
    out
}

fn cannot(leak: &Leak, input: &Input) -> Vec<Text> {
    let mut out = vec![text(
        "an account is not a person, and a look-up is not a delivery: who sat behind it, how the data went out and who took \
         it must be established outside these records.",
        "工号不等于人，查询不等于外传：实际操作者、信息如何流出及流向何人，须在这些记录之外查证。",
    )];
    out.extend(exhibits(input).first().cloned());
    out.extend(leak.sources.first().map(|s| s.cannot_tell.clone()));
    out
}

/// What exhibits say of it, or that there are none.
pub(crate) fn exhibits(input: &Input) -> Vec<Text> {
    let none = text(
        "there are no exhibits (parties, dealings, sightings) in these records; who took the data, and for what, they \
         alone can show.",
        "记录中没有证据材料（涉案主体、交易往来、外泄发现）；信息由何人接收、作何用途只能由其证明。",
    );
    if input.facts.any_exhibits { Vec::new() } else { vec![none] }
}

/// What the records cannot tell.
pub(crate) fn cannot_tell(input: &Input, leak: &Leak) -> Vec<Text> {
    let mut out: Vec<Text> = leak.sources.iter().map(|s| s.cannot_tell.clone()).collect();
    out.push(text(
        "whether the persons' data also left through somebody in no record; how much of the harm no recorded account explains \
         is told below.",
        "这些人员的信息是否也经由未记录者流出；有多少受害无法由有记录的工号解释，见下文。",
    ));
    out.extend(crate::words::losses(input));
    out.extend(input.trace.limits.iter().cloned());
    let mut seen = BTreeSet::new();
    out.retain(|t| seen.insert(t.clone()));
    out
}
