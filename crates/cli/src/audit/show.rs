//! Audit answers as tables for people.

use ::audit::{Entry, Named, Told};
use serde_json::Value;

use crate::output::Output;
use crate::terminal::{Tone, plain, say, toned};

/// Changes of attributes that a sentence tells one by one.
const CHANGES: usize = 4;
/// Characters of a value that a sentence shows.
const VALUE_CHARS: usize = 40;

/// Who acted, and with which key.
pub(crate) fn actor(entry: &Entry) -> String {
    let mut who = entry.actor.to_string();
    if let Some(hint) = entry.credential.as_ref().and_then(|credential| credential.name.as_ref()) {
        who.push_str(&format!(" ({hint})"));
    }
    if let Some(claimed) = &entry.claimed {
        let name = claimed.name.as_deref().unwrap_or("somebody who was erased");
        who.push_str(&format!(", in the name of {name}"));
    }
    who
}

fn address(entry: &Entry) -> String {
    entry.source.map_or_else(|| "here".to_owned(), |address| address.to_string())
}

/// One table for each person: a name may have been several people's, one after the other.
pub(crate) fn show_roles(output: Output, entries: &[Entry]) {
    let mut people: Vec<(String, String, Vec<Vec<String>>)> = Vec::new();
    for entry in entries {
        for told in &entry.events {
            let id = told.event.get("user").and_then(Value::as_str).unwrap_or_default();
            let name = told.user_name.clone().unwrap_or_else(|| "erased".to_owned());
            let row = role_row(entry, told);
            match people.iter_mut().find(|(there, ..)| there == id) {
                Some((_, last, rows)) => {
                    *last = name;
                    rows.push(row);
                }
                None => people.push((id.to_owned(), name, vec![row])),
            }
        }
    }
    let heading = ["TIME", "CHANGE", "ROLES", "BY", "FROM", "POSITION", "HASH", "REQUEST"];
    let several = people.len() > 1;
    for (id, name, rows) in people {
        if several {
            say(format!("\n{}  (user {id})", plain(&name)));
        }
        output.table(&heading, &rows);
    }
}

fn role_row(entry: &Entry, told: &Told) -> Vec<String> {
    let role = told.role_name.clone().unwrap_or_default();
    let assigned = told.kind() == "RoleAssigned";
    let change = match (assigned, told.before == told.after) {
        // The same role through one source more or less, or written in other words.
        (_, true) => toned(&format!("= {role}"), Tone::Faint),
        (true, false) => toned(&format!("+ {role}"), Tone::Good),
        (false, false) => toned(&format!("- {role}"), Tone::Bad),
    };
    let roles = |names: &Option<Vec<String>>| match names.as_deref() {
        None | Some([]) => "none".to_owned(),
        Some(names) => names.join(", "),
    };
    vec![
        entry.at.to_string(),
        change,
        format!("{} → {}", roles(&told.before), roles(&told.after)),
        actor(entry),
        address(entry),
        entry.position.to_string(),
        entry.hash.short(),
        toned(&entry.request.to_string(), Tone::Faint),
    ]
}

/// A row for each commit.
pub(super) fn commits(output: Output, entries: &[Entry]) {
    let rows: Vec<Vec<String>> = entries.iter().map(commit_row).collect();
    output.table(&["POSITION", "TIME", "WHAT", "BY", "FROM", "HASH"], &rows);
}

/// A row for each commit, with which side it is of something: whether it was done by it (or with it), or to it.
pub(super) fn both_sides(output: Output, entries: &[Entry], is_by: impl Fn(&Entry) -> bool) {
    let row = |entry: &Entry| {
        let mut row = commit_row(entry);
        row.insert(2, if is_by(entry) { "by it" } else { "to it" }.to_owned());
        row
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    output.table(&["POSITION", "TIME", "SIDE", "WHAT", "BY", "FROM", "HASH"], &rows);
}

/// Whether that is its name, its hint or its id.
pub(super) fn is_called(named: &Named, asked: &str) -> bool {
    let names = [&named.id, &named.name].into_iter().flatten();
    let short = |text: &str| text.trim_end_matches(['…', '.']).to_owned();
    names.into_iter().any(|name| short(name) == short(asked))
}

/// A row for each event, with the roles after it where it changed them.
pub(super) fn access(output: Output, entries: &[Entry]) {
    let row = |entry: &Entry, told: &Told| {
        let roles = told.after.as_ref().map(|after| match after.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        });
        vec![
            entry.at.to_string(),
            sentence(told),
            roles.unwrap_or_default(),
            actor(entry),
            address(entry),
            entry.position.to_string(),
            entry.hash.short(),
        ]
    };
    let rows: Vec<Vec<String>> = entries
        .iter()
        .flat_map(|entry| entry.events.iter().map(move |told| row(entry, told)))
        .collect();
    output.table(&["TIME", "WHAT", "ROLES AFTER", "BY", "FROM", "POSITION", "HASH"], &rows);
}

fn commit_row(entry: &Entry) -> Vec<String> {
    let mut events: Vec<String> = entry.events.iter().take(CHANGES).map(sentence).collect();
    let rest = entry.events.len().saturating_sub(CHANGES);
    if rest > 0 {
        events.push(format!("and {rest} more"));
    }
    vec![
        entry.position.to_string(),
        entry.at.to_string(),
        events.join("; "),
        actor(entry),
        address(entry),
        entry.hash.short(),
    ]
}

/// An event in a few words.
pub(crate) fn sentence(told: &Told) -> String {
    let names = [
        &told.user_name,
        &told.role_name,
        &told.member_name,
        &told.group_name,
        &told.policy_name,
        &told.connector_name,
        &told.operator_name,
        &told.credential_hint,
    ];
    let mut words = vec![told.kind().to_owned()];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    words.extend((!names.is_empty()).then(|| names.join(" · ")));
    let is_gone = told.event.get("user").is_some() && told.user_name.is_none();
    words.extend(is_gone.then(|| "of someone who was erased".to_owned()));
    words.extend(told.holder.as_ref().map(|holder| format!("of {holder}")));
    words.extend(change(told).map(|change| format!("({change})")));
    // Whatever a client wrote: nothing of it may move the cursor.
    words.join(" ").replace(char::is_control, "\u{fffd}")
}

/// What an event changed, from what to what.
fn change(told: &Told) -> Option<String> {
    let event = &told.event;
    let personal = event.get("personal");
    let changes = event.get("changes").or(personal).and_then(Value::as_array);
    if let Some(changes) = changes {
        // By which mapping a connector wrote tells a reader nothing.
        let told = |change: &&Value| change.get("path").and_then(Value::as_str) != Some("written");
        let changes: Vec<&Value> = changes.iter().filter(told).collect();
        let mut all: Vec<String> = changes.iter().take(CHANGES).map(|it| attribute(it)).collect();
        let rest = changes.len().saturating_sub(CHANGES);
        if rest > 0 {
            all.push(format!("and {rest} more"));
        }
        return Some(all.join(", "));
    }
    let through = told.through.as_ref().filter(|_| told.in_effect_before.is_some());
    if let (Some(through), true) = (through, told.in_effect_before == told.in_effect_after) {
        // Of a membership: another source holds it as well.
        let word = if told.in_effect_after == Some(true) { "in already" } else { "not in" };
        return Some(format!("through {through}, {word}"));
    }
    let renamed = if event.get("from").is_some() { Some(event) } else { personal };
    let (from, to) = (renamed?.get("from"), renamed?.get("to"));
    if let (Some(from), Some(to)) = (from, to) {
        return Some(format!("{} → {}", value(Some(from)), value(Some(to))));
    }
    None
}

fn attribute(change: &Value) -> String {
    let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
    // What a connector wrote where its mapping put something else: `false` is nothing.
    let part =
        |name| change.get(name).filter(|it| !(path.starts_with("written:") && it.is_boolean()));
    format!("{path}: {} → {}", value(part("old")), value(part("new")))
}

fn value(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "none".to_owned(),
        Some(value) => value.to_string(),
    };
    if text.chars().count() <= VALUE_CHARS {
        return text;
    }
    text.chars().take(VALUE_CHARS).chain(['…']).collect()
}
