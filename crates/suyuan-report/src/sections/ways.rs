//! Ways from a person's data to a fraud: for each card used in fraud the most probable one, step by step.

use suyuan_model::outcome::ChainPath;
use suyuan_model::{RowRef, time};

use crate::words::Reading as _;

use super::One;
use crate::page::{Doc, chance, esc, group};

/// Cards whose ways are printed.
const CARDS: usize = 100;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    let used: std::collections::BTreeSet<&str> =
        one.case.cards.iter().filter(|c| !c.fraud_cases.is_empty()).map(|c| c.card.as_str()).collect();
    // Of a card's ways the first is the best.
    let mine = one.parts.trace.paths.iter().filter(|p| used.contains(p.card.as_str()));
    let mut best: Vec<(&ChainPath, usize)> = Vec::new();
    for p in mine {
        match best.last_mut() {
            Some((b, others)) if b.card == p.card => *others += 1,
            _ => best.push((p, 0)),
        }
    }
    if best.is_empty() {
        return;
    }
    doc.section(&format!("{}ways", one.at), w.ways);
    doc.note(w.ways_note);
    doc.raw(&format!(
        "<table class=tight><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}</thead>\n",
        w.card, w.case_no, w.way_steps, w.way_share, w.rows
    ));
    for (p, others) in best.iter().take(CARDS) {
        row(doc, p, *others);
    }
    doc.raw("</table>");
    if best.len() > CARDS {
        let n = group((best.len() - CARDS) as u64);
        let line = doc.lang.pick(
            format!("the ways of {n} more cards stand in sources.json"),
            format!("另有{n}张卡的路径，见 sources.json"),
        );
        doc.note(&line);
    }
    doc.end_section();
}

fn row(doc: &mut Doc, p: &ChainPath, others: usize) {
    let w = doc.w;
    let mut steps = String::new();
    for s in &p.steps {
        let through: Vec<String> = s.through.iter().map(|e| doc.name(e)).collect();
        steps.push_str(&format!(
            "<li><span class=nb>{}</span> {}: {}{}",
            &time::format_china(s.at)[..16],
            doc.lang.stage(s.stage),
            doc.t(&s.what),
            if through.is_empty() { String::new() } else { format!(" ({})", through.join(", ")) }
        ));
    }
    let missing: String = p.missing.iter().map(|m| format!("<div class=k>– {}</div>", doc.t(m))).collect();
    let rows: Vec<RowRef> = p.steps.iter().map(|s| s.row.clone()).collect();
    let all = doc.cite_rows(&format!("{}: {}", w.ways, esc(&p.card)), &rows, rows.len() as u64);
    let more = if others > 0 {
        format!(
            "<br><span class=k>{}</span>",
            esc(&doc.lang.pick(format!("+{others} more"), format!("另{others}条")))
        )
    } else {
        String::new()
    };
    doc.raw(&format!(
        "<tr><th scope=row class=\"mono nb\">{}<td class=nb>{}<td><ol>{steps}</ol>{missing}<td class=num>{}{more}<td>{all}\n",
        esc(&p.card),
        p.case.as_deref().map_or_else(|| w.unknown.to_owned(), esc),
        esc(&chance(p.probability)),
    ));
}
