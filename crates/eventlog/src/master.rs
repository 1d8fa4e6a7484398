//! The master key: what a person's key is wrapped under, and what an instance must not lose.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::folder;
use crate::sled_log::OpenError;
use crate::swap;

/// The key of an instance. Wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey {
    root: Zeroizing<[u8; 32]>,
    person_keys: Zeroizing<[u8; 32]>,
}

/// Whether a master key was made just now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Created {
    /// It was made now: whoever runs the instance should copy it to a safe place.
    Now,
    /// It was there.
    Before,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is no key.
    #[error("the master key must be 32 bytes, as 64 hexadecimal digits or as base64")]
    Form,
    /// The file could not be read or written.
    #[error("the master key file `{}` could not be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// There is a log already, so a new key would open nothing in it.
    #[error(
        "the data folder has a log but no `{}`; give the key that the log was made with in \
         `ROLLBOOK_MASTER_KEY` or with `--master-key-file`", path.display()
    )]
    Missing {
        /// Where the key was looked for.
        path: PathBuf,
    },
    /// A change of the master key was cut off, and cannot be carried on.
    #[error("the change of the master key that was begun could not be finished: {0}")]
    Swap(#[source] Box<OpenError>),
    /// The operating system gives no randomness.
    #[error("a master key could not be made: the operating system gives no randomness")]
    Randomness,
}

impl MasterKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let root = Zeroizing::new(bytes);
        let person_keys = derive(&root, "person keys", &[]);
        Self { root, person_keys }
    }

    /// The key that this text spells: 64 hexadecimal digits, or base64.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        Self::from_hex(text).or_else(|_| {
            base64(text.trim()).map(|bytes| Self::new(*bytes)).ok_or(MasterKeyError::Form)
        })
    }

    /// The key that these 64 hexadecimal digits spell.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        text.trim()
            .parse::<domain::position::Hash>()
            .map(|bytes| Self::new(*bytes.as_bytes()))
            .map_err(|_| MasterKeyError::Form)
    }

    /// The key in this file: text as in [`MasterKey::from_text`], or the 32 bytes themselves.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(fs::read(path).map_err(at(path))?);
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(bytes) => Ok(Self::new(bytes)),
            Err(_) => std::str::from_utf8(&bytes)
                .map_err(|_| MasterKeyError::Form)
                .and_then(Self::from_text),
        }
    }

    /// The key in `dir/master.key`, which is made if there is neither a key nor a log yet.
    ///
    /// # Errors
    /// When the file cannot be used, or is missing beside a log.
    pub fn load_or_create(dir: &Path) -> Result<(Self, Created), MasterKeyError> {
        if swap::is_due(dir) {
            folder::Folder::take(dir).map_err(|error| MasterKeyError::Swap(Box::new(error)))?;
        }
        let path = dir.join(folder::MASTER_KEY);
        if path.try_exists().map_err(at(&path))? {
            return Ok((Self::from_file(&path)?, Created::Before));
        }
        if folder::has_log(dir) {
            return Err(MasterKeyError::Missing { path });
        }
        Ok((Self::make(dir, &path)?, Created::Now))
    }

    /// The key in this file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be used, or holds no key.
    pub fn load_or_make(path: &Path) -> Result<(Self, Created), MasterKeyError> {
        if path.try_exists().map_err(at(path))? {
            return Ok((Self::from_file(path)?, Created::Before));
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        Ok((Self::make(dir.unwrap_or(Path::new(".")), path)?, Created::Now))
    }

    fn make(dir: &Path, path: &Path) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| MasterKeyError::Randomness)?;
        create(dir, path, &bytes).map_err(at(path))?;
        Ok(Self::new(*bytes))
    }

    /// Whether two keys are the same.
    pub(crate) fn is(&self, other: &MasterKey) -> bool {
        self.root == other.root
    }

    /// A key for another purpose, which says nothing about this one. The label is the purpose, as in
    /// `list cursors`; the same label and context give the same key for ever.
    pub fn derive(&self, label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        derive(&self.root, label, context)
    }

    /// The key that persons' keys are wrapped under.
    pub(crate) fn person_keys(&self) -> &[u8; 32] {
        &self.person_keys
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// SHA-256 of the root key, the label with its length, and the context. All inputs but the last
/// are of known length, and no result is ever shown, so the plain hash is enough.
fn derive(root: &[u8; 32], label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
    let digest = Sha256::new()
        .chain_update(root)
        .chain_update((label.len() as u64).to_be_bytes())
        .chain_update(label)
        .chain_update(context)
        .finalize();
    Zeroizing::new(digest.into())
}

/// Writes the file under another name first: a cut leaves a whole key or none.
fn create(dir: &Path, path: &Path, bytes: &[u8; 32]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let draft = path.with_extension("key.new");
    if draft.try_exists()? {
        fs::remove_file(&draft)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let text = Zeroizing::new(format!("{}\n", domain::position::Hash::new(*bytes)));
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(dir)?.sync_all()
}

fn at(path: &Path) -> impl Fn(io::Error) -> MasterKeyError + '_ {
    |error| MasterKeyError::File { path: path.to_owned(), error }
}

/// 32 bytes in base64, with either alphabet, with or without padding.
fn base64(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim_end_matches('=').bytes().map(|digit| {
        Some(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    });
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    let (mut held, mut bits) = (0u32, 0);
    for digit in digits {
        held = held << 6 | u32::from(digit?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let bytes = (held == 0).then_some(bytes)?;
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}
