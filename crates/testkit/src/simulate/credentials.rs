//! Commands about credentials.

use domain::command::{Command, NewCredential, NewSecret};
use domain::credential::{Algorithm, Proof};
use domain::directory::Directory;
use domain::event::Holder;
use domain::id::{ConnectorId, CredentialId};
use domain::time::Timestamp;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Of a few names and secrets, so that one is wanted twice now and then.
const USERS: [&str; 3] = ["svc", "svc-2", "okta"];
const SCOPES: [&str; 3] = ["read", "users:write", "groups:read discovery"];
/// When some of them end: before, within and after the time that a run takes.
const ENDS_MS: [i64; 3] = [1_000, 1_760_000_000_000, 4_000_000_000_000];

/// A credential of some kind for a connector.
pub(super) fn add(
    rng: &mut ChaCha8Rng,
    connector: ConnectorId,
    credential: CredentialId,
) -> Command {
    let (secret, expires) = (secret(rng), end(rng));
    let scopes = rng.random_bool(0.5).then(|| SCOPES.choose(rng)).flatten();
    let scopes = scopes.and_then(|scopes| scopes.parse().ok());
    let holder = Holder::Connector(connector);
    Command::AddCredential(Box::new(NewCredential { credential, holder, secret, expires, scopes }))
}

/// One in place of another, mostly of its kind, with an overlap or none.
pub(super) fn rotate(
    rng: &mut ChaCha8Rng,
    directory: &Directory,
    credential: CredentialId,
) -> Command {
    let all: Vec<_> = directory.credentials.iter().collect();
    let old = all.choose(rng);
    let secret = match old.and_then(|old| old.proof.clone()) {
        // A password's successor has its user name.
        Some(Proof::Password { user, .. }) if rng.random_bool(0.8) => {
            let hash = format!("hash-{}", rng.random_range(0..9));
            NewSecret::Proof(Proof::Password { user, hash })
        }
        _ => secret(rng),
    };
    let (ends, expires) = (end(rng), end(rng));
    let old = old.map_or(credential, |old| old.id);
    Command::RotateCredential { old, ends, credential, secret, expires }
}

fn end(rng: &mut ChaCha8Rng) -> Option<Timestamp> {
    let end = ENDS_MS.choose(rng).copied().map(Timestamp::from_millis);
    end.filter(|_| rng.random_bool(0.5))
}

fn secret(rng: &mut ChaCha8Rng) -> NewSecret {
    let number: u8 = rng.random_range(0..20);
    match rng.random_range(0..3) {
        0 => NewSecret::Key {
            hash: eventlog::hash(&[b'c', number]),
            hint: format!("connector-key-{number}"),
        },
        1 => {
            let user = USERS.choose(rng).copied().unwrap_or_default().to_owned();
            NewSecret::Proof(Proof::Password { user, hash: format!("hash-{number}") })
        }
        _ => NewSecret::Proof(Proof::PublicKey {
            kid: format!("kid-{}", number % 5),
            algorithm: Algorithm::Es256,
            jwk: format!("key-{number}"),
        }),
    }
}
