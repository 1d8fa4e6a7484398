//! SCIM 2.0, statement by statement, as a client sees it. `make conformance` says which are shown.
//!
//! Seen to catch, among others: `lastModified` that stays, another connector's `externalId`, a filter
//! on `/Schemas`, an order of mails that counts as a change, a PUT that lets a suspended user in, a
//! PUT that removes and adds members who stay, a GET without `Content-Location`, a group that is told
//! twice in a circle, an answer without its request's id, weak tags that never match, a version of the protocol that does
//! not exist, another tenant's address that opens, a PATCH that hides what was chosen.

mod active;
mod characteristics;
mod common;
mod create;
mod delete;
mod discovery;
mod errors;
mod filter;
mod http;
mod interop;
mod model;
mod patch;
mod projection;
mod replace;
mod retrieve;
mod sort;
mod tenancy;
mod user_group;

use domain::command::Command;
use serde_json::{Map, Value, json};
use testkit::app::{Client, Reply, TestApp};

pub(crate) use crate::messages::{
    CORE, ENTERPRISE, ERROR, GROUP, LIST, PATCH, SEARCH, encoded, patch,
};

/// The extension that the tests' own schemas make.
pub(crate) const OWN: &str = "urn:example:schemas:badge:2.0:User";

/// A user with these further attributes; their URNs are named in `schemas`.
pub(crate) fn user(name: &str, more: Value) -> Value {
    let more: Map<String, Value> = more.as_object().unwrap().clone();
    let urns = more.keys().filter(|key| key.to_ascii_lowercase().starts_with("urn:"));
    let schemas: Vec<&str> = [CORE].into_iter().chain(urns.map(String::as_str)).collect();
    let mut body = json!({ "schemas": schemas, "userName": name });
    body.as_object_mut().unwrap().extend(more);
    body
}

/// A group with members of these ids.
pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

/// A PATCH message with one operation; without a value if that is null.
pub(crate) fn one(op: &str, path: &str, value: Value) -> Value {
    if value.is_null() {
        return patch(json!([{ "op": op, "path": path }]));
    }
    patch(json!([{ "op": op, "path": path, "value": value }]))
}

/// Where a user is.
pub(crate) fn at(user: &Reply) -> String {
    format!("/Users/{}", user.id())
}

/// The same for a group.
pub(crate) fn at_group(group: &Reply) -> String {
    format!("/Groups/{}", group.id())
}

/// The keys of an object, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// That this is the error with this status and `scimType`.
#[track_caller]
pub(crate) fn refused(reply: Reply, status: u16, kind: &str) -> Reply {
    let reply = reply.expect(status);
    assert_eq!(reply.body["schemas"], json!([ERROR]), "{reply}");
    assert_eq!(reply.body["status"], status.to_string(), "{reply}");
    assert_eq!(reply.body.get("scimType").and_then(Value::as_str).unwrap_or(""), kind, "{reply}");
    reply
}

/// 400 with this `scimType`.
#[track_caller]
pub(crate) fn bad(reply: Reply, kind: &str) {
    refused(reply, 400, kind);
}

/// The list that a filter gives.
pub(crate) async fn filtered(idp: &Client, endpoint: &str, filter: &str) -> Reply {
    idp.get(&format!("{endpoint}?filter={}", encoded(filter))).await
}

/// The user names that a filter finds, in order.
pub(crate) async fn found(idp: &Client, filter: &str) -> Vec<String> {
    names(&filtered(idp, "/Users", filter).await.expect(200))
}

/// The user names in a list.
pub(crate) fn names(list: &Reply) -> Vec<String> {
    let found = list.body["Resources"].as_array().unwrap();
    found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// How far acme's log has come.
pub(crate) fn head(app: &TestApp) -> u64 {
    let world = app.app.engine.world();
    let (_, snapshot) = world.with_slug("acme").unwrap();
    snapshot.head.position.map_or(0, |position| position.get())
}

/// Lets time pass.
pub(crate) fn wait(app: &TestApp, millis: i64) {
    app.clock.fetch_add(millis, std::sync::atomic::Ordering::Relaxed);
}

/// Adds an extension to acme's users: the URN [`OWN`] and these attributes.
pub(crate) async fn extend(app: &TestApp, required: bool, attributes: Value) -> Result<(), String> {
    let document = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": OWN, "name": "Badge", "description": "What is on a badge", "attributes": attributes,
    });
    let document = document.to_string();
    let command = Command::AddSchema { document, resource_type: "User".to_owned(), required };
    let tenant = app.app.engine.world().with_slug("acme").unwrap().0.id;
    let done = app.app.engine.submit(tenant, server::startup(&app.app), command).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// The idp of the other tenant.
pub(crate) fn globex(app: &TestApp) -> Client {
    app.stranger(Some(&TestApp::key("globex")))
}
