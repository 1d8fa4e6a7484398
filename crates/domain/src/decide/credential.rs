//! What operators may do with credentials: issue, rotate, revoke.

use scim::Invalid;

use super::administration::{causes, missing, taken};
use crate::command::{Decision, NewCredential, NewKey, NewSecret};
use crate::credential::{CredentialKind, Proof, Terms};
use crate::directory::{Credential, Directory};
use crate::event::{Event, Holder};
use crate::id::CredentialId;
use crate::limits::{CREDENTIALS, KID_CHARS, NAME_CHARS};
use crate::position::Hash;
use crate::rejection::Rejection;
use crate::time::Timestamp;

/// A credential for a holder who is there.
pub(super) fn issue(directory: &Directory, new: NewCredential) -> Result<Decision, Rejection> {
    let NewCredential { credential, holder, secret, expires, scopes } = new;
    let is_plain = matches!(secret, NewSecret::Key { .. }) && scopes.is_none();
    if !is_plain && !matches!(holder, Holder::Connector(_)) {
        let detail = "only a connector's key has scopes, a password or a public key in its place";
        return Err(Invalid::value(detail).into());
    }
    let terms = Terms { scopes, replaces: None };
    causes(vec![issued(directory, credential, holder, secret, expires, terms)?])
}

/// A credential in place of another. With an end the old one is good until then, and never longer than it would have been.
pub(super) fn rotate(
    directory: &Directory,
    old: CredentialId,
    ends: Option<Timestamp>,
    credential: CredentialId,
    secret: NewSecret,
    expires: Option<Timestamp>,
) -> Result<Decision, Rejection> {
    let there = directory.credentials.get(old);
    let there = there.ok_or_else(|| missing("credential", old.to_string()))?;
    if there.revoked.is_some() {
        let detail = "this credential was revoked: issue a new one in place of rotating it";
        return Err(Invalid::value(detail).into());
    }
    let kind = match &secret {
        NewSecret::Key { .. } => CredentialKind::Key,
        NewSecret::Proof(proof) => proof.kind(),
    };
    if kind != there.kind() {
        let detail = format!(
            "a {} is replaced by another {0}, not by a {}",
            there.kind().as_str(),
            kind.as_str()
        );
        return Err(Invalid::value(detail).into());
    }
    let terms = Terms { scopes: there.scopes.clone(), replaces: Some(old) };
    let mut events = vec![issued(directory, credential, there.holder, secret, expires, terms)?];
    match ends {
        None => events.push(Event::CredentialRevoked { credential: old }),
        Some(at) if there.expires.is_some_and(|end| end <= at) => {}
        Some(at) => events.push(Event::CredentialEnds { credential: old, at }),
    }
    causes(events)
}

/// A key in place of all that its holder has, in one commit. With an end the others are good until then, and never longer
/// than they would have been.
pub(super) fn replace_all(
    directory: &Directory,
    holder: Holder,
    key: NewKey,
    ends: Option<Timestamp>,
) -> Result<Decision, Rejection> {
    let NewKey { credential, hash, hint, expires } = key;
    if let (Holder::Operator(operator), Some(_)) = (holder, expires) {
        super::operator::keeps_an_owner(directory, operator, None)?;
    }
    let secret = NewSecret::Key { hash, hint };
    let mut events =
        vec![issued(directory, credential, holder, secret, expires, Terms::default())?];
    let others = directory.credentials.iter();
    for other in others.filter(|other| other.holder == holder && other.revoked.is_none()) {
        match ends {
            None => events.push(Event::CredentialRevoked { credential: other.id }),
            Some(at) if other.expires.is_some_and(|end| end <= at) => {}
            Some(at) => events.push(Event::CredentialEnds { credential: other.id, at }),
        }
    }
    causes(events)
}

pub(super) fn revoke(
    directory: &Directory,
    credential: CredentialId,
) -> Result<Decision, Rejection> {
    match directory.credentials.get(credential) {
        Some(there) if there.revoked.is_some() => causes(vec![]),
        Some(there) => {
            if let Holder::Operator(holder) = there.holder {
                super::operator::keeps_an_owner(directory, holder, Some(credential))?;
            }
            causes(vec![Event::CredentialRevoked { credential }])
        }
        None => Err(missing("credential", credential.to_string())),
    }
}

/// The event of a new credential, if its holder is there and it cannot be taken for another.
fn issued(
    directory: &Directory,
    credential: CredentialId,
    holder: Holder,
    secret: NewSecret,
    expires: Option<Timestamp>,
    terms: Terms,
) -> Result<Event, Rejection> {
    let (there, id) = match holder {
        Holder::Connector(id) => (directory.connectors.present(id).is_some(), id.to_string()),
        Holder::Operator(id) => (directory.operators.present(id).is_some(), id.to_string()),
        Holder::User(id) => (directory.users.get(id).is_some(), id.to_string()),
    };
    if !there {
        return Err(missing("holder", id));
    }
    if directory.credentials.in_force() >= CREDENTIALS {
        let detail = format!(
            "a tenant has at most {CREDENTIALS} credentials: revoke some that are not used"
        );
        return Err(Invalid::value(detail).into());
    }
    match secret {
        NewSecret::Key { hash, hint } => {
            free_secret(directory, &hash, &hint)?;
            Ok(Event::CredentialIssued { credential, holder, hash, hint, expires, terms })
        }
        NewSecret::Proof(proof) => {
            match &proof {
                Proof::Password { user, .. } => check_user(directory, user, &terms)?,
                Proof::PublicKey { kid, jwk, .. } => check_key(directory, holder, kid, jwk)?,
            }
            Ok(Event::CredentialRegistered { credential, holder, proof, expires, terms })
        }
    }
}

/// No two holders share a secret.
pub(super) fn free_secret(directory: &Directory, hash: &Hash, hint: &str) -> Result<(), Rejection> {
    match directory.credentials.with_hash(hash) {
        Some(_) => {
            let remedy = "let the server make a secret";
            Err(taken("credential", "secret", hint.to_owned(), remedy))
        }
        None => Ok(()),
    }
}

/// A user name for Basic says which credential is meant: it is nobody else's, and cannot be taken for the site host that
/// stands before a key.
fn check_user(directory: &Directory, user: &str, terms: &Terms) -> Result<(), Rejection> {
    let fits = !user.is_empty()
        && user.chars().count() <= NAME_CHARS
        && user.chars().all(|c| c.is_ascii_graphic() && c != ':');
    if !fits {
        return Err(Invalid::value(format!(
            "`{user}` is no user name for Basic: use 1 to {NAME_CHARS} visible characters of ASCII without a colon"
        ))
        .into());
    }
    if directory.tenant.as_ref().is_some_and(|tenant| tenant.slug == user) {
        let detail =
            format!("`{user}` is the site host, which stands before a key: choose another");
        return Err(Invalid::value(detail).into());
    }
    // Whoever replaces a credential keeps its name, and it is the same one's who replaced another before.
    let old = terms.replaces.and_then(|old| directory.credentials.get(old));
    if old.and_then(Credential::user) == Some(user) {
        return Ok(());
    }
    match directory.credentials.of_user(user).next() {
        None => Ok(()),
        Some(_) => Err(taken(
            "credential",
            "user",
            user.to_owned(),
            "choose another user name, or rotate or revoke the credential that has it",
        )),
    }
}

/// A key's name says which of a client's keys is meant, and a key is one client's.
fn check_key(directory: &Directory, holder: Holder, kid: &str, jwk: &str) -> Result<(), Rejection> {
    if kid.is_empty() || kid.chars().count() > KID_CHARS || kid.chars().any(char::is_control) {
        let detail = format!("a `kid` has 1 to {KID_CHARS} characters");
        return Err(Invalid::value(detail).into());
    }
    let others = directory.credentials.iter().filter(|other| other.revoked.is_none());
    for other in others {
        if let Some(Proof::PublicKey { kid: its, jwk: key, .. }) = &other.proof {
            if key == jwk {
                let remedy = "make a new key pair, or revoke the credential that has this key";
                return Err(taken("credential", "jwk", kid.to_owned(), remedy));
            }
            if other.holder == holder && its == kid {
                let remedy = "give the key another `kid`, or revoke the credential that has it";
                return Err(taken("credential", "kid", kid.to_owned(), remedy));
            }
        }
    }
    Ok(())
}
