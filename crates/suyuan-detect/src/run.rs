//! History: every row once, in the total order, through the evaluator.

use suyuan_model::Kind;
use suyuan_model::outcome::Finding;
use suyuan_model::scan::{RowSource, Want};

use crate::alert::Alert;
use crate::core::{Core, Drafts};
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
}

/// Runs the rules over the rows; the same rows give the same findings, however they are cut into batches.
///
/// Findings are sorted by first row, rule, entity. Errors: the source could not be read.
pub fn detect(
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Finding>, DetectError> {
    let refs = Registry::read(source)?;
    let mut core = Core::new(rules, true, false);
    scan(source, &mut core, &refs, progress)?;
    let Core { bound, sources, drafts, .. } = core;
    explain::findings(source, Pass { bound, refs: &refs, sources, drafts: drafts.unwrap_or_default() })
}

/// The alerts of the rules over the rows, in the order in which they were given.
///
/// This is what live converges to. Errors: the source could not be read.
pub fn alerts(
    source: &dyn RowSource,
    rules: &RuleSet,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Alert>, DetectError> {
    let refs = Registry::read(source)?;
    let mut core = Core::new(rules, false, true);
    scan(source, &mut core, &refs, progress)?;
    Ok(core.take_alerts())
}

/// Feeds every row of the kinds that the rules read.
pub(crate) fn scan(
    source: &dyn RowSource,
    core: &mut Core<'_>,
    refs: &Registry,
    progress: &mut dyn FnMut(u64),
) -> Result<(), DetectError> {
    let wants: Vec<Want> = core
        .bound
        .kinds()
        .into_iter()
        .map(|kind| Want::only(kind, core.bound.binder.columns(kind)))
        .collect();
    let mut stream = source.scan(&wants)?;
    let mut views = Views::default();
    while let Some(run) = stream.next_run()? {
        let masks = core.bound.masks[run.kind as usize];
        let view = views.of(run.kind, &run.batch, &core.bound.binder, masks);
        for i in run.rows {
            core.row(&view.row(i), refs);
            if core.rows().is_multiple_of(65_536) {
                progress(core.rows());
            }
        }
    }
    core.finish(refs);
    progress(core.rows());
    Ok(())
}

/// The kinds that a scan of the rules reads.
pub fn kinds_read(rules: &RuleSet) -> Vec<Kind> {
    Bound::new(rules).kinds()
}
