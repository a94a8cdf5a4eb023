//! The report as people and browsers get it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../suyuan-case/tests/reference/mod.rs"]
mod reference;

use std::collections::BTreeSet;

use reference::{Exhibits, Reference, reference};
use serde_json::Value;
use suyuan_case::{LawSet, build};
use suyuan_model::outcome::*;
use suyuan_report::{Lang, diagram_svg, html, summary_lines};

fn cases(r: &Reference) -> Cases {
    build(&r.source, &r.trace, &r.findings, &LawSet::embedded().unwrap()).unwrap()
}

fn page(lang: Lang) -> String {
    let r = reference(Exhibits::With);
    html(lang, &cases(&r), &r.trace, &r.findings, &r.run)
}

/// Names of the tags with their attributes, as a browser reads them.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut out = vec![];
    let chars: Vec<char> = page.chars().collect();
    let take = |i: &mut usize, stop: &dyn Fn(char) -> bool| {
        let start = *i;
        while *i < chars.len() && !stop(chars[*i]) {
            *i += 1;
        }
        chars[start..*i].iter().collect::<String>()
    };
    let mut i = 0;
    while i < chars.len() {
        if chars[i] != '<' || !chars.get(i + 1).is_some_and(|c| c.is_alphabetic()) {
            i += 1;
            continue;
        }
        i += 1;
        let name = take(&mut i, &|c| c.is_whitespace() || c == '>' || c == '/');
        let mut attributes = vec![];
        while i < chars.len() && chars[i] != '>' {
            if chars[i].is_whitespace() || chars[i] == '/' {
                i += 1;
                continue;
            }
            let key = take(&mut i, &|c| c.is_whitespace() || c == '=' || c == '>');
            let mut value = String::new();
            if chars.get(i) == Some(&'=') {
                i += 1;
                if chars.get(i) == Some(&'"') {
                    i += 1;
                    value = take(&mut i, &|c| c == '"');
                    i += 1;
                } else {
                    value = take(&mut i, &|c| c.is_whitespace() || c == '>');
                }
            }
            attributes.push((key, value));
        }
        out.push((name.to_lowercase(), attributes));
    }
    out
}

const ALLOWED: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "span",
    "b",
    "i",
    "br",
    "h1",
    "h2",
    "h3",
    "p",
    "a",
    "dl",
    "dt",
    "dd",
    "figure",
    "figcaption",
    "nav",
    "ol",
    "ul",
    "li",
    "section",
    "table",
    "thead",
    "tr",
    "th",
    "td",
    "svg",
    "desc",
    "defs",
    "marker",
    "path",
    "rect",
    "text",
];

fn check_safe(page: &str) {
    for (tag, attributes) in tags(page) {
        assert!(ALLOWED.contains(&tag.as_str()), "<{tag}>");
        for (key, value) in attributes {
            assert!(!key.to_lowercase().starts_with("on"), "{tag} {key}");
            assert!(key != "href" || value.starts_with('#'), "{value}");
            assert!(!matches!(key.as_str(), "src" | "srcset" | "action" | "xlink:href"), "{key}");
        }
    }
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn it_needs_nothing_but_itself() {
    for lang in [Lang::En, Lang::Zh] {
        let page = page(lang);
        check_safe(&page);
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
        assert!(page.contains(&format!("<html lang=\"{}", lang.code())));
        assert!(page.len() < 2_000_000, "{}", page.len());
    }
}

#[test]
fn every_link_arrives_and_every_id_is_one() {
    for lang in [Lang::En, Lang::Zh] {
        let page = page(lang);
        let (mut ids, mut links) = (BTreeSet::new(), BTreeSet::new());
        for (tag, attributes) in tags(&page) {
            assert!(tag != "th" || attributes.iter().any(|a| a.0 == "scope"));
            for (key, value) in attributes {
                match key.as_str() {
                    "id" => assert!(ids.insert(value.clone()), "{value} twice"),
                    "href" => {
                        links.insert(value.trim_start_matches('#').to_owned());
                    }
                    "aria-labelledby" => links.extend(value.split(' ').map(str::to_owned)),
                    _ => {}
                }
            }
        }
        let missing: Vec<&String> = links.difference(&ids).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// Every card, case and total of the first page stands with the row that proves it.
#[test]
fn figures_lead_to_rows() {
    let r = reference(Exhibits::With);
    let cases = cases(&r);
    let page = html(Lang::Zh, &cases, &r.trace, &r.findings, &r.run);
    for card in &cases.cases[0].cards {
        assert!(page.contains(&format!("<td>{}<td>", card.card)), "{}", card.card);
        assert!(page.contains(&format!("opening.csv:{}\n", card.opening.line)));
    }
    for fraud in &cases.cases[0].fraud_cases {
        assert!(
            page.contains(&format!("fraud_report.csv:{}\n", fraud.evidence.rows()[0].line)),
            "{}",
            fraud.case
        );
    }
    assert!(page.contains("2,841,230") && page.contains("3,512"));
}

/// Text from outside, everywhere it can come from, stays text.
#[test]
fn text_from_outside_stays_text() {
    const BAD: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script></style></svg>\u{202e}&";
    const OPEN: &[&str] = &[
        "id",
        "en",
        "zh",
        "case",
        "subject",
        "value",
        "rule",
        "rule_hash",
        "scheme",
        "source",
        "name",
        "version",
        "keys",
        "sha256",
        "item",
        "marks",
        "cards",
        "card",
        "fraud_cases",
        "rules",
        "laws",
    ];
    fn poison(value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(k, v)| poison(v, k)),
            Value::Array(list) => list.iter_mut().for_each(|v| poison(v, key)),
            Value::String(text) if OPEN.contains(&key) => text.push_str(BAD),
            _ => {}
        }
    }
    fn poisoned<T: serde::Serialize + serde::de::DeserializeOwned>(what: &T) -> T {
        let mut value = serde_json::to_value(what).unwrap();
        poison(&mut value, "");
        serde_json::from_value(value).unwrap()
    }
    let mut r = reference(Exhibits::With);
    r.trace.rings[0].cards.truncate(60);
    let (cases, trace, run) = (poisoned(&cases(&r)), poisoned(&r.trace), poisoned(&r.run));
    let findings: Vec<Finding> = r.findings.iter().map(poisoned).collect();
    for lang in [Lang::En, Lang::Zh] {
        let page = html(lang, &cases, &trace, &findings, &run);
        assert!(page.contains("onerror"), "the poison is in the page");
        check_safe(&page);
        assert!(!page.contains('\u{202e}'));
        for (tag, attributes) in tags(&diagram_svg(&cases.cases[0], lang)) {
            assert!(
                ALLOWED.contains(&tag.as_str()) && attributes.iter().all(|a| !a.0.starts_with("on")),
                "{tag}"
            );
        }
    }
}

/// The section of that id, without its rows' links.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("<section id=\"{id}\">")).unwrap_or_else(|| panic!("no section {id}"));
    &page[start..start + page[start..].find("</section>").unwrap()]
}

/// Dense groups stand in their case or in none; each card used in fraud stands with its best way and its rows.
#[test]
fn groups_and_ways_are_printed() {
    for (lang, name) in [(Lang::En, "en"), (Lang::Zh, "zh")] {
        let page = page(lang);
        let ways = section(&page, "c1-ways");
        assert_eq!(ways.matches("<tr><th scope=row class=\"mono nb\">").count(), reference::FRAUD_CARDS);
        let mine = section(&page, "c1-groups");
        assert!(mine.contains("farm-5d0c9a1b2e3f4a60") && !mine.contains("farm-00aa11bb22cc33dd"));
        let other = section(&page, "other-groups");
        assert!(other.contains("farm-00aa11bb22cc33dd"));
        let first = &ways[..ways.match_indices("<tr>").nth(2).unwrap().0];
        insta::assert_snapshot!(format!("groups_and_ways_{name}"), [first, mine, other].join("\n"));
    }
}

#[test]
fn same_input_same_bytes() {
    assert_eq!(page(Lang::Zh), page(Lang::Zh));
}

#[test]
fn nothing_found_says_so() {
    let r = reference::without_rows(Exhibits::Without);
    let nothing = build(&r.source, &Trace::default(), &[], &LawSet::embedded().unwrap()).unwrap();
    let page = html(Lang::Zh, &nothing, &Trace::default(), &[], &r.run);
    check_safe(&page);
    assert!(page.contains("没有可报告的内容") && page.contains("没有发现团伙"));
    insta::assert_snapshot!(summary_lines(&nothing, Lang::En).join("\n"));
}

#[test]
fn several_cases_share_a_first_page() {
    let r = reference(Exhibits::With);
    let mut cases = cases(&r);
    let mut second = cases.cases[0].clone();
    second.id = "case-0000".into();
    second.cards.truncate(40);
    cases.cases.push(second);
    let page = html(Lang::En, &cases, &r.trace, &r.findings, &r.run);
    check_safe(&page);
    let ids: Vec<String> =
        tags(&page).into_iter().flat_map(|t| t.1).filter(|a| a.0 == "id").map(|a| a.1).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "ids differ between cases");
    assert!(page.contains("All cases: 2"));
    assert!(summary_lines(&cases, Lang::En).len() <= 10);
}

/// The reference case beside a leak that belongs to no ring.
fn with_leak() -> Reference {
    let mut r = reference(Exhibits::With);
    let leaker = r.trace.sources.iter_mut().find(|s| s.question == Question::VictimData).unwrap();
    let touch = leaker.evidence.rows()[0].clone();
    (leaker.listed, leaker.probability) = (true, 0.97);
    leaker.inside = Some(Inside { touched: 130, harmed: 9, expected: 0.4, rate: 0.06 });
    leaker.harms = (0..130)
        .map(|n| Harm {
            thing: Entity::new(EntityKind::Person, reference::token("idn1", n)),
            share: if n < 9 { 0.96 } else { 0.08 },
            at: touch.ts + 1,
            touch: touch.clone(),
        })
        .collect();
    r
}

#[test]
fn a_leak_without_a_ring_has_pages_of_its_own() {
    let r = with_leak();
    let cases = cases(&r);
    let leak = cases.cases.iter().position(|c| c.kind == CaseKind::Leak).unwrap() + 1;
    for lang in [Lang::En, Lang::Zh] {
        let page = html(lang, &cases, &r.trace, &r.findings, &r.run);
        check_safe(&page);
        let harms = section(&page, &format!("c{leak}-harms"));
        assert_eq!(harms.matches("<tr><td").count(), 120, "the most responsible are printed");
        assert!(harms.contains("sources.json"), "the rest is counted");
        assert!(!page.contains(&format!("id=\"c{leak}-cards\"")), "it has no cards");
    }
    insta::assert_snapshot!(diagram_svg(&cases.cases[leak - 1], Lang::Zh));
}

/// A big case with many findings: the file stays small enough to mail.
#[test]
fn the_file_stays_below_six_megabytes() {
    let r = reference(Exhibits::With);
    let mut cases = cases(&r);
    let case = &mut cases.cases[0];
    let one: Vec<RingCard> = case.cards.clone();
    while case.cards.len() < 40_000 {
        case.cards.extend(one.iter().cloned());
    }
    let mut findings = r.findings.clone();
    for n in 0..400usize {
        let mut f = findings[0].clone();
        f.id = format!("g{n:04}");
        let row =
            |i| reference::at(suyuan_model::Kind::Login, n * 400 + i, (n * 400 + i) as i64 * 1_000_000, 10);
        f.evidence = Evidence::of((0..400).map(row)).unwrap();
        case.findings.push(f.id.clone());
        findings.push(f);
    }
    let page = html(Lang::En, &cases, &r.trace, &findings, &r.run);
    assert!(page.len() < 6_000_000, "{}", page.len());
    assert!(page.contains("rows not printed here"));
}

/// The first sections without the picture and the style sheet.
#[test]
fn the_page_in_short() {
    for (lang, name) in [(Lang::Zh, "zh"), (Lang::En, "en")] {
        let page = page(lang);
        let body = page.split("<body>").nth(1).unwrap();
        let text =
            format!("{}{}", &body[..body.find("<svg").unwrap()], &body[body.find("</figure>").unwrap()..]);
        let short: String = text.lines().take(70).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(name, short);
    }
}

#[test]
fn the_picture() {
    let with = cases(&reference(Exhibits::With));
    insta::assert_snapshot!("picture_with_exhibits_zh", diagram_svg(&with.cases[0], Lang::Zh));
    let without = cases(&reference(Exhibits::Without));
    insta::assert_snapshot!("picture_without_exhibits_en", diagram_svg(&without.cases[0], Lang::En));
}

#[test]
fn ten_lines() {
    let cases = cases(&reference(Exhibits::With));
    for (lang, name) in [(Lang::Zh, "lines_zh"), (Lang::En, "lines_en")] {
        let lines = summary_lines(&cases, lang);
        assert!(lines.len() <= 10);
        insta::assert_snapshot!(name, lines.join("\n"));
    }
}

/// What share of light a colour gives, by WCAG.
fn light(hex: &str) -> f64 {
    let hex = hex.trim_start_matches('#');
    let full: String =
        if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
    let channel = |i: usize| {
        let v = f64::from(u8::from_str_radix(&full[i..i + 2], 16).unwrap()) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

#[test]
fn every_colour_can_be_read() {
    let css = include_str!("../src/style.css");
    let root = css.split(":root{").nth(1).unwrap().split('}').next().unwrap();
    let of = |name: &str| root.split(';').find_map(|v| v.strip_prefix(&format!("--{name}:"))).unwrap();
    let ratio = |a: &str, b: &str| {
        let (x, y) = (light(a).max(light(b)), light(a).min(light(b)));
        (x + 0.05) / (y + 0.05)
    };
    for ink in ["ink", "soft", "blue", "good", "warn", "bad"] {
        for paper in ["#fff", of("fill"), "#fff3c4"] {
            assert!(ratio(of(ink), paper) >= 4.5, "{ink} on {paper}");
        }
    }
    assert!(ratio("#14508a", "#fff3c4") >= 4.5);
    // Labels of the picture stand on a white halo, the bands' names on the bands' ink.
    let svg = diagram_svg(&cases(&reference(Exhibits::With)).cases[0], Lang::En);
    for (tag, attributes) in tags(&svg) {
        if tag == "text" {
            let fill = &attributes.iter().find(|a| a.0 == "fill").unwrap().1;
            assert!(fill == "#fff" || ratio(fill, "#fff") >= 4.5, "{fill}");
        }
    }
    for band in ["#1b5e8c", "#5b4a8a", "#9c3116"] {
        assert!(svg.contains(band) && ratio("#fff", band) >= 4.5);
    }
}
