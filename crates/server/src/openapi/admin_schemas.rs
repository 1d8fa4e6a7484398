//! What administration and audit take and answer.

use domain::event::{EventKind, OperatorRole};
use domain::limits::{
    ADDRESS_CHARS, ALERT_ADDRESSES, DESCRIPTION_CHARS, MAPPING_RULES, NAME_CHARS, PATTERN_CHARS,
    PATTERNS, REASON_CHARS, TITLE_CHARS,
};
use domain::preset::PRESETS;
use domain::settings::Permission;
use serde_json::{Map, Value, json};

use super::schema_ref;
use crate::limits::OVERLAP_SECONDS;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, id) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uuid" }));
    let (time, flag) =
        (json!({ "type": "string", "format": "date-time" }), json!({ "type": "boolean" }));
    let (position, count) = (position(), json!({ "type": "integer", "minimum": 0 }));
    let (key, name) = (json!({ "type": "string", "description": "Told this once." }), name());
    let or_null = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let texts = json!({ "type": "array", "items": text });
    let base_url = json!({
        "type": "string", "format": "uri",
        "description": "What the identity provider is given to send to, by the server's public URL.",
    });

    let progress = json!({ "step": text, "done": count, "of": or_null(&count), "unit": text });
    let progress = object(progress, &["step", "done", "of", "unit"]);
    add("Health", object(json!({ "status": text, "progress": progress }), &["status"]));
    add("OpenApi", json!({ "type": "object", "required": ["openapi", "info", "paths"] }));
    add(
        "Done",
        object(
            json!({ "position": or_null(&position), "changed": flag, "notes": texts }),
            &["position", "changed"],
        ),
    );

    let preset = json!({ "type": "string", "enum": PRESETS });
    let description = json!({
        "type": "string", "maxLength": DESCRIPTION_CHARS,
        "description": "Without it, a role that is there keeps its own.",
    });
    let new_role = closed(json!({ "name": name, "description": description }), &["name"]);
    let roles = json!({
        "type": "array", "items": new_role,
        "description": "The roles to begin with, beside `Everyone`; without it, `Admin`, `Analyst` and `Business User`.",
    });
    let new = json!({ "slug": slug(), "preset": preset, "roles": roles });
    add("NewTenant", closed(new, &["slug"]));
    let reason = json!({
        "type": "string", "maxLength": REASON_CHARS,
        "description": "It stays in the log, in clear: it must not say anything about a person.",
    });
    add("Suspension", closed(json!({ "reason": reason }), &[]));
    add("Closure", closed(json!({ "slug": slug(), "reason": reason }), &["slug"]));
    let title = json!({ "type": "string", "maxLength": TITLE_CHARS });
    let mailbox = json!({ "type": "string", "maxLength": ADDRESS_CHARS });
    let mailboxes = json!({ "type": "array", "items": mailbox, "maxItems": ALERT_ADDRESSES });
    let described = json!({ "title": title, "alertAddresses": mailboxes, "alerts": flag });
    add("TenantDescription", closed(described, &[]));
    add(
        "OpenedTenant",
        object(
            json!({
                "id": id, "slug": slug(), "connector": id, "apiKey": or_null(&key),
                "scimBaseUrl": base_url,
            }),
            &["id", "slug", "connector", "apiKey", "scimBaseUrl"],
        ),
    );
    let head = json!({ "position": or_null(&position), "hash": hash() });
    let head = object(head, &["position", "hash"]);
    let of_system = with_description(head.clone(), "Of the instance's own log, if `heads=true`.");
    let tenant = json!({
        "id": id, "slug": text, "title": text, "state": tenant_state(), "opened": time, "head": head,
    });
    let tenant = object(tenant, &["id", "slug", "state", "opened"]);
    let tenants = json!({ "type": "array", "items": tenant });
    add("TenantList", object(json!({ "tenants": tenants, "head": of_system }), &["tenants"]));
    add("NewRole", new_role);
    let role = json!({ "id": id, "name": text, "description": text, "retired": flag });
    add(
        "DefinedRoleList",
        listed("roles", object(role, &["id", "name", "description", "retired"])),
    );

    let line = json!({
        "login": text, "firstName": text, "lastName": text, "email": text, "roles": texts,
    });
    let due = ["login", "firstName", "lastName", "email", "roles"];
    add("Roster", listed("roster", object(line, &due)));

    let dates = |mut fields: Value| {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("managedBy".to_owned(), or_null(&text));
            fields.insert("created".to_owned(), time.clone());
            fields.insert("modified".to_owned(), time.clone());
            fields.insert("position".to_owned(), position.clone());
        }
        fields
    };
    let state = json!({ "type": "string", "enum": ["active", "inactive", "locked"] });
    let user = dates(json!({
        "id": id, "userName": text, "displayName": or_null(&text), "email": or_null(&text),
        "state": state,
    }));
    let due = ["id", "userName", "displayName", "email", "state", "managedBy", "created"];
    let user = object(user, &[&due[..], &["modified", "position"]].concat());
    let users = json!({ "total": count, "position": or_null(&position), "users": { "type": "array", "items": user } });
    add("UserCensus", object(users, &["total", "position", "users"]));
    let group = dates(json!({ "id": id, "displayName": text, "members": count }));
    let due = ["id", "displayName", "members", "managedBy", "created", "modified", "position"];
    let group = object(group, &due);
    let groups = json!({ "total": count, "position": or_null(&position), "groups": { "type": "array", "items": group } });
    add("GroupCensus", object(groups, &["total", "position", "groups"]));

    let role = json!({ "type": "string", "enum": OperatorRole::ALL });
    let new = json!({ "name": name, "role": role, "expires": or_null(&time) });
    add("NewOperator", closed(new, &["name", "role"]));
    let added = json!({ "id": id, "credential": id, "operatorKey": key });
    add("AddedOperator", object(added, &["id", "credential", "operatorKey"]));
    let change = json!({ "name": or_null(&name), "role": or_null(&role) });
    add("OperatorChange", closed(change, &[]));
    let overlap = json!({
        "type": "integer", "minimum": 0, "maximum": OVERLAP_SECONDS,
        "description": "For how many seconds the others are good still, with `rotate`; not given, or 0: they end at once.",
    });
    let new =
        json!({ "expires": or_null(&time), "rotate": flag, "overlapSeconds": or_null(&overlap) });
    add("NewOperatorKey", closed(new, &[]));
    let issued = json!({ "id": id, "operatorKey": key });
    add("IssuedOperatorKey", object(issued, &["id", "operatorKey"]));
    let keys = json!({ "type": "array", "items": schema_ref("ShownKey") });
    let operator = json!({
        "id": id, "name": text, "role": role, "added": time, "removed": or_null(&time), "keys": keys,
    });
    let due = ["id", "name", "role", "added", "removed", "keys"];
    add("ListedOperator", object(operator, &due));
    add("OperatorList", listed("operators", schema_ref("ListedOperator")));

    let group = json!({ "type": "string", "description": "Its id, or its name in any case." });
    add("NewRule", closed(json!({ "group": group, "role": name }), &["group", "role"]));
    let rule = json!({
        "id": id, "group": id, "groupName": text, "role": text, "added": time, "position": position,
    });
    let due = ["id", "group", "groupName", "role", "added", "position"];
    add("RuleList", listed("rules", object(rule, &due)));
    let reason = json!({
        "type": "string", "minLength": 1, "maxLength": REASON_CHARS,
        "description": "It stays in the log, in clear: it must not say who they were.",
    });
    add("NewErasure", closed(json!({ "reason": reason, "dryRun": flag }), &["reason"]));
    let why = json!({
        "type": "string", "minLength": 1, "maxLength": REASON_CHARS,
        "description": "It is sealed with the person's values.",
    });
    let resource = |what: &str| json!({ "type": "object", "description": what });
    add("LocalUser", resource("A user as SCIM has it (RFC 7643 §4.1); `schemas` may be left out."));
    add(
        "LocalGroup",
        resource("A group as SCIM has it (RFC 7643 §4.2); `schemas` may be left out."),
    );
    add(
        "LocalPatch",
        resource("A PATCH as SCIM has it (RFC 7644 §3.5.2); `schemas` may be left out."),
    );
    let made = json!({ "id": id, "position": or_null(&position), "changed": flag });
    add("Made", object(made, &["id", "position", "changed"]));
    let arrival = json!({ "userName": text, "email": text, "givenName": text, "familyName": text });
    add("Arrival", closed(arrival, &["email"]));
    let arrived = json!({ "id": id, "created": flag, "mayAct": flag });
    add("Arrived", object(arrived, &["id", "created", "mayAct"]));
    let left = json!({ "position": or_null(&position), "changed": flag, "left": count });
    add("Released", object(left, &["position", "changed", "left"]));
    add("NewLock", closed(json!({ "reason": why }), &["reason"]));
    let place = object(json!({ "path": text, "position": position }), &["path"]);
    let due = [
        "user",
        "erased",
        "position",
        "hash",
        "deletes",
        "events",
        "credentials",
        "refusals",
        "stands",
        "more",
        "todo",
    ];
    let erasure = json!({
        "user": id, "erased": flag, "position": or_null(&position), "hash": or_null(&hash()),
        "deletes": flag, "events": count, "credentials": count, "refusals": count,
        "stands": { "type": "array", "items": place }, "more": flag, "todo": texts,
    });
    add("Erasure", object(erasure, &due));

    let mode = json!({ "type": "string", "enum": ["strict", "lenient", "interop"] });
    let patch_answer = json!({ "type": "string", "enum": ["standard", "resource"] });
    let catalogue = json!({ "type": "string", "enum": ["none", "draft", "okta"] });
    let unknown = json!({ "type": "string", "enum": ["refuse", "report"] });
    let one_of =
        |names: &[&str]| json!({ "type": "string", "enum": names, "default": names.first() });
    let workflows = Permission::ALL.map(Permission::name);
    let permissions = json!({
        "type": "array", "items": { "type": "string", "enum": workflows }, "uniqueItems": true,
        "default": workflows,
    });
    let patterns = json!({
        "type": "array", "maxItems": PATTERNS,
        "items": { "type": "string", "minLength": 1, "maxLength": PATTERN_CHARS },
        "description": "In whatever case; `*` is any text.",
    });
    let selection = json!({
        "userNames": patterns, "emailDomains": patterns, "groups": patterns,
    });
    let selection = closed(selection, &[]);
    let feeds = json!({
        "to": text, "from": text,
        "take": { "type": "string", "enum": ["whole", "before-at"], "default": "whole" },
    });
    let feeds = closed(feeds, &["to", "from"]);
    let mut settings = json!({
        "preset": preset, "mode": mode, "emptyUnassigns": flag, "patchAnswer": patch_answer,
        "catalogue": catalogue, "unknownMembers": unknown,
        "enabled": { "type": "boolean", "default": true },
        "permissions": permissions,
        "onDeactivate": one_of(&["keep-groups", "leave-groups"]),
        "onReactivate": one_of(&["nothing", "restore-groups"]),
        "onDelete": one_of(&["delete", "deactivate", "refuse"]),
        "putWithoutActive": one_of(&["keep", "activate"]),
        "managementApi": { "type": "boolean", "default": false },
        "rolesAttribute": or_null(&text), "platformAttribute": or_null(&text),
        "grantedTenants": texts, "grantedTo": or_null(&text),
        "attributeOnly": { "type": "boolean", "default": false },
        "linking": one_of(&["userName", "userNameOrEmail", "never"]),
        "mapping": { "type": "array", "items": feeds, "maxItems": MAPPING_RULES },
        "include": selection, "exclude": selection,
    });
    add("ConnectorSettings", object(settings.clone(), &["preset", "mode"]));
    add("ConnectorChange", closed(settings.clone(), &[]));
    if let Some(settings) = settings.as_object_mut() {
        settings.insert("name".to_owned(), name.clone());
    }
    add("NewConnector", closed(settings, &["name"]));
    let added = json!({ "id": id, "credential": id, "apiKey": key, "scimBaseUrl": base_url });
    add("AddedConnector", object(added, &["id", "credential", "apiKey", "scimBaseUrl"]));
    let rule =
        object(json!({ "rule": text, "what": text, "times": count }), &["rule", "what", "times"]);
    let tolerated = json!({
        "since": or_null(&time), "requests": count, "strictWouldRefuse": count,
        "rules": { "type": "array", "items": rule },
    });
    let tolerated = object(tolerated, &["since", "requests", "strictWouldRefuse", "rules"]);
    let connector = json!({
        "id": id, "name": text, "settings": schema_ref("ConnectorSettings"), "created": time,
        "tolerated": or_null(&tolerated),
    });
    add("Connector", object(connector, &["id", "name", "settings", "created", "tolerated"]));
    add("ConnectorList", listed("connectors", schema_ref("Connector")));

    let one = json!({
        "type": { "type": "string", "enum": ["user", "group"] }, "id": id, "name": text,
        "created": time, "modified": time, "position": position,
    });
    let one = object(one, &["type", "id", "name", "created", "modified", "position"]);
    let ignored = json!({
        "connector": text, "users": count, "groups": count,
        "ignored": { "type": "array", "items": one },
    });
    add("Ignored", object(ignored, &["connector", "users", "groups", "ignored"]));

    let schema =
        json!({ "type": "object", "description": "As `/Schemas` would serve it (RFC 7643 §7)." });
    let new = json!({ "schema": schema, "resourceType": text, "required": flag });
    add("NewSchema", closed(new, &["schema"]));
    let added = json!({
        "urn": text, "resourceType": text, "required": flag, "added": time, "schema": schema,
    });
    let due = ["urn", "resourceType", "required", "added", "schema"];
    add("AddedSchemaList", listed("schemas", object(added, &due)));

    let kinds: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    let named = schema_ref("Named");
    add("Named", object(json!({ "kind": text, "id": text, "name": text }), &["kind"]));
    let event = json!({
        "type": { "type": "string", "enum": kinds, "description": "schemas/events/ describes each." },
        "userName": text, "roleName": text, "groupName": text, "memberName": text,
        "policyName": text, "connectorName": text, "credentialHint": text, "heldBy": named,
        "through": named, "before": texts, "after": texts,
        "inEffectBefore": flag, "inEffectAfter": flag, "sessionRevoked": flag,
    });
    let commit = json!({
        "position": position, "hash": hash(), "at": time, "actor": named, "credential": named,
        "source": text, "agent": text, "claimed": named, "request": id,
        "events": { "type": "array", "items": object(event, &["type"]) },
    });
    let commit = object(commit, &["position", "hash", "at", "actor", "request", "events"]);
    let next = or_null(&object(json!({ "from": position, "to": position }), &[]));
    let next = with_description(next, "The parameters of the next page.");
    add("Commit", commit);
    let commits = json!({ "type": "array", "items": schema_ref("Commit") });
    let list = json!({ "commits": commits, "next": next });
    add("CommitList", object(list, &["commits", "next"]));

    let after = object(json!({ "after": count }), &["after"]);
    let after = with_description(after, "The parameters of the next page.");
    let head = json!({
        "position": or_null(&position), "hash": hash(),
        "directoryHash": with_description(hash(), "If `hash=true` asked for it."),
    });
    let head = object(head, &["position", "hash"]);
    let told = json!({ "commits": commits, "next": after, "head": head });
    add("ToldCommits", object(told, &["commits", "next", "head"]));
    let base64 = json!({ "type": "string", "contentEncoding": "base64" });
    let bytes = with_description(base64.clone(), "The exact bytes that the log holds.");
    let sealed = json!({ "position": position, "hash": hash(), "bytes": bytes });
    let sealed = object(sealed, &["position", "hash", "bytes"]);
    let keys = "The keys of the persons who come to be in these commits and are not erased: an age file \
        for the recipient, that names the last commit's hash. Null: nobody comes to be.";
    let copied = json!({
        "tenant": id, "commits": { "type": "array", "items": sealed },
        "keys": with_description(or_null(&base64), keys), "next": or_null(&after), "head": head,
    });
    let due = ["tenant", "commits", "keys", "next", "head"];
    add("CopiedCommits", object(copied, &due));
    let either = [schema_ref("ToldCommits"), schema_ref("CopiedCommits")];
    add("FeedPage", json!({ "anyOf": either }));
    all.extend(super::problem_schemas::all());
    all.extend(super::credential_schemas::all());
    all.extend(super::policy_schemas::all());
    all.extend(super::explain_schemas::all());
    all.extend(super::access_schemas::all());
    all
}

pub(super) fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

/// One that takes nothing else.
pub(super) fn closed(properties: Value, required: &[&str]) -> Value {
    let mut schema = object(properties, required);
    if let Value::Object(fields) = &mut schema {
        fields.insert("additionalProperties".to_owned(), false.into());
    }
    schema
}

pub(super) fn listed(name: &str, item: Value) -> Value {
    object(json!({ name: { "type": "array", "items": item } }), &[name])
}

fn with_description(mut schema: Value, description: &str) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), description.into());
    }
    schema
}

pub(super) fn tenant_state() -> Value {
    json!({ "type": "string", "enum": ["open", "suspended", "closed"] })
}

pub(super) fn position() -> Value {
    json!({ "type": "integer", "minimum": 1, "description": "A place in the tenant's log." })
}

pub(super) fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

pub(super) fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": NAME_CHARS })
}

fn slug() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": NAME_CHARS, "pattern": "^[a-z0-9-]+$" })
}
