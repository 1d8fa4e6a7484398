//! Tenants, their roles and their keys.

use axum::http::{Method, StatusCode};
use domain::command::Command;
use domain::id::RoleId;
use domain::position::Head;
use engine::When;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, ok, present_user};
use crate::answer::Answer;
use crate::refused::Refused;
use crate::setup::{FIRST_CONNECTOR, SetupError, Template, open_tenant_with};

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
    description: Option<String>,
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
        let named = roles
            .into_iter()
            .map(|NewRole { name, description }| (name, description.unwrap_or_default()));
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
        "scimBaseUrl": asked.scim_base_url(&slug),
    });
    Ok(ok(StatusCode::CREATED, &body))
}

pub(super) fn setup(error: SetupError) -> Refused {
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

/// `POST /admin/v1/tenants/{tenant}/roles`: defines a role, or describes it anew; without a description the one that is
/// there stays.
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
