//! What the records cannot tell, exhibits, requests; and what belongs to no case.

use crate::words::Reading as _;
use suyuan_model::outcome::{Decoy, Outside, Text};

use super::{One, Parts, sources};
use crate::page::Doc;

fn list(doc: &mut Doc, texts: &[Text]) {
    let items: String = texts.iter().map(|t| format!("<li>{}", doc.t(t))).collect();
    doc.raw(&format!("<ul>{items}</ul>\n"));
}

pub(super) fn write(doc: &mut Doc, one: &One) {
    let (w, case) = (doc.w, one.case);
    doc.section(&format!("{}limits", one.at), w.cannot_tell);
    list(doc, &case.cannot_tell);
    if !case.exhibits.is_empty() {
        doc.raw(&format!("<h3>{}</h3>", w.exhibits));
        list(doc, &case.exhibits);
    }
    doc.end_section();
    doc.section(&format!("{}requests", one.at), w.requests);
    list(doc, &case.requests);
    doc.end_section();
}

/// Sources and remarks that stand outside the cases.
pub(super) fn run_wide(doc: &mut Doc, parts: &Parts) {
    let w = doc.w;
    if !parts.cases.other_sources.is_empty() {
        doc.section("other-sources", w.other_sources);
        for source in parts.cases.other_sources.iter().take(20) {
            sources::block(doc, source);
        }
        if parts.cases.other_sources.len() > 20 {
            let more = parts.cases.other_sources.len() - 20;
            doc.note(&doc.lang.pick(
                format!("{more} more sources stand in sources.json"),
                format!("另有{more}个来源，见 sources.json"),
            ));
        }
        doc.end_section();
    }
    let mut remarks: Vec<Text> = parts.cases.remarks.clone();
    for limit in &parts.trace.limits {
        if !remarks.contains(limit) {
            remarks.push(limit.clone());
        }
    }
    remarks.extend(parts.trace.outside.iter().map(Outside::text));
    remarks.extend(Decoy::text(&parts.trace.decoys));
    doc.section("remarks", w.remarks);
    list(doc, &remarks);
    doc.end_section();
}
