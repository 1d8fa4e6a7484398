//! The keys file, `acme.rollbook.keys`: what opens the personal values of an archive, encrypted in
//! the age format. Without it an archive still verifies; everybody in it reads as erased. The keys
//! that go with a page of a feed have the same form, without a file.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use domain::id::{TenantId, UserId};
use domain::position::Hash;
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::archive::Draft;
use crate::broken::Broken;
use crate::keys::{Keys, PersonKey};

/// What a keys file is encrypted to.
#[derive(Debug)]
pub enum Protection {
    /// A passphrase that a person thought of.
    Passphrase {
        /// The passphrase.
        passphrase: SecretString,
        /// How hard guessing is made, as a power of two; none: about a second a guess, here.
        work_factor: Option<u8>,
    },
    /// A recipient, as in `age1…`.
    Recipient(String),
}

/// What a keys file is opened with.
#[derive(Debug)]
pub enum Unlock {
    /// The passphrase.
    Passphrase(SecretString),
    /// The recipient's identity, as in `AGE-SECRET-KEY-1…`.
    Identity(SecretString),
}

/// Who alone can open keys that are sent, as in `age1…`. The other half is an identity.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Recipient {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        text.trim().parse().map(Recipient).map_err(|_| KeysError::Recipient(text.to_owned()))
    }
}

impl Protection {
    /// Protection by a passphrase.
    pub fn passphrase(passphrase: &str) -> Self {
        Protection::Passphrase { passphrase: passphrase.into(), work_factor: None }
    }
}

impl Unlock {
    /// The passphrase.
    pub fn passphrase(passphrase: &str) -> Self {
        Unlock::Passphrase(passphrase.into())
    }

    /// The identity.
    pub fn identity(identity: &str) -> Self {
        Unlock::Identity(identity.into())
    }

    /// A fresh identity that nobody else has, and the recipient to name to whoever sends keys, as in
    /// `age1…`. It need not outlive what is fetched with it.
    pub fn fresh() -> (Self, String) {
        let identity = x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        (Unlock::Identity(identity.to_string()), recipient)
    }

    /// The recipient of this identity; none of a passphrase.
    pub fn recipient(&self) -> Option<String> {
        use age::secrecy::ExposeSecret;
        match self {
            Unlock::Identity(identity) => {
                let identity: x25519::Identity = identity.expose_secret().parse().ok()?;
                Some(identity.to_public().to_string())
            }
            Unlock::Passphrase(_) => None,
        }
    }

    /// A fresh identity in a new file of its own, encrypted with a passphrase, and its recipient: what is encrypted often to the same
    /// passphrase is encrypted to that, and only opening it takes the passphrase, once.
    ///
    /// # Errors
    /// When the file is there already or cannot be written, or the passphrase is none.
    pub fn keep_fresh(path: &Path, protection: &Protection) -> Result<String, KeysError> {
        use age::secrecy::ExposeSecret;
        if path.try_exists().map_err(at(path))? {
            return Err(KeysError::Exists { path: path.to_owned() });
        }
        let identity = x25519::Identity::generate();
        let encryptor = encryptor(protection)?;
        let mut draft = Draft::new(path).map_err(at(path))?;
        let file = draft.file().map_err(|error| at(path)(io::Error::other(error.to_string())))?;
        let text = identity.to_string();
        encrypt(encryptor, text.expose_secret().as_bytes(), file).map_err(at(path))?;
        draft.publish().map_err(at(path))?;
        Ok(identity.to_public().to_string())
    }

    /// What [`Unlock::keep_fresh`] kept, opened with this.
    ///
    /// # Errors
    /// When the file does not open or is damaged.
    pub fn kept(&self, path: &Path) -> Result<Unlock, KeysError> {
        let file = File::open(path).map_err(at(path))?;
        let text = opened(path, BufReader::new(file), self)?;
        let damaged = |_| KeysError::Damaged {
            path: path.to_owned(),
            reason: "it holds no identity".to_owned(),
        };
        Ok(Unlock::identity(std::str::from_utf8(&text).map_err(damaged)?))
    }
}

/// Why a keys file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be used.
    #[error("`{}` could not be read or written: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The file is there; keys are never written over others.
    #[error("`{}` is there already; choose another name or move it away", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The passphrase is empty.
    #[error("an empty passphrase protects nothing; choose a long one")]
    EmptyPassphrase,
    /// The work factor is none that there is.
    #[error("the work factor {0} must be from 1 to 30")]
    WorkFactor(u8),
    /// The text names no recipient.
    #[error("`{0}` is not a recipient: one begins with `age1`, as `age-keygen` prints it")]
    Recipient(String),
    /// The text is no identity.
    #[error("this is not an identity: one begins with `AGE-SECRET-KEY-1`, as in the key file")]
    Identity,
    /// The passphrase or identity opens something else.
    #[error("`{}` does not open with this passphrase or identity", path.display())]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// The file is not as it was written.
    #[error("`{}` is damaged or no keys file: {reason}; use another copy", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The keys are another archive's.
    #[error(
        "`{}` holds the keys of another archive: of the one with digest {theirs}, not {ours}",
        path.display(), theirs = theirs.short(), ours = ours.short()
    )]
    OtherArchive {
        /// Which file.
        path: PathBuf,
        /// The digest of the archive that it belongs to.
        theirs: Hash,
        /// The digest of the archive at hand.
        ours: Hash,
    },
}

/// The keys of the persons in an archive. Who is not among them was erased.
#[derive(Default)]
pub struct ArchiveKeys(BTreeMap<(TenantId, UserId), PersonKey>);

impl ArchiveKeys {
    /// How many persons can be read.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes in the keys of another archive.
    #[must_use]
    pub fn with(mut self, other: ArchiveKeys) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nobody can be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Keys for ArchiveKeys {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        Ok(self.0.get(&(tenant, user)).cloned())
    }
}

const VERSION: u8 = 1;
/// The hardest guess that is tried, as a power of two: 4 GiB of memory.
const WORK_FACTOR_MOST: u8 = 22;
type Entry = (TenantId, UserId, ByteArray<32>);
/// What the keys are called in an error when they are in no file.
const SENT: &str = "the keys of the feed";

/// Writes the keys that belong to the archive with this digest, encrypted, to a new file.
///
/// # Errors
/// When the file is there already or cannot be written, or the protection is none.
pub fn write_keys(
    path: &Path,
    archive: Hash,
    keys: impl IntoIterator<Item = (TenantId, UserId, PersonKey)>,
    protection: &Protection,
) -> Result<(), KeysError> {
    if path.try_exists().map_err(at(path))? {
        return Err(KeysError::Exists { path: path.to_owned() });
    }
    let encryptor = encryptor(protection)?;
    let text = encode(archive, keys).map_err(at(path))?;
    let mut draft = Draft::new(path).map_err(at(path))?;
    let file = draft.file().map_err(|error| at(path)(io::Error::other(error.to_string())))?;
    encrypt(encryptor, &text, file).map_err(at(path))?;
    draft.publish().map_err(at(path))
}

/// Reads the keys that belong to the archive with this digest.
///
/// # Errors
/// When the file does not open, is damaged, or belongs to another archive.
pub fn read_keys(path: &Path, archive: Hash, unlock: &Unlock) -> Result<ArchiveKeys, KeysError> {
    let file = File::open(path).map_err(at(path))?;
    decrypt(path, BufReader::new(file), archive, unlock)
}

/// The keys that go with commits of which the last has this hash, for `recipient` alone.
///
/// # Errors
/// When there is no randomness.
pub fn seal_keys(
    last: Hash,
    keys: impl IntoIterator<Item = (TenantId, UserId, PersonKey)>,
    recipient: &Recipient,
) -> Result<Vec<u8>, KeysError> {
    let sent = Path::new(SENT);
    let text = encode(last, keys).map_err(at(sent))?;
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient.0 as _))
        .map_err(|error| at(sent)(io::Error::other(error.to_string())))?;
    let mut sealed = Vec::new();
    encrypt(encryptor, &text, &mut sealed).map_err(at(sent))?;
    Ok(sealed)
}

/// What [`seal_keys`] made, opened again.
///
/// # Errors
/// When they do not open, are damaged, or go with other commits.
pub fn open_keys(sealed: &[u8], last: Hash, unlock: &Unlock) -> Result<ArchiveKeys, KeysError> {
    decrypt(Path::new(SENT), sealed, last, unlock)
}

fn encode(
    archive: Hash,
    keys: impl IntoIterator<Item = (TenantId, UserId, PersonKey)>,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let entries: Vec<Entry> = keys
        .into_iter()
        .map(|(tenant, user, key)| (tenant, user, ByteArray::new(*key.bytes())))
        .collect();
    rmp_serde::to_vec(&(VERSION, archive, entries)).map(Zeroizing::new).map_err(io::Error::other)
}

fn encrypt(encryptor: Encryptor, text: &[u8], out: impl Write) -> io::Result<()> {
    let mut writer = encryptor.wrap_output(out)?;
    writer.write_all(text)?;
    writer.finish().map(drop)
}

fn opened(
    path: &Path,
    sealed: impl BufRead,
    unlock: &Unlock,
) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let decryptor = Decryptor::new_buffered(sealed).map_err(refused(path))?;
    let mut reader = match unlock {
        Unlock::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(passphrase.clone());
            // What a guess took where the file was written says nothing about here and now: a busy machine must open it, too.
            identity.set_max_work_factor(WORK_FACTOR_MOST);
            decryptor.decrypt(std::iter::once(&identity as _))
        }
        Unlock::Identity(identity) => {
            use age::secrecy::ExposeSecret;
            let identity: x25519::Identity =
                identity.expose_secret().trim().parse().map_err(|_| KeysError::Identity)?;
            decryptor.decrypt(std::iter::once(&identity as _))
        }
    }
    .map_err(refused(path))?;
    let mut text = Zeroizing::new(Vec::new());
    reader
        .read_to_end(&mut text)
        .map_err(|error| KeysError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    Ok(text)
}

fn decrypt(
    path: &Path,
    sealed: impl BufRead,
    archive: Hash,
    unlock: &Unlock,
) -> Result<ArchiveKeys, KeysError> {
    let text = opened(path, sealed, unlock)?;
    let damaged = |reason: String| KeysError::Damaged { path: path.to_owned(), reason };
    let (version, theirs, entries): (u8, Hash, Vec<Entry>) =
        rmp_serde::from_slice(&text).map_err(|_| damaged("it cannot be read".to_owned()))?;
    if version != VERSION {
        return Err(damaged(format!("its version {version} is unknown to this release")));
    }
    if theirs != archive {
        return Err(KeysError::OtherArchive { path: path.to_owned(), theirs, ours: archive });
    }
    let keys = entries
        .into_iter()
        .map(|(tenant, user, key)| ((tenant, user), PersonKey::new(key.into_array())))
        .collect();
    Ok(ArchiveKeys(keys))
}

fn encryptor(protection: &Protection) -> Result<Encryptor, KeysError> {
    use age::secrecy::ExposeSecret;
    let made = match protection {
        Protection::Passphrase { passphrase, .. } if passphrase.expose_secret().is_empty() => {
            return Err(KeysError::EmptyPassphrase);
        }
        Protection::Passphrase { passphrase, work_factor } => {
            let mut recipient = scrypt::Recipient::new(passphrase.clone());
            match work_factor {
                Some(work @ 1..=30) => recipient.set_work_factor(*work),
                Some(work) => return Err(KeysError::WorkFactor(*work)),
                None => {}
            }
            Encryptor::with_recipients(std::iter::once(&recipient as _))
        }
        Protection::Recipient(text) => {
            let recipient: x25519::Recipient =
                text.trim().parse().map_err(|_| KeysError::Recipient(text.clone()))?;
            Encryptor::with_recipients(std::iter::once(&recipient as _))
        }
    };
    made.map_err(|_| KeysError::EmptyPassphrase)
}

fn refused(path: &Path) -> impl Fn(DecryptError) -> KeysError + '_ {
    |error| {
        let path = path.to_owned();
        match error {
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys => KeysError::Locked { path },
            DecryptError::Io(error) => KeysError::File { path, error },
            DecryptError::ExcessiveWork { .. }
            | DecryptError::InvalidHeader
            | DecryptError::InvalidMac
            | DecryptError::UnknownFormat
            | _ => KeysError::Damaged { path, reason: error.to_string() },
        }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> KeysError + '_ {
    |error| KeysError::File { path: path.to_owned(), error }
}
