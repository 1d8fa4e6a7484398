//! What questions about access and their answers look like.

use serde_json::{Map, Value, json};

use super::admin_schemas::object;
use super::schema_ref;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| drop(all.insert(name.to_owned(), schema));
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let (commit, named) = (schema_ref("Commit"), schema_ref("Named"));
    let list = |items: &Value| json!({ "type": "array", "items": items });
    let user = json!({ "type": "string", "description": "An id, or a userName in any case." });
    let action = json!({ "type": "string", "description": "An action's id, or its full name where two have it." });
    let resource = json!({ "type": "string", "description": "As in Table::\"sales\"." });
    let context = json!({ "type": "object", "description": "Cedar's context." });
    let entities = json!({
        "type": "array", "items": { "type": "object" }, "maxItems": access::limits::ENTITIES,
        "description": "Entities of the tenant's own types in Cedar's JSON form: uid, attrs, parents. Users and groups that \
                        they refer to may be named by name.",
    });
    let question = json!({
        "user": user, "action": action, "resource": resource, "context": context, "entities": entities,
    });
    let mut one = object(question.clone(), &["user", "action", "resource"]);
    let asked = ["user", "action", "resource"];
    let mut alone = question;
    if let Some(members) = alone.as_object_mut() {
        members.insert("explain".to_owned(), json!({ "type": "boolean", "default": true }));
    }
    if let Some(members) = one.as_object_mut() {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    let several = json!({
        "checks": { "type": "array", "items": one, "minItems": 1, "maxItems": crate::limits::CHECKS },
        "entities": entities,
        "explain": { "type": "boolean", "default": false, "description": "Whether the commits behind each answer are told." },
    });
    add(
        "AccessQuestion",
        json!({ "oneOf": [object(alone, &asked), object(several, &["checks"])] }),
    );

    let who =
        object(json!({ "id": { "type": "string", "format": "uuid" }, "name": text }), &["name"]);
    let given = json!({ "through": named, "assigned": commit, "rule": { "type": "object" } });
    let held = json!({ "role": named, "retired": commit, "sources": list(&given) });
    let ground = json!({
        "what": named, "ways": list(&schema_ref("Way")), "role": object(held, &["role", "sources"]),
    });
    let grounds = json!({
        "policy": named,
        "effect": { "type": "string", "enum": ["permit", "forbid"] },
        "written": commit,
        "through": list(&object(ground, &["what"])),
    });
    let broken = object(json!({ "policy": text, "error": text }), &["policy", "error"]);
    let mut reasons: Vec<&str> = access::Reason::ALL.iter().map(|reason| reason.word()).collect();
    reasons.push("no-such-action");
    let checked = json!({
        "user": who,
        "action": text,
        "resource": text,
        "decision": { "type": "string", "enum": ["allow", "deny"] },
        "reason": { "type": "string", "enum": reasons },
        "policies": list(&object(grounds.clone(), &["policy", "effect"])),
        "since": commit,
        "errors": list(&broken),
    });
    let needed = ["user", "action", "resource", "decision"];
    add("AccessDecision", object(checked, &needed));
    let head = json!({
        "position": { "type": "integer", "minimum": 1 },
        "at": { "type": "string", "format": "date-time" },
        "hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    });
    let head = object(head, &["position", "at", "hash"]);
    let decision = schema_ref("AccessDecision");
    let with_head = object(json!({ "head": head }), &["head"]);
    let several = object(json!({ "head": head, "checks": list(&decision) }), &["head", "checks"]);
    add("AccessAnswer", json!({ "oneOf": [{ "allOf": [with_head, decision] }, several] }));

    let mut can = grounds;
    if let Some(members) = can.as_object_mut() {
        members.insert("actions".to_owned(), list(&text));
        members.insert("conditional".to_owned(), flag);
    }
    let can = object(can, &["policy", "effect", "actions", "conditional"]);
    let barred = json!({ "type": "string", "enum": ["inactive", "locked", "no-privileges"] });
    let listed = json!({ "head": head, "user": who, "reason": barred, "policies": list(&can) });
    add("ApplicablePolicies", object(listed, &["head", "user", "policies"]));

    let between = json!({
        "user": user, "from": text, "to": text, "action": action, "resources": list(&resource),
        "context": context, "entities": entities,
    });
    add("AccessBetween", object(between, &["user", "from"]));
    let changed =
        json!({ "action": text, "resource": text, "before": decision, "after": decision });
    let changed = object(changed, &["action", "resource", "before", "after"]);
    let diff = json!({
        "from": head, "to": head, "user": who, "compared": { "type": "integer", "minimum": 0 },
        "changes": list(&changed), "commits": list(&commit),
    });
    add("AccessDiff", object(diff, &["from", "to", "user", "compared", "changes", "commits"]));
    all
}
