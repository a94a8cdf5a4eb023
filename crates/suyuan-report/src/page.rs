//! Writing HTML: escaping, numbers, and the book of evidence that every figure points to.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, EntityKind, Evidence, Input, Run, Text};
pub(crate) use suyuan_model::reading::{chance, group, yuan};
use suyuan_model::{RowRef, time};

use suyuan_model::outcome::Lang;

use crate::words::{Reading as _, Words};

/// More distinct rows than this are not printed; each set is cut to its earliest rows instead, and
/// says so. Keeps the file below 6 MB.
const MAX_ROWS: usize = 20_000;

/// Text that is safe between tags and in quoted attributes; characters that hide or reorder text
/// (controls, bidirectional overrides) become a visible mark.
pub(crate) fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || hides(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn hides(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A string for CSS `content`: everything but letters and digits as escapes.
pub(crate) fn css(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if c.is_alphanumeric() {
            out.push(c);
        } else {
            out.push_str(&format!("\\{:x} ", u32::from(c)));
        }
    }
    out.push('"');
    out
}

/// A measured number for people: one decimal below 100.
pub(crate) fn number(x: f64) -> String {
    if x.abs() < 100.0 { format!("{x:.1}") } else { group(x.abs().round() as u64) }
}

/// A token cut for the eye; other ids as they are.
pub(crate) fn short(id: &str) -> String {
    let token = ["idn", "tel", "nam", "adr", "doc"].iter().any(|k| id.starts_with(k))
        && id.len() >= 20
        && id.contains('-');
    if token { format!("{}…", id.chars().take(13).collect::<String>()) } else { id.to_owned() }
}

/// The day in China.
pub(crate) fn day(ts: i64) -> String {
    time::format_day(time::china_day(ts))
}

/// The minute in China.
pub(crate) fn minute(ts: i64) -> String {
    time::format_china(ts)[..16].to_owned()
}

/// One set of rows.
struct Set {
    about: String,
    rows: Vec<RowRef>,
    total: u64,
}

/// The document while it is written.
pub(crate) struct Doc<'a> {
    pub lang: Lang,
    pub w: &'static Words,
    pub out: String,
    files: BTreeMap<i64, &'a Input>,
    sets: Vec<Set>,
    known: BTreeMap<(u64, Vec<RowRef>), usize>,
    contents: Vec<(String, String)>,
}

impl<'a> Doc<'a> {
    pub fn new(lang: Lang, run: &'a Run) -> Self {
        Doc {
            lang,
            w: lang.words(),
            out: String::new(),
            files: run.inputs.iter().map(|i| (i.file, i)).collect(),
            sets: vec![],
            known: BTreeMap::new(),
            contents: vec![],
        }
    }

    /// Writes markup as it stands.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A heading that the contents list.
    pub fn section(&mut self, id: &str, title: &str) {
        self.contents.push((id.to_owned(), title.to_owned()));
        self.raw(&format!("<section id=\"{id}\"><h2>{}</h2>\n", esc(title)));
    }

    pub fn end_section(&mut self) {
        self.raw("</section>\n");
    }

    pub fn note(&mut self, text: &str) {
        self.raw(&format!("<p class=note>{}</p>\n", esc(text)));
    }

    pub fn contents(&self) -> &[(String, String)] {
        &self.contents
    }

    /// The reading of a text, escaped.
    pub fn t(&self, text: &Text) -> String {
        esc(self.lang.of(text))
    }

    /// An entity by kind and id, escaped.
    pub fn name(&self, e: &Entity) -> String {
        let kind = self.lang.kind(e.kind);
        if e.kind == EntityKind::Ring {
            return esc(kind);
        }
        // Many of a kind: `*`, or a count in place of an id.
        if e.id == "*" || e.kind == EntityKind::FraudCase && e.id.contains(' ') {
            return esc(match e.kind {
                EntityKind::Person => self.w.persons,
                EntityKind::Card => self.w.cards_cluster,
                EntityKind::FraudCase => self.w.fraud_cluster,
                _ => kind,
            });
        }
        let id = short(&e.id);
        let class = if id.is_ascii() && id.len() <= 20 { "\"id nb\"" } else { "id" };
        format!("<span class=k>{}</span> <span class={class}>{}</span>", esc(kind), esc(&id))
    }

    /// A link to the set of rows that prove something; equal evidence shares a set. `about` is markup.
    pub fn cite(&mut self, about: &str, evidence: &Evidence) -> String {
        self.cite_rows(about, evidence.rows(), evidence.total())
    }

    /// The same for rows that are not an evidence value.
    pub fn cite_rows(&mut self, about: &str, rows: &[RowRef], total: u64) -> String {
        if rows.is_empty() {
            return esc(self.w.none);
        }
        let n = *self.known.entry((total, rows.to_vec())).or_insert_with(|| {
            self.sets.push(Set { about: about.to_owned(), rows: rows.to_vec(), total });
            self.sets.len()
        });
        format!("<a class=e href=\"#e{n}\">E{n}<span class=n> · {}</span></a>", group(total))
    }

    /// `file:line` of a row.
    pub fn place(&self, row: &RowRef) -> String {
        let name = self.files.get(&row.file).map_or_else(|| format!("#{}", row.file), |f| tail(&f.name));
        format!("{}:{}", esc(&name), row.line)
    }

    /// The appendix of sets and rows.
    pub fn evidence(&mut self) {
        let (keep, rows) = self.rows();
        let number: BTreeMap<RowRef, usize> = rows.iter().cloned().zip(1..).collect();
        let sets = std::mem::take(&mut self.sets);
        let w = self.w;
        self.section("evidence", w.evidence);
        self.raw(&format!("<h3>{}</h3>", w.evidence_sets));
        self.note(w.evidence_sets_note);
        self.raw(&format!(
            "<table class=sets><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
            w.set, w.about, w.rows
        ));
        for (n, set) in sets.iter().enumerate() {
            let kept = &set.rows[..set.rows.len().min(keep)];
            let list = ranges(kept.iter().filter_map(|r| number.get(r).copied()).collect());
            let mut more = String::new();
            if (kept.len() as u64) < set.total {
                more = format!(" <i>({} {}; {})</i>", group(set.total), w.of_in_all, w.first_shown);
            }
            self.raw(&format!(
                "<tr id=e{}><th scope=row>E{}<td>{}<td>{list}{more}\n",
                n + 1,
                n + 1,
                set.about
            ));
        }
        self.raw(&format!("</table><h3>{}</h3>", w.evidence_rows));
        self.row_table(&rows);
        self.end_section();
    }

    fn row_table(&mut self, rows: &[RowRef]) {
        let w = self.w;
        self.raw(&format!(
            "<div class=two><table class=rows><thead><tr><th scope=col>R<th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}</thead>\n",
            w.record, w.record_id, w.time, w.file_line
        ));
        for (n, r) in rows.iter().enumerate() {
            let kind = self.lang.pick(r.kind.name(), r.kind.spec().zh);
            let line = format!(
                "<tr id=r{}><td>{}<td>{}<td>{}/{}<td>{}<td>{}\n",
                n + 1,
                n + 1,
                esc(kind),
                esc(&r.source),
                r.seq,
                time::format_china(r.ts),
                self.place(r)
            );
            self.out.push_str(&line);
        }
        self.raw("</table></div>");
    }

    /// How many rows of each set are printed, and the distinct rows by kind and order.
    fn rows(&self) -> (usize, Vec<RowRef>) {
        let mut keep = Evidence::LIMIT;
        loop {
            let rows: BTreeSet<(suyuan_model::Kind, &RowRef)> =
                self.sets.iter().flat_map(|s| s.rows.iter().take(keep)).map(|r| (r.kind, r)).collect();
            if rows.len() <= MAX_ROWS || keep <= 5 {
                return (keep, rows.into_iter().map(|(_, r)| r.clone()).collect());
            }
            keep /= 2;
        }
    }
}

/// The last part of a long file name.
fn tail(name: &str) -> String {
    let n = name.chars().count();
    if n <= 36 { name.to_owned() } else { format!("…{}", name.chars().skip(n - 35).collect::<String>()) }
}

/// `R1–R5, R9`, each end a link.
fn ranges(mut numbers: Vec<usize>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    let mut out = String::new();
    let mut i = 0;
    while i < numbers.len() {
        let start = numbers[i];
        while i + 1 < numbers.len() && numbers[i + 1] == numbers[i] + 1 {
            i += 1;
        }
        let end = numbers[i];
        i += 1;
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&format!("<a href=#r{start}>R{start}</a>"));
        if end > start {
            out.push_str(&format!("–<a href=#r{end}>R{end}</a>"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_leaves_no_markup() {
        assert_eq!(esc("<b a='x'>&\"\u{202e}\u{0}"), "&lt;b a=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}");
        assert_eq!(css("a\"};x"), "\"a\\22 \\7d \\3b x\"");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!((group(1_234_567), yuan(284_123_005)), ("1,234,567".into(), "2,841,230.05".into()));
        assert_eq!(
            (chance(0.999), chance(0.5), chance(0.0)),
            (">0.99".into(), "0.50".into(), "<0.01".into())
        );
        assert_eq!(ranges(vec![3, 1, 2, 9]), "<a href=#r1>R1</a>–<a href=#r3>R3</a>, <a href=#r9>R9</a>");
    }
}
