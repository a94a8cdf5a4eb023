//! Sources of the trace: found against expected, what speaks against, what cannot be told apart.

use crate::words::Reading as _;
use suyuan_model::outcome::{Counter, Part, Partner, Source};

use super::One;
use super::actors::reasons;
use crate::page::{Doc, chance, day, esc, group, number};

pub(super) fn write(doc: &mut Doc, one: &One) {
    let w = doc.w;
    doc.section(&format!("{}sources", one.at), w.sources);
    doc.note(w.sources_note);
    if one.case.sources.is_empty() {
        doc.note(w.none);
    }
    for source in &one.case.sources {
        block(doc, source);
    }
    doc.end_section();
}

/// One source with everything that belongs to it.
pub(super) fn block(doc: &mut Doc, s: &Source) {
    let w = doc.w;
    let name = doc.name(&s.entity);
    let rows = doc.cite(&format!("{}: {name}", w.source), &s.evidence);
    let listed = if s.listed { w.listed } else { w.not_listed };
    doc.raw(&format!(
        "<div class=box><h3>{name} <span class=tag>{listed}</span></h3><p class=k>{}</p><div class=facts><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>×{}</b></span><span>{}: <b>{}</b></span><span>{rows}</span></div>\n",
        doc.lang.question(s.question),
        w.probability,
        esc(&chance(s.probability)),
        w.harmed,
        group(s.harmed),
        w.expected,
        expected(s.expected),
        w.exposure,
        group(s.exposure),
        w.lift,
        number(s.lift),
        w.base_rate,
        rate(s),
    ));
    let mut more = String::new();
    if let Some(win) = s.window {
        more.push_str(&format!("<li>{}: {} – {}", w.when, day(win.start), day(win.end)));
    }
    if let Some(limits) = s.limits {
        more.push_str(&format!("<li>{}", doc.t(&limits.text())));
    }
    if !s.finer.is_empty() {
        let names: Vec<String> = s.finer.iter().map(|e| doc.name(e)).collect();
        more.push_str(&format!("<li>{}: {}", w.finer, names.join(", ")));
    }
    if s.credible_set.len() > 1 {
        let set: Vec<String> = s
            .credible_set
            .iter()
            .map(|(e, share)| format!("{} ({})", doc.name(e), esc(&chance(*share))))
            .collect();
        more.push_str(&format!("<li>{}: {}", w.credible_set, set.join(", ")));
    }
    let cannot = doc.t(&s.cannot_tell);
    if !cannot.is_empty() {
        more.push_str(&format!("<li>{}: {cannot}", w.cannot_tell_apart));
    }
    let against = counters(doc, &s.counter);
    if !against.is_empty() {
        more.push_str(&format!("<li>{}: {against}", w.counter));
    }
    for p in &s.partners {
        more.push_str(&partner(doc, p));
    }
    let why = reasons(doc, &s.contributions);
    doc.raw(&format!("{why}<ul>{more}</ul></div>\n"));
}

/// Who looked at the same records while the source leaked, with what else could explain it.
fn partner(doc: &mut Doc, p: &Partner) -> String {
    let w = doc.w;
    let name = doc.name(&p.entity);
    let rows = doc.cite(&format!("{}: {name}", w.partner), &p.evidence);
    let part = |x: Part| format!("{} / {}", group(x.hits), group(x.of));
    let chance = power_of_ten(p.log_chance);
    let against = counters(doc, &p.counter);
    format!(
        "<li>{}: {name} – {}: {}; {}: {}; {}: {chance}; {rows}; {against}",
        w.partner,
        w.repeated_inside,
        part(p.inside),
        w.repeated_outside,
        part(p.outside),
        w.by_chance
    )
}

/// A chance given as natural log, as a power of ten.
fn power_of_ten(log: f64) -> String {
    format!("1e{:.0}", log / std::f64::consts::LN_10)
}

fn expected(x: f64) -> String {
    if x < 0.05 { "&lt;0.1".into() } else { number(x) }
}

/// Expected by exposure, as a share.
fn rate(s: &Source) -> String {
    if s.exposure == 0 {
        return "–".into();
    }
    let percent = s.expected / s.exposure as f64 * 100.0;
    if percent < 0.01 { "&lt;0.01%".into() } else { format!("{percent:.2}%") }
}

/// Other explanations in a line each.
pub(super) fn counters(doc: &Doc, list: &[Counter]) -> String {
    list.iter()
        .map(|c| format!("{} — {}: {}", doc.t(&c.what), doc.lang.outcome(c.outcome), doc.t(&c.detail)))
        .collect::<Vec<_>>()
        .join("; ")
}
