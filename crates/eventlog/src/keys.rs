//! The keys under which personal values are sealed, one per person.
//!
//! A key stands beside the log as a record: wrapped under the master key, with a checksum, so that
//! a flipped bit and a wrong master key are told apart. Who is erased keeps a record that says so:
//! a record that is gone is damage, never an erasure.

use std::fmt;

use domain::id::{TenantId, UserId};
use zeroize::Zeroizing;

use crate::broken::Broken;
use crate::cipher;
use crate::master::MasterKey;

/// The key under which one person's values are sealed. Wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonKey(Zeroizing<[u8; 32]>);

impl PersonKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, Broken> {
        let mut bytes = Zeroizing::new([0; 32]);
        cipher::random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(..)")
    }
}

/// Where the keys of persons are looked up.
pub trait Keys {
    /// The person's key; none: the person was erased.
    ///
    /// # Errors
    /// When the key is damaged or gone.
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken>;

    /// The key for a person who comes to be. Random, but a simulation may want its own.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    fn fresh(&self, _tenant: TenantId, _user: UserId) -> Result<PersonKey, Broken> {
        PersonKey::random()
    }
}

/// No keys at all: everybody reads as erased. Enough to check a chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl Keys for NoKeys {
    fn person(&self, _tenant: TenantId, _user: UserId) -> Result<Option<PersonKey>, Broken> {
        Ok(None)
    }
}

/// What a key's record says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Key(PersonKey),
    Erased,
}

/// A record's bytes: version, state, nonce and sealed key where there is one, CRC-32 of all that.
const VERSION: u8 = 1;
const HOLDS_KEY: u8 = 1;
const ERASED: u8 = 0;
const NONCE: usize = 12;

/// The record of a person who may be read.
pub(crate) fn wrap(
    master: &MasterKey,
    tenant: TenantId,
    user: UserId,
    key: &PersonKey,
) -> Result<Vec<u8>, Broken> {
    let mut nonce = [0; NONCE];
    cipher::random(&mut nonce)?;
    let sealed = cipher::seal(master.person_keys(), &nonce, &owner(tenant, user), key.bytes())
        .ok_or_else(|| broken(tenant, user, "it could not be sealed"))?;
    Ok(checked([&[VERSION, HOLDS_KEY], nonce.as_slice(), &sealed].concat()))
}

/// The record of a person who was erased.
pub(crate) fn tombstone() -> Vec<u8> {
    checked(vec![VERSION, ERASED])
}

/// Checks a record without opening it.
pub(crate) fn check(tenant: TenantId, user: UserId, record: &[u8]) -> Result<(), Broken> {
    contents(record).map(drop).ok_or_else(|| damaged(tenant, user))
}

/// Reads a record.
pub(crate) fn unwrap(
    master: &MasterKey,
    tenant: TenantId,
    user: UserId,
    record: Option<&[u8]>,
) -> Result<Record, Broken> {
    let record = record.ok_or_else(|| {
        broken(tenant, user, "it is gone, but the user was not erased; restore it from an archive")
    })?;
    match contents(record).ok_or_else(|| damaged(tenant, user))? {
        [VERSION, ERASED] => Ok(Record::Erased),
        [VERSION, HOLDS_KEY, rest @ ..] => {
            let key = rest
                .split_first_chunk::<NONCE>()
                .and_then(|(nonce, sealed)| {
                    cipher::open(master.person_keys(), nonce, &owner(tenant, user), sealed)
                })
                .map(Zeroizing::new)
                .and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok())
                .ok_or_else(|| {
                    broken(tenant, user, "it is sealed under another master key or was moved here")
                })?;
            Ok(Record::Key(PersonKey::new(key)))
        }
        _ => Err(broken(tenant, user, "a newer release wrote it; use that release")),
    }
}

fn owner(tenant: TenantId, user: UserId) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), user.uuid().as_bytes()].concat()
}

fn checked(mut record: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&record);
    record.extend(sum.to_be_bytes());
    record
}

fn contents(record: &[u8]) -> Option<&[u8]> {
    let (contents, sum) = record.split_last_chunk::<4>()?;
    (crc32fast::hash(contents).to_be_bytes() == *sum).then_some(contents)
}

fn damaged(tenant: TenantId, user: UserId) -> Broken {
    broken(tenant, user, "its checksum is wrong; restore it from an archive")
}

fn broken(tenant: TenantId, user: UserId, reason: &str) -> Broken {
    Broken::Key { tenant, user, reason: reason.to_owned() }
}
