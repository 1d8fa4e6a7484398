//! What policies take and answer.

use domain::limits::POLICY_SCHEMA_BYTES;
use serde_json::{Map, Value, json};

use super::admin_schemas::{object, position};
use super::schema_ref;

/// All of it, by name.
pub(super) fn all() -> Map<String, Value> {
    let (text, id) = (json!({ "type": "string" }), json!({ "type": "string", "format": "uuid" }));
    let (time, flag) =
        (json!({ "type": "string", "format": "date-time" }), json!({ "type": "boolean" }));
    let or_null = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let list = |schema: &Value| json!({ "type": "array", "items": schema });
    let kinds = json!({ "type": "string", "enum": ["user", "group", "role"] });
    let states = json!({ "type": "string", "enum": ["present", "inactive", "retired", "gone"] });
    let named = json!({ "kind": kinds, "id": text, "name": text, "state": states });
    let named = object(named, &["kind", "state"]);
    let policy = json!({
        "id": id, "name": text, "text": text, "dangling": flag, "names": list(&named),
        "created": time, "changed": time, "version": position(),
    });
    let due = ["id", "name", "text", "dangling", "names", "created", "changed", "version"];
    let given = json!({ "type": "string", "maxLength": POLICY_SCHEMA_BYTES });
    let mut body = object(json!({ "text": given }), &["text"]);
    if let Value::Object(fields) = &mut body {
        fields.insert("additionalProperties".to_owned(), false.into());
    }
    let written =
        json!({ "position": or_null(&position()), "changed": flag, "warnings": list(&text) });
    let schema = json!({
        "text": text, "principals": text, "changed": or_null(&time), "version": or_null(&position()),
    });
    let all = [
        ("Policy", object(policy, &due)),
        ("PolicyList", object(json!({ "policies": list(&schema_ref("Policy")) }), &["policies"])),
        ("PolicyText", body),
        ("WrittenPolicy", object(written, &["position", "changed", "warnings"])),
        ("PolicySchema", object(schema, &["text", "principals", "changed", "version"])),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
