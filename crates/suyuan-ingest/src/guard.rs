//! Where identities become tokens: the vault, behind the little that the intake needs of it.

use suyuan_model::PiiClass;
use suyuan_vault::PiiFault;

use crate::fault::Fault;

/// A PII value after it was hidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hidden {
    pub token: String,
    /// The 128 bits of its keyed hash.
    pub key: u128,
    pub region6: Option<String>,
    pub birth_year: Option<i64>,
    pub birth_month: Option<i64>,
    pub sex: Option<&'static str>,
    pub valid: Option<bool>,
    pub segment: Option<String>,
    pub surname: Option<String>,
    /// The original, sealed; empty where the guard keeps none.
    pub sealed: Vec<u8>,
}

/// Hides identities. The same value gives the same token, on every thread.
pub(crate) trait Guard: Sync {
    /// The token of a value and what may stand beside it; `ts` decides who was under 16. `None` where
    /// the value is a word for nothing (未知, unknown).
    fn hide(&self, class: PiiClass, value: &str, ts: i64) -> Result<Option<Hidden>, Fault>;
    /// Seals the text of a rejected row.
    fn seal(&self, raw: &[u8]) -> String;
}

/// Leaves values as they stand: only for a mapping's own samples, which are made up.
pub(crate) struct Open;

impl Guard for Open {
    fn hide(&self, _: PiiClass, value: &str, _: i64) -> Result<Option<Hidden>, Fault> {
        Ok(Some(Hidden { token: value.to_owned(), ..Hidden::default() }))
    }
    fn seal(&self, _: &[u8]) -> String {
        String::new()
    }
}

impl Guard for suyuan_vault::Vault {
    fn hide(&self, class: PiiClass, value: &str, ts: i64) -> Result<Option<Hidden>, Fault> {
        let token = match self.tokenise(class, value, ts) {
            Ok(token) => token,
            Err(PiiFault::Empty | PiiFault::Placeholder) => return Ok(None),
            Err(f) => return Err(Fault::whole(f.reason(), f.remedy())),
        };
        Ok(Some(Hidden {
            key: crate::memory::token_key(&token.text),
            token: token.text,
            region6: token.region6,
            birth_year: token.birth_year,
            birth_month: token.birth_month,
            sex: token.sex,
            valid: token.valid,
            segment: token.segment,
            surname: token.surname,
            sealed: token.seal.0,
        }))
    }
    fn seal(&self, raw: &[u8]) -> String {
        self.seal_text(raw)
    }
}
