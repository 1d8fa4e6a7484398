//! Parameters of paths, queries and headers.

use domain::limits::{PAGE_DEFAULT, PAGE_MAX};
use serde_json::{Map, Value, json};

use crate::limits::{
    AUDIT_PAGE, AUDIT_PAGE_MAX, DIFF_PAGE, DIFF_PAGE_MAX, FEED_PAGE, FEED_PAGE_MAX,
    FEED_WAIT_SECONDS, PROBLEMS_PAGE, PROBLEMS_PAGE_MAX, SHOWN_PAGE, SHOWN_PAGE_MAX,
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
        "policy" => ("A policy's name, in any case.", "sales-read"),
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
        "test_mode",
        "`true`: nothing is written; the answer is what it would be.",
        &json!({ "type": "boolean", "default": false }),
    );
    query(
        "next_page_start",
        "Where the page begins: the `next_page_start` of the page before; the first page when it is not given.",
        &json!({ "type": "string", "examples": ["12-0198f3a0-0000-7000-8000-000000000001"] }),
    );
    query(
        "min-position",
        "A position that the answer must not be behind, as `Rollbook-Position` said it.",
        &position,
    );
    let moments = json!({ "anyOf": [
        { "type": "integer", "minimum": 1 },
        { "type": "string", "format": "date-time" },
        { "type": "string", "format": "date" },
    ] });
    query(
        "subject",
        "Events about this, as in `user:jane@acme.com`, `group:Sales`, `role:Analyst`, `policy:Base`, `connector:okta`, `credential:acme:3f…`, `operator:owner` or `tenant`; without a kind, a user. By id, or by a name that it has or had; all that had it are meant. Any parameter that says which commits are asked for may be given several times: then any of its values will do. Different parameters must all be met, by one event.",
        &text,
    );
    query("user", "Events about this user: an id, or a `userName` that they have or had.", &text);
    query("group", "Events about this group: an id, or a `displayName` that it has or had.", &text);
    query("policy", "Events about this policy: an id, or a name that it has or had.", &text);
    query(
        "actor",
        "Done by this connector or operator, or by `system`; `connector:NAME` and `operator:NAME` tell two of one name apart.",
        &text,
    );
    query("connector", "Done by this connector: a name or an id.", &text);
    query("credential", "Done with this credential: an id, or its hint.", &text);
    query(
        "event",
        "Events of these types, divided by commas, as in `RoleAssigned,RoleRevoked`; `SessionRevoked` is whatever ends a user's sessions.",
        &text,
    );
    query(
        "attribute",
        "Changes of this attribute and what is in it: `title`, `name`, `name.givenName`, `urn:…:User:department` or `department`; also `userName`, `active`, `roles`, `members`.",
        &text,
    );
    query("request", "Done in this request: the id that `Rollbook-Request` told.", &text);
    query("address", "Asked from this address, or from this range, as in `10.0.0.0/8`.", &text);
    query(
        "involving",
        "As `subject`, and with what it did itself or was done with it: both sides of a connector, a credential or an operator.",
        &text,
    );
    query(
        "access",
        "Everything that bears on what this user may do: whether they are there and active, their roles, keys, and the groups that they were ever in, directly or through another.",
        &text,
    );
    query("from", "From this position or time on.", &moments);
    query("to", "Up to this position or time; a day is meant as a whole (in UTC).", &moments);
    query(
        "format",
        "How the answer is written: `json` in pages; `ndjson`, a commit a line, and `csv`, a row for each event, to the end or for `count` commits. `Accept` says the same by `application/json`, `application/x-ndjson` or `text/csv`.",
        &json!({ "type": "string", "enum": ["json", "ndjson", "csv"], "default": "json" }),
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
    query(
        "heads",
        "Whether to tell where each log ends now: one question instead of one for each tenant.",
        &json!({ "type": "boolean", "default": false }),
    );
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
    let problems = json!({ "type": "integer", "minimum": 0, "maximum": PROBLEMS_PAGE_MAX, "default": PROBLEMS_PAGE });
    let mut keyed = |key: &str, place: &str, name: &str, description: &str, schema: &Value| {
        add(key, place, name, description.to_owned(), schema);
    };
    keyed(
        "aboutRole",
        "query",
        "role",
        "Events about this role: an id, or its name, letter by letter.",
        &text,
    );
    keyed("commitCount", "query", "count", "The most commits of the page.", &commits);
    let sse = json!({ "type": "string", "enum": ["json", "sse"] });
    let format = "A page, or events; what `Accept` says when it is left out.";
    keyed("feedFormat", "query", "format", format, &sse);
    let roster = json!({ "type": "string", "enum": ["json", "csv"], "default": "json" });
    keyed("rosterFormat", "query", "format", "The form of the list.", &roster);
    keyed("feedCount", "query", "count", "The most commits of the page.", &feed);
    let after = "Those after this one: the `next` of the page before.";
    keyed("shownAfter", "query", "after", after, &text);
    keyed("shownCount", "query", "count", "The most members or holders of the page.", &shown);
    let part = "A part of what they are called, in any case: of `userName` or `displayName`.";
    keyed("censusName", "query", "name", part, &text);
    let manager = "Those whom this connector manages; `here`: those whom none does.";
    keyed("censusManager", "query", "managedBy", manager, &text);
    let states = json!({ "type": "string", "enum": ["active", "inactive", "locked"] });
    keyed("censusState", "query", "state", "Whether they may act.", &states);
    keyed("censusCount", "query", "count", "The most of the page.", &shown);
    keyed("diffFrom", "query", "from", "The earlier moment. It must be given.", &moment);
    keyed("diffTo", "query", "to", "The later moment; now when it is left out.", &moment);
    let either = "by a name of either moment, or one before, or an id";
    keyed("diffUser", "query", "user", &format!("Only this user, {either}."), &text);
    keyed("diffGroup", "query", "group", &format!("Only this group, {either}."), &text);
    keyed("diffRole", "query", "role", "Only this role, by its name or id.", &text);
    keyed("diffAll", "query", "all", "What was touched and is as before is told too.", &flag);
    keyed("diffCount", "query", "count", "The most things of the page.", &things);
    keyed("problemCount", "query", "count", "The most entries.", &problems);
    let naming = "Those that name this: `user:…`, `group:…` or `role:…` by a name that it has or had, or an id; without a kind, a user.";
    keyed("naming", "query", "naming", naming, &text);
    keyed("dangling", "query", "dangling", "Those that name somebody who is gone.", &flag);
    let kinds = "Of these kinds, divided by commas: `refused`, `partial`, `attention`.";
    keyed("problemKind", "query", "kind", kinds, &text);
    let user = "About this user: an id, or a `userName`, also of one who never came to be.";
    keyed("problemUser", "query", "user", user, &text);
    let group = "About this group: an id, or a `displayName`, also of one that never came to be.";
    keyed("problemGroup", "query", "group", group, &text);
    keyed("problemRole", "query", "role", "About this role: its name or id.", &text);
    keyed("problemPolicy", "query", "policy", "About this policy: its name.", &text);
    keyed("problemConnector", "query", "connector", "Of this connector's client.", &text);
    let number = json!({ "type": "integer", "minimum": 0 });
    let before = "Before the entry with this number: `next` of the page before.";
    keyed("problemBefore", "query", "before", before, &number);
    let after = "After the entry with this number: what came, or came again, since.";
    keyed("problemAfter", "query", "after", after, &number);
    let role = "Why they have this role or not; without role and group, every role that they have.";
    keyed("explainUser", "query", "user", "Whom: an id, or a `userName` in any case.", &text);
    keyed("explainRole", "query", "role", role, &text);
    keyed(
        "explainGroup",
        "query",
        "group",
        "Why they are in this group or not: an id, or a name in any case.",
        &text,
    );
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
