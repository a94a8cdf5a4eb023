//! History: every row once, in the total order, through the evaluator.

use suyuan_model::Kind;
use suyuan_model::outcome::Finding;
use suyuan_model::scan::{RowSource, Runs, Want};

use crate::alert::{Alert, Evidence};
use crate::core::{AHEAD, Ahead, Core, Drafts};
use crate::error::DetectError;
use crate::explain;
use crate::plan::Bound;
use crate::registry::Registry;
use crate::rule::RuleSet;
use crate::view::{Sources, Views};

/// What the first scan leaves behind.
pub(crate) struct Pass<'r> {
    pub bound: Bound<'r>,
    pub refs: &'r Registry,
    pub sources: Sources,
    pub drafts: Drafts,
    /// On how many threads the checks may run.
    pub threads: usize,
}

/// Runs the rules over the rows; the same rows give the same findings, however they are cut into batches.
///
/// Findings are sorted by first row, rule, entity. Errors: the source could not be read.
pub fn detect(
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Finding>, DetectError> {
    detect_on(1, source, rules, progress)
}

/// The same on so many threads; how many does not change what is found.
pub fn detect_on(
    threads: usize,
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Finding>, DetectError> {
    let refs = Registry::read(source)?;
    let mut core = Core::new(rules, true, false);
    core.threads = threads;
    scan(source, &mut core, &refs, |core, tell| {
        if tell {
            progress(core.rows());
        }
    })?;
    let Core { bound, sources, drafts, .. } = core;
    explain::findings(
        source,
        Pass { bound, refs: &refs, sources, drafts: drafts.unwrap_or_default(), threads },
    )
}

/// The alerts of the rules over the rows, in the order in which they were given.
///
/// This is what live converges to. Errors: the source could not be read.
pub fn alerts(
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Alert>, DetectError> {
    let mut all = Vec::new();
    each_alert(source, rules, Evidence::Rows, &mut |a| all.push(a), progress)?;
    Ok(all)
}

/// The same one by one, with as much evidence as is wanted: memory does not grow with the number of alerts.
pub fn each_alert(
    source: &dyn RowSource,
    rules: &RuleSet,
    evidence: Evidence,
    each: &mut dyn FnMut(Alert),
    progress: &mut dyn FnMut(u64),
) -> Result<(), DetectError> {
    let refs = Registry::read(source)?;
    let mut core = Core::new(rules, false, true);
    core.evidence = evidence;
    scan(source, &mut core, &refs, |core, tell| {
        core.each_alert(&mut *each);
        if tell {
            progress(core.rows());
        }
    })?;
    Ok(())
}

/// Feeds every row of the kinds that the rules read; `between` is called between rows and at the end, now and then with
/// `true`: time to say how far it is.
pub(crate) fn scan(
    source: &dyn RowSource,
    core: &mut Core<'_>,
    refs: &Registry,
    mut between: impl FnMut(&mut Core<'_>, bool),
) -> Result<(), DetectError> {
    // Which line of which file a row was is asked when what was found is explained.
    let wants: Vec<Want> = core
        .bound
        .kinds()
        .into_iter()
        .map(|kind| Want::only(kind, core.bound.binder.columns(kind)).without_origin())
        .collect();
    let mut stream = source.scan(&wants)?;
    let mut told = 0;
    let mut views = Views::default();
    let mut ahead = Ahead::default();
    let mut runs = Runs::default();
    let mut numbers = Vec::new();
    loop {
        runs.clear();
        stream.next_runs(AHEAD, &mut runs)?;
        if runs.runs.is_empty() {
            break;
        }
        let number = |ahead: &mut Ahead, views: &mut Views, core: &Core<'_>, of: u32| {
            let (kind, batch) = &runs.batches[of as usize];
            ahead.number(views.of(*kind, batch, &core.bound.binder, core.bound.masks[*kind as usize]))
        };
        numbers.clear();
        numbers.resize(runs.batches.len(), None);
        for (of, rows) in &runs.runs {
            let mut rest = rows.clone();
            while !rest.is_empty() {
                let known = numbers[*of as usize];
                let view = known.unwrap_or_else(|| number(&mut ahead, &mut views, core, *of));
                numbers[*of as usize] = Some(view);
                rest.start = ahead.push(view, rest.clone());
                if !ahead.full() {
                    continue;
                }
                core.rows_in_order(ahead.rows(), refs);
                ahead.clear();
                numbers.fill(None);
                let tell = core.rows() / 65_536 > told;
                told = core.rows() / 65_536;
                between(core, tell);
            }
            let batch = &runs.batches[*of as usize].1;
            if rows.end as usize == batch.num_rows() {
                views.done(batch);
            }
        }
    }
    core.rows_in_order(ahead.rows(), refs);
    core.finish(refs);
    between(core, true);
    Ok(())
}

/// The kinds that a scan of the rules reads.
pub fn kinds_read(rules: &RuleSet) -> Vec<Kind> {
    Bound::new(rules).kinds()
}
