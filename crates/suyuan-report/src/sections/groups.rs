//! Dense groups: people on the same few items beyond what their activity explains.

use crate::words::Reading as _;
use suyuan_model::outcome::{Farm, FarmItem, FarmMember};

use super::sources::counters;
use super::{One, Parts};
use crate::page::{Doc, chance, day, esc, group, number};

/// Shared items printed of one group; the rest is counted.
const ITEMS: usize = 12;
/// Members printed of one group: those most on its items; the rest is counted.
const MEMBERS: usize = 12;
/// Groups printed of those that belong to no case.
const GROUPS: usize = 20;

pub(super) fn write(doc: &mut Doc, one: &One) {
    let ring = one.case.id.replacen("case-", "ring-", 1);
    let mine: Vec<&Farm> = one.parts.trace.farms.iter().filter(|f| f.rings.contains(&ring)).collect();
    if !mine.is_empty() {
        list(doc, &format!("{}groups", one.at), doc.w.groups, &mine);
    }
}

/// Groups without a card of any ring.
pub(super) fn of_no_case(doc: &mut Doc, parts: &Parts) {
    let rest: Vec<&Farm> = parts.trace.farms.iter().filter(|f| f.rings.is_empty()).collect();
    if !rest.is_empty() {
        list(doc, "other-groups", doc.w.other_groups, &rest);
    }
}

fn list(doc: &mut Doc, id: &str, title: &str, farms: &[&Farm]) {
    doc.section(id, title);
    doc.note(doc.w.groups_note);
    for farm in farms.iter().take(GROUPS) {
        block(doc, farm);
    }
    more(doc, farms.len(), GROUPS, ("groups", "个群组"));
    doc.end_section();
}

fn block(doc: &mut Doc, f: &Farm) {
    let w = doc.w;
    let ties: Vec<&str> = f.ties.iter().map(|t| doc.lang.tie(*t)).collect();
    let explained =
        if f.explained { format!(" <span class=tag>{}</span>", w.explained) } else { String::new() };
    doc.raw(&format!(
        "<div class=group><h3>{}{explained}</h3><div class=facts><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{} – {}</span></div>\n",
        esc(&f.id),
        w.group_members,
        group(f.members.len() as u64),
        w.group_items,
        group(f.items.len() as u64),
        w.group_others,
        group(f.others),
        w.group_ties,
        ties.join(doc.lang.pick(", ", "、")),
        day(f.window.start),
        day(f.window.end),
    ));
    items(doc, &f.items);
    members(doc, &f.members);
    let against = counters(doc, &f.counter);
    doc.raw(&format!(
        "<ul><li>{}: {against}<li>{}: {}</ul></div>\n",
        w.counter,
        w.cannot_tell_apart,
        doc.t(&f.cannot_tell)
    ));
}

fn items(doc: &mut Doc, items: &[FarmItem]) {
    let w = doc.w;
    doc.raw(&format!(
        "<table class=tight><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col class=num>{}</thead>\n",
        w.group_item, w.group_tie, w.group_members, w.group_people
    ));
    for i in items.iter().take(ITEMS) {
        let name = doc.name(&i.entity);
        doc.raw(&format!(
            "<tr><th scope=row>{name}<td>{}<td class=num>{}<td class=num>{}\n",
            doc.lang.tie(i.tie),
            group(i.members),
            group(i.people)
        ));
    }
    doc.raw("</table>");
    more(doc, items.len(), ITEMS, ("shared items", "个共用物品"));
}

fn members(doc: &mut Doc, members: &[FarmMember]) {
    let w = doc.w;
    doc.raw(&format!(
        "<table class=tight><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col>{}</thead>\n",
        w.person, w.cards, w.probability, w.group_days, w.expected, w.rows
    ));
    for m in members.iter().take(MEMBERS) {
        let name = doc.name(&m.person);
        let rows = doc.cite(&format!("{}: {name}", w.groups), &m.evidence);
        let cards: Vec<String> = m.cards.iter().take(3).map(|c| esc(c)).collect();
        let rest = m.cards.len() - cards.len();
        let rest = if rest > 0 { format!(" +{rest}") } else { String::new() };
        let expected = if m.expected < 0.05 { "&lt;0.1".to_owned() } else { number(m.expected) };
        doc.raw(&format!(
            "<tr><th scope=row>{name}<td class=mono>{}{rest}<td class=num>{}<td class=num>{}<td class=num>{expected}<td>{rows}\n",
            cards.join("<br>"),
            esc(&chance(m.probability)),
            group(m.occasions),
        ));
    }
    doc.raw("</table>");
    more(doc, members.len(), MEMBERS, ("members", "名成员"));
}

/// How many of a list are not printed.
fn more(doc: &mut Doc, all: usize, printed: usize, (en, zh): (&str, &str)) {
    if all > printed {
        let n = group((all - printed) as u64);
        let line = doc
            .lang
            .pick(format!("{n} more {en} stand in sources.json"), format!("另有{n}{zh}，见 sources.json"));
        doc.note(&line);
    }
}
