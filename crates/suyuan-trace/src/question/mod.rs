//! The three questions: through whom were fraud cards opened, where did the holders' identities
//! leak, where did the victims' data leak.

mod again;
pub mod against;
pub mod apart;
mod callers;
pub mod card;
pub mod count;
pub mod crowd;
mod desk;
pub mod hands;
pub mod harms;
pub mod looks;
mod orders;
pub mod outside;
pub mod partners;
pub mod person;
mod seen;

use std::collections::BTreeMap;

use suyuan_model::outcome::{
    CanaryShare, Contribution, Counter, EndLimits, Entity, EntityKind, Evidence, Harm, Outcome, Outside,
    Question, Source, Text, Window, WindowLimits,
};
use suyuan_model::time::DAY;

use crate::attribute::{Found, Problem, Scored, Settings, attribute};
use crate::facts::{Facts, Row};
use crate::words::{number, text};

/// Sources less likely than this are not worth a reader's time.
pub const WORTH: f64 = 0.05;
/// Records of fewer days than these tell no leak from chance: harm has hardly had time to follow the touches, and neither its
/// calendar nor its delay shows.
pub const LEAST_DAYS: f64 = 28.0;

/// What a question gave.
pub struct Answer {
    /// Sources, most probable first.
    pub sources: Vec<Source>,
    /// Harm that no source explains; nothing where nothing was harmed.
    pub outside: Option<Outside>,
    /// The best of what was found, whomever it names.
    pub best: Best,
    /// What could not be concluded.
    pub limits: Vec<Text>,
}

/// The best of what a question found, without a name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Best {
    /// Columns on the list.
    pub listed: u64,
    /// Highest probability.
    pub probability: f64,
    /// Largest e-value, as log; 0 where nothing was a candidate.
    pub log_e_value: f64,
}

impl Best {
    fn of(scored: &[Scored]) -> Best {
        Best {
            listed: scored.iter().filter(|s| s.listed).count() as u64,
            probability: scored.iter().map(|s| s.probability).fold(0.0, f64::max),
            log_e_value: scored.iter().map(|s| s.log_e_value).reduce(f64::max).unwrap_or(0.0),
        }
    }
}

/// What stands behind one scored column.
pub struct Behind {
    /// Whom it is about.
    pub entity: Entity,
    /// Finer columns.
    pub finer: Vec<Entity>,
    /// Distinct things it touched.
    pub exposure: u64,
    /// Rows that show the touches of harmed things and their harm.
    pub rows: Vec<Row>,
    /// What it explains, one by one.
    pub harms: Vec<Harm>,
    /// What speaks against it in its touches, where things pass through several hands.
    pub against: Option<against::Against>,
    /// Who else held most of its harmed things, and how many.
    pub rival: Option<(Entity, u64)>,
}

/// The words of a question: what passed through, what harm means, and what it cannot tell.
pub struct Wording {
    /// Cards opened, persons touched.
    pub thing: Text,
    /// What the harm was.
    pub harm: Text,
    /// What the answer cannot tell.
    pub blind: Text,
}

impl Wording {
    /// The words of that question.
    pub fn of(question: Question) -> Wording {
        match question {
            Question::CardOpening => Wording {
                thing: text("cards opened", "开卡"),
                harm: text("used in fraud", "涉诈"),
                blind: text(
                    "It is evidence about an account, not a person: who worked under it is answered by devices, \
                     places and sessions, see the operators.",
                    "这是关于工号的证据，不是关于人的证据：实际操作人须由终端、地点和会话判断，见“实际操作人”。",
                ),
            },
            Question::HolderIdentity => Wording {
                thing: text("persons whose data it touched", "接触过其信息的人员"),
                harm: text("later impersonated", "其后被冒名开卡"),
                blind: text(
                    "Identities also leak outside the recorded systems; the delivery itself (file, message, payment) \
                     is not in these rows.",
                    "身份信息也可能从未记录的系统泄露；交付本身（文件、消息、付款）不在这些记录中。",
                ),
            },
            Question::VictimData => Wording {
                thing: text("persons whose data it touched", "接触过其信息的人员"),
                harm: text("later defrauded", "其后被骗"),
                blind: text(
                    "Victims' data also leak outside the recorded systems; a look-up shows access, not that it was \
                     passed on.",
                    "被害人信息也可能从未记录的系统泄露；查询只说明接触过，不说明已外传。",
                ),
            },
        }
    }
}

/// A source from a scored column.
pub fn source(
    f: &Facts,
    question: Question,
    scored: &Scored,
    behind: &Behind,
    credible_set: Vec<(Entity, f64)>,
) -> Option<Source> {
    let words = Wording::of(question);
    let evidence = Evidence::of(behind.rows.iter().map(|r| r.cite(&f.names)))?;
    let lift = scored.harmed as f64 / scored.expected.max(1e-9);
    let start = f.span.map_or(0, |s| s.0);
    let end = f.span.map_or(0, |s| s.1);
    let at = |day: f64| (start + (day * DAY as f64) as i64).clamp(start, end);
    let ends = |(a, b): (Option<f64>, Option<f64>)| EndLimits { earliest: a.map(at), latest: b.map(at) };
    let cannot_tell = words.blind.clone();
    let rests = scored
        .canaries
        .and_then(|c| crate::canary::rests(&behind.entity, c.touched, c.others, scored.log_factor - c.nats));
    let cannot_tell = match rests {
        Some(rests) => Text::new(rests.en + &cannot_tell.en, rests.zh + &cannot_tell.zh),
        None => cannot_tell,
    };
    Some(Source {
        question,
        entity: behind.entity.clone(),
        finer: behind.finer.clone(),
        probability: scored.probability,
        log_bayes_factor: scored.log_factor,
        listed: scored.listed,
        harmed: scored.harmed,
        expected: scored.expected,
        exposure: behind.exposure,
        lift,
        window: scored.window.map(|(a, b)| Window { start: at(a), end: at(b) }),
        limits: scored.limits.map(|l| WindowLimits { start: ends(l.start), end: ends(l.end) }),
        inside: behind.against.and_then(|a| harms::inside(scored, &a)),
        harms: behind.harms.clone(),
        partners: Vec::new(),
        canaries: scored.canaries.map(|c| CanaryShare { touched: c.touched, others: c.others, nats: c.nats }),
        counter: counters(scored, behind, &words, &credible_set),
        contributions: contributions(scored, behind, &words),
        credible_set,
        cannot_tell,
        evidence,
    })
}

fn contributions(s: &Scored, b: &Behind, w: &Wording) -> Vec<Contribution> {
    let mut out = vec![
        Contribution {
            what: text(
                format!("{} of {} {}", s.harmed, b.exposure, w.harm.en),
                format!("{} 件中 {} 件{}", b.exposure, s.harmed, w.harm.zh),
            ),
            value: s.harmed.to_string(),
            threshold: Some(number(s.expected)),
            nats: s.log_factor,
        },
        Contribution {
            what: text("harmed things that no other source explains", "无法由其他来源解释的件数"),
            value: number(s.explains.iter().map(|x| x.1).sum()),
            threshold: None,
            nats: 0.0,
        },
    ];
    if let Some(c) = s.canaries {
        out.push(Contribution {
            what: text(
                format!(
                    "of this, from canaries (planted identities that nobody has an honest reason to use) misused after \
                     it touched them; {} other accounts touched them before, too",
                    c.others
                ),
                format!("其中来自诱饵身份（预埋、无正当理由使用）：其接触后被冒用；此前另有 {} 个工号接触过", c.others),
            ),
            value: c.touched.to_string(),
            threshold: None,
            nats: c.nats,
        });
    }
    if s.certified {
        out.push(Contribution {
            what: text(
                "it also stands in the certified list: false discoveries at 5 % under any dependence, without a \
                 prior, by rates of leaks fixed in advance (e-BH)",
                "同时列入认证名单：不用先验，泄露率事先固定，在任意相依下错误发现率不超过5%（e-BH）",
            ),
            value: "e-BH".to_owned(),
            threshold: None,
            nats: 0.0,
        });
    }
    out
}

fn counters(s: &Scored, b: &Behind, w: &Wording, set: &[(Entity, f64)]) -> Vec<Counter> {
    let untouched = b.exposure.saturating_sub(s.harmed);
    let excluded = if s.listed { Outcome::Excluded } else { Outcome::NotCheckable };
    let mut out = vec![
        Counter {
            what: text("It is merely busy", "只是业务量大"),
            outcome: excluded,
            detail: text(
                format!(
                    "{} {}, {} {}; at the rate of comparable others {} would be expected",
                    b.exposure,
                    w.thing.en,
                    s.harmed,
                    w.harm.en,
                    number(s.expected)
                ),
                format!(
                    "{} {} 件，其中 {} 件{}；按同类比率预期 {} 件",
                    w.thing.zh,
                    b.exposure,
                    s.harmed,
                    w.harm.zh,
                    number(s.expected)
                ),
            ),
        },
        Counter {
            what: text(
                "Its outlet or region is risky, or a wave of fraud passed",
                "所在网点或地区风险高，或遇诈骗高发期",
            ),
            outcome: excluded,
            detail: text(
                "the others of the same outlet, region and months are the yardstick; the factor already allows for \
                 riskier accounts and for waves",
                "以同网点、同地区、同月份的其他工号为基准；似然比已计入个体风险差异和高发期",
            ),
        },
        Counter {
            what: text("Touched and not harmed", "接触过但未受害"),
            outcome: Outcome::NotCheckable,
            detail: untouched_words(s, b, w, untouched),
        },
    ];
    out.extend(b.against.map(|a| other_holders(&a, b)));
    let others: Vec<String> =
        set.iter().filter(|x| x.0 != b.entity).map(|(e, p)| format!("{} {}", e.id, number(*p))).collect();
    if !others.is_empty() {
        out.push(Counter {
            what: text("Another holder leaked the same things", "另有他人泄露了相同信息"),
            outcome: Outcome::NotCheckable,
            detail: text(
                format!("candidates with their share: {}", others.join(", ")),
                format!("候选及份额：{}", others.join("、")),
            ),
        });
    }
    out
}

/// How much passed through it without harm, in all and in its window.
fn untouched_words(s: &Scored, b: &Behind, w: &Wording, untouched: u64) -> Text {
    let all = text(
        format!("{untouched} of {} {} show no harm so far", b.exposure, w.thing.en),
        format!("{} {} 件中有 {untouched} 件至今未见受害", w.thing.zh, b.exposure),
    );
    let Some(i) = b.against.and_then(|a| harms::inside(s, &a)) else { return all };
    let (touched, harmed, expected) = (i.touched, i.harmed, number(i.expected));
    text(
        format!(
            "{}; in its window it touched about {touched} (once a person and week, less where an order explains it), \
             {harmed} of them harmed later where {expected} would be expected",
            all.en
        ),
        format!(
            "{}；窗口内接触约 {touched} 件（每人每周计一次，有工单者减计），其后受害 {harmed} 件，按同类比率预期 {expected} 件",
            all.zh
        ),
    )
}

/// Who else held the same harmed things.
fn other_holders(a: &against::Against, b: &Behind) -> Counter {
    let most = b.rival.as_ref().map_or((String::new(), 0), |(e, n)| (e.id.clone(), *n));
    let few = most.1 * 10 < a.all * 3;
    Counter {
        what: text("Others held the same harmed things", "另有他人持有相同的受害信息"),
        outcome: if few { Outcome::Excluded } else { Outcome::NotCheckable },
        detail: if a.shared == 0 {
            text(
                format!("none of the {} was touched by another recorded account before its harm", a.all),
                format!("{} 件中没有一件在受害前被其他有记录的工号接触过", a.all),
            )
        } else {
            text(
                format!(
                    "{} of {} were touched before their harm by one of {} others, too; the one with most of them, {}, \
                     touched {}",
                    a.shared, a.all, a.others, most.0, most.1
                ),
                format!(
                    "{} 件中有 {} 件在受害前也被另外 {} 个工号之一接触过；其中最多的 {} 接触过 {} 件",
                    a.all, a.shared, a.others, most.0, most.1
                ),
            )
        },
    }
}

/// The sources of a question; none where the records are too short to tell.
fn scored(f: &Facts, p: &Problem, settings: &Settings, known: &BTreeMap<u32, f64>) -> Found {
    if f.horizon() < LEAST_DAYS { Found::default() } else { attribute(p, settings, known) }
}

/// Several columns of one entity as one, as probable as its most probable column.
pub fn merge(found: Vec<Source>) -> Vec<Source> {
    let mut by: BTreeMap<(Question, Entity), Vec<Source>> = BTreeMap::new();
    for s in found {
        by.entry((s.question, s.entity.clone())).or_default().push(s);
    }
    let mut out: Vec<Source> = by
        .into_values()
        .filter_map(|mut list| {
            list.sort_by(|a, b| b.log_bayes_factor.total_cmp(&a.log_bayes_factor));
            // Columns of one account share their harm and prior: they are not independent chances.
            let top = list.iter().fold(0.0, |p: f64, s| p.max(s.probability));
            let listed = list.iter().any(|s| s.listed);
            // A column that explains nothing beyond the best one adds no finer entity.
            let finer: Vec<Entity> = list
                .iter()
                .filter(|s| s.probability >= 0.5)
                .flat_map(|s| s.finer.clone())
                .chain(list.first().into_iter().flat_map(|s| s.finer.clone()))
                .collect();
            let mut best = list.into_iter().next()?;
            best.probability = top;
            best.listed = listed;
            best.finer = finer;
            best.finer.sort();
            best.finer.dedup();
            Some(best)
        })
        .collect();
    out.sort_by(|a, b| {
        (b.probability.total_cmp(&a.probability))
            .then(b.log_bayes_factor.total_cmp(&a.log_bayes_factor))
            .then((a.question, &a.entity).cmp(&(b.question, &b.entity)))
    });
    out
}

/// Entity of a device, account or so on by its interned id.
pub fn entity(f: &Facts, kind: EntityKind, id: crate::intern::Id) -> Entity {
    Entity::new(kind, f.name(id))
}
