//! The two key files of a key set, and the keys derived from them.
//!
//! `token.key` makes tokens, `seal.key` seals and opens. They are apart so that the one who opens
//! originals may be another than the one who takes records in. Each is a few lines of text with a
//! checksum, written once with mode 0600 and never overwritten. Both carry the id of their set, so that files
//! of two sets are not mixed up. Working keys are derived (HMAC-SHA256 of what they are for under the root
//! key), one for each kind of token: equal texts of two kinds have unlike tokens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hmac::Mac;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{VaultError, mac, text};

/// The file that makes tokens.
pub const TOKEN_FILE: &str = "token.key";
/// The file that seals and opens originals.
pub const SEAL_FILE: &str = "seal.key";

/// The first line that counts.
const FORMAT: &str = "format suyuan-key-1";
/// A key file is a few hundred bytes; more is something else.
const MAX_FILE: u64 = 4096;
/// The epoch of a new key set.
const FIRST_EPOCH: u32 = 1;

type Key = Zeroizing<[u8; 32]>;

/// An opened key set.
pub(crate) struct Keys {
    pub(crate) epoch: u32,
    token: Key,
    seal: Key,
}

/// What one key file says.
struct KeyFile {
    set: String,
    epoch: u32,
    key: Key,
}

impl Keys {
    pub(crate) fn create(dir: &Path) -> Result<Keys, VaultError> {
        make_dir(dir)?;
        let paths = [dir.join(TOKEN_FILE), dir.join(SEAL_FILE)];
        // `symlink_metadata`, so that a dangling link counts as a file too.
        if let Some(there) = paths.iter().find(|p| p.symlink_metadata().is_ok()) {
            return Err(VaultError::Exists(there.clone()));
        }
        let mut set = [0; 8];
        fill(&mut set)?;
        let set = text::hex(&set);
        let mut keys = Keys { epoch: FIRST_EPOCH, token: Key::default(), seal: Key::default() };
        fill(&mut *keys.token)?;
        fill(&mut *keys.seal)?;
        // Both files or none, whatever happens meanwhile: they are written beside and come in one step.
        let part = Part::beside(dir)?;
        write_new(&part.0.join(TOKEN_FILE), &render("token", &set, keys.epoch, &keys.token))?;
        write_new(&part.0.join(SEAL_FILE), &render("seal", &set, keys.epoch, &keys.seal))?;
        sync_dir(&part.0)?;
        if fs::rename(&part.0, dir).is_err() {
            // The folder holds other things, or another process was quicker.
            for (name, path) in [SEAL_FILE, TOKEN_FILE].into_iter().zip(paths.iter().rev()) {
                fs::hard_link(part.0.join(name), path).map_err(|e| match e.kind() {
                    io::ErrorKind::AlreadyExists => VaultError::Exists(path.clone()),
                    _ => io_error("write the key file", path, e),
                })?;
            }
        }
        sync_dir(dir)?;
        Ok(keys)
    }

    pub(crate) fn open(dir: &Path) -> Result<Keys, VaultError> {
        let token = read(&dir.join(TOKEN_FILE), "token")?;
        let seal = read(&dir.join(SEAL_FILE), "seal")?;
        if (&token.set, token.epoch) != (&seal.set, seal.epoch) {
            return Err(VaultError::Mixed(dir.to_owned()));
        }
        Ok(Keys { epoch: token.epoch, token: token.key, seal: seal.key })
    }

    pub(crate) fn derive_token(&self, what: &str) -> Key {
        derive(&self.token, &format!("suyuan token {what} epoch {}", self.epoch))
    }

    pub(crate) fn derive_seal(&self, what: &str) -> Key {
        derive(&self.seal, &format!("suyuan seal {what} epoch {}", self.epoch))
    }

    /// `keys1-` and 16 characters that depend on both keys.
    pub(crate) fn public_id(&self) -> String {
        let both = [*self.derive_token("public id"), *self.derive_seal("public id")].concat();
        let mut id = format!("keys{}-", self.epoch);
        text::push_base32(&mut id, &Sha256::digest(&both)[..10]);
        id
    }
}

/// A folder beside the key folder, gone when done; those that killed processes left are removed.
struct Part(PathBuf);

impl Part {
    fn beside(dir: &Path) -> Result<Part, VaultError> {
        let dir = dir.canonicalize().map_err(|e| io_error("find the key folder", dir, e))?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            let root = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(io_error("make the key folder", &dir, root));
        };
        let prefix = format!(".{}.part-", name.to_string_lossy());
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let left = entry.file_name().to_string_lossy().strip_prefix(&prefix).map(str::to_owned);
            if left.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let part = parent.join(format!("{prefix}{}", std::process::id()));
        make_dir(&part)?;
        Ok(Part(part))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Where the rename succeeded there is nothing left to remove.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn derive(root: &Key, info: &str) -> Key {
    let mut mac = mac(root);
    mac.update(info.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|e| VaultError::Random(e.to_string()))
}

fn render(purpose: &str, set: &str, epoch: u32, key: &Key) -> Zeroizing<String> {
    let hex = Zeroizing::new(text::hex(&**key));
    let body = Zeroizing::new(format!("{FORMAT}\nuse {purpose}\nset {set}\nepoch {epoch}\nkey {}\n", *hex));
    let sum = checksum(&body);
    Zeroizing::new(format!(
        "# A key of Suyuan. Without it nothing that it sealed can be opened, and whoever has it can undo every token.\n\
         # Keep a copy apart from this machine and from the data.\n{}sum {sum}\n",
        *body
    ))
}

fn checksum(body: &str) -> String {
    text::hex(&Sha256::digest(body)[..8])
}

fn parse(purpose: &str, file: &str) -> Result<KeyFile, &'static str> {
    let start = file.find(FORMAT).ok_or("it is not a key file of format 1")?;
    let body = &file[start..];
    let sum_at = body.rfind("sum ").ok_or("its checksum is missing")?;
    let sum = body[sum_at..]
        .strip_prefix("sum ")
        .and_then(|s| s.strip_suffix('\n'))
        .ok_or("its checksum is cut")?;
    let body = &body[..sum_at];
    if checksum(body) != sum {
        return Err("its checksum does not hold");
    }
    let mut lines = body.lines().skip(1);
    let mut field =
        |name: &str| lines.next().and_then(|l| l.strip_prefix(name)).and_then(|l| l.strip_prefix(' '));
    if field("use").ok_or("it has no `use`")? != purpose {
        return Err("it is the other key file of a set, under this one's name");
    }
    let set = field("set").ok_or("it has no `set`")?.to_owned();
    let epoch = field("epoch").and_then(|e| e.parse().ok()).ok_or("it has no `epoch`")?;
    let key = field("key").and_then(text::unhex32).ok_or("its key is not 64 hexadecimal digits")?;
    Ok(KeyFile { set, epoch, key })
}

fn read(path: &Path, purpose: &str) -> Result<KeyFile, VaultError> {
    let fault = |action| move |source| io_error(action, path, source);
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => VaultError::Missing(path.to_owned()),
        _ => io_error("open the key file", path, e),
    })?;
    refuse_open_file(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
    let damaged = |what| VaultError::Damaged { path: path.to_owned(), what };
    match file.take(MAX_FILE).read_to_string(&mut text) {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(damaged("it is not text")),
        other => other.map_err(fault("read the key file"))?,
    };
    parse(purpose, &text).map_err(damaged)
}

#[cfg(unix)]
fn refuse_open_file(file: &File, path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        file.metadata().map_err(|e| io_error("look at the key file", path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Open { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open_file(_: &File, _: &Path) -> Result<(), VaultError> {
    Ok(())
}

fn make_dir(dir: &Path) -> Result<(), VaultError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| io_error("make the folder", dir, e))
}

fn write_new(path: &Path, text: &str) -> Result<(), VaultError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => VaultError::Exists(path.to_owned()),
        _ => io_error("make the key file", path, e),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|e| {
        // Ours, and no key yet: a cut key file would only look like one.
        let _ = fs::remove_file(path);
        io_error("write the key file", path, e)
    })
}

/// The name of a new file is safe only once its folder is.
fn sync_dir(dir: &Path) -> Result<(), VaultError> {
    if cfg!(unix) {
        File::open(dir).and_then(|d| d.sync_all()).map_err(|e| io_error("write down the folder", dir, e))?;
    }
    Ok(())
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> VaultError {
    VaultError::Io { action, path: PathBuf::from(path), source }
}
