//! What a trace may be asked beside the records: lists of victims and of canaries, runs of the self-test.
//!
//! Identities of a list become tokens at once; nothing of the list is kept, and no fault tells a value.

use std::path::{Path, PathBuf};

use suyuan_model::{PiiClass, time};
use suyuan_vault::Vault;

use crate::EngineError;

/// The questions beside the plain one.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Victims beside those of the fraud reports.
    pub victims: Option<PathBuf>,
    /// Identities that the holder of the data planted.
    pub canaries: Option<PathBuf>,
    /// Runs in which harm is dealt out anew.
    pub decoys: u64,
}

impl Ask {
    /// Whether the answer rests on lists that are not in the records, so that it is not kept.
    pub fn rests_on_lists(&self) -> bool {
        self.victims.is_some() || self.canaries.is_some()
    }
}

/// Tokens of a list, and the date of harm where a line has one. A line is an identity or number as the records have it,
/// with a comma and a date where it is known.
pub(crate) fn list(vault: &Vault, file: Option<&Path>) -> Result<Vec<(String, Option<i64>)>, EngineError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file)
        .map_err(|source| EngineError::File { path: file.to_owned(), source })?;
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let (who, day) = line.split_once(',').map_or((line, None), |(w, d)| (w, Some(d.trim())));
        let day = day.filter(|d| !d.is_empty());
        let instant = |d: &str| time::parse_day(d).map(|d| d * time::DAY).or_else(|| time::parse(d));
        let line = n as u64 + 1;
        let at = day
            .map(|d| instant(d).ok_or_else(|| EngineError::VictimDay { path: file.to_owned(), line }))
            .transpose()?;
        let token = vault
            .tokenise(PiiClass::Person, who.trim(), at.unwrap_or(0))
            .map_err(|fault| EngineError::Victim { path: file.to_owned(), line, fault })?;
        out.push((token.text, at));
    }
    Ok(out)
}
