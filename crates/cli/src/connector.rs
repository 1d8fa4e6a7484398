//! `rollbook connector`: how each identity provider is read, and what it really sends.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use domain::preset::PRESETS;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::manage::{report, rows, text};
use crate::remote::{Remote, ServedTenant};
use crate::terminal::{Tone, say, table, toned};

/// Add, list and change connectors; show what was tolerated of their clients.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook connector list
  rollbook connector add entra --preset entra
  rollbook connector show okta
  rollbook connector set entra --mode strict
  rollbook connector set entra --patch-answer resource")]
pub(crate) struct Connector {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// List the connectors
    List,
    /// Add a connector; prints its API key, once
    Add {
        /// Its name, unique in the tenant
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show a connector's settings, and what its client sent that the RFCs do not have
    Show {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change how a connector's client is read; what is not given stays
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
}

/// How a client is read.
#[derive(Args)]
struct Settings {
    /// The kind of identity provider: it decides what is not given
    #[arg(long, value_name = "PRESET", value_parser = PossibleValuesParser::new(PRESETS))]
    preset: Option<String>,
    /// How literally requests are read
    #[arg(long, value_name = "MODE", value_parser = ["strict", "lenient", "interop"])]
    mode: Option<String>,
    /// Whether `""` written to an optional attribute unassigns it
    #[arg(long, value_name = "BOOL")]
    empty_unassigns: Option<bool>,
    /// What a PATCH is answered with: `standard` has no body for groups, `resource` always has one
    #[arg(long, value_name = "FORM", value_parser = ["standard", "resource"])]
    patch_answer: Option<String>,
    /// How the tenant's roles are published at /Roles: not, as the IETF draft has it, or as Okta reads it
    #[arg(long, value_name = "FORM", value_parser = ["none", "draft", "okta"])]
    catalogue: Option<String>,
    /// A write that names members whom nobody knows is refused, or carried out without them and reported
    #[arg(long, value_name = "WHAT", value_parser = ["refuse", "report"])]
    unknown_members: Option<String>,
}

impl Settings {
    fn into_body(self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        };
        set("preset", self.preset.map(Value::String));
        set("mode", self.mode.map(Value::String));
        set("emptyUnassigns", self.empty_unassigns.map(Value::Bool));
        set("patchAnswer", self.patch_answer.map(Value::String));
        set("catalogue", self.catalogue.map(Value::String));
        set("unknownMembers", self.unknown_members.map(Value::String));
        body
    }
}

impl Connector {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (remote, slug) = self.tenant.found().await?;
        let path = ["tenants", slug.as_str(), "connectors"];
        match self.verb {
            Verb::List => {
                let list = remote.ask(Method::GET, &path, &[], None).await?;
                list_them(&list);
            }
            Verb::Add { name, settings } => {
                let mut body = settings.into_body();
                body.insert("name".to_owned(), name.into());
                let body = Value::Object(body);
                let added = remote.ask(Method::POST, &path, &[], Some(&body)).await?;
                say(format!("  SCIM base URL  {}/scim/{slug}/v2", remote.url));
                say(format!("  API key        {}", text(&added, "apiKey")));
                say("\nThe key is shown this once: keep it now.");
            }
            Verb::Show { name, json } => show(&remote, &slug, &name, json).await?,
            Verb::Set { name, settings } => {
                let path = ["tenants", slug.as_str(), "connectors", name.as_str()];
                let body = Value::Object(settings.into_body());
                report(&remote.ask(Method::PATCH, &path, &[], Some(&body)).await?, "changed");
            }
        }
        Ok(())
    }
}

fn list_them(list: &Value) {
    let connectors = list.get("connectors").and_then(Value::as_array);
    let row = |connector: &Value| {
        let of =
            |group: &str, key: &str| connector.get(group).map_or(String::new(), |g| text(g, key));
        vec![
            text(connector, "name"),
            of("settings", "preset"),
            of("settings", "mode"),
            of("tolerated", "requests"),
            of("tolerated", "strictWouldRefuse"),
            text(connector, "created"),
        ]
    };
    let rows: Vec<_> = connectors.into_iter().flatten().map(row).collect();
    let heading = ["CONNECTOR", "PRESET", "MODE", "REQUESTS", "STRICT WOULD REFUSE", "CREATED"];
    table(&heading, &rows);
}

async fn show(remote: &Remote, slug: &str, name: &str, as_json: bool) -> anyhow::Result<()> {
    let path = ["tenants", slug, "connectors", name];
    let shown = remote.ask(Method::GET, &path, &[], None).await?;
    if as_json {
        say(format!("{shown:#}"));
        return Ok(());
    }
    let nothing = json!({});
    let settings = shown.get("settings").unwrap_or(&nothing);
    let tolerated = shown.get("tolerated").unwrap_or(&nothing);
    say(format!("  connector  {}", text(&shown, "name")));
    say(format!("  preset     {}", text(settings, "preset")));
    say(format!("  mode       {}", text(settings, "mode")));
    if settings.get("emptyUnassigns").is_some() {
        say("  empty      `\"\"` unassigns an optional attribute");
    }
    if settings.get("patchAnswer").is_some() {
        say(format!("  patch      answered with the {}", text(settings, "patchAnswer")));
    }
    if settings.get("catalogue").is_some() {
        say(format!("  roles      published in the form `{}`", text(settings, "catalogue")));
    }
    if settings.get("unknownMembers").is_some() {
        say("  members    unknown ones are left out and reported");
    }
    say(format!("  created    {}", text(&shown, "created")));
    let count = |key: &str| tolerated.get(key).and_then(Value::as_u64).unwrap_or_default();
    let (requests, refused) = (count("requests"), count("strictWouldRefuse"));
    if requests == 0 {
        say("\nNothing was sent yet.");
        return Ok(());
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
    Ok(())
}
