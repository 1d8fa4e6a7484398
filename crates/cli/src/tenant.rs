//! `rollbook tenant`: one customer's world, from its first commit to its last.

use std::io::{BufRead, IsTerminal};

use ::audit::{ListedTenant, tenants};
use anyhow::{Context, bail, ensure};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use domain::directory::Directory;
use domain::id::TenantId;
use domain::preset::PRESETS;
use engine::When;
use reqwest::Method;
use serde_json::{Value, json};

use crate::from::{At, From};
use crate::manage::{report, text};
use crate::remote::{Remote, Server};
use crate::terminal::{note, say};

/// Open, describe, suspend, resume, close and list tenants.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook tenant open globex --preset entra
  rollbook tenant open initech --roles Reader,Writer='May write queries'
  rollbook tenant describe globex --title 'Globex Corp' --alerts-to alerts@globex.example --alerts on
  rollbook tenant suspend globex --reason 'moving to another identity provider'
  rollbook tenant resume globex
  rollbook tenant close globex --reason 'end of contract'
  rollbook tenant list --data ./data --at 2026-03-01

While a tenant is suspended its identity providers are answered 503 with Retry-After, so that they send again
later; operators administer it as ever. A closed tenant is closed for good: its keys open nothing, its slug is
not used again, its history can be read, exported and verified, and persons can still be erased.")]
pub(crate) struct Tenant {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Verb {
    /// Open a tenant with its first connector; prints its API key, once
    Open {
        /// Its slug, as in `acme`
        slug: String,
        /// The kind of identity provider that its connector is for
        #[arg(long, default_value = server::FIRST_CONNECTOR, value_parser = PossibleValuesParser::new(PRESETS))]
        preset: String,
        /// The roles to begin with beside Everyone, in place of Admin, Analyst and Business User: each a name, or
        /// NAME=DESCRIPTION; an empty list for none
        #[arg(long, value_name = "ROLES", value_delimiter = ',')]
        roles: Option<Vec<String>>,
    },
    /// Say what a tenant is called and where its alerts go; what is not given stays as it is
    Describe {
        /// Its slug
        slug: String,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// The mailboxes that alerts go to, in place of those before. They stand in the log in clear: take those of a
        /// team, not of a person
        #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
        alerts_to: Option<Vec<String>>,
        /// Whether alerts are sent; they need an address
        #[arg(long, value_name = "ON|OFF", value_parser = PossibleValuesParser::new(["on", "off"]))]
        alerts: Option<String>,
    },
    /// Let no identity provider in until it is resumed
    Suspend {
        /// Its slug
        slug: String,
        /// Why. It stands in the log in clear
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Let identity providers in again
    Resume {
        /// Its slug
        slug: String,
    },
    /// End a tenant for good; its history stays
    Close {
        /// Its slug
        slug: String,
        /// Why. It stands in the log in clear
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List the tenants, now or as they stood
    List {
        /// The moment: a position of the instance's own log, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
}

impl Tenant {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (slug, rest, method, body, word) = match self.verb {
            Verb::List { at, from } => return list(at.as_ref(), &from).await,
            Verb::Open { slug, preset, roles } => {
                return open(&self.server.required()?, &slug, &preset, roles).await;
            }
            Verb::Describe { slug, title, alerts_to, alerts } => {
                if title.is_none() && alerts_to.is_none() && alerts.is_none() {
                    bail!("say what to change: --title, --alerts-to or --alerts");
                }
                let alerts = alerts.map(|word| word == "on");
                let addresses = alerts_to.map(|those| {
                    those.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>()
                });
                let body = json!({ "title": title, "alertAddresses": addresses, "alerts": alerts });
                (slug, None, Method::PATCH, Some(body), "described")
            }
            Verb::Suspend { slug, reason } => {
                let body = json!({ "reason": reason });
                (slug, Some("suspend"), Method::POST, Some(body), "suspended")
            }
            Verb::Resume { slug } => (slug, Some("resume"), Method::POST, None, "resumed"),
            Verb::Close { slug, reason, yes } => {
                if !yes {
                    confirm(&slug)?;
                }
                let body = json!({ "slug": slug, "reason": reason });
                (slug, Some("close"), Method::POST, Some(body), "closed")
            }
        };
        let mut path = vec!["tenants", slug.as_str()];
        path.extend(rest);
        let remote = self.server.required()?;
        report(&remote.ask(method, &path, &[], body.as_ref()).await?, word);
        Ok(())
    }
}

async fn open(
    remote: &Remote,
    slug: &str,
    preset: &str,
    roles: Option<Vec<String>>,
) -> anyhow::Result<()> {
    let mut body = json!({ "slug": slug, "preset": preset });
    if let (Some(roles), Some(fields)) = (roles, body.as_object_mut()) {
        let role = |text: &String| match text.split_once('=') {
            Some((name, description)) => json!({ "name": name, "description": description }),
            None => json!({ "name": text }),
        };
        let roles: Vec<Value> = roles.iter().filter(|text| !text.is_empty()).map(role).collect();
        fields.insert("roles".to_owned(), roles.into());
    }
    let opened = remote.ask(Method::POST, &["tenants"], &[], Some(&body)).await?;
    say(format!("  tenant         {slug}"));
    say(format!("  SCIM base URL  {}", text(&opened, "scimBaseUrl")));
    say(format!("  API key        {}", text(&opened, "apiKey")));
    say("\nThe key is shown this once: keep it now.");
    Ok(())
}

/// That somebody means it: the slug, typed once more.
fn confirm(slug: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to confirm: give --yes");
    }
    note(format!("This closes {slug} for good: nobody can open it again."));
    note("Type the slug once more to go on:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    ensure!(line.trim() == slug, "that is another slug: nothing was done");
    Ok(())
}

async fn list(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let listed: Vec<ListedTenant> = match from.remote()? {
        Some(remote) => {
            let query: Vec<_> = at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
            let mut answer = remote.ask(Method::GET, &["tenants"], &query, None).await?;
            serde_json::from_value(answer.get_mut("tenants").map(Value::take).unwrap_or_default())?
        }
        None => of_folder(at, from)?,
    };
    let heading = ["TENANT", "STATE", "TITLE", "OPENED", "ID"];
    from.output.list(&listed, "there is no tenant", &heading, |tenant| {
        vec![vec![
            tenant.slug.clone(),
            tenant.state.clone(),
            tenant.title.clone().unwrap_or_default(),
            tenant.opened.to_string(),
            tenant.id.to_string(),
        ]]
    })
}

fn of_folder(at: Option<&At>, from: &From) -> anyhow::Result<Vec<ListedTenant>> {
    let engine = from.open()?;
    let world = engine.world();
    let Some(at) = at else {
        let none = Directory::default();
        let system = world.system().map_or(&none, |system| &system.directory);
        return Ok(tenants(&world, system, None));
    };
    let system = engine.as_of(TenantId::SYSTEM, at.when).context("there was no tenant then")?;
    let time = match at.when {
        When::Time(time) => time,
        When::Position(_) => system.head.time,
    };
    Ok(tenants(&world, &system.directory, Some(time)))
}
