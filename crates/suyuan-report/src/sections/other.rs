//! What else could explain it: every explanation checked for the case's sources and findings.

use crate::words::Reading as _;
use std::collections::BTreeMap;

use suyuan_model::outcome::{Counter, Outcome};

use super::One;
use crate::page::Doc;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    doc.section(&format!("{}other", one.at), w.other_explanations);
    doc.note(w.other_explanations_note);
    let ids: std::collections::BTreeSet<&str> = one.case.findings.iter().map(String::as_str).collect();
    let findings = one.parts.findings.iter().filter(|f| ids.contains(f.id.as_str()));
    let all = one.case.sources.iter().flat_map(|s| &s.counter).chain(findings.flat_map(|f| &f.counter));
    // Those that hold first: they matter most to a reader who doubts.
    let mut seen: BTreeMap<(u8, &str, &str), (&Counter, usize)> = BTreeMap::new();
    for c in all {
        let order = match c.outcome {
            Outcome::Supported => 0,
            Outcome::NotCheckable => 1,
            Outcome::Excluded => 2,
        };
        seen.entry((order, &c.what.en, &c.detail.en)).or_insert((c, 0)).1 += 1;
    }
    if seen.is_empty() {
        doc.note(w.none_checked);
        doc.end_section();
        return;
    }
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.explanation, w.check, w.detail
    ));
    let mut last = "";
    let mut of_same = 0;
    for (c, n) in seen.values() {
        // A rule's explanation with its own figures for each of many entities: three are enough.
        of_same = if last == c.what.en { of_same + 1 } else { 0 };
        last = &c.what.en;
        if of_same >= 3 {
            continue;
        }
        let class = match c.outcome {
            Outcome::Supported => "y",
            Outcome::NotCheckable => "m",
            Outcome::Excluded => "o",
        };
        let (what, detail) = (doc.t(&c.what), doc.t(&c.detail));
        let times = if *n > 1 { format!(" <span class=k>×{n}</span>") } else { String::new() };
        doc.raw(&format!(
            "<tr><th scope=row>{what}{times}<td class=nb><span class={class}>{}</span><td>{detail}\n",
            doc.lang.outcome(c.outcome)
        ));
    }
    doc.raw("</table>");
    doc.end_section();
}
