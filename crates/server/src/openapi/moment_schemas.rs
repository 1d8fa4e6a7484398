//! What is shown of a moment, and what is told of two.

use serde_json::{Map, Value, json};

use super::admin_schemas::{hash, object, position, tenant_state};
use super::schema_ref;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, id) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uuid" }));
    let (time, flag) =
        (json!({ "type": "string", "format": "date-time" }), json!({ "type": "boolean" }));
    let count = json!({ "type": "integer", "minimum": 0 });
    let or_null = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let listed = |item: &Value| json!({ "type": "array", "items": item });
    let (named, key) = (schema_ref("Named"), schema_ref("ShownKey"));
    let kind = |name: &str| json!({ "const": name });
    let moment = schema_ref("Moment");

    add(
        "Moment",
        object(
            json!({ "position": position(), "at": time, "hash": hash() }),
            &["position", "at", "hash"],
        ),
    );
    add(
        "CommitBrief",
        object(
            json!({ "position": position(), "at": time, "actor": named, "credential": named, "request": id }),
            &["position", "at", "actor", "request"],
        ),
    );
    let stamp = object(json!({ "position": position(), "at": time }), &["position", "at"]);
    add(
        "ShownKey",
        object(
            json!({
                "id": id, "hint": text, "issued": stamp, "expires": or_null(&time),
                "revoked": or_null(&stamp), "lastUsed": time,
            }),
            &["id", "hint", "issued", "expires", "revoked"],
        ),
    );

    let through =
        json!({ "kind": text, "id": text, "name": text, "wording": { "type": "object" } });
    let through = listed(&object(through, &["kind"]));
    let called = listed(&object(
        json!({ "connector": or_null(&named), "value": text }),
        &["connector", "value"],
    ));
    let written = object(
        json!({ "connector": named, "values": { "type": "object" } }),
        &["connector", "values"],
    );
    let role =
        object(json!({ "id": id, "name": text, "through": through }), &["id", "name", "through"]);
    let in_group = object(
        json!({ "id": id, "name": text, "through": listed(&named), "via": named }),
        &["id", "name"],
    );
    let attributes = json!({ "type": "object" });
    let locked = object(
        json!({ "since": time, "position": position(), "reason": or_null(&text), "active": flag }),
        &["since", "position", "reason", "active"],
    );
    add(
        "ShownUser",
        shown(
            json!({
                "kind": kind("user"), "head": moment, "id": id, "userName": text, "active": flag,
                "activeUnassigned": flag, "locked": locked, "erased": schema_ref("CommitBrief"),
                "managedBy": or_null(&named), "externalIds": called, "written": listed(&written),
                "roles": listed(&role),
                "implicitRoles": listed(&text), "noPrivileges": flag,
                "groups": listed(&in_group), "attributes": attributes, "keys": listed(&key),
                "problems": listed(&schema_ref("Problem")),
            }),
            &[
                "kind",
                "head",
                "id",
                "userName",
                "active",
                "managedBy",
                "externalIds",
                "roles",
                "groups",
                "attributes",
                "keys",
            ],
            &time,
        ),
    );
    let member = json!({ "kind": text, "id": text, "name": text, "through": listed(&named) });
    add(
        "ShownGroup",
        shown(
            json!({
                "kind": kind("group"), "head": moment, "id": id, "displayName": text,
                "managedBy": or_null(&named), "externalIds": called, "groups": listed(&in_group),
                "attributes": attributes, "rules": listed(&named), "memberCount": count,
                "members": listed(&object(member, &["kind", "id", "through"])), "next": or_null(&text),
                "problems": listed(&schema_ref("Problem")),
            }),
            &[
                "kind",
                "head",
                "id",
                "displayName",
                "managedBy",
                "externalIds",
                "groups",
                "attributes",
                "rules",
                "memberCount",
                "members",
                "next",
            ],
            &time,
        ),
    );
    let holder = json!({ "id": id, "userName": text, "active": flag, "through": through });
    add(
        "ShownRole",
        shown(
            json!({
                "kind": kind("role"), "head": moment, "id": id, "name": text, "description": text,
                "retired": flag, "rules": listed(&named), "holderCount": count,
                "holders": listed(&object(holder, &["id", "userName", "active", "through"])),
                "next": or_null(&text),
            }),
            &[
                "kind",
                "head",
                "id",
                "name",
                "description",
                "retired",
                "rules",
                "holderCount",
                "holders",
                "next",
            ],
            &time,
        ),
    );
    add(
        "ShownCredential",
        object(
            json!({
                "kind": kind("credential"), "head": moment, "holder": named, "id": id, "hint": text,
                "issued": stamp, "expires": or_null(&time), "revoked": or_null(&stamp),
                "credentialKind": text, "scopes": listed(&text), "replaces": id,
            }),
            &["kind", "head", "holder", "id", "hint", "issued", "expires", "revoked"],
        ),
    );
    add(
        "ShownConnector",
        object(
            json!({
                "kind": kind("connector"), "head": moment, "id": id, "name": text,
                "settings": schema_ref("ConnectorSettings"), "created": time,
                "createdPosition": position(), "keys": listed(&key),
                "tolerated": { "description": "As in the list of connectors; null for the past." },
            }),
            &[
                "kind",
                "head",
                "id",
                "name",
                "settings",
                "created",
                "createdPosition",
                "keys",
                "tolerated",
            ],
        ),
    );
    let cause = json!({
        "position": position(), "at": time, "actor": named, "credential": named, "request": id,
        "reason": text,
    });
    let cause = object(cause, &["position", "at", "actor", "request", "reason"]);
    let summary = json!({ "id": id, "name": text, "settings": schema_ref("ConnectorSettings") });
    let connectors = listed(&object(summary, &["id", "name", "settings"]));
    add(
        "Tenant",
        object(
            json!({
                "kind": kind("tenant"), "head": moment, "id": id, "slug": text, "opened": time,
                "title": text, "state": tenant_state(), "since": cause,
                "alertAddresses": listed(&text), "alerts": flag,
                "users": count, "groups": count, "roles": count, "rules": count, "policies": count,
                "credentials": count, "connectors": connectors, "schemas": listed(&text),
                "holders": { "type": "object", "additionalProperties": count },
            }),
            &[
                "kind",
                "head",
                "id",
                "slug",
                "title",
                "state",
                "alertAddresses",
                "alerts",
                "opened",
                "users",
                "groups",
                "roles",
                "rules",
                "policies",
                "credentials",
                "connectors",
                "schemas",
                "holders",
            ],
        ),
    );
    differences(&mut add);
    all
}

/// What is told of two moments.
fn differences(add: &mut dyn FnMut(&str, Value)) {
    let text = json!({ "type": "string" });
    let (named, brief) = (schema_ref("Named"), schema_ref("CommitBrief"));
    let counts =
        ["appeared", "disappeared", "changed", "erased", "changedBack", "cameAndWent", "commits"];
    let count = json!({ "type": "integer", "minimum": 0 });
    let fields: Map<String, Value> =
        counts.iter().map(|name| ((*name).to_owned(), count.clone())).collect();
    let summary = object(fields.into(), &counts);
    let what = ["attribute", "externalId", "role", "member", "group", "holder"];
    let value = json!({ "description": "The value; for roles and memberships, through what; null: it was not so." });
    let change = object(
        json!({
            "what": { "type": "string", "enum": what }, "path": text, "about": named,
            "before": value, "after": value,
            "commits": { "type": "array", "items": position() },
        }),
        &["what", "path", "before", "after", "commits"],
    );
    let became = ["appeared", "disappeared", "changed", "erased", "changedBack", "cameAndWent"];
    let difference = object(
        json!({
            "thing": named, "became": { "type": "string", "enum": became }, "erased": brief,
            "changes": { "type": "array", "items": change },
            "commits": { "type": "array", "items": brief },
        }),
        &["thing", "became", "changes", "commits"],
    );
    let next = json!({
        "anyOf": [count, { "type": "null" }], "description": "The parameter `skip` of the next page.",
    });
    add(
        "Diff",
        object(
            json!({
                "from": schema_ref("Moment"), "to": schema_ref("Moment"), "summary": summary,
                "differences": { "type": "array", "items": difference }, "next": next,
            }),
            &["from", "to", "summary", "differences", "next"],
        ),
    );
}

/// A thing with the dates that all have.
fn shown(mut properties: Value, required: &[&str], time: &Value) -> Value {
    let dates = ["created", "createdPosition", "changed", "version"];
    if let Some(fields) = properties.as_object_mut() {
        for name in dates {
            let is_time = matches!(name, "created" | "changed");
            fields.insert(name.to_owned(), if is_time { time.clone() } else { position() });
        }
    }
    let required: Vec<&str> = required.iter().copied().chain(dates).collect();
    object(properties, &required)
}
