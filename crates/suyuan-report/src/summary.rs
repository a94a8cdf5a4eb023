//! What was found, in ten lines for the terminal.

use suyuan_model::outcome::{Case, Cases};

use crate::page::{chance, group, yuan};
use suyuan_model::outcome::Lang;

use crate::words::Reading as _;

/// More lines than this are not read.
const LINES: usize = 10;

/// The run's result in at most ten lines.
pub fn summary_lines(cases: &Cases, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = match cases.cases.as_slice() {
        [] => vec![],
        [one] => std::iter::once(head(one, lang)).chain(sentences(one, lang)).collect(),
        many => {
            let count = lang.pick(format!("{} cases", many.len()), format!("共{}个案件", many.len()));
            std::iter::once(count)
                .chain(many.iter().map(|c| format!("{} {}", head(c, lang), figures(c, lang))))
                .collect()
        }
    };
    let mut tail = cases.remarks.iter().map(|t| lang.of(t).to_owned());
    if cases.cases.is_empty() {
        lines.extend(tail);
    } else {
        // The last remark says what all of it is: leads.
        lines.truncate(LINES - 1);
        lines.extend(tail.next_back());
    }
    lines.truncate(LINES);
    lines
}

/// Eight sentences, some of each part: three found, three of how sure, two of what it cannot tell.
fn sentences(case: &Case, lang: Lang) -> Vec<String> {
    let texts: Vec<&str> = case.summary.iter().map(|t| lang.of(t)).collect();
    let label = |t: &str| t.split(lang.pick(": ", "：")).next().unwrap_or("").to_owned();
    let mut labels: Vec<String> = texts.iter().map(|t| label(t)).collect();
    labels.dedup();
    let of = |(n, l): (usize, &String)| {
        let most = if n + 1 == labels.len() { 2 } else { 3 };
        texts.iter().filter(|t| label(t) == *l).take(most).map(|t| (*t).to_owned()).collect::<Vec<_>>()
    };
    labels.iter().enumerate().flat_map(of).collect()
}

fn head(case: &Case, lang: Lang) -> String {
    format!("{} [{}] p {}", lang.of(&case.title), case.id, chance(case.probability))
}

fn figures(case: &Case, lang: Lang) -> String {
    let t = &case.totals;
    lang.pick(
        format!(
            "- {} fraud cards, {} fraud cases, {} yuan",
            group(t.fraud_cards),
            group(t.fraud_cases),
            yuan(t.loss_cny)
        ),
        format!(
            "——涉诈卡{}张，诈骗案件{}起，损失{}元",
            group(t.fraud_cards),
            group(t.fraud_cases),
            yuan(t.loss_cny)
        ),
    )
}
