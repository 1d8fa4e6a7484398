//! What users and groups that are managed here have in common on the command line.

use std::io::Read;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::manage::text;
use crate::remote::Remote;
use crate::terminal::say;

/// A resource in a file, or on standard input; nothing when none is named.
pub(crate) fn file(name: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    let read = match name {
        None => return Ok(Map::new()),
        Some("-") => {
            let mut all = Vec::new();
            std::io::stdin().lock().read_to_end(&mut all).context("standard input")?;
            all
        }
        Some(path) => std::fs::read(path).with_context(|| format!("`{path}` cannot be read"))?,
    };
    match serde_json::from_slice(&read).context("the file is not JSON")? {
        Value::Object(resource) => Ok(resource),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            bail!("the file holds no JSON object")
        }
    }
}

/// A PATCH that puts these values at these paths.
pub(crate) fn patch(
    changes: impl IntoIterator<Item = (&'static str, Value)>,
) -> anyhow::Result<Value> {
    let replace = |(path, value)| json!({ "op": "replace", "path": path, "value": value });
    let operations: Vec<Value> = changes.into_iter().map(replace).collect();
    ensure!(!operations.is_empty(), "nothing to change was given: `--help` says what there is");
    Ok(json!({ "Operations": operations }))
}

/// Says what was made.
pub(crate) fn made(answer: &Value) {
    say(format!("added {} at position {}", text(answer, "id"), text(answer, "position")));
}

/// Releases what is at a path, in as many requests as it takes.
pub(crate) async fn released(remote: &Remote, path: &[String], verb: &str) -> anyhow::Result<()> {
    let path: Vec<&str> = path.iter().map(String::as_str).chain([verb]).collect();
    let mut last = String::new();
    loop {
        let answer = remote.ask(Method::POST, &path, &[], None).await?;
        let position = text(&answer, "position");
        if !position.is_empty() {
            last = position;
        }
        if answer.get("left").and_then(Value::as_u64).unwrap_or_default() == 0 {
            break;
        }
    }
    match last.as_str() {
        "" => say("nothing to do: no connector manages it"),
        position => say(format!("released at position {position}")),
    }
    Ok(())
}
