//! Where a data home and a key set lie, and how they are made.

use std::path::{Path, PathBuf};

use suyuan_lake::Lake;
use suyuan_store::Store;
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
    /// The folder of what was counted; it can be deleted at any time.
    pub fn counts(&self) -> PathBuf {
        self.data.join("counts")
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
    let Home { vault, new_keys, .. } = open(paths)?;
    Ok(Made { new_keys, fingerprint: vault.id() })
}

/// An open data home with its keys.
pub(crate) struct Home {
    pub store: Store,
    pub lake: Lake,
    pub vault: Vault,
    pub new_keys: bool,
}

/// Under this name the store remembers the fingerprint of the keys that its tokens were made with.
const KEYS: &str = "keys";

/// Opens the home and its keys, making what is missing.
///
/// Tokens of two key sets do not match, so a home takes no other keys than its first.
pub(crate) fn open(paths: &Paths) -> Result<Home, EngineError> {
    let made = !paths.store().exists();
    let early = made.then(|| open_or_make_keys(&paths.keys)).transpose()?;
    std::fs::create_dir_all(&paths.data)
        .map_err(|source| EngineError::Folder { path: paths.data.clone(), source })?;
    let store = Store::open(paths.store())?;
    let first = store.read(|c| suyuan_store::results::get(c, KEYS))?;
    let (vault, new_keys) = match (early, &first) {
        (Some(keys), _) => keys,
        (None, Some(_)) => (Vault::open(&paths.keys)?, false),
        (None, None) => open_or_make_keys(&paths.keys)?,
    };
    let id = vault.id();
    match first {
        None => store.write(|tx| suyuan_store::results::put(tx, KEYS, id.as_bytes()))?,
        Some(first) if first == id.as_bytes() => {}
        Some(first) => {
            return Err(EngineError::OtherKeys {
                keys: paths.keys.clone(),
                have: id,
                want: String::from_utf8_lossy(&first).into_owned(),
            });
        }
    }
    let lake = Lake::open(&store, paths.lake())?;
    Ok(Home { store, lake, vault, new_keys })
}

/// Opens the key set, or makes one in an empty or missing folder.
fn open_or_make_keys(dir: &Path) -> Result<(Vault, bool), EngineError> {
    let empty = std::fs::read_dir(dir).map_or(true, |mut d| d.next().is_none());
    match empty.then(|| Vault::create(dir)) {
        Some(Ok(made)) => Ok((made, true)),
        // Another process made them a moment ago.
        None | Some(Err(VaultError::Exists(_))) => Ok((Vault::open(dir)?, false)),
        Some(Err(e)) => Err(e.into()),
    }
}
