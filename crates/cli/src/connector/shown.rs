//! Connectors as people and programs read them.

use ::audit::show::{Kind, Page, Thing, show};
use domain::event::ConnectorSettings;
use domain::id::ConnectorId;
use domain::time::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::from::{At, From};
use crate::manage::{rows, text};
use crate::output::Format;
use crate::terminal::{Tone, plain, say, table, toned};

/// A connector in a list. What was tolerated of its client is counted beside the log: a data folder and the past do not
/// tell it.
#[derive(Serialize, Deserialize)]
struct Listed {
    id: ConnectorId,
    name: String,
    settings: ConnectorSettings,
    created: Timestamp,
    tolerated: Option<Value>,
}

pub(super) async fn list(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let connectors = from
        .listed("connectors", at, |directory| {
            let listed = |one: &domain::directory::Connector| Listed {
                id: one.id,
                name: one.name.clone(),
                settings: one.settings.clone(),
                created: one.created.at,
                tolerated: None,
            };
            directory.connectors.iter().map(listed).collect()
        })
        .await?;
    let heading =
        ["CONNECTOR", "PRESET", "MODE", "REQUESTS", "STRICT WOULD REFUSE", "CREATED", "STATE"];
    from.output.list(&connectors, "there is no connector", &heading, |one: &Listed| {
        let told = |key: &str| one.tolerated.as_ref().map_or(String::new(), |t| text(t, key));
        let mode = serde_json::to_value(one.settings.mode).unwrap_or_default();
        let state = if one.settings.enabled { "enabled" } else { "disabled" };
        vec![vec![
            one.name.clone(),
            one.settings.preset.clone(),
            mode.as_str().unwrap_or_default().to_owned(),
            told("requests"),
            told("strictWouldRefuse"),
            one.created.to_string(),
            state.to_owned(),
        ]]
    })
}

pub(super) async fn one(name: &str, at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let shown = match from.remote()? {
        Some(remote) => {
            let slug = remote.tenant(from.tenant()).await?;
            let query: Vec<_> = at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
            let path = ["tenants", slug.as_str(), "connectors", name];
            remote.ask(Method::GET, &path, &query, None).await?
        }
        None => of_folder(name, at, from)?,
    };
    match from.output.format() {
        Some(Format::Json) => say(format!("{shown:#}")),
        Some(Format::Ndjson) => say(shown.to_string()),
        Some(Format::Csv) => from.output.list(
            &settings_of(&shown).into_iter().collect::<Vec<_>>(),
            "",
            &["SETTING", "VALUE"],
            |(setting, value)| vec![vec![setting.clone(), in_words(value)]],
        )?,
        Some(Format::Table) | None => for_people(&shown),
    }
    Ok(())
}

fn of_folder(name: &str, at: Option<&At>, from: &From) -> anyhow::Result<Value> {
    let (engine, tenant, then) = from.folder(at)?;
    let page = Page { after: None, count: 0, problems: false };
    let shown = show(&engine, tenant, &then, Kind::Connector, name, &page)?;
    debug_assert!(matches!(shown.thing, Thing::Connector(_)));
    let mut shown = ::audit::sorted_json(shown)?;
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("tolerated".to_owned(), Value::Null);
    }
    Ok(shown)
}

fn settings_of(shown: &Value) -> Map<String, Value> {
    shown.get("settings").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// A setting's value on one line.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn for_people(shown: &Value) {
    let nothing = json!({});
    let tolerated = shown.get("tolerated").unwrap_or(&nothing);
    let settings = settings_of(shown);
    say(format!("  connector  {}", plain(&text(shown, "name"))));
    for first in ["preset", "mode"] {
        say(format!("  {first:9}  {}", settings.get(first).map(in_words).unwrap_or_default()));
    }
    let others: Vec<_> =
        settings.iter().filter(|(name, _)| *name != "preset" && *name != "mode").collect();
    for (name, value) in others {
        say(format!("  setting    {name} = {}", plain(&in_words(value))));
    }
    say(format!("  created    {}", text(shown, "created")));
    if tolerated.is_null() {
        return;
    }
    let count = |key: &str| tolerated.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (requests, refused) = (count("requests"), count("strictWouldRefuse"));
    if requests == 0 {
        say("\nNothing was sent yet.");
        return;
    }
    let tone = if refused == 0 { Tone::Good } else { Tone::Bad };
    let word = if requests == 1 { "request" } else { "requests" };
    say(format!(
        "\n{requests} {word} since {}; {}",
        text(tolerated, "since"),
        toned(&format!("strict would have refused {refused}"), tone)
    ));
    let rules = rows(tolerated, "rules", &["rule", "times", "what"]);
    if rules.is_empty() {
        say("Everything was as the RFCs say.");
    } else {
        say("");
        table(&["RULE", "TIMES", "WHAT WAS SENT"], &rules);
    }
}
