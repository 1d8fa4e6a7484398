//! Passwords, signatures and access tokens: what proves who calls when it is no key. Kept between requests: which passwords
//! were found right a moment ago, which assertions were used, and the key of access tokens.

pub(crate) mod assertion;
pub(crate) mod jwk;
pub(crate) mod metadata;
pub(crate) mod oauth;
pub(crate) mod password;
pub(crate) mod token;

use domain::time::Timestamp;

use assertion::Used;
use password::Passwords;
use token::Seal;

/// What is kept of passwords, assertions and tokens.
pub struct Auth {
    pub(crate) passwords: Passwords,
    pub(crate) used: Used,
    pub(crate) seal: Seal,
}

impl Auth {
    /// Under this key access tokens are sealed: with the same key they outlive a restart. `started` is now: what was
    /// signed before it may have been used before it.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(key: &[u8; 32], started: Timestamp) -> Result<Auth, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Auth {
            passwords: Passwords::new(&secret),
            used: Used::new(started),
            seal: Seal::new(key),
        })
    }
}
