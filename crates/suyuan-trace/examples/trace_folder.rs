//! Traces a folder of native CSV files and prints what was found, beside the truth of a made-up world
//! where one is given: `trace_folder DIR [TRUTH.json] [--no-exhibits] [--decoy RUNS] [--json OUT]`.

use std::collections::BTreeSet;
use std::path::Path;

use suyuan_model::Kind;
use suyuan_model::outcome::{Decoy, Trace};
use suyuan_trace::{Params, trace};

#[path = "../tests/common/mod.rs"]
mod common;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bare = args.iter().any(|a| a == "--no-exhibits");
    let without: &[Kind] = if bare { &[Kind::Party, Kind::Dealing, Kind::Sighting] } else { &[] };
    let folder = common::Folder::read(Path::new(&args[0]), without, 8192);
    let start = std::time::Instant::now();
    let decoys =
        args.iter().position(|a| a == "--decoy").map_or(0, |i| args[i + 1].parse().expect("a number"));
    let params = Params { decoys, ..Params::default() };
    let found = trace(&folder, &[], &params, &mut |_| {}).expect("the folder is readable");
    println!("traced in {:.2} s", start.elapsed().as_secs_f64());
    if let Some(at) = args.iter().position(|a| a == "--json") {
        std::fs::write(&args[at + 1], serde_json::to_string_pretty(&found).expect("plain data"))
            .expect("writable");
    }
    show(&found);
    if let Some(truth) =
        args.get(1).filter(|a| a.ends_with(".json") && !args.iter().any(|x| x == "--json" && a == &x))
    {
        let text = std::fs::read_to_string(truth).expect("the truth is readable");
        score(&found, &serde_json::from_str(&text).expect("the truth is JSON"));
    }
}

fn show(t: &Trace) {
    for s in &t.sources {
        println!(
            "source {:?} {} p={:.3} bf={:.1} listed={} harmed={} of {} expected {:.2} finer {:?} set {} window {:?}",
            s.question,
            s.entity,
            s.probability,
            s.log_bayes_factor,
            s.listed,
            s.harmed,
            s.exposure,
            s.expected,
            s.finer.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(),
            s.credible_set.len(),
            s.window.map(|w| format!(
                "{}..{}",
                suyuan_model::time::format_china(w.start),
                suyuan_model::time::format_china(w.end)
            )),
        );
    }
    for o in &t.operators {
        let who: Vec<_> = o.operator.iter().map(ToString::to_string).collect();
        println!("operator of {} is {} p={:.3}", o.account, who.join(" + "), o.probability);
        for r in &o.reasons {
            println!("    {} = {} ({:.1})", r.what.en, r.value, r.nats);
        }
    }
    for r in &t.rings {
        println!(
            "{} p={:.3} cards {} persons {} links {}",
            r.id,
            r.probability,
            r.cards.len(),
            r.persons,
            r.links.len()
        );
        for m in &r.members {
            let same: Vec<_> = m.same_as.iter().map(|(e, _)| e.to_string()).collect();
            let why: Vec<_> = m.reasons.iter().map(|r| format!("{} [{}]", r.what.en, r.value)).collect();
            println!(
                "  {:?} {} p={:.2} exhibits_only={} same {:?}: {}",
                m.role,
                m.entity,
                m.probability,
                m.exhibits_only,
                same,
                why.join("; ")
            );
        }
        for l in &r.links {
            println!(
                "  link {:?} {} -> {}: {} x{:?} recorded={} p={:.2}",
                l.stage, l.from, l.to, l.what.en, l.quantity, l.recorded, l.probability
            );
        }
        for c in &r.cannot_tell {
            println!("  cannot tell: {}", c.en);
        }
    }
    println!("unexplained fraud cards {}", t.unexplained_fraud_cards);
    for o in t.outside.iter().map(|o| o.text().en).chain(Decoy::text(&t.decoys).into_iter().map(|d| d.en)) {
        println!("{o}");
    }
    for l in &t.limits {
        println!("limit: {}", l.en);
    }
}

fn score(t: &Trace, truth: &serde_json::Value) {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for ring in truth["rings"].as_array().into_iter().flatten() {
        let cards = common::list(ring, "cards");
        let found: BTreeSet<String> = t
            .rings
            .iter()
            .max_by_key(|r| r.cards.iter().filter(|c| cards.contains(&c.card)).count())
            .map(|r| r.cards.iter().map(|c| c.card.clone()).collect())
            .unwrap_or_default();
        let hit = cards.intersection(&found).count();
        println!(
            "TRUTH ring {} {}: {} cards, found {} (recall {:.3}), others in it {}; accounts {:?} devices {:?} collectors {:?} sellers {:?}",
            ring["id"],
            ring["kind"],
            cards.len(),
            hit,
            hit as f64 / cards.len().max(1) as f64,
            found.len() - hit,
            common::list(ring, "accounts"),
            common::list(ring, "devices"),
            common::list(ring, "collectors"),
            common::list(ring, "sellers"),
        );
        all.extend(cards);
    }
    for l in truth["leakers"].as_array().into_iter().flatten() {
        let account = l["account"].as_str().unwrap_or("");
        let best =
            t.sources.iter().filter(|s| s.entity.id == account).map(|s| s.probability).fold(0.0, f64::max);
        println!(
            "TRUTH leaker {} {} {}: {} persons, {} victims, window {} -> p {:.3}",
            l["id"],
            l["kind"],
            account,
            common::list(l, "persons").len(),
            common::list(l, "victims").len(),
            l["window"],
            best
        );
    }
    let flagged: BTreeSet<&String> = t.rings.iter().flat_map(|r| r.cards.iter().map(|c| &c.card)).collect();
    println!(
        "TRUTH cards flagged outside every ring: {}",
        flagged.iter().filter(|c| !all.contains(**c)).count()
    );
    let mut guilty: BTreeSet<String> = BTreeSet::new();
    for r in truth["rings"].as_array().into_iter().flatten() {
        for k in ["accounts", "collectors", "sellers", "devices"] {
            guilty.extend(common::list(r, k));
        }
    }
    for l in truth["leakers"].as_array().into_iter().flatten() {
        guilty.extend(l["account"].as_str().map(str::to_owned));
    }
    for s in t.sources.iter().filter(|s| s.probability >= 0.8 && !guilty.contains(&s.entity.id)) {
        println!("INNOCENT named: {:?} {} p={:.3}", s.question, s.entity, s.probability);
    }
}
