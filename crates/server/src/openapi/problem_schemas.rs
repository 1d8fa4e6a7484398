//! What the refusal journal answers.

use audit::ProblemKind;
use serde_json::{Map, Value, json};

use super::admin_schemas::object;
use super::schema_ref;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let (text, id) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uuid" }));
    let (time, count) = (
        json!({ "type": "string", "format": "date-time" }),
        json!({ "type": "integer", "minimum": 0 }),
    );
    let kinds: Vec<&str> = ProblemKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let problem = json!({
        "number": count, "kind": { "type": "string", "enum": kinds }, "at": time, "first": time, "count": count,
        "request": id, "connector": id, "connectorName": text, "credential": id, "operator": id, "source": text,
        "method": text, "path": text, "status": { "type": "integer" }, "scimType": text, "detail": text,
        "user": id, "userName": text, "group": id, "groupName": text, "role": id, "roleName": text,
        "policies": { "type": "array", "items": text },
    });
    let due = ["kind", "at", "first", "count", "request", "method", "path", "status", "detail"];
    let next = json!({ "anyOf": [count, { "type": "null" }] });
    let problems = json!({ "type": "array", "items": schema_ref("Problem") });
    let list = json!({ "problems": problems, "next": next });
    let all =
        [("Problem", object(problem, &due)), ("ProblemList", object(list, &["problems", "next"]))];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
