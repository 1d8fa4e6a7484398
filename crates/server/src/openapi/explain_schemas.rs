//! What an explanation looks like.

use serde_json::{Map, Value, json};

use super::admin_schemas::object;
use super::schema_ref;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let id = json!({ "type": "string", "format": "uuid" });
    let state =
        json!({ "type": "string", "enum": ["present", "notYet", "deleted", "retired", "unknown"] });
    let (commit, named) = (schema_ref("Commit"), schema_ref("Named"));
    let list = |items: &Value| json!({ "type": "array", "items": items });

    let link = json!({ "member": named, "group": named, "since": list(&commit) });
    let link = object(link, &["member", "group", "since"]);
    let description = "From the user to the group, each membership with the commits since when.";
    add("Way", json!({ "type": "array", "description": description, "items": link }));
    let ways = list(&schema_ref("Way"));
    let because = json!({ "added": commit, "group": named, "ways": ways });
    let because = object(because, &["added", "group", "ways"]);
    let given = json!({ "through": named, "assigned": commit, "rule": because });
    let given = object(given, &["through", "assigned"]);
    let held = json!({ "role": named, "retired": commit, "sources": list(&given) });
    let held = object(held, &["role", "sources"]);
    let period = json!({ "through": named, "from": commit, "until": commit });
    let period = object(period, &["through", "from", "until"]);
    let offer = json!({ "rule": named, "added": commit, "group": named, "left": commit });
    let offer = object(offer, &["rule", "added", "group"]);
    let person = json!({
        "id": id, "name": text, "state": state, "active": flag, "created": commit,
        "deactivated": commit, "locked": commit, "deleted": commit, "erased": commit,
    });
    let person = object(person, &["id", "state", "active"]);
    let role = json!({
        "name": text, "id": id, "state": state, "defined": commit, "retired": commit, "similar": text,
    });
    let group =
        json!({ "name": text, "id": id, "state": state, "created": commit, "deleted": commit });
    let head = json!({
        "position": { "type": "integer", "minimum": 1 },
        "at": { "type": "string", "format": "date-time" },
        "hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    });
    let explanation = json!({
        "answer": flag,
        "head": object(head, &["position", "at", "hash"]),
        "user": person,
        "role": object(role, &["name", "state"]),
        "group": object(group, &["name", "state"]),
        "roles": list(&held),
        "ways": ways,
        "past": list(&period),
        "rules": list(&offer),
        "problems": list(&schema_ref("Problem")),
    });
    add("Explanation", object(explanation, &["answer", "head", "user"]));
    all
}
