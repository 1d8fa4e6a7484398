//! Assertions by which clients prove who they are (RFC 7523 §3, RFC 7521 §5): signed by a registered key, for this server
//! alone, short-lived, and good once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use domain::credential::{Algorithm, Proof};
use domain::directory::{Credential, Directory};
use domain::event::Holder;
use domain::id::{ConnectorId, TenantId};
use domain::position::Hash;
use domain::time::Timestamp;
use serde::Deserialize;

use super::jwk;
use crate::limits::{
    ASSERTION_AHEAD_SECONDS, ASSERTION_BYTES, ASSERTION_LATE_SECONDS, ASSERTION_SECONDS,
    ASSERTIONS_OF_CONNECTOR, JTI_BYTES,
};
use crate::secret::hash_of;

/// Why an assertion proves nothing. The client is not told: an operator reads it in the refusal journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unproved {
    #[error("the assertion is no signed JWT (RFC 7515 §3.1)")]
    Form,
    #[error("the assertion's header has `crit`, which nothing here understands")]
    Critical,
    #[error("the assertion's `typ` is not that of an assertion")]
    Type,
    #[error(
        "the assertion's `iss` and `sub` are not both the client's id, or not the one that was sent beside it"
    )]
    Client,
    #[error("no such client is here, or it is disabled")]
    NoClient,
    #[error(
        "the client has no such key that is good now: `kid` names it, and `alg` is what it was registered for"
    )]
    NoKey,
    #[error("the signature is not by the client's key")]
    Signature,
    #[error(
        "the assertion's `aud` is not the issuer or the token endpoint alone, exactly as the metadata says them"
    )]
    Audience,
    #[error("the assertion has ended, or the clocks differ")]
    Late,
    #[error("the assertion is not good yet: the client's clock is ahead")]
    Early,
    #[error("the assertion is good for too long, or from too long ago")]
    Long,
    #[error("the assertion does not say when it was made: `iat`, or `nbf` in its place")]
    NoTime,
    #[error("the assertion has no `jti` of a fitting length")]
    NoId,
    #[error("the assertion was used already")]
    Replayed,
    #[error("the assertion was made before this server started: make a new one")]
    BeforeStart,
    #[error("the assertion is good in a moment: the client's clock is a little ahead")]
    Soon { millis: u64 },
    #[error(
        "the client has used too many assertions that have not ended: use its tokens as long as they are good"
    )]
    TooMany,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What an assertion proved.
pub(crate) struct Proved<'a> {
    pub(crate) connector: ConnectorId,
    pub(crate) credential: &'a Credential,
}

/// Where and when an assertion is shown.
pub(crate) struct Shown<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) directory: &'a Directory,
    /// What its `aud` may be.
    pub(crate) audiences: [&'a str; 2],
    /// What the client called itself beside it.
    pub(crate) client: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// What an assertion proves. It is used up by that.
///
/// # Errors
/// When it proves nothing.
pub(crate) fn check<'a>(
    used: &Used,
    text: &str,
    shown: &Shown<'a>,
) -> Result<Proved<'a>, Unproved> {
    if text.len() > ASSERTION_BYTES {
        return Err(Unproved::Form);
    }
    let (message, signature) = text.rsplit_once('.').ok_or(Unproved::Form)?;
    let (header, claims) = message.split_once('.').ok_or(Unproved::Form)?;
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Unproved::Form);
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Unproved::Form)?;
    let claims: Claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| Unproved::Form)?;
    let signature = decoded(signature)?;
    if header.crit.is_some() {
        return Err(Unproved::Critical);
    }
    let is_typed = |typ: &str| {
        ["jwt", "client-authentication+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
    };
    if header.typ.as_deref().is_some_and(|typ| !is_typed(typ)) {
        return Err(Unproved::Type);
    }
    if claims.iss != claims.sub || shown.client.is_some_and(|client| client != claims.sub) {
        return Err(Unproved::Client);
    }
    let connector: ConnectorId = claims.sub.parse().map_err(|_| Unproved::NoClient)?;
    let there = shown.directory.connectors.present(connector).ok_or(Unproved::NoClient)?;
    if !there.settings.enabled {
        return Err(Unproved::NoClient);
    }
    let (credential, algorithm, key) = key_of(shown, connector, &header)?;
    if !jwk::is_signed(algorithm, key, message.as_bytes(), &signature) {
        return Err(Unproved::Signature);
    }
    // From here on it is the client's own word.
    let audience = match &claims.aud {
        Audience::One(one) => one,
        Audience::Several(all) => match all.as_slice() {
            [one] => one,
            _ => return Err(Unproved::Audience),
        },
    };
    if !shown.audiences.contains(&audience.as_str()) {
        return Err(Unproved::Audience);
    }
    let (begins_ms, ends_ms) = times(&claims, shown.now)?;
    let jti = claims.jti.as_deref().unwrap_or_default();
    if jti.is_empty() || jti.len() > JTI_BYTES {
        return Err(Unproved::NoId);
    }
    let early_ms = begins_ms.saturating_sub(shown.now.millis());
    if early_ms > 0 {
        return Err(Unproved::Soon { millis: early_ms.unsigned_abs() });
    }
    let one = (shown.tenant, connector, hash_of(jti));
    used.once(one, begins_ms, ends_ms.saturating_add(ASSERTION_LATE_SECONDS * 1_000), shown.now)?;
    Ok(Proved { connector, credential })
}

/// The registered key that the header means: by its name, or the only one for that algorithm.
fn key_of<'a>(
    shown: &Shown<'a>,
    connector: ConnectorId,
    header: &Header,
) -> Result<(&'a Credential, Algorithm, &'a str), Unproved> {
    let said = match header.alg.as_str() {
        "Ed25519" => Some(Algorithm::EdDsa),
        name => Algorithm::named(name),
    };
    let said = said.ok_or(Unproved::NoKey)?;
    let mut found = None;
    for credential in shown.directory.credentials.iter() {
        let Some(Proof::PublicKey { kid, algorithm, jwk }) = &credential.proof else { continue };
        if credential.holder != Holder::Connector(connector)
            || !credential.is_valid(shown.now)
            || *algorithm != said
            || header.kid.as_ref().is_some_and(|named| named != kid)
        {
            continue;
        }
        if found.is_some() {
            return Err(Unproved::NoKey);
        }
        found = Some((credential, *algorithm, jwk.as_str()));
    }
    found.ok_or(Unproved::NoKey)
}

/// From when on it is good and when it ends, in milliseconds; good now, or as soon as a clock that is ahead is waited for.
fn times(claims: &Claims, now: Timestamp) -> Result<(i64, i64), Unproved> {
    let now_ms = now.millis();
    let ends_ms = millis(claims.exp).ok_or(Unproved::Form)?;
    let made = claims.iat.or(claims.nbf).ok_or(Unproved::NoTime)?;
    let made_ms = millis(made).ok_or(Unproved::Form)?;
    let begins_ms = claims.nbf.map_or(Some(made_ms), millis).ok_or(Unproved::Form)?;
    if now_ms >= ends_ms.saturating_add(ASSERTION_LATE_SECONDS * 1_000) {
        return Err(Unproved::Late);
    }
    let begins_ms = made_ms.max(begins_ms);
    if begins_ms > now_ms.saturating_add(ASSERTION_AHEAD_SECONDS * 1_000) {
        return Err(Unproved::Early);
    }
    if ends_ms.saturating_sub(made_ms) > ASSERTION_SECONDS * 1_000 {
        return Err(Unproved::Long);
    }
    Ok((begins_ms, ends_ms))
}

/// A `NumericDate` (RFC 7519 §2) in milliseconds.
fn millis(seconds: f64) -> Option<i64> {
    // The year 5138; beyond it nothing that is meant.
    let fits = seconds.is_finite() && (0.0..1e11).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "it was looked at just now")]
    fits.then_some((seconds * 1_000.0) as i64)
}

/// One assertion: whose, and the hash of its `jti`.
type One = (TenantId, ConnectorId, Hash);

/// The assertions that were used and have not ended. They are kept in memory: after a start nothing is known of those that
/// were made before it, so these are not taken. None is used before the moment that it says it was made at, so those that
/// were made since cannot have been used before.
pub(crate) struct Used {
    started: Timestamp,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    known: BTreeSet<One>,
    /// The same, by when they end.
    ends: BTreeSet<(i64, One)>,
    of: BTreeMap<(TenantId, ConnectorId), usize>,
}

impl Used {
    pub(super) fn new(started: Timestamp) -> Used {
        Used { started, all: Mutex::default() }
    }

    /// Uses one, once. It is remembered until `ends_ms`.
    fn once(&self, one: One, begins_ms: i64, ends_ms: i64, now: Timestamp) -> Result<(), Unproved> {
        if begins_ms < self.started.millis() {
            return Err(Unproved::BeforeStart);
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.forget(now);
        if all.known.contains(&one) {
            return Err(Unproved::Replayed);
        }
        let of = all.of.entry((one.0, one.1)).or_default();
        if *of >= ASSERTIONS_OF_CONNECTOR {
            return Err(Unproved::TooMany);
        }
        *of += 1;
        all.known.insert(one);
        all.ends.insert((ends_ms, one));
        Ok(())
    }
}

impl All {
    /// Forgets what is refused by its end anyway.
    fn forget(&mut self, now: Timestamp) {
        while let Some((ends_ms, one)) = self.ends.first().copied() {
            if ends_ms > now.millis() {
                break;
            }
            self.ends.pop_first();
            self.known.remove(&one);
            if let Some(of) = self.of.get_mut(&(one.0, one.1)) {
                *of = of.saturating_sub(1);
                if *of == 0 {
                    self.of.remove(&(one.0, one.1));
                }
            }
        }
    }
}
