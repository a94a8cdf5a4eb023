//! Live gives what history gives: rows late within the lateness, cut and restarted anywhere.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use suyuan_detect::trial::{START, Trial};
use suyuan_detect::{Alert, Correction, Live, LiveParams, Piece, RuleSet, alerts, corrections};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

fn rules(t: &Trial) -> RuleSet {
    RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), t.rule.clone())))
        .unwrap_or_else(|e| panic!("trial {}: {e}\n{}", t.number, t.rule))
}

fn memory(rows: &[(Kind, Value)]) -> MemorySource {
    let mut source = MemorySource::default();
    for kind in [Kind::Opening, Kind::Login] {
        let of: Vec<Value> = rows.iter().filter(|r| r.0 == kind).map(|r| r.1.clone()).collect();
        if !of.is_empty() {
            source.push(kind, fixture::batch(kind, &of).unwrap());
        }
    }
    source
}

fn history(t: &Trial, rules: &RuleSet) -> Vec<Alert> {
    alerts(&memory(&t.rows), rules, &mut |_| {}).unwrap()
}

/// Runs a trial live; at its restarts everything but the saved pieces is dropped.
fn live(t: &Trial, rules: &RuleSet) -> Vec<Alert> {
    let batches = t.batches();
    let params = LiveParams { idle: i64::MAX, ..LiveParams::default() };
    let mut given: BTreeMap<String, Alert> = BTreeMap::new();
    let mut take = |live: &mut Live<'_>| {
        for a in live.take_alerts() {
            // What is given twice is the same.
            if let Some(old) = given.insert(a.id.clone(), a.clone()) {
                assert_eq!(old, a);
            }
        }
    };
    let mut pieces: BTreeMap<(u32, u16), Piece> = BTreeMap::new();
    let mut run = Live::new(rules, params);
    let mut done: Vec<(Kind, Arc<arrow_array::RecordBatch>, i64)> = Vec::new();
    for (n, (kind, rows, at)) in batches.iter().enumerate() {
        let batch = Arc::new(fixture::batch(*kind, rows).unwrap());
        done.push((*kind, batch.clone(), *at));
        if t.restarts.contains(&n) {
            // The snapshot is taken in slices while the next batch goes through.
            let (position, cells) = run.begin(t.number.is_multiple_of(3));
            pieces.extend(cells.into_iter().map(|p| ((p.item, p.shard), p)));
            assert!(run.push(*kind, &batch, *at).unwrap().late.is_empty());
            while let Some(more) = run.slice(64) {
                pieces.extend(more.into_iter().map(|p| ((p.item, p.shard), p)));
            }
            take(&mut run);
            drop(run);
            run = Live::restore(rules, params, &position, pieces.values().cloned()).unwrap();
            // All that arrived from the offset on, once more, and not split as before.
            let mut seen = 0;
            for (kind, batch, at) in &done {
                let rows = batch.num_rows() as u64;
                let from = position.offset.saturating_sub(seen).min(rows) as usize;
                let again = Arc::new(batch.slice(from, rows as usize - from));
                seen += rows;
                if again.num_rows() > 0 {
                    assert!(run.push(*kind, &again, *at).unwrap().late.is_empty());
                }
            }
        } else {
            assert!(run.push(*kind, &batch, *at).unwrap().late.is_empty(), "trial {}", t.number);
        }
        take(&mut run);
    }
    run.finish();
    take(&mut run);
    given.into_values().collect()
}

#[test]
fn live_is_history() {
    let mut fired = [0usize; 11];
    for number in 0..1_100 {
        let t = Trial::of(number);
        let rules = rules(&t);
        let mut want = history(&t, &rules);
        want.sort_by(|a, b| a.id.cmp(&b.id));
        let got = live(&t, &rules);
        assert_eq!(got, want, "trial {number}\n{}", t.rule);
        fired[number as usize % 11] += want.len();
    }
    assert!(fired.iter().all(|n| *n > 20), "a type hardly ever fired: {fired:?}");
}

fn opening(minute: i64, seq: i64) -> Value {
    json!({"ts": time::format(START + minute * 60_000_000), "source": "s", "seq": seq, "card": format!("c{seq}"),
        "account": "a1", "device": "d1", "plan": "p0"})
}

fn three() -> RuleSet {
    let text = Trial::of(0).rule;
    let head = &text[text.find("suyuan:").unwrap()..];
    let head: String = head.lines().filter(|l| !l.contains("emit")).map(|l| format!("{l}\n")).collect();
    let rule = format!(
        "name: a\nlogsource: {{product: suyuan, service: opening}}\ndetection: {{s: {{plan: p0}}, condition: s}}\n---\n\
         title: t\ndescription: t\nlevel: low\ncorrelation: {{type: event_count, rules: [a], group-by: [account], timespan: 30m, condition: {{gte: 3}}}}\n{head}"
    );
    RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), rule))).unwrap()
}

fn push(live: &mut Live<'_>, rows: &[Value], minute: i64) -> suyuan_detect::Pushed {
    let batch = Arc::new(fixture::batch(Kind::Opening, rows).unwrap());
    live.push(Kind::Opening, &batch, START + minute * 60_000_000).unwrap()
}

#[test]
fn late_rows_are_handed_back_and_corrected() {
    let rules = three();
    let mut live = Live::new(&rules, LiveParams::default());
    push(&mut live, &[opening(0, 1), opening(10, 2)], 10);
    push(&mut live, &[opening(40, 4)], 40);
    // Ten minutes behind: late. With it, three openings lie within half an hour.
    let pushed = push(&mut live, &[opening(12, 3), opening(40, 5)], 40);
    assert_eq!(pushed.late.len(), 1);
    assert_eq!(pushed.late[0].seq, 3);
    assert_eq!(live.counts().late["s"], 1);
    live.finish();
    let given = live.take_alerts();
    let all = [opening(0, 1), opening(10, 2), opening(12, 3), opening(40, 4), opening(40, 5)];
    let rows: Vec<(Kind, Value)> = all.iter().map(|r| (Kind::Opening, r.clone())).collect();
    let right = alerts(&memory(&rows), &rules, &mut |_| {}).unwrap();
    let changes = corrections(&given, &right);
    assert!(given.is_empty());
    assert_eq!(changes.len(), right.len());
    let added = changes.iter().filter(|c| matches!(c, Correction::Added { alert } if alert.rows.len() == 3));
    assert!(added.count() == right.len() && !right.is_empty());
    // And back: what should not have been given is retracted.
    let gone = corrections(&right, &given);
    assert!(gone.len() == right.len() && gone.iter().all(|c| matches!(c, Correction::Retracted { .. })));
}

/// Rows that derived fields cite are state too: wherever live is saved and restored, alerts show the rows that history shows.
#[test]
fn earlier_rows_are_cited_across_restarts() {
    let head = &Trial::of(0).rule;
    let head: String = head[head.find("suyuan:").unwrap()..]
        .lines()
        .filter(|l| !l.contains("emit"))
        .map(|l| format!("{l}\n"))
        .collect();
    let rule = format!(
        "title: t\ndescription: t\nlevel: low\nlogsource: {{product: suyuan, service: opening}}\n\
         detection: {{a: {{idle|gte: 2}}, b: {{override_before_s|lte: 900}}, condition: a or b}}\n{head}  \
         derive: [idle_cards: {{over: 10d, after: 1h}}, change_before: {{as: override}}]\n"
    );
    let rules = RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), rule))).unwrap();
    let row = |n: i64| -> (Kind, Value) {
        let (ts, seq) = (time::format(START + n * 7 * 60_000_000), n);
        match n % 5 {
            0 => (
                Kind::Usage,
                json!({"ts": ts, "source": "u", "seq": seq, "card": format!("c{}", n - 23), "day": "2020-01-01"}),
            ),
            1 => (
                Kind::AccountChange,
                json!({"ts": ts, "source": "c", "seq": seq, "account": "a1", "change": "location_override"}),
            ),
            _ => (Kind::Opening, opening(n * 7, seq)),
        }
    };
    let rows: Vec<(Kind, Value)> = (0..60).map(row).collect();
    let mut source = MemorySource::default();
    for kind in [Kind::Usage, Kind::AccountChange, Kind::Opening] {
        let of: Vec<Value> = rows.iter().filter(|r| r.0 == kind).map(|r| r.1.clone()).collect();
        source.push(kind, fixture::batch(kind, &of).unwrap());
    }
    let want = alerts(&source, &rules, &mut |_| {}).unwrap();
    let cited = |a: &Alert| a.rows.iter().map(|r| r.kind).collect::<std::collections::BTreeSet<_>>().len();
    assert!(want.iter().any(|a| a.rows.len() > 8) && want.iter().any(|a| cited(a) == 2));
    let params = LiveParams { lateness: 0, idle: i64::MAX, ..LiveParams::default() };
    for cut in 1..rows.len() {
        let mut run = Live::new(&rules, params);
        let mut got = Vec::new();
        for (n, (kind, row)) in rows.iter().enumerate() {
            if n == cut {
                got.extend(run.take_alerts());
                let (position, mut pieces) = run.begin(true);
                while let Some(more) = run.slice(64) {
                    pieces.extend(more);
                }
                run = Live::restore(&rules, params, &position, pieces).unwrap();
                let at = START + (cut as i64 - 1) * 7 * 60_000_000;
                for (kind, row) in &rows[position.offset as usize..cut] {
                    run.push(*kind, &Arc::new(fixture::batch(*kind, std::slice::from_ref(row)).unwrap()), at)
                        .unwrap();
                }
            }
            let batch = fixture::batch(*kind, std::slice::from_ref(row)).unwrap();
            let pushed = run.push(*kind, &Arc::new(batch), START + n as i64 * 7 * 60_000_000).unwrap();
            assert!(pushed.late.is_empty());
        }
        run.finish();
        got.extend(run.take_alerts());
        assert_eq!(got, want, "cut at {cut}");
    }
}

#[test]
fn rows_from_the_future_move_nothing() {
    let rules = three();
    let mut live = Live::new(&rules, LiveParams::default());
    let pushed = push(&mut live, &[opening(60 * 24 * 365, 9), opening(0, 1)], 0);
    assert_eq!(pushed.future.len(), 1);
    assert!(push(&mut live, &[opening(1, 2), opening(2, 3)], 2).late.is_empty());
    live.finish();
    assert_eq!(live.take_alerts().len(), 1);
}

#[test]
fn an_idle_source_holds_nobody_back_for_ever() {
    let rules = three();
    let mut live = Live::new(&rules, LiveParams::default());
    let mut other = opening(0, 7);
    other["source"] = json!("silent");
    push(&mut live, &[other], 0);
    push(&mut live, &[opening(1, 1), opening(2, 2), opening(3, 3), opening(9, 4)], 9);
    assert_eq!(live.take_alerts().len(), 1, "the silent source fell idle");
    live.tick(START + 11 * 60_000_000);
    assert_eq!(live.waiting(), 0, "when all are idle, what waits goes through");
}

#[test]
fn rows_twice_count_once() {
    let rules = three();
    let mut live = Live::new(&rules, LiveParams::default());
    push(&mut live, &[opening(0, 1), opening(1, 2), opening(1, 2)], 1);
    live.finish();
    assert!(live.take_alerts().is_empty());
    assert_eq!(live.counts().twice, 1);
}

#[test]
fn state_of_other_rules_or_damaged_state_is_refused() {
    let rules = three();
    let mut live = Live::new(&rules, LiveParams::default());
    push(&mut live, &[opening(0, 1)], 0);
    let (mut position, mut cells) = live.begin(true);
    while let Some(more) = live.slice(1 << 20) {
        cells.extend(more);
    }
    assert!(Live::restore(&rules, LiveParams::default(), &position, cells.clone()).is_ok());
    let mut broken = cells.clone();
    broken[0].bytes = vec![255; 3];
    assert!(Live::restore(&rules, LiveParams::default(), &position, broken).is_err());
    assert!(Live::restore(&rules, LiveParams::default(), &position, cells[1..].to_vec()).is_err());
    position.rules = vec!["other".into()];
    let said = Live::restore(&rules, LiveParams::default(), &position, cells).err().unwrap().to_string();
    assert!(said.contains("other rules"), "{said}");
}
