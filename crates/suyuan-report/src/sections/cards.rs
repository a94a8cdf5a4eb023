//! Cards: by month, by mark, those used in fraud, a sample; all of them in the appendix.

use crate::words::Reading as _;
use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Case, CaseKind, RingCard};
use suyuan_model::{RowRef, time};

use super::One;
use crate::page::{Doc, chance, day, esc, group, minute};

/// Cards without fraud that the body shows.
const SAMPLE: usize = 15;
/// Cards that one appendix prints; more stand in `case.json` alone.
const MOST: usize = 8_000;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let (w, case) = (doc.w, one.case);
    if case.cards.is_empty() && case.kind == CaseKind::Leak {
        return;
    }
    doc.section(&format!("{}cards", one.at), w.cards);
    months(doc, case);
    if case.kind == CaseKind::Ring {
        doc.note(w.marks_note);
    }
    marks(doc, case);
    let rows: BTreeSet<RowRef> =
        case.cards.iter().take(suyuan_model::outcome::Evidence::LIMIT).map(|c| c.opening.clone()).collect();
    let rows: Vec<RowRef> = rows.into_iter().collect();
    let all = doc.cite_rows(&format!("{}: {}", w.cards, w.opened), &rows, case.cards.len() as u64);
    doc.raw(&format!(
        "<p>{} <a href=\"#{}all-cards\">{}</a> · {all}</p>\n",
        w.card_sample, one.at, w.all_cards
    ));
    let fraud = case.cards.iter().filter(|c| !c.fraud_cases.is_empty());
    let rest: Vec<&RingCard> = case.cards.iter().filter(|c| c.fraud_cases.is_empty()).collect();
    let step = rest.len().div_ceil(SAMPLE).max(1);
    let sample = rest.into_iter().step_by(step);
    table(doc, fraud.chain(sample), &marks_of(case));
    doc.end_section();
}

/// Every card.
pub(super) fn appendix(doc: &mut Doc, one: &One) {
    let (w, case) = (doc.w, one.case);
    if case.cards.is_empty() {
        return;
    }
    let title = if one.parts.cases.cases.len() > 1 {
        format!("{} ({})", w.all_cards, case.id)
    } else {
        w.all_cards.to_owned()
    };
    doc.section(&format!("{}all-cards", one.at), &title);
    marks(doc, case);
    doc.raw("<div class=two>");
    compact(doc, case.cards.iter().take(MOST), &marks_of(case));
    doc.raw("</div>\n");
    if case.cards.len() > MOST {
        doc.note(&format!("{} {}", group((case.cards.len() - MOST) as u64), w.not_printed));
    }
    doc.end_section();
}

/// Marks by letter, the commonest first.
fn marks_of(case: &Case) -> BTreeMap<&str, (String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mark in case.cards.iter().flat_map(|c| &c.marks) {
        *counts.entry(mark).or_default() += 1;
    }
    let mut order: Vec<(&str, usize)> = counts.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    order.into_iter().enumerate().map(|(n, (mark, count))| (mark, (letter(n), count))).collect()
}

/// a, b, ... z, a1, b1, ...
fn letter(n: usize) -> String {
    let c = char::from(b'a' + (n % 26) as u8);
    if n < 26 { c.to_string() } else { format!("{c}{}", n / 26) }
}

fn marks(doc: &mut Doc, case: &Case) {
    let mut list: Vec<(&str, (String, usize))> = marks_of(case).into_iter().collect();
    list.sort_by(|a, b| b.1.1.cmp(&a.1.1).then(a.0.cmp(b.0)));
    let items: String = list
        .iter()
        .map(|(mark, (letter, n))| {
            format!("<li><b>{letter}</b> {} <span class=k>{}</span>", mark_name(doc, mark), group(*n as u64))
        })
        .collect();
    doc.raw(&format!("<ul class=marks>{items}</ul>\n"));
}

/// `family:mark` in the reader's language.
fn mark_name(doc: &Doc, mark: &str) -> String {
    let (family, rest) = mark.split_once(':').unwrap_or((mark, ""));
    let known = serde_json::from_value(serde_json::Value::String(family.to_owned()));
    let family = known.map_or_else(|_| esc(family), |f| esc(doc.lang.family(f)));
    let rest = doc.lang.mark(rest).map_or_else(|| esc(rest), esc);
    if rest.is_empty() { family } else { format!("{family}: {rest}") }
}

fn table<'a>(
    doc: &mut Doc,
    cards: impl Iterator<Item = &'a RingCard>,
    marks: &BTreeMap<&str, (String, usize)>,
) {
    let w = doc.w;
    doc.raw(&format!(
        "<table class=cards><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>p<th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
        w.card, w.opened, w.person, w.marks, w.fraud_cluster, w.file_line
    ));
    for c in cards {
        let letters: Vec<&str> =
            c.marks.iter().filter_map(|m| marks.get(m.as_str())).map(|m| m.0.as_str()).collect();
        let cases: Vec<String> = c.fraud_cases.iter().map(|f| esc(f)).collect();
        let place = doc.place(&c.opening);
        let line = format!(
            "<tr><td>{}<td class=nb>{}<td>{}<td>{}<td>{}<td>{}<td>{place}\n",
            esc(&c.card),
            minute(c.opening.ts),
            c.subject.as_deref().map_or(String::new(), |s| esc(&crate::page::short(s))),
            esc(&chance(c.probability)),
            letters.join(" "),
            cases.join(", "),
        );
        doc.out.push_str(&line);
    }
    doc.raw("</table>\n");
}

/// Every card on one line: fraud shows as a mark, its cases stand in the body.
fn compact<'a>(
    doc: &mut Doc,
    cards: impl Iterator<Item = &'a RingCard>,
    marks: &BTreeMap<&str, (String, usize)>,
) {
    let w = doc.w;
    doc.raw(&format!(
        "<table class=\"cards all\"><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>p<th scope=col>{}<th scope=col>{}</thead>\n",
        w.card, w.opened, w.person, w.marks, w.file_line
    ));
    for c in cards {
        let letters: Vec<&str> =
            c.marks.iter().filter_map(|m| marks.get(m.as_str())).map(|m| m.0.as_str()).collect();
        let person = c.subject.as_deref().map_or(String::new(), |s| esc(&crate::page::short(s)));
        let place = doc.place(&c.opening);
        let line = format!(
            "<tr><td>{}<td>{}<td>{person}<td>{}<td>{}<td>{place}\n",
            esc(&c.card),
            day(c.opening.ts),
            esc(&chance(c.probability)),
            letters.join(""),
        );
        doc.out.push_str(&line);
    }
    doc.raw("</table>\n");
}

/// Openings by month as bars; those used in fraud dark.
fn months(doc: &mut Doc, case: &Case) {
    let mut by: BTreeMap<(i64, u32), (u64, u64)> = BTreeMap::new();
    for c in &case.cards {
        let (y, m, _) = time::civil_from_days(time::china_day(c.opening.ts));
        let e = by.entry((y, m)).or_default();
        e.0 += 1;
        e.1 += u64::from(!c.fraud_cases.is_empty());
    }
    let (Some((first, _)), Some((last, _))) = (by.first_key_value(), by.last_key_value()) else { return };
    let at = |(y, m): (i64, u32)| y * 12 + i64::from(m) - 1;
    let (start, n) = (at(*first), (at(*last) - at(*first) + 1).min(60));
    let most = by.values().map(|v| v.0).max().unwrap_or(1).max(1) as f64;
    let (w, h) = (n as f64 * 60.0 + 20.0, 118.0);
    let mut svg = format!(
        "<figure><figcaption>{}</figcaption><svg class=bars viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\" aria-label=\"{}\" style=\"max-width:{w:.0}px;width:100%\">",
        doc.w.by_month, doc.w.by_month
    );
    for i in 0..n {
        let month = (((start + i).div_euclid(12)), ((start + i).rem_euclid(12) + 1) as u32);
        let (all, fraud) = by.get(&month).copied().unwrap_or_default();
        let x = 10.0 + i as f64 * 60.0;
        let (bar, dark) = (70.0 * all as f64 / most, 70.0 * fraud as f64 / most);
        svg.push_str(&format!(
            "<rect x=\"{:.0}\" y=\"{:.1}\" width=\"40\" height=\"{bar:.1}\" fill=\"#9dbbd3\"/><rect x=\"{:.0}\" y=\"{:.1}\" width=\"40\" height=\"{dark:.1}\" fill=\"#9c3116\"/><text x=\"{:.0}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"middle\" fill=\"#1a212b\">{}{}</text><text x=\"{:.0}\" y=\"108\" font-size=\"11\" text-anchor=\"middle\" fill=\"#1a212b\">{}-{:02}</text>",
            x + 10.0, 92.0 - bar, x + 10.0, 92.0 - dark, x + 30.0, 87.0 - bar, group(all),
            if fraud > 0 { format!(" ({fraud})") } else { String::new() }, x + 30.0, month.0, month.1
        ));
    }
    svg.push_str("</svg></figure>\n");
    doc.raw(&svg);
    doc.note(&format!("{} – {}", day(case.totals.first), day(case.totals.last)));
}
