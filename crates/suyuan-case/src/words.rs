//! The sentences of a case, in both languages.
//!
//! Every sentence states what the records show and how sure that is. None calls a person guilty; a
//! test reads all of them for such words.

use std::collections::BTreeSet;

use suyuan_model::actor::Actor;
use suyuan_model::outcome::{
    Case, CaseKind, Entity, EntityKind, Finding, Question, Reached, Role, Source, Text, Totals, Trace,
};
use suyuan_model::time;

use crate::assess::SURE;
pub(crate) use suyuan_model::reading::{chance, group, yuan};

use crate::law::{Force, Pack};
use crate::{Input, text};

pub(crate) fn day(ts: i64) -> String {
    time::format_day(time::china_day(ts))
}

/// What a kind of thing is called.
pub(crate) fn kind(kind: EntityKind) -> (&'static str, &'static str) {
    match kind {
        EntityKind::Account => ("account", "工号"),
        EntityKind::Device => ("device", "终端"),
        EntityKind::Outlet => ("outlet", "网点"),
        EntityKind::Agent => ("agent company", "代理商"),
        EntityKind::Card => ("card", "卡"),
        EntityKind::Person => ("person", "人员"),
        EntityKind::Party => ("party", "主体"),
        EntityKind::Collector => ("collector", "采集人"),
        EntityKind::Employer => ("employer", "用人单位"),
        EntityKind::Face => ("face cluster", "人脸簇"),
        EntityKind::Background => ("image background", "图像背景"),
        EntityKind::FraudCase => ("fraud case", "诈骗案件"),
        EntityKind::Object => ("object", "访问对象"),
        EntityKind::Recipient => ("recipient", "接收方"),
        EntityKind::Address => ("network address", "网络地址"),
        EntityKind::Imei => ("handset", "手机设备"),
        EntityKind::Cell => ("radio cell", "基站小区"),
        EntityKind::Home => ("declared address", "登记地址"),
        EntityKind::Contact => ("declared contact", "登记联系人"),
        EntityKind::Ring => ("ring", "团伙"),
    }
}

/// An entity by kind and id.
pub(crate) fn name(e: &Entity) -> Text {
    let (en, zh) = kind(e.kind);
    text(format!("{en} {}", e.id), format!("{zh}{}", e.id))
}

fn role(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::StockAgent => ("source of blank cards", "白卡来源"),
        Role::CredentialOwner => ("owner of the lent login", "被借用工号持有人"),
        Role::Operator => ("operator under a lent login", "借用工号操作人"),
        Role::Harvester => ("collector of identities", "信息采集人"),
        Role::Seller => ("seller of identities", "信息出售方"),
        Role::Opener => ("card opener", "开卡人"),
        Role::Organiser => ("organiser", "组织者"),
        Role::Courier => ("courier", "传递人"),
        Role::User => ("user of cards", "用卡人"),
        Role::LookupInsider => ("look-ups without a reason", "无理由查询"),
        Role::Source => ("probable source of the leak", "疑似泄露来源"),
        Role::Device => ("device", "设备"),
        Role::Outlet => ("outlet", "网点"),
    }
}

/// Pieces in both languages, joined.
pub(crate) fn join(pieces: &[(&str, &str)]) -> Text {
    let part =
        |pick: fn(&(&str, &str)) -> String, by: &str| pieces.iter().map(pick).collect::<Vec<_>>().join(by);
    text(part(|p| p.0.to_owned(), "; "), part(|p| p.1.to_owned(), "；"))
}

pub(crate) fn list(texts: &[Text]) -> Text {
    let part = |pick: fn(&Text) -> &str, by: &str| texts.iter().map(pick).collect::<Vec<_>>().join(by);
    text(part(|t| &t.en, ", "), part(|t| &t.zh, "、"))
}

/// The labels of the summary's three parts; the report sets them off.
pub(crate) const FOUND: (&str, &str) = ("Found: ", "发现：");
pub(crate) const SURE_IS: (&str, &str) = ("How sure: ", "把握：");
pub(crate) const CANNOT: (&str, &str) = ("Cannot tell: ", "不能判断：");

pub(crate) fn labelled(label: (&str, &str), t: Text) -> Text {
    text(format!("{}{}", label.0, t.en), format!("{}{}", label.1, t.zh))
}

fn accounts(input: &Input) -> Vec<Text> {
    let lent = |a: &&Actor| {
        a.opened_itself()
            || a.roles.iter().any(|r| matches!(r, Role::CredentialOwner | Role::StockAgent | Role::Outlet))
    };
    let mut names: Vec<Text> = input
        .actors
        .iter()
        .filter(lent)
        .filter(|a| a.lead.kind == EntityKind::Account)
        .map(|a| name(&a.lead))
        .collect();
    if names.is_empty() {
        names = input.actors.iter().filter(|a| a.acts()).take(1).map(|a| name(&a.lead)).collect();
    }
    if names.len() > 3 {
        let more = names.len() - 3;
        names.truncate(3);
        names.push(text(format!("{more} more"), format!("另{more}个")));
    }
    names
}

/// One line that names the case.
pub(crate) fn title(input: &Input, totals: &Totals) -> Text {
    let through = list(&accounts(input));
    let (en, zh) =
        if input.ring.probability >= 0.8 { ("probably", "疑似") } else { ("possibly", "可能存在") };
    text(
        format!(
            "Cards opened through {}, {en} without their holders: {} cards, {} persons",
            if through.en.is_empty() { "unnamed accounts" } else { &through.en },
            group(totals.cards),
            group(totals.persons)
        ),
        format!(
            "{zh}冒用他人身份经{}开卡：{}张卡、{}名被登记人",
            if through.zh.is_empty() { "未知工号" } else { &through.zh },
            group(totals.cards),
            group(totals.persons)
        ),
    )
}

/// The sentences of the first page: what was found, how sure it is, what it cannot tell.
pub(crate) fn summary(input: &Input, case: &Case) -> Vec<Text> {
    let mut out = Vec::new();
    out.extend(found(input, case).into_iter().map(|t| labelled(FOUND, t)));
    out.extend(how_sure(input, case).into_iter().map(|t| labelled(SURE_IS, t)));
    out.extend(cannot(input, case).into_iter().map(|t| labelled(CANNOT, t)));
    out
}

fn found(input: &Input, case: &Case) -> Vec<Text> {
    let t = &case.totals;
    let through = list(&accounts(input));
    let (first, last) = (day(t.first), day(t.last));
    let mut out = vec![text(
        format!(
            "{} cards were opened in the names of {} persons from {first} to {last}, through {}; the records suggest that the holders were not there.",
            group(t.cards),
            group(t.persons),
            through.en
        ),
        format!(
            "{first}至{last}，经{}以{}人的名义开卡{}张；记录显示本人可能并未到场。",
            through.zh,
            group(t.persons),
            group(t.cards)
        ),
    )];
    out.push(if t.fraud_cases == 0 {
        text("None of these cards stands in a fraud report.", "这些卡均未见于涉诈案件报告。")
    } else {
        text(
            format!(
                "{} of the cards were used in {} fraud cases; the losses reported add up to {} yuan, each case counted once.",
                group(t.fraud_cards), group(t.fraud_cases), yuan(t.loss_cny)
            ),
            format!(
                "其中{}张卡涉及{}起诈骗案件，报告损失合计{}元（每案只计一次）。",
                group(t.fraud_cards), group(t.fraud_cases), yuan(t.loss_cny)
            ),
        )
    });
    out.extend(who(input));
    out
}

/// The actors with their roles, and who worked under a lent login.
fn who(input: &Input) -> Option<Text> {
    let people: Vec<Text> = input
        .actors
        .iter()
        .filter(|a| a.acts())
        .take(8)
        .map(|a| {
            let roles: Vec<Role> =
                a.roles.iter().copied().filter(|r| !matches!(r, Role::Device | Role::Outlet)).collect();
            let said = |pick: fn((&'static str, &'static str)) -> &'static str, by: &str| {
                roles.iter().map(|r| pick(role(*r))).collect::<Vec<_>>().join(by)
            };
            let (who, p) = (name(&a.lead), chance(a.probability));
            text(
                format!("{} ({}, {p})", who.en, said(|r| r.0, " and ")),
                format!("{}（{}，{p}）", who.zh, said(|r| r.1, "、")),
            )
        })
        .collect();
    let n = input.actors.iter().filter(|a| a.acts()).count();
    (n > 0).then(|| {
        let names = list(&people);
        let more = n - people.len();
        let (en_more, zh_more) = if more > 0 {
            (format!(" and {more} more"), format!("，另有{more}个"))
        } else {
            Default::default()
        };
        text(
            format!(
                "{n} actor{} along the chain, each with the probability of its role: {}{en_more}.",
                if n == 1 { "" } else { "s" },
                names.en
            ),
            format!("链条上的{n}个行为主体及其角色概率：{}{zh_more}。", names.zh),
        )
    })
}

fn how_sure(input: &Input, case: &Case) -> Vec<Text> {
    let p = chance(case.probability);
    let mut out = vec![match best_source(case) {
        Some(s) => {
            let (en, zh, harmed) = match s.question {
                Question::CardOpening => ("cards", "张卡", "涉诈"),
                Question::HolderIdentity => ("persons", "人", "身份被冒用"),
                Question::VictimData => ("persons", "人", "被诈骗"),
            };
            text(
                format!(
                    "the probability that there is a ring here is {p}; of {} {en} that went through {}, {} were harmed where {} would be expected at the base rate.",
                    group(s.exposure),
                    name(&s.entity).en,
                    group(s.harmed),
                    expected(s.expected).0
                ),
                format!(
                    "存在团伙的概率为{p}；经{}的{}{zh}中，{harmed}{}{zh}，按基准率预期{}{zh}。",
                    name(&s.entity).zh,
                    group(s.exposure),
                    group(s.harmed),
                    expected(s.expected).1
                ),
            )
        }
        None => text(
            format!("the probability that there is a ring here is {p}."),
            format!("存在团伙的概率为{p}。"),
        ),
    }];
    let sure = case.cards.iter().filter(|c| c.probability >= SURE).count() as u64;
    out.push(text(
        format!(
            "each card is tied to the ring by at least two independent families of records; {} of {} cards at a probability of {SURE} or more.",
            group(sure), group(case.totals.cards)
        ),
        format!(
            "每张卡至少由两类相互独立的记录关联到本团伙；{}张中有{}张的概率不低于{SURE}。",
            group(case.totals.cards), group(sure)
        ),
    ));
    out.extend(innocent(input, case));
    out.extend(thresholds(case));
    out
}

/// An expected count for people: one decimal, and never a plain 0.
pub(crate) fn expected(x: f64) -> (String, String) {
    if x < 0.05 {
        ("less than 0.1".into(), "不足0.1".into())
    } else {
        (format!("{x:.1}"), format!("{x:.1}"))
    }
}

/// The source that says most: of the cards if there is one, else of identities.
fn best_source(case: &Case) -> Option<&Source> {
    let weight = |s: &Source| (s.question == Question::CardOpening, s.probability);
    case.sources.iter().max_by(|a, b| {
        let (x, y) = (weight(a), weight(b));
        x.0.cmp(&y.0).then(x.1.total_cmp(&y.1)).then_with(|| b.entity.cmp(&a.entity))
    })
}

/// What the persons themselves said: complaints and re-verifications, for and against.
fn innocent(input: &Input, case: &Case) -> Option<Text> {
    let count = |what: &str| {
        case.cards.iter().filter(|c| input.mine.verified.get(&c.card).is_some_and(|v| v == what)).count()
            as u64
    };
    let (failed, passed, not_mine) = (count("failed"), count("passed"), input.mine.not_mine.len() as u64);
    (failed + passed + not_mine > 0).then(|| {
        text(
            format!(
                "for it: {} cards whose holder failed re-verification, {} of which the holder says they are not theirs; against it: {} cards that passed.",
                group(failed), group(not_mine), group(passed)
            ),
            format!(
                "支持：{}张卡二次实名未通过，{}张卡本人称非本人办理；反对：{}张卡二次实名通过。",
                group(failed), group(not_mine), group(passed)
            ),
        )
    })
}

pub(crate) fn thresholds(case: &Case) -> Option<Text> {
    let count = |r: Reached| case.legal.iter().filter(|a| a.reached == r && a.in_force).count();
    let late = case.legal.iter().filter(|a| a.reached == Reached::Yes && !a.in_force).count();
    (!case.legal.is_empty()).then(|| {
        text(
            format!(
                "numeric thresholds of the law in force at the time: {} reached, {} perhaps, {} not; {late} more would be reached only under rules that came later. All subject to judgment.",
                count(Reached::Yes), count(Reached::Perhaps), count(Reached::No)
            ),
            format!(
                "按行为时有效的规定，数额数量标准达到{}项、可能达到{}项、未达到{}项；另有{late}项仅依其后的规定才达到。均以司法认定为准。",
                count(Reached::Yes), count(Reached::Perhaps), count(Reached::No)
            ),
        )
    })
}

fn cannot(input: &Input, case: &Case) -> Vec<Text> {
    let mut out = vec![text(
        "an account or a device is not a person: who sat behind it, what they knew and who was paid must be established outside these records.",
        "工号和终端不等于人：实际操作者、主观明知和收款情况须在这些记录之外查证。",
    )];
    out.extend(case.exhibits.first().cloned());
    out.extend(input.ring.cannot_tell.first().cloned());
    out
}

/// Which actors only the investigation's exhibits show, or which are missing without them.
pub(crate) fn exhibits(input: &Input) -> Vec<Text> {
    let only: Vec<Text> = input.actors.iter().filter(|a| a.exhibits_only).map(|a| name(&a.lead)).collect();
    let mut out = Vec::new();
    if !only.is_empty() {
        let names = list(&only);
        out.push(text(
            format!("only the investigation's exhibits show {}; the carrier's own records do not.", names.en),
            format!("{}仅由侦查取得的证据材料体现，运营商自身记录中没有体现。", names.zh),
        ));
    }
    if !input.facts.any_exhibits {
        // An account that opened cards itself is not the one who bought cards and had them opened.
        let others = |a: &&Actor| !a.opened_itself();
        let known: BTreeSet<Role> =
            input.actors.iter().filter(others).flat_map(|a| a.roles.iter().copied()).collect();
        let missing: Vec<Text> = [
            (
                Role::Opener,
                "who bought blank cards and identities and had the cards opened",
                "收购白卡和身份信息并组织开卡的人",
            ),
            (Role::Organiser, "who organised it and took the finished cards", "组织者及成品卡的去向"),
            (Role::User, "who used the cards", "用卡人"),
        ]
        .iter()
        .filter(|(r, _, _)| !known.contains(r))
        .map(|(_, en, zh)| text(*en, *zh))
        .collect();
        let names = list(&missing);
        out.push(text(
            format!(
                "there are no exhibits (parties, dealings, sightings) in these records; carrier records alone cannot show {}.",
                names.en
            ),
            format!("记录中没有证据材料（涉案主体、交易往来、外泄发现）；仅凭运营商记录不能显示{}。", names.zh),
        ));
    }
    for (party, cards) in &input.mine.found_with {
        let n = cards.iter().map(|c| &c.0).collect::<BTreeSet<_>>().len() as u64;
        out.push(text(
            format!("an exhibit says that {} cards of the ring were found with party {party}.", group(n)),
            format!("证据材料载明：在主体{party}处发现本团伙的卡{}张。", group(n)),
        ));
    }
    out
}

/// What is amiss with the losses stated.
pub(crate) fn losses(input: &Input) -> Vec<Text> {
    let mut out = Vec::new();
    let differing: u64 = input.mine.fraud.values().filter(|f| f.losses.len() > 1).count() as u64;
    if differing > 0 {
        out.push(text(
            format!(
                "{differing} fraud cases are reported with different losses; the last one stated is counted."
            ),
            format!("{differing}起诈骗案件的损失金额前后不一，按最后一次报告计。"),
        ));
    }
    let silent = input.mine.fraud.values().filter(|f| f.losses.is_empty()).count();
    if silent > 0 {
        out.push(text(
            format!("{silent} fraud cases state no loss; they count as 0 in the total."),
            format!("{silent}起诈骗案件未载明损失，合计中按0计。"),
        ));
    }
    out
}

/// What the records cannot tell.
pub(crate) fn cannot_tell(input: &Input) -> Vec<Text> {
    let mut out = input.ring.cannot_tell.clone();
    out.extend(losses(input));
    if input.trace.unexplained_fraud_cards > 0 {
        let n = input.trace.unexplained_fraud_cards;
        out.push(text(
            format!(
                "{} fraud cards in the records are explained by no source; they belong to no case.",
                group(n)
            ),
            format!("记录中另有{}张涉诈卡没有来源可以解释，未归入任何案件。", group(n)),
        ));
    }
    if !input.mine.fraud.is_empty() {
        out.push(text(
            "how the cards came from the ring into the hands of those who used them.",
            "这些卡如何从团伙流转到用卡实施诈骗者手中。",
        ));
    }
    out.extend(input.trace.limits.iter().cloned());
    let mut seen = BTreeSet::new();
    out.retain(|t| seen.insert(t.clone()));
    out
}

/// What to say of a law that was not in force during all of the acts.
pub(crate) fn force_note(pack: &Pack, force: Force) -> Option<Text> {
    let from = time::format_day(pack.from.0);
    match force {
        Force::Throughout => None,
        Force::Later => Some(text(
            format!(
                "not in force at the time of the acts (in force from {from}): the older rule applies unless the newer is lighter (从旧兼从轻, Criminal Law art. 12); shown for comparison"
            ),
            format!("行为时尚未施行（自{from}起施行）：从旧兼从轻（刑法第十二条），仅作对照"),
        )),
        Force::Ended => Some(text(
            "no longer in force at the time of the acts; shown for comparison".to_owned(),
            "行为时已失效，仅作对照".to_owned(),
        )),
        Force::Partly => Some(text(
            format!(
                "in force for a part of the acts only (from {from}{}); the lower count takes that part",
                until(pack, ", until ")
            ),
            format!("仅在部分行为期间有效（自{from}起{}）；下限只计该期间", until(pack, "，至")),
        )),
    }
}

fn until(pack: &Pack, label: &str) -> String {
    pack.until.map_or(String::new(), |u| format!("{label}{}", time::format_day(u.0)))
}

/// What the whole run has to say.
pub(crate) fn remarks(cases: &[Case], other: &[Source], findings: &[Finding], trace: &Trace) -> Vec<Text> {
    let mut out = Vec::new();
    if cases.iter().all(|c| c.kind == CaseKind::Leak) {
        out.push(text(
            "No ring was found in these records. This means that nothing in them points to one, not that there is none.",
            "在这些记录中没有发现团伙。这只说明记录中没有指向团伙的迹象，不等于不存在。",
        ));
    }
    if cases.is_empty() {
        out.push(text(
            format!(
                "{} findings and {} sources without a case remain as leads to look at.",
                group(findings.len() as u64),
                group(other.len() as u64)
            ),
            format!(
                "另有{}条线索和{}个未成案的来源可供查看。",
                group(findings.len() as u64),
                group(other.len() as u64)
            ),
        ));
        out.extend(trace.limits.iter().cloned());
    }
    if trace.unexplained_fraud_cards > 0 {
        out.push(text(
            format!("{} fraud cards are explained by no source.", group(trace.unexplained_fraud_cards)),
            format!("{}张涉诈卡没有来源可以解释。", group(trace.unexplained_fraud_cards)),
        ));
    }
    out.push(text(
        "Every line here is a lead for people to check, not a finding about anybody.",
        "此处各项均为供核查的线索，不是对任何人责任的认定。",
    ));
    out
}

/// The actor's name for a request.
pub(crate) fn lead(a: &Actor) -> Text {
    name(&a.lead)
}
