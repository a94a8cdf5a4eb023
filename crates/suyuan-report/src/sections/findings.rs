//! Findings that speak of the case, with values, base rate and what would clear them.

use crate::words::Reading as _;
use suyuan_model::outcome::Finding;

use super::actors::reasons;
use super::sources::counters;
use super::{One, Parts};
use crate::page::{Doc, day, esc, group};

/// Findings printed in full; the rest stand in a table.
const FULL: usize = 24;
/// Others involved that are named, of each kind.
const INVOLVED: usize = 4;
/// Lines of the table; more stand in `findings.ndjson` alone.
const LINES: usize = 200;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    let ids: std::collections::BTreeSet<&str> = one.case.findings.iter().map(String::as_str).collect();
    let mine = one.parts.findings.iter().filter(|f| ids.contains(f.id.as_str())).collect();
    list(doc, &format!("{}findings", one.at), w.findings, w.findings_note, mine);
}

/// Findings that no case holds.
pub(super) fn of_no_case(doc: &mut Doc, parts: &Parts) {
    let w = doc.w;
    let held: std::collections::BTreeSet<&str> =
        parts.cases.cases.iter().flat_map(|c| &c.findings).map(String::as_str).collect();
    let rest: Vec<&Finding> = parts.findings.iter().filter(|f| !held.contains(f.id.as_str())).collect();
    if !rest.is_empty() {
        list(doc, "other-findings", w.other_findings, w.findings_note, rest);
    }
}

fn list(doc: &mut Doc, id: &str, title: &str, note: &str, mut findings: Vec<&Finding>) {
    findings.sort_by(|a, b| {
        b.level.cmp(&a.level).then(b.evidence.total().cmp(&a.evidence.total())).then(a.id.cmp(&b.id))
    });
    doc.section(id, title);
    doc.note(&format!("{note} ({})", group(findings.len() as u64)));
    for f in findings.iter().take(FULL) {
        full(doc, f);
    }
    if findings.len() > FULL {
        rest(doc, &findings[FULL..]);
    }
    doc.end_section();
}

fn full(doc: &mut Doc, f: &Finding) {
    let w = doc.w;
    let (title, name) = (doc.t(&f.title), doc.name(&f.entity));
    let rows = doc.cite(&format!("{title}: {name}"), &f.evidence);
    let why = reasons(doc, &f.contributions);
    let b = &f.base_rate;
    let share = if b.of == 0 { String::new() } else { format!(" ({})", percent(b.hits, b.of)) };
    doc.raw(&format!(
        "<div class=box><h3>{title} — {name}</h3><div class=facts><span class=tag>{}</span><span class=tag>{}</span><span>{} – {}</span><span>{rows}</span><span class=k>{}: {} · {} · {}</span></div>{why}<ul><li>{}: {} / {} {}{share}<li>{}: {}",
        doc.lang.level(f.level),
        doc.lang.family(f.family),
        day(f.first),
        day(f.last),
        w.rule,
        esc(&f.rule),
        esc(&f.scheme),
        doc.lang.confidence(f.confidence),
        w.base_rate,
        group(b.hits),
        group(b.of),
        doc.t(&b.what),
        w.clears,
        doc.t(&f.clears),
    ));
    if let Some(row) = &f.trigger {
        let link = doc.cite_rows(&format!("{}: {title}: {name}", w.asked_at), std::slice::from_ref(row), 1);
        doc.raw(&format!("<li>{}: {} {link}", w.asked_at, day(row.ts)));
    }
    let involved = involved(doc, f);
    if !involved.is_empty() {
        doc.raw(&format!("<li>{}: {involved}", w.involved));
    }
    let cannot = doc.t(&f.cannot_tell);
    if !cannot.is_empty() {
        doc.raw(&format!("<li>{}: {cannot}", w.cannot_tell_apart));
    }
    let other = counters(doc, &f.counter);
    if !other.is_empty() {
        doc.raw(&format!("<li>{}: {other}", w.other_explanations));
    }
    doc.raw("</ul></div>\n");
}

/// Whom and what else the rows name: a few of each kind, and how many more.
fn involved(doc: &Doc, f: &Finding) -> String {
    let mut out = Vec::new();
    for of_kind in f.involved.chunk_by(|a, b| a.kind == b.kind) {
        out.extend(of_kind.iter().take(INVOLVED).map(|e| doc.name(e)));
        if of_kind.len() > INVOLVED {
            out.push(format!("<span class=k>+{}</span>", group((of_kind.len() - INVOLVED) as u64)));
        }
    }
    out.join(", ")
}

fn rest(doc: &mut Doc, findings: &[&Finding]) {
    let w = doc.w;
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.what, w.about, w.rule, w.when, w.rows
    ));
    for f in findings.iter().take(LINES) {
        let (title, name) = (doc.t(&f.title), doc.name(&f.entity));
        let rows = doc.cite(&format!("{title}: {name}"), &f.evidence);
        doc.raw(&format!(
            "<tr><td>{title}<td>{name}<td>{}<td class=nb>{} – {}<td>{rows}\n",
            esc(&f.rule),
            day(f.first),
            day(f.last)
        ));
    }
    doc.raw("</table>");
    if findings.len() > LINES {
        let more = group((findings.len() - LINES) as u64);
        doc.note(&doc.lang.pick(
            format!("{more} more findings stand in findings.ndjson"),
            format!("另有{more}条线索，见 findings.ndjson"),
        ));
    }
}

fn percent(hits: u64, of: u64) -> String {
    let p = hits as f64 / of as f64 * 100.0;
    match p {
        p if p >= 10.0 => format!("{p:.0}%"),
        p if p > 0.0 && p < 0.01 => "&lt;0.01%".into(),
        p => format!("{p:.2}%"),
    }
}
