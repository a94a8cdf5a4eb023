//! The rule evaluator against SQL: the same alerts, by an engine that shares no code with it.
//!
//! A made-up rule over made-up rows ([`Trial`]) is run twice: by `suyuan_detect`, and as the SQL that
//! `suyuan_detect::sql` prints of it, self-joins on the total order, by DataFusion. Compared are the sets of alert ids.
//! Every correlation type is among the trials, with ties, absent keys and rows that match several detections; that live evaluation
//! gives the same alerts as history is tried on the same trials in `suyuan-detect` (`tests/live.rs`). The long form of
//! this is `cargo xtask eval semantics --cases N`, with DuckDB. Not compared here: the rows and values that alerts show (the vectors of
//! `docs/semantics` do), derived fields, `rearm`, sequences of more than two steps.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use serde_json::Value;
use suyuan_detect::trial::Trial;
use suyuan_detect::{GroupValue, Rule, RuleSet, alert_id, alerts, group_key, sql};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, RowRef, fixture, time};

/// Trials, all correlation types in turn.
const TRIALS: u64 = 1_100;
/// Types among them.
const TYPES: usize = 11;

const OPENING: &[&str] =
    &["ts", "source", "seq", "account", "device", "card", "subject", "plan", "duration_s"];
const LOGIN: &[&str] = &["ts", "source", "seq", "account", "device", "result", "session"];

/// The rows of a kind in the columns that the SQL expects: times are whole microseconds.
fn table(kind: Kind, rows: &[Value]) -> MemTable {
    let names = if kind == Kind::Opening { OPENING } else { LOGIN };
    let number = |name: &str| matches!(name, "ts" | "seq" | "duration_s");
    let fields = names.iter().map(|n| {
        let ty = if number(n) { DataType::Int64 } else { DataType::Utf8 };
        Field::new(*n, ty, true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let column = |name: &&str| -> ArrayRef {
        match *name {
            "ts" => {
                Arc::new(rows.iter().map(|r| r["ts"].as_str().and_then(time::parse)).collect::<Int64Array>())
            }
            n if number(n) => Arc::new(rows.iter().map(|r| r[n].as_i64()).collect::<Int64Array>()),
            n => Arc::new(rows.iter().map(|r| r[n].as_str()).collect::<StringArray>()),
        }
    };
    let batch = RecordBatch::try_new(schema.clone(), names.iter().map(column).collect()).unwrap();
    MemTable::try_new(schema, vec![vec![batch]]).unwrap()
}

/// The alert ids of SQL's answer.
fn ids(rule: &Rule, batches: &[RecordBatch]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for b in batches {
        let text = |name: &str| cast(b.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let whole = |name: &str| cast(b.column_by_name(name).unwrap(), &DataType::Int64).unwrap();
        let (kind, source, ts, seq) = (text("kind"), text("source"), whole("ts"), whole("seq"));
        let groups: Vec<ArrayRef> = (4..b.num_columns()).map(|g| text(&format!("g{}", g - 4))).collect();
        let texts = |a: &ArrayRef, i: usize| -> String {
            a.as_any().downcast_ref::<StringArray>().unwrap().value(i).to_owned()
        };
        let number =
            |a: &ArrayRef, i: usize| -> i64 { a.as_any().downcast_ref::<Int64Array>().unwrap().value(i) };
        for i in 0..b.num_rows() {
            let values: Vec<String> = groups.iter().map(|g| texts(g, i)).collect();
            let values: Vec<_> = values.iter().map(|v| Some(GroupValue::Text(v))).collect();
            let trigger = RowRef {
                kind: Kind::by_name(&texts(&kind, i)).unwrap(),
                ts: number(&ts, i),
                source: texts(&source, i),
                seq: number(&seq, i),
                file: 0,
                line: 0,
            };
            out.insert(alert_id(rule, group_key(&values).unwrap(), &trigger));
        }
    }
    out
}

/// An engine for many trials. Planning takes most of the time, so only those rules are kept without which a query is not
/// planned at all; tables are tiny.
fn context() -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .set_u64("datafusion.optimizer.max_passes", 1)
        .set_bool("datafusion.sql_parser.collect_spans", false);
    let state = SessionStateBuilder::new_with_default_features().with_config(config.clone()).build();
    let needed = [
        "decorrelate_predicate_subquery",
        "replace_distinct_aggregate",
        "simplify_expressions",
        "extract_equijoin_predicate",
        "optimize_projections",
    ];
    let kept: Vec<_> = state.optimizers().iter().filter(|r| needed.contains(&r.name())).cloned().collect();
    assert_eq!(kept.len(), needed.len());
    let needed = ["OutputRequirements", "join_selection", "EnsureRequirements", "SanityCheckPlan"];
    let steps: Vec<_> =
        state.physical_optimizers().iter().filter(|r| needed.contains(&r.name())).cloned().collect();
    assert!(steps.len() > needed.len());
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_optimizer_rules(kept)
        .with_physical_optimizer_rules(steps)
        .build();
    SessionContext::new_with_state(state)
}

/// The rows of a query whose `WITH` is worked off table by table: put into each other its parts are planned again wherever they
/// are named, which takes ten times as long.
async fn answer(context: &SessionContext, text: &str) -> Result<Vec<RecordBatch>, DataFusionError> {
    let statement = Parser::parse_sql(&GenericDialect {}, text)?.remove(0);
    let Statement::Query(mut query) = statement else { panic!("not a query: {text}") };
    for part in query.with.take().into_iter().flat_map(|w| w.cte_tables) {
        let frame = context.sql(&part.query.to_string()).await?;
        // Plan and rows do not always agree on what may be null: anything may.
        let fields = frame.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = frame.collect().await?;
        let rows = rows.iter().map(|b| RecordBatch::try_new(schema.clone(), b.columns().to_vec()));
        let rows = MemTable::try_new(schema.clone(), vec![rows.collect::<Result<_, _>>()?])?;
        let name = part.alias.name.value;
        context.deregister_table(name.as_str())?;
        context.register_table(name, Arc::new(rows))?;
    }
    context.sql(&query.to_string()).await?.collect().await
}

/// Alerts of the trial by the evaluator, and by SQL.
async fn both(context: &SessionContext, t: &Trial) -> (BTreeSet<String>, BTreeSet<String>) {
    let rules = RuleSet::load_dir(std::iter::once(("t.yml".to_owned(), t.rule.clone()))).unwrap();
    let rule = &rules.rules()[0];
    let mut source = MemorySource::default();
    for kind in [Kind::Opening, Kind::Login] {
        let rows: Vec<Value> = t.rows.iter().filter(|r| r.0 == kind).map(|r| r.1.clone()).collect();
        if !rows.is_empty() {
            source.push(kind, fixture::batch(kind, &rows).unwrap());
        }
        context.deregister_table(kind.name()).unwrap();
        context.register_table(kind.name(), Arc::new(table(kind, &rows))).unwrap();
    }
    let ours = alerts(&source, &rules, &mut |_| {}).unwrap().into_iter().map(|a| a.id).collect();
    let text = sql(rule).unwrap();
    let batches = answer(context, &text).await.unwrap_or_else(|e| panic!("trial {}: {e}\n{text}", t.number));
    (ours, ids(rule, &batches))
}

/// How many alerts the trials of each type gave; those whose number is `of` modulo `n`.
fn run(of: u64, n: u64) -> [usize; TYPES] {
    let mut fired = [0; TYPES];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let context = context();
    for number in (0..TRIALS).filter(|t| t % n == of) {
        let t = Trial::of(number);
        let (ours, theirs) = runtime.block_on(both(&context, &t));
        let rows: Vec<String> = t.rows.iter().map(|r| r.1.to_string()).collect();
        assert_eq!(ours, theirs, "trial {number}, ours and SQL's\n{}\n{}", t.rule, rows.join("\n"));
        fired[number as usize % TYPES] += ours.len();
    }
    fired
}

#[test]
fn rules_and_their_sql_give_the_same_alerts() {
    let parts: Vec<[usize; TYPES]> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..2).map(|of| s.spawn(move || run(of, 2))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let fired: Vec<usize> = (0..TYPES).map(|k| parts.iter().map(|p| p[k]).sum()).collect();
    assert!(fired.iter().all(|n| *n > 20), "a type hardly ever fired: {fired:?}");
}
