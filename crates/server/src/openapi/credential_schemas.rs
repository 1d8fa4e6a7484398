//! What credentials are issued from, and what they look like.

use domain::credential::Scope;
use serde_json::{Map, Value, json};

use super::admin_schemas::{closed, listed, name, object};
use crate::limits::{OVERLAP_SECONDS, PASSWORD_BYTES, PASSWORD_CHARS_LEAST};

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, id) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uuid" }));
    let time = json!({ "type": "string", "format": "date-time" });
    let or_null = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let key = json!({ "type": "string", "description": "Told this once." });
    let scope = Scope::ALL.map(Scope::as_str);
    let scopes = json!({
        "type": "array", "items": { "type": "string", "enum": scope },
        "description": "What it opens; null: everything that its holder may.",
    });
    let words: Vec<&str> = scope.into_iter().chain(["read", "write"]).collect();
    let wanted = json!({
        "type": "array", "minItems": 1, "items": { "type": "string", "enum": words },
        "description": "What it opens; everything that its connector may, when not given.",
    });

    let password =
        json!({ "type": "string", "minLength": PASSWORD_CHARS_LEAST, "maxLength": PASSWORD_BYTES });
    let basic = closed(json!({ "user": name(), "password": password }), &["user"]);
    let jwk = json!({
        "type": "object",
        "description": "A public key that its client signs with (RFC 7517), in place of a secret.",
    });
    let new = json!({
        "connector": name(), "user": text, "expires": or_null(&time), "scopes": wanted,
        "basic": basic, "jwk": jwk,
    });
    add("NewCredential", closed(new, &[]));
    let overlap = json!({
        "type": "integer", "minimum": 0, "maximum": OVERLAP_SECONDS,
        "description": "For how many seconds the old one is good still; 0: it ends at once.",
    });
    let rotation = json!({
        "overlapSeconds": overlap, "expires": or_null(&time), "password": password, "jwk": jwk,
    });
    add("Rotation", closed(rotation, &["overlapSeconds"]));
    let issued = json!({
        "id": id, "apiKey": key, "user": text, "password": key, "kid": text, "clientId": id,
        "issuer": text, "tokenEndpoint": text,
    });
    add("IssuedCredential", object(issued, &["id"]));
    let kind = json!({ "type": "string", "enum": ["key", "password", "public-key"] });
    let credential = json!({
        "id": id, "kind": kind, "hint": text, "connector": or_null(&text),
        "user": or_null(&text), "scopes": or_null(&scopes), "issued": time,
        "lastUsed": or_null(&time), "expires": or_null(&time), "revoked": or_null(&time),
        "replaces": or_null(&id),
    });
    let due = [
        "id",
        "kind",
        "hint",
        "connector",
        "user",
        "scopes",
        "issued",
        "lastUsed",
        "expires",
        "revoked",
        "replaces",
    ];
    add("CredentialList", listed("credentials", object(credential, &due)));
    all
}
