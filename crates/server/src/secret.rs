//! Keys: random, shown once, kept only as a hash.

use std::fmt;

use domain::position::Hash;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A secret's random part, in bytes. 256 bits cannot be guessed, so a fast hash is enough to keep.
const RANDOM_BYTES: usize = 32;
/// Random characters of a secret that are kept in clear, to tell keys apart: 20 of 256 bits.
const HINT_CHARS: usize = 4;
/// Characters of the word that says what a secret is for.
const PREFIX_CHARS: usize = 4;

/// What a secret is for. It begins with a word that says so, and that secret scanners find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A connector's API key, `rbk_…`.
    ApiKey,
    /// A user's own key, `rbu_…`.
    UserKey,
    /// An operator's key, `rbo_…`.
    OperatorKey,
    /// A passphrase for a keys file, `rbp_…`.
    Passphrase,
    /// A password for Basic, `rbw_…`.
    Password,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Purpose::ApiKey => "rbk_",
            Purpose::UserKey => "rbu_",
            Purpose::OperatorKey => "rbo_",
            Purpose::Passphrase => "rbp_",
            Purpose::Password => "rbw_",
        }
    }
}

/// A secret. Its `Debug` shows the hint only, so that it does not get into a log. Wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Compared by hash: the time says nothing about either.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl Eq for Secret {}

/// A secret that is too easy to guess.
#[derive(Debug, thiserror::Error)]
#[error("a key that you choose yourself has at least 16 visible characters")]
pub struct TooWeak;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random(purpose: Purpose) -> Result<Secret, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Secret::derived(purpose, &bytes))
    }

    /// One that follows from bytes that nobody can guess.
    pub fn derived(purpose: Purpose, bytes: &[u8; RANDOM_BYTES]) -> Secret {
        let mut text = Zeroizing::new(data_encoding::BASE32_NOPAD.encode(bytes));
        text.make_ascii_lowercase();
        Secret(format!("{}{}", purpose.prefix(), *text).into())
    }

    /// One that the operator chose, as for containers and tests.
    ///
    /// # Errors
    /// When it is too easy to guess.
    pub fn chosen(text: &str) -> Result<Secret, TooWeak> {
        let fits = text.len() >= 16 && text.chars().all(|c| c.is_ascii_graphic() && c != ':');
        if fits { Ok(Secret(text.to_owned().into())) } else { Err(TooWeak) }
    }

    /// The secret itself: to show it, once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> Hash {
        hash_of(&self.0)
    }

    /// Its first characters, to tell keys apart.
    pub fn hint(&self) -> String {
        let purposes = [
            Purpose::ApiKey,
            Purpose::UserKey,
            Purpose::OperatorKey,
            Purpose::Passphrase,
            Purpose::Password,
        ];
        let is_ours = purposes.iter().any(|purpose| self.0.starts_with(purpose.prefix()));
        let shown = if is_ours { PREFIX_CHARS + HINT_CHARS } else { HINT_CHARS };
        let hint: String = self.0.chars().take(shown).collect();
        format!("{hint}…")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.hint())
    }
}

/// What is kept of a secret. Two secrets are compared by it only, so a comparison's time says
/// nothing about either.
pub(crate) fn hash_of(secret: &str) -> Hash {
    Hash::new(Sha256::digest(secret.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_different_and_not_printed() {
        let (a, b) =
            (Secret::random(Purpose::ApiKey).unwrap(), Secret::random(Purpose::ApiKey).unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 56);
        assert!(!format!("{a:?}").contains(a.expose()));
        assert!(Secret::chosen("short").is_err());
        assert!(Secret::chosen("with:a colon inside").is_err());
    }
}
