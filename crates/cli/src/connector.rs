//! `rollbook connector`: how each identity provider is read, what it may do, and what it really sends.

mod ignored;
mod settings;
mod shown;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::from::{At, From};
use crate::local::released;
use crate::manage::{report, text};
use crate::remote::ServedTenant;
use crate::terminal::{plain, say};
use settings::Settings;

/// Add, list, change, switch off and remove connectors; show what was tolerated of their clients.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook connector list
  rollbook connector list --data ./data --json
  rollbook connector add entra --preset entra --on-deactivate leave-groups
  rollbook connector show okta
  rollbook connector set entra --mode strict
  rollbook connector set okta --permissions createUsers,updateUsers
  rollbook connector set okta --exclude 'user=svc-*' --exclude domain=contractors.example
  rollbook connector set okta --mapping 'userName=emails[primary eq true].value|before-at'
  rollbook connector ignored okta
  rollbook connector disable okta")]
pub(crate) struct Connector {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// List the connectors, now or as they were
    List {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
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
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Change a connector's settings; what is not given stays
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List whom and what a connector's lists leave out, now or as it was
    Ignored {
        /// Its name
        name: String,
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Let a connector's keys open everything again that they opened
    Enable {
        /// Its name
        name: String,
    },
    /// Remove a connector and its keys, once nothing comes from it any more
    Remove {
        /// Its name
        name: String,
    },
    /// Refuse whatever a connector's client asks, with its keys and settings kept
    Disable {
        /// Its name
        name: String,
    },
    /// Let a connector manage nothing any more, so that another one may link its users and groups: disable it first
    Release {
        /// Its name
        name: String,
    },
}

impl Connector {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::List { at, from } => shown::list(at.as_ref(), &from).await,
            Verb::Show { name, at, from } => shown::one(&name, at.as_ref(), &from).await,
            Verb::Ignored { name, at, from } => ignored::list(&name, at.as_ref(), &from).await,
            Verb::Add { name, settings } => add(&self.tenant, name, settings).await,
            Verb::Set { name, settings } => {
                let body = Value::Object(settings.into_body());
                change(&self.tenant, &name, &body, "changed").await
            }
            Verb::Remove { name } => {
                let (remote, slug) = self.tenant.found().await?;
                let path = ["tenants", slug.as_str(), "connectors", name.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "removed");
                Ok(())
            }
            Verb::Release { name } => {
                let (remote, slug) = self.tenant.found().await?;
                let path = ["tenants", slug.as_str(), "connectors", name.as_str()];
                released(&remote, &path.map(str::to_owned), "release").await
            }
            Verb::Enable { name } => {
                change(&self.tenant, &name, &json!({ "enabled": true }), "enabled").await
            }
            Verb::Disable { name } => {
                change(&self.tenant, &name, &json!({ "enabled": false }), "disabled").await
            }
        }
    }
}

async fn add(tenant: &ServedTenant, name: String, settings: Settings) -> anyhow::Result<()> {
    let (remote, slug) = tenant.found().await?;
    let mut body = settings.into_body();
    body.insert("name".to_owned(), name.into());
    let path = ["tenants", slug.as_str(), "connectors"];
    let added = remote.ask(Method::POST, &path, &[], Some(&Value::Object(body))).await?;
    say(format!("  SCIM base URL  {}", text(&added, "scimBaseUrl")));
    say(format!("  API key        {}", text(&added, "apiKey")));
    say("\nThe key is shown this once: keep it now.");
    Ok(())
}

async fn change(tenant: &ServedTenant, name: &str, body: &Value, word: &str) -> anyhow::Result<()> {
    let (remote, slug) = tenant.found().await?;
    let path = ["tenants", slug.as_str(), "connectors", name];
    let done = remote.ask(Method::PATCH, &path, &[], Some(body)).await?;
    report(&done, word);
    let notes = done.get("notes").and_then(Value::as_array);
    notes.into_iter().flatten().filter_map(Value::as_str).for_each(|note| say(plain(note)));
    Ok(())
}
