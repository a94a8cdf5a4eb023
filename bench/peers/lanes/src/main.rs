//! The same rules and events through rsigma-eval 0.23, for `cargo xtask bench detect`.
//!
//! `peer-lanes RULES EVENTS OUT [refs] [latency] [restart=N]`: writes `rule,group key,seq` for each event at which a correlation
//! fired, and prints what it measured as one JSON object. `refs` keeps references to the contributing events (its cheap form of
//! evidence), `restart=N` exports the state to JSON, drops the engine and restores it every N events.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::Instant;

use rsigma_eval::{CorrelationConfig, CorrelationEngine, CorrelationEventMode, CorrelationSnapshot, JsonEvent, TimestampFallback};
use rsigma_parser::SigmaCollection;
use serde_json::{Value, json};

type Fault = Box<dyn std::error::Error>;

fn engine(rules: &SigmaCollection, refs: bool) -> Result<CorrelationEngine, Fault> {
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fields: vec!["ts".to_owned()],
        timestamp_fallback: TimestampFallback::Skip,
        emit_detections: false,
        // By default entries beyond 100,000 are dropped, and alerts with them.
        max_state_entries: 100_000_000,
        correlation_event_mode: if refs { CorrelationEventMode::Refs } else { CorrelationEventMode::None },
        max_correlation_events: if refs { 1_000 } else { 10 },
        ..CorrelationConfig::default()
    });
    engine.add_collection(rules)?;
    Ok(engine)
}

fn restart(old: CorrelationEngine, rules: &SigmaCollection, refs: bool) -> Result<(CorrelationEngine, [u64; 3]), Fault> {
    let begin = Instant::now();
    let bytes = serde_json::to_vec(&old.export_state())?;
    let pause = begin.elapsed().as_micros() as u64;
    drop(old);
    let begin = Instant::now();
    let mut new = engine(rules, refs)?;
    let state: CorrelationSnapshot = serde_json::from_slice(&bytes)?;
    if !new.import_state(state) {
        return Err("the snapshot was refused".into());
    }
    Ok((new, [pause, begin.elapsed().as_micros() as u64, bytes.len() as u64]))
}

fn main() -> Result<(), Fault> {
    let args: Vec<String> = std::env::args().collect();
    let [_, rules, events, out, options @ ..] = args.as_slice() else { return Err("RULES EVENTS OUT".into()) };
    let has = |name: &str| options.iter().any(|o| o == name);
    let every: Option<u64> = options.iter().find_map(|o| o.strip_prefix("restart=")?.parse().ok());
    let rules = rsigma_parser::parse_sigma_yaml(&std::fs::read_to_string(rules)?)?;
    if !rules.errors.is_empty() {
        return Err(format!("rules: {:?}", rules.errors).into());
    }
    let mut engine = engine(&rules, has("refs"))?;
    let mut out = BufWriter::new(File::create(out)?);
    let mut input = BufReader::with_capacity(1 << 20, File::open(events)?);
    let (mut line, mut n, mut kept) = (String::new(), 0u64, 0usize);
    let (mut times, mut restarts): (Vec<u32>, Vec<[u64; 3]>) = (Vec::new(), Vec::new());
    while input.read_line(&mut line)? > 0 {
        let begin = has("latency").then(Instant::now);
        let event: Value = serde_json::from_str(&line)?;
        for result in engine.process_event(&JsonEvent::borrow(&event)) {
            let Some(body) = result.as_correlation() else { continue };
            let key: Vec<&str> = body.group_key.iter().map(|k| k.1.as_str()).collect();
            kept += body.event_refs.as_ref().map_or(0, Vec::len);
            writeln!(out, "{},{},{}", result.header.rule_title, key.join("|"), event["seq"])?;
        }
        times.extend(begin.map(|b| b.elapsed().as_nanos() as u32));
        line.clear();
        n += 1;
        if every.is_some_and(|e| n.is_multiple_of(e)) {
            let (new, took) = restart(engine, &rules, has("refs"))?;
            engine = new;
            restarts.push(took);
        }
    }
    out.flush()?;
    times.sort_unstable();
    let at = |q: f64| times.get((times.len() as f64 * q) as usize).copied();
    let most = |i: usize| restarts.iter().map(|r| r[i]).max();
    println!(
        "{}",
        json!({"events": n, "state_entries": engine.state_count(), "evidence_rows": kept, "p50_ns": at(0.5), "p99_ns": at(0.99),
            "max_ns": times.last(), "restarts": restarts.len(), "pause_us": most(0), "recovery_us": most(1), "state_bytes": most(2)})
    );
    Ok(())
}
