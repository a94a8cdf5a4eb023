//! Actors: roles, probability, reasons, other names.

use crate::words::Reading as _;
use suyuan_model::outcome::{Contribution, Member};

use super::One;
use crate::page::{Doc, chance, esc, number};

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    doc.section(&format!("{}actors", one.at), w.actors);
    doc.note(w.actors_note);
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>#<th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.actor, w.roles, w.probability, w.reasons, w.rows
    ));
    let members = &one.case.actors;
    for (n, actor) in suyuan_model::actor::actors(members).iter().enumerate() {
        for (i, place) in actor.members.iter().enumerate() {
            let mut m = members[*place].clone();
            if i > 0 {
                // The first row of an actor has named it.
                m.same_as.clear();
            }
            let head =
                if i == 0 { format!("<td rowspan={}>{}", actor.members.len(), n + 1) } else { String::new() };
            row(doc, &m, &head);
        }
    }
    doc.raw("</table>");
    doc.end_section();
}

fn row(doc: &mut Doc, m: &Member, head: &str) {
    let w = doc.w;
    let mut name = doc.name(&m.entity);
    for (same, why) in &m.same_as {
        let (same, why) = (doc.name(same), doc.t(why));
        name.push_str(&format!(
            "<br><span class=k>{}</span> {same} <span class=k>({why})</span>",
            w.also_known
        ));
    }
    if m.exhibits_only {
        name.push_str(&format!("<br><span class=tag>{}</span>", w.exhibits_only));
    }
    let role = doc.lang.role(m.role);
    let about = format!("{}: {role}", doc.name(&m.entity));
    let rows = doc.cite(&about, &m.evidence);
    let reasons = reasons(doc, &m.reasons);
    doc.raw(&format!(
        "<tr>{head}<th scope=row>{name}<td>{role}<td class=num>{}<td>{reasons}<td>{rows}\n",
        esc(&chance(m.probability))
    ));
}

/// Measured values with their share in the score.
pub(super) fn reasons(doc: &Doc, list: &[Contribution]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let items: String =
        list.iter()
            .map(|c| {
                let line = c.threshold.as_ref().map_or(String::new(), |t| {
                    format!(" <span class=k>({} {})</span>", doc.w.threshold, esc(t))
                });
                let nats = nats(c.nats);
                format!("<li>{}: <b>{}</b>{line}{nats}", doc.t(&c.what), esc(&c.value))
            })
            .collect();
    format!("<ul>{items}</ul>")
}

fn nats(x: f64) -> String {
    let sign = if x > 0.0 { "+" } else { "−" };
    if x == 0.0 { String::new() } else { format!(" <span class=k>{sign}{} nats</span>", number(x.abs())) }
}
