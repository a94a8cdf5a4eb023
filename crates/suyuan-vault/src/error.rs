//! What can go wrong with keys and sealed values, worded for the operator.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A fault of the key set or of something sealed. Never holds personal data or key bytes.
#[derive(Debug, Error)]
pub enum VaultError {
    /// The folder holds keys already.
    #[error("`{}` exists already; keys are never overwritten, because what they sealed could not be opened again", .0.display())]
    Exists(PathBuf),
    /// A key file is not there.
    #[error("there is no key file `{}`; make keys with `suyuan init`, or bring the file back from its copy", .0.display())]
    Missing(PathBuf),
    /// A key file is not what was written.
    #[error("the key file `{}` is damaged ({what}); bring it back from its copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// The two key files do not belong together.
    #[error("the key files in `{}` come from different key sets; bring both back from one copy", .0.display())]
    Mixed(PathBuf),
    /// Others than the owner may read a key file.
    #[error("the key file `{}` can be read by others (mode {mode:03o}); run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system could not do something to a file.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes to make keys from: {0}")]
    Random(String),
    /// A text is not a token.
    #[error("this is not a token; a token looks like `idn1-` and 26 letters and digits")]
    NotAToken,
    /// A token of other keys.
    #[error("this token was made with keys of epoch {epoch}, the open keys are of epoch {have}")]
    Epoch {
        /// The token's.
        epoch: u32,
        /// The key set's.
        have: u32,
    },
    /// A sealed value does not open.
    #[error(
        "a sealed value does not open: it was changed, or sealed with other keys (see `keys` in run.json)"
    )]
    Sealed,
}
