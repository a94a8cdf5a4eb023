//! The vectors of `docs/semantics`: rule and rows in, alerts out, in history and live.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use suyuan_detect::{Alert, Correction, Live, LiveParams, RuleSet, alerts, corrections};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, RowRef, fixture, time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    clause: String,
    title: BTreeMap<String, String>,
    rule: String,
    rows: Vec<Value>,
    alerts: Vec<Value>,
    live: Option<Arrivals>,
}

/// How the rows arrive, and what live makes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrivals {
    lateness: String,
    idle: String,
    future: String,
    arrivals: Vec<Arrival>,
    late: Vec<String>,
    ahead: Vec<String>,
    twice: u64,
    /// Where it differs from what history gives.
    alerts: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrival {
    at: String,
    rows: Vec<usize>,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn vectors() -> Vec<Vector> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(docs().join("semantics/vectors")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let json = files.iter().filter(|f| f.extension().is_some_and(|e| e == "json"));
    json.flat_map(|f| {
        let text = std::fs::read_to_string(f).unwrap();
        serde_json::from_str::<Vec<Vector>>(&text).unwrap_or_else(|e| panic!("{}: {e}", f.display()))
    })
    .collect()
}

/// What a rule of ours must say besides, and no vector is about.
fn complete(rule: &str) -> Result<RuleSet, String> {
    let cut = rule.rfind("---\n").map_or(0, |at| at + 4);
    let (before, last) = rule.split_at(cut);
    let row = "[{record: opening, ts: '2020-01-01T00:00:00Z', card: c}]";
    let mut head = format!(
        "suyuan:\n  scheme: T\n  title_zh: 试\n  description_zh: 试\n  family: opening\n  confidence: engineering\n  \
         threshold_from: {{en: test, zh: 试}}\n  clears: {{en: x, zh: x}}\n  cannot_tell: {{en: x, zh: x}}\n  hit: {row}\n  miss: {row}\n"
    );
    if !last.contains("\n  entity:") {
        head += "  entity: {account: account}\n";
    }
    let last = match last.contains("suyuan:\n") {
        true => last.replacen("suyuan:\n", &head, 1),
        false => format!("{last}{head}"),
    };
    let text = format!("{before}title: t\ndescription: t\nlevel: low\n{last}");
    RuleSet::load_dir(std::iter::once(("vector.yml".to_owned(), text.clone())))
        .map_err(|e| format!("{e}\n{text}"))
}

fn kind(row: &Value) -> Kind {
    Kind::by_name(row["record"].as_str().unwrap()).unwrap()
}

fn batch(kind: Kind, rows: &[Value]) -> arrow_array::RecordBatch {
    fixture::batch(kind, rows).unwrap_or_else(|e| panic!("{e}"))
}

fn history(v: &Vector, rules: &RuleSet) -> Vec<Alert> {
    let mut source = MemorySource::default();
    for k in Kind::ALL {
        let rows: Vec<Value> = v.rows.iter().filter(|r| kind(r) == *k).cloned().collect();
        if !rows.is_empty() {
            source.push(*k, batch(*k, &rows));
        }
    }
    alerts(&source, rules, &mut |_| {}).unwrap()
}

/// The alerts of live, and what it said of the rows: late, ahead of the clock, how many twice.
struct Told {
    alerts: Vec<Alert>,
    late: Vec<String>,
    ahead: Vec<String>,
    twice: u64,
}

fn live(v: &Vector, rules: &RuleSet) -> Told {
    let span = |t: &str| {
        let (n, unit) = t.split_at(t.len() - 1);
        let unit = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)].iter().find(|u| u.0 == unit).unwrap().1;
        n.parse::<i64>().unwrap() * unit * time::SECOND
    };
    let instant = |t: &str| time::parse(t).unwrap();
    let (params, arrivals) = match &v.live {
        Some(l) => (
            LiveParams { lateness: span(&l.lateness), idle: span(&l.idle), future: span(&l.future) },
            l.arrivals.iter().map(|a| (instant(&a.at), a.rows.clone())).collect(),
        ),
        // As they stand in the vector, one by one, and none too late.
        None => (
            LiveParams { lateness: 1_000 * time::DAY, idle: i64::MAX, future: i64::MAX },
            (0..v.rows.len())
                .map(|i| (instant(v.rows[i]["ts"].as_str().unwrap()), vec![i]))
                .collect::<Vec<_>>(),
        ),
    };
    let mut run = Live::new(rules, params);
    let (mut late, mut ahead) = (Vec::new(), Vec::new());
    for (at, list) in arrivals {
        if list.is_empty() {
            run.tick(at);
        }
        let k = list.first().map(|i| kind(&v.rows[*i]));
        let rows: Vec<Value> = list.iter().map(|i| v.rows[*i].clone()).collect();
        assert!(rows.iter().all(|r| Some(kind(r)) == k), "{}: one arrival is of one kind", v.id);
        if let Some(k) = k {
            let said = run.push(k, &Arc::new(batch(k, &rows)), at).unwrap();
            late.extend(said.late.iter().map(RowRef::to_string));
            ahead.extend(said.future.iter().map(RowRef::to_string));
        }
    }
    run.finish();
    Told { alerts: run.take_alerts(), late, ahead, twice: run.counts().twice }
}

/// An alert as vectors write it.
fn written(a: &Alert) -> Value {
    let rows: Vec<String> = a.rows.iter().map(RowRef::to_string).collect();
    json!({"rule": a.rule, "trigger": a.trigger.to_string(), "at": time::format(a.at), "value": a.value, "rows": rows,
        "shadow": a.shadow, "suppressed": a.suppressed})
}

/// What a vector need not say is said; alerts of one instant stand in no order.
fn sorted(list: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut out: Vec<String> = list
        .into_iter()
        .map(|mut a| {
            let rest = [("rule", json!("vector")), ("shadow", json!(false)), ("suppressed", Value::Null)];
            for (name, value) in rest {
                if a.get(name).is_none() {
                    a[name] = value;
                }
            }
            a.to_string()
        })
        .collect();
    out.sort();
    out
}

/// What is wrong with one vector.
fn faults(v: &Vector) -> Vec<String> {
    let rules = match complete(&v.rule) {
        Ok(rules) => rules,
        Err(e) => return vec![format!("{}: {e}", v.id)],
    };
    let right = history(v, &rules);
    let told = live(v, &rules);
    let mut out = Vec::new();
    let mut hold = |what: &str, got: Vec<String>, want: Vec<String>| {
        if got != want {
            let list = |l: &[String]| l.join("\n    ");
            out.push(format!("{}: {what}\n  got {}\n  want {}", v.id, list(&got), list(&want)));
        }
    };
    let want = sorted(v.alerts.iter().cloned());
    hold("history", sorted(right.iter().map(written)), want.clone());
    let given = v.live.as_ref().and_then(|l| l.alerts.clone()).map_or(want.clone(), sorted);
    hold("live", sorted(told.alerts.iter().map(written)), given);
    if let Some(l) = &v.live {
        hold("late", told.late, l.late.clone());
        hold("ahead", told.ahead, l.ahead.clone());
        hold("twice", vec![told.twice.to_string()], vec![l.twice.to_string()]);
    }
    // Corrected by what the late rows change, live is history.
    let mut now: BTreeMap<String, Alert> = told.alerts.iter().map(|a| (a.id.clone(), a.clone())).collect();
    for c in corrections(&told.alerts, &right) {
        match c {
            Correction::Added { alert } | Correction::Revised { alert } => {
                now.insert(alert.id.clone(), alert)
            }
            Correction::Retracted { id } => now.remove(&id),
        };
    }
    let ids: BTreeSet<&str> = right.iter().map(|a| a.id.as_str()).collect();
    if ids.len() != right.len() {
        hold("ids", ids.iter().map(|i| (*i).to_owned()).collect(), vec![format!("{} of them", right.len())]);
    }
    hold("corrected", sorted(now.values().map(written)), want);
    out
}

#[test]
fn every_vector_holds_in_history_and_live() {
    let all = vectors();
    assert!(all.len() >= 150, "{} vectors", all.len());
    let wrong: Vec<String> = all.iter().flat_map(faults).collect();
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// The numbers of the clauses, in their order.
fn clauses(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(docs().join(file)).unwrap();
    let starts = text.lines().filter_map(|l| l.strip_prefix("**")?.split_once("**").map(|n| n.0.to_owned()));
    starts.filter(|n| n.chars().all(|c| c.is_ascii_digit() || c == '.')).collect()
}

#[test]
fn vectors_are_named_once_and_cite_clauses_that_exist() {
    let (en, zh) = (clauses("semantics.md"), clauses("semantics.zh-CN.md"));
    assert_eq!(en, zh, "the two languages have the same clauses");
    let known: BTreeSet<&String> = en.iter().collect();
    assert_eq!(known.len(), en.len(), "a clause stands twice");
    let mut ids = BTreeSet::new();
    for v in vectors() {
        assert!(known.contains(&v.clause), "{}: there is no clause {}", v.id, v.clause);
        assert!(["en", "zh"].iter().all(|l| v.title.get(*l).is_some_and(|t| !t.is_empty())), "{}", v.id);
        assert!(ids.insert(v.id.clone()), "two vectors are named {}", v.id);
    }
}
