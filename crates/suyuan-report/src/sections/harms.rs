//! Persons harmed through the case's sources of data, each with the source's responsibility and the touch before the harm.

use suyuan_model::outcome::{Harm, Question, Source};

use super::One;
use crate::page::{Doc, chance, day, esc, group, minute};
use crate::words::Reading as _;

/// Persons printed of one source; the rest is counted.
const PERSONS: usize = 120;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let told = |s: &&Source| s.question != Question::CardOpening && !s.harms.is_empty();
    let sources: Vec<&Source> = one.case.sources.iter().filter(told).collect();
    if sources.is_empty() {
        return;
    }
    doc.section(&format!("{}harms", one.at), doc.w.harms);
    doc.note(doc.w.harms_note);
    for source in sources {
        of_source(doc, source);
    }
    doc.end_section();
}

fn of_source(doc: &mut Doc, s: &Source) {
    let w = doc.w;
    let name = doc.name(&s.entity);
    doc.raw(&format!(
        "<h3>{name} <span class=k>{}</span></h3><table class=tight><thead><tr><th scope=col class=num>#<th scope=col>{}<th scope=col class=num>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        doc.lang.question(s.question),
        w.person,
        w.responsibility,
        w.last_touch,
        w.file_line,
        w.harm_at
    ));
    for (n, h) in s.harms.iter().take(PERSONS).enumerate() {
        row(doc, n + 1, h);
    }
    doc.raw("</table>");
    if s.harms.len() > PERSONS {
        let more = group((s.harms.len() - PERSONS) as u64);
        let line = doc.lang.pick(
            format!("{more} more persons stand in sources.json"),
            format!("另有{more}人，见 sources.json"),
        );
        doc.note(&line);
    }
}

fn row(doc: &mut Doc, n: usize, h: &Harm) {
    let place = doc.place(&h.touch);
    doc.raw(&format!(
        "<tr><td class=num>{n}<th scope=row class=mono>{}<td class=num>{}<td class=nb>{}<td>{place}<td class=nb>{}\n",
        esc(&h.thing.id),
        esc(&chance(h.share)),
        minute(h.touch.ts),
        day(h.at)
    ));
}
