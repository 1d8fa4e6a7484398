//! What is told to clients that find their way by themselves: of the authorization server (RFC 8414) and of what its tokens
//! open (RFC 9728). It says nothing that its address does not: a tenant that is not there has the same.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::check_slug;
use domain::credential::{Algorithm, Scope};
use serde_json::{Value, json};

use crate::app::App;
use crate::refused::Refused;

/// Where the metadata of a tenant's authorization server stands (RFC 8414 §3.1).
pub(crate) const SERVER: &str = "/.well-known/oauth-authorization-server/oauth/{tenant}";
/// Where the metadata of a tenant's SCIM endpoints stands (RFC 9728 §3.1).
pub(crate) const RESOURCE: &str = "/.well-known/oauth-protected-resource/scim/{tenant}/v2";
/// Where tokens are issued.
pub(crate) const TOKEN: &str = "/oauth/{tenant}/token";

/// A tenant's authorization server by its names.
pub(crate) struct Names {
    pub(crate) issuer: String,
    pub(crate) token_endpoint: String,
    pub(crate) resource: String,
    /// Where the resource's metadata stands.
    pub(crate) metadata: String,
}

impl Names {
    /// The names of a tenant's; none when the text is no slug.
    pub(crate) fn of(app: &App, slug: &str) -> Option<Names> {
        check_slug(slug).ok()?;
        let base = app.base();
        Some(Names {
            issuer: format!("{base}/oauth/{slug}"),
            token_endpoint: format!("{base}/oauth/{slug}/token"),
            resource: format!("{base}/scim/{slug}/v2"),
            metadata: format!("{base}{}", RESOURCE.replace("{tenant}", slug)),
        })
    }
}

/// `GET /.well-known/oauth-authorization-server/oauth/{tenant}`
pub(crate) async fn server(State(app): State<Arc<App>>, Path(slug): Path<String>) -> Response {
    told(&app, &slug, |names| {
        json!({
            "issuer": names.issuer,
            "token_endpoint": names.token_endpoint,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::as_str),
            "scopes_supported": Scope::ALL.map(Scope::as_str),
            "protected_resources": [names.resource],
        })
    })
}

/// `GET /.well-known/oauth-protected-resource/scim/{tenant}/v2`
pub(crate) async fn resource(State(app): State<Arc<App>>, Path(slug): Path<String>) -> Response {
    told(&app, &slug, |names| {
        json!({
            "resource": names.resource,
            "authorization_servers": [names.issuer],
            "scopes_supported": Scope::ALL.map(Scope::as_str),
            "bearer_methods_supported": ["header"],
            "resource_name": "SCIM 2.0",
        })
    })
}

fn told(app: &App, slug: &str, document: impl FnOnce(Names) -> Value) -> Response {
    match Names::of(app, slug) {
        Some(names) => (StatusCode::OK, HeaderMap::new(), Json(document(names))).into_response(),
        None => Refused::no_address().into_response(),
    }
}
