//! Legal thresholds: counts against lines, and whether the line was in force.

use crate::words::Reading as _;
use suyuan_model::outcome::Reached;

use super::One;
use crate::page::{Doc, group};

pub(super) fn write(doc: &mut Doc, one: &One) {
    if one.case.legal.is_empty() {
        return;
    }
    let w = doc.w;
    doc.section(&format!("{}legal", one.at), w.legal);
    doc.note(w.legal_note);
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.about, w.provision, w.lower_upper, w.threshold, w.result, w.rows
    ));
    let mut notes: Vec<String> = vec![];
    for a in &one.case.legal {
        let (who, provision, counted) = (doc.name(&a.entity), doc.t(&a.provision), doc.t(&a.counted));
        let refs: Vec<String> = std::iter::once(counted)
            .chain(a.notes.iter().map(|n| doc.t(n)))
            .map(|n| note_number(&mut notes, n))
            .collect();
        let rows = a.evidence.as_ref().map_or(String::new(), |e| doc.cite(&format!("{who}: {provision}"), e));
        let class = match a.reached {
            Reached::Yes => "y",
            Reached::Perhaps => "m",
            Reached::No => "o",
        };
        let force = if a.in_force { w.in_force } else { w.not_in_force };
        let late = if a.in_force { "k" } else { "late" };
        let upper = a.upper.filter(|u| *u != a.lower).map_or(String::new(), |u| format!(" – {}", group(u)));
        doc.raw(&format!(
            "<tr><th scope=row>{who}<td>{provision} <span class=k>[{}]</span><td class=num>{}{upper}<td class=num>{}<td><span class={class}>{}</span><br><span class={late}>{force}</span><td>{rows}\n",
            refs.join(", "),
            group(a.lower),
            group(a.threshold),
            doc.lang.reached(a.reached)
        ));
    }
    doc.raw("</table>");
    let items: String = notes.iter().map(|n| format!("<li>{n}")).collect();
    doc.raw(&format!("<ol>{items}</ol>"));
    doc.end_section();
}

/// The number of a note, which many lines share.
fn note_number(notes: &mut Vec<String>, note: String) -> String {
    let place = notes.iter().position(|n| *n == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    (place + 1).to_string()
}
