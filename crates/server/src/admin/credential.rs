//! Credentials: issued, listed, rotated and revoked. A secret is told once, in the answer to whoever asked for it.

use std::str::FromStr;

use axum::http::StatusCode;
use domain::command::{Command, NewCredential, NewSecret};
use domain::credential::{NotScopes, Proof, Scopes};
use domain::directory::Credential;
use domain::event::Holder;
use domain::id::{CredentialId, TenantId};
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::tenant::setup;
use super::{Asked, done, ok, present_user};
use crate::answer::Answer;
use crate::auth::metadata::Names;
use crate::auth::{jwk, password};
use crate::limits::{OVERLAP_SECONDS, PASSWORD_BYTES, PASSWORD_CHARS_LEAST};
use crate::refused::Refused;
use crate::secret::{Purpose, Secret};
use crate::setup::{SetupError, purpose};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// The connector whose client shows it.
    connector: Option<String>,
    /// The user who shows it, by `userName` or id: it opens `/Me`.
    user: Option<String>,
    /// When it ends by itself.
    #[serde(default)]
    expires: Option<Timestamp>,
    /// What it opens; everything, when not given.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// Not a key: a user name and a password for Basic.
    #[serde(default)]
    basic: Option<Basic>,
    /// Not a key: a public key that its client signs with (RFC 7517).
    #[serde(default)]
    jwk: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Basic {
    user: String,
    /// A random one, when not given.
    #[serde(default)]
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rotation {
    /// For how many seconds the old one is good still; 0: it ends at once.
    overlap_seconds: u64,
    /// When the new one ends by itself.
    #[serde(default)]
    expires: Option<Timestamp>,
    /// The new password; a random one, when not given.
    #[serde(default)]
    password: Option<String>,
    /// The new public key.
    #[serde(default)]
    jwk: Option<Value>,
}

/// What the answer tells once, by name.
type Told = Vec<(&'static str, Value)>;

/// `GET /admin/v1/tenants/{tenant}/credentials`: never the secrets. When each was last used is counted beside the log: it is
/// told of now, not of the past.
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let used = match asked.is_past() {
        true => Default::default(),
        false => asked.app.tally.used(&asked.app.engine, tenant),
    };
    let last = |credential: &Credential| used.get(&credential.id).copied();
    let credentials = audit::credentials(&snapshot.directory, last);
    Ok(ok(StatusCode::OK, &json!({ "credentials": credentials })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/credentials`: issues one; the answer is the only one that holds its secret.
pub(super) async fn issue(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let New { connector, user, expires, scopes, basic, jwk } = asked.body()?;
    let holder = holder(&snapshot, connector, user)?;
    check_end(asked, expires)?;
    let scopes = scopes.map(|words| Scopes::from_str(&words.join(" "))).transpose();
    let scopes = scopes.map_err(|error: NotScopes| scim::Invalid::value(error.to_string()))?;
    let (secret, told) = match (basic, jwk) {
        (None, None) => new_key(slug, holder)?,
        (Some(Basic { user, password }), None) => new_password(user, password, None).await?,
        (None, Some(jwk)) => new_public_key(asked, slug, holder, &jwk)?,
        (Some(_), Some(_)) => {
            let detail = "say `basic` or `jwk`, one of the two: each is a credential of its own";
            return Err(scim::Invalid::value(detail).into());
        }
    };
    let credential = CredentialId::new(asked.app.id());
    let new = NewCredential { credential, holder, secret, expires, scopes };
    add(asked, tenant, Command::AddCredential(Box::new(new)), credential, told).await
}

/// `POST /admin/v1/tenants/{tenant}/credentials/{id}/rotate`: issues one in its place, and gives it an end.
pub(super) async fn rotate(asked: &Asked<'_>, slug: &str, id: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let old = id.parse().ok().and_then(|id| snapshot.directory.credentials.get(id));
    let old = old.ok_or_else(|| absent(id))?;
    let Rotation { overlap_seconds, expires, password, jwk } = asked.body()?;
    check_end(asked, expires)?;
    let now = asked.app.now();
    if old.revoked.is_none() && !old.is_valid(now) {
        let detail = "this credential has ended: issue a new one in place of rotating it";
        return Err(scim::Invalid::value(detail).into());
    }
    let ends = overlap_end(asked, overlap_seconds)?;
    let (secret, told) = match (&old.proof, password, jwk) {
        (None, None, None) => new_key(slug, old.holder)?,
        (Some(Proof::Password { user, hash }), password, None) => {
            new_password(user.clone(), password, Some(hash.clone())).await?
        }
        (Some(Proof::PublicKey { .. }), None, Some(jwk)) => {
            new_public_key(asked, slug, old.holder, &jwk)?
        }
        (Some(Proof::PublicKey { .. }), None, None) => {
            let detail = "a public key is replaced by another: give it as `jwk`";
            return Err(scim::Invalid::value(detail).into());
        }
        (_, Some(_), _) | (_, _, Some(_)) => {
            let detail =
                "`password` is for a password, `jwk` for a public key: this is another kind";
            return Err(scim::Invalid::value(detail).into());
        }
    };
    let (old, credential) = (old.id, CredentialId::new(asked.app.id()));
    let command = Command::RotateCredential { old, ends, credential, secret, expires };
    add(asked, tenant, command, credential, told).await
}

/// When a credential ends that is good for an overlap still; none: at once.
pub(super) fn overlap_end(asked: &Asked<'_>, seconds: u64) -> Result<Option<Timestamp>, Refused> {
    if seconds > OVERLAP_SECONDS {
        let detail = format!("`overlapSeconds` is at most {OVERLAP_SECONDS}");
        return Err(scim::Invalid::value(detail).into());
    }
    let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
    let end = Timestamp::from_millis(asked.app.now().millis().saturating_add(millis));
    Ok((seconds > 0).then_some(end))
}

/// `DELETE /admin/v1/tenants/{tenant}/credentials/{id}`: it opens nothing any more.
pub(super) async fn revoke(asked: &Asked<'_>, slug: &str, id: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let credential = id.parse().map_err(|_| absent(id))?;
    Ok(done(&asked.submit(tenant, Command::RevokeCredential { credential }).await?))
}

async fn add(
    asked: &Asked<'_>,
    tenant: TenantId,
    command: Command,
    credential: CredentialId,
    told: Told,
) -> Result<Answer, Refused> {
    let receipt = asked.submit(tenant, command).await?;
    let mut body = json!({ "id": credential });
    if let Value::Object(body) = &mut body {
        body.extend(told.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// A random key: what is kept of it, and what is told this once.
fn new_key(slug: &str, holder: Holder) -> Result<(NewSecret, Told), Refused> {
    let secret =
        Secret::random(purpose(holder)).map_err(|error| setup(SetupError::Randomness(error)))?;
    let kept = NewSecret::Key { hash: secret.hash(), hint: secret.hint() };
    Ok((kept, vec![("apiKey", json!(format!("{slug}:{}", secret.expose())))]))
}

/// A password: a random one, or the operator's own. With another's hash it is compared in one calculation with it.
async fn new_password(
    user: String,
    password: Option<String>,
    old: Option<String>,
) -> Result<(NewSecret, Told), Refused> {
    let (password, is_ours) = match password {
        None => {
            let secret = Secret::random(Purpose::Password)
                .map_err(|error| setup(SetupError::Randomness(error)))?;
            (secret.expose().to_owned(), true)
        }
        Some(chosen) => (chosen, false),
    };
    let fits = password.chars().count() >= PASSWORD_CHARS_LEAST
        && password.len() <= PASSWORD_BYTES
        && !password.chars().any(char::is_control);
    if !fits {
        let detail = format!(
            "a password that you choose yourself has at least {PASSWORD_CHARS_LEAST} characters: or let the server make one"
        );
        return Err(scim::Invalid::value(detail).into());
    }
    let told = if is_ours { json!(password) } else { Value::Null };
    let hashing = spawn_blocking(move || password::hash(&password, old.as_deref()));
    let hash = hashing.await.map_err(Refused::broken_off)??;
    let mut answer = vec![("user", json!(user))];
    if is_ours {
        answer.push(("password", told));
    }
    Ok((NewSecret::Proof(Proof::Password { user, hash }), answer))
}

/// A public key, and what its client must know to sign with the other half.
fn new_public_key(
    asked: &Asked<'_>,
    slug: &str,
    holder: Holder,
    key: &Value,
) -> Result<(NewSecret, Told), Refused> {
    let proof = jwk::parse(key).map_err(|error| scim::Invalid::value(error.to_string()))?;
    let mut answer = vec![("kid", json!(proof.hint()))];
    if let (Holder::Connector(connector), Some(names)) = (holder, Names::of(asked.app, slug)) {
        answer.push(("clientId", json!(connector)));
        answer.push(("issuer", json!(names.issuer)));
        answer.push(("tokenEndpoint", json!(names.token_endpoint)));
    }
    Ok((NewSecret::Proof(proof), answer))
}

fn holder(
    snapshot: &Snapshot,
    connector: Option<String>,
    user: Option<String>,
) -> Result<Holder, Refused> {
    match (connector, user) {
        (Some(name), None) => {
            let found = snapshot.directory.connectors.named(&name);
            Ok(Holder::Connector(found.map(|connector| connector.id).ok_or_else(|| {
                Refused::new(StatusCode::NOT_FOUND, format!("there is no connector `{name}`"))
            })?))
        }
        (None, Some(who)) => Ok(Holder::User(present_user(snapshot, &who)?)),
        (Some(_), Some(_)) | (None, None) => {
            let detail = "say whose key it is: `connector` or `user`, one of the two";
            Err(scim::Invalid::value(detail).into())
        }
    }
}

/// An end that is past already is a slip of the pen: what is issued would open nothing.
fn check_end(asked: &Asked<'_>, expires: Option<Timestamp>) -> Result<(), Refused> {
    match expires {
        Some(end) if end <= asked.app.now() => {
            let detail = format!("`expires` is past: {end} was before now");
            Err(scim::Invalid::value(detail).into())
        }
        Some(_) | None => Ok(()),
    }
}

fn absent(id: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("there is no credential `{id}`"))
}
