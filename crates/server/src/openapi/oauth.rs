//! The token endpoint, and the metadata by which clients find it.

use domain::credential::{Algorithm, Scope};
use serde_json::{Map, Value, json};

use super::admin_schemas::object;
use super::schema_ref;

/// A method of one of their paths.
pub(super) fn operation(path: &str) -> (&'static str, Value) {
    if path.ends_with("/token") {
        ("post", token())
    } else if path.contains("authorization-server") {
        let summary = "What the tenant's token endpoint offers (RFC 8414)";
        ("get", metadata("getAuthorizationServer", summary, "AuthorizationServer"))
    } else {
        let summary = "Where tokens for the tenant's SCIM endpoints come from (RFC 9728)";
        ("get", metadata("getProtectedResource", summary, "ProtectedResource"))
    }
}

fn metadata(id: &str, summary: &str, schema: &str) -> Value {
    json!({
        "operationId": id, "tags": ["operations"], "summary": summary, "security": [],
        "responses": {
            "200": { "description": "This.", "content": { "application/json": { "schema": schema_ref(schema) } } },
            "404": { "$ref": "#/components/responses/NotFound" },
            "429": { "$ref": "#/components/responses/TooManyRequests" },
            "500": { "$ref": "#/components/responses/InternalServerError" },
        },
    })
}

fn token() -> Value {
    let refused = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": schema_ref("TokenError") } },
        })
    };
    json!({
        "operationId": "issueToken", "tags": ["operations"], "security": [],
        "summary": "An access token for a client that proves who it is by a signed assertion (RFC 7523)",
        "requestBody": {
            "required": true,
            "content": { "application/x-www-form-urlencoded": { "schema": schema_ref("TokenRequest") } },
        },
        "responses": {
            "200": { "description": "The token.", "content": { "application/json": { "schema": schema_ref("Token") } } },
            "400": refused("The request is not what the RFC asks for."),
            "401": refused("The assertion proves nothing here."),
            "413": refused("The body is too large."),
            "408": refused("The body came too slowly."),
            "429": refused("Too many requests, or too many assertions that proved nothing, from this address."),
            "503": refused("Come again in a moment."),
            "500": { "$ref": "#/components/responses/InternalServerError" },
        },
    })
}

/// All schemas, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, url) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uri" }));
    let list = |items: &Value| json!({ "type": "array", "items": items });
    let scopes = list(&json!({ "type": "string", "enum": Scope::ALL.map(Scope::as_str) }));
    let algorithms =
        list(&json!({ "type": "string", "enum": Algorithm::ALL.map(Algorithm::as_str) }));
    let server = json!({
        "issuer": url, "token_endpoint": url, "grant_types_supported": list(&text),
        "response_types_supported": list(&text),
        "token_endpoint_auth_methods_supported": list(&text),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "scopes_supported": scopes, "protected_resources": list(&url),
    });
    add(
        "AuthorizationServer",
        object(server, &["issuer", "token_endpoint", "response_types_supported"]),
    );
    let resource = json!({
        "resource": url, "authorization_servers": list(&url), "scopes_supported": scopes,
        "bearer_methods_supported": list(&text), "resource_name": text,
    });
    add("ProtectedResource", object(resource, &["resource", "authorization_servers"]));
    let request = json!({
        "grant_type": { "const": "client_credentials" },
        "client_assertion_type": { "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
        "client_assertion": text, "client_id": text, "scope": text, "resource": url,
    });
    add(
        "TokenRequest",
        object(request, &["grant_type", "client_assertion_type", "client_assertion"]),
    );
    let token = json!({
        "access_token": text, "token_type": { "const": "Bearer" },
        "expires_in": { "type": "integer", "minimum": 0 }, "scope": text,
    });
    add("Token", object(token, &["access_token", "token_type", "expires_in", "scope"]));
    let error = json!({ "error": text, "error_description": text });
    add("TokenError", object(error, &["error", "error_description"]));
    all
}
