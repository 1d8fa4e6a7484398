//! The User and Role Management API, route by route, and what it takes and answers.

use serde_json::{Map, Value, json};

use super::operation::{Operation, Tag};
use super::schema_ref;
use crate::limits::{CLAIMED_CHARS, MANAGEMENT_PAGE};
use crate::management::Route;

/// A method of a route.
pub(super) fn operation(route: &Route, method: &str) -> Value {
    let jane = json!({
        "email": "jane@acme.com", "first_name": "Jane", "last_name": "Doe", "roles": ["Analyst"],
        "invited_by_email": "boss@acme.com",
    });
    let role = json!({ "name": "Auditor", "description": "Sees everything, changes nothing" });
    let operation = match (route, method) {
        (Route::Users, "POST") => writes("manageNewUser", "Make a user", 201, "ManagedUser")
            .body("NewManagedUser", jane)
            .refuses(&[409]),
        (Route::Users, _) => lists("manageUsers", "The users, oldest first", "ManagedUserPage"),
        (Route::User(_), "PUT") => {
            writes("manageUser", "Change a user; what is not named stays", 200, "ManagedUser")
                .body("ManagedUserChange", json!({ "roles": ["Admin"] }))
                .refuses(&[409])
        }
        (Route::User(_), "DELETE") => removes("manageGoneUser", "Delete a user"),
        (Route::User(_), _) => reads("managedUser", "A user", "ManagedUser"),
        (Route::Roles, "POST") => writes("manageNewRole", "Define a role", 201, "ManagedRole")
            .body("NewManagedRole", role)
            .refuses(&[409]),
        (Route::Roles, _) => {
            lists("manageRoles", "The roles that can be given, oldest first", "ManagedRolePage")
        }
        (Route::Role(_), "PUT") => {
            writes("manageRole", "Describe a role anew; its name stays", 200, "ManagedRole")
                .body("ManagedRoleChange", json!({ "description": "Sees everything" }))
        }
        (Route::Role(_), "DELETE") => {
            removes("manageGoneRole", "Give a role no more; whoever has it keeps it")
        }
        (Route::Role(_), _) => reads("managedRole", "A role", "ManagedRole"),
    };
    operation.finish()
}

fn reads(id: &str, summary: &str, schema: &str) -> Operation {
    Operation::new(Tag::Management, id, summary)
        .answers(200, "This.", schema, &["Rollbook-Position"])
        .takes(&["asOf"])
        .refuses(&[503])
}

fn lists(id: &str, summary: &str, schema: &str) -> Operation {
    reads(id, summary, schema).takes(&["next_page_start"])
}

fn writes(id: &str, summary: &str, status: u16, schema: &str) -> Operation {
    let done = "Done, there was nothing to do, or what it would come to.";
    Operation::new(Tag::Management, id, summary)
        .answers(status, done, schema, &[])
        .takes(&["test_mode"])
        .refuses(&[503])
}

fn removes(id: &str, summary: &str) -> Operation {
    Operation::new(Tag::Management, id, summary)
        .answers_nothing(204, "Done, or it could be done.", &[])
        .takes(&["test_mode"])
        .refuses(&[409, 413, 503])
}

/// What it takes and answers, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let id = json!({ "type": "string", "format": "uuid" });
    let or_null = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let claimed = json!({
        "anyOf": [{ "type": "string", "maxLength": CLAIMED_CHARS }, { "type": "null" }],
        "description": "On whose behalf this is asked. Nobody checks it: it is kept beside the key that was shown.",
    });
    let privileges = json!({ "description": "Left out: policies say here what a role may do." });
    let role = json!({ "id": id, "name": text });
    let user = json!({
        "id": id, "email": or_null(&text), "active": flag, "first_name": text, "last_name": text,
        "roles": { "type": "array", "items": object(&role, &["id", "name"]) },
    });
    let word = json!({
        "anyOf": [text, { "type": "object", "properties": role }],
        "description": "A role by its id, by its name, or as it was read.",
    });
    let words = json!({ "type": "array", "items": word });
    let new_user = json!({
        "email": text, "first_name": text, "last_name": text, "roles": words, "invited_by_email": claimed,
    });
    let user_change = json!({
        "email": or_null(&text), "first_name": or_null(&text), "last_name": or_null(&text),
        "roles": or_null(&words), "updated_by_email": claimed,
    });
    let new_role = json!({
        "name": text, "description": text, "created_by_email": claimed,
        "privileges": privileges, "permissions": privileges,
    });
    let role_change = json!({
        "name": or_null(&text), "description": or_null(&text), "updated_by_email": claimed,
        "privileges": privileges, "permissions": privileges,
    });
    let described = json!({ "id": id, "name": text, "description": text });
    Map::from_iter([
        (
            "ManagedUser".to_owned(),
            object(&user, &["id", "email", "active", "first_name", "last_name", "roles"]),
        ),
        ("ManagedRole".to_owned(), object(&described, &["id", "name", "description"])),
        ("ManagedUserPage".to_owned(), page("users", "ManagedUser")),
        ("ManagedRolePage".to_owned(), page("roles", "ManagedRole")),
        ("NewManagedUser".to_owned(), closed(&new_user, &["email"])),
        ("ManagedUserChange".to_owned(), closed(&user_change, &[])),
        ("NewManagedRole".to_owned(), closed(&new_role, &["name"])),
        ("ManagedRoleChange".to_owned(), closed(&role_change, &[])),
    ])
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn closed(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn page(noun: &str, schema: &str) -> Value {
    let next = json!({
        "anyOf": [{ "type": "string" }, { "type": "null" }],
        "description": "The `next_page_start` of the next page; null: this was the last.",
    });
    let properties = json!({
        noun: { "type": "array", "items": schema_ref(schema), "maxItems": MANAGEMENT_PAGE },
        "items_this_page": { "type": "integer", "minimum": 0 },
        "next_page_start": next,
    });
    object(&properties, &[noun, "items_this_page", "next_page_start"])
}
