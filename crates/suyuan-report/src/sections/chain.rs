//! The chain as a table: the picture's twin.

use super::One;
use crate::page::{Doc, chance, day, esc, group, yuan};
use crate::words::Reading as _;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    doc.section(&format!("{}chain", one.at), w.chain);
    doc.note(w.chain_note);
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.stage, w.from, w.to, w.what, w.quantity, w.basis, w.when, w.rows
    ));
    for link in &one.case.chain {
        let (from, to, what) = (doc.name(&link.from), doc.name(&link.to), doc.t(&link.what));
        let rows = doc.cite(&format!("{from} → {to}: {what}"), &link.evidence);
        let mut quantity = link.quantity.map_or(String::new(), group);
        if let Some(fen) = link.amount_cny.as_deref().and_then(suyuan_model::money::parse_yuan) {
            quantity
                .push_str(&doc.lang.pick(format!("<br>{} yuan", yuan(fen)), format!("<br>{}元", yuan(fen))));
        }
        let basis = if link.recorded {
            w.recorded.to_owned()
        } else {
            format!("{} (p {})", w.inferred, esc(&chance(link.probability)))
        };
        let when = link.window.map_or(String::new(), |win| span(win.start, win.end));
        doc.raw(&format!(
            "<tr><td class=nb>{}<td>{from}<td>{to}<td>{what}<td class=num>{quantity}<td class=nb>{basis}<td class=nb>{when}<td>{rows}\n",
            doc.lang.stage(link.stage)
        ));
    }
    doc.raw("</table>");
    doc.end_section();
}

fn span(start: i64, end: i64) -> String {
    let (a, b) = (day(start), day(end));
    if a == b { a } else { format!("{a}<br>– {b}") }
}
