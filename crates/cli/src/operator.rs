//! `rollbook operator`: who may administer the instance, and how much of it.

use ::audit::{ListedOperator, operators};
use anyhow::bail;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use domain::directory::Directory;
use domain::id::TenantId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::credential::seconds;
use crate::from::{At, From};
use crate::manage::{report, text};
use crate::remote::{Remote, Server};
use crate::terminal::say;

/// The roles, the least first.
const ROLES: [&str; 3] = ["auditor", "operator", "owner"];

/// Add, change and remove operators, and their keys.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook operator add ann --role auditor
  rollbook operator add ci --role operator --expires 2027-01-01T00:00:00Z
  rollbook operator list
  rollbook operator set ann --role operator
  rollbook operator rotate ann --overlap 24h
  rollbook operator remove ann

An auditor reads everything, the feed included, but not the keys that persons' values are sealed under, and
changes nothing. An operator also administers tenants. An owner also manages operators and closes tenants. The
last owner with a key that has no end can be neither removed nor made less.")]
pub(crate) struct Operator {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Verb {
    /// Add an operator; prints their key, once
    Add {
        /// What they are called: it stands beside everything that they do
        name: String,
        /// What they may do
        #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(ROLES))]
        role: String,
        /// When the key ends by itself, as 2027-01-01T00:00:00Z; never, when not given
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List the operators, now or as they were
    List {
        /// The moment: a position of the instance's own log, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// List an operator's keys, never their secrets
    Keys {
        /// Their name
        operator: String,
        #[command(flatten)]
        from: From,
    },
    /// Call an operator otherwise, or let them do something else
    Set {
        /// Their name
        operator: String,
        /// Their new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What they may do from now on
        #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(ROLES))]
        role: Option<String>,
    },
    /// Remove an operator: their keys open nothing from then on
    Remove {
        /// Their name
        operator: String,
    },
    /// Issue one more key; prints it, once
    Issue {
        /// Their name
        operator: String,
        /// When it ends by itself, as 2027-01-01T00:00:00Z; never, when not given
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Issue a key in place of all that the operator has; prints it, once
    Rotate {
        /// Their name
        operator: String,
        /// For how long the others are good still, as 30m, 24h or 7d; they end at once, when not given
        #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0")]
        overlap: u64,
        /// When it ends by itself, as 2027-01-01T00:00:00Z; never, when not given
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Revoke a key: it opens nothing from then on
    Revoke {
        /// Their name
        operator: String,
        /// The key's id, as `keys` shows it
        key: String,
    },
}

impl Operator {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match &self.verb {
            Verb::List { at, from } => return list(at.as_ref(), from).await,
            Verb::Keys { operator, from } => return keys(operator, from).await,
            Verb::Set { name: None, role: None, .. } => {
                bail!("say what to change: --name or --role")
            }
            Verb::Add { .. }
            | Verb::Set { .. }
            | Verb::Remove { .. }
            | Verb::Issue { .. }
            | Verb::Rotate { .. }
            | Verb::Revoke { .. } => {}
        }
        let remote = self.server.required()?;
        match self.verb {
            Verb::Add { name, role, expires } => {
                let body = json!({ "name": name, "role": role, "expires": expires });
                new_key(&remote, &["operators"], &body).await
            }
            Verb::Issue { operator, expires } => {
                let body = json!({ "expires": expires });
                new_key(&remote, &["operators", &operator, "keys"], &body).await
            }
            Verb::Rotate { operator, overlap, expires } => {
                let body = json!({ "expires": expires, "rotate": true, "overlapSeconds": overlap });
                new_key(&remote, &["operators", &operator, "keys"], &body).await
            }
            Verb::Set { operator, name, role } => {
                let body = json!({ "name": name, "role": role });
                let path = ["operators", operator.as_str()];
                report(&remote.ask(Method::PATCH, &path, &[], Some(&body)).await?, "changed");
                Ok(())
            }
            Verb::Remove { operator } => {
                let path = ["operators", operator.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "removed");
                Ok(())
            }
            Verb::Revoke { operator, key } => {
                let path = ["operators", operator.as_str(), "keys", key.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "revoked");
                Ok(())
            }
            Verb::List { .. } | Verb::Keys { .. } => Ok(()),
        }
    }
}

async fn new_key(remote: &Remote, path: &[&str], body: &Value) -> anyhow::Result<()> {
    let issued = remote.ask(Method::POST, path, &[], Some(body)).await?;
    say(format!("  operator key  {}", text(&issued, "operatorKey")));
    say("\nThe key is shown this once: keep it now.");
    Ok(())
}

async fn list(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let heading = ["OPERATOR", "ROLE", "KEYS", "ADDED", "REMOVED", "ID"];
    let listed = listed(at, from).await?;
    from.output.list(&listed, "there is no operator", &heading, |operator| {
        let valid = operator.keys.iter().filter(|key| key.revoked.is_none()).count();
        vec![vec![
            operator.name.clone(),
            operator.role.name().to_owned(),
            valid.to_string(),
            operator.added.to_string(),
            operator.removed.map(|at| at.to_string()).unwrap_or_default(),
            operator.id.to_string(),
        ]]
    })
}

async fn keys(name: &str, from: &From) -> anyhow::Result<()> {
    let all = listed(None, from).await?;
    let named = |one: &&ListedOperator| one.name == name && one.removed.is_none();
    let found = all.iter().find(named).or_else(|| all.iter().find(|o| o.id.to_string() == name));
    let Some(operator) = found else { bail!("there is no operator `{name}`") };
    let heading = ["KEY", "ISSUED", "LAST USED", "EXPIRES", "REVOKED", "ID"];
    from.output.list(&operator.keys, "there is no key", &heading, |key| {
        vec![vec![
            key.hint.clone(),
            key.issued.at.to_string(),
            key.last_used.map(|at| at.to_string()).unwrap_or_default(),
            key.expires.map(|end| end.to_string()).unwrap_or_default(),
            key.revoked.map(|stamp| stamp.at.to_string()).unwrap_or_default(),
            key.id.to_string(),
        ]]
    })
}

async fn listed(at: Option<&At>, from: &From) -> anyhow::Result<Vec<ListedOperator>> {
    if let Some(remote) = from.remote()? {
        let query: Vec<_> = at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
        let mut answer = remote.ask(Method::GET, &["operators"], &query, None).await?;
        let items = answer.get_mut("operators").map(Value::take).unwrap_or_default();
        return Ok(serde_json::from_value(items)?);
    }
    let engine = from.open()?;
    if let Some(at) = at {
        return Ok(operators(&engine.as_of(TenantId::SYSTEM, at.when)?.directory, |_| None));
    }
    let none = Directory::default();
    let world = engine.world();
    let used = server::last_used(&engine, TenantId::SYSTEM);
    let system = world.system().map_or(&none, |system| &system.directory);
    Ok(operators(system, |key| used.get(&key).copied()))
}
