//! The schemas that a tenant added.

use axum::http::StatusCode;
use domain::command::Command;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, ok};
use crate::answer::Answer;
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct New {
    /// The schema as `/Schemas` would serve it (RFC 7643 §7).
    schema: Value,
    #[serde(default = "user")]
    resource_type: String,
    #[serde(default)]
    required: bool,
}

fn user() -> String {
    "User".to_owned()
}

/// `GET /admin/v1/tenants/{tenant}/schemas`
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let schemas: Vec<Value> = snapshot
        .directory
        .schemas
        .custom()
        .map(|schema| {
            let document = serde_json::from_str::<Value>(&schema.document).ok();
            json!({
                "urn": schema.urn, "resourceType": schema.resource_type,
                "required": schema.required, "added": schema.added.at, "schema": document,
            })
        })
        .collect();
    Ok(ok(StatusCode::OK, &json!({ "schemas": schemas })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/schemas`: from then on resources may carry it.
pub(super) async fn add(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let New { schema, resource_type, required } = asked.body()?;
    let command = Command::AddSchema { document: schema.to_string(), resource_type, required };
    Ok(done(&asked.submit(tenant, command).await?))
}
