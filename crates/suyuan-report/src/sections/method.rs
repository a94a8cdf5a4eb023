//! Method, versions, and the hashes of everything that went in.

use super::Parts;
use crate::page::{Doc, esc, group};
use crate::words::Reading as _;

pub(super) fn write(doc: &mut Doc, parts: &Parts) {
    let (w, run) = (doc.w, parts.run);
    doc.section("method", w.method);
    doc.raw(&format!("<p>{}</p>", w.method_text));
    doc.raw(&format!(
        "<div class=facts><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span><span>{}: <b>{}</b></span></div>\n",
        w.version,
        esc(&run.version),
        w.snapshot,
        run.snapshot,
        w.key_set,
        esc(&run.keys)
    ));
    doc.raw(&format!("<h3>{}</h3>", w.input_files));
    doc.raw(&format!(
        "<table><thead><tr><th scope=col>#<th scope=col>{}<th scope=col>SHA-256<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}<th scope=col class=num>{}</thead>\n",
        w.file, w.read, w.taken, w.known, w.rejected
    ));
    for i in &run.inputs {
        doc.raw(&format!(
            "<tr><td>{}<th scope=row>{}<td class=hash>{}<td class=num>{}<td class=num>{}<td class=num>{}<td class=num>{}\n",
            i.file,
            esc(&i.name),
            esc(&i.sha256),
            group(i.read),
            group(i.taken),
            group(i.known),
            group(i.rejected)
        ));
        for (what, n) in &i.warnings {
            let what = doc.t(what);
            doc.raw(&format!("<tr><td><td colspan=6 class=k>{what}: {}\n", group(*n)));
        }
    }
    doc.raw("</table>\n");
    for (title, list) in [(w.rules, &run.rules), (w.models, &run.models), (w.laws, &run.laws)] {
        if list.is_empty() {
            continue;
        }
        let items: Vec<String> = list
            .iter()
            .map(|(name, hash)| format!("{} <span class=mono>{}</span>", esc(name), esc(hash)))
            .collect();
        doc.raw(&format!("<h3>{title}</h3><p>{}</p>\n", items.join(" · ")));
    }
    let rows: Vec<String> = run
        .rows
        .iter()
        .map(|(kind, n)| {
            let name = suyuan_model::Kind::by_name(kind)
                .map_or(kind.as_str(), |k| doc.lang.pick(k.name(), k.spec().zh));
            format!("{} <b>{}</b>", esc(name), group(*n))
        })
        .collect();
    doc.raw(&format!("<h3>{}</h3><p>{}</p>\n", w.rows_by_kind, rows.join(" · ")));
    doc.end_section();
}
