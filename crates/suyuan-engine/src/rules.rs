//! The rules the engine runs with, for the manual.

use suyuan_model::outcome::Lang;

use crate::EngineError;

/// The rule catalogue as Markdown.
pub fn catalogue(lang: Lang) -> Result<String, EngineError> {
    Ok(suyuan_detect::RuleSet::embedded()?.catalogue(lang))
}
