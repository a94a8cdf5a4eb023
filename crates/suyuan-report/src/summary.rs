//! What was found, in ten lines for the terminal.

use suyuan_model::outcome::{Case, Cases};

use crate::page::{chance, group, yuan};
use crate::words::Lang;

/// More lines than this are not read.
const LINES: usize = 10;

/// The run's result in at most ten lines.
pub fn summary_lines(cases: &Cases, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = match cases.cases.as_slice() {
        [] => vec![],
        [one] => std::iter::once(head(one, lang))
            .chain(one.summary.iter().map(|t| lang.of(t).to_owned()))
            .collect(),
        many => {
            let count = lang.pick(format!("{} cases", many.len()), format!("共{}个案件", many.len()));
            std::iter::once(count)
                .chain(many.iter().map(|c| format!("{} {}", head(c, lang), figures(c, lang))))
                .collect()
        }
    };
    let tail: Vec<String> = cases.remarks.iter().map(|t| lang.of(t).to_owned()).collect();
    if lines.len() + tail.len() > LINES && lines.len() > 1 {
        let keep = LINES.saturating_sub(tail.len().min(2)).max(1);
        lines.truncate(keep);
    }
    lines.extend(tail);
    lines.truncate(LINES);
    lines
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
