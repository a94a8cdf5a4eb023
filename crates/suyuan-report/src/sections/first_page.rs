//! The first page: what was found, how sure it is, what it cannot tell; figures and diagram.

use crate::words::Reading as _;
use suyuan_model::outcome::{Case, CaseKind};

use super::{One, Parts};
use crate::diagram::diagram_svg;
use crate::page::{Doc, chance, esc, group, number, yuan};

/// The head of every report.
fn top(doc: &mut Doc, left: &str) {
    let w = doc.w;
    doc.raw(&format!(
        "<div class=top><span><b>{}</b> {left}</span><span>{}</span></div>\n",
        w.product, w.lead_not_verdict
    ));
}

/// The page of all cases, or of none.
pub(super) fn overview(doc: &mut Doc, parts: &Parts) {
    let w = doc.w;
    top(doc, "");
    let cases = &parts.cases.cases;
    if cases.is_empty() {
        let title = if parts.findings.is_empty() { w.nothing } else { w.leads_only };
        doc.raw(&format!("<h1>{title}</h1>\n"));
    } else {
        doc.raw(&format!("<h1>{}: {}</h1>\n", w.all_cases, cases.len()));
        doc.raw(&format!(
            "<table><thead><tr><th scope=col>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}</thead>",
            w.case_, w.probability, w.cards, w.fraud_cards, w.fraud_cases, w.loss_yuan
        ));
        for (n, c) in cases.iter().enumerate() {
            let (t, title) = (&c.totals, doc.t(&c.title));
            doc.raw(&format!(
                "<tr><th scope=row><a href=\"#c{}-top\">{title}</a><br><span class=k>{}</span><td class=num>{}<td class=num>{}<td class=num>{}<td class=num>{}<td class=num>{}\n",
                n + 1,
                esc(&c.id),
                esc(&chance(c.probability)),
                group(t.cards),
                group(t.fraud_cards),
                group(t.fraud_cases),
                yuan(t.loss_cny)
            ));
        }
        doc.raw("</table>\n");
    }
    for remark in &parts.cases.remarks {
        let text = doc.t(remark);
        doc.raw(&format!("<p>{text}</p>\n"));
    }
}

/// The first page of a case.
pub(super) fn write(doc: &mut Doc, one: &One, many: bool) {
    let (case, at) = (one.case, &one.at);
    if !many {
        top(doc, &esc(&case.id));
    }
    let title = doc.t(&case.title);
    let (w, heading) = (doc.w, if many { "h2" } else { "h1" });
    doc.raw(&format!("<{heading} id=\"{at}top\">{title}</{heading}>\n"));
    if many {
        let of = if case.kind == CaseKind::Leak { w.leak_probability } else { w.ring_probability };
        doc.note(&format!("{} · {of} {}", case.id, chance(case.probability)));
    }
    tiles(doc, case, at);
    sentences(doc, case);
    doc.raw(&format!("<figure><figcaption>{}</figcaption>\n", w.diagram));
    let svg = diagram_svg(case, doc.lang);
    doc.raw(&svg);
    doc.raw("</figure>\n");
}

fn tiles(doc: &mut Doc, case: &Case, at: &str) {
    let (w, t) = (doc.w, &case.totals);
    let people = suyuan_model::actor::actors(&case.actors).iter().filter(|a| a.acts()).count() as u64;
    // Sources that worked together touched the same persons: not their sum, but what the one with most touched.
    let most = case.sources.iter().rev().max_by_key(|s| s.exposure);
    let several = case.sources.iter().any(|s| most.is_some_and(|most| most.entity != s.entity));
    let first: [(&str, String, &str); 3] = match (case.kind, most) {
        (CaseKind::Leak, Some(s)) => [
            ("sources", group(s.exposure), if several { w.looked_up_most } else { w.looked_up }),
            ("sources", number(s.expected), w.harmed_expected),
            ("harms", group(t.persons), w.harmed_through),
        ],
        _ => [
            ("cards", group(t.cards), w.cards_opened),
            ("cards", group(t.persons), w.persons_named),
            ("cards", group(t.fraud_cards), w.fraud_cards),
        ],
    };
    let then = [
        ("fraud", group(t.fraud_cases), w.fraud_cases),
        ("fraud", yuan(t.loss_cny), w.loss_yuan),
        ("actors", group(people), w.actors_n),
    ];
    doc.raw("<div class=tiles>");
    for (to, figure, label) in first.into_iter().chain(then) {
        doc.raw(&format!("<a href=\"#{at}{to}\"><b>{figure}</b><span>{label}</span></a>"));
    }
    doc.raw("</div>\n");
}

/// The summary's sentences by their label (what stands before the first colon).
fn sentences(doc: &mut Doc, case: &Case) {
    let mut groups: Vec<(&str, Vec<&str>)> = vec![];
    for text in &case.summary {
        let text = doc.lang.of(text);
        let (label, rest) = text.split_once(doc.lang.pick(": ", "：")).unwrap_or(("", text));
        match groups.last_mut() {
            Some((last, list)) if *last == label => list.push(rest),
            _ => groups.push((label, vec![rest])),
        }
    }
    doc.raw("<dl class=sum>");
    let n = groups.len();
    for (i, (label, list)) in groups.into_iter().enumerate() {
        let class = if i + 1 == n { " class=no" } else { "" };
        doc.raw(&format!("<dt{class}>{}<dd>", esc(label)));
        for sentence in list {
            let mut chars = sentence.chars();
            let upper: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
            doc.raw(&format!("<p>{}</p>", esc(&format!("{upper}{}", chars.as_str()))));
        }
    }
    doc.raw("</dl>\n");
}
