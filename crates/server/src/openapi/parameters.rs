//! Parameters of paths, queries and headers.

use domain::limits::{PAGE_DEFAULT, PAGE_MAX};
use serde_json::{Map, Value, json};

use crate::limits::{
    AUDIT_PAGE, AUDIT_PAGE_MAX, DIFF_PAGE, DIFF_PAGE_MAX, FEED_PAGE, FEED_PAGE_MAX,
    FEED_WAIT_SECONDS, PROBLEMS_PAGE, SHOWN_PAGE, SHOWN_PAGE_MAX,
};

/// The parameter of this name in a path.
pub(super) fn in_path(name: &str) -> Value {
    let (description, example) = match name {
        "tenant" => ("The tenant's slug.", "acme"),
        "id" => ("The id, as the server gave it.", "0198f3a0-0000-7000-8000-000000000001"),
        "user" => ("A user's id or `userName`.", "jane@acme.com"),
        "group" => ("A group's id or `displayName`.", "Sales"),
        "role" => ("A role's name.", "Analyst"),
        "connector" => ("A connector's name.", "okta"),
        "name" => ("A resource type's or a schema's name.", "User"),
        "urn" => ("A schema's URN.", "urn:ietf:params:scim:schemas:core:2.0:User"),
        _ => ("", ""),
    };
    json!({
        "name": name, "in": "path", "required": true, "description": description, "example": example,
        "schema": { "type": "string", "minLength": 1 },
    })
}

/// Parameters that a read of one resource takes.
pub(super) const READ: &[&str] = &["attributes", "excludedAttributes", "asOf", "min-position"];
/// Parameters that a list takes.
pub(super) const LIST: &[&str] = &[
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
    "asOf",
    "min-position",
];
/// Parameters that say what of a written resource is answered.
pub(super) const PROJECTION: &[&str] = &["attributes", "excludedAttributes"];

/// All query and header parameters, by the name that operations refer to.
pub(super) fn all() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let names = json!({ "type": "array", "items": { "type": "string", "examples": ["userName", "meta.created"] } });
    let filter = json!({ "type": "string", "examples": ["userName eq \"jane@acme.com\"", "externalId pr and id pr"] });
    let sort = json!({ "type": "string", "examples": ["id", "meta.lastModified"] });
    let moment = json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "format": "date-time" }, { "type": "string", "format": "date" }] });
    let position = json!({ "type": "integer", "minimum": 1 });
    let count = |default: usize, max: usize, least: u8| json!({ "type": "integer", "minimum": least, "default": default, "description": format!("At most {max} are answered.") });
    let mut all = Map::new();
    let mut add = |key: &str, place: &str, name: &str, description: String, schema: &Value| {
        let mut parameter = json!({
            "name": name, "in": place, "required": false, "description": description, "schema": schema,
        });
        if let (true, Value::Object(fields)) = (schema == &names, &mut parameter) {
            fields.insert("style".to_owned(), "form".into());
            fields.insert("explode".to_owned(), false.into());
        }
        all.insert(key.to_owned(), parameter);
    };
    let mut query = |name: &str, description: &str, schema: &Value| {
        add(name, "query", name, description.to_owned(), schema);
    };
    query(
        "filter",
        "Which resources, as in `userName eq \"jane@acme.com\"` (RFC 7644 §3.4.2.2).",
        &filter,
    );
    query("sortBy", "The attribute that decides the order (RFC 7644 §3.4.2.3).", &sort);
    query(
        "sortOrder",
        "The order.",
        &json!({ "type": "string", "enum": ["ascending", "descending"] }),
    );
    query(
        "startIndex",
        "The first resource of the page; below 1 is 1.",
        &json!({ "type": "integer", "default": 1 }),
    );
    query("count", "The most resources of the page.", &count(PAGE_DEFAULT, PAGE_MAX, 0));
    query(
        "cursor",
        "Pages by cursor (RFC 9865): empty for the first, else the `nextCursor` of the page before, with the same filter, sort, attributes and count. Not together with `startIndex`.",
        &text,
    );
    query(
        "attributes",
        "Only these attributes, beside those that are always there (RFC 7644 §3.9).",
        &names,
    );
    query("excludedAttributes", "All but these attributes.", &names);
    query(
        "asOf",
        "The past: a position, a time as in `2026-03-01T12:00:00Z`, or a day, which means its first moment in UTC.",
        &moment,
    );
    query(
        "min-position",
        "A position that the answer must not be behind, as `Rollbook-Position` said it.",
        &position,
    );
    query("subject", "About this user: an id, or a `userName` that they have or had.", &text);
    query("actor", "By this connector, operator or key.", &text);
    query(
        "event",
        "With one of these kinds of events, divided by commas, as in `RoleAssigned,RoleRevoked`.",
        &text,
    );
    query(
        "after",
        "The commits after this position: the `next.after` of the page before, 0 for the beginning. 409 if \
         the log does not go so far: the reader has followed another one.",
        &json!({ "type": "integer", "minimum": 0, "default": 0 }),
    );
    query(
        "afterHash",
        "The hash of the commit at `after`, as the reader knows it: 409 if another stands there.",
        &json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
    );
    query(
        "wait",
        "Seconds to wait for the next commit if there is none yet.",
        &json!({ "type": "integer", "minimum": 0, "maximum": FEED_WAIT_SECONDS, "default": 0 }),
    );
    query(
        "form",
        "`told`: entries, with names and values. `sealed`: the exact bytes, for a copy of the log, and \
         the keys of the persons who come to be in them, for `recipient` alone.",
        &json!({ "type": "string", "enum": ["told", "sealed"], "default": "told" }),
    );
    query(
        "recipient",
        "Whom to encrypt the keys to: an age recipient. Its identity need not outlive the copying.",
        &json!({ "type": "string", "pattern": "^age1" }),
    );
    query(
        "hash",
        "Whether to hash the directory, which takes time in proportion to it.",
        &json!({ "type": "boolean", "default": false }),
    );
    query("from", "From this position on.", &position);
    query("to", "Up to this position.", &position);
    query(
        "order",
        "The order.",
        &json!({ "type": "string", "enum": ["oldest", "newest"], "default": "oldest" }),
    );
    let shown = count(SHOWN_PAGE, SHOWN_PAGE_MAX, 0);
    let skip = json!({ "type": "integer", "minimum": 0, "default": 0 });
    query("skip", "How many things are passed over, as `next` of the page before says.", &skip);
    let things = count(DIFF_PAGE, DIFF_PAGE_MAX, 0);
    let flag = json!({ "type": "boolean", "default": false });
    let commits = count(AUDIT_PAGE, AUDIT_PAGE_MAX, 0);
    let feed = count(FEED_PAGE, FEED_PAGE_MAX, 0);
    let problems = json!({ "type": "integer", "minimum": 0, "default": PROBLEMS_PAGE });
    let mut keyed = |key: &str, place: &str, name: &str, description: &str, schema: &Value| {
        add(key, place, name, description.to_owned(), schema);
    };
    keyed("commitCount", "query", "count", "The most commits of the page.", &commits);
    keyed("feedCount", "query", "count", "The most commits of the page.", &feed);
    let after = "Those after this one: the `next` of the page before.";
    keyed("shownAfter", "query", "after", after, &text);
    keyed("shownCount", "query", "count", "The most members or holders of the page.", &shown);
    keyed("diffFrom", "query", "from", "The earlier moment. It must be given.", &moment);
    keyed("diffTo", "query", "to", "The later moment; now when it is left out.", &moment);
    let either = "by a name of either moment or an id";
    keyed("diffUser", "query", "user", &format!("Only this user, {either}."), &text);
    keyed("diffGroup", "query", "group", &format!("Only this group, {either}."), &text);
    keyed("diffRole", "query", "role", "Only this role, by its name or id.", &text);
    keyed("diffAll", "query", "all", "What was touched and is as before is told too.", &flag);
    keyed("diffCount", "query", "count", "The most things of the page.", &things);
    keyed("problemCount", "query", "count", "The most entries.", &problems);
    keyed(
        "If-Match",
        "header",
        "If-Match",
        "Only if the resource has one of these versions (RFC 7644 §3.14).",
        &text,
    );
    keyed(
        "If-None-Match",
        "header",
        "If-None-Match",
        "304 if the resource has one of these versions.",
        &text,
    );
    keyed(
        "Last-Event-ID",
        "header",
        "Last-Event-ID",
        "The last event's `id`, to go on where a stream broke off; it wins over `after`.",
        &json!({ "type": "integer", "minimum": 0 }),
    );
    keyed(
        "Prefer",
        "header",
        "Prefer",
        "Whether the answer shows what was written (RFC 7240 §4.2).",
        &json!({ "type": "string", "enum": ["return=representation", "return=minimal"] }),
    );
    all
}
