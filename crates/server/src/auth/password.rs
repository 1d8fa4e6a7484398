//! Passwords for Basic (RFC 7617): kept as Argon2id hashes, looked at so that nobody learns which user names exist, and so
//! that who guesses cannot keep the processors from those who know.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::StatusCode;
use data_encoding::BASE64_NOPAD;
use domain::id::CredentialId;
use domain::time::Timestamp;
use ring::hmac;
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::limits::{
    PASSWORD_BYTES, PASSWORD_CHECKS, PASSWORD_SECONDS, PASSWORDS_KNOWN, PASSWORDS_WAITING,
    PASSWORDS_WAITING_OF_TENANT,
};
use crate::refused::Refused;

/// Memory of one hash, in KiB: OWASP's least for Argon2id with two passes.
const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A password's hash with what it was made with.
#[derive(Clone, PartialEq, Eq)]
struct Hashed {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// The hash of a new password in PHC form. A password that takes the place of another has its salt: then one calculation
/// compares with both, however long they overlap, and takes no longer than for a name that nobody has.
///
/// # Errors
/// When there is no randomness, or no memory.
pub(crate) fn hash(password: &str, old: Option<&str>) -> Result<String, Refused> {
    let mut salt = vec![0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|error| Refused::later(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let fresh =
        Hashed { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, hash: Vec::new() };
    let made = old.and_then(Hashed::parse).unwrap_or(fresh);
    let hash = made.of(password).ok_or_else(no_memory)?;
    Ok(Hashed { hash: hash.to_vec(), ..made }.to_text())
}

fn no_memory() -> Refused {
    Refused::internal("a password could not be hashed: there is no memory for it")
}

impl Hashed {
    fn parse(text: &str) -> Option<Hashed> {
        let mut parts = text.split('$');
        let (empty, kind, version) = (parts.next()?, parts.next()?, parts.next()?);
        if !empty.is_empty() || kind != "argon2id" || version != "v=19" {
            return None;
        }
        let mut parameters = parts.next()?.split(',');
        let mut number =
            |name: &str| -> Option<u32> { parameters.next()?.strip_prefix(name)?.parse().ok() };
        let (memory_kib, passes, lanes) = (number("m=")?, number("t=")?, number("p=")?);
        let salt = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
        let hash = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
        let is_whole = parts.next().is_none() && hash.len() == HASH_BYTES;
        is_whole.then_some(Hashed { memory_kib, passes, lanes, salt, hash })
    }

    fn to_text(&self) -> String {
        let Hashed { memory_kib, passes, lanes, salt, hash } = self;
        let (salt, hash) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(hash));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
    }

    /// What a password comes to with the same salt and parameters.
    fn of(&self, password: &str) -> Option<[u8; HASH_BYTES]> {
        let parameters =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES)).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let mut hash = [0; HASH_BYTES];
        argon2.hash_password_into(password.as_bytes(), &self.salt, &mut hash).ok()?;
        Some(hash)
    }
}

/// A credential that a password may be for, and the password's hash.
pub(crate) type Candidate = (CredentialId, String);

/// Looks at passwords, a few at once, and remembers for a minute which were right: by a code under a key of this process,
/// from which none can be guessed.
pub(crate) struct Passwords {
    key: hmac::Key,
    known: Mutex<HashMap<[u8; 32], Timestamp>>,
    running: Semaphore,
    waiting: Mutex<Waiting>,
    hashed: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    of: HashMap<String, usize>,
}

/// A place among those that wait or are looked at; given back when it is dropped.
struct Place<'a> {
    passwords: &'a Passwords,
    slug: &'a str,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.passwords.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.all = waiting.all.saturating_sub(1);
        if let Some(of) = waiting.of.get_mut(self.slug) {
            *of = of.saturating_sub(1);
            if *of == 0 {
                waiting.of.remove(self.slug);
            }
        }
    }
}

impl Passwords {
    pub(super) fn new(secret: &[u8; 32]) -> Passwords {
        Passwords {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            known: Mutex::default(),
            running: Semaphore::new(PASSWORD_CHECKS),
            waiting: Mutex::default(),
            hashed: AtomicU64::new(0),
        }
    }

    /// How many passwords were hashed to be compared, since the start.
    pub(super) fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// The candidate whose password this is. `slug` is the tenant in the path, whether there is one or not. Who is not
    /// known is hashed for all the same, so that the answer takes as long.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub(crate) async fn check(
        &self,
        now: Timestamp,
        slug: &str,
        user: &str,
        password: &str,
        candidates: &[Candidate],
    ) -> Result<Option<CredentialId>, Refused> {
        if password.len() > PASSWORD_BYTES {
            return Ok(None);
        }
        let codes: Vec<_> =
            candidates.iter().map(|candidate| self.code(candidate, password)).collect();
        for (code, (credential, _)) in codes.iter().zip(candidates) {
            if self.is_known(code, now) {
                return Ok(Some(*credential));
            }
        }
        let place = self.place(slug)?;
        let _running = self.running.acquire().await.map_err(|_| no_memory())?;
        let all: Option<Vec<Hashed>> =
            candidates.iter().map(|(_, hash)| Hashed::parse(hash)).collect();
        // A copy's passwords have no hash: nobody knows them.
        let all = all.unwrap_or_default();
        let made = all.first().cloned().unwrap_or_else(|| self.nobody(slug, user));
        let password = Zeroizing::new(password.to_owned());
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let hashing = tokio::task::spawn_blocking(move || made.of(&password));
        let found = hashing.await.map_err(Refused::broken_off)?.ok_or_else(no_memory)?;
        drop(place);
        // Each is compared, whichever it is.
        let mut right = None;
        for ((candidate, hashed), code) in candidates.iter().zip(&all).zip(codes) {
            let is_right: Choice = hashed.hash.as_slice().ct_eq(&found);
            if bool::from(is_right) {
                right = Some((candidate.0, code));
            }
        }
        if let Some((_, code)) = right {
            self.remember(code, now);
        }
        Ok(right.map(|(credential, _)| credential))
    }

    fn place<'a>(&'a self, slug: &'a str) -> Result<Place<'a>, Refused> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let of = waiting.of.get(slug).copied().unwrap_or_default();
        if waiting.all >= PASSWORDS_WAITING || of >= PASSWORDS_WAITING_OF_TENANT {
            let detail = "too many passwords are being looked at: try again in a moment";
            return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        waiting.all += 1;
        *waiting.of.entry(slug.to_owned()).or_default() += 1;
        drop(waiting);
        Ok(Place { passwords: self, slug })
    }

    /// What stands for a user who is not there: no password comes to it.
    fn nobody(&self, slug: &str, user: &str) -> Hashed {
        let code = hmac::sign(&self.key, format!("nobody {slug}:{user}").as_bytes());
        let salt = code.as_ref().iter().copied().take(SALT_BYTES).collect();
        let (memory_kib, passes, lanes) = (MEMORY_KIB, PASSES, LANES);
        Hashed { memory_kib, passes, lanes, salt, hash: Vec::new() }
    }

    /// What a right password is remembered by: with another hash of the credential it is another.
    fn code(&self, (credential, hash): &Candidate, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [credential.uuid().as_bytes().as_slice(), hash.as_bytes(), password.as_bytes()]
        {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut code = [0; 32];
        code.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        code
    }

    fn is_known(&self, code: &[u8; 32], now: Timestamp) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(code).is_some_and(|at| is_fresh(*at, now))
    }

    fn remember(&self, code: [u8; 32], now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PASSWORDS_KNOWN {
            known.retain(|_, at| is_fresh(*at, now));
        }
        if known.len() < PASSWORDS_KNOWN {
            known.insert(code, now);
        }
    }
}

/// Not in the future either: a clock that was set back must not make a minute longer.
fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    let age_ms = now.millis().saturating_sub(at.millis());
    (0..PASSWORD_SECONDS * 1_000).contains(&age_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_was_written_and_a_successor_has_its_salt() {
        let old = hash("correct horse", None).unwrap();
        assert!(old.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{old}");
        let parsed = Hashed::parse(&old).unwrap();
        assert_eq!(parsed.to_text(), old);
        assert_eq!(parsed.of("correct horse").unwrap().as_slice(), parsed.hash);
        assert_ne!(parsed.of("correct horsf").unwrap().as_slice(), parsed.hash);
        let new = Hashed::parse(&hash("battery staple", Some(&old)).unwrap()).unwrap();
        assert_eq!(new.salt, parsed.salt);
        assert_ne!(new.hash, parsed.hash);
        // By itself none has another's.
        assert_ne!(Hashed::parse(&hash("correct horse", None).unwrap()).unwrap().salt, parsed.salt);
        for wrong in
            ["", "$", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", &old[1..], &old[..60]]
        {
            assert!(Hashed::parse(wrong).is_none(), "{wrong}");
        }
    }

    /// RFC 9106 has no example without secret and associated data. This was calculated by a second implementation, in Python,
    /// that comes to the RFC's own example.
    #[test]
    fn a_hash_is_what_another_implementation_makes() {
        let known = Hashed {
            memory_kib: 256,
            passes: 2,
            lanes: 1,
            salt: b"somesalt".to_vec(),
            hash: Vec::new(),
        };
        let hash = data_encoding::HEXLOWER.encode(&known.of("password").unwrap());
        assert_eq!(hash, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
    }
}
