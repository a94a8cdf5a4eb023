//! Writes the report and the diagram of the reference case in both languages into a folder, to look
//! at them: `cargo run -p suyuan-report --example reference_report -- DIR`. Or the report of a run's
//! own output folder: `... -- DIR RUN_OUT`.

#[path = "../../suyuan-case/tests/reference/mod.rs"]
mod reference;

use std::path::{Path, PathBuf};

use reference::{Exhibits, reference};
use suyuan_case::{LawSet, build};
use suyuan_model::outcome::{Cases, Finding, Run, Trace};
use suyuan_report::{Lang, diagram_svg, html, summary_lines};

fn write(dir: &Path, tag: &str, cases: &Cases, trace: &Trace, findings: &[Finding], run: &Run) {
    for (lang, name) in [(Lang::Zh, "zh"), (Lang::En, "en")] {
        let page = html(lang, cases, trace, findings, run);
        println!("{tag}.{name}.html {} bytes", page.len());
        std::fs::write(dir.join(format!("{tag}.{name}.html")), page).expect("the folder is writable");
        if let Some(case) = cases.cases.first() {
            let svg = dir.join(format!("{tag}.{name}.svg"));
            std::fs::write(svg, diagram_svg(case, lang)).expect("the folder is writable");
        }
        println!("{}", summary_lines(cases, lang).join("\n"));
    }
}

fn read<T: serde::de::DeserializeOwned>(path: PathBuf) -> T {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn main() {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let dir = args.first().expect("give a folder");
    if let Some(out) = args.get(1) {
        let findings = std::fs::read_to_string(out.join("findings.ndjson")).expect("findings.ndjson");
        let findings: Vec<Finding> =
            findings.lines().map(|l| serde_json::from_str(l).expect("a finding a line")).collect();
        let (cases, trace, run) =
            (read(out.join("case.json")), read(out.join("sources.json")), read(out.join("run.json")));
        return write(dir, "run", &cases, &trace, &findings, &run);
    }
    let laws = LawSet::embedded().expect("the embedded laws load");
    for (tag, exhibits) in [("with", Exhibits::With), ("without", Exhibits::Without)] {
        let r = reference(exhibits);
        let cases = build(&r.source, &r.trace, &r.findings, &laws).expect("the rows can be read");
        write(dir, tag, &cases, &r.trace, &r.findings, &r.run);
    }
}
