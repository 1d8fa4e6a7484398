//! Passwords, signatures and access tokens: what proves who calls when it is no key. Kept between requests: which passwords
//! were found right a moment ago, which assertions were used, and the key of access tokens.

pub(crate) mod assertion;
pub(crate) mod jwk;
pub(crate) mod metadata;
pub(crate) mod oauth;
pub(crate) mod password;
pub(crate) mod token;

use std::sync::atomic::{AtomicU64, Ordering};

use domain::position::Hash;
use domain::time::Timestamp;

use assertion::Used;
use password::Passwords;
use token::Seal;
use zeroize::Zeroizing;

use crate::secret::hash_of;

/// What is kept of passwords, assertions and tokens.
pub struct Auth {
    pub(crate) passwords: Passwords,
    pub(crate) used: Used,
    pub(crate) seal: Seal,
    keys: AtomicU64,
}

impl Auth {
    /// Under this key access tokens are sealed: with the same key they outlive a restart. `started` is now: what was
    /// signed before it may have been used before it.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(key: &[u8; 32], started: Timestamp) -> Result<Auth, getrandom::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut())?;
        Ok(Auth {
            passwords: Passwords::new(&secret),
            used: Used::new(started),
            seal: Seal::new(key),
            keys: AtomicU64::new(0),
        })
    }

    /// What a shown key is looked for by. Counted, so that it can be seen that each is looked for alike, and how many guess.
    pub(crate) fn hash_of_key(&self, secret: &str) -> Hash {
        self.keys.fetch_add(1, Ordering::Relaxed);
        hash_of(secret)
    }

    /// How many secrets were hashed since the start, each kind by its name.
    pub(crate) fn hashed(&self) -> [(&'static str, u64); 2] {
        [("key", self.keys.load(Ordering::Relaxed)), ("password", self.passwords.hashed())]
    }
}
