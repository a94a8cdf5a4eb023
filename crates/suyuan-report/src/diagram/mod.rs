//! The case diagram: acquisition, circulation, use, from left to right, as SVG.
//!
//! Solid arrows are recorded in rows, dashed ones inferred and carry their probability; a dashed
//! frame is an actor whom only exhibits show; a stack stands for many alike. Every text of the
//! picture also stands in the tables of the chain and the actors, which are its twin for readers who
//! do not see it. The same case gives the same bytes.

mod graph;
mod layout;

use suyuan_model::outcome::{Case, ChainStage};

use crate::page::esc;
use suyuan_model::outcome::Lang;

use crate::words::Reading as _;
use graph::{Arrow, Graph, Node, Shape, graph};
use layout::{Box_, Edge_, Layout, layout};

const BOX: f64 = 118.0;
const GAP: f64 = 88.0;
const MARGIN: f64 = 10.0;
const HEAD: f64 = 44.0;
const FOOT: f64 = 36.0;
const LINE: f64 = 17.0;
/// Sizes of a box's title, of its lines and of labels.
const TITLE: f64 = 14.5;
const TEXT: f64 = 13.0;
/// Height of a label's line.
const LABEL: f64 = 15.0;
/// Space between two things of one column.
const SPACE: f64 = 20.0;
const FONT: &str =
    "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',Arial,sans-serif";

fn ink(stage: ChainStage) -> &'static str {
    match stage {
        ChainStage::Acquisition => "#1b5e8c",
        ChainStage::Circulation => "#5b4a8a",
        ChainStage::Use => "#9c3116",
    }
}

fn tint(stage: ChainStage) -> &'static str {
    match stage {
        ChainStage::Acquisition => "#eaf3f9",
        ChainStage::Circulation => "#f1eef8",
        ChainStage::Use => "#fbeee9",
    }
}

/// The width of a text in a font of size 1: ideographs are square, the rest about half.
fn width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            c if u32::from(c) >= 0x2e80 => 1.0,
            'i' | 'l' | 'j' | '.' | ',' | ' ' | '\'' | ':' | '1' | '-' => 0.42,
            'm' | 'w' | 'M' | 'W' | '@' => 0.88,
            c if c.is_uppercase() => 0.68,
            _ => 0.57,
        })
        .sum()
}

/// Cuts a text to a width; the middle goes, since ids differ at the end.
fn cut(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    for keep in (2..chars.len()).rev() {
        let (head, tail) = (keep.div_ceil(2), keep / 2);
        let cut: String =
            chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect();
        if width(&cut) <= room {
            return cut;
        }
    }
    "…".into()
}

/// Breaks a text into at most `most` lines of a width; what is left over ends in an ellipsis.
fn wrap(text: &str, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    let mut line = String::new();
    for word in words(text) {
        if !line.is_empty() && width(&line) + width(word.trim_end()) > room {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        line.push_str(word);
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join("");
        let mut rest = rest;
        while width(&rest) + 1.0 > room && rest.pop().is_some() {}
        lines.push(format!("{rest}…"));
    }
    lines.into_iter().map(|l| cut(&l, room)).collect()
}

/// Where a line may break: after a space, and between ideographs.
fn words(text: &str) -> Vec<&str> {
    let mut out = vec![];
    let mut start = 0;
    let mut before: Option<char> = None;
    for (i, c) in text.char_indices() {
        let wide = |c: char| u32::from(c) >= 0x3400;
        let no_start = matches!(c, '、' | '，' | '。' | '）' | '；' | '：');
        if let Some(b) = before
            && (b == ' ' || (wide(b) || wide(c)) && !no_start && b != '（')
        {
            out.push(&text[start..i]);
            start = i;
        }
        before = Some(c);
    }
    out.push(&text[start..]);
    out
}

/// A picture of few boxes is drawn at least this wide, so that its letters are no larger than the page's.
const LEAST: f64 = 780.0;

/// A box with its wrapped lines.
struct Drawn<'a> {
    node: &'a Node,
    title: Vec<String>,
    lines: Vec<String>,
    height: f64,
}

fn drawn(node: &Node) -> Drawn<'_> {
    let title = wrap(&node.title, (BOX - 14.0) / TITLE, 3);
    let lines: Vec<String> = node.lines.iter().flat_map(|l| wrap(l, (BOX - 14.0) / TEXT, 2)).collect();
    let height = 12.0 + (title.len() + lines.len()) as f64 * LINE;
    Drawn { node, title, lines, height }
}

/// An arrow's label: what in one to three lines, figures below.
fn label(arrow: &Arrow, lang: Lang) -> (Vec<String>, Vec<String>) {
    let room = GAP / TEXT;
    let mut what: Vec<String> = arrow.what().take(2).flat_map(|t| wrap(t, room, 3)).collect();
    what.truncate(4);
    let figures = arrow.figures(lang).iter().take(3).map(|f| cut(f, room)).collect();
    (what, figures)
}

/// The diagram of a case: one `<svg>` element, fit for a page and for a file of its own.
pub fn diagram_svg(case: &Case, lang: Lang) -> String {
    let Graph { nodes, arrows } = graph(case, lang);
    let boxes: Vec<Drawn> = nodes.iter().map(drawn).collect();
    let labels: Vec<(Vec<String>, Vec<String>)> = arrows.iter().map(|a| label(a, lang)).collect();
    let to_place: Vec<Box_> =
        boxes.iter().map(|b| Box_ { column: b.node.column, height: b.height }).collect();
    let edges: Vec<Edge_> = arrows
        .iter()
        .zip(&labels)
        .map(|(a, (what, figures))| Edge_ {
            from: a.from,
            to: a.to,
            label: 4.0 + (what.len() + figures.len()) as f64 * LABEL,
        })
        .collect();
    let places = layout(&to_place, &edges, SPACE);
    Picture { case, lang, boxes: &boxes, arrows: &arrows, labels: &labels, places: &places }.svg()
}

struct Picture<'a> {
    case: &'a Case,
    lang: Lang,
    boxes: &'a [Drawn<'a>],
    arrows: &'a [Arrow],
    labels: &'a [(Vec<String>, Vec<String>)],
    places: &'a Layout,
}

impl Picture<'_> {
    fn left(&self, column: usize) -> f64 {
        MARGIN + (self.width() - self.columns_width()) / 2.0 + column as f64 * (BOX + GAP)
    }

    fn columns_width(&self) -> f64 {
        let columns = self.places.columns.max(1);
        2.0 * MARGIN + columns as f64 * BOX + (columns - 1) as f64 * GAP
    }

    /// Room for the columns, and for the legend where these are few.
    fn width(&self) -> f64 {
        let w = self.lang.words();
        let lines = [w.legend_recorded, w.legend_inferred].map(|t| 36.0 + width(t) * TEXT + 22.0);
        let texts = [w.legend_exhibits, w.legend_numbers].map(|t| width(t) * TEXT + 22.0);
        let legend: f64 = lines.iter().chain(&texts).sum();
        self.columns_width().max(2.0 * MARGIN + legend).max(LEAST)
    }

    fn middle(&self, half: usize) -> f64 {
        match half % 2 {
            0 => self.left(half / 2) + BOX / 2.0,
            _ => self.left(half / 2) + BOX + GAP / 2.0,
        }
    }

    fn svg(&self) -> String {
        let w = self.width();
        let h = HEAD + self.places.height + FOOT;
        let id: String = self.case.id.chars().filter(char::is_ascii_alphanumeric).collect();
        let words = self.lang.words();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\" viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\" lang=\"{}\" aria-labelledby=\"t{id} d{id}\" font-family=\"{FONT}\">\n<title id=\"t{id}\">{}</title>\n<desc id=\"d{id}\">{}</desc>\n<defs>",
            self.lang.tag(),
            esc(words.diagram),
            esc(self.lang.of(&self.case.title)),
        );
        for stage in [ChainStage::Acquisition, ChainStage::Circulation, ChainStage::Use] {
            out.push_str(&format!(
                "<marker id=\"{}{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"{}\"/></marker>",
                mark(stage),
                ink(stage)
            ));
        }
        out.push_str(&format!("</defs>\n<rect width=\"{w:.0}\" height=\"{h:.0}\" fill=\"#fff\"/>\n"));
        self.bands(&mut out, w, h);
        let (from, to) = self.ports();
        for n in 0..self.arrows.len() {
            self.line(&mut out, n, from[n], to[n], &id);
        }
        for n in 0..self.boxes.len() {
            self.draw_box(&mut out, n);
        }
        for n in 0..self.arrows.len() {
            self.label(&mut out, n);
        }
        self.legend(&mut out, h);
        out.push_str("</svg>\n");
        out
    }

    /// The three stages as bands behind the columns.
    fn bands(&self, out: &mut String, w: f64, h: f64) {
        let mut stage_of: Vec<ChainStage> = vec![];
        for column in 0..self.places.columns {
            let here = (0..self.boxes.len()).filter(|n| self.places.boxes[*n].0 == column);
            let bands: Vec<ChainStage> = here.map(|n| self.boxes[n].node.band).collect();
            let count = |s| bands.iter().filter(|b| **b == s).count();
            let stage = match () {
                () if count(ChainStage::Use) > 0 => ChainStage::Use,
                () if column == 0 || count(ChainStage::Acquisition) >= count(ChainStage::Circulation) => {
                    ChainStage::Acquisition
                }
                () => ChainStage::Circulation,
            };
            // Bands only go forward.
            stage_of.push(stage_of.last().copied().unwrap_or(stage).max(stage));
        }
        let mut start = 0;
        for column in 0..stage_of.len() {
            let stage = stage_of[column];
            if stage_of.get(column + 1) == Some(&stage) {
                continue;
            }
            let x0 = if start == 0 { 0.0 } else { self.left(start) - GAP / 2.0 };
            let x1 = if column + 1 == stage_of.len() { w } else { self.left(column) + BOX + GAP / 2.0 };
            out.push_str(&format!(
                "<rect x=\"{x0:.1}\" y=\"0\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/><path d=\"M{x0:.1} 0H{:.1}L{x1:.1} 12L{:.1} 24H{x0:.1}z\" fill=\"{}\"/><text x=\"{:.1}\" y=\"17\" font-size=\"14.5\" font-weight=\"700\" fill=\"#fff\">{}</text>\n",
                x1 - x0,
                h - FOOT + 6.0,
                tint(stage),
                x1 - 9.0,
                x1 - 9.0,
                ink(stage),
                x0 + 10.0,
                esc(self.lang.stage(stage))
            ));
            start = column + 1;
        }
    }

    /// Where each arrow leaves and meets its boxes: ports spread over the side, in the order of the
    /// places they lead to.
    fn ports(&self) -> (Vec<f64>, Vec<f64>) {
        let mut y = [vec![0.0; self.arrows.len()], vec![0.0; self.arrows.len()]];
        for (n, b) in self.boxes.iter().enumerate() {
            for right in [false, true] {
                let mut here: Vec<(f64, usize, usize)> = vec![];
                for (e, arrow) in self.arrows.iter().enumerate() {
                    let back = self.places.backward[e];
                    for (end, node) in [(0, arrow.from), (1, arrow.to)] {
                        if node == n && ((end == 0) != back) == right {
                            let path = &self.places.paths[e];
                            let near = if right { path.first() } else { path.last() };
                            here.push((near.map_or(0.0, |p| p.1), e, end));
                        }
                    }
                }
                here.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let top = self.places.boxes[n].1;
                let k = here.len() as f64;
                for (i, (_, e, end)) in here.iter().enumerate() {
                    y[*end][*e] = HEAD + top + b.height * (i as f64 + 1.0) / (k + 1.0);
                }
            }
        }
        let [from, to] = y;
        (from, to)
    }

    fn line(&self, out: &mut String, n: usize, from: f64, to: f64, id: &str) {
        let arrow = &self.arrows[n];
        let back = self.places.backward[n];
        let (a, b) = (self.places.boxes[arrow.from].0, self.places.boxes[arrow.to].0);
        let (start, end) = if back {
            ((self.left(a), from), (self.left(b) + BOX + 2.0, to))
        } else {
            ((self.left(a) + BOX, from), (self.left(b) - 2.0, to))
        };
        let mut points: Vec<(f64, f64)> = vec![start];
        let mut slots: Vec<(usize, f64)> = self.places.paths[n].clone();
        if back {
            slots.reverse();
        }
        for (half, y) in slots {
            // Between boxes the line passes straight; in the gaps it bends.
            let (x, dx) = (self.middle(half), if half % 2 == 0 { BOX / 2.0 } else { GAP * 0.16 });
            let dx = if back { -dx } else { dx };
            points.push((x - dx, HEAD + y));
            points.push((x + dx, HEAD + y));
        }
        points.push(end);
        let mut d = format!("M{:.1} {:.1}", start.0, start.1);
        for (i, pair) in points.windows(2).enumerate() {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            if i % 2 == 1 {
                d.push_str(&format!("L{x1:.1} {y1:.1}"));
            } else {
                let mx = (x0 + x1) / 2.0;
                d.push_str(&format!("C{mx:.1} {y0:.1} {mx:.1} {y1:.1} {x1:.1} {y1:.1}"));
            }
        }
        let dash = if arrow.recorded { "" } else { " stroke-dasharray=\"6 4\"" };
        out.push_str(&format!(
            "<path d=\"{d}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.7\"{dash} marker-end=\"url(#{}{id})\"/>\n",
            ink(arrow.stage),
            mark(arrow.stage)
        ));
    }

    fn draw_box(&self, out: &mut String, n: usize) {
        let b = &self.boxes[n];
        let (column, top) = self.places.boxes[n];
        let (x, y) = (self.left(column), HEAD + top);
        let color = ink(b.node.stage);
        let dash = if b.node.exhibits_only { " stroke-dasharray=\"5 3\"" } else { "" };
        if b.node.shape == Shape::Many {
            for d in [6.0, 3.0] {
                out.push_str(&format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{BOX}\" height=\"{:.1}\" rx=\"3\" fill=\"#fff\" stroke=\"{color}\"/>",
                    x + d - 3.0,
                    y - d + 1.0,
                    b.height
                ));
            }
        }
        out.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{BOX}\" height=\"{:.1}\" rx=\"{}\" fill=\"#fff\" stroke=\"{color}\" stroke-width=\"1.6\"{dash}/>\n",
            b.height,
            if b.node.shape == Shape::Many { 3 } else { 8 },
        ));
        let mut at = y + 6.0;
        for line in &b.title {
            at += LINE;
            out.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{TITLE}\" font-weight=\"700\" fill=\"{color}\">{}</text>\n",
                x + 7.0,
                at - 3.5,
                esc(line)
            ));
        }
        for line in &b.lines {
            at += LINE;
            out.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{TEXT}\" fill=\"#1c2430\">{}</text>\n",
                x + 7.0,
                at - 3.5,
                esc(line)
            ));
        }
    }

    /// The label in the arrow's leftmost gap, on a halo so that lines beneath do not cut it.
    fn label(&self, out: &mut String, n: usize) {
        let (what, figures) = &self.labels[n];
        let path = &self.places.paths[n];
        let Some((half, y)) = path.first() else { return };
        let (x, lines) = (self.middle(*half), what.len() + figures.len());
        let mut at = HEAD + y - lines as f64 * LABEL / 2.0 - 3.5;
        let color = ink(self.arrows[n].stage);
        for (i, line) in what.iter().chain(figures).enumerate() {
            at += LABEL;
            let bold = if i < what.len() { "" } else { " font-weight=\"700\"" };
            out.push_str(&format!(
                "<text x=\"{x:.1}\" y=\"{at:.1}\" font-size=\"{TEXT}\" text-anchor=\"middle\"{bold} fill=\"{color}\" stroke=\"#fff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\">{}</text>\n",
                esc(line)
            ));
        }
    }

    fn legend(&self, out: &mut String, h: f64) {
        let w = self.lang.words();
        let y = h - 11.0;
        let mut x = MARGIN;
        for (dash, text) in [("", w.legend_recorded), (" stroke-dasharray=\"6 4\"", w.legend_inferred)] {
            out.push_str(&format!(
                "<path d=\"M{x:.1} {:.1}h30\" stroke=\"#333\" stroke-width=\"1.7\"{dash}/><text x=\"{:.1}\" y=\"{y:.1}\" font-size=\"{TEXT}\" fill=\"#333\">{}</text>",
                y - 4.0,
                x + 36.0,
                esc(text)
            ));
            x += 36.0 + width(text) * TEXT + 22.0;
        }
        for text in [w.legend_exhibits, w.legend_numbers] {
            out.push_str(&format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{TEXT}\" fill=\"#333\">{}</text>",
                esc(text)
            ));
            x += width(text) * TEXT + 22.0;
        }
        out.push('\n');
    }
}

fn mark(stage: ChainStage) -> &'static str {
    match stage {
        ChainStage::Acquisition => "ma",
        ChainStage::Circulation => "mc",
        ChainStage::Use => "mu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_they_may() {
        assert_eq!(wrap("faces and id cards", 5.5, 3), ["faces and", "id cards"]);
        assert_eq!(wrap("人脸、身份证信息", 4.0, 3), ["人脸、身", "份证信息"]);
        assert_eq!(cut("account ZJ330681-0417", 8.0), "account…1-0417");
        assert!(wrap("一二三四五六七八九十", 3.0, 2).last().unwrap().ends_with('…'));
    }
}
