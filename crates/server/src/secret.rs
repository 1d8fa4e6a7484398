//! Keys: random, shown once, kept only as a hash.

use std::fmt;

use domain::position::Hash;
use sha2::{Digest, Sha256};

/// A secret's random part, in bytes. 256 bits cannot be guessed, so a fast hash is enough to keep.
const RANDOM_BYTES: usize = 32;
/// Characters of a secret that are kept in clear, to tell keys apart.
const HINT_CHARS: usize = 8;
/// What every secret that we make begins with, so that secret scanners find it.
const PREFIX: &str = "rbk_";

/// A secret. It has no `Debug`, so that it does not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A secret that is too easy to guess.
#[derive(Debug, thiserror::Error)]
#[error("a key that you choose yourself has at least 16 visible characters")]
pub struct TooWeak;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Secret, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
        Ok(Secret(format!("{PREFIX}{text}")))
    }

    /// One that the operator chose, as for containers and tests.
    ///
    /// # Errors
    /// When it is too easy to guess.
    pub fn chosen(text: &str) -> Result<Secret, TooWeak> {
        let fits = text.len() >= 16 && text.chars().all(|c| c.is_ascii_graphic() && c != ':');
        if fits { Ok(Secret(text.to_owned())) } else { Err(TooWeak) }
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
        let hint: String = self.0.chars().take(HINT_CHARS).collect();
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
pub fn hash_of(secret: &str) -> Hash {
    Hash::new(Sha256::digest(secret.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_different_and_not_printed() {
        let (a, b) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 56);
        assert!(!format!("{a:?}").contains(a.expose()));
        assert!(Secret::chosen("short").is_err());
        assert!(Secret::chosen("with:a colon inside").is_err());
    }
}
