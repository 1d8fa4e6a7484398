//! Operators: who may administer the instance, how much of it, and with which keys.

use std::collections::BTreeMap;

use ::audit::ListedOperator;
use axum::http::{Method, StatusCode};
use domain::command::{Command, NewKey};
use domain::directory::Directory;
use domain::event::{Holder, OperatorRole};
use domain::id::{CredentialId, OperatorId, TenantId};
use domain::time::Timestamp;
use engine::Receipt;
use serde::Deserialize;
use serde_json::json;

use super::{Asked, credential, done, ok};
use crate::answer::Answer;
use crate::refused::Refused;
use crate::secret::{Purpose, Secret};
use crate::setup::SetupError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOperator {
    name: String,
    role: OperatorRole,
    /// When the first key ends by itself.
    expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorChange {
    name: Option<String>,
    role: Option<OperatorRole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AnotherKey {
    expires: Option<Timestamp>,
    /// Whether it is in place of the operator's other keys.
    #[serde(default)]
    rotate: bool,
    /// For how many seconds those are good still; not given, or 0: they end at once.
    overlap_seconds: Option<u64>,
}

/// `GET /admin/v1/operators`; `asOf` is a moment of the instance's own log.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let (_, system) = asked.reading_log("_system").await?;
    let used = last_used(asked);
    let operators = ::audit::operators(&system.directory, |key| used.get(&key).copied());
    Ok(ok(StatusCode::OK, &json!({ "operators": operators })).at(system.head.position))
}

/// `GET /admin/v1/operators/{operator}`, by name, or by id also of one who was removed.
pub(super) async fn show(asked: &Asked<'_>, who: &str) -> Result<Answer, Refused> {
    let (_, system) = asked.reading_log("_system").await?;
    let id = found(&system.directory, who)?;
    let used = last_used(asked);
    let operators = ::audit::operators(&system.directory, |key| used.get(&key).copied());
    let mut operators = operators.into_iter();
    let operator: Option<ListedOperator> = operators.find(|operator| operator.id == id);
    Ok(ok(StatusCode::OK, &json!(operator)).at(system.head.position))
}

/// `POST /admin/v1/operators`: the answer is the only one that holds the key.
pub(super) async fn add(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let NewOperator { name, role, expires } = asked.body()?;
    // Before anything is written: without randomness there is no operator either.
    let secret = secret()?;
    let operator = OperatorId::new(asked.app.id());
    let command = Command::AddOperator { operator, name, role };
    asked.submit(TenantId::SYSTEM, command).await?;
    let (credential, receipt) = issue(asked, operator, &secret, expires).await?;
    let body = json!({ "id": operator, "credential": credential, "operatorKey": secret.expose() });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// `PATCH` or `DELETE /admin/v1/operators/{operator}`: what is not named stays as it is.
pub(super) async fn change(asked: &Asked<'_>, who: &str) -> Result<Answer, Refused> {
    let operator = operator(asked, who)?;
    let command = if asked.parts.method == Method::DELETE {
        Command::RemoveOperator { operator }
    } else {
        let OperatorChange { name, role } = asked.body()?;
        Command::ChangeOperator { operator, name, role }
    };
    Ok(done(&asked.submit(TenantId::SYSTEM, command).await?))
}

/// `POST /admin/v1/operators/{operator}/keys`: one more key, or one in place of all others.
pub(super) async fn add_key(asked: &Asked<'_>, who: &str) -> Result<Answer, Refused> {
    let operator = operator(asked, who)?;
    let AnotherKey { expires, rotate, overlap_seconds } = asked.body()?;
    if !rotate && overlap_seconds.is_some() {
        let detail = "`overlapSeconds` is for `rotate`: beside another key this one ends none";
        return Err(scim::Invalid::value(detail).into());
    }
    let ends = credential::overlap_end(asked, overlap_seconds.unwrap_or(0))?;
    let secret = secret()?;
    let (new, receipt) = match rotate {
        false => issue(asked, operator, &secret, expires).await?,
        true => {
            let credential = CredentialId::new(asked.app.id());
            let key = NewKey { credential, hash: secret.hash(), hint: secret.hint(), expires };
            let command = Command::ReplaceKeys { holder: Holder::Operator(operator), key, ends };
            (credential, asked.submit(TenantId::SYSTEM, command).await?)
        }
    };
    let body = json!({ "id": new, "operatorKey": secret.expose() });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// `DELETE /admin/v1/operators/{operator}/keys/{key}`: it opens nothing any more.
pub(super) async fn revoke_key(asked: &Asked<'_>, who: &str, key: &str) -> Result<Answer, Refused> {
    let operator = operator(asked, who)?;
    let system = asked.app.engine.now(TenantId::SYSTEM).unwrap_or_default();
    let theirs = key.parse().ok().and_then(|id| system.directory.credentials.get(id));
    let theirs = theirs.filter(|credential| credential.holder == Holder::Operator(operator));
    let credential = theirs.map(|credential| credential.id).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("operator `{who}` has no key `{key}`"))
    })?;
    Ok(done(&asked.submit(TenantId::SYSTEM, Command::RevokeCredential { credential }).await?))
}

/// When each key was last used: of now, as it is counted beside the log.
fn last_used(asked: &Asked<'_>) -> BTreeMap<CredentialId, Timestamp> {
    match asked.is_past() {
        true => BTreeMap::new(),
        false => asked.app.tally.used(&asked.app.engine, TenantId::SYSTEM),
    }
}

fn secret() -> Result<Secret, Refused> {
    Secret::random(Purpose::OperatorKey)
        .map_err(|error| super::tenant::setup(SetupError::Randomness(error)))
}

async fn issue(
    asked: &Asked<'_>,
    operator: OperatorId,
    secret: &Secret,
    expires: Option<Timestamp>,
) -> Result<(CredentialId, Receipt), Refused> {
    let credential = CredentialId::new(asked.app.id());
    let (hash, hint) = (secret.hash(), secret.hint());
    let holder = Holder::Operator(operator);
    let command = Command::IssueCredential { credential, holder, hash, hint, expires };
    Ok((credential, asked.submit(TenantId::SYSTEM, command).await?))
}

/// An operator of now.
fn operator(asked: &Asked<'_>, who: &str) -> Result<OperatorId, Refused> {
    let system = asked.app.engine.now(TenantId::SYSTEM).unwrap_or_default();
    found(&system.directory, who)
}

/// By name among those who are there, or by id.
fn found(system: &Directory, who: &str) -> Result<OperatorId, Refused> {
    let by_id = || who.parse().ok().and_then(|id| system.operators.get(id));
    let found = system.operators.named(who).or_else(by_id);
    found
        .map(|operator| operator.id)
        .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("there is no operator `{who}`")))
}
