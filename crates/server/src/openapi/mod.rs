//! The OpenAPI document: what the router offers, as machines read it. It is made of the same endpoints and routes that
//! [`crate::doors`] walks and of the SCIM schemas that requests are checked against, so it cannot say anything else.

mod access_schemas;
mod admin;
mod admin_schemas;
mod credential_schemas;
mod explain_schemas;
mod management;
mod moment_schemas;
mod oauth;
mod operation;
mod parameters;
mod policy_schemas;
mod problem_schemas;
mod resources;
mod scim_api;
mod scim_messages;

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::credential::Scope;
use serde_json::{Map, Value, json};

use crate::doors::{self, Names};

/// What stands in a path where a request says something of its own.
const NAMES: Names<'_> = Names {
    slug: "{tenant}",
    id: "{id}",
    user: "{user}",
    group: "{group}",
    resource_type: "{name}",
    urn: "{urn}",
    role: "{role}",
    connector: "{connector}",
    policy: "{policy}",
};

/// `GET /openapi.json`
pub(crate) async fn serve() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// The document, the names in every object in order.
pub(crate) fn document() -> Value {
    let mut document = described();
    document.sort_all_objects();
    document
}

fn described() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rollbook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "SCIM 2.0 provisioning (RFC 7643, RFC 7644) that never forgets, its administration and its audit log.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "scim", "description": "SCIM 2.0, for identity providers." },
            { "name": "admin", "description": "Administration and audit, for operators." },
            { "name": "management", "description": "Users and roles of one tenant, for its administrators' scripts." },
            { "name": "operations", "description": "Whether the server is alive and ready, and this document." },
        ],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "parameters": parameters::all(),
            "responses": operation::refusals(),
            "headers": operation::headers(),
            "securitySchemes": {
                "apiKey": {
                    "type": "http", "scheme": "bearer",
                    "description": "A tenant's API key, as in `acme:rbk_…` (RFC 6750).",
                },
                "apiKeyBasic": {
                    "type": "http", "scheme": "basic",
                    "description": "The tenant's slug as user, the key's secret as password (RFC 7617).",
                },
                "accessToken": {
                    "type": "oauth2",
                    "description": "A short-lived token for a key that the client signs with (RFC 7523).",
                    "flows": { "clientCredentials": {
                        "tokenUrl": "/oauth/{tenant}/token",
                        "scopes": Map::from_iter(
                            Scope::ALL.map(|scope| (scope.to_string(), Value::from(scope.as_str()))),
                        ),
                    } },
                },
                "userKey": {
                    "type": "http", "scheme": "bearer",
                    "description": "A user's own key, as in `acme:rbu_…` (RFC 6750).",
                },
                "partnerKey": {
                    "type": "apiKey", "in": "header", "name": "HTTP-X-PARTNER-AUTH",
                    "description": "The whole key of a connector that opens the management API, as in `acme:rbk_…`.",
                },
                "operatorKey": {
                    "type": "http", "scheme": "bearer",
                    "description": "An operator's key, as in `rbo_…` (RFC 6750).",
                },
            },
        },
    })
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for path in doors::PUBLIC {
        paths.insert((*path).to_owned(), json!({ "get": admin::public(path) }));
    }
    for path in doors::OAUTH {
        let (method, operation) = oauth::operation(path);
        let item = Map::from_iter([(method.to_owned(), operation)]);
        with_parameters(&mut paths, (*path).to_owned(), item);
    }
    paths.insert(doors::METRICS.to_owned(), json!({ "get": admin::metrics() }));
    for endpoint in doors::endpoints(&NAMES) {
        let mut item = Map::new();
        for method in endpoint.methods().split(", ") {
            if let Some(operation) = scim_api::operation(&endpoint, method) {
                item.insert(method.to_ascii_lowercase(), operation);
            }
        }
        if !item.is_empty() {
            let (path, _) = doors::scim_door(&endpoint);
            with_parameters(&mut paths, format!("/scim/{}/v2/{path}", NAMES.slug), item);
        }
    }
    for route in doors::routes(&NAMES) {
        let mut item = Map::new();
        for method in route.methods().split(", ") {
            item.insert(method.to_ascii_lowercase(), admin::operation(&route, method));
        }
        with_parameters(&mut paths, doors::admin_path(&route), item);
    }
    for route in doors::management(&NAMES) {
        let mut item = Map::new();
        for method in route.methods().split(", ") {
            item.insert(method.to_ascii_lowercase(), management::operation(&route, method));
        }
        with_parameters(&mut paths, route.path(), item);
    }
    paths
}

/// Adds a path, with a parameter for each name in braces.
fn with_parameters(paths: &mut Map<String, Value>, path: String, mut item: Map<String, Value>) {
    let names = path.split('{').skip(1).filter_map(|part| part.split('}').next());
    let parameters: Vec<Value> = names.map(parameters::in_path).collect();
    item.insert("parameters".to_owned(), parameters.into());
    paths.insert(path, item.into());
}

fn schemas() -> Map<String, Value> {
    let mut schemas = resources::all();
    schemas.extend(scim_messages::all());
    schemas.extend(admin_schemas::all());
    schemas.extend(moment_schemas::all());
    schemas.extend(oauth::all());
    schemas.extend(management::schemas());
    schemas
}

/// Where a schema of the document is.
fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The document is a promise: `schemas/openapi.json` holds it.
    /// `UPDATE_SCHEMAS=1 cargo test -p server openapi` writes what has changed.
    #[test]
    fn the_document_is_the_one_that_is_kept() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi.json");
        let text = format!("{:#}\n", document());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == text, "schemas/openapi.json does not say what the code does");
    }

    /// Every method of every door is in it, but for those that only say that they are not there.
    #[test]
    fn every_door_is_described() {
        let document = document();
        for door in doors::doors(NAMES.slug) {
            let path = door.path.replace("0198f3a0-0000-7000-8000-000000000001", "{id}");
            let known = document["paths"].as_object().unwrap().iter().any(|(template, item)| {
                matches(template, &path) && !item[door.method.to_ascii_lowercase()].is_null()
            });
            let unsupported = doors::endpoints(&doors::EXAMPLES).into_iter().any(|endpoint| {
                path.ends_with(&format!("/v2/{}", doors::scim_door(&endpoint).0))
                    && scim_api::operation(&endpoint, door.method).is_none()
            });
            assert!(known != unsupported, "{} {path}", door.method);
        }
    }

    fn matches(template: &str, path: &str) -> bool {
        let (template, path): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template
                .iter()
                .zip(&path)
                .all(|(t, p)| t == p || t.starts_with('{') && !p.starts_with('.'))
    }

    #[test]
    fn references_lead_somewhere_and_names_are_unique() {
        let document = document();
        let (mut references, mut ids) = (BTreeSet::new(), Vec::new());
        collect(&document, &mut references, &mut ids);
        assert!(references.len() > 30, "{references:?}");
        for reference in &references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(
                references.contains(&format!("#/components/schemas/{name}")),
                "{name} is not used"
            );
        }
    }

    #[test]
    fn no_schema_hides_another() {
        let parts = [
            resources::all(),
            scim_messages::all(),
            admin_schemas::all(),
            moment_schemas::all(),
            oauth::all(),
            management::schemas(),
        ];
        let count: usize = parts.iter().map(Map::len).sum();
        assert_eq!(schemas().len(), count);
    }

    fn collect(value: &Value, references: &mut BTreeSet<String>, ids: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    references.insert(reference.clone());
                }
                if let Some(Value::String(id)) = members.get("operationId")
                    && members.contains_key("responses")
                {
                    ids.push(id.clone());
                }
                members.values().for_each(|member| collect(member, references, ids));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references, ids)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
