//! Mapping files: shipped ones by name, others by path.

use std::path::Path;

use suyuan_ingest::{Mapping, RejectContext, SHIPPED};
use suyuan_model::Kind;
use suyuan_model::outcome::Text;

use crate::EngineError;

/// A shipped mapping by its name, else the mapping file of that path.
pub fn load(name: &str) -> Result<Mapping, EngineError> {
    let path = Path::new(name);
    if !path.exists() {
        return Ok(Mapping::shipped(name)?);
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| EngineError::File { path: path.to_owned(), source })?;
    Ok(Mapping::parse(&text)?)
}

/// The mapping that a rejected row needs: the one given if it has that name, else the shipped one.
pub(crate) fn of_context(
    context: &RejectContext,
    given: Option<&Mapping>,
) -> Result<Option<Mapping>, EngineError> {
    match (&context.mapping, given) {
        (None, _) => Ok(None),
        (Some(name), Some(given)) if given.name() == name => Ok(Some(given.clone())),
        (Some(name), _) => match Mapping::shipped(name) {
            Ok(mapping) => Ok(Some(mapping)),
            Err(_) => Err(EngineError::NeedsMapping { name: name.clone() }),
        },
    }
}

/// Loads a mapping, which maps its samples; returns how many there are.
pub fn check(name: &str) -> Result<usize, EngineError> {
    Ok(load(name)?.samples())
}

/// The shipped mappings: name and title.
pub fn shipped() -> Result<Vec<(String, Text)>, EngineError> {
    SHIPPED
        .iter()
        .map(|(name, _)| Ok(((*name).to_owned(), Mapping::shipped(name)?.title().clone())))
        .collect()
}

/// The text of a shipped mapping.
pub fn text(name: &str) -> Result<&'static str, EngineError> {
    Mapping::shipped(name)?;
    Ok(SHIPPED.iter().find(|(n, _)| *n == name).map_or("", |(_, text)| text))
}

/// Proposes a mapping from a file's head.
pub fn propose(file: &Path, kind: Option<&str>) -> Result<String, EngineError> {
    let kind = kind.map(kind_named).transpose()?;
    Ok(suyuan_ingest::propose(file, kind)?)
}

/// The record kind of that name; the error names the nearest.
pub(crate) fn kind_named(name: &str) -> Result<Kind, EngineError> {
    Kind::by_name(name).ok_or_else(|| EngineError::NoKind {
        name: name.to_owned(),
        near: suyuan_ingest::nearest(name, Kind::ALL.iter().map(|k| k.name())).unwrap_or("opening"),
    })
}
