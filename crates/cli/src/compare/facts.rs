//! Directories as lists of facts, and what differs between two lists.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use domain::directory::Directory;
use serde_json::Value;

use super::Ignore;

/// What differs between two directories.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Which thing: its kind and what people call it.
    thing: String,
    how: How,
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    OnlyFirst,
    OnlySecond,
    Attribute { path: String, first: String, second: String },
}

/// Things by kind and id, each with its values by path.
type Facts = BTreeMap<(String, String), BTreeMap<String, Value>>;

/// What may be called a name, in the order in which it is looked for.
const NAMES: [&str; 4] = ["user_name", "display_name", "name", "slug"];

/// The kind of what is no thing but a word: a name that somebody had once, and whose it was.
const FORMERLY: &str = "former name";

/// What a key is checked against: a key that someone chose may be guessed from it, so it is never shown.
const SECRET: &str = "hash";

impl Difference {
    pub(crate) fn told(&self, first: &str, second: &str) -> String {
        let thing = &self.thing;
        match &self.how {
            How::OnlyFirst => format!("only in {first}: {thing}"),
            How::OnlySecond => format!("only in {second}: {thing}"),
            How::Attribute { path, first, second } => {
                format!("{thing}: {path} is {first} and {second}")
            }
        }
    }
}

/// What differs, things that only one has first.
pub(crate) fn differences(
    first: &Directory,
    second: &Directory,
    ignore: &[Ignore],
) -> anyhow::Result<Vec<Difference>> {
    let (first, second) = (facts(first, ignore)?, facts(second, ignore)?);
    let (mut only, mut differ) = (Vec::new(), Vec::new());
    let keys: BTreeSet<_> = first.keys().chain(second.keys()).collect();
    for key in keys {
        match (first.get(key), second.get(key)) {
            (Some(ours), Some(theirs)) => {
                let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
                for path in paths {
                    let (first, second) = (ours.get(path), theirs.get(path));
                    if first != second {
                        let (path, thing) = (path.clone(), name(key, ours));
                        let (first, second) = if path == SECRET {
                            ("of one secret".to_owned(), "of another".to_owned())
                        } else {
                            (shown(first), shown(second))
                        };
                        let how = How::Attribute { path, first, second };
                        differ.push(Difference { thing, how });
                    }
                }
            }
            (Some(ours), None) => {
                only.push(Difference { thing: name(key, ours), how: How::OnlyFirst });
            }
            (None, Some(theirs)) => {
                only.push(Difference { thing: name(key, theirs), how: How::OnlySecond });
            }
            (None, None) => {}
        }
    }
    only.extend(differ);
    Ok(only)
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("nothing".to_owned(), Value::to_string)
}

fn name((kind, id): &(String, String), values: &BTreeMap<String, Value>) -> String {
    let name = NAMES.iter().find_map(|name| values.get(*name)?.as_str());
    match name {
        Some(name) if !name.is_empty() => format!("{kind} {name} ({id})"),
        Some(_) | None => format!("{kind} {id}"),
    }
}

fn facts(directory: &Directory, ignore: &[Ignore]) -> anyhow::Result<Facts> {
    let whole = ::audit::sorted_json(directory).context("a directory has no words")?;
    let mut facts = Facts::new();
    for (kind, value) in whole.as_object().into_iter().flatten() {
        collect(kind.trim_end_matches('s'), value, &mut facts);
    }
    for ((kind, _), values) in &mut facts {
        values.retain(|path, _| !is_left_out(kind, path, ignore));
    }
    if ignore.contains(&Ignore::Tenant) {
        facts.retain(|(kind, _), _| kind != "tenant");
    }
    if ignore.contains(&Ignore::Persons) {
        facts.retain(|(kind, _), _| kind != FORMERLY);
        let roles = |values: &mut BTreeMap<String, Value>| values.get_mut("roles").map(Value::take);
        for ((kind, _), values) in &mut facts {
            if kind == "user"
                && let Some(mut roles) = roles(values)
            {
                let each = roles.as_array_mut().into_iter().flatten();
                each.filter_map(Value::as_object_mut).for_each(|role| drop(role.remove("wording")));
                values.insert("roles".to_owned(), roles);
            }
        }
    }
    Ok(facts)
}

/// Takes a section apart: a list of things, lists of lists, or one thing.
fn collect(kind: &str, value: &Value, facts: &mut Facts) {
    match value {
        Value::Array(items) => {
            for item in items {
                collect(kind, item, facts);
            }
        }
        Value::Object(object) => {
            let id = object.get("id").or_else(|| object.get("urn")).and_then(Value::as_str);
            let mut values = BTreeMap::new();
            for (name, value) in object {
                flatten(name, value, &mut values);
            }
            let id = id.unwrap_or_default().to_owned();
            facts.entry((kind.to_owned(), id)).or_default().extend(values);
        }
        Value::Null => {}
        // As a name that was given up: it is a thing by itself.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            facts.entry((FORMERLY.to_owned(), value.to_string())).or_default();
        }
    }
}

/// Values by path; lists are taken whole, but for those of a group's members.
fn flatten(path: &str, value: &Value, values: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                flatten(&format!("{path}.{name}"), value, values);
            }
        }
        Value::Array(items) if path == "members" => {
            for item in items {
                values.insert(format!("members {item}"), Value::Bool(true));
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => drop(values.insert(path.to_owned(), value.clone())),
    }
}

fn is_left_out(kind: &str, path: &str, ignore: &[Ignore]) -> bool {
    let any = |names: &[&str]| {
        let begins = |name: &&str| {
            path.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        names.iter().any(begins)
    };
    match kind {
        "user" => {
            ignore.contains(&Ignore::Persons)
                && any(&["user_name", "external_ids", "written", "attributes"])
        }
        "operator" => ignore.contains(&Ignore::Persons) && any(&["name"]),
        "group" => {
            ignore.contains(&Ignore::Groups) && any(&["display_name", "external_ids", "attributes"])
        }
        "standing" => {
            let reasons = ["alert_addresses", "state.Suspended.reason", "state.Closed.reason"];
            ignore.contains(&Ignore::Persons) && any(&reasons)
        }
        "credential" => ignore.contains(&Ignore::Keys) && any(&["hash", "hint", "proof"]),
        _ => false,
    }
}
