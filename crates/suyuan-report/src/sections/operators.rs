//! Owners of logins and those who worked under them.

use super::One;
use super::actors::reasons;
use crate::page::{Doc, chance, esc};

pub(super) fn write(doc: &mut Doc, one: &One) {
    if one.case.operators.is_empty() {
        return;
    }
    let w = doc.w;
    doc.section(&format!("{}operators", one.at), w.operators);
    doc.note(w.operators_note);
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.login, w.owner, w.operator, w.probability, w.reasons, w.rows
    ));
    for o in &one.case.operators {
        let login = doc.name(&o.account);
        let rows = doc.cite(&format!("{}: {login}", w.operators), &o.evidence);
        let owner = o.owner.as_ref().map_or_else(|| w.unknown.to_owned(), |e| doc.name(e));
        let by: Vec<String> = o.operator.iter().map(|e| doc.name(e)).collect();
        let why = reasons(doc, &o.reasons);
        doc.raw(&format!(
            "<tr><th scope=row>{login}<td>{owner}<td>{}<td class=num>{}<td>{why}<td>{rows}\n",
            by.join("<br>"),
            esc(&chance(o.probability))
        ));
    }
    doc.raw("</table>");
    doc.end_section();
}
