//! What the terminal says of a result: few lines, in the reader's language.

use suyuan_model::outcome::{Cases, Finding, Lang, Trace};
use suyuan_model::risk::Risk;

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
        Lang::Zh => format!("{} 个主体列入复核（相互独立的记录类别相互印证）", up.len()),
    }];
    lines.extend(up.iter().take(TOP).map(|r| format!("{:6.1}  {}", r.score, r.text.get(lang))));
    lines
}

/// Sources on the list, and how many are off it.
pub fn trace(found: &Trace, lang: Lang) -> Vec<String> {
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
    lines.extend(listed.iter().take(20).map(|s| match lang {
        Lang::En => format!(
            "{:.3}  {}  {} harmed of {}, {:.1} expected",
            s.probability, s.entity, s.harmed, s.exposure, s.expected
        ),
        Lang::Zh => format!(
            "{:.3}  {}  经手 {} 个中 {} 个受害，预期 {:.1}",
            s.probability, s.entity, s.exposure, s.harmed, s.expected
        ),
    }));
    lines
}

/// The ten lines of the cases.
pub fn case(cases: &Cases, lang: Lang) -> Vec<String> {
    suyuan_report::summary_lines(cases, lang)
}
