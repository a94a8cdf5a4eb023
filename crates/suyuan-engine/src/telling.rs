//! What the terminal says of a result: few lines, in the reader's language.

use suyuan_detect::{Alert, Backtest, Correction, Known};
use suyuan_model::outcome::{Cases, Decoy, Finding, Lang, Trace};
use suyuan_model::risk::Risk;
use suyuan_model::time;

use crate::live::Entry;

/// Findings by rule.
pub fn detect(found: &[Finding], lang: Lang) -> Vec<String> {
    let mut by_rule = std::collections::BTreeMap::<(&str, &str), usize>::new();
    for f in found {
        *by_rule.entry((&f.scheme, f.title.get(lang))).or_default() += 1;
    }
    let mut lines = vec![match lang {
        Lang::En => format!("{} findings (leads, not verdicts)", found.len()),
        Lang::Zh => format!("{} 条发现（线索，不是结论）", found.len()),
    }];
    lines.extend(by_rule.iter().map(|((scheme, title), n)| format!("{n:6}  {scheme}  {title}")));
    lines
}

/// More names than this stand in the file only.
const TOP: usize = 10;

/// Who is up for review, and the first of them.
pub fn review(risks: &[Risk], lang: Lang) -> Vec<String> {
    let up: Vec<&Risk> = risks.iter().filter(|r| r.review).collect();
    let mut lines = vec![match lang {
        Lang::En => format!("{} up for review (records of independent families agree)", up.len()),
        Lang::Zh => format!("{} 个主体列入复核（相互独立的记录族相互印证）", up.len()),
    }];
    lines.extend(up.iter().take(TOP).map(|r| format!("{:6.1}  {}", r.score, r.text.get(lang))));
    lines
}

/// Sources on the list, and how many are off it; with `all` those off it too.
pub fn trace(found: &Trace, all: bool, lang: Lang) -> Vec<String> {
    let (listed, other): (Vec<_>, Vec<_>) = found.sources.iter().partition(|s| s.listed);
    let mut lines = vec![match lang {
        Lang::En => format!(
            "{} sources with false discoveries held at 5 %, {} weaker; {} rings",
            listed.len(),
            other.len(),
            found.rings.len()
        ),
        Lang::Zh => format!(
            "{} 个来源（错误发现率 5 %），另有 {} 个较弱；{} 个团伙",
            listed.len(),
            other.len(),
            found.rings.len()
        ),
    }];
    let shown = if all { usize::MAX } else { 20 };
    let other = other.iter().filter(|_| all);
    lines.extend(listed.iter().chain(other).take(shown).map(|s| match lang {
        Lang::En => format!(
            "{:.3}  {}  {} harmed of {}, {:.1} expected",
            s.probability, s.entity, s.harmed, s.exposure, s.expected
        ),
        Lang::Zh => format!(
            "{:.3}  {}  经手 {} 个中 {} 个受害，预期 {:.1}",
            s.probability, s.entity, s.exposure, s.harmed, s.expected
        ),
    }));
    lines.extend(Decoy::text(&found.decoys).iter().map(|t| t.get(lang).to_owned()));
    lines.extend(found.outside.iter().map(|o| o.text().get(lang).to_owned()));
    lines.extend(found.farms.iter().take(TOP).map(|f| {
        let items: Vec<String> = f.items.iter().take(3).map(|i| i.entity.to_string()).collect();
        let (n, count, items) = (f.members.len(), f.items.len(), items.join(", "));
        match (lang, f.explained) {
            (Lang::En, false) => format!("dense group: {n} people on {count} shared items ({items} ...)"),
            (Lang::En, true) => {
                format!("dense group, explained: {n} people on {count} shared items ({items} ...)")
            }
            (Lang::Zh, false) => format!("密集团伙：{n}人共用{count}个物品（{items}等）"),
            (Lang::Zh, true) => format!("密集人群（记录可以解释）：{n}人共用{count}个物品（{items}等）"),
        }
    }));
    lines
}

/// The ten lines of the cases.
pub fn case(cases: &Cases, lang: Lang) -> Vec<String> {
    suyuan_report::summary_lines(cases, lang)
}

/// One line of live detection.
pub fn entry(e: &Entry, lang: Lang) -> String {
    let line = |a: &Alert, word: (&str, &str)| {
        let threshold = a.threshold.as_deref().unwrap_or("");
        let word = if lang == Lang::En { word.0 } else { word.1 };
        format!("{}  {word}  {}  {}  {} {threshold}  {}", time::format(a.at), a.rule, a.entity, a.value, a.id)
    };
    match &e.change {
        Correction::Added { alert } if e.late => line(alert, ("late alert", "迟到预警")),
        Correction::Added { alert } => line(alert, ("alert", "预警")),
        Correction::Revised { alert } => line(alert, ("revised", "更正")),
        Correction::Retracted { id } => match lang {
            Lang::En => format!("retracted  {id}: rows that came late speak against it"),
            Lang::Zh => format!("撤回  {id}：迟到的记录推翻了该预警"),
        },
    }
}

/// What a rule would have said.
pub fn backtest(b: &Backtest, lang: Lang) -> Vec<String> {
    let mut lines = vec![format!("{} ({})", b.rule, b.rule_hash), b.says.get(lang).to_owned()];
    let (bad, all) = b.overlap;
    lines.push(match lang {
        Lang::En => {
            format!("{} rows read; {bad} of the {all} cards with a bad outcome stand in its rows", b.rows)
        }
        Lang::Zh => format!("读取 {} 行；全部 {all} 张出问题的卡中，{bad} 张出现在其证据行中", b.rows),
    });
    if let Some((day, n)) = b.by_day.iter().max_by_key(|d| (d.1, std::cmp::Reverse(&d.0))) {
        lines.push(match lang {
            Lang::En => format!("alerts on {} of {} days, at most {n} ({day})", b.by_day.len(), b.days),
            Lang::Zh => format!("{} 天中有 {} 天出现预警，最多一天 {n} 次（{day}）", b.days, b.by_day.len()),
        });
    }
    for (a, known) in b.first.iter().take(TOP) {
        let known = match (known, lang) {
            (Known::Bad, Lang::En) => "bad",
            (Known::Bad, Lang::Zh) => "属实",
            (Known::Good, Lang::En) => "good",
            (Known::Good, Lang::Zh) => "正常",
            (Known::Nothing, Lang::En) => "not known",
            (Known::Nothing, Lang::Zh) => "未知",
        };
        lines.push(format!("{}  {}  {}  {known}", time::format(a.at), a.entity, a.value));
    }
    lines
}
