//! Where a data home and a key set lie, and how they are made.

use std::path::{Path, PathBuf};

use suyuan_vault::{Vault, VaultError};

use crate::EngineError;

/// The two folders: data and keys are kept apart, so that a copy of one is no leak.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Lake and store.
    pub data: PathBuf,
    /// Keys.
    pub keys: PathBuf,
}

impl Paths {
    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.data.join("suyuan.db")
    }
    /// The lake's folder.
    pub fn lake(&self) -> PathBuf {
        self.data.join("lake")
    }
}

/// What [`init`] did.
#[derive(Clone, Debug)]
pub struct Made {
    /// Whether new keys were made; existing ones are kept.
    pub new_keys: bool,
    /// Fingerprint of the key set; not a secret.
    pub fingerprint: String,
}

/// Makes the key set where there is none, and an empty data home.
pub fn init(paths: &Paths) -> Result<Made, EngineError> {
    let (vault, new_keys) = open_or_make_keys(&paths.keys)?;
    std::fs::create_dir_all(&paths.data)
        .map_err(|source| EngineError::Folder { path: paths.data.clone(), source })?;
    let store = suyuan_store::Store::open(&paths.store())?;
    suyuan_lake::Lake::open(&store, &paths.lake())?;
    Ok(Made { new_keys, fingerprint: vault.id() })
}

/// Opens the key set, or makes one in an empty or missing folder.
pub(crate) fn open_or_make_keys(dir: &Path) -> Result<(Vault, bool), EngineError> {
    let empty = std::fs::read_dir(dir).map_or(true, |mut d| d.next().is_none());
    match empty.then(|| Vault::create(dir)) {
        Some(Ok(made)) => Ok((made, true)),
        // Another process made them a moment ago.
        None | Some(Err(VaultError::Exists(_))) => Ok((Vault::open(dir)?, false)),
        Some(Err(e)) => Err(e.into()),
    }
}
