//! Reports: a case as one HTML file, its diagram as SVG, and ten lines for the terminal.
//!
//! The HTML needs nothing but itself: no script, no font, no picture from elsewhere; it opens under
//! `default-src 'none'; style-src 'unsafe-inline'` and carries that policy. It reads on screen and on
//! A4 paper, in English and Chinese, and states every figure with a link to the rows behind it: record,
//! number in its source system, file and line. The first page says what was found, how sure it is and
//! what it cannot tell.
//!
//! What always holds: the same input gives the same bytes; every text from outside is escaped; a word
//! missing in one language does not compile; nothing is decided here, only shown.
//!
//! Blind to: anything beyond the limits named where they apply (rows and cards not printed are counted
//! and stand in `case.json`).

mod diagram;
mod page;
mod sections;
mod summary;
mod words;

use crate::words::Reading as _;
use suyuan_model::outcome::{Cases, Finding, Run, Trace};

pub use diagram::diagram_svg;
pub use summary::summary_lines;
pub use suyuan_model::outcome::Lang;

/// A role along the chain, in the report's words.
pub fn role(role: suyuan_model::outcome::Role, lang: Lang) -> &'static str {
    words::Reading::role(lang, role)
}

use page::{Doc, css, esc};
use sections::Parts;

/// The report of a run as one self-contained HTML file.
pub fn html(lang: Lang, cases: &Cases, trace: &Trace, findings: &[Finding], run: &Run) -> String {
    let mut doc = Doc::new(lang, run);
    let parts = Parts { cases, trace, findings, run };
    sections::write(&mut doc, &parts);
    let (w, title) = (lang.words(), title(lang, cases, findings));
    let id = cases.cases.first().filter(|_| cases.cases.len() == 1).map_or(String::new(), |c| c.id.clone());
    let margins = format!(
        "@page{{size:A4;margin:17mm 12mm 15mm;@top-left{{content:{};font:7.5pt sans-serif;color:#4d5866}}@top-right{{content:{};font:7.5pt sans-serif;color:#4d5866}}@bottom-left{{content:{};font:7.5pt sans-serif;color:#4d5866}}@bottom-right{{content:counter(page) \" / \" counter(pages);font:7.5pt sans-serif;color:#4d5866}}}}",
        css(&format!("{}  {id}", w.product)),
        css(w.lead_not_verdict),
        css(w.zone),
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"generator\" content=\"suyuan {}\">\n<title>{}</title>\n<style>\n{margins}\n{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        lang.tag(),
        esc(&run.version),
        esc(&title),
        include_str!("style.css"),
        doc.out
    )
}

fn title(lang: Lang, cases: &Cases, findings: &[Finding]) -> String {
    let w = lang.words();
    match cases.cases.as_slice() {
        [] if findings.is_empty() => format!("{} · {}", w.product, w.nothing),
        [] => format!("{} · {}", w.product, w.leads_only),
        [one] => format!("{} · {}", w.product, one.id),
        more => format!("{} · {} {}", w.product, more.len(), w.no_cases),
    }
}
