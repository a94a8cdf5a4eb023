//! The rules the engine runs with, for the manual and the account of a run.

use suyuan_detect::RuleSet;
use suyuan_model::outcome::Lang;

use crate::EngineError;

/// The rule catalogue as Markdown.
pub fn catalogue(lang: Lang) -> Result<String, EngineError> {
    Ok(suyuan_detect::catalogue(lang.code()))
}

/// Every rule with the hash of its text.
pub(crate) fn hashes() -> Result<Vec<(String, String)>, EngineError> {
    Ok(RuleSet::embedded()?.rules().iter().map(|r| (r.id.clone(), r.hash.clone())).collect())
}
