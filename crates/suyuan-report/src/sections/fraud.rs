//! Fraud cases in which cards were used, each once, with the total.

use std::collections::BTreeSet;

use suyuan_model::RowRef;

use super::One;
use crate::page::{Doc, day, esc, group, yuan};

pub(super) fn write(doc: &mut Doc, one: &One) {
    let (w, case) = (doc.w, one.case);
    doc.section(&format!("{}fraud", one.at), w.fraud);
    if case.fraud_cases.is_empty() {
        doc.note(w.no_fraud);
        doc.end_section();
        return;
    }
    doc.note(w.fraud_note);
    doc.raw(&format!(
        "<table class=tight><thead><tr><th scope=col class=num>#<th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.case_no, w.reported, w.loss_yuan, w.cards_used, w.file_line
    ));
    for (n, f) in case.fraud_cases.iter().enumerate() {
        let cards: Vec<String> = f.cards.iter().map(|c| esc(c)).collect();
        let places: Vec<String> = f.evidence.rows().iter().take(3).map(|r| doc.place(r)).collect();
        doc.raw(&format!(
            "<tr><td class=num>{}<th scope=row>{}<td class=nb>{}<td class=num>{}<td class=mono>{}<td>{}\n",
            n + 1,
            esc(&f.case),
            day(f.reported_at),
            yuan(f.loss_cny),
            cards.join("<br>"),
            places.join("<br>")
        ));
    }
    let rows: BTreeSet<RowRef> = case.fraud_cases.iter().flat_map(|f| f.evidence.rows()).cloned().collect();
    let rows: Vec<RowRef> = rows.into_iter().collect();
    let all = doc.cite_rows(&format!("{}: {}", w.fraud, w.total), &rows, rows.len() as u64);
    let t = &case.totals;
    doc.raw(&format!(
        "<tr><td><th scope=row>{} ({})<td><td class=num><b>{}</b><td>{}<td>{all}\n</table>",
        w.total,
        group(t.fraud_cases),
        yuan(t.loss_cny),
        group(t.fraud_cards)
    ));
    doc.end_section();
}
