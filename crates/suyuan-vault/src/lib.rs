//! Keys, tokens and sealed originals: what stands between a person's identity and everything else.
//!
//! On the way in, every field that points at a real person is replaced by a keyed token ([`Vault::tokenise`]):
//! `idn1-` and 26 characters, the same for one value under one key set and unlike under another. The value
//! itself is sealed (AES-256-GCM) and kept beside the lake; it comes back only through
//! [`Vault::open_original`], as a [`Secret`] that does not print. What does not identify and what
//! detection needs (region and year of birth, sex, whether the check digit holds, the number's segment, the
//! surname's token) is read off before sealing and stands beside the token.
//!
//! Invariants:
//! - Same keys, same value, same bytes: tokens and seals are deterministic, so two runs give the same lake.
//! - One value, one token, in whatever field and spelling: `+86 138 0013 8000` as a contact is the
//!   `13800138000` of an opening, and a 15-digit identity number is its 18-digit successor.
//! - A seal's nonce is the token's first 12 bytes. Two values never share one under one key, because what is
//!   sealed is the normalised value, the very text the token was made from.
//! - Nothing in clear in `Debug`, `Display` or an error.
//!
//! Whoever holds the keys can try all ten thousand million mobile numbers within the hour: a token hides a
//! person from those who have the lake, not from those who have the keys as well. Keep them apart.
//!
//! Blind to: what the machine does with memory (no mlock, no guard against core dumps); a value's length,
//! which shows in its seal.

mod error;
mod keys;
mod normal;
mod text;
mod token;

use std::fmt;
use std::path::Path;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use suyuan_model::PiiClass;
use suyuan_model::mask::{self, Secret};
use zeroize::Zeroizing;

pub use error::VaultError;
pub use keys::{SEAL_FILE, TOKEN_FILE};
pub use token::{PiiFault, Sealed, Token, TokenKind};

use keys::Keys;
use normal::Normal;

/// Bytes of a nonce of AES-GCM.
const NONCE: usize = 12;
/// Bytes of an HMAC that a token keeps.
const TOKEN: usize = 16;
/// First byte of a sealed text: the form of what follows.
const SEALED_TEXT: u8 = 1;

/// The open key set. Shared between threads by reference.
pub struct Vault {
    id: String,
    epoch: u32,
    tokens: [Hmac<Sha256>; TokenKind::COUNT],
    surnames: Hmac<Sha256>,
    originals: Aes256Gcm,
    texts: Aes256Gcm,
    text_nonces: Hmac<Sha256>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Vault {
    /// Makes a new key set in a folder (created, for its owner alone) and opens it.
    ///
    /// # Errors
    /// Refuses where the folder holds a key file already, and tells what the system could not do.
    pub fn create(dir: &Path) -> Result<Vault, VaultError> {
        Keys::create(dir).map(|k| Self::of(&k))
    }

    /// Opens the key set in a folder.
    ///
    /// # Errors
    /// A missing, damaged or mixed-up key file, and one that others than its owner may read.
    pub fn open(dir: &Path) -> Result<Vault, VaultError> {
        Keys::open(dir).map(|k| Self::of(&k))
    }

    fn of(keys: &Keys) -> Vault {
        let token = |what: &str| mac(&keys.derive_token(what));
        Vault {
            id: keys.public_id(),
            epoch: keys.epoch,
            tokens: TokenKind::ALL.map(|k| token(k.as_str())),
            surnames: token("sur"),
            originals: cipher(&keys.derive_seal("originals")),
            texts: cipher(&keys.derive_seal("texts")),
            text_nonces: mac(&keys.derive_seal("text nonces")),
        }
    }

    /// The public fingerprint of the key set, for `run.json`: tells key sets apart, opens nothing.
    pub fn id(&self) -> String {
        self.id.clone()
    }

    /// Turns a value into its token, with what may stand beside it and the sealed original.
    ///
    /// `ts` is when the row happened (microseconds UTC): the month of birth is given only for those
    /// under sixteen at that time; nothing else depends on it.
    ///
    /// # Errors
    /// A value that names no one (empty, masked, a placeholder) or is not of the class's form.
    pub fn tokenise(&self, class: PiiClass, value: &str, ts: i64) -> Result<Token, PiiFault> {
        let value = normal::clean(value)?;
        let normal = Normal::of(class, &value)?;
        let digest = digest(&self.tokens[normal.kind as usize], normal.text.as_bytes());
        let mut token = Token::new(normal.kind, self.token_text(normal.kind.as_str(), &digest));
        token.seal = self.seal(normal.kind, &digest, normal.text.as_bytes());
        match normal.kind {
            TokenKind::Idn => token.read_id(normal.id.as_ref(), ts),
            TokenKind::Tel => token.segment = normal.segment().map(str::to_owned),
            TokenKind::Nam => token.surname = mask::surname(&normal.text).map(|s| self.surname(s)),
            TokenKind::Adr => token.region6 = normal.region6.map(str::to_owned),
            TokenKind::Doc => {}
        }
        Ok(token)
    }

    fn surname(&self, surname: &str) -> String {
        self.token_text("sur", &digest(&self.surnames, surname.as_bytes()))
    }

    fn token_text(&self, kind: &str, digest: &[u8; 32]) -> String {
        let mut text = String::with_capacity(32);
        text.push_str(kind);
        text::push_number(&mut text, self.epoch);
        text.push('-');
        text::push_base32(&mut text, &digest[..TOKEN]);
        text
    }

    fn aad(&self, kind: TokenKind) -> [u8; 7] {
        let mut aad = [0; 7];
        aad[..3].copy_from_slice(kind.as_str().as_bytes());
        aad[3..].copy_from_slice(&self.epoch.to_be_bytes());
        aad
    }

    fn seal(&self, kind: TokenKind, digest: &[u8; 32], text: &[u8]) -> Sealed {
        let aad = self.aad(kind);
        Sealed(encrypt(&self.originals, &digest[..NONCE], text, &aad))
    }

    /// Opens the sealed original of a token.
    ///
    /// # Errors
    /// A text that is no token, a seal that was changed, belongs to another token or was made with other keys.
    pub fn open_original(&self, token: &str, sealed: &[u8]) -> Result<Secret<String>, VaultError> {
        let (kind, epoch, head) = token::parse(token).ok_or(VaultError::NotAToken)?;
        if epoch != self.epoch {
            return Err(VaultError::Epoch { epoch, have: self.epoch });
        }
        let plain = decrypt(&self.originals, &head[..NONCE], sealed, &self.aad(kind))?;
        // The nonce binds the first 12 bytes of the token; this binds them all.
        if digest(&self.tokens[kind as usize], &plain)[..TOKEN] != head {
            return Err(VaultError::Sealed);
        }
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Sealed)?;
        Ok(Secret::new(text.to_owned()))
    }

    /// The original of a token as people may see it without leave: `138****8000`, `张*`.
    ///
    /// # Errors
    /// The same as [`Vault::open_original`].
    pub fn masked(&self, token: &str, sealed: &[u8]) -> Result<String, VaultError> {
        let (kind, ..) = token::parse(token).ok_or(VaultError::NotAToken)?;
        let original = self.open_original(token, sealed)?;
        Ok(kind.mask(original.expose()))
    }

    /// Seals any bytes (the raw text of a rejected row) as base64; the same bytes give the same text.
    pub fn seal_text(&self, raw: &[u8]) -> String {
        let nonce = digest(&self.text_nonces, raw);
        let mut sealed = vec![SEALED_TEXT];
        sealed.extend_from_slice(&nonce[..NONCE]);
        sealed.append(&mut encrypt(&self.texts, &nonce[..NONCE], raw, &[SEALED_TEXT]));
        text::base64(&sealed)
    }

    /// Opens what [`Vault::seal_text`] sealed.
    ///
    /// # Errors
    /// A text that was changed or was sealed with other keys.
    pub fn open_text(&self, sealed: &str) -> Result<Vec<u8>, VaultError> {
        let bytes = text::unbase64(sealed).ok_or(VaultError::Sealed)?;
        match bytes.split_first() {
            Some((&SEALED_TEXT, rest)) if rest.len() > NONCE => {
                let (nonce, sealed) = rest.split_at(NONCE);
                let plain = decrypt(&self.texts, nonce, sealed, &[SEALED_TEXT])?;
                Ok(plain.to_vec())
            }
            _ => Err(VaultError::Sealed),
        }
    }
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

fn digest(mac: &Hmac<Sha256>, text: &[u8]) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn encrypt(cipher: &Aes256Gcm, nonce: &[u8], msg: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce = Nonce::<Aes256Gcm>::try_from(nonce).expect("a nonce is 12 bytes");
    cipher.encrypt(&nonce, Payload { msg, aad }).expect("AES-GCM seals anything below 64 GiB")
}

fn decrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8],
    msg: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let nonce = Nonce::<Aes256Gcm>::try_from(nonce).expect("a nonce is 12 bytes");
    cipher.decrypt(&nonce, Payload { msg, aad }).map(Zeroizing::new).map_err(|_| VaultError::Sealed)
}
