//! The report's sections, one file each, in the order in which they are printed.

mod actors;
mod cards;
mod chain;
mod findings;
mod first_page;
mod fraud;
mod groups;
mod harms;
mod legal;
mod limits;
mod method;
mod operators;
mod other;
mod sources;
mod ways;

use suyuan_model::outcome::{Case, Cases, Finding, Run, Trace};

use crate::page::{Doc, esc};

/// What a report is made of.
pub(crate) struct Parts<'a> {
    pub cases: &'a Cases,
    pub trace: &'a Trace,
    pub findings: &'a [Finding],
    pub run: &'a Run,
}

/// A case within the report, with the prefix of its anchors.
pub(crate) struct One<'a> {
    pub case: &'a Case,
    /// `c1-`, `c2-`, ...
    pub at: String,
    pub parts: &'a Parts<'a>,
}

/// A section of a case.
type Section = fn(&mut Doc, &One);

/// Sections after the first page, in order.
static OF_A_CASE: &[Section] = &[
    chain::write,
    actors::write,
    sources::write,
    harms::write,
    operators::write,
    fraud::write,
    ways::write,
    groups::write,
    cards::write,
    legal::write,
    findings::write,
    other::write,
    limits::write,
];

/// Writes the whole body.
pub(crate) fn write(doc: &mut Doc, parts: &Parts) {
    let many = parts.cases.cases.len() > 1;
    if parts.cases.cases.len() != 1 {
        first_page::overview(doc, parts);
    }
    let ones: Vec<One> = parts
        .cases
        .cases
        .iter()
        .enumerate()
        .map(|(n, case)| One { case, at: format!("c{}-", n + 1), parts })
        .collect();
    let mut nav_at = many.then_some(doc.out.len());
    for one in &ones {
        doc.raw("<div class=case>");
        first_page::write(doc, one, many);
        nav_at.get_or_insert(doc.out.len());
        for section in OF_A_CASE {
            section(doc, one);
        }
        doc.raw("</div>\n");
    }
    let nav_at = nav_at.unwrap_or(doc.out.len());
    findings::of_no_case(doc, parts);
    groups::of_no_case(doc, parts);
    limits::run_wide(doc, parts);
    method::write(doc, parts);
    for one in &ones {
        cards::appendix(doc, one);
    }
    doc.evidence();
    let nav = contents(doc, if many { &ones } else { &[] });
    doc.out.insert_str(nav_at, &nav);
    let foot = format!("<p class=foot>{} · {}</p>\n", doc.w.lead_not_verdict, doc.w.zone);
    doc.raw(&foot);
}

/// The contents: every section, or with many cases each case and what they share.
fn contents(doc: &Doc, many: &[One]) -> String {
    let line = |id: &str, title: &str| format!("<li><a href=\"#{id}\">{}</a>", esc(title));
    let mut items: String = many
        .iter()
        .map(|one| line(&format!("{}top", one.at), &format!("{} {}", doc.w.case_, one.case.id)))
        .collect();
    for (id, title) in doc.contents() {
        if !many.iter().any(|one| id.starts_with(&one.at)) {
            items.push_str(&line(id, title));
        }
    }
    format!("<nav aria-labelledby=contents><h2 id=contents>{}</h2><ol>{items}</ol></nav>\n", doc.w.contents)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_section_is_registered() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sections")).unwrap().count();
        // The list, and: this file, the first page, the method.
        assert_eq!(files, super::OF_A_CASE.len() + 3, "a section's file is not in the list");
    }
}
