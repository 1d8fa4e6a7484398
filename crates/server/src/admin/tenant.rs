//! Tenants, their roles and their keys.

use axum::http::{Method, StatusCode};
use domain::command::Command;
use domain::directory::Credential;
use domain::event::Holder;
use domain::id::{CredentialId, RoleId, TenantId};
use domain::position::Head;
use domain::time::Timestamp;
use engine::{Receipt, When};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, ok, present_user};
use crate::answer::Answer;
use crate::refused::Refused;
use crate::secret::Secret;
use crate::setup::{FIRST_CONNECTOR, SetupError, Template, open_tenant_with, purpose};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    slug: String,
    /// Of the tenant's first connector.
    #[serde(default = "first_connector")]
    preset: String,
    /// The roles to begin with, beside `Everyone`; the usual ones when it does not say.
    roles: Option<Vec<NewRole>>,
}

fn first_connector() -> String {
    FIRST_CONNECTOR.to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCredential {
    /// The connector whose client shows it.
    connector: Option<String>,
    /// The user who shows it, by `userName` or id: it opens `/Me`.
    user: Option<String>,
    /// When it ends by itself.
    #[serde(default)]
    expires: Option<Timestamp>,
}

/// `GET /admin/v1/tenants`. `asOf` is a moment of the instance's own log, in which tenants are opened.
/// With `heads=true`, where each log ends now: whoever follows them all asks only those that moved.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let is_headed = asked.parameters.parsed("heads", "`true` or `false`")?.unwrap_or(false);
    if is_headed {
        asked.only_now("`heads` says where logs end now")?;
    }
    // Whoever was opened since has no head here, and is told without.
    let world = asked.app.engine.world();
    let (_, system) = asked.reading_log("_system").await?;
    let head = |head: &Head| json!({ "position": head.position, "hash": head.hash });
    let at = asked.parameters.as_of()?.map(|when| match when {
        When::Time(time) => time,
        When::Position(_) => system.head.time,
    });
    let tenants: Vec<Value> = audit::tenants(&world, &system.directory, at)
        .into_iter()
        .map(|tenant| {
            let mut told = json!(tenant);
            if let (true, Some(snapshot), Value::Object(told)) =
                (is_headed, world.get(tenant.id), &mut told)
            {
                told.insert("head".to_owned(), head(&snapshot.head));
            }
            told
        })
        .collect();
    let mut told = json!({ "tenants": tenants });
    if let (true, Value::Object(told)) = (is_headed, &mut told) {
        told.insert("head".to_owned(), head(&system.head));
    }
    Ok(ok(StatusCode::OK, &told).at(system.head.position))
}

/// `POST /admin/v1/tenants`: opens a tenant; the answer is the only one that holds its key.
pub(super) async fn open(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let NewTenant { slug, preset, roles } = asked.body()?;
    let world = asked.app.engine.world();
    if world.with_slug(&slug).is_some() {
        return Err(domain::rejection::Rejection::Taken {
            kind: "tenant",
            attribute: "slug".into(),
            value: slug,
            remedy: "choose another slug",
        }
        .into());
    }
    let roles = roles.map(|roles| {
        let named = roles.into_iter().map(|NewRole { name, description }| (name, description));
        Template::beginning_with(named)
    });
    let template = roles.unwrap_or_default();
    let origin = asked.visit.origin(asked.actor());
    let opened = open_tenant_with(asked.app, origin, &slug, &preset, None, &template)
        .await
        .map_err(setup)?;
    let key = opened.secret.map(|secret| format!("{slug}:{}", secret.expose()));
    let body = json!({
        "id": opened.tenant, "slug": slug, "connector": opened.connector, "apiKey": key,
    });
    Ok(ok(StatusCode::CREATED, &body))
}

fn setup(error: SetupError) -> Refused {
    match error {
        SetupError::Refused(refusal) => refusal.into(),
        SetupError::Closed(_) => Refused::new(StatusCode::CONFLICT, error.to_string()),
        SetupError::Randomness(error) => {
            Refused::later(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        }
    }
}

/// `GET /admin/v1/tenants/{tenant}/roles`
pub(super) async fn roles(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let roles = audit::roles(&snapshot.directory);
    Ok(ok(StatusCode::OK, &json!({ "roles": roles })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/roles`: defines a role, or describes it anew.
pub(super) async fn define_role(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let NewRole { name, description } = asked.body()?;
    let role = RoleId::new(asked.app.id());
    let command = Command::DefineRole { role, name, description };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// `DELETE /admin/v1/tenants/{tenant}/roles/{name}`: retires a role.
pub(super) async fn retire_role(
    asked: &Asked<'_>,
    slug: &str,
    name: &str,
) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let command = Command::RetireRole { name: name.to_owned() };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// `PUT` or `DELETE /admin/v1/tenants/{tenant}/users/{user}/roles/{role}`: gives a user a role
/// here, beside what the identity provider says, or takes it back.
pub(super) async fn change_role(
    asked: &Asked<'_>,
    slug: &str,
    who: &str,
    role: &str,
) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let user = present_user(&snapshot, who)?;
    let role = role.to_owned();
    let command = if asked.parts.method == Method::PUT {
        Command::AssignRole { user, role }
    } else {
        Command::RevokeRole { user, role }
    };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// `GET /admin/v1/tenants/{tenant}/credentials`: never the secrets.
pub(super) async fn credentials(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let directory = &snapshot.directory;
    let used = |credential: &Credential| match credential.holder {
        Holder::Connector(connector) if !asked.is_past() => {
            let told = asked.app.tally.of(&asked.app.engine, tenant, connector);
            told.used.get(&credential.id).copied()
        }
        Holder::Connector(_) | Holder::Operator(_) | Holder::User(_) => None,
    };
    let credentials: Vec<Value> = directory
        .credentials
        .iter()
        .map(|credential| {
            let connector = match credential.holder {
                Holder::Connector(id) => directory.connectors.get(id).map(|c| c.name.as_str()),
                Holder::Operator(_) | Holder::User(_) => None,
            };
            let user = match credential.holder {
                Holder::User(id) => directory.users.get(id).map(|user| &user.user_name),
                Holder::Connector(_) | Holder::Operator(_) => None,
            };
            json!({
                "id": credential.id, "hint": credential.hint, "connector": connector, "user": user,
                "issued": credential.issued.at, "lastUsed": used(credential), "expires": credential.expires,
                "revoked": credential.revoked.map(|revoked| revoked.at),
            })
        })
        .collect();
    Ok(ok(StatusCode::OK, &json!({ "credentials": credentials })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/credentials`: issues a key; the answer is the only one that
/// holds it.
pub(super) async fn issue_credential(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let NewCredential { connector, user, expires } = asked.body()?;
    let holder = match (connector, user) {
        (Some(name), None) => {
            let found = snapshot.directory.connectors.named(&name);
            Holder::Connector(found.map(|connector| connector.id).ok_or_else(|| {
                Refused::new(StatusCode::NOT_FOUND, format!("there is no connector `{name}`"))
            })?)
        }
        (None, Some(who)) => Holder::User(present_user(&snapshot, &who)?),
        (Some(_), Some(_)) | (None, None) => {
            let detail = "say whose key it is: `connector` or `user`, one of the two";
            return Err(scim::Invalid::value(detail).into());
        }
    };
    let (issued, receipt) = issue(asked, tenant, slug, holder, expires).await?;
    let body = json!({ "id": issued.id, "apiKey": issued.key });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// A key that was issued just now.
pub(super) struct Issued {
    pub(super) id: CredentialId,
    /// The whole key, with the site host in front: this is the only time it can be shown.
    pub(super) key: String,
}

/// Issues a random key.
pub(super) async fn issue(
    asked: &Asked<'_>,
    tenant: TenantId,
    slug: &str,
    holder: Holder,
    expires: Option<Timestamp>,
) -> Result<(Issued, Receipt), Refused> {
    let secret =
        Secret::random(purpose(holder)).map_err(|error| setup(SetupError::Randomness(error)))?;
    let id = CredentialId::new(asked.app.id());
    let (hash, hint) = (secret.hash(), secret.hint());
    let command = Command::IssueCredential { credential: id, holder, hash, hint, expires };
    let receipt = asked.submit(tenant, command).await?;
    Ok((Issued { id, key: format!("{slug}:{}", secret.expose()) }, receipt))
}

/// `DELETE /admin/v1/tenants/{tenant}/credentials/{id}`: the key opens nothing any more.
pub(super) async fn revoke_credential(
    asked: &Asked<'_>,
    slug: &str,
    id: &str,
) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let credential = id.parse().map_err(|_| {
        Refused::new(StatusCode::NOT_FOUND, format!("there is no credential `{id}`"))
    })?;
    Ok(done(&asked.submit(tenant, Command::RevokeCredential { credential }).await?))
}
