//! Roles, as scripts see them.

use axum::http::StatusCode;
use domain::command::Command;
use domain::directory::Role;
use domain::id::RoleId;
use domain::rejection::Rejection;
use scim::Invalid;
use serde::Deserialize;
use serde_json::{Value, json};

use super::claim::claimed;
use super::page::{Start, page};
use super::{Asked, shown, written};
use crate::answer::Answer;
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    name: String,
    #[serde(default)]
    description: String,
    created_by_email: Option<String>,
    /// What the role may do: policies say that here.
    privileges: Option<Value>,
    permissions: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    name: Option<String>,
    description: Option<String>,
    updated_by_email: Option<String>,
    privileges: Option<Value>,
    permissions: Option<Value>,
}

fn role_json(role: &Role) -> Value {
    json!({ "id": role.id, "name": role.name, "description": role.description })
}

fn start(role: &Role) -> Start {
    Start { created: role.created.position, id: role.id.uuid() }
}

/// `GET /api/v1/roles`: those that can be given, oldest first.
pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let from = Start::asked(asked)?;
    let roles = asked.caller.snapshot.directory.roles.by_age().into_iter();
    let roles = roles.filter(|role| !role.retired && from.is_none_or(|from| start(role) >= from));
    Ok(shown(asked, &page("roles", roles, |role| start(role), |role| role_json(role))))
}

/// `GET /api/v1/roles/{id}`
pub(super) fn show(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    Ok(shown(asked, &role_json(found(asked, id)?)))
}

/// `POST /api/v1/roles`: defines a role.
pub(super) async fn create(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let NewRole { name, description, created_by_email, privileges, permissions } = asked.body()?;
    let roles = &asked.caller.snapshot.directory.roles;
    if roles.named(&name).is_some_and(|role| !role.retired) {
        return Err(Rejection::Taken {
            kind: "role",
            attribute: "name".into(),
            value: name,
            remedy: "change that one with PUT, or choose another name",
        }
        .into());
    }
    let claimed = claimed(asked, created_by_email, None)?;
    note_privileges(asked, privileges.or(permissions));
    let role = RoleId::new(asked.app.id());
    let command = Command::DefineRole { role, name: name.clone(), description: Some(description) };
    let receipt = asked.submit(claimed, command).await?;
    let role = receipt.snapshot.directory.roles.named(&name).map(role_json);
    Ok(written(StatusCode::CREATED, role.as_ref(), &receipt))
}

/// `PUT /api/v1/roles/{id}`: describes a role anew. Its name stays: users are given roles by it.
pub(super) async fn change(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    let role = found(asked, id)?;
    let RoleChange { name, description, updated_by_email, privileges, permissions } =
        asked.body()?;
    if let Some(name) = name.filter(|name| *name != role.name) {
        let detail = format!(
            "a role keeps its name, `{}`: define `{name}` with POST, give it to those who have this one, then delete this one",
            role.name
        );
        return Err(Invalid::value(detail).into());
    }
    let claimed = claimed(asked, updated_by_email, None)?;
    note_privileges(asked, privileges.or(permissions));
    let command = Command::DefineRole { role: role.id, name: role.name.clone(), description };
    let receipt = asked.submit(claimed, command).await?;
    let role = receipt.snapshot.directory.roles.get(role.id).map(role_json);
    Ok(written(StatusCode::OK, role.as_ref(), &receipt))
}

/// `DELETE /api/v1/roles/{id}`: the role is given no more; whoever has it keeps it until it is taken from them.
pub(super) async fn retire(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    let name = found(asked, id)?.name.clone();
    let receipt = asked.submit(None, Command::RetireRole { name }).await?;
    Ok(written(StatusCode::NO_CONTENT, None, &receipt))
}

fn note_privileges(asked: &Asked<'_>, named: Option<Value>) {
    if named.is_some() {
        let what = "what a role may do was named and left out: policies say it here";
        asked.report(what.to_owned());
    }
}

fn found<'d>(asked: &'d Asked<'_>, id: &str) -> Result<&'d Role, Refused> {
    let roles = &asked.caller.snapshot.directory.roles;
    let role = id.parse().ok().and_then(|id| roles.get(id)).filter(|role| !role.retired);
    role.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("there is no role `{id}`")))
}
