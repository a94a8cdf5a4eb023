//! What the terminal says of one part of a trace: the ways to a fraud, all that is known of one name.

use suyuan_model::outcome::{ChainPath, Entity, Evidence, Harm, Lang, Partner, Question, Trace};
use suyuan_model::time;

/// Ways from the persons' data to the frauds of these cards or cases.
pub fn paths(found: &Trace, asked: &[String], lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told: Vec<&ChainPath> = Vec::new();
    for a in asked {
        let ways: Vec<_> =
            found.paths.iter().filter(|p| p.card == *a || p.case.as_ref() == Some(a)).collect();
        if ways.is_empty() {
            lines.push(match lang {
                Lang::En => format!("{a}: no card of the records is reported under this name"),
                Lang::Zh => format!("{a}：记录中没有以此名义报告的涉诈卡"),
            });
        }
        // A card asked for by its case too is told once.
        for p in ways.into_iter().filter(|p| !told.contains(p)).collect::<Vec<_>>() {
            told.push(p);
            let case = p.case.as_deref().unwrap_or("–");
            lines.push(match lang {
                Lang::En => format!("card {}, case {case}, probability {:.2}", p.card, p.probability),
                Lang::Zh => format!("卡 {}，案件 {case}，概率 {:.2}", p.card, p.probability),
            });
            lines.extend(p.steps.iter().map(|s| {
                let through: Vec<String> = s.through.iter().map(ToString::to_string).collect();
                let row = format!("{} {}#{}", s.row.kind.name(), s.row.source, s.row.seq);
                format!(
                    "  {}  {}  {}  [{row}]",
                    time::format_china(s.at),
                    s.what.get(lang),
                    through.join(", ")
                )
            }));
            lines.extend(p.missing.iter().map(|m| format!("  – {}", m.get(lang))));
        }
    }
    lines
}

/// The parts of a trace that speak of one name.
pub fn of(mut found: Trace, who: &str) -> Trace {
    let named = |e: &Entity| e.id == who;
    found.sources.retain(|s| {
        let beside = s.partners.iter().any(|p| named(&p.entity));
        named(&s.entity) || s.finer.iter().any(named) || beside || s.harms.iter().any(|h| named(&h.thing))
    });
    found.operators.retain(|o| named(&o.account) || o.operator.iter().any(named));
    found.rings.retain(|r| {
        let member = r.members.iter().any(|m| named(&m.entity) || m.same_as.iter().any(|(e, _)| named(e)));
        member || r.cards.iter().any(|c| c.card == who || c.subject.as_deref() == Some(who))
    });
    found.farms.retain(|f| {
        let member = f.members.iter().any(|m| named(&m.person) || m.cards.iter().any(|c| c == who));
        member || f.items.iter().any(|i| named(&i.entity))
    });
    found.paths.retain(|p| p.card == who || p.steps.iter().flat_map(|s| &s.through).any(named));
    found
}

/// Harmed things told of one source; the rest is counted.
const HARMS: usize = 20;

/// Whom or what a source harmed, most responsible first.
fn harms(list: &[Harm], lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = list.iter().take(HARMS).map(|h| harm(h, lang)).collect();
    if list.len() > HARMS {
        let more = list.len() - HARMS;
        lines.push(match lang {
            Lang::En => format!("  {more} more: --format json"),
            Lang::Zh => format!("  另有 {more} 个，见 --format json"),
        });
    }
    lines
}

/// One harm: how far the source accounts for it, and the touch before it.
fn harm(h: &Harm, lang: Lang) -> String {
    let (touched, at) = (time::format_china(h.touch.ts), time::format_china(h.at));
    let row = format!("{} {}#{}", h.touch.kind.name(), h.touch.source, h.touch.seq);
    match lang {
        Lang::En => {
            format!("  {}  responsibility {:.2}, touched {touched} [{row}], harmed {at}", h.thing, h.share)
        }
        Lang::Zh => format!("  {}  责任概率 {:.2}，接触于 {touched} [{row}]，受害于 {at}", h.thing, h.share),
    }
}

/// All that the trace says of one account, device, collector, outlet, card or person.
pub fn explain(found: &Trace, who: &str, lang: Lang) -> Vec<String> {
    let named = |e: &Entity| e.id == who;
    let mut lines = Vec::new();
    for s in found.sources.iter().filter(|s| named(&s.entity) || s.finer.iter().any(named)) {
        let question = match (s.question, lang) {
            (Question::CardOpening, Lang::En) => "source of fraud cards",
            (Question::CardOpening, Lang::Zh) => "涉诈卡来源",
            (Question::HolderIdentity, Lang::En) => "source of card-holders' identities",
            (Question::HolderIdentity, Lang::Zh) => "被冒名者身份信息来源",
            (Question::VictimData, Lang::En) => "source of victims' data",
            (Question::VictimData, Lang::Zh) => "被害人信息来源",
        };
        let listed = match (s.listed, lang) {
            (true, Lang::En) => "listed at 5 %",
            (false, Lang::En) => "not listed",
            (true, Lang::Zh) => "在 5 % 名单内",
            (false, Lang::Zh) => "不在名单内",
        };
        lines.push(format!("{}  {question}: {:.3}, {listed}", s.entity, s.probability));
        lines.push(match lang {
            Lang::En => format!(
                "  {} harmed of {} that passed through it, {:.1} expected at the base rate (log Bayes factor {:.1})",
                s.harmed, s.exposure, s.expected, s.log_bayes_factor
            ),
            Lang::Zh => format!(
                "  经手 {} 个中 {} 个受害，按基准率预期 {:.1}（对数贝叶斯因子 {:.1}）",
                s.exposure, s.harmed, s.expected, s.log_bayes_factor
            ),
        });
        if let Some(w) = s.window {
            lines.push(format!("  {} – {}", time::format_china(w.start), time::format_china(w.end)));
        }
        lines.extend(s.limits.map(|l| format!("  {}", l.text().get(lang))));
        if let Some(c) = s.canaries {
            lines.push(match lang {
                Lang::En => format!(
                    "  of this, {:.1} nats from {} misused canaries; {} other accounts touched them before, too",
                    c.nats, c.touched, c.others
                ),
                Lang::Zh => format!(
                    "  其中 {:.1} 奈特来自 {} 个被冒用的诱饵身份；此前另有 {} 个工号接触过",
                    c.nats, c.touched, c.others
                ),
            });
        }
        if s.credible_set.len() > 1 {
            let set: Vec<String> = s.credible_set.iter().map(|(e, p)| format!("{e} {p:.2}")).collect();
            lines.push(match lang {
                Lang::En => format!("  cannot be told apart: {}", set.join(", ")),
                Lang::Zh => format!("  无法区分：{}", set.join("，")),
            });
        }
        lines.push(format!("  {}", s.cannot_tell.get(lang)));
        lines.extend(s.counter.iter().map(|c| format!("  {}: {}", c.what.get(lang), c.detail.get(lang))));
        lines.push(rows(&s.evidence, lang));
        lines.extend(harms(&s.harms, lang));
        lines.extend(s.partners.iter().flat_map(|p| partner(p, lang)));
    }
    for s in &found.sources {
        for h in s.harms.iter().filter(|h| named(&h.thing)) {
            lines.push(match lang {
                Lang::En => format!(
                    "{}  harmed through {}, should it be a source ({:.3}):",
                    h.thing, s.entity, s.probability
                ),
                Lang::Zh => {
                    format!("{}  若 {} 确为来源（{:.3}），经由其受害：", h.thing, s.entity, s.probability)
                }
            });
            lines.push(harm(h, lang));
        }
    }
    for s in &found.sources {
        for p in s.partners.iter().filter(|p| named(&p.entity)) {
            lines.push(match lang {
                Lang::En => format!("{}  worked beside {} while it leaked:", p.entity, s.entity),
                Lang::Zh => format!("{}  在 {} 泄露期间与其查询相同记录：", p.entity, s.entity),
            });
            lines.extend(partner(p, lang));
        }
    }
    for o in found.operators.iter().filter(|o| named(&o.account) || o.operator.iter().any(named)) {
        let by: Vec<String> = o.operator.iter().map(ToString::to_string).collect();
        lines.push(match lang {
            Lang::En => format!("{} was worked by {}: {:.2}", o.account, by.join(" + "), o.probability),
            Lang::Zh => format!("{} 实际由 {} 操作：{:.2}", o.account, by.join(" + "), o.probability),
        });
        lines.extend(
            o.reasons.iter().map(|r| format!("  {}: {} ({:+.1})", r.what.get(lang), r.value, r.nats)),
        );
        lines.push(rows(&o.evidence, lang));
    }
    for r in &found.rings {
        for m in r.members.iter().filter(|m| named(&m.entity) || m.same_as.iter().any(|(e, _)| named(e))) {
            let role = suyuan_report::role(m.role, lang);
            lines.push(format!("{}  {}: {role} {:.2}", r.id, m.entity, m.probability));
            lines.extend(
                m.reasons.iter().map(|x| format!("  {}: {} ({:+.1})", x.what.get(lang), x.value, x.nats)),
            );
            lines.push(rows(&m.evidence, lang));
        }
        for c in r.cards.iter().filter(|c| c.card == who || c.subject.as_deref() == Some(who)) {
            lines.push(format!("{}  {} {:.2}: {}", r.id, c.card, c.probability, c.marks.join(", ")));
        }
    }
    for f in &found.farms {
        if let Some(i) = f.items.iter().find(|i| named(&i.entity)) {
            lines.push(match lang {
                Lang::En => format!(
                    "{}  shared by {} of {} people of a dense group",
                    f.id,
                    i.members,
                    f.members.len()
                ),
                Lang::Zh => format!("{}  密集团伙{}人中{}人共用", f.id, f.members.len(), i.members),
            });
        }
        for m in f.members.iter().filter(|m| named(&m.person) || m.cards.iter().any(|c| c == who)) {
            lines.push(match lang {
                Lang::En => format!(
                    "{}  {} belongs to a dense group: {:.2} (its items touched on {} days, {:.2} expected)",
                    f.id, m.person, m.probability, m.occasions, m.expected
                ),
                Lang::Zh => format!(
                    "{}  {} 属于密集团伙：{:.2}（{}天触及其物品，预期{:.2}）",
                    f.id, m.person, m.probability, m.occasions, m.expected
                ),
            });
            lines.push(rows(&m.evidence, lang));
        }
    }
    if lines.is_empty() {
        lines.push(match lang {
            Lang::En => {
                format!("{who}: nothing was found; that is what the trace of these records says, no more")
            }
            Lang::Zh => format!("{who}：未发现任何线索；这只是对这些记录追溯的结果"),
        });
    }
    lines
}

/// Who looked at the same records while a source leaked.
fn partner(p: &Partner, lang: Lang) -> Vec<String> {
    let (inside, outside) = (100.0 * p.inside.share(), 100.0 * p.outside.share());
    let chance = p.log_chance / std::f64::consts::LN_10;
    let mut lines = vec![match lang {
        Lang::En => format!(
            "  beside it: {} repeated {inside:.0} % of {} look-ups within a day in the window, {outside:.1} % of {} \
             outside (chance 1e{chance:.0}); the same records, which proves no leak",
            p.entity, p.inside.of, p.outside.of
        ),
        Lang::Zh => format!(
            "  同伴：{} 在窗口内于一天之内重复了 {} 次查询中的 {inside:.0} %，窗口外 {} 次中的 {outside:.1} %（偶然概率 \
             1e{chance:.0}）；查询相同记录不等于有责",
            p.entity, p.inside.of, p.outside.of
        ),
    }];
    lines.extend(p.counter.iter().map(|c| format!("    {}: {}", c.what.get(lang), c.detail.get(lang))));
    lines.push(format!("  {}", rows(&p.evidence, lang)));
    lines
}

/// How many rows prove it, and the first.
fn rows(e: &Evidence, lang: Lang) -> String {
    let some: Vec<String> =
        e.rows().iter().take(3).map(|r| format!("{} {}#{}", r.kind.name(), r.source, r.seq)).collect();
    match lang {
        Lang::En => format!("  {} rows: {} ...", e.total(), some.join(", ")),
        Lang::Zh => format!("  {}行证据：{} 等", e.total(), some.join("，")),
    }
}
