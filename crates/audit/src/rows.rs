//! Answered commits as rows of plain cells, for CSV.

use serde_json::Value;

use crate::entry::{Entry, Named, Told};

/// What the cells of [`rows`] are, in their order. Columns are added at the end, none is renamed or taken away.
pub const HEADING: [&str; 20] = [
    "position",
    "time",
    "hash",
    "actor_kind",
    "actor",
    "actor_id",
    "credential",
    "credential_id",
    "address",
    "agent",
    "request",
    "event",
    "user",
    "role",
    "group",
    "member",
    "before",
    "after",
    "details",
    "claimed",
];

/// A commit as rows, one for each of its events. A name that is not known any more is left empty; `details` is
/// the event in JSON, with its ids.
pub fn rows(entry: &Entry) -> Vec<Vec<String>> {
    entry.events.iter().map(|told| row(entry, told)).collect()
}

fn row(entry: &Entry, told: &Told) -> Vec<String> {
    let named = |named: Option<&Named>| {
        let name = named.and_then(|named| named.name.clone()).unwrap_or_default();
        let id = named.and_then(|named| named.id.clone()).unwrap_or_default();
        (name, id)
    };
    let (actor, actor_id) = named(Some(&entry.actor));
    let (credential, credential_id) = named(entry.credential.as_ref());
    let kind = told.event.get("type").and_then(Value::as_str).unwrap_or_default();
    let text = |name: &Option<String>| name.clone().unwrap_or_default();
    let roles = |names: &Option<Vec<String>>| {
        names.iter().flatten().cloned().collect::<Vec<_>>().join("; ")
    };
    vec![
        entry.position.to_string(),
        entry.at.to_string(),
        entry.hash.to_string(),
        entry.actor.kind.clone(),
        actor,
        actor_id,
        credential,
        credential_id,
        entry.source.map(|address| address.to_string()).unwrap_or_default(),
        text(&entry.agent),
        entry.request.to_string(),
        kind.to_owned(),
        text(&told.user_name),
        text(&told.role_name),
        text(&told.group_name),
        text(&told.member_name),
        roles(&told.before),
        roles(&told.after),
        told.event.to_string(),
        named(entry.claimed.as_ref()).0,
    ]
}
