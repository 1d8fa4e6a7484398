//! The messages of the protocol: lists, searches, PATCH and errors.

use serde_json::{Map, Value, json};

use super::schema_ref;
use crate::scim_api::Kind;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(super) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub(super) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(super) const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// All of them, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    for of in Kind::ALL.map(Kind::name).into_iter().chain(["ResourceType", "Schema"]) {
        all.insert(format!("{of}List"), list(&schema_ref(of)));
    }
    let any: Vec<Value> = Kind::ALL.iter().map(|kind| schema_ref(kind.name())).collect();
    all.insert("ResourceList".to_owned(), list(&json!({ "anyOf": any })));
    all.insert("SearchRequest".to_owned(), search());
    all.insert("PatchOp".to_owned(), patch());
    all.insert("BulkRequest".to_owned(), bulk_request());
    all.insert("BulkResponse".to_owned(), bulk_response());
    all.insert("Error".to_owned(), error());
    all
}

/// An array that names one message.
fn names(urn: &str) -> Value {
    json!({ "type": "array", "items": { "const": urn }, "minItems": 1, "maxItems": 1 })
}

fn list(of: &Value) -> Value {
    json!({
        "type": "object",
        "description": "RFC 7644 §3.4.2.",
        "required": ["schemas", "totalResults", "itemsPerPage", "Resources"],
        "properties": {
            "schemas": names(LIST),
            "totalResults": { "type": "integer", "minimum": 0 },
            "startIndex": { "type": "integer", "minimum": 1 },
            "itemsPerPage": { "type": "integer", "minimum": 0 },
            "Resources": { "type": "array", "items": of },
            "nextCursor": {
                "type": "string", "pattern": "^[A-Za-z0-9_-]+$",
                "description": "Where the next page by cursor begins, on every page but the last (RFC 9865).",
            },
        },
    })
}

fn search() -> Value {
    let attributes = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "description": "RFC 7644 §3.4.3.",
        "required": ["schemas"],
        "properties": {
            "schemas": names(SEARCH),
            "filter": { "type": "string" },
            "sortBy": { "type": "string" },
            "sortOrder": { "type": "string", "enum": ["ascending", "descending"] },
            "startIndex": { "type": "integer" },
            "count": { "type": "integer" },
            "cursor": { "type": "string" },
            "attributes": attributes,
            "excludedAttributes": attributes,
        },
    })
}

fn patch() -> Value {
    json!({
        "type": "object",
        "description": "RFC 7644 §3.5.2.",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": names(PATCH_OP),
            "Operations": {
                "type": "array", "minItems": 1, "maxItems": scim::limits::PATCH_OPERATIONS,
                "items": {
                    "type": "object",
                    "required": ["op"],
                    "properties": {
                        "op": { "type": "string", "enum": ["add", "replace", "remove"] },
                        "path": {
                            "type": "string",
                            "examples": ["displayName", "emails[type eq \"work\"].value", "members"],
                        },
                        "value": {},
                    },
                },
            },
        },
    })
}

fn bulk_request() -> Value {
    json!({
        "type": "object",
        "description": "RFC 7644 §3.7.",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": names(BULK_REQUEST),
            "failOnErrors": { "type": "integer", "minimum": 1 },
            "Operations": {
                "type": "array", "minItems": 1, "maxItems": scim::limits::BULK_OPERATIONS,
                "items": {
                    "type": "object",
                    "required": ["method", "path"],
                    "properties": {
                        "method": { "type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"] },
                        "path": {
                            "type": "string",
                            "examples": ["/Users", "/Users/{id}", "/Groups/bulkId:sales"],
                        },
                        "bulkId": { "type": "string", "minLength": 1 },
                        "version": { "type": "string", "examples": ["W/\"42\""] },
                        "data": { "type": "object" },
                    },
                },
            },
        },
    })
}

fn bulk_response() -> Value {
    json!({
        "type": "object",
        "description": "RFC 7644 §3.7.3.",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": names(BULK_RESPONSE),
            "Operations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "method": { "type": "string" },
                        "bulkId": { "type": "string" },
                        "location": { "type": "string", "format": "uri" },
                        "version": { "type": "string" },
                        "status": { "type": "string", "pattern": "^[245][0-9]{2}$" },
                        "response": { "type": "object" },
                    },
                },
            },
        },
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "RFC 7644 §3.12. Whoever refuses, in every part of the server.",
        "required": ["schemas", "status", "detail"],
        "properties": {
            "schemas": names(ERROR),
            "status": { "type": "string", "pattern": "^[45][0-9]{2}$" },
            "scimType": { "type": "string", "examples": ["invalidValue", "uniqueness"] },
            "detail": { "type": "string", "minLength": 1 },
        },
    })
}
