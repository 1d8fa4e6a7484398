//! The endpoints of the protocol, one by one. A new one does not compile until it is described here.

use serde_json::{Value, json};

use super::operation::{Operation, Tag};
use super::parameters::{LIST, PROJECTION, READ};
use super::scim_messages::{BULK_REQUEST, PATCH_OP, SEARCH};
use crate::scim_api::{Endpoint, Kind};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A method of an endpoint; none if the endpoint only says that it is not there.
pub(super) fn operation(endpoint: &Endpoint, method: &str) -> Option<Value> {
    let operation = match endpoint {
        Endpoint::List(kind) if method == "POST" => create(*kind),
        Endpoint::List(kind) => list(*kind),
        Endpoint::Search(kind) => search(*kind),
        Endpoint::ListAll => list_all(),
        Endpoint::SearchAll => search_all(),
        Endpoint::One(kind, _) => match method {
            "PUT" => replace(*kind),
            "PATCH" => patch(*kind),
            "DELETE" => delete(*kind),
            _ => get(*kind),
        },
        Endpoint::Bulk => bulk(),
        Endpoint::ServiceProviderConfig => {
            let summary = "What the server offers, and its limits";
            discovery("getServiceProviderConfig", summary, "ServiceProviderConfig").public()
        }
        Endpoint::ResourceTypes(None) => {
            discovery("listResourceTypes", "The types of resources", "ResourceTypeList")
        }
        Endpoint::ResourceTypes(Some(_)) => {
            discovery("getResourceType", "A type of resources", "ResourceType")
        }
        Endpoint::Schemas(None) => {
            discovery("listSchemas", "The schemas of resources", "SchemaList")
        }
        Endpoint::Schemas(Some(_)) => discovery("getSchema", "A schema", "Schema"),
        Endpoint::Me => me(),
    };
    let operation = if method == "HEAD" { operation.without_bodies() } else { operation };
    Some(operation.finish())
}

fn named(verb: &str, kind: Kind) -> String {
    format!("{verb}{}", kind.name())
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Role => "role",
        Kind::Entitlement => "entitlement",
    }
}

/// What a client writes, as an example.
fn example(kind: Kind) -> Value {
    match kind {
        Kind::User => json!({
            "schemas": [USER], "userName": "jane@acme.com", "externalId": "00u1", "active": true,
            "name": { "givenName": "Jane", "familyName": "Li" },
            "emails": [{ "value": "jane@acme.com", "type": "work", "primary": true }],
        }),
        Kind::Group => json!({ "schemas": [GROUP], "displayName": "Sales", "members": [] }),
        // Nobody writes these.
        Kind::Role | Kind::Entitlement => Value::Null,
    }
}

fn list(kind: Kind) -> Operation {
    let summary = format!("Those {}s that a filter chooses, a page at a time", word(kind));
    Operation::new(Tag::Scim, format!("list{}", kind.plural()), summary)
        .takes(LIST)
        .answers(200, "A page.", &format!("{}List", kind.name()), &["Rollbook-Position"])
        .refuses(&[503])
}

fn list_all() -> Operation {
    let summary = "Resources of every type that a filter chooses, a page at a time";
    Operation::new(Tag::Scim, "listAll".to_owned(), summary.to_owned())
        .takes(LIST)
        .answers(200, "A page.", "ResourceList", &["Rollbook-Position"])
        .refuses(&[503])
}

fn search(kind: Kind) -> Operation {
    let summary =
        format!("The same as a list of {}s, with what is asked for in the body", word(kind));
    searching(format!("search{}", kind.plural()), summary, &format!("{}List", kind.name()))
}

fn search_all() -> Operation {
    let summary = "The same as a list of every type, with what is asked for in the body";
    searching("searchAll".to_owned(), summary.to_owned(), "ResourceList")
}

fn searching(id: String, summary: String, answer: &str) -> Operation {
    let asked =
        json!({ "schemas": [SEARCH], "filter": "externalId pr", "startIndex": 1, "count": 10 });
    Operation::new(Tag::Scim, id, summary)
        .takes(&["asOf", "min-position"])
        .scim_body("SearchRequest", asked)
        .answers(200, "A page.", answer, &["Rollbook-Position"])
        .refuses(&[503])
}

fn create(kind: Kind) -> Operation {
    let description = format!("The {} is there.", word(kind));
    let headers = ["Location", "ETag", "Rollbook-Position", "Rollbook-Commit"];
    let next: Vec<String> =
        ["get", "replace", "patch", "delete"].map(|verb| named(verb, kind)).into();
    let next: Vec<&str> = next.iter().map(String::as_str).collect();
    Operation::new(Tag::Scim, named("create", kind), format!("Create a {}", word(kind)))
        .takes(PROJECTION)
        .scim_body(&format!("{}Input", kind.name()), example(kind))
        .answers(201, &description, kind.name(), &headers)
        .leads_to(201, &next)
        .refuses(&[409, 503])
}

fn get(kind: Kind) -> Operation {
    let headers = ["Location", "ETag", "Rollbook-Position"];
    Operation::new(Tag::Scim, named("get", kind), format!("One {}", word(kind)))
        .takes(READ)
        .takes(&["If-None-Match"])
        .answers(200, "It is there.", kind.name(), &headers)
        .answers_nothing(304, "It still has that version.", &["ETag", "Rollbook-Position"])
        .refuses(&[503])
}

fn me() -> Operation {
    Operation::new(Tag::Scim, "getMe", "The user whose key was shown")
        .secured(json!([{ "userKey": [] }]))
        .takes(READ)
        .takes(&["If-None-Match"])
        .answers(200, "It is there.", "User", &["Location", "ETag", "Rollbook-Position"])
        .answers_nothing(304, "It still has that version.", &["ETag", "Rollbook-Position"])
        .refuses(&[503])
}

fn replace(kind: Kind) -> Operation {
    written(
        Operation::new(Tag::Scim, named("replace", kind), format!("Replace a {}", word(kind))),
        kind,
    )
    .scim_body(&format!("{}Input", kind.name()), example(kind))
}

fn patch(kind: Kind) -> Operation {
    let operation = json!({ "op": "replace", "path": "displayName", "value": "Jane Li" });
    let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
    let summary = format!("Change parts of a {}; all of the operations, or none", word(kind));
    let description = "Done. So a group's PATCH is answered unless `attributes` or `Prefer` asks for more, or the connector says so: its members may be many.";
    let patch = written(Operation::new(Tag::Scim, named("patch", kind), summary), kind);
    let patch = patch.scim_body("PatchOp", body);
    match kind {
        Kind::User | Kind::Role | Kind::Entitlement => patch,
        Kind::Group => patch.takes(&["Prefer"]).answers_nothing(
            204,
            description,
            &["ETag", "Rollbook-Position"],
        ),
    }
}

/// What a write to one that is there takes and answers.
fn written(operation: Operation, kind: Kind) -> Operation {
    let headers = ["Location", "ETag", "Rollbook-Position", "Rollbook-Commit"];
    operation
        .takes(PROJECTION)
        .takes(&["If-Match"])
        .answers(200, "Done; as it is now.", kind.name(), &headers)
        .refuses(&[409, 412, 503])
}

fn delete(kind: Kind) -> Operation {
    Operation::new(Tag::Scim, named("delete", kind), format!("Delete a {}", word(kind)))
        .takes(&["If-Match"])
        .answers_nothing(204, "It is gone.", &["Rollbook-Position", "Rollbook-Commit"])
        .refuses(&[412, 503])
}

fn bulk() -> Operation {
    let user = json!({
        "method": "POST", "path": "/Users", "bulkId": "jane", "data": example(Kind::User),
    });
    let group = json!({
        "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": "bulkId:jane" }],
    });
    let group = json!({ "method": "POST", "path": "/Groups", "bulkId": "sales", "data": group });
    let summary = "Many writes in one request; each is what it would be alone";
    let description = "The job was processed, though each of its operations may have failed.";
    Operation::new(Tag::Scim, "bulk", summary)
        .takes(&["Prefer"])
        .scim_body("BulkRequest", json!({ "schemas": [BULK_REQUEST], "Operations": [user, group] }))
        .answers(200, description, "BulkResponse", &[])
        .refuses(&[503])
}

fn discovery(id: &str, summary: &str, schema: &str) -> Operation {
    Operation::new(Tag::Scim, id, summary)
        .takes(&["asOf", "min-position"])
        .answers(200, "This.", schema, &[])
        .refuses(&[403, 503])
}
